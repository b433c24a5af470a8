"""Generated data for the fits, and the one judge of every result."""

import math
import os
from dataclasses import dataclass

import harness
import numpy as np


@dataclass(frozen=True)
class Problem:
    """Correlated columns; `raw` ones differ in mean and scale, `scaled` ones have mean 0, sd 1.

    The same rows in either order: `shuffled`, or `sorted` by label. Written as NPY on first use,
    from a fixed seed, in `C` (row-major) or `F` order.
    """

    rows: int
    columns: int
    scale: str = "raw"
    order: str = "shuffled"

    def x(self, layout="C"):
        path = self._path(layout)
        if not path.exists():
            self._write(layout)
        return path

    def y(self):
        if not self._path("y").exists():
            self._write("C")
        return self._path("y")

    def data_bytes(self):
        return 8 * self.rows * self.columns

    def remove(self):
        """Deletes the files of this problem."""
        for part in ("C", "F", "y"):
            self._path(part).unlink(missing_ok=True)

    def _path(self, part):
        name = f"problem_{self.rows}x{self.columns}_{self.scale}_{self.order}_{part}.npy"
        return harness.WORK / name

    def _blocks(self):
        size = max(10_000_000 // self.columns, 1)
        return [slice(s, min(s + size, self.rows)) for s in range(0, self.rows, size)]

    def _write(self, layout):
        harness.WORK.mkdir(parents=True, exist_ok=True)
        path = self._path(layout)
        unfinished = path.with_suffix(".unfinished")
        x = np.lib.format.open_memmap(
            unfinished, mode="w+", dtype=np.float64, shape=(self.rows, self.columns),
            fortran_order=layout == "F")
        if layout == "F":
            source = np.load(self.x("C"), mmap_mode="r")
            for part in self._blocks():
                x[part] = source[part]
        elif self.order == "sorted":
            base = Problem(self.rows, self.columns, self.scale)
            y = np.load(base.y())
            order = np.argsort(y, kind="stable")
            source = np.load(base.x(), mmap_mode="r")
            for part in self._blocks():
                x[part] = source[order[part]]
            np.save(self._path("y"), y[order])
        else:
            np.save(self._path("y"), self._draw(x))
        x.flush()
        del x
        os.replace(unfinished, path)

    def _draw(self, x):
        """Fills x and returns the labels."""
        rng = np.random.default_rng(20240229)
        p = self.columns
        share = math.sqrt(50 / p)  # as hard for the solvers and as predictable at every width
        mixing = np.eye(p) + 0.3 * share * rng.normal(size=(p, p))
        mean = 5 * rng.normal(size=p)
        scale = np.exp(rng.normal(size=p))
        beta = 0.25 * share * rng.normal(size=p)
        deviation = np.sqrt((mixing**2).sum(1))
        y = np.empty(self.rows)
        for part in self._blocks():
            z = rng.normal(size=(part.stop - part.start, p)) @ mixing.T / deviation
            chance = 1 / (1 + np.exp(0.8 - z @ beta))
            y[part] = rng.random(len(z)) < chance
            x[part] = z * (deviation * scale) + mean if self.scale == "raw" else z
        return y


def load(path, layout):
    """The matrix in memory in the order asked for, without a second copy on the way."""
    source = np.load(path, mmap_mode="r")
    x = np.empty(source.shape, order=layout)
    step = max(10_000_000 // source.shape[1], 1)
    for start in range(0, len(source), step):
        x[start:start + step] = source[start:start + step]
    return x


def judge(x, y, coef, intercept, l2=0.0, l1=0.0):
    """(objective, max |gradient|) by their definitions, float64, exact sums of the blocks' losses.

    The gradient is that of the smooth part plus l2's; with l1 it is the subgradient of least size.
    """
    losses, gradient, free = [], np.zeros(x.shape[1]), 0.0
    n = len(y)
    step = max(2_500_000 // x.shape[1], 1)
    for start in range(0, n, step):
        part = slice(start, start + step)
        eta = x[part] @ coef + intercept
        losses.append(float((np.logaddexp(0, eta) - y[part] * eta).sum()))
        residual = 1 / (1 + np.exp(-eta)) - y[part]
        gradient += residual @ x[part]
        free += residual.sum()
    gradient = gradient / n + l2 * coef
    if l1:
        away = gradient + l1 * np.sign(coef)
        gradient = np.where(coef != 0, away, np.maximum(np.abs(gradient) - l1, 0))
    objective = math.fsum(losses) / n + l2 / 2 * float(coef @ coef) + l1 * float(np.abs(coef).sum())
    return objective, float(max(np.abs(gradient).max(), abs(free / n)))
