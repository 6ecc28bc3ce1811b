"""What becomes of a column that is no variable: its name, and whether it is written of people."""

from osteo_epi.cohort.conform.keeping._file_names import (
    WORKING,
    as_the_files,
    is_own_name,
    is_written,
    left_as,
)
from osteo_epi.cohort.conform.keeping._personal import (
    FILE,
    PERSON,
    names_a_person,
    tells_of_a_person,
    tells_people_apart,
)

__all__ = [
    "FILE",
    "PERSON",
    "WORKING",
    "as_the_files",
    "is_own_name",
    "is_written",
    "left_as",
    "names_a_person",
    "tells_of_a_person",
    "tells_people_apart",
]
