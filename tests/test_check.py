"""Findings about a frame: each planted fault is found, and a clean frame is left in peace."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from osteo_epi.cohort import Cohort, check, codebook, read

N = 200


def clean(n: int = N) -> pl.DataFrame:
    """People without a fault: densities, scores, vertebrae and bodies that agree."""
    rng = np.random.default_rng(11)
    age = rng.integers(40, 85, n).astype(float)
    neck = np.round(0.95 - 0.004 * (age - 40) + rng.normal(0, 0.1, n), 3)
    area = {v: 11.0 + i + rng.normal(0, 1, n) for i, v in enumerate(("l1", "l2", "l3", "l4"))}
    density = {
        v: np.clip(0.3 + neck + 0.03 * i + rng.normal(0, 0.06, n), 0.4, 1.7)
        for i, v in enumerate(area)
    }
    content = {v: np.round(area[v] * density[v], 2) for v in area}
    area = {v: np.round(a, 2) for v, a in area.items()}
    height, weight = rng.normal(160, 7, n), rng.normal(60, 8, n)
    t_score = (neck - 0.858) / 0.12
    return pl.DataFrame(
        {
            "person_id": [str(i) for i in range(n)],
            "age": age,
            "sex": pl.Series(["female", "male"] * (n // 2), dtype=pl.Enum(["female", "male"])),
            "height": height,
            "weight": weight,
            "bmi": weight / (height / 100) ** 2,
            "survey_weight": rng.uniform(1, 3, n),
            "abmd_femoral_neck": neck,
            **{f"abmd_{v}": np.round(content[v] / area[v], 3) for v in area},
            **{f"bmc_{v}": content[v] for v in area},
            **{f"area_{v}": area[v] for v in area},
            "abmd_lumbar_spine": np.round(sum(content.values()) / sum(area.values()), 3),
            "t_score_femoral_neck_reported": t_score,
            "z_score_femoral_neck_reported": t_score + 0.03 * (age - 40),
        }
    )


def test_a_clean_frame_has_no_finding_but_its_reference():
    assert set(check(clean()).codes) == {"reported_reference"}


def test_the_reference_of_reported_scores_is_recovered():
    (finding,) = check(clean()).of("reported_reference")
    assert finding.severity == "note"
    assert finding.message.count("mean 0.858, SD 0.120") == 2


def at(column, value, *rows, instead=None):
    """A column with a value in some rows, and `instead` (or itself) in the others."""
    other = column if instead is None else instead
    return pl.when(pl.int_range(pl.len()).is_in(rows)).then(value).otherwise(other).alias(column)


T, Z = "t_score_femoral_neck_reported", "z_score_femoral_neck_reported"
T_ROUND = pl.col(T).round(1)
FEW = range(0, N, 6)
LOWEST = "t_score_min_reported"
NECK, SPINE = "abmd_femoral_neck", "abmd_lumbar_spine"
AGE = pl.lit(70.0).alias("age")
CENTRE = at("centre", pl.lit("a"), *range(50), instead=pl.lit("b"))
MEN = pl.col("sex").cast(pl.String) == "male"
SWAPPED = pl.when(MEN).then(pl.lit("female")).otherwise(pl.lit("male")).alias("sex")
TALL = (pl.col("height") + 12 * MEN.cast(pl.Float64)).alias("height")
DENSE = (pl.col(NECK) + 0.1 * MEN.cast(pl.Float64)).alias(NECK)
LOSS = "vertebral_height_loss"
QCT = pl.lit(90.0).alias("vbmd_l1")
MINDWAYS = pl.lit("Mindways").alias("qct_calibration")
CALLED_VALID = pl.lit(True).alias("valid_l1")
L2_L4 = sum(pl.col(f"bmc_l{i}") for i in (2, 3, 4)) / sum(pl.col(f"area_l{i}") for i in (2, 3, 4))


def empty(column):
    return pl.lit(None, dtype=pl.Float64).alias(column)


FAULTS = [
    ("unit_suspected", "error", NECK, N, [pl.col(NECK) * 1000]),
    ("unit_suspected", "error", "height", N, [pl.col("height") / 100, empty("bmi")]),
    ("not_areal_bmd", "error", NECK, N, [pl.col(NECK) * 120]),
    ("wrong_quantity", "error", NECK, None, [(pl.col(T) - 2).alias(NECK)]),
    ("wrong_quantity", "error", NECK, N, [pl.col(NECK) * 5]),  # a content [g], not a unit
    ("out_of_range", "warning", NECK, 3, [at(NECK, 0.01, 1, 5, 9)]),
    ("out_of_range", "warning", NECK, 3, [at(NECK, 0.08, 1, 5, 9)]),
    ("out_of_range", "error", NECK, 11, [at(NECK, 0.08, *range(11))]),
    ("out_of_range", "error", NECK, N // 2, [at(NECK, pl.col(NECK) * 1000, *range(N // 2))]),
    ("out_of_range", "error", T, 20, [at(T, -25.0, *range(20))]),
    ("out_of_range", "warning", "age", 1, [at("age", 140.0, 3)]),
    ("out_of_range", "warning", "tbs", 20, [at("tbs", 1300.0, *range(20), instead=1.3)]),
    ("unit_suspected", "error", "vbmd_l1", N, [(pl.col(NECK) / 6).alias("vbmd_l1")]),
    ("unit_suspected", "error", "vbmd_l1", 20, [at("vbmd_l1", 0.14, *range(20), instead=140.0)]),
    ("unit_suspected", "error", LOSS, 9, [at(LOSS, 0.45, *range(9), instead=0.0)]),
    ("unit_suspected", "warning", LOSS, 20, [at(LOSS, 0.45, *range(20), instead=22.0)]),
    ("unit_suspected", "error", "height", N, [pl.col("height") / 2.54, empty("bmi")]),
    (
        "code_suspected",
        "warning",
        "weight",
        6,
        [at("weight", 99.9, *range(6), instead=pl.col("weight").clip(45, 70)), empty("bmi")],
    ),
    ("all_missing", "error", SPINE, N, [empty(SPINE)]),
    ("weight_unit_suspected", "error", "weight", N, [pl.col("weight") * 2]),
    ("bmi_mismatch", "warning", "bmi", 2, [at("bmi", pl.col("bmi") + 5, 0, 1)]),
    ("t_z_swapped", "error", f"{T}, {Z}", N, [pl.col(T).alias(Z), pl.col(Z).alias(T)]),
    ("z_below_t", "warning", f"{T}, {Z}", None, [at(T, pl.col(Z), *FEW), at(Z, pl.col(T), *FEW)]),
    ("whole_t_scores", "error", T, N, [pl.col(T).round(0)]),
    ("rounded_t_scores", "note", T, N, [pl.col(T).round(1)]),
    ("densities_in_scores", "warning", T, 4, [at(T, 0.713, 1, 5, 9, 13, instead=T_ROUND)]),
    ("reported_reference", "warning", T, N, [at(T, pl.col(T) + 1, *range(0, N, 4))]),
    ("total_not_its_parts", "warning", SPINE, 4, [at(SPINE, pl.col(SPINE) + 0.05, 2, 4, 6, 8)]),
    ("total_is_l2_l4", "error", SPINE, None, [L2_L4.round(3).alias(SPINE)]),
    ("valid_without_reading", "note", "valid_l1", 2, [CALLED_VALID, at("abmd_l1", None, 0, 1)]),
    ("repeated_person", "error", "person_id", 2, [at("person_id", pl.lit("7"), 9), AGE]),
    ("shared_identifier", "error", "person_id", 2, [at("person_id", pl.lit("7"), 8), AGE]),
    (
        "same_person_same_day",
        "error",
        "person_id, scan_date",
        2,
        [at("person_id", pl.lit("7"), 9), AGE, pl.date(2019, 3, 5).alias("scan_date")],
    ),
    ("sign_lost", "error", T, N, [pl.col(T).abs()]),
    ("sign_lost", "error", Z, N, [pl.col(Z).abs()]),
    ("sign_lost", "warning", "qus_t_score", N, [pl.col(T).abs().alias("qus_t_score")]),
    ("sign_lost", "error", T, None, [pl.when(pl.col(T) >= 0).then(T).alias(T)]),
    ("sign_lost", "error", T, 50, [at(T, pl.col(T).abs(), *range(50)), CENTRE]),
    ("sexes_exchanged", "error", f"sex, height, {NECK}", N, [SWAPPED, TALL, DENSE]),
    ("sexes_exchanged", "warning", "sex, height", N, [SWAPPED, TALL]),
    ("sexes_exchanged", "warning", f"sex, {NECK}", N, [SWAPPED, DENSE]),
    ("age_top_coded", "note", "age", None, [pl.col("age").clip(0, 70)]),
    (
        "sex_contradiction",
        "warning",
        "sex, postmenopausal",
        N // 2,
        [pl.lit(True).alias("postmenopausal")],
    ),
    (
        "menopause_age",
        "error",
        "postmenopausal",
        None,
        [pl.lit(False).alias("postmenopausal")],
    ),
    (
        *("pregnant_age", "error", "pregnant", 6),
        [at("pregnant", True, *range(0, 12, 2), instead=False), AGE],
    ),
    (
        *("pregnant_age", "warning", "pregnant", 3),  # slips, of a hundred women
        [at("pregnant", True, 0, 2, 4, instead=False), AGE],
    ),
    ("lowest_of_other_regions", "warning", LOWEST, 2, [at(LOWEST, -5, 3, 8, instead=pl.col(T))]),
    (
        "menopause_age",
        "warning",
        "postmenopausal",
        1,
        [at("postmenopausal", False, 0, instead=True), AGE],
    ),
    ("missing_weight", "error", "survey_weight", 1, [at("survey_weight", None, 0)]),
    ("negative_weight", "error", "survey_weight", 1, [at("survey_weight", -1.0, 0)]),
    ("heavy_weight", "warning", "survey_weight", 1, [at("survey_weight", 1e6, 0)]),
    ("incomplete", "warning", "sex", 1, [at("sex", None, 0)]),
    (
        "mixed_devices",
        "warning",
        "device",
        N,
        [at("device", pl.lit("Prodigy"), *range(50), instead=pl.lit("Discovery"))],
    ),
    (
        "tube_voltage",
        "warning",
        "tube_voltage",
        1,
        [QCT, MINDWAYS, at("tube_voltage", 100.0, 0, instead=120.0)],
    ),
    (
        "qct_calibration",
        "warning",
        "qct_calibration",
        1,
        [QCT, at("qct_calibration", pl.lit("phantom"), 0, instead=pl.lit("Mindways"))],
    ),
    ("tube_voltage_unstated", "warning", "tube_voltage", N, [QCT]),
    ("qct_calibration_unstated", "warning", "qct_calibration", N, [QCT]),
]


@pytest.mark.parametrize(
    ("code", "severity", "column", "n", "fault"), FAULTS, ids=[f"{f[0]}-{f[2]}" for f in FAULTS]
)
def test_each_planted_fault_is_found(code, severity, column, n, fault):
    found = check(clean().with_columns(fault)).of(code, column)
    assert len(found) == 1
    assert found[0].severity == severity
    assert n is None or found[0].n == n


@pytest.mark.parametrize(
    ("code", "column", "n", "fault"), [(c, col, n, f) for c, _, col, n, f in FAULTS]
)
def test_a_finding_leads_to_its_rows(code, column, n, fault):
    frame = clean().with_columns(fault)
    finding = check(frame).of(code, column)[0]
    if finding.where is not None:
        assert len(frame.filter(finding.where)) == finding.n


@pytest.mark.parametrize("fault", [at(NECK, 0.08, *range(10)), at("vbmd_l1", 0.3, 3, instead=60)])
def test_a_few_odd_values_are_no_error(fault):
    assert not check(clean().with_columns(fault)).errors


def test_a_high_z_below_t_is_no_mistake():
    """The spine of men loses little and their scores spread: a fifth of them were warned of."""
    ages, scores = pl.lit(70.0).alias("age"), (at(T, 2.2, *FEW), at(Z, 1.6, *FEW))
    assert "z_below_t" not in check(clean().with_columns(ages, *scores)).codes


def test_marrow_fat_gives_negative_densities_that_are_values():
    negative = at("vbmd_l1", -5.2, *range(40), instead=60.0)
    assert not check(clean().with_columns(negative)).of("out_of_range")


def test_a_height_in_inches_is_not_called_a_weight_in_pounds():
    inches = clean().with_columns(pl.col("height") / 2.54, empty("bmi"))
    assert "weight_unit_suspected" not in check(inches).codes


def test_a_total_without_contents_and_areas_is_checked_against_its_vertebrae():
    frame = clean().drop([f"{q}_l{i}" for q in ("bmc", "area") for i in range(1, 5)])
    assert "total_not_its_parts" not in check(frame).codes
    off = at(SPINE, pl.max_horizontal("abmd_l1", "abmd_l4") + 0.5, 3)
    found = check(frame.with_columns(off)).of("total_not_its_parts")
    assert found[0].n == 1


def test_repeat_scans_of_a_day_and_copies_under_another_name():
    frame = clean().with_columns(scan_date=pl.date(2019, 3, 5))
    doubled = pl.concat([frame, frame.head(3)])
    found = check(doubled)
    assert found.of("same_person_same_day")[0].n == 6
    assert "repeated_person" not in found.codes
    assert "near_identical_rows" not in found.codes
    renamed = pl.concat([frame, frame.head(3).with_columns(person_id=pl.col("person_id") + "x")])
    assert check(renamed).of("near_identical_rows")[0].n == 6
    assert "repeated_person" not in check(renamed).codes


def test_no_age_or_sex_at_all_is_an_error():
    assert [f.column for f in check(clean().drop("age", "sex")).of("incomplete")] == ["age", "sex"]


def test_a_frame_that_did_not_come_through_the_door_is_told():
    found = check(pl.DataFrame({"age": ["61"], "sex": ["female"], "abmd_l1": [True]}))
    assert [f.column for f in found.of("wrong_type")] == ["age", "abmd_l1"]


@pytest.mark.parametrize("kind", ["text", "list", "bytes"])
def test_no_check_reads_a_column_of_another_type(kind):
    """Days in text ended the check where a person stood in two rows."""
    other = {"text": pl.lit("x"), "list": pl.concat_list(pl.lit(1)), "bytes": pl.lit(b"x")}[kind]
    twice = pl.concat([clean(), clean()])
    texts = {"category", "label", "id"} if kind == "text" else set()
    names = [v.name for v in codebook().variables.values() if v.kind not in texts]
    whose = [name for name in ("person_id", "sex", "age") if name in names]
    for columns in ([name for name in names if name not in whose], *([name] for name in whose)):
        wrong = twice.with_columns(other.alias(name) for name in columns)
        for frame in (wrong, wrong.lazy()):
            assert {f.column for f in check(frame).of("wrong_type")} == set(columns)


def test_every_kind_of_frame_gives_the_same_findings():
    frame = clean().with_columns(at(NECK, 0.01, 1))
    expected = check(frame).to_polars()
    for other in (frame.lazy(), frame.to_pandas(), frame.to_arrow(), Cohort.from_frame(frame)):
        assert check(other).to_polars().equals(expected)


def test_findings_of_reading_stay_and_those_of_the_frame_are_renewed(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("age,sex,FN BMD,note\n61,F,0.01,x\n62,F,0.7,y\n63,F,0.8,z\n")
    people = read(path)
    assert {"unknown_heading", "out_of_range"} <= set(people.findings.codes)
    mended = people.with_frame(people.frame.with_columns(abmd_femoral_neck=pl.lit(0.7)))
    assert check(mended).codes == ("unknown_heading",)


def test_messages_hold_no_identifier():
    frame = clean().with_columns(person_id=pl.lit("secret-id"))
    assert "secret-id" not in str(check(frame))


def test_scores_of_other_people_than_the_densities_are_an_error():
    """As where two tables were put side by side in two orders: half of those slope upwards."""
    for seed in range(20):
        rng = np.random.default_rng(seed)
        density = np.round(rng.normal(0.75, 0.12, 60), 3)
        score = np.round((density - 0.858) / 0.12, 1)
        frame = pl.DataFrame({"age": 60.0, "sex": "female", "abmd_femoral_neck": density})
        crossed = frame.with_columns(t_score_femoral_neck_reported=rng.permutation(score))
        (finding,) = check(crossed).of("score_against_density")
        assert (finding.severity, finding.n) == ("error", 60)


def test_scores_whose_signs_are_turned_round_are_an_error():
    """They lie on a line, which falls: every dense person had osteoporosis, without a word."""
    density = np.round(np.random.default_rng(1).normal(0.7, 0.12, 40), 3)
    score = np.round((density - 0.858) / 0.12, 1)
    frame = pl.DataFrame({"age": 60.0, "sex": "female", "abmd_femoral_neck": density})
    right = frame.with_columns(t_score_femoral_neck_reported=pl.Series(score))
    assert not check(right).of("score_against_density")
    turned = right.with_columns(-pl.col("t_score_femoral_neck_reported"))
    (finding,) = check(turned).of("score_against_density")
    assert (finding.severity, finding.n) == ("error", 40)
    assert "signs" in finding.fix


@pytest.mark.parametrize("men", [0, 300])
def test_ranks_of_many_people_are_those_of_some(men: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of all were held at once, of however many; people of the other sex are none of them."""
    monkeypatch.setattr("osteo_epi.questions._questions.LOOK", 100)
    rng = np.random.default_rng(1)
    density = np.round(rng.normal(0.75, 0.12, 1000), 3)
    score = np.round((density - 0.858) / 0.12 + rng.normal(0, 0.3, 1000), 1)
    frame = pl.DataFrame(
        {
            "age": 60.0,
            "sex": ["male"] * men + ["female"] * (1000 - men),
            "abmd_femoral_neck": density,
            "t_score_femoral_neck_reported": np.r_[score[:men], -score[men:]],
        }
    )
    for people in (frame, frame.lazy()):
        (finding,) = check(people).of("score_against_density")
        assert (finding.severity, finding.n) == ("error", 1000 - men)


