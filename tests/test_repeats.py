"""One person is counted once: repeat scans, visits, copies, and identifiers that people share."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

from osteo_epi.cli import main
from osteo_epi.cohort import read
from osteo_epi.errors import SchemaError
from osteo_epi.report import Choices

VISITS = {
    "id": ["a", "b", "a", "c", "a"],
    "sex": ["F", "M", "F", "F", None],
    "age": [66, 70, 64, 71, 66],
    "scan date": ["2019-03-05", "2019-03-06", "2017-03-05", "2019-03-07", "2019-03-05"],
    "FN BMD": [0.70, 0.85, 0.74, 0.90, 0.72],
    "note": ["second", "x", "first", "y", "again"],
}


def written(tmp_path, columns):
    path = tmp_path / "clinic.csv"
    pl.DataFrame(columns).write_csv(path)
    return path


def test_repeats_are_an_error_until_it_is_said_which_row_counts(tmp_path):
    people = read(written(tmp_path, VISITS))
    assert len(people) == 5
    assert {f.code: f.n for f in people.findings.errors} == {
        "same_person_same_day": 2,
        "repeated_person": 1,
    }
    for finding in people.findings.errors:
        assert "repeats= (--repeats first|last|mean)" in finding.fix


@pytest.mark.parametrize(
    ("repeats", "age", "density", "note"),
    [
        ("first", 64.0, 0.74, "first"),
        ("last", 66.0, 0.72, "again"),
        ("mean", 64.0, 0.72, "first"),
    ],
)
def test_the_row_that_counts(tmp_path, repeats, age, density, note):
    people = read(written(tmp_path, VISITS), repeats=repeats)
    assert people["person_id"].to_list() == ["a", "b", "c"]
    first = people.frame.row(0, named=True)
    assert (first["age"], first["note"]) == (age, note)
    assert first["abmd_femoral_neck"] == pytest.approx(density)
    assert not people.findings.errors
    assert people.findings.of("one_row_a_person")[0].n == 2
    steps = people.flow.to_frame().select("step", "n_in", "n_excluded", "n_out").rows()
    assert steps == [("read", 5, 0, 5), ("one row a person", 5, 2, 3)]


@pytest.mark.parametrize("repeats", ["first", "mean"])
def test_two_hips_in_rows_of_their_own_are_said(tmp_path, repeats):
    """They were averaged, or one was left out, and the lower one decides."""
    hips = ["Left Hip", "Right Hip", "Left hip", "R hip"]
    columns = {"id": ["a", "a", "b", "b"], "sex": ["F"] * 4, "age": [66] * 4, "scan": hips}
    scans = columns | {"FN BMD": [0.7, 0.8, 0.75, 0.6], "hand": ["left", "left", "right", "right"]}
    scans["text"] = ["left and right hips seen"] * 4
    (said,) = read(written(tmp_path, scans), repeats=repeats).findings.of("sides_in_rows")
    assert (said.column, said.n, said.severity) == ("scan", 2, "warning")


def test_the_mean_takes_what_is_stated_once(tmp_path):
    people = read(written(tmp_path, VISITS | {"sex": [None, "M", None, "F", "F"]}), repeats="mean")
    assert people["sex"].to_list() == ["female", "male", "female"]


def test_another_word_is_refused(tmp_path):
    with pytest.raises(SchemaError, match=r"--repeats.*one of error, first, last, mean"):
        read(written(tmp_path, VISITS), repeats="newest")


@pytest.mark.parametrize(
    "columns",
    [
        {"sex": ["F", "M", "M", "F", "F"]},
        {"age": [66, 70, 30, 71, 66]},
    ],
)
def test_people_who_share_an_identifier_are_not_merged(tmp_path, columns):
    people = read(written(tmp_path, VISITS | columns), repeats="first")
    assert len(people) == 5
    assert people.findings.of("shared_identifier")[0].n == 3


def test_an_age_that_every_visit_repeats_is_of_one_person(tmp_path):
    people = read(written(tmp_path, VISITS | {"age": [66, 70, 66, 71, 66]}))
    assert "shared_identifier" not in people.findings.codes


COPIES = {"sex": ["F"] * 60, "age": [66] * 60, "FN BMD": [0.7] * 60}


def test_copies_without_an_identifier_are_found_and_dropped_where_asked_for(tmp_path):
    path = written(tmp_path, COPIES)
    (finding,) = read(path).findings.errors
    assert (finding.code, finding.n) == ("identical_rows", 60)
    assert len(read(path, repeats="first")) == 1


@pytest.mark.parametrize("n", [200, 2000])
def test_people_who_agree_by_chance_are_no_copies(tmp_path, n):
    """Age in years and a score of one decimal: of 2,000 people most agree with another."""
    columns = {
        "sex": ["F" if i % 2 else "M" for i in range(n)],
        "age": [50 + (i * 7919) % 30 for i in range(n)],
        "FN T-score": [round(-3.5 + 0.1 * ((i * 104729) % 47), 1) for i in range(n)],
    }
    path = written(tmp_path, columns)
    assert "identical_rows" not in read(path).findings.codes
    assert len(read(path, repeats="first")) == n


def region_alone(heading: str, n: int, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    return pl.DataFrame({
        "sex": rng.choice(["F", "M"], n), "age": rng.integers(50, 80, n),
        "weight": rng.normal(60, 9, n).round(1), heading: rng.normal(0.8, 0.1, n).round(3),
    })  # fmt: skip


@pytest.mark.parametrize("heavy", [True, False])
def test_copies_are_found_beside_a_file_of_another_region(tmp_path, heavy):
    hip, spine = region_alone("FN BMD", 3000, 1), region_alone("LS BMD", 3000, 2)
    spine = spine if heavy else spine.drop("weight")
    for name, frame in (("a", hip), ("b", spine)):
        frame.write_csv(tmp_path / f"{name}.csv")
    given = str(tmp_path / "*.csv")
    # Of 3,000 without a weight some hundred agree in sex, age and density with another.
    assert "identical_rows" not in read(given).findings.codes
    hip.head(200).write_csv(tmp_path / "c.csv")
    assert 400 <= read(given).findings.of("identical_rows")[0].n < 420
    assert 5990 < len(read(given, repeats="first")) <= 6000


def test_few_copies_of_people_who_are_told_badly_are_not_called_so(tmp_path):
    people = region_alone("FN BMD", 3000, 1).drop("weight")
    pl.concat([people, people.head(200)]).write_csv(tmp_path / "a.csv")
    assert "identical_rows" not in read(tmp_path / "a.csv").findings.codes


def test_rows_of_different_regions_are_joined_by_the_mean(tmp_path):
    rows = {"id": [1, 1], "sex": ["F", "F"], "age": [66, 66], "FN BMD": [0.7, None]}
    people = read(written(tmp_path, rows | {"LS BMD": [None, 0.9]}), repeats="mean")
    assert people.frame.select("abmd_lumbar_spine", "abmd_femoral_neck").rows() == [(0.9, 0.7)]


def test_a_run_states_the_choice():
    assert Choices(["clinic.csv"], repeats="mean").command().endswith("--repeats mean")
    assert "--repeats" not in Choices(["clinic.csv"]).command()


def test_the_option_is_typed_and_the_error_stops(tmp_path):
    path = written(tmp_path, VISITS)
    stopped = CliRunner().invoke(main, ["check", str(path)])
    assert stopped.exit_code == 2
    assert "--repeats first|last|mean" in stopped.stderr
    assert CliRunner().invoke(main, ["check", str(path), "--repeats", "mean"]).exit_code == 0


TWO_EACH = {
    "id": ["a", "a", "b", "b"],
    "sex": ["F"] * 4,
    "age": [61, 61, 70, 70],
    "neck BMD": [0.70, 0.72, 0.60, 0.65],
}


@pytest.mark.parametrize(
    ("heading", "cells"),
    [
        ("visit", [2, 1, 1, 2]),
        ("Wave", ["W2", "W1", "W1", "W10"]),
        ("随访次数", ["第2次", "基线", "基线", "第2次"]),
        ("time_point", ["T1", "T0", "T0", "T1"]),
    ],
)
def test_the_number_of_the_visit_says_which_row_is_the_first(heading, cells):
    first = read({**TWO_EACH, heading: cells}, repeats="first")
    assert first["abmd_femoral_neck"].to_list() == [0.72, 0.60]
    last = read({**TWO_EACH, heading: cells}, repeats="last")
    assert last["abmd_femoral_neck"].to_list() == [0.70, 0.65]
    (finding,) = first.findings.of("one_row_a_person")
    column = {"Wave": "cycle"}.get(heading, heading)
    assert f"(by {column!r}, then by age" in finding.message
    assert first[column].to_list() == [cells[1], cells[2]]


def test_the_day_says_it_before_the_visit():
    days = ["2019-01-01", "2020-01-01", "2020-01-01", "2019-01-01"]
    first = read({**TWO_EACH, "visit": [2, 1, 1, 2], "scan date": days}, repeats="first")
    assert first["abmd_femoral_neck"].to_list() == [0.70, 0.65]


def test_a_column_of_visits_without_numbers_is_said():
    people = read({**TWO_EACH, "visit": ["spring", "autumn", "spring", "autumn"]}, repeats="first")
    (finding,) = people.findings.of("one_row_a_person")
    assert "column 'visit' numbers no visits" in finding.message


MERGED = {
    "id": ["a", None, "b", None],
    "sex": ["F", None, "M", None],
    "age": [61, None, 70, None],
    "neck BMD": [0.70, 0.72, 0.60, 0.65],
    "scan date": ["2019-01-01", "2021-01-01", "2019-02-01", "2021-03-01"],
}


@pytest.mark.parametrize("said", [False, True])
def test_rows_below_a_merged_identifier_are_of_the_person_above(said):
    """They counted as people of their own, of whom some even had a sex and an age."""
    table = MERGED | ({"sex": list("FFMM"), "age": [61, 61, 70, 70]} if said else {})
    people = read(table)
    assert people["person_id"].to_list() == ["a", "a", "b", "b"]
    assert people["sex"].to_list() == ["female", "female", "male", "male"]
    (finding,) = people.findings.of("filled_down")
    assert finding.n == 2
    assert people.findings.errors.of("repeated_person")
    last = read(table, repeats="last")
    assert last["abmd_femoral_neck"].to_list() == [0.72, 0.65]


@pytest.mark.parametrize(
    "table",
    [
        MERGED | {"sex": list("FMMM"), "age": [61, 61, 70, 70]},  # another sex
        MERGED | {"sex": list("FFMM"), "age": [61, 55, 70, 70]},  # another age
        MERGED | {"neck BMD": [0.70, None, 0.60, 0.65]},  # nothing measured
        {name: cells[:3] for name, cells in MERGED.items()},  # one row may be a slip
        {name: cells[::-1] for name, cells in MERGED.items()},  # nobody above
    ],
)
def test_where_a_row_may_be_anybodys_it_is_said(table):
    people = read(table)
    assert people["person_id"].to_list() == table["id"]
    (finding,) = people.findings.of("no_identifier")
    assert "each counts as a person of its own" in finding.message
