"""What norms are called by people, in the language spoken: ids and labels in words."""

from __future__ import annotations

import re
from contextlib import suppress

from osteo_epi.errors import NormError
from osteo_epi.language import CHOICE_VALUES, CHOICES, NO_NORMS, language, phrase, said
from osteo_epi.norms._library import KINDS, available, load
from osteo_epi.norms._norm import Norm


def norm_words(norm: Norm) -> str:
    """The title of a norm in the language spoken.

    Examples
    --------
    >>> norm_words(load("criteria", "who_1994"))[:3]
    'WHO'
    """
    return (language() == "zh" and norm.title_zh) or norm.title


def reference_words(id: str, *, kind: str = "young_adult") -> str:
    """Say the id of a norm in words: its title; an id that is of no norm here stays as it is.

    Parameters
    ----------
    id
        Of a young-adult reference, a criterion, a reference by age or a standard population, or
        `own_young_adults`, `reported`, `none`.
    kind
        The kind that is meant where norms of several kinds have the id.

    Examples
    --------
    >>> reference_words("nhanes3_white_female")
    'NHANES III non-Hispanic White women 20-29 years, spine by the manufacturer (Hologic)'
    >>> reference_words("nhanes_2005_2010_derived", kind="by_age")
    'NHANES 2005-2010 all groups, by age, derived from the microdata'
    >>> reference_words("mine")
    'mine'
    """
    if id in NO_NORMS:
        return said(NO_NORMS[id])
    for one in dict.fromkeys((kind, "young_adult", "criteria", "by_age", "standard_population")):
        try:
            return norm_words(load(one, id))
        except NormError:
            continue
    return id


GRADED = re.compile(r" \[(grade \w+|own data|derived)\]")
READ_IN = re.compile(r" ?\(read in: (?P<place>.+?)\)(?=$| Derived on | \[)")
DERIVED_ON = re.compile(
    r" ?Derived on (?P<date>[\d-]+) by (?P<software>.+) from (?P<n>[\d,]+) people \(data sha256 "
    r"(?P<digest>\w+)\); left out: (?P<left>.+); model: (?P<model>.+); design: (?P<design>.+?)"
    r"(?:; ages: (?P<ages>[a-z ]+))?\.$"
)


def citation_words(citation: str, id: str) -> str:
    """Say a citation as `cite` gives it in the language spoken, without its grade.

    The title of the norm and what this toolkit says around the publication are said; the
    publication itself stays as printed.

    Examples
    --------
    >>> from osteo_epi.language import speaking
    >>> citation = load("young_adult", "zhang_2007").cite()
    >>> citation_words(citation, "zhang_2007")[-23:]
    '(read in: its abstract)'
    >>> with speaking("zh"):
    ...     citation_words(citation, "zhang_2007")[-8:]
    '（依据：其摘要）'
    """
    text = GRADED.sub("", citation)
    if language() == "en":
        return text
    text = READ_IN.sub(lambda found: said("(read in: {place})", place=said(found["place"])), text)
    return _titled(DERIVED_ON.sub(_derivation_words, text), id)


def _derivation_words(found: re.Match[str]) -> str:
    words = said(
        "Derived on {date} by {software} from {n} people (data SHA-256 {digest}); left out: "
        "{left}; model: {model}; design: {design}",
        **{name: found[name] for name in ("date", "software", "n", "digest", "left")},
        **{name: found[name] for name in ("model", "design")},
    )
    ages = {"exact": said("; ages: exact"), "completed years": said("; ages: completed years")}
    return said("{choice}.", choice=words + ages.get(found["ages"] or "", ""))


def _titled(text: str, id: str) -> str:
    """A citation with its norm's own name in the language spoken."""
    for kind in KINDS:
        with suppress(NormError):
            norm = load(kind, id)
            if text.startswith(norm.title):
                return norm_words(norm) + text.removeprefix(norm.title)
    return text


def population_words(text: str) -> str:
    """Say whose people are affected: "the population of China, population census 2010"."""
    title = text.removeprefix("the population of ")
    if title == text:
        return phrase(text)
    if language() == "en":
        return text
    for row in available("standard_population").to_polars().iter_rows(named=True):
        norm = load("standard_population", row["id"])
        if norm.title == title:
            return norm_words(norm)
    return title


def definition_words(label: str) -> str:
    """Say the label of a definition in words, as far as a reader of a table needs it.

    Parameters
    ----------
    label
        Of a `Definition`, as it stands in the column definition: choices between semicolons. What
        else the label holds - sides, substitutes, open fracture records - is said by
        `str(definition)`.

    Examples
    --------
    >>> print(definition_words("who_1994; reference nhanes3_white_female; sex rule female; "
    ...                        "regions femoral_neck; spine at_least_two; evidence dxa"))
    WHO ...; T-scores against: NHANES III non-Hispanic White women 20-29 years, spine ...; read ...
    """
    criterion, *parts = label.split("; ")
    said_parts = [reference_words(criterion)]
    for part in parts:
        name = next((name for name in CHOICES if part.startswith(f"{name} ")), None)
        if name is None or part.startswith("regions required"):
            continue
        value = part.removeprefix(f"{name} ")
        if name == "reference" and value == "none":
            continue
        said_parts.append(said(CHOICES[name], value=_value_words(name, value)))
    return said("; ").join(said_parts)


def _value_words(name: str, value: str) -> str:
    if name.endswith("reference"):
        return reference_words(value, kind="by_age" if name == "age reference" else "young_adult")
    if value in CHOICE_VALUES:
        return said(CHOICE_VALUES[value])
    names = [phrase(part) for part in value.split("+")]
    return said(", ").join(map(_small, names))


def _small(name: str) -> str:
    """A word inside a sentence: its first letter small, unless the word is an abbreviation."""
    return name if name[1:2].isupper() else name[:1].lower() + name[1:]
