// OpenBLAS: CBLAS as its own header declares it, and the few Fortran LAPACK routines used, which
// Debian's libopenblas-dev exports but declares nowhere (it ships no lapacke.h).
#include <cblas.h>

// Cholesky factor of a symmetric positive definite matrix (column-major).
void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info);
// Solves A x = b from the factor of dpotrf_.
void dpotrs_(const char *uplo, const int *n, const int *nrhs, const double *a, const int *lda,
             double *b, const int *ldb, int *info);
// Inverse of A from the factor of dpotrf_.
void dpotri_(const char *uplo, const int *n, double *a, const int *lda, int *info);
// Reciprocal condition number from the factor of dpotrf_.
void dpocon_(const char *uplo, const int *n, const double *a, const int *lda, const double *anorm,
             double *rcond, double *work, int *iwork, int *info);
