"""The multigrid kernels: what the cycle must keep exactly, and how well it converges."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from numpy.typing import NDArray

from permeability.engines.circuit import grid_links, solve_grid
from permeability.engines.circuit.solvers.grid_system import GridSystem
from permeability.engines.circuit.solvers.hierarchy import Hierarchy, Workspace
from permeability.engines.circuit.solvers.multigrid import MultigridSolver
from permeability.engines.kernels import multigrid as cycle

Floats = NDArray[np.float64]


def smooth(rows: int, cols: int, seed: int) -> Floats:
    """Correlated noise, resistance 1..100."""
    from scipy.ndimage import gaussian_filter

    noise = gaussian_filter(np.random.default_rng(seed).normal(size=(rows, cols)), 4)
    return 10 ** np.clip(1 + noise / noise.std() / 1.6, 0, 2)


def walls(rows: int, cols: int, seed: int) -> Floats:
    """Smooth ground with walls of 1e5 two cells thick, a gap in each, and holes."""
    rng = np.random.default_rng(seed)
    out = smooth(rows, cols, seed)
    for at in range(15, rows - 5, 25):
        out[at : at + 2] = 1e5
        gap = rng.integers(0, cols - 2)
        out[at : at + 2, gap : gap + 2] = 5.0
    for at in range(20, cols - 5, 40):
        out[:, at : at + 2] = 1e4
        gap = rng.integers(0, rows - 2)
        out[gap : gap + 2, at : at + 2] = 5.0
    out[smooth(rows, cols, seed + 1) < 3] = np.nan
    return out


def dense(planes: tuple[Floats, ...], rows: int, cols: int) -> Floats:
    """Laplacian of padded planes."""
    out = np.zeros((rows * cols, rows * cols))
    for plane, (dr, dc) in zip(planes, ((0, 1), (1, 0), (1, 1), (1, -1))):
        for r in range(rows):
            for c in range(cols):
                g = float(plane[r + 1, c + 1])
                if g != 0.0:
                    i, j = r * cols + c, (r + dr) * cols + c + dc
                    out[[i, j], [j, i]] -= g
                    out[[i, j], [i, j]] += g
    return out


def cycled(h: Hierarchy, b: Floats) -> Floats:
    """One cycle from ``b``."""
    with h.workspace() as work:
        work.b[1:-2, 1:-2] = b
        h.apply(work)
        return work.x[1:-2, 1:-2].copy()


def interpolation(h: Hierarchy, fine: tuple[int, int], coarse: tuple[int, int]) -> Floats:
    """The matrix P of the finest level, column by column."""
    columns = []
    for k in range(coarse[0] * coarse[1]):
        xc = np.zeros((coarse[0] + 3, coarse[1] + 3))
        xc[k // coarse[1] + 1, k % coarse[1] + 1] = 1.0
        x = np.zeros((fine[0] + 3, fine[1] + 3))
        cycle.interpolate_add(*h.weights, xc, x)
        columns.append(x[1:-2, 1:-2].ravel())
    return np.array(columns).T


@pytest.mark.parametrize("shape", [(7, 9), (8, 6), (1, 9), (5, 2)])
def test_coarse_operators_are_galerkin_and_constants_are_exact(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(4)
    surface = np.exp(rng.normal(size=shape))
    surface[rng.random(shape) < 0.2] = np.nan
    leak = np.where(rng.random(shape) < 0.3, rng.random(shape), 0.0)
    system = GridSystem(grid_links(surface), leak=leak)
    h = Hierarchy(system, np.ones(shape, np.uint8), np.float64)
    coarse = (int(h.meta[1, 1]), int(h.meta[1, 2]))
    assert coarse == ((shape[0] + 1) // 2, (shape[1] + 1) // 2)
    p = interpolation(h, shape, coarse)
    np.testing.assert_allclose(p.sum(axis=1), 1.0, atol=1e-14)
    fine = dense(tuple(h.links), *shape) + np.diag(leak.ravel())
    e, s, se, sw, inv = cycle.level_planes(h.buffer, h.meta, 1)
    want = p.T @ fine @ p
    got = dense((e, s, se, sw), *coarse)
    off = ~np.eye(len(got), dtype=bool)
    np.testing.assert_allclose(got[off], want[off], atol=1e-12)
    diagonal = inv[1 : coarse[0] + 1, 1 : coarse[1] + 1].ravel()
    live = diagonal > 0
    np.testing.assert_allclose(1 / diagonal[live], np.diag(want)[live], rtol=1e-10)


def test_the_cycle_is_symmetric_and_positive() -> None:
    rng = np.random.default_rng(2)
    system = GridSystem(grid_links(walls(40, 45, 2)), leak=np.full((40, 45), 1e-3))
    h = Hierarchy(system, np.ones((40, 45), np.uint8), np.float64)

    def apply(b: Floats) -> Floats:
        return cycled(h, b)

    for _ in range(3):
        a, b = rng.normal(size=(2, 40, 45))
        za, zb = apply(a), apply(b)
        assert np.vdot(a, zb) == pytest.approx(np.vdot(b, za), rel=1e-9)
        assert np.vdot(a, za) > 0


def test_a_cycle_leaves_no_state_behind() -> None:
    """The hierarchy carries no state from one cycle to the next."""
    system = GridSystem(grid_links(walls(60, 50, 1)))
    h = Hierarchy(system, np.ones((60, 50), np.uint8))
    b = np.random.default_rng(0).normal(size=(60, 50))
    once = cycled(h, b)
    assert np.array_equal(once, cycled(h, b))


def one_by_one(planes: list[Floats], b: Floats, x: Floats, backwards: bool) -> Floats:
    """A Gauss-Seidel sweep cell by cell over padded planes, in the order of sums of the kernels."""
    e, s, se, sw, inv = planes
    rows, cols = range(1, x.shape[0] - 2), range(1, x.shape[1] - 2)
    for r in reversed(rows) if backwards else rows:
        for c in reversed(cols) if backwards else cols:
            total = b[r, c] + s[r - 1, c] * x[r - 1, c]
            total += se[r - 1, c - 1] * x[r - 1, c - 1]
            total += sw[r - 1, c + 1] * x[r - 1, c + 1]
            total += s[r, c] * x[r + 1, c]
            total += se[r, c] * x[r + 1, c + 1]
            total += sw[r, c] * x[r + 1, c - 1]
            first, last = (e[r, c - 1] * x[r, c - 1], e[r, c] * x[r, c + 1])
            chain, other = (e[r, c], first) if backwards else (e[r, c - 1], last)
            x[r, c] = (total + other) * inv[r, c] + (chain * inv[r, c]) * x[r, c + (1 if backwards else -1)]
    return x


@pytest.mark.parametrize("shape", [(1, 1), (1, 6), (6, 1), (2, 3), (7, 9), (8, 12)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_two_rows_at_once_have_the_bits_of_cell_after_cell(shape: tuple[int, int], dtype: type) -> None:
    """A sweep from zero solves the lower triangle; what follows the sweep is ``P' (b - A x)``."""
    rng = np.random.default_rng(6)
    surface = np.exp(rng.normal(size=shape))
    surface[rng.random(shape) < 0.1] = np.nan
    h = Hierarchy(GridSystem(grid_links(surface)), np.ones(shape, np.uint8), dtype)
    planes, coarse = [*h.links, h.inv], (int(h.meta[1, 1]), int(h.meta[1, 2]))
    b, start = np.zeros_like(h.inv), np.zeros_like(h.inv)
    b[1:-2, 1:-2], start[1:-2, 1:-2] = np.where(h.inv[1:-2, 1:-2] > 0, rng.normal(size=(2, *shape)), 0.0)
    p, matrix, inner = interpolation(h, shape, coarse), dense(tuple(h.links), *shape), np.s_[1:-2, 1:-2]
    near = {"rtol": 0.0, "atol": 1e-5 if dtype is np.float32 else 1e-12}
    swept = one_by_one(planes, b, start.copy(), backwards=False)
    from_zero = one_by_one(planes, b, np.zeros_like(b), backwards=False)
    for kernel, last, want in (
        (cycle.down, (False,), swept), (cycle.down, (True,), from_zero), (cycle.down_from_zero, (), from_zero),
    ):  # fmt: skip
        x, bc = start.copy(), np.zeros((coarse[0] + 3, coarse[1] + 3))
        kernel(*planes, b, x, *h.weights, bc, *last)
        assert np.array_equal(x, want)
        np.testing.assert_allclose(
            bc[inner].ravel(), p.T @ (b[inner].ravel() - matrix @ x[inner].ravel()), **near
        )
    x = start.copy()
    cycle.backward(*planes, b, x)
    assert np.array_equal(x, one_by_one(planes, b, start.copy(), backwards=True))
    live = np.flatnonzero(h.inv[inner])
    triangle = np.tril(matrix[np.ix_(live, live)])
    want = np.linalg.solve(triangle, b[inner].ravel()[live])
    np.testing.assert_allclose(from_zero[inner].ravel()[live], want, rtol=0, atol=20 * near["atol"])


