"""What a heading means: an alias, or a site and a quantity in any order (腰椎T值, LFNBMD, L1 BMD).

A heading that does not tell its site or its quantity is never resolved: it comes back with its
candidates, and its column is kept under the name it had.
"""

from __future__ import annotations

import re
import shlex
import unicodedata
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from typing import Literal

from osteo_epi.cohort._codebook import codebook
from osteo_epi.cohort.conform.naming import Stated, best, corrections, stated, told

How = Literal[
    "alias",
    "words",
    "site only",
    "mapped",
    "ambiguous",
    "unknown",
    "other",
    "left out",
]
_LONGEST_OF_WORDS = 48
"""Signs of a heading that is cut into known words: the ways to cut one double with every few."""
_SCORES = ("t_score", "z_score")
_VERTEBRAL = ("l1", "l2", "l3", "l4", "lumbar_spine")
_PATTERNS = {
    "abmd": "abmd_{}",
    "ctxa": "abmd_{}_ctxa",
    "vbmd": "vbmd_{}",
    "bmc": "bmc_{}",
    "area": "area_{}",
    "hu": "hu_{}",
    "valid": "valid_{}",
    "t_score": "t_score_{}_reported",
    "z_score": "z_score_{}_reported",
}
_BY_UNIT = {"mg/cm3": "vbmd", "g/cm3": "vbmd", "HU": "hu", "g/cm2": "abmd", "mg/cm2": "abmd"}
_SURE = ("alias", "words")
_EVERYBODY = ("age", "birth_date", "sex", "race_ethnicity", "height", "weight", "bmi")
LOWEST_T = "t_score_min_reported"
_LONGEST = 1_000
"""Signs of a heading. Questions of a survey with their answers stay far below; a file whose lines
lost their ends has headings as long as itself, and looking for codes in one takes its square."""


def normalise(text: str) -> str:
    """Half-width, lower case, letters and digits only: how headings and words are compared.

    >>> normalise("骨密度 （Ｌ１－Ｌ４）"), normalise("BMD_L1-L4")
    ('骨密度l1l4', 'bmdl1l4')
    """
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text).casefold())


def as_map(heading: str, variable: str | None = None) -> str:
    """How map says what a column is, in Python and on the command line; None leaves it out.

    >>> print(as_map("股骨颈"))
    map={'股骨颈': None} (--map 股骨颈=none)
    >>> print(as_map("Hip BMD", "abmd_total_hip"))
    map={'Hip BMD': 'abmd_total_hip'} (--map "Hip BMD=abmd_total_hip")
    """
    option = quoted(f"{heading}={variable or 'none'}")
    return f"map={{{heading!r}: {variable!r}}} (--map {option})"


def quoted(word: str) -> str:
    """A word of a command, in double quotes where it needs some: Windows knows no single ones.

    >>> quoted("股骨颈=none"), quoted("Hip BMD=none"), quoted("a$b")
    ('股骨颈=none', '"Hip BMD=none"', "'a$b'")
    """
    if re.fullmatch(r"[\w.,:=@+/-]+", word):
        return word
    return shlex.quote(word) if re.search(r'["$`\\!]', word) else f'"{word}"'


@dataclass(frozen=True)
class Match:
    """What one heading was taken for; `because` says why it was not."""

    heading: str
    variable: str | None
    how: How
    unit: str | None = None
    side: str | None = None
    coding: dict[str, str] = field(default_factory=dict)
    candidates: tuple[str, ...] = ()
    because: str = ""


