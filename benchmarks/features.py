"""20 million events to 54 features an account: tacit, polars, DuckDB, chDB and pandas; from CSV, from
Parquet, and from CSV on the night after, when tacit has packed all but one day.

All read the same files and write the same table as CSV; the tables are compared after
sorting by account (counts exactly, sums and days to 1e-9). Peers run from PyPI on as many threads
as tacit. `python benchmarks/features.py [--rounds N] [--events N] [--sources csv,parquet,night]`.
"""

import argparse
import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
WORK = ROOT / "benchmarks" / "work"
EVENTS = WORK / "events.csv"
PARQUET = WORK / "events.parquet"
# One more day: everything before it, and the day itself.
BEFORE = WORK / "nights" / "before.csv"
DAY = WORK / "nights" / "day.csv"
SOURCES = {"csv": [str(EVENTS)], "parquet": [str(PARQUET)], "night": [str(BEFORE), str(DAY)]}
PROJECT = ROOT / "datasets" / "benchmark" / "tacit.toml"
AS_OF = "2026-01-01T00:00:00"
WINDOWS = [7, 30, 90, 365]
KINDS = ["cart", "delivery", "late", "login", "order", "payment", "reply", "return", "ticket",
         "view"]
SHARES = [0.10, 0.08, 0.02, 0.25, 0.12, 0.11, 0.03, 0.02, 0.04, 0.23]
THREADS = len(os.sched_getaffinity(0))


def generate(events: int) -> None:
    """A log in time order; accounts' activity is lognormal, about three quarters of them occur."""
    marker = WORK / "events.count"
    if EVENTS.exists() and marker.exists() and marker.read_text() == str(events):
        return
    import numpy as np
    import polars as pl

    WORK.mkdir(parents=True, exist_ok=True)
    draw = np.random.default_rng(20260101)
    accounts = max(events // 20, 1)
    activity = np.cumsum(draw.lognormal(0, 1.976, accounts))
    who = np.searchsorted(activity, draw.random(events) * activity[-1])
    kind = np.searchsorted(np.cumsum(SHARES)[:-1], draw.random(events), side="right")
    end = np.datetime64(AS_OF).astype("datetime64[s]").astype(np.int64)
    at = np.sort(end - 1 - draw.integers(0, 730 * 86400, events))
    value = np.round(draw.gamma(2, 20, events), 2)
    ids = pl.Series([f"{i:08d}" for i in draw.choice(10**8, accounts, replace=False)])
    frame = pl.DataFrame({
        "account_id": ids.gather(pl.Series(who.astype(np.uint32))),
        "at": pl.Series(at * 1_000_000).cast(pl.Datetime("us")),
        "kind": pl.Series(KINDS).gather(pl.Series(kind.astype(np.uint32))),
        "value": value,
    })
    frame.write_csv(EVENTS, datetime_format="%Y-%m-%dT%H:%M:%SZ")
    marker.write_text(str(events))


def columns() -> list[str]:
    return [f"{k}.{a}" for k in KINDS for a in
            [x for w in WINDOWS for x in ([f"count.{w}d"] + ([f"sum.{w}d"] if k == "order" else []))]
            + ["days_since_last"]]


def scan(source: str):
    """The events as a polars frame not yet read."""
    import datetime

    import polars as pl

    end = datetime.datetime.fromisoformat(AS_OF)
    if source == "parquet":
        return pl.scan_parquet(PARQUET).with_columns(
            kind=pl.col("kind").cast(pl.Enum(KINDS))).filter(pl.col("at") < end)
    # The kind as an Enum and the time as a typed column are the fastest of the ways tried.
    return pl.scan_csv(
        SOURCES[source], schema={"account_id": pl.String, "at": pl.String, "kind": pl.String,
                                 "value": pl.Float64},
    ).with_columns(
        at=pl.col("at").str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="us"),
        kind=pl.col("kind").cast(pl.Enum(KINDS)),
    ).filter(pl.col("at") < end)


