"""Where a test does not set R's number against the toolkit's as both stand, what it does, and why.

`reports/against_other_software.py` prints these beside the bounds and reasons of the tests
themselves; `test_differences.py` fails where one is no longer met.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Adapted:
    """Numbers of a golden file that the test adapts, by a pattern of their records and names.

    Parameters
    ----------
    file
        Golden file without `.json`.
    numbers
        Pattern of "record/name of the number" (`re.search`).
    done
        What the test does before it compares.
    reason
        Why, for any data.
    """

    file: str
    numbers: str
    done: str
    reason: str


SCALED_WEIGHTS = (
    "svyglm divides the weights by the mean over all rows, of which rows without an outcome then "
    "drop out: its dispersion carries the ratio of the two means. The toolkit divides by the mean "
    "over the rows of the fit"
)
ALL_ROWS = (
    "svyciprop takes n from the rows of the design, those without an outcome among them; the "
    "toolkit counts rows with an outcome, on which the estimate rests"
)
NORMAL_LIMITS = (
    "svyby and confint take the normal distribution where no df is handed on; the toolkit takes "
    "Student's t with the degrees of freedom of the domain"
)
ADAPTED = (
    Adapted(
        "a_survey", r"glm.*/dispersion", "multiplies ours by the ratio of mean weights",
        SCALED_WEIGHTS,
    ),
    Adapted(
        "a_survey", r"ciprop(?!_nonmissing)",
        "hands over n of all rows, for the Korn–Graubard (beta) and Wilson intervals", ALL_ROWS,
    ),
    Adapted(
        "a_survey", r"^osteo.svyby_ciprop_beta/ci_[lu]",
        "sets our limits to nothing in the domain without events",
        "svyciprop has no limits where nobody or everybody has the event; the toolkit gives the "
        "exact binomial ones",
    ),
    Adapted(
        "a_survey", r"/ci_z_|^(osteo.svyby|osteo.std.bysex|nhanes.bysexrace|nhanes.std)/ci_[lu]",
        "takes our limits on the normal distribution", NORMAL_LIMITS,
    ),
    Adapted(
        "a_survey", r"^rep\..*/(median|logit|ciprop_logit)",
        "computes quantile, regression and log-odds of each replicate itself, and takes the "
        "toolkit's variance over the replicates",
        "the toolkit offers means, totals, ratios and any statistic of weights over replicates, "
        "and these three by replicate_estimate only",
    ),
    Adapted(
        "a_survey", r"^(rep\.(JK|Fay)|apiclus1\.jk1)",
        "makes the jackknife weights itself, and Fay's from those of BRR",
        "the toolkit makes bootstrap weights only, and reads the others from columns",
    ),
    Adapted(
        "b_rates", r"^adj.phe_dsr|^smr.phe|^rate.phe", "gives ours per 100,000",
        "PHEindicatormethods prints rates with their multiplier",
    ),
    Adapted(
        "c_methods", r"\.blandr/", "makes limits with 1.96 and their error with 1.95996",
        "blandr rounds the normal quantile in the limits and not in their standard error",
    ),
    Adapted(
        "c_methods", r"wdeming\.jackknife", "stops our iteration at 1e-6",
        "mcr ends the iteration of the weights there; the toolkit ends at the last bit",
    ),
    Adapted(
        "c_methods", r"loa_base/prop_bias", "makes t and p of the intercept from ours",
        "the toolkit tests the slope of a proportional bias only",
    ),
    Adapted(
        "c_methods", r"icc\.irr\..*/(df2|p\.value)",
        "tests ours with the degrees of freedom of the interval",
        "irr tests absolute agreement with Satterthwaite's degrees of freedom; the toolkit, psych "
        "and DescTools with those of the mean squares",
    ),
    Adapted(
        "c_methods", r"deming\.bootBCa", "compares within 0.12 of the interval's width",
        "a bootstrap draws by its own random numbers",
    ),
    Adapted(
        "d_diag_kappa", r"^epi.kappa/fleiss.(kappa|z)",
        "makes the interval from the error under chance",
        "epiR's \"fleiss\" takes the error that holds where kappa is 0 for the interval too",
    ),
    Adapted(
        "d_diag_cutpoints", r"\.coords/.*youden", "adds 1 to Youden's index",
        "pROC gives sensitivity + specificity",
    ),
    Adapted(
        "f_discrimination", r"^rcorr/", "doubles the pairs, and the error for S.D. of Dxy",
        "Hmisc counts each pair from either side, and its S.D. is that of Dxy = 2C − 1",
    ),
    Adapted(
        "f_discrimination", r"Score\.(surv|cr)/(aucc|brierc)/",
        "asks for the second risk less the first, and a model less the null one",
        "riskRegression subtracts so; the toolkit gives first less second",
    ),
    Adapted(
        "f_incidence", r"^cohort\.svykm/surv", "takes exp(−cumulative hazard) for the curve",
        "with errors svykm gives that curve; the toolkit gives Kaplan and Meier's, and the hazard",
    ),
    Adapted(
        "f_incidence", r"^weighted\.cif/se", "multiplies our error by √((n − 1)/n)",
        "survival's robust variance sums the squared influences; a design takes n / (n − 1) of it",
    ),
    Adapted(
        "g_definition_grid", r"^trend.all/(contrast|se)",
        "compares t, p and df, and estimates of the last less the first only",
        "contr.poly gives contrasts of unit length; the toolkit gives a slope a unit of the scores",
    ),
    Adapted(
        "g_definition_grid", r"^standardised.all/p", "leaves these out",
        "the difference is made of them",
    ),
    Adapted(
        "h_centiles", r"/(aic|sbc|iter|converged|coef|se)",
        "leaves these out",
        "the criteria follow from deviance and df, coefficients and their errors from the basis "
        "that the curve is written in; curves and centiles do not",
    ),
    Adapted(
        "h_centiles", r"param\.",
        "compares mu to 1e-6, sigma and centiles to 1e-5, deviance to 1e-6 (1e-3 for BCT and "
        "BCTo), z-scores to 5e-5",
        "either fit ends by a rule of its own; where the tails are normal, tau of these two runs "
        "off in R and stands at its bound here",
    ),
    Adapted(
        "h_centiles", r"(pbauto|pbdf)\.",
        "compares df to 0.5 (0.001 where they are fixed), deviance to 1 (0.1) and centiles to "
        "0.2 %; leaves parameters and z-scores out",
        "the smoothness λ of a P-spline is searched for, and two searches end at neighbouring "
        "places of a flat top; λ itself depends on the scale of the penalty",
    ),
    Adapted(
        "h_centiles", r"param_w.*/(gdev|sigma|nu)",
        "multiplies our deviance by the mean weight; leaves sigma and nu out",
        "gamlss takes weights as they stand; here they sum to the number of people",
    ),
    Adapted(
        "h_centiles", r"fp\.", "compares the powers chosen, and the deviance to 1e-4",
        "R chooses the powers by the working values of a step, the toolkit by the whole fit",
    ),
    Adapted(
        "h_centiles", r"\.rq/.*(nid|iid|ker)\.|rq_simple/.*(lower|upper|rank_nid)",
        "leaves these out",
        "quantile regression is offered without errors, and `bands` gives limits to fitted "
        "distributions: a formula for people drawn one by one holds in no survey",
    ),
    Adapted(
        "h_centiles", r"^abdom\.",
        "compares the families that the toolkit has, without smoothing as above; smooth: deviance "
        "and df to 0.01, mu to 2e-4, sigma to 2e-3",
        "the logistic, Gumbel, Weibull and t families are not offered; the smoothness as above",
    ),
    Adapted(
        "h_centiles", r"^dbhh\.lms/",
        "takes R's power of age; compares the family chosen, deviance to 0.1 and df to 0.05",
        "lms() stops where the deviance moves by less than 0.01; the power of age is searched for "
        "by R and stated by the user here",
    ),
    Adapted(
        "h_centiles", r"csdf\.",
        "compares df to 0.001, deviance to 0.2 and centiles to 0.1 %",
        "cs() is a smoothing spline with a knot at every age, ours a P-spline of the same df",
    ),
    Adapted(
        "h_centiles", r"VGAM\.lms\.bcn/(ll|se|pred)", "leaves these out",
        "VGAM's likelihood lacks constants, and qtplot was handed what it gives no centiles for",
    ),
    Adapted(
        "h_centiles", r"altman/",
        "compares the mean to 0.1 %, the SD to 1 %, centiles to 0.5 %; leaves coefficients out",
        "Altman fits the mean and then the absolute residuals; the toolkit both by maximum "
        "likelihood",
    ),
    Adapted(
        "h_centiles", r"sitar\.LMS/back", "leaves it out",
        "a score made a value again is tested by itself",
    ),
    Adapted(
        "j_local_polynomial", r"^binned",
        "moves the ages down to R's grid for 1e-10, and compares within 0.3 % with ages as they "
        "are; ages past the people's are left out, here as above",
        "svysmooth counts people at 401 places before it smooths; the toolkit takes distinct ages",
    ),
    Adapted(
        "j_local_polynomial", r"^dpill/", "leaves it out",
        "a plug-in bandwidth that knows no weights; the toolkit's is that of least generalised "
        "cross-validation",
    ),
)  # fmt: skip

# What R's functions offer beside what the toolkit has, and is therefore in no record.
NOT_OFFERED = (
    (
        'svychisq(statistic = "Wald", "adjWald", "Chisq")',
        "the toolkit gives the second-order correction referred to F, R's default",
    ),
    (
        'svychisq(statistic = "lincom", "saddlepoint")',
        "the same; R takes the degrees of freedom of their denominator as a whole number (39 for "
        "39.15)",
    ),
    (
        "gamlss: LO, TF, GA, GU, RG, WEI3 and others; mgcv: gaulss, shash",
        "normal, log-normal, and the Box–Cox three, by their median or its logarithm; SHASH and "
        "JSU did not converge in R on the people of the records, nor did VGAM lms.yjn",
    ),
    (
        "VGAM: vgam(lms.bcn) with s()",
        "P-splines; the record holds predict() of the fit, which gives its straight part only",
    ),
    (
        'quantreg: rqss(), qss(); survey: svysmooth(method = "quantreg")',
        "natural splines of stated knots; qss() is straight between ages, and its λ, which has no "
        "scale, is for the user to find",
    ),
    (
        "quantreg: summary() of rq; se by nid, iid, ker, rank",
        "replicates or the bootstrap, which hold in a survey too",
    ),
    (
        "mgcv gam(), loess(), smooth.spline(), lowess() of the mean",
        "P-splines by the normal law, and weighted local polynomials",
    ),
    (
        "KernSmooth: dpill(), a plug-in bandwidth",
        "generalised cross-validation, by the weights",
    ),
    (
        'svyquantile(qrule = "hf3" … "hf9", "shahvaish")',
        'the toolkit has "math" and "school"; below the share of the first weight it gives the '
        'first value, where R 4.5 gives by "school" the mean of the first two (values 1 to 6, '
        "weights 5, 1, 1, 1, 1, 1, probability 0.1: R 1.5, here 1)",
    ),
    (
        "mcr: equivariant Passing–Bablok; mblm, mcr: McKean–Schrader errors of Theil–Sen",
        "ranks, jackknife and bootstrap intervals instead",
    ),
    (
        "psych, irr: intraclass correlation of ratings that agree perfectly",
        "1 with limits of 1, as psych gives; its F is that of the rounding (3e32), here infinite",
    ),
)
