"""A run of people in parts beside the same run in memory, of several Parquet files.

Each in a process of its own, as a user types it, with its CPU time and peak memory.

    python benchmarks/bench_parts.py --rows 10000000 --files 10 --folder some/folder
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from bench_door import chunk, in_a_process

WAYS = ("run", "run --parts")


def write(folder: Path, rows: int, files: int) -> Path:
    """Made-up people of 8 columns, and the pattern of their files' names."""
    rng = np.random.default_rng(1)
    for i in range(files):
        path = folder / f"{2000 + i}.parquet"
        pq.write_table(chunk(rng, i * (rows // files), rows // files), path, compression="zstd")
    return folder / "*.parquet"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--files", type=int, default=10)
    parser.add_argument("--folder", type=Path)
    chosen = parser.parse_args()
    print("| people | way | CPU s | wall s | peak MiB | reader MiB |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        pattern = write(Path(folder), chosen.rows, chosen.files)
        for way in WAYS:
            run = in_a_process(way, pattern)
            print(
                f"| {chosen.rows:,} in {chosen.files} files | {way} | {run['cpu']:.1f} | "
                f"{run['wall']:.0f} | {run['peak']:.0f} | {run['reading']:.0f} |", flush=True
            )  # fmt: skip


if __name__ == "__main__":
    main()
