"""Classes written as mathematics, and THE one comparison of a measurement with a cut-off.

A class is an interval, `"(-inf, -2.5]"`. A set of classes is accepted only when its intervals
partition the real line, so that every score has exactly one class and no gap can open at -1.0.

Measurements have three decimals, so people do stand exactly on a cut-off, where binary arithmetic
misses it: (0.558 - 0.858) / 0.120 is -2.4999999999999996. Whatever lies within the tolerance of a
cut-off is therefore taken to stand on it. A bare `<=` is written nowhere else in the toolkit.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from osteo_epi.arguments import true_or_false
from osteo_epi.errors import NormError

T_TOLERANCE = 1e-5
"""[SD] How near to a cut-off a T-score stands on it. A float32 density of three decimals is off by
6e-8 g/cm², its T-score by up to 6e-7; two readings that differ differ by 0.001 g/cm², hence by at
least 0.005 in T. 1e-5 lies between."""

VBMD_TOLERANCE = 1e-4
"""[mg/cm³] How near to a cut-off a QCT density stands on it. Near 120 a float32 is off by 4e-6, the
mean of two vertebrae by no more; means of two readings of one decimal differ by at least 0.05.
1e-4 lies between."""

READING_TOLERANCE = 1e-6
"""[share of a reading] How near to a limit the difference or the ratio of readings stands on it. A
float32 keeps a reading to 6e-8 of itself, the difference of two to twice that; two readings of
three decimals that differ do so by 1e-3. 0.830 - 0.800 is 0.02999999999999992."""

_INTERVAL = re.compile(r"^\s*([(\[])\s*([^,\s]+)\s*,\s*([^,\s]+)\s*([)\]])\s*$")


@dataclass(frozen=True)
class Interval:
    """A stretch of the real line, written as mathematics.

    Examples
    --------
    >>> ages = Interval.parse("[50, inf)")
    >>> ages.lower, ages.closed_upper, str(ages)
    (50.0, False, '[50, inf)')
    """

    lower: float
    upper: float
    closed_lower: bool
    closed_upper: bool

    @classmethod
    def parse(cls, text: str) -> Interval:
        """Read `"[50, inf)"`; `∞` and the sign `−` are understood.

        Raises
        ------
        NormError
            If the text is no interval, or holds no number.
        """
        match = _INTERVAL.match(str(text).replace("−", "-").replace("∞", "inf"))
        if match is None:
            raise NormError(
                f"{text!r} is not an interval; expected a form like '[50, inf)' or '(-2.5, -1.0)'"
            )
        opening, low, high, closing = match.groups()
        try:
            lower, upper = float(low), float(high)
        except ValueError:
            raise NormError(f"{text!r} is not an interval: its ends must be numbers") from None
        interval = cls(lower, upper, opening == "[", closing == "]")
        interval._check(text)
        return interval

    def _check(self, text: str) -> None:
        if math.isnan(self.lower) or math.isnan(self.upper):
            raise NormError(f"{text!r} is not an interval: its ends must be numbers")
        if (self.closed_lower and math.isinf(self.lower)) or (
            self.closed_upper and math.isinf(self.upper)
        ):
            raise NormError(f"{text!r}: infinity belongs to no interval; write '(-inf' and 'inf)'")
        single = self.closed_lower and self.closed_upper
        if self.lower > self.upper or (self.lower == self.upper and not single):
            raise NormError(f"{text!r} is empty: the lower end must come first")

    def expression(self, column: str | pl.Expr, *, tolerance: float = 0.0) -> pl.Expr:
        """Whether a value lies in the interval, as Polars says it (null and NaN give null)."""
        value = pl.col(column) if isinstance(column, str) else column
        inside = pl.lit(True)
        if math.isfinite(self.lower):
            inside = ~falls_below(value, self.lower, takes_cut=not self.closed_lower, by=tolerance)
        if math.isfinite(self.upper):
            below = falls_below(value, self.upper, takes_cut=self.closed_upper, by=tolerance)
            inside = inside & below
        return pl.when(value.is_not_nan()).then(inside)

    def inequality(self, symbol: str, *, decimals: int | None = 1) -> str:
        """Write the interval as a paper prints it; None for as many decimals as its ends have.

        Examples
        --------
        >>> Interval.parse("(-2.5, -1.0)").inequality("T")
        '−2.5 < T < −1.0'
        >>> Interval.parse("[80, 120]").inequality("vBMD", decimals=0)
        '80 ≤ vBMD ≤ 120'
        """
        form = "g" if decimals is None else f".{decimals}f"
        low, high = (f"{end:{form}}".replace("-", "−") for end in (self.lower, self.upper))
        if math.isinf(self.lower):
            return f"{symbol} {'≤' if self.closed_upper else '<'} {high}"
        if math.isinf(self.upper):
            return f"{symbol} {'≥' if self.closed_lower else '>'} {low}"
        first, last = ("≤" if closed else "<" for closed in (self.closed_lower, self.closed_upper))
        return f"{low} {first} {symbol} {last} {high}"

    @property
    def tail(self) -> Literal["low", "high"] | None:
        """Which tail of the line it is: "low", "high", or None of two ends or none.

        Examples
        --------
        >>> [Interval.parse(text).tail for text in ("(−inf, -2.5]", "[25, ∞)", "(-4, -1.8]")]
        ['low', 'high', None]
        """
        low, high = math.isfinite(self.upper), math.isfinite(self.lower)
        if low == high:
            return None
        return "low" if low else "high"

    def __contains__(self, value: float) -> bool:
        """Whether one number lies in the interval, to the letter: no tolerance."""
        above = value >= self.lower if self.closed_lower else value > self.lower
        return above and (value <= self.upper if self.closed_upper else value < self.upper)

    def __str__(self) -> str:
        opening = "[" if self.closed_lower else "("
        closing = "]" if self.closed_upper else ")"
        return f"{opening}{self.lower:g}, {self.upper:g}{closing}"


def falls_below(value: Any, cut: Any, *, takes_cut: bool, by: Any) -> Any:
    """Compare a measurement with a cut-off: the one guarded comparison.

    Parameters
    ----------
    value
        Number, array or Polars expression.
    cut
        The cut-off, in the unit of `value`; of the same kind, or a number.
    takes_cut
        Whether the class below owns the cut-off itself (`<=` rather than `<`).
    by
        Tolerance [the unit of `value`]: what lies this near to the cut-off stands on it.

    Returns
    -------
    bool, ndarray or Expr
        Whether the value falls below.

    Examples
    --------
    >>> falls_below((0.558 - 0.858) / 0.120, -2.5, takes_cut=True, by=T_TOLERANCE)
    True
    >>> falls_below(0.830 - 0.800, 0.03, takes_cut=False, by=READING_TOLERANCE)
    False
    """
    true_or_false(takes_cut=takes_cut)
    return value <= cut + by if takes_cut else value < cut - by


def rises_above(value: Any, cut: Any, *, by: Any) -> Any:
    """Whether a measurement lies above a cut-off, and not on it: `falls_below` seen from above.

    Examples
    --------
    >>> rises_above(100 * (51 / 50 - 1), 2.0, by=100 * READING_TOLERANCE)
    False
    """
    return falls_below(-value, -cut, takes_cut=False, by=by)


def out_of_range(value: Any, low: Any, high: Any, *, by: Any) -> Any:
    """Whether a measurement lies below or above a range, and not on its ends."""
    return falls_below(value, low, takes_cut=False, by=by) | rises_above(value, high, by=by)


@dataclass(frozen=True)
class Bands(Mapping[str, Interval]):
    """Classes that together hold every real number exactly once, ascending.

    Attributes
    ----------
    names, intervals
        Class names and their intervals from the lowest to the highest.
    tolerance
        How near to a cut-off a value stands on it, in the unit of the values.

    Examples
    --------
    >>> who = Bands.parse({
    ...     "osteoporosis": "(-inf, -2.5]",
    ...     "low_bone_mass": "(-2.5, -1.0)",
    ...     "normal": "[-1.0, inf)",
    ... })
    >>> who.classify([(0.558 - 0.858) / 0.120, -1.0, float("nan")])
    array(['osteoporosis', 'normal', None], dtype=object)
    >>> Bands.parse({"low": "(-inf, 0)", "high": "(0, inf)"})
    Traceback (most recent call last):
    ...
    osteo_epi.errors.NormError: 0 belongs neither to low (-inf, 0) nor to high (0, inf)
    """

    names: tuple[str, ...]
    intervals: tuple[Interval, ...]
    tolerance: float = T_TOLERANCE

    @classmethod
    def parse(cls, table: Mapping[str, str], *, tolerance: float = T_TOLERANCE) -> Bands:
        """Read classes as mathematics and prove that they partition the real line.

        Parameters
        ----------
        table
            Class name to interval, in any order.
        tolerance
            How near to a cut-off a value stands on it.

        Raises
        ------
        NormError
            Naming the gap or the overlap.
        """
        parsed = {name: Interval.parse(text) for name, text in table.items()}
        order = sorted(parsed.items(), key=lambda item: (item[1].lower, item[1].upper))
        bands = cls(tuple(n for n, _ in order), tuple(i for _, i in order), tolerance)
        bands._prove()
        return bands

    def _prove(self) -> None:
        if not self.names:
            raise NormError("there is no class; expected intervals that cover the real line")
        first, last = self.intervals[0], self.intervals[-1]
        if first.lower != -math.inf:
            raise NormError(f"nothing covers the values below {first.lower:g}")
        for left, right in zip(self.items(), list(self.items())[1:], strict=False):
            _prove_neighbours(*left, *right)
        if last.upper != math.inf:
            raise NormError(f"nothing covers the values above {last.upper:g}")

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names from the lowest values to the highest."""
        return self.names

    @property
    def dtype(self) -> pl.Enum:
        """The Polars type of the classes, in ascending order."""
        return pl.Enum(self.names)

    def expression(
        self,
        expr: pl.Expr | str,
        *,
        tolerance: float | None = None,
        dtype: pl.Enum | None = None,
    ) -> pl.Expr:
        """Class of each value as a Polars expression; null and NaN have none.

        Parameters
        ----------
        expr
            The values, or the name of their column.
        tolerance
            Instead of the bands' own.
        dtype
            A wider Enum that holds these classes too.
        """
        value = pl.col(expr) if isinstance(expr, str) else expr
        by, kind = self._by(tolerance), dtype or self.dtype
        if len(self.names) == 1:
            return pl.when(value.is_not_nan()).then(pl.lit(self.names[0], dtype=kind))
        chain: Any = pl
        for name, interval in zip(self.names[:-1], self.intervals[:-1], strict=True):
            below = falls_below(value, interval.upper, takes_cut=interval.closed_upper, by=by)
            chain = chain.when(below).then(pl.lit(name, dtype=kind))
        return chain.when(value.is_not_nan()).then(pl.lit(self.names[-1], dtype=kind))

    def holds(self, name: str, expr: pl.Expr | str, *, tolerance: float | None = None) -> pl.Expr:
        """Whether each value belongs to class `name`; null and NaN give null."""
        return self[name].expression(expr, tolerance=self._by(tolerance))

    def classify(
        self, values: npt.ArrayLike, *, tolerance: float | None = None
    ) -> npt.NDArray[np.object_]:
        """Class of each value of an array; None where the value is NaN or None."""
        array = np.asarray(values, dtype=np.float64)
        by = self._by(tolerance)
        codes = np.zeros(array.shape, dtype=np.intp)
        for interval in self.intervals[:-1]:
            codes += ~falls_below(array, interval.upper, takes_cut=interval.closed_upper, by=by)
        names = np.array([*self.names, None], dtype=object)
        return names[np.where(np.isnan(array), len(self.names), codes)]

    def _by(self, tolerance: float | None) -> float:
        return self.tolerance if tolerance is None else tolerance

    def __getitem__(self, name: str) -> Interval:
        return dict(zip(self.names, self.intervals, strict=True))[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)


def _prove_neighbours(name: str, left: Interval, after: str, right: Interval) -> None:
    where = f"{name} {left}", f"{after} {right}"
    if left.upper < right.lower:
        raise NormError(
            f"nothing covers ({left.upper:g}, {right.lower:g}) between {where[0]} and {where[1]}"
        )
    if left.upper > right.lower:
        raise NormError(f"{where[0]} overlaps {where[1]}")
    if left.closed_upper and right.closed_lower:
        raise NormError(f"{left.upper:g} belongs both to {where[0]} and to {where[1]}")
    if not left.closed_upper and not right.closed_lower:
        raise NormError(f"{left.upper:g} belongs neither to {where[0]} nor to {where[1]}")
