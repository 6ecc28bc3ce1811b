"""Lines between two methods against mcr, deming, mblm and R: every record, every number."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import agreement_golden as golden
import numpy as np
import pytest
from scipy import stats

from osteo_epi.agreement import (
    Line,
    deming,
    least_squares,
    passing_bablok,
    theil_sen,
    weighted_deming,
)
from osteo_epi.calibration import precision_of, variance_components
from osteo_epi.norms import load

SETS = ("osteo_methods", "mcr_creatinine", "deming_ferritin")
RECORDS = golden.records("c_methods")


def mcr(line: Line, **more: Any) -> dict[str, Any]:
    """A line as mcr lays it out."""
    terms = {"intercept": line.intercept, "slope": line.slope}
    return more | {
        name: {"EST": c.estimate, "SE": c.se, "LCI": c.lower, "UCI": c.upper}
        for name, c in terms.items()
    }


def coef(line: Line) -> dict[str, float]:
    return {"(Intercept)": line.intercept.estimate, "x": line.slope.estimate}


def wdeming(x: np.ndarray, y: np.ndarray, ratio: float) -> dict[str, Any]:
    # mcr stops its iteration at 1e-6.
    line = weighted_deming(x, y, error_ratio=ratio, tolerance=1e-6)
    assert line.weights is not None
    return mcr(line, w=line.weights[:5])


def bias(x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    """mcr's calcBias: the line minus the identity, at three levels."""
    level = np.quantile(x, [0.1, 0.5, 0.9])
    p = deming(x, y).predict(level, people=None)
    cells = (level, p.estimate - level, p.se, p.lower - level, p.upper - level)
    return {"values": np.column_stack(cells)}


Ours = Callable[[np.ndarray, np.ndarray], dict[str, Any]]
LINES: dict[str, Ours] = {
    "deming.analytical.er1": lambda x, y: mcr(deming(x, y, interval="analytic")),
    "deming.analytical.er4": lambda x, y: mcr(deming(x, y, error_ratio=4, interval="analytic")),
    "deming.jackknife.er1": lambda x, y: mcr(deming(x, y)),
    "deming.jackknife.er4": lambda x, y: mcr(deming(x, y, error_ratio=4)),
    "wdeming.jackknife.er1": lambda x, y: wdeming(x, y, 1),
    "wdeming.jackknife.er4": lambda x, y: wdeming(x, y, 4),
    "linreg": lambda x, y: mcr(least_squares(x, y)),
    "wlinreg": lambda x, y: mcr(least_squares(x, y, proportional=True)),
    "bias": bias,
    "paba.analytical.tangent": lambda x, y: mcr(passing_bablok(x, y)),
    "deming_pkg.pbreg1": lambda x, y: {"coef": coef(passing_bablok(x, y))},
    "mblm": lambda x, y: {"ts": coef(theil_sen(x, y))},
    "deming.bootBCa": lambda x, y: {},
}
OURS = {
    f"{name}.{key}": (lambda name=name, make=make: make(*golden.pairs(name)))
    for name in SETS
    for key, make in LINES.items()
}


def repeats() -> dict[str, Any]:
    table = golden.table("osteo_precision")
    error = precision_of(table)
    sd, cv = error.rms_sd, error.rms_cv_percent
    factor = load("precision", "iscd_2019").data["least_significant_change"]["factor"]
    return {
        "rms_sd": sd.estimate,
        "rms_cv_pct": cv.estimate,
        "cv_of_mean_pct": 100 * sd.estimate / error.mean,
        "df": error.df,
        "rms_sd_ci": (sd.lower, sd.upper),
        "rms_cv_ci": (cv.lower, cv.upper),
        "rms_sd_upper95": error.upper_limit(),
        "lsc_sd": error.lsc().estimate,
        "lsc_277": factor * sd.estimate,
        "anova_within_sd": variance_components(table).sd_within,
        "sd2_first2": precision_of(table[:, :2]).rms_sd.estimate,
    }


def components() -> dict[str, Any]:
    c = variance_components(golden.table("osteo_precision"))
    return {"sd_between": c.sd_between, "sd_within": c.sd_within, "reml_ll": c.log_likelihood}


