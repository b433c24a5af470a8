"""`tacit fit --shapes auto` on 76,000 × 370, its penalty chosen, beside the same basis elsewhere.

The data are generated: like a bank's table of customers, with columns all zeros, copies, counts and
sums that are mostly zero, -999999 for a missing nationality, and 4 in 100 positive. Their law has
thresholds, plateaus and a few interactions, and is fixed by its seed.

Time: tacit's whole fitting (shapes, pairs, five folds at every penalty, the final fit; reading is
apart) against scikit-learn's LogisticRegression on the columns that tacit's model ended with, made by
numpy (design.py) and given to it in memory, each divided by the root of its own penalty, so that both
minimise the same objective. scikit-learn's share: the penalties tried are those that tacit tried of
the kind that it kept (`shapes`: each λ of the shaped columns; `pairs`: each λ of the products), as
multiples of the one that it kept; as many fits as there are of them times five folds, one warm start
after another along the penalties, and the final one. What tacit tried of the other kinds, and finding
and making the basis, is in tacit's time and not in scikit-learn's. A whole that would take longer
than the budget is estimated from a few of its fits, and called an estimate.

First, numpy's columns times the model's coefficients must equal the logits of `tacit predict` on the
held-out rows to 1e-10, or the run stops.

Quality: ROC-AUC on rows that none has seen, with DeLong's 95 % interval of tacit's difference;
LightGBM and HistGradientBoosting with their defaults, and `--shapes none`.

What the command line is taken to be:

    tacit fit DATA.csv --target y --shapes auto|none --model M --json
        the report: lambda, seconds {reading, fitting, describing, writing}
        the model's body: trials [{kind, lambda, pairLambda, …}], fit {coefficients, intercept,
        penalty {lambda, factors}}; the rest in design.py
    tacit predict --model M DATA.csv --out P.csv        columns row,probability,logit

    .venv/bin/python benchmarks/shapes.py [--rows 76000] [--columns 370] [--rounds 3]
        [--budget 600] [--fits 4]
"""

import argparse
import csv
import json
import sys
import time

import design
import harness
import numpy as np
import peers
import probe

FOLDS = 5
SOLVERS = ("newton-cholesky", "lbfgs")
BOOSTED = ("LightGBM", "HistGradientBoosting")


def draw(rows, columns, rng):
    """(vectors, logit without intercept): see the head of this file."""
    x = np.zeros((rows, columns))
    wealth, activity = rng.normal(size=(2, rows))
    age = np.round(np.clip(20 + rng.gamma(1.5, 9, rows), 5, 105))
    nationality = np.where(rng.random(rows) < 0.95, 2, rng.integers(0, 230, rows)).astype(float)
    nationality[rng.random(rows) < 0.002] = -999999
    rent = np.where(rng.random(rows) < 0.2, 117310.979, np.exp(11.5 + 0.5 * wealth
                                                             + 0.3 * rng.normal(size=rows)))
    products = rng.poisson(np.exp(0.3 * activity))
    x[:, 0], x[:, 1], x[:, 2], x[:, 3] = age, nationality, np.round(rent, 2), products
    # The rest: a tenth constants, a twelfth copies, else counts and sums of rare happenings.
    shares = np.exp(rng.uniform(np.log(0.001), np.log(0.4), columns))
    for k in range(4, columns):
        fate = rng.random()
        if fate < 0.10:
            continue
        if fate < 0.18:
            x[:, k] = x[:, rng.integers(0, k)]
            continue
        chance = shares[k] * np.exp(0.7 * activity - 0.245)
        there = rng.random(rows) < chance
        if fate < 0.5:
            value = 1.0 + rng.poisson(1 + rng.random() * 3, rows)
        elif fate < 0.65:
            value = 3.0 * (1 + rng.integers(0, 3, rows))
        else:
            value = np.round(np.exp(5 + 2 * rng.random() + wealth + 1.2 * rng.normal(size=rows)), 2)
        x[:, k] = np.where(there, value, 0)
    logit = (2.2 * (age >= 24) + 0.035 * np.minimum(np.maximum(age - 24, 0), 20)
             - 0.6 * (products >= 2) - 0.5 * (products == 1) - 0.25 * np.log(rent / 1e5)
             + 0.5 * (products == 0) * (age >= 35))
    for k in rng.choice(np.arange(4, columns), min(20, columns - 4), replace=False):
        effect = rng.normal()
        logit += np.where(x[:, k] > 0, 0.5 * effect + 0.08 * effect * np.log1p(x[:, k]), 0)
    return x, logit


