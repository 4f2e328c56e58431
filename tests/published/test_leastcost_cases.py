"""Published cases of other tools: scikit-image, gdistance, grainscape, Graphab, Linkage Mapper.

Elsewhere: commute distances, the longitude-latitude grid of gdistance's overview and radish
(``test_network_peers.py``).  Left out: random walks and randomised shortest paths; grains of connectivity beyond
their component counts (not described); Graphab's own choice of pairs, centroids and flux with inner-patch costs
(not reproducible from what is published).
"""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from places import REFERENCE

from permeability.engines.kernels.edges import D_COL, D_ROW, N_DIRECTIONS
from permeability.engines.leastcost.distance import cost_distance, cost_matrix, trace_path
from permeability.engines.leastcost.surface import cost_surface, step_costs
from permeability.linkage.corridors import least_cost_corridors
from permeability.linkage.network_metrics import MovementKernel, network_costs
from permeability.linkage.patch_network import label_patches, patch_network, patch_table, threshold

pytestmark = pytest.mark.oracle


def cases(folder: str, *modes: str) -> list[Any]:
    """The cases of one folder; empty where the references are missing."""
    manifest = REFERENCE / folder / "manifest.json"
    if not manifest.is_file():
        return []
    found = json.loads(manifest.read_text(encoding="utf-8"))["cases"]
    return [pytest.param(c, id=c["id"]) for c in found if c["mode"] in modes]


class Case:
    """Files and tolerances of one case."""

    def __init__(self, folder: str, entry: dict[str, Any]) -> None:
        self.folder, self.entry = REFERENCE / folder, entry
        self.options = entry["options"]

    def table(self, name: str, *, header: bool = False) -> NDArray[np.float64]:
        path = self.folder / {**self.entry["inputs"], **self.entry["expected"]}[name]
        values = np.genfromtxt(
            path, delimiter=",", skip_header=int(header), missing_values="NA", filling_values=np.nan
        )
        return np.atleast_2d(values)

    def asc(self, name: str) -> NDArray[np.float64]:
        path = self.folder / {**self.entry["inputs"], **self.entry["expected"]}[name]
        words = path.read_text().split()
        head = {words[i].lower(): float(words[i + 1]) for i in range(0, 12, 2)}
        values = np.array(words[12:], float).reshape(int(head["nrows"]), int(head["ncols"]))
        return np.where(values == head["nodata_value"], np.nan, values)

    def file(self, name: str) -> Path:
        return self.folder / {**self.entry["inputs"], **self.entry["expected"]}[name]

    def check(self, got: Any, name: str, expected: Any = None) -> None:
        tolerance = self.entry["tolerance"]
        expected = self.table(name) if expected is None else expected
        got, expected = np.asarray(got, float), np.asarray(expected, float)
        atol = tolerance["atol"].get(name.split(":")[0], 0.0)
        assert got.shape == expected.shape
        assert np.allclose(got, expected, rtol=tolerance["rtol"], atol=atol, equal_nan=True), name


# ------------------------------------------------------------------ scikit-image


@pytest.mark.parametrize("entry", cases("scikit_image", "minimum_cost_path"))
def test_scikit_image(entry: dict[str, Any]) -> None:
    case = Case("scikit_image", entry)
    options = case.options
    if options.get("geometric", False):
        ground = case.table("costs")
        size = (float(options["cell_height"]), float(options["cell_width"]))
        rows, cols = ground.shape
        for seeds, name in (
            ([(r, 0) for r in range(rows)], "from_left"),
            ([(0, c) for c in range(cols)], "from_top"),
        ):
            case.check(cost_distance(ground, seeds, cell_size=size, neighbours=options["neighbours"]), name)
        return
    for name in [k for k in entry["inputs"] if k.startswith("costs")]:
        costs = case.table(name)
        open_cell = (costs >= 0) & np.isfinite(costs)
        passable = np.where(open_cell, 1.0, np.nan)
        entered = np.where(open_cell, costs, np.nan)
        neighbours, start = options["neighbours"], tuple(options["start"])
        steps = step_costs(lambda length, a, b: b + 0 * a, entered, neighbours=neighbours)
        surface = cost_surface(passable, neighbours=neighbours, step_costs=steps)
        field = cost_distance(surface, [start], initial=[entered[start]])
        case.check(field, "cumulative_cost")
        if "target" in options:
            target = tuple(options["target"])
            path = trace_path(surface, field, [start], target).cells
            published = case.table("path").astype(int)
            assert path[0].tolist() == published[0].tolist()
            assert path[-1].tolist() == published[-1].tolist()
            assert entered[tuple(path.T)].sum() == pytest.approx(entered[tuple(published.T)].sum(), abs=1e-7)


