"""Connectivity indices against brute force and published definitions."""

from __future__ import annotations

from itertools import combinations, pairwise

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from permeability.core.errors import OptionError
from permeability.linkage import network_metrics as pm
from permeability.species import species


def random_graph(seed: int, n: int = 7) -> nx.Graph:
    rng = np.random.default_rng(seed)
    graph = nx.gnp_random_graph(n, 0.4, seed=int(rng.integers(1 << 30)))
    for node in graph:
        graph.nodes[node]["weight"] = float(rng.uniform(0, 5))
    graph.nodes[0]["weight"] = 1.0
    for edge in graph.edges:
        graph.edges[edge]["cost_m"] = float(rng.choice([0.0, rng.uniform(1, 4000)]))
    return graph


def best_chance(graph: nx.Graph, a: int, b: int, mean: float) -> float:
    """Largest product of link chances over all simple paths."""
    if a == b:
        return 1.0
    products = [
        np.prod([np.exp(-graph.edges[e]["cost_m"] / mean) for e in pairwise(path)])
        for path in nx.all_simple_paths(graph, a, b)
    ]
    return float(max(products, default=0.0))


def brute_pc(graph: nx.Graph, mean: float) -> float:
    w = graph.nodes(data="weight")
    return sum(w[a] * w[b] * best_chance(graph, a, b, mean) for a in graph for b in graph)


def brute_iic(graph: nx.Graph) -> float:
    w, steps = graph.nodes(data="weight"), dict(nx.all_pairs_shortest_path_length(graph))
    return sum(w[a] * w[b] / (1 + steps[a][b]) for a in graph for b in graph if b in steps[a])


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_indices_equal_brute_force(seed: int) -> None:
    graph, kernel = random_graph(seed), pm.MovementKernel(900.0)
    pc = pm.probability_of_connectivity(graph, kernel, total_area_km2=50.0)
    assert pc.numerator == pytest.approx(brute_pc(graph, 900.0), rel=1e-12)
    assert pc.eca == pytest.approx(np.sqrt(pc.numerator))
    assert pc.index == pytest.approx(pc.numerator / 2500)
    iic = pm.integral_index(graph)
    assert iic.numerator == pytest.approx(brute_iic(graph), rel=1e-12)
    assert np.isnan(iic.index)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**31), with_kernel=st.booleans())
def test_importance_equals_removing_and_computing_again(seed: int, with_kernel: bool) -> None:
    graph = random_graph(seed)
    kernel = pm.MovementKernel(900.0) if with_kernel else None

    def value(g: nx.Graph) -> float:
        return brute_pc(g, 900.0) if with_kernel else brute_iic(g)

    whole = value(graph)
    table = pm.patch_importance(graph, kernel)
    for node in graph:
        rest = graph.copy()
        rest.remove_node(node)
        row = table.loc[node]
        assert row["d"] == pytest.approx(100 * (whole - value(rest)) / whole, rel=1e-9, abs=1e-9)
        assert row["intra"] == pytest.approx(100 * graph.nodes[node]["weight"] ** 2 / whole)
        assert row["d"] == pytest.approx(row["intra"] + row["flux"] + row["connector"])
        assert row["connector"] >= -1e-9
    links = pm.link_importance(graph, kernel)
    for a, b, removal in links.itertuples(index=False):
        rest = graph.copy()
        rest.remove_edge(a, b)
        assert removal == pytest.approx(100 * (whole - value(rest)) / whole, rel=1e-9, abs=1e-9)


def test_link_improvement_equals_computing_again() -> None:
    graph, kernel = random_graph(3), pm.MovementKernel(1200.0)
    whole = brute_pc(graph, 1200.0)
    table = pm.link_importance(graph, kernel, improved=lambda link: 0.25 * link["cost_m"])
    assert (table["improvement"] > 0.1).any()
    for a, b, _, improvement in table.itertuples(index=False):
        better = graph.copy()
        better.edges[a, b]["cost_m"] *= 0.25
        assert improvement == pytest.approx(
            100 * (brute_pc(better, 1200.0) - whole) / whole, rel=1e-9, abs=1e-9
        )
    with pytest.raises(OptionError, match="D18"):
        pm.link_importance(graph, kernel, improved=lambda link: link["cost_m"] + 1)
    with pytest.raises(OptionError, match="D18"):
        pm.link_importance(graph, improved=lambda link: 0.0)


