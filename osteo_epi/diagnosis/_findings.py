"""What a classification shows that its reader has to know: counted, with what to do."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import polars as pl

from osteo_epi.cohort import as_map, codebook, is_written
from osteo_epi.diagnosis._applicability import Applicability
from osteo_epi.diagnosis._classes import Classes
from osteo_epi.diagnosis._columns import Columns
from osteo_epi.diagnosis._definition import SWITCHES, Definition, ctxa_lower
from osteo_epi.diagnosis._reasons import CTXA_ON_DXA, DISAGREE, explain
from osteo_epi.diagnosis._stages import Stages
from osteo_epi.diagnosis.fracture import PARTS, SCANS, secondary_cause, unread_scans
from osteo_epi.diagnosis.measurements._densities import Densities
from osteo_epi.diagnosis.measurements._qct import VBMD_COLUMNS
from osteo_epi.diagnosis.suitability import BY_MAKER, EMBEDDED, stated_makers
from osteo_epi.diagnosis.suitability import NAMES as MAKERS
from osteo_epi.findings import Finding, rows_where
from osteo_epi.frames import as_polars
from osteo_epi.language import word
from osteo_epi.norms import CTXA, EXACT, SEXES, AgeReference, YoungAdultReference, holders

MISSING = "_missing"
GROWN = 20
"""[years] Age from which half a year changes no score by much."""
UNSCORED = ("reference_lacks_sex", "reference_lacks_region")
RECORDS = {
    "one_trauma_for_several_fractures": (
        "fracture_trauma",
        "one answer about trauma is taken for the fracture named and for the vertebra",
        "give the trauma of each site in fracture_trauma_spine, fracture_trauma_hip, "
        "fracture_trauma_wrist, fracture_trauma_proximal_humerus or fracture_trauma_other",
    ),
    "fracture_stated_against_record": (
        "fragility_fracture",
        "the file's own answer on fragility fracture is kept, and trauma, imaging and secondary "
        "causes as recorded say otherwise",
        "check these records; without the column fragility_fracture the parts decide",
    ),
    "fracture_imaging_against_vertebra": (
        "fracture_imaging_evidence",
        "imaging is said to show no fracture, which is kept, and a vertebra is recorded as "
        "fractured",
        "check fracture_imaging_evidence, genant_grade and endplate_fracture of these people",
    ),
    "fracture_imaging_against_site": (
        "fracture_site",
        "imaging is said to show a fracture, and its site is none, so that neither is taken",
        "check fracture_site and fracture_imaging_evidence of these people",
    ),
}
"""Codes of a fracture record to be looked at: column, what was seen, what to do."""
TELLS_OF_FRACTURES = ("fragility_fracture", *PARTS)
SPEAKS_OF_FRACTURE = re.compile(r"fra[ck]tur|frattur|骨折|골절", re.IGNORECASE)
OF_OTHERS = re.compile(r"parent|mother|father|famil|frax|risk|父|母|家族|亲|风险", re.IGNORECASE)
"""Whose fracture it is, or that it is one to come: no diagnosis of the person."""


def classification_findings(people: Any, definition: Definition) -> tuple[Finding, ...]:
    """Say of classified people what the definition could not judge or had to assume.

    Parameters
    ----------
    people
        Classified people in any frame, see `classify`; a cohort carries these findings itself.
    definition
        The definition that classified them.

    Examples
    --------
    >>> from osteo_epi.diagnosis import classify, definition
    >>> rules = definition("china_2020", reference="zhang_2007")
    >>> man = pl.DataFrame({
    ...     "age": [66.0], "sex": ["male"], "abmd_lumbar_spine": [0.9],
    ...     "abmd_femoral_neck": [0.8], "abmd_total_hip": [0.9]})
    >>> print(classification_findings(classify(man, rules), rules)[0].message)
    the young-adult reference holds no values for this sex (zhang_2007): 1 not classifiable
    """
    given, _ = as_polars(people)
    frame = given.lazy().collect()
    parts = (
        _reference,
        _missing_sites,
        _open_fractures,
        _fracture_records,
        _unread_fractures,
        _secondary_causes,
        _menopause,
        _qct,
        _ctxa,
        _disagreement,
        _adjuncts,
        _hip_side,
        _age_reference,
        _whole_years,
    )
    return tuple(finding for part in parts for finding in part(frame, definition))


def _reference(frame: pl.DataFrame, definition: Definition) -> Iterator[Finding]:
    """People whom the young-adult reference could not score."""
    unscored = _unscored(frame, definition)
    numbers = frame.select(where.sum().alias(roi) for roi, where in unscored.items())
    regions = ", ".join(roi for roi in unscored if numbers[roi].item())
    reference, reasons = definition.reference.id, _reasons(frame)
    for code in UNSCORED:
        where = pl.col("bone_class_reason").str.starts_with(code)
        n = sum(n for reason, n in reasons.items() if reason.startswith(code))
        if n and code == "reference_lacks_sex":
            message = f"{explain(code)} ({reference}): {n:,} not classifiable"
            fix = (
                "choose a reference that holds them with reference= (--reference), or leave them "
                f"out of the file. {_held_by(frame, where, definition, unscored)}"
            )
            yield Finding(code, "warning", "bone_class", n, message, fix, where)
        elif n:
            message = f"{explain(code)} ({reference}: {regions}): {n:,} not classifiable"
            fix = (
                "choose a reference that holds the region (--reference), or name the regions to "
                "be read without it by sites= (--sites), which is another definition. "
                f"{_held_by(frame, where, definition, unscored)}"
            )
            yield Finding(code, "warning", "bone_class", n, message, fix, where)
    held = {roi: where for roi, where in unscored.items() if numbers[roi].item()}
    yield from _unread(frame, held, definition)


def _reasons(frame: pl.DataFrame) -> Counter[str]:
    """How many people have each reason: many have one, and few are different."""
    return Counter(dict(frame["bone_class_reason"].drop_nulls().value_counts().iter_rows()))


def _held_by(
    frame: pl.DataFrame, where: pl.Expr, definition: Definition, unscored: dict[str, pl.Expr]
) -> str:
    """Which references hold what this one lacks in these people."""
    sexes = [sex for sex in SEXES if rows_where(frame, where & (pl.col("sex") == sex))]
    lacking = [roi for roi in unscored if rows_where(frame, where & unscored[roi])]
    rois = dict.fromkeys(roi.removesuffix(CTXA) for roi in lacking)
    asked = [definition.reference_sex(sex) for sex in sexes]
    return f"There are for {holders(dict.fromkeys(asked), rois or definition.rois)}"


def _age_reference(frame: pl.DataFrame, definition: Definition) -> Iterator[Finding]:
    """People to whom the Z-score applies, by a definition that names nobody of their age."""
    code = "no_age_reference"
    where = pl.col("bone_class_reason").str.starts_with(code)
    n = rows_where(frame, where)
    if not n:
        return
    ways = ["name a norm of kind by_age with age_reference= (--age-reference)"]
    if any(f"z_score_{roi}_reported" in frame.columns for roi in definition.rois):
        ways.append('take the file\'s own Z-scores with "reported"')
    makers = stated_makers(frame)
    if len(makers) == 1 and makers[0] in EMBEDDED:
        ways.append(
            f"take the embedded curves of {MAKERS[makers[0]]}, the maker that the data state, with "
            f'age_reference="{BY_MAKER}", people=people (--age-reference {BY_MAKER})'
        )
    message = (
        f"the Z-score applies to {n:,} of {frame.height:,} people, and the definition names no age "
        "reference: they are not classifiable"
    )
    yield Finding(code, "note", "bone_class", n, message, ", or ".join(ways), where)


def _whole_years(frame: pl.DataFrame, definition: Definition) -> Iterator[Finding]:
    """People who grow, whose ages are of completed years while the curves go by exact age."""
    norm = definition.age_reference
    source = norm.derivation if isinstance(norm, AgeReference) else None
    if norm is None or source is None or source.ages != EXACT:
        return
    scores = [_score(frame, f"z_score_{roi}").is_not_null() for roi in definition.scored]
    age = pl.col("age").cast(pl.Float64)
    growing = pl.any_horizontal(scores or [pl.lit(False)]) & (age < GROWN)
    n, broken = (rows_where(frame, where) for where in (growing, growing & (age != age.floor())))
    if n and not broken:
        message = (
            f"{n:,} people younger than {GROWN} years have a Z-score and ages that are all whole "
            f"numbers, and the curves of {norm.id} go by exact age: where these are completed "
            "years, people are compared with those half a year younger on average, and their "
            "Z-scores are too high in the years of fastest growth"
        )
        fix = (
            "give the exact age in the column age, the days from birth to scan / 365.25 (without "
            "that column, birth_date and scan_date are made into completed years); where the "
            "dates are not known, add 0.5 to completed years"
        )
        yield Finding("age_in_whole_years", "warning", "age", n, message, fix, growing)


def _hip_side(frame: pl.DataFrame, definition: Definition) -> Iterator[Finding]:
    """People whose class hangs on which of their two hips counts."""
    columns = Columns.of(frame.lazy())
    people = frame.filter(Stages(definition, columns).densities.both_hips())
    if people.is_empty():
        return
    left, right = (
        Classes(Stages(replace(definition, hip_side=side), columns)).of(people.lazy())
        for side in ("left", "right")
    )
    n = int((left != right).sum())
    if n:
        choice = definition.hip_side
        others = ", ".join(f'"{name}"' for name in SWITCHES["hip_side"] if name != choice)
        message = (
            f"the class of {n:,} of the {people.height:,} people with both hips measured hangs on "
            f"the side: taken is {SWITCHES['hip_side'][choice]}"
        )
        fix = f'keep hip_side="{choice}", or choose one of {others} (--hip-side)'
        yield Finding("class_by_hip_side", "note", "bone_class", n, message, fix)


def _unread(
    frame: pl.DataFrame, unscored: dict[str, pl.Expr], definition: Definition
) -> Iterator[Finding]:
    """Regions without a score in people who have a class by other evidence."""
    classified = pl.col("bone_class") != "not_classifiable"
    for roi, without in unscored.items():
        where = classified & without
        n = rows_where(frame, where)
        if n:
            message = (
                f"{n:,} people have a class by other evidence, and their {word(roi)} was not "
                f"judged: the reference {definition.young_adults(roi).id} does not hold it"
            )
            fix = "choose a reference that holds the region (--reference)"
            yield Finding("region_not_judged", "warning", f"abmd_{roi}", n, message, fix, where)


def _unscored(frame: pl.DataFrame, definition: Definition) -> dict[str, pl.Expr]:
    """By region: whether its density is usable, and the young adults have no score for it."""
    areal = Stages(definition, Columns.of(frame.lazy())).densities.areal
    densities = {roi: areal.density(roi) for roi in definition.scored}
    by_t = pl.col("score_applied") == "t"
    return {
        roi: by_t & density.is_not_null() & _score(frame, f"t_score_{roi}").is_null()
        for roi, density in densities.items()
        if density is not None
        and roi != definition.substitute
        and isinstance(definition.young_adults(roi), YoungAdultReference)
    }


def _score(frame: pl.DataFrame, column: str) -> pl.Expr:
    return pl.col(column) if column in frame.columns else pl.lit(None, dtype=pl.Float64)


def _open_fractures(frame: pl.DataFrame, definition: Definition) -> Iterator[Finding]:
    """People whose fracture record lacks a condition, with what it is taken for."""
    if "fracture_open_record" not in frame.columns:
        return
    where = pl.col("fracture_open_record")
    n = rows_where(frame, where)
    if not n:
        return
    choice = definition.fracture_open
    others = " or ".join(f'"{name}"' for name in SWITCHES["fracture_open"] if name != choice)
    message = (
        f"{n:,} of {frame.height:,} people have a fracture recorded, and trauma, imaging that "
        "establishes it or the exclusion of secondary causes is not stated: "
        f"{SWITCHES['fracture_open'][choice]}"
    )
    fix = (
        "complete the columns fracture_trauma, fracture_imaging_evidence and "
        f'secondary_causes_excluded, or choose fracture_open="{choice}" (the present one), '
        f"{others} (--fracture-open)"
    )
    yield Finding("fracture_record_open", "warning", "fracture_open_record", n, message, fix, where)


def _fracture_records(frame: pl.DataFrame, definition: Definition) -> Iterator[Finding]:
    """What the fracture records say twice, or for several fractures at once."""
    if "fracture_reason" not in frame.columns:
        return
    for code, (column, message, fix) in RECORDS.items():
        where = pl.col("fracture_reason").str.contains(code, literal=True)
        n = rows_where(frame, where)
        if n:
            yield Finding(code, "warning", column, n, f"{n:,} people: {message}", fix, where)


def _unread_fractures(frame: pl.DataFrame, definition: Definition) -> Iterator[Finding]:
    """Columns that seem to tell of fractures, where none is read and one would decide a class."""
    read = [name for name in TELLS_OF_FRACTURES if name in frame.columns]
    if "fracture" not in definition.evidence or any(frame[name].count() for name in read):
        return
    names = [
        name
        for name in frame.columns
        if name not in codebook()
        and not is_written(name)
        and SPEAKS_OF_FRACTURE.search(name)
        and not OF_OTHERS.search(name)
        and frame[name].count()
    ]
    if not names:
        return
    message = (
        f"no record of a fracture is read, and the heading of {', '.join(names)} speaks of one: "
        "it makes no class, and these people are classified by density alone"
    )
    fix = (
        "if it says whether a fragility fracture is established, name it with "
        f"{as_map(names[0], 'fragility_fracture')}; if it names sites, with fracture_site in its "
        "place; else leave it"
    )
    yield Finding("fractures_unread", "warning", ", ".join(names), 0, message, fix)


def _secondary_causes(frame: pl.DataFrame, definition: Definition) -> Iterator[Finding]:
    """People whose osteoporosis would not be primary, and scans whose words are not read."""
    columns = Columns.of(frame)
    cause = secondary_cause(columns)
    n = 0 if cause is None else rows_where(frame, cause)
    if cause is not None and n:
        stated = columns.stated("secondary_cause")
        only = cause & (pl.lit(True) if stated is None else ~stated.fill_null(False))
        scans = rows_where(frame, only)
        osteoporosis = rows_where(frame, cause & (pl.col("bone_class") == "osteoporosis"))
        message = (
            f"{n:,} of {frame.height:,} people have a known secondary cause"
            + (f" ({scans:,} of them by the finding of a scan alone)" if scans else "")
            + f", {osteoporosis:,} of them with osteoporosis: their class stands with that flag, "
            "and none of their fracture records establishes a fragility fracture by its parts"
        )
        fix = "leave them out where the question is primary osteoporosis"
        yield Finding("secondary_cause", "note", "secondary_cause", n, message, fix, cause)
    unread = unread_scans(columns)
    n = rows_where(frame, unread)
    if n:
        names = ", ".join(name for name in SCANS if name in columns)
        message = f"{n:,} findings of a scan are in doubtful or unknown words and set no flag"
        fix = "say in the column secondary_cause (yes, no) whether they find a secondary cause"
        yield Finding("scan_not_understood", "warning", names, n, message, fix, unread)


def _missing_sites(frame: pl.DataFrame, definition: Definition) -> Iterator[Finding]:
    """Sites and regions whose absence leaves people without a class, with the way to do without."""
    numbers: Counter[str] = Counter()
    for reason, n in _reasons(frame).items():
        if code := re.match(rf"\w+{MISSING}", reason):
            numbers[code[0]] += n
    for code_of_site, n in sorted(numbers.items(), key=lambda item: (-item[1], item[0])):
        where = pl.col("bone_class_reason").str.starts_with(code_of_site)
        message = f"{explain(code_of_site)}: {n:,} of {frame.height:,} people not classifiable"
        yield Finding(
            code_of_site,
            "warning",
            "bone_class",
            n,
            message,
            _doing_without(code_of_site, definition)
            + _by_radius(frame, where, code_of_site, definition)
            + _by_other_reference(frame, where),
            where,
        )


def _by_radius(frame: pl.DataFrame, where: pl.Expr, code: str, definition: Definition) -> str:
    """Say of people who have a forearm what would let it stand in for the site that lacks."""
    score, rule = f"t_score_{definition.substitute}", definition.substitute_rule
    n = rows_where(frame, where & _score(frame, score).is_not_null())
    one = code.removesuffix(MISSING) in [site.name for site in definition.sites]
    if definition.substitute is None or rule == "when_missing" or not (n and one):
        return ""
    region = word(definition.substitute).lower()
    return (
        f"; {n:,} of them have the {region} measured, which stands in where one site "
        "is stated to be unusable (spine_unusable_reason, hip_unusable_reason), and for one that "
        'was not measured by substitute="when_missing" (--substitute when_missing)'
    )


def _by_other_reference(frame: pl.DataFrame, where: pl.Expr) -> str:
    """Say of people whose forearm was measured that the reference is what lacks."""
    lacks = pl.col("bone_class_reason").str.contains("reference_lacks_forearm", literal=True)
    n = rows_where(frame, where & lacks)
    if not n:
        return ""
    return (
        f"; {n:,} of them have a forearm measured that the reference does not hold: choose one "
        "that does with reference= (--reference)"
    )


def _doing_without(code: str, definition: Definition) -> str:
    """Name the option that leaves a site out, and what it costs."""
    names = [site.name for site in definition.sites]
    others = [name for name in names if not code.startswith(name)]
    if code.removesuffix(MISSING) in names and others:
        return (
            f"read the other site alone with sites={others} (--sites {','.join(others)}), which "
            "is another definition and finds fewer people, or measure the site"
        )
    if code.removesuffix(MISSING) in definition.rois:
        return (
            'take one region of a site as enough with rois_required="any" (--rois-required any), '
            "which finds fewer people, or measure the region"
        )
    return (
        "see whether the headings were recognised; map= (--map HEADING=VARIABLE) says what a "
        "column is"
    )


def _menopause(frame: pl.DataFrame, definition: Definition) -> Iterator[Finding]:
    """Women taken as postmenopausal by their age alone, and those of whom the file says both."""
    if definition.criterion.applies.women == "age":
        return
    by_age = pl.col("score_reason") == "menopause_not_stated_taken_from_age"
    n = rows_where(frame, by_age)
    if n:
        women = rows_where(frame, pl.col("sex") == "female")
        message = (
            f"{n:,} of {women:,} women have no menopausal state recorded and are taken as "
            "postmenopausal by their age alone"
        )
        fix = (
            "give postmenopausal, menopause_age or years_since_menopause, or leave them without a "
            'class by menopause_unknown="unknown" (--menopause-unknown unknown)'
        )
        yield Finding("menopause_taken_from_age", "note", "postmenopausal", n, message, fix, by_age)
    yield from _menopause_contradictory(frame, Applicability(Columns.of(frame), definition))


def _menopause_contradictory(frame: pl.DataFrame, rule: Applicability) -> Iterator[Finding]:
    names = ("postmenopausal", "menopause_age", "years_since_menopause")
    where = rule.contradictory()
    n = rows_where(frame, where)
    if n:
        message = (
            f"{n:,} women are stated premenopausal with a menopause that has passed, or have an "
            "age at menopause above their age: a stated state holds, an age to come says nothing"
        )
        fix = "check these rows; without the column postmenopausal the record of menopause decides"
        column = ", ".join(name for name in names if name in frame.columns)
        yield Finding("menopause_contradictory", "warning", column, n, message, fix, where)


def _qct(frame: pl.DataFrame, definition: Definition) -> Iterator[Finding]:
    """Volumetric densities of exactly 0, which are taken as not measured."""
    columns = Columns.of(frame)
    qct = Densities(columns, definition).qct
    zero = pl.lit(False) if qct is None else qct.zero()
    n = rows_where(frame, zero)
    if n:
        message = (
            f"{n:,} people have a volumetric density of exactly 0, which is taken as not measured: "
            "some exports write it where nothing was"
        )
        fix = "leave empty what was not measured; write a density that was measured unrounded"
        column = ", ".join(name for name in VBMD_COLUMNS if name in columns)
        yield Finding("vbmd_zero", "warning", column, n, message, fix, zero)


def _ctxa(frame: pl.DataFrame, definition: Definition) -> Iterator[Finding]:
    """People whose hip by CTXA is scored on people measured by DXA."""
    where = pl.col("advice").str.contains(CTXA_ON_DXA, literal=True)
    n = rows_where(frame, where)
    if not n:
        return
    decided = pl.col("bone_class_rule") == "t_score_ctxa"
    osteoporosis = rows_where(frame, decided & (pl.col("bone_class") == "osteoporosis"))
    message = (
        f"{n:,} people have the hip by CTXA scored on people measured by DXA, and {ctxa_lower()}: "
        f"their scores may be too low; {osteoporosis:,} have osteoporosis with CTXA the lowest"
    )
    fix = (
        'give young adults measured by CTXA, ctxa_reference="own_young_adults" or a norm of yours '
        "(--ctxa-reference), or leave ctxa out of evidence= (--evidence)"
    )
    column = ", ".join(f"abmd_{roi}" for roi in definition.ctxa_rois if f"abmd_{roi}" in frame)
    yield Finding(CTXA_ON_DXA, "warning", column, n, message, fix, where)


def _disagreement(frame: pl.DataFrame, definition: Definition) -> Iterator[Finding]:
    """People whom DXA and QCT put in different classes."""
    where = pl.col("bone_class_reason").str.contains(DISAGREE, literal=True)
    n = rows_where(frame, where)
    if not n:
        return
    sick = where & (pl.col("bone_class") == "osteoporosis")
    by = [
        rows_where(frame, sick & pl.col("bone_class_rule").is_in(rules))
        for rules in (["vbmd_qct", "t_score_ctxa"], ["t_score_dxa"])
    ]
    message = (
        f"{n:,} people are in different classes by DXA and by QCT, and the worse holds: "
        f"{by[0]:,} have osteoporosis by QCT and not by DXA, {by[1]:,} by DXA and not by QCT"
    )
    fix = "judge by one method alone with evidence= (--evidence) where figures are to be compared"
    yield Finding(DISAGREE, "note", "bone_class", n, message, fix, where)


def _adjuncts(frame: pl.DataFrame, definition: Definition) -> Iterator[Finding]:
    """Results beside the class: FRAX with its limit, classes of TBS with their source."""
    columns = [name for name in frame.columns if name.startswith("frax_")]
    code = definition.criterion.adjuncts.get("frax")
    where = pl.any_horizontal([pl.col(name).is_not_null() for name in columns] or [pl.lit(False)])
    n = rows_where(frame, where)
    if code is not None and n:
        message = f"{n:,} people have a result of FRAX, which enters no class: {explain(code)}"
        fix = "say so wherever these results are shown"
        yield Finding(code, "note", ", ".join(columns), n, message, fix, where)
    if "tbs_class" in frame.columns:
        where = pl.col("tbs_class").is_not_null()
        message = (
            f"{rows_where(frame, where):,} people have a class of the trabecular bone score by "
            f"{definition.criterion.adjuncts.get('tbs')}: it decides nothing alone"
        )
        fix = "read it beside density and the risk of fracture"
        yield Finding(
            "tbs_class", "note", "tbs_class", rows_where(frame, where), message, fix, where
        )
