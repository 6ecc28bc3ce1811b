"""The table of a reference as journals print it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import polars as pl

from osteo_epi.reference.curves import CENTILES, Curve
from osteo_epi.survey import Array

BAND = 5
SCHEMA = {
    "sex": pl.String, "roi": pl.String, "ages": pl.String, "age": pl.Float64, "n": pl.Int64,
    **dict.fromkeys(("mean", "sd", "l", "m", "s", "tau"), pl.Float64),
    **{f"p{p:g}": pl.Float64 for p in CENTILES},
    **dict.fromkeys(("of_peak", "loss", "loss_percent"), pl.Float64),
}  # fmt: skip


def journal_rows(
    table: pl.DataFrame, curves: Mapping[tuple[str, str], Curve], weight: str | None
) -> pl.DataFrame:
    """One row for each sex, region and five completed years of age.

    Parameters
    ----------
    table
        age, sex, weight and `abmd_<roi>` of the people.
    curves
        By sex and region.
    weight
        Column of weights, None for equal ones.
    """
    rows = [row for key, curve in curves.items() for row in _of_curve(table, key, curve, weight)]
    return pl.DataFrame(rows, schema=SCHEMA).with_columns(pl.col(pl.Float64).fill_nan(None))


def lms(curve: Curve, age: Array) -> dict[str, Array]:
    """L, M and S of a curve at (m,) ages, and tau where it has one.

    A normal distribution has L = 1 and S = SD/mean, a log-normal one L = 0: the same Z-scores.
    """
    at = curve.parameters(age)
    name = curve.family.name
    if name == "normal":
        values = {"l": np.ones_like(at["mu"]), "m": at["mu"], "s": at["sigma"] / at["mu"]}
    elif name == "log_normal":
        values = {"l": np.zeros_like(at["mu"]), "m": np.exp(at["mu"]), "s": at["sigma"]}
    else:
        values = {"l": at["nu"], "m": at["mu"], "s": at["sigma"]}
    return values | ({"tau": at["tau"]} if "tau" in at else {})


def _of_curve(
    table: pl.DataFrame, key: tuple[str, str], curve: Curve, weight: str | None
) -> Iterator[dict[str, Any]]:
    sex, roi = key
    low, high = curve.ages
    peak = float(np.nanmax(curve.quantile(np.linspace(low, high, 501), 0.5)))
    # Completed years 20 to 24 reach from 20.0 to 25.0, and have their middle at 22 where the
    # people's own ages are whole.
    middle = BAND / 2 if (table["age"] % 1 > 0).any() else BAND // 2
    for start in np.arange(low // BAND * BAND, high + 1e-9, BAND):
        age = float(np.clip(start + middle, low, high))
        row = {"sex": sex, "roi": roi, "ages": _years(start, curve), "age": age}
        row |= _people(table, sex, f"abmd_{roi}", start, weight)
        row |= {name: float(values[0]) for name, values in lms(curve, np.array([age])).items()}
        row |= {f"p{p:g}": float(curve.quantile([age], p / 100)[0]) for p in CENTILES}
        yield row | _change(curve, age, peak)


def _years(start: float, curve: Curve) -> str:
    """Completed years of a band, as far as there are people."""
    first, last = max(start, np.floor(curve.ages[0])), start + BAND - 1
    last = min(last, np.floor(curve.ages[1]))
    return f"{first:g}" if first == last else f"{first:g}–{last:g}"


def _people(
    table: pl.DataFrame, sex: str, column: str, start: float, weight: str | None
) -> dict[str, Any]:
    """Number, mean and SD of the people of a band."""
    inside = (pl.col("age") >= start) & (pl.col("age") < start + BAND)
    weights = pl.col(weight) if weight else pl.lit(1.0)
    own = table.select("sex", "age", y=column, w=weights).drop_nulls()
    own = own.filter(pl.col("sex") == sex, inside, pl.col("w") > 0)
    y, w, n = own["y"].to_numpy(), own["w"].to_numpy(), own.height
    if n < 2:
        return {"n": n, "mean": float(y[0]) if n else None}
    share = w / w.sum()
    mean = float(share @ y)
    return {"n": n, "mean": mean, "sd": float(np.sqrt(share @ (y - mean) ** 2 * n / (n - 1)))}


def _change(curve: Curve, age: float, peak: float) -> dict[str, float]:
    """The median as a share of its peak, and what is lost in a year around an age."""
    ends = np.clip([age - 0.5, age + 0.5], *curve.ages)
    before, median, after = curve.quantile([ends[0], age, ends[1]], 0.5)
    loss = float((before - after) / (ends[1] - ends[0]))
    return {
        "of_peak": float(100 * median / peak),
        "loss": loss,
        "loss_percent": float(100 * loss / median),
    }
