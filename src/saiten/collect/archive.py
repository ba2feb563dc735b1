"""The files of a zip archive or a folder, read as hostile: no link, no path outside, sizes and counts limited.

In: a path. Out: names, bytes and times; what was left out, with the reason. Names come out in NFC; of an archive that
does not say how its names are written, UTF-8 is tried, then what a Japanese Windows writes.
"""

from __future__ import annotations

import os
import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from saiten.errors import CourseError
from saiten.intake import FolderLimits, read_contents

_UTF8_FLAG = 0x800
_MOST_RATIO = 200
"""of unpacked to packed bytes; a notebook with pictures has about 2, one full of zeros is no notebook"""
_ALWAYS = 1 << 20
"""bytes that are unpacked whatever the ratio"""
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Found:
    """One file."""

    path: str
    """relative, with `/`, in NFC"""
    content: bytes
    modified: datetime
    """aware, UTC; a zip archive knows it to two seconds and in some local time"""


@dataclass(slots=True)
class Archive:
    """What an archive or a folder holds."""

    files: list[Found] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    """path to the reason"""


def read_archive(path: Path, limits: FolderLimits, most: int) -> Archive:
    """Read all files.

    Args:
        path: a zip file or a folder.
        limits: of one hand-in; `most` of them together.
        most: hand-ins.

    Raises:
        CourseError: there is nothing, or it is no zip file.
    """
    whole = FolderLimits(
        limits.file_bytes, limits.total_bytes * most, limits.files * most, limits.ignore, limits.include
    )
    try:
        if path.is_dir():
            return _folder(path, whole)
        with zipfile.ZipFile(path) as archive:
            return _zip(archive, whole)
    except zipfile.BadZipFile as error:
        raise CourseError(f"{path} is no zip file ({error}).", "Give the file as it was downloaded.") from error
    except (OSError, NotImplementedError) as error:
        reason = getattr(error, "strerror", None) or error
        raise CourseError(f"{path} cannot be read: {reason}.", "Give a zip file or a folder.") from error


def _folder(path: Path, limits: FolderLimits) -> Archive:
    contents = read_contents(path, limits)
    found = Archive(left_out=dict(contents.left_out))
    for name, content in contents.files.items():
        moment = datetime.fromtimestamp(os.lstat(path / name).st_mtime, UTC)
        found.files.append(Found(unicodedata.normalize("NFC", name), content, moment))
    return found


def _zip(archive: zipfile.ZipFile, limits: FolderLimits) -> Archive:
    found = Archive()
    total = 0
    for number, entry in enumerate(archive.infolist()):
        name = _name(entry)
        if number >= limits.files:
            found.left_out["..."] = f"the archive holds more than {limits.files} files"
            break
        if entry.is_dir():
            continue
        reason = _objection(entry, name, limits, total)
        if reason:
            found.left_out[name] = reason
            continue
        try:
            content = b"".join(_blocks(archive, entry, limits.file_bytes))
        except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, OSError) as error:
            found.left_out[name] = f"it cannot be unpacked ({error})"
            continue
        total += len(content)
        found.files.append(Found(name, content, _moment(entry)))
    return found


def _name(entry: zipfile.ZipInfo) -> str:
    name = entry.filename
    if not entry.flag_bits & _UTF8_FLAG:
        raw = name.encode("cp437", "replace")
        for encoding in ("utf-8", "cp932"):
            try:
                name = raw.decode(encoding)
                break
            except UnicodeDecodeError:
                continue
    return unicodedata.normalize("NFC", name)


def _objection(entry: zipfile.ZipInfo, name: str, limits: FolderLimits, total: int) -> str:
    kind = stat.S_IFMT(entry.external_attr >> 16)
    parts = name.split("/")
    if name.startswith("/") or "\\" in name or "\0" in name or any(part in ("", ".", "..") for part in parts):
        return "its name leads out of the archive"
    if kind not in (0, stat.S_IFREG):
        return "it is a link or a device"
    if entry.flag_bits & 1:
        return "it is encrypted"
    if entry.file_size > limits.file_bytes:
        return f"it is larger than {limits.file_bytes} bytes"
    if entry.file_size > max(_ALWAYS, _MOST_RATIO * entry.compress_size):
        return "it is packed like no real file"
    if total + entry.file_size > limits.total_bytes:
        return "all files together are too large"
    return ""


def _blocks(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int) -> Iterator[bytes]:
    """The bytes of a file; an archive that understates its size is cut off."""
    size = 0
    with archive.open(entry) as file:
        while block := file.read(_BLOCK):
            size += len(block)
            if size > most:
                raise zipfile.BadZipFile(f"it is larger than {most} bytes")
            yield block


def _moment(entry: zipfile.ZipInfo) -> datetime:
    try:
        return datetime(*entry.date_time).astimezone(UTC)
    except ValueError:
        return datetime.fromtimestamp(0, UTC)
