source("common.R"); suppressMessages(library(survey)); options(survey.lonely.psu="fail")
# Estimates of a domain that leaves out whole strata and units: the degrees of freedom are its own.
gopen("e_domain")
chi <- function(design, statistic="F", f=~osteo+agegrp) { r <- svychisq(f, design, statistic=statistic); list(stat=as.numeric(r$statistic), par=as.numeric(r$parameter), p=as.numeric(r$p.value)) }
toy <- data.frame(s=rep(1:4,each=8), u=rep(rep(1:2,each=4),4), b=rep(c(0,1,0,1,1,1,0,0),4),
  a=c(0,1,1,0,0,0,1,0,1,1,0,1,0,1,0,0,1,0,1,1,0,0,1,0,1,0,0,1,1,1,0,0))
T <- subset(svydesign(~u, strata=~s, weights=~1, nest=TRUE, data=toy), s<=2)
gtry("toy.F","svychisq(~a+b) of strata 1 and 2","in 05_domain.R","survey",chi(T,f=~a+b))
sv <- rcsv("osteo_survey"); sv$agegrp <- factor(sv$agegrp); sv$eth <- factor(sv$eth)
D <- svydesign(~psu, strata=~strata, weights=~wt, nest=TRUE, data=sv)
domains <- list(strata=subset(D, strata<=4), units=subset(D, !(strata==8 & psu==2)), women=subset(D, sex==1))
for (d in names(domains)) { S <- domains[[d]]
  gtry(paste0(d,".chisq"),"svychisq(~osteo+agegrp)","osteo_survey","survey",chi(S))
  m <- svyglm(bmd~eth,S)
  gtry(paste0(d,".term"),"regTermTest eth Wald","osteo_survey","survey",{w <- regTermTest(m,~eth,method="Wald"); list(F=as.numeric(w$Ftest),df=w$df,ddf=w$ddf,p=as.numeric(w$p))})
  gtry(paste0(d,".total"),"svytotal","osteo_survey","survey",c(est(svytotal(~priorfx,S)),list(df=degf(S))))
  for (q in c("math","school")) gtry(paste0(d,".quantile.",q),"svyquantile(~bmi)","osteo_survey","survey",{r <- svyquantile(~bmi,S,c(.1,.25,.5,.9),qrule=q,df=degf(S)); list(est=as.numeric(coef(r)),se=as.numeric(SE(r)),ci=as.matrix(confint(r)))}) }
gclose()
