"""What a heading means beside the others of its file, where alone it does not tell.

Each rule holds only where the neighbours leave one meaning, and says what it took: Hologic's TOT
beside HTOT or L1 to L4, a hip beside its neck, a survey's own weight beside its strata, and of
several identifiers the finest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import polars as pl

from osteo_epi.cohort._codebook import codebook
from osteo_epi.cohort._design import BODY
from osteo_epi.cohort.conform._coding import texts
from osteo_epi.cohort.conform._headings import Match, as_map, as_written, normalise, quantity_of
from osteo_epi.cohort.conform._numbers import share, to_numbers
from osteo_epi.cohort.conform.keeping import left_as
from osteo_epi.findings import Finding
from osteo_epi.rounding import count

_WEIGHT = re.compile(r"^wt_[a-z]\w*$", re.IGNORECASE)
_HALF = 0.5
_CLOSE, _MOST = 0.02, 0.95
"""Kilograms and pounds, each rounded, keep their ratio this well, in all rows but slips."""
Read = tuple[list[Match], list[Finding]]


def with_neighbours(matches: Sequence[Match], frame: pl.DataFrame) -> Read:
    """Read those headings that only the others of the file explain.

    Parameters
    ----------
    matches
        What each heading was taken for by itself.
    frame
        The columns.

    Returns
    -------
    tuple
        The same, with those that the neighbours explain; and what was taken for what.

    Examples
    --------
    >>> from osteo_epi.cohort.conform._headings import match
    >>> names = ["TOT_BMD", "NECK_BMD", "HTOT_BMD"]
    >>> table = pl.DataFrame({name: [0.8] for name in names})
    >>> with_neighbours([match(name) for name in names], table)[0][0].variable
    'abmd_lumbar_spine'
    """
    known = list(matches)
    findings: list[Finding] = []
    rules: tuple[Callable[[list[Match], pl.DataFrame], Read], ...] = (
        _merged_twice,
        _spine_totals,
        _whole_hips,
        _survey_weight,
        _one_sex,
        _finest_identifier,
    )
    for rule in rules:
        known, noticed = rule(known, frame)
        findings += noticed
    return known, findings


def _merged_twice(matches: list[Match], frame: pl.DataFrame) -> Read:
    """Two columns of one name, which pandas calls age_x and age_y where it merges two tables.

    Where their cells are the same they are one; else both mean the variable, which is refused.
    """
    known, findings = {m.heading: m for m in matches}, []
    for heading in [name for name in known if name.endswith("_x")]:
        stem, other = heading.removesuffix("_x"), f"{heading.removesuffix('_x')}_y"
        reading = as_written(stem)
        if other not in known or reading.variable is None or reading.how not in ("alias", "words"):
            continue
        if "mapped" in (known[heading].how, known[other].how):
            continue
        same = frame[heading].equals(frame[other], null_equal=True)
        known[heading] = replace(reading, heading=heading)
        known[other] = replace(reading, heading=other)
        if same:
            known[other] = replace(known[other], variable=None, how="left out")
            message = f"read as {reading.variable}, of which {other!r} is a copy"
            findings.append(_assumed(heading, message))
    return [known[m.heading] for m in matches], findings


def _spine_totals(matches: list[Match], _frame: pl.DataFrame) -> Read:
    """Hologic calls the total of the spine TOT and that of the hip HTOT."""
    keys = {normalise(m.heading) for m in matches}
    named = _named(matches)
    vertebrae = tuple(f"l{i}" for i in range(1, 5))

    def of(reading: Match) -> tuple[str, str] | None:
        key, spine = normalise(reading.heading), _candidate(reading, "lumbar_spine")
        if not key.startswith("tot") or key.startswith("total") or spine is None or spine in named:
            return None
        if f"h{key}" in keys:
            return spine, f"H{reading.heading} beside it is the hip's"
        if all(spine.replace("lumbar_spine", one) in named for one in vertebrae):
            return spine, "L1 to L4 stand beside it"
        return None

    return _read(matches, of)


def _whole_hips(matches: list[Match], _frame: pl.DataFrame) -> Read:
    """A hip beside a femoral neck of its own is the total hip."""
    named = _named(matches)
    waiting = [_candidate(m, "total_hip") for m in matches if _candidate(m, "femoral_neck")]

    def of(reading: Match) -> tuple[str, str] | None:
        neck, hip = _candidate(reading, "femoral_neck"), _candidate(reading, "total_hip")
        if len(reading.candidates) != 2 or neck not in named or hip is None or hip in named:
            return None
        return (hip, "the femoral neck stands beside it") if waiting.count(hip) == 1 else None

    return _read(matches, of)


def _named(matches: Iterable[Match]) -> set[str]:
    return {m.variable for m in matches if m.variable}


def _candidate(reading: Match, region: str) -> str | None:
    """The one candidate of an ambiguous heading that is of a region, on whichever side."""
    if reading.how != "ambiguous" or len(reading.candidates) > 2:
        return None
    rois = {region, f"{region}_{reading.side}"}
    fitting = [n for n in reading.candidates if codebook()[n].roi in rois and quantity_of(n)]
    return fitting[0] if len(fitting) == 1 else None


def _read(matches: list[Match], of: Callable[[Match], tuple[str, str] | None]) -> Read:
    known, findings = [], []
    for reading in matches:
        told = of(reading)
        if told is None:
            known.append(reading)
            continue
        variable, because = told
        known.append(replace(reading, variable=variable, how="words", candidates=()))
        findings.append(_assumed(reading.heading, f"read as {variable}: {because}"))
    return known, findings


def _assumed(heading: str, message: str) -> Finding:
    fix = f"if that is wrong, leave it out with {as_map(heading)}"
    return Finding("assumed_heading", "warning", heading, 0, message, fix)


def _survey_weight(matches: list[Match], frame: pl.DataFrame) -> Read:
    """The one column wt_… of a survey whose strata or units are known; `wt` beside a body weight.

    A column wt, or weight, without a unit is the survey's beside another one of the body, unless
    it is that weight once more, and beside strata or units where its numbers are no kilograms.
    """
    named = _named(matches)
    if "survey_weight" in named:
        return matches, []
    drawn = bool(named & {"stratum", "psu"})
    bodies = [m for m in matches if m.variable == "weight" and not _is_bare(m)]
    weights = [m for m in matches if _is_weight(m, frame, bodies, drawn=drawn)]
    if len(weights) > 1:
        because = (
            "one of several weights of a survey: the right one belongs to the part of the survey "
            "that measured the bone"
        )
        several = {m.heading for m in weights}
        return [
            replace(
                m, variable=None, how="ambiguous", because=because, candidates=("survey_weight",)
            )
            if m.heading in several
            else m
            for m in matches
        ], []
    because = "the file has strata or sampling units, and no other weights"
    if bodies and not drawn:
        because = f"the weight of the body stands beside it, in {bodies[0].heading!r}"
    return _read(matches, lambda m: ("survey_weight", because) if m in weights else None)


def _is_bare(reading: Match) -> bool:
    return (
        reading.how != "mapped"
        and reading.unit is None
        and normalise(reading.heading) in codebook().bare_weights
    )


def _is_weight(
    reading: Match, frame: pl.DataFrame, bodies: Sequence[Match], *, drawn: bool
) -> bool:
    """Whether a column can be the weights of a survey, which `drawn` says that the file is of."""
    bare, named = _is_bare(reading), reading.how == "unknown" and _WEIGHT.match(reading.heading)
    if not (drawn and named) and not (bare and (drawn or bodies)):
        return False
    values = _numbers(frame[reading.heading])
    present = values.drop_nulls()
    if present.is_empty() or not (present >= 0).all():
        return False
    if bare and bodies:
        return not any(_is_copy(values, _numbers(frame[m.heading])) for m in bodies)
    middle = present.median()
    return not bare or not (isinstance(middle, float) and BODY[0] <= middle <= BODY[1])


def _numbers(column: pl.Series) -> pl.Series:
    return to_numbers(column, codebook()["weight"]).values


def _is_copy(values: pl.Series, others: pl.Series) -> bool:
    """Whether numbers are others once more, in the same unit or in another one (kg, lb)."""
    both = pl.DataFrame({"a": values, "b": others}).filter(pl.col("a") > 0, pl.col("b") > 0)
    ratios = both.select(pl.col("a") / pl.col("b")).to_series()
    middle = ratios.median()
    if not isinstance(middle, float):
        return False
    return share(ratios.is_between(middle * (1 - _CLOSE), middle * (1 + _CLOSE))) > _MOST


def _one_sex(matches: list[Match], frame: pl.DataFrame) -> Read:
    """Of columns that ask for one sex (male, 是否女性) the first, where yes and no answer it.

    A column of sex says it better; and two that contradict each other say nothing.
    """
    asked = [m for m in matches if m.candidates == ("sex",) and m.coding]
    if not asked:
        return matches, []
    answers = {m.heading: texts(frame[m.heading]).str.to_lowercase() for m in asked}
    told = {
        m.heading: answers[m.heading].replace_strict(m.coding, default=None)
        for m in asked
        if set(answers[m.heading].drop_nulls()) <= set(m.coding)
    }
    silent = [replace(m, how="left out") if m in asked else m for m in matches]
    if "sex" in _named(matches):
        return silent, []
    ways = list(told.values())
    if not ways or not all((ways[0] == way).fill_null(True).all() for way in ways):
        return matches, []
    chosen = next(m for m in asked if m.heading in told)
    sex = replace(chosen, variable="sex", how="words", candidates=())
    known = [sex if m.heading == chosen.heading else m for m in silent]
    given = answers[chosen.heading].drop_nulls().unique().sort()
    meant = ", ".join(f"{answer} is {chosen.coding[answer]}" for answer in given)
    message = f"read as sex: its heading asks for one, so that {meant or 'yes is that one'}"
    fix = f"if that is wrong, leave it out with {as_map(chosen.heading)}"
    return known, [Finding("assumed_heading", "note", chosen.heading, 0, message, fix)]


def _finest_identifier(matches: list[Match], frame: pl.DataFrame) -> Read:
    """Of several identifiers the one with the most values; a person's own before a visit's."""
    ids = [m for m in matches if m.variable == "person_id" and m.how != "mapped"]
    if len(ids) < 2 or len(ids) < sum(m.variable == "person_id" for m in matches):
        return matches, []
    values = {m.heading: _cells(frame[m.heading]) for m in ids}
    n = {heading: cells.n_unique() for heading, cells in values.items()}
    finest = max(n, key=lambda heading: n[heading])
    own = [h for h in n if normalise(h) in codebook().personal and _covers(h, finest, n, values)]
    chosen = max(own, key=lambda heading: n[heading]) if own else finest
    others = [m.heading for m in ids if m.heading != chosen]
    kept = [
        replace(m, variable=None, how="left out") if m.heading in others else m for m in matches
    ]
    message = (
        f"several identifiers: person_id is read from {chosen!r}, {count(n[chosen])} different "
        f"values in {count(len(values[chosen]))} filled rows of {count(len(frame))}; "
        f"{', '.join(map(repr, others))}: {left_as(others[0])}"
    )
    fix = f"another is chosen with {as_map(others[0], 'person_id')}"
    return kept, [Finding("several_identifiers", "note", chosen, 0, message, fix)]


def _cells(column: pl.Series) -> pl.Series:
    cells = column.cast(pl.String, strict=False).str.strip_chars()
    return cells.filter((cells != "").fill_null(False))


def _covers(heading: str, finest: str, n: dict[str, int], values: dict[str, pl.Series]) -> bool:
    """A person's own number is as complete as the finest, and no constant."""
    return len(values[heading]) >= len(values[finest]) and n[heading] >= _HALF * n[finest]
