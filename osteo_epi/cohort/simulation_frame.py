"""The synthetic people as a frame: rounded as devices print, in the columns of the codebook."""

from __future__ import annotations

import numpy as np
import polars as pl

from osteo_epi.cohort.codebook import codebook
from osteo_epi.cohort.simulation_devices import centre_names
from osteo_epi.cohort.simulation_profile import SEXES, VERTEBRAE, Columns, Profile

_QUANTITIES = (
    *("age", "exam_year", "height", "weight", "bmi"),
    *(f"abmd_{v}" for v in (*VERTEBRAE, "lumbar_spine", "femoral_neck", "total_hip")),
    *("abmd_trochanter", "abmd_radius_33"),
    *(f"{what}_{v}" for what in ("bmc", "area") for v in VERTEBRAE),
    *("abmd_femoral_neck_ctxa", "abmd_total_hip_ctxa", "vbmd_l1", "vbmd_l2", "tube_voltage"),
    *("genant_grade", "n_vertebral_fractures"),
)
_ANSWERS = (
    *("postmenopausal", "ovaries_removed", *(f"valid_{v}" for v in VERTEBRAE)),
    *("fracture_imaging_evidence", "endplate_fracture", "secondary_cause"),
    "secondary_causes_excluded",
)
_NUMBERS = (*_QUANTITIES, *_ANSWERS)
_ORDER = ("person_id", "age", "sex")


def as_frame(profile: Profile, drawn: Columns, devices: str) -> pl.DataFrame:
    """Put drawn arrays into canonical columns; `synthetic` is true in every row."""
    people, book = _printed(profile, drawn), codebook()
    n = len(people["age"])
    centre, device = zip(*centre_names(profile, devices), strict=True)
    maker = profile.data["one_device" if devices == "one" else "seven_centres"]["maker"]
    series = {
        "person_id": pl.Series([f"S{k:07d}" for k in range(1, n + 1)]),
        "sex": _words(people["sex"], SEXES),
        "centre": _words(people["centre"], centre),
        "device": _words(people["centre"], device),
        "device_maker": pl.repeat(maker, n, dtype=pl.String, eager=True),
        "scan_date": pl.Series(people["scan_date"]),
        **{name: pl.Series(people[name].astype(float)).fill_nan(None) for name in _NUMBERS},
        **_texts(profile, people),
    }
    frame = pl.DataFrame(series).cast({name: book[name].dtype for name in series})
    return frame.select(*_ORDER, pl.exclude(*_ORDER), synthetic=pl.lit(True))


def _printed(profile: Profile, people: Columns) -> Columns:
    """Round as devices print, and add mineral and the total that a device gives for L1–L4."""
    digits = profile.data["printed"]
    out = dict(people)
    mineral = area = np.zeros(len(people["age"]))
    for vertebra in VERTEBRAE:
        content = people[f"abmd_{vertebra}"] * people[f"area_{vertebra}"]
        # The device's total is of all four, so one that does not count leaves it out.
        mineral = mineral + np.where(people[f"valid_{vertebra}"] == 1, content, np.nan)
        area = area + people[f"area_{vertebra}"]
        out[f"bmc_{vertebra}"] = content
    out["abmd_lumbar_spine"] = mineral / area
    return {name: _rounded(name, values, digits) for name, values in out.items()}


def _rounded(name: str, values: np.ndarray, digits: dict[str, int]) -> np.ndarray:
    kind = name.partition("_")[0]
    return np.round(values, digits[kind]) if kind in digits else values


def _words(codes: np.ndarray, words: tuple[str, ...] | list[str]) -> pl.Series:
    """Texts by their positions; NO_WORD is missing."""
    shelf = pl.Series([*words, None], dtype=pl.String)
    return shelf.gather(np.where(codes < 0, len(words), codes))


def _texts(profile: Profile, people: Columns) -> dict[str, pl.Series]:
    missing, fractures = profile.data["missing"], profile.data["fractures"]["use"]
    ct = profile.data["qct"]["use"]
    lists = {
        "spine_unusable_reason": missing["spine_reasons"],
        "hip_unusable_reason": missing["hip_reasons"],
        **{f"invalid_reason_{v}": missing["vertebra_reasons"] for v in VERTEBRAE},
        "fracture_trauma": fractures["trauma"],
        "fracture_evidence": fractures["evidence"],
        "fracture_site": ["spine"],
        "qct_calibration": [ct["calibration"]],
        "scan_source": ct["scan_source"],
    }
    return {name: _words(people[name], words) for name, words in lists.items()}
