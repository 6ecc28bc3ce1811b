"""What a run needs, looked at before its work: names that exist, columns that are there."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence, Set
from contextlib import suppress
from typing import Any

import polars as pl

from osteo_epi import norms
from osteo_epi.cohort import (
    AS_GIVEN,
    FILE,
    Cohort,
    Faults,
    codebook,
    collected,
    column_of,
    columns_promised,
    read_gathering,
    refusal,
)
from osteo_epi.diagnosis import (
    OWN_REFERENCE,
    REPORTED,
    Readings,
    check_names,
    needs_reference,
    planned_readings,
    region_of,
    without_unread,
)
from osteo_epi.errors import DefinitionError, OsteoEpiError, SchemaError, did_you_mean
from osteo_epi.findings import Finding, Findings
from osteo_epi.language import speaking
from osteo_epi.norms import SEXES, Criterion, Interval, StandardPopulation, YoungAdultReference
from osteo_epi.population import check_groups, check_query
from osteo_epi.report.choices import Choices
from osteo_epi.report.proposal._proposal import (
    Offer,
    Proposal,
    densities_lacking,
    held_by_others,
    measurements_lacking,
    propose,
    references_for,
    scores_lacking,
)
from osteo_epi.survey import SurveyDesign

QUICK = 32_000_000
"""[bytes] A text table that is read whole before an unknown name is said, so that its faults are
said beside it: measured, 90 MB (2e6 people) take 12 s to read and check, and 32 MB about 4 s."""
_PACKED = 64
"""Bytes of a table that one byte of a packed file may hold, as for the memory of its reader."""
MADE = (
    *("age_band", "score_applied", "score_reason", "sites_complete", "bone_class", "advice"),
    *("bone_class_rule", "bone_class_roi", "bone_class_reason", "fragility_fracture"),
    *("fracture_open_record", "fracture_reason", "tbs_class", "screening_methods"),
    *("vbmd_vertebrae", "lumbar_neighbour_flag"),
)
"""Columns that a classification makes, by which an estimate may be broken down."""


def check_choices(choices: Choices, faults: Faults) -> Criterion | None:
    """Gather every name and number among the choices that cannot be, before a file is read.

    Returns
    -------
    Criterion or None
        The criterion, where there is one of the name.
    """
    before = len(faults)
    with faults.naming("norms (--norms)"):
        norms.refuse_other_folder(choices.norms)
    if len(faults) > before:  # each name that is looked for in it would say the same
        return None
    criterion = check_names(faults, **choices.arguments("definition"))
    standard = choices.standard
    if isinstance(standard, str):
        with faults.naming("standard (--standard)"):
            standard = norms.load("standard_population", standard, folder=choices.norms)
    query = choices.arguments("prevalence")
    # Of a criterion that is not known the ages are not known, nor what a standard says of them.
    is_open = criterion is None and not query["ages"]
    if is_open or not isinstance(standard, StandardPopulation):
        standard = None
    ages = query.pop("ages") or (criterion.prevalence_ages if criterion else (0.0, 1.0))
    if query["people_affected"] == "standard" and choices.standard is not None and not standard:
        query["people_affected"] = None  # the population is what lacks, which is said
    check_query(faults, standard=standard, ages=ages, **query)
    with faults.naming("disclosure (--disclosure)"):
        choices.least_shown()
    with faults, speaking(choices.language):
        pass
    with faults:
        SurveyDesign(lonely=choices.lonely)
    return criterion


def is_quick(choices: Choices) -> bool:
    """Whether reading takes a moment only."""
    if not all(path.is_file() for path in choices.paths):
        return False
    packed = (".parquet", ".pq", ".gz")
    sizes = (p.stat().st_size * (_PACKED if p.suffix in packed else 1) for p in choices.paths)
    return sum(sizes) < QUICK


def readings_of(choices: Choices, criterion: Criterion | None) -> Readings | None:
    """What the definition will read; None where its parts are not known."""
    if criterion is None:
        return None
    parts = ("sites", "evidence", "reference", "age_reference")
    with suppress(OsteoEpiError):
        return planned_readings(criterion, **{part: getattr(choices, part) for part in parts})
    return None


def stops(readings: Readings | None) -> Any:
    """Whether a fault in a variable's column stops a run that reads these columns."""
    if readings is None:
        return lambda name: codebook()[name].stops
    return lambda name: codebook()[name].stops and readings.takes(name)


