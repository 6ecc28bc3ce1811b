"""A number from one's own file in two commands, or one refusal that says all that is lacking."""

from __future__ import annotations

import gzip
import shlex

import polars as pl
import pytest
from click.testing import CliRunner

import osteo_epi as oe
from osteo_epi.cli import main
from osteo_epi.cohort import read
from osteo_epi.diagnosis import classify, definition
from osteo_epi.errors import DesignError, NormError, SchemaError

REGIONS = ("lumbar_spine", "femoral_neck", "total_hip")


def clinic(n: int = 60, **more: object) -> pl.DataFrame:
    """Women of 50 and more with the densities of three regions."""
    rows = range(n)
    frame = pl.DataFrame(
        {
            "id": [f"P{i}" for i in rows],
            "age": [50.0 + i % 35 for i in rows],
            "sex": ["female"] * n,
            **{f"abmd_{roi}": [0.55 + (i * 7 % 40) / 80 for i in rows] for roi in REGIONS},
        }
    )
    return frame.with_columns(**more)  # type: ignore[arg-type]


def scores(frame: pl.DataFrame, decimals: int = 1) -> pl.DataFrame:
    """The same with T-scores of the file's own."""
    return frame.with_columns(
        ((pl.col(f"abmd_{roi}") - 0.95) / 0.12).round(decimals).alias(f"t_score_{roi}_reported")
        for roi in REGIONS
    )


def typed(*words: str) -> tuple[int, list[str]]:
    """Exit code and lines of one command."""
    answer = CliRunner().invoke(main, list(words))
    assert answer.exception is None or isinstance(answer.exception, SystemExit)
    return answer.exit_code, answer.output.splitlines()


def run(tmp_path, frame: pl.DataFrame, *options: str) -> tuple[int, list[str]]:
    path = tmp_path / "clinic.csv"
    frame.write_csv(path)
    out = ("--no-report", "--quiet", "--overwrite", "--out", str(tmp_path / "out"))
    return typed("run", str(path), *options, *out)


def test_classify_says_everything_that_is_lacking_at_once(tmp_path):
    clinic().drop("sex").write_csv(tmp_path / "clinic.csv")
    wrong = ("--definition", "who1994", "--reference", "zang_2007")
    out = tmp_path / "people.csv"
    code, lines = typed("classify", str(tmp_path / "clinic.csv"), *wrong, "--out", str(out))
    assert (code, lines[0]) == (2, "error: 3 faults:")
    for line, word in zip(lines[1:], ("who_1994", "zhang_2007", "sex"), strict=True):
        assert word in line
    assert not out.exists()


def test_everything_that_is_lacking_is_said_at_once(tmp_path):
    frame = clinic().drop("sex").with_columns(pl.lit("high").alias("abmd_total_hip"))
    wrong = ("--standard", "chna_2010", "--interval", "bata", "--by", "vilage")
    code, lines = run(tmp_path, frame, *wrong)
    assert (code, lines[0]) == (2, "error: 6 faults:")
    said = "\n".join(lines)
    for words in (
        "did you mean china_2010",
        "did you mean beta",
        "'vilage' (--by) is no column",
        "there is no column sex",
        "--sex",
        "'abmd_total_hip'",
        "--reference zhang_2007 (women: lumbar spine, femoral neck, total hip)",
    ):
        assert words in said
    faults = [line for line in lines[1:] if not line.startswith("     - ")]
    assert [line[:5] for line in faults] == [f"  {i}. " for i in range(1, 7)]


def test_unknown_names_are_said_before_a_file_is_there():
    with pytest.raises(NormError, match=r"2 faults:\n1\. .*zhang_2007.*\n2\. .*china_2010"):
        oe.run("nowhere.csv", reference="zang_2007", standard="chna_2010")


