"""A file's own column under a name that classifying writes is kept, and said, under another."""

from __future__ import annotations

import polars as pl
import pytest
from click.testing import CliRunner

import osteo_epi as oe
from osteo_epi.cli import main
from osteo_epi.cohort import codebook
from osteo_epi.errors import DesignError

REFERENCE = "nhanes_2005_2010_derived"
RULES = oe.definition("china_2020", reference=REFERENCE)
WRITTEN = sorted(codebook().written - {"advice"})  # with all of them, people were classified


def people() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "age": [66.0, 70.0, 61.0, 58.0],
            "sex": ["female", "male", "female", "male"],
            "abmd_lumbar_spine": [0.7, 1.0, 0.9, 1.1],
            "abmd_femoral_neck": [0.6, 0.8, 0.9, 1.0],
            "abmd_total_hip": [0.7, 0.9, 0.9, 1.0],
        }
    )


@pytest.mark.parametrize("reference", [REFERENCE, "reported"])
def test_the_codebook_names_every_column_that_classifying_writes(reference):
    simulated = oe.simulate(n=300, seed=1).frame
    more = simulated.with_columns(abmd_total_hip_left=pl.col("abmd_total_hip"), tbs=1.2)
    rules = oe.definition("china_2020", reference=reference)
    written = set(oe.classify(more, rules, accept_errors=True).columns) - set(more.columns)
    assert written - {"fragility_fracture"} <= codebook().written


def test_columns_of_all_such_names_are_kept_whether_read_or_classified():
    theirs = ["q", "r", "q", "r"]
    frame = people().with_columns(pl.Series(name, theirs) for name in WRITTEN)
    plain = oe.classify(people(), RULES)
    given = oe.classify(frame, RULES)
    read = oe.read(frame, map=dict.fromkeys(WRITTEN))
    assert given.select(plain.columns).equals(plain)
    assert oe.classify(read, RULES).frame.select(plain.columns[5:]).equals(plain[:, 5:])
    for name in WRITTEN:
        assert given[f"{name} (file)"].to_list() == theirs, name
        assert read.frame[f"{name} (file)"].to_list() == theirs, name


def test_what_is_renamed_is_said_and_nothing_else_of_it():
    frame = people().with_columns(bone_class=pl.lit("zzz"))
    for findings in (oe.read(frame).findings, oe.classify(oe.read(frame), RULES).findings):
        (said,) = findings.of("renamed_heading")
        assert (said.column, said.severity) == ("bone_class", "note")
        assert not findings.of("unknown_heading")
        assert "'bone_class (file)'" in said.message


def test_a_cohort_with_such_a_column_says_it_when_it_is_classified():
    cohort = oe.read(people())
    cohort = cohort.with_frame(cohort.frame.with_columns(advice=pl.lit("q")))
    classified = oe.classify(cohort, RULES)
    assert classified.frame["advice (file)"].to_list() == ["q"] * 4
    assert [f.column for f in classified.findings.of("renamed_heading")] == ["advice"]


def test_people_who_were_classified_before_are_classified_anew():
    once = oe.classify(people(), RULES)
    assert oe.classify(once, RULES).equals(once)


def test_groups_by_the_class_are_refused_and_by_the_column_of_the_file_are_not(tmp_path):
    frame = (
        pl.concat([people()] * 30)
        .with_columns(pl.Series("bone_class", ["a", "a", "b", "b"] * 30))
        .with_row_index("person_id")
    )
    with pytest.raises(DesignError, match=r"'bone_class \(file\)'"):
        oe.prevalence(oe.classify(frame, RULES), RULES, by="bone_class")
    table = tmp_path / "clash.csv"
    frame.write_csv(table)
    command = ["run", str(table), "--reference", REFERENCE, "--no-report", "--quiet"]
    command += ["--out", str(tmp_path / "out"), "--by"]
    refused = CliRunner().invoke(main, [*command, "bone_class"])
    assert refused.exit_code == 2
    assert "'bone_class (file)'" in refused.output
    CliRunner().invoke(main, [*command, "bone_class (file)"], catch_exceptions=False)
    groups = pl.read_csv(tmp_path / "out" / "prevalence.csv")["bone_class (file)"]
    assert set(groups) == {"all", "a", "b"}


def test_columns_that_begin_like_working_ones_stay():
    frame = people().with_columns(_oe_mine=pl.lit("q"))
    assert oe.classify(frame, RULES)["_oe_mine (file)"].to_list() == ["q"] * 4


def test_fractures_that_were_judged_beforehand_are_not_the_files_own() -> None:
    person = {"age": [66.0], "sex": ["female"], "abmd_femoral_neck": [0.9]}
    record = {"fracture_site": ["wrist"], "fracture_trauma": ["minor"]}
    parts = {"fracture_imaging_evidence": [True], "secondary_causes_excluded": [True]}
    judged = oe.diagnosis.with_fragility_fracture(pl.DataFrame(person | record | parts))
    again = oe.classify(judged, oe.definition("china_2020", reference="nhanes3_white_female"))
    assert again["fracture_reason"].to_list() == ["fracture_established"]
    assert not [name for name in again.columns if "(file)" in name]
