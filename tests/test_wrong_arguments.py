"""What no function can take is told by its name and by what was expected, and not by Python."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl
import pytest

import osteo_epi as oe
from osteo_epi import agreement
from osteo_epi.arguments import choices_of
from osteo_epi.errors import DefinitionError, OsteoEpiError

PEOPLE = oe.simulate(200, seed=1).frame
NECK = oe.definition("iscd_2019", reference="nhanes3_white_female", sites=["femoral_neck"])
VALUES = pl.Series("secret", [0.123])
TWO = {"x": [0.8, 0.9, 1.0, 0.95], "y": [0.83, 0.92, 1.04, 0.93]}
CALLS: list[tuple[Any, dict[str, Any], str]] = [
    (oe.classify, {"people": PEOPLE, "definition": "china_2020"}, "definition is a str"),
    (oe.classify, {"people": PEOPLE, "definition": NECK, "bmi_limits": 35}, "bmi_limits"),
    (oe.prevalence, {"people": PEOPLE, "definition": None}, "definition is a NoneType"),
    (oe.definition, {"name": ["china_2020"]}, "criteria is asked for by its id"),
    (oe.definition, {"name": "china_2020", "norms_folder": 5}, "folder of norms is a int"),
    (oe.definition, {"name": "china_2020", "reference": VALUES}, "reference is a Series"),
    (oe.definition, {"name": "china_2020", "ctxa_reference": 5}, "ctxa_reference is a int"),
    (oe.definition, {"name": "china_2020", "sites": 5}, "sites"),
    (oe.definition, {"name": "nchs_bone_2021", "evidence": pl.col("dxa")}, "evidence"),
    (oe.definition, {"name": "nchs_bone_2021", "hip_side": ["left"]}, "hip_side"),
    (oe.definition, {"name": "nchs_bone_2021", "spine_rule": ["all_four"]}, "spine rule"),
    (oe.definition_axes, {"cut_off": ["low"]}, "cut_off"),
    (oe.definition_axes, {"cut_off": -2.0}, "an axis of the grid"),
    (oe.definition_grid, {"people": PEOPLE, "definitions": ["iscd_2019"]}, "one of definitions"),
    (oe.definition_grid, {"people": PEOPLE, "definitions": {}}, "no definition is given"),
    (oe.young_adult_reference, {"people": PEOPLE, "rois": 5}, "rois"),
    (oe.young_adult_reference, {"people": PEOPLE, "weight": VALUES}, "weight is a Series"),
    (oe.with_t_scores, {"people": PEOPLE, "reference": None}, "reference is a NoneType"),
    (oe.with_z_scores, {"people": PEOPLE, "reference": {}}, "reference is a dict"),
    (oe.with_lumbar_spine, {"people": PEOPLE, "tolerance": "0.001"}, "tolerance"),
    (oe.with_screening, {"people": PEOPLE, "index": 5}, "index"),
    (oe.explain, {"codes": VALUES}, "codes is a Series"),
    (oe.t_score, {"abmd": ["low"], "mean": 0.9, "sd": 0.1}, "abmd holds what is no number"),
    (oe.z_score, {"abmd": 0.9, "age": 60, "curve": None}, "curve is a NoneType"),
    (oe.SurveyDesign, {"weight": ["survey_weight"]}, "weight is a list"),
    (oe.read, {"data": PEOPLE, "map": ["age"]}, "map= is no mapping"),
    (agreement.bland_altman, TWO | {"scale": "percents"}, "scale must be one of"),
    (agreement.bland_altman, TWO | {"interval": "excat"}, "interval must be one of"),
    (agreement.bland_altman_repeated, TWO | {"true_value": "same"}, "true_value must be one of"),
    (agreement.concordance, TWO | {"interval": "Z"}, "interval must be one of z, asymptotic"),
    (agreement.krippendorff, {"ratings": [[1, 2]], "level": "nominl"}, "level must be one of"),
    (
        agreement.deming,
        TWO | {"interval": "bootstrap", "bootstrap_kind": "BCA"},
        "bootstrap_kind must be one of",
    ),
    (
        oe.calibration.with_change,
        {"scans": PEOPLE, "value": "abmd_total_hip", "lsc": 0.03, "since": "last"},
        "since must be one of first, previous",
    ),
    (agreement.bland_altman, TWO | {"confidence": VALUES}, "confidence is of kind Series"),
    (oe.read, {"data": PEOPLE, "map": {1: "age"}}, "map= holds what is no word"),
    (oe.read, {"data": PEOPLE, "sex_coding": "1=male"}, "sex_coding= is no mapping"),
    (oe.read, {"data": PEOPLE, "units": {"age": 1}}, "units= holds what is no word"),
    (oe.read, {"data": PEOPLE, "missing": -9}, "missing= takes a list"),
    (oe.read, {"data": PEOPLE, "missing": {"age": -9}}, "missing= takes a list"),
]
OF_AN_ESTIMATE: list[tuple[str, Any, str]] = [
    ("by", None, "by .*None"),
    ("by", pl.col("sex"), "by .*Expr"),
    ("by", [VALUES], "by .*Series"),
    ("standard", {"50-59": 0.5}, "standard .*dict"),
    ("age_bands", "50,65,80", "ascending edges"),
    ("confidence", "95%", "confidence"),
    ("interval", ["beta"], "interval"),
]


WRONG = (1, None, [True], VALUES)


def functions() -> Iterator[tuple[str, Any]]:
    """Every function, and method of a class, behind a door that a user has."""
    doors = {"": oe, "population.rates": oe.population.rates}
    doors |= {name: getattr(oe, name) for name in oe.__all__ if inspect.ismodule(getattr(oe, name))}
    for door, room in doors.items():
        for name in room.__all__:
            named = getattr(room, name)
            yield f"{door}.{name}", named
            for part in vars(named) if inspect.isclass(named) else ():
                if not part.startswith("_"):
                    yield f"{door}.{name}.{part}", getattr(named, part)


CHOICES = {
    inspect.unwrap(function): (function, name)
    for name, function in functions()
    if (inspect.isfunction(function) or inspect.ismethod(function))
    and not function.__module__.startswith("osteo_epi.report.")
    and choices_of(getattr(function, "__func__", function))
}


@pytest.mark.parametrize("function", [pytest.param(one, id=name) for one, name in CHOICES.values()])
def test_a_choice_is_true_or_false_or_one_of_its_words(function: Any) -> None:
    """A word such as "no" counted as true, and a column ended in an error of Polars."""
    choices = choices_of(getattr(function, "__func__", function))
    needed = {
        one.name: object()
        for one in inspect.signature(function).parameters.values()
        if one.default is one.empty and one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)
    }
    needed |= {one.name: one.words[0] for one in choices if one.words and one.name in needed}
    for choice in choices:
        for wrong in WRONG if choice.words else ("no", *WRONG):
            if wrong is None and choice.absent:
                continue
            with pytest.raises(OsteoEpiError, match=choice.name) as told:
                function(**needed | {choice.name: wrong})
            assert "0.123" not in str(told.value)


def test_choices_are_of_every_door() -> None:
    assert len(CHOICES) > 60


def test_true_or_false_of_numpy_is_one() -> None:
    found = oe.classify(PEOPLE, NECK, accept_errors=np.True_)
    assert found["bone_class"].equals(oe.classify(PEOPLE, NECK)["bone_class"])
    for design in ({"nest": "no"}, {"lonely_domains": 1}):
        with pytest.raises(DefinitionError, match="expected True or False"):
            oe.SurveyDesign(weight="w", **design)
    with pytest.raises(DefinitionError, match="combined='no'; expected True or False"):
        oe.survey.ReplicateDesign("w", "rw", kind="BRR", combined="no")


@pytest.mark.parametrize(("function", "given", "word"), CALLS)
def test_an_argument_of_the_wrong_kind(function: Any, given: dict[str, Any], word: str) -> None:
    """Each ended in an error of Python's or Polars' own that named a line of ours."""
    with pytest.raises(OsteoEpiError, match=word) as told:
        function(**given)
    assert "0.123" not in str(told.value)


@pytest.mark.parametrize(("name", "value", "word"), OF_AN_ESTIMATE)
def test_a_choice_of_an_estimate_of_the_wrong_kind(name: str, value: Any, word: str) -> None:
    """Prevalence and trend take the same choices, and so does the grid."""
    for asked in (
        lambda **choice: oe.prevalence(PEOPLE, NECK, **choice),
        lambda **choice: oe.prevalence_trend(PEOPLE, NECK, over="exam_year", **choice),
    ):
        with pytest.raises(OsteoEpiError, match=word) as told:
            asked(**{name: value})
        assert "0.123" not in str(told.value)


@pytest.mark.parametrize("name", ["overwrite", "report", "pdf", "use_design", "parts"])
def test_a_run_takes_no_word_for_yes(name, tmp_path):
    with pytest.raises(DefinitionError, match=f"{name}='no'; expected True or False"):
        oe.run(n=10, out=tmp_path / "run", **{name: "no"})
