"""The maker of the scanners against the maker on whose scale the reference lies.

The same spine reads about a tenth higher on a GE Lunar than on a Hologic: a density of one maker
scored on the young adults of another is wrong by about one SD.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import polars as pl

from osteo_epi.cohort import codebook
from osteo_epi.engines import totals
from osteo_epi.findings import Finding, Severity
from osteo_epi.frames import Frame, as_polars
from osteo_epi.norms import AgeReference, YoungAdultReference
from osteo_epi.rounding import counted

CODE = "reference_maker"
NAMES = {"hologic": "Hologic", "lunar": "GE Lunar", "norland": "Norland"}
"""Makers of DXA whose scales are known apart; every other word says nothing."""
# Where a frame says on whose scale its densities lie, the strongest statement first.
COLUMNS = ("calibrated_to", "device_maker", "device")
_TOKEN = re.compile(r"[a-z]+")


def maker_in(text: str | None) -> str | None:
    """The maker that a text names, by the codebook's words; None where it names none.

    Examples
    --------
    >>> maker_in("GE Lunar iDXA"), maker_in("lunar_2"), maker_in("豪洛捷 Discovery A")
    ('lunar', 'lunar', 'hologic')
    >>> maker_in("other") is maker_in("unknown") is maker_in("General hospital") is None
    True
    """
    if text is None:
        return None
    low = text.lower()
    tokens = set(_TOKEN.findall(low))
    for word, maker in codebook()["device_maker"].words.items():
        if maker in NAMES and (word in tokens if word.isascii() else word in low):
            return maker
    return None


def stated_makers(people: Any) -> tuple[str, ...]:
    """The makers that people name, of those whose scales are known apart.

    Parameters
    ----------
    people
        Any frame; of each row the first of calibrated_to, device_maker and device that is filled
        is read. Where there are areal densities (`abmd_…`), people without any name no maker.

    Examples
    --------
    >>> stated_makers(pl.DataFrame({"device_maker": ["hologic", None, "GE Lunar"]}))
    ('hologic', 'lunar')
    >>> stated_makers(pl.DataFrame({"age": [61.0]}))
    ()
    """
    frame = as_polars(people)[0].lazy()
    columns = [name for name in COLUMNS if name in frame.collect_schema()]
    if not columns:
        return ()
    densities = [name for name in frame.collect_schema() if name.startswith("abmd_")]
    if densities:
        frame = frame.filter(pl.any_horizontal(pl.col(densities).is_not_null()))
    text = pl.coalesce(pl.col(name).cast(pl.String) for name in columns).alias("text")
    named = totals(frame, [text], sums=[pl.len().alias("n")])["text"]
    return tuple(sorted({maker for word in named if (maker := maker_in(word))}))


def maker_findings(
    frame: Frame,
    measured: pl.Expr,
    references: tuple[YoungAdultReference | AgeReference, ...],
) -> Iterator[Finding]:
    """Compare the makers of the densities with those of the references.

    Parameters
    ----------
    frame
        The people.
    measured
        Whether a person has a density by DXA that is to be scored.
    references
        Young adults, people of the same age: those whose maker is known are compared.
    """
    columns = [name for name in COLUMNS if name in frame.collect_schema()]
    levels = [(norm, level) for norm in references if (level := _level(norm))]
    if not columns or not levels:
        return
    text = pl.coalesce(pl.col(name).cast(pl.String) for name in columns)
    words = totals(frame.lazy().filter(measured), [text.alias("text")], sums=[pl.len().alias("n")])
    makers = {
        word: (maker, n) for word, n in words.sort("text").rows() if (maker := maker_in(word))
    }
    for norm, level in levels:
        others = {word: n for word, (maker, n) in makers.items() if maker != level}
        if others:
            theirs = sorted({makers[word][0] for word in others})
            where = measured & text.is_in(list(others))
            yield _contradiction(norm, theirs, sum(others.values()), columns, where)


def _contradiction(
    norm: YoungAdultReference | AgeReference,
    theirs: list[str],
    n: int,
    columns: list[str],
    where: pl.Expr,
) -> Finding:
    young = isinstance(norm, YoungAdultReference)
    # No Z-score makes osteoporosis: there the reader is told and not stopped.
    severity: Severity = "error" if young else "warning"
    message = (
        f"{counted(n, 'row')} with densities of {' and '.join(NAMES[name] for name in theirs)}, "
        f"and the reference {norm.id} {_of(norm)}: makers' densities are not comparable"
    )
    return Finding(CODE, severity, ", ".join(columns), n, message, _fix(norm), where, norm.id)


def _fix(norm: YoungAdultReference | AgeReference) -> str:
    level = _level(norm)
    if isinstance(norm, AgeReference):
        choice = "choose an age_reference= (--age-reference) of the densities' maker"
    else:
        choice = (
            "choose a reference= (--reference) of the densities' maker, or own_young_adults, or "
            "reported for the file's own T-scores"
        )
    return (
        f"{choice}; or bring the densities to the reference's scale in Python, with "
        f'osteo_epi.calibration.with_maker_scale(people, maker="{level}"), which takes the '
        "equations of the norm calibration/sbmd_hui_1997 and reads the column device_maker"
    )


def _level(norm: YoungAdultReference | AgeReference) -> str | None:
    """The maker on whose scale a reference lies: the stated one, else the evident one."""
    return maker_in(norm.maker) or maker_in(getattr(norm, "maker_level", ""))


def _of(norm: YoungAdultReference | AgeReference) -> str:
    name = NAMES[_level(norm) or ""]
    if isinstance(norm, AgeReference) or maker_in(norm.maker):
        return f"is of {name}"
    return f"lies on the level of {name} (its maker is not stated; grade {norm.maker_grade})"
