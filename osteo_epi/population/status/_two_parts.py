"""The share of people with a class where an established fracture is known without a density.

In every stratum p = f + (1 − f) q for the class that a fracture makes, p = (1 − f) q for any
other: f is the share with an established fracture among all whose fracture status is known, q the
share with the class among those without a fracture who were measured at complete sites.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from osteo_epi.survey import Array, Codes, Mask


@dataclass(frozen=True)
class TwoParts:
    """Of whom the share with a fracture is made.

    Parameters
    ----------
    established
        (m,) cells with an established fracture.
    known
        (m,) cells whose fracture status is known, those established among them.
    makes
        Whether the fracture makes the class that is counted, or keeps from it.
    settled
        (m,) cells whose density alone makes the class that a fracture makes, the fracture status
        unknown: in neither share, and known all the same.
    """

    established: Mask = field(repr=False)
    known: Mask = field(repr=False)
    makes: bool
    settled: Mask = field(default_factory=lambda: np.zeros(1, dtype=bool), repr=False)

    @property
    def cases(self) -> Mask:
        """(m,) cells known to have the class that a fracture makes, by either way."""
        return self.established | self.settled

    def within(self, mask: Mask) -> TwoParts:
        """The same, of the masked cells."""
        return TwoParts(self.established & mask, self.known & mask, self.makes, self.settled & mask)

    def share(self, f: Array, q: Array) -> Array:
        """The two parts put together; where everybody has a fracture, q does not matter."""
        rest = np.where(f < 1, (1 - f) * q, 0.0)
        # A stratum of which f is not known has no share at all.
        return np.where(np.isnan(f), np.nan, (f if self.makes else 0.0) + rest)


def two_parts(
    parts: TwoParts, event: Mask, measured: Mask, weight: Array, stratum: Codes, share: Array
) -> tuple[float, Array]:
    """Standardised share by both parts and its (m,) weighted linearised values.

    Parameters
    ----------
    parts
        The first part.
    event, measured
        (m,) the second part: whom it counts among those measured without a fracture.
    weight
        (m,) weights of the slice, zero outside.
    stratum, share
        (m,) strata of standardisation, −1 outside; their (S,) shares.

    Returns
    -------
    float, ndarray
        Σ share p by stratum, and Σ share [(a − q) IF(f) + (1 − f) IF(q)], a = 1 where the
        fracture makes the class, else 0.

    Examples
    --------
    >>> parts = TwoParts(np.array([True, False, False]), np.ones(3, dtype=bool), makes=True)
    >>> whole = np.zeros(3, dtype=int)
    >>> value, _ = two_parts(parts, np.array([False, True, False]), np.array([False, True, True]),
    ...                      np.array([60.0, 35.0, 105.0]), whole, np.ones(1))
    >>> round(value, 6)
    0.475
    """
    place, size = np.maximum(stratum, 0), len(share)
    f, first = _part(parts.established & parts.known, parts.known, weight, place, size)
    q, second = _part(event & measured, measured, weight, place, size)
    used = share > 0
    each = np.where(used, parts.share(f, q), 0.0)
    base, rest = 1.0 if parts.makes else 0.0, np.where(f < 1, 1 - f, 0.0)
    steep = np.where(f < 1, base - q, 0.0)
    weights = np.where(used, share, 0.0)
    influence = np.nan_to_num((weights * steep)[place]) * first
    influence += np.nan_to_num((weights * rest)[place]) * second
    return float(share @ each), influence


def _part(event: Mask, rows: Mask, weight: Array, place: Codes, size: int) -> tuple[Array, Array]:
    """(S,) shares, NaN of nobody, and the (m,) linearised values within each stratum."""
    inside = np.where(rows, weight, 0.0)
    whole = np.bincount(place, weights=inside, minlength=size)
    held = np.bincount(place, weights=np.where(event, inside, 0.0), minlength=size)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = held / whole
    centred = np.where(inside > 0, event - np.nan_to_num(share)[place], 0.0)
    scale = np.where(whole > 0, whole, 1.0)[place]
    return share, inside * centred / scale
