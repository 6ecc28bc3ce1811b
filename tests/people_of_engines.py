"""SIMULATED people in Polars' own types, for the checks of people in parts."""

from __future__ import annotations

import numpy as np
import polars as pl

import osteo_epi as oe

RULES = oe.definition("china_2020", reference="zhang_2007")


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
