"""Definitions compared on people streamed from Parquet: time and memory as people grow tenfold.

Run from the project's folder: python benchmarks/bench_definition_grid.py [--rows 1000000 10000000]
Each measurement is a process of its own; the files are written to a temporary folder first. What
counts is the peak memory, which must not grow with the number of people.
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

CHUNK = 250_000
SITES = ["femoral_neck", "lumbar_spine"]
OWN_SEX = "nhanes_2005_2008_nhw_derived"


def write(path: Path, rows: int) -> None:
    """Made-up people of 30 sampling units, in row groups; a twentieth of readings missing."""
    import numpy as np
    import polars as pl
    import pyarrow.parquet as pq

    rng, writer = np.random.default_rng(7), None
    for start in range(0, rows, CHUNK):
        n = min(CHUNK, rows - start)
        age = rng.uniform(50, 95, n)
        neck = 0.85 - 0.004 * (age - 50) + rng.normal(0, 0.12, n)
        spine = 0.2 + 0.9 * neck + rng.normal(0, 0.1, n)
        seen = rng.random((2, n)) > 0.05
        stratum = rng.integers(0, 15, n)
        table = pl.DataFrame(
            {
                "age": age,
                "sex": np.array(["female", "male"])[rng.integers(0, 2, n)],
                "abmd_femoral_neck": np.where(seen[0], neck.round(3), np.nan),
                "abmd_lumbar_spine": np.where(seen[1], spine.round(3), np.nan),
                "w": rng.integers(1, 50, n) * 100.0,
                "stratum": stratum,
                "psu": rng.integers(0, 2, n),
            }
        )
        table = table.fill_nan(None).to_arrow()
        writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
        writer.write_table(table)
    if writer:
        writer.close()


def measure(job: str, path: str) -> None:
    """Time one comparison and tell the peak memory of the process."""
    import polars as pl

    import osteo_epi as oe
    from osteo_epi.population import decompose_difference, definition_axes, definition_grid

    people = pl.scan_parquet(path)
    how = {"by": "sex", "design": oe.SurveyDesign("w", "stratum", "psu"), "standard": "china_2010"}
    wall, cpu = time.perf_counter(), time.process_time()
    if job == "decomposition":
        first = oe.definition("nchs_bone_2021")
        second = oe.definition(
            "who_1994", reference=OWN_SEX, sex_rule="own_sex", sites=["lumbar_spine"]
        )
        split = decompose_difference(
            people, first, second, together=[("reference", "sex_rule")], **how
        )
        result = split.to_frame()["estimate"].sum()
    else:
        cuts = [None, -2.0, -3.0] if job == "grid of 9" else [None]
        axes = definition_axes(sites=[SITES, *SITES], cut_off=cuts)
        result = definition_grid(people, axes, **how).prevalence["estimate"].sum()
    row = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu, "result": result}
    # A kibibyte a unit on Linux.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(row | {"peak": peak}))


def main() -> None:
    """Write the people, run every job on them, print Markdown."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--job")
    parser.add_argument("--path")
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 10_000_000])
    options = parser.parse_args()
    if options.job == "write":
        write(Path(options.path), options.rows[0])
        return
    if options.job:
        measure(options.job, options.path)
        return
    print("| people | job | CPU s | wall s | peak MiB |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for rows in options.rows:
            path = str(Path(folder) / f"{rows}.parquet")
            # A child's peak memory starts from its parent's: this process has to stay small.
            call = [sys.executable, __file__, "--path", path, "--rows", str(rows), "--job"]
            subprocess.run([*call, "write"], check=True)
            for job in ("grid of 3", "grid of 9", "decomposition"):
                done = subprocess.run([*call, job], check=True, capture_output=True, text=True)
                row = json.loads(done.stdout)
                print(
                    f"| {rows:,} | {job} | {row['cpu']:.1f} | {row['wall']:.1f} | "
                    f"{row['peak']:.0f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
