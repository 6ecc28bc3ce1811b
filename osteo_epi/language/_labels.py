"""Codes in words, and the labels that figures and tables share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from osteo_epi.language._language import said

WITHHELD = "*"
"""What stands in the place of a number that is not shown."""
MARKS = {"suppress": WITHHELD, "review": "‡", "show_with_note": "†"}
"""What stands beside an estimate by the verdict of the rule of presentation, the gravest first."""
UNSURE = ("suppress", "review")
TOLD = ("effective n", "df")
"""How the flags begin that say nothing beside a verdict that an estimate is unsure."""
NO_EVENTS, EVERYBODY = "no events", "everybody affected"
STATING = (NO_EVENTS, EVERYBODY)
"""Flags that say what an estimate is: they go where it goes."""
SIMULATED = "simulated"
"""Flag of every estimate that rests on simulated people."""
OF = "people_affected_of"
WORDS = {
    "female": "Women",
    "male": "Men",
    "all": "All",
    "osteoporosis": "Osteoporosis",
    "low_bone_mass": "Low bone mass",
    "normal": "Normal",
    "below_expected_range": "Below the expected range for age",
    "within_expected_range": "Within the expected range for age",
    "not_classifiable": "Not classifiable",
    "crude": "Crude",
    "age_standardised": "Age-standardised",
    "age_band": "By age",
    "lumbar_spine": "Lumbar spine",
    "femoral_neck": "Femoral neck",
    "total_hip": "Total hip",
    "radius_33": "Distal third of the radius",
    "femoral_neck_ctxa": "Femoral neck (CTXA)",
    "total_hip_ctxa": "Total hip (CTXA)",
    "vbmd_lumbar_spine": "Lumbar spine (QCT)",
    "sex": "Sex",
    "race_ethnicity": "Race or ethnicity",
    "postmenopausal": "Postmenopausal",
    "fragility_fracture": "Fragility fracture",
    "secondary_cause": "Secondary cause",
    "osta": "OSTA",
    "orai": "ORAI",
    "score": "SCORE",
    "qus_t_score": "Ultrasound T-score",
    "qus_stiffness": "Ultrasound stiffness",
    "frax_major": "FRAX, major fracture",
    "frax_hip": "FRAX, hip fracture",
    "abmd_radius_pdxa": "Peripheral DXA, radius",
    "vbmd_radius_pqct": "Peripheral QCT, radius",
    "marrow_fat_fraction": "Marrow fat fraction",
    "ctx": "CTX",
    "p1np": "P1NP",
    "pth": "PTH",
    "vitamin_d_25oh": "25-hydroxyvitamin D",
    "alkaline_phosphatase": "Alkaline phosphatase",
    "serum_calcium": "Serum calcium",
    "serum_phosphate": "Serum phosphate",
    "Mexican American": "Mexican American",
    "Other Hispanic": "Other Hispanic",
    "Non-Hispanic White": "Non-Hispanic White",
    "Non-Hispanic Black": "Non-Hispanic Black",
    "Other race, including multiracial": "Other race, including multiracial",
}
"""What a code of a column is called; a value of a user's own column that is none stays."""
ANSWERS = {"true": "yes", "false": "no"}
"""Levels of a column that is true or not."""
TEXTS = {
    "dxa": "DXA",
    "ctxa": "hip QCT (CTXA)",
    "qct": "spine QCT",
    "fracture": "fragility fracture",
    "read": "Read",
    "one row a person and day": "One row a person and day",
    "one row a person": "One row a person",
    "examined": "Examined",
    "not pregnant": "Not pregnant",
    "in the sample": "In the sample",
    "age stated": "Age stated",
    "classified": "Classified",
    "every required site measured": "Every required site measured",
    "fracture status known": "Fracture status known",
    "not examined": "not examined",
    "pregnant": "pregnant",
    "weight of zero": "weight of zero",
    "age missing": "age missing",
    "rows of the person's other regions, joined": "rows of the person's other regions, joined",
    "classified on the sites that were measured, with another one missing: such people would "
    "enter an estimate only when they are ill": "classified on the sites that were measured, with "
    "another one missing: such people would enter an estimate only when they are ill",
    "measured, with a fracture record that does not settle whether there is one": "measured, with "
    "a fracture record that does not settle whether there is one",
    "no events": "no events",
    "everybody affected": "everybody affected",
    "nobody classifiable": "nobody classifiable",
    "nobody classifiable by density": "nobody classifiable by density",
    "nobody of these ages is judged by T-scores": "nobody of these ages is judged by T-scores",
    "nobody of these ages is judged by Z-scores": "nobody of these ages is judged by Z-scores",
    "not standardised over both sexes": "not standardised over both sexes",
    "withheld: the figure of one sex alone": "withheld: the figure of one sex alone",
    "withheld: few people": "withheld: few people",
    "the population that the weights describe": "the population that the weights describe",
    "error": "Error",
    "accepted error": "Accepted error",
    "warning": "Warning",
    "note": "Note",
    "criterion": "Criterion",
    "young-adult reference": "Young-adult reference",
    "young-adult reference, CTXA": "Young-adult reference, CTXA",
    "age reference": "Age reference",
    "vertebral fracture": "Vertebral fracture",
    "standard population": "Standard population",
    "rule of presentation": "Rule of presentation",
    "own data": "own data",
    "not established": "not established",
    "established": "established",
    "unknown": "unknown",
    "derived": "derived",
    "simple random sample": "simple random sample",
    "equal weights": "equal weights",
    **{
        part: part
        for part in (
            "direct standardisation",
            "p = f + (1 - f) q of fracture f and density q",
            "p = (1 - f) q of fracture f and density q",
            "p = f + (1 - f) q of fracture f and density q by stratum",
            "p = (1 - f) q of fracture f and density q by stratum",
            "Taylor linearisation",
            "interval: Wald on the log-odds scale",
            "interval: profile likelihood, Rao-Scott scaled",
            "interval: Korn-Graubard (beta)",
            "interval: Wald",
            "interval: Wilson with effective sample size",
            "interval: Agresti-Coull with effective sample size",
            "interval: Jeffreys with effective sample size",
            "interval: Clopper-Pearson with effective sample size (Korn-Graubard)",
            "calibration uncertainty added by the delta method",
            "sampling error of the own young adults added by the delta method",
        )
    },
}
"""What other codes and short texts of a result are called, beside those in columns."""
PHRASES = {
    r"(?P<age>[\d.]+) years or older": "{age} years or older",
    r"younger than (?P<age>[\d.]+)": "younger than {age} years",
    r"rows of NHANES public-use files, (?P<cycles>.+)": "rows of NHANES public-use files, {cycles}",
    r"rows of (?P<file>.+)": "rows of {file}",
    r"other rows of the person, (?P<which>\w+) taken": "other rows of the person, {which} taken",
    r"effective n < (?P<n>[\d.]+)": "effective n < {n}",
    r"df < (?P<n>[\d.]+)": "df < {n}",
    r"(?P<n>\d+) replicate\(s\) hold nobody": "{n} replicate(s) hold nobody",
    r"(?P<column>.+?) missing: (?P<n>\d+)": "{column} missing: {n}",
    r"(?P<column>\w+|.+?) (?P<level>.+): nobody classifiable": ("{level}: nobody classifiable"),
    r"(?P<column>\w+|.+?) (?P<level>.+): nobody classifiable by density": (
        "{level}: nobody classifiable by density"
    ),
    r"not standardised: nobody measured at (?P<bands>.+)": (
        "not standardised: nobody measured at {bands} years"
    ),
    r"weights (?P<column>.+)": "weights {column}",
    r"strata (?P<column>.+)": "strata {column}",
    r"units (?P<column>.+)": "units {column}",
    r"fpc (?P<column>.+)": "finite population correction {column}",
    r"single units: (?P<rule>\w+)": "strata with a single unit: {rule}",
    r"(?P<columns>\S+) replicate weights \((?P<kind>.+)\)": "replicate weights {columns} ({kind})",
}
"""Short texts with values in them, as results write them, and what is said of them."""
NO_NORMS = {
    "own_young_adults": "the study's own young adults",
    "reported": "those of the densitometer, as the file reports its scores",
    "none": "none",
}
"""References of a definition that are no norms, and what they are called."""
CHOICES = {
    "reference": "T-scores against: {value}",
    "age reference": "Z-scores against: {value}",
    "CTXA reference": "T-scores by CTXA against: {value}",
    "sex rule": "young adults of {value}",
    "regions": "read at {value}",
    "spine": "lumbar spine: {value}",
    "evidence": "evidence: {value}",
}
"""Choices of a definition by their names in its label, and how they are said."""
CHOICE_VALUES = {
    "own_sex": "the same sex",
    "female": "the female sex, for both",
    "all_four": "all four of L1–L4 have to count",
    "at_least_two": "at least two of L1–L4 have to count",
    "given_total": "the total that the file gives",
    "not stated (lowest T-score as reported by the file)": "regions that the file does not state",
}
SEPARATOR = " · "
_BETWEEN = "; "  # of flags


