"""How many people a reference needs: formulas against simulation, fits and their inverses."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy.special import ndtri

from osteo_epi.errors import DefinitionError
from osteo_epi.reference import (
    Constant,
    FractionalPolynomial,
    NaturalSpline,
    Polynomial,
    PSpline,
    centile_error,
    fit_curve,
    people_for_prevalence,
    people_for_score,
    prevalence_error,
    sample_size,
    score_error,
    smooth_centile_error,
)

WISHES = {"cut_off_se": 0.1, "centile_se": 0.07, "prevalence_se": 0.02}
PREVALENCE = {"female": 0.29, "male": 0.065}


# ---- formulas against what they say


@pytest.mark.parametrize("z", [0.0, -1.88, -2.5])
def test_the_error_of_a_score_is_how_much_it_varies(z):
    rng = np.random.default_rng(1)
    y = rng.standard_normal((20_000, 60))
    spread = (y.mean(axis=1) + z * y.std(axis=1, ddof=1)).std()
    assert spread == pytest.approx(float(score_error(60, z)), rel=0.02)


def test_the_error_of_a_ranked_centile_is_how_much_it_varies():
    rng = np.random.default_rng(2)
    spread = np.percentile(rng.standard_normal((5_000, 900)), 10, axis=1).std()
    assert spread == pytest.approx(float(centile_error(900, 10, method="order")), rel=0.03)
    assert centile_error(900, 10) < spread


def test_the_error_of_a_standardised_prevalence_is_how_much_it_varies():
    rng = np.random.default_rng(3)
    n, p, share = np.array([300, 200, 100]), np.array([0.1, 0.3, 0.6]), np.array([5.0, 3.0, 2.0])
    made = (rng.binomial(n, p, (20_000, 3)) / n) @ (share / share.sum())
    assert made.std() == pytest.approx(prevalence_error(n, p, shares=share), rel=0.02)


def test_the_error_of_a_prevalence_in_a_small_population_is_how_much_it_varies():
    rng = np.random.default_rng(4)
    made = rng.hypergeometric(300, 700, 400, 20_000) / 400
    assert made.std() == pytest.approx(prevalence_error(400, 0.3, population=1_000), rel=0.02)


@pytest.mark.parametrize(
    "terms",
    [
        {"mu": Polynomial(3), "sigma": Polynomial(1)},
        {"mu": PSpline(df=3), "sigma": PSpline(df=1)},
    ],
)
def test_the_error_of_a_smooth_curve_is_that_of_a_fit(terms):
    """Planned before anybody is measured, found after: by ages, edges included."""
    rng = np.random.default_rng(5)
    age = np.repeat(np.arange(20.0, 80.0), 50)
    y = 1 - 0.002 * (age - 20) + rng.normal(0, 0.12, len(age))
    people = pl.DataFrame({"age": age, "y": y})
    curve = fit_curve(people, "y", family="normal", **terms)
    at = np.array([20.0, 35, 50, 65, 79])
    mean = curve.parameter_errors(at, "mu") / 0.12
    spread = curve.parameter_errors(at, "sigma") / curve.parameters(at)["sigma"]
    z = float(ndtri(0.03))
    planned = smooth_centile_error(
        dict.fromkeys(np.arange(20.0, 80.0), 50), 3, list(terms.values()), at=at
    )
    assert planned == pytest.approx(np.sqrt(mean**2 + z**2 * spread**2), rel=0.05)


def test_the_error_of_a_smooth_curve_is_how_much_it_varies():
    """LMS too, of a spread of 12 % of the median, 150 samples."""
    ages, terms = np.arange(20.0, 80.0), [Polynomial(2), Polynomial(1), Constant()]
    rng, at = np.random.default_rng(6), np.array([20.5, 50.0])
    age = np.repeat(ages, 12)
    made = []
    for _ in range(150):
        y = (1 - 0.002 * (age - 20)) * (1 + 0.12 * rng.standard_normal(len(age)))
        people = pl.DataFrame({"age": age, "y": y})
        mu, sigma, nu = terms
        curve = fit_curve(people, "y", family="bccg", mu=mu, sigma=sigma, nu=nu)
        made.append(curve.quantile(at, 0.03) / (0.12 * (1 - 0.002 * (at - 20))))
    planned = smooth_centile_error(dict.fromkeys(ages, 12), 3, terms, at=at)
    assert np.std(made, axis=0) == pytest.approx(planned, rel=0.15)


def test_the_mean_variance_of_a_curve_counts_its_degrees_of_freedom():
    people, z = dict.fromkeys(np.arange(20.0, 80.0), 30), float(ndtri(0.03))
    made = smooth_centile_error(people, 3, [Polynomial(5), Polynomial(2)])
    assert (made**2).mean() == pytest.approx((6 + 3 * z**2 / 2) / 1_800)
    lms = smooth_centile_error(people, 3, [Polynomial(5), Polynomial(2), Constant()])
    # Terms that hold each other: one direction of three parameters, two of two, three of one.
    full = 7 / 6 + z**2 / 6 + z**4 / 6
    assert (lms**2).mean() == pytest.approx((full + 2 * (1 + z**2 / 2) + 3) / 1_800)


def test_curves_as_flexible_as_growth_give_the_published_errors():
    """Cole 2021: 0.041 at the median, 0.066 at centiles 2 and 98, of 6,878 boys of 0 to 21 years.

    The degrees of freedom are ours: some that give both, which one number of them would not.
    """
    people = dict.fromkeys(np.arange(0.5, 21.5), 6_878 / 21)
    terms = [PSpline(df=9), PSpline(df=4), PSpline(df=2)]
    made = [np.sqrt((smooth_centile_error(people, p, terms) ** 2).mean()) for p in (50, 2, 98)]
    assert made == pytest.approx([0.041, 0.066, 0.066], abs=0.002)


# ---- numbers of people


@pytest.mark.parametrize("se", [0.5, 0.1, 0.03])
@pytest.mark.parametrize("effect", [1.0, 1.7])
def test_so_many_people_and_none_fewer(se, effect):
    n = people_for_score(se, -2.5, design_effect=effect)
    assert score_error(n, -2.5, design_effect=effect) <= se + 1e-9
    assert score_error(n - 1, -2.5, design_effect=effect) > se
    few = people_for_prevalence(se / 10, 0.2, design_effect=effect)
    assert prevalence_error(few, 0.2, design_effect=effect) <= se / 10 + 1e-9
    assert few == 1 or prevalence_error(few - 1, 0.2, design_effect=effect) > se / 10
    small = people_for_prevalence(se / 10, 0.2, population=5_000, design_effect=effect)
    assert small <= few
    assert prevalence_error(small, 0.2, population=5_000, design_effect=effect) <= se / 10 + 1e-9


def test_each_aim_reaches_what_was_wished():
    size = sample_size(**WISHES, prevalence=PREVALENCE, design_effect=1.5)
    for aim in size.aims:
        assert 0.98 * aim.wished <= aim.reached <= aim.wished + 1e-9
    assert size.to_aims()["n"].to_list() == [aim.n for aim in size.aims]


def test_a_band_takes_the_largest_number():
    size = sample_size(**WISHES, prevalence=PREVALENCE, response=0.8)
    rows = size.to_frame()
    takes = rows.select(pl.max_horizontal("cut_off_n", "centile_n", "prevalence_n")).to_series()
    assert rows["n"].to_list() == takes.to_list()
    assert rows["invited"].to_list() == [int(np.ceil(n / 0.8 - 1e-9)) for n in takes]
    assert size.n == takes.sum()
    for aim, column in (("cut-off", "cut_off_n"), ("prevalence", "prevalence_n")):
        n = next(a.n for a in size.aims if a.aim == aim and a.sex == "female")
        assert 0 <= rows.filter(pl.col("sex") == "female")[column].sum() - n < 8


def test_smoothing_is_worth_people():
    smooth = sample_size(centile_se=0.08, sexes=["female"])
    raw = sample_size(centile_se=0.08, sexes=["female"], smooth=False)
    assert raw.n > 1.5 * smooth.n
    assert raw.aims[0].reached <= 0.08
    assert (smooth.rows["curve_se"] < smooth.rows["band_se"]).all()


def test_bands_need_not_begin_at_tens():
    rows = sample_size(cut_off_se=0.1, young=(25, 44), sexes=["male"]).rows
    assert rows["ages"].to_list() == ["25–29", "30–39", "40–44"]
    # 414 over twenty years: 5 of them, 10 of them, 5 of them.
    assert rows["n"].to_list() == [104, 207, 104]


# ---- the paragraph


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_protocol_says_the_numbers(language):
    size = sample_size(**WISHES, prevalence=PREVALENCE, sd=0.12, design_effect=1.5, response=0.8)
    text = size.protocol(language)
    assert "{" not in text
    number = "{:,}" if language == "en" else "{}"
    for value in (size.n, size.rows["invited"].sum(), *(aim.n for aim in size.aims)):
        assert number.format(value) in text
    assert "10.1177/0962280220958438" in text
    assert "0.0120 g/cm²" in text
    assert size.protocol(language) != size.protocol("zh" if language == "en" else "en")


def test_women_and_men_alike_are_one_sentence():
    text = sample_size(cut_off_se=0.1).protocol()
    assert "414 women and as many men of 20 to 39 years" in text
    assert "Cole" not in text
    assert "414人" in sample_size(cut_off_se=0.1).protocol("zh")
    assert "every" not in sample_size(centile_se=0.1, smooth=False).protocol()


def test_terms_are_named_in_chinese():
    terms = [PSpline(df=4), Polynomial(1), Constant()]
    text = sample_size(centile_se=0.1, terms=terms).protocol("zh")
    assert "P样条，自由度4；1次多项式；常数" in text


@pytest.mark.parametrize(
    ("term", "chinese"),
    [
        (NaturalSpline(), "自然样条，5个系数"),
        (NaturalSpline((40.0, 60.0)), "自然样条，4个系数"),
        (FractionalPolynomial((0.5, 2.0)), "分数多项式，幂次0.5, 2；"),
        (PSpline(df=4, decline_from=50), "P样条，自由度4，50岁后不再上升；"),
    ],
)
def test_every_term_is_named_in_both_languages(term, chinese):
    plan = sample_size(centile_se=0.07, terms=[term, Polynomial(1)])
    assert chinese in plan.protocol("zh")
    assert term.label in plan.protocol()


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({}, "nothing is wished"),
        ({"prevalence_se": 0.02}, "needs the prevalence="),
        ({"prevalence_se": 0.02, "prevalence": 29}, "not %"),
        ({"prevalence_se": 0.02, "prevalence": {"female": 0.3}}, "no number for male"),
        ({"cut_off_se": 0.0}, "above 0"),
        ({"centile_se": -1.0}, "above 0"),
        ({"prevalence_se": 2, "prevalence": 0.2}, "two percentage points"),
        ({"cut_off_se": 0.1, "young": (39, 20)}, "first and the last"),
        ({"cut_off_se": 0.1, "sexes": "women"}, "female and male"),
        ({"cut_off_se": 0.1, "response": 80}, "not %"),
        ({"cut_off_se": 0.1, "band": 0}, "whole number of years from 1"),
        ({"centile_se": 0.1, "percent": 100}, "above 0, below 100"),
        ({"centile_se": 0.1, "terms": [PSpline(), Constant()]}, "PSpline(df=4)"),
        ({"centile_se": 0.1, "terms": [Constant()]}, "1 terms"),
    ],
)
def test_a_wish_that_cannot_be_planned_is_refused(wish, words):
    with pytest.raises(DefinitionError) as error:
        sample_size(**wish)
    assert words in str(error.value)


def test_another_language_is_refused():
    with pytest.raises(DefinitionError, match="en, zh"):
        sample_size(cut_off_se=0.1).protocol("de")
