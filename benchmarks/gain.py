"""What each family of features adds to the standard ones, out of fold.

The rules, fixed before any result was seen:
- Bases: `tacit synth` with 10,000 accounts and 500,000 events, seeds 401 to 404; the shipped sample;
  Bitcoin OTC as of 2013-01-01 and 2015-01-01 (datasets/bitcoin-otc); CDNOW as of 1998-01-01
  (datasets/cdnow), where the answer is that a customer buys nothing in the 180 days after.
- Each base is trained with the standard features, then with one family more (`[features] aggregates`,
  `open`); a family that makes no column of a base is not judged on it. Everything else is as the
  project files say. Predictions are `tacit train`'s own out of fold (held-out.csv, folds grouped by
  account); on CDNOW they are of `tacit fit --shapes auto` on four fifths of the customers, five times.
- The gain is AUC with the family less AUC without, on the same rows; its 95 % interval on a base comes
  from 500 resamplings of accounts. Log loss likewise (less is better: its gain is the decrease).
- A family earns a place in the default set if its mean gain of AUC over the bases is above 0 by more
  than its standard error over the bases, the mean over the real logs alone (both) is above 0, its mean
  gain of log loss is not below 0, and on no base the interval of its gain lies wholly below 0.
  Where it is judged on fewer than three bases the evidence is too thin: it does not.

    .venv/bin/python benchmarks/gain.py [--seeds 4]
"""

import argparse
import csv
import json
import shutil
import subprocess
import time
from datetime import date, timedelta
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
TACIT = ROOT / ".build/release/tacit"
SHARED = ROOT.parent / "shared/data"
OPEN = 'open = [{ opened = "ticket_opened", resolved = "ticket_resolved" }]'
FAMILIES = {
    "decayed counts": ["decayed_count"],
    "overdue": ["overdue"],
    "own change": ["own_change"],
    "value slope": ["value_slope"],
    "burst": ["burst"],
    "channel shares": ["channel_share"],
    "weekend and night": ["weekend_share", "night_share"],
    "open items": [],
}
DRAWS = 500


def tacit(*arguments):
    return subprocess.run([TACIT, *map(str, arguments)], check=True, capture_output=True, text=True).stdout


def auc(logit, y, weight):
    """Weighted area under the curve, ties half: Σ over pairs of w w' [s > s'] ÷ Σ w w'."""
    order = np.argsort(logit, kind="stable")
    s, y, w = logit[order], y[order], weight[order]
    group = np.concatenate([[0], np.cumsum(s[1:] != s[:-1])])
    positive = np.bincount(group, w * y)
    negative = np.bincount(group, w * (1 - y))
    below = np.cumsum(negative) - negative
    return (positive * (below + negative / 2)).sum() / (positive.sum() * negative.sum())


def loss(logit, y, weight):
    return np.average(np.logaddexp(0, logit) - y * logit, weights=weight)


class Base:
    """A project in a folder of its own, trained with a family's features."""

    def __init__(self, name, folder, as_of, real):
        self.name, self.folder, self.as_of, self.real = name, folder, as_of, real
        self.text = (folder / "tacit.toml").read_text()
        self.columns = {}

    def settings(self, family):
        wanted = FAMILIES.get(family)
        if family == "open items":
            line = OPEN if "ticket_resolved" in self.text else ""
        else:
            line = f"aggregates = {json.dumps(['default', *wanted])}" if wanted else ""
        (self.folder / "tacit.toml").write_text(self.text.replace("[features]\n", f"[features]\n{line}\n"))

    def predictions(self, family):
        """(accounts, y, logit) out of fold; sets the family's number of columns."""
        self.settings(family)
        shutil.rmtree(self.folder / "models", ignore_errors=True)
        report = json.loads(tacit("train", "--project", self.folder / "tacit.toml", "--as-of", self.as_of,
                                  "--quiet", "--json"))
        self.columns[family] = report["features"]
        held_out = next((self.folder / "models").glob("*/*/held-out.csv"))
        with open(held_out, newline="") as file:
            rows = list(csv.DictReader(file))
        return ([r["account_id"] for r in rows], np.array([float(r["detractor"]) for r in rows]),
                np.array([float(r["logit"]) for r in rows]))


class Purchases(Base):
    """CDNOW: vectors, and whether nothing is bought in the 180 days after."""

    def predictions(self, family):
        self.settings(family)
        out = self.folder / "vectors.csv"
        tacit("features", "--project", self.folder / "tacit.toml", "--as-of", self.as_of, "--out", out, "--quiet")
        start = date.fromisoformat(self.as_of)
        end = start + timedelta(days=180)
        with open(self.folder / "cdnow.csv", newline="") as file:
            buys = {r["customer_id"] for r in csv.DictReader(file)
                    if start <= date.fromisoformat(r["date"]) < end}
        with open(out, newline="") as file:
            rows = list(csv.reader(file))
        header, rows = rows[0], rows[1:]
        self.columns[family] = len(header) - 1
        y = np.array([float(r[0] not in buys) for r in rows])
        # By account alone, so that it is the same for every family.
        fold = np.random.default_rng(401).permutation(len(rows))[np.argsort(np.argsort([r[0] for r in rows]))] % 5
        logit = np.empty(len(rows))
        for k in range(5):
            for name, chosen in (("fit", fold != k), ("held", fold == k)):
                with open(self.folder / f"{name}.csv", "w", newline="") as file:
                    writer = csv.writer(file)
                    writer.writerow(["row", *header[1:], "target"])
                    for i in np.flatnonzero(chosen):
                        writer.writerow([i, *rows[i][1:], int(y[i])])
            tacit("fit", self.folder / "fit.csv", "--target", "target", "--positive", "1", "--drop", "row",
                  "--shapes", "auto", "--model", self.folder / "fit.json")
            tacit("predict", "--model", self.folder / "fit.json", self.folder / "held.csv",
                  "--out", self.folder / "predicted.csv", "--id", "row")
            with open(self.folder / "predicted.csv", newline="") as file:
                for r in csv.DictReader(file):
                    logit[int(r["row"])] = float(r["logit"])
        return [r[0] for r in rows], y, logit


