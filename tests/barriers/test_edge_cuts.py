"""No leaks, no double counting: the cut table against plane geometry, whatever the angle, offset and drawing."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pytest
import shapely
from cut_lines import CRS, cells, cut, square_grid
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from permeability.barriers.cut_links import distinct
from permeability.barriers.edge_cuts import CutTable, cut_edges
from permeability.barriers.lines import prepare
from permeability.core.errors import OptionError
from permeability.engines.kernels.edges import D_COL, D_ROW, EdgeBarriers, grid_links
from permeability.engines.leastcost.distance import cost_distance
from permeability.landscape.landscape import connected_parts
from permeability.layers.grid import Grid

HALF_TURN = np.deg2rad(np.arange(0, 180, 5))  # 36 angles


def walls(cell: NDArray[np.int64], direction: NDArray[np.uint8]) -> EdgeBarriers:
    """Every cut edge blocked."""
    key = np.unique(cell * 8 + direction)
    infinite = np.full(len(key), np.inf)
    return EdgeBarriers(key // 8, (key % 8).astype(np.uint8), infinite, infinite)


def parts(lines: Sequence[shapely.Geometry], grid: Grid, neighbours: int) -> NDArray[np.int32]:
    table = cut(lines, grid, neighbours)
    return connected_parts(np.ones(grid.shape, bool), walls(table.cell, table.direction), neighbours)


def centres(grid: Grid) -> NDArray[np.object_]:
    xx, yy = np.meshgrid(grid.x, grid.y)
    return np.asarray(shapely.points(xx, yy))


def faces_of(lines: Sequence[shapely.Geometry]) -> NDArray[np.object_]:
    """The closed areas of a drawing; ends that meet a slanted line within rounding count as on it."""
    return np.asarray(
        shapely.get_parts(shapely.polygonize([shapely.unary_union(list(lines), grid_size=1e-6)]))
    )


def assert_separates(
    lines: Sequence[shapely.Geometry], inside: NDArray[np.bool_], grid: Grid, neighbours: int
) -> None:
    """No connected part holds cells of both sides."""
    label = parts(lines, grid, neighbours)
    mixed = np.intersect1d(label[inside], label[~inside])
    assert mixed.size == 0, f"{mixed.size} parts lie on both sides"


def assert_faces_hold(
    lines: Sequence[shapely.Geometry], faces: NDArray[np.object_], grid: Grid, neighbours: int
) -> None:
    """No connected part holds cells of a face and of its outside; a cell on the line may belong to either."""
    label, points = parts(lines, grid, neighbours), centres(grid)
    for face in faces:
        clear = ~shapely.dwithin(points, face.boundary, 1e-5 * grid.cell_size)
        inside = shapely.contains(face, points)
        assert np.intersect1d(label[inside & clear], label[~inside & clear]).size == 0


# ---------------------------------------------------------------- straight and wiggly fences
@pytest.mark.parametrize("neighbours", [8, 16])
def test_a_straight_fence_blocks_at_every_angle_and_offset(neighbours: int) -> None:
    grid = square_grid(24)
    xx, yy = np.meshgrid(grid.x, grid.y)
    rng = np.random.default_rng(36)
    for angle in HALF_TURN:
        along, across = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
        # twenty parallel fences are cut in one call and judged one by one
        middles = 12_000.0 + 1000.0 * rng.uniform(-1, 1, (20, 2))
        table = cut(
            [shapely.LineString([m - 40_000 * along, m + 40_000 * along]) for m in middles], grid, neighbours
        )
        for i, middle in enumerate(middles):
            side = (xx - middle[0]) * across[0] + (yy - middle[1]) * across[1] > 0
            mine = table.barrier == i
            wall = walls(table.cell[mine], table.direction[mine])
            label = connected_parts(np.ones(grid.shape, bool), wall, neighbours)
            assert label.max() == 2
            assert np.array_equal(label == label[side][0], side)


def wiggly(seed: int, cells_across: int = 24) -> shapely.LineString:
    """A simple line from beyond the west edge to beyond the east edge: sums of waves, some steep."""
    rng = np.random.default_rng(seed)
    x = np.linspace(-2, cells_across + 2, int(rng.integers(8, 400)))
    y = np.full_like(x, cells_across / 2) + rng.uniform(-2, 2)
    for _ in range(rng.integers(1, 5)):
        y += rng.uniform(0, 2.5) * np.sin(x * rng.uniform(0.1, 4.0) + rng.uniform(0, 7))
    return shapely.LineString(np.column_stack([x, y]) * 1000.0)


@pytest.mark.parametrize("neighbours", [8, 16])
def test_wiggly_fences_block(neighbours: int) -> None:
    grid = square_grid(24)
    frame = shapely.box(-2000, -50_000, 26_000, 74_000)
    for seed in range(200):
        fence = wiggly(seed)
        below = min(shapely.ops.split(frame, fence).geoms, key=lambda g: g.centroid.y)
        assert_separates([fence], shapely.contains(below, centres(grid)), grid, neighbours)


def overhanging(seed: int) -> shapely.LineString:
    """A simple polar curve around the middle, with hairpins; broken open far outside the grid."""
    rng = np.random.default_rng(seed)
    t = np.sort(rng.uniform(0, 2 * np.pi, 120))
    r = 7 + rng.uniform(-3.5, 3.5, 120)
    xy = np.column_stack([12 + r * np.cos(t), 12 + r * np.sin(t)]) * 1000.0
    return shapely.LineString(np.vstack([xy, xy[:1]]))


@pytest.mark.parametrize("neighbours", [8, 16])
def test_spiky_closed_rings_hold(neighbours: int) -> None:
    grid = square_grid(24)
    for seed in range(60):
        ring = overhanging(seed)
        inside = shapely.contains(shapely.Polygon(ring), centres(grid))
        assert_separates([ring], inside, grid, neighbours)


# ---------------------------------------------------------------- closed in every way one can draw it
RING = [(5.3, 5.2), (15.4, 4.1), (18.2, 14.7), (9.6, 18.9), (3.9, 12.2)]
CLOSED = {
    "closed ring": [[*RING, RING[0]]],
    "drawn with an overlap of one vertex": [[*RING, RING[0], RING[1]]],
    "drawn with an overlap that ends on a segment": [[(10.35, 4.65), *RING[1:], RING[0], (12.6, 5.2 - 7.3 * 1.1 / 10.1)]],
    "drawn twice around": [[*RING, *RING, RING[0]]],
    "drawn there and back": [[*RING, RING[0], *RING[::-1]]],
    "ends that cross": [[(4.1, 4.0), *RING[1:], (3.4, 6.4), (9.0, 3.0)]],
    "two halves": [[*RING[:3]], [RING[2], RING[3], RING[4], RING[0]]],
    "two halves that cross beyond their ends": [[(4.0, 5.3), *RING[1:3], (18.4, 15.5)], [(19.5, 14.2), *RING[3:], (5.9, 4.0)]],
    "every side a line of its own": [[a, b] for a, b in zip(RING, [*RING[1:], RING[0]])],
    "T-junctions: four lines that end on each other": [
        [(4.0, 5.0), (16.0, 5.0)], [(14.0, 5.0), (14.0, 17.0)], [(14.0, 15.0), (6.0, 15.0)], [(6.0, 15.0), (6.0, 5.0)],
    ],
    "T-junctions on slanted lines": [
        [(4.0, 5.1), (17.0, 6.3)], [(15.0, 5.1 + 11 * 1.2 / 13), (13.2, 18.0)],
        [(15.0 - 1.8 * 0.8, 5.1 + 11 * 1.2 / 13 + 0.8 * (18.0 - 5.1 - 11 * 1.2 / 13)), (5.0, 15.2)], [(5.5, 16.9), (5.5, 3.3)],
    ],
    "along rows and columns of cell centres": [[(5.5, 5.5), (15.5, 5.5), (15.5, 15.5), (5.5, 15.5), (5.5, 5.5)]],
    "through cell centres on the diagonal": [[(10.5, 3.5), (17.5, 10.5), (10.5, 17.5), (3.5, 10.5), (10.5, 3.5)]],
    "through centres in knight's moves": [[(4.5, 4.5), (14.5, 9.5), (9.5, 19.5), (4.5, 4.5)]],
    "along cell edges": [[(5, 5), (15, 5), (15, 15), (5, 15), (5, 5)]],
    "through cell corners": [[(10, 3), (17, 10), (10, 17), (3, 10), (10, 3)]],
    "repeated vertices": [[RING[0], RING[0], RING[1], RING[1], RING[1], *RING[2:], RING[0], RING[0]]],
    "a dead end inside and one outside": [[*RING, RING[0], (9.0, 9.0), RING[0], (2.0, 1.0)]],
    "a fence right through it": [[*RING, RING[0]], [(-3.0, 9.1), (25.0, 12.3)]],
    "a fence along one side of it": [[*RING, RING[0]], [RING[0], (10.35, 4.65)]],
    "the same ring in two layers": [[*RING, RING[0]], [*RING[2:], *RING[:3]]],
}  # fmt: skip


@pytest.mark.parametrize("neighbours", [4, 8, 16])
@pytest.mark.parametrize("name", CLOSED)
def test_closed_is_closed(name: str, neighbours: int) -> None:
    """Whoever lies in a face of the drawing cannot leave it."""
    drawing = CLOSED[name]
    for cell_size, offset in (
        (1000.0, (0.0, 0.0)),
        (700.0, (0.13, 0.37)),
        (2600.0, (0.41, 0.08)),
        (333.0, (0.5, 0.5)),
    ):
        # lines stay where they are, the grid moves under them
        lines = [shapely.LineString(np.asarray(xy) * 1000.0) for xy in drawing]
        shift = np.array(offset) * cell_size
        n = int(np.ceil(22_000 / cell_size)) + 1
        box = (-shift[0], -shift[1], -shift[0] + n * cell_size, -shift[1] + n * cell_size)
        grid = Grid(CRS, box[0], box[3], cell_size, (n, n))
        faces = faces_of(lines)
        assert len(faces) > 0
        assert_faces_hold(lines, faces, grid, neighbours)


def test_a_multilinestring_ring_holds() -> None:
    grid = square_grid(22)
    halves = [np.array([*RING[:3]]) * 1000.0, np.array([RING[2], RING[3], RING[4], RING[0]]) * 1000.0]
    ring = shapely.MultiLineString([h.tolist() for h in halves])
    inside = shapely.contains(shapely.Polygon(np.array(RING) * 1000.0), centres(grid))
    assert inside.any()
    for neighbours in (8, 16):
        assert_separates([ring], inside, grid, neighbours)


def test_a_ring_that_leaves_the_grid_still_divides_it() -> None:
    grid = square_grid(22)
    ring = (
        np.array([(-900.0, 3.0), (11.3, 5.0), (900.0, 7.0), (900.0, 400.0), (-900.0, 400.0), (-900.0, 3.0)])
        * 1000.0
    )
    inside = shapely.contains(shapely.Polygon(ring), centres(grid))
    assert 0 < inside.sum() < inside.size
    for neighbours in (8, 16):
        assert_separates([shapely.LineString(ring)], inside, grid, neighbours)


def test_a_figure_of_eight_makes_three_parts() -> None:
    grid = square_grid(22)
    t = np.linspace(0, 2 * np.pi, 181)
    eight = shapely.LineString(np.column_stack([11.1 + 8 * np.sin(t), 10.8 + 6 * np.sin(2 * t)]) * 1000.0)
    loops = faces_of([eight])
    assert len(loops) == 2
    for neighbours in (8, 16):
        label = parts([eight], grid, neighbours)
        for loop in loops:
            assert_separates([eight], shapely.contains(loop, centres(grid)), grid, neighbours)
        assert label.max() >= 3


@settings(max_examples=50, deadline=None)
@given(
    seed=st.integers(0, 10**6), n=st.integers(3, 14), neighbours=st.sampled_from([4, 8, 16]),
    lattice=st.sampled_from([None, 0.5, 0.25]),
)  # fmt: skip
def test_random_closed_lines_never_leak(seed: int, n: int, neighbours: int, lattice: float | None) -> None:
    """Random closed polygons that cross themselves, some on a half-cell lattice: every face keeps its cells."""
    rng = np.random.default_rng(seed)
    xy = rng.uniform(-3, 15, (n, 2))
    if lattice is not None:
        xy = np.round(xy / lattice) * lattice
    xy = np.vstack([xy, xy[:1]]) * 1000.0
    line = shapely.LineString(xy)
    if line.length == 0:
        return
    grid = square_grid(12)
    assert_faces_hold([line], faces_of([line]), grid, neighbours)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(3, 7), neighbours=st.sampled_from([8, 16]))
def test_random_meshes_of_lines_never_leak(seed: int, n: int, neighbours: int) -> None:
    """Several lines that cross and end on each other: every face of the mesh keeps its cells."""
    rng = np.random.default_rng(seed)
    lines: list[shapely.LineString] = []
    for _ in range(n):
        xy = rng.uniform(-2, 14, (rng.integers(2, 5), 2)) * 1000.0
        if lines and rng.random() < 0.6:  # begin on an earlier line
            host = lines[rng.integers(len(lines))]
            xy[0] = shapely.get_coordinates(host.interpolate(rng.random(), normalized=True))[0]
        lines.append(shapely.LineString(xy))
    grid = square_grid(12)
    assert_faces_hold(lines, faces_of(lines), grid, neighbours)


# ---------------------------------------------------------------- what is not separated is not cut
def test_a_gap_stays_open() -> None:
    grid = square_grid(20)
    fence = cells([[(-1, 10.2), (8.9, 10.2)], [(11.1, 10.2), (21, 10.2)]], grid)
    for neighbours in (4, 8, 16):
        assert parts(fence, grid, neighbours).max() == 1


def test_a_wiggle_inside_one_edge_costs_nothing() -> None:
    grid = square_grid(6)
    spike = cells(
        [[(2.9, 3.9), (3.1, 3.2), (3.3, 3.9)]], grid
    )  # crosses the edge of (2.5, 3.5)-(3.5, 3.5) twice
    table = cut(spike, grid, 4)
    assert len(table) == 0


def test_a_wiggle_cancels_across_a_line_that_does_not_stand() -> None:
    """A spike over one edge with another fence at its tip: two crossings while that stands, none without it."""
    grid = square_grid(6)
    both = cells(
        [[(0.2, 3.9), (2.9, 3.9), (3.1, 3.2), (3.3, 3.9), (5.8, 3.9)], [(3.1, 3.2), (3.1, 0.3)]], grid
    )
    table = cut(both, grid, 4)
    edge = 2 * 6 + 2, 0  # from (2.5, 3.5) to (3.5, 3.5)
    mine = np.flatnonzero((table.cell == edge[0]) & (table.direction == edge[1]))
    assert table.barrier[mine].tolist() == [0, 0]
    ways = [(table.links.first[k], table.links.second[k]) for k in range(len(table.links))]
    assert ways == [tuple(mine)]
    assert (table.links.chain == table.chains.chain[1]).all()
    assert table.links.cancelled(np.ones(len(table.links.chain), bool)).tolist() == mine.tolist()
    assert len(table.links.cancelled(np.zeros(len(table.links.chain), bool))) == 0
    for k, line in enumerate(both):  # alone, neither has links
        assert len(cut([line], grid, 4).links) == 0, k


def test_straight_fence_is_counted_once_on_every_edge() -> None:
    grid = square_grid(20)
    for neighbours in (4, 8, 16):
        table = cut(cells([[(-1, 3.3), (21, 12.9)]], grid), grid, neighbours)
        key = table.cell * 8 + table.direction
        assert len(np.unique(key)) == len(key)


def test_two_parallel_fences_in_one_cell_are_two_cuts() -> None:
    grid = square_grid(10)
    table = cut(cells([[(-1, 5.1), (11, 5.1)], [(-1, 5.3), (11, 5.3)]], grid), grid)
    south = table.direction == 1
    assert sorted(table.barrier[south]) == [0] * 10 + [1] * 10


def test_cuts_against_shapely() -> None:
    """In general position a cut is a crossing of two segments: counted by shapely, edge by edge."""
    grid = square_grid(9)
    rng = np.random.default_rng(5)
    xx, yy = np.meshgrid(grid.x, grid.y)
    for _ in range(10):
        fence = shapely.LineString(rng.uniform(-1000, 10_000, (2, 2)))
        expected = set()
        for k in range(8):
            for r in range(9):
                for c in range(9):
                    r2, c2 = r + D_ROW[k], c + D_COL[k]
                    if 0 <= r2 < 9 and 0 <= c2 < 9:
                        edge = shapely.LineString([(xx[r, c], yy[r, c]), (xx[r2, c2], yy[r2, c2])])
                        if edge.crosses(fence):
                            expected.add((r * 9 + c, k))
        table = cut([fence], grid, 16)
        assert set(zip(table.cell.tolist(), table.direction.tolist())) == expected


def test_normal_and_kilometre_of_a_cut() -> None:
    """``|v.n|`` and the kilometre of each cut follow from the plane."""
    grid = square_grid(10)
    a, b = np.array([-500.0, 2100.0]), np.array([10_700.0, 7300.0])
    table = cut([shapely.LineString([a, b])], grid, 16)
    unit = (b - a) / np.hypot(*(b - a))
    k, row, col = table.direction, table.cell // 10, table.cell % 10
    v = np.column_stack([D_COL[k], -D_ROW[k]]) * 1000.0
    np.testing.assert_allclose(table.normal_m, np.abs(v @ [-unit[1], unit[0]]), atol=1e-6)
    start = np.column_stack([grid.x[col], grid.y[row]])
    offset = (start - a) @ [-unit[1], unit[0]]
    t = -offset / (v @ [-unit[1], unit[0]])
    np.testing.assert_allclose(table.km * 1000.0, (start + t[:, None] * v - a) @ unit, atol=0.1)


# ---------------------------------------------------------------- drawing order and orientation change nothing
@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10**6), neighbours=st.sampled_from([4, 8, 16]))
def test_order_of_barriers_and_of_vertices_change_nothing(seed: int, neighbours: int) -> None:
    rng = np.random.default_rng(seed)
    grid = square_grid(10)
    lines = [shapely.LineString(rng.uniform(-1000, 11_000, (rng.integers(2, 8), 2))) for _ in range(4)]
    forward = cut(lines, grid, neighbours)
    back = cut([shapely.reverse(line) for line in lines[::-1]], grid, neighbours)
    rows = sorted(zip(forward.cell, forward.direction, forward.barrier, forward.normal_m.round(6)))
    assert rows == sorted(zip(back.cell, back.direction, 3 - back.barrier, back.normal_m.round(6)))


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10**6), neighbours=st.sampled_from([4, 8, 16]))
def test_flipping_and_transposing_change_nothing(seed: int, neighbours: int) -> None:
    """Edges as pairs of cell centres are the same whichever way the map is turned."""
    rng = np.random.default_rng(seed)
    grid = square_grid(10)
    lines = [shapely.LineString(rng.uniform(-1000, 11_000, (rng.integers(2, 8), 2))) for _ in range(3)]
    turns = {
        "flip x": lambda xy: np.column_stack([10_000 - xy[:, 0], xy[:, 1]]),
        "flip y": lambda xy: np.column_stack([xy[:, 0], 10_000 - xy[:, 1]]),
        "transpose": lambda xy: xy[:, ::-1],
    }
    plain = edge_set(cut(lines, grid, neighbours), grid, lambda xy: xy)
    for turn in turns.values():
        moved = [shapely.transform(line, turn) for line in lines]
        assert edge_set(cut(moved, grid, neighbours), grid, turn) == plain


def edge_set(table: CutTable, grid: Grid, turn) -> list[tuple[object, ...]]:  # type: ignore[no-untyped-def]
    row, col, k = table.cell // grid.cols, table.cell % grid.cols, table.direction
    ends = [
        np.column_stack([grid.x[c], grid.y[r]]) for r, c in ((row, col), (row + D_ROW[k], col + D_COL[k]))
    ]
    one, two = (turn(e).round().astype(int) for e in ends)
    pairs = [tuple(sorted((tuple(a), tuple(b)))) for a, b in zip(one.tolist(), two.tolist())]
    return sorted(zip(pairs, table.barrier.tolist(), table.normal_m.round(5).tolist()))


# ---------------------------------------------------------------- what a fence costs, at every angle
def test_least_cost_of_crossing_is_the_same_at_every_angle() -> None:
    """Straight across in one crossing: the distance grows by C exactly, whatever the slope of the line."""
    grid, cost = square_grid(24), 3_700.0
    rng = np.random.default_rng(2)
    ground = np.ones(grid.shape)
    source = np.zeros(grid.shape, bool)
    for angle in HALF_TURN:
        for neighbours in (8, 16):
            along = np.array([np.cos(angle), np.sin(angle)])
            middle = 12_000.0 + rng.uniform(-500, 500, 2)
            table = cut(
                [shapely.LineString([middle - 40_000 * along, middle + 40_000 * along])], grid, neighbours
            )
            source[:] = False
            source[3, 3] = True
            key, times = np.unique(table.cell * 8 + table.direction, return_counts=True)
            edges = EdgeBarriers(key // 8, (key % 8).astype(np.uint8), times * cost, times * cost)
            bare = cost_distance(ground, source, cell_size=1000.0, neighbours=neighbours)
            fenced = cost_distance(ground, source, cell_size=1000.0, neighbours=neighbours, barriers=edges)
            xx, yy = np.meshgrid(grid.x - middle[0], grid.y - middle[1])
            side = along[0] * yy - along[1] * xx > 0
            expected = np.where(side == side[3, 3], 0.0, cost)
            np.testing.assert_allclose(fenced - bare, expected, atol=1e-6)


def interface_links(table: CutTable, ground: NDArray[np.float64], cost_m: float):  # type: ignore[no-untyped-def]
    """Links of open ground with a fence of crossing cost ``cost_m``, by the formula of the design."""
    length = np.hypot(D_ROW[table.direction], D_COL[table.direction])
    series = length * cost_m / table.normal_m
    key, inverse = np.unique(table.cell * 8 + table.direction, return_inverse=True)
    total = np.zeros(len(key))
    np.add.at(total, inverse, series)
    return grid_links(ground, barriers=EdgeBarriers(key // 8, (key % 8).astype(np.uint8), total, total))


def between(links, labels: NDArray[np.int32]) -> float:  # type: ignore[no-untyped-def]
    """Effective resistance between the regions 1 and 2, by a plain SciPy solve."""
    from scipy.sparse import coo_matrix, csr_matrix
    from scipy.sparse.csgraph import laplacian
    from scipy.sparse.linalg import spsolve

    rows, cols = links.shape
    node = np.arange(rows * cols).reshape(rows, cols) + 2
    node[labels == 1], node[labels == 2] = 0, 1
    pairs = [(node[:, :-1], node[:, 1:], links.e[:, :-1]), (node[:-1], node[1:], links.s[:-1]),
             (node[:-1, :-1], node[1:, 1:], links.se[:-1, :-1]), (node[:-1, 1:], node[1:, :-1], links.sw[:-1, 1:])]  # fmt: skip
    i, j, g = (np.concatenate([p[k].ravel() for p in pairs]) for k in range(3))
    keep = (i != j) & (g > 0)
    i, j, g = i[keep], j[keep], g[keep]
    used = np.unique(np.concatenate([i, j]))
    i, j, n = np.searchsorted(used, i), np.searchsorted(used, j), len(used)
    graph = coo_matrix((g, (i, j)), (n, n)).tocsr()
    lap = csr_matrix(laplacian(graph + graph.T))
    b = np.zeros(n - 1)
    b[0] = 1.0
    free = np.r_[0, 2:n]
    return float(spsolve(lap[free][:, free].tocsc(), b)[0])


@pytest.mark.parametrize(
    ("cell_size", "offset"),
    [(1000.0, (0.0, 0.0)), (1000.0, (0.31, 0.17)), (700.0, (0.2, 0.45)), (1600.0, (0.4, 0.1))],
)
def test_a_round_fence_adds_its_share_to_the_circuit(cell_size: float, offset: tuple[float, float]) -> None:
    """C / (2 pi r (1 + sqrt 2)) between two concentric rings, at every cell size and offset (DESIGN 3.4)."""
    n = int(96_000 / cell_size) + 1
    grid = square_grid(n, cell_size)
    middle = n * cell_size / 2 + np.array(offset) * cell_size
    xx, yy = np.meshgrid(grid.x - middle[0], grid.y - middle[1])
    radius = np.hypot(xx, yy)
    labels = np.where(radius < 10_000, 1, np.where(radius > 40_000, 2, 0)).astype(np.int32)
    t = np.linspace(0, 2 * np.pi, 3601)
    r, cost = 25_000.0, 50_000.0
    fence = shapely.LineString(np.column_stack([middle[0] + r * np.cos(t), middle[1] + r * np.sin(t)]))
    bare = between(grid_links(np.ones(grid.shape)), labels)
    added = between(interface_links(cut([fence], grid), np.ones(grid.shape), cost), labels) - bare
    assert added == pytest.approx(cost / (2 * np.pi * r * (1 + np.sqrt(2))), rel=0.005)


def test_a_straight_fence_adds_the_same_to_the_circuit_at_every_angle() -> None:
    """A long bar turned under its own fence: an interface of length L adds C / (L (1 + sqrt 2)) at every angle."""
    grid, cost, radius = square_grid(121), 60_000.0, 58_000.0
    middle = 60_500.0 + np.array([130.0, 210.0])
    xx, yy = np.meshgrid(grid.x - middle[0], grid.y - middle[1])
    found = []
    for degrees in range(0, 180, 15):
        angle = np.deg2rad(degrees)
        along = np.array([np.cos(angle), np.sin(angle)])
        v = yy * along[0] - xx * along[1]
        disc = np.hypot(xx, yy) < radius
        # two half discs: all ground beside the fence is part of a patch but a strip of 6 km on either side
        labels = np.where(disc & (v > 6000), 1, np.where(disc & (v < -6000), 2, 0)).astype(np.int32)
        fence = shapely.LineString([middle - 90_000 * along, middle + 90_000 * along])
        ground = np.where(disc, 1.0, np.nan)
        bare = grid_links(ground)
        found.append(
            between(interface_links(cut([fence], grid), ground, cost), labels) - between(bare, labels)
        )
    assert max(found) / min(found) - 1 < 0.01


def test_unknown_neighbourhood_is_refused() -> None:
    with pytest.raises(OptionError, match=r"O01.*neighbours = 6"):
        cut(cells([[(0, 0), (1, 1)]], square_grid(3)), square_grid(3), 6)


# ---------------------------------------------------------------- rows of one line
def cut_rows(lines: Sequence[shapely.Geometry], grid: Grid) -> set[tuple[int, int]]:
    """Edges that rows of one line cut."""
    ids = [f"r{i}" for i in range(len(lines))]
    table = gpd.GeoDataFrame({"id": ids, "kind": "fence", "line": "F"}, geometry=list(lines), crs=grid.crs)
    found = cut_edges(prepare(table), grid, neighbours=16)
    return set(zip(found.cell.tolist(), found.direction.tolist()))


def test_rows_with_repeated_vertices_are_cut_as_the_whole_line() -> None:
    grid = square_grid(10)
    a, c = (-500.0, 2100.0), (10_700.0, 7300.0)
    line = shapely.LineString([a, c])
    b = line.interpolate(0.4, normalized=True).coords[0]
    whole = cut_rows([line], grid)
    assert len(whole) > 50
    for rows in (
        [(a, b), (b, c)],
        [(a, b, b, b), (b, c)],
        [(a, b), (b, b, b, c)],
        [(a, a, b, b), (b, b, c, c)],
    ):
        assert cut_rows([shapely.LineString(row) for row in rows], grid) == whole


def test_rows_that_nearly_meet_hold_and_rows_apart_leave_a_gap() -> None:
    grid = square_grid(10)
    west = shapely.LineString([(-500, 5200), (5200, 5200)])

    def east(start: float) -> shapely.LineString:
        return shapely.LineString([(start, 5200), (10_500, 5200)])

    whole = cut_rows([shapely.LineString([(-500, 5200), (10_500, 5200)])], grid)
    assert cut_rows([west, east(5200.01)], grid) == whole  # 1 cm of cells of 1 km: one line
    apart = cut_rows([west, east(8200.0)], grid)
    assert apart == cut_rows([west], grid) | cut_rows([east(8200.0)], grid)
    assert apart < whole
    assert cut_rows([shapely.MultiLineString([west, east(8200.0)])], grid) == apart


def test_a_part_of_a_row_without_length_cuts_nothing() -> None:
    grid = square_grid(10)
    line, speck = shapely.LineString([(-500, 5200), (5200, 5200)]), shapely.LineString([(7000, 3000)] * 2)
    for parts in ([line, speck], [speck, line], [speck, line, speck]):
        assert cut_rows([shapely.MultiLineString(parts)], grid) == cut_rows([line], grid)


def test_numbers_once_each_are_those_of_numpy():
    rng = np.random.default_rng(2)
    for n in (0, 1, 2, 7, 300):
        values = rng.integers(0, 40, n)
        np.testing.assert_array_equal(distinct(values), np.unique(values))
