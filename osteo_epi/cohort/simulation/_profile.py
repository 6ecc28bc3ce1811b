"""The numbers a synthetic cohort is drawn from, as arrays by sex, read from their norm file.

No number of the model stands in the code: anchors, derived shapes and assumptions are all in
reference_norms/simulation/, each table with its origin.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from osteo_epi import norms
from osteo_epi.norms import Simulation

SEXES = ("female", "male")
VERTEBRAE = ("l1", "l2", "l3", "l4")
HIP = ("femoral_neck", "total_hip", "trochanter")
NO_WORD = -1  # position of a text that is missing
Array = np.ndarray
Columns = dict[str, np.ndarray]


def by_sex(table: Mapping[str, Any]) -> Array:
    """Values of a table in the order in which sexes are coded here: women 0, men 1."""
    return np.array([table[sex] for sex in SEXES], dtype=float)


def pick(rng: np.random.Generator, n: int, shares: list[float]) -> Array:
    """Draw n positions with the given shares."""
    return np.searchsorted(np.cumsum(shares)[:-1], rng.random(n), side="right")


@dataclass(frozen=True)
class Profile:
    """A simulation file, ready to draw from.

    Attributes
    ----------
    norm
        The file.
    ages
        [years] Every age that occurs.
    age_counts
        People of the standard population, shape (2, ages).
    mean
        Region of interest to expected areal density [g/cm²], shape (2, ages); likewise
        `vbmd_lumbar_spine` [mg/cm³].
    sd
        Region to SD within sex and age, shape (2,).
    factor
        Lower triangular factor of the correlation of L1–L4, femoral neck, total hip and
        trochanter, shape (2, 7, 7).
    """

    norm: Simulation
    ages: Array
    age_counts: Array
    mean: Mapping[str, Array]
    sd: Mapping[str, Array]
    factor: Array

    @property
    def data(self) -> Mapping[str, Any]:
        """The tables of the file."""
        return self.norm.data

    @classmethod
    def load(cls, name: str, *, solved: Mapping[str, Mapping[str, float]] | None = None) -> Profile:
        """Read a profile; `solved` replaces the solved scalars, for whoever solves them."""
        norm = norms.load("simulation", name)
        data, solved = norm.data, solved or norm.data["solved"]
        ages = np.arange(data["ages"]["youngest"], data["ages"]["oldest"] + 1)
        mean = _areal_curves(data, ages, by_sex(solved["loss_scale"]))
        mean["vbmd_lumbar_spine"] = _vbmd_curve(data, ages)
        sd = _areal_sds(data) | {"vbmd_lumbar_spine": by_sex(solved["qct_sd"])}
        factor = np.linalg.cholesky(
            np.array([_rounded_correlation(data["derived"][sex]["correlation"]) for sex in SEXES])
        )
        return cls(norm, ages, _age_counts(data["ages"], ages), mean, sd, factor)

    def expected(self, what: str, people: Mapping[str, Array]) -> Array:
        """Expected density of each person, by sex and age."""
        return self.mean[what][people["sex"], people["age"] - self.ages[0]]


def _rounded_correlation(rows: list[list[float]]) -> Array:
    matrix = np.array(rows)
    return (matrix + matrix.T) / 2


def _age_counts(table: Mapping[str, Any], ages: Array) -> Array:
    """Census people at each single age: even within a band, the oldest age takes the rest."""
    standard = norms.load("standard_population", table["standard"])
    out = np.zeros((2, len(ages)))
    for row, sex in enumerate(SEXES):
        counts = standard.counts(sex)
        for band in standard.bands:
            single = np.arange(
                band.lower, band.upper if np.isfinite(band.upper) else band.lower + 1
            )
            share = counts[band.name] / len(single)
            keep = np.minimum(single[single >= ages[0]], ages[-1]).astype(int)
            np.add.at(out[row], keep - ages[0], share)
    return out


def _areal_curves(data: Mapping[str, Any], ages: Array, loss_scale: Array) -> dict[str, Array]:
    """Peak × (1 − deficit before the peak − loss_scale × loss after it), by region."""
    peak, shapes = _peaks(data), data["derived"]
    knots = np.array(shapes["knots"], dtype=float)
    curves: dict[str, Array] = {}
    for roi in ("lumbar_spine", *HIP, "radius_33"):
        rows = []
        for row, sex in enumerate(SEXES):
            before, after = _shape(data, sex, roi)
            remaining = 1 - before - loss_scale[row] * after
            rows.append(peak[roi][row] * np.interp(ages, knots, remaining))
        curves[roi] = np.array(rows)
    ratio = np.array([shapes[sex]["vertebra_mean_ratio"] for sex in SEXES])
    for k, vertebra in enumerate(VERTEBRAE):
        curves[vertebra] = ratio[:, k, None] * curves["lumbar_spine"]
    return curves


def _shape(data: Mapping[str, Any], sex: str, roi: str) -> tuple[Array, Array]:
    derived = data["derived"][sex]
    before, after = derived["deficit_before_peak"], derived["loss_after_peak"]
    if roi == "radius_33":
        return np.array(before["total_hip"]), np.array(after["total_hip"])
    if roi == "lumbar_spine" and sex == "male":
        share = data["male_spine"]["share_of_total_hip_loss"]
        return np.array(before[roi]), share * np.array(after["total_hip"])
    return np.array(before[roi]), np.array(after[roi])


def _peaks(data: Mapping[str, Any]) -> dict[str, Array]:
    peak, ratio = data["peak"], data["derived"]["trochanter_mean_ratio_male_to_female"]
    women = peak["female"] | peak["female_total_hip"] | peak["female_trochanter"]
    men = peak["male"] | {"trochanter": women["trochanter"] * ratio}
    rois = ("lumbar_spine", *HIP)
    out = {roi: by_sex({"female": women[roi], "male": men[roi]}) for roi in rois}
    return out | {"radius_33": by_sex(data["radius"]["peak"])}


def _areal_sds(data: Mapping[str, Any]) -> dict[str, Array]:
    women, ratio = data["sd"]["female"], data["derived"]["sd_ratio_male_to_female"]
    rois = ("lumbar_spine", *HIP)
    out = {roi: np.array([women[roi], women[roi] * ratio[roi]]) for roi in rois}
    vertebra = np.array([data["derived"][sex]["vertebra_sd_ratio"] for sex in SEXES])
    for k, name in enumerate(VERTEBRAE):
        out[name] = vertebra[:, k] * out["lumbar_spine"]
    return out | {"radius_33": by_sex(data["radius"]["sd"])}


def _vbmd_curve(data: Mapping[str, Any], ages: Array) -> Array:
    """From the peak to the value at 80, and on: along a line, or as a region's areal loss goes."""
    qct = data["qct"]
    rows = []
    for sex in SEXES:
        lost = _share_lost(data, sex, qct["use"]["shape"][sex], ages)
        rows.append(qct["peak"][sex] + (qct["at_80"][sex] - qct["peak"][sex]) * lost)
    return np.array(rows)


def _share_lost(data: Mapping[str, Any], sex: str, shape: str, ages: Array) -> Array:
    """Share of the loss up to 80 that has come by each age."""
    end = data["qct"]["peak_ages"][1]
    if shape == "line":
        return np.maximum(ages - end, 0) / (80 - end)
    loss = data["derived"][sex]["loss_after_peak"][shape]
    at = np.interp([*ages, 80], data["derived"]["knots"], loss)
    return at[:-1] / at[-1]