# ------------------------------------------------------------------ gdistance


def cell_of(x: float, y: float, o: dict[str, Any], shape: tuple[int, int]) -> tuple[int, int]:
    high, wide = (o["ymax"] - o["ymin"]) / shape[0], (o["xmax"] - o["xmin"]) / shape[1]
    return int((o["ymax"] - y) / high), int((x - o["xmin"]) / wide)


@pytest.mark.parametrize(
    "entry", [c for c in cases("gdistance", "least_cost") if c.id == "accumulated_cost_6x7"]
)
def test_gdistance_accumulated_cost(entry: dict[str, Any]) -> None:
    case = Case("gdistance", entry)
    ground, o = case.table("resistance"), case.options
    points = [[cell_of(*p, o, ground.shape)] for p in o["points"]]
    for n in (4, 8, 16):
        surface = cost_surface(ground, neighbours=n, knights_move="over")
        one = [cell_of(*o["one_source"], o, ground.shape)]
        two = [cell_of(*p, o, ground.shape) for p in o["two_sources"]]
        case.check(cost_distance(surface, one), f"accumulated_cost_one_source:{n}")
        case.check(cost_distance(surface, two), f"accumulated_cost_two_sources:{n}")
        case.check(cost_matrix(surface, points), f"cost_distance:{n}")
        links = case.table(f"conductance_edges:{n}", header=True)
        costs = {(int(a) - 1, int(b) - 1): 1 / v for a, b, v in links}
        cols, index = ground.shape[1], surface.edges
        for k in range(N_DIRECTIONS[n]):
            a = [c for c in range(ground.size) if (c, c + D_ROW[k] * cols + D_COL[k]) in costs]
            for c in a:
                d = c + D_ROW[k] * cols + D_COL[k]
                if abs(d % cols - c % cols) == abs(D_COL[k]):
                    w = index.half[k] * (ground.flat[c] + ground.flat[d])
                    assert w == pytest.approx(costs[c, d], rel=1e-9)


RULES = {
    "sym": lambda a, b: 2 / (a + b),
    "asym": lambda a, b: np.maximum(a, b) - a + b,
    "one": lambda a, b: 1 + 0 * (a + b),
}
NAMES = {"reciprocal_mean_symmetric": ("sym", True), "uphill_directed": ("asym", False),
         "uphill_symmetric": ("asym", True), "unit_symmetric": ("one", True)}  # fmt: skip


