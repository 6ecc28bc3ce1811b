"""Young adults and their peak: every published way to say who they are, side by side.

The young-adult mean and SD set every T-score, and publications take them from different ages. Each
way gives another cut-off, and another prevalence: this shows them together, with their errors.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl

from osteo_epi.agreement import critical_value
from osteo_epi.arguments import confidence_level
from osteo_epi.calibration import Correction
from osteo_epi.cohort import EQUAL, recognised_design, recognised_weight
from osteo_epi.diagnosis import areal_density
from osteo_epi.errors import SchemaError
from osteo_epi.frames import as_polars, in_callers_kind
from osteo_epi.norms import SEXES, T_TOLERANCE
from osteo_epi.progress import with_progress
from osteo_epi.reference import _devices
from osteo_epi.reference._score_lines import T_LOW_BONE_MASS, T_OSTEOPOROSIS
from osteo_epi.reference._young_ages import (
    AROUND_PEAK,
    BAND,
    BEST_BAND,
    DECADE,
    FIXED,
    HALF,
    MAXIMUM,
    WAYS,
    around,
    said,
    starts,
)
from osteo_epi.reference.curves import Curve, Fitting, fit_curve
from osteo_epi.reference.uncertainty._delta import coefficient_covariance, peak_covariance
from osteo_epi.reference.uncertainty._fitted import Fitted, arrays_of
from osteo_epi.reference.uncertainty._quantities import SEARCHED, mean_sd, peak_age
from osteo_epi.reference.uncertainty._refits import (
    DELTA,
    Draws,
    chosen_method,
    draws,
    refit,
    said_of_failures,
)
from osteo_epi.results import Result
from osteo_epi.rounding import counted, people_who
from osteo_epi.survey import (
    Array,
    Design,
    DesignArrays,
    Mask,
    SurveyDesign,
    covariance,
    degrees_of_freedom,
)

LEAST, OLD = 30, 50
IMPLIED = dict.fromkeys(
    ("prevalence", "difference", "difference_lower", "difference_upper"), pl.Float64
)
CUT, LOW = T_OSTEOPOROSIS, T_LOW_BONE_MASS
_DENSITY, _WEIGHT = "_density", "_weight"


@dataclass(frozen=True)
class Peak:
    """Young adults by one way of choosing them, of one sex.

    Parameters
    ----------
    way
        In words.
    sex
        female or male.
    first, last
        [years] Completed years of age; equal where a curve was read at one age.
    n
        People.
    mean, sd
        [g/cm²]
    covariance
        (2, 2) of mean and SD.
    linear
        (n, 2) linearised mean and SD of all people; None where a curve was read or people were
        drawn anew.
    redrawn
        (R, 2) mean and SD of people drawn anew, or under each replicate weight; None where they
        were not.
    df
        Degrees of freedom of the design behind the errors; infinite for people drawn independently.
    """

    way: str
    sex: str
    first: float
    last: float
    n: int
    mean: float
    sd: float
    covariance: Array = field(repr=False)
    linear: Array | None = field(default=None, repr=False)
    redrawn: Array | None = field(default=None, repr=False)
    df: float = np.inf

    def reach(self, confidence: float) -> float:
        """Standard errors from an estimate to its limits: Student's quantile."""
        return critical_value(confidence, self.df)

    def difference_reach(self, other: Peak, confidence: float) -> float:
        """The same of a difference: of the fewer degrees of freedom."""
        return max(self.reach(confidence), other.reach(confidence))

    def at(self, t: float) -> tuple[float, float]:
        """The density at a T-score [g/cm²], and its standard error; an example is in `peaks`."""
        gradient = np.array([1.0, t])
        return self.mean + t * self.sd, float(np.sqrt(gradient @ self.covariance @ gradient))


