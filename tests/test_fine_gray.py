"""Fine and Gray's regression: what is known of it by hand, and where it is refused."""

from __future__ import annotations

import incidence_golden as golden
import numpy as np
import polars as pl
import pytest

from osteo_epi.errors import DesignError, SchemaError
from osteo_epi.risk import (
    compare_curves,
    compare_incidence,
    fit_fine_gray,
    hazard_ratios,
    subdistribution_hazard_ratios,
)
from osteo_epi.survey import SurveyDesign

N = 300


def people(*, seed: int = 0, decimals: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Times with ties, three kinds of leaving, and two covariates."""
    rng = np.random.default_rng(seed)
    x = np.column_stack([rng.normal(size=N), rng.integers(0, 2, N)])
    time = np.round(rng.exponential(np.exp(-0.5 * x[:, 0])), decimals) + 0.1
    return time, rng.choice(3, N, p=[0.3, 0.5, 0.2]), x


@pytest.mark.parametrize("ties", ["breslow", "efron"])
def test_score_residuals_add_up_to_a_score_of_nothing(ties):
    fit = fit_fine_gray(*people(), ties=ties)
    assert np.allclose(fit.score_residuals.sum(axis=0), 0, atol=1e-9)
    assert np.allclose(fit.simple_residuals.sum(axis=0), 0, atol=1e-9)


def test_influence_is_what_a_little_weight_moves():
    """Of people of each kind of leaving; the weights for censoring move too."""
    time, status, x = people(decimals=12)
    fit = fit_fine_gray(time, status, x)
    for kind in (0, 1, 2):
        person, w = int(np.flatnonzero(status == kind)[20]), np.ones(N)
        ends = []
        for by in (1e-4, -1e-4):
            w[person] = 1 + by
            ends.append(fit_fine_gray(time, status, x, weight=w).coefficients)
        slope = (ends[0] - ends[1]) / 2e-4
        assert np.allclose(slope, fit.influence[person], rtol=0.05, atol=2e-5)


@pytest.mark.parametrize("seed", [0, 1])
def test_breslow_of_people_without_ties_is_efron(seed):
    time, status, x = people(seed=seed, decimals=12)
    breslow, efron = (fit_fine_gray(time, status, x, ties=t) for t in ("breslow", "efron"))
    assert np.allclose(breslow.coefficients, efron.coefficients, rtol=1e-9)
    assert np.allclose(breslow.covariance, efron.covariance, rtol=1e-9)


def test_a_weight_of_two_is_two_people():
    time, status, x = people()
    twice = fit_fine_gray(np.repeat(time, 2), np.repeat(status, 2), np.repeat(x, 2, axis=0))
    weighted = fit_fine_gray(time, status, x, weight=np.full(N, 2.0))
    assert np.allclose(twice.coefficients, weighted.coefficients, rtol=1e-10)
    assert np.allclose(twice.baseline.values, weighted.baseline.values, rtol=1e-10)


def test_a_weight_of_nothing_is_nobody():
    time, status, x = people()
    here = np.arange(N) % 3 > 0
    some = fit_fine_gray(time[here], status[here], x[here])
    weighted = fit_fine_gray(time, status, x, weight=here.astype(float))
    assert np.allclose(some.coefficients, weighted.coefficients, rtol=1e-12)
    assert np.allclose(some.covariance, weighted.covariance, rtol=1e-10)
    assert (weighted.score_residuals[~here] == 0).all()


def test_units_and_origin_of_a_covariate_change_nothing_else():
    time, status, x = people()
    fit = fit_fine_gray(time, status, x)
    moved = fit_fine_gray(time, status, x * [1000, 1] + [5e4, 0])
    assert np.allclose(moved.coefficients * [1000, 1], fit.coefficients, rtol=1e-9)
    at = np.array([[0.3, 1.0]])
    assert np.allclose(
        moved.incidence(at * [1000, 1] + [5e4, 0], [1.0]), fit.incidence(at, [1.0]), rtol=1e-9
    )


def test_without_censoring_the_competing_stay_to_the_end():
    """Whoever has the competing event is at risk for ever: Cox's model with their time put off."""
    time, status, x = people(decimals=12)
    status = np.where(status == 0, 2, status)
    put_off = np.where(status == 1, time, 1e6)
    fit = fit_fine_gray(time, status, x)
    cox = fit_fine_gray(put_off, (status == 1).astype(int), x)
    assert np.allclose(fit.coefficients, cox.coefficients, rtol=1e-10)
    assert np.allclose(fit.covariance, cox.covariance, rtol=1e-10)


def test_by_hand():
    """Two events: at 1 all three are at risk; at 3 the third, and the second with a weight of 1."""
    time, status = np.array([1.0, 2.0, 3.0]), np.array([1, 2, 1])
    with pytest.raises(SchemaError, match="x0: this tells those with the event"):
        fit_fine_gray(time, status, np.array([[1.0], [0.0], [0.0]]))
    # The log-likelihood b - log(e^b + e^2b + 1) - log(e^2b + 1) is level at the estimate.
    fit = fit_fine_gray(time, status, np.array([[1.0], [2.0], [0.0]]))
    e = np.exp(fit.coefficients[0])
    assert 1 - (e + 2 * e**2) / (e + e**2 + 1) - 2 * e**2 / (e**2 + 1) == pytest.approx(0, abs=1e-9)


def test_bad_covariates_are_refused():
    time, status, x = people()
    with pytest.raises(SchemaError, match="x1: the same in everybody"):
        fit_fine_gray(time, status, np.column_stack([x[:, 0], np.full(N, 3.0)]))
    with pytest.raises(SchemaError, match="is made of x0, x1"):
        fit_fine_gray(time, status, np.column_stack([x, x.sum(axis=1)]))
    with pytest.raises(SchemaError, match="nobody has the event"):
        fit_fine_gray(time, np.where(status == 1, 0, status), x)
    with pytest.raises(DesignError, match="unknown ties"):
        fit_fine_gray(time, status, x, ties="exact")


CODES = {"event": "status", "event_positive": 1, "competing": "status", "competing_positive": 2}


def test_ratios_of_a_frame_are_those_of_the_fit():
    frame = golden.people()
    result = subdistribution_hazard_ratios(
        frame, time="time", exposures="tscore", adjust=["age", "prior", "tbs"],
        per_sd=frame["tscore"].std(), **CODES,
    )  # fmt: skip
    fit, sd = golden.fit(), frame["tscore"].std()
    (ratio,) = result.ratios
    assert ratio.ratio.estimate == pytest.approx(np.exp(-fit.coefficients[1] * sd), rel=1e-8)
    assert ratio.log_se == pytest.approx(np.sqrt(fit.covariance[1, 1]) * sd, rel=1e-8)
    assert any("239 people had the competing event" in note for note in result.notes)


def test_cause_specific_and_subdistribution_ratios_stand_in_one_table():
    given = {"time": "time", "exposures": ["tscore", "prior"], "adjust": "age"} | CODES
    both = [f(golden.people(), **given) for f in (hazard_ratios, subdistribution_hazard_ratios)]
    table = pl.concat([one.to_frame() for one in both])
    assert table["measure"].unique(maintain_order=True).to_list() == [
        "cause-specific hazard ratio", "subdistribution hazard ratio"
    ]  # fmt: skip


def test_weights_of_a_design_are_in_the_ratio_and_its_units_in_the_error():
    frame = golden.people("osteo_cohort_survey")
    given = {"time": "time", "exposures": "tscore", "adjust": "age"} | CODES
    units = subdistribution_hazard_ratios(frame, design=golden.DESIGN, **given)
    alone = subdistribution_hazard_ratios(frame, design=SurveyDesign(weight="wt"), **given)
    assert units["tscore"].estimate == alone["tscore"].estimate
    assert units.ratios[0].log_se != pytest.approx(alone.ratios[0].log_se, rel=1e-3)
    one = frame.with_columns(wt=pl.lit(2.0))
    same = subdistribution_hazard_ratios(one, design=SurveyDesign(weight="wt"), **given)
    plain, n = subdistribution_hazard_ratios(one, design="srs", **given), frame.height
    assert same["tscore"].estimate == pytest.approx(plain["tscore"].estimate, rel=1e-9)
    assert same.ratios[0].log_se * np.sqrt((n - 1) / n) == pytest.approx(plain.ratios[0].log_se)


def test_where_nothing_competes_the_ratio_is_that_of_cox():
    given = {"time": "time", "event": "fx", "exposures": "tscore", "adjust": "age"}
    frame = golden.people("osteo_cohort_untied")
    fine_gray = subdistribution_hazard_ratios(frame, nothing_competes=True, **given)
    assert fine_gray["tscore"].estimate == pytest.approx(
        hazard_ratios(frame, **given)["tscore"].estimate, rel=1e-8
    )
    with pytest.raises(SchemaError, match="column death: a competing event coded as censoring"):
        subdistribution_hazard_ratios(frame, **given)


def test_where_nothing_competes_the_test_by_design_is_the_log_rank_test():
    frame = golden.people("untied_survey")
    given = {"time": "time", "event": "fx", "by": "site", "design": golden.DESIGN}
    score = compare_incidence(frame, nothing_competes=True, **given)
    rank = compare_curves(frame, **given)
    assert score.statistic == pytest.approx(rank.statistic, rel=1e-9)
    assert np.allclose(score.se, rank.se, rtol=1e-9)


def test_the_test_of_groups_by_design_keeps_its_level():
    """Of 300 samples whose groups are alike, the share rejected at 10 % is near it."""
    rng, rejected = np.random.default_rng(8), 0
    for _ in range(300):
        frame = pl.DataFrame(
            {"years": rng.exponential(5, 200), "status": rng.choice(3, 200, p=[0.3, 0.4, 0.3]),
             "g": rng.integers(0, 2, 200), "w": rng.uniform(0.5, 2, 200)}
        )  # fmt: skip
        test = compare_incidence(frame, time="years", by="g", design=SurveyDesign(weight="w"),
                                 **CODES)  # fmt: skip
        rejected += test.p < 0.1
    assert 0.06 < rejected / 300 < 0.15
