"""Columns of a model: exposures per step, classes against one of them, adjustment, splines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from osteo_epi.accuracy import People
from osteo_epi.arguments import number
from osteo_epi.errors import DesignError, SchemaError
from osteo_epi.rounding import count
from osteo_epi.survey import Array, Mask

# Where Harrell (Regression Modeling Strategies 2015, doi 10.1007/978-3-319-19425-7, table 2.3)
# puts so many knots: quantiles of the column.
KNOTS = {
    3: (0.1, 0.5, 0.9),
    4: (0.05, 0.35, 0.65, 0.95),
    5: (0.05, 0.275, 0.5, 0.725, 0.95),
    6: (0.05, 0.23, 0.41, 0.59, 0.77, 0.95),
    7: (0.025, 0.1833, 0.3417, 0.5, 0.6583, 0.8167, 0.975),
}
MOST_CLASSES = 50


@dataclass(frozen=True)
class Term:
    """One variable as (n, k) columns of a model, finite where the person is in it.

    `names` are of the columns, `contrasts` what each compares.
    """

    variable: str
    columns: Array
    names: tuple[str, ...]
    contrasts: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @classmethod
    def joined(cls, terms: Sequence[Term]) -> tuple[Array, tuple[str, ...]]:
        """All columns side by side, with their names."""
        columns = np.column_stack([term.columns for term in terms])
        return columns, tuple(name for term in terms for name in term.names)


def class_codes(
    people: People,
    name: str,
    rows: Mask,
    *,
    role: str,
    reference: str | None = None,
) -> tuple[tuple[str, ...], Array, tuple[str, ...]]:
    """Classes of a column in people of the model, the reference first; (n,) codes; notes.

    Parameters
    ----------
    people, name, rows
        The frame, the column and the (n,) people.
    role
        The argument that named it.
    reference
        The class that others are compared to; the largest unless stated.

    Raises
    ------
    SchemaError
        If there is one class only, the reference is none, or there are too many.
    """
    text = people.column(name, role).cast(pl.String)
    sizes = text.filter(pl.Series(rows)).value_counts(sort=True).drop_nulls()
    found = sorted(sizes.rows(), key=lambda row: (-row[1], row[0]))
    levels = [str(row[0]) for row in found]
    if len(levels) < 2:
        raise SchemaError(
            f"{role} column {name}: everybody of the model is of one class, so there is nothing "
            "to compare; leave it out, or take a larger domain"
        )
    if len(levels) > MOST_CLASSES:
        raise SchemaError(
            f"{role} column {name} has {count(len(levels))} classes; more than {MOST_CLASSES} are "
            "no classes: convert it to numbers, or name it as cluster= or strata="
        )
    if reference is not None and reference not in levels:
        raise SchemaError(
            f"reference_levels: no class {reference} of {name} in the people of the model; its "
            f"classes are {', '.join(sorted(levels))}"
        )
    first = levels[0] if reference is None else reference
    order = (first, *sorted(level for level in levels if level != first))
    codes = text.replace_strict(list(order), range(len(order)), default=-1, return_dtype=pl.Int64)
    single = [level for level, size in found if size == 1]
    notes = (f"{name}: 1 person in class {', '.join(map(str, single))}",) if single else ()
    return order, codes.fill_null(-1).to_numpy(), notes


def is_classes(people: People, name: str, role: str, categories: Sequence[str]) -> bool:
    """Whether a column is classes: text, or numbers that are said to be codes."""
    column = people.column(name, role)
    return name in categories or not (column.dtype.is_numeric() or column.dtype == pl.Boolean)


def is_yes_no(people: People, name: str, role: str, rows: Mask) -> bool:
    """Whether a column says yes or no: booleans, or 0 and 1."""
    column = people.column(name, role)
    if column.dtype == pl.Boolean:
        return True
    values = column.filter(pl.Series(rows)).drop_nulls()
    return bool(((values == 0) | (values == 1)).all())


def class_term(
    people: People, name: str, rows: Mask, *, role: str, reference: str | None = None
) -> Term:
    """A variable of classes: a column each but the reference."""
    levels, codes, notes = class_codes(people, name, rows, role=role, reference=reference)
    columns = np.column_stack([(codes == i).astype(float) for i in range(1, len(levels))])
    names = tuple(f"{name} {level}" for level in levels[1:])
    contrasts = tuple(f"{level} against {levels[0]}" for level in levels[1:])
    return Term(name, columns, names, contrasts, notes)


def number_term(people: People, name: str, *, role: str) -> Term:
    """A variable of numbers, per unit increase."""
    values = np.nan_to_num(people.numbers(name, role))
    return Term(name, values[:, None], (name,), ("per unit increase",))


def spline_term(people: People, name: str, rows: Mask, n_knots: int) -> Term:
    """A variable of numbers by a restricted cubic spline with knots at its quantiles."""
    number(n_knots, f"splines of {name}", least=3, most=7, whole=True)
    values = people.numbers(name, "adjust")
    knots = np.quantile(values[rows], KNOTS[n_knots])
    if (np.diff(knots) <= 0).any():
        raise DesignError(
            f"splines: {name} has too few values for {n_knots} knots; take fewer, or the plain "
            "column"
        )
    columns = spline_basis(np.nan_to_num(values), knots)
    names = tuple(name + "'" * i for i in range(columns.shape[1]))
    return Term(name, columns, names, ("spline",) * len(names))


def spline_basis(values: Array, knots: Array) -> Array:
    """Restricted cubic spline: linear beyond the outer knots.

    Parameters
    ----------
    values
        (n,) numbers.
    knots
        (k,) rising.

    Returns
    -------
    ndarray
        (n, k − 1): the values themselves, then k − 2 cubic parts over the squared distance of
        the outer knots (Harrell 2015, doi 10.1007/978-3-319-19425-7, as `rms::rcs`).

    Examples
    --------
    >>> spline_basis(np.array([40.0, 60, 80]), np.array([50.0, 60, 70])).round(3).tolist()
    [[40.0, 0.0], [60.0, 2.5], [80.0, 30.0]]
    """
    last, before = knots[-1], knots[-2]

    def cube(knot: float) -> Array:
        return np.asarray(np.maximum(values - knot, 0.0) ** 3)

    parts = [values]
    for knot in knots[:-2]:
        part = cube(knot) - cube(before) * (last - knot) / (last - before)
        part = part + cube(last) * (before - knot) / (last - before)
        parts.append(part / (last - knots[0]) ** 2)
    return np.column_stack(parts)


def adjustment(
    people: People,
    names: Sequence[str],
    rows: Mask,
    *,
    categories: Sequence[str],
    splines: Mapping[str, int],
    reference_levels: Mapping[str, str],
) -> list[Term]:
    """What the exposures are adjusted for."""
    terms = []
    for name in names:
        if name in splines:
            terms.append(spline_term(people, name, rows, splines[name]))
        elif is_classes(people, name, "adjust", categories):
            reference = reference_levels.get(name)
            terms.append(class_term(people, name, rows, role="adjust", reference=reference))
        else:
            terms.append(number_term(people, name, role="adjust"))
    return terms
