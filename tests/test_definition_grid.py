"""Several definitions on the same people: by hand, against R survey, and by what must hold."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from matplotlib.collections import PathCollection
from polars.testing import assert_frame_equal

from osteo_epi import figures, norms
from osteo_epi.cohort import simulate
from osteo_epi.diagnosis import classify, definition
from osteo_epi.errors import DefinitionError, DesignError, SchemaError
from osteo_epi.population import (
    decompose_difference,
    definition_axes,
    definition_grid,
    prevalence,
    prevalence_trend,
)
from osteo_epi.population.definitions import (
    choices,
    differing,
    shapley,
    short_names,
    slope_coefficients,
    taking,
)
from osteo_epi.rounding import percent_interval
from osteo_epi.survey import SurveyDesign

DATA = Path(__file__).parent / "golden" / "data"
DESIGN = SurveyDesign(weight="w", stratum="s", psu="p")
SITES = ["femoral_neck", "lumbar_spine"]
OWN_SEX = "nhanes_2005_2008_nhw_derived"
INF = float("inf")


def row(frame: pl.DataFrame, **asked: Any) -> dict[str, Any]:
    """The one row that has these values."""
    found = frame.filter(*(pl.col(name) == value for name, value in asked.items()))
    assert found.height == 1, found
    return found.row(0, named=True)


# ---- by hand: T-scores at -2.5 are 0.558 (femoral neck) and 0.772 (spine) ----


@pytest.fixture
def six() -> pl.DataFrame:
    """Five with both sites, one without a spine, one too young; two strata of two units."""
    return pl.DataFrame(
        {
            "age": [61.0, 72.0, 55.0, 68.0, 81.0, 66.0, 44.0],
            "sex": ["female", "female", "male", "male", "female", "male", "female"],
            "abmd_femoral_neck": [0.500, 0.700, 0.800, 0.540, 0.900, 0.550, 0.400],
            "abmd_lumbar_spine": [0.700, 0.700, 0.900, 0.950, 1.100, None, 0.400],
            "w": [2.0, 1.0, 3.0, 1.0, 2.0, 2.0, 5.0],
            "s": [1, 1, 1, 1, 2, 2, 2],
            "p": [1, 1, 2, 2, 1, 2, 2],
        }
    )


@pytest.fixture
def two() -> tuple[Any, ...]:
    """Femoral neck alone, spine alone."""
    return definition_axes(sites=SITES)


def test_a_small_grid_by_hand(six: pl.DataFrame, two: tuple[Any, ...]) -> None:
    grid = definition_grid(six, two, design=DESIGN, age_bands=(50, INF))
    base, other = grid.definitions
    assert (base, other) == ("femoral_neck", "lumbar_spine")
    frame = grid.to_polars().filter(pl.col("statistic") == "crude")
    # Neck: persons 1, 4 and 6; spine: 1 and 2. Weights of the five with both: 9 in all.
    assert row(frame, definition=base, set="common")["estimate"] == pytest.approx(3 / 9)
    assert row(frame, definition=base, set="own")["estimate"] == pytest.approx(5 / 11)
    told = row(frame, definition=other, set="common")
    assert (told["estimate"], told["n"], told["n_missing"]) == (pytest.approx(3 / 9), 5, 1)
    assert told["difference"] == pytest.approx(0.0)
    # Values 0 1 0 -1 0 less their mean 0, times weight / 9: units 1/9, -1/9; 0, 0.
    assert told["difference_se"] == pytest.approx(np.sqrt(2 * 2 * (1 / 9) ** 2))
    assert row(frame, definition=other, set="own")["difference"] == pytest.approx(3 / 9 - 5 / 11)


def test_moves_by_hand(six: pl.DataFrame, two: tuple[Any, ...]) -> None:
    grid = definition_grid(six, two, design=DESIGN, age_bands=(50, INF))
    moved = row(grid.reclassification, definition="lumbar_spine")
    assert (moved["n"], moved["n_into"], moved["n_out_of"]) == (5, 1, 1)
    assert (moved["into_unweighted"], moved["into"]) == pytest.approx((1 / 5, 1 / 9))
    assert (moved["out_of_unweighted"], moved["out_of"]) == pytest.approx((1 / 5, 1 / 9))
    # Agreed 7/9; by chance (3/9)² + (6/9)².
    assert moved["kappa"] == pytest.approx((7 / 9 - 5 / 9) / (1 - 5 / 9))
    weighted = row(grid.weighted_kappa, definition="lumbar_spine")
    table = grid.class_moves
    places = {name: i for i, name in enumerate(("osteoporosis", "low_bone_mass", "normal"))}
    shares = np.zeros((3, 3))
    for one, two_, share in table.select("base_class", "class", "share").rows():
        shares[places[one], places[two_]] = share
    apart = np.subtract.outer(range(3), range(3)) ** 2
    by_chance = np.outer(shares.sum(axis=1), shares.sum(axis=0))
    assert weighted["kappa"] == pytest.approx(
        1 - (shares * apart).sum() / (by_chance * apart).sum()
    )
    assert (weighted["n"], weighted["df"]) == (5, 1)
    assert table["n"].sum() == 5
    assert table["share"].sum() == pytest.approx(1.0)
    both = row(table, base_class="osteoporosis", **{"class": "osteoporosis"})
    assert (both["n"], both["share"]) == (1, pytest.approx(2 / 9))


def test_missing_is_never_no(six: pl.DataFrame, two: tuple[Any, ...]) -> None:
    """The person without a spine is out of the common set, not healthy in it."""
    grid = definition_grid(six, two, age_bands=(50, INF))
    assert (grid.meta["n_domain"], grid.meta["n_common"]) == (6, 5)
    assert list(grid.meta["n_own"].values()) == [6, 5]
    assert "5 of 6 people" in grid.notes[0]


# ---- against R survey 4.1 (golden/R/06_definition_grid.R) ----


@pytest.fixture(scope="module")
def survey() -> pl.DataFrame:
    """The survey of the golden results with a spine made as the R script makes it."""
    fn, bmi = pl.col("bmd"), pl.col("bmi")
    spine = 0.35 + 0.75 * fn + 0.004 * (bmi - 27) + 0.002 * (pl.col("id") % 41)
    lacking = (pl.col("smoke") == 1) & (pl.col("eth") == 2)
    years = pl.Series([2006.0, 2008.0, 2010.0, 2018.0])
    return (
        pl.read_csv(DATA / "osteo_survey.csv", infer_schema_length=None)
        .with_columns(
            pl.col("age").cast(pl.Float64),
            abmd_femoral_neck=fn,
            abmd_lumbar_spine=pl.when(~lacking).then(spine),
            cycle=(pl.col("id") % 4).replace_strict(pl.Series([0, 1, 2, 3]), years),
        )
        .with_columns(
            level=pl.col("sex").cast(pl.String),
            sex=pl.when(pl.col("sex") == 0).then(pl.lit("female")).otherwise(pl.lit("male")),
        )
    )


SURVEY = SurveyDesign(weight="wt", stratum="strata", psu="psu")
SPINE = "lumbar_spine"


@pytest.fixture(scope="module")
def against_r(survey: pl.DataFrame) -> Any:
    return definition_grid(survey, definition_axes(sites=SITES), design=SURVEY, by="level")


@pytest.mark.parametrize("level", ["all", "0", "1"])
@pytest.mark.parametrize("which", ["common", "own"])
def test_difference_equals_r(golden: Any, against_r: Any, which: str, level: str) -> None:
    expected = golden("g_definition_grid.json")[f"{which}.{level}"]["result"]
    asked = {"set": which, "level": level, "statistic": "crude"}
    found = row(against_r.differences, definition=SPINE, **asked)
    assert found["estimate"] == pytest.approx(expected["difference"], rel=1e-10)
    assert found["se"] == pytest.approx(expected["difference_se"], rel=1e-10)
    if which == "common":
        assert (found["n"], found["df"]) == (expected["n"], expected["df"])
        assert [found["lower"], found["upper"]] == pytest.approx(expected["ci"], rel=1e-10)
        told = [row(against_r.prevalence, definition=d, **asked) for d in against_r.definitions]
        assert [t["estimate"] for t in told] == pytest.approx(expected["p"], rel=1e-10)
        assert [t["se"] for t in told] == pytest.approx(expected["se"], rel=1e-10)


def test_moves_equal_r(golden: Any, against_r: Any) -> None:
    expected = golden("g_definition_grid.json")["moves.all"]["result"]
    found = row(against_r.reclassification, definition=SPINE, level="all")
    assert [found["n_into"], found["n_out_of"]] == expected["n"]
    assert [found["into"], found["out_of"]] == pytest.approx(expected["share"], rel=1e-10)
    assert [found["into_se"], found["out_of_se"]] == pytest.approx(expected["se"], rel=1e-10)
    assert found["kappa"] == pytest.approx(expected["kappa"], rel=1e-10)
    assert found["kappa_se"] == pytest.approx(expected["kappa_se"], rel=1e-8)


def test_standardised_difference_equals_r(golden: Any, survey: pl.DataFrame) -> None:
    expected = golden("g_definition_grid.json")["standardised.all"]["result"]
    shares = dict(zip(("50-59", "60-69", "70-79", "80+"), (13.5, 11.5, 9.0, 5.0), strict=True))
    bone = norms.load("standard_population", "us_2000").collapse((50, 60, 70, 80, INF))
    standard = replace(bone, table={"both": {b: shares[b] for b in shares}})
    grid = definition_grid(
        survey, definition_axes(sites=SITES), design=SURVEY, standard=standard,
        age_bands=(50, 60, 70, 80, INF),
    )  # fmt: skip
    asked = {"definition": SPINE, "set": "common", "statistic": "age_standardised"}
    found = row(grid.differences, **asked)
    assert found["estimate"] == pytest.approx(expected["difference"], rel=1e-10)
    assert found["se"] == pytest.approx(expected["difference_se"], rel=1e-10)


def test_trend_equals_r(golden: Any, survey: pl.DataFrame) -> None:
    expected = golden("g_definition_grid.json")["trend.all"]["result"]
    chosen = definition("nchs_bone_2021", sites=["femoral_neck"])
    trend = prevalence_trend(survey, chosen, design=SURVEY)
    crude = trend.to_polars().filter(pl.col("statistic") == "crude")
    assert crude["contrast"].to_list() == ["linear", "quadratic", "last - first"]
    assert crude["t"].to_list() == pytest.approx(expected["t"], rel=1e-9)
    assert crude["p"].to_list() == pytest.approx(expected["p_value"], rel=1e-9)
    assert crude["df"].to_list() == [expected["df"]] * 3
    last = row(crude, contrast="last - first")
    assert last["estimate"] == pytest.approx(expected["contrast"][2], rel=1e-10)
    assert last["se"] == pytest.approx(expected["se"][2], rel=1e-10)
    levels = trend.levels.filter(pl.col("statistic") == "crude").sort("score")
    assert levels["estimate"].to_list() == pytest.approx(expected["p"], rel=1e-10)
    line = np.polyfit(levels["score"], levels["estimate"], 1)[0]
    assert row(crude, contrast="linear")["estimate"] == pytest.approx(line, rel=1e-8)


# ---- what must hold ----


@pytest.fixture(scope="module")
def simulated() -> pl.DataFrame:
    return simulate(3_000, seed=11, devices="seven_centres").frame


DRAWN = SurveyDesign(stratum="centre")


def test_a_grid_of_one_is_the_prevalence(simulated: pl.DataFrame) -> None:
    chosen = definition("nchs_bone_2021")
    grid = definition_grid(simulated, [chosen], design=DRAWN, by="sex", standard="us_2000_bone")
    alone = prevalence(
        simulated, chosen, classes=["osteoporosis"], design=DRAWN, by="sex",
        standard="us_2000_bone",
    ).to_polars()  # fmt: skip
    for which in ("common", "own"):
        same = grid.prevalence.filter(pl.col("set") == which).drop("set", "definition")
        assert_frame_equal(same, alone.drop("definition"), rel_tol=1e-12)
    assert grid.reclassification.is_empty()
    assert grid.differences["estimate"].abs().max() == 0


def test_the_base_differs_from_itself_by_nothing(against_r: Any) -> None:
    base = against_r.differences.filter(pl.col("definition") == against_r.base)
    assert base["estimate"].abs().max() == 0
    assert base["se"].abs().max() == 0


@pytest.mark.parametrize("standard", [None, "us_2000_bone", "china_2010"])
def test_differences_are_those_of_the_prevalences(simulated: pl.DataFrame, standard: Any) -> None:
    """In every group, statistic and set, also standardised over age and sex together."""
    grid = definition_grid(
        simulated,
        definition_axes(reference=[OWN_SEX], sites=["femoral_neck", SITES]),
        design=DRAWN, by=["sex", "device_maker"], standard=standard, age_bands=(50, 65, INF),
    )  # fmt: skip
    keys = ["set", "sex", "device_maker", "statistic", "age_band"]
    base = grid.prevalence.filter(pl.col("definition") == grid.base).select(*keys, of="estimate")
    both = grid.to_polars().join(base, on=keys, validate="m:1")
    assert both.height == grid.prevalence.height == grid.differences.height
    gap = (both["estimate"] - both["of"] - both["difference"]).abs()
    assert gap.max() < 1e-12
    assert gap.null_count() == both["estimate"].null_count()
    moved = row(grid.reclassification, sex="all", device_maker="all")
    asked = {"set": "common", "sex": "all", "device_maker": "all", "statistic": "crude"}
    net = row(grid.differences.filter(pl.col("definition") != grid.base), **asked)["estimate"]
    assert moved["into"] - moved["out_of"] == pytest.approx(net, abs=1e-12)
    counts = grid.class_moves.filter((pl.col("sex") == "all") & (pl.col("device_maker") == "all"))
    assert counts["n"].sum() == moved["n"] == grid.meta["n_common"]


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**16), factor=st.floats(0.01, 100))
def test_order_of_rows_and_scale_of_weights_change_nothing(
    survey: pl.DataFrame, against_r: Any, seed: int, factor: float
) -> None:
    other = survey.sample(fraction=1.0, shuffle=True, seed=seed).with_columns(pl.col("wt") * factor)
    grid = definition_grid(other, definition_axes(sites=SITES), design=SURVEY, by="level")
    near = {"rel_tol": 1e-9, "abs_tol": 1e-12}
    assert_frame_equal(grid.differences, against_r.differences, **near)
    assert_frame_equal(grid.reclassification, against_r.reclassification, **near)
    assert_frame_equal(grid.class_moves, against_r.class_moves, **near)


def test_a_domain_is_a_mask(survey: pl.DataFrame, against_r: Any) -> None:
    """A domain gives the group's rows; dropping its complement would lose sampling units."""
    axes = definition_axes(sites=SITES)
    inside = definition_grid(survey, axes, design=SURVEY, domain=pl.col("level") == "1")
    asked = {"definition": SPINE, "set": "common", "statistic": "crude"}
    group = row(against_r.differences, level="1", **asked)
    found = row(inside.differences, **asked)
    assert {k: found[k] for k in found} == {k: group[k] for k in found}


