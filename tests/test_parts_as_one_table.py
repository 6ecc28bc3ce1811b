"""Parts are judged as one table: what hangs on all people together is no matter of a part."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

import osteo_epi as oe
from osteo_epi.errors import SchemaError
from osteo_epi.report import classify_parts

COLUMNS = ["person_id", "age", "sex", "height", "weight"]
DENSITIES = ["abmd_femoral_neck", "abmd_total_hip", "abmd_lumbar_spine"]
HOW = {"reference": "nhanes3_white_female", "sex_rule": "female"}
NONE = pl.lit(None, pl.Float64)


def people(n: int, seed: int) -> pl.DataFrame:
    frame = oe.simulate(n, seed=seed).frame.select(*COLUMNS, *DENSITIES)
    return frame.with_columns(person_id=pl.lit(f"{seed}-") + pl.col("person_id"))


def written(folder: Path, **years: pl.DataFrame) -> str:
    for name, frame in years.items():
        frame.write_parquet(folder / f"{name}.parquet", row_group_size=100)
    return str(folder / "*.parquet")


def told(findings: oe.Findings) -> set[tuple]:
    """All that findings say of the people, of which files are not all."""
    return {(f.severity, f.code, f.column, f.n) for f in findings if f.code != "files_joined"}


def in_memory(given: str, **choices) -> oe.Findings:
    whole = oe.read(given)
    rules = oe.definition("china_2020", people=whole, **HOW, **choices)
    return oe.classify(whole, rules, accept_errors=True).findings


def test_a_site_that_was_measured_in_some_years_alone_stops_nothing(tmp_path):
    half = pl.when(pl.int_range(pl.len()) % 2 == 0)
    given = written(
        tmp_path,
        a=people(200, 1),
        b=people(200, 2).with_columns(abmd_total_hip=NONE, height=NONE),
        c=people(300, 3).with_columns(weight=half.then("weight").otherwise(1234.5)),
    )
    parts = classify_parts(given, out=tmp_path / "out", part_rows=100, **HOW)
    assert told(parts.findings) == told(in_memory(given))
    # 150 of 300 in a file, and 150 of 695 in all who have a weight.
    (outside,) = parts.findings.of("out_of_range")
    assert "150 of 695" in outside.message
    assert "finding.where" not in outside.fix


def test_an_error_of_all_people_stops_when_their_parts_are_made(tmp_path):
    thousands = pl.col("abmd_total_hip") * 1000
    given = written(
        tmp_path, **{c: people(100, i).with_columns(thousands) for i, c in enumerate("ab")}
    )
    with pytest.raises(SchemaError, match="unit_suspected") as error:
        classify_parts(given, out=tmp_path / "out", **HOW)
    assert "--accept-errors" in str(error.value)
    assert "2 of 2 parts are made and kept" in str(error.value)
    parts = classify_parts(given, out=tmp_path / "out", accept_errors=True, **HOW)
    assert parts.n_kept == 2
    assert told(parts.findings) == told(in_memory(given))


def test_another_unit_in_one_file_is_refused_as_in_memory(tmp_path):
    odd = people(300, 2).with_columns(pl.col("abmd_total_hip") * 1000)
    given = written(tmp_path, a=people(3000, 1), b=odd)
    with pytest.raises(SchemaError, match=r"^b\.parquet: abmd_total_hip has") as whole:
        oe.read(given)
    for part_rows in (100, 4000):
        with pytest.raises(SchemaError) as error:
            classify_parts(given, out=tmp_path / "out", part_rows=part_rows, **HOW)
        assert str(error.value).startswith(str(whole.value))


def test_a_column_at_fault_that_the_definition_does_not_read_is_left_out(tmp_path):
    thousands = pl.col("abmd_total_hip") * 1000
    given = written(
        tmp_path, **{c: people(100, i).with_columns(thousands) for i, c in enumerate("ab")}
    )
    sites = {"sites": ["lumbar_spine"]}
    parts = classify_parts(given, out=tmp_path / "out", **HOW, **sites)
    assert told(parts.findings) == told(in_memory(given, **sites))
    columns = parts.scan().collect_schema().names()
    assert "abmd_total_hip (file)" in columns
    assert "abmd_total_hip" not in columns
