"""Z-scores of people under a curve, in bands of age, with the design by which they were drawn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_array

from osteo_epi.cohort import recognised_design
from osteo_epi.errors import DefinitionError, SchemaError
from osteo_epi.frames import as_polars, refuse_words
from osteo_epi.norms import SEXES
from osteo_epi.reference.curves import Curve
from osteo_epi.reference.curves._curve import is_of
from osteo_epi.rounding import count
from osteo_epi.survey import (
    Array,
    Design,
    Estimate,
    Mask,
    ReplicateDesign,
    SurveyDesign,
    covariance,
    mean,
    replicate_estimate,
    replicate_mean,
)

LEAST, IN_BAND = 50, 20
"""People below which nothing is judged, and below which no band of age is made by itself."""
Codes = NDArray[np.int64]


@dataclass(frozen=True)
class Band:
    """People of neighbouring ages.

    Parameters
    ----------
    first, last
        [years] Ages of the youngest and the oldest person of it.
    rows
        (N,) who belongs to it.
    """

    first: float
    last: float
    rows: Mask

    @property
    def name(self) -> str:
        """Both ages."""
        return f"{self.first:.4g}–{self.last:.4g}"

    @property
    def columns(self) -> dict[str, Any]:
        """What names it in a row of a table."""
        return {"ages": self.name, "first": self.first, "last": self.last}


@dataclass(frozen=True)
class Residuals:
    """Z-scores of the people of a curve, or of others.

    Parameters
    ----------
    curve, design, frame
        What they are of; all rows of the people keep their units in the design.
    age, y, z
        (N,) [years], measurement, [SD]; z is NaN where there is none.
    weight
        (N,) of the design.
    bands
        Of age, ascending.
    same
        Whether the curve was fitted to these people.
    notes
        What has to be known of them.
    """

    curve: Curve
    design: Design
    frame: pl.DataFrame
    age: Array
    y: Array
    z: Array
    weight: Array
    bands: tuple[Band, ...]
    same: bool
    notes: tuple[str, ...]

    @cached_property
    def known(self) -> Mask:
        """(N,) who has a score that is a number."""
        return np.asarray(np.isfinite(self.z))

    @property
    def n(self) -> int:
        """People with a score."""
        return int(self.known.sum())

    @cached_property
    def drawn(self) -> Any:
        """The design over all rows: its arrays, or its replicates."""
        if isinstance(self.design, ReplicateDesign):
            return self.design.sample(self.frame)
        return self.design.arrays(self.frame)

    def means(self, table: Array, rows: Mask) -> Estimate:
        """Weighted means of the columns of (N, k) among some rows, by the design."""
        if self.is_simple:
            return _simple_means(table[rows], len(table))
        of = replicate_mean if isinstance(self.design, ReplicateDesign) else mean
        return of(np.where(rows[:, None], table, np.nan), self.drawn, domain=rows)

    def moments(self, codes: Codes, k: int) -> tuple[Array, Array]:
        """(2k,) means and logarithms of the SD of k groups, and their (2k, 2k) covariance.

        Parameters
        ----------
        codes
            (N,) group of each row; −1 for none.
        """
        if isinstance(self.design, ReplicateDesign):
            of_weights = replicate_estimate(
                lambda weight: _moments(self.z, weight, codes, k)[0], self.drawn, n=self.n
            )
            return of_weights.value, of_weights.covariance
        value, linear = _moments(self.z, self.weight, codes, k)
        return value, covariance(linear, self.drawn, domain=codes >= 0)

    @cached_property
    def effective(self) -> tuple[float, ...]:
        """Effective number of people in each band: Kish's, less what units of a design cost."""
        return tuple(self.size(band.rows) for band in self.bands)

    def size(self, rows: Mask) -> float:
        """Effective number of people among some rows."""
        return _kish(self.weight[rows]) / self.cost

    @cached_property
    def cost(self) -> float:
        """How many times the units of a design raise the variance of the mean; 1 at least.

        Averaged over the bands: in one band it is too uncertain.
        """
        if self.is_simple:
            return 1.0
        costs = []
        for band in self.bands:
            found = self.means(self.z[:, None], band.rows)
            spread = float(np.cov(self.z[band.rows], aweights=self.weight[band.rows]))
            costs.append(found.covariance[0, 0] * _kish(self.weight[band.rows]) / spread)
        return max(1.0, float(np.mean(costs)))

    @property
    def is_simple(self) -> bool:
        """Whether people were drawn independently, each with the same chance."""
        return isinstance(self.design, SurveyDesign) and self.design.is_simple

    @property
    def everybody(self) -> Band:
        """All ages as one band."""
        ages = self.age[self.known]
        return Band(float(ages.min()), float(ages.max()), self.known)


