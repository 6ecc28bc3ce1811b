"""Linear, logistic and Poisson regression of a survey, with design-based covariance."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import special

from osteo_epi.errors import DesignError
from osteo_epi.frames import numbers_of
from osteo_epi.results import Result
from osteo_epi.rounding import count
from osteo_epi.summation import sums, weighted_sums
from osteo_epi.survey._arrays import (
    Array,
    DesignArrays,
    Mask,
    degrees_of_freedom,
    refuse_names,
    refuse_nobody,
    rows_in,
)
from osteo_epi.survey._estimates import Estimate, variance_of
from osteo_epi.survey._variance import covariance

FAMILIES = {"gaussian": "Gaussian", "binomial": "Binomial", "poisson": "Poisson"}
# Steps of the fit shrink quadratically: the one after such a step is at the arithmetic's end.
LAST_STEP = 1e-9
STEPS = 100
REFINED = 3


@dataclass(frozen=True, repr=False)
class Regression(Result):
    """Coefficients with design-based covariance.

    Parameters
    ----------
    names
        (p,) of the columns.
    value, covariance
        (p,) coefficients and their (p, p) design-based covariance.
    df_residual
        Degrees of freedom of the design + 1 − p.
    dispersion
        Population variance of the Pearson residuals.
    n, family
        Rows used, and the family's name.
    influence
        (n_rows, p) linearised values.
    """

    names: tuple[str, ...]
    value: Array
    covariance: Array
    df_residual: int
    dispersion: float
    n: int
    family: str
    influence: Array = field(repr=False)

    @property
    def se(self) -> Array:
        """(p,) standard errors."""
        return np.sqrt(np.diag(self.covariance))

    def to_polars(self, *, confidence: float = 0.95) -> pl.DataFrame:
        """One row a term: term, estimate, se, t, p, lower, upper, df."""
        t = self.value / self.se
        reach = special.stdtrit(self.df_residual, 0.5 + confidence / 2) * self.se
        return pl.DataFrame(
            {
                "term": self.names,
                "estimate": self.value,
                "se": self.se,
                "t": t,
                "p": 2 * special.stdtr(self.df_residual, -np.abs(t)),
                "lower": self.value - reach,
                "upper": self.value + reach,
            }
        ).with_columns(df=pl.lit(self.df_residual))

    def _summary(self) -> str:
        return f"{self.family}, {len(self.names)} terms, n {count(self.n)}"


def survey_regression(
    outcome: Array,
    table: Array,
    design: DesignArrays,
    *,
    family: str = "gaussian",
    names: Sequence[str] | None = None,
    domain: Mask | None = None,
) -> Regression:
    """Fit a generalised linear model and linearise it over the design.

    Parameters
    ----------
    outcome
        (n,) quantity, 0/1, or count; NaN leaves the fit.
    table
        (n, p) columns, the intercept among them (see `covariates`); a row with NaN leaves the fit.
    design, domain
        The design over the n rows and the (n,) mask of the population.
    family
        "gaussian" (identity), "binomial" (logit) or "poisson" (log).
    names
        (p,) names of the columns.

    Returns
    -------
    Regression
        Fitted to the end of double precision, where R's `svyglm` ends at 1e-8 and leaves SE off
        by up to 4e-6.

    Raises
    ------
    DesignError
        If nobody of the domain has outcome and columns, the outcome is the same in everybody,
        columns repeat each other, or the fit does not end (a group without events).

    Notes
    -----
    The fit is that of `statsmodels` with sampling weights; its covariance, which takes people as
    independent, is not used.

    Examples
    --------
    >>> from osteo_epi.survey import SurveyDesign
    >>> people = pl.DataFrame({"w": [1.0, 2, 1, 2], "age": [50.0, 60, 70, 80],
    ...                        "bmd": [0.9, 0.8, 0.8, 0.6]})
    >>> table, names = covariates(people, ["age"])
    >>> design = SurveyDesign(weight="w").arrays(people)
    >>> result = survey_regression(people["bmd"].to_numpy(), table, design, names=names)
    >>> result.to_frame().select("term", pl.col("estimate").round(4)).rows()
    [('(Intercept)', 1.3864), ('age', -0.0095)]
    """
    refuse_names("survey_regression", outcome=outcome, table=table, design=design)
    likelihood, outcome = _family(family), numbers_of(outcome, "outcome")
    rows = rows_in(design, domain) & ~np.isnan(outcome) & ~np.isnan(table).any(axis=1)
    refuse_nobody(rows)
    x, y, weight = table[rows], outcome[rows], design.weight[rows]
    if np.ptp(y) == 0:
        raise DesignError(
            f"the outcome is the same in all {len(y)} people: there is nothing to regress; take a "
            "larger domain, or another outcome"
        )
    weight = weight / (float(sums(weight)) / len(weight))
    called = tuple(names) if names is not None else tuple(f"x{i}" for i in range(table.shape[1]))
    _refuse_collinear(x, called)
    value = _settled(_fit(x, y, weight, likelihood), x, y, weight, likelihood)
    mu = likelihood.fitted(_row_by_row(x, value))
    variance = likelihood.variance(mu)
    information = _crossed(x, weight * variance)
    influence = np.zeros(table.shape)
    scores = x * (weight * (y - mu))[:, None]
    influence[rows] = _row_by_row(scores, np.linalg.inv(information))
    residual = np.full(len(outcome), np.nan)
    residual[rows] = (y - mu) / np.sqrt(variance)
    return Regression(
        names=called,
        value=value,
        covariance=covariance(influence, design, domain=rows),
        df_residual=degrees_of_freedom(design, rows) + 1 - x.shape[1],
        dispersion=float(variance_of(residual, design, domain=rows).value[0]),
        n=int(rows.sum()),
        family=family,
        influence=influence,
    )


def _settled(near: Array, x: Array, y: Array, weight: Array, likelihood: Any) -> Array:
    """The end of a fit, the same in every order of the people and for any number of threads.

    What the solver gives differs from order to order in the last digits. Rounded to half of them it
    does not, and steps of Newton's, whose sums are exact, lead to the end again.
    """
    value = near.astype(np.float32).astype(float)
    for _ in range(REFINED):
        mu = likelihood.fitted(_row_by_row(x, value))
        score = weighted_sums(weight * (y - mu), x)
        value = value + np.linalg.solve(_crossed(x, weight * likelihood.variance(mu)), score)
    return value


def _crossed(x: Array, weight: Array) -> Array:
    """(p, p) weighted sums of products of the columns of an (n, p) table."""
    table = np.array([weighted_sums(weight * column, x) for column in x.T])
    return (table + table.T) / 2


def _row_by_row(table: Array, by: NDArray[Any]) -> Array:
    """`table @ by`, where a row's number does not depend on which rows stand beside it."""
    return np.einsum("ij,j...->i...", table, by)


