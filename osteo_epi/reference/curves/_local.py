"""Mean and SD by age without a formula: weighted local polynomials, as `svysmooth` of R survey.

At each age the people are weighted by a normal kernel, cut at four bandwidths, and a polynomial is
fitted to them. Wand & Jones 1995, doi:10.1201/b14876.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from osteo_epi.arguments import number
from osteo_epi.cohort import recognised_design
from osteo_epi.errors import DesignError, SchemaError
from osteo_epi.frames import as_polars, in_callers_kind, refuse_words
from osteo_epi.reference.curves._curve import refuse_people
from osteo_epi.results import Result
from osteo_epi.rounding import count
from osteo_epi.survey import Array, DesignArrays, SurveyDesign, covariance

REACH = 4.0
"""Bandwidths at which the kernel ends."""
NARROWEST, WIDEST, TRIED = 0.02, 0.5, 25
"""Of the range of ages: bandwidths that are tried, and how many."""
PLACES = 200


@dataclass(frozen=True, repr=False)
class LocalPolynomial(Result):
    """Mean and SD of a measurement by age, by local polynomials.

    Made by `fit_local_polynomial`; see there.

    Attributes
    ----------
    column
        What was measured.
    rows
        age [years], mean with mean_se, and sd.
    bandwidth
        [years] SD of the kernel.
    degree
        Of the polynomials.
    df
        Degrees of freedom of the mean.
    ages
        [years] First and last age of the people.
    n
        People.
    design
        The survey design, in words.
    """

    column: str
    rows: pl.DataFrame = field(repr=False)
    bandwidth: float
    degree: int
    df: float
    ages: tuple[float, float]
    n: int
    design: str

    def to_polars(self) -> pl.DataFrame:
        """Mean and SD by age."""
        return self.rows

    def _summary(self) -> str:
        return (
            f"{self.column}, bandwidth {self.bandwidth:.3g} years, {self.df:.1f} df, "
            f"{count(self.n)} people of {self.ages[0]:g}–{self.ages[1]:g} years"
        )


@in_callers_kind
def fit_local_polynomial(
    people: Any,
    column: str,
    *,
    at: npt.ArrayLike | None = None,
    bandwidth: float | None = None,
    degree: int = 1,
    design: Any = None,
    weight: str | None = None,
    age: str = "age",
) -> LocalPolynomial:
    """Mean and SD of a measurement by age, with no form assumed.

    Parameters
    ----------
    people
        Any frame of reference people of one group (one sex), with their age [years].
    column
        The measurement, e.g. "abmd_femoral_neck" [g/cm²]; above 0.
    at
        (m,) ages [years]; whole years by default.
    bandwidth
        [years] SD of the normal kernel; by default the one of least generalised cross-validation.
    degree
        Of the polynomials, 0 to 3; 1 is `svysmooth`'s.
    design, weight
        Survey design, or column of weights, as for `peaks`; by default what the columns state.
    age
        Column of ages [years].

    Returns
    -------
    LocalPolynomial
        With standard errors of the mean by linearisation over the design, for the bandwidth given:
        what smoothing takes from a bend is not in them. The SD is the root of squared residuals,
        smoothed likewise (Fan & Yao 1998, doi:10.1093/biomet/85.3.645).

    Raises
    ------
    SchemaError
        If a column is absent or not above 0, if there are too few people or ages, or if an age is
        asked that no people are near.
    DefinitionError
        If the bandwidth or the degree is out of reach.
    DesignError
        If the design is one of replicate weights, or half a design.

    Notes
    -----
    Equals `survey::svysmooth` 4.1 (`KernSmooth::locpoly`) to 1e-10 on ages of its grid. R moves
    every age down to a grid of 401 places first, up to 0.2 years; this takes ages as they are. R's
    own bandwidth is the plug-in `dpill`, which knows no weights.

    Examples
    --------
    >>> from osteo_epi.cohort import simulate
    >>> women = simulate(9_000, seed=1).frame.filter(pl.col("sex") == "female")
    >>> by_age = fit_local_polynomial(women, "abmd_femoral_neck", bandwidth=4, at=[30, 60])
    >>> by_age.to_frame().columns
    ['age', 'mean', 'mean_se', 'sd']
    """
    number(degree, "degree", least=0, most=3, whole=True)
    if bandwidth is not None:
        number(bandwidth, "bandwidth", above=0, unit="years")
    frame = as_polars(people)[0].lazy().collect()
    drawn = recognised_design(frame, design, weight=weight).design
    if not isinstance(drawn, SurveyDesign):
        raise DesignError(
            "a local polynomial takes a design of units: give design=SurveyDesign(...), or "
            "weight= for means without the design's errors"
        )
    cloud = Cloud.of(frame, column, age, drawn.arrays(frame))
    h = cloud.chosen_bandwidth(degree) if bandwidth is None else float(bandwidth)
    years = _years(cloud.ages, at)
    rows = cloud.rows(years, h, degree)
    df = cloud.fitted(h, degree)[1]
    return LocalPolynomial(column, rows, h, degree, df, cloud.ages, cloud.n, str(drawn))


def _years(ages: tuple[float, float], at: npt.ArrayLike | None) -> Array:
    low, high = ages
    if at is None:
        return np.arange(np.ceil(low), np.floor(high) + 1)
    years = np.atleast_1d(np.asarray(at, dtype=np.float64))
    if (years < low).any() or (years > high).any():
        raise SchemaError(
            f"at= asks ages of {years.min():g}–{years.max():g} years; the people are of "
            f"{low:g}–{high:g}, and nothing is said outside"
        )
    return years


@dataclass(frozen=True)
class Cloud:
    """People, and their sums at distinct ages.

    Parameters
    ----------
    y, x, weight
        (N,) measurements, ages [years] and weights of all rows; weights are 0 of those left out.
    arrays
        The design over the same rows.
    """

    y: Array
    x: Array
    weight: Array
    arrays: DesignArrays

    @classmethod
    def of(cls, frame: pl.DataFrame, column: str, age: str, arrays: DesignArrays) -> Cloud:
        """Read the columns; a missing measurement or age leaves a person out."""
        absent = [name for name in (column, age) if name not in frame.columns]
        if absent:
            raise SchemaError(f"column(s) {', '.join(absent)} are not in the data")
        refuse_words(frame.schema, (column, age), purpose="a curve")
        both = frame.select(pl.col(column, age).cast(pl.Float64).fill_null(np.nan))
        y, x = (both[name].to_numpy() for name in (column, age))
        inside = np.isfinite(y) & np.isfinite(x) & (arrays.weight > 0)
        refuse_people(both.filter(inside), column, age)
        weight = np.where(inside, arrays.weight, 0.0)
        fill = float(x[inside][0])
        return cls(np.where(inside, y, 0.0), np.where(inside, x, fill), weight, arrays)

    @property
    def n(self) -> int:
        """People."""
        return int((self.weight > 0).sum())

    @property
    def ages(self) -> tuple[float, float]:
        """[years] The range."""
        inside = self.x[self.weight > 0]
        return float(inside.min()), float(inside.max())

    def chosen_bandwidth(self, degree: int) -> float:
        """Of least generalised cross-validation."""
        low, high = self.ages
        tried = np.geomspace(NARROWEST, WIDEST, TRIED) * (high - low)
        scores = [self._cross_validation(float(h), degree) for h in tried]
        return float(tried[int(np.argmin(scores))])

    def _cross_validation(self, h: float, degree: int) -> float:
        try:
            mean, df = self.fitted(h, degree)
        except SchemaError:
            return np.inf
        squares = self.weight @ (self.y - mean) ** 2
        return float(squares / (self.n - df) ** 2) if df < self.n else np.inf

    def fitted(self, h: float, degree: int) -> tuple[Array, float]:
        """(N,) means at each row's age, between places of a grid, and degrees of freedom."""
        places = np.linspace(*self.ages, PLACES + 1)
        local = Local.of(places, self._summed(), h, degree)
        own = np.interp(self.x, places, local.inverse[:, 0, 0])
        return np.interp(self.x, places, local.coefficients[:, 0]), float(self.weight @ own)

    def _summed(self) -> tuple[Array, Array, Array]:
        """Distinct ages, and the sums of weights and of weighted measurements at them."""
        ages, place = np.unique(self.x, return_inverse=True)
        weight, total = (
            np.asarray(np.bincount(place, values, len(ages)), dtype=np.float64)
            for values in (self.weight, self.weight * self.y)
        )
        return ages, weight, total

    def rows(self, years: Array, h: float, degree: int) -> pl.DataFrame:
        """Mean, its error and SD at some ages."""
        local = Local.of(years, self._summed(), h, degree)
        linear = np.column_stack([self._linear(year, k, local) for k, year in enumerate(years)])
        error = np.sqrt(np.diag(covariance(linear, self.arrays, domain=self.weight > 0)))
        mean, df = self.fitted(h, degree)
        squared = replace(self, y=(self.y - mean) ** 2)
        spread = Local.of(years, squared._summed(), h, degree).coefficients[:, 0]
        share = self.n / (self.n - df)
        return pl.DataFrame(
            {
                "age": years,
                "mean": local.coefficients[:, 0],
                "mean_se": error,
                "sd": np.sqrt(np.where(spread > 0, spread * share, np.nan)),
            }
        ).fill_nan(None)

    def _linear(self, year: float, k: int, local: Local) -> Array:
        """(N,) what each row adds to the mean at one age."""
        distance = (self.x - year) / local.bandwidth
        powers = np.vander(distance, local.degree + 1, increasing=True)
        residual = self.y - powers @ local.coefficients[k]
        return np.asarray(
            self.weight * kernel(distance) * (powers @ local.inverse[k, 0]) * residual
        )


