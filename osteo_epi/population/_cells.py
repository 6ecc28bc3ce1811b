"""People summed once, to cells of (stratum, unit, group, age band, class under each definition).

The linearised value of a person is the weight times a number that depends on group, band and
classes alone. Sums of weights by these cells and sampling units therefore carry every share, every
contrast of shares and their variances; ten million people become a few thousand cells.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import polars as pl

from osteo_epi.cohort import is_written
from osteo_epi.diagnosis import Definition, classify
from osteo_epi.errors import SchemaError
from osteo_epi.frames import Frame
from osteo_epi.population._query import (
    BY_Z,
    MEASURED,
    NOT_CLASSIFIABLE,
    Query,
    refuse_lone_people,
    refuse_no_levels,
)
from osteo_epi.population.status import (
    BY_FRACTURE,
    ESTABLISHED,
    EXCLUDE,
    OPEN,
    PARTS,
    Z_ONLY,
    Status,
)
from osteo_epi.summation import group_sums, names_of_slices, of_slices, slice_columns, whole_sums
from osteo_epi.survey import (
    DESCRIBING,
    Array,
    Codes,
    DesignArrays,
    Mask,
    ReplicateDesign,
    Replicates,
    SurveyDesign,
    WeightSpan,
    covariance,
    degrees_of_freedom,
    element_variance,
    independent,
    refuse_faults,
)

OUTSIDE = -1
BY_AGE = "menopause_not_stated_taken_from_age"
UNMEASURED = -1
OTHER = len(MEASURED)
HELD_BY_Z = 2
"""Added to whether the one class that counts is held, where a Z-score gave a person's class."""
CODE = pl.Int32
# Definitions in one plan: building it takes time with the square of their number.
CHAINED = 4


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
    codes
        (m, k) index into `MEASURED` of the class under each of k definitions; −1 where a person
        is not classified, or not on complete sites; past the last where only one class counts
        and this is another.
    labels
        Column to (m,) labels, None where missing.
    people
        (m,) people with a weight above zero.
    squares
        (m,) sums of squared weights; 0 where people were not drawn one by one.
    status
        (m, k) fracture status under each definition, with `OPEN` and `Z_ONLY` added.
    rules
        What the people tell of their status under each of the k definitions.
    no_age
        People with a weight whose age is missing: they can be placed nowhere.
    by_age
        Women of the domain taken as postmenopausal by their age alone.
    """

    design: DesignArrays | ReplicateSums
    band: Codes
    codes: Codes
    labels: dict[str, np.ndarray]
    people: Array
    squares: Array
    status: Codes
    rules: tuple[Status, ...]
    no_age: int
    by_age: int

    @property
    def inside(self) -> Mask:
        """(m,) cells of the domain."""
        return self.band != OUTSIDE

    @property
    def measured(self) -> Mask:
        """(m, k) cells of the domain whose people each definition classifies."""
        return self.inside[:, None] & (self.codes != UNMEASURED)

    @property
    def common(self) -> Mask:
        """(m,) cells of the domain whose people every definition classifies."""
        return np.logical_and.reduce(self.measured, axis=1)

    @property
    def z_only(self) -> Mask:
        """(m, k) cells of the domain whose people were not classified, and only Z applies."""
        return self.inside[:, None] & (self.status & Z_ONLY > 0)

    @property
    def by_z_alone(self) -> bool:
        """Whether all of whom anything is known have Z-scores alone: children, young adults."""
        held = self.codes[self.measured]
        someone = bool(held.size) or bool(self.z_only.any())
        return someone and bool(np.isin(held, BY_Z).all())

    def possible(self, bone_class: str) -> Mask:
        """(m, k) cells of whose people, classified, somebody can have the class.

        A Z-score gives classes of its own, and no other.
        """
        by_z = np.isin(self.codes, BY_Z)
        return self.measured & (by_z if MEASURED.index(bone_class) in BY_Z else ~by_z)

    @property
    def opened(self) -> Mask:
        """(m, k) cells of the domain whose fracture record is open."""
        return self.inside[:, None] & (self.status & OPEN > 0)

    def fracture(self, status: int) -> Mask:
        """(m, k) cells of the domain of a fracture status."""
        return self.inside[:, None] & (self.status % PARTS == status)

    def counts_apart(self, j: int, incomplete: str | None, opened: Mask) -> bool:
        """Whether fractures are a part of their own under a definition: stated, or anybody's."""
        if incomplete == EXCLUDE or not self.rules[j].counts_fractures:
            return False
        broken = self.fracture(ESTABLISHED)[:, j] | opened
        if self.rules[j].definition.fracture_open == "unknown":
            # Else a record of unknown meaning would count only in those whose density is low.
            broken = broken | self.opened[:, j]
        return incomplete == BY_FRACTURE or bool(self.count(broken))

    def known(self, bone_class: str) -> Mask:
        """(m, k) cells of the domain of whose people it is known whether they have the class.

        Those to whom only the Z-score applies do not have a class that it does not make.
        """
        excluded = np.array([bone_class not in rule.z_classes for rule in self.rules])
        return self.measured | (self.z_only & excluded)

    def known_to_all(self, bone_class: str) -> Mask:
        """(m,) cells of whose people every definition knows whether they have the class."""
        return np.logical_and.reduce(self.known(bone_class), axis=1)

    def holds(self, bone_class: str) -> Mask:
        """(m, k) whose people have the class."""
        return self.codes == MEASURED.index(bone_class)

    def count(self, mask: Mask) -> int:
        """People in the masked cells."""
        return int(self.people[mask].sum())

    @cached_property
    def mean_weight(self) -> float:
        """Mean weight of everybody sampled."""
        return float(self.design.weight.sum() / max(self.people.sum(), 1.0))

    @cached_property
    def describes_population(self) -> bool:
        """Whether weights or corrections say how many people the population has."""
        stated = isinstance(self.design, DesignArrays) and bool(
            np.isfinite(self.design.stages[0].population).all()
        )
        return stated or self.mean_weight >= DESCRIBING

    @property
    def method(self) -> str:
        """How the variance is had, in words."""
        if isinstance(self.design, ReplicateSums):
            return self.design.method
        return "Taylor linearisation"

    def variance(self, influence: Array, rows: Mask) -> float:
        """Taylor variance of the sum of (m,) linearised values, zero outside the (m,) rows."""
        assert isinstance(self.design, DesignArrays), "replicates have no linearised values"
        if self.design.stages[0].unit is not None:
            return float(covariance(influence, self.design, domain=rows)[0, 0])
        weight = np.where(rows, self.design.weight, 0.0)
        each = np.divide(influence, weight, out=np.zeros(len(weight)), where=weight > 0)
        people = np.where(rows, self.people, 0.0)
        return element_variance(influence, each**2 * self.squares, people, self.design)

    def degrees_of_freedom(self, rows: Mask) -> int:
        """Of an estimate that rests on the (m,) rows."""
        if isinstance(self.design, ReplicateSums):
            return self.design.degrees_of_freedom(rows)
        first = self.design.stages[0]
        if first.unit is not None:
            return degrees_of_freedom(self.design, rows)
        return self.count(rows) - len(np.unique(first.stratum[rows]))