def test_each_unknown_name_names_its_option():
    names = ("--definition", "who1994", "--reference", "zang_2007", "--standard", "chna_2010")
    code, lines = typed("run", "nowhere.csv", *names, "--ages", "x")
    said = "\n".join(lines)
    assert code == 2
    for words in (
        "definition (--definition): there is no criteria 'who1994' (did you mean who_1994?); there",
        "reference (--reference): there is no young_adult 'zang_2007' (did you mean zhang_2007",
        "standard (--standard): there is no standard_population 'chna_2010' (did you mean china",
        "ages (--ages): 'x' is not an interval; expected a form like '[50, inf)'",
    ):
        assert words in said
    assert "?;" not in said
    assert "on the command line" not in said


def test_of_a_sex_that_a_reference_lacks_it_is_said_who_has_it(tmp_path):
    frame = clinic(sex=pl.lit("M"))
    code, lines = run(tmp_path, frame, "--reference", "zhang_2007", "--by", "vilage")
    assert (code, lines[0]) == (2, "error: 2 faults:")
    assert "zhang_2007 (--reference) holds nothing by which 60 men here could be" in lines[2]
    assert [line.partition(":")[0].strip() for line in lines[3:]] == [
        "- men, lumbar spine",
        "- men, femoral neck",
        "- men, total hip",
    ]
    assert "more: osteo-epi norms list young_adult" in lines[4]
    both = clinic(sex=pl.Series(["F", "M"] * 30))
    assert run(tmp_path, both, "--reference", "zhang_2007")[0] == 0


def test_of_a_region_that_a_reference_lacks_it_is_said_before_anybody_is_classified(tmp_path):
    both = clinic(sex=pl.Series(["F", "M"] * 30))
    code, lines = run(tmp_path, both, "--reference", "nhanes_2005_2008_nhw", "--by", "vilage")
    assert (code, lines[0]) == (2, "error: 2 faults:")
    assert "(femoral neck), so that nobody's densities could be judged" in lines[2]
    assert "--sites lumbar_spine,total_hip" in lines[2]
    assert [line.partition(":")[0].strip() for line in lines[3:]] == [
        "- women, femoral neck",
        "- men, femoral neck",
    ]
    sites = ("--sites", "lumbar_spine,total_hip")
    assert run(tmp_path, both, "--reference", "nhanes_2005_2008_nhw", *sites)[0] == 0
    # Who was not measured there is judged without it.
    some = both.with_columns(pl.when(pl.int_range(60) < 50).then("abmd_femoral_neck"))
    any_site = ("--definition", "iscd_2019")
    assert run(tmp_path, some, "--reference", "nhanes_2005_2008_nhw", *any_site)[0] == 0


def test_that_sex_lacks_cannot_be_accepted(tmp_path):
    frame = clinic().drop("sex")
    code, lines = run(tmp_path, frame, "--reference", "zhang_2007", "--accept-errors")
    assert code == 2
    assert "there is no column sex" in lines[-1]
    assert "accept" not in lines[-1]


def test_an_empty_band_of_the_standard_costs_its_row_alone(tmp_path):
    frame = clinic(n=70, sex=pl.Series(["F", "M"] * 35)).filter(
        (pl.col("sex") == "F") | ~pl.col("age").is_between(70, 79)
    )
    words = ("--reference", "nhanes_2005_2010_derived", "--standard", "china_2010")
    assert run(tmp_path, frame, *words)[0] == 0
    rows = pl.read_csv(tmp_path / "out" / "prevalence.csv").filter(
        pl.col("class") == "osteoporosis", pl.col("statistic") == "age_standardised"
    )
    estimates = dict(rows.select("sex", "estimate").iter_rows())
    assert estimates["female"] is not None
    assert (estimates["male"], estimates["all"]) == (None, None)
    flags = dict(rows.select("sex", "flag").iter_rows())
    assert flags["male"].startswith("not standardised: nobody measured at 70-74, 75-79")
    assert "(--age-bands)" in (tmp_path / "out" / "manifest.json").read_text()


