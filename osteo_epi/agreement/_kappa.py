"""Two classifications of the same people: who changes class, and Cohen's kappa.

The standard error is that of Fleiss, Cohen & Everitt (1969), weighted or not; psych (unweighted)
and DescTools give it. Another, under chance agreement, serves the test of kappa = 0 only (irr's z;
epiR's "fleiss"): it is `se_chance` and makes no interval.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from osteo_epi.agreement._line import PointEstimate, critical_value
from osteo_epi.agreement._pairs import readings_of
from osteo_epi.arguments import one_of
from osteo_epi.cohort import refuse_errors
from osteo_epi.errors import SchemaError
from osteo_epi.frames import Column, in_callers_kind, series_given, series_of
from osteo_epi.results import Result
from osteo_epi.rounding import count, people_who, percent

Floats = NDArray[np.float64]
Weights = Literal["none", "linear", "quadratic"]
SHARE = ("share", "lower", "upper")


@dataclass(frozen=True, repr=False)
class Kappa(Result):
    """Kappa with its interval, and the test of chance agreement.

    `pabak`, `prevalence_index` and `bias_index` are for two classes only (None otherwise).
    """

    kappa: PointEstimate
    weights: str
    se_chance: float
    z: float
    p: float
    observed: float
    expected: float
    pabak: PointEstimate | None
    prevalence_index: PointEstimate | None
    bias_index: PointEstimate | None
    n: int
    n_missing: int
    confidence: float
    classes: tuple[str, ...]

    def to_polars(self) -> pl.DataFrame:
        """One row per statistic: kappa, observed and expected agreement, PABAK and indices."""
        values = {"kappa": self.kappa, "pabak": self.pabak}
        values |= {"prevalence_index": self.prevalence_index, "bias_index": self.bias_index}
        rows = [{"statistic": k, **v.as_row()} for k, v in values.items() if v is not None]
        rows += [{"statistic": k, "estimate": getattr(self, k)} for k in ("observed", "expected")]
        types = dict.fromkeys(("se", "lower", "upper"), pl.Float64)
        frame = pl.DataFrame(rows, schema_overrides=types)
        names = ("weights", "n", "n_missing", "confidence")
        return frame.with_columns(pl.lit(getattr(self, k)).alias(k) for k in names)

    def _repr_html_(self) -> str:
        note = "kappa falls as a class grows rare even at the same agreement: read it with PABAK"
        return self._shown(caption="kappa", notes=(note,))

    def _summary(self) -> str:
        return f"{self.kappa}, weights {self.weights}, n = {count(self.n)}"


@in_callers_kind
def kappa(
    *data: Any,
    first: Column = None,
    second: Column = None,
    weights: Weights = "none",
    classes: Sequence[Any] | None = None,
    confidence: float = 0.95,
) -> Kappa:
    """Cohen's kappa between two classifications.

    Parameters
    ----------
    *data, first, second
        Class of each person by either method, shape (n,); a missing class (None, NaN) leaves the
        pair out, counted. They come first, or a frame comes first and `first` and `second` name
        its columns.
    weights
        `"none"`, `"linear"` or `"quadratic"` (in steps between classes).
    classes
        All classes in order; needed for weights unless the classes are numbers or an Enum.
    confidence
        Of the intervals; that of PABAK is exact (Clopper–Pearson).

    Returns
    -------
    Kappa
        Where one method puts everybody into one class, kappa is 0 whatever the other says: without
        limits, z and p.

    Raises
    ------
    SchemaError
        Unpaired rows, fewer than three people with both classes, a class that is not among
        `classes`, or everybody in one class by both methods.

    Examples
    --------
    >>> round(kappa([0, 0, 1, 1, 1, 0], [0, 0, 1, 1, 0, 0]).kappa.estimate, 4)
    0.6667
    """
    pairs = readings_of(data, first=first, second=second)
    table, names, lost = _cross_table(*pairs, classes=classes)
    return kappa_of_table(
        table, weights=weights, classes=names, confidence=confidence, n_missing=lost
    )


def kappa_of_table(
    table: ArrayLike,
    *,
    weights: Weights = "none",
    classes: Sequence[str] | None = None,
    confidence: float = 0.95,
    n_missing: int = 0,
) -> Kappa:
    """Cohen's kappa from a square table of counts (rows: first, columns: second method).

    Examples
    --------
    >>> round(kappa_of_table([[20, 5], [10, 15]]).kappa.estimate, 3)
    0.4
    """
    from statsmodels.stats.inter_rater import cohens_kappa

    one_of(weights, "weights", ("none", "linear", "quadratic"))
    counts = np.asarray(table, float)
    n = float(counts.sum())
    shares = counts / n
    if (shares.sum(axis=0) * shares.sum(axis=1)).max() == 1:
        raise SchemaError(
            f"all {n:.0f} people are in one class by both methods: kappa is not defined; "
            "report the observed agreement"
        )
    # A variance of zero is at times the root of a negative rounding, and z is 0 / 0 without one.
    with np.errstate(invalid="ignore"):
        result = cohens_kappa(counts, wt=None if weights == "none" else weights)
    score = np.eye(len(counts)) if weights == "none" else 1 - result.weights
    z, two = critical_value(confidence), len(counts) == 2
    se = math.sqrt(max(result.var_kappa, 0.0))
    alone = max(shares.sum(axis=0).max(), shares.sum(axis=1).max()) == 1
    return Kappa(
        PointEstimate(0.0, None, None, None)
        if alone
        else PointEstimate.symmetric(result.kappa, se, z * se),
        weights,
        float(result.std_kappa0),
        float(result.z_value),
        float(result.pvalue_two_sided),
        float((score * shares).sum()),
        float(shares.sum(axis=1) @ score @ shares.sum(axis=0)),
        _pabak(counts, confidence) if two else None,
        _index(shares[0, 0], shares[1, 1], n, z) if two else None,
        _index(shares[0, 1], shares[1, 0], n, z) if two else None,
        int(n),
        n_missing,
        confidence,
        tuple(classes or map(str, range(len(counts)))),
    )


@dataclass(frozen=True, repr=False)
class Transitions(Result):
    """Counts of people by class under the first (rows) and the second rule (columns)."""

    counts: Floats
    classes: tuple[str, ...]
    first: str
    second: str
    n: int
    n_missing: int
    confidence: float

    @property
    def reclassified(self) -> PointEstimate:
        """Share of people whose class changes, with the exact interval."""
        moved = int(self.n - np.trace(self.counts))
        return _proportion(moved, self.n, self.confidence, "exact")

    @in_callers_kind
    def kappa(self, *, weights: Any = "quadratic") -> Kappa:
        """Cohen's kappa of the table."""
        return kappa_of_table(
            self.counts,
            weights=weights,
            classes=self.classes,
            confidence=self.confidence,
            n_missing=self.n_missing,
        )

    def to_polars(self) -> pl.DataFrame:
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
        ends = (percent(v, decimals=1) for v in (moved.estimate, moved.lower, moved.upper))
        note = "{} % change class ({} to {})".format(*ends)
        table = pl.DataFrame(
            {self.first: self.classes}
            | {c: self.counts[:, j].astype(int) for j, c in enumerate(self.classes)}
        )
        return self._shown(table, caption=f"{self.first} (rows) to {self.second}", notes=(note,))

    def _summary(self) -> str:
        return f"{self.first} to {self.second}, {len(self.classes)} classes, n = {count(self.n)}"