@dataclass(frozen=True)
class ReplicateSums:
    """Sums of weights and replicate weights over m cells.

    Every replicate gives the same share under its own weights, and their sums by cell carry them
    all: R numbers a cell in place of R numbers a person.

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
    stated
        Degrees of freedom that the survey states; None for the rank in the domain less one.
    method
        How the variance is had, in words.
    """

    weight: Array
    replicated: Array
    sample: Replicates
    cell: Codes
    stated: int | None
    method: str
    ranks: dict[bytes, int] = field(default_factory=dict, repr=False)

    @classmethod
    def of(
        cls, sample: Replicates, cell: Codes, size: int, *, stated: int | None, method: str
    ) -> ReplicateSums:
        """Sum the replicate weights of people to `size` cells."""
        weight = group_sums(cell, sample.weight, size=size)
        each = np.empty((size, sample.n_replicates))
        for r in range(sample.n_replicates):
            each[:, r] = group_sums(cell, sample.factor[:, r], size=size)
        return cls(weight, each, sample, cell, stated, method)

    def shares(self, event: Mask, rows: Mask, stratum: Codes, share: Array) -> Array:
        """(R, k) shares of (m, k) events among (m, k) rows, by strata with (S,) shares.

        NaN where a replicate holds nobody in a stratum that has a share.
        """
        whole = np.zeros((self.replicated.shape[1], event.shape[1]))
        for place in np.flatnonzero(share > 0):
            whole += share[place] * self.means(event, rows, stratum == place)
        return whole

    def means(self, event: Mask, rows: Mask, mask: Mask) -> Array:
        """(R, k) shares of (m, k) events among (m, k) rows of the (m,) masked cells."""
        here = np.flatnonzero(mask & rows.any(axis=1))
        weight = self.replicated[here].T
        with np.errstate(invalid="ignore", divide="ignore"):
            return (weight @ (event & rows)[here].astype(float)) / (
                weight @ rows[here].astype(float)
            )

    def variance(self, value: float, replicated: Array) -> tuple[float, int]:
        """Variance of an estimate, and how many replicates hold nobody and were left out."""
        known = np.isfinite(replicated)
        spread = self.sample.spread(replicated[:, None], np.array([value]), known)
        return float(spread[0, 0]), int((~known).sum())

    def sizes(self, rows: Mask) -> Array:
        """(R,) people that the cells stand for in every replicate."""
        return self.replicated[rows].sum(axis=0)

    def degrees_of_freedom(self, rows: Mask) -> int:
        """As stated, or the rank of the replicate weights of the cells' people less one."""
        if self.stated is not None:
            return self.stated
        key = np.packbits(rows).tobytes()
        if key not in self.ranks:
            self.ranks[key] = independent(self.sample.factor[rows[self.cell]])
        return max(self.ranks[key] - 1, 0)


