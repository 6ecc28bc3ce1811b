"""Risks as shares from 0 to 1, whatever their column was written in."""

from __future__ import annotations

from osteo_epi.cohort import codebook
from osteo_epi.errors import SchemaError
from osteo_epi.rounding import count, number
from osteo_epi.survey import Array


def in_percent(name: str) -> bool:
    """Whether the codebook has a column in percent, as `frax_major`."""
    variables = codebook()
    return name in variables and variables[name].unit == "%"


def as_shares(values: Array, name: str, given: Array, *, otherwise: str) -> tuple[Array, str]:
    """(n,) risks from 0 to 1, and a note of what was done to make them so.

    Parameters
    ----------
    values, name
        (n,) numbers of a column, and its name.
    given
        (m,) of them that count: those not missing of the people asked.
    otherwise
        Where a column that is no risk is at home.

    Raises
    ------
    SchemaError
        If they are no risks.
    """
    if in_percent(name):
        _refuse_percent(name, given, codebook()[name].lookalikes.get("fraction"))
        return values / 100, f"{name} is in percent by the codebook: divided by 100"
    above, below = int((given > 1).sum()), int((given < 0).sum())
    if above and not below and given.max() <= 100:
        raise SchemaError(
            f"{name}: {count(above)} of {count(len(given))} risks lie above 1, none above 100; "
            "they look like percent: divide by 100"
        )
    if above or below:
        raise SchemaError(
            f"{name}: {count(above + below)} of {count(len(given))} values lie outside 0 to 1; a "
            f"risk is a probability. A score or log-odds is made one by a model first; {otherwise}"
        )
    return values, ""


def _refuse_percent(name: str, given: Array, fractions: tuple[float, float] | None) -> None:
    outside = int(((given < 0) | (given > 100)).sum())
    if outside:
        raise SchemaError(
            f"{name}: {count(outside)} of {count(len(given))} values lie outside 0 to 100 percent"
        )
    if fractions is not None and given.max() <= fractions[1]:
        raise SchemaError(
            f"{name} is in percent by the codebook, and no value is above "
            f"{number(fractions[1])}: they look like shares. Multiply by 100, or give the column "
            "a name of its own"
        )
