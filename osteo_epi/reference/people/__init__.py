"""Who is a reference person: declared exclusions, what each does, outliers, balance."""

from osteo_epi.reference.people._balance import Balance, balance, check_reference_people
from osteo_epi.reference.people._heaping import Heaping, whipple
from osteo_epi.reference.people._rules import Rule, read_rules
from osteo_epi.reference.people._select import Selection, select

__all__ = [
    "Balance",
    "Heaping",
    "Rule",
    "Selection",
    "balance",
    "check_reference_people",
    "read_rules",
    "select",
    "whipple",
]
