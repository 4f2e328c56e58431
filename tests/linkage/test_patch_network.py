"""Patch graphs: labels, territories, links and their barriers."""

from __future__ import annotations

import geopandas as gpd
import networkx as nx
import numpy as np
import pytest
import shapely

from permeability.barriers import lines as pb
from permeability.core.errors import OptionError, PatchError
from permeability.engines.leastcost.distance import cost_allocation, cost_distance, cost_matrix
from permeability.landscape import landscape as pl
from permeability.landscape.patches import place
from permeability.layers.grid import Grid
from permeability.linkage.corridors import normalised_corridor
from permeability.linkage.patch_network import label_patches, patch_network, patch_table, threshold
from permeability.species import species

CRS = "EPSG:32648"


def scene(seed: int = 1, shape: tuple[int, int] = (60, 70)) -> tuple[np.ndarray, np.ndarray]:
    """Resistance with holes, and patches of several cells."""
    rng = np.random.default_rng(seed)
    r = 10 ** rng.uniform(0, 1.5, shape)
    r[rng.random(shape) < 0.08] = np.nan
    habitat = np.zeros(shape, bool)
    for _ in range(12):
        y, x = rng.integers(0, shape[0] - 5), rng.integers(0, shape[1] - 5)
        habitat[y : y + rng.integers(1, 5), x : x + rng.integers(1, 5)] = True
    return r, label_patches(habitat & np.isfinite(r))


@pytest.mark.parametrize("connectivity", [4, 8])
def test_labels_are_the_components(connectivity: int) -> None:
    rng = np.random.default_rng(2)
    habitat = rng.random((25, 30)) < 0.4
    labels = label_patches(habitat, connectivity=connectivity, min_cells=3)
    graph = nx.grid_2d_graph(25, 30)
    if connectivity == 8:
        graph.add_edges_from(
            ((i, j), (i + 1, j + d)) for i in range(24) for j in range(30) for d in (-1, 1) if 0 <= j + d < 30
        )
    parts = [
        p for p in nx.connected_components(graph.subgraph(map(tuple, np.argwhere(habitat)))) if len(p) >= 3
    ]
    assert labels.max() == len(parts)
    for order, part in enumerate(sorted(parts, key=min), start=1):
        assert {int(labels[c]) for c in part} == {order}
    assert (labels > 0).sum() == sum(map(len, parts))


def test_patch_table_against_shapely() -> None:
    _, labels = scene(3)
    table = patch_table(labels, cell_size=50.0)
    for name, row in table.iterrows():
        cells = np.argwhere(labels == name)
        area = shapely.union_all([shapely.box(c * 50, r * 50, c * 50 + 50, r * 50 + 50) for r, c in cells])
        assert row["area_m2"] == pytest.approx(area.area)
        assert row["perimeter_m"] == pytest.approx(area.length)
        frame = shapely.box(0, 0, labels.shape[1] * 50, labels.shape[0] * 50)
        rim = [
            c for r, c in cells
            if not area.contains(shapely.box(c * 50 - 49, r * 50 - 49, c * 50 + 99, r * 50 + 99).intersection(frame))
        ]  # fmt: skip
        assert row["edge_area_m2"] == len(rim) * 2500
        assert row["core_area_m2"] == row["area_m2"] - row["edge_area_m2"]


def test_all_links_are_the_least_costs() -> None:
    r, labels = scene()
    network = patch_network(r, labels, links="all", cell_size=30.0, workers=2)
    n = labels.max()
    matrix = cost_matrix(r, [labels == i for i in range(1, n + 1)], cell_size=30.0)
    for a in range(1, n + 1):
        for b in range(a + 1, n + 1):
            if np.isfinite(matrix[a - 1, b - 1]):
                link = network.graph.edges[a, b]
                assert link["cost_m"] == pytest.approx(matrix[a - 1, b - 1], rel=1e-12)
                ends = link["path"].cells[[0, -1]]
                assert sorted(labels[tuple(e)] for e in ends) == [a, b]
                assert link["length_m"] == link["path"].length
            else:
                assert not network.graph.has_edge(a, b)
    cheap = patch_network(r, labels, links="all", cell_size=30.0, limit=2000.0)
    assert sorted(cheap.graph.edges) == sorted(network.within(2000.0).edges)
    assert 0 < cheap.graph.number_of_edges() < network.graph.number_of_edges()
    assert cheap.graph.number_of_nodes() == n


