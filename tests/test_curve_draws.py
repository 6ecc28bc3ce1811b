"""Bootstraps of curves: samples that give nothing are counted and said, and never an error."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from osteo_epi.accuracy import adjusted_roc, cut_points, roc, smooth_roc
from osteo_epi.survey import SurveyDesign

GIVEN = {"score": "score", "truth": "truth", "direction": "low"}
ROWS = np.arange(60)
PEOPLE = pl.DataFrame(
    {
        "score": ROWS * 7 % 60 * 1.0,
        "truth": ROWS // 3 == 4,
        "age": 50.0 + ROWS % 20,
        "sex": ROWS % 2 == 0,
        "unit": ROWS // 3,
    }
)
FOUR = pl.DataFrame({"score": [1.0, 2, 3, 4], "truth": [True, False, True, False]})


@pytest.mark.parametrize("seed", range(4))
def test_samples_without_an_estimate_are_counted(seed):
    result = smooth_roc(FOUR, **GIVEN, method="normal", replicates=2, seed=seed)
    assert any("of 2 samples of the bootstrap have no such estimate" in n for n in result.notes)
    assert result.auc.lower is None
    assert result.auc.se is None
    assert result.auc.method.endswith("of 2 samples")
    assert "of 2 samples" in result.band()._repr_html_()


@pytest.mark.parametrize(
    "curve",
    [
        lambda **k: roc(PEOPLE, **GIVEN, uncertainty="bootstrap", **k),
        lambda **k: smooth_roc(PEOPLE, **GIVEN, **k),
        lambda **k: adjusted_roc(PEOPLE, **GIVEN, covariates=["age"], **k),
        lambda **k: adjusted_roc(PEOPLE, **GIVEN, covariates=["sex"], method="stratified", **k),
        lambda **k: cut_points(PEOPLE, **GIVEN, criteria=("youden",), **k),
    ],
)
def test_samples_of_units_without_a_class_are_left_out_and_said(curve):
    result = curve(replicates=100, design=SurveyDesign(psu="unit"))
    assert any("of 100 samples of the bootstrap have no such" in note for note in result.notes)


def test_a_stratum_that_no_sample_of_both_classes_holds_gives_no_area_of_0():
    people = PEOPLE.with_columns(truth=pl.col("unit") < 10, part=pl.col("unit") // 10 * 0)
    whole = adjusted_roc(people, **GIVEN, covariates=["part"], method="stratified", replicates=100)
    assert whole.auc.lower > 0
    few = PEOPLE.with_columns(truth=pl.col("unit").is_in([0, 1]), part=pl.col("unit") % 10)
    design = SurveyDesign(psu="unit")
    result = adjusted_roc(few, **GIVEN, covariates=["part"], method="stratified",
                          replicates=100, design=design)  # fmt: skip
    assert any("have no such estimate" in note for note in result.notes)


def test_too_few_samples_for_a_level_are_said():
    few = roc(PEOPLE, **GIVEN, uncertainty="bootstrap", replicates=200, confidence=0.999)
    assert any("200 samples are too few for limits at 99.9 %" in note for note in few.notes)
    assert any("take replicates=2000 or more" in note for note in few.notes)
    cut = cut_points(PEOPLE, **GIVEN, criteria=("youden",), replicates=20)
    assert any("take replicates=40 or more" in note for note in cut.notes)
    enough = cut_points(PEOPLE, **GIVEN, criteria=("youden",), replicates=60)
    assert not any("too few for limits" in note for note in enough.notes)