@in_callers_kind
def transitions(
    *data: Any,
    first: Column = None,
    second: Column = None,
    classes: Sequence[Any] | None = None,
    confidence: float = 0.95,
    accept_errors: bool = False,
) -> Transitions:
    """Cross two classifications of the same people.

    Parameters
    ----------
    *data, first, second
        A frame, of which `first` and `second` name the columns of the two classes; or the classes
        themselves, shape (n,). People without either are left out and counted.
    classes
        All classes in order; by default those of the columns (an Enum's own order).
    confidence
        Of the intervals.
    accept_errors
        Cross them although a cohort carries errors, see `cohort.refuse_errors`.

    Examples
    --------
    >>> people = pl.DataFrame({"own": ["normal", "low", "low"], "us": ["normal", "low", "normal"]})
    >>> transitions(people, first="own", second="us", classes=["low", "normal"]).counts.tolist()
    [[1.0, 1.0], [0.0, 1.0]]
    """
    people = [refuse_errors(one, accept_errors=accept_errors) for one in data]
    pairs = series_given(people, first=first, second=second)
    counts, names, lost = _cross_table(*pairs, classes=classes)
    before, after = _rule(first, pairs[0], "first"), _rule(second, pairs[1], "second")
    return Transitions(counts, names, before, after, int(counts.sum()), lost, confidence)


