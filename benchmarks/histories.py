"""Cost of an event from 1 to 100 million events, and the rows of twelve snapshots against those of one.

`tacit synth` makes the bases, 50 events an account; `tacit features` writes the vectors of all accounts
(its own default features, as NPY, so that writing weighs little), without packed histories. Snapshots:
`tacit features --labelled`, the rows that a training learns from, of 12 against 1, of the base with 20 events
an account (fitting them costs by the row, which is any learner's). `python benchmarks/histories.py
[--sizes 1,10,100] [--rounds N] [--snapshots ACCOUNTS]`; needs 10 GB of disk.
"""

import argparse
import json
import pathlib
import re
import shutil

import harness

AS_OF = "2026-03-02"


def base(accounts: int, events: int) -> pathlib.Path:
    folder = harness.WORK / f"synth-{accounts}-{events}"
    if not (folder / "truth.csv").exists():
        shutil.rmtree(folder, ignore_errors=True)
        harness.command([harness.TACIT, "synth", "--accounts", str(accounts), "--events", str(events),
                         "--seed", "1", "--as-of", AS_OF, "--out", str(folder), "--quiet"])
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="1,10,100", help="millions of events")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--snapshots", type=int, default=1_000_000, help="accounts; 0: leave out")
    options = parser.parse_args()
    tables, notes, costs = [], [], {}
    for size in [int(float(s) * 1_000_000) for s in options.sizes.split(",")]:
        folder = base(size // 50, size)
        rows = 0

        def run(_):
            nonlocal rows
            done = harness.command([
                harness.TACIT, "features", "--project", str(folder / "tacit.toml"), "--as-of", AS_OF,
                "--out", str(harness.WORK / "vectors.npy"), "--quiet", "--json"])
            rows = sum(f["rows"] for f in json.loads(done["output"])["read"]
                       if f["section"] == "events")
            return done

        table = harness.compare(
            f"{size:,} events asked of synth, {size // 50:,} accounts",
            [harness.System("tacit features", run, ours=True)], rounds=options.rounds)
        tables.append(table)
        row = table["rows"][0]
        costs[size] = (row["median_seconds"] / rows, row["cpu_seconds"] / rows)
        notes.append(
            f"{rows:,} events: {costs[size][0] * 1e9:.0f} ns an event, {costs[size][1] * 1e9:.0f} ns of "
            f"processor time; peak {row['peak_mb']:.0f} MB.")
    if {10_000_000, 100_000_000} <= costs.keys():
        (a, b), (c, d) = costs[10_000_000], costs[100_000_000]
        notes.append(
            f"An event of 100 million costs {c / a:.2f} times one of 10 million by wall time, "
            f"{d / b:.2f} times by processor time (asked: at most 1.1).")
    if options.snapshots:
        folder = base(options.snapshots, options.snapshots * 20)
        text = (folder / "tacit.toml").read_text()
        systems = []
        for count in (1, 12):
            project = folder / f"snapshots-{count}.toml"
            project.write_text(re.sub(r"count = \d+", f"count = {count}", text))

            def label(_, project=project):
                return harness.command([
                    harness.TACIT, "features", "--project", str(project), "--as-of", AS_OF, "--quiet",
                    "--labelled", "--out", str(harness.WORK / f"labelled-{project.stem}.csv")])

            systems.append(harness.System(f"tacit features --labelled, snapshots: {count}", label,
                                          ours=count == 12))
        tables.append(harness.compare(
            f"{options.snapshots:,} accounts, {options.snapshots * 20:,} events", systems,
            rounds=options.rounds))
        one, twelve = tables[-1]["rows"]
        rows = [sum(1 for _ in open(harness.WORK / f"labelled-snapshots-{count}.csv")) - 1
                for count in (1, 12)]
        notes.append(
            f"The {rows[1]:,} rows of twelve snapshots take "
            f"{twelve['median_seconds'] / one['median_seconds']:.2f} times the {rows[0]:,} of one "
            "(asked: at most 3).")
    harness.write("histories", "Histories of any size", tables, notes)


if __name__ == "__main__":
    main()