def test_scores_of_two_makers_or_beside_a_slip_are_of_their_densities():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        lunar = rng.random(60) < 0.5
        density = np.round(rng.normal(0.75, 0.12, 60), 3)
        score = np.round((density - 0.858) / 0.12, 1)
        shown = np.where(lunar, density * 1.16, density)
        shown[0] = 2.1
        frame = pl.DataFrame({"age": 60.0, "sex": "female", "abmd_femoral_neck": shown})
        told = check(frame.with_columns(t_score_femoral_neck_reported=pl.Series(score)))
        assert not told.of("score_against_density")
        assert told.of("reported_reference")


def test_ages_that_the_dates_contradict_are_said():
    """At 49 a woman is judged by her Z-score; born in 1960 and measured in 2022 she was 62."""
    day = pl.date(2022, 6, 1)
    frame = pl.DataFrame({"age": [49.0, 62.0, 61.5, 63.0, None], "sex": "female"}).with_columns(
        birth_date=pl.date(1960, 1, 1), scan_date=day
    )
    (finding,) = check(frame).of("age_against_dates")
    assert (finding.severity, finding.n) == ("warning", 1)
    assert frame.filter(finding.where)["age"].to_list() == [49.0]


@pytest.mark.parametrize("height", [170.1, 170.5, 171.0, 176.0])
def test_sexes_of_people_who_are_all_alike_are_compared(height: float) -> None:
    """The variance of one value was a last digit below 0, and its root no number."""
    people = pl.DataFrame(
        {
            "age": [60.0] * 60,
            "sex": ["female", "male"] * 30,
            "height": [height, height - 9.9] * 30,
            NECK: [0.8, 0.7] * 30,
        }
    )
    found = check(people).of("sexes_exchanged")
    assert [finding.severity for finding in found] == ["error"]


