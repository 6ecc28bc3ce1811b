"""The facts that a methods paragraph states: what was measured, who was left out, how many."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

import polars as pl

from osteo_epi.cohort import is_simulated
from osteo_epi.diagnosis import MAKERS, Definition
from osteo_epi.norms import Norm, StandardPopulation
from osteo_epi.report._analysis import Analysis
from osteo_epi.report._facts import Facts
from osteo_epi.report.choices import Choices
from osteo_epi.visible import visible

VERTEBRAE = [f"{quantity}_l{i}" for quantity in ("abmd", "bmc") for i in range(1, 5)]
OWN_YOUNG = "own young adults"
PRESENTED = "nchs_proportion"
"""The rule by which a run shows its estimates."""
FEW = 4
"""Scanners that a paragraph names."""


@dataclass(frozen=True)
class Study:
    """What a methods paragraph states beside the definition.

    Parameters
    ----------
    n_in, n, n_missing
        People in the data; people that the estimate for all rests on; people of that population
        who could not be classified.
    ages
        [years] Of the estimate, the upper one not reached.
    measured
        Kinds of evidence that somebody has: `dxa`, `ctxa`, `qct`, `fracture`.
    rois
        Regions that somebody has.
    has_vertebrae
        Whether somebody has single vertebrae by DXA, so that a rule makes the lumbar spine.
    has_z_scores
        Whether somebody was judged by a Z-score.
    standard
        The standard population, or None.
    design
        The survey design by the survey's own names; "" for a simple random sample.
    interval, confidence
        Kind of interval and its level.
    version
        Of the package.
    label, is_simulated
        What must be said of the data, and whether they are simulated.
    cycles
        Of NHANES, where the data are its public files.
    n_centres, years
        Centres, and first and last year of the examinations, as far as the data state them.
    makers, devices, calibrations
        Of the densitometers and the QCT, as far as the data state them.
    has_both_hips
        Whether somebody has a density of each hip.
    sources
        Role of a norm to the number of its publication in the list of references.
    left_out
        Reason to people left out of the population before anybody was classified.
    n_menopause_by_age
        Women taken as postmenopausal by their age alone.
    n_judged_by_z
        Those of the n people who have no class, and to whom only the Z-score applies.
    n_open_fractures
        People whose fracture record is not complete.
    n_incomplete
        People with osteoporosis by density while a required region is missing: counted as missing.
    fractures_stated, fractures_from_parts
        Whether some answer on fragility fracture is the file's own; whether some is judged from
        trauma, imaging and secondary causes.
    counts_fractures_apart
        Whether established fractures and densities were estimated apart and put together.
    counts_reference_error
        Whether the intervals hold the sampling error of the study's own young adults.
    people_affected
        Whose people affected are given: `weights`, `standard`, `none`.
    """

    n_in: int
    n: int
    n_missing: int
    ages: tuple[float, float]
    measured: frozenset[str]
    rois: frozenset[str]
    has_vertebrae: bool
    has_z_scores: bool
    standard: StandardPopulation | None
    design: str
    interval: str
    confidence: float
    version: str
    label: str = ""
    is_simulated: bool = False
    cycles: tuple[str, ...] = ()
    n_centres: int = 0
    years: tuple[int, int] | None = None
    makers: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    calibrations: tuple[str, ...] = ()
    has_both_hips: bool = False
    sources: Mapping[str, int] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)
    n_menopause_by_age: int = 0
    n_judged_by_z: int = 0
    n_open_fractures: int = 0
    n_incomplete: int = 0
    fractures_stated: bool = False
    fractures_from_parts: bool = False
    counts_fractures_apart: bool = False
    counts_reference_error: bool = False
    people_affected: str = "none"

    @property
    def judged(self) -> frozenset[str]:
        """The evidence, and "z" where somebody was judged by a Z-score."""
        return self.measured | {"z"} if self.has_z_scores else self.measured


def study_of(analysis: Analysis, choices: Choices) -> Study:
    """Gather the facts of an analysis."""
    meta, rows = analysis.prevalence.meta, analysis.prevalence.to_polars()
    facts = analysis.facts
    counts = facts.counts
    return Study(
        n_in=analysis.n,
        n=meta["n_measured"],
        n_missing=meta["n_domain"] - meta["n_measured"],
        ages=analysis.ages,
        measured=_measured(facts, analysis.definition),
        rois=_regions(facts, analysis.definition),
        has_vertebrae=facts.hold(VERTEBRAE),
        has_z_scores=facts.hold(["z_score_min"]),
        standard=analysis.standard,
        design=design_of(analysis),
        interval=choices.interval,
        confidence=choices.confidence,
        version=version("osteo-epi"),
        label=analysis.label,
        **_origin(analysis),
        sources=_sources(analysis),
        left_out=_left_out(analysis),
        n_menopause_by_age=counts.get("menopause_by_age", 0),
        n_judged_by_z=counts.get("judged_by_z", 0),
        n_open_fractures=counts.get("open_fractures", 0),
        n_incomplete=counts.get("incomplete", 0),
        fractures_stated=counts.get("fractures_stated", 0) > 0,
        fractures_from_parts=counts.get("fractures_from_parts", 0) > 0,
        counts_fractures_apart="n_fracture" in rows.columns and rows["n_fracture"].count() > 0,
        counts_reference_error=bool(rows["method"].str.contains(OWN_YOUNG).any()),
        people_affected=meta["people_affected"] if rows["people_affected"].count() else "none",
    )


def norms_of(analysis: Analysis) -> dict[str, Any]:
    """What took part of norms, by its role, in the order in which a paper cites them."""
    definition = analysis.definition
    parts = {
        "criterion": definition.criterion,
        "young-adult reference": definition.reference if definition.is_scored else None,
        "age reference": definition.age_reference,
        "young-adult reference, CTXA": definition.ctxa_reference,
        "vertebral fracture": definition.genant if "fracture" in definition.evidence else None,
        "standard population": analysis.standard,
    }
    return {role: norm for role, norm in parts.items() if norm is not None}


def _sources(analysis: Analysis) -> dict[str, int]:
    """The numbers of those that are published, and of the rule of presentation behind them."""
    used = norms_of(analysis)
    numbers = {
        role: number
        for number, (role, norm) in enumerate(used.items(), start=1)
        if isinstance(norm, Norm)
    }
    return numbers | {"rule of presentation": len(used) + 1}


def design_of(analysis: Analysis) -> str:
    """The survey design in words, its columns by the survey's own names; "" where there is none."""
    if not analysis.design.columns:
        return ""
    names, text = analysis.people.source.design, str(analysis.design)
    return re.sub(r"\w+", lambda found: names.get(found[0], found[0]), text)