def covariates(frame: pl.DataFrame, columns: Sequence[str]) -> tuple[Array, tuple[str, ...]]:
    """Columns of a frame as (n, p) numbers with an intercept; text against its first level.

    Examples
    --------
    >>> people = pl.DataFrame({"age": [50.0, 60.0], "sex": ["female", "male"]})
    >>> table, names = covariates(people, ["age", "sex"])
    >>> names, table.tolist()
    (('(Intercept)', 'age', 'sex male'), [[1.0, 50.0, 0.0], [1.0, 60.0, 1.0]])
    """
    parts, names = [np.ones(frame.height)], ["(Intercept)"]
    for column in columns:
        series = frame[column]
        if series.dtype.is_numeric() or series.dtype == pl.Boolean:
            parts.append(series.cast(pl.Float64).fill_null(np.nan).to_numpy())
            names.append(column)
            continue
        text = series.cast(pl.String)
        for level in sorted(text.drop_nulls().unique())[1:]:
            parts.append((text == level).cast(pl.Float64).fill_null(np.nan).to_numpy())
            names.append(f"{column} {level}")
    return np.column_stack(parts), tuple(names)


def term_test(result: Regression, terms: Sequence[str]) -> tuple[float, int, int, float]:
    """Wald test that all of these coefficients are zero: F, its two df, and p.

    Raises DesignError for a term that the model does not have.
    """
    unknown = [term for term in terms if term not in result.names]
    if unknown or not terms:
        raise DesignError(
            f"term(s) {', '.join(unknown) or 'none'} to test; the model has "
            f"{', '.join(result.names)}: name some of these"
        )
    at = [result.names.index(term) for term in terms]
    value = result.value[at]
    wald = value @ np.linalg.solve(result.covariance[np.ix_(at, at)], value)
    statistic = float(wald) / len(at)
    p = float(special.fdtrc(len(at), result.df_residual, statistic))
    return statistic, len(at), result.df_residual, p


