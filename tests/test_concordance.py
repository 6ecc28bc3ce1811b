"""C-index: other software, the definition by pairs, designs, competing events, and bad input."""

from __future__ import annotations

import json

import discrimination_golden as golden
import numpy as np
import polars as pl
import pytest
from agreement_golden import FOLDER

from osteo_epi.errors import DefinitionError, SchemaError
from osteo_epi.risk import compare_concordance, concordance, time_dependent_auc
from osteo_epi.risk.discrimination import Ranking
from osteo_epi.survey import ReplicateDesign, SurveyDesign

RECORDS = json.loads((FOLDER / "f_discrimination.json").read_text())
C_RECORDS = [name for name in RECORDS if "timeROC" not in name and "Score" not in name]
ASKED = {"risk": "risk", "time": "years", "event": "event", "event_positive": 1,
         "direction": "high"}  # fmt: skip


def sample(n: int = 200, *, seed: int = 1) -> pl.DataFrame:
    """People of 20 units; times and risks with ties; 0 censored, 1 event, 2 competing."""
    rng = np.random.default_rng(seed)
    risk = np.round(rng.normal(size=n), 1)
    first = rng.exponential(np.exp(-risk), n)
    times = np.column_stack([first, rng.exponential(2, n), rng.exponential(2, n)])
    status = np.array([1, 2, 0])[times.argmin(axis=1)]
    years = np.maximum(np.round(times.min(axis=1), 1), 0.1)
    columns = {"risk": risk, "other": np.round(risk + rng.normal(size=n), 1), "years": years}
    columns |= {"event": status, "w": rng.uniform(0.5, 3, n), "unit": np.arange(n) % 20}
    return pl.DataFrame(columns)


def by_pairs(people: pl.DataFrame, weight: np.ndarray, *, competing: bool = False) -> float:
    """The definition: every pair of an event and somebody still without it."""
    t, kind, x = (people[name].to_numpy() for name in ("years", "event", "risk"))
    t = np.where(kind == 2, np.inf, t) if competing else t
    event = kind == 1
    pair = event[:, None] & ((t[:, None] < t) | ((t[:, None] == t) & ~event))
    good = (x[:, None] > x) + 0.5 * (x[:, None] == x)
    joint = weight[:, None] * weight * pair
    return float((joint * good).sum() / joint.sum())


@pytest.mark.parametrize("record", C_RECORDS)
def test_other_software_gives_the_same_numbers(record):
    assert golden.faults(record, RECORDS[record]["result"]) == []


@pytest.mark.parametrize(("name", "horizon"), [("uno", None), ("uno10", 10.0)])
def test_uno_with_known_censoring_is_that_of_survival(name, horizon):
    people = golden.people(False)
    time, event, risk = (people[c].to_numpy() for c in ("time", "fx", "risk_a"))
    ranking = Ranking.of(time, event, risk, uno=True, horizon=horizon)
    weight = np.ones(len(time))
    theirs = RECORDS["concordance"]["result"][name]["se"]
    _, known = ranking.influence(weight, censoring=False)
    _, full = ranking.influence(weight)
    assert np.sqrt(known @ known) == pytest.approx(theirs, rel=1e-8)
    assert np.sqrt(full @ full) != pytest.approx(theirs, rel=1e-4)


@pytest.mark.parametrize("n", [5, 8, 9, 17, 40, 200])
def test_c_is_that_of_the_pairs_weighted_or_not(n):
    people = sample(n, seed=n)
    for design, weight in (
        (None, np.ones(n)),
        (SurveyDesign(weight="w"), people["w"].to_numpy()),
    ):
        result = concordance(people, **ASKED, design=design)
        assert result.c.estimate == pytest.approx(by_pairs(people, weight), rel=1e-12)
        beside = concordance(
            people, **ASKED, competing="event", competing_positive=2, design=design
        )
        expected = by_pairs(people, weight, competing=True)
        assert beside.c.estimate == pytest.approx(expected, rel=1e-12)


def test_what_each_person_moves_is_the_derivative_by_their_weight():
    people = sample(60)
    time, status, risk = (people[c].to_numpy() for c in ("years", "event", "risk"))
    # Times of their own: with ties R's martingale of censoring is not the derivative.
    time = time + np.arange(60) * 1e-4
    weight = people["w"].to_numpy() * 1e6
    for uno in (False, True):
        ranking = Ranking.of(time, status, risk, uno=uno, horizon=2.0)
        pairs, linear = ranking.influence(weight)
        assert abs(linear.sum()) < 1e-10
        for k in (0, 7, 31):
            more = weight.copy()
            more[k] *= 1.0001
            moved = (ranking.pairs(more).c - pairs.c) / 1e-4
            assert moved == pytest.approx(linear[k], rel=0.15 if uno else 1e-3, abs=3e-5)


