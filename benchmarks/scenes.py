"""What the fault campaign is played on: a PostgreSQL server of its own, a small project, and one command
on one kind of store, with what it must give undisturbed.
"""

import collections
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import tempfile
import time

FIRST, SECOND = "2026-03-02", "2026-03-03"
FILE_CALLS = ["openat", "mkdir", "write", "pwrite64", "fsync", "fdatasync", "rename", "unlink",
              "ftruncate"]
SOCKET_CALLS = ["sendto"]


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
    """One command on one kind of store: where it begins, and how it ends undisturbed. Here `nightly`."""

    # Statuses of a run whose calls were made to fail: a service is down; output; another holds the lock.
    allowed = {"sqlite": {73, 74, 75}, "postgres": {69, 73, 74, 75}}
    # Whether every run makes the same calls in the same threads.
    is_exact = True
    environment = None
    # Columns that are compared of tables that hold times of their own; of others all are.
    columns = {}

    def __init__(self, campaign, store, night):
        self.campaign, self.store, self.night = campaign, store, night
        self.name = f"nightly, {'first' if night == FIRST else 'second'}"
        self.server = campaign.server
        self.begin = campaign.work / f"{store}-{type(self).__name__}-{night}" / "project"
        shutil.copytree(campaign.base, self.begin)
        self.template = None
        if store == "postgres":
            self.template = f"t_{type(self).__name__}_{night.replace('-', '')}".lower()
            self.server.sql("postgres", f"CREATE DATABASE {self.template}")
        self.prepare()
        trial = self.trial()
        self.before = self.dump(trial)
        started = time.monotonic()
        result = self.run(trial[0])
        self.seconds = time.monotonic() - started
        assert result.returncode == 0, result.stderr
        self.after, self.files = self.dump(trial), files(trial[0])
        assert self.before != self.after
        self.drop(trial)

    def prepare(self):
        """Brings `begin` to where the trials begin."""
        if self.night == SECOND:
            self.settle(self.begin, self.template)
            self.must("nightly", "--as-of", FIRST, "--quiet")

    def must(self, *words):
        """Runs the program where the trials begin; its output."""
        return subprocess.run([self.campaign.tacit, *words], cwd=self.begin, text=True, check=True,
                              stdin=subprocess.DEVNULL, capture_output=True).stdout

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

    def command(self, threads=None):
        words = [self.campaign.tacit, "nightly", "--as-of", self.night, "--quiet"]
        return words + (["--threads", str(threads)] if threads else [])

    def run(self, folder, threads=None, before=()):
        return subprocess.run([*before, *self.command(threads)], cwd=folder, text=True,
                              env=self.environment, stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=300)

    def start(self, folder, threads=None):
        return subprocess.Popen(self.command(threads), cwd=folder, env=self.environment, text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                stderr=subprocess.PIPE)

    def dump(self, trial):
        """Every row of every table, in an order that does not depend on how they were stored."""
        if self.store == "sqlite":
            return dump_sqlite(trial[0] / "tacit.sqlite", self.columns)
        tables = self.server.sql(
            trial[1], "SELECT c.relname || ' ' || max(a.attnum) FROM pg_class c "
            "JOIN pg_attribute a ON a.attrelid = c.oid WHERE relkind = 'r' "
            "AND relnamespace = 'public'::regnamespace GROUP BY 1, c.relname ORDER BY c.relname"
            .replace("GROUP BY 1, ", "GROUP BY ")).decode().split("\n")
        names = [line.split() for line in tables if line]
        return {name: self.server.sql(trial[1], "COPY (" + query(name, int(width), self.columns)
                                      + ") TO STDOUT") for name, width in names}

    def calls(self):
        return FILE_CALLS + (SOCKET_CALLS if self.store == "postgres" else [])

    def points(self):
        """Every call of an undisturbed run that changes the folder or speaks to a server: its name, its
        number among all calls of that name in its thread, as strace counts, and what it touched."""
        trial = self.trial()
        log = trial[0].parent / "trace"
        result = self.run(trial[0], threads=1, before=[
            "strace", "-f", "-y", "-s", "40", "-o", str(log), "-e", "trace=" + ",".join(self.calls())])
        assert result.returncode == 0, result.stderr
        numbers, points, threads = collections.Counter(), {}, set()
        for line in log.read_text(errors="replace").splitlines():
            match = re.match(r"(\d+) +(\w+)\((.*)", line)
            if not match:
                continue
            thread, call, rest = match.groups()
            numbers[thread, call] += 1
            if call == "openat" and "O_CREAT" not in rest:
                continue
            if call == "sendto" or str(trial[0]) in rest.split(", \"")[0] or (
                    call in ("openat", "mkdir", "rename", "unlink") and str(trial[0]) in rest):
                threads.add(thread)
                what = "server" if call == "sendto" else rest.replace(str(trial[0]), "")
                points.setdefault((call, numbers[thread, call]), what[:60])
        # One thread makes them all, so that the n-th call is the n-th in every run.
        assert len(threads) == 1 or not self.is_exact, threads
        self.drop(trial)
        return [(call, number, what) for (call, number), what in points.items()]

    def is_done(self, trial):
        return self.dump(trial) == self.after

    def repeated(self):
        """How much was done twice that the rows do not show."""
        return 0

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
        result = self.run(trial[0])
        if result.returncode != 0:
            return f"the next run failed: {result.stderr.strip()}"
        if self.dump(trial) != self.after:
            return "OTHER ROWS after the next run"
        if files(trial[0]) != self.files:
            return f"OTHER FILES after the next run: {differing(files(trial[0]), self.files)}"
        return state


def query(table, width, columns):
    """Every row of a table, in an order that does not depend on how they were stored."""
    named = columns.get(table)
    width = len(named) if named else width
    return (f"SELECT {', '.join(named) if named else '*'} FROM {table} ORDER BY "
            + ", ".join(str(i + 1) for i in range(width)))


def dump_sqlite(path, columns):
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
                dump[name] = repr(db.execute(query(name, width, columns)).fetchall())
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
