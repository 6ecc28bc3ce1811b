"""The methods paragraph that goes into a paper, English and Chinese, from what was really done."""

from __future__ import annotations

from osteo_epi.diagnosis import Definition
from osteo_epi.report._study import Study
from osteo_epi.report.methods._chinese import Chinese
from osteo_epi.report.methods._english import English

__all__ = ["chinese", "english"]


def english(definition: Definition, study: Study) -> str:
    """Write the methods paragraph in English.

    Parameters
    ----------
    definition
        The definition that was applied.
    study
        The other facts.

    Returns
    -------
    str
        One paragraph that a methods section can take; [1] is the first source of the run.
    """
    return " ".join(sentence for sentence in English(definition, study).sentences() if sentence)


def chinese(definition: Definition, study: Study) -> str:
    """Write the methods paragraph in Chinese, see `english`."""
    return "".join(sentence for sentence in Chinese(definition, study).sentences() if sentence)
