"""What checks ask of people, wherever they stand: all that is asked at once in one pass of sums."""

from osteo_epi.questions._questions import (
    LOOK,
    Asking,
    People,
    asked,
    grains,
    grouped,
    many_values,
    rows,
    together,
    value_counts,
)

__all__ = [
    "LOOK",
    "Asking",
    "People",
    "asked",
    "grains",
    "grouped",
    "many_values",
    "rows",
    "together",
    "value_counts",
]


def __dir__() -> list[str]:
    return sorted(__all__)
