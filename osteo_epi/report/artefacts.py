"""What a run leaves behind: tables as CSV, the people as Parquet, the manifest, the report."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl

from osteo_epi.cohort.flow import Flow
from osteo_epi.cohort.people import Cohort
from osteo_epi.diagnosis.definition import Definition
from osteo_epi.norms.populations import StandardPopulation
from osteo_epi.population import SurveyDesign
from osteo_epi.population.presentation import presentation
from osteo_epi.population.prevalence_result import Prevalence
from osteo_epi.report import methods_text
from osteo_epi.report.choices import Choices
from osteo_epi.report.load import SIMULATED
from osteo_epi.report.manifest import describe, digests, is_simulated, label_of
from osteo_epi.report.output import MANIFEST, staged
from osteo_epi.report.page import make_page
from osteo_epi.report.participants import DOMAIN, follow
from osteo_epi.report.summaries import bmd_by_age, evidence_overlap


@dataclass(frozen=True)
class Made:
    """What was estimated, from whom, by which definition, standard and design."""

    people: Cohort
    definition: Definition
    standard: StandardPopulation | None
    design: SurveyDesign
    prevalence: Prevalence

    @property
    def ages(self) -> tuple[float, float]:
        """[years] Ages that the prevalence refers to, the upper one not reached."""
        lower, upper = self.prevalence.meta["ages"]
        return lower, upper

    def flow(self) -> Flow:
        """Who is in and who is out of the estimate for all."""
        return follow(self.people, self.design, self.ages)

    def labelled(self) -> Prevalence:
        """The estimates, each flagged where the people are simulated."""
        if not is_simulated(self.people):
            return self.prevalence
        flags = pl.concat_list(pl.col("flag").replace("", None), pl.lit(SIMULATED))
        flagged = flags.list.drop_nulls().list.join("; ").alias("flag")
        return replace(self.prevalence, frame=self.prevalence.frame.with_columns(flagged))


@dataclass(frozen=True)
class Written:
    """A finished run in memory, and its folder if it was written."""

    made: Made
    flow: Flow
    prevalence: Prevalence
    manifest: dict[str, Any]
    folder: Path | None


def write(
    made: Made,
    choices: Choices,
    notes: list[str],
    folder: Path | None,
    *,
    overwrite: bool,
    report: bool,
    progress: Callable[[str], None],
) -> Written:
    """Write a run's artefacts, all of them or none.

    Raises
    ------
    OutputError
        If the folder holds a run already, or cannot be written to.
    """
    flow, prevalence = made.flow(), made.labelled()
    told = [*dict.fromkeys((*notes, *prevalence.notes, *made.definition.notes()))]
    manifest = describe(
        choices, made.people, made.definition, made.standard, made.design,
        methods=_methods(made, choices), notes=told,
    )  # fmt: skip
    written = Written(made, flow, prevalence, manifest, folder)
    if folder is None:
        return written
    with staged(folder, overwrite=overwrite) as stage:
        progress("writing tables")
        _write_tables(written, stage)
        if report:
            progress("report")
            make_page(stage)
    return written


def _write_tables(run: Written, stage: Path) -> None:
    tables = {
        "prevalence": presentation(run.prevalence),
        "flow": run.flow.to_frame(),
        "findings": run.made.people.findings.to_frame(),
        "bmd_by_age": _curves(run.made),
        "overlap": _overlap(run),
    }
    for name, table in tables.items():
        (stage / f"{name}.csv").write_bytes(table.write_csv().encode())
    run.made.people.frame.drop(DOMAIN).write_parquet(
        stage / "classified.parquet",
        metadata={
            "osteo_epi": version("osteo-epi"),
            "definition": run.made.definition.label,
            "label": label_of(run.made.people),
        },
    )
    run.manifest["outputs"] = digests(stage)
    text = json.dumps(run.manifest, indent=2, ensure_ascii=False, allow_nan=False)
    (stage / MANIFEST).write_text(text + "\n", encoding="utf-8")


def _curves(made: Made) -> pl.DataFrame:
    people = made.people.frame
    return bmd_by_age(people, made.definition, weight=made.design.weight, keep=people[DOMAIN])


def _overlap(run: Written) -> pl.DataFrame:
    return evidence_overlap(run.made.people.frame, run.made.definition, keep=run.flow.kept)


def _counts_reference_error(prevalence: Prevalence) -> bool:
    return bool(prevalence.to_frame()["method"].str.contains("own young adults").any())


def _methods(made: Made, choices: Choices) -> dict[str, str]:
    meta, standard = made.prevalence.meta, made.standard
    study = methods_text.Study(
        n_in=len(made.people),
        n=meta["n_measured"],
        n_missing=meta["n_domain"] - meta["n_measured"],
        lowest_age=made.ages[0],
        standard=None if standard is None else standard.id,
        standard_title=None if standard is None else standard.title,
        design=str(made.design) if made.design.columns else "",
        interval=choices.interval,
        confidence=choices.confidence,
        version=version("osteo-epi"),
        label=label_of(made.people),
        counts_reference_error=_counts_reference_error(made.prevalence),
    )
    return {
        "en": methods_text.english(made.definition, study),
        "zh": methods_text.chinese(made.definition, study),
    }
