"""Files of hospitals and surveys that once gave a wrong number, or a message that led nowhere."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner, Result

import osteo_epi as oe
from osteo_epi.cli import main
from osteo_epi.cohort import read, recognised_design

N = 40


def people(**more: list) -> dict[str, list]:
    """People whose T-scores lie between -3.1 and 0.8, as a hospital would list them."""
    scores = [round(-3.1 + 0.1 * i, 1) for i in range(N)]
    data = {"ID": [f"P{i}" for i in range(N)], "Sex": ["F", "M"] * (N // 2)}
    data |= {"Age": [50 + i % 30 for i in range(N)], "LS T-score": scores}
    return data | {"FN T-score": scores, "TH T-score": scores} | more


def test_two_codes_beside_each_other_are_suspected_both() -> None:
    """-7 refused and -8 does not know: each hid the other, as its nearest neighbour."""
    scores = [*people()["LS T-score"][:30], *[-7.0] * 6, *[-8.0] * 4]
    (finding,) = read(people(**{"LS T-score": scores})).findings.of("code_suspected")
    assert finding.n == 10
    column = "t_score_lumbar_spine_reported"
    assert f"(--missing {column}=-8 --missing {column}=-7)" in finding.fix
    mended = read(people(**{"LS T-score": scores}), missing={column: [-8, -7]})
    assert mended.frame[column].null_count() == 10


def test_low_scores_of_people_are_no_codes() -> None:
    """A few true -7.0 among others that are as low stay what they are, without a word."""
    scores = [*people()["LS T-score"][:25], *[round(-6.1 - 0.1 * i, 1) for i in range(10)]]
    assert not read(people(**{"LS T-score": scores + [-7.0] * 5})).findings.of("code_suspected")


def test_scores_of_one_value_imply_no_reference() -> None:
    """A constant beside densities is no line: it implied a mean of 1e15 g/cm2."""
    frame = pl.DataFrame(
        {
            "sex": ["female"] * N,
            "age": [60.0] * N,
            "abmd_trochanter": [0.5 + 0.01 * i for i in range(N)],
            "t_score_trochanter_reported": [-4.0] * N,
        }
    )
    assert not oe.check(frame).of("reported_reference")


def test_means_of_the_sexes_are_pointed_out() -> None:
    """Rows called Women and 男, with a sex and a mean age, are counted only with a warning."""
    data = people()
    data["ID"][3:5] = ["Women", "男"]
    (finding,) = read(data).findings.of("total_or_person")
    assert finding.n == 2
    names = people(ID=["F", "M"] * (N // 2))
    assert not read(names).findings.of("total_or_person")


def workbook(path: Path, sheets: dict[str, dict[str, list]], *, above: int = 0) -> Path:
    """A workbook, with empty rows above the headings; sheets called old are hidden."""
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, data in sheets.items():
        sheet = book.create_sheet(name)
        rows = [list(data), *map(list, zip(*data.values(), strict=True))]
        for i, row in enumerate(rows, start=above + 1):
            for j, cell in enumerate(row, start=2):
                sheet.cell(i, j, cell)
        sheet.sheet_state = "hidden" if name == "old" else "visible"
    book.save(path)
    return path


def test_empty_rows_above_the_headings_of_a_workbook(tmp_path: Path) -> None:
    """The headings were read a second time, as a person, because the library skips such rows."""
    path = workbook(tmp_path / "a.xlsx", {"data": people()}, above=3)
    cohort = read(path)
    assert cohort.frame.height == N
    assert not cohort.findings.errors
    assert read(path, skip_rows=3).frame.equals(cohort.frame)


def test_a_hidden_sheet_is_not_preferred(tmp_path: Path) -> None:
    """Of two sheets with the same headings the one that people see is read."""
    worse = people(**{"LS T-score": [-4.0] * N})
    path = workbook(tmp_path / "a.xlsx", {"old": worse, "final": people()})
    assert read(path).frame["t_score_lumbar_spine_reported"].max() == 0.8
    assert read(path, sheet="old").frame["t_score_lumbar_spine_reported"].max() == -4.0


def test_breaking_down_by_age(tmp_path: Path) -> None:
    """--by age ended as a fault that nobody had foreseen."""
    path = tmp_path / "a.csv"
    some = pl.DataFrame(people())
    # In years that most are alone in, the rows would be each one's diagnosis.
    several = pl.concat([some.with_row_index("person_id", k * some.height) for k in range(4)])
    several.write_csv(path)
    out = str(tmp_path / "out")
    words = ["run", str(path), "--reference", "reported", "--by", "age", "--out", out]
    answer = CliRunner().invoke(main, [*words, "--no-report", "--quiet"])
    assert answer.exit_code == 0, answer.output
    table = pl.read_csv(tmp_path / "out" / "prevalence.csv", infer_schema=False)
    assert "all" in table["age"]


def test_no_fractures_are_proposed_where_there_are_none(tmp_path: Path) -> None:
    """Z-scores alone: --evidence fracture was proposed, and the run refused it."""
    path = tmp_path / "a.csv"
    data = {name.replace("T-score", "Z-score"): column for name, column in people().items()}
    pl.DataFrame(data).write_csv(path)
    answer = CliRunner().invoke(main, ["check", str(path)])
    assert "Proposed command" not in answer.output
    assert "no command runs through" in answer.output


def test_the_order_of_rows_without_a_day_is_said() -> None:
    """The first row is that of the file, which may be sorted by visits in any order."""
    data = people(ID=[f"P{i // 2}" for i in range(N)], Sex=["F"] * N, Age=[60] * N)
    (finding,) = read(data, repeats="first").findings.of("one_row_a_person")
    assert "in the file's order" in finding.message
    dated = read(data | {"Scan date": ["2019-01-02", "2020-01-02"] * (N // 2)}, repeats="first")
    assert "order" not in dated.findings.of("one_row_a_person")[0].message


@pytest.mark.parametrize("repeats", ["first", "last"])
def test_a_row_of_no_day_is_neither_first_nor_last(repeats: str) -> None:
    """The last row by day was the one that had none."""
    data = people(ID=[f"P{i // 2}" for i in range(N)], Sex=["F"] * N, Age=[60] * N)
    dates = ["2019-01-02", None] * (N // 2)
    cohort = read(data | {"Scan date": dates}, repeats=repeats)
    assert cohort.frame.height == N // 2
    assert not cohort.frame["scan_date"].null_count()


@pytest.mark.parametrize("name", ["mean", "share", "sd", "order"])
def test_groups_called_like_numbers_of_other_tables(tmp_path: Path, name: str) -> None:
    """A column of groups called mean, or order, ended as a fault that nobody had foreseen."""
    answer = ran(tmp_path, people(**{name: ["low", "high"] * (N // 2)}), "--by", name)
    assert answer.exit_code == 0, answer.output


@pytest.mark.parametrize("name", ["Name", "姓名", "Phone"])
def test_names_are_no_groups(tmp_path: Path, name: str) -> None:
    """Names kept out of the classified people came with --by into the table that is given out."""
    answer = ran(tmp_path, people(**{name: [f"Wu {i // 2}" for i in range(N)]}), "--by", name)
    assert answer.exit_code == 2
    assert "each row would be one person's diagnosis" in answer.output


def test_survey_weights_called_weight(tmp_path: Path) -> None:
    """--weight weight said that the column is missing in every row; the values stand elsewhere."""
    data = people(weight=[1200.5 + i for i in range(N)])
    answer = ran(tmp_path, data, "--weight", "weight")
    assert answer.exit_code == 2
    assert "they stand in weight_as_given" in answer.output
    answer = ran(tmp_path, data, "--weight", "weight_as_given")
    assert answer.exit_code == 0, answer.output


def test_words_of_sex_can_be_declared() -> None:
    """The message left out the one way that needs no other file."""
    words = people(Sex=["1-Female", "2-Male"] * (N // 2))
    with pytest.raises(oe.SchemaError, match="--sex-coding"):
        read(words)
    coding = {"1-Female": "female", "2-Male": "male"}
    assert read(words, sex_coding=coding).frame["sex"].n_unique() == 2


def test_headings_that_stand_again_in_the_body(tmp_path: Path) -> None:
    """Two exports one below the other; following the message crossed the columns of the second."""
    data = people()
    again = {name: [*values[:30], name, *values[30:]] for name, values in data.items()}
    pl.DataFrame(again, strict=False).cast(pl.String).write_csv(tmp_path / "joined.csv")
    cohort = read(tmp_path / "joined.csv")
    assert (len(cohort.frame), cohort.findings.of("headings_again")[0].n) == (N, 1)
    again["LS T-score"][30], again["FN T-score"][30] = "FN T-score", "LS T-score"
    pl.DataFrame(again, strict=False).cast(pl.String).write_csv(tmp_path / "joined.csv")
    with pytest.raises(oe.SchemaError, match=r"row 31 .* wrong headings"):
        read(tmp_path / "joined.csv")


def test_headings_that_stand_again_in_other_words(tmp_path: Path) -> None:
    """A second table below the first under its own headings gave four faults of text in numbers."""
    path = tmp_path / "people.csv"
    first = "id,sex,age,FN BMD,TH BMD\n1,F,61,0.7,0.8\n"
    path.write_text(first + "编号,性别,年龄,股骨颈骨密度,全髋骨密度\n2,M,70,0.6,0.7\n")
    found = read(path)
    assert found["abmd_femoral_neck"].to_list() == [0.7, 0.6]
    assert found.findings.of("headings_again")
    path.write_text(first + "编号,性别,年龄,全髋骨密度,股骨颈骨密度\n2,M,70,0.6,0.7\n")
    with pytest.raises(oe.SchemaError, match="in other places than the first row"):
        read(path)


def test_identifiers_that_differ_by_zeros() -> None:
    """1 and 001 were two people without a word."""
    (finding,) = read(people(ID=["1", "001", *people()["ID"][2:]])).findings.of("identifier_zeros")
    assert finding.n == 2
    alike = people(ID=[f"{i:03}" for i in range(N)])
    assert not read(alike).findings.of("identifier_zeros")


def test_codes_stand_beside_the_command(tmp_path: Path) -> None:
    """The command that check proposes counted 99 as an age and -7 as a score, and kept silent."""
    data = people(Age=[99] * 12 + [50 + i for i in range(28)])
    data["LS T-score"] = [*data["LS T-score"][:34], *[-7.0] * 6]
    path = tmp_path / "people.csv"
    pl.DataFrame(data).write_csv(path)
    said = " ".join(CliRunner().invoke(main, ["check", str(path)]).output.split())
    note, _, command = said.partition("Proposed command:")
    for option in ("--missing t_score_lumbar_spine_reported=-7", "--missing age=99"):
        assert option in note
        assert option in command  # they stand apart from all others
    assert "values that stand apart" in note


@pytest.mark.parametrize("code", [-6.0, 6.0, 0.0])
def test_a_score_that_is_a_code_is_suspected(tmp_path: Path, code: float) -> None:
    """A pile of -6 or of exactly 0 is no score of people; both were kept in silence."""
    scores = [round(-3.4 + 0.1 * i, 1) for i in range(40)]
    data = people(**{"LS T-score": [code if i % 5 == 0 else s for i, s in enumerate(scores)]})
    (finding,) = read(pl.DataFrame(data)).findings.of("code_suspected")
    assert (finding.column, finding.n) == ("t_score_lumbar_spine_reported", 8 + (code == 0))
    assert f"(--missing t_score_lumbar_spine_reported={code:g})" in finding.fix


def test_scores_of_people_are_no_codes_wherever_they_lie() -> None:
    whole = people(**{"LS T-score": [float(-4 + i % 6) for i in range(N)]})
    near_zero = people(**{"LS T-score": [round(-0.4 + 0.1 * (i % 9), 1) for i in range(N)]})
    low = people(**{"LS T-score": [-6.0 + 0.2 * (i % 12) for i in range(N)]})
    for data in (whole, near_zero, low):
        assert not read(pl.DataFrame(data)).findings.of("code_suspected")


def test_a_control_character_is_named(tmp_path: Path) -> None:
    """A text with an ESC in one cell was called binary, and then refused."""
    path = tmp_path / "people.csv"
    rows = "".join(f"{i},F,{50 + i},-1.{i}\n" for i in range(9))
    path.write_text(f"ID,Sex,Age,FN T-score,ward\n1,F,61,-1.2,a\x1bb\n{rows}")
    found = read(path)
    assert found["ward"][0] == "a\ufffdb"
    (finding,) = found.findings.of("control_characters")
    assert "U+001B (the first in line 2)" in finding.message
    path.write_text("ID,Sex,Age,FN T-score\n" + "1,\x1bF\x1b,61,-1.2\n" * 9)
    with pytest.raises(oe.SchemaError, match=r"18 control characters such as U\+001B"):
        read(path)


@pytest.mark.parametrize(
    ("weight", "part"), [("ponderador", "upm"), ("权数", "层"), ("factor_expansion", "estrato")]
)
def test_designs_under_names_of_other_languages(weight: str, part: str) -> None:
    """Weights of another language were left out without a word, and everybody counted alike."""
    columns = {weight: [100 + 7 * i for i in range(N)], part: [i % 4 for i in range(N)]}
    with pytest.raises(oe.DesignError, match=f"{weight} looks like weights"):
        recognised_design(read(people(**columns)).frame)


def ran(folder: Path, data: dict[str, list], *words: str) -> Result:
    """A run of a file of these people, by the T-scores in it."""
    path = folder / "people.csv"
    pl.DataFrame(data).write_csv(path)
    command = ["run", str(path), "--reference", "reported", "--out", str(folder / "out")]
    return CliRunner().invoke(main, [*command, "--overwrite", "--no-report", "--quiet", *words])
