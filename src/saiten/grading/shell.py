"""An IPython shell without ZMQ: runs notebook cells and gives their outputs as nbformat outputs.

In: cell source (magics, `!`, top-level await and all). Out: `CellRun`: outputs, the exception, the last value.
Used in the judge, in the student's process and for the reference run: the same cell means the same everywhere.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import ModuleType, TracebackType
from typing import Any

from IPython.core.compilerop import CachingCompiler
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets import Type
from traitlets.config import Config

MAX_FRAMES = 12
"""Frames of a traceback that are kept, from each end."""

Output = dict[str, Any]


@dataclass(frozen=True, slots=True)
class CellRun:
    """What running one cell gave."""

    outputs: list[Output]
    """nbformat 4 outputs"""
    error: BaseException | None
    """what ended the cell early, if anything did"""
    value: Any
    """the displayed value of the last expression, or None"""


@dataclass(slots=True)
class Capture:
    """Collects the outputs of one cell up to a number of bytes; what comes after that is counted and dropped."""

    limit: int
    outputs: list[Output] = field(default_factory=list)
    size: int = 0
    dropped: int = 0

    def stream(self, name: str, text: str) -> None:
        """Add text to a stream, joined to the output before it where that is the same stream."""
        text = self._fit(text)
        if not text:
            return
        last = self.outputs[-1] if self.outputs else None
        if last is not None and last["output_type"] == "stream" and last["name"] == name:
            last["text"].append(text)
        else:
            self.outputs.append({"output_type": "stream", "name": name, "text": [text]})

    def rich(self, kind: str, data: dict[str, Any], metadata: dict[str, Any] | None, count: int | None = None) -> None:
        """Add a display or a result."""
        bundle = {mime: _json_ready(content) for mime, content in data.items()}
        size = sum(len(content) if isinstance(content, str) else 1024 for content in bundle.values())
        if self.size + size > self.limit:
            self.dropped += size
            return
        self.size += size
        output: Output = {"output_type": kind, "data": bundle, "metadata": _json_ready(metadata or {})}
        if kind == "execute_result":
            output["execution_count"] = count
        self.outputs.append(output)

    def error(self, name: str, value: str, lines: list[str]) -> None:
        """Add an error; it is always kept, cut to size."""
        lines = [line[:4000] for line in lines]
        self.outputs.append({"output_type": "error", "ename": name, "evalue": value[:4000], "traceback": lines})

    def clear(self) -> None:
        """What `clear_output` does: forget what was shown."""
        self.outputs.clear()

    def take(self) -> list[Output]:
        """The outputs so far, ready for a notebook."""
        for output in self.outputs:
            if output["output_type"] == "stream" and isinstance(output["text"], list):
                output["text"] = "".join(output["text"])
        if self.dropped:
            note = f"\n[{self.dropped} bytes of output were cut]\n"
            self.outputs.append({"output_type": "stream", "name": "stderr", "text": note})
        return self.outputs

    def _fit(self, text: str) -> str:
        room = self.limit - self.size
        if len(text) > room:
            self.dropped += len(text) - max(room, 0)
            text = text[: max(room, 0)]
        self.size += len(text)
        return text


class _Stream(io.TextIOBase):
    """`sys.stdout` or `sys.stderr` of a running cell."""

    def __init__(self, shell: CaptureShell, name: str) -> None:
        self._shell = shell
        self._name = name
        self.name = f"<{name}>"

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return "utf-8"

    @property
    def buffer(self) -> io.RawIOBase:
        return _Bytes(self)

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self._shell.capture.stream(self._name, text)
        return len(text)


class _Bytes(io.RawIOBase):
    def __init__(self, stream: _Stream) -> None:
        self._stream = stream

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:
        raw = bytes(content)
        self._stream.write(raw.decode("utf-8", "replace"))
        return len(raw)


class _Publisher(DisplayPublisher):  # type: ignore[misc]
    def publish(self, data: Any, metadata: Any = None, source: Any = None, **_: Any) -> None:
        self.shell.capture.rich("display_data", data, metadata)

    def clear_output(self, wait: bool = False) -> None:
        self.shell.capture.clear()


class _Hook(DisplayHook):  # type: ignore[misc]
    def quiet(self) -> bool:
        try:
            return bool(self.semicolon_at_end_of_expression(self.shell.current_source))
        except Exception:  # the tokenizer refuses some magics; then nothing is silenced
            return False

    def write_output_prompt(self) -> None:
        pass

    def write_format_data(self, format_dict: Any, md_dict: Any = None) -> None:
        self.shell.capture.rich("execute_result", format_dict, md_dict, self.shell.execution_count)

    def log_output(self, format_dict: Any) -> None:
        pass

    def finish_displayhook(self) -> None:
        self._is_active = False


class _Compiler(CachingCompiler):  # type: ignore[misc]
    cell_name = "cell"

    def get_code_name(self, raw_code: str, transformed_code: str, number: int) -> str:
        return f"<{self.cell_name}>"


class CaptureShell(InteractiveShell):  # type: ignore[misc]
    """`InteractiveShell` whose outputs go into a `Capture`; one per process, found by `get_ipython()`."""

    displayhook_class = Type(_Hook)
    display_pub_class = Type(_Publisher)
    compiler_class = Type(_Compiler)

    capture = Capture(1 << 20)
    current_source = ""

    @classmethod
    def create(cls, module: ModuleType) -> CaptureShell:
        """Make the process's shell, with `module` as its `__main__`."""
        config = Config()
        config.HistoryManager.enabled = False
        config.HistoryManager.hist_file = ":memory:"
        config.InteractiveShell.colors = "nocolor"
        config.InteractiveShell.autocall = 0
        config.IPCompleter.use_jedi = False
        shell: CaptureShell = cls.instance(config=config, user_module=module)
        sys.modules["__main__"] = module
        return shell

    def use(self, module: ModuleType) -> None:
        """Run the next cells in another module's namespace."""
        self.user_module = module
        self.user_ns = module.__dict__
        self.init_user_ns()
        sys.modules["__main__"] = module

    def run(self, source: str, name: str, count: int, limit: int) -> CellRun:
        """Run one cell.

        Args:
            source: the cell's text.
            name: shown in tracebacks as the file name.
            count: execution count shown with a result.
            limit: bytes of output that are kept.
        """
        self.capture = Capture(limit)
        self.current_source = source
        self.execution_count = count
        self.compile.cell_name = name
        with self._streams():
            result = self.run_cell(source, store_history=False)
        error = result.error_before_exec or result.error_in_exec
        return CellRun(self.capture.take(), error, result.result)

    @contextmanager
    def _streams(self) -> Iterator[None]:
        saved = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = _Stream(self, "stdout"), _Stream(self, "stderr")
        try:
            yield
        finally:
            sys.stdout, sys.stderr = saved

    # -- what InteractiveShell lets subclasses decide ---------------------------------------------------------------

    def enable_gui(self, gui: Any = None) -> None:
        """No event loops: figures are shown by the inline back end."""

    def init_virtualenv(self) -> None:
        """The process already runs in its environment."""

    def system(self, cmd: str) -> None:
        """`!command`, through a pipe: IPython's own way needs a pseudo-terminal, and a sandbox has none."""
        command = self.var_expand(cmd, depth=1)
        done = subprocess.run(
            command, shell=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
        )
        self.user_ns["_exit_code"] = done.returncode
        sys.stdout.write(done.stdout.decode("utf-8", "replace"))

    def ask_exit(self) -> None:
        """`exit` in a cell ends the cell, not the process."""

    def showsyntaxerror(self, filename: Any = None, running_compiled_code: bool = False) -> None:
        """Like any other error."""
        self.showtraceback()

    def showindentationerror(self) -> None:
        """Like any other error."""
        self.showtraceback()

    def showtraceback(self, exc_tuple: Any = None, *args: Any, **kwargs: Any) -> None:
        """Format without IPython's source analysis, which costs more than marking a submission does."""
        _, value, trace = exc_tuple or sys.exc_info()
        if value is not None:
            self.capture.error(type(value).__name__, safe_text(value), format_error(value, trace))


