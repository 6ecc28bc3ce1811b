"""The one pass over people that sums them to cells, here or where they stand."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from osteo_epi.cohort import is_written
from osteo_epi.diagnosis import CLASSES, TAKEN_FROM_AGE, Definition, taken_from_age, with_classes
from osteo_epi.errors import SchemaError
from osteo_epi.frames import Frame, level_text
from osteo_epi.population._query import (
    BY_Z,
    MEASURED,
    NOT_CLASSIFIABLE,
    Query,
    refuse_lone_people,
    refuse_no_levels,
)
from osteo_epi.population.cells._cells import OUTSIDE, UNMEASURED, Cells
from osteo_epi.population.cells._packing import Packing
from osteo_epi.population.cells._replicates import Repeated, ReplicateSums
from osteo_epi.population.status import OPEN, PARTS, Z_ONLY, Status
from osteo_epi.summation import Addend, exact_totals
from osteo_epi.survey import (
    Array,
    Codes,
    Design,
    DesignArrays,
    ReplicateDesign,
    SurveyDesign,
    WeightSpan,
    refuse_faults,
)

OTHER = len(MEASURED)
NO_AGE = OUTSIDE - 1
"""In place of the band of somebody who would be inside if there were an age: no key of its own."""
HELD_BY_Z = 2
"""Added to whether the one class that counts is held, where a Z-score gave a person's class."""
CODE = pl.Int32
# Working columns have names with a blank, which stand beside those of the people for a while: a
# `_weight` or `_band` of their own is another column.
# Definitions in one plan: building it takes time with the square of their number.
CHAINED = 4


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
    summed = _summed_up(frame, query, definitions, (*query.by, *beside), classified, only)
    if summed.replicates is not None:
        repeated = summed.replicates.sums(summed.table, summed.raw.select("_raw", *summed.keys))
        return _as_cells(repeated, np.zeros(summed.table.height), summed.table, summed)
    return _designed(summed.table, summed)


def sum_apart(
    frame: Frame, query: Query, definition: Definition, column: str, *, beside: Sequence[str] = ()
) -> list[Cells]:
    """Sum people to cells for each level of a column apart, where each person stands once a level.

    Parameters
    ----------
    frame
        Everybody sampled, once for each level.
    query
        What is estimated in whom; its design has no replicate weights.
    definition
        Classifies the people.
    column
        Of whole numbers from 0, a level each.
    beside
        Columns to keep apart beside those of `query.by`.

    Returns
    -------
    list of Cells
        In the order of the levels; people outside the domain are in none.
    """
    summed = _summed_up(frame, query, [definition], (*query.by, *beside, column))
    parts = summed.table.partition_by(f"_of {column}", as_dict=True)
    levels = sorted((int(level), part) for (level,), part in parts.items() if level is not None)
    return [_designed(part, summed) for _, part in levels]


class _Summed(NamedTuple):
    """One row a group of people who are alike in all keys, and what makes cells of them."""

    raw: pl.DataFrame
    table: pl.DataFrame
    keys: list[str]
    labels: tuple[str, ...]
    rules: tuple[Status, ...]
    design: Design
    replicates: Repeated | None


def _summed_up(
    frame: Frame,
    query: Query,
    definitions: Sequence[Definition],
    kept_apart: Sequence[str],
    classified: bool = False,
    only: str | None = None,
) -> _Summed:
    labels = tuple(dict.fromkeys(kept_apart))
    schema, design = frame.collect_schema(), query.design
    _refuse_absent(schema, labels)
    refuse_no_levels(schema, labels)
    span = refuse_faults(design, frame)
    repeated = design if isinstance(design, ReplicateDesign) else None
    extra = repeated.replicate_columns(frame) if repeated else ()
    keys = () if repeated else tuple(c for c in design.columns if c != design.weight)
    kept = [*(pl.col(c).alias(f"_key {c}") for c in keys), *_cell_columns(frame, query, labels)]
    kept += [pl.col(c).alias(f"_replicate {c}") for c in extra]
    rules = _rules(frame, definitions, classified)
    people = _classified(frame, kept, [] if classified else definitions, rules, only)
    pairs = [(f"_class {j}", f"_status {j}") for j in range(len(rules))]
    groups = [*(f"_key {c}" for c in keys), *(f"_of {c}" for c in labels), "_the band"]
    keys_of_cells = [*groups, *itertools.chain(*pairs)]
    # Only where people were drawn one by one does the variance rest on their squared weights.
    squared = not repeated and design.weight is not None and not design.units
    addends = _addends(span, squared=squared)
    replicates = Repeated(repeated, extra, frame) if repeated else None
    if replicates:
        people = replicates.here(people)
        addends |= replicates.addends
    packing = Packing.of(people, _largest(query, pairs))
    raw = _summed(packing.packed(people), packing.keys(keys_of_cells), addends, span.n)
    raw = packing.unpacked(raw, keys_of_cells).with_row_index("_raw")
    refuse_lone_people(raw, {name: name for name in query.by})
    named = [level_text(pl.col(f"_of {c}"), schema[c]).alias(f"_of {c}") for c in labels]
    table = raw.with_columns(*named, *(_code(raw[c], only) for c, _ in pairs))
    table = table.sort(keys_of_cells)
    return _Summed(raw, table, keys_of_cells, labels, rules, design, replicates)


