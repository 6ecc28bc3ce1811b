"""Curves by age: the distributions, and fits against R gamlss 5.5 on the same people.

tests/golden/h_centiles.json is made by tests/golden/R/07_centiles.R and 07b_smooth.R.
"""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from osteo_epi.errors import DefinitionError, PrecisionWarning, SchemaError
from osteo_epi.reference import (
    FAMILIES,
    Constant,
    FractionalPolynomial,
    Polynomial,
    PSpline,
    choose_powers,
    fit_curve,
)

R_NAMES = {"normal": "NO", "log_normal": "LOGNO", "bccg": "BCCG", "bct": "BCT", "bcpe": "BCPE",
           "bccgo": "BCCGo", "bcto": "BCTo", "bcpeo": "BCPEo"}  # fmt: skip
LOGARITHMIC = ("bccgo", "bcto", "bcpeo")
BOX_COX = ("bccg", "bct", "bcpe")


@pytest.fixture(scope="module")
def records(golden):
    return golden("h_centiles.json")


@pytest.fixture(scope="module")
def people() -> pl.DataFrame:
    from pathlib import Path

    return pl.read_csv(Path(__file__).parent / "golden" / "data" / "osteo_reference.csv")


def curve_of(people, family, **terms):
    """A curve with the terms that the family has."""
    own = {name: term for name, term in terms.items() if name in FAMILIES[family].parameters}
    return fit_curve(people, "bmd", family=family, **own)


def assert_centiles(curve, record, *, relative: float) -> None:
    """Centiles at the record's ages, each within a share of its size."""
    printed = record["centiles"]
    percents = [float(name.removeprefix("p")) for name in printed["cols"]]
    table = curve.centiles(record["x"], percents=percents)
    own = table.select(f"p{p:g}" for p in percents).to_numpy()
    np.testing.assert_allclose(own, np.array(printed["values"]), rtol=relative)


@pytest.mark.parametrize("family", ["normal", *BOX_COX, *LOGARITHMIC])
def test_density_share_and_quantile_are_those_of_gamlss(records, family):
    record = records[f"dist.{R_NAMES[family]}"]["result"]
    law = FAMILIES[family]
    at = {name: np.array(value, dtype=float) for name, value in record["par"].items()}
    y = np.array(record["y"], dtype=float)
    np.testing.assert_allclose(np.exp(law.log_density(y, at)), record["d"], rtol=1e-10)
    np.testing.assert_allclose(law.below(y, at), record["p"], rtol=1e-10)
    for share, name in ((0.03, "q03"), (0.97, "q97")):
        own = law.quantile(np.full(len(y), share), at)
        np.testing.assert_allclose(own, record[name], rtol=1e-10)


@pytest.mark.parametrize("family", list(FAMILIES))
def test_slopes_are_the_derivatives(family):
    law = FAMILIES[family]
    y = np.array([0.5, 0.8, 1.0, 1.3])
    at = {"mu": np.full(4, 0.9), "sigma": np.full(4, 0.15), "nu": np.array([0.5, -0.7, 1e-9, 2]),
          "tau": np.array([3.0, 5.0, 2.0, 20.0])}  # fmt: skip
    for name in law.parameters:
        h = 1e-6
        up, down = ({**at, name: at[name] + step} for step in (h, -h))
        numeric = (law.log_density(y, up) - law.log_density(y, down)) / (2 * h)
        np.testing.assert_allclose(law.slope(name, y, at), numeric, rtol=2e-6, atol=2e-7)


