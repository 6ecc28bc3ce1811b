"""A file's way from the command line to the tables, beside the same numbers without the checks.

`check` and `run` are typed as a user types them; "unchecked" reads the same columns as numbers,
classifies and estimates, and "floor" only streams them through a group-by. Each in a process of its
own, with its CPU time and peak memory; what counts are the ratios.

    python benchmarks/bench_door.py --rows 1000000 --folder some/folder
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

CHUNK = 500_000
ROIS = ("lumbar_spine", "femoral_neck", "total_hip")
YOUNG = {"lumbar_spine": 1.047, "femoral_neck": 0.858, "total_hip": 0.942}
WAYS = ("floor", "unchecked", "check", "run")
DEFINITION = "iscd_2019"


def write(folder: Path, rows: int) -> list[Path]:
    """The same made-up people as CSV and as Parquet, with an identifier and body size."""
    rng = np.random.default_rng(1)
    paths = [folder / "people.csv", folder / "people.parquet"]
    first = chunk(rng, 0, min(CHUNK, rows))
    with (
        pa_csv.CSVWriter(paths[0], first.schema) as text,
        pq.ParquetWriter(paths[1], first.schema, compression="zstd") as columns,
    ):
        for start in range(0, rows, CHUNK):
            table = chunk(rng, start, min(CHUNK, rows - start)) if start else first
            text.write_table(table)
            columns.write_table(table)
    return paths


def chunk(rng: np.random.Generator, start: int, n: int) -> pa.Table:
    male = rng.random(n) < 0.45
    age = np.floor(rng.uniform(50, 90, n))
    common = rng.normal(0, 0.8, n) - 0.03 * (age - 50) + 0.5 * male
    columns = {
        "id": pa.array(np.arange(start, start + n)),
        "sex": pa.array(np.where(male, "M", "F")),
        "age": pa.array(age.astype(int)),
        "height": pa.array(rng.normal(160, 7, n).round(1)),
        "weight": pa.array(rng.normal(64, 9, n).clip(35).round(1)),
    }
    for roi, mean in YOUNG.items():
        value = (mean + 0.12 * (common + rng.normal(0, 0.5, n))).clip(0.25).round(3)
        columns[f"bmd_{roi}"] = pa.array(value, mask=rng.random(n) < 0.02)
    return pa.table(columns)


def floor(path: Path) -> None:
    people = pl.scan_csv(path) if path.suffix == ".csv" else pl.scan_parquet(path)
    readings = pl.col([f"bmd_{roi}" for roi in ROIS]).mean()
    people.group_by("age", "sex").agg(pl.len(), readings).collect(engine="streaming")


def unchecked(path: Path) -> None:
    """What a user gets who brings the columns into shape and looks at nothing."""
    from osteo_epi.diagnosis import classify, definition
    from osteo_epi.population import prevalence

    people = pl.read_csv(path) if path.suffix == ".csv" else pl.read_parquet(path)
    people = people.select(
        pl.col("id").cast(pl.String).alias("person_id"),
        pl.col("age").cast(pl.Float64),
        pl.col("sex").replace_strict({"F": "female", "M": "male"}, return_dtype=pl.String),
        *(pl.col(f"bmd_{roi}").alias(f"abmd_{roi}") for roi in ROIS),
    )
    rules = definition(DEFINITION)
    prevalence(classify(people, rules), rules)


def typed(way: str, path: Path, folder: Path) -> None:
    from osteo_epi.cli import main

    words = [*way.split(), str(path)]
    if words[0] == "run":
        words += ["--definition", DEFINITION, "--no-report", "--quiet", "--out", str(folder / "o")]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        main(words, standalone_mode=False)


def measure(way: str, path: Path) -> dict[str, float]:
    """CPU and wall time of one way in this process, and its peak memory.

    A binary file is read by a process of its own, see `readers/_guard.py`; it lives on, and its
    time counts too.
    """
    before, wall = _cpu(), time.perf_counter()
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        if way in ("floor", "unchecked"):
            {"floor": floor, "unchecked": unchecked}[way](path)
        else:
            typed(way, path, Path(folder))
    wall = time.perf_counter() - wall
    readers = Path("/proc/self/task", str(os.getpid()), "children").read_text().split()
    return {
        "cpu": _cpu() - before + sum(map(_cpu_of, readers)),
        "wall": wall,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "reading": max(map(_peak_of, readers), default=0.0),
    }


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _cpu_of(process: str) -> float:
    fields = Path("/proc", process, "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _peak_of(process: str) -> float:
    lines = Path("/proc", process, "status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def in_a_process(way: str, path: Path) -> dict[str, float]:
    command = [sys.executable, __file__, "--one", way, "--file", str(path)]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def table(paths: list[Path]) -> list[str]:
    """Every way of both files, as lines of Markdown."""
    lines = [
        "| file | way | CPU s | times unchecked | wall s | peak MiB | times unchecked | reader |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for path in paths:
        size = path.stat().st_size / 2**20
        runs = {way: in_a_process(way, path) for way in WAYS}
        base = runs["unchecked"]
        lines += [
            f"| {path.suffix[1:]}, {size:.0f} MiB | {way} | {run['cpu']:.1f} | "
            f"{run['cpu'] / base['cpu']:.1f} | {run['wall']:.1f} | {run['peak']:.0f} | "
            f"{run['peak'] / base['peak']:.1f} | {run['reading']:.0f} |"
            for way, run in runs.items()
        ]
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.one:
        print(json.dumps(measure(chosen.one, chosen.file)))
        return
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        print(f"{chosen.rows:,} rows\n")
        print("\n".join(table(write(Path(folder), chosen.rows))))


if __name__ == "__main__":
    main()
