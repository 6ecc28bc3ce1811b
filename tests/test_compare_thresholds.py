"""Thresholds side by side in the same people."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest

import osteo_epi as oe
from osteo_epi.accuracy import Threshold, accuracy, compare_tests, compare_thresholds, threshold
from osteo_epi.errors import DefinitionError, DesignError, SchemaError
from osteo_epi.survey import SurveyDesign, mean

VBMD = "vbmd_lumbar_spine"
CHINA = threshold("china_2020", VBMD)
LOWER = Threshold.stated(VBMD, "(-inf, 50)", source="stated by the user")
BOTH = {"consensus": CHINA, "lower": LOWER}
LABELS = ("consensus", "lower")


def six(**columns) -> pl.DataFrame:
    scores = [40.0, 55.0, 79.0, 80.0, 101.0, 140.0]
    return pl.DataFrame({VBMD: scores, "fracture": [True, True, False, False, False, False]} | (
        columns
    ))  # fmt: skip


def many(n: int = 400, seed: int = 2) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    score = rng.normal(95, 30, n)
    return pl.DataFrame({VBMD: score, "fracture": rng.normal(80, 25, n) > score})


def test_the_worked_case_of_six_people():
    result = compare_thresholds(six(), truth="fracture", thresholds=BOTH)
    first, second = result.candidates
    assert (first.prevalence.estimate, second.prevalence.estimate) == (3 / 6, 1 / 6)
    assert first.difference is None
    assert first.gain == {}
    assert second.difference.estimate == pytest.approx(-2 / 6)
    assert second.gain["sensitivity"][0] == -1 / 2
    assert second.gain["specificity"][0] == 1 / 4
    assert [first.accuracy[m].estimate for m in ("sensitivity", "specificity", "ppv", "npv")] == [
        1, 3 / 4, 2 / 3, 1
    ]  # fmt: skip
    assert result.pairs.row(0)[:6] == (*LABELS, 1, 2, 0, 3)
    assert (result.n, result.n_missing, result.n_truth_missing) == (6, 0, 0)
    said = str(result).splitlines()
    assert said[4].startswith("lower finds 16.7 (3.0–56.4) %, difference from consensus -33.3 (")
    assert said[4].endswith("points (0 found by it alone, 2 by consensus alone)")
    assert said[6].startswith("lower against fracture: sensitivity 50.0 (")


def test_accuracy_and_gains_are_those_of_accuracy_and_compare_tests():
    data = many()
    result = compare_thresholds(data, truth="fracture", thresholds=BOTH, interval="clopper_pearson")
    shared = {"truth": "fracture"}
    for cut, one in zip((80, 50), result.candidates, strict=True):
        alone = accuracy(
            data, test=VBMD, test_positive=f"(-inf, {cut})", interval="clopper_pearson", **shared
        )
        for name, measure in one.accuracy.items():
            assert measure == alone.measures[name]
    paired = compare_tests(
        data, first=VBMD, second=VBMD, first_positive="(-inf, 50)", second_positive="(-inf, 80)",
        **shared,
    )  # fmt: skip
    for m in (paired.sensitivity, paired.specificity):
        assert result.candidates[1].gain[m.measure] == (m.difference, m.lower, m.upper)


def test_the_difference_of_prevalences_is_that_of_transport():
    data = many()
    moved = oe.accuracy.transport(data, CHINA, to=LOWER).changes[0]
    result = compare_thresholds(data, thresholds=BOTH)
    assert result.candidates[1].difference == moved.difference
    assert result.candidates[0].prevalence == moved.old
    assert result.candidates[1].prevalence == moved.new
    assert result.truth == ""
    assert "sensitivity" not in result.to_frame().columns


def test_a_design_counts_in_every_number():
    data = oe.datasets.survey()
    cuts = {
        str(cut): Threshold.stated("abmd_total_hip", f"(-inf, {cut}]", source="x")
        for cut in (0.7, 0.65, 0.6)
    }
    result = compare_thresholds(data, thresholds=cuts, domain=pl.col("age") >= 50)
    hip = data.frame["abmd_total_hip"].to_numpy()
    design = SurveyDesign(weight="survey_weight", stratum="stratum", psu="psu").arrays(data.frame)
    old = (data.frame["age"] >= 50).to_numpy()
    for a, b in (("0.7", "0.65"), ("0.7", "0.6"), ("0.65", "0.6")):
        change = (hip <= float(b) + 1e-6).astype(float) - (hip <= float(a) + 1e-6)
        expected = mean(np.where(np.isnan(hip), np.nan, change), design, domain=old)
        row = result.pairs.row(by_predicate=(pl.col("first") == a) & (pl.col("second") == b),
                               named=True)  # fmt: skip
        assert row["difference"] == pytest.approx(expected.value[0])
        assert row["se"] == pytest.approx(math.sqrt(expected.covariance[0, 0]))
        assert row["simulated"]
    assert result.notes[0].startswith("SIMULATED")
    assert "SIMULATED" in repr(result)
    assert result.to_frame()["simulated"].all()


def test_thresholds_of_two_columns_judge_the_same_people():
    data = six(hu_l1=[90.0, None, 120.0, 105.0, 200.0, 250.0])
    attenuation = Threshold.stated("hu_l1", "(-inf, 110]", source="stated by the user")
    result = compare_thresholds(data, thresholds=[CHINA, attenuation], truth="fracture")
    assert result.n == 5
    assert result.n_missing == 1
    assert [c.score for c in result.candidates] == [VBMD, "hu_l1"]
    assert [c.prevalence.estimate for c in result.candidates] == [2 / 5, 2 / 5]
    assert result.pairs.row(0)[2:6] == (1, 1, 1, 2)
    assert result.candidates[1].difference.estimate == 0
    assert set(result.distributions) == {VBMD, "hu_l1"}
    assert any("1 person of the domain without a score" in note for note in result.notes)


def test_people_without_the_truth_are_in_the_prevalence_and_in_no_accuracy():
    data = six().with_columns(fracture=pl.Series([True, None, False, False, False, False]))
    result = compare_thresholds(data, thresholds=BOTH, truth="fracture")
    assert result.candidates[0].prevalence.n == 6
    assert result.candidates[0].accuracy["sensitivity"].n == 1
    assert result.n_truth_missing == 1
    assert any("1 person with all scores and without the truth" in note for note in result.notes)


def test_persons_who_occur_twice_go_through_only_where_accepted():
    data = six(person_id=["a", "a", "b", "c", "d", "e"])
    options = {"thresholds": BOTH, "truth": "fracture"}
    with pytest.raises(SchemaError, match="repeated_person"):
        compare_thresholds(data, **options)
    result = compare_thresholds(data, accept_errors=True, **options)
    assert any("repeated_person" in note for note in result.notes)


def test_conditions_are_checked_for_each_threshold():
    result = compare_thresholds(six(tube_voltage=[120.0] * 5 + [100.0]), thresholds=BOTH)
    table = result.condition_table().filter(pl.col("condition") == "tube_voltage")
    assert dict(table.select("of", "verdict").rows()) == {
        "consensus": "different in some", "lower": "not stated by the threshold"
    }  # fmt: skip
    assert "<table>" in result._repr_html_()
    assert "stated by the user" in str(result)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"thresholds": CHINA}, SchemaError, "two or more"),
        ({"thresholds": {"consensus": CHINA}}, SchemaError, "got 1"),
        ({"thresholds": [CHINA, CHINA]}, SchemaError, "differ in what counts as positive"),
        ({"thresholds": [CHINA, 50.0]}, SchemaError, "two or more Threshold"),
        ({"thresholds": [CHINA, Threshold.stated("vbmd_l1", "(-inf, 60)", source="x")]},
         SchemaError, "vbmd_l1"),
        ({"score": {"lower": "fracture"}}, SchemaError, "fracture"),
        ({"score": {"other": VBMD}}, SchemaError, "other"),
        ({"measures": {"other": VBMD}}, SchemaError, "other"),
        ({"domain": pl.col(VBMD) > 500}, SchemaError, "nobody of 6 rows is in the domain"),
        ({"score": {"lower": "vbmd_lumbar_spine_left"}}, SchemaError, "nobody has"),
        ({"truth": VBMD}, SchemaError, "truth_positive="),
        ({"truth_positive": "yes"}, SchemaError, "truth="),
        ({"truth": "healthy"}, SchemaError, "healthy"),
        ({"truth": "nothing"}, SchemaError, "one class only"),
        ({"interval": "guess"}, DesignError, "interval"),
        ({"confidence": 95}, DefinitionError, "confidence"),
    ],
)  # fmt: skip
def test_bad_input_is_named(options, error, words):
    data = six(nothing=[False] * 6, vbmd_lumbar_spine_left=pl.Series([None] * 6, dtype=pl.Float64))
    with pytest.raises(error, match=words):
        compare_thresholds(data, **({"thresholds": BOTH} | options))


def test_a_column_of_no_known_quantity_has_to_be_declared():
    data = six().rename({VBMD: "mean_of_two"})
    with pytest.raises(SchemaError, match="measures="):
        compare_thresholds(data, thresholds=BOTH, score="mean_of_two")
    result = compare_thresholds(data, thresholds=BOTH, score="mean_of_two", measures=VBMD)
    assert result.candidates[0].prevalence.estimate == 0.5
