"""Rates: records of R, by-name standardisation, and what happens to strata without people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rate_records import RECORDS, region, strata
from scipy import stats

from osteo_epi import norms
from osteo_epi.errors import DesignError, NormError, SchemaError
from osteo_epi.population.rates import (
    DIRECT_METHODS,
    POISSON_METHODS,
    direct_rate,
    direct_rate_ratio,
    indirect_rate,
    poisson_limits,
    rate,
    rate_ratio,
    smr,
    standardised_rate,
    with_rates,
)

TOLERANCE = 1e-8
SOLVER = (
    "R's search for the root stops where the function's tolerance is met, which leaves a share of "
    "the limit that depends on the counts; ours ends at the last bit"
)
# Where a record is not matched to 1e-8: beginning of its path -> (how near it is, why).
NOT_MATCHED = {
    "adj.dsrr/95%": (
        0.3,
        "dsr adds the standard error of the logarithm of the ratio to the ratio itself; here it "
        "is added to the logarithm. A test gets R's limits that way",
    ),
    "prop.lik": (6e-3, SOLVER),
    "prop.midp": (2e-4, SOLVER),
    "propdiff.mn": (1e-6, SOLVER),
    "rr.rates/midp": (1e-4, SOLVER),
    "smr.epiR.mid.p_small": (2e-5, SOLVER),
    "adj.asht.A.max.midpTRUE": (2e-7, SOLVER),
    "adj.asht.": (1e-7, SOLVER),
    "rate.pois_exact": (2e-3, SOLVER),
}
# Fields of R's that are not compared where ours has no field of that name.
UNASKED = {
    "test.statistic": (
        "of the test that epiR makes by Byar's approximation: the toolkit tests by the exact "
        "distribution"
    ),
    "p.value": "of the same test",
    "strata": "a label",
    "method": "a label",
    "statistic": "a label",
    "confidence": "a label",
    "Comparator": "a label",
    "Reference": "a label",
    "grp": "a label",
}
ELSEWHERE = {
    "twobytwo.epitools": "2 × 2 measures: test_two_by_two.py",
    "twobytwo.epi2by2": "2 × 2 measures: test_two_by_two.py",
    "mh": "Mantel-Haenszel: test_two_by_two.py",
    "cmh_trend": "trend test: test_two_by_two.py",
    "pearson_chisq": "2 × 2 tests: test_two_by_two.py",
    "poisson_glm": "no regression of counts: rates of person-years, and hazard ratios of people",
    "negbin_glm": "no regression of counts, as above",
}


def leaves(expected: Any, obtained: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    """Numbers of R's beside ours, labels left out."""
    if isinstance(expected, dict):
        for key, value in expected.items():
            named = isinstance(obtained, dict) and key in obtained
            if key not in ("rows", "cols") and (named or key not in UNASKED):
                yield from leaves(value, obtained[key], f"{path}/{key}")
    elif isinstance(expected, list):
        assert len(expected) == len(obtained), path
        for i, value in enumerate(expected):
            yield from leaves(value, obtained[i], f"{path}/{i}")
    else:
        yield path, expected, obtained


def exception(path: str) -> tuple[float, str] | None:
    return next((why for start, why in NOT_MATCHED.items() if path.startswith(start)), None)


def distance(expected: Any, obtained: Any) -> float:
    if expected is None:
        return 0.0 if obtained is None or np.isnan(obtained) else np.inf
    if isinstance(expected, str):
        return float(expected != obtained)
    gap = abs(float(obtained) - expected)
    if gap == 0 or expected == 0:
        return gap if gap == gap else np.inf
    return gap / abs(expected)


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_record_equals_r(name: str, golden: Any) -> None:
    pairs = list(leaves(golden("b_rates.json")[name]["result"], RECORDS[name](), name))
    assert pairs
    for path, expected, obtained in pairs:
        bound, _ = exception(path) or (TOLERANCE, "")
        assert distance(expected, obtained) <= bound, (path, expected, obtained)


def test_every_record_is_matched_or_listed_and_no_excuse_is_idle(golden: Any, capsys: Any) -> None:
    records = golden("b_rates.json")
    assert set(records) == set(RECORDS) | set(ELSEWHERE)
    off: set[str] = set()
    used: set[str] = set()
    for name, ours in RECORDS.items():
        for path, expected, obtained in leaves(records[name]["result"], ours(), name):
            if distance(expected, obtained) > TOLERANCE:
                off.add(name)
                used.add(next(s for s in NOT_MATCHED if path.startswith(s)))
    assert used == set(NOT_MATCHED)
    with capsys.disabled():
        print(
            f"\nb_rates: {len(records)} records, {len(RECORDS) - len(off)} matched to 1e-8, "
            f"{len(off)} in part only to R's own precision, {len(ELSEWHERE)} of other rooms"
        )