def test_where_no_row_can_be_standardised_bands_are_named_that_can(tmp_path):
    """Twelve people, none from 75 years."""
    frame = clinic(n=60, sex=pl.Series(["F", "F", "M"] * 20)).filter(pl.col("age") < 75)
    words = ("--reference", "nhanes_2005_2010_derived", "--standard", "china_2010")
    twelve = frame.gather_every(4).head(12)
    code, said = run(tmp_path, twelve, *words)
    assert (code, "nobody measured at 75-79, 80+" in " ".join(said)) == (2, True)
    bands = " ".join(said).partition("--age-bands ")[2].split()[0]
    assert run(tmp_path, twelve, *words, "--age-bands", bands)[0] == 0
    old = frame.filter(pl.col("age") >= 60)
    code, said = run(tmp_path, old, *words)
    assert (code, "--age-bands" in " ".join(said)) == (2, False)
    ages = " ".join(said).partition('--ages "')[2].partition('"')[0]
    assert ages == "[60, inf)"
    assert run(tmp_path, old, *words, "--ages", ages, "--age-bands", "60,70,inf")[0] == 0
    said = run(tmp_path, old, *words, "--age-bands", "50,60,70,inf")[1]
    assert "had by --age-bands 60,70,inf" in " ".join(" ".join(said).split())
    young = frame.filter(pl.col("age") < 55)
    code, said = run(tmp_path, young, *words)
    assert (code, "leave out --standard:" in " ".join(said)) == (2, True)
    assert run(tmp_path, young, *words[:2])[0] == 0


def test_of_children_the_share_below_the_expected_range_is_estimated(tmp_path):
    frame = clinic(age=pl.int_range(60) % 10 + 8.0).with_columns(
        (pl.int_range(60) % 6 - 2.6).alias(f"z_score_{roi}_reported") for roi in REGIONS
    )
    words = ("--reference", "reported", "--ages", "[8, 18)")
    assert run(tmp_path, scores(frame), *words)[0] == 0
    rows = pl.read_csv(tmp_path / "out" / "prevalence.csv").filter(
        pl.col("statistic") == "crude", pl.col("sex") == "female"
    )
    shares = dict(rows.select("class", "estimate").iter_rows())
    assert shares["below_expected_range"] == pytest.approx(1 / 6)
    assert (shares["osteoporosis"], shares["low_bone_mass"]) == (None, None)
    assert "cannot occur" in (tmp_path / "out" / "manifest.json").read_text()
    # Where some have T-scores the whole has a figure, and no row of those who have none.
    older = frame.with_columns(age=pl.int_range(60) % 30 + 35.0)
    assert run(tmp_path, scores(older), *words[:2], "--ages", "[35, 65)")[0] == 0
    rows = pl.read_csv(tmp_path / "out" / "prevalence.csv")
    assert rows.filter(pl.col("statistic") == "crude")["estimate"].null_count() == 0
    lost = rows.filter(pl.col("estimate").is_null())
    assert set(lost["age_band"]) == {"35-39", "40-49"}
    assert set(lost["flag"]) == {"nobody of these ages is judged by T-scores"}


def test_reported_scores_are_missed_before_anybody_is_classified(tmp_path):
    code, lines = run(tmp_path, clinic(), "--reference", "reported")
    assert code == 2
    assert "reads T-scores of the file, and it has none" in lines[0]
    assert "--map HEADING=t_score_femoral_neck_reported" in lines[0]
    assert lines[1].startswith("     - --reference zhang_2007 (women")


