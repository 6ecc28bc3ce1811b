"""Trend of a prevalence over cycles, years or any other ordered groups.

The levels' prevalences share sampling units where the same units were visited again, so the
contrasts take the joint covariance, and the whole sample stays in the design.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from osteo_epi.arguments import is_a, names_in
from osteo_epi.cohort import acceptance_notes, watched
from osteo_epi.diagnosis import Definition, refuse_unsuitable
from osteo_epi.errors import DesignError
from osteo_epi.frames import as_polars, in_callers_kind
from osteo_epi.language import word
from osteo_epi.norms import StandardPopulation
from osteo_epi.population._presentation import presentation
from osteo_epi.population._prevalence import source_of
from osteo_epi.population._query import Ages, Query, one_class
from osteo_epi.population._result import ALL
from osteo_epi.population._rows import Table, row_frame
from osteo_epi.population._shares import Outcomes, Sample, Shares, sexes_of, wald
from osteo_epi.population.cells import sum_to_cells
from osteo_epi.population.status._notes import status_notes
from osteo_epi.results import Result
from osteo_epi.rounding import percent_interval
from osteo_epi.survey import Design, trend_coefficients

DEGREES = {"linear": 1, "quadratic": 2}
COLUMNS: dict[str, Any] = {
    "statistic": pl.String,
    "age_band": pl.String,
    "contrast": pl.String,
    "estimate": pl.Float64,
    "se": pl.Float64,
    "lower": pl.Float64,
    "upper": pl.Float64,
    "confidence": pl.Float64,
    "t": pl.Float64,
    "df": pl.Int64,
    "p": pl.Float64,
    "levels": pl.Int64,
    "n": pl.Int64,
    "method": pl.String,
}


@dataclass(frozen=True, repr=False)
class Trend(Result):
    """Prevalences over ordered groups and the contrasts between them.

    Parameters
    ----------
    frame
        By group and statistic: `linear` [proportion a unit of the score], `quadratic` [the same a
        squared unit], `last - first` [proportion], each with design-based test.
    levels
        The prevalence at each level, rows of `prevalence` with their verdict and the score.
    over
        The column of levels.
    scores
        Score of each level, in order.
    bone_class, definition, design
        In one line each.
    by
        Columns broken down by.
    label
        What has to be known of the data, such as that they are simulated.
    notes
        What a reader has to know beyond the rows.
    """

    frame: pl.DataFrame
    levels: pl.DataFrame
    over: str
    scores: Mapping[str, float]
    bone_class: str
    definition: str
    design: str
    by: tuple[str, ...]
    label: str
    notes: tuple[str, ...] = ()

    def to_polars(self) -> pl.DataFrame:
        """One row a contrast."""
        return self.frame

    def _summary(self) -> str:
        return f"{self.bone_class} over {len(self.scores)} levels of {self.over}"

    def _repr_html_(self) -> str:
        kinds = self.frame["statistic"].unique().to_list()
        statistic = "age_standardised" if "age_standardised" in kinds else "crude"
        # A slope a year is small: three decimals.
        table = pl.DataFrame(
            {
                **{c: word(row[c]) for c in (*self.by, "statistic", "contrast")},
                "points (limits)": percent_interval(
                    row["estimate"], row["lower"], row["upper"], decimals=3, signed=True
                ),
                **{c: row[c] for c in ("t", "df", "p")},
            }
            for row in self.frame.filter(pl.col("statistic") == statistic).to_dicts()
        )
        scores = ", ".join(f"{name} at {score:g}" for name, score in self.scores.items())
        caption = [
            f"Trend of the prevalence of {self.bone_class} over {self.over}; linear and quadratic "
            "in points a unit of its score",
            f"Scores: {scores}",
            f"Definition: {self.definition}",
            f"Design: {self.design}",
            *([f"Label: {self.label}"] if self.label else []),
            *self.notes,
        ]
        return self._shown(table, caption="\n".join(caption), notes=())


@in_callers_kind
def prevalence_trend(
    people: Any,
    definition: Definition,
    *,
    over: str = "cycle",
    scores: Mapping[str, float] | None = None,
    bone_class: str = "osteoporosis",
    by: str | Sequence[str] = (),
    standard: str | StandardPopulation | None = None,
    design: Design | str | None = None,
    ages: Ages | None = None,
    age_bands: Sequence[float] | None = None,
    domain: str | pl.Expr | None = None,
    eligible: str | pl.Expr | None = None,
    interval: str = "beta",
    confidence: float = 0.95,
    accept_errors: bool = False,
    incomplete: str | None = None,
) -> Trend:
    """Linear and quadratic trend of a prevalence over cycles, with design-based tests.

    Parameters
    ----------
    people
        Any frame of everybody sampled in all cycles, classified by `definition` here.
    definition
        What the disease is.
    over
        Column of the cycles, years or ordered groups.
    scores
        Where each level stands, for instance the year; by default the number that the level is,
        or the middle of the two years that it names ("2005-2006").
    bone_class
        The class that is counted.
    by, standard, design, ages, age_bands, domain, eligible, interval, confidence, accept_errors,
    incomplete
        As `prevalence`.

    Returns
    -------
    Trend

    Raises
    ------
    DesignError
        If there are fewer than two levels, or one without a score.

    Notes
    -----
    Orthogonal polynomial contrasts over the scores as they are, unequal distances included, on
    the standardised prevalences where there is a standard: the tests of NCHS's trend tables. The
    same test as `svycontrast` with `contr.poly(k, scores)` on `svyby(..., covmat = TRUE)` of R
    survey; `linear` is scaled to be the slope of the least-squares line through the prevalences,
    `quadratic` the coefficient of the square. Degrees of freedom: those of all levels together.

    Examples
    --------
    >>> from osteo_epi.cohort import simulate
    >>> from osteo_epi.diagnosis import definition
    >>> people = simulate(4_000, seed=2)
    >>> trend = prevalence_trend(people, definition("nchs_bone_2021"), over="exam_year")
    >>> trend.to_frame().filter(pl.col("statistic") == "crude")["contrast"].to_list()
    ['linear', 'quadratic', 'last - first']
    """
    frame, _ = as_polars(people)
    people = refuse_unsuitable(people, frame, [definition], accept_errors=accept_errors)
    frame = watched(frame, accept_errors=accept_errors)
    columns = tuple(names_in(by, "by"))
    is_a(over, "over", str, "the name of one column")
    is_a(scores, "scores", (Mapping, type(None)), "numbers by level, as {'2011-2012': 2011.5}")
    query = Query.of(
        definition, frame, by=(*columns, over), classes=one_class(bone_class), standard=standard,
        design=design, ages=ages, age_bands=age_bands, domain=domain, eligible=eligible,
        interval=interval, confidence=confidence, incomplete=incomplete,
    )  # fmt: skip
    sample = Sample(sum_to_cells(frame, query, [definition], beside=sexes_of(frame)), query)
    placed = _scores(sample.levels(over), scores, over)
    outcomes = Outcomes.of(sample.cells, [(0, bone_class)], query.incomplete)
    (levels,) = Table(sample, outcomes).rows()
    named = [{"definition": definition.label, "class": bone_class, **row} for row in levels]
    contrasts = _Contrasts(sample, outcomes, over, placed)
    rows = pl.DataFrame(
        list(contrasts.rows()), schema={**dict.fromkeys(columns, pl.String), **COLUMNS}
    )
    marks = pl.col(over).replace_strict(placed, return_dtype=pl.Float64).alias("score")
    shown = row_frame(named, query.by, "definition").filter(pl.col(over) != ALL)
    return Trend(
        frame=rows.with_columns(pl.selectors.float().fill_nan(None)),
        levels=presentation(shown).with_columns(marks),
        over=over,
        scores=placed,
        bone_class=bone_class,
        definition=definition.label,
        design=str(query.design),
        by=columns,
        label=source_of(people)["label"] or "",
        notes=(*acceptance_notes(people), *query.design_notes, *status_notes(sample)),
    )


def _scores(levels: list[str], given: Mapping[str, float] | None, over: str) -> dict[str, float]:
    """Level to score, ascending."""
    numbers = given if given is not None else {level: _score(level) for level in levels}
    lacking = [level for level in levels if numbers.get(level) is None]
    if lacking or len(levels) < 2:
        raise DesignError(
            f"{over} has {len(levels)} level(s), no score for {', '.join(lacking) or 'none'}; a "
            "trend needs two levels at least, each with a number: give scores={'level': 2006.0}"
        )
    placed = {level: float(numbers[level]) for level in levels}  # type: ignore[arg-type]
    if len(set(placed.values())) < len(placed):
        raise DesignError(f"two levels of {over} have the same score: give each its own in scores=")
    return dict(sorted(placed.items(), key=lambda item: item[1]))


def _score(level: str) -> float | None:
    """The number that a level is, or the mean of the years in it."""
    try:
        return float(level)
    except ValueError:
        years = [float(year) for year in re.findall(r"\b\d{4}\b", level)]
        return float(np.mean(years)) if years else None


@dataclass(frozen=True)
class _Contrasts:
    """The rows of a trend."""

    sample: Sample
    outcomes: Outcomes
    over: str
    scores: Mapping[str, float]

    def rows(self) -> Iterator[dict[str, Any]]:
        """Every contrast of every slice that joins the levels."""
        cells = self.sample.cells
        level = np.column_stack([cells.labels[self.over] == name for name in self.scores])
        each = Outcomes.joined([self.outcomes] * len(self.scores)).within(level)
        for cut in self.sample.slices():
            if cut.group[self.over] == ALL:
                for row in self._contrasts(Shares.of(cells, cut, each)):
                    yield {c: v for c, v in cut.keys.items() if c != self.over} | row

    def _contrasts(self, shares: Shares) -> Iterator[dict[str, Any]]:
        k = len(self.scores)
        score = np.array(list(self.scores.values()))
        for name, degree in DEGREES.items():
            if degree < k:
                yield self._row(shares, name, slope_coefficients(score, degree=degree))
        ends = np.zeros(k)
        ends[[0, -1]] = -1.0, 1.0
        yield self._row(shares, "last - first", ends)

    def _row(self, shares: Shares, name: str, factor: np.ndarray) -> dict[str, Any]:
        from scipy.special import stdtr

        contrast = shares.contrast([(j, float(times)) for j, times in enumerate(factor)])
        with np.errstate(divide="ignore", invalid="ignore"):
            t = np.divide(contrast.value, contrast.se)
        p = float(2 * stdtr(contrast.df, -abs(t))) if contrast.df else np.nan
        confidence = self.sample.query.confidence
        row = {
            "contrast": name,
            "t": float(t),
            "df": contrast.df,
            "p": p,
            "n": contrast.n,
            "levels": len(self.scores),
            "confidence": confidence,
            "method": wald(self.sample.cells),
        }
        return row | contrast.limits(confidence)


def slope_coefficients(scores: np.ndarray, *, degree: int) -> np.ndarray:
    """(k,) contrast that gives the leading coefficient of the least-squares polynomial.

    Examples
    --------
    >>> slope_coefficients(np.array([2006.0, 2010.0]), degree=1)
    array([-0.25,  0.25])
    """
    unit = trend_coefficients(scores, degree=degree)
    return unit / (unit @ (scores - scores.mean()) ** degree)
