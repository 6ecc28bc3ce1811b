source("common.R"); suppressMessages({library(Hmisc);library(pROC)})
gopen("d_diag_roc")
data(aSAH,package="pROC"); wcsv(aSAH,"pROC_aSAH"); dg <- rcsv("osteo_diag")
A <- transform(aSAH,y=as.integer(outcome=="Poor"))
sets <- list(osteo_diag=list(d=dg,m=c("ost","qus","hu")), pROC_aSAH=list(d=A,m=c("s100b","wfns","ndka")))
for (nm in names(sets)) { d <- sets[[nm]]$d; ms <- sets[[nm]]$m; if ("wfns" %in% ms) d$wfns <- as.numeric(d$wfns)
  R <- lapply(ms,function(m) roc(d$y,d[[m]],levels=c(0,1),direction=if(m=="hu") ">" else "<",quiet=TRUE)); names(R) <- ms
  for (m in ms) { r <- R[[m]]; k <- paste(nm,m,sep=".")
    gtry(paste0(k,".auc"),"auc, var & CI DeLong (direction: hu '>' else '<')",nm,"pROC",list(auc=as.numeric(auc(r)),var=var(r),se=sqrt(var(r)),ci=as.numeric(ci.auc(r))[c(1,3)], ci90=as.numeric(ci.auc(r,conf.level=.9))[c(1,3)]))
    gtry(paste0(k,".roc"),"thresholds, sens, spec",nm,"pROC",list(thr=r$thresholds,sens=r$sensitivities,spec=r$specificities))
    gtry(paste0(k,".pauc"),"partial AUC spec [1,.8] raw/corrected; sens [1,.8]",nm,"pROC",list(spec=as.numeric(auc(r,partial.auc=c(1,.8))),spec_corr=as.numeric(auc(r,partial.auc=c(1,.8),partial.auc.correct=TRUE)),sens=as.numeric(auc(r,partial.auc=c(1,.8),partial.auc.focus="sens")),sens_corr=as.numeric(auc(r,partial.auc=c(1,.8),partial.auc.focus="sens",partial.auc.correct=TRUE))))
    gtry(paste0(k,".smooth"),"binormal smooth AUC",nm,"pROC",list(auc=as.numeric(auc(smooth(r,method="binormal")))))
    set.seed(42); gtry(paste0(k,".ci_boot"),"bootstrap CI stratified 2000 (Monte-Carlo)",nm,"pROC",list(ci=as.numeric(ci.auc(r,method="bootstrap",boot.n=2000,progress="none"))))
    set.seed(42); gtry(paste0(k,".ci_se"),"ci.se stratified 2000 (Monte-Carlo); coords at the same specificities",nm,"pROC",{b <- ci.se(r,specificities=c(.5,.7,.9),boot.n=2000,progress="none"); list(low=as.numeric(b[,1]),high=as.numeric(b[,3]),se=coords(r,c(.5,.7,.9),input="specificity",ret="sensitivity",transpose=FALSE)$sensitivity)})
    set.seed(42); gtry(paste0(k,".smooth_boot"),"ci.auc of the smooth curve, stratified 1000 (Monte-Carlo)",nm,"pROC",{b <- as.numeric(ci.auc(smooth(r,method="binormal"),boot.n=1000,progress="none")); list(ci=b[c(1,3)])})
    gtry(paste0(k,".hmisc"),"Hmisc::rcorr.cens / somers2 + wilcox",nm,"Hmisc",{s <- somers2(if(m=="hu") -d[[m]] else d[[m]],d$y); as.list(s)}) }
  pr <- combn(ms,2,simplify=FALSE)
  for (p in pr) { k <- paste(nm,paste(p,collapse="_vs_"),sep="."); 
    gtry(paste0(k,".delong"),"paired DeLong test",nm,"pROC",{t <- roc.test(R[[p[1]]],R[[p[2]]],method="delong",paired=TRUE); list(z=as.numeric(t$statistic),p=t$p.value,ci=as.numeric(t$conf.int),cov=cov(R[[p[1]]],R[[p[2]]]))})
    gtry(paste0(k,".delong_unpaired"),"unpaired DeLong (t, Satterthwaite df)",nm,"pROC",{t <- roc.test(R[[p[1]]],R[[p[2]]],method="delong",paired=FALSE); list(D=as.numeric(t$statistic),df=as.numeric(t$parameter),p=t$p.value)}) 
    set.seed(42); gtry(paste0(k,".boot"),"paired bootstrap test 2000 (MC)",nm,"pROC",{t <- roc.test(R[[p[1]]],R[[p[2]]],method="bootstrap",paired=TRUE,boot.n=2000,progress="none"); list(D=as.numeric(t$statistic),p=t$p.value)}) }
}
gtry("weighted_auc","survey/sampling weighted AUC (weighted Mann-Whitney, ties 1/2)","osteo_diag","Hmisc",{w <- dg$w; a <- dg$ost; p <- which(dg$y==1); q <- which(dg$y==0); m <- outer(a[p],a[q],function(u,v) (u>v)+.5*(u==v)); list(auc=sum(m*outer(w[p],w[q]))/sum(outer(w[p],w[q])))})
gclose()
