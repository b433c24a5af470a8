"""Kills `tacit nightly` and `tacit deliver` wherever they touch the world, and looks what is left.

The points are found by strace in an undisturbed run: every write, sync, rename, unlink and so on in
the project's folder, and every message to the PostgreSQL server. At each of them a fresh copy of the
project is run and killed (SIGKILL) before the call is made, or the call is made to fail. Then what
is published must be all of the night or none of it, and after one more, undisturbed run every row of
the store and every file must be what one undisturbed run gives, byte for byte.

Two nights are tried: the first, which makes the store, and the second, on a store that has one; and a
delivery of the first night's posts (see deliveries.py): every post arrives at least once, none is lost.
`--short` takes a few of the points, for the tests. Writes benchmarks/results/faults.md.
"""

import argparse
import collections
import datetime
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from deliveries import DeliveryScene, kill_sends
from harness import RESULTS, ROOT
from scenes import FIRST, SECOND, Campaign, Scene, Server

GOOD = ["before", "some", "after"]


class Tally:
    def __init__(self, out):
        self.rows, self.out, self.wrong = [], out, []

    def add(self, scene, fault, outcomes, note=""):
        counts = collections.Counter(outcome for _, outcome in outcomes)
        for point, outcome in outcomes:
            if outcome not in GOOD:
                self.wrong.append(f"{scene.store} {scene.name} {fault} at {point}: {outcome}")
                print("WRONG:", self.wrong[-1], file=self.out, flush=True)
        right = sum(counts[outcome] for outcome in GOOD)
        self.rows.append((scene.store, scene.name, fault, len(outcomes),
                          *(counts[outcome] for outcome in GOOD), right, note))
        print("  ".join(map(str, self.rows[-1])), file=self.out, flush=True)


def kill_points(scene, points):
    outcomes = []
    for call, number, what in points:
        trial = scene.trial()
        result = scene.run(trial[0], threads=1, before=[
            "strace", "-f", "-o", "/dev/null", "-e", f"trace={call}", "-e",
            f"inject={call}:signal=SIGKILL:when={number}"])
        dead = (result.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL)
                or not scene.is_exact and result.returncode == 0)
        outcomes.append((f"{call} {number} {what}",
                         scene.judge(trial) if dead else f"NOT KILLED ({result.returncode})"))
        scene.drop(trial)
    return outcomes


def kill_moments(scene, count, seed):
    chance, outcomes = random.Random(seed), []
    for _ in range(count):
        trial = scene.trial()
        delay = chance.uniform(0, 1.1 * scene.seconds)
        process = scene.start(trial[0])
        time.sleep(delay)
        process.kill()
        process.communicate()
        outcomes.append((f"{delay:.4f} s", scene.judge(trial)))
        scene.drop(trial)
    return outcomes


def fail_points(scene, points, error):
    """The call fails; the run must say so by its exit status and publish nothing, or be done."""
    outcomes, statuses = [], collections.Counter()
    for call, number, what in points:
        trial = scene.trial()
        result = scene.run(trial[0], threads=1, before=[
            "strace", "-f", "-o", "/dev/null", "-e", f"trace={call}", "-e",
            f"inject={call}:error={error}:when={number}"])
        statuses[result.returncode] += 1
        published = scene.is_done(trial)
        outcome = scene.judge(trial)
        if result.returncode not in scene.allowed[scene.store] | {0}:
            outcome = f"STATUS {result.returncode}: {result.stderr.strip()[-200:]}"
        elif result.returncode == 0 and not published:
            outcome = "STATUS 0 and nothing published"
        elif result.returncode != 0 and not re.match(r"tacit: |http://", result.stderr):
            outcome = "no message"
        outcomes.append((f"{call} {number} {what}", outcome))
        scene.drop(trial)
    note = ", ".join(f"status {status}: {count}" for status, count in sorted(statuses.items()))
    return outcomes, note


def crowd(scene, count):
    trial = scene.trial()
    crowd = [scene.start(trial[0], threads=1) for _ in range(count)]
    errors = [one.communicate()[1] for one in crowd]
    statuses = collections.Counter(one.returncode for one in crowd)
    repeated = scene.repeated()
    outcome = scene.judge(trial)
    if repeated:
        outcome = f"{repeated} SENT TWICE"
    for one, error in zip(crowd, errors):
        if one.returncode not in (0, 75):
            outcome = f"STATUS {one.returncode}: {error.strip()[-200:]}"
    if outcome in ("before", "some"):
        outcome = "NOT ALL IS DONE"
    scene.drop(trial)
    note = ", ".join(f"status {status}: {count}" for status, count in sorted(statuses.items()))
    return [(f"{count} at once", outcome)], note


def restarts(scene, count, seed):
    chance, outcomes, statuses = random.Random(seed), [], collections.Counter()
    for _ in range(count):
        trial = scene.trial()
        delay = chance.uniform(0, scene.seconds)
        process = scene.start(trial[0])
        time.sleep(delay)
        scene.server.restart()
        error = process.communicate()[1]
        statuses[process.returncode] += 1
        outcome = scene.judge(trial)
        if process.returncode not in (0, 69):
            outcome = f"STATUS {process.returncode}: {error.strip()[-200:]}"
        outcomes.append((f"{delay:.4f} s", outcome))
        scene.drop(trial)
    note = ", ".join(f"status {status}: {count}" for status, count in sorted(statuses.items()))
    return outcomes, note