@dataclass(frozen=True, repr=False)
class Peaks(Result):
    """Young adults by every way, with the cut-offs and prevalences that follow.

    Attributes
    ----------
    roi
        The region of interest.
    rows
        One row a sex and way, see `peaks`.
    values
        The same as objects.
    curves
        By sex, the curve of which the peak was read.
    design
        How the people were sampled, in words.
    method
        Of the errors: "delta", "bootstrap" or "replicates".
    notes
        What has to be known of them.
    """

    roi: str
    rows: pl.DataFrame
    values: tuple[Peak, ...]
    curves: dict[str, Curve]
    design: str
    method: str = DELTA
    notes: tuple[str, ...] = field(default=(), repr=False)

    def to_polars(self) -> pl.DataFrame:
        """The rows."""
        return self.rows

    def _summary(self) -> str:
        how = "" if self.method == DELTA else f", errors by {self.method}"
        return f"{self.roi}, {counted(self.rows.height, 'row')}, design: {self.design}{how}"


@in_callers_kind
def peaks(
    people: Any,
    *,
    roi: str,
    target: Any = None,
    design: Any = None,
    weight: str | None = None,
    spine_rule: str = "at_least_two",
    curves: Mapping[str, Curve] | None = None,
    confidence: float = 0.95,
    method: str | None = None,
    replicates: int = 200,
    seed: int = 0,
    calibration: Correction | None = None,
    accept_errors: bool = False,
) -> Peaks:
    """Compare the ways to choose young adults: mean, SD, cut-offs, implied prevalence.

    Parameters
    ----------
    people
        Any frame of reference people with `age` [years], `sex` and the densities of the region
        [g/cm²]; who is not normal left out beforehand.
    roi
        Region of interest, e.g. "femoral_neck", "lumbar_spine".
    target
        People of 50 and over in whom the prevalence that each way implies is computed, of that
        region alone; None for none.
    design
        Survey design of `people`, replicate weights too; by default the one that their columns
        state, see `cohort.recognised_design`.
    weight
        Column of weights in place of the design's.
    spine_rule
        Rule of the lumbar spine.
    curves
        By sex, curves fitted to these people, of which the peak is read; by default normal ones
        whose mean and SD are P-splines.
    confidence
        Level of the limits.
    method
        Of the errors. "delta": by linearisation; "bootstrap": sampling units drawn anew in their
        strata; "replicates": under the replicate weights of a `ReplicateDesign`. The last two fit
        the curve and choose the best years anew each time. By default "replicates" with such a
        design, else "delta".
    replicates, seed
        Of the bootstrap.
    calibration
        Correction of the densities of several scanners to one scale; applied where they are not
        corrected yet, and its error is in those of mean, SD and cut-off.
    accept_errors
        Go on although a cohort carries errors, or densities of several scanners stand together.

    Returns
    -------
    Peaks
        Columns: sex, way, first, last [years], n, mean, mean_se, sd, sd_se, cut_off (density at
        T = −2.5) with se and limits, and the same for T = −1 [g/cm²]; with a target: prevalence
        (share at or below the cut-off), difference from the first way, and the limits of the
        difference.

    Raises
    ------
    SchemaError
        If a column is absent, nobody of an age has the density, or densities of several scanners
        stand together without a calibration.
    DesignError
        If the method does not go with the design, or there are too few replicates.

    Notes
    -----
    Limits are of Student's t with the degrees of freedom of the design among the people of a way,
    and normal for people drawn independently. Of a target, people without a weight do not count.
    Standard errors are by linearisation over the survey design; for a simple random sample of
    normal people that of the cut-off is near SD √(1/n + 2.5²/(2(n − 1))). The limits of a
    prevalence's difference hold the error of the young adults and take the target people as they
    are: both cut-offs are read in the same people. The best five years are chosen for their
    mean, and the maximum of a curve likewise: both lean upwards a little, which the delta method
    does not show; a bootstrap or replicates hold how much the choice varies. Of the maximum, the
    delta method is that of `bands`: the age of the peak moves with the curve.

    The error of a calibration is added to the covariance of mean and SD by the delta method; it is
    one for all people of a scanner, and more of them do not take it away. For the maximum of a
    curve it is that of the people within five years of it. The difference of two prevalences does
    not hold it: both cut-offs rest on the same correction, which nearly cancels.

    Examples
    --------
    >>> from osteo_epi.cohort import simulate
    >>> found = peaks(simulate(9_000, seed=1), roi="femoral_neck")
    >>> found.to_frame().select("sex", "way").head(2).rows()
    [('female', '20–29 years'), ('female', '20–39 years')]
    >>> [round(value, 3) for value in found.values[0].at(-2.5)]
    [0.547, 0.008]
    """
    confidence_level(confidence)
    people = _devices.sound_people(people, accept_errors=accept_errors)[0]
    frame = with_density(_devices.calibrated(people, calibration), roi, spine_rule)
    if not accept_errors:
        _devices.refuse_pooled(frame.filter(pl.col(_DENSITY).is_not_null()), calibration)
    drawn = recognised_design(frame, design, weight=weight).design
    chosen = chosen_method(method, drawn)
    people_of = _People.of(frame, drawn)
    chosen_curves, values = dict[str, Curve](), list[Peak]()
    for sex in SEXES:
        own = frame.filter(pl.col("sex").cast(pl.String) == sex, pl.col(_DENSITY).is_not_null())
        if own.height:
            given = (curves or {}).get(sex)
            chosen_curves[sex] = given or fit_curve(
                own, _DENSITY, family="normal", weight=drawn.weight or EQUAL
            )
            values += _ways(people_of, sex, chosen_curves[sex])
    _refuse_nobody(frame, values, roi)
    again, notes = None, tuple[str, ...]()
    if chosen != DELTA:
        again = draws(drawn, frame, replicates=replicates, seed=seed, confidence=confidence)
        values, notes = _redrawn(people_of, values, chosen_curves, again)
    if calibration is not None:
        values = [_with_calibration(value, people_of, frame, calibration) for value in values]
    rows = pl.DataFrame([_row(value, confidence) for value in values])
    if target is not None:
        aimed = with_density(target, roi, spine_rule)
        sampled = people_of.arrays if again is None else again
        rows = with_prevalence(rows, values, aimed, sampled, confidence)
    notes = (*notes, *_lacking(values, chosen_curves, rows))
    return Peaks(roi, rows, tuple(values), chosen_curves, str(drawn), chosen, notes)


