"""Are the sexes exchanged? Men are taller than women everywhere, and their hips are denser."""

from __future__ import annotations

import math

import polars as pl

from osteo_epi.cohort._codebook import codebook
from osteo_epi.findings import Finding, Severity

CODES = ("sexes_exchanged",)
_ADULT = 20
_ENOUGH = 10
_FEW = 2  # of each sex in a decade, for a variance
_SURE = 3.0
_HIP = ("abmd_femoral_neck", "abmd_total_hip")  # of any side and method
_WORDS = {"height": "are taller than the men", "hip": "have denser hips than the men"}


def check_sexes(frame: pl.DataFrame) -> list[Finding]:
    """Compare the sexes of a frame of canonical columns in height and density of the hip.

    Decades of age are compared one by one, so that a clinic's younger women and older men are no
    sign of anything. One of the two alone may have another cause; both together have none.
    """
    if "sex" not in frame.columns:
        return []
    hips = [c for c in frame.columns if c.startswith(_HIP) and c in codebook()]
    hip = max(hips, key=lambda name: frame[name].count(), default=None)
    columns = {"height": "height" if "height" in frame.columns else None, "hip": hip}
    reversed_in = {what: c for what, c in columns.items() if c and _reversed(frame, c)}
    if not reversed_in:
        return []
    severity: Severity = "error" if len(reversed_in) == len(columns) else "warning"
    seen = " and ".join(_WORDS[what] for what in reversed_in)
    message = f"the women {seen}, at the same age: the sexes seem exchanged"
    fix = (
        "look at some people of known sex; if so, correct the column, or declare its codes the "
        'other way round with sex_coding={"code": "female", "other code": "male"} '
        "(--sex-coding CODE=female,OTHER=male)"
    )
    about = ", ".join(["sex", *reversed_in.values()])
    return [Finding("sexes_exchanged", severity, about, frame["sex"].count(), message, fix)]


def _reversed(frame: pl.DataFrame, column: str) -> bool:
    """Whether adult women exceed men of the same decade of age by more than chance allows."""
    age = pl.col("age") if "age" in frame.columns else pl.lit(float(_ADULT))
    adults = frame.select((age // 10).alias("decade"), age.alias("_age"), "sex", column)
    groups = (
        adults.lazy()
        .filter(pl.col("_age") >= _ADULT)
        .drop_nulls()
        .group_by("decade", "sex")
        .agg(pl.len().alias("n"), pl.mean(column).alias("mean"), pl.var(column).alias("variance"))
        .with_columns(pl.col("sex").cast(pl.String))
        .collect()
    )
    women, men = (
        groups.filter((pl.col("sex") == sex) & (pl.col("n") >= _FEW)) for sex in ("female", "male")
    )
    pairs = women.join(men, on="decade", suffix="_men").sort("decade")
    if not len(pairs) or min(pairs["n"].sum(), pairs["n_men"].sum()) < _ENOUGH:
        return False
    n, n_men = pl.col("n"), pl.col("n_men")
    weight = n * n_men / (n + n_men)
    variance = pl.col("variance") / n + pl.col("variance_men") / n_men
    gap, squared_error = pairs.select(
        (weight * (pl.col("mean") - pl.col("mean_men"))).sum() / weight.sum(),
        (weight**2 * variance).sum().alias("squared_error") / weight.sum() ** 2,
    ).row(0)
    return bool(gap > 0 and gap > _SURE * math.sqrt(squared_error))
