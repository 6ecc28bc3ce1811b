"""What norms are called by people, in the language spoken: ids and labels in words."""

from __future__ import annotations

from osteo_epi.errors import NormError
from osteo_epi.language import CHOICE_VALUES, CHOICES, NO_NORMS, language, phrase, said
from osteo_epi.norms._library import available, load
from osteo_epi.norms._norm import Norm


def norm_words(norm: Norm) -> str:
    """The title of a norm in the language spoken.

    Examples
    --------
    >>> norm_words(load("criteria", "who_1994"))[:3]
    'WHO'
    """
    return (language() == "zh" and norm.title_zh) or norm.title


def reference_words(id: str) -> str:
    """Say the id of a norm in words: its title; an id that is of no norm here stays as it is.

    Parameters
    ----------
    id
        Of a young-adult reference, a criterion, a reference by age or a standard population, or
        `own_young_adults`, `reported`, `none`.

    Examples
    --------
    >>> reference_words("nhanes3_white_female")
    'NHANES III non-Hispanic White women 20-29 years, spine by the manufacturer (Hologic)'
    >>> reference_words("mine")
    'mine'
    """
    if id in NO_NORMS:
        return said(NO_NORMS[id])
    for kind in ("young_adult", "criteria", "by_age", "standard_population"):
        try:
            return norm_words(load(kind, id))
        except NormError:
            continue
    return id


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
        return reference_words(value)
    if value in CHOICE_VALUES:
        return said(CHOICE_VALUES[value])
    names = [phrase(part) for part in value.split("+")]
    return said(", ").join(map(_small, names))


def _small(name: str) -> str:
    """A word inside a sentence: its first letter small, unless the word is an abbreviation."""
    return name if name[1:2].isupper() else name[:1].lower() + name[1:]
