"""Cohen's kappa of two classifications of the same people, and what stands beside it.

Two standard errors are in use. `"delta"` (Fleiss, Cohen & Everitt 1969) is for intervals, weighted
or not; psych (unweighted) and DescTools give it. `"simple"` (Cohen 1960, from observed and expected
agreement alone) is what epiR calls cohen, watson and altman. A third, under chance agreement,
serves the test of kappa = 0 only (irr's z; epiR's "fleiss"); it is `se_chance` and makes no
interval by default.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from osteo_epi.agreement._line import Estimate, bracketed
from osteo_epi.errors import SchemaError
from osteo_epi.frames import as_polars
from osteo_epi.html import html_table

Floats = NDArray[np.float64]
Weights = Literal["none", "linear", "quadratic"]
StandardError = Literal["delta", "simple", "chance"]


@dataclass(frozen=True)
class Kappa:
    """Kappa with the interval of the standard error named, and the test of chance agreement.

    `pabak`, `prevalence_index` and `bias_index` are for two classes only (None otherwise).
    """

    kappa: Estimate
    weights: str
    standard_error: str
    se_chance: float
    z: float
    p: float
    observed: float
    expected: float
    pabak: Estimate | None
    prevalence_index: Estimate | None
    bias_index: Estimate | None
    n: int
    n_missing: int
    confidence: float
    classes: tuple[str, ...]

    def to_frame(self) -> pl.DataFrame:
        """One row per statistic: kappa, observed and expected agreement, PABAK and indices."""
        values = {"kappa": self.kappa, "pabak": self.pabak}
        values |= {"prevalence_index": self.prevalence_index, "bias_index": self.bias_index}
        rows = [{"statistic": k, **v.as_row()} for k, v in values.items() if v is not None]
        rows += [{"statistic": k, "estimate": getattr(self, k)} for k in ("observed", "expected")]
        types = dict.fromkeys(("se", "lower", "upper"), pl.Float64)
        frame = pl.DataFrame(rows, schema_overrides=types)
        names = ("weights", "standard_error", "n", "n_missing", "confidence")
        return frame.with_columns(pl.lit(getattr(self, k)).alias(k) for k in names)

    def _repr_html_(self) -> str:
        note = "kappa falls as a class grows rare even at the same agreement: read it with PABAK"
        return html_table(self.to_frame(), caption="kappa", notes=(note,))


def kappa(
    first: Sequence[Any] | pl.Series,
    second: Sequence[Any] | pl.Series,
    *,
    weights: Weights = "none",
    classes: Sequence[Any] | None = None,
    standard_error: StandardError = "delta",
    confidence: float = 0.95,
) -> Kappa:
    """Cohen's kappa between two classifications.

    Parameters
    ----------
    first, second
        Class of each person by either method, shape (n,); a missing class leaves the pair out,
        counted.
    weights
        `"none"`, `"linear"` or `"quadratic"` (in steps between classes).
    classes
        All classes in order; needed for weights unless the classes are numbers or an Enum.
    standard_error
        `"delta"`, `"simple"` (unweighted only) or `"chance"`: see the module's text.
    confidence
        Of the intervals; that of PABAK is exact (Clopper–Pearson).

    Returns
    -------
    Kappa

    Examples
    --------
    >>> round(kappa([0, 0, 1, 1, 1, 0], [0, 0, 1, 1, 0, 0]).kappa.estimate, 4)
    0.6667
    """
    table, names, lost = cross_table(first, second, classes=classes)
    return kappa_of_table(
        table,
        weights=weights,
        classes=names,
        standard_error=standard_error,
        confidence=confidence,
        n_missing=lost,
    )


def kappa_of_table(
    table: ArrayLike,
    *,
    weights: Weights = "none",
    classes: Sequence[str] | None = None,
    standard_error: StandardError = "delta",
    confidence: float = 0.95,
    n_missing: int = 0,
) -> Kappa:
    """Cohen's kappa from a square table of counts (rows: first, columns: second method).

    Examples
    --------
    >>> round(kappa_of_table([[20, 5], [10, 15]]).kappa.estimate, 3)
    0.4
    """
    counts = np.asarray(table, float)
    n = float(counts.sum())
    shares = counts / n
    rows, columns = shares.sum(axis=1), shares.sum(axis=0)
    score = agreement_scores(len(rows), weights)
    observed = float((score * shares).sum())
    expected = float(rows @ score @ columns)
    if expected >= 1:
        raise SchemaError(
            f"all {n:.0f} people are in one class by both methods: kappa is not defined; "
            "report the observed agreement"
        )
    value = (observed - expected) / (1 - expected)
    errors = _errors(shares, score, observed, expected, n)
    if standard_error == "simple" and weights != "none":
        raise SchemaError("the simple standard error is for unweighted kappa; use 'delta'")
    z = float(stats.norm.ppf((1 + confidence) / 2))
    se, z_test = errors[standard_error], value / errors["chance"]
    two = len(rows) == 2
    return Kappa(
        bracketed(value, se, z * se),
        weights,
        standard_error,
        errors["chance"],
        float(z_test),
        float(2 * stats.norm.sf(abs(z_test))),
        observed,
        expected,
        _pabak(counts, confidence) if two else None,
        _index(shares[0, 0], shares[1, 1], n, z) if two else None,
        _index(shares[0, 1], shares[1, 0], n, z) if two else None,
        int(n),
        n_missing,
        confidence,
        tuple(classes or map(str, range(len(rows)))),
    )


def agreement_scores(k: int, weights: Weights) -> Floats:
    """Weight of each cell: 1 on the diagonal, falling with the distance in steps.

    Examples
    --------
    >>> agreement_scores(3, "linear").tolist()
    [[1.0, 0.5, 0.0], [0.5, 1.0, 0.5], [0.0, 0.5, 1.0]]
    """
    steps = np.abs(np.subtract.outer(np.arange(k), np.arange(k)))
    if weights == "none":
        return (steps == 0).astype(float)
    power = {"linear": 1, "quadratic": 2}[weights]
    return 1 - (steps / (k - 1)) ** power


def cross_table(
    first: Sequence[Any] | pl.Series,
    second: Sequence[Any] | pl.Series,
    *,
    classes: Sequence[Any] | None = None,
) -> tuple[Floats, tuple[str, ...], int]:
    """Square table of counts, the classes in order, and how many pairs lacked a class."""
    a, b = pl.Series("a", first), pl.Series("b", second)
    if len(a) != len(b):
        raise SchemaError(
            f"unpaired rows: {len(a)} classes by the first and {len(b)} by the second method"
        )
    pairs = pl.DataFrame([a, b])
    complete = pairs.drop_nulls()
    if len(complete) < 3:
        raise SchemaError(f"{len(complete)} people with both classes, at least three are needed")
    names = list(classes) if classes is not None else _order(complete)
    unknown = complete.filter(~(pl.col("a").is_in(names) & pl.col("b").is_in(names)))
    if len(unknown):
        raise SchemaError(f"{len(unknown)} people have a class that is not among {names}")
    place = {name: k for k, name in enumerate(names)}
    table = np.zeros((len(names), len(names)))
    for (left, right), group in complete.group_by("a", "b"):
        table[place[left], place[right]] = len(group)
    return table, tuple(map(str, names)), len(pairs) - len(complete)


def _order(pairs: pl.DataFrame) -> list[Any]:
    kind = pairs.schema["a"]
    if isinstance(kind, pl.Enum):
        return kind.categories.to_list()
    return sorted(set(pairs["a"]) | set(pairs["b"]))


def _errors(
    shares: Floats, score: Floats, observed: float, expected: float, n: float
) -> dict[str, float]:
    """Standard errors of kappa by the three rules."""
    rows, columns = shares.sum(axis=1), shares.sum(axis=0)
    value = (observed - expected) / (1 - expected)
    mean = np.add.outer(score @ columns, score.T @ rows)
    spread = (shares * (score - mean * (1 - value)) ** 2).sum()
    delta = spread - (value - expected * (1 - value)) ** 2
    chance = (np.outer(rows, columns) * (score - mean) ** 2).sum() - expected**2
    scale = (1 - expected) * math.sqrt(n)
    return {
        "delta": math.sqrt(max(delta, 0.0)) / scale,
        "chance": math.sqrt(max(chance, 0.0)) / scale,
        "simple": math.sqrt(observed * (1 - observed)) / scale,
    }


def _pabak(counts: Floats, confidence: float) -> Estimate:
    """Kappa as it would be with even classes: 2·agreement − 1, exact interval."""
    n, same = int(counts.sum()), int(np.trace(counts))
    exact = stats.binomtest(same, n).proportion_ci(confidence, method="exact")
    return Estimate(2 * same / n - 1, None, 2 * exact.low - 1, 2 * exact.high - 1)


def _index(left: float, right: float, n: float, z: float) -> Estimate:
    """Difference of two cells' shares: (a − d)/n is prevalence, (b − c)/n bias."""
    value = left - right
    # The two cells are of one sample: their covariance counts (epiR takes them as independent).
    se = math.sqrt(max(left + right - value**2, 0.0) / n)
    return bracketed(value, se, z * se)


