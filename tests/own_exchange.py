"""An exchange that is no folder of nbgrader's, for a course of a test: classes of its own, a JSON file for a server.

In: a scene, whose course is the folder `course`. Out: its configuration; students' hand-ins are put into the file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from hub_class import COURSE_ID

OWN_EXCHANGE = '''
"""An exchange that is no folder of nbgrader's: one JSON file, as a server would keep it; see `ngshare`."""

import json
from pathlib import Path

from nbgrader.exchange import abc
from traitlets import Unicode


class Exchange(abc.Exchange):
    store = Unicode("", help="The file.").tag(config=True)

    def read(self):
        return json.loads(Path(self.store).read_text()) if Path(self.store).is_file() else {}

    def write(self, key, value):
        Path(self.store).write_text(json.dumps({**self.read(), key: value}))

    def init_src(self):
        pass

    def init_dest(self):
        pass

    def folder(self, step, student):
        return Path(self.coursedir.format_path(step, student, self.coursedir.assignment_id))


class ReleaseAssignment(Exchange, abc.ExchangeReleaseAssignment):
    def copy_files(self):
        name = self.coursedir.assignment_id
        if "broken" in Path(self.store).name:  # as ngshare's does: a line in the log, and all seems well
            self.log.error("server endpoint returned failure: Permission denied")
            return
        if "forgetful" in Path(self.store).name:  # as a server does that says yes and keeps nothing
            return
        if f"assignment {name}" in self.read() and not self.force:
            self.fail("Destination already exists, add --force to overwrite: " + name)
        files = sorted(self.folder(self.coursedir.release_directory, ".").iterdir())
        self.write(f"assignment {name}", {path.name: path.read_text() for path in files})


class ReleaseFeedback(Exchange, abc.ExchangeReleaseFeedback):
    def copy_files(self):
        from glob import glob
        for path in glob(str(self.folder(self.coursedir.feedback_directory, self.coursedir.student_id) / "*.html")):
            student = Path(path).parent.parent.name
            self.write(f"feedback {student}", Path(path).read_text())


class Collect(Exchange, abc.ExchangeCollect):
    def copy_files(self):
        for key, files in self.read().items():
            if key.startswith("hand-in "):
                folder = self.folder(self.coursedir.submitted_directory, key.split()[1])
                folder.mkdir(parents=True, exist_ok=True)
                for name, text in files.items():
                    (folder / name).write_text(text)


class List(Exchange, abc.ExchangeList):
    def copy_files(self):
        pass

    def list_files(self):
        names = [key.split()[1] for key in self.read() if key.startswith("assignment ")]
        return [{"assignment_id": name, "course_id": self.coursedir.course_id, "status": "released"} for name in names]
'''
OWN_CONFIG = """
c.ExchangeFactory.exchange = "own_exchange.Exchange"
c.ExchangeFactory.release_assignment = "own_exchange.ReleaseAssignment"
c.ExchangeFactory.release_feedback = "own_exchange.ReleaseFeedback"
c.ExchangeFactory.collect = "own_exchange.Collect"
c.ExchangeFactory.list = "own_exchange.List"
c.Exchange.store = {store!r}
"""


def configure(scene: Path, lines: str, course_id: str = COURSE_ID) -> None:
    """Write the course's configuration."""
    text = f"c = get_config()\nc.CourseDirectory.course_id = {course_id!r}\n{lines}"
    (scene / "course" / "nbgrader_config.py").write_text(text)


def use_own_exchange(scene: Path, module: str = "own_exchange_classes", store: str = "server.json") -> Path:
    """Configure an exchange that is no folder; returns where it keeps everything."""
    (scene / "course" / f"{module}.py").write_text(OWN_EXCHANGE)
    configure(scene, OWN_CONFIG.replace("own_exchange", module).format(store=str(scene / store)))
    return scene / store


def handed_in(store: Path, student: str, files: Mapping[str, str]) -> None:
    """Let a student hand in."""
    kept = json.loads(store.read_text()) if store.is_file() else {}
    store.write_text(json.dumps({**kept, f"hand-in {student}": dict(files)}))
