"""Cox's model on arrays: R's records, the definition by risk sets, and what cannot be fitted."""

from __future__ import annotations

import json

import cox_golden as golden
import numpy as np
import pytest
from agreement_golden import FOLDER

from osteo_epi.errors import DesignError, SchemaError
from osteo_epi.risk.hazard import fit_cox, proportionality, time_function

RECORDS = json.loads((FOLDER / "f_cox.json").read_text())


@pytest.mark.parametrize("record", RECORDS)
def test_other_software_gives_the_same_numbers(record):
    assert golden.faults(record, RECORDS[record]["result"]) == []


def sample(n: int = 80, *, seed: int = 1):
    """People of three strata with late entry, tied times and weights."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 2))
    entry = rng.integers(0, 5, n).astype(float)
    time = entry + rng.integers(1, 8, n)
    event = rng.random(n) < 0.7
    return time, event, x, {"entry": entry, "weight": rng.uniform(0.5, 2, n),
                            "stratum": rng.integers(3, 6, n)}  # fmt: skip


def loglik_by_definition(beta, time, event, x, *, entry, weight, stratum, ties):
    """Efron's and Breslow's partial likelihood, one time after another."""
    total, risk = 0.0, weight * np.exp(x @ beta)
    for s in np.unique(stratum):
        for t in np.unique(time[event & (stratum == s)]):
            there = (stratum == s) & (entry < t) & (t <= time)
            dead = event & (stratum == s) & (time == t)
            d = int(dead.sum())
            total += float(weight[dead] @ (x @ beta)[dead])
            for j in range(d):
                less = j / d if ties == "efron" else 0.0
                rest = risk[there].sum() - less * risk[dead].sum()
                total -= weight[dead].mean() * np.log(rest)
    return total


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_the_fit_is_the_top_of_the_likelihood_by_definition(ties):
    time, event, x, options = sample()
    fit = fit_cox(time, event, x, ties=ties, **options)

    def at(beta):
        return loglik_by_definition(beta, time, event, x, ties=ties, **options)

    assert fit.loglik == pytest.approx((at(np.zeros(2)), at(fit.coefficients)), rel=1e-12)
    h = 1e-4
    for j in range(2):
        step = np.eye(2)[j] * h
        up, down = at(fit.coefficients + step), at(fit.coefficients - step)
        assert up - down == pytest.approx(0, abs=1e-8)
        second = -(up + down - 2 * fit.loglik[1]) / h**2
        assert second == pytest.approx(fit.information[j, j], rel=1e-4)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_score_residuals_are_slopes_of_the_coefficients_in_the_weights(ties):
    time, event, x, options = sample()
    fit = fit_cox(time, event, x, ties=ties, **options)
    assert (options["weight"] @ fit.score_residuals()) == pytest.approx(0, abs=1e-9)
    h = 1e-5
    # A person without the event: the weight of one with it also moves the mean weight of ties.
    for i in np.flatnonzero(~event)[:5]:
        more = options["weight"] + h * (np.arange(len(time)) == i)
        moved = fit_cox(time, event, x, ties=ties, **options | {"weight": more})
        slope = (moved.coefficients - fit.coefficients) / h
        assert slope == pytest.approx(fit.dfbeta()[i], rel=1e-3, abs=1e-6)


def test_the_exact_likelihood_sums_over_all_sets_of_people():
    from itertools import combinations

    time = np.array([1.0, 1, 2, 2, 2, 3, 4])
    event = np.array([1, 1, 1, 1, 0, 1, 0], bool)
    x = np.array([[0.2], [1.0], [-0.5], [0.9], [0.1], [1.3], [-1.0]])
    fit = fit_cox(time, event, x, ties="exact")
    beta, total = fit.coefficients, 0.0
    for t in (1.0, 2.0, 3.0):
        there, dead = np.flatnonzero(time >= t), np.flatnonzero(event & (time == t))
        sets = [np.exp((x[list(s)] @ beta).sum()) for s in combinations(there, len(dead))]
        total += (x[dead] @ beta).sum() - np.log(sum(sets))
    assert fit.loglik[1] == pytest.approx(total, rel=1e-12)


def test_a_weight_counts_as_so_many_people_by_breslow():
    time, event, x, options = sample()
    twice = np.where(np.arange(len(time)) % 3 == 0, 2, 1)
    rest = {k: v for k, v in options.items() if k != "weight"}
    ours = fit_cox(time, event, x, ties="breslow", weight=twice.astype(float), **rest)
    again = np.repeat(np.arange(len(time)), twice)
    repeated = {k: v[again] for k, v in rest.items()}
    theirs = fit_cox(time[again], event[again], x[again], ties="breslow", **repeated)
    assert ours.coefficients == pytest.approx(theirs.coefficients, rel=1e-12)
    assert ours.baseline(4).at(6.0) == pytest.approx(theirs.baseline(4).at(6.0), rel=1e-12)


def test_people_of_weight_0_are_not_there():
    time, event, x, options = sample()
    off = np.arange(len(time)) % 4 == 0
    given = options | {"weight": np.where(off, 0, options["weight"])}
    ours = fit_cox(time, event, x, **given)
    kept = {k: v[~off] for k, v in options.items()}
    theirs = fit_cox(time[~off], event[~off], x[~off], **kept)
    assert ours.coefficients == pytest.approx(theirs.coefficients, rel=1e-12)
    assert ours.score_residuals()[~off] == pytest.approx(theirs.score_residuals(), rel=1e-9)
    assert (ours.score_residuals()[off] == 0).all()
    assert np.isnan(ours.martingale()[off]).all()


def test_times_that_differ_by_rounding_are_one():
    time = np.array([0.1 + 0.2, 0.3, 0.5, 0.7, 0.2, 0.6])
    event = np.array([1, 1, 1, 0, 1, 1], bool)
    x = np.array([[1.0], [0], [2], [1], [0.5], [0]])
    clean = np.array([0.3, 0.3, 0.5, 0.7, 0.2, 0.6])
    assert fit_cox(time, event, x).loglik == fit_cox(clean, event, x).loglik


def test_far_covariates_do_not_overflow():
    time, event, x, _ = sample()
    near, far = fit_cox(time, event, x), fit_cox(time, event, 1e3 * x + 1e6)
    assert far.coefficients * 1e3 == pytest.approx(near.coefficients, rel=1e-6)
    assert near.martingale() == pytest.approx(far.martingale(), rel=1e-6, abs=1e-6)


def test_martingale_residuals_sum_to_0_and_the_baseline_counts_the_events():
    time, event, x, options = sample()
    fit = fit_cox(time, event, x, **options)
    assert options["weight"] @ fit.martingale() == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (lambda x, event: np.column_stack([x[:, 0], np.full(len(x), 3.0)]), "bmd: the same in"),
        (lambda x, event: np.column_stack([x[:, 0], 2 * x[:, 0] + 1]), "bmd is made of age:"),
        (lambda x, event: np.column_stack([x[:, 0], np.where(event, 1.0, 0)]), "bmd: this tells"),
        (lambda x, event: np.column_stack([x[:, 0], ~event * 1e-3]), "bmd: this tells"),
    ],
)
def test_what_cannot_be_fitted_is_named(x, words):
    time, event, given, _ = sample()
    with pytest.raises(SchemaError, match=words):
        fit_cox(time, event, x(given, event), names=("age", "bmd"))


def test_a_covariate_constant_in_every_stratum_is_named():
    time, event, x, options = sample()
    constant = np.column_stack([x[:, 0], options["stratum"]])
    with pytest.raises(SchemaError, match="sex: the same in everybody who"):
        fit_cox(time, event, constant, stratum=options["stratum"], names=("age", "sex"))


def test_wrong_ties_are_refused():
    time, event, x, options = sample()
    with pytest.raises(DesignError, match="unknown ties 'efrons'"):
        fit_cox(time, event, x, ties="efrons")
    with pytest.raises(DesignError, match="takes no weights"):
        fit_cox(time, event, x, ties="exact", weight=options["weight"])
    with pytest.raises(DesignError, match="coefficients and their errors only"):
        fit_cox(time, event, x, ties="exact").martingale()
    with pytest.raises(DesignError, match="unknown transform"):
        time_function(fit_cox(time, event, x), time, "sqrt")


def test_the_test_of_terms_of_one_column_each_is_that_of_columns():
    time, event, x, options = sample()
    fit = fit_cox(time, event, x, **options)
    function = time_function(fit, time, "km", options["entry"])
    one = proportionality(fit, function)
    term = proportionality(fit, function, (np.array([0, 1]),))
    assert term.statistic[0] == pytest.approx(one.whole[0], rel=1e-12)
    assert term.df.tolist() == [2]
