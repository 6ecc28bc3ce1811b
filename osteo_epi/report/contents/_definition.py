"""The definition, choice by choice: what its label says in codes, in words."""

from __future__ import annotations

import re

import polars as pl

from osteo_epi.language import CHOICE_VALUES, language, phrase, said, word
from osteo_epi.norms import reference_words
from osteo_epi.report._run import Run
from osteo_epi.tables import JournalTable

CHOICES = {
    r"reference (?P<reference>.+)": ("Young adults behind the T-scores", "{reference}"),
    r"age reference (?P<by_age>.+)": ("People behind the Z-scores", "{by_age}"),
    r"CTXA reference (?P<reference>.+)": ("Young adults behind T-scores by CTXA", "{reference}"),
    r"CTXA on means of DXA": ("Young adults behind T-scores by CTXA", "those measured by DXA"),
    r"sex rule (?P<value>.+)": ("Sex of the young adults", "{value}"),
    r"regions required all": (
        "Regions required",
        "each region named, unless its site is stated to be unusable",
    ),
    r"regions required any": ("Regions required", "one region of a site is enough"),
    r"regions (?P<parts>.+)": ("Regions read", "{parts}"),
    r"spine (?P<value>.+)": ("Rule of the lumbar spine", "{value}"),
    r"evidence (?P<parts>.+)": ("Evidence", "{parts}"),
    r"hip side lowest": ("Which of two hips", "the lower one"),
    r"hip side left": ("Which of two hips", "the left one"),
    r"hip side right": ("Which of two hips", "the right one"),
    r"hip side mean": ("Which of two hips", "the mean of both"),
    r"(?P<roi>\w+) when_unusable": (
        "When the radius stands in",
        "{roi}, where one site is stated to be unusable",
    ),
    r"(?P<roi>\w+) when_missing": (
        "When the radius stands in",
        "{roi}, where one site was not measured",
    ),
    r"menopause unknown by_age": ("Menopause not stated", "taken from age"),
    r"menopause unknown unknown": ("Menopause not stated", "such women are not classified"),
    r"Genant from (?P<grade>\d), end-plates when_stated": (
        "Vertebral fracture",
        "from Genant grade {grade}; an end-plate or cortical fracture decides where it is stated",
    ),
    r"Genant from (?P<grade>\d), end-plates required": (
        "Vertebral fracture",
        "from Genant grade {grade} with an end-plate or cortical fracture",
    ),
    r"Genant from (?P<grade>\d), end-plates ignored": (
        "Vertebral fracture",
        "from Genant grade {grade}, whatever is stated of end-plates",
    ),
    r"open fractures not_established": (
        "Incomplete fracture record",
        "taken as no fragility fracture",
    ),
    r"open fractures established": ("Incomplete fracture record", "taken as a fragility fracture"),
    r"open fractures unknown": ("Incomplete fracture record", "taken as unknown"),
}
"""Form of a choice in a definition's label to its name and its value in words."""


def choices_table(run: Run) -> JournalTable:
    """Every choice of the definition and the limits of its classes, a row each."""
    facts = run.manifest["definition"]
    criterion, *parts = facts["label"].split("; ")
    limits = facts["classes"].get(language(), "")
    rows = [(said("Criterion"), reference_words(criterion)), *map(_choice, parts)]
    rows += [(said("Classes"), limits)] if limits else []
    return JournalTable(
        title=said("The definition, choice by choice"),
        columns=(said("Choice"), said("Value")),
        rows=tuple(rows),
        sections=("",) * len(rows),
        notes=(),
        values=pl.DataFrame(rows, schema=["choice", "value"], orient="row"),
        align=("left", "left"),
    )


def _choice(part: str) -> tuple[str, str]:
    for form, (name, words) in CHOICES.items():
        if match := re.fullmatch(form, part):
            values = {key: _value(key, value) for key, value in match.groupdict().items()}
            return said(name), said(words, **values)
    return said("Choice"), part


def _value(kind: str, value: str) -> str:
    """A value of a choice in words."""
    if kind in ("reference", "by_age"):
        return reference_words(value, kind="by_age" if kind == "by_age" else "young_adult")
    if kind == "parts" and value not in CHOICE_VALUES:
        names = [phrase(name) for name in value.split("+")]
        return said(", ").join(n if n[1:2].isupper() else n[:1].lower() + n[1:] for n in names)
    if value in CHOICE_VALUES:
        return said(CHOICE_VALUES[value])
    return word(value)
