"""Every case of the consensus, as a clinician would read it: see tests/cases/README.md."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from osteo_epi.diagnosis import classify, definition, with_fragility_fracture
from osteo_epi.errors import SchemaError
from osteo_epi.norms import (
    AgeCurve,
    AgeReference,
    Citation,
    CurveEntry,
    Entry,
    Interval,
    MeanSD,
    YoungAdultReference,
)

FOLDER = Path(__file__).parent / "cases"
DECIDING_ROWS = set(range(1, 29))
SEXES = ("female", "male")

HEAD = {"title": "cases", "citation": Citation("tests/cases/README.md"), "verification": "A"}
YOUNG = YoungAdultReference(
    id="cases",
    population="nobody",
    maker="unknown",
    entries=tuple(
        Entry(sex, roi, MeanSD(mean=0.7 if roi == "radius_33" else mean, sd=0.1))
        for sex, mean in (("female", 1.0), ("male", 1.1))
        for roi in ("lumbar_spine", "femoral_neck", "total_hip", "radius_33")
    ),
    **HEAD,
)
BY_CTXA = YoungAdultReference(
    id="cases_ctxa",
    population="nobody",
    maker="unknown",
    entries=tuple(
        Entry("female", f"{roi}_ctxa", MeanSD(mean=0.8, sd=0.1))
        for roi in ("femoral_neck", "total_hip")
    ),
    **HEAD,
)
FLAT = AgeCurve((20.0, 79.0), (0.9, 0.9), (0.1, 0.1), Interval.parse("[20, 80)"))
SAME_AGE = AgeReference(
    id="cases_by_age",
    population="nobody",
    maker="unknown",
    curves=tuple(
        CurveEntry(
            sex, roi, AgeCurve((20.0, 79.0), (0.9, 0.9), (0.1, 0.1), Interval.parse("[20, 80)"))
        )
        for sex in SEXES
        for roi in ("lumbar_spine", "femoral_neck", "total_hip", "radius_33")
    ),
    **HEAD,
)
WITHOUT_SPINE = replace(
    YOUNG,
    id="cases_without_spine",
    entries=tuple(entry for entry in YOUNG.entries if entry.roi != "lumbar_spine"),
)
YOUNG_ADULTS = {young.id: young for young in (YOUNG, WITHOUT_SPINE, BY_CTXA)}
USUAL = {"name": "china_2020", "reference": "cases", "age_reference": "cases_by_age"}


def cases() -> list[dict]:
    """All cases, with the persons of a table written out."""
    found = []
    for path in sorted(FOLDER.glob("*.toml")):
        for case in tomllib.loads(path.read_text(encoding="utf-8"))["case"]:
            for number, row in enumerate(case.get("rows", [{}])):
                merged = dict(case, file=path.stem, number=number)
                merged["person"] = case.get("person", {}) | row.get("person", {})
                merged["expect"] = case.get("expect", {}) | row.get("expect", {})
                found.append(merged)
    return found


CASES = cases()


def rules(case: dict):
    """The definition of a case."""
    parts = dict(case.get("definition", USUAL))
    for part in ("reference", "ctxa_reference"):
        parts[part] = YOUNG_ADULTS.get(parts.get(part), parts.get(part))
    if parts.get("age_reference") == "cases_by_age":
        parts["age_reference"] = SAME_AGE
    return definition(parts.pop("name"), **parts)


def frame(person: dict) -> pl.DataFrame:
    """One person; age and sex are the two columns that every file has."""
    known = {"age": None, "sex": None} | person
    numbers = {
        name: float(value) if isinstance(value, int) and not isinstance(value, bool) else value
        for name, value in known.items()
    }
    data = pl.DataFrame({name: [value] for name, value in numbers.items()})
    return data.with_columns(pl.col("age").cast(pl.Float64), pl.col("sex").cast(pl.String))


def judged(people: pl.DataFrame, case: dict) -> pl.DataFrame:
    limits = tuple(case.get("bmi_limits", (None, None)))
    chosen = rules(case)
    people = with_fragility_fracture(
        people, genant_from=chosen.genant_from, endplate_rule=chosen.endplate_rule
    )
    return classify(people, chosen, bmi_limits=limits)


def check(row: dict, case: dict) -> None:
    for column, expected in case["expect"].items():
        value = row.get(column)
        if expected == "nothing":
            assert value is None, f"{column} is {value!r}, expected nothing"
        elif isinstance(expected, float):
            assert value == pytest.approx(expected, abs=1e-9), column
        else:
            assert value == expected, f"{column} is {value!r}, expected {expected!r}"


def label(case: dict) -> str:
    return f"{case['file']}, row {case['row']}: {case['name']} ({case['number'] + 1})"


@pytest.mark.parametrize("case", CASES, ids=label)
def test_case(case: dict) -> None:
    assert case["expect"], "a case has to expect something"
    if "error" in case["expect"]:
        with pytest.raises(SchemaError, match=case["expect"]["error"]):
            judged(frame(case["person"]), case)
        return
    (row,) = judged(frame(case["person"]), case).to_dicts()
    check(row, case)


def test_cases_say_the_same_when_all_people_stand_in_one_file() -> None:
    """A column that is absent and one that is empty mean the same."""
    usual = [case for case in CASES if "definition" not in case and "bmi_limits" not in case]
    together = pl.concat([frame(case["person"]) for case in usual], how="diagonal_relaxed")
    rows = judged(together, usual[0]).to_dicts()
    for case, row in zip(usual, rows, strict=True):
        try:
            check(row, case)
        except AssertionError as error:
            raise AssertionError(f"{label(case)}: {error}") from None


def test_what_is_classified_at_once_is_what_a_lazy_frame_gives() -> None:
    """Columns of the file are passed by the query: none that classifying rewrites may be."""
    usual = [case for case in CASES if "definition" not in case and "bmi_limits" not in case]
    together = pl.concat([frame(case["person"]) for case in usual], how="diagonal_relaxed")
    at_once, lazy = judged(together, usual[0]), judged(together.lazy(), usual[0]).collect()
    assert_frame_equal(at_once, lazy)


def test_every_row_that_decides_has_a_case() -> None:
    assert {case["row"] for case in CASES} == DECIDING_ROWS


def test_quotes_are_the_words_of_the_source(shared: Path) -> None:
    source = (shared / "seed" / "consensus_zh.txt").read_text(encoding="utf-8")
    for case in CASES:
        assert case["words"] in source, f"{label(case)}: the quoted words are not in the source"
