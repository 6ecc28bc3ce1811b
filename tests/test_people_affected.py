"""Whose people are affected: the weights' as R totals, a standard's when asked, else nobody's."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import stats
from survey_records import OSTEO, table
from survey_records_models import jackknife

from osteo_epi.cohort import read, simulate
from osteo_epi.diagnosis import definition, young_adult_reference
from osteo_epi.errors import DesignError
from osteo_epi.population import prevalence
from osteo_epi.report import run
from osteo_epi.survey import ReplicateDesign, SurveyDesign, total
from osteo_epi.tables import prevalence_table

EVERYBODY = SimpleNamespace(
    label="golden",
    class_limits=lambda **_: "",
    sha256="0",
    reference=None,
    criterion=SimpleNamespace(prevalence_ages="[0, inf)", z_score=None),
)
TAKING = SimpleNamespace(
    **{**vars(EVERYBODY), "evidence": frozenset({"dxa", "fracture"})},
    fracture_open="not_established",
)
OF_WEIGHTS = "the population that the weights describe"
HOW: dict[str, Any] = {"classes": ["osteoporosis"], "age_bands": (0, 65, 200)}


def classified(frame: pl.DataFrame, outcome: str) -> pl.DataFrame:
    """A 0/1 column as the class; null is not classified."""
    name = pl.when(pl.col(outcome) == 1).then(pl.lit("osteoporosis"))
    return frame.with_columns(
        pl.col("age").cast(pl.Float64),
        bone_class=name.when(pl.col(outcome) == 0).then(pl.lit("normal")),
    )


def crude(frame: Any, design: Any, **how: Any) -> dict[str, Any]:
    rows = prevalence(frame, EVERYBODY, design=design, **(HOW | how)).to_frame()
    return rows.filter(statistic="crude").row(-1, named=True)


# ---- of the weights


@pytest.mark.parametrize("lonely", ["certainty", "adjust", "average"])
def test_totals_equal_r_survey(lonely: str, golden: Any) -> None:
    record = golden("a_survey.json")[f"lonely.{lonely}"]["result"]["total"]
    people = classified(table("osteo_survey_lonely"), "priorfx")
    row = crude(people, SurveyDesign("wt", "strata", "psu", lonely=lonely))
    assert row["people_affected"] == pytest.approx(record["estimate"]["priorfx"], rel=1e-8)
    assert row["people_affected_se"] == pytest.approx(record["se"]["priorfx"], rel=1e-8)
    reach = stats.t.ppf(0.975, row["df"]) * row["people_affected_se"]
    assert row["people_affected_upper"] == pytest.approx(row["people_affected"] + reach, rel=1e-12)
    assert row["people_affected_lower"] == pytest.approx(row["people_affected"] - reach, rel=1e-12)
    assert row["people_affected_of"] == OF_WEIGHTS


def test_totals_by_replicate_weights_equal_r_survey(golden: Any) -> None:
    record = golden("a_survey.json")["rep.JKn"]["result"]
    drawn = jackknife(OSTEO.arrays(table("osteo_survey")))
    weights = pl.DataFrame(drawn, schema=[f"rw{r}" for r in range(drawn.shape[1])])
    frame = pl.concat([table("osteo_survey"), weights], how="horizontal")
    design = ReplicateDesign("wt", "rw", "JKn", rscales=tuple(record["rscales"]))
    row = crude(classified(frame, "priorfx"), design)
    assert row["people_affected"] == pytest.approx(record["total"]["estimate"]["priorfx"], rel=1e-8)
    assert row["people_affected_se"] == pytest.approx(record["total"]["se"]["priorfx"], rel=1e-8)


def test_those_not_classified_are_like_those_classified() -> None:
    """Rate times everybody's weights, with the error of both: svycontrast(quote(a / b * c))."""
    frame = table("osteo_survey")
    row = crude(classified(frame, "osteo"), OSTEO)
    outcome = frame["osteo"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    there = ~np.isnan(outcome)
    assert row["n_missing"] == (~there).sum() > 0
    parts = np.column_stack([np.where(there, outcome, 0.0), there, np.ones(len(there))])
    joint = total(parts.astype(float), OSTEO.arrays(frame))
    a, b, c = joint.value
    gradient = np.array([c / b, -a * c / b**2, a / b])
    assert row["people_affected"] == pytest.approx(a / b * c, rel=1e-12)
    expected = np.sqrt(gradient @ joint.covariance @ gradient)
    assert row["people_affected_se"] == pytest.approx(expected, rel=1e-9)


def test_both_parts_of_a_prevalence_enter_the_total() -> None:
    """Everybody times f + (1 − f)·q, with the error of all three, by the delta method."""
    frame = table("osteo_survey").with_columns(
        pl.col("age").cast(pl.Float64),
        fragility_fracture=pl.when(pl.col("id") % 17 != 0).then(pl.col("priorfx") == 1),
        fracture_open_record=pl.lit(False),
        score_applied=pl.lit("t"),
        sites_complete=pl.col("osteo").is_not_null(),
    )
    broken = pl.col("fragility_fracture").fill_null(False)
    people = classified(frame, "osteo").with_columns(
        bone_class=pl.when(broken).then(pl.lit("osteoporosis")).otherwise("bone_class")
    )
    measured = frame["osteo"].is_not_null().to_numpy()
    known = frame["fragility_fracture"].is_not_null().to_numpy() | measured
    established = frame["fragility_fracture"].fill_null(False).to_numpy()
    density = ~established & measured
    low = density & (frame["osteo"] == 1).fill_null(False).to_numpy()
    parts = np.column_stack([established, known, low, density, np.ones(len(known), dtype=bool)])
    joint = total(parts.astype(float), OSTEO.arrays(frame))
    a, b, c, d, everybody = joint.value
    f, q = a / b, c / d
    spared = everybody * (1 - f)
    one = everybody * (1 - q)
    share = f + (1 - f) * q
    gradient = np.array([one / b, -one * f / b, spared / d, -spared * q / d, share])
    row = prevalence(people, TAKING, design=OSTEO, **HOW).to_frame().row(0, named=True)
    assert row["estimate"] == pytest.approx(share, rel=1e-12)
    assert row["people_affected"] == pytest.approx(everybody * share, rel=1e-12)
    expected = np.sqrt(gradient @ joint.covariance @ gradient)
    assert row["people_affected_se"] == pytest.approx(expected, rel=1e-9)


def test_bands_and_groups_have_theirs_and_the_standardised_rows_have_none() -> None:
    people = classified(table("osteo_survey"), "priorfx").with_columns(
        sex=pl.when(sex=1).then(pl.lit("female")).otherwise(pl.lit("male"))
    )
    how = HOW | {"by": "sex", "standard": "us_2000", "age_bands": (50, 65, float("inf"))}
    rows = prevalence(people, EVERYBODY, design=OSTEO, **how).to_frame()
    assert rows.filter(statistic="age_standardised")["people_affected"].count() == 0
    crude_rows = dict(rows.filter(statistic="crude").select("sex", "people_affected").iter_rows())
    assert crude_rows["all"] == pytest.approx(crude_rows["female"] + crude_rows["male"])
    bands = rows.filter(statistic="age_band", sex="female")["people_affected"]
    assert bands.sum() == pytest.approx(crude_rows["female"])


def test_nobody_affected_keeps_an_upper_limit_and_no_limit_is_below_zero() -> None:
    people = classified(table("osteo_survey"), "priorfx")
    none = crude(people.with_columns(bone_class=pl.lit("normal")), OSTEO)
    assert none["people_affected"] == none["people_affected_lower"] == 0
    size = people["wt"].sum()
    assert none["people_affected_upper"] == pytest.approx(size * none["upper"])
    first = pl.int_range(pl.len()) == 0
    one = people.with_columns(
        bone_class=pl.when(first).then(pl.lit("osteoporosis")).otherwise(pl.lit("normal"))
    )
    assert crude(one, OSTEO)["people_affected_lower"] == 0


def test_a_cycle_of_several_is_given_no_part_of_the_population() -> None:
    """Weights of k cycles together are divided by k: one cycle's sum is no population."""
    people = classified(table("osteo_survey"), "priorfx").with_columns(
        cycle=(pl.int_range(pl.len()) % 2).cast(pl.String)
    )
    rows = prevalence(people, EVERYBODY, design=OSTEO, by="cycle", **HOW).to_frame()
    given = rows.filter(pl.col("people_affected").is_not_null())
    assert set(given["cycle"]) == {"all"}


def test_nhanes_2017_are_the_population_of_the_file(shared: Path) -> None:
    """13.1 million of 113.8 million; the rate on the population of 2000 gives 9.21 million."""
    people = read(shared / "data" / "nhanes" / "2017-2018", source="nhanes")
    rules = definition("nchs_bone_2021")
    how: dict[str, Any] = {"standard": "us_2000_bone", "classes": ["osteoporosis"]}
    result = prevalence(people, rules, **how)
    row = result.to_frame().filter(statistic="crude").row(0, named=True)
    assert round(row["people_affected"] / 1e6, 1) == 13.1
    assert any("113,833,772" in note for note in result.notes)
    old = prevalence(people, rules, people_affected="standard", **how).to_frame()
    row = old.filter(statistic="age_standardised").row(0, named=True)
    assert round(row["people_affected"] / 1e6, 2) == 9.21
    assert row["people_affected_of"].startswith("the population of United States 2000")


# ---- of nobody, and errors


def clinic() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "age": [55.0, 67.0, 72.0, 81.0] * 12,
            "sex": ["female"] * 48,
            "bone_class": ["normal", "osteoporosis", "normal", "normal"] * 12,
        }
    )


