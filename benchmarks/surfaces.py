"""Seeded resistance surfaces for benchmarks: benign (smooth noise) and hard (walls with gaps, nodata holes).

Both return a C-contiguous (rows, cols) array of resistances [dimensionless], NaN = nodata.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike, NDArray

_OCTAVES = ((64, 1.0), (16, 0.5), (4, 0.25), (1, 0.12))  # correlation length [cells], amplitude


def benign(n_rows: int, n_cols: int, seed: int = 1, dtype: DTypeLike = np.float64) -> NDArray[np.floating]:
    """Autocorrelated noise, resistance 1..100 on a log scale."""
    out = np.empty((n_rows, n_cols), dtype)
    for rows, noise in _noise_blocks(n_rows, n_cols, np.random.default_rng(seed)):
        out[rows] = _to_resistance(noise)
    return out


def hard(n_rows: int, n_cols: int, seed: int = 1, dtype: DTypeLike = np.float64) -> NDArray[np.floating]:
    """As `benign`, plus sqrt(cells) / 60 wandering walls with gaps and 7 % nodata in autocorrelated holes.

    Walls are 2 cells thick, resistance 1e3..1e5, with gaps of 1 to 3 cells every 250 cells or so.
    """
    rng = np.random.default_rng(seed)
    out = benign(n_rows, n_cols, seed, dtype)
    _walls(out, rng, max(1, round(np.sqrt(n_rows * n_cols) / 60)))
    threshold = None
    for rows, noise in _noise_blocks(n_rows, n_cols, np.random.default_rng(seed + 1000)):
        if threshold is None:
            threshold = np.quantile(noise[:, :: max(1, n_cols // 2000)], 0.07)
        out[rows][noise < threshold] = np.nan
    return out


def _to_resistance(noise: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.float32(10.0) ** np.clip(1.0 + noise / 1.6, 0.0, 2.0)


def _noise_blocks(n_rows, n_cols, rng, block=512):  # type: ignore[no-untyped-def]
    """Rows and unit-variance noise, block by block, so that 1e8 cells need no second array."""
    layers = []
    for step, amplitude in _OCTAVES[:-1]:
        shape = (n_rows // step + 2, n_cols // step + 2)
        layers.append((step, amplitude * 1.5, rng.standard_normal(shape, dtype=np.float32)))
    x = np.arange(n_cols)
    for first in range(0, n_rows, block):
        y = np.arange(first, min(n_rows, first + block))
        noise = rng.standard_normal((len(y), n_cols), dtype=np.float32) * np.float32(_OCTAVES[-1][1])
        for step, amplitude, coarse in layers:
            fy, fx = (y % step / step).astype(np.float32)[:, None], (x % step / step).astype(np.float32)
            rows = coarse[y // step] * (1 - fy) + coarse[y // step + 1] * fy
            noise += np.float32(amplitude) * (rows[:, x // step] * (1 - fx) + rows[:, x // step + 1] * fx)
        yield slice(first, first + len(y)), noise


def _walls(out: NDArray[np.floating], rng: np.random.Generator, n_walls: int) -> None:
    """Draw random walks across the grid, alternately west-east and north-south."""
    for wall in range(n_walls):
        grid = out if wall % 2 == 0 else out.T
        across, along = grid.shape
        steps = rng.choice([-1, 0, 0, 1], along) + rng.choice([-1, 0, 1]) * (rng.random(along) < 0.3)
        steps = np.clip(steps, -1, 1)  # a step of 2 would leave a diagonal leak in a wall 2 cells thick
        line = np.clip(rng.integers(across) + np.cumsum(steps), 0, max(across - 2, 0))
        value = 10 ** rng.uniform(3, 5)
        closed = np.ones(along, bool)
        at = int(rng.integers(250))
        while at < along:
            closed[at : at + int(rng.integers(1, 4))] = False
            at += int(rng.integers(150, 350))
        columns = np.flatnonzero(closed)
        for thick in range(min(2, across)):
            grid[line[columns] + thick, columns] = value
