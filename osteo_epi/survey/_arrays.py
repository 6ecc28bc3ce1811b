"""How a sample was drawn, as arrays: the sampling units and strata of every stage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from polars import Boolean
from scipy.sparse import coo_array, csr_array

from osteo_epi.errors import DesignError
from osteo_epi.frames import series_of
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
