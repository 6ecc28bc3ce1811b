"""What this package wrote of people, read as anybody's file: the same classes."""

from __future__ import annotations

import polars as pl
import pytest
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


SOURCES = {
    "clinic": lambda: oe.read(oe.datasets.clinic_file()),
    "survey": oe.datasets.survey,
    "simulated, hips of CT too": lambda: oe.simulate(300, seed=4),
    "codes and both hips": lambda: oe.read(
        pl.DataFrame(
            {
                "id": [f"P{i}" for i in range(40)],
                "sex": ["F", "M"] * 20,
                "age": [50 + i for i in range(40)],
                "Left neck BMD": [0.5 + i / 100 for i in range(40)],
                "Right neck BMD": [0.51 + i / 100 for i in range(40)],
                "neck T-score": [-3.0 + i / 20 for i in range(40)],
                "bone_class": ["a", "b"] * 20,
            }
        )
    ),
}
OF_HEADINGS = {
    *("unknown_heading", "other_heading", "ambiguous_heading", "renamed_heading", "no_heading"),
    "displaced_heading",
}


@pytest.mark.parametrize("kind", SOURCES)
@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.filterwarnings("ignore::osteo_epi.errors.OsteoEpiWarning")
def test_what_a_command_writes_of_people_is_read_without_a_word_on_headings(
    tmp_path, kind, language, ending
):
    """A table of people is written as CSV and Parquet alone; a run writes Parquet."""
    source, path = tmp_path / "source.parquet", tmp_path / f"classified.{ending}"
    SOURCES[kind]().frame.write_parquet(source)
    rules = ["--definition", "iscd_2019", "--reference", "nhanes3_white_female"]
    rules += ["--sites", "femoral_neck", "--accept-errors"]
    if ending == "parquet":
        rules += ["--no-report", "--language", language]
        words = ["run", str(source), *rules, "--out", str(tmp_path)]
    else:
        words = ["classify", str(source), *rules, "--out", str(path)]
    answer = CliRunner().invoke(main, [*words, "--overwrite"] if "run" in words else words)
    assert answer.exit_code == 0, answer.output
    first, again = oe.read(source), oe.read(path)
    before = {(f.code, f.column) for f in first.findings}
    told = [f for f in again.findings if f.code in OF_HEADINGS and (f.code, f.column) not in before]
    assert told == []
    classes = [oe.classify(one, NECK, accept_errors=True)["bone_class"] for one in (first, again)]
    assert classes[0].cast(pl.String).to_list() == classes[1].cast(pl.String).to_list()


def test_a_score_of_our_own_is_not_taken_for_a_reported_one(tmp_path):
    """Nor are those of two scanners, which would claim one variable, a fault of the file."""
    people = oe.simulate(300, seed=4)
    rules = oe.definition("china_2020", reference="zhang_2007")
    again = oe.read(oe.classify(people, rules, accept_errors=True).frame)
    assert not [name for name in again.columns if name.endswith("_reported")]
    assert {"t_score_femoral_neck (file)", "t_score_femoral_neck_ctxa (file)"} <= set(again.columns)
    chosen = {"t_score_femoral_neck": "t_score_femoral_neck_reported"}
    frame = oe.classify(people, rules, accept_errors=True).frame
    mapped = oe.read(frame, map=chosen)["t_score_femoral_neck_reported"]
    assert mapped.count() == frame["t_score_femoral_neck"].count() > 0


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
