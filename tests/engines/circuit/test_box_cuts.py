"""Where boxes are cut: every cell once, the middle where nothing speaks against it, less work where the landscape is narrow."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import coo_array, diags_array
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import splu

from permeability.engines.circuit.interface import layered
from permeability.engines.circuit.interface.interface import Interface
from permeability.engines.circuit.interface.layered import Fronts
from permeability.engines.circuit.solvers.condensation import effective_resistances
from permeability.engines.kernels import box_cuts
from permeability.engines.kernels import dissection as nd
from permeability.engines.kernels.box_cuts import box_tree
from permeability.engines.kernels.edges import GridLinks, grid_links

LEAF = 32
NONE = np.zeros((0, 0), dtype=bool)


def numbered(mask: NDArray[np.bool_]) -> NDArray[np.int32]:
    return np.where(mask, np.arange(mask.size).reshape(mask.shape), -1).astype(np.int32)


def middles(rows: int, cols: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The tree that cuts the longer side in the middle, built one box after the other."""
    bounds: list[tuple[int, int, int, int]] = []
    child: list[tuple[int, int]] = []

    def put(r0: int, r1: int, c0: int, c1: int) -> int:
        halves = -1, -1
        if (r1 - r0) * (c1 - c0) > LEAF:
            if r1 - r0 >= c1 - c0:
                at = (r0 + r1) // 2
                halves = put(r0, at, c0, c1), put(at, r1, c0, c1)
            else:
                at = (c0 + c1) // 2
                halves = put(r0, r1, c0, at), put(r0, r1, at, c1)
        bounds.append((r0, r1, c0, c1))
        child.append(halves)
        return len(bounds) - 1

    put(0, rows, 0, cols)
    return np.array(bounds, np.int32), np.array(child, np.int32)


def work(node: NDArray[np.int32], tree: tuple[NDArray[np.int32], NDArray[np.int32]]) -> float:
    """Multiply-adds of one elimination of all cells."""
    rows, cols = node.shape
    box = nd.elimination_box(rows, cols, *tree, node.ravel())
    _, _, size, n_out = nd.plan(rows, cols, *tree, node.ravel(), box)
    return float(nd.plan_cost(tree[1], size, n_out)[-1].sum())


def hourglass(n: int) -> NDArray[np.bool_]:
    y, x = np.mgrid[:n, : 2 * n]
    return np.abs(y - n / 2) < 4 + np.abs(x - 0.9 * n) / 3


def test_a_full_grid_is_cut_in_the_middle() -> None:
    node = numbered(np.ones((75, 90), dtype=bool))
    bounds, child = box_tree(node, NONE, LEAF)
    want, want_child = middles(75, 90)
    assert np.array_equal(bounds, want)
    assert np.array_equal(child, want_child)


@pytest.mark.parametrize("seed", range(6))
def test_every_element_lies_in_one_leaf_and_children_come_before_their_parents(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(1, 120, 2))
    mask = rng.random(shape) < rng.choice([0.02, 0.5, 0.97])
    if seed % 2:
        mask &= hourglass(200)[: shape[0], : shape[1]]
    barred = mask & (rng.random(shape) < 0.03) if seed % 3 else NONE
    bounds, child = box_tree(numbered(mask), barred, LEAF)
    leaves = np.flatnonzero(child[:, 0] < 0)
    seen = np.zeros(shape, int)
    for r0, r1, c0, c1 in bounds[leaves]:
        assert (r1 - r0) * (c1 - c0) <= LEAF
        seen[r0:r1, c0:c1] += 1
    assert (seen == 1).all()
    for b, (a, z) in enumerate(child):
        if a >= 0:
            assert a < z < b
            (r0, _, c0, _), (_, r1, _, c1) = bounds[a], bounds[z]
            assert np.array_equal(bounds[b], (r0, r1, c0, c1))
    assert np.array_equal(bounds[-1], (0, shape[0], 0, shape[1]))


def test_a_narrow_landscape_is_cut_where_it_is_narrow() -> None:
    mask = hourglass(120)
    node = numbered(mask)
    tree = box_tree(node, NONE, LEAF)
    assert work(node, tree) < 0.8 * work(node, middles(*mask.shape))
    last = tree[0][tree[1][-1]]  # the two halves of everything
    assert abs(last[0][3] - 0.9 * 120) < 12  # the waist


