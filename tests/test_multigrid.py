"""The multigrid kernels: what the cycle must keep exactly, and how well it converges."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from permeability.circuit import grid_links, solve_grid
from permeability.circuit.grid_system import GridSystem
from permeability.circuit.multigrid import Hierarchy, MultigridSolver
from permeability.kernels import multigrid as cycle

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
    e, s, se, sw, inv, *_ = cycle.level_planes(h.buffer, h.meta, 1)
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
        h.b[1:-2, 1:-2] = b
        h.apply()
        return h.x[1:-2, 1:-2].copy()

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
    h.b[1:-2, 1:-2] = b
    h.apply()
    once = h.x.copy()
    h.b[1:-2, 1:-2] = b
    h.apply()
    assert np.array_equal(once, h.x)


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
    own = [*h.links, *h.weights, h.inv, h.b, h.x, h.buffer, h.inverse]
    vectors = 4 * 8 * 300 * 300  # x, residual, direction and its image
    assert (sum(a.nbytes for a in own) + vectors) / 90_000 <= 100
