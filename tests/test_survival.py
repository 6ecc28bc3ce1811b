"""Curves over time: other software, what is known by hand, designs, and bad input."""

from __future__ import annotations

import json

import incidence_golden as golden
import numpy as np
import polars as pl
import pytest
from agreement_golden import FOLDER

from osteo_epi.errors import DefinitionError, DesignError, SchemaError
from osteo_epi.risk import (
    compare_curves,
    compare_incidence,
    cumulative_incidence,
    survival_curve,
)
from osteo_epi.survey import ReplicateDesign, SurveyDesign

RECORDS = json.loads((FOLDER / "f_incidence.json").read_text())
CODES = {"event": "status", "event_positive": 1, "competing": "status", "competing_positive": 2}


def people(**columns) -> pl.DataFrame:
    """Five people: fractures at 1 and 2, a death at 3, two who leave at 2 and 4."""
    given = {"years": [1.0, 2.0, 2.0, 3.0, 4.0], "status": [1, 0, 1, 2, 0]}
    return pl.DataFrame(given | columns)


def many(n: int = 400, *, seed: int = 3) -> pl.DataFrame:
    """People of 20 units in two groups, with ties and weights."""
    rng = np.random.default_rng(seed)
    prior = rng.integers(0, 2, n)
    return pl.DataFrame(
        {
            "years": np.round(rng.exponential(5 - 2 * prior), 1) + 0.1,
            "status": rng.choice(3, n, p=[0.3, 0.5, 0.2]),
            "prior": prior,
            "w": rng.uniform(0.5, 3, n),
            "unit": np.arange(n) % 20,
        }
    )


def free(frame: pl.DataFrame, times, **options) -> list[float]:
    given = {"time": "years", "event": "status", "event_positive": 1} | options
    return survival_curve(frame, at=times, **given).to_frame()["survival"].to_list()


def share(frame: pl.DataFrame, times, **options) -> pl.DataFrame:
    given = {"time": "years"} | CODES | options
    return cumulative_incidence(frame, at=times, **given).to_frame()


@pytest.mark.parametrize("record", RECORDS)
def test_other_software_gives_the_same_numbers(record):
    assert golden.faults(record, RECORDS[record]["result"]) == []


def test_survey_limits_of_r_are_ours_with_the_normal_law():
    theirs = RECORDS["cohort.svykm"]["result"]["ci"]["values"]
    ours = golden.answer("cohort.svykm")
    reach = 1.959963984540054 * np.sqrt(ours["varlog"])
    s = np.array(list(ours["surv"].values()))
    assert np.allclose(np.column_stack([s * np.exp(-reach), s * np.exp(reach)]), theirs, rtol=1e-8)


def test_the_curve_by_hand():
    assert np.allclose(free(people(), [0.5, 1, 2, 3, 4]), [1, 4 / 5, 3 / 5, 3 / 5, 3 / 5])
    result = share(people(), [1, 2, 3])
    assert np.allclose(result["incidence"], [1 / 5, 2 / 5, 2 / 5, 0, 0, 3 / 10])


def test_who_is_censored_at_the_time_of_an_event_was_at_risk_of_it():
    result = survival_curve(
        people(), time="years", event="status", event_positive=1, at=[1, 2, 3, 4]
    )
    assert result.to_frame()["n_at_risk"].to_list() == [5, 4, 2, 1]


def test_people_who_come_late_are_at_risk_from_then():
    late = people(start=[0.0, 0.0, 1.0, 2.0, 2.5])
    result = survival_curve(
        late, time="years", event="status", event_positive=1, entry="start", at=[1, 2, 3, 4]
    )
    assert result.to_frame()["n_at_risk"].to_list() == [2, 2, 2, 1]
    assert np.allclose(result.to_frame()["survival"], [1 / 2, 1 / 4, 1 / 4, 1 / 4])


def test_incidences_of_all_kinds_and_freedom_from_them_add_up():
    frame, times = many(), [1, 3, 7]
    both = share(frame, times)["incidence"].to_numpy().reshape(2, 3).sum(axis=0)
    left = free(frame, times, event_positive="[1, 2]")
    assert np.allclose(both + left, 1)


def test_where_nothing_competes_the_incidence_is_one_less_survival():
    frame = many().with_columns(fracture=pl.col("status") == 1)
    given = {"time": "years", "event": "fracture", "at": [1, 3, 7]}
    result = cumulative_incidence(frame, nothing_competes=True, interval="plain", **given)
    curve = survival_curve(frame, interval="plain", **given).to_frame()
    own = result.to_frame()
    assert np.allclose(own["incidence"], 1 - curve["survival"])
    assert np.allclose(own["se"], curve["se"])
    assert np.allclose(own["lower"], 1 - curve["upper"])
    assert result.competing_groups == ()