def _refuse_nobody(frame: pl.DataFrame, values: list[Peak], roi: str) -> None:
    if values:
        return
    n = int(frame[_DENSITY].count())
    if n:
        raise SchemaError(
            f"{people_who(n, 'have')} a density at {roi}, and none of them a sex of "
            f"{' or '.join(SEXES)}: read the file with oe.read(..., sex_coding=...), or recode "
            "column sex"
        )
    raise SchemaError(f"nobody has a density at {roi}: name another region with roi=")


def _lacking(values: list[Peak], curves: Mapping[str, Curve], rows: pl.DataFrame) -> Iterator[str]:
    """Which sexes and ways are not there, and what the first way then is."""
    for sex in SEXES:
        if sex not in curves:
            yield f"nobody with a density is {sex}"
            continue
        there = [value.way for value in values if value.sex == sex]
        lacking = [way for way in WAYS if way not in there]
        if lacking:
            first = f"; differences are from {there[0]}" if "difference" in rows.columns else ""
            yield (
                f"{sex}: fewer than {LEAST} people for {', '.join(lacking)}: left out"
                + (first if DECADE in lacking else "")
            )
        young = ((value.way, value.first) for value in values if value.sex == sex)
        yield from (f"{sex}, {text}" for text in said(curves[sex], young))


def _with_calibration(
    peak: Peak, people: _People, frame: pl.DataFrame, calibration: Correction
) -> Peak:
    """With the error of the scanners' correction, which all people of a scanner share."""
    reach = HALF if peak.way == MAXIMUM else 0
    first, last = np.floor(peak.first) - reach, np.floor(peak.last) + reach
    young = people.of_sex(peak.sex) & (people.whole >= first) & (people.whole <= last)
    share = np.where(young, people.weight, 0.0)
    error = _devices.calibration_covariance(frame, calibration, people.y, share / share.sum())
    return replace(peak, covariance=peak.covariance + error)