def test_a_clinic_is_no_population_unless_somebody_says_so() -> None:
    how = {"classes": ["osteoporosis"], "standard": "china_2010", "age_bands": (50, float("inf"))}
    result = prevalence(clinic(), EVERYBODY, **how)
    assert result.to_frame()["people_affected"].count() == 0
    assert result.meta["people_affected"] == "none"
    assert any("--people-affected standard" in note for note in result.notes)
    assert "People affected [" not in result._repr_html_()
    stated = prevalence(clinic(), EVERYBODY, people_affected="standard", **how)
    heading = "People affected [million] in the population of China, population census 2010"
    assert heading in stated._repr_html_()
    assert any("in the population of China" in note for note in prevalence_table(stated).notes)
    silent = prevalence(clinic(), EVERYBODY, people_affected="none", **how)
    assert not any("people affected" in note for note in silent.notes)


def test_the_rate_of_women_is_not_put_on_the_men_of_a_standard() -> None:
    how = {"classes": ["osteoporosis"], "standard": "china_2010", "people_affected": "standard"}
    ages = {"age_bands": (50, float("inf"))}
    for by in ([], ["sex"]):
        rows = prevalence(clinic(), EVERYBODY, by=by, **how, **ages).to_frame()
        given = rows.filter(statistic="age_standardised")
        assert given["people_affected"].to_list() == pytest.approx([169_173_952 / 4] * given.height)


