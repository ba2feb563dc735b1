#!/usr/bin/env python3
"""Build the course's image with what is there: buildah, podman or docker. `make image` runs this.

In: the repository, options (`--help`). Out: an image, image/sbom.json (what is in it), a table of its layers.
Needs Python 3.11 and one of the three; exit code 2 says what is missing, the engine's own code what failed.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENGINES = ("buildah", "podman", "docker")
TAG = "saiten:latest"
"""as jupyterhub_config.py calls it; buildah and podman put localhost/ before it"""
BILL = ROOT / "image" / "sbom.json"
APT = "apt-get install --no-install-recommends buildah runc"
NO_ENGINE = f"""An image is built by buildah, podman or docker; none of them is here.
Debian, Ubuntu: sudo {APT}
Elsewhere, install podman or Docker, and run this again."""
SHOWN = 60
"""characters of a layer's step in the table"""


class BuildError(Exception):
    """What the reader can mend: one sentence, and the next step."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of an image."""

    step: str
    """the Dockerfile's step, or what the engine kept of it"""
    size: int
    """bytes on disk, unpacked"""


@dataclass(frozen=True, slots=True)
class Engine:
    """A tool that builds images, and the options that come before its verb (where its store lies)."""

    name: str
    options: tuple[str, ...] = ()

    def run(self, *arguments: str, **more: object) -> subprocess.CompletedProcess[str]:
        """Run one verb; output and errors go where this program's go, unless `more` says otherwise."""
        command = [self.name, *self.options, *arguments]
        return subprocess.run(command, text=True, check=True, **more)  # type: ignore[call-overload, no-any-return]

    def ask(self, *arguments: str) -> str:
        """Run one verb and return what it prints."""
        return self.run(*arguments, stdout=subprocess.PIPE).stdout


def find_engine(wanted: str | None, options: Sequence[str] = ()) -> Engine:
    """Return the engine asked for, else the first that is there and answers.

    Raises:
        BuildError: there is none, or docker is there without its service.
    """
    names = [wanted] if wanted else [name for name in ENGINES if shutil.which(name)]
    silent = []
    for name in names:
        if shutil.which(name) is None:
            raise BuildError(f"{name} is not here.\n{NO_ENGINE}")
        # buildah and podman work by themselves; docker is a client, and its service may not run
        if name != "docker" or subprocess.run([name, "version"], capture_output=True, check=False).returncode == 0:
            return Engine(name, tuple(options))
        silent.append(name)
    if silent:
        raise BuildError(
            "docker is here, but its service does not answer.\n"
            f"Start it (systemctl start docker), or build without it: sudo {APT}"
        )
    raise BuildError(NO_ENGINE)


def build(engine: Engine, *, tag: str, base: str | None, more: Sequence[str], context: Path = ROOT) -> None:
    """Build the image; `more` are options of the engine's own build verb.

    Raises:
        CalledProcessError: a step failed; the engine has said which.
    """
    command = ["bud"] if engine.name == "buildah" else ["build"]
    if engine.name != "docker":
        command += ["--format", "docker", "--layers=true"]  # the OCI format has no health check
    command += ["--file", str(context / "image" / "Dockerfile"), "--tag", tag]
    for name, value in {"BASE": base, **revision(context)}.items():
        if value:
            command += ["--build-arg", f"{name}={value}"]
    engine.run(*command, *more, str(context))