@lru_cache(maxsize=20_000)
def match(heading: str) -> Match:
    """Find the variable that a heading names.

    Parameters
    ----------
    heading
        As the file has it, a unit or a coding of its values beside the name.

    Returns
    -------
    Match
        The variable, or why there is none: `how` is "ambiguous" with the candidates where a word
        is lacking, "other" where the heading names what the codebook does not hold, and "unknown"
        else, with a candidate where one word is misspelt.

    Examples
    --------
    >>> match("腰椎T值").variable, match("LFNBMD").variable
    ('t_score_lumbar_spine_reported', 'abmd_femoral_neck_left')
    >>> heading = match("腰椎骨密度（mg/cm²）")
    >>> heading.variable, heading.unit
    ('abmd_lumbar_spine', 'mg/cm2')
    >>> match("HipBMD").how, match("HipBMD").candidates
    ('ambiguous', ('abmd_femoral_neck', 'abmd_total_hip'))
    >>> match("L2-L4 BMD").how, match("L2-L4 BMD").because
    ('other', 'it names L2–L4, another region than L1–L4')
    """
    reading = as_written(heading)
    if reading.how != "unknown" or len(heading) > _LONGEST:
        return reading
    text = unicodedata.normalize("NFKC", heading).strip()
    unit = stated(text)[-1].unit
    near = tuple(n for n in nearest(text) if _unit_fits(n, unit))
    return replace(reading, candidates=near)


@lru_cache(maxsize=20_000)
def as_written(heading: str) -> Match:
    """What a heading says as it stands: `match` without looking for slips, which takes a while.

    >>> as_written("腰椎T值").variable, as_written("lubmar T-score").candidates
    ('t_score_lumbar_spine_reported', ())
    """
    if len(heading) > _LONGEST:
        return Match(heading, None, "unknown")
    forms = stated(unicodedata.normalize("NFKC", heading).strip())
    ways = [_match(heading, form) for form in forms]
    sure = next((way for way in ways if way.how in _SURE), None)
    if known := sure or _asking_for_one_sex(heading, forms):
        return known
    for how in ("site only", "other", "ambiguous"):
        for way in ways:
            if way.how == how:
                return way
    return ways[0]


def is_sure(heading: str) -> bool:
    """Whether the words of a heading name one variable, nothing assumed.

    >>> is_sure("腰椎T值"), is_sure("股骨颈"), is_sure("HipBMD")
    (True, False, False)
    """
    reading = as_written(heading)
    return reading.variable is not None and reading.how in _SURE


def meant_by(heading: str) -> str | None:
    """The variable that a heading surely names.

    >>> meant_by("Fragility fracture"), meant_by("Fragility fracture (file)"), meant_by("village")
    ('fragility_fracture', None, None)
    """
    return as_written(heading).variable if is_sure(heading) else None


def _match(heading: str, way: Stated) -> Match:
    if way.unit is None and way.text.rstrip().endswith(("%", "％")):
        way = replace(way, unit="%")
    key = normalise(way.text)
    variable = _aliases().get(key) or _owned(key)
    if variable is not None:
        return _checked_unit(_of_alias(heading, variable, key, way))
    parts = _segment(key) or _segment(normalise(_without_articles(way.text)))
    if parts is None:
        return Match(heading, None, "unknown", way.unit)
    return _checked_unit(_compose(heading, parts, way.unit))


def _owned(key: str) -> str | None:
    """What everybody has, named with whose it is: PatientSex, 患者年龄; nothing of a visit.

    >>> _owned("patientsex"), _owned("patientdate"), _owned("subjectbmdl1")
    ('sex', None, None)
    """
    for owner in codebook().owners:
        variable = _aliases().get(key.removeprefix(owner)) if key.startswith(owner) else None
        if variable in _EVERYBODY:
            return variable
    return None


def _asking_for_one_sex(heading: str, ways: list[Stated]) -> Match | None:
    """A heading that asks of everybody for one sex, with what yes and no then mean: is_male, 女性.

    It is not the sex before a look at the others and at the cells, see `_neighbours`.

    >>> match("sex_male").coding["1"], match("是否女性").coding["0"], match("male nurse").how
    ('male', 'male', 'unknown')
    """
    asked = ((_sex_asked_for(normalise(text)), w) for w in ways for text in (heading, w.text))
    one, way = next(((sex, way) for sex, way in asked if sex), (None, None))
    if one is None or way is None:
        return None
    other = next(sex for sex in codebook()["sex"].categories if sex != one)
    answers = {word: one if means == "true" else other for word, means in _answers().items()}
    said = {code: answers.get(normalise(word)) for code, word in way.coding.items()}
    if None in said.values():
        return None
    coding = answers | {code: sex for code, sex in said.items() if sex}
    because = f"it asks for one sex, and only answers of yes and no tell it (1 is {coding['1']})"
    return Match(heading, None, "ambiguous", None, None, coding, ("sex",), because)


