"""Is the course's image what it says: built from nothing, nothing of a course inside, and does it run?

A plain Debian 12 is made from this machine's own Debian mirror, the image built on it as `make image` builds it, looked
into layer by layer, and run as the hub's configuration runs it: no capabilities, no new privileges, no network. At last
its hub is lived on for a week, in real browsers.
SAITEN_IMAGE_FOLDER names a folder that is kept, so that a second run finds the base and the layers that did not change.
It has to be root, as debootstrap does.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest
from image_hub import hub_in
from image_store import BASE, MOUNTED, PODMAN, TAG, Built, make_base, pip_settings, run
from playwright.sync_api import Browser
from week_steps import live_through_a_week

from saiten.hub.trial import keeper

pytestmark = [pytest.mark.system, pytest.mark.timeout(1200)]

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def built() -> Iterator[Built]:
    """Build the image on a Debian 12 made here, in a store that goes away afterwards."""
    kept = os.environ.get("SAITEN_IMAGE_FOLDER")
    folder = Path(kept or tempfile.mkdtemp(prefix="saiten-image-", dir="/var/tmp"))
    folder.mkdir(exist_ok=True)
    image = Built(folder, "")
    try:
        (folder / "containers.conf").write_text(PODMAN, encoding="utf-8")
        if BASE not in run("buildah", *image.store, "images", "--format", "{{.Name}}:{{.Tag}}").split():
            make_base(image)
        (folder / "host").mkdir(exist_ok=True)
        options = ["--isolation=chroot", *pip_settings(folder / "host")]
        bill = ["--sbom", folder / "sbom.json"]
        store = ["--engine", "buildah", "--engine-options", " ".join(image.store)]
        command = [sys.executable, ROOT / "image" / "build.py", *store, "--base", BASE, "--tag", TAG, *bill, "--"]
        yield Built(folder, run(*command, *options))
    finally:
        podman = ["podman", *image.store]
        subprocess.run([*podman, "rm", "--all", "--force", "--time=0"], env=image.environment, check=True)
        if not kept:
            subprocess.run(["buildah", *image.store, "umount", "--all"], check=True)
            shutil.rmtree(folder)


# ---------------------------------------------------------------------------------------------------- what is inside
def test_only_the_named_files_reach_the_build(built: Built, tmp_path: Path) -> None:
    """Does the allow list keep out all that lies in a course's folder, whatever the Dockerfile would copy?"""
    shutil.copy(ROOT / ".dockerignore", tmp_path)
    kept = ["LICENSE", "README.md", "pyproject.toml", "requirements.lock", "requirements-data.txt"]
    kept += ["src/saiten/cli/__init__.py", "image/entrypoint.sh", "image/healthcheck.py", "image/proxy/package.json"]
    out = ["source/01/01.py", "source/01/answers/a.py", "solutions/01/01.ipynb", "autograder/01/bundle.json", ".env"]
    out += ["release/01/01.ipynb", "submitted/student-017/01/01.ipynb", "autograded/a", "feedback/a", "gradebook.db"]
    out += ["demo/expected.json", "nbgrader_config.py", "jupyterhub_cookie_secret", ".git/config", "src/gradebook.db"]
    out += [
        "src/saiten/__pycache__/a.pyc",
        "src/saiten.egg-info/SOURCES.txt",
        "image/sbom.json",
        "image/passwords.json",
    ]
    out += ["src/saiten/.env", "image/proxy/node_modules/a/index.js", "tests/test_a.py", "id_rsa", "demo-check/a"]
    for name in (*kept, *out):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name, encoding="utf-8")
    (tmp_path / "Copies").write_text("FROM scratch\nCOPY . /\n", encoding="utf-8")
    build = ["bud", "--quiet", "--isolation=chroot", "--file", tmp_path / "Copies"]
    copied = run("buildah", *built.store, *build, tmp_path).strip().splitlines()[-1]
    container = run("buildah", *built.store, "from", copied).strip()
    mounted = Path(run("buildah", *built.store, "mount", container).strip())
    found = {str(path.relative_to(mounted)) for path in mounted.rglob("*") if path.is_file()}
    run("buildah", *built.store, "rm", container)
    assert found == set(kept)