def _rule(given: Column, classes: Any, otherwise: str) -> str:
    """What classes are called: by their column, by the series' own name, or by their turn."""
    name = given if isinstance(given, str) else getattr(classes, "name", None)
    return str(name or otherwise)


def _cross_table(
    first: Sequence[Any] | pl.Series,
    second: Sequence[Any] | pl.Series,
    *,
    classes: Sequence[Any] | None = None,
) -> tuple[Floats, tuple[str, ...], int]:
    """Square table of counts, the classes in order, and how many pairs lacked a class."""
    a, b = _classes_of(first).alias("a"), _classes_of(second).alias("b")
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
        raise SchemaError(f"{people_who(len(unknown), 'have')} a class that is not among {names}")
    place = {name: k for k, name in enumerate(names)}
    table = np.zeros((len(names), len(names)))
    for (left, right), group in complete.group_by("a", "b"):
        table[place[left], place[right]] = len(group)
    return table, tuple(map(str, names)), len(pairs) - len(complete)


def _classes_of(values: Sequence[Any] | pl.Series) -> pl.Series:
    """Classes as a series, NaN as missing as None is."""
    if type(values).__module__.partition(".")[0] == "pandas":
        values = series_of(values, "classes")
    if not isinstance(values, pl.Series):
        # A value that does not equal itself is NaN, among numbers or among names.
        values = pl.Series([None if v is None or v != v else v for v in values], strict=False)
    return values.fill_nan(None) if values.dtype.is_float() else values


def _order(pairs: pl.DataFrame) -> list[Any]:
    kind = pairs.schema["a"]
    if isinstance(kind, pl.Enum):
        return kind.categories.to_list()
    if kind.is_numeric() != pairs.schema["b"].is_numeric():
        raise SchemaError(
            f"one of the two gives numbers for classes and the other words ({kind} and "
            f"{pairs.schema['b']}): bring both to the same"
        )
    return sorted(set(pairs["a"]) | set(pairs["b"]))


def _proportion(count: int, n: int, confidence: float, method: str) -> PointEstimate:
    from scipy import stats

    interval = stats.binomtest(count, n).proportion_ci(confidence, method=method)
    return PointEstimate(count / n, None, float(interval.low), float(interval.high))


def _pabak(counts: Floats, confidence: float) -> PointEstimate:
    """Kappa as it would be with even classes: 2·agreement − 1, exact interval."""
    same = _proportion(int(np.trace(counts)), int(counts.sum()), confidence, "exact")
    value, low, high = (2 * (v or 0.0) - 1 for v in (same.estimate, same.lower, same.upper))
    return PointEstimate(value, None, low, high)


def _index(left: float, right: float, n: float, z: float) -> PointEstimate:
    """Difference of two cells' shares: (a − d)/n is prevalence, (b − c)/n bias."""
    value = left - right
    # The two cells are of one sample: their covariance counts (epiR takes them as independent).
    se = math.sqrt(max(left + right - value**2, 0.0) / n)
    return PointEstimate.symmetric(value, se, z * se)


def _share(count: int, size: int, confidence: float) -> dict[str, float | None]:
    if size == 0:
        return dict.fromkeys(SHARE)
    share = _proportion(count, size, confidence, "wilson")
    return dict(zip(SHARE, (share.estimate, share.lower, share.upper), strict=True))
