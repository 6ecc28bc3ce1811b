"""What a column holds, in words: quantity, region and unit."""

from __future__ import annotations

import re

from osteo_epi.cohort import codebook
from osteo_epi.figures._words import joined
from osteo_epi.language import printed_unit, said, word


def quantities() -> dict[str, str]:
    """The quantities by the beginning of a column's name, in the language spoken."""
    return {
        "abmd": said("Areal BMD"),
        "bmc": said("Bone mineral content"),
        "area": said("Bone area"),
        "vbmd": said("Volumetric BMD"),
        "bmad": said("Apparent volumetric BMD"),
    }


def named(column: str) -> str:
    """A column's quantity with its unit."""
    kind, _, _ = column.partition("_")
    name = quantities().get(kind, column)
    book = codebook()
    unit = (book[column].unit if column in book else None) or ""
    if not unit and kind == "abmd":
        unit = "g/cm2"
    return said("{name} [{unit}]", name=name, unit=printed_unit(unit)) if unit else name


def way_said(way: str) -> str:
    """A way to choose young adults in the language spoken; one of the user's own as it stands.

    Examples
    --------
    >>> from osteo_epi.language import speaking
    >>> with speaking("zh"):
    ...     way_said("20–29 years"), way_said("best five years")
    ('20–29岁', '最高的5年')
    """
    words = {
        "peak ± 5 years": said("peak ± 5 years"),
        "best five years": said("best five years"),
        "maximum of the curve": said("maximum of the curve"),
    }
    if re.fullmatch(r"[\d.–]+ years", way):
        return said("{ages} years", ages=way.removesuffix(" years"))
    return words.get(way, way)


def heading_of(column: str, sex: str = "") -> str:
    """Region and sex in words."""
    kind, _, region = column.partition("_")
    name = word(region) if kind in quantities() else column
    return joined(name, word(sex)) if sex else name
