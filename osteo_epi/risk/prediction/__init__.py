"""Prediction: the absolute risk of an event by a horizon, from a model, and its validation."""

from osteo_epi.risk.prediction._absolute import AbsoluteRisk, Followed

__all__ = ["AbsoluteRisk", "Followed"]