def sum_to_cells(
    frame: Frame,
    query: Query,
    definitions: Sequence[Definition],
    *,
    classified: bool = False,
    beside: Sequence[str] = (),
    only: str | None = None,
) -> Cells:
    """Sum people to cells in one pass of a frame, streamed where it is lazy.

    Parameters
    ----------
    frame
        Everybody sampled.
    query
        What is estimated in whom.
    definitions
        Each classifies the people anew.
    classified
        Whether the one definition did so already and their `bone_class` is taken.
    beside
        Columns to keep apart beside those of `query.by`.
    only
        The one class that counts: fewer cells.

    Raises
    ------
    SchemaError
        If age or a `by` column is absent, or `bone_class` holds an unknown name.
    DesignError
        If the design has a fault, or a `by` column tells persons apart and no groups.
    """
    labels = tuple(dict.fromkeys((*query.by, *beside)))
    schema, design = frame.collect_schema(), query.design
    absent = [c for c in ("age", *labels) if c not in schema]
    if absent:
        there = ", ".join(name for name in schema if not is_written(name))
        raise SchemaError(
            f"column(s) {', '.join(absent)} are not in the data, and a prevalence needs age and "
            f"those named in by=; there are {there}"
        )
    refuse_no_levels(schema, labels)
    span = refuse_faults(design, frame)
    replicated = isinstance(design, ReplicateDesign)
    extra = design.replicate_columns(frame) if isinstance(design, ReplicateDesign) else ()
    keys = () if replicated else tuple(c for c in design.columns if c != design.weight)
    kept = [*(pl.col(c).alias(f"_key {c}") for c in keys), *_cell_columns(frame, query, labels)]
    kept += [pl.col(c).alias(f"_replicate {c}") for c in extra]
    rules = _rules(frame, definitions, classified)
    people = _classified(frame, kept, [] if classified else definitions, rules, only)
    pairs = [(f"_class {j}", f"_status {j}") for j in range(len(rules))]
    groups = [*(f"_key {c}" for c in keys), *(f"_of {c}" for c in labels), "_band"]
    named = [_label(schema, c).alias(f"_of {c}") for c in labels]
    if isinstance(design, ReplicateDesign):
        people = people.collect().with_row_index("_row").lazy()
    keys_of_cells = [*groups, *itertools.chain(*pairs), "_no_age"]
    # Only where people were drawn one by one does the variance rest on their squared weights.
    squared = not replicated and design.weight is not None and not design.units
    listed = ("_row",) if replicated else ()
    table = _summed(people, keys_of_cells, listed, span, squared=squared)
    refuse_lone_people(table, {name: name for name in query.by})
    table = table.with_columns(*named, *(_code(table[c], only) for c, _ in pairs))
    table = table.sort(keys_of_cells)
    if isinstance(design, ReplicateDesign):
        repeated = _replicate_sums(people, table, design, extra)
        return _as_cells(repeated, np.zeros(table.height), table, labels, rules)
    arrays, squares = _design_of_cells(design, table.rename({f"_key {c}": c for c in keys}))
    return _as_cells(arrays, squares, table, labels, rules)


