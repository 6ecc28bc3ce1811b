"""The mixed model for repeated scans on two devices."""

from __future__ import annotations

import warnings

import numpy as np
import polars as pl
import pytest
import statsmodels.api as sm

from osteo_epi.agreement import least_squares
from osteo_epi.calibration import mixed_line
from osteo_epi.errors import SchemaError


def measured(people=150, *, repeats=(2, 2), beyond=0.02, errors=(0.02, 0.03), seed=0, spread=0.1):
    """Repeated scans of people on device x and on device y = 0.05 + 0.9 x."""
    rng = np.random.default_rng(seed)
    true = rng.normal(0.9, spread, people)
    other = 0.05 + 0.9 * true + rng.normal(0, beyond, people)
    frames = [
        pl.DataFrame(
            {
                "person_id": np.arange(people).repeat(k),
                "device": name,
                "bmd": eta.repeat(k) + rng.normal(0, sd, people * k),
            }
        )
        for name, eta, k, sd in zip("xy", (true, other), repeats, errors, strict=True)
    ]
    return pl.concat(frames)


def test_equals_statsmodels_with_one_scan_error():
    """MixedLM: a random effect for each device, unstructured, and one error for all scans."""
    scans = measured(80, errors=(0.025, 0.025), repeats=(2, 3), seed=4)
    ours = mixed_line(scans, value="bmd", reference="x", errors="common")
    device = np.column_stack([(scans["device"] == d).to_numpy() for d in "xy"]).astype(float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # In hundredths, or statsmodels stops short of the optimum.
        model = sm.MixedLM(
            scans["bmd"].to_numpy() * 100, device, scans["person_id"].to_numpy(), exog_re=device
        )
        theirs = model.fit(reml=True, method=["lbfgs", "bfgs"], gtol=1e-8)
    omega = np.asarray(theirs.cov_re)
    slope = omega[0, 1] / omega[0, 0]
    assert ours.line.slope.estimate == pytest.approx(slope, rel=1e-4)
    mean = theirs.fe_params
    intercept = (mean[1] - slope * mean[0]) / 100
    assert ours.line.intercept.estimate == pytest.approx(intercept, abs=1e-4)
    assert ours.sd_x == pytest.approx(np.sqrt(theirs.scale) / 100, rel=1e-4)
    assert ours.sd_people == pytest.approx(np.sqrt(omega[0, 0]) / 100, rel=1e-4)


def test_the_slope_is_not_drawn_to_zero_and_its_interval_holds_it():
    """Scan error a third of people's spread: least squares loses a tenth of the slope."""
    hits, slopes, plain = [], [], []
    for seed in range(40):
        scans = measured(60, spread=0.06, seed=seed)
        fit = mixed_line(scans, value="bmd", reference="x")
        slopes.append(fit.line.slope.estimate)
        hits.append(fit.line.slope.compatible_with(0.9))
        first = scans.group_by("device", "person_id", maintain_order=True).first()
        x, y = (first.filter(pl.col("device") == d)["bmd"] for d in "xy")
        plain.append(least_squares(x, y).slope.estimate)
    assert np.mean(slopes) == pytest.approx(0.9, abs=0.03)
    assert np.mean(plain) == pytest.approx(0.9 * 0.06**2 / (0.06**2 + 0.02**2), abs=0.03)
    assert np.mean(hits) > 0.95 - 3 * np.sqrt(0.95 * 0.05 / 40)


def test_predictions_of_a_new_persons_scan_hold_as_often_as_said():
    fit = mixed_line(measured(200, seed=1), value="bmd", reference="x")
    new = measured(2000, repeats=(1, 1), seed=2)
    x, y = (new.filter(pl.col("device") == d)["bmd"].to_numpy() for d in "xy")
    found = fit.predict(x)
    assert np.mean((found.lower < y) & (y < found.upper)) == pytest.approx(0.95, abs=0.02)
    group = fit.predict([x.mean()], people=2000)
    assert group.se[0] < found.se.mean() / 3
    assert fit.reliability(4) > fit.reliability(1)


def test_people_on_one_device_and_no_scatter_beyond_the_line():
    scans = measured(60, beyond=0.0, seed=3)
    more = pl.concat(
        [
            scans,
            measured(20, seed=9)
            .filter(pl.col("device") == "x")
            .with_columns(pl.col("person_id") + 1000),
        ]
    )
    fit = mixed_line(more, value="bmd", reference="x")
    assert (fit.people, fit.line.n) == (80, 60)
    assert fit.line.slope.compatible_with(0.9)
    assert np.isfinite(fit.line.slope.se)
    assert set(fit.to_frame()["term"]) == {"intercept", "slope"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.filter(pl.col("device") == "x"), "two devices are needed"),
        (lambda s: s.drop("bmd"), "columns .'bmd'. are missing"),
        (lambda s: s.group_by("person_id", "device").first(), "nobody was scanned twice"),
        (lambda s: s.filter(pl.col("person_id") < 2), "2 people were scanned on both"),
        (lambda s: s.with_columns(bmd=pl.col("person_id").cast(float)), "constant readings"),
        (
            lambda s: s.with_columns(bmd=pl.when(pl.col("person_id") > 0).then("bmd")),
            "4 readings of 'bmd' are missing",
        ),
    ],
)
def test_faults(change, message):
    with pytest.raises(SchemaError, match=message):
        mixed_line(change(measured(30)), value="bmd", reference="x")
