"""How well the silent are ranked from complaints alone, against a learner that knew every answer.

For each seed: `tacit synth`; its surveys are taken out of the project file (the scores become survey
mechanics, which nobody learns from), so that complaints and refund requests alone are left; `train`,
`score --model`; then the learner of ranking.py, given the same vectors and everybody's true state,
out of fold. Both are held against the truth on the accounts that are silent, which here are those
that did not complain within 180 days.

The synthetic complaints are not those of a class of which some are labelled: everybody complains at a
rate of e^(-0.6 mood) times a temperament that no feature shows and times 0.9, 1 or 1.3 by plan, a
hundredth of an account a month. What is to be seen is how near a few hundred of them come.
"""

import argparse
import json
import pathlib
import subprocess

import numpy as np
from sklearn.metrics import roc_auc_score

from ranking import ACCOUNTS, AS_OF, EVENTS, ROOT, design, out_of_fold, read_csv, tacit, vectors

SURVEY = 'kind = "nps"\ndetractor = { at_most = 6 }\n'


def one(seed, folder, bias):
    base = folder / f"base-{seed}-{bias}"
    if not (base / "truth.csv").exists():
        tacit("synth", "--accounts", ACCOUNTS, "--events", EVENTS, "--seed", seed, "--as-of", AS_OF,
              "--response-bias", bias, "--out", base)
    file = base / "tacit.toml"
    text = file.read_text()
    file.write_text(text.replace(SURVEY, 'kind = "nps"\nmechanics = true\n'))
    project = ["--project", file, "--as-of", AS_OF]
    subprocess.run(["rm", "-rf", base / "models"], check=True)
    trained = json.loads(tacit("train", *project, "--json", "--quiet"))
    tacit("score", *project, "--model", trained["version"], "--out", base / "scores.csv", "--quiet")
    tacit("features", *project, "--out", base / "features.csv", "--quiet")
    _, rows = read_csv(base / "truth.csv")
    truth = {row[0]: float(row[3]) for row in rows}
    header, rows = read_csv(base / "scores.csv")
    logit = {row[0]: float(row[header.index("logit")]) for row in rows}
    accounts, x, _ = vectors(base / "features.csv")
    keep = [i for i, account in enumerate(accounts) if account in truth]
    accounts, x = [accounts[i] for i in keep], x[keep]
    y = np.array([truth[account] for account in accounts])
    silent = np.array([account in logit for account in accounts])
    eta = out_of_fold(design(x), y, seed)
    ours = np.array([logit.get(account, 0) for account in accounts])
    told = trained["complaints"]
    return dict(
        seed=seed, complaints=told["labelled"], grade=trained["grade"], method=told["method"],
        identified=told["is_identified"], doubts=len(told["doubts"]), told=told["auc"]["value"],
        prevalence=told["prevalence"], detractors=float(y[silent].mean()),
        auc=roc_auc_score(y[silent], ours[silent]), oracle=roc_auc_score(y[silent], eta[silent]))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="*", default=[31, 32, 33])
    parser.add_argument("--response-bias", type=float, default=0.5)
    parser.add_argument("--keep", action="store_true", help="keep the bases")
    arguments = parser.parse_args()
    folder = ROOT / "benchmarks/work/complaints"
    folder.mkdir(parents=True, exist_ok=True)
    print("| seed | complaints | unhappy | AUC of complained | AUC of unhappy | knew all | share | method | grade |")
    print("|---|---|---|---|---|---|---|---|---|", flush=True)
    for seed in arguments.seeds:
        r = one(seed, folder, arguments.response_bias)
        if not arguments.keep:
            subprocess.run(["rm", "-rf", folder / f"base-{seed}-{arguments.response_bias}"], check=True)
        print(f"| {r['seed']} | {r['complaints']} | {r['detractors']:.1%} | {r['told']:.4f} | {r['auc']:.4f} | "
              f"{r['oracle']:.4f} | {(r['auc'] - 0.5) / (r['oracle'] - 0.5):.3f} | {r['method']}"
              f"{'' if r['identified'] else ', not identified'} | {r['grade']} |", flush=True)


if __name__ == "__main__":
    main()
