"""Contrasts and limits in words, as the figures of risks share them."""

from __future__ import annotations

import re

from osteo_epi.figures._words import with_limits
from osteo_epi.language import said, word
from osteo_epi.rounding import fixed


def contrast_words(contrast: str) -> str:
    """Say a contrast of an exposure in the language spoken.

    Examples
    --------
    >>> from osteo_epi.language import speaking
    >>> with speaking("zh"):
    ...     contrast_words("per SD decrease"), contrast_words("yes against no")
    ('每降低1个标准差', '是对否')
    """
    per = re.fullmatch(r"per (\S+) (increase|decrease)", contrast)
    if per is not None:
        unit = {"SD": said("SD"), "unit": said("unit")}.get(per[1], per[1])
        if per[2] == "increase":
            return said("per {unit} increase", unit=unit)
        return said("per {unit} decrease", unit=unit)
    first, against, second = contrast.partition(" against ")
    if against:
        known = {"yes": said("yes"), "no": said("no")}
        words = [known.get(level, word(level)) for level in (first, second)]
        return said("{first} against {second}", first=words[0], second=words[1])
    return contrast


def limits_words(
    estimate: float, lower: float | None, upper: float | None, decimals: int = 2
) -> str:
    """An estimate with its limits, alone where it has none.

    Examples
    --------
    >>> limits_words(1.5, 1.2, 1.9), limits_words(1.5, None, None)
    ('1.50 (1.20 to 1.90)', '1.50')
    """
    return with_limits(*(fixed(value, decimals=decimals) for value in (estimate, lower, upper)))
