"""Rows of one person and day: regions and hips of one visit are joined, all else is asked about."""

from __future__ import annotations

import polars as pl
import pytest

from osteo_epi.cohort import read
from osteo_epi.diagnosis import classify, definition
from osteo_epi.report import Choices
from osteo_epi.report.proposal import propose

SPINE, NECK = "t_score_lumbar_spine_reported", "t_score_femoral_neck_reported"
SCANS = {
    "ID": ["a"] * 3 + ["b"] * 3 + ["c"],
    "Sex": ["F"] * 7,
    "Age": [66] * 3 + [70] * 3 + [61],
    "Scan Date": ["2019-03-05"] * 3 + ["2019-03-06"] * 3 + ["2019-03-07"],
    "Scan Type": ["AP Spine", "Left Hip", "Right Hip"] * 2 + ["Left Hip"],
    "L1-L4 T-score": [-1.0, None, None, -2.7, None, None, None],
    "Femoral Neck T-score": [None, -1.2, -2.6, None, -0.4, -0.9, -0.3],
    "Trochanter T-score": [None, -1.1, -2.0, None, -0.5, -0.6, 0.1],
    "Lowest T-score": [-1.0, -1.2, -2.6, -2.7, -0.5, -0.9, -0.3],
}


def scans(**columns):
    return SCANS | columns


def test_a_row_a_scan_becomes_a_row_a_person():
    """The lower hip decides of a, the spine of b; c was scanned once."""
    people = read(scans())
    assert people["person_id"].to_list() == ["a", "b", "c"]
    assert people[SPINE].to_list() == [-1.0, -2.7, None]
    assert people["t_score_femoral_neck_left_reported"].to_list() == [-1.2, -0.4, None]
    assert people["t_score_femoral_neck_right_reported"].to_list() == [-2.6, -0.9, None]
    assert people[NECK].to_list() == [-2.6, -0.9, -0.3]
    assert people["t_score_trochanter_reported"].to_list() == [-2.0, -0.6, 0.1]
    assert people["t_score_min_reported"].to_list() == [-2.6, -2.7, -0.3]
    (said,) = people.findings.of("one_row_a_visit")
    assert (said.n, said.severity) == (6, "note")
    assert "6 rows became 2, left and right hips by the column Scan Type" in said.message
    assert not people.findings.errors
    steps = people.flow.to_frame().select("step", "n_in", "n_excluded", "n_out").rows()
    assert steps == [("read", 7, 0, 7), ("one row a person and day", 7, 4, 3)]
    rules = definition("who_1994", reference="reported", sites=["lumbar_spine", "femoral_neck"])
    assert classify(people, rules)["bone_class"].to_list()[:2] == ["osteoporosis"] * 2


@pytest.mark.parametrize("repeats", ["first", "last", "mean"])
def test_the_row_that_counts_is_that_of_the_whole_visit(repeats):
    assert read(scans(), repeats=repeats)[NECK].to_list() == [-2.6, -0.9, -0.3]


def test_hips_of_columns_of_their_own():
    left, right = [None, -1.2, None, None, -0.4, None, -0.3], [None] * 2 + [-2.6] + [None] * 4
    sided = scans(**{"Left Femoral Neck T-score": left, "Right Femoral Neck T-score": right})
    for name in ("Femoral Neck T-score", "Trochanter T-score", "Scan Type"):
        del sided[name]
    people = read(sided)
    assert people[NECK].to_list() == [-2.6, -0.4, -0.3]
    assert not people.findings.errors