def run_polars(out: str, source: str) -> None:
    import datetime

    import polars as pl

    end = datetime.datetime.fromisoformat(AS_OF)
    parts = []
    for kind in KINDS:
        is_kind = pl.col("kind") == kind
        for days in WINDOWS:
            inside = is_kind & (pl.col("at") >= end - datetime.timedelta(days=days))
            parts.append(inside.sum().alias(f"{kind}.count.{days}d"))
            if kind == "order":
                parts.append(pl.col("value").filter(inside).sum().alias(f"order.sum.{days}d"))
        parts.append(pl.col("at").filter(is_kind).max().alias(f"{kind}.days_since_last"))
    table = scan(source).group_by("account_id").agg(parts).with_columns(
        ((end - pl.col(f"{k}.days_since_last")).dt.total_seconds() / 86400)
        .alias(f"{k}.days_since_last") for k in KINDS)
    table.sink_csv(out, engine="streaming")


def run_polars_two_steps(out: str, source: str) -> None:
    import datetime

    import polars as pl

    end = datetime.datetime.fromisoformat(AS_OF)
    inside = {d: pl.col("at") >= end - datetime.timedelta(days=d) for d in WINDOWS}
    each = scan(source).group_by("account_id", "kind").agg(
        *[inside[d].sum().alias(f"count.{d}d") for d in WINDOWS],
        *[pl.col("value").filter(inside[d]).sum().alias(f"sum.{d}d") for d in WINDOWS],
        pl.col("at").max().alias("last"))
    parts = []
    for kind in KINDS:
        is_kind = pl.col("kind") == kind
        for days in WINDOWS:
            parts.append(pl.col(f"count.{days}d").filter(is_kind).sum()
                         .alias(f"{kind}.count.{days}d"))
            if kind == "order":
                parts.append(pl.col(f"sum.{days}d").filter(is_kind).sum()
                             .alias(f"order.sum.{days}d"))
        parts.append(pl.col("last").filter(is_kind).max().alias(f"{kind}.days_since_last"))
    table = each.group_by("account_id").agg(parts).with_columns(
        ((end - pl.col(f"{k}.days_since_last")).dt.total_seconds() / 86400)
        .alias(f"{k}.days_since_last") for k in KINDS)
    table.sink_csv(out, engine="streaming")


def run_duckdb(out: str, source: str) -> None:
    import duckdb

    parts = []
    for kind in KINDS:
        for days in WINDOWS:
            inside = f"kind = '{kind}' AND \"at\" >= TIMESTAMP '{AS_OF}' - INTERVAL {days} DAY"
            parts.append(f'count(*) FILTER (WHERE {inside}) AS "{kind}.count.{days}d"')
            if kind == "order":
                parts.append(
                    f'coalesce(sum(value) FILTER (WHERE {inside}), 0) AS "order.sum.{days}d"')
        parts.append(
            f"epoch(TIMESTAMP '{AS_OF}' - max(\"at\") FILTER (WHERE kind = '{kind}')) / 86400 "
            f'AS "{kind}.days_since_last"')
    files = ", ".join(f"'{f}'" for f in SOURCES[source])
    events = f"read_parquet([{files}])" if source == "parquet" else f"""read_csv([{files}],
        header = true, columns = {{
            'account_id': 'VARCHAR', 'at': 'TIMESTAMP', 'kind': 'VARCHAR', 'value': 'DOUBLE'}})"""
    connection = duckdb.connect(config={"threads": THREADS, "preserve_insertion_order": False})
    connection.execute(f"""
        COPY (
          SELECT account_id, {", ".join(parts)}
          FROM {events}
          WHERE "at" < TIMESTAMP '{AS_OF}'
          GROUP BY account_id
        ) TO '{out}' (HEADER, DELIMITER ',')""")


