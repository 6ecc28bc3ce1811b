"""One engine: every estimate of every design, held against a calculation a person at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import osteo_epi as oe
from osteo_epi.calibration import phantom_lines
from osteo_epi.cohort import simulate, simulate_phantom
from osteo_epi.diagnosis import classify, definition, young_adult_reference
from osteo_epi.errors import SchemaError
from osteo_epi.population import (
    calibrated_prevalence,
    could_be_measured,
    decompose_difference,
    definition_axes,
    definition_grid,
    prevalence,
    prevalence_trend,
)
from osteo_epi.survey import (
    ReplicateDesign,
    SurveyDesign,
    contrast,
    degrees_of_freedom,
    mean,
)

SITES = ["femoral_neck", "lumbar_spine"]
AGES = (50, 65, 200)
Array = np.ndarray


@pytest.fixture(scope="module")
def people() -> pl.DataFrame:
    """Simulated people in 8 strata of 2 to 4 units, with unequal weights and jackknife weights."""
    rng = np.random.default_rng(5)
    frame = simulate(2_500, seed=3).frame
    n = frame.height
    stratum = rng.integers(0, 8, n)
    frame = frame.with_columns(
        s=stratum, p=rng.integers(0, 2 + stratum % 3), w=np.round(rng.lognormal(3, 0.5, n), 2),
        hh=rng.integers(0, 5, n), era=pl.Series(rng.choice([2006, 2008, 2012], n)),
        units=pl.lit(40.0), fraction=pl.lit(0.5), alone=stratum + 10 * (rng.random(n) < 0.002),
    )  # fmt: skip
    return frame.with_columns(jackknife(frame)[0])


def jackknife(frame: pl.DataFrame) -> tuple[list[pl.Series], tuple[float, ...]]:
    """Weights without one unit each, and the factors of the replicates."""
    weight, rscales, columns = frame["w"].to_numpy(), [], []
    pairs = frame.select("s", "p").unique().sort("s", "p").rows()
    for r, (stratum, unit) in enumerate(pairs):
        units = sum(s == stratum for s, _ in pairs)
        here = (frame["s"] == stratum).to_numpy()
        out = here & (frame["p"] == unit).to_numpy()
        factor = np.where(out, 0.0, np.where(here, units / (units - 1), 1.0))
        columns.append(pl.Series(f"rw{r}", weight * factor))
        rscales.append((units - 1) / units)
    return columns, tuple(rscales)


@pytest.fixture(scope="module")
def replicated(people: pl.DataFrame) -> ReplicateDesign:
    return ReplicateDesign("w", "rw", "JKn", rscales=jackknife(people)[1])


@pytest.fixture(scope="module")
def axes() -> tuple[Any, ...]:
    return definition_axes(reference=["nhanes_2005_2008_nhw_derived"], sites=SITES)


def held(frame: pl.DataFrame, chosen: Any, bone_class: str = "osteoporosis") -> tuple[Array, Array]:
    """Who has the class, and who is classified, among people of 50 and over."""
    classified = classify(frame, chosen)
    known = (pl.col("bone_class") != "not_classifiable") & pl.col("sites_complete")
    known = known & (pl.col("age") >= 50) & (pl.col("age") < 200)
    table = classified.select((pl.col("bone_class") == bone_class).alias("y"), known.alias("k"))
    return table["y"].to_numpy() & table["k"].to_numpy(), table["k"].to_numpy()


def by_replicate(frame: pl.DataFrame, design: ReplicateDesign, statistic: Any) -> tuple[Any, Any]:
    """A statistic of (n,) weights and its standard error, one replicate after the other."""
    whole = statistic(frame["w"].to_numpy())
    names = design.replicate_columns(frame)
    each = np.array([statistic(frame[name].to_numpy()) for name in names])
    spread = np.array(design.rscales) @ (each - each.mean(axis=0)) ** 2
    return whole, np.sqrt(spread)


def share(weight: Array, y: Array, among: Array) -> float:
    return float(weight[among] @ y[among] / weight[among].sum())


def one(frame: pl.DataFrame, **values: Any) -> dict[str, Any]:
    return frame.row(by_predicate=pl.all_horizontal(pl.col(c) == v for c, v in values.items()),
                     named=True)  # fmt: skip


# ---- replicate weights


@pytest.fixture(scope="module")
def grid(people: pl.DataFrame, replicated: ReplicateDesign, axes: Any) -> Any:
    return definition_grid(people, axes, design=replicated, age_bands=AGES, by="sex")


@pytest.mark.parametrize("sex", ["all", "female"])
def test_differences_of_definitions_by_replicates(people, replicated, axes, grid, sex) -> None:
    (y1, k1), (y2, k2) = (held(people, d) for d in axes)
    group = np.ones(len(y1), bool) if sex == "all" else (people["sex"] == sex).to_numpy()
    own, common = (k1 & group, k2 & group), k1 & k2 & group
    for which, first, second in (("own", *own), ("common", common, common)):
        value, se = by_replicate(
            people, replicated, lambda w, a=first, b=second: share(w, y2, b) - share(w, y1, a)
        )
        row = one(grid.differences, definition=SITES[1], set=which, sex=sex, statistic="crude")
        assert (row["estimate"], row["se"]) == pytest.approx((value, se), rel=1e-9)
        assert "replicate weights (JKn) with covariance" in row["method"]
    moved = one(grid.reclassification, definition=SITES[1], sex=sex)
    value, se = by_replicate(people, replicated, lambda w: share(w, y2 & ~y1, common))
    assert (moved["into"], moved["into_se"]) == pytest.approx((value, se), rel=1e-9)

    def agreement(w: Array) -> float:
        a, b = share(w, y1, common), share(w, y2, common)
        chance = a * b + (1 - a) * (1 - b)
        return (share(w, y1 == y2, common) - chance) / (1 - chance)

    value, se = by_replicate(people, replicated, agreement)
    assert (moved["kappa"], moved["kappa_se"]) == pytest.approx((value, se), rel=1e-9)


def test_class_moves_by_replicates(people, replicated, axes, grid) -> None:
    (low, k1), (normal, k2) = (
        held(people, d, name) for d, name in zip(axes, ("low_bone_mass", "normal"), strict=True)
    )
    value, se = by_replicate(people, replicated, lambda w: share(w, low & normal, k1 & k2))
    row = one(grid.class_moves, sex="all", base_class="low_bone_mass", **{"class": "normal"})
    assert (row["share"], row["se"]) == pytest.approx((value, se), rel=1e-9)


def test_a_grid_holds_what_prevalence_gives_with_replicates(people, replicated, axes, grid) -> None:
    for name, chosen in zip(SITES, axes, strict=True):
        alone = prevalence(
            people, chosen, design=replicated, age_bands=AGES, by="sex", classes=["osteoporosis"]
        ).to_polars()
        rows = grid.prevalence.filter(definition=name, set="own").drop("definition", "set")
        assert_frame_equal(rows, alone.drop("definition"), rel_tol=1e-10)


def test_standardised_contrasts_by_replicates(people, replicated, axes) -> None:
    how = {"standard": "us_2000_bone", "age_bands": (*AGES[:2], float("inf"))}
    found = definition_grid(people, axes, design=replicated, **how)
    counts = oe.norms.load("standard_population", "us_2000_bone").collapse(how["age_bands"])
    part = np.array([counts.counts()[name] for name in ("50-64", "65+")])
    part = part / part.sum()
    (y1, k1), (y2, k2) = (held(people, d) for d in axes)
    old = people["age"].to_numpy() >= 65
    bands = [k1 & k2 & ~old, k1 & k2 & old]
    value, se = by_replicate(
        people, replicated,
        lambda w: part @ [share(w, y2, band) - share(w, y1, band) for band in bands],
    )  # fmt: skip
    row = one(found.differences, definition=SITES[1], set="common", statistic="age_standardised")
    assert (row["estimate"], row["se"]) == pytest.approx((value, se), rel=1e-9)


def test_a_trend_by_replicates(people, replicated, axes) -> None:
    trend = prevalence_trend(people, axes[0], over="era", design=replicated, age_bands=AGES)
    y, known = held(people, axes[0])
    eras = np.array([2006.0, 2008.0, 2012.0])
    masks = [known & (people["era"] == era).to_numpy() for era in (2006, 2008, 2012)]
    value, se = by_replicate(
        people, replicated, lambda w: np.polyfit(eras, [share(w, y, m) for m in masks], 1)[0]
    )
    row = one(trend.to_polars(), statistic="crude", contrast="linear")
    assert (row["estimate"], row["se"]) == pytest.approx((value, se), rel=1e-7)
    assert row["t"] == pytest.approx(value / se, rel=1e-7)


def test_a_decomposition_by_replicates(people, replicated) -> None:
    own = "nhanes_2005_2008_nhw_derived"
    first = definition("nchs_bone_2021", reference=own)
    second = definition("nchs_bone_2021", reference=own, sex_rule="own_sex", sites=SITES[:1])
    split = decompose_difference(people, first, second, design=replicated, age_bands=AGES)
    sex = definition("nchs_bone_2021", reference=own, sex_rule="own_sex")
    site = definition("nchs_bone_2021", reference=own, sites=SITES[:1])
    pairs = [held(people, d) for d in (first, sex, site, second)]
    common = np.logical_and.reduce([known for _, known in pairs])

    def contribution(w: Array) -> float:
        p = [share(w, y, common) for y, _ in pairs]
        return ((p[1] - p[0]) + (p[3] - p[2])) / 2

    value, se = by_replicate(people, replicated, contribution)
    row = one(split.to_polars(), part="sex_rule", statistic="crude")
    assert (row["estimate"], row["se"]) == pytest.approx((value, se), rel=1e-9)


@pytest.fixture(scope="module")
def own_rules(people: pl.DataFrame) -> Any:
    """Against these people's own young adults, by their weights."""
    young = young_adult_reference(people, weight="w", rois=("femoral_neck",))
    return definition("who_1994", reference=young, sites=["femoral_neck"])


