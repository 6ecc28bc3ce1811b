"""Lines between two methods against mcr, deming, mblm and R: every record, every number."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import agreement_golden as golden
import numpy as np
import pytest
from scipy import optimize, stats

from osteo_epi.agreement import (
    Line,
    PairwiseSlopes,
    deming,
    known_errors,
    least_squares,
    passing_bablok,
    theil_sen,
    weighted_deming,
)
from osteo_epi.agreement import _passing_bablok as ranked
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
    "paba.analytical": lambda x, y: mcr(passing_bablok(x, y, rule="mcr")),
    "paba.analytical.tangent": lambda x, y: mcr(passing_bablok(x, y, rule="mcr", average="slope")),
    "paba.jackknife": lambda x, y: mcr(passing_bablok(x, y, rule="mcr", interval="jackknife")),
    "pabalarge": lambda x, y: mcr(passing_bablok(x, y, rule="mcr")),
    "pbequi.analytical": lambda x, y: mcr(passing_bablok(x, y, rule="equivariant")),
    "pbequi.jackknife": lambda x, y: mcr(
        passing_bablok(x, y, rule="equivariant", interval="jackknife")
    ),
    "ts.analytical": lambda x, y: mcr(theil_sen(x, y, average="angle", interval="mckean_schrader")),
    "deming_pkg.pbreg1": lambda x, y: {"coef": coef(passing_bablok(x, y))},
    "deming_pkg.pbreg2": lambda x, y: {},
    "deming_pkg.pbreg3": lambda x, y: {"coef": coef(passing_bablok(x, y, rule="equivariant"))},
    "deming_pkg.theilsen": lambda x, y: {"coef": coef(theil_sen(x, y, average="angle"))},
    "deming_pkg.deming": lambda x, y: {"coef": coef(deming(x, y))},
    "deming_pkg.demingcv": lambda x, y: {"coef": coef(weighted_deming(x, y))},
    "mblm": lambda x, y: {"ts": coef(theil_sen(x, y))},
    "deming.bootBCa": lambda x, y: {},
    "paba.bootq": lambda x, y: {},
}
OURS = {
    f"{name}.{key}": (lambda name=name, make=make: make(*golden.pairs(name)))
    for name in SETS
    for key, make in LINES.items()
}


def arsenate() -> dict[str, Any]:
    d = golden.columns("deming_arsenate")
    line = known_errors(d["aas"], d["aes"], x_sd=d["se.aas"], y_sd=d["se.aes"])
    return {"coef": {"(Intercept)": line.intercept.estimate, "aas": line.slope.estimate}}


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
    found = variance_components(golden.table("osteo_precision"))
    names = ("sd_between", "sd_within", "log_likelihood")
    values = (getattr(found, name) for name in names)
    return dict(zip(("sd_between", "sd_within", "reml_ll"), values, strict=True))


OURS |= {"arsenate.deming": arsenate, "precision": repeats, "lme_vc": components}
HERE = [record for record in RECORDS if record in OURS]


def test_every_record_about_lines_and_precision() -> None:
    compared, faults = 0, []
    for record in HERE:
        n, wrong = golden.compare(record, RECORDS[record]["result"], OURS[record]())
        compared, faults = compared + n, faults + wrong
    print(f"{len(HERE)} records, {compared} numbers to 1e-8")
    assert not faults, "\n".join(faults)
    assert (len(HERE), compared) == (74, 427)


@pytest.mark.parametrize(
    ("record", "pattern"),
    [
        ("mcr_creatinine.ts.analytical", "slope.SE"),
        ("mcr_creatinine.pbequi.analytical", "slope.SE"),
        ("osteo_methods.deming_pkg.deming", "coef.x"),
        ("osteo_methods.deming_pkg.demingcv", "coef.x"),
        ("arsenate.deming", "coef.aas"),
        ("osteo_methods.pabalarge", "slope.EST"),
    ],
)
def test_what_is_listed_as_different_is_near_and_not_equal(record: str, pattern: str) -> None:
    assert golden.why_different(record, pattern)
    ours = dict(golden.numbers(OURS[record]()))[pattern]
    theirs = dict(golden.numbers(RECORDS[record]["result"]))[pattern]
    assert 1e-8 < abs(ours / theirs - 1) < 2e-2


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("kind", ["pbreg1", "pbreg3", "theilsen"])
def test_the_deming_package_limits_come_from_its_own_ranks(name: str, kind: str) -> None:
    x, y = golden.pairs(name)
    slopes = PairwiseSlopes(x, y, folded=kind == "pbreg3")
    size, shift = slopes.n, 0
    if kind == "pbreg1":
        smaller, dropped = ranked.below_minus_one(slopes)
        size, shift = slopes.n - dropped, smaller + dropped
    if kind == "theilsen":
        size = slopes.n_finite
    n, ties = len(x), np.unique(x, return_counts=True)[1]
    wide = (
        math.sqrt(n * (n - 1) * (2 * n + 5) / 18) - (ties * (ties - 1) * (2 * ties + 5)).sum() / 18
    )
    away = math.ceil(stats.norm.ppf(0.975) * wide / 2)
    ranks = [(size + 1) / 2 + shift + step for step in (-away, away)]
    expected = RECORDS[f"{name}.deming_pkg.{kind}"]["result"]["ci"]["values"][1]
    assert ranked.at_ranks(slopes, ranks, "angle") == pytest.approx(expected, rel=1e-8)


def stopped_short(x: np.ndarray, y: np.ndarray, x_sd: np.ndarray, y_sd: np.ndarray) -> np.ndarray:
    """The same criterion as known_errors, searched as R's optimize does by default."""

    def loss(slope: float) -> float:
        w = 1 / (y_sd**2 + (slope * x_sd) ** 2)
        a = w @ (y - slope * x) / w.sum()
        return float(w @ (y - a - slope * x) ** 2)

    def ols(u: np.ndarray, v: np.ndarray, w: np.ndarray) -> float:
        return float(np.polyfit(u, v, 1, w=np.sqrt(w))[0])

    bounds = sorted((0.5 * ols(x, y, y_sd**-2.0), 2 / ols(y, x, x_sd**-2.0)))
    tolerance = np.finfo(float).eps ** 0.25
    slope = optimize.fminbound(loss, *bounds, xtol=tolerance)
    w = 1 / (y_sd**2 + (slope * x_sd) ** 2)
    return np.array([w @ (y - slope * x) / w.sum(), slope])


