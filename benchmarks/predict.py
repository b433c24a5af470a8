"""Probabilities of 10,000,000 × 50 float64 by a logistic model: tacit beside what people use.

tacit reads X.npy from the page cache and writes an .npy; its time is that of predicting, reading
and writing apart. The others get the matrix in memory, and their time is that of the call that
gives the probabilities: scikit-learn's predict_proba, onnxruntime on the same model in float64
(matrix product, bias, sigmoid; two threads; the better of a few batch sizes, found on a tenth of
the rows), numpy's product and scipy's expit. Each runs in a process of its own. Reading bandwidth
is measured in the same run on a matrix of the same size in memory, and on the file's pages. All
probabilities are compared.

What the command line is taken to be:

    tacit predict --model M X.npy --out P.npy --threads 2 --json
        the report: seconds {reading, predicting, writing}
        P.npy: float64, a row each: probability, logit

The model is `tacit fit` of a small part of the rows. If `tacit export` should come to write ONNX,
give its file by --onnx; else an equal graph is made here.

    .venv/bin/python benchmarks/predict.py [--rows 10000000] [--columns 50] [--rounds 5]
        [--onnx MODEL.onnx]
"""

import argparse
import json
import mmap
import sys
import time

import harness
import numpy as np
import peers
import probe
from problem import Problem

PEERS = ("scikit-learn predict_proba", "onnxruntime", "numpy and scipy")
BATCHES = (4096, 32_768, 262_144)


