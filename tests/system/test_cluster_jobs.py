"""Clusters that a course's configuration makes: jobs as Slurm would run them, and TLS by Dask's own configuration."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from distributed import LocalCluster
from distributed.security import Security

from fuzz.small_course import ASSIGNMENT, SAITEN, hand_in, honest_class, make_course
from saiten.course import Course

NUMBER = 6
CONFIG = """c = get_config()
c.CourseDirectory.course_id = "small"


def cluster():
    from dask_jobqueue.local import LocalCluster
    from distributed import Client

    jobs = LocalCluster(
        cores=1,
        processes=1,
        memory="2GB",
        python={python!r},
        local_directory={folder!r},
        scheduler_options={{"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"}},
    )
    jobs.scale(jobs=2)
    return Client(jobs)


c.Saiten.scheduler = cluster
c.Saiten.cluster_patience = 120.0
"""

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """A few submissions."""
    course = make_course(tmp_path_factory.mktemp("jobs") / "course")
    for number, submission in enumerate(honest_class(course, NUMBER, 5)):
        hand_in(course, f"student-{number:03d}", submission.files)
    return course


def grade(course: Course, *options: str, **environment: str) -> dict[str, float]:
    """Mark everything anew; returns the scores."""
    command = [*SAITEN, "grade", ASSIGNMENT, "--again", "--json", *options]
    surrounding = {**os.environ, **environment}
    done = subprocess.run(command, cwd=course.root, env=surrounding, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {row["student"]: row["score"] for row in map(json.loads, done.stdout.splitlines())}


def test_jobs_that_the_configuration_starts(course: Course, tmp_path: Path) -> None:
    """With dask-jobqueue, whose local cluster runs the job script that Slurm would: the same scores as here?"""
    here = grade(course)
    assert len(here) == NUMBER
    file = course.root / "nbgrader_config.py"
    before = file.read_text()
    file.write_text(CONFIG.format(python=sys.executable, folder=str(tmp_path)))
    try:
        assert grade(course) == here
        assert grade(course, "--scheduler", "none") == here
    finally:
        file.write_text(before)


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """Dask's configuration with a certificate of the test's own, as a folder of YAML files."""
    temporary = Security.temporary()
    names = {}
    for name in (
        "ca_file",
        "client_cert",
        "client_key",
        "scheduler_cert",
        "scheduler_key",
        "worker_cert",
        "worker_key",
    ):
        names[name] = str(tmp_path / f"{name}.pem")
        Path(names[name]).write_text(getattr(temporary, f"tls_{name}"))
    tls = {"ca-file": names["ca_file"]} | {
        role: {"cert": names[f"{role}_cert"], "key": names[f"{role}_key"]} for role in ("client", "scheduler", "worker")
    }
    folder = tmp_path / "dask"
    folder.mkdir()
    (folder / "tls.yaml").write_text(yaml.safe_dump({"distributed": {"comm": {"tls": tls}}}))
    return folder


def test_tls_by_dasks_own_configuration(course: Course, keys: Path) -> None:
    """Does `tls://` work with a certificate, and is everybody else kept out with a clear word?"""
    tls = yaml.safe_load((keys / "tls.yaml").read_text())["distributed"]["comm"]["tls"]
    roles = {
        f"tls_{role}_{what}": tls[role][what] for role in ("client", "scheduler", "worker") for what in ("cert", "key")
    }
    security = Security(tls_ca_file=tls["ca-file"], require_encryption=True, **roles)
    with LocalCluster(
        n_workers=1,
        threads_per_worker=2,
        processes=False,
        protocol="tls://",
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        security=security,
    ) as cluster:
        address = cluster.scheduler_address
        assert address.startswith("tls://")
        assert grade(course, "--scheduler", address, DASK_CONFIG=str(keys)) == grade(course)
        command = [*SAITEN, "grade", ASSIGNMENT, "--again", "--scheduler", address.replace("tls://", "tcp://")]
        refused = subprocess.run(command, cwd=course.root, capture_output=True, text=True, check=False)
        assert refused.returncode == 2
        assert "No Dask scheduler answers at tcp://" in refused.stderr
        assert "runs there without TLS" in refused.stderr
