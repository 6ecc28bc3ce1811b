"""How a sample was drawn, as arrays: the sampling units and strata of every stage."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from inspect import signature
from typing import Any

import numpy as np
from polars import Boolean, Series
from scipy.sparse import coo_array, csr_array

from osteo_epi.errors import DesignError
from osteo_epi.frames import is_frame, series_of
from osteo_epi.rounding import count
from osteo_epi.summation import Array, Codes, Mask, group_sums

__all__ = ["Array", "Codes", "Mask"]

LONELY = ("fail", "certainty", "adjust", "average", "remove")


@dataclass(frozen=True)
class Stage:
    """One stage of sampling, for n rows, U units and S strata.

    Parameters
    ----------
    unit
        (n,) the sampling unit of each row, 0 … U − 1; None where each row is a unit of its own.
    stratum
        (U,) the stratum of each unit.
    sampled
        (S,) units drawn in each stratum.
    population
        (S,) units that the stratum holds in the population; infinite where no finite population
        correction applies.
    share
        (S,) product of the sampling fractions of the stages above (1 at the first stage).
    names
        (S,) what a message calls the stratum.
    """

    unit: Codes | None
    stratum: Codes
    sampled: Array
    population: Array
    share: Array
    names: tuple[str, ...]

    def totals(self, values: Array | csr_array) -> Array:
        """Sum the (n, k) row values to the (U, k) units."""
        size = len(self.stratum)
        if isinstance(values, csr_array):
            return self._sparse_totals(values.tocoo(), size)
        if self.unit is None:
            return values
        columns = [group_sums(self.unit, column, size=size) for column in values.T]
        return np.column_stack(columns) if columns else np.zeros((size, 0))

    def _sparse_totals(self, values: coo_array, size: int) -> Array:
        row, column = values.coords
        unit = row if self.unit is None else self.unit[row]
        shape = (size, values.shape[1])
        cell = np.ravel_multi_index((unit, column), shape)
        return group_sums(cell, values.data, size=size * shape[1]).reshape(shape)

    def present(self, rows: Mask | None) -> Mask:
        """(U,) units that hold at least one of the rows asked for."""
        if rows is None or self.unit is None:
            return np.ones(len(self.stratum), dtype=bool) if rows is None else rows
        return np.bincount(self.unit[rows], minlength=len(self.stratum)) > 0

    @property
    def left_out(self) -> Array:
        """(S,) 1 − sampling fraction: the finite population correction."""
        return np.where(np.isinf(self.population), 1.0, 1.0 - self.sampled / self.population)


@dataclass(frozen=True, repr=False)
class DesignArrays:
    """A survey design over n rows: weights, stages, and what a stratum with one unit means.

    Parameters
    ----------
    weight
        (n,) sampling weights, zero or more; a row of weight zero is out of the sample but keeps
        its unit in the design.
    stages
        First-stage units first. Stages below the first add variance only where the stage above
        has a finite population correction.
    lonely
        What a stratum with one unit adds: "fail" raises, "certainty" and "remove" add nothing,
        "adjust" takes its deviation from the mean of all units of the strata that the domain hits
        (a unit without members counts with a total of zero), "average" the mean of the other
        strata.
    lonely_domains
        True applies "adjust" and "average" also where only the domain leaves one unit in a
        stratum (`survey.adjust.domain.lonely` of R, there FALSE by default as here).
    """

    weight: Array
    stages: tuple[Stage, ...]
    lonely: str = "fail"
    lonely_domains: bool = False

    def __repr__(self) -> str:
        first = self.stages[0]
        rows, units, strata = (
            count(n) for n in (self.n_rows, len(first.stratum), len(first.sampled))
        )
        return f"DesignArrays({rows} rows, {units} first-stage units, {strata} strata)"

    @property
    def n_rows(self) -> int:
        """Rows of the design, in the domain or not."""
        return len(self.weight)


def refuse_names_alone(
    function: Callable[..., Any],
    args: Sequence[Any],
    options: Mapping[str, Any],
    columns: Sequence[str],
) -> None:
    """Refuse a call of a function of people without them, that names columns or their design.

    Raises
    ------
    DesignError
        Naming the argument, and how the call reads.

    Examples
    --------
    >>> def mean(values, design): ...
    >>> refuse_names_alone(mean, ["bmd"], {}, ["values"])
    Traceback (most recent call last):
    ...
    osteo_epi.errors.DesignError: values names the column bmd, and no frame came first that holds
    it: mean(people, values="bmd", design=SurveyDesign(weight="…")), or values in place of names
    """
    if all(isinstance(one, DesignArrays | np.ndarray) for one in (*args, *options.values())):
        return
    given = signature(function).bind_partial(*args, **options).arguments
    looked = {name: given[name] for name in (*columns, "design") if name in given}
    needed = [n for n, one in signature(function).parameters.items() if one.default is one.empty]
    typed = [_typed(name, given.get(name)) for name in needed if name != "design"]
    way = ", ".join([*typed, 'design=SurveyDesign(weight="…")'])
    refuse_names(function.__name__, f"{function.__name__}(people, {way})", **looked)


def refuse_names(call: str, of_frame: str = "", **given: Any) -> None:
    """Refuse names of columns and designs, where no frame came first that says what they hold.

    Parameters
    ----------
    call
        What the user called.
    of_frame
        How it reads with a frame, where it takes one.
    **given
        Its arrays, and its design or sample.
    """
    for name, one in given.items():
        if isinstance(one, DesignArrays | np.ndarray):
            continue
        if _is_named(one):
            # A list of words may be one of values, which are of people.
            what, it = (f"the column {one}", "it") if isinstance(one, str) else ("columns", "them")
            raise DesignError(
                f"{name} names {what}, and no frame came first that holds {it}: {of_frame}, or "
                "values in place of names"
                if of_frame
                else f"{name} names {what}, and {call} takes values, as in "
                f'{name}=people["bmd"].to_numpy()'
            )
        if hasattr(one, "checked"):
            first = f"{of_frame}; or, beside values, " if of_frame else ""
            raise DesignError(
                f"{name} names columns, and no frame came first that holds them: {first}"
                f"{name}=design.{'sample' if name == 'sample' else 'arrays'}(people)"
            )
        if is_frame(one):
            raise DesignError(
                f"{name} is a {type(one).__name__}, and {call} takes values there: those of a "
                'column are people["bmd"].to_numpy(), of several '
                'survey.covariates(people, ["age", "sex"])'
            )


def _is_named(given: Any) -> bool:
    """Whether a name of a column stands in the place of values, or several do."""
    names = given if isinstance(given, list | tuple) else [given]
    return bool(names) and all(isinstance(name, str) for name in names)


def _typed(name: str, given: Any) -> str:
    return f'{name}="{given}"' if isinstance(given, str) else f"{name}=…"


def levels(column: Series) -> tuple[Codes, tuple[str, ...]]:
    """(n,) place of each level, −1 where there is none, and the levels in their order."""
    levels = column.drop_nulls().unique().sort()
    place = {level: code for code, level in enumerate(levels.to_list())}
    codes = [place.get(level, -1) for level in column.to_list()]
    return np.array(codes, dtype=np.int64), tuple(map(str, levels.to_list()))


def rows_in(design: DesignArrays, domain: Mask | None) -> Mask:
    """(n,) rows of the domain that carry weight."""
    carried = design.weight > 0
    return carried if domain is None else carried & mask_of(domain, len(carried))


def mask_of(domain: Any, n_rows: int) -> Mask:
    """(n,) rows of a domain, an array or series of true and false; what it does not say is no.

    Raises
    ------
    DesignError
        If it is of another kind or length: 0 and 1 would be taken for places of rows.

    Examples
    --------
    >>> mask_of([True, None, False], 3).tolist()
    [True, False, False]
    """
    if isinstance(domain, np.ndarray) and domain.dtype == bool and domain.shape == (n_rows,):
        return domain
    column = series_of(domain, "domain")
    if column.dtype != Boolean:
        raise DesignError(f"domain is {column.dtype}; expected true or false of each row")
    if len(column) != n_rows:
        raise DesignError(
            f"domain says true or false of {count(len(column))} rows, and the design has "
            f"{count(n_rows)}: give one answer a row, in the same order"
        )
    return column.fill_null(False).to_numpy()


def refuse_nobody(rows: Mask, *, least: int = 1) -> None:
    """Raise DesignError where an estimate has fewer rows than it needs."""
    n = int(rows.sum())
    if n < least:
        who = "nobody" if n == 0 else "one person" if n == 1 else f"{n} people"
        need = "someone" if least == 1 else f"{least} people at least"
        raise DesignError(
            f"{who} of the domain has a value and a weight above zero, and the estimate needs "
            f"{need}: take a larger domain, or look where the values or the weights are missing"
        )


def degrees_of_freedom(design: DesignArrays, domain: Mask | None = None) -> int:
    """First-stage units less strata, counted where the domain has members.

    Parameters
    ----------
    design
        The design over n rows.
    domain
        (n,) mask; None for the whole sample.

    Returns
    -------
    int
        Never below zero.

    Notes
    -----
    Equals `degf(subset(design, domain))` of R survey.
    """
    first = design.stages[0]
    present = first.present(rows_in(design, domain))
    strata = np.count_nonzero(np.bincount(first.stratum[present]))
    return int(present.sum()) - int(strata)