def test_normalised_weights_describe_no_population() -> None:
    people = clinic().with_columns(w=pl.Series(np.resize([0.8, 1.2], 48)))
    design = SurveyDesign(weight="w")
    assert crude(people, design)["people_affected"] is None
    with pytest.raises(DesignError, match="weights w have a mean of 1 and describe no population"):
        crude(people, design, people_affected="weights")
    with pytest.raises(DesignError, match="equal weights have a mean of 1"):
        crude(people, None, people_affected="weights")


@pytest.mark.parametrize("scale", [0.9, 1.0, 1.025, 1.5])
def test_the_design_effect_does_not_turn_on_the_scale_of_normalised_weights(scale) -> None:
    """Times 1.025 took it from 1.15 to 96: 1 - n/sum of the weights is 0.024 there."""
    frame = classified(table("osteo_survey"), "osteo")
    scaled = pl.col("wt") / pl.col("wt").mean()
    frame = frame.with_columns(base=scaled, w=scaled * scale)
    one, other = (crude(frame, SurveyDesign(w, "strata", "psu")) for w in ("base", "w"))
    same = ("estimate", "se", "lower", "upper", "n_effective", "df", "deff")
    assert [other[name] for name in same] == pytest.approx([one[name] for name in same], rel=1e-12)
    result = prevalence(frame, EVERYBODY, design=SurveyDesign("w", "strata", "psu"), **HOW)
    assert any("design effects are against sampling with replacement" in n for n in result.notes)


