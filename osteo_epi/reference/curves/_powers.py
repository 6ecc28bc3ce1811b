"""Which powers of age a fractional polynomial takes: all pairs fitted, the best first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations_with_replacement
from typing import Any

import polars as pl

from osteo_epi.errors import DefinitionError
from osteo_epi.frames import in_callers_kind
from osteo_epi.reference.curves._curve import Curve, fit_curve
from osteo_epi.reference.curves._terms import POWERS, FractionalPolynomial, Polynomial
from osteo_epi.results import Result


@dataclass(frozen=True, repr=False)
class FractionalPowers(Result):
    """Fractional polynomials of a median, the best first.

    Made by `choose_powers`; see there.

    Attributes
    ----------
    rows
        powers, deviance, and how much it is above the least.
    curve
        The best.
    """

    rows: pl.DataFrame = field(repr=False)
    curve: Curve

    @property
    def powers(self) -> tuple[float, ...]:
        """The best."""
        return tuple(self.rows["powers"][0].to_list())

    def to_polars(self) -> pl.DataFrame:
        """All of them, with their deviances."""
        return self.rows

    def _summary(self) -> str:
        best = ", ".join(f"{power:g}" for power in self.powers)
        return f"{self.curve.column}, powers {best} of {self.rows.height} sets"


@in_callers_kind
def choose_powers(people: Any, column: str, *, number: int = 2, **options: Any) -> FractionalPowers:
    """Fit the median by every fractional polynomial of some number of powers.

    Parameters
    ----------
    people, column
        As for `fit_curve`.
    number
        Of powers, 1 to 3.
    **options
        Of `fit_curve`, but `mu`. sigma is a straight line by default, so that the powers alone
        bend the curve.

    Returns
    -------
    FractionalPowers

    Raises
    ------
    DefinitionError
        If the number is out of reach, or `mu` is stated.

    Notes
    -----
    Royston & Altman 1994, doi:10.2307/2986270; as `fp(age, 2)` of R `gamlss`, by the deviance of
    the whole fit. The powers were chosen on these people: errors of the best curve know nothing
    of that, and a deviance that is higher by less than 2 speaks for no other pair.

    Examples
    --------
    >>> from osteo_epi.cohort import simulate
    >>> women = simulate(2_000, seed=1).frame.filter(pl.col("sex") == "female")
    >>> choose_powers(women, "abmd_femoral_neck", number=1, family="normal").rows.columns
    ['powers', 'deviance', 'above']
    """
    if number not in (1, 2, 3) or "mu" in options:
        raise DefinitionError(
            f"number={number}; expected 1 to 3 powers, and no mu=, which they make up"
        )
    given: Mapping[str, Any] = {"sigma": Polynomial(1), **options}
    curves = [
        (powers, fit_curve(people, column, mu=FractionalPolynomial(powers), **given))
        for powers in combinations_with_replacement(POWERS, number)
    ]
    curves.sort(key=lambda pair: pair[1].fit.deviance)
    deviances = [curve.fit.deviance for _, curve in curves]
    rows = pl.DataFrame(
        {
            "powers": [list(powers) for powers, _ in curves],
            "deviance": deviances,
            "above": [deviance - deviances[0] for deviance in deviances],
        }
    )
    return FractionalPowers(rows, curves[0][1])