@pytest.mark.parametrize(
    "entry", [c for c in cases("gdistance", "least_cost") if c.id.startswith("transition")]
)
def test_gdistance_transition_functions(entry: dict[str, Any]) -> None:
    case = Case("gdistance", entry)
    ground = case.table("resistance")
    for name in entry["expected"]:
        kind, rest = name.split(":")
        rule, n = rest.rsplit("_", 1)
        function, symmetric = NAMES[rule]
        divide = kind == "cost_distance"

        def cost(length: float, a: Any, b: Any, f: Any = RULES[function], divide: bool = divide) -> Any:
            with np.errstate(divide="ignore"):
                return (length if divide else 1.0) / f(a, b)

        planes = step_costs(cost, ground, neighbours=int(n), symmetric=symmetric, knights_move="over")
        if divide:
            surface = cost_surface(
                np.where(np.isnan(ground), np.nan, 1.0),
                neighbours=int(n),
                step_costs=planes,
                knights_move="over",
            )
            cells = [[tuple(int(v) for v in c)] for c in np.argwhere(~np.isnan(ground))]
            case.check(cost_matrix(surface, cells), name)
            continue
        links, cols, half = case.table(name, header=True), ground.shape[1], N_DIRECTIONS[int(n)]
        value = {(int(a) - 1, int(b) - 1): v for a, b, v in links}
        mine = {}
        for k, r, c in np.argwhere(np.isfinite(planes)):
            a, b = r * cols + c, (r + D_ROW[k % half]) * cols + c + D_COL[k % half]
            mine[(a, b) if k < half else (b, a)] = 1 / planes[k, r, c]
        assert mine.keys() == value.keys()
        case.check([mine[p] for p in sorted(mine)], name, [value[p] for p in sorted(value)])


@pytest.mark.parametrize(
    "entry", [c for c in cases("gdistance", "least_cost") if c.id == "hiking_maungawhau"]
)
def test_gdistance_hiking(entry: dict[str, Any]) -> None:
    case = Case("gdistance", entry)
    z, o = case.table("altitude"), case.options

    def hours(length: float, za: Any, zb: Any) -> Any:
        return length / (6 * np.exp(-3.5 * np.abs((zb - za) / length + 0.05)))

    steps = step_costs(hours, z, cell_size=o["cellsize"], neighbours=8)
    surface = cost_surface(np.ones(z.shape), step_costs=steps, cell_size=o["cellsize"])
    a, b = cell_of(*o["a"], o, z.shape), cell_of(*o["b"], o, z.shape)
    field = cost_distance(surface, [a])
    case.check(field, "accumulated_cost_from_a")
    there_and_back = case.table("cost_distance_there_and_back").ravel()
    case.check(
        cost_matrix(surface, [[a], [b]])[[0, 1], [1, 0]], "cost_distance_there_and_back", there_and_back
    )
    assert cost_distance(surface, [b], reverse=True)[a] == pytest.approx(there_and_back[0], rel=1e-9)
    path = trace_path(surface, field, [a], b)
    xy = case.table("path_a_to_b")
    published = [cell_of(x, y, o, z.shape) for x, y in xy]
    cost = sum(
        hours(10 * float(np.hypot(q[0] - p[0], q[1] - p[1])), z[p], z[q]) for p, q in pairwise(published)
    )
    assert path.cost == pytest.approx(cost, rel=1e-9)


# ------------------------------------------------------------------ grainscape


