"""Circuits that are added up by hand: strips of resistors in series and side by side, with barriers between."""

from __future__ import annotations

import numpy as np
import pytest

from permeability.core.errors import BarrierError, MemoryLimitError, PatchError, ResistanceError, SolverError
from permeability.engines.circuit.focal_pairs import check_resistance, pairwise
from permeability.engines.circuit.interface import agreement
from permeability.engines.circuit.interface.compressed import _unit
from permeability.engines.circuit.interface.interface import Interface
from permeability.engines.circuit.interface.relaxation import RelaxedGain
from permeability.engines.circuit.interface.set_value import SetValue
from permeability.engines.circuit.modes.raster_circuit import focal_cells
from permeability.engines.circuit.solvers.hierarchy import _layout, _level_sizes
from permeability.engines.circuit.solvers.registry import REGISTRY
from permeability.engines.kernels.edges import grid_links
from permeability.engines.kernels.multigrid import PLANES

inf = np.inf


def strip(crossing, *, rows: int = 1, cells: int = 6, **options) -> Interface:
    """Strips of cells with a barrier over the first edges of each row; patches at both ends of the first row."""
    n = len(crossing) // rows
    at = np.concatenate([cells * r + np.arange(n) for r in range(rows)])
    links = grid_links(np.ones((rows, cells)), neighbours=4)
    options = {"patches": [0, cells - 1]} | options
    k = np.arange(len(crossing))
    return Interface.build(
        links, edges=(at, 0 * at), cuts=(k, k, np.ones(len(k))), crossing=crossing, **options
    )


