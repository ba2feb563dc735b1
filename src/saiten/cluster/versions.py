"""What is installed here, on the scheduler and on each worker; which differences matter.

In: what `installed` says there and here. Out: one sentence for the first difference that matters.
`installed` is sent to workers whole, because they may lack Saiten: it uses the standard library alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from saiten.bundle import Bundle

Versions = Mapping[str, str | None]
"""name to version; None: not installed"""

SAITEN = "saiten"
ENGINE = "Saiten's engine"
CODE = "Saiten's code (a fingerprint)"
PYTHON = "Python"

_TALK = ("distributed", "dask", "cloudpickle", "msgpack", "tornado")
"""what client, scheduler and workers talk with"""
_MARKS = (
    *("numpy", "scipy", "torch", "torchvision", "scikit-learn", "scikit-image", "opencv-python-headless", "pillow"),
    *("matplotlib", "ipython", "nbformat"),
)
"""what a mark can depend on in most courses; a bundle's own imports are added"""
_SCHEDULER = ("distributed", "dask", "cloudpickle", "msgpack")
"""what `Client.scheduler_info` lets us see of a scheduler, as far as it matters"""


def wanted(bundle: Bundle) -> tuple[str, ...]:
    """Return the distributions whose versions have to be the same everywhere, for one assignment."""
    from importlib.metadata import packages_distributions

    modules = {name.partition(".")[0] for notebook in bundle.notebooks for name in notebook.imports}
    known = packages_distributions() if modules else {}
    imported = {each for module in modules for each in known.get(module, ())}
    return tuple(dict.fromkeys((*_TALK, *_MARKS, *sorted(imported - {SAITEN}))))


def installed(names: Sequence[str]) -> dict[str, str | None]:
    """Return what is installed where this runs: Python, Saiten with its engine and code, and these distributions."""
    import hashlib
    import sys
    from importlib import metadata, util
    from pathlib import Path

    def version(name: str) -> str | None:
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            return None

    found = {name: version(name) for name in names}
    found["Python"] = f"{sys.version_info[0]}.{sys.version_info[1]}"
    spec = util.find_spec("saiten")
    if spec is None or not spec.submodule_search_locations:
        return found | {"saiten": None}
    from saiten import __version__
    from saiten.results import ENGINE_VERSION

    digest = hashlib.blake2b(digest_size=6)
    root = Path(next(iter(spec.submodule_search_locations)))
    for path in sorted([*root.glob("*.py"), *(each for part in ("grading", "batch", "cluster", "pictures", "sanitise")
                                              for each in root.glob(f"{part}/*.py"))]):  # fmt: skip
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return found | {
        "saiten": __version__,
        "Saiten's engine": ENGINE_VERSION,
        "Saiten's code (a fingerprint)": digest.hexdigest(),
    }


def difference(here: Versions, there: Versions, place: str) -> tuple[str, str] | None:
    """Compare a worker with this machine.

    Args:
        here: what this machine has.
        there: what the worker has.
        place: what to call the worker.

    Returns:
        what is wrong and what to do about it, one sentence each; None if they may work together.
    """
    if there.get(SAITEN) is None:
        return (
            f"{place} has no Saiten: it cannot mark.",
            f"Install saiten {here[SAITEN]} in that worker's environment, as it is here, and start the worker again.",
        )
    for name in (SAITEN, ENGINE, PYTHON, *(name for name in here if name not in (SAITEN, ENGINE, PYTHON, CODE)), CODE):
        if here[name] != there.get(name):
            return (
                f"{place} has {_said(name, there.get(name))}, this machine has {_said(name, here[name])}: "
                "marks could differ.",
                "Install the same on both (requirements.lock, or one image for all), and start the worker again.",
            )
    return None


def scheduler_difference(here: Versions, there: Mapping[str, Any]) -> tuple[str, str] | None:
    """Compare a scheduler, by its answer to `versions`, with this machine; see `difference`."""
    packages = there.get("packages", {})
    python = ".".join(str(there.get("host", {}).get("python", "")).split(".")[:2])
    found = {PYTHON: python or None, **{name: packages.get(name) for name in _SCHEDULER}}
    for name, version in found.items():
        if name in here and here[name] != version:
            return (
                f"The scheduler has {_said(name, version)}, this machine has {_said(name, here[name])}: "
                "they may not understand each other.",
                "Start the scheduler in the environment that this machine and the workers have.",
            )
    return None


def _said(name: str, version: str | None) -> str:
    return f"no {name}" if version is None else f"{name} {version}"


installed.__module__ = "__main__"  # cloudpickle sends the functions of a main program whole
