"""Discrimination: whether those who have the event had the higher risk, and how near it was."""

from osteo_epi.risk.discrimination._horizons import Horizon
from osteo_epi.risk.discrimination._ranking import Ranking
from osteo_epi.risk.discrimination._weights import censoring_weights

__all__ = ["Horizon", "Ranking", "censoring_weights"]
