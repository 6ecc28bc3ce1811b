"""The people of a simulated cohort: age, body, bone, scan, fractures."""

from __future__ import annotations

import numpy as np

from osteo_epi.cohort.simulation._profile import (
    HIP,
    NO_WORD,
    SEXES,
    VERTEBRAE,
    Array,
    Columns,
    Profile,
    by_sex,
    pick,
)

CTXA_ROIS = ("femoral_neck", "total_hip")
_STANDARD_YEARS = 65, 10


def draw_ages(profile: Profile, n: int, rng: np.random.Generator) -> Columns:
    """Sex (code) and age [years], together, as a simple random sample of the census."""
    share = np.cumsum(profile.age_counts.ravel()) / profile.age_counts.sum()
    cell = np.minimum(np.searchsorted(share, rng.random(n), side="right"), len(share) - 1)
    sex, position = np.divmod(cell, len(profile.ages))
    return {"sex": sex, "age": profile.ages[position]}


def draw_menopause(profile: Profile, people: Columns, rng: np.random.Generator) -> Columns:
    """Postmenopausal and without ovaries: 1, 0, NaN for men."""
    table = profile.data["menopause"]
    woman, removal = people["sex"] == 0, table["both_ovaries_removed"]
    chance = 1 / (1 + np.exp((table["median_age"] - people["age"]) / table["scale"]))
    old_enough = people["age"] >= removal["from_age"]
    removed = old_enough & (rng.random(len(woman)) < removal["share"])
    post = removed | (rng.random(len(woman)) < chance)
    return {
        "postmenopausal": np.where(woman, post, np.nan),
        "ovaries_removed": np.where(woman, removed, np.nan),
    }


def draw_body(profile: Profile, people: Columns, rng: np.random.Generator) -> Columns:
    """Height [cm], weight [kg] and body mass index; `z_height` is kept for the size of bones.

    The index goes with the total hip's `z_total_hip`, as in NHANES.
    """
    body, sex = profile.data["body"], people["sex"]
    z_height = rng.standard_normal(len(sex))
    years = people["age"] - 30
    height = by_sex(body["height_at_30"])[sex] + by_sex(body["height_change_per_year"])[sex] * years
    height = height + by_sex(body["height_sd"])[sex] * z_height
    together = {
        s: profile.data["derived"][s]["total_hip_bmi_correlation"] for s in body["bmi_median"]
    }
    rho = by_sex(together)[sex]
    z_bmi = rho * people["z_total_hip"] + np.sqrt(1 - rho**2) * rng.standard_normal(len(sex))
    bmi = by_sex(body["bmi_median"])[sex] * np.exp(by_sex(body["log_bmi_sd"])[sex] * z_bmi)
    height = np.round(height, 1)
    weight = np.round(bmi * (height / 100) ** 2, 1)
    bmi = np.round(weight / (height / 100) ** 2, 1)
    return {"height": height, "weight": weight, "bmi": bmi, "z_height": z_height}


def draw_visit(profile: Profile, n: int, rng: np.random.Generator) -> Columns:
    """Day of the examination, any day of the survey's years."""
    first, last = profile.data["examinations"]["years"]
    start, stop = np.datetime64(f"{first}-01-01"), np.datetime64(f"{last + 1}-01-01")
    day = start + rng.integers(0, (stop - start).astype(int), n)
    return {"scan_date": day, "exam_year": day.astype("datetime64[Y]").astype(int) + 1970}


def draw_bone(profile: Profile, people: Columns, rng: np.random.Generator) -> Columns:
    """Draw what a scanner would read at every site of everybody [g/cm²], [mg/cm³], with z-values.

    People need `sex` (code) and `age`; `z_<region>` are standard normal deviations from what is
    expected at that sex and age.
    """
    z = _correlated(profile, people["sex"], rng)
    z["radius_33"] = _tied(
        z["total_hip"], profile.data["radius"]["correlation_with_total_hip"], rng
    )
    out = {f"z_{roi}": z[roi] for roi in (*HIP, *VERTEBRAE)}
    floor = profile.data["floor"]
    for roi in (*VERTEBRAE, *HIP, "radius_33"):
        out[f"abmd_{roi}"] = np.maximum(_reading(profile, people, roi, z[roi]), floor["abmd"])
    out["z_spine"] = _spine_deviation(profile, people["sex"], z)
    return out | _ctxa(profile, people, z, rng) | _qct(profile, people, out["z_spine"], rng)


def draw_areas(profile: Profile, people: Columns, rng: np.random.Generator) -> Columns:
    """Projected areas of L1–L4 [cm²]: one size factor that goes with height, and a rest."""
    derived, sex = [profile.data["derived"][s] for s in SEXES], people["sex"]
    rho = np.array([d["area_height_correlation"] for d in derived])[sex]
    shared = profile.data["areas"]["shared_variance"]
    # All four together correlate with height as in NHANES: the factor alone does a little more.
    rho = np.minimum(rho / np.sqrt(shared), 1)
    size = rho * people["z_height"] + np.sqrt(1 - rho**2) * rng.standard_normal(len(sex))
    out = {}
    for k, vertebra in enumerate(VERTEBRAE):
        median = np.array([d["vertebra_area"][k] for d in derived])[sex]
        log_sd = np.array([d["vertebra_log_area_sd"][k] for d in derived])[sex]
        own = rng.standard_normal(len(sex))
        deviation = np.sqrt(shared) * size + np.sqrt(1 - shared) * own
        out[f"area_{vertebra}"] = median * np.exp(log_sd * deviation)
    return out


