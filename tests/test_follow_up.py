"""A follow-up: what of a file makes it wrong, and what of it must be said."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from osteo_epi.errors import SchemaError
from osteo_epi.risk import (
    concordance,
    decision_curve,
    follow_up,
    hazard_ratios,
    odds_ratios,
    survival_curve,
    two_by_two,
)


def people(**columns) -> pl.DataFrame:
    """Six people, three with a fracture, one of whom died in the same row."""
    return pl.DataFrame(
        {
            "years": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
            "status": [1, 0, 2, 1, 0, 1],
            "fracture": [True, False, False, True, False, True],
            "died": [False, False, True, True, False, False],
            "t_score_femoral_neck": [-3.0, -1.0, -2.0, -2.8, None, -0.5],
        }
        | columns
    )


def test_codes_and_columns_say_the_same():
    by_code = follow_up(
        people(), time="years", event="status", event_positive=1,
        competing="status", competing_positive=2,
    )  # fmt: skip
    by_column = follow_up(people(), time="years", event="fracture", competing="died")
    assert by_code.status.tolist() == by_column.status.tolist() == [1, 0, 2, 1, 0, 1]
    assert by_code.n_events == 3
    assert any("1 person has the event and the competing one" in n for n in by_column.notes)


def test_whoever_lacks_a_column_is_left_out_and_counted():
    seen = follow_up(
        people(years=[1.0, None, 3.0, 4.0, 5.0, 6.0]), time="years", event="fracture",
        covariates=("t_score_femoral_neck",), nothing_competes=True,
    )  # fmt: skip
    assert seen.n == 4
    assert seen.notes == (
        "1 of 6 people lack years and are left out",
        "1 of 6 people lack t_score_femoral_neck and are left out",
    )


@pytest.mark.parametrize("years", [[0.0, 2, 3, 4, 5, 6], [-1.0, 2, 3, 4, 5, 6]])
def test_a_time_of_nothing_is_refused(years):
    with pytest.raises(SchemaError, match="column years: 1 person has a time of 0 or less"):
        follow_up(people(years=years), time="years", event="fracture")


def test_who_leaves_before_coming_is_refused():
    with pytest.raises(SchemaError, match="1 person leaves at or before"):
        follow_up(
            people(start=[0.0, 2.0, 1, 1, 1, 1]), time="years", event="fracture", entry="start"
        )


def test_no_event_is_refused():
    with pytest.raises(SchemaError, match="none of 6 people has the event"):
        follow_up(people(fracture=[False] * 6), time="years", event="fracture")


def test_a_status_of_three_codes_must_be_declared():
    with pytest.raises(SchemaError, match=r"status holds 3 codes.* event_positive=1, or"):
        follow_up(people(), time="years", event="status")


def test_a_competing_event_that_may_be_undeclared_is_said():
    given = {"time": "years", "event": "status", "event_positive": 1}
    silent = follow_up(people(), **given, competing="status", competing_positive=2)
    said = follow_up(people(), **given)
    assert any("column status has 2 codes beside that of the event" in note for note in said.notes)
    assert not any("coded as censoring" in note for note in silent.notes)
    plain = {"time": "years", "event": "fracture"}
    assert any("column died: a competing event" in n for n in follow_up(people(), **plain).notes)
    alone = follow_up(people(), **plain, nothing_competes=True)
    assert not any("coded as censoring" in note for note in alone.notes)


@pytest.mark.parametrize("kind", [pl.String, pl.Categorical, pl.Enum(["no", "yes", "unknown", ""])])
def test_a_word_for_missing_is_no_class_of_a_covariate(kind):
    smokes = pl.Series(["yes", "no", "unknown", "no", "", "yes"], dtype=kind)
    seen = follow_up(people(smokes=smokes), time="years", event="fracture", covariates=("smokes",),
                     nothing_competes=True)  # fmt: skip
    assert seen.n == 4
    assert '2 rows of smokes hold a word for missing ("", "unknown")' in seen.notes[0]
    assert "not as a class" in seen.notes[0]
    assert seen.notes[-1] == "2 of 6 people lack smokes and are left out"


def test_a_word_for_missing_is_no_group_of_a_curve_or_a_table():
    given = people(site=["hip", "spine", "unknown", "hip", "spine", "hip"])
    curve = survival_curve(given, time="years", event="fracture", by="site", at=[3])
    assert [one.group for one in curve.groups] == ["hip", "spine"]
    assert any("word for missing" in note for note in curve.notes)
    table = two_by_two(given, exposure="site", exposure_positive="hip", outcome="died")
    assert table.cells.n == 5
    assert any("word for missing" in note for note in table.notes)
    strata = two_by_two(given, exposure="died", outcome="fracture", strata="site")
    assert strata.cells.n == 5
    assert any("word for missing" in note for note in strata.notes)


@pytest.mark.parametrize("code", [1, 1.0, np.int64(1), np.float32(1)])
def test_a_code_is_a_number_of_any_kind(code):
    assert follow_up(people(), time="years", event="status", event_positive=code).n_events == 3


def test_codes_that_would_count_as_censored_are_said():
    given = {"time": "years", "event": "status", "event_positive": 1}
    odd = people(status=[1, 0, 2, 1, 9, 0])
    both = follow_up(odd, **given, competing="status", competing_positive=2)
    assert any("2 different values beside those of the events" in note for note in both.notes)
    ends = people(fracture=[True] * 6)
    every = follow_up(ends, time="years", event="fracture")
    assert any("each of 6 people has the event" in note for note in every.notes)


def test_codes_that_would_count_as_no_are_said():
    odd = people(code=[0, 9, 0, 1, 0, 1])
    table = two_by_two(odd, exposure="code", exposure_positive=1, outcome="fracture")
    odds = odds_ratios(odd, event="code", event_positive=1, exposures="years")
    curve = decision_curve(odd.with_columns(risk=pl.col("years") / 10), risks="risk",
                           outcome="code", outcome_positive=1)  # fmt: skip
    for result in (table, odds, curve):
        assert any("the other codes (0, 9) all count as no" in note for note in result.notes)


def test_several_rows_of_a_person_are_alike_and_not_refused():
    """Two follow-ups of a person weigh as one person twice: the error is that between persons."""
    many = people(
        fracture=[True, False, False, True, False, True], score=[0.2, 0.1, 0.6, 0.5, 0.3, 0.4]
    )
    twice = pl.concat([many, many]).with_columns(person_id=pl.Series([*"abcdef"] * 2))
    given = {"time": "years", "event": "fracture", "cluster": "person_id"}
    with pytest.raises(SchemaError, match='cluster="person_id"'):
        follow_up(twice, time="years", event="fracture")
    assert follow_up(twice, **given).n == 12
    one = survival_curve(many, time="years", event="fracture", at=[4])
    two = survival_curve(twice, **given, at=[4])
    error = one.groups[0].estimates[0].se
    assert two.groups[0].estimates[0].se == pytest.approx(error * np.sqrt(6 / 5), rel=1e-9)
    assert concordance(twice, risk="score", **given).df == 5
    assert hazard_ratios(twice, **given, exposures="score", design="srs").n == 12
    table = two_by_two(twice, exposure="died", outcome="fracture", cluster="person_id")
    assert any("12 readings of 6 clusters" in note for note in table.notes)
