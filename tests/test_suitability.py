"""A reference that contradicts the data classes nobody until somebody has accepted it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from in_parts import InParts

import osteo_epi as oe
from osteo_epi.calibration import with_maker_scale
from osteo_epi.cohort import Cohort
from osteo_epi.diagnosis import classify, definition, suitability_findings
from osteo_epi.errors import NormError, OsteoEpiWarning, SchemaError
from osteo_epi.population import prevalence

ROIS = ("lumbar_spine", "femoral_neck", "total_hip")
ZHANG = definition("china_2020", reference="zhang_2007")
NHANES = definition("china_2020", reference="nhanes3_white", sites=["hip"])


def women(n: int = 400, *, mean: float = 0.85, **columns: Any) -> pl.DataFrame:
    rng = np.random.default_rng(11)
    density = {f"abmd_{roi}": rng.normal(mean, 0.13, n).round(3) for roi in ROIS}
    base = pl.DataFrame({"age": np.arange(n) % 40 + 45.0, "sex": ["female"] * n, **density})
    return base.with_columns(pl.lit(value).alias(name) for name, value in columns.items())


def with_reported(
    frame: pl.DataFrame, *, mean: float, sd: float, noise: float = 0.0, decimals: int = 1
) -> pl.DataFrame:
    """The T-scores that a scanner with these young adults reports, at every region."""
    rng = np.random.default_rng(12)
    return frame.with_columns(
        ((pl.col(f"abmd_{roi}") - mean) / sd + pl.Series(rng.normal(0, noise, len(frame))))
        .round(decimals)
        .alias(f"t_score_{roi}_reported")
        for roi in ROIS
    )


def codes(frame: pl.DataFrame, rules: Any) -> list[str]:
    return [finding.code for finding in suitability_findings(frame, rules)]


@pytest.mark.parametrize(
    ("maker", "reference", "contradicts"),
    [
        ("hologic", "zhang_2007", True),
        ("lunar", "zhang_2007", False),
        ("norland", "zhang_2007", True),
        ("lunar", "nhanes3_white", True),
        ("hologic", "nhanes3_white", False),
        ("hologic", "nhanes_2005_2008_nhw", False),
        ("hologic", "wang_xiao_2022_china", False),  # nobody knows whose scale that is
        ("lunar", "wang_xiao_2022_china", False),
        ("other", "zhang_2007", False),
        ("mindways", "nhanes3_white", False),
        ("GE Healthcare", "nhanes3_white", True),
    ],
)
def test_the_maker_of_the_densities_is_compared(
    maker: str, reference: str, contradicts: bool
) -> None:
    rules = definition("china_2020", reference=reference)
    assert codes(women(device_maker=maker), rules) == ["reference_maker"] * contradicts


def test_the_scanners_own_name_tells_where_no_maker_is_stated() -> None:
    assert codes(women(device="GE Lunar iDXA"), NHANES) == ["reference_maker"]
    assert codes(women(device="Hologic Horizon"), NHANES) == []
    stated = women(device="Hologic Horizon", calibrated_to="lunar (sbmd_hui_1997)")
    assert codes(stated, NHANES) == ["reference_maker"]


def test_a_hologic_spine_is_not_scored_on_a_lunar_level_without_a_word() -> None:
    """0.81 g/cm² of Hologic is T −1.62 by the shelf's own equation and was osteoporosis."""
    woman = women(1, device_maker="hologic").with_columns(
        age=pl.lit(66.0),
        abmd_lumbar_spine=pl.lit(0.81),
        abmd_femoral_neck=pl.lit(0.80),
        abmd_total_hip=pl.lit(0.9),
    )
    with pytest.raises(SchemaError) as caught:
        classify(woman, ZHANG)
    for words in (
        "reference zhang_2007 lies on the level of GE Lunar", "grade C",
        "1 row with densities of Hologic",
        "reference=", "own_young_adults", "reported", 'with_maker_scale(people, maker="lunar")',
        "sbmd_hui_1997", "accept_errors=True (--accept-errors)",
    ):  # fmt: skip
        assert words in str(caught.value)
    accepted = classify(woman, ZHANG, accept_errors=True)
    assert accepted["bone_class"].to_list() == ["osteoporosis"]
    scaled = classify(with_maker_scale(woman, maker="lunar"), ZHANG)
    assert scaled["bone_class"].to_list() == ["low_bone_mass"]
    assert scaled["t_score_lumbar_spine"][0] == pytest.approx(-1.604, abs=0.001)


