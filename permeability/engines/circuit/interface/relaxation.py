"""The circuit view of a choice, relaxed: shares of sites instead of sites, a concave gain, and its slopes.

Effective conductance is the least of ``sum g_e (v_a - v_b)^2`` over potentials, so it is concave in the edge
conductances, and effective resistance, its inverse, is convex (Ghosh, Boyd & Saberi 2008,
doi:10.1137/050645452).  With edge conductances that are never below those of any set of whole sites, every tangent
of the relaxed gain is an upper bound of the gain of every set.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from permeability.core.errors import check_choice
from permeability.engines.circuit.interface.interface import Candidates, Interface
from permeability.engines.circuit.interface.set_value import Joint

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class RelaxedGain:
    """Gain and slopes for shares of candidates, ``(f, df/dx) = relaxed(x)`` with ``0 < x <= 1``.

    Parameters
    ----------
    face : Interface
    candidates : Candidates
        Openings only.
    index : {"resistance", "conductance"}
    joint : callable, optional
        What candidates that change the same cuts do together, see :class:`permeability.engines.circuit.interface.set_value.SetValue`.
    apart : iterable of (int, int)
        Candidates that are never built together.
    """

    def __init__(
        self,
        face: Interface,
        candidates: Candidates,
        index: str = "resistance",
        joint: Joint | None = None,
        apart: Iterable[tuple[int, int]] = (),
    ) -> None:
        check_choice("index", index, ("resistance", "conductance"))
        self.face, self.index, self.joint = face, index, joint
        self.apart = {frozenset(p) for p in apart}
        self.now = face.edge_conductances(face.cut_resistances())
        self.today = face.index(face.resistances(), index)
        z = face.cut_resistances()
        treated = face.treated(candidates, slice(None), face.crossing)
        lowest = z.copy()
        np.minimum.at(lowest, candidates.cut, treated)
        if joint is not None:
            self._lower_shared(candidates, lowest)
        self.most = np.maximum(face.edge_conductances(lowest) - self.now, 0.0)
        self.rise = self._rises(candidates, z, treated)

    def _lower_shared(self, candidates: Candidates, lowest: Floats) -> None:
        """Cuts that several candidates change: as open as any set of these can make them."""
        assert self.joint is not None
        of_row = np.repeat(np.arange(len(candidates)), np.diff(candidates.start))
        known: dict[tuple[int, ...], tuple[Ints, Floats]] = {}
        several = np.flatnonzero(np.bincount(candidates.cut, minlength=len(lowest)) > 1)
        for cut in several:
            owners = tuple(int(k) for k in np.unique(of_row[candidates.cut == cut]))
            pairs = {frozenset(p) for p in combinations(owners, 2)}
            if len(owners) < 2 or pairs <= self.apart:
                continue  # never together: the most open one alone counts
            if pairs & self.apart:
                lowest[cut] = 0.0
                continue
            if owners not in known:
                known[owners] = self.joint(owners)
            at, after = known[owners]
            here = after[at == cut] * self.face.factor[cut]
            lowest[cut] = min(lowest[cut], float(here.min(initial=np.inf)))

    def _rises(self, candidates: Candidates, z: Floats, treated: Floats) -> Any:
        """(K, E), sparse: what each candidate may add to each edge, such that sums over a set are never too small."""
        face = self.face
        owner, edge, alone = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], [np.zeros(0)]
        for k in range(len(candidates)):
            rows = candidates.rows(k)
            by_itself = z.copy()
            by_itself[candidates.cut[rows]] = np.minimum(treated[rows], z[candidates.cut[rows]])
            mine = np.unique(face.cut_edge[candidates.cut[rows]])
            edge.append(mine)
            owner.append(np.full(len(mine), k))
            alone.append(np.maximum(face.edge_conductances(by_itself) - self.now, 0.0)[mine])
        owners, edges, rise = np.concatenate(owner), np.concatenate(edge), np.concatenate(alone)
        cuts = np.bincount(face.cut_edge, minlength=len(face.base))
        order = np.argsort(edges, kind="stable")
        start = np.searchsorted(edges[order], np.arange(len(face.base) + 1))
        for e in np.flatnonzero(np.diff(start) > 1):
            here = order[start[e] : start[e + 1]]
            extra = self.most[e] - rise[here].sum()
            if len(here) == 2:  # each gets half of what they are worth together
                rise[here] += max(extra, 0.0) / 2
            elif cuts[e] > 1 or self.joint is not None:  # any two of them may be worth all
                rise[here] = self.most[e]
        return csr_array((rise, (owners, edges)), shape=(len(candidates), len(face.base)))

    def __call__(self, x: Floats) -> tuple[float, Floats]:
        """Relaxed gain and its slopes at shares ``x``, shape (K,)."""
        face = self.face
        added = x @ self.rise
        capped = added >= self.most
        state = face.seen_from_patches(self.now + np.minimum(added, self.most))
        i, j = np.nonzero(np.triu(face.weights, 1))
        r, w = state.resistances[i, j], face.weights[i, j]
        joined = np.isfinite(r)
        drops = state.seen_from(i[joined]) - state.seen_from(j[joined])
        reach = state.part_a[:, None] == state.part_focal[i[joined]]
        drops = np.where(reach, drops, 0.0)
        each = w[joined] if self.index == "resistance" else w[joined] / r[joined] ** 2
        slope = np.where(capped, 0.0, drops**2 @ each)
        level = face.index(state.resistances, self.index)
        gain = self.today - level if self.index == "resistance" else level - self.today
        return float(gain), self.rise @ slope
