"""Samples for properties of estimates, and what equal results are."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import polars as pl
from hypothesis import settings
from hypothesis import strategies as st

DISEASE = SimpleNamespace(
    label="any",
    class_limits=lambda **_: "",
    sha256="0",
    reference=None,
    criterion=SimpleNamespace(prevalence_ages="[50, inf)"),
)
NUMBERS = ("estimate", "se", "lower", "upper", "n", "df")
CLASSES = ("osteoporosis", "low_bone_mass", "normal", "not_classifiable")


fast = settings(max_examples=12, deadline=None)


@st.composite
def samples(draw: st.DrawFn) -> pl.DataFrame:
    """Two to four strata of two or three units, everyone with a weight; all bands inhabited."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    strata = draw(st.integers(2, 4))
    n = draw(st.integers(40, 90))
    s = rng.integers(0, strata, n)
    return pl.DataFrame(
        {
            "s": s,
            "p": np.concatenate([np.arange(12) % 3, rng.integers(0, 3, n - 12)]),
            "w": np.round(rng.lognormal(3, 0.6, n), 2),
            "age": np.concatenate([np.arange(50, 62) + 2.0, rng.uniform(45, 90, n - 12)]),
            "sex": np.array(["female", "male"])[rng.integers(0, 2, n)],
            "bone_class": np.array(CLASSES)[rng.integers(0, 4, n)],
        }
    ).filter(pl.struct("s", "p").n_unique().over("s") > 1)


def same(one: pl.DataFrame, other: pl.DataFrame, columns: tuple[str, ...] = NUMBERS) -> None:
    for column in columns:
        left, right = (f[column].cast(pl.Float64).fill_null(-1).to_numpy() for f in (one, other))
        np.testing.assert_allclose(left, right, rtol=1e-9, atol=1e-12, err_msg=column)
