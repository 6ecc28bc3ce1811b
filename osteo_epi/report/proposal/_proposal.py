"""What a file offers to a run: what was measured, and which references hold it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from osteo_epi import norms
from osteo_epi.cohort import Cohort, codebook, recognised_design
from osteo_epi.diagnosis import (
    LOWEST_ROI,
    NOT_STATED,
    OWN_REFERENCE,
    REPORTED,
    YOUNG,
    Readings,
    definition,
    maker_in,
    planned_readings,
    region_of,
    stated_makers,
    suitability_findings,
    without_unread,
    young_rois,
)
from osteo_epi.errors import DesignError, SchemaError
from osteo_epi.findings import Finding
from osteo_epi.language import word
from osteo_epi.norms import SEXES, Criterion, YoungAdultReference
from osteo_epi.report.choices import NAMES, Choices, Option
from osteo_epi.report.proposal._reading import MEASURED, REPEATS, of_file

FRACTURES = ("fragility_fracture", "fracture_site", "genant_grade", "vertebral_height_loss")
_OTHERS = {
    "hu_": "CT attenuation [HU], which is no density",
    "qus_": "ultrasound (QUS), which screens and makes no diagnosis",
    "abmd_radius_pdxa": "peripheral DXA, which screens and makes no diagnosis",
    "vbmd_radius_pqct": "peripheral QCT, which screens and makes no diagnosis",
    "tbs": "the trabecular bone score, which decides nothing alone",
}
CRITERION, STANDARD = "china_2020", "china_2010"
"""What a proposal goes by, until the user says otherwise: both are of China."""
FEW = 3
"""References that a message lists before it counts the others: as many as a screen has room for
beside the other faults."""
_MAIN = ("lumbar_spine", "femoral_neck", "total_hip")
_PEOPLE = {"female": "women", "male": "men"}


@dataclass(frozen=True)
class Offer:
    """What people hold that a definition may read.

    Parameters
    ----------
    densities, scores
        Regions of interest with areal densities, and with T-scores of the file's own.
    volumetric
        Whether there is QCT of the spine.
    sexes
        Sexes that occur; both where the file does not say.
    makers
        Makers of densitometers that the data state.
    young
        Regions that were measured in enough of their own young adults, of each sex.
    fractures
        Whether there is a record of fractures.
    """

    densities: tuple[str, ...]
    scores: tuple[str, ...]
    volumetric: bool
    sexes: tuple[str, ...]
    makers: tuple[str, ...]
    young: tuple[str, ...] = ()
    fractures: bool = False

    @classmethod
    def of(cls, people: Cohort, unread: Iterable[str] = ()) -> Offer:
        """Those of a cohort; `unread` are columns that the file has, and that hold a fault."""
        frame = people.frame
        held = {c for c in frame.columns if c in codebook() and frame[c].count()} | set(unread)
        held |= {finding.column for finding in people.findings.of("unit_suspected")}
        there = set(frame["sex"].unique()) if "sex" in held - set(unread) else set()
        sexes = tuple(sex for sex in SEXES if sex in there)
        return cls(
            densities=_rois(held, "abmd_"),
            scores=_rois(held, "t_score_"),
            volumetric=any(c.startswith("vbmd_") and _is_measurement(c) for c in held),
            sexes=sexes or SEXES,
            makers=stated_makers(frame),
            young=young_rois(frame),
            fractures=bool(held & set(FRACTURES)),
        )

    def holds(self, reference: YoungAdultReference) -> dict[str, tuple[str, ...]]:
        """Sex → regions measured here that a reference holds."""
        there = {(entry.sex, entry.roi) for entry in reference.entries}
        rois = [roi for roi in self.densities if roi != "radius_33"]
        held = {sex: tuple(r for r in rois if (sex, r) in there) for sex in self.sexes}
        return {sex: rois for sex, rois in held.items() if rois}

    def suits(self, reference: YoungAdultReference) -> bool:
        """Whether no maker that the data state speaks against a reference."""
        level = reference.maker_level or maker_in(reference.maker)
        return not self.makers or level is None or set(self.makers) == {level}


def _rois(held: Iterable[str], start: str) -> tuple[str, ...]:
    """Regions of a diagnosis that columns of one kind are of, whatever the side."""
    regions = {region_of(name) for name in held if name.startswith(start)}
    if len(regions & {"l1", "l2", "l3", "l4"}) > 1 and start == "abmd_":
        regions.add("lumbar_spine")
    order = ("lumbar_spine", "femoral_neck", "total_hip", "radius_33", LOWEST_ROI)
    return tuple(roi for roi in order if roi in regions)


def measurements_lacking(columns: Sequence[str]) -> None:
    """Refuse data without anything that a definition of osteoporosis reads.

    Raises
    ------
    SchemaError
        With what is there instead, and what would be needed.

    Examples
    --------
    >>> measurements_lacking(["age", "sex", "hu_l1"])
    Traceback (most recent call last):
    ...
    osteo_epi.errors.SchemaError: no density, T-score or QCT value was recognised (hu_l1 is CT ...
    """
    known = [name for name in columns if name in codebook()]
    if any(_is_measurement(name) for name in known):
        return
    said = {
        f"{name} is {what}"
        for name in known
        for start, what in _OTHERS.items()
        if name.startswith(start)
    }
    found = f" ({'; '.join(sorted(said))})" if said else ""
    blank = any(name.startswith("unnamed_") for name in columns)
    rows = "if the headings stand in two rows, say header_rows=2 (--header-rows 2); else " * blank
    raise SchemaError(
        f"no density, T-score or QCT value was recognised{found}; needed are densities by DXA "
        "[g/cm²] (abmd_lumbar_spine, abmd_femoral_neck, abmd_total_hip), T-scores of the device "
        "(t_score_lumbar_spine_reported, …, read by --reference reported) or QCT of "
        f"the spine [mg/cm³] (vbmd_l1, vbmd_l2): {rows}say which column is one with "
        "map={heading: variable} (--map HEADING=VARIABLE); the columns are "
        f"{', '.join(columns)}"
    )


def _is_measurement(name: str) -> bool:
    variable = codebook()[name]
    return name in FRACTURES or (variable.decides and name.startswith(MEASURED))


def references_for(offer: Offer, criterion: Criterion, folder: object = None) -> str:
    """Say which references there are for what was measured, where a definition names none.

    Examples
    --------
    >>> offer = Offer((), ("femoral_neck",), False, ("female",), ())
    >>> print(references_for(offer, norms.load("criteria", "china_2020")))
    china_2020 names no reference of its own: say with reference= (--reference) whom T-scores
    compare with
    - --reference reported (the T-scores in the file: femoral neck)
    """
    return "\n- ".join(
        (
            f"{criterion.id} names no reference of its own: say with reference= (--reference) "
            "whom T-scores compare with",
            *_ways(offer, criterion, folder),
        )
    )


def scores_lacking(offer: Offer, criterion: Criterion, folder: object = None) -> str:
    """Say that reported T-scores are asked of a file without any, and what there is instead."""
    return "\n- ".join(
        (
            "reference 'reported' (--reference reported) reads T-scores of the file, and it has "
            "none: name their columns with map={heading: variable} (--map "
            "HEADING=t_score_femoral_neck_reported), or take",
            *_ways(offer, criterion, folder),
        )
    )


def densities_lacking(offer: Offer, name: str) -> str:
    """Say that a reference is asked to score densities of a file that has T-scores alone."""
    named = (word(r).lower() if r != LOWEST_ROI else "the lowest of several" for r in offer.scores)
    return (
        f"reference {name} (--reference) scores densities, and none is recognised; there are "
        f"T-scores of the file's own ({', '.join(named)}), which reference={REPORTED!r} "
        f"(--reference {REPORTED}) takes"
    )


def held_by_others(
    offer: Offer,
    reference: YoungAdultReference,
    people: Mapping[str, int],
    lacking: Mapping[str, Sequence[str]],
    read: Sequence[str],
    folder: object = None,
) -> str:
    """Say what a reference lacks of everybody here, and by sex and region which ones hold it.

    Parameters
    ----------
    people
        Sex → how many of that sex it cannot judge.
    lacking
        Sex → regions measured in them that it does not hold.
    read
        Regions that were measured and would be read.
    """
    there = norms.available("young_adult", folder=folder)  # type: ignore[arg-type]
    fit = [n for n in there if isinstance(n, YoungAdultReference) and offer.suits(n)]
    lines = [
        f"{_PEOPLE[sex]}, {word(roi).lower()}: "
        f"{_few([n.id for n in fit if n.mean_sd(sex, roi) is not None])}"
        for sex in people
        for roi in lacking[sex]
    ]
    who = " and ".join(f"{n:,} {_PEOPLE[sex]}" for sex, n in people.items())
    named = f"reference {reference.id} (--reference)"
    without = {roi for sex in people for roi in lacking[sex]}
    rest = [roi for roi in read if roi not in without]
    said = f"{named} holds nothing by which {who} here could be judged: name one that does"
    if rest:
        regions = ", ".join(word(roi).lower() for roi in sorted(without, key=list(read).index))
        said = (
            f"{named} does not hold what was measured in {who} here ({regions}), so that nobody's "
            "densities could be judged: name one that does, or the regions to be read without it "
            f"with sites= (--sites {','.join(rest)}), which finds fewer people"
        )
    return "\n- ".join((said, *lines))


def _few(names: Sequence[str]) -> str:
    """The first of some references, and how many more there are."""
    more = len(names) - FEW
    rest = f" and {more} more: osteo-epi norms list young_adult" if more > 0 else ""
    return (", ".join(names[:FEW]) or "none") + rest


def _ways(offer: Offer, criterion: Criterion, folder: object) -> list[str]:
    """What may be said with --reference, a line each: of a long list those that hold most."""
    ways = []
    if offer.scores:
        rois = ", ".join(word(roi).lower() for roi in offer.scores)
        ways.append(f"--reference reported (the T-scores in the file: {rois})")
    published = ranked(offer, criterion, folder)
    # The first of the criterion's country is among them, though it may lack a sex.
    own = [n for n in published if n.country and n.country == criterion.country][:1]
    few = [*published[:FEW], *(n for n in own if n not in published[:FEW])]
    for reference in few:
        ways.append(f"--reference {reference.id} ({coverage(offer, reference)})")
    if len(published) > len(few):
        ways.append(f"and {len(published) - len(few)} more: osteo-epi norms list young_adult")
    if offer.young:
        rois = ", ".join(word(roi).lower() for roi in offer.young)
        here = f"their own young adults, {YOUNG[0]} to {YOUNG[1]} years: {rois}"
        ways.append(f"--reference {OWN_REFERENCE} ({here})")
    return ways


def ranked(offer: Offer, criterion: Criterion, folder: object = None) -> list[YoungAdultReference]:
    """Published references that hold something measured here, the fittest first.

    Those that hold most come first: of as many regions and sexes people of the criterion's country,
    then the best grade.
    """
    there = norms.available("young_adult", folder=folder)  # type: ignore[arg-type]
    fit = [n for n in there if isinstance(n, YoungAdultReference) and offer.suits(n)]
    held = [n for n in fit if offer.holds(n)]
    return sorted(held, key=lambda n: _rank(n, offer, criterion))


def _rank(
    reference: YoungAdultReference, offer: Offer, criterion: Criterion
) -> tuple[int, bool, int]:
    held = sum(map(len, offer.holds(reference).values()))
    foreign = not criterion.country or reference.country != criterion.country
    return -held, foreign, ("A", "B", "derived", "C").index(reference.verification)


def coverage(offer: Offer, reference: YoungAdultReference) -> str:
    """Which of the regions measured a reference holds, by sex."""
    parts = [
        f"{_PEOPLE[sex]}: {', '.join(word(roi).lower() for roi in rois)}"
        for sex, rois in offer.holds(reference).items()
    ]
    return "; ".join(parts)


@dataclass(frozen=True)
class Proposal:
    """A whole command for a file, and what it could not choose.

    Parameters
    ----------
    words
        The command; empty where none would run through.
    notes
        What was chosen for the user, and how to choose otherwise; a sentence each.
    readings
        What the command's definition reads; None without a command.
    """

    words: tuple[str, ...]
    notes: tuple[str, ...]
    readings: Readings | None = None

    @property
    def command(self) -> str:
        """The command, quoted for a shell."""
        return shlex.join(self.words)


def propose(
    people: Cohort,
    choices: Choices,
    files: Sequence[str],
    unread: Iterable[str] = (),
    *,
    refused: bool = False,
) -> Proposal:
    """Propose the command that leads from a file to a prevalence by china_2020.

    Parameters
    ----------
    people
        As they were read, with their findings.
    choices
        What was said of the file already, which is kept.
    files
        The files as they were typed.
    unread
        Variables whose columns hold a fault, so that they could not be read.
    refused
        Whether something else than a column is at fault, such as a name in --map: no option that
        is proposed here mends it.

    Examples
    --------
    >>> import polars as pl
    >>> from osteo_epi.cohort import read
    >>> people = read(pl.DataFrame({"age": [61, 70], "sex": ["F", "F"],
    ...                             "femoral neck T-score": [-2.6, -1.1]}))
    >>> print(propose(people, Choices(["a b.csv"]), ["a b.csv"]).command)
    osteo-epi run 'a b.csv' --reference reported --sites femoral_neck
    """
    faulty = frozenset(unread)
    chosen, notes = dict[str, Any](), list[str]()
    counting = of_file(people, choices, chosen, notes, faulty)
    if not _of_definition(counting, Offer.of(counting, faulty), chosen, notes, faulty):
        return Proposal((), tuple(notes))
    if not _of_estimate(counting, chosen, notes):
        return Proposal((), tuple(notes))
    readings = _readings(chosen)
    standing = [
        finding
        for finding in without_unread(people, [readings]).open_errors
        if not _is_solved(finding, chosen)
    ]
    # A column that the command does not read may be what it likes: the run leaves it out.
    if refused or standing or any(readings.takes(name) for name in faulty - {"sex"}):
        return Proposal((), ("no command runs through before the faults are mended",))
    given = replace(choices, **chosen)
    words = ["osteo-epi", "run", *files]
    for name, option in Choices.catalogue().items():
        if name in chosen or (option.group == "read" and _is_given(given, name)):
            words += _typed(option, getattr(given, name))
    return Proposal(tuple(words), tuple(notes), readings)


def _is_solved(finding: Finding, chosen: Mapping[str, Any]) -> bool:
    """Whether the options that are proposed mend an error."""
    if finding.code == "incomplete":
        return finding.column == "sex" and bool({"sex", "sex_coding"} & set(chosen))
    if finding.code == "unit_suspected":  # where only some rows are, the file has to be mended
        return finding.column in chosen.get("units", {})
    return finding.code in REPEATS


def _is_given(choices: Choices, name: str) -> bool:
    return bool(getattr(choices, name) != Choices.catalogue()[name].default)


def _typed(option: Option, value: Any) -> list[str]:
    words = option.kind.write(value)
    if not words:
        return [option.flag]
    if option.kind is NAMES:
        return [option.flag, ",".join(words)]
    return [part for word in words for part in (option.flag, word)]


def _of_definition(
    people: Cohort, offer: Offer, chosen: dict[str, Any], notes: list[str], unread: Set[str]
) -> bool:
    """Sites and reference; False where nothing could be judged."""
    if offer.volumetric and not (offer.densities or offer.scores):
        return True
    if not set(_MAIN) & {*offer.densities, *offer.scores}:
        return _of_no_region(offer, chosen, notes)
    reference, read = _reference_of(people, offer, notes, unread)
    if not reference:
        return False
    chosen["reference"] = reference
    if reference == REPORTED and (n := _unscored(people.frame, read)):
        notes.append(f"{n:,} people have densities and none of these T-scores: they are left out")
    if read and set(read) != set(_MAIN):
        chosen["sites"] = read
        named = ", ".join(word(roi).lower() for roi in read)
        notes.append(f"--sites names what can be read ({named}): fewer sites find fewer people")
    if LOWEST_ROI in offer.scores:
        notes.append(
            "the lowest T-score of the file is not read beside its regions: "
            f"--reference {REPORTED} --sites {NOT_STATED} reads it alone"
        )
    return True


def _of_no_region(offer: Offer, chosen: dict[str, Any], notes: list[str]) -> bool:
    """The lowest T-score of a file without any region that decides; False without one."""
    if LOWEST_ROI in offer.scores:
        chosen |= {"reference": REPORTED, "sites": (NOT_STATED,)}
        notes.append(f"--reference {REPORTED} takes the lowest T-score in the file, of any region")
        return True
    notes.append(
        "no command runs through: fractures alone rule osteoporosis out in nobody"
        if offer.fractures and not (offer.densities or offer.scores)
        else f"no command runs through: {CRITERION} decides by lumbar spine (of two vertebrae at "
        "least), femoral neck or total hip, and none is recognised; name the column of one with "
        "--map HEADING=VARIABLE"
    )
    return False


def _reference_of(
    people: Cohort, offer: Offer, notes: list[str], unread: Set[str]
) -> tuple[str, tuple[str, ...]]:
    """The reference, and the regions read by it; without a name where none suits."""
    wrong = {name for f in people.open_errors for name in f.column.split(", ")} | unread
    scores = [r for r in offer.scores if r in _MAIN]
    sound = tuple(r for r in scores if f"t_score_{r}_reported" not in wrong)
    if len(sound) >= max(len([r for r in offer.densities if r in _MAIN]), 1):
        return _reported(scores, sound, "whoever they rest on", notes)
    published = ranked(offer, norms.load("criteria", CRITERION))
    frame = people.frame.drop(wrong, strict=False)
    fit = [r for r in published[: 1 + FEW] if not _is_contradicted(frame, r, _common(offer, r))]
    if fit:
        others = [r.id for r in fit[1:]] or [OWN_REFERENCE] * bool(offer.young)
        notes.append(
            f"--reference is yours to choose: {fit[0].id} holds {coverage(offer, fit[0])}"
            + (f"; others are {', '.join(others)}" if others else "")
        )
        return fit[0].id, _common(offer, fit[0])
    if scores:
        return _reported(scores, sound, "references contradict their densities", notes)
    if own := tuple(roi for roi in offer.young if roi in _MAIN):
        notes.append(f"no published reference suits: --reference {OWN_REFERENCE} takes their own")
        return OWN_REFERENCE, own
    notes.append(
        "no command runs through: no reference suits what was measured, see osteo-epi norms list "
        "young_adult"
    )
    return "", ()


def _unscored(people: pl.DataFrame, read: Sequence[str]) -> int:
    """People measured by a device that reports no T-scores, in a file of several devices."""

    def held(start: str) -> pl.Expr:
        own = [c for c in people.columns if c in codebook() and c.startswith(start)]
        named = [pl.col(c).is_not_null() for c in own if region_of(c) in read]
        return pl.any_horizontal(pl.lit(False), *named)

    return int(people.select((held("abmd_") & ~held("t_score_")).sum()).item())


def _is_contradicted(
    people: pl.DataFrame, reference: YoungAdultReference, rois: Sequence[str]
) -> bool:
    """Whether what the data say of their densities would stop a run with a reference."""
    if not {"age", "sex"} <= set(people.columns):
        return False
    rules = definition(CRITERION, reference=reference, sites=rois, evidence=("dxa",))
    return any(f.severity == "error" for f in suitability_findings(people, rules))


def _common(offer: Offer, reference: YoungAdultReference) -> tuple[str, ...]:
    """Regions that a reference holds for some sex that is here."""
    held = {roi for rois in offer.holds(reference).values() for roi in rois}
    return tuple(roi for roi in _MAIN if roi in held)


def _of_estimate(people: Cohort, chosen: dict[str, Any], notes: list[str]) -> bool:
    """Standard population and survey design; False where nobody or half a design is there."""
    ages = norms.load("criteria", CRITERION).prevalence_ages
    if "age" in people.columns and not people["age"].is_between(ages.lower, ages.upper).any():
        told = f"nobody is of {ages.lower:g} years or more, of whom {CRITERION} has the prevalence"
        if not any(n.startswith("z_score_") for n in people.columns if people[n].count()):
            notes.append(f"no command runs through: {told}; others are judged by Z-scores")
            return False
        chosen["ages"] = f"[0, {ages.lower:g})"
        notes.append(f"--ages takes those who are here: {told}; Z-scores judge the others")
        return True
    empty = _empty_bands(people.frame)
    if empty:
        notes.append(
            f"no --standard is proposed, so the prevalence is crude: nobody is measured at "
            f"{', '.join(empty)}; other ages are named with --ages, wider bands with "
            f"--age-bands, beside --standard {STANDARD}"
        )
    else:
        chosen["standard"] = STANDARD
        notes.append(
            f"--standard {STANDARD} standardises by age; another is in osteo-epi norms list "
            "standard_population, and without one the prevalence is crude"
        )
    try:
        recognised = recognised_design(people.frame)
        notes.extend(recognised.notes)
    except DesignError as error:
        notes.append(f"no command runs through before the survey design is whole: {error}")
        return False
    if alone := _lonely_strata(people.frame, recognised.design):
        notes.append(
            f"no command runs through before it is said what strata with one sampling unit "
            f"contribute: {alone}; merge each with a neighbouring stratum in the file, or name "
            "--lonely adjust (conservative), average, certainty or remove beside --reference"
        )
        return False
    return True


def _lonely_strata(people: pl.DataFrame, design: Any) -> int:
    """How many strata have one sampling unit, whose variance cannot be estimated."""
    stratum, psu = getattr(design, "stratum", None), getattr(design, "psu", None)
    if not isinstance(stratum, str) or stratum not in people.columns:
        return 0
    of = people.filter(pl.col(stratum).is_not_null()).group_by(stratum)
    unit = pl.col(psu).n_unique() if isinstance(psu, str) and psu in people.columns else pl.len()
    return of.agg(unit.alias("units")).filter(pl.col("units") == 1).height


def _empty_bands(people: pl.DataFrame) -> list[str]:
    """Bands of the standard population, each with its sex, in which nobody was measured."""
    if not {"age", "sex"} <= set(people.columns):
        return []
    standard = norms.load("standard_population", STANDARD)
    values = [c for c in people.columns if c in codebook() and c.startswith(MEASURED)]
    measured = people.lazy().filter(pl.any_horizontal(pl.col(values).is_not_null()))
    ages = measured.select("age", pl.col("sex").cast(pl.String)).unique().collect()
    there = set(people["sex"].unique())
    return [
        f"{band.name} ({_PEOPLE[sex]})"
        for sex in SEXES
        if sex in there
        for band in standard.collapse(standard.prevalence_edges).bands
        if ages.filter(
            pl.col("age").is_between(band.lower, band.upper, closed="left"), sex=sex
        ).is_empty()
    ]


def _readings(chosen: Mapping[str, Any]) -> Readings:
    """What the proposed definition reads."""
    criterion = norms.load("criteria", CRITERION)
    parts = ("sites", "evidence", "reference", "age_reference")
    return planned_readings(criterion, **{part: chosen.get(part) for part in parts})


def _reported(
    scores: Sequence[str], sound: tuple[str, ...], why: str, notes: list[str]
) -> tuple[str, tuple[str, ...]]:
    """The file's own T-scores, unless those of a region hold a fault.

    To leave that region out would find fewer people, for what may be a slip in a single cell.
    """
    faulty = ", ".join(word(roi).lower() for roi in scores if roi not in sound)
    if not faulty:
        notes.append(f"--reference {REPORTED} takes the T-scores in the file, {why}")
        return REPORTED, sound
    notes.append(
        f"no command runs through before the faults of T-scores ({faulty}) are mended"
        + (f"; without them, --sites {','.join(sound)}, fewer people are found" if sound else "")
    )
    return "", ()