def _origin(analysis: Analysis) -> dict[str, Any]:
    """Where the people come from, and by what they were measured."""
    facts = analysis.facts
    is_nhanes = analysis.people.source.reader == "nhanes"
    makers = [maker for maker in _levels(facts, "device_maker") if maker in MAKERS]
    devices = _levels(facts, "device")
    both = [
        {f"abmd_{roi}_left", f"abmd_{roi}_right"} <= facts.anywhere
        for roi in analysis.definition.rois
    ]
    return {
        "is_simulated": is_simulated(analysis.people),
        "cycles": tuple(_levels(facts, "cycle")) if is_nhanes else (),
        "n_centres": len(_levels(facts, "centre")),
        "years": next(
            (facts.years[c] for c in ("scan_date", "exam_year") if c in facts.years), None
        ),
        "makers": tuple(makers),
        "devices": tuple(devices) if len(devices) <= FEW else (),
        "calibrations": tuple(_levels(facts, "qct_calibration")[:FEW]),
        "has_both_hips": any(both),
    }


def _levels(facts: Facts, column: str) -> list[str]:
    """The values of a column of texts, sorted."""
    return sorted(map(visible, facts.levels.get(column, ())))


def _measured(facts: Facts, definition: Definition) -> frozenset[str]:
    """The kinds of evidence of the definition that some person has."""
    scores = [f"t_score_{roi}" for roi in definition.scored]
    columns = {
        "dxa": [name for name in scores if not name.endswith("_ctxa")],
        "ctxa": [name for name in scores if name.endswith("_ctxa")],
        "qct": [name for name in facts.held if name.startswith(("vbmd_l", "vbmd_lumbar"))],
        "fracture": ["fragility_fracture"],
    }
    return frozenset(kind for kind in definition.evidence if facts.hold(columns.get(kind, [])))


def _regions(facts: Facts, definition: Definition) -> frozenset[str]:
    """The regions of the definition that some person has, scored or not."""
    ends = ("", "_by_rule", "_left", "_right")
    return frozenset(
        roi
        for roi in definition.scored
        if facts.hold([f"abmd_{roi}{end}" for end in ends] + [f"t_score_{roi}"])
    )


def _left_out(analysis: Analysis) -> dict[str, int]:
    """People left out before the classes are looked at, by the reason of the flow."""
    steps = analysis.flow.to_polars().with_row_index("row")
    last = steps.filter(pl.col("step") == "classified")["row"].min()
    # The cohort's own steps are of rows: those of one person were joined there.
    first = len(analysis.people.flow.steps)
    before = steps.filter(
        (pl.col("order") > first) & (pl.col("row") < last) & (pl.col("n_excluded") > 0)
    )
    return dict(before.select("reason", "n_excluded").iter_rows())
