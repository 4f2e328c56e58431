"""A chain seen from its places and from the edges that may change: chances of arriving after any change, exactly.

The chain is condensed once without those edges; a change is a conductance and two leaks for each of them.  The ground into
which everything leaks is one more node, so the halving of candidates (:mod:`permeability.engines.circuit.interface.halving`) works
on it as it stands, with sums and products only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from permeability.engines.chain.grid_chain import reach_chances
from permeability.engines.chain.ground_chain import DeadlyEdges, Walk, edge_ground, edge_state, ground_chain
from permeability.engines.circuit.interface.barrier_network import BarrierNetwork
from permeability.engines.circuit.interface.candidates import Candidates
from permeability.engines.circuit.interface.forms import InterfaceReport
from permeability.engines.circuit.interface.halving import SingleTree
from permeability.engines.circuit.solvers.condensation import condense
from permeability.engines.kernels import gains as _gains

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
kernel: Any = _gains  # numba functions
NOTHING = np.zeros((0, 0))


class EdgeChange(NamedTuple):
    """What some edges (by name, ascending) are after a change: costs [m], series resistance, chance that crossing kills."""

    keys: Ints
    cost_m: Floats
    series: Floats
    killed: Floats


class _ChanceTree(SingleTree):
    """Halving that asks for chances of arriving; the last of the focal nodes is the ground."""

    def value(self, net: Floats, at_a: Ints, at_b: Ints, conductance: Floats) -> Floats:
        p, n = len(self.face.focal), len(net)
        order = np.concatenate((np.arange(p, n), np.arange(p)))
        place = np.empty(n, np.int64)
        place[order] = np.arange(n)
        small = kernel.reduce_step(
            net, order, n - p, place[at_a], place[at_b], conductance, NOTHING, order[:0]
        )
        return _chances(small)


def _chances(network: Floats) -> Floats:
    """Chances among places, the ground being the last node; as large as the network, for the halving."""
    out = np.eye(len(network))
    out[:-1, :-1] = reach_chances(network[:-1, :-1], network[:-1, -1])
    return out


@dataclass(frozen=True, eq=False)
class ChainInterface:
    """A chain condensed onto its regions and the ends of edges.

    Attributes
    ----------
    walk : Walk
        With regions.
    keys : array of int
        Edges that may change, ascending.
    """

    walk: Walk
    keys: Ints
    network: Floats  # (T + 1, T + 1): regions, the ground, all other nodes
    focal: Ints
    node_a: Ints
    node_b: Ints

    @classmethod
    def build(cls, walk: Walk, keys: Ints, *, memory_limit: int | None = None) -> ChainInterface:
        """Condense once.

        Parameters
        ----------
        walk : Walk
        keys : int array
            Edges that may change, ascending; those without ground and those within one region are left as they are.
        memory_limit : int, optional
            Bytes the work may take.

        Raises
        ------
        MemoryLimitError
            [M11] when it does not fit.

        Examples
        --------
        >>> regions = np.zeros((1, 4), np.int64)
        >>> regions[0, 0], regions[0, 3] = 1, 2
        >>> walk = Walk(np.ones((1, 4)), 1.0, death=0.1, regions=regions)
        >>> face = ChainInterface.build(walk, np.array([8]))
        >>> bool(np.isclose(face.today()[0, 1], walk.chain.region_chances()[0, 1], rtol=1e-12))
        True
        """
        a, b, _, live = edge_ground(walk, keys)
        flat = np.zeros(walk.resistance.size, np.int64) if walk.regions is None else walk.regions.reshape(-1)
        use = live & ((flat[a] == 0) | (flat[a] != flat[b]))
        keys, a, b = keys[use], a[use], b[use]
        chain = ground_chain(walk, without=keys)
        land = condense(
            chain.links,
            left_out=(keys // 8, keys % 8),
            leak=chain.leak,
            regions=walk.regions,
            memory_limit=memory_limit,
        )
        t = len(land.nodes)
        p = len(land.regions)
        at = np.concatenate(
            (np.arange(p), np.arange(p + 1, t + 1))
        )  # the ground follows the regions: focal nodes come first
        network = np.zeros((t + 1, t + 1))
        network[np.ix_(at, at)] = land.conductance
        network[at, p] = network[p, at] = land.leak
        return cls(walk, keys, network, np.arange(p + 1), at[land.index_of(a)], at[land.index_of(b)])

    # ---------------------------------------------------------------- states of the edges
    def values(self, change: EdgeChange | None = None) -> Floats:
        """Conductance of every edge, and leak at either end, after a change: three in a row for each edge, (3 E,)."""
        cost, series = self.walk.edges.at(self.keys)
        deadly = self.walk.deadly
        if change is not None and len(change.keys):
            at, mine = self.positions(change.keys)
            cost[at], series[at] = change.cost_m[mine], change.series[mine]
            weight = deadly.at(self.keys)[1]
            chance = deadly.at(self.keys)[0]
            chance[at] = change.killed[mine]
            deadly = DeadlyEdges(self.keys, chance, weight)
        state = edge_state(self.walk, self.keys, cost, series, deadly)
        return np.concatenate((state.links, state.leak, state.leak))

    def positions(self, keys: Ints) -> tuple[Ints, NDArray[np.bool_]]:
        """Numbers of edges among those that may change, and which of them are there."""
        if not len(self.keys):
            return np.zeros(0, np.int64), np.zeros(len(keys), bool)
        at = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        mine = self.keys[at] == keys
        return at[mine], mine

    def covers(self, keys: Ints) -> bool:
        """Whether all of these edges may change here, or are none of the chain."""
        at, mine = self.positions(keys)
        rest = keys[~mine]
        a, b, _, live = edge_ground(self.walk, rest)
        flat = (
            np.zeros(self.walk.resistance.size, np.int64)
            if self.walk.regions is None
            else self.walk.regions.reshape(-1)
        )
        home = (flat[a] > 0) & (flat[a] == flat[b])
        return bool(np.all(~live | home | (rest % 8 >= 4))) and len(at) == int(mine.sum())

    @property
    def _ends(self) -> tuple[Ints, Ints]:
        ground = np.full(len(self.keys), self.focal[-1], np.int64)
        return np.concatenate((self.node_a, self.node_a, self.node_b)), np.concatenate(
            (self.node_b, ground, ground)
        )

    def chances(self, values: Floats) -> Floats:
        """Chance to get from every region to each other in one state of the edges, (P, P)."""
        t, p = len(self.network), len(self.focal)
        order = np.concatenate((np.setdiff1d(np.arange(t), self.focal), self.focal))
        place = np.empty(t, np.int64)
        place[order] = np.arange(t)
        a, b = self._ends
        small = kernel.reduce_step(self.network, order, t - p, place[a], place[b], values, NOTHING, order[:0])
        return _chances(small)[:-1, :-1]

    def today(self) -> Floats:
        """Chances as the edges are."""
        return self.chances(self.values())

    def after(self, change: EdgeChange) -> Floats:
        """Chances after one change."""
        return self.chances(self.values(change))

    def singles(self, changes: Sequence[EdgeChange]) -> Floats:
        """Chances with each change by itself, (K, P, P): every candidate in one pass."""
        now = self.values()
        states = [self.values(c) for c in changes]
        differ = [np.flatnonzero(s != now) for s in states]
        most = np.max([now, *states], axis=0) if len(now) else now
        base = np.where(most > 0, 2.0 * most, 1.0)

        def series(values: Floats, at: Ints | slice = slice(None)) -> Floats:
            with np.errstate(divide="ignore"):
                return np.asarray(1.0 / values - 1.0 / base[at])

        n = len(now)
        number = np.arange(n)
        a, b = self._ends
        cell = self.keys // 8
        cols = self.walk.resistance.shape[1]
        place = np.stack((cell // cols, cell % cols), axis=1).astype(np.float64)
        p = len(self.focal)
        face = BarrierNetwork(
            self.network, self.focal, a, b, base, number, number, np.ones(n), series(now),
            np.ones((p, p)), np.concatenate((place, place, place)), kernel.dense_components(self.network),
            InterfaceReport("front", "a chain", len(self.network), n, 0.0, self.network.nbytes, np.nan),
        )  # fmt: skip
        start = np.concatenate(([0], np.cumsum([len(d) for d in differ]))).astype(np.int64)
        cut = np.concatenate([number[:0], *differ])
        after = np.concatenate([np.zeros(0), *(series(s[d], d) for s, d in zip(states, differ))])
        found = _ChanceTree(face, Candidates(start, cut, np.ones(len(cut)), after)).run()
        return np.asarray(found[:, :-1, :-1])
