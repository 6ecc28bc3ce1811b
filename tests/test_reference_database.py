"""A reference database in memory: its curves, its young adults, its table, what it says."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from osteo_epi.calibration import phantom_lines
from osteo_epi.cohort import simulate, simulate_phantom
from osteo_epi.diagnosis import classify, definition
from osteo_epi.errors import DefinitionError, SchemaError
from osteo_epi.norms import AgeCurve, DistributionCurve, with_t_scores, with_z_scores, z_score
from osteo_epi.reference import (
    WAYS,
    Constant,
    Polynomial,
    at_whole_years,
    fit_curve,
    fit_reference,
    peaks,
    select,
)

DAY = dt.date(2026, 1, 31)
TERMS = {"mu": Polynomial(3), "sigma": Polynomial(1)}
FAMILIES = ("normal", "log_normal", "bccg", "bct")


@pytest.fixture(scope="module")
def people():
    return simulate(9_000, seed=1)


@pytest.fixture(scope="module")
def reference(people):
    return fit_reference(people, rois=["femoral_neck", "l1"], **TERMS, date=DAY)


def test_there_is_a_curve_and_a_peak_for_each_sex_and_region(reference):
    keys = [(sex, roi) for sex in ("female", "male") for roi in ("femoral_neck", "l1")]
    assert list(reference.curves) == keys
    assert list(reference.young) == keys
    assert reference.provenance.date == "2026-01-31"
    assert reference.labels == ("derived", "simulation")


@pytest.mark.parametrize("way", WAYS)
def test_the_young_adults_are_those_of_the_peaks(people, way):
    reference = fit_reference(people, rois=["total_hip"], **TERMS, young=way)
    value = reference.young_adult.mean_sd("male", "total_hip")
    own = {sex: curve for (sex, _), curve in reference.curves.items()}
    row = peaks(people, roi="total_hip", curves=own).to_frame().filter(
        pl.col("sex") == "male", pl.col("way") == way
    )  # fmt: skip
    assert (value.mean, value.sd, value.n) == row.select("mean", "sd", "n").row(0)


def test_the_maximum_of_the_curve_is_that_of_the_curve_that_is_published(people):
    reference = fit_reference(
        people, rois=["total_hip"], family="normal", **TERMS, young="maximum of the curve"
    )
    for sex in ("female", "male"):
        curve = reference.curves[sex, "total_hip"]
        ages = np.linspace(20, 49, 581)
        highest = curve.parameters(ages)["mu"].max()
        assert reference.young[sex, "total_hip"].mean == pytest.approx(highest, abs=1e-9)


@pytest.mark.parametrize("family", [*FAMILIES, "bccgo"])
def test_the_norm_scores_near_the_curve(people, family):
    women = people.frame.filter(pl.col("sex") == "female")
    curve = fit_curve(women, "abmd_femoral_neck", family=family)
    norm = at_whole_years(curve)
    assert isinstance(norm, AgeCurve if family == "normal" else DistributionCurve)
    age = np.linspace(*curve.ages, 301)
    for z in (-3.0, 0.0, 2.0):
        density = curve.value(age, z)
        assert z_score(density, age=age, curve=norm) == pytest.approx(
            curve.z(age, density), abs=2e-3
        )
    whole = np.arange(*curve.ages)
    assert norm.score(curve.value(whole, -2.0), whole) == pytest.approx(-2.0, abs=1e-9)
    assert norm.value(norm.score(density, age), age) == pytest.approx(density, abs=1e-9)


def test_ages_with_decimals_end_where_the_people_end():
    rng = np.random.default_rng(3)
    age = np.sort(rng.uniform(20.4, 79.6, 600))
    people = pl.DataFrame({"age": age, "abmd_l1": 1.1 - 0.004 * age + rng.normal(0, 0.1, 600)})
    curve = fit_curve(people, "abmd_l1", mu=Polynomial(1), sigma=Constant())
    norm = at_whole_years(curve)
    assert (norm.age[0], norm.age[-1], str(norm.ages)) == (20, 80, "[20, 80)")
    for end in curve.ages:
        assert norm.parameters([end])["mu"] == pytest.approx(
            curve.parameters([end])["mu"], abs=2e-3
        )


def test_the_middle_and_spread_of_a_distribution(reference):
    norm = reference.by_age.curve("male", "femoral_neck")
    middle, spread = norm.at([40.5, 200])
    assert norm.score(middle, [40.5, 200])[0] == pytest.approx(0, abs=1e-12)
    assert spread[0] == pytest.approx(middle[0] * norm.parameters([40.5])["sigma"][0], rel=1e-3)
    assert np.isnan([middle[1], spread[1]]).all()


@pytest.mark.parametrize("family", FAMILIES)
def test_arrays_eager_and_lazy_frames_and_the_engine_score_alike(people, family):
    reference = fit_reference(people, rois=["femoral_neck"], family=family, **TERMS, young=WAYS[1])
    by_age, column = reference.by_age, "z_score_femoral_neck"
    frame = people.frame.select("age", "sex", "abmd_femoral_neck")
    eager = with_z_scores(frame, reference=by_age)[column]
    assert with_z_scores(frame.lazy(), reference=by_age).collect()[column].equals(eager)
    assert with_z_scores(frame[:1], reference=by_age)[column][0] == eager[0]
    for sex in ("female", "male"):
        own = frame.filter(pl.col("sex") == sex)
        array = z_score(
            own["abmd_femoral_neck"].to_numpy(),
            age=own["age"],
            curve=by_age.curve(sex, "femoral_neck"),
        )
        mine = eager.filter(frame["sex"] == sex).to_numpy()
        np.testing.assert_allclose(array, mine, atol=1e-12)
    rules = definition("china_2020", reference=reference.young_adult, age_reference=by_age)
    engine = classify(frame, rules)[column]
    assert engine.equals(eager)
    assert with_t_scores(frame, reference=reference.young_adult)["t_score_femoral_neck"].count()


def test_the_people_of_the_fit_are_at_hand(people):
    reference = fit_reference(people, rois=["lumbar_spine"], **TERMS)
    assert reference.people.columns == people.frame.columns
    women = reference.people.filter(pl.col("sex") == "female")
    again = fit_curve(women, "abmd_lumbar_spine", **TERMS)
    fitted = reference.curves["female", "lumbar_spine"]
    assert (again.n, again.fit.deviance) == (fitted.n, fitted.fit.deviance)
    assert str(reference.design) == "simple random sample"


def test_the_table_of_a_normal_curve(people):
    reference = fit_reference(people, rois=["femoral_neck"], family="normal", **TERMS)
    row = reference.to_frame().filter(pl.col("ages") == "50–54", pl.col("sex") == "female").row(
        0, named=True
    )  # fmt: skip
    own = people.frame.filter(
        pl.col("sex") == "female", pl.col("age").is_between(50, 54.999)
    )["abmd_femoral_neck"].drop_nulls()  # fmt: skip
    assert (row["n"], row["mean"], row["sd"]) == (
        len(own), pytest.approx(own.mean()), pytest.approx(own.std())
    )  # fmt: skip
    assert row["l"] == 1
    assert row["p3"] == pytest.approx(row["m"] * (1 - 1.880794 * row["s"]), abs=1e-6)
    assert 0 < row["of_peak"] < 100
    assert row["loss"] > 0


def test_a_digest_is_of_the_values(people):
    first = fit_reference(people, rois=["femoral_neck"], **TERMS, date=DAY)
    frame = people.frame.select("sex", "abmd_femoral_neck", pl.col("age").cast(pl.Float64))
    other = fit_reference(frame.to_arrow(), rois=["femoral_neck"], **TERMS, date=DAY)
    assert other.provenance == first.provenance
    assert other.by_age.digest == fit_reference(
        frame, rois=["femoral_neck"], **TERMS, date=DAY
    ).by_age.digest  # fmt: skip


def test_a_missing_sex_is_said_or_refused(people):
    women = people.frame.filter(pl.col("sex") == "female")
    reference = fit_reference(women, rois=["femoral_neck"], **TERMS)
    assert reference.notes == ("nobody with a density is male: the reference holds no male curve",)
    scored = with_z_scores(people.frame, reference=reference.by_age)
    men = scored.filter(pl.col("sex") == "male")["z_score_femoral_neck"]
    assert men.null_count() == len(men)
    with pytest.raises(SchemaError, match="nobody with a density is male, which sexes= requires"):
        fit_reference(women, rois=["femoral_neck"], sexes=["female", "male"])


def test_too_few_people(people):
    few = people.frame.filter((pl.col("sex") == "female") | (pl.int_range(pl.len()) < 60))
    reference = fit_reference(few, rois=["femoral_neck"], **TERMS)
    assert list(reference.curves) == [("female", "femoral_neck")]
    assert "measured, of 50 that a curve needs at least: no curve" in reference.notes[0]
    with pytest.raises(SchemaError, match="no sex has 50 people with a density at femoral_neck"):
        fit_reference(people.frame[:40], rois=["femoral_neck"])


def test_too_few_young_adults_leave_the_curve(people):
    old = people.frame.filter(pl.col("age") >= 27)
    reference = fit_reference(old[:2500], rois=["femoral_neck"], **TERMS)
    said = [note for note in reference.notes if "too few people to take young adults" in note]
    assert len(said) == 4 - 2 - len(reference.young)


def test_children_have_no_young_adults(people):
    reference = fit_reference(people, rois=["femoral_neck"], **TERMS, young=None)
    with pytest.raises(DefinitionError, match="holds no young adults"):
        _ = reference.young_adult


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"rois": "femoral_neck"}, DefinitionError, "expected a list of regions"),
        ({"rois": ["l5"]}, SchemaError, "abmd_l5 are not in the data"),
        ({"young": "30-35"}, DefinitionError, "20–29 years, 20–39 years"),
        ({"sexes": ["women"]}, DefinitionError, "expected a list of female and male"),
        ({"family": "lms"}, DefinitionError, "unknown family 'lms'"),
        ({"tau": Constant()}, DefinitionError, "has no tau"),
    ],
)
def test_wrong_arguments(people, arguments, error, words):
    with pytest.raises(error, match=words):
        fit_reference(people, **({"rois": ["femoral_neck"]} | arguments))


RULES = [
    {"name": "disease", "column": "secondary_cause", "exclude": [True], "missing": "keep"},
    {"name": "weight", "column": "bmi", "outside": "[18.5, 30)", "missing": "exclude"},
]


def test_a_selection_is_fitted_and_recorded(people):
    chosen = select(people, RULES)
    reference = fit_reference(chosen, rois=["femoral_neck", "lumbar_spine"], **TERMS, date=DAY)
    left = fit_reference(chosen.people.frame, rois=["femoral_neck", "lumbar_spine"], **TERMS)
    assert reference.by_age.curves == left.by_age.curves
    assert reference.provenance.data_sha256 == left.provenance.data_sha256
    assert "(not known of 2" in reference.provenance.exclusions[0]  # those who stayed
    assert "情况不详而保留" in reference.exclusions_zh[0]
    assert [text.rpartition(", n = ")[2] for text in reference.provenance.exclusions] == [
        "86",
        "743",
    ]
    assert reference.exclusions_zh[0].startswith("已知有继发性骨质疏松的原因")
    for key, peak in left.young.items():
        assert reference.young[key].mean == pytest.approx(peak.mean, abs=1e-12)
        assert reference.young[key].sd == pytest.approx(peak.sd, abs=1e-12)


@pytest.mark.filterwarnings("ignore::osteo_epi.errors.OutOfRangeWarning")
def test_several_scanners_are_refused_or_corrected():
    pooled = simulate(6_000, seed=5, devices="seven_centres")
    arguments = {"rois": ["femoral_neck"], **TERMS, "date": DAY}
    with pytest.raises(SchemaError, match=r"7 scanners stand together.*--accept-errors"):
        fit_reference(pooled, **arguments)
    careless = fit_reference(pooled, **arguments, accept_errors=True)
    assert careless.findings.errors.codes == ("mixed_devices",)
    assert any("7 scanners stand together" in note for note in careless.notes)
    correction = phantom_lines(simulate_phantom(seed=8)).correction(to="lunar_1")
    reference = fit_reference(pooled, **arguments, calibration=correction)
    by_hand = fit_reference(correction.apply(pooled), **arguments)
    assert by_hand.findings.of("calibration_error_not_carried")
    assert any("had been corrected to readings of device lunar_1" in note for note in by_hand.notes)
    said = f"7 scanners were corrected to readings of device lunar_1 ({correction.source}"
    assert said in reference.by_age.notes
    assert said in reference.young_adult.notes
    assert "7台骨密度仪" in next(reference.scanners.sentences("zh"))
    for key, peak in reference.young.items():
        assert peak.mean == by_hand.young[key].mean
        assert peak.at(-2.5)[1] > by_hand.young[key].at(-2.5)[1]
    chosen = select(pooled, RULES, calibration=correction)
    fitted = fit_reference(chosen, **arguments)
    assert fitted.young["male", "femoral_neck"].n > 100
    assert said in fitted.by_age.notes
    with pytest.raises(DefinitionError, match="give calibration= to select"):
        fit_reference(chosen, **arguments, calibration=correction)
    top = fit_reference(pooled, **arguments, calibration=correction, young=WAYS[-1])
    sampled = fit_reference(correction.apply(pooled), **arguments, young=WAYS[-1])
    for key, peak in top.young.items():
        assert peak.at(-2.5)[1] > sampled.young[key].at(-2.5)[1]


def test_what_is_odd_about_the_people_is_found(people):
    heaped = people.frame.with_columns(pl.col("age") // 10 * 10)
    codes = fit_reference(heaped, rois=["femoral_neck"], **TERMS).findings.codes
    assert {"ages_heaped", "one_device"} <= set(codes)


def test_people_of_weight_zero_are_nobody_s_reference(people):
    frame = people.frame.with_columns(w=pl.when(pl.col("age") >= 40).then(1.0).otherwise(0.0))
    reference = fit_reference(frame, rois=["femoral_neck"], weight="w", **TERMS, young=None)
    assert reference.n == sum(curve.n for curve in reference.curves.values())
    assert reference.n == sum(reference.by_sex.values())
    assert "20–29" not in " ".join(f.message for f in reference.findings)
