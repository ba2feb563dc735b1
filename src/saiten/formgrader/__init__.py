"""formgrader's buttons Autograde and Generate Feedback, and `nbgrader autograde`, by Saiten's engine.

In: nbgrader's converters, whose option `exporter_class` names a class of this package. Out: what `saiten grade` and
`saiten feedback` write; an error in nbgrader's own words of failure, so that formgrader's dialog shows it.
"""

from saiten.formgrader.converters import Feedback, Marks

__all__ = ["Feedback", "Marks"]
