"""The classic form: barriers burnt into cells, judged by scikit-image's MCP."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from skimage.graph import MCP_Geometric

from permeability.barriers.lines import prepare
from permeability.barriers.scenario import Scenario
from permeability.core.estimate import Estimate
from permeability.landscape.landscape import Landscape, build
from permeability.landscape.resistance_raster import burn_resistance, stretches
from permeability.layers.grid import Grid
from permeability.species import species

CRS, CELL, N = "EPSG:32648", 1000.0, 16
KHULAN = species("khulan").override({"trace_km.stock": 16.0})  # one trace length, so that one formula holds
M = KHULAN.trace_length_m.best


def land(
    lines: Sequence[shapely.Geometry], chance: float = 0.0, neighbours: int = 8, **columns: object
) -> Landscape:
    grid = Grid.from_bounds((0, 0, N * CELL, N * CELL), cell_size=CELL, crs=CRS)
    rows = {"id": [f"f{i}" for i in range(len(lines))], "kind": "fence", "fence_class": "stock", **columns}
    table = gpd.GeoDataFrame(rows, geometry=list(lines), crs=CRS)
    return build(
        grid,
        np.ones(grid.shape),
        prepare(table),
        KHULAN.override({"crossing.stock": chance}),
        neighbours=neighbours,
    )


def reach(burnt: NDArray[np.float64], start: tuple[int, int]) -> NDArray[np.bool_]:
    """Cells an 8-neighbour walk reaches in the burnt raster, by scikit-image."""
    costs, _ = MCP_Geometric(np.where(np.isnan(burnt), -1.0, burnt), fully_connected=True).find_costs([start])
    return np.isfinite(np.asarray(costs))


def assert_closed(where: Landscape, face: shapely.Geometry) -> None:
    burnt = burn_resistance(where)
    points = shapely.points(*np.meshgrid(where.grid.x, where.grid.y))
    inside, near = shapely.contains(face, points), shapely.dwithin(points, face.boundary, 1e-3)
    free = ~np.isnan(burnt) & ~near
    for r, c in np.argwhere(inside & free)[:4]:
        assert not (reach(burnt, (int(r), int(c))) & ~inside & free).any()


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    n=st.integers(3, 9),
    lattice=st.sampled_from([None, 1.0, 0.5]),
    neighbours=st.sampled_from([4, 8]),
)
def test_a_burnt_ring_does_not_leak(seed: int, n: int, lattice: float | None, neighbours: int) -> None:
    """Rings at any offset, along cell edges, through corners and centres; whatever neighbours the landscape has."""
    rng = np.random.default_rng(seed)
    angle = np.sort(rng.uniform(0, 2 * np.pi, n))
    radius = rng.uniform(2, 7, n)
    xy = np.column_stack([8 + radius * np.cos(angle), 8 + radius * np.sin(angle)])
    xy = np.round(xy / lattice) * lattice if lattice else xy
    ring = shapely.Polygon(xy * CELL)
    if not ring.is_valid or ring.area == 0:
        return
    assert_closed(land([ring.exterior], neighbours=neighbours), ring)


@pytest.mark.parametrize("offset", [0.0, 0.25, 0.5])
@pytest.mark.parametrize("turn", range(0, 180, 15))
def test_a_burnt_straight_fence_blocks_at_every_angle(turn: int, offset: float) -> None:
    along = np.array([np.cos(np.deg2rad(turn)), np.sin(np.deg2rad(turn))])
    across = np.array([-along[1], along[0]])
    middle = np.array([8_000.0, 8_000.0]) + offset * CELL
    fence = shapely.LineString([middle - 40_000 * along, middle + 40_000 * along])
    half = shapely.Polygon(
        [
            middle - 40_000 * along,
            middle + 40_000 * along,
            middle + 40_000 * (along + across),
            middle - 40_000 * (along - across),
        ]
    )
    assert_closed(land([fence]), half)


def test_a_burnt_cell_carries_the_crossing_cost() -> None:
    """R_cell = R_base + C / cell size; several barriers in a cell add up (DESIGN 3.1)."""
    cost = M * (1 - 0.2) / 0.2
    fence = shapely.LineString([(8300, -100), (8300, 17_000)])
    burnt = burn_resistance(land([fence], chance=0.2))
    expected = np.ones((N, N))
    expected[:, 8] += cost / CELL
    np.testing.assert_allclose(burnt, expected)
    second = shapely.LineString([(8600, -100), (8600, 17_000)])
    np.testing.assert_allclose(burn_resistance(land([fence, second], chance=0.2))[:, 8], 1 + 2 * cost / CELL)
    assert np.isnan(burn_resistance(land([fence]))[:, 8]).all()


def test_opened_stretches_are_burnt_at_their_own_cost() -> None:
    fence = shapely.LineString([(8300, 0), (8300, 16_000)])
    today = land([fence])
    opened = today.with_scenario(Scenario("x").remove("f0", km=(4, 9)))
    burnt = burn_resistance(opened)
    assert np.isnan(burnt[[0, 1, 13, 14, 15], 8]).all()
    np.testing.assert_array_equal(burnt[8:11, 8], 1.0)
    assert reach(burnt, (8, 0)).sum() > reach(burn_resistance(today), (8, 0)).sum()
    pieces = stretches(opened, 0)
    assert [round(g.length) for g, _ in pieces] == [4000, 5000, 7000]
    assert [c for _, c in pieces] == [np.inf, 0.0, np.inf]


def test_a_gap_is_burnt_two_cells_wide_at_the_chance_of_the_gap() -> None:
    fence = shapely.LineString([(8300, 0), (8300, 16_000)])
    gap = Scenario("x").treat("f0", km=8.0, treatment="gap", width_m=50, chance=Estimate(0.5, 0.5, 0.5))
    pieces = stretches(land([fence]).with_scenario(gap), 0)
    assert [round(g.length) for g, _ in pieces] == [7000, 2000, 7000]
    assert [c for _, c in pieces] == [np.inf, M, np.inf]
    burnt = burn_resistance(land([fence]).with_scenario(gap))
    assert reach(burnt, (0, 0))[0, 15]


def test_lines_that_do_not_stand_are_not_burnt() -> None:
    fence = shapely.LineString([(8300, 0), (8300, 16_000)])
    np.testing.assert_array_equal(burn_resistance(land([fence], status="planned")), np.ones((N, N)))
    np.testing.assert_array_equal(burn_resistance(land([fence]).without_barriers()), np.ones((N, N)))
