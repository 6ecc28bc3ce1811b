"""Small SIMULATED data that come with the toolkit, so that an example runs on its second line.

Nothing here is a measurement of a person: the files are made by ``data/make_synthetic.py`` and say
so in every row, and what is read from them says so in its label.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl

from osteo_epi.cohort import Cohort, read, simulate, simulate_phantom

__all__ = ["clinic", "clinic_file", "follow_up", "phantom", "simulate", "survey"]

SEED = 2023
LABEL = "SIMULATED people, to try commands on: no evidence about anybody"


def clinic() -> Cohort:
    """300 SIMULATED adults as a clinic in China might export them, taken in by `read`.

    Returns
    -------
    Cohort
        Age [years], sex, height [cm], weight [kg], areal densities of lumbar spine, femoral neck
        and total hip [g/cm²], with the findings that the file's slips lead to.

    Examples
    --------
    >>> people = clinic()
    >>> len(people), len(people.findings.of("out_of_range"))
    (300, 2)
    """
    return _simulated(clinic_file())


def clinic_file() -> Path:
    """The file behind `clinic`: Chinese headings, GB18030, 男/女, −9 for missing, two slips.

    Examples
    --------
    >>> clinic_file().read_bytes()[:4].decode("gb18030")
    '编号'
    """
    return _file("synthetic_clinic.csv")


def survey() -> Cohort:
    """2,400 SIMULATED adults of a stratified two-stage sample, people from 50 years oversampled.

    Returns
    -------
    Cohort
        `survey_weight` (its sum is the population, 60,000), `stratum` (8) and `psu` (32) beside
        age [years], sex, height [cm], weight [kg] and areal densities [g/cm²].

    Examples
    --------
    >>> people = survey()
    >>> len(people), round(people["survey_weight"].sum()), people["psu"].n_unique()
    (2400, 60000, 32)
    """
    return _simulated(_file("synthetic_survey.csv"))


def follow_up() -> Cohort:
    """2,000 SIMULATED people from 50 years with QCT and DXA, followed for up to 13 years.

    Returns
    -------
    Cohort
        At the start: age [years], sex, height [cm], weight [kg], `vbmd_lumbar_spine` [mg/cm³],
        areal densities [g/cm²] and T-scores of lumbar spine, femoral neck and total hip,
        `dxa_osteoporosis` (the lowest of the three is −2.5 or less, where all are there) and
        `clinical_risk` (of a fracture in ten years, by age and sex alone). Then
        `follow_up_years` to the first fracture, death, loss or end of the study, and which it
        was: `fracture`, `death`.

    Notes
    -----
    Hazards rise with age (Gompertz) and with low volumetric density, by the gradient of Marshall
    1996 (doi 10.1136/bmj.312.7041.1254); all else of the model is assumed, and stated under
    `[follow_up]` in ``reference_norms/simulation/china_2010.toml``.

    Examples
    --------
    >>> people = follow_up()
    >>> len(people), people["fracture"].sum(), people["death"].sum()
    (2000, 250, 321)
    """
    people = _simulated(_file("synthetic_follow_up.csv"))
    # A text file has words where these columns say yes or no.
    answers = {"true": True, "false": False}
    columns = pl.col("dxa_osteoporosis", "fracture", "death")
    return people.with_frame(
        people.frame.with_columns(columns.replace_strict(answers, return_dtype=pl.Boolean))
    )


def phantom() -> pl.DataFrame:
    """SIMULATED scans of the European Spine Phantom on seven devices, see `simulate_phantom`.

    Returns
    -------
    polars.DataFrame
        One row a device, scan and vertebra, with nominal density and reading [g/cm²].

    Examples
    --------
    >>> phantom().select("device", "nominal", "abmd").n_unique("device")
    7
    """
    return simulate_phantom(seed=SEED)


def _simulated(file: Path) -> Cohort:
    people = read(file)
    return replace(people, source=replace(people.source, label=LABEL))


def _file(name: str) -> Path:
    """In an installed package data/ lies inside, in a checkout beside it."""
    package = Path(__file__).parent
    inside = package / "data" / name
    return inside if inside.exists() else package.parent / "data" / name


def __dir__() -> list[str]:
    return sorted(__all__)
