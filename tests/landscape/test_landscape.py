"""The landscape graph against independent ones: SciPy, scikit-image, networkx; monotone whatever the barriers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import geopandas as gpd
import networkx as nx
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from places import GOBI
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components, dijkstra
from skimage.graph import MCP_Geometric

import permeability as pm
from permeability.barriers.lines import prepare
from permeability.barriers.scenario import Scenario
from permeability.core.errors import BarrierError, OptionError, PatchError, ResistanceError
from permeability.landscape.landscape import Landscape, build, presence
from permeability.landscape.patches import Patches, place
from permeability.landscape.resistance_values import check_resistance
from permeability.layers.grid import Grid
from permeability.linkage.landscape_indices import pair_costs, pair_resistances, range_pieces
from permeability.project.project import Project, open_project
from permeability.species import species

CRS, CELL, N = "EPSG:32648", 1000.0, 12
STEPS = {4: [(0, 1), (1, 0)], 8: [(0, 1), (1, 0), (1, 1), (1, -1)]}
STEPS[16] = [*STEPS[8], (1, 2), (1, -2), (2, 1), (2, -1)]
EIGHTHS = (0.125, 0.375, 0.625, 0.875)  # places on a step: one in each cell that a knight's move runs through
CLASSES = ("border", "rail_barbed_both_sides", "rail_wildlife_friendly", "stock")


# ---------------------------------------------------------------- small random landscapes
def square(n: int = N) -> Grid:
    return Grid.from_bounds((0, 0, n * CELL, n * CELL), cell_size=CELL, crs=CRS)


def fences(rng: np.random.Generator, n: int, *, straight: bool = False) -> gpd.GeoDataFrame:
    geometry = []
    for _ in range(n):
        vertices = 2 if straight else int(rng.integers(2, 6))
        geometry.append(shapely.LineString(rng.uniform(-2000, 14_000, (vertices, 2))))
    rows = {"id": [f"f{i}" for i in range(n)], "kind": "fence", "fence_class": rng.choice(CLASSES, n)}
    return gpd.GeoDataFrame(rows, geometry=geometry, crs=CRS)


def ground(rng: np.random.Generator, holes: float = 0.08) -> NDArray[np.float64]:
    r = rng.uniform(1, 8, (N, N))
    r[rng.random((N, N)) < holes] = np.nan
    r[0, 0] = r[-1, -1] = r[0, -1] = 1.0
    return r


def corners(land: Landscape) -> Patches:
    """Patches of one cell in three corners of the map."""
    far = (N - 0.5) * CELL
    spots = [shapely.Point(500, far), shapely.Point(far, 500), shapely.Point(far, far)]
    return place(gpd.GeoDataFrame({"id": ["nw", "se", "ne"]}, geometry=spots, crs=CRS), land)


def landscape(rng: np.random.Generator, table: gpd.GeoDataFrame, neighbours: int = 8) -> Landscape:
    return build(square(), ground(rng), prepare(table), species("khulan"), neighbours=neighbours)


def plain_graph(
    land: Landscape, table: gpd.GeoDataFrame, *, circuit: bool
) -> Iterator[tuple[int, int, float]]:
    """Edges and their lengths straight from the design, with shapely: 3.3 for costs, 3.4 for the circuit."""
    r, profile = land.resistance, species("khulan")
    chance = [(profile.crossing[c].best, profile.trace_of(c)[0].best) for c in table["fence_class"]]
    cost = [np.inf if p < 0.001 else m * (1 - p) / p for p, m in chance]
    for i in range(N):
        for j in range(N):
            for di, dj in STEPS[min(land.neighbours, 8) if circuit else land.neighbours]:
                k, l = i + di, j + dj
                if not (0 <= k < N and 0 <= l < N):
                    continue
                under = [r[int(i + t * di + 0.5), int(j + t * dj + 0.5)] for t in EIGHTHS]
                if np.isnan(under).any():
                    continue
                v = np.array([dj, -di]) * CELL
                ends = np.array([[j + 0.5, N - i - 0.5], [l + 0.5, N - k - 0.5]]) * CELL
                edge, length = shapely.LineString(ends), float(np.hypot(di, dj))
                value = length * float(np.mean(under)) * (1.0 if circuit else CELL)
                for fence, c in zip(table.geometry, cost):
                    if edge.crosses(fence):
                        a, b = shapely.get_coordinates(fence)
                        normal = np.array([a[1] - b[1], b[0] - a[0]]) / fence.length
                        value += length * c / abs(v @ normal) if circuit else c
                if np.isfinite(value):
                    yield i * N + j, k * N + l, value


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(0, 5), neighbours=st.sampled_from([4, 8, 16]))
def test_distances_equal_scipy(seed: int, n: int, neighbours: int) -> None:
    rng = np.random.default_rng(seed)
    table = fences(rng, max(n, 1), straight=True)
    land = landscape(rng, table, neighbours)
    if n == 0:
        land, table = land.without_barriers(), table.iloc[:0]
    i, j, w = zip(*plain_graph(land, table, circuit=False), strict=True)
    graph = coo_matrix((w, (i, j)), (N * N, N * N)).tocsr()
    at = [0, N * N - 1, N - 1]
    expected = dijkstra(graph, directed=False, indices=at)[:, at]
    np.testing.assert_allclose(pair_costs(land, corners(land)), expected, rtol=1e-9)
    count = connected_components(graph, directed=False)[0] - int(np.isnan(land.resistance).sum())
    assert land.parts.max() == count


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_distances_without_barriers_equal_scikit_image(seed: int) -> None:
    rng = np.random.default_rng(seed)
    land = landscape(rng, fences(rng, 2)).without_barriers()
    costs = np.where(np.isnan(land.resistance), np.inf, land.resistance)
    found, _ = MCP_Geometric(costs, sampling=(CELL, CELL)).find_costs([(0, 0)])
    expected = [0.0, found[-1, -1], found[0, -1]]
    np.testing.assert_allclose(pair_costs(land, corners(land))[0], expected, rtol=1e-9)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(1, 5), neighbours=st.sampled_from([4, 8]))
def test_effective_resistances_equal_networkx(seed: int, n: int, neighbours: int) -> None:
    rng = np.random.default_rng(seed)
    table = fences(rng, n, straight=True)
    land = landscape(rng, table, neighbours)
    graph = nx.Graph()
    graph.add_nodes_from(np.flatnonzero(land.valid.ravel()).tolist())
    graph.add_weighted_edges_from((i, j, 1.0 / w) for i, j, w in plain_graph(land, table, circuit=True))
    at = [0, N * N - 1, N - 1]
    found = pair_resistances(land, corners(land))
    for a, one in enumerate(at):
        for b, two in enumerate(at):
            if a == b:
                assert found[a, b] == 0.0
            elif nx.has_path(graph, one, two):
                part = graph.subgraph(nx.node_connected_component(graph, one))
                expected = nx.resistance_distance(part, one, two, weight="weight", invert_weight=False)
                assert found[a, b] == pytest.approx(expected, rel=1e-9)
            else:
                assert np.isinf(found[a, b])


# ---------------------------------------------------------------- monotone
def not_lower(more: NDArray[np.float64], less: NDArray[np.float64]) -> bool:
    """Whether no entry of ``more`` is below that of ``less`` (but for rounding)."""
    return bool(np.all((more >= less * (1 - 1e-9)) | np.isinf(more)))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(1, 5), neighbours=st.sampled_from([4, 8, 16]))
def test_adding_a_barrier_never_lowers_anything(seed: int, n: int, neighbours: int) -> None:
    rng = np.random.default_rng(seed)
    full = landscape(rng, fences(rng, n), neighbours)
    patches = corners(full.without_barriers())
    before = None
    for standing in range(n + 1):  # one more fence at a time
        land = full.without_lines([f"f{i}" for i in range(standing, n)])
        now = pair_costs(land, patches), pair_resistances(land, patches), int(land.parts.max())
        if before is not None:
            assert not_lower(now[0], before[0])
            assert not_lower(now[1], before[1])
            assert now[2] >= before[2]
        before = now


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), a=st.floats(0, 11.9), length=st.floats(0.05, 12))
def test_opening_a_stretch_never_raises_anything(seed: int, a: float, length: float) -> None:
    rng = np.random.default_rng(seed)
    land = landscape(rng, fences(rng, 3))
    patches = corners(land.without_barriers())
    low, high = land.barriers.km_range("f1")
    start = low + a / 12 * (high - low)
    opened = land.with_scenario(Scenario("open").remove("f1", km=(start, min(high, start + length))))
    assert not_lower(pair_costs(land, patches), pair_costs(opened, patches))
    assert not_lower(pair_resistances(land, patches), pair_resistances(opened, patches))
    wider = land.with_scenario(Scenario("all").remove("f1"))
    assert not_lower(pair_costs(opened, patches), pair_costs(wider, patches))
    assert not_lower(pair_resistances(opened, patches), pair_resistances(wider, patches))
    gone = land.without_lines(["f1"])
    np.testing.assert_allclose(pair_costs(wider, patches), pair_costs(gone, patches), rtol=1e-12)
    np.testing.assert_allclose(pair_resistances(wider, patches), pair_resistances(gone, patches), rtol=1e-9)


# ---------------------------------------------------------------- order and orientation
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_order_of_barriers_changes_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    table, r = fences(rng, 4), ground(rng)
    one = build(square(), r, prepare(table), species("khulan"))
    two = build(
        square(), r, prepare(table.iloc[rng.permutation(4)].reset_index(drop=True)), species("khulan")
    )
    patches = corners(one.without_barriers())
    np.testing.assert_allclose(pair_costs(one, patches), pair_costs(two, patches), rtol=1e-12)
    np.testing.assert_allclose(pair_resistances(one, patches), pair_resistances(two, patches), rtol=1e-9)
    np.testing.assert_array_equal(one.parts, two.parts)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), neighbours=st.sampled_from([4, 8, 16]))
def test_flipping_and_transposing_change_nothing(seed: int, neighbours: int) -> None:
    rng = np.random.default_rng(seed)
    table, r, side = fences(rng, 3), ground(rng), N * CELL
    spots = np.array([[500.0, side - 500.0], [side - 500.0, 500.0], [side - 500.0, side - 500.0]])
    turns = {
        "as it is": (lambda xy: xy, lambda a: a),
        "east-west": (lambda xy: xy * [-1, 1] + [side, 0], lambda a: a[:, ::-1]),
        "north-south": (lambda xy: xy * [1, -1] + [0, side], lambda a: a[::-1]),
        "transposed": (lambda xy: (side - xy)[:, ::-1], lambda a: a.T),
    }
    found = []
    for move, turn in turns.values():
        moved = table.set_geometry(shapely.transform(table.geometry.to_numpy(), move), crs=CRS)
        land = build(square(), turn(r).copy(), prepare(moved), species("khulan"), neighbours=neighbours)
        cells = gpd.GeoDataFrame({"id": ["a", "b", "c"]}, geometry=shapely.points(move(spots)), crs=CRS)
        patches = place(cells, land.without_barriers())
        found.append((pair_costs(land, patches), pair_resistances(land, patches)))
    for cost, resistance in found[1:]:
        np.testing.assert_allclose(cost, found[0][0], rtol=1e-9)
        np.testing.assert_allclose(resistance, found[0][1], rtol=1e-9)


def test_twice_the_resistance_is_twice_the_distance() -> None:
    rng = np.random.default_rng(1)
    table, r = fences(rng, 2), ground(rng)
    one = build(square(), r, prepare(table), species("khulan")).without_barriers()
    two = build(square(), 2 * r, prepare(table), species("khulan")).without_barriers()
    patches = corners(one)
    np.testing.assert_allclose(2 * pair_costs(one, patches), pair_costs(two, patches), rtol=1e-12)
    both = pair_resistances(one, patches), pair_resistances(two, patches)
    np.testing.assert_allclose(2 * both[0], both[1], rtol=1e-9)
    np.testing.assert_allclose(both[0], both[0].T, rtol=0)


# ---------------------------------------------------------------- the Gobi sample (T01, T02, T03, T21)
@cache
def gobi(cell_size_m: int) -> Project:
    """The sample at another cell size, in memory."""
    project = open_project(GOBI / "project.toml")
    grid = project.spec.grid.model_copy(update={"cell_size_m": float(cell_size_m)})
    return Project(project.path, project.spec.model_copy(update={"grid": grid}))


@pytest.mark.parametrize(
    "cell_size_m", [pytest.param(1000, marks=pytest.mark.slow), pytest.param(2000), pytest.param(5000)]
)
def test_the_railway_cuts_the_khulan_range(cell_size_m: int) -> None:
    """17,182 km2 in the east have no path to the west (domain.md T01, T02); one opening joins them (T03)."""
    project = gobi(cell_size_m)
    land, inside, patches = (
        project.landscape("khulan"),
        project.range_mask("khulan"),
        project.patches("khulan"),
    )
    pieces = range_pieces(land.parts, inside, land.grid.cell_area_km2)
    assert len(pieces) == 2
    assert pieces[1] == pytest.approx(17_182, rel=0.02)
    part = {name: set(np.unique(land.parts[patches.mask(i)])) for i, name in enumerate(patches.ids, start=1)}
    side = dict(zip(patches.table["id"], patches.table["tmr_side"]))
    west, east = (set().union(*(part[n] for n in part if side[n] == s)) for s in ("west", "east"))
    assert len(west) == len(east) == 1
    assert west != east

    opened = land.with_scenario(Scenario("one").remove("TMR", km=(840, 850)))
    assert len(range_pieces(opened.parts, inside, land.grid.cell_area_km2)) == 1
    free = land.with_scenario(Scenario("free").drop("TMR"))
    assert len(range_pieces(free.parts, inside, land.grid.cell_area_km2)) == 1

    one_fence = land.with_scenario(Scenario("left only").remove("TMR", components=("fence left",)))
    for now, before in zip(one_fence.edge_barriers(), land.edge_barriers()):
        np.testing.assert_array_equal(now, before)  # the right fence still stands (T21)
    both = land.with_scenario(Scenario("both").remove("TMR", components=("fence left", "fence right")))
    assert len(range_pieces(both.parts, inside, land.grid.cell_area_km2)) == 1


def test_no_path_is_said_in_words_and_is_infinite() -> None:
    from permeability.linkage.patch_pairs import connectivity

    project = gobi(20_000)
    land, patches = project.landscape("khulan"), project.patches("khulan")
    today = connectivity(land, patches)
    side = dict(zip(patches.table["id"], patches.table["tmr_side"]))
    across = today.pairs[[side[a] != side[b] for a, b in zip(today.pairs["a"], today.pairs["b"])]]
    assert len(across) == 12
    assert not across["connected"].any()
    assert np.isinf(across[["cost_km", "resistance", "detour"]].to_numpy()).all()
    assert across["words"].str.contains("no path").all()
    assert across["words"].str.contains("infinite").all()
    open_ = connectivity(land.with_scenario(Scenario("one").remove("TMR", km=(830, 850))), patches)
    assert open_.pairs["connected"].all()
    assert np.isfinite(open_.pairs[["cost_km", "resistance", "detour"]].to_numpy()).all()


# ---------------------------------------------------------------- what is refused
@pytest.mark.parametrize(
    ("values", "code"),
    [
        ([[1.0, 0.0]], "R01"),
        ([[1.0, -2.0]], "R01"),
        ([[1.0, np.inf]], "R01"),
        ([[np.nan, np.nan]], "R02"),
        ([[1.0, 1.0, 1.0]], "R03"),
    ],
)
def test_resistances_that_cannot_be_used(values: list[list[float]], code: str) -> None:
    with pytest.raises(ResistanceError, match=code) as caught:
        check_resistance(np.array(values), (1, 2), layer="ground")
    assert "ground" in str(caught.value)
    if code == "R01":
        assert "row 0 column 1" in str(caught.value)


def test_a_patch_cut_in_two_is_taken_apart_or_refused() -> None:
    wall = gpd.GeoDataFrame(
        {"id": ["w"], "kind": ["fence"], "fence_class": ["rail_barbed_both_sides"]},
        geometry=[shapely.LineString([(5200, -900), (5300, 13_000)])],
        crs=CRS,
    )
    profile = species("khulan").override({"crossing.rail_barbed_both_sides": 0.0})
    land = build(square(), np.ones((N, N)), prepare(wall), profile)
    assert land.parts.max() == 2
    across = gpd.GeoDataFrame({"id": ["a"]}, geometry=[shapely.box(3000, 3000, 8000, 8000)], crs=CRS)
    assert place(across, land).ids == ["a/1", "a/2"]
    with pytest.raises(PatchError, match="P14"):
        place(across, land, on_barrier="refuse")
    lake = land.resistance.copy()
    lake[:, 4:6] = np.nan  # no barrier, but nothing to walk on: one node would be a bridge
    with pytest.raises(PatchError, match="P05"):
        place(across, build(square(), lake, prepare(wall.assign(fenced="no")), profile))


def test_unknown_options_are_refused() -> None:
    rng = np.random.default_rng(0)
    land = landscape(rng, fences(rng, 1))
    with pytest.raises(OptionError, match=r"(?s)O01.*did you mean 'high'"):
        land.at("hihg")
    with pytest.raises(OptionError, match="O01"):
        build(square(), np.ones((N, N)), land.barriers, species("khulan"), assume_fenced="maybe")
    with pytest.raises(BarrierError, match="B06"):
        land.without_lines(["f9"])


def test_variants_share_the_cut_table_and_print_themselves() -> None:
    rng = np.random.default_rng(0)
    land = landscape(rng, fences(rng, 2))
    opened = land.with_scenario(Scenario("x").remove("f0"))
    assert opened.cuts is land.cuts
    assert land.scenario.name == "today"
    assert "1 connected parts" in repr(land.without_barriers()) or "connected parts" in repr(land)
    array = land.to_xarray(land.resistance, "resistance", unit="1")
    assert array.attrs["species"] == "khulan"
    assert array.sizes == {"y": N, "x": N}


def test_lines_stand_for_certain_where_no_chance_is_stated() -> None:
    land, _ = pm.samples.tiny()
    table = land.barriers.table
    stated = replace(land.barriers, table=table.assign(presence=[0.3, np.nan]))
    unstated = replace(land.barriers, table=table.drop(columns="presence"))
    assert presence(stated).tolist() == [0.3, 1.0]
    assert presence(unstated).tolist() == [1.0, 1.0]
