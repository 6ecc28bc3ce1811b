"""How far a curve could be off: limits by the delta method, by bootstrap, by replicate weights."""

from osteo_epi.reference.uncertainty._bands import Bands, bands

__all__ = ["Bands", "bands"]
