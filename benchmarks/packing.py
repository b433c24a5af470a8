"""The packed histories under faults: `kill -9` at random moments of `tacit pack` and `tacit nightly`, and
a disk that is full. After each, what the next commands give is what an undisturbed run gives, byte for
byte. `python benchmarks/packing.py [--kills N] [--seed S]`; writes results/packing.md.

Needs root for the full disk (a small tmpfs is mounted); says so where it is not.
"""

import argparse
import datetime
import hashlib
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


def tacit(*arguments, cwd, check=True):
    done = subprocess.run([TACIT, *arguments], cwd=cwd, capture_output=True)
    if check and done.returncode != 0:
        sys.exit(f"tacit {' '.join(arguments)}: exit {done.returncode}\n{done.stderr.decode()}")
    return done


def digest(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def features(folder):
    out = folder / "vectors.csv"
    tacit("features", "--as-of", AS_OF, "--out", str(out), "--quiet", cwd=folder)
    value = digest(out)
    out.unlink()
    return value


def killed(arguments, folder, after):
    """Whether the command was still at work when it was killed."""
    process = subprocess.Popen([TACIT, *arguments], cwd=folder, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    time.sleep(after)
    process.send_signal(signal.SIGKILL)
    return process.wait() == -signal.SIGKILL


def night(folder):
    """What a night leaves that matters: scores, decisions and cases."""
    tacit("nightly", "--as-of", AS_OF, "--quiet", cwd=folder)
    cases = tacit("queue", "list", "--json", cwd=folder).stdout
    scores = sorted((folder / "runs").glob("*/scores-*.csv"))
    if len(scores) != 1:
        sys.exit(f"{folder}: {len(scores)} score files")
    return hashlib.sha256(cases).hexdigest(), digest(scores[0])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=20261122)
    options = parser.parse_args()
    draw = random.Random(options.seed)
    work = pathlib.Path(tempfile.mkdtemp(prefix="packing-", dir="/var/tmp"))
    lines = []
    try:
        base = work / "base"
        tacit("synth", "--accounts", "10000", "--events", "500000", "--seed", "7", "--out",
              str(base), "--quiet", cwd=work)
        split(base)
        truth = features(base)

        start = time.perf_counter()
        tacit("pack", "--quiet", cwd=base)
        whole = time.perf_counter() - start
        wrong = hits = 0
        for trial in range(options.kills):
            if trial % 2 == 0:
                shutil.rmtree(base / "packed", ignore_errors=True)
            else:
                # One file is new: the night's own case.
                (base / "events-5.csv").touch()
            hits += killed(["pack", "--quiet"], base, draw.uniform(0, whole * 1.1))
            wrong += features(base) != truth
            tacit("pack", "--quiet", cwd=base)
            wrong += features(base) != truth
            wrong += any(name.suffix == ".tmp" for name in (base / "packed").iterdir())
        lines.append(f"| `pack` killed | {options.kills} | {hits} | {wrong} |")
        print(lines[-1], flush=True)

        model = work / "model"
        shutil.copytree(base, model)
        queue = '\n[[queue]]\nname = "all"\ncapacity_per_business_day = 20\n' \
                'channel = "phone"\ndue_business_days = 1\n'
        text = (model / "tacit.toml").read_text()
        if "[[queue]]" not in text:
            (model / "tacit.toml").write_text(text + queue)
        shutil.rmtree(model / "packed", ignore_errors=True)
        tacit("train", "--as-of", AS_OF, "--quiet", cwd=model)
        # Models stand under the folder's name, so every copy has it.
        clean = work / "clean" / "model"
        shutil.copytree(model, clean)
        start = time.perf_counter()
        expected = night(clean)
        whole = time.perf_counter() - start
        wrong = hits = 0
        for trial in range(options.kills):
            folder = work / "night" / "model"
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(model, folder)
            hits += killed(["nightly", "--as-of", AS_OF, "--quiet"], folder,
                           draw.uniform(0, whole * 1.1))
            wrong += night(folder) != expected
            wrong += features(folder) != truth
        lines.append(f"| `nightly` killed | {options.kills} | {hits} | {wrong} |")
        print(lines[-1], flush=True)

        if os.geteuid() == 0:
            wrong = trials = refused = 0
            for kilobytes in [4, 64, 256, 512, 1024, 2048, 3072, 4096, 6144]:
                shutil.rmtree(base / "packed", ignore_errors=True)
                (base / "packed").mkdir()
                subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs",
                                str(base / "packed")], check=True)
                try:
                    done = tacit("pack", "--quiet", cwd=base, check=False)
                    refused += done.returncode in (73, 74)
                    wrong += done.returncode not in (0, 73, 74)
                    wrong += features(base) != truth
                finally:
                    subprocess.run(["umount", str(base / "packed")], check=True)
                wrong += features(base) != truth
                tacit("pack", "--quiet", cwd=base)
                wrong += features(base) != truth
                trials += 1
            lines.append(f"| `pack` on a full disk, 4 KB to 6 MB | {trials} | {refused} | {wrong} |")
        else:
            lines.append("| `pack` on a full disk | not run: needs root | | |")
        print(lines[-1], flush=True)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    text = "\n".join([
        "# The packed histories under faults", "",
        f"{datetime.date.today()}, commit {harness.commit()}; "
        f"`python benchmarks/packing.py --kills {options.kills} --seed {options.seed}`", "",
        "500,000 events in six files. After each fault the vectors are read once as things stand and once "
        "after another `pack`; a night is run again to its end. Wrong: any byte of vectors, scores or cases "
        "that an undisturbed run does not give, or a file left half-written.", "",
        "| fault | trials | at work when it came | wrong |", "|---|--:|--:|--:|", *lines, ""])
    harness.RESULTS.mkdir(exist_ok=True)
    (harness.RESULTS / "packing.md").write_text(text)
    if any(not line.endswith("| 0 |") for line in lines):
        sys.exit("something was wrong")


def split(base):
    """The events in six files, as deliveries come."""
    with open(base / "events.csv", "rb") as events:
        header, *rows = events.readlines()
    size = len(rows) // 6 + 1
    for part in range(6):
        (base / f"events-{part}.csv").write_bytes(
            header + b"".join(rows[part * size:(part + 1) * size]))
    (base / "events.csv").unlink()
    project = base / "tacit.toml"
    project.write_text(project.read_text().replace('"events.csv"', '"events-*.csv"'))


if __name__ == "__main__":
    main()
