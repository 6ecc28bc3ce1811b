"""The tables beside a norm: as journals print them, and as other software reads them."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from osteo_epi.language import word
from osteo_epi.norms import DERIVED, AgeCurve, AgeReference, AnyCurve
from osteo_epi.reference._reference import Reference
from osteo_epi.rounding import count, density, fixed

HEADINGS = {
    "sex": "Sex", "roi": "Region", "ages": "Age [years]", "age": "Curve at [years]", "n": "n",
    "mean": "Mean [g/cm²]", "sd": "SD [g/cm²]", "l": "L", "m": "M [g/cm²]", "s": "S", "tau": "τ",
    "of_peak": "% of peak", "loss": "Loss [g/cm² a year]", "loss_percent": "Loss [% a year]",
}  # fmt: skip
DECIMALS = {"age": 1, "of_peak": 1, "loss": 4, "loss_percent": 2, "l": 2, "s": 4, "tau": 2}
CAPTION = (
    "Areal bone mineral density by age. n, mean and SD (weighted where "
    "the curve is) are those of the people of an age band; L, "
    "M, S and the centiles P3 to P97 [g/cm²] are read off the curve at the age given."
)


def journal_table(reference: Reference, smallest: int) -> pl.DataFrame:
    """The reference's table; n, mean and SD of fewer people than `smallest` are left empty."""
    few = pl.col("n") < smallest
    hidden = [pl.when(~few).then(pl.col(name)).alias(name) for name in ("n", "mean", "sd")]
    return labelled(reference.to_polars().with_columns(hidden), reference.labels)


def labelled(table: pl.DataFrame, labels: tuple[str, ...]) -> pl.DataFrame:
    """With a column of warnings that go with every row, where there are some beside "derived"."""
    said = [label for label in labels if label != DERIVED]
    return table.with_columns(label=pl.lit(", ".join(said))) if said else table


def markdown(table: pl.DataFrame, smallest: int, labels: tuple[str, ...]) -> str:
    """The table as journals print it, rounded; densities in g/cm²."""
    said = "**SIMULATED people: these numbers describe nobody.** " * ("simulation" in labels)
    shown = [name for name in table.columns if name != "label" and table[name].count()]
    heads = [HEADINGS.get(name, name.replace("p", "P")) for name in shown]
    lines = [heads, ["---"] * len(heads)]
    for row in table.select(shown).iter_rows(named=True):
        hidden = {"n": f"<{smallest}"} if row.get("n") is None else {}
        lines.append([hidden.get(name) or _cell(name, value) for name, value in row.items()])
    rows = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"{said}{CAPTION}\n\n{rows}\n"


def _cell(name: str, value: Any) -> str:
    if name in DECIMALS:
        return fixed(value, decimals=DECIMALS[name])
    if isinstance(value, str):
        return value if name == "ages" else word(value)
    return count(value) if name == "n" else density(value)


def lms_table(norm: AgeReference) -> pl.DataFrame:
    """L, M and S at whole years, as programs of growth charts read them: exactly the norm's.

    A normal distribution has L = 1 and S = SD/mean, a log-normal one L = 0: the same Z-scores.
    """
    table = pl.concat(
        [
            pl.DataFrame({"age": np.asarray(entry.curve.age), **_lms(entry.curve)}).select(
                "age", pl.lit(entry.sex).alias("sex"), pl.lit(entry.roi).alias("roi"),
                "L", "M", "S", pl.exclude("age", "L", "M", "S"),
            )
            for entry in norm.curves
        ],
        how="diagonal",
    )  # fmt: skip
    return labelled(table, norm.labels)


def _lms(curve: AnyCurve) -> dict[str, object]:
    if isinstance(curve, AgeCurve):
        mean, sd = np.asarray(curve.mean), np.asarray(curve.sd)
        return {"L": np.ones_like(mean), "M": mean, "S": sd / mean, "family": "normal"}
    middle, spread = np.asarray(curve.mu), np.asarray(curve.sigma)
    values = {"L": curve.nu, "M": middle, "S": spread, "family": curve.family}
    if curve.family == "log_normal":
        values |= {"L": np.zeros_like(middle), "M": np.exp(middle)}
    return values | ({} if curve.tau is None else {"tau": np.asarray(curve.tau)})
