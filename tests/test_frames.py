"""Any frame goes in, and the same kind comes back with the caller's own columns untouched."""

from __future__ import annotations

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import dataset, fs

import osteo_epi as oe
from osteo_epi.errors import SchemaError
from osteo_epi.frames import as_polars

BMD = [0.558, None, 0.7312345678901234]


def older(frame):
    return frame.with_columns(
        (pl.col("abmd") < 0.6).alias("low"), pl.col("abmd").mul(2.0).alias("twice")
    )


def test_pandas_keeps_index_dtypes_and_missing_answers():
    data = pd.DataFrame(
        {
            "abmd": BMD,
            "label": pd.Categorical(["a", "b", "a"]),
            "n": pd.array([1, None, 3], "Int64"),
        },
        index=[7, 5, 7],
    )
    before = data.copy(deep=True)
    frame, leave = as_polars(data)
    assert frame["abmd"].null_count() == 1
    out = leave(older(frame))
    pd.testing.assert_frame_equal(out[list(data.columns)], before)
    pd.testing.assert_frame_equal(data, before)
    assert out["low"].dtype == "boolean"
    assert out["low"].isna().tolist() == [False, True, False]
    assert out["twice"].iloc[2] == 2 * BMD[2]


def test_pandas_result_with_fewer_rows_is_still_pandas():
    frame, leave = as_polars(pd.DataFrame({"abmd": BMD}))
    assert len(leave(frame.drop_nulls())) == 2


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (pl.DataFrame, pl.DataFrame),
        (pl.LazyFrame, pl.LazyFrame),
        (pa.table, pa.Table),
        (lambda d: duckdb.from_arrow(pa.table(d)), duckdb.DuckDBPyRelation),
    ],
)
def test_the_same_kind_comes_back_with_the_same_bits(make, kind):
    frame, leave = as_polars(make({"abmd": BMD}))
    out = leave(older(frame))
    assert isinstance(out, kind)
    values = (
        out.lazy().collect() if isinstance(out, pl.DataFrame | pl.LazyFrame) else pl.DataFrame(out)
    )
    assert values["abmd"].to_list() == BMD


def test_what_is_no_frame_is_refused_with_the_way_out():
    with pytest.raises(
        SchemaError, match=r"got list; read a file, or a dict of columns, with osteo_epi.read"
    ):
        as_polars([0.558])


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (pd.DataFrame({"t": [1.0, "n/a"], "age": [60, 70]}), "columns t hold values of several"),
        (pd.DataFrame([[1, 2]], columns=["age", "age"]), "columns age stand twice"),
        (pd.Series([1, 2]), "expected a frame"),
    ],
)
def test_what_pandas_holds_and_no_table_can_is_refused(frame, words):
    with pytest.raises(SchemaError, match=words):
        as_polars(frame)


def test_classified_people_lie_in_one_piece_beside_their_own_columns():
    """Columns cut in different places are copied whenever some of them are looked at."""
    people = oe.simulate(300, seed=1).frame
    parts = pl.concat([people.slice(start, 100) for start in (0, 100, 200)], rechunk=False)
    rules = oe.definition("china_2020", reference="zhang_2007")
    classified = oe.classify(parts, rules)
    assert set(classified.n_chunks("all")) == {1}
    assert classified.equals(oe.classify(people, rules))
    assert classified.select(people.columns).equals(people)


def test_pandas_columns_that_hold_nothing_are_of_no_type_and_ordered_ones_keep_their_order():
    """A cohort turned to pandas and handed back was refused for a column without a value."""
    frame = pd.DataFrame({"empty": pd.Series([None, None], dtype=object)})
    frame["size"] = pd.Categorical(["small", "large"], ["small", "large"], ordered=True)
    polars, restore = as_polars(frame)
    assert polars.schema == {"empty": pl.Null, "size": pl.Enum(["small", "large"])}
    assert restore(polars).dtypes.to_dict() == frame.dtypes.to_dict()


def test_people_turned_to_pandas_give_what_they_gave():
    rules = oe.definition("iscd_2019", reference="nhanes3_white_female")
    people = oe.simulate(300, seed=1)
    wanted = oe.prevalence(people, rules).to_frame()
    given = oe.prevalence(people.frame.to_pandas(), rules).to_frame()
    shares = wanted["estimate"].fill_null(float("nan")).to_list()
    assert given["estimate"].tolist() == pytest.approx(shares, nan_ok=True)


def test_a_folder_with_partitions_in_its_names_is_one_table(tmp_path):
    people = oe.simulate(400, seed=1).frame.with_columns(
        year=2010 + pl.int_range(pl.len()) % 3, sex=pl.col("sex").cast(pl.String)
    )
    dataset.write_dataset(
        people.to_arrow(),
        tmp_path,
        format="parquet",
        partitioning=["year", "sex"],
        partitioning_flavor="hive",
    )
    folder = dataset.dataset(tmp_path, partitioning="hive")
    store = fs.SubTreeFileSystem(str(tmp_path.parent), fs.LocalFileSystem())  # as of a bucket
    stored = dataset.dataset(tmp_path.name, filesystem=store, partitioning="hive")
    rules = oe.definition("iscd_2019", reference="nhanes3_white_female")
    options = {"over": "year", "by": "sex"}
    wanted = oe.population.prevalence_trend(people, rules, **options)
    scan = pl.scan_parquet(tmp_path / "**/*.parquet", hive_partitioning=True)
    for given in (scan, folder, stored):
        trend = oe.population.prevalence_trend(given, rules, **options)
        assert trend.to_polars().equals(wanted.to_polars())
        rows = oe.classify(given, rules).select("person_id", "bone_class").sort("person_id")
        expected = oe.classify(people, rules).select("person_id", "bone_class").sort("person_id")
        assert rows.collect().equals(expected)
    assert isinstance(trend.to_frame(), pa.Table)
    assert oe.read(folder).frame.height == 400
    frame, _ = as_polars(folder)
    assert frame.head(7).collect().height == 7
    older = frame.filter(pl.col("age") > 60).select("year")
    assert older.collect().height == people.filter(pl.col("age") > 60).height


def test_intervals_periods_and_headings_that_are_no_text_come_from_pandas():
    """As `pandas.cut` makes groups, and `reset_index` a column 0."""
    cut = pd.cut([55.0, 66.0, float("nan")], [50, 60, 70], right=False)
    period = pd.PeriodIndex(["2020", "2021", "2021"], freq="Y")
    data = pd.DataFrame({"age": [55.0, 66.0, 61.0], "band": cut, "year": period, 0: [1, 2, 3]})
    frame, restore = as_polars(data)
    assert frame["band"].to_list() == ["[50.0, 60.0)", "[60.0, 70.0)", None]
    assert frame["year"].to_list() == ["2020", "2021", "2021"]
    back = restore(frame.with_columns(pl.col("age") + 1))
    assert list(back.columns) == ["age", "band", "year", "0"]
    assert back["band"].dtype == data["band"].dtype
    assert back["year"].dtype == data["year"].dtype