@dataclass(frozen=True)
class Transitions:
    """Counts of people by class under the first (rows) and the second rule (columns)."""

    counts: Floats
    classes: tuple[str, ...]
    first: str
    second: str
    n: int
    n_missing: int
    confidence: float

    @property
    def reclassified(self) -> Estimate:
        """Share of people whose class changes, with the exact interval."""
        moved = int(self.n - np.trace(self.counts))
        exact = stats.binomtest(moved, self.n).proportion_ci(self.confidence, method="exact")
        return Estimate(moved / self.n, None, float(exact.low), float(exact.high))

    def kappa(self, *, weights: Any = "quadratic") -> Kappa:
        """Cohen's kappa of the table."""
        return kappa_of_table(
            self.counts,
            weights=weights,
            classes=self.classes,
            confidence=self.confidence,
            n_missing=self.n_missing,
        )

    def to_frame(self) -> pl.DataFrame:
        """One row per cell: classes, count, share of the row with Wilson's interval."""
        rows = []
        for i, left in enumerate(self.classes):
            size = int(self.counts[i].sum())
            for j, right in enumerate(self.classes):
                count = int(self.counts[i, j])
                rows.append({self.first: left, self.second: right, "n": count, "of": size})
                rows[-1] |= _share(count, size, self.confidence)
        return pl.DataFrame(rows, schema_overrides=dict.fromkeys(SHARE, pl.Float64))

    def _repr_html_(self) -> str:
        moved = self.reclassified
        note = (
            f"{100 * moved.estimate:.1f} % change class "
            f"({100 * (moved.lower or 0):.1f} to {100 * (moved.upper or 0):.1f})"
        )
        table = pl.DataFrame(
            {self.first: self.classes}
            | {c: self.counts[:, j].astype(int) for j, c in enumerate(self.classes)}
        )
        return html_table(table, caption=f"{self.first} (rows) to {self.second}", notes=(note,))


