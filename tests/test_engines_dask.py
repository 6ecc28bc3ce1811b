"""Dask: the same bits whatever the partitions; what its partitions hold comes back as it was."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from typing import Any

import dask
import dask.dataframe as dd
import numpy as np
import pandas as pd
import polars as pl
import pytest
from engine_people import answers, people
from in_parts import InParts
from polars.testing import assert_frame_equal

import osteo_epi as oe
from osteo_epi import calibration, norms, risk
from osteo_epi.engines import Elsewhere, first_rows
from osteo_epi.errors import EngineError, SchemaError
from osteo_epi.frames import as_polars, to_pandas

RULES = oe.definition("china_2020", reference="nhanes3_white_female")
SHARES = {1: (0, 1500), 3: (0, 0, 700, 1500), 7: (0, 0, 200, 201, 800, 800, 1300, 1500)}


@pytest.fixture(scope="module")
def cohort() -> pl.DataFrame:
    return people(1500)


def in_partitions(frame: pd.DataFrame, edges: tuple[int, ...]) -> Any:
    """Rows of a frame in partitions between the edges, some of which are empty."""
    parts = [frame.iloc[a:b] for a, b in pairwise(edges)]
    return dd.from_map(lambda i: parts[i], range(len(parts)), meta=frame.iloc[:0])


@pytest.fixture(autouse=True)
def here() -> Any:
    with dask.config.set(scheduler="threads", num_workers=2):
        yield


def test_answers_are_those_of_polars(cohort):
    wanted = answers(cohort)
    given = answers(in_partitions(to_pandas(cohort), SHARES[3]))
    for name, frame in wanted.items():
        assert_frame_equal(given[name], frame, check_exact=True)
    result = oe.prevalence(in_partitions(to_pandas(cohort), SHARES[1]), RULES, by="sex")
    assert isinstance(result.to_frame(), pd.DataFrame)


@pytest.mark.parametrize("n", SHARES)
def test_people_are_classified_to_the_bit(cohort, n):
    frame = to_pandas(cohort).set_index(pd.Index(range(5, 1505), name="row"))
    with dask.config.set({"dataframe.convert-string": False}):
        classified = oe.classify(in_partitions(frame, SHARES[n]), RULES)
    assert isinstance(classified, dd.DataFrame)
    assert classified.npartitions == len(SHARES[n]) - 1
    out, wanted = classified.compute(), oe.classify(frame, RULES)
    pd.testing.assert_frame_equal(out, wanted, check_exact=True)
    assert classified.dtypes.to_dict() == out.dtypes.to_dict()
    if n == 3:
        prevalence = oe.prevalence(classified, RULES).to_polars()
        assert_frame_equal(prevalence, oe.prevalence(cohort, RULES).to_polars(), check_exact=True)


def test_types_that_pandas_has_come_back_as_they_came():
    n = 6
    frame = pd.DataFrame(
        {
            "age": pd.array([61, 70, None, 66, 55, 80], "Int64"),
            "sex": pd.Categorical(["female", "male", None] * 2, ["female", "male"]),
            "abmd_femoral_neck": pd.array([0.55, None, 0.7] * 2, "Float64"),
            "abmd_total_hip": np.array([0.6, np.nan, 0.8] * 2),
            "centre": pd.array(["a", None, "c"] * 2, "string[pyarrow]"),
            "note": pd.array([None] * 3 + ["late"] * 3, dtype=object),
            "size": pd.Categorical(["s", "l", "s"] * 2, ["s", "l"], ordered=True),
            "seen": pd.to_datetime(["2024-01-01", None, "2024-01-03"] * 2),
            "zone": pd.to_datetime(["2024-01-01", None, "2024-01-03"] * 2, utc=True),
            "visits": np.arange(n, dtype="int16"),
            "paid": np.array([True, False, True] * 2),
        }
    )
    with dask.config.set({"dataframe.convert-string": False}):
        parts = in_partitions(frame, (0, 3, 3, 6))
        for given in (parts, parts.assign(sex=parts.sex.cat.as_unknown())):
            out = oe.classify(given, oe.definition("iscd_2019", sites=["hip"])).compute()
            pd.testing.assert_frame_equal(out[list(frame)], frame)
        assert as_polars(parts)[0].collect_schema()["note"] == pl.String


# Dask's own reading of Parquet, in the newest pandas.
@pytest.mark.filterwarnings("ignore:The inplace keyword in DataFrame")
def test_categories_of_parquet_that_polars_has_written_are_read(cohort, tmp_path):
    named = cohort.with_columns(pl.col("sex").cast(pl.Enum(["female", "male"])))
    for place in range(2):
        named[place::2].write_parquet(tmp_path / f"{place}.parquet")
    frame = dd.read_parquet(tmp_path)
    result = oe.prevalence(frame, RULES, by="sex").to_polars()
    assert_frame_equal(result, oe.prevalence(named, RULES, by="sex").to_polars(), check_exact=True)
    assert oe.classify(frame, RULES).compute()["sex"].count() == cohort["sex"].count()


def test_another_type_in_one_partition_is_said():
    said = pd.DataFrame({"age": [61.0], "sex": ["female"], "abmd_femoral_neck": [0.7]})

    def given(**columns: Any) -> Any:
        parts = [said, said.assign(**columns)]
        return dd.from_map(lambda i: parts[i], range(2), meta=said.astype({"age": "int64"}))

    rules = oe.definition("iscd_2019", sites=["femoral_neck"])
    count = oe.prevalence(given(age=[62]), rules).to_polars()
    assert count.row(0, named=True)["n"] == 2
    for age in ([61.5], ["62 years"]):
        with pytest.raises(EngineError, match=r"of another type than the others: age \(") as told:
            oe.prevalence(given(age=age), rules)
        assert str(age[0]) not in str(told.value)
    mixed = pd.Series([["61"]], dtype=object)
    with pytest.raises((EngineError, SchemaError), match="age"):
        oe.prevalence(given(age=mixed), rules)


def test_a_look_computes_no_more_partitions_than_it_needs():
    seen: list[int] = []

    def part(place: int) -> pd.DataFrame:
        seen.append(place)
        return pd.DataFrame({"age": np.arange(10.0) + 10 * place})

    frame, _ = as_polars(dd.from_map(part, range(9), meta=pd.DataFrame({"age": [1.0]})))
    assert first_rows(frame, 15)["age"].to_list() == list(map(float, range(15)))
    assert first_rows(frame, 3).height == 3
    assert sorted(seen) == [0, 1]


def test_what_needs_people_here_or_rows_together_is_refused(cohort):
    frame = to_pandas(cohort.head(60))
    with pytest.raises(Elsewhere, match=r"frame\.compute\(\) after a filter or a sample"):
        oe.tables.table_one(in_partitions(frame, (0, 30, 60)))
    visits = frame.assign(person_id=[str(i % 30) for i in range(60)])
    for given in (in_partitions(visits, (0, 30, 60)), InParts(pl.from_pandas(visits), 2)):
        with pytest.raises(EngineError, match="takes several rows together"):
            calibration.with_change(given, value="abmd_total_hip", lsc=0.03)


def test_what_takes_each_person_alone_is_the_same_in_parts(cohort):
    frame = cohort.head(90)
    calls = (
        lambda x: norms.with_t_scores(x, reference="nhanes3_white_female"),
        lambda x: norms.with_z_scores(x, reference="nhanes_2005_2008_nhw"),
        lambda x: risk.with_screening(x, index="osta"),
    )
    for call in calls:
        there = call(InParts(frame, 3)).sort("person_id")
        assert_frame_equal(there, call(frame).sort("person_id"), check_exact=True)


@pytest.mark.slow
def test_in_other_processes_too(cohort):
    frame = to_pandas(cohort.head(200))
    bad = frame.assign(sex=["female"] * 199 + ["F"])
    wanted = oe.prevalence(frame, RULES).to_polars()
    # One worker that stays: each look would start a process of its own.
    start = multiprocessing.get_context("spawn")
    with (
        ProcessPoolExecutor(1, mp_context=start) as pool,
        dask.config.set(scheduler="processes", pool=pool),
    ):
        given = oe.prevalence(dd.from_pandas(frame, npartitions=2), RULES).to_polars()
        assert_frame_equal(given, wanted, check_exact=True)
        with pytest.raises(SchemaError, match="not_canonical") as refused:
            oe.prevalence(dd.from_pandas(bad, npartitions=2), RULES)
    assert "Traceback" not in str(refused.value)
