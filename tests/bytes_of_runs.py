"""Runs over the same people in another order, and what their tables' bytes hash to.

Started by `test_same_bytes.py` in processes of their own, because Polars takes its number of
threads when it is imported.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import polars as pl

from osteo_epi.cohort import simulate
from osteo_epi.report import run

CHOICES = {
    "units": {"reference": "zhang_2007", "by": ["sex", "device"]},
    "weights": {"reference": "zhang_2007", "by": ["sex"]},
    "own": {"reference": "own_young_adults", "by": ["sex"]},
}


def people(n: int, kind: str) -> pl.DataFrame:
    """SIMULATED people whose weights are no whole numbers, of very different size."""
    weight = np.random.default_rng(1).lognormal(6, 1.1, n)
    frame = simulate(n, seed=5).frame.with_row_index("k")
    frame = frame.with_columns(survey_weight=pl.Series(weight))
    if kind != "weights":
        frame = frame.with_columns(stratum=pl.col("k") % 6, psu=pl.col("k") // 6 % 4)
    return frame.drop("k")


def hashes(kind: str, n: int, orders: int) -> list[str]:
    """One hash of all tables for each order of the people."""
    frame, found = people(n, kind), []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for seed in range(orders):
            mixed = frame.sample(fraction=1.0, shuffle=True, seed=seed) if seed else frame
            mixed.write_csv(folder / "people.csv")
            run(
                folder / "people.csv", out=folder / "out", overwrite=True, report=False,
                standard="china_2010", accept_errors=True, **CHOICES[kind],
            )  # fmt: skip
            digest = hashlib.sha256()
            for table in sorted((folder / "out").glob("*.csv")):
                digest.update(table.name.encode() + table.read_bytes())
            found.append(digest.hexdigest())
    return found


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    kind, n, orders = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    print(json.dumps(hashes(kind, n, orders)))
