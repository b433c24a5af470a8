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
    """A log in time order by the law of features.py: lognormal activity, kinds by share, values by
    gamma(2, 20). Every draw is a hash of what it is for, so the same events come out each time.

    Parquet files of some 10 million events, as a warehouse keeps them; the folder of a project.
    """
    folder = WORK / str(events)
    project = folder / "tacit.toml"
    if project.exists():
        return project
    (folder / "events").mkdir(parents=True, exist_ok=True)
    accounts = max(events // 20, 1)
    shares = [sum(features.SHARES[:i + 1]) for i in range(len(features.SHARES))]
    kinds = " ".join(f"WHEN u < {share:.2f} THEN '{kind}'"
                     for share, kind in zip(shares[:-1], features.KINDS))

    def draw(salt: str, of: str) -> str:  # in (0, 1)
        return f"((hash({of}, '20260101 {salt}') >> 12) + 0.5) / 4503599627370496"

    normal = (f"sqrt(-2 * ln({draw('radius', 'account')})) "
              f"* cos(2 * pi() * {draw('angle', 'account')})")
    sql = f"""
        SET temp_directory = '{folder}/tmp';
        CREATE TEMP TABLE activity AS
          SELECT account, exp(1.976 * {normal}) AS weight FROM range({accounts}) AS t(account);
        CREATE TEMP TABLE counts AS
          SELECT account, floor({events} * weight / (SELECT sum(weight) FROM activity)
            + {draw('rounding', 'account')})::BIGINT AS events FROM activity;
        CREATE TEMP VIEW numbered AS
          SELECT account, unnest(range(events)) AS n FROM counts;
        CREATE TEMP VIEW drawn AS
          SELECT account, n, {draw('kind', 'account, n')} AS u,
            730 * 86400 * {draw('at', 'account, n')} AS seconds,
            -20 * (ln({draw('value', 'account, n')}) + ln({draw('more', 'account, n')})) AS value
          FROM numbered;
        COPY (
          SELECT lpad(((account * 48271 + 11) % 100000007)::VARCHAR, 9, '0') AS account_id,
            TIMESTAMP '{features.AS_OF}' - to_seconds(1 + floor(seconds)::BIGINT) AS "at",
            CASE {kinds} ELSE '{features.KINDS[-1]}' END AS kind, round(value, 2) AS value
          FROM drawn ORDER BY "at", account, n
        ) TO '{folder}/events' (FORMAT parquet, FILE_SIZE_BYTES '100MB', OVERWRITE_OR_IGNORE);"""
    duckdb(sql)
    text = features.PROJECT.read_text().replace(
        "../../benchmarks/work/events.csv", "events/*.parquet")
    project.write_text(text)
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
