"""The circuit view of a choice, relaxed: shares of sites instead of sites, a concave gain, and its slopes.

Effective conductance is the least of ``sum g_e (v_a - v_b)^2`` over potentials, so it is concave in the edge
conductances, and effective resistance, its inverse, is convex (Ghosh, Boyd & Saberi 2008,
doi:10.1137/050645452).  With edge conductances that are never below those of any set of whole sites, every tangent
of the relaxed gain is an upper bound of the gain of every set.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from permeability.circuit.interface import Candidates, Interface
from permeability.circuit.woodbury import OpenState
from permeability.errors import check_choice

Floats = NDArray[np.float64]


class RelaxedGain:
    """Gain and slopes for shares of candidates, ``(f, df/dx) = relaxed(x)`` with ``0 < x <= 1``.

    Parameters
    ----------
    face : Interface
    candidates : Candidates
        Openings only.
    index : {"resistance", "conductance"}
    """

    def __init__(self, face: Interface, candidates: Candidates, index: str = "resistance") -> None:
        check_choice("index", index, ("resistance", "conductance"))
        self.face, self.index = face, index
        self.now = face.edge_conductances(face.cut_resistances())
        self.today = face.index(face.resistances(), index)
        z = face.cut_resistances()
        treated = face.treated(candidates, slice(None), face.crossing)
        lowest = z.copy()
        np.minimum.at(lowest, candidates.cut, treated)
        self.most = np.maximum(face.edge_conductances(lowest) - self.now, 0.0)
        self.rise = self._rises(candidates, z, treated)

    def _rises(self, candidates: Candidates, z: Floats, treated: Floats) -> Floats:
        """(K, E): what each candidate may add to each edge, such that sums over a set are never too small."""
        face = self.face
        rise = np.zeros((len(candidates), len(face.base)))
        for k in range(len(candidates)):
            rows = candidates.rows(k)
            alone = z.copy()
            alone[candidates.cut[rows]] = np.minimum(treated[rows], z[candidates.cut[rows]])
            rise[k] = np.maximum(face.edge_conductances(alone) - self.now, 0.0)
            edges = np.unique(face.cut_edge[candidates.cut[rows]])
            # cuts in series on one edge: opening both gives more than the sum, so each may have all of it
            several = np.bincount(face.cut_edge, minlength=len(face.base))[edges] > 1
            rise[k, edges[several]] = self.most[edges[several]]
        return rise

    def __call__(self, x: Floats) -> tuple[float, Floats]:
        """Relaxed gain and its slopes at shares ``x``, shape (K,)."""
        face = self.face
        added = x @ self.rise
        capped = added >= self.most
        state = OpenState.at(face, self.now + np.minimum(added, self.most))
        i, j = np.nonzero(np.triu(face.weights, 1))
        r, w = state.resistances[i, j], face.weights[i, j]
        n = len(face.base)
        joined = np.isfinite(r)
        drops = state.matrix[:n, n + i[joined]] - state.matrix[:n, n + j[joined]]
        reach = state.part_a[:, None] == state.part_focal[i[joined]]
        drops = np.where(reach, drops, 0.0)
        each = w[joined] if self.index == "resistance" else w[joined] / r[joined] ** 2
        slope = np.where(capped, 0.0, drops**2 @ each)
        level = face.index(state.resistances, self.index)
        gain = self.today - level if self.index == "resistance" else level - self.today
        return float(gain), self.rise @ slope
