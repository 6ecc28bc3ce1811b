# R survey on the file that bench_survey.py made; one line of JSON as its children in Python.
# Arguments: the file, what to do (domains, bootstrap, given), number of replicates.
suppressMessages(library(survey))
options(survey.lonely.psu = "fail")
asked <- commandArgs(TRUE)
replicates <- as.integer(asked[3])
people <- read.csv(asked[1])
people$domain <- factor(people$domain)
start <- proc.time()
if (asked[2] == "given") {
  columns <- grep("^rw", names(people))
  design <- svrepdesign(repweights = people[columns], weights = people$survey_weight,
    data = people[-columns], type = "other", combined.weights = TRUE,
    scale = 1 / replicates, rscales = rep(1, replicates), mse = FALSE)
} else {
  design <- svydesign(~psu, strata = ~stratum, weights = ~survey_weight, data = people, nest = TRUE)
  if (asked[2] == "bootstrap")
    design <- as.svrepdesign(design, type = "subbootstrap", replicates = replicates)
}
made <- proc.time() - start
found <- svyby(~y, ~domain, design, svymean)
used <- proc.time() - start
cat(sprintf('{"cpu": %.4f, "made": %.4f, "wall": %.4f, "value": [%s], "se": [%s]}\n',
  used[[1]] + used[[2]], made[[1]] + made[[2]], used[[3]],
  paste(sprintf("%.17g", found$y), collapse = ", "),
  paste(sprintf("%.17g", SE(found)), collapse = ", ")))
