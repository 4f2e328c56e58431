"""Sets of openings in the least-cost view against a fresh Dijkstra of the edited graph."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from permeability.engines.kernels.edges import D_COL, D_ROW, LENGTH, EdgeBarriers
from permeability.engines.leastcost.opening_sets import OpenedWays, way_sets
from permeability.engines.leastcost.openings import Openings, PortalNetwork
from permeability.engines.leastcost.surface import cost_surface

ROWS, COLS = 12, 14


class Fenced:
    """A plain with parallel fences of several wires; a site takes one wire down on a stretch of columns."""

    def __init__(self, seed: int, fences: int, wires: int, width: int) -> None:
        rng = np.random.default_rng(seed)
        self.r = 10 ** rng.uniform(0, 1, (ROWS, COLS))
        rows = 3 + 3 * np.arange(fences)
        names, cost, stretch = [], [], []
        for f, row in enumerate(rows):
            for c in range(COLS):
                for k in (1, 2, 3):
                    if 0 <= c + D_COL[k] < COLS:
                        names.append((row * COLS + c, k))
                        stretch.append((f, c // width))
        self.cell, self.direction = (np.array(x) for x in zip(*names))
        self.stretch = stretch
        places = sorted(set(stretch))
        self.wire = {p: rng.choice([4.0, 40.0, np.inf], wires) for p in places}
        self.sites = [(p, w) for p in places for w in range(wires)]
        self.spots = [[(1, 2)], [(1, 12), (0, 12)], [(10, 3)], [(11, 12)]]
        cost = self.costs(())
        order = np.argsort(self.cell * 8 + self.direction)
        self.cell, self.direction = self.cell[order], self.direction[order].astype(np.uint8)
        self.stretch = [stretch[i] for i in order]
        self.surface = cost_surface(self.r, barriers=self.walls(()))
        assert len(cost)

    def costs(self, members) -> np.ndarray:
        gone = {self.sites[k] for k in members}
        left = {p: sum(0.0 if (p, w) in gone else c for w, c in enumerate(x)) for p, x in self.wire.items()}
        return np.array([left[p] for p in self.stretch])

    def walls(self, members) -> EdgeBarriers:
        return EdgeBarriers(self.cell, self.direction, self.costs(members), self.costs(members))

    def ways(self) -> OpenedWays:
        groups, openings, today = [], [], self.costs(())
        by_place = {p: [k for k, (q, _) in enumerate(self.sites) if q == p] for p in self.wire}
        for p, own in by_place.items():
            at = np.array([q == p for q in self.stretch])
            for size in range(1, len(own) + 1):
                for chosen in combinations(own, size):
                    cost = self.costs(chosen)
                    use = at & (cost < today)
                    groups.append(frozenset(chosen))
                    openings.append((self.cell[use], self.direction[use], cost[use]))
        network = PortalNetwork.build(self.surface, self.spots, Openings.of(openings))
        return OpenedWays(network, tuple(groups))

    def fresh(self, members) -> np.ndarray:
        """Least costs among the places by SciPy on the edited graph."""
        barrier = dict(zip(zip(self.cell.tolist(), self.direction.tolist()), self.costs(members)))
        first, second, cost = [], [], []
        for r in range(ROWS):
            for c in range(COLS):
                for k in range(4):
                    rr, cc = r + D_ROW[k], c + D_COL[k]
                    if 0 <= rr < ROWS and 0 <= cc < COLS:
                        w = LENGTH[k] * 0.5 * (self.r[r, c] + self.r[rr, cc]) + barrier.get(
                            (r * COLS + c, k), 0.0
                        )
                        if np.isfinite(w):
                            first.append(r * COLS + c)
                            second.append(rr * COLS + cc)
                            cost.append(w)
        graph = coo_array((cost, (first, second)), shape=(ROWS * COLS,) * 2).tocsr()
        cells = [[r * COLS + c for r, c in spot] for spot in self.spots]
        out = np.zeros((len(cells),) * 2)
        for i, own in enumerate(cells):
            field = dijkstra(graph, directed=False, indices=own, min_only=True)
            out[i] = [field[other].min() for other in cells]
        return out


def test_500_random_sets_equal_a_fresh_dijkstra():
    checked = 0
    for seed, (fences, wires, width) in enumerate([(1, 1, 2), (2, 1, 3), (2, 2, 5), (3, 1, 4), (1, 3, 7)]):
        land = Fenced(seed, fences, wires, width)
        ways = land.ways()
        rng = np.random.default_rng(seed)
        for _ in range(100):
            members = np.flatnonzero(rng.random(len(land.sites)) < rng.uniform(0, 1))
            assert np.allclose(ways.costs(members), land.fresh(members), rtol=1e-12)
            checked += 1
    assert checked == 500


@pytest.mark.parametrize("seed", range(4))
def test_listed_sets_hold_every_best_way(seed):
    fences, wires, width = [(2, 1, 4), (1, 2, 5), (2, 2, 7), (3, 1, 5)][seed]
    land = Fenced(seed + 10, fences, wires, width)
    ways = land.ways()
    found = way_sets(ways)
    assert found.complete
    today = ways.costs([])
    for size in range(len(land.sites) + 1):
        for members in combinations(range(len(land.sites)), size):
            listed = today.copy()
            for i, j, sites, cost in zip(found.first, found.second, found.sites, found.cost):
                if sites <= set(members):
                    listed[i, j] = listed[j, i] = min(listed[i, j], cost)
            assert np.allclose(listed, ways.costs(members), rtol=1e-12)
    for i, j, sites, cost in zip(found.first, found.second, found.sites, found.cost):
        assert cost == pytest.approx(ways.costs(sorted(sites))[i, j], rel=1e-12)
        for k in sites:  # every site of a listed set is needed
            assert ways.costs(sorted(sites - {k}))[i, j] > cost


def test_a_search_that_is_cut_short_says_so_and_sites_apart_are_never_used_together():
    land = Fenced(3, 2, 1, 4)
    ways = land.ways()
    assert not way_sets(ways, most_sets=1).complete
    pairs = [(a, b) for a in range(4) for b in range(4, 8)]
    together = way_sets(ways)
    alone = way_sets(ways, apart=pairs)
    assert any(len(s) > 1 for s in together.sites)
    assert not any(set(p) <= s for s in alone.sites for p in pairs)


def test_where_nothing_can_be_opened_there_is_no_set_and_today_stays():
    surface = cost_surface(np.ones((3, 4)))
    network = PortalNetwork.build(surface, [[(0, 0)], [(2, 3)]], Openings.of([]))
    ways = OpenedWays(network, ())
    assert [len(column) for column in ways.arcs()] == [0, 0, 0, 0]
    assert ways.costs((0, 1))[0, 1] == pytest.approx(2 * np.sqrt(2) + 1)
    found = way_sets(ways)
    assert found.complete
    assert found.sites == []
