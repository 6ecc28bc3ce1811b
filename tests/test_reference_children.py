"""Children from 5 years, apparent density, adjustment for height, and curves from 5 to 90."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from osteo_epi.errors import DefinitionError, SchemaError
from osteo_epi.reference import PSpline, bmad, fit_curve, height_adjustment


def girls(n: int = 3000, slope: float = 0.5, seed: int = 3) -> pl.DataFrame:
    """Spine density of which height for age explains a known part."""
    rng = np.random.default_rng(seed)
    age, tall, own = rng.uniform(5, 18, n), rng.normal(size=n), rng.normal(size=n)
    z = slope * tall + np.sqrt(1 - slope**2) * own
    return pl.DataFrame({"age": age, "height": 78 + 5.2 * age + 6 * tall,
                         "abmd_lumbar_spine": (0.25 + 0.04 * age) * np.exp(0.1 * z)})  # fmt: skip


@pytest.fixture(scope="module")
def curves():
    people = girls()
    return fit_curve(people, "abmd_lumbar_spine"), fit_curve(people, "height"), people


def test_apparent_density_is_content_over_a_power_of_area():
    child = pl.DataFrame({"bmc_lumbar_spine": [27.0, None], "area_lumbar_spine": [36.0, 30.0],
                          "bmc_femoral_neck": [3.2, 3.0], "a": [4.0, 5.0]})  # fmt: skip
    assert bmad(child)["bmad_lumbar_spine"].to_list() == [0.125, None]
    neck = bmad(child, "femoral_neck", area="a")["bmad_femoral_neck"].to_list()
    assert neck == pytest.approx([0.2, 0.12])
    assert type(bmad(child.to_pandas())).__module__.startswith("pandas")


def test_apparent_density_does_not_depend_on_the_size_of_a_cube():
    side = np.array([1.0, 2.0, 3.0])
    bones = pl.DataFrame({"bmc_l1": 0.3 * side**3, "area_l1": side**2})
    assert bmad(bones, "l1")["bmad_l1"].to_list() == pytest.approx([0.3] * 3)


def test_the_adjustment_finds_the_slope_and_takes_height_out(curves):
    density, height, people = curves
    made = height_adjustment(density, height, people)
    assert made.slope == pytest.approx(0.5, abs=3 * made.slope_se)
    assert made.slope_se == pytest.approx(np.sqrt(0.75 / 3000), rel=0.1)
    assert made.sd == pytest.approx(np.sqrt(0.75), rel=0.03)
    assert made.correlation == pytest.approx(0.5, abs=0.05)
    z = made.z(people["age"], people["abmd_lumbar_spine"], people["height"])
    tall = height.z(people["age"], people["height"])
    assert abs(np.corrcoef(z, tall)[0, 1]) < 1e-10
    assert abs(z.mean()) < 1e-10
    assert made.rows["n"].sum() == 3000
    assert made.rows["correlation_left"].abs().max() < 0.1


def test_a_short_child_of_usual_density_for_its_height_is_no_longer_low(curves):
    density, height, people = curves
    made = height_adjustment(density, height, people)
    small = height.value([9.0], [-2.5])
    low = density.value([9.0], [-1.25])
    assert made.z([9.0], low, small)[0] == pytest.approx(0.0, abs=0.12)
    assert np.isnan(made.z([4.0, 19.0], [0.5, 0.9], [100.0, 160.0])).all()


def test_weights_of_the_curve_count_in_the_adjustment():
    people = girls(600).with_columns(w=1.0 + (pl.col("age") > 12) * 2)
    repeated = people.select(pl.all().repeat_by(pl.col("w").cast(pl.Int64)).explode())
    terms = {"mu": PSpline(df=3), "sigma": PSpline(df=1)}
    by_weight, by_rows = (
        height_adjustment(
            fit_curve(data, "abmd_lumbar_spine", weight=weight, **terms),
            fit_curve(data, "height", weight=weight, **terms),
            data,
        )
        for data, weight in ((people, "w"), (repeated, "equal"))
    )
    assert by_weight.slope == pytest.approx(by_rows.slope, rel=1e-5)
    assert by_weight.intercept == pytest.approx(by_rows.intercept, abs=1e-5)


@pytest.mark.parametrize("family", ["normal", "bccg", "bct"])
def test_a_curve_from_5_to_90_has_no_edge(family):
    """Puberty, peak and loss in one: within 3 % everywhere, and within its errors at the ends."""
    rng = np.random.default_rng(8)
    age = np.concatenate([rng.uniform(5, 90, 6000), [5.0, 90.0]])

    def median(at):
        return 0.55 + 0.5 / (1 + np.exp(-(at - 12.5) / 1.6)) - 0.004 * np.maximum(at - 40, 0)

    y = median(age) * np.exp(rng.normal(0, 0.1, len(age)))
    people = pl.DataFrame({"age": age, "abmd_lumbar_spine": y})
    curve = fit_curve(people, "abmd_lumbar_spine", family=family, mu=PSpline(intervals=40))
    assert curve.fit.converged
    assert curve.ages == (5.0, 90.0)
    ages = np.linspace(5, 90, 341)
    off = curve.quantile(ages, 0.5) / median(ages) - 1
    assert np.abs(off).max() < 0.03
    ends = np.array([5.0, 90.0])
    error = curve.parameter_errors(ends, "mu")
    assert (np.abs(curve.quantile(ends, 0.5) - median(ends)) < 3 * error).all()
    table = curve.centiles()
    assert table.height == 86
    assert table.null_count().sum_horizontal().item() == 0


def test_knots_too_far_apart_for_puberty_are_told_of():
    rng = np.random.default_rng(8)
    age = rng.uniform(5, 90, 6000)
    middle = 0.55 + 0.5 / (1 + np.exp(-(age - 12.5) / 1.6))
    people = pl.DataFrame({"age": age, "bmd": middle * np.exp(rng.normal(0, 0.1, 6000))})
    wide, close = (fit_curve(people, "bmd", mu=PSpline(intervals=k)) for k in (20, 40))
    assert "PSpline(intervals=40)" in " ".join(wide.notes)
    assert close.notes == ()


def test_bad_input_is_told_in_its_own_words(curves):
    density, height, people = curves
    with pytest.raises(DefinitionError, match="no apparent density is defined for 'total_hip'"):
        bmad(people, "total_hip")
    with pytest.raises(SchemaError, match="bmc_lumbar_spine, area_lumbar_spine are not"):
        bmad(people)
    with pytest.raises(SchemaError, match="area_l1 is 0 or below in 1 row"):
        bmad(pl.DataFrame({"bmc_l1": [3.0], "area_l1": [0.0]}), "l1")
    with pytest.raises(SchemaError, match="height are not in the data"):
        height_adjustment(density, height, people.drop("height"))
    with pytest.raises(SchemaError, match="needs 50 at least"):
        height_adjustment(density, height, people.head(20))
