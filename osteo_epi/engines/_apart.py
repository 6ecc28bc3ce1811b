"""Whether a query takes each person alone, so that parts of the people can be asked one by one."""

from __future__ import annotations

import re

import polars as pl

from osteo_epi.engines._source import Source
from osteo_epi.errors import EngineError

_APART = re.compile(r'\.repeat\(\[col\("[^"]*"\)\.len\(\)\]\)|"[^"]*"|Series\[\w*\]\.gather')
"""One value for everybody, names and words, and the look up of a line in a table of ours."""
_TOGETHER = re.compile(
    r"\b(SORT|UNIQUE|SLICE|AGGREGATE|JOIN|ROW INDEX|UNION|EXPLODE)\b|"
    # Of a list, a text or a date they are of one person.
    r"(?<!\.list)(?<!\.str)(?<!\.dt)(?<!\.arr)\.(over|shift|diff|pct_change|cum_\w+|rank|rolling\w*|"
    r"ewm\w*|mean|median|std|var|quantile|first|last|item|sum|max|min|count|n_unique|unique\w*|"
    r"mode|value_counts|reverse|shuffle|sort\w*|top_k\w*|bottom_k\w*|arg_\w+|gather\w*|slice|head|"
    r"tail|filter|drop_n\w+|is_unique|is_duplicated|is_first_distinct|is_last_distinct|has_nulls|"
    r"interpolate\w*|fill_null_with_strategy|qcut|hist|rle\w*|peak_\w+|explode|"
    r"any|all|any_ignore_nulls|all_ignore_nulls|len|null_count|is_empty|is_sorted|approx_n_unique|"
    r"get|implode|index_of|search_sorted|sample|min_by|max_by|nan_min|nan_max|product|skew|"
    r"kurtosis|entropy|covariance|\w+_correlation|bitwise_(?:and|or|xor)|cumulative_eval|"
    r"extend_constant|concat_expr|reshape|bin_(?:quantiles|ranks))\(|"
    r"(?<![\w.])len\(\)"
)
"""What takes rows together, as Polars writes a plan down."""


def refuse_together(query: pl.LazyFrame, source: Source) -> pl.LazyFrame:
    """Give back a query of which each row comes of one row.

    Raises
    ------
    EngineError
        If it takes rows together, such as the visits of a person: in parts it would take those
        that happen to stand in one part, and give other numbers without a word.

    Examples
    --------
    >>> people = pl.LazyFrame({"person_id": ["a", "a"], "bmd": [0.8, 0.7]})
    >>> refuse_together(people.with_columns(pl.col("bmd") * 1.1), None) is not None
    True
    """
    plan = _APART.sub("", query.explain(optimized=False))
    if _TOGETHER.search(plan):
        raise EngineError(
            "this takes several rows together, such as the visits of a person, and those of "
            f"{source.name} stand in parts. Bring the columns that it needs over yourself, with "
            f"{source.way_over}; or put all rows of a person into one part and call it on each part"
        )
    return query
