"""Where two references put their cut-offs: T of young adults, median and Z of each age."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from osteo_epi.agreement import critical_value
from osteo_epi.diagnosis import Definition
from osteo_epi.norms import SEXES, MeanSD
from osteo_epi.reference._score_lines import T_LOW_BONE_MASS, T_OSTEOPOROSIS, Z_BELOW_EXPECTED
from osteo_epi.reference.comparison._sides import Side, same_people
from osteo_epi.reference.uncertainty import bands
from osteo_epi.survey import Array

STEP = 5
SIMPLE = "limits as of a simple random sample"
"""Said of cut-offs whose norm states its people and no effective number of them."""
LIMITS = ("value", "se", "lower", "upper")
SIDES = ("first", "second", "difference")
VALUES = {f"{side}_{name}".removesuffix("_value"): pl.Float64 for side in SIDES for name in LIMITS}


@dataclass(frozen=True)
class _Value:
    """A density under one reference, or the difference of two.

    Parameters
    ----------
    value, se
        [g/cm²] None where they are not known.
    reach
        Standard errors from the value to its limits.
    """

    value: float | None = None
    se: float | None = None
    reach: float = np.nan

    def row(self, name: str) -> dict[str, float | None]:
        """Value, standard error and limits by their columns."""
        ends: list[float | None] = [None, None]
        if self.value is not None and self.se is not None:
            ends = [self.value - self.reach * self.se, self.value + self.reach * self.se]
        lower, upper = ends
        return {name: self.value, f"{name}_se": self.se, f"{name}_lower": lower,
                f"{name}_upper": upper}  # fmt: skip


def t_lines(
    sides: tuple[Side, Side], rois: Sequence[str], chosen: Mapping[str, Definition],
    confidence: float,
) -> pl.DataFrame:  # fmt: skip
    """Densities at the T-scores of osteoporosis and of low bone mass under each reference.

    Returns
    -------
    DataFrame
        sex (of the person), roi, t, then first, second [g/cm²] and difference (second less first),
        each with se, lower and upper: null where the number of young adults is not known, and of
        the difference where both are made of the same people.
    """
    rows, same = [], same_people(sides, "young")
    used: list[Definition | None] = [*chosen.values()] or [None, None]
    for sex in SEXES:
        for roi in rois:
            for t in _t_scores(used[0]):
                one, two = (
                    _at(side, chosen, sex, roi, t, confidence)
                    for side, chosen in zip(sides, used, strict=True)
                )
                if one.value is not None or two.value is not None:
                    rows.append({"sex": sex, "roi": roi, "t": t} | _columns(one, two, same=same))
    keys = {"sex": pl.String, "roi": pl.String, "t": pl.Float64}
    return pl.DataFrame(rows, schema={**keys, **VALUES})


def _t_scores(definition: Definition | None) -> tuple[float, ...]:
    """Upper ends of all classes but the last."""
    if definition is None:
        return T_OSTEOPOROSIS, T_LOW_BONE_MASS
    return tuple(interval.upper for interval in definition.criterion.t_score.intervals[:-1])


def _at(
    side: Side, definition: Definition | None, sex: str, roi: str, t: float, confidence: float
) -> _Value:
    """Density at a T-score."""
    if side.young is None:
        return _Value()
    compared = sex if definition is None else definition.reference_sex(sex)
    value = side.young.mean_sd(compared, roi)
    if value is None:
        return _Value()
    peak = None if side.fitted is None else side.fitted.young.get((compared, roi))
    density = value.mean + t * value.sd
    if peak is None:
        return _Value(density, _se(value, t), critical_value(confidence))
    return _Value(density, peak.at(t)[1], peak.reach(confidence))


def _se(young: MeanSD, t: float) -> float | None:
    """SD √(1/n + t²/(2(n − 1))), of a simple random sample of as many normal people."""
    n = young.n if young.n_effective is None else young.n_effective
    if n is None or n <= 1:
        return None
    return young.sd * float(np.sqrt(1 / n + t**2 / (2 * (n - 1))))


def _columns(one: _Value, two: _Value, *, same: bool) -> dict[str, float | None]:
    """Values with limits, and their difference: of other people, or without limits of the same."""
    gap = _Value()
    if one.value is not None and two.value is not None:
        known = one.se is not None and two.se is not None and not same
        se = float(np.hypot(one.se, two.se)) if known else None  # type: ignore[arg-type]
        gap = _Value(two.value - one.value, se, max(one.reach, two.reach))
    return one.row("first") | two.row("second") | gap.row("difference")


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
    rows, same = [], same_people(sides, "aged")
    for sex in SEXES:
        for roi in rois:
            years = _years(sides, sex, roi, ages)
            if not len(years):
                continue
            curves = [_by_age(side, sex, roi, years, line, confidence) for side in sides]
            for z in (0.0, line):
                for age, one, two in zip(years, *(curve[z] for curve in curves), strict=True):
                    row = {"sex": sex, "roi": roi, "age": float(age), "z": z}
                    rows.append(row | _columns(one, two, same=same))
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
    side: Side, sex: str, roi: str, years: Array, line: float, confidence: float
) -> dict[float, list[_Value]]:
    """Median and line of a curve; with errors where its people are there."""
    curve = side.aged.curve(sex, roi) if side.aged is not None else None
    assert curve is not None, "asked for ages of both curves"
    densities = {z: curve.value(np.full(len(years), z), years).tolist() for z in (0.0, line)}
    fitted = side.fitted.curves.get((sex, roi)) if side.fitted is not None else None
    if fitted is None:
        return {z: [_Value(value) for value in values] for z, values in densities.items()}
    own = pl.when(pl.col("sex").cast(pl.String) == sex).then(fitted.column).alias(fitted.column)
    found = bands(
        fitted, side.fitted.people.with_columns(own), design=side.fitted.design,
        ages=np.clip(years, *fitted.ages), percents=[50.0, 100 * _share_below(line)],
        confidence=confidence,
    ).to_polars()  # fmt: skip
    half = found["percent"] == 50.0
    return {
        z: [
            _Value(value, row["se"], (row["upper"] - row["estimate"]) / (row["se"] or np.nan))
            for value, row in zip(densities[z], found.filter(rows).to_dicts(), strict=True)
        ]
        for z, rows in ((0.0, half), (line, ~half))
    }


def _share_below(z: float) -> float:
    from scipy.special import ndtr

    return float(ndtr(z))


def criterion_line(chosen: Mapping[str, Any]) -> float:
    """The Z-score at which the criterion draws its line; that of ISCD where it draws none."""
    for definition in chosen.values():
        if definition.criterion.z_score is not None:
            return float(definition.criterion.z_score.intervals[0].upper)
    return Z_BELOW_EXPECTED


def limit_notes(
    sides: tuple[Side, Side], cut_offs: pl.DataFrame, by_age: pl.DataFrame
) -> Iterator[str]:
    """What the limits of the two, and of their difference, do not hold."""
    for side, which in zip(sides, SIDES[:2], strict=True):
        limits = cut_offs[f"{which}_se"].count()
        if limits and side.fitted is None and side.young is not None:
            rois = cut_offs.filter(pl.col(f"{which}_se").is_not_null())["roi"].unique().to_list()
            if any(e.value.n_effective is None for e in side.young.entries if e.roi in rois):
                yield f"{side.name}: {SIMPLE}; weights and clusters are not in them"
    both = {"young": cut_offs, "aged": by_age}
    if any(same_people(sides, part) for part, rows in both.items() if rows.height):
        yield (
            f"{sides[0].name} and {sides[1].name} are made of the same people: their errors are "
            "shared, so the difference has no limits"
        )
    if any(rows["difference_lower"].count() for rows in both.values()):
        yield (
            "limits of the difference are those of two separate samples: people whom both "
            "references hold are not taken into account"
        )
