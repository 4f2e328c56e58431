"""Every candidate alone in many states of the barriers, through a compressed network: what a thousand draws ask for.

Twin of :class:`permeability.engines.circuit.interface.halving.SingleTree` and
:class:`permeability.engines.circuit.interface.layered_state.LayeredSingles`, which are exact to rounding.  This one lets go what is below a tolerance
(:mod:`permeability.engines.circuit.interface.edge_tree`) and is taken where many states share one landscape; it is held against the exact way in
states of its own before it is used, and not used where they differ by more.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from permeability.engines.circuit.interface.barrier_network import BarrierNetwork
from permeability.engines.circuit.interface.candidates import Candidates
from permeability.engines.circuit.interface.compressed import joined_components
from permeability.engines.circuit.interface.edge_tree import (
    LEAF_EDGES,
    EdgeTree,
    NotPositiveError,
    edge_tree,
    halves,
)
from permeability.engines.circuit.interface.forms import FRONT_ALWAYS, PER_FRONT, RATE
from permeability.engines.circuit.interface.halving import SingleTree
from permeability.engines.circuit.interface.layered_state import LayeredSingles, LayeredState
from permeability.engines.circuit.interface.woodbury import OpenState
from permeability.engines.circuit.pair_conductance import pair_conductance
from permeability.engines.kernels import tree_states as _tree_states

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
kernel: Any = _tree_states  # numba functions

MANY = 24  # states of one landscape from which a compressed network is thought of: 500 draws over 16 landscapes have 31 each
CUT = 1e-9  # singular value of the largest mode that is let go, where every edge stands open
OWN = 100.0  # times more counts what a half does to the patches by itself: gains are differences of what is alike
TOLERANCE = 1e-7  # largest error of a gain, relative to it, in the states that are worked out both ways
ROUNDING = 1e-12  # of the index: smaller differences are rounding of either way
CHECKED = 2  # states that are worked out both ways: today's, and a looser one without complete barriers
MOST_EDGES = 6000  # their network is dense while the tree is made: 0.3 GB
MOST_SEEN = 100  # patches and components
# of one state, of its edges and its candidates, along one line (benchmarks/ranking.py)
SECONDS_AN_EDGE, SECONDS_A_SITE = 3e-6, 6e-5
LAYER_RATE = 2e10  # of the exact way in layers, for the choice only
STATE_RATE = 6e9  # multiply-adds per second of a state, once its ranks are known
SECONDS_A_PAIR = 1.5e-7  # of edges, to make the tree


def exact_seconds(face: BarrierNetwork, exact: SingleTree | LayeredSingles) -> float:
    """About how long one state takes with every candidate exact to rounding [s]."""
    if face.layered is None or isinstance(exact, SingleTree):
        return 0.2 * len(face.side) ** 3 / RATE
    fronts, passes = face.layered.fronts, len(exact.passes)
    carried = sum(int((columns.column >= 0).sum()) for _, columns in exact.passes)
    work = passes * fronts.work_state + fronts.work_columns() * carried / max(len(face.base), 1)
    return work / LAYER_RATE + passes * PER_FRONT * float(fronts.live.sum())


def worth_compressing(face: BarrierNetwork, exact: SingleTree | LayeredSingles, sites: int) -> bool:
    """Whether so many candidates are quicker seen through a compressed network when :data:`MANY` states are asked for; by sizes alone."""
    t, e, p = len(face.side), len(face.base), len(face.focal)
    seen = p + len(np.unique(face.side))
    if t - p <= FRONT_ALWAYS or e > MOST_EDGES or seen > MOST_SEEN:
        return False
    seconds = exact_seconds(face, exact)
    made = SECONDS_A_PAIR * e * (e + seen) + (1 + CHECKED) * seconds
    return bool(made < MANY * (seconds - SECONDS_AN_EDGE * e - SECONDS_A_SITE * sites))


def compressed_singles(
    face: BarrierNetwork,
    candidates: Candidates,
    reference: OpenState | LayeredState,
    exact: SingleTree | LayeredSingles,
) -> CompressedSingles | None:
    """Every candidate alone through a compressed network; None where that is not quicker or not close enough.

    Parameters
    ----------
    face : BarrierNetwork
    candidates : Candidates
    reference : OpenState or LayeredState
        The network with conductance 0 in every edge.
    exact : SingleTree or LayeredSingles

    Returns
    -------
    CompressedSingles or None
    """
    e = len(face.base)
    names, local = np.unique(
        np.concatenate((reference.part_a, reference.part_b, reference.part_focal)), return_inverse=True
    )
    if len(names) + len(face.focal) > MOST_SEEN:
        return None
    of_a, of_b, of_f = np.split(local.astype(np.int64), [e, 2 * e])
    ends = np.zeros((e, len(names)))
    np.add.at(ends, (np.arange(e), of_a), 1.0)
    np.add.at(ends, (np.arange(e), of_b), -1.0)
    matrix = reference.seen_among(np.arange(e))
    sets = [
        np.unique(face.cut_edge[candidates.cut[candidates.start[k] : candidates.start[k + 1]]])
        for k in range(len(candidates))
    ]
    child, leaf, edges = halves(face.place, sets, LEAF_EDGES)
    try:
        tree = edge_tree(matrix, len(face.focal), ends, face.base, CUT, OWN, child, edges)
    except NotPositiveError:
        return None
    small = CompressedSingles(face, candidates, tree, leaf, (of_a, of_b, of_f, matrix[e:, e:]))
    if small.work / STATE_RATE > exact_seconds(face, exact):  # halves feel each other in too many modes
        return None
    costs = [face.crossing, _without_complete_barriers(face, candidates)]
    worst = max(
        _difference(face, small.run_with_today(c, candidates), exact.run_with_today(c, candidates))
        for c in costs
    )
    return small if worst <= TOLERANCE else None


def _without_complete_barriers(face: BarrierNetwork, candidates: Candidates) -> Floats:
    """Crossing costs of today, but finite: what is complete is ten times what its open edges are, or thrice what a candidate leaves there."""
    out = np.where(
        np.isfinite(face.crossing), face.crossing, 10.0 / np.median(face.factor * face.base[face.cut_edge])
    )
    left = np.where(np.isfinite(candidates.after), 3.0 * candidates.after, 0.0)
    np.maximum.at(out, face.cut_section[candidates.cut], left)
    return np.asarray(out, dtype=np.float64)


def _difference(face: BarrierNetwork, found: tuple[Floats, Floats], exact: tuple[Floats, Floats]) -> float:
    """Largest relative difference of any gain; infinite where a pair is joined in one and not in the other."""
    i, j = np.nonzero(np.triu(face.weights, 1))
    for mine, other in zip(found, exact):
        if not np.array_equal(np.isfinite(mine), np.isfinite(other)):
            return float("inf")
    (after, today), (after_exact, today_exact) = (
        [pair_conductance(r[..., i, j]) @ face.weights[i, j] for r in both] for both in (found, exact)
    )
    gain, gain_exact = after - today, after_exact - today_exact
    off = np.abs(gain - gain_exact) - ROUNDING * np.abs(after_exact)
    worst = float(np.max(np.maximum(off, 0.0) / np.maximum(np.abs(gain_exact), 1e-300), initial=0.0))
    return max(worst, abs(float(today - today_exact)) / max(abs(float(today_exact)), 1e-300))


class CompressedSingles:
    """Every candidate alone, in any state.

    Parameters
    ----------
    face : BarrierNetwork
    candidates : Candidates
        Which cuts each of them changes; what they do to them may differ from state to state.
    tree : EdgeTree
        Of all barrier edges.
    leaf : int array, shape (E,)
        The node that holds each edge.
    reference : (array, array, array, array)
        Components of both ends of every edge (E,) and of every patch (P,), numbered from 0, and the generalised inverse at the patches, with nothing
        in the edges.
    """

    def __init__(
        self, face: BarrierNetwork, candidates: Candidates, tree: EdgeTree, leaf: Ints,
        reference: tuple[Ints, Ints, Ints, Floats],
    ) -> None:  # fmt: skip
        self.face, self.tree = face, tree
        self.part_a, self.part_b, self.part_focal, self.focal = reference
        at = np.empty(len(leaf), dtype=np.int64)
        at[tree.order] = np.arange(len(leaf))
        start, cuts = face.cuts_by_edge
        source, pairs, lengths = [], [], []
        where, touched = np.zeros(len(candidates), dtype=np.int64), []
        parents = _parents(tree.child)
        for k in range(len(candidates)):
            rows = np.arange(candidates.start[k], candidates.start[k + 1])
            changed = np.unique(face.cut_edge[candidates.cut[rows]])
            mine = dict(
                zip(candidates.cut[rows].tolist(), rows.tolist())
            )  # of several treatments of a cut the last counts
            for e in changed.tolist():
                own = cuts[start[e] : start[e + 1]].tolist()
                source += [len(face.cut_edge) + mine[c] if c in mine else c for c in own]
                lengths.append(len(own))
            pairs.append(changed)
            where[k], below = _met(np.unique(leaf[changed]), parents)
            touched.append(below)
        self.pair_start = np.concatenate(([0], np.cumsum([len(p) for p in pairs]))).astype(np.int64)
        self.pair = np.concatenate([np.zeros(0, np.int64), *pairs])
        self._source = np.array(source, dtype=np.int64)
        self._source_start = np.concatenate(([0], np.cumsum(lengths)))[:-1].astype(np.int64)
        self._pair_edge = at[self.pair]
        by_node = np.argsort(where, kind="stable").astype(np.int64)
        self._at = np.searchsorted(where[by_node], np.arange(len(tree.child) + 1)).astype(np.int64), by_node
        self._touched = (
            np.concatenate(([0], np.cumsum([len(x) for x in touched]))).astype(np.int64),
            np.concatenate([np.zeros(0, np.int64), *touched]),
        )
        self.work = tree.work(where, self._touched[1])
        self._joining = np.flatnonzero(self.part_a != self.part_b)

    def run_with_today(
        self, crossing: ArrayLike | None = None, candidates: Candidates | None = None
    ) -> tuple[Floats, Floats]:
        """Resistances with every candidate alone, (K, P, P), and with none, (P, P)."""
        face, tree = self.face, self.tree
        assert candidates is not None
        costs = face.crossing if crossing is None else np.asarray(crossing, dtype=np.float64)
        z = face.cut_resistances(costs)
        d = face.edge_conductances(z)
        after = self._after(np.concatenate((z, face.treated(candidates, slice(None), costs))))
        n, wide = len(self.pair_start) - 1, tree.right.shape[1]
        sums = np.empty((n + 1, wide, wide))
        kernel.tree_state(
            tree.child, tree.size, tree.rank, tree.inner, tree.inner_at, tree.basis, tree.basis_at, tree.first_edge, tree.factor_at,
            tree.right, d[tree.order], *self._at, *self._touched, self.pair_start, self._pair_edge, after, sums,
        )  # fmt: skip
        joined = self._joined(d, after)
        out = np.empty((n + 1, *self.focal.shape))
        names, of = np.unique(joined, axis=0, return_inverse=True)
        for j, whole in enumerate(names):
            mine = np.flatnonzero(of.ravel() == j)
            out[mine] = self._resistances(sums[mine], whole)
        same = np.ones(n, dtype=bool)
        different = np.flatnonzero(after != d[self.pair])
        same[np.searchsorted(self.pair_start, different, side="right") - 1] = False
        out[:n][same] = out[n]  # to the last bit: a gain of nothing is 0
        return out[:n], out[n]

    def _after(self, resistances: Floats) -> Floats:
        """Conductance of every edge of every candidate with it; ``resistances`` of all cuts, then of all treated ones."""
        if not len(self.pair):
            return np.zeros(0)
        series = np.add.reduceat(resistances[self._source], self._source_start)
        return np.asarray(1.0 / (1.0 / self.face.base[self.pair] + series), dtype=np.float64)

    def _joined(self, d: Floats, after: Floats) -> Ints:
        """Lowest component that each hangs together with, for every candidate and, last, without any, (K + 1, components)."""
        n, count = len(self.pair_start) - 1, self.tree.right.shape[1] - len(self.focal)
        open_now = self._joining[d[self._joining] > 0]
        today = joined_components(count, self._pairs(open_now))
        found = np.tile(today, (n + 1, 1))
        a, b = today[self.part_a[self.pair]], today[self.part_b[self.pair]]
        news = np.flatnonzero((a != b) & (after > 0))
        closes = np.flatnonzero(
            (self.part_a[self.pair] != self.part_b[self.pair]) & (after == 0) & (d[self.pair] > 0)
        )
        of_pair = np.searchsorted(self.pair_start, np.arange(len(self.pair)), side="right") - 1
        for k in np.unique(of_pair[np.concatenate((news, closes))]).tolist():
            now = d.copy()
            mine = slice(self.pair_start[k], self.pair_start[k + 1])
            now[self.pair[mine]] = after[mine]
            stands = self._joining[now[self._joining] > 0]
            found[k] = joined_components(count, self._pairs(stands))
        return found

    def _pairs(self, edges: Ints) -> Ints:
        """Pairs of components that some edges lie between, (m, 2)."""
        return np.unique(np.stack((self.part_a[edges], self.part_b[edges]), axis=1), axis=0)

    def _resistances(self, sums: Floats, whole: Ints) -> Floats:
        """From ``b'K^-1 b`` over patches and components, (n, P + C, P + C), as in :mod:`permeability.engines.kernels.gains`."""
        p, of = len(self.focal), self.part_focal
        values = self.focal - sums[:, :p, :p]
        free = np.flatnonzero(whole != np.arange(len(whole)))
        if len(free):
            h = (of[None, :] == free[:, None]).astype(float) - sums[:, p + free, :p]
            values = values + np.swapaxes(h, 1, 2) @ np.linalg.solve(sums[:, p + free][:, :, p + free], h)
        diagonal = np.diagonal(values, axis1=1, axis2=2)
        out = diagonal[:, :, None] + diagonal[:, None, :] - values - np.swapaxes(values, 1, 2)
        out[:, whole[of][:, None] != whole[of][None, :]] = np.inf
        out[:, np.arange(p), np.arange(p)] = 0.0
        return np.maximum(out, 0.0)


def _parents(child: Ints) -> Ints:
    out = np.full(len(child), -1, dtype=np.int64)
    for t in np.flatnonzero(child[:, 0] >= 0).tolist():
        out[child[t]] = t
    return out


def _met(leaves: Ints, parents: Ints) -> tuple[int, Ints]:
    """The lowest node above all of some leaves, and the nodes between, lower ones first."""
    if len(leaves) < 2:
        return (int(leaves[0]) if len(leaves) else len(parents) - 1), leaves[:0]
    under = set(leaves.tolist())
    frontier = sorted(under)
    while len(frontier) > 1:  # children have lower numbers than their parents
        above = int(parents[frontier[0]])
        frontier = sorted({above, *frontier[1:]})
        under.add(above)
    top = frontier[0]
    return top, np.array(sorted(under - {top}), dtype=np.int64)
