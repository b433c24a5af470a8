"""A lasso path of 100 penalties with 10-fold cross-validation on 200,000 × 50, beside glmnet, glum.

The penalties are those that tacit chose from the data (100, evenly in the logarithm, from the
least that leaves no column down to 1/10,000 of it); the folds are the same file for all. Columns
are scaled beforehand and nobody scales them again, so that all solve the same problems:
mean log loss + λ Σ|b|. Compared are every system's own objective at each penalty on all rows,
computed here by one code, and the held-out log losses.

What the command line is taken to be:

    tacit fit X.npy --labels y.npy --standardise none --l1-ratio 1 --folds FOLDS.npy
        --model M --json
    FOLDS.npy: int64, 0 to 9, a fold for each row
    the report: validation [{lambda, log_loss, standard_error, nonzero}], lambda,
        seconds {reading, fitting, writing}
    the model's body: path {lambdas, coefficients (a row a penalty, raw scale), intercepts}

glmnet: `cv.glmnet(parallel = TRUE)` on both cores, its workers forked and warmed up beforehand,
the quicker of its two kinds of Newton step; glum: `GeneralizedLinearRegressorCV` with one process
of two threads, or two processes. Which is quicker is tried on a tenth of the rows. Times are of
that call alone.

    .venv/bin/python benchmarks/path.py [--rows 200000] [--columns 50] [--penalties 100]
        [--rounds 3] [--limit 900]
"""

import argparse
import json
import os
import shutil
import sys
import time

import harness
import numpy as np
import peers
import probe
from problem import judge

FOLDS = 10
GLMNET = ("Newton", "modified.Newton")
GLUM = ("1", "2")


def generate(rows, columns):
    """The folder of the problem: correlated scaled columns, a third of them without an effect."""
    folder = harness.WORK / f"path_{rows}x{columns}"
    if (folder / "done").exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(20260301)
    mixing = np.eye(columns) + 0.15 * rng.normal(size=(columns, columns))
    x = rng.normal(size=(rows, columns)) @ mixing.T
    x -= x.mean(0)
    x /= x.std(0)
    beta = 0.4 * rng.normal(size=columns) * (rng.random(columns) < 2 / 3)
    y = (rng.random(rows) < 1 / (1 + np.exp(1 - x @ beta))).astype(np.float64)
    folds = rng.permutation(np.arange(rows) % FOLDS)
    np.save(folder / "x.npy", x)
    np.save(folder / "y.npy", y)
    np.save(folder / "folds.npy", folds.astype(np.int64))
    x.ravel(order="F").tofile(folder / "x.bin")
    y.tofile(folder / "y.bin")
    (folds + 1).astype(np.int32).tofile(folder / "folds.bin")
    (folder / "done").touch()
    return folder


def tacit(folder, penalties, threads=2):
    model = folder / f"tacit_{threads}.json"
    out = harness.command([
        harness.TACIT, "fit", folder / "x.npy", "--labels", folder / "y.npy", "--standardise",
        "none", "--l1-ratio", "1", "--folds", folder / "folds.npy", "--threads", threads, "--model",
        model, "--json"])
    report = json.loads(out["output"])
    path = json.loads(model.read_text())["body"]["path"]
    if len(path["lambdas"]) != penalties:
        sys.exit(f"tacit's path has {len(path['lambdas'])} penalties, expected {penalties}")
    size = (folder / "x.npy").stat().st_size
    return {
        "seconds": report["seconds"]["fitting"], "cpu_seconds": out["cpu_seconds"],
        "peak_mb": out["peak_mb"], "above_data_mb": out["peak_mb"] - size / 1e6,
        "lambdas": path["lambdas"], "coef": path["coefficients"], "intercept": path["intercepts"],
        "log_loss": [v["log_loss"] for v in report["validation"]], "model": str(model)}


def glmnet(folder, kind, limit):
    rows, columns = np.load(folder / "x.npy", mmap_mode="r").shape
    (folder / "job.txt").write_text(f"{rows} {columns} {kind} 2\n")
    out = harness.command(
        ["Rscript", harness.ROOT / "benchmarks" / "path.R", folder], limit=limit,
        env={k: "1" for k in peers.THREADS})
    if out.get("stopped"):
        return out
    seconds, version = out["output"].split()[-2:]
    path = np.fromfile(folder / "coef.bin").reshape(-1, columns + 1)  # a column of R a row here
    return {
        "seconds": float(seconds), "cpu_seconds": out["cpu_seconds"], "peak_mb": out["peak_mb"],
        "above_data_mb": out["peak_mb"] - rows * columns * 8 / 1e6, "version": version,
        "coef": path[:, 1:].tolist(), "intercept": path[:, 0].tolist(),
        "log_loss": (np.fromfile(folder / "cvm.bin") / 2).tolist()}


def glum(folder, jobs, limit):
    env = {k: "2" if jobs == "1" else "1" for k in peers.THREADS}
    out = harness.command([sys.executable, __file__, "--glum", folder, jobs], env=env, limit=limit)
    if out.get("stopped"):
        return out
    found = json.loads((folder / "glum.json").read_text())
    return {**found, "peak_mb": out["peak_mb"], "cpu_seconds": out["cpu_seconds"],
            "above_data_mb": out["peak_mb"] - (folder / "x.npy").stat().st_size / 1e6}


