"""Replicate weights of people who are summed to cells, and the variance of a proportion of them.

Every replicate gives the same proportion under its own weights. Sums of the replicate weights by
cell carry them all: R numbers a cell in place of R numbers a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from scipy.sparse import csr_array

from osteo_epi.errors import SchemaError
from osteo_epi.frames import Frame
from osteo_epi.survey import (
    Array,
    Codes,
    Design,
    DesignArrays,
    Mask,
    ReplicateDesign,
    Replicates,
    SurveyDesign,
    covariance,
    degrees_of_freedom,
    element_variance,
    independent,
    linearised_standard,
    refuse_faults,
)


@dataclass(frozen=True)
class ReplicateSums:
    """Sums of weights and replicate weights over m cells.

    Parameters
    ----------
    weight
        (m,) sums of the weights.
    replicated
        (m, R) sums of the replicate weights.
    sample
        The replicate weights of the n people.
    cell
        (n,) the cell of each person.
    df
        Degrees of freedom that the survey states; None for the rank in the domain less one.
    method
        How the variance is had, in words.
    """

    weight: Array
    replicated: Array
    sample: Replicates
    cell: Codes
    df: int | None
    method: str

    @classmethod
    def of(
        cls, sample: Replicates, cell: Codes, size: int, *, df: int | None, method: str
    ) -> ReplicateSums:
        """Sum the replicate weights of people to `size` cells."""
        people = np.arange(len(cell))
        member = csr_array((np.ones(len(cell)), (cell, people)), shape=(size, len(cell)))
        return cls(member @ sample.weight, member @ sample.factor, sample, cell, df, method)

    def proportions(self, event: Array, rows: Mask, stratum: Codes, share: Array) -> Array:
        """(R,) proportion in each replicate, standardised over strata by their (S,) shares.

        NaN where a replicate holds nobody in a stratum that has a share.
        """
        used = share > 0
        inside = np.flatnonzero(rows & (stratum >= 0))
        weight = self.replicated[inside]
        index = (stratum[inside], np.arange(len(inside)))
        by = csr_array((np.ones(len(inside)), index), shape=(len(share), len(inside)))[used]
        with np.errstate(invalid="ignore", divide="ignore"):
            means = (by @ (event[inside, None] * weight)) / (by @ weight)
        return share[used] @ means

    def variance(self, value: float, replicated: Array) -> tuple[float, int]:
        """Variance of a proportion, and how many replicates hold nobody and were left out."""
        known = np.isfinite(replicated)
        spread = self.sample.spread(replicated[:, None], np.array([value]), known)
        return float(spread[0, 0]), int((~known).sum())

    def degrees_of_freedom(self, rows: Mask) -> int:
        """As stated, or the rank of the replicate weights of the cells' people less one."""
        if self.df is not None:
            return self.df
        return max(independent(self.sample.factor[rows[self.cell]]) - 1, 0)


OUTSIDE = -1
UNMEASURED = -1
CODE = pl.Int32


@dataclass(frozen=True)
class Question:
    """What is counted, in whom.

    Parameters
    ----------
    outcome
        Expression that gives a class name, null where the person could not be classified.
    answers
        The columns that `outcome` reads.
    classes
        The classes asked for.
    known
        Every class that a measured person can have.
    inside
        Expression that is true for people of the domain; false and null are outside.
    edges
        Ascending ages [years]; bands lie between them, lower end included.
    by
        Columns to break down by.
    """

    outcome: pl.Expr
    answers: tuple[str, ...]
    classes: tuple[str, ...]
    known: tuple[str, ...]
    inside: pl.Expr
    edges: tuple[float, ...]
    by: tuple[str, ...]

    @property
    def raw(self) -> tuple[str, ...]:
        """The columns that cells are made of, as they are in the data."""
        return tuple(dict.fromkeys((*self.by, *self.answers)))


@dataclass(frozen=True)
class Cells:
    """Sums over people, one row a cell.

    Parameters
    ----------
    design
        The design over the cells, or sums of replicate weights; `design.weight` holds sums of
        weights.
    band
        (m,) age band 0 …; −1 outside the domain.
    outcome
        (m,) index of the class; the number of classes where measured and in none of them; −1
        where not measured.
    group
        Column to (m,) labels, None where missing.
    people
        (m,) people with a weight above zero.
    squares
        (m,) sums of squared weights.
    no_age
        People with a weight whose age is missing: they can be placed nowhere.
    """

    design: DesignArrays | ReplicateSums
    band: Codes
    outcome: Codes
    group: dict[str, np.ndarray]
    people: Array
    squares: Array
    no_age: int

    @property
    def inside(self) -> Mask:
        """(m,) cells of the domain."""
        return self.band != OUTSIDE

    @property
    def measured(self) -> Mask:
        """(m,) cells of people with a class."""
        return self.inside & (self.outcome != UNMEASURED)

    @property
    def method(self) -> str:
        """How the variance is had, in words."""
        if isinstance(self.design, ReplicateSums):
            return self.design.method
        return "Taylor linearisation"

    def count(self, mask: Mask) -> int:
        """People in the masked cells."""
        return int(self.people[mask].sum())


