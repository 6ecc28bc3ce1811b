"""Two references compared: by hand, against the grid of definitions, on shipped norms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from scipy import stats

from osteo_epi import norms
from osteo_epi.agreement import bland_altman, kappa
from osteo_epi.cohort import read, simulate
from osteo_epi.diagnosis import classify, definition
from osteo_epi.errors import DefinitionError, NormError, SchemaError
from osteo_epi.frames import as_polars
from osteo_epi.norms import Citation, Entry, MeanSD, YoungAdultReference
from osteo_epi.population import definition_grid
from osteo_epi.reference import Constant, Polynomial, bands, compare, fit_reference
from osteo_epi.survey import ReplicateDesign, SurveyDesign

NECK = "femoral_neck"


def young(mean: float, sd: float, n: int | None = None, name: str = "own") -> YoungAdultReference:
    entries = tuple(Entry(sex, NECK, MeanSD(mean, sd, n=n)) for sex in ("female", "male"))
    return YoungAdultReference(
        id=name, title=name, citation=Citation("Not published."), verification="C",
        population="nobody", maker="unknown", entries=entries,
    )  # fmt: skip


@pytest.fixture(scope="module")
def people() -> pl.DataFrame:
    """Half men; densities independent of sex; ten units in each of four strata."""
    rng = np.random.default_rng(3)
    n = 800
    return pl.DataFrame({
        "age": rng.uniform(50, 90, n), "sex": ["female", "male"] * (n // 2),
        "abmd_femoral_neck": rng.normal(0.70, 0.12, n), "bmi": rng.uniform(16, 34, n),
        "survey_weight": rng.uniform(0.5, 3, n), "stratum": np.arange(n) // 200,
        "psu": np.arange(n) // 20, "province": rng.choice(["A", "B"], n),
    })  # fmt: skip


@pytest.fixture(scope="module")
def found(people):
    return compare(
        young(0.86, 0.12, name="one"), young(0.90, 0.12, name="two"), people, by=["province"]
    )


def cut(found, **keys) -> dict:
    return found.cut_offs.row(by_predicate=pl.all_horizontal(
        pl.col(name) == value for name, value in keys.items()), named=True)  # fmt: skip


def test_cut_offs_and_their_limits_by_hand():
    two = compare(young(0.86, 0.12, 100), young(0.90, 0.13, 400))
    row = cut(two, sex="male", roi=NECK, t=-2.5)
    assert row["first"] == pytest.approx(0.86 - 2.5 * 0.12)
    assert row["second"] == pytest.approx(0.90 - 2.5 * 0.13)
    se = [sd * np.sqrt(1 / n + 2.5**2 / (2 * (n - 1))) for sd, n in ((0.12, 100), (0.13, 400))]
    assert [row["first_se"], row["second_se"]] == pytest.approx(se)
    assert row["difference_se"] == pytest.approx(np.hypot(*se))
    assert row["first_upper"] - row["first"] == pytest.approx(1.959964 * se[0])
    assert two.cut_offs["t"].unique().to_list() == [-2.5, -1.0]
    assert (two.first, two.second) == ("own, first", "own, second")
    assert two.grid is None
    assert two.prevalence.is_empty()
    assert two.to_frame().equals(two.cut_offs)
    unknown = cut(compare(young(0.86, 0.12), young(0.90, 0.13, 400)), sex="male", t=-1.0)
    assert unknown["first_se"] is unknown["difference_lower"] is None
    assert unknown["second_se"] > 0


def test_an_effective_number_of_people_takes_the_place_of_their_number():
    told = young(0.86, 0.12, 100, "told")
    entries = tuple(replace(e, value=replace(e.value, n_effective=40.5)) for e in told.entries)
    two = compare(replace(told, entries=entries), young(0.90, 0.13, 400, "plain"))
    row = cut(two, sex="female", t=-2.5)
    assert row["first_se"] == pytest.approx(0.12 * np.sqrt(1 / 40.5 + 2.5**2 / (2 * 39.5)))
    simple = [note for note in two.notes if "limits as of a simple random sample" in note]
    assert [note.split(":")[0] for note in simple] == ["plain"]
    assert any("people whom both references hold are not taken" in note for note in two.notes)
    unknown = compare(young(0.86, 0.12), young(0.90, 0.13))
    assert not any("simple random sample" in note or "both references" in note
                   for note in unknown.notes)  # fmt: skip


@pytest.mark.parametrize("name", ["nhanes_2005_2010_nhw_derived", "nhanes3_white"])
def test_a_reference_differs_from_itself_by_nothing(name):
    same = compare(name, name, rois=[NECK])
    for rows in (same.cut_offs, same.by_age):
        if rows.height:
            assert rows["difference"].abs().max() == 0
            assert rows["difference_se"].null_count() == rows.height
    assert sum("made of the same people" in note for note in same.notes) == 1
    assert not any("both references" in note for note in same.notes)


def test_groups_of_one_survey_are_other_people():
    """Their data have one digest."""
    groups = compare("nhanes_2005_2010_nhw_derived", "nhanes_2005_2010_nhb_derived", rois=[NECK])
    assert groups.cut_offs["difference_se"].null_count() == 0
    assert not any("same people" in note for note in groups.notes)


def test_prevalences_are_those_of_the_grid_of_definitions(found, people):
    both = {
        name: definition("who_1994", reference=young(mean, 0.12, name=name), sites=[NECK])
        for name, mean in (("one", 0.86), ("two", 0.90))
    }
    grid = definition_grid(people, both, by=["sex"])
    assert found.prevalence.equals(grid.to_frame())
    assert found.to_frame().equals(found.prevalence)
    assert "800 people classified by both" in repr(found)


def test_classes_cross_as_classify_gives_them(found, people):
    one, two = (classify(people, d)["bone_class"] for d in found.definitions.values())
    crossed = pl.DataFrame({"first": one, "second": two, "w": people["survey_weight"]})
    total = crossed["w"].sum()
    whole = found.reclassification.filter(sex="all")
    for row in whole.to_dicts():
        cell = crossed.filter(first=row["first"], second=row["second"])
        assert row["n"] == cell.height
        assert row["share"] == pytest.approx(cell["w"].sum() / total)
        assert row["lower"] < row["share"] < row["upper"]
        assert row["moved"] == (row["first"] != row["second"])
    assert whole["n"].sum() == 800
    # A higher mean moves nobody to a better class.
    assert whole.filter("moved").select("first", "second").rows() == [
        ("low_bone_mass", "osteoporosis"), ("normal", "low_bone_mass")]  # fmt: skip


def test_kappa_of_people_who_count_alike_is_cohens(people):
    names = ["osteoporosis", "low_bone_mass", "normal"]
    plain = compare(
        young(0.86, 0.12, name="one"), young(0.90, 0.12, name="two"), people, design="srs"
    )
    one, two = (classify(people, d)["bone_class"] for d in plain.definitions.values())
    expected = kappa(one, two, weights="quadratic", classes=names)
    got = plain.kappa["all"]
    assert got.kappa.estimate == pytest.approx(expected.kappa.estimate)
    # Fleiss, Cohen & Everitt divide by n, a survey by n − 1.
    assert got.kappa.se == pytest.approx(expected.kappa.se * np.sqrt(800 / 799), rel=1e-6)
    assert (got.n, got.df) == (800, 799)
    assert set(plain.kappa) == {"female", "male", "all"}


def jackknifed(target, pair, sex: str | None = None) -> tuple[float, float]:
    """Quadratic kappa and its standard error, each unit left out of its stratum in turn."""
    names = ["osteoporosis", "low_bone_mass", "normal"]
    one, two = (as_polars(classify(target, d))[0].lazy().collect()["bone_class"].cast(pl.String)
                for d in pair.definitions.values())  # fmt: skip
    frame = as_polars(target)[0].lazy().collect()
    mine = one.is_in(names) & two.is_in(names) & (frame["age"] >= 50).fill_null(False)
    if sex is not None:
        mine &= (frame["sex"].cast(pl.String) == sex).fill_null(False)
    mine = mine.to_numpy()
    places = [[names.index(c) for c in each.to_numpy()[mine]] for each in (one, two)]
    steps = np.subtract.outer(range(3), range(3)) ** 2

    def of(weight):
        table = np.zeros((3, 3))
        np.add.at(table, tuple(map(np.array, places)), weight[mine])
        table /= table.sum()
        return 1 - (table * steps).sum() / (np.outer(table.sum(1), table.sum(0)) * steps).sum()

    weight, stratum, unit = (frame[name].to_numpy() for name in ("survey_weight", "stratum", "psu"))
    value, variance = of(weight), 0.0
    for h in np.unique(stratum):
        here = stratum == h
        units = np.unique(unit[here])
        m = len(units)
        left = [of(np.where(here, np.where(unit == u, 0, m / (m - 1)), 1) * weight) for u in units]
        variance += (m - 1) / m * ((np.array(left) - value) ** 2).sum()
    return value, float(np.sqrt(variance))


@pytest.mark.parametrize("sex", ["female", "male", "all"])
def test_kappa_has_the_error_of_its_design(found, people, sex):
    value, se = jackknifed(people, found, None if sex == "all" else sex)
    got = found.kappa[sex]
    assert got.kappa.estimate == pytest.approx(value)
    assert got.kappa.se == pytest.approx(se, rel=0.03)
    assert got.df == 36
    reach = stats.t.ppf(0.975, 36) * got.kappa.se
    assert got.kappa.upper - got.kappa.estimate == pytest.approx(reach)
    assert found.reclassification.filter(sex=sex)["n"].sum() == got.n


def test_kappa_under_replicate_weights(people):
    """The jackknife as replicate weights is the jackknife by hand."""

    def without(unit: int) -> pl.Series:
        left = pl.when(psu=unit).then(0.0).otherwise(10 / 9)
        factor = pl.when(stratum=unit // 10).then(left).otherwise(1.0)
        return people.select(pl.col("survey_weight") * factor).to_series()

    columns = {f"r{unit}": without(unit) for unit in range(40)}
    design = ReplicateDesign(
        "survey_weight", tuple(columns), kind="JKn", rscales=[0.9] * 40, mse=True
    )
    pair = compare(
        young(0.86, 0.12, name="one"), young(0.90, 0.12, name="two"),
        people.with_columns(pl.Series(name, weight) for name, weight in columns.items()),
        design=design,
    )  # fmt: skip
    value, se = jackknifed(people, pair)
    assert pair.kappa["all"].kappa.estimate == pytest.approx(value)
    assert pair.kappa["all"].kappa.se == pytest.approx(se)


def test_a_reference_that_puts_everybody_into_one_class_has_kappa_nought(people):
    apart = compare(young(0.86, 0.12), young(1.5, 0.12), people).kappa["all"]
    assert (apart.kappa.estimate, apart.kappa.se, apart.kappa.lower) == (0.0, None, None)


def test_who_moves_by_age_body_mass_and_other_columns(found, people):
    movers = found.movers
    factors = movers["factor"].unique(maintain_order=True).to_list()
    assert factors == ["sex", "age", "bmi", "province"]
    assert movers.filter(factor="bmi")["level"].to_list() == [
        "below 18.5", "18.5 to below 25", "25 to below 30", "30 and above"]  # fmt: skip
    assert movers.filter(factor="age")["level"][0] == "50 to below 60"
    one, two = (classify(people, d)["bone_class"] == "osteoporosis"
                for d in found.definitions.values())  # fmt: skip
    for factor, level, mine in (
        ("age", "60 to below 70", people["age"].is_between(60, 70, closed="left")),
        ("bmi", "30 and above", people["bmi"] >= 30),
        ("province", "B", people["province"] == "B"),
    ):
        row = movers.row(by_predicate=(pl.col("factor") == factor) & (pl.col("level") == level),
                         named=True)  # fmt: skip
        weight = people["survey_weight"].filter(mine)
        moved = (~one & two).filter(mine)
        assert (row["n"], row["n_into"], row["n_out_of"]) == (mine.sum(), moved.sum(), 0)
        assert row["into"] == pytest.approx(weight.filter(moved).sum() / weight.sum())
        assert row["into_lower"] <= row["into"] <= row["into_upper"]
    for factor in ("age", "bmi", "province"):
        assert movers.filter(factor=factor)["n"].sum() == 800


def test_people_without_a_level_keep_their_sampling_units(people):
    """A stratum of which one unit alone has a body mass index is no fault of its design."""
    sparse = people.with_columns(bmi=pl.when(pl.col("psu") % 10 == 0).then("bmi"))
    movers = compare(young(0.86, 0.12), young(0.90, 0.12), sparse).movers
    assert movers.filter(factor="bmi")["n"].sum() == 80
    heavy = people.drop("bmi").with_columns(weight=pl.lit(70.0), height=pl.lit(150.0))
    movers = compare(young(0.86, 0.12), young(0.90, 0.12), heavy, bmi_bands=[31]).movers
    assert movers.filter(factor="bmi")["level"].to_list() == ["31 and above"]


def test_scores_differ_as_bland_and_altman_have_it(found, people):
    density = people["abmd_femoral_neck"].to_numpy()
    expected = bland_altman((density - 0.86) / 0.12, (density - 0.90) / 0.12)
    row = found.scores.row(by_predicate=pl.col("sex") == "all", named=True)
    assert row["bias"] == pytest.approx(expected.bias.estimate) == pytest.approx(-1 / 3)
    assert row["sd"] == pytest.approx(0, abs=1e-12)
    assert (row["score"], row["roi"], row["n"]) == ("t", NECK, 800)
    assert found.agreement["t", NECK].n == 800
    wider = compare(young(0.86, 0.12), young(0.90, 0.15), people)
    assert wider.scores["slope"][2] == pytest.approx(-2 * (0.15 - 0.12) / (0.15 + 0.12))


def test_substitutes_and_fractures_apply_to_both_alike():
    cohort = simulate(3000, seed=2)
    rules = definition("china_2020", reference="zhang_2007", rois_required="any")
    one = compare(young(0.90, 0.12, name="one"), young(0.95, 0.12, name="two"), cohort,
                  definition=rules)  # fmt: skip
    two = one.definitions["two"]
    assert two.reference.id == "two"
    assert (two.criterion, two.evidence, two.substitute) == (
        rules.criterion, rules.evidence, rules.substitute)  # fmt: skip
    assert one.prevalence.filter(definition="two", set="common", sex="all", statistic="crude")[
        "n_fracture"].null_count() <= 1  # fmt: skip
    with pytest.raises(DefinitionError, match="a definition has its own"):
        compare(young(0.9, 0.12), young(0.95, 0.12), cohort, definition=rules, hip_side="left")


def test_shipped_references_of_two_makers():
    pair = compare("nhanes3_white", "zhang_2007")
    row = cut(pair, sex="female", roi=NECK, t=-2.5)
    assert (row["first"], row["second"]) == pytest.approx((0.558, 0.627))
    assert cut(pair, sex="male", roi="total_hip", t=-1.0)["second"] is None
    assert any("scale of hologic" in note and "lunar" in note for note in pair.notes)
    scanned = simulate(1500, seed=1).frame.drop("synthetic").with_columns(
        device_maker=pl.lit("lunar"), device=pl.lit("iDXA"))  # fmt: skip
    with pytest.raises(SchemaError, match="makers' densities are not comparable"):
        compare("nhanes3_white", "zhang_2007", scanned, rois=NECK)
    told = compare("nhanes3_white", "zhang_2007", scanned, rois=NECK, accept_errors=True)
    assert "reference_maker" in told.findings.codes
    assert any("classifies nobody of sex male" in note for note in told.notes)
    assert told.kappa["female"].kappa.estimate < 1
    assert "1 finding" in repr(told)


def test_shipped_curves_by_age():
    pair = compare("nhanes_2005_2010_nhw_derived", "nhanes_2005_2010_nhb_derived", rois=[NECK])
    row = pair.by_age.row(by_predicate=(pl.col("sex") == "female") & (pl.col("age") == 60)
                          & (pl.col("z") == -2), named=True)  # fmt: skip
    for side, name in (("first", "nhw"), ("second", "nhb")):
        curve = norms.load("by_age", f"nhanes_2005_2010_{name}_derived").curve("female", NECK)
        assert row[side] == pytest.approx(curve.value([-2.0], [60.0])[0])
    assert row["difference"] == pytest.approx(row["second"] - row["first"])
    assert row["first_se"] is None
    assert pair.by_age["age"].min() == 10
    assert pair.by_age["age"].max() == 75
    assert not pair.cut_offs.is_empty()


def test_a_reference_fitted_here_brings_its_errors():
    sample = simulate(5000, seed=5)
    terms = {"mu": Polynomial(3), "sigma": Constant()}
    own = fit_reference(sample, rois=[NECK], **terms)
    target = simulate(1500, seed=6)
    pair = compare(own, "nhanes_2005_2010_derived", target, ages=[30, 60, 95])
    assert pair.rois == (NECK,)
    row = cut(pair, sex="female", t=-2.5)
    value, se = own.young["female", NECK].at(-2.5)
    assert (row["first"], row["first_se"]) == pytest.approx((value, se))
    reach = own.young["female", NECK].reach(0.95)
    assert row["first_upper"] - row["first"] == pytest.approx(reach * se)
    line = pair.by_age.row(by_predicate=(pl.col("sex") == "female") & (pl.col("age") == 60)
                           & (pl.col("z") == 0), named=True)  # fmt: skip
    women = own.people.filter(pl.col("sex") == "female")
    limits = bands(own.curves["female", NECK], women, design=own.design, ages=[60], percents=[50])
    assert line["first_se"] == pytest.approx(limits.to_frame()["se"][0], rel=1e-6)
    assert line["second_se"] is None
    assert pair.by_age["age"].unique().sort().to_list() == [30, 60]
    assert {"t", "z"} == set(pair.scores["score"])
    assert sum("labelled derived, simulation" in note for note in pair.notes) == 1
    # The norm keeps the error of the fit, and is known to be of the same people.
    norm = compare(own.young_adult, "nhanes_2005_2010_derived", rois=[NECK])
    assert cut(norm, sex="female", t=-2.5)["first_se"] == pytest.approx(se)
    assert not any(own.by_age.id in note and "simple random" in note for note in norm.notes)
    itself = compare(own, own.young_adult)
    assert itself.cut_offs["difference"].abs().max() == 0
    assert itself.cut_offs["difference_se"].null_count() == itself.cut_offs.height
    curves = fit_reference(sample, rois=[NECK], young=None, **terms)
    assert compare(curves, "nhanes_2005_2010_derived").cut_offs.is_empty()


def test_curves_alone_need_young_adults_for_classes(people):
    aged = [norms.load("by_age", f"nhanes_2005_2010_{name}_derived") for name in ("nhw", "nhb")]
    lines = compare(*aged, rois=NECK)
    assert lines.cut_offs.is_empty()
    assert lines.to_frame().equals(lines.by_age)
    younger = people.with_columns(age=pl.col("age") - 30)
    with pytest.raises(DefinitionError, match="make no T-score: give definition"):
        compare(*aged, younger, rois=NECK)
    rules = definition("china_2020", reference=young(0.9, 0.12), sites=[NECK])
    judged = compare(*aged, younger, rois=NECK, definition=rules, age_bands=[30, 40])
    assert judged.bone_class == "below_expected_range"
    assert set(judged.scores["score"]) == {"z"}
    assert judged.kappa["all"].classes == ("below_expected_range", "within_expected_range")


@pytest.mark.parametrize(
    ("first", "second", "options", "error", "message"),
    [
        ("nobody", "zhang_2007", {}, NormError, "no reference 'nobody'; young adults"),
        (3, "zhang_2007", {}, DefinitionError, "first is int, expected a norm's name"),
        ("zhang_2007", norms.load("by_age", "nhanes_2005_2008_nhw"), {}, DefinitionError,
         "nothing in common"),
        ("zhang_2007", "nhanes3_white", {"rois": ["radius_33"]}, DefinitionError,
         "radius_33 not in both references; both have lumbar_spine"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_refused(first, second, options, error, message):
    with pytest.raises(error, match=message):
        compare(first, second, **options)


def test_wrong_bands_and_columns_are_refused(people):
    with pytest.raises(DefinitionError, match=r"bmi_bands=.*ascending"):
        compare(young(0.86, 0.12), young(0.9, 0.12), people, bmi_bands=[30, 25])
    with pytest.raises(SchemaError, match="by: column\\(s\\) region are not in the data"):
        compare(young(0.86, 0.12), young(0.9, 0.12), people, by=["region"])


def test_everybody_in_one_class_has_no_kappa(people):
    low = people.with_columns(abmd_femoral_neck=pl.lit(0.3))
    same = compare(young(0.86, 0.12), young(0.9, 0.12), low)
    assert same.kappa["all"] is None


def test_limits_hold_the_design(people, found):
    alike = compare(
        young(0.86, 0.12, name="one"), young(0.90, 0.12, name="two"), people,
        design=SurveyDesign(weight="survey_weight"),
    )  # fmt: skip
    np.testing.assert_allclose(alike.reclassification["share"], found.reclassification["share"])
    assert not np.allclose(alike.reclassification["se"], found.reclassification["se"], rtol=1e-3)
    assert replace(found, rois=("x",)).rois == ("x",)


def test_nhanes_under_two_references(shared):
    folder = shared / "data" / "nhanes" / "2017-2018"
    if not folder.is_dir():
        pytest.skip("NHANES 2017-2018 is not in the shared folder")
    pair = compare("nhanes3_white", "nhanes_2005_2010_derived", read(folder), rois=[NECK])
    assert pair.grid.meta["n_common"] > 2000
    assert "survey_weight" in pair.grid.design
    crude = pair.prevalence.filter(definition="nhanes_2005_2010_derived", set="common",
                                   statistic="crude")  # fmt: skip
    for sex in ("female", "male"):
        row = crude.row(by_predicate=pl.col("sex") == sex, named=True)
        line = cut(pair, sex=sex, t=-2.5)
        assert row["difference"] * line["difference"] >= 0
        assert row["difference_lower"] <= row["difference"] <= row["difference_upper"]
    for sex, n in (("female", 1036), ("male", 1199), ("all", 2235)):
        value, se = jackknifed(read(folder), pair, None if sex == "all" else sex)
        assert pair.kappa[sex].n == n
        assert pair.kappa[sex].kappa.estimate == pytest.approx(value)
        assert pair.kappa[sex].kappa.se == pytest.approx(se, rel=0.01)


def test_references_without_an_age_in_common_are_refused():
    people = simulate(4_000, seed=1).frame
    young, old = (
        fit_reference(people.filter(ages), rois=["femoral_neck"], young=None)
        for ages in (pl.col("age") < 45, pl.col("age") >= 50)
    )
    with pytest.raises(DefinitionError, match="have no age in common"):
        compare(young, old)
