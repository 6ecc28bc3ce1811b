"""Limits of a curve: by the delta method, by bootstrap, by replicate weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from osteo_epi.errors import DefinitionError, DesignError, SchemaError
from osteo_epi.reference import Constant, Peak, Polynomial, PSpline, bands, fit_curve
from osteo_epi.survey import ReplicateDesign, SurveyDesign, bootstrap_replicates

AGES, PERCENTS = [25.0, 50.0, 80.0], [3.0, 50.0, 97.0]
TERMS = {"mu": Polynomial(2), "sigma": Polynomial(1)}


@pytest.fixture(scope="module")
def people() -> pl.DataFrame:
    return pl.read_csv(Path(__file__).parent / "golden" / "data" / "osteo_reference.csv")


@pytest.fixture(scope="module")
def curve(people):
    return fit_curve(people, "bmd", **TERMS)


@pytest.fixture(scope="module")
def peaked() -> pl.DataFrame:
    """A median that is highest at 35 years."""
    rng = np.random.default_rng(6)
    age = rng.uniform(15, 75, 1500)
    y = 1.0 - 0.00025 * (age - 35) ** 2 + rng.normal(0, 0.1, 1500)
    return pl.DataFrame({"age": age, "y": y})


def se(limits) -> np.ndarray:
    return limits.to_frame()["se"].to_numpy()


def test_delta_and_bootstrap_agree_where_nothing_is_smoothed(people, curve):
    for family in ("normal", "bccg"):
        own = fit_curve(people, "bmd", family=family, **TERMS)
        delta = bands(own, people, ages=AGES, percents=PERCENTS)
        again = bands(own, people, ages=AGES, percents=PERCENTS, method="bootstrap", seed=1)
        np.testing.assert_allclose(se(again), se(delta), rtol=0.25)
        assert again.failed == 0
        assert again.replicates == 200
    # Median ± 1.96 standard errors, of the curve itself.
    row = bands(curve, ages=[50], percents=[50]).to_frame().row(0, named=True)
    assert row["estimate"] == pytest.approx(curve.quantile([50], 0.5)[0])
    assert row["upper"] - row["estimate"] == pytest.approx(1.959964 * row["se"])


def test_the_median_of_a_normal_line_has_the_error_of_least_squares():
    rng = np.random.default_rng(3)
    age = rng.uniform(20, 80, 400)
    people = pl.DataFrame({"age": age, "y": 1 - 0.004 * age + rng.normal(0, 0.1, 400)})
    line = fit_curve(people, "y", family="normal", mu=Polynomial(1), sigma=Constant())
    row = bands(line, ages=[40], percents=[50]).to_frame().row(0, named=True)
    design = np.column_stack([np.ones(400), age])
    residual = people["y"].to_numpy() - design @ np.linalg.lstsq(design, people["y"], rcond=None)[0]
    at = np.array([1.0, 40.0])
    expected = np.sqrt(residual @ residual / 400 * at @ np.linalg.inv(design.T @ design) @ at)
    assert row["se"] == pytest.approx(expected, rel=1e-6)


def test_units_of_a_design_carry_the_error(people):
    """Everybody twice, as a unit of two: the limits of one each, not those of twice as many."""
    once = people.with_columns(unit=pl.int_range(pl.len()), one=1.0)
    twice = pl.concat([once, once])
    single, double = (fit_curve(each, "bmd", weight="one", **TERMS) for each in (once, twice))
    kind = {"ages": AGES, "percents": PERCENTS}
    expected = bands(single, once, design=SurveyDesign("one"), **kind)
    found = bands(double, twice, design=SurveyDesign("one", psu="unit"), **kind)
    np.testing.assert_allclose(se(found), se(expected), rtol=1e-5)
    assert (se(bands(double, twice, design=SurveyDesign("one"), **kind)) < 0.8 * se(found)).all()
    again = bands(double, twice, design=SurveyDesign("one", psu="unit"), method="bootstrap", **kind)
    np.testing.assert_allclose(se(again), se(found), rtol=0.25)


def test_the_sandwich_of_people_drawn_alone_is_near_the_model(people):
    own = people.with_columns(one=1.0)
    for terms in (TERMS, {"mu": PSpline(df=4), "sigma": PSpline(df=2)}):
        weighted = fit_curve(own, "bmd", weight="one", **terms)
        plain = fit_curve(own, "bmd", **terms)
        kind = {"ages": AGES, "percents": PERCENTS}
        found = bands(weighted, own, design=SurveyDesign("one"), **kind)
        np.testing.assert_allclose(se(found), se(bands(plain, **kind)), rtol=0.2)


def test_rows_without_the_measurement_keep_their_units(people):
    """A domain: men set to missing, whose units stay in the design."""
    half = people.with_columns(
        unit=pl.int_range(pl.len()) // 4,
        bmd=pl.when(pl.int_range(pl.len()) % 3 > 0).then("bmd"),
        one=1.0,
    )
    curve = fit_curve(half, "bmd", weight="one", **TERMS)
    limits = bands(curve, half, design=SurveyDesign("one", psu="unit"), ages=AGES)
    assert (limits.to_frame()["se"] > 0).all()


def test_replicate_weights_give_the_limits_of_the_units_they_were_made_of(people):
    own = people.with_columns(unit=pl.int_range(pl.len()) // 3)
    units = SurveyDesign("w", psu="unit")
    made = bootstrap_replicates(units.arrays(own), seed=5, n_replicates=120).to_frame("rw")
    design = ReplicateDesign("w", "rw", kind="bootstrap")
    curve = fit_curve(own, "bmd", weight="w", **TERMS)
    kind = {"ages": AGES, "percents": PERCENTS}
    found = bands(curve, own.hstack(made), design=design, **kind)
    assert found.method == "replicates"
    assert found.replicates == 120
    np.testing.assert_allclose(se(found), se(bands(curve, own, design=units, **kind)), rtol=0.3)
    row = found.to_frame().row(0, named=True)
    assert row["upper"] - row["estimate"] == pytest.approx(row["estimate"] - row["lower"])


def test_a_replicate_without_a_fit_is_counted_and_said(people):
    units = SurveyDesign("w").arrays(people)
    made = bootstrap_replicates(units, seed=5, n_replicates=20).to_frame("rw")
    made = made.with_columns(rw7=pl.lit(0.0))
    design = ReplicateDesign("w", "rw", kind="bootstrap")
    curve = fit_curve(people, "bmd", weight="w", **TERMS)
    found = bands(curve, people.hstack(made), design=design, ages=AGES)
    assert found.failed == 1
    assert "1 of 20 curves fitted anew did not converge" in found.notes[0]
    assert "1 without a fit" in repr(found)
    assert np.isfinite(se(found)).all()


def test_limits_that_would_rest_on_few_fits_are_refused(people, curve, monkeypatch):
    monkeypatch.setattr("osteo_epi.reference.curves._fit.CYCLES", 0)
    with pytest.raises(DesignError, match="200 of 200 curves fitted anew did not converge"):
        bands(curve, people, method="bootstrap")


def test_the_age_of_the_peak_has_limits_by_both_ways(peaked):
    curve = fit_curve(peaked, "y", family="normal", mu=Polynomial(2), sigma=Constant())
    delta = bands(curve, peaked).peak.row(0, named=True)
    again = bands(curve, peaked, method="bootstrap", seed=2).peak.row(0, named=True)
    assert delta["quantity"] == "peak age"
    assert delta["lower"] < 35 < delta["upper"]
    assert again["se"] == pytest.approx(delta["se"], rel=0.25)
    assert again["lower"] < delta["estimate"] < again["upper"]


def test_the_line_at_a_t_score_is_that_of_the_peak_or_of_the_young_given(peaked):
    curve = fit_curve(peaked, "y", mu=Polynomial(2), sigma=Constant(), nu=Constant())
    limits = bands(curve, peaked)
    age, mean, sd, value = limits.peak["estimate"]
    assert value == pytest.approx(mean - 2.5 * sd)
    assert limits.line[0] == value
    assert limits.line[1] < value < limits.line[2]
    # Mean and SD of a skewed law are those of many people drawn of it.
    drawn = curve.quantile(np.full(100_000, age), (np.arange(100_000) + 0.5) / 100_000)
    assert (drawn.mean(), drawn.std()) == (
        pytest.approx(mean, abs=1e-4),
        pytest.approx(sd, rel=1e-3),
    )
    young = Peak("20–29 years", "female", 20, 29, 100, 1.0, 0.1, np.diag([1e-4, 5e-5]))
    line = bands(curve, peaked, young=young, t=-1).line
    assert line[0] == pytest.approx(0.9)
    assert line[2] - line[0] == pytest.approx(1.959964 * np.sqrt(1.5e-4))


def test_a_curve_that_is_held_from_rising_has_limits_by_both_ways(people):
    held = fit_curve(people, "bmd", mu=PSpline(decline_from=30), sigma=Constant())
    delta, again = (
        se(bands(held, people, ages=AGES, percents=[50], method=method, replicates=40))
        for method in ("delta", "bootstrap")
    )
    np.testing.assert_allclose(again, delta, rtol=0.6)


def test_a_peak_at_the_end_of_the_search_has_no_limits_of_its_age(curve):
    limits = bands(curve)
    assert limits.peak["se"][0] is None
    assert limits.peak["se"][3] > 0
    assert "at an end of the ages searched" in limits.notes[0]


def test_a_curve_without_young_adults_has_centiles_and_no_peak(people):
    old = people.filter(pl.col("age") >= 55)
    limits = bands(fit_curve(old, "bmd", **TERMS), old, method="bootstrap", replicates=40)
    assert limits.peak["estimate"].null_count() == 4
    assert limits.to_frame()["lower"].null_count() == 0
    assert "nobody is between 20 and 49" in limits.notes[0]


def test_ages_outside_are_missing_and_said(people, curve):
    for options in ({}, {"method": "bootstrap", "replicates": 40}):
        limits = bands(curve, people, ages=[5, 50], percents=[50], **options)
        first, second = limits.to_frame().to_dicts()
        assert [first[name] for name in ("estimate", "se", "lower", "upper")] == [None] * 4
        assert second["lower"] < second["estimate"] < second["upper"]
        assert "1 age outside" in limits.notes[-1]


def test_a_seed_gives_the_same_limits_again(people, curve):
    kind = {"method": "bootstrap", "replicates": 40, "ages": AGES}
    one, two, other = (bands(curve, people, seed=seed, **kind) for seed in (1, 1, 2))
    assert one.to_frame().equals(two.to_frame())
    assert not one.to_frame().equals(other.to_frame())


def test_bad_input_is_told_in_its_own_words(people, curve):
    weighted = fit_curve(people, "bmd", weight="w", **TERMS)
    with pytest.raises(DesignError, match="give people="):
        bands(weighted)
    with pytest.raises(DesignError, match="need the people"):
        bands(curve, method="bootstrap")
    with pytest.raises(DesignError, match="weight='w' and the design has equal weights"):
        bands(weighted, people, design="srs")
    with pytest.raises(SchemaError, match="fitted to 1,200 people, and 600"):
        bands(curve, people.head(600))
    with pytest.raises(SchemaError, match="not in the data"):
        bands(curve, people.drop("bmd"))
    with pytest.raises(DesignError, match="limits of 95 % need 40"):
        bands(curve, people, method="bootstrap", replicates=20)
    with pytest.raises(DesignError, match="needs design=ReplicateDesign"):
        bands(curve, people, method="replicates")
    with pytest.raises(DesignError, match="expected one of delta"):
        bands(curve, people, method="jackknife")
    with pytest.raises(DefinitionError, match="between 0 and 100"):
        bands(curve, percents=[0, 50])
    with pytest.raises(DefinitionError, match="confidence=95"):
        bands(curve, confidence=95)
    few = people.with_columns(r1="w", r2="w")
    design = ReplicateDesign("w", ("r1", "r2"), kind="BRR")
    with pytest.raises(DesignError, match="2 replicate weights"):
        bands(weighted, few, design=design)
    with pytest.raises(DesignError, match="read by method='replicates'"):
        bands(weighted, few, design=design, method="bootstrap")
    lonely = people.with_columns(s=pl.when(pl.int_range(pl.len()) == 0).then(1).otherwise(2))
    with pytest.raises(DesignError, match="cannot draw"):
        bands(weighted, lonely, design=SurveyDesign("w", stratum="s", lonely="adjust"),
              method="bootstrap")  # fmt: skip
