"""Which column of the file becomes which variable; nothing is lost, nothing is guessed.

Left and right hip are variables of their own, see `_hips`. Of other regions that were read on two
sides the unsided reading is taken, else the left, else the right, else the mean; a person without
a reading on the side that was taken gets the next side's, and the columns of both sides stay in
the frame under their own names. `map` overrides the rule.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

import polars as pl

from osteo_epi.cohort._codebook import Variable, codebook
from osteo_epi.cohort._faults import Faults, StrangerError
from osteo_epi.cohort._people import SAYS_SIMULATED, Cohort
from osteo_epi.cohort.conform._headings import (
    LOWEST_T,
    Match,
    as_map,
    match,
    nearest,
    normalise,
    quantities_of,
    quantity_of,
    quoted,
)
from osteo_epi.cohort.conform._hips import several_hips
from osteo_epi.cohort.conform._neighbours import with_neighbours
from osteo_epi.cohort.conform._numbers import in_range, share, to_numbers
from osteo_epi.cohort.conform._plausible import AS_GIVEN
from osteo_epi.cohort.conform.keeping import (
    FILE,
    is_own_name,
    is_written,
    left_as,
    tells_of_a_person,
)
from osteo_epi.cohort.conform.naming import distance
from osteo_epi.cohort.readers._layout import unknown_headings
from osteo_epi.errors import DesignError, SchemaError
from osteo_epi.findings import Finding

_SIDES = (None, "left", "right", "mean")
_CLEARLY = 0.95
_SHOWN = 4
_SPELT = 6
_CLASSES = ("bone_class", "bone_class_rule", "bone_class_reason")
_DENSITIES = ("abmd_", "vbmd_")


_SPEAKS_OF_VALIDITY = re.compile(
    r"^(?!.*(?:疗效|date|日期|时间|criteri|标准)).*(?:exclu(?!siv)|invalid(?!it|e\b|ez|enr)|"
    r"(?<!re)usable(?! income)|"
    r"art[ei]fact|evaluable|interpretable|(?<![a-z])(?:included?|in_?eligible|"
    r"eligible(?!.*(?:medicare|medicaid|insur))|withdrawn|"
    r"deleted|duplicated?|to drop)(?![a-z])|(?:scan|image|acquisition)[\s_]?quality|"
    r"^qc(?:[\s_]?(?:pass(?:ed)?|fail(?:ed)?|flag|result|status))?$|"
    r"剔除|排除|无效|無效|有效(?!期|剂量|身份|证|联系|电话|手机|邮箱|率)|不可用|(?:[可无]法?|[能可]否|不[能可])评[价估]|"
    r"不可测|[无不][法能]测|伪影|偽影|(?:纳入|入选)(?!编?号|序号|中心|年|批|来源|途径|单位)|作废|重复记录|"
    r"(?:扫描|图像)质量)",
    re.IGNORECASE | re.DOTALL,
)
"""But for an effective treatment or dose, a valid document or telephone, a pension and the number
under which someone was included; 功能评估 is of a function, and says nothing of who can be read."""
_SPEAKS_OF_MENOPAUSE = re.compile(r"m[eé]nopaus|绝经|絕經|停經|閉経|폐경", re.IGNORECASE)
_SPEAKS_OF_BEFORE = re.compile(
    r"pr[eéä][\s_-]*m[eé]nopaus|未绝经|绝经前|未絕經|絕經前|閉経前", re.IGNORECASE
)
"""Of the time before: its yes is the no of what is asked."""
_SPEAKS_OF_REFUSAL = re.compile(
    r"exclu(?!siv)|invalid|unusable|art[ei]fact|剔除|排除|无效|無效|不可", re.I
)
_AGAINST = {"postmenopausal": _SPEAKS_OF_BEFORE, "valid": _SPEAKS_OF_REFUSAL}
"""Words of a heading by which a yes is turned round, by how the variable begins that map names."""
_SPEAKS_OF_FRACTURE = re.compile(
    r"^(?!.*(?:famil|parent|mother|father|maternal|paternal|risk|probab|frax|follow|incident|new|prevent|fear|"
    r"knowledge|time to|time_to|"
    r"家族|父|母|风险|概率|随访|新发|预防|预测|知识|恐惧))"
    r"(?!(?!.*(?:prior|previous|past|last|history|既往|曾|过去|近)).*(?:major|主要|10[\s_-]*(?:y|年)|十年)).*"
    r"(?:(?:fragil|low[\s_-]?(?:trauma|energy)|osteoporo(?:tic|sis))[a-z]*[\s_-]*(?:fract|fx)|"
    r"fract[a-z]*[\s_]*fragil|(?:脆性|低能量|骨质疏松性?)骨折)",
    re.IGNORECASE | re.DOTALL,
)
"""But for those of parents, what is yet to come, and what is known or feared of them; "major" ones
and those of ten years are yet to come where they are not called previous ones."""
_FRACTURE = re.compile(
    r"fragility_fracture|genant|fracture_site|fracture_trauma|n_vertebral|endplate"
)
_OF_TREATMENT = re.compile(r"hormon|therap|treat|hrt|symptom|激素|治疗|症状", re.IGNORECASE)
_MENOPAUSE = {"postmenopausal", "menopause_age", "years_since_menopause", "ovaries_removed"}


@dataclass(frozen=True)
class Plan:
    """Variable → its columns in order of preference; `others` stay under their own names."""

    variables: dict[str, tuple[Match, ...]]
    others: tuple[str, ...]
    findings: tuple[Finding, ...]


def plan_columns(
    frame: pl.DataFrame,
    mapped: dict[str, str | None],
    faults: Faults | None = None,
    needed: Callable[[str], bool] | None = None,
) -> Plan:
    """Decide for every column of a file what it is.

    Parameters
    ----------
    frame
        The file's columns.
    mapped
        Heading → canonical variable, or None to leave a column as it is.
    faults
        Where faults are gathered; without it they are raised here, all at once.
    needed
        Variables that two headings may not claim both; the columns of another one are then left
        out, with a warning. Those on which a diagnosis or an estimate rests by default.

    Returns
    -------
    Plan
        What becomes a variable, what stays as it is, and what was noticed.

    Raises
    ------
    SchemaError
        If `mapped` names what does not exist, two headings claim one needed variable, or no
        heading is known.

    Examples
    --------
    >>> plan = plan_columns(pl.DataFrame({"年龄": [61], "T值": [-1.2]}), {})
    >>> list(plan.variables), plan.others, [f.code for f in plan.findings]
    (['age'], ('T值',), ['ambiguous_heading'])
    """
    gathered = Faults() if faults is None else faults
    chosen = _mapped(frame.columns, mapped, gathered)
    matches = [chosen.get(name) or _checked(match(name), frame) for name in frame.columns]
    matches, displaced = _outranked(matches, chosen)
    matches, told = with_neighbours(list(map(_unwritten(frame.columns), matches)), frame)
    variables, twins = _by_variable(matches, gathered, needed or _stops)
    if faults is None:
        gathered.refuse()
    if not variables and not twins:
        raise SchemaError(unknown_headings(frame))
    findings = _classified_before(matches)
    said = [m for m in matches if not (findings and is_written(m.heading))]
    findings += [f for m in said for f in _heading_findings(m, variables, frame)] + displaced + told
    findings += twins
    findings += [f for m in matches if m.how == "mapped" for f in _gainsaid(m)]
    findings += [
        f for v, readings in variables.items() if _is_sided(readings) for f in _sides(v, readings)
    ]
    findings += several_hips({v: readings[0].heading for v, readings in variables.items()})
    second = {m.heading for readings in variables.values() for m in readings if len(readings) > 1}
    others = tuple(m.heading for m in matches if m.variable not in variables or m.heading in second)
    return Plan(variables, others, tuple(findings))


def column_of(name: str, columns: Sequence[str]) -> str | None:
    """The column that a name stands for: its own, or what reading makes of such a heading.

    Parameters
    ----------
    name
        A column, a heading as the file has it, or a score without the ending that says that the
        file reports it.
    columns
        Those that there are.

    Returns
    -------
    str or None
        One of the columns; None if the name stands for none of them.

    Examples
    --------
    >>> column_of("股骨颈T值", ["age", "t_score_femoral_neck_reported"])
    't_score_femoral_neck_reported'
    >>> column_of("t_score_femoral_neck", ["age", "t_score_femoral_neck_reported"])
    't_score_femoral_neck_reported'
    """
    names = (name, f"{name}_reported", match(name).variable)
    return next((known for known in names if known in columns), None)


def columns_stated(people: Cohort, **named: str | None) -> dict[str, str | None]:
    """The columns of people that parts of a design stand for, which may be named as the file does.

    Parameters
    ----------
    people
        With the headings under which they were read.
    **named
        weight, stratum, psu: a column, a heading of the file, or None.

    Returns
    -------
    dict
        Part → column; a name that stands for none as it is.

    Raises
    ------
    DesignError
        If what is named as the weight may be that of the body.
    """
    own = {heading: column for column, heading in people.source.headings.items()}
    there = people.columns
    found = {
        part: name and (name if name in there else own.get(name) or column_of(name, there) or name)
        for part, name in named.items()
    }
    name = named.get("weight")
    if found.get("weight") == "weight" != name:
        raise DesignError(
            f"{name!r} (--weight) may be the weight of the body; if it is that of the survey, "
            f"say so with map={{{name!r}: 'survey_weight'}} (--map {name}=survey_weight)"
        )
    return found


def _mapped(columns: list[str], mapped: dict[str, str | None], faults: Faults) -> dict[str, Match]:
    by_key = {normalise(name): name for name in columns}
    chosen = {}
    for name, variable in mapped.items():
        heading = name if name in columns else by_key.get(normalise(name))
        if variable and variable not in codebook() and f"{variable}_reported" in codebook():
            variable = f"{variable}_reported"
        with faults:
            _refuse_unknown(name, heading, variable, columns)
        if heading is None or (variable and variable not in codebook()):
            continue
        if variable:
            with faults:
                _refuse_attenuation(heading, variable)
            chosen[heading] = replace(match(heading), variable=variable, how="mapped", side=None)
        else:
            chosen[heading] = Match(heading, None, "left out")
    return chosen


def _refuse_attenuation(heading: str, variable: str) -> None:
    """HU differ between scanners and are no density (rule 19), whatever a heading is mapped to."""
    if variable.startswith(_DENSITIES) and "hu" in quantities_of(heading):
        raise SchemaError(
            f"map: by its heading column {heading!r} holds CT attenuation [HU], which is no bone "
            f"mineral density; it cannot be {variable}: name it hu_<region> in map (--map "
            f"HEADING=hu_<region>), or leave it out with {as_map(heading)}; if it is a density, "
            "correct the heading"
        )


def _gainsaid(reading: Match) -> list[Finding]:
    """What the caller mapped against the words of the heading."""
    variable = reading.variable or ""
    own, quantity = match(reading.heading), quantity_of(variable)
    said = quantities_of(reading.heading)
    if own.how == "other":
        says = own.because
    elif quantity and said and not said & _compatible(quantity):
        names = " and ".join(codebook().quantities[one] for one in sorted(said))
        says = f"it names {names}"
    elif (against := _AGAINST.get(variable.partition("_")[0])) and against.search(reading.heading):
        says = "its yes may be the no of what is asked"
    else:
        return []
    message = f"read as {variable}, as map says, although by its heading {says}"
    fix = f"if the heading is right, take {reading.heading!r} out of map (--map)"
    return [Finding("mapped_across", "warning", reading.heading, 0, message, fix)]


def _compatible(quantity: str) -> set[str]:
    """What a heading may call a quantity: every density is a BMD."""
    return {quantity, "abmd"} if quantity in ("vbmd", "ctxa") else {quantity}


def _meant(name: str) -> str:
    """What somebody may have meant by a name that is none of the codebook's."""
    misspelt = [known for known in codebook().variables if _is_slip(name, known)]
    if len(misspelt) == 1:
        return misspelt[0]
    reading = match(name)
    names = (reading.variable,) if reading.variable else nearest(name) or reading.candidates
    return ", ".join(filter(None, names[:_SHOWN])) or "see osteo_epi.codebook()"