def spread(points, count):
    """`count` of the points, evenly."""
    if len(points) <= count:
        return points
    return [points[i * len(points) // count] for i in range(count)]


def write(tally, seconds, path):
    def git(*words):
        return subprocess.run(["git", *words], cwd=ROOT, capture_output=True,
                              text=True).stdout.strip()
    strace = subprocess.run(["strace", "-V"], capture_output=True, text=True).stdout.split("\n")[0]
    lines = [
        "# Faults", "",
        "`make faults`: what `tacit nightly` and `tacit deliver` leave behind when they are killed, when a"
        " call fails, when twenty run at once and when PostgreSQL is restarted.",
        f"Commit {git('rev-parse', '--short', 'HEAD') or '(none)'}, {datetime.date.today()},"
        f" {strace}, {seconds / 60:.0f} minutes.", "",
        "*nothing*, *some* and *all*: what of the night was published, or of the posts was marked as"
        " delivered, when the run had ended. *right after the next run*: every row of every table and"
        " every file of the night is then, byte for byte, what one undisturbed run gives; every post has"
        " arrived at least once, with the same bytes each time, those of a case in their order. A kill at"
        " a call ends the process before the call is made.", "",
        "| store | run | fault | trials | nothing | some | all | right after the next run | |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    lines += ["| " + " | ".join(map(str, row)) + " |" for row in tally.rows]
    lines += ["", "Wrong: " + ("none." if not tally.wrong else "")]
    lines += [f"- {one}" for one in tally.wrong]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


def play(scene, tally, options):
    """Every fault on one scene."""
    points = scene.points()
    most = 8 if options.short else options.most
    tally.add(scene, f"kill at each of {len(points)} calls" if most >= len(points) else
              f"kill at {most} of {len(points)} calls", kill_points(scene, spread(points, most)))
    fallible = [one for one in points if one[0] in (
        "write", "pwrite64", "fsync", "fdatasync", "rename")]
    most = 3 if options.short else options.most
    for error in ["EIO", "ENOSPC"] if fallible else []:
        these = [one for one in fallible
                 if error == "EIO" or one[0] in ("write", "pwrite64", "rename")]
        outcomes, note = fail_points(scene, spread(these, most), error)
        tally.add(scene, f"{error} on write, sync and rename"
                  if error == "EIO" else f"{error} on write and rename", outcomes, note)
    if scene.store == "postgres":
        # A message that is lost while the answers still come would be waited for for
        # ever, which no network does: the connection breaks where answers are read.
        answers = [("recvfrom", number, what) for call, number, what in points
                   if call == "sendto"]
        outcomes, note = fail_points(scene, spread(answers, most), "ECONNRESET")
        tally.add(scene, "ECONNRESET on answers of the server", outcomes, note)
    if isinstance(scene, DeliveryScene):
        for fault, outcomes in kill_sends(scene, 2 if options.short else options.most):
            tally.add(scene, fault, outcomes)
    moments = 3 if options.short else options.moments // 2
    tally.add(scene, "kill at random moments", kill_moments(scene, moments, 5))
    outcomes, note = crowd(scene, 5 if options.short else 20)
    tally.add(scene, outcomes[0][0], outcomes, note)
    if scene.store == "postgres":
        outcomes, note = restarts(scene, 1 if options.short else 10, 11)
        tally.add(scene, "PostgreSQL restarted (immediate) in the middle", outcomes, note)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", choices=["sqlite", "postgres", "both"], default="both")
    parser.add_argument("--run", choices=["nightly", "deliver", "both"], default="both")
    parser.add_argument("--moments", type=int, default=200, help="random kills a store")
    parser.add_argument("--most", type=int, default=10**9, help="points of each kind, at most")
    parser.add_argument("--short", action="store_true", help="a few points only; writes no result")
    parser.add_argument("--tacit", type=pathlib.Path, default=ROOT / ".build/release/tacit")
    options = parser.parse_args()
    started = time.monotonic()
    stores = ["sqlite", "postgres"] if options.store == "both" else [options.store]
    scenes = []
    if options.run != "deliver":
        scenes += [(Scene, FIRST)] + ([] if options.short else [(Scene, SECOND)])
    if options.run != "nightly":
        scenes.append((DeliveryScene, FIRST))
    server = Server() if "postgres" in stores else None
    work = pathlib.Path(tempfile.mkdtemp(prefix="tacit-faults-"))
    tally = Tally(sys.stdout)
    try:
        campaign = Campaign(options.tacit, work, server, 1500, 60000)
        for store in stores:
            for kind, night in scenes:
                play(kind(campaign, store, night), tally, options)
    finally:
        if server:
            server.stop()
        shutil.rmtree(work, ignore_errors=True)
    if not options.short:
        write(tally, time.monotonic() - started, RESULTS / "faults.md")
    sys.exit(1 if tally.wrong else 0)


if __name__ == "__main__":
    main()
