"""Hazard and odds ratios: designs, scales, groups, classes, other software, and bad input."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from agreement_golden import FOLDER, numbers
from cox_golden import people

from osteo_epi import norms, population
from osteo_epi.errors import DefinitionError, DesignError, NormError, SchemaError
from osteo_epi.risk import hazard_ratios, odds_ratios, person_years
from osteo_epi.survey import ReplicateDesign, SurveyDesign

RECORDS = json.loads((FOLDER / "f_cox.json").read_text())
FOLLOWED = {"time": "time", "event": "fx"}
DESIGN = SurveyDesign(weight="wt", stratum="strata", psu="psu", nest=True)


def cohort(n: int = 600, *, seed: int = 3) -> pl.DataFrame:
    """Women and men of 30 centres whose fractures follow their hip density; some die."""
    rng = np.random.default_rng(seed)
    sex = rng.choice(["female", "male"], n, p=[0.7, 0.3])
    age = np.round(rng.uniform(50, 85, n), 1)
    hip = rng.normal(0.85, 0.12, n) - 0.004 * (age - 65) + 0.08 * (sex == "male")
    fracture = rng.exponential(12 * np.exp((hip - 0.85) / 0.12 * 0.7 - 0.03 * (age - 65)))
    death = rng.exponential(25 * np.exp(-0.06 * (age - 65)))
    end = np.minimum(np.minimum(fracture, death), 10)
    status = np.where(end == 10, 0, np.where(fracture < death, 1, 2))
    group = rng.choice(["a", "b", "c"], n, p=[0.5, 0.3, 0.2])
    return pl.DataFrame({
        "sex": sex, "age": age, "abmd_total_hip": hip, "years": np.round(end, 2) + 0.01,
        "status": status, "centre": np.arange(n) % 30, "group": group,
        "smoker": rng.random(n) < 0.3, "w": rng.uniform(0.5, 3, n),
        "prevalent": rng.random(n) < 1 / (1 + np.exp(1.5 + (hip - 0.85) / 0.12 * 0.6)),
    })  # fmt: skip


HIP = {"time": "years", "event": "status", "event_positive": 1, "exposures": "abmd_total_hip"}


def test_a_survey_has_the_coefficients_and_errors_of_svycoxph(golden):
    theirs = golden("a_survey.json")["cohort.svycoxph"]["result"]
    result = hazard_ratios(
        people("osteo_cohort_survey"), **FOLLOWED, exposures="tscore",
        adjust=["age", "prior", "tbs"], decrease=False, design=DESIGN,
    )  # fmt: skip
    (model,) = result.models
    frame = model.coefficients
    for name, coefficient, se in frame.select("term", "coefficient", "se").iter_rows():
        assert coefficient == pytest.approx(theirs["coef"][name], rel=1e-8)
        assert se == pytest.approx(theirs["se"][name], rel=1e-8)
    order = [theirs["vcov"]["rows"].index(name) for name in frame["term"]]
    expected = np.array(theirs["vcov"]["values"])[np.ix_(order, order)]
    assert model.covariance == pytest.approx(expected, rel=1e-8)
    # R takes the normal law; a design has degrees of freedom.
    low, high = theirs["ci"]["values"][theirs["ci"]["rows"].index("tscore")]
    ratio = result["tscore"]
    assert np.log(ratio.lower) < low < high < np.log(ratio.upper)


def test_per_sd_by_sex_is_the_record_with_its_interaction():
    frame = people().with_columns(
        who=pl.when(pl.col("sex") == 0).then(pl.lit("a")).otherwise(pl.lit("b"))
    )
    result = hazard_ratios(
        frame, **FOLLOWED, exposures="tscore", adjust="age", by="who", per_sd="sample",
        reference_levels={"who": "a"},
    )  # fmt: skip
    theirs = RECORDS["cox.per_sd_sex"]["result"]
    in_a, in_b = (ratio.ratio.estimate for ratio in result.ratios)
    assert in_a == pytest.approx(theirs["hr"]["I(-t_sd)"], rel=1e-8)
    assert in_b / in_a == pytest.approx(theirs["hr"]["I(-t_sd):sex"], rel=1e-8)
    z = theirs["coef"]["I(-t_sd):sex"] / theirs["se"]["I(-t_sd):sex"]
    assert result.interaction["statistic"].item() == pytest.approx(z**2, rel=1e-8)
    # R takes the deviation as known.
    sd = frame["tscore"].std()
    plain = hazard_ratios(frame, **FOLLOWED, exposures="tscore", adjust="age", per_sd=sd)
    one, record = plain["tscore"], RECORDS["cox.per_sd"]["result"]
    for ours, name in ((one.estimate, "hr"), (one.lower, "lo"), (one.upper, "hi")):
        assert ours == pytest.approx(record[name]["I(-t_sd)"], rel=1e-8)
    own = hazard_ratios(frame, **FOLLOWED, exposures="tscore", adjust="age", per_sd="sample")
    assert own.ratios[0].sd == pytest.approx(sd, rel=1e-12)


@pytest.mark.parametrize("kind", ["hazard", "odds"])
def test_limits_count_the_error_of_an_estimated_sd(kind):
    frame = cohort().with_columns(w=pl.lit(1.0))
    ask, given = (hazard_ratios, HIP) if kind == "hazard" else (
        odds_ratios, {"event": "prevalent", "exposures": "abmd_total_hip"})  # fmt: skip
    x = frame["abmd_total_hip"].to_numpy()
    own, known = (ask(frame, **given, design="srs", per_sd=sd).ratios[0]
                  for sd in ("sample", float(x.std(ddof=1))))  # fmt: skip
    log, square = np.log(known.ratio.estimate), (x - x.mean()) ** 2
    relative = np.std(square) / square.mean() / 2 / np.sqrt(len(x))
    assert own.ratio.estimate == pytest.approx(known.ratio.estimate, rel=1e-12)
    assert own.log_se == pytest.approx(np.hypot(known.log_se, log * relative), rel=1e-10)
    reach = 1.959963984540054 * log * relative
    for side in ("lower", "upper"):
        near, far = (np.log(getattr(one.ratio, side)) - log for one in (known, own))
        assert abs(far) == pytest.approx(np.hypot(near, reach), rel=1e-10)
    assert own.p == known.p


def test_the_error_of_an_estimated_sd_is_summed_to_units():
    frame = cohort().with_columns(w=pl.lit(1.0))
    design = SurveyDesign(weight="w", psu="centre")
    alike = hazard_ratios(frame, **HIP, per_sd="sample", cluster="centre", design="srs").ratios[0]
    drawn = hazard_ratios(frame, **HIP, per_sd="sample", design=design).ratios[0]
    assert drawn.log_se == pytest.approx(alike.log_se * np.sqrt(30 / 29), rel=1e-10)


def test_profile_limits_of_r_are_near_and_ours_are_roots():
    from statsmodels.api import GLM, add_constant
    from statsmodels.genmod.families import Binomial

    frame = people("osteo_diag")
    x, y = frame.select("ost", "age", "qus").to_numpy(), frame["y"].to_numpy()
    result = odds_ratios(frame, event="y", exposures=["ost", "age", "qus"], mutual=True,
                         decrease=False, design="srs")  # fmt: skip
    top = GLM(y, add_constant(x), family=Binomial()).fit(tol=1e-14).llf
    theirs = dict(numbers(RECORDS["logistic"]["result"]))
    for j, row in enumerate(result.to_frame().iter_rows(named=True)):
        for side, name in enumerate(("lower", "upper")):
            end = np.log(row[name])
            assert end == pytest.approx(theirs[f"prof.values.{(1, 2, 3)[j]}.{side}"], rel=2e-3)
            rest = add_constant(np.delete(x, j, axis=1))
            lower = GLM(y, rest, family=Binomial(), offset=x[:, j] * end).fit(tol=1e-14).llf
            assert 2 * (top - lower) == pytest.approx(3.841458820694124, rel=1e-8)


def test_odds_of_a_survey_are_those_of_the_survey_room():
    from osteo_epi.survey import covariates, survey_regression

    frame = cohort()
    design = SurveyDesign(weight="w", psu="centre")
    ours = odds_ratios(
        frame, event="prevalent", exposures="abmd_total_hip", adjust=["age", "group"],
        decrease=False, design=design, reference_levels={"group": "a"},
    )  # fmt: skip
    table, names = covariates(frame, ["abmd_total_hip", "age", "group"])
    theirs = survey_regression(frame["prevalent"].to_numpy().astype(float), table,
                               design.arrays(frame), family="binomial", names=names)  # fmt: skip
    rows = theirs.to_frame()
    assert ours.coefficients["coefficient"].to_list() == pytest.approx(
        rows["estimate"][1:].to_list(), rel=1e-9
    )
    assert ours.coefficients["se"].to_list() == pytest.approx(rows["se"][1:].to_list(), rel=1e-9)
    assert np.log(ours["abmd_total_hip"].lower) == pytest.approx(rows["lower"][1], rel=1e-9)


@pytest.mark.parametrize("kind", ["hazard", "odds"])
def test_replicates_are_near_the_linearised_errors(kind):
    frame = cohort()
    # A jackknife of the 30 centres.
    weights = {f"r{k}": pl.when(pl.col("centre") == k).then(0.0).otherwise(pl.col("w") * 30 / 29)
               for k in range(30)}  # fmt: skip
    frame = frame.with_columns(**weights)
    jackknife = ReplicateDesign(weight="w", replicates=tuple(weights), kind="JK1")
    linear = SurveyDesign(weight="w", psu="centre")
    ask, given = (hazard_ratios, HIP) if kind == "hazard" else (
        odds_ratios, {"event": "prevalent", "exposures": "abmd_total_hip"})  # fmt: skip
    results = [ask(frame, **given, per_sd="population", design=d) for d in (jackknife, linear)]
    one, two = (result.ratios[0] for result in results)
    assert one.ratio.estimate == pytest.approx(two.ratio.estimate, rel=1e-10)
    assert one.log_se == pytest.approx(two.log_se, rel=0.1)


def test_weights_alone_give_the_robust_error_and_clusters_theirs():
    frame = cohort()
    apart = hazard_ratios(frame, **HIP, design=SurveyDesign(weight="w"))
    n = frame.height
    clustered = hazard_ratios(frame.with_columns(w=pl.lit(1.0)), **HIP, cluster="centre",
                              design="srs")  # fmt: skip
    sampled = hazard_ratios(frame.with_columns(w=pl.lit(1.0)), **HIP,
                            design=SurveyDesign(weight="w", psu="centre"))  # fmt: skip
    # A design has m / (m − 1) in its variance, clusters by Lin and Wei have not.
    assert sampled.ratios[0].log_se == pytest.approx(
        clustered.ratios[0].log_se * np.sqrt(30 / 29), rel=1e-10
    )
    assert apart.n == n
    assert "clustered" in clustered.ratios[0].ratio.method


def test_the_source_of_the_sd_is_stated_and_divides():
    frame = cohort()
    one = {source: hazard_ratios(frame, **HIP, per_sd=source, domain=pl.col("sex") == "female",
                                 design=SurveyDesign(weight="w")).ratios[0]
           for source in ("sample", "population", "zhang_2007", 0.1)}  # fmt: skip
    women = frame.filter(pl.col("sex") == "female")["abmd_total_hip"].to_numpy()
    weight = frame.filter(pl.col("sex") == "female")["w"].to_numpy()
    mean = np.average(women, weights=weight)
    spread = np.average((women - mean) ** 2, weights=weight) * len(women) / (len(women) - 1)
    reference = norms.load("young_adult", "zhang_2007").mean_sd("female", "total_hip").sd
    sds = {
        "sample": women.std(ddof=1),
        "population": np.sqrt(spread),
        "zhang_2007": reference,
        0.1: 0.1,
    }
    for source, sd in sds.items():
        assert one[source].sd == pytest.approx(sd, rel=1e-12)
        assert np.log(one[source].ratio.estimate) / sd == pytest.approx(
            np.log(one[0.1].ratio.estimate) / 0.1, rel=1e-9
        )
    words = [one[source].sd_source for source in sds]
    assert words[0] == "people of the model"
    assert words[1] == "population, by the weights"
    assert words[2].startswith("zhang_2007 (female ")
    assert words[3] == "as stated"


def test_a_reference_divides_each_sex_by_its_own_sd():
    frame = cohort()
    reference = norms.load("young_adult", "nhanes_2005_2008_nhw")
    entries = {sex: reference.mean_sd(sex, "total_hip") for sex in ("female", "male")}
    if any(entry is None for entry in entries.values()):
        pytest.skip("the reference lacks a sex")
    ours = hazard_ratios(frame, **HIP, adjust="sex", per_sd="nhanes_2005_2008_nhw").ratios[0]
    sd = frame["sex"].replace_strict({sex: e.sd for sex, e in entries.items()}).to_numpy()
    by_hand = frame.with_columns(hip=pl.col("abmd_total_hip") / pl.Series(sd))
    theirs = hazard_ratios(by_hand, **HIP | {"exposures": "hip"}, adjust="sex").ratios[0]
    assert ours.ratio.estimate == pytest.approx(theirs.ratio.estimate, rel=1e-10)


def test_a_reference_needs_sex():
    with pytest.raises(SchemaError, match="read by sex, and the data have no column sex"):
        hazard_ratios(cohort().drop("sex"), **HIP, per_sd="zhang_2007")
    with pytest.raises(NormError, match="no standard deviation of abmd_total_hip for sex other"):
        hazard_ratios(cohort().with_columns(sex=pl.lit("other")), **HIP, per_sd="zhang_2007")


def test_less_density_more_fractures_is_a_ratio_above_1():
    frame = cohort()
    less = hazard_ratios(frame, **HIP, per_sd="sample").ratios[0]
    more = hazard_ratios(frame, **HIP, per_sd="sample", decrease=False).ratios[0]
    assert less.ratio.lower > 1
    assert less.ratio.estimate * more.ratio.estimate == pytest.approx(1, rel=1e-12)
    assert (less.contrast, more.contrast) == ("per SD decrease", "per SD increase")


def test_every_table_says_what_is_compared():
    result = hazard_ratios(
        cohort(),
        **HIP | {"exposures": ["abmd_total_hip", "age"]},
        adjust=["w", "smoker"],
        mutual=True,
    )
    assert result.coefficients.select("term", "contrast").rows() == [
        ("abmd_total_hip", "per unit decrease"), ("age", "per unit decrease"),
        ("w", "per unit increase"), ("smoker", "per unit increase"),
    ]  # fmt: skip
    assert "age per unit decrease" in repr(result)


def test_death_competing_is_followed_until_then_and_said():
    frame = cohort()
    result = hazard_ratios(frame, **HIP, competing="status", competing_positive=2)
    assert result.measure == "cause-specific hazard ratio"
    assert (
        result["abmd_total_hip"].estimate == hazard_ratios(frame, **HIP)["abmd_total_hip"].estimate
    )
    assert any("people had the competing event" in note for note in result.notes)
    assert result.person_time == pytest.approx(frame["years"].sum())


def test_classes_are_compared_to_the_largest_or_to_the_one_stated():
    frame = cohort()
    largest = hazard_ratios(frame, **HIP | {"exposures": "group"})
    assert [r.contrast for r in largest.ratios] == ["b against a", "c against a"]
    stated = hazard_ratios(frame, **HIP | {"exposures": "group"}, reference_levels={"group": "c"})
    assert stated.ratios[0].contrast == "a against c"
    assert stated.ratios[0].ratio.estimate == pytest.approx(1 / largest.ratios[1].ratio.estimate)
    coded = hazard_ratios(
        frame.with_columns(group=pl.col("group").replace_strict({"a": 1, "b": 2, "c": 3})),
        **HIP | {"exposures": "group"}, categories="group",
    )  # fmt: skip
    assert [r.ratio for r in coded.ratios] == [r.ratio for r in largest.ratios]
    assert (
        hazard_ratios(frame, **HIP | {"exposures": "smoker"}).ratios[0].contrast == "yes against no"
    )


def test_a_word_for_missing_is_no_class_and_is_said():
    people = cohort().with_columns(
        group=pl.when(pl.col("group") == "c").then(pl.lit("unknown")).otherwise("group"),
        broke=pl.when("prevalent").then(pl.lit("hip")).when(pl.col("age") > 80)
        .then(pl.lit("NA")).otherwise(pl.lit("no")),
    )  # fmt: skip
    odds = odds_ratios(people, event="broke", event_positive="hip", exposures="group")
    hazards = hazard_ratios(people, **HIP, adjust="group", strata=None)
    for result in (odds, hazards):
        assert any('rows of group hold a word for missing ("unknown")' in n for n in result.notes)
    assert [one.contrast for one in odds.ratios] == ["b against a"]
    assert any('rows of broke hold a word for missing ("NA")' in note for note in odds.notes)
    assert hazards.coefficients["term"].to_list() == ["abmd_total_hip", "group b"]


def test_one_model_an_exposure_or_one_for_all():
    frame = cohort()
    given = HIP | {"exposures": ["abmd_total_hip", "smoker"]}
    apart = hazard_ratios(frame, **given, adjust="age")
    together = hazard_ratios(frame, **given, adjust="age", mutual=True)
    assert len(apart.models) == 2
    (model,) = together.models
    assert model.coefficients["term"].to_list() == ["abmd_total_hip", "smoker", "age"]
    alone = hazard_ratios(frame, **HIP, adjust="age")
    assert apart["abmd_total_hip"] == alone["abmd_total_hip"]


def test_people_outside_the_domain_and_without_a_covariate_change_nothing():
    frame = cohort().with_columns(
        age=pl.when(pl.int_range(pl.len()) % 7 == 0).then(None).otherwise(pl.col("age"))
    )
    result = hazard_ratios(frame, **HIP, adjust="age", domain=pl.col("sex") == "female")
    kept = frame.filter(pl.col("sex") == "female").drop_nulls()
    assert result.n == kept.height
    assert result["abmd_total_hip"].estimate == pytest.approx(
        hazard_ratios(kept, **HIP, adjust="age")["abmd_total_hip"].estimate, rel=1e-10
    )
    assert any("lack age and are left out" in note for note in result.notes)


def test_a_change_of_the_effect_with_time_is_found_and_said():
    rng = np.random.default_rng(1)
    n = 2000
    risk = rng.random(n) < 0.5
    # The hazard of those with the risk falls from four times to the same after one year.
    early = rng.exponential(1 / np.where(risk, 0.4, 0.1), n)
    late = 1 + rng.exponential(10, n)
    time = np.where(early < 1, early, late)
    frame = pl.DataFrame({"years": np.minimum(time, 5) + 1e-3, "status": (time < 5).astype(int),
                          "risk": risk})  # fmt: skip
    result = hazard_ratios(frame, time="years", event="status", exposures="risk")
    assert result.proportional_hazards.filter(pl.col("term") == "risk")["p"].item() < 0.001
    assert any("its effect changes with time" in note for note in result.notes)


def test_the_design_based_test_of_proportional_hazards_is_near_that_of_people():
    frame = cohort(3000).with_columns(w=pl.lit(1.0))
    simple = hazard_ratios(frame, **HIP, adjust="age", design="srs").proportional_hazards
    robust = hazard_ratios(frame, **HIP, adjust="age",
                           design=SurveyDesign(weight="w")).proportional_hazards  # fmt: skip
    assert robust["statistic"].to_list() == pytest.approx(
        simple["statistic"].to_list(), rel=0.25, abs=0.05
    )


def test_events_at_one_time_have_a_ratio_and_no_test_of_its_change():
    people = pl.DataFrame({"years": [1.0, 2, 3, 3, 3, 4, 5, 6], "hip": [0, 0, 1, 0, 1, 0, 0, 0],
                           "x": [1.0, 3, 0, 2, 5, 4, 1, 2]})  # fmt: skip
    result = hazard_ratios(people, time="years", event="hip", exposures="x")
    assert result["x"].lower < result["x"].estimate < result["x"].upper
    assert result.proportional_hazards["p"].null_count() == 2
    assert any("x: whether its effect changes with time cannot be tested" in n
               for n in result.notes)  # fmt: skip


def test_age_as_time_scale_and_strata():
    frame = cohort().with_columns(end=pl.col("age") + pl.col("years"))
    result = hazard_ratios(
        frame, time="end", entry="age", event="status", event_positive=1,
        exposures="abmd_total_hip", strata="sex", by="sex",
    )  # fmt: skip
    assert "sex male" not in result.coefficients["term"].to_list()
    assert result.person_time == pytest.approx(frame["years"].sum())
    assert [ratio.group for ratio in result.ratios] == ["female", "male"]


def test_few_events_and_few_clusters_are_said():
    frame = cohort(60)
    result = hazard_ratios(frame, **HIP, adjust=["age", "group", "smoker"], cluster="group")
    assert any("events for 5 coefficients" in note for note in result.notes)
    assert any(note.startswith("3 clusters") for note in result.notes)


def test_a_result_shows_itself():
    result = hazard_ratios(cohort(), **HIP, per_sd="sample", by="sex")
    assert repr(result).startswith("Association(hazard ratio of status 1: abmd_total_hip")
    assert "per SD decrease" in result._repr_html_()
    assert result.to_frame().columns[:5] == ["measure", "exposure", "contrast", "group", "estimate"]
    with pytest.raises(KeyError, match="has 2 ratios here"):
        result["abmd_total_hip"]


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"exposures": []}, DefinitionError, "exposures="),
        ({"exposures": ["age", "age"]}, DefinitionError, "age stand twice"),
        ({"exposures": 5}, DefinitionError, "exposures=5"),
        ({"adjust": ["abmd_total_hip"]}, DefinitionError, "an exposure, and named as adjust="),
        ({"by": "abmd_total_hip"}, DefinitionError, "an exposure, and named as by="),
        ({"splines": {"age": 4}}, DefinitionError, "not among adjust="),
        ({"adjust": "age", "splines": {"age": 12}}, DefinitionError, "splines of age=12"),
        ({"categories": "centre"}, DefinitionError, "centre is in categories="),
        ({"per_sd": "zhang_1999"}, NormError, "neither \"sample\" nor \"population\""),
        ({"per_sd": 0}, DefinitionError, "per_sd=0"),
        ({"per_sd": True}, DefinitionError, "per_sd=True"),
        ({"per_sd": "zhang_2007", "exposures": "age"}, DesignError, "areal densities only"),
        ({"exposures": "absent"}, SchemaError, "absent"),
        ({"exposures": "one"}, SchemaError, "one: the same in everybody"),
        ({"exposures": "one", "per_sd": "sample"}, SchemaError, "one is the same in everybody"),
        ({"exposures": "word"}, SchemaError, "everybody of the model is of one class"),
        ({"exposures": ["abmd_total_hip", "twice"], "mutual": True}, SchemaError,
         "twice is made of abmd_total_hip"),
        ({"exposures": "case"}, SchemaError, "this tells those with the event"),
        ({"exposures": "names"}, SchemaError, "classes; more than 50"),
        ({"exposures": "group", "reference_levels": {"group": "z"}}, SchemaError, "no class z"),
        ({"by": "word"}, SchemaError, "everybody of the model is of one class"),
        ({"by": ["sex"]}, DefinitionError, "by is a list"),
        ({"cluster": ["centre"]}, DefinitionError, "cluster is a list"),
        ({"cluster": "zz"}, SchemaError, "column zz, named as cluster="),
        ({"per_sd": {"abmd_hip": "sample"}}, DefinitionError, "per_sd names abmd_hip"),
        ({"exposures": "group", "per_sd": {"group": "sample"}}, DefinitionError, "no standard"),
        ({"reference_levels": {"abmd_total_hip": "1"}}, DefinitionError, "in categories= too"),
        ({"adjust": "age", "reference_levels": {"age": "60"}}, DefinitionError, "which is numbers"),
        ({"exposures": "smoker", "reference_levels": {"smoker": "true"}}, DefinitionError,
         "yes is compared to no"),
        ({"competing_positive": 2}, SchemaError, "without competing="),
        ({"competing": "status", "competing_positive": 1}, SchemaError, "are both status 1"),
        ({"ties": "efrons"}, DesignError, "unknown ties"),
        ({"transform": "sqrt"}, DesignError, "unknown transform"),
        ({"cluster": "centre", "design": SurveyDesign(weight="w")}, DesignError, "cluster="),
        ({"ties": "exact", "cluster": "centre"}, DesignError, "no score residuals"),
        ({"confidence": 95}, DefinitionError, "confidence=95"),
        ({"event_positive": 7}, SchemaError, "none of 600 people has the event"),
    ],
)  # fmt: skip
def test_wrong_input_is_named(change, error, words):
    frame = cohort().with_columns(
        one=pl.lit(3.3), word=pl.lit("x"), twice=2 * pl.col("abmd_total_hip") + 1,
        case=pl.col("status") == 1, names=pl.int_range(pl.len()).cast(pl.String),
    )  # fmt: skip
    with pytest.raises(error, match=words):
        hazard_ratios(frame, **HIP | change)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"interval": "score"}, DesignError, "unknown interval"),
        ({"interval": "profile", "design": SurveyDesign(weight="w")}, DesignError, "one by one"),
        ({"event": "always"}, SchemaError, "each of 600 people has the event"),
        ({"event": "never"}, SchemaError, "none of 600 people has the event"),
        ({"exposures": "prevalent"}, SchemaError, "this tells those with the event"),
        ({"exposures": "lost"}, SchemaError, "nobody has event and every covariate"),
    ],
)
def test_wrong_input_of_odds_is_named(change, error, words):
    frame = cohort().with_columns(
        always=pl.lit(True), never=pl.lit(False), lost=pl.lit(None, pl.Float64)
    )
    given = {"event": "prevalent", "exposures": "abmd_total_hip"}
    with pytest.raises(error, match=words):
        odds_ratios(frame, **given | change)


def test_rates_by_group_have_exact_limits_and_a_design_its_own():
    frame = cohort()
    given = {"time": "years", "event": "status", "event_positive": 1}
    result = person_years(frame, **given, by="sex", per=100).to_frame()
    women = frame.filter(pl.col("sex") == "female")
    events, time = int((women["status"] == 1).sum()), women["years"].sum()
    lower, upper = population.rates.poisson_limits(events)
    row = result.row(0, named=True)
    assert (row["sex"], row["n_events"]) == ("female", events)
    assert row["person_time"] == pytest.approx(time)
    for name, value in (("estimate", events), ("lower", lower), ("upper", upper)):
        assert row[name] == pytest.approx(100 * value / time)
    ones = frame.with_columns(w=pl.lit(1.0))
    robust = person_years(ones, **given, by="sex", per=100, design=SurveyDesign(weight="w"))
    assert robust.to_frame()["estimate"].to_list() == pytest.approx(result["estimate"].to_list())
    near = robust.to_frame()["upper"].to_list()
    assert near == pytest.approx(result["upper"].to_list(), rel=0.05)


def test_attained_age_by_age_as_time_scale_is_the_same():
    frame = cohort().with_columns(end=pl.col("age") + pl.col("years"))
    given = {"event": "status", "event_positive": 1, "ages": (60, 70, 80, 90)}
    one = person_years(frame, time="years", age="age", **given)
    two = person_years(frame, time="end", entry="age", **given)
    spent = two.to_frame()["person_time"].to_list()
    assert one.to_frame()["person_time"].to_list() == pytest.approx(spent)
    assert one.to_frame()["n_events"].to_list() == two.to_frame()["n_events"].to_list()
    note = one.notes[-1]
    inside = one.to_frame()["person_time"].sum()
    counted = one.to_frame()["n_events"].sum()
    events = (frame["status"] == 1).sum() - counted
    assert events > 0
    assert note.startswith(
        f"{frame['years'].sum() - inside:,.1f} of person-time and {events} events lie outside"
    )
    assert repr(one).startswith("PersonYears(")


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"age": "age"}, DefinitionError, "without ages="),
        ({"ages": (50, 60)}, DefinitionError, "needs the age at the start"),
        ({"age": "age", "ages": (60, 50)}, DefinitionError, "rising ends"),
        ({"age": "age", "ages": "50-60"}, DefinitionError, "list of numbers"),
        ({"age": "age", "ages": (20, 30)}, SchemaError, "nobody was observed in age 20-30"),
        ({"per": 0}, DefinitionError, "per=0"),
    ],
)
def test_wrong_bands_are_named(change, error, words):
    with pytest.raises(error, match=words):
        person_years(cohort(), time="years", event="status", event_positive=1, **change)
