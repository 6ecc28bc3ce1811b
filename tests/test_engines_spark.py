"""Spark: the same bits as people in one frame, whatever the partitions; what goes wrong, in words.

Needs PySpark and a Java runtime. Where `.ci/run` has set OSTEO_EPI_ENGINES they have to be there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import traceback
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from engine_people import QUERIES, people, replicates
from polars.testing import assert_frame_equal

import osteo_epi as oe
from osteo_epi.errors import EngineError, SchemaError
from osteo_epi.survey import ReplicateDesign

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
REQUIRED = "OSTEO_EPI_ENGINES" in os.environ


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    lacking = "a Java runtime" if shutil.which("java") is None else ""
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        lacking = "PySpark (osteo-epi[spark])"
    if lacking and not REQUIRED:
        pytest.skip(f"Spark is not tested: {lacking} is not installed")
    assert not lacking, f"Spark has to be tested here, and there is no {lacking}"
    # Spark's workers take the first python3 that they find, which need not be that of the tests.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    folder = tmp_path_factory.mktemp("spark")
    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "3")
        .config("spark.sql.warehouse.dir", str(folder))
        .config("spark.ui.showConsoleProgress", "false")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


@pytest.fixture(scope="module")
def cohort() -> pl.DataFrame:
    return people(1500)


@pytest.fixture(scope="module")
def file(cohort: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("people") / "people.parquet"
    cohort.write_parquet(path)
    return str(path)


@pytest.fixture(scope="module")
def rules() -> oe.Definition:
    return oe.definition("china_2020", reference="nhanes3_white_female")


def as_text(frame: pl.DataFrame) -> pl.DataFrame:
    """As Spark has it: codes of categories are text, an instant has a zone."""
    return frame.with_columns(pl.col(pl.Enum).cast(pl.String)).sort("person_id")


@pytest.mark.slow
@pytest.mark.parametrize("n", [1, 7])
def test_classes_are_the_same_bits(
    spark: Any, file: str, cohort: pl.DataFrame, rules: oe.Definition, n: int
) -> None:
    classified = oe.classify(spark.read.parquet(file).repartition(n), rules)
    there = pl.DataFrame(pl.from_arrow(classified.toArrow())).sort("person_id")
    here = as_text(oe.classify(cohort, rules))
    assert there.columns == here.columns
    instants = pl.col("seen_at").dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    assert_frame_equal(there.with_columns(instants), here, check_exact=True)
    own = dict(spark.read.parquet(file).dtypes)
    assert {n: kind for n, kind in classified.dtypes if n in own} == own


@pytest.mark.slow
@pytest.mark.parametrize("n", [7, 200])
def test_a_prevalence_is_the_same_bits(
    spark: Any, file: str, cohort: pl.DataFrame, rules: oe.Definition, n: int
) -> None:
    parts = spark.read.parquet(file).repartition(n)
    for query in QUERIES.values() if n == 7 else [QUERIES["standardised"]]:
        here = oe.prevalence(cohort, rules, **query).to_polars()
        assert_frame_equal(oe.prevalence(parts, rules, **query).to_polars(), here, check_exact=True)


def test_odd_names_and_moments(spark: Any, cohort: pl.DataFrame, rules: oe.Definition) -> None:
    """Names that Spark takes for others, and TIMESTAMP columns, whose zone is the session's."""
    few = cohort.select("person_id", "age", "sex", "centre", "abmd_femoral_neck").head(20)
    few = few.rename({"centre": "the `centre`.市"}).with_columns(pl.lit(1.0).alias("AGE"))
    frame = spark.createDataFrame(few.to_arrow(compat_level=pl.CompatLevel.oldest()))
    frame = frame.selectExpr("*", "timestamp '1950-01-01 00:00:00' as seen")
    classified = oe.classify(frame, rules)
    assert dict(classified.dtypes)["seen"] == "timestamp"
    there = pl.DataFrame(pl.from_arrow(classified.drop("seen").toArrow())).sort("person_id")
    assert_frame_equal(there, as_text(oe.classify(few, rules)), check_exact=True)
    by = {"by": "the `centre`.市", "design": "srs"}
    counted = [oe.prevalence(given, rules, **by).to_polars() for given in (few, frame)]
    assert_frame_equal(*counted, check_exact=True)
    with pytest.raises(SchemaError, match="columns age stand twice"):
        oe.classify(spark.sql("select 61.0d as age, 61.0d as age"), rules)


@pytest.mark.slow
def test_replicates_grids_and_trends(
    spark: Any, file: str, cohort: pl.DataFrame, rules: oe.Definition, tmp_path: Path
) -> None:
    parts = spark.read.parquet(file).repartition(3)
    listed = {"china": rules, "who": oe.definition("who_1994", reference="nhanes3_white_female")}
    here, there = (oe.definition_grid(f, listed).to_polars() for f in (cohort, parts))
    assert_frame_equal(there, here, check_exact=True)
    trends = (oe.prevalence_trend(f, rules, over="exam_year").to_polars() for f in (cohort, parts))
    assert_frame_equal(*trends, check_exact=True)
    design = ReplicateDesign("survey_weight", "rw", kind="BRR", df=7)
    replicates(cohort).write_parquet(tmp_path / "r.parquet")
    parts = spark.read.parquet(str(tmp_path / "r.parquet"))
    rows = (oe.prevalence(f, rules, design=design) for f in (replicates(cohort), parts))
    assert_frame_equal(*(one.to_polars() for one in rows), check_exact=True)
    here, there = (
        oe.young_adult_reference(f, weight="equal", rois=("femoral_neck", "lumbar_spine"))
        for f in (replicates(cohort), parts)
    )
    assert there.sha256 == here.sha256


