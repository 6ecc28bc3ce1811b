"""People summed once, to cells of (stratum, unit, group, age band, class under each definition).

The linearised value of a person is the weight times a number that depends on group, band and
classes alone. Sums of weights by these cells and sampling units therefore carry every share, every
contrast of shares and their variances; ten million people become a few thousand cells.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from osteo_epi.population._query import BY_Z, MEASURED
from osteo_epi.population.cells._replicates import ReplicateSums
from osteo_epi.population.status import (
    BY_FRACTURE,
    ESTABLISHED,
    EXCLUDE,
    OPEN,
    PARTS,
    Z_ONLY,
    Status,
)
from osteo_epi.survey import (
    DESCRIBING,
    Array,
    Codes,
    DesignArrays,
    Mask,
    covariance,
    degrees_of_freedom,
    element_variance,
)

OUTSIDE = -1
UNMEASURED = -1


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