def read_residuals(
    curve: Curve, people: Any, *, design: Any, age: str, groups: int, cuts: Sequence[float] | None
) -> Residuals:
    """Score the people and put them into bands of age.

    Raises
    ------
    SchemaError
        If a column is absent, a measurement is 0 or below, or too few people have a score.
    DefinitionError
        If the bands are no bands of age.
    """
    frame = as_polars(people)[0].lazy().collect()
    absent = [name for name in (curve.column, age) if name not in frame.columns]
    if absent:
        raise SchemaError(f"column(s) {', '.join(absent)} are not in the data")
    refuse_words(frame.schema, (curve.column, age), purpose="a curve")
    stated = recognised_design(frame, design, weight=curve.weight if design is None else None)
    drawn = stated.design
    weighed = drawn.sample(frame) if isinstance(drawn, ReplicateDesign) else drawn.arrays(frame)
    y, years = (
        frame[name].cast(pl.Float64).fill_null(np.nan).to_numpy() for name in (curve.column, age)
    )
    measured = np.isfinite(y) & np.isfinite(years) & (weighed.weight > 0)
    _refuse(curve, y, measured)
    z = np.where(measured, curve.z(years, y), np.nan)
    known = np.isfinite(z)
    same = is_of(curve, years[measured], y[measured], weighed.weight[measured])
    notes = [*stated.notes, *_notes(curve, frame, drawn, years, measured, known, same)]
    if int(known.sum()) < LEAST:
        raise SchemaError(
            f"{int(known.sum())} people have {curve.column} and an age of {curve.ages[0]:g}–"
            f"{curve.ages[1]:g} years, within the curve; expected {LEAST} at least to judge it"
        )
    bands = _bands(curve, years, known, groups, cuts, same, notes)
    return Residuals(
        curve, drawn, frame, years, y, np.where(known, z, np.nan), weighed.weight, bands, same,
        tuple(notes),
    )  # fmt: skip


def _refuse(curve: Curve, y: Array, measured: Mask) -> None:
    wrong = int((y[measured] <= 0).sum())
    if wrong and curve.family.name != "normal":
        raise SchemaError(
            f"column {curve.column} is 0 or below in {wrong:,} row(s), expected above 0: set what "
            "was not measured to missing"
        )


def _notes(
    curve: Curve, frame: pl.DataFrame, design: Design, age: Array, measured: Mask, known: Mask,
    same: bool,
) -> Iterator[str]:  # fmt: skip
    outside = measured & ((age < curve.ages[0]) | (age > curve.ages[1]))
    if outside.any():
        yield (
            f"{count(int(outside.sum()))} of the people are outside {curve.ages[0]:g}–"
            f"{curve.ages[1]:g} years, where there is no curve: without a score, not judged"
        )
    endless = int((measured & ~outside & ~known).sum())
    if endless:
        yield (
            f"{count(endless)} of the people are so far out that the curve gives no finite score: "
            f"left out; look at column {curve.column}"
        )
    if not same:
        yield "the people are not those of the fit: nothing is taken off for its degrees of freedom"
    if design.weight != curve.weight:
        own, theirs = (name or "equal weights" for name in (curve.weight, design.weight))
        yield f"the curve was fitted with {own}, the people are weighted by {theirs}"
    if "sex" in frame.columns:
        sexes = set(frame.filter(known)["sex"].cast(pl.String).unique()) & set(SEXES)
        if len(sexes) > 1:
            yield "people of both sexes are judged together; a reference has a curve for each"


