"""What the measures of a result are called."""

from __future__ import annotations

from osteo_epi.language import said


def measure_words() -> dict[str, str]:
    """Codes of measures in words, in the language spoken.

    Examples
    --------
    >>> measure_words()["ppv"], measure_words()["brier"]
    ('Positive predictive value', 'Brier score')
    """
    return _of_tests() | _of_agreement() | _of_risks() | _of_tables()


def _of_tests() -> dict[str, str]:
    return {
        "sensitivity": said("Sensitivity"),
        "specificity": said("Specificity"),
        "ppv": said("Positive predictive value"),
        "npv": said("Negative predictive value"),
        "proportion_correct": said("Classified as the truth is"),
        "prevalence": said("With the condition by the truth"),
    }


def _of_agreement() -> dict[str, str]:
    return {
        "kappa": said("Kappa"),
        "pabak": said("Prevalence-adjusted kappa"),
        "fleiss": said("Fleiss' kappa"),
        "krippendorff_nominal": said("Krippendorff's alpha, nominal"),
        "krippendorff_ordinal": said("Krippendorff's alpha, ordinal"),
        "bias": said("Bias"),
        "lower_limit": said("Lower limit"),
        "upper_limit": said("Upper limit"),
        "pearson": said("Pearson's r"),
        "r_squared": said("R²"),
        "spearman": said("Spearman's rho"),
        "kendall": said("Kendall's tau-b"),
        "one way, single rating": said("one way, single rating"),
        "two way random, absolute agreement, single rating": said(
            "two way random, absolute agreement, single rating"
        ),
        "two way mixed, consistency, single rating": said(
            "two way mixed, consistency, single rating"
        ),
        "one way, mean of k ratings": said("one way, mean of k ratings"),
        "two way random, absolute agreement, mean of k ratings": said(
            "two way random, absolute agreement, mean of k ratings"
        ),
        "two way mixed, consistency, mean of k ratings": said(
            "two way mixed, consistency, mean of k ratings"
        ),
    }


def _of_risks() -> dict[str, str]:
    return {
        "auc": said("Area under the curve"),
        "concordance": said("Concordance"),
        "brier": said("Brier score"),
        "null_brier": said("Brier score of the incidence alone"),
        "ipa": said("Index of prediction accuracy"),
        "expected_observed": said("Expected over observed"),
        "intercept": said("Intercept"),
        "slope": said("Slope"),
        "nri": said("NRI"),
        "nri_events": said("NRI, with the outcome"),
        "nri_nonevents": said("NRI, without it"),
        "category_nri": said("Category NRI"),
        "category_nri_events": said("Category NRI, with the outcome"),
        "category_nri_nonevents": said("Category NRI, without it"),
        "idi": said("IDI"),
        "idi_events": said("IDI, with the outcome"),
        "idi_nonevents": said("IDI, without it"),
    }


def _of_tables() -> dict[str, str]:
    return {
        "risk_exposed": said("Exposed"),
        "risk_unexposed": said("Unexposed"),
        "risk_difference": said("Risk difference"),
        "risk_ratio": said("Risk ratio"),
        "odds_ratio": said("Odds ratio"),
        "standardised": said("Standardised"),
    }