@dataclass(frozen=True)
class Local:
    """The polynomials at some places.

    Parameters
    ----------
    coefficients
        (m, p) in powers of the distance in bandwidths; the first is the mean.
    inverse
        (m, p, p) of the weighted sums of powers.
    """

    coefficients: Array
    inverse: Array
    bandwidth: float
    degree: int

    @classmethod
    def of(cls, places: Array, summed: tuple[Array, Array, Array], h: float, degree: int) -> Local:
        """Fit them to sums at distinct ages.

        Raises
        ------
        SchemaError
            If too few ages are within the kernel at a place.
        """
        ages, weight, total = summed
        distance = np.asarray((ages - places[:, None]) / h)
        weights = kernel(distance)
        if (np.count_nonzero(weights[:, weight > 0], axis=1) <= degree).any():
            raise SchemaError(
                f"at some ages fewer than {degree + 1} ages of people lie within {REACH:g} "
                f"bandwidths of {h:.3g} years: give a wider bandwidth="
            )
        sums, right = [], []
        for _ in range(2 * degree + 1):
            sums.append(weights @ weight)
            right.append(weights @ total)
            weights = weights * distance
        order = np.arange(degree + 1)
        matrix = np.column_stack(sums)[:, np.add.outer(order, order)]
        inverse = np.asarray(np.linalg.inv(matrix), dtype=np.float64)
        coefficients = np.einsum("mij,mj->mi", inverse, np.column_stack(right[: degree + 1]))
        return cls(coefficients, inverse, h, degree)


def kernel(distance: Array) -> Array:
    """Of the distance in bandwidths: normal, and nothing past its reach."""
    return np.where(np.abs(distance) <= REACH + 1e-9, np.exp(-0.5 * distance**2), 0.0)