def run_chdb(out: str, source: str) -> None:
    import chdb

    parts = []
    for kind in KINDS:
        for days in WINDOWS:
            inside = (f"kind = '{kind}' AND at >= toDateTime('{AS_OF.replace('T', ' ')}', 'UTC') "
                      f"- {days * 86400}")
            parts.append(f'countIf({inside}) AS `{kind}.count.{days}d`')
            if kind == "order":
                parts.append(f'ifNull(sumIf(value, {inside}), 0) AS `order.sum.{days}d`')
        parts.append(
            f"if(countIf(kind = '{kind}') = 0, NULL, (toUnixTimestamp(toDateTime("
            f"'{AS_OF.replace('T', ' ')}', 'UTC')) - toUnixTimestamp(maxIf(at, kind = '{kind}'))) "
            f"/ 86400) AS `{kind}.days_since_last`")
    if source == "parquet":
        each = [f"SELECT account_id, toDateTime(at, 'UTC') AS at, kind, value "
                f"FROM file('{PARQUET}', Parquet)"]
    else:
        each = [f"SELECT account_id, at, kind, value FROM file('{f}', CSVWithNames, "
                "'account_id String, at DateTime(''UTC''), kind LowCardinality(String), value Float64')"
                for f in SOURCES[source]]
    chdb.query(f"""
        SELECT account_id, {", ".join(parts)}
        FROM ({" UNION ALL ".join(each)})
        WHERE at < toDateTime('{AS_OF.replace('T', ' ')}', 'UTC')
        GROUP BY account_id
        INTO OUTFILE '{out}' TRUNCATE FORMAT CSVWithNames
        SETTINGS max_threads = {THREADS}, date_time_input_format = 'best_effort',
                 format_csv_null_representation = ''""")


def run_pandas(out: str, source: str) -> None:
    import pandas as pd

    if source == "parquet":
        events = pd.read_parquet(PARQUET)
        events["kind"] = events["kind"].astype("category")
    else:
        # Its pyarrow engine takes ids for numbers and loses their zeros, whatever the dtype says.
        events = pd.concat([
            pd.read_csv(f, dtype={
                "account_id": "string[pyarrow]", "kind": "category", "value": "float64"})
            for f in SOURCES[source]], ignore_index=True)
        events["kind"] = events["kind"].astype("category")
        events["at"] = pd.to_datetime(events["at"], utc=True).dt.tz_localize(None)
    end = pd.Timestamp(AS_OF)
    events = events[events["at"] < end]
    columns = {}
    each = events.groupby(["account_id", "kind"], observed=True)
    last = each["at"].max().unstack("kind")
    for days in WINDOWS:
        inside = events[events["at"] >= end - pd.Timedelta(days=days)]
        groups = inside.groupby(["account_id", "kind"], observed=True)
        counts = groups.size().unstack("kind")
        for kind in KINDS:
            columns[f"{kind}.count.{days}d"] = counts.get(kind)
        columns[f"order.sum.{days}d"] = groups["value"].sum().unstack("kind").get("order")
    table = pd.DataFrame(columns).reindex(last.index).fillna(0)
    for name in table.columns:
        if ".count." in name:
            table[name] = table[name].astype("int64")
    for kind in KINDS:
        table[f"{kind}.days_since_last"] = (end - last[kind]).dt.total_seconds() / 86400
    table.to_csv(out, index_label="account_id")


def check(reference: pathlib.Path, other: pathlib.Path) -> int:
    """Stops unless the tables say the same; returns the number of accounts."""
    import polars as pl

    def table(path):
        types = {"account_id": pl.String}
        types |= {c: pl.Int64 if ".count." in c else pl.Float64 for c in columns()}
        return pl.read_csv(path, schema_overrides=types).select("account_id", *columns()) \
            .sort("account_id")

    a, b = table(reference), table(other)
    if not a["account_id"].equals(b["account_id"]):
        sys.exit(f"{other.name}: other accounts than {reference.name}")
    for name in columns():
        x, y = a[name], b[name]
        if ".count." in name:
            same = x.equals(y)
        else:
            same = (x.is_null() == y.is_null()).all() and (
                ((x - y).abs() <= 1e-9 * (1 + x.abs())).fill_null(True)).all()
        if not same:
            sys.exit(f"{other.name}: column {name} differs from {reference.name}")
    return a.height


PEERS = {"polars": run_polars, "polars, by account and kind first": run_polars_two_steps,
         "DuckDB": run_duckdb, "chDB": run_chdb, "pandas": run_pandas}


def write_parquet() -> None:
    """The same events with typed columns, as polars writes them."""
    import polars as pl

    if PARQUET.exists() and PARQUET.stat().st_mtime > EVENTS.stat().st_mtime:
        return
    scan("csv").with_columns(kind=pl.col("kind").cast(pl.String)).sink_parquet(PARQUET)