@pytest.mark.parametrize("reference", ["zhang_2007", "own_young_adults", None])
def test_scores_alone_are_sent_to_the_reference_that_takes_them(tmp_path, reference):
    frame = scores(clinic()).drop(pl.selectors.starts_with("abmd_"))
    named = ("--reference", reference) if reference else ("--definition", "iscd_2019")
    code, lines = run(tmp_path, frame, *named, "--by", "county")
    assert code == 2
    assert "'county' (--by)" in lines[1]
    assert "T-scores of the file's own (lumbar spine, femoral neck, total hip)" in lines[2]
    assert "--reference reported takes" in lines[2]
    assert run(tmp_path, frame, "--reference", "reported")[0] == 0
    with pytest.raises(SchemaError, match="reference='reported'"):
        classify(frame, definition("iscd_2019"))


def test_a_code_that_is_null_already_does_not_count_as_it_stands(tmp_path):
    path = tmp_path / "clinic.csv"
    clinic(abmd_femoral_neck=pl.Series([9.999] * 4 + [0.71] * 56)).write_csv(path)
    code, lines = typed("check", str(path))
    text = " ".join(" ".join(lines).split())
    assert code == 0
    assert "codes for missing became null: 9.999 (4)" in text
    assert "count as they stand" not in text


def test_a_long_list_of_references_is_a_few_lines(tmp_path):
    code, lines = run(tmp_path, clinic())
    assert code == 2
    assert lines[1].startswith("     - --reference zhang_2007 (women: lumbar spine, femoral neck")
    assert len(lines) == 5
    assert lines[4].endswith("more: osteo-epi norms list young_adult")


def test_their_own_young_adults_are_offered_where_they_are_enough_of_each_sex(tmp_path):
    young = clinic(age=pl.int_range(60) % 20 + 20.0)
    few = clinic(age=pl.int_range(60) % 20 + 20.0, sex=pl.Series(["F"] * 31 + ["M"] * 29))
    offered = "     - --reference own_young_adults (their own young adults, 20 to 39 years: lumbar"
    for frame, is_offered in ((clinic(), False), (few, False), (young, True)):
        lines = run(tmp_path, pl.concat([clinic(), frame.with_columns(id="Y" + pl.col("id"))]))[1]
        assert lines[-1].startswith(offered) == is_offered
        assert "own_young_adults" not in "".join(lines[:-1])


def test_one_fault_stays_of_its_own_class():
    with pytest.raises(DesignError, match="did you mean wilson"):
        oe.run(interval="wilsn", n=500)


def test_python_gathers_the_faults_of_a_file(tmp_path):
    clinic(sex=pl.lit(1), abmd_total_hip=pl.lit("thick")).write_csv(tmp_path / "c.csv")
    with pytest.raises(SchemaError, match=r"2 faults:\n1\..*sex_coding.*\n2\..*total_hip"):
        read(tmp_path / "c.csv")


@pytest.mark.parametrize("word", ["female", "女", "F"])
def test_a_file_of_one_sex(word):
    people = read(clinic().drop("sex"), sex=word)
    assert people["sex"].unique().to_list() == ["female"]
    assert people.findings.of("sex_declared")[0].n == 60


def test_one_sex_is_refused_where_the_file_says_otherwise():
    frame = clinic(sex=pl.when(pl.col("age") > 80).then(pl.lit("M")).otherwise(pl.lit("F")))
    with pytest.raises(SchemaError, match="says otherwise in 4 of 60 rows"):
        read(frame, sex="female")


def test_one_code_throughout_is_the_one_sex():
    assert read(clinic(sex=pl.lit(2)), sex="female")["sex"].to_list() == ["female"] * 60


@pytest.mark.parametrize(
    "more",
    [
        {"绝经": pl.Series([0, 1, 2] * 20)},
        {"weight": pl.lit("about 60")},
        {"menopause_age": pl.Series(["50", "about 49", "?"] * 20)},
    ],
)
def test_a_column_that_the_definition_does_not_read_stops_nobody(more):
    rules = definition("china_2020", reference="zhang_2007")
    plain = classify(read(clinic()), rules)["bone_class"]
    assert classify(read(clinic(**more)), rules)["bone_class"].to_list() == plain.to_list()


