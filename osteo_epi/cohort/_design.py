"""The survey design that a cohort brings along: its weights, strata and sampling units, by name.

One rule for every estimate: the columns of the codebook where they hold values, else a simple
random sample. Half a design is refused: clusters with equal weights describe no population.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from osteo_epi.engines import first_rows, from_first_rows, totals
from osteo_epi.errors import DesignError
from osteo_epi.frames import Frame, as_polars

if TYPE_CHECKING:
    from osteo_epi.survey import Design

SRS = "srs"
"""Says of a design that people are a simple random sample, whatever columns the data hold."""
EQUAL = "equal"
"""Says of weights that everybody counts alike, whatever columns the data hold."""
DESIGN_COLUMNS = {"weight": "survey_weight", "stratum": "stratum", "psu": "psu"}
OPTIONS = "(--no-design)"
FIRST_ROWS = 10_000
"""Rows that are looked at before everybody is asked whether a column holds a value."""
_WORDS = {
    "weight": "weights",
    "stratum": "strata",
    "psu": "sampling units",
    "replicate": "replicate weights",
    "probability": "probabilities of being sampled",
    "fpc": "the size of a finite population",
}
# What surveys call such columns: wt_itvex, pweight, sampling_wgt; kstrata; sdmvpsu, cluster_id;
# in Latin America ponderador, factor de expansión; estrato; conglomerado, upm.
_NAMES = {
    "weight": re.compile(
        r"weight|wgt|(^|_)(wt|wts|pw|w)(_|\d|$)|^wt(mec|int|dr|ex|itv)|权重|权数"
        r"|ponder|expansi"
    ),
    "stratum": re.compile(r"strat|(^|_)str(_|$)|分层|抽样层|(^|_)层(号|_|$)"),
    "psu": re.compile(
        r"psu|(^|_)clust(er)?(_|\d|$|id)|抽样单[位元]|整群|conglomerad|(^|_)upm(_|$)"
    ),
}
# repwt1 …, brr_1, jkw1, bsw1, boot_wt1, wtpqrp1, rw1; and what is no part of a design by itself.
_REPLICATE = re.compile(
    r"rep(l(icate)?)?[_.]?w[a-z]*[_.]?\d+$|(^|_|w|wt|wgt|weight)_?(brr|jk[n1]?w?|jack[a-z]*|bsw[a-z]*"
    r"|boot[a-z]*|fay|rep|rp)([_.]?w[a-z]*)?[_.]?\d+$|^rw[_.]?\d+$|^wtpqrp\d+$"
)
_FEWEST = 4
"""Columns of replicate weights that are more than measurements taken again."""
_PROBABILITY = re.compile(
    r"(sampl|select|inclu)\w*[_. ]?(prob|fraction|rate)|(抽样|入样|抽取)(概率|比|率)|抽样分数"
)
_POPULATION = re.compile(r"(^|_)fpc(_|\d|$)|pop(ulation)?[_. ]?(size|total)|总体(规模|大小|数)")
# A name that says so is believed; a bare "weight" or "wt" may be that of the body.
_OF_THEBODY = re.compile(r"birth|body|kg|gain|loss|change|体重")
_SAMPLING = re.compile(
    r"surv|sampl|design|final|pweight|itv|mec|int|exam|ex$|post|calib|rake|权|ponder|expansi"
)
BODY = (20.0, 250.0)
"""[kg] Where the middle of a column of body weights lies."""


@dataclass(frozen=True)
class RecognisedDesign:
    """A survey design, and what a reader has to know of where it comes from.

    Parameters
    ----------
    design
        Of units or of replicate weights.
    notes
        In sentences; none where the design was stated in full.
    """

    design: Design
    notes: tuple[str, ...] = ()


def recognised_design(
    people: Any,
    design: Design | str | None = None,
    *,
    weight: str | None = None,
    stratum: str | None = None,
    psu: str | None = None,
    lonely: str = "fail",
) -> RecognisedDesign:
    """The survey design of a cohort: as stated, else by the codebook's columns that hold values.

    Parameters
    ----------
    people
        Any frame.
    design
        A design, which is taken as it is; "srs" for a simple random sample whatever the columns;
        None for the columns survey_weight, stratum and psu where they hold values.
    weight, stratum, psu
        Columns stated instead of those of the codebook, each for itself; weight="equal" for equal
        weights whatever the columns.
    lonely
        What a stratum with one unit contributes, see `SurveyDesign`.

    Returns
    -------
    RecognisedDesign

    Raises
    ------
    DesignError
        If `design` is another word, or the data hold half a design: strata or units without
        weights, or columns that look like weights and strata (or units) under names that the
        codebook does not know. The message lists the columns and what to say.

    Examples
    --------
    >>> people = pl.DataFrame({"age": [61.0, 70.0], "survey_weight": [900.0, 1100.0]})
    >>> print(recognised_design(people).design)
    weights survey_weight
    >>> print(recognised_design(people, "srs").design)
    simple random sample
    """
    from osteo_epi.survey import (  # reading a file needs no survey statistics
        ReplicateDesign,
        SurveyDesign,
    )

    if isinstance(design, str) and design != SRS:
        raise DesignError(f"design must be a SurveyDesign, {SRS!r} or None, not {design!r}")
    if isinstance(design, str):
        return RecognisedDesign(SurveyDesign(lonely=lonely))
    if design is not None:
        if not isinstance(design, (SurveyDesign, ReplicateDesign)):
            raise DesignError(
                f"design is a {type(design).__name__}; expected a SurveyDesign or ReplicateDesign "
                f"(osteo_epi.survey), {SRS!r} or None"
            )
        return RecognisedDesign(design)
    frame, _ = as_polars(people)
    stated = {"weight": weight, "stratum": stratum, "psu": psu}
    columns = _held(frame, stated)
    if weight == EQUAL:
        columns["weight"], stated["weight"], notes = None, None, []
    else:
        notes = _refuse_half(frame, columns, stated)
        notes += [] if any(stated.values()) else _unused(frame, columns)
    chosen = SurveyDesign(columns["weight"], columns["stratum"], columns["psu"], lonely=lonely)
    by_name = [column for part, column in columns.items() if column and not stated[part]]
    if by_name:
        notes.insert(
            0,
            f"survey design recognised by the columns' names ({', '.join(by_name)}); "
            f'design="{SRS}" {OPTIONS} takes a simple random sample instead',
        )
    return RecognisedDesign(chosen, tuple(notes))


def recognised_weight(people: Any, weight: str | None = None) -> str | None:
    """The column of weights of a cohort, or None for equal weights.

    Parameters
    ----------
    people
        Any frame.
    weight
        A column, which is taken as it is; "equal" for equal weights; None for survey_weight where
        it holds values.

    Raises
    ------
    DesignError
        If the data hold half a design, see `recognised_design`.

    Examples
    --------
    >>> people = pl.DataFrame({"age": [25.0, 31.0], "survey_weight": [900.0, 1100.0]})
    >>> recognised_weight(people), recognised_weight(people, "equal")
    ('survey_weight', None)
    """
    if weight is not None:
        return None if weight == EQUAL else weight
    frame, _ = as_polars(people)
    columns = _held(frame, {})
    _refuse_half(frame, columns, {}, by_weight=True)
    return columns["weight"]


def _held(frame: Frame, stated: Mapping[str, str | None]) -> dict[str, str | None]:
    """The column of each part of the design: the stated one, else the codebook's with values."""
    there = set(frame.collect_schema().names())
    asked = [c for part, c in DESIGN_COLUMNS.items() if c in there and not stated.get(part)]
    full = _with_values(frame, asked)
    return {
        part: stated.get(part) or (column if column in full else None)
        for part, column in DESIGN_COLUMNS.items()
    }


