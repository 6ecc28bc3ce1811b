"""NHANES: joins, codes and cycles, against the same tables read by other software."""

from __future__ import annotations

import csv

import polars as pl
import pytest

from osteo_epi.cohort import read
from osteo_epi.errors import SchemaError

CYCLES = {"2005-2006": "D", "2007-2008": "E", "2009-2010": "F", "2017-2018": "J"}


@pytest.fixture(scope="module")
def nhanes(shared):
    return shared / "data" / "nhanes"


@pytest.fixture(scope="module")
def cycle(nhanes):
    """Each cycle is read once."""
    seen = {}
    return lambda name: seen.setdefault(name, seen.get(name) or read(nhanes / name))


def population(frame: pl.DataFrame) -> pl.DataFrame:
    """People of 50 and older, examined, not pregnant, with a femoral neck and two vertebrae."""
    vertebrae = [
        (pl.col(f"valid_l{i}") & pl.col(f"abmd_l{i}").is_not_null()).fill_null(False)
        for i in range(1, 5)
    ]
    neck = pl.col("valid_femoral_neck") & pl.col("abmd_femoral_neck").is_not_null()
    return frame.filter(
        pl.col("age") >= 50,
        pl.col("examined"),
        ~pl.col("pregnant").fill_null(False),
        neck,
        pl.sum_horizontal(vertebrae) >= 2,
    )


@pytest.mark.parametrize("name", CYCLES)
def test_the_population_is_that_of_r(shared, cycle, name):
    with (shared / "golden" / "nhanes_prevalence.csv").open() as file:
        golden = {
            row["sex"]: int(row["n"])
            for row in csv.DictReader(file)
            if (row["cycle"], row["class"]) == (name, "osteoporosis")
        }
    people = population(cycle(name).frame)
    counts = {"all": len(people)}
    counts |= {
        f"{'women' if s == 'female' else 'men'}": n
        for s, n in people["sex"].value_counts().iter_rows()
    }
    assert counts == golden


@pytest.mark.parametrize("name", CYCLES)
def test_the_join_is_that_of_pandas(nhanes, cycle, name):
    import pyreadstat

    def table(kind):
        return pyreadstat.read_xport(nhanes / name / f"{kind}_{CYCLES[name]}.XPT")[0]

    whole = table("DEMO")
    for kind in ("DXXFEM", "DXXSPN", "BMX", "RHQ"):
        whole = whole.merge(table(kind), on="SEQN", how="left", validate="1:1")
    people = cycle(name).frame
    assert people["person_id"].to_list() == [str(int(s)) for s in whole["SEQN"]]
    oracle = pl.from_pandas(whole, nan_to_null=True)
    for theirs, ours in {
        "RIDAGEYR": "age",
        "WTMEC2YR": "survey_weight",
        "DXXNKBMD": "abmd_femoral_neck",
        "DXXL4BMC": "bmc_l4",
        "DXXL2A": "area_l2",
        "DXXOSBMD": "abmd_lumbar_spine",
        "BMXHT": "height",
        "INDFMPIR": "INDFMPIR",
    }.items():
        assert people[ours].equals(oracle[theirs].alias(ours), null_equal=True), ours
    coded = oracle.select(
        valid=pl.when(pl.col("DXXL3BCC").is_not_null()).then(pl.col("DXXL3BCC") == 0),
        sex=pl.col("RIAGENDR").replace_strict({1.0: "male", 2.0: "female"}),
    )
    assert people["valid_l3"].equals(coded["valid"].alias("valid_l3"), null_equal=True)
    assert people["sex"].cast(pl.String).to_list() == coded["sex"].to_list()


def test_known_facts_of_2017_2018_are_found(cycle):
    people = cycle("2017-2018")
    assert people.findings.of("total_not_its_parts")[0].n == 27
    assert [f.n for f in people.findings.of("missing_code", "abmd_l1")] == [1]
    assert people.findings.of("age_top_coded")[0].message.startswith("the highest age (80)")
    assert people.frame.filter(~pl.col("valid_l4"))["invalid_reason_l4"].null_count() == 0
    assert people.frame.filter(pl.col("valid_l4"))["invalid_reason_l4"].count() == 0


def test_a_zero_that_is_coded_valid_is_missing(cycle):
    frame = cycle("2017-2018").frame
    assert frame["abmd_l1"].min() > 0.15
    zero = frame.filter(
        pl.col("valid_l1"), pl.col("abmd_l1").is_null(), pl.col("area_l1").is_null()
    )
    assert len(zero) >= 1