def test_whole_scores_beside_densities_that_are_read(tmp_path):
    frame = scores(clinic(), decimals=0)
    rules = definition("china_2020", reference="zhang_2007")
    people = classify(read(frame), rules)
    assert people["bone_class"].to_list() == classify(read(clinic()), rules)["bone_class"].to_list()
    assert {f.severity for f in people.findings.of("whole_t_scores")} == {"warning"}
    assert "t_score_femoral_neck_reported (file)" in people.columns
    with pytest.raises(SchemaError, match="whole_t_scores"):
        classify(read(frame), definition("china_2020", reference="reported"))


def test_text_in_a_region_that_is_not_read_stops_nobody(tmp_path):
    frame = clinic(abmd_wards=pl.lit("low"))
    assert run(tmp_path, frame, "--reference", "zhang_2007")[0] == 0
    assert run(tmp_path, frame)[0] == 2


@pytest.mark.parametrize("sites", ["femoral_neck", "lumbar_spine,femoral_neck", "hip", "spine"])
def test_one_site_or_two(tmp_path, sites):
    code, lines = run(tmp_path, clinic(), "--reference", "zhang_2007", "--sites", sites)
    assert code == 0, lines


def test_an_unknown_grouping_lists_the_columns(tmp_path):
    code, lines = run(tmp_path, clinic(), "--reference", "zhang_2007", "--by", "village")
    assert code == 2
    assert "there are person_id, age, sex" in lines[-1]


@pytest.mark.parametrize("ending", ["csv", "parquet", "csv.gz"])
def test_of_a_large_file_the_columns_that_are_named_are_looked_for_in_its_first_rows(
    tmp_path, monkeypatch, ending
):
    monkeypatch.setattr("osteo_epi.report.proposal._needs.QUICK", 0)
    path = tmp_path / f"clinic.{ending}"
    frame = clinic(village=pl.lit("north")).rename({"id": "ID"})
    text = frame.write_csv()
    if ending == "parquet":
        frame.write_parquet(path)
    else:
        path.write_bytes(gzip.compress(text.encode()) if ending == "csv.gz" else text.encode())
    wrong = ("--definition", "who1994", "--reference", "zang_2007", "--standard", "chna_2010")
    code, lines = typed("run", str(path), *wrong, "--by", "ID,vilage", "--weight", "w")
    assert (code, lines[0]) == (2, "error: 5 faults:")
    said = "\n".join(lines)
    assert "'vilage' (--by), 'w' (--weight) are no columns of the data; there are person_id" in said
    assert "by (--by) names ID, which tell(s) persons apart" in said
    assert "reading people" not in said
    right = ("--reference", "zhang_2007", "--by", "village", "--out", str(tmp_path / "out"))
    assert typed("run", str(path), *right, "--no-report", "--quiet")[0] == 0


def test_what_is_made_of_other_columns_is_not_missed_in_the_first_rows(tmp_path, monkeypatch):
    monkeypatch.setattr("osteo_epi.report.proposal._needs.QUICK", 0)
    frame = clinic(menopause_age=pl.Series(["50"] * 59 + ["?"])).rename({"sex": "性别(1男2女)"})
    frame = frame.with_columns(pl.lit(2).alias("性别(1男2女)"))
    for by in ("sex", "性别(1男2女)", "score_reason"):
        code, lines = run(tmp_path, frame, "--reference", "zhang_2007", "--by", by)
        assert code == 0, lines


def test_a_grouping_into_single_people_is_refused_as_it_was_typed_before_any_work(tmp_path):
    frame = clinic(w=pl.int_range(60) + 40.5).rename({"w": "Weight (kg)"})
    reference = ("--reference", "zhang_2007")
    code, lines = run(tmp_path, frame, *reference, "--by", "Weight (kg),id", "--lonely", "x")
    assert (code, lines[0]) == (2, "error: 3 faults:")
    assert "by (--by) names id, which" in "".join(lines[1:3])
    assert "by (--by) column Weight (kg) (weight) has 60 levels for 60 people" in lines[3]


