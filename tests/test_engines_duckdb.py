"""DuckDB: the same answers as from Polars; rows stream in and out, and their types survive."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys

import duckdb
import polars as pl
import pytest
from engine_people import answers, people
from polars.testing import assert_frame_equal

import osteo_epi as oe
from osteo_epi.engines import opened
from osteo_epi.errors import EngineError, SchemaError
from osteo_epi.frames import as_polars

RULES = oe.definition("china_2020", reference="nhanes3_white_female")
ROWS = 300_000
WORDS = pl.selectors.by_dtype(pl.Enum, pl.Categorical)


@pytest.fixture
def connection():
    with duckdb.connect() as connection:
        yield connection


@pytest.fixture
def table(connection):
    """More rows than a batch has, of every type that a register is likely to hold."""
    connection.execute(
        "create table people as select i, i * 0.5 as x, "
        "case when i % 3 = 0 then null when i % 2 = 0 then 'female' else 'male' end"
        "::ENUM('female', 'male') as sex, "
        "timestamp '2020-01-01' + interval (i) second as seen, date '2020-01-01' as day, "
        'timestamptz \'2020-01-01 00:00:00+03\' as moment, uuid() as "it""s", i::hugeint as h, '
        "0.1::float as f, i % 5 = 0 as b, (i / 100)::decimal(9, 2) as cost, [i] as several "
        f"from range({ROWS}) t(i)"
    )
    return connection.table("people")


def rows(relation) -> pl.DataFrame:
    return pl.DataFrame(relation.to_arrow_table())


def plain(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(WORDS.cast(pl.String))


def test_answers_are_those_of_polars(connection):
    frame = people(1500)
    relation = connection.from_arrow(frame.to_arrow())
    wanted = answers(frame)
    for name, given in answers(relation).items():
        assert_frame_equal(given, wanted[name], check_exact=True)
    assert oe.check(relation) == oe.check(frame)
    wanted = oe.classify(frame, RULES)
    classified = oe.classify(relation, RULES)
    assert isinstance(classified, duckdb.DuckDBPyRelation)
    assert_frame_equal(plain(rows(classified)), plain(wanted), check_exact=True)
    kind = dict(zip(classified.columns, classified.types, strict=True))["bone_class"]
    assert dict(kind.children)["values"] == wanted["bone_class"].dtype.categories.to_list()


def test_results_are_of_arrow_and_whole_frames_are_read_as_before(connection):
    relation = connection.from_arrow(people(300).to_arrow())
    result = oe.prevalence(relation, RULES)
    assert type(result.to_frame()).__module__.partition(".")[0] == "pyarrow"
    assert oe.read(relation).frame.height == 300


def test_types_and_order_survive_and_rows_can_be_read_again(connection, table):
    frame, restore = as_polars(table)
    assert frame.collect_schema()["sex"] == pl.Enum(["female", "male"])
    out = restore(frame)
    assert out.columns == table.columns
    assert out.types == table.types
    assert out.to_arrow_table().equals(table.to_arrow_table())
    counts = "sex, count(*), sum(x)"
    for _ in range(2):
        given, wanted = (r.aggregate(counts).fetchall() for r in (out, table))
        assert sorted(given, key=str) == sorted(wanted, key=str)
    assert out.join(out.set_alias("o"), "i").count("*").fetchall() == [(ROWS,)]


def test_only_what_is_asked_is_read_and_the_connection_is_free_afterwards(connection, table):
    read = []

    class Watched:
        columns, types = table.columns, table.types

        def project(self, text: str):
            read.append(text)
            return table.project(text)

    Watched.__module__ = "duckdb"  # by which a frame is known
    frame, restore = as_polars(Watched())
    read.clear()
    assert frame.filter(pl.col("x") > 1).select("sex", "x").head(3).collect().height == 3
    assert frame.select(pl.len()).collect().item() == ROWS
    assert frame.head(2).collect()["i"].to_list() == [0, 1]
    assert read[0] == '"x", "sex"'
    assert "," not in read[1]
    for _ in range(3):
        # Most of the rows are left where they are.
        assert restore(frame).limit(2).project("i").fetchall() == [(0,), (1,)]
        assert connection.sql("select 1").fetchall() == [(1,)]
        assert frame.filter(pl.col("b")).head(1).collect(engine="streaming").height == 1
        assert frame.select(pl.col("x").max()).collect().item() == (ROWS - 1) / 2


def test_two_looks_at_once_share_one_connection(table):
    """A connection has one stream at a time, and a join of people with themselves reads two."""
    frame, restore = as_polars(table)
    twice = frame.join(frame.filter(pl.col("x") >= 1.0).select("i", y="x"), on="i")
    for engine in ("streaming", "in-memory"):
        assert twice.select(pl.len()).collect(engine=engine).item() == ROWS - 2
    assert restore(twice).count("*").fetchall() == [(ROWS - 2,)]
    # A relation of a relation is a query of a query.
    again, back = as_polars(restore(frame))
    assert back(again.with_columns(z=pl.col("x") * 2)).sum("z").fetchall() == [
        ((ROWS - 1) * ROWS / 2,)
    ]


def test_what_duckdb_cannot_give_is_said_without_a_value(connection, table):
    # The faulty row comes after the first batches.
    bad = table.project("case when i = 250000 then 'ninety' else '61' end::int as age, sex")
    frame, _ = as_polars(bad)
    assert frame.head(5).collect().height == 5
    with pytest.raises(EngineError, match="could not give the rows") as caught:
        frame.collect()
    assert "ninety" not in str(caught.value)
    assert connection.sql("select 1").fetchall() == [(1,)]
    once = connection.from_arrow(table.limit(3).to_arrow_table().to_reader())
    frame, _ = as_polars(once)
    assert frame.collect().height == 3
    with pytest.raises(EngineError, match="can be read only once"):
        frame.collect()


def test_what_no_table_of_ours_has_is_refused_with_its_names(connection):
    with pytest.raises(SchemaError, match=r"gap \(INTERVAL\).*cast them to VARCHAR"):
        as_polars(connection.sql("select 61 as age, interval 1 day as gap"))
    with pytest.raises(SchemaError, match="columns age stand twice"):
        as_polars(connection.sql("select 61 as age, 62 as age"))
    assert opened(connection, lambda frame: None) is None


def test_a_relation_without_rows_is_one_still(table):
    frame, restore = as_polars(table.filter("i < 0"))
    assert frame.collect().height == 0
    assert restore(frame.with_columns(y=pl.lit(None, pl.Float64))).fetchall() == []
    when = dt.datetime(2020, 1, 1)
    assert as_polars(table)[0].head(1).select("seen").collect().item() == when


BIG = """
import resource
import duckdb
import osteo_epi as oe
RULES = oe.definition("china_2020", reference="nhanes3_white_female")
duckdb.execute("set enable_progress_bar = false")
rows = duckdb.sql(
    "select (20.0 + i % 70)::double as age, if(i % 2 = 0, 'female', 'male') as sex, "
    "(0.5 + (i % 7001) / 1e4)::double as abmd_lumbar_spine, "
    "(0.4 + (i % 6007) / 1e4)::double as abmd_femoral_neck, "
    "(0.4 + (i % 5003) / 1e4)::double as abmd_total_hip from range(3000000) t(i)"
)
oe.classify(rows.limit(10), RULES).fetchall()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(sum(n for _, n in oe.classify(rows, RULES).aggregate("bone_class, count(*)").fetchall()))
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_many_rows_pass_through_little_memory():
    """Held whole, these classified people take more than 800 MiB."""
    done = subprocess.run([sys.executable, "-c", BIG], capture_output=True, text=True, check=True)
    n, grown = map(int, done.stdout.split())
    assert n == 3_000_000
    assert grown < 400
