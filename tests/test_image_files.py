"""Do the image's files hold together: what enters the build, who runs, what starts, what is said when it cannot?

The image itself is built and looked into by tests/system/test_image.py.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from image import build, healthcheck

ROOT = Path(__file__).parent.parent
IMAGE = ROOT / "image"
DOCKERFILE = (IMAGE / "Dockerfile").read_text(encoding="utf-8")
STAGES = re.split(r"^(?=FROM )", re.sub(r"\\\n", " ", DOCKERFILE), flags=re.MULTILINE)
FINAL = STAGES[-1]


def words(instruction: str, text: str) -> list[str]:
    """Return what follows an instruction, wherever it stands in a text."""
    return re.findall(rf"^{instruction} +(.+)$", text, flags=re.MULTILINE)


def commands_in(folder: Path, **scripts: str) -> str:
    """Make commands of given names in a folder; return the folder as a PATH before the system's own."""
    folder.mkdir(exist_ok=True)
    for name, body in scripts.items():
        path = folder / name.replace("_", "-")
        path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
        path.chmod(0o755)
    return f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin"


# ------------------------------------------------------------------------------------------------------- the Dockerfile
@pytest.mark.parametrize("command", [["hadolint", "Dockerfile"], ["shellcheck", "entrypoint.sh"]], ids=lambda c: c[0])
def test_lint(command: list[str]) -> None:
    """Do hadolint and shellcheck find nothing?"""
    found = subprocess.run(
        [Path(sys.executable).with_name(command[0]), *command[1:]],
        cwd=IMAGE,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (found.returncode, found.stdout) == (0, "")


def test_the_image_runs_as_nobody_of_weight() -> None:
    """Is the last word on the user a number other than root's, and is there a health check?"""
    assert words("USER", FINAL) == ["1000:1000"]
    assert len(words("HEALTHCHECK", FINAL)) == 1


def test_one_image_for_processors_and_cards() -> None:
    """Is the base the reader's choice, and does the image ask NVIDIA's runtime for what PyTorch needs?"""
    assert words("ARG", STAGES[0]) == ["BASE=python:3.11-slim-bookworm"]
    assert "NVIDIA_VISIBLE_DEVICES=all" in FINAL
    assert "NVIDIA_DRIVER_CAPABILITIES=compute,utility" in FINAL


def test_certificates_are_named_for_the_build_only() -> None:
    """Are certificate and index arguments, which the image's environment does not keep?"""
    named = {"PIP_CERT", "PIP_CONFIG_FILE", "NODE_EXTRA_CA_CERTS"}
    assert named <= set(words("ARG", FINAL)), "no default: empty where nobody asks"
    kept = " ".join(words("ENV", FINAL))
    assert not [name for name in named if name in kept]


def test_the_lock_decides_every_version() -> None:
    """Does each installation from an index name a file of pins, and the proxy come by `npm ci` from its lock?"""
    installs = re.findall(r"pip install ([^&\n]+)", DOCKERFILE.replace("\\\n", " "))
    from_index = [text for text in installs if "--no-index" not in text]
    assert len(from_index) == 3
    assert all("requirements.lock" in text or "requirements-data.txt" in text for text in from_index)
    assert "npm ci " in FINAL
    lock = json.loads((IMAGE / "proxy" / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert all(re.match(r"sha512-", entry["integrity"]) for entry in packages.values())
    assert not [name for name, entry in packages.items() if "resolved" in entry], "no address of a registry"


def test_only_what_is_copied_enters_the_build() -> None:
    """Is .dockerignore an allow list of exactly what the Dockerfile copies, so that nothing of a course can come in?"""
    rules = [
        line for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line[:1] not in ("", "#")
    ]
    assert rules[0] == "*"
    allowed = {rule[1:] for rule in rules if rule.startswith("!")}
    copied = set()
    for line in words("COPY", "\n".join(STAGES)):
        if "--from=" not in line:
            copied |= {word.rstrip("/") for word in shlex.split(line)[:-1] if not word.startswith("--")}
    assert allowed == copied | {"image"}, "the folder image/ is let in to let in three of its files"
    assert rules.index("image/*") > rules.index("!image")
    assert all((ROOT / path).exists() for path in allowed)


def test_the_hubs_configuration_calls_the_image_as_it_is_built() -> None:
    """Does SAITEN_IMAGE's default name what `make image` makes, and is the proxy of the trial hub the image's?"""
    configuration = (IMAGE / "jupyterhub_config.py").read_text(encoding="utf-8")
    assert f'setting("IMAGE", "{build.TAG}")' in configuration
    proxy = json.loads((IMAGE / "proxy" / "package.json").read_text(encoding="utf-8"))["dependencies"]
    assert list(proxy) == ["configurable-http-proxy"]
    pinned = re.findall(
        r"(?:configurable-http-proxy@|PROXY_VERSION = \")([0-9.]+)",
        "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "src" / "saiten" / "hub").rglob("*.py")),
    )
    assert set(pinned) <= {proxy["configurable-http-proxy"]}


# ------------------------------------------------------------------------------------------------------- what it starts
def start(tmp_path: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the entrypoint with commands that say how they were called and in which language and folder."""
    say = 'echo "$(basename "$0") $*|$LANG|$(pwd)"'
    path = commands_in(tmp_path / "bin", jupyterhub=say, jupyterhub_singleuser=say)
    return subprocess.run(
        ["/bin/sh", IMAGE / "entrypoint.sh", *arguments],
        env={"PATH": path, "LANG": "C.UTF-8", **environment},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("arguments", [(), ("start",), ("hub",)])
def test_alone_it_is_a_hub(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """Does a container that no hub started become a hub, in the folder of its state?"""
    state = tmp_path / "state"
    state.mkdir()
    started = start(tmp_path, *arguments, SAITEN_HUB_STATE=str(state))
    assert started.stdout == f"jupyterhub --config /etc/jupyterhub/jupyterhub_config.py|C.UTF-8|{state}\n"


def test_a_hub_starts_it_as_a_server(tmp_path: Path) -> None:
    """Does what DockerSpawner starts without a command of its own become that person's server, arguments kept?"""
    started = start(tmp_path, "start", "--port=8888", JUPYTERHUB_USER="student-017")
    assert started.stdout == f"jupyterhub-singleuser --port=8888|C.UTF-8|{tmp_path}\n"


def test_other_commands_are_run_as_they_stand(tmp_path: Path) -> None:
    """Can one run anything else in the image, a space in an argument and the exit code kept?"""
    started = start(tmp_path, "sh", "-c", 'printf "%s\n" "$1"; exit 7', "sh", "two words")
    assert (started.stdout, started.returncode) == ("two words\n", 7)


def test_a_hub_without_a_place_for_its_state_says_so(tmp_path: Path) -> None:
    """Is a state folder that is not there an error of two lines with the next step, before anything starts?"""
    started = start(tmp_path, "hub", SAITEN_HUB_STATE=str(tmp_path / "nowhere"))
    assert (started.returncode, started.stdout) == (2, "")
    assert "start it as the user saiten" in started.stderr


def test_a_locale_that_the_image_lacks_is_replaced(tmp_path: Path) -> None:
    """Does a spawner's own LANG, unknown here, become C.UTF-8 rather than a warning at every command?"""
    started = start(tmp_path, "server", LANG="tlh_QO.UTF-8", LC_ALL="tlh_QO.UTF-8")
    assert started.stdout == f"jupyterhub-singleuser |C.UTF-8|{tmp_path}\n"


# ------------------------------------------------------------------------------------------------------ is it healthy?
class Answering(BaseHTTPRequestHandler):
    """Answers with the code that its server was made for, at any address, and notes the address."""

    def do_GET(self) -> None:
        """Answer."""
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        self.send_response(self.server.code)  # type: ignore[attr-defined]
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def answering() -> Iterator[HTTPServer]:
    """A server on this machine's own address; `code` says what it answers."""
    server = HTTPServer(("127.0.0.1", 0), Answering)
    server.code, server.asked = 200, []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("kind", "address", "asked"),
    [
        ("SAITEN_BIND", "http://0.0.0.0:{port}", "/hub/health"),
        ("SAITEN_BIND", "http://:{port}/course/", "/course/hub/health"),
        ("JUPYTERHUB_SERVICE_URL", "http://0.0.0.0:{port}/user/student-017/", "/user/student-017/api"),
    ],
)
@pytest.mark.parametrize(("code", "hub", "server"), [(200, 0, 0), (403, 1, 0), (500, 1, 1), (503, 1, 1)])
def test_health(  # one row of the table
    answering: HTTPServer,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    address: str,
    asked: str,
    code: int,
    hub: int,
    server: int,
) -> None:
    """Is a hub healthy that answers 200, and a server that answers anything but an error of its own?"""
    monkeypatch.delenv("SAITEN_BIND", raising=False)
    monkeypatch.delenv("JUPYTERHUB_SERVICE_URL", raising=False)
    monkeypatch.setenv(kind, address.format(port=answering.server_port))
    answering.code = code  # type: ignore[attr-defined]
    assert healthcheck.main() == (server if kind == "JUPYTERHUB_SERVICE_URL" else hub)
    assert answering.asked == [asked]  # type: ignore[attr-defined]


def test_silence_is_not_health(
    answering: HTTPServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Is a port without a listener unhealthy, in one line?"""
    closed = HTTPServer(("127.0.0.1", 0), Answering)
    port = closed.server_port
    closed.server_close()
    monkeypatch.delenv("JUPYTERHUB_SERVICE_URL", raising=False)
    monkeypatch.setenv("SAITEN_BIND", f"http://127.0.0.1:{port}")
    assert healthcheck.main() == 1
    assert re.fullmatch(rf"http://127.0.0.1:{port}/hub/health does not answer: .+\n", capsys.readouterr().err)


# ------------------------------------------------------------------------------------------------------- make image
def test_without_an_engine_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Is a machine without buildah, podman and docker told so, with the line for apt?"""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert build.main([]) == 2
    assert "sudo apt-get install --no-install-recommends buildah" in capsys.readouterr().err
    assert build.main(["--engine", "podman"]) == 2
    assert "podman is not here" in capsys.readouterr().err


def test_docker_without_its_service_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Is a docker client without a service told apart from one that works?"""
    commands_in(tmp_path, docker="exit 1")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert build.main([]) == 2
    assert "its service does not answer" in capsys.readouterr().err


@pytest.mark.parametrize(("names", "chosen"), [("docker podman buildah", "buildah"), ("docker podman", "podman")])
def test_the_first_engine_that_is_there(
    names: str, chosen: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Are buildah and podman, which need no service, asked before docker?"""
    commands_in(tmp_path, **dict.fromkeys(names.split(), "exit 0"))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert build.find_engine(None).name == chosen


@pytest.mark.parametrize("name", ["podman", "docker"])
def test_a_build_tells_what_it_built(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Does one run build with the engine's words, write the bill of materials and print the layers with their sizes?"""
    rows = [
        {"CreatedBy": "COPY b", "Size": 2_500_000},
        {"CreatedBy": "ENV c", "Size": 0},
        {"CreatedBy": "a", "Size": 10**9},
    ]
    bill = {"components": [{"purl": "pkg:pypi/saiten@0.1.0"}]}
    told = "\n".join(map(json.dumps, rows)) if name == "docker" else json.dumps(rows)
    script = (
        f'printf "%s\\n" "$*" >> {tmp_path}/calls; case "$1" in\n'
        f"history) cat <<'END'\n{told}\nEND\n;;\n"
        f"run) cat >/dev/null; cat <<'END'\n{json.dumps(bill)}\nEND\n;;\nesac"
    )
    monkeypatch.setenv("PATH", commands_in(tmp_path / "bin", **{name: script}))
    sbom = tmp_path / "sbom.json"
    assert build.main(["--engine", name, "--base", "debian:12", "--sbom", str(sbom), "--", "--pull"]) == 0
    built, *_ = (tmp_path / "calls").read_text(encoding="utf-8").splitlines()[0 if name == "podman" else 1 :]
    assert built.startswith("build ")
    assert ("--format docker" in built) == (name == "podman")
    assert f"--tag {build.TAG}" in built
    assert "--build-arg BASE=debian:12 --build-arg VERSION=0.1.0 --build-arg REVISION=" in built
    assert built.endswith(f"--pull {ROOT}")
    assert json.loads(sbom.read_text(encoding="utf-8")) == bill
    shown = capsys.readouterr().out
    assert re.search(r"1000\.0 MB +a\n +2\.5 MB +COPY b\n +1002\.5 MB +in all\n", shown)
    assert "Packages: 1 pypi" in shown


def test_a_failed_build_passes_its_code_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Does a step that fails end with the engine's code and no list of an older image?"""
    monkeypatch.setenv("PATH", commands_in(tmp_path / "bin", podman="exit 125"))
    sbom = tmp_path / "sbom.json"
    assert build.main(["--engine", "podman", "--sbom", str(sbom)]) == 125
    assert "failed with exit code 125" in capsys.readouterr().err
    assert not sbom.exists()


def test_the_bill_of_materials_is_stable_and_complete() -> None:
    """Does the list name this Python's packages once each, in order, the same twice?"""
    command = [sys.executable, str(IMAGE / "package_list.py")]
    first, second = (subprocess.run(command, capture_output=True, text=True, check=True).stdout for _ in range(2))
    assert first == second
    bill = json.loads(first)
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.5")
    purls = [component["purl"] for component in bill["components"]]
    assert purls == sorted(set(purls))
    assert {"torch", "saiten", "nbgrader"} <= {component["name"] for component in bill["components"]}
