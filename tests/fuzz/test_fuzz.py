"""A fixed number of the fuzzer's inputs; `make fuzz` takes more."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import fuzz

INPUTS = 64  # of each format


@pytest.mark.parametrize("form", fuzz.FORMATS)
def test_nothing_but_an_error_of_ours_comes_out(form: str) -> None:
    results = fuzz.run(form, 0, INPUTS)
    faults = [r for r in results if r[1] in fuzz.COUNTS[2:]]
    assert not faults
    assert any(outcome == "refused" for _, outcome, _ in results)


def test_an_input_is_the_same_wherever_it_is_made() -> None:
    """A file that holds the moment of its writing would be another one a second later."""
    sound = {form: fuzz.seeds(form) for form in fuzz.FILES}
    fuzz.seeds.cache_clear()
    time.sleep(1.1)
    for form, files in sound.items():
        assert fuzz.seeds(form) == files, form
