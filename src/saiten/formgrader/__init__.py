"""formgrader's buttons Autograde and Generate Feedback, and `nbgrader autograde`, by Saiten's engine; its page in Lab.

In: nbgrader's converters, whose option `exporter_class` names a class of this package. Out: what `saiten grade` and
`saiten feedback` write; an error in nbgrader's own words of failure, so that formgrader's dialog shows it.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from saiten.formgrader.converters import Feedback, Marks

__all__ = ["Feedback", "Marks"]


def __getattr__(name: str) -> Any:
    """Import nbgrader with the first of the two: a hub that only writes Lab's menus has no need of it."""
    if name in __all__:
        from saiten.formgrader import converters

        return getattr(converters, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
