"""What a plan wishes, and what each wish takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from osteo_epi.errors import DefinitionError
from osteo_epi.norms import SEXES
from osteo_epi.reference.curves import Term

CUT_OFF, CENTILE, PREVALENCE = "cut-off", "centile", "prevalence"
T = -2.5
Ages = tuple[int, int]


@dataclass(frozen=True)
class Aim:
    """What one sex's people are to tell, and how many that takes.

    `reached` is the standard error of the aim's own number of people; shares of 1 for a prevalence,
    else SD.
    """

    aim: str
    sex: str
    ages: Ages
    wished: float
    n: int
    reached: float


@dataclass(frozen=True)
class Plan:
    """What was wished, as `sample_size` takes it."""

    young: Ages
    ages: Ages
    old: Ages
    band: int
    percent: float
    smooth: bool
    terms: tuple[Term, ...]
    prevalence: Mapping[str, float]
    sd: Mapping[str, float]
    sexes: tuple[str, ...]
    design_effect: float
    response: float

    def __post_init__(self) -> None:
        for name in ("young", "ages", "old"):
            first, last = getattr(self, name)
            if not 0 <= first <= last:
                raise DefinitionError(
                    f"{name}={(first, last)}; expected the first and the last completed year"
                )
        if not self.sexes or not set(self.sexes) <= set(SEXES):
            raise DefinitionError(
                f"sexes={list(self.sexes)}; expected a list of {' and '.join(SEXES)}"
            )
        if not 0 < self.response <= 1:
            raise DefinitionError(
                f"response={self.response}; expected a share above 0 and at most 1, not %"
            )
        if self.band < 1 or not self.design_effect > 0:
            raise DefinitionError(
                f"band={self.band}, design_effect={self.design_effect}; expected whole years from "
                "1, and a number above 0"
            )
        for name in ("prevalence", "sd"):
            values = getattr(self, name)
            lost = [sex for sex in self.sexes if values and sex not in values]
            if lost:
                raise DefinitionError(f"{name}= has no number for {' and '.join(lost)}")
