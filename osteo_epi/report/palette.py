"""Colours, marks and words that figures and tables share, so that a sex looks the same in all.

The colours are Okabe and Ito's, told apart under every common colour blindness; marks and line
styles differ as well, for a report printed in grey.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Style:
    """How one group is drawn."""

    colour: str
    marker: str
    line: str


STYLES = {
    "female": Style("#D55E00", "o", "-"),
    "male": Style("#0072B2", "s", "--"),
    "all": Style("#4D4D4D", "D", "-."),
}
OTHERS = (
    Style("#009E73", "^", "-"),
    Style("#CC79A7", "v", "--"),
    Style("#E69F00", "P", "-."),
    Style("#56B4E9", "X", ":"),
)
WORDS = {
    "female": "Women",
    "male": "Men",
    "all": "All",
    "osteoporosis": "Osteoporosis",
    "low_bone_mass": "Low bone mass",
    "normal": "Normal",
    "below_expected_range": "Below the expected range for age",
    "within_expected_range": "Within the expected range for age",
    "not_classifiable": "Not classifiable",
    "crude": "Crude",
    "age_standardised": "Age-standardised",
    "age_band": "By age",
    "lumbar_spine": "Lumbar spine",
    "femoral_neck": "Femoral neck",
    "total_hip": "Total hip",
    "radius_33": "Distal third of the radius",
    "femoral_neck_ctxa": "Femoral neck (CTXA)",
    "total_hip_ctxa": "Total hip (CTXA)",
    "vbmd_lumbar_spine": "Lumbar spine (QCT)",
    "fragility_fracture": "Fragility fracture",
}


def word(name: object) -> str:
    """Say a code in words; a code without words is given back as it stands.

    Examples
    --------
    >>> word("female"), word("rural_north")
    ('Women', 'rural_north')
    """
    return WORDS.get(str(name), str(name))


def style_of(group: str, *, order: int = 0) -> Style:
    """Give the style of a group; groups beyond the sexes take turns."""
    return STYLES.get(group, OTHERS[order % len(OTHERS)])
