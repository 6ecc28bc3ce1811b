"""Every reading on the right side of its cut-off: compared with arithmetic in whole numbers.

A density has three decimals, and so have the means and SDs of a reference: whether T <= -2.5 is a
question of whole numbers, and floating point must not answer it otherwise.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from test_diagnosis_nhanes import CYCLES, table

from osteo_epi.diagnosis import Definition, classify, definition

SITES = ("femoral_neck", "total_hip", "lumbar_spine")
NCHS = {"femoral_neck": "DXXNKBMD", "total_hip": "DXXOFBMD", "lumbar_spine": "DXXOSBMD"}
UNIT = 10_000  # twice an SD of three decimals, and a half of it, are whole in this unit


def rules(site: str) -> Definition:
    return definition(
        "nchs_bone_2021", sites=[site], reference="nhanes3_white_female", rois_required="any"
    )


def by_whole_numbers(frame: pl.DataFrame, chosen: Definition, site: str) -> pl.DataFrame:
    """The class of each reading, by cut-offs in ten-thousandths of g/cm²."""
    entry = next(e for e in chosen.reference.entries if e.roi == site)
    mean, sd = round(entry.value.mean * UNIT), round(entry.value.sd * UNIT)
    reading = (pl.col(f"abmd_{site}") * 1000).round().cast(pl.Int64) * (UNIT // 1000)
    expected = (
        pl.when(2 * reading <= 2 * mean - 5 * sd)
        .then(pl.lit("osteoporosis"))
        .when(reading < mean - sd)
        .then(pl.lit("low_bone_mass"))
        .otherwise(pl.lit("normal"))
    )
    return frame.with_columns(expected=expected)


def on_the_wrong_side(frame: pl.DataFrame, site: str) -> tuple[int, int]:
    """Readings judged, and those of them on the wrong side."""
    chosen = rules(site)
    frame = frame.filter(pl.col(f"abmd_{site}").is_not_null())
    judged = by_whole_numbers(classify(frame, chosen), chosen, site)
    return judged.height, judged.filter(
        pl.col("bone_class").cast(pl.String).ne_missing(pl.col("expected"))
    ).height


def nchs(shared: Path, cycle: str, site: str) -> pl.DataFrame:
    """Everybody's reading, taken to be of somebody of 60 to whom the T-score applies."""
    name = "DXXSPN" if site == "lumbar_spine" else "DXXFEM"
    reading = table(shared, cycle, name)[NCHS[site]].drop_nulls().round(3)
    return pl.DataFrame({"age": 60.0, f"abmd_{site}": reading}).with_columns(sex=pl.lit("female"))


def test_no_reading_of_nhanes_is_on_the_wrong_side_of_a_cut_off(shared: Path) -> None:
    judged, wrong = 0, 0
    for cycle in CYCLES:
        for site in SITES:
            n, strayed = on_the_wrong_side(nchs(shared, cycle, site), site)
            judged, wrong = judged + n, wrong + strayed
    assert judged > 60_000
    assert wrong == 0


@pytest.mark.parametrize("site", SITES)
def test_no_density_of_three_decimals_is_on_the_wrong_side_of_a_cut_off(site: str) -> None:
    """All there can be, each as a computer may hold it: read, summed up, or the next double."""
    plain = np.arange(200, 1700) / 1000
    shapes = [
        plain,
        plain * 3 / 3,
        (plain + 0.1) - 0.1,
        np.nextafter(plain, 0),
        np.nextafter(plain, 9),
    ]
    frame = pl.DataFrame({f"abmd_{site}": np.concatenate(shapes), "age": 60.0, "sex": "female"})
    judged, wrong = on_the_wrong_side(frame, site)
    assert (judged, wrong) == (7_500, 0)
