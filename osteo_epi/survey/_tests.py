"""Tests of association between two classifications of a survey, and of differences in rank."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.stats import chi2, norm, rankdata
from scipy.stats import f as fisher
from scipy.stats import t as student

from osteo_epi.errors import DesignError
from osteo_epi.survey._arrays import Array, Codes, DesignArrays, Mask, degrees_of_freedom, rows_in
from osteo_epi.survey._estimates import Estimate, contrast, mean, total
from osteo_epi.survey._regression import Regression, survey_regression

STATISTICS = ("F", "Chisq", "Wald", "adjWald", "saddlepoint")
RANKS = ("wilcoxon", "vanderWaerden", "median")


@dataclass(frozen=True)
class Test:
    """A statistic with its degrees of freedom and p value."""

    __test__ = False

    name: str
    statistic: float
    df: tuple[float, ...]
    p: float
    estimate: float = float("nan")


def association(
    row: Codes,
    column: Codes,
    design: DesignArrays,
    *,
    statistic: str = "F",
    domain: Mask | None = None,
    n: int | None = None,
) -> Test:
    """Test whether two classifications are independent in the population.

    Parameters
    ----------
    row, column
        (n,) classes 0 …; −1 where missing, which leaves the test.
    design, domain
        The design over the n rows and the (n,) mask of the population.
    statistic
        "F" (Rao and Scott second order, the default), "Chisq" (first order), "saddlepoint"
        (the mixture of chi squares), "Wald", "adjWald" (Koch et al. 1975, on differences from
        the product of the margins).
    n
        Size that scales the chi square: by default the rows with both classes; R's `svychisq`
        takes all rows of the design.

    Notes
    -----
    Rao and Scott 1984, doi 10.1214/aos/1176346391.
    """
    if statistic not in STATISTICS:
        raise DesignError(f"unknown statistic {statistic!r}: one of {', '.join(STATISTICS)}")
    rows = rows_in(design, domain) & (row >= 0) & (column >= 0)
    shape = (int(row[rows].max()) + 1, int(column[rows].max()) + 1)
    cell = np.where(rows, row * shape[1] + column, -1)
    indicator = (cell[:, None] == np.arange(shape[0] * shape[1])).astype(float)
    size = int(rows.sum()) if n is None else n
    if statistic in ("Wald", "adjWald"):
        return _wald(indicator, shape, design, rows, adjusted=statistic == "adjWald")
    share = mean(indicator, design, domain=rows)
    return _rao_scott(share, shape, size, statistic, _free(design))


def _free(design: DesignArrays) -> int:
    """R takes the units of the whole design here, in the domain or not."""
    return degrees_of_freedom(design)


def _rao_scott(share: Estimate, shape: tuple[int, int], n: int, statistic: str, nu: int) -> Test:
    p = share.value
    table = p.reshape(shape)
    expected = np.outer(table.sum(axis=1), table.sum(axis=0))
    pearson = n * float(np.sum((table - expected) ** 2 / expected))
    effects = np.linalg.eigvals(_design_effects(share, shape, n)).real.astype(float)
    k = len(effects)
    if statistic == "Chisq":
        return Test("Rao-Scott chi square", pearson, (k,), chi2.sf(pearson / effects.mean(), k))
    df = effects.sum() ** 2 / (effects**2).sum()
    if statistic == "F":
        scaled = pearson / effects.sum()
        return Test("Rao-Scott F", scaled, (df, df * nu), float(fisher.sf(scaled, df, df * nu)))
    return Test("Rao-Scott mixture", pearson, (), mixture_tail(pearson, effects, df * nu))


def _design_effects(share: Estimate, shape: tuple[int, int], n: int) -> Array:
    """(d, d) covariance of the interactions over that under simple random sampling."""
    p = share.value
    inverse = np.diag(np.divide(1.0, p, out=np.zeros(len(p)), where=p > 0))
    contrasts = _interactions(shape)
    simple = contrasts.T @ (inverse / n) @ contrasts
    found = contrasts.T @ inverse @ share.covariance @ inverse @ contrasts
    return np.linalg.solve(simple, found)


def _interactions(shape: tuple[int, int]) -> Array:
    """(r·c, (r − 1)(c − 1)) interaction columns, free of the main effects."""
    rows, columns = np.divmod(np.arange(shape[0] * shape[1]), shape[1])
    first = (rows[:, None] == np.arange(1, shape[0])).astype(float)
    second = (columns[:, None] == np.arange(1, shape[1])).astype(float)
    main = np.column_stack([np.ones(len(rows)), first, second])
    both = (first[:, :, None] * second[:, None, :]).reshape(len(rows), -1)
    return both - main @ np.linalg.lstsq(main, both, rcond=None)[0]


def _wald(
    indicator: Array, shape: tuple[int, int], design: DesignArrays, rows: Mask, *, adjusted: bool
) -> Test:
    cells = total(indicator, design, domain=rows)
    counts = cells.value.reshape(shape)
    size = counts.sum()
    margin_row, margin_column = counts.sum(axis=1), counts.sum(axis=0)
    keep = [(i, j) for j in range(1, shape[1]) for i in range(1, shape[0])]
    distance = np.array([counts[i, j] - margin_row[i] * margin_column[j] / size for i, j in keep])
    gradient = np.array([_slope(counts, i, j) for i, j in keep])
    spread = gradient @ cells.covariance @ gradient.T
    wald = float(distance @ np.linalg.solve(spread, distance))
    df, nu = len(keep), _free(design)
    if not adjusted:
        return Test("Wald", wald / df, (df, nu), float(fisher.sf(wald / df, df, nu)))
    rest = nu - df + 1
    statistic = wald * rest / (df * nu)
    return Test("adjusted Wald", statistic, (df, rest), float(fisher.sf(statistic, df, rest)))


def _slope(counts: Array, i: int, j: int) -> Array:
    """(r·c,) derivative of count − row margin · column margin / size in every count."""
    size = counts.sum()
    row, column = counts[i].sum(), counts[:, j].sum()
    slope = np.full(counts.shape, row * column / size**2)
    slope[i] -= column / size
    slope[:, j] -= row / size
    slope[i, j] += 1
    return slope.ravel()


def mixture_tail(statistic: float, effects: Array, df: float) -> float:
    """P(Σ effects · χ²₁ > statistic · χ²_df / df), by Kuonen's saddlepoint approximation.

    Notes
    -----
    Kuonen 1999, doi 10.1093/biomet/86.4.929; the denominator counts as `df` further terms.
    """
    terms = np.concatenate([effects, [-statistic / df]])
    times = np.concatenate([np.ones(len(effects)), [df]])
    terms = terms / terms.max()

    def slope(zeta: float) -> float:
        return float(np.sum(times * terms / (1 - 2 * zeta * terms)))

    low = 0.99999 * np.max(1 / (2 * terms[terms < 0]))
    high = 0.99999 * np.min(1 / (2 * terms[terms > 0]))
    zeta = brentq(slope, low, high, xtol=1e-14)
    cumulant = -float(np.sum(times * np.log(1 - 2 * zeta * terms))) / 2
    curvature = 2 * float(np.sum(times * terms**2 / (1 - 2 * zeta * terms) ** 2))
    w = np.sign(zeta) * np.sqrt(-2 * cumulant)
    v = zeta * np.sqrt(curvature)
    return float(norm.sf(w + np.log(v / w) / w))


def term_likelihood_test(
    full: Regression, reduced: Regression, terms: tuple[str, ...]
) -> tuple[Test, Array]:
    """Rao-Scott working likelihood ratio test of terms, with the eigenvalues behind it."""
    at = [full.names.index(term) for term in terms]
    block = np.ix_(at, at)
    effects = np.linalg.eigvals(np.linalg.solve(full.naive[block], full.covariance[block])).real
    effects = np.sort(effects)[::-1]
    statistic = reduced.deviance - full.deviance
    p = mixture_tail(statistic, effects, full.df_residual)
    return Test("Rao-Scott likelihood ratio", statistic, (len(at), full.df_residual), p), effects


def t_test(
    values: Array, group: Array, design: DesignArrays, *, domain: Mask | None = None
) -> Test:
    """Difference in means between group 1 and group 0, on df of the design − 1."""
    table = np.column_stack([np.ones(len(group)), group])
    result = survey_regression(values, table, design, domain=domain)
    t, df = result.value[1] / result.se[1], result.df_residual
    return Test("t", float(t), (df,), float(2 * student.sf(abs(t), df)), float(result.value[1]))


def rank_test(
    values: Array,
    group: Array,
    design: DesignArrays,
    *,
    kind: str = "wilcoxon",
    domain: Mask | None = None,
) -> Test:
    """Difference in mean rank score between two groups.

    Parameters
    ----------
    values, group
        (n,) quantity and 0/1 group; a row with NaN in either leaves the test.
    design, domain
        The design over the n rows and the (n,) mask of the population.
    kind
        "wilcoxon", "vanderWaerden" or "median".

    Notes
    -----
    Lumley and Scott 2013, doi 10.1093/biomet/ast039.
    """
    if kind not in RANKS:
        raise DesignError(f"unknown rank test {kind!r}: one of {', '.join(RANKS)}")
    rows = rows_in(design, domain) & ~np.isnan(values) & ~np.isnan(group)
    score = np.full(len(values), np.nan)
    score[rows] = _scores(population_rank(values[rows], design.weight[rows]), kind)
    return t_test(score, group, design, domain=rows)


def population_rank(values: Array, weight: Array) -> Array:
    """(n,) estimated rank of each row in the population, between 0 and 1; ties share theirs."""
    order = np.argsort(values, kind="stable")
    middle = np.empty(len(values))
    middle[order] = np.cumsum(weight[order]) - weight[order] / 2
    tie = rankdata(values, method="dense") - 1
    shared = np.bincount(tie, weights=middle) / np.bincount(tie)
    return shared[tie] / weight.sum()


def _scores(rank: Array, kind: str) -> Array:
    if kind == "vanderWaerden":
        return norm.ppf(rank)
    return rank if kind == "wilcoxon" else (rank > 0.5).astype(float)


def kappa(
    first: Codes, second: Codes, design: DesignArrays, *, domain: Mask | None = None
) -> Estimate:
    """Cohen's kappa of two classifications (n,) with the same classes, by the delta method."""
    rows = rows_in(design, domain) & (first >= 0) & (second >= 0)
    k = int(max(first[rows].max(), second[rows].max())) + 1
    cell = np.where(rows, first * k + second, -1)
    share = mean((cell[:, None] == np.arange(k * k)).astype(float), design, domain=rows)
    table = share.value.reshape(k, k)
    row, column = table.sum(axis=1), table.sum(axis=0)
    agreed, expected = np.trace(table), float(row @ column)
    chance = column[:, None] + row[None, :]
    slope = np.eye(k) / (1 - expected) - chance * (1 - agreed) / (1 - expected) ** 2
    linear = contrast(share, slope.ravel())
    value = np.array([(agreed - expected) / (1 - expected)])
    return Estimate(value, linear.covariance, share.n, share.df, linear.influence)
