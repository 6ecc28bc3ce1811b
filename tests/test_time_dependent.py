"""Time-dependent AUC and Brier score: other software, designs, two risks, and bad input."""

from __future__ import annotations

import json
from dataclasses import replace

import discrimination_golden as golden
import numpy as np
import polars as pl
import pytest
from agreement_golden import FOLDER

from osteo_epi.errors import DefinitionError, SchemaError
from osteo_epi.risk import (
    brier_score,
    compare_brier,
    compare_time_dependent_auc,
    time_dependent_auc,
)
from osteo_epi.risk.discrimination import Horizon, censoring_weights
from osteo_epi.survey import ReplicateDesign, SurveyDesign

RECORDS = json.loads((FOLDER / "f_discrimination.json").read_text())
TIMED = [name for name in RECORDS if "timeROC" in name or "Score" in name]
ASKED = {"risk": "risk", "time": "years", "event": "event", "event_positive": 1}
BESIDE = ASKED | {"competing": "event", "competing_positive": 2}


def sample(n: int = 300, *, seed: int = 1) -> pl.DataFrame:
    """People of 20 units; times with ties; 0 censored, 1 event, 2 competing."""
    rng = np.random.default_rng(seed)
    score = np.round(rng.normal(size=n), 1)
    times = np.column_stack([
        rng.exponential(np.exp(2 - score)), rng.exponential(12, n), rng.uniform(2, 14, n),
    ])  # fmt: skip
    status = np.array([1, 2, 0])[times.argmin(axis=1)]
    years = np.maximum(np.round(times.min(axis=1), 1), 0.1)
    risk = 1 - np.exp(-5 * np.exp(score - 2))
    columns = {"score": score, "risk": risk, "years": years, "event": status}
    columns |= {"flat": np.where(np.arange(n) % 2, 0.3, 0.5)}
    columns |= {"w": rng.uniform(0.5, 3, n), "unit": np.arange(n) % 20}
    return pl.DataFrame(columns)


@pytest.mark.parametrize("record", TIMED)
def test_other_software_gives_the_same_numbers(record):
    assert golden.faults(record, RECORDS[record]["result"]) == []


def test_timeroc_leaves_out_the_horizon_itself():
    people = golden.people(False)
    time, status = (people[c].to_numpy() for c in ("time", "status"))
    risk = np.unique(people["risk_a"].to_numpy(), return_inverse=True)[1]
    theirs = RECORDS["timeROC.cr"]["result"]
    for at in (5, 10):
        whole = Horizon.of(time, status, at, weight=np.ones(len(time)))
        part = replace(whole, case=whole.case & (time < at), competed=whole.competed & (time < at))
        for controls, end in ((part.free, "1"), (part.controls, "2")):
            area, linear = part.auc(risk, controls)
            assert area == pytest.approx(theirs[f"auc{end}"][f"t={at}"], rel=1e-8)
            if end == "1":
                se = np.sqrt(len(time) * linear.var(ddof=1))
                assert se == pytest.approx(theirs["se1"][f"t={at}"], rel=2e-6)


def test_percent_is_divided_and_said():
    people = sample()
    asked = {name: value for name, value in BESIDE.items() if name != "risk"} | {"at": 5}
    share = brier_score(people, risk="risk", **asked)
    percent = people.with_columns(frax_major=100 * pl.col("risk"))
    ours = brier_score(percent, risk="frax_major", **asked)
    assert ours.brier[0].estimate == pytest.approx(share.brier[0].estimate, rel=1e-12)
    assert "frax_major is in percent by the codebook: divided by 100" in ours.notes
    with pytest.raises(SchemaError, match="look like percent: divide by 100"):
        brier_score(percent.rename({"frax_major": "percent"}), risk="percent", **asked)


def test_without_censoring_they_are_the_plain_measures():
    people = sample().filter(pl.col("event") > 0)
    known = (people["event"] == 1) & (people["years"] <= 5)
    y, r = known.to_numpy(), people["risk"].to_numpy()
    wins = (r[y][:, None] > r[~y]) + 0.5 * (r[y][:, None] == r[~y])
    assert time_dependent_auc(people, **BESIDE, at=5).auc[0].estimate == pytest.approx(wins.mean())
    score = brier_score(people, **BESIDE, at=5)
    assert score.brier[0].estimate == pytest.approx(((y - r) ** 2).mean())
    assert score.null_brier[0].estimate == pytest.approx(y.mean() * (1 - y.mean()))
    assert score.incidence[0] == pytest.approx(y.mean())
    assert score.ipa[0].estimate == pytest.approx(
        1 - score.brier[0].estimate / score.null_brier[0].estimate
    )


def test_weights_of_people_sum_to_them_and_count_as_repeated_rows():
    people = sample()
    time, status = (people[c].to_numpy() for c in ("years", "event"))
    assert censoring_weights(time, status, 5.0).sum() == pytest.approx(len(time), rel=0.02)
    times = people.with_columns(w=pl.int_range(pl.len()) % 3 + 1)
    many = times.select(pl.all().repeat_by("w").list.explode())
    for measure, part in ((time_dependent_auc, "auc"), (brier_score, "ipa")):
        weighted = measure(times, **BESIDE, at=5, design=SurveyDesign(weight="w"))
        repeated = measure(many, **BESIDE, at=5)
        one, two = getattr(weighted, part)[0], getattr(repeated, part)[0]
        assert one.estimate == pytest.approx(two.estimate, rel=1e-10)


