"""Do pyproject.toml, requirements.lock, requirements-data.txt and environment.yml describe one environment?"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[0-9][A-Za-z0-9.]*)$")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
DECLARED = [Requirement(text) for text in PROJECT["dependencies"]]
DEVELOPMENT = [Requirement(text) for extra in ("dev", "hub") for text in PROJECT["optional-dependencies"][extra]]


def pins(name: str) -> dict[str, str]:
    """Return distribution name to version; fail on any line that is not a plain pin."""
    found: dict[str, str] = {}
    for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
        text = line.split("#", 1)[0].strip()
        if not text:
            continue
        match = PIN.match(text)
        assert match, f"{name}: {line!r} is not `name==version` (no options, addresses, paths or local versions)"
        key = canonicalize_name(match["name"])
        assert key not in found, f"{name} pins {key} twice"
        found[key] = match["version"]
    return found


@pytest.mark.parametrize("requirement", [*DECLARED, *DEVELOPMENT], ids=str)
def test_the_lock_satisfies_what_pyproject_declares(requirement: Requirement) -> None:
    """Is every declared dependency pinned, at a version that its specifier allows?"""
    locked = pins("requirements.lock")
    name = canonicalize_name(requirement.name)
    assert name in locked, f"{requirement} is not in requirements.lock: run `make lock`"
    assert requirement.specifier.contains(locked[name]), f"{requirement} is locked at {locked[name]}: run `make lock`"


def test_data_packages_stand_apart() -> None:
    """Are the data packages pinned, and kept out of the files that are installed with dependencies?"""
    data = pins("requirements-data.txt")
    assert data
    assert not data.keys() & pins("requirements.lock").keys()
    assert not data.keys() & {canonicalize_name(requirement.name) for requirement in [*DECLARED, *DEVELOPMENT]}


def test_conda_installs_the_same_files() -> None:
    """Does environment.yml name the lock, the data file and the Python that the lock was made for?"""
    text = (ROOT / "environment.yml").read_text(encoding="utf-8")
    environment = yaml.safe_load(text)
    assert environment["name"] == PROJECT["name"]
    plain = [item for item in environment["dependencies"] if isinstance(item, str)]
    (pip_section,) = [item["pip"] for item in environment["dependencies"] if isinstance(item, dict)]
    assert plain == ["python=3.11", "pip"], "versions live in the lock alone"
    assert pip_section == ["-r requirements.lock"]
    for command in (
        "pip install --no-deps -r requirements-data.txt",
        "pip install --no-deps --no-build-isolation -e .",
    ):
        assert command in text, f"environment.yml has to tell the reader to run `{command}`"


def test_the_makefile_installs_the_same_files() -> None:
    """Does `make` install the lock, the data file without dependencies, and saiten itself, in this order?"""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    steps = re.findall(r"^\t@\$\(PIP\) install (.+)$", text, flags=re.MULTILINE)
    assert steps == [
        "-r requirements.lock",
        "--no-deps -r requirements-data.txt",
        "--no-deps --no-build-isolation -e .",
    ]


def test_every_import_is_declared() -> None:
    """Is every distribution that src/ imports named in pyproject.toml, so that a plain install can run it?

    The hub alone, and what marks on a cluster, may use what its extra brings.
    """
    owners = packages_distributions()
    plain = {canonicalize_name(requirement.name) for requirement in DECLARED}
    extras = {"hub": "hub", "cluster": "dask"}
    undeclared = []
    for path in sorted((ROOT / "src").rglob("*.py")):
        declared = set(plain)
        for folder, extra in extras.items():
            if path.is_relative_to(ROOT / "src" / "saiten" / folder):
                declared |= {
                    canonicalize_name(Requirement(text).name) for text in PROJECT["optional-dependencies"][extra]
                }
        for module in _imported(ast.parse(path.read_text(encoding="utf-8"))):
            if module in sys.stdlib_module_names or module in {"saiten", "facelab"}:
                continue
            distributions = {canonicalize_name(name) for name in owners.get(module, [])}
            if not distributions & declared:
                undeclared.append(f"{path.relative_to(ROOT)} imports {module}")
    assert not undeclared


def _imported(tree: ast.AST) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names
