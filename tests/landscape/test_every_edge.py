"""What barriers add to edges, and which cuts are on which edge, held against one cut after the other."""

from __future__ import annotations

import numpy as np

from permeability.barriers.cut_costs import CutCosts, CutParts
from permeability.barriers.edge_cuts import numbered_edges
from permeability.landscape.edge_series import every_edge, ground_resistance


def test_every_edge_is_the_sum_of_its_cuts():
    rng = np.random.default_rng(5)
    n = 60
    key = np.sort(8 * rng.integers(0, 20, n) + rng.integers(0, 4, n))
    cost = rng.choice([0.0, 900.0, 2_500.0, np.inf], n)
    weight, ground = rng.uniform(100.0, 900.0, n), rng.uniform(1.0, 3.0, (4, 8))
    apart = 17
    parts = CutParts(np.array([apart, apart]), np.array([0.25, 0.75]), np.array([0.0, 4_000.0]))
    cost[apart] = 0.0
    keys, of_cut = numbered_edges(key)
    found = every_edge((keys, of_cut), CutCosts(cost, cost.copy(), parts), weight, ground)
    assert keys.tolist() == sorted(set(key.tolist()))
    for edge, name in enumerate(keys.tolist()):
        mine = [c for c in range(n) if key[c] == name]
        series = sum(cost[c] / weight[c] for c in mine if c != apart and cost[c] > 0)
        if apart in mine:
            r = ground_resistance(np.array([name]), ground)[0]
            through = 0.25 / (r + series) + 0.75 / (r + series + 4_000.0 / weight[apart])
            series = 1.0 / through - r
        assert found.cost[edge] == sum(cost[c] for c in mine)
        np.testing.assert_allclose(found.resistance[edge], series, rtol=1e-12)
        assert found.there[edge] == (apart in mine or any(cost[c] > 0 for c in mine))
    rows = found.rows(keys)
    np.testing.assert_array_equal(rows.keys, keys[found.there])
    cost_at, series_at = rows.at(keys)
    np.testing.assert_array_equal(cost_at, found.cost)
    np.testing.assert_array_equal(series_at, found.resistance)