def test_menopause_is_asked_of_women_and_not_told_by_hysterectomy(cycle):
    for name in CYCLES:
        frame = cycle(name).frame
        assert frame.filter(pl.col("sex") == "male")["postmenopausal"].count() == 0
        assert frame.filter(pl.col("ovaries_removed"))["postmenopausal"].all()
        reason = "RHD043" if "RHD043" in frame.columns else "RHD042"
        early = (pl.col(reason) == 7) & (pl.col("RHD280") == 1)
        surgery = pl.col(reason) == 3 if reason == "RHD043" else early
        kept = frame.filter(surgery, pl.col("ovaries_removed").not_())
        assert len(kept) > 50
        assert kept["postmenopausal"].count() == 0
        women = frame.filter(pl.col("sex") == "female", pl.col("age").is_between(60, 79))
        assert women["postmenopausal"].drop_nulls().mean() > 0.99


def test_people_over_the_tables_limit_have_an_unusable_hip_and_spine(cycle):
    frame = cycle("2009-2010").frame.filter(
        pl.col("hip_unusable_reason").str.contains("weight limit")
    )
    assert len(frame) == 141
    assert frame["spine_unusable_reason"].null_count() == 0
    assert frame["abmd_femoral_neck"].count() == 0


def test_cycles_are_combined_with_divided_weights(nhanes, cycle):
    both = read(nhanes, cycles=["2005-2006", "2007-2008"])
    one, two = cycle("2005-2006").frame, cycle("2007-2008").frame
    assert both["cycle"].unique(maintain_order=True).to_list() == ["2005-2006", "2007-2008"]
    assert len(both) == len(one) + len(two)
    total = both["survey_weight"].sum()
    assert total == pytest.approx((one["survey_weight"].sum() + two["survey_weight"].sum()) / 2)
    assert both.findings.of("cycles_combined")[0].n == len(both)
    listed = read([nhanes / "2005-2006", nhanes / "2007-2008"])
    assert listed.frame.equals(both.frame)
    assert "2005-2006, 2007-2008" in both.source.label


def test_a_demographic_table_read_alone_declares_its_own_coding(nhanes):
    people = read(nhanes / "2017-2018" / "DEMO_J.XPT")
    assert people["sex"].null_count() == 0
    assert people["survey_weight"].max() > 1000


def test_folders_that_do_not_hold_a_cycle(nhanes, tmp_path):
    (tmp_path / "BMX_J.XPT").write_bytes((nhanes / "2017-2018" / "BMX_J.XPT").read_bytes())
    with pytest.raises(SchemaError, match="needs the NHANES tables DEMO and DXXFEM or DXXSPN"):
        read(tmp_path)
    with pytest.raises(SchemaError, match="no folder 1999-2000; there are 2005-2006"):
        read(nhanes, cycles=["1999-2000"])
    with pytest.raises(SchemaError, match="given more than once"):
        read([nhanes / "2017-2018", nhanes / "2017-2018"])
    (tmp_path / "BMX_I.XPT").write_bytes(b"x")
    with pytest.raises(SchemaError, match="a folder of its own"):
        read(tmp_path)


def test_nhanes_asked_of_another_folder(tmp_path):
    with pytest.raises(SchemaError, match="holds no NHANES tables; it needs DEMO"):
        read(tmp_path, source="nhanes")
    file = tmp_path / "a.csv"
    file.write_text("age\n61\n")
    with pytest.raises(SchemaError, match=r"a\.csv is no folder"):
        read(file, source="nhanes")


@pytest.mark.parametrize("name", CYCLES)
def test_no_reading_of_nhanes_is_implausible_and_nothing_is_an_error(cycle, name):
    people = cycle(name)
    assert not people.findings.errors
    assert not [column for column in people.columns if column.endswith("_as_given")]
    assert "out_of_range" not in people.findings.codes


def test_frax_is_taken_as_given_by_the_fracture_that_is_reported(nhanes, cycle, tmp_path):
    import pyreadstat

    folder = tmp_path / "2009-2010"
    folder.mkdir()
    for path in (nhanes / "2009-2010").glob("*.XPT"):
        (folder / path.name).symlink_to(path)
    first = cycle("2009-2010")["person_id"].head(4).cast(pl.Float64)
    table = pl.DataFrame(
        {
            "SEQN": first, "DXXPRVFX": [1.0, 2.0, 9.0, None], "DXXFRAX1": 2.0, "DXXFRAX2": 12.0,
            "DXXFRAX3": 1.0, "DXXFRAX4": 6.0,
        }
    )  # fmt: skip
    pyreadstat.write_xport(table.to_pandas(), str(folder / "DXXFRX_F.XPT"), file_format_version=5)
    people = read(folder)
    assert people["frax_hip"].head(4).to_list() == [2.0, 1.0, None, None]
    assert people["frax_major"].head(4).to_list() == [12.0, 6.0, None, None]
    assert "frax_hip" not in cycle("2009-2010").columns
