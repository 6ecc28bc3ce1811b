"""The size of a study: what each aim of it takes, and the paragraph that a protocol prints."""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl
from scipy.special import ndtri

from osteo_epi.arguments import number
from osteo_epi.errors import DefinitionError
from osteo_epi.results import Result
from osteo_epi.rounding import count

LANGUAGES = ("en", "zh")
ROUNDING = 1e-9
"""Share of a person by which a number of people may stand above a whole one by rounding alone."""


@dataclass(frozen=True)
class Need:
    """What one aim takes.

    Attributes
    ----------
    aim
        In the field's words.
    counted
        Whom the formula counts: "diseased", "healthy", "events" or "people".
    n_counted
        How many of those.
    n
        People to study so that as many of those are among them.
    """

    aim: str
    counted: str
    n_counted: int
    n: int

    @classmethod
    def among(cls, aim: str, counted: str, needed: float, share: float) -> Need:
        """So many of a kind that makes up a share of the people."""
        whole = up(needed)
        return cls(aim, counted, whole, up(whole / share))


@dataclass(frozen=True, repr=False)
class StudySize(Result):
    """People to study.

    Attributes
    ----------
    question
        What the study asks.
    needs
        What each aim takes; the study takes the largest.
    design_effect, response
        By how much more the people of the sampling are, and the share of those invited of whom
        everything is measured.
    assumptions
        Every number that was assumed, by name.
    notes
        What a reader must know.
    """

    question: str
    needs: tuple[Need, ...]
    assumptions: dict[str, float]
    design_effect: float = 1.0
    response: float = 1.0
    notes: tuple[str, ...] = ()
    template: str = field(default="", repr=False)

    @property
    def n(self) -> int:
        """People of whom everything is measured."""
        return up(max(need.n for need in self.needs) * self.design_effect)

    @property
    def invited(self) -> int:
        """People to invite."""
        return up(self.n / self.response)

    @property
    def decides(self) -> Need:
        """The aim that takes most."""
        return max(self.needs, key=lambda need: need.n)

    def to_polars(self) -> pl.DataFrame:
        """One row an aim.

        Returns
        -------
        polars.DataFrame
            aim, counted (whom the formula counts), n_counted, n (people in a simple random
            sample), n_design (times the design effect), invited, decides (whether it takes most).
        """
        rows = [
            {
                "aim": need.aim, "counted": need.counted, "n_counted": need.n_counted, "n": need.n,
                "n_design": up(need.n * self.design_effect),
                "invited": up(up(need.n * self.design_effect) / self.response),
                "decides": need is self.decides,
            }
            for need in self.needs
        ]  # fmt: skip
        return pl.DataFrame(rows)

    def protocol(self, language: str = "en") -> str:
        """The sample-size paragraph of a study protocol.

        Parameters
        ----------
        language
            "en" or "zh".

        Raises
        ------
        DefinitionError
            If the language is another.
        """
        if language not in LANGUAGES:
            raise DefinitionError(f"language={language!r}; expected one of {', '.join(LANGUAGES)}")
        words = _texts()[language]
        sentences = [
            words[self.template].format(**self._values(words)),
            words["design" if self.design_effect != 1 else "srs"].format(effect=self.design_effect),
            words["total"].format(n=count(self.n)),
        ]
        if self.response < 1:
            invited = {"invited": count(self.invited), "response": 100 * self.response}
            sentences.append(words["response"].format(**invited))
        sentences.append(words["software"].format(software=f"osteo-epi {version('osteo-epi')}"))
        return str(words["space"].join(sentences)) + "\n"

    def _values(self, words: dict[str, Any]) -> dict[str, Any]:
        parts = (
            words["need" if need.counted != "people" else "need_people"].format(
                aim=words["aims"].get(need.aim, need.aim), n_counted=count(need.n_counted),
                counted=words["counted"][need.counted], n=count(need.n),
            )
            for need in self.needs
        )  # fmt: skip
        percents = {f"{k}_percent": 100 * v for k, v in self.assumptions.items()}
        aims = words["and"].join(words["aims"].get(need.aim, need.aim) for need in self.needs)
        said = {"needs": words["semicolon"].join(parts), "what": aims}
        return self.assumptions | percents | said

    def _summary(self) -> str:
        return f"{self.question}: {count(self.n)} people, {self.decides.aim} takes most"


def up(needed: float) -> int:
    """The whole number of people that is enough."""
    return math.ceil(needed - ROUNDING * max(1.0, needed))


def normal(confidence: float, power: float | None = None) -> tuple[float, float]:
    """Quantiles of the normal law that a sample size takes.

    Parameters
    ----------
    confidence
        Level, two-sided.
    power
        Of a test, one-sided; None for an aim of precision.

    Returns
    -------
    tuple of float
        Of the level, and of the power (0 without one).

    Raises
    ------
    DefinitionError
        If the level is not between 0 and 1, or the power not between 1 − confidence and 1.

    Examples
    --------
    >>> [round(z, 3) for z in normal(0.95, 0.8)]
    [1.96, 0.842]
    """
    number(confidence, "confidence", above=0, below=1)
    if power is not None:
        # A test of no effect at all rejects in 1 - confidence.
        number(power, "power", above=1 - confidence, below=1)
    return float(ndtri((1 + confidence) / 2)), 0.0 if power is None else float(ndtri(power))


def sampling(design_effect: float, response: float) -> tuple[float, float]:
    """Design effect and response, each refused where it is none.

    Parameters
    ----------
    design_effect
        By how much more the people of the sampling are, above 0.
    response
        Share of those invited of whom everything is measured, above 0 and up to 1.

    Returns
    -------
    tuple of float
        Both.

    Raises
    ------
    DefinitionError
        If one is no such number.

    Examples
    --------
    >>> sampling(1.5, 0.8)
    (1.5, 0.8)
    """
    number(design_effect, "design_effect", above=0)
    number(response, "response", above=0, most=1)
    return float(design_effect), float(response)


def one_of(precision: float | None, against: float | None, power: float | None) -> float | None:
    """Power where the aim is a test, None where it is precision; refuse both and neither."""
    if (precision is None) == (against is None):
        raise DefinitionError(
            "say what the study is to reach: precision= (half the width of the interval), or "
            "against= (the value that is to be refuted, with power=), one of the two"
        )
    if against is None and power is not None:
        raise DefinitionError("power= is for a test: leave it out beside precision=")
    return None if against is None else (0.8 if power is None else power)


@cache
def _texts() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("protocol.toml").read_text(encoding="utf-8"))
