"""Domains of a survey: their degrees of freedom, lonely units, quantiles, and domains of nobody.

Numbers of R survey are those of `tests/golden/R/05_domain.R`, or stand beside the call.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from survey_records import BANDS, arrays, codes, column, est
from survey_records_models import dummies
from test_survey_golden import agrees, leaves

from osteo_epi import survey
from osteo_epi.errors import DesignError
from osteo_epi.survey import (
    SurveyDesign,
    bootstrap_replicates,
    domain_means,
    element_variance,
    marginal_means,
    mean,
    rao_scott_test,
    ratio,
    replicate_mean,
    replicate_ratio,
    shares_by_name,
    survey_quantile,
    survey_regression,
    term_test,
    total,
    trend_coefficients,
    variance_of,
    weighted_quantiles,
)

NAME = "osteo_survey"
STEPS = (0.1, 0.25, 0.5, 0.9)


def domain(name: str) -> np.ndarray:
    strata = column(NAME, "strata")
    return {
        "strata": strata <= 4,
        "units": ~((strata == 8) & (column(NAME, "psu") == 2)),
        "women": column(NAME, "sex") == 1,
    }[name]


def chisq(name: str) -> dict[str, Any]:
    test = rao_scott_test(
        codes(NAME, "osteo", (0, 1)), codes(NAME, "agegrp", BANDS), arrays(NAME),
        domain=domain(name),
    )  # fmt: skip
    return {"stat": test.statistic, "par": list(test.df), "p": test.p}


def term(name: str) -> dict[str, Any]:
    others = dummies(NAME, "eth", (1, 2, 3, 4))
    columns = np.column_stack([np.ones(len(others[0])), *others])
    fit = survey_regression(
        column(NAME, "bmd"), columns, arrays(NAME), domain=domain(name), names=list("abcd")
    )
    return dict(zip(("F", "df", "ddf", "p"), term_test(fit, list("bcd")), strict=True))


def of_total(name: str) -> dict[str, Any]:
    result = total(column(NAME, "priorfx"), arrays(NAME), domain=domain(name))
    return est(result, "priorfx") | {"df": result.df}


def quantile(name: str, rule: str) -> dict[str, Any]:
    result = survey_quantile(
        column(NAME, "bmi"), STEPS, arrays(NAME), domain=domain(name), rule=rule
    )
    ends = np.column_stack([result.lower, result.upper]).tolist()
    return {"est": result.value, "se": result.se, "ci": {"values": ends}}


OURS = {
    f"{name}.{what}": (lambda name=name, make=make: make(name))
    for name in ("strata", "units", "women")
    for what, make in {
        "chisq": chisq,
        "term": term,
        "total": of_total,
        "quantile.math": lambda name: quantile(name, "math"),
        "quantile.school": lambda name: quantile(name, "school"),
    }.items()
}
TOY = pl.DataFrame(
    {
        "s": np.repeat([1, 2, 3, 4], 8),
        "u": np.tile(np.repeat([1, 2], 4), 4),
        "a": [int(c) for c in "01100010110101001011001010011100"],
        "b": np.tile([0, 1, 0, 1, 1, 1, 0, 0], 4),
    }
)


@pytest.mark.parametrize("record", OURS)
def test_a_domain_that_leaves_units_out_equals_r_survey(record: str, golden: Any) -> None:
    pairs = list(leaves(golden("e_domain.json")[record]["result"], OURS[record](), record))
    wrong = [pair for pair in pairs if not agrees(*pair)]
    assert pairs
    assert not wrong, wrong


def test_the_test_of_independence_has_the_degrees_of_freedom_of_the_domain(golden: Any) -> None:
    design = SurveyDesign(stratum="s", psu="u").arrays(TOY)
    a, b, two = (TOY[c].to_numpy() for c in ("a", "b", "s"))
    test = rao_scott_test(a, b, design, domain=two <= 2)
    theirs = golden("e_domain.json")["toy.F"]["result"]
    assert (test.statistic, *test.df, test.p) == pytest.approx(
        (theirs["stat"], *theirs["par"], theirs["p"]), rel=1e-8
    )
    assert (round(test.p, 4), test.df[1]) == (0.4142, pytest.approx(2))
    # Classes that nobody of the domain has are no classes of the table.
    sparse = rao_scott_test(a * 2, b + 3, design, domain=two <= 2)
    assert sparse == test


LONELY = pl.DataFrame(
    {
        "s": [1, 1, 1, 2, 2, 3, 3, 3, 3],
        "u": [1, 1, 2, 1, 1, 1, 2, 1, 2],
        "y": [1.0, 0, 1, 1, 1, 1, 0, 1, 1],
    }
)
INSIDE = np.isin(np.arange(1, 10), [1, 2, 3, 4, 5, 6, 8])


@pytest.mark.parametrize(
    ("lonely", "thinned", "variance"),
    # R survey 4.5: 4.64. Stratum 3: 2·((2 − 1)² + (0 − 1)²) = 4, stratum 1: 0; the lonely unit has
    # a total of 2, and the five units of the three strata, one of them without members, 6 / 5.
    [
        ("adjust", False, 4 + 0.8**2),
        # Both units of stratum 3 are then held against 6 / 5 as well.
        ("adjust", True, 2 * (0.8**2 + 1.2**2) + 0.8**2),
        ("average", False, 4 * 3 / 2),
        ("average", True, 0.0),
        ("certainty", False, 4.0),
        ("remove", True, 4.0),
    ],
)
def test_a_lonely_unit_is_held_against_all_units_of_the_strata_that_the_domain_hits(
    lonely: str, thinned: bool, variance: float
) -> None:
    design = SurveyDesign(stratum="s", psu="u", lonely=lonely, lonely_domains=thinned)
    y = LONELY["y"].to_numpy()
    result = total(y, design.arrays(LONELY), domain=INSIDE)
    assert result.value[0] == 6
    assert result.se[0] ** 2 == pytest.approx(variance, rel=1e-12)
    # A stratum out of the domain changes nothing, as where R has dropped its rows.
    more = pl.concat([LONELY, LONELY.filter(pl.col("s") == 1).with_columns(s=pl.lit(9, pl.Int64))])
    wider = total(np.append(y, y[:3]), design.arrays(more), domain=np.append(INSIDE, [False] * 3))
    assert wider.se[0] == pytest.approx(result.se[0], rel=1e-12)


def test_linearised_values_that_add_up_to_zero_do_not_move_with_the_centre() -> None:
    design = SurveyDesign(stratum="s", psu="u", lonely="adjust").arrays(LONELY)
    y, unit = LONELY["y"].to_numpy(), LONELY["u"].to_numpy().astype(float)
    # R survey 4.1 and 4.5: squares of 0.0183256976260 and 0.0008329862557.
    share, per_unit = mean(y, design, domain=INSIDE), ratio(y, y + unit, design, domain=INSIDE)
    assert share.se[0] ** 2 == pytest.approx(0.0183256976260, rel=1e-10)
    assert per_unit.se[0] ** 2 == pytest.approx(0.0008329862557, rel=1e-9)


def test_people_drawn_one_by_one_in_sums_have_the_same_centre() -> None:
    people = pl.DataFrame({"s": [1, 1, 1, 2], "y": [1.0, 3, 2, 5]})
    design = SurveyDesign(stratum="s", lonely="adjust")
    inside = np.array([True, True, False, True])
    by_row = total(people["y"].to_numpy(), design.arrays(people), domain=inside)
    # Stratum 1: two people of the domain, one outside; stratum 2: one.
    cells = pl.DataFrame({"s": [1, 1, 2]})
    summed = design.arrays(cells, people=np.array([2.0, 1, 1]))
    variance = element_variance(
        np.array([4.0, 0, 5]), np.array([10.0, 0, 25]), np.array([2.0, 0, 1]), summed
    )
    assert variance == pytest.approx(by_row.se[0] ** 2, rel=1e-12)


@pytest.mark.parametrize("factor", [0.1, 1 / 3, 0.7, 1e-6, 1e6 / 7])
@pytest.mark.parametrize("rule", ["math", "school"])
def test_weights_times_a_constant_change_no_quantile(rule: str, factor: float) -> None:
    x = np.arange(1.0, 11)
    steps = np.arange(1, 10) / 10
    frame = pl.DataFrame({"w": np.ones(10), "scaled": np.full(10, factor)})
    plain, scaled = (
        survey_quantile(x, steps, SurveyDesign(w).arrays(frame), rule=rule) for w in ("w", "scaled")
    )
    assert plain.value.tolist() == (x[:9] + (0.5 if rule == "school" else 0)).tolist()
    assert scaled.value.tolist() == plain.value.tolist()


def test_quantiles_do_not_know_the_order_of_people():
    """Tied values whose weights are no whole numbers: their sums along the values are one."""
    rng = np.random.default_rng(8)
    x, weight = rng.integers(0, 40, 3_000) / 10, rng.gamma(2.0, 0.7, 3_000)
    asked = list(np.linspace(0.01, 0.99, 99))
    answers = []
    for order in (np.arange(3_000), rng.permutation(3_000)):
        design = SurveyDesign("w").arrays(pl.DataFrame({"w": weight[order]}))
        result = survey_quantile(x[order], asked, design)
        answers.append((result.value, result.lower, result.upper, result.se))
        assert np.array_equal(weighted_quantiles(x[order], weight[order], asked), result.value)
    assert np.array_equal(*answers)


def test_between_two_equal_values_stands_that_value() -> None:
    x = np.array([0.1, 0.3, 0.3, 0.7])
    design = SurveyDesign().arrays(pl.DataFrame({"x": x}))
    assert survey_quantile(x, [0.5], design, rule="school").value[0] == 0.3


@pytest.mark.parametrize("rule", ["math", "school"])
def test_below_the_share_of_the_first_weight_stands_the_first_value(rule: str) -> None:
    # R survey 4.5 gives 1.5 by "school", which more than half of the people lie below.
    frame = pl.DataFrame({"w": [5.0, 1, 1, 1, 1, 1]})
    result = survey_quantile(
        np.arange(1.0, 7), [0.0, 0.1, 1.0], SurveyDesign("w").arrays(frame), rule=rule
    )
    assert result.value.tolist() == [1, 1, 6]


FRAME = pl.DataFrame(
    {"w": [1.0, 2, 1, 2, 1, 3], "p": [1, 1, 2, 2, 3, 3], "y": [0.0, 1, 0, 1, 1, 0]}
)
DESIGN = SurveyDesign("w", psu="p").arrays(FRAME)
Y = FRAME["y"].to_numpy()
CODES = Y.astype(np.int64)
NOBODY = np.zeros(6, dtype=bool)
ONE = np.arange(6) == 2
TABLE = np.column_stack([np.ones(6), np.arange(6.0)])
FIT = survey_regression(Y, TABLE, DESIGN)
SAMPLE = bootstrap_replicates(DESIGN, seed=1, n_replicates=20)


@pytest.mark.parametrize("kwargs", [{"domain": NOBODY}, {"values": np.full(6, np.nan)}])
@pytest.mark.parametrize(
    "estimate",
    [
        lambda values, **how: mean(values, DESIGN, **how),
        lambda values, **how: ratio(values, Y, DESIGN, **how),
        lambda values, **how: variance_of(values, DESIGN, **how),
        lambda values, **how: survey_quantile(values, [0.5], DESIGN, **how),
        lambda values, **how: survey_regression(values, TABLE, DESIGN, **how),
        lambda values, **how: replicate_mean(values, SAMPLE, **how),
        lambda values, **how: replicate_ratio(values, Y, SAMPLE, **how),
    ],
)
def test_an_estimate_of_nobody_says_so(estimate: Any, kwargs: dict[str, Any]) -> None:
    with pytest.raises(DesignError, match=r"nobody of the domain.*take a larger domain"):
        estimate(**({"values": Y} | kwargs))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: rao_scott_test(CODES, CODES, DESIGN, domain=NOBODY), "nobody of the domain"),
        (lambda: marginal_means(FIT, [TABLE], DESIGN, domain=NOBODY), "nobody of the domain"),
        (lambda: domain_means(Y, np.full(6, -1), DESIGN), "nobody of the domain"),
        (lambda: variance_of(Y, DESIGN, domain=ONE), "one person .* 2 people at least"),
        (lambda: rao_scott_test(CODES, CODES * 0, DESIGN), "2 by 1 classes"),
        (lambda: ratio(Y, Y * 0, DESIGN), "adds up to zero"),
        (lambda: replicate_ratio(Y, Y * 0, SAMPLE), "adds up to zero"),
        (lambda: survey_regression(Y * 0 + 1, TABLE, DESIGN), "same in all 6 people"),
        (lambda: term_test(FIT, ["age"]), r"age to test; the model has x0, x1"),
        (lambda: term_test(FIT, []), r"none to test"),
        (lambda: survey_quantile(Y, [1.5], DESIGN), "outside 0 to 1"),
        (lambda: survey.contrast(mean(Y, DESIGN), [1, -1]), "2 coefficient.* 1 estimate"),
        (lambda: survey.log_ratio(domain_means(Y, CODES, DESIGN)), "above zero.*contrast"),
        (lambda: trend_coefficients([1, 1, 2], degree=2), "2 different score.*needs 3"),
        (lambda: shares_by_name({"50+": 0.0}, ["50+"]), "holds nobody"),
        (lambda: mean(Y[:3], DESIGN), r"3 value\(s\) for a design of 6 rows"),
    ],
)
def test_what_cannot_be_estimated_is_refused_with_what_to_do(call: Any, message: str) -> None:
    with pytest.raises(DesignError, match=message):
        call()


def test_nobody_adds_up_to_zero() -> None:
    assert total(Y, DESIGN, domain=NOBODY).value[0] == 0
