source("common.R"); suppressMessages(library(survey)); options(survey.lonely.psu="fail")
# p = f + (1 - f) q in each age band: f the share with an established fracture among those of whom it
# is known, q the share with the class among those without one who were measured; standardised.
gopen("i_fracture_part")
sv <- rcsv("osteo_survey"); bands <- c("50-59","60-69","70-79","80+"); share <- c(13500,11500,9000,5000); share <- share/sum(share)
# Of every 17th person nothing is recorded: without a fracture where measured, else unknown.
silent <- sv$id %% 17 == 0; there <- !is.na(sv$osteo)
fx <- ifelse(silent, ifelse(there, 0, NA), sv$priorfx); q <- !is.na(fx) & fx == 0 & there
y <- list(osteoporosis=ifelse(q, sv$osteo, 0), low_bone_mass=ifelse(q, sv$lowbm - sv$osteo, 0))
parts <- function(inside, class) data.frame(fn=inside*(!is.na(fx) & fx == 1), fd=inside*!is.na(fx), qn=inside*y[[class]], qd=inside*q)
for (class in names(y)) for (b in c(bands,"all")) {
  p <- parts(if (b == "all") TRUE else sv$agegrp == b, class); names(p) <- paste0(names(p),"_",class,"_",match(b,c(bands,"all"))); sv <- cbind(sv,p) }
D <- svydesign(~psu, strata=~strata, weights=~wt, nest=TRUE, data=sv); J <- as.svrepdesign(D, type="JKn")
term <- function(i, class) { v <- function(s) paste0(s,"_",class,"_",i); f <- sprintf("%s/%s", v("fn"), v("fd"))
  sprintf("(%s(1-%s)*%s/%s)", if (class=="osteoporosis") paste0(f,"+") else "", f, v("qn"), v("qd")) }
whole <- function(class) paste(sprintf("%.17g*%s", share, sapply(1:4, term, class)), collapse="+")
domains <- list(all=rep(TRUE,nrow(sv)), women=sv$sex==1)
for (d in names(domains)) { inside <- domains[[d]]; used <- inside & !is.na(fx)
  for (class in names(y)) { made <- grep(class, names(sv), value=TRUE); S <- subset(D, inside)
    expressions <- c(setNames(sapply(1:4, term, class), bands), crude=term(5, class), standardised=whole(class))
    totals <- svytotal(reformulate(made), S)
    for (e in names(expressions)) { what <- expressions[[e]]
      rows <- used & (if (e %in% bands) sv$agegrp == e else TRUE)
      gtry(paste(d,class,e,sep="."), "svycontrast of svytotal", "osteo_survey", "survey", { r <- svycontrast(totals, setNames(list(str2lang(what)), "p"))
        list(estimate=as.numeric(coef(r)), se=as.numeric(SE(r)), df=degf(subset(D, rows))) })
      gtry(paste(d,class,e,"JKn",sep="."), "withReplicates", "osteo_survey", "survey", {
        r <- withReplicates(subset(J, inside), function(w, data) eval(str2lang(what), lapply(data[made], function(x) sum(w*x))))
        list(estimate=as.numeric(coef(r)), se=as.numeric(SE(r))) }) } } }
gtry("rscales", "JKn", "osteo_survey", "survey", J$rscales)
gclose()