@pytest.mark.parametrize(
    "columns",
    [
        {"Scan Type": ["AP Spine", "Hip", "Hip"] * 2 + ["Hip"]},
        {"Scan Type": ["AP Spine", "Left Hip", "Left Hip"] * 2 + ["Left Hip"]},
        {"Scan Type": ["AP Spine", "Left Hip", None] * 2 + ["Left Hip"]},
        {"Age": [66, 66, 67, 70, 70, 71, 61]},
        {"Name": ["Li Na", "Wu Min", "Wu Min"] * 2 + ["Hu"]},
        {"Device": ["Hologic", "Hologic", "Lunar"] * 2 + ["Lunar"]},
        {"Scan Date": ["2019-03-05", "2019-03-05", "2019-05-05"] * 2 + ["2019-03-05"]},
    ],
    ids=["no side", "a side twice", "a side not said", "ages", "names", "devices", "days"],
)
def test_rows_that_differ_are_asked_about(columns):
    people = read(scans(**columns))
    kinds = {"same_person_same_day", "repeated_person"} & {f.code for f in people.findings.errors}
    assert kinds, people.findings


def test_one_name_in_two_spellings_is_one():
    people = read(scans(**{"Name": ["Li Na", "LI, NA", "li na"] * 2 + ["Hu"]}))
    assert people[NECK].to_list() == [-2.6, -0.9, -0.3]


def test_copies_are_asked_about():
    people = read(pl.concat([pl.DataFrame(SCANS).tail(1)] * 2))
    assert people.findings.of("same_person_same_day")[0].n == 2


def test_regions_of_several_files(tmp_path):
    who = pl.DataFrame(SCANS).filter(pl.col("Scan Type") != "Right Hip").drop("Lowest T-score")
    spine = who.filter(pl.col("Scan Type") == "AP Spine").drop("Femoral Neck T-score")
    spine.write_csv(tmp_path / "spines.csv")
    who.filter(pl.col("Scan Type") == "Left Hip").write_csv(tmp_path / "hips.csv")
    people = read([tmp_path / "spines.csv", tmp_path / "hips.csv"])
    assert people[NECK].to_list() == [-1.2, -0.4, -0.3]
    assert people[SPINE].to_list() == [-1.0, -2.7, None]
    assert not people.findings.errors


def test_the_proposal_goes_by_people_whose_rows_are_joined(tmp_path):
    """Ages stand in one file and measurements in another: nobody's row holds both."""
    ages = pl.DataFrame({"ID": range(120), "Sex": ["F", "M"] * 60, "Age": range(50, 170)})
    ages = ages.with_columns(Age=50 + (pl.col("Age") - 50) // 3)
    ages.write_csv(tmp_path / "people.csv")
    scores = {"L1-L4 T-score": -pl.col("Age") / 30, "Femoral Neck T-score": -pl.col("Age") / 28}
    ages.with_columns(**scores).drop("Sex", "Age").write_csv(tmp_path / "dxa.csv")
    files = [str(tmp_path / name) for name in ("people.csv", "dxa.csv")]
    command = propose(read(files), Choices(files), files).command
    assert command.endswith("--standard china_2010 --repeats mean")


def test_the_first_of_rows_that_hold_different_regions_is_not_proposed():
    """It would be the spine's row, and no hip would be read."""
    people = read(scans(**{"Scan Type": ["AP Spine", "Hip", "Hip"] * 2 + ["Hip"]}))
    assert "--repeats mean" in (propose(people, Choices(["c.csv"]), ["c.csv"]).command or "")


def test_names_that_differ_are_told_beside_the_proposal():
    """Two people under one identifier, whose regions the mean would join."""
    people = read(scans(Name=["Li Na", "Wu Min", "Wu Min", "Hu", "HU", "hu", "Xu"]))
    notes = propose(people, Choices(["c.csv"]), ["c.csv"]).notes
    assert any(n.startswith("Name: it differs") and "identifier, in 1;" in n for n in notes)


def test_hips_that_tell_no_region_are_named_beside_the_proposal():
    rows = {"Site": ["Spine", "Left Hip"], "T-score": [-1.0, -2.6], "ID": ["a", "a"]}
    people = read(rows | {"Sex": ["F", "F"], "Age": [66, 66]})
    notes = " ".join(propose(people, Choices(["c.csv"]), ["c.csv"]).notes)
    assert "Left Hip T-score: the command does not read them" in notes
