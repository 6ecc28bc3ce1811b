"""Tables of one row a region or a vertebra: one row a person comes out, and nobody is lost."""

from __future__ import annotations

import polars as pl
import pytest

from osteo_epi.cohort import read
from osteo_epi.errors import SchemaError

SPINE, NECK = "abmd_lumbar_spine", "abmd_femoral_neck"
SHORT = "id,sex,age,region,BMD,T-score\n"
ROWS = "P1,F,61,{0},0.9,-1.1\nP1,F,61,{1},0.7,-1.4\nP2,M,70,{0},0.8,-2\nP2,M,70,{1},0.6,-2.2\n"


def table(folder, content):
    """A CSV file of this content."""
    path = folder / "long.csv"
    path.write_text(content, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("heading", "spine", "neck"),
    [
        ("region", "Lumbar spine", "Femoral neck"),
        ("ROI", "L1-L4", "Neck"),
        ("部位", "腰椎", "股骨颈"),
        ("检查部位", "L1-L4", "左股骨颈"),
        ("site", "spine", "FN"),
    ],
)
def test_one_row_a_region_becomes_one_row_a_person(tmp_path, heading, spine, neck):
    content = SHORT.replace("region", heading) + ROWS.format(spine, neck)
    people = read(table(tmp_path, content))
    assert people["person_id"].to_list() == ["P1", "P2"]
    assert people["age"].to_list() == [61.0, 70.0]
    assert people[SPINE].to_list() == [0.9, 0.8]
    assert people[NECK].to_list() == [0.7, 0.6]
    assert people["t_score_femoral_neck_reported"].to_list() == [-1.4, -2.2]
    steps = people.flow.to_frame().select("n_in", "n_excluded", "n_out").rows()
    assert steps == [(4, 0, 4), (4, 2, 2)]
    (said,) = people.findings.of("long_form")
    assert said.column == heading
    assert "4 rows of 2 regions became 2" in said.message
    assert not people.findings.of("repeated_person")


def test_one_row_a_vertebra_of_a_frame():
    frame = pl.DataFrame(
        {
            "ID": [1] * 4 + [2] * 4,
            "Sex": ["F"] * 8,
            "ROI": ["L1", "L2", "L3", "L4"] * 2,
            "BMC": [10.1, 11.2, 12.3, 13.4] * 2,
            "Area": [11.0, 12.0, 13.0, 14.0] * 2,
        }
    )
    people = read(frame)
    assert people["bmc_l3"].to_list() == [12.3, 12.3]
    assert people["area_l4"].to_list() == [14.0, 14.0]
    assert len(people.frame) == 2


def test_the_same_numbers_as_from_the_wide_table(tmp_path):
    wide = (
        "id,sex,age,Lumbar spine BMD,Femoral neck BMD,Lumbar spine T-score,Femoral neck T-score\n"
    )
    wide += "P1,F,61,0.9,0.7,-1.1,-1.4\nP2,M,70,0.8,0.6,-2,-2.2\n"
    expected = read(table(tmp_path, wide)).frame
    people = read(table(tmp_path, SHORT + ROWS.format("Lumbar spine", "Femoral neck")))
    assert people.frame.select(expected.columns).equals(expected)


def test_two_rows_of_one_region_are_an_error_until_one_is_chosen(tmp_path):
    content = SHORT + ROWS.format("L1-L4", "neck") + "P1,F,61,neck,0.5,-3\n"
    path = table(tmp_path, content)
    with pytest.raises(SchemaError, match=r"1 person has several rows.*\(2 rows\).*--repeats"):
        read(path)
    for repeats, density in (("first", 0.7), ("last", 0.5), ("mean", 0.6)):
        people = read(path, repeats=repeats)
        assert people[NECK].to_list() == [pytest.approx(density), 0.6], repeats
        assert people[SPINE].to_list() == [0.9, 0.8]


