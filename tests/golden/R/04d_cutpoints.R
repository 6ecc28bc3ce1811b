source("common.R"); suppressMessages({library(cutpointr);library(OptimalCutpoints);library(pROC)})
gopen("d_diag_cutpoints")
data(aSAH,package="pROC"); dg <- rcsv("osteo_diag")
A <- transform(aSAH,y=as.integer(outcome=="Poor"))
sets <- list(osteo_diag=list(d=dg,m=c("ost","qus","hu")), pROC_aSAH=list(d=A,m=c("s100b","wfns","ndka")))
for (nm in names(sets)) { d <- sets[[nm]]$d; ms <- sets[[nm]]$m; if ("wfns" %in% ms) d$wfns <- as.numeric(d$wfns)
  for (m in ms) { r <- roc(d$y,d[[m]],levels=c(0,1),direction=if(m=="hu") ">" else "<",quiet=TRUE); k <- paste(nm,m,sep=".")
    gtry(paste0(k,".coords"),"coords best youden / closest.topleft; weights c(2,prev .2)",nm,"pROC",list(youden=as.list(coords(r,"best",best.method="youden",ret=c("threshold","specificity","sensitivity","ppv","npv","youden","accuracy","tp","tn","fp","fn"),transpose=FALSE)),topleft=as.list(coords(r,"best",best.method="closest.topleft",transpose=FALSE)),weighted=as.list(coords(r,"best",best.weights=c(2,.2),transpose=FALSE)),sens_at_spec90=as.list(coords(r,.9,input="specificity",ret=c("threshold","sensitivity"),transpose=FALSE))))
    set.seed(42); gtry(paste0(k,".bootstrap"),"limits of the Youden threshold, roc and coords of 2000 samples drawn by class, the middle of thresholds equally good (Monte-Carlo)",nm,"pROC",{one <- which(d$y==1); none <- which(d$y==0); way <- r$direction
      cut <- replicate(2000,{i <- c(sample(one,replace=TRUE),sample(none,replace=TRUE)); b <- coords(roc(d$y[i],d[[m]][i],levels=c(0,1),direction=way,quiet=TRUE),"best",best.method="youden",ret="threshold",transpose=FALSE)$threshold; b[ceiling(length(b)/2)]}); list(threshold=as.numeric(quantile(cut,c(.025,.975),type=1)))}) } }
gtry("optimal.osteo","OptimalCutpoints Youden","osteo_diag","OptimalCutpoints",{o <- optimal.cutpoints(X="ost",status="y",tag.healthy=0,methods="Youden",data=dg); lapply(c("Youden"),function(m) list(method=m,cut=o[[m]]$Global$optimal.cutoff$cutoff,se=as.numeric(as.matrix(o[[m]]$Global$optimal.cutoff$Se)[,1]),sp=as.numeric(as.matrix(o[[m]]$Global$optimal.cutoff$Sp)[,1])))})
gtry("cutpointr.osteo","cutpointr maximize youden","osteo_diag","cutpointr",{c1 <- suppressMessages(cutpointr(dg,ost,y,pos_class=1,direction=">=",metric=youden)); list(cut=c1$optimal_cutpoint,youden=c1$youden,auc=c1$AUC)})
gclose()
