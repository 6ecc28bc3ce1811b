"""An exposure and an outcome in one table: risks, their difference and ratios, and over strata."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from scipy import special

from osteo_epi import arguments, population
from osteo_epi.accuracy import (
    Joint,
    Measure,
    People,
    Positive,
    Sample,
    Share,
)
from osteo_epi.agreement import critical_value
from osteo_epi.errors import DesignError, SchemaError
from osteo_epi.frames import Column, of_queries, on_people
from osteo_epi.results import Result
from osteo_epi.risk.tables._measures import (
    Cells,
    Strata,
    breslow_day,
    cochran_mantel_haenszel,
    e_value,
    mantel_haenszel_odds_ratio,
    mantel_haenszel_risk_difference,
    mantel_haenszel_risk_ratio,
    odds_ratio,
    on_logs,
    risk_difference,
    risk_ratio,
)
from osteo_epi.rounding import count
from osteo_epi.survey import Array, Mask, survey_interval

MEASURES = (
    *("risk_exposed", "risk_unexposed", "risk_difference", "risk_ratio", "odds_ratio"),
    *("attributable_fraction", "population_attributable_risk", "population_attributable_fraction"),
)
Gradient = Sequence[float]


@dataclass(frozen=True, repr=False)
class TwoByTwo(Result):
    """An exposure against an outcome.

    Attributes
    ----------
    cells
        People: a exposed with the outcome, b exposed without it, c and d the unexposed.
    measures
        Name to `Measure`: risk_exposed, risk_unexposed, risk_difference, risk_ratio, odds_ratio,
        attributable_fraction (of the exposed), population_attributable_risk,
        population_attributable_fraction. Each is an attribute too.
    adjusted
        Over strata, by Mantel and Haenszel: risk_difference, risk_ratio, odds_ratio; empty without
        strata.
    e_value
        Of the risk ratio, and of its limit next to 1.
    tests
        Name to (statistic, p): without a design chi_squared, chi_squared_corrected and
        fisher_exact, and over strata mantel_haenszel, mantel_haenszel_corrected and homogeneity
        (Breslow and Day, with Tarone's correction); with a design difference (t).
    n_strata
        Strata that hold exposed and unexposed people; 0 without strata.
    exposure, outcome, design, confidence, notes
        What was asked, and what a reader must know.
    """

    cells: Cells
    measures: dict[str, Measure]
    adjusted: dict[str, Measure]
    e_value: tuple[float | None, float | None]
    tests: dict[str, tuple[float | None, float]]
    n_strata: int
    exposure: str
    outcome: str
    design: str
    confidence: float
    notes: tuple[str, ...] = field(default=())

    def __getattr__(self, name: str) -> Measure:
        if name in MEASURES:
            return self.measures[name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def to_polars(self) -> pl.DataFrame:
        """One row a measure: measure, adjusted, estimate, se, lower, upper, n, method."""
        groups = ((self.measures, False), (self.adjusted, True))
        rows = [
            {"measure": name, "adjusted": adjusted} | m.as_row() | {"method": m.method}
            for measures, adjusted in groups
            for name, m in measures.items()
        ]
        numbers = dict.fromkeys(("estimate", "se", "lower", "upper"), pl.Float64)
        return pl.DataFrame(rows, schema_overrides=numbers)

    def table(self) -> pl.DataFrame:
        """The table itself: one row exposed and unexposed, people with and without the outcome."""
        c = self.cells
        rows = {"exposure": ["exposed", "unexposed"], "outcome": [c.a, c.c], "none": [c.b, c.d]}
        return pl.DataFrame(rows).cast({"outcome": pl.Int64, "none": pl.Int64})

    def _summary(self) -> str:
        ratio = (self.adjusted or self.measures)["risk_ratio"]
        word = f"adjusted over {self.n_strata} strata" if self.adjusted else "crude"
        return (
            f"{self.exposure} and {self.outcome}, risk ratio {ratio.rounded(2)} ({word}), "
            f"n {count(int(self.cells.n))}"
        )


@on_people("exposure", "outcome", "cluster", "domain")
def two_by_two(
    people: Any = None,
    *,
    exposure: Column,
    outcome: Column,
    exposure_positive: Positive = None,
    outcome_positive: Positive = None,
    strata: str | Sequence[str] = (),
    odds_ratio_interval: str = "wald",
    difference_interval: str = "newcombe",
    design: Any = None,
    cluster: Column = None,
    domain: Column = None,
    confidence: float = 0.95,
    accept_errors: bool = False,
) -> TwoByTwo:
    """How much more often the exposed have an outcome than the unexposed.

    Parameters
    ----------
    people
        A frame of any kind, one row a person.
    exposure, outcome
        Columns; yes and no, or read by the next two.
    exposure_positive, outcome_positive
        What counts as exposed and as having the outcome, as in `accuracy.accuracy`.
    strata
        Column or columns of groups over which the measures are pooled, by Mantel and Haenszel.
    odds_ratio_interval
        "wald" of the logarithm; "exact", which goes with the conditional estimate; or "mid_p",
        which goes with the median-unbiased one.
    difference_interval
        Of the risk difference: one of `population.rates.DIFFERENCE_METHODS`.
    design, cluster, domain, confidence, accept_errors
        As in `accuracy.accuracy`. With a design, limits are by linearisation over its units, and
        strata are not pooled: adjust by a regression.

    Returns
    -------
    TwoByTwo

    Raises
    ------
    SchemaError
        If a column is absent or undeclared, or exposure or outcome has one value only.
    DesignError
        If an interval is unknown, or strata or another interval are wanted with a design.

    Notes
    -----
    Risk and odds ratios on the scale of logarithms. Pooled: Greenland and Robins 1985 (doi
    10.2307/2530643) of the risk ratio, Robins, Breslow and Greenland 1986 (doi 10.2307/2531052) of
    the odds ratio, Sato 1989 of the difference. The attributable fraction has the limits that
    those of the risk ratio give it; the two of the population are by the delta method with the
    covariance of the risks, which are of the same people. E-value: VanderWeele and Ding 2017, doi
    10.7326/m16-2607. Risks are of the people given: of a case-control sample only the odds ratio
    says something.

    Examples
    --------
    >>> people = pl.DataFrame({
    ...     "prior": [True] * 96 + [False] * 270,
    ...     "fracture": [True] * 39 + [False] * 57 + [True] * 62 + [False] * 208,
    ... })
    >>> two_by_two(people, exposure="prior", outcome="fracture")
    TwoByTwo(prior and fracture, risk ratio 1.8 (1.3 to 2.5) (crude), n 366)
    """
    arguments.confidence_level(confidence)
    names = (strata,) if isinstance(strata, str) else tuple(strata)
    known = People.of(people, accept_errors=accept_errors, cluster=cluster).with_classes(
        dict.fromkeys(names, "strata")
    )
    sample = Sample.of(known.frame, design, cluster)
    exposed = known.answers(exposure, exposure_positive, "exposure")
    had = known.answers(outcome, outcome_positive, "outcome")
    groups = [known.column(name, "strata") for name in names]
    inside = known.domain(domain) & (sample.weight > 0)
    stated = np.all([~g.is_null().to_numpy() for g in groups], axis=0) if groups else True
    rows = inside & exposed.known & had.known & stated
    _refuse_one_value(exposed.yes, had.yes, rows)
    cells = Cells(*_counts(exposed.yes, had.yes, rows)[0])
    if sample.simple:
        measures = _of_counts(cells, odds_ratio_interval, difference_interval, confidence)
        tests = _tests(cells)
    else:
        _refuse_intervals(odds_ratio_interval, difference_interval)
        measures, tests = _of_design(exposed.yes, had.yes, rows, sample, confidence)
    measures |= _of_population(exposed.yes, had.yes, rows, sample, confidence)
    adjusted, more, n_strata = _pooled(known, names, exposed.yes, had.yes, rows, sample, confidence)
    lost = int((inside & ~rows).sum())
    notes = [*known.notes, *sample.notes, *exposed.remarks, *had.remarks]
    if lost:
        notes.append(
            f"{count(lost)} of {count(int(inside.sum()))} people lack {exposure}, {outcome}"
            f"{''.join(f', {name}' for name in names)} or several of them and are left out"
        )
    return TwoByTwo(
        cells, measures, adjusted, e_value((adjusted or measures)["risk_ratio"]), tests | more,
        n_strata, exposed.label, had.label, str(sample.design), confidence, tuple(notes),
    )  # fmt: skip


def _counts(exposed: Mask, had: Mask, rows: Mask, code: Array | None = None) -> Array:
    """(S, 4) people in the cells of each stratum."""
    cell = (2 * ~exposed + ~had)[rows]
    if code is None:
        return np.bincount(cell, minlength=4).reshape(1, 4).astype(float)
    size = int(code.max()) + 1
    flat = np.bincount(4 * code + cell, minlength=4 * size)
    return flat.reshape(size, 4).astype(float)


def _refuse_one_value(exposed: Mask, had: Mask, rows: Mask) -> None:
    n = int(rows.sum())
    if n == 0:
        raise SchemaError("nobody has exposure and outcome: look where either is missing")
    for name, yes in {"exposure": exposed, "outcome": had}.items():
        share = int((yes & rows).sum())
        if share in (0, n):
            raise SchemaError(
                f"the {name} is {'yes' if share else 'no'} of all {count(n)} people: there is "
                f"nothing to compare; look whether {name}_positive= says what was meant"
            )


def _refuse_intervals(odds: str, difference: str) -> None:
    """Raise DesignError for an interval of counts, which a design has not."""
    for name, given, usual in (
        ("odds_ratio_interval", odds, "wald"), ("difference_interval", difference, "newcombe"),
    ):  # fmt: skip
        if given != usual:
            raise DesignError(
                f"{name}={given!r} is of people drawn one by one; with a survey design limits are "
                'by linearisation, so leave it out, or say design="srs" if it was none'
            )


def _of_counts(cells: Cells, odds: str, difference: str, confidence: float) -> dict[str, Measure]:
    z = critical_value(confidence)
    events = np.array([cells.a, cells.c]).astype(int)
    sizes = np.array([cells.exposed, cells.unexposed]).astype(int)
    shares = population.rates.proportion(events, sizes, method="wilson", confidence=confidence)
    risks = [
        Measure(float(p), math.sqrt(p * (1 - p) / n), float(low), float(high), int(n), "wilson")
        for p, low, high, n in zip(shares.estimate, shares.lower, shares.upper, sizes, strict=True)
    ]
    ratio = risk_ratio(cells, z)
    return {
        "risk_exposed": risks[0],
        "risk_unexposed": risks[1],
        "risk_difference": risk_difference(cells, difference, confidence),
        "risk_ratio": ratio,
        "odds_ratio": odds_ratio(cells, odds, confidence, z),
        "attributable_fraction": _fraction(ratio),
    }


def _of_design(
    exposed: Mask, had: Mask, rows: Mask, sample: Sample, confidence: float
) -> tuple[dict[str, Measure], dict[str, tuple[float | None, float]]]:
    groups = (rows & exposed, rows & ~exposed)
    joint = sample.shares([Share(had & g, g) for g in groups], rows)
    p1, p0 = (float(p) for p in joint.value)
    z, n = joint.quantile(confidence), int(rows.sum())
    errors = np.sqrt(np.diag(joint.covariance))
    sizes = np.array([int(g.sum()) for g in groups])
    df = np.array([sample.df(g) for g in groups])
    low, high = survey_interval(
        joint.value, errors, n=sizes, df=df, method="beta", confidence=confidence
    )
    risks = [
        Measure(p, float(se), float(a), float(b), int(size), "beta")
        for p, se, a, b, size in zip((p1, p0), errors, low, high, sizes, strict=True)
    ]
    error = joint.error([1, -1])
    gap = _difference(p1 - p0, error, z, n, "design-based, Wald")
    ratio, odds = _ratios(joint, p1, p0, z, n)
    t = (p1 - p0) / error if error > 0 else math.nan
    measures = {
        "risk_exposed": risks[0], "risk_unexposed": risks[1], "risk_difference": gap,
        "risk_ratio": ratio, "odds_ratio": odds, "attributable_fraction": _fraction(ratio),
    }  # fmt: skip
    return measures, {"difference": (t, 2 * float(special.stdtr(joint.df, -abs(t))))}


def _difference(gap: float, error: float, z: float, n: int, method: str) -> Measure:
    """A difference of risks, with limits within −1 and 1."""
    ends = max(gap - z * error, -1.0), min(gap + z * error, 1.0)
    return Measure(gap, error, *ends, n, method)


def _ratios(joint: Joint, p1: float, p0: float, z: float, n: int) -> tuple[Measure, Measure]:
    """Risk and odds ratio of two risks, by the delta method on logarithms."""
    with np.errstate(divide="ignore", invalid="ignore"):
        r1, r0 = np.float64(p1), np.float64(p0)
        slopes = {"risk": (1 / r1, -1 / r0),
                  "odds": (1 / (r1 * (1 - r1)), -1 / (r0 * (1 - r0)))}  # fmt: skip
        values = {"risk": r1 / r0, "odds": r1 * (1 - r0) / ((1 - r1) * r0)}
        errors = {name: joint.error(s) if np.isfinite(s).all() else math.nan
                  for name, s in slopes.items()}  # fmt: skip
    risk, odds = (
        on_logs(float(values[k]), errors[k], z, n, "design-based, logarithm") for k in values
    )
    return risk, odds


def _fraction(ratio: Measure) -> Measure:
    """Share of the outcomes of the exposed that the exposure adds: 1 − 1/ratio, as its limits."""

    def of(value: float | None) -> float | None:
        if value is None:
            return None
        return 1 - 1 / value if value > 0 else -math.inf

    middle = of(ratio.estimate)
    assert middle is not None
    return Measure(middle, None, of(ratio.lower), of(ratio.upper), ratio.n, ratio.method)


def _of_population(
    exposed: Mask, had: Mask, rows: Mask, sample: Sample, confidence: float
) -> dict[str, Measure]:
    """What the exposure adds to the risk of all, and its share of that risk."""
    free = rows & ~exposed
    joint = sample.shares([Share(had & rows, rows), Share(had & free, free)], rows)
    p, p0 = (float(value) for value in joint.value)
    z, n = joint.quantile(confidence), int(rows.sum())
    error = joint.error([1, -1])
    risk = _difference(p - p0, error, z, n, "delta method")
    fraction = Measure(1 - p0 / p, None, None, None, n, "delta method, logarithm")
    if p0 > 0:
        reach = z * joint.error([-1 / p, 1 / p0])
        lower, upper = (1 - p0 / p * math.exp(side * reach) for side in (1, -1))
        fraction = Measure(1 - p0 / p, None, lower, upper, n, "delta method, logarithm")
    return {"population_attributable_risk": risk, "population_attributable_fraction": fraction}


def _tests(cells: Cells) -> dict[str, tuple[float | None, float]]:
    from scipy import stats

    table = np.array([[cells.a, cells.b], [cells.c, cells.d]])
    chi = {
        name: stats.chi2_contingency(table, correction=corrected)
        for name, corrected in {"chi_squared": False, "chi_squared_corrected": True}.items()
    }
    tests: dict[str, tuple[float | None, float]] = {
        name: (float(r.statistic), float(r.pvalue)) for name, r in chi.items()
    }
    return tests | {"fisher_exact": (None, float(stats.fisher_exact(table.astype(int)).pvalue))}


def _pooled(
    known: People,
    names: tuple[str, ...],
    exposed: Mask,
    had: Mask,
    rows: Mask,
    sample: Sample,
    confidence: float,
) -> tuple[dict[str, Measure], dict[str, tuple[float | None, float]], int]:
    if not names:
        return {}, {}, 0
    if not sample.simple:
        raise DesignError(
            "strata= pools people drawn one by one; with a survey design adjust by a regression, "
            'odds_ratios(…, adjust=[…]), or say design="srs" if it was none'
        )
    code = known.frame.filter(pl.Series(rows)).select(pl.struct(names).rank("dense") - 1)
    table = _counts(exposed, had, rows, code.to_series().cast(pl.Int64).to_numpy())
    strata = Strata(*table.T).informative
    if not len(strata.a):
        raise SchemaError(
            f"no stratum of {', '.join(names)} holds exposed and unexposed people: take wider ones"
        )
    z = critical_value(confidence)
    ratio = mantel_haenszel_odds_ratio(strata, z)
    adjusted = {
        "risk_difference": mantel_haenszel_risk_difference(strata, z),
        "risk_ratio": mantel_haenszel_risk_ratio(strata, z),
        "odds_ratio": ratio,
    }
    return adjusted, _strata_tests(strata, ratio.estimate), len(strata.a)


def _strata_tests(strata: Strata, ratio: float) -> dict[str, tuple[float | None, float]]:
    tests: dict[str, tuple[float | None, float]] = {}
    for name, corrected in {"mantel_haenszel": False, "mantel_haenszel_corrected": True}.items():
        chi = cochran_mantel_haenszel(strata, corrected=corrected)
        tests[name] = (chi, float(special.chdtrc(1, chi)))
    events = strata.a + strata.c
    both = (events > 0) & (events < strata.n)
    if both.sum() > 1 and 0 < ratio < math.inf:
        kept = Strata(strata.a[both], strata.b[both], strata.c[both], strata.d[both])
        chi = breslow_day(kept, ratio)
        tests["homogeneity"] = (chi, float(special.chdtrc(int(both.sum()) - 1, chi)))
    return tests


@of_queries
def trend_test(
    people: Any,
    *,
    exposure: str,
    outcome: str,
    outcome_positive: Positive = None,
    design: Any = None,
    domain: str | pl.Expr | None = None,
    accept_errors: bool = False,
) -> tuple[float, float]:
    """Whether the share with an outcome rises or falls with an ordered exposure.

    Parameters
    ----------
    people
        A frame of any kind, one row a person drawn by itself.
    exposure
        Column of numbers: the score of each level, as 0, 1, 2.
    outcome, outcome_positive, domain, accept_errors
        As in `two_by_two`.
    design
        "srs" where people that carry a survey design were drawn one by one after all.

    Returns
    -------
    tuple of float
        z (above 0 where the share rises) and p, two-sided.

    Raises
    ------
    SchemaError
        If a column is absent, or outcome or exposure has one value only.
    DesignError
        If people were drawn by a survey design.

    Notes
    -----
    Cochran 1954 and Armitage 1955. Of a survey take `odds_ratios`, which knows its design.

    Examples
    --------
    >>> people = pl.DataFrame({"grade": [0, 0, 0, 1, 1, 2, 2, 2],
    ...                        "fracture": [0, 0, 0, 0, 1, 1, 0, 1]})
    >>> z, p = trend_test(people, exposure="grade", outcome="fracture")
    >>> round(z, 3), round(p, 3)
    (1.687, 0.092)
    """
    arguments.true_or_false(accept_errors=accept_errors)
    known = People.of(people, accept_errors=accept_errors)
    if not Sample.of(known.frame, design).simple:
        raise DesignError(
            "the test for trend is of people drawn one by one; with a survey design take "
            'odds_ratios(…, exposures=[…]), or say design="srs" if it was none'
        )
    score = known.numbers(exposure, "exposure")
    had = known.answers(outcome, outcome_positive, "outcome")
    rows = known.domain(domain) & ~np.isnan(score) & had.known
    x, y = score[rows], had.yes[rows]
    if not len(x) or x.min() == x.max() or y.all() or not y.any():
        raise SchemaError(
            f"{exposure} or {outcome} has one value only in {count(len(x))} people: there is no "
            "trend to test"
        )
    p = y.mean()
    gap = x - x.mean()
    z = float(gap @ y / math.sqrt(p * (1 - p) * (gap @ gap)))
    return z, 2 * float(special.ndtr(-abs(z)))
