"""Fields after a few edges changed are the fields of a fresh run, to the last bit, cell by cell and tile by tile."""

from __future__ import annotations

import numpy as np
import pytest

from permeability.engines.kernels.edges import EdgeBarriers
from permeability.engines.leastcost import changed_fields
from permeability.engines.leastcost.changed_fields import ChangedFields
from permeability.engines.leastcost.distance import cost_distance, cost_surface

SHAPE = (70, 90)


def _walls(rng: np.random.Generator, neighbours: int) -> EdgeBarriers:
    """Two walls across the grid that nothing passes, with holes here and there, and edges that only cost."""
    directions = {4: [0, 1], 8: [0, 1, 2, 3], 16: list(range(8))}[neighbours]
    cells = [r * SHAPE[1] + c for r in range(2, SHAPE[0] - 2) for c in (28, 29, 30, 60)]
    keys = np.unique([cell * 8 + k for cell in cells for k in directions])
    cost = np.where(rng.random(len(keys)) < 0.03, rng.uniform(1, 900, len(keys)), np.inf)
    return EdgeBarriers(keys // 8, (keys % 8).astype(np.uint8), cost, cost)


@pytest.mark.parametrize(("few", "part"), [(0, 10**9), (50, 50), (10**9, 1)])
@pytest.mark.parametrize("neighbours", [4, 8, 16])
def test_after_a_change_every_field_has_the_bits_of_a_fresh_run(neighbours, few, part, monkeypatch):
    monkeypatch.setattr(changed_fields, "FEW", few)
    monkeypatch.setattr(changed_fields, "PART", part)
    rng = np.random.default_rng(neighbours)
    ground = rng.uniform(0.5, 30, SHAPE)
    ground[rng.random(SHAPE) < 0.05] = np.nan
    barriers = _walls(rng, neighbours)
    surface = cost_surface(ground, cell_size=100, neighbours=neighbours, barriers=barriers)
    masks = []
    for at in ((5, 5), (40, 45), (66, 85)):
        mask = np.zeros(SHAPE, bool)
        mask[at[0] : at[0] + 2, at[1] : at[1] + 3] = True
        masks.append(mask & np.isfinite(ground))
    before = [cost_distance(surface, m) for m in masks]
    fields = ChangedFields(surface, before, masks, [500.0, 20_000.0])
    today = fields.after(np.zeros(0, np.int64), np.zeros(0))
    for turn in range(12):
        mine = np.sort(rng.choice(len(barriers.cell), 1 + 3 * turn, replace=False))
        cost = rng.uniform(0, 800, len(mine))
        if turn % 3 == 2:  # some fall and some rise
            cost[:: 1 + turn // 3] = np.inf
        keys = barriers.keys[mine]
        changed = barriers.replaced(keys, cost, cost)
        fresh = [cost_distance(surface.with_barriers(changed), m) for m in masks]
        for i, (cells, new, old) in enumerate(fields.changed_cells(keys, cost)):
            field = np.array(before[i])
            assert np.array_equal(field.flat[cells], old)
            field.flat[cells] = new
            assert np.array_equal(field, fresh[i])
        costs, reach = fields.after(keys, cost)
        assert reach.tolist() == [[(f <= limit).sum() for limit in (500.0, 20_000.0)] for f in fresh]
        among = np.array([[f[m].min() for m in masks] for f in fresh])
        assert np.array_equal(costs, np.minimum(among, among.T))
        costs, again = fields.after_opening(keys, cost)
        assert costs == pytest.approx(np.minimum(among, among.T), rel=1e-13, abs=0)
        assert np.array_equal(again, reach)
        for limit in (
            0.0,
            500.0,
            9_000.0,
            1e9,
        ):  # only what lies within it is asked for, whether it falls or rises
            for i, (cells, new, old) in enumerate(fields.changed_cells(keys, cost, limit)):
                field = np.array(before[i])
                assert np.array_equal(field.flat[cells], old)
                field.flat[cells] = new
                assert np.array_equal(field <= limit, fresh[i] <= limit)
                assert np.array_equal(field[field <= limit], fresh[i][fresh[i] <= limit])
    again = fields.after(np.zeros(0, np.int64), np.zeros(0))  # nothing of it stays behind
    assert np.array_equal(again[0], today[0])
    assert np.array_equal(again[1], today[1])


def test_the_change_of_a_whole_side_is_found_tile_by_tile(monkeypatch):
    """One door in a wall: all cells behind it fall, in one call of the tiles and none of the cells."""
    rows = 60
    keys = np.arange(rows) * rows + 29
    wall = EdgeBarriers(keys, np.zeros(rows, np.uint8), np.full(rows, np.inf), np.full(rows, np.inf))
    surface = cost_surface(np.ones((rows, rows)), cell_size=1, neighbours=4, barriers=wall)
    start = np.zeros((rows, rows), bool)
    start[0, 0] = True
    fields = ChangedFields(surface, [cost_distance(surface, start)], [start], 1e9)
    calls = []
    there = changed_fields.relax
    monkeypatch.setattr(changed_fields, "relax", lambda *a, **k: calls.append(1) or there(*a, **k))
    monkeypatch.setattr(changed_fields, "FEW", 100)
    ((cells, new, old),) = fields.changed_cells(np.array([29 * 8]), np.array([5.0]))
    assert calls == [1]
    assert len(cells) == 30 * rows
    assert np.isinf(old).all()
    r, c = np.divmod(cells, rows)
    assert new.tolist() == (r + c + 5.0).tolist()  # Manhattan, and what the door costs


def test_costs_after_an_opening_are_read_off_the_old_fields_unless_a_way_over_two_edges_may_pay(monkeypatch):
    """Many small openings in random ground: quick and slow, both are met, and both tell what a fresh run tells."""
    there = ChangedFields._opened_costs
    quick = []
    monkeypatch.setattr(ChangedFields, "_opened_costs", lambda *a: quick.append(there(*a)) or quick[-1])
    for seed in range(6):
        rng = np.random.default_rng(seed)
        ground = (
            rng.uniform(0.5, 2, SHAPE) if seed % 2 else np.ones(SHAPE)
        )  # plain ground has many equal ways
        barriers = _walls(rng, 8)
        surface = cost_surface(ground, cell_size=100, neighbours=8, barriers=barriers)
        masks = [np.zeros(SHAPE, bool) for _ in range(4)]
        for mask, (r, c) in zip(masks, ((10, 5), (35, 40), (60, 27), (20, 85))):
            mask[r : r + 2, c : c + 2] = True
        fields = ChangedFields(surface, [cost_distance(surface, m) for m in masks], masks, 3_000.0)
        at = barriers.at(barriers.keys)[0]
        for _ in range(25):
            first = rng.integers(len(at) - 8)
            mine = np.unique([*range(first, first + 4), *rng.choice(len(at), rng.integers(3))])
            cost = np.minimum(at[mine], rng.choice([0.0, 40.0, 2_000.0, np.inf], len(mine)))
            keys = barriers.keys[mine]
            changed = surface.with_barriers(barriers.replaced(keys, cost, cost))
            fresh = [cost_distance(changed, m) for m in masks]
            among = np.array([[f[m].min() for m in masks] for f in fresh])
            costs, reach = fields.after_opening(keys, cost)
            assert costs == pytest.approx(np.minimum(among, among.T), rel=1e-13, abs=0)
            assert reach.tolist() == [(f <= 3_000.0).sum() for f in fresh]
            same = ~(costs < fields.cost * (1 - 1e-12))
            assert np.array_equal(costs[same], fields.cost[same])  # rounding is no gain
    told = [q is not None for q in quick]
    assert 0 < sum(told) < len(told)


def test_edges_cost_on_the_grid_with_its_rim_what_they_cost_on_the_surface():
    """Against the expression for single edges, also where a knight's move runs between two cells."""
    from permeability.engines.kernels.field_update import edge_weights
    from permeability.engines.kernels.trace import edge_cost

    rng = np.random.default_rng(3)
    ground = rng.uniform(0.5, 30, (7, 9))
    ground[rng.random(ground.shape) < 0.1] = np.nan
    for neighbours, pad, move in ((4, 1, "through"), (8, 1, "through"), (16, 2, "through"), (16, 2, "over")):
        surface = cost_surface(ground, cell_size=(90, 110), neighbours=neighbours, knights_move=move)
        edges = surface.edges
        found = edge_weights(edges, pad).reshape(7 + 2 * pad, 9 + 2 * pad, edges.n)
        plain = [
            [[edge_cost(edges, r, c, k, False) for k in range(edges.n)] for c in range(9)] for r in range(7)
        ]
        assert np.array_equal(found[pad:-pad, pad:-pad], plain)
        found[pad:-pad, pad:-pad] = np.inf
        assert np.isinf(found).all()
