"""The lumbar spine: is the given total what its vertebrae give, and are the flags consistent?"""

from __future__ import annotations

import polars as pl

from osteo_epi.findings import Finding, rows_where

CODES = ("total_not_its_parts", "total_is_l2_l4", "valid_without_reading")
VERTEBRAE = ("l1", "l2", "l3", "l4")
_TOTAL = "abmd_lumbar_spine"
_OFF = 0.0015  # three printed decimals of contents, areas and density
_OFF_MEAN = 0.06  # a plain mean of densities lies below the mean weighted by area
_MOST = 0.9


def check_spine(frame: pl.DataFrame) -> list[Finding]:
    """Check the lumbar spine of a frame of canonical columns."""
    findings = [_valid_without_reading(frame, v) for v in VERTEBRAE]
    return [f for f in [*findings, _total(frame)] if f]


def _of_parts(frame: pl.DataFrame, vertebrae: tuple[str, ...]) -> pl.Expr | None:
    """ΣBMC/Σarea of vertebrae that are all there, or None where the columns are not."""
    needed = [f"{what}_{v}" for v in vertebrae for what in ("bmc", "area")]
    if not set(needed) <= set(frame.columns):
        return None
    content = sum((pl.col(f"bmc_{v}") for v in vertebrae), start=pl.lit(0.0))
    area = sum((pl.col(f"area_{v}") for v in vertebrae), start=pl.lit(0.0))
    return content / area


def _usable(frame: pl.DataFrame) -> pl.Expr:
    """No vertebra is called invalid: a total over fewer is not meant to equal all four."""
    flags = [f"valid_{v}" for v in VERTEBRAE if f"valid_{v}" in frame.columns]
    return pl.all_horizontal([pl.lit(True), *[pl.col(f).fill_null(True) for f in flags]])


def _total(frame: pl.DataFrame) -> Finding | None:
    if _TOTAL not in frame.columns:
        return None
    exact = _of_parts(frame, VERTEBRAE)
    off = (pl.col(_TOTAL) - exact).abs() > _OFF if exact is not None else _off_densities(frame)
    if off is None:
        return None
    where = off & _usable(frame)
    n = rows_where(frame, where)
    if not n:
        return None
    if exact is not None and (shorter := _l2_l4(frame, n)):
        return shorter
    message = f"given totals of the lumbar spine that are not what L1 to L4 give together: {n}"
    fix = (
        "the total may rest on fewer vertebrae; the spine rule takes the vertebrae that count, "
        "and only rule given_total takes this column"
    )
    return Finding("total_not_its_parts", "warning", _TOTAL, n, message, fix, where)


def _off_densities(frame: pl.DataFrame) -> pl.Expr | None:
    """Without contents and areas: a total lies between its vertebrae and near their mean."""
    names = [f"abmd_{v}" for v in VERTEBRAE]
    if not set(names) <= set(frame.columns):
        return None
    complete = pl.all_horizontal([pl.col(n).is_not_null() for n in names])
    low, high = pl.min_horizontal(names), pl.max_horizontal(names)
    outside = ~pl.col(_TOTAL).is_between(low - _OFF, high + _OFF)
    far = (pl.col(_TOTAL) - pl.mean_horizontal(names)).abs() > _OFF_MEAN
    return complete & (outside | far)


def _l2_l4(frame: pl.DataFrame, n: int) -> Finding | None:
    shorter = _of_parts(frame, VERTEBRAE[1:])
    if shorter is None:
        return None
    same = frame.select(((pl.col(_TOTAL) - shorter).abs() <= _OFF).mean()).item()
    if same is None or same < _MOST:
        return None
    message = "the given total of the lumbar spine is that of L2 to L4, not of L1 to L4"
    fix = (
        "leave its heading out with map={heading: None} (--map HEADING=none); the spine rule then "
        "takes L1 to L4 from the vertebrae"
    )
    return Finding("total_is_l2_l4", "error", _TOTAL, n, message, fix)


def _valid_without_reading(frame: pl.DataFrame, vertebra: str) -> Finding | None:
    flag, reading = f"valid_{vertebra}", f"abmd_{vertebra}"
    if not {flag, reading} <= set(frame.columns):
        return None
    where = pl.col(flag) & pl.col(reading).is_null()
    n = rows_where(frame, where)
    if not n:
        return None
    message = f"vertebrae called valid without a density: {n}; they count as missing"
    return Finding("valid_without_reading", "note", flag, n, message, "", where)