def test_nothing_of_the_course_is_in_a_layer(built: Built) -> None:
    """Is no exercise's name in a path, and no line of a solution or hidden test in a file, deleted ones included?"""
    names = [path.name for path in (ROOT / "source").iterdir() if path.is_dir()]
    assert len(names) >= 5
    assert not [path for path in built.paths if any(name in path for name in names)]
    for name in ("gradebook.db", "nbgrader_config.py", "bundle.json", "assignment.toml", "planted.toml"):
        # nbgrader brings those of its own quickstart and tests
        found = [path for path in built.paths if path.endswith("/" + name)]
        assert not [path for path in found if "/site-packages/nbgrader/" not in path]

    secret: set[str] = set()
    for source in sorted((ROOT / "source").glob("*/*.py")):
        text = source.read_text(encoding="utf-8")
        for kind in ("HIDDEN TESTS", "SOLUTION"):
            for part in re.findall(rf"### BEGIN {kind}\n(.*?)### END {kind}", text, flags=re.DOTALL):
                lines = {line.strip() for line in part.splitlines() if len(line.strip()) >= 40}
                secret |= {line for line in lines if not line.startswith(("from ", "import "))}  # everybody's
    assert len(secret) > 100
    # one line that the image has to hold shows that lines are found
    holders = built.holding([*sorted(secret), "def load_pretrained(device"])
    assert [path for path in holders if path.endswith("/facelab/pretrained.py")]
    assert {path: text for path, text in holders.items() if not path.endswith("/facelab/pretrained.py")} == {}


def test_no_secret_is_in_a_layer(built: Built) -> None:
    """Are there no keys, no certificates but Debian's, no settings of this machine's, no caches?"""
    ours = {
        hashlib.sha256(path.read_bytes()).hexdigest() for path in (built.folder / "host").iterdir() if path.is_file()
    }
    names = re.compile(
        r"/(pip\.conf|\.npmrc|\.netrc|\.git-credentials|jupyterhub_cookie_secret|jupyterhub\.sqlite|id_(rsa|ed25519)|\.env)$"
    )
    # npm as a package brings one line of settings of its own
    assert not [path for path in built.paths if names.search(path) and not path.endswith("/node_modules/npm/.npmrc")]
    assert not [path for path in built.paths if re.match(r"/(root|home/\w+)/\.(cache|npm|jupyter|ssh)|/tmp/.", path)]
    for layer in built.layers:
        left = [path for path in (layer / MOUNTED[1:]).rglob("*") if path.is_file() or path.is_symlink()]
        assert not left, "the build's mounts leave nothing"
        for place in ("etc/ssl", "usr/local/share/ca-certificates", "usr/share/ca-certificates"):
            for path in (layer / place).rglob("*"):
                if path.is_file():
                    assert hashlib.sha256(path.read_bytes()).hexdigest() not in ours, path
    kept = json.dumps(built.inspected["Config"])
    assert MOUNTED not in kept
    assert "PIP_" not in kept


def test_every_package_is_pinned_and_wanted(built: Built) -> None:
    """Is the bill of materials the lock's, with the data packages, and without what only developers need?"""
    pins: dict[str, str] = {}
    for name in ("requirements.lock", "requirements-data.txt"):
        text = (ROOT / name).read_text(encoding="utf-8")
        pins |= {match[1].lower(): match[2] for match in re.finditer(r"^([\w.-]+)==([\w.]+)", text, flags=re.MULTILINE)}
    bill = json.loads((built.folder / "sbom.json").read_text(encoding="utf-8"))
    parts = {each["purl"].partition("@")[0]: each["version"] for each in bill["components"]}
    python = {purl.removeprefix("pkg:pypi/"): version for purl, version in parts.items() if "pkg:pypi/" in purl}
    assert python.pop("saiten") == "0.1.0"
    del python["pip"]  # Python's own
    assert python == {name: pins[name] for name in python}
    assert {"torch", "nvidia-cudnn-cu13", "jupyterhub", "jupyterlab", "nbgrader", "jupytext", "mlxtend"} <= set(python)
    assert not {"pytest", "mypy", "ruff", "playwright", "otter-grader", "hypothesis"} & set(python)
    assert {"pkg:deb/debian/fonts-noto-cjk", "pkg:deb/debian/tini", "pkg:npm/configurable-http-proxy"} <= set(parts)


def test_its_size_is_told_layer_by_layer(built: Built) -> None:
    """Does the build end with a table of layers that adds up to what podman counts?"""
    sizes = [float(size) for size in re.findall(r"^ *([0-9.]+) MB  ", built.printed, flags=re.MULTILINE)]
    assert len(sizes) == len(built.layers) + 1
    assert sum(sizes[:-1]) == pytest.approx(sizes[-1], abs=1)
    assert sizes[-1] == pytest.approx(int(str(built.inspected["Size"])) / 1e6, rel=0.02)
    print("\n".join(built.printed.splitlines()[-len(sizes) - 5 :]))