def generate(rows, columns):
    """Training and held-out rows (a quarter as many again), as NPY and CSV; written once."""
    folder = harness.WORK / f"shapes_{rows}x{columns}"
    if (folder / "done").exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(20160302)
    x, logit = draw(rows + rows // 4, columns, rng)
    low, high = -30.0, 30.0
    while high - low > 1e-9:  # the intercept that gives 4 in 100
        middle = (low + high) / 2
        low, high = (middle, high) if np.mean(1 / (1 + np.exp(-logit - middle))) < 0.04 else (low, middle)
    y = (rng.random(len(x)) < 1 / (1 + np.exp(-logit - low))).astype(int)
    for name, part in (("train", slice(0, rows)), ("test", slice(rows, None))):
        np.save(folder / f"{name}_x.npy", x[part])
        np.save(folder / f"{name}_y.npy", y[part])
        with open(folder / f"{name}.csv", "w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow([*names(columns), "y"])
            for values, label in zip(x[part], y[part]):
                writer.writerow([*(int(v) if v == int(v) else v for v in values.tolist()), label])
    (folder / "done").touch()
    return folder


def tacit(folder, shapes, threads=2):
    model = folder / f"tacit_{shapes}_{threads}.json"
    out = harness.command([
        harness.TACIT, "fit", folder / "train.csv", "--target", "y", "--shapes", shapes, "--threads",
        threads, "--model", model, "--json"])
    report = json.loads(out["output"])
    data = (folder / "train_x.npy").stat().st_size
    return {"seconds": report["seconds"]["fitting"], "reading": report["seconds"]["reading"],
            "cpu_seconds": out["cpu_seconds"], "peak_mb": out["peak_mb"],
            "above_data_mb": out["peak_mb"] - data / 1e6, "report": report, "model": model}


def predicted(folder, model):
    out = folder / "predicted.csv"
    harness.command([harness.TACIT, "predict", "--model", model, folder / "test.csv", "--out", out])
    with open(out, newline="") as file:
        return np.array([float(row["logit"]) for row in csv.DictReader(file)])


def names(columns):
    return [f"v{k:03d}" for k in range(columns)]


def check(body, folder, logits):
    """Stops where numpy's columns times the model's coefficients are not tacit's logits."""
    x = np.load(folder / "test_x.npy")
    fit = body["fit"]
    ours = design.expand(body, x, names(x.shape[1])) @ fit["coefficients"] + fit["intercept"]
    apart = np.abs(ours - logits).max()
    if not apart <= 1e-10:
        sys.exit(f"numpy's logits of the held-out rows differ from tacit's by up to {apart:.1e}: "
                 "design.py does not make the model's columns")
    return apart


def tried(body):
    """(kind kept, its penalties as multiples of the one kept): see the head of this file."""
    fit, trials = body["fit"]["penalty"], body["trials"]
    products = len(body["design"].get("pairs", []))
    kept = fit["lambda"]
    if products:
        kind, key = "pairs", "pairLambda"
        kept *= fit["factors"][-1]
    else:
        # Of the columns alone the kind with the least held-out loss was kept.
        key = "lambda"
        best = min((t for t in trials if t["kind"] != "pairs"), key=lambda t: t["calibratedLoss"])
        kind = best["kind"]
    multiples = {float(f"{t[key] / kept:.6g}") for t in trials if t["kind"] == kind}
    return kind, sorted(multiples, reverse=True)


def run_sklearn(folder, solver, budget, fits):
    """In a process of its own: {seconds, fitted, wanted, columns, test logits}."""
    from sklearn.linear_model import LogisticRegression

    job = json.load(open(f"{folder}/sklearn.json"))
    body = json.load(open(job["model"]))["body"]
    sources, y = np.load(f"{folder}/train_x.npy"), np.load(f"{folder}/train_y.npy")
    penalty = body["fit"]["penalty"]
    roots = np.sqrt(penalty["lambda"] * np.array(penalty["factors"]))
    x = design.expand(body, sources, names(sources.shape[1]))
    x /= roots
    del sources
    multiples = job["multiples"]
    folds = np.arange(len(y)) % FOLDS

    def path(rows, labels, penalties):
        model = LogisticRegression(solver=solver, warm_start=True, max_iter=10_000)
        for each in penalties:
            model.set_params(C=1 / (each * len(labels)))
            start = time.perf_counter()
            model.fit(rows, labels)
            yield time.perf_counter() - start, model

    def fold(number, penalties):
        kept = folds != number
        rows, labels = x[kept], y[kept]
        return [seconds for seconds, _ in path(rows, labels, penalties)]

    list(path(x[:2000], y[:2000], multiples[:1]))  # loads what it loads late
    wanted = FOLDS * len(multiples)
    few = [multiples[i]
           for i in np.unique(np.linspace(0, len(multiples) - 1, fits).round().astype(int))]
    times = fold(0, few)
    (last, final), = path(x, y, [1.0])
    estimate = np.mean(times) * wanted
    if estimate <= budget:
        times = [t for number in range(FOLDS) for t in fold(number, multiples)]
        estimate = sum(times)
    peak = peers.peak_mb()
    test = np.load(f"{folder}/test_x.npy")
    test = design.expand(body, test, names(test.shape[1])) / roots
    np.save(f"{folder}/sklearn_{solver}.npy", final.decision_function(test))
    print(json.dumps({"seconds": estimate + last, "fitted": len(times), "wanted": wanted,
                      "columns": x.shape[1], "peak_mb": peak,
                      "above_data_mb": peak - len(y) * job["width"] * 8 / 1e6}))


def run_boosted(folder, name):
    """In a process of its own: fits with defaults, saves the scores of the held-out rows."""
    if name == "LightGBM":
        from lightgbm import LGBMClassifier

        model = LGBMClassifier(verbose=-1, n_jobs=2)
    else:
        from sklearn.ensemble import HistGradientBoostingClassifier

        model = HistGradientBoostingClassifier(random_state=1)
    x, y, test = (np.load(f"{folder}/{n}.npy") for n in ("train_x", "train_y", "test_x"))
    start = time.perf_counter()
    model.fit(x, y)
    seconds = time.perf_counter() - start
    np.save(f"{folder}/{name}.npy", model.predict_proba(test)[:, 1])
    print(json.dumps({"seconds": seconds, "peak_mb": peers.peak_mb()}))


def own_process(*arguments, limit=None):
    out = harness.command([sys.executable, __file__, *arguments], env=peers.THREADS, limit=limit)
    return out if out.get("stopped") else json.loads(out["output"].splitlines()[-1])


def delong(y, scores):
    """AUCs and their covariance; Sun and Xu's way by ranks, doi:10.1109/LSP.2014.2337313."""
    from scipy.stats import rankdata

    positive, negative = scores[:, y == 1], scores[:, y == 0]
    m, n = positive.shape[1], negative.shape[1]
    joint = np.array([rankdata(s) for s in np.hstack([positive, negative])])
    own_p = np.array([rankdata(s) for s in positive])
    own_n = np.array([rankdata(s) for s in negative])
    areas = (joint[:, :m].mean(1) - (m + 1) / 2) / n
    v10 = (joint[:, :m] - own_p) / n
    v01 = 1 - (joint[:, m:] - own_n) / m
    return areas, np.cov(v10) / m + np.cov(v01) / n


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=76_000)
    parser.add_argument("--columns", type=int, default=370)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--budget", type=float, default=600, help="seconds for one solver's whole")
    parser.add_argument("--fits", type=int, default=4, help="fits that an estimate is made from")
    parser.add_argument("--sklearn", nargs=4, help=argparse.SUPPRESS)
    parser.add_argument("--boosted", nargs=2, help=argparse.SUPPRESS)
    a = parser.parse_args()
    if a.sklearn:
        folder, solver, budget, fits = a.sklearn
        return run_sklearn(folder, solver, float(budget), int(fits))
    if a.boosted:
        return run_boosted(*a.boosted)

    rates = probe.rates()
    folder = generate(a.rows, a.columns)
    ours = harness.System("tacit --shapes auto", lambda r: tacit(folder, "auto"), ours=True)
    first = tacit(folder, "auto")
    report = first["report"]
    body = json.loads(first["model"].read_text())["body"]
    logits = predicted(folder, first["model"])
    apart = check(body, folder, logits)
    kind, multiples = tried(body)
    (folder / "sklearn.json").write_text(json.dumps({
        "model": str(first["model"]), "multiples": multiples, "width": a.columns}))
    systems, outcomes = [ours], {}
    for solver in SOLVERS:
        outcome = outcomes[solver] = own_process(
            "--sklearn", folder, solver, a.budget, a.fits, limit=4 * a.budget)
        if outcome.get("stopped"):
            note = f"{a.fits} of its fits did not end"
        elif outcome["fitted"] < outcome["wanted"]:
            note = f"an estimate, from {outcome['fitted']} of {outcome['wanted']} fits"
        else:
            note = f"all {outcome['wanted']} fits"
        systems.append(harness.System(f"scikit-learn {solver}, the same basis", lambda r: {},
                                      note=note, most_rounds=0, outcomes=[outcome]))
    done = [o for o in outcomes.values() if not o.get("stopped")]
    width = done[0]["columns"] if done else None

    def after():
        if width:
            ours.outcomes[-1].update(
                probe.path_floor(rates, a.rows, width, len(multiples), FOLDS))

    table = harness.compare(
        f"{a.rows:,} × {a.columns}; scikit-learn: {len(multiples)} penalties (tacit's of kind "
        f"\"{kind}\", the kept one) × {FOLDS} folds", systems,
        rounds=a.rounds, after=after)

    y = np.load(folder / "test_y.npy")
    scores = {"tacit --shapes auto": logits}
    scores["tacit --shapes none"] = predicted(folder, tacit(folder, "none")["model"])
    for solver, outcome in outcomes.items():
        if not outcome.get("stopped"):
            scores[f"scikit-learn {solver}, the same basis"] = np.load(folder / f"sklearn_{solver}.npy")
    seconds = {n: own_process("--boosted", folder, n)["seconds"] for n in BOOSTED}
    for name in BOOSTED:
        scores[name] = np.load(folder / f"{name}.npy")
    areas, covariance = delong(y, np.array(list(scores.values())))
    remarks = [f"{len(y):,} held-out rows, {int(y.sum())} positive:"]
    for k, name in enumerate(scores):
        text = f"{name}: AUC {areas[k]:.4f}"
        if k:
            wide = 1.96 * max(covariance[0, 0] + covariance[k, k] - 2 * covariance[0, k], 0) ** 0.5
            text += (f"; tacit's with shapes minus this {areas[0] - areas[k]:+.4f} "
                     f"({areas[0] - areas[k] - wide:+.4f} to {areas[0] - areas[k] + wide:+.4f})")
        if name in seconds:
            text += f"; one fit {seconds[name]:.1f} s"
        remarks.append(text)
    remarks.append(f"tacit: reading the CSV {ours.outcomes[-1]['reading']:.2f} s, not in the table; "
                   f"λ = {report['lambda']:g}; {width} columns in its design; {len(body['trials'])} trials in "
                   f"all, of them {sum(t['kind'] == kind for t in body['trials'])} of the kind kept")
    remarks.append(f"numpy's columns × coefficients and tacit's logits of the held-out rows: at most "
                   f"{apart:.1e} apart")
    same = (tacit(folder, "auto", 1)["model"].read_bytes()
            == tacit(folder, "auto", 2)["model"].read_bytes())
    remarks.append("model files of 1 and 2 threads " + ("are the same bytes" if same else "DIFFER"))
    harness.write("shapes", "Shapes with the penalty chosen", [table], remarks,
                  intro=[probe.sentence(rates) + probe.PATH_FLOOR])
    if not same:
        sys.exit(1)


if __name__ == "__main__":
    main()
