"""Intervals with an effective sample size are those of plain counts where the design is plain."""

from __future__ import annotations

import numpy as np
import pytest

from osteo_epi.population.rates import proportion
from osteo_epi.survey import survey_interval

EVENTS, N = np.array([3.0, 39.0, 60.0]), 96.0


@pytest.mark.parametrize("method", ["wilson", "agresti_coull", "jeffreys", "clopper_pearson"])
def test_a_plain_design_gives_the_interval_of_counts(method: str) -> None:
    p = EVENTS / N
    se = np.sqrt(p * (1 - p) / N)
    lower, upper = survey_interval(p, se, n=np.inf, df=np.inf, method=method)
    plain = proportion(EVENTS, N, method=method)
    np.testing.assert_allclose(lower, plain.lower, rtol=1e-10)
    np.testing.assert_allclose(upper, plain.upper, rtol=1e-10)


@pytest.mark.parametrize("method", ["wilson", "agresti_coull", "jeffreys", "clopper_pearson"])
def test_a_clustered_design_and_few_degrees_of_freedom_widen_it(method: str) -> None:
    p, n = np.array([0.2]), 400.0
    se = np.sqrt(p * (1 - p) / n)
    plain = survey_interval(p, se, n=n, df=n - 1, method=method)
    clustered = survey_interval(p, 2 * se, n=n, df=12, method=method)
    assert clustered[0] < plain[0] < p < plain[1] < clustered[1]
