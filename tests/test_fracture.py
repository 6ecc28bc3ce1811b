"""Fragility fracture: every combination of its three parts, by three-valued logic."""

from __future__ import annotations

from itertools import product

import polars as pl
import pytest

from osteo_epi.diagnosis import with_fragility_fracture
from osteo_epi.errors import DefinitionError

TRAUMA = {"none": True, "minor": True, "major": False, None: None}
STATED = (True, False, None)


def kleene(*parts: bool | None) -> bool | None:
    if False in parts:
        return False
    return None if None in parts else True


def found(**columns) -> pl.DataFrame:
    rows = max(len(values) for values in columns.values())
    schema = {"fracture_trauma": pl.String, "secondary_causes_excluded": pl.Boolean}
    data = {name: values * (rows if len(values) == 1 else 1) for name, values in columns.items()}
    return pl.DataFrame(data, schema_overrides={k: schema[k] for k in data if k in schema})


def test_the_three_parts_in_every_combination() -> None:
    cells = list(product(TRAUMA, STATED, STATED))
    people = pl.DataFrame(
        {
            "fracture_trauma": [cell[0] for cell in cells],
            "fracture_imaging_evidence": [cell[1] for cell in cells],
            "secondary_causes_excluded": [cell[2] for cell in cells],
        }
    )
    result = with_fragility_fracture(people)
    expected = [kleene(TRAUMA[trauma], seen, primary) for trauma, seen, primary in cells]
    assert result["fragility_fracture"].to_list() == expected
    spoken = [trauma is not None or seen is not None for trauma, seen, _ in cells]
    assert result["fracture_reason"].is_not_null().to_list() == spoken


def test_the_reason_names_everything_that_is_missing() -> None:
    people = found(fracture_site=["hip"], fracture_trauma=[None], secondary_causes_excluded=[None])
    assert with_fragility_fracture(people)["fracture_reason"].item() == (
        "fracture_imaging_not_stated; fracture_trauma_not_stated; "
        "fracture_secondary_causes_not_stated"
    )


def test_nothing_about_fractures_gives_nothing() -> None:
    result = with_fragility_fracture(pl.DataFrame({"age": [66.0]}))
    assert result.select(pl.exclude("age")).row(0) == (None, None, None, None, None, None)


def test_grade_zero_with_an_image_of_the_spine_is_no_fracture() -> None:
    """A survey that images everybody names the image for the sound as well."""
    people = found(
        genant_grade=[0.0, 1.0, None],
        fracture_evidence=["xray"],
        fracture_trauma=["none"],
        secondary_causes_excluded=[True],
    )
    assert with_fragility_fracture(people)["fragility_fracture"].to_list() == [False, True, None]


def test_a_sound_spine_does_not_take_back_a_fractured_hip() -> None:
    people = found(
        genant_grade=[0.0, 0.0],
        fracture_site=["hip", "spine"],
        fracture_imaging_evidence=[True],
        fracture_trauma=["minor"],
        secondary_causes_excluded=[True],
    )
    assert with_fragility_fracture(people)["fragility_fracture"].to_list() == [True, False]


def test_severe_and_multiple() -> None:
    people = pl.DataFrame({"genant_grade": [2, 3, None], "n_vertebral_fractures": [1, 2, None]})
    result = with_fragility_fracture(people)
    assert result["vertebral_fracture_severe"].to_list() == [False, True, None]
    assert result["vertebral_fracture_multiple"].to_list() == [False, True, None]


@pytest.mark.parametrize("grade", [0, 4, -1])
def test_a_threshold_that_is_no_grade_is_refused(grade: int) -> None:
    with pytest.raises(DefinitionError, match="expected one of 1, 2, 3"):
        with_fragility_fracture(pl.DataFrame({"genant_grade": [1]}), genant_from=grade)


def test_an_unknown_endplate_rule_is_refused() -> None:
    with pytest.raises(DefinitionError, match="when_stated, required, ignored"):
        with_fragility_fracture(pl.DataFrame({"genant_grade": [1]}), endplate_rule="ecf")


def test_lazy_frames_stay_lazy() -> None:
    people = found(genant_grade=[2.0], fracture_trauma=["none"], secondary_causes_excluded=[True])
    lazy = with_fragility_fracture(people.lazy())
    assert isinstance(lazy, pl.LazyFrame)
    assert lazy.collect().equals(with_fragility_fracture(people))