def test_a_code_for_missing_without_a_column_is_of_all(tmp_path):
    frame = clinic().with_columns(
        pl.when(pl.int_range(60) < 5)
        .then(9.999)
        .otherwise(pl.col(f"abmd_{roi}"))
        .alias(f"abmd_{roi}")
        for roi in REGIONS
    )
    frame.write_csv(tmp_path / "c.csv")
    same = [
        oe.run(tmp_path / "c.csv", reference="zhang_2007", missing=missing).to_frame()
        for missing in ([9.999], {f"abmd_{roi}": [9.999] for roi in REGIONS})
    ]
    assert same[0].equals(same[1])
    code, lines = run(tmp_path, frame, "--reference", "zhang_2007", "--missing", "9.999")
    assert code == 0, lines
    stored = pl.read_csv(tmp_path / "out" / "prevalence.csv", infer_schema_length=None)
    assert stored["estimate"].to_list() == same[0]["estimate"].to_list()
    assert (
        "--missing 9.999"
        in oe.run(tmp_path / "c.csv", reference="zhang_2007", missing=[9.999]).manifest["command"]
    )


def proposed(lines: list[str]) -> list[str]:
    """The words of the command that `check` proposes last."""
    return shlex.split(lines[lines.index("Proposed command:") + 1])[1:]


PASTED = {
    "reported scores of three regions": (scores(clinic()), "--reference reported"),
    "reported scores of one region": (
        scores(clinic()).select("id", "age", "sex", "t_score_femoral_neck_reported"),
        "--sites femoral_neck",
    ),
    "densities": (clinic(), "--reference zhang_2007"),
    "whole scores beside densities": (scores(clinic(), decimals=0), "--reference zhang_2007"),
    "spine": (clinic().select("id", "age", "sex", "abmd_lumbar_spine"), "--sites lumbar_spine"),
    "women and men": (
        clinic(sex=pl.Series(["F", "M"] * 30)), "--reference nhanes_2005_2008_nhw_derived"
    ),
    "Hologic": (clinic(device_maker=pl.lit("Hologic")), "--reference nhanes_2005_2008_nhw_derived"),
    "people twice": (pl.concat([clinic(), clinic().head(3)]), "--repeats first"),
    "a row a region": (
        pl.concat([clinic().select("id", "age", "sex", f"abmd_{r}") for r in REGIONS],
                  how="diagonal"),
        "--repeats mean",
    ),
    "Chinese": (
        clinic().rename(
            {"age": "年龄", "sex": "性别", "abmd_lumbar_spine": "腰椎骨密度", "id": "编号",
             "abmd_femoral_neck": "股骨颈骨密度", "abmd_total_hip": "全髋骨密度"}
        ),
        "--reference zhang_2007",
    ),
    "lowest score beside a vertebra": (
        clinic().select("id", "age", "sex", t_score_min_reported=pl.col("age") / -30,
                        t_score_l1_reported=pl.col("age") / -31),
        "--sites not_stated",
    ),
    "scores that contradict each reference": (
        clinic(sex=pl.Series(["F", "M"] * 30),
               t_score_femoral_neck_reported=(pl.col("abmd_femoral_neck") - 0.9) / 0.1),
        "--reference reported --sites femoral_neck",
    ),
    "mg/cm2": (
        clinic().with_columns(pl.col(f"abmd_{roi}") * 1000 for roi in REGIONS),
        "--units abmd_femoral_neck=mg/cm2",
    ),
    "QCT": (clinic().select("id", "age", "sex", vbmd_l1=pl.col("age"), vbmd_l2=140 - pl.col("age")),
            "--standard china_2010"),
}  # fmt: skip