def test_where_nothing_competes_grays_test_looks_as_the_log_rank_test_does():
    frame = many().with_columns(fracture=pl.col("status") == 1)
    given = {"time": "years", "event": "fracture", "by": "prior"}
    gray = compare_incidence(frame, nothing_competes=True, **given)
    rank = compare_curves(frame, **given)
    assert gray.statistic == pytest.approx(rank.statistic, rel=0.02)
    assert np.allclose(gray.score, rank.score)


def test_a_weight_of_two_is_two_people():
    frame = many()
    twice, doubled = pl.concat([frame, frame]), frame.with_columns(w=pl.lit(2.0))
    design = SurveyDesign(weight="w")
    for call in (free, lambda f, t, **k: share(f, t, **k)["incidence"].to_list()):
        assert np.allclose(call(twice, [1, 3, 7]), call(doubled, [1, 3, 7], design=design))


def test_a_design_of_people_one_by_one_has_the_errors_of_none():
    frame = many().with_columns(w=pl.lit(3.0))
    n = frame.height
    for options in ({"by": "prior"}, {}):
        plain = share(frame, [1, 3, 7], **options)["se"]
        drawn = share(frame, [1, 3, 7], design=SurveyDesign(weight="w"), **options)["se"]
        assert np.allclose(drawn * np.sqrt((n - 1) / n), plain, rtol=1e-9)


def test_errors_without_a_design_are_sums_of_squares_of_the_weighted_ones():
    """The closed form for people one by one, against linearised values of equal weights."""
    frame = many(90).with_columns(w=pl.lit(1.0))
    times = np.unique(frame["years"].to_numpy())[:-1]
    plain = share(frame, times)["se"]
    drawn = share(frame, times, design=SurveyDesign(weight="w"))["se"]
    assert np.allclose(drawn * np.sqrt(89 / 90), plain, rtol=1e-9, atol=1e-12)


def test_units_and_replicates_give_nearly_the_same_errors():
    frame = many(800)
    # Each unit left out in turn (JK1).
    weights = {
        f"r{k}": pl.when(pl.col("unit") == k).then(0.0).otherwise(pl.col("w") * 20 / 19)
        for k in range(20)
    }
    frame = frame.with_columns(**weights)
    jackknife = ReplicateDesign("w", tuple(weights), "JK1")
    units = SurveyDesign(weight="w", psu="unit")
    for call in (
        lambda d: share(frame, [1, 3], design=d)["se"].to_list(),
        lambda d: compare_curves(frame, time="years", event="status", event_positive=1, by="prior",
                                 design=d).se.tolist(),
        lambda d: compare_incidence(frame, time="years", by="prior", design=d, **CODES).se.tolist(),
    ):  # fmt: skip
        assert np.allclose(call(jackknife), call(units), rtol=0.05)


def test_limits_of_a_design_have_its_degrees_of_freedom():
    frame = many()
    given = {"design": SurveyDesign(weight="w", psu="unit"), "interval": "plain"}
    first = share(frame, [3], **given).row(0, named=True)
    assert (first["upper"] - first["incidence"]) / first["se"] == pytest.approx(2.093, abs=1e-3)


def test_the_median_and_its_limits_lie_on_the_curve():
    frame = many(2000)
    (one,) = survival_curve(frame, time="years", event="status", event_positive=1, at=[1]).groups
    assert one.step.before(one.median.estimate) > 0.5 >= one.step.at(one.median.estimate)
    assert one.median.lower < one.median.estimate < one.median.upper


def test_a_curve_level_at_a_half_has_its_median_in_the_middle():
    frame = pl.DataFrame({"years": [1.0, 2, 3, 4], "hip": [1, 1, 1, 1]})
    (one,) = survival_curve(frame, time="years", event="hip", at=[1]).groups
    assert one.median.estimate == 2.5


def test_a_group_without_an_event_has_a_curve_and_is_named():
    frame = people(site=["a", "a", "a", "b", "b"])
    result = survival_curve(
        frame, time="years", event="status", event_positive=1, by="site", at=[1, 3]
    )
    assert result.groups[1].estimates[1].estimate == 1
    assert "none of 2 people of group b has the event" in result.notes
    test = compare_curves(frame, time="years", event="status", event_positive=1, by="site")
    assert test.n_events == (2, 0)


def test_people_without_a_group_are_counted():
    result = survival_curve(
        people(site=["a", "a", None, "b", "b"]), time="years", event="status", event_positive=1,
        by="site", at=[1],
    )  # fmt: skip
    assert "1 of 5 people lack site and are in no group" in result.notes
    assert [g.n for g in result.groups] == [2, 2]


def test_nothing_is_known_after_the_end():
    result = survival_curve(people(), time="years", event="status", event_positive=1, at=[3, 9])
    assert result.to_frame()["survival"].to_list() == [pytest.approx(0.6), None]
    assert any("9: after the end of the follow-up (4)" in note for note in result.notes)