def word(name: object) -> str:
    """Say a code in words; a code without words is given back as it stands.

    Examples
    --------
    >>> word("female"), word("rural_north")
    ('Women', 'rural_north')
    """
    return said(WORDS[str(name)]) if str(name) in WORDS else str(name)


def level(column: str, name: object) -> str:
    """Say the level of a column in words; one that says nothing alone is said with the column.

    Examples
    --------
    >>> level("sex", "female"), level("postmenopausal", "true"), level("parity", "2")
    ('Women', 'Postmenopausal: yes', 'parity: 2')
    """
    text = str(name)
    if text in ANSWERS:
        return said("{column}: {level}", column=word(column), level=said(ANSWERS[text]))
    if re.fullmatch(r"-?\d{1,3}(\.\d+)?", text):
        return said("{column}: {level}", column=word(column), level=text)
    return word(name)


def printed_unit(unit: str) -> str:
    """A unit of the codebook as print has it.

    Examples
    --------
    >>> printed_unit("g/cm2"), printed_unit("mg/cm3"), printed_unit("HU")
    ('g/cm²', 'mg/cm³', 'HU')
    """
    return re.sub(r"(?<=m)[23]\b", lambda power: "²³"[int(power[0]) - 2], unit)


def phrase(text: str) -> str:
    """Say a short text of a result, such as a flag or a step of the flow, as `word` says a code.

    Examples
    --------
    >>> phrase("younger than 50"), phrase("no events"), phrase("my own step")
    ('younger than 50 years', 'no events', 'my own step')
    """
    for form, words in PHRASES.items():
        if text not in TEXTS and (match := re.fullmatch(form, text)):
            return said(words, **_values(match.groupdict()))
    return said(TEXTS[text]) if text in TEXTS else word(text)