def test_it_is_an_ordinary_users(built: Built) -> None:
    """Does the image's own description name a user who is not root, tini as process 1 and a health check?"""
    config = dict(built.inspected["Config"])  # type: ignore[call-overload]
    assert config["User"] == "1000:1000"
    assert config["Entrypoint"] == ["tini", "--", "entrypoint.sh"]
    assert dict(built.inspected["Healthcheck"])["Test"][:2] == ["CMD", "python"]  # type: ignore[call-overload]
    assert {"NVIDIA_VISIBLE_DEVICES=all", "NVIDIA_DRIVER_CAPABILITIES=compute,utility"} <= set(config["Env"])
    assert config["Labels"]["org.opencontainers.image.version"] == "0.1.0"


# ------------------------------------------------------------------------------------------------------------ it runs
@pytest.fixture(scope="module")
def container(built: Built) -> str:
    """A server's container as the hub's configuration starts it: no capability, no new privilege, here no network."""
    hardened = ["--cap-drop=all", "--security-opt=no-new-privileges", "--network=none"]
    return built.podman("run", "--detach", *hardened, TAG, "sleep", "infinity").strip()


FACTS = """
import importlib, json, os, pathlib, torch
import saiten, cv2, sklearn, skimage, torchvision
from facelab.pretrained import load_pretrained
loaded = load_pretrained(device="auto")
print(json.dumps({
    "user": [os.getuid(), os.getgid()], "cuda": bool(torch.version.cuda), "device": str(loaded.device),
    "source": loaded.source, "shape": list(loaded.model(torch.zeros(1, 3, 224, 224)).shape),
    "writable": [p for p in ("/opt/saiten", "/opt/saiten/bin", "/opt/saiten/lib/python3.11/site-packages",
        "/opt/proxy", "/etc/jupyterhub", "/usr/local/bin", "/srv/jupyterhub") if os.access(p, os.W_OK)],
    "compiled": pathlib.Path(torch.__cached__).exists(), "init": pathlib.Path("/proc/1/comm").read_text().strip(),
}))
"""


def test_what_the_exercises_need_works_offline(built: Built, container: str) -> None:
    """Do torch, saiten and facelab import, do the weights load without a network, and is no package the user's?"""
    facts = json.loads(built.podman("exec", container, "python", "-c", FACTS).splitlines()[-1])
    assert facts == {
        "user": [1000, 1000],
        "cuda": True,
        "device": "cpu",
        "source": "torch hub",
        "shape": [1, 1000],
        "writable": [],
        "compiled": True,
        "init": "tini",
    }


def test_japanese_is_read_and_written(built: Built, container: str) -> None:
    """Are there fonts with Japanese letters, and is the language Japanese where nobody says otherwise?"""
    assert "Noto Sans CJK JP" in built.podman("exec", container, "fc-list", ":lang=ja", "family")
    assert "ja_JP.utf8" in built.podman("exec", container, "locale", "-a").split()
    told = built.podman("exec", container, "python", "-c", "import locale; print(locale.setlocale(locale.LC_ALL, ''))")
    assert told.strip() == "ja_JP.UTF-8"
    answer = built.podman("exec", "--env", "LANG=tlh_QO.UTF-8", container, "entrypoint.sh", "sh", "-c", "echo $LANG")
    assert answer.strip() == "C.UTF-8"


def test_jupyterlab_has_the_courses_extensions(built: Built, container: str) -> None:
    """Are nbgrader's and jupytext's extensions on, in the browser and in the server, and the news off?"""
    assert re.match(r"\d+\.", built.podman("exec", container, "jupyter", "lab", "--version"))

    def told(*command: str) -> str:
        """Both streams, without colours."""
        text = built.podman("exec", container, "sh", "-c", f"{' '.join(command)} 2>&1")
        return re.sub(r"\x1b\[\d+m", "", text)

    browser = told("jupyter", "labextension", "list")
    for name in ("@jupyter/nbgrader", "jupyterlab-jupytext"):
        assert re.search(rf"{name} v\S+ enabled +OK", browser), browser
    assert "@jupyterlab/apputils-extension:announcements" in browser.partition("Disabled extensions")[2]
    server = told("jupyter", "server", "extension", "list")
    for name in ("assignment_list", "validate_assignment", "formgrader", "course_list"):
        assert f"nbgrader.server_extensions.{name} enabled" in server, server
        assert re.search(rf"nbgrader.server_extensions.{name} +OK", server), "it can be imported"
    assert re.search(r"jupyterlab_jupytext +OK", server), server


