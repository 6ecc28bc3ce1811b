"""What a simulated cohort is drawn from, and how; `cohort.simulate` draws one and labels it."""

from osteo_epi.cohort.simulation._devices import lines
from osteo_epi.cohort.simulation._profile import NO_WORD, SEXES, VERTEBRAE, Columns, Profile
from osteo_epi.cohort.simulation._simulate import (
    PROFILE,
    STREAMS,
    as_frame,
    draw,
    draw_measurements,
)

__all__ = [
    "NO_WORD",
    "PROFILE",
    "SEXES",
    "STREAMS",
    "VERTEBRAE",
    "Columns",
    "Profile",
    "as_frame",
    "draw",
    "draw_measurements",
    "lines",
]