@pytest.mark.parametrize("name", PASTED)
def test_the_proposed_command_runs_through_as_it_is_pasted(tmp_path, name):
    frame, expected = PASTED[name]
    path = tmp_path / "my clinic 诊所.csv"
    frame.write_csv(path)
    _, lines = typed("check", str(path))
    words = proposed(lines)
    assert expected in " ".join(words)
    code, said = typed(*words, "--no-report", "--quiet", "--out", str(tmp_path / "out"))
    assert code == 0, said
    table = pl.read_csv(tmp_path / "out" / "prevalence.csv", infer_schema_length=None)
    assert table["estimate"].count()


def checked(tmp_path, frame: pl.DataFrame, *options: str) -> tuple[int, list[str]]:
    """Exit code and lines of the check of a file."""
    frame.write_csv(tmp_path / "clinic.csv")
    return typed("check", str(tmp_path / "clinic.csv"), *options)


@pytest.mark.parametrize(
    "frame",
    [
        scores(clinic(), decimals=0),
        clinic(abmd_wards=pl.lit("low")),
        scores(clinic()).with_columns(t_score_trochanter_reported=pl.lit("low")),
        clinic(weight=pl.lit("about 60"), 绝经=pl.Series([0, 1, 2] * 20)),
    ],
    ids=["whole scores", "text in a region", "text in a score", "text in what nobody reads"],
)
def test_what_the_run_leaves_out_with_a_warning_is_a_warning_of_the_check(tmp_path, frame):
    code, lines = checked(tmp_path, frame)
    assert code == 0, lines
    assert any(line.startswith("warning") for line in lines)
    assert not any(line.startswith("error") for line in lines)
    out = str(tmp_path / "out")
    assert typed(*proposed(lines), "--no-report", "--quiet", "--out", out)[0] == 0
    told = pl.read_csv(f"{out}/findings.csv")
    assert "warning" in told["severity"]
    assert "error" not in told["severity"]


def test_codes_of_sex_are_left_to_be_filled_in(tmp_path):
    frame = clinic(sex=pl.int_range(60) % 2)
    code, lines = checked(tmp_path, frame)
    words = proposed(lines)
    assert code == 2
    assert words[words.index("--sex-coding") + 1] == "CODE=female,OTHER=male"
    assert "there is no column sex" not in " ".join(" ".join(lines).split())
    filled = [word.replace("CODE", "0").replace("OTHER", "1") for word in words]
    assert typed(*filled, "--no-report", "--quiet", "--out", str(tmp_path / "out"))[0] == 0


def test_a_sex_that_no_column_says_is_left_to_be_filled_in(tmp_path):
    _, lines = checked(tmp_path, clinic().drop("sex"))
    words = proposed(lines)
    assert words[words.index("--sex") + 1] == "SEX"
    pasted = ("--no-report", "--quiet", "--out", str(tmp_path / "out"))
    assert typed(*words, *pasted)[0] == 2
    assert typed(*(word.replace("SEX", "female") for word in words), *pasted)[0] == 0


def test_no_standard_is_proposed_where_an_age_band_is_empty(tmp_path):
    _, lines = checked(tmp_path, clinic().filter(~pl.col("age").is_between(60, 64.9)))
    words = proposed(lines)
    assert "--standard" not in words
    assert "nobody is measured at 60-64 (women)" in " ".join(" ".join(lines).split())
    assert typed(*words, "--no-report", "--quiet", "--out", str(tmp_path / "out"))[0] == 0