def test_the_design_effect_of_normalised_weights_is_that_with_replacement_of_r(golden) -> None:
    records = golden("a_survey.json")
    record = next(r["result"] for k, r in records.items() if k.endswith(".deff.osteo"))
    frame = classified(table("osteo_survey"), "osteo")
    frame = frame.with_columns(w=pl.col("wt") / pl.col("wt").mean())
    row = crude(frame, SurveyDesign("w", "strata", "psu"))
    assert row["deff"] == pytest.approx(record["deff_replace"], rel=1e-8)
    assert crude(frame, SurveyDesign("wt", "strata", "psu"))["deff"] == pytest.approx(
        record["deff"], rel=1e-8
    )


def test_a_stated_population_is_believed_whatever_the_mean_weight() -> None:
    """A census of three in four of 64: the design effect is about 1 without replacement."""
    people = clinic().with_columns(fpc=pl.lit(64.0))
    assert crude(people, SurveyDesign(fpc="fpc"))["deff"] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"people_affected": "census"}, "must be one of weights, standard, none"),
        ({"people_affected": "standard"}, "name it with standard= "),
    ],
)
def test_wrong_answers_name_the_option(how: dict[str, str], message: str) -> None:
    with pytest.raises(DesignError, match=message) as error:
        crude(clinic(), None, **how)
    assert "--people-affected" in str(error.value)


def test_a_standard_of_shares_has_no_people() -> None:
    how = HOW | {"standard": "who_2000", "people_affected": "standard"}
    how["age_bands"] = (50, float("inf"))
    result = prevalence(clinic(), EVERYBODY, **how)
    assert result.to_frame()["people_affected"].count() == 0
    assert any("holds shares" in note for note in result.notes)


# ---- with the error of a reference


def test_the_error_of_the_reference_enters_the_total() -> None:
    frame = simulate(9_000, seed=4).frame.with_columns(
        survey_weight=pl.lit(900.0) + pl.col("age"), stratum=pl.lit(1), psu=pl.int_range(pl.len())
    )
    own = definition("china_2020", reference=young_adult_reference(frame))
    rows = [
        prevalence(frame, own, classes=["osteoporosis"], reference_error=error)
        .to_frame()
        .filter(statistic="crude")
        .row(0, named=True)
        for error in (False, True)
    ]
    known, whole = rows
    size = known["people_affected"] / known["estimate"]
    added = size * np.sqrt(whole["se"] ** 2 - known["se"] ** 2)
    expected = np.hypot(known["people_affected_se"], added)
    assert whole["people_affected_se"] == pytest.approx(expected)
    assert whole["people_affected_se"] > known["people_affected_se"]
    assert whole["people_affected"] == known["people_affected"]
    assert (
        whole["people_affected_lower"]
        < known["people_affected_lower"]
        < known["people_affected_upper"]
        < whole["people_affected_upper"]
    )


# ---- of a run


def test_a_run_says_whose_they_are() -> None:
    result = run(n=9_000, seed=3)
    frame = result.to_frame()
    census = "China, population census 2010"
    assert set(frame["people_affected_of"].drop_nulls()) == {f"the population of {census}"}
    assert frame.filter(statistic="age_standardised")["people_affected"].null_count() == 0
    told = f"The number of people affected is that of the population of {census}."
    assert told in result.methods.en
    assert "患病人数对应于2010年中国人口普查人口。" in result.methods.zh
    assert "--people-affected standard" in result.manifest["command"]
    none = run(n=9_000, seed=3, people_affected="none")
    assert none.to_frame()["people_affected"].count() == 0
    assert "people affected" not in none.methods.en
