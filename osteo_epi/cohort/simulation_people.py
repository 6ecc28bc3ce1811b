"""Who the synthetic people are: age and sex of a census, menopause, body size, day and centre."""

from __future__ import annotations

import numpy as np

from osteo_epi.cohort.simulation_profile import Columns, Profile, by_sex


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
