"""Trains on a matrix larger than this machine's memory, from its file.

Writes rows × 50 float64 as NPY (30 GB by default, in tiles, from a fixed seed; the rows with their
labels follow one known model), fits it with tacit, and prints the time of each phase, the disk's
own reading speed, and memory: what the process had of its own (RssAnon, the highest of many looks),
which is what must stay small, and what of the file the system kept for it (RssFile), which it takes
back when it needs it. The coefficients are held against the model that made the labels, and a tenth
of the rows, if they fit into memory twice, against the same rows read into memory: the same bytes.

    .venv/bin/python benchmarks/out_of_core.py [--gigabytes 30] [--keep]
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import threading
import time

import harness
import numpy as np
from numpy.lib.format import header_data_from_array_1_0, write_array_header_1_0

COLUMNS = 50
TILE = 500_000


def truth():
    rng = np.random.default_rng(5)
    return 0.2 * rng.normal(size=COLUMNS), -0.7


def generate(path, labels_path, rows):
    """The matrix tile by tile; nothing larger than a tile is ever in memory."""
    beta, intercept = truth()
    labels = np.empty(rows)
    with open(path, "wb") as file:
        sample = np.lib.stride_tricks.as_strided(np.empty(1), (rows, COLUMNS), (8 * COLUMNS, 8))
        write_array_header_1_0(file, header_data_from_array_1_0(sample))
        for start in range(0, rows, TILE):
            count = min(TILE, rows - start)
            rng = np.random.default_rng([7, start])
            x = rng.normal(size=(count, COLUMNS))
            chance = 1 / (1 + np.exp(-(x @ beta + intercept)))
            labels[start:start + count] = rng.random(count) < chance
            x.tofile(file)
        file.flush()
        os.fsync(file.fileno())
    np.save(labels_path, labels)


def misaligned(path, copy):
    """The same array with a header one byte longer, which tacit reads into memory of its own."""
    with open(path, "rb") as source, open(copy, "wb") as target:
        head = source.read(10)
        length = int.from_bytes(head[8:10], "little")
        target.write(head[:8] + (length + 1).to_bytes(2, "little"))
        target.write(source.read(length)[:-1] + b" \n")
        shutil.copyfileobj(source, target, 1 << 24)


def forget(path):
    """Drops the file's pages from the system's cache, so that they come from the disk again."""
    descriptor = os.open(path, os.O_RDONLY)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)


def disk_speed(path, limit=4 << 30):
    """Bytes a second of plain sequential reading, from the disk."""
    forget(path)
    buffer, done = bytearray(1 << 23), 0
    start = time.perf_counter()
    with open(path, "rb", buffering=0) as file:
        while done < limit and (got := file.readinto(buffer)):
            done += got
    return done / (time.perf_counter() - start)


def watched(arguments):
    """Runs a program; its output, wall seconds and the highest RssAnon and RssFile seen, in MB."""
    start = time.perf_counter()
    process = subprocess.Popen([str(a) for a in arguments], stdout=subprocess.PIPE, text=True)
    peak = {"RssAnon": 0.0, "RssFile": 0.0}

    def look():
        while process.poll() is None:
            try:
                for line in open(f"/proc/{process.pid}/status"):
                    key = line.split(":")[0]
                    if key in peak:
                        peak[key] = max(peak[key], int(line.split()[1]) / 1024)
            except OSError:
                return
            time.sleep(0.02)

    watcher = threading.Thread(target=look)
    watcher.start()
    output = process.stdout.read()
    process.wait()
    watcher.join()
    if process.returncode != 0:
        sys.exit(f"exit {process.returncode}: {' '.join(map(str, arguments))}")
    return output, time.perf_counter() - start, peak


def fit(matrix, labels, model):
    return watched([
        harness.TACIT, "fit", matrix, "--labels", labels, "--standardise", "none", "--l2", "1e-6",
        "--model", model, "--json"])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gigabytes", type=float, default=30)
    parser.add_argument("--keep", action="store_true", help="leave the matrix for another run")
    arguments = parser.parse_args()
    harness.WORK.mkdir(parents=True, exist_ok=True)
    rows = int(arguments.gigabytes * 1e9 / (8 * COLUMNS))
    matrix = harness.WORK / f"out_of_core_{rows}.npy"
    labels = harness.WORK / f"out_of_core_{rows}_y.npy"
    model = harness.WORK / "out_of_core.json"
    size = 8 * COLUMNS * rows
    if not labels.exists():
        if shutil.disk_usage(harness.WORK).free < 1.1 * size:
            sys.exit(f"{size / 1e9:.0f} GB are needed in {harness.WORK}")
        generate(matrix, labels, rows)
    memory = harness.machine()["memory_gib"] * 2**30
    speed = disk_speed(matrix)
    forget(matrix)
    output, seconds, peak = fit(matrix, labels, model)
    report = json.loads(output)
    found = json.loads(model.read_text())["body"]["fit"]
    beta, intercept = truth()
    error = np.abs(np.append(found["coefficients"], found["intercept"])
                   - np.append(beta, intercept)).max()
    passes = report["iterations"]
    result = {
        "machine": harness.machine(), "commit": harness.commit(), "rows": rows, "columns": COLUMNS,
        "gigabytes": size / 1e9, "share_of_memory": size / memory, "seconds": seconds,
        "phases": report["seconds"], "iterations": passes,
        "max_gradient": report["max_gradient"], "disk_gb_per_second": speed / 1e9,
        "floor_seconds_per_pass": size / speed, "own_memory_mb": peak["RssAnon"],
        "file_memory_mb": peak["RssFile"], "largest_error_of_coefficients": error}
    # A tenth of the rows, mapped and in memory.
    part = rows // 10
    if 8 * COLUMNS * part * 3 < memory:
        small, small_y = harness.WORK / "out_of_core_part.npy", harness.WORK / "out_of_core_part_y.npy"
        if not small.exists():
            generate(small, small_y, part)
        copy = harness.WORK / "out_of_core_copy.npy"
        misaligned(small, copy)
        models = []
        for name, path in (("mapped", small), ("memory", copy)):
            target = harness.WORK / f"out_of_core_{name}.json"
            fit(path, small_y, target)
            models.append(target.read_bytes())
            target.unlink()
        for path in (small, small_y, copy):
            path.unlink()
        result["same_bytes_mapped_and_in_memory"] = models[0] == models[1]
        if models[0] != models[1]:
            sys.exit("the model of a mapped file differs from that of memory")
    if not arguments.keep:
        matrix.unlink()
        labels.unlink()
    harness.RESULTS.mkdir(exist_ok=True)
    text = json.dumps(result, indent=1)
    (harness.RESULTS / "out_of_core.json").write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
