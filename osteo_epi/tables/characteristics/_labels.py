"""What Table 1 calls a variable, in the language spoken: the codebook's label with its unit."""

from __future__ import annotations

from osteo_epi.cohort import codebook
from osteo_epi.labels import WORDS, word
from osteo_epi.language import language, said

BY_RULE = "_by_rule"
"""End of the density that was classified, beside that of the file."""
SCORES = ("t_score", "z_score")
IN_YEARS_OF_AGE = ("age", "menopause_age")
POWERS = {"g/cm2": "g/cm²", "kg/m2": "kg/m²", "mg/cm3": "mg/cm³", "cm2": "cm²"}
NO_UNITS = ("1", "SD", None)


def variable_label(name: str) -> str:
    """Label of a variable with its unit; a column of the user's own keeps its name.

    Examples
    --------
    >>> variable_label("age"), variable_label("abmd_lumbar_spine_by_rule")
    ('Age [years]', 'Areal BMD, lumbar spine [g/cm²]')
    >>> variable_label("t_score_femoral_neck"), variable_label("my_column")
    ('T-score, femoral neck', 'my_column')
    """
    of_class = {
        "bone_class": said("Class by the definition"),
        "t_score_min": said("Lowest T-score"),
        "z_score_min": said("Lowest Z-score"),
    }
    if name in of_class:
        return of_class[name]
    plain = name.removesuffix(BY_RULE)
    if plain in codebook():
        return _of_codebook(plain)
    return _of_score(name) or word(name)


def _of_codebook(name: str) -> str:
    variable = codebook()[name]
    own = variable.label_zh if language() == "zh" else variable.label
    label = word(name) if name in WORDS and name != "fragility_fracture" else own
    if variable.unit in NO_UNITS:
        return label
    return said("{label} [{unit}]", label=label, unit=_unit(variable.unit, name))


def _unit(unit: str, name: str) -> str:
    if unit == "years":
        return said("years") if name in IN_YEARS_OF_AGE else said("years (duration)")
    return POWERS.get(unit, unit)


def _of_score(name: str) -> str:
    kind, roi = name[: len(SCORES[0])], name[len(SCORES[0]) + 1 :]
    if kind not in SCORES or roi not in WORDS:
        return ""
    region = word(roi)
    region = region[0].lower() + region[1:]
    return (
        said("T-score, {region}", region=region)
        if kind == "t_score"
        else said("Z-score, {region}", region=region)
    )
