"""Side-by-side timing of two or more systems on one problem.

A benchmark is a list of `System`s that do the same work. `compare` runs them in turn for several
rounds, so that a noisy neighbour disturbs all of them, takes medians, checks nothing itself (the
systems return what they computed; the benchmark compares it) and appends a table to
benchmarks/results/<name>.md and .json with the machine, the commit and the date.
"""

import datetime
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import Any, Callable

ROOT = pathlib.Path(__file__).resolve().parent.parent
WORK = ROOT / "benchmarks" / "work"
RESULTS = ROOT / "benchmarks" / "results"
TACIT = ROOT / ".build" / "release" / "tacit"


@dataclass
class System:
    """`run(round)` does the work once and returns a dict.

    If it has `seconds`, that is the time compared (a phase measured inside the system);
    otherwise the wall time of the call is. `peak_mb`, if there, is reported as well.
    """

    name: str
    run: Callable[[int], dict[str, Any]]
    ours: bool = False
    note: str = ""
    most_rounds: int | None = None  # for systems too slow to run in every round; then no warm-up
    outcomes: list[dict[str, Any]] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        return statistics.median(o["seconds"] for o in self.outcomes)

    @property
    def spread(self) -> tuple[float, float]:
        times = [o["seconds"] for o in self.outcomes]
        return min(times), max(times)


def command(arguments: list[str], env: dict[str, str] | None = None, cwd=None) -> dict[str, Any]:
    """Runs a program to its end; wall seconds, its peak resident memory and its standard output.

    Stops with the program's own message if it fails.
    """
    start = time.perf_counter()
    process = subprocess.Popen(
        [str(a) for a in arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, **(env or {})}, cwd=cwd)
    # wait4 gives this child's own memory; its output is read first (both pipes are small).
    out = process.stdout.read()
    err = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{' '.join(map(str, arguments))}: exit {process.returncode}\n{err}")
    return {
        "seconds": seconds,
        "peak_mb": usage.ru_maxrss / 1024,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "output": out,
    }


def python(script: pathlib.Path, *arguments: str, env: dict[str, str] | None = None):
    """`command` for a script under this same Python."""
    return command([sys.executable, script, *arguments], env=env)


def machine() -> dict[str, Any]:
    """What the numbers were measured on."""
    model = next(
        (line.split(":")[1].strip() for line in open("/proc/cpuinfo") if "model name" in line),
        platform.processor())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "cpu": model,
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(memory, 1),
        "kernel": platform.release(),
        "load": [round(l, 2) for l in os.getloadavg()],
    }


def commit() -> str:
    def git(*a):
        return subprocess.run(["git", *a], cwd=ROOT, capture_output=True, text=True).stdout.strip()

    return git("rev-parse", "--short=10", "HEAD") + (
        " with changes" if git("status", "--porcelain", "-uno") else "")


def compare(problem: str, systems: list[System], rounds: int = 5, warm: int = 1) -> dict[str, Any]:
    """Runs the systems in turn, `warm` rounds uncounted, and returns one table's data."""
    load = os.getloadavg()[0]
    for number in range(-warm, rounds):
        for system in systems:
            limit = system.most_rounds
            if limit is not None and not 0 <= number < limit:
                continue
            start = time.perf_counter()
            outcome = system.run(number)
            outcome.setdefault("seconds", time.perf_counter() - start)
            if number >= 0:
                system.outcomes.append(outcome)
    ours = next((s for s in systems if s.ours), None)
    rows = []
    for system in systems:
        low, high = system.spread
        row = {
            "system": system.name,
            "ours": system.ours,
            "median_seconds": system.seconds,
            "least_seconds": low,
            "most_seconds": high,
            "ratio_to_ours": system.seconds / ours.seconds if ours else None,
            "note": system.note,
        }
        for key in ("peak_mb", "cpu_seconds", "iterations", "objective_excess", "max_gradient"):
            values = [o[key] for o in system.outcomes if o.get(key) is not None]
            if values:
                row[key] = statistics.median(values)
        rows.append(row)
    table = {"problem": problem, "rounds": rounds, "load_before": round(load, 2), "rows": rows}
    print("\n".join(markdown(table)), flush=True)
    return table


def markdown(table: dict[str, Any]) -> list[str]:
    columns = [
        ("system", "system", str),
        ("median_seconds", "median s", lambda v: f"{v:.3f}"),
        ("least_seconds", "least", lambda v: f"{v:.3f}"),
        ("most_seconds", "most", lambda v: f"{v:.3f}"),
        ("ratio_to_ours", "× ours", lambda v: f"{v:.1f}"),
        ("cpu_seconds", "CPU s", lambda v: f"{v:.2f}"),
        ("peak_mb", "peak MB", lambda v: f"{v:.0f}"),
        ("iterations", "iterations", lambda v: f"{v:.0f}"),
        ("objective_excess", "objective − least", lambda v: f"{v:.1e}"),
        ("max_gradient", "max gradient", lambda v: f"{v:.1e}"),
        ("note", "note", str),
    ]
    shown = [c for c in columns if any(r.get(c[0]) not in (None, "") for r in table["rows"])]
    lines = [f"### {table['problem']}", ""]
    lines.append("| " + " | ".join(c[1] for c in shown) + " |")
    lines.append("|" + "|".join("---" if c[2] is str else "--:" for c in shown) + "|")
    for row in table["rows"]:
        cells = ["" if row.get(k) is None else f(row[k]) for k, _, f in shown]
        lines.append("| " + " | ".join(cells) + " |")
    lines += ["", f"{table['rounds']} rounds in turn; load {table['load_before']} before.", ""]
    return lines


def write(name: str, title: str, tables: list[dict[str, Any]], remarks: list[str] = ()) -> None:
    """Writes results/<name>.md and results/<name>.json."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    facts = {
        "commit": commit(),
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d"),
        "machine": machine(),
        "command": "python " + " ".join(
            [os.path.relpath(os.path.abspath(sys.argv[0]), ROOT), *sys.argv[1:]]),
    }
    m = facts["machine"]
    lines = [
        f"# {title}", "",
        f"{facts['date']}, commit {facts['commit']}; {m['cpu']}, {m['cores']} cores, "
        f"{m['memory_gib']} GiB, Linux {m['kernel']}; `{facts['command']}`", ""]
    for table in tables:
        lines += markdown(table)
    lines += [line for remark in remarks for line in (f"- {remark}",)]
    (RESULTS / f"{name}.md").write_text("\n".join(lines).rstrip() + "\n")
    (RESULTS / f"{name}.json").write_text(
        json.dumps({**facts, "tables": tables, "remarks": list(remarks)}, indent=1) + "\n")
    print(f"written: benchmarks/results/{name}.md and .json")
