"""The scores [SD] at which classes end, as the published criteria have them.

What has no definition of its own (ways to choose young adults, plans of a sample, limits of a
curve) shows its densities at these.
"""

from __future__ import annotations

from osteo_epi.norms import load

_WHO, _ISCD = (load("criteria", name) for name in ("who_1994", "iscd_2019"))
assert _ISCD.z_score is not None, "ISCD judges by the Z-score"

T_OSTEOPOROSIS: float = _WHO.t_score["osteoporosis"].upper
"""T-score of the highest density with osteoporosis."""
T_LOW_BONE_MASS: float = _WHO.t_score["low_bone_mass"].upper
"""T-score below which bone mass is low."""
Z_BELOW_EXPECTED: float = _ISCD.z_score["below_expected_range"].upper
"""Z-score of the highest density below the expected range for age."""