def run_glum(folder, jobs):
    """In a process of its own."""
    from glum import GeneralizedLinearRegressorCV
    from sklearn.model_selection import PredefinedSplit

    x = np.asfortranarray(np.load(os.path.join(folder, "x.npy")))
    y = np.load(os.path.join(folder, "y.npy"))
    folds = np.load(os.path.join(folder, "folds.npy"))
    lambdas = np.fromfile(os.path.join(folder, "lambdas.bin"))

    def model(cv, **extra):
        return GeneralizedLinearRegressorCV(
            family="binomial", l1_ratio=1, cv=cv, n_jobs=jobs, check_input=False, **extra)

    few = slice(None, None, max(len(y) // 1000, 1))
    model(3, n_alphas=3).fit(x[few], y[few])  # starts the workers
    start = time.perf_counter()
    fitted = model(PredefinedSplit(folds), alphas=lambdas).fit(x, y)
    seconds = time.perf_counter() - start
    held_out = np.asarray(fitted.deviance_path_).reshape(FOLDS, len(lambdas))
    weights = np.bincount(folds) / len(folds)
    with open(os.path.join(folder, "glum.json"), "w") as file:
        json.dump({
            "seconds": seconds,
            "coef": np.asarray(fitted._refit_coef_path).reshape(len(lambdas), -1).tolist(),
            "intercept": np.ravel(fitted._refit_intercept_path).tolist(),
            "log_loss": (weights @ held_out / 2).tolist()}, file)


def objectives(folder, outcome, lambdas):
    """(objective, subgradient of least size) of the whole path, on all rows."""
    x, y = np.load(folder / "x.npy"), np.load(folder / "y.npy")
    return np.array([
        judge(x, y, np.array(b), b0, l1=l)
        for l, b, b0 in zip(lambdas, outcome["coef"], outcome["intercept"])])


def quicker(name, run, kinds, folder, limit):
    """The kind that is quicker on a tenth of the rows."""
    found = {}
    for kind in kinds:
        outcome = run(folder, kind, limit)
        found[kind] = outcome["seconds"]
        print(f"  {name} {kind}: {outcome['seconds']:.1f} s on a tenth of the rows", flush=True)
    return min(kinds, key=found.get)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--columns", type=int, default=50)
    parser.add_argument("--penalties", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--limit", type=float, default=900, help="seconds for one run of a peer")
    parser.add_argument("--glum", nargs=2, help=argparse.SUPPRESS)
    a = parser.parse_args()
    if a.glum:
        return run_glum(a.glum[0], int(a.glum[1]))
    if not shutil.which("Rscript"):
        sys.exit("Rscript is missing: make bench installs r-cran-glmnet and r-cran-doparallel")
    rates = probe.rates()
    folder = generate(a.rows, a.columns)
    small = generate(max(a.rows // 10, 1000), a.columns)
    # Penalties by tacit, for all.
    lambdas = np.array(tacit(folder, a.penalties)["lambdas"])
    for each in (folder, small):
        lambdas.tofile(each / "lambdas.bin")
    kind = quicker("glmnet", glmnet, GLMNET, small, a.limit)
    jobs = quicker("glum, processes:", glum, GLUM, small, a.limit)
    systems = [
        harness.System("tacit", lambda r: tacit(folder, a.penalties), ours=True),
        harness.System("glmnet", lambda r: glmnet(folder, kind, a.limit), note=kind,
                       most_rounds=max(a.rounds - 1, 1)),
        harness.System("glum", lambda r: glum(folder, jobs, a.limit), note=f"{jobs} processes",
                       most_rounds=1)]
    remarks, intro = [], []

    def after():
        paths = {s.name: objectives(folder, s.outcomes[-1], lambdas)
                 for s in systems if not s.stopped}
        ours = paths.pop("tacit")
        outcome = systems[0].outcomes[-1]
        outcome["max_gradient"] = float(ours[:, 1].max())
        outcome.update(probe.path_floor(rates, a.rows, a.columns, len(lambdas), FOLDS))
        for system in systems[1:]:
            if system.stopped:
                continue
            theirs = paths[system.name]
            last = system.outcomes[-1]
            last["max_gradient"] = float(theirs[:, 1].max())
            above = ours[:, 0] - theirs[:, 0]
            remarks.append(
                f"{system.name}: objective of tacit minus its own, over the penalties: largest "
                f"{above.max():.1e}, least {above.min():.1e}"
                + ("" if above.max() <= 1e-13 else "; TACIT IS HIGHER"))
            curve = np.array(outcome["log_loss"]) - np.array(last["log_loss"])
            remarks.append(f"{system.name}: largest difference of a held-out log loss "
                           f"{np.abs(curve).max():.1e}")

    title = f"{len(lambdas)} penalties × {FOLDS} folds, {a.rows:,} × {a.columns}"
    found = harness.compare(title, systems, rounds=a.rounds, after=after)
    same = (open(tacit(folder, a.penalties, 1)["model"], "rb").read()
            == open(tacit(folder, a.penalties, 2)["model"], "rb").read())
    remarks.append("model files of 1 and 2 threads " + ("are the same bytes" if same else "DIFFER"))
    remarks.append(f"glmnet {systems[1].outcomes[-1].get('version', '')}; its memory is that of its "
                   "largest process. max gradient: of the smooth part less its allowance λ, the "
                   "largest over the path.")
    harness.write("path", "A lasso path with cross-validation", [found], remarks,
                  intro=[probe.sentence(rates) + probe.PATH_FLOOR])
    if any(w in r for r in remarks for w in ("DIFFER", "HIGHER")):
        sys.exit(1)


if __name__ == "__main__":
    main()
