"""Networks: series and parallel links, components, identities, numbers of nodes, refusals."""

from __future__ import annotations

from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from permeability.core.errors import InteropError, PatchError, ResistanceError, SolverError
from permeability.engines.circuit.modes import (
    Graph,
    GraphSolver,
    Network,
    PairSelection,
    network_advanced,
    network_pairwise,
)
from permeability.interop.circuitscape import read_problem, run_problem

EPS = float(np.finfo(float).eps)


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(4, 12))
def test_resistance_distance_equals_networkx_and_identities_hold(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    graph = nx.connected_watts_strogatz_graph(n, 3, 0.5, seed=seed % 1000)
    links = np.array(graph.edges)
    values = rng.uniform(0.1, 10, len(links))
    nx.set_edge_attributes(graph, {tuple(e): v for e, v in zip(links.tolist(), values)}, "r")
    found = network_pairwise(Network.of(links, values), range(n))
    for i in range(n):
        for j in range(i):
            want = nx.resistance_distance(graph, i, j, weight="r", invert_weight=True)
            assert found.resistance[i, j] == pytest.approx(want, rel=1e-9)
            at = found.branch[(j, i)]
            power = sum(
                a * a * graph.edges[int(p), int(q)]["r"] for p, q, a in zip(at.first, at.second, at.value)
            )
            assert power == pytest.approx(want, rel=1e-9)
    foster = sum(found.resistance[a, b] / v for (a, b), v in zip(links, values))
    assert foster == pytest.approx(n - 1, rel=1e-9)
    total = sum(c.value for c in found.current.values())
    np.testing.assert_allclose(found.cumulative.value, total, rtol=1e-9)


def test_parallel_links_add_and_loops_vanish() -> None:
    network = Network.of([[4, 9], [9, 4], [9, 9]], [2.0, 2.0, 1.0])
    assert network.numbers.tolist() == [4, 9]
    assert network_pairwise(network, [4, 9, 9, -3]).resistance[0, 1] == pytest.approx(1.0)


def test_components_and_selection() -> None:
    network = Network.of([[0, 1], [2, 3], [1, 4]], [1.0, 1.0, 1.0])
    found = network_pairwise(network, [0, 1, 2, 4], selection=PairSelection.of("exclude", [(0, 1)]))
    assert np.isnan(found.resistance[0, 1])
    assert found.resistance[0, 2] == np.inf
    assert found.resistance[0, 3] == pytest.approx(2.0)
    assert found.voltage[(0, 4)].node.tolist() == [0, 1, 4]
    assert set(found.current) == {(0, 4), (1, 4)}


def test_sources_and_grounds() -> None:
    chain = Network.of([[1, 2], [2, 3]], [1.0, 1.0])
    found = network_advanced(chain, [1, 1], [5.0, 2.0], [3], [4.0])
    np.testing.assert_allclose(found.voltage.value, [12, 10, 8])
    np.testing.assert_allclose(found.current.value, [2, 2, 2])
    found = network_advanced(chain, [1], [2.0], [3], [4.0], grounds_are="conductance", unit_sources=True)
    np.testing.assert_allclose(found.voltage.value, [2.25, 1.25, 0.25])
    found = network_advanced(
        chain, [1, 3], [1.0, 1.0], [3], [4.0], ideal_grounds=True, conflicts="remove_source"
    )
    np.testing.assert_allclose(found.voltage.value, [2, 1, 0])
    found = network_advanced(chain, [1, 3], [1.0, 1.0], [3], [0.0])
    assert (found.solved, len(found.unsolved)) == (0, 1)


def test_refusals() -> None:
    with pytest.raises(ResistanceError, match=r"\[C21\](?s:.*)\(1, 2\)"):
        Network.of([[0, 1], [1, 2]], [1.0, 0.0])
    with pytest.raises(ResistanceError, match=r"\[C26\]"):
        Network.of(np.zeros((0, 2), int), [])
    with pytest.raises(ResistanceError, match=r"\[C21\]"):
        Graph.of(2, [0], [1], [-1.0])
    chain = Network.of([[0, 1], [1, 2]], [1.0, 1.0])
    with pytest.raises(PatchError, match=r"\[C27\].*(?s:.*)7"):
        network_pairwise(chain, [0, 7])
    with pytest.raises(PatchError, match=r"\[C23\]"):
        network_pairwise(chain, [0, 0, -1])


def test_residual_is_verified() -> None:
    graph = Graph.of(3, [0, 1], [1, 2], [1.0, 1.0])
    solver = GraphSolver(graph, np.array([True, False, False]))
    good = solver.factor

    class Wrong:
        def solve(self, b: np.ndarray) -> np.ndarray:
            return 0.5 * np.asarray(good.solve(b))

    solver.factor = Wrong()
    with pytest.raises(SolverError, match=r"\[C07\]"):
        solver.solve(np.array([0.0, 0.0, 1.0]))


@pytest.mark.parametrize(
    ("orders", "accuracy"), [(10, 1e-9), (13, EPS * 1e13), (15, EPS * 1e15)]
)  # the last two: eps times the contrast, which is what a matrix of doubles can hold; how much less is lost hangs on the machine
def test_chain_of_high_contrast(rng: np.random.Generator, orders: int, accuracy: float) -> None:
    """A chain has a known resistance whatever the contrast."""
    values = 10.0 ** rng.uniform(0, orders, 60)
    links = np.column_stack([np.arange(60), np.arange(1, 61)])
    found = network_pairwise(Network.of(links, values), [0, 60])
    assert found.resistance[0, 1] == pytest.approx(values.sum(), rel=accuracy)


def folder(tmp_path: Path, links: str, nodes: str, **options: str) -> Path:
    (tmp_path / "links.txt").write_text(links, encoding="utf-8")
    (tmp_path / "nodes.txt").write_text(nodes, encoding="utf-8")
    given = {
        "data_type": "network",
        "scenario": "pairwise",
        "habitat_file": "links.txt",
        "point_file": "nodes.txt",
        "output_file": "net.out",
        "write_cur_maps": "True",
        **options,
    }
    ini = tmp_path / "net.ini"
    ini.write_text("\n".join(f"{k} = {v}" for k, v in given.items()), encoding="utf-8")
    return ini


def test_files_list_what_circuitscape_lists(tmp_path: Path) -> None:
    ini = folder(tmp_path, "0 1 1\n1 2 1\n3 5 1\n", "0\n2\n")
    names = {p.name for p in run_problem(ini)}
    assert names == {
        "net_node_currents_0_2.txt",
        "net_branch_currents_0_2.txt",
        "net_node_currents_cum.txt",
        "net_branch_currents_cum.txt",
        "net_resistances.out",
        "net_resistances_3columns.out",
        "net.out",
    }
    assert (tmp_path / "net_node_currents_0_2.txt").read_text() == "0 1\n1 1\n2 1\n"
    assert (tmp_path / "net_node_currents_cum.txt").read_text() == "0 1\n1 1\n2 1\n3 0\n4 0\n5 0\n"
    assert (tmp_path / "net_branch_currents_cum.txt").read_text() == "0 1 1\n1 2 1\n"


def test_nodes_without_links_are_told_and_others_refused(tmp_path: Path) -> None:
    found = read_problem(folder(tmp_path, "0 1 1\n1 3 1\n", "0\n2\n"))
    assert [(f.code, f.rows) for f in found.findings] == [("X13", (2,))]
    run_problem(found.file)
    assert (tmp_path / "net_resistances_3columns.out").read_text() == "0 2 -1\n"
    with pytest.raises(InteropError, match=r"\[C27\](?s:.*)9"):
        run_problem(folder(tmp_path, "0 1 1\n1 3 1\n", "0\n9\n"))
    with pytest.raises(InteropError, match=r"\[X07\].*negative"):
        run_problem(folder(tmp_path, "0 -1 1\n", "0\n1\n"))


def test_pairs_of_a_network_may_name_node_zero(tmp_path: Path) -> None:
    (tmp_path / "pairs.txt").write_text("mode include\n0 2\n", encoding="utf-8")
    ini = folder(
        tmp_path, "0 1 1\n1 2 1\n", "0\n1\n2\n", use_included_pairs="True", included_pairs_file="pairs.txt"
    )
    run_problem(ini)
    assert (tmp_path / "net_resistances_3columns.out").read_text() == "0 2 2\n"


def test_whoever_waits_is_told_after_each_pair() -> None:
    told: list[tuple[int, int]] = []
    network = Network.of([[0, 1], [1, 2]], [1.0, 2.0])
    network_pairwise(network, [0, 1, 2], progress=lambda *done: told.append(done))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_a_graph_of_loops_alone_carries_no_current() -> None:
    graph = Graph.of(2, [0, 1], [0, 1], [1.0, 2.0])
    assert graph.branch_currents(np.array([5.0, 1.0])).tolist() == []
    assert graph.node_currents(np.array([5.0, 1.0])).tolist() == [0.0, 0.0]