def test_every_kind_of_frame_and_an_earlier_class(six: pl.DataFrame, two: tuple[Any, ...]) -> None:
    expected = definition_grid(six, two, age_bands=(50, INF)).to_polars()
    already = classify(six, definition("nchs_bone_2021"))
    for other in (six.lazy(), six.to_pandas(), six.to_arrow(), already):
        assert_frame_equal(definition_grid(other, two, age_bands=(50, INF)).to_polars(), expected)


# ---- splitting a difference ----


@pytest.fixture(scope="module")
def pair() -> tuple[Any, Any]:
    """They differ in regions, reference, sex rule and vertebra rule."""
    return (
        definition("nchs_bone_2021"),
        definition(
            "nchs_bone_2021", reference=OWN_SEX, sex_rule="own_sex", spine_rule="all_four",
            sites=["lumbar_spine"],
        ),
    )  # fmt: skip


def test_the_parts_sum_to_the_difference(simulated: pl.DataFrame, pair: Any) -> None:
    split = decompose_difference(
        simulated, *pair, together=[("reference", "sex_rule")], by="sex", design=DRAWN,
        standard="us_2000_bone",
    )  # fmt: skip
    for _, rows in split.to_polars().group_by("sex", "statistic", "age_band"):
        value = {kind: rows.filter(pl.col("kind") == kind)["estimate"].sum() for kind in
                 ("choice", "definition", "people", "total")}  # fmt: skip
        assert value["choice"] == pytest.approx(value["definition"], abs=1e-12)
        assert value["definition"] + value["people"] == pytest.approx(value["total"], abs=1e-12)
    grid = definition_grid(simulated, pair, design=DRAWN, by="sex")
    total = row(split.to_polars(), kind="total", sex="female", statistic="crude")
    asked = {"definition": list(grid.definitions)[1], "set": "own", "sex": "female"}
    printed = row(grid.differences, statistic="crude", **asked)
    assert total["estimate"] == pytest.approx(printed["estimate"], abs=1e-12)
    assert total["se"] == pytest.approx(printed["se"], rel=1e-9)


