# Weighted local linear means by age: survey::svysmooth, which bins ages before KernSmooth::locpoly.
# On the first design the ages stand on svysmooth's grid, so that binning moves nobody.
source("common.R"); suppressMessages(library(survey)); gopen("j_local_polynomial")
ref <- rcsv("osteo_reference")
gx <- seq(20, 90, length = 401); k <- round((ref$age - 20) / 0.175) + 1; ref$on_grid <- gx[k]
at <- function(s, ages) { b <- s[[1]]; i <- sapply(ages, function(a) which.min(abs(b$x - a))); list(x = b$x[i], y = b$y[i]) }
D <- svydesign(~1, weights = ~w, data = ref)
limits <- matrix(c(20, 90), 2)
for (h in c(2, 5, 12)) {
  gtry(paste0("on_grid.", h), "svysmooth(bmd ~ on_grid, xlim = 20 to 90), ages on its grid", "osteo_reference", "survey",
       at(svysmooth(bmd ~ on_grid, D, bandwidth = h, xlim = limits), seq(20, 90, 7)))
  gtry(paste0("binned.", h), "svysmooth(bmd ~ age, xlim = 20 to 90)", "osteo_reference", "survey",
       at(svysmooth(bmd ~ age, D, bandwidth = h, xlim = limits), seq(20, 90, 7)))
}
for (degree in 0:2) gtry(paste0("degree.", degree), "KernSmooth::locpoly on the grid, weighted counts", "osteo_reference", "KernSmooth", {
  nx <- tapply(c(rep(0, 401), ref$w), c(1:401, k), sum); ny <- tapply(c(rep(0, 401), ref$w * ref$bmd), c(1:401, k), sum)
  at(list(KernSmooth::locpoly(nx, ny, degree = degree, binned = TRUE, bandwidth = 5, range.x = c(20, 90))), seq(20, 90, 7)) })
gtry("dpill", "KernSmooth::dpill", "osteo_reference", "KernSmooth", list(h = KernSmooth::dpill(ref$age, ref$bmd)))
gclose()
