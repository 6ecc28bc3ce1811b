"""The word own_young_adults in a definition: whose young adults, and what too few of them cost."""

from __future__ import annotations

import polars as pl
import pytest

from osteo_epi.cohort import simulate
from osteo_epi.diagnosis import definition, young_adult_reference
from osteo_epi.errors import DefinitionError, PrecisionWarning, SchemaError

HIP = ["femoral_neck", "total_hip"]


@pytest.fixture(scope="module")
def people() -> pl.DataFrame:
    return simulate(9_000, seed=2).frame


@pytest.fixture(scope="module")
def few() -> pl.DataFrame:
    """A cohort with enough young adults by DXA, and too few by CTXA."""
    return simulate(3_000, seed=1).frame


def own(people: pl.DataFrame, name: str = "china_2020", **choices):
    return definition(name, reference="own_young_adults", people=people, **choices)


def test_the_people_are_needed():
    with pytest.raises(DefinitionError, match="give people="):
        definition("china_2020", reference="own_young_adults")


def test_people_without_ages_are_one_error(people):
    with pytest.raises(SchemaError, match="age"):
        own(people.drop("age"))


def test_the_word_gives_the_reference_of_these_people(people):
    weighted = people.with_columns(w=1.0 + pl.col("age") % 3)
    by_hand = young_adult_reference(weighted, weight="w")
    assert own(weighted, weight="w").reference.entries == by_hand.entries
    assert own(weighted).reference.entries != by_hand.entries


def test_who_is_pregnant_is_no_young_reference(people):
    women = (pl.col("sex") == "female") & (pl.int_range(pl.len()) % 5 == 0)
    dxa = people.select(pl.exclude("^.*_ctxa$"))
    marked = dxa.with_columns(pregnant=women)
    rest = dxa.filter(~women)
    assert own(marked).reference.entries == own(rest).reference.entries
    assert own(marked).reference.entries != own(dxa).reference.entries


def test_evidence_without_young_adults_is_left_out_aloud(few):
    with pytest.warns(PrecisionWarning, match="femoral_neck_ctxa"):
        rules = own(few)
    assert "ctxa" not in rules.evidence
    assert rules.reference.mean_sd("female", "femoral_neck_ctxa") is None


@pytest.mark.filterwarnings("ignore::osteo_epi.errors.PrecisionWarning")
def test_evidence_named_and_not_to_be_judged_is_an_error(few):
    with pytest.raises(DefinitionError, match="evidence ctxa needs young adults"):
        own(few, evidence=["dxa", "ctxa"])
    assert own(few, evidence=["dxa"]).evidence == ("dxa",)


def test_a_region_that_the_definition_rests_on_must_have_enough(people):
    kept = (pl.col("age") >= 40) | (pl.int_range(pl.len()) % 200 == 0)
    neck = pl.when(kept).then(pl.col("abmd_femoral_neck")).alias("abmd_femoral_neck")
    with pytest.raises(SchemaError, match="density at femoral_neck, expected at least 30"):
        own(people.with_columns(neck))


def test_the_hip_alone_needs_no_spine(people):
    spine = [c for c in people.columns if c.startswith(("abmd_l", "vbmd_l"))]
    rules = own(people.drop(spine), sites=HIP, evidence=["dxa"])
    assert rules.rois == tuple(HIP)


def test_the_cut_off_is_that_of_the_young_adults(people):
    rules = own(people)
    rows = pl.DataFrame(rules.cut_offs())
    value = rules.reference.mean_sd("male", "total_hip")
    row = rows.row(
        by_predicate=(pl.col("sex") == "male") & (pl.col("roi") == "total_hip"), named=True
    )
    assert row["cut_off"] == pytest.approx(value.mean - 2.5 * value.sd, abs=1e-15)
    assert rows.height == 6
    assert definition("who_1994", reference="reported").cut_offs() == []


@pytest.mark.parametrize(
    ("choice", "word"),
    [
        ({"ages": "[20, 40)"}, "first and the last completed year"),
        ({"ages": 20}, "first and the last completed year"),
        ({"ages": (39, 20)}, "first and the last completed year"),
        ({"least": 1}, "an SD needs at least 2 people"),
        ({"hip_side": "both"}, "hip_side"),
    ],
)
def test_a_choice_that_is_none_is_refused_before_people_are_read(choice, word) -> None:
    """Ages written as an interval ended in a TypeError of Python's own."""
    with pytest.raises(DefinitionError, match=word):
        young_adult_reference(pl.DataFrame(), **choice)
