"""Findings are said in Chinese by their code, each of them, with what to do."""

from __future__ import annotations

import ast
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

import osteo_epi
from osteo_epi import tables
from osteo_epi.cohort import Shape, drift
from osteo_epi.diagnosis import explain
from osteo_epi.errors import DefinitionError
from osteo_epi.findings import Finding, finding_words, findings_of_files
from osteo_epi.language import catalogue, speaking

PACKAGE = Path(osteo_epi.__file__).parent
WORDS = tomllib.loads(
    (PACKAGE / "language" / "words" / "findings.toml").read_text(encoding="utf-8")
)["zh"]
OF_BUILDERS = PACKAGE / "reference"
"""Findings about a new reference stand in its own page, which is in English."""
IN_LISTS = {
    *("missing_weight", "negative_weight", "same_person_same_day", "repeated_person"),
    *("shared_identifier", "comma_decimal", "missing_word", "not_finite", "text_in_numbers"),
    *("minus_behind", "marked_number", "tube_voltage", "qct_calibration", "tube_voltage_unstated"),
    *("qct_calibration_unstated", "reference_implied", "reference_maker", "ctxa_scored_on_dxa"),
    *("dxa_and_qct_disagree", "frax_limited_in_china", "spine_missing", "hip_missing"),
    *("spine_and_hip_missing", "reference_lacks_sex", "reference_lacks_region"),
    *(
        "cell_errors",
        "unsaved_formulas",
        "fracture_stated_against_record",
        "one_trauma_for_several_fractures",
    ),
}
"""Codes that reach `Finding` through a variable."""


def codes_written() -> set[str]:
    """The codes that stand as text in a call of `Finding`."""
    codes = set()
    for path in PACKAGE.rglob("*.py"):
        if OF_BUILDERS in path.parents:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Finding":
                first = next(iter(node.args), None)
                codes |= {first.value} if isinstance(first, ast.Constant) else set()
    return codes


def is_reason(code: str) -> bool:
    try:
        return bool(explain(code, language="zh"))
    except DefinitionError:
        return False


def test_every_finding_has_its_words() -> None:
    codes = codes_written() | IN_LISTS
    assert len(codes) > 100
    assert not {code for code in codes if code not in catalogue("zh") and not is_reason(code)}


def test_what_to_do_is_about_a_finding() -> None:
    codes = codes_written() | IN_LISTS | {code for code in WORDS if is_reason(code)}
    advised = {key.removeprefix("to_do.") for key in WORDS if key.startswith("to_do.")}
    assert not {c for c in advised if c not in WORDS and not is_reason(c) and c not in codes}


@pytest.mark.parametrize("code", ["hip_missing", "identical_rows", "reference_lacks_sex"])
def test_a_chinese_table_has_no_english_sentence(code: str) -> None:
    row = {"code": code, "message": "an English sentence", "fix": "an English piece of advice"}
    with speaking("zh"):
        seen, to_do = tables.finding_words(row)
    assert "English" not in seen + to_do
    assert seen
    assert to_do


def test_english_keeps_the_numbers_of_the_finding() -> None:
    row = {"code": "hip_missing", "message": "72 of 20,000", "fix": ""}
    assert tables.finding_words(row) == ("72 of 20,000", "")


def test_a_finding_without_advice_gets_none() -> None:
    with speaking("zh"):
        assert tables.finding_words({"code": "tube_voltage", "message": "x", "fix": None})[1] == ""


def told_in_chinese(findings: list[Finding]) -> dict[str, str]:
    with speaking("zh"):
        return {f.code: finding_words(f.code, f.message, f.fix)[0] for f in findings}


def test_chinese_names_the_files_in_which_files_differ() -> None:
    headings = {"sex": "sex", "abmd_femoral_neck": "FN; in g"}
    new = Shape(
        7, (*headings, "village"), headings, {"abmd_femoral_neck": "mg/cm2"},
        {"village": "numbers"}, frozenset({"1", "2"}),
    )  # fmt: skip
    shapes = {f"{year}.csv": replace(new, types={"village": "text"}) for year in range(2011, 2016)}
    shapes |= {
        "odd, in two.csv": replace(
            new, headings=headings | {"abmd_femoral_neck": "BMD in FN"},
            units={"abmd_femoral_neck": "g/cm2"}, sexes=frozenset({"F", "M"}),
        ),
        "lacks.csv": replace(new, columns=("sex", "village"), headings={}, units={}, types={}),
    }  # fmt: skip
    told = told_in_chinese(drift(shapes, [*headings, "village"]))
    assert told["drift_column"].endswith("：lacks.csv")
    assert told["drift_unit"].endswith("：5个文件为mg/cm2；odd, in two.csv为g/cm2")
    assert told["drift_coding"].endswith("：6个文件为数字；odd, in two.csv为文字")
    assert told["drift_type"].endswith("：5个文件为文本；odd, in two.csv为数字；按文本读取")
    # A heading may hold the signs that part the sentence: it is shown as it stands.
    assert "'BMD in FN' in odd, in two.csv" in told["drift_heading"]


def test_chinese_names_the_files_that_have_a_finding() -> None:
    def found(code: str, n: int, message: str) -> Finding:
        return Finding(code, "warning", "age", n, message)

    words = found("missing_word", 2, "words: 2")
    told = found("incomplete", 3, "3 of 40 have none")
    named = {f"{year}.csv": [words] for year in range(2015, 2019)}
    named |= {"a.csv": [told], "b.csv": [replace(told, message="3 of 7 have none")]}
    said = told_in_chinese(findings_of_files(named))
    assert said["missing_word"].endswith(
        "；见于6个文件中的4个：2015.csv、2016.csv、2017.csv及另外1个"
    )
    assert said["incomplete"].endswith("；见于6个文件中的2个，如a.csv")
    parts = {"x.parquet (rows 1 to 2,000)": [words], "y.parquet": []}
    said = told_in_chinese(findings_of_files(parts, pieces="parts"))
    assert said["missing_word"].endswith("；见于2个部分中的1个：x.parquet（第1至2,000行）")


@pytest.mark.parametrize(
    ("code", "message", "names"),
    [
        ("files_joined", "2 files read as one table of 600 rows: a.csv, b.csv", "：a.csv、b.csv"),
        (
            "identical_files",
            "whose 3 people would count again: a.csv is b.csv",
            "：b.csv与a.csv相同",
        ),
        ("identical_rows", "agree in every variable with another row, in a.csv: 4", "；见于a.csv"),
        ("identical_rows", "agree in every variable with another row: 4", ""),
        ("hip_missing", "no hip: 4 (in 1 of 2 files: b.csv)", "；见于2个文件中的1个：b.csv"),
    ],
)
def test_a_chinese_finding_keeps_its_files(code: str, message: str, names: str) -> None:
    with speaking("zh"):
        bare, _ = tables.finding_words({"code": code, "message": "one", "fix": None})
        seen, _ = tables.finding_words({"code": code, "message": message, "fix": None})
    assert seen == bare + names
