"""Other people's fits of L2 logistic regression, each run in a process of its own.

The time is that of `fit` alone: importing, reading the matrix in the peer's layout, building the
estimator and a first fit of a few rows, which loads what a library loads late, are not in it. A fit that overruns its limit is ended by an alarm. Every peer gets
both cores where it can use them. λ as in `tacit fit`: scikit-learn's C is 1 / (λ rows).
"""

import json
import pathlib
import signal
import sys
import time

import harness
import numpy as np
import problem

THREADS = {k: "2" for k in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")}
ENDLESS = 1_000_000  # iterations: only the tolerance or the limit ends a fit

# What each peer is tried with, loosest tolerance first, and its layouts (C rows, F columns;
# scikit-learn copies the matrix to rows).
PEERS = {
    "glum irls-ls": ([1e-6, 1e-7, 1e-8, 1e-9], "CF"),
    "sklearn newton-cholesky": ([1e-6, 1e-7, 1e-9], "C"),
    "sklearn lbfgs": ([2e-9, 1e-9, 1e-11], "C"),
    "sklearn newton-cg": ([2e-9, 1e-9, 1e-11], "C"),
    "sklearn sag": ([1e-7, 1e-9, 1e-11], "C"),
    "sklearn saga": ([1e-7, 1e-9, 1e-11], "C"),
    "sklearn liblinear": ([1e-6, 1e-8, 1e-10], "C"),
    "intelex lbfgs": ([2e-9, 1e-9, 1e-11], "CF"),
    "statsmodels Logit newton": ([1e-8], "CF"),
    "statsmodels GLM irls": ([1e-8, 1e-12], "CF"),
}


def prepare(name, tolerance, l2, rows, iterations=ENDLESS):
    """`fit(x, y)` of the peer, which returns (coefficients, intercept, iterations)."""
    family, _, solver = name.partition(" ")
    if family == "glum":
        from glum import GeneralizedLinearRegressor

        model = GeneralizedLinearRegressor(
            family="binomial", alpha=l2, l1_ratio=0, solver=solver, gradient_tol=tolerance,
            max_iter=min(iterations, 200), check_input=False)
    elif family == "statsmodels":
        return statsmodels(solver, tolerance)
    else:
        if family == "intelex":
            from sklearnex import patch_sklearn

            patch_sklearn(verbose=False)
        from sklearn.linear_model import LogisticRegression

        extra = {}
        if solver == "liblinear":
            # It penalises the intercept, which all others leave free: as 1/300 of what it is.
            extra = {"intercept_scaling": 300.0}
        elif solver in ("sag", "saga"):
            extra = {"random_state": 1}
        model = LogisticRegression(
            C=1 / (l2 * rows) if l2 else np.inf, solver=solver, tol=tolerance, max_iter=iterations,
            **extra)

    def fit(x, y):
        model.fit(x, y)
        return (np.ravel(model.coef_), float(np.ravel(model.intercept_)[0]),
                int(np.max(model.n_iter_)))

    return fit


def statsmodels(solver, tolerance):
    """Without a penalty: its own is fitted by other means. The last column is the constant."""
    from statsmodels.api import GLM, Logit, families

    def build(x, y):
        if solver.startswith("Logit"):
            # It checks the rank of the columns first, which is a QR of them all: not in the time.
            model = Logit(y, x, check_rank=False)
            return lambda: model.fit(
                method="newton", tol=tolerance, maxiter=100, disp=0, warn_convergence=False)
        model = GLM(y, x, family=families.Binomial())
        return lambda: model.fit(tol=tolerance, maxiter=100, tol_criterion="deviance")

    def results(found):
        done = (found.mle_retvals["iterations"] if solver.startswith("Logit")
                else found.fit_history["iteration"])
        return found.params[:-1], float(found.params[-1]), int(done)

    return build, results


def with_constant(path, layout):
    source = np.load(path, mmap_mode="r")
    x = np.ones((source.shape[0], source.shape[1] + 1), order=layout)
    x[:, :-1] = source
    return x


def peak_mb():
    """The most memory this process has held, in MB of 10^6 bytes."""
    status = pathlib.Path("/proc/self/status").read_text()
    line = next(l for l in status.splitlines() if l.startswith("VmHWM"))
    return int(line.split()[1]) * 1024 / 1e6


def main():
    """Fits once, as the JSON argument says, and prints what came out."""
    job = json.loads(sys.argv[1])
    made = prepare(job["name"], job["tolerance"], job["l2"], job["rows"])
    y = np.load(job["y"])
    x = (with_constant if isinstance(made, tuple) else problem.load)(job["x"], job["layout"])
    fit = made
    if isinstance(made, tuple):
        build, results = made
        run = build(x, y)
        fit = lambda x, y: run()
    else:
        few = slice(None, None, max(job["rows"] // 1000, 1))
        warm = prepare(job["name"], 1e-2, job["l2"], 1000, iterations=5)
        warm(np.array(x[few], order=job["layout"]), y[few])
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, job["limit"])
    start, cpu = time.perf_counter(), time.process_time()
    found = fit(x, y)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    signal.setitimer(signal.ITIMER_REAL, 0)
    peak = peak_mb()
    coef, intercept, iterations = results(found) if isinstance(made, tuple) else found
    columns = len(coef)
    objective, gradient = problem.judge(x[:, :columns], y, coef, intercept, job["l2"])
    print(json.dumps({
        "seconds": seconds, "cpu_seconds": cpu, "peak_mb": peak,
        "above_data_mb": peak - x[:, :columns].size * 8 / 1e6, "objective": objective,
        "max_gradient": gradient, "iterations": iterations, "coef": [*coef, intercept]}))


def run(name, tolerance, data, layout, l2, limit):
    """One fit of a `problem.Problem`; `stopped` where it took longer than `limit` seconds."""
    job = {"name": name, "tolerance": tolerance, "l2": l2, "rows": data.rows, "layout": layout,
           "x": str(data.x()), "y": str(data.y()), "limit": limit}
    # The second limit is for the work around the fit: reading, and judging what came out.
    out = harness.command([sys.executable, __file__, json.dumps(job)], env=THREADS,
                          limit=2 * limit + 300)
    if out.get("stopped"):
        return {"seconds": limit, "stopped": True}
    return json.loads(out["output"].splitlines()[-1])


def choose(name, data, l2, target, limit, layouts=None):
    """(tolerance, layout, outcome): the loosest that reaches the target, in the quicker layout.

    Where none does, the tightest that ended within the limit; one that is stopped is not tried
    with a tighter one.
    """
    tolerances, all_layouts = PEERS[name]
    best = None
    for tolerance in tolerances:
        tried = {l: run(name, tolerance, data, l, l2, limit) for l in layouts or all_layouts}
        layout = min(tried, key=lambda l: tried[l]["seconds"])
        outcome = tried[layout]
        print(f"  {name}, tolerance {tolerance:g}: " + ", ".join(
            f"{l} stopped" if t.get("stopped") else
            f"{l} {t['seconds']:.3f} s, gradient {t['max_gradient']:.1e}"
            for l, t in tried.items()), flush=True)
        if best is None or not outcome.get("stopped"):
            best = tolerance, layout, outcome
        if outcome.get("stopped") or outcome["max_gradient"] <= target:
            break
    return best


def note(tolerance, layout):
    return f"tol {tolerance:g}, {'row' if layout == 'C' else 'column'}-major"


def tacit(data, layout, l2, threads=2):
    """`tacit fit` of the problem's file in that layout: the time is that of fitting alone."""
    model = harness.WORK / f"fit_{data.order}_{layout}_{threads}.json"
    out = harness.command([
        harness.TACIT, "fit", data.x(layout), "--labels", data.y(), "--standardise", "none",
        "--l2", repr(l2), "--threads", threads, "--model", model, "--json"])
    report = json.loads(out["output"])
    fit = json.loads(model.read_text())["body"]["fit"]
    return {
        "seconds": report["seconds"]["fitting"], "iterations": report["iterations"],
        "cpu_seconds": out["cpu_seconds"],  # of the whole process, reading and writing too
        "peak_mb": out["peak_mb"], "above_data_mb": out["peak_mb"] - data.data_bytes() / 1e6,
        "path": str(model), "coef": fit["coefficients"] + [fit["intercept"]]}


if __name__ == "__main__":
    main()