def test_contributions_of_two_choices_by_hand(simulated: pl.DataFrame) -> None:
    """Half of the step alone and half of the step after the other."""
    first = definition("nchs_bone_2021", reference=OWN_SEX)
    second = definition(
        "nchs_bone_2021", reference=OWN_SEX, sex_rule="own_sex", sites=["femoral_neck"]
    )
    four = [
        first,
        taking(first, second, ["sex_rule"]),
        taking(first, second, ["regions"]),
        second,
    ]
    names = ["first", "sex", "site", "second"]
    grid = definition_grid(simulated, dict(zip(names, four, strict=True)), design=DRAWN)
    asked = {"set": "common", "statistic": "crude"}
    p = {name: row(grid.prevalence, definition=name, **asked)["estimate"] for name in names}
    split = decompose_difference(simulated, first, second, design=DRAWN).to_polars()
    found = row(split, part="sex_rule", statistic="crude")
    steps = [p["sex"] - p["first"], p["second"] - p["site"]]
    assert found["estimate"] == pytest.approx(np.mean(steps))
    assert found["lowest_order"] == pytest.approx(min(steps))
    assert found["highest_order"] == pytest.approx(max(steps))
    assert (found["from"], found["to"]) == ("female for both", "own sex")
    backwards = decompose_difference(simulated, second, first, design=DRAWN).to_polars()
    other = row(backwards, part="sex_rule", statistic="crude")
    assert (other["estimate"], other["se"]) == pytest.approx((-found["estimate"], found["se"]))


