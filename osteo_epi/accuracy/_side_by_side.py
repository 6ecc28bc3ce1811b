"""Several tests against one truth: what each is worth, and how each differs from the first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from osteo_epi.accuracy._accuracy import Accuracy, accuracy, stated_shares
from osteo_epi.accuracy._columns import People, Positive, refuse_tolerance
from osteo_epi.accuracy._comparison import AccuracyComparison, compare_tests
from osteo_epi.errors import SchemaError
from osteo_epi.frames import Column, on_people
from osteo_epi.results import Result
from osteo_epi.rounding import counted

PAIRED = ("sensitivity", "specificity")
NUMBERS = (
    *("at_prevalence", "estimate", "se", "lower", "upper"),
    *("difference", "difference_lower", "difference_upper", "p"),
)


@dataclass(frozen=True, repr=False)
class AccuracyTable(Result):
    """Tests side by side.

    Attributes
    ----------
    accuracies
        `Accuracy` of each test, each in those who have it.
    comparisons
        `AccuracyComparison` of each test but the first, less the first, in those who have both.
    truth, design, confidence, notes
        As of `Accuracy`.
    """

    accuracies: tuple[Accuracy, ...]
    comparisons: tuple[AccuracyComparison, ...]
    truth: str
    design: str
    confidence: float
    notes: tuple[str, ...]

    def to_polars(self) -> pl.DataFrame:
        """One row a test and measure.

        Returns
        -------
        polars.DataFrame
            test, measure, at_prevalence, estimate, se, lower, upper, n, method; and of
            sensitivity and specificity of every test but the first: difference (less the first),
            difference_lower, difference_upper, p (exact McNemar; with a design or clusters by
            t), n_paired.
        """
        paired = [{}, *({name: getattr(c, name) for name in PAIRED} for c in self.comparisons)]
        rows = []
        for one, differences in zip(self.accuracies, paired, strict=True):
            for row in one.to_polars().to_dicts():
                gap = differences.get(row["measure"])
                rows.append({"test": one.test} | row | _difference(gap))
        numbers = dict.fromkeys(NUMBERS, pl.Float64)
        return pl.DataFrame(rows, schema_overrides=numbers | {"n_paired": pl.Int64})

    def _summary(self) -> str:
        return f"{counted(len(self.accuracies), 'test')} against {self.truth}"


@on_people("truth", "cluster", "domain")
def accuracy_table(
    people: Any = None,
    *,
    tests: Mapping[str, Positive] | Sequence[str | tuple[str, Positive]],
    truth: Column,
    truth_positive: Positive = None,
    prevalence: float | Sequence[float] = (),
    interval: str | None = None,
    ratio_interval: str = "log",
    design: Any = None,
    cluster: Column = None,
    domain: Column = None,
    tolerance: float | None = None,
    confidence: float = 0.95,
    accept_errors: bool = False,
) -> AccuracyTable:
    """What several tests are worth against one truth, and how each differs from the first.

    Parameters
    ----------
    people
        A frame of any kind, one row a person.
    tests
        Column to what counts as positive, `{"t_score_heel": "(-inf, -1.0]"}`; None for a column
        that says yes or no. As pairs, where one column has several cut-points:
        `[("osta", "(-inf, -1)"), ("osta", "(-inf, -4)")]`.
    truth, truth_positive, prevalence, interval, ratio_interval
        As in `accuracy`.
    design, cluster, domain, tolerance, confidence, accept_errors
        As in `accuracy`.

    Returns
    -------
    AccuracyTable

    Raises
    ------
    SchemaError, DesignError
        As `accuracy`; also if fewer than two tests are named, or one twice.

    Notes
    -----
    Each test is judged in all who have it and the truth, and a difference in those who have both
    tests, as `compare_tests` does. A p-value is that of its own pair: it knows nothing of the
    number of tests.

    Examples
    --------
    >>> from osteo_epi.datasets import survey
    >>> result = accuracy_table(
    ...     survey(), truth="abmd_lumbar_spine", truth_positive="(-inf, 0.75]",
    ...     tests={"abmd_femoral_neck": "(-inf, 0.6]", "abmd_total_hip": "(-inf, 0.7]"},
    ...     domain=pl.col("age") >= 50,
    ... )
    >>> result
    AccuracyTable(2 tests against abmd_lumbar_spine in (-inf, 0.75])
    >>> result.to_frame().filter(measure="sensitivity")["difference"].round(4).to_list()
    [None, 0.0295]
    """
    asked = _asked(tests)
    prevalence = stated_shares(prevalence)
    tolerances = _tolerances(
        People.of(people, accept_errors=accept_errors, cluster=cluster), asked,
        (truth, truth_positive), tolerance,
    )  # fmt: skip
    shared: dict[str, Any] = {
        "truth": truth, "truth_positive": truth_positive, "design": design, "cluster": cluster,
        "domain": domain, "confidence": confidence, "accept_errors": accept_errors,
    }  # fmt: skip
    single: dict[str, Any] = {
        "prevalence": prevalence,
        "interval": interval,
        "ratio_interval": ratio_interval,
    }
    accuracies = tuple(
        accuracy(people, test=name, test_positive=positive, tolerance=by, **single, **shared)
        for (name, positive), by in zip(asked, tolerances, strict=True)
    )
    first: dict[str, Any] = {"second": asked[0][0], "second_positive": asked[0][1]}
    comparisons = tuple(
        compare_tests(
            people, first=name, first_positive=positive,
            tolerance=tolerances[0] if by is None else by, **first, **shared,
        )
        for (name, positive), by in zip(asked[1:], tolerances[1:], strict=True)
    )  # fmt: skip
    notes = dict.fromkeys(note for one in accuracies for note in one.notes)
    one = accuracies[0]
    return AccuracyTable(accuracies, comparisons, one.truth, one.design, confidence, tuple(notes))


def _asked(tests: Any) -> list[tuple[str, Positive]]:
    """Column and what counts as positive of each test."""
    if isinstance(tests, str) or not isinstance(tests, Mapping | Sequence):
        raise SchemaError(
            f"tests= is a {type(tests).__name__}; expected column and what counts as positive of "
            'each test, as in tests={"t_score_heel": "(-inf, -1.0]", "osta": "(-inf, -1)"}'
        )
    given = tests.items() if isinstance(tests, Mapping) else tests
    asked: list[Any] = [(item, None) if isinstance(item, str) else item for item in given]
    if any(not isinstance(item, Sequence) or len(item) != 2 for item in asked):
        raise SchemaError(
            "tests= as a list holds columns, or pairs of a column and what counts as positive, as "
            'in [("osta", "(-inf, -1)"), "self_report"]'
        )
    if len(asked) < 2:
        raise SchemaError(
            "a table needs two tests at least, and tests= names "
            f"{counted(len(asked), 'test')}: for one test take accuracy(…)"
        )
    if len({(name, str(positive)) for name, positive in asked}) < len(asked):
        raise SchemaError("tests= names a test twice: leave one out")
    return asked


def _tolerances(
    known: People, asked: list[tuple[str, Positive]], truth: tuple[str, Positive], by: float | None
) -> list[float | None]:
    """The tolerance of each test: none where no cut-off divides it or the truth."""
    true = known.answers(*truth, "truth", tolerance=by)
    tests = [known.answers(name, positive, "test", tolerance=by) for name, positive in asked]
    refuse_tolerance(by, true, *tests)
    return [by if true.cut or test.cut else None for test in tests]


def _difference(gap: Any) -> dict[str, Any]:
    """The columns of a paired difference, null where there is none."""
    if gap is None:
        names = ("difference", "difference_lower", "difference_upper", "p", "n_paired")
        return dict.fromkeys(names)
    return {
        "difference": gap.difference,
        "difference_lower": gap.lower,
        "difference_upper": gap.upper,
        "p": gap.p if gap.p_exact is None else gap.p_exact,
        "n_paired": gap.n,
    }
