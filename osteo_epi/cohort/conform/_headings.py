"""What a heading means: an alias, or a site and a quantity in any order (腰椎T值, LFNBMD, L1 BMD).

A heading that does not tell its site or its quantity is never resolved: it comes back with its
candidates, and its column is kept under the name it had.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from typing import Literal

from osteo_epi.cohort._codebook import codebook

How = Literal["alias", "words", "site only", "mapped", "ambiguous", "unknown", "left out"]
_BRACKET = re.compile(r"\s*[\(\[【{<]([^\(\)\[\]【】{}<>]*)[\)\]】}>]\s*$")
_CODE = re.compile(r"(\d+)\s*[=:.、\-]?\s*([^\W\d_]+)")
_LONGEST = 48
_LETTERS, _SHORT = 4, 6
_ALIKE, _ALIKE_SHORT = 0.6, 0.8
"""A name of fewer letters is near to nothing, and a short text only to what has most of them."""
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


def normalise(text: str) -> str:
    """Half-width, lower case, letters and digits only: how headings and words are compared.

    >>> normalise("骨密度 （Ｌ１－Ｌ４）"), normalise("BMD_L1-L4")
    ('骨密度l1l4', 'bmdl1l4')
    """
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text).casefold())


@dataclass(frozen=True)
class Match:
    """What one heading was taken for."""

    heading: str
    variable: str | None
    how: How
    unit: str | None = None
    side: str | None = None
    coding: dict[str, str] = field(default_factory=dict)
    candidates: tuple[str, ...] = ()


def match(heading: str) -> Match:
    """Find the variable that a heading names.

    >>> match("腰椎T值").variable, match("LFNBMD").variable
    ('t_score_lumbar_spine_reported', 'abmd_femoral_neck_left')
    >>> heading = match("腰椎骨密度（mg/cm²）")
    >>> heading.variable, heading.unit
    ('abmd_lumbar_spine', 'mg/cm2')
    >>> match("T值").how, match("T值").candidates[0]
    ('ambiguous', 't_score_lumbar_spine_reported')
    """
    text = unicodedata.normalize("NFKC", heading).strip()
    text, unit, coding = _declared(text)
    result = _match(heading, text, unit, coding)
    if result.how in ("unknown", "ambiguous"):
        shorter, trailing = _trailing_unit(text)
        if trailing is not None:
            result = _match(heading, shorter, trailing, coding)
    return result


def _match(heading: str, text: str, unit: str | None, coding: dict[str, str]) -> Match:
    key = normalise(text)
    variable = _aliases().get(key)
    if variable is not None:
        declared = codebook()[variable].declared.get(key, {})
        return Match(heading, variable, "alias", unit, None, coding or declared)
    parts = _segment(key)
    if parts is None:
        return Match(heading, None, "unknown", unit, candidates=nearest(key))
    return _compose(heading, parts, unit)


def _declared(text: str) -> tuple[str, str | None, dict[str, str]]:
    """Take a unit or a coding in brackets off the end: 骨密度(g/cm2), 性别(1男2女)."""
    bracket = _BRACKET.search(text)
    if bracket is None:
        return text, None, {}
    unit = codebook().unit(bracket.group(1).replace(" ", ""))
    coding = dict(_CODE.findall(bracket.group(1)))
    if unit is None and not (coding and len(coding) == len(re.findall(r"\d+", bracket.group(1)))):
        return text, None, {}
    return text[: bracket.start()], unit, {} if unit else coding


def _trailing_unit(text: str) -> tuple[str, str | None]:
    """Take a unit off the end of a heading, after a sign (BMD_g/cm2) or after Chinese (身高cm)."""
    glued = re.match(r"^(.*[^\x00-\x7f])([A-Za-z%][\w/^]*)$", text, flags=re.ASCII)
    if glued and (unit := codebook().unit(glued.group(2))):
        return glued.group(1), unit
    for sign in re.finditer(r"[\s_/,:;\-]+", text):
        unit = codebook().unit(text[sign.end() :])
        if unit is not None:
            return text[: sign.start()], unit
    return text, None


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
    if not key or len(key) > _LONGEST:
        return None
    return _cut(key, {})


def _cut(tail: str, parts: dict[str, str]) -> dict[str, str] | None:
    if not tail:
        return parts
    for length in range(len(tail), 0, -1):
        for part, meaning in _words().get(tail[:length], ()):
            slot = "site" if part == "vague" else part
            role = f"?{meaning}" if part == "vague" else meaning
            if parts.get(slot, role) != role:
                continue
            longer = parts | {slot: role}
            if (whole := _cut(tail[length:], longer)) is not None:
                return whole
    return None


def _compose(heading: str, parts: dict[str, str], unit: str | None) -> Match:
    site, side = parts.get("site"), parts.get("side")
    quantity = _quantity(parts, unit)
    if site is None and quantity is None:
        return Match(heading, None, "unknown", unit)
    if site is None or site.startswith("?"):
        sites = codebook().vague_means[site[1:]] if site else _sites()
        names = (_name(quantity or "abmd", one) for one in sites)
        return Match(heading, None, "ambiguous", unit, side, {}, tuple(n for n in names if n))
    if quantity is None:
        names = (_sided(one, site, side) for one in ("abmd", "t_score", "z_score", "vbmd"))
        candidates = tuple(n for n in names if n)
        return Match(heading, candidates[0], "site only", unit, side, {}, candidates)
    name = _sided(quantity, site, side)
    if name is None:
        return Match(heading, None, "unknown", unit, side, {}, nearest(f"{quantity}{site}"))
    return Match(heading, name, "words", unit, side)


def _quantity(parts: dict[str, str], unit: str | None) -> str | None:
    """The quantity, with the method and the unit having their say in what "BMD" means."""
    quantity, method = parts.get("quantity"), parts.get("modality")
    if quantity not in (None, "abmd"):
        return quantity
    if method == "ctxa":
        return "ctxa"
    if method == "qct":
        areal = parts.get("site") not in _VERTEBRAL and _BY_UNIT.get(unit or "") != "vbmd"
        return "ctxa" if areal else "vbmd"
    return _BY_UNIT.get(unit or "", quantity)


def _name(quantity: str, site: str) -> str | None:
    name = _PATTERNS[quantity].format(site)
    return name if name in codebook() else None


def _sided(quantity: str, site: str, side: str | None) -> str | None:
    """The variable of one hip where the codebook tells hips apart, else that of the region."""
    return (side and _name(quantity, f"{site}_{side}")) or _name(quantity, site)


@cache
def _sites() -> tuple[str, ...]:
    return tuple(dict.fromkeys(codebook().words["site"].values()))


def nearest(text: str, n: int = 3) -> tuple[str, ...]:
    """Variables whose names or aliases look most like a text; none where only a few letters do.

    A proposal is followed, so a wrong one is worse than none: an abbreviation of three letters is
    near to every other (PTH to TH), and a word of another quantity (urinary) settles it.

    >>> nearest("femoral_nek")[0]
    'abmd_femoral_neck'
    >>> nearest("PTHx"), nearest("urinary calcium")
    ((), ())
    """
    key = normalise(text)
    if any(word in key for word in codebook().elsewhere):
        return ()
    names = _aliases() | {
        normalise(word) + suffix: name
        for word, site in codebook().words["site"].items()
        for quantity, suffix in (("abmd", ""), ("abmd", "bmd"), ("t_score", "tscore"))
        if (name := _name(quantity, site))
    }
    # Codes of NHANES are like each other whatever they stand for.
    whole = [n for n in names if len(n) >= _LETTERS and n not in codebook().nhanes]
    cutoff = _ALIKE_SHORT if len(key) < _SHORT else _ALIKE
    close = get_close_matches(key, whole, n=3 * n, cutoff=cutoff)
    return tuple(dict.fromkeys(names[one] for one in close))[:n]
