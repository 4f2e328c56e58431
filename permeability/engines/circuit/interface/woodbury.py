"""One state of the barriers with the inverse of its network: any set of openings in milliseconds.

Woodbury's identity on the changed edges, ``R' = R - d' (D^-1 + U' X U)^-1 d``, with a generalised inverse X that
is block diagonal over connected components.  Openings that join components get the components' potentials
as extra unknowns, so that a complete barrier is zero conductance and not a small one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dpotri

from permeability.engines.circuit.interface.barrier_network import BarrierNetwork
from permeability.engines.circuit.interface.candidates import Candidates
from permeability.engines.kernels import gains as _gains
from permeability.engines.kernels.dissection import reduce_front

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
kernel: Any = _gains  # numba functions
UNKNOWN = np.zeros((0, 0))
LEAST_LEFT = 1e-5  # of what closing leaves in any direction: 1e-11 of the numbers may be lost


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
        g = face.network.copy()
        np.add.at(g, (face.node_a, face.node_b), conductance)
        np.add.at(g, (face.node_b, face.node_a), conductance)
        part, x = generalised_inverse(g)
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

    def closed(self, edges: Ints, decrease: Floats) -> Floats | None:
        """Resistances among the patches after lowering the conductance of some edges, (P, P).

        None where closing leaves so little in any direction (:data:`LEAST_LEFT`) that digits would be lost, or parts the patches.
        """
        if not len(edges):
            return self.resistances
        left = np.diag(1.0 / decrease) - self.matrix[np.ix_(edges, edges)]
        own = np.sqrt(decrease)
        scaled = left * own[:, None] * own  # the unit matrix where nothing else carries what the edges did
        lowest = np.linalg.eigvalsh(scaled)[0]
        if not lowest > LEAST_LEFT:
            return None
        v = np.linalg.solve(np.linalg.cholesky(scaled), own[:, None] * self.matrix[edges, len(self.part_a) :])
        more = ((v[:, :, None] - v[:, None, :]) ** 2).sum(axis=0)
        return self.resistances + more

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
        matrix = self.matrix - v.T @ v
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


def generalised_inverse(g: Floats) -> tuple[Ints, Floats]:
    """Of a dense network: component of every node, and the inverse of each component's Laplacian grounded at one of its nodes."""
    part: Ints = kernel.dense_components(g)
    w, none = g.copy(), np.zeros(0)
    reduce: Any = reduce_front
    reduce(w, np.zeros((0, 0)), none, none, none)
    roots = np.diag(w).copy()
    ground = roots == 0
    upper = np.triu(w, 1)
    del w
    np.negative(upper, out=upper)
    upper[:, ground] = 0.0
    np.fill_diagonal(upper, np.where(ground, 1.0, roots))
    lower, info = dpotri(upper.T, lower=1, overwrite_c=1)
    assert info == 0
    x = np.tril(lower)
    x += np.tril(x, -1).T
    x[ground, ground] = 0.0
    return part, x
