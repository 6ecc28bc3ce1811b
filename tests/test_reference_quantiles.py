"""Centiles by quantile regression, against R quantreg 5.94, and held in their order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from osteo_epi.errors import DefinitionError, SchemaError
from osteo_epi.reference import Constant, NaturalSpline, Polynomial, PSpline, fit_quantiles

AGES = np.arange(22.0, 89.0, 6.0)
TAUS = (3.0, 5.0, 10.0, 25.0, 50.0, 75.0, 90.0, 95.0, 97.0)


@pytest.fixture(scope="module")
def records(golden):
    return golden("h_centiles.json")


@pytest.fixture(scope="module")
def people() -> pl.DataFrame:
    return pl.read_csv(Path(__file__).parent / "golden" / "data" / "osteo_reference.csv")


def percent(name: str) -> float:
    """Of a record's "t0.03"."""
    return round(100 * float(name.removeprefix("t")), 6)


def polynomial(coefficients, age=AGES):
    """As the scripts of R write it: age, age²/100, age³/10,000."""
    scaled = (np.ones_like(age), age, age**2 / 100, age**3 / 1e4)
    return sum(c * x for c, x in zip(coefficients, scaled, strict=False))


@pytest.mark.parametrize("non_crossing", [True, False])
def test_centiles_that_do_not_cross_are_those_of_quantreg(records, people, non_crossing):
    fit = fit_quantiles(people, "bmd", percents=TAUS, term=Polynomial(3), non_crossing=non_crossing)
    assert fit.crossing == ()
    for name, printed in records["osteo_reference.rq"]["result"].items():
        own = fit.quantile(AGES, percent(name))
        np.testing.assert_allclose(own, polynomial(printed["coef"].values()), rtol=1e-10)
        assert fit.loss[percent(name)] == pytest.approx(printed["rho"], rel=1e-12)


def test_weights_count_as_in_quantreg(records, people):
    fit = fit_quantiles(people, "bmd", percents=TAUS, term=Polynomial(2), weight="w")
    for name, printed in records["osteo_reference.rq_w"]["result"].items():
        own = fit.quantile(AGES, percent(name))
        np.testing.assert_allclose(own, polynomial(printed.values()), rtol=1e-10)


def test_straight_and_natural_spline_centiles_are_those_of_quantreg(records, people):
    line = fit_quantiles(people, "bmd", percents=[5, 50], term=Polynomial(1))
    for name, printed in records["osteo_reference.rq_simple"]["result"].items():
        coefficients = [row[0] for row in printed["rank_iid"]["values"]]
        own = line.quantile(AGES, percent(name))
        np.testing.assert_allclose(own, polynomial(coefficients), rtol=1e-10)
    term = NaturalSpline((35, 50, 65), edges=(20, 90))
    spline = fit_quantiles(people, "bmd", percents=[5, 50, 95], term=term)
    for name, printed in records["osteo_reference.rq_bs"]["result"].items():
        own = spline.quantile(AGES, percent(name))
        np.testing.assert_allclose(own, printed["pred"], rtol=1e-10)
        assert spline.loss[percent(name)] == pytest.approx(printed["rho"], rel=1e-12)


def test_centiles_that_cross_are_fitted_again_in_their_order(people):
    few = people.head(250)
    percents = [5, 10, 25, 40, 50, 60, 75, 90, 95]
    free = fit_quantiles(few, "bmd", percents=percents, term=NaturalSpline(8), non_crossing=False)
    held = fit_quantiles(few, "bmd", percents=percents, term=NaturalSpline(8))
    assert free.crossing
    assert held.crossing == free.crossing
    assert "left so" in free.notes[0]
    assert "in their order" in held.notes[0]
    ages = np.arange(held.ages[0], held.ages[1], 0.1)
    steps = np.diff(held.centiles(ages).drop("age").to_numpy(), axis=1)
    assert steps.min() > -1e-9
    # The middle stands; who is held can only lose.
    np.testing.assert_allclose(held.coefficients[50.0], free.coefficients[50.0], rtol=1e-9)
    assert all(held.loss[p] >= free.loss[p] - 1e-9 for p in free.percents)


def test_a_share_of_people_lies_below_each_centile(people):
    fit = fit_quantiles(people, "bmd", percents=[3, 25, 50, 97])
    for each in fit.percents:
        below = (people["bmd"].to_numpy() < fit.quantile(people["age"], each)).mean()
        # Exactly, but for the people through whom the curve runs.
        assert abs(below - each / 100) <= 5 / len(people)


def test_a_repeated_person_counts_as_a_weight(people):
    some = people.head(400).with_columns(times=1 + pl.col("id") % 3)
    repeated = some.select(pl.all().repeat_by("times").explode())
    term, percents = Polynomial(2), [10, 50, 90]
    one = fit_quantiles(some, "bmd", percents=percents, term=term, weight="times")
    other = fit_quantiles(repeated, "bmd", percents=percents, term=term)
    # Where several curves are equally good they may differ, their loss not.
    for each in percents:
        share = some["times"].sum() / len(some)
        assert one.loss[each] * share == pytest.approx(other.loss[each], rel=1e-10)


def test_everybody_is_counted_who_shares_age_and_measurement_with_another(people):
    twice = fit_quantiles(pl.concat([people, people]), "bmd", percents=(10, 50, 90))
    assert twice.n == 2 * fit_quantiles(people, "bmd", percents=(10, 50, 90)).n


def test_no_centile_outside_the_ages_of_the_people(people):
    fit = fit_quantiles(people, "bmd", percents=[50])
    assert fit.centiles([10, 60, 99])["p50"].is_null().to_list() == [True, False, True]
    assert fit.to_frame().height == int(fit.ages[1]) - int(np.ceil(fit.ages[0])) + 1


def test_bad_input_is_told_in_its_own_words(people):
    with pytest.raises(DefinitionError, match="penalty of squares"):
        fit_quantiles(people, "bmd", term=PSpline())
    with pytest.raises(DefinitionError, match="each must lie between 0 and 100"):
        fit_quantiles(people, "bmd", percents=[0, 50])
    with pytest.raises(SchemaError, match="give percents nearer 50"):
        fit_quantiles(people.head(100), "bmd", percents=[1, 50, 99])
    with pytest.raises(DefinitionError, match="everybody's age too"):
        fit_quantiles(people, "bmd", term=NaturalSpline((35, 50), edges=(30, 80)))
    with pytest.raises(DefinitionError, match="expected a whole number from 1"):
        NaturalSpline(0)
    with pytest.raises(DefinitionError, match="no centile 33 was fitted; there are 50"):
        fit_quantiles(people, "bmd", percents=[50], term=Constant()).quantile([60], 33)
