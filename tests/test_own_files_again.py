"""What this package wrote of people, read as anybody's file: the same classes."""

from __future__ import annotations

import polars as pl
from click.testing import CliRunner

import osteo_epi as oe
from osteo_epi.cli import main
from osteo_epi.visible import csv_bytes

NECK = oe.definition(
    "iscd_2019", reference="nhanes3_white_female", sites=["femoral_neck"], sex_rule="female"
)


def people(**more):
    n = 40
    frame = {
        "id": [f"P{i:02d}" for i in range(n)],
        "sex": ["F", "M"] * (n // 2),
        "age": [50 + i for i in range(n)],
        "neck BMD": [round(0.45 + i / 80, 3) for i in range(n)],
        **more,
    }
    return oe.read(pl.DataFrame(frame))


def written_and_read(cohort, folder):
    path = folder / "classified.csv"
    path.write_bytes(csv_bytes(oe.classify(cohort, NECK, accept_errors=True).frame))
    return oe.read(path)


def test_classes_of_a_classified_file_are_the_same_again(tmp_path):
    first = people()
    again = written_and_read(first, tmp_path)
    classes = [oe.classify(one, NECK)["bone_class"].cast(pl.String) for one in (first, again)]
    assert classes[0].to_list() == classes[1].to_list()
    assert classes[0].n_unique() > 2


def test_scores_that_classifying_wrote_stand_beside_the_reported_ones(tmp_path):
    scores = [-1.5 + i / 20 for i in range(40)]
    again = written_and_read(people(**{"neck T-score": scores}), tmp_path)
    assert again["t_score_femoral_neck_reported"].to_list() == scores
    assert "t_score_femoral_neck (file)" in again.columns
    assert again["abmd_femoral_neck"].to_list() == people()["abmd_femoral_neck"].to_list()


def test_the_apostrophes_before_formulas_are_taken_away(tmp_path):
    notes = ["=1+1", "-x", "'@a", "it's", "plain"] * 8
    again = written_and_read(people(village=notes), tmp_path)
    assert again["village"].to_list() == notes


def test_a_command_reads_what_a_command_wrote(tmp_path):
    source, path = tmp_path / "clinic.csv", tmp_path / "classified.csv"
    people().frame.write_csv(source)
    definition = ["--definition", "iscd_2019", "--reference", "nhanes3_white_female"]
    words = [*definition, "--sites", "femoral_neck"]
    first = CliRunner().invoke(main, ["classify", str(source), *words, "--out", str(path)])
    assert first.exit_code == 0, first.output
    words = [*words, "--out", str(tmp_path / "out"), "--no-report", "--quiet"]
    assert CliRunner().invoke(main, ["run", str(path), *words]).exit_code == 0
