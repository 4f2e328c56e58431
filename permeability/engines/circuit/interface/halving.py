"""Every candidate alone, exactly, in one pass: halve the candidates, eliminate what only the others need.

At the top all interface nodes are there; each half of the candidates gets its own network, in which the nodes
of the other half (with their barriers as they are) have been eliminated; at the bottom a candidate sees the
patches and its own few nodes.  About 0.3 to 0.4 T^3 multiply-adds whatever the number of candidates, additions of
non-negative conductances only.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from permeability.engines.circuit.interface.barrier_network import BarrierNetwork, joined_sides
from permeability.engines.circuit.interface.candidates import Candidates
from permeability.engines.kernels import gains as _gains

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
kernel: Any = _gains  # numba functions

NOTHING = np.zeros((0, 0))
WORTH_A_PART = 100  # nodes to eliminate on each side from which one side goes first by itself
LEAF_NODES = 40  # interface nodes beside the patches at which a group of candidates is not halved any more


class _Part(NamedTuple):
    """Nodes of one side of the barriers eliminated by themselves, before the other side is touched."""

    order: Ints
    n_out: int
    edges: Ints
    at_a: Ints
    at_b: Ints
    put: Ints  # where in the order of the step after it the nodes are that are left of this part


class _Step(NamedTuple):
    """From a network to the one a group of candidates needs."""

    first: _Part | None
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

    def __init__(self, face: BarrierNetwork, candidates: Candidates) -> None:
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
        side = face.side
        edges = np.arange(len(face.base))
        touched = np.unique(np.concatenate([edges[:0], *(self._edges_of[k] for k in members)]))
        used = len(np.unique(np.concatenate((face.node_a[touched], face.node_b[touched], face.focal))))
        # what no candidate needs goes first, but if that is little the halves do it: two sides stay apart longer
        few = used > 0.75 * len(names) and len(members) > 1 and used - len(face.focal) > LEAF_NODES
        self._root: _Step | _Group = (self._group if few else self._step)(names, side[names], edges, members)

    def _places(self, names: Ints, edges: Ints) -> tuple[Ints, Ints]:
        """Places of the ends of edges among names, -1 where an end is not there."""
        self._place[names] = np.arange(len(names))
        found = self._place[self.face.node_a[edges]], self._place[self.face.node_b[edges]]
        self._place[names] = -1
        return found

    def _step(self, names: Ints, side: Ints, edges: Ints, members: Ints) -> _Step:
        """Keep only what these members need."""
        face = self.face
        mine = np.unique(np.concatenate([np.zeros(0, np.int64), *(self._edges_of[k] for k in members)]))
        ends = np.unique(np.concatenate((face.node_a[mine], face.node_b[mine])))
        wanted = np.concatenate((face.focal, np.setdiff1d(ends, face.focal)))
        keep = np.isin(names, wanted)
        at_a, at_b = self._places(names, edges)
        adds = ~(keep[at_a] & keep[at_b])
        first, left, outstanding = self._part(names, side, keep, edges[adds])
        new_side = joined_sides(side, at_a[adds], at_b[adds])
        kept = self._focal_first(names, left[keep[left]])
        drop = left[~keep[left]]
        order = np.concatenate((drop, kept))
        a, b = self._places(names[order], outstanding)
        if first is not None:
            place = np.empty(len(names), dtype=np.int64)
            place[order] = np.arange(len(order))
            first = first._replace(put=place[first.put])
        group = self._group(names[kept], new_side[kept], edges[~adds], members)
        return _Step(first, order, len(drop), outstanding, a, b, group)

    def _focal_first(self, names: Ints, kept: Ints) -> Ints:
        """The kept places with the patches in front, in their own order."""
        self._place[names] = np.arange(len(names))
        focal = self._place[self.face.focal]
        self._place[names] = -1
        return np.concatenate((focal, np.setdiff1d(kept, focal)))

    def _part(
        self, names: Ints, side: Ints, keep: NDArray[np.bool_], merged: Ints
    ) -> tuple[_Part | None, Ints, Ints]:
        """One side by itself where that saves work; the places that are left; the edges still to add."""
        everything = np.arange(len(names))
        sides, count = np.unique(side[~keep], return_counts=True)
        if len(sides) < 2 or np.sort(count)[-2] < WORTH_A_PART:
            return None, everything, merged
        here = side == sides[np.argmax(count)]
        out = np.flatnonzero(here & ~keep)
        at_a, at_b = self._places(names, merged)
        gone = np.zeros(len(names), dtype=bool)
        gone[out] = True
        mine = gone[at_a] | gone[at_b]
        touched = here.copy()
        touched[at_a[mine]] = touched[at_b[mine]] = True
        stay = np.flatnonzero(touched & ~gone)
        order = np.concatenate((out, stay))
        a, b = self._places(names[order], merged[mine])
        remaining = np.flatnonzero(~gone)
        part = _Part(order, len(out), merged[mine], a, b, stay)
        return part, remaining, merged[~mine]

    def _group(self, names: Ints, side: Ints, edges: Ints, members: Ints) -> _Group:
        at_a, at_b = self._places(names, edges)
        if len(members) <= 1 or len(names) - len(self.face.focal) <= LEAF_NODES:
            return _Group(members, edges, at_a, at_b, ())
        centre = np.array([self.face.place[self._edges_of[k]].mean(axis=0) for k in members])
        along = centre[:, np.argmax(np.ptp(centre, axis=0))]
        by_place = members[np.argsort(along, kind="stable")]
        halves = np.array_split(by_place, 2)
        steps = tuple(self._step(names, side, edges, half) for half in halves)
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
        job = _Job(chosen, z, face.treated(chosen, slice(None), costs), face.edge_conductances(z), face, [])
        p = len(face.focal)
        out = np.empty((len(chosen), p, p))
        if isinstance(self._root, _Step):
            today = self._descend(self._root, face.network, job, out)
        else:
            today = self._below(self._root, face.network, job, out)
        out[self._idle] = out[job.unchanged] = today  # to the last bit: a gain of nothing is 0
        return out, today

    def _descend(self, step: _Step, g: Floats, job: _Job, out: Floats) -> Floats:
        block, put = NOTHING, step.order[:0]
        if step.first is not None:
            part = step.first
            added = job.conductance[part.edges]
            block = kernel.reduce_step(g, part.order, part.n_out, part.at_a, part.at_b, added, NOTHING, put)
            put = part.put
        added = job.conductance[step.edges]
        net = kernel.reduce_step(g, step.order, step.n_out, step.at_a, step.at_b, added, block, put)
        return self._below(step.group, net, job, out)

    def _below(self, group: _Group, net: Floats, job: _Job, out: Floats) -> Floats:
        if group.steps:
            todays = [self._descend(s, net, job, out) for s in group.steps]
            return todays[0]
        now = job.conductance[group.edges]
        for k in group.members:
            edges, conductance = job.after(int(k))
            c = now.copy()
            c[np.searchsorted(group.edges, edges)] = conductance
            if np.array_equal(c, now):
                job.unchanged.append(int(k))
                continue
            out[k] = self.value(net, group.at_a, group.at_b, c)
        return self.value(net, group.at_a, group.at_b, now)

    def value(self, net: Floats, at_a: Ints, at_b: Ints, conductance: Floats) -> Floats:
        """What is asked of a small network whose first nodes are the patches, once some edges are added: resistances, (P, P)."""
        found: Floats = kernel.focal_resistances(net, len(self.face.focal), at_a, at_b, conductance)
        return found


class _Job(NamedTuple):
    """One state of the barriers and what the candidates make of it."""

    candidates: Candidates
    z: Floats
    treated: Floats
    conductance: Floats
    face: BarrierNetwork
    unchanged: list[int]

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
