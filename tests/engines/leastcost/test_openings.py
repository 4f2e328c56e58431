"""Gains of openings from two old fields against running the field again."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from permeability.core.errors import BarrierError, OptionError
from permeability.engines.kernels.edges import D_COL, D_ROW, N_DIRECTIONS, EdgeBarriers
from permeability.engines.leastcost.distance import cost_distance
from permeability.engines.leastcost.openings import Openings, PortalNetwork, opened_costs
from permeability.engines.leastcost.surface import CostSurface, cost_surface, slope_costs

pytestmark = pytest.mark.oracle


def walls_between(side: NDArray[Any], neighbours: int, cost: float) -> EdgeBarriers:
    """A barrier on every edge between cells of different sides."""
    rows, cols = side.shape
    cell, k = np.meshgrid(np.arange(side.size), np.arange(N_DIRECTIONS[neighbours]), indexing="ij")
    r, c = cell // cols + D_ROW[k], cell % cols + D_COL[k]
    inside = (r < rows) & (c >= 0) & (c < cols)
    other = np.where(inside, r * cols + c, 0)
    use = inside & (side.reshape(-1)[other] != side.reshape(-1)[cell])
    costs = np.full(int(use.sum()), cost)
    return EdgeBarriers(cell[use], k[use].astype(np.uint8), costs, costs)


def rerun(surface: CostSurface, openings: Openings, i: int, source: Any, target: tuple[int, int]) -> float:
    """Path cost after opening candidate i, by a new field."""
    one, walls = openings.union([i]), surface.barriers
    assert walls is not None
    cost = walls.cost.copy()
    at = np.searchsorted(walls.cell * 8 + walls.direction, one.cell * 8 + one.direction)
    cost[at] = one.cost
    return float(cost_distance(surface.with_barriers(walls._replace(cost=cost)), source)[target])


def ends(surface: CostSurface, rng: np.random.Generator) -> tuple[tuple[int, int], tuple[int, int]]:
    flat = rng.choice(np.flatnonzero(surface.passable()), 2)
    a, b = (divmod(int(f), surface.shape[1]) for f in flat)
    return a, b


def test_500_candidates_equal_re_running() -> None:
    rng = np.random.default_rng(11)
    n = 90
    r = 10 ** rng.uniform(0, 1.5, (n, n))
    r[rng.random(r.shape) < 0.05] = np.nan
    first = 30 + np.cumsum(rng.choice([-1, 0, 1], n))
    side = (np.arange(n)[:, None] > first[None]).astype(int) + (np.arange(n)[:, None] > first[None] + 2)
    side += np.arange(n)[:, None] > 70  # a railway with two fences, and a third barrier
    walls = walls_between(side, 8, np.inf)
    walls = walls._replace(
        cost=np.where(rng.random(len(walls.cell)) < 0.5, np.inf, rng.uniform(20, 900, len(walls.cell)))
    )
    surface = cost_surface(r, barriers=walls, cell_size=20.0)
    source, target = (2, 5), (n - 3, n - 9)
    r[source] = r[target] = 1.0
    surface = cost_surface(r, barriers=walls, cell_size=20.0)
    ds, dt = cost_distance(surface, [source]), cost_distance(surface, [target])
    candidates = []
    for _ in range(500):
        x, width = rng.integers(n), rng.integers(1, 9)
        own = (walls.cell % n >= x) & (walls.cell % n < x + width)
        if rng.random() < 0.7:
            own &= np.abs(walls.cell // n - rng.choice([30, 33, 70])) < 12
        new = np.minimum(rng.choice([0.0, 10.0, 150.0]), walls.cost[own])
        candidates.append((walls.cell[own], walls.direction[own], new))
    openings = Openings.of(candidates)
    got = opened_costs(surface, ds, dt, openings)
    expected = [rerun(surface, openings, i, [source], target) for i in range(len(openings))]
    assert np.allclose(got, expected, rtol=1e-12, atol=0)
    assert (got < ds[target]).sum() > 50  # the case is not empty


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**31), neighbours=st.sampled_from([4, 8, 16]), directed=st.booleans())
def test_any_set_of_edges_anywhere(seed: int, neighbours: int, directed: bool) -> None:
    """Paths that use many opened edges, in walls of any shape, with parts that are cut off."""
    rng = np.random.default_rng(seed)
    shape = (int(rng.integers(2, 18)), int(rng.integers(2, 18)))
    r = 10 ** rng.uniform(0, 2, shape)
    r[rng.random(shape) < 0.1] = np.nan
    r[0, 0] = r[-1, -1] = 1.0
    side = rng.integers(0, rng.integers(2, 30), shape)
    walls = walls_between(side, neighbours, np.inf)
    walls = walls._replace(cost=rng.choice([5.0, 400.0, np.inf], len(walls.cell)))
    steps = (
        slope_costs(r, rng.normal(0, 3, shape), uphill=2, downhill=0.1, neighbours=neighbours)
        if directed
        else None
    )
    surface = cost_surface(r, barriers=walls, neighbours=neighbours, step_costs=steps)
    source, target = ends(surface, rng)
    ds, dt = cost_distance(surface, [source]), cost_distance(surface, [target], reverse=True)
    candidates = []
    for _ in range(6):
        own = rng.random(len(walls.cell)) < rng.choice([0.02, 0.2, 1.0])
        candidates.append(
            (walls.cell[own], walls.direction[own], np.minimum(rng.choice([0.0, 3.0]), walls.cost[own]))
        )
    openings = Openings.of(candidates)
    got = opened_costs(surface, ds, dt, openings)
    expected = [rerun(surface, openings, i, [source], target) for i in range(len(openings))]
    assert np.allclose(got, expected, rtol=1e-12, atol=1e-12)


def test_portal_network_gives_any_set() -> None:
    rng = np.random.default_rng(13)
    r = 10 ** rng.uniform(0, 1, (24, 26))
    side = (np.arange(24)[:, None] > 7).astype(int) + (np.arange(24)[:, None] > 15) + np.zeros((1, 26), int)
    surface = cost_surface(r, barriers=walls_between(side, 8, np.inf))
    walls = surface.barriers
    assert walls is not None
    openings = Openings.of(
        (walls.cell[own], walls.direction[own], 4.0)
        for x in range(0, 26, 5)
        for own in [(walls.cell % 26 == x) & (walls.cell // 26 // 8 == x % 2)]
    )
    places = [[(2, 3)], [(22, 20), (23, 1)], [(11, 11)]]
    network = PortalNetwork.build(surface, places, openings, workers=2)
    for chosen in ([], [0], [0, 1], [1, 2, 4], list(range(len(openings)))):
        got = network.costs_with(chosen, 0)
        joint = openings.union(chosen) if chosen else Openings.of([([], [], 0.0)])
        field = np.full(r.shape, np.nan)
        cost = walls.cost.copy()
        cost[np.searchsorted(walls.cell * 8 + walls.direction, joint.cell * 8 + joint.direction)] = joint.cost
        field = cost_distance(surface.with_barriers(walls._replace(cost=cost)), places[0])
        expected = [min(field[c] for c in place) for place in places]
        assert np.allclose(got, expected, rtol=1e-12)


def test_union_keeps_the_lowest_cost_of_an_edge() -> None:
    joint = Openings.of([([3, 1], [0, 0], [5.0, 9.0]), ([1], [0], 2.0)]).union([0, 1])
    assert joint.cell.tolist() == [1, 3]
    assert joint.cost.tolist() == [2.0, 5.0]


def test_openings_only_lower_costs() -> None:
    walls = walls_between(np.array([[0, 1, 1]]), 8, 50.0)
    surface = cost_surface(np.ones((1, 3)), barriers=walls)
    field = cost_distance(surface, [(0, 0)])
    for bad in (([0], [0], 60.0), ([1], [0], 10.0), ([2], [0], 0.0), ([0], [7], 0.0), ([-1], [0], 0.0)):
        with pytest.raises(BarrierError, match="D11"):
            opened_costs(surface, field, field, Openings.of([bad]))
    with pytest.raises(OptionError, match="D08"):
        opened_costs(surface, np.zeros((2, 2)), field, Openings.of([([0], [0], 0.0)]))
