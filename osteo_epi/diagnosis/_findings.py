"""What a classification shows that its reader has to know: counted, with what to do."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from typing import Any

import polars as pl

from osteo_epi.cohort import as_map, codebook, is_written
from osteo_epi.diagnosis._applicability import TAKEN_FROM_AGE, Applicability
from osteo_epi.diagnosis._classes import Classes
from osteo_epi.diagnosis._columns import OWN, Columns
from osteo_epi.diagnosis._definition import SWITCHES, Definition, ctxa_lower
from osteo_epi.diagnosis._reasons import CTXA_ON_DXA, DISAGREE, explain
from osteo_epi.diagnosis._stages import Stages
from osteo_epi.diagnosis.fracture import PARTS, SCANS, secondary_cause, unread_scans
from osteo_epi.diagnosis.measurements._densities import Densities
from osteo_epi.diagnosis.measurements._qct import VBMD_COLUMNS
from osteo_epi.diagnosis.suitability import BY_MAKER, EMBEDDED, stated_makers
from osteo_epi.diagnosis.suitability import NAMES as MAKERS
from osteo_epi.engines import totals
from osteo_epi.findings import Finding
from osteo_epi.frames import as_polars, of_queries
from osteo_epi.language import word
from osteo_epi.norms import CTXA, EXACT, SEXES, AgeReference, YoungAdultReference, holders
from osteo_epi.questions import Asking, People, asked, grouped, rows, together
from osteo_epi.rounding import people_who

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


@of_queries
def classification_findings(people: Any, definition: Definition) -> tuple[Finding, ...]:
    """Say of classified people what the definition could not judge or had to assume.

    Parameters
    ----------
    people
        Classified people in any frame, see `classify`; a cohort carries these findings itself. Of
        those in a lazy frame or another engine they are counted in some passes of sums.
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
    frame = People.of(_worded(as_polars(people)[0]))
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
    found = frame.answer(together(part(frame, definition) for part in parts))
    return tuple(finding for findings in found for finding in findings)


