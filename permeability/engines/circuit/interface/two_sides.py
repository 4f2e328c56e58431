"""Every candidate alone where barriers part the interface in two: two factors of half the size.

Without the barrier edges no current passes between the sides, so the first side's inverse touches the second only through
the few edges across.  Pivots are sums of off-diagonals and all inverses products of non-negative numbers, as in
:mod:`permeability.engines.kernels.dissection`; about 1.3 n^3 multiply-adds for two sides of n nodes, most of them in LAPACK.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg.blas import dtrmm
from scipy.linalg.lapack import dlauum, dtrtri
from scipy.sparse import coo_array

from permeability.engines.circuit.interface.barrier_network import BarrierNetwork
from permeability.engines.circuit.interface.layered import Columns, StateNumbers
from permeability.engines.kernels import fronts as layers
from permeability.engines.kernels.pivots import reduce_front

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

WORTH_NODES = 1000  # interface nodes from which two sides are quicker than halving
LARGEST = 0.7  # share of the nodes the larger side may have


class TwoSides:
    """The dense network of an interface, split along its barriers; made once, run for any state."""

    def __init__(self, face: BarrierNetwork, first: NDArray[np.bool_]) -> None:
        t, focal = len(face.network), face.focal
        rest = np.ones(t, dtype=bool)
        rest[focal] = False
        b, a = np.flatnonzero(rest & first), np.flatnonzero(rest & ~first)
        self.order = np.arange(len(face.base))  # of the columns; edges along a line follow each other
        self.nb, self.na, self.n_edges = len(b), len(a), len(face.base)
        g = face.network
        self.of_b, self.of_a, self.among = g[np.ix_(b, b)], g[np.ix_(a, a)], g[np.ix_(focal, focal)]
        self.b_focal, self.a_focal = g[np.ix_(b, focal)], g[np.ix_(a, focal)]
        place = np.empty(t, dtype=np.int64)
        place[np.concatenate((b, a, focal))] = np.arange(t)
        self.low = np.minimum(place[face.node_a], place[face.node_b])
        self.high = np.maximum(place[face.node_a], place[face.node_b])
        self.side_low = np.searchsorted((self.nb, self.nb + self.na), self.low, side="right")
        self.side_high = np.searchsorted((self.nb, self.nb + self.na), self.high, side="right")
        self._local = threading.local()
        self.ends = place[face.node_a], place[face.node_b]

    def __getstate__(self) -> dict[str, Any]:
        """What goes to another process: the workspace of a thread stays."""
        return {k: v for k, v in vars(self).items() if k != "_local"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _local=threading.local())

    @classmethod
    def of(cls, face: BarrierNetwork) -> TwoSides | None:
        """The sides of an interface, None where there are no two that are worth it."""
        if len(face.network) < WORTH_NODES:
            return None
        count = np.bincount(face.side)
        first = face.side == int(np.argmax(count))
        return cls(face, first) if count.max() <= LARGEST * len(face.side) else None

    def _buffer(self) -> Floats:
        """Room for the right-hand sides, one for each thread: fresh memory would cost as much as the work."""
        if not hasattr(self._local, "y"):
            self._local.y = np.empty(self.n_edges * (self.nb + self.na))
        return np.asarray(self._local.y)

    def columns(self, edges: ArrayLike) -> Columns:
        """All edges are carried, whichever are asked for."""
        e = self.n_edges
        start = np.array([[0, e, e], [0, 0, 0]], dtype=np.int64)
        n_out = np.array([self.nb, self.na], dtype=np.int64)
        return Columns(
            self.order, self.order, start, np.concatenate(([0], np.cumsum(e * n_out))).astype(np.int64), n_out
        )

    def _added(self, table: Floats, c: Floats, s: int, u: int, shift: tuple[int, int]) -> Floats:
        """A copy of a table of conductances with the edges between sides ``s`` and ``u`` added."""
        out = table.copy()
        mine = (self.side_low == s) & (self.side_high == u)
        i, j = self.low[mine] - shift[0], self.high[mine] - shift[1]
        np.add.at(out, (i, j), c[mine])
        if s == u:
            np.add.at(out, (j, i), c[mine])
        return out

    def state(self, conductance: Floats, columns: Columns) -> StateNumbers:
        """Eliminate both sides in one state of the edges, by edge conductances (E,).

        The right-hand sides are overwritten by the next state in the same thread.
        """
        nb, na = self.nb, self.na
        at_a, at_f = nb, nb + na
        c = conductance
        across = (self.side_low == 0) & (self.side_high == 1)
        ends = self.low[across], self.high[across] - at_a
        link = coo_array((c[across], ends), shape=(nb, na)).tocsr()
        b_focal = self._added(self.b_focal, c, 0, 2, (0, at_f))
        leak = np.asarray(link.sum(axis=1)).ravel() + b_focal.sum(axis=1)
        root_b = _inverse_root(self._added(self.of_b, c, 0, 0, (0, 0)), leak)
        whole = dlauum(root_b.T, lower=1)[0]  # the lower half, in Fortran's order, of T T'
        inverse = np.tril(whole)
        inverse += np.tril(whole, -1).T
        passed = link.T @ inverse  # (na, nb)
        of_a = self._added(self.of_a, c, 1, 1, (at_a, at_a)) + link.T @ passed.T
        a_focal = self._added(self.a_focal, c, 1, 2, (at_a, at_f)) + passed @ b_focal
        among = self._added(self.among, c, 2, 2, (at_f, at_f)) + _gram(root_b.T @ b_focal)
        root_a = _inverse_root(of_a, a_focal.sum(axis=1))
        reached = root_a.T @ a_focal
        among += _gram(reached)
        np.fill_diagonal(among, 0.0)
        focal_a = root_a @ reached
        focal_b = inverse @ b_focal + passed.T @ focal_a
        crossed = np.ascontiguousarray(dtrmm(1.0, root_a.T, passed.T, side=1, lower=1, trans_a=1))
        p = among.shape[0]
        y = self._buffer()
        differences: Any = layers.row_differences
        differences(root_b, np.zeros((0, nb)), *self.ends, y[: self.n_edges * nb].reshape(-1, nb))
        differences(crossed, root_a, *self.ends, y[self.n_edges * nb :].reshape(-1, na))
        by_focal = np.concatenate((focal_b, focal_a, np.eye(p)))
        arrived = by_focal[self.ends[0]] - by_focal[self.ends[1]]
        return StateNumbers(among, y, arrived)


def _gram(x: Floats) -> Floats:
    return np.asarray(x.T @ x, dtype=np.float64)


def _inverse_root(g: Floats, leak: Floats) -> Floats:
    """Upper triangular ``T >= 0`` with ``T T' = L^-1``; where a component has no leak, its last node is the ground."""
    none = np.zeros(0)
    reduce: Any = reduce_front
    reduce(g, np.zeros((0, 0)), leak, none, none)
    roots = np.diag(g).copy()
    ground = roots == 0
    upper = np.triu(g, 1)
    np.negative(upper, out=upper)
    upper[ground] = 0.0
    np.fill_diagonal(upper, np.where(ground, 1.0, roots))
    lower, info = dtrtri(upper.T, lower=1, overwrite_c=1)
    assert info == 0
    out = np.asarray(lower.T, dtype=np.float64)
    out[ground] = 0.0
    out[:, ground] = 0.0
    return out