def split_last_day() -> None:
    """The same events in two files: the last day before the as-of date, and all before it."""
    if DAY.exists() and DAY.stat().st_mtime > EVENTS.stat().st_mtime:
        return
    BEFORE.parent.mkdir(exist_ok=True)
    day = b",2025-12-31T"
    with open(EVENTS, "rb") as events, open(BEFORE, "wb") as before, open(DAY, "wb") as last:
        header = events.readline()
        before.write(header)
        last.write(header)
        # In time order: from the first row of the day on, all is of the day.
        for line in events:
            if day in line:
                last.write(line)
                break
            before.write(line)
        while block := events.read(1 << 24):
            last.write(block)


def project(source: str) -> pathlib.Path:
    if source == "csv":
        return PROJECT
    folder = WORK / source
    folder.mkdir(exist_ok=True)
    path = f"{PARQUET}" if source == "parquet" else f"{BEFORE.parent}/*.csv"
    text = PROJECT.read_text().replace("../../benchmarks/work/events.csv", path)
    (folder / "tacit.toml").write_text(text)
    return folder / "tacit.toml"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--events", type=int, default=20_000_000)
    parser.add_argument("--sources", default="csv,parquet,night")
    parser.add_argument("--peer", help=argparse.SUPPRESS)
    parser.add_argument("--source", help=argparse.SUPPRESS)
    parser.add_argument("--out", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer:
        PEERS[options.peer](options.out, options.source)
        return
    import harness

    if not harness.TACIT.exists():
        sys.exit("build tacit first: swift build -c release")
    generate(options.events)
    titles = {
        "csv": f"{EVENTS.stat().st_size / 1e6:.0f} MB of CSV", "parquet": "Parquet with typed columns",
        "night": "CSV, of which one day is new"}
    tables, notes = [], []
    for source in options.sources.split(","):
        {"csv": lambda: None, "parquet": write_parquet, "night": split_last_day}[source]()
        outs = {name: WORK / f"vectors-{i}.csv" for i, name in enumerate(["tacit", *PEERS])}

        def peer(name):
            return lambda _: harness.python(
                pathlib.Path(__file__), "--peer", name, "--out", str(outs[name]),
                "--source", source, env={"POLARS_MAX_THREADS": str(THREADS)})

        def tacit(_):
            return harness.command([
                harness.TACIT, "features", "--project", project(source), "--as-of", AS_OF + "Z",
                "--out", outs["tacit"], "--threads", str(THREADS), "--quiet"],
                env={"PATH": f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}"})

        if source == "night":
            # The night before: everything but the day is packed.
            day = DAY.rename(DAY.with_suffix(".later"))
            harness.command([harness.TACIT, "pack", "--project", project(source), "--quiet"])
            day.rename(DAY)
        systems = [harness.System("tacit features", tacit, ours=True)]
        systems += [harness.System(name, peer(name), most_rounds=1 if name == "pandas" else None)
                    for name in PEERS]
        table = harness.compare(
            f"{options.events:,} events, {titles[source]}, to 54 features an account, as CSV",
            systems, rounds=options.rounds)
        tables.append(table)
        accounts = {check(outs["DuckDB"], outs[name]) for name in ["tacit", *PEERS]}
        ours = next(r for r in table["rows"] if r["ours"])

        def ratio(key):
            return min(r[key] for r in table["rows"] if not r["ours"]) / ours[key]

        notes.append(
            f"{titles[source]}: {accounts.pop():,} accounts; every system's table equals DuckDB's "
            "(counts exactly, sums and days to 1e-9). Against the fastest peer: "
            f"{ratio('median_seconds'):.1f} times as fast by medians, {ratio('least_seconds'):.1f} by "
            "the least times (which a noisy machine disturbs least), "
            f"{ratio('cpu_seconds'):.1f} by processor time; {ratio('peak_mb'):.1f} times the memory "
            "for the peer with the least.")
        if source == "night":
            packed = sum(f.stat().st_size for f in (project(source).parent / "packed").iterdir())
            notes.append(
                f"One day is new: {DAY.stat().st_size / 1e6:.1f} MB; the rest is packed, "
                f"{packed / 1e6:.0f} MB. The peers read both files, as they keep nothing.")
    notes += [
        "tacit's output is synced to disk before it is renamed into place; the peers' is not.",
        "Wall time of whole processes, start-up included. pandas runs once.",
    ]
    harness.write("features", "Events to feature vectors", tables, notes)


if __name__ == "__main__":
    main()