def _worded(people: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame | pl.LazyFrame:
    """Codes as words where nobody has one: pandas gives back a column of no type."""
    schema = people.collect_schema()
    codes = ("bone_class_reason", "fracture_reason", "advice")
    return people.with_columns(
        pl.col(name).cast(pl.String) for name in codes if schema.get(name) == pl.Null
    )


def _reference(people: People, definition: Definition) -> Asking[list[Finding]]:
    """People whom the young-adult reference could not score."""
    unscored = _unscored(people, definition)
    numbers = yield from asked(sums={roi: where.sum() for roi, where in unscored.items()})
    held = {roi: where for roi, where in unscored.items() if numbers[roi]}
    reference, (reasons, _) = definition.reference.id, (yield from _reasons())
    findings = []
    for code in UNSCORED:
        where = pl.col("bone_class_reason").str.starts_with(code)
        n = sum(n for reason, n in reasons.items() if reason.startswith(code))
        if not n:
            continue
        there = yield from _held_by(where, definition, unscored)
        if code == "reference_lacks_sex":
            message = f"{explain(code)} ({reference}): {n:,} not classifiable"
            fix = (
                "choose a reference that holds them with reference= (--reference), or leave them "
                f"out of the file. {there}"
            )
        else:
            message = f"{explain(code)} ({reference}: {', '.join(held)}): {n:,} not classifiable"
            fix = (
                "choose a reference that holds the region (--reference), or name the regions to "
                f"be read without it by sites= (--sites), which is another definition. {there}"
            )
        findings.append(Finding(code, "warning", "bone_class", n, message, fix, where))
    unread = yield from together(_unread(roi, held[roi], definition) for roi in held)
    return [*findings, *(finding for finding in unread if finding)]


def _reasons() -> Asking[tuple[Counter[str], int]]:
    """How many people have each reason, of how many: many have one, and few are different."""
    table = yield from grouped({"reason": pl.col("bone_class_reason")}, sums={"n": pl.len()})
    counts = {str(reason): n for reason, n in table.drop_nulls().iter_rows()}
    return Counter(counts), int(table["n"].sum())


def _held_by(where: pl.Expr, definition: Definition, unscored: dict[str, pl.Expr]) -> Asking[str]:
    """Which references hold what this one lacks in these people."""
    of_sexes = {sex: (where & (pl.col("sex") == sex)).sum() for sex in SEXES}
    counts = yield from asked(
        sums={**of_sexes, **{roi: (where & lacks).sum() for roi, lacks in unscored.items()}}
    )
    sexes = [sex for sex in SEXES if counts[sex]]
    lacking = [roi for roi in unscored if counts[roi]]
    rois = dict.fromkeys(roi.removesuffix(CTXA) for roi in lacking)
    lacked = [definition.reference_sex(sex) for sex in sexes]
    return f"There are for {holders(dict.fromkeys(lacked), rois or definition.rois)}"


def _age_reference(people: People, definition: Definition) -> Asking[list[Finding]]:
    """People to whom the Z-score applies, by a definition that names nobody of their age."""
    code = "no_age_reference"
    where = pl.col("bone_class_reason").str.starts_with(code)
    counts = yield from asked(sums={"n": where.sum(), "of": pl.len()})
    n = counts["n"]
    if not n:
        return []
    ways = ["name a norm of kind by_age with age_reference= (--age-reference)"]
    if any(people.has(f"z_score_{roi}_reported") for roi in definition.rois):
        ways.append('take the file\'s own Z-scores with "reported"')
    makers = stated_makers(people.query)
    if len(makers) == 1 and makers[0] in EMBEDDED:
        ways.append(
            f"take the embedded curves of {MAKERS[makers[0]]}, the maker that the data state, with "
            f'age_reference="{BY_MAKER}", people=people (--age-reference {BY_MAKER})'
        )
    message = (
        f"the Z-score applies to {n:,} of {counts['of']:,} people, and the definition names no age "
        "reference: they are not classifiable"
    )
    return [Finding(code, "note", "bone_class", n, message, ", or ".join(ways), where)]


def _whole_years(people: People, definition: Definition) -> Asking[list[Finding]]:
    """People who grow, whose ages are of completed years while the curves go by exact age."""
    norm = definition.age_reference
    source = norm.derivation if isinstance(norm, AgeReference) else None
    if norm is None or source is None or source.ages != EXACT:
        return []
    scores = [_score(people, f"z_score_{roi}").is_not_null() for roi in definition.scored]
    age = pl.col("age").cast(pl.Float64)
    growing = pl.any_horizontal(scores or [pl.lit(False)]) & (age < GROWN)
    broken = growing & (age != age.floor())
    counts = yield from asked(sums={"n": growing.sum(), "broken": broken.sum()})
    n = counts["n"]
    if not n or counts["broken"]:
        return []
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
    return [Finding("age_in_whole_years", "warning", "age", n, message, fix, growing)]


def _hip_side(people: People, definition: Definition) -> Asking[list[Finding]]:
    """People whose class hangs on which of their two hips counts."""
    columns = Columns(people.schema)
    both = Stages(definition, columns).densities.both_hips()
    of = yield from rows(both)
    if not of:
        return []
    query = people.query.filter(both)
    for side in ("left", "right"):
        stages = Stages(replace(definition, hip_side=side), columns)
        of_side = Classes(stages).apply(stages.apply(query))
        names = query.collect_schema().names()
        query = of_side.select(*names, pl.col("bone_class").alias(f"{OWN}{side}"))
    differ = pl.col(f"{OWN}left") != pl.col(f"{OWN}right")
    n = int(totals(query, sums=[differ.sum()]).item())
    if not n:
        return []
    choice = definition.hip_side
    others = ", ".join(f'"{name}"' for name in SWITCHES["hip_side"] if name != choice)
    message = (
        f"the class of {n:,} of the {of:,} people with both hips measured hangs on "
        f"the side: taken is {SWITCHES['hip_side'][choice]}"
    )
    fix = f'keep hip_side="{choice}", or choose one of {others} (--hip-side)'
    return [Finding("class_by_hip_side", "note", "bone_class", n, message, fix)]


def _unread(roi: str, without: pl.Expr, definition: Definition) -> Asking[Finding | None]:
    """A region without a score in people who have a class by other evidence."""
    where = (pl.col("bone_class") != "not_classifiable") & without
    n = yield from rows(where)
    message = (
        f"{people_who(n, 'have')} a class by other evidence, and their {word(roi)} was not "
        f"judged: the reference {definition.young_adults(roi).id} does not hold it"
    )
    fix = "choose a reference that holds the region (--reference)"
    found = Finding("region_not_judged", "warning", f"abmd_{roi}", n, message, fix, where)
    return found if n else None


def _unscored(people: People, definition: Definition) -> dict[str, pl.Expr]:
    """By region: whether its density is usable, and the young adults have no score for it."""
    areal = Stages(definition, Columns(people.schema)).densities.areal
    densities = {roi: areal.density(roi) for roi in definition.scored}
    by_t = pl.col("score_applied") == "t"
    return {
        roi: by_t & density.is_not_null() & _score(people, f"t_score_{roi}").is_null()
        for roi, density in densities.items()
        if density is not None
        and roi != definition.substitute
        and isinstance(definition.young_adults(roi), YoungAdultReference)
    }


def _score(people: People, column: str) -> pl.Expr:
    return pl.col(column) if people.has(column) else pl.lit(None, dtype=pl.Float64)


def _open_fractures(people: People, definition: Definition) -> Asking[list[Finding]]:
    """People whose fracture record lacks a condition, with what it is taken for."""
    if not people.has("fracture_open_record"):
        return []
    where = pl.col("fracture_open_record")
    counts = yield from asked(sums={"n": where.sum(), "of": pl.len()})
    n = counts["n"]
    if not n:
        return []
    choice = definition.fracture_open
    others = " or ".join(f'"{name}"' for name in SWITCHES["fracture_open"] if name != choice)
    message = (
        f"{n:,} of {counts['of']:,} people have a fracture recorded, and trauma, imaging that "
        "establishes it or the exclusion of secondary causes is not stated: "
        f"{SWITCHES['fracture_open'][choice]}"
    )
    fix = (
        "complete the columns fracture_trauma, fracture_imaging_evidence and "
        f'secondary_causes_excluded, or choose fracture_open="{choice}" (the present one), '
        f"{others} (--fracture-open)"
    )
    column = "fracture_open_record"
    return [Finding("fracture_record_open", "warning", column, n, message, fix, where)]


def _fracture_records(people: People, definition: Definition) -> Asking[list[Finding]]:
    """What the fracture records say twice, or for several fractures at once."""
    if not people.has("fracture_reason"):
        return []
    reason = pl.col("fracture_reason")
    told = {code: reason.str.contains(code, literal=True) for code in RECORDS}
    counts = yield from asked(sums={code: where.sum() for code, where in told.items()})
    return [
        Finding(code, "warning", column, n, f"{n:,} people: {message}", fix, told[code])
        for code, (column, message, fix) in RECORDS.items()
        if (n := counts[code])
    ]


def _unread_fractures(people: People, definition: Definition) -> Asking[list[Finding]]:
    """Columns that seem to tell of fractures, where none is read and one would decide a class."""
    read = [name for name in TELLS_OF_FRACTURES if people.has(name)]
    speaking = [
        name
        for name in people.columns
        if name not in codebook()
        and not is_written(name)
        and SPEAKS_OF_FRACTURE.search(name)
        and not OF_OTHERS.search(name)
    ]
    if "fracture" not in definition.evidence or not speaking:
        return []
    counts = yield from asked(sums={name: pl.col(name).count() for name in (*read, *speaking)})
    names = [name for name in speaking if counts[name]]
    if not names or any(counts[name] for name in read):
        return []
    message = (
        f"no record of a fracture is read, and the heading of {', '.join(names)} speaks of one: "
        "it makes no class, and these people are classified by density alone"
    )
    fix = (
        "if it says whether a fragility fracture is established, name it with "
        f"{as_map(names[0], 'fragility_fracture')}; if it names sites, with fracture_site in its "
        "place; else leave it"
    )
    return [Finding("fractures_unread", "warning", ", ".join(names), 0, message, fix)]


def _secondary_causes(people: People, definition: Definition) -> Asking[list[Finding]]:
    """People whose osteoporosis would not be primary, and scans whose words are not read."""
    columns = Columns(people.schema)
    found = yield from together([_secondary_cause(columns), _unread_scans(columns)])
    return [finding for finding in found if finding]


def _secondary_cause(columns: Columns) -> Asking[Finding | None]:
    cause = secondary_cause(columns)
    if cause is None:
        return None
    stated = columns.stated("secondary_cause")
    only = cause & (pl.lit(True) if stated is None else ~stated.fill_null(False))
    sick = cause & (pl.col("bone_class") == "osteoporosis")
    counts = yield from asked(
        sums={"n": cause.sum(), "scans": only.sum(), "sick": sick.sum(), "of": pl.len()}
    )
    n, scans, osteoporosis = counts["n"], counts["scans"], counts["sick"]
    if not n:
        return None
    message = (
        f"{n:,} of {counts['of']:,} people have a known secondary cause"
        + (f" ({scans:,} of them by the finding of a scan alone)" if scans else "")
        + f", {osteoporosis:,} of them with osteoporosis: their class stands with that flag, "
        "and none of their fracture records establishes a fragility fracture by its parts"
    )
    fix = "leave them out where the question is primary osteoporosis"
    return Finding("secondary_cause", "note", "secondary_cause", n, message, fix, cause)


def _unread_scans(columns: Columns) -> Asking[Finding | None]:
    unread = unread_scans(columns)
    n = yield from rows(unread)
    if not n:
        return None
    names = ", ".join(name for name in SCANS if name in columns)
    message = f"{n:,} findings of a scan are in doubtful or unknown words and set no flag"
    fix = "say in the column secondary_cause (yes, no) whether they find a secondary cause"
    return Finding("scan_not_understood", "warning", names, n, message, fix, unread)


def _missing_sites(people: People, definition: Definition) -> Asking[list[Finding]]:
    """Sites and regions whose absence leaves people without a class, with the way to do without."""
    numbers: Counter[str] = Counter()
    reasons, of = yield from _reasons()
    for reason, n in reasons.items():
        if code := re.match(rf"\w+{MISSING}", reason):
            numbers[code[0]] += n
    findings = []
    for code_of_site, n in sorted(numbers.items(), key=lambda item: (-item[1], item[0])):
        where = pl.col("bone_class_reason").str.starts_with(code_of_site)
        message = f"{explain(code_of_site)}: {n:,} of {of:,} people not classifiable"
        fix = _doing_without(code_of_site, definition)
        fix += yield from _by_radius(people, where, code_of_site, definition)
        fix += yield from _by_other_reference(where)
        findings.append(Finding(code_of_site, "warning", "bone_class", n, message, fix, where))
    return findings


def _by_radius(people: People, where: pl.Expr, code: str, definition: Definition) -> Asking[str]:
    """Say of people who have a forearm what would let it stand in for the site that lacks."""
    score, rule = f"t_score_{definition.substitute}", definition.substitute_rule
    n = yield from rows(where & _score(people, score).is_not_null())
    one = code.removesuffix(MISSING) in [site.name for site in definition.sites]
    if definition.substitute is None or rule == "when_missing" or not (n and one):
        return ""
    region = word(definition.substitute).lower()
    return (
        f"; {n:,} of them have the {region} measured, which stands in where one site "
        "is stated to be unusable (spine_unusable_reason, hip_unusable_reason), and for one that "
        'was not measured by substitute="when_missing" (--substitute when_missing)'
    )


def _by_other_reference(where: pl.Expr) -> Asking[str]:
    """Say of people whose forearm was measured that the reference is what lacks."""
    lacks = pl.col("bone_class_reason").str.contains("reference_lacks_forearm", literal=True)
    n = yield from rows(where & lacks)
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


def _menopause(people: People, definition: Definition) -> Asking[list[Finding]]:
    """Women taken as postmenopausal by their age alone, and those of whom the file says both."""
    if definition.criterion.applies.women == "age":
        return []
    rule = Applicability(Columns(people.schema), definition)
    found = yield from together([_menopause_by_age(), _menopause_contradictory(people, rule)])
    return [finding for finding in found if finding]


def _menopause_by_age() -> Asking[Finding | None]:
    by_age = pl.col("score_reason") == TAKEN_FROM_AGE
    counts = yield from asked(sums={"n": by_age.sum(), "women": (pl.col("sex") == "female").sum()})
    n, women = counts["n"], counts["women"]
    if not n:
        return None
    message = (
        f"{n:,} of {women:,} women have no menopausal state recorded and are taken as "
        "postmenopausal by their age alone"
    )
    fix = (
        "give postmenopausal, menopause_age or years_since_menopause, or leave them without a "
        'class by menopause_unknown="unknown" (--menopause-unknown unknown)'
    )
    return Finding("menopause_taken_from_age", "note", "postmenopausal", n, message, fix, by_age)


def _menopause_contradictory(people: People, rule: Applicability) -> Asking[Finding | None]:
    names = ("postmenopausal", "menopause_age", "years_since_menopause")
    where = rule.contradictory()
    n = yield from rows(where)
    if not n:
        return None
    message = (
        f"{n:,} women are stated premenopausal with a menopause that has passed, or have an "
        "age at menopause above their age: a stated state holds, an age to come says nothing"
    )
    fix = "check these rows; without the column postmenopausal the record of menopause decides"
    column = ", ".join(name for name in names if people.has(name))
    return Finding("menopause_contradictory", "warning", column, n, message, fix, where)


def _qct(people: People, definition: Definition) -> Asking[list[Finding]]:
    """Volumetric densities of exactly 0, which are taken as not measured."""
    columns = Columns(people.schema)
    qct = Densities(columns, definition).qct
    if qct is None:
        return []
    zero = qct.zero()
    n = yield from rows(zero)
    if not n:
        return []
    message = (
        f"{people_who(n, 'have')} a volumetric density of exactly 0, which is taken as not "
        "measured: some exports write it where nothing was"
    )
    fix = "leave empty what was not measured; write a density that was measured unrounded"
    column = ", ".join(name for name in VBMD_COLUMNS if name in columns)
    return [Finding("vbmd_zero", "warning", column, n, message, fix, zero)]


def _ctxa(people: People, definition: Definition) -> Asking[list[Finding]]:
    """People whose hip by CTXA is scored on people measured by DXA."""
    where = pl.col("advice").str.contains(CTXA_ON_DXA, literal=True)
    decided = pl.col("bone_class_rule") == "t_score_ctxa"
    sick = decided & (pl.col("bone_class") == "osteoporosis")
    counts = yield from asked(sums={"n": where.sum(), "sick": sick.sum()})
    n, osteoporosis = counts["n"], counts["sick"]
    if not n:
        return []
    message = (
        f"{people_who(n, 'have')} the hip by CTXA scored on people measured by DXA, and "
        f"{ctxa_lower()}: their scores may be too low; {osteoporosis:,} have "
        "osteoporosis with CTXA the lowest"
    )
    fix = (
        'give young adults measured by CTXA, ctxa_reference="own_young_adults" or a norm of yours '
        "(--ctxa-reference), or leave ctxa out of evidence= (--evidence)"
    )
    column = ", ".join(f"abmd_{roi}" for roi in definition.ctxa_rois if people.has(f"abmd_{roi}"))
    return [Finding(CTXA_ON_DXA, "warning", column, n, message, fix, where)]


def _disagreement(people: People, definition: Definition) -> Asking[list[Finding]]:
    """People whom DXA and QCT put in different classes."""
    where = pl.col("bone_class_reason").str.contains(DISAGREE, literal=True)
    sick, rule = where & (pl.col("bone_class") == "osteoporosis"), pl.col("bone_class_rule")
    counts = yield from asked(
        sums={
            "n": where.sum(),
            "qct": (sick & rule.is_in(["vbmd_qct", "t_score_ctxa"])).sum(),
            "dxa": (sick & rule.is_in(["t_score_dxa"])).sum(),
        }
    )
    n = counts["n"]
    if not n:
        return []
    message = (
        f"{people_who(n, 'are')} in different classes by DXA and by QCT, and the worse holds: "
        f"{counts['qct']:,} have osteoporosis by QCT and not by DXA, {counts['dxa']:,} by DXA and "
        "not by QCT"
    )
    fix = "judge by one method alone with evidence= (--evidence) where figures are to be compared"
    return [Finding(DISAGREE, "note", "bone_class", n, message, fix, where)]


def _adjuncts(people: People, definition: Definition) -> Asking[list[Finding]]:
    """Results beside the class: FRAX with its limit, classes of TBS with their source."""
    columns = [name for name in people.columns if name.startswith("frax_")]
    code = definition.criterion.adjuncts.get("frax")
    where = pl.any_horizontal([pl.col(name).is_not_null() for name in columns] or [pl.lit(False)])
    tbs = pl.col("tbs_class").is_not_null() if people.has("tbs_class") else pl.lit(False)
    counts = yield from asked(sums={"frax": where.sum(), "tbs": tbs.sum()})
    n, findings = counts["frax"], []
    if code is not None and n:
        message = (
            f"{people_who(n, 'have')} a result of FRAX, which enters no class: {explain(code)}"
        )
        fix = "say so wherever these results are shown"
        findings.append(Finding(code, "note", ", ".join(columns), n, message, fix, where))
    if people.has("tbs_class"):
        n = counts["tbs"]
        message = (
            f"{people_who(n, 'have')} a class of the trabecular bone score by "
            f"{definition.criterion.adjuncts.get('tbs')}: it decides nothing alone"
        )
        fix = "read it beside density and the risk of fracture"
        findings.append(Finding("tbs_class", "note", "tbs_class", n, message, fix, tbs))
    return findings
