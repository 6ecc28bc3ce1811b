"""A fixed number of the fuzzer's inputs; `make fuzz` takes more."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import fuzz

INPUTS = 1200


@pytest.mark.parametrize("form", fuzz.FORMATS)
def test_nothing_but_an_error_of_ours_comes_out(form: str) -> None:
    results = fuzz.run(form, 0, fuzz.shares(INPUTS, list(fuzz.FORMATS))[form])
    faults = [r for r in results if r[1] in fuzz.COUNTS[2:]]
    assert not faults
    assert any(outcome == "refused" for _, outcome, _ in results)


def test_an_input_is_the_same_wherever_it_is_made() -> None:
    for form in fuzz.seeds():
        assert fuzz.make(form, 7) == fuzz.make(form, 7)