def _values(parts: Mapping[str, str]) -> dict[str, str]:
    values = {name: word(value) for name, value in parts.items()}
    return values | ({"level": level(parts["column"], parts["level"])} if "level" in parts else {})


def method_words(method: str) -> str:
    """Say how an estimate was made, as a result states it; a part without words stays.

    Examples
    --------
    >>> method_words("direct standardisation, Taylor linearisation; interval: Wald")
    'direct standardisation, Taylor linearisation; interval: Wald'
    >>> from osteo_epi.language import speaking
    >>> with speaking("zh"):
    ...     method_words("direct standardisation, Taylor linearisation; interval: Wald")
    '直接标化法、Taylor线性化法；区间：Wald法'
    """
    parts = [
        phrase(part) if part in TEXTS else said(", ").join(map(phrase, part.split(", ")))
        for part in method.split("; ")
    ]
    return said("; ").join(parts)


def joined_flags(flags: Iterable[str]) -> str:
    """Flags of an estimate in one text, from which `flags_of` takes them apart again.

    Examples
    --------
    >>> joined_flags(["no events", "income low; or so: nobody classifiable"])
    'no events; income low, or so: nobody classifiable'
    """
    return _BETWEEN.join(flag.replace(_BETWEEN, ", ") for flag in flags)


def flags_of(text: str | None) -> list[str]:
    """The flags of an estimate, without the label of simulated people.

    Examples
    --------
    >>> flags_of("no events; df < 8; simulated"), flags_of(None)
    (['no events', 'df < 8'], [])
    """
    return [flag for flag in (text or "").split(_BETWEEN) if flag not in ("", SIMULATED)]


def design_words(design: str, *, names: Mapping[str, str] | None = None) -> str:
    """Say a survey design, as a result or a manifest states it, in the language spoken.

    Parameters
    ----------
    design
        As text.
    names
        The survey's own names of the columns.

    Examples
    --------
    >>> design_words("weights survey_weight; units psu", names={"survey_weight": "WTMEC2YR"})
    'weights WTMEC2YR; units psu'
    """
    own = re.sub(r"\w+", lambda found: (names or {}).get(found[0], found[0]), design)
    return said("; ").join(phrase(part) for part in own.split("; "))