@pytest.mark.slow
def test_findings_and_the_error_of_an_own_reference(
    spark: Any, cohort: pl.DataFrame, tmp_path: Path
) -> None:
    frame = cohort.select(
        *("person_id", "age", "sex", "abmd_femoral_neck", "survey_weight", "stratum", "psu")
    )
    frame.write_parquet(tmp_path / "p.parquet")
    parts = spark.read.parquet(str(tmp_path / "p.parquet")).repartition(2)
    here, there = oe.check(frame), oe.check(parts)
    assert [(f.code, f.column, f.n) for f in there] == [(f.code, f.column, f.n) for f in here]
    rows = []
    for one in (frame, parts):
        rules = oe.definition(
            "china_2020", reference=oe.young_adult_reference(one), sites=["femoral_neck"]
        )
        rows.append(oe.prevalence(one, rules, classes=["osteoporosis"]).to_polars())
    assert rows[0]["method"].str.contains("own young adults added").all()
    assert_frame_equal(rows[1], rows[0], rel_tol=1e-12, abs_tol=1e-14)


def test_a_cast_that_fails_shows_no_value(spark: Any, rules: oe.Definition) -> None:
    text = spark.createDataFrame([("sixty-one", "female", 0.7)], "a string, sex string, b double")
    cast = text.selectExpr("cast(a as double) as age", "sex", "b as abmd_femoral_neck")
    with pytest.raises(EngineError, match=r"Spark stopped \(CAST_INVALID_INPUT\).*noop") as refused:
        oe.prevalence(cast, rules)
    assert "sixty" not in "".join(traceback.format_exception(refused.value))


def test_types_that_come_back_as_they_came(spark: Any, rules: oe.Definition) -> None:
    rows = [
        (date(2024, 5, 1), 3, 61.0, "female", 0.71, [1, 2]),
        (None, None, 70.0, None, None, None),
    ]
    kinds = "day date, visits smallint, age double, sex string, abmd_femoral_neck double"
    kinds += ", ids array<int>"
    classified = oe.classify(spark.createDataFrame(rows, kinds), rules)
    assert [kind for _, kind in classified.dtypes[:6]] == [
        "date", "smallint", "double", "string", "double", "array<int>",
    ]  # fmt: skip
    assert [tuple(row)[:6] for row in classified.collect()] == rows


def test_a_frame_of_nobody(spark: Any, rules: oe.Definition) -> None:
    measured = "abmd_femoral_neck", "abmd_total_hip", "abmd_lumbar_spine"
    kinds = ", ".join(["age double, sex string", *(f"{name} double" for name in measured)])
    nobody = spark.createDataFrame([], kinds)
    assert oe.classify(nobody, rules).count() == 0
    assert oe.prevalence(nobody, rules, by="sex").to_polars().is_empty()
    assert oe.check(nobody).errors is not None


def test_what_arrow_does_not_carry_is_said(spark: Any, rules: oe.Definition) -> None:
    odd = spark.range(1).selectExpr("id", "make_ym_interval(1, 2) as since", "61.0d as age")
    with pytest.raises(SchemaError, match=r"since \(interval year to month\).* drop them"):
        oe.classify(odd, rules)


def test_another_type_in_one_file_is_said(spark: Any, rules: oe.Definition, tmp_path: Path) -> None:
    for i, age in enumerate([[61.0, 70.0], ["61", "old"]]):
        frame = pl.DataFrame({"age": age, "sex": ["female"] * 2, "abmd_femoral_neck": [0.7, 0.8]})
        frame.write_parquet(tmp_path / f"{i}.parquet")
    parts = spark.read.schema("age double, sex string, abmd_femoral_neck double")
    with pytest.raises(EngineError, match=r"Spark stopped \(FAILED_READ_FILE.*column \[age\]"):
        oe.prevalence(parts.parquet(str(tmp_path)), rules)


def test_a_word_in_a_late_row_is_refused_in_our_words(spark: Any, rules: oe.Definition) -> None:
    sex = "if(id < 100000, 'female', 'F') as sex"
    late = spark.range(100_010, numPartitions=2)
    late = late.selectExpr(sex, "61.0d as age", "0.7d as abmd_femoral_neck")
    with pytest.raises(SchemaError, match="not_canonical") as refused:
        oe.prevalence(late, rules)
    assert "Traceback" not in str(refused.value)


WITHOUT = """
import sys
import osteo_epi as oe
from pyspark.sql import SparkSession
session = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
session.sparkContext.setLogLevel("OFF")
kinds = "age double, sex string, abmd_total_hip double"
frame = session.createDataFrame([(61.0, "female", 0.7)], kinds)
try:
    oe.classify(frame, oe.definition("who_1994", reference="nhanes3_white_female"))
except oe.OsteoEpiError as error:
    print(error)
"""
BLOCKER = """
import os, sys
if os.environ.get("SPARK_PYTHON_WORKER") or "pyspark.daemon" in " ".join(sys.orig_argv):
    class Blocker:
        def find_spec(self, name, path=None, target=None):
            if name == "osteo_epi":
                raise ModuleNotFoundError("No module named 'osteo_epi'", name=name)
    sys.meta_path.insert(0, Blocker())
"""


@pytest.mark.slow
def test_executors_without_the_package_are_said(spark: Any, tmp_path: Path) -> None:
    """The workers of a session of its own start with a Python that does not find the package."""
    (tmp_path / "sitecustomize.py").write_text(BLOCKER)
    path = os.pathsep.join([str(tmp_path), *sys.path])
    run = subprocess.run(
        [sys.executable, "-c", WITHOUT],
        env={**os.environ, "PYTHONPATH": path, "PYSPARK_PYTHON": sys.executable},
        capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert "an executor of Spark lacks this package: install osteo-epi[spark]" in run.stdout, (
        run.stderr
    )
