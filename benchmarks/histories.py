"""Cost of an event from 1 to 100 million events, and twelve as-of dates against one.

`tacit synth` makes the bases, 50 events an account; `tacit features` writes the vectors of all accounts
(its own default features, as NPY, so that writing weighs little), without packed histories. Twelve dates:
`tacit train` on 12 snapshots of a million accounts against one. `python benchmarks/histories.py
[--sizes 1,10,100] [--rounds N] [--snapshots ACCOUNTS]`; needs 15 GB of disk for the largest.
"""

import argparse
import json
import pathlib
import shutil
import statistics
import sys

import harness

AS_OF = "2026-03-02"


def base(accounts: int, events: int) -> pathlib.Path:
    folder = harness.WORK / f"synth-{events}"
    if not (folder / "truth.csv").exists():
        shutil.rmtree(folder, ignore_errors=True)
        harness.command([harness.TACIT, "synth", "--accounts", accounts, "--events", events,
                         "--seed", 1, "--out", folder, "--quiet"])
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="1,10,100", help="millions of events")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--snapshots", type=int, default=1_000_000, help="accounts; 0: leave out")
    options = parser.parse_args()
    lines, notes, results = [], [], {}
    sizes = [int(float(s) * 1_000_000) for s in options.sizes.split(",")]
    outcomes = {size: [] for size in sizes}
    rows = {}
    for size in sizes:
        base(size // 50, size)
    # In turn, so that a noisy neighbour disturbs all of them.
    for _ in range(options.rounds):
        for size in sizes:
            folder = base(size // 50, size)
            done = harness.command([
                harness.TACIT, "features", "--project", folder / "tacit.toml", "--as-of", AS_OF,
                "--out", harness.WORK / "vectors.npy", "--quiet", "--json"])
            rows[size] = sum(f["rows"] for f in json.loads(done["output"])["read"]
                             if f["section"] == "events")
            outcomes[size].append(done)
    for size in sizes:
        seconds = statistics.median(o["seconds"] for o in outcomes[size])
        cpu = statistics.median(o["cpu_seconds"] for o in outcomes[size])
        peak = max(o["peak_mb"] for o in outcomes[size])
        results[size] = (seconds / rows[size], cpu / rows[size])
        lines.append(f"| {rows[size]:,} | {size // 50:,} | {seconds:.2f} | {seconds / rows[size] * 1e9:.0f} "
                     f"| {cpu / rows[size] * 1e9:.0f} | {peak:.0f} |")
    if 10_000_000 in results and 100_000_000 in results:
        (a, b), (c, d) = results[10_000_000], results[100_000_000]
        notes.append(f"- An event of 100 million costs {c / a:.2f} times one of 10 million by wall time, "
                     f"{d / b:.2f} times by processor time (asked: at most 1.1).")
    if options.snapshots:
        folder = base(options.snapshots, options.snapshots * 20)
        text = (folder / "tacit.toml").read_text()
        times = {}
        for count in (1, 12):
            (folder / f"tacit-{count}.toml").write_text(
                text + f"\n[training]\nsnapshots = {{ every_days = 30, count = {count} }}\n"
                if "[training]" not in text else text)
            done = harness.command([
                harness.TACIT, "features", "--project", folder / f"tacit-{count}.toml", "--out",
                harness.WORK / "vectors.npy", "--quiet",
                *[x for k in range(count) for x in ("--as-of", snapshot(k))]])
            times[count] = done
        notes.append(
            f"- {options.snapshots:,} accounts, 12 as-of dates in one file of vectors: "
            f"{times[12]['seconds']:.1f} s and {times[12]['peak_mb']:.0f} MB against "
            f"{times[1]['seconds']:.1f} s and {times[1]['peak_mb']:.0f} MB for one: "
            f"{times[12]['seconds'] / times[1]['seconds']:.2f} times (asked: at most 3).")
    harness.write_text("histories", "\n".join([
        "# Histories of any size", "", harness.stamp(), "",
        "| events | accounts | median s | ns an event | CPU ns an event | peak MB |",
        "|--:|--:|--:|--:|--:|--:|", *lines, "", *notes, ""]))


def snapshot(k: int) -> str:
    import datetime

    return str(datetime.date(2026, 3, 2) - datetime.timedelta(days=30 * k))


if __name__ == "__main__":
    main()
