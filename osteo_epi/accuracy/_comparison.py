"""Two tests in the same people against one truth: who is found by one and missed by the other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from scipy import special

from osteo_epi import arguments
from osteo_epi.accuracy._columns import (
    Answers,
    People,
    Positive,
    missing_notes,
    refuse_one_class,
    refuse_tolerance,
)
from osteo_epi.accuracy._measures import falling, limits, standardised
from osteo_epi.accuracy._sample import Sample, Share
from osteo_epi.agreement import critical_value
from osteo_epi.frames import Column, on_people
from osteo_epi.results import Result
from osteo_epi.rounding import count, number
from osteo_epi.survey import Mask


@dataclass(frozen=True, repr=False)
class PairedShares(Result):
    """A share (sensitivity, specificity) of two tests in the same people.

    Attributes
    ----------
    measure
        "sensitivity", of the diseased, or "specificity", of the healthy.
    first, second, difference
        The two shares, and first − second with its `se`, `lower` and `upper`.
    n, first_only, second_only
        People, and those whom one test alone has right: only they tell the tests apart.
    statistic, df, p
        McNemar's χ² without continuity correction (df None); with a survey design t of the
        difference with its degrees of freedom.
    p_corrected, p_exact, p_mid
        McNemar with continuity correction, exact binomial and mid-p; None with a design. Where
        nobody tells the tests apart p_exact is 1 and the others None.
    method
        Of the limits.
    """

    measure: str
    first: float
    second: float
    difference: float
    se: float
    lower: float | None
    upper: float | None
    n: int
    first_only: int
    second_only: int
    statistic: float | None
    df: float | None
    p: float | None
    p_corrected: float | None
    p_exact: float | None
    p_mid: float | None
    method: str

    def to_polars(self) -> pl.DataFrame:
        """One row."""
        return pl.DataFrame([self.__dict__])

    def _summary(self) -> str:
        return f"{self.measure}, difference {number(self.difference, digits=3)}, n {count(self.n)}"


@dataclass(frozen=True, repr=False)
class AccuracyComparison(Result):
    """Two tests compared: sensitivity in the diseased, specificity in the healthy.

    Attributes
    ----------
    sensitivity, specificity
        Each a `PairedShares`.
    first, second, truth
        What counts as positive by either test, and as diseased.
    design, confidence, notes
        How people were drawn, the level of the limits, and what a reader must know.
    """

    sensitivity: PairedShares
    specificity: PairedShares
    first: str
    second: str
    truth: str
    design: str
    confidence: float
    notes: tuple[str, ...]

    def to_polars(self) -> pl.DataFrame:
        """One row a measure, columns as the attributes of `PairedShares`."""
        rows = [self.sensitivity.__dict__, self.specificity.__dict__]
        numbers = ("lower", "upper", "statistic", "df", "p", "p_corrected", "p_exact", "p_mid")
        return pl.DataFrame(rows, schema_overrides=dict.fromkeys(numbers, pl.Float64))

    def _summary(self) -> str:
        gaps = (number(m.difference, digits=3) for m in (self.sensitivity, self.specificity))
        return "{} less {}, sensitivity {}, specificity {}".format(self.first, self.second, *gaps)


@on_people("first", "second", "truth", "cluster", "domain")
def compare_tests(
    people: Any = None,
    *,
    first: Column,
    second: Column,
    truth: Column,
    first_positive: Positive = None,
    second_positive: Positive = None,
    truth_positive: Positive = None,
    design: Any = None,
    cluster: Column = None,
    domain: Column = None,
    tolerance: float | None = None,
    confidence: float = 0.95,
    accept_errors: bool = False,
) -> AccuracyComparison:
    """Compare two tests, or two cut-points, in the same people.

    Parameters
    ----------
    people
        A frame of any kind, one row a person.
    first, second, truth
        Columns of the tests and of the truth; `first` and `second` may be one column with two
        cut-points.
    first_positive, second_positive, truth_positive
        What counts as positive, as in `accuracy`.
    design, cluster, domain, tolerance, confidence, accept_errors
        As in `accuracy`.

    Returns
    -------
    AccuracyComparison

    Raises
    ------
    SchemaError, DesignError
        As `accuracy`.

    Notes
    -----
    Only people with both tests and the truth are compared. Limits are Tango's score interval of a
    paired difference (1998, doi
    10.1002/(sici)1097-0258(19980430)17:8<891::aid-sim780>3.0.co;2-b); with a survey design Wald
    limits on Student's t. The exact p-value is binomial on the people whom one test alone has
    right, the mid-p value takes off half of the
    observed outcome's probability in each tail (Fagerland, Lydersen, Laake 2013, doi
    10.1186/1471-2288-13-91).

    Examples
    --------
    >>> from osteo_epi.datasets import survey
    >>> result = compare_tests(
    ...     survey(), first="abmd_femoral_neck", first_positive="(-inf, 0.6]",
    ...     second="abmd_total_hip", second_positive="(-inf, 0.7]",
    ...     truth="abmd_lumbar_spine", truth_positive="(-inf, 0.75]", domain=pl.col("age") >= 50,
    ... )
    >>> result.sensitivity
    PairedShares(sensitivity, difference -0.0295, n 65)
    """
    arguments.confidence_level(confidence)
    known = People.of(people, accept_errors=accept_errors, cluster=cluster)
    sample = Sample.of(known.frame, design, cluster)
    a = known.answers(first, first_positive, "first", tolerance=tolerance)
    b = known.answers(second, second_positive, "second", tolerance=tolerance)
    true = known.answers(truth, truth_positive, "truth", tolerance=tolerance)
    known, part = known.within(domain)
    inside = part & (sample.weight > 0)
    rows = inside & a.known & b.known & true.known
    refuse_tolerance(tolerance, a, b, true)
    refuse_one_class(true.yes, rows, true.label)
    pairs = {
        "sensitivity": (a.yes, b.yes, rows & true.yes),
        "specificity": (~a.yes, ~b.yes, rows & ~true.yes),
    }
    made = _of_counts if sample.simple else _of_design
    results = [made(name, *pair, sample, confidence) for name, pair in pairs.items()]
    notes = (
        *known.notes, *sample.notes, *sample.lone_notes(true.yes, rows),
        *missing_notes((a, b), true, inside), *_constant((a, b), rows),
    )  # fmt: skip
    return AccuracyComparison(
        results[0], results[1], a.label, b.label, true.label, str(sample.design), confidence, notes
    )


def _constant(tests: Sequence[Answers], rows: Mask) -> list[str]:
    """Say which test finds everybody, or nobody."""
    return [
        f"{test.label}: {'each' if test.yes[rows].any() else 'none'} of {count(int(rows.sum()))} "
        "people is positive, so that the test tells nobody from anybody; look whether its cut-off "
        "says what was meant"
        for test in tests if len(np.unique(test.yes[rows])) == 1
    ]  # fmt: skip


def _of_counts(
    name: str, a: Mask, b: Mask, among: Mask, sample: Sample, confidence: float
) -> PairedShares:
    from scipy import stats
    from statsmodels.stats.contingency_tables import mcnemar

    n, one, two = int(among.sum()), int((a & ~b & among).sum()), int((b & ~a & among).sum())
    table = [[int((a & b & among).sum()), one], [two, int((~a & ~b & among).sum())]]
    difference, apart = (one - two) / n, one + two
    chi = mcnemar(table, exact=False, correction=False) if apart else None
    corrected = mcnemar(table, exact=False, correction=True) if apart else None
    exact = float(mcnemar(table, exact=True).pvalue)
    point = float(stats.binom.pmf(one, apart, 0.5))
    return PairedShares(
        name, float((a & among).sum() / n), float((b & among).sum() / n), difference,
        math.sqrt(max(apart / n - difference**2, 0.0) / n),
        *tango(one, two, n, confidence), n, one, two,
        float(chi.statistic) if chi else None, None, float(chi.pvalue) if chi else None,
        float(corrected.pvalue) if corrected else None, exact,
        _mid_p(exact, point, one, two), "score (Tango)",
    )  # fmt: skip


def _mid_p(exact: float, point: float, one: int, two: int) -> float | None:
    """Mid-p of McNemar's test; None where nobody tells the tests apart."""
    if not one + two:
        return None
    return exact - point if one != two else 1 - point / 2


