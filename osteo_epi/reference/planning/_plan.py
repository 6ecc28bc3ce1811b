"""What a plan wishes, and what each wish takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from osteo_epi.arguments import ages_between, distinct_words, number
from osteo_epi.errors import DefinitionError
from osteo_epi.norms import SEXES
from osteo_epi.reference._score_lines import T_OSTEOPOROSIS
from osteo_epi.reference.curves import Term

CUT_OFF, CENTILE, PREVALENCE = "cut-off", "centile", "prevalence"
T = T_OSTEOPOROSIS
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
            ages_between(getattr(self, name), name)
        distinct_words(self.sexes, "sexes", "sexes=['female', 'male']")
        if not set(self.sexes) <= set(SEXES):
            raise DefinitionError(
                f"sexes={list(self.sexes)}; expected a list of {' and '.join(SEXES)}"
            )
        number(self.response, "response (a share, not %)", above=0, most=1)
        number(self.band, "band", least=1, whole=True, unit="years")
        number(self.design_effect, "design_effect", above=0)
        number(self.percent, "percent", above=0, below=100)
        for name in ("prevalence", "sd"):
            values = getattr(self, name)
            lost = [sex for sex in self.sexes if values and sex not in values]
            if lost:
                raise DefinitionError(f"{name}= has no number for {' and '.join(lost)}")
            for value in values.values():
                if name == "prevalence":
                    number(value, "prevalence (a share, not %)", above=0, below=1)
                else:
                    number(value, name, above=0)
