"""Bad designs are refused with a count and what to do; odd ones are found."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import polars as pl
import pytest
from scipy.special import xlogy
from scipy.stats import beta, t

from osteo_epi.errors import DesignError
from osteo_epi.survey import (
    ReplicateDesign,
    SurveyDesign,
    bootstrap_replicates,
    check_design,
    contrast,
    covariates,
    degrees_of_freedom,
    domain_means,
    log_ratio,
    marginal_means,
    mean,
    ratio,
    replicate_mean,
    shares_by_name,
    standardised_mean,
    survey_interval,
    survey_regression,
    trend_coefficients,
)

FRAME = pl.DataFrame(
    {
        "w": [1.0, 2.0, 3.0, 4.0, 2.0, 1.0, 5.0, 2.0],
        "s": [1, 1, 1, 1, 2, 2, 2, 2],
        "p": [1, 1, 2, 2, 1, 1, 2, 2],
        "f": [10.0] * 4 + [20.0] * 4,
        "y": [0.0, 1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0],
        "x": [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0],
    }
)
DESIGN = SurveyDesign("w", "s", "p")


def changed(**columns: pl.Expr | list) -> pl.DataFrame:
    made = {k: pl.Series(v) if isinstance(v, list) else v for k, v in columns.items()}
    return FRAME.with_columns(**made)


@pytest.mark.parametrize(
    ("design", "frame", "message"),
    [
        (DESIGN, changed(w=-pl.col("w")), r"w: 8 negative.*set them to 0"),
        (DESIGN, changed(w=pl.lit(np.inf)), r"8 infinite"),
        (DESIGN, changed(w=pl.lit(0.0)), r"all zero"),
        (DESIGN, changed(w=[1.0, None, 3, 4, 5, 6, 7, 8]), r"column w .* missing in 1 row"),
        (DESIGN, changed(s=[None, None, 1, 1, 2, 2, 2, 2]), r"column s .* missing in 2 row"),
        (DESIGN, changed(p=[np.nan, 1.0, 1, 2, 1, 2, 1, 2]), r"column p .* missing in 1 row"),
        (DESIGN, changed(w=pl.lit("one")), r"expected numbers"),
        (SurveyDesign("weight"), FRAME, r"weight, which the data do not have"),
        (SurveyDesign("w", "s", "p", nest=False), FRAME, r"2 unit\(s\) of column p .*nest=True"),
        (SurveyDesign("w", "s", "p", fpc="f"), changed(f=pl.col("x")), r"more than one value"),
        (SurveyDesign("w", "s", "p", fpc="f"), changed(f=pl.lit(1.5)), r"smaller than the number"),
        (SurveyDesign("w", "s", "p", fpc="f"), changed(f=pl.lit(-1.0)), r"not above zero"),
    ],
)
def test_bad_designs_say_what_to_do(
    design: SurveyDesign, frame: pl.DataFrame, message: str
) -> None:
    with pytest.raises(DesignError, match=message):
        design.arrays(frame)
    assert check_design(frame, design).codes == ("design_fault",)


def test_wrong_arguments() -> None:
    with pytest.raises(DesignError, match="one of fail, certainty"):
        SurveyDesign("w", lonely="ignore")
    with pytest.raises(DesignError, match="one a stage"):
        SurveyDesign("w", psu=("a", "b"), fpc="f")


def test_a_stratum_with_one_unit_is_named() -> None:
    frame = changed(p=[1, 1, 1, 1, 1, 1, 2, 2])
    with pytest.raises(DesignError, match=r"1 stratum.*\(s 1\).*merge.*lonely=\"adjust\""):
        mean(frame["y"].to_numpy(), DESIGN.arrays(frame))
    found = check_design(frame, DESIGN)
    assert (found[0].code, found[0].severity) == ("single_unit", "error")
    adjusted = SurveyDesign("w", "s", "p", lonely="adjust")
    assert check_design(frame, adjusted)[0].severity == "note"
    assert mean(frame["y"].to_numpy(), adjusted.arrays(frame)).se[0] > 0


def test_zero_and_normalised_weights_are_found() -> None:
    frame = changed(w=[0.0, 0.9, 1.1, 1.0, 0.8, 1.2, 1.05, 0.95])
    found = check_design(frame, DESIGN)
    assert found.codes == ("zero_weight", "normalised_weights")
    assert "totals will be wrong" in found[1].message
    assert all(finding.fix for finding in found)


def test_a_row_of_weight_zero_leaves_the_sample_and_keeps_its_unit() -> None:
    zero = changed(w=pl.when((pl.col("s") == 1) & (pl.col("p") == 2)).then(0.0).otherwise("w"))
    arrays = DESIGN.arrays(zero)
    result = mean(zero["y"].to_numpy(), arrays)
    masked = mean(FRAME["y"].to_numpy(), DESIGN.arrays(FRAME), domain=arrays.weight > 0)
    assert (result.n, result.df) == (6, 1)
    assert result.se == pytest.approx(masked.se)


def test_a_census_has_no_error_and_fractions_equal_sizes() -> None:
    y = FRAME["y"].to_numpy()
    census = SurveyDesign("w", "s", "p", fpc="n").arrays(changed(n=pl.lit(2)))
    assert mean(y, census).se[0] == 0
    by_size = SurveyDesign("w", "s", "p", fpc="f").arrays(FRAME)
    by_share = SurveyDesign("w", "s", "p", fpc="f").arrays(changed(f=2 / pl.col("f")))
    assert mean(y, by_size).se == pytest.approx(mean(y, by_share).se)


def test_difference_ratio_and_trend_between_domains() -> None:
    arrays = DESIGN.arrays(FRAME)
    x, group = FRAME["x"].to_numpy(), np.array([0, 1, 2, 0, 1, 2, 0, 1])
    parts = domain_means(x, group, arrays)
    difference = contrast(parts, [0, 1, -1])
    assert difference.value[0] == pytest.approx(parts.value[1] - parts.value[2])
    v = parts.covariance
    assert difference.se[0] ** 2 == pytest.approx(v[1, 1] + v[2, 2] - 2 * v[1, 2])
    logged = log_ratio(parts, over=1, under=0)
    assert np.exp(logged.value[0]) == pytest.approx(parts.value[1] / parts.value[0])
    both = np.vstack([trend_coefficients([50, 60, 75], degree=d) for d in (1, 2)])
    assert both @ both.T == pytest.approx(np.eye(2))
    assert contrast(parts, both).value.shape == (2,)


def test_a_ratio_to_one_is_a_mean() -> None:
    arrays, y = DESIGN.arrays(FRAME), FRAME["y"].to_numpy()
    one, other = ratio(y, np.ones(8), arrays), mean(y, arrays)
    assert one.value == pytest.approx(other.value)
    assert one.se == pytest.approx(other.se)


def test_likelihood_limits_solve_their_equation() -> None:
    p, se, n, df = 0.12, 0.02, 500, 14
    size, quantile = p * (1 - p) / se**2 * (n - 1) / n, t.ppf(0.975, df)
    for limit in survey_interval(p, se, n=n, df=df, method="likelihood"):
        q = float(limit)
        away = -2 * size * (xlogy(p, q / p) + xlogy(1 - p, (1 - q) / (1 - p)))
        assert away == pytest.approx(quantile**2, rel=1e-9)


def test_no_events_give_the_exact_binomial_limit() -> None:
    lower, upper = survey_interval(0.0, 0.0, n=40, df=np.inf, method="beta")
    assert lower == 0
    # n is shrunk by (t with n - 1 df / normal)²: Korn and Graubard's adjustment.
    shrunk = 40 * (t.ppf(0.975, 39) / t.ppf(0.975, np.inf)) ** 2
    assert upper == pytest.approx(beta.ppf(0.975, 1, shrunk))


def test_without_degrees_of_freedom_there_are_no_limits() -> None:
    for method in ("beta", "logit", "wilson", "likelihood", "mean"):
        assert np.isnan(survey_interval(0.2, 0.1, n=9, df=0, method=method)).all()


def test_strata_join_by_name() -> None:
    with pytest.raises(DesignError, match=r"80\+ only in the data, 80-84 only in the standard"):
        shares_by_name({"50-79": 1.0, "80-84": 1.0}, ["50-79", "80+"])


def test_an_empty_stratum_is_named() -> None:
    arrays = DESIGN.arrays(FRAME)
    with pytest.raises(DesignError, match=r"nobody was measured in old"):
        standardised_mean(
            FRAME["y"].to_numpy(), np.zeros(8, int), np.array([0.5, 0.5]), arrays,
            names=["young", "old"],
        )  # fmt: skip


def test_a_bootstrap_comes_near_the_linearised_error_and_repeats_by_seed() -> None:
    rng = np.random.default_rng(5)
    n = 3000
    frame = pl.DataFrame(
        {"w": rng.uniform(1, 3, n), "s": np.arange(n) % 10, "p": (np.arange(n) // 10) % 12}
    )
    y = rng.normal(size=n) + frame["p"].to_numpy() * 0.1
    arrays = DESIGN.arrays(frame)
    linear = mean(y, arrays)
    sample, again = (bootstrap_replicates(arrays, n_replicates=2000, seed=1) for _ in range(2))
    assert np.array_equal(sample.factor, again.factor)
    assert sample.df == degrees_of_freedom(arrays)
    assert replicate_mean(y, sample).se == pytest.approx(linear.se, rel=0.08)
    kept = pl.concat([frame, sample.to_frame("rw")], how="horizontal")
    read = ReplicateDesign("w", "rw", "bootstrap").sample(kept)
    assert replicate_mean(y, read).se == pytest.approx(replicate_mean(y, sample).se, rel=1e-12)


def test_a_bootstrap_cannot_draw_from_a_single_unit() -> None:
    frame = changed(p=[1, 1, 1, 1, 1, 1, 2, 2])
    with pytest.raises(DesignError, match=r"1 stratum.*merge each"):
        bootstrap_replicates(SurveyDesign("w", "s", "p").arrays(frame), seed=1)


def test_marginal_means_of_a_saturated_model_are_the_domain_means() -> None:
    arrays = DESIGN.arrays(FRAME)
    frame = FRAME.with_columns(g=pl.Series(["a", "b"] * 4))
    table, names = covariates(frame, ["g"])
    fitted = survey_regression(frame["y"].to_numpy(), table, arrays, family="binomial", names=names)
    as_a, as_b = table.copy(), table.copy()
    as_a[:, 1], as_b[:, 1] = 0, 1
    adjusted = marginal_means(fitted, [as_a, as_b], arrays)
    plain = domain_means(frame["y"].to_numpy(), np.arange(8) % 2, arrays)
    assert adjusted.value == pytest.approx(plain.value)
    assert adjusted.covariance == pytest.approx(plain.covariance)


def test_a_fit_that_runs_away_is_refused() -> None:
    arrays = DESIGN.arrays(FRAME)
    y = FRAME["y"].to_numpy()
    with pytest.raises(DesignError, match="did not converge"):
        survey_regression(y, np.column_stack([np.ones(8), y]), arrays, family="binomial")
    with pytest.raises(DesignError, match="follow from the others"):
        survey_regression(y, np.ones((8, 2)), arrays)


def test_an_estimate_loads_no_heavy_engine() -> None:
    heavy = ["scipy.stats", "scipy.optimize", "statsmodels", "pandas"]
    code = f"""
import sys, numpy, polars
from osteo_epi.survey import SurveyDesign, mean, survey_interval
design = SurveyDesign("w").arrays(polars.DataFrame({{"w": [1.0, 1.0, 2.0, 2.0]}}))
found = mean(numpy.array([0.0, 1.0, 1.0, 0.0]), design)
survey_interval(found.value, found.se, n=found.n, df=found.df)
print([name for name in {heavy} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
