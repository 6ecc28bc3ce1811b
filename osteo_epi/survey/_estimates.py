"""Means, totals, proportions, ratios and their contrasts, with Taylor-linearised covariance.

Array layer: rows in, numbers out, no frame. Missing outcomes (NaN) leave the estimate, never the
design. A domain is a mask.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl
from scipy import special
from scipy.sparse import csr_array

from osteo_epi.errors import DesignError
from osteo_epi.frames import numbers_of
from osteo_epi.results import Result
from osteo_epi.rounding import count, number
from osteo_epi.summation import group_sums, sums, weighted_sums
from osteo_epi.survey._arrays import (
    Array,
    Codes,
    DesignArrays,
    Mask,
    degrees_of_freedom,
    refuse_nobody,
    rows_in,
)
from osteo_epi.survey._design import of_people
from osteo_epi.survey._variance import covariance


@dataclass(frozen=True, repr=False)
class Estimate(Result):
    """k estimates with their joint covariance.

    Parameters
    ----------
    value
        (k,) estimates.
    covariance
        (k, k) design-based covariance.
    n
        Rows that the estimates rest on, missing outcomes left out.
    df
        Degrees of freedom: first-stage units less strata in the domain.
    influence
        (n_rows, k) weighted linearised values, from which further statistics can be built; sparse
        where every row belongs to one of k groups.
    design_effect
        (k,) variance over that of simple random sampling without replacement of the same size,
        from a population that the weights add up to (R's `deff=TRUE`). Of weights that describe
        no population, as normalised ones, it means nothing: take `design_effect_replace`.
    design_effect_replace
        (k,) the same against sampling with replacement (R's `deff="replace"`).
    names
        What the k are of, where columns of a frame were named: columns, or levels of a group.
    """

    value: Array
    covariance: Array
    n: int
    df: int
    influence: Array | csr_array = field(repr=False)
    design_effect: Array | None = None
    design_effect_replace: Array | None = None
    names: tuple[str, ...] = ()

    @property
    def se(self) -> Array:
        """(k,) standard errors."""
        return np.sqrt(np.diag(self.covariance))

    def to_polars(self) -> pl.DataFrame:
        """One row an estimate: estimate, se, lower, upper (95 %, Student's t), n, df.

        `of` stands before them where columns of a frame were named.
        """
        lower, upper = self.interval()
        columns = {"estimate": self.value, "se": self.se, "lower": lower, "upper": upper}
        named = {"of": list(self.names)} if self.names else {}
        frame = pl.DataFrame(named | columns).fill_nan(None)
        return frame.with_columns(n=pl.lit(self.n), df=pl.lit(self.df))

    def _summary(self) -> str:
        if len(self.value) > 1:
            return f"{len(self.value)} estimates, n {count(self.n)}, df {self.df}"
        value, se = (number(float(a[0]), digits=3) for a in (self.value, self.se))
        return f"{value}, SE {se}, n {count(self.n)}, df {self.df}"

    def interval(self, *, confidence: float = 0.95, df: float | None = None) -> tuple[Array, Array]:
        """(k,) lower and upper Wald limits on Student's t (df=inf for the normal)."""
        reach = special.stdtrit(self.df if df is None else df, 0.5 + confidence / 2) * self.se
        return self.value - reach, self.value + reach


@of_people("values")
def mean(values: Array, design: DesignArrays, *, domain: Mask | None = None) -> Estimate:
    """Weighted means; of a 0/1 column, proportions.

    Parameters
    ----------
    values
        (n,) or (n, k); a row with NaN in any column is left out of all, as in R. Or a frame, and
        `values` the name of its column, or a list of names.
    design
        The design over the n rows; of a frame the `SurveyDesign` that names its columns.
    domain
        (n,) mask of the population that the means are about; of a frame a column or expression.

    Returns
    -------
    Estimate
        With both design effects.

    Raises
    ------
    DesignError
        If nobody of the domain has a value.

    Examples
    --------
    >>> from osteo_epi.survey import SurveyDesign
    >>> import polars as pl
    >>> frame = pl.DataFrame({"w": [1.0, 1.0, 2.0, 2.0], "p": [1, 2, 3, 4]})
    >>> design = SurveyDesign(weight="w", psu="p").arrays(frame)
    >>> mean(np.array([0.0, 1.0, 1.0, 0.0]), design)
    Estimate(0.5, SE 0.304, n 4, df 3)

    Of the columns of a frame:

    >>> people = frame.with_columns(bmd=pl.Series([0.8, 0.9, None, 1.1]))
    >>> mean(people, values="bmd", design=SurveyDesign(weight="w", psu="p"))
    Estimate(0.975, SE 0.0907, n 3, df 2)
    """
    table, rows, weight = _measured(values, design, domain)
    refuse_nobody(rows)
    size = float(sums(weight))
    value = weighted_sums(weight, table) / size
    deviation = np.where(rows[:, None], table - value, 0.0)
    influence = weight[:, None] * deviation / size
    result = _estimate(value, influence, design, rows)
    spread = weighted_sums(weight, deviation**2) / size
    return with_design_effects(result, spread, size)


def with_design_effects(result: Estimate, spread: Array, population: float) -> Estimate:
    """Add design effects of means, given the (k,) weighted variances of the outcomes."""
    n = result.n
    with np.errstate(divide="ignore", invalid="ignore"):
        simple = spread / (n - 1)
        over = np.diag(result.covariance) / simple
        left_out = (population - n) / population
        without = over / left_out if left_out > 0 else np.full_like(over, np.nan)
    return replace(result, design_effect=without, design_effect_replace=over)


@of_people("values")
def total(values: Array, design: DesignArrays, *, domain: Mask | None = None) -> Estimate:
    """Weighted totals: (n,) or (n, k) values, rows with NaN left out; of nobody, 0.

    A frame may come first, as in `mean`.
    """
    table, rows, weight = _measured(values, design, domain)
    return _estimate(weighted_sums(weight, table), weight[:, None] * table, design, rows)


@of_people("numerator", "denominator")
def ratio(
    numerator: Array, denominator: Array, design: DesignArrays, *, domain: Mask | None = None
) -> Estimate:
    """Ratio of two totals: (n,) numerator and (n,) denominator; rows with either NaN left out.

    A frame may come first, and the names of its columns, as in `mean`. Raises DesignError where
    nobody has both, or the denominator adds up to zero.
    """
    table, rows, weight = _measured(np.column_stack([numerator, denominator]), design, domain)
    refuse_nobody(rows)
    above, below = weighted_sums(weight, table)
    refuse_zero(below)
    value = above / below
    influence = weight * (table[:, 0] - value * table[:, 1]) / below
    return _estimate(np.array([value]), influence[:, None], design, rows)


@of_people("values", "group", groups=("group",))
def domain_means(
    values: Array, group: Codes, design: DesignArrays, *, domain: Mask | None = None
) -> Estimate:
    """Mean of one outcome in each of k groups, with the covariance between groups.

    Parameters
    ----------
    values
        (n,) outcome.
    group
        (n,) group 0 … k − 1 of each row; −1 for none. Of a frame the column of the groups.
    design, domain
        As for `mean`.

    Returns
    -------
    Estimate
        Of length k, NaN for a group in which nobody was measured. Two groups that share sampling
        units are correlated; `contrast` needs that.

    Raises
    ------
    DesignError
        If nobody belongs to a group.
    """
    refuse_nobody(group >= 0)
    inside = (group >= 0) if domain is None else domain & (group >= 0)
    table, rows, weight = _measured(values, design, inside)
    outcome, place, size = table[:, 0], np.where(rows, group, 0), int(group.max()) + 1
    people = group_sums(place, weight, size=size)
    with np.errstate(invalid="ignore", divide="ignore"):
        value = group_sums(place, weight * outcome, size=size) / people
        linear = np.where(rows, weight * (outcome - value[place]) / people[place], 0.0)
    # A row belongs to one group: k dense columns would hold k - 1 zeros for every number.
    influence = csr_array((linear, place, np.arange(len(place) + 1)), shape=(len(place), size))
    return _estimate(value, influence, design, rows)


@of_people("values")
def variance_of(values: Array, design: DesignArrays, *, domain: Mask | None = None) -> Estimate:
    """Population variance of one outcome, with the n / (n − 1) of R's `svyvar`.

    A frame may come first, as in `mean`. Raises DesignError where fewer than two people have a
    value.
    """
    refuse_nobody(_measured(values, design, domain)[1], least=2)
    centre = mean(values, design, domain=domain)
    inflated = (values - centre.value[0]) ** 2 * centre.n / (centre.n - 1)
    return mean(inflated, design, domain=domain)


def weighted_mean(values: Array, weight: Array) -> float:
    """Mean of (n,) values under (n,) weights above zero: `mean` without what a design says of it.

    For tables that show no error of it; the covariance costs many times the mean.

    Examples
    --------
    >>> weighted_mean(np.array([1.0, 4.0]), np.array([2.0, 1.0]))
    2.0
    """
    values = numbers_of(values, "values")
    if (weight == 1).all():  # the same to the last bit, in half the time
        return float(sums(values)) / len(values)
    return float(weighted_sums(weight, values) / sums(weight))


def weighted_variance(values: Array, weight: Array) -> float:
    """Variance of two or more (n,) values under weights, as `variance_of` has it, without an error.

    Examples
    --------
    >>> weighted_variance(np.array([1.0, 3.0]), np.array([0.5, 0.5]))
    2.0
    """
    deviation = values - weighted_mean(values, weight)
    np.square(deviation, out=deviation)
    deviation *= len(values)
    deviation /= len(values) - 1
    return weighted_mean(deviation, weight)


def contrast(result: Estimate, coefficients: Array) -> Estimate:
    """Linear combinations of estimates.

    Parameters
    ----------
    result
        k estimates.
    coefficients
        (k,) for one combination or (m, k) for m of them, for instance (1, −1) for a difference.

    Returns
    -------
    Estimate
        Of length m.

    Raises
    ------
    DesignError
        If the numbers of coefficients and estimates differ.
    """
    rows = np.atleast_2d(np.asarray(coefficients, dtype=float))
    if rows.shape[1] != len(result.value):
        raise DesignError(
            f"{rows.shape[1]} coefficient(s) for {len(result.value)} estimate(s): give one each, "
            "0 where an estimate has no part"
        )
    return Estimate(
        value=rows @ result.value,
        covariance=rows @ result.covariance @ rows.T,
        n=result.n,
        df=result.df,
        influence=result.influence @ rows.T,
    )


def log_ratio(result: Estimate, *, over: int = 1, under: int = 0) -> Estimate:
    """Logarithm of estimate `over` divided by estimate `under`, by the delta method.

    Exponentiate the value and the limits of its interval to get a ratio with its interval.
    Raises DesignError where either is not above zero.
    """
    if not min(result.value[over], result.value[under]) > 0:
        raise DesignError(
            "a ratio on the log scale needs two estimates above zero; take their difference: "
            "contrast(result, (1, -1))"
        )
    gradient = np.zeros(len(result.value))
    gradient[over] = 1 / result.value[over]
    gradient[under] = -1 / result.value[under]
    linear = contrast(result, gradient)
    return replace(linear, value=np.log(result.value[[over]] / result.value[[under]]))


def trend_coefficients(scores: Array, *, degree: int) -> Array:
    """(k,) orthogonal polynomial contrast over unequally spaced scores, of unit length.

    Raises DesignError where the scores have too few values for the degree.

    Examples
    --------
    >>> trend_coefficients(np.array([1.0, 2.0, 3.0]), degree=2).round(4)
    array([ 0.4082, -0.8165,  0.4082])
    """
    if len(np.unique(scores)) <= degree:
        raise DesignError(
            f"{len(np.unique(scores))} different score(s) for a trend of degree {degree}: it "
            f"needs {degree + 1} at least; give each group its own score, or lower the degree"
        )
    powers = np.vander(np.asarray(scores, float) - np.mean(scores), degree + 1, increasing=True)
    basis, triangle = np.linalg.qr(powers)
    return basis[:, degree] * np.sign(triangle[degree, degree])


def effective_size(proportion: Array, se: Array) -> Array:
    """Simple random sample size with the same variance: p (1 − p) / SE²."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return proportion * (1 - proportion) / np.square(se)


def refuse_zero(denominator: float) -> None:
    """Raise DesignError where a ratio would divide by zero."""
    if denominator == 0:
        raise DesignError(
            "the denominator of the ratio adds up to zero in the domain: take a larger domain, or "
            "look whether numerator and denominator were given the other way round"
        )


def _measured(
    values: Array, design: DesignArrays, domain: Mask | None
) -> tuple[Array, Mask, Array]:
    """Values with the rows that are out set to zero, the rows that are in, and their weights."""
    table = numbers_of(values, "values")
    table = table[:, None] if table.ndim == 1 else table
    if len(table) != design.n_rows:
        raise DesignError(
            f"{len(table)} value(s) for a design of {design.n_rows} rows: give one a row, NaN "
            "where it is missing, and the people that are meant as domain="
        )
    rows = rows_in(design, domain) & ~np.isnan(table).any(axis=1)
    return np.where(rows[:, None], table, 0.0), rows, np.where(rows, design.weight, 0.0)


def _estimate(
    value: Array, influence: Array | csr_array, design: DesignArrays, rows: Mask
) -> Estimate:
    return Estimate(
        value=np.atleast_1d(value),
        covariance=covariance(influence, design, domain=rows),
        n=int(rows.sum()),
        df=degrees_of_freedom(design, rows),
        influence=influence,
    )
