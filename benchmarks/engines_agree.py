"""The same people in every engine: are class, rule, region, reason and scores the same bits?

    python benchmarks/engines_agree.py --rows 1000000 [--write]

SIMULATED people with every evidence, gaps, T-scores of their own and a survey design whose weights
have fractions. Each engine classifies them and gives an age-standardised prevalence by sex; both
are compared with those of an eager frame of Polars, bit by bit. `--write` puts the table into
reports/engines.md.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl

import osteo_epi as oe

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from engine_people import people  # noqa: E402

OUTPUTS = (
    *("bone_class", "bone_class_rule", "bone_class_roi", "bone_class_reason", "advice"),
    *("score_applied", "score_reason", "t_score_min", "z_score_min", "sites_complete"),
    *("fragility_fracture", "fracture_reason", "vbmd_lumbar_spine_mean", "lumbar_neighbour_flag"),
)
Frames = Iterator[tuple[str, Any, Callable[[Any], pl.DataFrame]]]


def rules() -> oe.Definition:
    """T by one reference for both sexes, Z by age."""
    return oe.definition(
        "china_2020", reference="nhanes3_white_female", age_reference="nhanes_2005_2010_derived"
    )


def on_this_machine(frame: pl.DataFrame, file: str) -> Frames:
    """Frames that need no engine beside Polars."""
    yield "polars", frame, lambda out: out
    yield "polars, lazy", pl.scan_parquet(file), lambda out: out.collect()
    yield "pandas", frame.to_pandas(), pl.from_pandas
    yield "pyarrow", frame.to_arrow(), pl.DataFrame


def others(file: str) -> Frames:
    """DuckDB, Dask, and Spark in 1, 7 and 200 partitions."""
    import dask.dataframe as dd
    import duckdb
    from pyspark.sql import SparkSession

    yield "DuckDB", duckdb.read_parquet(file), lambda out: pl.DataFrame(out.to_arrow_table())
    yield "Dask, 7 partitions", dd.read_parquet(file).repartition(npartitions=7), _from_dask
    spark = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.driver.memory", "6g")
        .config("spark.driver.maxResultSize", "0")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("OFF")
    for n in (1, 7, 200):
        name = f"Spark, {n} partition{'s' * (n > 1)}"
        yield name, spark.read.parquet(file).repartition(n), _from_spark
    spark.stop()


def _from_spark(out: Any) -> pl.DataFrame:
    return pl.DataFrame(pl.from_arrow(out.select("person_id", *_there(out.columns)).toArrow()))


def _from_dask(out: Any) -> pl.DataFrame:
    return pl.from_pandas(out[["person_id", *_there(out.columns)]].compute())


def _there(columns: Any) -> list[str]:
    return [c for c in columns if c in OUTPUTS or c.startswith(("t_score_", "z_score_"))]


def as_compared(out: pl.DataFrame) -> pl.DataFrame:
    """What was made of each person, in one order and in types that every engine has."""
    kept = out.select("person_id", *_there(out.columns)).sort("person_id")
    return kept.with_columns(pl.col(pl.Enum, pl.Categorical).cast(pl.String))


def compared(rows: int) -> Iterator[dict[str, object]]:
    """One row an engine."""
    frame, definition = people(rows), rules()
    first: tuple[pl.DataFrame, pl.DataFrame] | None = None
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / "people.parquet")
        frame.write_parquet(file)
        for listed in (on_this_machine(frame, file), others(file)):
            for name, data, here in listed:
                since = time.monotonic()
                classes = as_compared(here(oe.classify(data, definition)))
                result = oe.prevalence(data, definition, by="sex", standard="china_2010")
                estimates = result.to_polars()
                first = first or (classes, estimates)
                yield {
                    "engine": name,
                    "people": classes.height,
                    "columns compared": classes.width - 1,
                    "columns that differ": _differing(classes, first[0]),
                    "prevalence": "same bits" if estimates.equals(first[1]) else "DIFFERS",
                    "seconds": round(time.monotonic() - since),
                }


def _differing(one: pl.DataFrame, other: pl.DataFrame) -> int:
    names = set(one.columns) | set(other.columns)
    same = {n for n in one.columns if n in other.columns and one[n].equals(other[n])}
    return len(names - same)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    rows = []
    for row in compared(options.rows):
        rows.append(row)
        print(row, flush=True)
    if options.write:
        _write(rows)


def _write(rows: list[dict[str, object]]) -> None:
    heads = list(rows[0])
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    lines += [
        f"| {' | '.join(f'{v:,}' if isinstance(v, int) else str(v) for v in r.values())} |"
        for r in rows
    ]
    text = (
        "# The same people in every engine\n\nMade by `python benchmarks/engines_agree.py`: "
        "SIMULATED people with every evidence, gaps and a survey design whose weights have "
        "fractions, classified by china_2020 with T- and Z-scores, and their age-standardised "
        "prevalence by sex. Each is compared with an eager frame of Polars, bit by bit. The "
        "seconds are of two cores with other work to do.\n\n" + "\n".join(lines) + "\n"
    )
    (ROOT / "reports" / "engines.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