@pytest.mark.parametrize("rows", [40, 160, 400])
def test_iterations_do_not_grow_on_smooth_ground(rows: int) -> None:
    source = np.zeros((rows, rows + 7))
    source[3, 4], source[-5, -2] = 1.0, -1.0
    report = solve_grid(grid_links(smooth(rows, rows + 7, 1)), source, solver="multigrid").reports[0]
    assert report.iterations <= 10
    assert not report.fallbacks


@pytest.mark.parametrize("seed", [1, 2])
def test_error_on_walls_and_holes_against_a_direct_solve(seed: int) -> None:
    surface = walls(150, 170, seed)
    links = grid_links(surface)
    roots = GridSystem(links).roots
    names, counts = np.unique(roots, return_counts=True)
    cells = np.flatnonzero(roots == names[counts.argmax()])
    source = np.zeros(surface.shape)
    source.flat[cells[50]], source.flat[cells[-50]] = 1.0, -1.0
    iterated = solve_grid(links, source, solver="multigrid")
    direct = solve_grid(links, source, solver="splu")
    scale = np.ptp(direct.voltage)
    assert np.abs(iterated.voltage - direct.voltage).max() <= 1e-7 * scale
    power = [float((s.voltage * source).sum()) for s in (iterated, direct)]
    assert power[0] == pytest.approx(power[1], rel=1e-8)
    assert iterated.reports[0].iterations <= 40