@cache
def _sex_words() -> tuple[dict[str, str], frozenset[str]]:
    """Words for a sex with the sex, and headings of the column."""
    sex = codebook()["sex"]
    words = {normalise(word): meaning for word, meaning in sex.words.items()}
    return words, frozenset(map(normalise, sex.aliases))


@lru_cache(maxsize=20_000)
def _sex_asked_for(key: str) -> str | None:
    sex, (words, names) = codebook()["sex"], _sex_words()
    asks = tuple(name for name in ("is", "是否", "是否为") if key.startswith(name))
    about = tuple(n for n in names if key.startswith(n) or key.endswith(n))
    bare = {key, *(key.removeprefix(start) for start in asks)}
    riddles = {(n, m) for m, beside in sex.letters.items() for n in beside.get("unless", [])}
    told = {(n, key.removeprefix(n).removesuffix(n)) for n in about} - riddles
    # A letter says a sex only beside the word for it: sex_m, never m.
    found = {words[w] for w in bare if w in words and (len(w) > 1 or not w.isascii())}
    found |= {words[w] for _, w in told if w in words}
    return found.pop() if len(found) == 1 else None


@cache
def _answers() -> dict[str, str]:
    """Answers of yes and no; single letters may be those of a sex (f)."""
    plain = codebook()["examined"].words
    return {word: means for word, means in plain.items() if not re.fullmatch("[a-z]", word)}


def _without_articles(text: str) -> str:
    words = re.split(r"([\W_]+)", text)
    return "".join(" " if word.casefold() in codebook().articles else word for word in words)


def _of_alias(heading: str, variable: str, key: str, way: Stated) -> Match:
    """A heading that a variable goes by; only answers have a coding (性别, never L1(…))."""
    known = codebook()[variable]
    if way.coding and known.kind not in ("category", "boolean", "label"):
        return Match(heading, None, "unknown", way.unit)
    return Match(
        heading, variable, "alias", way.unit, None, way.coding or known.declared.get(key, {})
    )


def _checked_unit(reading: Match) -> Match:
    """A heading is not of a variable that cannot be given in its unit (Neck (cm), BMI (%))."""
    unit, named = reading.unit, reading.candidates or (reading.variable,)
    fitting = tuple(name for name in named if name and _unit_fits(name, unit))
    if unit is None or not any(named) or len(fitting) == len(named):
        return reading
    if not fitting:
        because = f"its unit, {unit}, is none of {named[0]}"
        return Match(reading.heading, None, "other", unit, because=because)
    if reading.how == "site only":
        return replace(reading, variable=fitting[0], candidates=fitting)
    return replace(reading, candidates=fitting)


def _unit_fits(name: str, unit: str | None) -> bool:
    variable = codebook()[name]
    given = variable.unit if variable.unit != "1" else None
    return unit is None or unit == given or unit in codebook().convertible(variable)


@cache
def _aliases() -> dict[str, str]:
    book = codebook()
    own = {normalise(name): name for name in book.variables}
    aliases = {normalise(a): v.name for v in book.variables.values() for a in v.aliases}
    return book.nhanes | aliases | own


@cache
def _words() -> dict[str, tuple[tuple[str, str], ...]]:
    """Every word that headings are made of, with the parts it can play."""
    roles: dict[str, tuple[tuple[str, str], ...]] = {}
    for part, group in codebook().words.items():
        for word, meaning in group.items():
            key = normalise(word)
            roles[key] = (*roles.get(key, ()), (part, meaning))
    return roles


@cache
def _segment(key: str) -> dict[str, str] | None:
    """Cut a heading into known words, each part at most once, the longest words first."""
    if not key or len(key) > _LONGEST_OF_WORDS:
        return None
    return _cut(key, {})