def _of_design(
    name: str, a: Mask, b: Mask, among: Mask, sample: Sample, confidence: float
) -> PairedShares:
    joint = sample.shares([Share(a & among, among), Share(b & among, among)], among)
    difference, se = float(joint.value[0] - joint.value[1]), joint.error([1, -1])
    # Where nobody tells the tests apart there is no variance, which is no knowledge.
    reach = joint.quantile(confidence) * se if se > 0 else math.nan
    ends = limits(max(difference - reach, -1.0), min(difference + reach, 1.0))
    t = difference / se if se > 0 else None
    p = None if t is None else float(2 * special.stdtr(joint.df, -abs(t)))
    return PairedShares(
        name, float(joint.value[0]), float(joint.value[1]), difference, se, *ends,
        int(among.sum()), int((a & ~b & among).sum()),
        int((b & ~a & among).sum()), t, joint.df, p, None, None, None, "Wald on Student's t",
    )  # fmt: skip


def tango(one: int, two: int, n: int, confidence: float) -> tuple[float, float]:
    """Where the score test of a paired difference rejects."""
    z = critical_value(confidence)

    def distance(gap: float) -> float:
        b = -one - two + (2 * n - one + two) * gap
        c = -two * gap * (1 - gap)
        q = (math.sqrt(max(b * b - 8 * n * c, 0.0)) - b) / (4 * n)
        variance = n * (2 * q + gap * (1 - gap))
        return standardised(one - two - n * gap, variance)

    middle = (one - two) / n
    lower = -1.0 if two == n else falling(distance, z, -1.0, middle)
    upper = 1.0 if one == n else falling(distance, -z, middle, 1.0)
    return lower, upper
