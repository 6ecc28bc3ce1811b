"""The columns of a term as the fit needs them: their sums over age, with no time spent on zeros.

At an age, a P-spline has four columns that are not 0, and between two knots they are the same four.
Ages ascend, so that what a sum over people needs is one small product of matrices a piece between
knots (Eilers & Marx 1996, doi:10.1214/ss/1038425655, of the bands that this makes). Any other term
is one piece with all its columns, and so is a P-spline at few ages, where zeros cost less than
pieces.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from osteo_epi.reference.curves._terms import PSpline, Term

Array = NDArray[np.float64]
MANY_AGES = 4_000
"""From which a P-spline is kept in pieces."""


@dataclass(frozen=True)
class Piece:
    """Ages in a row, at which the same columns are not 0.

    Parameters
    ----------
    ages
        Which ages.
    columns
        Which columns.
    """

    ages: slice
    columns: slice


@dataclass(frozen=True)
class Basis:
    """The columns of a term at the ages of a sample.

    Parameters
    ----------
    values
        (m, w) by age, of the columns of its piece.
    pieces
        In order of age.
    columns
        p, of the term.
    """

    values: Array
    pieces: tuple[Piece, ...]
    columns: int

    @classmethod
    def of(cls, term: Term, age: Array, ages: tuple[float, float]) -> Basis:
        """Of (m,) ascending ages [years], for a fit over the given range of ages."""
        if isinstance(term, PSpline) and len(age) >= MANY_AGES:
            return cls.in_pieces(term, age, ages)
        return cls.whole(term, age, ages)

    @classmethod
    def in_pieces(cls, term: PSpline, age: Array, ages: tuple[float, float]) -> Basis:
        """Of a P-spline, a piece between two knots."""
        values, first = term.local_basis(age, ages)
        starts = np.flatnonzero(np.diff(first, prepend=-1)).tolist()
        ends, width = [*starts[1:], len(age)], values.shape[1]
        pieces = tuple(
            Piece(slice(start, end), slice(left, left + width))
            for start, end, left in zip(starts, ends, first[starts].tolist(), strict=True)
        )
        return cls(values, pieces, term.columns)

    @classmethod
    def whole(cls, term: Term, age: Array, ages: tuple[float, float]) -> Basis:
        """Of any term, one piece with all columns."""
        values = term.basis(age, ages)
        piece = Piece(slice(0, len(age)), slice(0, values.shape[1]))
        return cls(values, (piece,), values.shape[1])

    def sums(self, coefficients: Array) -> Array:
        """(m,) by age, of the columns times their (p,) coefficients."""
        total = np.empty(len(self.values))
        for piece in self.pieces:
            total[piece.ages] = self.values[piece.ages] @ coefficients[piece.columns]
        return total

    def pull(self, slope: Array) -> Array:
        """(p,) sums over age of each column times (m,) slopes."""
        total = np.zeros(self.columns)
        for piece in self.pieces:
            total[piece.columns] += self.values[piece.ages].T @ slope[piece.ages]
        return total

    def cross(self, weight: Array, other: Basis) -> Array:
        """(p, q) sums over age of each column times each of another term, by (m,) weights."""
        total = np.zeros((self.columns, other.columns))
        for ages, columns, others in self._common(other):
            weighted = weight[ages, None] * other.values[ages]
            total[columns, others] += self.values[ages].T @ weighted
        return total

    def _common(self, other: Basis) -> Iterator[tuple[slice, slice, slice]]:
        """Ages in a row at which neither changes its columns, and the columns of both."""
        mine, theirs = iter(self.pieces), iter(other.pieces)
        one, two, start = next(mine, None), next(theirs, None), 0
        while one is not None and two is not None:
            end = min(one.ages.stop, two.ages.stop)
            yield slice(start, end), one.columns, two.columns
            start = end
            one = next(mine, None) if one.ages.stop == end else one
            two = next(theirs, None) if two.ages.stop == end else two

    def nearest(self, level: Array) -> Array:
        """(p,) coefficients whose sums are nearest to (m,) levels."""
        matrix, right = self.values, level
        if len(self.pieces) > 1:
            matrix, right = self.cross(np.ones(len(level)), self), self.pull(level)
        return np.asarray(np.linalg.lstsq(matrix, right, rcond=None)[0], dtype=np.float64)
