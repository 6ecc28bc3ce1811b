"""The pass over the people, and the covariance of all parameters together."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from osteo_epi.norms import FAMILIES
from osteo_epi.reference import Constant, Polynomial, PSpline, fit_curve
from osteo_epi.reference.curves import Sample, expected_information, likelihood

AGES = np.array([20.0, 40.0, 60.0, 80.0])
AT = {
    "mu": np.array([0.9, 1.0, 0.95, 0.8]),
    "sigma": np.array([0.12, 0.1, 0.15, 0.2]),
    "nu": np.array([0.5, -0.7, 1e-9, 1e-6]),
    "tau": np.array([3.0, 5.0, 2.0, 20.0]),
}


def drawn(family: str, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Ages and measurements of a distribution, two decimals so that pairs repeat."""
    rng = np.random.default_rng(seed)
    law = FAMILIES[family]
    place = rng.integers(0, 4, n)
    at = {name: AT[name][place] for name in law.parameters}
    if family == "log_normal":
        at["mu"] = np.log(at["mu"])
    y = law.quantile(rng.uniform(size=n), at)
    return AGES[place], np.maximum(np.round(y, 2), 0.01)


def parameters(family: str) -> dict[str, np.ndarray]:
    at = {name: AT[name] for name in FAMILIES[family].parameters}
    return at | ({"mu": np.log(AT["mu"])} if family == "log_normal" else {})


@pytest.mark.parametrize("family", list(FAMILIES))
def test_the_pass_sums_the_density_and_the_slopes_of_each_person(family, monkeypatch):
    """In blocks and pairs, as `Family` has them person by person."""
    monkeypatch.setattr("osteo_epi.reference.curves._likelihood.BLOCK", 37)
    law, at = FAMILIES[family], parameters(family)
    age, y = drawn(family, 500, seed=1)
    weight = np.random.default_rng(2).uniform(0.5, 2, 500)
    sample = Sample.of(age, y, weight)
    assert len(sample.y) < 500
    found = likelihood(law, sample, at)
    place = np.searchsorted(AGES, age)
    each = {name: value[place] for name, value in at.items()}
    assert found.deviance == pytest.approx(-2 * weight @ law.log_density(y, each), rel=1e-10)
    for k, name in enumerate(law.parameters):
        slope = law.slope(name, y, each)
        total, square = (np.bincount(place, weight * slope**power) for power in (1, 2))
        np.testing.assert_allclose(found.slopes[k], total, rtol=1e-8, atol=1e-7)
        np.testing.assert_allclose(found.squares[k], square, rtol=1e-7)


@pytest.mark.parametrize("family", list(FAMILIES))
def test_the_expected_information_is_the_mean_product_of_slopes(family):
    law, at = FAMILIES[family], parameters(family)
    ages = np.full(200_000, 20.0)
    each = {name: np.full(len(ages), value[0]) for name, value in at.items()}
    y = law.quantile((np.arange(len(ages)) + 0.5) / len(ages), each)
    slopes = np.array([law.slope(name, y, each) for name in law.parameters])
    mean = slopes @ slopes.T / len(ages)
    own = expected_information(law, at, AGES)[:, :, 0]
    size = np.sqrt(np.diag(mean))
    np.testing.assert_allclose(own / np.outer(size, size), mean / np.outer(size, size), atol=1e-2)


def test_many_people_end_where_the_fit_without_classes_ends(monkeypatch):
    rng = np.random.default_rng(4)
    age = np.round(rng.uniform(20, 80, 3000), 2)
    people = pl.DataFrame(
        {"age": age, "y": (1.1 - 0.004 * age) * np.exp(0.12 * rng.normal(size=3000))}
    )
    terms = {"mu": PSpline(df=3), "sigma": Polynomial(1)}
    plain = fit_curve(people, "y", **terms)
    monkeypatch.setattr("osteo_epi.reference.curves._fit.MANY", 1000)
    classes = fit_curve(people, "y", **terms)
    assert classes.fit.deviance == pytest.approx(plain.fit.deviance, abs=1e-6)
    assert classes.fit.cycles < plain.fit.cycles
    np.testing.assert_allclose(
        classes.centiles().to_numpy(), plain.centiles().to_numpy(), rtol=1e-5
    )


def test_parameters_that_go_together_err_together():
    """Of LMS, median and power: the covariance is that of 200 samples, its cross-parts too."""
    rng = np.random.default_rng(8)
    law, n = FAMILIES["bccg"], 600
    age = np.tile(np.arange(20.0, 80.0), n // 60)
    at = {"mu": 1.1 - 0.004 * age, "sigma": np.full(n, 0.3), "nu": np.full(n, -0.5)}
    terms = {"mu": Polynomial(1), "sigma": Constant(), "nu": Constant()}
    found, joint = [], np.zeros((4, 4))
    for _ in range(200):
        y = law.quantile(rng.uniform(size=n), at)
        fit = fit_curve(pl.DataFrame({"age": age, "y": y}), "y", **terms).fit
        found.append(np.concatenate(list(fit.coefficients.values())))
        joint += fit.joint / 200
    spread = np.cov(np.array(found).T)
    size = np.sqrt(np.diag(spread))
    np.testing.assert_allclose(np.sqrt(np.diag(joint)), size, rtol=0.15)
    together = joint / np.outer(size, size)
    np.testing.assert_allclose(together, spread / np.outer(size, size), atol=0.2)
    # Median and power go together: with the others held the median's error would be too small.
    assert abs(together[0, 3]) > 0.2