def test_planar_links_join_territories_that_meet() -> None:
    r, labels = scene(4)
    network = patch_network(r, labels)
    distance, territory = cost_allocation(r, labels)
    assert np.array_equal(network.territory, territory)
    expected: dict[tuple[int, int], float] = {}
    rows, cols = r.shape
    for y in range(rows):
        for x in range(cols):
            for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
                y2, x2 = y + dy, x + dx
                if not (y2 < rows and 0 <= x2 < cols):
                    continue
                a, b = int(territory[y, x]), int(territory[y2, x2])
                if a != b and a and b:
                    w = distance[y, x] + 0.5 * np.hypot(dy, dx) * (r[y, x] + r[y2, x2]) + distance[y2, x2]
                    if np.isfinite(w):
                        pair = (min(a, b), max(a, b))
                        expected[pair] = min(expected.get(pair, np.inf), w)
    got = {(min(a, b), max(a, b)): c for a, b, c in network.graph.edges(data="cost_m")}
    assert got.keys() == expected.keys()
    assert all(got[p] == pytest.approx(expected[p], rel=1e-12) for p in got)
    for a, b, link in network.graph.edges(data=True):
        cells = link["path"].cells
        assert {int(v) for v in territory[tuple(cells.T)]} == {a, b}
        steps = np.abs(np.diff(cells, axis=0))
        assert steps.max() == 1
        along = 0.5 * np.hypot(*steps.T) * (r[tuple(cells[:-1].T)] + r[tuple(cells[1:].T)])
        assert along.sum() == pytest.approx(link["cost_m"], rel=1e-12)


def test_planar_graph_holds_the_minimum_spanning_tree() -> None:
    """The cheapest tree over all pairs lies in the planar graph, with the same costs."""
    r, labels = scene(5)
    planar, full = patch_network(r, labels).graph, patch_network(r, labels, links="all").graph
    trees = [
        sorted(d["cost_m"] for _, _, d in nx.minimum_spanning_edges(g, weight="cost_m"))
        for g in (planar, full)
    ]
    assert np.allclose(*trees, rtol=1e-12)
    for cost in (5.0, 20.0, 60.0, 200.0):
        parts = [nx.number_connected_components(threshold(g, cost)) for g in (planar, full)]
        assert parts[0] == parts[1]


def test_adjacent_links_are_true_least_costs_with_widths() -> None:
    r, labels = scene(6)
    planar = patch_network(r, labels).graph
    network = patch_network(r, labels, links="adjacent", corridor_m=15.0)
    assert {frozenset(e) for e in network.graph.edges} == {frozenset(e) for e in planar.edges}
    for a, b, link in network.graph.edges(data=True):
        d_a, d_b = cost_distance(r, labels == a), cost_distance(r, labels == b)
        assert link["cost_m"] == pytest.approx(d_a[labels == b].min(), rel=1e-12)
        assert link["cost_m"] <= planar.edges[a, b]["cost_m"] * (1 + 1e-12)
        inside = (normalised_corridor(d_a, d_b)[0] <= 15.0) & (labels != a) & (labels != b)
        assert link["width_m"] == pytest.approx(inside.sum() / link["length_m"])


def test_entered_costs_count_cells_between_patches() -> None:
    ground = np.array([[1.0, 3.0, 4.0, 1.0], [9.0, 9.0, 9.0, 9.0]])
    network = patch_network(ground, np.array([[1, 0, 0, 2], [0, 0, 0, 0]]), cost="entered", neighbours=4)
    assert network.graph.edges[1, 2]["cost_m"] == 7.0


