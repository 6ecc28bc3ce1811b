"""Linear, logistic and Poisson regression of a survey, with design-based covariance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from scipy.stats import f as fisher
from scipy.stats import t as student

from osteo_epi.errors import DesignError
from osteo_epi.population.estimate import Estimate, variance_of
from osteo_epi.population.families import family_named, fit
from osteo_epi.population.structure import (
    Array,
    DesignArrays,
    Mask,
    degrees_of_freedom,
    rows_in,
)
from osteo_epi.population.variance import covariance


@dataclass(frozen=True)
class Regression:
    """Coefficients with design-based covariance.

    Parameters
    ----------
    names
        (p,) of the columns.
    value, covariance
        (p,) coefficients and their (p, p) design-based covariance.
    naive
        (p, p) inverse of the weighted information, weights of mean 1.
    df_residual
        Degrees of freedom of the design + 1 − p.
    dispersion, deviance
        Population variance of the Pearson residuals; deviance under weights of mean 1.
    n, family
        Rows used, and the family's name.
    influence
        (n_rows, p) linearised values.
    """

    names: tuple[str, ...]
    value: Array
    covariance: Array
    naive: Array
    df_residual: int
    dispersion: float
    deviance: float
    n: int
    family: str
    influence: Array = field(repr=False)

    @property
    def se(self) -> Array:
        """(p,) standard errors."""
        return np.sqrt(np.diag(self.covariance))

    def to_frame(self, *, confidence: float = 0.95) -> pl.DataFrame:
        """One row a term: term, estimate, se, t, p, lower, upper, df."""
        t = self.value / self.se
        reach = student.ppf(0.5 + confidence / 2, self.df_residual) * self.se
        return pl.DataFrame(
            {
                "term": self.names,
                "estimate": self.value,
                "se": self.se,
                "t": t,
                "p": 2 * student.sf(np.abs(t), self.df_residual),
                "lower": self.value - reach,
                "upper": self.value + reach,
            }
        ).with_columns(df=pl.lit(self.df_residual))

    def _repr_html_(self) -> str:
        return self.to_frame()._repr_html_()


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
        Fitted to 1e-12, where R's `svyglm` ends at 1e-8 and leaves SE off by up to 4e-6.

    Raises
    ------
    DesignError
        If columns repeat each other, or the fit does not end (a group without events).
    """
    chosen = family_named(family)
    rows = rows_in(design, domain) & ~np.isnan(outcome) & ~np.isnan(table).any(axis=1)
    x, y, weight = table[rows], outcome[rows], design.weight[rows]
    weight = weight / weight.mean()
    called = tuple(names) if names is not None else tuple(f"x{i}" for i in range(table.shape[1]))
    _refuse_collinear(x, called)
    value = fit(x, y, weight, chosen)
    mu = chosen.mean(x @ value)
    naive = np.linalg.inv(x.T @ (x * (weight * chosen.variance(mu))[:, None]))
    influence = np.zeros(table.shape)
    influence[rows] = (x * (weight * (y - mu))[:, None]) @ naive
    residual = np.full(len(outcome), np.nan)
    residual[rows] = (y - mu) / np.sqrt(chosen.variance(mu))
    return Regression(
        names=called,
        value=value,
        covariance=covariance(influence, design, domain=rows),
        naive=naive,
        df_residual=degrees_of_freedom(design, rows) + 1 - x.shape[1],
        dispersion=float(variance_of(residual, design, domain=rows).value[0]),
        deviance=float(weight @ chosen.deviance(y, mu)),
        n=int(rows.sum()),
        family=chosen.name,
        influence=influence,
    )


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
    """Wald test that all of these coefficients are zero: F, its two df, and p."""
    at = [result.names.index(term) for term in terms]
    value = result.value[at]
    wald = value @ np.linalg.solve(result.covariance[np.ix_(at, at)], value)
    statistic = float(wald) / len(at)
    p = float(fisher.sf(statistic, len(at), result.df_residual))
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
    """
    family = family_named(result.family)
    usable = ~np.isnan(np.stack([t.sum(axis=1) for t in tables])).any(axis=0)
    rows = rows_in(design, domain) & usable
    weight = np.where(rows, design.weight, 0.0) / design.weight[rows].sum()
    value, parts = [], []
    for table in tables:
        clean = np.where(rows[:, None], table, 0.0)
        mu = family.mean(clean @ result.value)
        average = float(weight @ mu)
        slope = (weight * family.variance(mu)) @ clean
        value.append(average)
        parts.append(weight * (mu - average) * rows + result.influence @ slope)
    influence = np.column_stack(parts)
    df = degrees_of_freedom(design, rows)
    cov = covariance(influence, design, domain=rows)
    return Estimate(np.array(value), cov, int(rows.sum()), df, influence)


def _refuse_collinear(x: Array, names: tuple[str, ...]) -> None:
    triangle = np.abs(np.diag(np.linalg.qr(x / np.maximum(np.abs(x).max(axis=0), 1e-300), "r")))
    weak = [names[i] for i in np.flatnonzero(triangle < 1e-10 * triangle.max())]
    if weak or len(x) < x.shape[1]:
        raise DesignError(
            f"column(s) {', '.join(weak) or 'of the model'} follow from the others, or there are "
            "fewer people than columns: leave them out"
        )
