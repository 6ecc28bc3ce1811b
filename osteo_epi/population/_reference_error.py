"""The error of a reference that is made of the people themselves, in every row of a prevalence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations_with_replacement

import numpy as np
import polars as pl

from osteo_epi.diagnosis import Definition, OwnReference, with_classes
from osteo_epi.engines import Elsewhere, totals
from osteo_epi.errors import SchemaError
from osteo_epi.frames import Frame
from osteo_epi.population._propagated import Draws, propagated
from osteo_epi.summation import Addend, exact_totals, weighted_sums
from osteo_epi.survey import (
    Array,
    Design,
    DesignArrays,
    ReplicateDesign,
    covariance,
    degrees_of_freedom,
    element_variance,
    refuse_faults,
)

SAID = "sampling error of the own young adults added by the delta method"
KNOWN = "own young adults taken as known: their sampling error is not in the interval"
# Of the largest axis: smaller ones cannot show in any digit that is reported.
NEGLIGIBLE = 1e-12
# Standard errors to either side: one moves so few people across a cut-off that their chance
# number would add to the variance; over five the prevalence is still straight (0.05 in T).
STEP = 5.0
# People times changes of the reference in one question: what each costs is small beside it then.
MEETINGS = 1_000_000
Points = Callable[[Frame, Definition], list[pl.DataFrame]]


def can_be_propagated(frame: Frame, definition: Definition) -> bool:
    """Whether the reference was made of these people, whose measurements are still there."""
    if not isinstance(definition.reference, OwnReference):
        return False
    try:
        definition.reference.with_linear_sums(frame)
        with_classes(pl.LazyFrame(schema=frame.collect_schema()), definition)
    except SchemaError:
        return False
    return True


def with_reference_error(
    rows: pl.DataFrame,
    frame: Frame,
    old: Frame,
    definition: Definition,
    design: Design,
    points: Points,
    *,
    interval: str,
    keys: list[str],
) -> pl.DataFrame:
    """Put the sampling error of the own young adults into every row of a prevalence.

    Parameters
    ----------
    rows
        Of `prevalence`, with the design's uncertainty.
    frame
        The people, young and old.
    old
        Those whom the rates may be about.
    definition
        Whose reference is an `OwnReference` made of these people.
    design
        The survey design.
    points
        Gives the estimates for people who meet each change of the reference.
    interval
        Kind of the limits.
    keys
        Columns that name a row.

    Returns
    -------
    DataFrame
        The rows with se, limits, df, n_effective, deff and people affected of both; `method`
        says so.

    Notes
    -----
    variance = design + J Σ Jᵀ, Σ the design-based covariance of the means and SDs, J the change of
    the estimate along each axis of Σ, over five standard errors to either side: derivatives at a
    point do not exist where single people cross a cut-off. Young and old are different people; a
    covariance between them through shared sampling units is left out.
    """
    reference = definition.reference
    assert isinstance(reference, OwnReference), "the caller asked can_be_propagated"
    sigma, df = _sampling_error(reference, frame, design)
    axes = STEP * _axes(sigma, reference)
    under = _under(old, definition, reference, np.concatenate([axes, -axes]), points)
    draws = Draws("delta", tuple(zip(under[: len(axes)], under[len(axes) :], strict=True)))
    propagated_rows = propagated(
        rows, draws, df=df, interval=interval, keys=keys, step=STEP, said=SAID
    )
    return propagated_rows.select(rows.columns)


def _under(
    old: Frame, definition: Definition, reference: OwnReference, changes: Array, points: Points
) -> list[pl.DataFrame]:
    """The estimates under each change of the reference, many at once where people are few.

    A question takes as long for a few thousand people as for nobody, and there are dozens of them.
    """
    at_once = max(1, MEETINGS // max(old.height, 1)) if isinstance(old, pl.DataFrame) else 1
    moving, moves = reference.moving(changes)
    rules = replace(definition, reference=moving)
    found = (points(_met(old.lazy(), part), rules) for part in moves.iter_slices(at_once))
    return [estimates for part in found for estimates in part]


def _met(old: pl.LazyFrame, moves: pl.DataFrame) -> pl.LazyFrame:
    """Each person beside each change; of one change beside its columns, wherever people stand."""
    if moves.height > 1:
        return old.join(moves.lazy(), how="cross")
    return old.with_columns(
        pl.lit(value).alias(name) for name, value in moves.row(0, named=True).items()
    )


def _sampling_error(reference: OwnReference, frame: Frame, design: Design) -> tuple[Array, int]:
    """(2k, 2k) covariance of means and SDs, and its degrees of freedom."""
    columns = tuple(design.columns)
    if isinstance(design, ReplicateDesign):
        columns = (design.weight, *design.replicate_columns(frame))
    people, addends = reference.with_linear_sums(frame, columns)
    of_each = [one.values.alias(f"_linear {name}") for name, one in addends.items()]
    try:
        # At once: a join or a group-by, read twice, need not give its rows in one order.
        keys = (pl.col(f"_key {c}").alias(c) for c in columns)
        table = people.select(*of_each, *keys).collect()
    except Elsewhere:
        return _error_of_sums(reference, frame, design)
    linear = table.select(f"_linear {name}" for name in addends).to_numpy()
    young = np.any(linear != 0, axis=1)
    if not isinstance(design, ReplicateDesign):
        arrays = design.arrays(table.select(*columns, _row=pl.int_range(pl.len())))
        return covariance(linear, arrays, domain=young), degrees_of_freedom(arrays, young)
    sample = design.sample(table)
    weight = sample.weight[:, None]
    values = np.divide(linear, weight, out=np.zeros_like(linear), where=weight > 0)
    return sample.covariance(sample.totals(values), weighted_sums(sample.weight, values)), sample.df


def _error_of_sums(reference: OwnReference, frame: Frame, design: Design) -> tuple[Array, int]:
    """The same of people who stand elsewhere: linearised values are summed there by unit."""
    n = refuse_faults(design, frame).n or totals(frame, sums=[pl.len().alias("n")]).item()
    if isinstance(design, ReplicateDesign):
        return _error_by_replicates(reference, frame, design, n)
    keys = [name for name in design.columns if name != design.weight]
    young, addends = reference.with_linear_sums(frame, design.columns)
    weight = pl.lit(1.0) if design.weight is None else pl.col(f"_key {design.weight}")
    belongs = pl.any_horizontal(one.values != 0 for one in addends.values()) & (weight > 0)
    counts = [
        pl.len().cast(pl.Float64).alias("_rows"),
        weight.cast(pl.Float64).sum().alias("_weight"),
        belongs.sum().cast(pl.Float64).alias("_young"),
    ]
    products = {} if design.units else _products(addends)
    by = [f"_key {key}" for key in keys]
    table = exact_totals(young, by, addends | products, n=n, counts=counts)
    named = table.rename({f"_key {key}": key for key in keys} | {"_weight": design.weight or "_w"})
    rows, here = table["_rows"].to_numpy(), table["_young"].to_numpy()
    arrays = design.arrays(named, people=None if design.units else rows)
    linear = table.select(addends.keys()).to_numpy()
    if design.units:
        return covariance(linear, arrays, domain=here > 0), degrees_of_freedom(arrays, here > 0)
    strata = len(np.unique(arrays.stages[0].stratum[here > 0]))
    return _by_elements(table, tuple(addends), arrays, here), int(here.sum()) - strata


def _products(addends: Mapping[str, Addend]) -> dict[str, Addend]:
    """Products of each two linearised values of a person: the variance rests on their sums."""
    return {
        f"{a} × {b}": Addend(one.values * other.values, one.largest * other.largest)
        for (a, one), (b, other) in combinations_with_replacement(addends.items(), 2)
    }


def _by_elements(
    table: pl.DataFrame, names: Sequence[str], design: DesignArrays, people: Array
) -> Array:
    """(k, k) covariance where people were drawn one by one, from sums and sums of products.

    The covariance of two sums is that which the variance of both together has beyond their own.
    """
    k = len(names)
    variance = np.empty((k, k))
    for i, j in combinations_with_replacement(range(k), 2):
        a, b = names[i], names[j]
        values = table[a].to_numpy() + (table[b].to_numpy() if i < j else 0.0)
        squares = table[f"{a} × {a}"].to_numpy()
        if i < j:
            squares = squares + 2 * table[f"{a} × {b}"].to_numpy() + table[f"{b} × {b}"].to_numpy()
        variance[i, j] = element_variance(values, squares, people, design)
    own = np.diag(variance)
    upper = np.triu((variance - own[:, None] - own[None, :]) / 2, 1)
    return upper + upper.T + np.diag(own)


def _error_by_replicates(
    reference: OwnReference, frame: Frame, design: ReplicateDesign, n: int
) -> tuple[Array, int]:
    columns = design.replicate_columns(frame)
    spans = design.spans(frame)
    young, addends = reference.with_linear_sums(frame, (design.weight, *columns))
    weight = pl.col(f"_key {design.weight}").cast(pl.Float64)
    parts = {"": (weight, refuse_faults(design, frame).largest)}
    for column, span in zip(columns, spans, strict=True):
        own = pl.col(f"_key {column}").cast(pl.Float64)
        parts[column] = (own if design.combined else own * weight, span.largest)
    # A linearised value holds the weight: it is exchanged for that of the replicate.
    least = totals(young, least=[weight.filter(weight > 0).min().alias("least")]).item()
    exchanged = {
        f"{part} {name}": Addend(
            pl.when(weight > 0).then(one.values / weight * own).otherwise(0.0),
            one.largest / least * largest,
        )
        for part, (own, largest) in parts.items()
        for name, one in addends.items()
    }
    row = exact_totals(young, [], exchanged, n=n).row(0, named=True)
    values = np.array([[row[f"{part} {name}"] for name in addends] for part in parts])
    sample = design.without_people(len(columns))
    return sample.covariance(values[1:], values[0]), int(design.df or 0)


def _axes(sigma: Array, reference: OwnReference) -> Array:
    """(a, 2k) axes of the covariance one standard error long, in units of each entry's SD."""
    unit = np.repeat([entry.value.sd for entry in reference.entries], 2)
    size, direction = np.linalg.eigh(sigma / np.outer(unit, unit))
    kept = size > NEGLIGIBLE * size.max()
    return (direction[:, kept] * np.sqrt(size[kept])).T * unit
