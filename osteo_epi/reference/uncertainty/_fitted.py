"""The people of a curve, read again with their design: what limits of any kind need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from osteo_epi.cohort import recognised_design
from osteo_epi.errors import DesignError, SchemaError
from osteo_epi.frames import as_polars, refuse_words
from osteo_epi.reference.curves import Curve, Sample
from osteo_epi.reference.curves._curve import is_of
from osteo_epi.rounding import count
from osteo_epi.survey import Array, Design, DesignArrays, Mask, ReplicateDesign, SurveyDesign


@dataclass(frozen=True)
class Fitted:
    """People as a curve was fitted to them.

    Parameters
    ----------
    design
        How they were sampled.
    arrays
        The design over all N rows: those without the measurement keep their units. None of
        replicate weights.
    known
        (N,) rows that the curve was fitted to.
    weight
        (N,) weights of the design.
    sample
        The rows that were fitted.
    """

    design: Design
    arrays: DesignArrays | None
    known: Mask
    weight: Array
    sample: Sample

    @classmethod
    def of(
        cls,
        curve: Curve,
        design: Design,
        arrays: DesignArrays | None,
        weight: Array,
        *,
        age: Array,
        y: Array,
        rows: Mask | None = None,
    ) -> Fitted:
        """From (N,) columns, of the given rows or all."""
        known = np.isfinite(y) & np.isfinite(age) & (weight > 0)
        known = known if rows is None else known & rows
        scaled = weight[known] * (known.sum() / weight[known].sum())
        sample = Sample.of(age[known], y[known], scaled, curve.ages)
        return cls(design, arrays, known, weight, sample)

    @property
    def simple(self) -> bool:
        """Whether people were drawn independently, each with the same chance."""
        return isinstance(self.design, SurveyDesign) and self.design.is_simple


def read_fitted(curve: Curve, people: Any, design: Any, age: str) -> tuple[pl.DataFrame, Fitted]:
    """Read people and their design, and see that they are those of the curve."""
    frame = as_polars(people)[0].lazy().collect()
    absent = [name for name in (curve.column, age) if name not in frame.columns]
    if absent:
        raise SchemaError(f"column(s) {', '.join(absent)} are not in the data")
    refuse_words(frame.schema, (curve.column, age), purpose="a curve")
    chosen = recognised_design(
        frame, design, weight=curve.weight if design is None else None
    ).design
    _refuse_other_weights(curve, chosen)
    y, years = (
        frame[name].cast(pl.Float64).fill_null(np.nan).to_numpy() for name in (curve.column, age)
    )
    arrays, weight = arrays_of(chosen, frame)
    fitted = Fitted.of(curve, chosen, arrays, weight, age=years, y=y)
    if fitted.sample.n != curve.n:
        raise SchemaError(
            f"the curve was fitted to {count(curve.n)} people, and {count(fitted.sample.n)} of "
            f"these have {curve.column}, {age} and a weight above zero: give the people that it "
            "was fitted to"
        )
    known = fitted.known
    if not is_of(curve, years[known], y[known], weight[known]):
        raise SchemaError(
            f"the curve was fitted to {count(curve.n)} other people: these are as many, but have "
            f"other values of {curve.column} or {age}; give the people that it was fitted to (the "
            "same sex, and the same values)"
        )
    return frame, fitted


def arrays_of(design: Design, frame: pl.DataFrame) -> tuple[DesignArrays | None, Array]:
    """The units of a design, none of replicate weights; and the weights."""
    if isinstance(design, ReplicateDesign):
        return None, design.sample(frame).weight
    arrays = design.arrays(frame)
    return arrays, arrays.weight


def _refuse_other_weights(curve: Curve, design: Design) -> None:
    if design.weight == curve.weight:
        return
    own, theirs = (f"weight={name!r}" if name else "equal weights" for name in
                   (curve.weight, design.weight))  # fmt: skip
    raise DesignError(
        f"the curve was fitted with {own} and the design has {theirs}: limits are those of the "
        "estimate; fit the curve with weight= the design's, or give the design of its own "
        '(design="srs" for equal weights)'
    )
