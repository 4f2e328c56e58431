"""All raster modes against a dense solve written from the words of the rules, on random problems."""

from __future__ import annotations

import itertools
from typing import Any

import circuitscape_rules as rules
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from permeability.engines.circuit import modes
from permeability.engines.circuit.modes.map_store import MapOptions
from permeability.engines.circuit.modes.raster_circuit import pair_views
from permeability.engines.circuit.solvers.flow import branch_currents
from permeability.engines.kernels.edges import EdgeBarriers

MAPS = MapOptions(current=True, voltage=True, cumulative=True, maximum=True)


class Dense:
    """A raster circuit as a dense Laplacian; cells of one region share a node."""

    def __init__(self, g: np.ndarray, neighbours: int, average: str, regions: np.ndarray | None) -> None:
        self.shape = g.shape
        self.node = np.full(g.shape, -1)
        names: dict[Any, int] = {}
        regions = np.zeros(g.shape, int) if regions is None else regions
        live = {int(n) for n in np.unique(regions[(g > 0) & (regions != 0)])}
        for cell in np.ndindex(g.shape):
            if regions[cell] in live:
                self.node[cell] = names.setdefault(("region", int(regions[cell])), len(names))
            elif g[cell] > 0:
                self.node[cell] = names.setdefault(cell, len(names))
        self.n = len(names)
        self.c = np.zeros((self.n, self.n))
        steps = [(0, 1), (1, 0)] + ([(1, 1), (1, -1)] if neighbours == 8 else [])
        for r, c in np.ndindex(g.shape):
            for dr, dc in steps:
                other = (r + dr, c + dc)
                if 0 <= other[0] < g.shape[0] and 0 <= other[1] < g.shape[1]:
                    self._link(g, (r, c), other, average, np.hypot(dr, dc))

    def _link(
        self, g: np.ndarray, a: tuple[int, int], b: tuple[int, int], average: str, length: float
    ) -> None:
        if not (g[a] > 0 and g[b] > 0):
            return
        mean = 2 / (1 / g[a] + 1 / g[b]) if average == "resistance" else (g[a] + g[b]) / 2
        i, j = self.node[a], self.node[b]
        if i != j:
            self.c[i, j] += mean / length
            self.c[j, i] += mean / length

    def reach(self, start: int) -> np.ndarray:
        seen, todo = {start}, [start]
        while todo:
            for j in np.flatnonzero(self.c[todo.pop()]):
                if int(j) not in seen:
                    seen.add(int(j))
                    todo.append(int(j))
        out = np.zeros(self.n, bool)
        out[list(seen)] = True
        return out

    def solve(self, source: np.ndarray, leak: np.ndarray, ideal: np.ndarray) -> np.ndarray:
        laplacian = np.diag(self.c.sum(axis=0) + leak) - self.c
        v = np.zeros(self.n)
        left = np.ones(self.n, bool)
        while left.any():
            part = self.reach(int(np.flatnonzero(left)[0]))
            left &= ~part
            if not (part & (ideal | (leak > 0))).any() or not source[part].any():
                continue
            free = part & ~ideal
            v[free] = np.linalg.solve(laplacian[np.ix_(free, free)], source[free])
        return v

    def current(self, v: np.ndarray, leak: np.ndarray | None = None) -> np.ndarray:
        flow = self.c * (v[:, None] - v[None, :])
        out, into = np.maximum(flow, 0).sum(axis=1), np.maximum(-flow, 0).sum(axis=1)
        drawn = np.zeros(self.n) if leak is None else leak * v
        return np.maximum(out + np.maximum(drawn, 0), into + np.maximum(-drawn, 0))

    def plane(self, values: np.ndarray) -> np.ndarray:
        return np.where(self.node >= 0, np.append(values, 0.0)[self.node], 0.0)

    def pair(self, low: int, high: int) -> tuple[float, np.ndarray, np.ndarray]:
        source, ideal = np.zeros(self.n), np.zeros(self.n, bool)
        source[high], ideal[low] = 1.0, True
        v = self.solve(source, np.zeros(self.n), ideal)
        return v[high], self.plane(v), self.plane(self.current(v))


