# survival on the file that bench_cox.py made; one line of JSON as its children in Python.
# Arguments: the file, "late" or "all" (left truncation), "test" or "fit" (with cox.zph).
suppressMessages(library(survival))
asked <- commandArgs(TRUE)
people <- read.csv(asked[1])
memory <- function(name)
  as.numeric(gsub("[^0-9]", "", grep(name, readLines("/proc/self/status"), value = TRUE))) / 1024
fitted <- function(d) {
  m <- if (asked[2] == "late") coxph(Surv(entry, time, event) ~ x1 + x2 + x3 + x4, d) else
    coxph(Surv(time, event) ~ x1 + x2 + x3 + x4, d)
  if (asked[3] == "test") cox.zph(m)
  m
}
invisible(fitted(people[1:2000, ]))
before <- memory("VmRSS")
start <- proc.time()
m <- fitted(people)
used <- proc.time() - start
cat(sprintf('{"cpu": %.4f, "rise": %.0f, "found": [%s]}\n', used[[1]] + used[[2]],
  memory("VmHWM") - before, paste(sprintf("%.17g", coef(m)), collapse = ", ")))
