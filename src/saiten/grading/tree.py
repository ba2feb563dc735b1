"""The file tree of a confined process: system and Python read-only, its own home, nothing else.

In: folders and devices that stay visible, files for the working folder. Out: mounts in this process's mount namespace.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from saiten.grading import linux

HOME = Path("/home/student")
"""HOME of a confined process; the working directory is `work` below it."""
TMP = Path("/tmp")
USER = 1000
"""User and group of a confined process inside its namespace."""


Kept = tuple[tuple[Path, Path], ...]
"""Readable folders that lie where a submission's own scratch space is mounted: where they wait, where they belong."""


def build_tree(root: Path, readable: Iterable[str], devices: Iterable[str]) -> Kept:
    """Make a minimal tree on an empty folder and change the root of this mount namespace to it, for good.

    Returns:
        what `mount_scratch` has to put back: an environment below /tmp, say.
    """
    kept: list[tuple[Path, Path]] = []
    linux.make_private()
    linux.mount("tree", str(root), "tmpfs", linux.MS_NOSUID, "size=4m,mode=0755")
    for path in _system_folders():
        _mirror(path, root)
    for folder in _without_nested(readable):
        path = Path(folder)
        if any(path.is_relative_to(place) for place in (HOME, TMP)):
            place = Path("/.kept") / str(len(kept))
            kept.append((place, path))
            target = root / place.relative_to("/")
            target.mkdir(parents=True)
            linux.bind_read_only(folder, str(target))
        else:
            _bind(path, root)
    for name in ("null", "zero", "full", "random", "urandom"):
        _bind_file(Path("/dev") / name, root)
    for device in devices:
        _bind_file(Path(device), root)
    for link, leads_to in (("dev/shm", "../home/student/.shm"), ("dev/fd", "/proc/self/fd")):
        (root / link).symlink_to(leads_to)
    for folder in ("proc", "tmp", "home/student"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    _write_accounts(root)
    linux.mount("proc", str(root / "proc"), "proc", linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC)
    linux.pivot_root(root)
    linux.mount("none", "/", None, linux.MS_BIND | linux.MS_REMOUNT | linux.MS_RDONLY | linux.MS_NOSUID)
    return tuple(kept)


def mount_scratch(megabytes: int, files: int, owner: int | None, kept: Kept) -> None:
    """Mount a fresh scratch space as HOME, /tmp and /dev/shm.

    Args:
        megabytes: size of all three together.
        files: how many files and folders fit.
        owner: user and group that own it; None where that is this process's own user.
        kept: from `build_tree`.
    """
    options = f"size={megabytes}m,nr_inodes={files},mode=0755,uid={USER},gid={USER}"
    linux.mount("scratch", str(HOME), "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, options)
    for name in ("work", ".tmp", ".shm"):
        (HOME / name).mkdir()
        if owner is not None:
            os.chown(HOME / name, owner, owner)
    linux.mount(str(HOME / ".tmp"), str(TMP), None, linux.MS_BIND)
    for place, path in kept:
        path.mkdir(parents=True, exist_ok=True)
        linux.mount(str(place), str(path), None, linux.MS_BIND | linux.MS_REC)


def _system_folders() -> list[Path]:
    return [Path(name) for name in ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")]


def readable_folders() -> tuple[str, ...]:
    """Python, its packages, and whatever else `sys.path` leads to: needed by any student's process."""
    folders = {sys.prefix, sys.base_prefix, sys.exec_prefix}
    folders.update(path for path in sys.path if path and Path(path).is_dir())
    return tuple(sorted(str(Path(folder).resolve()) for folder in folders) + sorted(folders))


def _without_nested(folders: Iterable[str]) -> list[str]:
    """Folders that are not within another one of the list, nor within /usr, which is there already."""
    kept: list[str] = []
    for folder in sorted(set(folders)):
        if not any(folder == other or folder.startswith(other.rstrip("/") + "/") for other in [*kept, "/usr"]):
            kept.append(folder)
    return kept


def _mirror(path: Path, root: Path) -> None:
    """The same link or folder in the new tree."""
    if path.is_symlink():
        (root / path.relative_to("/")).symlink_to(os.readlink(path))
    elif path.is_dir():
        _bind(path, root)


def _bind(path: Path, root: Path) -> None:
    target = root / path.relative_to("/")
    target.mkdir(parents=True, exist_ok=True)
    linux.bind_read_only(str(path), str(target))


def _bind_file(path: Path, root: Path) -> None:
    if not path.exists():
        return
    target = root / path.relative_to("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.touch()
    linux.mount(str(path), str(target), None, linux.MS_BIND)


def _write_accounts(root: Path) -> None:
    """The few files of /etc that libraries ask for; none of them tells anything about this machine."""
    etc = root / "etc"
    etc.mkdir(exist_ok=True)
    (etc / "passwd").write_text(f"student:x:{USER}:{USER}:student:{HOME}:/bin/sh\n", encoding="ascii")
    (etc / "group").write_text(f"student:x:{USER}:\n", encoding="ascii")
    (etc / "hosts").write_text("127.0.0.1 localhost\n", encoding="ascii")
    for name in ("ld.so.cache", "localtime", "mime.types", "alternatives", "fonts"):
        source = Path("/etc") / name
        if source.is_dir():
            _bind(source, root)
        elif source.is_file():
            (etc / name).write_bytes(source.read_bytes())


def snapshot(folder: Path) -> dict[str, bytes]:
    """Regular files below a folder: what the leading cells left there comes to every child."""
    found: dict[str, bytes] = {}
    for base, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not os.path.ismount(os.path.join(base, name))]
        for name in names:
            path = Path(base) / name
            if stat.S_ISREG(path.lstat().st_mode):
                found[str(path.relative_to(folder))] = path.read_bytes()
    return found


def lay(files: Mapping[str, bytes], folder: Path, owner: int | None) -> None:
    """Write files below a folder; names were checked to be relative and clean when they were read."""
    made: set[Path] = set()
    for name, content in files.items():
        target = folder / name
        for parent in reversed(target.relative_to(folder).parents[:-1]):
            path = folder / parent
            if path not in made and not path.exists():
                path.mkdir()
                if owner is not None:
                    os.chown(path, owner, owner)
            made.add(path)
        target.write_bytes(content)
        if owner is not None:
            os.chown(target, owner, owner)


def lay_what_fits(files: Mapping[str, bytes], folder: Path, owner: int | None) -> None:
    """The same for a student's own files: one without room, or whose name is taken or leads elsewhere, is left out.

    On a floor without a file tree of its own, all of the machine's files can be written at this moment.
    """
    for name, content in files.items():
        if "\0" in name or any(part in ("", ".", "..") for part in name.split("/")):
            continue
        try:
            lay({name: content}, folder, owner)
        except (OSError, ValueError):
            with suppress(OSError, ValueError):
                (folder / name).unlink()