def test_the_ratio_of_dsr_is_the_ratio_plus_and_minus_the_error_of_its_logarithm(
    golden: Any,
) -> None:
    a, b = (direct_rate(*strata(name)) for name in "AB")
    ratio = direct_rate_ratio(a, b)
    half = np.log(ratio.upper / ratio.estimate)
    record = golden("b_rates.json")["adj.dsrr"]["result"]
    assert ratio.estimate - half == pytest.approx(record["95% LCL (RR)"][0], rel=1e-8)


HIP = {"cases": "cases", "person_years": "py", "stratum": "agegrp"}


def weights(name: str = "A") -> dict[str, float]:
    return dict(zip(region(name)["agegrp"], region(name)["stdpop"], strict=True))


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    st.lists(st.tuples(st.integers(0, 50), st.floats(10, 1e5)), min_size=1, max_size=8),
    st.sampled_from(DIRECT_METHODS),
)
def test_standardising_to_ones_own_structure_gives_the_crude_rate(strata, method):
    cases, time = (np.array(column, float) for column in zip(*strata, strict=True))
    own = direct_rate(cases, time, time, method=method)
    assert own.estimate == pytest.approx(cases.sum() / time.sum(), rel=1e-12)
    if cases.sum():
        assert own.lower <= own.estimate <= own.upper


@pytest.mark.parametrize("cases", [0, 1, 7, 60])
def test_with_equal_weights_fay_feuer_is_the_exact_poisson_interval(cases):
    own = direct_rate([cases, 0], [500.0, 500.0], [1, 1])
    plain = rate(cases, 1000.0)
    assert (own.lower, own.upper) == pytest.approx((plain.lower, plain.upper), rel=1e-10)


def test_groups_stand_along_leading_axes():
    both = direct_rate(
        *(np.stack([region(r)[c].to_numpy() for r in "AB"]) for c in ("cases", "py")),
        region("A")["stdpop"].to_numpy(),
        mid_p=True,
    )
    single = direct_rate(
        *(region("B")[c].to_numpy() for c in ("cases", "py", "stdpop")), mid_p=True
    )
    assert both.upper[1] == pytest.approx(float(single.upper), rel=1e-12)


def test_exact_limits_have_their_tail_probabilities():
    events = np.array([0, 1, 12, 400])
    lower, upper = poisson_limits(events)
    assert stats.poisson.cdf(events, upper) == pytest.approx(0.025)
    assert stats.poisson.sf(events[1:] - 1, lower[1:]) == pytest.approx(0.025)
    assert lower[0] == 0


@pytest.mark.parametrize("method", sorted(POISSON_METHODS))
def test_limits_widen_with_confidence_and_enclose_the_count(method):
    counts = np.array([3.0, 20.0])
    narrow, wide = (poisson_limits(counts, method=method, confidence=c) for c in (0.9, 0.99))
    assert (wide[0] < narrow[0]).all()
    assert (narrow[0] < counts).all()
    assert (counts < narrow[1]).all()
    assert (narrow[1] < wide[1]).all()


def test_order_of_rows_dashes_and_split_rows_change_nothing():
    plain = standardised_rate(region("A"), standard=weights(), **HIP).to_frame()
    halves = region("A").with_columns(pl.col("cases", "py") / 2)
    messy = pl.concat([halves, halves]).sample(fraction=1, shuffle=True, seed=3)
    messy = messy.with_columns(pl.col("agegrp").str.replace("-", "–") + " ")
    found = standardised_rate(messy, standard=weights(), **HIP).to_frame()
    assert found["upper"].to_list() == pytest.approx(plain["upper"].to_list(), rel=1e-12)


def test_two_factors_are_joined_by_both_names():
    frame = pl.DataFrame(
        {
            "sex": ["male", "female", "female", "male"],
            "age": ["65+", "50-64", "65+", "50-64"],
            "cases": [30.0, 4.0, 60.0, 2.0],
            "py": [900.0, 2000.0, 1000.0, 1800.0],
        }
    )
    standard = pl.DataFrame(
        {
            "age": ["50-64", "65+", "50-64", "65+"],
            "sex": ["female", "female", "male", "male"],
            "people": [10, 20, 30, 40],
        }
    )
    found = standardised_rate(
        frame, cases="cases", person_years="py", stratum=["age", "sex"], standard=standard
    ).to_frame()
    by_hand = (10 * 4 / 2000 + 20 * 60 / 1000 + 30 * 2 / 1800 + 40 * 30 / 900) / 100
    assert found.filter(statistic="standardised")["estimate"].item() == pytest.approx(by_hand)