def trained(data):
    """The path of a model of these columns, fitted on a thousandth or 20,000 rows."""
    folder = harness.WORK
    x = np.load(data.x(), mmap_mode="r")
    few = slice(None, None, max(data.rows // 20_000, 1))
    np.save(folder / "predict_few_x.npy", x[few])
    np.save(folder / "predict_few_y.npy", np.load(data.y())[few])
    model = folder / "predict_model.json"
    harness.command([harness.TACIT, "fit", folder / "predict_few_x.npy", "--labels",
                     folder / "predict_few_y.npy", "--standardise", "none", "--l2", "1e-5",
                     "--model", model, "--json"])
    return model


def tacit(data, model, threads=2):
    out_path = harness.WORK / f"predicted_tacit_{threads}.npy"
    out = harness.command([harness.TACIT, "predict", "--model", model, data.x(), "--out", out_path,
                           "--threads", threads, "--json"])
    seconds = json.loads(out["output"])["seconds"]
    return {"seconds": seconds["predicting"], "reading": seconds["reading"],
            "writing": seconds["writing"], "wall": out["seconds"], "cpu_seconds": out["cpu_seconds"],
            "peak_mb": out["peak_mb"], "above_data_mb": out["peak_mb"] - data.data_bytes() / 1e6,
            "gb_per_second": data.data_bytes() / seconds["predicting"] / 1e9, "out": str(out_path)}


def graph(coef, intercept):
    """sigmoid(x b + b0) in float64, as ONNX."""
    from onnx import TensorProto, checker, helper, numpy_helper

    nodes = [helper.make_node("MatMul", ["x", "b"], ["product"]),
             helper.make_node("Add", ["product", "b0"], ["logit"]),
             helper.make_node("Sigmoid", ["logit"], ["probability"])]
    made = helper.make_model(helper.make_graph(
        nodes, "logistic",
        [helper.make_tensor_value_info("x", TensorProto.DOUBLE, [None, len(coef)])],
        [helper.make_tensor_value_info("probability", TensorProto.DOUBLE, [None, 1])],
        [numpy_helper.from_array(coef.reshape(-1, 1), "b"),
         numpy_helper.from_array(np.array([intercept]), "b0")]),
        opset_imports=[helper.make_opsetid("", 13)], ir_version=9)
    checker.check_model(made)
    return made.SerializeToString()


def prepare(name, coef, intercept, onnx_path):
    """`predict(x)`, or with onnxruntime `predict(x, batch)`."""
    if name.startswith("scikit"):
        from sklearn.linear_model import LogisticRegression

        model = LogisticRegression()
        model.classes_ = np.array([0, 1])
        model.coef_, model.intercept_ = coef.reshape(1, -1), np.array([intercept])
        model.n_features_in_ = len(coef)
        return lambda x: model.predict_proba(x)[:, 1]
    if name.startswith("numpy"):
        from scipy.special import expit

        def predict(x):
            logit = x @ coef
            logit += intercept
            return expit(logit, out=logit)

        return predict
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    source = open(onnx_path, "rb").read() if onnx_path else graph(coef, intercept)
    session = onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    enter = session.get_inputs()[0].name
    leave = next((o.name for o in session.get_outputs() if "prob" in o.name.lower()),
                 session.get_outputs()[-1].name)

    def run(x, batch):
        found = np.empty(len(x))
        for start in range(0, len(x), batch):
            part = session.run([leave], {enter: x[start:start + batch]})[0]
            found[start:start + batch] = part.reshape(len(part), -1)[:, -1]
        return found

    return run


def run_peer(name, x_path, model, onnx_path, out_path):
    """In a process of its own: the time of one prediction of all rows."""
    fit = json.load(open(model))["body"]["fit"]
    predict = prepare(name, np.array(fit["coefficients"]), fit["intercept"], onnx_path)
    x = np.load(x_path)
    few = x[:max(len(x) // 10, 1)]
    note = ""
    if name == "onnxruntime":
        run, found = predict, {}
        for batch in BATCHES:
            run(few[:batch], batch)
            start = time.perf_counter()
            run(few, batch)
            found[batch] = time.perf_counter() - start
        batch = min(found, key=found.get)
        predict, note = (lambda x: run(x, batch)), f"batches of {batch:,}"
    else:
        predict(few)
    start, cpu = time.perf_counter(), time.process_time()
    found = predict(x)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    peak = peers.peak_mb()
    np.save(out_path, found)
    print(json.dumps({
        "seconds": seconds, "cpu_seconds": cpu, "peak_mb": peak, "above_data_mb": peak - x.nbytes / 1e6,
        "gb_per_second": x.nbytes / seconds / 1e9, "note": note}))


def peer(name, data, model, onnx_path):
    out_path = harness.WORK / f"predicted_{name.split()[0]}.npy"
    out = harness.command([sys.executable, __file__, "--peer", name, data.x(), model, onnx_path or "",
                           out_path], env=peers.THREADS)
    return {**json.loads(out["output"].splitlines()[-1]), "out": str(out_path)}


def file_bandwidth(path):
    """GB/s of both cores reading the pages of a file that is in memory, mapped beforehand."""
    with open(path, "rb") as file:
        pages = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ, flags=mmap.MAP_SHARED)
    x = np.frombuffer(pages, dtype=np.float64, offset=128)
    halves = np.array_split(x, probe.THREADS)
    for half in halves:  # maps every page
        half[::512].sum()
    return x.nbytes / probe.best(lambda t: halves[t].max(), tries=3) / 1e9


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--columns", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--onnx", help="a model that has one input of columns")
    parser.add_argument("--peer", nargs=5, help=argparse.SUPPRESS)
    a = parser.parse_args()
    if a.peer:
        return run_peer(*a.peer)
    data = Problem(a.rows, a.columns, "scaled")
    model = trained(data)
    rates = probe.rates()
    pages = file_bandwidth(data.x())
    systems = [harness.System("tacit predict", lambda r: tacit(data, model), ours=True)]
    systems += [harness.System(n, lambda r, n=n: peer(n, data, model, a.onnx)) for n in PEERS]
    remarks = []

    def after():
        ours = np.load(systems[0].outcomes[-1]["out"])
        ours = ours.reshape(len(ours), -1)[:, 0]
        for system in systems:
            last = system.outcomes[-1]
            system.note = last.get("note", "")
            last.update(probe.floor(rates, 0, data.data_bytes(), "read"))
            if not system.ours:
                remarks.append(f"{system.name}: largest difference of a probability to tacit's "
                               f"{np.abs(np.load(last['out']) - ours).max():.1e}")

    table = harness.compare(f"{a.rows:,} × {a.columns} float64, {data.data_bytes() / 1e9:.2f} GB",
                            systems, rounds=a.rounds, after=after)
    ours = table["rows"][0]
    last = systems[0].outcomes[-1]
    bandwidth = max(rates["read"], pages)
    share = ours["gb_per_second"] / bandwidth
    remarks.append(
        f"tacit reads {ours['gb_per_second']:.1f} GB/s, {share:.0%} of the {bandwidth:.1f} GB/s that "
        f"both cores read (from a matrix in memory {rates['read']:.1f}, from the file's pages "
        f"{pages:.1f})")
    remarks.append(f"tacit's last run: reading {last['reading']:.3f} s, predicting "
                   f"{last['seconds']:.3f} s, writing {last['writing']:.3f} s, in all {last['wall']:.3f} s")
    same = (open(tacit(data, model, 1)["out"], "rb").read()
            == open(tacit(data, model, 2)["out"], "rb").read())
    remarks.append("predictions of 1 and 2 threads " + ("are the same bytes" if same else "DIFFER"))
    harness.write("predict", "Predicting probabilities", [table], remarks,
                  intro=[probe.sentence(rates)])
    if not same:
        sys.exit(1)


if __name__ == "__main__":
    main()
