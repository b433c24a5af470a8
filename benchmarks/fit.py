"""Fits logistic regression on 1,000,000 × 50 float64: tacit beside what people use instead.

Every system gets the matrix in memory in its best layout, both cores, and the loosest tolerance
with which it reaches max |gradient| <= 2e-9 (mean scale) on these data, twice what is asked of
tacit: a peer whose last step ends just above 1e-9 is not made to take another. Where no tolerance
does, the tightest, and the table shows what it reached. The time is that of fitting alone; reading
is not in it. Objective and gradient of every result are computed by the same numpy code.

Four tables: raw columns, rows shuffled and sorted by label; scaled columns, which suit the
first-order solvers; and no penalty, which is where statsmodels can be compared.

    .venv/bin/python benchmarks/fit.py [--rounds 5] [--rows 1000000] [--limit 40]
"""

import argparse
import importlib.util
import json
import pathlib
import sys

import harness
import numpy as np
import peers
import probe
from problem import Problem, judge

L2 = 1e-5
COLUMNS = 50
TARGET = 2e-9
SLOW = 20  # a peer that takes so many times as long as tacit is measured once


def judge_all(systems, rates, data, l2):
    """Sets in the outcomes: objective and gradient of the last; the floor of so many passes."""
    x, y = np.load(data.x(), mmap_mode="r"), np.load(data.y())
    finished = [s for s in systems if not s.stopped]
    for system in finished:
        last = system.outcomes[-1]
        coef = np.array(last["coef"])
        last["objective"], last["max_gradient"] = judge(x, y, coef[:-1], coef[-1], l2)
        last.update(
            probe.newton_floor(rates, data.rows, data.columns, last["iterations"], system.name))
    least = min(s.outcomes[-1]["objective"] for s in finished)
    for system in finished:
        system.outcomes[-1]["objective_excess"] = system.outcomes[-1]["objective"] - least


def table(title, data, l2, names, chosen, rates, a, remarks):
    """Compares on one problem; `chosen` keeps the peers' tolerances from problem to problem."""
    print(title, flush=True)
    ours = peers.tacit(data, "F", l2)["seconds"]
    systems = [
        harness.System(f"tacit, {word}-major", lambda r, l=l: peers.tacit(data, l, l2),
                       ours=l == "F") for l, word in (("C", "row"), ("F", "column"))]
    for name in names:
        key = (name, data.scale, l2)
        if key in chosen:
            tolerance, layout, slow, first = chosen[key]
            outcomes, most = [], 1 if slow else None
        else:
            tolerance, layout, first = peers.choose(name, data, l2, TARGET, a.limit)
            slow = bool(first.get("stopped")) or first["seconds"] > SLOW * ours
            outcomes, most = ([first], 0) if slow else ([], None)
            chosen[key] = tolerance, layout, slow, first
        systems.append(harness.System(
            name, lambda r, n=name, t=tolerance, l=layout: peers.run(n, t, data, l, l2, a.limit),
            note=peers.note(tolerance, layout) + (", once" if slow else ""), most_rounds=most,
            outcomes=outcomes))
    found = harness.compare(
        title, systems, rounds=a.rounds, after=lambda: judge_all(systems, rates, data, l2))
    reference = np.array(systems[0].outcomes[-1]["coef"])
    remarks.append(f"{title}: largest difference of a coefficient to tacit's, row-major: " + "; ".join(
        f"{s.name} {np.abs(np.array(s.outcomes[-1]['coef']) - reference).max():.1e}"
        for s in systems[1:] if not s.stopped))
    same = all(
        pathlib.Path(peers.tacit(data, l, l2, 1)["path"]).read_bytes()
        == pathlib.Path(peers.tacit(data, l, l2, 2)["path"]).read_bytes() for l in "CF")
    remarks.append(f"{title}: model files of 1 and 2 threads "
                   + ("are the same bytes" if same else "DIFFER"))
    return found


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--limit", type=float, default=40, help="seconds for one fit of a peer")
    a = parser.parse_args()
    rates = probe.rates()
    print(json.dumps(rates))
    size = f"{a.rows:,} × {COLUMNS}"
    there = [n for n in peers.PEERS
             if not n.startswith("intelex") or importlib.util.find_spec("sklearnex")]
    penalised = [n for n in there if not n.startswith("statsmodels")]
    free = ["glum irls-ls", *(n for n in peers.PEERS if n.startswith("statsmodels"))]
    tables, chosen = [], {}
    remarks = [f"{n}: not compared, it does not install here" for n in peers.PEERS if n not in there]
    for title, data, l2, names in (
        (f"{size}, raw columns, rows shuffled, λ = {L2:g}", Problem(a.rows, COLUMNS), L2, penalised),
        (f"{size}, raw columns, rows sorted, λ = {L2:g}",
         Problem(a.rows, COLUMNS, order="sorted"), L2, penalised),
        (f"{size}, scaled columns, rows shuffled, λ = {L2:g}",
         Problem(a.rows, COLUMNS, "scaled"), L2, penalised),
        (f"{size}, raw columns, rows shuffled, no penalty", Problem(a.rows, COLUMNS), 0.0, free),
    ):
        tables.append(table(title, data, l2, names, chosen, rates, a, remarks))
        # After every table: a run that is stopped keeps what it measured.
        harness.write(
            "fit", "Fitting logistic regression", tables, remarks,
            intro=[probe.sentence(rates) + probe.FIT_FLOOR])
    if any("DIFFER" in r for r in remarks):
        sys.exit(1)


if __name__ == "__main__":
    main()
