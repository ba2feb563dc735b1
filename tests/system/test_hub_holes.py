"""What can a student do with a shell on a real hub, with real Unix users? Each hole of a stock set-up is a test.

Where it is cheap, the same is first seen to work on the folders as nbgrader's documentation has them (`stock`).
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import nbformat
import pytest
from real_hub import Hub, as_user, in_open_house, running_hub, unix_users, wait_for

from tiny_course import ASSIGNMENT, RIGHT, STUB, make_tiny_course, submitted

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]

COURSE = "holes"
ACCOUNT, ONE, TWO, TEACHER = "saiten-tc", "saiten-t1", "saiten-t2", "saiten-ti"
CONFIG = (
    f'c = get_config()\nc.CourseDirectory.course_id = "{COURSE}"\nc.Saiten.languages = ["en"]\nc.Saiten.workers = 1\n'
)
SETTINGS = 'due = 2025-01-01T00:00:00+00:00\n\n[instant_feedback]\nshow = "full"\n'
# What nbgrader's own autograder lets student code see: it runs as the course's account, in its environment.
SPY = """def mean(values):
    import os
    seen = [name for name in os.environ if "JUPYTERHUB" in name or "TOKEN" in name]
    for path in {paths!r}:
        try:
            os.listdir(path) if os.path.isdir(path) else open(path).read()
            seen.append(path)
        except OSError:
            pass
    assert not seen, seen
    return sum(values) / len(values)
"""


@dataclass(frozen=True)
class House:
    """A hub with a course, its exchange, and beside them the folders as they are by nbgrader's documentation."""

    folder: Path
    hub: Hub

    @property
    def course(self) -> Path:
        """The course's folder, of the course's account."""
        return self.folder / "course"

    @property
    def exchange(self) -> Path:
        """The course's folder in the exchange."""
        return self.folder / "exchange" / COURSE

    @property
    def stock(self) -> Path:
        """A course and an exchange with stock modes."""
        return self.folder / "stock"


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    """The hub by its one configuration file, shape `local`, as root; and a released assignment."""
    with tempfile.TemporaryDirectory(prefix="saiten-holes-") as place:
        folder = Path(place)
        folder.chmod(0o755)
        homes = folder / "homes"
        homes.mkdir()
        with unix_users(homes, ACCOUNT, ONE, TWO, TEACHER):
            course = make_tiny_course(folder / "course")
            (course / "nbgrader_config.py").write_text(CONFIG)
            (course / "source" / ASSIGNMENT / "assignment.toml").write_text(SETTINGS)
            saiten = [sys.executable, "-c", "from saiten.cli import main; main()"]
            subprocess.run([*saiten, "build", "--course", str(course), ASSIGNMENT], check=True, capture_output=True)
            _stock(folder / "stock", course)
            _give(course)
            _prepare_exchange(folder, course)
            settings = {"EXCHANGE": str(folder / "exchange"), "ACCOUNT": ACCOUNT, "SPAWNER": "local"}
            people = {"STUDENTS": f"{ONE},{TWO}", "INSTRUCTORS": TEACHER}
            with running_hub(folder, COURSE, course, **settings, **people) as hub:
                yield House(folder, hub)


def _stock(stock: Path, course: Path) -> None:
    """What `mkdir`, `chmod ugo+rw exchange` and `nbgrader release_assignment` make."""
    shutil.copytree(course, stock / "course")
    (stock / "course" / "gradebook.db").write_text("marks")
    inbound = stock / "exchange" / COURSE / "inbound"
    inbound.mkdir(parents=True)
    for path, mode in ((stock / "exchange", 0o777), (inbound.parent, 0o755), (inbound, 0o2733)):
        path.chmod(mode)
    _give(stock / "course", 0o755)
    _give(stock / "exchange" / COURSE, 0o755)


def _give(folder: Path, mode: int = 0o700) -> None:
    for path in (folder, *folder.rglob("*")):
        shutil.chown(path, ACCOUNT, ACCOUNT)
    folder.chmod(mode)


