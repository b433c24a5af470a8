"""Kills `tacit nightly` wherever it touches the world, and looks what is left.

The points are found by strace in an undisturbed run: every write, sync, rename, unlink and so on in
the project's folder, and every message to the PostgreSQL server. At each of them a fresh copy of the
project is run and killed (SIGKILL) before the call is made, or the call is made to fail. Then what
is published must be all of the night or none of it, and after one more, undisturbed run every row of
the store and every file must be what one undisturbed run gives, byte for byte.

Two nights are tried: the first, which makes the store, and the second, on a store that has one.
`--short` takes a few of the points, for the tests. Writes benchmarks/results/faults.md.
"""

import argparse
import collections
import datetime
import os
import pathlib
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
RESULTS = pathlib.Path(os.environ.get("BENCH_RESULTS", ROOT / "benchmarks" / "results"))
FIRST, SECOND = "2026-03-02", "2026-03-03"
FILE_CALLS = ["openat", "mkdir", "write", "pwrite64", "fsync", "fdatasync", "rename", "unlink",
              "ftruncate"]
SOCKET_CALLS = ["sendto"]
# DESIGN 7: a service is down; output; another run holds the lock.
ALLOWED = {"sqlite": {73, 74, 75}, "postgres": {69, 73, 74, 75}}


