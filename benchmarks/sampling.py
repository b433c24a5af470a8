"""What case-control sampling costs: fits on all rows of a training against fits on all detractors and a
share of the others, in AUC on customers held out and in coefficients.

The base is `tacit synth`'s; rows are made by `tacit features --engine duckdb --labelled --controls SHARE`,
fits are `tacit fit --shapes none --l2 0.001` with weights, and with offsets. Held out are the customers
whose SHA-256 begins with 0, 1 or 2. `python benchmarks/sampling.py [--accounts N]`.
"""

import argparse
import hashlib
import json
import os
import pathlib
import shutil
import sys

import harness

AS_OF = "2026-03-02"
SHARES = [1.0, 0.5, 0.2, 0.1, 0.05]
KEPT_OUT = ("0", "1", "2")


def area(scores, labels):
    import numpy as np
    from scipy.stats import rankdata

    ranks = rankdata(scores)
    ones = labels == 1
    n1, n0 = ones.sum(), (~ones).sum()
    return (ranks[ones].sum() - n1 * (n1 + 1) / 2) / (n1 * n0)


def main() -> None:
    import numpy as np
    import pandas as pd

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=100_000)
    options = parser.parse_args()
    env = {"PATH": f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}"}

    def tacit(*arguments):
        return harness.command([harness.TACIT, *map(str, arguments)], env=env)

    work = harness.WORK / "sampling"
    shutil.rmtree(work, ignore_errors=True)
    tacit("synth", "--accounts", options.accounts, "--events", options.accounts * 50, "--seed", 11,
          "--as-of", AS_OF, "--out", work, "--quiet")
    held_out, results = None, []
    for share in SHARES:
        rows = work / f"rows-{share}.parquet"
        made = tacit("features", "--engine", "duckdb", "--project", work / "tacit.toml", "--as-of", AS_OF,
                     "--labelled", "--controls", share, "--out", rows, "--quiet")
        frame = pd.read_parquet(rows)
        out = frame["account_id"].map(
            lambda a: hashlib.sha256(a.encode()).hexdigest()[0] in KEPT_OUT)
        if held_out is None:
            held_out = work / "held-out.csv"
            frame[out].to_csv(held_out, index=False)
            truth = frame[out]["is_detractor"].to_numpy()
        train = work / "train.csv"
        frame[~out].to_csv(train, index=False)
        for way in (["weight"] if share == 1 else ["weight", "offset"]):
            other = "offset" if way == "weight" else "weight"
            model = work / f"{way}-{share}.json"
            fit = tacit("fit", train, "--target", "is_detractor", "--group", "account_id", f"--{way}", way,
                        "--drop", f"as_of,was_silent,{other}", "--shapes", "none", "--l2", "0.001",
                        "--model", model, "--json")
            tacit("predict", "--model", model, held_out, "--out", work / "p.csv")
            logits = pd.read_csv(work / "p.csv")["logit"].to_numpy()
            results.append({
                "share": share, "way": way, "rows": int((~out).sum()),
                "detractors": int(frame[~out]["is_detractor"].sum()), "auc": area(logits, truth),
                "logits": logits, "seconds": fit["seconds"], "made": made["seconds"]})
    full = results[0]
    rows, notes = [], []
    for r in results:
        rms = float(np.sqrt(np.mean((r["logits"] - full["logits"]) ** 2)))
        rows.append(
            f"| {r['share']} | {r['way'] if r['share'] < 1 else 'all rows'} | {r['rows']:,} "
            f"| {r['detractors']:,} | {r['auc']:.4f} | {r['auc'] - full['auc']:+.4f} | {rms:.3f} "
            f"| {np.mean(r['logits']) - np.mean(full['logits']):+.3f} |")

    import datetime

    text = "\n".join([
        "# What case-control sampling costs", "",
        f"{datetime.date.today()}, commit {harness.commit()}; `python benchmarks/sampling.py --accounts "
        f"{options.accounts}`", "",
        f"{options.accounts:,} accounts of `synth`, ridge 0.001, {len(truth):,} rows of held-out customers "
        f"({int(truth.sum()):,} of detractors).", "",
        "| controls kept | by | rows | detractors | AUC held out | against all rows | logit, root mean "
        "square difference | mean logit |", "|--:|---|--:|--:|--:|--:|--:|--:|", *rows, ""])
    (harness.RESULTS / "sampling.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