def test_own_young_adults_by_replicates(people, replicated, own_rules) -> None:
    """Their error is the spread of means and SDs made anew in every replicate."""
    how = {"design": replicated, "age_bands": AGES, "classes": ["osteoporosis"]}
    known = prevalence(people, own_rules, reference_error=False, **how).to_polars()
    with_error = prevalence(people, own_rules, **how).to_polars()
    y, k = held(people, own_rules)
    value, se = by_replicate(people, replicated, lambda w: share(w, y, k))
    plain = one(known, statistic="crude")
    assert (plain["estimate"], plain["se"]) == pytest.approx((value, se), rel=1e-9)
    young = ((people["age"] >= 20) & (people["age"] < 40)).to_numpy()
    bmd, female = people["abmd_femoral_neck"].to_numpy(), (people["sex"] == "female").to_numpy()
    seen = young & ~np.isnan(bmd.astype(float))

    def cut_offs(w: Array) -> list[float]:
        cuts = []
        for group in (seen & female, seen & ~female):
            middle = np.average(bmd[group], weights=w[group])
            spread = np.average((bmd[group] - middle) ** 2, weights=w[group])
            cuts.append(middle - 2.5 * np.sqrt(spread * group.sum() / (group.sum() - 1)))
        return cuts

    at, errors = by_replicate(people, replicated, cut_offs)
    # People a step to either side of the cut-off for each step of it, sex by sex.
    slopes = []
    for cut, group in zip(at, (k & female, k & ~female), strict=True):
        step, inside = 0.03, share(people["w"].to_numpy(), group, k)
        near = (bmd > cut - step) & (bmd <= cut + step)
        slopes.append(inside * share(people["w"].to_numpy(), near, group) / (2 * step))
    by_hand = np.hypot(*(np.array(slopes) * errors))
    row = one(with_error, statistic="crude")
    added = np.sqrt(row["se"] ** 2 - plain["se"] ** 2)
    assert added == pytest.approx(by_hand, rel=0.25)
    compared = definition_grid(
        people, {"own": own_rules, "nhanes": definition("who_1994", sites=["femoral_neck"],
        reference="nhanes_2005_2008_nhw_derived")}, design=replicated, age_bands=AGES,
    )  # fmt: skip
    found = one(compared.prevalence, definition="own", set="own", statistic="crude")
    assert (found["estimate"], found["se"]) == pytest.approx((value, se), rel=1e-9)


