"""Wall-to-wall flow: against formulas for sheets, a dense solve, and its own symmetries."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from permeability.core.errors import PermeabilityError
from permeability.engines.kernels.edges import D_COL, D_ROW, EdgeBarriers
from permeability.engines.omnidirectional.wall_to_wall import SIDES, wall_to_wall


def dense(grid: np.ndarray, side: str, boundary: str) -> tuple[np.ndarray, float]:
    """Current map of 1 A and resistance by dense algebra: 8 neighbours, mean resistance."""
    rows, cols = grid.shape
    n = grid.size
    links = np.zeros((n, n))
    for r in range(rows):
        for c in range(cols):
            for d in range(4):
                r2, c2 = r + int(D_ROW[d]), c + int(D_COL[d])
                if 0 <= r2 < rows and 0 <= c2 < cols and np.isfinite(grid[r, c] + grid[r2, c2]):
                    g = 2 / (grid[r, c] + grid[r2, c2]) / (np.sqrt(2) if d > 1 else 1)
                    links[r * cols + c, r2 * cols + c2] = links[r2 * cols + c2, r * cols + c] = g
    turned = {"west": 0, "north": 1, "east": 2, "south": 3}[side]
    base = np.full(np.rot90(grid, turned).shape, np.nan)  # the source wall on the left
    if boundary == "absorbing":
        base[0, :] = base[-1, :] = 0
    if boundary == "open":
        base[0, :] = base[-1, :] = np.linspace(1, 0, base.shape[1])
    base[:, -1] = 0
    base[:, 0] = 1
    held = np.rot90(base, -turned).ravel()
    alive = np.isfinite(grid).ravel()
    free = np.flatnonzero(np.isnan(held) & alive)
    fixed = np.flatnonzero(~np.isnan(held) & alive)
    matrix = np.diag(links.sum(1)) - links
    v = np.zeros(n)
    v[fixed] = held[fixed]
    v[free] = np.linalg.solve(matrix[np.ix_(free, free)], -matrix[np.ix_(free, fixed)] @ v[fixed])
    flow = links * (v[:, None] - v[None, :])
    start = [k for k in fixed if held[k] == 1]
    total = flow[start].sum()
    current = np.maximum(np.maximum(flow, 0).sum(1), np.maximum(-flow, 0).sum(1)) / total
    return current.reshape(grid.shape), 1 / total


@pytest.mark.parametrize("boundary", ["closed", "open", "absorbing"])
@pytest.mark.parametrize("side", SIDES)
def test_one_direction_equals_a_dense_solve(side: str, boundary: str) -> None:
    grid = 10 ** np.random.default_rng(3).uniform(0, 2, (9, 12))
    grid[4, 5:7] = np.nan
    result = wall_to_wall(grid, sides=(side,), boundary=boundary, rtol=1e-12)
    current, resistance = dense(grid, side, boundary)
    assert result.resistance[side] == pytest.approx(resistance, rel=1e-8)
    alive = np.isfinite(grid)
    np.testing.assert_allclose(result.current[alive], current[alive], rtol=1e-6, atol=1e-9)
    assert np.isnan(result.current[~alive]).all()


def test_a_sheet_has_the_resistance_of_its_strips() -> None:
    result = wall_to_wall(np.full((6, 11), 3.0), neighbours=4, boundary="closed")
    assert result.resistance["west"] == pytest.approx(3.0 * 10 / 6, rel=1e-8)
    assert result.resistance["north"] == pytest.approx(3.0 * 5 / 11, rel=1e-8)
    np.testing.assert_allclose(result.by_direction["west"], 1 / 6, rtol=1e-7)
    np.testing.assert_allclose(result.current, (1 / 6 + 1 / 11) / 2, rtol=1e-7)


def test_open_sides_change_nothing_on_an_even_sheet_and_absorbing_ones_do() -> None:
    sheet = np.ones((8, 8))
    closed, opened, absorbing = (
        wall_to_wall(sheet, neighbours=4, boundary=b) for b in ("closed", "open", "absorbing")
    )
    np.testing.assert_allclose(closed.current[1:-1], opened.current[1:-1], rtol=1e-7)
    assert absorbing.resistance["west"] < 0.8 * closed.resistance["west"]
    assert "grounded" in absorbing.boundary_text


def test_the_way_back_is_the_way_there() -> None:
    grid = 10 ** np.random.default_rng(5).uniform(0, 1.5, (15, 12))
    result = wall_to_wall(grid)
    np.testing.assert_allclose(result.by_direction["west"], result.by_direction["east"], rtol=1e-5)
    np.testing.assert_allclose(
        result.current, np.mean([result.by_direction[s] for s in SIDES], axis=0), rtol=1e-12
    )


def fence(rows: int, cols: int, at: int, gap: range) -> EdgeBarriers:
    """Every edge between columns ``at`` and ``at + 1`` removed, but for the rows of the gap."""
    cells = []
    for r in range(rows):
        for c, d in ((at, 0), (at, 2), (at + 1, 3)):
            if r not in gap and (d == 0 or r + 1 < rows):
                cells.append((r * cols + c, d))
    cell, direction = (np.array(x) for x in zip(*sorted(cells)))
    closed = np.full(len(cell), np.inf)
    return EdgeBarriers(cell.astype(np.int64), direction.astype(np.uint8), closed, closed)


def test_barriers_on_edges_stay_in_place_within_the_buffer() -> None:
    grid = np.ones((14, 20))
    shut = wall_to_wall(grid, sides=("west",), barriers=fence(14, 20, 9, range(0)))
    assert shut.resistance["west"] == np.inf
    assert np.nansum(shut.current) == 0
    around = wall_to_wall(grid, sides=("west",), barriers=fence(14, 20, 9, range(0)), buffer=3)
    assert np.isfinite(around.resistance["west"])  # the buffer lets the flow round both ends
    gap = wall_to_wall(grid, sides=("west",), barriers=fence(14, 20, 9, range(6, 8)))
    assert gap.current[6:8, 9].sum() == pytest.approx(1.0, rel=0.25)
    assert gap.current[:5, 9].max() < 0.1
    assert gap.current[6:8, 9].min() > 0.35


def test_the_buffer_keeps_the_walls_out_of_the_map() -> None:
    grid = np.ones((20, 20))
    grid[:, 0] = 200.0  # a bad column right where the wall would be
    bare = wall_to_wall(grid, sides=("north",)).current
    framed = wall_to_wall(grid, sides=("north",), buffer=8)
    assert framed.current.shape == grid.shape
    assert framed.buffer_resistance == 1.0
    assert framed.current[:, 1:].std() < 3 * bare[:, 1:].std() + 0.05


def test_a_landscape_brings_its_barriers() -> None:
    class Landscape:
        resistance = np.ones((10, 10))
        neighbours = 8

        def edge_barriers(self) -> EdgeBarriers:
            return fence(10, 10, 4, range(0))

    assert wall_to_wall(Landscape(), sides=("east",)).resistance["east"] == np.inf


@pytest.mark.parametrize(
    ("code", "options"),
    [
        ("O01", {"boundary": "ajar"}),
        ("O01", {"sides": ("up",)}),
        ("O01", {"neighbours": 16}),
        ("O01", {"average": "mean"}),
        ("O01", {"buffer_resistance": "mean"}),
        ("W10", {"buffer": -1}),
        ("W16", {"buffer_resistance": 0.0}),
        ("W16", {"landscape": np.ones((2, 5))}),
        ("R01", {"landscape": np.zeros((5, 5))}),
        ("W17", {"landscape": np.where(np.arange(6) == 0, np.nan, np.ones((6, 6)))}),
    ],
)
def test_what_means_nothing_is_refused(code: str, options: dict[str, Any]) -> None:
    with pytest.raises(PermeabilityError, match=rf"\[{code}\]"):
        wall_to_wall(**{"landscape": np.ones((6, 6)), **options})


def test_a_frame_of_a_stated_resistance_is_ground_of_that_resistance() -> None:
    grid = 10 ** np.random.default_rng(7).uniform(0, 1, (8, 9))
    framed = wall_to_wall(grid, sides=("north",), buffer=3, buffer_resistance=4.0)
    drawn = wall_to_wall(np.pad(grid, 3, constant_values=4.0), sides=("north",))
    assert framed.buffer_resistance == 4.0
    assert framed.resistance["north"] == pytest.approx(drawn.resistance["north"], rel=1e-12)
    np.testing.assert_allclose(framed.current, drawn.current[3:-3, 3:-3], rtol=1e-12)
