"""Cut-points by several criteria with the accuracy of each: the result and its table."""

from __future__ import annotations

import math
from dataclasses import dataclass

import polars as pl

from osteo_epi.accuracy._measures import Measure
from osteo_epi.errors import SchemaError
from osteo_epi.results import Result
from osteo_epi.rounding import count, number
from osteo_epi.survey import Array


@dataclass(frozen=True)
class CutPoint:
    """A cut-point by one criterion.

    Attributes
    ----------
    criterion, label
        Its name, and what it says in words.
    cut_point, lower, upper
        The cut-point with bootstrap limits [unit of the score]: None where there is none, infinite
        where nobody or everybody is positive.
    observed
        The last score that is positive: what is printed where a person on the cut-point is
        positive; None where nobody is.
    sensitivity, specificity, youden
        At the cut-point in the people it was taken from, with the limits of a cut-point that was
        stated beforehand; Youden's index is their sum less 1.
    sensitivity_corrected, specificity_corrected, youden_corrected
        What they are in other people of the population; None without a bootstrap.
    share_positive
        Share of people who are positive, at the prevalence stated where one is.
    n
        People that the cut-point rests on.
    tied
        Cut-points as good as this one, itself among them; empty where it is alone.
    """

    criterion: str
    label: str
    cut_point: float | None
    lower: float | None
    upper: float | None
    observed: float | None
    sensitivity: Measure
    specificity: Measure
    youden: Measure
    sensitivity_corrected: Measure | None
    specificity_corrected: Measure | None
    youden_corrected: Measure | None
    share_positive: float | None
    n: int
    tied: tuple[float, ...] = ()

    def as_row(self) -> dict[str, str | float | int | None]:
        """The numbers by name, null where there is none."""
        place = ("cut_point", "lower", "upper", "observed")
        row: dict[str, str | float | int | None] = {"criterion": self.criterion}
        row |= {name: getattr(self, name) for name in place}
        rates = ("sensitivity", "specificity", "youden")
        for name in (*rates, *(f"{rate}_corrected" for rate in rates)):
            row |= _limited(name, getattr(self, name))
        return row | {"share_positive": self.share_positive, "n": self.n}


@dataclass(frozen=True, repr=False)
class CutPoints(Result):
    """Cut-points of one score side by side.

    Attributes
    ----------
    points
        One a criterion, in the order asked; a cut-point stated comes last. `result["youden"]`
        gives one by its name.
    curve_cut_points, curve_sensitivity, curve_specificity
        (K + 1,) the curve from nobody positive to everybody positive, as in `roc`.
    score, direction, truth, design
        What was asked.
    prevalence
        Share of the diseased: that stated, or the people's.
    n_diseased, n_healthy, n_people
        People with score and truth; those of the domain.
    replicates
        Bootstrap samples with people of both classes; 0 where none were wanted.
    confidence, notes
        Level of the limits, and what a reader must know.
    """

    points: tuple[CutPoint, ...]
    curve_cut_points: Array
    curve_sensitivity: Array
    curve_specificity: Array
    score: str
    direction: str
    truth: str
    design: str
    prevalence: float
    n_diseased: int
    n_healthy: int
    n_people: int
    replicates: int
    confidence: float
    notes: tuple[str, ...]

    def __getitem__(self, criterion: str) -> CutPoint:
        for point in self.points:
            if criterion in (point.criterion, point.label):
                return point
        names = ", ".join(point.criterion for point in self.points)
        raise SchemaError(f"no cut-point by {criterion!r}; there are {names}")

    def to_polars(self) -> pl.DataFrame:
        """One row a criterion.

        Returns
        -------
        polars.DataFrame
            criterion, cut_point, lower, upper, observed, sensitivity, specificity and youden with
            their limits, the same three in other people (…_corrected, with limits),
            share_positive, n.
        """
        rows = [point.as_row() for point in self.points]
        texts = {"criterion": pl.String, "n": pl.Int64}
        return pl.DataFrame(rows, schema={k: texts.get(k, pl.Float64) for k in rows[0]})

    def curve(self) -> pl.DataFrame:
        """Sensitivity and specificity over the cut-points: cut_point, sensitivity, specificity."""
        return pl.DataFrame(
            {
                "cut_point": self.curve_cut_points,
                "sensitivity": self.curve_sensitivity,
                "specificity": self.curve_specificity,
            }
        )

    def _repr_html_(self) -> str:
        shown = pl.DataFrame(
            [
                {
                    "criterion": point.label,
                    "cut-point": _interval(point.cut_point, point.lower, point.upper),
                    "sensitivity": _rounded(point.sensitivity),
                    "specificity": _rounded(point.specificity),
                    "corrected sensitivity": _rounded(point.sensitivity_corrected),
                    "corrected specificity": _rounded(point.specificity_corrected),
                    "corrected Youden": _rounded(point.youden_corrected),
                    "share positive": number(point.share_positive, digits=3),
                }
                for point in self.points
            ]
        )
        return self._shown(shown)

    def _summary(self) -> str:
        first = self.points[0]
        return (
            f"{self.score} ({self.direction} is diseased) against {self.truth}, "
            f"{count(self.n_diseased)} diseased, {count(self.n_healthy)} healthy; {first.label} "
            f"{_interval(first.cut_point, first.lower, first.upper)}"
        )


def _limited(name: str, measure: Measure | None) -> dict[str, float | None]:
    row = measure.as_row() if measure else {}
    return {name: row.get("estimate")} | {f"{name}_{k}": row.get(k) for k in ("lower", "upper")}


def _rounded(measure: Measure | None) -> str:
    return "" if measure is None or math.isnan(measure.estimate) else measure.rounded(3)


def _interval(value: float | None, lower: float | None, upper: float | None) -> str:
    ends = "" if lower is None else f" ({number(lower, digits=4)} to {number(upper, digits=4)})"
    return number(value, digits=4) + ends
