"""The course's one configuration file: nbgrader's options and, as `c.Saiten`, Saiten's own.

nbgrader's commands, formgrader and Saiten all read this file. The options: docs/reference/configuration.md.
"""

c = get_config()  # noqa: F821  # traitlets puts it there

c.CourseDirectory.course_id = "faces"

# the executed reference notebooks; nbgrader's own name for the folder is "solution"
c.CourseDirectory.solution_directory = "solutions"

# the first language stands in front, the others are folded
c.Saiten.languages = ["ja", "en"]

# what a student finds in place of a written answer
c.ClearSolutions.text_stub = "ここに書く / YOUR ANSWER HERE"

# nbgrader's defaults, then what is the staff's: without these, formgrader's "Generate" would copy the sources and the
# planted answers into the release (`saiten build` leaves them out in any course)
c.CourseDirectory.ignore = [
    ".ipynb_checkpoints",
    "*.pyc",
    "__pycache__",
    "feedback",
    "*.py",
    "answers",
    "assignment.toml",
]

# formgrader's buttons Autograde and Generate Feedback, and `nbgrader autograde`, do what `saiten grade` and
# `saiten feedback` do
c.Autograde.exporter_class = "saiten.formgrader.Marks"
c.GenerateFeedback.exporter_class = "saiten.formgrader.Feedback"
