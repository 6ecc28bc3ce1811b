"""What a heading states beside its name: a unit (mg/cm³), or what its codes mean (1男2女)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache

from osteo_epi.cohort._codebook import codebook

_BRACKET = re.compile(r"\s*[(\[【{<]([^()\[\]【】{}<>]*)[)\]】}>]\s*")
_SIGNS = re.compile(r"[\s_/.,:;\-]+")
_GLUED = re.compile(r"^(.*[^\x00-\x7f])([A-Za-z%][\w/^.]*)$", flags=re.ASCII)
_BEFORE_UNIT = re.compile(
    r"^(?:单位|單位|単位|units?|unidad|einheit|in|en)\s*[:=]?\s*", re.IGNORECASE
)
_WORD = r"([^\W\d_]+(?:[ \-][^\W\d_]+)*)"
_CODE_FIRST = re.compile(rf"\s*(\d+)\s*[=:.、\-]?\s*{_WORD}\s*[,;/、|.]?")
_WORD_FIRST = re.compile(rf"\s*{_WORD}\s*[=:]?\s*(\d+)\s*[,;/、|.]?")
_CODES_AT_END = re.compile(
    r"^(.*?[^\d=:\s])[\s,:;_\-]+((?:\d+\s*[=:]\s*[^\W\d_]+[\s,;/、|]*){2,})$"
)
_FEWEST_CODES = 2
_ANSWERS_AT_END = re.compile(r"^(.*?\w)[\s:：]+([^\s/]+(?:\s*/\s*[^\s/]+)+)$")
_BETWEEN = re.compile(r"[/,;|、，]|\bor\b")


@dataclass(frozen=True)
class Stated:
    """A heading without what it states beside its name."""

    text: str
    unit: str | None = None
    coding: dict[str, str] = field(default_factory=dict)


def stated(text: str) -> list[Stated]:
    """Ways to take a heading apart, the likeliest first.

    >>> [(s.text, s.unit) for s in stated("bmd_femoral_neck_g_cm2")]
    [('bmd_femoral_neck_g_cm2', None), ('bmd_femoral_neck', 'g/cm2')]
    >>> stated("Sex(M=1, W=2)")[0]
    Stated(text='Sex', unit=None, coding={'1': 'M', '2': 'W'})
    """
    first = _bracketed(text)
    ways = [first]
    shorter, unit = _trailing_unit(first.text)
    if unit is not None and first.unit in (None, unit):
        ways.append(Stated(shorter, unit, first.coding))
    if first.text != text and first.unit is None:
        ways.append(Stated(text))
    at_end = _CODES_AT_END.match(text)
    if at_end and (coding := codes_of(at_end.group(2))):
        ways.append(Stated(at_end.group(1), None, coding))
    return [*ways, *_glued_codes(text)]


def _glued_codes(text: str) -> list[Stated]:
    """A heading that goes on with codes and their words, no sign between: 性别1男2女, sex_m1_f2.

    Taken only where a question of the codebook goes before them, and the words are its answers.

    >>> _glued_codes("sex_1_male_2_female")[0].coding, _glued_codes("性别1男2女")[0].text
    ({'1': 'male', '2': 'female'}, '性别')
    >>> _glued_codes("男1女2")[0].text, _glued_codes("L1_male_2"), _glued_codes("bmd_l1_l2")
    ('sex', [], [])
    """
    if sum(sign.isdigit() for sign in text) < _FEWEST_CODES:
        return []
    for i in range(len(text)):
        name = _questions().get(_bare(text[:i]) if i else "sex")
        coding = codes_of(text[i:].replace("_", " ").strip(" :：-")) if name else {}
        if len(coding) < _FEWEST_CODES or name is None:
            continue
        if all(_bare(word) in _answers_to(name) for word in coding.values()):
            return [Stated(text[:i] or "sex", None, coding)]
    return []


@cache
def _questions() -> dict[str, str]:
    """Headings of variables that are answered in words."""
    asked = (v for v in codebook().variables.values() if v.kind in ("category", "boolean"))
    return {_bare(heading): v.name for v in asked for heading in (v.name, *v.aliases)}


@cache
def _answers_to(name: str) -> frozenset[str]:
    variable = codebook()[name]
    return frozenset(map(_bare, (*variable.words, *variable.categories, *variable.letters)))


def unit_of(text: str) -> str | None:
    """The unit that a text is, however its signs are written: g/cm², g_cm_2, g per cm2.

    >>> unit_of("g_cm_2"), unit_of("单位:mg/cm3"), unit_of("left")
    ('g/cm2', 'mg/cm3', None)
    """
    bare = (
        _BEFORE_UNIT.sub("", text.strip()) if text.strip().casefold() not in ("in", "en") else text
    )
    exact = codebook().unit(bare.replace(" ", ""))
    return exact or _loose().get(_bare(bare))


def _bare(text: str) -> str:
    return re.sub(r"[\W_]+|\bper\b", "", text.casefold())


@cache
def _loose() -> dict[str, str]:
    """Spellings of units of several signs, without the signs."""
    return {_bare(s): unit for s, unit in codebook().units.items() if len(_bare(s)) > 1}


def _bracketed(text: str) -> Stated:
    """Take a unit or a coding in brackets out: 骨密度(g/cm2), L1 (mg/cm3) BMD, 性别(1男2女)."""
    for bracket in reversed(list(_BRACKET.finditer(text))):
        rest = f"{text[: bracket.start()]} {text[bracket.end() :]}".strip()
        inside = bracket.group(1)
        if rest and (unit := unit_of(inside)):
            return Stated(rest, unit)
        if rest and (coding := codes_of(inside)):
            return Stated(rest, None, coding)
        if rest and _lists_answers(rest, inside):
            return Stated(rest)
    at_end = _ANSWERS_AT_END.match(text)
    if at_end and _lists_answers(*at_end.groups()):
        return Stated(at_end.group(1))
    return Stated(text)


def _lists_answers(question: str, text: str) -> bool:
    """Whether a text names the answers to a question and no more: Sex (M/F), 是否绝经(是/否).

    >>> _lists_answers("Sex", "M / F"), _lists_answers("Sex", "M"), _lists_answers("L1", "yes/no")
    (True, False, False)
    >>> _lists_answers("是否绝经", "是/否/不详"), _lists_answers("Sex", "M/unknown")
    (True, False)
    """
    name = _questions().get(_bare(question))
    missing = codebook().missing_words
    parts = [part.strip().casefold() for part in _BETWEEN.split(text)]
    said = [_bare(part) for part in parts if part not in missing]
    return name is not None and len(said) > 1 and all(word in _answers_to(name) for word in said)


def codes_of(text: str) -> dict[str, str]:
    """Code → word, where a text is nothing but codes and their words; else empty.

    >>> codes_of("1 yes 2 no"), codes_of("M=1, W=2"), codes_of("L1-L4")
    ({'1': 'yes', '2': 'no'}, {'1': 'M', '2': 'W'}, {})
    """
    for pattern, code, word in ((_CODE_FIRST, 1, 2), (_WORD_FIRST, 2, 1)):
        coding: dict[str, str] = {}
        at, n = 0, 0
        while (pair := pattern.match(text, at)) and pair.end() > at:
            coding[pair.group(code)] = pair.group(word)
            at, n = pair.end(), n + 1
        fewest = 1 if re.search("[=:]", text) else _FEWEST_CODES
        distinct = fewest <= n == len(coding) == len(set(coding.values()))
        if distinct and not text[at:].strip():
            return coding
    return {}


def _trailing_unit(text: str) -> tuple[str, str | None]:
    """Take a unit off the end of a heading, after a sign (BMD_g/cm2) or after Chinese (身高cm)."""
    glued = _GLUED.match(text)
    if glued and (unit := unit_of(glued.group(2))):
        return glued.group(1), unit
    for sign in _SIGNS.finditer(text):
        unit = unit_of(text[sign.end() :])
        if unit is not None and sign.start():
            return text[: sign.start()], unit
    return text, None