@dataclass(frozen=True)
class _People:
    """(n,) columns of all people, with their design."""

    sex: Any
    age: Array
    y: Array
    weight: Array
    design: Design
    arrays: DesignArrays | None

    @classmethod
    def of(cls, frame: pl.DataFrame, design: Design) -> _People:
        """Read them; replicate weights have no arrays."""
        age, y = (
            frame[name].cast(pl.Float64).fill_null(np.nan).to_numpy() for name in ("age", _DENSITY)
        )
        sex = frame["sex"].cast(pl.String).to_numpy()
        arrays, weight = arrays_of(design, frame)
        return cls(sex, age, y, weight, design, arrays)

    def fitted(self, sex: str, curve: Curve) -> Fitted:
        """Those of a sex, as their curve was fitted to them."""
        return Fitted.of(
            curve, self.design, self.arrays, self.weight,
            age=self.age, y=self.y, rows=self.of_sex(sex),
        )  # fmt: skip

    @property
    def whole(self) -> Array:
        """Completed years; −1 where not known."""
        return np.floor(np.where(np.isfinite(self.age), self.age, -1.0))

    def degrees_of_freedom(self, rows: Mask) -> float:
        """Of the design among some rows; infinite for people drawn independently."""
        if self.arrays is None or (isinstance(self.design, SurveyDesign) and self.design.is_simple):
            return np.inf
        return float(max(degrees_of_freedom(self.arrays, rows), 1))

    def of_sex(self, sex: str) -> Mask:
        """Who is of a sex and has a density."""
        return np.asarray((self.sex == sex) & np.isfinite(self.y))


def with_density(people: Any, roi: str, spine_rule: str) -> pl.DataFrame:
    """The people with the usable density of one region."""
    frame = as_polars(people)[0].lazy().collect()
    absent = [name for name in ("age", "sex") if name not in frame.columns]
    density = areal_density(frame, roi, spine_rule=spine_rule)
    if density is None:
        absent.append(f"abmd_{roi}")
    if absent or density is None:
        raise SchemaError(f"column(s) {', '.join(absent)} are not in the data")
    return frame.with_columns(density.alias(_DENSITY))


def _ways(people: _People, sex: str, curve: Curve) -> Iterator[Peak]:
    """The ways in their order; one that too few people support is left out."""
    mine, whole = people.of_sex(sex), people.whole
    errors = coefficient_covariance(curve, people.fitted(sex, curve))
    top, peak = _maximum(curve, sex, errors)
    peak = replace(peak, df=people.degrees_of_freedom(mine))
    for way, (first, last) in {**FIXED, AROUND_PEAK: around(top, curve)}.items():
        young = mine & (whole >= first) & (whole <= last)
        yield from _of_ages(way, sex, people, young, first, last)
    bands = [
        of_band
        for start in starts(curve)
        for of_band in _of_ages(
            BEST_BAND, sex, people, mine & (whole >= start) & (whole < start + BAND),
            start, start + BAND - 1,
        )
    ]  # fmt: skip
    if bands:
        yield max(bands, key=lambda band: band.mean)
    yield peak


def _of_ages(
    way: str, sex: str, people: _People, young: Any, first: float, last: float
) -> Iterator[Peak]:
    """Mean and SD of people of some ages, with their covariance over the design."""
    inside = young & (people.weight > 0)
    n = int(inside.sum())
    if n < LEAST:
        return
    share = np.where(inside, people.weight, 0.0) / people.weight[inside].sum()
    density = np.where(inside, people.y, 0.0)
    mean = float(share @ density)
    about = np.where(inside, density - mean, 0.0)
    sd = float(np.sqrt(share @ about**2 * n / (n - 1)))
    if people.arrays is None:
        yield Peak(way, sex, first, last, n, mean, sd, np.full((2, 2), np.nan))
        return
    linear = np.column_stack([share * about, share * (about**2 * n / (n - 1) - sd**2) / (2 * sd)])
    errors = covariance(linear, people.arrays, domain=inside)
    df = people.degrees_of_freedom(inside)
    yield Peak(way, sex, first, last, n, mean, sd, errors, linear, df=df)


