"""Families of outcomes with their canonical links, and the weighted fit of their coefficients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from scipy.special import expit, xlogy
from scipy.stats import f as fisher
from scipy.stats import t as student

from osteo_epi.errors import DesignError
from osteo_epi.survey._arrays import Array, DesignArrays, Mask, degrees_of_freedom, rows_in
from osteo_epi.survey._estimates import Estimate, variance_of
from osteo_epi.survey._variance import covariance

# The fit ends when no coefficient moves by more than this of the largest; steps shrink
# quadratically, so the last one that is larger leaves an error far below it.
CONVERGED = 1e-12
STEPS = 100


@dataclass(frozen=True)
class Family:
    """An outcome's distribution with its canonical link."""

    name: str
    mean: Callable[[Array], Array]
    variance: Callable[[Array], Array]
    start: Callable[[Array], Array]
    deviance: Callable[[Array, Array], Array]


def _logit(mu: Array) -> Array:
    return np.log(mu / (1 - mu))


GAUSSIAN = Family(
    "gaussian",
    lambda eta: eta,
    np.ones_like,
    lambda y: y,
    lambda y, mu: np.square(y - mu),
)
BINOMIAL = Family(
    "binomial",
    expit,
    lambda mu: mu * (1 - mu),
    lambda y: _logit((y + 0.5) / 2),
    lambda y, mu: 2 * (xlogy(y, y / mu) + xlogy(1 - y, (1 - y) / (1 - mu))),
)
POISSON = Family(
    "poisson",
    np.exp,
    lambda mu: mu,
    lambda y: np.log(y + 0.1),
    lambda y, mu: 2 * (xlogy(y, y / mu) - (y - mu)),
)
FAMILIES = {family.name: family for family in (GAUSSIAN, BINOMIAL, POISSON)}


def family_named(name: str) -> Family:
    """Look up "gaussian", "binomial" or "poisson"."""
    if name not in FAMILIES:
        raise DesignError(f"unknown family {name!r}: choose one of {', '.join(FAMILIES)}")
    return FAMILIES[name]


def fit(x: Array, y: Array, weight: Array, family: Family) -> Array:
    """(p,) coefficients by iteratively reweighted least squares."""
    eta = family.start(y)
    value = np.full(x.shape[1], np.inf)
    for _ in range(STEPS):
        last, value = value, _step(x, y, weight, eta, family)
        if not np.all(np.isfinite(value)):
            break
        eta = x @ value
        if _settled(value, last):
            return value
    raise DesignError(
        f"the {family.name} regression did not converge: a group may have no events (or nothing "
        "else); leave that term out or merge its levels"
    )


def _step(x: Array, y: Array, weight: Array, eta: Array, family: Family) -> Array:
    """(p,) next coefficients; NaN where the fit has run off to infinity."""
    mu = family.mean(eta)
    variance = family.variance(mu)
    if not np.all(variance > 0):
        return np.full(x.shape[1], np.nan)
    work = weight * variance
    try:
        information = x.T @ (x * work[:, None])
        solved = np.linalg.solve(information, x.T @ (work * eta + weight * (y - mu)))
        return np.asarray(solved, dtype=float)
    except np.linalg.LinAlgError:
        return np.full(x.shape[1], np.nan)


def _settled(value: Array, last: Array) -> bool:
    """No coefficient moves by more than the noise of the arithmetic."""
    return bool(np.all(np.abs(value - last) <= CONVERGED * np.abs(value).max()))


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
