"""Young adults and their peak: every published way to say who they are, side by side.

The young-adult mean and SD set every T-score, and publications take them from different ages. Each
way gives another cut-off, and another prevalence: this shows them together, with their errors.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from osteo_epi.cohort import EQUAL, recognised_design, recognised_weight, refuse_errors
from osteo_epi.diagnosis import areal_density
from osteo_epi.errors import SchemaError
from osteo_epi.frames import as_polars
from osteo_epi.norms import SEXES, T_TOLERANCE
from osteo_epi.reference.curves import Curve, fit_curve
from osteo_epi.results import Result
from osteo_epi.rounding import counted
from osteo_epi.survey import Array, DesignArrays, SurveyDesign, covariance

DECADE, TWO_DECADES = "20–29 years", "20–39 years"
AROUND_PEAK, BEST_BAND, MAXIMUM = "peak ± 5 years", "best five years", "maximum of the curve"
FIXED = {DECADE: (20, 29), TWO_DECADES: (20, 39)}
SEARCHED = (20, 49)
BAND, HALF = 5, 5
LEAST, OLD = 30, 50
IMPLIED = dict.fromkeys(
    ("prevalence", "difference", "difference_lower", "difference_upper"), pl.Float64
)
CUT, LOW = -2.5, -1.0
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
        (n, 2) linearised mean and SD of all people; None where a curve was read.
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

    def at(self, t: float) -> tuple[float, float]:
        """The density at a T-score [g/cm²], and its standard error."""
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
    """

    roi: str
    rows: pl.DataFrame
    values: tuple[Peak, ...]
    curves: dict[str, Curve]
    design: str

    def to_frame(self) -> pl.DataFrame:
        """The rows."""
        return self.rows

    def _summary(self) -> str:
        return f"{self.roi}, {counted(self.rows.height, 'row')}, design: {self.design}"