def _with_values(frame: Frame, names: list[str]) -> set[str]:
    """Columns that hold a value; everybody is asked only where the first rows hold none."""
    first = first_rows(frame.lazy().select(names), FIRST_ROWS) if names else pl.DataFrame()
    full = {name for name in names if first[name].count()}
    open_ = [name for name in names if name not in full]
    rest = totals(frame, largest=[pl.col(name).is_not_null().any() for name in open_])
    return full | {name for name in open_ if rest[name].any()}


def _refuse_half(
    frame: Frame,
    columns: Mapping[str, str | None],
    stated: Mapping[str, str | None],
    *,
    by_weight: bool = False,
) -> list[str]:
    """Refuse half a design; give notes about columns that may complete one.

    `by_weight`: whoever asks takes a column of weights and no design.
    """
    if all(columns.values()):
        return []
    alike = {part: _alike(frame, part) for part, column in columns.items() if not column}
    by_name = [column for part, column in columns.items() if column and not stated.get(part)]
    parts = [part for part in ("stratum", "psu") if alike.get(part)]
    if not columns["weight"]:
        unknown = not any(columns.values()) and alike["weight"] and parts
        if by_name or unknown:
            raise DesignError(_half(columns, alike, by_name, by_weight))
        parts = ["weight"] if not any(columns.values()) else []
    return [
        f"{_seen(alike[part], part)}, and nothing uses such a column until it is named: "
        f'design=SurveyDesign({part}="…", …) (--{part})'
        for part in parts
        if alike[part] and not any(stated.values())
    ]


