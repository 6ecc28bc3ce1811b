"""Two hips as one: which side counts where both were measured.

The lowest T-score decides, so by default the lower side does; left, right and mean are choices.
A side that was not measured is not waited for: the other one counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import polars as pl

from osteo_epi.norms import CTXA

SIDES = ("left", "right", "mean")
"""What a region of the hip is measured as, beside the reading that names no side."""
HIP = ("femoral_neck", "total_hip")


def of_side(roi: str, side: str) -> str:
    """Name a region of one side; of CTXA too.

    Examples
    --------
    >>> of_side("femoral_neck", "left"), of_side("total_hip_ctxa", "right")
    ('femoral_neck_left', 'total_hip_right_ctxa')
    """
    ctxa = CTXA if roi.endswith(CTXA) else ""
    return f"{roi.removesuffix(CTXA)}_{side}{ctxa}"


def has_sides(roi: str) -> bool:
    """Whether a region is one of the hip, of which there are two."""
    return roi.removesuffix(CTXA) in HIP


def hip_reading(
    rule: str, whole: pl.Expr | None, sides: Mapping[str, pl.Expr | None]
) -> pl.Expr | None:
    """Make one reading of those of two hips.

    Parameters
    ----------
    rule
        `lowest`, `left`, `right` or `mean`.
    whole
        The reading that names no side.
    sides
        The readings of `SIDES`, where the frame has them.

    Returns
    -------
    polars.Expr or None
        The first that is there in the rule's order; None where the frame has no reading at all.

    Examples
    --------
    >>> hips = pl.DataFrame({"left": [0.80, 0.80, None], "right": [0.55, None, None]})
    >>> sides = {"left": pl.col("left"), "right": pl.col("right"), "mean": None}
    >>> hips.select(hip_reading("lowest", None, sides))["left"].to_list()
    [0.55, 0.8, None]
    """
    left, right, mean = (sides.get(side) for side in SIDES)
    if left is None and right is None and mean is None:
        return whole
    if rule == "lowest":
        return _first([_lower([left, right, whole]), mean])
    if rule == "mean":
        both = None if left is None or right is None else (left + right) / 2
        return _first([both, mean, left, right, whole])
    ranked = [left, right] if rule == "left" else [right, left]
    return _first([*ranked, whole, mean])


def _present(readings: Iterable[pl.Expr | None]) -> list[pl.Expr]:
    return [reading for reading in readings if reading is not None]


def _lower(readings: Iterable[pl.Expr | None]) -> pl.Expr | None:
    present = _present(readings)
    return pl.min_horizontal(present) if present else None


def _first(readings: Iterable[pl.Expr | None]) -> pl.Expr:
    return pl.coalesce(_present(readings))
