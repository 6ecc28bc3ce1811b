"""Sites, their regions of interest, and the kinds of evidence that a definition may take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from osteo_epi.arguments import names_in
from osteo_epi.errors import DefinitionError, did_you_mean
from osteo_epi.norms import Criterion

EVIDENCE = ("fracture", "dxa", "ctxa", "qct")
DIAGNOSTIC = {"lumbar_spine": "spine", "femoral_neck": "hip", "total_hip": "hip"}
LOWEST_T = "t_score_min_reported"
_SITES = ("sites (--sites)", "a site, a region, or a list of them")
NOT_STATED, LOWEST_ROI = "not_stated", "min"
"""Site and region of a lowest T-score whose regions nobody states (`LOWEST_T`)."""
REFUSED = {
    "hu": "CT values (HU) differ between scanners and are not a bone mineral density",
    "pdxa": "peripheral densitometry screens and does not diagnose",
    "pqct": "peripheral densitometry screens and does not diagnose",
    "qus": "ultrasound is not a bone mineral density; it screens and does not diagnose",
    "tbs": "TBS complements density and decides nothing alone",
    "frax": "FRAX is a risk, not a diagnosis",
    "mri": "MRI gives no density and does not diagnose",
    "biochemistry": "bone markers never diagnose alone",
}


@dataclass(frozen=True)
class Site:
    """A site of measurement and the regions of interest read there."""

    name: str
    rois: tuple[str, ...]


@dataclass(frozen=True)
class Gap:
    """A value that a reference does not hold."""

    kind: str
    norm: str
    sex: str
    roi: str

    def __str__(self) -> str:
        return f"{self.kind} {self.norm} lacks {self.sex} {self.roi}"


def site_rule(
    criterion: Criterion, sites: Iterable[str] | Mapping[str, Iterable[str]] | None
) -> tuple[Site, ...]:
    """Read the sites of a definition: the criterion's, or those named in their place.

    Examples
    --------
    >>> from osteo_epi import norms
    >>> site_rule(norms.load("criteria", "china_2020"), ["spine", "femoral_neck"])
    (Site(name='spine', rois=('lumbar_spine',)), Site(name='hip', rois=('femoral_neck',)))
    >>> site_rule(norms.load("criteria", "china_2020"), "not_stated")
    (Site(name='not_stated', rois=('min',)),)
    """
    own = {name: tuple(rois) for name, rois in criterion.sites.items()}
    if sites is not None and names_in(sites, *_SITES) == [NOT_STATED]:
        return (Site(NOT_STATED, (LOWEST_ROI,)),)
    if sites is None:
        return tuple(Site(name, rois) for name, rois in own.items())
    if isinstance(sites, Mapping):
        requested = [roi for rois in sites.values() for roi in names_in(rois, *_SITES)]
    else:
        requested = [roi for item in names_in(sites, *_SITES) for roi in own.get(item, (item,))]
    if unknown := [roi for roi in requested if roi not in DIAGNOSTIC]:
        verb = "is no site or region" if len(unknown) == 1 else "are no sites or regions"
        near = did_you_mean(unknown[0], (*own, *DIAGNOSTIC)) if len(unknown) == 1 else ""
        raise DefinitionError(
            f"{', '.join(map(repr, unknown))} {verb} of a diagnosis (--sites){near}; expected "
            f"spine, hip, {', '.join(DIAGNOSTIC)} (Ward's area and trochanter do not diagnose, the "
            "radius stands in by itself where the criterion has it)"
        )
    chosen = {
        site: tuple(roi for roi in DIAGNOSTIC if roi in requested and DIAGNOSTIC[roi] == site)
        for site in dict.fromkeys(DIAGNOSTIC.values())
    }
    if not requested:
        raise DefinitionError("sites= is empty; expected at least one site or region")
    return tuple(Site(name, rois) for name, rois in chosen.items() if rois)


def supported_evidence(criterion: Criterion, requested: Iterable[str] | None) -> tuple[str, ...]:
    """Read the kinds of evidence of a definition; refuse what the criterion does not have.

    Examples
    --------
    >>> from osteo_epi import norms
    >>> supported_evidence(norms.load("criteria", "nchs_bone_2021"), None)
    ('dxa',)
    """
    has = {
        "fracture": criterion.fracture.overrides,
        "dxa": True,
        "ctxa": criterion.qct is not None,
        "qct": criterion.vbmd_lumbar_spine is not None,
    }
    if requested is None:
        return tuple(kind for kind in EVIDENCE if has[kind])
    kinds = names_in(requested, "evidence (--evidence)", f"some of {', '.join(EVIDENCE)}")
    for kind in kinds:
        if kind in REFUSED:
            raise DefinitionError(f"evidence {kind!r} is refused: {REFUSED[kind]}")
        if kind not in EVIDENCE:
            raise DefinitionError(
                f"unknown evidence (--evidence) {kind!r}{did_you_mean(kind, EVIDENCE)}; there are "
                f"{', '.join(EVIDENCE)}"
            )
        # Areal density of the hip by CT is read by the T-score of any criterion, if asked for.
        if not has[kind] and kind != "ctxa":
            raise DefinitionError(f"criterion {criterion.id} has no rule for evidence {kind!r}")
    if not kinds:
        raise DefinitionError(f"evidence= is empty; expected some of {', '.join(EVIDENCE)}")
    return tuple(kind for kind in EVIDENCE if kind in kinds)
