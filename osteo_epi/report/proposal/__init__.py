"""What a file lacks for a run, said all at once, and the command that is proposed for it."""

from osteo_epi.report.proposal._needs import (
    check_choices,
    check_headings,
    check_people,
    checked,
    is_quick,
    readings_of,
    refuse_other_ages,
    stops,
    unjudged,
)
from osteo_epi.report.proposal._proposal import Proposal, propose

__all__ = [
    "Proposal",
    "check_choices",
    "check_headings",
    "check_people",
    "checked",
    "is_quick",
    "propose",
    "readings_of",
    "refuse_other_ages",
    "stops",
    "unjudged",
]
