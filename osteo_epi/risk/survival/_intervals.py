"""Limits of a probability that falls or rises with time, on the scale that was chosen."""

from __future__ import annotations

from typing import Literal

import numpy as np

from osteo_epi.errors import DesignError
from osteo_epi.survey import Array

Scale = Literal["log_log", "log", "plain", "logit", "arcsin"]
SCALES = ("log_log", "log", "plain", "logit", "arcsin")


def refuse_scale(interval: str) -> None:
    """Raise DesignError for an unknown scale."""
    if interval not in SCALES:
        raise DesignError(f"interval={interval!r}; choose one of {', '.join(SCALES)}")


def probability_limits(value: Array, se: Array, reach: float, interval: Scale) -> Array:
    """(2, T) limits of (T,) probabilities with standard errors, `reach` of these away.

    The limits of `survival::survfit`; NaN where the scale has none (at 0 or 1), and the value
    itself where the standard error is 0 and the value is not.
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        ends = np.stack(_ends(value, reach * se, interval))
    ends = np.where((se == 0) & (value > 0), value, ends)
    return np.asarray(np.clip(np.sort(ends, axis=0), 0.0, 1.0))


def _ends(p: Array, by: Array, interval: Scale) -> tuple[Array, Array]:
    if interval == "plain":
        return p - by, p + by
    if interval == "log":
        return p * np.exp(-by / p), p * np.exp(by / p)
    if interval == "log_log":
        ratio = by / (p * np.log(p))
        return p ** np.exp(-ratio), p ** np.exp(ratio)
    if interval == "logit":
        odds, ratio = p / (1 - p), by / (p * (1 - p))
        low, high = odds * np.exp(-ratio), odds * np.exp(ratio)
        return low / (1 + low), high / (1 + high)
    angle, ratio = np.arcsin(np.sqrt(p)), by / (2 * np.sqrt(p * (1 - p)))
    low, high = np.maximum(angle - ratio, 0.0), np.minimum(angle + ratio, np.pi / 2)
    return np.sin(low) ** 2, np.sin(high) ** 2
