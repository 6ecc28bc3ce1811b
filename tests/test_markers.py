"""Markers and density: other software, designs, logarithms, missing markers, and bad input."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from survey_records import OSTEO, table

from osteo_epi.errors import DefinitionError, DesignError, SchemaError
from osteo_epi.risk import bone_association
from osteo_epi.survey import ReplicateDesign, SurveyDesign


def women(n: int = 500, *, seed: int = 8) -> pl.DataFrame:
    """Turnover and marrow fat rise with age, and density falls with all three."""
    rng = np.random.default_rng(seed)
    age = np.round(rng.uniform(50, 85, n), 1)
    ctx = rng.lognormal(-1 + 0.01 * (age - 65), 0.5)
    fat = np.clip(rng.normal(50 + 0.4 * (age - 65), 8, n), 5, 95)
    hip = 0.85 - 0.004 * (age - 65) - 0.03 * np.log2(ctx) - 0.002 * (fat - 50)
    return pl.DataFrame({
        "age": age, "ctx": ctx, "marrow_fat_fraction": fat,
        "abmd_total_hip": hip + rng.normal(0, 0.09, n), "secondary_cause": rng.random(n) < 0.2,
        "group": rng.choice(["a", "b", "c"], n, p=[0.5, 0.3, 0.2]),
    })  # fmt: skip


PEOPLE = women()


def ols(frame: pl.DataFrame, columns: list[str]):
    from statsmodels.api import OLS, add_constant

    x = add_constant(frame.select(columns).cast(pl.Float64).to_numpy())
    return OLS(frame["abmd_total_hip"].to_numpy(), x).fit()


@pytest.mark.parametrize("log", [(), "ctx"])
def test_people_drawn_one_by_one_have_least_squares_of_statsmodels(log):
    result = bone_association(
        PEOPLE, exposures="ctx", adjust=["age", "marrow_fat_fraction"], log=log, per="unit"
    )
    given = PEOPLE.with_columns(pl.col("ctx").log(2)) if log else PEOPLE
    for model, columns in (("crude", ["ctx"]), ("adjusted", ["ctx", "age", "marrow_fat_fraction"])):
        theirs = ols(given, columns)
        (ours,) = [one for one in result.effects if one.model == model]
        numbers = (ours.effect.estimate, ours.effect.se, ours.effect.lower, ours.effect.upper)
        expected = (theirs.params[1], theirs.bse[1], *theirs.conf_int()[1])
        assert numbers == pytest.approx(expected, rel=1e-8)
        assert ours.p == pytest.approx(theirs.pvalues[1], rel=1e-8)
        assert ours.per_unit == ours.effect
        t, df = theirs.tvalues[1], theirs.df_resid
        assert ours.partial_r2 == pytest.approx(t**2 / (t**2 + df), rel=1e-8)
        by_sd = theirs.params[1] * given["ctx"].std() / given["abmd_total_hip"].std()
        assert ours.standardised.estimate == pytest.approx(by_sd, rel=1e-8)
        assert ours.contrast == ("per doubling" if log else "per unit increase")


def test_per_standard_deviation_is_the_unit_times_it():
    result = bone_association(PEOPLE, exposures="ctx", adjust="age")["ctx"]
    assert result.contrast == "per SD increase"
    assert result.sd == pytest.approx(PEOPLE["ctx"].std(), rel=1e-12)
    assert result.effect.estimate == pytest.approx(result.per_unit.estimate * result.sd, rel=1e-12)
    assert result.effect.lower == pytest.approx(result.per_unit.lower * result.sd, rel=1e-12)


def test_a_survey_has_the_coefficients_and_limits_of_svyglm(golden):
    theirs = golden("a_survey.json")["osteo.glm.gauss"]["result"]
    people = table("osteo_survey").with_columns(eth=pl.col("eth").cast(pl.String))
    for exposure, others in (("age", ["sex", "bmi"]), ("bmi", ["age", "sex"])):
        result = bone_association(
            people, density="bmd", exposures=exposure, adjust=[*others, "eth"], per="unit",
            design=OSTEO, reference_levels={"eth": "1"},
        )  # fmt: skip
        effect = result[exposure].effect
        assert effect.estimate == pytest.approx(theirs["coef"][exposure], rel=1e-8)
        assert effect.se == pytest.approx(theirs["se"][exposure], rel=1e-8)
        assert result[exposure].p == pytest.approx(theirs["p"][exposure], rel=1e-8)
        assert effect.lower == pytest.approx(theirs["ci_lo"][exposure], rel=1e-8)
        assert effect.upper == pytest.approx(theirs["ci_hi"][exposure], rel=1e-8)
        assert effect.method == "design-based"


def test_classes_are_compared_to_the_reference_of_svyglm(golden):
    theirs = golden("a_survey.json")["osteo.glm.gauss"]["result"]
    people = table("osteo_survey").with_columns(eth=pl.col("eth").cast(pl.String))
    result = bone_association(
        people, density="bmd", exposures="eth", adjust=["age", "sex", "bmi"], design=OSTEO,
        reference_levels={"eth": "1"},
    )  # fmt: skip
    own = [one for one in result.effects if one.model == "adjusted"]
    assert [one.contrast for one in own] == ["2 against 1", "3 against 1", "4 against 1"]
    for one, name in zip(own, ("eth2", "eth3", "eth4"), strict=True):
        assert one.effect.estimate == pytest.approx(theirs["coef"][name], rel=1e-8)
        assert one.effect.se == pytest.approx(theirs["se"][name], rel=1e-8)
        assert (one.per_unit, one.sd) == (None, None)


def test_replicate_weights_have_nearly_the_errors_of_the_design():
    centre = np.arange(PEOPLE.height) % 50
    given = {f"jk{k}": np.where(centre == k, 0.0, 50 / 49) for k in range(50)}
    people = PEOPLE.with_columns(w=pl.lit(1.0), centre=pl.Series(centre), **given)
    drawn = ReplicateDesign(weight="w", replicates="jk", kind="JK1")
    asked = {"exposures": "ctx", "adjust": "age", "log": "ctx"}
    repeated = bone_association(people, **asked, design=drawn)["ctx"].effect
    units = SurveyDesign(weight="w", psu="centre")
    linear = bone_association(people, **asked, design=units)["ctx"].effect
    assert repeated.estimate == pytest.approx(linear.estimate, rel=1e-10)
    assert repeated.se == pytest.approx(linear.se, rel=0.05)
    assert repeated.upper - repeated.lower == pytest.approx(linear.upper - linear.lower, rel=0.05)
    assert (repeated.method, linear.method) == ("replicates", "design-based")


def test_each_marker_has_its_own_people_and_says_who_lacks_it():
    rng = np.random.default_rng(1)
    some = PEOPLE.with_columns(
        pl.when(pl.Series(rng.random(500) < 0.3)).then(None).otherwise("ctx").alias("ctx")
    )
    result = bone_association(
        some, exposures=["ctx", "marrow_fat_fraction", "secondary_cause"], adjust="age"
    )
    lacking = some["ctx"].null_count()
    frame = result.to_frame()
    assert frame.filter(exposure="ctx")["n"].unique().to_list() == [500 - lacking]
    assert frame.filter(exposure="ctx")["n_left_out"].unique().to_list() == [lacking]
    assert frame.filter(exposure="marrow_fat_fraction")["n"].unique().to_list() == [500]
    assert f"ctx: {lacking} of 500 people lack ctx and are left out" in result.notes
    assert frame["model"].to_list() == ["crude", "adjusted"] * 3
    assert result["secondary_cause"].contrast == "yes against no"
    alone = bone_association(some.drop_nulls("ctx"), exposures="ctx", adjust="age")["ctx"]
    assert result["ctx"].effect == alone.effect


def test_what_it_says_is_an_association_and_no_diagnosis():
    result = bone_association(PEOPLE, exposures=["ctx", "marrow_fat_fraction"])
    assert "nobody is diagnosed" in result.notes[0]
    assert any("MR signal is not standardised" in note for note in result.notes)
    assert "diagnos" not in " ".join(result.to_frame().columns)
    assert result.to_frame()["model"].to_list() == ["crude", "crude"]


def test_a_domain_keeps_the_units_of_the_design():
    old = bone_association(
        table("osteo_survey"),
        density="bmd",
        exposures="bmi",
        design=OSTEO,
        domain=pl.col("age") > 65,
    )["bmi"]
    assert (
        old.effect.n
        == table("osteo_survey").filter(pl.col("age") > 65).drop_nulls(["bmd", "bmi"]).height
    )
    assert 0 < old.effect.se < 0.01


@pytest.mark.parametrize(
    ("how", "error", "says"),
    [
        ({"exposures": "ntx"}, SchemaError, "column ntx"),
        ({"exposures": []}, DefinitionError, "exposures"),
        ({"exposures": "ctx", "per": "iqr"}, DefinitionError, "unknown per='iqr'"),
        ({"exposures": "ctx", "adjust": "ctx"}, DefinitionError, "name it once"),
        ({"exposures": "abmd_total_hip"}, DefinitionError, "is the density"),
        ({"exposures": "ctx", "log": "age"}, DefinitionError, "log: age is no exposure"),
        ({"exposures": "none", "log": "none"}, SchemaError, "of 0 or less"),
        ({"exposures": "same"}, SchemaError, "same in everybody"),
        ({"exposures": "empty"}, SchemaError, "nobody has abmd_total_hip, empty"),
        ({"exposures": "ctx", "density": "flat"}, DesignError, "the outcome is the same"),
        ({"exposures": "ctx", "density": "group"}, SchemaError, "expected numbers"),
        ({"exposures": "ctx", "adjust": "twice"}, DesignError, "follow from the others"),
        ({"exposures": "ctx", "confidence": 95}, DefinitionError, "confidence"),
    ],
)  # fmt: skip
def test_bad_input_has_its_own_words(how, error, says):
    people = PEOPLE.with_columns(
        none=pl.lit(0.0), same=pl.lit(3.5), empty=pl.lit(None, pl.Float64), flat=pl.lit(0.8),
        twice=2 * pl.col("ctx"),
    )  # fmt: skip
    with pytest.raises(error, match=says):
        bone_association(people, **how)


def test_the_chart_has_a_row_an_exposure_with_crude_and_adjusted():
    result = bone_association(
        PEOPLE, exposures=["ctx", "marrow_fat_fraction"], adjust="age", log="ctx"
    )
    axes = result.plot()
    assert [text.get_text().replace("\n", " ") for text in axes.get_yticklabels()] == [
        "CTX, per SD increase of its logarithm, n 500",
        "Marrow fat fraction, per SD increase, n 500",
    ]
    points = [line for line in axes.lines if line.get_linestyle() == "None"]
    assert [line.get_xdata()[0] for line in points] == [
        one.effect.estimate for one in result.effects
    ]
    assert [line.get_markerfacecolor() == "white" for line in points] == [True, False] * 2
    assert "g/cm²" in axes.get_xlabel()
    assert "no diagnosis" in axes.get_xlabel()
