"""Rules as Python objects and as files: one form, and a value that is named is an answer."""

from __future__ import annotations

import datetime as dt
import re

import polars as pl
import pytest

from osteo_epi.errors import DefinitionError
from osteo_epi.reference import Rule, read_rules, select


def frame(**columns) -> pl.DataFrame:
    n = max(len(values) for values in columns.values())
    hips = [0.9 + 0.001 * row for row in range(n)]  # people, not copies of one
    usual = {"age": [30.0] * n, "sex": ["female"] * n, "abmd_total_hip": hips}
    return pl.DataFrame(usual | columns, strict=False)


@pytest.mark.parametrize("word", ["不详", "unknown", "none"])
def test_a_word_that_the_rule_names_is_an_answer(word):
    data = frame(disease=["diabetes", word, None])
    rule = {"name": "disease", "column": "disease", "missing": "keep"}
    assert select(data, [rule | {"exclude": [word]}]).rows.select("n_excluded", "n_missing").row(
        0
    ) == (1, 1)
    only = select(data, [rule | {"only": [word], "missing": "exclude"}])
    assert only.marked["reference_person"].to_list() == [False, True, False]
    among = rule | {"exclude": ["diabetes"], "among": {"disease": [word, "diabetes"]}}
    assert select(data, [among]).rows["n_excluded"].item() == 1


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"missing": "Exclude", "exclude": (True,)}, 'expected "keep"'),
        ({"missing": "keep", "exclude": (1,), "only": (0,)}, "exclude and only"),
        ({"missing": "keep"}, "no condition"),
        ({"missing": "keep", "exclude": "a"}, "no list of values"),
        ({"missing": "keep", "outside": "18.5-30"}, "not an interval"),
        ({"missing": "keep", "exclude": (9,), "unknown": (9,)}, "9 in exclude and in unknown"),
        ({"missing": "exclude", "stated": True}, "stay"),
        ({"missing": "keep", "exclude": (1,), "among": ["female"]}, "by column"),
        ({"missing": "keep", "exclude": (1,), "reason": 3}, "expected a text"),
    ],
)
def test_a_rule_made_in_python_is_held_to_the_same_form(parts, words):
    with pytest.raises(DefinitionError, match=re.escape(words)):
        Rule("x", "bmi", **parts)


def test_a_rule_made_in_python_is_the_one_of_the_file():
    assert Rule("weight", "bmi", "keep", outside="[18.5, 30)") == read_rules(
        [{"name": "weight", "column": "bmi", "missing": "keep", "outside": "[18.5, 30)"}]
    )[0]  # fmt: skip
    assert Rule("a", "b", "keep", exclude=[1, 2]).exclude == (1, 2)


def test_rules_of_an_editor_that_marks_its_files(tmp_path):
    file = tmp_path / "rules.toml"
    text = '[[rule]]\nname = "a"\ncolumn = "bmi"\noutside = "[18, 30)"\nmissing = "keep"\n'
    file.write_text(text, encoding="utf-8-sig")
    assert read_rules(file)[0].column == "bmi"


def test_a_date_may_be_stated():
    rule = {"name": "scan", "column": "scan_date", "stated": True, "missing": "keep"}
    data = frame(scan_date=[dt.date(2012, 1, 1), None], age=[30.0, 40.0])
    assert select(data, [rule]).marked["reference_person"].to_list() == [False, True]