def test_a_norm_by_sex_standardises_age_by_sex():
    bands = norms.load("standard_population", "china_2010").collapse((50, 65, np.inf))
    frame = pl.DataFrame(
        {
            "sex": ["female", "female", "male", "male"],
            "age": ["50-64", "65+"] * 2,
            "cases": [4.0, 60.0, 2.0, 30.0],
            "py": [2000.0, 1000.0, 1800.0, 900.0],
        }
    )
    found = standardised_rate(
        frame, cases="cases", person_years="py", stratum=("age", "sex"), standard=bands
    ).to_frame()
    people = [bands.counts(sex)[age] for sex, age in zip(frame["sex"], frame["age"], strict=True)]
    by_hand = np.average(frame["cases"] / frame["py"], weights=people)
    assert found["estimate"][1] == pytest.approx(by_hand, rel=1e-12)
    assert found["standard"][1] == "china_2010"


def test_each_group_has_its_rows_and_the_by_column_comes_first():
    hip = pl.concat([region("A"), region("B")])
    found = standardised_rate(hip, standard=weights(), by="region", per=1e5, **HIP).to_frame()
    assert found.columns[:2] == ["region", "statistic"]
    assert found.select("region", "statistic").rows() == [
        (r, s) for r in "AB" for s in ("crude", "standardised")
    ]


def test_a_stratum_without_people_is_named_or_flagged_never_dropped():
    hip = region("A").with_columns(
        py=pl.when(pl.col("agegrp") == "85+").then(0.0).otherwise("py"),
        cases=pl.when(pl.col("agegrp") == "85+").then(0.0).otherwise("cases"),
    )
    for frame in (hip, hip.filter(pl.col("agegrp") != "85+")):
        with pytest.raises(SchemaError, match=r"without people: 85\+; join neighbouring"):
            standardised_rate(frame, standard=weights(), **HIP)
        found = standardised_rate(frame, standard=weights(), empty="restrict", **HIP).to_frame()
        assert found["flag"].unique().to_list() == ["standard restricted: no people in 85+"]
    rest = {k: v for k, v in weights().items() if k != "85+"}
    same = standardised_rate(hip.filter(pl.col("py") > 0), standard=rest, **HIP).to_frame()
    assert found["estimate"].to_list() == same["estimate"].to_list()


def test_the_group_without_people_is_named():
    hip = pl.concat([region("A"), region("B").filter(pl.col("agegrp") != "50-54")])
    with pytest.raises(SchemaError, match=r"in the group \{'region': 'B'\}: 50-54"):
        standardised_rate(hip, standard=weights(), by="region", **HIP)


def test_a_stratum_without_a_standard_population_is_named():
    short = {k: v for k, v in weights().items() if k != "75-79"}
    for standard in (short, short | {"75-79": 0.0}):
        with pytest.raises(SchemaError, match="without a standard population: 75-79"):
            standardised_rate(region("A"), standard=standard, **HIP)


@pytest.mark.parametrize(
    ("standard", "message"),
    [
        ({"50-54": -1.0}, "without a weight of 0 or more: 50-54"),
        (pl.DataFrame({"agegrp": ["50-54", "50–54"], "w": [1, 2]}), "given twice: 50-54"),
        (pl.DataFrame({"age": ["50-54"], "w": [1]}), r"needs the columns \['agegrp'\]"),
        ({("50-54", "male"): 1.0}, "must name 1 strata"),
        ("us_1900", "there is no standard_population 'us_1900'"),
    ],
)
def test_a_standard_that_cannot_weight_is_refused(standard, message):
    with pytest.raises(NormError, match=message):
        standardised_rate(region("A"), standard=standard, **HIP)


def test_missing_values_and_columns_are_counted_not_dropped():
    holes = region("A").with_columns(
        pl.when(pl.col("agegrp") != "85+").then(pl.col("agegrp")).alias("agegrp")
    )
    with pytest.raises(SchemaError, match="'agegrp' is missing in 1 of 8 rows"):
        standardised_rate(holes, standard=weights(), **HIP)
    with pytest.raises(SchemaError, match=r"columns \['deaths'\] are not in the frame"):
        standardised_rate(
            region("A"), cases="deaths", person_years="py", stratum="agegrp", standard=weights()
        )


