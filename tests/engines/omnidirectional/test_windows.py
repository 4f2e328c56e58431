"""Moving windows: against a plain sparse solve of every window, against algebra, against their own rules."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
import scipy.sparse.linalg as spla
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.csgraph import connected_components

from permeability.core.errors import OptionError, PermeabilityError, ResistanceError
from permeability.engines.kernels.edges import D_COL, D_ROW, EdgeBarriers
from permeability.engines.kernels.windows import factorise, solve
from permeability.engines.kernels.windows_current import memory_for
from permeability.engines.kernels.windows_structure import window_structure
from permeability.engines.omnidirectional import (
    Condition,
    WindowOptions,
    estimate_windows,
    omnidirectional,
    omnidirectional_difference,
    prepare,
    reclassify,
    target_blocks,
)
from permeability.engines.omnidirectional.inputs import row_medians


def laplacian(
    g: np.ndarray, neighbours: int, average: str, barriers: dict[tuple[int, int], float]
) -> sp.csr_matrix:
    """Laplacian of a conductance grid (0 = no node), written for clarity; barriers by (cell, direction)."""
    rows, cols = g.shape
    entries: list[tuple[int, int, float]] = []
    for r in range(rows):
        for c in range(cols):
            for d in range(4 if neighbours == 8 else 2):
                r2, c2 = r + int(D_ROW[d]), c + int(D_COL[d])
                if not (0 <= r2 < rows and 0 <= c2 < cols) or g[r, c] == 0 or g[r2, c2] == 0:
                    continue
                mean = (
                    (g[r, c] + g[r2, c2]) / 2
                    if average == "conductance"
                    else 2 / (1 / g[r, c] + 1 / g[r2, c2])
                )
                link = mean / (np.sqrt(2) if d >= 2 else 1)
                extra = barriers.get((r * cols + c, d), 0.0)
                link = 0.0 if np.isinf(extra) else 1 / (1 / link + extra)
                if link > 0:
                    entries.append((r * cols + c, r2 * cols + c2, link))
    a, b, w = (np.array(x) for x in zip(*entries)) if entries else (np.zeros(0, int),) * 3
    half = sp.coo_matrix((w, (a, b)), shape=(g.size, g.size))
    links = (half + half.T).tocsr()
    return (sp.diags(np.asarray(links.sum(axis=1)).ravel()) - links).tocsr()


def one_window(g: np.ndarray, source: np.ndarray, at: tuple[int, int], **wiring: Any) -> np.ndarray:
    """Current map of one grounded cell; sources outside its component do nothing."""
    matrix = laplacian(g, **wiring)
    ground = at[0] * g.shape[1] + at[1]
    _, part = connected_components(matrix - sp.diags(matrix.diagonal()), directed=False)
    live = (part == part[ground]) & (np.arange(g.size) != ground)
    if g.flat[ground] == 0 or not live.any():
        return np.zeros_like(g)
    index = np.flatnonzero(live)
    inject = np.where(live, source.ravel(), 0.0)
    v = np.zeros(g.size)
    v[index] = spla.splu(matrix[index][:, index].tocsc()).solve(inject[index])
    flows = (matrix - sp.diags(matrix.diagonal())).tocoo()
    current = -flows.data * (v[flows.row] - v[flows.col])
    out = np.bincount(flows.row, np.maximum(current, 0), g.size)
    into = np.bincount(flows.row, np.maximum(-current, 0), g.size)
    return np.maximum(out, into).reshape(g.shape)


def plain(
    resistance: np.ndarray,
    source: np.ndarray,
    radius: int,
    buffer: int = 0,
    block: int = 1,
    neighbours: int = 8,
    average: str = "resistance",
    barriers: dict[tuple[int, int], float] | None = None,
    rules: tuple[Condition, ...] = (),
) -> np.ndarray:
    """Cumulative current without block correction, one window after the other, from the written rules."""
    rows, cols = resistance.shape
    g = np.where(np.isfinite(resistance), 1 / resistance, 0.0)
    source = np.where(np.isfinite(resistance), source, 0.0)  # nothing starts or ends where nothing can walk
    half, reach = block // 2, radius + buffer
    r, c = np.mgrid[:rows, :cols]
    total = np.zeros((rows, cols))
    for i in range(half, rows - half, block):
        for j in range(half, cols - half, block):
            inside = np.s_[i - half : i + half + 1, j - half : j + half + 1]
            strength = source[inside].sum()
            far = np.hypot(r - i, c - j)
            use = np.where(far <= radius, source, 0.0)
            use[inside] = 0
            if strength == 0 or use.sum() == 0:
                continue
            use = use * (strength / use.sum())
            for rule in rules:
                present = np.asarray(rule.present)
                block_values = (present if rule.future is None else np.asarray(rule.future))[inside]
                if rule.comparison == "within":
                    away = present - np.median(block_values)
                    use[(away < rule.lower) | (away > rule.upper)] = 0
                else:
                    use[present != commonest(block_values)] = 0
            use[i, j] = 0
            total += one_window(
                np.where(far <= reach, g, 0.0), use, (i, j), neighbours=neighbours, average=average,
                barriers=barriers or {},
            )  # fmt: skip
    return total


def omniscape(
    resistance: np.ndarray, source: np.ndarray, radius: int, buffer: int, block: int, neighbours: int
) -> tuple[np.ndarray, np.ndarray]:
    """Current and flow potential as Omniscape computes them, from the written semantics."""
    rows, cols = resistance.shape
    g = np.where(np.isfinite(resistance), 1 / resistance, 0.0)
    half, reach = block // 2, radius + buffer
    wiring: dict[str, Any] = {"neighbours": neighbours, "average": "conductance", "barriers": {}}

    def disc(size_r: int, size_c: int, i: int, j: int, limit: float) -> np.ndarray:
        r, c = np.mgrid[:size_r, :size_c]
        return np.hypot(r - i, c - j) <= limit

    n = 2 * reach + 1
    open_ground = disc(n, n, reach, reach, reach) * 1.0
    ring = disc(n, n, reach, reach, radius) * 1.0
    hole, spot = ring.copy(), ring.copy()
    hole[reach - half : reach + half + 1, reach - half : reach + half + 1] = 0
    spot[reach, reach] = 0
    p = one_window(open_ground, hole / hole.sum() * block**2, (reach, reach), **wiring)
    q_one = one_window(open_ground, spot / spot.sum(), (reach, reach), **wiring)
    padded, q = np.pad(q_one, half), np.zeros((n, n))
    for dr in range(block):
        for dc in range(block):
            q += padded[dr : dr + n, dc : dc + n]
    p[p < 1e-12 * p.max()] = 0  # dead ends: exact algebra has no current there
    factor = np.where(p == 0, 1.0, np.where(q == 0, 1.0, q) / np.where(p == 0, 1.0, p))
    if block == 1:
        factor[:] = 1.0

    current, potential = np.zeros((rows, cols)), np.zeros((rows, cols))
    for i in range(half, rows - half, block):
        for j in range(half, cols - half, block):
            strength = source[i - half : i + half + 1, j - half : j + half + 1].sum()
            top, left = max(0, i - reach), max(0, j - reach)
            window = np.s_[top : i + reach + 1, left : j + reach + 1]
            live, use = g[window].copy(), source[window].copy()
            h, w = live.shape
            use[~disc(h, w, i - top, j - left, radius)] = 0
            use[reach - half : reach + half + 1, reach - half : reach + half + 1] = 0
            if strength == 0 or use.sum() == 0:
                continue
            use *= strength / use.sum()
            use[i - top, j - left] = 0
            part = factor[-h:] if i - reach < 0 and i + reach < rows else factor[:h]
            part = part[:, -w:] if j - reach < 0 and j + reach < cols else part[:, :w]
            ground = (i - top, j - left)
            potential[window] += part * one_window(np.ones((h, w)), use, ground, **wiring)
            live[~disc(h, w, *ground, reach)] = 0
            current[window] += part * one_window(live, use, ground, **wiring)
    return current, potential


@pytest.mark.parametrize(
    ("shape", "radius", "buffer", "block", "neighbours"),
    [
        ((17, 13), 4, 1, 3, 8),
        ((9, 16), 4, 2, 3, 4),
        ((8, 9), 5, 0, 1, 8),
        ((11, 11), 6, 2, 5, 8),
        ((10, 10), 3, 1, 3, 4),
    ],
)
def test_omniscape_windows_equal_its_written_rules(
    shape: tuple[int, int], radius: int, buffer: int, block: int, neighbours: int
) -> None:
    grid = random_grid(sum(shape) + radius, *shape)
    source = np.random.default_rng(radius).random(shape)
    result = omnidirectional(
        grid, radius=radius, buffer=buffer, block_size=block, strength=source, neighbours=neighbours,
        compatibility="omniscape", normalised=True, mask_nodata=False,
    )  # fmt: skip
    current, potential = omniscape(grid, source, radius, buffer, block, neighbours)
    np.testing.assert_allclose(result.current, current, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(result.flow_potential, potential, rtol=1e-8, atol=1e-10)
    ratio = np.divide(current, potential, out=np.zeros(shape), where=potential > 0)
    np.testing.assert_allclose(result.normalised, ratio, rtol=1e-7, atol=1e-9)


def commonest(block: np.ndarray) -> float:
    """The value that is first to be met as often as the most frequent one, going down the columns."""
    cells = block.T.ravel().tolist()
    most = max(cells.count(x) for x in cells)
    return next(x for k, x in enumerate(cells) if cells[: k + 1].count(x) == most)


def random_grid(seed: int, rows: int, cols: int, decades: float = 2, holes: float = 0.1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    grid = 10 ** rng.uniform(0, decades, (rows, cols))
    grid[rng.random((rows, cols)) < holes] = np.nan
    grid[0, 0] = 1.0
    return grid


def edge_table(rng: np.random.Generator, rows: int, cols: int, share: float) -> EdgeBarriers:
    cell, direction = (a.ravel() for a in np.meshgrid(np.arange(rows * cols), np.arange(4), indexing="ij"))
    cut = rng.random(len(cell)) < share
    value = rng.choice([0.5, 20.0, 1e6, np.inf], int(cut.sum()))
    return EdgeBarriers(cell[cut], direction[cut].astype(np.uint8), value, value)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10**6),
    size=st.tuples(st.integers(5, 13), st.integers(5, 13)),
    radius=st.integers(2, 6),
    buffer=st.integers(0, 2),
    block=st.sampled_from([1, 3]),
    neighbours=st.sampled_from([8, 4]),
    average=st.sampled_from(["resistance", "conductance"]),
    walls=st.sampled_from([0.0, 0.2]),
    match=st.sampled_from(["", "within", "equal", "both", "future"]),
)
def test_windows_equal_a_sparse_solve_of_each(
    seed: int, size: tuple[int, int], radius: int, buffer: int, block: int, neighbours: int, average: str,
    walls: float, match: str,
) -> None:  # fmt: skip
    grid = random_grid(seed, *size)
    rng = np.random.default_rng(seed)
    source = np.where(rng.random(size) < 0.7, rng.random(size), 0.0)
    source[1, 1] = 1.0
    edges = edge_table(rng, *size, walls)
    named = {(int(c), int(d)): float(x) for c, d, x in zip(edges.cell, edges.direction, edges.resistance)}
    zones = rng.integers(0, 2, size).astype(float)
    within = Condition(rng.normal(size=size), "within", -0.8, 0.5)
    rules = {
        "": (),
        "within": (within,),
        "equal": (Condition(zones, "equal"),),
        "both": (within, Condition(zones, "equal")),
        "future": (Condition(zones, "equal", future=zones[::-1]), within),
    }[match]
    result = omnidirectional(
        grid, radius=radius, buffer=buffer, block_size=block, strength=source, neighbours=neighbours,
        average=average, barriers=edges, conditions=rules, correct_block_artefacts=False,
        mask_nodata=False,
    )  # fmt: skip
    expected = plain(grid, source, radius, buffer, block, neighbours, average, named, rules)
    np.testing.assert_allclose(result.current, expected, rtol=1e-9, atol=1e-9 * expected.max())


def test_a_large_window_equals_a_sparse_solve() -> None:
    grid = random_grid(1, 51, 51, decades=4, holes=0.05)
    source = np.zeros_like(grid)
    source[25, 25], source[3, 20:30:3] = 1.0, 0.5
    grid[25, 25] = 1.0
    result = omnidirectional(grid, radius=25, buffer=1, strength=source, mask_nodata=False)
    expected = plain(grid, source, 25, 1)
    np.testing.assert_allclose(result.current, expected, rtol=1e-9, atol=1e-9 * expected.max())


@pytest.mark.parametrize("tightness", [1e6, 1e12, 1e15])
def test_all_current_arrives_however_tight_a_barrier_is(tightness: float) -> None:
    n = 41
    grid = np.ones((n, n))
    row = np.arange(n)
    cell, direction = (
        np.concatenate([[row * n + 14, row * n + 14, row * n + 15]]).ravel(),
        np.repeat([0, 2, 3], n),
    )
    order = np.lexsort((direction, cell))
    value = np.full(len(cell), tightness)
    wall = EdgeBarriers(cell[order], direction[order].astype(np.uint8), value, value)
    source = np.zeros((n, n))
    source[20, 20], source[20, 8] = 1.0, 1.0  # the target and its only source, beyond the wall
    result = omnidirectional(grid, radius=18, strength=source, barriers=wall, buffer=1)
    # both cells are targets of each other; each passes exactly one unit out and one in
    assert result.current[20, 20] == pytest.approx(2.0, rel=1e-9)
    assert result.current[20, 8] == pytest.approx(2.0, rel=1e-9)
    assert result.lost == 0


def exact_potentials(
    links: dict[tuple[int, int], Fraction], source: list[Fraction], ground: int
) -> list[Fraction]:
    """Potentials by elimination in rational numbers."""
    cells = range(len(source))
    rows = {i: [Fraction(0)] * (len(source) + 1) for i in cells}
    for (i, j), g in links.items():
        rows[i][i] += g
        rows[j][j] += g
        rows[i][j] -= g
        rows[j][i] -= g
    for i in cells:
        rows[i][-1] = source[i]
    free = [i for i in cells if i != ground]
    for k, i in enumerate(free):
        for j in free[:k] + free[k + 1 :]:
            share = rows[j][i] / rows[i][i]
            if share:
                rows[j] = [a - share * b for a, b in zip(rows[j], rows[i])]
    return [Fraction(0) if i == ground else rows[i][-1] / rows[i][i] for i in cells]


@pytest.mark.parametrize("decades", [3, 16])
def test_every_potential_is_right_to_itself_at_any_contrast(decades: float) -> None:
    size, rng = 5, np.random.default_rng(int(decades))
    structure = window_structure(size, None, leaf=2)
    link = np.zeros((4, size, size))
    exact: dict[tuple[int, int], Fraction] = {}
    for d in range(4):
        for r in range(size):
            for c in range(size):
                r2, c2 = r + int(D_ROW[d]), c + int(D_COL[d])
                if 0 <= r2 < size and 0 <= c2 < size:
                    link[d, r, c] = 10 ** rng.uniform(-decades, 0)
                    exact[r * size + c, r2 * size + c2] = Fraction(float(link[d, r, c]))
    value = rng.random(size * size)
    value[structure.centre] = 0.0
    expected = exact_potentials(exact, [Fraction(float(x)) for x in value], structure.centre)
    memory = memory_for(structure)
    dead = factorise(
        structure.table, structure.place, structure.links, link.reshape(-1), memory.factor, memory.work
    )
    solve(structure.table, structure.cells, memory.factor, memory.local, value)
    assert dead == 0
    apart = [abs(Fraction(float(x)) - y) / y for x, y in zip(value, expected) if y != 0]
    assert max(apart) < Fraction(1, 10**13)


def test_a_closed_wall_lets_nothing_through_and_the_loss_is_told() -> None:
    grid = np.ones((15, 15))
    grid[:, 7] = np.nan
    source = np.zeros_like(grid)
    source[7, 3] = source[7, 11] = 1.0
    result = omnidirectional(grid, radius=10, strength=source)
    assert result.lost == pytest.approx(2.0)
    assert np.nansum(result.current) == 0
    assert np.isnan(result.current[:, 7]).all()


def test_currents_do_not_depend_on_the_unit_of_resistance() -> None:
    grid = random_grid(2, 20, 20)
    strength = np.where(np.isnan(grid), 0.0, 1.0)
    one = omnidirectional(grid, radius=6, strength=strength).current
    other = omnidirectional(grid * 256.0, radius=6, strength=strength).current
    np.testing.assert_array_equal(one, other)


def test_normalised_current_is_one_on_open_ground_and_channels_show() -> None:
    flat = omnidirectional(np.full((24, 24), 7.0), radius=6, strength=np.ones((24, 24)), normalised=True)
    np.testing.assert_allclose(flat.normalised, 1.0, rtol=1e-12)
    wall = np.ones((24, 24))
    wall[:, 12] = 1e4
    wall[11:13, 12] = 1.0
    gap = omnidirectional(wall, radius=8, strength=np.ones((24, 24)), normalised=True)
    assert gap.normalised is not None
    assert gap.normalised[11:13, 12].min() > 1.3
    assert gap.normalised[2:8, 12].max() < 0.7


def test_turned_landscapes_give_turned_maps() -> None:
    grid = random_grid(4, 21, 21)
    strength = np.where(np.isnan(grid), 0.0, np.nan_to_num(1 / grid))
    options = {"radius": 5, "buffer": 1, "block_size": 3, "normalised": True}
    plain_map = omnidirectional(grid, strength=strength, **options)
    turned = omnidirectional(np.rot90(grid), strength=np.rot90(strength), **options)
    for name in ("current", "flow_potential", "normalised"):
        np.testing.assert_allclose(getattr(turned, name), np.rot90(getattr(plain_map, name)), rtol=1e-9)


def test_omniscape_peculiarities_are_at_the_northern_and_western_edges_only() -> None:
    grid = random_grid(6, 40, 40, holes=0)
    options = {"radius": 5, "strength": np.ones((40, 40)), "average": "conductance"}
    ours = omnidirectional(grid, **options).current
    theirs = omnidirectional(grid, compatibility="omniscape", **options).current
    np.testing.assert_allclose(ours[10:, 10:], theirs[10:, 10:], rtol=1e-12)
    assert np.abs(ours - theirs)[:5, :].max() > 1e-3
    assert np.abs(ours - theirs)[:, :5].max() > 1e-3
    # turned by half a turn, ours is the same map and theirs is not
    half_turn = omnidirectional(np.rot90(grid, 2), **options).current
    np.testing.assert_allclose(np.rot90(half_turn, 2), ours, rtol=1e-9)


def test_block_correction_restores_the_sum_of_single_targets_on_open_ground() -> None:
    grid, strength = np.ones((45, 45)), np.ones((45, 45))
    single = omnidirectional(grid, radius=8, strength=strength).current[15:30, 15:30]
    errors = []
    for correct in (True, False):
        blocks = omnidirectional(
            grid, radius=8, strength=strength, block_size=3, correct_block_artefacts=correct
        ).current[15:30, 15:30]
        errors.append(float(np.abs(blocks / single - 1).max()))
    assert errors[0] < 0.3 * errors[1]


@pytest.mark.parametrize("comparison", ["within", "equal"])
def test_conditions_shut_sources_out(comparison: str) -> None:
    grid = np.ones((20, 20))
    zone = np.zeros((20, 20))
    zone[:, 10:] = 1.0
    apart = omnidirectional(
        grid, radius=6, strength=np.ones((20, 20)), conditions=[Condition(zone, comparison)]
    )
    free = omnidirectional(grid, radius=6, strength=np.ones((20, 20)))
    assert (apart.current[:, 9:11] < 0.7 * free.current[:, 9:11]).all()
    # a future in which all is alike brings the targets of the west no more than half of their sources
    future = [Condition(zone, comparison, future=np.zeros((20, 20)))]
    moved = omnidirectional(grid, radius=6, strength=np.ones((20, 20)), conditions=future)
    assert moved.current[10, 18] < apart.current[10, 18]
    assert moved.current[10, 4] == pytest.approx(apart.current[10, 4], rel=0.2)


def test_unknown_conditions_shut_nothing_out() -> None:
    grid = random_grid(8, 14, 14, holes=0)
    unknown = [Condition(np.full((14, 14), np.nan)), Condition(np.full((14, 14), np.nan), "equal")]
    with_rules = omnidirectional(grid, radius=4, conditions=unknown).current
    np.testing.assert_array_equal(with_rules, omnidirectional(grid, radius=4).current)


def test_medians_leave_missing_values_out() -> None:
    rows = np.array(
        [[3.0, np.nan, 1.0, 2.0], [5.0, 1.0, 2.0, 4.0], [np.nan] * 4, [np.nan, 7.0, np.nan, np.nan]]
    )
    np.testing.assert_array_equal(row_medians(rows), [2.0, 3.0, np.nan, 7.0])


def test_difference_solves_only_windows_that_see_the_change() -> None:
    grid = random_grid(9, 60, 60, holes=0.05)
    strength = np.where(np.isnan(grid), 0.0, 1.0)
    edges = edge_table(np.random.default_rng(1), 60, 60, 0.05)
    opened = edges._replace(resistance=np.where(edges.cell // 60 == 30, 0.0, edges.resistance))
    opened = opened._replace(resistance=np.where(edges.cell % 60 < 50, edges.resistance, opened.resistance))
    options = {"radius": 6, "buffer": 1, "strength": strength}
    change = omnidirectional_difference(grid, grid, barriers_before=edges, barriers_after=opened, **options)
    before = omnidirectional(grid, barriers=edges, **options).current
    after = omnidirectional(grid, barriers=opened, **options).current
    np.testing.assert_allclose(change.current, after - before, atol=1e-12 * np.nanmax(after))
    assert 0 < change.windows < 0.15 * change.targets
    same = omnidirectional_difference(grid, grid, barriers_before=edges, barriers_after=edges, **options)
    assert same.windows == 0
    assert np.nansum(np.abs(same.current)) == 0
    with pytest.raises(OptionError, match="W15"):
        omnidirectional_difference(grid, grid[:50], radius=6)


def test_shared_domain_of_one_target_is_exact_and_of_many_is_measured() -> None:
    grid = random_grid(10, 40, 40, holes=0.08)
    strength = np.where(np.isnan(grid), 0.0, 1.0)
    exact = omnidirectional(grid, radius=6, strength=strength)
    alone = omnidirectional(grid, radius=6, strength=strength, domain="shared", shared_targets=1)
    np.testing.assert_allclose(alone.current, exact.current, rtol=1e-9)
    many = omnidirectional(grid, radius=6, strength=strength, domain="shared", shared_targets=4)
    assert many.deviation.windows > 30
    assert 0.001 < many.deviation.share < 0.25
    truth = np.nansum(np.abs(many.current - exact.current)) / np.nansum(exact.current)
    # single domains stand alone in the sample; over the whole map the rims of neighbours cancel in part
    assert truth <= many.deviation.share
    assert "exact windows" in str(many.deviation)


def test_multigrid_windows_agree_with_dissection() -> None:
    grid = random_grid(11, 30, 30, decades=3)
    options = {"radius": 9, "block_size": 9, "normalised": True}
    exact = omnidirectional(grid, solver="dissection", **options)
    other = omnidirectional(grid, solver="multigrid", **options)
    for name in ("current", "flow_potential"):
        one, two = getattr(exact, name), getattr(other, name)
        assert np.nanmax(np.abs(one - two)) <= 1e-5 * np.nanmax(one)


def test_workers_change_no_bit_and_a_landscape_counts_as_its_arrays() -> None:
    class Landscape:
        resistance = random_grid(12, 50, 50)
        neighbours = 16
        barriers = edge_table(np.random.default_rng(2), 50, 50, 0.1)

        def edge_barriers(self) -> EdgeBarriers:
            return self.barriers

    land = Landscape()
    one = omnidirectional(land, radius=5)
    three = omnidirectional(land.resistance, barriers=land.barriers, radius=5, workers=3)
    assert one.current.tobytes() == three.current.tobytes()


def test_negative_strengths_are_refused_or_count_as_below_the_threshold() -> None:
    strength = np.random.default_rng(3).random((12, 12))
    negative = np.where(strength < 0.3, -1.0, strength)
    with pytest.raises(OptionError, match="W14"):
        omnidirectional(np.ones((12, 12)), radius=3, strength=negative)
    options = {"radius": 3, "compatibility": "omniscape"}
    one = omnidirectional(np.ones((12, 12)), strength=negative, **options).current
    other = omnidirectional(np.ones((12, 12)), strength=strength, threshold=0.3, **options).current
    np.testing.assert_array_equal(one, other)


def test_reclassification_is_done_at_once() -> None:
    np.testing.assert_array_equal(
        reclassify([1.0, 2.0, 3.0], [(1, 2), (2, 3), (3, None)]), [2.0, 3.0, np.nan]
    )
    with pytest.raises(OptionError, match="W13"):
        reclassify([1.0], [(1, 2), (1, 3)])


def test_targets_of_partial_blocks_are_left_out() -> None:
    source = np.arange(35.0).reshape(5, 7)
    row, col, strength = target_blocks(source, 3)
    assert list(zip(row, col)) == [(1, 1), (1, 4)]
    np.testing.assert_array_equal(strength, [source[:3, :3].sum(), source[:3, 3:6].sum()])


def test_the_estimate_counts_windows_and_grows_with_them() -> None:
    small, large = (
        estimate_windows(prepare(np.ones((90, 90)), WindowOptions(radius=r, block_size=3))) for r in (10, 20)
    )
    assert small.windows == large.windows == 900
    assert large.seconds > 4 * small.seconds
    assert large.memory_bytes > small.memory_bytes


def test_the_maps_come_as_a_dataset() -> None:
    data = omnidirectional(np.ones((6, 6)), radius=2, normalised=True).to_dataset()
    assert set(data) == {"current", "flow_potential", "normalised_current"}
    assert data.current.shape == (6, 6)


def test_barriers_may_come_in_any_order() -> None:
    grid = random_grid(13, 30, 30)
    edges = edge_table(np.random.default_rng(4), 30, 30, 0.2)
    mixed = np.random.default_rng(5).permutation(len(edges.cell))
    turned = EdgeBarriers(*(values[mixed] for values in edges))
    one = omnidirectional(grid, radius=4, barriers=edges).current
    np.testing.assert_array_equal(one, omnidirectional(grid, radius=4, barriers=turned).current)
    with pytest.raises(OptionError, match="W18"):
        omnidirectional(grid[:20], radius=4, barriers=edges)


GOOD = np.ones((8, 8))


@pytest.mark.parametrize(
    ("code", "options"),
    [
        ("W10", {"radius": 0}),
        ("W10", {"radius": 2.5}),
        ("W10", {"block_size": 2}),
        ("W10", {"buffer": -1}),
        ("O01", {"neighbours": 6}),
        ("O01", {"average": "mean"}),
        ("O01", {"compatibility": "omniscap"}),
        ("O01", {"domain": "share"}),
        ("O01", {"solver": "cholmod"}),
        ("W11", {"compatibility": "omniscape", "average": "resistance"}),
        ("W11", {"domain": "shared", "solver": "multigrid"}),
        ("W12", {"conditions": [Condition(np.ones((3, 3)))]}),
        ("W12", {"conditions": [Condition(GOOD, "within", 1.0, -1.0)]}),
        ("O01", {"conditions": [Condition(GOOD, "near")]}),
        ("W14", {"strength": np.ones((3, 3))}),
        ("W14", {"strength": -GOOD}),
        ("W14", {"strength": GOOD, "threshold": 2.0}),
        ("R01", {"landscape": np.zeros((8, 8))}),
        ("R01", {"landscape": -GOOD, "values": "conductance"}),
        ("R02", {"landscape": np.full((8, 8), np.nan)}),
        ("R03", {"landscape": np.ones(8)}),
    ],
)
def test_what_means_nothing_is_refused(code: str, options: dict[str, Any]) -> None:
    with pytest.raises(PermeabilityError, match=rf"\[{code}\]") as refused:
        omnidirectional(**{"landscape": GOOD, "radius": 2, **options})
    assert refused.value.exit_code == 2
    assert isinstance(refused.value, ResistanceError if code.startswith("R") else OptionError)