def peaks(
    people: Any,
    *,
    roi: str,
    target: Any = None,
    design: Any = None,
    weight: str | None = None,
    spine_rule: str = "at_least_two",
    confidence: float = 0.95,
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
        Survey design of `people`; by default the one that their columns state, see
        `cohort.recognised_design`.
    weight
        Column of weights in place of the design's.
    spine_rule
        Rule of the lumbar spine.
    confidence
        Level of the limits.
    accept_errors
        Go on although a cohort carries errors.

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
        If a column is absent, or nobody of an age has the density.

    Notes
    -----
    Standard errors are by linearisation over the survey design; for a simple random sample of
    normal people that of the cut-off is near SD √(1/n + 2.5²/(2(n − 1))). The limits of a
    prevalence's difference hold the error of the young adults and take the target people as they
    are: both cut-offs are read in the same people. The best five years are chosen for their
    mean, and the maximum of a curve likewise: both lean upwards a little, which their errors do
    not show.

    Examples
    --------
    >>> from osteo_epi.cohort import simulate
    >>> found = peaks(simulate(9_000, seed=1), roi="femoral_neck")
    >>> found.to_frame().select("sex", "way").head(2).rows()
    [('female', '20–29 years'), ('female', '20–39 years')]
    """
    people = refuse_errors(people, accept_errors=accept_errors)
    frame = _with_density(people, roi, spine_rule)
    drawn = recognised_design(frame, design, weight=weight).design
    arrays = _arrays(drawn, frame)
    curves, values = dict[str, Curve](), list[Peak]()
    for sex in SEXES:
        own = frame.filter(pl.col("sex").cast(pl.String) == sex, pl.col(_DENSITY).is_not_null())
        if own.height:
            curves[sex] = fit_curve(own, _DENSITY, family="normal", weight=drawn.weight or EQUAL)
            values += _ways(frame, sex, curves[sex], arrays)
    if not values:
        raise SchemaError(f"nobody has a density at {roi}: name another region with roi=")
    rows = pl.DataFrame([_row(value, confidence) for value in values])
    if target is not None:
        aimed = _with_density(target, roi, spine_rule)
        rows = _with_prevalence(rows, values, aimed, arrays, confidence)
    return Peaks(roi, rows, tuple(values), curves, str(drawn))


def _with_density(people: Any, roi: str, spine_rule: str) -> pl.DataFrame:
    """The people with the usable density of one region."""
    frame = as_polars(people)[0].lazy().collect()
    absent = [name for name in ("age", "sex") if name not in frame.columns]
    density = areal_density(frame, roi, spine_rule=spine_rule)
    if density is None:
        absent.append(f"abmd_{roi}")
    if absent or density is None:
        raise SchemaError(f"column(s) {', '.join(absent)} are not in the data")
    return frame.with_columns(density.alias(_DENSITY))


def _arrays(design: Any, frame: pl.DataFrame) -> DesignArrays:
    if not isinstance(design, SurveyDesign):
        raise SchemaError(
            "peaks takes a design of units: give design=SurveyDesign(...); replicate weights "
            "would have to fit the curve in each replicate"
        )
    return design.arrays(frame)


def _ways(frame: pl.DataFrame, sex: str, curve: Curve, arrays: DesignArrays) -> Iterator[Peak]:
    """The ways in their order; one that too few people support is left out."""
    y = frame[_DENSITY].cast(pl.Float64).to_numpy(writable=False)
    age = frame["age"].cast(pl.Float64).to_numpy(writable=False)
    mine = (frame["sex"].cast(pl.String) == sex).fill_null(False).to_numpy() & np.isfinite(y)
    whole = np.floor(np.where(np.isfinite(age), age, -1.0))
    top, peak = _maximum(curve, sex)
    spans = {
        **FIXED,
        AROUND_PEAK: (max(np.floor(top) - HALF, np.floor(curve.ages[0])), np.floor(top) + HALF),
    }
    for way, (first, last) in spans.items():
        young = mine & (whole >= first) & (whole <= last)
        yield from _of_ages(way, sex, y, young, first, last, arrays)
    bands = [
        of_band
        for start in range(SEARCHED[0], SEARCHED[1] - BAND + 2)
        for of_band in _of_ages(
            BEST_BAND, sex, y, mine & (whole >= start) & (whole < start + BAND),
            start, start + BAND - 1, arrays,
        )
    ]  # fmt: skip
    if bands:
        yield max(bands, key=lambda band: band.mean)
    yield peak


def _of_ages(
    way: str, sex: str, y: Array, young: Any, first: float, last: float, arrays: DesignArrays
) -> Iterator[Peak]:
    """Mean and SD of people of some ages, with their covariance over the design."""
    inside = young & (arrays.weight > 0)
    n = int(inside.sum())
    if n < LEAST:
        return
    share = np.where(inside, arrays.weight, 0.0) / arrays.weight[inside].sum()
    density = np.where(inside, y, 0.0)
    mean = float(share @ density)
    about = np.where(inside, density - mean, 0.0)
    sd = float(np.sqrt(share @ about**2 * n / (n - 1)))
    linear = np.column_stack([share * about, share * (about**2 * n / (n - 1) - sd**2) / (2 * sd)])
    errors = covariance(linear, arrays, domain=inside)
    yield Peak(way, sex, first, last, n, mean, sd, errors, linear)


def _maximum(curve: Curve, sex: str) -> tuple[float, Peak]:
    """The age at which the curve is highest among young adults, and its mean and SD there."""
    low, high = max(SEARCHED[0], curve.ages[0]), min(SEARCHED[1], curve.ages[1])
    if low >= high:
        raise SchemaError(
            f"the people ({sex}) are of {curve.ages[0]:g}–{curve.ages[1]:g} years: none between "
            f"{SEARCHED[0]} and {SEARCHED[1]}, where the peak lies"
        )
    ages = np.linspace(low, high, int((high - low) * 20) + 1)
    at = curve.parameters(ages)
    i = int(np.argmax(at["mu"]))
    errors = [curve.parameter_errors(ages[i], name)[0] for name in ("mu", "sigma")]
    peak = Peak(
        MAXIMUM, sex, float(ages[i]), float(ages[i]), curve.n,
        float(at["mu"][i]), float(at["sigma"][i]), np.diag(np.square(errors)),
    )  # fmt: skip
    return float(ages[i]), peak


def _row(peak: Peak, confidence: float) -> dict[str, Any]:
    from scipy.special import ndtri

    reach = float(ndtri(0.5 + confidence / 2))
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


def _with_prevalence(
    rows: pl.DataFrame,
    values: list[Peak],
    target: pl.DataFrame,
    arrays: DesignArrays,
    confidence: float,
) -> pl.DataFrame:
    """The share of the target people at or below each cut-off, against the first way's."""
    weight = recognised_weight(target)
    weights = pl.lit(1.0) if weight is None else pl.col(weight).cast(pl.Float64)
    people = target.filter(pl.col("age") >= OLD, pl.col(_DENSITY).is_not_null())
    people = people.with_columns(weights.alias(_WEIGHT))
    implied, first = [], dict[str, Peak]()
    for value in values:
        own = people.filter(pl.col("sex").cast(pl.String) == value.sex)
        y, w = own[_DENSITY].to_numpy(), own[_WEIGHT].to_numpy()
        one = first.setdefault(value.sex, value)
        implied.append(_implied(y, w, value, one, arrays, confidence))
    return pl.concat([rows, pl.DataFrame(implied, schema=IMPLIED)], how="horizontal")


def _implied(
    y: Array, weight: Array, value: Peak, first: Peak, arrays: DesignArrays, confidence: float
) -> dict[str, float | None]:
    """Prevalence by one cut-off, and its difference from that of another in the same people."""
    from scipy.special import ndtri

    if not len(y):
        return dict.fromkeys(IMPLIED)
    cuts = [peak.at(CUT)[0] for peak in (first, value)]
    shares = [float(weight @ (y <= cut + T_TOLERANCE * value.sd) / weight.sum()) for cut in cuts]
    row: dict[str, float | None] = dict.fromkeys(IMPLIED)
    row |= {"prevalence": shares[1], "difference": shares[1] - shares[0]}
    if value is not first and value.linear is not None and first.linear is not None:
        slopes = [_density_at(y, weight, cut) for cut in cuts]
        gradient = np.array([1.0, CUT])
        linear = slopes[1] * value.linear @ gradient - slopes[0] * first.linear @ gradient
        rows = np.asarray((np.abs(value.linear) + np.abs(first.linear)).sum(axis=1) > 0)
        se = float(np.sqrt(covariance(linear[:, None], arrays, domain=rows)[0, 0]))
        reach = float(ndtri(0.5 + confidence / 2)) * se
        change = shares[1] - shares[0]
        row |= {"difference_lower": change - reach, "difference_upper": change + reach}
    return row


def _density_at(y: Array, weight: Array, at: float) -> float:
    """Share of people a g/cm² at a density, by a normal kernel of Silverman's width."""
    share = weight / weight.sum()
    mean = float(share @ y)
    width = 1.06 * float(np.sqrt(share @ (y - mean) ** 2)) * len(y) ** -0.2
    return float(share @ np.exp(-0.5 * ((y - at) / width) ** 2) / (width * np.sqrt(2 * np.pi)))
