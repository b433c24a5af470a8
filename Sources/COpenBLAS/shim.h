// OpenBLAS: CBLAS as its own header declares it, the few Fortran LAPACK routines used, which
// Debian's libopenblas-dev exports but declares nowhere (it ships no lapacke.h), the choice of its
// kernels, and what predictions need to go as fast as memory is read.
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

static inline int has_wide_registers(void) {
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
// Probability and logit in turn of `count` logits; whether all are finite. The operations of
// SigmoidKernel.swift one for one, four rows at a time, so that the bits are the same.
__attribute__((target("avx2"))) static inline int sigmoid_pairs(const double *logits, long count,
                                                                double *pairs) {
  typedef long long four_integers __attribute__((vector_size(32), aligned(8)));
  four_doubles checks = {0, 0, 0, 0};
  double rest[4] = {0, 0, 0, 0};
  for (long i = 0; i < count; i += 4) {
    long here = count - i < 4 ? count - i : 4;
    const double *from = logits + i;
    if (here < 4) {
      for (long k = 0; k < here; k++) {
        rest[k] = from[k];
      }
      from = rest;
    }
    four_doubles eta = *(const four_doubles *)from;
    four_integers positive = eta >= 0;
    four_doubles x = (four_doubles)(((four_integers)-eta & positive) | ((four_integers)eta & ~positive));
    four_integers tiny = x < -708;
    four_doubles lowest = {-708, -708, -708, -708};
    four_doubles clamped =
        (four_doubles)(((four_integers)lowest & tiny) | ((four_integers)x & ~tiny));
    four_doubles shifted = clamped * 1.4426950408889634 + 0x1.8p52;
    four_doubles n = shifted - 0x1.8p52;
    four_doubles r = (clamped - n * 6.93145751953125e-1) - n * 1.42860682030941723212e-6;
    four_doubles z = r * r;
    four_doubles p = z * 1.26177193074810590878e-4 + 3.02994407707441961300e-2;
    p = (p * z + 9.99999999999999999910e-1) * r;
    four_doubles q = z * 3.00198505138664455042e-6 + 2.52448340349684104192e-3;
    q = q * z + 2.27265548208155028766e-1;
    q = q * z + 2.0;
    four_doubles e = p / (q - p);
    four_doubles mantissa = 1 + (e + e);
    four_integers power = ((four_integers)shifted + 1023) << 52;
    four_doubles u = mantissa * (four_doubles)power;
    u = (four_doubles)((four_integers)u & ~tiny);
    four_doubles one = {1, 1, 1, 1};
    four_doubles numerator =
        (four_doubles)(((four_integers)one & positive) | ((four_integers)u & ~positive));
    four_doubles probability = numerator / (1 + u);
    checks += eta * 0;
    for (long k = 0; k < here; k++) {
      pairs[2 * (i + k)] = probability[k];
      pairs[2 * (i + k) + 1] = eta[k];
    }
  }
  return checks[0] == 0 && checks[1] == 0 && checks[2] == 0 && checks[3] == 0;
}
#else
static inline int sigmoid_pairs(const double *logits, long count, double *pairs) { return 0; }
static inline int has_wide_registers(void) { return 0; }
static inline void row_sums(const double *rows, long count, long columns, const double *b,
                            double intercept, double *sums) {}
#endif