def _rules(frame: Frame, definitions: Sequence[Definition], classified: bool) -> tuple[Status, ...]:
    if classified:
        return tuple(Status.of(frame, definition) for definition in definitions)
    return tuple(Status(definition) for definition in definitions)


def _cell_columns(frame: Frame, query: Query, labels: tuple[str, ...]) -> list[pl.Expr]:
    """People outside the domain fall into one cell a unit: only their unit still counts."""
    age, inside, edges = pl.col("age"), query.inside(frame), query.edges
    within = (inside & (age >= edges[0]) & (age < edges[-1])).fill_null(False)
    above = [(age >= edge).cast(CODE) for edge in edges[1:-1]]
    band = pl.sum_horizontal(pl.lit(0, dtype=CODE), *above)
    weight = query.design.weight
    # Keys of the streaming group-by are cast last: literals would otherwise change their width.
    return [
        *(pl.when(within).then(pl.col(c)).alias(f"_of {c}") for c in labels),
        pl.when(within).then(band).otherwise(OUTSIDE).cast(CODE).alias("_band"),
        (inside & age.is_null()).alias("_no_age"),
        (pl.col(weight).cast(pl.Float64) if weight else pl.lit(1.0)).alias("_weight"),
    ]


def _classified(
    frame: Frame,
    kept: list[pl.Expr],
    definitions: Sequence[Definition],
    rules: Sequence[Status],
    only: str | None,
) -> pl.LazyFrame:
    """The columns of the cells, and class and status under each definition."""
    raw = frame.collect_schema().names()
    people = frame.lazy().with_columns(kept)
    names = [c for c in people.collect_schema().names() if c not in raw]
    if not definitions:
        return people.select(*names, *_answers(people, rules[0], 0, only), _by_age(people))
    listed = list(zip(range(len(rules)), definitions, rules, strict=True))
    if len(definitions) <= CHAINED:
        return _chain(people, raw, names, listed, only)
    packs = [listed[i : i + CHAINED] for i in range(0, len(listed), CHAINED)]

    def classify_all(rows: pl.DataFrame) -> pl.DataFrame:
        chains = [_chain(rows.lazy(), raw, names, pack, only).drop(names) for pack in packs]
        first, *others = pl.collect_all(chains)
        parts = [rows.select(names), first, *(part.drop("_by_age") for part in others)]
        return pl.concat(parts, how="horizontal")

    schema = classify_all(people.head(0).collect()).schema
    return people.map_batches(classify_all, schema=schema, streamable=True)


