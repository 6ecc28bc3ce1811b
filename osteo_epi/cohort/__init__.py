"""The door: from a messy file to one clean frame of people, with what was noticed on the way.

Its folders are called `readers`, `conform`, `checks` and `simulation`, because one called `read`,
`check` or `simulate` would hide the function of that name.
"""

from osteo_epi.cohort._acceptance import (
    IMPLAUSIBLE,
    WAY_OUT,
    acceptance_notes,
    checked_people,
    refusal,
    refuse_errors,
    refuse_foreign,
    watched,
)
from osteo_epi.cohort._codebook import Codebook, codebook
from osteo_epi.cohort._design import (
    EQUAL,
    SRS,
    RecognisedDesign,
    recognised_design,
    recognised_weight,
)
from osteo_epi.cohort._faults import Faults
from osteo_epi.cohort._flow import Flow, Gate
from osteo_epi.cohort._identifying import without_identity
from osteo_epi.cohort._people import SAYS_SIMULATED, Cohort, Source, is_simulated, says_simulated
from osteo_epi.cohort._read import columns_promised, read, read_gathering, strangers_promised
from osteo_epi.cohort._repeats import one_row_a_person
from osteo_epi.cohort._screening import screening_method
from osteo_epi.cohort.checks._check import OF_ALL, OF_ROWS, check, check_of_all
from osteo_epi.cohort.checks._repeats import (
    beyond_chance,
    has_identifiers,
    identical_rows,
    measured,
    near_identical_rows,
    of_one_scan,
    places,
    zeros_in_front,
)
from osteo_epi.cohort.collection import (
    Collection,
    OneFile,
    Shape,
    collected,
    common_type,
    drift,
    files_named,
    in_type,
    long_numbers,
    merged,
    names_of_people,
    table_size,
    units_suspected,
)
from osteo_epi.cohort.conform._columns import column_of, columns_stated
from osteo_epi.cohort.conform._headings import as_map, meant_by
from osteo_epi.cohort.conform._numbers import is_missing_word
from osteo_epi.cohort.conform._plausible import AS_GIVEN
from osteo_epi.cohort.conform.keeping import FILE, WORKING, as_the_files, is_written, names_a_person
from osteo_epi.cohort.readers._binary import columns_stored, row_groups
from osteo_epi.cohort.readers._raw import NoRowsError
from osteo_epi.cohort.simulation._simulate import simulate, simulate_phantom

__all__ = [
    "AS_GIVEN",
    "EQUAL",
    "FILE",
    "IMPLAUSIBLE",
    "OF_ALL",
    "OF_ROWS",
    "SAYS_SIMULATED",
    "SRS",
    "WAY_OUT",
    "WORKING",
    "Codebook",
    "Cohort",
    "Collection",
    "Faults",
    "Flow",
    "Gate",
    "NoRowsError",
    "OneFile",
    "RecognisedDesign",
    "Shape",
    "Source",
    "acceptance_notes",
    "as_map",
    "as_the_files",
    "beyond_chance",
    "check",
    "check_of_all",
    "checked_people",
    "codebook",
    "collected",
    "column_of",
    "columns_promised",
    "columns_stated",
    "columns_stored",
    "common_type",
    "drift",
    "files_named",
    "has_identifiers",
    "identical_rows",
    "in_type",
    "is_missing_word",
    "is_simulated",
    "is_written",
    "long_numbers",
    "meant_by",
    "measured",
    "merged",
    "names_a_person",
    "names_of_people",
    "near_identical_rows",
    "of_one_scan",
    "one_row_a_person",
    "places",
    "read",
    "read_gathering",
    "recognised_design",
    "recognised_weight",
    "refusal",
    "refuse_errors",
    "refuse_foreign",
    "row_groups",
    "says_simulated",
    "screening_method",
    "simulate",
    "simulate_phantom",
    "strangers_promised",
    "table_size",
    "units_suspected",
    "watched",
    "without_identity",
    "zeros_in_front",
]


def __dir__() -> list[str]:
    return sorted(__all__)
