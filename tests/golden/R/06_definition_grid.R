# Two definitions on the same people, their difference, and a trend: R survey on osteo_survey.csv.
# Definition 1 reads the femoral neck (bmd), definition 2 a spine made from it below; each is
# missing in other people. The survey's third of ages stands for a cycle.
source("common.R"); suppressMessages(library(survey)); gopen("g_definition_grid")
sv <- rcsv("osteo_survey")
sv$fn <- sv$bmd
sv$ls <- ifelse(sv$smoke == 1 & sv$eth == 2, NA, 0.35 + 0.75 * sv$bmd + 0.004 * (sv$bmi - 27) + 0.002 * (sv$id %% 41))
sv$y1 <- as.numeric((sv$fn - 0.858) / 0.120 <= -2.5 + 1e-5)
sv$y2 <- as.numeric((sv$ls - 1.047) / 0.110 <= -2.5 + 1e-5)
sv$m1 <- as.numeric(!is.na(sv$y1)); sv$m2 <- as.numeric(!is.na(sv$y2))
sv$z1 <- ifelse(sv$m1 == 1, sv$y1, 0); sv$z2 <- ifelse(sv$m2 == 1, sv$y2, 0)
sv$both <- sv$m1 == 1 & sv$m2 == 1
sv$cycle <- c(2006, 2008, 2010, 2018)[sv$id %% 4 + 1]
D <- svydesign(~psu, strata = ~strata, weights = ~wt, nest = TRUE, data = sv)
common <- function(des) {
  d <- subset(des, both); m <- svymean(~ y1 + y2, d); k <- svycontrast(m, c(-1, 1))
  list(p = as.numeric(coef(m)), se = as.numeric(SE(m)), difference = as.numeric(coef(k)),
       difference_se = as.numeric(SE(k)), df = degf(d), n = nrow(d),
       ci = as.numeric(confint(k, df = degf(d))))
}
own <- function(des) {
  m <- svytotal(~ z1 + m1 + z2 + m2, des); k <- svycontrast(m, quote(z2 / m2 - z1 / m1))
  list(difference = as.numeric(coef(k)), difference_se = as.numeric(SE(k)))
}
for (s in c("all", "0", "1")) {
  des <- if (s == "all") D else subset(D, sex == as.integer(s))
  gtry(paste0("common.", s), "svycontrast(svymean(~y1+y2))", "osteo_survey", "survey", common(des))
  gtry(paste0("own.", s), "svycontrast(svytotal, quote(z2/m2 - z1/m1))", "osteo_survey", "survey", own(des))
}
stdp <- c("50-59" = 13500, "60-69" = 11500, "70-79" = 9000, "80+" = 5000)
gtry("standardised.all", "svystandardize on the common people, svycontrast", "osteo_survey", "survey", {
  S <- svystandardize(D, by = ~agegrp, over = ~1, population = stdp, excluding.missing = ~ y1 + y2)
  m <- svymean(~ y1 + y2, subset(S, both)); k <- svycontrast(m, c(-1, 1))
  list(p = as.numeric(coef(m)), difference = as.numeric(coef(k)), difference_se = as.numeric(SE(k))) })
gtry("moves.all", "svymean of moved into and out of, common people", "osteo_survey", "survey", {
  d <- subset(update(D, into = as.numeric(y2 > y1), out = as.numeric(y2 < y1), f1 = factor(y1), f2 = factor(y2)), both)
  m <- svymean(~ into + out, d); k <- svykappa(~ f1 + f2, d)
  list(share = as.numeric(coef(m)), se = as.numeric(SE(m)), kappa = as.numeric(coef(k)),
       kappa_se = as.numeric(SE(k)),
       n = c(sum(sv$y2 > sv$y1 & sv$both, na.rm = TRUE), sum(sv$y2 < sv$y1 & sv$both, na.rm = TRUE))) })
gtry("trend.all", "svycontrast(svyby(covmat=TRUE), contr.poly(4, scores))", "osteo_survey", "survey", {
  b <- svyby(~ y1, ~ cycle, subset(D, m1 == 1), svymean, covmat = TRUE)
  w <- contr.poly(4, scores = c(2006, 2008, 2010, 2018))
  k <- svycontrast(b, list(linear = w[, 1], quadratic = w[, 2], ends = c(-1, 0, 0, 1)))
  t <- as.numeric(coef(k)) / as.numeric(SE(k)); f <- degf(subset(D, m1 == 1))
  list(p = as.numeric(coef(b)), contrast = as.numeric(coef(k)), se = as.numeric(SE(k)), t = t, df = f,
       p_value = 2 * pt(abs(t), f, lower.tail = FALSE)) })
gclose()
