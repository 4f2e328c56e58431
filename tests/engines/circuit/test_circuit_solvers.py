"""The grid solvers: each against an explicitly assembled system, and what they refuse."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import dijkstra
from scipy.sparse.linalg import spsolve

from permeability.core.errors import MemoryLimitError, OptionError, PatchError, ResistanceError, SolverError
from permeability.engines.circuit import GridLinks, branch_currents, grid_links, node_currents, solve_grid
from permeability.engines.circuit.solvers import direct, registry
from permeability.engines.circuit.solvers.hierarchy import Hierarchy
from permeability.engines.circuit.solvers.multigrid import MultigridSolver, StalledError
from permeability.engines.circuit.solvers.registry import SOLVERS, choose_solver, refuse_if_too_large
from permeability.engines.circuit.solvers.solve_report import Solved, merge_reports
from permeability.engines.kernels.edges import D_COL, D_ROW, LENGTH

Floats = NDArray[np.float64]


def tried(names: Iterable[str]) -> tuple[Any, ...]:
    """Solvers to try, skipped where their library is not installed."""
    missing = {n: not registry.REGISTRY[n].available() for n in names}
    return tuple(
        pytest.param(n, marks=pytest.mark.skipif(gone, reason=f"{n} not installed"))
        for n, gone in missing.items()
    )


OPTIONAL = tried(("cholmod", "pardiso"))
GRID_SOLVERS = tried(registry.REGISTRY)


def dense_laplacian(resistance: Floats, neighbours: int = 8, average: str = "resistance") -> Floats:
    """Laplacian of every cell, written cell by cell from the definition."""
    rows, cols = resistance.shape
    out = np.zeros((rows * cols, rows * cols))
    for r in range(rows):
        for c in range(cols):
            for k in range(2 if neighbours == 4 else 4):
                r2, c2 = r + D_ROW[k], c + D_COL[k]
                if not (0 <= r2 < rows and 0 <= c2 < cols):
                    continue
                a, b = resistance[r, c], resistance[r2, c2]
                if np.isnan(a) or np.isnan(b):
                    continue
                g = 2 / (a + b) if average == "resistance" else (1 / a + 1 / b) / 2
                i, j, g = r * cols + c, r2 * cols + c2, g / LENGTH[k]
                out[[i, j], [j, i]] -= g
                out[[i, j], [i, j]] += g
    return out


def oracle(
    resistance: Floats,
    source: Floats,
    *,
    leak: Floats | None = None,
    ground: NDArray[np.bool_] | None = None,
    regions: NDArray[np.int64] | None = None,
    **options: object,
) -> Floats:
    """Voltages by a dense solve of the merged and grounded system, minimum norm where it floats."""
    matrix = dense_laplacian(resistance, **options)  # type: ignore[arg-type]
    if leak is not None:
        matrix += np.diag(leak.ravel())
    n = resistance.size
    node = np.arange(n)
    if regions is not None:
        for label in np.unique(regions[regions > 0]):
            cells = np.flatnonzero(regions == label)
            node[cells] = cells[0]
    merge = np.zeros((n, n))
    merge[node, np.arange(n)] = 1
    matrix, b = merge @ matrix @ merge.T, merge @ source.ravel()
    keep = np.diag(matrix) > 0
    if ground is not None:
        keep[node[ground.ravel()]] = False
    x = np.zeros(n)
    x[keep] = np.linalg.pinv(matrix[np.ix_(keep, keep)], rcond=1e-13, hermitian=True) @ b[keep]
    return x[node].reshape(resistance.shape)


@pytest.fixture
def surface(rng: np.random.Generator) -> Floats:
    out = np.exp(rng.normal(size=(23, 19)))
    out[rng.random(out.shape) < 0.15] = np.nan
    out[:3, :3] = out[-3:, -3:] = 1.0
    out[10:13, 4:15] = 1e4
    return out


def point_sources(shape: tuple[int, int]) -> Floats:
    source = np.zeros(shape)
    source[0, 0], source[-1, -1] = 1.0, -1.0
    return source


@pytest.mark.parametrize("solver", GRID_SOLVERS)
@pytest.mark.parametrize(
    ("neighbours", "average"), [(8, "resistance"), (8, "conductance"), (4, "resistance")]
)
def test_two_points_against_a_dense_solve(
    surface: Floats, solver: str, neighbours: int, average: str
) -> None:
    source = point_sources(surface.shape)
    links = grid_links(surface, neighbours=neighbours, average=average)
    got = solve_grid(links, source, solver=solver).voltage
    want = oracle(surface, source, neighbours=neighbours, average=average)
    np.testing.assert_allclose(np.ptp(got), np.ptp(want), rtol=1e-8)
    np.testing.assert_allclose(got, want, atol=1e-7 * np.ptp(want))


@pytest.mark.parametrize("solver", GRID_SOLVERS)
def test_leaks_grounds_and_regions(surface: Floats, solver: str, rng: np.random.Generator) -> None:
    live = np.isfinite(surface)
    source = np.where(live, rng.random(surface.shape), 0.0)
    source[:3, :3] = 1.0
    leak = np.where(live, 1e-3 * rng.random(surface.shape), 0.0)
    ground = np.zeros(surface.shape, bool)
    ground[-1, -1] = ground[5, 5] = True
    regions = np.zeros(surface.shape, int)
    regions[:2, :2] = 4  # touching
    regions[15, 3] = regions[18, 16] = 9  # apart
    cases: list[dict[str, Any]] = [
        {"leak": leak},
        {"leak": leak, "ground": ground},
        {"leak": leak, "regions": regions},
        {"leak": leak, "ground": ground, "regions": regions},
    ]
    for extra in cases:
        got = solve_grid(grid_links(surface), source, solver=solver, **extra).voltage
        want = oracle(surface, source, **extra)
        np.testing.assert_allclose(got, want, atol=1e-7 * np.abs(want).max())


@pytest.mark.parametrize("solver", GRID_SOLVERS)
def test_region_cells_on_nodata_carry_the_voltage_of_their_node(solver: str) -> None:
    surface = np.ones((9, 9))
    surface[4] = np.nan
    regions = np.zeros((9, 9), int)
    regions[3:6, 4] = 2  # a bridge over the nodata row
    got = solve_grid(grid_links(surface), point_sources((9, 9)), regions=regions, solver=solver).voltage
    assert got[3, 4] == got[4, 4] == got[5, 4]
    want = oracle(surface, point_sources((9, 9)), regions=regions)
    np.testing.assert_allclose(got[0, 0] - got[-1, -1], want[0, 0] - want[-1, -1], rtol=1e-8)


@pytest.mark.parametrize("solver", GRID_SOLVERS)
def test_a_floating_component_averages_to_zero_and_idle_ones_are_dropped(solver: str) -> None:
    surface = np.ones((6, 11))
    surface[:, 5] = np.nan
    source = np.zeros(surface.shape)
    source[0, 0], source[5, 4] = 2.0, -2.0
    got = solve_grid(grid_links(surface), source, solver=solver)
    assert abs(got.voltage[:, :5].mean()) < 1e-12
    assert not got.voltage[:, 5:].any()


@pytest.mark.parametrize("solver", GRID_SOLVERS)
def test_every_report_holds_the_true_residual(surface: Floats, solver: str) -> None:
    source = point_sources(surface.shape)
    links = grid_links(surface)
    solution = solve_grid(links, np.stack([source, 0 * source, 3 * source]), solver=solver)
    assert len(solution.reports) == 3
    assert not solution.voltage[1].any()
    matrix = dense_laplacian(surface)
    for k in (0, 2):
        b = (1, 0, 3)[k] * source.ravel()
        own = np.linalg.norm(b - matrix @ solution.voltage[k].ravel()) / np.linalg.norm(b)
        assert own <= 1.1e-8
        assert solution.reports[k].residual == pytest.approx(own, abs=1e-12)
        assert solution.reports[k].solver == solver


@pytest.mark.parametrize("solver", GRID_SOLVERS)
def test_kirchhoff_at_every_cell(surface: Floats, solver: str) -> None:
    source = point_sources(surface.shape)
    links = grid_links(surface)
    currents = branch_currents(links, solve_grid(links, source, solver=solver).voltage)
    out = np.zeros(surface.shape)
    for k, plane in enumerate(currents):
        for r, c in np.argwhere(plane != 0):
            out[r, c] += plane[r, c]
            out[r + D_ROW[k], c + D_COL[k]] -= plane[r, c]
    np.testing.assert_allclose(out, source, atol=3e-8)


def test_node_current_is_the_larger_of_inflow_and_outflow(surface: Floats, rng: np.random.Generator) -> None:
    voltage = np.where(np.isfinite(surface), rng.normal(size=surface.shape), 0.0)
    leak = np.where(np.isfinite(surface), rng.random(surface.shape), 0.0)
    regions = np.zeros(surface.shape, int)
    regions[8, 3:5] = 1
    regions[2, 11] = 1
    voltage[regions == 1] = 0.3
    got = node_currents(grid_links(surface), voltage, leak=leak, regions=regions)
    g = -dense_laplacian(surface)
    np.fill_diagonal(g, 0.0)
    v = voltage.ravel()
    flow = g * (v[:, None] - v[None, :])  # out of the row's cell
    out = np.maximum(flow, 0).sum(axis=1) + np.maximum(leak.ravel() * v, 0)
    into = np.maximum(-flow, 0).sum(axis=1) + np.maximum(-leak.ravel() * v, 0)
    region = regions.ravel() == 1
    out[region], into[region] = out[region].sum(), into[region].sum()
    np.testing.assert_allclose(got.ravel(), np.maximum(out, into), atol=1e-12)


def test_threads_give_the_bits_of_one(surface: Floats) -> None:
    big = np.tile(np.where(np.isnan(surface), 5.0, surface), (5, 6))
    links, source = grid_links(big), point_sources(big.shape)
    alone = solve_grid(links, source, solver="multigrid").voltage
    found: dict[int, Floats] = {}

    def work(k: int) -> None:
        found[k] = solve_grid(links, source, solver="multigrid").voltage

    threads = [threading.Thread(target=work, args=(k,)) for k in range(2)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert np.array_equal(found[0], alone)
    assert np.array_equal(found[1], alone)


@pytest.mark.parametrize("solver", ["multigrid", "splu", "condensation"])
def test_the_number_of_workers_does_not_change_a_bit(surface: Floats, solver: str) -> None:
    links = grid_links(np.tile(np.where(np.isnan(surface), 5.0, surface), (4, 4)))
    rng, sources = np.random.default_rng(1), np.zeros((5, *links.shape))
    for k in (0, 1, 3, 4):  # the third has no sources
        sources[k].flat[rng.choice(sources[k].size, 2, replace=False)] = 1.0, -1.0
    seen: list[tuple[int, int]] = []
    alone = solve_grid(links, sources, solver=solver)
    several = solve_grid(links, sources, solver=solver, workers=3, progress=lambda *at: seen.append(at))
    assert np.array_equal(alone.voltage, several.voltage)
    assert [r.iterations for r in alone.reports] == [r.iterations for r in several.reports]
    assert seen == [(k, 5) for k in (2, 3, 4, 5)]


def test_a_source_that_stalls_changes_no_other(monkeypatch: pytest.MonkeyPatch, surface: Floats) -> None:
    """The third of four stalls with single precision: same bits on one thread and on three, and for the others."""
    links = grid_links(surface)
    inside = np.flatnonzero(np.isfinite(surface))
    sources = np.zeros((4, *surface.shape))
    for k, plane in enumerate(sources):
        plane.flat[inside[[k, -1]]] = 1.0, -1.0
    once = MultigridSolver._iterate

    def third_fails(
        self: MultigridSolver, hierarchy: Hierarchy, source: Floats, rtol: float
    ) -> tuple[Floats, int, bool]:
        if hierarchy.dtype is np.float32 and source.flat[inside[2]] == 1.0:
            return source, 5, False
        return once(self, hierarchy, source, rtol)

    plain = solve_grid(links, sources, solver="multigrid")
    monkeypatch.setattr(MultigridSolver, "_iterate", third_fails)
    for workers in (1, 3):
        found = solve_grid(links, sources, solver="multigrid", workers=workers)
        for k in (0, 1, 3):
            assert np.array_equal(found.voltage[k], plain.voltage[k])
            assert not found.reports[k].fallbacks
        assert "float64 hierarchy" in found.reports[2].fallbacks[0]
        np.testing.assert_allclose(found.voltage[2], plain.voltage[2], atol=1e-6 * np.ptp(plain.voltage[2]))


@pytest.mark.parametrize("place", ["main", "other"])
def test_an_interrupt_ends_the_solves_of_all_threads(
    monkeypatch: pytest.MonkeyPatch, surface: Floats, place: str
) -> None:
    links = grid_links(np.tile(np.where(np.isnan(surface), 5.0, surface), (4, 4)))
    sources = np.stack([point_sources(links.shape)] * 6)
    begun: list[MultigridSolver] = []
    once = MultigridSolver.solve

    def interrupted(self: MultigridSolver, source: Floats, rtol: float) -> Solved:
        begun.append(self)
        here = threading.current_thread() is threading.main_thread()
        if len(begun) > 2 and here == (place == "main"):
            raise KeyboardInterrupt
        return once(self, source, rtol)

    monkeypatch.setattr(MultigridSolver, "solve", interrupted)
    with pytest.raises(KeyboardInterrupt):
        solve_grid(links, sources, solver="multigrid", workers=2)
    assert begun[0].stop.is_set()
    with pytest.raises(KeyboardInterrupt):
        once(begun[0], sources[0], 1e-8)


def test_no_workers_are_refused(surface: Floats) -> None:
    with pytest.raises(OptionError, match="workers = 0") as caught:
        solve_grid(grid_links(surface), point_sources(surface.shape), workers=0)
    assert caught.value.code == "C04"


def test_a_stalled_multigrid_falls_back_and_says_so(monkeypatch: pytest.MonkeyPatch, surface: Floats) -> None:
    source = point_sources(surface.shape)
    tried: list[str] = []

    def never(self: object, hierarchy: Hierarchy, source: Floats, rtol: float) -> tuple[Floats, int, bool]:
        tried.append(np.dtype(hierarchy.dtype).name)
        return np.zeros(source.shape), 7, False

    monkeypatch.setattr(MultigridSolver, "_iterate", never)
    solution = solve_grid(grid_links(surface), np.stack([source, source]), solver="multigrid")
    assert tried == ["float32", "float64"]
    report = solution.reports[0]
    assert report.solver in ("splu", "cholmod", "pardiso", "condensation")
    assert len(report.fallbacks) == 3
    assert "stalled" in report.fallbacks[-1]
    want = oracle(surface, source)
    np.testing.assert_allclose(np.ptp(solution.voltage[0]), np.ptp(want), rtol=1e-8)


def test_the_float64_hierarchy_takes_over_when_single_precision_stalls(
    monkeypatch: pytest.MonkeyPatch, surface: Floats
) -> None:
    once = MultigridSolver._iterate

    def first_fails(
        self: MultigridSolver, hierarchy: Hierarchy, source: Floats, rtol: float
    ) -> tuple[Floats, int, bool]:
        return (source, 5, False) if hierarchy.dtype is np.float32 else once(self, hierarchy, source, rtol)

    monkeypatch.setattr(MultigridSolver, "_iterate", first_fails)
    report = solve_grid(grid_links(surface), point_sources(surface.shape), solver="multigrid").reports[0]
    assert report.solver == "multigrid"
    assert "float64 hierarchy" in report.fallbacks[0]
    assert report.residual <= 1e-8


@pytest.mark.parametrize("name", ["splu", *OPTIONAL])
def test_a_failed_factorisation_is_an_error(
    monkeypatch: pytest.MonkeyPatch, surface: Floats, name: str
) -> None:
    """A singular matrix: the library's own exception does not get through."""
    assemble = direct.DirectSolver._assemble

    def spoiled(self: direct.DirectSolver, active: NDArray[np.bool_]) -> object:
        matrix, fixed = assemble(self, active)
        return matrix * 0.0, fixed

    monkeypatch.setattr(direct.DirectSolver, "_assemble", spoiled)
    with pytest.raises(SolverError, match="could not factorise") as caught:
        solve_grid(grid_links(surface), point_sources(surface.shape), solver=name)
    assert caught.value.code == "C05"


