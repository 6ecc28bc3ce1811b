"""Names of the file's own columns: none of a variable, and none that classifying writes."""

from __future__ import annotations

import re
from collections.abc import Sequence

from osteo_epi.cohort._codebook import codebook
from osteo_epi.cohort.conform._headings import quoted
from osteo_epi.cohort.conform.keeping._personal import FILE, tells_of_a_person

WORKING = "_oe_"
"""How the columns begin that stand only while people are judged."""


def is_written(name: str) -> bool:
    """Whether classifying people writes a column of this name.

    Examples
    --------
    >>> is_written("bone_class"), is_written("t_score_total_hip"), is_written("t_score_heel")
    (True, True, False)
    """
    return name in codebook().written or bool(re.fullmatch(rf"\w*{WORKING}\w*", name))


def is_own_name(name: str) -> bool:
    """Whether a name is a variable's, or of a column that classifying writes."""
    return name in codebook() or is_written(name)


def as_the_files(names: Sequence[str], taken: Sequence[str]) -> dict[str, str]:
    """Names by which no column of the file is taken for one of ours.

    Parameters
    ----------
    names
        Columns of the file that are no variables.
    taken
        Names that are given away.

    Returns
    -------
    dict
        Column → its name; one of ours ends in "(file)".

    Examples
    --------
    >>> as_the_files(["ward", "bone_class", "age", "age (file)"], [])["bone_class"]
    'bone_class (file)'
    >>> as_the_files(["age", "age (file)"], [])
    {'age': 'age (file) (file)', 'age (file)': 'age (file)'}
    """
    given = set(taken)
    free = {name for name in names if name not in given and not is_own_name(name)}
    renamed = {}
    for name in names:
        new = name
        if name not in free:
            while new in given or is_own_name(new) or new in free:
                new = f"{new} {FILE}"
            given.add(new)
        renamed[name] = new
    return renamed


def left_as(heading: str) -> str:
    """What becomes of a column that is not read, in the words of a finding.

    Examples
    --------
    >>> left_as("ward"), left_as("age")
    ('kept as it is', "kept as 'age (file)'")
    >>> left_as("姓名")
    'left out of what is written of people (--keep 姓名 writes it)'
    """
    name = f"{heading} {FILE}" if is_own_name(heading) else heading
    if tells_of_a_person(heading):
        return f"left out of what is written of people (--keep {quoted(name)} writes it)"
    return "kept as it is" if name == heading else f"kept as {name!r}"