def _redrawn(
    people: _People, values: list[Peak], curves: dict[str, Curve], again: Draws
) -> tuple[list[Peak], tuple[str, ...]]:
    """The errors of all ways from people drawn anew, each choice made again."""
    fitted = {sex: people.fitted(sex, curve) for sex, curve in curves.items()}
    first = {
        sex: Fitting.at_start(curve.family, fitted[sex].sample, curve.terms)
        for sex, curve in curves.items()
    }
    tables = {sex: np.full((again.n, len(WAYS), 2), np.nan) for sex in curves}
    failed = dict.fromkeys(curves, 0)
    weights = with_progress(again.weights(), "curves fitted anew", total=again.n)
    for r, weight in enumerate(weights):
        for sex, curve in curves.items():
            own = refit(curve, first[sex], weight[fitted[sex].known])
            failed[sex] += own is None
            tables[sex][r] = _moments(people, sex, weight, own, starts(curve))
    notes = [note for n in failed.values() for note in said_of_failures(n, again.n)]
    renewed = []
    for peak in values:
        table = tables[peak.sex][:, WAYS.index(peak.way)]
        errors = again.spread(table, np.array([peak.mean, peak.sd]))
        df = peak.df if again.given is None else float(max(again.given.df, 1))
        renewed.append(replace(peak, covariance=errors, linear=None, redrawn=table, df=df))
    return renewed, tuple(dict.fromkeys(notes))


def _moments(people: _People, sex: str, weight: Array, curve: Curve | None, begun: range) -> Array:
    """(5, 2) mean and SD by every way under some weights; NaN where there is nobody."""
    rows = people.of_sex(sex) & (weight > 0) & (people.whole >= 0)
    year, y, w = people.whole[rows].astype(np.int64), people.y[rows], weight[rows]
    middle = float(np.average(y, weights=w)) if len(y) else 0.0
    size = max(int(year.max(initial=0)), SEARCHED[1] + BAND) + HALF + 2
    sums = np.array([
        np.append(0.0, np.cumsum(np.bincount(year, values, minlength=size)))
        for values in (np.ones_like(w), w, w * (y - middle), w * (y - middle) ** 2)
    ])  # fmt: skip

    def of(first: float, last: float) -> tuple[float, float]:
        n, total, one, two = sums[:, int(last) + 1] - sums[:, max(int(first), 0)]
        if n < LEAST:
            return np.nan, np.nan
        mean = one / total
        variance = max(two / total - mean**2, 0.0) * n / (n - 1)
        return middle + mean, float(np.sqrt(variance))

    bands = [of(start, start + BAND - 1) for start in begun]
    best = max(
        bands, key=lambda band: np.nan_to_num(band[0], nan=-np.inf), default=(np.nan, np.nan)
    )
    near, top = (np.nan, np.nan), (np.nan, np.nan)
    if curve is not None:
        age, peak = _maximum(curve, sex)
        near, top = of(*around(age, curve)), (peak.mean, peak.sd)
    return np.array([*(of(*ages) for ages in FIXED.values()), near, best, top])


def _maximum(curve: Curve, sex: str, errors: Array | None = None) -> tuple[float, Peak]:
    """The age at which the curve is highest among young adults, and its mean and SD there."""
    top = peak_age(curve)
    if np.isnan(top):
        raise SchemaError(
            f"the people ({sex}) are of {curve.ages[0]:g}–{curve.ages[1]:g} years: none between "
            f"{SEARCHED[0]} and {SEARCHED[1]}, where the peak lies"
        )
    (mean,), (sd,) = mean_sd(curve.family, curve.parameters([top]))
    both = np.full((2, 2), np.nan) if errors is None else peak_covariance(curve, errors)
    return top, Peak(MAXIMUM, sex, top, top, curve.n, float(mean), float(sd), both)


def _row(peak: Peak, confidence: float) -> dict[str, Any]:
    reach = peak.reach(confidence)
    row: dict[str, Any] = {
        "sex": peak.sex, "way": peak.way, "first": float(peak.first), "last": float(peak.last),
        "n": peak.n, "mean": peak.mean, "mean_se": float(np.sqrt(peak.covariance[0, 0])),
        "sd": peak.sd, "sd_se": float(np.sqrt(peak.covariance[1, 1])),
    }  # fmt: skip
    for name, t in (("cut_off", CUT), ("low", LOW)):
        value, se = peak.at(t)
        row |= {name: value, f"{name}_se": se}
        row |= {f"{name}_lower": value - reach * se, f"{name}_upper": value + reach * se}
    return row