def _correlated(profile: Profile, sex: Array, rng: np.random.Generator) -> dict[str, Array]:
    independent = rng.standard_normal((len(sex), 7))
    z = np.empty_like(independent)
    for code in range(len(SEXES)):
        rows = sex == code
        z[rows] = independent[rows] @ profile.factor[code].T
    return dict(zip((*VERTEBRAE, *HIP), z.T, strict=True))


def _tied(z: Array, correlation: float, rng: np.random.Generator) -> Array:
    own_share = np.sqrt(1 - correlation**2)
    return correlation * z + own_share * rng.standard_normal(len(z))


def _reading(profile: Profile, people: Columns, roi: str, z: Array) -> Array:
    return profile.expected(roi, people) + profile.sd[roi][people["sex"]] * z


def _spine_deviation(profile: Profile, sex: Array, z: dict[str, Array]) -> Array:
    """Deviation of L1–L4 as a whole, in its own SDs."""
    area = np.array([profile.data["derived"][s]["vertebra_area"] for s in SEXES])
    weight = area / area.sum(axis=1, keepdims=True)
    ratio = np.array([profile.data["derived"][s]["vertebra_sd_ratio"] for s in SEXES])
    return sum((weight * ratio)[sex, k] * z[v] for k, v in enumerate(VERTEBRAE))


def _ctxa(
    profile: Profile, people: Columns, z: dict[str, Array], rng: np.random.Generator
) -> Columns:
    """Areal density of the hip by QCT: lower than DXA's, and not quite the same order."""
    table = profile.data["ctxa"]
    out = {}
    for roi in CTXA_ROIS:
        own = _tied(z[roi], float(np.sqrt(table["r_squared"][roi])), rng)
        level = 1 - table["lower_by"][roi]
        reading = level * _reading(profile, people, roi, own)
        out[f"abmd_{roi}_ctxa"] = np.maximum(reading, profile.data["floor"]["abmd"])
    return out


def _qct(profile: Profile, people: Columns, z_spine: Array, rng: np.random.Generator) -> Columns:
    """Trabecular density of L1 and L2, so that their mean has the curve and the SD of the file."""
    use = profile.data["qct"]["use"]
    within = use["correlation_l1_l2"]
    person = _tied(z_spine, use["correlation_with_dxa_spine"], rng)
    single = profile.sd["vbmd_lumbar_spine"] / np.sqrt((1 + within) / 2)
    expected = profile.expected("vbmd_lumbar_spine", people)
    out = {}
    for vertebra in ("l1", "l2"):
        deviation = _tied(person, float(np.sqrt(within)), rng)
        value = expected + single[people["sex"]] * deviation
        out[f"vbmd_{vertebra}"] = np.maximum(value, profile.data["floor"]["vbmd"])
    return out


def draw_scan_settings(profile: Profile, n: int, rng: np.random.Generator) -> Columns:
    """How a CT was taken: voltage [kV]; calibration and purpose as positions in their lists."""
    use = profile.data["qct"]["use"]
    voltage = np.array(use["tube_voltage"], dtype=float)
    return {
        "tube_voltage": voltage[pick(rng, n, use["tube_voltage_shares"])],
        "qct_calibration": np.where(rng.random(n) < use["calibration_stated"], 0, NO_WORD),
        "scan_source": pick(rng, n, use["scan_source_shares"]),
    }


def draw_fractures(profile: Profile, people: Columns, rng: np.random.Generator) -> Columns:
    """Genant grade and the three parts of a fragility fracture; NaN or NO_WORD where not known.

    The odds of a deformed vertebra rise with age and as the spine's density falls.
    """
    table = profile.data["fractures"]
    use, n = table["use"], len(people["age"])
    deformed = rng.random(n) < _chance(table, people)
    grade = np.where(deformed, 1 + pick(rng, n, use["grade_shares"]), 0)
    cause = rng.random(n) < use["secondary_cause"]
    stated = rng.random(n) < use["secondary_causes_stated"]
    fractured = deformed & (rng.random(n) < use["endplate_fracture"])
    imaged = people["imaged"]
    return {
        "genant_grade": np.where(imaged, grade, np.nan),
        "endplate_fracture": np.where(imaged & deformed, fractured, np.nan),
        "fracture_imaging_evidence": np.where(imaged, fractured, np.nan),
        "n_vertebral_fractures": np.where(imaged, _number(rng, fractured, use), np.nan),
        "fracture_site": np.where(imaged & fractured, 0, NO_WORD),
        "fracture_trauma": np.where(
            imaged & fractured, pick(rng, n, use["trauma_shares"]), NO_WORD
        ),
        "fracture_evidence": np.where(imaged, pick(rng, n, use["evidence_shares"]), NO_WORD),
        "secondary_cause": np.where(stated, cause, np.nan),
        "secondary_causes_excluded": np.where(imaged & stated, ~cause, np.nan),
    }


def _chance(table: dict, people: Columns) -> Array:
    use, (age, decade) = table["use"], _STANDARD_YEARS
    decades = (people["age"] - age) / decade
    odds = use["odds_at_65"] * use["odds_ratio_per_decade"] ** decades
    odds = odds * table["relative_risk_per_sd"] ** -people["z_spine"]
    return odds / (1 + odds)


def _number(rng: np.random.Generator, fractured: Array, use: dict) -> Array:
    """One, and up to three more."""
    more = rng.binomial(3, use["another_vertebra"], len(fractured))
    return np.where(fractured, 1 + more, 0)