def _cut(tail: str, parts: dict[str, str]) -> dict[str, str] | None:
    if not tail:
        return parts
    for length in range(len(tail), 0, -1):
        for part, meaning in _words().get(tail[:length], ()):
            slot = "site" if part == "vague" else part
            role = f"?{meaning}" if part == "vague" else meaning
            if slot not in ("other", "filler") and parts.get(slot, role) != role:
                role = _narrowed(parts[slot], role) or ""
                if not role:
                    continue
            longer = parts | {slot: role}
            if (whole := _cut(tail[length:], longer)) is not None:
                return whole
    return None


def _narrowed(one: str, other: str) -> str | None:
    """A region of the hip that stands beside the word for hips (左髋股骨颈); None for two regions.

    >>> _narrowed("?hip", "femoral_neck"), _narrowed("?total", "?hip"), _narrowed("?hip", "l1")
    ('femoral_neck', 'total_hip', None)
    """
    rest = {one, other} - {"?hip"}
    if len(rest) != 1:
        return None
    region = "total_hip" if rest == {"?total"} else rest.pop()
    return region if region in codebook().vague_means["hip"] else None


def _compose(heading: str, parts: dict[str, str], unit: str | None) -> Match:
    site, side = parts.get("site"), parts.get("side")
    if "other" in parts:
        because = f"it names {parts['other']}"
        return Match(heading, None, "other", unit, because=because)
    if site == "?total" and side:
        site = "total_hip"  # only hips are read on two sides
    if site is None and parts.get("modality") == "ctxa":
        site = "?hip"  # which alone it measures
    quantity = _quantity(parts | {"site": site or ""}, unit)
    of_spine = site is None or site in _VERTEBRAL  # nothing is said of a hip
    if quantity in _SCORES and parts.get("modality") == "qct" and of_spine:
        # Far more people are below -2.5 by QCT of the spine than by DXA; its density is judged.
        because = "it names a score of QCT, and by QCT the spine is judged by its density in mg/cm3"
        return Match(heading, None, "other", unit, side, because=because)
    if site is None and quantity is None:
        return Match(heading, None, "unknown", unit)
    if site is None or site.startswith("?"):
        return _of_several(heading, site, quantity, unit, side)
    if quantity is None and unit == "SD":
        # SD beside a region and without the word of a score.
        because = f"it names {codebook().words['other']['sd']}"
        return Match(heading, None, "other", unit, side, because=because)
    if quantity is None:
        names = (_sided(one, site, side) for one in ("abmd", "t_score", "z_score", "vbmd"))
        candidates = tuple(n for n in names if n)
        return Match(heading, candidates[0], "site only", unit, side, {}, candidates)
    name = _sided(quantity, site, side)
    if name is None:
        because = f"the codebook has no {codebook().quantities[quantity]} of that region"
        return Match(heading, None, "other", unit, side, because=because)
    return Match(heading, name, "words", unit, side)


def _of_several(
    heading: str, site: str | None, quantity: str | None, unit: str | None, side: str | None
) -> Match:
    """A heading that could be of several regions: all of them, and none where it may be of more."""
    if site == "?forearm":
        because = "it does not tell which part of the forearm (of which one third is read)"
        return Match(heading, None, "ambiguous", unit, side, because=because)
    if site is None and side:
        because = "it names a side, and no region"
        return Match(heading, None, "ambiguous", unit, side, because=because)
    sites = codebook().vague_means[site[1:]] if site else _sites()
    names = (_sided(quantity or "abmd", one, side) for one in sites)
    candidates = tuple(n for n in names if n)
    if site is None and quantity == "t_score":
        candidates = (*candidates, LOWEST_T)
    because = "it does not tell which region" if quantity else "it does not tell what it is"
    return Match(heading, None, "ambiguous", unit, side, {}, candidates, because)


