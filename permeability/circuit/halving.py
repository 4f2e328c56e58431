"""Every candidate alone, exactly, in one pass: halve the candidates, eliminate what only the others need.

At the top all interface nodes are there; each half of the candidates gets its own network, in which the nodes
of the other half (with their barriers as they are) have been eliminated; at the bottom a candidate sees the
patches and its own few nodes.  About 0.4 T^3 multiply-adds whatever the number of candidates, additions of
non-negative conductances only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from permeability.kernels import gains as _gains

if TYPE_CHECKING:
    from permeability.circuit.interface import Candidates, Interface

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
kernel: Any = _gains  # numba functions

LEAF_NODES = 40  # interface nodes beside the patches at which a group of candidates is not halved any more


class _Step(NamedTuple):
    """From a network to the one a group of candidates needs."""

    order: Ints
    n_out: int
    edges: Ints  # added on the way
    at_a: Ints
    at_b: Ints
    group: _Group


class _Group(NamedTuple):
    members: Ints
    edges: Ints  # still outside; both ends are in the network
    at_a: Ints
    at_b: Ints
    steps: tuple[_Step, ...]  # empty: evaluate the members here


class SingleTree:
    """The order in which to eliminate so that every candidate is seen alone; made once, run for any state."""

    def __init__(self, face: Interface, candidates: Candidates) -> None:
        self.face, self.candidates = face, candidates
        self._edges_of = [
            np.unique(face.cut_edge[candidates.cut[candidates.start[k] : candidates.start[k + 1]]])
            for k in range(len(candidates))
        ]
        self._place = np.full(len(face.network), -1, dtype=np.int64)
        empty = [k for k in range(len(candidates)) if not len(self._edges_of[k])]
        self._idle = np.array(empty, dtype=np.int64)
        members = np.setdiff1d(np.arange(len(candidates)), self._idle)
        rest = np.setdiff1d(np.arange(len(face.network)), face.focal)
        names = np.concatenate((face.focal, rest))
        self._root = self._step(names, np.arange(len(face.base)), members)

    def _step(self, names: Ints, edges: Ints, members: Ints) -> _Step:
        """Keep only what these members need."""
        face, p = self.face, len(self.face.focal)
        mine = np.unique(np.concatenate([np.zeros(0, np.int64), *(self._edges_of[k] for k in members)]))
        ends = np.unique(np.concatenate((face.node_a[mine], face.node_b[mine])))
        ends = np.setdiff1d(ends, face.focal)
        kept = np.concatenate((face.focal, ends))
        self._place[names] = np.arange(len(names))
        dropped = np.setdiff1d(np.arange(len(names)), self._place[kept])
        order = np.concatenate((dropped, self._place[kept]))
        self._place[names] = -1
        self._place[names[order]] = np.arange(len(names))
        at_a, at_b = self._place[face.node_a[edges]], self._place[face.node_b[edges]]
        stay = (at_a >= len(dropped)) & (at_b >= len(dropped))
        self._place[names] = -1
        outside = edges[stay]
        group = self._group(kept, outside, at_a[stay] - len(dropped), at_b[stay] - len(dropped), members, p)
        return _Step(order, len(dropped), edges[~stay], at_a[~stay], at_b[~stay], group)

    def _group(self, names: Ints, edges: Ints, at_a: Ints, at_b: Ints, members: Ints, p: int) -> _Group:
        if len(members) <= 1 or len(names) - p <= LEAF_NODES:
            return _Group(members, edges, at_a, at_b, ())
        centre = np.array([self.face.place[self._edges_of[k]].mean(axis=0) for k in members])
        along = centre[:, np.argmax(np.ptp(centre, axis=0))]
        by_place = members[np.argsort(along, kind="stable")]
        halves = np.array_split(by_place, 2)
        steps = tuple(self._step(names, edges, half) for half in halves)
        return _Group(members, edges, at_a, at_b, steps)

    def run(self, crossing: ArrayLike | None = None) -> Floats:
        """Resistances with every candidate alone, (K, P, P)."""
        return self.run_with_today(crossing)[0]

    def run_with_today(
        self, crossing: ArrayLike | None = None, candidates: Candidates | None = None
    ) -> tuple[Floats, Floats]:
        """Resistances with every candidate alone, (K, P, P), and with none, (P, P)."""
        face = self.face
        chosen = self.candidates if candidates is None else candidates
        costs = face.crossing if crossing is None else np.asarray(crossing, dtype=np.float64)
        z = face.cut_resistances(costs)
        job = _Job(chosen, z, face.treated(chosen, slice(None), costs), face.edge_conductances(z), face)
        p = len(face.focal)
        out = np.empty((len(chosen), p, p))
        today = self._descend(self._root, face.network, job, out)
        out[self._idle] = today
        return out, today

    def _descend(self, step: _Step, g: Floats, job: _Job, out: Floats) -> Floats:
        net = kernel.reduce_step(g, step.order, step.n_out, step.at_a, step.at_b, job.conductance[step.edges])
        group = step.group
        if group.steps:
            todays = [self._descend(s, net, job, out) for s in group.steps]
            return todays[0]
        p = len(self.face.focal)
        now = job.conductance[group.edges]
        for k in group.members:
            edges, conductance = job.after(int(k))
            c = now.copy()
            c[np.searchsorted(group.edges, edges)] = conductance
            out[k] = kernel.focal_resistances(net, p, group.at_a, group.at_b, c)
        today: Floats = kernel.focal_resistances(net, p, group.at_a, group.at_b, now)
        return today


class _Job(NamedTuple):
    """One state of the barriers and what the candidates make of it."""

    candidates: Candidates
    z: Floats
    treated: Floats
    conductance: Floats
    face: Interface

    def after(self, k: int) -> tuple[Ints, Floats]:
        rows = slice(self.candidates.start[k], self.candidates.start[k + 1])
        start, cuts = self.face.cuts_by_edge
        edges, _, now = kernel.changed_edges(
            self.candidates.cut[rows],
            self.treated[rows],
            self.z,
            self.face.cut_edge,
            start,
            cuts,
            self.face.base,
        )
        return edges, now
