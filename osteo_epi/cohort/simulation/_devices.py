"""Centres and their devices: what each makes of a true density, and its scans of the phantom."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from osteo_epi.cohort.simulation._profile import VERTEBRAE, Array, Columns, Profile, pick
from osteo_epi.errors import SchemaError

CHOICES = ("one", "seven_centres")


def check_choice(devices: str) -> None:
    """Refuse an unknown choice of devices."""
    if devices not in CHOICES:
        raise SchemaError(f"devices={devices!r} is unknown; there are {', '.join(CHOICES)}")


def centre_names(profile: Profile, devices: str) -> list[tuple[str, str]]:
    """Centre and device, in the order of their codes."""
    if devices == "one":
        one = profile.data["one_device"]
        return [(one["centre"], one["device"])]
    n = len(profile.data["seven_centres"]["slope"])
    maker = profile.data["seven_centres"]["maker"]
    return [(f"centre_{k}", f"{maker}_{k}") for k in range(1, n + 1)]


def draw_centres(profile: Profile, devices: str, n: int, rng: np.random.Generator) -> Array:
    """Code of the centre that each person went to."""
    if devices == "one":
        return np.zeros(n, dtype=int)
    return pick(rng, n, profile.data["seven_centres"]["shares"])


def read_by_devices(profile: Profile, people: Columns, devices: str) -> Columns:
    """Areal densities by DXA as the centre's own device reads them; CT is not concerned."""
    if devices == "one":
        return people
    intercept, slope = lines(profile)
    a, b = intercept[people["centre"]], slope[people["centre"]]
    areal = [c for c in people if c.startswith("abmd_") and not c.endswith("_ctxa")]
    return people | {name: a + b * people[name] for name in areal}


def lines(profile: Profile) -> tuple[Array, Array]:
    """Intercept [g/cm²] and slope of each device's reading on the reference device's."""
    table = profile.data["seven_centres"]
    return np.array(table["intercept"]), np.array(table["slope"])


def scan_phantom(profile: Profile, label: str, rng: np.random.Generator) -> pl.DataFrame:
    """Scans of the European Spine Phantom at every centre, one row a vertebra and scan."""
    table = profile.data["phantom"]
    intercept, slope = lines(profile)
    inserts = [v for v in VERTEBRAE if v in table["nominal"]["abmd"]]
    start, scans = date(profile.data["examinations"]["years"][0], 1, 1), range(table["scans"])
    rows = []
    for code, (centre, device) in enumerate(centre_names(profile, "seven_centres")):
        for scan in scans:
            for insert in inserts:
                nominal = table["nominal"]["abmd"][insert]
                reading = intercept[code] + slope[code] * nominal
                reading += table["use"]["sd"] * rng.standard_normal()
                day = start + timedelta(days=scan)
                rows.append((centre, device, insert, nominal, scan + 1, day, round(reading, 3)))
    names = ("centre", "device", "insert", "nominal", "scan", "scan_date", "abmd")
    frame = pl.DataFrame(rows, schema=list(names), orient="row")
    return frame.with_columns(
        device_maker=pl.lit(profile.data["seven_centres"]["maker"]),
        phantom=pl.lit("European Spine Phantom"),
        synthetic=pl.lit(True),
        label=pl.lit(label),
    )