@pytest.mark.parametrize("entry", cases("grainscape", "minimum_planar_graph"))
def test_grainscape_planar_graph(entry: dict[str, Any]) -> None:
    case = Case("grainscape", entry)
    ground, patch = case.asc("resistance"), case.asc("patches")
    labels = label_patches(patch == 1)
    network = patch_network(ground, labels, cost="entered", neighbours=4, drop_detours=True)
    theirs = case.asc("patch_id_map")
    name = {int(theirs[tuple(np.argwhere(labels == i)[0])]): int(i) for i in np.unique(labels[labels > 0])}
    nodes = np.genfromtxt(case.file("nodes"), delimiter=",", names=True)
    nodes = np.atleast_1d(nodes)
    assert {int(n) for n in nodes["patchId"]} == set(name)
    cell = np.sqrt(float(nodes["patchArea"][0]) / (labels == name[int(nodes["patchId"][0])]).sum())
    table = patch_table(labels, cell_size=round(float(cell), 6))
    for row in nodes:
        mine = table.loc[name[int(row["patchId"])]]
        got = [mine["area_m2"], mine["edge_area_m2"], mine["core_area_m2"]]
        case.check(got, "nodes", [row["patchArea"], row["patchEdgeArea"], row["coreArea"]])
    links = np.atleast_1d(np.genfromtxt(case.file("links"), delimiter=",", names=True))
    # weights inside the peer's own territories, which differ from ours where two patches tie
    territory = np.nan_to_num(case.asc("voronoi_map"))
    walls = np.where(patch == 1, 0.0, ground)
    steps = step_costs(
        lambda length, a, b, ta, tb: np.where(ta == tb, b + 0 * a, np.inf), walls, territory, neighbours=4
    )
    field = cost_distance(ground, labels > 0, neighbours=4, step_costs=steps)
    pairs: dict[tuple[int, int], float] = {}
    for dr, dc in ((0, 1), (1, 0)):
        first, second = (
            (slice(None, -dr or None), slice(None, -dc or None)),
            (slice(dr, None), slice(dc, None)),
        )
        for ta, tb, w in zip(
            territory[first].flat, territory[second].flat, (field[first] + field[second]).flat
        ):
            if ta != tb and ta and tb and np.isfinite(w):
                key = (int(min(ta, tb)), int(max(ta, tb)))
                pairs[key] = min(pairs.get(key, np.inf), w)
    for row in links:
        key = (int(min(row["e1"], row["e2"])), int(max(row["e1"], row["e2"])))
        case.check(pairs[key], "links", row["lcpPerimWeight"])
    ours = nx.Graph()
    ours.add_nodes_from(name.values())
    ours.add_weighted_edges_from(
        [(name[int(r["e1"])], name[int(r["e2"])], float(r["lcpPerimWeight"])) for r in links], weight="cost_m"
    )
    # the peer's links hold the same cheapest tree as ours: equal components at every threshold
    trees = [
        sorted(d["cost_m"] for *_, d in nx.minimum_spanning_edges(g, weight="cost_m"))
        for g in (network.graph, ours)
    ]
    assert np.allclose(*trees, rtol=1e-6, atol=1e-4)
    asserted = json.loads(case.file("asserted_values").read_text())
    if "n_components" in asserted:
        assert nx.number_connected_components(network.graph) == asserted["n_components"]
    if "n_nodes" in asserted:
        assert network.graph.number_of_nodes() == asserted["n_nodes"]
    if "n_links" in asserted:
        assert network.graph.number_of_edges() == asserted["n_links"]
    whole = patch_network(ground, labels, cost="entered", neighbours=4).graph
    kept = {frozenset(e) for e in network.graph.edges}
    for a, b, w in whole.edges(data="cost_m"):
        if frozenset((a, b)) not in kept:  # only what a way over other patches undercuts is dropped
            assert nx.shortest_path_length(network.graph, a, b, "cost_m") <= w
    if "link_weights" in asserted:
        case.check(sorted(network.links["cost_m"]), "asserted_values", sorted(asserted["link_weights"]))


@pytest.mark.parametrize("entry", cases("grainscape", "thresholded_graph"))
def test_grainscape_component_counts(entry: dict[str, Any]) -> None:
    case = Case("grainscape", entry)
    ground, patch = case.asc("resistance"), case.asc("patches")
    graph = patch_network(ground, label_patches(patch == 1), cost="entered", neighbours=4).graph
    counts = [nx.number_connected_components(threshold(graph, t)) for t in case.options["thresholds"]]
    case.check(counts, "component_counts", case.table("component_counts", header=True)[:, 1])


@pytest.mark.parametrize("entry", cases("grainscape", "patch_filter"))
def test_grainscape_patch_filter(entry: dict[str, Any]) -> None:
    case = Case("grainscape", entry)
    patch = case.asc("patches")
    for cells, connectivity in case.options["limits"]:
        kept = label_patches(patch == 1, connectivity=connectivity, min_cells=cells) > 0
        name = f"kept:{cells}_{connectivity}"
        case.check(kept, name, np.nan_to_num(case.asc(name)) > 0)


# ------------------------------------------------------------------ Graphab