SHARE = ("share", "lower", "upper")


def transitions(
    people: Any,
    *,
    first: str,
    second: str,
    classes: Sequence[Any] | None = None,
    confidence: float = 0.95,
) -> Transitions:
    """Cross two classifications of the same people.

    Parameters
    ----------
    people
        A frame of any kind.
    first, second
        Columns of the two classes; people without either are left out and counted.
    classes
        All classes in order; by default those of the columns (an Enum's own order).
    confidence
        Of the intervals.

    Examples
    --------
    >>> people = pl.DataFrame({"own": ["normal", "low", "low"], "us": ["normal", "low", "normal"]})
    >>> transitions(people, first="own", second="us", classes=["low", "normal"]).counts.tolist()
    [[1.0, 1.0], [0.0, 1.0]]
    """
    frame = as_polars(people)[0].lazy().select(first, second).collect()
    counts, names, lost = cross_table(frame[first], frame[second], classes=classes)
    return Transitions(counts, names, first, second, int(counts.sum()), lost, confidence)


def _share(count: int, size: int, confidence: float) -> dict[str, float | None]:
    if size == 0:
        return dict.fromkeys(SHARE)
    interval = stats.binomtest(count, size).proportion_ci(confidence, method="wilson")
    return {"share": count / size, "lower": float(interval.low), "upper": float(interval.high)}
