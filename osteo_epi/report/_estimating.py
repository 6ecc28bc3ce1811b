"""The computing half of a run: people in, estimates out, nothing written."""

from __future__ import annotations

from collections.abc import Callable

from osteo_epi import norms
from osteo_epi.cohort import Cohort, check, read, simulate
from osteo_epi.diagnosis import Definition, classify, reference_findings
from osteo_epi.diagnosis import definition as define
from osteo_epi.errors import SchemaError
from osteo_epi.findings import Findings
from osteo_epi.norms import StandardPopulation
from osteo_epi.population import Prevalence, prevalence
from osteo_epi.report._artefacts import Made
from osteo_epi.report._choices import Choices
from osteo_epi.report._participants import DOMAIN, with_domain
from osteo_epi.survey import SurveyDesign


def estimate(choices: Choices, begin: Callable[[str], None]) -> Made:
    """Read, check, classify and estimate, saying each stage as it begins."""
    begin("reading people")
    people = _people(choices)
    begin("checking")
    people = people.with_findings(check(people)) if choices.embedded else people
    _refuse_errors(people.findings, accept=choices.accept_errors)
    begin("classifying")
    design = _design(people, choices)
    standard = _standard(choices)
    definition = define(
        choices.definition,
        reference=choices.reference,
        age_reference=choices.age_reference,
        norms_folder=choices.norms,
        people=people.frame,
        weight=design.weight,
    )
    people = with_domain(classify(people, definition))
    people = people.with_findings(reference_findings(people, definition))
    begin("estimating")
    result = _prevalence(people, definition, standard, design, choices)
    return Made(people, definition, standard, design, result)


def _people(choices: Choices) -> Cohort:
    if choices.embedded:
        return simulate(choices.n, seed=choices.seed)
    return read(
        choices.paths[0] if len(choices.paths) == 1 else list(choices.paths),
        source=choices.source,
        map=choices.map,
        sex_coding=choices.sex_coding or None,
        units=choices.units,
        sentinels=choices.sentinels or None,
        sheet=choices.sheet,
    )


def _refuse_errors(findings: Findings, *, accept: bool) -> None:
    errors = findings.errors
    if not errors or accept:
        return
    more = f" (and {len(errors) - 1} more: osteo-epi check FILE)" if len(errors) > 1 else ""
    told = str(errors[0]).removeprefix("error: ")
    raise SchemaError(f"{told}{more}; mend the file, or go on in spite of it with --accept-errors")


def _design(people: Cohort, choices: Choices) -> SurveyDesign:
    """Take the columns that were named, else the canonical ones where they hold anything."""
    if not choices.use_design:
        return SurveyDesign(lonely=choices.lonely)
    named = {"weight": choices.weight, "stratum": choices.stratum, "psu": choices.psu}
    usual = {"weight": "survey_weight", "stratum": "stratum", "psu": "psu"}
    weight, stratum, psu = (
        named[part] or (usual[part] if _holds_values(people, usual[part]) else None)
        for part in ("weight", "stratum", "psu")
    )
    return SurveyDesign(weight, stratum, psu, lonely=choices.lonely)


def _holds_values(people: Cohort, column: str) -> bool:
    return column in people.columns and people[column].null_count() < len(people)


def _standard(choices: Choices) -> StandardPopulation | None:
    if choices.standard is None:
        return None
    return norms.load("standard_population", choices.standard, folder=choices.norms)


def _prevalence(
    people: Cohort,
    definition: Definition,
    standard: StandardPopulation | None,
    design: SurveyDesign,
    choices: Choices,
) -> Prevalence:
    """Estimate over a mask of those who could be measured; the rates stand for everybody."""
    return prevalence(
        people,
        definition,
        by=choices.by,
        standard=standard,
        design=design,
        ages=choices.ages,
        age_bands=choices.age_bands,
        interval=choices.interval,
        confidence=choices.confidence,
        eligible=DOMAIN,
    )