def _refuse_absent(schema: pl.Schema, labels: Sequence[str]) -> None:
    absent = [c for c in ("age", *labels) if c not in schema]
    if absent:
        there = ", ".join(name for name in schema if not is_written(name))
        raise SchemaError(
            f"column(s) {', '.join(absent)} are not in the data, and a prevalence needs age and "
            f"those named in by=; there are {there}"
        )


def _rules(frame: Frame, definitions: Sequence[Definition], classified: bool) -> tuple[Status, ...]:
    if classified:
        return tuple(Status.of(frame, definition) for definition in definitions)
    return tuple(Status(definition) for definition in definitions)


def _cell_columns(frame: Frame, query: Query, labels: tuple[str, ...]) -> list[pl.Expr]:
    """People outside the domain fall into one cell a unit: only their unit still counts."""
    age, inside, edges = pl.col("age"), query.inside(frame), query.edges
    within = (inside & (age >= edges[0]) & (age < edges[-1])).fill_null(False)
    band: Any = pl
    for place, edge in enumerate(edges[1:-1]):
        band = band.when(age < edge).then(pl.lit(place, dtype=CODE))
    last = pl.lit(len(edges) - 2, dtype=CODE)
    band = last if band is pl else band.otherwise(last)
    outside = pl.when(inside & age.is_null()).then(NO_AGE).otherwise(OUTSIDE)
    weight = query.design.weight
    # Keys of the streaming group-by are cast last: literals would otherwise change their width.
    return [
        *(pl.when(within).then(pl.col(c)).alias(f"_of {c}") for c in labels),
        pl.when(within).then(band).otherwise(outside).cast(CODE).alias("_the band"),
        (pl.col(weight).cast(pl.Float64) if weight else pl.lit(1.0)).alias("_the weight"),
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
        stated = "score_reason" in raw
        by_age = (
            pl.col("score_reason").cast(pl.String) == TAKEN_FROM_AGE if stated else pl.lit(False)
        )
        answers = _answers(rules[0], 0, only, complete="sites_complete" in raw)
        return people.select(*names, *answers, _by_age(by_age))
    listed = list(zip(range(len(rules)), definitions, rules, strict=True))
    if len(definitions) <= CHAINED:
        return _chain(people, raw, names, listed, only)
    packs = [listed[i : i + CHAINED] for i in range(0, len(listed), CHAINED)]

    def classify_all(rows: pl.DataFrame) -> pl.DataFrame:
        chains = [_chain(rows.lazy(), raw, names, pack, only).drop(names) for pack in packs]
        first, *others = pl.collect_all(chains)
        parts = [rows.select(names), first, *(part.drop("_by age") for part in others)]
        return pl.concat(parts, how="horizontal")

    schema = classify_all(pl.DataFrame(schema=people.collect_schema())).schema
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
        classified = with_classes(people, definition)
        answers = _answers(rule, j, only)
        answers += [] if place else [_by_age(taken_from_age(people, definition))]
        people = classified.select(*raw, *names, *answers)
        names += [answer.meta.output_name() for answer in answers]
    return people.select(names)


def _answers(rule: Status, j: int, only: str | None, *, complete: bool = True) -> list[pl.Expr]:
    """The class, null where a person is not known on complete sites, and the status.

    Someone whose spine is missing would otherwise enter only when the hip is osteoporotic. Where
    only one class counts: whether a person has it. Own classes may come without `complete` sites.
    """
    name, inside = pl.col("bone_class"), pl.col("_the band") > OUTSIDE
    known = inside & pl.col("sites_complete").fill_null(False) if complete else inside
    classified = known & (name != NOT_CLASSIFIABLE).fill_null(False)
    answer = pl.when(known).then(name)
    if only is not None:
        # Those judged by Z stay apart: where there are no others nobody can have a class by T.
        by_z = name.is_in([MEASURED[place] for place in BY_Z])
        answer = pl.when(classified).then((name == only).cast(CODE) + HELD_BY_Z * by_z.cast(CODE))
    status = pl.when(inside).then(rule.expression(classified)).otherwise(0).cast(CODE)
    return [answer.alias(f"_class {j}"), status.alias(f"_status {j}")]


def _by_age(taken: pl.Expr) -> pl.Expr:
    """Whether a woman of the domain was taken as postmenopausal by her age alone."""
    return (taken & (pl.col("_the band") > OUTSIDE)).fill_null(False).alias("_by age")


def _largest(query: Query, pairs: Sequence[tuple[str, str]]) -> dict[str, int]:
    """The largest code that a key of the cells may have."""
    codes = {"_the band": len(query.edges)}
    for name, status in pairs:
        codes |= {name: len(CLASSES), status: OPEN + Z_ONLY + PARTS}
    return codes


def _addends(span: WeightSpan, *, squared: bool) -> dict[str, Addend]:
    """The weights, and their squares where they are needed."""
    weight = pl.col("_the weight")
    addends = {"_sum": Addend(weight, span.largest, span.whole)}
    if squared:
        addends["_squares"] = Addend(weight**2, span.largest**2, span.whole)
    return addends


def _summed(
    people: pl.LazyFrame, groups: list[str], addends: dict[str, Addend], n: int
) -> pl.DataFrame:
    """Group by the columns as they are; labels and classes are made of the few groups after."""
    weighs = pl.col("_the weight") > 0
    counts = {
        "_rows": pl.len().cast(pl.Float64),
        "_people": weighs.sum().cast(pl.Float64),
        "_by age": (pl.col("_by age") & weighs).sum(),
    }
    named = [count.alias(name) for name, count in counts.items()]
    return exact_totals(people, groups, addends, n=n, counts=named)


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


def _designed(table: pl.DataFrame, summed: _Summed) -> Cells:
    """Cells of people who were drawn by a design, not described by replicate weights.

    Without a column of weights every person of a cell has the same, from the design. Sums of
    squared weights are there where people were drawn one by one.
    """
    design = summed.design
    assert isinstance(design, SurveyDesign), "replicates are summed by themselves"
    keys = {f"_key {c}": c for c in design.columns if c != design.weight}
    named = table.rename({**keys, "_sum": design.weight or "_equal"})
    people, rows = table["_people"].to_numpy(), table["_rows"].to_numpy()
    arrays = design.arrays(named, people=None if design.units else rows)
    squares = np.zeros(table.height)
    if "_squares" in table.columns:
        squares = table["_squares"].to_numpy()
    elif not design.weight:
        squares = arrays.weight**2 * people
        arrays = replace(arrays, weight=arrays.weight * people)
    return _as_cells(arrays, squares, table, summed)


def _as_cells(
    design: DesignArrays | ReplicateSums, squares: Array, table: pl.DataFrame, summed: _Summed
) -> Cells:
    homeless = table.filter(pl.col("_the band") == NO_AGE)
    return Cells(
        design=design,
        band=table["_the band"].cast(pl.Int64).clip(OUTSIDE).to_numpy(),
        codes=_by_definition(table, "_class", len(summed.rules)),
        labels={c: table[f"_of {c}"].to_numpy() for c in summed.labels},
        people=table["_people"].to_numpy(),
        squares=squares,
        status=_by_definition(table, "_status", len(summed.rules)),
        rules=summed.rules,
        no_age=int(homeless["_people"].sum()),
        by_age=int(table["_by age"].sum()),
    )


def _by_definition(table: pl.DataFrame, name: str, k: int) -> Codes:
    """(m, k) numbers of the columns of each definition."""
    return table.select(pl.col(f"{name} {j}").cast(pl.Int64) for j in range(k)).to_numpy()