def test_a_region_that_was_sorted_by_itself_is_a_warning():
    """Sixty people whose spine and hip go together, until the spine is sorted."""
    hip = [-1.0 - (i * 37 % 60) / 30 for i in range(60)]
    spine = [t + (i * 23 % 60) / 60 for i, t in enumerate(hip)]
    names = [f"t_score_{roi}_reported" for roi in ("lumbar_spine", "femoral_neck", "total_hip")]
    people = pl.DataFrame(dict(zip(names, (spine, hip, [t + 0.2 for t in hip]), strict=True)))
    assert not check(people).of("regions_apart")
    (said,) = check(people.with_columns(pl.col(names[0]).sort())).of("regions_apart")
    assert (said.severity, said.column, said.n) == ("warning", names[0], 60)
    # Patients with osteoporosis alone: their regions do not go together anyway.
    patients = people.with_columns(pl.col(names) - 2.0).with_columns(pl.col(names[0]).sort())
    assert not check(patients).of("regions_apart")


def test_rounded_scores_of_several_regions_are_one_note():
    names = ["t_score_lumbar_spine_reported", "t_score_total_hip_reported"]
    rounded = clean().with_columns(pl.col(T).round(1).alias(name) for name in names)
    (said,) = check(rounded).of("rounded_t_scores")
    assert said.column.split(", ") == names
