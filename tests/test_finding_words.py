"""Findings are said in Chinese by their code, each of them, with what to do."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest

import osteo_epi
from osteo_epi import tables
from osteo_epi.diagnosis import explain
from osteo_epi.errors import DefinitionError
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
    *("marked_number", "tube_voltage", "qct_calibration", "tube_voltage_unstated"),
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
