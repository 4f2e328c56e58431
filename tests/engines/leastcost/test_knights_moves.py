"""Knight's moves (16 neighbours) jump nothing: cells without passage, dear cells, lines; even ground is as before."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from permeability.barriers.lines import prepare
from permeability.core.errors import OptionError
from permeability.engines.circuit.modes import Network, network_pairwise
from permeability.engines.kernels.edges import D_COL, D_ROW, ground_along
from permeability.engines.leastcost.distance import cost_distance
from permeability.engines.leastcost.surface import cost_surface, slope_costs, step_costs
from permeability.landscape.landscape import build
from permeability.layers.grid import Grid
from permeability.linkage.barrier_score import barrier_score
from permeability.species import species

EIGHTHS = (0.125, 0.375, 0.625, 0.875)  # one place in each of the four cells under a move


def field(ground: NDArray[np.float64], **options: object) -> NDArray[np.float64]:
    return np.asarray(cost_distance(cost_surface(ground, neighbours=16, **options), [(0, 0)]))  # type: ignore[arg-type]


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), turns=st.integers(0, 3), mirrored=st.booleans())
def test_turned_and_mirrored_ground_gives_the_same_costs(seed: int, turns: int, mirrored: bool) -> None:
    rng = np.random.default_rng(seed)
    ground = np.exp(rng.normal(size=(15, 15)))
    ground[rng.random(ground.shape) < 0.15] = np.nan
    ground[7, 7] = 1.0  # the middle stays where it is

    def moved(array: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.ascontiguousarray(np.rot90(np.fliplr(array) if mirrored else array, turns))

    here, there = (
        np.asarray(cost_distance(cost_surface(g, neighbours=16), [(7, 7)])) for g in (ground, moved(ground))
    )
    np.testing.assert_allclose(there, moved(here), rtol=1e-12)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), missing=st.sampled_from([np.nan, np.inf]))
def test_what_8_neighbours_cannot_reach_16_cannot(seed: int, missing: float) -> None:
    rng = np.random.default_rng(seed)
    ground = rng.uniform(1, 5, (14, 15))
    ground[rng.random(ground.shape) < 0.4] = missing
    ground[0, 0] = 1.0
    joined = ndimage.label(np.isfinite(ground), np.ones((3, 3)))[0]
    assert np.array_equal(np.isfinite(field(ground)), joined == joined[0, 0])


def test_a_wall_of_one_cell_costs_its_ground() -> None:
    """Crossing 1,000 over one cell takes 1,000 more than open ground to within the step into and out of it."""
    ground = np.ones((9, 9))
    ground[4] = 1000.0
    for n in (4, 8, 16):
        assert float(cost_distance(ground, [(0, 4)], neighbours=n)[8, 4]) == pytest.approx(1007.0)


def test_ground_under_a_move_is_what_a_walk_along_it_meets() -> None:
    rng = np.random.default_rng(2)
    ground = rng.uniform(1, 9, (7, 7))
    for k in range(8):
        r, c = 2, 3
        walk = [ground[int(r + t * D_ROW[k] + 0.5), int(np.floor(c + t * D_COL[k] + 0.5))] for t in EIGHTHS]
        found = ground_along(ground, np.array([r * 7 + c]), np.array([k]))
        assert found[0] == pytest.approx(np.mean(walk))


def test_even_ground_is_the_same_for_both_rules() -> None:
    ground = np.full((20, 23), 3.0)
    assert np.array_equal(field(ground), field(ground, knights_move="over"))


def test_over_is_the_published_rule_and_jumps() -> None:
    ground = np.ones((9, 9))
    ground[4] = np.nan
    assert np.isfinite(field(ground, knights_move="over")[8, 8])
    with pytest.raises(OptionError, match="O01"):
        cost_surface(ground, knights_move="under")


def test_a_rule_for_steps_and_relief_jump_nothing_either() -> None:
    rng = np.random.default_rng(5)
    ground = rng.uniform(1, 9, (12, 13))
    mean = step_costs(lambda length, a, b: length * (a + b) / 2, ground, neighbours=16)
    assert np.allclose(field(ground, step_costs=mean), field(ground), rtol=1e-12)
    y, x = np.mgrid[:12, :13].astype(float)
    plain, flat = 3 * x + 2 * y, np.ones((12, 13))
    both = [
        slope_costs(flat, plain, uphill=2, neighbours=16),
        step_costs(lambda length, a, b, za, zb: length * (1 + 2 * max(float((zb - za).flat[0]) / length, 0)),
                   flat, plain, neighbours=16, knights_move="over"),
    ]  # fmt: skip
    assert np.allclose(both[0][np.isfinite(both[1])], both[1][np.isfinite(both[1])])
    height = plain.copy()
    height[5] = np.nan  # a void in the elevation
    assert np.isinf(field(flat, step_costs=slope_costs(flat, height, neighbours=16))[11, 12])


def test_a_circuit_with_16_neighbours_jumps_nothing() -> None:
    ground = np.ones((7, 5))
    ground[3] = np.nan
    steps = step_costs(lambda length, a, b: length * (a + b) / 2, ground, neighbours=16)
    found = network_pairwise(Network.of_grid(steps), [2, 32], maps=False)
    assert np.isinf(found.resistance[0, 1])


@pytest.mark.parametrize("turn", [0, 1, 2, 3])
def test_a_landscape_cut_by_nodata_or_a_line_is_in_parts(turn: int) -> None:
    grid = Grid.from_bounds((0, 0, 12_000, 12_000), cell_size=1000, crs="EPSG:32648")
    ground = np.ones((12, 12))
    column = np.arange(12) // 2 + 3
    ground[np.arange(12), column] = np.nan  # a steep river of one cell
    ground[np.arange(1, 12), column[:-1]] = np.nan  # closed to diagonal moves as well
    nothing = gpd.GeoDataFrame({"id": ["f"], "kind": "fence", "fence_class": "border"},
                               geometry=[shapely.LineString([(-2000, 500), (-1000, 500)])], crs=grid.crs)  # fmt: skip
    wet = build(grid, np.rot90(ground, turn).copy(), prepare(nothing), species("khulan"), neighbours=16)
    assert wet.parts.max() == 2
    rng = np.random.default_rng(turn)
    bends = np.column_stack([np.linspace(-1500, 13_500, 9), rng.uniform(3000, 9000, 9)])
    fence = nothing.set_geometry([shapely.LineString(bends if turn % 2 else bends[:, ::-1])], crs=grid.crs)
    parts = [
        build(grid, np.ones((12, 12)), prepare(fence), species("khulan"), neighbours=n).parts for n in (8, 16)
    ]
    assert np.array_equal(parts[0] > 0, parts[1] > 0)
    assert parts[0].max() == parts[1].max() >= 2


def test_a_restored_window_counts_what_moves_pass() -> None:
    """The score of a window equals restoring its cells and measuring anew, also where only a passed cell is restored."""
    rng = np.random.default_rng(8)
    ground = rng.uniform(5, 60, (15, 16))
    a, b = [(2, 2)], [(12, 13)]
    for rule in ("through", "over"):
        surface = cost_surface(ground, neighbours=16, knights_move=rule)
        before = float(cost_distance(surface, a)[12, 13])
        score = np.asarray(barrier_score(surface, {"a": a, "b": b}, 1.0, crossing="exact").score)
        for at in [(7, 7), (5, 6), (9, 10)]:
            restored = ground.copy()
            y, x = np.mgrid[:15, :16]
            restored[np.hypot(y - at[0], x - at[1]) <= 1.0] = 1.0
            after = float(cost_distance(cost_surface(restored, neighbours=16, knights_move=rule), a)[12, 13])
            assert score[at] * 2.0 == pytest.approx(before - after, abs=1e-9)
