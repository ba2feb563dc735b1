"""Pages on disk: the service's own, which its pages show, and the exchange's, which "Fetch Feedback" fetches.

In: pages of one hand-in. Out: files that only this account can read, and one file in the exchange's feedback folder for
each notebook, under the name that nbgrader computes from the hand-in's secret: who does not have that finds nothing.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from nbgrader.utils import notebook_hash

from saiten.course import Course
from saiten.errors import GradebookError
from saiten.hub.exchange import HIDDEN_LIST_MODE, exchange_folders

SECRET_FILE = "submission_secret.txt"
STAFF, STUDENT = "staff", "student"
_MOST_SECRET = 4096
"""bytes of a secret; nbgrader's have 128"""


class Shelf:
    """Pages of hand-ins, by number.

    Args:
        course: whose; the folder is `c.Saiten.hub_directory`.

    Raises:
        GradebookError: the folder cannot be made.
    """

    def __init__(self, course: Course) -> None:
        self._course = course
        self._folder: Path = course.root / course.options.hub_directory / "pages"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._folder.parent.chmod(0o700)
        except OSError as error:
            raise _refused(self._folder, error) from error

    def put(self, number: int, reader: str, pages: Mapping[str, bytes], secret: bytes | None = None) -> None:
        """Keep pages; those of an earlier marking are replaced.

        Args:
            number: of the hand-in.
            reader: `STAFF` or `STUDENT`.
            pages: by notebook.
            secret: what nbgrader's submit wrote into the hand-in.
        """
        folder = self._folder / str(number) / reader
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name in set(os.listdir(folder)) - {f"{name}.html" for name in pages}:
                (folder / name).unlink()
            for name, page in pages.items():
                _write(folder / f"{name}.html", page, 0o600)
            if secret is not None:
                _write(self._folder / str(number) / SECRET_FILE, secret[:_MOST_SECRET], 0o600)
        except OSError as error:
            raise _refused(folder, error) from error

    def page(self, number: int, reader: str, notebook: str) -> bytes | None:
        """One page; None if there is none. The notebook's name must be one of the verdict's."""
        try:
            return (self._folder / str(number) / reader / f"{notebook}.html").read_bytes()
        except FileNotFoundError:
            return None

    def hand_out(self, number: int, notebooks: tuple[str, ...]) -> bool:
        """Put the student's pages into the exchange, where "Fetch Feedback" finds them.

        Returns:
            whether there was anything to put there: a hand-in without a secret did not come through nbgrader.
        """
        try:
            secret = (self._folder / str(number) / SECRET_FILE).read_bytes().decode("utf-8", "replace")
        except FileNotFoundError:
            return False
        if not secret:
            return False
        feedback = exchange_folders(self._course).feedback
        done = False
        try:
            if not feedback.is_dir():
                feedback.mkdir(parents=True)
                feedback.chmod(HIDDEN_LIST_MODE)
            for name in notebooks:
                page = self.page(number, STUDENT, name)
                if page is not None:
                    _write(feedback / f"{notebook_hash(secret=secret, notebook_id=name)}.html", page, 0o644)
                    done = True
        except OSError as error:
            raise _refused(feedback, error) from error
        return done


def _write(target: Path, content: bytes, mode: int) -> None:
    """Write a file in one step."""
    descriptor, name = tempfile.mkstemp(prefix=".saiten-", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            os.fchmod(descriptor, mode)
        os.replace(name, target)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(name)
        raise


def _refused(folder: Path, error: OSError) -> GradebookError:
    return GradebookError(
        f"{folder} cannot be written ({error.strerror or error}).",
        "See that there is room and that the service's account may write there.",
    )
