// OpenBLAS: CBLAS as its own header declares it, the few Fortran LAPACK routines used, which
// Debian's libopenblas-dev exports but declares nowhere (it ships no lapacke.h), and the choice of
// its kernels.
#include <cblas.h>
#include <stdlib.h>
#include <string.h>

// Cholesky factor of a symmetric positive definite matrix (column-major).
void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info);
// Solves A x = b from the factor of dpotrf_.
void dpotrs_(const char *uplo, const int *n, const int *nrhs, const double *a, const int *lda,
             double *b, const int *ldb, int *info);
// Inverse of A from the factor of dpotrf_.
void dpotri_(const char *uplo, const int *n, double *a, const int *lda, int *info);

// Exported where OpenBLAS was built with kernels for several processors.
__attribute__((weak)) void gotoblas_dynamic_init(void);
__attribute__((weak)) void gotoblas_dynamic_quit(void);
// Ends the threads OpenBLAS starts when it is loaded; idle ones spin for the first 30 ms.
__attribute__((weak)) int blas_thread_shutdown_(void);

// One thread (the work is split above), and the right kernels. OpenBLAS picks kernels by the
// processor's model number and falls back to those of a Pentium 4 ("Prescott") for models newer than
// itself, five times slower; then choose again, by what the processor can do. An OPENBLAS_CORETYPE
// of the user's stands. Call once, before any other routine.
static inline void openblas_prepare(void) {
  openblas_set_num_threads(1);
  if (blas_thread_shutdown_) {
    blas_thread_shutdown_();
  }
#if defined(__x86_64__)
  if (getenv("OPENBLAS_CORETYPE") || !gotoblas_dynamic_init || !gotoblas_dynamic_quit ||
      strcmp(openblas_get_corename(), "Prescott") != 0) {
    return;
  }
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) {
    return;
  }
  int wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  setenv("OPENBLAS_CORETYPE", wide ? "SkylakeX" : "Haswell", 1);
  gotoblas_dynamic_quit();
  gotoblas_dynamic_init();
  unsetenv("OPENBLAS_CORETYPE");
#endif
}

// Asks for a cache line, to come into the second-level cache while other work goes on.
static inline void prefetch_line(const void *address) { __builtin_prefetch(address, 0, 2); }
