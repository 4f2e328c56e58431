"""One state of the barriers with the inverse of its network: any set of openings in milliseconds.

Woodbury's identity on the changed edges, ``R' = R - d' (D^-1 + U' X U)^-1 d``, with a generalised inverse X that
is block diagonal over connected components.  Openings that join components get the components' potentials
as extra unknowns, so that a complete barrier is zero conductance and not a small one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dpotri, dpotrs

from permeability.engines.circuit.interface.barrier_network import BarrierNetwork
from permeability.engines.circuit.interface.candidates import Candidates
from permeability.engines.kernels import gains as _gains
from permeability.engines.kernels.pivots import reduce_front

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
kernel: Any = _gains  # numba functions
UNKNOWN = np.zeros((0, 0))
LEAST_LEFT = 1e-5  # of what closing leaves in any direction: 1e-11 of the numbers may be lost
LEFT_TO_KEEP = 1e-2  # likewise, for a state that is kept
PADDED = 8  # systems of nearly the same size are filled up to a multiple of this and solved together
MOST_AT_ONCE = 1_000_000  # numbers of a table that is made on the way


@dataclass(frozen=True, eq=False)
class OpenState:
    """One state of the barriers with the generalised inverse of its network, seen from edges and patches."""

    face: BarrierNetwork
    z: Floats
    conductance: Floats
    matrix: Floats  # (E + P, E + P)
    part_a: Ints
    part_b: Ints
    part_focal: Ints
    resistances: Floats

    @classmethod
    def of(cls, face: BarrierNetwork, z: Floats) -> OpenState:
        """Invert one state of the cuts: T^3 multiply-adds."""
        return cls.at(face, face.edge_conductances(z), z)

    @classmethod
    def at(cls, face: BarrierNetwork, conductance: Floats, z: Floats | None = None) -> OpenState:
        """Invert one state of the edges (without ``z`` nothing can be built on it)."""
        part, x = generalised_inverse(_with_edges(face, conductance))
        matrix = kernel.gather(x, face.node_a, face.node_b, face.focal)
        nothing = np.zeros(0, dtype=np.int64)
        parts = part[face.node_a], part[face.node_b], part[face.focal]
        now = kernel.opened_resistances(matrix, *parts, nothing, np.zeros(0), UNKNOWN)
        return cls(face, np.zeros(0) if z is None else z, conductance, matrix, *parts, now)

    def opened(self, edges: Ints, increase: Floats) -> Floats:
        """Resistances among the patches after raising the conductance of some edges, (P, P)."""
        out: Floats = kernel.opened_resistances(
            self.matrix, self.part_a, self.part_b, self.part_focal, edges, increase, self.resistances
        )
        return out

    def closed_by_each(self, changes: Sequence[tuple[Ints, Floats]]) -> list[Floats | None]:
        """Resistances among the patches after lowering the conductance of some edges, for several such changes, (P, P) each.

        Parameters
        ----------
        changes : sequence of (edges, decrease)
            Decreases above 0.

        Returns
        -------
        list of array or None
            None where closing leaves so little in any direction (:data:`LEAST_LEFT`) that digits would be lost, or parts the patches.
        """
        found: list[Floats | None] = [None] * len(changes)
        focal = slice(len(self.part_a), len(self.matrix))
        alike: dict[int, list[int]] = {}
        for n, (edges, _) in enumerate(changes):
            alike.setdefault(-(-max(len(edges), 1) // PADDED) * PADDED, []).append(n)
        for size, which in alike.items():  # many small systems in one call
            at_once = max(1, MOST_AT_ONCE // (size * len(self.part_focal) ** 2))
            for few in (which[i : i + at_once] for i in range(0, len(which), at_once)):
                v, safe = self._closing([changes[n] for n in few], size, focal, LEAST_LEFT)
                more = ((v[:, :, :, None] - v[:, :, None, :]) ** 2).sum(axis=1)
                for i, n in enumerate(np.array(few)[safe].tolist()):
                    found[n] = self.resistances + more[i]
        return found

    def close(self, edges: Ints, decrease: Floats, z: Floats) -> OpenState | None:
        """The state with the conductance of some edges lowered, where ``z`` are the cuts then.

        None where closing leaves less than :data:`LEFT_TO_KEEP` in any direction: a state that others come from loses no digits.
        """
        if not len(edges):
            return replace(self, z=z)
        v, safe = self._closing([(edges, decrease)], len(edges), slice(0, len(self.matrix)), LEFT_TO_KEEP)
        if not safe[0]:
            return None
        ends = v[0][:, len(self.part_a) :]
        more = ((ends[:, :, None] - ends[:, None, :]) ** 2).sum(axis=0)
        return replace(
            self, z=z, conductance=self.face.edge_conductances(z), matrix=self.matrix + v[0].T @ v[0],
            resistances=self.resistances + more,
        )  # fmt: skip

    def _closing(
        self, changes: Sequence[tuple[Ints, Floats]], size: int, columns: slice, least: float
    ) -> tuple[Floats, NDArray[np.bool_]]:
        """``C^-1 V`` with ``D^-1 - U'XU = C C'`` of every change that leaves enough in all directions, and which do.

        Changes of fewer edges than ``size`` are filled up with edges to which nothing is done.
        """
        edges, less = np.zeros((len(changes), size), np.int64), np.zeros((len(changes), size))
        for i, (mine, decrease) in enumerate(changes):
            edges[i, : len(mine)], less[i, : len(mine)] = mine, decrease
        own = np.sqrt(less)
        scaled = -own[:, :, None] * self.matrix[edges[:, :, None], edges[:, None, :]] * own[:, None, :]
        scaled[:, np.arange(size), np.arange(size)] += (
            1.0  # the unit matrix where nothing else carries what the edges did
        )
        safe = np.linalg.eigvalsh(scaled)[:, 0] > least
        rows = own[safe][:, :, None] * self.matrix[edges[safe], columns]
        return np.linalg.solve(np.linalg.cholesky(scaled[safe]), rows), safe

    def with_each(self, candidates: Candidates, which: Ints) -> Floats:
        """Resistances among the patches with one more candidate built, for several, (n, P, P).

        A treatment never lowers what an earlier one has opened: of two the more open one counts.
        """
        face = self.face
        treated = face.treated(candidates, slice(None), face.crossing)
        parts = self.part_a, self.part_b, self.part_focal
        rows = candidates.start, candidates.cut, treated, self.z
        out: Floats = kernel.opened_by_each(
            self.matrix, *parts, self.resistances, which, *rows, face.cut_edge, *face.cuts_by_edge, face.base
        )
        return out

    def seen_from(self, focal: Ints) -> Floats:
        """Voltage drop over every edge by a unit current put into patches, (E, n)."""
        n = len(self.part_a)
        return self.matrix[:n, n + focal]

    def seen_among(self, edges: Ints) -> Floats:
        """``B' X B`` of some edges followed by the patches, (n + P, n + P)."""
        at = np.concatenate((edges, np.arange(len(self.part_a), len(self.matrix))))
        return self.matrix[np.ix_(at, at)]

    def build(self, candidates: Candidates, k: int) -> OpenState:
        """The state with one more candidate built."""
        face, rows = self.face, slice(candidates.start[k], candidates.start[k + 1])
        cut, z = candidates.cut[rows], self.z.copy()
        after = face.treated(candidates, rows, face.crossing)
        edges, increase = kernel.raised_edges(cut, after, z, face.cut_edge, *face.cuts_by_edge, face.base)
        z[cut] = np.minimum(after, z[cut])
        parts = np.concatenate((self.part_a, self.part_b, self.part_focal))
        names, local = np.unique(parts, return_inverse=True)
        n_edges = len(self.part_a)
        of_a, of_b, of_f = np.split(local, [n_edges, 2 * n_edges])
        comp = np.stack((of_a[edges], of_b[edges]), axis=1).ravel()
        columns = np.arange(len(self.matrix))
        v, q = kernel.woodbury(self.matrix, edges, increase, columns, comp, len(names))
        matrix = v.T @ v
        np.subtract(self.matrix, matrix, out=matrix)
        whole = kernel.joined(comp, len(edges), len(names))
        if len(names) > 1:
            h = -q.T @ v
            np.add.at(h, (of_a, np.arange(n_edges)), 1.0)
            np.add.at(h, (of_b, np.arange(n_edges)), -1.0)
            h[of_f, n_edges + np.arange(len(of_f))] += 1.0
            matrix += kernel.component_part(q, h, whole)
        part_a, part_b, part_f = whole[of_a], whole[of_b], whole[of_f]
        nothing = np.zeros(0, dtype=np.int64)
        now = kernel.opened_resistances(matrix, part_a, part_b, part_f, nothing, np.zeros(0), UNKNOWN)
        c = self.face.edge_conductances(z)
        return OpenState(self.face, z, c, matrix, part_a, part_b, part_f, now)


