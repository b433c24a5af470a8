"""The L2 fit over a grid of sizes: tacit beside glum and scikit-learn; a table and a picture.

Rows 10^4 to 10^7, columns 10, 50, 200 and 500, where rows × columns <= 5·10^8 (4 GB). Columns are
scaled, which suits scikit-learn's lbfgs; of it and newton-cholesky the quicker is taken in each
cell. Tolerances, layouts and limits as in fit.py, max |gradient| <= 2e-9 for peers. The larger a
cell the fewer its rounds: 5 up to 10^7 numbers, 3 up to 10^8, 1 above. Each cell's data is
generated, measured and deleted.

    .venv/bin/python benchmarks/grid.py [--rows 10000 100000 …] [--columns 10 50 200 500]
        [--most 500000000] [--limit 300]
"""

import argparse
import csv
import subprocess

import harness
import peers
import probe
from problem import Problem

L2 = 1e-5
TARGET = 2e-9
SKLEARN = ("sklearn newton-cholesky", "sklearn lbfgs")


def cell(rows, columns, rates, limit, rounds):
    """The table of one size and the line of it for the grid."""
    data = Problem(rows, columns, "scaled")
    size = rows * columns
    rounds = rounds or (5 if size <= 10**7 else 3 if size <= 10**8 else 1)
    print(f"{rows:,} × {columns}", flush=True)
    systems = [harness.System("tacit", lambda r: peers.tacit(data, "C", L2), ours=True,
                              note="row-major")]
    # In the largest cells both peers are in the layout that suited them in all the others.
    large = size > 10**8
    found = {}
    for name in ("glum irls-ls", *SKLEARN):
        # The second of scikit-learn's has the time of the first, and a little more.
        first = found.get(SKLEARN[0], (0, 0, {"seconds": limit}))[2]["seconds"]
        found[name] = peers.choose(
            name, data, L2, TARGET, min(limit, max(1.2 * first, 1)),
            ("F" if name.startswith("glum") else "C") if large else None)
    reached = [n for n in SKLEARN if found[n][2].get("max_gradient", 1) <= TARGET] or SKLEARN
    sklearn = min(reached, key=lambda n: found[n][2]["seconds"])
    for name in ("glum irls-ls", sklearn):
        tolerance, layout, first = found[name]
        # One round: the trial was that round.
        once = rounds == 1 or first.get("stopped")
        systems.append(harness.System(
            name, lambda r, n=name, t=tolerance, l=layout: peers.run(n, t, data, l, L2, limit),
            note=peers.note(tolerance, layout), most_rounds=0 if once else None,
            outcomes=[first] if once else []))

    def floors():
        for system in systems:
            for outcome in system.outcomes:
                if "iterations" in outcome:
                    outcome.update(probe.newton_floor(
                        rates, rows, columns, outcome["iterations"], system.name))

    table = harness.compare(f"{rows:,} × {columns}", systems, rounds=rounds, after=floors)
    ours, glum, skl = (row["median_seconds"] for row in table["rows"])
    worst = [row["max_gradient"] for row in table["rows"][1:] if "max_gradient" in row]
    line = {
        "rows": rows, "columns": columns, "tacit_seconds": ours, "glum_seconds": glum,
        "sklearn_seconds": skl, "sklearn_solver": sklearn.split()[1],
        "glum_ratio": glum / ours, "sklearn_ratio": skl / ours, "ratio": min(glum, skl) / ours,
        "glum_stopped": systems[1].stopped, "sklearn_stopped": systems[2].stopped,
        "peers_max_gradient": max(worst, default=float("nan")), "rounds": rounds}
    data.remove()
    return table, line


