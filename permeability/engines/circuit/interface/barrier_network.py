"""What every way to a gain reads: the network that is left of a landscape, the edges that barriers cut, and their cuts.

One state of the barriers is a series resistance for every cut, hence a conductance for every edge, hence resistances among
the patches.  The ways to many states at once (halving, two sides, layers, Woodbury) stand on this file and know nothing of
:class:`permeability.engines.circuit.interface.interface.Interface`, which stands on them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components

from permeability.engines.circuit.interface.agreement import Agreement
from permeability.engines.circuit.interface.candidates import Candidates, series_resistance
from permeability.engines.circuit.interface.forms import InterfaceReport
from permeability.engines.circuit.interface.layered import Layered
from permeability.engines.circuit.solvers.condensation import Condensed, network_resistances
from permeability.engines.kernels import gains as _gains

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
kernel: Any = _gains  # numba functions
KEPT = 256  # states of the sides that are kept of a landscape


@dataclass(frozen=True, eq=False)
class BarrierNetwork:
    """A landscape condensed onto patches and barrier edges, and its states one at a time.

    Attributes
    ----------
    network : array, shape (T, T)
        Conductances without any edge that a barrier cuts [dimensionless].
    focal : array of int, shape (P,)
        Interface node of every patch.
    node_a, node_b : array of int, shape (E,)
        Interface nodes at the ends of the barrier edges.
    base : array, shape (E,)
        Conductance of these edges without barriers, > 0 [dimensionless].
    cut_edge, cut_section : array of int, shape (C,)
        Edge and barrier section of every cut.
    factor : array, shape (C,)
        Series resistance of a cut per metre of crossing cost, ``(length / h) / |v.n|`` [1/m].
    crossing : array, shape (S,)
        Crossing cost of every section today [m of open ground]; ``inf`` = complete barrier.
    weights : array, shape (P, P)
        Weight of every pair of patches in the index; symmetric, zero diagonal.
    place : array, shape (E, 2)
        Row and column of the edges' first cells, to keep neighbours together.
    side : array of int, shape (T,)
        Connected component of every interface node without any edge that a barrier cuts.
    report : InterfaceReport
    condensed : Condensed, optional
        Of the form ``"front"``.
    layered : Layered, optional
        Of the form ``"layers"``; ``network`` is empty then.
    agreement : Agreement, optional
        Looks at a sample of what is handed out; what it found is in ``report.checks``.
    memory_limit : int, optional
        Bytes that may be taken [default: what is free for this process].
    """

    network: Floats
    focal: Ints
    node_a: Ints
    node_b: Ints
    base: Floats
    cut_edge: Ints
    cut_section: Ints
    factor: Floats
    crossing: Floats
    weights: Floats
    place: Floats
    side: Ints
    report: InterfaceReport
    condensed: Condensed | None = None
    layered: Layered | None = None
    agreement: Agreement | None = None
    memory_limit: int | None = None

    def cut_resistances(self, crossing: ArrayLike | None = None) -> Floats:
        """Series resistance of every cut for given crossing costs (default: today's) [dimensionless]."""
        costs = self.crossing if crossing is None else np.asarray(crossing, dtype=np.float64)
        return np.asarray(self.factor * costs[self.cut_section], dtype=np.float64)

    def edge_conductances(self, z: Floats) -> Floats:
        """Conductance of every barrier edge, its cuts in series; 0 behind a complete barrier."""
        series = np.bincount(self.cut_edge, weights=z, minlength=len(self.base))
        return np.asarray(1.0 / (1.0 / self.base + series), dtype=np.float64)

    @cached_property
    def cuts_by_edge(self) -> tuple[Ints, Ints]:
        """Cuts of every edge: where each edge's cuts begin, and the cuts in that order."""
        cuts = np.argsort(self.cut_edge, kind="stable").astype(np.int64)
        start = np.searchsorted(self.cut_edge[cuts], np.arange(len(self.base) + 1)).astype(np.int64)
        return start, cuts

    def treated(self, candidates: Candidates, rows: Ints | slice, crossing: Floats) -> Floats:
        """Series resistance of the cuts in some candidate rows after the treatment."""
        cut, share, after = candidates.cut[rows], candidates.share[rows], candidates.after[rows]
        return series_resistance(self.factor[cut], crossing[self.cut_section[cut]], share, after)

    def state(self, candidates: Candidates, members: ArrayLike, crossing: ArrayLike | None = None) -> Floats:
        """Series resistance of every cut when a set of candidates is built; of several treatments of one
        cut the last counts."""
        costs = self.crossing if crossing is None else np.asarray(crossing, dtype=np.float64)
        z = self.cut_resistances(costs)
        rows = candidates.rows(members)
        z[candidates.cut[rows]] = self.treated(candidates, rows, costs)
        return z

    def parts(self, conductance: Floats) -> Ints:
        """Connected component of every interface node, for given conductances of the barrier edges, (T,)."""
        of_node, ends, pair, known = self._sides
        joins = np.zeros(len(ends), dtype=bool)
        joins[pair[conductance > 0]] = True
        state = joins.tobytes()
        if (parts := known.get(state)) is None:
            parts = joined(int(of_node.max(initial=-1)) + 1, *ends[joins].T)
            if len(known) >= KEPT:
                known.clear()
            known[state] = parts
        return np.asarray(parts[of_node])

    @cached_property
    def _sides(self) -> tuple[Ints, Ints, Ints, dict[bytes, Ints]]:
        """Number of the side of every node; which two sides edges join, and which of these pairs every edge does.

        The last is what hangs together where some of the pairs are joined: draws of one landscape mostly join the same.
        """
        of_node = np.unique(self.side, return_inverse=True)[1].astype(np.int64)
        a, b = of_node[self.node_a], of_node[self.node_b]
        n = int(of_node.max(initial=0)) + 1
        name, pair = np.unique(n * np.minimum(a, b) + np.maximum(a, b), return_inverse=True)
        return of_node, np.stack((name // n, name % n), axis=1), pair.ravel(), {}

    def resistances(self, crossing: ArrayLike | None = None, *, z: Floats | None = None) -> Floats:
        """Pairwise effective resistances of the patches in one state, by elimination, (P, P) [dimensionless].

        Parameters
        ----------
        crossing : array, shape (S,), optional
            Crossing costs [m of open ground]; default today's.
        z : array, shape (C,), optional
            Series resistance of every cut instead.
        """
        c = self.edge_conductances(self.cut_resistances(crossing) if z is None else z)
        if self.layered is not None:
            return self.layered.state(c).resistances
        t, p = len(self.network), len(self.focal)
        order = np.concatenate((np.setdiff1d(np.arange(t), self.focal), self.focal))
        place = np.empty(t, dtype=np.int64)
        place[order] = np.arange(t)
        ends = place[self.node_a], place[self.node_b]
        net = kernel.reduce_step(self.network, order, t - p, *ends, c, np.zeros((0, 0)), order[:0])
        return network_resistances(net)


def joined_sides(side: Ints, at_a: Ints, at_b: Ints) -> Ints:
    """Sides of the nodes once some edges between them are in the network."""
    names, local = np.unique(side, return_inverse=True)
    return joined(len(names), local[at_a], local[at_b])[local]


def joined(n: int, a: Ints, b: Ints) -> Ints:
    """Component of each of ``n`` things once some pairs of them are joined, numbered in the order of the things."""
    edges = coo_array((np.ones(len(a)), (a, b)), shape=(n, n))
    return np.asarray(connected_components(csr_array(edges), directed=False)[1], dtype=np.int64)