@pytest.mark.parametrize("parts", [1, 2, 3, 5])
def test_weights_of_the_steps_sum_to_one(parts: int) -> None:
    for part in range(parts):
        assert sum(shapley(parts, part).values()) == pytest.approx(1.0)
        assert len(shapley(parts, part)) == 2 ** (parts - 1)


def test_a_choice_that_matters_to_nobody_contributes_nothing(simulated: pl.DataFrame) -> None:
    women = simulated.filter(pl.col("sex") == "female")
    first = definition("nchs_bone_2021", reference=OWN_SEX)
    second = definition(
        "nchs_bone_2021", reference=OWN_SEX, sex_rule="own_sex", sites=["femoral_neck"]
    )
    found = row(
        decompose_difference(women, first, second).to_polars(), part="sex_rule", statistic="crude"
    )
    assert (found["estimate"], found["se"]) == (0.0, 0.0)


def test_criteria_take_their_fracture_rules_along() -> None:
    china = definition("china_2020", reference="nhanes3_white_female", sex_rule="female")
    parts = differing(china, definition("nchs_bone_2021"))
    assert parts[0][0] == "criterion"
    assert {"evidence"} <= set(parts[0])
    assert taking(china, definition("nchs_bone_2021"), [a for p in parts for a in p]).sha256 == (
        definition("nchs_bone_2021").sha256
    )