def _is_slip(name: str, variable: str) -> bool:
    """Whether a name of a variable was typed with one letter wrong; short ones are all alike."""
    return len(name) >= _SPELT and distance(name.casefold(), variable, most=1) == 1


def _refuse_unknown(
    name: str, heading: str | None, variable: str | None, columns: list[str]
) -> None:
    """Insist that the column and the variable of a declaration are there."""
    if heading is None:
        close = get_close_matches(name, columns, n=3, cutoff=0.4)
        raise StrangerError(
            f"map: the file has no column {name!r}; nearest: {', '.join(close) or 'none'}"
        )
    if variable and variable not in codebook():
        raise SchemaError(
            f"map: {variable!r} is no variable of the codebook; nearest: {_meant(variable)}"
        )


def _checked(reading: Match, frame: pl.DataFrame) -> Match:
    """A site without a quantity (股骨颈) is a density only if its values can be one.

    Nor are words a measurement of some region: an area of urban and rural is no area of bone.
    """
    asked = codebook()[reading.candidates[0]] if reading.candidates else None
    if reading.how == "ambiguous" and asked is not None and asked.kind == "quantity":
        numbers = to_numbers(frame[reading.heading], asked)
        if numbers.n_text and numbers.values.null_count() == len(numbers.values):
            return Match(reading.heading, None, "unknown", reading.unit)
    if reading.how != "site only" or reading.unit is not None or reading.variable is None:
        return reading
    column = frame[reading.heading]
    fitting = tuple(n for n in reading.candidates if _could_be(column, codebook()[n]))
    if reading.variable in fitting:
        return reading
    because = "it names a region and not what was measured"
    return replace(reading, variable=None, how="ambiguous", candidates=fitting, because=because)