def test_days_are_kept_apart(tmp_path):
    content = "id,sex,age,date,region,BMD\n"
    content += (
        "P1,F,61,2019-03-01,neck,0.7\nP1,F,61,2019-03-01,L1-L4,0.9\nP1,F,62,2020-03-01,neck,0.6\n"
    )
    people = read(table(tmp_path, content))
    assert people[NECK].to_list() == [0.7, 0.6]
    assert people.findings.of("repeated_person")
    assert read(table(tmp_path, content), repeats="last")[NECK].to_list() == [0.6]


def test_merged_identifiers_are_filled_where_blocks_are_certain(tmp_path):
    content = (
        SHORT + "P1,F,61,L1-L4,0.9,-1.1\n,,,neck,0.7,-1.4\nP2,M,70,L1-L4,0.8,-2\n,,,neck,0.6,-2\n"
    )
    people = read(table(tmp_path, content))
    assert people["person_id"].to_list() == ["P1", "P2"]
    assert people["age"].to_list() == [61.0, 70.0]
    assert people[NECK].to_list() == [0.7, 0.6]
    assert [f.n for f in people.findings.of("filled_down")] == [2]
    doubtful = SHORT + "P1,F,61,neck,0.9,-1.1\n,F,66,neck,0.7,-1.4\nP2,M,70,L1-L4,0.8,-2\n"
    people = read(table(tmp_path, doubtful))
    assert len(people.frame) == 3
    assert [f.n for f in people.findings.of("region_of_nobody")] == [1]


def test_unknown_regions_are_counted_and_their_people_stay(tmp_path):
    content = SHORT + ROWS.format("L1-L4", "neck") + "P3,F,66,skull of Yorick,1.9,-1\n"
    people = read(table(tmp_path, content))
    assert people["person_id"].to_list() == ["P1", "P2", "P3"]
    (said,) = people.findings.of("unknown_region")
    assert said.n == 1
    assert "Yorick" not in str(people.findings)


def test_what_differs_within_a_person_is_said(tmp_path):
    rows = ROWS.format("L1-L4", "neck").replace("P2,M,70,neck", "P2,M,71,neck")
    people = read(table(tmp_path, SHORT + rows))
    assert [(f.column, f.n) for f in people.findings.of("differs_within_person")] == [("age", 1)]
    assert people["age"].to_list() == [61.0, 70.0]


def test_columns_of_a_region_that_are_not_known_are_kept_a_region_each(tmp_path):
    content = "id,sex,region,BMD,scan no\nP1,F,neck,0.7,A7\nP1,F,L1-L4,0.9,A8\n"
    people = read(table(tmp_path, content))
    assert people.frame.select("neck scan no", "L1-L4 scan no").rows() == [("A7", "A8")]


def test_side_and_place_have_columns_of_their_own(tmp_path):
    content = "id,sex,部位,ROI,BMD\n"
    content += "P1,F,左髋,Neck,0.7\nP1,F,左髋,Total,0.8\nP1,F,腰椎,L1,0.9\nP1,F,腰椎,Total,1.0\n"
    people = read(table(tmp_path, content))
    values = people.frame.select("abmd_femoral_neck_left", "abmd_total_hip_left", "abmd_l1", SPINE)
    assert values.rows() == [(0.7, 0.8, 0.9, 1.0)]
    content = "id,sex,检查部位,区域,BMD\n"
    content += "P1,F,左侧髋关节,颈,0.7\nP1,F,左侧髋关节,总计,0.8\nP1,F,腰椎正位,总计,1.0\n"
    content += "P1,F,Left Forearm,Radius 33%,0.6\n"
    people = read(table(tmp_path, content))
    radius = "abmd_radius_33"
    values = people.frame.select("abmd_femoral_neck_left", "abmd_total_hip_left", radius, SPINE)
    assert values.rows() == [(0.7, 0.8, 0.6, 1.0)]
    content = "id,sex,区域,检查部位,BMD\nP1,F,总计,髋关节,0.8\nP1,F,总计,腰椎,1.0\n"
    values = read(table(tmp_path, content)).frame.select("abmd_total_hip", SPINE)
    assert values.rows() == [(0.8, 1.0)]
    content = "id,sex,region,side,BMD\nP1,F,neck,L,0.7\nP1,F,neck,R,0.6\nP1,F,L1-L4,,0.9\n"
    people = read(table(tmp_path, content))
    values = people.frame.select("abmd_femoral_neck_left", "abmd_femoral_neck_right", SPINE)
    assert values.rows() == [(0.7, 0.6, 0.9)]


