# pROC on the file that bench_roc.py made; one line of JSON as its children in Python.
# Arguments: the file, what to do (paired, bootstrap), number of replicates.
suppressMessages(library(pROC))
asked <- commandArgs(TRUE)
replicates <- as.integer(asked[3])
people <- read.csv(asked[1])
set.seed(1)
memory <- function(name)
  as.numeric(gsub("[^0-9]", "", grep(name, readLines("/proc/self/status"), value = TRUE))) / 1024
before <- memory("VmRSS")
start <- proc.time()
first <- roc(people$y, people$first, levels = c(0, 1), direction = "<", quiet = TRUE)
if (asked[2] == "bootstrap") {
  limits <- as.numeric(ci.auc(first, method = "bootstrap", boot.n = replicates, progress = "none"))
  found <- c(as.numeric(auc(first)), limits[c(1, 3)])
} else {
  second <- roc(people$y, people$second, levels = c(0, 1), direction = "<", quiet = TRUE)
  test <- roc.test(first, second, method = "delong", paired = TRUE)
  found <- c(as.numeric(auc(first)), as.numeric(auc(second)), as.numeric(test$statistic))
}
used <- proc.time() - start
peak <- memory("VmHWM")
cat(sprintf('{"cpu": %.4f, "peak": %.0f, "rise": %.0f, "found": [%s]}\n', used[[1]] + used[[2]],
  peak, peak - before, paste(sprintf("%.17g", found), collapse = ", ")))
