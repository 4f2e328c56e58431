"""Connected parts of a grid, held against a walk from cell to cell."""

from __future__ import annotations

import numpy as np
import pytest

from permeability.engines.kernels.edges import (
    BETWEEN_COL,
    BETWEEN_ROW,
    D_COL,
    D_ROW,
    N_DIRECTIONS,
    EdgeBarriers,
)
from permeability.landscape.connected_parts import connected_parts


def walked(valid, shut, neighbours):
    """Parts as sets of cells, one edge after the other."""
    cols = valid.shape[1]
    near = {(r, c): set() for r, c in np.argwhere(valid).tolist()}
    for r, c in near:
        for k in range(N_DIRECTIONS[neighbours]):
            other = (r + int(D_ROW[k]), c + int(D_COL[k]))
            passed = (
                [(r + int(a), c + int(b)) for a, b in zip(BETWEEN_ROW[k], BETWEEN_COL[k])] if k >= 4 else []
            )
            if other in near and all(p in near for p in passed) and ((r * cols + c) * 8 + k) not in shut:
                near[r, c].add(other)
                near[other].add((r, c))
    left, parts = set(near), []
    while left:
        todo, part = [left.pop()], set()
        while todo:
            cell = todo.pop()
            part.add(cell)
            todo += near[cell] & left
            left -= near[cell]
        parts.append(part)
    return sorted(parts, key=lambda p: (-len(p), min(p)))


@pytest.mark.parametrize("neighbours", [4, 8, 16])
def test_parts_are_what_can_be_walked(neighbours):
    rng = np.random.default_rng(neighbours)
    for rows, cols in ((9, 13), (1, 6), (5, 1), (2, 2)):
        valid = rng.random((rows, cols)) < 0.75
        key = np.sort(rng.choice(rows * cols * 8, rows * cols * 4, replace=False))
        cost = rng.choice([500.0, np.inf], len(key))
        cell, direction = key // 8, (key % 8).astype(np.uint8)
        found = connected_parts(valid, EdgeBarriers(cell, direction, cost, cost), neighbours)
        expected = np.zeros((rows, cols), np.int32)
        for number, part in enumerate(walked(valid, set(key[np.isinf(cost)].tolist()), neighbours), start=1):
            for cell_of_part in part:
                expected[cell_of_part] = number
        np.testing.assert_array_equal(found, expected)
