"""What holds of the silent on synthetic bases whose truth is known, at several strengths of response bias.

The rules, fixed before any result was seen:
- Bases: `tacit synth` with response bias 0 (answering depends on features and temperament alone), 1
  and 2 (displeasure itself raises the log-odds of answering by so much, on some plans more).
- Ranking: 10,000 accounts, 500,000 events, seeds 201 to 204 at each bias. AUC among the silent, less
  a half, over that of the learner of ranking.py that knew everybody's state: >= 0.95 at the median.
- Level: 5,000 accounts, 150,000 events, seeds 301 to 400, bias 0, 1, 2 in turn. 400 silent accounts
  drawn at random answer by their true state; `tacit train` reads them by [level] answers. Over the
  100 bases the mean error of the silent rate is at most 0.5 points, the 95 % interval holds the true
  rate of the silent in at least 90. Seeds 301 to 330 with 1,600 answers: within 2 points in 95 of 100.

    .venv/bin/python benchmarks/silent.py [--ranking 4] [--level 100] [--more 30]
"""

import argparse
import csv
import json
import subprocess
import time

import numpy as np
import ranking
from ranking import AS_OF, ROOT, tacit

BIASES = (0, 1, 2)


def rank(folder, seed, bias):
    """The same as ranking.py on a base made here."""
    base = folder / f"base-{seed}"
    subprocess.run(["rm", "-rf", base], check=True)
    tacit("synth", "--accounts", 10_000, "--events", 500_000, "--seed", seed, "--as-of", AS_OF,
          "--response-bias", bias, "--out", base)
    found = ranking.one(seed, folder)
    subprocess.run(["rm", "-rf", base], check=True)
    return found


def level(folder, seed, bias, answers):
    """(error of the silent rate, whether its interval holds the truth, the interval's width)."""
    base = folder / f"level-{seed}"
    subprocess.run(["rm", "-rf", base], check=True)
    tacit("synth", "--accounts", 5_000, "--events", 150_000, "--seed", seed, "--as-of", AS_OF,
          "--response-bias", bias, "--out", base)
    project = ["--project", base / "tacit.toml"]
    tacit("train", *project, "--as-of", AS_OF, "--quiet", "--json")
    tacit("score", *project, "--as-of", AS_OF, "--out", base / "scores.csv", "--quiet")
    with open(base / "truth.csv", newline="") as file:
        truth = {row["account_id"]: row["is_detractor"] == "1" for row in csv.DictReader(file)}
    with open(base / "scores.csv", newline="") as file:
        silent = [row["account_id"] for row in csv.DictReader(file)]
    drawn = np.random.default_rng(seed).choice(len(silent), answers, replace=False)
    # Drawn and answered as of the day of training, known just before it.
    with open(base / "answers.csv", "w") as file:
        file.write("account_id,drawn_at,known_at,outcome\n")
        for place in drawn:
            account = silent[place]
            file.write(f"{account},2026-03-01,2026-03-01,"
                       f"{'detractor' if truth[account] else 'non-detractor'}\n")
    with open(base / "tacit.toml", "a") as file:
        file.write('\n[level]\nanswers = "answers.csv"\n')
    subprocess.run(["rm", "-rf", base / "models"], check=True)
    report = json.loads(tacit("train", *project, "--as-of", AS_OF, "--quiet", "--json"))
    rate = report["metrics"]["level"]["rate"]
    true = np.mean([truth[account] for account in silent])
    subprocess.run(["rm", "-rf", base], check=True)
    return rate["value"] - true, rate["low"] <= true <= rate["high"], rate["high"] - rate["low"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ranking", type=int, default=4, help="seeds at each bias")
    parser.add_argument("--level", type=int, default=100, help="bases with 400 answers")
    parser.add_argument("--more", type=int, default=30, help="bases with 1,600 answers")
    a = parser.parse_args()
    folder = ROOT / "benchmarks/work/silent"
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["| response bias | median share of the learner that knew all | worst | its AUC |", "|---|---|---|---|"]
    shares = []
    for bias in BIASES if a.ranking else ():
        found = [rank(folder, 201 + k, bias) for k in range(a.ranking)]
        ratio = np.array([f["ratio"] for f in found])
        shares += list(ratio)
        oracle = [f["oracle"] for f in found]
        lines.append(f"| {bias} | {np.median(ratio):.3f} | {ratio.min():.3f} | {min(oracle):.3f} to {max(oracle):.3f} |")
        print(lines[-1], flush=True)
    if shares:
        lines += ["", f"Over all: median {np.median(shares):.3f}, worst {min(shares):.3f}."]
    for answers, bases in ((400, a.level), (1_600, a.more)):
        found = []
        for k in range(bases):
            found.append((BIASES[k % 3], *level(folder, 301 + k, BIASES[k % 3], answers)))
            print(answers, 301 + k, *found[-1], flush=True)
        if not found:
            continue
        error = np.array([f[1] for f in found])
        lines += ["", f"{answers:,} answers, {bases} bases: mean error of the silent rate {100 * error.mean():+.2f} points "
                  f"(by bias: " + ", ".join(f"{b}: {100 * np.mean([f[1] for f in found if f[0] == b]):+.2f}" for b in BIASES)
                  + f"), deviation {100 * error.std():.2f}, the 95 % interval holds the truth in "
                  f"{sum(f[2] for f in found)}, its mean width {100 * np.mean([f[3] for f in found]):.1f} points, "
                  f"within 2 points in {np.sum(np.abs(error) <= 0.02)}."]
        print(lines[-1], flush=True)
    print("\n".join(lines))
    if (a.ranking, a.level, a.more) == (4, 100, 30):
        commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
        text = "\n".join(["# The silent of synthetic bases", "",
                          f"`make silent` at commit {commit}, {time.strftime('%Y-%m-%d')}.", "",
                          __doc__.split("\n\n", 1)[1].split("\n\n    .venv")[0], "", *lines, ""])
        (ROOT / "benchmarks/results/silent.md").write_text(text)


if __name__ == "__main__":
    main()
