"""What solvers do where nothing has to be solved, where an iteration fails, and where it only claims to have succeeded."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from permeability.core.errors import ResistanceError, SolverError
from permeability.engines.circuit import GridLinks, grid_links, solve_grid
from permeability.engines.circuit.solvers import multigrid, pockets, registry
from permeability.engines.circuit.solvers.direct import DirectSolver
from permeability.engines.circuit.solvers.grid_system import GridSystem
from permeability.engines.circuit.solvers.hierarchy import Hierarchy
from permeability.engines.circuit.solvers.multigrid import MultigridSolver, StalledError

Floats = NDArray[np.float64]
SHAPE = (12, 14)


@pytest.fixture
def links(rng: np.random.Generator) -> GridLinks:
    return grid_links(np.exp(rng.normal(size=SHAPE)))


def sources(n: int) -> Floats:
    """Each from a cell of its own to the last one."""
    out = np.zeros((n, *SHAPE))
    out[np.arange(n), 0, np.arange(n)] = 1.0
    out[:, -1, -1] = -1.0
    return out


def failing(monkeypatch: pytest.MonkeyPatch, which: set[int], single_only: bool) -> list[str]:
    """Multigrid gives up on some sources, by number; what it tried."""
    once, tried = MultigridSolver._iterate, []

    def iterate(self: MultigridSolver, hierarchy: Hierarchy, source: Floats, rtol: float) -> Any:
        if int(np.argmax(source[0])) in which and not (single_only and hierarchy.dtype is np.float64):
            tried.append(np.dtype(hierarchy.dtype).name)
            return np.zeros_like(source), 5, False
        return once(self, hierarchy, source, rtol)

    monkeypatch.setattr(MultigridSolver, "_iterate", iterate)
    return tried


def test_later_sources_that_stall_share_one_direct_solver(
    monkeypatch: pytest.MonkeyPatch, links: GridLinks
) -> None:
    tried = failing(monkeypatch, {1, 3}, single_only=False)
    made: list[str] = []
    choose = registry.choose_solver
    monkeypatch.setattr(
        registry, "choose_solver", lambda *a, **k: made.append(k["solver"]) or choose(*a, **k)
    )
    found = solve_grid(links, sources(4), solver="multigrid")
    assert made.count("direct") == 1
    assert tried == ["float32", "float64"] * 2
    names = [r.solver for r in found.reports]
    assert names[0] == names[2] == "multigrid"
    assert names[1] == names[3] != "multigrid"
    np.testing.assert_allclose(found.voltage, solve_grid(links, sources(4), solver="splu").voltage, atol=1e-6)


def test_later_sources_that_stall_in_single_precision_share_one_hierarchy(
    monkeypatch: pytest.MonkeyPatch, links: GridLinks
) -> None:
    failing(monkeypatch, {1, 2}, single_only=True)
    made: list[Any] = []
    monkeypatch.setattr(multigrid, "Hierarchy", lambda *a: made.append(a[2:]) or Hierarchy(*a))
    found = solve_grid(links, sources(4), solver="multigrid")
    assert made.count((np.float64,)) == 1
    assert [len(r.fallbacks) for r in found.reports] == [0, 1, 1, 0]
    np.testing.assert_allclose(found.voltage, solve_grid(links, sources(4), solver="splu").voltage, atol=1e-6)


def test_an_interrupt_reaches_a_solver_that_cannot_be_told_to_stop(links: GridLinks) -> None:
    found: list[int] = []

    def told(done: int, _: int) -> None:
        found.append(done)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        solve_grid(links, sources(3), solver="splu", progress=told)
    assert found == [1]


def solver_of(links: GridLinks, leak: float = 0.0) -> MultigridSolver:
    return MultigridSolver(GridSystem(links, leak=np.full(SHAPE, leak)), np.ones(SHAPE, bool))


def test_without_a_source_nothing_is_iterated(links: GridLinks) -> None:
    found = solver_of(links).solve(np.zeros(SHAPE), 1e-8)
    assert not found.voltage.any()
    assert found.iterations == 0


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_a_preconditioner_that_is_not_positive_ends_the_iteration(
    monkeypatch: pytest.MonkeyPatch, links: GridLinks, value: float
) -> None:
    """Conjugate gradients need a positive definite one; with anything else the direction is worth nothing."""

    def spoilt(self: MultigridSolver, hierarchy: Hierarchy, work: Any, residual: Floats, norm: float) -> Any:
        work.x[:] = value
        return work.x

    monkeypatch.setattr(MultigridSolver, "_precondition", spoilt)
    with pytest.raises(StalledError) as stalled:
        solver_of(links).solve(sources(1)[0], 1e-8)
    assert "float32 hierarchy stalled after 1 iterations" in stalled.value.history[0]
    assert "after 2 iterations in all" in stalled.value.history[1]


def test_an_iteration_that_no_longer_halves_its_residual_has_stalled(
    monkeypatch: pytest.MonkeyPatch, links: GridLinks, rng: np.random.Generator
) -> None:
    """Directions that have nothing to do with the residual take it nowhere."""
    monkeypatch.setattr(multigrid, "STALLED", 3)

    def anywhere(
        self: MultigridSolver, hierarchy: Hierarchy, work: Any, residual: Floats, norm: float
    ) -> Any:
        work.x[:] = 0.0
        work.x[1:-2, 1:-2] = rng.normal(size=SHAPE)
        return work.x

    monkeypatch.setattr(MultigridSolver, "_precondition", anywhere)
    with pytest.raises(StalledError, match=r"stalled after [4-9] iterations"):
        solver_of(links, leak=0.1).solve(sources(1)[0], 1e-8)


def test_no_more_iterations_are_made_than_are_allowed(
    monkeypatch: pytest.MonkeyPatch, links: GridLinks
) -> None:
    monkeypatch.setattr(multigrid, "MOST_ITERATIONS", 2)
    with pytest.raises(StalledError, match=r"stalled after 2 iterations(.|\n)*after 4 iterations in all"):
        solver_of(links).solve(sources(1)[0], 1e-12)


def test_an_iteration_that_claims_to_have_converged_is_held_against_the_true_residual(
    monkeypatch: pytest.MonkeyPatch, links: GridLinks
) -> None:
    monkeypatch.setattr(MultigridSolver, "_run", lambda *_: (5, True))
    with pytest.raises(StalledError, match=f"after {5 * multigrid.RESTARTS} iterations"):
        solver_of(links).solve(sources(1)[0], 1e-8)
    found = solve_grid(links, sources(1), solver="multigrid")
    assert found.reports[0].residual <= 1e-8  # by the solver that took over
    assert found.reports[0].solver != "multigrid"


def test_of_too_many_pockets_the_tightest_are_kept(rng: np.random.Generator) -> None:
    n = 1500
    size, diagonal, out = rng.integers(1, 5, n), np.full(n, 10.0), rng.uniform(0.01, 1.0, n)
    number, cells = pockets._tightest(size, diagonal, out, 10_000)
    kept = np.flatnonzero(number >= 0)
    assert len(kept) == 1000
    tightness = out * size / diagonal
    assert tightness[kept].max() <= np.delete(tightness, kept).min()
    assert number[kept].tolist() == list(range(1000))
    assert cells == size[kept].sum()
    every, _ = pockets._tightest(size, diagonal, out, 1_000_000)
    assert (every >= 0).all()


def test_pockets_beyond_what_doubles_resolve_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a factor that is positive they are not solved by themselves, and the iteration goes on all the same."""
    e, s, se, sw = grid_links(np.ones((20, 21)))
    for plane in (e, se):
        plane[:, 9] *= 1e-6
    sw[:, 10] *= 1e-6
    source = np.zeros((20, 21))
    source[3, 2], source[-1, -1] = 1.0, -1.0
    want = solve_grid(GridLinks(e, s, se, sw), source, solver="splu")
    lu = SimpleNamespace(U=SimpleNamespace(diagonal=lambda: np.array([1.0, -1e-17])))
    monkeypatch.setattr(pockets, "symmetric_lu", lambda matrix: lu)
    found = solve_grid(GridLinks(e, s, se, sw), source, solver="multigrid")
    np.testing.assert_allclose(found.voltage, want.voltage, atol=1e-6 * np.ptp(want.voltage))


