"""A number with its uncertainty."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Estimate:
    """An estimate with its standard error (None where the method has none) and interval."""

    estimate: float
    se: float | None
    lower: float | None
    upper: float | None

    def compatible_with(self, value: float) -> bool | None:
        """Tell whether `value` lies within the interval; None without an interval."""
        if self.lower is None or self.upper is None:
            return None
        return self.lower <= value <= self.upper

    def as_row(self) -> dict[str, float | None]:
        """The four numbers by name."""
        return {"estimate": self.estimate, "se": self.se, "lower": self.lower, "upper": self.upper}


def bracketed(estimate: float, se: float, reach: float) -> Estimate:
    """An estimate with the symmetric interval estimate ± reach.

    Examples
    --------
    >>> bracketed(1.0, 0.1, 0.2).lower
    0.8
    """
    return Estimate(float(estimate), float(se), float(estimate - reach), float(estimate + reach))
