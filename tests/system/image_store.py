"""An image built from nothing in a store of its own: a plain Debian, this machine's pip settings, the layers on disk.

In: a folder with room for 30 GB. Out: `Built`, what the tests ask of it. Needs root, debootstrap, buildah and podman.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

BASE, TAG = "localhost/debian:bookworm-slim", "localhost/saiten:test"
MOUNTED = "/run/build"
"""where the build sees this machine's pip settings, certificates and wheels"""
PODMAN = """[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
"""


def run(*command: str | Path, **more: object) -> str:
    """Run a command and return what it prints; what it prints on failure is in the error."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, **more)  # type: ignore[call-overload]
    assert done.returncode == 0, f"{command} failed ({done.returncode}):\n{done.stdout[-4000:]}\n{done.stderr[-8000:]}"
    return str(done.stdout)


@dataclass(frozen=True)
class Built:
    """A built image in a store of its own, and what the build printed."""

    folder: Path
    printed: str

    def podman(self, *arguments: str | Path) -> str:
        """Run podman on this store."""
        return run("podman", *self.store, *arguments, env=self.environment)

    def logs(self, container: str) -> str:
        """Return what a container said on both streams."""
        command = ["podman", *self.store, "logs", container]
        both = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=True)
        return both.stdout + both.stderr

    @property
    def store(self) -> list[str]:
        """Options for buildah and podman: everything they keep lies in `folder`."""
        return ["--root", f"{self.folder}/store", "--runroot", f"{self.folder}/run", "--storage-driver", "overlay"]

    @property
    def environment(self) -> dict[str, str]:
        """The environment of podman."""
        return {**os.environ, "CONTAINERS_CONF": f"{self.folder}/containers.conf"}

    @cached_property
    def inspected(self) -> dict[str, object]:
        """What the image says of itself: `Config` and more."""
        (found,) = json.loads(self.podman("image", "inspect", TAG))
        return dict(found)

    @cached_property
    def layers(self) -> list[Path]:
        """One folder per layer, the newest first, with what that layer added; deleted files are in an older one."""
        rows = json.loads((self.folder / "store" / "overlay-images" / "images.json").read_text(encoding="utf-8"))
        (image,) = [row for row in rows if TAG in row.get("names", [])]
        listed = json.loads((self.folder / "store" / "overlay-layers" / "layers.json").read_text(encoding="utf-8"))
        known = {row["id"]: row for row in listed}
        found, layer = [], image["layer"]
        while layer:
            found.append(self.folder / "store" / "overlay" / layer / "diff")
            layer = known[layer].get("parent")
        return found

    @cached_property
    def paths(self) -> list[str]:
        """Every path of every layer, as it is in the image: /usr, /usr/bin, ..."""
        found = []
        for layer in self.layers:
            for place, folders, files in os.walk(layer):
                inside = "/" + os.path.relpath(place, layer)
                found += [os.path.normpath(f"{inside}/{name}") for name in (*folders, *files)]
        return found

    def holding(self, lines: Sequence[str]) -> dict[str, str]:
        """Return the files of any layer that hold one of these lines, with that line. Gigabytes are read once."""
        wanted = self.folder / "wanted.txt"
        wanted.write_text("\n".join(lines) + "\n", encoding="utf-8")
        command = ["grep", "--recursive", "--text", "--only-matching", "--fixed-strings", f"--file={wanted}"]
        done = subprocess.run(
            # Libraries of PyTorch and NVIDIA and compiled Python are no texts, and are most of the bytes.
            [*command, *(f"--exclude=*.{kind}" for kind in ("so", "so.*", "a", "pyc")), *map(str, self.layers)],
            capture_output=True,
            env={**os.environ, "LC_ALL": "C"},
            check=False,
        )
        assert done.returncode in (0, 1), done.stderr.decode()
        rows = (line.partition(":") for line in done.stdout.decode(errors="replace").splitlines())
        return {path: text for path, _, text in rows}


def pip_settings(folder: Path) -> list[str]:
    """Write this machine's pip settings for the build; return the engine's options that show it what they name.

    Wheels that lie on this machine's disk are seen by the build, and certificates; nothing of it is copied.
    """
    settings: dict[str, str] = {}
    for line in run(sys.executable, "-m", "pip", "config", "list").splitlines():
        key, _, value = line.partition("=")
        settings[key.rpartition(".")[2]] = value.strip("'\"")  # the environment's come first, then the files'
    options = []
    for number, name in enumerate(("find-links", "extra-index-url", "index-url")):
        parts = []
        for count, place in enumerate(settings.get(name, "").replace("\\n", " ").split()):
            path = Path(urlsplit(place).path)
            if urlsplit(place).scheme not in ("", "file"):
                parts.append(place)
                continue
            # an index links to files beside itself: its parent folder is shown
            shown, rest = (path, "") if name == "find-links" else (path.parent, f"/{path.name}")
            inside = f"{MOUNTED}/{number}{count}"
            (folder / f"{number}{count}").mkdir(exist_ok=True)  # where it will be mounted
            options += ["--volume", f"{shown}:{inside}:ro"]
            parts.append(f"{inside}{rest}" if name == "find-links" else f"file://{inside}{rest}")
        if parts:
            settings[name] = " ".join(parts)
    settings.pop("constraint", None)  # the lock says which versions
    if certificates := settings.get("cert") or os.environ.get("SSL_CERT_FILE"):
        shutil.copy(certificates, folder / "ca.crt")
        settings["cert"] = f"{MOUNTED}/ca.crt"
        options += [f"--build-arg={name}={MOUNTED}/ca.crt" for name in ("PIP_CERT", "NODE_EXTRA_CA_CERTS")]
    text = "\n".join(f"{key} = {value}" for key, value in settings.items())
    (folder / "pip.conf").write_text(f"[global]\n{text}\n", encoding="utf-8")
    return ["--volume", f"{folder}:{MOUNTED}:ro", *options, f"--build-arg=PIP_CONFIG_FILE={MOUNTED}/pip.conf"]


def make_base(image: Built) -> None:
    """Make a plain Debian 12 out of packages of this machine's own mirror."""
    sources = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Codename: bookworm"]
    root = image.folder / "debian"
    run("debootstrap", "--variant=minbase", "bookworm", root, run(*sources).splitlines()[0])
    container = run("buildah", *image.store, "from", "scratch").strip()
    run("buildah", *image.store, "add", "--quiet", container, root, "/")
    run("buildah", *image.store, "commit", "--quiet", "--rm", container, BASE)
    shutil.rmtree(root)