@pytest.mark.parametrize("name", [*SETS, "deming_arsenate"])
def test_the_deming_package_stops_short(name: str) -> None:
    if name == "deming_arsenate":
        d = golden.columns(name)
        data = [d[key] for key in ("aas", "aes", "se.aas", "se.aes")]
        record, slope = RECORDS["arsenate.deming"]["result"], "aas"
    else:
        x, y = golden.pairs(name)
        data = [x, y, np.ones_like(x), np.ones_like(x)]
        record, slope = RECORDS[f"{name}.deming_pkg.deming"]["result"], "x"
    whole = stopped_short(*data)
    assert whole == pytest.approx([record["coef"][k] for k in ("(Intercept)", slope)], rel=1e-6)
    left = [stopped_short(*(np.delete(v, k) for v in data)) for k in range(len(data[0]))]
    se = np.sqrt(((np.array(left) - whole) ** 2).sum(axis=0))
    ends = whole[:, None] + stats.norm.ppf(0.975) * se[:, None] * [-1, 1]
    assert ends == pytest.approx(np.array(record["ci"]["values"]), rel=2e-3)


@pytest.mark.parametrize("name", SETS)
def test_binned_slopes_of_mcr_are_ours_in_bins(name: str) -> None:
    x, y = golden.pairs(name)
    slopes = PairwiseSlopes(x, y)
    shifted = slopes.n + ranked.mcr_offset(slopes, x, y)
    reach = math.floor(ranked.mcr_reach(len(x), 0.95) + 0.5)
    out = []
    for step in (0, -reach, reach):
        half = (shifted + step + 1) / 2
        angles = np.arctan(slopes.kth([math.floor(half), math.ceil(half)]))
        bins = np.floor(0.5 + 1e6 * (angles + math.pi / 2) / math.pi)
        out.append(math.tan(float((bins / 1e6 * math.pi - math.pi / 2).mean())))
    result = RECORDS[f"{name}.pabalarge"]["result"]["slope"]
    assert out == pytest.approx([result[k] for k in ("EST", "LCI", "UCI")], rel=1e-8)


def test_bootstrap_limits_lie_within_monte_carlo_error_of_mcr() -> None:
    x, y = golden.pairs("osteo_methods")
    ours = {
        "deming.bootBCa": deming(x, y, interval="bootstrap", resamples=1999, seed=1),
        "paba.bootq": passing_bablok(x, y, rule="mcr", interval="bootstrap", resamples=499, seed=1),
    }
    for key, line in ours.items():
        record = RECORDS[f"osteo_methods.{key}"]["result"]
        for name in ("intercept", "slope"):
            term, theirs = getattr(line, name), record[name]
            width = theirs["UCI"] - theirs["LCI"]
            assert term.estimate == pytest.approx(theirs["EST"], rel=1e-8)
            assert abs(term.lower - theirs["LCI"]) < 0.12 * width
            assert abs(term.upper - theirs["UCI"]) < 0.12 * width
