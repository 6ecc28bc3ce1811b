"""Headings of columns that name a person."""

from __future__ import annotations

from osteo_epi.cohort._codebook import codebook
from osteo_epi.cohort.conform._headings import as_written, normalise
from osteo_epi.cohort.conform._plausible import AS_GIVEN

FILE = "(file)"
"""How a column's name ends that has one of our names and is not ours."""
PERSON = "person_id"


def names_a_person(column: str) -> bool:
    """Whether a column says by its heading who a person is: a name, an address, an identifier.

    Examples
    --------
    >>> names_a_person("姓名"), names_a_person("Patient ID"), names_a_person("device_name")
    (True, True, False)
    """
    heading = _heading(column)
    key, words = normalise(heading), codebook().identifying
    if key in words["headings"] or any(part in key for part in words["parts"]):
        return True
    return as_written(heading).variable == PERSON


def tells_of_a_person(column: str) -> bool:
    """Whether a column says, or may say, who a person is: also a physician, a postcode, remarks.

    Examples
    --------
    >>> tells_of_a_person("备注"), names_a_person("备注"), tells_of_a_person("ward")
    (True, False, False)
    """
    telling = codebook().identifying["telling"]
    return names_a_person(column) or normalise(_heading(column)) in telling


def tells_people_apart(column: str) -> bool:
    """Whether a person has one value in all rows: a name, or a number of the person's own.

    The number of a stay, a visit or a record names a person too, who may have several.

    Examples
    --------
    >>> tells_people_apart("姓名"), tells_people_apart("身份证号"), tells_people_apart("Record ID")
    (True, True, False)
    """
    heading = _heading(column)
    if normalise(heading) in codebook().personal:
        return True
    return names_a_person(column) and as_written(heading).variable != PERSON


def _heading(column: str) -> str:
    heading = column.removesuffix(AS_GIVEN)
    while heading.endswith(f" {FILE}"):
        heading = heading.removesuffix(f" {FILE}")
    return heading
