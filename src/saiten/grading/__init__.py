"""Running and judging submissions: `Engine(bundle).mark(submission)`."""

from saiten.grading.engine import Engine

__all__ = ["Engine"]
