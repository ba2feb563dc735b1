"""Names in nbgrader_config.py that newer versions of nbgrader have replaced.

In: the text of a configuration file. Out: a remark for each line that uses an old name, with the name of today.
The file itself is never changed: nbgrader and Saiten still understand most of these, and say so each time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from saiten.imports.remarks import Remark

_COURSE = {
    *("student_id", "assignment_id", "notebook_id", "directory_structure", "source_directory", "release_directory"),
    *("submitted_directory", "autograded_directory", "feedback_directory", "solution_directory", "db_url", "ignore"),
    "course_id",
}
_CLASSES = {
    "AssignApp": "GenerateAssignment",
    "AutogradeApp": "Autograde",
    "BaseApp": "NbGrader",
    "BaseNbConvertApp": "BaseConverter",
    "BaseNbGraderApp": "NbGrader",
    "BasicConfig": "NbGrader",
    "CollectApp": "ExchangeCollect",
    "DisplayAutoGrades": "Validator",
    "ExchangeFetch": "ExchangeFetchAssignment",
    "ExchangeRelease": "ExchangeReleaseAssignment",
    "FeedbackApp": "GenerateFeedback",
    "FetchApp": "ExchangeFetchAssignment",
    "ListApp": "ExchangeList",
    "NbGraderConfig": "NbGrader",
    "ReleaseApp": "ExchangeReleaseAssignment",
    "SubmitApp": "ExchangeSubmit",
    "TransferApp": "Exchange",
}
_OPTIONS = {
    "NbGrader.course_directory": "CourseDirectory.root",
    "Exchange.course_id": "CourseDirectory.course_id",
    "TransferApp.exchange_directory": "Exchange.root",
    "TransferApp.cache_directory": "Exchange.cache",
    "TransferApp.course_id": "CourseDirectory.course_id",
    **{f"NbGrader.{name}": f"CourseDirectory.{name}" for name in sorted(_COURSE)},
}
_READ = {"NbGrader", "NbGraderConfig", "BasicConfig", "BaseNbGraderApp", "BaseApp", "BaseNbConvertApp", "TransferApp"}
"""sections that Saiten, like every command of nbgrader, renames when it reads them"""
_USE = re.compile(r"\bc\.(?P<section>[A-Za-z]+)\.(?P<option>\w+)")
_GONE = {"ClearSolutions.comment_mark": "write it into ClearSolutions.begin_solution_delimeter"}


def old_names(text: str, name: str) -> Iterator[Remark]:
    """Find old names in a configuration.

    Args:
        text: of nbgrader_config.py.
        name: of the file, for remarks.

    Yields:
        a remark for each use, with its line. One that Saiten does not understand is lost until it is renamed.
    """
    for number, line in enumerate(text.splitlines(), 1):
        for match in _USE.finditer(line.partition("#")[0]):
            section, option = match["section"], match["option"]
            old, where = f"{section}.{option}", f"{name}, line {number}"
            if old in _GONE:
                yield Remark(where, f"c.{old} is gone: {_GONE[old]}", lost=True)
                continue
            as_base = f"NbGrader.{option}" if _CLASSES.get(section) == "NbGrader" else old
            new = _OPTIONS.get(as_base) or (f"{_CLASSES[section]}.{option}" if section in _CLASSES else "")
            if new:
                read = section in _READ or old in _OPTIONS
                also = "; it is understood" if read else "; Saiten does not understand the old name"
                yield Remark(where, f"c.{old} is called c.{new} now{also}", lost=not read)
