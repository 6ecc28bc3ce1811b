"""May one method stand in for another? DXA against CTXA at the hip, spectral CT against QCT.

`equivalence` tests the means within a margin stated beforehand. `dxa_qct_equivalence` and
`spectral_qct_equivalence` gather what the question needs in one call: correlation (and why it is
not enough), the line with error in both methods, bias and limits, concordance, and where the
published figures lie. For DXA and CTXA they add who changes class when CTXA is scored by DXA's
reference, by one of its own, or after calibration.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from osteo_epi.agreement._bland_altman import BlandAltman, bland_altman
from osteo_epi.agreement._deming import ErrorRatio, deming
from osteo_epi.agreement._kappa import Transitions, transitions
from osteo_epi.agreement._line import Line, PointEstimate, critical_value
from osteo_epi.agreement._pairs import Missing, paired, readings_of
from osteo_epi.agreement._reliability import Concordance, Correlation, concordance, correlation
from osteo_epi.cohort import refuse_errors
from osteo_epi.errors import NormError, SchemaError
from osteo_epi.frames import Column, as_polars, in_callers_kind
from osteo_epi.norms import (
    READING_TOLERANCE,
    Criterion,
    YoungAdultReference,
    load,
    out_of_range,
    t_score,
)
from osteo_epi.results import Result
from osteo_epi.rounding import count, number, percent

Floats = NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class PublishedRange(Result):
    """Range of a quantity over publications, with their names and the weakest grade."""

    no_figure = "is one range of published values: MethodEquivalence holds ours beside it"

    quantity: str
    low: float
    high: float
    sources: tuple[str, ...]
    verification: str

    def holds(self, value: float) -> bool:
        """Whether a value lies within the range, ends included."""
        near = READING_TOLERANCE * max(abs(self.low), abs(self.high))
        return not out_of_range(value, self.low, self.high, by=near)

    def to_polars(self) -> pl.DataFrame:
        """One row."""
        row = {"quantity": self.quantity, "low": self.low, "high": self.high}
        sources = "; ".join(self.sources)
        return pl.DataFrame([row | {"sources": sources, "verification": self.verification}])

    def _summary(self) -> str:
        span = f"{number(self.low)} to {number(self.high)}"
        return f"{self.quantity} {span}, publications: {len(self.sources)}"


def published_range(
    ids: Sequence[str], *, quantity: str, unit: str | None = None, roi: str | None = None
) -> PublishedRange:
    """Collect a quantity over norms of kind `published`.

    Parameters
    ----------
    ids
        Names of the norms.
    quantity, unit, roi
        Which of their estimates; any unit and region by default. An interval printed with an
        estimate widens the range.

    Raises
    ------
    NormError
        If none of the publications has an estimate of the quantity.

    Examples
    --------
    >>> published = published_range(["cheng_2014"], quantity="r_squared")
    >>> published.low, published.high
    (0.81, 0.878)
    """
    values: list[float] = []
    records = [load("published", name) for name in ids]
    for record in records:
        for one in record.estimates:
            same = one["quantity"] == quantity and unit in (None, one.get("unit"))
            if same and roi in (None, one.get("roi")):
                values += [one[key] for key in ("value", "lower", "upper") if key in one]
    if not values:
        raise NormError(f"none of {list(ids)} has an estimate of {quantity!r} for {roi or 'any'}")
    grade = max(record.verification for record in records)
    sources = tuple(str(record.citation) for record in records)
    return PublishedRange(quantity, min(values), max(values), sources, grade)


@dataclass(frozen=True, repr=False)
class Equivalence(Result):
    """Mean difference y − x with the 1 − 2α interval, and the two one-sided tests."""

    difference: PointEstimate
    margin: tuple[float, float]
    t_lower: float
    p_lower: float
    t_upper: float
    p_upper: float
    p: float
    equivalent: bool
    alpha: float
    n: int
    n_missing: int

    def to_polars(self) -> pl.DataFrame:
        """One row."""
        row = {**self.difference.as_row(), "margin_lower": self.margin[0]}
        row |= {"margin_upper": self.margin[1]}
        names = ("t_lower", "p_lower", "t_upper", "p_upper", "p", "equivalent", "alpha", "n")
        return pl.DataFrame([row | {k: getattr(self, k) for k in (*names, "n_missing")}])

    def _repr_html_(self) -> str:
        note = (
            "Equivalence of the means; for a single person look at the limits of agreement. "
            "Without equivalence nothing is shown: it is no proof of a difference."
        )
        return self._shown(caption="equivalence (TOST)", notes=(note,))

    def _summary(self) -> str:
        verdict = "equivalent" if self.equivalent else "not shown to be equivalent"
        return f"{verdict}, difference {self.difference}, p = {number(self.p, digits=3)}"


@in_callers_kind
def equivalence(
    *data: Any,
    x: Column = None,
    y: Column = None,
    margin: float | tuple[float, float],
    alpha: float = 0.05,
    missing: Missing = "fail",
) -> Equivalence:
    """Test the equivalence of the means of two methods on the same people.

    Parameters
    ----------
    *data, x, y
        Readings in one unit, shape (n,).
        They come first, or a frame comes first and `x` and `y` name its columns.
    margin
        The difference y − x that does not matter, in the unit of the readings: one number for
        ±margin, or (lower, upper). Stated beforehand; there is no default.
    alpha
        Of each one-sided test.
    missing
        See `paired`.

    Returns
    -------
    Equivalence
        `p` is the larger of the two; `equivalent` if it is below alpha, which is the same as the
        1 − 2α interval lying within the margin.

    Raises
    ------
    SchemaError
        If the margin is empty, or all differences are equal.

    Notes
    -----
    Schuirmann 1987, doi 10.1007/BF01068419.

    Examples
    --------
    >>> result = equivalence([0.8, 0.9, 1.0, 1.1], [0.81, 0.89, 1.0, 1.11], margin=0.03)
    >>> result.equivalent
    True
    """
    from statsmodels.stats.weightstats import ttost_paired

    pairs = paired(*data, x=x, y=y, missing=missing, same_unit=True, varying=False)
    low, high = (-margin, margin) if isinstance(margin, int | float) else margin
    if not low < high:
        raise SchemaError("the margin must be positive, or (lower, upper) with lower < upper")
    differences = pairs.y - pairs.x
    mean, df = float(differences.mean()), pairs.n - 1
    se = float(differences.std(ddof=1) / np.sqrt(pairs.n))
    if se == 0:
        raise SchemaError(
            f"constant readings: all {pairs.n} differences are equal, so there is no error to "
            "test with"
        )
    p, (t_low, p_low, _), (t_high, p_high, _) = ttost_paired(pairs.y, pairs.x, low, high)
    reach = critical_value(1 - 2 * alpha, df) * se
    return Equivalence(
        difference=PointEstimate.symmetric(mean, se, reach),
        margin=(float(low), float(high)),
        t_lower=float(t_low),
        p_lower=float(p_low),
        t_upper=float(t_high),
        p_upper=float(p_high),
        p=float(p),
        equivalent=bool(p < alpha),
        alpha=alpha,
        n=pairs.n,
        n_missing=pairs.n_missing,
    )


@dataclass(frozen=True, repr=False)
class MethodEquivalence(Result):
    """Everything about two methods in one unit, and what it does and does not show."""

    first: str
    second: str
    correlation: Correlation
    line: Line
    limits: BlandAltman
    limits_percent: BlandAltman
    concordance: Concordance
    range_sd: float
    published: tuple[tuple[PublishedRange, float, bool], ...]
    reclassification: tuple[tuple[str, Transitions], ...]
    conclusions: tuple[str, ...]

    def r_squared_at(self, sd: float) -> float:
        """R² to be expected where people differ by `sd`, the line and its scatter being the same.

        Parameters
        ----------
        sd
            Standard deviation of the first method's readings, in their unit.
        """
        explained = (self.line.slope.estimate * sd) ** 2
        return explained / (explained + self.line.residual_sd**2)

    def to_polars(self) -> pl.DataFrame:
        """One row per statistic, with the published range where there is one."""
        b, p = self.limits, self.limits_percent
        rows = [
            ("r_squared", self.correlation.r_squared),
            ("ccc", self.concordance.ccc),
            ("slope", self.line.slope),
            ("intercept", self.line.intercept),
            *((f"{k}", getattr(b, k)) for k in ("bias", "lower", "upper")),
            *((f"{k}_percent", getattr(p, k)) for k in ("bias", "lower", "upper")),
            *((f"reclassified, {name}", t.reclassified) for name, t in self.reclassification),
            *((f"kappa, {name}", t.kappa().kappa) for name, t in self.reclassification),
        ]
        values = [{"statistic": name, **value.as_row()} for name, value in rows]
        types = dict.fromkeys(("se", "lower", "upper"), pl.Float64)
        return pl.DataFrame(values, schema_overrides=types).with_columns(n=pl.lit(self.line.n))

    def __str__(self) -> str:
        return "\n".join(self.conclusions)

    def _repr_html_(self) -> str:
        return self._shown(caption=self._summary(), notes=self.conclusions)

    def _summary(self) -> str:
        return f"{self.second} against {self.first}, n = {count(self.line.n)}"


@in_callers_kind
def dxa_qct_equivalence(
    people: Any,
    *,
    roi: str = "total_hip",
    reference: str | YoungAdultReference,
    own_reference: str | YoungAdultReference | None = None,
    criterion: str = "china_2020",
    error_ratio: float | ErrorRatio = 1.0,
    confidence: float = 0.95,
    accept_errors: bool = False,
) -> MethodEquivalence:
    """Hip CTXA against hip DXA in the same people.

    Parameters
    ----------
    people
        A frame of any kind with `sex`, `abmd_<roi>` and `abmd_<roi>_ctxa` [g/cm²], one row a
        person. People without either reading are counted and left out.
    roi
        `"total_hip"` or `"femoral_neck"`.
    reference
        Young-adult reference of the DXA T-score; "transported" when it scores CTXA.
    own_reference
        Young-adult reference of CTXA itself, with an entry `<roi>_ctxa`; None leaves that row out.
    criterion
        Whose T-score bands make the classes.
    error_ratio
        var(error of DXA)/var(error of CTXA), from repeats; 1 if unknown.
    confidence
        Of all intervals.
    accept_errors
        Compare although a cohort carries errors, see `cohort.refuse_errors`.

    Returns
    -------
    MethodEquivalence
        `reclassification` under three scorings of CTXA: by the transported reference, by its own,
        and by the transported one after calibration with the line.

    Notes
    -----
    Published: Cheng 2014 (R² and offset), Kong 2013 (offset).

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> dxa = rng.normal(0.8, 0.13, 150)
    >>> pairs = pl.DataFrame({"sex": ["female"] * 150, "abmd_total_hip": dxa,
    ...     "abmd_total_hip_ctxa": 0.86 * dxa - 0.02 + rng.normal(0, 0.045, 150)})
    >>> result = dxa_qct_equivalence(pairs, reference="zhang_2007")
    >>> [name for name, _ in result.reclassification]
    ['transported reference', 'transported reference after calibration']
    """
    people = refuse_errors(people, accept_errors=accept_errors)
    dxa, ctxa, sexes, lost = _hip_pairs(people, roi)
    published = [
        (published_range(["cheng_2014"], quantity="r_squared"), "r_squared"),
        (
            published_range(
                ["cheng_2014", "kong_2013"], quantity="ctxa_minus_dxa", unit="percent", roi=roi
            ),
            "offset",
        ),
    ]
    result = _compare(dxa, ctxa, ("DXA", "CTXA"), published, error_ratio, confidence)
    bands = _criterion(criterion).t_score

    def classes(values: Floats, by: YoungAdultReference, name: str) -> pl.Series:
        mean, sd = _reference_of(by, sexes, name)
        return pl.Series(bands.classify(t_score(values, mean=mean, sd=sd)), dtype=bands.dtype)

    given = _reference(reference)
    truth = classes(dxa, given, roi)
    scored = {"transported reference": classes(ctxa, given, roi)}
    if own_reference is not None:
        scored["own reference"] = classes(ctxa, _own(own_reference, roi), f"{roi}_ctxa")
    calibrated = result.line.inverse(ctxa)
    scored["transported reference after calibration"] = classes(calibrated, given, roi)
    tables = tuple(
        (name, transitions(pl.DataFrame({"DXA": truth, "CTXA": c}), first="DXA", second="CTXA"))
        for name, c in scored.items()
    )
    moved = (_moved(name, table) for name, table in tables)
    conclusions = (*result.conclusions, *moved, _gaps(lost))
    return replace(result, reclassification=tables, conclusions=conclusions)


@in_callers_kind
def spectral_qct_equivalence(
    *data: Any,
    qct: Column = None,
    spectral: Column = None,
    error_ratio: float | ErrorRatio = 1.0,
    confidence: float = 0.95,
) -> MethodEquivalence:
    """Spectral CT against QCT at the spine, both [mg/cm³] and one row a vertebra or person.

    Vertebrae of one person are not independent: intervals from them are too narrow.

    Parameters
    ----------
    *data, qct, spectral
        Readings [mg/cm³], shape (n,). They come first, or a frame comes first and `qct` and
        `spectral` name its columns.
    error_ratio
        var(error of QCT)/var(error of spectral CT).
    confidence
        Of the intervals.

    Examples
    --------
    >>> rng = np.random.default_rng(2)
    >>> qct = rng.normal(120, 40, 100)
    >>> result = spectral_qct_equivalence(qct, 0.95 * qct + rng.normal(0, 6, 100))
    >>> result.published[0][2]
    True
    """
    given = readings_of(data, qct=qct, spectral=spectral)
    pairs = paired(*given, same_unit=True)
    published = [(published_range(["roski_2019"], quantity="r"), "r")]
    names = ("QCT", "spectral CT")
    return _compare(pairs.x, pairs.y, names, published, error_ratio, confidence)


def _compare(
    x: Floats,
    y: Floats,
    names: tuple[str, str],
    published: list[tuple[PublishedRange, str]],
    error_ratio: float | ErrorRatio,
    confidence: float,
) -> MethodEquivalence:
    r = correlation(x, y, confidence=confidence)
    percent = bland_altman(x, y, scale="percent", confidence=confidence)
    ours = {
        "r_squared": r.r_squared.estimate,
        "r": r.pearson.estimate,
        "offset": 100 * (float(y.mean()) / float(x.mean()) - 1),
    }
    beside = tuple((span, ours[key], span.holds(ours[key])) for span, key in published)
    sd = float(np.std(x, ddof=1))
    return MethodEquivalence(
        first=names[0],
        second=names[1],
        correlation=r,
        line=deming(x, y, error_ratio=error_ratio, confidence=confidence),
        limits=bland_altman(x, y, confidence=confidence),
        limits_percent=percent,
        concordance=concordance(x, y, confidence=confidence),
        range_sd=sd,
        published=beside,
        reclassification=(),
        conclusions=(*(_beside(*b) for b in beside), *_meaning(r, sd)),
    )


def _beside(published: PublishedRange, value: float, within: bool) -> str:
    place = "within" if within else "outside"
    return (
        f"{published.quantity}: {number(value, digits=3)}, {place} the published "
        f"{number(published.low, digits=3)} to {number(published.high, digits=3)} "
        f"(grade {published.verification})."
    )


def _meaning(r: Correlation, sd: float) -> tuple[str, ...]:
    r2 = r.r_squared
    return (
        f"R² {r2.rounded(3)} belongs to people who differ by "
        f"an SD of {number(sd, digits=3)}: the same methods give a smaller R² in a narrower group "
        "(r_squared_at), and a larger in a wider one.",
        "R² within the published range shows that the two rank people alike. It does not show "
        "that they read alike: any offset leaves R² as it is. Bias, limits and reclassification "
        "decide that.",
    )


def _moved(name: str, table: Transitions) -> str:
    moved, kappa = table.reclassified, table.kappa().kappa
    return (
        f"CTXA by the {name}: {percent(moved.estimate, decimals=1)} % of {count(table.n)} change "
        f"class, kappa (quadratic) {kappa.rounded(2)}."
    )


def _gaps(lost: int) -> str:
    return f"{lost} people lacked sex or one of the two readings and were left out."


def _hip_pairs(people: Any, roi: str) -> tuple[Floats, Floats, NDArray, int]:
    names = ["sex", f"abmd_{roi}", f"abmd_{roi}_ctxa"]
    frame = as_polars(people)[0].lazy()
    absent = [name for name in names if name not in frame.collect_schema().names()]
    if absent:
        raise SchemaError(f"columns {absent} are missing: hip DXA and CTXA of the same people")
    table = frame.select(names).collect()
    complete = table.drop_nulls()
    pairs = paired(complete[names[1]], complete[names[2]], same_unit=True)
    sexes = complete["sex"].cast(pl.String).to_numpy()
    return pairs.x, pairs.y, sexes, len(table) - len(complete)


def _reference(given: str | YoungAdultReference) -> YoungAdultReference:
    return load("young_adult", given) if isinstance(given, str) else given


def _own(given: str | YoungAdultReference, roi: str) -> YoungAdultReference:
    reference = _reference(given)
    if all(entry.roi != f"{roi}_ctxa" for entry in reference.entries):
        raise NormError(
            f"{reference.id} has no entry {roi}_ctxa: a reference of CTXA's own comes from young "
            "adults scanned by CT (young_adult_reference derives one)"
        )
    return reference


def _criterion(name: str) -> Criterion:
    return load("criteria", name)


def _reference_of(by: YoungAdultReference, sexes: NDArray, roi: str) -> tuple[Floats, Floats]:
    """Mean and SD of each person's sex."""
    entries = {str(sex): by.mean_sd(str(sex), roi) for sex in np.unique(sexes)}
    absent = [sex for sex, value in entries.items() if value is None]
    if absent:
        raise NormError(f"{by.id} has no {roi} for {', '.join(absent)}; choose another reference")
    pairs = [(v.mean, v.sd) for v in (entries[str(sex)] for sex in sexes) if v is not None]
    means, sds = np.array(pairs).T
    return means, sds
