"""Classify and count by five-year age band and sex, streamed from Parquet.

Each way runs in a process of its own on the same file, one after the other, and tells the CPU time
of the query and the peak memory of the process. What counts are the ratios: to the floor (a scan
of the same columns with the same group-by and no rule) and to a plain pandas implementation.

    python benchmarks/bench_classify.py --rows 10000000 --folder some/folder
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from osteo_epi.diagnosis import Definition, classify, definition
from osteo_epi.norms import Citation, Entry, MeanSD, YoungAdultReference

CHUNK = 1_000_000
YOUNG = {
    ("female", "lumbar_spine"): (1.10, 0.12),
    ("female", "femoral_neck"): (0.84, 0.12),
    ("female", "total_hip"): (0.90, 0.12),
    ("male", "lumbar_spine"): (1.09, 0.13),
    ("male", "femoral_neck"): (0.96, 0.13),
    ("male", "total_hip"): (0.97, 0.14),
}
ROIS = ("lumbar_spine", "femoral_neck", "total_hip")
BAND = (pl.col("age") // 5).cast(pl.UInt8).alias("band")
DESCRIBED = {
    "floor": "floor: scan and group-by, no rule",
    "iscd": "classify, one reference for both sexes (iscd_2019)",
    "china": "classify, own sex (china_2020)",
    "china_z": "classify, own sex, T and Z (china_2020 with an age reference)",
    "pandas": "plain pandas, own sex, T only, no reasons",
    "whole_polars": "all output columns, polars in and out",
    "whole_pandas": "all output columns, pandas in and out",
}
COUNTS = ("floor", "iscd", "china", "china_z")
WHOLE = ("whole_polars", "whole_pandas")


def write(path: Path, rows: int) -> None:
    """Made-up people in row groups; three decimals, a twentieth of readings missing."""
    rng = np.random.default_rng(1)
    writer = None
    for start in range(0, rows, CHUNK):
        table = chunk(rng, min(CHUNK, rows - start))
        writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
        writer.write_table(table)
    if writer is not None:
        writer.close()


def chunk(rng: np.random.Generator, n: int) -> pa.Table:
    male = rng.integers(0, 2, n, dtype=np.int32)
    age = np.floor(rng.uniform(20, 90, n))
    columns = {
        "age": pa.array(age),
        "sex": pa.DictionaryArray.from_arrays(pa.array(male), ["female", "male"]),
    }
    for roi in ROIS:
        mean = np.where(male == 1, *(YOUNG[sex, roi][0] for sex in ("male", "female")))
        value = (mean - 0.005 * np.maximum(age - 40, 0) + rng.normal(0, 0.12, n)).round(3)
        columns[f"abmd_{roi}"] = pa.array(value, mask=rng.random(n) < 0.05)
    return pa.table(columns)


def rules(name: str) -> Definition:
    if name == "iscd":
        return definition("iscd_2019")
    young = YoungAdultReference(
        id="benchmark",
        title="made up",
        citation=Citation("benchmarks/bench_classify.py"),
        verification="A",
        population="nobody",
        maker="unknown",
        entries=tuple(Entry(*key, MeanSD(*value)) for key, value in YOUNG.items()),
    )
    aged = "nhanes_2005_2008_nhw_derived" if name == "china_z" else None
    return definition("china_2020", reference=young, age_reference=aged)


def count(name: str, path: Path) -> None:
    people = pl.scan_parquet(path)
    if name == "floor":
        readings = pl.col([f"abmd_{roi}" for roi in ROIS]).count()
        query = people.group_by(BAND, "sex").agg(pl.len(), readings)
    else:
        query = classify(people, rules(name)).group_by(BAND, "sex", "bone_class").agg(pl.len())
    query.collect(engine="streaming")


def in_pandas(path: Path) -> None:
    """What a careful analyst writes: the same T-only rule with every site required."""
    import pandas as pd

    people = pd.read_parquet(path)
    male = (people["sex"] == "male").to_numpy()
    scores = {}
    for roi in ROIS:
        mean, sd = (
            np.where(male, YOUNG["male", roi][part], YOUNG["female", roi][part]) for part in (0, 1)
        )
        scores[roi] = (people[f"abmd_{roi}"] - mean) / sd
    lowest = pd.DataFrame(scores).min(axis=1)
    hip = scores["femoral_neck"].notna() | scores["total_hip"].notna()
    complete = (scores["lumbar_spine"].notna() & hip).to_numpy()
    old = (people["age"] >= 50).to_numpy()
    people["bone_class"] = np.select(
        [~old, lowest <= -2.5 + 1e-5, ~complete, lowest < -1 - 1e-5],
        ["not_classifiable", "osteoporosis", "not_classifiable", "low_bone_mass"],
        "normal",
    )
    band = (people["age"] // 5).astype("int8")
    people.groupby([band, "sex", "bone_class"], observed=True).size()


def measure(name: str, path: Path) -> dict:
    """CPU and wall time of one way in this process, and its peak memory."""
    data = pl.read_parquet(path) if name in WHOLE else None
    people = data.to_pandas() if data is not None and name == "whole_pandas" else data
    if name == "whole_pandas":
        data = None
    before, wall = _cpu(), time.perf_counter()
    if name in COUNTS:
        count(name, path)
    elif name == "pandas":
        in_pandas(path)
    else:
        classify(people, rules("china"))
    wall = time.perf_counter() - wall
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"cpu": _cpu() - before, "wall": wall, "peak": peak}


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def in_a_process(name: str, path: Path) -> dict:
    command = [sys.executable, __file__, "--one", name, "--file", str(path)]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def table(ways: list[str], path: Path, repeats: int) -> list[str]:
    """Best of some runs of each way, as lines of Markdown."""
    best: dict[str, dict] = {}
    for _ in range(repeats):
        for name in ways:
            run = in_a_process(name, path)
            if name not in best or run["cpu"] < best[name]["cpu"]:
                best[name] = run
    base = best[ways[0]]["cpu"]
    lines = [
        f"| way | CPU s | ratio to {ways[0].replace('_', ' ')} | wall s | peak MiB |",
        "|---|---|---|---|---|",
    ]
    for name, run in best.items():
        lines.append(
            f"| {DESCRIBED[name]} | {run['cpu']:.2f} | {run['cpu'] / base:.2f} | "
            f"{run['wall']:.2f} | {run['peak']:.0f} |"
        )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--whole-rows", type=int, default=2_000_000)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--without-pandas", action="store_true")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.one:
        print(json.dumps(measure(chosen.one, chosen.file)))
        return
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        path = Path(folder) / "people.parquet"
        write(path, chosen.rows)
        ways = [*COUNTS] if chosen.without_pandas else [*COUNTS, "pandas"]
        print(f"Counts of classes, {chosen.rows:,} rows\n")
        print("\n".join(table(ways, path, chosen.repeats)))
        if chosen.whole_rows:
            write(path, chosen.whole_rows)
            print(f"\nAll output columns, {chosen.whole_rows:,} rows\n")
            print("\n".join(table([*WHOLE], path, chosen.repeats)))


if __name__ == "__main__":
    main()
