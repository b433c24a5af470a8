"""Side-by-side timing of two or more systems on one problem.

A benchmark is a list of `System`s that do the same work. `compare` runs them in turn for several
rounds, so that a noisy neighbour disturbs all of them, takes medians, checks nothing itself (the
systems return what they computed; the benchmark compares it) and gives a table, which `write` puts
into benchmarks/results/<name>.md and .json with the machine, the commit and the date.

A system that does not end within its limit is reported as "> N s, stopped" and not run again.
Memory is in MB of 10^6 bytes, as the data is counted.
"""

import datetime
import json
import os
import pathlib
import platform
import signal
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import Any, Callable

ROOT = pathlib.Path(__file__).resolve().parent.parent
WORK = ROOT / "benchmarks" / "work"
# Trials at small sizes set BENCH_RESULTS, so as not to write over what is kept.
RESULTS = pathlib.Path(os.environ.get("BENCH_RESULTS", ROOT / "benchmarks" / "results"))
TACIT = ROOT / ".build" / "release" / "tacit"


@dataclass
class System:
    """`run(round)` does the work once and returns a dict.

    If it has `seconds`, that is the time compared (a phase measured inside the system);
    otherwise the wall time of the call is. With `stopped`, `seconds` is the limit that it overran.
    What else stands in `MEDIANS` is reported as well.
    """

    name: str
    run: Callable[[int], dict[str, Any]]
    ours: bool = False
    note: str = ""
    most_rounds: int | None = None  # for systems too slow to run in every round; then no warm-up
    # What earlier runs gave: with `most_rounds=0` they are all there is.
    outcomes: list[dict[str, Any]] = field(default_factory=list)

    @property
    def stopped(self) -> bool:
        return any(o.get("stopped") for o in self.outcomes)

    @property
    def seconds(self) -> float:
        return statistics.median(o["seconds"] for o in self.outcomes)

    @property
    def spread(self) -> tuple[float, float]:
        times = [o["seconds"] for o in self.outcomes]
        return min(times), max(times)


# Starts the program from a process of its own, which is small: the peak that the kernel reports for
# a child counts the memory of whoever started it, too.
LAUNCHER = """
import json, os, resource, subprocess, sys, time
start = time.perf_counter()
status = subprocess.call(sys.argv[2:])
seconds = time.perf_counter() - start
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
os.write(int(sys.argv[1]), json.dumps({
    "status": status, "seconds": seconds, "peak_mb": usage.ru_maxrss * 1024 / 1e6,
    "cpu_seconds": usage.ru_utime + usage.ru_stime}).encode())
"""


def command(arguments: list[str], env: dict[str, str] | None = None, cwd=None,
            limit: float | None = None) -> dict[str, Any]:
    """Runs a program to its end; wall seconds, its peak resident memory and its standard output.

    Stops with the program's own message if it fails. After `limit` seconds, or when the program
    ends itself by its own alarm (SIGALRM), the answer is `{"stopped": True}` and the seconds.
    """
    arguments = [str(a) for a in arguments]
    reader, writer = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-S", "-c", LAUNCHER, str(writer), *arguments], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, env={**os.environ, **(env or {})}, cwd=cwd,
        pass_fds=[writer], start_new_session=True)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        try:
            out, err = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # the session that was started just above
            process.communicate()
            return {"seconds": limit, "stopped": True}
        facts = json.loads(pipe.read() or "{}")
    status = facts.pop("status", process.returncode)
    if status == -signal.SIGALRM:
        return {**facts, "stopped": True}
    if status != 0:
        sys.exit(f"{' '.join(arguments)}: exit {status}\n{err}")
    return {**facts, "output": out}


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


