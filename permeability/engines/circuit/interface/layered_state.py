"""One state of the barriers of a landscape in layers: the twin of :mod:`permeability.engines.circuit.interface.woodbury`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from permeability.engines.circuit.interface.barrier_network import BarrierNetwork
from permeability.engines.circuit.interface.candidates import Candidates
from permeability.engines.circuit.interface.layered import Columns, Layered, StateNumbers
from permeability.engines.circuit.interface.two_sides import TwoSides
from permeability.engines.circuit.interface.woodbury import LEAST_LEFT, generalised_inverse
from permeability.engines.circuit.solvers.condensation import refuse_memory
from permeability.engines.kernels import fronts as _layers
from permeability.engines.kernels import gains as _gains

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
kernel: Any = _gains  # numba functions
layers: Any = _layers

MOST_OPENED = 1000  # edges that are opened by Woodbury's identity at once
MOST_CLOSED = 300  # edges; more are closed by eliminating afresh
LITTLE = 50_000_000  # bytes of a state for which nobody is asked how much is free: that takes as long as a small state
PASS_BYTES = 400_000_000  # carried right-hand sides at a time when many candidates are seen one by one


@dataclass(frozen=True, eq=False)
class LayeredState:
    """One state of the barriers, seen from the edges whose right-hand sides were carried along.

    ``minus`` and ``plus`` hold, row by row, what has been opened since: ``X = Y'Y - minus' minus + plus' plus``.
    """

    face: BarrierNetwork
    z: Floats
    conductance: Floats
    columns: Columns
    numbers: StateNumbers
    inverse: Floats  # generalised inverse of the network among the patches
    minus: Floats
    plus: Floats
    part_a: Ints
    part_b: Ints
    part_focal: Ints
    resistances: Floats

    @classmethod
    def of(cls, face: BarrierNetwork, z: Floats, columns: Columns | None = None) -> LayeredState:
        """One state of the cuts, with the right-hand sides of some edges (default: all)."""
        return cls.at(face, face.edge_conductances(z), z, columns)

    @classmethod
    def at(
        cls,
        face: BarrierNetwork,
        conductance: Floats,
        z: Floats | None = None,
        columns: Columns | None = None,
        source: Layered | TwoSides | None = None,
    ) -> LayeredState:
        """One state of the edges (without ``z`` nothing can be built on it); ``source``: default the layers."""
        source = face.layered if source is None else source
        assert source is not None
        if columns is None:
            columns = source.columns(np.arange(len(face.base)))
        if isinstance(source, Layered):
            needed = source.fronts.bytes_state(int(columns.y_start[-1]))
            if needed > LITTLE or face.memory_limit is not None:
                refuse_memory(needed, face.memory_limit, len(face.side), 0)
        numbers = source.state(conductance, columns)
        _, inverse = generalised_inverse(numbers.network)
        nothing = np.zeros((0, len(numbers.arrived) + len(inverse)))
        parts = face.parts(conductance)
        return cls(
            face, np.zeros(0) if z is None else z, conductance, columns, numbers, inverse, nothing, nothing,
            parts[face.node_a], parts[face.node_b], parts[face.focal], numbers.resistances,
        )  # fmt: skip

    @property
    def _x(self) -> tuple[Any, ...]:
        c, n = self.columns, self.numbers
        return c.n_out, c.start, n.y, c.y_start, n.arrived, self.inverse, self.minus, self.plus

    def opened(self, edges: Ints, increase: Floats) -> Floats:
        """Resistances among the patches after raising the conductance of some carried edges, (P, P)."""
        column = self.columns.column[edges]
        order = np.argsort(column)
        mine = edges[order]
        m = layers.block_matrix(column[order], *self._x)
        parts = self.part_a[mine], self.part_b[mine], self.part_focal
        out: Floats = kernel.opened_resistances(
            m, *parts, np.arange(len(mine)), increase[order], self.resistances
        )
        return out

    def seen_among(self, edges: Ints) -> Floats:
        """``B' X B`` of some carried edges followed by the patches, (n + P, n + P)."""
        column = self.columns.column[edges]
        order = np.argsort(column)
        place = np.concatenate((np.argsort(order), np.arange(len(edges), len(edges) + len(self.inverse))))
        m: Floats = layers.block_matrix(column[order], *self._x)
        return m[np.ix_(place, place)]

    def closed(self, edges: Ints, decrease: Floats) -> Floats | None:
        """Resistances among the patches after lowering the conductance of some carried edges, (P, P).

        Woodbury's identity again, ``R' = R + d' (D^-1 - U' X U)^-1 d``; None where that would lose digits (what is left
        nearly falls apart), where edges rise as well, or where they are many.
        """
        if not len(edges) or len(edges) > MOST_CLOSED or not (decrease > 0).all():
            return None
        m, root, k = self.seen_among(edges), np.sqrt(decrease), len(edges)
        left, axes = np.linalg.eigh(np.eye(k) - root[:, None] * m[:k, :k] * root)
        if left[0] < LEAST_LEFT:
            return None
        seen = (axes.T @ (root[:, None] * m[:k, k:])) / np.sqrt(left)[:, None]
        rise = ((seen[:, :, None] - seen[:, None, :]) ** 2).sum(axis=0)
        return np.asarray(self.resistances + rise)

    def with_each(self, candidates: Candidates, which: Ints) -> Floats:
        """Resistances among the patches with one more candidate built, for several, (n, P, P).

        A treatment never lowers what an earlier one has opened: of two the more open one counts.
        """
        treated = self.face.treated(candidates, slice(None), self.face.crossing)
        return self.each(candidates, which, treated, lowest=True)[0]

    def each(
        self, candidates: Candidates, which: Ints, treated: Floats, *, lowest: bool
    ) -> tuple[Floats, NDArray[np.bool_]]:
        """Resistances with each of some candidates alone, and whether each only opens (others are not filled)."""
        face = self.face
        rows = candidates.start, candidates.cut, treated, self.z, face.cut_edge, *face.cuts_by_edge, face.base
        parts = self.columns.column, self.part_a, self.part_b, self.part_focal, self.resistances
        out, opens = layers.opened_by_each_layered(which, *rows, lowest, *parts, *self._x)
        return out, opens

    def build(self, candidates: Candidates, k: int) -> LayeredState:
        """The state with one more candidate built."""
        face, rows = self.face, slice(candidates.start[k], candidates.start[k + 1])
        cut, z = candidates.cut[rows], self.z.copy()
        after = face.treated(candidates, rows, face.crossing)
        edges, increase = kernel.raised_edges(cut, after, z, face.cut_edge, *face.cuts_by_edge, face.base)
        z[cut] = np.minimum(after, z[cut])
        order = np.argsort(self.columns.column[edges])
        edges, increase = edges[order], increase[order]
        of_a, of_b, of_f, n_parts = self._renumbered()
        comp = np.stack((of_a[edges], of_b[edges]), axis=1).ravel()
        column = self.columns.column
        cross = self._cross(column[edges])
        system = cross[:, column[edges]] + np.diag(1.0 / increase)
        q = np.zeros((len(edges), n_parts))
        np.add.at(q, (np.arange(len(edges)), of_a[edges]), 1.0)
        np.add.at(q, (np.arange(len(edges)), of_b[edges]), -1.0)
        lower = np.linalg.cholesky(system)
        v, q = np.linalg.solve(lower, cross), np.linalg.solve(lower, q).astype(np.float64)
        whole: Ints = kernel.joined(comp, len(edges), n_parts)
        plus = self.plus
        if n_parts > 1:
            h = -q.T @ v
            carried = np.flatnonzero(column >= 0)
            np.add.at(h, (of_a[carried], column[carried]), 1.0)
            np.add.at(h, (of_b[carried], column[carried]), -1.0)
            h[of_f, len(self.numbers.arrived) + np.arange(len(of_f))] += 1.0
            free = np.flatnonzero(whole != np.arange(n_parts))
            if len(free):
                root = np.linalg.cholesky(q[:, free].T @ q[:, free])
                plus = np.concatenate((plus, np.linalg.solve(root, h[free])))
        part_a, part_b, part_f = whole[of_a], whole[of_b], whole[of_f]
        out = replace(
            self, z=z, conductance=face.edge_conductances(z), minus=np.concatenate((self.minus, v)), plus=plus,
            part_a=part_a, part_b=part_b, part_focal=part_f, resistances=self.opened(edges, increase),
        )  # fmt: skip
        return out

    def _cross(self, columns: Ints) -> Floats:
        """``B' X B``: rows of some carried edges (ascending), columns of all carried ones and the patches."""
        c, numbers = self.columns, self.numbers
        arrived = numbers.arrived[columns] @ self.inverse
        out = np.concatenate((arrived @ numbers.arrived.T, arrived), axis=1)
        for t, ne in enumerate(c.n_out):
            c0, c1 = c.start[1, t], c.start[0, t + 1]
            mine = slice(*np.searchsorted(columns, (c0, c1)))
            if mine.stop > mine.start and ne:
                block = numbers.y[c.y_start[t] : c.y_start[t + 1]].reshape(c1 - c0, ne)
                out[mine, c0:c1] += block[columns[mine] - c0] @ block.T
        out -= self.minus[:, columns].T @ self.minus
        out += self.plus[:, columns].T @ self.plus
        return np.asarray(out, dtype=np.float64)

    def _renumbered(self) -> tuple[Ints, Ints, Ints, int]:
        """Components of edge ends and patches, numbered from 0."""
        names, local = np.unique(
            np.concatenate((self.part_a, self.part_b, self.part_focal)), return_inverse=True
        )
        n = len(self.part_a)
        of_a, of_b, of_f = np.split(local, [n, 2 * n])
        return of_a, of_b, of_f, len(names)

    def seen_from(self, focal: Ints) -> Floats:
        """Voltage drop over every edge by a unit current put into patches, (E, n); needs all edges carried."""
        column, n = self.columns.column, len(self.numbers.arrived)
        x = self.numbers.arrived @ self.inverse[:, focal]
        x -= self.minus[:, :n].T @ self.minus[:, n + focal]
        x += self.plus[:, :n].T @ self.plus[:, n + focal]
        return np.asarray(x[column], dtype=np.float64)