def with_prevalence(
    rows: pl.DataFrame,
    values: list[Peak],
    target: pl.DataFrame,
    sampled: DesignArrays | Draws | None,
    confidence: float,
) -> pl.DataFrame:
    """The share of the target people at or below each cut-off, against the first of their sex."""
    weight = recognised_weight(target)
    weights = pl.lit(1.0) if weight is None else pl.col(weight).cast(pl.Float64)
    people = target.with_columns(weights.fill_nan(None).alias(_WEIGHT)).filter(
        pl.col("age") >= OLD, pl.col(_DENSITY).is_not_null(), pl.col(_WEIGHT) > 0
    )
    implied, first = [], dict[str, Peak]()
    for value in values:
        own = people.filter(pl.col("sex").cast(pl.String) == value.sex)
        y, w = own[_DENSITY].to_numpy(), own[_WEIGHT].to_numpy()
        one = first.setdefault(value.sex, value)
        implied.append(_implied(y, w, value, one, sampled, confidence))
    return pl.concat([rows, pl.DataFrame(implied, schema=IMPLIED)], how="horizontal")


def _implied(
    y: Array,
    weight: Array,
    value: Peak,
    first: Peak,
    sampled: DesignArrays | Draws | None,
    confidence: float,
) -> dict[str, float | None]:
    """Prevalence by one cut-off, and its difference from that of another in the same people."""
    if not len(y):
        return dict.fromkeys(IMPLIED)
    shares = [float(_share(y, weight, np.array([[p.mean, p.sd]]))[0]) for p in (first, value)]
    row: dict[str, float | None] = dict.fromkeys(IMPLIED)
    row |= {"prevalence": shares[1], "difference": shares[1] - shares[0]}
    se = None if value is first else _difference_error(y, weight, value, first, sampled)
    if se is not None:
        reach = value.difference_reach(first, confidence) * se
        change = shares[1] - shares[0]
        row |= {"difference_lower": change - reach, "difference_upper": change + reach}
    return row


def _difference_error(
    y: Array, weight: Array, value: Peak, first: Peak, sampled: DesignArrays | Draws | None
) -> float | None:
    """Standard error of a difference of prevalences, from the young adults alone."""
    if isinstance(sampled, Draws) and value.redrawn is not None and first.redrawn is not None:
        each = _share(y, weight, value.redrawn) - _share(y, weight, first.redrawn)
        both = np.array([[value.mean, value.sd], [first.mean, first.sd]])
        change = _share(y, weight, both) @ np.array([1.0, -1.0])
        return float(np.sqrt(sampled.spread(each[:, None], np.array([change]))[0, 0]))
    if not isinstance(sampled, DesignArrays) or value.linear is None or first.linear is None:
        return None
    slopes = [_density_at(y, weight, peak.at(CUT)[0]) for peak in (first, value)]
    gradient = np.array([1.0, CUT])
    linear = slopes[1] * value.linear @ gradient - slopes[0] * first.linear @ gradient
    rows = np.asarray((np.abs(value.linear) + np.abs(first.linear)).sum(axis=1) > 0)
    return float(np.sqrt(covariance(linear[:, None], sampled, domain=rows)[0, 0]))


def _share(y: Array, weight: Array, moments: Array) -> Array:
    """(r,) share of people at or below the cut-offs of (r, 2) means and SDs; NaN of NaN."""
    order = np.argsort(y)
    reached = np.append(0.0, np.cumsum(weight[order])) / weight.sum()
    mean, sd = moments.T
    place = np.searchsorted(y[order], mean + (CUT + T_TOLERANCE) * sd, side="right")
    return np.where(np.isfinite(mean), reached[place], np.nan)


def _density_at(y: Array, weight: Array, at: float) -> float:
    """Share of people a g/cm² at a density, by a normal kernel of Silverman's width."""
    share = weight / weight.sum()
    mean = float(share @ y)
    width = 1.06 * float(np.sqrt(share @ (y - mean) ** 2)) * len(y) ** -0.2
    return float(share @ np.exp(-0.5 * ((y - at) / width) ** 2) / (width * np.sqrt(2 * np.pi)))
