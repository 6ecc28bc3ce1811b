"""The facts that a methods paragraph states: what was measured, who was left out, how many."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

import polars as pl

from osteo_epi.cohort import is_simulated
from osteo_epi.diagnosis import MAKERS, Definition
from osteo_epi.norms import Norm, StandardPopulation
from osteo_epi.population import could_be_measured
from osteo_epi.report._analysis import Analysis
from osteo_epi.report.choices import Choices
from osteo_epi.visible import visible

BY_AGE = "menopause_not_stated_taken_from_age"
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
    frame = analysis.people.frame
    of_age = pl.col("age").is_between(*analysis.ages, closed="left")
    people = _Inside(frame, frame.select(of_age & could_be_measured(frame)).to_series())
    judged = pl.col("fragility_fracture").is_not_null()
    own = pl.col("fracture_reason").str.starts_with("fracture_stated").fill_null(False)
    sick = (pl.col("bone_class") == "osteoporosis") & ~pl.col("sites_complete")
    return Study(
        n_in=len(frame),
        n=meta["n_measured"],
        n_missing=meta["n_domain"] - meta["n_measured"],
        ages=analysis.ages,
        measured=_measured(people, analysis.definition),
        rois=_regions(people, analysis.definition),
        has_vertebrae=people.hold(VERTEBRAE),
        has_z_scores=people.hold(["z_score_min"]),
        standard=analysis.standard,
        design=design_of(analysis),
        interval=choices.interval,
        confidence=choices.confidence,
        version=version("osteo-epi"),
        label=analysis.label,
        **_origin(analysis),
        sources=_sources(analysis),
        left_out=_left_out(analysis),
        n_menopause_by_age=people.count("score_reason", pl.col("score_reason") == BY_AGE),
        n_judged_by_z=_judged_by_z(people, analysis.definition),
        n_open_fractures=people.count("fracture_open_record", pl.col("fracture_open_record")),
        n_incomplete=people.count(
            "sites_complete", sick & (pl.col("bone_class_rule") != "fragility_fracture")
        ),
        fractures_stated=people.count("fracture_reason", judged & own) > 0,
        fractures_from_parts=people.count("fracture_reason", judged & ~own) > 0,
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
    people = analysis.people.frame
    is_nhanes = analysis.people.source.reader == "nhanes"
    everybody = _Inside(people, pl.repeat(True, len(people), dtype=pl.Boolean, eager=True))
    makers = [maker for maker in _levels(people, "device_maker") if maker in MAKERS]
    devices = _levels(people, "device")
    both = [
        all(everybody.hold([f"abmd_{roi}_{side}"]) for side in ("left", "right"))
        for roi in analysis.definition.rois
    ]
    return {
        "is_simulated": is_simulated(analysis.people),
        "cycles": tuple(_levels(people, "cycle")) if is_nhanes else (),
        "n_centres": len(_levels(people, "centre")),
        "years": _years(people),
        "makers": tuple(makers),
        "devices": tuple(devices) if len(devices) <= FEW else (),
        "calibrations": tuple(_levels(people, "qct_calibration")[:FEW]),
        "has_both_hips": any(both),
    }


def _levels(people: pl.DataFrame, column: str) -> list[str]:
    """The values of a column of texts, sorted."""
    if column not in people.columns:
        return []
    return sorted(map(visible, people[column].unique().drop_nulls().cast(pl.String)))


def _years(people: pl.DataFrame) -> tuple[int, int] | None:
    """First and last year of the examinations."""
    for column, year in (("scan_date", pl.col("scan_date").dt.year()), ("exam_year", "exam_year")):
        if column in people.columns and people[column].count():
            years = people.select(year=year).select(first=pl.min("year"), last=pl.max("year"))
            return int(years["first"].item()), int(years["last"].item())
    return None


def _measured(people: _Inside, definition: Definition) -> frozenset[str]:
    """The kinds of evidence of the definition that some person has."""
    scores = [f"t_score_{roi}" for roi in definition.scored]
    columns = {
        "dxa": [name for name in scores if not name.endswith("_ctxa")],
        "ctxa": [name for name in scores if name.endswith("_ctxa")],
        "qct": [
            name for name in people.frame.columns if name.startswith(("vbmd_l", "vbmd_lumbar"))
        ],
        "fracture": ["fragility_fracture"],
    }
    return frozenset(kind for kind in definition.evidence if people.hold(columns.get(kind, [])))


def _regions(people: _Inside, definition: Definition) -> frozenset[str]:
    """The regions of the definition that some person has, scored or not."""
    ends = ("", "_by_rule", "_left", "_right")
    return frozenset(
        roi
        for roi in definition.scored
        if people.hold([f"abmd_{roi}{end}" for end in ends] + [f"t_score_{roi}"])
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


def _judged_by_z(people: _Inside, definition: Definition) -> int:
    if definition.criterion.z_score is None or "bone_class" not in people.frame.columns:
        return 0
    no_class = pl.col("bone_class").cast(pl.String) == "not_classifiable"
    by_z = pl.col("score_applied").cast(pl.String) == "z"
    return people.count("score_applied", by_z & no_class)


@dataclass(frozen=True)
class _Inside:
    """Those whom the estimate is about: a mask, for their columns are not held a second time."""

    frame: pl.DataFrame
    rows: pl.Series

    def hold(self, columns: Iterable[str]) -> bool:
        """Whether somebody has a value in one of these columns."""
        there = [name for name in columns if name in self.frame.columns]
        return any((self.frame[name].is_not_null() & self.rows).any() for name in there)

    def count(self, column: str, where: pl.Expr) -> int:
        """How many an expression on a column is true of; none where there is no such column."""
        if column not in self.frame.columns:
            return 0
        return int(self.frame.select((where & self.rows).sum()).item() or 0)
