"""Other people's courses: an Otter Assign notebook, an old nbgrader course.

In: what they were written in. Out: sources that `saiten build` takes, and a remark for all that is not as it was.
"""

from saiten.imports.old_course import OldCourse, check_course, copy_course
from saiten.imports.otter import Imported, ImportedQuestion, read_otter, write_assignment
from saiten.imports.remarks import Remark

__all__ = [
    "Imported",
    "ImportedQuestion",
    "OldCourse",
    "Remark",
    "check_course",
    "copy_course",
    "read_otter",
    "write_assignment",
]
