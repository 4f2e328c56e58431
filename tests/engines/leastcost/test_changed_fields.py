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


@pytest.mark.parametrize("few", [0, 50, 10**9])
@pytest.mark.parametrize("neighbours", [4, 8, 16])
def test_after_a_change_every_field_has_the_bits_of_a_fresh_run(neighbours, few, monkeypatch):
    monkeypatch.setattr(changed_fields, "FEW", few)
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
        assert costs[0, 2] == min(fresh[0][masks[2]].min(), fresh[2][masks[0]].min())
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
