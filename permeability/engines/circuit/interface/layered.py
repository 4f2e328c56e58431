"""The interface in layers: for more barrier edges than one dense front can hold.

The upper part of the nested dissection is kept (:mod:`permeability.engines.kernels.fronts`): what holds no barrier edge is
eliminated once, and each state of the barriers works through the other fronts only, so a state costs about
as much as condensing the landscape onto its patches, whatever the number of barrier edges.  Sets of
edges are seen through ``X = B' L^+ B``, formed only where it is asked for, from the right-hand sides ``e_a - e_b``
that were carried along.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from permeability.engines.circuit.interface.shared_ground import SharedGround
from permeability.engines.circuit.solvers.condensation import LEAF, network_resistances, refuse_memory
from permeability.engines.kernels import dissection as nd
from permeability.engines.kernels import fronts as layers
from permeability.engines.kernels import once
from permeability.engines.kernels.box_cuts import box_tree
from permeability.engines.kernels.edges import GridLinks

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

UNIT = 2048  # elements up to which a box keeps its barrier cells and is condensed onto them and its rim once
NO_COLUMNS = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Fronts:
    """The tree of fronts: what is done once and what in every state."""

    bounds: NDArray[np.int32]
    child: NDArray[np.int32]
    ids: NDArray[np.int32]
    start: Ints
    size: Ints
    n_out: Ints
    live: NDArray[np.bool_]
    offset: Ints
    kept: Ints
    cache: int
    peak: Ints
    rows_max: Ints
    rest_max: Ints
    work: Floats
    leaf: NDArray[np.int32] = field(repr=False)
    parent: NDArray[np.int32] = field(repr=False)

    @classmethod
    def plan(
        cls,
        shape: tuple[int, int],
        node: NDArray[np.int32],
        edges: tuple[Ints, Ints],
        ends: Ints,
        ground: SharedGround | None = None,
    ) -> Fronts:
        """The fronts for edges (cells, directions) with the given end cells; ``node`` numbers all cells."""
        rows, cols = shape
        if ground is None:
            barred = np.zeros(shape, dtype=bool)
            barred.ravel()[ends] = True
            bounds, child = box_tree(node.reshape(shape), barred, LEAF)
        else:
            bounds, child = ground.boxes(node.reshape(shape), LEAF)
        box = nd.elimination_box(rows, cols, bounds, child, node)
        leaf = layers.edge_leaves(*edges, cols, bounds, child)
        live, parent = layers.live_boxes(bounds, child, box, leaf, ends, rows, cols, UNIT)
        ids, start, size, n_out = nd.plan(rows, cols, bounds, child, node, box)
        offset, peak, rows_max, rest_max, kept, cache, work = layers.split_cost(
            child, parent, size, n_out, live
        )
        return cls(
            bounds, child, ids, start, size, n_out, live, offset, kept, cache, peak, rows_max, rest_max, work,
            leaf, parent,
        )  # fmt: skip

    def rim(self, box: int) -> NDArray[np.int32]:
        """Nodes of a box that are left to those above it, in order of elimination."""
        return self.ids[self.start[box] + self.n_out[box] : self.start[box + 1]]

    @property
    def work_once(self) -> float:
        """Multiply-adds done once."""
        return float(self.work[~self.live].sum())

    @property
    def work_state(self) -> float:
        """Multiply-adds of one state of the barriers."""
        return float(self.work[self.live].sum())

    def work_columns(self) -> float:
        """Multiply-adds of carrying the right-hand sides of all edges through one state."""
        n, ne = self.size[self.live], self.n_out[self.live]
        return float(
            (self.edges_beneath(layers.first_beneath(self.child))[self.live] * ne * (n - ne / 2)).sum()
        )

    def edges_beneath(self, first: Ints) -> Ints:
        """Barrier edges in every box; ``first`` of the boxes beneath each, which come right before it."""
        before = np.concatenate(([0], np.cumsum(np.bincount(self.leaf, minlength=len(self.live)))))
        return np.asarray(before[1:] - before[first], dtype=np.int64)

    def bytes_once(self, n_nodes: int, n_kept: int) -> int:
        """Largest number of bytes while the tree is set up."""
        dense = self.peak[0] + 3 * self.rows_max[0] + self.rest_max[0] + self.cache
        return int(8 * dense + 56 * n_nodes + self.ids.nbytes + 100 * len(self.size) + 24 * n_kept**2)

    def bytes_state(self, y: int) -> int:
        """Largest number of bytes of one state with ``y`` numbers of carried right-hand sides."""
        return int(8 * (self.peak[1] + 3 * self.rows_max[1] + self.rest_max[1] + self.cache + 2 * y))


@dataclass(frozen=True, eq=False)
class Layered:
    """A landscape in layers.

    Attributes
    ----------
    fronts : Fronts
    order : array of int, shape (E,)
        The barrier edges in the order of their fronts.
    """

    fronts: Fronts
    order: Ints
    _list: Ints = field(repr=False)  # the live fronts in postorder
    _cache: Floats = field(repr=False)
    _edge_start: Ints = field(repr=False)
    _place: tuple[Ints, Ints] = field(repr=False)
    _focal: Ints = field(repr=False)  # place of every kept node in the network of a state
    _n_nodes: int = field(repr=False)

    @classmethod
    def build(
        cls,
        links: GridLinks,
        fronts: Fronts,
        node: NDArray[np.int32],
        edges: tuple[Ints, Ints],
        second: Ints,
        n_kept: int,
        memory_limit: int | None = None,
        ground: SharedGround | None = None,
    ) -> Layered:
        """Eliminate once what no barrier edge changes."""
        n_nodes = len(node) + n_kept
        refuse_memory(fronts.bytes_once(n_nodes, n_kept), memory_limit, n_kept, len(node))
        cache = _eliminate_once(links, fronts, node, edges, n_kept, ground)
        live_list = np.flatnonzero(fronts.live).astype(np.int64)
        number = np.full(len(fronts.live), -1, dtype=np.int64)
        number[live_list] = np.arange(len(live_list))
        front = _first_live(fronts)[fronts.leaf]
        order = np.argsort(number[front], kind="stable").astype(np.int64)
        counts = np.bincount(number[front], minlength=len(live_list))
        edge_start = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
        places = tuple(
            _places(node[cells[order]].astype(np.int64), front[order], fronts) for cells in (edges[0], second)
        )
        last = len(fronts.size) - 1
        at = fronts.ids[fronts.start[last] + fronts.n_out[last] : fronts.start[last + 1]].astype(np.int64)
        focal = np.full(n_kept, -1, dtype=np.int64)
        focal[at - len(node)] = np.arange(len(at))
        return cls(fronts, order, live_list, cache, edge_start, (places[0], places[1]), focal, n_nodes)

    def columns(self, edges: ArrayLike) -> Columns:
        """What is needed to carry right-hand sides of some edges along."""
        wanted = np.zeros(len(self.order), dtype=bool)
        wanted[np.asarray(edges, dtype=np.int64)] = True
        mine = wanted[self.order]
        column_by_order = np.where(mine, np.cumsum(mine) - 1, -1).astype(np.int64)
        before = np.concatenate(([0], np.cumsum(mine)))[self._edge_start].astype(np.int64)
        beneath = before.copy()
        number = {int(b): t for t, b in enumerate(self._list)}
        for t, b in enumerate(self._list):
            for q in self.fronts.child[b]:
                u = number.get(int(q))
                if u is not None:
                    beneath[t] = min(beneath[t], beneath[u])
        n_out = self.fronts.n_out[self._list]
        sizes = n_out * (before[1:] - beneath[:-1])
        column = np.full(len(self.order), -1, dtype=np.int64)
        column[self.order] = column_by_order
        return Columns(
            column,
            column_by_order,
            np.stack((before, beneath)),
            np.concatenate(([0], np.cumsum(sizes))),
            n_out,
        )

    def state(self, conductance: Floats, columns: Columns | None = None) -> StateNumbers:
        """Eliminate all barrier nodes in one state of the edges, by edge conductances (E,)."""
        f, none = self.fronts, self.columns(NO_COLUMNS) if columns is None else columns
        run: Any = layers.run_state
        y = np.empty(int(none.y_start[-1]))
        network, arrived = run(
            self._list, f.child, f.ids, f.start, f.size, f.n_out, f.live, f.kept, self._cache, f.offset,
            np.empty(f.peak[1]), np.empty(f.rows_max[1]), np.empty(f.rest_max[1]),
            np.empty(self._n_nodes, dtype=np.int32), self._edge_start, *self._place, conductance[self.order],
            none.by_order, none.start, y, none.y_start,
        )  # fmt: skip
        upper = np.triu(network, 1)
        whole = (upper + upper.T)[np.ix_(self._focal, self._focal)]
        return StateNumbers(whole, y, np.ascontiguousarray(arrived[:, self._focal]))


@dataclass(frozen=True, eq=False)
class Columns:
    """Which edges' right-hand sides are carried, and where they are.

    ``column`` (E,): column of every edge, -1 = not carried; ``start`` (2, fronts + 1): columns up to each front's own, and
    the first column beneath it; ``y_start``: where each front's numbers begin.
    """

    column: Ints
    by_order: Ints
    start: Ints
    y_start: Ints
    n_out: Ints


@dataclass(frozen=True, eq=False)
class StateNumbers:
    """One state: the network among the kept nodes, and what is left of the carried right-hand sides."""

    network: Floats
    y: Floats
    arrived: Floats  # (columns, kept)

    @property
    def resistances(self) -> Floats:
        """Resistances among the kept nodes."""
        return network_resistances(self.network)


def _first_live(fronts: Fronts) -> Ints:
    """The lowest live front at or above every box, -1 above none."""
    up = np.where(fronts.live, np.arange(len(fronts.live)), fronts.parent)
    while True:  # every round goes twice as far up
        further = np.where(up >= 0, up[up], -1)
        if np.array_equal(further, up):
            return up
        up = further


def _places(nodes: Ints, front: Ints, fronts: Fronts) -> Ints:
    find: Any = layers.local_places
    out: Ints = find(np.arange(len(nodes)), front, nodes, fronts.ids, fronts.start, fronts.size)
    return out


def _eliminate_once(
    links: GridLinks,
    fronts: Fronts,
    node: NDArray[np.int32],
    edges: tuple[Ints, Ints],
    n_kept: int,
    ground: SharedGround | None = None,
) -> Floats:
    """The results of all subtrees that never change, and the links of live leaves, packed."""
    run, at = (~fronts.live).astype(np.uint8), np.full(len(fronts.live), -1, dtype=np.int64)
    results = np.zeros(0)
    known = None if ground is None else ground.results_on(links, node)
    if known is not None:
        first = layers.first_beneath(fronts.child)
        bare = ~fronts.live & (fronts.edges_beneath(first) == 0)
        free = np.flatnonzero(bare & ~bare[fronts.parent])  # largest boxes without a barrier edge
        left = fronts.size[free] - fronts.n_out[free]
        end = np.cumsum(left * (left + 1) // 2)
        results = np.empty(end[-1] if len(end) else 0)
        at[free[1:]], at[free[:1]] = end[:-1], 0
        names = [(box, fronts.rim(box).tobytes()) for box in free.tolist()]
        for name, stop in zip(names, end.tolist()):
            if (found := known.of.get(name)) is not None:
                box = name[0]
                results[at[box] : stop] = found
                run[first[box] : box], run[box] = once.SKIP, once.TAKE
    planes = [np.array(p, dtype=np.float64, order="C") for p in links]
    for k, plane in enumerate(planes):
        plane.ravel()[edges[0][edges[1] == k]] = 0.0
    keys = np.zeros(0, dtype=np.int64)
    eliminate: Any = once.eliminate_once
    assemble: Any = nd.assemble_leaf
    stack, pos = np.empty(fronts.peak[0]), np.empty(len(node) + n_kept, dtype=np.int32)
    rows_buffer, rest_buffer = np.empty(fronts.rows_max.max()), np.empty(fronts.rest_max.max())
    cache, nothing = np.empty(fronts.cache), np.zeros(0)
    eliminate(
        run, at, results, fronts.kept, cache, fronts.bounds, fronts.child, fronts.ids, fronts.start, fronts.size,
        fronts.n_out, fronts.offset, *planes, node, stack, pos, rows_buffer, rest_buffer,
    )  # fmt: skip
    if known is not None:
        ends = zip(names, end.tolist())
        known.add((name, results[at[name[0]] : stop]) for name, stop in ends if run[name[0]] != once.TAKE)
    for b in np.flatnonzero(fronts.live & (fronts.child[:, 0] < 0)):
        n, ne = int(fronts.size[b]), int(fronts.n_out[b])
        w, rest = np.zeros((ne, n)), np.zeros((n - ne, n - ne))
        ids = fronts.ids[fronts.start[b] : fronts.start[b + 1]]
        pos[ids] = np.arange(n, dtype=np.int32)
        assemble(fronts.bounds[b], *planes, node, keys, pos, ne, w, rest, nothing, nothing)
        layers.pack_front(w, rest, cache[fronts.kept[b] : fronts.kept[b] + n * (n + 1) // 2])
    return cache
