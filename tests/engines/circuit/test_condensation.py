"""Condensation: the same currents, voltages and resistances as the whole landscape, by independent dense algebra."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from permeability.core.errors import MemoryLimitError, PatchError, SolverError
from permeability.engines.circuit.solvers import condensation
from permeability.engines.circuit.solvers.condensation import (
    condense,
    effective_resistances,
    network_resistances,
)
from permeability.engines.kernels.edges import GridLinks, grid_links

STEPS = ((0, 1), (1, 0), (1, 1), (1, -1))


def dense_laplacian(links: GridLinks, leave_out: frozenset[tuple[int, int]] = frozenset()) -> np.ndarray:
    """The Laplacian of the grid, link by link in plain Python."""
    rows, cols = links.shape
    out = np.zeros((rows * cols, rows * cols))
    for k, (dr, dc) in enumerate(STEPS):
        for r, c in zip(*np.nonzero(links[k])):
            a, b = r * cols + c, (r + dr) * cols + c + dc
            if (a, k) not in leave_out:
                g = links[k][r, c]
                out[[a, b], [a, b]] += g
                out[a, b] -= g
                out[b, a] -= g
    return out


def schur(matrix: np.ndarray, keep: np.ndarray) -> np.ndarray:
    drop = np.setdiff1d(np.flatnonzero(np.diag(matrix) > 0), keep)
    inner = np.linalg.pinv(matrix[np.ix_(drop, drop)], hermitian=True)
    return matrix[np.ix_(keep, keep)] - matrix[np.ix_(keep, drop)] @ inner @ matrix[np.ix_(drop, keep)]


def pinv_resistances(matrix: np.ndarray, nodes: np.ndarray) -> np.ndarray:
    x = np.linalg.pinv(matrix, hermitian=True)[np.ix_(nodes, nodes)]
    d = np.diag(x)
    return d[:, None] + d[None] - 2 * x


def random_surface(rng: np.random.Generator, rows: int, cols: int, nodata: float = 0.1) -> np.ndarray:
    out = np.exp(rng.normal(size=(rows, cols)))
    out[rng.random((rows, cols)) < nodata] = np.nan
    return out


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 13), st.integers(2, 17), st.booleans())
def test_laplacian_is_the_schur_complement(seed, rows, cols, mean_conductance):
    rng = np.random.default_rng(seed)
    average = "conductance" if mean_conductance else "resistance"
    links = grid_links(random_surface(rng, rows, cols), average=average, neighbours=int(rng.choice([4, 8])))
    keep = rng.choice(rows * cols, min(5, rows * cols), replace=False)
    land = condense(links, keep)
    assert land.nodes.tolist() == keep.tolist()
    np.testing.assert_allclose(land.laplacian, schur(dense_laplacian(links), keep), rtol=1e-10, atol=1e-11)


def test_regions_leak_and_left_out_edges(rng):
    rows, cols = 14, 19
    links = grid_links(random_surface(rng, rows, cols, 0.05))
    regions = np.zeros((rows, cols), int)
    regions[1:4, 2:6], regions[9:12, 13:17] = 7, 3
    leak = np.where(rng.random((rows, cols)) < 0.1, 0.3, 0.0)
    leak[np.isnan(links.e)] = 0
    edges = [(5 * cols + c, 1) for c in range(cols) if links.s[5, c] > 0]
    cells, directions = np.array(edges).T
    land = condense(links, [0, 40], regions=regions, leak=leak, left_out=(cells, directions))
    assert land.regions.tolist() == [3, 7]
    full = dense_laplacian(links, frozenset(edges)) + np.diag(leak.ravel())
    node = np.arange(rows * cols)
    for label in (3, 7):
        inside = np.flatnonzero(regions == label)
        node[inside] = inside[0]
    fold = (node[:, None] == np.arange(rows * cols)).astype(float)
    expected = schur(fold.T @ full @ fold, land.nodes)
    np.testing.assert_allclose(land.laplacian, expected, rtol=1e-10, atol=1e-11)
    ends = np.concatenate((cells, cells + cols))
    assert (land.index_of(ends) >= 0).all()
    assert land.index_of([13]).tolist() == [-1]


def test_effective_resistances_between_islands_are_infinite(rng):
    surface = random_surface(rng, 30, 41, 0.02)
    surface[:, 20] = np.nan
    focal = np.flatnonzero(np.isfinite(surface))[:: 1190 // 30][:30]
    links = grid_links(surface)
    got = effective_resistances(links, focal)
    assert (np.diag(got) == 0).all()
    assert np.array_equal(got, got.T)
    side = focal % 41 > 20
    assert np.isinf(got[np.ix_(side, ~side)]).all()
    matrix = dense_laplacian(links)
    for half in (side, ~side):
        expected = pinv_resistances(matrix, focal[half])
        finite = np.isfinite(got[np.ix_(half, half)])
        assert finite.mean() > 0.8
        np.testing.assert_allclose(got[np.ix_(half, half)][finite], expected[finite], rtol=1e-10, atol=1e-12)


def test_repeated_focal_cells_and_a_single_row():
    got = effective_resistances(grid_links(np.full((1, 9), 2.0)), [8, 0, 8])
    np.testing.assert_allclose(got, [[0, 16, 0], [16, 0, 16], [0, 16, 0]])


@pytest.mark.parametrize("tight", [1e-6, 1e-12, 1e-15])
def test_tight_barriers_keep_their_relative_accuracy(tight):
    """Two plates joined by one tight link: R across = plate + 1 / tight + plate, R within a plate unchanged."""
    rows, cols = 20, 31
    open_plate = grid_links(np.ones((rows, 15)))
    planes = [p.copy() for p in grid_links(np.ones((rows, cols)))]
    planes[0][:, 14:16] = planes[2][:, 14:16] = 0
    planes[3][:, 15:17] = 0
    planes[0][10, 14] = planes[0][10, 15] = tight  # through one cell of the middle column
    planes[1][:, 15] = 0
    focal = [0 * cols + 0, 19 * cols + 14, 10 * cols + 14, 10 * cols + 16, 3 * cols + 30]
    got = effective_resistances(GridLinks(*planes), focal)
    alone = effective_resistances(open_plate, [0, 19 * 15 + 14, 10 * 15 + 14])
    np.testing.assert_allclose(got[:3, :3], alone, rtol=1e-12)
    np.testing.assert_allclose(got[2, 3], 2 / tight, rtol=1e-12)
    np.testing.assert_allclose(got[0, 3], alone[0, 2] + 2 / tight, rtol=1e-12)


def test_potentials_meet_kirchhoff_everywhere(rng):
    surface = random_surface(rng, 33, 27, 0.1)
    links = grid_links(surface)
    matrix = dense_laplacian(links)
    valid = np.flatnonzero(np.diag(matrix) > 0)
    kept = valid[rng.choice(len(valid), 11, replace=False)]
    land = condense(links, kept, keep_factor=True)
    main = np.flatnonzero(land.components == np.bincount(land.components).argmax())
    currents = np.zeros((9, 11))
    for i in range(9):
        currents[i, main[i % len(main)]] += 1
        currents[i, main[(i + 1) % len(main)]] -= 1
    voltage = land.potentials(currents)
    assert voltage.shape == (9, 33, 27)
    on_cells = np.zeros((9, surface.size))
    on_cells[:, kept] = currents
    flow = np.nan_to_num(voltage.reshape(9, -1)) @ matrix
    np.testing.assert_allclose(flow, on_cells, atol=1e-12)
    np.testing.assert_allclose(land.potentials(on_cells.reshape(9, 33, 27)), voltage, atol=1e-12)
    assert np.array_equal(land.potentials(currents[0]), voltage[0], equal_nan=True)
    assert np.isnan(voltage[0].ravel()[np.diag(matrix) == 0]).all()


def test_potentials_with_ground_and_no_kept_node(rng):
    surface = random_surface(rng, 12, 15, 0.0)
    links = grid_links(surface)
    leak = np.zeros((12, 15))
    leak[3, 4], leak[10, 2] = 0.5, 2.0
    source = rng.random((12, 15))
    land = condense(links, leak=leak, keep_factor=True)
    expected = np.linalg.solve(dense_laplacian(links) + np.diag(leak.ravel()), source.ravel())
    np.testing.assert_allclose(land.potentials(source).ravel(), expected, rtol=1e-11)


def test_unbalanced_currents_are_refused():
    links = grid_links(np.ones((4, 4)))
    land = condense(links, [0, 15], keep_factor=True)
    with pytest.raises(SolverError, match="S22"):
        land.potentials([1.0, 0.0])
    with pytest.raises(SolverError, match="keep_factor"):
        condense(links, [0]).potentials([0.0])


def test_refusals_name_the_remedy():
    links = grid_links(np.ones((40, 40)))
    with pytest.raises(MemoryLimitError, match=r"M11.*(?s:.*)remedy +keep fewer nodes"):
        condense(links, [0], memory_limit=1000)
    with pytest.raises(PatchError, match="P21"):
        condense(links, [1600])


def test_nothing_but_nodata_and_no_kept_node():
    land = condense(grid_links(np.full((6, 5), np.nan)), [7])
    assert land.conductance.tolist() == [[0.0]]
    assert condense(grid_links(np.ones((5, 5)))).conductance.shape == (0, 0)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 70))
def test_network_resistances_against_the_pseudo_inverse(seed, n):
    rng = np.random.default_rng(seed)
    g = np.triu(rng.random((n, n)) * (rng.random((n, n)) < 0.5), 1)
    g[np.arange(n - 1), np.arange(1, n)] = 0.1
    g = g + g.T
    leak = np.where(rng.random(n) < 0.2, 1.0, 0.0)
    matrix = np.diag(g.sum(axis=1)) - g
    np.testing.assert_allclose(
        network_resistances(g), pinv_resistances(matrix, np.arange(n)), rtol=1e-10, atol=1e-13
    )
    if leak.any():
        x = np.linalg.inv(matrix + np.diag(leak))
        d = np.diag(x)
        np.testing.assert_allclose(
            network_resistances(g, leak), d[:, None] + d[None] - 2 * x, rtol=1e-10, atol=1e-13
        )


def test_the_report_says_what_was_done():
    report = condense(grid_links(np.ones((50, 60))), [0, 2999]).report
    assert (report.cells, report.kept) == (3000, 2)
    assert report.residual < 1e-12
    assert 0 < report.peak_bytes < 5e6
    assert report.seconds > 0


@pytest.mark.slow
def test_large_fronts_agree_with_sparse_lu(rng):
    """Big enough that the matrix products are used: 300 x 300 cells with a line of kept nodes."""
    from scipy import sparse
    from scipy.sparse.linalg import splu

    surface = random_surface(rng, 300, 300, 0.05)
    links = grid_links(surface)
    focal = rng.choice(np.flatnonzero(np.isfinite(surface)), 12, replace=False)
    line = 150 * 300 + np.arange(300)
    land = condense(links, np.concatenate((focal, line)))
    index = land.index_of(focal)
    got = network_resistances(land.conductance)[np.ix_(index, index)]
    rows, cols, values = [], [], []
    for k, (dr, dc) in enumerate(STEPS):
        r, c = np.nonzero(links[k])
        rows.append(r * 300 + c)
        cols.append((r + dr) * 300 + c + dc)
        values.append(links[k][r, c])
    i, j, g = map(np.concatenate, (rows, cols, values))
    adjacency = sparse.coo_matrix((np.r_[g, g], (np.r_[i, j], np.r_[j, i])), shape=(90_000, 90_000)).tocsr()
    part = sparse.csgraph.connected_components(adjacency)[1]
    same = part[focal] == np.bincount(part).argmax()
    cells = np.flatnonzero(part == np.bincount(part).argmax())[1:]
    matrix = (sparse.diags_array(np.asarray(adjacency.sum(axis=1)).ravel()) - adjacency).tocsc()[cells][
        :, cells
    ]
    rhs = np.zeros((len(cells), same.sum()))
    rhs[np.searchsorted(cells, focal[same]), np.arange(same.sum())] = 1
    x = splu(matrix.tocsc()).solve(rhs)[np.searchsorted(cells, focal[same])]
    expected = np.diag(x)[:, None] + np.diag(x)[None] - 2 * x
    np.testing.assert_allclose(got[np.ix_(same, same)], expected, rtol=1e-9, atol=1e-12)
    assert np.isinf(got[np.ix_(same, ~same)]).all()


def test_very_good_links_beside_poor_ones_pass_the_sampled_check():
    """Short circuits of 1e9 among links of 1: two sides of a ring, in parallel."""
    e = np.array([[1e9, 1e9, 0.0], [0, 0, 0], [1e9, 1e9, 0.0]])
    s = np.array([[1.0, 0.0, 1.0], [1.0, 0.0, 1.0], [0, 0, 0]])
    none = np.zeros((3, 3))
    got = effective_resistances(GridLinks(e, s, none, none), [1, 7])
    np.testing.assert_allclose(got[0, 1], 1 / (2 / (2 + 2e-9)), rtol=1e-12)
    assert condense(GridLinks(e, s, none, none), [1, 7]).report.residual < 1e-13


def test_a_network_of_one_node_has_no_resistance():
    assert network_resistances(np.zeros((1, 1))).tolist() == [[0.0]]
    leaking = network_resistances(np.zeros((1, 1)), np.array([3.0]))
    assert leaking.tolist() == [[0.0]]


def test_whoever_asks_for_potentials_is_told_that_resistances_take_less():
    with pytest.raises(MemoryLimitError, match=r"M11(?s:.*)keep_factor=False"):
        condense(grid_links(np.ones((40, 40))), [0], keep_factor=True, memory_limit=1000)


def test_a_condensation_that_misses_its_check_is_refused(monkeypatch):
    """A tolerance below rounding stands for an elimination that went wrong."""
    links = grid_links(np.exp(np.random.default_rng(3).normal(size=(12, 14))))
    assert condense(links, [0, 50, 100]).report.residual < 1e-10
    monkeypatch.setattr(condensation, "CHECK_TOLERANCE", -1.0)
    with pytest.raises(SolverError, match=r"S23(?s:.*)multigrid"):
        condense(links, [0, 50, 100])


def test_an_order_of_elimination_is_made_once_for_one_numbering_and_only_read():
    rng = np.random.default_rng(5)
    ground = rng.uniform(1, 9, (40, 50))
    regions = np.zeros(ground.shape, np.int64)
    regions[3, 4], regions[30, 44] = 1, 2
    condensation._plans.clear()
    first = effective_resistances(grid_links(ground), regions=regions)
    (plan,) = condensation._plans.values()
    held = [np.array(v) for v in vars(plan).values()]
    other = effective_resistances(
        grid_links(ground**2), regions=regions
    )  # the same nodes, other conductances
    assert [*condensation._plans.values()] == [plan]
    ground[10, :7] = np.nan  # other nodes
    effective_resistances(grid_links(ground), regions=regions)
    assert len(condensation._plans) == 2
    assert all(np.array_equal(a, b) for a, b in zip(held, vars(plan).values()))
    ground = np.random.default_rng(5).uniform(1, 9, (40, 50))
    for again, power in ((first, 1), (other, 2)):
        condensation._plans.clear()
        assert np.array_equal(again, effective_resistances(grid_links(ground**power), regions=regions))
    for k in range(condensation.KEPT_PLANS + 3):
        regions[20, k] = 3 + k
        effective_resistances(grid_links(ground), regions=regions)
    assert len(condensation._plans) == condensation.KEPT_PLANS