@dataclass(frozen=True, eq=False)
class SeenFromPatches:
    """One state of the barriers as unit currents put into patches see it: a few columns of the inverse, without the rest.

    Examples
    --------
    >>> from permeability.engines.kernels.edges import grid_links
    >>> from permeability.engines.circuit.interface.interface import Interface
    >>> face = Interface.build(grid_links(np.ones((1, 4))), edges=([1], [0]), cuts=([0], [0], [1.0]),
    ...                        crossing=[10.0], patches=[0, 3])
    >>> state = SeenFromPatches.at(face, np.array([0.1]))
    >>> state.resistances.round(6).tolist(), np.diff(state.seen_from(np.array([0, 1]))).round(6).tolist()
    ([[0.0, 12.0], [12.0, 0.0]], [[-10.0]])
    """

    drops: Floats  # (E, P)
    part_a: Ints
    part_focal: Ints
    resistances: Floats

    @classmethod
    def at(cls, face: BarrierNetwork, conductance: Floats) -> SeenFromPatches:
        """Factorise one state of the edges: T^3 / 3 multiply-adds, a third of what its inverse takes."""
        part, factor, ground = _factorised(_with_edges(face, conductance))
        unit = np.zeros((len(part), len(face.focal)), order="F")
        unit[face.focal, np.arange(len(face.focal))] = 1.0
        unit[ground] = 0.0
        x, info = dpotrs(factor, unit, lower=1, overwrite_b=1)
        assert info == 0
        parts, nothing = (part[face.node_a], part[face.node_b], part[face.focal]), np.zeros(0, dtype=np.int64)
        among = np.ascontiguousarray(x[face.focal])
        none = parts[0][:0]  # as of no edges
        now = kernel.opened_resistances(among, none, none, parts[2], nothing, np.zeros(0), UNKNOWN)
        return cls(x[face.node_a] - x[face.node_b], parts[0], parts[2], now)

    def seen_from(self, focal: Ints) -> Floats:
        """Voltage drop over every edge by a unit current put into patches, (E, n)."""
        return self.drops[:, focal]


