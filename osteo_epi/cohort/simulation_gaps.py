"""What is missing, unusable or measured in a part only: at random, the same at every age."""

from __future__ import annotations

import numpy as np

from osteo_epi.cohort.simulation_profile import HIP, NO_WORD, VERTEBRAE, Columns, Profile


def draw_gaps(profile: Profile, n: int, rng: np.random.Generator) -> Columns:
    """Say of each person which measurements stand.

    Reasons are positions in the lists of the profile, NO_WORD where there is none.
    """
    table = profile.data["missing"]
    out = {
        "spine_unusable_reason": _reason(rng, n, table["spine_unusable"], table["spine_reasons"]),
        "hip_unusable_reason": _reason(rng, n, table["hip_unusable"], table["hip_reasons"]),
    }
    unusable = {site: out[f"{site}_unusable_reason"] != NO_WORD for site in ("spine", "hip")}
    for site, refused in unusable.items():
        out[f"{site}_measured"] = ~refused & (rng.random(n) >= table["not_measured"])
    chance = np.where(
        unusable["spine"] | unusable["hip"], table["radius_if_unusable"], table["radius_otherwise"]
    )
    out["radius_measured"] = rng.random(n) < chance
    for vertebra in VERTEBRAE:
        reason = _reason(rng, n, table["vertebra_invalid"], table["vertebra_reasons"])
        out[f"invalid_reason_{vertebra}"] = np.where(out["spine_measured"], reason, NO_WORD)
    out["has_qct"] = rng.random(n) < profile.data["qct"]["use"]["share"]
    out["has_ctxa"] = rng.random(n) < profile.data["ctxa"]["use"]["share"]
    out["imaged"] = rng.random(n) < profile.data["fractures"]["use"]["imaged"]
    out["body_missing"] = rng.random(n) < table["body_size"]
    out["menopause_missing"] = rng.random(n) < table["menopause"]
    return out


def _reason(rng: np.random.Generator, n: int, share: float, reasons: list[str]) -> np.ndarray:
    return np.where(rng.random(n) < share, rng.integers(0, len(reasons), n), NO_WORD)


def leave_out(profile: Profile, people: Columns, gaps: Columns) -> Columns:
    """Take the readings that do not stand out (NaN), and spoil those of invalid vertebrae."""
    out = {}
    spoilt = profile.data["missing"]["invalid_vertebra_factor"]
    for vertebra in VERTEBRAE:
        invalid = gaps[f"invalid_reason_{vertebra}"] != NO_WORD
        reading = people[f"abmd_{vertebra}"] * np.where(invalid, spoilt, 1.0)
        out[f"abmd_{vertebra}"] = _where(gaps["spine_measured"], reading)
        out[f"area_{vertebra}"] = _where(gaps["spine_measured"], people[f"area_{vertebra}"])
        out[f"valid_{vertebra}"] = _where(gaps["spine_measured"], ~invalid)
    for roi in HIP:
        out[f"abmd_{roi}"] = _where(gaps["hip_measured"], people[f"abmd_{roi}"])
    out["abmd_radius_33"] = _where(gaps["radius_measured"], people["abmd_radius_33"])
    for name in people:
        if name.startswith("vbmd_"):
            out[name] = _where(gaps["has_qct"], people[name])
        elif name.endswith("_ctxa"):
            out[name] = _where(gaps["has_ctxa"], people[name])
    has_ct = gaps["has_qct"] | gaps["has_ctxa"]
    out["tube_voltage"] = _where(has_ct, people["tube_voltage"])
    for name in ("qct_calibration", "scan_source"):
        out[name] = np.where(has_ct, people[name], NO_WORD)
    for name in ("height", "weight", "bmi"):
        out[name] = _where(~gaps["body_missing"], people[name])
    out["postmenopausal"] = _where(~gaps["menopause_missing"], people["postmenopausal"])
    return people | gaps | out


def _where(stands: np.ndarray, values: np.ndarray) -> np.ndarray:
    return np.where(stands, values, np.nan)
