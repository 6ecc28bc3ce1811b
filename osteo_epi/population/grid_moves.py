"""Who changes class between a base definition and another: counts, population shares, kappa."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from osteo_epi.diagnosis.definition import CLASSES
from osteo_epi.population.estimate import mean
from osteo_epi.population.grid_people import People
from osteo_epi.population.intervals import survey_interval
from osteo_epi.population.structure import Mask
from osteo_epi.population.survey_tests import kappa

MOVES: dict[str, Any] = {
    "n": pl.Int64,
    "n_into": pl.Int64,
    "n_out_of": pl.Int64,
    "into_unweighted": pl.Float64,
    "out_of_unweighted": pl.Float64,
    "into": pl.Float64,
    "into_se": pl.Float64,
    "into_lower": pl.Float64,
    "into_upper": pl.Float64,
    "out_of": pl.Float64,
    "out_of_se": pl.Float64,
    "out_of_lower": pl.Float64,
    "out_of_upper": pl.Float64,
    "kappa": pl.Float64,
    "kappa_se": pl.Float64,
}
TRANSITIONS: dict[str, Any] = {
    "base_class": pl.String,
    "class": pl.String,
    "n": pl.Int64,
    "share_unweighted": pl.Float64,
    "share": pl.Float64,
    "se": pl.Float64,
}


def moves(
    people: People,
    mask: Mask,
    *,
    base: int,
    other: int,
    bone_class: str,
    interval: str,
    confidence: float,
) -> dict[str, Any]:
    """Moves into and out of a class among the (n,) masked people, and kappa of having it.

    Shares are of all people compared, so that into less out of is the difference of prevalences.
    """
    held = people.holds(bone_class)
    into = (~held[:, base] & held[:, other]).astype(float)
    out_of = (held[:, base] & ~held[:, other]).astype(float)
    found = mean(np.column_stack([into, out_of]), people.sample.design, domain=mask)
    lower, upper = survey_interval(
        found.value, found.se, n=found.n, df=found.df, method=interval, confidence=confidence
    )
    n = int(mask.sum())
    row: dict[str, Any] = {"n": n}
    for j, (name, moved) in enumerate((("into", into), ("out_of", out_of))):
        count = int(moved[mask].sum())
        row |= {f"n_{name}": count, f"{name}_unweighted": count / n, name: found.value[j]}
        row |= {f"{name}_se": found.se[j], f"{name}_lower": lower[j], f"{name}_upper": upper[j]}
    return row | _kappa(people, mask, held[:, base], held[:, other])


def _kappa(people: People, mask: Mask, first: Mask, second: Mask) -> dict[str, float | None]:
    """Nothing where all have, or all lack, the class: chance alone would agree fully."""
    if len(np.unique(first[mask])) < 2 and len(np.unique(second[mask])) < 2:
        return {"kappa": None, "kappa_se": None}
    if np.array_equal(first[mask], second[mask]):
        return {"kappa": 1.0, "kappa_se": 0.0}
    codes = (first.astype(np.int64), second.astype(np.int64))
    found = kappa(*codes, people.sample.design, domain=mask)
    return {"kappa": float(found.value[0]), "kappa_se": float(found.se[0])}


def transitions(people: People, mask: Mask, *, base: int, other: int) -> list[dict[str, Any]]:
    """One row a pair of classes that occur among the (n,) masked people."""
    pair = people.codes[:, base] * len(CLASSES) + people.codes[:, other]
    occurring = np.unique(pair[mask])
    cells = (pair[:, None] == occurring).astype(float)
    found = mean(cells, people.sample.design, domain=mask)
    n = int(mask.sum())
    counts = cells[mask].sum(axis=0)
    return [
        {
            "base_class": CLASSES[code // len(CLASSES)],
            "class": CLASSES[code % len(CLASSES)],
            "n": int(count),
            "share_unweighted": count / n,
            "share": share,
            "se": se,
        }
        for code, count, share, se in zip(occurring, counts, found.value, found.se, strict=True)
    ]