def _with_edges(face: BarrierNetwork, conductance: Floats) -> Floats:
    """The whole network of one state of the barrier edges."""
    g = face.network.copy()
    np.add.at(g, (face.node_a, face.node_b), conductance)
    np.add.at(g, (face.node_b, face.node_a), conductance)
    return g


def _factorised(g: Floats) -> tuple[Ints, Floats, NDArray[np.bool_]]:
    """Of a dense network: component of every node, Cholesky's lower factor of the grounded Laplacians, and the grounded nodes."""
    part: Ints = kernel.dense_components(g)
    w, none = g.copy(), np.zeros(0)
    reduce: Any = reduce_front
    reduce(w, np.zeros((0, 0)), none, none, none)
    roots = np.diag(w).copy()
    ground = roots == 0
    np.negative(w, out=w)
    w[:, ground] = 0.0
    np.fill_diagonal(w, np.where(ground, 1.0, roots))
    return part, w.T, ground  # what lies beyond the lower half is never read


def generalised_inverse(g: Floats) -> tuple[Ints, Floats]:
    """Of a dense network: component of every node, and the inverse of each component's Laplacian grounded at one of its nodes."""
    part, factor, ground = _factorised(g)
    lower, info = dpotri(factor, lower=1, overwrite_c=1)
    assert info == 0
    x = np.tril(lower)
    x += np.tril(x, -1).T
    x[ground, ground] = 0.0
    return part, x