# ---- axes and names ----


def test_axes_drop_what_cannot_matter() -> None:
    axes = definition_axes(
        sites=[SITES, *SITES], spine_rule=["at_least_two", "all_four"], cut_off=[None, -2.0]
    )
    assert len(axes) == 10
    assert len({d.sha256 for d in axes}) == 10
    assert axes[0].sha256 == definition("nchs_bone_2021").sha256
    names = short_names(axes)
    assert len(set(names)) == 10
    assert "T in (-inf, -2]; femoral_neck" in names


def test_a_cut_off_of_the_user_says_so(six: pl.DataFrame) -> None:
    own, changed = definition_axes(sites=["femoral_neck"], cut_off=[None, -1.2])
    assert choices(changed)["criterion"] == choices(own)["criterion"]
    assert "cut-off of the user" in changed.criterion.labels
    assert "T in (-inf, -1.2]" in changed.label
    assert changed.sha256 != own.sha256
    grid = definition_grid(six, [own, changed], age_bands=(50, INF))
    crude = grid.prevalence.filter((pl.col("statistic") == "crude") & (pl.col("set") == "own"))
    # Neck 0.700 is T = -1.32.
    assert crude["estimate"].to_list() == pytest.approx([3 / 6, 4 / 6])
    with pytest.raises(DefinitionError, match="below -1"):
        definition_axes(cut_off=[-1.0])


