"""20 million events in CSV to 54 features an account: tacit, polars and DuckDB.

All three read the same file and write the same table as CSV; the tables are compared after
sorting by account (counts exactly, sums and days to 1e-9). Peers run from PyPI on as many threads
as tacit. `python benchmarks/features.py [--rounds N] [--events N]`.
"""

import argparse
import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
WORK = ROOT / "benchmarks" / "work"
EVENTS = WORK / "events.csv"
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


def run_polars(out: str) -> None:
    import datetime

    import polars as pl

    end = datetime.datetime.fromisoformat(AS_OF)
    # The kind as an Enum and the time as a typed column are the fastest of the ways tried.
    events = pl.scan_csv(
        EVENTS, schema={"account_id": pl.String, "at": pl.String, "kind": pl.String,
                        "value": pl.Float64},
    ).with_columns(
        at=pl.col("at").str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="us"),
        kind=pl.col("kind").cast(pl.Enum(KINDS)),
    ).filter(pl.col("at") < end)
    parts = []
    for kind in KINDS:
        is_kind = pl.col("kind") == kind
        for days in WINDOWS:
            inside = is_kind & (pl.col("at") >= end - datetime.timedelta(days=days))
            parts.append(inside.sum().alias(f"{kind}.count.{days}d"))
            if kind == "order":
                parts.append(pl.col("value").filter(inside).sum().alias(f"order.sum.{days}d"))
        parts.append(pl.col("at").filter(is_kind).max().alias(f"{kind}.days_since_last"))
    table = events.group_by("account_id").agg(parts).with_columns(
        ((end - pl.col(f"{k}.days_since_last")).dt.total_seconds() / 86400)
        .alias(f"{k}.days_since_last") for k in KINDS)
    table.sink_csv(out, engine="streaming")


def run_polars_two_steps(out: str) -> None:
    import datetime

    import polars as pl

    end = datetime.datetime.fromisoformat(AS_OF)
    events = pl.scan_csv(
        EVENTS, schema={"account_id": pl.String, "at": pl.String, "kind": pl.String,
                        "value": pl.Float64},
    ).with_columns(
        at=pl.col("at").str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="us"),
        kind=pl.col("kind").cast(pl.Enum(KINDS)),
    ).filter(pl.col("at") < end)
    inside = {d: pl.col("at") >= end - datetime.timedelta(days=d) for d in WINDOWS}
    each = events.group_by("account_id", "kind").agg(
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


def run_duckdb(out: str) -> None:
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
    connection = duckdb.connect(config={"threads": THREADS, "preserve_insertion_order": False})
    connection.execute(f"""
        COPY (
          SELECT account_id, {", ".join(parts)}
          FROM read_csv('{EVENTS}', header = true, columns = {{
            'account_id': 'VARCHAR', 'at': 'TIMESTAMP', 'kind': 'VARCHAR', 'value': 'DOUBLE'}})
          WHERE "at" < TIMESTAMP '{AS_OF}'
          GROUP BY account_id
        ) TO '{out}' (HEADER, DELIMITER ',')""")


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
         "DuckDB": run_duckdb}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--events", type=int, default=20_000_000)
    parser.add_argument("--peer", help=argparse.SUPPRESS)
    parser.add_argument("--out", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer:
        PEERS[options.peer](options.out)
        return
    import harness

    if not harness.TACIT.exists():
        sys.exit("build tacit first: swift build -c release")
    generate(options.events)
    outs = {name: WORK / f"vectors-{i}.csv" for i, name in enumerate(["tacit", *PEERS])}

    def peer(name):
        return lambda _: harness.python(
            pathlib.Path(__file__), "--peer", name, "--out", str(outs[name]),
            env={"POLARS_MAX_THREADS": str(THREADS)})

    def tacit(_):
        return harness.command([
            harness.TACIT, "features", "--project", PROJECT, "--as-of", AS_OF + "Z",
            "--out", outs["tacit"], "--threads", str(THREADS), "--quiet"])

    systems = [harness.System("tacit features", tacit, ours=True)]
    systems += [harness.System(name, peer(name)) for name in PEERS]
    table = harness.compare(
        f"{options.events:,} events, {EVENTS.stat().st_size / 1e6:.0f} MB of CSV, to 54 features "
        "an account, as CSV", systems, rounds=options.rounds)
    accounts = {check(outs["DuckDB"], outs[name]) for name in ["tacit", *PEERS]}
    ours = next(r for r in table["rows"] if r["ours"])

    def ratio(key):
        return min(r[key] for r in table["rows"] if not r["ours"]) / ours[key]

    harness.write("features", "Events to feature vectors", [table], [
        f"{accounts.pop():,} accounts; every system's table equals DuckDB's (counts exactly, sums "
        "and days to 1e-9).",
        f"Against the fastest peer: {ratio('median_seconds'):.1f} times as fast by medians, "
        f"{ratio('least_seconds'):.1f} by the least times (which a noisy machine disturbs least), "
        f"{ratio('cpu_seconds'):.1f} by processor time; {ratio('peak_mb'):.1f} times less memory.",
        "tacit's output is synced to disk before it is renamed into place; the peers' is not.",
        "Wall time of whole processes, start-up included.",
    ])


if __name__ == "__main__":
    main()
