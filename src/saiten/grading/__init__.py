"""Running and judging submissions: `Engine(bundle).mark(submission)`.

`Engine` is imported when it is asked for: who only wants to know which sandbox there is need not wait for it.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from saiten.grading.engine import Engine

__all__ = ["Engine"]


def __getattr__(name: str) -> Any:
    if name == "Engine":
        from saiten.grading.engine import Engine

        return Engine
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