def test_the_same_definition_twice_is_refused() -> None:
    with pytest.raises(DefinitionError, match="definitions 1 and 2 are the same"):
        short_names([definition("nchs_bone_2021"), definition("nchs_bone_2021")])


def test_what_is_asked_wrongly_is_refused(six: pl.DataFrame, two: tuple[Any, ...]) -> None:
    with pytest.raises(DefinitionError, match="one at least"):
        definition_grid(six, [])
    with pytest.raises(DefinitionError, match="base 'spine' is no definition"):
        definition_grid(six, two, base="spine")
    with pytest.raises(DesignError, match="bone_class must be one of"):
        definition_grid(six, two, bone_class="osteopenia")
    with pytest.raises(SchemaError, match=r"region are not in the data.*; there are .*age"):
        definition_grid(six, two, by="region")
    with pytest.raises(DefinitionError, match="the same"):
        decompose_difference(six, two[0], two[0])
    with pytest.raises(DefinitionError, match="unknown axis sites"):
        decompose_difference(six, *two, together=[("sites", "sex_rule")])
    with pytest.raises(DesignError, match="no score for female, male"):
        prevalence_trend(six, two[0], over="sex")
    spineless = six.with_columns(abmd_lumbar_spine=pl.lit(None, pl.Float64))
    with pytest.raises(DefinitionError, match=r"nobody of the 6 people .* lumbar_spine: 0"):
        definition_grid(spineless, two, age_bands=(50, INF))


def test_a_group_that_a_definition_loses_is_named(six: pl.DataFrame) -> None:
    """nhanes3_white holds no spine of men: by own sex they fall off the common set."""
    axes = definition_axes(reference=["nhanes3_white"], sex_rule=["female", "own_sex"])
    grid = definition_grid(six, axes, by="sex", age_bands=(50, INF))
    assert any("own sex classifies nobody of sex male" in note for note in grid.notes)
    lost = row(grid.prevalence, definition="own sex", set="own", sex="male", statistic="crude")
    assert (lost["n"], lost["estimate"]) == (0, None)
    gap = row(grid.differences, definition="own sex", set="own", sex="male", statistic="crude")
    assert gap["estimate"] is None
    both = row(grid.prevalence, definition="own sex", set="own", sex="all", statistic="crude")
    assert both["estimate"] is None
    assert "withheld: the figure of one sex alone" in both["flag"]


def test_what_is_shown_is_escaped(six: pl.DataFrame, two: tuple[Any, ...]) -> None:
    named = {"<b>neck</b>": two[0], "spine": two[1]}
    cohort = six.with_columns(site=pl.lit("<script>"))
    grid = definition_grid(cohort, named, by="site", age_bands=(50, INF))
    page = grid._repr_html_()
    assert "<b>neck" not in page
    assert "<script>" not in page
    assert "&lt;b&gt;neck" in page
    split = decompose_difference(cohort, *two, by="site", age_bands=(50, INF))._repr_html_()
    assert "<script>" not in split
    assert "Shapley" in split


def test_slopes_of_a_polynomial() -> None:
    scores = np.array([2005.5, 2007.5, 2009.5, 2017.5])
    parabola = 0.3 - 0.02 * (scores - 2005) + 0.004 * (scores - 2005) ** 2
    assert slope_coefficients(scores, degree=2) @ parabola == pytest.approx(0.004)
    assert slope_coefficients(scores, degree=1) @ (1 + 0.5 * scores) == pytest.approx(0.5)


def test_a_split_that_would_lose_a_sex_is_refused(simulated: pl.DataFrame) -> None:
    """Own sex against a reference of women only classifies no man, though both ends do."""
    first = definition("nchs_bone_2021", sites=["femoral_neck"])
    second = definition(
        "nchs_bone_2021", sites=["femoral_neck"], reference=OWN_SEX, sex_rule="own_sex"
    )
    with pytest.raises(DefinitionError, match="nobody of sex male, whom both"):
        decompose_difference(simulated, first, second)
    split = decompose_difference(simulated, first, second, together=[("reference", "sex_rule")])
    assert split.to_polars()["part"].unique(maintain_order=True)[0] == "reference and sex_rule"