def _bands(
    curve: Curve, age: Array, known: Mask, groups: int, cuts: Sequence[float] | None, same: bool,
    notes: list[str],
) -> tuple[Band, ...]:  # fmt: skip
    ages = age[known]
    if cuts is None:
        cuts = _even_cuts(curve, ages, groups, same, notes)
    elif list(cuts) != sorted(set(cuts)):
        raise DefinitionError(f"cuts={list(cuts)!r}; expected ages in ascending order")
    place = np.searchsorted(np.asarray(cuts, dtype=float), age, side="right")
    bands = []
    for code in range(len(cuts) + 1):
        rows = known & (place == code)
        if rows.any():
            bands.append(Band(float(age[rows].min()), float(age[rows].max()), rows))
    few = [band.name for band in bands if band.rows.sum() < IN_BAND]
    if few:
        raise DefinitionError(
            f"fewer than {IN_BAND} people are {', '.join(few)} years old: give fewer cuts= or "
            "groups="
        )
    return tuple(bands)


def _even_cuts(
    curve: Curve, ages: Array, groups: int, same: bool, notes: list[str]
) -> Sequence[float]:
    """Ages that part the people into groups of about the same number."""
    # As R gamlss: fewer groups leave Q no degrees of freedom.
    needed = int(np.ceil(max(curve.fit.df.values()) + 1.9)) if same else 1
    wanted = min(max(groups, needed), len(ages) // IN_BAND)
    if wanted > groups:
        notes.append(f"{wanted} groups of age in place of {groups}: as the curve's df need")
    # Half-way between two ages, so that each person of an age is in one group.
    distinct, n = np.unique(ages, return_counts=True)
    below = np.cumsum(n)[:-1]
    middles = (distinct[:-1] + distinct[1:]) / 2
    cuts: list[float] = []
    start = 0
    for _ in range(wanted - 1):
        left = wanted - len(cuts)
        aim = start + (len(ages) - start) / left
        free = (below - start >= IN_BAND) & (len(ages) - below >= IN_BAND)
        if not free.any():
            break
        best = int(np.argmin(np.where(free, np.abs(below - aim), np.inf)))
        cuts.append(float(middles[best]))
        start = int(below[best])
    if len(cuts) + 1 < min(groups, wanted):
        notes.append(
            f"{count(len(cuts) + 1)} groups of age in place of {groups}: too few people or ages"
        )
    return cuts


def _simple_means(table: Array, everybody: int) -> Estimate:
    """As `mean` in a domain of a simple random sample, of the domain's rows alone: it is faster."""
    n = len(table)
    value = table.mean(axis=0)
    about = table - value
    spread = about.T @ about / n**2 * everybody / (everybody - 1)
    return Estimate(value, spread, n, n - 1, np.zeros((0, len(value))))


def _kish(weight: Array) -> float:
    return float(weight.sum() ** 2 / (weight**2).sum())


def _moments(z: Array, weight: Array, codes: Codes, k: int) -> tuple[Array, csr_array]:
    """(2k,) means and log SDs, and the (N, 2k) linearised values: two a row are not zero."""
    rows = np.flatnonzero((codes >= 0) & (weight > 0))
    code, w, own = codes[rows], weight[rows], z[rows]
    with np.errstate(divide="ignore", invalid="ignore"):
        share = w / np.bincount(code, w, minlength=k)[code]
        mean = np.bincount(code, share * own, minlength=k)
        n = np.bincount(code, minlength=k)
        square = (own - mean[code]) ** 2 * (n / np.maximum(n - 1, 1))[code]
        variance = np.bincount(code, share * square, minlength=k)
        value = np.concatenate([mean, 0.5 * np.log(variance)])
        value[np.tile(n == 0, 2)] = np.nan
        of_spread = share * (square - variance[code]) / (2 * variance[code])
    linear = np.concatenate([share * (own - mean[code]), of_spread])
    places = np.concatenate([rows, rows]), np.concatenate([code, code + k])
    return value, csr_array((linear, places), shape=(len(z), 2 * k))
