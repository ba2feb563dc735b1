"""The errors of facelab: what is missing or broken, and what to do about it.

In: nothing. Out: exception classes, all below FacelabError. A wrong argument is an ordinary ValueError.

    FacelabError
    ├── DataNotFoundError   the data are neither installed nor to be had over the network
    └── DamagedFileError    a file is there but is not what it should be
"""

from __future__ import annotations


class FacelabError(Exception):
    """Something the person at the keyboard can mend.

    Args:
        message: one sentence that says what is wrong.
        next_step: what to do about it, in Japanese and English.
    """

    def __init__(self, message: str, next_step: str) -> None:
        super().__init__(message, next_step)
        self.message = message
        self.next_step = next_step

    def __str__(self) -> str:
        return f"{self.message}\n{self.next_step}"


class DataNotFoundError(FacelabError):
    """The data are neither in an installed package nor to be had over the network."""


class DamagedFileError(FacelabError):
    """A file is there but its content is not what it should be."""
