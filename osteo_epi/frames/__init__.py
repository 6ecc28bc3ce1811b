"""Frames of every kind, how a function on people may be called, and the groups of its result."""

from osteo_epi.frames._calls import (
    Column,
    P,
    R,
    in_callers_kind,
    in_place_of,
    is_frame,
    on_people,
    ratings_given,
    refuse_other_rows,
    series_given,
    series_of,
)
from osteo_epi.frames._frames import (
    Frame,
    Kind,
    as_polars,
    in_kind,
    in_one_piece,
    kind_of,
    to_pandas,
)
from osteo_epi.frames._groups import (
    all_differ,
    group_label,
    grouping,
    in_natural_order,
    in_order,
    people_heading,
)

__all__ = [
    "Column",
    "Frame",
    "Kind",
    "P",
    "R",
    "all_differ",
    "as_polars",
    "group_label",
    "grouping",
    "in_callers_kind",
    "in_kind",
    "in_natural_order",
    "in_one_piece",
    "in_order",
    "in_place_of",
    "is_frame",
    "kind_of",
    "on_people",
    "people_heading",
    "ratings_given",
    "refuse_other_rows",
    "series_given",
    "series_of",
    "to_pandas",
]