class Server:
    """A PostgreSQL server of its own, synced as in earnest."""

    def __init__(self):
        programs = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"))
        if not programs:
            raise SystemExit("no PostgreSQL server in /usr/lib/postgresql")
        self.programs = programs[-1]
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tacit-pg-", dir="/tmp"))
        self.folder.chmod(0o755)
        self.as_user = []
        if os.geteuid() == 0:
            self.as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
            shutil.chown(self.folder, "postgres")
        self.data = self.folder / "data"
        self.call("initdb", "--auth=trust", "--username=tacit", "--encoding=UTF8",
                  "--locale=C.UTF-8", "-D", str(self.data))
        self.options = f"-k {self.folder} -c listen_addresses= -c max_connections=200"
        self.call("pg_ctl", "start", "--wait", "-D", str(self.data), "-o", self.options,
                  "-l", str(self.folder / "log"))

    def call(self, program, *arguments):
        subprocess.run([*self.as_user, str(self.programs / program), *arguments], check=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, cwd="/")

    def restart(self):
        self.call("pg_ctl", "restart", "--wait", "-m", "immediate", "-D", str(self.data),
                  "-o", self.options, "-l", str(self.folder / "log"))

    def stop(self):
        self.call("pg_ctl", "stop", "-m", "immediate", "-D", str(self.data))
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database):
        return f"postgresql://tacit@/{database}?host={self.folder}"

    def sql(self, database, *statements):
        commands = [word for one in statements for word in ("-c", one)]
        return subprocess.run(
            [str(self.programs / "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d",
             self.url(database), *commands],
            check=True, capture_output=True).stdout


class Campaign:
    def __init__(self, tacit, work, server, accounts, events):
        self.tacit, self.work, self.server = str(tacit), work, server
        self.count = 0
        self.base = work / "project"
        self.run_free("synth", "--accounts", accounts, "--events", events, "--seed", 7, "--as-of",
                      FIRST, "--out", self.base, cwd=work)
        self.run_free("train", "--as-of", FIRST, "--quiet", cwd=self.base)

    def run_free(self, *words, cwd):
        subprocess.run([self.tacit, *map(str, words)], cwd=cwd, check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Scene:
    """One night on one kind of store: where it begins, and how it ends undisturbed."""

    def __init__(self, campaign, store, night):
        self.campaign, self.store, self.night = campaign, store, night
        self.server = campaign.server
        self.begin = campaign.work / f"{store}-{night}" / "project"
        shutil.copytree(campaign.base, self.begin)
        self.template = None
        if store == "postgres":
            self.template = f"t_{night.replace('-', '')}"
            self.server.sql("postgres", f"CREATE DATABASE {self.template}")
        if night == SECOND:
            self.settle(self.begin, self.template)
            result = self.nightly(self.begin, FIRST)
            assert result.returncode == 0, result.stderr
        trial = self.trial()
        self.before = self.dump(trial)
        started = time.monotonic()
        result = self.nightly(trial[0])
        self.seconds = time.monotonic() - started
        assert result.returncode == 0, result.stderr
        self.after, self.files = self.dump(trial), files(trial[0])
        assert self.before != self.after
        self.drop(trial)

    def settle(self, folder, database):
        """Points the project at its store."""
        if self.store == "postgres":
            with open(folder / "tacit.toml", "a") as file:
                file.write(f'\n[store]\nurl = "{self.server.url(database)}"\n')

    def trial(self):
        self.campaign.count += 1
        folder = self.campaign.work / f"trial-{self.campaign.count}" / "project"
        # Inputs are only read, so links do; what nightly writes is copied.
        shutil.copytree(self.begin, folder, copy_function=os.link)
        for path in [folder / "tacit.toml", folder / "tacit.sqlite", *folder.glob("runs/**/*")]:
            if path.is_file():
                data = path.read_bytes()
                path.unlink()
                path.write_bytes(data)
        database = None
        if self.store == "postgres":
            database = f"trial_{self.campaign.count}"
            self.server.sql("postgres", f"CREATE DATABASE {database} TEMPLATE {self.template}")
            text = (self.begin / "tacit.toml").read_text().split("\n[store]")[0]
            (folder / "tacit.toml").write_text(text)
            self.settle(folder, database)
        return folder, database

    def drop(self, trial):
        shutil.rmtree(trial[0].parent)
        if trial[1]:
            self.server.sql("postgres", f"DROP DATABASE {trial[1]} WITH (FORCE)")

    def command(self, night=None, threads=None):
        words = [self.campaign.tacit, "nightly", "--as-of", night or self.night, "--quiet"]
        return words + (["--threads", str(threads)] if threads else [])

    def nightly(self, folder, night=None, threads=None, before=()):
        return subprocess.run([*before, *self.command(night, threads)], cwd=folder, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=300)

    def dump(self, trial):
        """Every row of every table, in an order that does not depend on how they were stored."""
        if self.store == "sqlite":
            return dump_sqlite(trial[0] / "tacit.sqlite")
        tables = self.server.sql(
            trial[1], "SELECT c.relname || ' ' || max(a.attnum) FROM pg_class c "
            "JOIN pg_attribute a ON a.attrelid = c.oid WHERE relkind = 'r' "
            "AND relnamespace = 'public'::regnamespace GROUP BY 1, c.relname ORDER BY c.relname"
            .replace("GROUP BY 1, ", "GROUP BY ")).decode().split("\n")
        names = [line.split() for line in tables if line]
        return {name: self.server.sql(
            trial[1], f"COPY (SELECT * FROM {name} ORDER BY "
            + ", ".join(str(i + 1) for i in range(int(columns))) + ") TO STDOUT")
            for name, columns in names} if names else {}

    def points(self):
        """Every call of an undisturbed run that changes the folder or speaks to the server: its
        name, its number among all calls of that name, and what it touched."""
        trial = self.trial()
        calls = FILE_CALLS + (SOCKET_CALLS if self.store == "postgres" else [])
        log = trial[0].parent / "trace"
        result = self.nightly(trial[0], threads=1, before=[
            "strace", "-f", "-y", "-s", "40", "-o", str(log), "-e", "trace=" + ",".join(calls)])
        assert result.returncode == 0, result.stderr
        numbers, points, threads = collections.Counter(), [], set()
        for line in log.read_text(errors="replace").splitlines():
            match = re.match(r"(\d+) +(\w+)\((.*)", line)
            if not match:
                continue
            thread, call, rest = match.groups()
            numbers[call] += 1
            if call == "openat" and "O_CREAT" not in rest:
                continue
            if call == "sendto" or str(trial[0]) in rest.split(", \"")[0] or (
                    call in ("openat", "mkdir", "rename", "unlink") and str(trial[0]) in rest):
                threads.add(thread)
                what = "server" if call == "sendto" else rest.replace(str(trial[0]), "")
                points.append((call, numbers[call], what[:60]))
        # One thread makes them all, so that the n-th call is the n-th in every run.
        assert len(threads) == 1, threads
        self.drop(trial)
        return points

    def judge(self, trial):
        """"before" or "after", as what is published stands; and after one more run all is right."""
        found = self.dump(trial)
        if found == self.before or self.night == FIRST and not any(
                rows for name, rows in found.items() if name != "store_version"):
            state = "before"
        elif found == self.after:
            state = "after"
        else:
            return "HALF PUBLISHED"
        result = self.nightly(trial[0])
        if result.returncode != 0:
            return f"the next run failed: {result.stderr.strip()}"
        if self.dump(trial) != self.after:
            return "OTHER ROWS after the next run"
        if files(trial[0]) != self.files:
            return f"OTHER FILES after the next run: {differing(files(trial[0]), self.files)}"
        return state


def dump_sqlite(path):
    if not path.exists():
        return {}
    # Looked at in a copy: opening it would roll back what a dead run left, which the next run must do.
    with tempfile.TemporaryDirectory() as folder:
        for suffix in ["", "-journal"]:
            if (source := pathlib.Path(str(path) + suffix)).exists():
                shutil.copy(source, pathlib.Path(folder) / ("tacit.sqlite" + suffix))
        with sqlite3.connect(pathlib.Path(folder) / "tacit.sqlite") as db:
            names = [row[0] for row in db.execute(
                "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")]
            dump = {}
            for name in names:
                width = len(db.execute(f"SELECT * FROM {name} LIMIT 0").description)
                order = ", ".join(str(i + 1) for i in range(width))
                dump[name] = repr(db.execute(f"SELECT * FROM {name} ORDER BY {order}").fetchall())
            check = db.execute("PRAGMA integrity_check").fetchall()
            assert check == [("ok",)], check
            return {name: rows if rows != "[]" else "" for name, rows in dump.items()}


def files(folder):
    """What the run has to show: everything below runs/, by name. Nothing that a dead run left
    half-written is ever left behind, either."""
    return {str(path.relative_to(folder)): path.read_bytes()
            for path in sorted(folder.glob("runs/**/*")) if path.is_file()}


def differing(one, other):
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


class Tally:
    def __init__(self, out):
        self.rows, self.out, self.wrong = [], out, []

    def add(self, scene, fault, outcomes, note=""):
        counts = collections.Counter(outcome for _, outcome in outcomes)
        good = {"before", "after"}
        for point, outcome in outcomes:
            if outcome not in good:
                self.wrong.append(f"{scene.store} {scene.night} {fault} at {point}: {outcome}")
        right = sum(count for outcome, count in counts.items() if outcome in good)
        self.rows.append((scene.store, "first" if scene.night == FIRST else "second", fault,
                          len(outcomes), counts["before"], counts["after"], right, note))
        print("  ".join(map(str, self.rows[-1])), file=self.out, flush=True)


def kill_points(scene, points):
    outcomes = []
    for call, number, what in points:
        trial = scene.trial()
        result = scene.nightly(trial[0], threads=1, before=[
            "strace", "-f", "-o", "/dev/null", "-e", f"trace={call}", "-e",
            f"inject={call}:signal=SIGKILL:when={number}"])
        dead = result.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL)
        outcomes.append((f"{call} {number} {what}",
                         scene.judge(trial) if dead else f"NOT KILLED ({result.returncode})"))
        scene.drop(trial)
    return outcomes


def kill_moments(scene, count, seed):
    chance, outcomes = random.Random(seed), []
    for _ in range(count):
        trial = scene.trial()
        delay = chance.uniform(0, 1.1 * scene.seconds)
        process = subprocess.Popen(scene.command(), cwd=trial[0], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(delay)
        process.kill()
        process.wait()
        outcomes.append((f"{delay:.4f} s", scene.judge(trial)))
        scene.drop(trial)
    return outcomes


def fail_points(scene, points, error):
    """The call fails; the run must say so by its exit status and publish nothing, or be done."""
    outcomes, statuses = [], collections.Counter()
    for call, number, what in points:
        trial = scene.trial()
        result = scene.nightly(trial[0], threads=1, before=[
            "strace", "-f", "-o", "/dev/null", "-e", f"trace={call}", "-e",
            f"inject={call}:error={error}:when={number}"])
        statuses[result.returncode] += 1
        published = scene.dump(trial) == scene.after
        outcome = scene.judge(trial)
        if result.returncode not in ALLOWED[scene.store] | {0}:
            outcome = f"STATUS {result.returncode}: {result.stderr.strip()[-200:]}"
        elif result.returncode == 0 and not published:
            outcome = "STATUS 0 and nothing published"
        elif result.returncode != 0 and not result.stderr.startswith("tacit: "):
            outcome = "no message"
        outcomes.append((f"{call} {number} {what}", outcome))
        scene.drop(trial)
    note = ", ".join(f"status {status}: {count}" for status, count in sorted(statuses.items()))
    return outcomes, note


def crowd(scene, count):
    trial = scene.trial()
    crowd = [subprocess.Popen(scene.command(threads=1), cwd=trial[0], stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
             for _ in range(count)]
    errors = [one.communicate()[1] for one in crowd]
    statuses = collections.Counter(one.returncode for one in crowd)
    outcome = scene.judge(trial)
    for one, error in zip(crowd, errors):
        if one.returncode not in (0, 75):
            outcome = f"STATUS {one.returncode}: {error.strip()[-200:]}"
    if outcome == "before":
        outcome = "NOBODY PUBLISHED"
    scene.drop(trial)
    note = ", ".join(f"status {status}: {count}" for status, count in sorted(statuses.items()))
    return [(f"{count} at once", outcome)], note


def restarts(scene, count, seed):
    chance, outcomes, statuses = random.Random(seed), [], collections.Counter()
    for _ in range(count):
        trial = scene.trial()
        delay = chance.uniform(0, scene.seconds)
        process = subprocess.Popen(scene.command(), cwd=trial[0], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
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
        "`make faults`: what `tacit nightly` leaves behind when it is killed, when a call fails,"
        " when twenty run at once and when PostgreSQL is restarted.",
        f"Commit {git('rev-parse', '--short', 'HEAD') or '(none)'}, {datetime.date.today()},"
        f" {strace}, {seconds / 60:.0f} minutes.", "",
        "*nothing* and *all*: what of the night was published when the run had ended. *right after"
        " the next run*: every row of every table and every file of the night is then, byte for"
        " byte, what one undisturbed run gives. A kill at a call ends the process before the call"
        " is made.", "",
        "| store | night | fault | trials | nothing | all | right after the next run | |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += ["| " + " | ".join(map(str, row)) + " |" for row in tally.rows]
    lines += ["", "Wrong: " + ("none." if not tally.wrong else "")]
    lines += [f"- {one}" for one in tally.wrong]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", choices=["sqlite", "postgres", "both"], default="both")
    parser.add_argument("--moments", type=int, default=200, help="random kills a store")
    parser.add_argument("--most", type=int, default=10**9, help="points of each kind, at most")
    parser.add_argument("--short", action="store_true", help="a few points only; writes no result")
    parser.add_argument("--tacit", type=pathlib.Path, default=ROOT / ".build/release/tacit")
    options = parser.parse_args()
    started = time.monotonic()
    stores = ["sqlite", "postgres"] if options.store == "both" else [options.store]
    server = Server() if "postgres" in stores else None
    work = pathlib.Path(tempfile.mkdtemp(prefix="tacit-faults-"))
    tally = Tally(sys.stdout)
    try:
        campaign = Campaign(options.tacit, work, server, 1500, 60000)
        for store in stores:
            for night in [FIRST] if options.short else [FIRST, SECOND]:
                scene = Scene(campaign, store, night)
                points = scene.points()
                most = 8 if options.short else options.most
                tally.add(scene, f"kill at each of {len(points)} calls" if most >= len(points) else
                          f"kill at {most} of {len(points)} calls",
                          kill_points(scene, spread(points, most)))
                fallible = [one for one in points if one[0] in (
                    "write", "pwrite64", "fsync", "fdatasync", "rename")]
                most = 3 if options.short else options.most
                for error in ["EIO", "ENOSPC"]:
                    these = [one for one in fallible
                             if error == "EIO" or one[0] in ("write", "pwrite64", "rename")]
                    outcomes, note = fail_points(scene, spread(these, most), error)
                    tally.add(scene, f"{error} on write, sync and rename"
                              if error == "EIO" else f"{error} on write and rename", outcomes, note)
                if store == "postgres":
                    # A message that is lost while the answers still come would be waited for for
                    # ever, which no network does: the connection breaks where answers are read.
                    answers = [("recvfrom", number, what) for call, number, what in points
                               if call == "sendto"]
                    outcomes, note = fail_points(scene, spread(answers, most), "ECONNRESET")
                    tally.add(scene, "ECONNRESET on answers of the server", outcomes, note)
                moments = 3 if options.short else options.moments // 2
                tally.add(scene, "kill at random moments", kill_moments(scene, moments, 5))
                outcomes, note = crowd(scene, 5 if options.short else 20)
                tally.add(scene, outcomes[0][0], outcomes, note)
                if store == "postgres":
                    count = 1 if options.short else 10
                    outcomes, note = restarts(scene, count, 11)
                    tally.add(scene, "PostgreSQL restarted (immediate) in the middle", outcomes, note)
    finally:
        if server:
            server.stop()
        shutil.rmtree(work, ignore_errors=True)
    if not options.short:
        write(tally, time.monotonic() - started, RESULTS / "faults.md")
    for one in tally.wrong:
        print("WRONG:", one)
    sys.exit(1 if tally.wrong else 0)


if __name__ == "__main__":
    main()
