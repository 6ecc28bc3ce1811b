"""RMS-SD and CUSUM over 1e7 rows of a Parquet file, streamed.

Run from the project's folder: python benchmarks/bench_calibration_streams.py [--rows 10000000]
Each measurement is a process of its own; the file is written to a temporary folder first.
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

SERIES = 200  # phantom series, readings in order of time within each


def write(path: Path, rows: int) -> None:
    rng = np.random.default_rng(30)
    people = np.arange(rows) // 2
    true = rng.normal(0.95, 0.15, rows // 2 + 1)[people]
    reading = np.arange(rows) // SERIES
    pl.DataFrame(
        {
            "person_id": people,
            "device": (np.arange(rows) % SERIES).astype(np.int32),
            "scan_date": reading.astype(np.int32),
            "x": true + rng.normal(0, 0.01, rows),
            "phantom": 1 + rng.normal(0, 0.004, rows),
        }
    ).write_parquet(path, row_group_size=250_000)


def rms_sd(frame: pl.LazyFrame) -> float:
    from osteo_epi.calibration import precision

    return precision(frame, value="x").groups[0].rms_sd.estimate


def cusum(frame: pl.LazyFrame) -> int:
    from osteo_epi.calibration import with_control_chart

    chart = with_control_chart(frame.select("device", "scan_date", "phantom"), value="phantom")
    return chart.select(pl.col("cusum_signal").sum()).collect(engine="streaming").item()


JOBS = {"RMS-SD": rms_sd, "CUSUM and Shewhart": cusum}


def measure(job: str, path: str) -> None:
    frame = pl.scan_parquet(path)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    wall, cpu = time.perf_counter(), time.process_time()
    result = JOBS[job](frame)
    row = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps(row | {"result": result, "added": (peak - before) / 1024}))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--job")
    parser.add_argument("--path")
    parser.add_argument("--rows", type=int, default=10_000_000)
    options = parser.parse_args()
    if options.job == "write":
        write(Path(options.path), options.rows)
        return
    if options.job:
        measure(options.job, options.path)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.parquet"
        # A child's peak memory starts from its parent's: this process has to stay small.
        call = [sys.executable, __file__, "--rows", str(options.rows)]
        subprocess.run([*call, "--job", "write", "--path", str(path)], check=True)
        print("| rows | job | CPU s | wall s | memory added MB | result |")
        print("|---|---|---|---|---|---|")
        for job in JOBS:
            call = [sys.executable, __file__, "--job", job, "--path", str(path)]
            row = json.loads(
                subprocess.run(call, check=True, capture_output=True, text=True).stdout
            )
            print(
                f"| {options.rows} | {job} | {row['cpu']:.1f} | {row['wall']:.1f} | "
                f"{row['added']:.0f} | {row['result']:.6g} |"
            )


if __name__ == "__main__":
    main()