def _chain(
    people: pl.LazyFrame,
    raw: list[str],
    names: list[str],
    listed: list[tuple[int, Definition, Status]],
    only: str | None,
) -> pl.LazyFrame:
    """Classify the same rows by one definition after the other, keeping the answers alone."""
    names = list(names)
    for place, (j, definition, rule) in enumerate(listed):
        classified = classify(people, definition)
        answers = _answers(classified, rule, j, only)
        answers += [] if place else [_by_age(classified)]
        people = classified.select(*raw, *names, *answers)
        names += [answer.meta.output_name() for answer in answers]
    return people.select(names)


def _answers(people: pl.LazyFrame, rule: Status, j: int, only: str | None) -> list[pl.Expr]:
    """The class, null where a person is not known on complete sites, and the status.

    Someone whose spine is missing would otherwise enter only when the hip is osteoporotic. Where
    only one class counts: whether a person has it.
    """
    name, inside = pl.col("bone_class"), pl.col("_band") != OUTSIDE
    complete = inside
    if "sites_complete" in people.collect_schema():
        complete = inside & pl.col("sites_complete").fill_null(False)
    classified = complete & (name != NOT_CLASSIFIABLE).fill_null(False)
    answer = pl.when(complete).then(name)
    if only is not None:
        # Those judged by Z stay apart: where there are no others nobody can have a class by T.
        by_z = name.is_in([MEASURED[place] for place in BY_Z])
        answer = pl.when(classified).then((name == only).cast(CODE) + HELD_BY_Z * by_z.cast(CODE))
    status = pl.when(inside).then(rule.expression(classified)).otherwise(0).cast(CODE)
    return [answer.alias(f"_class {j}"), status.alias(f"_status {j}")]


def _by_age(people: pl.LazyFrame) -> pl.Expr:
    """Whether a woman of the domain was taken as postmenopausal by her age alone."""
    if "score_reason" not in people.collect_schema():
        return pl.lit(False).alias("_by_age")
    by_age = pl.col("score_reason").cast(pl.String) == BY_AGE
    return (by_age & (pl.col("_band") != OUTSIDE)).fill_null(False).alias("_by_age")


def _summed(
    people: pl.LazyFrame,
    groups: list[str],
    listed: Sequence[str],
    span: WeightSpan,
    *,
    squared: bool,
) -> pl.DataFrame:
    """Group by the columns as they are; labels and classes are made of the few groups after.

    Threads add up the weights in an order of their own, so weights with fractions are cut first.
    """
    weight = pl.col("_weight")
    addends = {"_sum": (weight, span.largest)}
    if squared:
        addends["_squares"] = (weight**2, span.largest**2)
    exact = {
        name: span.whole and whole_sums(largest, span.n) for name, (_, largest) in addends.items()
    }
    cut = [
        column
        for name, (values, largest) in addends.items()
        if not exact[name]
        for column in slice_columns(name, values, largest=largest, n=span.n)
    ]
    added = [
        values.sum().alias(name) if exact[name] else pl.col(names_of_slices(name)).sum()
        for name, (values, _) in addends.items()
    ]
    table = (
        people.with_columns(cut)
        .group_by(groups)
        .agg(
            *listed,
            *added,
            _rows=pl.len().cast(pl.Float64),
            _people=(weight > 0).sum().cast(pl.Float64),
            _by_age=(pl.col("_by_age") & (weight > 0)).sum(),
        )
        .collect(engine="streaming")
    )
    return table.with_columns(of_slices(name) for name in addends if not exact[name])