def bases(folder, seeds):
    for seed in range(401, 401 + seeds):
        place = folder / f"synthetic-{seed}"
        tacit("synth", "--accounts", 10_000, "--events", 500_000, "--seed", seed, "--as-of", "2026-03-02",
              "--out", place)
        yield Base(f"synthetic {seed}", place, "2026-03-02", False)
    place = folder / "sample"
    shutil.copytree(ROOT / "datasets/sample", place)
    yield Base("sample", place, "2026-03-02", False)
    for data, kind, dates in (("bitcoin_otc/soc-sign-bitcoinotc.csv", Base, ("2013-01-01", "2015-01-01")),
                              ("cdnow/cdnow.csv", Purchases, ("1998-01-01",))):
        source = SHARED / data
        if not source.exists():
            print(f"left out: {source} is not here", flush=True)
            continue
        for as_of in dates:
            name = source.parent.name.replace("_", "-")
            place = folder / f"{name}-{as_of}"
            shutil.copytree(ROOT / "datasets" / name, place)
            shutil.copy(source, place)
            yield kind(f"{name} {as_of}", place, as_of, True)


def gains(base):
    """{family: (columns, gain of AUC, low, high, gain of log loss)}, and the standard AUC."""
    accounts, y, plain = base.predictions("")
    place = {account: i for i, account in enumerate(dict.fromkeys(accounts))}
    of = np.array([place[account] for account in accounts])
    draw = np.random.default_rng(20261122)
    weights = [draw.multinomial(len(place), np.full(len(place), 1 / len(place)))[of] for _ in range(DRAWS)]
    one = np.ones(len(y))
    standard = auc(plain, y, one)
    base_aucs = np.array([auc(plain, y, w) for w in weights])
    found = {}
    for family in FAMILIES:
        if family == "open items" and "ticket_resolved" not in base.text:
            continue
        same, _, logit = base.predictions(family)
        assert same == accounts
        added = base.columns[family] - base.columns[""]
        if added == 0:
            continue
        low, high = np.quantile([auc(logit, y, w) for w in weights] - base_aucs, [0.025, 0.975])
        found[family] = (added, auc(logit, y, one) - standard, low, high, loss(plain, y, one) - loss(logit, y, one))
        print(base.name, family, *found[family], flush=True)
    return standard, len(y), found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=4)
    a = parser.parse_args()
    folder = ROOT / "benchmarks/work/gain"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    results = [(base, *gains(base)) for base in bases(folder, a.seeds)]
    lines = ["| base | rows | AUC, standard | " + " | ".join(FAMILIES) + " |", "|---" * (3 + len(FAMILIES)) + "|"]
    for base, standard, rows, found in results:
        cells = [f"{100 * found[f][1]:+.2f} ({100 * found[f][2]:+.2f} to {100 * found[f][3]:+.2f})" if f in found else "–"
                 for f in FAMILIES]
        lines.append(f"| {base.name} | {rows:,} | {standard:.4f} | " + " | ".join(cells) + " |")
    lines += ["", "Gains of AUC in hundredths, with 95 % intervals.", "",
              "| family | bases | columns | mean gain of AUC, hundredths | standard error | on the real logs "
              "| mean gain of log loss, hundredths | surely worse on | earns a place |", "|---|---|---|---|---|---|---|---|---|"]
    for family in FAMILIES:
        mine = [(base, found[family]) for base, _, _, found in results if family in found]
        gain = np.array([f[1] for _, f in mine])
        error = gain.std(ddof=1) / np.sqrt(len(gain)) if len(gain) > 1 else np.nan
        real = [f[1] for base, f in mine if base.real]
        spared = np.mean([f[4] for _, f in mine])
        worse = sum(f[3] < 0 for _, f in mine)
        earns = len(gain) >= 3 and gain.mean() > error and (not real or np.mean(real) > 0) and spared >= 0 and worse == 0
        columns = sorted({f[0] for _, f in mine})
        lines.append(
            f"| {family} | {len(gain)} | {columns[0]} to {columns[-1]} | {100 * gain.mean():+.3f} | {100 * error:.3f} | "
            + (f"{100 * np.mean(real):+.3f}" if real else "–")
            + f" | {100 * spared:+.3f} | {worse} | {'yes' if earns else 'no'} |")
    print("\n".join(lines))
    if a.seeds == 4 and len(results) == 8:
        commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
        text = "\n".join(["# What each family of features adds", "",
                          f"`make gain` at commit {commit}, {time.strftime('%Y-%m-%d')}.", "",
                          __doc__.split("\n\n", 1)[1].split("\n\n    .venv")[0], "", *lines, ""])
        (ROOT / "benchmarks/results/gain.md").write_text(text)


if __name__ == "__main__":
    main()
