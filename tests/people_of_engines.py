"""People with every evidence, and the questions that every engine has to answer alike."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from polars.testing import assert_frame_equal

import osteo_epi as oe

RULES = oe.definition("china_2020", reference="zhang_2007")
SITES = ["femoral_neck", "lumbar_spine"]
NECK = oe.definition("iscd_2019", reference="nhanes3_white_female", sites=["femoral_neck"])


def people(n: int = 1_500) -> pl.DataFrame:
    """Simulated people, some of whom lack a value, in strata of units with fractional weights."""
    rng = np.random.default_rng(7)
    frame = oe.simulate(n, seed=3).frame
    lacking = [
        pl.when(pl.Series(rng.random(n) > 0.05)).then(pl.col(name))
        for name in ("age", "sex", "abmd_femoral_neck", "abmd_lumbar_spine")
    ]
    stratum = rng.integers(0, 6, n)
    return frame.with_columns(
        lacking,
        stratum=stratum,
        psu=10 * stratum + rng.integers(0, 3, n),
        survey_weight=rng.lognormal(3, 0.7, n),
        cycle=pl.Series(rng.choice(["2010", "2012", "2014"], n)),
    )


def answers(given: Any) -> dict[str, pl.DataFrame]:
    """What comes of people of any kind: counts, weighted shares, contrasts."""
    options: dict[str, Any] = {"standard": "china_2010", "accept_errors": True}
    axes = oe.population.definition_axes(
        reference=["zhang_2007", "nhanes3_white_female"], sites=SITES
    )
    return {
        "weighted": oe.prevalence(given, RULES, by="sex", **options).to_polars(),
        "counted": oe.prevalence(given, NECK, by="sex", design="srs", **options).to_polars(),
        "grid": oe.definition_grid(given, axes, **options).to_polars(),
        "trend": oe.prevalence_trend(given, NECK, **options).to_polars(),
    }


def same(given: dict[str, pl.DataFrame], wanted: dict[str, pl.DataFrame]) -> None:
    """Hold answers against each other, to the bit."""
    assert given.keys() == wanted.keys()
    for name, frame in wanted.items():
        assert_frame_equal(given[name], frame, check_exact=True)
