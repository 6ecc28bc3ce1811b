"""Two references compared: cut-offs, classes, who moves, prevalence, agreement of the scores."""

from osteo_epi.reference.comparison._compare import Comparison, compare
from osteo_epi.reference.comparison._people import WeightedKappa

__all__ = ["Comparison", "WeightedKappa", "compare"]