def check_people(
    people: Cohort,
    choices: Choices,
    criterion: Criterion | None,
    faults: Faults,
    *,
    are_all: bool = True,
) -> None:
    """Gather what the people lack for these choices: columns, measurements, a reference.

    Of a part of them a reference may judge nobody (the men's file), and somebody of another one:
    `unjudged` tells it of each, where they are not all.
    """
    _check_errors(people, choices, faults)
    there = [*people.columns, *faults.columns]
    named = _columns_named(choices)
    if not are_all:  # another part may have them
        del named["--keep"]
    with faults:
        _refuse_unknown_columns(named, there)
    ages = choices.ages or (criterion.prevalence_ages if criterion else None)
    with suppress(OsteoEpiError):  # ages that cannot be are said by `check_choices`
        span = Interval.parse(ages) if isinstance(ages, str) else ages
        with faults:
            refuse_other_ages(people, span)
    check_groups(faults, people.frame, _grouping(choices, there), ages)
    with faults:
        _refuse_emptied(people, [*choices.by, choices.weight, choices.stratum, choices.psu])
    if criterion is None:
        return
    # What a heading may be is asked where something lacks: it may be what lacks.
    hints = [
        f"column {finding.column!r}: {finding.message}; {finding.fix}"
        for finding in people.findings.of("ambiguous_heading")
    ]
    before = len(faults)
    with faults:
        measurements_lacking(there)
        offer = Offer.of(people, faults.columns)
        if _lacks_reference(choices, criterion, people):
            raise DefinitionError(references_for(offer, criterion, choices.norms))
        if are_all:
            _refuse_reference(choices, criterion, people, offer)
    for hint in hints if len(faults) > before else ():
        with faults:
            raise SchemaError(hint)


def refuse_other_ages(people: Cohort, ages: Interval | None) -> None:
    """Insist that somebody is of the ages of the estimate; propose ages that somebody is of.

    No age of a person's is said: what is proposed ends where the ages of the estimate do.
    """
    if ages is None or "age" not in people.columns or not people["age"].count():
        return
    lower, upper = ages.lower, ages.upper
    younger, older = bool((people["age"] < lower).any()), bool((people["age"] >= upper).any())
    if (people["age"].is_between(lower, upper, closed="left")).any():
        return
    others = f'"[{0 if younger else upper:g}, {math.inf if older else lower:g})"'
    raise SchemaError(
        f"nobody is of the ages of the estimate, [{lower:g}, {upper:g}) years; those who are here "
        f"are named by --ages {others}; in Python by ages={others}"
    )


def check_headings(choices: Choices, faults: Faults) -> None:
    """Gather the columns among the choices that the headings of a file do not have.

    A column that only the whole file tells of, such as an age that is made of dates, passes: it is
    looked for again where the people are read.
    """
    there = _promised(choices)
    if there is None:
        return
    made = {name for name in codebook().variables if name not in there}
    with faults:
        _refuse_unknown_columns(_columns_named(choices), there, made)
    with faults:
        check_groups(faults, pl.DataFrame(), _grouping(choices, there), None)


def _promised(choices: Choices) -> tuple[str, ...] | None:
    """The columns that the file will have; of several files those of all, until all named are seen.

    None where the first rows of one do not tell.
    """
    given, reading = None, choices.arguments("read")
    with suppress(OsteoEpiError, OSError):  # what cannot be read is said where it is read
        given = collected(choices.path, choices.source)
    if given is None:
        return columns_promised(choices.path, **reading)
    wanted = [name for names in _columns_named(choices).values() for name in names]
    there: dict[str, None] = {}
    for file in given.files:
        if there and all(column_of(name, list(there)) or name in MADE for name in wanted):
            break
        names = columns_promised(file.path, **reading)
        if names is None:
            return None
        there |= dict.fromkeys((*names, *file.values))
    return tuple(there)


def _columns_named(choices: Choices) -> dict[str, tuple[str, ...]]:
    """Option → the columns that it names."""
    # That sex lacks is an error of the check, and everybody is broken down by sex by default.
    named = {"--by": tuple(name for name in choices.by if name != "sex")}
    if choices.use_design:
        named |= {
            f"--{part}": (getattr(choices, part),)
            for part in ("weight", "stratum", "psu")
            if getattr(choices, part) not in (None, "equal")
        }
    return named | {"--keep": tuple(name for name in choices.keep if name != "all")}


def _grouping(choices: Choices, there: Sequence[str]) -> dict[str, str]:
    """Column of --by as it was typed → the column of the people."""
    return {name: column_of(name, there) or name for name in choices.by}


def checked(
    choices: Choices, files: Sequence[str], faults: Faults
) -> tuple[Cohort, Proposal] | None:
    """Read and check people, and propose the command of the run that they are fit for.

    Parameters
    ----------
    choices
        The files and what was said of them.
    files
        The files as they were typed.
    faults
        Where everything is gathered that the proposed run would refuse.

    Returns
    -------
    tuple or None
        The people as the proposed command takes them: what is wrong in a column that it does not
        read is a warning, as in the run. None where nothing could be read.
    """
    noticed = Faults()
    people = read_gathering(choices.path, noticed, **choices.arguments("read"))
    proposal = None
    if people is not None:
        refused = noticed.beside_columns > 0
        proposal = propose(people, choices, files, frozenset(noticed.columns), refused=refused)
        if proposal.readings and noticed:  # of columns that the command does not read
            noticed, needed = Faults(), stops(proposal.readings)
            people = read_gathering(
                choices.path, noticed, needed=needed, **choices.arguments("read")
            )
    with faults:
        noticed.refuse()
    faults.columns |= noticed.columns
    if people is None or proposal is None:
        return None
    if proposal.readings:
        reader = "the command that is proposed"
        people = without_unread(people, [proposal.readings], reader=reader)
    _check_errors(people, Choices(), faults)
    with faults:
        measurements_lacking([*people.columns, *faults.columns])
    return people, proposal