def versions() -> dict[str, str]:
    """Of this Python and of the packages that the peers are made of."""
    from importlib.metadata import PackageNotFoundError, version

    found = {"python": platform.python_version()}
    for package in ("numpy", "scipy", "scikit-learn", "scikit-learn-intelex", "glum", "statsmodels",
                    "lightgbm", "onnxruntime", "polars", "duckdb"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "absent"
    return found


def commit() -> str:
    def git(*a):
        return subprocess.run(["git", *a], cwd=ROOT, capture_output=True, text=True).stdout.strip()

    return git("rev-parse", "--short=10", "HEAD") + (
        " with changes" if git("status", "--porcelain", "-uno") else "")


MEDIANS = (
    "peak_mb", "above_data_mb", "cpu_seconds", "iterations", "objective_excess", "max_gradient",
    "floor_operations", "floor_bytes", "gb_per_second")


def compare(problem: str, systems: list[System], rounds: int = 5, warm: int = 1,
            after: Callable[[], Any] = lambda: None) -> dict[str, Any]:
    """Runs the systems in turn, `warm` rounds uncounted, and returns one table's data.

    `after` is called when all have run; it may add to the outcomes.
    """
    load = os.getloadavg()[0]
    for number in range(-warm, rounds):
        for system in systems:
            limit = system.most_rounds
            if system.stopped or limit is not None and not 0 <= number < limit:
                continue
            start = time.perf_counter()
            outcome = system.run(number)
            outcome.setdefault("seconds", time.perf_counter() - start)
            if number >= 0 or outcome.get("stopped"):
                system.outcomes.append(outcome)
    after()
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
        if system.stopped:
            row["stopped"] = True
            row["median_seconds"] = max(o["seconds"] for o in system.outcomes)
        for key in MEDIANS:
            values = [o[key] for o in system.outcomes if o.get(key) is not None]
            if values:
                row[key] = statistics.median(values)
        floor = max(row.get("floor_operations", 0), row.get("floor_bytes", 0))
        if floor > 0 and not system.stopped:
            row["times_floor"] = row["median_seconds"] / floor
        rows.append(row)
    table = {"problem": problem, "rounds": rounds, "load_before": round(load, 2), "rows": rows}
    print("\n".join(markdown(table)), flush=True)
    return table


def seconds_text(v: float) -> str:
    return f"{v:.3f}" if v < 100 else f"{v:.0f}"


def markdown(table: dict[str, Any]) -> list[str]:
    columns = [
        ("system", "system", str),
        ("median_seconds", "median s", seconds_text),
        ("least_seconds", "least", seconds_text),
        ("most_seconds", "most", seconds_text),
        ("ratio_to_ours", "× ours", lambda v: f"{v:.1f}"),
        ("floor_operations", "floor s, operations", seconds_text),
        ("floor_bytes", "floor s, bytes", seconds_text),
        ("times_floor", "× floor", lambda v: f"{v:.1f}"),
        ("gb_per_second", "GB/s", lambda v: f"{v:.1f}"),
        ("cpu_seconds", "CPU s", lambda v: f"{v:.2f}"),
        ("peak_mb", "peak MB", lambda v: f"{v:.0f}"),
        ("above_data_mb", "above the data MB", lambda v: f"{v:.0f}"),
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
        # Of one that was stopped all that is known is that it takes longer.
        cells = {k: "" if row.get(k) is None else f(row[k]) for k, _, f in shown}
        if row.get("stopped"):
            cells["median_seconds"] = f"> {row['median_seconds']:.0f}, stopped"
            cells["ratio_to_ours"] = "> " + cells.get("ratio_to_ours", "")
            cells["least_seconds"] = cells["most_seconds"] = ""
        lines.append("| " + " | ".join(cells[k] for k, _, _ in shown) + " |")
    lines += ["", f"{table['rounds']} rounds in turn; load {table['load_before']} before.", ""]
    return lines


def write(name: str, title: str, tables: list[dict[str, Any]], remarks: list[str] = (),
          intro: list[str] = ()) -> None:
    """Writes results/<name>.md and results/<name>.json; `intro` stands before the tables."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    facts = {
        "commit": commit(),
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d"),
        "machine": machine(),
        "versions": versions(),
        "command": "python " + " ".join(
            [os.path.relpath(os.path.abspath(sys.argv[0]), ROOT), *sys.argv[1:]]),
    }
    m = facts["machine"]
    lines = [
        f"# {title}", "",
        f"{facts['date']}, commit {facts['commit']}; {m['cpu']}, {m['cores']} cores, "
        f"{m['memory_gib']} GiB, Linux {m['kernel']}; `{facts['command']}`", ""]
    lines += [*intro, ""] if intro else []
    for table in tables:
        lines += markdown(table)
    lines += [line for remark in remarks for line in (f"- {remark}",)]
    (RESULTS / f"{name}.md").write_text("\n".join(lines).rstrip() + "\n")
    (RESULTS / f"{name}.json").write_text(
        json.dumps({**facts, "tables": tables, "remarks": list(remarks)}, indent=1) + "\n")
    print(f"written: {RESULTS / name}.md and .json")