def _label(schema: pl.Schema, column: str) -> pl.Expr:
    """A level as text; whole numbers without a decimal point, whatever their type."""
    level = pl.col(f"_of {column}")
    if not schema[column].is_float():
        return level.cast(pl.String)
    whole = level.cast(pl.Int64, strict=False)
    text = pl.when(level == whole).then(whole.cast(pl.String)).otherwise(level.cast(pl.String))
    return pl.when(level.is_not_nan()).then(text)


def _code(classes: pl.Series, only: str | None) -> pl.Series:
    """Index of the class; UNMEASURED where there is none."""
    if only is not None:
        held = MEASURED.index(only)
        other_by_z = next(place for place in BY_Z if place != held)
        codes = {0: OTHER, 1: held, HELD_BY_Z: other_by_z, HELD_BY_Z + 1: held}
        return classes.replace_strict(codes, return_dtype=CODE).fill_null(UNMEASURED)
    known = {**{name: i for i, name in enumerate(MEASURED)}, NOT_CLASSIFIABLE: UNMEASURED}
    names = classes.cast(pl.String)
    # A class that nobody knows would be counted as none of those asked for: as healthy.
    unknown = set(names.drop_nulls().unique()) - set(known)
    if unknown:
        raise SchemaError(
            f"column bone_class holds {len(unknown)} class name(s) other than "
            f"{', '.join(known)}: classify the people first"
        )
    return names.replace_strict(known, return_dtype=CODE).fill_null(UNMEASURED)


def _design_of_cells(design: SurveyDesign, table: pl.DataFrame) -> tuple[DesignArrays, Array]:
    """The design over the cells, and their sums of squared weights.

    Without a column of weights every person of a cell has the same, from the design.
    """
    people, rows = table["_people"].to_numpy(), table["_rows"].to_numpy()
    named = table.rename({"_sum": design.weight or "_equal"})
    arrays = design.arrays(named, people=None if design.units else rows)
    if "_squares" in table.columns:
        return arrays, table["_squares"].to_numpy()
    if design.weight:
        return arrays, np.zeros(table.height)
    return replace(arrays, weight=arrays.weight * people), arrays.weight**2 * people


def _replicate_sums(
    people: pl.LazyFrame, table: pl.DataFrame, design: ReplicateDesign, names: Sequence[str]
) -> ReplicateSums:
    """People are read whole: the degrees of freedom are those of the people of each domain."""
    kept = people.select("_weight", *(f"_replicate {c}" for c in names)).collect()
    cell = np.empty(kept.height, dtype=np.int64)
    place = table.with_row_index("_cell").select("_cell", "_row").explode("_row")
    cell[place["_row"].to_numpy()] = place["_cell"].to_numpy()
    sample = design.sample(
        kept.rename({"_weight": design.weight, **{f"_replicate {c}": c for c in names}}),
        whole_df=False,
    )
    method = f"{len(names)} replicate weights ({design.kind})"
    return ReplicateSums.of(sample, cell, table.height, stated=design.df, method=method)


def _as_cells(
    design: DesignArrays | ReplicateSums,
    squares: Array,
    table: pl.DataFrame,
    labels: Sequence[str],
    rules: tuple[Status, ...],
) -> Cells:
    homeless = table.filter((pl.col("_band") == OUTSIDE) & pl.col("_no_age"))
    return Cells(
        design=design,
        band=table["_band"].cast(pl.Int64).to_numpy(),
        codes=_by_definition(table, "_class", len(rules)),
        labels={c: table[f"_of {c}"].to_numpy() for c in labels},
        people=table["_people"].to_numpy(),
        squares=squares,
        status=_by_definition(table, "_status", len(rules)),
        rules=rules,
        no_age=int(homeless["_people"].sum()),
        by_age=int(table["_by_age"].sum()),
    )


def _by_definition(table: pl.DataFrame, name: str, k: int) -> Codes:
    """(m, k) numbers of the columns of each definition."""
    return table.select(pl.col(f"{name} {j}").cast(pl.Int64) for j in range(k)).to_numpy()