def summed(frame: Frame, design: Design, question: Question) -> Cells:
    """Sum people to cells in one pass of a frame, streamed where it is lazy.

    Raises
    ------
    SchemaError
        If age or a `by` column is absent.
    DesignError
        If the design has a fault.
    """
    schema = frame.collect_schema()
    absent = [c for c in ("age", *question.by) if c not in schema]
    if absent:
        raise SchemaError(
            f"column(s) {', '.join(absent)} are not in the data; prevalence needs age and the "
            "columns named in by="
        )
    refuse_faults(design, frame)
    weight = pl.col(design.weight).cast(pl.Float64) if design.weight else pl.lit(1.0)
    keys = [c for c in design.columns if c != design.weight]
    chosen: list[pl.Expr | str] = [*keys, *_cell_columns(question), weight.alias("_weight")]
    if isinstance(design, ReplicateDesign):
        return _replicate_cells(frame, design, question, chosen)
    table = _summed_table(frame.lazy().select(chosen), frame.collect_schema(), keys, question)
    people = table["_people"].cast(pl.Float64).to_numpy()
    rows = table["_rows"].cast(pl.Float64).to_numpy()
    named = table.rename({"_sum": design.weight or "_equal"})
    arrays = design.arrays(named, people=None if design.units else rows)
    arrays, squares = _weights_of_cells(design, arrays, table, people)
    return _cells(arrays, squares, table, question)


def _replicate_cells(
    frame: Frame, design: ReplicateDesign, question: Question, chosen: list[pl.Expr | str]
) -> Cells:
    """The frame is read whole: the degrees of freedom are those of the people of each domain."""
    names = design.replicate_columns(frame)
    own = [pl.col(c).alias(f"_replicate {c}") for c in names]
    kept = frame.lazy().select(*chosen, *own).with_row_index("_row").collect()
    people = kept.lazy().drop(pl.selectors.starts_with("_replicate "))
    table = _summed_table(people, frame.collect_schema(), [], question, listed=["_row"])
    cell = np.empty(kept.height, dtype=np.int64)
    place = table.with_row_index("_cell").select("_cell", "_row").explode("_row")
    cell[place["_row"].to_numpy()] = place["_cell"].to_numpy()
    weights = {design.weight: kept["_weight"], **{c: kept[f"_replicate {c}"] for c in names}}
    sample = design.sample(pl.DataFrame(weights), whole_df=False)
    method = f"{len(names)} replicate weights ({design.kind})"
    sums = ReplicateSums.of(sample, cell, table.height, df=design.df, method=method)
    return _cells(sums, table["_squares"].to_numpy(), table, question)


def _cells(
    design: DesignArrays | ReplicateSums, squares: Array, table: pl.DataFrame, question: Question
) -> Cells:
    outside = table["_band"] == OUTSIDE
    return Cells(
        design=design,
        band=table["_band"].cast(pl.Int64).to_numpy(),
        outcome=table["_outcome"].cast(pl.Int64).to_numpy(),
        group={c: table[f"_by {c}"].to_numpy() for c in question.by},
        people=table["_people"].cast(pl.Float64).to_numpy(),
        squares=squares,
        no_age=int(table.filter(outside & table["_no_age"])["_people"].sum()),
    )


def _summed_table(
    people: pl.LazyFrame,
    schema: pl.Schema,
    keys: Sequence[str],
    question: Question,
    *,
    listed: Sequence[str] = (),
) -> pl.DataFrame:
    """Group by the columns as they are; labels and classes are made of the few groups after."""
    cells = [*keys, *(f"_of {c}" for c in question.raw), "_band", "_no_age"]
    table = (
        people.group_by(cells)
        .agg(
            *listed,
            _rows=pl.len(),
            _people=(pl.col("_weight") > 0).sum(),
            _sum=pl.col("_weight").sum(),
            _squares=(pl.col("_weight") ** 2).sum(),
        )
        .collect(engine="streaming")
    )
    answers = table.select(pl.col(f"_of {c}").alias(c) for c in question.answers)
    _refuse_unknown(answers.select(question.outcome.cast(pl.String)).to_series(), question)
    named = table.select(
        *keys,
        *("_band", "_no_age", "_rows", "_people", "_sum", "_squares", *listed),
        *(_label(schema, c).alias(f"_by {c}") for c in question.by),
        answers.select(_outcome(question)).to_series().alias("_outcome"),
    )
    return named.sort([*keys, *(f"_by {c}" for c in question.by), "_band", "_outcome", "_no_age"])


def _cell_columns(question: Question) -> list[pl.Expr]:
    """People outside the domain fall into one cell a unit: only their unit still counts."""
    age = pl.col("age")
    within = question.inside & (age >= question.edges[0]) & (age < question.edges[-1])
    within = within.fill_null(False)
    above = [(age >= edge).cast(CODE) for edge in question.edges[1:-1]]
    band = pl.sum_horizontal(pl.lit(0, dtype=CODE), *above)
    # Keys of the streaming group-by are cast last: literals would otherwise change their width.
    return [
        *(pl.when(within).then(pl.col(c)).alias(f"_of {c}") for c in question.raw),
        pl.when(within).then(band).otherwise(OUTSIDE).cast(CODE).alias("_band"),
        (question.inside.fill_null(False) & age.is_null()).alias("_no_age"),
    ]


