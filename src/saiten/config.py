"""Configuration: nbgrader_config.py, read as nbgrader itself reads it, with Saiten's own traits beside nbgrader's.

In: a course's folder. Out: a traitlets `Config` (old option names renamed as nbgrader does) and a `Saiten` object.
A file that cannot be run, or an option that does not exist, is a `CourseError` that names it.
"""

from __future__ import annotations

import difflib
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jupyter_core.paths import jupyter_config_dir, jupyter_config_path
from nbgrader.apps.baseapp import NbGrader
from nbgrader.coursedir import CourseDirectory
from traitlets import Callable, Float, Integer, List, TraitError, Unicode, Union
from traitlets.config import Config, Configurable
from traitlets.config.loader import ConfigFileNotFound, JSONFileConfigLoader, PyFileConfigLoader

from saiten.errors import CourseError
from saiten.zones import zone_of

CONFIG_NAME = "nbgrader_config"
"""File name, without `.py` or `.json`, of the one configuration file of a course."""


class Saiten(Configurable):  # type: ignore[misc]  # traitlets has no types
    """Saiten's own options, set as `c.Saiten.<name>` in nbgrader_config.py."""

    languages = List(
        Unicode(),
        default_value=["ja", "en"],
        help="Languages of the course, by code; the first stands in front, the others are folded. "
        "Text in a language that is not listed is left out of the release.",
    ).tag(config=True)

    workers = Integer(
        0,
        min=0,
        help="Processes that mark submissions at the same time; 0 means one for each core that may be used.",
    ).tag(config=True)

    scheduler = Union(
        [Unicode(), Callable()],
        default_value="",
        help="Where `saiten grade` marks: address of a Dask scheduler (tcp://HOST:PORT, tls://HOST:PORT), or a "
        "callable that returns a distributed.Client, for Slurm, Kubernetes and Dask Gateway; empty: this machine.",
    ).tag(config=True)

    cluster_patience = Float(
        600.0,
        min=0.0,
        help="Seconds that `saiten grade` waits for workers of a Dask cluster, or for its scheduler, before it gives "
        "up.",
    ).tag(config=True)

    timezone = Unicode(
        "",
        help='Time zone of the course, such as "Asia/Tokyo": what dates without an offset are in, in assignment.toml '
        "and extensions.csv. Empty: dates in assignment.toml need an offset, and extensions take that of the due date.",
    ).tag(config=True)

    autograder_directory = Unicode(
        "autograder",
        help="Name of the folder for bundles, beside nbgrader's `source_directory`, `release_directory` and so on.",
    ).tag(config=True)

    warm_workers = Integer(
        2,
        min=0,
        help="`saiten serve`: idle workers that are kept ready for exercises, beside those that mark. Each holds what "
        "its exercise imports in memory.",
    ).tag(config=True)

    hub_directory = Unicode(
        "hub",
        help="`saiten serve`: name of the folder, in the course's, for the pages that students and staff were shown.",
    ).tag(config=True)

    max_submission_files = Integer(
        2000,
        min=1,
        help="Most files that are read of one submission; what is more is left out, with a note.",
    ).tag(config=True)


def load_config(root: Path | None) -> Config:
    """Load the configuration of a course, lowest priority first, as nbgrader does.

    The order is jupyter_config and nbgrader_config on Jupyter's configuration path, then nbgrader_config in the
    course's folder; `.json` beats `.py` in the same folder. The course's folder can be imported from meanwhile.

    Args:
        root: the course's folder; None reads Jupyter's configuration path alone.

    Raises:
        CourseError: a configuration file fails while it runs.
    """
    # JupyterApp.config_file_paths: most important first
    folders = list(dict.fromkeys([jupyter_config_dir(), *jupyter_config_path()]))[::-1]
    merged = Config()
    with importable(root):
        for name in ("jupyter_config", CONFIG_NAME):
            for folder in folders:
                _merge_file(merged, name, folder)
        if root is not None:
            _merge_file(merged, CONFIG_NAME, str(root))
        application = NbGrader()  # renames the options of older versions of nbgrader
        application.update_config(merged)
    config: Config = application.config
    return config


@contextmanager
def importable(root: Path | None) -> Iterator[None]:
    """Put a course's folder in front of `sys.path`, as nbgrader does for plugins, and take it away again."""
    if root is None:
        yield
        return
    sys.path.insert(0, str(root))
    try:
        yield
    finally:
        if str(root) in sys.path:
            sys.path.remove(str(root))


def course_directory(config: Config, root: Path) -> CourseDirectory:
    """Make nbgrader's CourseDirectory for a course whose folder is already known.

    Raises:
        CourseError: an option of CourseDirectory has the wrong type or value.
    """
    try:
        directory = CourseDirectory(config=config)
        directory.root = str(root)
        directory.db_url = _absolute_database(directory.db_url, root)
    except TraitError as error:
        raise _bad_option(error, root) from error
    return directory


def saiten_options(config: Config, root: Path) -> Saiten:
    """Read `c.Saiten`.

    Raises:
        CourseError: an option that does not exist, or a value of the wrong type.
    """
    known = Saiten.class_trait_names(config=True)
    for name in config.get("Saiten", {}):
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            hint = f"Did you mean c.Saiten.{close[0]}?" if close else f"It has: {', '.join(sorted(known))}."
            raise CourseError(f"c.Saiten.{name} in the configuration of {root} does not exist.", hint)
    try:
        options = Saiten(config=config)
        for name in known:
            getattr(options, name)
    except TraitError as error:
        raise _bad_option(error, root) from error
    try:
        zone_of(options.timezone)
    except ValueError as error:
        raise CourseError(
            f"c.Saiten.timezone of {root}: {error}.", 'Give a name such as "Asia/Tokyo" or "Europe/Berlin".'
        ) from error
    if not options.languages:
        raise CourseError(f"c.Saiten.languages of {root} is empty.", 'Name at least one language, such as ["en"].')
    return options


def _merge_file(config: Config, name: str, folder: str) -> None:
    for loader_class, suffix in ((PyFileConfigLoader, ".py"), (JSONFileConfigLoader, ".json")):
        loader = loader_class(name + suffix, path=folder)
        try:
            config.merge(loader.load_config())
        except ConfigFileNotFound:
            continue
        except Exception as error:  # the file is a program of the course's: anything can come out of it
            line = next((frame.lineno for frame in traceback.extract_tb(error.__traceback__)[::-1]
                         if frame.filename == loader.full_filename), None)  # fmt: skip
            line = line or getattr(error, "lineno", None)
            where = os.path.join(folder, name + suffix) + (f", line {line}" if line else "")
            raise CourseError(
                f"{where}: the configuration cannot be loaded ({type(error).__name__}: {error}).",
                "Mend that line; nbgrader reads the same file.",
            ) from error


def _absolute_database(url: str, root: Path) -> str:
    """Anchor a relative SQLite path at the course's folder, where nbgrader's commands are run from."""
    prefix = "sqlite:///"
    path = url.removeprefix(prefix)
    if not url.startswith(prefix) or path in ("", ":memory:") or path.startswith(("/", "file:")):
        return url
    return prefix + str(root / path)


def _bad_option(error: TraitError, root: Path) -> CourseError:
    return CourseError(f"The configuration of {root} has a wrong value: {error}", "Mend it in nbgrader_config.py.")