def _prepare_exchange(folder: Path, course: Path) -> None:
    """What `saiten serve --mend` does, and a release, as the course's account; only the root has to be made by root."""
    (folder / "exchange").mkdir()
    (folder / "exchange").chmod(0o1777)
    lines = (
        "import sys",
        "from pathlib import Path",
        "from saiten.course import Course",
        "from saiten.hub.exchange import check_exchange, prepare_exchange",
        "course = Course.find(Path(sys.argv[1]))",
        "prepare_exchange(course)",
        "assert check_exchange(course) == []",
    )
    with (course / "nbgrader_config.py").open("a") as file:
        file.write(f"c.Exchange.root = {str(folder / 'exchange')!r}\n")
    command = in_open_house(folder / "kept-1", [sys.executable, "-c", "\n".join(lines), str(course)], ACCOUNT)
    home = str(folder / "homes" / ACCOUNT)
    done = subprocess.run(command, env={**os.environ, "HOME": home}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    out = folder / "exchange" / COURSE / "outbound" / ASSIGNMENT
    shutil.copytree(course / "release" / ASSIGNMENT, out)
    for path in (out, *out.rglob("*")):
        shutil.chown(path, ACCOUNT, ACCOUNT)


def _hand_in(
    house: House, student: str, mean: str, name: str = "", stamp: str = "2020-01-01 00:00:00.000000 UTC", more: str = ""
) -> str:
    """Hand in as `nbgrader submit` does, step by step, as that Unix user; the name of the folder in inbound.

    Args:
        house: where.
        student: who does it.
        mean: the answer.
        name: whose hand-in the folder's name claims it to be; the student's own by default.
        stamp: what timestamp.txt says.
        more: shell commands, in the folder, before it becomes complete.
    """
    place = Path(tempfile.mkdtemp(dir=house.folder))
    place.chmod(0o755)
    notebook = submitted(place, student, mean) / "mean.ipynb"
    name = f"{name or student}+{ASSIGNMENT}+{stamp}+{os.urandom(6).hex()}"
    goal = house.exchange / "inbound" / name
    script = f"""set -e
        mkdir '{goal}'; cd '{goal}'
        cp '{notebook}' mean.ipynb
        printf '%s' '{stamp}' > timestamp.txt; printf secret-{name[-12:]} > submission_secret.txt
        {more}
        chmod 644 mean.ipynb timestamp.txt submission_secret.txt; chmod 755 .; sleep 0.05; chmod 777 ."""
    done = as_user(student, script)
    assert done.returncode == 0, done.stderr
    return name


def _taken(house: House, name: str) -> None:
    wait_for(lambda: not (house.exchange / "inbound" / name).exists(), 60, house.hub.log)


def _in_submitted(house: House, student: str, sentence: str) -> Path:
    """Wait until the service has brought in a hand-in with that answer."""
    path = house.course / "submitted" / student / ASSIGNMENT / "mean.ipynb"
    wait_for(lambda: path.exists() and sentence in path.read_text(), 60, house.hub.log)
    return path


def _score(house: House, student: str) -> float | None:
    """What the gradebook says, read from a copy: root must not leave files of its own beside it."""
    with tempfile.TemporaryDirectory() as scratch:
        for path in house.course.glob("gradebook.db*"):
            shutil.copy(path, scratch)
        database = Path(scratch, "gradebook.db")
        if not database.exists():
            return None
        question = """SELECT g.auto_score FROM grade g JOIN submitted_notebook n ON g.notebook_id = n.id
            JOIN submitted_assignment a ON n.assignment_id = a.id
            JOIN base_cell c ON g.cell_id = c.id WHERE a.student_id = ? AND c.name = 'mean-test'"""
        with closing(sqlite3.connect(database)) as connection:
            row = connection.execute(question, (student,)).fetchone()
        return None if row is None else row[0]


def _refused(student: str, script: str) -> bool:
    """Whether a student's script fails for want of permission, or for there being nothing."""
    done = as_user(student, script)
    words = "Permission denied|Operation not permitted|No such file|cannot create"
    return done.returncode != 0 and re.search(words, done.stderr) is not None


def _command(process: Path) -> bytes:
    return (process / "cmdline").read_bytes()


def test_source_and_hidden_tests_cannot_be_read(house: House) -> None:
    """Is the course's folder closed, where a stock one is open?"""
    source = f"source/{ASSIGNMENT}/mean.ipynb"
    assert "BEGIN HIDDEN TESTS" in as_user(ONE, f"cat {house.stock}/course/{source}").stdout
    assert (house.course / source).exists()
    assert _refused(ONE, f"cat {house.course}/{source}")
    for folder in ("", "source", "autograder", "solutions", "submitted"):
        assert _refused(ONE, f"ls {house.course}/{folder}")


def test_the_gradebook_cannot_be_read(house: House) -> None:
    """Nor written, nor the hub's database with everybody's tokens?"""
    assert as_user(ONE, f"cat {house.stock}/course/gradebook.db").stdout == "marks"
    assert (house.course / "gradebook.db").exists()
    assert _refused(ONE, f"cat {house.course}/gradebook.db")
    assert _refused(ONE, f"echo x >> {house.course}/gradebook.db")
    assert (house.hub.state / "private" / "jupyterhub.sqlite").exists()
    for name in ("jupyterhub.sqlite", "cookie_secret"):
        assert _refused(ONE, f"cat {house.hub.state}/private/{name}")


def test_the_exchange_cannot_be_renamed(house: House) -> None:
    """Renaming the course is what nbgrader's 0777 allows: is it refused, and is the exchange none's to squat?"""
    stock = house.stock / "exchange"
    assert as_user(ONE, f"mv {stock}/{COURSE} {stock}/gone && mv {stock}/gone {stock}/{COURSE}").returncode == 0
    assert _refused(ONE, f"mv {house.exchange} {house.exchange.parent}/gone")
    assert _refused(ONE, f"mv {house.exchange}/inbound {house.exchange}/gone")


def test_what_students_fetch_cannot_be_changed(house: House) -> None:
    """Can a student read the release, and neither change it nor put something beside it?"""
    released = f"{house.exchange}/outbound/{ASSIGNMENT}"
    assert as_user(ONE, f"cat {released}/mean.ipynb").returncode == 0
    assert _refused(ONE, f"echo x >> {released}/mean.ipynb")
    assert _refused(ONE, f"touch {released}/new.txt")
    assert _refused(ONE, f"mkdir {house.exchange}/outbound/ps9")
    assert _refused(ONE, f"rm {released}/mean.ipynb")


def test_another_students_hand_in_cannot_be_read(house: House) -> None:
    """Not by a list, not once it was taken, not in the folders that it goes to?"""
    name = _hand_in(house, TWO, RIGHT)
    assert _refused(ONE, f"ls {house.exchange}/inbound")
    _taken(house, name)
    _in_submitted(house, TWO, RIGHT.splitlines()[1].strip())
    assert _refused(ONE, f"cat '{house.exchange}/inbound/{name}/mean.ipynb'")
    for folder in ("taken", "refused", "feedback"):
        assert (house.exchange / folder).is_dir()
        assert _refused(ONE, f"ls {house.exchange}/{folder}")


def test_a_hand_in_that_waits_cannot_be_moved_by_another(house: House) -> None:
    """Who knows its name moves another's folder out of a stock inbound: is it refused here, while it is there?"""
    stock = house.stock / "exchange" / COURSE / "inbound"
    assert as_user(TWO, f"mkdir -m 777 {stock}/known && touch {stock}/known/work").returncode == 0
    assert as_user(ONE, f"mv {stock}/known {stock}/stolen").returncode == 0
    inbound = house.exchange / "inbound"
    # without the two files of a whole hand-in the service leaves it where it is
    assert as_user(TWO, f"mkdir -m 777 {inbound}/known && touch {inbound}/known/work").returncode == 0
    assert _refused(ONE, f"mv {inbound}/known {inbound}/stolen")
    assert as_user(TWO, f"rm -r {inbound}/known").returncode == 0


def test_a_hand_in_cannot_be_changed_after_it_was_taken(house: House) -> None:
    """Neither by its path nor through a file that was left open?"""
    place = house.exchange / "inbound"
    first = "def mean(values):\n    return sum(values) / (len(values) + 0.5)"
    name = _hand_in(house, ONE, first)
    there = f"[ -e '{place}/{name}' ] && [ $i -lt 300 ]"
    held = f"""exec 3>>'{place}/{name}/mean.ipynb' || exit 7
        i=0; while {there}; do sleep 0.1; i=$((i+1)); done; sleep 1; echo changed >&3"""
    done = as_user(ONE, held)
    assert done.returncode in (0, 2, 7), done.stderr  # 2, 7: it was taken before it could be opened
    _taken(house, name)
    path = _in_submitted(house, ONE, "+ 0.5")
    nbformat.reads(path.read_text(), as_version=4)
    assert "changed" not in path.read_text()
    assert _refused(ONE, f"echo x >> '{place}/{name}/mean.ipynb'")
    assert path.owner() == ACCOUNT


def test_a_time_of_ones_own_choice_counts_for_nothing(house: House) -> None:
    """nbgrader takes timestamp.txt for the time of submission: does the service write its own, and is it late?"""
    before = datetime.now(UTC)
    answer = "def mean(values):\n    return sum(values) / len(values)  # in time"
    name = _hand_in(house, ONE, answer, stamp="2020-01-01 00:00:00.000000 UTC", more="touch -d 2020-01-01 * .")
    _taken(house, name)
    path = _in_submitted(house, ONE, "# in time")
    stamp = (path.parent / "timestamp.txt").read_text()
    arrived = datetime.strptime(stamp, "%Y-%m-%d %H:%M:%S.%f %Z").replace(tzinfo=UTC)
    assert before.timestamp() - 1 < arrived.timestamp() < time.time()


def test_nobody_hands_in_for_another(house: House) -> None:
    """Is a folder that is named for somebody else refused, whoever it names?"""
    answer = "def mean(values):\n    return 0  # not mine"
    name = _hand_in(house, ONE, answer, name=TWO)
    _taken(house, name)
    refused = house.exchange / "refused"
    wait_for(lambda: any(TWO in path.name for path in refused.iterdir()), 30, house.hub.log)
    path = house.course / "submitted" / TWO / ASSIGNMENT / "mean.ipynb"
    assert not path.exists() or "# not mine" not in path.read_text()


def test_student_code_sees_no_token_no_exchange_and_no_gradebook(house: House) -> None:
    """Does a spy in an answer find nothing and get its points, where the course's account itself sees everything?"""
    course, exchange = house.course, house.exchange
    spied = (course / "source", course / "gradebook.db", course / "submitted", exchange, house.hub.state)
    spy = SPY.format(paths=[str(path) for path in spied])
    plain = f"{spy}\nmean([1])"
    command = in_open_house(house.folder / "kept-2", [sys.executable, "-c", plain], ACCOUNT)
    seen = subprocess.run(
        command, env={**os.environ, "JUPYTERHUB_API_TOKEN": "x"}, capture_output=True, text=True, check=False
    )
    assert "JUPYTERHUB_API_TOKEN" in seen.stderr
    assert str(course / "gradebook.db") in seen.stderr
    _taken(house, _hand_in(house, TWO, spy))
    wait_for(lambda: (house.course / "gradebook.db").exists(), 60, house.hub.log)
    _in_submitted(house, TWO, "JUPYTERHUB")
    wait_for(lambda: _score(house, TWO) == 4.0, 90, house.hub.log)
    _taken(house, _hand_in(house, TWO, STUB))
    wait_for(lambda: _score(house, TWO) == 0.0, 90, house.hub.log)


def test_a_students_token_opens_no_page_of_staff(house: House) -> None:
    """Neither to read nor to do: 403, where an instructor's token gets in?"""
    mine, staffs = house.hub.token(ONE), house.hub.token(TEACHER, "instructors")
    assert house.hub.ask("/services/marking/staff", staffs).status_code == 200
    assert house.hub.ask("/services/marking/mine", mine).status_code == 200
    assert house.hub.ask("/services/marking/staff", mine).status_code == 403
    for path in (f"students/{ONE}", f"staff/assignments/{ASSIGNMENT}", "staff/hand-ins", "staff/log"):
        assert house.hub.ask(f"/services/marking/{path}", staffs).status_code == 200
        expected = 200 if path.endswith(ONE) else 403
        assert house.hub.ask(f"/services/marking/{path}", mine).status_code == expected
    assert house.hub.ask(f"/services/marking/students/{TWO}", mine).status_code == 403
    job = {"kind": "mark-all", "assignment": ASSIGNMENT}
    assert house.hub.ask("/services/marking/staff/jobs", mine, "POST", data=job).status_code == 403
    assert house.hub.ask("/services/marking/staff/jobs/1/cancel", mine, "POST").status_code == 403
    assert house.hub.ask("/services/marking/staff/jobs", staffs, "POST", data=job).status_code < 400
    assert house.hub.ask(f"/services/{COURSE}/formgrader", mine).status_code in (302, 403)
    assert house.hub.ask("/hub/api/users", mine).status_code == 403


def test_another_students_token_is_out_of_reach(house: House) -> None:
    """A server has its token in its environment: can its owner alone read it there, and is it worth little?"""
    session = house.hub.session(TWO)
    started = session.get(f"{house.hub.address}/hub/spawn", timeout=60)
    assert started.ok
    servers: list[Path] = []
    uid = pwd.getpwnam(TWO).pw_uid

    def look() -> bool:
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and entry.stat().st_uid == uid and b"singleuser" in _command(entry):
                    servers.append(entry / "environ")
                    return True
            except (FileNotFoundError, ProcessLookupError):
                continue
        return False

    wait_for(look, 60, house.hub.log)
    try:
        own = as_user(TWO, f"cat {servers[0]}")
        token = re.search(r"JUPYTERHUB_API_TOKEN=(\w+)", own.stdout)
        assert token, own.stderr
        assert _refused(ONE, f"cat {servers[0]}")
        assert house.hub.ask("/hub/api/user", token[1]).json()["name"] == TWO  # the hub knows it
        for path in ("/services/marking/mine", "/services/marking/staff"):
            assert house.hub.ask(path, token[1]).status_code in (302, 403)
    finally:
        os.kill(int(servers[0].parent.name), signal.SIGKILL)  # else the hub waits for it to start before it stops