def _could_be(column: pl.Series, variable: Variable) -> bool:
    numbers = to_numbers(column, variable)
    values = numbers.values.drop_nulls()
    inside = len(values) and share(in_range(values, variable)) >= _CLEARLY
    return bool(inside) and not numbers.n_text


def _unwritten(columns: Sequence[str]) -> Callable[[Match], Match]:
    """Leave out what classifying wrote: scores of our own are none that a densitometer reported.

    They are known by their names where people were classified, and else by the variable that they
    would be taken for, where it has a column of its own.
    """
    classified = _were_classified(columns)

    def of(reading: Match) -> Match:
        if reading.how == "mapped" or not is_written(reading.heading):
            return reading
        again = classified or reading.variable in columns
        return replace(reading, variable=None, how="left out") if again else reading

    return of


def _were_classified(columns: Iterable[str]) -> bool:
    return set(_CLASSES) <= set(columns)


def _outranked(matches: list[Match], chosen: dict[str, Match]) -> tuple[list[Match], list[Finding]]:
    """A column that the caller mapped takes the variable from one that was only recognised."""
    claimed = {m.variable: m.heading for m in chosen.values() if m.variable}
    kept, findings = [], []
    for reading in matches:
        names = (reading.variable, _whole(reading))
        taken = next((n for n in names if n in claimed), None)
        if reading.how == "mapped" or taken is None:
            kept.append(reading)
            continue
        kept.append(replace(reading, variable=None, how="left out"))
        findings.append(_displaced(reading, taken, claimed[taken]))
    return kept, findings


