"""Areas without passage stay closed on cells: over corners, between centres, for knight's moves, on any lattice."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from permeability.engines.kernels.edges import EdgeBarriers
from permeability.landscape.closed_areas import closed_area_mask, corner_joints
from permeability.landscape.habitat import area_mask, distance_km
from permeability.landscape.landscape import connected_parts
from permeability.layers.grid import Grid

CRS = "EPSG:32648"


def square(x: float = 0.0, y: float = 0.0, n: int = 24, cell: float = 1000.0) -> Grid:
    return Grid.from_bounds((x, y, x + n * cell, y + n * cell), cell_size=cell, crs=CRS)


def table(*shapes: shapely.Geometry) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(geometry=list(shapes), crs=CRS)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), width=st.floats(5, 2500), neighbours=st.sampled_from([4, 8, 16]))
def test_a_river_across_the_map_parts_it(seed: int, width: float, neighbours: int) -> None:
    """Any bend, width, angle, place of the lattice; no cell of one bank reaches the other."""
    rng = np.random.default_rng(seed)
    grid = square(*rng.uniform(-500, 500, 2).round())
    bends = np.column_stack([np.linspace(-3000, 27_000, 7), rng.uniform(5000, 19_000, 7)])
    bends = bends if rng.random() < 0.5 else bends[:, ::-1]
    river = shapely.LineString(bends).buffer(width / 2)
    closed = closed_area_mask(table(river), grid)
    parts = connected_parts(~closed, EdgeBarriers.empty(), neighbours)
    banks = shapely.get_parts(shapely.box(-2500, -2500, 26_500, 26_500).difference(river))
    xx, yy = np.meshgrid(grid.x, grid.y)
    for one in banks:
        mine = parts[shapely.contains_xy(one, xx, yy) & ~closed]
        other = parts[~shapely.contains_xy(one, xx, yy) & ~closed]
        assert not np.isin(mine, other).any()
    assert (closed >= area_mask(table(river), grid)).all()


def test_what_closes_is_little_and_ponds_close_nothing() -> None:
    grid = square()
    pond = shapely.Point(12_000, 12_000).buffer(300)  # on a corner, inside one step
    assert not closed_area_mask(table(pond), grid).any()
    river = shapely.LineString([(-500, 1200), (24_500, 21_300)]).buffer(60)
    assert closed_area_mask(table(river), grid).sum() <= 2 * 24  # a chain of cells, not a belt
    assert not closed_area_mask(table(shapely.Point(-9e5, 0).buffer(5000)), grid).any()  # far off
    assert not closed_area_mask(table(shapely.Polygon()), grid).any()


def test_moved_and_turned_maps_give_the_same_parts() -> None:
    river = shapely.LineString([(-500, 3300), (9000, 8100), (24_500, 20_900)]).buffer(80)
    one = closed_area_mask(table(river), square())
    far = closed_area_mask(table(shapely.affinity.translate(river, 5e5, 4.9e6)), square(5e5, 4.9e6))
    assert np.array_equal(one, far)
    counts = {
        ndimage.label(
            ~closed_area_mask(table(shapely.affinity.rotate(river, a, (12_000, 12_000))), square()),
            np.ones((3, 3)),
        )[1]
        for a in (0, 90, 180, 270)
    }
    assert counts == {2}


def test_corners_are_told_and_only_those_that_matter() -> None:
    ground = np.ones((20, 20), bool)
    assert corner_joints(ground) == []
    ground[np.arange(20), np.arange(20)] = False
    assert len(corner_joints(ground)) == 19
    ground[np.arange(19), np.arange(1, 20)] = False  # closed by sides
    assert corner_joints(ground) == []
    rng = np.random.default_rng(1)
    ragged = rng.random((40, 40)) > 0.1  # scattered holes part nothing
    assert corner_joints(ragged) == []


@pytest.mark.parametrize("shape", ["line", "area", "point"])
def test_a_feature_beyond_the_edge_counts_for_distances(shape: str) -> None:
    """The same distances as on a larger grid, cut."""
    feature = {
        "line": shapely.LineString([(-6300, -4000), (-6300, 30_000)]),
        "area": shapely.box(-9000, 11_000, -6200, 14_000),
        "point": shapely.Point(-6400, 12_500),
    }[shape]
    layer = table(feature, shapely.Point(23_500, 500))
    wide = distance_km(layer, Grid.from_bounds((-12_000, -12_000, 36_000, 36_000), cell_size=1000, crs=CRS))
    assert np.allclose(distance_km(layer, square()), wide[12:36, 12:36])
    assert distance_km(layer, square())[11, 0] < 8