@pytest.mark.parametrize("form", ["front", "layers"])
def test_a_unit_current_through_a_strip(form):
    face = strip([3.0, 0.0, 8.0], form=form)
    assert face.resistances()[0, 1] == pytest.approx(5 + 3 + 8, rel=1e-12)
    np.testing.assert_allclose(face.drops(), [[4.0, 1.0, 9.0]], rtol=1e-12)
    np.testing.assert_allclose(face.drops([[1, 0]]), [[-4.0, -1.0, -9.0]], rtol=1e-12)
    gains = face.gain(*face.singles_and_today(face.candidates([[0], [1], [2], [0, 2]]))[::-1])
    np.testing.assert_allclose(gains, [3.0, 0.0, 8.0, 11.0], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("form", ["front", "layers"])
@pytest.mark.parametrize("closed", [0, 1, 2])
def test_no_drop_is_told_where_no_current_flows(form, closed):
    # three patches: pairs on both sides of the closed edge have none, nor has the closed edge itself
    crossing = np.where(np.arange(3) == closed, inf, 2.0)
    face = strip(crossing, patches=[0, 2, 5], form=form)
    r = face.resistances()
    drops = face.drops([[0, 1], [1, 0], [0, 2], [2, 0], [1, 2], [2, 1]])
    for row, (i, j) in enumerate([(0, 1), (1, 0), (0, 2), (2, 0), (1, 2), (2, 1)]):
        ends = sorted(([0, 2, 5][i], [0, 2, 5][j]))
        parted = ends[0] <= closed < ends[1]
        assert np.isinf(r[i, j]) == parted
        for e in range(3):
            with_pair = not parted and e != closed and (e < closed) == (ends[0] <= closed)
            assert np.isnan(drops[row, e]) == (not with_pair), (i, j, e)
            if with_pair:
                inside = ends[0] <= e < ends[1]
                assert drops[row, e] == pytest.approx((3.0 if i < j else -3.0) if inside else 0.0, abs=1e-12)


@pytest.mark.parametrize("index", ["resistance", "conductance"])
def test_sites_that_only_help_together_are_never_bound_too_low(index):
    # three complete barriers on one edge: nothing without all three
    links = grid_links(np.ones((1, 4)), neighbours=4)
    three = np.arange(3)
    face = Interface.build(links, edges=([1], [0]), cuts=([0, 0, 0], three, np.ones(3)), crossing=np.full(3, 1e4), patches=[0, 3])  # fmt: skip
    sites = face.candidates([[0], [1], [2]])
    value, relaxed = SetValue(face, sites, index), RelaxedGain(face, sites, index)
    for chosen in ([0], [1, 2], [0, 1], [0, 1, 2]):
        x = np.full(3, 1e-12)
        x[chosen] = 1.0
        assert relaxed(x)[0] >= value(chosen) * (1 - 1e-9), chosen
    top = 3e4 if index == "resistance" else 1 / 3 - 1 / (3 + 3e4)
    assert value([0, 1, 2]) == pytest.approx(top, rel=1e-9)
    assert relaxed(np.ones(3))[0] == pytest.approx(top, rel=1e-9)


def test_three_sites_on_an_edge_that_one_barrier_cuts_are_bound_by_what_they_do():
    # gaps that leave 9, 6 and 3 of 12: no set of them is worth more than the widest
    links = grid_links(np.ones((1, 4)), neighbours=4)
    face = Interface.build(links, edges=([1], [0]), cuts=([0], [0], [1.0]), crossing=[12.0], patches=[0, 3])
    sites = face.candidates([[0], [0], [0]], after=[9.0, 6.0, 3.0])
    relaxed = RelaxedGain(face, sites, "resistance")
    assert relaxed(np.ones(3))[0] == pytest.approx(9.0, rel=1e-9)
    alone = relaxed(np.array([1.0, 1e-12, 1e-12]))[0]
    assert alone == pytest.approx(3.0, rel=1e-6)


@pytest.mark.parametrize(("edges", "bad"), [
    (([1, 1], [0, 0]), [1]), (([1, 3], [0, 0]), [1]), (([-1, 1], [0, 0]), [0]), (([1, 2], [0, 4]), [1]), (([1, 9], [0, 0]), [1]),
])  # fmt: skip
def test_edges_without_a_link_are_refused_by_their_number(edges, bad):
    links = grid_links(np.ones((1, 4)), neighbours=4)
    with pytest.raises(BarrierError, match="B31") as caught:
        Interface.build(links, edges=edges, cuts=([0], [0], [1.0]), crossing=[1.0], patches=[0, 3])
    assert caught.value.rows == bad


@pytest.mark.parametrize(("patches", "code"), [([0], "P23"), ([], "P23"), ([0, 3, 0], "P22")])
def test_an_index_needs_two_patches_in_two_cells(patches, code):
    with pytest.raises(PatchError, match=code):
        strip([1.0], cells=4, patches=patches)


@pytest.mark.parametrize("name", sorted(REGISTRY))
@pytest.mark.parametrize("part", ["setup_seconds", "solve_seconds"])
def test_expected_seconds_are_positive_and_grow_a_little_faster_than_cells(name, part):
    cells = np.geomspace(1e4, 1e8, 60)
    seconds = np.array([getattr(REGISTRY[name], part)(n) for n in cells])
    assert (seconds > 0).all()
    assert (np.diff(seconds) > 0).all()
    slope = np.diff(np.log(seconds)) / np.diff(np.log(cells))
    assert slope.max() < 1.7
    assert slope[cells[1:] > 1e7].min() > 0.95
    assert REGISTRY[name].seconds(10**6, 3) == pytest.approx(
        REGISTRY[name].setup_seconds(10**6) + 3 * REGISTRY[name].solve_seconds(10**6)
    )


@pytest.mark.parametrize("shape", [(300, 41), (17, 900), (64, 64), (2, 3)])
def test_levels_of_the_hierarchy_lie_one_after_the_other(shape):
    sizes = _level_sizes(*shape)
    meta, end, vectors = _layout(sizes)
    pieces, held = [], []
    for level, (rows, cols) in enumerate(sizes):
        assert tuple(meta[level, 1:3]) == (rows, cols)
        with_rim = (rows + 3) * (cols + 3)
        if level > 0:
            pieces.append((meta[level, 0], PLANES * with_rim))
            held.append((meta[level, 5], 2 * with_rim))
            if level + 1 < len(sizes):
                below = (sizes[level + 1][0] + 3) * (sizes[level + 1][1] + 3)
                pieces.append((meta[level, 3], 6 * below))
    for places, size in ((pieces, end), (held, vectors)):
        at = 0
        for start, length in sorted(places):
            assert start == at  # no gap, nothing twice
            at += length
        assert at == size


@pytest.mark.parametrize("shape", [(2, 3, 3), (4,), (0, 3)])
def test_only_a_table_is_a_surface(shape):
    with pytest.raises(ResistanceError, match="C01"):
        check_resistance(np.ones(shape))


def test_a_check_that_finds_no_memory_is_told_and_the_answer_kept(monkeypatch):
    def without(*_: object, **__: object) -> None:
        raise MemoryLimitError("M11", "no room for a fresh solve.", remedy="larger cells")

    monkeypatch.setattr(agreement, "solve_grid", without)
    face = strip([3.0, 0.0, 8.0])
    assert face.resistances()[0, 1] == pytest.approx(16.0, rel=1e-12)
    assert face.singles_and_today(face.candidates([[0]]))[0][0, 0, 1] == pytest.approx(13.0, rel=1e-12)
    checks = face.report.checks
    assert checks
    assert all("no room for a fresh solve" in c.note and np.isnan(c.fresh) for c in checks)


def test_a_large_grid_is_checked_by_elimination_and_by_a_factorisation_where_its_currents_do_not_balance(
    monkeypatch,
):
    monkeypatch.setattr(agreement, "SMALL_CELLS", 0)
    there, asked = agreement.solve_grid, []

    def fails(*args: object, solver: str, **kwargs: object) -> object:
        asked.append(solver)
        if len(asked) > 1 and solver == "condensation":
            raise SolverError("C07", "reached no balance.", remedy="raise rtol")
        return there(*args, solver=solver, **kwargs)

    monkeypatch.setattr(agreement, "solve_grid", fails)
    for solver in ("condensation", "splu"):
        face = strip([3.0, 0.0, 8.0])
        assert face.singles_and_today(face.candidates([[0]]))[0][0, 0, 1] == pytest.approx(13.0, rel=1e-12)
        (check,) = face.report.checks
        assert (check.solver, check.note) == (solver, "")
        assert check.fresh == pytest.approx(13.0, rel=1e-9)
    assert asked == ["condensation", "condensation", "splu"]


def test_a_table_is_scaled_to_norm_one(rng):
    x = rng.normal(size=(4, 3))
    for scale in (1e-90, 1.0, 1e90):
        assert np.linalg.norm(_unit(scale * x)) == pytest.approx(1.0)
        np.testing.assert_allclose(_unit(scale * x), x / np.linalg.norm(x), rtol=1e-9)
    assert not _unit(np.zeros((2, 2))).any()


def test_the_third_region_conducts_as_one_node_only_where_all_are_shorted():
    labels = np.array([[1, 1, 2, 2, 2, 3, 3]])
    together, apart = (pairwise(np.ones((1, 7)), labels, shorting=how, neighbours=4).resistance for how in ("together", "apart"))  # fmt: skip
    assert together[0, 2] == pytest.approx(2.0)
    assert apart[0, 2] == pytest.approx(4.0)
    assert together[0, 1] == apart[0, 1] == pytest.approx(1.0)


@pytest.mark.parametrize(
    "focal", [np.zeros((2, 3)), np.full((2, 3), np.nan), np.full((2, 3), -9999), [[0, 4, 4], [0, 0, 0]]]
)
def test_a_raster_without_two_focal_numbers_is_refused(focal):
    with pytest.raises(PatchError, match="C23"):
        focal_cells(focal, (2, 3))


def test_cells_of_focal_numbers_run_down_the_columns():
    found = focal_cells([[0, 7, 2], [7, -1, 2], [7, 2, 0]], (3, 3))
    assert found.ids == [2, 7]
    assert [found.cells[i].tolist() for i in (2, 7)] == [[7, 2, 5], [3, 6, 1]]
