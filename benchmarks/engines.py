"""100 million events in Parquet to 54 features an account: the native path, DuckDB and Spark.

All three are `tacit features`: the first reads through the `duckdb` program and computes itself, the
others run the project's SQL (`--engine`). Their tables are compared (counts exactly, sums and days to
1e-9). Start-up is what the same command takes on a thousand events, and is reported apart.
`python benchmarks/engines.py [--rounds N] [--events N] [--engines native,duckdb,spark] [--master URL]`.
"""

import argparse
import os
import pathlib
import subprocess
import sys

import features
import harness

WORK = harness.WORK / "engines"
BIN = pathlib.Path(sys.executable).parent
TITLES = {"native": "tacit features", "duckdb": "tacit features --engine duckdb",
          "spark": "tacit features --engine spark"}
ENV = {"PATH": f"{BIN}:{os.environ['PATH']}"}


def duckdb(sql: str) -> str:
    """Runs SQL by the program that tacit itself uses; what it prints, as CSV."""
    return subprocess.run([BIN / "duckdb", "-no-init", "-batch", "-bail", "-csv", "-noheader", "-c", sql],
                          check=True, capture_output=True, text=True).stdout


def generate(events: int) -> pathlib.Path:
    """The log of features.py as a folder of Parquet files, as a warehouse keeps them: as often as it takes,
    each time for customers of its own; the folder of a project.
    """
    folder = WORK / str(events)
    project = folder / "tacit.toml"
    if project.exists():
        return project
    features.generate(20_000_000)
    features.write_parquet()
    (folder / "events").mkdir(parents=True, exist_ok=True)
    most = 20_000_000
    for part in range((events + most - 1) // most):
        rows = min(most, events - part * most)
        duckdb(f"""
            COPY (SELECT '{part}' || account_id AS account_id, "at", kind, value
              FROM read_parquet('{features.PARQUET}') LIMIT {rows})
            TO '{folder}/events/part-{part}.parquet' (FORMAT parquet)""")
    project.write_text(features.PROJECT.read_text().replace(
        "../../benchmarks/work/events.csv", "events/*.parquet"))
    return project


def check(reference: pathlib.Path, other: pathlib.Path) -> int:
    """Stops unless two tables of vectors say the same; returns the number of accounts."""
    def table(path):
        files = path / "*.parquet" if path.is_dir() else path
        return (f"read_parquet('{files}')" if path.suffix == ".parquet"
                else f"read_csv('{files}', types = {{'account_id': 'VARCHAR'}})")

    wrong = " OR ".join(
        f'a."{c}" IS DISTINCT FROM b."{c}"' if ".count." in c else
        f'(a."{c}" IS NULL) <> (b."{c}" IS NULL) OR abs(a."{c}" - b."{c}") > 1e-9 * (1 + abs(a."{c}"))'
        for c in features.columns())
    rows, differ = duckdb(
        f"SELECT count(*), count(*) FILTER (WHERE a.account_id IS NULL OR b.account_id IS NULL "
        f"OR {wrong}) FROM {table(reference)} a FULL JOIN {table(other)} b "
        "ON a.account_id = b.account_id").strip().split(",")
    if differ != "0":
        sys.exit(f"{other.name}: {differ} of {rows} accounts differ from {reference.name}")
    return int(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--events", type=int, default=100_000_000)
    parser.add_argument("--engines", default="native,duckdb,spark")
    parser.add_argument("--master", help="a master URL of Spark (default: its own)")
    options = parser.parse_args()
    if not harness.TACIT.exists():
        sys.exit("build tacit first: swift build -c release")
    engines = options.engines.split(",")

    def run(engine: str, project: pathlib.Path):
        out = project.parent / f"vectors-{engine}.{'csv' if engine == 'native' else 'parquet'}"
        more = [] if engine == "native" else ["--engine", engine]
        if engine == "spark" and options.master:
            more += ["--master", options.master]
        return out, lambda _: harness.command([
            harness.TACIT, "features", "--project", project, "--as-of", features.AS_OF + "Z",
            "--out", out, "--threads", str(features.THREADS), "--quiet", *more], env=ENV)

    tables, notes, start = [], [], {}
    for events in (1000, options.events):
        project = generate(events)
        runs = {engine: run(engine, project) for engine in engines}
        systems = [harness.System(TITLES[engine], runs[engine][1], ours=engine == "native")
                   for engine in engines]
        size = sum(f.stat().st_size for f in (project.parent / "events").iterdir())
        table = harness.compare(
            f"{events:,} events, {size / 1e6:,.1f} MB of Parquet, to 54 features an account", systems,
            rounds=options.rounds, warm=1 if events == 1000 else 0)
        tables.append(table)
        accounts = {check(runs[engines[0]][0], runs[engine][0]) for engine in engines}
        seconds = {engine: system.seconds for engine, system in zip(engines, systems)}
        if events == 1000:
            start = seconds
            continue
        for engine in engines:
            work = max(seconds[engine] - start[engine], 1e-9)
            notes.append(
                f"{TITLES[engine]}: {events / work / 1e6:.2f} million events a second without a "
                f"start-up of {start[engine]:.1f} s.")
        notes.append(
            f"{accounts.pop():,} accounts; every table equals the first's (counts exactly, sums and "
            "days to 1e-9).")
    notes.append(
        "Peak memory is that of the largest process: the native path's own, or the engine's. "
        "DuckDB and Spark take what they find; Spark's JVM may have half of the machine's memory.")
    harness.write("engines", "The same features on an engine", tables, notes)


if __name__ == "__main__":
    main()
