"""Who is a reference person: rules, what each does, balance, scanners; bad input in words."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from osteo_epi.calibration import correction_between, phantom_lines, with_nominal
from osteo_epi.cohort import Cohort, simulate, simulate_phantom
from osteo_epi.errors import DefinitionError, DesignError, SchemaError
from osteo_epi.reference import (
    Constant,
    Polynomial,
    balance,
    check_reference_people,
    fit_curve,
    fit_reference,
    outliers,
    peaks,
    select,
    sensitivity,
    whipple,
)

ROI = "femoral_neck"
DISEASE = {"name": "disease", "column": "secondary_cause", "exclude": [True], "missing": "keep"}
WEIGHT = {"name": "weight", "column": "bmi", "outside": "[18.5, 30)", "missing": "exclude"}
YOUNG_WOMEN = {
    "name": "amenorrhoea", "column": "amenorrhoea", "exclude": ["yes"], "missing": "exclude",
    "among": {"sex": ["female"], "age": "[18, 50)"},
}  # fmt: skip


@pytest.fixture(scope="module")
def people():
    return simulate(3_000, seed=1)


def frame(**columns) -> pl.DataFrame:
    n = max(len(values) for values in columns.values())
    hips = [0.9 + 0.001 * row for row in range(n)]  # people, not copies of one
    usual = {"age": [30.0] * n, "sex": ["female"] * n, "abmd_total_hip": hips}
    return pl.DataFrame(usual | columns, strict=False)


# ---- rules


def test_each_rule_is_counted_alone_first_and_missing(people):
    chosen = select(people, [DISEASE, WEIGHT])
    data = people.frame
    ill = data["secondary_cause"].fill_null(False)
    odd = ~data["bmi"].is_between(18.5, 30, closed="left").fill_null(False)
    rows = {row["rule"]: row for row in chosen.to_frame().to_dicts()}
    assert rows["disease"]["n_first"] == rows["disease"]["n_excluded"] == ill.sum()
    assert rows["weight"]["n_excluded"] == odd.sum()
    assert rows["weight"]["n_first"] == rows["weight"]["n_alone"] == (odd & ~ill).sum()
    assert rows["disease"]["n_alone"] == (ill & ~odd).sum()
    assert rows["disease"]["n_missing"] == data["secondary_cause"].null_count()
    assert rows["disease"]["n_missing_excluded"] == 0
    assert rows["weight"]["n_missing_excluded"] == rows["weight"]["n_missing"] > 0
    assert chosen.flow.n == len(chosen.people) == (~ill & ~odd).sum()
    steps = chosen.flow.to_frame().filter(pl.col("step") == "weight")
    assert steps["reason"].to_list() == ["Body mass index outside [18.5, 30)"]


def test_a_toml_file_a_mapping_and_a_list_are_the_same_rules(people, tmp_path):
    text = """
    [[rule]]
    name = "disease"
    column = "secondary_cause"
    exclude = [true]
    missing = "keep"
    [[rule]]
    name = "weight"
    column = "bmi"
    outside = "[18.5, 30)"
    missing = "exclude"
    """
    file = tmp_path / "rules.toml"
    file.write_text(text, encoding="utf-8")
    of_file = select(people, file)
    assert of_file.rules == select(people, {"rule": [DISEASE, WEIGHT]}).rules
    assert of_file.rules == select(people, of_file.rules).rules
    assert of_file.rows["reason_zh"].to_list() == [
        "已知有继发性骨质疏松的原因", "体质量指数不在[18.5, 30)之内",
    ]  # fmt: skip


def test_the_kind_of_frame_that_came_goes_back(people):
    plain = people.frame
    assert isinstance(select(people, [WEIGHT]).people, Cohort)
    assert isinstance(select(plain, [WEIGHT]).people, pl.DataFrame)
    assert isinstance(select(plain.lazy(), [WEIGHT]).people, pl.LazyFrame)
    pandas = plain.select("age", "sex", "bmi", "abmd_total_hip").to_pandas()
    pandas.index = pandas.index + 7
    left = select(pandas, [WEIGHT]).people
    assert type(left) is type(pandas)
    assert set(left.index) < set(pandas.index)


def test_a_cohort_goes_on_with_its_own_flow(people):
    once = select(people, [DISEASE])
    twice = select(once.people, [WEIGHT])
    assert [step.name for step in twice.people.flow.steps] == ["read", "disease", "weight"]
    assert twice.people.flow.n == select(people, [DISEASE, WEIGHT]).flow.n == len(twice.people)


def test_a_rule_asks_only_those_among_whom_it_is_meant():
    data = frame(
        sex=["female", "female", "female", "male", "female"],
        age=[30.0, 30.0, 30.0, 30.0, 60.0],
        amenorrhoea=["yes", "no", None, None, None],
    )
    chosen = select(data, [YOUNG_WOMEN])
    assert chosen.marked["reference_person"].to_list() == [False, True, False, True, True]
    assert chosen.rows["n_missing"].item() == 1


@pytest.mark.parametrize("word", ["不详", "unknown", " N/A ", ""])
def test_a_word_that_says_nothing_is_missing_and_not_no(word):
    data = frame(steroids=["yes", "no", word])
    rule = {"name": "drug", "column": "steroids", "exclude": ["yes"], "missing": "exclude"}
    assert select(data, [rule]).rows.select("n_missing", "n_excluded").row(0) == (1, 2)


def test_a_code_that_is_no_answer_is_missing_once_it_is_named():
    data = frame(steroids=[1, 0, 9])
    rule = {"name": "drug", "column": "steroids", "exclude": [1], "missing": "keep"}
    assert select(data, [rule]).rows["n_missing"].item() == 0
    assert select(data, [rule | {"unknown": [9]}]).rows["n_missing"].item() == 1


def test_a_column_of_reasons_leaves_out_whoever_has_one():
    data = frame(hip_unusable_reason=["prosthesis", None, "无"])
    rule = {"name": "hip", "column": "hip_unusable_reason", "stated": True, "missing": "keep"}
    assert select(data, [rule]).marked["reference_person"].to_list() == [False, True, True]


def test_only_these_values_stay():
    data = frame(race_ethnicity=["Han", "Hui", None])
    rule = {"name": "group", "column": "race_ethnicity", "only": ["Han"], "missing": "keep"}
    assert select(data, [rule]).marked["reference_person"].to_list() == [True, False, True]


def test_everybody_stays_in_the_domain_without_a_reading(people):
    chosen = select(people, [WEIGHT])
    domain = chosen.domain
    assert domain.height == len(people)
    assert domain["abmd_total_hip"].count() == chosen.people["abmd_total_hip"].count()
    assert domain["bmi"].equals(people["bmi"])


def test_the_domain_keeps_the_sampling_units_that_a_rule_empties():
    """A whole unit is left out: its stratum still has two, and a variance."""
    rng = np.random.default_rng(8)
    data = frame(
        age=rng.integers(20, 40, 400) + 0.0, abmd_total_hip=rng.normal(1, 0.1, 400),
        stratum=["a"] * 200 + ["b"] * 200, psu=(["1"] * 100 + ["2"] * 100) * 2,
        survey_weight=[1.0] * 400, ill=[True] * 100 + [False] * 300, device=["x"] * 400,
    )  # fmt: skip
    rule = {"name": "ill", "column": "ill", "exclude": [True], "missing": "keep"}
    chosen = select(data, [rule])
    kept = peaks(chosen.domain, roi="total_hip").rows.filter(way="20–39 years").row(0, named=True)
    assert kept["n"] == 300
    assert kept["mean"] == pytest.approx(chosen.people["abmd_total_hip"].mean())
    with pytest.raises(DesignError):  # one unit alone in its stratum
        peaks(chosen.people, roi="total_hip")


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ([], "there is no rule"),
        ({"rules": [WEIGHT]}, "expected tables [[rule]]"),
        ([WEIGHT, WEIGHT], "several rules have the name 'weight'"),
        ([WEIGHT | {"missing": "no"}], 'expected "keep"'),
        ([{k: v for k, v in WEIGHT.items() if k != "missing"}], "has no missing"),
        ([WEIGHT | {"exclude": [True]}], "exclude and outside"),
        ([{"name": "x", "column": "bmi", "missing": "keep"}], "no condition"),
        ([WEIGHT | {"outside": "18.5-30"}], "not an interval"),
        ([WEIGHT | {"limit": 3}], "unknown key 'limit'"),
        ([WEIGHT | {"among": ["female"]}], "by column"),
        ([WEIGHT | {"reason": 3}], "expected a text"),
        ([DISEASE | {"exclude": [["yes"]]}], "is no value"),
        ([DISEASE | {"exclude": [1, 9], "unknown": [9]}], "9 in exclude and in unknown"),
        ([WEIGHT | {"among": {"sex": "female"}}], "write ['female']"),
        ([{"name": "x", "column": "bmi", "stated": "yes", "missing": "keep"}], "expected true"),
        (["bmi"], "is no table"),
        (5, "expected a TOML file"),
        ("nothing.toml", "cannot be read"),
        ([DISEASE | {"exclude": "yes"}], "no list of values"),
        ([{"name": "x", "column": "bmi", "stated": True, "missing": "exclude"}], "stay"),
    ],
)
def test_a_rule_that_is_not_well_formed_is_refused(people, rules, words):
    with pytest.raises(DefinitionError) as error:
        select(people, rules)
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (WEIGHT | {"column": "body_mass"}, ("body_mass", "bmi")),
        (DISEASE | {"exclude": ["yes"]}, ("'yes'", "True, False")),
        (DISEASE | {"among": {"sex": ["woman"]}}, ("'woman'", "'female', 'male'")),
        (DISEASE | {"column": "centre", "exclude": ["centre_9"]}, ("'centre_9'", "'centre_1'")),
        (WEIGHT | {"column": "centre"}, ("no numbers",)),
        (DISEASE | {"column": "scan_date", "exclude": ["2012-01-01"]}, ("a date", "exam_year")),
    ],
)
def test_a_column_or_value_that_is_not_there_is_refused_with_what_there_is(people, rule, words):
    with pytest.raises(SchemaError) as error:
        select(people, [rule])
    assert all(word in str(error.value) for word in words)


def test_a_body_mass_index_that_could_be_made_is_said(people):
    with pytest.raises(SchemaError, match=r"bmi is weight / \(height / 100\)²"):
        select(people.frame.drop("bmi"), [WEIGHT])


def test_a_grade_that_nobody_has_may_stand_in_a_rule(people):
    rule = {"name": "x", "column": "genant_grade", "exclude": [1, 2, 3], "missing": "keep"}
    assert 0 < select(people, [rule]).flow.n <= len(people)
    with pytest.raises(SchemaError, match="holds no 7"):
        select(people, [rule | {"exclude": [7]}])


def test_a_rare_value_is_not_told_in_a_message():
    data = frame(diagnosis=["healthy"] * 9 + ["very rare disease"])
    rule = {"name": "x", "column": "diagnosis", "exclude": ["ill"], "missing": "keep"}
    with pytest.raises(SchemaError, match="healthy") as error:
        select(data, [rule])
    assert "rare disease" not in str(error.value)


def test_nobody_left_names_the_rules(people):
    with pytest.raises(SchemaError, match=r"nobody stays; left out by each rule: old 3,000"):
        select(
            people, [{"name": "old", "column": "age", "outside": "[99, inf)", "missing": "keep"}]
        )


# ---- scanners


@pytest.fixture(scope="module")
def pooled():
    return simulate(3_000, seed=1, devices="seven_centres")


@pytest.fixture(scope="module")
def correction():
    scans = with_nominal(simulate_phantom(seed=1))
    return phantom_lines(scans).correction()


def test_several_scanners_uncalibrated_are_refused_with_the_ways_out(pooled):
    with pytest.raises(SchemaError, match=r"mixed_devices .device.*7 scanners") as error:
        select(pooled, [DISEASE])
    assert "calibration=" in str(error.value)
    one = {"name": "scanner", "column": "device", "only": ["lunar_1"], "missing": "exclude"}
    found = select(pooled, [one]).findings.codes
    assert "one_device" in found
    assert "mixed_devices" not in found
    assert select(pooled, [DISEASE], accept_errors=True).findings.errors.codes == ("mixed_devices",)


OUTSIDE_PHANTOM = pytest.mark.filterwarnings("ignore:.*outside those of the phantom")


@OUTSIDE_PHANTOM
def test_a_correction_is_applied_once_and_kept(pooled, correction):
    chosen = select(pooled, [DISEASE], calibration=correction)
    assert not chosen.findings.errors
    assert chosen.calibration is correction
    again = select(chosen.people, [WEIGHT], calibration=correction)
    same = chosen.people.frame.filter(pl.col("bmi").is_between(18.5, 30, closed="left"))
    assert again.people["abmd_total_hip"].equals(same["abmd_total_hip"])
    unsaid = select(chosen.people, [WEIGHT])
    assert unsaid.findings.codes == ("calibration_error_not_carried",)


@OUTSIDE_PHANTOM
def test_a_correction_to_another_scale_is_refused(pooled, correction):
    from osteo_epi.agreement import least_squares

    line = least_squares([0.5, 0.5, 1.0, 1.5], [0.61, 0.59, 1.10, 1.60])
    other = correction_between({("lunar_1",): line}, scale="another scale")
    corrected = select(pooled, [DISEASE], calibration=correction).people
    with pytest.raises(SchemaError, match="another scale"):
        select(corrected, [WEIGHT], calibration=other)


def test_peaks_of_several_scanners_are_refused(pooled):
    with pytest.raises(SchemaError, match=r"7 scanners stand together.*--accept-errors"):
        peaks(pooled, roi=ROI)
    assert peaks(pooled, roi=ROI, accept_errors=True).rows.height


@OUTSIDE_PHANTOM
def test_the_error_of_a_correction_is_how_much_the_young_adults_vary_with_it(pooled, correction):
    """The same people under corrections drawn from their covariance."""
    made = peaks(pooled, roi=ROI, calibration=correction)
    alone = peaks(correction.apply(pooled), roi=ROI)
    rng, axes = np.random.default_rng(9), correction.axes()
    young = pooled.frame.filter(
        pl.col("sex") == "male", pl.col("age").is_between(20, 30, closed="left"),
        pl.col("abmd_femoral_neck").is_not_null(),
    )  # fmt: skip
    drawn = []
    for _ in range(400):
        moved = correction.moved(rng.standard_normal(len(axes)) @ axes)
        y = moved.apply(young, columns=["abmd_femoral_neck"], outside="allow")["abmd_femoral_neck"]
        drawn.append((y.mean(), y.std(), y.mean() - 2.5 * y.std()))
    way = {"sex": "male", "way": "20–29 years"}
    for spread, name in zip(np.std(drawn, axis=0), ("mean", "sd", "cut_off"), strict=True):
        with_it, without = (
            found.rows.filter(**way)[f"{name}_se"].item() for found in (made, alone)
        )
        assert np.sqrt(with_it**2 - without**2) == pytest.approx(spread, rel=0.1)
    top = {"sex": "male", "way": "maximum of the curve"}
    assert made.rows.filter(**top)["mean_se"].item() > alone.rows.filter(**top)["mean_se"].item()


GROWN = {"name": "grown", "column": "age", "outside": "[18, 90]", "missing": "exclude"}


def _two_devices(n=200, corrected=()):
    """Device B reads 0.1 too high; rows named as corrected were lowered by it."""
    rng = np.random.default_rng(3)
    device = pl.Series(["A", "B"] * n)
    fixed = pl.Series([i in corrected for i in range(2 * n)])
    density = 0.84 + 0.1 * rng.standard_normal(2 * n)
    density += 0.1 * ((device == "B") & ~fixed).to_numpy()
    people = frame(
        age=rng.uniform(20, 80, 2 * n), sex=["female"] * (2 * n), device=device,
        abmd_femoral_neck=density,
        calibrated_to=pl.Series(["one scale" if done else None for done in fixed], dtype=pl.String),
    )  # fmt: skip
    return people.drop("abmd_total_hip")


def _to_one_scale():
    from osteo_epi.agreement import least_squares

    x, noise = np.array([0.2, 0.5, 1.0, 2.0]), np.array([1e-4, -1e-4, 1e-4, -1e-4])
    shifts = {("A",): 0.0, ("B",): 0.1}
    lines = {device: least_squares(x, x + shift + noise) for device, shift in shifts.items()}
    return correction_between(lines, scale="one scale")


def test_one_curve_of_both_sexes_or_of_several_scanners_says_so():
    people = _two_devices()
    flat = {"family": "normal", "mu": Constant(), "sigma": Constant()}
    assert "2 scanners stand together" in fit_curve(people, "abmd_femoral_neck", **flat).notes[0]
    one = people.filter(device="A")
    assert fit_curve(one, "abmd_femoral_neck", **flat).notes == ()
    half = _two_devices(corrected=range(100))
    assert "and 300 were not" in fit_curve(half, "abmd_femoral_neck", **flat).notes[0]
    both = one.with_row_index().with_columns(
        sex=pl.when(pl.col("index") < 80).then(pl.lit("male")).otherwise("sex")
    )
    note = fit_curve(both, "abmd_femoral_neck", **flat).notes[0]
    assert "120 rows of sex female and 80 rows of sex male" in note
    # A body's height needs no scanner.
    tall = people.with_columns(height=100 + 50 * pl.col("abmd_femoral_neck"))
    assert fit_curve(tall, "height", **flat).notes == ()


def test_half_a_design_is_refused_with_words_that_a_curve_knows():
    people = _two_devices().with_row_index("psu").with_columns(pl.col("psu") // 20)
    with pytest.raises(DesignError) as error:
        fit_curve(people, "abmd_femoral_neck")
    assert 'weight="equal"' in str(error.value)
    assert "design=" not in str(error.value)


def test_a_column_of_nothing_but_nulls_says_nothing_of_a_correction():
    people = _two_devices()
    assert check_reference_people(people).errors.codes == ("mixed_devices",)
    for refused in (
        lambda: peaks(people, roi=ROI),
        lambda: select(people, [GROWN]),
        lambda: fit_reference(people, rois=["femoral_neck"], sexes=["female"]),
    ):
        with pytest.raises(SchemaError, match="2 scanners stand together without a calibration"):
            refused()


@OUTSIDE_PHANTOM
def test_a_correction_is_applied_where_the_column_holds_no_value():
    people = _two_devices()
    made = peaks(people, roi=ROI, calibration=_to_one_scale())
    bare = peaks(people.drop("calibrated_to"), roi=ROI, calibration=_to_one_scale())
    assert made.rows.equals(bare.rows)


def test_people_of_whom_some_were_corrected_are_refused_with_their_numbers():
    people, words = _two_devices(corrected=range(100)), "100 of 400 rows .* and 300 were not"
    findings = check_reference_people(people)
    assert findings.errors.codes == ("partly_calibrated",)
    assert findings.errors[0].n == 300
    for calibration in (None, _to_one_scale()):
        with pytest.raises(SchemaError, match=words):
            peaks(people, roi=ROI, calibration=calibration)
        with pytest.raises(SchemaError, match=words):
            select(people, [GROWN], calibration=calibration)
    with pytest.raises(SchemaError, match="value in 100 of 400 rows"):
        _to_one_scale().apply(people)
    kept = people.filter(pl.col("calibrated_to").is_not_null())
    assert "partly_calibrated" not in check_reference_people(kept).codes


def test_nobody_without_a_density_counts_as_uncorrected():
    people = _two_devices(corrected=range(400)).with_row_index().with_columns(
        abmd_femoral_neck=pl.when(pl.col("index") > 0).then("abmd_femoral_neck"),
        calibrated_to=pl.when(pl.col("index") > 0).then("calibrated_to"),
    )  # fmt: skip
    assert not check_reference_people(people.drop("index")).errors


def test_densities_corrected_to_two_scales_are_refused():
    people = _two_devices(corrected=range(400)).with_columns(
        calibrated_to=pl.concat_str(pl.lit("scale of "), "device")
    )
    findings = check_reference_people(people)
    assert findings.errors.codes == ("several_scales",)
    assert "scale of A, scale of B" in findings.errors[0].message


# ---- balance


def test_balance_counts_everybody_once(people):
    made = balance(people)
    rows = made.to_frame()
    whole = rows.filter(pl.col("factor") == "all")
    n = int(people["abmd_total_hip"].count())
    assert whole["n"].sum() >= n
    assert made.cells["n"].sum() == whole["n"].sum()
    for factor in ("device", "centre", "year"):
        assert rows.filter(pl.col("factor") == factor)["n"].sum() == whole["n"].sum()
    assert whole["share"].sum() == pytest.approx(1)


def test_too_few_people_in_a_band_is_said():
    data = frame(age=[25.0] * 40 + [35.0] * 5 + [55.0] * 40, sex=["male"] * 85)
    findings = check_reference_people(data)
    assert "male 30–39" in findings.of("thin_band")[0].message
    assert findings.of("thin_band")[0].n == 5
    assert "male 40–49" in findings.of("empty_band")[0].message
    assert not check_reference_people(data, least=5).of("thin_band")


def test_a_missing_sex_is_said():
    findings = check_reference_people(frame(age=[25.0] * 40))
    assert "nobody is male" in findings.of("one_sex")[0].message


def test_one_device_alone_is_said(people):
    assert check_reference_people(people).of("one_device")[0].severity == "note"


def test_several_devices_are_an_error_unless_calibrated(pooled, correction):
    assert check_reference_people(pooled).errors.codes == ("mixed_devices",)
    assert not check_reference_people(pooled, calibration=correction).errors


def test_no_device_stated_is_said():
    assert check_reference_people(frame(age=[25.0] * 9)).of("device_not_stated")


def test_heaped_ages_are_said():
    rng = np.random.default_rng(1)
    true = rng.uniform(20, 70, 2_000)
    heaped = np.where(rng.random(2_000) < 0.3, np.round(true / 5) * 5, true)
    assert not check_reference_people(frame(age=true)).of("ages_heaped")
    found = check_reference_people(frame(age=heaped)).of("ages_heaped")[0]
    assert "Whipple's index" in found.message
    # 7 of 10 as before: a fifth of them at 0 or 5, and 3 of 10 all.
    assert whipple(heaped).whipple == pytest.approx(500 * (0.7 * 0.2 + 0.3), rel=0.06)


def test_a_handful_of_round_ages_is_chance():
    assert not check_reference_people(frame(age=[30.0, 40.0, 51.0, 33.0])).of("ages_heaped")


def test_ages_outside_are_counted():
    data = frame(age=[17.0, 25.0, 39.9, 40.0, 71.0])
    found = check_reference_people(data, ages=(20, 39)).of("age_outside")[0]
    assert found.n == 3
    assert "20–39" in found.message
    assert data.filter(found.where).height == 3


def test_a_centre_that_lacks_ages_is_said():
    data = frame(
        age=[25.0] * 50 + [65.0] * 50, centre=["a"] * 50 + ["a"] * 25 + ["b"] * 25,
        device=["x"] * 100,
    )  # fmt: skip
    found = check_reference_people(data).of("uneven_centre")[0]
    assert "1 of 2 levels of centre" in found.message
    assert "female 20–29" in found.message


def test_missing_age_or_sex_is_counted():
    data = frame(age=[25.0, None, 30.0], sex=["female", "male", None])
    assert check_reference_people(data).of("age_or_sex_missing")[0].n == 2


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"by": ("age",)}, DefinitionError, '"age" and "sex"'),
        ({"by": ("age", "sex", "province")}, SchemaError, "province"),
        ({"band": 0}, DefinitionError, "whole number of years"),
        ({"ages": (50, 20)}, DefinitionError, "first and the last"),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused(people, options, error, words):
    with pytest.raises(error) as caught:
        balance(people, **options)
    assert words in str(caught.value)


# ---- sensitivity


@pytest.fixture(scope="module")
def moved():
    return sensitivity(simulate(9_000, seed=2), [DISEASE, WEIGHT], roi=ROI, way="20–39 years")


def test_dropping_a_rule_is_selecting_without_it(moved):
    people = simulate(9_000, seed=2)
    rows = moved.to_frame().filter(pl.col("sex") == "female")
    for choice, rules in (
        (("all rules", None), [DISEASE, WEIGHT]),
        (("without", "weight"), [DISEASE]),
        (("alone", "weight"), [WEIGHT]),
    ):
        made = peaks(select(people, rules).people, roi=ROI).to_frame()
        want = made.filter(pl.col("sex") == "female", pl.col("way") == "20–39 years").row(
            0, named=True
        )
        rule = pl.col("rule").eq_missing(pl.lit(choice[1], dtype=pl.String))
        got = rows.filter(pl.col("rules") == choice[0], rule).row(0, named=True)
        for name in ("n", "mean", "sd", "cut_off", "cut_off_se"):
            assert got[name] == pytest.approx(want[name], rel=1e-3 if name.endswith("se") else 1e-9)


def test_one_rule_dropped_is_the_other_alone(moved):
    rows = moved.to_frame()
    dropped = rows.filter(pl.col("rules") == "without", pl.col("rule") == "weight")
    alone = rows.filter(pl.col("rules") == "alone", pl.col("rule") == "disease")
    assert dropped.drop("rules", "rule").equals(alone.drop("rules", "rule"))


def test_a_shift_varies_as_its_error_says():
    """Overlapping people: the error of the shift is far below that of either cut-off."""
    shifts, errors, apart = [], [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        n = 300
        data = frame(
            age=rng.integers(20, 50, n) + 0.0, abmd_total_hip=rng.normal(1.0, 0.1, n),
            bmi=rng.uniform(15, 32, n), device=["x"] * n,
        )  # fmt: skip
        rows = sensitivity(data, [WEIGHT], roi="total_hip", way="20–39 years").to_frame()
        row = rows.filter(pl.col("rules") == "no rule").row(0, named=True)
        shifts.append(row["shift"])
        errors.append(row["shift_se"])
        apart.append(row["cut_off_se"])
    assert np.mean(errors) == pytest.approx(np.std(shifts), rel=0.3)
    assert np.mean(errors) < 0.8 * np.mean(apart)


def test_a_target_gives_the_prevalence_that_follows():
    people = simulate(9_000, seed=2)
    rows = sensitivity(people, [WEIGHT], roi=ROI, target=people).to_frame()
    of_all = rows.filter(pl.col("rules") == "all rules")
    assert of_all["difference"].to_list() == [0.0, 0.0]
    women = rows.filter(pl.col("sex") == "female", pl.col("rules") == "no rule").row(0, named=True)
    base = of_all.filter(pl.col("sex") == "female")["prevalence"].item()
    assert women["difference"] == pytest.approx(women["prevalence"] - base)
    assert women["difference_lower"] < women["difference"] < women["difference_upper"]
    alone = peaks(people, roi=ROI, target=people).rows
    assert women["prevalence"] == alone.filter(sex="female", way="20–29 years")["prevalence"].item()


def test_a_rule_that_keeps_scanners_apart_is_named_when_it_is_dropped(pooled):
    one = {"name": "scanner", "column": "device", "only": ["lunar_1"], "missing": "exclude"}
    made = sensitivity(pooled, [one, DISEASE], roi=ROI)
    assert "without scanner" in made.notes[0]


def test_too_few_young_adults_under_all_rules_are_said():
    data = frame(age=np.linspace(20, 60, 80), bmi=[22.0] * 80, device=["x"] * 80)
    data = data.with_columns(abmd_total_hip=pl.lit(0.9) + pl.col("age") % 3 / 30)
    with pytest.raises(SchemaError, match="no sex has 30 young adults"):
        sensitivity(data, [WEIGHT], roi="total_hip")
    with pytest.raises(DefinitionError, match="20–29 years"):
        sensitivity(data, [WEIGHT], roi="total_hip", way="twenties")


# ---- outliers


@pytest.fixture(scope="module")
def women():
    rng = np.random.default_rng(3)
    age = rng.uniform(20, 80, 4_000)
    density = 1.0 - 0.003 * (age - 20) + rng.normal(0, 0.1, 4_000)
    return frame(age=age, abmd_total_hip=density, sex=["female"] * 4_000)


TERMS = {"family": "normal", "mu": Polynomial(1), "sigma": Constant()}


def test_outliers_are_flagged_and_nobody_is_dropped(women):
    spoilt = women.with_columns(
        pl.when(pl.int_range(pl.len()) < 12).then(0.2).otherwise("abmd_total_hip")
        .alias("abmd_total_hip")
    )  # fmt: skip
    curve = fit_curve(spoilt, "abmd_total_hip", **TERMS)
    found = outliers(curve, spoilt, refit=True)
    assert found.people.height == spoilt.height
    assert found.people.filter("outlier_total_hip").height >= 12
    below, above = found.to_frame().sort("side", descending=True).to_dicts()
    assert below["n"] >= 12
    assert below["p"] < 1e-6 < above["p"]
    assert below["expected"] == pytest.approx(4_000 * 3.167e-5, rel=1e-3)
    # Without twelve values far below, the low centile rises and the median hardly.
    changes = found.changes
    assert changes["p3_change"].min() > 0.002
    assert changes["p50_change"].abs().max() < changes["p3_change"].min()
    clean = fit_curve(women[12:], "abmd_total_hip", **TERMS)
    at = changes["age"].to_numpy()
    assert changes["p3_without"].to_numpy() == pytest.approx(clean.quantile(at, 0.03), abs=1e-3)


def test_as_many_as_the_model_expects(women):
    curve = fit_curve(women, "abmd_total_hip", **TERMS)
    rows = outliers(curve, women, limit=2).to_frame()
    assert rows["expected"].to_list() == pytest.approx([4_000 * 0.02275] * 2, rel=1e-3)
    assert rows["p"].min() > 0.01


def test_a_reference_flags_each_sex_by_its_own_curve(people):
    made = fit_reference(people, rois=[ROI], family="normal", mu=Polynomial(3), sigma=Constant())
    found = outliers(made, people, limit=3)
    assert isinstance(found.people, Cohort)
    assert found.to_frame()["sex"].to_list() == ["female", "female", "male", "male"]
    for sex in ("female", "male"):
        own = found.people.frame.filter(pl.col("sex") == sex)
        alone = outliers(made.curves[sex, ROI], own, limit=3).people
        assert alone["residual_femoral_neck"].equals(own["residual_femoral_neck"])
    n = found.people.frame["outlier_femoral_neck"].sum()
    assert n == found.to_frame()["n"].sum()


def test_flags_can_be_a_rule(women):
    curve = fit_curve(women, "abmd_total_hip", **TERMS)
    flagged = outliers(curve, women, limit=2).people
    rule = {"name": "far", "column": "outlier_total_hip", "exclude": [True], "missing": "keep"}
    assert select(flagged, [rule]).flow.n == 4_000 - flagged["outlier_total_hip"].sum()


def test_nobody_without_a_score_is_flagged(women):
    curve = fit_curve(women, "abmd_total_hip", **TERMS)
    others = frame(age=[10.0, 50.0, 50.0], abmd_total_hip=[0.2, None, 0.1])
    flags = outliers(curve, others).people["outlier_total_hip"].to_list()
    assert flags == [None, None, True]
    with pytest.raises(SchemaError, match="nobody has a score"):
        outliers(curve, others[:2])


def test_a_question_about_outliers_that_has_no_answer_is_refused(women):
    curve = fit_curve(women, "abmd_total_hip", **TERMS)
    with pytest.raises(DefinitionError, match="above 0"):
        outliers(curve, women, limit=0)
    with pytest.raises(SchemaError, match="abmd_total_hip is not in the data"):
        outliers(curve, women.drop("abmd_total_hip"))
    with pytest.raises(DefinitionError, match="has no Z-scores"):
        outliers("curve", women)