@st.composite
def problems(draw: st.DrawFn) -> dict[str, Any]:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = (draw(st.integers(1, 6)), draw(st.integers(3, 6)))
    g = rng.uniform(0.1, 5, shape)
    g[rng.random(shape) < draw(st.sampled_from([0.0, 0.15, 0.35]))] = 0.0
    g[0, :2] = 1.0
    regions = None
    if draw(st.booleans()):
        regions = np.where(rng.random(shape) < 0.3, rng.integers(1, 4, shape), 0)
    focal = np.zeros(shape, int)
    focal[0, 0], focal[0, 1] = 1, 2
    extra = draw(st.integers(0, 3))
    for number in rng.integers(1 if draw(st.booleans()) else 3, 6, extra):
        r, c = rng.integers(0, shape[0]), rng.integers(0, shape[1])
        focal[r, c] = number if focal[r, c] == 0 else focal[r, c]
    return {
        "g": g,
        "regions": regions,
        "focal": focal,
        "neighbours": draw(st.sampled_from([4, 8])),
        "average": draw(st.sampled_from(["resistance", "conductance"])),
        "rng": rng,
    }


def keywords(problem: dict[str, Any]) -> dict[str, Any]:
    return {
        "habitat_is": "conductance",
        "neighbours": problem["neighbours"],
        "average": problem["average"],
        "regions": problem["regions"],
    }


def dense(problem: dict[str, Any], regions: np.ndarray | None) -> Dense:
    return Dense(problem["g"], problem["neighbours"], problem["average"], regions)


def first_cell(focal: np.ndarray, number: int) -> tuple[int, int]:
    cols, rows = np.nonzero((focal == number).T)
    return int(rows[0]), int(cols[0])


def same(a: Any, b: Any) -> None:
    np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-9)


@settings(max_examples=60, deadline=None)
@given(problems())
def test_pairwise_equals_dense(problem: dict[str, Any]) -> None:
    focal = problem["focal"]
    ids = np.unique(focal[focal > 0]).tolist()
    nodes = rules.focal_of(focal)
    regions_mode = any(len(cells) > 1 for cells in nodes.values())
    got = modes.raster_pairwise(problem["g"], focal, maps=MAPS, **keywords(problem))
    cumulative, maximum = np.zeros(focal.shape), np.full(focal.shape, -np.inf)
    for (i, a), (j, b) in itertools.combinations(enumerate(ids), 2):
        regions = problem["regions"]
        if regions_mode:
            regions = rules.pair_regions(regions, focal.shape, nodes[a], nodes[b])
        network = dense(problem, regions)
        low, high = network.node[first_cell(focal, a)], network.node[first_cell(focal, b)]
        if min(low, high) < 0 or not network.reach(low)[high]:
            assert got.resistance[i, j] == np.inf
            continue
        if low == high:
            assert got.resistance[i, j] == 0
            assert (a, b) not in got.current
            continue
        resistance, voltage, current = network.pair(low, high)
        same(got.resistance[i, j], resistance)
        same(got.voltage[(a, b)], voltage)
        same(got.current[(a, b)], current)
        cumulative += current
        maximum = np.maximum(maximum, current)
    same(got.cumulative, cumulative)
    logs = modes.raster_pairwise(
        problem["g"], focal, maps=MapOptions(current=True, log_transform=True), **keywords(problem)
    )
    for key, current in got.current.items():  # noise of dead ends is gone, all else is the logarithm
        clear = current > 1e-7
        same(logs.current[key][clear], np.log10(current[clear]))
        assert np.isnan(logs.current[key][current < 1e-12]).all()
    if got.current:
        same(got.maximum, maximum)
    else:
        assert np.isnan(got.maximum).all()


@settings(max_examples=40, deadline=None)
@given(problems())
def test_one_to_all_and_all_to_one_equal_dense(problem: dict[str, Any]) -> None:
    focal = problem["focal"]
    ids = np.unique(focal[focal > 0]).tolist()
    strengths = {i: float(problem["rng"].uniform(0.5, 3)) for i in ids[:2]}
    network = dense(problem, rules.joint_regions(problem["regions"], focal.shape, rules.focal_of(focal)))
    node = {i: int(network.node[first_cell(focal, i)]) for i in ids}
    out = modes.raster_one_to_all(problem["g"], focal, maps=MAPS, strengths=strengths, **keywords(problem))
    back = modes.raster_all_to_one(problem["g"], focal, maps=MAPS, strengths=strengths, **keywords(problem))
    for k, n in enumerate(ids):
        owners = {i: set(network.node[focal == i].tolist()) - {-1} for i in ids}
        own = network.reach(node[n]) if node[n] >= 0 else np.zeros(network.n, bool)
        for result, inward in ((out, False), (back, True)):
            source, ideal = np.zeros(network.n), np.zeros(network.n, bool)
            if inward:
                ideal[list(owners[n])] = True
                for i in ids:
                    if i != n and node[i] >= 0 and not ideal[node[i]]:
                        source[node[i]] += strengths.get(i, 1.0)
            elif node[n] >= 0:
                ideal[[m for i in ids if i != n for m in owners[i] if m != node[n]]] = True
                source[node[n]] = strengths.get(n, 1.0)
            source *= own
            ideal &= own
            solved = bool(source.any() and ideal.any())
            assert result.solved[k] == solved
            v = network.solve(source, np.zeros(network.n), ideal)
            same(result.voltage[(n,)], network.plane(v))
            same(result.current[(n,)], network.plane(network.current(v)))
            if solved:
                same(result.resistance[k], 0.0 if inward else v[node[n]] / strengths.get(n, 1.0))
    same(out.cumulative, sum(out.current.values()))
    same(back.maximum, np.max(list(back.current.values()), axis=0))


