"""Mean and SD by age by local polynomials, against R survey 4.1 (svysmooth) and KernSmooth 2.23.

tests/golden/j_local_polynomial.json is made by tests/golden/R/09_local_polynomial.R.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from osteo_epi.errors import DefinitionError, DesignError, SchemaError
from osteo_epi.reference import fit_local_polynomial
from osteo_epi.survey import ReplicateDesign, SurveyDesign

PLACES = np.linspace(20, 90, 401)
"""Of svysmooth's grid."""


@pytest.fixture(scope="module")
def records(golden):
    return golden("j_local_polynomial.json")


@pytest.fixture(scope="module")
def people() -> pl.DataFrame:
    read = pl.read_csv(Path(__file__).parent / "golden" / "data" / "osteo_reference.csv")
    place = np.round((read["age"].to_numpy() - 20) / 0.175).astype(int)
    return read.with_columns(on_grid=pl.Series(PLACES[place]))


def mean_of(people, record, **options):
    """At the record's ages, those past the people's left out."""
    age = np.array(record["x"])
    column = options.get("age", "age")
    inside = (age >= people[column].min()) & (age <= people[column].max())
    fit = fit_local_polynomial(people, "bmd", at=age[inside], weight="w", **options)
    return fit.rows["mean"].to_numpy(), np.array(record["y"])[inside]


@pytest.mark.parametrize("bandwidth", [2, 5, 12])
def test_means_on_the_grid_of_svysmooth_are_its(records, people, bandwidth):
    record = records[f"on_grid.{bandwidth}"]["result"]
    own, printed = mean_of(people, record, bandwidth=bandwidth, age="on_grid")
    np.testing.assert_allclose(own, printed, rtol=1e-10)


@pytest.mark.parametrize("degree", [0, 1, 2])
def test_any_degree_is_that_of_locpoly(records, people, degree):
    record = records[f"degree.{degree}"]["result"]
    own, printed = mean_of(people, record, bandwidth=5, degree=degree, age="on_grid")
    np.testing.assert_allclose(own, printed, rtol=1e-10)


@pytest.mark.parametrize("bandwidth", [2, 5, 12])
def test_ages_between_the_places_of_r_differ_by_its_binning(records, people, bandwidth):
    """R moves an age down by up to 0.175 years: as much as the curve falls in that time."""
    record = records[f"binned.{bandwidth}"]["result"]
    own, printed = mean_of(people, record, bandwidth=bandwidth)
    np.testing.assert_allclose(own, printed, rtol=3e-3)
    down = PLACES[np.searchsorted(PLACES, people["age"].to_numpy(), side="right") - 1]
    moved, printed = mean_of(people.with_columns(age=pl.Series(down)), record, bandwidth=bandwidth)
    np.testing.assert_allclose(moved, printed, rtol=1e-10)


def test_a_straight_line_is_returned_and_its_sd_is_that_of_the_people():
    rng = np.random.default_rng(4)
    age = rng.uniform(20, 80, 4000)
    exact = pl.DataFrame({"age": age, "bmd": 1.2 - 0.005 * age})
    fit = fit_local_polynomial(exact, "bmd", bandwidth=3)
    np.testing.assert_allclose(fit.rows["mean"], 1.2 - 0.005 * fit.rows["age"].to_numpy())
    noisy = exact.with_columns(bmd=pl.col("bmd") + pl.Series(rng.normal(0, 0.05, 4000)))
    rows = fit_local_polynomial(noisy, "bmd", bandwidth=8).rows
    np.testing.assert_allclose(rows["sd"], 0.05, rtol=0.1)


def test_the_chosen_bandwidth_follows_a_bend_and_leaves_a_line_alone():
    rng = np.random.default_rng(5)
    age = rng.uniform(20, 80, 3000)
    noise = rng.normal(0, 0.02, 3000)
    line = pl.DataFrame({"age": age, "bmd": 1.2 - 0.005 * age + noise})
    waves = pl.DataFrame({"age": age, "bmd": 1.0 + 0.1 * np.sin(age / 4) + noise})
    wide, narrow = (fit_local_polynomial(data, "bmd") for data in (line, waves))
    assert wide.bandwidth > 2 * narrow.bandwidth
    assert wide.df < 5 < 15 < narrow.df
    off = narrow.rows["mean"].to_numpy() - 1 - 0.1 * np.sin(narrow.rows["age"].to_numpy() / 4)
    assert np.abs(off).max() < 0.02


def test_errors_of_the_mean_hold_and_grow_with_clusters():
    rng = np.random.default_rng(6)
    means, errors = [], []
    for _ in range(200):
        age = rng.uniform(20, 80, 400)
        data = pl.DataFrame({"age": age, "bmd": 1 + rng.normal(0, 0.1, 400)})
        row = fit_local_polynomial(data, "bmd", bandwidth=5, at=[50]).rows
        means.append(row["mean"][0])
        errors.append(row["mean_se"][0])
    assert np.mean(errors) == pytest.approx(np.std(means), rel=0.15)
    unit = np.repeat(np.arange(40), 10)
    shared = pl.DataFrame({"age": rng.uniform(20, 80, 400), "unit": unit,
                           "bmd": 1 + rng.normal(0, 0.1, 40)[unit]})  # fmt: skip
    alone, clustered = (
        fit_local_polynomial(shared, "bmd", bandwidth=20, at=[50], design=design)
        for design in ("srs", SurveyDesign(psu="unit"))
    )
    assert clustered.rows["mean_se"][0] > 2 * alone.rows["mean_se"][0]
    assert clustered.design != alone.design


def test_people_without_a_measurement_or_weight_are_in_no_mean(people):
    base = fit_local_polynomial(people, "bmd", bandwidth=5, weight="w").rows
    unmeasured = people.head(50).with_columns(bmd=None, w=3.0)
    weightless = people.head(50).with_columns(w=0.0, bmd=5.0)
    more = pl.concat([people, unmeasured, weightless], how="vertical_relaxed")
    again = fit_local_polynomial(more, "bmd", bandwidth=5, weight="w").rows
    np.testing.assert_allclose(again.drop("mean_se"), base.drop("mean_se"), rtol=1e-12)
    # The sample was larger, and they are of it: a domain's error.
    np.testing.assert_allclose(again["mean_se"], base["mean_se"], rtol=1e-3)


def test_bad_input_is_told_in_its_own_words(people):
    with pytest.raises(DefinitionError, match="bandwidth=0; expected a number of years above 0"):
        fit_local_polynomial(people, "bmd", bandwidth=0)
    with pytest.raises(SchemaError, match="give a wider bandwidth"):
        fit_local_polynomial(people.head(60), "bmd", bandwidth=0.01)
    with pytest.raises(SchemaError, match="nothing is said outside"):
        fit_local_polynomial(people, "bmd", at=[5, 30])
    with pytest.raises(SchemaError, match="needs 50 people"):
        fit_local_polynomial(people.head(20), "bmd")
    with pytest.raises(SchemaError, match="not in the data"):
        fit_local_polynomial(people, "density")
    with pytest.raises(SchemaError, match="0 or below in 1 row"):
        fit_local_polynomial(people.with_columns(bmd=pl.when(pl.col("id") == 3).then(0.0)
                                                 .otherwise("bmd")), "bmd")  # fmt: skip
    with pytest.raises(DesignError, match="design of units"):
        fit_local_polynomial(people, "bmd", design=ReplicateDesign("w", ("w",), "BRR"))
