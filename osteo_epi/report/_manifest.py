"""The manifest: all that is needed to make a run again, and to see that it is the same."""

from __future__ import annotations

import datetime as dt
import os
import platform
import re
import shlex
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from osteo_epi.cohort import Cohort, is_simulated
from osteo_epi.diagnosis import Definition
from osteo_epi.errors import OutputError
from osteo_epi.language import LANGUAGES, language, speaking
from osteo_epi.norms import GRADE_MEANING, load
from osteo_epi.report import methods as methods_text
from osteo_epi.report._analysis import Analysis
from osteo_epi.report._study import PRESENTED, Study, norms_of
from osteo_epi.report.choices import Choices
from osteo_epi.survey import INTERVAL_NAMES

LIBRARIES = (
    "polars", "pyarrow", "numpy", "scipy", "polars-readstat", "fastexcel",
    "matplotlib", "nbclient", "nbconvert",
)  # fmt: skip
CITED = re.compile(r"\[([1-9])\]")
"""The number of a source in a methods paragraph."""


def describe(
    analysis: Analysis,
    choices: Choices,
    study: Study,
    *,
    notes: list[str],
    outputs: Mapping[str, str],
) -> dict[str, Any]:
    """Put the manifest together, without a path or a name of this machine.

    Parameters
    ----------
    analysis, choices
        What was done, and what was wanted.
    study
        The facts of the methods paragraphs.
    notes
        What the run warned of.
    outputs
        SHA-256 of each table by its file's name.

    Returns
    -------
    dict
        Of texts, numbers and lists, to be written as JSON.
    """
    people, rules, standard = analysis.people, analysis.definition, analysis.standard
    source = people.source
    sexes = analysis.facts.sexes
    said = (*notes, *analysis.prevalence.notes, *rules.notes(rois=study.rois, sexes=sexes))
    return {
        "osteo_epi": version("osteo-epi"),
        "created": _now().isoformat(timespec="seconds"),
        "command": choices.command(),
        "options": choices.options(),
        "title": choices.title or "",
        "author": choices.author or "",
        "language": choices.language,
        "show_unreliable": choices.show_unreliable,
        "disclosure": choices.disclosure or "",
        "seed": choices.seed if choices.embedded else None,
        "simulated": is_simulated(people),
        "data": {
            "files": list(source.files),
            "sha256": source.sha256,
            "reader": source.reader,
            "encoding": source.encoding,
            "label": analysis.label,
            "headings": _headings(people),
            "n": analysis.n,
        },
        "definition": _definition(rules, study),
        "norms": list(_norms(analysis)),
        "grades": GRADE_MEANING,
        "reference": [young for young in rules.cut_offs() if young["sex"] in sexes],
        "standard": None if standard is None else {"id": standard.id, "title": standard.title},
        "design": study.design,
        "methods": _methods(analysis, study),
        "notes": [*dict.fromkeys(said)],
        "estimate_notes": list(analysis.prevalence.notes),
        "interval": INTERVAL_NAMES[choices.interval],
        "confidence": choices.confidence,
        "environment": environment(),
        "outputs": dict(outputs),
    }


def restated(manifest: Mapping[str, Any], **facts: str) -> dict[str, Any]:
    """The manifest of the same run whose report has another language, title or author.

    Parameters
    ----------
    manifest
        Of a finished run.
    **facts
        `language`, `title`, `author`, as far as they change.

    Raises
    ------
    OutputError
        If there is no such language, or the run holds no text in it.
    """
    words = shlex.split(manifest["command"])
    options = dict(manifest["options"])
    for name, value in facts.items():
        if f"--{name}" in words:
            place = words.index(f"--{name}")
            del words[place : place + 2]
        options.pop(name, None)
        if value:
            words += [f"--{name}", value]
            options[name] = value
    command = shlex.join(words)
    with speaking(facts.get("language", manifest["language"])):
        tongue = language()
    texts = (manifest["methods"], manifest["definition"]["classes"])
    if not all(tongue in text for text in texts):
        raise OutputError(
            f"the run holds no text in {LANGUAGES[tongue]}; make it again with: {command} "
            "--out FOLDER --overwrite"
        )
    return {**manifest, **facts, "command": command, "options": options}


def _headings(people: Cohort) -> dict[str, str]:
    """What the file calls the columns that findings are about."""
    named = {name for finding in people.findings for name in finding.column.split(", ")}
    return {name: h for name, h in people.source.headings.items() if name in named}


def _definition(rules: Definition, study: Study) -> dict[str, Any]:
    """The definition: names, the limits of its classes, and its digest."""
    return {
        "id": rules.criterion.id,
        "label": rules.label,
        "title": _title(rules),
        "classes": {
            code: rules.class_limits(language=code, evidence=study.judged) for code in LANGUAGES
        },
        "sentence": str(rules),
        "sha256": rules.sha256,
    }


def _title(definition: Definition) -> str:
    """Criterion and reference in a line."""
    scores = {"reported": ", with the scores that the file reports", "none": ""}
    against = f", against {definition.reference.title}"
    return definition.criterion.title + scores.get(definition.reference.id, against)


def environment() -> dict[str, str]:
    """Versions of Python and of the libraries that numbers and pages depend on."""
    versions = {"Python": platform.python_version()}
    for name in LIBRARIES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions


def _methods(analysis: Analysis, study: Study) -> dict[str, Any]:
    """The methods paragraphs, and what their numbers cite in its order.

    What took part and no sentence cites, as young adults of the study or a rule for fractures where
    nobody has one, takes no number.
    """
    norms = (*norms_of(analysis).values(), load("presentation", PRESENTED))
    texts = {
        "en": methods_text.english(analysis.definition, study),
        "zh": methods_text.chinese(analysis.definition, study),
    }
    found = {number for text in texts.values() for number in CITED.findall(text)}
    cited = {str(n): norm for n, norm in enumerate(norms, start=1) if str(n) in found}
    numbers = {old: new for new, old in enumerate(cited, start=1)}
    renumbered = {
        code: CITED.sub(lambda old: f"[{numbers.get(old[1], old[1])}]", text)
        for code, text in texts.items()
    }
    return renumbered | {"references": [norm.cite() for norm in cited.values()]}


def _norms(analysis: Analysis) -> Iterator[dict[str, str]]:
    """Role, id, citation, grade and digest of every norm that took part."""
    for role, norm in norms_of(analysis).items():
        yield {
            "role": role,
            "id": norm.id,
            "citation": norm.cite(),
            "grade": norm.verification,
            "sha256": norm.sha256,
        }


def _now() -> dt.datetime:
    """The time of the run; that of SOURCE_DATE_EPOCH where the environment states one.

    So a run that is made again is the same to the last byte.
    """
    stated = os.environ.get("SOURCE_DATE_EPOCH", "")
    if stated.isascii() and stated.isdecimal():
        with suppress(ValueError, OverflowError, OSError):  # beyond the calendar
            return dt.datetime.fromtimestamp(int(stated), dt.UTC)
    return dt.datetime.now(dt.UTC)
