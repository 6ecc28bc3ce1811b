"""The flow of people through a study of a test: every row of the file is in one box at the end."""

from __future__ import annotations

import polars as pl
import pytest

from osteo_epi.accuracy import accuracy, stard_flow
from osteo_epi.datasets import survey
from osteo_epi.errors import SchemaError

HIP = {
    "test": "abmd_total_hip", "test_positive": "(-inf, 0.8]",
    "truth": "abmd_lumbar_spine", "truth_positive": "(-inf, 0.8]",
}  # fmt: skip


@pytest.fixture(scope="module")
def people() -> pl.DataFrame:
    """The shipped survey, with why the young were not eligible."""
    why = pl.when(pl.col("age") < 40).then(pl.lit("under 40"))
    return survey().frame.with_columns(why=why)


@pytest.mark.parametrize("unclear", [None, "[0.75, 0.85]"])
def test_everybody_is_in_one_box_at_the_end(people, unclear):
    flow = stard_flow(
        people, **HIP, test_inconclusive=unclear, truth_inconclusive=unclear,
        eligible=pl.col("age") >= 50, reason="why",
    )  # fmt: skip
    ends = sum(b.no_reference + sum(b.conditions.values()) for b in flow.branches)
    assert sum(flow.excluded.values()) + flow.no_index + ends == len(people)
    assert list(flow.excluded) == ["under 40", "not stated"]
    assert (flow.branches[2].n > 0) == (unclear is not None)


def test_the_last_boxes_are_the_table_of_accuracy(people):
    flow = stard_flow(people, **HIP, eligible=pl.col("age") >= 50)
    c = accuracy(people, **HIP, domain=pl.col("age") >= 50, design="srs").counts
    positive, negative, _ = flow.branches
    assert positive.conditions == {
        "present": c.true_positive, "absent": c.false_positive, "inconclusive": 0,
    }  # fmt: skip
    assert negative.conditions == {
        "present": c.false_negative, "absent": c.true_negative, "inconclusive": 0,
    }  # fmt: skip
    assert flow.n_table == c.n


def test_unequal_verification_is_said():
    people = pl.DataFrame({"test": [True, True, False, False], "truth": [True, False, None, True]})
    flow = stard_flow(people, test="test", truth="truth")
    assert "2 of 2 who test positive and 1 of 2 who test negative" in flow.notes[0]


def test_a_column_that_is_not_there_is_named(people):
    with pytest.raises(SchemaError, match="column zz, named as reason="):
        stard_flow(people, **HIP, eligible=pl.col("age") >= 50, reason="zz")


def test_the_figure_shows_every_box(people):
    flow = stard_flow(people, **HIP, eligible=pl.col("age") >= 50, reason="why")
    words = " ".join(text.get_text() for text in flow.plot().texts)
    for n in (flow.n, flow.n_eligible, flow.n_index, *(b.n for b in flow.branches[:2])):
        assert f"{n:,}" in words
