"""Classes counted in Spark by our expressions, against Spark's own scan and group-by.

    python benchmarks/bench_spark.py --rows 10000000

People of age, sex and three densities in Parquet files of 1e6 rows each. The floor counts them by
sex and five-year band with Spark's own expressions and applies no rule; the bridge hands the same
columns to Python and does nothing; ours is an age-standardised prevalence by sex. All run in one
local session, warmed up on one file. CPU seconds are those of all its processes, the Java machine
and its Python workers; walls are noise where the machine has other work.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import psutil

import osteo_epi as oe

PART = 1_000_000


def draw(n: int, seed: int) -> pl.DataFrame:
    """SIMULATED people; a twentieth of each density is missing."""
    rng = np.random.default_rng(seed)
    age = rng.uniform(40, 95, n).round(1)
    sex = np.where(rng.random(n) < 0.5, "female", "male")
    columns: dict[str, Any] = {"age": age, "sex": sex}
    for roi, mean in (("lumbar_spine", 0.95), ("femoral_neck", 0.75), ("total_hip", 0.87)):
        density = (rng.normal(mean, 0.13, n) - 0.004 * (age - 60)).round(3)
        columns[f"abmd_{roi}"] = pl.Series(density).zip_with(
            pl.Series(rng.random(n) < 0.95), pl.Series([None], dtype=pl.Float64)
        )
    return pl.DataFrame(columns)


def files(folder: Path, rows: int) -> list[str]:
    """Files of 1e6 rows: ten drawn, the others names of the same bytes."""
    names = []
    for part in range(max(rows // PART, 1)):
        path = folder / f"{part:05}.parquet"
        if part < 10:
            draw(min(rows, PART), part).write_parquet(path)
        else:
            path.hardlink_to(folder / f"{part % 10:05}.parquet")
        names.append(str(path))
    return names


def cpu() -> float:
    """Seconds of this process and all that it has started, ended ones too."""
    me = psutil.Process()
    alive = [me, *me.children(recursive=True)]
    times = [p.cpu_times() for p in alive]
    return sum(t.user + t.system + t.children_user + t.children_system for t in times)


def floor(people: Any) -> int:
    """Spark's own count by sex and band."""
    from pyspark.sql import functions as f

    band = f.floor(people.age / 5)
    densities = [f.count(c) for c in people.columns if c.startswith("abmd")]
    return len(people.groupBy("sex", band).agg(f.count("*"), *densities).collect())


def bridge(people: Any) -> int:
    """What it costs Spark to hand the same columns to Python by Arrow, where nothing is done."""

    def lengths(batches: Any) -> Any:
        import pyarrow as pa

        yield pa.RecordBatch.from_pydict({"n": [sum(batch.num_rows for batch in batches)]})

    return sum(row.n for row in people.mapInArrow(lengths, "n long").collect())


def ours(people: Any) -> int:
    """An age-standardised prevalence."""
    rules = oe.definition("china_2020", reference="nhanes3_white_female")
    return oe.prevalence(people, rules, by="sex", standard="china_2010").to_polars().height


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=10_000_000)
    rows = parser.parse_args().rows
    from pyspark.sql import SparkSession

    spark = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.memory", "4g")
        .config("spark.ui.showConsoleProgress", "false")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("OFF")
    with tempfile.TemporaryDirectory() as name:
        names = files(Path(name), rows)
        for way in (floor, bridge, ours):
            way(spark.read.parquet(names[0]))
            begun, since = time.monotonic(), cpu()
            way(spark.read.parquet(*names))
            used, wall = cpu() - since, time.monotonic() - begun
            print(f"{way.__name__}: {rows:,} rows, {used:.1f} CPU s, {wall:.1f} s", flush=True)
    spark.stop()


if __name__ == "__main__":
    main()
