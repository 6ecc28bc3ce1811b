"""Absolute risk: other software, limits, who gets none, internal validation, and bad input."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
import risk_model_golden as golden
from agreement_golden import FOLDER

from osteo_epi.errors import DefinitionError, DesignError, SchemaError
from osteo_epi.risk import (
    brier_score,
    concordance,
    fit_risk_model,
    risk_calibration,
    validate_risk_model,
)
from osteo_epi.risk.prediction import AbsoluteRisk, Followed
from osteo_epi.survey import ReplicateDesign, SurveyDesign

RECORDS = json.loads((FOLDER / "f_risk_model.json").read_text())
ASKED = {"time": "years", "event": "event", "event_positive": 1, "predictors": ("age", "sex")}
BESIDE = {"competing": "event", "competing_positive": 2}


def sample(n: int = 400, *, seed: int = 1) -> pl.DataFrame:
    """People of 40 units; 0 censored, 1 event, 2 competing."""
    rng = np.random.default_rng(seed)
    age, woman = rng.uniform(50, 90, n).round(1), rng.random(n) < 0.6
    rate = 0.04 * np.exp(0.05 * (age - 70) + 0.5 * woman)
    times = np.column_stack([
        rng.exponential(1 / rate), rng.exponential(30 * np.exp(-0.06 * (age - 70))),
        rng.uniform(6, 14, n),
    ])  # fmt: skip
    columns = {"age": age, "sex": np.where(woman, "female", "male"), "years": times.min(axis=1)}
    columns |= {"event": np.array([1, 2, 0])[times.argmin(axis=1)], "unit": np.arange(n) % 40}
    return pl.DataFrame(columns | {"w": rng.uniform(0.5, 3, n), "noise": rng.normal(size=n)})


@pytest.mark.parametrize("record", RECORDS)
def test_other_software_gives_the_same_numbers(record):
    assert golden.faults(record, RECORDS[record]["result"]) == []


def test_limits_of_a_risk_are_near_those_of_other_software():
    frame = golden.model().predict(golden.PEOPLE, limits=True).to_frame()
    theirs = np.array(RECORDS["causespecific"]["result"]["se"]["values"])
    risk, low, high = (
        frame.select(f"risk_{t}{end}" for t in golden.AT).to_numpy()
        for end in ("", "_lower", "_upper")
    )
    reach = (np.log(-np.log1p(-high)) - np.log(-np.log1p(-low))) / (2 * 1.959964)
    ours = reach * (1 - risk) * -np.log1p(-risk)
    assert ours == pytest.approx(theirs, rel=0.03)


@pytest.mark.parametrize("model", ["cox", "cause_specific", "fine_gray"])
def test_what_each_person_moves_is_the_derivative_by_their_weight(model):
    people = sample(500)
    time, status = (people[c].to_numpy() for c in ("years", "event"))
    status = np.where(status == 2, 0, status) if model == "cox" else status
    x = people.select("age", "noise").to_numpy()
    given = Followed(time, status, x, people["w"].to_numpy(), ("age", "noise"))
    fit, profile = AbsoluteRisk.of(given, model), np.array([75.0, 0.5])
    moved = fit.moved(given, profile, 8.0)
    assert abs(moved.sum()) < 1e-8
    base = fit.risk(profile[None], (8.0,))[0, 0]
    # Shares not yet censored count as known in the baseline of a subdistribution.
    near = {"rel": 0.02, "abs": 2e-6} if model != "fine_gray" else {"abs": 1.5e-4}
    for k in (3, 77, 200, 311):
        weight = given.weight.copy()
        weight[k] *= 1.001
        again = AbsoluteRisk.of(given.weighted(weight), model).risk(profile[None], (8.0,))[0, 0]
        assert (again - base) / 0.001 == pytest.approx(moved[k], **near)


@pytest.mark.parametrize("model", ["cause_specific", "fine_gray"])
def test_both_models_agree_with_what_happened(model):
    people = sample(4000)
    fitted = fit_risk_model(people, **ASKED, **BESIDE, model=model, at=(5, 10))
    table = fitted.predict(people.drop("years", "event")).to_frame()
    joined = table.with_columns(people["years"], people["event"])
    keep = {k: ASKED[k] for k in ("time", "event", "event_positive")} | BESIDE
    score = brier_score(joined, risk=fitted.columns, at=(5, 10), **keep)
    for k, name in enumerate(fitted.columns.values()):
        assert joined[name].mean() == pytest.approx(score.incidence[k], rel=0.03)
        assert score.ipa[k].lower > 0


def test_a_risk_is_null_where_a_predictor_is_missing_or_unknown_and_all_is_said():
    fitted = fit_risk_model(sample(), **ASKED, **BESIDE, model="fine_gray", at=10)
    people = pl.DataFrame({
        "age": [60.0, None, 99.0, 70.0], "sex": ["female", "male", "male", "other"],
    })  # fmt: skip
    result = fitted.predict(people)
    frame = result.to_frame()
    assert frame["risk_10"].is_null().to_list() == [False, True, False, True]
    assert frame["risk_extrapolated"].to_list() == [False, False, True, False]
    assert (result.n_missing, result.n_extrapolated) == (2, 1)
    said = " ".join(result.notes)
    assert "1 of 4 people lack age and get no risk" in said
    assert "1 of 4 people are of a class of sex that the fit did not have" in said
    assert "1 of 4 people lie beyond the age of the people of the fit" in said


def test_many_people_at_once_are_each_as_alone():
    fitted = fit_risk_model(sample(), **ASKED, **BESIDE, model="cause_specific", at=(5, 10))
    many = sample(3000, seed=5).select("age", "sex")
    together = fitted.predict(many).to_frame()["risk_10"].to_numpy()
    alone = [fitted.predict(many[k]).to_frame()["risk_10"][0] for k in (0, 1500, 2999)]
    assert together[[0, 1500, 2999]] == pytest.approx(alone, rel=1e-12)


def test_a_design_gives_weights_and_errors_by_unit():
    people = sample()
    doubled = pl.concat([people, people]).with_columns(unit=pl.col("unit"))
    design = SurveyDesign(weight="w", psu="unit")
    asked = ASKED | BESIDE | {"model": "fine_gray", "design": design, "at": 8}
    once, twice = (fit_risk_model(p, **asked) for p in (people, doubled))
    profile = pl.DataFrame({"age": [75.0], "sex": ["female"]})
    one, two = (m.predict(profile, limits=True).to_frame() for m in (once, twice))
    columns = ["risk_8", "risk_8_lower", "risk_8_upper"]
    assert one.select(columns).to_numpy() == pytest.approx(two.select(columns).to_numpy(), rel=2e-3)


@pytest.mark.parametrize("model", ["cox", "cause_specific"])
def test_noise_is_optimism_and_validation_takes_it_off(model):
    people = sample(250).with_columns(
        pl.Series(f"noise{k}", np.random.default_rng(k).normal(size=250)) for k in range(12)
    )
    beside = BESIDE if model != "cox" else {"nothing_competes": True}
    noise = tuple(f"noise{k}" for k in range(12))
    asked = ASKED | beside | {"model": model, "predictors": ("age", *noise), "at": 8}
    fitted = fit_risk_model(people, **asked)
    result = validate_risk_model(fitted, replicates=40)
    table = {row["measure"]: row for row in result.to_frame().to_dicts()}
    assert table["slope"]["apparent"] == pytest.approx(1, abs=0.12)
    assert table["slope"]["corrected"] < 0.9
    assert table["auc"]["optimism"] > 3 * table["auc"]["monte_carlo_error"]
    assert table["ipa"]["corrected"] < table["ipa"]["apparent"]
    crossed = validate_risk_model(fitted, method="cross_validation", folds=8)
    assert crossed.corrected("auc", 8) == pytest.approx(result.corrected("auc", 8), abs=0.06)
    again = validate_risk_model(fitted, replicates=40)
    assert again.to_frame().equals(result.to_frame())


def test_apparent_measures_are_those_of_the_public_functions():
    people = sample()
    fitted = fit_risk_model(people, **ASKED, **BESIDE, model="fine_gray", at=8)
    table = validate_risk_model(fitted, replicates=2).to_frame()
    apparent = dict(zip(table["measure"], table["apparent"], strict=True))
    known = (
        fitted.predict(people.select("age", "sex"))
        .to_frame()
        .with_columns(people["years"], people["event"])
    )
    keep = {k: ASKED[k] for k in ("time", "event", "event_positive")} | BESIDE
    assert apparent["concordance"] == pytest.approx(
        concordance(known, risk="risk_8", horizon=8, **keep).c.estimate
    )
    assert apparent["ipa"] == pytest.approx(
        brier_score(known, risk="risk_8", at=8, **keep).ipa[0].estimate
    )
    calibrated = risk_calibration(known, risk="risk_8", at=8, groups=3, **keep).measures
    for name in ("intercept", "slope", "expected_observed"):
        assert apparent[name] == pytest.approx(calibrated[name].estimate)


def test_events_for_each_coefficient_are_said():
    fitted = fit_risk_model(sample(60), **ASKED, **BESIDE, model="cause_specific", at=5)
    said = [note for note in fitted.notes if "coefficients" in note]
    assert len(said) == 2
    assert fitted.events_per_parameter == fitted.n_events / 2


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"at": 50}, SchemaError, "at=50: nobody is followed beyond it.* take 1[34] or less"),
        ({"predictors": ("age", "height")}, SchemaError, "column height, named as predictors="),
        ({"predictors": ("age", "flat")}, SchemaError, "predictor flat is constant in the 400"),
        ({"predictors": ("age", "name")}, SchemaError, "predictor name is text of 400 classes"),
        ({"predictors": "age"}, DefinitionError, "predictors='age'; expected names"),
        ({"predictors": ("age", "age")}, DefinitionError, "names a column twice"),
        ({"model": "aft"}, DefinitionError, "model='aft'; expected one of cox, cause_specific"),
        ({"model": "cox"}, DefinitionError, "no place for a competing event"),
        ({"competing": None, "competing_positive": None}, DefinitionError, "needs competing="),
        ({"design": ReplicateDesign(weight="w", replicates="rep", kind="JK1")}, DesignError,
         "not replicate weights"),
    ],
)  # fmt: skip
def test_bad_input_is_named(change, error, words):
    people = sample().with_columns(
        flat=pl.lit(1.0), name=pl.int_range(pl.len()).cast(pl.String), rep1="w", rep2="w"
    )
    with pytest.raises(error, match=words):
        fit_risk_model(people, **ASKED | BESIDE | {"model": "cause_specific", "at": 5} | change)


def test_wrong_people_and_wrong_arguments_of_a_fitted_model():
    fitted = fit_risk_model(sample(), **ASKED, **BESIDE, model="fine_gray", at=(5, 10))
    with pytest.raises(SchemaError, match="predictor sex of the model is not in the data"):
        fitted.predict(pl.DataFrame({"age": [60.0]}))
    with pytest.raises(SchemaError, match="predictor age is String, and the model was fitted to n"):
        fitted.predict(pl.DataFrame({"age": ["60"], "sex": ["male"]}))
    with pytest.raises(SchemaError, match="column risk_10 is in the data already"):
        fitted.predict(pl.DataFrame({"age": [60.0], "sex": ["male"], "risk_10": [0.1]}))
    for change in ({"method": "loo"}, {"replicates": 1}, {"seed": -1}, {"replicates": 2.5}):
        with pytest.raises(DefinitionError, match=next(iter(change))):
            validate_risk_model(fitted, **change)
    with pytest.raises(DefinitionError, match="model is a str"):
        validate_risk_model("cox")  # type: ignore[arg-type]
    design = SurveyDesign(weight="w", psu="unit")
    weighted = fit_risk_model(
        sample(), **ASKED, **BESIDE, model="fine_gray", at=(5, 10), design=design
    )
    with pytest.raises(DesignError, match='take method="bootstrap"'):
        validate_risk_model(weighted, method="cross_validation")
    assert validate_risk_model(weighted, replicates=5).replicates == 5


def test_an_infinite_predictor_is_refused_in_the_fit_and_said_of_a_prediction():
    people = sample()
    endless = people.with_columns(age=pl.when(pl.int_range(pl.len()) == 3)
                                  .then(float("inf")).otherwise("age"))  # fmt: skip
    given = {"time": "years", "event": "event", "event_positive": 1, "predictors": ("age",),
             "nothing_competes": True}  # fmt: skip
    with pytest.raises(SchemaError, match="1 infinite values in predictors column age"):
        fit_risk_model(endless, **given, at=5)
    result = fit_risk_model(people, **given, at=5).predict(endless)
    assert "1 of 400 people have infinite age and get no risk" in result.notes
    with pytest.raises(DefinitionError, match="two horizons are one to six digits"):
        fit_risk_model(people, **given, at=(5, 5.0000001))


def test_replicates_without_an_event_by_the_horizon_are_lost():
    people = pl.DataFrame({"years": [1.0 + k for k in range(16)], "fracture": [1, 0] * 8,
                           "x": [(7 * k) % 16 * 1.0 for k in range(16)]})  # fmt: skip
    given = {"time": "years", "event": "fracture", "predictors": ("x",)}
    with pytest.raises(SchemaError, match="or nobody has the event by a horizon"):
        validate_risk_model(fit_risk_model(people, **given, at=2), replicates=20)


def test_deaths_that_nobody_declares_are_refused():
    """A Cox model that takes them as censored gives the risk in a world without death."""
    people = sample().with_columns(fx=pl.col("event") == 1, date_of_death=pl.col("event") == 2)
    asked = {"time": "years", "event": "fx", "predictors": ("age",), "at": 5}
    with pytest.raises(SchemaError, match="column date_of_death: a competing event"):
        fit_risk_model(people, **asked)
    assert fit_risk_model(people, **asked, nothing_competes=True).n == 400
    # Without any sign of death it is said what the risks are.
    living = people.drop("date_of_death")
    assert any("if nobody died" in note for note in fit_risk_model(living, **asked).notes)
    # Of death itself another column of it says when, or why.
    of_death = asked | {"event": "date_of_death"}
    assert fit_risk_model(people.with_columns(dead="fx"), **of_death).n == 400


def test_one_coefficient_is_one():
    given = {"time": "years", "event": "event", "event_positive": 1, "predictors": ("age",)}
    notes = fit_risk_model(sample(), **given, nothing_competes=True, at=5).notes
    assert any("for 1 coefficient, " in note for note in notes)
