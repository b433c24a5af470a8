#!/usr/bin/env python3
"""Runs every fuzz target a set number of times and writes benchmarks/results/fuzz.md.

    python3 fuzz/run.py [--runs 200000] [--targets table,gzip] [--keep]

A target starts from fuzz/corpus/<target>. With --keep the inputs that reach more code than those kept
so far are minimised into it, as far as 24 kB a target go. A crash is written to fuzz/work/ and ends
with status 1: put the file into the corpus, so that the suite holds it, and mend what it shows.
"""
import argparse, os, re, shutil, subprocess, sys, time
from datetime import datetime, timezone

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
WORK = os.path.join(ROOT, "fuzz/work")
PROGRAM = os.path.join(WORK, "fuzz")
CORPUS = os.path.join(ROOT, "fuzz/corpus")
KEPT_BYTES = 24_000
RSS_MB = 1024


def run(target, corpora, *options):
    environment = dict(
        os.environ, TACIT_FUZZ_TARGET=target, SWIFT_BACKTRACE="enable=no",
        ASAN_OPTIONS="detect_leaks=0:handle_segv=0",
        TMPDIR="/dev/shm" if os.path.isdir("/dev/shm") else "/tmp")
    return subprocess.run(
        [PROGRAM, *corpora, f"-rss_limit_mb={RSS_MB}", "-max_len=2048", "-timeout=25", "-seed=1",
         f"-artifact_prefix={WORK}/{target}-", *options],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=WORK)


def fuzz(target, runs):
    found = os.path.join(WORK, "corpus", target)
    os.makedirs(found, exist_ok=True)
    start = time.monotonic()
    result = run(target, [found, os.path.join(CORPUS, target)], f"-runs={runs}", "-print_final_stats=1")
    said = result.stdout.decode(errors="replace")
    def last(pattern):
        hits = re.findall(pattern, said)
        return int(hits[-1]) if hits else 0
    return {
        "target": target, "runs": last(r"stat::number_of_executed_units:\s+(\d+)"),
        "edges": last(r"cov: (\d+)"), "features": last(r"ft: (\d+)"),
        "rss": last(r"stat::peak_rss_mb:\s+(\d+)"), "seconds": time.monotonic() - start,
        "failed": result.returncode != 0, "said": said}


def keep(target):
    """The smallest inputs that reach all that was reached, as many as fit."""
    found, kept = os.path.join(WORK, "corpus", target), os.path.join(CORPUS, target)
    merged = os.path.join(WORK, "merged", target)
    shutil.rmtree(merged, ignore_errors=True)
    os.makedirs(merged)
    run(target, [merged, kept, found], "-merge=1")
    size = sum(os.path.getsize(os.path.join(kept, name)) for name in os.listdir(kept))
    have = {open(os.path.join(kept, name), "rb").read() for name in os.listdir(kept)}
    files = sorted((os.path.getsize(os.path.join(merged, n)), n) for n in os.listdir(merged))
    for count, name in files:
        data = open(os.path.join(merged, name), "rb").read()
        if data in have or size + count > KEPT_BYTES:
            continue
        size += count
        open(os.path.join(kept, name[:12]), "wb").write(data)


def git(*words):
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True).stdout.strip()


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--runs", type=int, default=200_000)
    options.add_argument("--targets", default="")
    options.add_argument("--keep", action="store_true")
    options = options.parse_args()
    targets = options.targets.split(",") if options.targets else sorted(os.listdir(CORPUS))
    rows = []
    for target in targets:
        row = fuzz(target, options.runs)
        rows.append(row)
        print(f"{target}: {row['runs']} runs, {row['edges']} edges, peak {row['rss']} MB, "
              f"{row['seconds']:.0f} s{', FAILED' if row['failed'] else ''}", flush=True)
        if row["failed"]:
            print(row["said"][-3000:])
        elif options.keep:
            keep(target)
    changed = git("status", "--porcelain", "--", "Sources", "Tests/HistoriesTests/FuzzTargets.swift")
    text = ["# Fuzzing the readers", "",
        f"`make fuzz RUNS={options.runs}` at {git('rev-parse', '--short', 'HEAD')}"
        f"{' and changes' if changed else ''}, {datetime.now(timezone.utc):%Y-%m-%d}. libFuzzer and",
        "AddressSanitizer on `Sources/Histories`, starting from `fuzz/corpus`; a target fails on a crash, a",
        f"report of the sanitizer, a contradiction, 25 s for one input, or {RSS_MB} MB.", "",
        "| target | runs | edges | features | peak MB | seconds | crashes |", "|---|---|---|---|---|---|---|"]
    for row in rows:
        text.append(f"| {row['target']} | {row['runs']:,} | {row['edges']:,} | {row['features']:,} | "
            f"{row['rss']} | {row['seconds']:.0f} | {'yes' if row['failed'] else 0} |")
    with open(os.path.join(ROOT, "benchmarks/results/fuzz.md"), "w") as file:
        file.write("\n".join(text) + "\n")
    return 1 if any(row["failed"] for row in rows) else 0


sys.exit(main())