def test_memory_per_cell() -> None:
    """Hierarchy and vectors together, beyond the links, stay under 100 bytes per cell."""
    system = GridSystem(grid_links(smooth(300, 300, 3)))
    h = MultigridSolver(system, np.ones((300, 300), bool)).hierarchy
    own = [*h.links, *h.weights, h.inv, h.buffer, h.inverse, *vars(Workspace(h)).values()]
    vectors = 4 * 8 * 300 * 300  # x, residual, direction and its image
    assert (sum(a.nbytes for a in own) + vectors) / 90_000 <= 100


def test_names_of_components_are_let_go_and_found_again() -> None:
    """Potentials of a floating component are centred with the mask that the solver was given, others by their names."""
    surface = np.ones((30, 31))
    surface[:, 15] = np.nan
    system = GridSystem(grid_links(surface))
    west, east = system.roots[0, :1].copy(), system.roots[0, -1:].copy()
    want = np.where(system.roots == west, 2.0, 5.0)
    active = system.active(west)
    MultigridSolver(system, active)
    assert "roots" not in vars(system)
    voltage = np.where(active, 2.0, 5.0)
    system.centre(voltage, west)
    assert "roots" not in vars(system)
    np.testing.assert_array_equal(voltage, np.where(active, 0.0, 5.0))
    system.centre(voltage, east)
    np.testing.assert_array_equal(voltage[:, 16:], 0.0)
    np.testing.assert_array_equal(np.where(system.roots == west, 2.0, 5.0), want)


