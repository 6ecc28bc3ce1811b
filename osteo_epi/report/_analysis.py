"""The computing half of a run: people in, estimates out, nothing written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import polars as pl

from osteo_epi import norms
from osteo_epi.cohort import (
    EQUAL,
    OF_ALL,
    OF_ROWS,
    SRS,
    Cohort,
    Faults,
    Flow,
    OneFile,
    RecognisedDesign,
    check,
    column_of,
    columns_stated,
    is_simulated,
    read_gathering,
    recognised_design,
    refuse_errors,
    simulate,
)
from osteo_epi.diagnosis import Definition, Readings, classify, explain, without_unread
from osteo_epi.diagnosis import definition as define
from osteo_epi.errors import SchemaError
from osteo_epi.findings import Findings
from osteo_epi.language import SIMULATED
from osteo_epi.norms import Interval, StandardPopulation
from osteo_epi.population import (
    Prevalence,
    bmd_by_age,
    could_be_measured,
    evidence_overlap,
    participants,
    prevalence,
)
from osteo_epi.report._facts import Facts
from osteo_epi.report._size import refuse_too_large
from osteo_epi.report.choices import Choices
from osteo_epi.report.proposal import (
    check_choices,
    check_headings,
    check_people,
    is_quick,
    readings_of,
    refuse_other_ages,
    stops,
)
from osteo_epi.survey import Design, SurveyDesign
from osteo_epi.tables import table_one

OPEN_RECORDS = "fracture records are open"
"""Words of the note that says what open records would make of the prevalence."""


@dataclass(frozen=True)
class Analysis:
    """What was estimated, from whom, by which definition, standard and design.

    Parameters
    ----------
    people
        The classified cohort, with its findings.
    definition
        What counted as osteoporosis.
    standard
        The standard population, or None.
    design
        The survey design.
    prevalence
        The estimates, each flagged where the people are simulated.
    flow
        Who is in and who is out of the estimate for all.
    """

    people: Cohort
    definition: Definition
    standard: StandardPopulation | None
    design: Design
    prevalence: Prevalence
    flow: Flow

    @property
    def ages(self) -> tuple[float, float]:
        """[years] Ages that the prevalence refers to, the upper one not reached."""
        lower, upper = self.prevalence.meta["ages"]
        return lower, upper

    @property
    def label(self) -> str:
        """What must be said of the data."""
        return label_of(self.people)

    @property
    def n(self) -> int:
        """How many people there are."""
        return len(self.people)

    @cached_property
    def facts(self) -> Facts:
        """What is stated of the people beside the estimates."""
        return Facts.of(self.people.frame, self.definition, self.ages)

    def pieces(self) -> Iterator[tuple[pl.DataFrame, pl.Series]]:
        """People as many at once as are held in memory, and which of them the estimate is about."""
        yield self.people.frame, self.flow.included

    def tables(self) -> dict[str, pl.DataFrame]:
        """The tables of a run, by their names: no row is a person."""
        people, rules = self.people.frame, self.definition
        able = people.with_columns(_able=could_be_measured(people))["_able"]
        return {
            "prevalence": self.prevalence.frame,
            "participants": self._participants(),
            "flow": self.flow.to_polars(),
            "findings": self.people.findings.to_polars(),
            "bmd_by_age": bmd_by_age(people, rules, weight=self.design.weight or EQUAL, keep=able),
            "overlap": evidence_overlap(people, rules, keep=self.flow.included),
        }

    def _participants(self) -> pl.DataFrame:
        """Table 1 of those whom the estimate for all rests on, in numbers; no SE stands there."""
        assert isinstance(self.design, SurveyDesign)  # a run is told no replicate weights
        table = table_one(
            self.people.frame,
            by="sex",
            statistics=("mean_sd", "median_iqr"),
            weighting="both",
            design=self.design,
            domain=self.flow.included,
        )
        return table.to_polars().drop("se")


def analyse(choices: Choices, begin: Callable[[str], None]) -> Analysis:
    """Read, check, classify and estimate, saying each stage as it begins."""
    people = people_of(choices, begin)
    begin("classifying")
    drawn = drawn_by(people, choices, people)
    design = drawn.design
    standard = standard_of(choices)
    rules = define(
        **choices.arguments("definition"), people=people.frame, weight=design.weight or EQUAL
    )
    people = classify(people, rules, **choices.arguments("classify"))
    begin("estimating")
    query = query_of(choices, people.columns)
    estimates = prevalence(people, rules, standard=standard, design=design, **query)
    refuse_nobody(people, people.frame.lazy(), estimates)
    people = with_open_figures(people, estimates)
    taken = {"definition": rules, "incomplete": estimates.meta["incomplete"]}
    flow = participants(people, design, estimates.meta["ages"], **taken)
    estimates = labelled(noted(estimates, drawn.notes), people)
    return Analysis(people, rules, standard, design, estimates, flow)


def query_of(choices: Choices, columns: Sequence[str]) -> dict[str, Any]:
    """What is asked of the prevalence, groups by the names of the people's columns."""
    query = choices.arguments("prevalence")
    query["by"] = [column_of(name, columns) or name for name in query["by"]]
    return query


def label_of(people: Cohort) -> str:
    """What must be said of the data; a file keeps no label, its column `synthetic` does."""
    if people.source.label or not is_simulated(people):
        return people.source.label
    return "SIMULATED people, as the data say of themselves: no evidence about anybody"


