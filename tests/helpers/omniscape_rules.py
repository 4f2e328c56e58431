"""The moving window of Omniscape once more, straight from the written rules: dense matrices, plain loops.

An oracle for tests; nothing here imports the package.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Cell = tuple[int, int]


@dataclass
class Rule:
    """A condition: present values, values of the targets, how they are compared."""

    present: np.ndarray
    target: np.ndarray
    comparison: str
    lower: float = 0.0
    upper: float = 0.0


def near(shape: Cell, centre: Cell, limit: float) -> np.ndarray:
    row, col = np.mgrid[: shape[0], : shape[1]]
    return (row - centre[0]) ** 2 + (col - centre[1]) ** 2 <= limit**2


def window_current(g: np.ndarray, source: np.ndarray, ground: Cell, neighbours: int) -> np.ndarray:
    """Current map of sources towards one grounded cell; other components carry nothing."""
    rows, cols = g.shape
    c = np.zeros((g.size, g.size))
    for row in range(rows):
        for col in range(cols):
            for down, right in [(0, 1), (1, 0), (1, 1), (1, -1)][: 2 if neighbours == 4 else 4]:
                i, j = row + down, col + right
                if i < rows and 0 <= j < cols and g[row, col] > 0 and g[i, j] > 0:
                    a, b = row * cols + col, i * cols + j
                    c[a, b] = c[b, a] = (g[row, col] + g[i, j]) / 2 / np.hypot(down, right)
    at = ground[0] * cols + ground[1]
    part, todo = np.zeros(g.size, bool), [at] if g[ground] > 0 else []
    while todo:
        k = todo.pop()
        if not part[k]:
            part[k] = True
            todo += np.flatnonzero(c[k]).tolist()
    free = np.flatnonzero(part & (np.arange(g.size) != at))
    v = np.zeros(g.size)
    inject = source.reshape(-1)[free]
    if not len(free) or inject.sum() == 0:
        return np.zeros(g.shape)
    v[free] = np.linalg.solve((np.diag(c.sum(axis=1)) - c)[np.ix_(free, free)], inject)
    flow = c * (v[:, None] - v[None, :])
    return np.maximum(np.maximum(flow, 0).sum(axis=1), np.maximum(-flow, 0).sum(axis=1)).reshape(g.shape)


def most_frequent(values: Sequence[float]) -> float:
    counts: dict[float, int] = {}
    best, most = np.nan, 0
    for value in values:
        counts[value] = counts.get(value, 0) + 1
        if counts[value] > most:
            best, most = value, counts[value]
    return best


def correction(radius: int, reach: int, block: int, neighbours: int) -> np.ndarray:
    """Step 9: factor of the current for blocks."""
    n, half = 2 * reach + 1, (block - 1) // 2
    centre = (reach, reach)
    g = near((n, n), centre, reach) * 1.0
    ring = near((n, n), centre, radius) * 1.0
    hole, spot = ring.copy(), ring.copy()
    hole[reach - half : reach + half + 1, reach - half : reach + half + 1] = 0
    spot[centre] = 0
    p = window_current(g, hole / hole.sum() * block**2, centre, neighbours)
    p[p < 1e-12] = 0  # dead ends carry nothing, rounding aside
    one = window_current(g, spot / spot.sum(), centre, neighbours)
    one[one < 1e-12] = 0
    q = np.zeros((n, n))
    for down in range(-half, half + 1):
        for right in range(-half, half + 1):
            for row in range(n):
                for col in range(n):
                    if 0 <= row - down < n and 0 <= col - right < n:
                        q[row, col] += one[row - down, col - right]
    return np.where(p == 0, 1.0, np.where(q == 0, 1.0, q) / np.where(p == 0, 1.0, p))


def run(
    conductance: np.ndarray,
    source: np.ndarray,
    *,
    radius: int,
    buffer: int,
    block: int,
    neighbours: int,
    correct: bool,
    rules: Sequence[Rule] = (),
) -> tuple[np.ndarray, np.ndarray]:
    """Cumulative current and flow potential; conductance and source are 0 where there is nothing."""
    shape, reach, half = conductance.shape, radius + buffer, (block - 1) // 2
    factor = correction(radius, reach, block, neighbours) if correct and block > 1 else None
    current, potential = np.zeros(shape), np.zeros(shape)
    for row in range(half, shape[0] - half, block):
        for col in range(half, shape[1] - half, block):
            inside = np.s_[row - half : row + half + 1, col - half : col + half + 1]
            strength = source[inside].sum()
            if strength == 0:
                continue
            top, left = max(0, row - reach), max(0, col - reach)
            window = np.s_[top : row + reach + 1, left : col + reach + 1]
            ground = (row - top, col - left)
            g, use = conductance[window].copy(), source[window].copy()
            g[~near(g.shape, ground, reach)] = 0
            use[~near(g.shape, ground, radius)] = 0
            use[reach - half : reach + half + 1, reach - half : reach + half + 1] = 0
            if use.sum() == 0:
                continue
            use *= strength / use.sum()
            for rule in rules:
                block_values = [v for v in rule.target[inside].T.reshape(-1).tolist() if not np.isnan(v)]
                for cell in np.ndindex(use.shape):
                    x = rule.present[window][cell]
                    if np.isnan(x):
                        continue
                    if rule.comparison == "within":
                        away = x - np.median(block_values)
                        if away < rule.lower or away > rule.upper:
                            use[cell] = 0
                    elif x != most_frequent(block_values):
                        use[cell] = 0
            use[ground] = 0
            part = np.ones(g.shape)
            if factor is not None:
                part = (
                    factor[-g.shape[0] :] if row < reach and row + reach < shape[0] else factor[: g.shape[0]]
                )
                wide = col < reach and col + reach < shape[1]
                part = part[:, -g.shape[1] :] if wide else part[:, : g.shape[1]]
            current[window] += part * window_current(g, use, ground, neighbours)
            potential[window] += part * window_current(np.ones(g.shape), use, ground, neighbours)
    return current, potential