def test_what_was_accepted_rides_along_and_is_not_asked_again() -> None:
    people = Cohort.from_frame(women(device_maker="lunar"))
    with pytest.raises(SchemaError, match="reference nhanes3_white is of Hologic"):
        classify(people, NHANES)
    classified = classify(people, NHANES, accept_errors=True)
    assert classified.findings.of("reference_maker")[0].n == 400
    estimate = oe.prevalence(classified, NHANES)
    assert any("reference_maker" in note for note in estimate.notes)
    oe.definition_grid(classified, [NHANES])


def test_another_reference_is_another_question() -> None:
    people = Cohort.from_frame(women(device_maker="lunar"))
    classified = classify(people, NHANES, accept_errors=True)
    derived = definition("china_2020", reference="nhanes_2005_2008_nhw_derived")
    with pytest.raises(SchemaError, match="nhanes_2005_2008_nhw_derived is of Hologic"):
        classify(classified, derived)
    suited = classify(classified, ZHANG)
    assert not suited.findings.of("reference_maker"), "it was about the other reference"


def test_the_age_reference_is_a_warning_for_no_z_score_makes_osteoporosis() -> None:
    rules = definition("china_2020", reference="zhang_2007", age_reference="nhanes_2005_2008_nhw")
    (finding,) = suitability_findings(women(device_maker="lunar"), rules)
    assert (finding.code, finding.severity) == ("reference_maker", "warning")
    classify(women(device_maker="lunar"), rules)


@pytest.mark.parametrize("apart", [0.0, 0.2, -0.2, 0.4, -0.4, 1.0])
def test_the_reference_behind_the_files_own_scores_is_compared_at_the_cut_off(apart: float) -> None:
    """Zhang's spine is 1.116 (0.12); this scanner's has the same SD and stands `apart` SDs off."""
    spine = definition("china_2020", reference="zhang_2007", sites=["spine"])
    frame = with_reported(women(mean=0.95), mean=1.116 + apart * 0.12, sd=0.12)
    expected = ["reference_implied"] * (abs(apart) > 0.3)
    assert codes(frame, spine) == expected


def test_another_sd_is_another_reference_too() -> None:
    """The means agree; at the density of T −2.5 the file says −3.0."""
    spine = definition("china_2020", reference="zhang_2007", sites=["spine"])
    frame = with_reported(women(mean=0.95), mean=1.116, sd=0.10)
    (finding,) = suitability_findings(frame, spine)
    assert "female lumbar_spine at 0.816 g/cm²: −3.0" in finding.message
    assert finding.column == "t_score_lumbar_spine_reported"


def test_each_sex_and_region_is_compared_with_the_young_adults_that_it_is_scored_on() -> None:
    men = women(mean=0.9).with_columns(sex=pl.lit("male"))
    frame = pl.concat([with_reported(part, mean=0.942, sd=0.122) for part in (women(), men)])
    female_for_both = definition("iscd_2019", reference="nhanes3_white", sites=["total_hip"])
    assert codes(frame, female_for_both) == []
    own_sex = definition(
        "iscd_2019", reference="nhanes3_white", sites=["total_hip"], sex_rule="own_sex"
    )
    (finding,) = suitability_findings(frame, own_sex)
    assert "male total_hip" in finding.message
    assert "female total_hip" not in finding.message


