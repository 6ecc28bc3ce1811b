"""The result: differences of a density by markers, crude and adjusted."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from osteo_epi.accuracy import Measure
from osteo_epi.results import Result
from osteo_epi.rounding import count


@dataclass(frozen=True)
class BoneEffect:
    """How the mean density differs between people who differ by one marker.

    Attributes
    ----------
    exposure, contrast, model
        Column, who is compared ("per SD increase", "per doubling", "yes against no"), and "crude"
        or "adjusted".
    effect
        Difference of the mean density [unit of the density].
    per_unit
        The same per unit of the column (per doubling where logarithms are taken); None for
        classes, and for yes and no.
    standardised
        The difference in standard deviations of the density, per standard deviation of the marker
        (between the classes).
    p
        Of no difference.
    partial_r2
        Share of the variance of the density left by the adjustment that the exposure explains.
    sd
        Standard deviation of the marker in people of the model, by the weights [unit of the
        column, or doublings]; None for classes.
    n_left_out
        People of the domain who lack density, exposure or an adjustment.
    """

    exposure: str
    contrast: str
    model: str
    effect: Measure
    per_unit: Measure | None
    standardised: Measure
    p: float
    partial_r2: float
    sd: float | None
    n_left_out: int

    def as_row(self) -> dict[str, str | float | None]:
        """Everything by name."""
        row: dict[str, str | float | None] = {
            "exposure": self.exposure, "contrast": self.contrast, "model": self.model
        }  # fmt: skip
        row |= {**self.effect.as_row(), "p": self.p}
        for name, one in (("per_unit", self.per_unit), ("standardised", self.standardised)):
            ends = (None, None, None) if one is None else (one.estimate, one.lower, one.upper)
            row |= dict(zip((name, f"{name}_lower", f"{name}_upper"), ends, strict=True))
        row |= {"partial_r2": self.partial_r2, "sd": self.sd, "n_left_out": self.n_left_out}
        return row | {"method": self.effect.method}


@dataclass(frozen=True, repr=False)
class BoneAssociation(Result):
    """Markers and one density: an association, never a diagnosis.

    Attributes
    ----------
    effects
        One a comparison and model.
    density, unit
        Column, and its unit ("" where the codebook has none).
    adjusted_for
        For what the adjusted rows are.
    design, confidence, notes
        How people were drawn, the level of the limits, and what a reader must know.
    """

    effects: tuple[BoneEffect, ...]
    density: str
    unit: str
    adjusted_for: tuple[str, ...]
    design: str
    confidence: float
    notes: tuple[str, ...]

    def __getitem__(self, exposure: str) -> BoneEffect:
        """The effect of an exposure with one contrast, adjusted where there is an adjustment.

        Raises
        ------
        KeyError
            If it has none, or several: take it from `effects` then.
        """
        model = "adjusted" if self.adjusted_for else "crude"
        own = [one for one in self.effects if one.exposure == exposure and one.model == model]
        if len(own) != 1:
            names = ", ".join(dict.fromkeys(one.exposure for one in self.effects))
            raise KeyError(f"{exposure} has {len(own)} contrasts here; exposures are {names}")
        return own[0]

    def to_polars(self) -> pl.DataFrame:
        """One row a comparison and model.

        Returns
        -------
        polars.DataFrame
            density, exposure, contrast, model, estimate, se, lower, upper, n, p, per_unit,
            per_unit_lower, per_unit_upper, standardised, standardised_lower, standardised_upper,
            partial_r2, sd, n_left_out, method.
        """
        rows = [{"density": self.density, **one.as_row()} for one in self.effects]
        words = ("density", "exposure", "contrast", "model", "method")
        whole = dict.fromkeys(("n", "n_left_out"), pl.Int64)
        types = {name: pl.String if name in words else whole.get(name, pl.Float64)
                 for name in rows[0]}  # fmt: skip
        return pl.DataFrame(rows, schema=types)

    def _summary(self) -> str:
        model = "adjusted" if self.adjusted_for else "crude"
        own = [one for one in self.effects if one.model == model]
        shown = ", ".join(f"{one.exposure} {one.effect.rounded(3)}" for one in own[:4])
        unit = f" [{self.unit}]" if self.unit else ""
        most = max(one.effect.n for one in own)
        return f"{self.density}{unit}, {model} difference: {shown}; up to {count(most)} people"