def noted(estimates: Prevalence, notes: tuple[str, ...]) -> Prevalence:
    """The estimates with what has to be known of their design, which is stated to them."""
    return replace(estimates, meta={**estimates.meta, "notes": (*notes, *estimates.notes)})


def labelled(estimates: Prevalence, people: Cohort) -> Prevalence:
    if not is_simulated(people):
        return estimates
    flags = pl.concat_list(pl.col("flag").replace("", None), pl.lit(SIMULATED))
    flag = flags.list.drop_nulls().list.join("; ").alias("flag")
    return replace(estimates, frame=estimates.frame.with_columns(flag))


def people_of(
    choices: Choices,
    begin: Callable[[str], None] = lambda stage: None,
    *,
    data: OneFile | None = None,
    strangers: list[str] | None = None,
) -> Cohort:
    """Read and check the people for the choices.

    Parameters
    ----------
    choices
        The files and every choice; names among them are looked up before a large file is read.
    begin
        Called with each stage as it begins.
    data
        One of the files of the choices, or a part of it, which alone is read. Errors that hang on
        all people together, as shares of a column do, are accepted of it.
    strangers
        Where one of several files is read: filled with what is said of columns that are declared
        and that it lacks, for another may have them. None makes faults of them.

    Returns
    -------
    Cohort
        The people, without what the definition does not read, their errors accepted where the
        choices say so.

    Raises
    ------
    OsteoEpiError
        Everything that stands in the way, at once.
    """
    faults = Faults()
    criterion = check_choices(choices, faults)
    if data is None and not choices.embedded and not is_quick(choices):
        with faults:
            refuse_too_large(choices)
        check_headings(choices, faults)
        faults.refuse()
    begin("reading people")
    readings = readings_of(choices, criterion)
    people = _people(choices, faults, readings, data or choices.path)
    if strangers is not None:
        strangers += faults.without_strangers()
    begin("checking")
    if people is None:
        faults.refuse()
        raise AssertionError("nothing but a fault keeps people from being read")
    if data is not None:  # nobody can be classified without what "incomplete" is of
        people = people.with_errors_accepted((OF_ALL | OF_ROWS) - {"incomplete"})
    people = people if readings is None else without_unread(people, [readings])
    check_people(people, choices, criterion, faults, are_all=data is None)
    faults.refuse()
    return refuse_errors(people, accept_errors=choices.accept_errors)


def _people(
    choices: Choices, faults: Faults, readings: Readings | None, data: Any
) -> Cohort | None:
    if choices.embedded:
        people = simulate(**choices.arguments("simulate"))
        return people.with_findings(check(people))
    return read_gathering(data, faults, needed=stops(readings), **choices.arguments("read"))


def with_open_figures(people: Cohort, estimates: Prevalence) -> Cohort:
    """The finding of open fracture records with both figures, as the estimate's notes have them."""
    notes = [note for note in estimates.notes if OPEN_RECORDS in note]
    if not notes:
        return people
    findings = [
        replace(finding, message=notes[0].partition("; choose with")[0])
        if finding.code == "fracture_record_open"
        else finding
        for finding in people.findings
    ]
    return replace(people, findings=Findings(tuple(findings)))


def refuse_nobody(people: Cohort, frame: pl.LazyFrame, estimates: Prevalence) -> None:
    """A table without one estimate is no result: say what stands in the way, and the way out."""
    if estimates.frame["estimate"].is_not_null().any():
        return
    lower, upper = estimates.meta["ages"]
    inside = frame.filter(pl.col("age").is_between(lower, upper, closed="left"))
    n_inside = inside.select(pl.len()).collect().item()
    if not n_inside:
        ends = frame.select(age=pl.concat([pl.col("age").min(), pl.col("age").max()])).collect()
        span = Interval(lower, upper, closed_lower=True, closed_upper=False)
        refuse_other_ages(Cohort(ends), span)
    obstacle = pl.col("bone_class_reason").fill_null("no_evidence").str.extract(r"^(\w+)")
    without = inside.filter(pl.col("bone_class").cast(pl.String) == "not_classifiable")
    reasons = without.group_by(reason=obstacle).agg(n=pl.len()).sort("n", "reason").collect()
    found = f"no prevalence can be estimated from the {n_inside:,} people of these ages"
    if reasons.is_empty():  # all are ill by one site, and the other is missing
        raise SchemaError(
            f"{found}: none has every site that the definition asks for; name those to be read "
            "with sites= (--sites), or measure the others"
        )
    first, n = reasons.row(-1)
    fixes = [finding.fix for finding in people.findings.of(first)]
    raise SchemaError(
        f"{found}. {explain(first)}: "
        f"{n:,} of them. {fixes[0] if fixes else 'see the column bone_class_reason'}"
    )


def drawn_by(people: Any, choices: Choices, known: Cohort) -> RecognisedDesign:
    """The design of the columns that were named, else of those that the codebook knows.

    A column may be named by the heading that the files have for it, which is known.
    """
    if not choices.use_design:
        return recognised_design(people, SRS, lonely=choices.lonely)
    named = {part: getattr(choices, part) for part in ("weight", "stratum", "psu")}
    named = columns_stated(known, **named)
    return recognised_design(people, **named, lonely=choices.lonely)


def standard_of(choices: Choices) -> StandardPopulation | None:
    if choices.standard is None or isinstance(choices.standard, StandardPopulation):
        return choices.standard
    return norms.load("standard_population", choices.standard, folder=choices.norms)