def test_scores_that_follow_no_line_say_nothing() -> None:
    frame = with_reported(women(), mean=0.858, sd=0.12, noise=0.8, decimals=3)
    assert codes(frame, ZHANG) == []
    assert codes(with_reported(women(20), mean=0.7, sd=0.12), ZHANG) == []


def test_lunar_densities_with_lunar_scores_are_not_judged_by_nhanes() -> None:
    """13.0 and 1.8 % where the file's own T-scores say 37.0 and 13.2."""
    frame = with_reported(women(mean=0.8, device_maker="lunar"), mean=0.96, sd=0.12)
    assert codes(frame, NHANES) == ["reference_maker", "reference_implied"]
    with pytest.raises(SchemaError, match="reference_implied"):
        classify(frame.drop("device_maker"), NHANES)
    reported = definition("china_2020", reference="reported", sites=["hip"])
    assert codes(frame, reported) == []


def test_of_simulated_people_it_is_a_warning_that_rides_along() -> None:
    """The embedded cohort is of GE Lunar; trying another reference on it misleads nobody."""
    people = oe.simulate(2_000, seed=1)
    classified = classify(people, NHANES)
    (finding,) = classified.findings.of("reference_maker")
    assert finding.severity == "warning"
    assert not classify(people, ZHANG).findings.of("reference_maker")


def test_own_young_adults_and_reported_scores_contradict_nothing() -> None:
    frame = women(2_000, device_maker="hologic").with_columns(pl.col("age") - 20)
    frame = with_reported(frame, mean=2.0, sd=0.05)
    own = definition("china_2020", reference="own_young_adults", people=frame)
    assert codes(frame, own) == []


CORRECTION = oe.calibration.correction_between(
    {
        (name,): oe.agreement.least_squares([0.5, 0.5, 1.0, 1.5], [0.51, 0.49, 1.0, 1.5])
        for name in ("a", "b")
    },
    scale="lunar",
)
STEPS: dict[str, Callable[..., Any]] = {
    "classify": lambda p, **a: classify(p, NHANES, **a),
    "prevalence": lambda p, **a: oe.prevalence(p, NHANES, **a),
    "definition_grid": lambda p, **a: oe.definition_grid(p, [ZHANG, NHANES], **a),
    "decompose_difference": lambda p, **a: oe.population.decompose_difference(
        p, definition("china_2020", reference="zhang_2007", sites=["hip"]), NHANES, **a
    ),
    "prevalence_trend": lambda p, **a: oe.population.prevalence_trend(p, NHANES, over="wave", **a),
    "calibrated_prevalence": lambda p, **a: oe.population.calibrated_prevalence(
        p, CORRECTION, NHANES, uncertainty="none", **a
    ),
}


@pytest.mark.parametrize("as_cohort", [True, False])
@pytest.mark.parametrize("name", STEPS)
def test_every_step_that_classes_people_compares(name: str, as_cohort: bool) -> None:
    frame = women(device_maker="lunar").with_columns(
        wave=pl.Series(["2010", "2014"] * 200), device=pl.Series(["a", "b"] * 200)
    )
    people = Cohort.from_frame(frame) if as_cohort else frame
    with pytest.raises(SchemaError, match="reference nhanes3_white is of Hologic"):
        STEPS[name](people)
    STEPS[name](people, accept_errors=True)


def test_the_command_says_so_and_goes_on_when_told(tmp_path: Path) -> None:
    from click.testing import CliRunner

    from osteo_epi.cli import main

    women(device_maker="hologic").write_csv(tmp_path / "clinic.csv")
    words = ["run", str(tmp_path / "clinic.csv"), "--reference", "zhang_2007", "--no-report"]
    refused = CliRunner().invoke(main, [*words, "--out", str(tmp_path / "a")])
    assert refused.exit_code == 2
    assert "reference_maker" in refused.output
    assert "--accept-errors" in refused.output
    accepted = CliRunner().invoke(
        main, [*words, "--accept-errors", "--out", str(tmp_path / "b"), "--quiet"]
    )
    assert accepted.exit_code == 0, accepted.output
    findings = (tmp_path / "b" / "findings.csv").read_text(encoding="utf-8")
    assert "reference_maker" in findings


