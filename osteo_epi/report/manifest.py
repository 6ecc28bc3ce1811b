"""The manifest: all that is needed to make a run again, and to see that it is the same."""

from __future__ import annotations

import datetime as dt
import hashlib
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from osteo_epi.cohort.people import Cohort
from osteo_epi.diagnosis.definition import Definition
from osteo_epi.norms.norm import GRADE_MEANING
from osteo_epi.norms.populations import StandardPopulation
from osteo_epi.population import SurveyDesign
from osteo_epi.population.intervals import NAMES
from osteo_epi.report.choices import Choices
from osteo_epi.report.summaries import reference_rows

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
        "reference": reference_rows(definition),
        "standard": None if standard is None else {"id": standard.id, "title": standard.title},
        "design": str(design) if design.columns else "",
        "methods": methods,
        "notes": notes,
        "interval": NAMES[choices.interval],
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
