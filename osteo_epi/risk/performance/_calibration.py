"""Whether predicted risks are true: of a hundred people told 10 %, ten should have the outcome."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import polars as pl
from scipy import special

from osteo_epi import arguments
from osteo_epi.accuracy import Joint, Measure, Positive
from osteo_epi.errors import DefinitionError, SchemaError
from osteo_epi.frames import Column, on_people
from osteo_epi.results import Result
from osteo_epi.risk._follow_up import EVENT
from osteo_epi.risk.hazard import fit_cox
from osteo_epi.risk.performance._flexible import (
    CURVES,
    Flexible,
    distribution,
    flexible_curve,
    observed_by_group,
    observed_risk,
)
from osteo_epi.risk.performance._predictions import Happened, Predictions, read_predictions
from osteo_epi.risk.performance._recalibration import (
    FEWEST_KNOTS,
    MOST_KNOTS,
    Fit,
    Link,
    fit,
)
from osteo_epi.rounding import count
from osteo_epi.survey import Array

MEASURES = (
    *("observed", "expected", "observed_expected", "expected_observed"),
    *("intercept", "slope", "recalibration_intercept", "hazard_slope"),
    *("brier", "scaled_brier", "r2_nagelkerke", "ici", "e50", "e90", "emax"),
)
ENOUGH = 200
WEAKNESS = (
    "the Hosmer–Lemeshow test depends on how people are grouped, says not where risks are wrong, "
    "and mostly how many people there are: in few it misses what matters, in many it finds what "
    "does not. Read the curve, intercept and slope instead"
)


@dataclass(frozen=True, repr=False)
class RiskCalibration(Result):
    """How predicted risks agree with what happened.

    Attributes
    ----------
    measures
        Name to `Measure`; each is an attribute too. observed, expected: share with the outcome and
        mean risk. observed_expected, expected_observed: their ratios. intercept: calibration in
        the large, 0 where the mean is right on the scale of the link. slope,
        recalibration_intercept: 1 and 0 of true risks; a slope below 1 says that risks are too
        extreme. hazard_slope (of a follow-up): the slope of a Cox regression over all times, the
        competing event censored. brier: mean squared error; scaled_brier: the share by which it
        is below that of giving everybody the mean (IPA). r2_nagelkerke: of the recalibrated risk.
        ici, e50, e90, emax: mean, median, ninth decile and largest distance of the risks from the
        curve. Brier and R² are of `outcome` only.
    groups
        One row a group of equally many people by risk: group, risk_from, risk_to, n, n_events,
        mean_risk, observed, se, lower, upper.
    curve
        The flexible curve: risk, observed, lower, upper. Empty where there is none.
    distribution
        How many people have which risk: risk_from, risk_to, share.
    tests
        test, statistic, df, p; empty with a design and with follow-up.
    risk, outcome, link, n, n_events, design, confidence, df, notes
        What was asked, and what a reader must know.
    """

    measures: dict[str, Measure]
    groups: pl.DataFrame
    curve: pl.DataFrame
    distribution: pl.DataFrame
    tests: pl.DataFrame
    risk: str
    outcome: str
    link: str
    n: int
    n_events: int
    design: str
    confidence: float
    df: float
    notes: tuple[str, ...] = field(repr=False)

    def __getattr__(self, name: str) -> Measure:
        if name in MEASURES and name in self.__dict__.get("measures", {}):
            return self.measures[name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def to_polars(self) -> pl.DataFrame:
        """One row a measure: measure, estimate, se, lower, upper, n, method."""
        return pl.DataFrame(
            [{"measure": k} | m.as_row() | {"method": m.method} for k, m in self.measures.items()],
            schema_overrides=dict.fromkeys(("estimate", "se", "lower", "upper"), pl.Float64),
        )

    def _summary(self) -> str:
        words = {"observed_expected": "O/E", "intercept": "intercept", "slope": "slope"}
        said = ", ".join(f"{w} {self.measures[k].rounded(3)}" for k, w in words.items())
        return f"{self.risk} against {self.outcome}, {said}, n {count(self.n)}"


@on_people("risk", "outcome", "time", "event", "competing", "domain")
def risk_calibration(
    people: Any = None,
    *,
    risk: Column,
    outcome: Column = None,
    outcome_positive: Positive = None,
    time: Column = None,
    event: Column = None,
    event_positive: Positive = None,
    competing: Column = None,
    competing_positive: Positive = None,
    nothing_competes: bool = False,
    at: float | None = None,
    groups: int = 10,
    curve: Literal["spline", "lowess"] = "spline",
    knots: int = 4,
    design: Any = None,
    domain: Column = None,
    confidence: float = 0.95,
    accept_errors: bool = False,
) -> RiskCalibration:
    """How predicted risks agree with what happened.

    Parameters
    ----------
    people
        A frame of any kind, one row a person.
    risk
        Column of predicted risks, above 0 and below 1; one that the codebook has in percent
        (`frax_major`, `frax_hip`) is divided by 100.
    outcome, outcome_positive, time, event, event_positive, competing, competing_positive,
    nothing_competes, at
        What happened, as in `decision_curve`.
    groups
        Groups of equally many people by risk, from the lowest.
    curve
        "spline": regression on a restricted cubic spline of the risk, with a pointwise band;
        "lowess": Cleveland's local lines as in R (span 2/3), without one, for people drawn one by
        one and `outcome` only.
    knots
        Of the spline: 3, 4 or 5, at Harrell's quantiles.
    design, domain, confidence, accept_errors
        As in `decision_curve`.

    Returns
    -------
    RiskCalibration

    Raises
    ------
    SchemaError
        As `decision_curve`, and if a risk is exactly 0 or 1 or all are the same.
    DefinitionError
        If an argument is none of those named.
    DesignError
        If a regression does not converge.

    Notes
    -----
    Intercept, slope and curve are regressions on the log-odds of the risk (Cox 1958, doi
    10.1093/biomet/45.3-4.562; Van Calster and others 2016, doi 10.1016/j.jclinepi.2015.12.005).
    With follow-up they are regressions of pseudo-values of the incidence at `at` on the
    complementary log-log of the risk (van Geloven and others 2022, doi 10.1136/bmj-2021-069249),
    where censoring has to be independent of the risk. Standard errors are of the likelihood for
    people drawn one by one with `outcome`, else of the linearised form, through the design. ICI,
    E50, E90: Austin and Steyerberg 2019, doi 10.1002/sim.8281.

    Examples
    --------
    >>> people = pl.DataFrame({
    ...     "risk": [0.05, 0.1, 0.3, 0.6, 0.1, 0.2, 0.4, 0.7],
    ...     "fracture": [False, True, False, True, False, False, True, False],
    ... })
    >>> result = risk_calibration(people, risk="risk", outcome="fracture", groups=2)
    >>> print(result.observed_expected.rounded(3), "|", result.slope.rounded(3))
    1.22 (0.451 to 3.33) | 0.376 (-0.817 to 1.57)
    >>> result.groups["observed"].to_list()
    [0.25, 0.5]
    """
    arguments.confidence_level(confidence)
    arguments.number(groups, "groups", least=2, most=100, whole=True)
    if curve not in CURVES or knots not in range(FEWEST_KNOTS, MOST_KNOTS + 1):
        raise DefinitionError(
            f"curve={curve!r}, knots={knots!r}; expected curve of {', '.join(CURVES)} and 3, 4 or "
            "5 knots"
        )
    happened = Happened(
        outcome,
        outcome_positive,
        time,
        event,
        event_positive,
        competing,
        competing_positive,
        at,
        nothing_competes,
    )
    read = read_predictions(
        people, (risk,), (), happened, design=design, domain=domain, accept_errors=accept_errors
    )
    (values,) = read.risks.values()
    _refuse_ends(values[read.rows], risk)
    link = Link("logit" if outcome is not None else "cloglog")
    if curve == "lowess" and not (read.sample.simple and outcome is not None):
        raise DefinitionError(
            'curve="lowess" is for people drawn one by one with outcome=; take curve="spline"'
        )
    flexible = flexible_curve(read, values, link, curve, knots, confidence)
    grouped = observed_by_group(read, values, groups, confidence)
    measures = _measures(read, values, link, confidence) | _distances(flexible, read.n)
    return RiskCalibration(
        {name: measures[name] for name in MEASURES if name in measures}, grouped, flexible.points,
        distribution(read, values), _tests(read, values, grouped), risk, read.outcome.label,
        link.name, read.n, read.n_events, str(read.sample.design), confidence, read.df,
        (*read.notes, *flexible.notes, *_notes(read, grouped, groups)),
    )  # fmt: skip


def _refuse_ends(risk: Array, name: str) -> None:
    ends = int(((risk <= 0) | (risk >= 1)).sum())
    if ends:
        raise SchemaError(
            f"{name}: {count(ends)} of {count(len(risk))} risks are exactly 0 or 1, where a single "
            "person may prove a risk infinitely wrong; look whether they were rounded, or leave "
            "them out by domain="
        )
    if np.ptp(risk) == 0:
        raise SchemaError(
            f"{name} is the same in all {count(len(risk))} people: there is nothing to hold "
            "against what happened; look whether it is the risk"
        )


Statistic = Callable[[Array], tuple[Array, Array]]


def _measures(read: Predictions, risk: Array, link: Link, confidence: float) -> dict[str, Measure]:
    by_name = _ratios(read, risk, confidence)
    large, line = _large(read, risk, link), _line(read, risk, link)
    ways = {"logit": "likelihood", "cloglog": "pseudo-values"}
    way = ways[link.name] if read.sample.simple else f"{link.name}, design-based"
    exact = link.name == "logit"
    one = _regression(read, large, likelihood=exact)
    two = _regression(read, line, likelihood=exact)
    by_name["intercept"] = _wald(read, one, 0, confidence, way)
    by_name["recalibration_intercept"] = _wald(read, two, 0, confidence, way)
    by_name["slope"] = _wald(read, two, 1, confidence, way)
    if read.followed is not None:
        hazard = _regression(read, _hazard(read, link.of(risk[read.rows])), likelihood=True)
        by_name["hazard_slope"] = _wald(read, hazard, 0, confidence, "Cox, Efron")
        return by_name
    errors = read.joint(lambda weight: _squares(read, risk, weight))
    for place, name in enumerate(("brier", "scaled_brier")):
        by_name[name] = _wald(read, errors, place, confidence, "mean squared error",
                              least=(0.0, -math.inf)[place], most=1.0)  # fmt: skip
    by_name["r2_nagelkerke"] = Measure(
        _nagelkerke(read, risk, two.value), None, None, None, read.n, "recalibrated risk"
    )
    return by_name


def _wald(
    read: Predictions,
    joint: Joint,
    place: int,
    confidence: float,
    method: str,
    *,
    least: float = -math.inf,
    most: float = math.inf,
) -> Measure:
    """One value with its limits, brought between the least and the most that there can be."""
    value, se = float(joint.value[place]), float(np.sqrt(joint.covariance[place, place]))
    reach = joint.quantile(confidence) * se
    ends = max(value - reach, least), min(value + reach, most)
    return Measure(value, se, *ends, read.n, method)


def _ratios(read: Predictions, risk: Array, confidence: float) -> dict[str, Measure]:
    """Observed and expected share of people, and their ratios with limits on the log scale."""

    def statistic(weight: Array) -> tuple[Array, Array]:
        observed, d_observed = read.outcome.linear(weight, read.rows)
        total = weight[read.rows].sum()
        expected = float((weight * np.where(read.rows, risk, 0.0)).sum() / total)
        d_expected = np.where(read.rows, weight * (risk - expected) / total, 0.0)
        ratio = math.log(observed / expected) if observed > 0 else -math.inf
        change = d_observed / max(observed, 1e-300) - d_expected / expected
        return np.array([expected, ratio]), np.column_stack([d_expected, change])

    joint = read.joint(statistic)
    log, se = float(joint.value[1]), joint.error([0, 1])
    reach = joint.quantile(confidence) * se
    low, high = (math.exp(log + side * reach) for side in (-1, 1))
    middle = math.exp(log)
    return {
        "observed": observed_risk(read, read.rows, confidence),
        "expected": _wald(read, joint, 0, confidence, "mean", least=0.0, most=1.0),
        "observed_expected": Measure(middle, middle * se, low, high, read.n, "log"),
        "expected_observed": Measure(1 / middle, se / middle, 1 / high, 1 / low, read.n, "log"),
    }


Regressed = Callable[[Array], Fit]


def _large(read: Predictions, risk: Array, link: Link) -> Regressed:
    """Intercept beside the risk as it is."""
    eta = link.of(risk[read.rows])

    def regress(weight: Array) -> Fit:
        y = read.outcome.values(weight, read.rows)[read.rows]
        ones = np.ones((len(eta), 1))
        return fit(y, ones, weight[read.rows], link, start=np.zeros(1), offset=eta)

    return regress


def _line(read: Predictions, risk: Array, link: Link) -> Regressed:
    """Intercept and slope of the risk."""
    eta = link.of(risk[read.rows])
    table = np.column_stack([np.ones_like(eta), eta])

    def regress(weight: Array) -> Fit:
        y = read.outcome.values(weight, read.rows)[read.rows]
        return fit(y, table, weight[read.rows], link, start=np.array([0.0, 1.0]))

    return regress


def _hazard(read: Predictions, eta: Array) -> Regressed:
    """Slope of the log hazard."""
    assert read.followed is not None
    time, event = read.followed.time[read.rows], read.followed.status[read.rows] == EVENT

    def regress(weight: Array) -> Fit:
        result = fit_cox(time, event, eta[:, None], weight=weight[read.rows])
        influence = weight[read.rows, None] * result.dfbeta()
        return Fit(result.coefficients, result.covariance, influence)

    return regress


def _regression(read: Predictions, regress: Regressed, *, likelihood: bool) -> Joint:
    """Coefficients with the covariance of the likelihood, or of the linearised form."""
    if read.sample.simple and likelihood:
        result = regress(read.sample.weight)
        return Joint(result.value, result.inverse, math.inf)

    def statistic(weight: Array) -> tuple[Array, Array]:
        result = regress(weight)
        linear = np.zeros((len(weight), len(result.value)))
        linear[read.rows] = result.influence
        return result.value, linear

    return read.joint(statistic)


def _squares(read: Predictions, risk: Array, weight: Array) -> tuple[Array, Array]:
    """Brier score, and the share by which it is below that of the mean for everybody."""
    rows = read.rows
    share, d_share = read.outcome.linear(weight, rows)
    error = np.where(rows, (read.outcome.values(weight, rows) - np.where(rows, risk, 0)) ** 2, 0.0)
    total = weight[rows].sum()
    brier = float((weight * error).sum() / total)
    d_brier = np.where(rows, weight * (error - brier) / total, 0.0)
    null = share * (1 - share)
    scaled = 1 - brier / null
    d_scaled = -d_brier / null + brier * (1 - 2 * share) / null**2 * d_share
    return np.array([brier, scaled]), np.column_stack([d_brier, d_scaled])


def _log_likelihood(y: Array, risk: Array, weight: Array) -> float:
    return float((weight * (special.xlogy(y, risk) + special.xlog1py(1 - y, -risk))).sum())


def _nagelkerke(read: Predictions, risk: Array, line: Array) -> float:
    """R² of Nagelkerke 1991, doi 10.1093/biomet/78.3.691, of the recalibrated risk."""
    rows, weight = read.rows, read.sample.weight[read.rows]
    weight = weight / weight.mean()
    y = read.outcome.values(read.sample.weight, rows)[rows]
    n, mean = float(len(y)), float((weight * y).mean())
    null = _log_likelihood(y, np.full(len(y), mean), weight)
    fitted = special.expit(line[0] + line[1] * special.logit(risk[rows]))
    gained = -2 * (null - _log_likelihood(y, fitted, weight))
    return float(-np.expm1(-gained / n) / -np.expm1(2 * null / n))


def _distances(flexible: Flexible, n: int) -> dict[str, Measure]:
    return {
        name: Measure(value, None, None, None, n, flexible.method)
        for name, value in flexible.distances.items()
    }


def _tests(read: Predictions, risk: Array, groups: pl.DataFrame) -> pl.DataFrame:
    """Tests of likelihood: of people drawn one by one, whose outcome is known."""
    schema = {"test": pl.String, "statistic": pl.Float64, "df": pl.Float64, "p": pl.Float64}
    if read.answers is None or not read.sample.simple:
        return pl.DataFrame(schema=schema)
    p = risk[read.rows]
    y = read.answers.yes[read.rows].astype(float)
    ones = np.ones(len(y))
    line = _line(read, risk, Link("logit"))(read.sample.weight).value
    best = special.expit(line[0] + line[1] * special.logit(p))
    unreliable = 2 * (_log_likelihood(y, best, ones) - _log_likelihood(y, p, ones))
    z = ((y - p) * (1 - 2 * p)).sum() / math.sqrt(((1 - 2 * p) ** 2 * p * (1 - p)).sum())
    o, n = groups["n_events"].to_numpy(), groups["n"].to_numpy()
    e = groups["mean_risk"].to_numpy() * n
    chi = float(((o - e) ** 2 / (e * (1 - e / n))).sum())
    rows = [
        ("intercept 0 and slope 1 (likelihood ratio)", unreliable, 2.0),
        ("Spiegelhalter (z)", z, None),
        ("Hosmer–Lemeshow, risks from elsewhere", chi, float(len(o))),
        ("Hosmer–Lemeshow, risks fitted to these people", chi, float(len(o) - 2)),
    ]
    return pl.DataFrame(
        [(name, float(x), df, _p(float(x), df)) for name, x, df in rows],
        schema=schema, orient="row",
    )  # fmt: skip


def _p(statistic: float, df: float | None) -> float | None:
    if df is None:
        return float(2 * special.ndtr(-abs(statistic)))
    return float(special.chdtrc(df, max(statistic, 0.0))) if df > 0 else None


def _notes(read: Predictions, groups: pl.DataFrame, wanted: int) -> list[str]:
    notes = [WEAKNESS] if read.answers is not None and read.sample.simple else []
    fewest = min(read.n_events, read.n - read.n_events)
    if fewest < ENOUGH:
        notes.append(
            f"{count(read.n_events)} people with the outcome, {count(read.n - read.n_events)} "
            f"others: a flexible curve wants {ENOUGH} of each (Van Calster and others 2016); read "
            "intercept and slope first"
        )
    if len(groups) < wanted:
        notes.append(
            f"risks repeat so often that they part into {len(groups)} groups, not {wanted}"
        )
    return notes