def revision(context: Path) -> dict[str, str]:
    """Return what the image's labels say of the code: its version and, in a clone, the commit."""
    project = tomllib.loads((context / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found = {"VERSION": str(project["version"])}
    git = ["git", "-C", str(context), "describe", "--always", "--abbrev=40", "--dirty", "--exclude=*"]
    if shutil.which("git") and (context / ".git").exists():
        found["REVISION"] = subprocess.run(git, capture_output=True, text=True, check=True).stdout.strip()
    return found


def bill_of(engine: Engine, tag: str) -> dict[str, list[dict[str, str]]]:
    """Return the image's bill of materials, as its own Python tells it."""
    script = (ROOT / "image" / "package_list.py").read_text(encoding="utf-8")
    if engine.name != "buildah":
        run = ["run", "--rm", "--interactive", "--network=none", "--entrypoint", "python", tag, "-"]
        return dict(json.loads(engine.run(*run, input=script, stdout=subprocess.PIPE).stdout))
    container = engine.ask("from", "--pull-never", tag).strip()
    try:
        # chroot isolation needs no runtime and works inside containers, where CI often is
        run = ["run", "--isolation=chroot", container, "--", "python", "-"]
        return dict(json.loads(engine.run(*run, input=script, stdout=subprocess.PIPE).stdout))
    finally:
        engine.ask("rm", container)


def layers_of(engine: Engine, tag: str) -> list[Layer]:
    """Return the image's layers, the oldest first; steps that only set a name or a label have none."""
    if engine.name == "buildah":
        return _layers_in_store(engine, tag)
    form = "{{json .}}" if engine.name == "docker" else "json"
    listing = engine.ask("history", "--no-trunc", "--human=false", "--format", form, tag)
    rows = [json.loads(line) for line in listing.splitlines()] if engine.name == "docker" else json.loads(listing)
    found = [
        Layer(str(row.get("CreatedBy") or row.get("createdBy")), int(row.get("Size", row.get("size")))) for row in rows
    ]
    return [layer for layer in reversed(found) if layer.size]


def _either(row: dict[str, object], name: str) -> object:
    """Docker writes `Size`, podman `size`. Raises KeyError where neither is there."""
    return row[name] if name in row else row[name[0].lower() + name[1:]]


def _layers_in_store(engine: Engine, tag: str) -> list[Layer]:
    """Buildah has no `history`: the sizes are in the store that it shares with podman, the steps in the image."""
    image = json.loads(engine.ask("inspect", "--type=image", tag))["OCIv1"]
    store = json.loads(engine.ask("info"))["store"]
    listing = Path(store["GraphRoot"]) / f"{store['GraphDriverName']}-layers" / "layers.json"
    sizes = {
        row["diff-digest"]: int(row["diff-size"]) for row in json.loads(listing.read_text()) if "diff-digest" in row
    }
    steps = [row.get("created_by", "") for row in image["history"] if not row.get("empty_layer")]
    return [Layer(step, sizes[digest]) for step, digest in zip(steps, image["rootfs"]["diff_ids"], strict=True)]


def shown(layers: Sequence[Layer]) -> str:
    """Return a table: megabytes (of a million bytes) and step of each layer, and the whole."""
    lines = []
    for layer in layers:
        step = re.sub(r"^\|\d+ (\w+=\S+ )*", "", " ".join(layer.step.split()))  # build arguments
        for noise in ("/bin/bash -euo pipefail -c ", "/bin/sh -c ", "#(nop) "):
            step = step.replace(noise, "")
        lines.append(f"{layer.size / 1e6:10.1f} MB  {step[:SHOWN]}")
    lines.append(f"{sum(layer.size for layer in layers) / 1e6:10.1f} MB  in all")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Build, then tell what was built."""
    parser = argparse.ArgumentParser(
        prog="make image", description="Build the course's image. Words after -- go to the engine's build verb."
    )
    parser.add_argument("--engine", choices=ENGINES, help="default: the first of these that is there")
    parser.add_argument("--engine-options", default="", help="options before its verb, such as '--root DIR'")
    parser.add_argument("--base", help="the image to build on (default: the Dockerfile's)")
    parser.add_argument("--tag", default=TAG, help=f"its name (default: {TAG})")
    parser.add_argument("--sbom", type=Path, default=BILL, help="where the bill of materials goes")
    given = list(sys.argv[1:] if arguments is None else arguments)
    cut = given.index("--") if "--" in given else len(given)
    options = parser.parse_args(given[:cut])
    try:
        engine = find_engine(options.engine, shlex.split(options.engine_options))
        build(engine, tag=options.tag, base=options.base, more=given[cut + 1 :])
        bill, layers = bill_of(engine, options.tag), layers_of(engine, options.tag)
    except BuildError as error:
        print(error, file=sys.stderr)
        return 2
    except subprocess.CalledProcessError as error:
        print(f"{shlex.join(error.cmd[:4])} ... failed with exit code {error.returncode}; see above.", file=sys.stderr)
        return error.returncode or 1
    options.sbom.write_text(json.dumps(bill, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    for entry in bill["components"]:
        print(entry["purl"].removeprefix("pkg:"))
    kinds = Counter(entry["purl"].partition("/")[0].removeprefix("pkg:") for entry in bill["components"])
    print(f"\n{shown(layers)}\n")
    print("Packages: " + ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())))
    print(f"Built {options.tag} with {engine.name}; the list above, for machines: {os.path.relpath(options.sbom)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
