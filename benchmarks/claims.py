"""Fifty agents empty one queue of 2,000 cases on PostgreSQL: Tacit's store beside plain SQL.

A claim of the store is a transaction that takes the next case that nobody holds (FOR UPDATE SKIP
LOCKED), looks at the account's holds, adds an entry to the case's log with its hash and keeps the
case's new state. Beside it, on the same server and the same rows, the loop that one writes by hand
and pgbench runs: SELECT … FOR UPDATE SKIP LOCKED and UPDATE in a transaction, without a log; and the
same as one UPDATE … RETURNING. Fifty connections each; the server syncs every commit.

The store's agents are threads of a test, which also checks that no case was taken twice and none was
lost. Writes benchmarks/results/claims.md.
"""

import argparse
import datetime
import os
import pathlib
import re
import statistics
import subprocess
import sys

from harness import RESULTS, ROOT
from scenes import Server

AGENTS, CASES = 50, 2000
NEXT = """SELECT id FROM plain WHERE queue = 'calls' AND closed_at IS NULL
  AND (owner IS NULL OR lease_until <= 5) ORDER BY due, logit DESC, account LIMIT 1
  FOR UPDATE SKIP LOCKED"""
LOOP = f"""BEGIN;
{NEXT} \\gset
UPDATE plain SET owner = 'agent', lease_until = 9 WHERE id = :id;
COMMIT;
"""
ONE = f"""UPDATE plain SET owner = 'agent', lease_until = 9 WHERE id = ({NEXT}) RETURNING id;
"""


def store(server, number):
    database = f"ours_{number}"
    server.sql("postgres", f"CREATE DATABASE {database}")
    run = subprocess.run(
        ["swift", "test", "-c", "release", "--disable-testable-imports", "--skip-build", "--filter",
         "ClaimCrowdTests"],
        cwd=ROOT, capture_output=True, text=True,
        env=os.environ | {"TACIT_CLAIMS_URL": server.url(database)})
    found = re.search(rf"{AGENTS} agents claimed {CASES} cases in ([\d.]+) s on PostgreSQL", run.stdout)
    if run.returncode != 0 or not found:
        sys.exit(f"the test failed:\n{run.stdout}\n{run.stderr}")
    return float(found[1])


def plain(server, script, number):
    """The rows are the store's own, so that they are as wide, with the same indexes."""
    database = f"plain_{number}_{abs(hash(script)) % 1000}"
    server.sql("postgres", f"CREATE DATABASE {database} TEMPLATE ours_{number}")
    server.sql(
        database, "CREATE TABLE plain (LIKE cases INCLUDING ALL)",
        "INSERT INTO plain SELECT * FROM cases",
        "UPDATE plain SET owner = NULL, lease_until = NULL", "VACUUM ANALYZE plain")
    file = server.folder / "claim.sql"
    file.write_text(script)
    run = subprocess.run(
        [str(server.programs / "pgbench"), "-n", "-f", str(file), "-c", str(AGENTS), "-j", "2", "-t",
         str(CASES // AGENTS), "--no-vacuum", server.url(database)],
        capture_output=True, text=True, check=True)
    left = int(server.sql(database, "SELECT count(*) FROM plain WHERE owner IS NULL"))
    assert left == 0, run.stdout + run.stderr
    rate = float(re.search(r"tps = ([\d.]+)", run.stdout)[1])
    return CASES / rate


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    server = Server()
    systems = {"tacit, with its log": [], "SELECT … SKIP LOCKED, UPDATE": [], "UPDATE … RETURNING": []}
    try:
        for number in range(options.rounds):
            ours, loop, one = systems.values()
            ours.append(store(server, number))
            loop.append(plain(server, LOOP, number))
            one.append(plain(server, ONE, number))
            print(*(f"{name}: {CASES / times[-1]:.0f}/s" for name, times in systems.items()),
                  sep="  ", flush=True)
    finally:
        server.stop()
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True,
                            text=True).stdout.strip()
    lines = [
        "# Claims", "",
        f"{AGENTS} agents empty one queue of {CASES:,} cases on PostgreSQL; `make bench-claims`,"
        f" commit {commit or '(none)'}, {datetime.date.today()}, {os.cpu_count()} cores, median of"
        f" {options.rounds} rounds. Every round: no case twice, none lost.", "",
        "| system | claims a second | least and most |", "|---|---|---|",
    ]
    for name, times in systems.items():
        rates = sorted(CASES / one for one in times)
        lines.append(f"| {name} | {statistics.median(rates):,.0f} | {rates[0]:,.0f} to {rates[-1]:,.0f} |")
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "claims.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