def test_units_and_codes_of_a_quantity_hold_for_each_region(tmp_path):
    content = "id,sex,region,BMD\nP1,F,L1-L4,900\nP1,F,neck,700\nP2,F,neck,-7\n"
    people = read(table(tmp_path, content), units={"BMD": "mg/cm2"}, missing={"BMD": [-7]})
    assert people[SPINE].to_list() == [0.9, None]
    assert people[NECK].to_list() == [pytest.approx(0.7), None]
    content = content.replace("BMD", "BMD(mg/cm2)")
    assert read(table(tmp_path, content), missing=[-7])[NECK].to_list() == [
        pytest.approx(0.7),
        None,
    ]


def test_regions_that_belong_to_nobody_are_refused(tmp_path):
    path = table(tmp_path, "sex,region,BMD\nF,L1-L4,0.9\nF,neck,0.7\n")
    with pytest.raises(SchemaError, match=r"--map HEADING=person_id.*--map region=none"):
        read(path)
    assert len(read(path, map={"region": None}).frame) == 2
    people = read(table(tmp_path, "sex,region,BMD\nF,neck,0.9\nM,neck,0.7\n"))
    assert people[NECK].to_list() == [0.9, 0.7]


def test_a_wide_table_with_the_site_of_a_fracture_stays(tmp_path):
    content = "id,sex,neck BMD,lowest,T-score\nP1,F,0.7,neck,-1\nP2,F,0.6,spine,-2\n"
    people = read(table(tmp_path, content))
    assert people["lowest"].to_list() == ["neck", "spine"]
    assert not people.findings.of("long_form")


def test_a_variable_that_there_is_not_is_refused_as_in_any_table(tmp_path):
    path = table(tmp_path, "id,sex,age,T-score\nP1,F,61,-1.1\n")
    with pytest.raises(SchemaError, match="no variable of the codebook"):
        read(path, map={"T-score": "t_score_lowest_of_all"})


def test_rows_of_a_person_without_a_day_are_of_the_day_above(tmp_path):
    """Were they not, the regions of one visit would be two people's rows, each lacking one."""
    days = ["2024-03-01", "", "2024-05-01", ""]
    frame = pl.DataFrame(
        {
            "ID": ["P1"] * 4,
            "Scan date": days,
            "Region": ["Femoral neck", "Total hip"] * 2,
            "BMD": [0.70, 0.80, 0.69, 0.79],
        }
    )
    people = read(frame)
    assert people["abmd_femoral_neck"].to_list() == [0.70, 0.69]
    assert people["abmd_total_hip"].to_list() == [0.80, 0.79]
    assert [f.n for f in people.findings.of("days_filled")] == [2]
    assert read(frame[:2].reverse())["abmd_total_hip"].to_list() == [0.80]


@pytest.mark.parametrize("typed", [False, True])
def test_regions_that_are_scanned_minutes_apart_are_of_one_day(typed):
    """They were two rows of a person, each of which lacked a region."""
    moments = ["2024-03-01 08:00", "2024-03-01 08:10", "2024-03-02 09:00", "2024-03-02 09:05"]
    frame = pl.DataFrame(
        {
            "ID": ["P1", "P1", "P2", "P2"],
            "Scan date": moments,
            "Region": ["Femoral neck", "Total hip"] * 2,
            "BMD": [0.70, 0.80, 0.69, 0.79],
        }
    )
    if typed:
        frame = frame.with_columns(pl.col("Scan date").str.to_datetime())
    people = read(frame)
    assert people["abmd_femoral_neck"].to_list() == [0.70, 0.69]
    assert people["abmd_total_hip"].to_list() == [0.80, 0.79]
    assert people["scan_date"].dt.day().to_list() == [1, 2]
    again = frame.with_columns(Region=pl.lit("Femoral neck"))
    assert len(read(again).frame) == 4