def _whole(reading: Match) -> str | None:
    return codebook()[reading.variable].whole if reading.variable else None


def _displaced(reading: Match, variable: str, source: str) -> Finding:
    message = (
        f"{variable} is now read from {source!r}, as map says; column {reading.heading!r}, which "
        f"its heading names {reading.variable}, is {left_as(reading.heading)}"
    )
    fix = f"if {source!r} is not {variable}, take it out of map (--map)"
    return Finding("displaced_heading", "warning", reading.heading, 0, message, fix)


def _stops(name: str) -> bool:
    return codebook()[name].stops


def _by_variable(
    matches: list[Match], faults: Faults, needed: Callable[[str], bool]
) -> tuple[dict[str, tuple[Match, ...]], list[Finding]]:
    """The columns of each variable, and which were left out, for two claim it."""
    groups: dict[str, list[Match]] = defaultdict(list)
    for reading in matches:
        if reading.variable is not None:
            groups[reading.variable].append(reading)
    findings = []
    for variable, readings in list(groups.items()):
        with faults.about(variable):
            try:
                _refuse_twins(variable, readings)
            except SchemaError as error:
                if needed(variable):
                    raise
                del groups[variable]
                named = ", ".join(m.heading for m in readings)
                message = f"left out, so that {variable} counts as not stated: {error}"
                findings.append(Finding("column_left_out", "warning", named, 0, message))
    ordered = {v: tuple(sorted(m, key=lambda x: _SIDES.index(x.side))) for v, m in groups.items()}
    return ordered, findings


