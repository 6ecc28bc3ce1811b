"""Synthetic cohorts: SIMULATED people, labelled so in the frame, its source and every output.

The model is calibrated to two published prevalences. To recover them from a simulated cohort tests
the pipeline that computes them, and nothing else: it is no evidence about any population.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from osteo_epi.cohort.people import Cohort
from osteo_epi.cohort.simulation_bone import draw_areas, draw_bone, draw_scan_settings
from osteo_epi.cohort.simulation_devices import (
    check_choice,
    draw_centres,
    read_by_devices,
    scan_phantom,
)
from osteo_epi.cohort.simulation_fracture import draw_fractures
from osteo_epi.cohort.simulation_frame import as_frame
from osteo_epi.cohort.simulation_gaps import draw_gaps, leave_out
from osteo_epi.cohort.simulation_people import draw_ages, draw_body, draw_menopause, draw_visit
from osteo_epi.cohort.simulation_profile import Columns, Profile
from osteo_epi.errors import SchemaError

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
    drawn = draw(model, n, seed=seed, devices=devices)
    frame = as_frame(model, drawn, devices)
    return Cohort.from_frame(frame, reader="simulate", label=label(model, seed))


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
    return scan_phantom(model, label(model, seed), np.random.default_rng((_PHANTOM, seed)))


def label(profile: Profile, seed: int) -> str:
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
    people = leave_out(profile, people, draw_gaps(profile, n, streams["gaps"]))
    return people | draw_fractures(profile, people, streams["fractures"])
