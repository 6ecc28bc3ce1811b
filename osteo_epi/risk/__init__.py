"""Risk: what a density, or a risk score, says of fractures to come."""

from osteo_epi.risk._follow_up import FollowUp, follow_up

__all__ = ["FollowUp", "follow_up"]
