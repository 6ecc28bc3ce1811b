"""What a file offers to a run: what was measured, and which references hold it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import polars as pl

from osteo_epi import norms
from osteo_epi.cohort import Cohort, codebook
from osteo_epi.diagnosis import maker_in, stated_makers
from osteo_epi.errors import SchemaError
from osteo_epi.labels import word
from osteo_epi.norms import SEXES, Criterion, YoungAdultReference

FRACTURES = ("fragility_fracture", "fracture_site", "genant_grade", "vertebral_height_loss")
_MEASURED = ("abmd_", "vbmd_", "t_score_", "z_score_")
_OTHERS = {
    "hu_": "CT attenuation [HU], which is no density",
    "qus_": "ultrasound (QUS), which screens and makes no diagnosis",
    "abmd_radius_pdxa": "peripheral DXA, which screens and makes no diagnosis",
    "vbmd_radius_pqct": "peripheral QCT, which screens and makes no diagnosis",
    "tbs": "the trabecular bone score, which decides nothing alone",
}
_WOMEN = {"female": "women", "male": "men"}


@dataclass(frozen=True)
class Offer:
    """What people hold that a definition may read.

    Parameters
    ----------
    densities, scores
        Regions of interest with areal densities, and with T-scores of the file's own.
    volumetric
        Whether there is QCT of the spine.
    sexes
        Sexes that occur; both where the file does not say.
    makers
        Makers of densitometers that the data state.
    young
        People of 20 to 39 years with some density.
    """

    densities: tuple[str, ...]
    scores: tuple[str, ...]
    volumetric: bool
    sexes: tuple[str, ...]
    makers: tuple[str, ...]
    young: int

    @classmethod
    def of(cls, people: Cohort, unread: Iterable[str] = ()) -> Offer:
        """Those of a cohort; `unread` are columns that the file has, and that hold a fault."""
        frame = people.frame
        held = {c for c in frame.columns if c in codebook() and frame[c].count()} | set(unread)
        densities = [c for c in frame.columns if c in held and c.startswith("abmd_")]
        sexes = tuple(s for s in SEXES if "sex" in held - set(unread) and s in frame["sex"])
        young = 0
        if densities and "age" in frame.columns:
            grown = pl.col("age").is_between(20, 40, closed="left")
            some = pl.any_horizontal(pl.col(densities).is_not_null())
            young = frame.filter(grown & some).height
        return cls(
            densities=_rois(held, "abmd_"),
            scores=_rois(held, "t_score_"),
            volumetric=any(c.startswith("vbmd_") for c in held),
            sexes=sexes or SEXES,
            makers=stated_makers(frame),
            young=young,
        )

    def holds(self, reference: YoungAdultReference) -> dict[str, tuple[str, ...]]:
        """Sex → regions measured here that a reference holds."""
        there = {(entry.sex, entry.roi) for entry in reference.entries}
        rois = [roi for roi in self.densities if roi != "radius_33"]
        held = {sex: tuple(r for r in rois if (sex, r) in there) for sex in self.sexes}
        return {sex: rois for sex, rois in held.items() if rois}

    def suits(self, reference: YoungAdultReference) -> bool:
        """Whether no maker that the data state speaks against a reference."""
        level = reference.maker_level or maker_in(reference.maker)
        return not self.makers or level is None or set(self.makers) == {level}


def _rois(held: Iterable[str], start: str) -> tuple[str, ...]:
    """Regions of a diagnosis that columns of one kind are of, whatever the side."""
    variables = [codebook()[name] for name in held if name.startswith(start)]
    regions = {(v.roi or "").removesuffix(f"_{v.side}") for v in variables}
    if regions & {"l1", "l2", "l3", "l4"} and start == "abmd_":
        regions.add("lumbar_spine")
    order = ("lumbar_spine", "femoral_neck", "total_hip", "radius_33", "min")
    return tuple(roi for roi in order if roi in regions)


def measurements_lacking(columns: Sequence[str]) -> None:
    """Refuse data without anything that a definition of osteoporosis reads.

    Raises
    ------
    SchemaError
        With what is there instead, and what would be needed.

    Examples
    --------
    >>> measurements_lacking(["age", "sex", "hu_l1"])
    Traceback (most recent call last):
    ...
    osteo_epi.errors.SchemaError: no density, T-score or QCT value was recognised (hu_l1 is CT ...
    """
    known = [name for name in columns if name in codebook()]
    if any(_is_measurement(name) for name in known):
        return
    said = {
        f"{name} is {what}"
        for name in known
        for start, what in _OTHERS.items()
        if name.startswith(start)
    }
    found = f" ({'; '.join(sorted(said))})" if said else ""
    raise SchemaError(
        f"no density, T-score or QCT value was recognised{found}; needed are densities by DXA "
        "[g/cm²] (abmd_lumbar_spine, abmd_femoral_neck, abmd_total_hip), T-scores of the device "
        "(t_score_lumbar_spine_reported, …, read by --reference reported) or QCT of "
        "the spine [mg/cm³] (vbmd_l1, vbmd_l2): say which column is one with "
        "map={heading: variable} (--map HEADING=VARIABLE); the columns are "
        f"{', '.join(columns)}"
    )


def _is_measurement(name: str) -> bool:
    variable = codebook()[name]
    return name in FRACTURES or (variable.decides and name.startswith(_MEASURED))


def references_for(offer: Offer, criterion: Criterion, folder: object = None) -> str:
    """Say which references there are for what was measured, where a definition names none.

    Examples
    --------
    >>> offer = Offer((), ("femoral_neck",), False, ("female",), (), 0)
    >>> references_for(offer, norms.load("criteria", "china_2020"))
    'china_2020 names no reference of its own: say with reference= (--reference) whom T-scores
    compare with, --reference reported (the T-scores in the file: femoral neck)'
    """
    ways = []
    if offer.scores:
        rois = ", ".join(word(roi).lower() for roi in offer.scores)
        ways.append(f"--reference reported (the T-scores in the file: {rois})")
    for reference in ranked(offer, folder):
        ways.append(f"--reference {reference.id} ({coverage(offer, reference)})")
    if offer.densities:
        here = f"their own young adults, 20 to 39 years, {offer.young:,} here"
        ways.append(f"--reference own_young_adults ({here})")
    return (
        f"{criterion.id} names no reference of its own: say with reference= (--reference) whom "
        f"T-scores compare with, {'; '.join(ways)}"
    )


def ranked(offer: Offer, folder: object = None) -> list[YoungAdultReference]:
    """Published references that hold something measured here, those that hold most first."""
    there = norms.available("young_adult", folder=folder)  # type: ignore[arg-type]
    fit = [n for n in there if isinstance(n, YoungAdultReference) and offer.suits(n)]
    counted = [(sum(map(len, offer.holds(n).values())), n) for n in fit]
    return [n for k, n in sorted(counted, key=lambda pair: -pair[0]) if k]


def coverage(offer: Offer, reference: YoungAdultReference) -> str:
    """Which of the regions measured a reference holds, by sex."""
    parts = [
        f"{_WOMEN[sex]}: {', '.join(word(roi).lower() for roi in rois)}"
        for sex, rois in offer.holds(reference).items()
    ]
    return "; ".join(parts)
