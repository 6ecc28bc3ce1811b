"""SIMULATED people with every evidence, every kind of gap and a survey design, for all engines."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

import osteo_epi as oe
from osteo_epi.cohort import simulate

BY_HAND = {"domain": pl.col("age") > 55}
QUERIES: dict[str, dict[str, object]] = {
    "crude": {},
    "standardised": {"by": ["sex"], "standard": "china_2010"},
    "domain": {"by": ["centre"], **BY_HAND},
}


def people(n: int, *, seed: int = 1) -> pl.DataFrame:
    """People whose weights have fractions, in 8 strata of 3 units; each 50th has no measurement.

    A code of a category is text here: engines have no Enum of Polars.
    """
    frame = simulate(n, seed=seed).frame.with_columns(pl.col(pl.Enum).cast(pl.String))
    n = frame.height
    draw = np.random.default_rng(seed)
    measured = [c for c in frame.columns if c.startswith(("abmd_", "vbmd_", "bmc_", "area_"))]
    lost = {c: pl.Series(draw.random(n) < 0.05) for c in measured}
    nobody = pl.int_range(pl.len()) % 50 == 0
    return frame.with_columns(
        *(pl.when(~gone).then(pl.col(c)).alias(c) for c, gone in lost.items()),
        survey_weight=pl.Series(draw.lognormal(6, 1, n)),
        stratum=pl.Series(draw.integers(1, 9, n)),
        psu=pl.Series(draw.integers(1, 4, n)),
        t_score_lumbar_spine_reported=pl.Series(draw.normal(-1.5, 1.2, n).round(1)),
        seen_at=pl.datetime(2024, 1, 1) + pl.duration(microseconds=pl.int_range(pl.len()) * 7_919),
    ).with_columns(
        pl.when(~nobody).then(pl.col(c)).alias(c) for c in (*measured, "bmi", "centre", "device")
    )


def replicates(frame: pl.DataFrame, n: int = 8) -> pl.DataFrame:
    """The people with balanced replicate weights in place of strata and units."""
    draw = np.random.default_rng(2)
    weight = frame["survey_weight"].to_numpy()
    columns = {f"rw{r}": weight * draw.choice([0.0, 2.0], frame.height) for r in range(n)}
    return frame.drop("stratum", "psu").with_columns(pl.Series(c, v) for c, v in columns.items())


def answers(given: Any) -> dict[str, pl.DataFrame]:
    """What comes of people of any kind: weighted shares, counts, contrasts."""
    neck = oe.definition("iscd_2019", reference="nhanes3_white_female", sites=["femoral_neck"])
    rules = oe.definition("china_2020", reference="nhanes3_white_female")
    options: dict[str, Any] = {"standard": "china_2010"}
    trend = oe.prevalence_trend(given, neck, over="exam_year")
    return {
        "weighted": oe.prevalence(given, rules, by="sex", **options).to_polars(),
        "counted": oe.prevalence(given, neck, by="sex", design="srs", **options).to_polars(),
        "grid": oe.definition_grid(given, {"china": rules, "neck": neck}, **options).to_polars(),
        "trend": trend.to_polars(),
    }
