"""Where two references put their cut-offs: T of young adults, median and Z of each age."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from osteo_epi.diagnosis import Definition
from osteo_epi.norms import SEXES, MeanSD
from osteo_epi.reference.comparison._sides import Side
from osteo_epi.reference.uncertainty import bands
from osteo_epi.survey import Array

LINE = -2.0
"""Z-score of the line by age, where the criterion names none (ISCD 2019: −2.0)."""
T_LINES = (-2.5, -1.0)
STEP = 5
LIMITS = ("value", "se", "lower", "upper")
SIDES = ("first", "second", "difference")
VALUES = {f"{side}_{name}".removesuffix("_value"): pl.Float64 for side in SIDES for name in LIMITS}


def t_lines(
    sides: tuple[Side, Side], rois: Sequence[str], chosen: Mapping[str, Definition],
    confidence: float,
) -> pl.DataFrame:  # fmt: skip
    """Densities at the T-scores of osteoporosis and of low bone mass under each reference.

    Returns
    -------
    DataFrame
        sex (of the person), roi, t, then first, second [g/cm²] and difference (second less first),
        each with se, lower and upper: null where the number of young adults is not known.
    """
    rows = []
    used: list[Definition | None] = [*chosen.values()] or [None, None]
    for sex in SEXES:
        for roi in rois:
            for t in _t_scores(used[0]):
                both = [_at(side, d, sex, roi, t) for side, d in zip(sides, used, strict=True)]
                if any(value is not None for value, _ in both):
                    rows.append({"sex": sex, "roi": roi, "t": t} | _columns(both, confidence))
    keys = {"sex": pl.String, "roi": pl.String, "t": pl.Float64}
    return pl.DataFrame(rows, schema={**keys, **VALUES})


def _t_scores(definition: Definition | None) -> tuple[float, ...]:
    """Upper ends of all classes but the last."""
    if definition is None:
        return T_LINES
    return tuple(interval.upper for interval in definition.criterion.t_score.intervals[:-1])


def _at(
    side: Side, definition: Definition | None, sex: str, roi: str, t: float
) -> tuple[float | None, float | None]:
    """Density at a T-score and its standard error; None where it is not known."""
    if side.young is None:
        return None, None
    compared = sex if definition is None else definition.reference_sex(sex)
    value = side.young.mean_sd(compared, roi)
    if value is None:
        return None, None
    peak = None if side.fitted is None else side.fitted.young.get((compared, roi))
    se = _se(value, t) if peak is None else peak.at(t)[1]
    return value.mean + t * value.sd, se


def _se(young: MeanSD, t: float) -> float | None:
    """SD √(1/n + t²/(2(n − 1))), of a simple random sample of normal people."""
    if young.n is None or young.n < 2:
        return None
    return young.sd * float(np.sqrt(1 / young.n + t**2 / (2 * (young.n - 1))))


def _columns(
    both: list[tuple[float | None, float | None]], confidence: float
) -> dict[str, float | None]:
    """Values with limits, and their difference: the two sets of people are others."""
    (one, se_one), (two, se_two) = both
    gap = None if one is None or two is None else two - one
    known = se_one is not None and se_two is not None
    se_gap = float(np.hypot(se_one, se_two)) if known else None  # type: ignore[arg-type]
    row: dict[str, float | None] = {}
    for name, value, se in (
        ("first", one, se_one), ("second", two, se_two), ("difference", gap, se_gap),
    ):  # fmt: skip
        row |= {name: value, f"{name}_se": se} | _limits(name, value, se, confidence)
    return row


def _limits(
    name: str, value: float | None, se: float | None, confidence: float
) -> dict[str, float | None]:
    from scipy.special import ndtri

    if value is None or se is None:
        return {f"{name}_lower": None, f"{name}_upper": None}
    reach = float(ndtri(0.5 + confidence / 2)) * se
    return {f"{name}_lower": value - reach, f"{name}_upper": value + reach}


def z_lines(
    sides: tuple[Side, Side], rois: Sequence[str], line: float, ages: Sequence[float] | None,
    confidence: float,
) -> pl.DataFrame:  # fmt: skip
    """Median, and density at a Z-score, by age under each reference.

    Returns
    -------
    DataFrame
        sex, roi, age [years], z (0 for the median), then as `t_lines`. Limits are those of the
        curves' `bands`, where a reference is fitted here; a norm file holds none.
    """
    rows = []
    for sex in SEXES:
        for roi in rois:
            years = _years(sides, sex, roi, ages)
            if not len(years):
                continue
            one, two = (_by_age(side, sex, roi, years, line) for side in sides)
            for z in (0.0, line):
                for age, *both in zip(years, one[z], two[z], strict=True):
                    row = {"sex": sex, "roi": roi, "age": float(age), "z": z}
                    rows.append(row | _columns(both, confidence))
    keys = {"sex": pl.String, "roi": pl.String, "age": pl.Float64, "z": pl.Float64}
    return pl.DataFrame(rows, schema={**keys, **VALUES})


def _years(sides: tuple[Side, Side], sex: str, roi: str, ages: Sequence[float] | None) -> Array:
    """Ages at which both have a curve: nothing is drawn on."""
    curves = [None if side.aged is None else side.aged.curve(sex, roi) for side in sides]
    if any(curve is None for curve in curves):
        return np.zeros(0)
    wanted = np.arange(STEP, 101, STEP) if ages is None else ages
    years = np.asarray(wanted, dtype=float)
    inside = [np.isfinite(curve.value(0.0, years)) for curve in curves if curve is not None]
    return years[np.logical_and.reduce(inside)]


def _by_age(
    side: Side, sex: str, roi: str, years: Array, line: float
) -> dict[float, list[tuple[float | None, float | None]]]:
    curve = side.aged.curve(sex, roi) if side.aged is not None else None
    assert curve is not None, "asked for ages of both curves"
    errors = _errors(side, sex, roi, years, line)
    return {
        z: list(zip(curve.value(np.full(len(years), z), years).tolist(), errors[z], strict=True))
        for z in (0.0, line)
    }


def _errors(
    side: Side, sex: str, roi: str, years: Array, line: float
) -> dict[float, list[float | None]]:
    """Standard errors of the median and of the line, of curves with their people."""
    from scipy.special import ndtr

    known = side.fitted is not None and hasattr(side.fitted, "people")
    curve = side.fitted.curves.get((sex, roi)) if known else None
    if curve is None:
        return {z: [None] * len(years) for z in (0.0, line)}
    own = pl.when(pl.col("sex").cast(pl.String) == sex).then(curve.column).alias(curve.column)
    inside = np.clip(years, *curve.ages)
    found = bands(
        curve, side.fitted.people.with_columns(own), design=side.fitted.design, ages=inside,
        percents=[50.0, 100 * float(ndtr(line))],
    ).to_frame()  # fmt: skip
    half = found["percent"] == 50.0
    return {0.0: found.filter(half)["se"].to_list(), line: found.filter(~half)["se"].to_list()}


def criterion_line(chosen: Mapping[str, Any]) -> float:
    """The Z-score at which the criterion draws its line."""
    for definition in chosen.values():
        if definition.criterion.z_score is not None:
            return float(definition.criterion.z_score.intervals[0].upper)
    return LINE
