"""What the service says of finished work is said in Japanese, too; names and a command's output stay."""

from __future__ import annotations

import re

import pytest

from saiten.hub.web.outcomes import outcome_in


@pytest.mark.parametrize(
    "message",
    [
        "Students can fetch it now.",
        "12 marked\n3 cannot be read\n1 could not be marked: see the log\n2 replaced by newer ones meanwhile",
        "3 of 20 were marked; they stay.",
        "20 students can fetch and read their feedback.",
        "2 are not marked as they are now: 017, 018, ....\nMark again what changed.",
    ],
)
def test_every_line_is_said_in_japanese(message: str) -> None:
    """Is no English left, no number lost, and every line still a line?"""
    said = outcome_in(message, "ja")
    assert not re.search(r"[A-Za-z]", said)
    assert sorted(re.findall(r"\d+", said)) == sorted(re.findall(r"\d+", message))
    assert len(said.splitlines()) == len(message.splitlines())
    assert outcome_in(message, "en") == message


def test_what_is_not_the_services_own_stays() -> None:
    """Are a student's name, a reason and a command's lines left alone?"""
    message = "1 students can fetch and read their feedback.\nstudent-017: the folder cannot be written"
    assert outcome_in(message, "ja").splitlines()[1] == "student-017: the folder cannot be written"
    fault = "A fault of Saiten's (OSError: [Errno 28] No space left on device); the service's log has the details."
    assert "(OSError: [Errno 28] No space left on device)" in outcome_in(fault, "ja")