@pytest.mark.parametrize("entry", cases("graphab", "landscape_graph"))
def test_graphab(entry: dict[str, Any]) -> None:
    case = Case("graphab", entry)
    cover, o = case.asc("land_cover"), case.options
    cell = 100.0
    habitat = np.isin(cover, o["habitat_classes"])
    least = round(o["minimum_area_ha"] * 10_000 / cell**2)
    labels = label_patches(habitat, connectivity=o["patch_connectivity"], min_cells=least)
    table = patch_table(labels, cell_size=cell)
    expected = np.genfromtxt(case.file("patches"), delimiter=",", names=True)
    case.check(
        sorted(zip(table["area_m2"], table["perimeter_m"])),
        "patches",
        sorted(zip(expected["Area"], expected["Perim"])),
    )
    # their numbers: by centroid, which lies near the mean of the cells
    centres = np.genfromtxt(case.file("patch_centroids"), delimiter=",", names=True)
    x, y = (table["col"] + 0.5) * cell, (cover.shape[0] - table["row"] - 0.5) * cell
    name = {}
    for row, area in zip(centres, expected["Area"]):
        away = np.hypot(x - row["x"], y - row["y"]) + np.where(table["area_m2"] == area, 0, np.inf)
        assert away.min() < 500
        name[int(row["ID"])] = int(away.idxmin())
    assert len(set(name.values())) == len(name) == labels.max()
    cost = np.vectorize({int(k): float(v) for k, v in o["cost_by_class"].items()}.get)(cover.astype(int))
    matrix = cost_matrix(cost, [labels == i for i in range(1, labels.max() + 1)])
    links = np.genfromtxt(case.file("links"), delimiter=",", names=True, dtype=None, encoding="utf-8")
    got = [matrix[name[int(r["ID1"])] - 1, name[int(r["ID2"])] - 1] for r in links]
    case.check(got, "links", links["Dist"])
    alpha = MovementKernel.from_probability(o["alpha_from"]["distance"], o["alpha_from"]["probability"])
    assert 1 / alpha.mean_m == pytest.approx(-np.log(0.05) / o["alpha_from"]["distance"], rel=1e-12)
    graph = nx.Graph()
    graph.add_weighted_edges_from(
        ((int(r["ID1"]), int(r["ID2"]), float(r["Dist"])) for r in links), weight="cost_m"
    )
    assert np.isfinite(network_costs(graph)).all()


# ------------------------------------------------------------------ Linkage Mapper


@pytest.mark.parametrize("entry", cases("linkage_mapper", "core_areas"))
def test_linkage_mapper(entry: dict[str, Any]) -> None:
    case = Case("linkage_mapper", entry)
    with rasterio.open(case.file("resistance")) as source:
        ground = source.read(1, masked=True).astype(float).filled(np.nan)
        size = source.res[0]
    with rasterio.open(case.file("core_cells")) as source:
        cores = source.read(1).astype(int)
    names = np.unique(cores[cores > 0])
    matrix = cost_matrix(
        ground, [(cores == i) & np.isfinite(ground) for i in names], cell_size=size, workers=2
    )
    case.check(matrix, "cost_weighted_distance")
    places = {str(i): (cores == i) & np.isfinite(ground) for i in names[:3]}
    corridors = least_cost_corridors(ground, places, cell_size=size, workers=2)
    case.check(
        corridors.table["cost_m"],
        "cost_weighted_distance",
        case.table("cost_weighted_distance")[[0, 0, 1], [1, 2, 2]],
    )
    assert np.asarray(corridors.mosaic).min() == 0.0


def test_linkage_mapper_straight_distances() -> None:
    import geopandas as gpd

    found = cases("linkage_mapper", "core_areas")
    if not found:
        pytest.skip("published reference cases are not on this machine")
    case = Case("linkage_mapper", found[0].values[0])
    cores = gpd.read_file(case.file("cores")).dissolve(case.options["core_field"]).geometry
    table = np.loadtxt(case.file("edge_to_edge_distance"))
    got = [cores.loc[int(a)].distance(cores.loc[int(b)]) for a, b, _ in table]
    case.check(got, "edge_to_edge_distance", table[:, 2])
