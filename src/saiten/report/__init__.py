"""The report for staff: how a class did in an assignment, which question did what, who failed for the same reason.

In: ledger and gradebook. Out: `report/<assignment>/index.html` with a CSV file behind each table.
"""

from saiten.report.clusters import Cluster
from saiten.report.figures import ClassFigures, QuestionFigures, StudentRow, figures
from saiten.report.page import render
from saiten.report.write import ReportFiles, write_report

__all__ = [
    "ClassFigures",
    "Cluster",
    "QuestionFigures",
    "ReportFiles",
    "StudentRow",
    "figures",
    "render",
    "write_report",
]
