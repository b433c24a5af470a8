// OpenBLAS: CBLAS as its own header declares it, the few Fortran LAPACK routines used, which
// Debian's libopenblas-dev exports but declares nowhere (it ships no lapacke.h), the choice of its
// kernels, and the one product of ours that it does not do as fast as memory is read.
#include <cblas.h>
#include <stdlib.h>
#include <string.h>

// Cholesky factor of a symmetric positive definite matrix (column-major).
void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info);
// Solves A x = b from the factor of dpotrf_.
void dpotrs_(const char *uplo, const int *n, const int *nrhs, const double *a, const int *lda,
             double *b, const int *ldb, int *info);
// dpotrf_ in float32.
void spotrf_(const char *uplo, const int *n, float *a, const int *lda, int *info);
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

// Sums of rows times coefficients by registers of four numbers, which Swift without flags of its
// own does not use: sums[i] = intercept + Σ_j rows[i * columns + j] * b[j], in eight lanes that are
// then added in their order. No multiply-add, so that every processor gives the same bits. Asks for
// rows to come 8 KB ahead, across pages, where the processor by itself does not look.
#if defined(__x86_64__)
typedef double four_doubles __attribute__((vector_size(32), aligned(8)));

static inline int has_row_sums(void) {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx2") != 0;
}

__attribute__((target("avx2"))) static inline void row_sums(const double *rows, long count,
                                                            long columns, const double *b,
                                                            double intercept, double *sums) {
  long whole = columns & ~7L;
  for (long i = 0; i < count; i++) {
    const double *row = rows + i * columns;
    four_doubles low = {0, 0, 0, 0};
    four_doubles high = {0, 0, 0, 0};
    for (long j = 0; j < whole; j += 8) {
      __builtin_prefetch((const char *)(row + j) + 8192, 0, 3);
      low += *(const four_doubles *)(row + j) * *(const four_doubles *)(b + j);
      high += *(const four_doubles *)(row + j + 4) * *(const four_doubles *)(b + j + 4);
    }
    double rest = intercept;
    for (long j = whole; j < columns; j++) {
      rest += row[j] * b[j];
    }
    four_doubles half = low + high;
    sums[i] = rest + ((half[0] + half[2]) + (half[1] + half[3]));
  }
}
#else
static inline int has_row_sums(void) { return 0; }
static inline void row_sums(const double *rows, long count, long columns, const double *b,
                            double intercept, double *sums) {}
#endif
