"""Least-cost fields against Dijkstra on the explicit graph (SciPy) and against scikit-image."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, csr_matrix
from scipy.sparse.csgraph import dijkstra
from skimage.graph import MCP_Geometric

from permeability.core.errors import BarrierError, OptionError, PatchError, ResistanceError
from permeability.engines.kernels.edges import D_COL, D_ROW, N_DIRECTIONS, EdgeBarriers
from permeability.engines.leastcost import distance as lc
from permeability.engines.leastcost.surface import (
    cost_surface,
    enclosed_sources,
    slope_costs,
    source_cells,
    step_costs,
)

pytestmark = pytest.mark.oracle


def explicit_graph(
    r: NDArray[Any], neighbours: int, h: float = 1.0, barriers: EdgeBarriers | None = None, steps: Any = None
) -> csr_matrix:
    """The movement graph written out, one entry per directed edge."""
    rows, cols = r.shape
    index = np.arange(r.size).reshape(r.shape)
    n = N_DIRECTIONS[neighbours]
    nothing = np.zeros(0, np.int64)
    i, j, v = [nothing], [nothing], [np.zeros(0)]
    for k in range(n):
        dr, dc = int(D_ROW[k]), int(D_COL[k])
        if dr >= rows or abs(dc) >= cols:
            continue
        first = (slice(0, rows - dr), slice(max(0, -dc), cols - max(0, dc)))
        second = (slice(dr, rows), slice(max(0, dc), cols - max(0, -dc)))
        extra = np.zeros(r.shape)
        if barriers is not None:
            own = barriers.direction == k
            extra.flat[barriers.cell[own]] = barriers.cost[own]
        mean = 0.5 * np.sqrt((dr * h) ** 2 + (dc * h) ** 2) * (r[first] + r[second])
        if (
            dr + abs(dc) == 3
        ):  # a knight's move has a quarter of its length in each of the four cells it runs through
            way = [(0, 0), (dr // 2, int(np.sign(dc)) * (abs(dc) // 2))]
            way.append((dr - way[1][0], dc - way[1][1]))
            near, far = (
                r[first[0].start + y : first[0].stop + y, first[1].start + x : first[1].stop + x]
                for y, x in way[1:]
            )
            mean = 0.5 * (mean + 0.5 * np.sqrt((dr * h) ** 2 + (dc * h) ** 2) * (near + far))
        passable = np.isfinite(mean)
        there = mean if steps is None else np.where(passable, steps[k][first], np.inf)
        back = mean if steps is None else np.where(passable, steps[n + k][first], np.inf)
        there, back = there + extra[first], back + extra[first]
        for a, b, w in ((first, second, there), (second, first, back)):
            keep = np.isfinite(w)
            i.append(index[a][keep])
            j.append(index[b][keep])
            v.append(w[keep])
    return coo_matrix(
        (np.concatenate(v), (np.concatenate(i), np.concatenate(j))), shape=(r.size, r.size)
    ).tocsr()


def random_surface(
    rng: np.random.Generator, rows: int, cols: int, holes: float = 0.15
) -> NDArray[np.float64]:
    r = 10 ** rng.uniform(0, 3, (rows, cols))
    r[rng.random(r.shape) < holes] = np.nan
    r[rng.integers(rows), rng.integers(cols)] = 1.0
    return r


def random_barriers(
    rng: np.random.Generator,
    shape: tuple[int, int],
    neighbours: int,
    share: float,
    costs: Any = (0.5, 50.0, np.inf),
) -> EdgeBarriers:
    """Costs on a random share of all edges."""
    rows, cols = shape
    cell, k = np.meshgrid(np.arange(rows * cols), np.arange(N_DIRECTIONS[neighbours]), indexing="ij")
    r, c = cell // cols + D_ROW[k], cell % cols + D_COL[k]
    use = (r < rows) & (c >= 0) & (c < cols) & (rng.random(cell.shape) < share)
    cost = rng.choice(costs, int(use.sum()))
    return EdgeBarriers(cell[use], k[use].astype(np.uint8), cost, cost)


def random_cells(rng: np.random.Generator, r: NDArray[Any], n: int) -> list[tuple[int, int]]:
    flat = rng.choice(np.flatnonzero(np.isfinite(r)), n)
    return [(int(f // r.shape[1]), int(f % r.shape[1])) for f in flat]


def flat_of(r: NDArray[Any], cells: list[tuple[int, int]]) -> NDArray[np.int64]:
    return np.array([a * r.shape[1] + b for a, b in cells])


SHAPES = [(1, 1), (1, 70), (67, 1), (2, 2), (33, 31), (64, 65), (97, 140)]


@pytest.mark.parametrize("neighbours", [4, 8, 16])
@pytest.mark.parametrize("shape", SHAPES)
def test_field_is_dijkstra_to_the_last_bit(neighbours: int, shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(neighbours + shape[0])
    r = random_surface(rng, *shape)
    sources = random_cells(rng, r, 2)
    barriers = random_barriers(rng, shape, neighbours, 0.15)
    for walls in (None, barriers):
        graph = explicit_graph(r, neighbours, 30.0, walls)
        expected = dijkstra(graph, indices=np.unique(flat_of(r, sources)), min_only=True).reshape(shape)
        got = lc.cost_distance(r, sources, cell_size=30.0, neighbours=neighbours, barriers=walls)
        assert np.array_equal(got, expected)


@settings(max_examples=25, deadline=None)
@given(
    rows=st.integers(1, 45),
    cols=st.integers(1, 45),
    neighbours=st.sampled_from([4, 8, 16]),
    share=st.sampled_from([0.0, 0.02, 0.5]),
    spread=st.sampled_from([0.0, 12.0]),
    seed=st.integers(0, 2**31),
)
def test_field_is_dijkstra_for_any_grid(
    rows: int, cols: int, neighbours: int, share: float, spread: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    r = random_surface(rng, rows, cols, rng.choice([0.0, 0.4]))
    r *= 10 ** rng.uniform(-spread, spread, r.shape)  # costs from 1e-12 to 1e15
    barriers = random_barriers(rng, r.shape, neighbours, share)
    sources = random_cells(rng, r, int(rng.integers(1, 4)))
    graph = explicit_graph(r, neighbours, 1.0, barriers)
    expected = dijkstra(graph, indices=np.unique(flat_of(r, sources)), min_only=True).reshape(r.shape)
    assert np.array_equal(lc.cost_distance(r, sources, neighbours=neighbours, barriers=barriers), expected)


@pytest.mark.parametrize("neighbours", [4, 8])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_field_has_the_bits_of_scikit_image(neighbours: int, dtype: Any) -> None:
    rng = np.random.default_rng(3)
    r = random_surface(rng, 150, 130).astype(dtype)
    source = random_cells(rng, r, 1)
    mcp = MCP_Geometric(
        np.where(np.isnan(r), np.inf, r), fully_connected=neighbours == 8, sampling=(7.0, 7.0)
    )
    expected, _ = mcp.find_costs(source)
    assert np.array_equal(lc.cost_distance(r, source, cell_size=7.0, neighbours=neighbours), expected)


def test_large_grid_path_has_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(4)
    r = random_surface(rng, 200, 210)
    barriers = random_barriers(rng, r.shape, 8, 0.01)
    source = random_cells(rng, r, 1)
    small = lc.cost_distance(r, source, barriers=barriers)
    monkeypatch.setattr(lc, "LARGE_GRID", 1)
    assert np.array_equal(lc.cost_distance(r, source, barriers=barriers), small)


@pytest.mark.parametrize("neighbours", [4, 8, 16])
def test_directed_costs_both_ways(neighbours: int) -> None:
    rng = np.random.default_rng(5)
    r = random_surface(rng, 50, 43)
    z = rng.normal(0, 200, r.shape)
    steps = slope_costs(r, z, uphill=6, downhill=0.5, cell_size=90, neighbours=neighbours)
    barriers = random_barriers(rng, r.shape, neighbours, 0.05)
    source = random_cells(rng, r, 1)
    graph = explicit_graph(r, neighbours, 90, barriers, steps)
    options: dict[str, Any] = {"neighbours": neighbours, "barriers": barriers, "step_costs": steps}
    there = dijkstra(graph, indices=flat_of(r, source)[0]).reshape(r.shape)
    back = dijkstra(graph.T.tocsr(), indices=flat_of(r, source)[0]).reshape(r.shape)
    assert np.array_equal(lc.cost_distance(r, source, **options), there)
    assert np.array_equal(lc.cost_distance(r, source, reverse=True, **options), back)
    assert not np.array_equal(there, back)


def test_symmetric_step_costs_are_evaluated_from_the_lower_cell() -> None:
    planes = step_costs(lambda length, a, b: length * (2 * a + b), [[1.0, 5.0]], neighbours=4, symmetric=True)
    assert planes[0, 0, 0] == planes[2, 0, 0] == 7.0


def test_limit_keeps_what_lies_exactly_on_it() -> None:
    field = lc.cost_distance(np.ones((1, 200)), [(0, 0)], limit=57.0)
    assert np.array_equal(field[0, :58], np.arange(58.0))
    assert np.isinf(field[0, 58:]).all()
    below = lc.cost_distance(np.ones((1, 200)), [(0, 0)], limit=np.nextafter(57.0, 0))
    assert np.isinf(below[0, 57])
    assert below[0, 56] == 56.0


def test_limit_and_targets_leave_final_values_only() -> None:
    rng = np.random.default_rng(6)
    r = random_surface(rng, 150, 150)
    source, goals = random_cells(rng, r, 1), random_cells(rng, r, 3)
    full = lc.cost_distance(r, source)
    limit = float(np.quantile(full[np.isfinite(full)], 0.3))
    assert np.array_equal(lc.cost_distance(r, source, limit=limit), np.where(full <= limit, full, np.inf))
    worst = max(full[g] for g in goals)
    stopped = lc.cost_distance(r, source, targets=goals)
    if np.isfinite(worst):
        assert np.array_equal(stopped, np.where(full <= worst, full, np.inf))
    walled = lc.cost_distance([[1.0, np.nan, 1.0]], [(0, 0)], targets=[(0, 2)])
    assert walled[0, 0] == 0.0
    assert np.isinf(walled[0, 2])


def test_initial_values_are_another_node_in_front() -> None:
    rng = np.random.default_rng(7)
    r = random_surface(rng, 40, 50)
    sources, initial = random_cells(rng, r, 4), rng.uniform(0, 500, 4)
    singles = [lc.cost_distance(r, [s]) + v for s, v in zip(sources, initial)]
    got = lc.cost_distance(r, sources, initial=initial)
    assert np.allclose(got, np.min(singles, axis=0), rtol=1e-13)


@pytest.mark.parametrize("neighbours", [4, 8, 16])
def test_allocation_is_the_nearest_source(neighbours: int) -> None:
    rng = np.random.default_rng(8)
    r = random_surface(rng, 70, 60)
    barriers = random_barriers(rng, r.shape, neighbours, 0.1)
    sources = random_cells(rng, r, 7)
    options: dict[str, Any] = {"neighbours": neighbours, "barriers": barriers}
    distance, label = lc.cost_allocation(r, sources, **options)
    fields = np.array([lc.cost_distance(r, [s], **options) for s in sources])
    assert np.array_equal(distance, fields.min(axis=0))
    reached = np.isfinite(distance)
    assert (label[~reached] == 0).all()
    own = np.take_along_axis(fields, np.maximum(label - 1, 0)[None].astype(int), axis=0)[0]
    assert np.array_equal(own[reached], distance[reached])
    raster = np.zeros(r.shape, int)
    for name, cell in enumerate(sources):
        raster[cell] = 100 + name
    _, named = lc.cost_allocation(r, raster, **options)
    unique = len({*sources}) == len(sources)
    assert unique
    assert np.array_equal(np.where(reached, label + 99, 0), named)


def test_allocation_with_initial_values() -> None:
    ground = np.ones((1, 9))
    distance, label = lc.cost_allocation(ground, [(0, 0), (0, 8), (0, 4)], initial=[0.0, 3.0, 50.0])
    assert label.tolist() == [[1, 1, 1, 1, 1, 1, 2, 2, 2]] or label.tolist() == [[1, 1, 1, 1, 1, 2, 2, 2, 2]]
    assert distance[0, 4] == 4.0


def test_allocation_where_costs_vanish_in_rounding() -> None:
    ground = np.full((6, 6), 1e-12)
    ground[:, 2] = 1e15
    distance, label = lc.cost_allocation(ground, [(0, 0)])
    assert np.isfinite(distance).all()
    assert (label == 1).all()


def test_matrix_and_threads() -> None:
    rng = np.random.default_rng(9)
    r = random_surface(rng, 80, 90, 0.05)
    sets = [random_cells(rng, r, int(n)) for n in (1, 3, 2, 5)]
    fields = lc.cost_distances(r, sets, workers=2)
    expected = [[min(field[c] for c in other) for other in sets] for field in fields]
    for workers in (1, 2):
        assert np.array_equal(lc.cost_matrix(r, sets, workers=workers), expected)
    for field, own in zip(fields, sets):
        assert np.array_equal(field, lc.cost_distance(r, own))


def test_dataarray_in_dataarray_out() -> None:
    values = xr.DataArray(
        np.array([[1.0, 3.0], [1.0, 1.0]]), {"y": [150.0, 50.0], "x": [50.0, 150.0], "band": 1}, ("y", "x")
    )
    field = lc.cost_distance(values, [(0, 0)])
    assert isinstance(field, xr.DataArray)
    assert field.dims == ("y", "x")
    assert field.attrs["units"] == "m of open ground"
    assert field.sel(x=150, y=150) == 200.0  # 100 m at mean resistance 2
    with pytest.raises(OptionError, match="D07"):
        lc.cost_distance(values, [(0, 0)], cell_size=30.0)
    with pytest.raises(OptionError, match="evenly"):
        lc.cost_distance(
            xr.DataArray(np.ones((1, 3)), {"y": [0.0], "x": [0.0, 1.0, 5.0]}, ("x", "y")[::-1])
            .isel(y=[0, 0])
            .assign_coords(y=[0.0, 1.0]),
            [(0, 0)],
        )


@pytest.mark.parametrize("shape", [(1, 4), (4, 1)])
def test_one_row_or_column_has_the_cells_of_its_coordinates(shape: tuple[int, int]) -> None:
    place = {"y": 500.0 - 1000.0 * np.arange(shape[0]), "x": 1000.0 * np.arange(shape[1])}
    field = lc.cost_distance(xr.DataArray(np.ones(shape), place, ("y", "x")), [(0, 0)])
    assert field.values.ravel().tolist() == [0.0, 1000.0, 2000.0, 3000.0]


def test_oblong_cells() -> None:
    field = lc.cost_distance(np.ones((2, 2)), [(0, 0)], cell_size=(2.0, 3.0))
    assert field.tolist() == [[0.0, 3.0], [2.0, np.sqrt(13.0)]]


def test_inputs_are_not_touched_and_may_be_read_only() -> None:
    r = np.ones((5, 5))
    r.setflags(write=False)
    assert lc.cost_distance(r, [(0, 0)])[4, 4] == pytest.approx(4 * np.sqrt(2))
    assert lc.cost_distance(np.ones((5, 5), np.int16), [(0, 0)])[0, 4] == 4.0
    assert lc.cost_distance(np.asfortranarray(np.ones((5, 9))), [(0, 0)])[0, 8] == 8.0


@pytest.mark.parametrize(
    ("call", "error", "code"),
    [
        (lambda: lc.cost_distance([[1.0, 0.0, -2.0]], [(0, 0)]), ResistanceError, "R11"),
        (lambda: lc.cost_distance([[np.nan, np.inf]], [(0, 0)]), ResistanceError, "R12"),
        (lambda: lc.cost_distance([1.0, 2.0], [(0, 0)]), ResistanceError, "R13"),
        (lambda: lc.cost_distance([[1.0]], [(0, 1)]), PatchError, "D01"),
        (lambda: lc.cost_distance([[1.0]], [(-1, 0)]), PatchError, "D01"),
        (lambda: lc.cost_distance([[1.0, np.nan]], [(0, 1)]), PatchError, "D02"),
        (lambda: lc.cost_distance([[1.0]], []), PatchError, "D03"),
        (lambda: lc.cost_distance([[1.0]], np.zeros((1, 1), bool)), PatchError, "D03"),
        (lambda: lc.cost_distance([[1.0]], [0.5, 0.2]), PatchError, "D04"),
        (lambda: lc.cost_distance([[1.0]], [(0, 0)], neighbours=6), OptionError, "O01"),
        (lambda: lc.cost_distance([[1.0]], [(0, 0)], limit=-1), OptionError, "D07"),
        (lambda: lc.cost_distance([[1.0]], [(0, 0)], limit=np.nan), OptionError, "D07"),
        (lambda: lc.cost_distance([[1.0]], [(0, 0)], cell_size=0), OptionError, "D07"),
        (lambda: lc.cost_distance([[1.0]], [(0, 0)], initial=[-1]), PatchError, "D10"),
        (lambda: lc.cost_distance([[1.0]], [(0, 0)], initial=[1, 2]), PatchError, "D10"),
        (lambda: lc.cost_distance([[1.0]], [(0, 0)], step_costs=np.ones((2, 1, 1))), OptionError, "D08"),
        (lambda: lc.cost_distance([[1.0]], [(0, 0)], step_costs=-np.ones((8, 1, 1))), OptionError, "D08"),
        (lambda: slope_costs([[1.0]], [[0.0]], uphill=-1), OptionError, "D07"),
    ],
)
def test_refusals_carry_their_code(call: Any, error: type[Exception], code: str) -> None:
    with pytest.raises(error, match=code):
        call()


def test_zero_resistances_are_counted() -> None:
    with pytest.raises(ResistanceError, match="3 of 6 cells"):
        cost_surface([[1.0, 0.0, -1.0], [2.0, -np.inf, 1.0]])


@pytest.mark.parametrize(
    ("cell", "direction", "cost"),
    [
        ([1], [0], [1.0]),
        ([9], [0], [1.0]),
        ([0], [9], [1.0]),
        ([0], [0], [-1.0]),
        ([0], [0], [np.nan]),
        ([0, 0], [0, 0], [1, 1]),
    ],
)
def test_barriers_that_are_no_edges_are_refused(cell: Any, direction: Any, cost: Any) -> None:
    cost = np.array(cost, float)
    with pytest.raises(BarrierError, match="D05"):
        cost_surface(
            np.ones((2, 2)), barriers=EdgeBarriers(np.array(cell), np.array(direction, np.uint8), cost, cost)
        )


def test_unsorted_barriers_are_sorted() -> None:
    cost = np.array([5.0, np.inf])
    surface = cost_surface(
        np.ones((1, 4)), barriers=EdgeBarriers(np.array([2, 0]), np.zeros(2, np.uint8), cost, cost)
    )
    assert lc.cost_distance(surface, [(0, 1)]).tolist() == [[np.inf, 0.0, 1.0, 7.0]]


def test_sources_inside_walls_are_a_finding() -> None:
    ground = np.ones((3, 5))
    cost = np.full(8, np.inf)
    ring = [(5 + 1, k) for k in range(4)] + [(5, 0), (1, 1), (0, 2), (2, 3)]  # all edges of cell (1, 1)
    walls = EdgeBarriers(*(np.array(v) for v in zip(*sorted(ring))), cost, cost)
    surface = cost_surface(ground, barriers=walls._replace(direction=walls.direction.astype(np.uint8)))
    found = enclosed_sources(surface, [(1, 1), (2, 2)])
    assert [f.code for f in found] == ["D06"]
    assert found[0].rows == ((1, 1),)
    assert found[0].severity == "warning"
    field = lc.cost_distance(surface, [(1, 1)])
    assert np.isfinite(field).sum() == 1
    assert enclosed_sources(surface, [(2, 2)]) == []


def test_source_cells_keep_their_order() -> None:
    surface = cost_surface(np.ones((3, 4)))
    assert source_cells(surface, [(2, 0), (0, 1)]).tolist() == [8, 1]


class _Grid:
    cell_size, shape = 50.0, (1, 3)
    x, y = np.array([25.0, 75.0, 125.0]), np.array([25.0])


class _Landscape:
    grid, neighbours = _Grid(), 4
    resistance = np.array([[1.0, 1.0, 2.0]])

    def to_xarray(self, values: np.ndarray, name: str) -> xr.DataArray:
        return xr.DataArray(values, {"y": self.grid.y, "x": self.grid.x}, ("y", "x"), name)

    def edge_barriers(self) -> EdgeBarriers:
        cost = np.array([1000.0])
        return EdgeBarriers(np.array([0]), np.zeros(1, np.uint8), cost, cost)


def test_landscape_brings_its_own_numbers() -> None:
    field = lc.cost_distance(_Landscape(), [(0, 0)])
    assert isinstance(field, xr.DataArray)
    assert field.values.tolist() == [[0.0, 1050.0, 1125.0]]
    assert field["x"].values.tolist() == [25.0, 75.0, 125.0]
    for option in ({"cell_size": 30.0}, {"neighbours": 16}, {"barriers": EdgeBarriers.empty()}):
        with pytest.raises(OptionError, match="D07"):
            lc.cost_distance(_Landscape(), [(0, 0)], **option)


def test_a_map_of_labels_takes_no_initial_values_and_what_is_cut_off_no_way() -> None:
    labels = np.array([[1, 0, 0, 2]])
    with pytest.raises(OptionError, match=r"D07.*initial values need a list of sources"):
        lc.cost_allocation(np.ones((1, 4)), labels, initial=[0.0, 1.0])
    _, label = lc.cost_allocation(np.ones((1, 4)), [(0, 0), (0, 3)], initial=[0.0, 5.0])
    assert label.tolist() == [[1, 1, 1, 1]]
    surface = cost_surface([[1.0, np.nan, 1.0]])
    with pytest.raises(PatchError, match=r"D09.*cell \(0, 2\) cannot be reached"):
        lc.trace_cells(surface, np.array([[0.0, np.inf, np.inf]]), np.array([0]), 2)