def test_a_library_that_does_not_load_is_not_available(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib

    def broken(name: str) -> None:
        raise OSError("libcholmod.so.5: cannot open shared object file")

    monkeypatch.setattr(importlib, "import_module", broken)
    direct.importable.cache_clear()
    try:
        assert not direct.importable("scipy.sparse")
        assert not direct.importable("no_such_library")
        with pytest.raises(OptionError, match="not installed") as caught:
            choose_solver(100, 1, solver="cholmod", available=10**9)
        assert caught.value.code == "C04"
        assert "cholmod" not in choose_solver(100, 1, available=10**9).reason
    finally:
        direct.importable.cache_clear()


@pytest.mark.parametrize("name", OPTIONAL)
def test_the_reason_of_the_automatic_choice_names_every_solver_here(name: str) -> None:
    assert name in choose_solver(10_000, 5, available=10**10).reason


def test_a_solver_that_misses_its_tolerance_is_an_error(
    monkeypatch: pytest.MonkeyPatch, surface: Floats
) -> None:
    wrong = direct.DirectSolver.solve

    def spoiled(self: direct.DirectSolver, source: Floats, rtol: float) -> Solved:
        voltage, steps, _ = wrong(self, source, rtol)
        return Solved(voltage + 1e-3 * source, steps)

    monkeypatch.setattr(direct.DirectSolver, "solve", spoiled)
    with pytest.raises(SolverError, match="reached a residual") as caught:
        solve_grid(grid_links(surface), point_sources(surface.shape), solver="splu")
    assert caught.value.exit_code == 4


def test_sources_that_cannot_leave_are_refused() -> None:
    surface = np.ones((4, 5))
    surface[:, 2] = np.nan
    source = np.zeros(surface.shape)
    source[0, 0], source[0, 4] = 1.0, -1.0
    with pytest.raises(PatchError, match="do not sum to zero") as caught:
        solve_grid(grid_links(surface), source)
    assert caught.value.code == "C03"
    source[0, 0] = np.nan
    with pytest.raises(PatchError, match="C02"):
        solve_grid(grid_links(surface), source)


def test_bad_planes_and_options_are_refused(surface: Floats) -> None:
    links, source = grid_links(surface), point_sources(surface.shape)
    with pytest.raises(OptionError, match="did you mean 'multigrid'"):
        solve_grid(links, source, solver="multgrid")
    with pytest.raises(OptionError, match="rtol"):
        solve_grid(links, source, rtol=0.0)
    with pytest.raises(ResistanceError, match="sources have shape"):
        solve_grid(links, source[:-1])
    with pytest.raises(ResistanceError, match="leak has shape"):
        solve_grid(links, source, leak=np.ones((2, 2)))
    with pytest.raises(ResistanceError, match="conductance to ground"):
        solve_grid(links, source, leak=np.full(surface.shape, np.inf))
    for spoil in (-1.0, np.nan, np.inf):
        plane = links.e.copy()
        plane[3, 3] = spoil
        with pytest.raises(ResistanceError, match="C01"):
            solve_grid(GridLinks(plane, links.s, links.se, links.sw), source)
    over = links.e.copy()
    over[0, -1] = 1.0
    with pytest.raises(ResistanceError, match="leave the grid"):
        solve_grid(GridLinks(over, links.s, links.se, links.sw), source)


def test_the_choice_follows_size_right_hand_sides_and_memory() -> None:
    plenty = 200 * 10**9
    assert choose_solver(1_000, 1, available=plenty).solver == "splu"
    assert choose_solver(16_000_000, 1, available=plenty).solver == "multigrid"
    assert choose_solver(1_000_000, 40, available=plenty).solver not in ("multigrid", "splu")
    tight = choose_solver(1_000_000, 40, available=200 * 10**6)
    assert tight.solver == "multigrid"
    assert "too large" in tight.reason
    hopeless = choose_solver(1_000_000, 1, available=10**6)
    with pytest.raises(MemoryLimitError, match=r"C06.*need 0\.13 GB"):
        refuse_if_too_large(hopeless)
    assert choose_solver(10, 1, solver="direct").solver != "multigrid"


@pytest.mark.parametrize("solver", SOLVERS)
def test_every_name_works_or_says_what_to_install(surface: Floats, solver: str) -> None:
    source = point_sources(surface.shape)
    if solver in registry.REGISTRY and not registry.REGISTRY[solver].available():
        with pytest.raises(OptionError, match="not installed"):
            solve_grid(grid_links(surface), source, solver=solver)
        return
    assert solve_grid(grid_links(surface), source, solver=solver).reports[0].residual <= 1e-8


@pytest.mark.parametrize("contrast", [1e3, 1e9])
@pytest.mark.parametrize("solver", GRID_SOLVERS)
def test_contrast(solver: str, contrast: float, rng: np.random.Generator) -> None:
    surface = np.where(rng.random((30, 30)) < 0.3, contrast, 1.0)
    surface[0, 0] = surface[-1, -1] = 1.0
    rows, cols = surface.shape
    source = point_sources(surface.shape)
    got = solve_grid(grid_links(surface), source, solver=solver).voltage
    matrix = sparse.csc_matrix(dense_laplacian(surface)[:-1, :-1])
    want = np.append(spsolve(matrix, source.ravel()[:-1]), 0.0).reshape(rows, cols)
    np.testing.assert_allclose(got - got[-1, -1], want, atol=1e-7 * np.ptp(want))


def maze(n: int, rng: np.random.Generator) -> Floats:
    """A perfect maze of one-cell corridors: exactly one path between any two cells."""
    out = np.full((2 * n + 1, 2 * n + 1), np.nan)
    out[1, 1] = 1.0
    stack = [(1, 1)]
    while stack:
        r, c = stack[-1]
        steps = [(r + dr, c + dc) for dr, dc in ((0, 2), (2, 0), (0, -2), (-2, 0))]
        free = [(a, b) for a, b in steps if 0 < a < 2 * n and 0 < b < 2 * n and np.isnan(out[a, b])]
        if not free:
            stack.pop()
            continue
        a, b = free[rng.integers(len(free))]
        out[a, b] = out[(a + r) // 2, (b + c) // 2] = 1.0
        stack.append((a, b))
    return out


@pytest.mark.parametrize("solver", GRID_SOLVERS)
def test_maze_with_rook_links_has_the_length_of_its_path(solver: str, rng: np.random.Generator) -> None:
    surface = maze(25, rng)
    source = np.zeros(surface.shape)
    source[1, 1], source[-2, -2] = 1.0, -1.0
    graph = sparse.csr_matrix(np.maximum(-dense_laplacian(surface, 4), 0))
    here, there = np.ravel_multi_index([(1, 49), (1, 49)], surface.shape)
    length = dijkstra(graph, indices=here, unweighted=True)[there]
    voltage = solve_grid(grid_links(surface, neighbours=4), source, solver=solver).voltage
    assert voltage[1, 1] - voltage[-2, -2] == pytest.approx(length, rel=1e-8)


@pytest.mark.parametrize("solver", GRID_SOLVERS)
@pytest.mark.parametrize("shape", [(1, 2), (1, 700), (301, 1), (2, 2), (10, 10), (11, 300)])
def test_narrow_and_tiny_grids(solver: str, shape: tuple[int, int]) -> None:
    surface = np.random.default_rng(1).uniform(1, 10, shape)
    source = point_sources(shape)
    voltage = solve_grid(grid_links(surface, neighbours=4), source, solver=solver).voltage
    if 1 in shape:
        flat = surface.ravel()
        want = ((flat[:-1] + flat[1:]) / 2).sum()
    else:
        want = np.ptp(solve_grid(grid_links(surface, neighbours=4), source, solver="splu").voltage)
    assert voltage.ravel()[0] - voltage.ravel()[-1] == pytest.approx(want, rel=1e-8)


@pytest.mark.parametrize("solver", GRID_SOLVERS)
def test_checkerboard_of_nodata_with_diagonal_links_only(solver: str) -> None:
    surface = np.where(np.add.outer(np.arange(40), np.arange(40)) % 2 == 0, 2.0, np.nan)
    source = np.zeros(surface.shape)
    source[0, 0], source[-1, -1] = 1.0, -1.0
    voltage = solve_grid(grid_links(surface), source, solver=solver).voltage
    want = oracle(surface, source)
    assert voltage[0, 0] - voltage[-1, -1] == pytest.approx(want[0, 0] - want[-1, -1], rel=1e-8)


def test_nothing_to_solve(rng: np.random.Generator) -> None:
    empty = solve_grid(grid_links(np.full((3, 4), np.nan)), np.zeros((3, 4)))
    assert not empty.voltage.any()
    assert empty.reports[0].solver == "none"
    one = solve_grid(grid_links(np.ones((1, 1))), np.ones((1, 1)), leak=np.full((1, 1), 4.0))
    assert one.voltage[0, 0] == pytest.approx(0.25)


def test_reports_merge() -> None:
    assert merge_reports(()).solves == 0
    error = StalledError(("a", "b"))
    assert pickle.loads(pickle.dumps(error)).history == ("a", "b")
