"""Predictors of a model: columns of numbers, and of classes against their first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from osteo_epi.errors import DefinitionError, SchemaError
from osteo_epi.rounding import count, counted
from osteo_epi.survey import Array, Mask

# A column of more classes is a name, or a number kept as text.
MOST_CLASSES = 30


@dataclass(frozen=True)
class Predictors:
    """How columns become covariates, fixed by the people of the fit.

    Attributes
    ----------
    columns
        The predictors.
    classes
        The classes of each column of classes, the first of which is the one compared with.
    ranges
        Least and largest value of each column of numbers among the people of the fit.
    """

    columns: tuple[str, ...]
    classes: dict[str, tuple[str, ...]]
    ranges: dict[str, tuple[float, float]]

    @classmethod
    def of(cls, frame: pl.DataFrame, columns: Sequence[str]) -> Predictors:
        """From the people of the fit.

        Raises
        ------
        SchemaError
            If a predictor is constant, or is of neither numbers nor classes.
        """
        classes: dict[str, tuple[str, ...]] = {}
        ranges: dict[str, tuple[float, float]] = {}
        for name in columns:
            column = frame[name]
            if column.n_unique() < 2:
                raise SchemaError(
                    f"predictor {name} is constant in the {count(frame.height)} people of the fit: "
                    "it tells nobody from another; leave it out, or widen domain="
                )
            if column.dtype.is_numeric() or column.dtype == pl.Boolean:
                values = column.cast(pl.Float64)
                ranges[name] = (float(values.min()), float(values.max()))  # type: ignore[arg-type]
                continue
            classes[name] = _classes(column)
        return cls(tuple(columns), classes, ranges)

    @property
    def names(self) -> tuple[str, ...]:
        """(p,) covariates: a column of numbers, or "column class" of each class but the first."""
        return tuple(
            name
            for column in self.columns
            for name in (
                [f"{column} {one}" for one in self.classes[column][1:]]
                if column in self.classes
                else [column]
            )
        )

    def table(self, frame: pl.DataFrame) -> Array:
        """(n, p) covariates of people; NaN where a predictor is missing or of no class known.

        Raises
        ------
        SchemaError
            If a predictor is absent, or of another kind than in the fit.
        """
        parts = []
        for name in self.columns:
            column = self._column(frame, name)
            if name in self.classes:
                text = column.cast(pl.String)
                known = text.is_in(self.classes[name]).fill_null(False).to_numpy()
                for one in self.classes[name][1:]:
                    value = (text == one).fill_null(False).cast(pl.Float64).to_numpy()
                    parts.append(np.where(known, value, np.nan))
            else:
                parts.append(column.cast(pl.Float64).fill_null(np.nan).to_numpy())
        return np.column_stack(parts)

    def outside(self, frame: pl.DataFrame) -> dict[str, Mask]:
        """(n,) of each column, whose value no person of the fit came near: beyond the range."""
        beyond = {}
        for name, (low, high) in self.ranges.items():
            value = self._column(frame, name).cast(pl.Float64).fill_null(np.nan).to_numpy()
            beyond[name] = (value < low) | (value > high)
        return beyond

    def _column(self, frame: pl.DataFrame, name: str) -> pl.Series:
        if name not in frame.columns:
            raise SchemaError(
                f"predictor {name} of the model is not in the data of "
                f"{counted(frame.width, 'column')}; the model needs {', '.join(self.columns)}"
            )
        column = frame[name]
        numbers = column.dtype.is_numeric() or column.dtype == pl.Boolean
        if column.dtype != pl.Null and numbers != (name in self.ranges):
            was = "numbers" if name in self.ranges else "classes"
            raise SchemaError(
                f"predictor {name} is {column.dtype}, and the model was fitted to {was}; bring it "
                "into the same form"
            )
        return column.fill_nan(None) if column.dtype.is_float() else column


def refuse_predictors(predictors: object) -> tuple[str, ...]:
    """The names of predictors, each once.

    Raises
    ------
    DefinitionError
        If they are none, or one twice.
    """
    if isinstance(predictors, str) or not isinstance(predictors, Sequence) or not predictors:
        raise DefinitionError(
            f"predictors={predictors!r}; expected names of columns, as in "
            'predictors=("age", "t_score_femoral_neck")'
        )
    if len(set(predictors)) < len(predictors):
        raise DefinitionError(f"predictors={predictors!r} names a column twice; name each once")
    return tuple(predictors)


def _classes(column: pl.Series) -> tuple[str, ...]:
    if column.dtype.is_temporal() or column.dtype.is_nested():
        raise SchemaError(
            f"predictor {column.name} is {column.dtype}; expected numbers or classes: convert it "
            "first"
        )
    if isinstance(column.dtype, pl.Enum):
        there = set(column.cast(pl.String).unique())
        return tuple(one for one in column.dtype.categories if one in there)
    classes = tuple(sorted(column.cast(pl.String).unique()))
    if len(classes) > MOST_CLASSES:
        raise SchemaError(
            f"predictor {column.name} is text of {count(len(classes))} classes; expected "
            f"{MOST_CLASSES} at most. Numbers kept as text must be made numbers first"
        )
    return classes
