"""Classes counted from DuckDB and from Dask, against the engine's own scan and group-by.

    python benchmarks/bench_engines.py duckdb --rows 10000000
    python benchmarks/bench_engines.py dask --rows 10000000

The people of `bench_spark.py`: age, sex and three densities in Parquet files of 1e6 rows. The floor
counts them, and the densities, by sex and five-year band in the engine and applies no rule. Each
way runs in a process of its own, warmed up on one file, with two threads; told are the CPU seconds
of the process and its peak of memory. Walls are noise where the machine has other work.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import polars as pl
from bench_spark import files

import osteo_epi as oe
from osteo_epi.engines import totals
from osteo_epi.frames import as_polars

DENSITIES = ["abmd_lumbar_spine", "abmd_femoral_neck", "abmd_total_hip"]
RULES = oe.definition("china_2020", reference="nhanes3_white_female")
BAND = (pl.col("age") // 5).cast(pl.Int8).alias("band")


def duckdb_people(names: list[str]) -> Any:
    import duckdb

    duckdb.execute("set threads = 2; set enable_progress_bar = false")
    return duckdb.read_parquet(names)


def duckdb_floor(people: Any) -> int:
    counts = ", ".join(f"count({c})" for c in DENSITIES)
    band = "floor(age / 5)"
    return len(people.aggregate(f"sex, {band}, count(*), {counts}", f"sex, {band}").fetchall())


def duckdb_write(people: Any, folder: Path) -> int:
    """Classified people written by DuckDB."""
    oe.classify(people, RULES).write_parquet(str(folder / "classified.parquet"))
    return 1


def duckdb_copy(people: Any, folder: Path) -> int:
    """The people as they came, written by DuckDB."""
    people.write_parquet(str(folder / "copy.parquet"))
    return 1


def dask_people(names: list[str]) -> Any:
    import dask
    import dask.dataframe as dd

    dask.config.set(scheduler="threads", num_workers=2)
    return dd.read_parquet(names)


def dask_floor(people: Any) -> int:
    people = people.assign(band=people.age // 5)
    counts = people.groupby(["sex", "band"])[["age", *DENSITIES]].count()
    return len(counts.compute())


def counts(people: Any) -> int:
    """Classes by sex and band."""
    classified = oe.classify(as_polars(people)[0], RULES)
    return totals(classified, ["sex", BAND, "bone_class"], sums=[pl.len()]).height


def prevalence(people: Any) -> int:
    """An age-standardised prevalence by sex."""
    return oe.prevalence(people, RULES, by="sex", standard="china_2010").to_polars().height


WAYS = {
    "duckdb": {"floor": duckdb_floor, "counts": counts, "prevalence": prevalence},
    "dask": {"floor": dask_floor, "counts": counts, "prevalence": prevalence},
}
WRITES = {"copy": duckdb_copy, "write": duckdb_write}


def run(engine: str, way: str, folder: Path, rows: int) -> None:
    names = sorted(map(str, folder.glob("0*.parquet")))
    opened = duckdb_people if engine == "duckdb" else dask_people
    call = WAYS[engine].get(way) or (lambda people: WRITES[way](people, folder))
    call(opened(names[:1]))
    before, begun = time.process_time(), time.monotonic()
    call(opened(names))
    used, wall = time.process_time() - before, time.monotonic() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{engine} {way}: {rows:,} rows, {used:.1f} CPU s, {wall:.1f} s, {peak:.0f} MiB")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("engine", choices=sorted(WAYS))
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--way")
    chosen = parser.parse_args()
    if chosen.way:
        return run(chosen.engine, chosen.way, chosen.folder, chosen.rows)
    with tempfile.TemporaryDirectory() as name:
        files(Path(name), chosen.rows)
        ways = [*WAYS[chosen.engine], *(WRITES if chosen.engine == "duckdb" else ())]
        for way in ways:
            options = ["--rows", str(chosen.rows), "--folder", name, "--way", way]
            subprocess.run([sys.executable, __file__, chosen.engine, *options], check=True)
    return None


if __name__ == "__main__":
    main()