def test_one_time_of_everybody_is_a_curve_of_one_step():
    frame = people(years=[2.0] * 5)
    assert free(frame, [1, 2]) == [1, pytest.approx(3 / 5)]
    assert share(frame, [2])["incidence"].to_list() == pytest.approx([2 / 5, 1 / 5])


@pytest.mark.parametrize(
    ("frame", "event", "words"),
    [
        (people(), {"event": "status", "event_positive": 1}, "status has 2 codes beside"),
        (
            people(fracture=[True, False, True, False, False], died=[0, 0, 0, 1, 0]).drop("status"),
            {"event": "fracture"},
            "column died",
        ),
        (people(fracture=[True, False, True, False, False]).drop("status"),
         {"event": "fracture"}, "competing= is not given; name"),
    ],
)  # fmt: skip
def test_a_competing_event_coded_as_censoring_is_refused(frame, event, words):
    for call in (
        lambda: cumulative_incidence(frame, time="years", at=[1], **event),
        lambda: compare_incidence(
            frame.with_columns(g=pl.Series([0, 1, 0, 1, 0])), time="years", by="g", **event
        ),
    ):
        with pytest.raises(SchemaError, match=words):
            call()
    cumulative_incidence(frame, time="years", at=[1], nothing_competes=True, **event)


def test_a_survival_curve_says_that_it_is_no_risk_where_death_competes():
    result = survival_curve(people(), time="years", event="status", event_positive=1, at=[1])
    assert any("come out too high" in note for note in result.notes)
    named = survival_curve(people(death=[0, 0, 1, 0, 0]), time="years", event="status",
                           event_positive=1, at=[1])  # fmt: skip
    assert any("a competing event coded as censoring?" in note for note in named.notes)


def test_bad_input_is_refused_in_its_own_words():
    given = {"time": "years", "event": "status", "event_positive": 1, "at": [1]}
    with pytest.raises(SchemaError, match="none of 5 people has the event"):
        survival_curve(people(status=[0, 0, 0, 2, 0]), **given)
    with pytest.raises(SchemaError, match="by column site has one group only"):
        compare_curves(people(site=["a"] * 5), by="site", time="years", event="status",
                       event_positive=1)  # fmt: skip
    with pytest.raises(SchemaError, match="by column site is missing in all 5 people"):
        survival_curve(people(site=pl.Series([None] * 5, dtype=pl.String)), by="site", **given)
    with pytest.raises(SchemaError, match="by column years has"):
        survival_curve(many(), by="years", **given)
    with pytest.raises(DefinitionError, match="expected a list of numbers"):
        survival_curve(people(), **given | {"at": "5"})
    with pytest.raises(DefinitionError, match="one of at=0"):
        survival_curve(people(), **given | {"at": [0]})
    with pytest.raises(DesignError, match="interval='loglog'; choose one of log_log"):
        survival_curve(people(), interval="loglog", **given)
    with pytest.raises(SchemaError, match="mean_until=9 lies after the end of follow-up"):
        survival_curve(people(), mean_until=9, **given)
    with pytest.raises(DesignError, match="one by one and followed from the start"):
        share(many(), [1], variance="aalen", design=SurveyDesign(weight="w"))
    with pytest.raises(DefinitionError, match="confidence=95"):
        survival_curve(people(), confidence=95, **given)


def test_weights_that_leave_nobody_leave_a_curve_of_0():
    rng = np.random.default_rng(3)
    people = pl.DataFrame({"years": np.arange(1.0, 31), "hip": [1] * 30,
                           "w": rng.uniform(0.1, 9, 30)})  # fmt: skip
    curve = survival_curve(people, time="years", event="hip", at=[30], design=SurveyDesign(
        weight="w"))  # fmt: skip
    assert curve.groups[0].estimates[0].estimate == 0.0


def test_nothing_competes_beside_what_competes_is_refused():
    people = pl.DataFrame({"years": [1.0, 2, 3], "status": [1, 2, 0]})
    with pytest.raises(SchemaError, match="leave one out"):
        cumulative_incidence(
            people, time="years", event="status", event_positive=1, competing="status",
            competing_positive=2, nothing_competes=True, at=[2],
        )  # fmt: skip


def test_a_curve_that_ends_before_most_have_come_is_said():
    people = pl.DataFrame({"start": [0.0, 3, 3, 3, 3], "end": [2.0, 5, 6, 7, 8],
                           "hip": [1, 1, 0, 1, 0]})  # fmt: skip
    given = {"time": "end", "event": "hip", "entry": "start", "at": [4]}
    curve = survival_curve(people, **given)
    assert curve.groups[0].estimates[0].estimate == 0
    risk = cumulative_incidence(people, **given, nothing_competes=True)
    for result in (curve, risk):
        assert any("(1 people) had an event then, and 4 came later" in n for n in result.notes)
    usual = survival_curve(people, **given, domain=pl.col("start") > 0)
    assert not any("came later" in note for note in usual.notes)
