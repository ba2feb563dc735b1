"""Similar work: pairs of submissions that are more alike than the class and the released notebook explain.

In: submissions of this year and of earlier ones. Out: `similar/<assignment>/`: pages side by side and a CSV file.
Likeness is no proof; the pages say so, and how to talk about it.
"""

from saiten.similar.compare import Comparison, Pair, PartShare, compare_works
from saiten.similar.write import COLUMNS, Similar, as_csv, rows, write_similar

__all__ = ["COLUMNS", "Comparison", "Pair", "PartShare", "Similar", "as_csv", "compare_works", "rows", "write_similar"]