@settings(max_examples=60, deadline=None)
@given(
    problems(), st.sampled_from(["keep_all", "remove_source", "remove_ground", "remove_all"]), st.booleans()
)
def test_advanced_equals_dense(problem: dict[str, Any], conflicts: str, as_resistance: bool) -> None:
    rng, shape = problem["rng"], problem["g"].shape
    sources = np.where(rng.random(shape) < 0.3, rng.uniform(-1, 3, shape), np.nan)
    grounds = np.where(rng.random(shape) < 0.3, rng.choice([0.0, 0.5, 4.0], shape), np.nan)
    grounds_are = "resistance" if as_resistance else "conductance"
    got = modes.raster_advanced(
        problem["g"], sources, grounds, grounds_are=grounds_are, conflicts=conflicts, **keywords(problem)
    )
    network = dense(problem, problem["regions"])
    source, ground = np.zeros(network.n), np.zeros(network.n)
    for cell in np.ndindex(shape):
        n = network.node[cell]
        if n >= 0:
            source[n] += np.nan_to_num(sources[cell])
            if not np.isnan(grounds[cell]):
                h = grounds[cell]
                ground[n] += (np.inf if h == 0 else 1 / h) if as_resistance else h
    finite = np.where(np.isinf(ground), 0, ground)
    both = (source != 0) & (ground != 0)
    if conflicts in ("remove_source", "remove_all"):
        source[both] = 0
    if conflicts == "remove_ground":
        ground[both] = 0
    ground[np.isinf(ground) & (source > 0)] = 0
    for n in range(network.n):  # components whose grounds have all been dropped are not solved
        if not ground[network.reach(n)].any():
            source[n] = 0
    v = network.solve(source, finite, np.isinf(ground))
    same(got.voltage, network.plane(v))
    same(got.current, network.plane(network.current(v, finite)))


def test_component_without_ground_is_named() -> None:
    habitat = np.array([[1.0, 1.0, np.nan, 1.0, 1.0]])
    sources, grounds = np.array([[1.0, 0, 0, 1, 0]]), np.array([[np.nan, 0, np.nan, np.nan, np.nan]])
    got = modes.raster_advanced(habitat, sources, grounds)
    assert got.solved == 1
    assert got.unsolved == ("1 component(s) with a source have no ground and were not solved",)
    np.testing.assert_allclose(got.voltage, [[1, 0, 0, 0, 0]], atol=1e-12)


@pytest.mark.parametrize("solver", ["direct", "multigrid"])
def test_solver_reaches_the_grid_solver(solver: str) -> None:
    focal = np.zeros((30, 30), int)
    focal[2, 3], focal[25, 20] = 1, 2
    got = modes.raster_pairwise(np.ones((30, 30)), focal, solver=solver)
    assert (got.report.solver == "multigrid") == (solver == "multigrid")
    assert got.report.residual <= 1e-10


def test_little_memory_gives_the_same_maps(monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator) -> None:
    """Potentials that do not fit at once: pairs in parts, one solve for each run of one-to-all."""
    habitat, focal = rng.uniform(1, 9, (8, 8)), np.zeros((8, 8), int)
    focal.reshape(-1)[rng.choice(64, 11, replace=False)] = np.arange(1, 12)
    plenty = [
        mode(habitat, focal, maps=MAPS)
        for mode in (modes.raster_pairwise, modes.raster_one_to_all, modes.raster_all_to_one)
    ]
    monkeypatch.setattr("permeability.engines.circuit.modes.superposition.MEMORY_SHARE", 0.0)
    little = [
        mode(habitat, focal, maps=MAPS)
        for mode in (modes.raster_pairwise, modes.raster_one_to_all, modes.raster_all_to_one)
    ]
    for a, b in zip(plenty, little, strict=True):
        same(a.resistance, b.resistance)
        same(a.cumulative, b.cumulative)
        assert a.current.keys() == b.current.keys()
    assert [r.report.solves for r in plenty] == [10, 10, 10]
    assert [r.report.solves for r in little[1:]] == [11, 11]
    assert little[0].report.solves > 10
    regions = np.zeros((8, 8), int)
    regions[0] = 1
    few = modes.raster_pairwise(habitat, focal, regions=regions)
    monkeypatch.undo()
    same(few.resistance, modes.raster_pairwise(habitat, focal, regions=regions).resistance)
    assert few.report.solves == len(np.unique(focal[1:])) - 1 + bool(focal[0].any()) - 1


