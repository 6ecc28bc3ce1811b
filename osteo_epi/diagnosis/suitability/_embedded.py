"""Which embedded age curves suit people's densities: those of the same maker."""

from __future__ import annotations

from typing import Any

from osteo_epi.diagnosis.suitability._makers import COLUMNS, NAMES, stated_makers
from osteo_epi.errors import DefinitionError, SchemaError
from osteo_epi.frames import as_polars

BY_MAKER = "by_maker"
EMBEDDED = {"hologic": "nhanes_2005_2010_derived"}
"""By maker, the norm of kind by_age of both sexes: spine, single vertebrae and hip, no
trochanter and no forearm; derived, see its notes."""
_OTHERS = (
    "name a norm of kind by_age, or reported for the file's own Z-scores, with age_reference= "
    "(--age-reference)"
)


def age_reference_by_maker(people: Any) -> str:
    """Name the embedded age curves on the scale of the people's densities.

    Parameters
    ----------
    people
        Any frame; its maker is read of calibrated_to, device_maker or device.

    Returns
    -------
    str
        Id of a norm of kind by_age.

    Raises
    ------
    DefinitionError
        If no people are given.
    SchemaError
        If they name no maker, several, or one of whom no curves are embedded.

    Examples
    --------
    >>> import polars as pl
    >>> age_reference_by_maker(pl.DataFrame({"device_maker": ["hologic", None]}))
    'nhanes_2005_2010_derived'
    """
    if people is None:
        raise DefinitionError(
            f"age_reference={BY_MAKER!r} reads the maker of people's densities: give people=, or "
            f"{_OTHERS}"
        )
    frame = as_polars(people)[0].lazy()
    columns = [name for name in COLUMNS if name in frame.collect_schema()]
    if not columns:
        raise SchemaError(
            f"age_reference {BY_MAKER} needs the maker of the densities, in one of the columns "
            f"{', '.join(COLUMNS)}, and none is there; add one, or {_OTHERS}"
        )
    makers = stated_makers(frame)
    if len(makers) == 1 and makers[0] in EMBEDDED:
        return EMBEDDED[makers[0]]
    said = " and ".join(NAMES[maker] for maker in makers) or "no maker that is known"
    there = ", ".join(NAMES[maker] for maker in EMBEDDED)
    raise SchemaError(
        f"age_reference {BY_MAKER}: column(s) {', '.join(columns)} name {said}; curves by age are "
        f"embedded for densities of {there} alone: {_OTHERS}, or bring the densities to one scale "
        "with osteo_epi.calibration.with_maker_scale"
    )
