"""Parts are judged as one table: what hangs on all people together is no matter of a part."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner

import osteo_epi as oe
from osteo_epi.cli import main
from osteo_epi.errors import DefinitionError, SchemaError
from osteo_epi.report import classify_parts
from osteo_epi.report.in_parts import KINDS, numbers_of, persons_in_several, written_otherwise

COLUMNS = ["person_id", "age", "sex", "height", "weight"]
DENSITIES = ["abmd_femoral_neck", "abmd_total_hip", "abmd_lumbar_spine"]
HOW = {"reference": "nhanes3_white_female", "sex_rule": "female"}
NONE = pl.lit(None, pl.Float64)


def people(n: int, seed: int) -> pl.DataFrame:
    frame = oe.simulate(n, seed=seed).frame.select(*COLUMNS, *DENSITIES)
    return frame.with_columns(person_id=pl.lit(f"{seed}-") + pl.col("person_id"))


def written(folder: Path, **years: pl.DataFrame) -> str:
    for name, frame in years.items():
        frame.write_parquet(folder / f"{name}.parquet", row_group_size=100)
    return str(folder / "*.parquet")


def told(findings: oe.Findings) -> set[tuple]:
    """All that findings say of the people, of which files are not all."""
    return {(f.severity, f.code, f.column, f.n) for f in findings if f.code != "files_joined"}


def in_memory(given: str, **choices) -> oe.Findings:
    whole = oe.read(given)
    rules = oe.definition("china_2020", people=whole, **HOW, **choices)
    return oe.classify(whole, rules, accept_errors=True).findings


def test_a_site_that_was_measured_in_some_years_alone_stops_nothing(tmp_path):
    half = pl.when(pl.int_range(pl.len()) % 2 == 0)
    given = written(
        tmp_path,
        a=people(200, 1),
        b=people(200, 2).with_columns(abmd_total_hip=NONE, height=NONE),
        c=people(300, 3).with_columns(weight=half.then("weight").otherwise(1234.5)),
    )
    parts = classify_parts(given, out=tmp_path / "out", part_rows=100, **HOW)
    assert told(parts.findings) == told(in_memory(given))
    # 150 of 300 in a file, and 150 of 695 in all who have a weight.
    (outside,) = parts.findings.of("out_of_range")
    assert "150 of 695" in outside.message
    assert "finding.where" not in outside.fix


def test_an_error_of_all_people_stops_when_their_parts_are_made(tmp_path):
    thousands = pl.col("abmd_total_hip") * 1000
    given = written(
        tmp_path, **{c: people(100, i).with_columns(thousands) for i, c in enumerate("ab")}
    )
    with pytest.raises(SchemaError, match="unit_suspected") as error:
        classify_parts(given, out=tmp_path / "out", **HOW)
    assert "--accept-errors" in str(error.value)
    assert "2 of 2 parts are made and kept" in str(error.value)
    parts = classify_parts(given, out=tmp_path / "out", accept_errors=True, **HOW)
    assert parts.n_kept == 2
    assert told(parts.findings) == told(in_memory(given))


def test_what_will_stop_the_work_at_its_end_is_said_at_its_first_part(tmp_path):
    thousands = pl.col("abmd_total_hip") * 1000
    given = written(
        tmp_path, **{c: people(100, i).with_columns(thousands) for i, c in enumerate("abc")}
    )

    def said(out: str, *more: str) -> list[str]:
        words = ["--reference", HOW["reference"], "--sex-rule", HOW["sex_rule"], *more]
        result = CliRunner().invoke(main, ["classify", given, "--out", str(tmp_path / out), *words])
        return [line for line in result.stderr.splitlines() if "warning: " in line]

    line, then = said("out")
    assert "Ctrl+C" in then
    assert line.startswith("warning: a.parquet: unit_suspected [abmd_total_hip]")
    assert "--units abmd_total_hip=mg/cm2" in line
    assert "Ctrl+C" not in str(said("out"))  # the parts are there, and the error comes at once
    for i, options in enumerate((["--quiet"], ["--accept-errors"], ["--sites", "lumbar_spine"])):
        assert "Ctrl+C" not in str(said(f"out{i}", *options))


@pytest.mark.parametrize(
    ("option", "told"),
    [
        (["--keep", "vilage"], "2019.xlsx: --keep vilage: there is no such column\n"),
        (
            ["--map", "vilage=none"],
            "2019.xlsx: map: the file has no column 'vilage'; nearest: vill",
        ),
    ],
)
def test_a_misspelt_column_of_workbooks_is_said_at_the_first_of_them(tmp_path, option, told):
    """Their headings are not known before they are read; those of text tables are."""
    given, out = tmp_path / "data", str(tmp_path / "out")
    given.mkdir()
    for year in (2019, 2020):
        frame = people(30, year).with_columns(village=pl.lit("north"))
        frame.write_excel(given / f"{year}.xlsx")
    command = ["classify", str(given), "--reference", "nhanes3_white_female", "--out", out, *option]
    answer = CliRunner().invoke(main, command)
    warned, error = answer.output.split("error: ")
    assert f"warning: {told}" in warned
    assert "that stops the work when all are made" in warned
    assert "vilage" in error
    # Another part has it: that the first one made lacks it is no fault.
    people(30, 1).with_columns(vilage=pl.lit("north")).write_excel(given / "2018.xlsx")
    answer = CliRunner().invoke(main, command)
    assert answer.exit_code == 0, answer.output
    people(30, 2).write_excel(given / "2017.xlsx")
    answer = CliRunner().invoke(main, [*command, "--overwrite"])
    assert answer.exit_code == 0, answer.output
    assert "that stops the work" not in answer.output


def test_a_misspelt_column_to_keep_is_refused_before_any_part_is_made(tmp_path, monkeypatch):
    given = written(tmp_path, a=people(30, 1), b=people(30, 2))
    monkeypatch.setattr(
        "osteo_epi.report.in_parts._work.people_of", lambda *_, **__: pytest.fail("read")
    )
    with pytest.raises(SchemaError, match=r"'vilage' .* is no column of the data"):
        classify_parts(given, out=tmp_path / "out", keep=["vilage"], **HOW)


def test_another_unit_in_one_file_is_refused_as_in_memory(tmp_path):
    odd = people(300, 2).with_columns(pl.col("abmd_total_hip") * 1000)
    given = written(tmp_path, a=people(3000, 1), b=odd)
    with pytest.raises(SchemaError, match=r"^b\.parquet: abmd_total_hip has") as whole:
        oe.read(given)
    for part_rows in (100, 4000):
        with pytest.raises(SchemaError) as error:
            classify_parts(given, out=tmp_path / "out", part_rows=part_rows, **HOW)
        assert str(error.value).startswith(str(whole.value))


def test_a_column_at_fault_that_the_definition_does_not_read_is_left_out(tmp_path):
    thousands = pl.col("abmd_total_hip") * 1000
    given = written(
        tmp_path, **{c: people(100, i).with_columns(thousands) for i, c in enumerate("ab")}
    )
    sites = {"sites": ["lumbar_spine"]}
    parts = classify_parts(given, out=tmp_path / "out", **HOW, **sites)
    assert told(parts.findings) == told(in_memory(given, **sites))
    columns = parts.scan().collect_schema().names()
    assert "abmd_total_hip (file)" in columns
    assert "abmd_total_hip" not in columns


def test_people_without_identifiers_who_stand_in_two_files_are_counted(tmp_path):
    """A year as text and as Parquet, of which one is cut; no byte is the same."""
    year = people(250, 1).drop("person_id")
    given = written(tmp_path, a=year.with_columns(remark=pl.lit("1")), c=people(300, 2))
    given = given.replace("*.parquet", "[abc].*")
    year.drop("height").head(0).write_csv(tmp_path / "b.csv")
    assert not classify_parts(given, out=tmp_path / "out", **HOW).findings.of("identical_rows")
    year.reverse().head(100).write_csv(tmp_path / "b.csv")
    with pytest.raises(SchemaError, match=r"agree .* in a\.parquet \(rows 101 to 200\)"):
        classify_parts(given, out=tmp_path / "out", overwrite=True, part_rows=100, **HOW)
    (tmp_path / "c.parquet").unlink()
    parts = classify_parts(given, out=tmp_path / "out", overwrite=True, accept_errors=True, **HOW)
    (found,) = parts.findings.of("identical_rows")
    (whole,) = oe.read(given).findings.of("identical_rows")
    assert (found.severity, found.n) == (whole.severity, whole.n) == ("error", 200)


def test_a_birth_date_that_is_not_written_tells_rows_apart(tmp_path):
    year = people(100, 1).drop("person_id")
    born = [year.with_columns(birth_date=pl.date(1950, month, 1)) for month in (1, 2)]
    given = written(tmp_path, a=born[0], b=born[1])
    assert not oe.read(given).findings.of("identical_rows")
    parts = classify_parts(given, out=tmp_path / "out", **HOW)
    assert "birth_date" not in parts.scan().collect_schema()
    assert not parts.findings.of("identical_rows")
    # Of the parts that stand there it is not known any more.
    born[1].head(30).write_csv(tmp_path / "c.csv")
    given = given.replace("*.parquet", "*.*")
    with pytest.raises(SchemaError, match=r"agree .* in b\.parquet, c\.csv: 60"):
        classify_parts(given, out=tmp_path / "out", overwrite=True, **HOW)


def test_copies_within_a_part_are_left_out_as_it_is_said(tmp_path):
    year = people(100, 1).drop("person_id")
    given = written(tmp_path, a=pl.concat([year, year.head(20)]), b=people(90, 2))
    with pytest.raises(SchemaError, match=r"a\.parquet: 40\. .*--repeats first") as error:
        classify_parts(given, out=tmp_path / "out", **HOW)
    assert "out of the files" not in str(error.value)
    parts = classify_parts(given, out=tmp_path / "out", repeats="first", **HOW)
    assert parts.n == 190


def test_copies_of_which_one_has_no_identifier_are_said_as_in_memory(tmp_path):
    year, other = (people(200, i).drop_nulls(DENSITIES).head(100) for i in (1, 2))
    renamed = other.head(20).with_columns(person_id="new" + pl.col("person_id"))
    given = written(
        tmp_path,
        a=year,
        b=year.drop("person_id").reverse(),
        c=other,
        d=pl.concat([renamed, other.tail(5)]),
    )
    parts = classify_parts(given, out=tmp_path / "out", part_rows=50, accept_errors=True, **HOW)
    (found,) = parts.findings.of("near_identical_rows")
    (whole,) = oe.read(given).findings.of("near_identical_rows")
    # 100 who stand elsewhere without a name, 20 under two; the last 5 are persons in two parts.
    assert found.n == whole.n == 100 + 2 * 20
    assert "a.parquet (rows 1 to 50)" in found.message
    assert "b.parquet" not in found.message


def test_rows_that_agree_by_chance_are_none_of_two_parts(tmp_path):
    rough = [(pl.col("age") / 5).round() * 5, *(pl.col(name).round(1) for name in DENSITIES)]
    frames = {c: people(400, i).select("age", "sex", *DENSITIES).with_columns(rough)
              for i, c in enumerate("ab")}  # fmt: skip
    given = written(tmp_path, **frames)
    parts = classify_parts(given, out=tmp_path / "out", **HOW)
    assert not parts.findings.of("identical_rows")
    assert not oe.read(given).findings.of("identical_rows")


def test_copies_are_found_beside_many_who_agree_by_chance(tmp_path):
    """Sex, age and a rough density of the spine alone, and copies of people of all regions."""
    year = people(200, 1).drop("person_id").drop_nulls()
    rough = people(2000, 2).select("age", "sex", pl.col("abmd_lumbar_spine").round(2))
    given = written(tmp_path, a=year, b=rough.with_columns(pl.col("age").round()), c=year.head(40))
    parts = classify_parts(given, out=tmp_path / "out", accept_errors=True, **HOW)
    (found,) = parts.findings.of("identical_rows")
    (whole,) = oe.read(given).findings.of("identical_rows")
    assert found.n == whole.n == 80
    assert "b.parquet" not in found.message


def test_identifiers_that_are_written_otherwise_in_one_year_are_said(tmp_path):
    number = pl.int_range(pl.len()).cast(pl.String)
    frames = [
        people(n, n).with_columns(person_id=prefix + number)
        for n, prefix in ((50, ""), (70, "000"), (60, "b"))
    ]
    given = written(tmp_path, a=frames[0], b=frames[1], c=frames[2])
    parts = classify_parts(given, out=tmp_path / "out", part_rows=40, **HOW)
    (found,) = parts.findings.of("identifier_zeros")
    assert (found.severity, found.n) == ("warning", 100)
    assert oe.read(given).findings.of("identifier_zeros")[0].n == 100
    # As numbers with a point, which are written as whole ones.
    numbers = people(50, 9).with_columns(person_id=pl.int_range(pl.len()).cast(pl.Float64))
    given = written(tmp_path, a=frames[1], b=numbers, c=frames[2])
    parts = classify_parts(given, out=tmp_path / "other", **HOW)
    assert parts.findings.of("identifier_zeros")[0].n == 100


@pytest.mark.parametrize("at_once", [7, 10**7])
def test_zeros_in_front_are_counted_in_slices(tmp_path, at_once):
    people = [pl.DataFrame({"person_id": ids}) for ids in (
        ["7", "8", "8", "9"], ["007", "08", "0"], ["7", "0010", "010"], ["00"],
    )]  # fmt: skip
    files = {kind: [tmp_path / f"{kind}{i}" for i in range(4)] for kind in KINDS}
    for i, frame in enumerate(people):
        for kind, numbers in numbers_of(frame, 5).items():
            numbers.tofile(files[kind][i])
    # 7, 007, 7; 8, 8, 08; 0, 00; 0010, 010.
    assert written_otherwise(files["persons"], files["padded"], at_once) == 10
    assert pl.concat(people).pipe(oe.check).of("identifier_zeros")[0].n == 10
    assert persons_in_several(files["persons"], at_once) == (1, 2)


def test_more_parts_than_a_process_may_hold_open(tmp_path):
    limits = pytest.importorskip("resource")
    files: dict[str, list[Path]] = {kind: [] for kind in KINDS}
    for i in range(80):
        for kind, numbers in numbers_of(pl.DataFrame({"person_id": [f"0{i}", "1"]}), 5).items():
            files[kind].append(tmp_path / f"{kind}{i}")
            numbers.tofile(files[kind][-1])
    soft, hard = limits.getrlimit(limits.RLIMIT_NOFILE)
    with (tmp_path / "one").open("w") as opened:
        limits.setrlimit(limits.RLIMIT_NOFILE, (opened.fileno() + 40, hard))
    try:
        assert persons_in_several(files["persons"]) == (1, 80)
        assert written_otherwise(files["persons"], files["padded"]) == 81
    finally:
        limits.setrlimit(limits.RLIMIT_NOFILE, (soft, hard))


def test_whole_numbers_that_no_number_with_a_point_holds_keep_their_digits(tmp_path):
    scan = 2**53 + 1
    frames = {c: people(50, i) for i, c in enumerate("abc")}
    given = written(
        tmp_path,
        a=frames["a"].with_columns(scan=pl.lit(scan), ward=pl.lit(7)),
        b=frames["b"].with_columns(scan=pl.lit(7.0), ward=pl.lit(7.5)),
        c=frames["c"].with_columns(scan=pl.lit(None, pl.Float64)),
    )
    parts = classify_parts(given, out=tmp_path / "out", **HOW)
    for frame in (oe.read(given).frame, parts.scan().collect()):
        assert frame["scan"].unique(maintain_order=True).to_list() == [str(scan), "7", None]
        assert frame["ward"].unique(maintain_order=True).to_list() == [7.0, 7.5, None]


def test_a_year_without_the_only_site_that_is_read_stops_nothing(tmp_path):
    given = written(tmp_path, a=people(200, 1), b=people(200, 2).drop("abmd_lumbar_spine"))
    sites = {"sites": ["lumbar_spine"]}
    parts = classify_parts(given, out=tmp_path / "out", **HOW, **sites)
    assert told(parts.findings) == told(in_memory(given, **sites))
    whole = oe.read(given)
    rules = oe.definition("china_2020", people=whole, **HOW, **sites)
    classified = oe.classify(whole, rules).frame
    assert parts.scan().select(classified.columns).collect().equals(classified)
    # A year more that has none, and none that has it.
    people(50, 3).drop("abmd_lumbar_spine").write_parquet(tmp_path / "c.parquet")
    parts = classify_parts(given, out=tmp_path / "out", overwrite=True, **HOW, **sites)
    assert parts.n_kept == 2
    (tmp_path / "a.parquet").unlink()
    for out in ("out", "other"):
        with pytest.raises(SchemaError, match="no measurement that this definition reads"):
            classify_parts(given, out=tmp_path / out, overwrite=True, **HOW, **sites)


def test_a_part_whose_regions_others_have_is_made_again_where_they_have_fewer(tmp_path):
    frame = people(40, 1).drop("abmd_lumbar_spine")
    given = written(
        tmp_path,
        a=people(40, 2).select(*COLUMNS, "abmd_lumbar_spine"),
        b=frame.drop("abmd_total_hip"),
        c=people(40, 3),
    )
    sites = {"sites": ["femoral_neck", "total_hip"]}
    classify_parts(given, out=tmp_path / "out", **HOW, **sites)
    (tmp_path / "c.parquet").unlink()
    parts = classify_parts(given, out=tmp_path / "out", overwrite=True, **HOW, **sites)
    assert parts.n_kept == 1
    assert "abmd_total_hip" not in parts.scan().collect_schema()


def test_a_column_that_is_declared_need_not_stand_in_each_file(tmp_path):
    years = [people(60, 1), people(60, 2).rename({"person_id": "dossier"})]
    years[1] = years[1].drop("height")
    given = [tmp_path / "a.csv", tmp_path / "b.csv"]
    for path, frame in zip(given, years, strict=True):
        frame.write_csv(path)
    how = {"map": {"dossier": "person_id"}, "missing": {"height": [150.1]}, **HOW}
    parts = classify_parts(given, out=tmp_path / "out", keep=["height"], **how)
    assert parts.scan().select(pl.col("person_id").n_unique()).collect().item() == 120
    nowhere = how | {"map": {"dosier": "person_id"}, "missing": {"heigt": [150.1]}}
    with pytest.raises(SchemaError) as error:
        classify_parts(given, out=tmp_path / "none", **nowhere)
    assert "map: the file has no column 'dosier'" in str(error.value)
    assert "missing: there is no column 'heigt'" in str(error.value)
    assert "are made" not in str(error.value)  # it is said before work is spent
    with pytest.raises(SchemaError, match=r"'name' \(--keep\) is no column of the data"):
        classify_parts(given, out=tmp_path / "none", keep=["name"], **how)


def test_a_declared_column_of_no_workbook_is_said_when_all_are_made(tmp_path):
    given = [tmp_path / "a.xlsx", tmp_path / "b.xlsx"]
    for seed, path in enumerate(given):
        people(40, seed).to_pandas().to_excel(path, index=False)
    with pytest.raises(SchemaError, match="map: the file has no column 'dosier'"):
        classify_parts(given, out=tmp_path / "out", map={"dosier": "person_id"}, **HOW)
    with pytest.raises(SchemaError, match="keep='name': there is no such column in any"):
        classify_parts(given, out=tmp_path / "out", keep=["name"], **HOW)


def test_a_file_of_people_whom_the_reference_does_not_judge_stops_nothing(tmp_path):
    """Men by a reference of women, and people with T-scores alone, were refused as if all were."""
    all_of_them = people(300, 1)
    men, women = (all_of_them.filter(pl.col("sex") == sex) for sex in ("male", "female"))
    rest = women.tail(20).with_columns(
        pl.lit(None, pl.Float64).alias(name) for name in women.columns if name.startswith("abmd_")
    )
    rest = rest.with_columns(t_score_lumbar_spine_reported=pl.lit(-1.5))
    own = {"reference": "nhanes3_white_female", "sex_rule": "own_sex"}
    given = written(tmp_path, men=men, women=women.head(-20), rest=rest)
    parts = classify_parts(given, out=tmp_path / "out", **own)
    whole = oe.read(given)
    classified = oe.classify(whole, oe.definition("china_2020", people=whole, **own)).frame
    assert parts.scan().select(classified.columns).collect().equals(classified)
    for name in ("women", "rest"):
        (tmp_path / f"{name}.parquet").unlink()
    with pytest.raises(DefinitionError, match="holds nothing by which"):
        classify_parts(given, out=tmp_path / "out", overwrite=True, **own)