def marginal_means(
    result: Regression,
    tables: Sequence[Array],
    design: DesignArrays,
    *,
    domain: Mask | None = None,
) -> Estimate:
    """Adjusted means by marginal standardisation, with delta-method standard errors.

    Parameters
    ----------
    result
        The fitted model.
    tables
        k tables (n, p): the model's columns with the exposure set to one of its k levels for
        everybody.
    design, domain
        As the model was fitted.

    Returns
    -------
    Estimate
        k means of the predictions over the population, with their covariance: both the
        coefficients and the people over whom is averaged are random. Use `contrast` for
        differences.

    Raises
    ------
    DesignError
        If nobody of the domain has all columns.
    """
    likelihood = _family(result.family)
    usable = ~np.isnan(np.stack([t.sum(axis=1) for t in tables])).any(axis=0)
    rows = rows_in(design, domain) & usable
    refuse_nobody(rows)
    weight = np.where(rows, design.weight, 0.0) / float(sums(design.weight[rows]))
    value, parts = [], []
    for table in tables:
        clean = np.where(rows[:, None], table, 0.0)
        mu = likelihood.fitted(_row_by_row(clean, result.value))
        average = float(weighted_sums(weight, mu))
        slope = weighted_sums(weight * likelihood.variance(mu), clean)
        value.append(average)
        parts.append(weight * (mu - average) * rows + _row_by_row(result.influence, slope))
    influence = np.column_stack(parts)
    df = degrees_of_freedom(design, rows)
    cov = covariance(influence, design, domain=rows)
    return Estimate(np.array(value), cov, int(rows.sum()), df, influence)


def _family(name: str) -> Any:
    """The distribution with its canonical link, as statsmodels writes it."""
    from statsmodels.genmod import families

    if name not in FAMILIES:
        raise DesignError(f"unknown family {name!r}: choose one of {', '.join(FAMILIES)}")
    return getattr(families, FAMILIES[name])()


def _fit(x: Array, y: Array, weight: Array, likelihood: Any) -> Array:
    """(p,) coefficients by iteratively reweighted least squares."""
    from statsmodels.genmod.generalized_linear_model import GLM

    model = GLM(y, x, family=likelihood, freq_weights=weight)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where events are separated, the fit never settles
        result = model.fit(maxiter=STEPS, tol=LAST_STEP, rtol=LAST_STEP, tol_criterion="params")
    if not (result.converged and np.isfinite(result.params).all()):
        raise DesignError(
            f"the {type(likelihood).__name__.lower()} regression did not converge: a group may "
            "have no events (or nothing else); leave that term out or merge its levels"
        )
    return np.asarray(result.params, dtype=float)


def _refuse_collinear(x: Array, names: tuple[str, ...]) -> None:
    triangle = np.abs(np.diag(np.linalg.qr(x / np.maximum(np.abs(x).max(axis=0), 1e-300), "r")))
    weak = [names[i] for i in np.flatnonzero(triangle < 1e-10 * triangle.max())]
    if weak or len(x) < x.shape[1]:
        raise DesignError(
            f"column(s) {', '.join(weak) or 'of the model'} follow from the others, or there are "
            "fewer people than columns: leave them out"
        )