def test_a_source_and_a_sink_in_one_region_drive_nothing() -> None:
    """All cells are one node: the current goes through no link, and no equation is left."""
    whole = np.ones(SHAPE, int)
    found = solve_grid(grid_links(np.ones(SHAPE)), sources(1), regions=whole, solver="splu")
    assert not found.voltage.any()
    alone = DirectSolver(GridSystem(grid_links(np.ones(SHAPE)), regions=whole), np.ones(SHAPE, bool))
    assert (alone.size, len(alone.free)) == (1, 0)
    assert not alone.solve(sources(1)[0], 1e-8).voltage.any()


def test_regions_of_no_cell_are_none(links: GridLinks) -> None:
    plain, marked = (solve_grid(links, sources(1), regions=r) for r in (None, np.zeros(SHAPE, int)))
    np.testing.assert_array_equal(plain.voltage, marked.voltage)


def test_rounding_in_the_sum_of_sources_is_spread_and_not_left_to_grow(links: GridLinks) -> None:
    source = sources(1)[0]
    source[-1, -1] += 3e-13
    checked, _ = GridSystem(links).checked_sources(source)
    assert abs(checked.sum()) < 1e-16
    np.testing.assert_allclose(checked, source, atol=3e-13)
    assert source.sum() != 0.0  # what was given stays as it was
    exact, _ = GridSystem(links).checked_sources(sources(1)[0])
    np.testing.assert_array_equal(exact, sources(1)[0])


def test_planes_of_several_shapes_or_of_none_are_refused(links: GridLinks) -> None:
    for wrong in (
        GridLinks(links.e[:-1], links.s, links.se, links.sw),
        GridLinks(*(p[0] for p in links)),
        GridLinks(*(np.zeros((0, 4)) for _ in range(4))),
    ):
        with pytest.raises(ResistanceError, match=r"C01.*link planes have shapes"):
            solve_grid(wrong, sources(1))


def test_a_stalled_error_is_a_solver_error() -> None:
    with pytest.raises(SolverError, match=r"C07(.|\n)*a; b"):
        raise StalledError(("a", "b"))