def test_calibrated_prevalence_by_replicates(people, replicated) -> None:
    correction = phantom_lines(simulate_phantom(seed=8)).correction(to="lunar_1")
    centres = simulate(2_500, seed=3, devices="seven_centres").frame
    scanned = centres.with_columns(people.select("w", "s", "p", pl.selectors.starts_with("rw")))
    corrected = correction.apply(scanned, outside="allow")
    young = young_adult_reference(corrected, weight="w", rois=("femoral_neck",))
    rules = definition("who_1994", reference=young, sites=["femoral_neck"])
    how = {"design": replicated, "age_bands": AGES, "classes": ["osteoporosis"]}
    none = calibrated_prevalence(
        scanned, correction, rules, uncertainty="none", reference_error=False, **how
    )
    y, k = held(corrected, rules)
    value, se = by_replicate(scanned, replicated, lambda w: share(w, y, k))
    row = one(none.to_polars(), statistic="crude")
    assert (row["estimate"], row["se"]) == pytest.approx((value, se), rel=1e-9)
    delta = calibrated_prevalence(scanned, correction, rules, **how).to_polars()
    plain = prevalence(corrected, rules, **how).to_polars()
    assert delta["se_design"].to_list() == pytest.approx(plain["se"].to_list(), rel=1e-9)
    total = np.hypot(delta["se_design"], delta["se_calibration"])
    assert delta["se"].to_list() == pytest.approx(total.to_list(), rel=1e-12)
    # A class from before the correction is not that of the corrected readings.
    earlier = classify(scanned, rules)
    again = calibrated_prevalence(earlier, correction, rules, uncertainty="none", **how)
    assert_frame_equal(again.to_polars(), plain)


