"""The facts that a methods paragraph states: what was measured, who was left out, how many."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version

import polars as pl

from osteo_epi.diagnosis import Definition
from osteo_epi.norms import StandardPopulation
from osteo_epi.population import could_be_measured
from osteo_epi.report._analysis import Analysis
from osteo_epi.report.choices import Choices

BY_AGE = "menopause_not_stated_taken_from_age"
VERTEBRAE = [f"{quantity}_l{i}" for quantity in ("abmd", "bmc") for i in range(1, 5)]
OWN_YOUNG = "own young adults"


@dataclass(frozen=True)
class Study:
    """What a methods paragraph states beside the definition.

    Parameters
    ----------
    n_in, n, n_missing
        People in the data; people that the estimate for all rests on; people of that population
        who could not be classified.
    lowest_age
        [years]
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
        The survey design in words; "" for a simple random sample.
    interval, confidence
        Kind of interval and its level.
    version
        Of the package.
    label
        What must be said of the data, e.g. that they are simulated.
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
    lowest_age: float
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
    people = frame.filter(of_age & could_be_measured(frame))
    judged = pl.col("fragility_fracture").is_not_null()
    own = pl.col("fracture_reason").str.starts_with("fracture_stated").fill_null(False)
    sick = (pl.col("bone_class") == "osteoporosis") & ~pl.col("sites_complete")
    return Study(
        n_in=len(frame),
        n=meta["n_measured"],
        n_missing=meta["n_domain"] - meta["n_measured"],
        lowest_age=analysis.ages[0],
        measured=_measured(people, analysis.definition),
        rois=_regions(people, analysis.definition),
        has_vertebrae=_holds_values(people, VERTEBRAE),
        has_z_scores=_holds_values(people, ["z_score_min"]),
        standard=analysis.standard,
        design=str(analysis.design) if analysis.design.columns else "",
        interval=choices.interval,
        confidence=choices.confidence,
        version=version("osteo-epi"),
        label=analysis.label,
        left_out=_left_out(analysis),
        n_menopause_by_age=_count(people, "score_reason", pl.col("score_reason") == BY_AGE),
        n_judged_by_z=_judged_by_z(people, analysis.definition),
        n_open_fractures=_count(people, "fracture_open_record", pl.col("fracture_open_record")),
        n_incomplete=_count(
            people, "sites_complete", sick & (pl.col("bone_class_rule") != "fragility_fracture")
        ),
        fractures_stated=_count(people, "fracture_reason", judged & own) > 0,
        fractures_from_parts=_count(people, "fracture_reason", judged & ~own) > 0,
        counts_fractures_apart="n_fracture" in rows.columns and rows["n_fracture"].count() > 0,
        counts_reference_error=bool(rows["method"].str.contains(OWN_YOUNG).any()),
        people_affected=meta["people_affected"] if rows["people_affected"].count() else "none",
    )


def _measured(people: pl.DataFrame, definition: Definition) -> frozenset[str]:
    """The kinds of evidence of the definition that some person has."""
    scores = [f"t_score_{roi}" for roi in definition.scored]
    columns = {
        "dxa": [name for name in scores if not name.endswith("_ctxa")],
        "ctxa": [name for name in scores if name.endswith("_ctxa")],
        "qct": [name for name in people.columns if name.startswith(("vbmd_l", "vbmd_lumbar"))],
        "fracture": ["fragility_fracture"],
    }
    return frozenset(
        kind for kind in definition.evidence if _holds_values(people, columns.get(kind, []))
    )


def _regions(people: pl.DataFrame, definition: Definition) -> frozenset[str]:
    """The regions of the definition that some person has, scored or not."""
    ends = ("", "_by_rule", "_left", "_right")
    return frozenset(
        roi
        for roi in definition.scored
        if _holds_values(people, [f"abmd_{roi}{end}" for end in ends] + [f"t_score_{roi}"])
    )


def _holds_values(people: pl.DataFrame, columns: list[str]) -> bool:
    return any(people[name].count() for name in columns if name in people.columns)


def _left_out(analysis: Analysis) -> dict[str, int]:
    """People left out before the classes are looked at, by the reason of the flow."""
    steps = analysis.flow.to_polars().with_row_index("row")
    last = steps.filter(pl.col("step") == "classified")["row"].min()
    before = steps.filter((pl.col("row") < last) & (pl.col("n_excluded") > 0))
    return dict(before.select("reason", "n_excluded").iter_rows())


def _judged_by_z(people: pl.DataFrame, definition: Definition) -> int:
    if definition.criterion.z_score is None or "bone_class" not in people.columns:
        return 0
    no_class = pl.col("bone_class").cast(pl.String) == "not_classifiable"
    return _count(
        people, "score_applied", (pl.col("score_applied").cast(pl.String) == "z") & no_class
    )


def _count(people: pl.DataFrame, column: str, where: pl.Expr) -> int:
    return int(people.select(where.sum()).item() or 0) if column in people.columns else 0