def test_walls_stand_in_it(built: Built, container: str) -> None:
    """Does `saiten doctor` try every wall in a container without privileges, and find that marking is safe there?"""
    assert "Marking is safe here." in built.podman("exec", container, "saiten", "doctor")


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class HubsApi(BaseHTTPRequestHandler):
    """As much of a hub as a server asks for when it starts: which version it is, and "I am alive"."""

    def do_GET(self) -> None:
        """Answer with a version."""
        body = b'{"version": "6.1.1"}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def hubs_api() -> Iterator[str]:
    """The address of a hub's API."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), HubsApi)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hub/api"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_persons_server_starts_from_it(built: Built, hubs_api: str) -> None:
    """Told as a hub tells it, does the image without a command become a healthy server that asks who is there?"""
    address = f"http://127.0.0.1:{free_port()}/user/student-017/"
    told = {"USER": "student-017", "API_URL": hubs_api, "API_TOKEN": "made-up", "SERVICE_URL": address, "BASE_URL": "/"}
    told |= {"SERVICE_PREFIX": "/user/student-017/", "CLIENT_ID": "jupyterhub-user-student-017", "SERVER_NAME": ""}
    told |= {"OAUTH_CALLBACK_URL": "/user/student-017/oauth_callback", "HOST": ""}
    options = [f"--env=JUPYTERHUB_{name}={value}" for name, value in told.items()]
    hardened = ["--cap-drop=all", "--security-opt=no-new-privileges", "--network=host"]
    server = built.podman("run", "--detach", *hardened, *options, TAG).strip()
    try:
        wait_for(address + "api", built, server)
        built.podman("healthcheck", "run", server)
        with pytest.raises(HTTPError, match="403"):  # not a word to one who has not logged in
            urlopen(address + "api/contents", timeout=10)
        assert "jupyterhub-singleuser" in built.podman("exec", server, "sh", "-c", "cat /proc/*/cmdline | tr '\\0' ' '")
    finally:
        built.podman("rm", "--force", "--time=5", server)


def wait_for(address: str, built: Built, container: str) -> None:
    """Wait until an address answers 200; fail with what the container said where it ends, or after two minutes."""
    for _ in range(600):
        if json.loads(built.podman("inspect", container))[0]["State"]["Status"] != "running":
            pytest.fail(built.logs(container))
        try:
            with urlopen(address, timeout=2) as answer:
                assert answer.status == 200
                return
        except (URLError, OSError):
            time.sleep(0.2)
    pytest.fail(f"{address} did not answer:\n" + built.logs(container))


def test_students_work_in_containers(built: Built) -> None:
    """By the shape `docker`, with podman as Docker: does each have a container of their own, with its limits, in which
    the exchange is and nothing of another's; and is what they hand in there marked, theirs, and answered?"""
    with tempfile.TemporaryDirectory(prefix="saiten-containers-", dir="/var/tmp") as work:
        Path(work).chmod(0o755)
        driver = [sys.executable, str(Path(__file__).with_name("containers_driver.py")), str(built.folder), work]
        # ends all that it has started, whatever becomes of this test
        keeping = [sys.executable, "-P", keeper.__file__, *driver]
        paths = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}  # the tests' own modules
        with subprocess.Popen(keeping, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=paths) as process:
            try:
                printed, errors = process.communicate(timeout=420)
            except subprocess.TimeoutExpired:
                process.terminate()
                printed, errors = process.communicate()
    assert process.returncode == 0, errors[-8000:]
    seen = json.loads(printed.splitlines()[-1])
    names = ["student-001", "student-002"]
    assert seen["containers"] == ["jupyter-student-2d001", "jupyter-student-2d002"]
    for name in names:
        assert seen["looks"][name] == {
            "uid": 1000,
            "capabilities": 0,
            "no_new_privileges": 1,
            "memory": [str(2**30)],
            "gpu": "void",
            "exchange": ["feedback", "inbound", "outbound"],  # no inbound-of
            "course": False,
            "list_inbound": "PermissionError",
            "write_outbound": "OSError",  # a file system that is read-only
            "write_feedback": "OSError",
            "list_feedback": "PermissionError",
        }
        assert seen["pages"][name] > 0, "Fetch Feedback has brought nothing"
    assert seen["marked"] == [[name, "marked", 1] for name in names]
    assert dict(seen["scores"]) == {"student-001": 4.0, "student-002": 0.0}


def test_a_week_of_the_course_on_the_images_hub(built: Built, browser: Browser) -> None:
    """Does the image become a healthy hub as the user saiten; do two students, an assistant and an instructor get
    through a week on it; and does it stop when asked to?"""
    folder = built.folder / "week"
    shutil.rmtree(folder, ignore_errors=True)
    with hub_in(built, folder) as (hub, container):
        for path in ("hub/health", "services/marking/health"):
            wait_for(hub.address + path, built, container)
        built.podman("healthcheck", "run", container)
        try:
            live_through_a_week(browser, hub)
        except BaseException:
            print(built.logs(container)[-20_000:])
            raise
        built.podman("stop", "--time=20", container)
        state = json.loads(built.podman("inspect", container))[0]["State"]
        assert state["ExitCode"] in (0, 130, 143), "it stopped by itself, not by SIGKILL"
