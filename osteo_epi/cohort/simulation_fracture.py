"""Vertebral fractures of the synthetic people who were imaged, and what is recorded of them."""

from __future__ import annotations

import numpy as np

from osteo_epi.cohort.simulation_profile import NO_WORD, Array, Columns, Profile, pick

_STANDARD_YEARS = 65, 10


def draw_fractures(profile: Profile, people: Columns, rng: np.random.Generator) -> Columns:
    """Genant grade and the three parts of a fragility fracture; NaN or NO_WORD where not known.

    The odds of a deformed vertebra rise with age and as the spine's density falls.
    """
    table = profile.data["fractures"]
    use, n = table["use"], len(people["age"])
    deformed = rng.random(n) < _chance(table, people)
    grade = np.where(deformed, 1 + pick(rng, n, use["grade_shares"]), 0)
    cause = rng.random(n) < use["secondary_cause"]
    stated = rng.random(n) < use["secondary_causes_stated"]
    fractured = deformed & (rng.random(n) < use["endplate_fracture"])
    imaged = people["imaged"]
    return {
        "genant_grade": np.where(imaged, grade, np.nan),
        "endplate_fracture": np.where(imaged & deformed, fractured, np.nan),
        "fracture_imaging_evidence": np.where(imaged, fractured, np.nan),
        "n_vertebral_fractures": np.where(imaged, _number(rng, fractured, use), np.nan),
        "fracture_site": np.where(imaged & fractured, 0, NO_WORD),
        "fracture_trauma": np.where(
            imaged & fractured, pick(rng, n, use["trauma_shares"]), NO_WORD
        ),
        "fracture_evidence": np.where(imaged, pick(rng, n, use["evidence_shares"]), NO_WORD),
        "secondary_cause": np.where(stated, cause, np.nan),
        "secondary_causes_excluded": np.where(imaged & stated, ~cause, np.nan),
    }


def _chance(table: dict, people: Columns) -> Array:
    use, (age, decade) = table["use"], _STANDARD_YEARS
    decades = (people["age"] - age) / decade
    odds = use["odds_at_65"] * use["odds_ratio_per_decade"] ** decades
    odds = odds * table["relative_risk_per_sd"] ** -people["z_spine"]
    return odds / (1 + odds)


def _number(rng: np.random.Generator, fractured: Array, use: dict) -> Array:
    """One, and up to three more."""
    more = rng.binomial(3, use["another_vertebra"], len(fractured))
    return np.where(fractured, 1 + more, 0)
