"""What a state of the fronts says of some edges and the patches, against the same products written out densely."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from permeability.engines.kernels import fronts as _fronts

fronts: Any = _fronts


def _state(
    rng: np.random.Generator, boxes: int, patches: int, minus: int, plus: int
) -> tuple[np.ndarray, tuple]:
    """A binary tree of fronts with columns of their own; ``X`` densely, and what the kernel takes of it."""
    n_out, own = rng.integers(0, 23, boxes), rng.integers(0, 6, boxes)
    before = np.concatenate(([0], np.cumsum(own)))
    first = np.arange(boxes)  # the first box beneath each, in postorder
    roots: list[int] = []
    for b in range(boxes):
        if len(roots) > 1 and rng.random() < 0.6:
            roots.pop()
            first[b] = first[roots.pop()]
        roots.append(b)
    beneath = np.append(before[first], before[-1])
    sizes = n_out * (before[1:] - beneath[:-1])
    y_start = np.concatenate(([0], np.cumsum(sizes)))
    y, n = rng.standard_normal(y_start[-1]), int(before[-1])
    beta, inverse = rng.standard_normal((n, patches)), rng.standard_normal((patches, patches))
    inverse = inverse @ inverse.T
    lost, won = (rng.standard_normal((k, n + patches)) for k in (minus, plus))
    of_all = np.vstack((beta, np.eye(patches)))
    dense = of_all @ inverse @ of_all.T - lost.T @ lost + won.T @ won
    for b in range(boxes):
        c0, c1 = beneath[b], before[b + 1]
        rows = y[y_start[b] : y_start[b + 1]].reshape(c1 - c0, n_out[b])
        dense[c0:c1, c0:c1] += rows @ rows.T
    return dense, (n_out, np.stack((before, beneath)), y, y_start, beta, inverse, lost, won)


@pytest.mark.parametrize("patches", [1, 2, 5])
@pytest.mark.parametrize(("minus", "plus"), [(0, 0), (3, 0), (9, 2)])
def test_some_edges_are_seen_as_in_the_dense_product(patches: int, minus: int, plus: int) -> None:
    rng = np.random.default_rng(100 * patches + 10 * minus + plus)
    for boxes in (1, 2, 9, 40):
        dense, given = _state(rng, boxes, patches, minus, plus)
        n = len(dense) - patches
        for k in {0, min(1, n), min(4, n), min(13, n), n}:
            columns = np.sort(rng.choice(n, k, replace=False)).astype(np.int64)
            at = np.concatenate((columns, np.arange(n, n + patches)))
            found = fronts.block_matrix(columns, *given)
            np.testing.assert_allclose(found, dense[np.ix_(at, at)], rtol=1e-12, atol=1e-11)
            np.testing.assert_array_equal(found, found.T)
