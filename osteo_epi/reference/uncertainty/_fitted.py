"""The people of a curve, read again with their design: what limits of any kind need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from osteo_epi.cohort import recognised_design
from osteo_epi.errors import DesignError, SchemaError
from osteo_epi.frames import as_polars
from osteo_epi.reference.curves import Curve, Sample
from osteo_epi.rounding import count
from osteo_epi.survey import Array, Design, DesignArrays, Mask, ReplicateDesign, SurveyDesign


@dataclass(frozen=True)
class Fitted:
    """People as a curve was fitted to them.

    Parameters
    ----------
    frame
        All rows: those without the measurement keep their units in the design.
    design
        How they were sampled.
    known
        (N,) rows that the curve was fitted to.
    weight
        (N,) weights of the design.
    sample
        The rows that were fitted.
    """

    frame: pl.DataFrame
    design: Design
    known: Mask
    weight: Array
    sample: Sample

    @property
    def simple(self) -> bool:
        """Whether people were drawn independently, each with the same chance."""
        return isinstance(self.design, SurveyDesign) and not any(
            (self.design.weight, self.design.stratum, self.design.psu, self.design.fpc)
        )

    @property
    def arrays(self) -> DesignArrays:
        """The design over all rows."""
        assert isinstance(self.design, SurveyDesign), "replicate weights have no units"
        return self.design.arrays(self.frame)


def read_fitted(curve: Curve, people: Any, design: Any, age: str) -> Fitted:
    """Read people and their design, and see that they are those of the curve."""
    frame = as_polars(people)[0].lazy().collect()
    absent = [name for name in (curve.column, age) if name not in frame.columns]
    if absent:
        raise SchemaError(f"column(s) {', '.join(absent)} are not in the data")
    chosen = recognised_design(
        frame, design, weight=curve.weight if design is None else None
    ).design
    _refuse_other_weights(curve, chosen)
    y, years = (
        frame[name].cast(pl.Float64).fill_null(np.nan).to_numpy() for name in (curve.column, age)
    )
    weight = _weights(chosen, frame)
    known = np.isfinite(y) & np.isfinite(years) & (weight > 0)
    if int(known.sum()) != curve.n:
        raise SchemaError(
            f"the curve was fitted to {count(curve.n)} people, and {count(int(known.sum()))} of "
            f"these have {curve.column}, {age} and a weight above zero: give the people that it "
            "was fitted to"
        )
    scaled = weight[known] * (curve.n / weight[known].sum())
    sample = Sample.of(years[known], y[known], scaled, curve.ages)
    return Fitted(frame, chosen, known, weight, sample)


def _weights(design: Design, frame: pl.DataFrame) -> Array:
    if isinstance(design, ReplicateDesign):
        return design.sample(frame).weight
    return design.arrays(frame).weight


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
