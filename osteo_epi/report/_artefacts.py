"""The manifest: all that is needed to make a run again, and to see that it is the same."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import platform
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import polars as pl

from osteo_epi.cohort import Cohort, Flow
from osteo_epi.diagnosis import Definition
from osteo_epi.labels import SIMULATED
from osteo_epi.norms import GRADE_MEANING, StandardPopulation
from osteo_epi.population import Prevalence, bmd_by_age, evidence_overlap, presentation
from osteo_epi.report import _methods as methods_text
from osteo_epi.report._choices import Choices
from osteo_epi.report._folder import MANIFEST, staged
from osteo_epi.report._page import make_page
from osteo_epi.report._participants import DOMAIN, follow
from osteo_epi.survey import INTERVAL_NAMES, SurveyDesign

LIBRARIES = (
    "polars", "pyarrow", "numpy", "scipy", "polars-readstat", "fastexcel",
    "matplotlib", "great-tables", "nbclient", "nbconvert",
)  # fmt: skip


def describe(
    choices: Choices,
    people: Cohort,
    definition: Definition,
    standard: StandardPopulation | None,
    design: SurveyDesign,
    *,
    methods: dict[str, str],
    notes: list[str],
) -> dict[str, Any]:
    """Put the manifest together, without a path or a name of this machine.

    Returns
    -------
    dict
        Of texts, numbers and lists, to be written as JSON; `outputs` is added when they are
        written.
    """
    source = people.source
    return {
        "osteo_epi": version("osteo-epi"),
        "created": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "command": choices.command(),
        "options": choices.options(),
        "seed": choices.drawn_with,
        "simulated": is_simulated(people),
        "data": {
            "files": list(source.files),
            "sha256": source.sha256,
            "reader": source.reader,
            "encoding": source.encoding,
            "label": label_of(people),
            "n": len(people),
        },
        "definition": {
            "id": definition.criterion.id,
            "label": definition.label,
            "title": f"{definition.criterion.title}, against {definition.reference.title}",
            "sentence": str(definition),
            "sha256": definition.sha256,
        },
        "norms": list(_norms(definition, standard)),
        "grades": GRADE_MEANING,
        "reference": definition.cut_offs(),
        "standard": None if standard is None else {"id": standard.id, "title": standard.title},
        "design": str(design) if design.columns else "",
        "methods": methods,
        "notes": notes,
        "interval": INTERVAL_NAMES[choices.interval],
        "confidence": choices.confidence,
        "environment": environment(),
    }


def is_simulated(people: Cohort) -> bool:
    """Whether a cohort says of itself that it is simulated."""
    told = "synthetic" in people.columns and bool(
        people["synthetic"].cast(str).str.to_lowercase().is_in(["true", "1"]).any()
    )
    return told or "simulated" in people.source.label.lower()


def label_of(people: Cohort) -> str:
    """What must be said of the data; a file keeps no label, its column `synthetic` does."""
    if people.source.label or not is_simulated(people):
        return people.source.label
    return "SIMULATED people, as the data say in their column synthetic: no evidence about anybody"


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of the tables of a run."""
    tables = sorted(folder.glob("*.csv"))
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in tables}


def environment() -> dict[str, str]:
    """Versions of Python and of the libraries that numbers and pages depend on."""
    found = {"Python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _norms(definition: Definition, standard: StandardPopulation | None) -> Any:
    """Role, id, citation, grade and digest of every norm that took part."""
    parts = {
        "criterion": definition.criterion,
        "young-adult reference": definition.reference,
        "age reference": definition.age_reference,
        "vertebral fracture": definition.genant if "fracture" in definition.evidence else None,
        "standard population": standard,
    }
    for role, norm in parts.items():
        if norm is not None:
            yield {
                "role": role,
                "id": norm.id,
                "citation": norm.cite(),
                "grade": norm.verification,
                "sha256": norm.sha256,
            }


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
        standard=standard,
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
