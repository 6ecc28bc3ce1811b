"""Curves of other people and by other packages: gamlss on its own data, VGAM, sitar, Altman.

tests/golden/h_centiles.json is made by tests/golden/R/07_centiles.R and 07b_smooth.R.
gamlss_dbhh_1500.csv are the first rows of gamlss_dbhh, of which the record is.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from osteo_epi.reference import FAMILIES, Constant, Polynomial, PSpline, fit_curve

DATA = Path(__file__).parent / "golden" / "data"
AGES = np.arange(22.0, 89.0, 6.0)
R_NAMES = {"normal": "NO", "bccg": "BCCG", "bct": "BCT", "bcpe": "BCPE"}


@pytest.fixture(scope="module")
def records(golden):
    return golden("h_centiles.json")


@pytest.fixture(scope="module")
def people() -> pl.DataFrame:
    return pl.read_csv(DATA / "osteo_reference.csv")


@pytest.fixture(scope="module")
def foetuses() -> pl.DataFrame:
    """Abdominal circumference [mm] by weeks; its tails are heavy."""
    return pl.read_csv(DATA / "gamlss_abdom.csv").rename({"x": "age"})


@pytest.mark.parametrize("family", list(R_NAMES))
def test_heavy_tails_are_fitted_as_by_gamlss(records, foetuses, family):
    record = records["abdom.param"]["result"][R_NAMES[family]]
    curve = fit_curve(foetuses, "y", family=family, mu=Polynomial(2), sigma=Polynomial(1))
    assert curve.fit.converged
    assert curve.fit.deviance == pytest.approx(record["gdev"], abs=1e-6)
    week = np.array([15.0, 25.0, 40.0])
    at, by_r = curve.parameters(week), {k: list(v.values()) for k, v in record["coef"].items()}
    mu = sum(c * x for c, x in zip(by_r["mu"], (1, week, week**2 / 100), strict=True))
    np.testing.assert_allclose(at["mu"], mu, rtol=1e-6)
    np.testing.assert_allclose(at["sigma"], np.exp(by_r["sigma"][0] + by_r["sigma"][1] * week),
                               rtol=5e-6)  # fmt: skip
    if "nu" in at:
        np.testing.assert_allclose(at["nu"], by_r["nu"][0], atol=5e-5)
    if "tau" in at:
        np.testing.assert_allclose(at["tau"], np.exp(by_r["tau"][0]), rtol=1e-5)


@pytest.mark.parametrize("family", ["normal", "bct"])
def test_smooth_curves_of_the_abdomen_are_those_of_gamlss(records, foetuses, family):
    record = records["abdom.BCT"]["result"][R_NAMES[family]]
    curve = fit_curve(foetuses, "y", family=family)
    assert curve.fit.deviance == pytest.approx(record["gdev"], abs=0.01)
    assert curve.df == pytest.approx(record["df"], abs=0.01)
    at = curve.parameters(foetuses["age"][:10])
    np.testing.assert_allclose(at["mu"], record["mu"], rtol=1e-4)
    np.testing.assert_allclose(at["sigma"], record["sigma"], rtol=1e-3)


def test_the_family_that_lms_of_gamlss_takes_is_best_here_too(records):
    record = records["dbhh.lms"]["result"]
    boys = pl.read_csv(DATA / "gamlss_dbhh_1500.csv")
    boys = boys.with_columns(age=pl.col("age") ** record["power"])
    curves = {
        family: fit_curve(boys, "head", family=family, nu=PSpline(), tau=tau)
        for family, tau in (("bccgo", None), ("bcto", PSpline()), ("bcpeo", PSpline()))
    }
    best = min(curves, key=lambda family: curves[family].gaic(2))
    assert best == record["family"].lower()
    assert curves[best].fit.deviance == pytest.approx(record["gdev"], abs=0.1)
    assert curves[best].df == pytest.approx(record["df"], abs=0.05)


def test_a_cubic_smoothing_spline_is_near_a_p_spline_of_its_df(records, people):
    record = records["osteo_reference.csdf.BCCG"]["result"]
    curve = fit_curve(people, "bmd", mu=PSpline(df=4), sigma=PSpline(df=2))
    assert curve.df == pytest.approx(record["df"], abs=1e-3)
    assert curve.fit.deviance == pytest.approx(record["gdev"], abs=0.2)
    percents = [float(name.removeprefix("p")) for name in record["centiles"]["cols"]]
    table = curve.centiles(record["x"], percents=percents).select(f"p{p:g}" for p in percents)
    np.testing.assert_allclose(table, record["centiles"]["values"], rtol=1e-3)


def test_another_way_to_the_maximum_ends_there_too(records, people):
    record = records["osteo_reference.paramCG.BCCG"]["result"]
    curve = fit_curve(people, "bmd", mu=Polynomial(3), sigma=Polynomial(1))
    assert curve.fit.deviance == pytest.approx(record["gdev"], abs=1e-8)


def test_lms_of_vgam(records, people):
    record = records["osteo_reference.VGAM.lms.bcn"]["result"]["coef"]
    curve = fit_curve(people, "bmd", mu=Polynomial(3), sigma=Constant())
    power, first, log_sigma, *rest = record.values()
    at = curve.parameters(AGES)
    mu = first + sum(c * AGES**k / 100 ** (k - 1) for k, c in enumerate(rest, 1))
    np.testing.assert_allclose(at["mu"], mu, rtol=1e-6)
    np.testing.assert_allclose(at["sigma"], np.exp(log_sigma), rtol=1e-6)
    np.testing.assert_allclose(at["nu"], power, atol=1e-5)


def test_lms_scores_and_centiles_of_sitar(records):
    record = records["sitar.LMS"]["result"]
    law = FAMILIES["bccg"]
    at = {name: np.array(record[letter], dtype=float)
          for letter, name in {"L": "nu", "M": "mu", "S": "sigma"}.items()}  # fmt: skip
    np.testing.assert_allclose(law.score(np.array(record["x"]), at), record["z"], rtol=1e-8)
    from scipy.special import ndtr

    # Within 4 SD the end of z cuts nothing off that a digit shows.
    share = ndtr(np.full(4, -1.88))
    np.testing.assert_allclose(law.quantile(share, at), record["c3"], rtol=1e-8)


def test_altmans_two_steps_come_near_the_maximum(records, people):
    """Mean by least squares, SD from absolute residuals: two steps where ours is one."""
    record = records["osteo_reference.altman"]["result"]
    curve = fit_curve(people, "bmd", family="normal", mu=Polynomial(3), sigma=Polynomial(1))
    at = curve.parameters(AGES)
    np.testing.assert_allclose(at["mu"], record["mu"], rtol=1e-3)
    np.testing.assert_allclose(at["sigma"], record["sd"], rtol=1e-2)
    for share, name in ((0.03, "p3"), (0.97, "p97")):
        np.testing.assert_allclose(curve.quantile(AGES, share), record[name], rtol=5e-3)
    young = people.filter(pl.col("age").is_between(20, 30, closed="left"))["bmd"]
    assert young.mean() == pytest.approx(record["youngmean"], rel=1e-12)
    assert young.std() == pytest.approx(record["youngsd"], rel=1e-12)
