"""Headings of columns that name a person."""

from __future__ import annotations

from osteo_epi.cohort._codebook import codebook
from osteo_epi.cohort.conform._headings import normalise
from osteo_epi.cohort.conform._plausible import AS_GIVEN


def names_a_person(column: str) -> bool:
    """Whether a column holds names, addresses, telephone or identity numbers by its heading.

    Examples
    --------
    >>> names_a_person("姓名"), names_a_person("device_name")
    (True, False)
    """
    key, words = normalise(column.removesuffix(AS_GIVEN)), codebook().identifying
    return key in words["headings"] or any(part in key for part in words["parts"])
