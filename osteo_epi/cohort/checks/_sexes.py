"""Are the sexes exchanged? Men are taller than women everywhere, and their hips are denser."""

from __future__ import annotations

import math

import polars as pl

from osteo_epi.cohort._codebook import codebook
from osteo_epi.findings import Finding, Severity
from osteo_epi.questions import Asking, People, asked, grouped, together

CODES = ("sexes_exchanged",)
_ADULT = 20
_ENOUGH = 10
_FEW = 2  # of each sex in a decade, for a variance
_SURE = 3.0
_HIP = ("abmd_femoral_neck", "abmd_total_hip")  # of any side and method
_WORDS = {"height": "are taller than the men", "hip": "have denser hips than the men"}


def check_sexes(people: People) -> Asking[list[Finding]]:
    """Compare the sexes of canonical columns in height and density of the hip.

    Decades of age are compared one by one, so that a clinic's younger women and older men are no
    sign of anything. One of the two alone may have another cause; both together have none.
    """
    if not people.has("sex"):
        return []
    hips = [c for c in people.columns if c.startswith(_HIP) and c in codebook()]
    counts = yield from asked(sums={c: pl.col(c).count() for c in ("sex", *hips)})
    hip = max(hips, key=lambda name: int(counts[name]), default=None)
    columns = {"height": "height" if people.has("height") else None, "hip": hip}
    compared = {what: c for what, c in columns.items() if c}
    found = yield from together(_reversed(people, c) for c in compared.values())
    reversed_in = {what: c for (what, c), yes in zip(compared.items(), found, strict=True) if yes}
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
    return [Finding("sexes_exchanged", severity, about, counts["sex"], message, fix)]


def _reversed(people: People, column: str) -> Asking[bool]:
    """Whether adult women exceed men of the same decade of age by more than chance allows."""
    # Taken from the middle of what is plausible: squares then lose no digits.
    value = pl.col(column) - sum(codebook()[column].range or (0.0, 0.0)) / 2
    by = {"sex": pl.col("sex")}
    if people.has("age"):
        by["decade"] = pl.col("age") // 10
        value = pl.when(pl.col("age") >= _ADULT).then(value)
    sums = {"n": value.count(), "sum": value.sum(), "squares": (value**2).sum()}
    groups = yield from grouped(by, sums=sums)
    if not people.has("age"):
        groups = groups.with_columns(decade=pl.lit(_ADULT // 10))
    mean = pl.col("sum") / pl.col("n")
    # Of people who are all alike the difference may be a last digit below 0.
    squares = (pl.col("squares") - pl.col("n") * mean**2).clip(lower_bound=0.0)
    groups = groups.filter(pl.col("n") >= _FEW, pl.col("decade").is_not_null()).select(
        "decade",
        pl.col("sex").cast(pl.String),
        "n",
        mean.alias("mean"),
        (squares / (pl.col("n") - 1)).alias("variance"),
    )
    women, men = (groups.filter(pl.col("sex") == sex) for sex in ("female", "male"))
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