def format_error(error: BaseException, trace: TracebackType | None = None) -> list[str]:
    """Lines of a traceback from the first frame of a cell on."""
    while trace is not None and not trace.tb_frame.f_code.co_filename.startswith("<"):
        trace = trace.tb_next
    try:
        formatted = traceback.TracebackException(type(error), error, trace, compact=True)
        frames = formatted.stack
        if len(frames) > 2 * MAX_FRAMES:
            formatted.stack = traceback.StackSummary.from_list([*frames[:MAX_FRAMES], *frames[-MAX_FRAMES:]])
        lines = "".join(formatted.format()).rstrip("\n").split("\n")
    except Exception:  # an exception whose own methods raise
        lines = [f"{type(error).__name__}"]
    return lines


def safe_text(error: BaseException) -> str:
    """`str(error)`, or nothing where that itself raises."""
    try:
        return str(error)
    except Exception:
        return ""


def command_shell() -> dict[str, str]:
    """Which shell runs the `!` lines of a notebook: bash, as on JupyterHub's images, whatever started this program.

    IPython takes the variable SHELL; without it, sh, whose `echo` reads backslashes otherwise.
    """
    return {"SHELL": next((path for path in ("/bin/bash", "/usr/bin/bash") if os.path.exists(path)), "/bin/sh")}


def font_cache() -> dict[str, str]:
    """Where matplotlib keeps its list of fonts: this user's place, though HOME is another for what runs cells.

    Making the list anew takes seconds where many fonts are installed. Only processes that run no student's code get it.
    """
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return {"MPLCONFIGDIR": os.environ.get("MPLCONFIGDIR") or os.path.join(home, "matplotlib")}


def prepare_matplotlib(shell: CaptureShell) -> None:
    """Select the inline back end and draw once, so that forks inherit fonts and renderers."""
    if "matplotlib" not in sys.modules:
        return
    os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"
    shell.run("%matplotlib inline", "setup", 0, 1 << 16)
    if "matplotlib.pyplot" in sys.modules:
        import matplotlib.pyplot as plt

        figure, axes = plt.subplots(figsize=(1, 1))
        axes.set_title("a")
        figure.savefig(io.BytesIO(), format="png")
        plt.close(figure)


@contextmanager
def without_pictures(shell: CaptureShell) -> Iterator[None]:
    """Show figures as a line of text meanwhile: drawing them is most of what a demonstration takes."""
    if "matplotlib.figure" not in sys.modules:
        yield
        return
    from matplotlib.figure import Figure

    saved = [(formatter, formatter.pop(Figure, None)) for formatter in shell.display_formatter.formatters.values()]
    try:
        yield
    finally:
        for formatter, function in saved:
            if function is not None:
                formatter.for_type(Figure, function)


def _json_ready(value: Any) -> Any:
    if isinstance(value, bytes):
        import base64

        return base64.b64encode(value).decode("ascii")
    if isinstance(value, dict):
        return {str(key): _json_ready(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_json_ready(item) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)
