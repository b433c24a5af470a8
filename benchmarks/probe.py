"""What the machine can do, measured in the same run as the times that are held against it.

    .venv/bin/python benchmarks/probe.py

The floors turn counts of operations and of bytes into the least seconds that these rates allow.
All rates are of both cores, one thread each; the best of several tries, so that the floor is low.
"""

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

THREADS = 2
FIRST_ORDER = ("lbfgs", "newton-cg", "sag", "saga", "liblinear")


def best(work, tries=5):
    """The least seconds of `work`, which takes the number of its thread, on all threads at once."""
    with ThreadPoolExecutor(THREADS) as pool:
        times = []
        for _ in range(tries):
            start = time.perf_counter()
            list(pool.map(work, range(THREADS)))
            times.append(time.perf_counter() - start)
    return min(times)


def measure(megabytes=1000):
    """GFLOP/s of the matrix products and GB/s of reading, as a dict."""
    from scipy.linalg import blas
    from threadpoolctl import threadpool_limits

    rng = np.random.default_rng(1)
    rates = {}
    # Large products: OpenBLAS with all its threads.
    side = 2000
    a = np.asfortranarray(rng.normal(size=(side, side)))
    with threadpool_limits(THREADS):
        for name, operations in (("gemm", 2 * side**3), ("syrk", side**2 * (side + 1))):
            for kind, x in (("s", a.astype(np.float32)), ("d", a)):
                function = getattr(blas, kind + name)
                arguments = (1.0, x, x) if name == "gemm" else (1.0, x)
                times = []
                for _ in range(6):
                    start = time.perf_counter()
                    function(*arguments)
                    times.append(time.perf_counter() - start)
                rates[kind + name] = operations / min(times) / 1e9
    # Reading: each thread a half, by the quickest of three sums over it.
    half = megabytes * 1_000_000 // 8 // THREADS
    parts = [np.full(half, 1.0 + t) for t in range(THREADS)]
    with threadpool_limits(1):
        seconds = min(
            best(lambda t: np.dot(parts[t], parts[t])),
            best(lambda t: parts[t].sum()), best(lambda t: parts[t].max()))
    rates["read"] = THREADS * half * 8 / seconds / 1e9
    return rates


def rates():
    """`measure` in a process of its own, so that it leaves no memory behind."""
    out = subprocess.run([sys.executable, __file__], check=True, capture_output=True, text=True)
    return json.loads(out.stdout.splitlines()[-1])


def floor(rates, operations, bytes_read, rate):
    """The two floors in seconds, as columns of a table; `rate` is that of the operations."""
    found = {"floor_bytes": bytes_read / rates["read"] / 1e9}
    if operations:
        found["floor_operations"] = operations / rates[rate] / 1e9
    return found


def newton_floor(rates, rows, columns, passes, name):
    """Of a fit by `name`: what no Newton method does without, one Gram of all rows, and one reading
    of the matrix in each pass. First-order methods make no Gram, and tacit's is of float32."""
    gram = 0 if name.endswith(FIRST_ORDER) else rows * columns * (columns + 1)
    return floor(rates, gram, 8 * rows * columns * passes,
                 "ssyrk" if name.startswith("tacit") else "dsyrk")


def path_floor(rates, rows, columns, penalties, folds):
    """Of a path with cross-validation: at each penalty the matrix is read once, and the predictors
    and gradients of all folds and of the whole are two products with it in float64."""
    return floor(rates, penalties * 4 * rows * columns * (folds + 1), 8 * rows * columns * penalties,
                 "dgemm")


def sentence(rates):
    return ("Measured in this run, both cores: " + ", ".join(
        f"{k} {rates[k]:.0f} GFLOP/s" for k in ("ssyrk", "dsyrk", "sgemm", "dgemm"))
        + f", reading {rates['read']:.1f} GB/s. × floor is a time over the larger of its floors: "
        "operations over the rate of products, bytes over that of reading. ")


FIT_FLOOR = ("The floor of a fit: one Gram of all rows at the rate of syrk (float32 for tacit, whose "
             "Gram is; none for first-order methods), and one reading of the matrix in each of its "
             "iterations.")
PATH_FLOOR = ("The floor: at each penalty one reading of the matrix, and at the rate of dgemm the two "
              "products that give the predictors and gradients of all folds and of the whole.")


if __name__ == "__main__":
    print(json.dumps(measure()))