def _lacks_reference(choices: Choices, criterion: Criterion, people: Cohort) -> bool:
    with suppress(OsteoEpiError):  # an unknown kind of evidence is said already
        parts = ("evidence", "reference", "ctxa_reference")
        given = {part: getattr(choices, part) for part in parts}
        return needs_reference(criterion, people=people.frame, **given)
    return False


def unjudged(people: Cohort, choices: Choices, criterion: Criterion) -> str:
    """Why a reference can judge nobody of these people; empty where it can judge somebody."""
    try:
        _refuse_reference(choices, criterion, people, Offer.of(people))
    except DefinitionError as error:
        return str(error)
    return ""


def _refuse_reference(choices: Choices, criterion: Criterion, people: Cohort, offer: Offer) -> None:
    """Insist that a reference can judge somebody who is here, and that reported scores are there.

    What it lacks of some people is a finding of the classes, since the others are judged.
    """
    readings = readings_of(choices, criterion)
    if readings is None or "dxa" not in readings.evidence:
        return
    name = choices.reference or criterion.young_adult
    if isinstance(name, str) and name == REPORTED:
        if not offer.volumetric and not any(c.startswith("t_score_") for c in people.columns):
            raise DefinitionError(scores_lacking(offer, criterion, choices.norms))
        return
    if offer.scores and not offer.densities and not offer.volumetric:
        raise DefinitionError(densities_lacking(offer, getattr(name, "id", str(name))))
    if isinstance(name, str) and name == OWN_REFERENCE:
        return
    reference = name if isinstance(name, YoungAdultReference) else None
    with suppress(OsteoEpiError):  # an unknown name is said already
        reference = reference or norms.load("young_adult", str(name), folder=choices.norms)
    rois = [roi for roi in offer.densities if roi in criterion.rois and roi in readings.rois]
    if reference is None or not rois or not {"sex", "age"} <= set(people.columns):
        return
    rule = choices.sex_rule or criterion.sex_rule
    own = {sex: "female" if rule == "female" else sex for sex in SEXES}
    lacking = {s: [r for r in rois if reference.mean_sd(own[s], r) is None] for s in SEXES}
    unjudged = pl.any_horizontal(
        (pl.col("sex") == s) & (len(lacking[s]) == len(rois) or _measured(people, lacking[s]))
        for s in SEXES
    )
    frame = people.frame.filter(pl.col("age") >= criterion.applies.from_age)
    n = dict(frame.filter(unjudged)["sex"].value_counts().sort("sex").iter_rows())
    if n and sum(n.values()) == len(frame) and not offer.volumetric:
        raise DefinitionError(held_by_others(offer, reference, n, lacking, rois, choices.norms))


def _measured(people: Cohort, rois: Sequence[str]) -> pl.Expr:
    """Whether a person has a density of one of these regions, the spine's of its vertebrae too."""
    vertebrae = {f"abmd_l{i}" for i in range(1, 5)} if "lumbar_spine" in rois else set[str]()
    names = [
        name
        for name in people.columns
        if name in vertebrae
        or (name.startswith("abmd_") and name in codebook() and region_of(name) in rois)
    ]
    return pl.any_horizontal(pl.lit(False), *(pl.col(name).is_not_null() for name in names))


def _check_errors(people: Cohort, choices: Choices, faults: Faults) -> None:
    """Errors of the check that nobody accepted, each a fault; that sex lacks cannot be accepted."""
    for finding in people.open_errors:
        if finding.code == "incomplete" or not choices.accept_errors:
            with faults:
                _raise(finding)


def _raise(finding: Finding) -> None:
    raise SchemaError(refusal(Findings((finding,))))


def _refuse_emptied(people: Cohort, names: Iterable[str | None]) -> None:
    """Say where the values are of a column that was read as a quantity which they cannot be."""
    frame, there = people.frame, set(people.columns)
    for name in filter(None, (column_of(name, people.columns) for name in names if name)):
        given = f"{name}_as_given"
        if {name, given} <= there and frame[given].count() and not frame[name].count():
            raise SchemaError(
                f"column {name!r} was read as {name}, which its values cannot be; as the file "
                f"gives them they stand in {given}: name that one"
            )


def _refuse_unknown_columns(
    named: Mapping[str, Iterable[str]], there: Sequence[str], made: Set[str] = frozenset()
) -> None:
    """Insist that a column that was named is there, or is yet made; list those there are."""
    unknown = {
        name: option
        for option, names in named.items()
        for name in names
        if column_of(name, there) is None
        and column_of(name, sorted(made)) is None
        and name not in MADE
        and not (made and name.endswith((FILE, AS_GIVEN)))
    }
    if not unknown:
        return
    asked = ", ".join(f"{name!r} ({option})" for name, option in unknown.items())
    near = "".join(did_you_mean(name, there) for name in unknown) if len(unknown) == 1 else ""
    verb = "is no column" if len(unknown) == 1 else "are no columns"
    raise SchemaError(f"{asked} {verb} of the data{near}; there are {', '.join(there)}")
