"""Screening results as columns: indices by their norms, other methods by a cut-off that is stated.

A screening result says who should be measured. It is no class of bone, and nothing here writes one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from osteo_epi.arguments import distinct_words, is_a, names_in, true_or_false
from osteo_epi.cohort import refuse_foreign, screening_method
from osteo_epi.errors import DefinitionError, NormError, SchemaError
from osteo_epi.frames import as_polars, of_queries
from osteo_epi.norms import READING_TOLERANCE, Index, Interval, load
from osteo_epi.risk._shares import in_percent
from osteo_epi.risk.screening._index import Black, index_score, truncated

RESULT = pl.Enum(["screen_negative", "screen_positive"])
_READ = ("age", "weight")
"""Quantities of all indices; answers are read, or refused, where they are taken in."""
CutOffs = Mapping[str, str] | None


@of_queries
def with_screening(
    people: Any,
    *,
    index: str | Sequence[str] = (),
    cut_offs: CutOffs = None,
    truncate: bool = False,
    black: Black = None,
    folder: str | None = None,
) -> Any:
    """Add screening results to a frame; none of them is a diagnosis.

    Parameters
    ----------
    people
        Any frame with the columns that the indices read: `age` [years] and `weight` [kg], and of
        ORAI `oestrogen_current`, of SCORE `oestrogen_ever`, `rheumatoid_arthritis`,
        `n_fractures_after_45` and, unless `black=[]`, `race_ethnicity`.
    index
        Index norms, one or several: "osta", "orai", "score", or a user's own.
    cut_offs
        Column of a screening method (peripheral DXA or QCT, ultrasound, output of FRAX) to the
        interval that screens positive, as ``{"qus_t_score": "(-inf, -1.8]"}``. None of them has
        one of its own: a cut-off belongs to the device and the people.
    truncate
        Whether the score of a formula (OSTA) is truncated to an integer towards 0 before it is
        classed, as some implementations do; the default is the formula as printed.
    black
        Classes of `race_ethnicity` that SCORE counts as Black; [] where nobody is.
    folder
        A user's own folder of norms.

    Returns
    -------
    frame
        Of the kind that came, with `<index>` (the score) and `<index>_class`, and
        `<column>_screen` ("screen_negative", "screen_positive"). Null where a part is missing.
        Columns that have these names already are written over.

    Raises
    ------
    SchemaError
        If a column is absent or of another kind, or is one of a method that diagnoses.
    NormError
        If there is no such index, or a cut-off is no interval.
    DefinitionError
        If nothing screens, or a cut-off of a column in percent is written as a share.

    Notes
    -----
    Koh et al. 2001 (OSTA), Cadarette et al. 2000 (ORAI), Lydick et al. 1998 (SCORE), made for women
    after menopause; the numbers stand in `norms.load("indices", …)`. Rule 21 of the consensus: such
    methods screen and never diagnose, doi 10.21037/qims-2020-16.

    Examples
    --------
    >>> people = pl.DataFrame({"age": [72.0, 61.0, 55.0], "weight": [48.0, 58.0, None]})
    >>> with_screening(people, index="osta").select(pl.col("osta").round(1), "osta_class").rows()
    [(-4.8, 'high'), (-0.6, 'low'), (None, None)]
    """
    true_or_false(truncate=truncate)
    norms = index_norms(index or (), folder)
    if cut_offs is not None:
        is_a(cut_offs, "cut_offs", Mapping, 'columns to intervals, as {"qus_t_score": "…"}')
        names_in(cut_offs, "cut_offs", "columns by name")
    if not norms and not cut_offs:
        raise DefinitionError(
            'say what screens: index="osta" (or several), or cut_offs={"qus_t_score": "…"}'
        )
    frame, restore = as_polars(people)
    schema = dict(frame.collect_schema())
    refuse_foreign(people, [*_READ, *(cut_offs or {})])
    columns = []
    for norm in norms:
        score = index_score(norm, schema, black=black)
        if truncate and "formula" in norm.data:
            score = truncated(score)
        columns += [score.alias(norm.id), _class(norm, score).alias(f"{norm.id}_class")]
    columns += [screened(column, text, schema) for column, text in (cut_offs or {}).items()]
    return restore(frame.with_columns(columns))


def with_answers_counted(
    people: Any, *, answers: Sequence[str], name: str = "iof_one_minute"
) -> Any:
    """Count the answers yes of a questionnaire, such as the IOF one-minute test.

    Parameters
    ----------
    people
        Any frame.
    answers
        Its columns of true and false, one a question.
    name
        What the columns that are added begin with.

    Returns
    -------
    frame
        Of the kind that came, with `<name>_yes` (answers yes), `<name>_answered`, and `<name>`:
        true where one answer is yes, false where all are no, null where none is yes and one is
        missing.

    Raises
    ------
    SchemaError
        If a column is absent, or holds something else than true and false.

    Examples
    --------
    >>> people = pl.DataFrame({"q1": [True, False, None], "q2": [None, False, False]})
    >>> with_answers_counted(people, answers=["q1", "q2"]).select(pl.last()).to_series().to_list()
    [True, False, None]
    """
    distinct_words(answers, "answers", 'answers=["q1", "q2"]', of="columns")
    frame, restore = as_polars(people)
    schema = frame.collect_schema()
    added = (f"{name}_yes", f"{name}_answered", name)
    lost = [column for column in answers if column in added]
    if lost:
        raise DefinitionError(
            f"name={name!r} would write over the answer {', '.join(lost)}; take another name"
        )
    absent = [column for column in answers if column not in schema]
    if absent:
        raise SchemaError(f"column(s) {', '.join(absent)}, named as answers=, are not in the data")
    other = [column for column in answers if schema[column] != pl.Boolean]
    if other:
        raise SchemaError(
            f"column {other[0]} is {schema[other[0]]}; expected true or false of each answer: "
            "make it so first, as with pl.col(…) == 1"
        )
    columns = [pl.col(column) for column in answers]
    return restore(
        frame.with_columns(
            pl.sum_horizontal(columns).cast(pl.Int64).alias(f"{name}_yes"),
            pl.sum_horizontal(c.is_not_null() for c in columns)
            .cast(pl.Int64)
            .alias(f"{name}_answered"),
            pl.any_horizontal(columns).alias(name),
        )
    )


def index_norms(index: str | Sequence[str], folder: str | None) -> list[Index]:
    """Index norms by their names, each of a direction."""
    names = names_in(index, "index", 'index=["osta", "orai"]')
    if names:
        distinct_words(names, "index", 'index=["osta", "orai"]', of="indices")
    norms = [load("indices", name, folder=folder) for name in names]
    for norm in norms:
        if norm.data.get("direction") not in ("low", "high"):
            raise NormError(
                f"{norm.id} says nothing of where the risk is, so it is no index that screens; "
                'an index has direction = "low" or "high" in its file'
            )
    return norms


def screened(column: str, text: str, schema: Mapping[str, Any]) -> pl.Expr:
    """Result of a screening method by a stated interval."""
    if screening_method(column) is None:
        raise SchemaError(
            f"{column} is no column of a screening method (peripheral DXA or QCT, ultrasound, "
            "FRAX): what may diagnose is classed by a definition, see osteo_epi.classify"
        )
    if column not in schema:
        raise SchemaError(f"column {column}, named in cut_offs=, is not in the data")
    if not schema[column].is_numeric():
        raise SchemaError(f"column {column} is {schema[column]}; expected numbers")
    try:
        interval = Interval.parse(text)
    except NormError as error:
        raise NormError(f"cut_offs, {column}: {error}") from error
    _refuse_share(column, text, interval)
    inside = interval.expression(pl.col(column).cast(pl.Float64), tolerance=READING_TOLERANCE)
    words = pl.when(inside).then(pl.lit(RESULT.categories[1])).otherwise(
        pl.when(~inside).then(pl.lit(RESULT.categories[0]))
    )  # fmt: skip
    return words.cast(RESULT).alias(f"{column}_screen")


def _refuse_share(column: str, text: str, interval: Interval) -> None:
    """Refuse a cut-off that is a share where the column is in percent."""
    ends = [end for end in (interval.lower, interval.upper) if math.isfinite(end) and end != 0]
    if ends and in_percent(column) and max(ends) <= 1:
        raise DefinitionError(
            f"cut_offs, {column}: {text} is for shares, and the codebook has the column in "
            'percent: write "[20, inf)" for 20 %; to cut at 1 % or less, give the column a name '
            f"of its own ({column}_percent)"
        )


def _class(norm: Index, score: pl.Expr) -> pl.Expr:
    return norm.bands["all"].expression(score)
