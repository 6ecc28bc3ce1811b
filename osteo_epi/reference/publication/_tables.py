"""The tables beside a norm: as journals print them, and as other software reads them."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from osteo_epi.norms import AgeCurve, AgeReference, AnyCurve
from osteo_epi.reference._reference import Reference
from osteo_epi.rounding import MISSING, count, density, number

HEADINGS = {
    "sex": "Sex", "roi": "Region", "ages": "Age [years]", "n": "n", "mean": "Mean", "sd": "SD",
    "l": "L", "m": "M", "s": "S", "tau": "τ", "of_peak": "% of peak", "loss": "Loss a year",
    "loss_percent": "Loss a year [%]",
}  # fmt: skip
DIGITS = {"of_peak": 3, "loss": 2, "loss_percent": 2, "l": 3, "s": 4, "tau": 3}


def journal_table(reference: Reference, smallest: int) -> pl.DataFrame:
    """The reference's table; n, mean and SD of fewer people than `smallest` are left empty."""
    few = pl.col("n") < smallest
    hidden = [pl.when(~few).then(pl.col(name)).alias(name) for name in ("n", "mean", "sd")]
    return reference.to_frame().with_columns(hidden)


def markdown(table: pl.DataFrame, smallest: int) -> str:
    """The table as journals print it, rounded; densities in g/cm²."""
    shown = [name for name in table.columns if name != "age" and table[name].count()]
    heads = [HEADINGS.get(name, name.replace("p", "P")) for name in shown]
    lines = [heads, ["---"] * len(heads)]
    for row in table.select(shown).iter_rows(named=True):
        hidden = {"n": f"<{smallest}"} if row.get("n") is None else {}
        lines.append([hidden.get(name) or _cell(name, value) for name, value in row.items()])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _cell(name: str, value: Any) -> str:
    if name in DIGITS:
        return MISSING if value is None else number(value, digits=DIGITS[name])
    if isinstance(value, str):
        return value
    return count(value) if name == "n" else density(value)


def lms_table(norm: AgeReference) -> pl.DataFrame:
    """L, M and S at whole years, as programs of growth charts read them: exactly the norm's.

    A normal distribution has L = 1 and S = SD/mean, a log-normal one L = 0: the same Z-scores.
    """
    return pl.concat(
        [
            pl.DataFrame({"age": np.asarray(entry.curve.age), **_lms(entry.curve)}).select(
                "age", pl.lit(entry.sex).alias("sex"), pl.lit(entry.roi).alias("roi"),
                "L", "M", "S", pl.exclude("age", "L", "M", "S"),
            )
            for entry in norm.curves
        ],
        how="diagonal",
    )  # fmt: skip


def _lms(curve: AnyCurve) -> dict[str, object]:
    if isinstance(curve, AgeCurve):
        mean, sd = np.asarray(curve.mean), np.asarray(curve.sd)
        return {"L": np.ones_like(mean), "M": mean, "S": sd / mean, "family": "normal"}
    middle, spread = np.asarray(curve.mu), np.asarray(curve.sigma)
    values = {"L": curve.nu, "M": middle, "S": spread, "family": curve.family}
    if curve.family == "log_normal":
        values |= {"L": np.zeros_like(middle), "M": np.exp(middle)}
    return values | ({} if curve.tau is None else {"tau": np.asarray(curve.tau)})