@pytest.mark.parametrize(("measure", "part"), [(time_dependent_auc, "auc"), (brier_score, "ipa")])
def test_replicate_weights_and_linearisation_agree(measure, part):
    people = sample(800)
    jackknife = people.with_columns(
        pl.when(pl.col("unit") == u).then(0.0).otherwise(pl.col("w") * 20 / 19).alias(f"jk{u}")
        for u in range(20)
    )
    linear = measure(people, **BESIDE, at=8, design=SurveyDesign(weight="w", psu="unit"))
    replicate = ReplicateDesign(weight="w", replicates="jk", kind="JK1")
    replicated = measure(jackknife, **BESIDE, at=8, design=replicate)
    for one, two in zip(getattr(linear, part), getattr(replicated, part), strict=True):
        assert two.estimate == pytest.approx(one.estimate, rel=1e-10)
        assert two.se == pytest.approx(one.se, rel=0.06)


def test_rows_in_another_order_and_states_that_add_up():
    people = sample().with_columns(pl.when(pl.int_range(pl.len()) > 3).then("risk").alias("risk"))
    shuffled = people.sample(fraction=1, shuffle=True, seed=2)
    one, two = (brier_score(p, **BESIDE | {"risk": {3: "flat", 6: "risk"}}, at=(3, 6)).to_frame()
                for p in (people, shuffled))  # fmt: skip
    numbers = ["estimate", "se", "n_cases"]
    assert one.select(numbers).to_numpy() == pytest.approx(two.select(numbers).to_numpy())
    states = [one[f"n_{kind}"] for kind in ("cases", "competed", "free", "censored")]
    assert set(sum(states)) == {296}


def test_two_risks_and_two_horizons_with_columns_of_their_own():
    people = sample().with_columns(early=pl.col("risk") * 0.6, late="flat")
    both = {3: "early", 6: "risk"}
    asked = {k: v for k, v in BESIDE.items() if k != "risk"}
    one = compare_brier(people, first=both, second={3: "flat", 6: "late"}, at=(3, 6), **asked)
    apart = [
        brier_score(people, risk=r, at=(3, 6), **asked).brier
        for r in (both, {3: "flat", 6: "late"})
    ]
    for k in (0, 1):
        expected = apart[0][k].estimate - apart[1][k].estimate
        assert one.difference[k].estimate == pytest.approx(expected)
    area = compare_time_dependent_auc(
        people, first="score", second="flat", first_direction="high", at=6, **asked
    )
    assert area.p[0] < 0.001
    assert area.to_frame()["difference"][0] == pytest.approx(
        area.value_first[0] - area.value_second[0]
    )


@pytest.mark.parametrize(
    ("measure", "change", "words"),
    [
        (brier_score, {"risk": "score"}, "score: .* values lie outside 0 to 1; a risk"),
        (brier_score, {"at": 40}, "at=40: nobody is followed beyond it.* take 13 or less"),
        (time_dependent_auc, {"at": (3, 40)}, "at=40: nobody is followed beyond it"),
        (time_dependent_auc, {"at": 0.01}, "at=0.01: nobody has the event"),
    ],
)
def test_bad_input_is_named(measure, change, words):
    with pytest.raises(SchemaError, match=words):
        measure(sample(), **BESIDE | {"at": 5} | change)


def test_all_censored_before_the_horizon():
    people = sample().with_columns(pl.col("years").clip(upper_bound=4.5))
    with pytest.raises(SchemaError, match=r"at=5: nobody is followed .* take 4\.4 or less"):
        time_dependent_auc(people, **BESIDE, at=5)
    assert time_dependent_auc(people, **BESIDE, at=4.4).states[0].free > 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"at": ()}, r"at=\(\); expected one horizon or several"),
        ({"at": "5"}, "at='5'"),
        ({"at": (5, 5)}, "names a horizon twice"),
        ({"at": (5, -1)}, "at=-1"),
        ({"at": float("nan")}, "at=nan"),
        ({"at": True}, "at=True"),
        ({"risk": {3: "risk"}}, "risk names no column for the horizon 5"),
        ({"risk": ["risk"]}, "risk is a list; expected a column"),
        ({"controls": "all"}, "controls='all'"),
    ],
)
def test_wrong_arguments_are_named(change, words):
    with pytest.raises(DefinitionError, match=words):
        time_dependent_auc(sample(), **BESIDE | {"at": 5} | change)


@pytest.mark.parametrize("measure", [brier_score, time_dependent_auc])
def test_deaths_that_nobody_declares_are_refused(measure):
    people = sample().with_columns(hip=pl.col("event") == 1, died=pl.col("event") == 2)
    asked = {"risk": "risk", "time": "years", "event": "hip", "at": 5}
    with pytest.raises(SchemaError, match="column died: a competing event coded as censoring"):
        measure(people, **asked)
    assert measure(people, **asked, nothing_competes=True).n == 300


def test_one_probability_is_not_held_against_two_horizons():
    with pytest.raises(DefinitionError, match=r'several horizons.* as in risk=\{3: "risk_3"'):
        brier_score(sample(), **BESIDE, at=(3, 6))
    with pytest.raises(TypeError, match="'at'"):
        brier_score(sample(), **BESIDE)


def test_a_density_needs_its_direction():
    people = sample().with_columns(abmd_total_hip=1 - pl.col("risk") / 2)
    for name in ("score", "abmd_total_hip"):
        with pytest.raises(DefinitionError, match=f"direction= is not given, and column {name},"):
            time_dependent_auc(people, **BESIDE | {"risk": name}, at=5)
    low = time_dependent_auc(people, **BESIDE | {"risk": "abmd_total_hip"}, direction="low", at=5)
    assert low.auc[0].estimate == time_dependent_auc(people, **BESIDE, at=5).auc[0].estimate
