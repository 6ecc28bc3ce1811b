"""A lazy frame that cannot be run is said to be so, and no value of anybody is shown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import osteo_epi as oe
from osteo_epi.errors import SchemaError
from osteo_epi.frames import of_queries

NECK = oe.definition("iscd_2019", reference="nhanes3_white_female", sites=["femoral_neck"])
TWO = {"neck": NECK, "nchs": oe.definition("nchs_bone_2021")}
DENSITY = pl.col("abmd_femoral_neck")
PEOPLE = oe.simulate(300, seed=1).frame.with_columns(
    pl.col("sex").cast(pl.String), exam_year=2018.0 + pl.int_range(pl.len()) % 3
)
ROW = pl.int_range(pl.len())


def of_two_types(folder: Path) -> pl.LazyFrame:
    PEOPLE.head(150).write_parquet(folder / "a.parquet")
    PEOPLE.tail(150).with_columns(DENSITY.cast(pl.Float32)).write_parquet(folder / "b.parquet")
    return pl.scan_parquet(folder / "*.parquet")


def with_a_word(folder: Path) -> pl.LazyFrame:
    word = pl.when(ROW == 7).then(pl.lit("secret")).otherwise(DENSITY.cast(pl.String))
    return PEOPLE.with_columns(word.alias("abmd_femoral_neck")).lazy().with_columns(
        DENSITY.cast(pl.Float64)
    )  # fmt: skip


def with_a_late_word(folder: Path) -> pl.LazyFrame:
    word = pl.when(ROW == 250).then(pl.lit("secret")).otherwise(DENSITY.cast(pl.String))
    people = PEOPLE.with_columns(word.alias("abmd_femoral_neck"))
    people.write_csv(folder / "people.csv")
    return pl.scan_csv(folder / "people.csv", infer_schema_length=20)


def of_a_deleted_file(folder: Path) -> pl.LazyFrame:
    PEOPLE.write_parquet(folder / "people.parquet")
    query = pl.scan_parquet(folder / "people.parquet")
    query.collect_schema()
    (folder / "people.parquet").unlink()
    return query


def of_an_absent_column(folder: Path) -> pl.LazyFrame:
    return PEOPLE.lazy().with_columns(age=pl.col("years") + 1)


FAULTS: dict[Callable[[Path], pl.LazyFrame], str] = {
    of_two_types: "column abmd_femoral_neck is Float32 in one file and Float64 in another",
    with_a_word: "abmd_femoral_neck cannot be turned from str into f64 in some rows",
    with_a_late_word: "abmd_femoral_neck holds what is no f64, .* infer_schema_length=None",
    of_a_deleted_file: r"no such file: people\.parquet",
    of_an_absent_column: "it names the column years, which is not there",
}
DOORS: dict[str, Callable[[Any], Any]] = {
    "prevalence": lambda query: oe.prevalence(query, NECK),
    "check": oe.check,
    "table_one": oe.tables.table_one,
    "young_adult_reference": oe.young_adult_reference,
    "prevalence_trend": lambda query: oe.prevalence_trend(query, NECK, over="exam_year"),
    "definition_grid": lambda query: oe.definition_grid(query, TWO),
    "bmd_by_age": lambda query: oe.population.bmd_by_age(query, NECK),
    "mean": lambda query: oe.survey.mean(query, "abmd_femoral_neck", oe.SurveyDesign()),
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda one: one.__name__)
@pytest.mark.parametrize("door", DOORS)
def test_a_query_that_cannot_be_run_is_said(door: str, fault: Any, tmp_path: Path) -> None:
    """Each ended in Polars' own error, which shows the first values that do not convert."""
    query = fault(tmp_path)
    with pytest.raises(SchemaError, match=FAULTS[fault]) as told:
        DOORS[door](query)
    assert "secret" not in str(told.value)
    assert str(tmp_path) not in str(told.value)
    assert told.value.__suppress_context__, "a notebook would show what Polars says"


@pytest.mark.parametrize("fault", [of_a_deleted_file, of_an_absent_column, of_two_types])
def test_classifying_says_so_where_it_runs_the_query(fault: Any, tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match=FAULTS[fault]):
        oe.classify(fault(tmp_path), NECK)


def test_a_column_whose_name_has_blanks_is_named_too(tmp_path: Path) -> None:
    scans = pl.DataFrame({"person": ["a", "a"], "Hip BMD": [0.9, 0.91]})
    scans.write_parquet(tmp_path / "a.parquet")
    scans.cast({"Hip BMD": pl.Float32}).write_parquet(tmp_path / "b.parquet")
    with pytest.raises(SchemaError, match="column Hip BMD is Float32 in one file and Float64"):
        oe.calibration.precision(
            pl.scan_parquet(tmp_path / "*.parquet"), value="Hip BMD", person="person"
        )


def test_the_advice_for_files_of_two_types_is_right(tmp_path: Path) -> None:
    of_two_types(tmp_path)
    files = sorted(tmp_path.glob("*.parquet"))
    cast = [pl.scan_parquet(file).with_columns(DENSITY.cast(pl.Float64)) for file in files]
    n = oe.prevalence(pl.concat(cast), NECK).to_frame()["n"]
    assert n.equals(oe.prevalence(oe.read(tmp_path), NECK).to_frame()["n"])


def test_errors_of_ours_and_of_a_users_function_pass_as_they_are() -> None:
    @of_queries
    def broken(people: pl.LazyFrame) -> pl.DataFrame:
        return people.select("of no file").collect()

    with pytest.raises(pl.exceptions.ColumnNotFoundError):
        broken(PEOPLE.lazy())
    with pytest.raises(SchemaError, match="not_canonical"):
        oe.prevalence(PEOPLE.lazy().with_columns(sex=pl.lit("F")), NECK)
    divided = pl.col("age").map_batches(lambda ages: 1 / 0, return_dtype=pl.Float64)
    with pytest.raises(ZeroDivisionError):
        oe.prevalence(PEOPLE.lazy().with_columns(age=divided), NECK)
