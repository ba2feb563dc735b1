"""JupyterLab's menus on a hub: "Saiten" with the pages that work, and no formgrader in a tab of Lab's, which is blank.

In: a folder of Jupyter's configuration path and a course's id. Out: three small JSON files in it, the same every time.
JupyterHub forbids that a service's pages are framed, and it is right to: on one domain a student's own page could frame
them. So the menu opens formgrader's page itself, and the plug-in that would frame it is switched off.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

MARKING_LABEL = "採点・フィードバック / Marks and feedback"
FORMGRADER_LABEL = "Formgrader（教員 / staff）"

_NBGRADERS_TAB = "@jupyter/nbgrader:formgrader"
_MENUS = "@jupyterlab/mainmenu-extension:plugin"
_SERVER_EXTENSION = "saiten.formgrader.server"


def write_lab_configuration(folder: Path, course_id: str, prefix: str = "/") -> None:
    """Write what Lab reads of a folder of JUPYTER_CONFIG_PATH (or `<environment>/etc/jupyter`).

    Files of the same names are replaced: the folder is the hub's own. Students see both entries of the menu; formgrader
    refuses them (403).

    Args:
        folder: made if it is not there.
        course_id: name of formgrader's service.
        prefix: `JupyterHub.base_url`.

    Raises:
        OSError: the folder cannot be written.
    """
    base = f"{prefix.rstrip('/')}/services"
    pages = ((MARKING_LABEL, f"{base}/marking/"), (FORMGRADER_LABEL, f"{base}/{course_id}/formgrader"))
    items = [
        # Lab's own command for a page outside of Lab; it takes its label from its arguments
        {"command": "help:open", "rank": rank, "args": {"text": text, "url": url, "newBrowserTab": True}}
        for rank, (text, url) in enumerate(pages, 1)
    ]
    menu = {"id": "jp-mainmenu-saiten", "label": "Saiten", "rank": 900, "items": items}
    _write(folder / "labconfig" / "default_setting_overrides.json", {_MENUS: {"menus": [menu]}})
    _write(folder / "labconfig" / "page_config.json", {"disabledExtensions": {_NBGRADERS_TAB: True}})
    enabled = {"ServerApp": {"jpserver_extensions": {_SERVER_EXTENSION: True}}}
    _write(folder / "jupyter_server_config.d" / "saiten.json", enabled)


def _write(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2, sort_keys=True) + "\n", encoding="utf-8")
