"""Does every input that once broke the decoder, or comes near it, still do no harm?"""

from __future__ import annotations

from pathlib import Path

import fuzz_decoder
import pytest

INPUTS = sorted(path for path in fuzz_decoder.CORPUS.iterdir())


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: path.name)
def test_an_input_of_the_corpus(path: Path) -> None:
    """Is it a value of the closed set, or forged?"""
    fuzz_decoder.read(path.read_bytes())


@pytest.mark.parametrize("number", range(len(fuzz_decoder.seeds())))
def test_a_seed(number: int) -> None:
    """Do the search's seeds get past the first byte: are real messages read as values?"""
    content = fuzz_decoder.seeds()[number]
    value = fuzz_decoder.read(content)
    assert value is not None or content[0] == fuzz_decoder.BUILT


def test_there_is_a_corpus() -> None:
    """Is there anything to replay, and does the reading tell values from forgeries?"""
    assert len(INPUTS) >= 20
    values = [fuzz_decoder.read(path.read_bytes()) for path in INPUTS]
    assert any(value is None for value in values)
    assert any(value is not None for value in values)