def test_uno_of_competing_events_is_that_of_weighted_pairs():
    people = sample(80)
    t, kind, x = (people[name].to_numpy() for name in ("years", "event", "risk"))

    def left(until: float) -> float:
        """Share not yet censored just before a time; events leave first."""
        at = np.unique(t[(kind == 0) & (t < until)])
        gone = [((t == v) & (kind == 0)).sum() for v in at]
        free = [((t > v) | ((t == v) & (kind == 0))).sum() for v in at]
        return float(np.prod([1 - a / b for a, b in zip(gone, free, strict=True)]))

    g = np.array([left(u) for u in t])
    case = (kind == 1) & (t <= 1.5)
    later = case[:, None] & ((t[:, None] < t) | ((t[:, None] == t) & (kind != 1)))
    before = case[:, None] & (kind == 2) & (t < t[:, None])
    joint = later / g[:, None] ** 2 + before / (g[:, None] * g)
    good = (x[:, None] > x) + 0.5 * (x[:, None] == x)
    result = concordance(people, **ASKED, competing="event", competing_positive=2, method="uno",
                         horizon=1.5)  # fmt: skip
    assert result.c.estimate == pytest.approx((joint * good).sum() / joint.sum(), rel=1e-10)


def test_rows_in_another_order_and_the_other_direction():
    people = sample()
    one = concordance(people, **ASKED, method="uno", horizon=2)
    shuffled = people.sample(fraction=1, shuffle=True, seed=3)
    two = concordance(shuffled, **ASKED, method="uno", horizon=2)
    assert two.c.estimate == pytest.approx(one.c.estimate, rel=1e-12)
    assert two.c.se == pytest.approx(one.c.se, rel=1e-12)
    low = concordance(people, **ASKED | {"direction": "low"}, method="uno", horizon=2)
    assert low.c.estimate + one.c.estimate == pytest.approx(1)
    assert any("below 0.5" in note for note in low.notes)


@pytest.mark.parametrize("method", ["harrell", "uno"])
def test_replicate_weights_and_linearisation_agree(method):
    people = sample(400)
    jackknife = people.with_columns(
        pl.when(pl.col("unit") == u).then(0.0).otherwise(pl.col("w") * 20 / 19).alias(f"jk{u}")
        for u in range(20)
    )
    asked = ASKED | {"method": method, "horizon": 2}
    linear = concordance(people, **asked, design=SurveyDesign(weight="w", psu="unit"))
    replicate = ReplicateDesign(weight="w", replicates="jk", kind="JK1")
    replicated = concordance(jackknife, **asked, design=replicate)
    assert replicated.c.estimate == pytest.approx(linear.c.estimate, rel=1e-10)
    assert replicated.c.se == pytest.approx(linear.c.se, rel=0.06)
    assert linear.df == 19


def test_two_risks_are_compared_in_the_same_people():
    people = sample().with_columns(pl.when(pl.int_range(pl.len()) > 5).then("other").alias("other"))
    asked = {k: v for k, v in ASKED.items() if k not in ("risk", "direction")}
    asked |= {"first_direction": "high", "second_direction": "high"}
    result = compare_concordance(people, first="risk", second="other", **asked)
    assert result.n == 194
    assert any("6 of 200 people lack other" in note for note in result.notes)
    same = compare_concordance(people, first="risk", second="risk", **asked)
    assert (same.difference, same.statistic, same.p) == (0, None, None)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"risk": "nothing"}, "nothing, named as risk="),
        ({"horizon": 99}, "horizon=99: nobody is followed beyond it.*; take .* or less"),
        ({"horizon": 0.01}, "horizon=0.01: nobody has the event .* by then; take .* or more"),
    ],
)
def test_bad_input_is_named(change, words):
    with pytest.raises(SchemaError, match=words):
        concordance(sample(), **ASKED | change)


def test_a_constant_risk_and_wrong_arguments_are_refused():
    flat = sample().with_columns(risk=pl.lit(0.3))
    with pytest.raises(SchemaError, match="column risk, named as risk=, is constant: all 200"):
        concordance(flat, **ASKED)
    for change in (
        {"direction": "up"},
        {"method": "c"},
        {"horizon": "5"},
        {"horizon": True},
        {"confidence": 95},
    ):
        with pytest.raises(DefinitionError, match=next(iter(change))):
            concordance(sample(), **ASKED | change)


def test_what_happened_is_no_risk():
    with pytest.raises(SchemaError, match="named as risk= and is what happened as well"):
        concordance(sample(), risk="years", time="years", event="event", event_positive=1)


@pytest.mark.parametrize("method", ["harrell", "uno"])
def test_an_event_after_everybody_else_left_makes_no_pair(method):
    people = pl.DataFrame({"risk": [1.0, 2, 3], "years": [1.0, 2, 3], "fracture": [0, 0, 1]})
    with pytest.raises(SchemaError, match="nobody is followed beyond anybody's event"):
        concordance(
            people, risk="risk", direction="high", time="years", event="fracture", method=method
        )


def test_a_perfect_order_has_no_limits_and_says_so():
    people = pl.DataFrame({"risk": [6.0, 5, 4, 3, 2, 1], "years": [1.0, 2, 3, 4, 5, 6],
                           "fracture": [1, 1, 0, 1, 0, 0]})  # fmt: skip
    given = {"risk": "risk", "time": "years", "event": "fracture",
             "direction": "high"}  # fmt: skip
    for result in (concordance(people, **given), time_dependent_auc(people, **given, at=3)):
        assert any("the limits say nothing" in note for note in result.notes)