PEAK = """
from pathlib import Path
import numpy as np
from permeability.engines.circuit import pairwise

def held(name):
    return int(Path("/proc/self/status").read_text().split(name + ":")[1].split()[0]) * 1024

def one(side):
    ground = np.exp(np.random.default_rng(1).normal(size=(side, side)))
    pairwise(ground, [(3, 4), (side - 5, side - 9)], solver="multigrid")

one(60)  # compiles
try:
    Path("/proc/self/clear_refs").write_text("5")  # the peak from here on
except OSError as error:  # a container that keeps its peaks to itself
    raise SystemExit(f"no peak: {error}")
before = held("VmRSS")
one(1000)
print((held("VmHWM") - before) / 1000**2)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="peak of the resident set in kB")
def test_peak_of_one_pair_with_its_map() -> None:
    """The raster (8 B), its links (32 B) and everything else take 132 bytes per cell, and less than the 160 of 16 GB for 1e8 cells
    wherever the system rounds up to large pages."""
    given_back = os.environ | {
        "MALLOC_MMAP_THRESHOLD_": "100000"
    }  # what is freed goes back to the system at once
    run = subprocess.run(
        [sys.executable, "-c", PEAK], capture_output=True, text=True, check=False, env=given_back
    )
    if "no peak" in run.stderr:
        pytest.skip(run.stderr.strip())
    assert run.returncode == 0, run.stderr
    assert 60 < float(run.stdout) < 155


def wandering(tight: float, rows: int = 200, cols: int = 210) -> Floats:
    """Smooth ground under crooked walls of resistance ``tight`` that cross each other: pockets of all shapes."""
    rng, out = np.random.default_rng(8), smooth(rows, cols, 5)
    for wall in range(12):
        grid = out if wall % 2 == 0 else out.T
        across, along = grid.shape
        line = np.clip(rng.integers(across) + np.cumsum(rng.integers(-1, 2, along)), 0, across - 2)
        closed = np.flatnonzero(rng.random(along) > 0.01)
        for thick in range(2):
            grid[line[closed] + thick, closed] = tight
    return out


@pytest.mark.parametrize(("tight", "most"), [(1e3, 25), (1e5, 30), (1e9, 60)])
def test_tight_pockets_cost_few_iterations(tight: float, most: int) -> None:
    """Without the pockets' own network: 12 and 55 iterations, and no convergence with walls of 1e9."""
    surface = wandering(tight)
    links = grid_links(surface)
    source = np.zeros(surface.shape)
    source.flat[np.flatnonzero(surface < tight)[[30, -30]]] = 1.0, -1.0
    solution = solve_grid(links, source, solver="multigrid")
    direct = solve_grid(links, source, solver="splu")
    assert not solution.reports[0].fallbacks
    assert solution.reports[0].iterations <= most
    want = float((direct.voltage * source).sum())
    assert float((solution.voltage * source).sum()) == pytest.approx(want, rel=1e-8)


@pytest.mark.parametrize("leaking", [False, True])
def test_a_cycle_leaves_no_current_in_any_pocket(leaking: bool) -> None:
    surface = wandering(1e6)
    shape = surface.shape
    leak = np.where(surface < 1e6, 1e-7, 0.0) if leaking else None
    h = Hierarchy(GridSystem(grid_links(surface), leak=leak), np.ones(shape, np.uint8), np.float64)
    assert h.pockets.count > 5
    cells, pocket = h.pockets.cells
    width = shape[1] + 3
    assert (surface[cells // width - 1, cells % width - 1] < 1e6).any()
    b = np.random.default_rng(3).normal(size=shape)
    x = cycled(h, b)
    left = b - applied(grid_links(surface), x) - (0.0 if leak is None else leak * x)
    totals = np.bincount(pocket, left[cells // width - 1, cells % width - 1])
    assert np.abs(totals).max() <= 1e-8 * np.abs(b).max() * len(cells) ** 0.5


def applied(links: tuple[Floats, ...], x: Floats) -> Floats:
    """``L x``, link by link."""
    out = np.zeros_like(x)
    rows, cols = x.shape
    for plane, (dr, dc) in zip(links, ((0, 1), (1, 0), (1, 1), (1, -1))):
        low, high = max(0, -dc), cols - max(0, dc)
        here, there = np.s_[: rows - dr, low:high], np.s_[dr:, low + dc : high + dc]
        flow = plane[here] * (x[here] - x[there])
        out[here] += flow
        out[there] -= flow
    return out


def test_halves_of_a_grid_with_nothing_around_them() -> None:
    """Every cell is in a pocket: one half stands for the zero of the potentials."""
    e, s, se, sw = grid_links(np.ones((20, 21)))
    for plane in (e, se):
        plane[:, 9] *= 1e-6
    sw[:, 10] *= 1e-6
    source = np.zeros((20, 21))
    source[3, 2], source[-1, -1] = 1.0, -1.0
    links = type(grid_links(np.ones((2, 2))))(e, s, se, sw)
    assert Hierarchy(GridSystem(links), np.ones((20, 21), np.uint8)).pockets.count == 1
    got, want = (solve_grid(links, source, solver=k) for k in ("multigrid", "splu"))
    assert not got.reports[0].fallbacks
    np.testing.assert_allclose(got.voltage, want.voltage, atol=1e-8 * np.ptp(want.voltage))
