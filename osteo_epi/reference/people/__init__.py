"""Who is a reference person: declared exclusions, what each does, outliers, balance."""

from osteo_epi.reference.people._balance import Balance, balance, check_reference_people
from osteo_epi.reference.people._heaping import Heaping, whipple
from osteo_epi.reference.people._outliers import Outliers, outliers
from osteo_epi.reference.people._rules import Rule, read_rules
from osteo_epi.reference.people._select import Selection, select
from osteo_epi.reference.people._sensitivity import Sensitivity, sensitivity

__all__ = [
    "Balance",
    "Heaping",
    "Outliers",
    "Rule",
    "Selection",
    "Sensitivity",
    "balance",
    "check_reference_people",
    "outliers",
    "read_rules",
    "select",
    "sensitivity",
    "whipple",
]
