"""Effective resistances and current maps among focal nodes: identities, oracles, odd cases, refusals."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from permeability.core.errors import MemoryLimitError, OptionError, PatchError, ResistanceError, SolverError
from permeability.engines.circuit import GridLinks, estimate_pairwise, pairwise, solve_grid
from permeability.engines.circuit.focal_pairs import PairwiseResult
from permeability.engines.kernels.edges import D_COL, D_ROW, LENGTH, EdgeBarriers

Floats = NDArray[np.float64]
SOLVERS = ("splu", "multigrid", "condensation")
POINTS = [(0, 0), (14, 12), (7, 6), (0, 12), (14, 0)]


@pytest.fixture
def surface() -> Floats:
    rng = np.random.default_rng(3)
    out = np.exp(rng.normal(size=(15, 13)))
    out[rng.random(out.shape) < 0.12] = np.nan
    for point in POINTS:
        out[point] = 1.5
    out[4, 2:11] = 300.0
    return out


def graph_of(resistance: Floats, extra: dict[tuple[int, int], float] | None = None) -> nx.Graph:
    """The movement graph with series resistances ``extra[flat cell, direction]``, edge by edge."""
    graph = nx.Graph()
    rows, cols = resistance.shape
    for r in range(rows):
        for c in range(cols):
            for k in range(4):
                r2, c2 = r + int(D_ROW[k]), c + int(D_COL[k])
                if 0 <= r2 < rows and 0 <= c2 < cols:
                    ohm = LENGTH[k] * (resistance[r, c] + resistance[r2, c2]) / 2
                    ohm += (extra or {}).get((r * cols + c, k), 0.0)
                    if np.isfinite(ohm):
                        graph.add_edge(r * cols + c, r2 * cols + c2, weight=1.0 / ohm, ohm=ohm)
    return graph


def graph_resistance(graph: nx.Graph, a: int, b: int) -> float:
    """Effective resistance by networkx, inf between components."""
    if a not in graph or b not in graph or not nx.has_path(graph, a, b):
        return np.inf
    part = graph.subgraph(nx.node_connected_component(graph, a))
    return float(nx.resistance_distance(part, a, b, weight="weight", invert_weight=False))


def flat(point: tuple[int, int], cols: int = 13) -> int:
    return point[0] * cols + point[1]


@pytest.mark.oracle
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("current", [None, "cumulative"])
def test_resistances_are_those_of_networkx(surface: Floats, solver: str, current: str | None) -> None:
    result = pairwise(surface, POINTS, solver=solver, current=current, rtol=1e-11)
    graph = graph_of(surface)
    for i, a in enumerate(POINTS):
        for j, b in enumerate(POINTS[:i]):
            want = graph_resistance(graph, flat(a), flat(b))
            assert result.resistance[i, j] == pytest.approx(want, rel=1e-9)
    assert result.ids.tolist() == [1, 2, 3, 4, 5]
    assert result.report.residual <= 1e-9


def all_pairs_one_by_one(surface: Floats, labels: NDArray[np.int64]) -> tuple[Floats, Floats, Floats]:
    """Resistances, summed and largest currents with one solve per pair and currents added edge by edge."""
    ids = np.unique(labels[labels > 0])
    n = len(ids)
    resistance = np.zeros((n, n))
    total, largest = np.zeros(surface.shape), np.zeros(surface.shape)
    graph = graph_of(surface)
    node = np.arange(surface.size)
    for k in ids:
        cells = np.flatnonzero(labels == k)
        node[cells] = cells[0]
    merged = nx.Graph()
    for a, b, data in graph.edges(data=True):
        i, j = int(node[a]), int(node[b])
        if i != j:
            weight = data["weight"] + (merged[i][j]["weight"] if merged.has_edge(i, j) else 0.0)
            merged.add_edge(i, j, weight=weight)
    names = list(nx.node_connected_component(merged, int(np.flatnonzero(labels == ids[0])[0])))
    place = {v: k for k, v in enumerate(names)}
    matrix = nx.laplacian_matrix(merged.subgraph(names), nodelist=names).toarray()
    inverse = np.linalg.pinv(matrix)
    for i in range(n):
        for j in range(i + 1, n):
            a, b = (place[int(np.flatnonzero(labels == ids[k])[0])] for k in (i, j))
            v = inverse[:, a] - inverse[:, b]
            resistance[i, j] = resistance[j, i] = v[a] - v[b]
            flow = -matrix * (v[:, None] - v[None, :])
            np.fill_diagonal(flow, 0.0)
            current = np.maximum(np.maximum(flow, 0).sum(axis=1), np.maximum(-flow, 0).sum(axis=1))
            plane = np.array([current[place[m]] if m in place else 0.0 for m in node]).reshape(surface.shape)
            total += plane
            largest = np.maximum(largest, plane)
    return resistance, total, largest


@pytest.mark.parametrize("solver", SOLVERS)
def test_superposition_equals_pair_by_pair(surface: Floats, solver: str) -> None:
    labels = np.zeros(surface.shape, int)
    labels[:2, :2], labels[13:, 11:], labels[7, 6] = 3, 5, 9  # two regions and a point
    labels[0, 12] = labels[14, 0] = 12  # one node in two places
    want = all_pairs_one_by_one(surface, labels)
    result = pairwise(surface, labels, solver=solver, rtol=1e-11, current="maximum")
    assert result.ids.tolist() == [3, 5, 9, 12]
    np.testing.assert_allclose(result.resistance, want[0], rtol=1e-8)
    np.testing.assert_allclose(result.cumulative, want[1], atol=1e-7)
    np.testing.assert_allclose(result.maximum, want[2], atol=1e-7)
    assert np.shares_memory(result.current, result.maximum)  # one map, kept once
    each = pairwise(surface, labels, solver=solver, rtol=1e-11, current="pairs")
    assert each.current is not None
    assert each.current.shape == (6, *surface.shape)
    assert each.pairs == ((3, 5), (3, 9), (3, 12), (5, 9), (5, 12), (9, 12))
    np.testing.assert_allclose(each.current.sum(axis=0), want[1], atol=1e-7)


def solved(surface: Floats) -> PairwiseResult:
    return pairwise(surface, POINTS, rtol=1e-12, gradient=True, potentials=True)


def test_power_equals_resistance_and_euler(surface: Floats) -> None:
    """Sum of g d^2 = R for each pair, and sum over the edges of r dR/dr = R for the sum of all."""
    result = solved(surface)
    for i in range(5):
        for j in range(i + 1, 5):
            v = result.voltage(i + 1, j + 1)
            current = result.branch_currents(i + 1, j + 1)
            power = sum(float((c[g > 0] ** 2 / g[g > 0]).sum()) for c, g in zip(current, result.links))
            assert power == pytest.approx(result.resistance[i, j], rel=1e-9)
            assert v[POINTS[i]] - v[POINTS[j]] == pytest.approx(result.resistance[i, j], rel=1e-9)
    assert result.gradient is not None
    euler = -sum(float((g * d).sum()) for g, d in zip(result.links, result.gradient))
    assert euler == pytest.approx(np.triu(result.resistance).sum(), rel=1e-9)


def test_gradient_is_the_difference_quotient(surface: Floats) -> None:
    result = solved(surface)
    links = result.links
    for plane, (r, c) in ((0, (7, 5)), (1, (4, 6)), (2, (5, 3)), (3, (9, 9))):
        step = 1e-5 * links[plane][r, c]
        assert step > 0
        sums = []
        for sign in (-1, 1):
            planes = [p.copy() for p in links]
            planes[plane][r, c] += sign * step
            total = 0.0
            for i, a in enumerate(POINTS):
                for b in POINTS[:i]:
                    source = np.zeros(surface.shape)
                    source[a], source[b] = 1.0, -1.0
                    v = solve_grid(GridLinks(*planes), source, solver="splu").voltage
                    total += v[a] - v[b]
            sums.append(total)
        assert result.gradient is not None
        quotient = (sums[1] - sums[0]) / (2 * step)
        assert result.gradient[plane][r, c] == pytest.approx(quotient, rel=1e-5)


def test_foster(surface: Floats) -> None:
    """The sum of g_ij R_ij over all edges is the number of nodes less one."""
    small = surface[:4, :4].copy()
    cells = [(int(r), int(c)) for r, c in np.argwhere(np.isfinite(small))]
    result = pairwise(small, cells, current=None)
    total, linked = 0.0, set()
    number = {cell: k for k, cell in enumerate(cells)}
    for k, plane in enumerate(result.links):
        for r, c in np.argwhere(plane > 0):
            i, j = number[int(r), int(c)], number[int(r + D_ROW[k]), int(c + D_COL[k])]
            total += plane[r, c] * result.resistance[i, j]
            linked |= {i, j}
    components = nx.number_connected_components(graph_of(small))
    assert total == pytest.approx(len(linked) - components, rel=1e-9)


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 10**6), solver=st.sampled_from(SOLVERS))
def test_rayleigh_symmetry_and_triangle(seed: int, solver: str) -> None:
    """More resistance anywhere never lowers any effective resistance; the matrix is a metric."""
    rng = np.random.default_rng(seed)
    surface = np.exp(rng.normal(size=tuple(rng.integers(2, 9, 2))))
    surface[rng.random(surface.shape) < 0.2] = np.nan
    points = [(int(r), int(c)) for r, c in rng.integers(0, surface.shape, (4, 2))]
    before = pairwise(surface, points, solver=solver, current=None, rtol=1e-12).resistance
    harder = surface * np.where(rng.random(surface.shape) < 0.3, rng.uniform(1, 50), 1.0)
    after = pairwise(harder, points, solver=solver, current=None, rtol=1e-12).resistance
    assert (after >= before * (1 - 1e-9)).all()
    assert np.array_equal(before, before.T)
    through = (before[:, :, None] + before[None, :, :]).min(axis=1)
    assert (before <= through * (1 + 1e-9) + 1e-12).all()


@pytest.mark.parametrize("solver", SOLVERS)
def test_barriers_on_edges_equal_the_assembled_graph(surface: Floats, solver: str) -> None:
    rng = np.random.default_rng(8)
    cols = surface.shape[1]
    cut = {
        (int(r) * cols + int(c), int(k)): float(rng.choice([0.5, 40.0, 1e4, np.inf]))
        for r, c, k in np.c_[rng.integers(0, 15, 90), rng.integers(0, 13, 90), rng.integers(0, 4, 90)]
    }
    rows = sorted(cut)
    barriers = EdgeBarriers(
        np.array([k[0] for k in rows]),
        np.array([k[1] for k in rows], np.uint8),
        np.zeros(len(rows)),
        np.array([cut[k] for k in rows]),
    )
    result = pairwise(surface, POINTS, solver=solver, barriers=barriers, current=None, rtol=1e-11)
    graph = graph_of(surface, cut)
    for i, a in enumerate(POINTS):
        for j, b in enumerate(POINTS[:i]):
            want = graph_resistance(graph, flat(a), flat(b))
            assert result.resistance[i, j] == pytest.approx(want, rel=1e-8)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("current", [None, "cumulative"])
def test_a_complete_barrier_gives_infinity_and_says_so(solver: str, current: str | None) -> None:
    surface = np.ones((8, 9))
    cells = (
        [(r * 9 + 4, 0) for r in range(8)]
        + [(r * 9 + 4, 2) for r in range(8)]
        + [(r * 9 + 5, 3) for r in range(8)]
    )
    cells.sort()
    barriers = EdgeBarriers(
        np.array([c for c, _ in cells]),
        np.array([k for _, k in cells], np.uint8),
        np.full(len(cells), np.inf),
        np.full(len(cells), np.inf),
    )
    result = pairwise(surface, [(0, 0), (7, 8), (0, 8)], barriers=barriers, solver=solver, current=current)
    assert np.isinf(result.resistance[0, 1])
    assert np.isinf(result.resistance[0, 2])
    assert np.isfinite(result.resistance[1, 2])
    assert "2 of 3 pairs are not connected" in result.report.notes[0]
    assert "1-2, 1-3" in result.report.notes[0]
    if current:
        assert result.current is not None
        assert not result.current[:, :5].any()
        assert result.pairs == ((2, 3),)


@pytest.mark.parametrize("solver", SOLVERS)
def test_two_islands_share_no_current(solver: str) -> None:
    surface = np.ones((6, 13))
    surface[:, 6] = np.nan
    points = [(0, 0), (5, 12), (5, 5), (0, 12), (2, 2)]
    result = pairwise(surface, points, solver=solver, potentials=True)
    own = {1: 0, 3: 0, 5: 0, 2: 1, 4: 1}
    for i in range(5):
        for j in range(5):
            assert np.isfinite(result.resistance[i, j]) == (own[i + 1] == own[j + 1])
    left = pairwise(surface[:, :6], [(0, 0), (5, 5), (2, 2)], solver=solver)
    right = pairwise(surface[:, 7:], [(5, 5), (0, 5)], solver=solver)
    assert result.cumulative is not None
    np.testing.assert_allclose(result.cumulative[:, :6], left.cumulative, atol=1e-7)
    np.testing.assert_allclose(result.cumulative[:, 7:], right.cumulative, atol=1e-7)
    with pytest.raises(PatchError, match="not connected"):
        result.voltage(1, 2)


@pytest.mark.parametrize("current", [None, "cumulative", "pairs"])
def test_nodes_that_coincide_count_with_all_their_pairs(current: str | None) -> None:
    result = pairwise(np.ones((1, 5)), [(0, 0), (0, 4), (0, 0)], current=current)
    np.testing.assert_allclose(result.resistance, [[0, 4, 0], [4, 0, 4], [0, 4, 0]])
    if current == "cumulative":
        np.testing.assert_allclose(result.current, np.full((1, 5), 2.0))
    assert result.pairs == ((1, 2), (2, 3))


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_region_that_covers_its_component(solver: str) -> None:
    labels = np.full((4, 4), 7)
    labels[3, 3] = 2
    surface = np.ones((4, 4))
    result = pairwise(surface, labels, solver=solver)
    assert result.resistance[0, 1] == pytest.approx(1 / (1 + 1 + 1 / np.sqrt(2)), rel=1e-9)
    surface[:, 2] = np.nan
    labels[:] = 0
    labels[:, :2], labels[0, 3] = 1, 2
    alone = pairwise(surface, labels, solver=solver)
    assert np.isinf(alone.resistance[0, 1])


def test_other_regions_stay_plain_cells_when_apart() -> None:
    """Three regions in a row: apart, the middle one resists; together, it conducts."""
    labels = np.zeros((1, 9), int)
    labels[0, :2], labels[0, 3:6], labels[0, 7:] = 1, 2, 3
    surface = np.ones((1, 9))
    assert pairwise(surface, labels, shorting="apart").resistance[0, 2] == pytest.approx(6.0)
    assert pairwise(surface, labels, shorting="together").resistance[0, 2] == pytest.approx(4.0)
    for shorting in ("apart", "together"):
        result = pairwise(surface, labels, shorting=shorting)
        assert result.resistance[0, 1] == pytest.approx(2.0)
        assert result.current is not None
        np.testing.assert_allclose(result.current[0, [0, 1, 2]], 2.0)


def test_focal_cells_on_nodata() -> None:
    surface = np.ones((3, 7))
    surface[1, 1] = np.nan
    labels = np.zeros(surface.shape, int)
    labels[1, :2], labels[1, 6] = 1, 2  # a region half on nodata
    assert np.isfinite(pairwise(surface, labels).resistance[0, 1])
    labels[1, 0] = 0
    lost = pairwise(surface, labels)  # wholly on nodata: no node
    assert np.isinf(lost.resistance[0, 1])
    assert "not connected" in lost.report.notes[0]
    nothing = pairwise(np.full((2, 2), np.nan), [(0, 0), (1, 1)])
    assert np.isinf(nothing.resistance[0, 1])
    assert nothing.current is not None
    assert not nothing.current.any()


def test_cell_size_plays_no_part_and_averages_do(surface: Floats) -> None:
    one = pairwise(surface, POINTS, current=None).resistance
    assert np.array_equal(one, pairwise(surface, POINTS, cell_size=30.0, current=None).resistance)
    assert (pairwise(surface, POINTS, average="conductance", current=None).resistance < one)[0, 1]
    assert (pairwise(surface, POINTS, neighbours=4, current=None).resistance > one)[0, 1]


def test_bad_input_is_refused(surface: Floats) -> None:
    with pytest.raises(ResistanceError, match="2 cells have a zero, negative or infinite") as caught:
        pairwise(np.array([[1.0, 0.0, -1.0]]), [(0, 0), (0, 1)])
    assert caught.value.rows == [(0, 1), (0, 2)]
    with pytest.raises(ResistanceError, match="C01"):
        pairwise(np.ones(5), [(0, 0), (0, 1)])
    for focal, text in (
        ([(0, 0)], "1 focal node"),
        ([(0, 0), (99, 0)], "outside the grid"),
        (np.ones((3, 3), int), "do not fit"),
        (np.where(np.isfinite(surface), -1, 0), "whole numbers"),
        (np.full(surface.shape, 0.5), "whole numbers"),
        (np.zeros(surface.shape, int), "0 focal node"),
    ):
        with pytest.raises(PatchError, match=text):
            pairwise(surface, focal)
    for wrong in (
        {"current": "sum"},
        {"neighbours": 16},
        {"average": "mean"},
        {"shorting": "both"},
        {"solver": "cg+amg"},
        {"rtol": 1.0},
        {"cell_size": 0.0},
    ):
        with pytest.raises(OptionError, match="C04"):
            pairwise(surface, POINTS, **wrong)  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="potentials=True"):
        pairwise(surface, POINTS).voltage(1, 2)
    with pytest.raises(PatchError, match="not a focal node"):
        pairwise(surface, POINTS, potentials=True).voltage(1, 20)


def test_estimate_counts_solves_and_refuses_what_cannot_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    job = estimate_pairwise((1000, 1000), 20, available=10**10)
    assert (job.cells, job.solves) == (1_000_000, 19)
    assert job.fits
    assert job.bytes > 8 * 20 * 10**6
    assert estimate_pairwise((1000, 1000), 20, current="pairs").bytes > 8 * 190 * 10**6
    assert estimate_pairwise((1000, 1000), 20, current=None, available=10**10).bytes < 0.2 * 10**9
    monkeypatch.setattr("permeability.core.memory.available", lambda: 1000)
    with pytest.raises(MemoryLimitError, match="remedy"):
        pairwise(np.ones((30, 30)), [(0, 0), (9, 9)])


def test_a_country_of_25_million_cells_is_given_what_fits() -> None:
    """Ten patches, 20 GB: factors of a kilobyte a cell do not fit, nine multigrid solves do; for 4 GB it is refused."""
    job = estimate_pairwise((5000, 5000), 10, available=20 * 10**9)
    assert (job.solver, job.solves, job.fits) == ("multigrid", 9, True)
    assert 132 * job.cells < job.bytes < 20 * 10**9
    assert "condensation" in job.reason
    assert "too large" in job.reason
    two = estimate_pairwise((5000, 5000), 10, available=20 * 10**9, workers=2)
    assert job.bytes < two.bytes < 20 * 10**9
    assert 0.5 * job.seconds <= two.seconds < 0.7 * job.seconds
    assert not estimate_pairwise((5000, 5000), 10, available=4 * 10**9).fits


def test_one_pair_on_1e8_cells_is_not_refused_with_16_gb() -> None:
    """Measured 13 to 14 GB (docs/performance.md): maps are written after the solver is gone."""
    job = estimate_pairwise((10_000, 10_000), 2, available=16 * 10**9)
    assert (job.solver, job.fits) == ("multigrid", True)
    assert 13e9 < job.bytes < 16e9
    assert not estimate_pairwise((10_000, 10_000), 2, available=13 * 10**9).fits
    every = [estimate_pairwise((1000, 1000), p, current="pairs", available=10**11).bytes for p in (2, 20, 40)]
    assert every[2] > 8e6 * 40 * 39 / 2
    assert every == sorted(every)


def test_workers_change_no_bit_of_a_pairwise_result(surface: Floats) -> None:
    alone, several = (pairwise(surface, POINTS, solver="multigrid", gradient=True, workers=k) for k in (1, 3))
    assert np.array_equal(alone.resistance, several.resistance)
    assert alone.cumulative is not None
    assert several.cumulative is not None
    assert np.array_equal(alone.cumulative, several.cumulative)
    assert alone.gradient is not None
    assert several.gradient is not None
    assert all(np.array_equal(a, b) for a, b in zip(alone.gradient, several.gradient, strict=True))


def test_progress_is_told(surface: Floats) -> None:
    seen: list[tuple[int, int]] = []
    pairwise(surface, POINTS, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]


@pytest.mark.parametrize("wall", [1e6, 1e17, 1e20, 3.4028235e38])
def test_no_resistance_is_below_zero(wall: float) -> None:
    """A wall of nodata that is a number: right, or refused by the solver that loses it to rounding."""
    ground = np.ones((5, 9))
    ground[:, 4] = wall
    labels = np.zeros((5, 9), int)
    labels[2, 0], labels[2, 8] = 1, 2
    exact = pairwise(ground, labels, solver="condensation", current=None).resistance[0, 1]
    # by symmetry all cells of the wall lie at half the voltage: on each side 5 straight and 8 diagonal links of half a wall's cell
    assert exact / wall == pytest.approx(2 / (5 * 2 + 8 * 2 / np.sqrt(2)), rel=1e-3)
    if wall < 1e15:
        assert pairwise(ground, labels, solver="splu").resistance[0, 1] == pytest.approx(exact, rel=1e-3)
        return
    with pytest.raises(SolverError, match=r"S25[\s\S]*below zero[\s\S]*solver='condensation'"):
        pairwise(ground, labels, solver="splu")
