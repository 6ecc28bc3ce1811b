# Limits of Youden's cut-point by pROC: processor time of 1,000 samples of the people in a file.
suppressMessages(library(pROC))
people <- read.csv(commandArgs(TRUE)[1])
curve <- roc(people$y, people$x, levels = c(0, 1), direction = "<", quiet = TRUE)
set.seed(1)
time <- system.time(ci.coords(curve, "best", best.method = "youden", best.policy = "random",
                              ret = "threshold", boot.n = 1000, progress = "none"))
cat(time[["user.self"]] + time[["sys.self"]], "\n")
