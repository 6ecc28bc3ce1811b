"""Whatever is said to a reader has its Chinese words, with the same values in them."""

from __future__ import annotations

import ast
import string
import tomllib
from pathlib import Path

import polars as pl
import pytest

import osteo_epi
from osteo_epi.errors import OutputError
from osteo_epi.language import (
    CHOICE_VALUES,
    CHOICES,
    NO_NORMS,
    PHRASES,
    TEXTS,
    WORDS,
    catalogue,
    language,
    method_words,
    phrase,
    said,
    speaking,
    word,
)
from osteo_epi.norms import GRADE_MEANING, available, citation_words, load
from osteo_epi.report.contents import CHOICES as DEFINITION_CHOICES
from osteo_epi.report.contents import NOTES, note_words
from osteo_epi.survey import INTERVAL_NAMES

CITED = ("criteria", "young_adult", "by_age", "standard_population", "presentation")
"""Kinds of norms that a report cites."""
READ_IN = {
    place
    for kind in CITED
    for id in available(kind).to_polars()["id"]
    if (place := load(kind, id).citation.read_in)
}
SAID = (
    *READ_IN,
    *NO_NORMS.values(),
    *CHOICES.values(),
    *CHOICE_VALUES.values(),
    *NOTES.values(),
    *(text for name_and_value in DEFINITION_CHOICES.values() for text in name_and_value),
)
PACKAGE = Path(osteo_epi.__file__).parent
SAME = {"OSTA", "ORAI", "SCORE", "CTX", "P1NP", "PTH"}
"""Names that are the same in every language."""


def texts() -> dict[str, str]:
    """What the package says, to the file that says it."""
    spoken = dict.fromkeys(
        (*WORDS.values(), *TEXTS.values(), *PHRASES.values(), *GRADE_MEANING.values(), *SAID),
        "labels",
    )
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "said":
                text = node.args[0]
                if isinstance(text, ast.Constant):
                    spoken[text.value] = str(path.relative_to(PACKAGE))
    return spoken


def values_in(text: str) -> set[str]:
    return {field for _, field, _, _ in string.Formatter().parse(text) if field}


def test_levels_that_look_alike_are_told_in_chinese() -> None:
    neck = osteo_epi.definition(
        "iscd_2019", reference="nhanes3_white_female", sites=["femoral_neck"]
    )
    written = (
        pl.when(pl.int_range(pl.len()) % 2 == 0).then(pl.lit("Urban ")).otherwise(pl.lit("urban"))
    )
    people = osteo_epi.simulate(60, seed=1).frame.with_columns(area=written)
    (note,) = (n for n in osteo_epi.prevalence(people, neck, by="area").notes if "blanks" in n)
    with speaking("zh"):
        assert note_words(note).startswith("area的部分水平仅空格、全半角或大小写不同")


def test_notes_of_accepted_errors_and_unused_columns_are_said_in_chinese() -> None:
    accepted = "in spite of an error in the data (pregnant_age in pregnant): people marked: 40"
    unused = "w1, w2, w3 and more look like replicate weights, and nothing uses such a column until"
    assert note_words(accepted) == f"I{accepted[1:]}."
    with speaking("zh"):
        assert note_words(accepted).startswith("数据有已接受的错误（pregnant_age，pregnant）：55岁")
        assert "（w1、w2、w3等）" in note_words(f"{unused} it is named: design=ReplicateDesign(…)")


def test_every_text_has_its_words() -> None:
    lacking = {t: f for t, f in texts().items() if t not in catalogue("zh") and t not in SAME}
    assert not lacking


def test_no_word_is_of_a_text_that_nobody_says() -> None:
    by_code = tomllib.loads(
        (PACKAGE / "language" / "words" / "findings.toml").read_text(encoding="utf-8")
    )["zh"]
    assert not set(catalogue("zh")) - set(texts()) - set(by_code)


def test_the_values_stand_in_both() -> None:
    for text, words in catalogue("zh").items():
        if values_in(text):
            assert values_in(text) == values_in(words), text


def test_a_text_stands_in_one_file_only() -> None:
    seen: set[str] = set()
    for path in (PACKAGE / "language" / "words").glob("*.toml"):
        words = set(tomllib.loads(path.read_text(encoding="utf-8"))["zh"])
        assert not words & seen, path.name
        seen |= words


def test_the_language_ends_with_its_context() -> None:
    with speaking("zh"):
        assert (word("female"), said("A text of nobody"), language()) == (
            "女性",
            "A text of nobody",
            "zh",
        )
    assert (word("female"), language()) == ("Women", "en")


def test_another_language_is_refused_with_those_that_there_are() -> None:
    with (
        pytest.raises(OutputError, match=r"--language\); there are en \(English\), zh"),
        speaking("fr"),
    ):
        pass


def test_a_flag_of_a_column_of_any_name_is_said() -> None:
    with speaking("zh"):
        for flag in ("income $ & 12 missing: 3", "income $ & 12 low, or so: nobody classifiable"):
            assert phrase(flag) != flag


def test_what_stands_around_a_citation_is_said_and_the_publication_stays() -> None:
    norm = load("young_adult", "nhanes_2005_2010_derived")
    with speaking("zh"):
        words = citation_words(norm.cite(), norm.id)
    assert words.startswith(norm.title_zh)
    assert norm.citation.text in words
    for english in ("Derived on", "left out", "[derived]", "completed years"):
        assert english not in words
    assert citation_words("Our hospital, table of 2026.", "ours") == "Our hospital, table of 2026."


def test_every_kind_of_interval_is_said() -> None:
    with speaking("zh"):
        said_of = [
            method_words(f"Taylor linearisation; interval: {n}") for n in INTERVAL_NAMES.values()
        ]
    assert len(set(said_of)) == len(INTERVAL_NAMES)
    assert all(words.startswith("Taylor线性化法；区间：") for words in said_of)
    assert not any("sample" in words for words in said_of)