def test_textbook_case() -> None:
    """Three patches of 1 in a row: IIC numerator 3 + 4/2 + 2/3; without the middle 2; connector of the middle 2/3."""
    graph = nx.path_graph(3)
    nx.set_node_attributes(graph, 1.0, "weight")
    whole = 3 + 4 / 2 + 2 / 3
    middle = pm.patch_importance(graph).loc[1] * whole / 100
    assert np.allclose(middle[["d", "intra", "flux", "connector"]], [whole - 2, 1.0, 2.0, 2 / 3])


def test_free_links_count_as_one_place() -> None:
    graph = nx.Graph()
    graph.add_nodes_from([(i, {"weight": 1.0}) for i in range(2)])
    graph.add_edge(0, 1, cost_m=0.0)
    assert pm.probability_of_connectivity(graph, pm.MovementKernel(10.0)).eca == 2.0


def test_kernel_of_a_species_has_its_mean_dispersal() -> None:
    profile = species("khulan")
    kernel = pm.MovementKernel.from_species(profile)
    assert kernel.mean_m == profile.dispersal_m.best
    d = np.linspace(0, 60 * kernel.mean_m, 600_001)
    density = kernel(d) / kernel.mean_m
    assert np.trapezoid(d * density, d) == pytest.approx(kernel.mean_m, rel=1e-6)
    assert pm.MovementKernel.from_species(profile, "high").mean_m > kernel.mean_m
    assert kernel(np.inf) == 0.0


def test_mesh_size() -> None:
    rng = np.random.default_rng(1)
    areas = rng.uniform(1, 50, 6)
    draws = rng.choice(6, (200_000, 2), p=areas / areas.sum())
    coherence = (draws[:, 0] == draws[:, 1]).mean()  # chance that two random places lie in one piece
    assert pm.effective_mesh_size(areas) == pytest.approx(coherence * areas.sum(), rel=0.02)
    assert pm.effective_mesh_size([10.0], 40.0) == 2.5
    for bad in (([1.0, 2.0], 2.0), ([], None), ([-1.0, 2.0], None)):
        with pytest.raises(OptionError, match="D19"):
            pm.effective_mesh_size(*bad)


def test_centrality_against_counting_paths() -> None:
    rng = np.random.default_rng(2)
    graph = nx.connected_watts_strogatz_graph(9, 4, 0.5, seed=3)
    for edge in graph.edges:
        graph.edges[edge]["cost_m"] = float(rng.uniform(1, 9))
    graph.add_edge("x", "y", cost_m=1.0)
    table = pm.centrality(graph)
    over = dict.fromkeys(graph, 0)
    for a, b in combinations(range(9), 2):
        for node in nx.shortest_path(graph, a, b, "cost_m")[1:-1]:
            over[node] += 1
    assert np.allclose(table["betweenness"], [over[n] / (10 * 9 / 2) for n in table.index])
    assert table.loc["x", "part"] == 2
    assert table.loc["x", "current_flow"] == 0.0
    # current flow by the pseudo-inverse of the Laplacian
    part = graph.subgraph(range(9))
    lap = nx.laplacian_matrix(
        nx.Graph((a, b, {"g": 1 / c}) for a, b, c in part.edges(data="cost_m")), range(9), weight="g"
    )
    green = np.linalg.pinv(lap.toarray())
    flow = np.zeros(9)
    for s, t in combinations(range(9), 2):
        v = green[:, s] - green[:, t]
        for node in set(range(9)) - {s, t}:
            flow[node] += 0.5 * sum(abs(v[node] - v[m]) / part.edges[node, m]["cost_m"] for m in part[node])
    assert np.allclose(table.loc[range(9), "current_flow"], flow * 2 / (8 * 7), rtol=1e-6)


def test_metric_refusals() -> None:
    graph = nx.path_graph(2)
    with pytest.raises(OptionError, match="D19"):
        pm.integral_index(graph)
    nx.set_edge_attributes(graph, 0.0, "cost_m")
    with pytest.raises(OptionError, match="D20"):
        pm.centrality(graph)
    for bad in (0.0, -1.0, np.inf, np.nan):
        with pytest.raises(OptionError, match="D17"):
            pm.MovementKernel(bad)
    with pytest.raises(OptionError, match="D17"):
        pm.MovementKernel.from_probability(10.0, 1.5)
