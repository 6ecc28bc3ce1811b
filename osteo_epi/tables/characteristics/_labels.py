"""What Table 1 calls a variable, in the language spoken: the codebook's label with its unit."""

from __future__ import annotations

from osteo_epi.cohort import codebook
from osteo_epi.language import WORDS, language, printed_unit, said, word

BY_RULE = "_by_rule"
"""End of the density that was classified, beside that of the file."""
SCORES = ("t_score", "z_score")
IN_YEARS_OF_AGE = ("age", "menopause_age")
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
    label, unit = variable_words(name)
    return said("{label} [{unit}]", label=label, unit=unit) if unit else label


def is_known_variable(name: str) -> bool:
    """Whether a column has words: a variable of the codebook, a score, or what classifying writes.

    Examples
    --------
    >>> is_known_variable("abmd_total_hip"), is_known_variable("bone_class"), is_known_variable("x")
    (True, True, False)
    """
    return variable_words(name)[0] != name


def variable_words(name: str) -> tuple[str, str]:
    """Label and unit of a variable in the language spoken; the unit is "" where it has none.

    Examples
    --------
    >>> variable_words("vbmd_lumbar_spine"), variable_words("t_score_min")
    (('Volumetric BMD by QCT, lumbar spine', 'mg/cm³'), ('Lowest T-score', ''))
    """
    of_class = {
        "bone_class": said("Class by the definition"),
        "t_score_min": said("Lowest T-score"),
        "z_score_min": said("Lowest Z-score"),
    }
    if name in of_class:
        return of_class[name], ""
    plain = name.removesuffix(BY_RULE)
    if plain in codebook():
        return _of_codebook(plain)
    return _of_score(name) or word(name), ""


def _of_codebook(name: str) -> tuple[str, str]:
    variable = codebook()[name]
    own = variable.label_zh if language() == "zh" else variable.label
    # A label of its own goes before the word of the code, and that before the whole meaning.
    is_meaning = variable.label == variable.meaning.partition(";")[0]
    label = word(name) if name in WORDS and is_meaning else own
    return label, "" if variable.unit in NO_UNITS else _unit(str(variable.unit), name)


def _unit(unit: str, name: str) -> str:
    if unit != "years":
        return printed_unit(unit)
    # A duration and an age are counted in different words in Chinese.
    is_age = name in IN_YEARS_OF_AGE or language() == "en"
    return said("years") if is_age else said("years (duration)")


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