# ---- strata, units, fractions: a row a person, by the arrays of survey


DESIGNS = {
    "elements": SurveyDesign("w", "s"),
    "elements, fractions": SurveyDesign(stratum="s", fpc="fraction"),
    "units": SurveyDesign("w", "s", "p"),
    "two stages": SurveyDesign("w", "s", ("p", "hh"), fpc=("units", "fraction")),
    "adjust": SurveyDesign("w", "alone", "p", lonely="adjust"),
    "average": SurveyDesign("w", "alone", "p", lonely="average"),
    "adjust in domains": SurveyDesign("w", "alone", "p", lonely="adjust", lonely_domains=True),
    "equal weights": SurveyDesign(psu="p"),
}


@pytest.mark.parametrize("name", DESIGNS)
def test_every_design_equals_a_row_a_person(name: str, people: pl.DataFrame, axes: Any) -> None:
    design = DESIGNS[name]
    people = people.with_columns(units=pl.when(pl.lit(True)).then(40.0))
    arrays = design.arrays(people)
    (y1, k1), (y2, k2) = (held(people, d) for d in axes)
    common = k1 & k2
    by_hand = mean(y2.astype(float) - y1, arrays, domain=common)
    grid = definition_grid(people, axes, design=design, age_bands=AGES)
    row = one(grid.differences, definition=SITES[1], set="common", statistic="crude")
    assert (row["estimate"], row["se"]) == pytest.approx(
        (by_hand.value[0], by_hand.se[0]), rel=1e-9
    )
    assert (row["n"], row["df"]) == (common.sum(), degrees_of_freedom(arrays, common))
    # Kappa = (o − e) / (1 − e) of the shares a, b, c, d of no/no, no/yes, yes/no and yes/yes.
    pairs = np.column_stack([~y1 & ~y2, ~y1 & y2, y1 & ~y2, y1 & y2]).astype(float)
    shares = mean(pairs, arrays, domain=common)
    a, b, c, d = shares.value
    o, e = a + d, (a + b) * (a + c) + (c + d) * (b + d)
    of_e = np.array([2 * a + b + c, a + 2 * c + d, a + 2 * b + d, b + c + 2 * d])
    slope = np.array([1.0, 0, 0, 1]) / (1 - e) - of_e * (1 - o) / (1 - e) ** 2
    spread = contrast(shares, slope)
    moved = one(grid.reclassification, definition=SITES[1])
    assert (moved["kappa"], moved["kappa_se"]) == pytest.approx(
        ((o - e) / (1 - e), spread.se[0]), rel=1e-9
    )


