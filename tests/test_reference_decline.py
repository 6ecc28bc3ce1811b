"""Curves that never rise from some age on."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from osteo_epi.errors import DefinitionError
from osteo_epi.reference import Constant, PSpline, fit_curve

FROM = 50.0
CHOICES = [{}, {"df": 10}, {"choice": "gaic"}, {"choice": "gcv"}]


def people(bump: float, n: int = 3000) -> pl.DataFrame:
    """A peak at 40, a fall from there, and at 82 a bump, as survivors or artefacts make it."""
    rng = np.random.default_rng(11)
    age = rng.uniform(20, 90, n)
    mean = 1 - 0.0035 * np.maximum(age - 40, 0) - 0.0005 * np.abs(age - 40)
    mean = mean + bump * np.exp(-(((age - 82) / 4) ** 2))
    return pl.DataFrame({"age": age, "bmd": mean * np.exp(rng.normal(0, 0.1, n))})


def steepest(curve) -> float:
    """Largest slope of the median past the age [g/cm² a year]."""
    ages = np.linspace(FROM, curve.ages[1], 30_001)
    return float(np.diff(curve.parameters(ages)["mu"]).max() / (ages[1] - ages[0]))


@pytest.mark.parametrize("family", ["normal", "bccg", "bct", "bccgo"])
@pytest.mark.parametrize("options", CHOICES)
def test_a_bump_at_old_age_is_held_flat(family, options):
    data = people(bump=0.05)
    free = fit_curve(data, "bmd", family=family, mu=PSpline(**options))
    held = fit_curve(data, "bmd", family=family, mu=PSpline(**options, decline_from=FROM))
    assert held.fit.converged
    assert steepest(free) > 1e-3
    assert steepest(held) < 1e-9
    assert held.fit.df["mu"] < free.fit.df["mu"]
    # Where the constraint says nothing, the curve is nearly what it was.
    young = np.arange(25.0, 45.0)
    np.testing.assert_allclose(held.quantile(young, 0.5), free.quantile(young, 0.5), rtol=0.01)


@pytest.mark.parametrize("options", CHOICES)
def test_a_curve_that_falls_anyhow_stays_as_it_is(options):
    data = people(bump=0.0).with_columns(bmd=pl.col("bmd") - 0.002 * (pl.col("age") - 40))
    free = fit_curve(data, "bmd", mu=PSpline(**options | {"df": 3} if "df" in options else options))
    term = PSpline(**options | {"df": 3} if "df" in options else options, decline_from=FROM)
    held = fit_curve(data, "bmd", mu=term)
    assert steepest(free) < 0
    np.testing.assert_allclose(held.centiles().to_numpy(), free.centiles().to_numpy(), rtol=1e-8)
    assert held.fit.df == free.fit.df


def test_the_held_curve_is_the_best_that_does_not_rise():
    """Of a normal law with a given spread, any other falling curve fits worse."""
    data = people(bump=0.05)
    term = PSpline(df=10, decline_from=FROM)
    held = fit_curve(data, "bmd", family="normal", mu=term, sigma=Constant())
    smoothing = held.fit.smoothing["mu"]
    sd = held.parameters([60.0])["sigma"][0]
    basis = term.basis(data["age"].to_numpy(), held.ages)
    penalty = term.penalty(basis.shape[1])

    def loss(c):
        residual = data["bmd"].to_numpy() - basis @ c
        return residual @ residual / sd**2 + smoothing * c @ penalty @ c

    best, rng = held.fit.coefficients["mu"], np.random.default_rng(1)
    grid = np.linspace(FROM, held.ages[1], 2001)
    dense, tried = term.basis(grid, held.ages), 0
    for _ in range(4000):
        # A convex mixture with a falling line keeps the rule; a step at random rarely.
        other = best + rng.normal(0, 1e-4, len(best)) - rng.uniform(0, 1e-3) * np.arange(len(best))
        if (np.diff(dense @ other) <= 0).all():
            tried += 1
            assert loss(other) >= loss(best) - 1e-6
    assert tried > 100


def test_errors_are_smaller_where_the_curve_is_held():
    data = people(bump=0.05)
    free = fit_curve(data, "bmd", mu=PSpline(df=10))
    held = fit_curve(data, "bmd", mu=PSpline(df=10, decline_from=FROM))
    ages = np.array([78.0, 82.0])
    assert (held.parameter_errors(ages, "mu") < free.parameter_errors(ages, "mu")).all()
    assert (held.parameter_errors(ages, "mu") > 0).all()


def test_the_age_has_to_be_one_of_the_people():
    data = people(bump=0.05)
    with pytest.raises(DefinitionError, match="no age below the oldest"):
        fit_curve(data, "bmd", mu=PSpline(decline_from=95))
    early = fit_curve(data, "bmd", mu=PSpline(decline_from=5))
    assert (np.diff(early.centiles()["mu"].to_numpy()) <= 1e-12).all()
    assert PSpline(df=4, decline_from=50).label == "P-spline of 4 df, falling from 50 years"