@pytest.fixture(scope="module")
def land() -> pl.Landscape:
    grid = Grid.from_bounds((0, 0, 30_000, 20_000), cell_size=1000, crs=CRS)
    fence = gpd.GeoDataFrame(
        {"id": ["f"], "line": ["F"], "kind": ["fence"], "fence_class": ["stock"]},
        geometry=[shapely.LineString([(15_300, -50), (15_300, 20_050)])], crs=CRS,
    )  # fmt: skip
    return pl.build(grid, np.ones(grid.shape), pb.prepare(fence), species("khulan"))


def test_links_name_the_barriers_they_cross(land: pl.Landscape) -> None:
    spots = gpd.GeoDataFrame(
        {"id": ["west", "mid", "east"], "weight": [2.0, 1.0, 1.0]},
        geometry=[shapely.box(0, 0, 3000, 3000), shapely.Point(10_500, 10_500), shapely.Point(25_500, 10_500)], crs=CRS,
    )  # fmt: skip
    network = patch_network(land, place(spots, land), links="all")
    edges = network.graph.edges
    assert edges["west", "mid"]["lines"] == []
    assert edges["mid", "east"]["lines"] == ["F"]
    costs = land.cut_costs.cost_m
    assert edges["mid", "east"]["crossing_cost_m"] == pytest.approx(costs.min())
    assert edges["mid", "east"]["cost_m"] == pytest.approx(15_000 + costs.min())
    assert network.nodes.loc["west", "weight"] == pytest.approx(2 * network.nodes.loc["west", "area_km2"])
    assert set(network.links.columns) >= {"from", "to", "cost_m", "length_m", "crossing_cost_m"}


def test_network_refusals() -> None:
    with pytest.raises(PatchError, match="P11"):
        patch_network(np.ones((2, 2)), np.zeros((2, 2), int))
    with pytest.raises(PatchError, match="P12"):
        patch_network(np.ones((2, 2)), np.ones((3, 3), int))
    with pytest.raises(PatchError, match="P12"):
        patch_network(np.array([[1.0, np.nan]]), np.array([[1, 2]]))
    with pytest.raises(OptionError, match="D16"):
        patch_network(np.ones((1, 2)), np.array([[1, 2]]), corridor_m=3.0)
    with pytest.raises(OptionError, match="O01"):
        patch_network(np.ones((1, 2)), np.array([[1, 2]]), links="planer")


def test_links_undercut_by_a_way_over_other_patches_can_be_left_out() -> None:
    ground = np.ones((3, 9))
    labels = np.zeros((3, 9), int)
    labels[1, 1], labels[1, 7], labels[0, 3:6] = 1, 2, 3
    whole = patch_network(ground, labels, links="all").graph
    lean = patch_network(ground, labels, links="all", drop_detours=True).graph
    assert whole.number_of_edges() == 3
    assert sorted(lean.edges) == [(1, 3), (2, 3)]
    assert whole.edges[1, 2]["cost_m"] >= lean.edges[1, 3]["cost_m"] + lean.edges[2, 3]["cost_m"]


@pytest.mark.parametrize("links", ["planar", "adjacent", "all"])
def test_links_dearer_than_the_limit_are_left_out(links: str) -> None:
    labels = np.array([[1, 0, 0, 2, 0, 3]])
    every = patch_network(np.ones((1, 6)), labels, cell_size=10, links=links)
    costs = {(a, b): c for a, b, c in every.graph.edges(data="cost_m")}
    for limit in (20.0, 29.9, 30.0):
        some = patch_network(np.ones((1, 6)), labels, cell_size=10, links=links, limit=limit)
        found = {(a, b): c for a, b, c in some.graph.edges(data="cost_m")}
        assert found == {k: c for k, c in costs.items() if c <= limit}
        assert set(some.graph.nodes) == {1, 2, 3}