@pytest.mark.parametrize("family", list(FAMILIES))
def test_parametric_fits_equal_gamlss(records, people, family):
    record = records[f"osteo_reference.param.{R_NAMES[family]}"]["result"]
    curve = curve_of(people, family, mu=Polynomial(3), sigma=Polynomial(1))
    # The tails of these people are normal: where R lets tau run, ours stands at its bound, 8e-4 in
    # deviance and 8e-6 in sigma and nu away. All others end within 2e-10, 2e-7 and 2e-6.
    bound = family in ("bct", "bcto")
    tolerance = 1e-3 if bound else 1e-8
    assert curve.fit.converged
    assert curve.fit.deviance == pytest.approx(record["gdev"], abs=tolerance)
    assert curve.df == pytest.approx(record["df"], abs=1e-6)
    at = curve.parameters(record["x"])
    np.testing.assert_allclose(at["mu"], record["par"]["mu"], rtol=1e-6)
    np.testing.assert_allclose(at["sigma"], record["par"]["sigma"], rtol=1e-5 if bound else 1e-6)
    if "nu" in at:
        np.testing.assert_allclose(at["nu"], record["par"]["nu"], atol=1e-5 if bound else 5e-6)
    assert_centiles(curve, record, relative=1e-5 if bound else 1e-6)
    # z25 comes in the order of the file, of the first 25 people.
    first = people.head(25)
    listed = record["z25"]
    z = listed if isinstance(listed, list) else [listed[str(i)] for i in range(1, 26)]
    np.testing.assert_allclose(curve.z(first["age"], first["bmd"]), z, atol=5e-5 if bound else 5e-6)


@pytest.mark.parametrize("family", ["normal", *BOX_COX])
def test_smooth_fits_of_fixed_df_equal_gamlss(records, people, family):
    record = records[f"osteo_reference.pbdf.{R_NAMES[family]}"]["result"]
    curve = curve_of(people, family, mu=PSpline(df=4), sigma=PSpline(df=2))
    # Measured: at most 4e-3 in deviance, 2e-5 df and 8e-6 of a centile apart.
    assert curve.df == pytest.approx(record["df"], abs=1e-4)
    assert curve.fit.deviance == pytest.approx(record["gdev"], abs=0.01)
    assert_centiles(curve, record, relative=2e-5)


@pytest.mark.parametrize("family", ["normal", *BOX_COX])
def test_smoothness_by_local_likelihood_is_that_of_gamlss(records, people, family):
    record = records[f"osteo_reference.pbauto.{R_NAMES[family]}"]["result"]
    nu = {} if family == "normal" else {"nu": PSpline()}
    curve = curve_of(people, family, mu=PSpline(), sigma=PSpline(), **nu)
    assert curve.fit.converged
    # As `fit_curve` promises. Measured: at most 0.0035 in deviance, 0.005 df and 4e-5 of a centile
    # apart, where R stopped at a step of 1e-4 in deviance.
    assert curve.df == pytest.approx(record["df"], abs=0.01)
    assert curve.fit.deviance == pytest.approx(record["gdev"], abs=0.01)
    assert_centiles(curve, record, relative=1e-4)


@pytest.mark.parametrize("choice", ["gaic", "gcv"])
def test_the_chosen_df_makes_the_criterion_least(people, choice):
    """With the SD and all else held, the criterion of mu is the one of the working values."""
    term = PSpline(choice=choice)
    curve = fit_curve(people, "bmd", family="normal", mu=term, sigma=Constant())
    assert curve.fit.converged
    at = curve.parameters(people["age"])
    sd = at["sigma"][0]

    def criterion(df):
        mu = fit_curve(people, "bmd", family="normal", mu=PSpline(df=df - 2), sigma=Constant())
        z = (people["bmd"].to_numpy() - mu.parameters(people["age"])["mu"]) / sd
        return term.criterion(float(z @ z), df, len(people))

    df = curve.fit.df["mu"]
    least = criterion(df)
    grid = [criterion(each) for each in (2.1, 2.5, 3, 4, 5, 7, 10, df - 0.2, df + 0.2)]
    assert least <= min(grid)


def test_a_dearer_degree_of_freedom_gives_a_smoother_curve(people):
    curves = [fit_curve(people, "bmd", mu=PSpline(choice="gaic", k=k)) for k in (1, 2, 4, 7)]
    df = [curve.fit.df["mu"] for curve in curves]
    assert all(curve.fit.converged for curve in curves)
    assert df == sorted(df, reverse=True)
    # The local choice comes near the least of the criterion of the whole fit.
    whole = fit_curve(people, "bmd", mu=PSpline(choice="gaic"), sigma=PSpline(choice="gaic"))
    fixed = [
        fit_curve(people, "bmd", mu=PSpline(df=mu), sigma=PSpline(df=sigma)).gaic()
        for mu in (0.2, 0.7, 1.5, 3, 5)
        for sigma in (0.1, 1, 2)
    ]
    assert whole.gaic() < min(fixed) + 0.3


