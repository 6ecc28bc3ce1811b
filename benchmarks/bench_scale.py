"""A hundred million people on a laptop: from Parquet to an age-standardised prevalence.

`oe.prevalence` of a scan, by sex, classified on the way, standardised to China 2010, with weights
(with fractions), strata and sampling units: what it takes beside the floor, which scans the same
columns and sums the same weights by the same cells, and applies no rule. The file is that of
`bench_classify.py` with a design, 1e7 rows, and is listed ten times for 1e8 and a hundred times for
1e9: so the rates have to be the same at each size. Each way runs in a process of its own.

    python benchmarks/bench_scale.py --times 10 --repeats 2 --folder some/folder
    python benchmarks/bench_scale.py --times 100 --ways floor china_z
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
from bench_classify import BAND, CHUNK, ROIS, chunk, rules

import osteo_epi as oe

STRATA, UNITS = 30, 10
DESCRIBED = {
    "floor": "floor: scan and sums by cells, no rule",
    "china": "prevalence, T by own sex (china_2020)",
    "china_z": "prevalence, T and Z (china_2020 with an age reference)",
}


def write(path: Path, rows: int) -> None:
    """People of `bench_classify.py` with weights, strata and units."""
    rng = np.random.default_rng(1)
    writer = None
    for start in range(0, rows, CHUNK):
        people = chunk(rng, n := min(CHUNK, rows - start))
        design = {
            "survey_weight": rng.lognormal(4, 0.5, n).round(4),
            "stratum": rng.integers(1, STRATA + 1, n, dtype=np.int16),
            "psu": rng.integers(1, UNITS + 1, n, dtype=np.int16),
        }
        for name, values in design.items():
            people = people.append_column(name, pa.array(values))
        writer = writer or pq.ParquetWriter(path, people.schema, compression="zstd")
        writer.write_table(people)
    if writer is not None:
        writer.close()


def answer(name: str, path: Path, times: int) -> list[float]:
    """The crude and standardised estimates of both sexes together, from one way."""
    people = pl.scan_parquet([path] * times)
    if name == "floor":
        readings = pl.col([f"abmd_{roi}" for roi in ROIS]).count()
        sums = (pl.len(), pl.col("survey_weight").sum(), readings)
        people.group_by("stratum", "psu", "sex", BAND).agg(sums).collect(engine="streaming")
        return []
    result = oe.prevalence(people, rules(name), by="sex", standard="china_2010")
    rows = result.to_frame().filter(pl.col("statistic") != "age_band", sex="all")
    return rows["estimate"].round(12).to_list()


def measure(name: str, path: Path, times: int) -> dict:
    before, wall = _cpu(), time.perf_counter()
    found = answer(name, path, times)
    wall = time.perf_counter() - wall
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"cpu": _cpu() - before, "wall": wall, "peak": peak, "found": found}


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def in_a_process(name: str, path: Path, times: int) -> dict:
    command = [sys.executable, __file__, "--one", name, "--file", str(path), "--times", str(times)]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--ways", nargs="+", choices=DESCRIBED, default=[*DESCRIBED])
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--file", type=Path)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.one:
        print(json.dumps(measure(chosen.one, chosen.file, chosen.times)))
        return
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        path = chosen.file or Path(folder) / "people.parquet"
        if not path.exists():
            write(path, chosen.rows)
        runs: dict[str, dict] = {}
        for _ in range(chosen.repeats):
            for name in chosen.ways:
                run = in_a_process(name, path, chosen.times)
                runs[name] = min(run, runs.get(name, run), key=lambda run: run["cpu"])
    print(
        f"{chosen.rows * chosen.times:,} rows\n\n"
        "| way | CPU s | ratio to floor | wall s | peak MiB | estimates |"
    )
    print("|---|---|---|---|---|---|")
    floor = runs[chosen.ways[0]]["cpu"]
    for name, run in runs.items():
        print(
            f"| {DESCRIBED[name]} | {run['cpu']:.2f} | {run['cpu'] / floor:.2f} | "
            f"{run['wall']:.1f} | {run['peak']:.0f} | {run['found']} |"
        )


if __name__ == "__main__":
    main()
