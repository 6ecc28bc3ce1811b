"""What a column measures: a quantity at a region, by the names of the codebook."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from osteo_epi.cohort import codebook
from osteo_epi.errors import SchemaError

UNITS = {
    "abmd": "g/cm2", "vbmd": "mg/cm3", "hu": "HU", "sbmd": "mg/cm2", "t_score": "SD",
    "z_score": "SD",
}  # fmt: skip
"""Quantity, as names of columns begin, to its unit."""
WORDS = {
    "abmd": "areal BMD by DXA",
    "abmd_ctxa": "areal BMD by QCT projection (CTXA)",
    "vbmd": "volumetric BMD by QCT",
    "hu": "CT attenuation",
    "sbmd": "standardised areal BMD",
    "t_score": "T-score by DXA",
    "t_score_ctxa": "T-score by QCT projection (CTXA)",
    "z_score": "Z-score by DXA",
    "z_score_ctxa": "Z-score by QCT projection (CTXA)",
}
BY_CT = ("vbmd", "hu", "abmd_ctxa", "t_score_ctxa", "z_score_ctxa")
SUFFIXES = ("_reported", "_left", "_right", "_mean")
LOWEST = "min"
"""Region of the lowest of several scores."""


@dataclass(frozen=True)
class Quantity:
    """A quantity at a region of interest.

    Parameters
    ----------
    kind
        "abmd", "abmd_ctxa", "vbmd", "hu", "sbmd", "t_score", "z_score" …
    roi
        Region of interest, without its side.
    """

    kind: str
    roi: str

    @property
    def unit(self) -> str:
        """Unit, as the codebook writes it."""
        return UNITS[self.kind.removesuffix("_ctxa")]

    @property
    def by_ct(self) -> bool:
        """Whether a CT scanner measures it."""
        return self.kind in BY_CT

    def __str__(self) -> str:
        return f"{WORDS[self.kind]}, {self.roi} [{self.unit}]"


def quantity_of(column: str) -> Quantity | None:
    """What a column measures by its name, None where the name does not say.

    Examples
    --------
    >>> print(quantity_of("vbmd_lumbar_spine"), quantity_of("t_score_total_hip_ctxa").kind)
    volumetric BMD by QCT, lumbar_spine [mg/cm3] t_score_ctxa
    >>> quantity_of("my_density") is None
    True
    """
    kind = next((k for k in UNITS if column.startswith(f"{k}_")), None)
    if kind is None:
        return None
    place, ct = column.removeprefix(f"{kind}_"), ""
    for suffix in ("_reported", "_ctxa", *SUFFIXES[1:], "_ctxa"):
        if place.endswith(suffix):
            place = place.removesuffix(suffix)
            ct = "_ctxa" if suffix == "_ctxa" else ct
    known = place in _regions() or (kind.endswith("score") and place == LOWEST)
    return Quantity(kind + ct, place) if known and kind + ct in WORDS else None


def stated_quantity(column: str, measures: str | None = None) -> Quantity:
    """What a column measures: by its name, or as the column named `measures` does.

    Raises
    ------
    SchemaError
        If neither name says, or they contradict each other.
    """
    own = quantity_of(column)
    if measures is None:
        if own is None:
            raise SchemaError(
                f"the name {column} does not say which quantity it holds at which region: name the "
                'column of the codebook that it measures the same as, measures="vbmd_lumbar_spine"'
            )
        return own
    other = quantity_of(measures)
    if other is None:
        raise SchemaError(
            f"measures={measures!r} is no quantity at a region; take a name of the codebook, such "
            'as "vbmd_lumbar_spine", "abmd_total_hip" or "t_score_femoral_neck"'
        )
    if own is not None and own != other:
        raise SchemaError(f"{column} is {own} by its name, and measures={measures!r} is {other}")
    return other


@cache
def _regions() -> frozenset[str]:
    rois = {v.roi for v in codebook().variables.values() if v.roi}
    return frozenset(roi.removesuffix("_ctxa") for roi in rois)
