"""The computing half of a run of people in parts: estimates from sums, one part in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from osteo_epi.cohort import (
    EQUAL,
    Cohort,
    Faults,
    Flow,
    Source,
    acceptance_notes,
    collected,
)
from osteo_epi.errors import SchemaError
from osteo_epi.population import (
    Prevalence,
    bmd_moments,
    bmd_of_parts,
    could_be_measured,
    evidence_overlap,
    overlap_of_parts,
    participants,
    prevalence,
)
from osteo_epi.progress import with_progress
from osteo_epi.report._analysis import (
    Analysis,
    drawn_by,
    labelled,
    noted,
    query_of,
    refuse_nobody,
    standard_of,
    with_open_figures,
)
from osteo_epi.report._facts import Facts
from osteo_epi.report.choices import Choices
from osteo_epi.report.in_parts._classify import GROUPS, classified
from osteo_epi.report.in_parts._result import ClassifiedParts, manifest_of
from osteo_epi.report.proposal import check_choices, check_headings
from osteo_epi.survey import SurveyDesign
from osteo_epi.tables import TableOneSums

LEFT_OUT = (
    "people were read and classified part by part: Table 1 has no medians and quartiles, which no "
    "sums of parts give"
)
"""What a run of parts cannot say, with the reason."""


@dataclass(frozen=True)
class StreamedAnalysis(Analysis):
    """An analysis whose people stand in parts.

    `people` has their columns, findings and source, and none of their rows; no person is marked in
    `flow`.

    Parameters
    ----------
    parts
        The classified people.
    included
        Of each part, whom the estimate for all rests on.
    of_people
        What is stated of them.
    described
        The tables that describe them.
    """

    parts: ClassifiedParts
    included: tuple[pl.Series, ...]
    of_people: Facts
    described: Mapping[str, pl.DataFrame]

    @property
    def n(self) -> int:
        """How many people there are."""
        return self.parts.n

    @cached_property
    def facts(self) -> Facts:
        """What is stated of the people beside the estimates."""
        return self.of_people

    def pieces(self) -> Iterator[tuple[pl.DataFrame, pl.Series]]:
        """One part after the other, and which of its people the estimate is about."""
        yield from zip(map(pl.read_parquet, _files(self.parts)), self.included, strict=True)

    def tables(self) -> dict[str, pl.DataFrame]:
        """The tables of a run, by their names: no row is a person."""
        return {
            "prevalence": self.prevalence.frame,
            "participants": self.described["participants"],
            "flow": self.flow.to_polars(),
            "findings": self.people.findings.to_polars(),
            "bmd_by_age": self.described["bmd_by_age"],
            "overlap": self.described["overlap"],
        }


def parts_of_run(choices: Choices, out: Path, before: Path) -> ClassifiedParts:
    """Classify the people of a run part by part, once all that can be asked beforehand is right.

    Parameters
    ----------
    choices
        Of the run.
    out
        Where the parts go.
    before
        Where those of an earlier run are, if there was one.

    Raises
    ------
    SchemaError
        If the run reads no files; and whatever `classify_parts` refuses.
    """
    if choices.embedded:
        raise SchemaError(
            "parts=True (--parts) is of files, and none is named: name one or several"
        )
    faults = Faults()
    check_choices(choices, faults)
    check_headings(choices, faults)
    faults.refuse()
    taken = {
        name: getattr(choices, name)
        for name, choice in choices.catalogue().items()
        if choice.group in GROUPS
    }
    paths = list(choices.paths)
    return classified(
        paths, out=out, overwrite=True, part_rows=None, choices=taken, before=before
    )  # fmt: skip


def analyse_parts(
    parts: ClassifiedParts, choices: Choices, begin: Callable[[str], None]
) -> StreamedAnalysis:
    """Estimate from classified parts, saying each stage as it begins."""
    begin("estimating")
    rules, frame = parts.definition, parts.scan()
    people = _without_rows(parts, choices)
    drawn = drawn_by(frame, choices, people)
    standard = standard_of(choices)
    estimates: Prevalence = prevalence(
        frame, rules, standard=standard, design=drawn.design, accept_errors=True,
        **query_of(choices, people.columns),
    )  # fmt: skip
    refuse_nobody(people, frame, estimates)
    people = with_open_figures(people, estimates)
    told = {"data_sha256": people.source.sha256, "label": people.source.label}
    estimates = replace(estimates, meta={**estimates.meta, **told})
    estimates = noted(estimates, (LEFT_OUT, *drawn.notes, *acceptance_notes(people)))
    assert isinstance(drawn.design, SurveyDesign)  # a run is told no replicate weights
    described = _Described(people.flow, rules, drawn.design, estimates.meta).of(parts)
    return StreamedAnalysis(
        people, rules, standard, drawn.design, prevalence=labelled(estimates, people), **described
    )


def _without_rows(parts: ClassifiedParts, choices: Choices) -> Cohort:
    """What is known of the people beside their rows."""
    manifest = manifest_of(parts.folder)
    given = collected(choices.path, choices.source)
    files = [(f.name, f.path) for f in given.files] if given else [
        (path.name, path) for path in choices.paths
    ]  # fmt: skip
    origin = manifest["origin"]
    source = replace(
        Source.of_files([path for _, path in files], reader=origin["reader"]),
        files=tuple(name for name, _ in files), encoding=origin["encoding"] or None,
        label=manifest["label"], design=origin["design"], headings=origin["headings"],
    )  # fmt: skip
    people = Cohort(
        pl.DataFrame(schema=parts.scan().collect_schema()),
        parts.findings,
        Flow.of_parts(parts.flow, []),
        source,
    )
    return people.with_errors_accepted() if choices.accept_errors else people


@dataclass(frozen=True)
class _Described:
    """What is asked of the people of each part."""

    before: Flow
    definition: Any
    design: SurveyDesign
    meta: Mapping[str, Any]

    def of(self, parts: ClassifiedParts) -> dict[str, Any]:
        """One pass over the parts: who is in, what is stated of them, and their tables."""
        flows, facts, overlaps, curves = [], [], [], []
        table_one, files = TableOneSums(is_weighted=not self.design.is_simple), _files(parts)
        for path in with_progress(files, "estimating", total=len(files)):
            people = pl.read_parquet(path)
            flow = self._flow(people)
            able = people.select(could_be_measured(people).alias("able")).to_series()
            if len(able) != len(people):  # one answer for all
                able = pl.repeat(able[0], len(people), eager=True)
            weight = self.design.weight or EQUAL
            flows.append(flow)
            facts.append(Facts.of(people, self.definition, self.meta["ages"]))
            overlaps.append(evidence_overlap(people, self.definition, keep=flow.included))
            curves.append(bmd_moments(people, self.definition, weight=weight, keep=able))
            table_one.add(people, by="sex", weight=self.design.weight, domain=flow.included)
        schema = parts.scan().collect_schema()
        return {
            "flow": Flow.of_parts(parts.flow, flows),
            "parts": parts,
            "included": tuple(flow.included for flow in flows),
            "of_people": Facts.merged(facts),
            "described": {
                "participants": table_one.values(schema, by="sex").drop("se"),
                "bmd_by_age": bmd_of_parts(curves),
                "overlap": overlap_of_parts(overlaps),
            },
        }

    def _flow(self, people: pl.DataFrame) -> Flow:
        cohort = Cohort(people, flow=Flow.start(len(people)))
        taken = {"definition": self.definition, "incomplete": self.meta["incomplete"]}
        return participants(cohort, self.design, self.meta["ages"], **taken)


def _files(parts: ClassifiedParts) -> list[Path]:
    return [parts.folder / name for name in parts.parts["part"].drop_nulls()]