def _half(
    columns: Mapping[str, str | None],
    alike: Mapping[str, Sequence[str]],
    by_name: Sequence[str],
    by_weight: bool,
) -> str:
    has = f"{', '.join(by_name)} without weights" if by_name else "no weights under a known name"
    seen = [_seen(names, part) for part, names in alike.items() if names]
    if not alike["weight"]:
        seen.append("no column looks like weights")
    named = {
        part: columns[part] or (alike[part][0] if len(alike[part]) == 1 else "…")
        for part in columns
        if columns[part] or alike[part] or part == "weight"
    }
    python = ", ".join(f'{part}="{column}"' for part, column in named.items())
    options = " ".join(f"--{part} {column}" for part, column in named.items())
    start = (
        f"half a survey design: the data hold {has}, and equal weights are not those of the "
        f"survey; {'; '.join(seen)}. "
    )
    if by_weight:
        return (
            f'{start}Name the column of weights with weight="{named["weight"]}", or rename it to '
            f'{DESIGN_COLUMNS["weight"]}; or say weight="{EQUAL}" for equal ones'
        )
    return (
        f"{start}Name its columns with design=SurveyDesign({python}) "
        f'({options}), or say design="{SRS}" {OPTIONS} for a simple random sample; for a '
        f'young-adult reference alone weight="…" or weight="{EQUAL}"'
    )


def _unused(frame: Frame, columns: Mapping[str, str | None]) -> list[str]:
    """Notes about numbers by which a design is stated, and which no name alone brings in."""
    numbers = [c for c, kind in frame.collect_schema().items() if kind.is_numeric()]
    replicates = [c for c in numbers if _REPLICATE.search(c.lower())]
    sampled = any(columns.values())
    found = (
        (
            replicates if replicates[_FEWEST - 1 :] else [],
            "replicate",
            "ReplicateDesign(…) in Python",
        ),
        (
            [c for c in numbers if not columns["weight"] and _PROBABILITY.search(c.lower())],
            "probability",
            'SurveyDesign(weight="…") of 1 / probability (--weight)',
        ),
        (
            [c for c in numbers if sampled and _POPULATION.search(c.lower())],
            "fpc",
            'SurveyDesign(fpc="…", …) in Python',
        ),
    )
    return [
        f"{_seen(names, what)}, and nothing uses such a column until it is named: design={how}"
        for names, what, how in found
        if names
    ]


def _seen(names: Sequence[str], part: str) -> str:
    some = ", ".join(names[:5]) + (" and more" if names[5:] else "")
    return f"{some} {'look' if names[1:] else 'looks'} like {_WORDS[part]}"


def _alike(frame: Frame, part: str) -> list[str]:
    """Columns whose name and values look like a part of a design."""
    schema = frame.collect_schema()
    names = [
        c
        for c, kind in schema.items()
        if c not in DESIGN_COLUMNS.values()
        and _NAMES[part].search(c.lower())
        and (kind.is_numeric() if part == "weight" else not kind.is_nested())
    ]
    test = _weighs if part == "weight" else _labels
    return [c for c in names if test(frame.lazy().select(x=pl.col(c)).drop_nulls(), c)]


def _weighs(values: pl.LazyFrame, name: str) -> bool:
    """Numbers of people: none below zero, not all the same, and not kilograms of body weight."""
    x = pl.col("x").cast(pl.Float64)
    moments = values.select(low=x.min(), kinds=x.n_unique(), middle=x.filter(x > 0).median())
    low, kinds, middle = from_first_rows(moments).row(0)
    if low is None or low < 0 or kinds < 2 or middle is None or _OF_THEBODY.search(name.lower()):
        return False
    if _SAMPLING.search(name.lower()):
        return True
    # Two values under a bare name are a flag.
    return kinds > 2 and not BODY[0] <= middle <= BODY[1]


def _labels(values: pl.LazyFrame, name: str) -> bool:
    """Labels that several people share."""
    n, kinds = from_first_rows(values.select(n=pl.len(), kinds=pl.col("x").n_unique())).row(0)
    return bool(2 <= kinds <= n / 2)
