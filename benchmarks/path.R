# glmnet's side of path.py: one argument, a folder with x.bin (float64, by columns), y.bin,
# folds.bin (int32, from 1), lambdas.bin (decreasing) and the numbers rows, columns, kind in
# job.txt. Workers are forked, so they share the matrix; they and glmnet are warmed up first.
# Writes coef.bin ((columns + 1) × penalties, intercept first), cvm.bin, cvsd.bin; prints the seconds.
suppressPackageStartupMessages({library(glmnet); library(doParallel)})
folder <- commandArgs(trailingOnly = TRUE)[1]
at <- function(name) file.path(folder, name)
job <- read.table(at("job.txt"), stringsAsFactors = FALSE)
n <- job[1, 1]; p <- job[1, 2]; kind <- job[1, 3]; cores <- job[1, 4]
x <- matrix(readBin(at("x.bin"), "double", n * p), n, p)
y <- readBin(at("y.bin"), "double", n)
folds <- readBin(at("folds.bin"), "integer", n)
lambdas <- readBin(at("lambdas.bin"), "double", 100000)
registerDoParallel(cores = cores)
# Every penalty is to be fitted: no early end of the path.
invisible(glmnet.control(fdev = 0, devmax = 1))
few <- seq(1, n, length.out = min(n, 1000))
invisible(cv.glmnet(x[few, ], y[few], family = "binomial", nfolds = 3, parallel = TRUE))
seconds <- system.time(found <- cv.glmnet(
  x, y, family = "binomial", lambda = lambdas, foldid = folds, type.measure = "deviance",
  standardize = FALSE, type.logistic = kind, parallel = TRUE))[["elapsed"]]
path <- as.matrix(coef(found$glmnet.fit))
stopifnot(ncol(path) == length(lambdas))
writeBin(as.vector(path), at("coef.bin"))
writeBin(found$cvm, at("cvm.bin"))
writeBin(found$cvsd, at("cvsd.bin"))
cat(seconds, as.character(packageVersion("glmnet")), "\n")