class LayeredSingles:
    """Every candidate alone, in any state: the twin of :class:`permeability.engines.circuit.interface.halving.SingleTree`."""

    def __init__(
        self, face: BarrierNetwork, candidates: Candidates, source: Layered | TwoSides | None = None
    ) -> None:
        self.face, self.candidates = face, candidates
        self.source = face.layered if source is None else source
        self.passes = list(self._passes())

    def _passes(self) -> Any:
        """Groups of neighbouring candidates whose right-hand sides fit into memory together."""
        face, cands = self.face, self.candidates
        assert self.source is not None
        rank = np.empty(len(face.base), dtype=np.int64)
        rank[self.source.order] = np.arange(len(face.base))
        edges = [
            np.unique(face.cut_edge[cands.cut[cands.start[k] : cands.start[k + 1]]])
            for k in range(len(cands))
        ]
        begin = np.array([rank[e].min() if len(e) else -1 for e in edges])
        members = np.argsort(begin, kind="stable")
        limit = PASS_BYTES if face.memory_limit is None else min(PASS_BYTES, face.memory_limit // 4)
        groups = [members]
        while groups:
            mine = groups.pop(0)
            columns = self.source.columns(np.concatenate([rank[:0], *(edges[k] for k in mine)]))
            splits = isinstance(self.source, Layered) and len(mine) > 1
            if splits and 8 * columns.y_start[-1] > limit:
                groups[:0] = np.array_split(mine, 2)
            else:
                yield mine, columns

    def run_with_today(
        self, crossing: ArrayLike | None = None, candidates: Candidates | None = None
    ) -> tuple[Floats, Floats]:
        """Resistances with every candidate alone, (K, P, P), and with none, (P, P)."""
        face = self.face
        chosen = self.candidates if candidates is None else candidates
        costs = face.crossing if crossing is None else np.asarray(crossing, dtype=np.float64)
        z = face.cut_resistances(costs)
        treated = face.treated(chosen, slice(None), costs)
        p = len(face.focal)
        out = np.empty((len(chosen), p, p))
        today = None
        for members, columns in self.passes:
            state = LayeredState.at(face, face.edge_conductances(z), z, columns, self.source)
            few = (
                np.diff(chosen.start)[members] <= MOST_OPENED
            )  # more are quicker eliminated in their own state
            out[members[few]], opens = state.each(chosen, members[few], treated, lowest=False)
            today = state.resistances
            for k in (*members[few][~opens], *members[~few]):
                rows = slice(chosen.start[k], chosen.start[k + 1])
                closed = z.copy()
                closed[chosen.cut[rows]] = treated[rows]
                found = state.closed(*_fallen(face, chosen.cut[rows], state.conductance, closed))
                # closing can disconnect: eliminate afresh
                out[k] = face.resistances(z=closed) if found is None else found
        return out, face.resistances(costs) if today is None else today


def _fallen(face: BarrierNetwork, cut: Ints, now: Floats, closed: Floats) -> tuple[Ints, Floats]:
    """Edges of some cuts that change and by how much their conductance falls."""
    edges = np.unique(face.cut_edge[cut])
    decrease = (now - face.edge_conductances(closed))[edges]
    return edges[decrease != 0], decrease[decrease != 0]
