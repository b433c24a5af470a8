"""The columns that a model of `tacit fit` sees, made again by numpy from its model file.

All that this knows of the file stands in `expand` and `basis`; a case that it does not know stops
it with its name.
"""

import sys

import numpy as np


def signed_log(x):
    return np.sign(x) * np.log1p(np.abs(x))


def basis(case, payload, x):
    """One basis of a source column, before standardisation; NaN where it is missing.

    `payload` holds the numbers of the case in their order.
    """
    if case == "linear":
        return x
    if case == "log1p":
        return signed_log(x)
    if case == "missing":
        return np.isnan(x).astype(float)
    if case == "nonzero":
        return np.where(np.isnan(x), np.nan, x != 0)
    if case == "step":
        return np.where(np.isnan(x), np.nan, x > payload[0])
    if case == "hinge":
        return np.maximum(x - payload[0], 0)
    if case == "logHinge":
        return np.maximum(signed_log(x) - payload[0], 0)
    if case == "level":
        return (x == payload[0]).astype(float)
    if case == "pooled":
        return np.isin(x, payload[0]).astype(float)
    sys.exit(f"benchmarks/design.py does not know the basis \"{case}\" of the model file")


def cleaned(x, cleaning):
    """A source column with the codes of "missing" as NaN, the rest within what training held."""
    x = np.where(np.isin(x, cleaning["missingCodes"]), np.nan, x)
    return np.clip(x, cleaning.get("lower"), cleaning.get("upper"))


def standardised(column, sources):
    """The column {source, basis, mean, scale}: 0, which is the mean, where it is missing."""
    (case, payload), = column["basis"].items()
    values = list(payload.values()) if isinstance(payload, dict) else payload
    raw = basis(case, values, sources[column["source"]])
    return np.nan_to_num((raw - column["mean"]) / column["scale"], nan=0.0)


def expand(body, x, names):
    """The design of the model's body for rows x of numbers (missing is NaN), row-major.

    `columns` names the features among `names`, the columns of x. `design.cleaning` has one entry a
    feature, where there is any. `design.columns` come first, in their order; then `design.pairs`,
    where there are any: each {first, second, mean, scale}, the product of two of those columns,
    standardised.
    """
    design = body["design"]
    sources = [x[:, names.index(column["name"])] for column in body["columns"]]
    if "cleaning" in design:
        sources = [cleaned(*pair) for pair in zip(sources, design["cleaning"], strict=True)]
    columns, pairs = design["columns"], design.get("pairs", [])
    z = np.empty((len(x), len(columns) + len(pairs)))
    for k, column in enumerate(columns):
        z[:, k] = standardised(column, sources)
    for k, pair in enumerate(pairs, start=len(columns)):
        product = z[:, pair["first"]] * z[:, pair["second"]]
        z[:, k] = (product - pair["mean"]) / pair["scale"]
    return z
