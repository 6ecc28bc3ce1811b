"""The catalogue of codes: what each one that the diagnosis writes means, in English and Chinese."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

from osteo_epi.errors import DefinitionError

LANGUAGES = ("en", "zh")


@cache
def catalogue() -> dict[str, dict[str, str]]:
    """Read every code with its kind and its sentences.

    Examples
    --------
    >>> catalogue()["screening_only"]["kind"]
    'class'
    """
    return tomllib.loads(files(__package__).joinpath("reasons.toml").read_text(encoding="utf-8"))


def explain(codes: str | None, *, language: str = "en") -> str:
    """Turn the codes of a column into sentences.

    Parameters
    ----------
    codes
        A value of `bone_class_reason`, `score_reason`, `advice` …: codes joined by "; ", each
        perhaps with what the source itself says after a colon. None gives "".
    language
        `en` or `zh`.

    Raises
    ------
    DefinitionError
        If a code or the language is unknown.

    Examples
    --------
    >>> print(explain("radius_for_hip; hip_unusable: implant"))
    the hip is unusable: the distal third of the radius was added; the hip is declared unusable:
    implant
    """
    if language not in LANGUAGES:
        raise DefinitionError(f"unknown language {language!r}; there are {', '.join(LANGUAGES)}")
    if not codes:
        return ""
    separator = {"en": "; ", "zh": ";"}[language]
    known, sentences = catalogue(), []
    for part in codes.split("; "):
        code, colon, detail = part.partition(": ")
        if code in known:
            sentences.append(known[code][language] + colon + detail)
        elif sentences:
            # What the source says may itself hold a semicolon: it goes on from the part before.
            sentences[-1] += "; " + part
        else:
            raise DefinitionError("the text holds no known code; expected values of classify()")
    return separator.join(sentences)
