"""Would a compiled kernel for scores and classes be worth its keep? A prototype, not shipped.

One numba function takes age, sex and three densities to the class (T by own sex, and Z), one pass
over the rows, against the expressions of `classify` on the file of `bench_classify.py`, streamed:
counts of classes by five-year band and sex. The kernel knows nothing but what this file needs: no
fractures, no QCT, no forearm, no validity, no reasons. All ways take turns in one process; least
CPU time of the rounds, and the same counts. Needs numba.

    python benchmarks/bench_kernel.py --rows 10000000 --rounds 5
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numba
import numpy as np
import polars as pl
from bench_classify import BAND, ROIS, YOUNG, rules, write

from osteo_epi.diagnosis import CLASSES, classify
from osteo_epi.norms import load

AGED = load("by_age", "nhanes_2005_2008_nhw_derived")
SEXES = ("female", "male")
CODES = pl.Enum(CLASSES)


def tables() -> tuple[np.ndarray, np.ndarray]:
    """Mean and reciprocal SD by sex and region; lines by sex, year and region."""
    young = np.array([[(m, 1.0 / s) for m, s in (YOUNG[x, r] for r in ROIS)] for x in SEXES])
    years = np.arange(257)
    lines = np.full((2, 256, 3, 4), np.nan)
    for i, sex in enumerate(SEXES):
        for j, roi in enumerate(ROIS):
            curve = AGED.curve(sex, roi)
            for k, knots in enumerate((curve.mean, curve.sd)):
                at = np.interp(years, curve.age, knots)
                lines[i, :, j, 2 * k + 1] = slope = np.diff(at)
                lines[i, :, j, 2 * k] = at[:-1] - slope * years[:-1]
    return young, lines


@numba.njit(inline="always")
def scored(v, a, by_t, young, line):
    """Score of one density; infinite where it is none. Makes both: a wrong guess costs more."""
    t = (v - young[0]) * young[1]
    z = (v - line[0] - line[1] * a) / (line[2] + line[3] * a)
    score = t if by_t else z
    return score if 0.1 <= v <= 2.2 else np.inf


@numba.njit(cache=True)
def kernel(sex, age, spine, neck, hip, young, lines, by_z, out):
    """The class of each row, in one pass."""
    for i in range(len(age)):
        a, s = age[i], min(sex[i], 1)
        by_t = a >= 50.0
        judged = (sex[i] < 2) & (a >= 0.0) & (a <= 115.0)
        judged &= by_t | (by_z & (a >= 20.0) & (a < 80.0))
        year = int(a) if judged else 20
        first = scored(spine[i], a, by_t, young[s, 0], lines[s, year, 0])
        second = scored(neck[i], a, by_t, young[s, 1], lines[s, year, 1])
        third = scored(hip[i], a, by_t, young[s, 2], lines[s, year, 2])
        lowest = min(first, min(second, third))
        whole = max(first, max(second, third)) < np.inf
        by_t_score = np.uint8(lowest > -2.5 + 1e-5) + np.uint8(lowest >= -1.0 - 1e-5)
        by_z_score = 3 + np.uint8(lowest > -2.0 + 1e-5)
        label = by_t_score if by_t else by_z_score
        worst = (label == 0) | (label == 3)
        out[i] = label if judged & (whole | worst) else 5


def compiled(people: pl.LazyFrame, *, by_z: bool) -> pl.LazyFrame:
    """The frame with its classes by the kernel."""
    young, lines = tables()

    def batch(table: pl.Series) -> pl.Series:
        fields = table.struct
        columns = [fields.field(name).to_numpy() for name in ("code", "age", *ROIS)]
        out = np.empty(len(table), dtype=np.uint8)
        kernel(*columns, young, lines, by_z, out)
        return pl.Series(out).cat.to(CODES)

    code = pl.when(pl.col("sex") == "female").then(0).when(pl.col("sex") == "male").then(1)
    fields = [code.otherwise(2).cast(pl.UInt8).alias("code"), pl.col("age").fill_null(np.nan)]
    fields += [pl.col(f"abmd_{roi}").fill_null(np.nan).alias(roi) for roi in ROIS]
    whole = pl.struct(fields)
    return people.with_columns(
        bone_class=whole.map_batches(batch, return_dtype=CODES, is_elementwise=True)
    )


def counted(people: pl.LazyFrame) -> pl.LazyFrame:
    return people.group_by(BAND, "sex", "bone_class").agg(pl.len())


def ways(path: Path) -> dict[str, pl.LazyFrame]:
    people = pl.scan_parquet(path)
    readings = pl.col([f"abmd_{roi}" for roi in ROIS]).count()
    return {
        "floor: scan and group-by, no rule": people.group_by(BAND, "sex").agg(pl.len(), readings),
        "expressions, T": counted(classify(people, rules("china"))),
        "kernel, T": counted(compiled(people, by_z=False)),
        "expressions, T and Z": counted(classify(people, rules("china_z"))),
        "kernel, T and Z": counted(compiled(people, by_z=True)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--file", type=Path)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = chosen.file or Path(folder) / "people.parquet"
        if not path.exists():
            write(path, chosen.rows)
        least: dict[str, float] = {}
        counts: dict[str, pl.DataFrame] = {}
        for turn in range(chosen.rounds + 1):  # the first compiles
            for name, query in ways(path).items():
                before = time.process_time()
                found = query.collect(engine="streaming")
                used = time.process_time() - before
                if turn:
                    least[name] = min(used, least.get(name, used))
                named = found.cast({pl.Enum: pl.String})
                counts[name] = named.sort(named.columns[:3])
    for score in ("T", "T and Z"):
        assert counts[f"expressions, {score}"].equals(counts[f"kernel, {score}"])
    floor = next(iter(least.values()))
    print("| way | CPU s | ratio to floor |\n|---|---|---|")
    for name, used in least.items():
        print(f"| {name} | {used:.2f} | {used / floor:.2f} |")


if __name__ == "__main__":
    main()