@pytest.mark.parametrize("choice", ["ml", "gaic", "gcv"])
def test_people_given_twice_tell_no_more_than_once(people, choice):
    """With n_effective, copies leave the curve where it is; without it, they roughen it."""
    twice = pl.concat([people, people])
    terms = [PSpline(choice=choice, n_effective=n) for n in (None, len(people), None)]
    once, told, counted = (
        fit_curve(frame, "bmd", mu=term, sigma=term)
        for frame, term in zip((people, twice, twice), terms, strict=True)
    )
    assert told.fit.df == pytest.approx(once.fit.df, abs=1e-3)
    ages = np.linspace(*once.ages, 9)
    np.testing.assert_allclose(told.quantile(ages, 0.03), once.quantile(ages, 0.03), rtol=1e-5)
    assert counted.df > told.df + 0.1


def test_a_choice_of_smoothness_is_checked():
    with pytest.raises(DefinitionError, match="so n_effective=400 has no say"):
        PSpline(df=3, n_effective=400)
    with pytest.raises(
        DefinitionError, match="n_effective of a P-spline=20; expected a number above 23"
    ):
        PSpline(n_effective=20)
    with pytest.raises(DefinitionError, match="expected one of ml, gaic, gcv"):
        PSpline(choice="reml")
    with pytest.raises(DefinitionError, match="has no say"):
        PSpline(df=3, choice="gcv")
    with pytest.raises(DefinitionError, match="above 0"):
        PSpline(choice="gaic", k=0)


def test_weights_count_as_in_gamlss(records, people):
    record = records["osteo_reference.param_w.BCCG"]["result"]
    curve = fit_curve(people, "bmd", mu=Polynomial(3), sigma=Polynomial(1), weight="w")
    # Here weights sum to the number of people; there they stand as they are.
    scale = people["w"].sum() / len(people)
    assert curve.fit.deviance * scale == pytest.approx(record["gdev"], abs=1e-5)
    age = np.array([30.0, 50.0, 70.0])
    coefficients = list(record["mu"].values())
    mu = sum(c * x for c, x in zip(coefficients, (1, age, age**2 / 100, age**3 / 1e4), strict=True))
    np.testing.assert_allclose(curve.parameters(age)["mu"], mu, rtol=1e-6)


def test_scaled_weights_and_shuffled_people_give_the_same_curve(people):
    base = fit_curve(people, "bmd", weight="w").centiles()
    other = people.sample(fraction=1.0, shuffle=True, seed=3).with_columns(pl.col("w") * 1000)
    again = fit_curve(other, "bmd", weight="w").centiles()
    np.testing.assert_allclose(again.to_numpy(), base.to_numpy(), rtol=1e-6)


@pytest.mark.parametrize("family", list(FAMILIES))
def test_z_and_value_undo_each_other(people, family):
    curve = curve_of(people, family, mu=Polynomial(3), sigma=Constant())
    z = np.array([-3.0, -1.0, 0.0, 2.0])
    age = np.full(4, 55.0)
    np.testing.assert_allclose(curve.z(age, curve.value(age, z)), z, atol=1e-7)


def test_no_curve_is_drawn_on_past_its_people(people):
    curve = fit_curve(people, "bmd", mu=Polynomial(2), sigma=Constant(), nu=Constant())
    low, high = curve.ages
    assert np.isnan(curve.z([low - 1, high + 1], [0.9, 0.9])).all()
    assert curve.centiles([high + 1])["p50"].to_list() == [None]


def test_the_best_fractional_polynomial_is_that_of_gamlss(records, people):
    record = records["osteo_reference.fp.BCCG"]["result"]
    chosen = choose_powers(people, "bmd")
    assert chosen.powers == tuple(record["power"])
    assert chosen.curve.fit.deviance == pytest.approx(record["gdev"], abs=1e-4)
    assert chosen.rows.height == 36
    assert chosen.rows["above"].to_list() == sorted(chosen.rows["above"].to_list())
    with pytest.raises(DefinitionError, match="1 to 3 powers"):
        choose_powers(people, "bmd", number=4)
    early = people.with_columns(since_30=pl.col("age") - 30)
    with pytest.raises(DefinitionError, match="ages above 0"):
        fit_curve(early, "bmd", mu=FractionalPolynomial((0.5,)), age="since_30")


