"""The references derived from NHANES 2005-2010: what they hold, how near print, who they score."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from osteo_epi import norms
from osteo_epi.diagnosis import classify, definition
from osteo_epi.errors import DefinitionError, SchemaError
from osteo_epi.reference import diagnose

DERIVATIONS = Path(__file__).parents[1] / "data" / "derivations"
GROUPS = ("", "nhw_", "nhb_", "mexican_american_")
IDS = [f"nhanes_2005_2010_{group}derived" for group in GROUPS]
ROIS = {"lumbar_spine", "l1", "l2", "l3", "l4", "femoral_neck", "total_hip"}
KEYS = {(sex, roi) for sex in ("female", "male") for roi in ROIS}


@pytest.fixture(scope="module")
def script():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(DERIVATIONS))
        import derive_nhanes_2005_2010

        yield derive_nhanes_2005_2010


@pytest.fixture(scope="module")
def people(script, shared):
    folder = shared / "data" / "nhanes"
    if not all((folder / cycle).is_dir() for cycle in script.CYCLES):
        pytest.skip("not all cycles of NHANES are in the shared folder")
    return script.people(folder)


@pytest.mark.parametrize("name", IDS)
def test_every_region_and_both_sexes_are_there_and_labelled(name):
    curves, young = norms.load("by_age", name), norms.load("young_adult", name)
    assert {(entry.sex, entry.roi) for entry in curves.curves} == KEYS
    assert {(entry.sex, entry.roi) for entry in young.entries} == KEYS
    assert all(entry.value.n_effective > 100 for entry in young.entries)
    for norm in (curves, young):
        assert norm.labels == ("derived",)
        assert norm.verification == "derived"
        assert norm.maker == "hologic"
        assert norm.derivation.people > 350
        assert norm.title_zh
    for entry in curves.curves:
        assert entry.curve.family == "bccg"
        assert entry.curve.age == tuple(range(8, 80))
        assert str(entry.curve.ages) == "[8, 80)"


def test_the_young_adults_of_2005_2008_are_those_that_were_printed(script, people):
    """EVIDENCE 4: to 0.001, and 0.0012 for Black women, whose table is read in a paper."""
    until_2008 = people.filter(pl.col("cycle") != "2009-2010")
    white, black = script.GROUPS[1:3]
    assert max(script.apart(until_2008, white)) < 0.00105
    assert max(script.apart(until_2008, black)) < 0.0013


def test_how_far_the_third_cycle_moves_them_is_known(script, people):
    white, black = (script.apart(people, group) for group in script.GROUPS[1:3])
    assert white == pytest.approx((0.0068, 0.0091), abs=1e-4)
    assert black == pytest.approx((0.0037, 0.0063), abs=1e-4)


def test_the_derivation_can_be_repeated(script, people, shared):
    files = script.digest(shared / "data" / "nhanes")
    for group in script.GROUPS:
        young = norms.shelf() / "young_adult" / f"{group.id}.toml"
        assert script.young_adult(people, group, files) == young.read_text(encoding="utf-8")
    white = norms.load("by_age", "nhanes_2005_2010_nhw_derived")
    assert white.derivation.data_sha256 == files
    for sex, roi in (("female", "lumbar_spine"), ("male", "femoral_neck")):
        anew = script.fitted(people, script.GROUPS[1], sex, roi)
        there = white.curve(sex, roi)
        # Smoothness is searched: the last digit printed may be another by another search.
        for name, within in (("mu", 2e-4), ("sigma", 5e-5), ("nu", 2e-3)):
            now = np.array(script.at_knots(anew)[name], dtype=float)
            np.testing.assert_allclose(now, getattr(there, name), atol=within)


def turning_points(median: np.ndarray) -> list[int]:
    """Places where a curve changes direction, its two ends among them."""
    steps = np.diff(median)
    moving = np.flatnonzero(steps)
    turns = moving[1:][np.diff(np.sign(steps[moving])) != 0]
    return [0, *turns.tolist(), len(median) - 1]


@pytest.mark.parametrize("name", IDS)
def test_the_medians_of_adults_do_not_follow_the_noise(name):
    """From 25 years on: five changes of direction at most; and within ten years no median goes up
    and down, or down and up, by more than a tenth of an SD, which is the error of 100 people.
    """
    young = norms.load("young_adult", name)
    sd = {(entry.sex, entry.roi): entry.value.sd for entry in young.entries}
    for entry in norms.load("by_age", name).curves:
        adults = np.array(entry.curve.mu)[25 - 8 :]
        places = turning_points(adults)
        assert len(places) - 2 <= 5
        for first, last in list(pairwise(places))[1:-1]:
            change = abs(adults[last] - adults[first]) / sd[entry.sex, entry.roi]
            assert change < 0.1 or last - first > 10


@pytest.mark.parametrize("place", [0, 2])
def test_the_card_finds_no_fault_in_the_median(script, people, place):
    group = script.GROUPS[place]
    for sex, roi in (("male", "lumbar_spine"), ("female", "femoral_neck")):
        curve = script.fitted(people, group, sex, roi)
        whole = script.aged(people, script.of_group(people, group, sex, roi), roi)
        whole = whole.with_columns(scale=script.powered(whole["age"].to_numpy()))
        found = diagnose(curve, whole, design=script.DESIGN, folds=0, age="scale")
        assert found.same
        assert not {"mean", "median", "coverage"} & set(found.failures)


@pytest.mark.parametrize("name", IDS)
def test_how_near_the_curves_are_is_said_of_the_norm_itself(script, people, name):
    norm = norms.load("by_age", name)
    stated = [float(number) for number in re.findall(r"within\s+(\d\.\d\d) over", norm.notes)]
    group, worst = script.GROUPS[IDS.index(name)], [0.0, 0.0]
    two, ten = [(a, a + 2) for a in range(8, 20, 2)], [(a, a + 10) for a in range(20, 80, 10)]
    for entry in norm.curves:
        chosen = script.of_group(people, group, entry.sex, entry.roi)
        chosen = chosen.filter(pl.col("years") < 80)
        z = entry.curve.score(chosen[entry.roi].to_numpy(), chosen["age"].to_numpy())
        scored = chosen.with_columns(z=pl.Series(z).fill_nan(None)).filter(
            pl.col("z").is_not_null()
        )
        for k, bands in enumerate((two, ten)):
            for low, high in bands:
                of = scored.filter(pl.col("years").is_between(low, high, closed="left"))
                worst[k] = max(worst[k], abs(np.average(of["z"], weights=of["weight"])))
    for number, limit in zip(worst, stated, strict=True):
        assert limit - 0.01 < number <= limit


@pytest.mark.parametrize(("name", "within"), [(IDS[0], 0.06), (IDS[1], 0.09), (IDS[2], 0.12)])
def test_the_people_themselves_score_zero_and_one(script, people, name, within):
    reference = norms.load("by_age", name)
    group = script.GROUPS[IDS.index(name)]
    for sex, roi in (("female", "l3"), ("male", "total_hip"), ("female", "femoral_neck")):
        chosen = script.of_group(people, group, sex, roi).filter(pl.col("age") < 80)
        z = reference.curve(sex, roi).score(chosen[roi].to_numpy(), chosen["age"].to_numpy())
        years, weight = chosen["age"].to_numpy(), chosen["weight"].to_numpy()
        assert np.isfinite(z).all()
        for low, high in ((8, 14), (14, 20), (20, 40), (40, 60), (60, 80)):
            inside = (years >= low) & (years < high)
            mean = np.average(z[inside], weights=weight[inside])
            sd = np.sqrt(np.average((z[inside] - mean) ** 2, weights=weight[inside]))
            assert abs(mean) < within
            assert sd == pytest.approx(1, abs=0.09)


def test_the_curves_lie_by_the_bands_of_2005_2008():
    """Two thirds of the people are the same; the band mean and the curve differ by its bend."""
    older = norms.load("by_age", "nhanes_2005_2008_nhw_derived")
    newer = norms.load("by_age", "nhanes_2005_2010_nhw_derived")
    for entry in older.curves:
        middle = entry.curve.age[1:]
        mean, sd = newer.curve(entry.sex, entry.roi).at(middle)
        assert mean == pytest.approx(entry.curve.mean[1:], abs=0.02)
        assert sd == pytest.approx(entry.curve.sd[1:], abs=0.02)


def test_z_scores_by_the_makers_own_curves_are_asked_for_by_name():
    hologic = pl.DataFrame(
        {
            "age": [12.0, 35.0],
            "sex": ["male", "female"],
            "device_maker": ["hologic", "hologic"],
            "abmd_lumbar_spine": [0.45, 1.05],
            "abmd_femoral_neck": [0.5, 0.85],
            "abmd_total_hip": [0.6, 0.95],
        }
    )
    rules = definition(
        "china_2020", reference="zhang_2007", age_reference="by_maker", people=hologic
    )
    assert rules.age_reference.id == "nhanes_2005_2010_derived"
    assert "age reference nhanes_2005_2010_derived" in rules.label
    with_class = classify(hologic, rules, accept_errors=True)
    assert with_class["bone_class"].to_list() == ["below_expected_range", "within_expected_range"]


@pytest.mark.parametrize(
    ("maker", "words"),
    [
        (["lunar"], "name GE Lunar; curves by age are embedded for densities of Hologic alone"),
        (["lunar", "hologic"], "name Hologic and GE Lunar"),
        (["other"], "name no maker that is known"),
    ],
)
def test_no_curves_are_taken_for_another_maker(maker, words):
    people = pl.DataFrame({"device_maker": maker})
    with pytest.raises(SchemaError, match=words):
        definition("nchs_bone_2021", age_reference="by_maker", people=people)


def test_a_row_without_a_density_names_no_maker():
    people = pl.DataFrame(
        {"device_maker": ["hologic", "lunar"], "abmd_total_hip": [0.9, None], "age": [30.0, 30.0]}
    )
    rules = definition(
        "china_2020", reference="zhang_2007", age_reference="by_maker", people=people
    )
    assert rules.age_reference.id == "nhanes_2005_2010_derived"


def test_the_maker_has_to_be_stated():
    with pytest.raises(DefinitionError, match=r"give people=.*--age-reference"):
        definition("nchs_bone_2021", age_reference="by_maker")
    with pytest.raises(SchemaError, match="needs the maker of the densities"):
        definition("nchs_bone_2021", age_reference="by_maker", people=pl.DataFrame({"age": [50]}))


def test_nobody_gets_them_who_did_not_ask():
    assert definition("nchs_bone_2021").age_reference is None
