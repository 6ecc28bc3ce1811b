"""What every result inherits: one line, one escaped table, and the way to pandas."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl
import pytest

from osteo_epi.html import html_table
from osteo_epi.results import LONGEST_LINE, Result
from osteo_epi.rounding import number


@dataclass(frozen=True, repr=False)
class Answers(Result):
    frame: pl.DataFrame
    title: str = ""

    def to_frame(self):
        return self.frame

    def _summary(self):
        return self.title or super()._summary()


@pytest.mark.parametrize(("rows", "line"), [(1, "1 row"), (0, "0 rows"), (1234, "1,234 rows")])
def test_rows_are_counted_where_a_result_says_nothing_of_itself(rows, line):
    assert repr(Answers(pl.DataFrame({"n": range(rows)}))) == f"Answers({line})"


def test_a_long_or_broken_title_stays_one_short_line():
    line = repr(Answers(pl.DataFrame(), "a label\nthat goes on " * 40))
    assert len(line) <= LONGEST_LINE
    assert "\n" not in line
    assert line.endswith("…)")


def test_missing_answers_stay_missing_in_pandas():
    table = Answers(pl.DataFrame({"fracture": [True, None], "class": ["normal", None]})).to_pandas()
    assert table["fracture"].isna().tolist() == [False, True]
    assert table["class"].isna().tolist() == [False, True]


def test_a_table_escapes_names_values_caption_and_notes():
    bad = "<b>&"
    page = html_table(pl.DataFrame({bad: [bad]}), caption=f"{bad}\n{bad}", notes=[bad])
    assert page.count("&lt;b&gt;&amp;") == 5
    assert "<b>" not in page
    assert "<caption>&lt;b&gt;&amp;<br>&lt;b&gt;&amp;</caption>" in page


def test_numbers_of_people_are_written_in_full():
    assert number(99_999.6) == "100,000"
    assert number(9_999.96) == "10000"
    assert number(float("nan")) == "–"
    assert number(float("inf")) == "inf"
    assert number(1e-7) == "1e-07"