def test_kirchhoff_power_and_symmetry(rng: np.random.Generator) -> None:
    habitat = rng.uniform(1, 100, (9, 7))
    focal = np.zeros((9, 7), int)
    focal[0, 0], focal[8, 6], focal[4, 1] = 1, 2, 3
    found = modes.raster_pairwise(habitat, focal, maps=MAPS)
    np.testing.assert_array_equal(found.resistance, found.resistance.T)
    links = modes.RasterCircuit.of(habitat).links
    flows = branch_currents(links, found.voltage[(1, 2)])
    net = np.zeros((9, 7))
    power = 0.0
    for k, (flow, conductance) in enumerate(zip(flows, links, strict=True)):
        part = pair_views(flow, k)[0]
        first, second = pair_views(net, k)
        first += part
        second -= part
        live = conductance > 0
        power += float((flow[live] ** 2 / conductance[live]).sum())
    expected = np.zeros((9, 7))
    expected[8, 6], expected[0, 0] = 1.0, -1.0
    np.testing.assert_allclose(net, expected, atol=1e-10)
    assert power == pytest.approx(found.resistance[0, 1], rel=1e-10)
    assert found.current[(1, 2)][0, 0] == pytest.approx(1.0)


@settings(max_examples=25, deadline=None)
@given(problems())
def test_barriers_on_links_equal_dense(problem: dict[str, Any]) -> None:
    """Resistance in series on some links, none left on others: the explicitly assembled graph."""
    rng, g, focal = problem["rng"], problem["g"], problem["focal"]
    rows, cols = g.shape
    steps = [(0, 1), (1, 0)] + ([(1, 1), (1, -1)] if problem["neighbours"] == 8 else [])
    network = dense(problem, None)
    cut: list[tuple[int, int, float]] = []
    for r, c in np.ndindex(g.shape):
        for k, (dr, dc) in enumerate(steps):
            other = (r + dr, c + dc)
            inside = other[0] < rows and 0 <= other[1] < cols
            if inside and g[r, c] > 0 and g[other] > 0 and rng.random() < 0.4:
                i, j = network.node[r, c], network.node[other]
                series = rng.choice([0.5, 20.0, np.inf])
                cut.append((r * cols + c, k, series))
                network.c[i, j] = network.c[j, i] = 1 / (1 / network.c[i, j] + series)
    table = sorted(cut)
    barriers = EdgeBarriers(
        np.array([t[0] for t in table], np.int64),
        np.array([t[1] for t in table], np.uint8),
        np.zeros(len(table)),
        np.array([t[2] for t in table]),
    )
    focal = np.where((focal == 1) | (focal == 2), focal, 0)
    focal[0, 2:], focal[1:] = 0, 0
    given_words = {**keywords(problem), "regions": None, "barriers": barriers}
    plain = modes.raster_pairwise(g, focal, **given_words)
    mapped = modes.raster_pairwise(g, focal, maps=MAPS, **given_words)
    each = modes.raster_one_to_all(g, focal, maps=MAPS, **given_words)
    low, high = network.node[0, 0], network.node[0, 1]
    if not network.reach(low)[high]:
        assert plain.resistance[0, 1] == mapped.resistance[0, 1] == np.inf
        assert not each.solved.any()
        return
    resistance, voltage, current = network.pair(low, high)
    same(plain.resistance[0, 1], resistance)
    same(mapped.voltage[(1, 2)], voltage)
    same(mapped.current[(1, 2)], current)
    same(each.resistance, resistance)
    ground = np.where(focal == 1, 0.0, np.nan)
    same(modes.raster_advanced(g, focal == 2, ground, **given_words).voltage, voltage)


def test_grounded_component_whose_sources_cancel_is_left_out_and_told() -> None:
    source = np.array([[1.0, 0.0, -1.0]])
    ground = np.array([[np.nan, 0.0, np.nan]])
    even = modes.raster_advanced(np.ones((1, 3)), source, ground)
    assert not even.voltage.any()
    assert even.solved == 0
    assert "sum to exactly 0" in even.unsolved[0]
    near = modes.raster_advanced(np.ones((1, 3)), source * np.array([1.0, 1.0, 1.0 - 1e-12]), ground)
    np.testing.assert_allclose(near.voltage, [[1.0, 0.0, -1.0]], rtol=1e-9)
    assert near.solved == 1
    assert not near.unsolved
