"""Where along their lines cuts and meeting lines lie, against plane geometry."""

from __future__ import annotations

from itertools import pairwise

import geopandas as gpd
import numpy as np
import pytest
import shapely
from cut_lines import CRS, cells, cut, square_grid
from hypothesis import given, settings
from hypothesis import strategies as st

from permeability.barriers.edge_cuts import cut_edges
from permeability.barriers.lines import prepare
from permeability.engines.kernels.edges import D_COL, D_ROW


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    neighbours=st.sampled_from([4, 8, 16]),
    rows=st.sampled_from(["one", "apart", "that meet"]),
)
def test_the_kilometre_of_a_cut_is_where_the_line_crosses_the_edge(
    seed: int, neighbours: int, rows: str
) -> None:
    """A line with bends and gaps, one row or a row for each part: walked as far as the kilometre says, one stands on the edge."""
    rng = np.random.default_rng(seed)
    grid = square_grid(14)
    steps = rng.uniform(300, 1900, (9, 2)) * [1, rng.choice([-1, 1])]
    xy = np.cumsum(steps, axis=0) + [0, 0 if steps[0, 1] > 0 else 14_000]
    meet = 1 if rows == "that meet" else 0
    pieces = [shapely.LineString(part) for part in (xy[:4], xy[4 - meet : 7], xy[7 - meet :])]
    shapes = [shapely.MultiLineString(pieces)] if rows == "one" else pieces
    table = gpd.GeoDataFrame(
        {"id": [f"f{i}" for i in range(len(shapes))], "kind": "fence", "line": "L"}, geometry=shapes, crs=CRS
    )
    found = cut_edges(prepare(table), grid, neighbours=neighbours)
    assert len(found) > 5
    whole = shapely.LineString(xy)  # kilometres run over gaps in a straight line
    k, row, col = found.direction, found.cell // 14, found.cell % 14
    first = np.column_stack([grid.x[col], grid.y[row]])
    second = np.column_stack([grid.x[col + D_COL[k]], grid.y[row + D_ROW[k]]])
    edges = shapely.linestrings(np.stack([first, second], axis=1))
    off = [
        shapely.distance(edges, whole.interpolate(at)).max()
        for at in (found.km * 1000.0, whole.length - found.km * 1000.0)
    ]  # a line without kilometres is counted from either end
    assert min(off) < 0.1
    if rows != "one":  # a cut is of the row on which the stretch lies that it stands for
        middle, start, length = 0.5 * (found.own_from + found.own_to), found.chains.start, found.chains.length
        assert (start[found.barrier] <= middle).all()
        assert (middle <= start[found.barrier] + length[found.barrier]).all()
        own = np.array([table.geometry.iloc[i] for i in found.barrier])
        assert (shapely.distance(edges, own) < 2_000).all()
        assert len(np.unique(found.barrier)) > 1


def test_a_line_split_where_it_runs_straight_is_cut_as_the_whole_line(rng: np.random.Generator) -> None:
    """Joints on straight stretches and doubled vertices, at the ends of the line too, leave no trace."""
    grid = square_grid(10)
    bends = np.array([[-700.0, 1300.0], [3300.0, 4700.0], [5100.0, 4100.0], [10_900.0, 9300.0]])
    whole = cut([shapely.LineString(bends)], grid)
    for _ in range(20):
        split: list[shapely.LineString] = []
        for a, b in pairwise(bends):
            marks = np.sort(rng.uniform(0, 1, int(rng.integers(0, 4))))
            spots = [a + t * (b - a) for t in (0.0, *marks, 1.0)]
            split += [shapely.LineString([p, p, q]) for p, q in pairwise(spots)]
        table = gpd.GeoDataFrame({"id": [f"f{i}" for i in range(len(split))], "kind": "fence", "line": "L"}, geometry=split, crs=CRS)  # fmt: skip
        found = cut_edges(prepare(table), grid)
        assert found.edge_keys.tolist() == whole.edge_keys.tolist()
        np.testing.assert_allclose(found.km, whole.km, atol=1e-5)
        np.testing.assert_allclose(found.normal_m, whole.normal_m, atol=1e-2)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(
    ("other", "far"),
    [
        ([(3.1, 0.3), (3.1, 3.2), (3.6, 3.25)], 2.9),  # passes over the tip
        ([(3.1, 3.2), (3.1, 0.3)], 0.0),  # begins there
        ([(1.2, 0.3), (1.2, 1.7), (3.1, 3.2)], 1.4 + np.hypot(1.9, 1.5)),  # ends there
        ([(3.1, 3.2 - 1e-5), (3.1, 0.3)], 0.0),  # a centimetre away, less than what counts as a gap
    ],
)
def test_where_the_other_line_is_met(other: list[tuple[float, float]], far: float, reverse: bool) -> None:
    grid = square_grid(6)
    spike, line = cells([[(0.2, 3.9), (2.9, 3.9), (3.1, 3.2), (3.3, 3.9), (5.8, 3.9)], other], grid)
    table = cut([spike, shapely.reverse(line) if reverse else line], grid, 4)
    assert len(table.links) == 1
    for along in table.links.along:
        assert 0 < along < line.length
        assert min(abs(along - far * 1000), abs(line.length - along - far * 1000)) < 0.05


@pytest.mark.parametrize("end", [(3.1, 7.7), (7.7, 2.2), (7.3, 6.9), (2.2, 7.1), (0.4, 1.1)])
@pytest.mark.parametrize("neighbours", [4, 8, 16])
def test_a_line_drawn_there_and_back_is_one_line(end: tuple[float, float], neighbours: int) -> None:
    grid = square_grid(9)
    start, middle = (3.1, 2.2), (0.5 * (3.1 + end[0]), 0.5 * (2.2 + end[1]))
    once = cut(cells([[start, middle, end]], grid), grid, neighbours)
    assert len(once)
    for way in (
        [start, middle, end, middle, start],
        [end, middle, end, middle, start],
        [start, end, start, end],
    ):
        again = cut(cells([way], grid), grid, neighbours)
        assert again.edge_keys.tolist() == once.edge_keys.tolist(), way
        np.testing.assert_allclose(again.normal_m, once.normal_m, atol=1e-2)


def test_every_line_has_its_own_direction(rng: np.random.Generator) -> None:
    grid = square_grid(12)
    lines = [shapely.LineString(rng.uniform(0, 12_000, (n, 2))) for n in (2, 5, 3, 7)]
    together = cut(lines, grid)
    for i, line in enumerate(lines):
        mine, alone = together.barrier == i, cut([line], grid)
        crossing = shapely.intersection(line, shapely.union_all([x for x in lines if x is not line]))
        if crossing.is_empty:
            assert together.edge_keys[mine].tolist() == alone.edge_keys.tolist()
        seen = dict(zip(alone.edge_keys.tolist(), alone.normal_m.tolist()))
        for key, normal in zip(together.edge_keys[mine].tolist(), together.normal_m[mine].tolist()):
            if (together.edge_keys[mine] == key).sum() == (alone.edge_keys == key).sum() == 1:
                assert normal == pytest.approx(seen[key], abs=1e-2)
