"""Norms by age that hold a distribution, and norms derived from somebody's records."""

import numpy as np
import polars as pl
import pytest

from osteo_epi import norms
from osteo_epi.errors import NormError, OutOfRangeWarning
from osteo_epi.norms import AgeCurve, DistributionCurve, Interval

HEAD = """
kind = "by_age"
id = "ours"
title = "Ours"
verification = "derived"
labels = ["derived"]
quantity = "abmd"
unit = "g/cm2"
population = "ours"
maker = "hologic"
"""
CITATION = '[citation]\ntext = "Not published."\n'
DERIVATION = f"""
[derivation]
data_sha256 = "{"0a" * 32}"
people = 7040
exclusions = ["rheumatoid arthritis, n = 61"]
model = "LMS"
design = "simple random sample"
software = "osteo-epi 0.1.0"
date = "2026-01-31"
"""
CURVE = """
[[curve]]
sex = "female"
roi = "femoral_neck"
ages = "[20, 31)"
age = [20, 25, 30]
family = "bccg"
mu = [0.9, 0.88, 0.85]
sigma = [0.12, 0.125, 0.13]
nu = [0.5, 0.5, -0.2]
"""
PLAIN = """
[[curve]]
sex = "male"
roi = "femoral_neck"
ages = "[20, 31)"
age = [20, 30]
mean = [0.95, 0.9]
sd = [0.13, 0.13]
"""
WHOLE = HEAD + CITATION + DERIVATION + CURVE + PLAIN


def load(tmp_path, text):
    (tmp_path / "by_age").mkdir(exist_ok=True)
    (tmp_path / "by_age" / "ours.toml").write_text(text, encoding="utf-8")
    return norms.load("by_age", "ours", folder=tmp_path)


def test_a_score_is_that_of_lms(tmp_path):
    curve = load(tmp_path, WHOLE).curve("female", "femoral_neck")
    age, density = np.array([22.5, 27.5, 30.9]), np.array([0.7, 1.0, 0.9])
    power = np.array([0.5, 0.15, -0.2])
    median, spread = np.array([0.89, 0.865, 0.85]), np.array([0.1225, 0.1275, 0.13])
    by_hand = ((density / median) ** power - 1) / (power * spread)
    assert curve.score(density, age) == pytest.approx(by_hand, abs=1e-10)
    assert curve.value(by_hand, age) == pytest.approx(density, abs=1e-10)
    assert np.isnan(curve.score([0.0, 0.9, 0.9], [25, 31, 19.9])).all()


def test_a_frame_is_scored_by_either_form(tmp_path):
    reference = load(tmp_path, WHOLE)
    people = pl.DataFrame(
        {
            "sex": ["female", "male", "female", None, "male", "female"],
            "age": [22.5, 25.0, 40.0, 25.0, None, 22.5],
            "abmd_femoral_neck": [0.7, 0.795, 0.9, 0.9, 0.9, None],
        }
    )
    with pytest.warns(OutOfRangeWarning, match="1 of 6 people have no Z-score"):
        scored = norms.with_z_scores(people, reference=reference)["z_score_femoral_neck"]
    woman = reference.curve("female", "femoral_neck").score([0.7], [22.5])[0]
    assert scored.to_list() == [woman, pytest.approx(-1), None, None, None, None]
    lazy = norms.with_z_scores(people.lazy(), reference=reference).collect()
    assert lazy["z_score_femoral_neck"].equals(scored)


def test_far_out_a_score_keeps_its_digits(tmp_path):
    curve = load(tmp_path, WHOLE).curve("female", "femoral_neck")
    high = curve.score([3.0], [20.0])[0]
    assert high == pytest.approx(((3 / 0.9) ** 0.5 - 1) / (0.5 * 0.12), abs=1e-6)
    assert high > 13


def test_a_derived_norm_says_where_it_comes_from(tmp_path):
    reference = load(tmp_path, WHOLE)
    assert reference.verification == "derived"
    assert reference.cite() == (
        "Ours [derived]. Not published. Derived on 2026-01-31 by osteo-epi 0.1.0 from 7,040 people "
        "(data sha256 0a0a0a0a0a0a); left out: rheumatoid arthritis, n = 61; model: LMS; design: "
        "simple random sample. [derived]"
    )
    assert norms.cite("ours", folder=tmp_path) == reference.cite()


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ('family = "bccg"', 'family = "lms"', "one of normal, log_normal, bccg, bct, bcpe"),
        ('family = "bccg"', 'family = "bct"', "curve 1.tau: expected a list of numbers"),
        ('family = "bccg"', 'family = "normal"', "a curve with family 'normal' has mu, sigma"),
        ('family = "bccg"\n', "", "curve 1.mean: expected a list of numbers"),
        ("nu = [0.5, 0.5, -0.2]", "nu = [0.5, 0.5]", "curve 1.nu: expected 3 numbers"),
        ("sigma = [0.12,", "sigma = [0,", "curve 1.sigma: expected finite numbers above 0"),
        ("mu = [0.9,", "mu = [-0.9,", "curve 1.mu: expected finite numbers above 0"),
        ("age = [20, 25, 30]", "age = [20, 25.5, 30]", "knots at whole years"),
        ('"[20, 31)"', '"[21, 31)"', "a finite interval that holds the knots 20 to 30"),
        ("mean = [0.95, 0.9]", "mean = [0.95, 0.9]\nnu = [1, 1]", "a curve without family has"),
        (DERIVATION, "", r"derivation: expected a table \[derivation\]"),
        ("0a0a", "xyzw", "64 hexadecimal digits"),
        ('"2026-01-31"', '"31.1.2026"', "a date as YYYY-MM-DD"),
        ("people = 7040", "people = 7040.5", "a whole number"),
        ("people = 7040", "persons = 7040", "derivation.people: expected a number, found nothing"),
        ('design = "simple', 'colour = "red"\ndesign = "simple', "derivation.colour: unknown"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, before, after, words):
    assert before in WHOLE
    with pytest.raises(NormError, match=words):
        load(tmp_path, WHOLE.replace(before, after))


def test_a_maker_has_no_derived_grade(tmp_path):
    text = (
        HEAD.replace("by_age", "young_adult") + 'maker_level = "lunar"\nmaker_grade = "derived"\n'
    )
    entry = '[[entry]]\nsex = "male"\nroi = "l1"\nmean = 1.0\nsd = 0.1\n'
    (tmp_path / "young_adult").mkdir()
    (tmp_path / "young_adult" / "ours.toml").write_text(text + CITATION + DERIVATION + entry)
    with pytest.raises(NormError, match="maker_grade: expected one of A, B, C"):
        norms.load("young_adult", "ours", folder=tmp_path)


def test_an_age_at_an_open_end_has_no_score():
    open_below = Interval.parse("(19, 41]")
    curves = (
        AgeCurve((20, 40), (1.0, 1.0), (0.1, 0.1), open_below),
        DistributionCurve((20, 40), "bccg", (1.0, 1.0), (0.1, 0.1), (1.0, 1.0), None, open_below),
    )
    for curve in curves:
        assert np.isfinite(curve.score([0.9, 0.9, 0.9], [19.0, 19.5, 41.0])).tolist() == [
            False, True, True,
        ]  # fmt: skip