def test_indirect_rates_name_a_stratum_without_reference_and_need_expected_cases():
    options = {"cases": "cases", "person_years": "py", "stratum": "agegrp"}
    short = region("A").filter(pl.col("agegrp") != "85+")
    with pytest.raises(SchemaError, match=r"without a reference rate: 85\+"):
        indirect_rate(region("B"), reference=short, **options)
    idle = region("A").with_columns(py=pl.when(pl.col("agegrp") == "85+").then(0.0).otherwise("py"))
    with pytest.raises(SchemaError, match=r"no person-years in: 85\+"):
        indirect_rate(region("B"), reference=idle, **options)
    with pytest.raises(SchemaError, match="no cases are expected"):
        smr(3, 0)


def test_a_population_against_itself_has_a_ratio_of_one():
    found = indirect_rate(
        region("A"), cases="cases", person_years="py", stratum="agegrp", reference=region("A")
    ).to_frame()
    assert found["ratio"].item() == pytest.approx(1.0, rel=1e-12)
    assert found["rate"].item() == pytest.approx(region("A")["cases"].sum() / 105_264.75)
    assert found["p_value"].item() == pytest.approx(1.0)


def test_exact_p_values_are_those_of_scipy():
    assert smr(65, 67.9).p_value == pytest.approx(
        sum(p for p in stats.poisson.pmf(range(400), 67.9) if p <= stats.poisson.pmf(65, 67.9))
    )
    ratio = rate_ratio(65, 25_903, reference_cases=288, reference_person_years=105_264.75)
    share = 25_903 / (25_903 + 105_264.75)
    assert ratio.p_value == pytest.approx(stats.binomtest(65, 353, share).pvalue, rel=1e-8)


def test_rate_ratios_at_no_cases_are_one_sided_not_wrong():
    for method in ("exact", "mid_p"):
        none = rate_ratio(0, 100, reference_cases=5, reference_person_years=100, method=method)
        assert none.lower == 0
        assert np.isfinite(none.upper)
        all_ = rate_ratio(5, 100, reference_cases=0, reference_person_years=100, method=method)
        assert all_.upper == np.inf
        assert all_.lower == pytest.approx(1 / none.upper)
    with pytest.raises(SchemaError, match="needs a case in both"):
        rate_ratio(0, 100, reference_cases=5, reference_person_years=100, method="wald")
    empty = direct_rate([0.0], [10.0], [1.0])
    with pytest.raises(SchemaError, match="events on both sides"):
        direct_rate_ratio(empty, empty)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: rate(1, 10, method="best"), DesignError, "unknown interval 'best'; one of exact"),
        (lambda: rate(1, 10, confidence=95), DesignError, "between 0 and 1"),
        (lambda: rate([1, -1], 10), SchemaError, "1 of 2 event counts"),
        (lambda: rate([1, 2], [0, 5]), SchemaError, "1 have cases without person-years"),
        (lambda: direct_rate([1], [0.5], [1], method="x"), DesignError, "unknown method"),
        (lambda: direct_rate([1], [5], [1], method="normal", mid_p=True), DesignError, "no mid-p"),
        (lambda: direct_rate([0, 1], [0, 5], [1, 1]), SchemaError, "1 strata have no person-years"),
        (lambda: smr(3, 2, method="ury_wiggins"), DesignError, "unknown interval"),
        (
            lambda: rate_ratio(1.5, 9, reference_cases=2, reference_person_years=9),
            SchemaError,
            "whole numbers",
        ),
    ],
)
def test_misuse_is_explained(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_rates_come_back_as_the_frame_that_went_in():
    import pandas as pd

    frame = pd.DataFrame({"hip": [5, 0], "py": [100.0, 0.0]}, index=["north", "south"])
    found = with_rates(frame, cases="hip", person_years="py", per=1000)
    assert found.loc["north", "estimate"] == 50
    assert found.loc["south", ["estimate", "lower", "upper"]].isna().all()


def test_results_show_escaped_html():
    hip = region("A").with_columns(region=pl.lit("<b>A</b>"))
    found = standardised_rate(hip, standard=weights(), by="region", **HIP)
    assert "<b>A" not in found._repr_html_()
    assert "&lt;b&gt;A" in found._repr_html_()