def _label(schema: pl.Schema, column: str) -> pl.Expr:
    """A level as text; whole numbers without a decimal point, whatever their type."""
    level = pl.col(f"_of {column}")
    if not schema[column].is_float():
        return level.cast(pl.String)
    whole = level.cast(pl.Int64, strict=False)
    text = pl.when(level == whole).then(whole.cast(pl.String)).otherwise(level.cast(pl.String))
    return pl.when(level.is_not_nan()).then(text)


def _refuse_unknown(found: pl.Series, question: Question) -> None:
    """A class that nobody knows would be counted as none of those asked for: as healthy."""
    unknown = set(found.drop_nulls().unique()) - set(question.known)
    if unknown:
        raise SchemaError(
            f"column {question.answers[0]} holds {len(unknown)} class name(s) other than "
            f"{', '.join(question.known)}, not_classifiable: classify the people first"
        )


def _outcome(question: Question) -> pl.Expr:
    """Index of the class; UNMEASURED where there is none."""
    names = pl.Series(question.classes)
    coded = question.outcome.cast(pl.String).replace_strict(
        names, pl.Series(range(len(names)), dtype=CODE), default=len(names), return_dtype=CODE
    )
    return pl.when(question.outcome.is_null()).then(UNMEASURED).otherwise(coded).cast(CODE)


def _weights_of_cells(
    design: SurveyDesign, arrays: DesignArrays, table: pl.DataFrame, people: Array
) -> tuple[DesignArrays, Array]:
    """Without a column of weights every person of a cell has the same, from the design."""
    if design.weight:
        return arrays, table["_squares"].to_numpy()
    return replace(arrays, weight=arrays.weight * people), arrays.weight**2 * people


@dataclass(frozen=True)
class CellEstimate:
    """A proportion among people in cells, with its standard error, n, df and design effect.

    `lost` counts replicates that hold nobody and were left out of the standard error.
    """

    value: float
    se: float
    n: int
    df: int
    deff: float
    lost: int = 0


def cell_proportion(
    cells: Cells,
    mask: Mask,
    wanted: int,
    *,
    stratum: Codes | None = None,
    share: Array | None = None,
    names: Sequence[str] | None = None,
) -> CellEstimate | None:
    """Proportion of a class among the measured people of the masked cells.

    Parameters
    ----------
    cells, mask
        The sums and the (m,) cells of the group.
    wanted
        Index of the class.
    stratum, share, names
        (m,) standardisation strata of the cells (−1 for none), (S,) their shares and names; None
        for a crude proportion.

    Returns
    -------
    CellEstimate or None
        None where nobody was measured.
    """
    if stratum is None or share is None:
        stratum, share = np.zeros(len(cells.band), dtype=np.int64), np.ones(1)
    rows = mask & cells.measured & (cells.people > 0) & (stratum >= 0)
    if not rows.any():
        return None
    weight = np.where(rows, cells.design.weight, 0.0)
    event = (cells.outcome == wanted).astype(float)
    value, influence = linearised_standard(event, weight, stratum, share, names=names)
    n, size, lost = cells.count(rows), weight.sum(), 0
    if isinstance(cells.design, ReplicateSums):
        replicated = cells.design.proportions(event, rows, stratum, share)
        variance, lost = cells.design.variance(value, replicated)
        df = cells.design.degrees_of_freedom(rows)
    else:
        variance = _variance(cells, cells.design, influence, weight, rows)
        df = _df(cells, cells.design, rows)
    deff = _deff(variance, value, n, size)
    return CellEstimate(value, float(np.sqrt(variance)), n, df, deff, lost)


def _variance(
    cells: Cells, design: DesignArrays, influence: Array, weight: Array, rows: Mask
) -> float:
    if design.stages[0].unit is not None:
        return float(covariance(influence, design, domain=rows)[0, 0])
    per_weight = np.divide(influence, weight, out=np.zeros(len(weight)), where=weight > 0)
    people = np.where(rows, cells.people, 0.0)
    return element_variance(influence, per_weight**2 * cells.squares, people, design)


def _df(cells: Cells, design: DesignArrays, rows: Mask) -> int:
    first = design.stages[0]
    if first.unit is not None:
        return degrees_of_freedom(design, rows)
    return cells.count(rows) - len(np.unique(first.stratum[rows]))


def _deff(variance: float, value: float, n: int, size: float) -> float:
    """Against simple random sampling without replacement, as `svymean(deff = TRUE)` of R."""
    simple = value * (1 - value) / (n - 1) * (size - n) / size if n > 1 else 0.0
    if size <= n:
        # Equal or normalised weights say nothing about the size of the population.
        simple = value * (1 - value) / (n - 1) if n > 1 else 0.0
    return variance / simple if simple > 0 else float("nan")