def test_which_way_the_grid_lies_changes_hardly_any_work() -> None:
    mask = hourglass(100)
    one, other = numbered(mask), numbered(mask.T)
    first, second = work(one, box_tree(one, NONE, LEAF)), work(other, box_tree(other, NONE, LEAF))
    assert first == pytest.approx(second, rel=0.1)


def test_cells_at_barriers_are_kept_to_few_boxes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line beside all middles: each of its states takes less, as more of the rest is done once."""
    node = numbered(np.ones((160, 160), dtype=bool)).ravel()
    cells = np.arange(160) * 160 + 47
    plan = (160, 160), node, (cells, np.zeros(160, dtype=np.int64)), np.concatenate((cells, cells + 1))
    fronts = Fronts.plan(*plan)
    monkeypatch.setattr(layered, "box_tree", lambda node, barred, leaf: middles(*node.shape))
    assert fronts.work_state < 0.85 * Fronts.plan(*plan).work_state


class Slow:
    """Cuts of a box weighed one after the other, cells counted afresh for each."""

    def __init__(self, mask: NDArray[np.bool_], barred: NDArray[np.bool_]) -> None:
        self.mask, self.barred = mask, barred

    def cells(self, r0: int, r1: int, c0: int, c1: int) -> int:
        return int(self.mask[r0 : r1 + 1, c0 : c1 + 1].sum())

    def share(self, *box: int) -> float:
        r0, r1, c0, c1 = box
        some = not self.barred.size or self.barred[r0 : r1 + 1, c0 : c1 + 1].any()
        return 1.0 if some else box_cuts.ONCE

    def whole(self, *box: int) -> float:
        return box_cuts.GROWTH * self.cells(*box) ** 1.5 * self.share(*box)

    def plain(self, *box: int) -> bool:
        r0, r1, c0, c1 = box
        full = self.mask[r0 : r1 + 1, c0 : c1 + 1].size
        barred = self.barred.size and self.barred[r0 : r1 + 1, c0 : c1 + 1].any()
        return self.cells(*box) == 0 or (self.cells(*box) >= box_cuts.FULL * full and not barred)

    def cuts(self, r0: int, r1: int, c0: int, c1: int):
        """Every place, what its front counts, and the two sides."""
        top, side = r0 + (r0 > 0), c0 + (c0 > 0)
        v = self.cells(r0, r1, c0, c1)
        rim = v - int(self.mask[top:r1, side:c1].sum())
        step = max(1, (r1 - r0 + c1 - c0) // box_cuts.CUTS)
        for down in (True, False):
            for at in range((r0 if down else c0) + step, r1 if down else c1, step):
                one, two = (
                    ((r0, at, c0, c1), (at, r1, c0, c1)) if down else ((r0, r1, c0, at), (r0, r1, at, c1))
                )
                s = int((self.mask[at, side:c1] if down else self.mask[top:r1, at]).sum())
                n = rim + s
                if min(self.cells(*one), self.cells(*two)) >= box_cuts.LEAST * v:
                    adds = (n**3 - (n - s) ** 3) / 6  # s pivots, one after the other
                    yield down, at, self.share(r0, r1, c0, c1) * adds, one, two

    def least(self, *box: int) -> float:
        if self.plain(*box):
            return self.whole(*box)
        found = [cost + self.whole(*one) + self.whole(*two) for _, _, cost, one, two in self.cuts(*box)]
        return min(found, default=self.whole(*box))

    def costs(self, *box: int) -> dict[tuple[bool, int], float]:
        """Of every place, with the next cuts of both sides."""
        return {
            (d, at): cost + self.least(*one) + self.least(*two) for d, at, cost, one, two in self.cuts(*box)
        }


@pytest.mark.parametrize("seed", range(4))
def test_the_first_cut_is_the_best_of_all_weighed_one_by_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    mask = hourglass(60)[:, 8:100] if seed % 2 else rng.random((68, 66)) < 0.7
    barred = NONE
    if seed > 1:
        barred = np.zeros(mask.shape, bool)
        barred[:, 20:22], barred[40, 30:] = True, True
        barred &= mask
    bounds, child = box_tree(numbered(mask), barred, LEAF)
    one, two = bounds[child[-1]]
    cut = (True, int(two[0])) if one[1] == two[0] else (False, int(two[2]))
    costs = Slow(mask, barred).costs(0, mask.shape[0], 0, mask.shape[1])
    assert costs[cut] <= min(costs.values()) * (1 + 1e-12)


def _by_sparse_factor(links: GridLinks, focal: list[int]) -> NDArray[np.float64]:
    """Resistances among cells of one component, each solved on the whole grid with the first of them at zero."""
    rows, cols = links.shape
    first = [np.flatnonzero(plane > 0) for plane in (links.e, links.s)]
    a, b = np.concatenate(first), np.concatenate([first[0] + 1, first[1] + cols])
    g = np.concatenate([links.e.ravel()[first[0]], links.s.ravel()[first[1]]])
    net = coo_array(
        (np.tile(g, 2), (np.concatenate([a, b]), np.concatenate([b, a]))), shape=(rows * cols,) * 2
    ).tocsr()
    part = connected_components(net)[1]
    mine = np.flatnonzero(part == part[focal[0]])
    assert np.isin(focal, mine).all()
    net = net[mine][:, mine]
    at = np.searchsorted(mine, focal)
    laplacian = (diags_array(net.sum(axis=1)) - net).tocsc()
    rest = np.delete(np.arange(len(mine)), at[0])
    solve = splu(laplacian[rest][:, rest])
    green = np.zeros((len(focal),) * 2)
    for j in at[1:]:
        unit = np.zeros(len(mine))
        unit[j] = 1.0
        v = np.zeros(len(mine))
        v[rest] = solve.solve(unit[rest])
        green[:, list(at).index(j)] = v[at]
    d = np.diag(green)
    return d[:, None] + d - green - green.T


TURNS = [lambda a: a, lambda a: a[::-1], lambda a: a.T, lambda a: a[::-1, ::-1].T]


@pytest.mark.parametrize("turn", TURNS)
def test_resistances_hang_neither_on_the_cuts_nor_on_how_the_grid_lies(turn: Any) -> None:
    """A narrow landscape of rough ground with a barrier across it, by a condensation and in layers, against a sparse factorisation."""
    rng = np.random.default_rng(5)
    ground = np.where(hourglass(90), np.exp(rng.normal(0, 1, (90, 180))), np.nan)
    beside, spots = np.zeros((90, 180), int), np.full((90, 180), -1)
    beside[:, 30], beside[:, 31] = 1, 2
    for label, place in enumerate([(45, 10), (45, 75), (30, 150), (60, 155)]):
        spots[place] = label
    here, side = np.ascontiguousarray(turn(ground)), np.ascontiguousarray(turn(beside))
    focal = [int(np.flatnonzero(turn(spots).ravel() == k)[0]) for k in range(4)]
    links = grid_links(here, neighbours=4)
    edges = [
        (cell, k)
        for k, step in ((0, 1), (1, here.shape[1]))
        for cell in np.flatnonzero(links[k] > 0)
        if {side.ravel()[cell], side.ravel()[cell + step]} == {1, 2}
    ]
    cell, k = np.array(edges, dtype=np.int64).T
    crossing = rng.choice([0.5, 30.0, 1e4], len(edges))
    face = Interface.build(
        links, edges=(cell, k), cuts=(np.arange(len(edges)), np.arange(len(edges)), np.ones(len(edges))),
        crossing=crossing, patches=np.array(focal), form="layers",
    )  # fmt: skip
    edited = [np.array(plane) for plane in links]
    for c, d, z in zip(cell, k, crossing):
        edited[d].ravel()[c] = 1.0 / (1.0 / edited[d].ravel()[c] + z)
    want = _by_sparse_factor(GridLinks(*edited), focal)
    np.testing.assert_allclose(face.resistances(), want, rtol=1e-8)
    np.testing.assert_allclose(effective_resistances(GridLinks(*edited), focal), want, rtol=1e-8)