def test_bad_input_is_told_in_its_own_words(people):
    with pytest.raises(SchemaError, match="0 or below in 1 row"):
        fit_curve(people.with_columns(bmd=pl.when(pl.int_range(pl.len()) == 3).then(0.0)
                                      .otherwise("bmd")), "bmd")  # fmt: skip
    with pytest.raises(SchemaError, match="needs 50 people"):
        fit_curve(people.head(20), "bmd")
    with pytest.raises(SchemaError, match="negative weights"):
        fit_curve(people.with_columns(w=-pl.col("w")), "bmd", weight="w")
    with pytest.raises(SchemaError, match="column w is 0 in all 1,200 row"):
        fit_curve(people.with_columns(w=0.0), "bmd", weight="w")
    with pytest.raises(SchemaError, match="not in the data"):
        fit_curve(people, "density")
    with pytest.raises(DefinitionError, match="has no nu"):
        fit_curve(people, "bmd", family="normal", nu=Constant())
    with pytest.raises(DefinitionError, match="there are normal"):
        fit_curve(people, "bmd", family="lms")


def test_people_of_weight_zero_are_left_out_and_told_of(people):
    some = people.with_columns(w=pl.when(pl.col("id") % 4 == 0).then(0.0).otherwise("w"))
    curve = fit_curve(some, "bmd", weight="w")
    without = fit_curve(some.filter(pl.col("w") > 0), "bmd", weight="w")
    assert curve.notes == ("300 rows of weight 0 (w) left out",)
    assert curve.n == without.n == 900
    np.testing.assert_array_equal(curve.centiles().to_numpy(), without.centiles().to_numpy())
    with pytest.raises(SchemaError, match="is 0 in all 1,200 row"):
        fit_curve(people.with_columns(w=0.0), "bmd", weight="w")


def test_too_few_ages_are_told_of(people):
    decades = people.with_columns(age=(pl.col("age") // 20) * 20)
    with pytest.raises(SchemaError, match=r"at 4 ages .* 5 ages at least"):
        fit_curve(decades, "bmd")


def test_a_fit_that_does_not_converge_says_so(people, monkeypatch):
    monkeypatch.setattr("osteo_epi.reference.curves._fit.CYCLES", 1)
    with pytest.warns(PrecisionWarning, match="did not converge in 1 cycle"):
        curve = fit_curve(people, "bmd")
    assert "take fewer degrees of freedom" in curve.notes[0]
    assert "NOT CONVERGED" in repr(curve)


def test_measurements_that_are_all_the_same_are_refused(people):
    with pytest.raises(SchemaError, match="the same in all 1,200 row"):
        fit_curve(people.with_columns(bmd=1.0), "bmd")


def test_two_humps_are_fitted_to_an_end_and_told_of():
    """No power and no tails make one hump of two: the fit has to end, and to say what it is."""
    rng = np.random.default_rng(2)
    age = rng.uniform(20, 90, 400)
    bmd = 1 - 0.003 * age + rng.normal(0, 0.08, 400) + 0.5 * (rng.uniform(size=400) < 0.3)
    people = pl.DataFrame({"age": age, "bmd": bmd})
    curve = fit_curve(people, "bmd", family="bct", mu=Polynomial(1), sigma=Constant())
    assert curve.fit.converged
    assert np.isfinite(curve.centiles().to_numpy()).all()
    assert "mu is not the median" in curve.notes[0]


def test_a_choice_that_goes_to_and_fro_ends_at_the_smoother_curve():
    rng = np.random.default_rng(5)
    age = rng.uniform(20, 90, 300)
    people = pl.DataFrame({"age": age, "bmd": 1 - 0.003 * age + rng.normal(0, 0.1, 300)})
    curve = fit_curve(people, "bmd", family="bcpe", mu=PSpline(choice="gaic"))
    assert curve.fit.converged
    assert "mu" in curve.fit.swinging
    assert "state df= to decide it" in " ".join(curve.notes)