def _refuse_twins(variable: str, readings: list[Match]) -> None:
    for side in _SIDES:
        twins = [m.heading for m in readings if m.side == side]
        if len(twins) > 1:
            other = next((left_as(name) for name in twins[1:]), "")
            named = " and ".join(map(repr, twins))
            raise SchemaError(
                f"columns {named} both mean {variable}; choose one with "
                f"{as_map(twins[0], variable)}, the other is then {other}"
            )


def _heading_findings(reading: Match, read: Iterable[str], frame: pl.DataFrame) -> list[Finding]:
    heading, candidates = reading.heading, " or ".join(reading.candidates[:_SHOWN])
    if heading in SAYS_SIMULATED or is_own_name(heading.removesuffix(f" {FILE}")) > is_own_name(
        heading
    ):
        return []
    if reading.variable is None and is_written(heading):
        return [_renamed(reading)]
    if reading.how == "ambiguous":
        more = ", …" if len(reading.candidates) > _SHOWN else ""
        of = f" ({candidates}{more})" if candidates else ""
        message = f"{reading.because}{of}; {left_as(heading)}"
        return [Finding("ambiguous_heading", "warning", heading, 0, message, _choice(reading))]
    if reading.how == "other":
        message = f"the heading is not read: {reading.because}; {left_as(heading)}"
        return [Finding("other_heading", "note", heading, 0, message)]
    if reading.how == "unknown" and not heading.endswith(AS_GIVEN):
        if deciding := _deciding(frame[heading], read):
            return deciding
        near = f"; it looks like a misspelling of {candidates}" if candidates else ""
        message = f"the heading is not known{near}; {left_as(heading)}"
        return [Finding("unknown_heading", "note", heading, 0, message, _choice(reading))]
    if reading.how == "site only" and reading.variable:
        message = (
            f"the heading names a site only; its values are densities: read as {reading.variable}"
        )
        fix = f"if they are not, leave it out with {as_map(heading)}"
        return [Finding("assumed_heading", "warning", heading, 0, message, fix)]
    return []


def _is_of_all(column: pl.Series) -> bool:
    """Whether everybody has one answer, as where those included alone stand in the file."""
    plain = column.dtype == pl.String or column.dtype.is_numeric() or column.dtype == pl.Boolean
    return plain and len(column) > 1 and column.n_unique() == 1


