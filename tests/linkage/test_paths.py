"""Traced paths: their cost is the field's, and the barriers listed are those shapely finds."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely

from permeability.barriers import lines as pb
from permeability.core.errors import PatchError
from permeability.engines.kernels.edges import D_COL, D_ROW, EdgeBarriers
from permeability.engines.leastcost import distance as lc
from permeability.engines.leastcost.surface import cost_surface, step_costs
from permeability.landscape import landscape as pl
from permeability.landscape.patches import place
from permeability.layers.grid import Grid
from permeability.linkage.paths import CROSSING_COLUMNS, crossings_of, least_cost_path, least_cost_paths
from permeability.species import species

CRS = "EPSG:32648"
EIGHTHS = (0.125, 0.375, 0.625, 0.875)  # places on a step: one in each cell that a knight's move runs through


def surface_with_walls(
    rng: np.random.Generator, neighbours: int
) -> tuple[lc.CostSurface, dict[tuple[int, int], float]]:
    r = 10 ** rng.uniform(0, 2, (80, 70))
    r[rng.random(r.shape) < 0.1] = np.nan
    cell = np.flatnonzero(rng.random(r.size) < 0.3)
    k = rng.integers(0, {4: 2, 8: 4, 16: 8}[neighbours], len(cell))
    row, col = cell // 70 + D_ROW[k], cell % 70 + D_COL[k]
    use = (row < 80) & (col >= 0) & (col < 70)
    cost = rng.choice([10.0, 500.0, np.inf], int(use.sum()))
    walls = EdgeBarriers(cell[use], k[use].astype(np.uint8), cost, cost)
    table = {(int(a), int(b)): float(c) for a, b, c in zip(cell[use], k[use], cost)}
    return cost_surface(r, barriers=walls, neighbours=neighbours, cell_size=25.0), table


@pytest.mark.parametrize(("neighbours", "pairs"), [(4, 250), (8, 1000), (16, 250)])
def test_path_cost_is_the_field(neighbours: int, pairs: int) -> None:
    rng = np.random.default_rng(21)
    surface, table = surface_with_walls(rng, neighbours)
    r, valid = surface.cell, np.argwhere(surface.passable())
    checked = 0
    for a in rng.choice(len(valid), pairs // 25):
        source = tuple(int(v) for v in valid[a])
        field = lc.cost_distance(surface, [source])
        for b in rng.choice(len(valid), 25):
            target = tuple(int(v) for v in valid[b])
            if not np.isfinite(field[target]):
                with pytest.raises(PatchError, match="D09"):
                    lc.trace_path(surface, field, [source], target)
                continue
            path = lc.trace_path(surface, field, [source], target)
            assert tuple(path.cells[0]) == source
            assert tuple(path.cells[-1]) == target
            steps = np.diff(path.cells, axis=0)
            length = 25.0 * np.hypot(steps[:, 0], steps[:, 1])
            ground = [
                w * np.mean([r[tuple(np.floor(p + t * (q - p) + 0.5).astype(int))] for t in EIGHTHS])
                for w, p, q in zip(length, path.cells[:-1], path.cells[1:])
            ]
            walls = [table.get(edge, 0.0) for edge in path.edges]
            assert path.cost == field[target] == pytest.approx(sum(ground) + sum(walls), rel=1e-12, abs=1e-12)
            assert path.length == pytest.approx(length.sum(), rel=1e-12)
            assert len(path.edges) == len(steps)
            checked += 1
    assert checked > pairs / 2


def test_path_over_plateaus_ends() -> None:
    """Steps too small to change the value: 1e15 before them, 1e-12 each."""
    ground = np.full((9, 9), 1e-12)
    ground[:, 1] = 1e15
    field = lc.cost_distance(ground, [(0, 0)])
    path = lc.trace_path(ground, field, [(0, 0)], (8, 8))
    assert tuple(path.cells[0]) == (0, 0)
    assert np.abs(np.diff(path.cells, axis=0)).max() == 1


def test_path_over_free_steps_ends() -> None:
    ground = np.ones((4, 30))
    free = step_costs(lambda length, a, b: 0 * a, ground)
    field = lc.cost_distance(ground, [(0, 0)], step_costs=free)
    assert (field == 0).all()
    path = lc.trace_path(ground, field, [(0, 0)], (3, 29), step_costs=free)
    assert tuple(path.cells[0]) == (0, 0)


def test_path_to_a_source_is_one_cell() -> None:
    field = lc.cost_distance(np.ones((2, 2)), [(0, 0), (1, 1)])
    path = lc.trace_path(np.ones((2, 2)), field, [(0, 0), (1, 1)], (1, 1))
    assert path.cells.tolist() == [[1, 1]]
    assert path.length == 0.0


@pytest.fixture(scope="module")
def fenced() -> pl.Landscape:
    """Straight and bent fences and roads on rough ground; no line meets a cell centre."""
    rng = np.random.default_rng(22)
    grid = Grid.from_bounds((0, 0, 60_000, 50_000), cell_size=1000, crs=CRS)
    lines, kinds = [], []
    for i in range(7):
        y = 3_333.3 + 6_571.7 * i
        bend = rng.uniform(-2500, 2500, 4)
        lines.append(
            shapely.LineString([(x, y + b) for x, b in zip([-900.0, 19_987.7, 41_234.5, 60_900.0], bend)])
        )
        kinds.append("road" if i % 2 else "fence")
    table = gpd.GeoDataFrame(
        {"id": [f"b{i}" for i in range(7)], "line": [f"L{i}" for i in range(7)], "kind": kinds,
         "vehicles_per_day": [800.0] * 7, "fence_class": ["stock"] * 7},
        geometry=lines, crs=CRS,
    )  # fmt: skip
    return pl.build(grid, 10 ** rng.uniform(0, 1, grid.shape), pb.prepare(table), species("khulan"))


def test_crossings_are_those_of_the_geometry(fenced: pl.Landscape) -> None:
    rng = np.random.default_rng(23)
    table = fenced.barriers.table
    for _ in range(25):
        source = (int(rng.integers(0, 10)), int(rng.integers(60)))
        target = (int(rng.integers(35, 50)), int(rng.integers(60)))
        paths = least_cost_path(fenced, [source], [target])
        row = paths.table.iloc[0]
        field = lc.cost_distance(fenced, [source])
        assert row["cost_m"] == float(field[target])
        expected = []
        for i, line in zip(table["id"], table.geometry):
            points = shapely.get_coordinates(row.geometry.intersection(line))
            expected += [
                (row.geometry.project(shapely.Point(p)), i, line.project(shapely.Point(p)) / 1000)
                for p in points
            ]
        expected.sort()
        got = paths.crossings
        assert list(got["id"]) == [i for _, i, _ in expected]
        assert np.allclose(got["km"], [km for _, _, km in expected], atol=1e-6)
        assert row["crossings"] == len(expected)
        along = [row.geometry.project(p) for p in got.geometry]
        assert np.allclose(along, [a for a, _, _ in expected], atol=1e-6)
        ground = row["cost_m"] - got["cost_m"].sum()
        assert row["length_m"] <= ground <= 10 * row["length_m"] + 1e-6
        assert row["length_m"] == pytest.approx(row.geometry.length)


def test_paths_between_patches(fenced: pl.Landscape) -> None:
    spots = gpd.GeoDataFrame(
        {"id": ["a", "b", "c"]},
        geometry=[shapely.box(1000, 44_000, 5000, 48_000), shapely.Point(30_500, 25_500), shapely.box(50_000, 0, 60_000, 4000)],
        crs=CRS,
    )  # fmt: skip
    patches = place(spots, fenced)
    paths = least_cost_paths(fenced, patches, workers=2)
    assert list(zip(paths.table["from"], paths.table["to"])) == [("a", "b"), ("a", "c"), ("b", "c")]
    whole = patches.whole or patches  # fences cross the third one; a way ends at its nearest cell
    matrix = lc.cost_matrix(fenced, [whole.mask(i) for i in (1, 2, 3)])
    assert np.allclose(paths.table["cost_m"], matrix[np.triu_indices(3, 1)])
    for i, row in paths.table.iterrows():
        mine = paths.crossings[paths.crossings["path"] == i]
        assert len(mine) == row["crossings"]
        assert mine["cost_m"].sum() == pytest.approx(row["crossing_cost_m"])
    one = least_cost_paths(fenced, patches, pairs=[("c", "a")])
    assert one.table["cost_m"].iloc[0] == pytest.approx(matrix[0, 2])
    with pytest.raises(PatchError, match="P10"):
        least_cost_paths(fenced, patches, pairs=[("a", "z")])


def test_no_way_gives_no_path() -> None:
    grid = Grid.from_bounds((0, 0, 3000, 1000), cell_size=1000, crs=CRS)
    wall = gpd.GeoDataFrame({"id": ["w"], "kind": ["fence"], "fence_class": ["border"]},
                            geometry=[shapely.LineString([(1100, -50), (1100, 1050)])], crs=CRS)  # fmt: skip
    r = np.array([[1.0, np.nan, 1.0]])
    land = pl.build(grid, r, pb.prepare(wall), species("khulan"))
    assert len(least_cost_path(land, [(0, 0)], [(0, 2)]).table) == 0


def test_a_way_where_no_line_was_ever_drawn_crosses_nothing() -> None:
    grid = Grid.from_bounds((0, 0, 6000, 3000), cell_size=1000, crs=CRS)
    beside = gpd.GeoDataFrame(
        {"id": ["F"], "kind": "fence"}, geometry=[shapely.LineString([(9e5, 0), (9e5, 9000)])], crs=CRS
    )
    land = pl.build(grid, np.ones(grid.shape), pb.prepare(beside), species("khulan"))
    spots = gpd.GeoDataFrame(
        {"id": ["W", "E"]}, geometry=gpd.points_from_xy([500, 5500], [1500, 1500]), crs=CRS
    )
    patches = place(spots, land)
    paths = least_cost_path(land, patches.mask(1), patches.mask(2))
    assert paths.table["cost_m"].tolist() == pytest.approx([5000])
    assert paths.table[["crossings", "crossing_cost_m"]].to_numpy().tolist() == [[0, 0]]
    field = lc.cost_distance(cost_surface(land), patches.mask(1))
    found = crossings_of(land, lc.trace_path(cost_surface(land), field, patches.mask(1), (1, 5)))
    assert len(found) == len(paths.crossings) == 0
    assert found.columns.tolist() == [*CROSSING_COLUMNS[1:], "geometry"]
