"""The columns of P-splines kept in pieces give the sums that all columns give."""

import numpy as np
import polars as pl
import pytest

from osteo_epi.reference import PSpline, fit_curve
from osteo_epi.reference.curves import Basis, Constant, NaturalSpline

AGES = (8.0, 85.0)
TERMS = (
    PSpline(),
    PSpline(df=4, intervals=40),
    PSpline(choice="gcv", degree=2, intervals=7),
    NaturalSpline(),
    Constant(),
)


@pytest.fixture
def age():
    """With nobody between 30 and 45 years, so that some pieces are empty."""
    ages = np.random.default_rng(1).uniform(*AGES, 6_000)
    return np.sort(np.append(ages[(ages < 30) | (ages > 45)], AGES))


@pytest.mark.parametrize("one", TERMS, ids=lambda term: term.label)
@pytest.mark.parametrize("other", TERMS, ids=lambda term: term.label)
def test_sums_in_pieces_are_those_of_all_columns(one, other, age):
    rng = np.random.default_rng(2)
    weight, slope = rng.uniform(size=len(age)), rng.normal(size=len(age))
    basis, second = (Basis.of(term, age, AGES) for term in (one, other))
    dense, whole = one.basis(age, AGES), other.basis(age, AGES)
    coefficients = rng.normal(size=basis.columns)
    assert (len(basis.pieces) > 1) == isinstance(one, PSpline)
    np.testing.assert_allclose(basis.sums(coefficients), dense @ coefficients, atol=1e-12)
    np.testing.assert_allclose(basis.pull(slope), dense.T @ slope, atol=1e-10)
    cross = basis.cross(weight, second)
    np.testing.assert_allclose(cross, dense.T @ (weight[:, None] * whole), atol=1e-10)


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term.label)
def test_a_level_is_met_where_ages_are(term, age):
    basis = Basis.of(term, age, AGES)
    met = basis.sums(basis.nearest(np.full(len(age), 0.8)))
    np.testing.assert_allclose(met, 0.8, rtol=1e-10)


@pytest.mark.parametrize("family", ["normal", "bccg", "bct"])
@pytest.mark.parametrize(
    "df",
    [
        pytest.param((5.0, 1e-12), id="stated"),
        # The choice magnifies rounding: all columns, summed in another order, differ as much.
        pytest.param((None, 2e-9), id="chosen"),
    ],
)
def test_ages_as_they_come_give_the_curve_of_all_columns(family, df, monkeypatch):
    rng = np.random.default_rng(9)
    age = rng.uniform(20, 85, 6_000)
    y = (1 - 0.004 * (age - 20)) * np.exp(0.13 * rng.standard_t(8, 6_000))
    people = pl.DataFrame({"age": age, "y": y})
    terms = {"mu": PSpline(df=df[0]), "sigma": PSpline(df=df[0] and 3.0, intervals=9)}
    curve = fit_curve(people, "y", family=family, **terms)
    monkeypatch.setattr(Basis, "of", Basis.whole)
    dense = fit_curve(people, "y", family=family, **terms)
    assert curve.fit.deviance == pytest.approx(dense.fit.deviance, rel=1e-11)
    assert curve.df == pytest.approx(dense.df, rel=df[1])
    years = np.arange(20.5, 85)
    for percent in (3, 50, 97):
        at, wanted = (each.quantile(years, percent / 100) for each in (curve, dense))
        np.testing.assert_allclose(at, wanted, rtol=df[1])