OURS |= {"precision": repeats, "lme_vc": components}
HERE = [record for record in RECORDS if record in OURS]


def test_every_record_about_lines_and_precision() -> None:
    compared, faults = 0, []
    for record in HERE:
        n, wrong = golden.compare(record, RECORDS[record]["result"], OURS[record]())
        compared, faults = compared + n, faults + wrong
    print(f"{len(HERE)} records, {compared} numbers to 1e-8")
    assert not faults, "\n".join(faults)
    assert (len(HERE), compared) == (39, 295)


def by_rule(x: np.ndarray, y: np.ndarray, rule: str) -> list[float]:
    """Passing–Bablok slope and limits from all slopes, as each of three programs ranks them."""
    i, j = np.triu_indices(len(x), 1)
    # mcr takes differences as floating point leaves them, and with them what is −1.
    dx, dy = (v[j] - v[i] if rule == "mcr" else np.round(v[j] - v[i], 9) for v in (x, y))
    apart = (dx != 0) | (dy != 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        slopes = np.sort(np.where(dx == 0, np.inf, dy / dx)[apart])
    angles, n = np.arctan(slopes), len(x)
    smaller = int((angles < -math.pi / 4).sum())
    dropped = int((angles <= -math.pi / 4).sum()) - smaller
    size, shift = len(slopes) - dropped, smaller + dropped
    variance = n * (n - 1) * (2 * n + 5) / 18
    reach = stats.norm.ppf(0.975) * math.sqrt(variance)
    middle = (size + 1) / 2 + shift
    if rule == "mcr":
        middle = (len(slopes) + 2 * smaller + dropped + 1) / 2
        step = math.floor(reach + 0.5) / 2
    elif rule == "deming":
        ties = np.unique(x, return_counts=True)[1]
        loss = (ties * (ties - 1) * (2 * ties + 5)).sum() / 18
        step = math.ceil(stats.norm.ppf(0.975) * (math.sqrt(variance) - loss) / 2)
    else:
        step = (size + 1) / 2 - round((size - reach) / 2)
    ends = [(math.floor(r), math.ceil(r)) for r in (middle, middle - step, middle + step)]
    if rule == "deming":
        return [math.tan((angles[a - 1] + angles[b - 1]) / 2) for a, b in ends]
    return [float(slopes[a - 1] + slopes[b - 1]) / 2 for a, b in ends]


@pytest.mark.parametrize("name", SETS)
def test_passing_bablok_of_others_is_ours_by_their_rules(name: str) -> None:
    x, y = golden.pairs(name)
    ours = passing_bablok(x, y).slope
    expected = by_rule(x, y, "1983")
    assert expected == pytest.approx([ours.estimate, ours.lower, ours.upper], rel=1e-12)
    theirs = RECORDS[f"{name}.paba.analytical.tangent"]["result"]["slope"]
    expected = [theirs[key] for key in ("EST", "LCI", "UCI")]
    assert by_rule(x, y, "mcr") == pytest.approx(expected, rel=1e-8)
    assert ours.estimate == pytest.approx(theirs["EST"], rel=1e-4)
    theirs = RECORDS[f"{name}.deming_pkg.pbreg1"]["result"]["ci"]["values"][1]
    assert by_rule(x, y, "deming")[1:] == pytest.approx(theirs, rel=1e-8)


def test_bootstrap_limits_lie_within_monte_carlo_error_of_mcr() -> None:
    line = deming(*golden.pairs("osteo_methods"), interval="bootstrap", resamples=1999, seed=1)
    record = RECORDS["osteo_methods.deming.bootBCa"]["result"]
    for name in ("intercept", "slope"):
        term, theirs = getattr(line, name), record[name]
        width = theirs["UCI"] - theirs["LCI"]
        assert term.estimate == pytest.approx(theirs["EST"], rel=1e-8)
        assert abs(term.lower - theirs["LCI"]) < 0.12 * width
        assert abs(term.upper - theirs["UCI"]) < 0.12 * width
