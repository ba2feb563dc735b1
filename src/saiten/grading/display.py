"""What of a cell's outputs goes into the marked notebook: nbformat's four kinds, and no more than a notebook can hold.

In: outputs as a process sent them (untrusted JSON). Out: outputs that nbformat knows, within a budget per notebook.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from saiten.grading.shell import Output

NOTEBOOK_OUTPUTS = 4
"""Times the limit of one cell that all cells of a notebook may show together, and never less than `LEAST_KB`."""
LEAST_KB = 4096
MAX_FIGURES = 300
"""Pictures in one marked notebook."""


class OutputBudget:
    """Counts what the cells of one notebook have shown, and cuts what is beyond the limits.

    Args:
        output_kb: limit of one cell.
    """

    def __init__(self, output_kb: int) -> None:
        self._kb = max(NOTEBOOK_OUTPUTS * output_kb, LEAST_KB)
        self._room = self._kb << 10
        self._figures = MAX_FIGURES

    def keep(self, outputs: Sequence[Output]) -> list[Output]:
        """The outputs that there is room for; the first one that is left out is replaced by a note that says so."""
        kept: list[Output] = []
        for output in outputs:
            figure = any(mime.startswith("image/") for mime in output.get("data", ()))
            size = len(json.dumps(output, ensure_ascii=False).encode("utf-8", "replace"))
            if size > self._room:
                kept.append(_left_out(f"all outputs of a notebook together may take {self._kb} kB"))
                break
            if figure and not self._figures:
                kept.append(_left_out(f"a notebook may show {MAX_FIGURES} figures"))
                break
            self._room -= size
            self._figures -= figure
            kept.append(output)
        return kept


def clean_outputs(outputs: Sequence[Any], count: int) -> list[Output]:
    """Outputs of nbformat's four kinds, with nothing in them that the format does not know."""
    cleaned: list[Output] = []
    for raw in outputs[:1000]:
        kind = raw.get("output_type") if isinstance(raw, dict) else None
        if kind == "stream" and raw.get("name") in ("stdout", "stderr") and isinstance(raw.get("text"), str):
            cleaned.append({"output_type": "stream", "name": raw["name"], "text": raw["text"]})
        elif kind in ("display_data", "execute_result") and isinstance(raw.get("data"), dict):
            data = {mime: item for mime, item in raw["data"].items() if isinstance(mime, str) and isinstance(item, str)}
            output: Output = {"output_type": kind, "data": data, "metadata": {}}
            if kind == "execute_result":
                output["execution_count"] = count
            cleaned.append(output)
        elif kind == "error" and isinstance(raw.get("traceback"), list):
            lines = [line for line in raw["traceback"] if isinstance(line, str)]
            name, value = str(raw.get("ename", "")), str(raw.get("evalue", ""))
            cleaned.append({"output_type": "error", "ename": name, "evalue": value, "traceback": lines})
    return cleaned


def notice(text: str) -> Output:
    """An output of ours, which says what became of a cell."""
    return {"output_type": "error", "ename": "Saiten", "evalue": text, "traceback": [f"Saiten: {text}"]}


def _left_out(reason: str) -> Output:
    return {"output_type": "stream", "name": "stderr", "text": f"[output left out: {reason}]\n"}