@pytest.mark.parametrize(
    ("frame", "options"),
    [
        (clinic().select("id", "age", "sex"), ()),
        (clinic(fragility_fracture=pl.lit("no")).drop(f"abmd_{roi}" for roi in REGIONS), ()),
        (clinic(), ("--map", "L1=vbmd_l1")),
        (clinic(abmd_total_hip=pl.lit("thick")), ()),
        (clinic(age=pl.int_range(60) % 25 + 20.0), ()),
        (clinic().select("id", "age", "sex", abmd_l1="abmd_lumbar_spine"), ()),
        (
            clinic().select("id", "age", "sex", z_score_femoral_neck_reported=-pl.col("age") / 60),
            (),
        ),
        (clinic().select("id", "age", "sex", vbmd_radius_pqct=pl.col("age") + 200), ()),
    ],
    ids=[
        "nothing measured",
        "fractures alone",
        "a name that is not there",
        "text in numbers",
        "nobody of 50 years",
        "one vertebra",
        "Z-scores alone",
        "peripheral QCT",
    ],
)
def test_no_command_is_proposed_that_would_fail(tmp_path, frame, options):
    _, lines = checked(tmp_path, frame, *options)
    assert "Proposed command:" not in lines
    assert any("no command runs through" in line for line in lines)


def test_check_refuses_where_nothing_measured_is_recognised(tmp_path):
    clinic().select("id", "age", "sex", hu_l1=pl.col("age") * 2).write_csv(tmp_path / "ct.csv")
    code, lines = typed("check", str(tmp_path / "ct.csv"))
    assert code == 2
    assert "no density, T-score or QCT value was recognised (hu_l1 is CT attenuation" in lines[-1]


def test_what_a_reference_lacks_names_those_that_hold_it():
    men = read(clinic(sex=pl.lit("male")))
    people = classify(men, definition("china_2020", reference="zhang_2007"))
    (lack,) = people.findings.of("reference_lacks_sex")
    assert "There are for male lumbar_spine: nhanes_2005_2008_nhw," in lack.fix
    assert "male total_hip" in lack.fix
    assert "male femoral_neck: nhanes3_white," in lack.fix


@pytest.mark.parametrize("cells", [1, 40])
def test_a_region_whose_scores_hold_text_is_not_proposed_away(tmp_path, cells):
    """Without the spine fewer people are found, for what may be a slip in one cell."""
    table = scores(clinic()).drop(f"abmd_{roi}" for roi in REGIONS)
    text = pl.col("t_score_lumbar_spine_reported").cast(pl.String)
    slips = pl.when(pl.int_range(pl.len()) < cells).then(pl.lit("<-4.0")).otherwise(text)
    table.with_columns(t_score_lumbar_spine_reported=slips).write_csv(tmp_path / "clinic.csv")
    code, lines = typed("check", str(tmp_path / "clinic.csv"))
    said = " ".join(line.strip() for line in lines)
    assert code == 2
    assert "Proposed command" not in said
    assert "before the faults of T-scores (lumbar spine) are mended" in said
    assert "--sites femoral_neck,total_hip, fewer people are found" in said
    assert f"{cells} are bounds" in said


def test_a_stratum_of_one_unit_stops_the_proposal_as_it_would_the_run(tmp_path):
    """Three strata, of the last of which one unit was drawn."""
    parts = {"survey_weight": pl.lit(2.0), "psu": pl.int_range(60) % 6}
    alone = clinic(stratum=pl.min_horizontal(pl.int_range(60) // 25, 2), **parts)
    for frame, stopped in ((alone.with_columns(psu=pl.int_range(60) // 10), True), (alone, False)):
        frame.write_csv(tmp_path / "clinic.csv")
        said = " ".join(" ".join(typed("check", str(tmp_path / "clinic.csv"))[1]).split())
        assert ("strata with one sampling unit contribute: 1" in said) == stopped
        assert ("osteo-epi run" in said) != stopped


def test_people_whose_device_reports_no_scores_are_told_of(tmp_path):
    table = scores(clinic()).with_columns(
        pl.when(pl.int_range(pl.len()) % 2 == 0).then(f"t_score_{roi}_reported")
        for roi in REGIONS
    )  # fmt: skip
    _, lines = checked(tmp_path, table)
    assert "30 people have densities and none of these T-scores" in " ".join(lines)
    assert "none of these T-scores" not in " ".join(checked(tmp_path, scores(clinic()))[1])
