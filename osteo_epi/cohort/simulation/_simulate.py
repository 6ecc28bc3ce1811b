"""The simulated cohort and its phantom: people drawn, read by devices, with gaps, as a frame.

Every part draws from a stream of its own, so that the same seed gives the same people whatever
else is asked for.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from osteo_epi.cohort._codebook import codebook
from osteo_epi.cohort._people import Cohort
from osteo_epi.cohort.simulation._devices import (
    centre_names,
    check_choice,
    draw_centres,
    read_by_devices,
    scan_phantom,
)
from osteo_epi.cohort.simulation._people import (
    draw_ages,
    draw_areas,
    draw_body,
    draw_bone,
    draw_fractures,
    draw_menopause,
    draw_scan_settings,
    draw_visit,
)
from osteo_epi.cohort.simulation._profile import HIP, NO_WORD, SEXES, VERTEBRAE, Columns, Profile
from osteo_epi.errors import SchemaError

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
PROFILE = "china_2010"
STREAMS = ("ages", "bone", "menopause", "body", "areas", "gaps", "fractures", "visit", "ct")
_CENTRES, _PHANTOM = len(STREAMS), len(STREAMS) + 1


def simulate(n: int, *, seed: int, profile: str = PROFILE, devices: str = "one") -> Cohort:
    """Draw SIMULATED people, calibrated so that two published prevalences are expected of them.

    Parameters
    ----------
    n
        How many people, 1 or more.
    seed
        Whole number from 0; the same seed gives the same people to the last bit, and the first
        draw of each part does not depend on `devices`: the same people under other scanners.
    profile
        A norm of kind "simulation".
    devices
        "one": one reference device. "seven_centres": every centre's device reads by its own line
        (`simulate_phantom` gives the scans by which to find it).

    Returns
    -------
    Cohort
        Canonical columns and `synthetic` (always true); `source.label` says what they are.

    Raises
    ------
    SchemaError
        If `n`, `seed` or `devices` is out of range.
    NormError
        If there is no such profile.

    Notes
    -----
    SIMULATED. Ages 20–90 and sexes are a simple random sample of the 2010 census of China (90
    stands for 90 and above). Peaks are those of Zeng 2019 (doi 10.1002/jbmr.3757), other numbers
    have their origin beside them in the norm file. One scalar per sex, the loss after the peak,
    is solved so that the expected age-standardised prevalence from 50 years, by definition
    china_2020 under a reference of the people's own 20–39-year-olds, is 6.46 % of men and 29.13 %
    of women. Recovering these figures therefore tests the pipeline and nothing else.

    Examples
    --------
    >>> people = simulate(500, seed=1)
    >>> len(people), people.source.label[:9], people["synthetic"].all()
    (500, 'SIMULATED', True)
    """
    _check(n, seed)
    check_choice(devices)
    model = Profile.load(profile)
    people = draw(model, n, seed=seed, devices=devices)
    frame = as_frame(model, people, devices)
    return Cohort.from_frame(frame, reader="simulate", label=_label(model, seed))


def simulate_phantom(*, seed: int, profile: str = PROFILE) -> pl.DataFrame:
    """SIMULATED scans of the European Spine Phantom at the seven centres of `simulate`.

    Parameters
    ----------
    seed
        Whole number from 0.
    profile
        A norm of kind "simulation".

    Returns
    -------
    polars.DataFrame
        One row a centre, scan and vertebra: centre, device, insert, nominal [g/cm²], scan,
        scan_date, abmd [g/cm²], device_maker, phantom, synthetic, label.

    Notes
    -----
    Nominal densities 0.5, 1.0, 1.5 g/cm² are of grade C, the devices' lines and the precision are
    assumed: see the norm file.

    Examples
    --------
    >>> scans = simulate_phantom(seed=1)
    >>> scans.height, scans["centre"].n_unique(), scans["nominal"].unique().sort().to_list()
    (210, 7, [0.5, 1.0, 1.5])
    """
    _check(1, seed)
    model = Profile.load(profile)
    return scan_phantom(model, _label(model, seed), np.random.default_rng((_PHANTOM, seed)))


def draw(profile: Profile, n: int, *, seed: int, devices: str = "one") -> Columns:
    """Draw everything about n people as arrays, unrounded."""
    streams = {name: np.random.default_rng((k, seed)) for k, name in enumerate(STREAMS)}
    people = draw_ages(profile, n, streams["ages"])
    people |= draw_visit(profile, n, streams["visit"])
    people["centre"] = draw_centres(profile, devices, n, np.random.default_rng((_CENTRES, seed)))
    return draw_measurements(profile, people, streams, devices=devices)


def draw_measurements(
    profile: Profile,
    people: Columns,
    streams: dict[str, np.random.Generator],
    *,
    devices: str = "one",
) -> Columns:
    """Draw what is measured in people of given sex and age, gaps and all."""
    n = len(people["age"])
    people |= draw_bone(profile, people, streams["bone"])
    people |= draw_menopause(profile, people, streams["menopause"])
    people |= draw_body(profile, people, streams["body"])
    people |= draw_areas(profile, people, streams["areas"])
    people |= draw_scan_settings(profile, n, streams["ct"])
    people = read_by_devices(profile, people, devices)
    people = _leave_out(profile, people, _draw_gaps(profile, n, streams["gaps"]))
    return people | draw_fractures(profile, people, streams["fractures"])


def as_frame(profile: Profile, people: Columns, devices: str) -> pl.DataFrame:
    """Put drawn arrays into canonical columns; `synthetic` is true in every row."""
    people, book = _printed(profile, people), codebook()
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


def _label(profile: Profile, seed: int) -> str:
    """Say what every reader of a result has to know."""
    target = profile.data["target"]["prevalence"]
    return (
        f"SIMULATED people (profile {profile.norm.id}, seed {seed}), calibrated to an expected "
        f"prevalence of {100 * target['male']:.2f} % in men and {100 * target['female']:.2f} % in "
        "women: recovering these figures tests the pipeline and nothing else"
    )


def _check(n: int, seed: int) -> None:
    for name, value, least in (("n", n, 1), ("seed", seed, 0)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
            raise SchemaError(f"{name}={value!r}: expected a whole number from {least}")


def _draw_gaps(profile: Profile, n: int, rng: np.random.Generator) -> Columns:
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


def _leave_out(profile: Profile, people: Columns, gaps: Columns) -> Columns:
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


def _where(valid: np.ndarray, values: np.ndarray) -> np.ndarray:
    return np.where(valid, values, np.nan)


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