def picture(lines):
    """Two maps of how many times as long each peer takes, and tacit's seconds in the cells."""
    rows = sorted({l["rows"] for l in lines})
    columns = sorted({l["columns"] for l in lines})
    plots = []
    for key, title in (("glum", "glum"), ("sklearn", "scikit-learn")):
        block = "\n".join(
            f"{columns.index(l['columns'])} {rows.index(l['rows'])} {l[key + '_ratio']:.3f} "
            f"\"{'> ' if l[key + '_stopped'] else ''}{l[key + '_ratio']:.1f} ×\" \"{l['tacit_seconds']:.3g} s\"" for l in lines)
        plots.append((title, block))
    text = ["set terminal svg size 1000,430 font 'sans-serif,13' background '#ffffff'",
            f"set output '{harness.RESULTS / 'grid.svg'}'",
            "set multiplot layout 1,2", "unset key", "set logscale cb", "set cbrange [0.5:50]",
            # Blue where tacit is ahead, red where it is behind, white where they are equal.
            "set palette defined (log10(0.5) '#b2182b', 0 '#f7f7f7', log10(50) '#4393c3')",
            "set cbtics (0.5, 1, 2, 5, 10, 20, 50)", "set cblabel 'seconds over those of tacit'",
            f"set xrange [-0.5:{len(columns) - 0.5}]", f"set yrange [-0.5:{len(rows) - 0.5}]",
            "set xlabel 'columns'", "set ylabel 'rows'", "set tics scale 0",
            "set xtics (" + ", ".join(f"'{c}' {i}" for i, c in enumerate(columns)) + ")",
            "set ytics (" + ", ".join(f"'{r:,}' {i}" for i, r in enumerate(rows)) + ")"]
    for index, (title, block) in enumerate(plots):
        text += [f"$d{index} << EOD", block, "EOD", f"set title '{title}, against tacit'",
                 f"plot $d{index} using 1:2:(0.48):(0.48):3 with boxxyerror fill solid noborder "
                 f"lc palette, $d{index} using 1:($2+0.12):4 with labels, "
                 f"$d{index} using 1:($2-0.16):5 with labels font ',10' tc rgb '#444444'"]
    subprocess.run(["gnuplot"], input="\n".join(text) + "\n", text=True, check=True)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[10**4, 10**5, 10**6, 10**7])
    parser.add_argument("--columns", type=int, nargs="+", default=[10, 50, 200, 500])
    parser.add_argument("--most", type=int, default=500_000_000, help="numbers in a cell")
    parser.add_argument("--limit", type=float, default=300, help="seconds for one fit of a peer")
    parser.add_argument("--rounds", type=int, help="the same for every cell")
    a = parser.parse_args()
    rates = probe.rates()
    tables, lines = [], []
    for rows in a.rows:
        for columns in a.columns:
            if rows * columns <= a.most:
                table, line = cell(rows, columns, rates, a.limit, a.rounds)
                tables.append(table)
                lines.append(line)
    harness.RESULTS.mkdir(parents=True, exist_ok=True)
    with open(harness.RESULTS / "grid.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, lines[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)
    picture(lines)
    behind = [f"{l['rows']:,} × {l['columns']}" for l in lines if l["ratio"] <= 1]
    summary = ["Seconds over those of tacit, the fastest peer of each cell:", "",
               "| rows \\ columns | " + " | ".join(map(str, a.columns)) + " |",
               "|--:|" + "--:|" * len(a.columns)]
    for rows in a.rows:
        at = {l["columns"]: l for l in lines if l["rows"] == rows}
        summary.append(f"| {rows:,} | " + " | ".join(
            f"{at[c]['ratio']:.1f}" if c in at else "" for c in a.columns) + " |")
    summary += ["", "![the grid](grid.svg)", "", probe.sentence(rates) + probe.FIT_FLOOR]
    harness.write("grid", f"Fitting L2 logistic regression over sizes, λ = {L2:g}", tables, [
        "tacit is behind in: " + ", ".join(behind) if behind else "tacit is ahead in every cell",
        "numbers in grid.csv"], intro=summary)


if __name__ == "__main__":
    main()
