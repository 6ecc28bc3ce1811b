"""Densities on a coarse grid, and a value that stands too often."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

import osteo_epi as oe

CODES = {"rounded_densities", "repeated_density"}


def found(densities: np.ndarray) -> dict[str, tuple[str, int]]:
    frame = pl.DataFrame({"age": 60.0, "sex": "female", "abmd_femoral_neck": densities})
    return {f.code: (f.severity, f.n) for f in oe.check(frame) if f.code in CODES}


def densities(n: int = 200) -> np.ndarray:
    return np.round(np.random.default_rng(1).normal(0.75, 0.12, n), 3)


@pytest.mark.parametrize(("decimals", "severity"), [(1, "warning"), (2, "note")])
def test_rounded_densities_are_said(decimals, severity):
    rounded = np.round(densities(), decimals)
    assert found(rounded)["rounded_densities"] == (severity, 200)
    assert "rounded_densities" not in found(densities())


@pytest.mark.parametrize("value", [1.0, 0.999, 0.746])
def test_a_code_or_a_mean_that_was_filled_in_is_said(value):
    some = densities()
    some[:15] = value
    severity, n = found(some)["repeated_density"]
    assert severity == "warning"
    assert n == (some == value).sum()


@pytest.mark.parametrize("n", [25, 60, 300, 3_000, 30_000])
def test_of_people_as_they_are_nothing_is_said(n):
    for seed in range(20):
        drawn = np.round(np.random.default_rng(seed).normal(0.75, 0.12, n), 3)
        assert found(drawn) == {}


def test_simulated_people_and_those_that_ship_have_neither():
    for people in (oe.simulate(2_000, seed=1), oe.datasets.clinic(), oe.datasets.survey()):
        assert not CODES & set(oe.check(people).codes)