def test_definitions_that_agree_fully_have_kappa_one(simulated: pl.DataFrame) -> None:
    """On people with all four vertebrae the vertebra rule changes nothing."""
    axes = definition_axes(sites=["lumbar_spine"], spine_rule=["at_least_two", "all_four"])
    moved = row(definition_grid(simulated, axes, design=DRAWN).reclassification)
    assert (moved["n_into"], moved["n_out_of"]) == (0, 0)
    assert (moved["kappa"], moved["kappa_se"]) == (1.0, 0.0)


# ---- figures ----


def test_figures_show_what_the_results_hold(simulated: pl.DataFrame) -> None:
    grid = definition_grid(simulated, definition_axes(sites=[SITES, *SITES]), by="sex")
    chart = figures.prevalence_by_definition(grid, sex="female", note="SIMULATED")
    left, right = chart.child_axes
    assert "SIMULATED" in [text.get_text() for text in left.texts]
    asked = {"set": "common", "sex": "female", "statistic": "crude"}
    drawn = left.collections[1].get_offsets()[:, 0]
    rows = [row(grid.prevalence, definition=d, **asked) for d in grid.definitions]
    assert sorted(drawn) == pytest.approx(sorted(r["estimate"] for r in rows))
    labels = [text.get_text().replace("\n", " ") for text in left.get_yticklabels()]
    shares = dict(zip(grid.definitions, (r["estimate"] for r in rows), strict=True))
    names = {"lumbar_spine": "Lumbar spine", "femoral_neck": "Femoral neck", "+": " + "}
    ordered = sorted(grid.definitions, key=lambda name: shares[name])
    for code, name in names.items():
        ordered = [label.replace(code, name) for label in ordered]
    assert labels == ordered
    assert right.get_xlabel() == "Difference [percentage points]"
    assert left.get_xlabel() == "Prevalence [%]"  # the ticks are bare numbers, as elsewhere
    assert left.xaxis.get_major_formatter()(0.25, 0) == "25"


def test_a_figure_without_people_says_so(six: pl.DataFrame) -> None:
    axes = definition_axes(reference=["nhanes3_white"], sex_rule=["female", "own_sex"])
    grid = definition_grid(six, axes[1:], by="sex", age_bands=(50, INF))
    chart = figures.prevalence_by_definition(grid, sex="male")
    assert "Nobody" in chart.texts[0].get_text()


def test_bars_and_lines_are_the_estimates(simulated: pl.DataFrame, pair: Any) -> None:
    split = decompose_difference(simulated, *pair, together=[("reference", "sex_rule")])
    axes = figures.difference_by_choice(split)
    crude = split.to_polars().filter(pl.col("statistic") == "crude")
    widths = [patch.get_width() for patch in axes.patches]
    assert widths == pytest.approx(crude["estimate"].to_list())
    trend = prevalence_trend(simulated, pair[0], over="exam_year")
    levels = trend.levels.filter(pl.col("statistic") == "crude").sort("score")
    whole = figures.prevalence_over(trend, show_unreliable=True)
    assert whole.lines[0].get_ydata().tolist() == levels["estimate"].to_list()
    # What the rule of presentation withholds is an asterisk, and no line leads over it.
    chart = figures.prevalence_over(trend)
    withheld = levels["verdict"] == "suppress"
    assert withheld.any()
    assert [value != value for value in chart.lines[0].get_ydata()] == withheld.to_list()
    assert [text.get_text() for text in chart.texts].count("*") == withheld.sum()
    assert "Withheld" in chart.get_xlabel()


def test_what_may_not_be_shown_of_a_grid_is_shown_nowhere() -> None:
    """A prevalence, its table and its page withhold it; the grid of the same numbers printed it."""
    sites = definition_axes(sites=["lumbar_spine", "femoral_neck"])
    grid = definition_grid(simulate(400, seed=1).frame, sites, by="sex")
    rows = grid.to_polars().filter(statistic="crude", sex="male", set="own")
    (row,) = rows.filter(verdict="suppress").to_dicts()
    text = percent_interval(row["estimate"], row["lower"], row["upper"], decimals=1)
    page = grid._repr_html_()
    assert text not in page
    assert "too uncertain to be shown" in page

    def drawn(**options: bool) -> list[float]:
        prevalences, _ = grid.plot(sex="male", **options).child_axes
        marks = [c for c in prevalences.collections if isinstance(c, PathCollection)]
        return [x for each in marks for x, _ in each.get_offsets().tolist()]

    assert row["estimate"] not in drawn()
    assert row["estimate"] in drawn(show_unreliable=True)