# ---- streams and many definitions


def test_streams_give_what_frames_give(tmp_path: Path, people: pl.DataFrame, axes: Any) -> None:
    many = definition_axes(
        reference=["nhanes_2005_2008_nhw_derived"],
        sites=[SITES, *SITES],
        cut_off=[None, -2.0, -3.0],
    )
    people.write_parquet(tmp_path / "people.parquet", row_group_size=100)
    how = {"design": DESIGNS["units"], "age_bands": AGES, "by": "sex"}
    for chosen in (axes, many):
        eager = definition_grid(people, chosen, **how)
        lazy = definition_grid(pl.scan_parquet(tmp_path / "people.parquet"), chosen, **how)
        for name in ("prevalence", "differences", "reclassification", "class_moves"):
            assert_frame_equal(getattr(eager, name), getattr(lazy, name), abs_tol=1e-12)
    assert len(many) == 9
    for name, chosen in eager.definitions.items():
        alone = prevalence(people, chosen, classes=["osteoporosis"], **how).to_polars()
        rows = eager.prevalence.filter(definition=name, set="own").drop("definition", "set")
        assert_frame_equal(rows, alone.drop("definition"), abs_tol=1e-12)


# ---- who could be measured


def test_people_not_examined_or_pregnant_are_in_no_row(people: pl.DataFrame, axes: Any) -> None:
    rng = np.random.default_rng(1)
    told = people.with_columns(
        examined=pl.Series(rng.choice([True, False], people.height)).replace_strict(
            {True: True, False: False}
        ),
        pregnant=pl.when(pl.col("age") < 51).then(pl.Series(rng.random(people.height) < 0.5)),
    )
    able = pl.col("examined") & ~pl.col("pregnant").fill_null(False)
    how = {"design": DESIGNS["units"], "age_bands": AGES}
    for estimate in (
        lambda frame, **more: prevalence(frame, axes[0], **how, **more).to_polars(),
        lambda frame, **more: definition_grid(frame, axes, **how, **more).to_polars(),
        lambda frame, **more: prevalence_trend(frame, axes[0], over="era", **how, **more).levels,
        lambda frame, **more: decompose_difference(frame, *axes, **how, **more).to_polars(),
    ):
        by_default = estimate(told)
        assert_frame_equal(by_default, estimate(told, eligible=able))
        everybody = estimate(told, eligible=pl.lit(True))
        assert_frame_equal(everybody, estimate(people))
        assert everybody["n"].max() > by_default["n"].max()


def test_answers_that_are_no_answers_are_refused(people: pl.DataFrame, axes: Any) -> None:
    coded = people.with_columns(examined=pl.lit(2))
    with pytest.raises(SchemaError, match=r"examined must be true or false .* Int32.*eligible="):
        prevalence(coded, axes[0])
    assert prevalence(coded, axes[0], eligible=pl.lit(True)).to_polars().height


def test_library_and_run_count_the_same_missing(shared: Path, tmp_path: Path) -> None:
    """NHANES 2017-18, women of 20 to 49: 55 were not examined or pregnant."""
    folder = shared / "data" / "nhanes" / "2017-2018"
    if not folder.is_dir():
        pytest.skip("the NHANES tables of 2017-2018 are absent")
    women = oe.read(folder, source="nhanes")
    women = women.with_frame(women.frame.filter(pl.col("sex") == "female"))
    design = SurveyDesign("survey_weight", "stratum", "psu")
    how = {"ages": (20, 50), "age_bands": (20, 50), "design": design}
    rules = definition("nchs_bone_2021")

    def missing(**more: Any) -> int:
        rows = prevalence(women, rules, classes=["osteoporosis"], **how, **more).to_polars()
        return one(rows, statistic="crude")["n_missing"]

    assert (missing(), missing(eligible=pl.lit(True))) == (1_202, 1_257)
    assert missing(eligible=could_be_measured(women.frame)) == 1_202
