"""What decisions and cases cost a night of one million accounts, beside the scoring; and after a year.

A base of 1,000,000 accounts and 20,000,000 events is made (`tacit synth`), with queues that open 600
cases a day, an experiment that holds out 15 % and draws 20 a day at random. The model is trained on a
base of 20,000 accounts by the same law. The first night makes the store (SQLite). Then a year of nights
and of a team's work is put into a store by the program's own path (Tests/OutreachTests,
YearOfNightsTests: 600 cases a business day, claimed, attempted, half of them answered, closed), and the
next night of the million is run on it. `nightly --json` tells where its time went.

Rule: deciding and publishing (with the drift, which reads the store as well) take at most half of the
scoring, in the first night and in that after the year; the score file is not counted as scoring here,
though it is. Writes benchmarks/results/nights.md.
"""

import argparse
import csv
import datetime
import json
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import sys

from harness import RESULTS, ROOT, TACIT, WORK

FIRST, NEXT, TOP = "2026-03-02", "2026-03-03", 100_000
SETTINGS = """
[model]
name = "nights"

[experiment]
seed = "winter"
starts = "2025-03-01"
horizon_days = 730
holdout = 0.15
exploration_per_business_day = 20
"""


def run(*words, cwd):
    return subprocess.run([str(TACIT), *map(str, words)], cwd=cwd, text=True, check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout


def make(work, accounts, events):
    """The base, with a model."""
    for name, size in [("small", (20_000, 400_000)), ("base", (accounts, events))]:
        folder = work / name
        if folder.exists():
            continue
        run("synth", "--accounts", size[0], "--events", size[1], "--seed", 1, "--as-of", FIRST,
            "--out", folder, cwd=work)
        capacities = iter([100, 500])
        path = folder / "tacit.toml"
        path.write_text(re.sub("(?<=capacity_per_business_day = ).*",
                               lambda _: str(next(capacities)), path.read_text()) + SETTINGS)
    if not (work / "small" / "models").exists():
        run("train", "--as-of", FIRST, "--quiet", cwd=work / "small")
    shutil.copytree(work / "small" / "models", work / "base" / "models", dirs_exist_ok=True)


def night(base, as_of):
    report = json.loads(run("nightly", "--as-of", as_of, "--json", cwd=base))
    assert report["published"]
    return report


def year(work, base, report):
    """A store with a year in it, and what it held on the way."""
    scores = base / report["scores"]
    ids = work / "ids"
    with open(scores, newline="") as file, open(ids, "w") as out:
        for place, row in enumerate(csv.DictReader(file)):
            if place == TOP:
                break
            out.write(row["account_id"] + "\n")
    # In memory while it is filled: a year's half million transactions would wait for the disk.
    store = pathlib.Path("/dev/shm") / f"tacit-year-{os.getpid()}.sqlite"
    try:
        result = subprocess.run(
            ["swift", "test", "-c", "release", "--disable-testable-imports", "--skip-build",
             "--filter", "aYearForTheBenchmark"],
            cwd=ROOT, capture_output=True, text=True,
            env=os.environ | {
                "TACIT_YEAR_STORE": str(store), "TACIT_YEAR_SCORES": str(ids),
                "TACIT_YEAR_MODEL": report["model"], "TACIT_YEAR_FILE": report["scores"]})
        if result.returncode != 0:
            sys.exit(f"the year failed:\n{result.stdout}\n{result.stderr}")
        shutil.copy(store, work / "year.sqlite")
    finally:
        store.unlink(missing_ok=True)
    return [(int(number), int(size), float(seconds)) for number, size, seconds in re.findall(
        r"night (\d+): (\d+) bytes, published in ([\d.e-]+) s", result.stdout)]


def rows(path):
    with sqlite3.connect(path) as db:
        return {name: db.execute(f"SELECT count(*) FROM {name}").fetchone()[0]
                for name in ["runs", "decisions", "cases", "actions", "notes", "enrolments"]}


def line(name, seconds):
    outreach = seconds["deciding"] + seconds["publishing"]
    return (f"| {name} | {seconds['reading']:.1f} | {seconds['scoring']:.1f} |"
            f" {seconds['score_file']:.1f} | {seconds['drift']:.1f} | {seconds['deciding']:.2f} |"
            f" {seconds['publishing']:.2f} | {outreach / seconds['scoring']:.3f} |"
            f" {(outreach + seconds['drift']) / (seconds['scoring'] + seconds['score_file']):.3f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accounts", type=int, default=1_000_000)
    parser.add_argument("--events", type=int, default=20_000_000)
    parser.add_argument("--work", type=pathlib.Path, default=WORK / "nights")
    options = parser.parse_args()
    work = options.work
    work.mkdir(parents=True, exist_ok=True)
    make(work, options.accounts, options.events)
    base = work / "base"
    (base / "tacit.sqlite").unlink(missing_ok=True)
    first = night(base, FIRST)
    print(json.dumps(first), flush=True)
    sizes = year(work, base, first)
    shutil.copy(work / "year.sqlite", base / "tacit.sqlite")
    before, held = (base / "tacit.sqlite").stat().st_size, rows(base / "tacit.sqlite")
    last = night(base, NEXT)
    print(json.dumps(last), flush=True)
    after = (base / "tacit.sqlite").stat().st_size
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True,
                            text=True).stdout.strip()
    lines = [
        "# Nights of a million accounts", "",
        f"`make bench-nights` at commit {commit or '(none)'}, {datetime.date.today()},"
        f" {os.cpu_count()} cores, load {os.getloadavg()[1]:.1f}: {options.accounts:,} accounts,"
        f" {options.events:,} events, {first['silent']:,} silent, SQLite, 600 cases a business day,"
        " 15 % held out, 20 a day drawn at random. Seconds, as `nightly --json` tells them.", "",
        "| night | reading | scoring | score file | drift | deciding | publishing |"
        " deciding and publishing ÷ scoring | these and drift ÷ scoring and score file |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|",
        line("1", first["seconds"]), line("366, after a year", last["seconds"]), "",
        "The year in the store (a team that claims, contacts and closes; filled by the program's own"
        " path, without scoring):", "",
        "| night | bytes of the store | deciding and publishing, s |", "|--:|--:|--:|",
        *(f"| {number} | {size:,} | {seconds:.2f} |" for number, size, seconds in sizes), "",
        "Rows after the year: " + ", ".join(f"{count:,} {name}" for name, count in held.items())
        + f". The next night added {after - before:,} bytes to {before:,}:"
        f" {first['cases_opened']:,} cases in the first night, {last['cases_opened']:,} in this one.",
    ]
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "nights.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
