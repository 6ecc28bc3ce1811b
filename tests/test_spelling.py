"""How advice is spelt: in Python by arguments, on the command line by options."""

from __future__ import annotations

import pytest

from osteo_epi.spelling import in_options, in_python

PIECES = ("a", "a=", "a=[", 'a="', "a=b(", "sites=", "( --", "a (--x ", "SurveyDesign(")


@pytest.mark.parametrize("piece", PIECES)
def test_a_heading_as_long_as_a_file_is_read_once(piece: str) -> None:
    """A finding with one took a minute to be printed: it was tried from each of its letters."""
    text = piece * (120_000 // len(piece))
    assert in_python(text) == text
    assert len(in_options(text, {"sites": "--sites"})) > len(text) / 2


@pytest.mark.parametrize(
    ("text", "python", "options"),
    [
        ("take rule='all' (--rule all), or not", "take rule='all', or not", "take --rule all"),
        ("map={'T': 'x'} (--map T=x) says", "map={'T': 'x'} says", "--map T=x says"),
        ("rows of headings (--header-rows 2)", "rows of headings (header_rows=2)", "(--header"),
    ],
)
def test_advice_is_spelt_for_whom_it_is(text: str, python: str, options: str) -> None:
    assert in_python(text) == python
    assert options in in_options(text, {"rule": "--rule"})
