"""Stretches that cuts stand for: lines beside each other take nothing from each other."""

from __future__ import annotations

import numpy as np
import pytest

from permeability.barriers.own_stretches import own_stretches

CELL = 1000.0


def layer(seed: int, lines: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    ends = rng.uniform(3_000.0, 90_000.0, lines)
    chain = np.repeat(np.arange(lines), rng.integers(1, 90, lines))
    along = rng.random(len(chain)) * ends[chain]  # with places off the grid between, where cuts are few
    return chain, along, rng.choice([0.0, 200.0, 700.0], len(chain)), ends


@pytest.mark.parametrize("seed", range(5))
def test_many_lines_at_once_are_what_each_is_alone(seed):
    chain, along, length, ends = layer(seed, 7)
    low, high = own_stretches(chain, along, length, ends, CELL)
    for k in range(7):
        mine = chain == k
        alone = own_stretches(np.zeros(mine.sum(), int), along[mine], length[mine], ends[k : k + 1], CELL)
        np.testing.assert_array_equal(low[mine], alone[0])
        np.testing.assert_array_equal(high[mine], alone[1])
        assert (high[mine] >= low[mine]).all()


def test_the_drift_is_evened_out_as_cut_by_cut():
    rng = np.random.default_rng(9)
    s = 750.0 * np.arange(80) + rng.uniform(0.0, 300.0, 80)
    weight = rng.uniform(600.0, 900.0, 80)
    low, high = own_stretches(np.zeros(80, int), s, weight, np.array([1e6]), CELL)
    laid = np.concatenate([[0.0], np.cumsum(weight)])
    drift, reach = s - 0.5 * (laid[1:] + laid[:-1]), 16.0 * CELL
    even = []
    for x in s.tolist():
        span = max(min(reach, x - s[0], s[-1] - x), 1e-9 * reach)
        share = np.maximum(1.0 - np.abs(s - x) / span, 0.0) * weight
        even.append((share * drift).sum() / share.sum())
    middle = laid[1:-1] + 0.5 * (np.array(even)[1:] + np.array(even)[:-1])
    free = np.flatnonzero(np.diff(middle) > 0.05 * weight[1:-1] + 1.0)[3:-3]  # where nothing is pushed apart
    assert len(free) > 40
    np.testing.assert_allclose(high[free], middle[free], rtol=1e-9)
    np.testing.assert_array_equal(high[:-1], low[1:])