def test_a_scale_is_reached_by_the_two_lines_of_the_region() -> None:
    """(1087·x + 19 + 23)/939 at the femoral neck, (1055·x + 18.14 + 21.53)/968.3 at the spine."""
    frame = pl.DataFrame(
        {
            "device_maker": ["hologic", "lunar"],
            "abmd_femoral_neck": [0.8, 0.8], "abmd_l1": [0.9, 0.9],
            "bmc_l1": [9.0, 9.0], "area_l1": [10.0, 10.0],
        }
    )  # fmt: skip
    scaled = with_maker_scale(frame, maker="lunar")
    neck, vertebra = (1087 * 0.8 + 19 + 23) / 939, (1055 * 0.9 + 18.14 + 21.53) / 968.3
    assert scaled["abmd_femoral_neck"].to_list() == pytest.approx([neck, 0.8])
    assert scaled["abmd_l1"].to_list() == pytest.approx([vertebra, 0.9])
    assert scaled["bmc_l1"].to_list() == pytest.approx([10 * vertebra, 9.0])
    with pytest.raises(SchemaError, match="corrected before"):
        with_maker_scale(scaled, maker="hologic")


def test_a_region_without_an_equation_and_people_without_a_maker_are_told() -> None:
    frame = pl.DataFrame({"device_maker": ["hologic", None], "abmd_total_hip": [0.8, 0.8]})
    with pytest.warns(OsteoEpiWarning, match="no maker stated"):
        assert with_maker_scale(frame, maker="lunar")["abmd_total_hip"][1] is None
    radius = pl.DataFrame({"device_maker": ["hologic"], "abmd_radius_33": [0.6]})
    with pytest.warns(OsteoEpiWarning, match="no equation between makers for abmd_radius_33: 1"):
        assert with_maker_scale(radius, maker="lunar")["abmd_radius_33"][0] is None
    with pytest.raises(NormError, match="no equation for mindways; it has hologic"):
        with_maker_scale(radius, maker="mindways")
    people = Cohort.from_frame(women(device_maker="hologic"))
    assert with_maker_scale(people, maker="lunar").findings.of("published_equations")


def test_of_people_who_are_not_in_memory_the_first_rows_are_held_against_the_reference() -> None:
    """A lazy frame was scored by another maker's reference without a word."""
    women = pl.DataFrame(
        {
            "age": [66.0] * 40,
            "sex": ["female"] * 40,
            "device_maker": ["hologic"] * 40,
            "abmd_lumbar_spine": [0.81] * 40,
            "abmd_femoral_neck": [0.71] * 40,
            "abmd_total_hip": [0.8] * 40,
        }
    )
    rules = definition("china_2020", reference="zhang_2007")
    for people in (women, women.lazy(), InParts(women, 3)):
        for ask in (classify, prevalence):
            with pytest.raises(SchemaError, match="reference_maker"):
                ask(people, rules)
        assert prevalence(people, rules, accept_errors=True).to_polars().height


def test_the_first_rows_are_looked_at_once_for_all_definitions() -> None:
    looks = []

    def seen(rows: pl.DataFrame) -> pl.DataFrame:
        looks.append(len(rows))
        return rows

    people = women(device_maker="hologic")
    lazy = people.lazy().map_batches(seen, schema=people.schema)
    seen_by = []
    for named in (["femoral_neck"],), (["femoral_neck"], ["total_hip"], ["lumbar_spine"]):
        looks.clear()
        rules = {str(sites): oe.definition("china_2020", reference="zhang_2007", sites=sites)
                 for sites in named}  # fmt: skip
        with pytest.raises(SchemaError, match="reference_maker"):
            oe.definition_grid(lazy, rules)
        seen_by.append(len(looks))
    assert seen_by[0] == seen_by[1]