def _deciding(column: pl.Series, read: Iterable[str]) -> list[Finding]:
    """Warn of an unknown heading that speaks of who or what counts, or of the menopause."""
    heading = column.name
    if _SPEAKS_OF_VALIDITY.search(heading):
        if _is_of_all(column):
            return []
        message = "speaks of readings or people that do not count: all of them count"
        fix = (
            "give these readings a column of their own (valid_l1, valid_lumbar_spine, "
            "valid_total_hip or its like) with no where one does not count, and delete the rows of "
            "people who do not count"
        )
    elif (
        _SPEAKS_OF_MENOPAUSE.search(heading)
        and not _OF_TREATMENT.search(heading)
        and not _MENOPAUSE & set(read)
    ):
        message = "speaks of the menopause, of which nothing is read: women count by age alone"
        fix = (
            "if it tells whether the menopause is reached, name it with "
            f"{as_map(heading, 'postmenopausal')}; if it gives the age or the years since, with "
            "menopause_age or years_since_menopause in its place; else leave it"
        )
        if _SPEAKS_OF_BEFORE.search(heading):
            fix = (
                "if its yes is of women before it, write a column postmenopausal that has no there "
                "and yes where this one has no; naming this one by --map would turn them round"
            )
    elif _SPEAKS_OF_FRACTURE.search(heading) and not any(map(_FRACTURE.match, read)):
        message = "speaks of fragility fractures, of which nothing is read: densities alone decide"
        fix = (
            "write a column fragility_fracture with yes or no for each person (where this one says "
            f"yes and no, {as_map(heading, 'fragility_fracture')} is enough); else leave it"
        )
    else:
        return []
    message = f"the heading is not known, and {message}; {left_as(heading)}"
    return [Finding("deciding_heading", "warning", heading, 0, message, fix)]


def _classified_before(matches: Sequence[Match]) -> list[Finding]:
    """Say once of a file of classified people what becomes of its classes."""
    if not _were_classified(m.heading for m in matches):
        return []
    ours = [m for m in matches if m.variable is None and is_written(m.heading)]
    message = (
        "the people were classified before, and are classified anew; columns that classifying "
        f"wrote then, kept under their names with {FILE!r} behind: {len(ours)}"
    )
    return [Finding("classified_before", "note", "", 0, message)]


def _renamed(reading: Match) -> Finding:
    """A column of the file's own under a name that classifying writes."""
    heading = reading.heading
    message = (
        f"classifying writes a column of this name; the file's own is {left_as(heading)}: by "
        f"{heading!r} (--by) is meant what is written, by {f'{heading} {FILE}'!r} the file's"
    )
    return Finding("renamed_heading", "note", heading, 0, message)


def _choice(reading: Match) -> str:
    """What to do about a heading: a name only where there is one, never one of several."""
    heading, named = reading.heading, reading.candidates
    if not named and tells_of_a_person(heading):
        return ""
    if re.fullmatch(r"unnamed_\d+", heading):  # by the number a column of text would be mapped
        return "see no_heading: the headings may stand in two rows (--header-rows 2)"
    if len(named) == 1:
        return f"if it is, name it with {as_map(heading, named[0])}, else leave it"
    if LOWEST_T in named:
        return (
            "if it is the lowest of several regions, name it with "
            f"{as_map(heading, 't_score_min')}; if it is "
            "of one region, with that region's variable in its place; else leave it"
        )
    return (
        f"if you know which variable it is, name it with map={{{heading!r}: VARIABLE}} "
        f"(--map {quoted(f'{heading}=VARIABLE')}), else leave it"
    )


def _is_sided(readings: Sequence[Match]) -> bool:
    """Whether several columns are of several sides, and none says the same as another."""
    return len(readings) > 1 and len({m.side for m in readings}) == len(readings)


def _sides(variable: str, readings: tuple[Match, ...]) -> list[Finding]:
    named = ", ".join(m.heading for m in readings)
    order = ", where that is missing ".join(m.side or "the one without a side" for m in readings)
    message = f"several readings of {variable}: taken is {order}"
    fix = f"another choice is declared with {as_map(readings[-1].heading, variable)}"
    return [Finding("several_sides", "warning", named, 0, message, fix)]