def _quantity(parts: dict[str, str], unit: str | None) -> str | None:
    """The quantity, with the method and the unit having their say in what "BMD" means."""
    quantity, method = parts.get("quantity"), parts.get("modality")
    if quantity not in (None, "abmd"):
        return quantity
    if method == "ctxa":
        return "ctxa"
    if method == "qct":
        # Where neither region nor unit is said the spine's density is meant, as in "QCT BMD".
        meant = _BY_UNIT.get(unit or "", "abmd" if parts.get("site") else "vbmd")
        return "ctxa" if meant == "abmd" and parts.get("site") not in _VERTEBRAL else "vbmd"
    return _BY_UNIT.get(unit or "", quantity)


def _name(quantity: str, site: str) -> str | None:
    name = _PATTERNS[quantity].format(site)
    return name if name in codebook() else None


def _sided(quantity: str, site: str, side: str | None) -> str | None:
    """The variable of one hip where the codebook tells hips apart, else that of the region."""
    return (side and _name(quantity, f"{site}_{side}")) or _name(quantity, site)


@cache
def _sites() -> tuple[str, ...]:
    """Regions that headings name, those that a diagnosis reads first."""
    named = ("lumbar_spine", "femoral_neck", "total_hip", *codebook().words["site"].values())
    return tuple(dict.fromkeys(named))


def quantity_of(name: str) -> str | None:
    """Which quantity a variable of a region is, as headings name it (abmd, t_score …)."""
    for quantity, pattern in _PATTERNS.items():
        head, tail = pattern.split("{}")
        roi = codebook()[name].roi
        if roi is not None and name == f"{head}{roi}{tail}":
            return quantity
    return None


_JOINED_Z = re.compile(r"z[\s_-]*score", re.IGNORECASE)
"""A Z-score whose letter is one with the word before: FNCTz-score, hipZscore."""


def quantities_of(heading: str) -> set[str]:
    """Quantities that a heading names, whether or not all of it is understood.

    >>> quantities_of("L1 HU trabecular"), quantities_of("QCT L1 (mg/cm3)")
    ({'hu'}, {'vbmd'})
    >>> quantities_of("FNCTz-score")
    {'z_score'}
    """
    reading = match(heading)
    named = [reading.variable, *reading.candidates] if reading.how != "site only" else []
    sure = {quantity_of(name) for name in named if name} - {None}
    if not sure or reading.how in ("unknown", "other"):
        sure = set(told(heading, _words()).get("quantity", set()))
        sure |= {_BY_UNIT[reading.unit]} if reading.unit in _BY_UNIT else set()
    if not sure and _JOINED_Z.search(heading):
        sure = {"z_score"}
    return {one for one in sure if one}


@lru_cache(maxsize=20_000)
def nearest(text: str) -> tuple[str, ...]:
    """The variable that a misspelt name was meant for; none rather than a wrong one.

    >>> nearest("femoral_nek_bmd"), nearest("lubmar T-score")
    (('abmd_femoral_neck',), ('t_score_lumbar_spine_reported',))
    >>> nearest("FNCTz-score"), nearest("femoralDiameterZ"), nearest("PTHx"), nearest("S.No")
    ((), (), (), ())
    """
    if any(word in normalise(text) for word in codebook().elsewhere):
        return ()
    said = told(text, _words())
    name = best(corrections(text, _spelt()), lambda key: _variable_of(key, said))
    return (name,) if name else ()


@cache
def _spelt() -> tuple[str, ...]:
    """Words that may be misspelt; codes of NHANES are like each other whatever they stand for."""
    return (*_words(), *(key for key in _aliases() if key not in codebook().nhanes))


def _variable_of(key: str, said: dict[str, set[str]]) -> str | None:
    """The variable that a corrected heading names, unless another word of the heading gainsays."""
    reading = _match(key, Stated(key))
    if reading.variable is None or "other" in said:
        return None
    quantity, variable = quantity_of(reading.variable), codebook()[reading.variable]
    told_quantity = said.get("quantity", set()) - {quantity}
    areal = {"abmd", "ctxa", "vbmd"}
    if told_quantity - (areal if quantity in areal and "abmd" in told_quantity else set()):
        return None
    sides = said.get("side", set())
    return reading.variable if not variable.side or sides <= {variable.side} else None
