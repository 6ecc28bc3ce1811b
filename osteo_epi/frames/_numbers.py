"""Numbers asked for: words in their place are refused without showing what they say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from osteo_epi.errors import SchemaError


def refuse_words(schema: Mapping[str, Any], names: Iterable[str | None], *, purpose: str) -> None:
    """Insist that columns hold numbers: Polars' own error would print the values of people.

    Parameters
    ----------
    schema
        Name and type of each column; those that are absent are refused elsewhere.
    names
        The columns; None stands for none.
    purpose
        For what they are asked.

    Raises
    ------
    SchemaError
        Naming the columns and what they hold.

    Examples
    --------
    >>> refuse_words({"age": pl.Float64(), "sex": pl.String()}, ["age", "sex"], purpose="a curve")
    Traceback (most recent call last):
    ...
    osteo_epi.errors.SchemaError: a curve needs numbers, and column sex holds String: take the
    table in by osteo_epi.read, which turns text into numbers and counts what is none, or cast it
    """
    for name in names:
        kind = schema.get(name) if name is not None else None
        if kind is None or kind.is_numeric() or kind in (pl.Null, pl.Boolean):
            continue
        raise SchemaError(
            f"{purpose} needs numbers, and column {name} holds {kind}: take the table in by "
            "osteo_epi.read, which turns text into numbers and counts what is none, or cast it"
        )


def numbers_of(values: npt.ArrayLike | pl.Series, name: str) -> npt.NDArray[np.float64]:
    """Numbers of any kind as floats.

    Raises
    ------
    SchemaError
        If one is none, without showing it.

    Examples
    --------
    >>> numbers_of([0.81, None], "abmd")
    array([0.81,  nan])
    """
    try:
        given = values.cast(pl.Float64).to_numpy() if isinstance(values, pl.Series) else values
        return np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError, pl.exceptions.PolarsError):
        raise SchemaError(
            f"{name} holds what is no number; expected numbers, NaN or None where there is none"
        ) from None
