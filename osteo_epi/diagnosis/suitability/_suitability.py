"""Data and reference meet: "same ethnicity, same sex" of the consensus, as far as data tell.

What is said here is said before anybody gets a class: a reference of another maker, or another one
than the file's own T-scores rest on, changes the class of one person in five.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import polars as pl
from polars import selectors as cs

from osteo_epi.arguments import true_or_false
from osteo_epi.cohort import SAYS_SIMULATED, WAY_OUT, Cohort, codebook, is_simulated, refuse_errors
from osteo_epi.diagnosis._columns import Columns
from osteo_epi.diagnosis._definition import Definition
from osteo_epi.diagnosis.measurements._densities import Densities
from osteo_epi.diagnosis.own_reference import OwnReference
from osteo_epi.diagnosis.suitability import _implied as implied
from osteo_epi.diagnosis.suitability import _makers as makers
from osteo_epi.diagnosis.suitability._readings import Readings, passed_over, without_unread
from osteo_epi.engines import FIRST, first_rows
from osteo_epi.errors import SchemaError
from osteo_epi.findings import Finding, Findings
from osteo_epi.frames import Frame, as_polars, of_queries
from osteo_epi.norms import AgeReference, YoungAdultReference

CODES = (makers.CODE, implied.CODE)
# What is read of people who are classified already.
_OF_CLASSIFIED = ("age", "survey_weight")
# Who could be measured: an estimate refuses other answers itself, and has a way out of its own.
_ASKED_LATER = ("examined", "pregnant")


@of_queries
def suitability_findings(people: Any, definition: Definition) -> tuple[Finding, ...]:
    """Say where a definition's references contradict what the data say of their densities.

    Parameters
    ----------
    people
        Any frame in canonical columns. Classifying asks this of people in memory, and of the first
        rows of those in a lazy frame or in another engine; here all are asked, in two passes of
        sums.
    definition
        Its young adults are compared where they are published: the people's own, and the file's
        own scores, contradict nothing.

    Returns
    -------
    tuple of Finding
        `reference_maker`: people measured by another maker than that of the reference (error; for
        the age reference a warning, since no Z-score makes osteoporosis). `reference_implied`
        (error): T-scores in the file that lie more than 0.3 from those of the reference, at the
        density to which the reference gives the T of osteoporosis; by sex and region, of the line
        of T on density, where at least 30 people have both and scatter about it by at most 0.3.
        Both are warnings where the people are simulated: what they show is no evidence about
        anybody, and says so.

    Examples
    --------
    >>> from osteo_epi.diagnosis import definition
    >>> woman = pl.DataFrame({"age": [66.0], "sex": ["female"], "device_maker": ["hologic"],
    ...                       "abmd_lumbar_spine": [0.81]})
    >>> finding, = suitability_findings(woman, definition("china_2020", reference="zhang_2007"))
    >>> finding.code, finding.severity, finding.n
    ('reference_maker', 'error', 1)
    """
    frame, _ = as_polars(people)
    densities = Densities(Columns.of(frame), definition)
    dxa = [
        density
        for roi in (definition.rois if "dxa" in definition.evidence else ())
        if (density := densities.areal.density(roi)) is not None
    ]
    if not dxa:
        return ()
    measured = pl.any_horizontal(density.is_not_null() for density in dxa)
    published = isinstance(definition.reference, YoungAdultReference) and not isinstance(
        definition.reference, OwnReference
    )
    used = (definition.reference if published else None, definition.age_reference)
    references = tuple(n for n in used if isinstance(n, YoungAdultReference | AgeReference))
    findings = list(makers.maker_findings(frame, measured, references))
    if published:
        findings += implied.implied_findings(frame, definition, densities)
    if any(f.severity == "error" for f in findings) and is_simulated(frame):
        return tuple(replace(finding, severity="warning") for finding in findings)
    return tuple(findings)


def refuse_unsuitable(
    people: Any, frame: Frame, definitions: Iterable[Definition], *, accept_errors: bool = False
) -> Any:
    """Refuse data with errors, and references that contradict the data, unless accepted.

    Parameters
    ----------
    people
        A `Cohort` or any frame.
    frame
        The same in Polars, as it is to be classified. Of a lazy frame the first 100,000 rows are
        compared with the references: it may be of any size; `suitability_findings` asks all.
    definitions
        By which the people are to be classified; none where they are classified already.
    accept_errors
        Go on all the same.

    Returns
    -------
    people
        The same people; a `Cohort` with what was noticed among its findings, and accepted.

    Raises
    ------
    SchemaError
        See `cohort.refuse_errors` and `suitability_findings`.
    """
    true_or_false(accept_errors=accept_errors)
    definitions = tuple(definitions)
    if definitions and isinstance(people, Cohort):
        before = set(people.columns)
        people = without_unread(people, map(Readings.of, definitions))
        frame = frame.drop(before - set(people.columns), strict=False)
    read = _to_be_read(frame, definitions)
    people = refuse_errors(people, accept_errors=accept_errors, frame=read)
    noticed = Findings()
    if not isinstance(people, Cohort):
        columns = frame.collect_schema().names()
        noticed = noticed + passed_over(columns, map(Readings.of, definitions))
    noticed = noticed + _suitability(frame, read, definitions)
    if isinstance(people, Cohort) and definitions:
        # Of an earlier classification, by a reference that may not be the one of today.
        earlier = tuple(f for f in people.findings if f.code not in CODES)
        people = replace(people, findings=Findings(earlier) + noticed)
        return refuse_errors(people, accept_errors=accept_errors)
    if noticed.errors and not accept_errors:
        errors = "; ".join(str(e).removeprefix("error: ") for e in noticed.errors)
        raise SchemaError(f"{errors}; or go on in spite of it with {WAY_OUT}")
    return people


def _suitability(
    frame: Frame, read: Frame, definitions: tuple[Definition, ...]
) -> tuple[Finding, ...]:
    """What contradicts definitions' references; in a lazy frame as far as its first rows tell."""
    rows, of_first = frame, ""
    if isinstance(frame, pl.LazyFrame) and definitions:
        names = frame.collect_schema().names()
        telling = [n for n in names if n in makers.COLUMNS or n.endswith("_reported")]
        if not telling:
            return ()
        variables = [n for n in read.collect_schema() if n in codebook().variables]
        looked_at = {*telling, *variables, *SAYS_SIMULATED}
        rows = first_rows(frame.select(n for n in names if n in looked_at))
        of_first = f" (of the first {FIRST:,} rows)" if len(rows) >= FIRST else ""
    found = (f for definition in definitions for f in suitability_findings(rows, definition))
    return tuple(replace(f, message=f.message + of_first) for f in found)


def _to_be_read(frame: Frame, definitions: tuple[Definition, ...]) -> Frame:
    """The columns on which classes and estimates rest."""
    if not definitions:
        return frame.select(cs.by_name(_OF_CLASSIFIED, require_all=False))
    readings = [Readings.of(definition) for definition in definitions]
    names = [name for name in frame.collect_schema().names() if name not in _ASKED_LATER]
    return frame.select(name for name in names if any(r.takes(name) for r in readings))
