"""A wrong argument of the reference room is named with what was expected, before any work."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from osteo_epi import reference as rf
from osteo_epi.errors import DefinitionError, DesignError, SchemaError

COLUMN = "abmd_femoral_neck"
TERMS = {"family": "normal", "mu": rf.Polynomial(1), "sigma": rf.Constant()}


def people_of(sex: str, seed: int, n: int = 400) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    age = rng.uniform(20, 80, n)
    level = 1.0 if sex == "female" else 1.1
    y = level - 0.003 * age + rng.normal(0, 0.1, n)
    return pl.DataFrame({"age": age, "sex": [sex] * n, COLUMN: y, "zero": np.zeros(n)})


@pytest.fixture(scope="module")
def women():
    return people_of("female", 1)


@pytest.fixture(scope="module")
def curve(women):
    return rf.fit_curve(women, COLUMN, **TERMS)


@pytest.fixture(scope="module")
def reference(women):
    return rf.fit_reference(women, rois=["femoral_neck"], **TERMS)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda w: rf.peaks(w, roi="femoral_neck", confidence=95), "confidence=95"),
        (lambda w: rf.peaks(w, roi="femoral_neck", confidence=0), "confidence=0"),
        (lambda w: rf.sensitivity(w, [], roi="femoral_neck", confidence=95), "confidence=95"),
        (lambda w: rf.compare("nhanes3_white", "zhang_2007", confidence=95), "confidence=95"),
        (lambda w: rf.fit_reference(w, rois=["l1", "l1"]), "l1 stand twice"),
        (lambda w: rf.fit_reference(w, rois="l1"), "expected a list"),
        (lambda w: rf.fit_reference(w, rois=["l1"], date="2026-01-01"), "date is a str"),
        (lambda w: rf.fit_reference(w, mu="pspline"), "mu='pspline'; expected a term"),
        (lambda w: rf.fit_reference(w, sigma=rf.PSpline), "expected a term"),
        (lambda w: rf.fit_curve(w, COLUMN, mu="pspline"), "mu='pspline'; expected a term"),
        (lambda w: rf.fit_quantiles(w, COLUMN, percents=50), "percents=50"),
        (lambda w: rf.fit_quantiles(w, COLUMN, term="x"), "term='x'; expected a term"),
        (lambda w: rf.PSpline(intervals=0), "intervals of a P-spline=0"),
        (lambda w: rf.PSpline(intervals=-3), "intervals of a P-spline=-3"),
        (lambda w: rf.PSpline(df="4"), "df of a P-spline='4'"),
        (lambda w: rf.PSpline(decline_from="30"), "decline_from='30'"),
        (lambda w: rf.Polynomial(2.5), "degree of a polynomial=2.5"),
        (lambda w: rf.NaturalSpline("3"), "knots of a natural spline='3'"),
        (lambda w: rf.FractionalPolynomial("1"), "powers=1"),
        (lambda w: rf.balance(w, band=2.5), "band=2.5"),
        (lambda w: rf.balance(w, ages=(20,)), "the first and the last completed year"),
        (lambda w: rf.sample_size(cut_off_se=0.1, sexes=["female", "female"]), "female stand"),
        (lambda w: rf.sample_size(cut_off_se=0.1, sd=-0.1), "sd=-0.1"),
        (lambda w: rf.sample_size(cut_off_se="0.1"), "cut_off_se='0.1'"),
        (lambda w: rf.sample_size(centile_se=0.05, ages=(20, 20)), "5 years of age at least"),
        (lambda w: rf.sample_size(cut_off_se=0.1, young=20), "young=20; expected the first"),
        (lambda w: rf.sample_size(cut_off_se=0.1, young=(20,)), "young=(20,)"),
        (lambda w: rf.sample_size(cut_off_se=0.1, young=(20.5, 39)), "young=(20.5, 39)"),
        (lambda w: rf.sample_size(centile_se=0.05, band=2.5), "band=2.5"),
        (lambda w: rf.sample_size(centile_se=0.05, terms=rf.Polynomial(3)), "1 terms"),
    ],
)  # fmt: skip
def test_a_wrong_argument_is_named_with_what_was_expected(women, call, words):
    with pytest.raises(DefinitionError) as told:
        call(women)
    assert words in str(told.value)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda r, c, w: rf.diagnose(r, w), "reference.curves["),
        (lambda r, c, w: rf.bands(r, w), "one of fit_curve"),
        (lambda r, c, w: rf.diagnose(c, w, folds="5"), "--folds"),
        (lambda r, c, w: c.quantile([50], 50), "0.5 for the median"),
        (lambda r, c, w: c.z([50, 60], [0.8, 0.8, 0.9]), "3 numbers for 2 ages"),
        (lambda r, c, w: c.centiles([50], percents=50), "percents=50"),
    ],
)
def test_a_curve_and_a_reference_are_not_taken_for_each_other(reference, curve, women, call, words):
    with pytest.raises(DefinitionError) as told:
        call(reference, curve, women)
    assert words in str(told.value)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"id": None}, "id=None"),
        ({"id": "by_age"}, "id='by_age'"),
        ({"title": None}, "title= is a NoneType"),
        ({"smallest": "10"}, "smallest (--smallest)='10'"),
        ({"smallest": -1}, "smallest (--smallest)=-1"),
        ({"doi": "nonsense"}, "doi='nonsense'"),
        ({"maker": "a\nb"}, "one line each"),
    ],
)
def test_what_cannot_be_published_is_refused_before_a_file_is_there(
    reference, tmp_path, more, words
):
    head = {"id": "own_one", "title": "Own", "population": "people"} | more
    with pytest.raises(DefinitionError) as told:
        rf.publish(reference, tmp_path / "out", **head)
    assert words in str(told.value)
    assert not (tmp_path / "out").exists()


def test_limits_refuse_as_many_other_people(curve):
    with pytest.raises(SchemaError, match="400 other people"):
        rf.bands(curve, people_of("male", 2))


def test_a_design_that_is_none_is_named(women):
    with pytest.raises(DesignError, match="design is a dict"):
        rf.fit_reference(women, rois=["femoral_neck"], design={"weight": "w"})


def test_the_advice_on_weights_holds_when_followed(women):
    with pytest.raises(SchemaError, match='weight="equal" for equal ones'):
        rf.fit_reference(women, rois=["femoral_neck"], weight="zero", **TERMS)
    equal = rf.fit_reference(women, rois=["femoral_neck"], weight="equal", **TERMS)
    assert equal.curves["female", "femoral_neck"].weight is None
    with pytest.raises(SchemaError, match=r"column zz of weights .*--weight"):
        rf.fit_reference(women, rois=["femoral_neck"], weight="zz")


def test_weights_that_few_people_hold_are_said(women):
    heavy = women.with_columns(w=np.where(np.arange(len(women)) < 3, 1e9, 1.0))
    notes = " ".join(rf.fit_curve(heavy, COLUMN, weight="w", **TERMS).notes)
    assert "400 people count as 3" in notes
    even = women.with_columns(w=np.linspace(0.5, 3, len(women)))
    assert rf.fit_curve(even, COLUMN, weight="w", **TERMS).notes == ()


def test_other_people_are_first_asked_who_they_are(curve):
    card = rf.diagnose(curve, people_of("male", 2)).to_frame()
    mean = card.row(by_predicate=pl.col("criterion") == "mean", named=True)
    assert mean["to_do"].startswith("first see whether these are people for this curve")


def test_a_reference_that_replaces_another_takes_away_what_judged_it(reference, tmp_path):
    head = {"id": "own_one", "title": "Own", "population": "people"}
    rf.publish(reference, tmp_path, **head)
    for name in ("card.csv", "findings.csv", "against_zhang_2007.csv", "my_own.csv"):
        (tmp_path / "own_one" / name).write_text("x")
    rf.publish(reference, tmp_path, **head, overwrite=True)
    left = {path.name for path in (tmp_path / "own_one").glob("*.csv")}
    assert left == {"table.csv", "lms.csv", "my_own.csv"}
