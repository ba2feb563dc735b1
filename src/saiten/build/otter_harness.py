"""How a test cell is run inside Otter: the text of `run_cell` is copied into every test file that Otter reads.

In: a test cell and the notebook's namespace. Out: None if it holds, else the line and what happened there.
It stands alone: where it runs there is Otter and IPython, and no Saiten.
"""

from __future__ import annotations

from typing import Any


def run_cell(source: str, cell: str, points: float, env: dict[str, Any]) -> tuple[int, str] | None:
    """Run a test cell; a number as its last expression has to be the full points.

    Args:
        source: the cell's text; IPython's magics and top-level await are allowed.
        cell: its name, for messages.
        points: what it is worth.
        env: the notebook's namespace; the cell's names stay there.

    Returns:
        None if it ran to its end, else the line of the cell (from 1; 0 if unknown) and what happened, in words.
    """
    import ast
    import asyncio
    import inspect
    import numbers
    import threading

    from IPython.core.inputtransformer2 import TransformerManager

    def wait(coroutine: Any) -> Any:
        answers: list[Any] = []
        errors: list[BaseException] = []

        def work() -> None:
            try:
                answers.append(asyncio.run(coroutine))
            except BaseException as error:
                errors.append(error)

        thread = threading.Thread(target=work)  # the kernel's own loop runs in this one
        thread.start()
        thread.join()
        if errors:
            raise errors[0]
        return answers[0]

    def run(part: Any, mode: str) -> Any:
        code = compile(part, f"<{cell}>", mode, ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        value = eval(code, env)
        return wait(value) if inspect.iscoroutine(value) else value

    try:
        tree = ast.parse(TransformerManager().transform_cell(source))
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        run(tree, "exec")
        value = run(ast.Expression(last.value), "eval") if isinstance(last, ast.Expr) else None
        if last and type(value) is not bool and isinstance(value, numbers.Real) and value < points:
            return last.lineno, f"{value} of {points} points: Otter has no part of a test cell's points"
    except BaseException as error:  # an answer that calls exit() ends its test and nothing else
        trace, line = error.__traceback__, 0
        while trace is not None and not line:
            line = trace.tb_lineno if trace.tb_frame.f_code.co_filename == f"<{cell}>" else 0
            trace = trace.tb_next
        lines = source.split("\n")
        where = f"line {line}: {lines[line - 1].strip()}\n" if 0 < line <= len(lines) else ""
        return line, f"{where}{type(error).__name__}: {error}"
    return None
