"""A night by an engine under faults: `kill -9` of a Spark executor, of Spark's driver, of DuckDB and of
tacit itself at random moments. A night whose executor died ends right; of any other nothing is published,
nothing stays at work, and the next run gives the cases of an undisturbed native night.
`python benchmarks/engine_faults.py [--kills N] [--seed S]`; writes results/engine_faults.md.
"""

import argparse
import datetime
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import harness

TACIT = str(harness.TACIT)
AS_OF = "2026-03-02"
ENV = {**os.environ, "PATH": f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}"}
CLUSTER = ["--engine", "spark", "--master", "local-cluster[2,1,1024]"]


def tacit(*arguments, cwd):
    return subprocess.run([TACIT, *arguments], cwd=cwd, capture_output=True, env=ENV)


def cases(folder):
    done = tacit("queue", "list", "--json", cwd=folder)
    return done.stdout if done.returncode == 0 else b""


def children(process):
    """Everything below a process, by /proc."""
    parents = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
                parents.setdefault(int(stat.rsplit(")", 1)[1].split()[1]), []).append(int(entry.name))
            except OSError:
                pass
    found, todo = [], [process]
    while todo:
        for child in parents.get(todo.pop(), []):
            found.append(child)
            todo.append(child)
    return found


def word(process, text):
    try:
        return text in (pathlib.Path("/proc") / str(process) / "cmdline").read_bytes()
    except OSError:
        return False


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=20261123)
    options = parser.parse_args()
    draw = random.Random(options.seed)
    work = pathlib.Path(tempfile.mkdtemp(prefix="engines-", dir="/var/tmp"))
    base = work / "sample"
    shutil.copytree(harness.ROOT / "datasets" / "sample", base)
    done = tacit("train", "--as-of", AS_OF, cwd=base)
    if done.returncode:
        sys.exit(done.stderr.decode())
    clean = work / "clean" / "sample"
    shutil.copytree(base, clean)
    tacit("nightly", "--as-of", AS_OF, cwd=clean)
    expected = cases(clean)
    nights = {"spark": CLUSTER, "duckdb": ["--engine", "duckdb"]}
    length = {}
    for engine, more in nights.items():
        folder = work / engine / "sample"
        shutil.copytree(base, folder)
        start = time.perf_counter()
        done = tacit("nightly", "--as-of", AS_OF, *more, cwd=folder)
        length[engine] = time.perf_counter() - start
        if done.returncode or cases(folder) != expected:
            sys.exit(f"{engine}: an undisturbed night is another: {done.stderr.decode()}")
    lines = []
    for title, engine, victim, trials in [
            ("Spark's executor killed", "spark", b"CoarseGrainedExecutorBackend", options.kills),
            ("Spark's driver killed", "spark", b"SparkSubmit", options.kills),
            ("tacit killed, Spark at work", "spark", None, options.kills),
            ("DuckDB killed", "duckdb", b"duckdb", 4 * options.kills),
            ("tacit killed, DuckDB at work", "duckdb", None, 4 * options.kills)]:
        hits = wrong = 0
        for _ in range(trials):
            folder = work / "trial" / "sample"
            shutil.rmtree(folder.parent, ignore_errors=True)
            shutil.copytree(base, folder)
            process = subprocess.Popen([TACIT, "nightly", "--as-of", AS_OF, *nights[engine]], cwd=folder,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=ENV)
            time.sleep(draw.uniform(0, length[engine]))
            hit = False
            below = children(process.pid)
            for target in ([process.pid] if victim is None else
                           [c for c in below if word(c, victim)][:1]):
                try:
                    os.kill(target, signal.SIGKILL)
                    hit = True
                except ProcessLookupError:
                    pass
            status = process.wait()
            hits += hit
            if victim == b"CoarseGrainedExecutorBackend":
                wrong += status != 0 or cases(folder) != expected
                continue
            # All or nothing.
            wrong += cases(folder) not in (b"", b"[]\n", b"[\n\n]\n", expected)
            for _ in range(100):
                if not any(os.path.exists(f"/proc/{c}") and not word(c, b"<defunct>") and
                           pathlib.Path(f"/proc/{c}/cmdline").read_bytes() for c in below
                           if os.path.exists(f"/proc/{c}")):
                    break
                time.sleep(0.1)
            else:
                wrong += 1
            again = tacit("nightly", "--as-of", AS_OF, "--engine", "duckdb", cwd=folder)
            wrong += again.returncode != 0 or cases(folder) != expected
            wrong += any(folder.rglob(".engine-*"))
        lines.append(f"| {title} | {trials} | {hits} | {wrong} |")
        print(lines[-1], flush=True)
    shutil.rmtree(work, ignore_errors=True)
    text = "\n".join([
        "# A night by an engine under faults", "",
        f"{datetime.date.today()}, commit {harness.commit()}; "
        f"`python benchmarks/engine_faults.py --kills {options.kills} --seed {options.seed}`", "",
        "The sample; Spark as `local-cluster[2,1,1024]`, whose executors are processes of their own. Wrong: "
        "cases other than those of an undisturbed native night (after the next run), a part of them, an "
        "engine that goes on, or files left behind.", "",
        "| fault | trials | at work when it came | wrong |", "|---|--:|--:|--:|", *lines, ""])
    (harness.RESULTS / "engine_faults.md").write_text(text)
    if any(not line.endswith("| 0 |") for line in lines):
        sys.exit("something was wrong")


if __name__ == "__main__":
    main()
