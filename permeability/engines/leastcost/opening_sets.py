"""The least-cost view of sets of openings: exact costs of any set, and every set of sites that a best way can use.

Openings come in *groups* of sites: an edge that two barriers cut needs both sites open before it costs what is left
then.  With the costs among all ends of openable edges (:class:`permeability.engines.leastcost.openings.PortalNetwork`) a set is a
shortest path in a small graph.  :func:`way_sets` lists, for every pair of places, the sets of sites that some
shortest way uses when they are open: what an integer program needs to find the best plan and prove it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from permeability.engines.kernels.shortest_update import dense_dijkstra, opened_arcs
from permeability.engines.leastcost.openings import PortalNetwork

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Sites = frozenset[int]
LESS = 1e-12  # a way must be shorter by this share to count as another one
MOST_SETS = 20_000


class WaySets(NamedTuple):
    """Sets of sites that ways use, one row per pair of places and set.

    ``first, second``: the places; ``sites``: the set; ``cost``: least cost with just these open [m of open ground];
    ``complete``: False when the search was stopped, so that longer combinations may be missing.
    """

    first: Ints
    second: Ints
    sites: list[Sites]
    cost: Floats
    complete: bool


@dataclass(frozen=True, eq=False)
class OpenedWays:
    """Least costs among places for any set of sites; ways cost the same in both directions.

    Attributes
    ----------
    network : PortalNetwork
        Its candidates are the groups.
    groups : sequence of frozenset of int
        Sites that must all be open for each candidate of the network to be.
    """

    network: PortalNetwork
    groups: tuple[Sites, ...]

    def costs(self, members: Sequence[int]) -> Floats:
        """Least cost between all places with a set of sites open [m of open ground], shape (places, places)."""
        chosen = frozenset(int(k) for k in members)
        open_ones = [g for g, sites in enumerate(self.groups) if sites <= chosen]
        n = self.network.places
        if not open_ones:
            return self.network.cost[:n, :n].copy()
        return np.array([self.network.costs_with(open_ones, i) for i in range(n)])

    def arcs(self) -> tuple[Ints, Ints, Floats, Ints]:
        """Tail, head (nodes of the network), cost and group of every way over an openable edge."""
        net, parts = self.network, []
        for g in range(len(self.groups)):
            rows = slice(net.openings.start[g], net.openings.start[g + 1])
            o = net.openings
            tail, head, cost = opened_arcs(
                net.surface.edges, o.cell[rows], o.direction[rows], o.cost[rows], False
            )
            use = np.isfinite(cost)
            nodes = (net.places + np.searchsorted(net.cells, ends[use]) for ends in (tail, head))
            parts.append((*nodes, cost[use], np.full(int(use.sum()), g)))
        if not parts:
            return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.int64)
        tails, heads, costs, group = (np.concatenate(column) for column in zip(*parts))
        return tails, heads, costs, group


def way_sets(
    ways: OpenedWays, *, apart: Sequence[tuple[int, int]] = (), most_sets: int = MOST_SETS
) -> WaySets:
    """Every set of sites that a shortest way between two places uses when it is open.

    Parameters
    ----------
    ways : OpenedWays
    apart : sequence of (int, int)
        Sites that are never open together.
    most_sets : int
        Sets looked at from one place before the search is given up.

    Returns
    -------
    WaySets
        For any set S of sites the least cost of a pair is the smallest of its ``cost`` over the listed subsets of
        S, or today's cost.

    Notes
    -----
    A way is followed from opened edge to opened edge; what has been reached with a set is given up where today's
    way is as short, where a part of the set does as well, or where even with everything open the rest would
    be too long for any other place.
    """
    found = _Search(ways, apart, most_sets)
    for place in range(ways.network.places):
        found.run(place)
    return WaySets(
        np.array(found.first, np.int64),
        np.array(found.second, np.int64),
        found.sites,
        np.array(found.cost),
        found.complete,
    )


class _Search:
    """The search of :func:`way_sets`."""

    def __init__(self, ways: OpenedWays, apart: Sequence[tuple[int, int]], most_sets: int) -> None:
        self.dist, self.places = ways.network.cost, ways.network.places
        self.groups, self.most_sets = ways.groups, most_sets
        self.tail, self.head, self.arc, self.group = ways.arcs()
        self.rows = [np.flatnonzero(self.group == g) for g in range(len(self.groups))]
        self.apart = [frozenset(p) for p in apart]
        full = np.ascontiguousarray(self.dist)
        self.left = np.array(
            [dense_dijkstra(full, t, self.tail, self.head, self.arc) for t in range(self.places)]
        )
        self.first: list[int] = []
        self.second: list[int] = []
        self.sites: list[Sites] = []
        self.cost: list[float] = []
        self.complete = True

    def run(self, place: int) -> None:
        """All sets from one place to the later ones, small sets first."""
        targets = np.arange(place + 1, self.places)
        if not len(targets) or not len(self.tail):
            return
        today = self.dist[place]
        best: dict[Sites, Floats] = {}
        labels: dict[Sites, Floats] = {}
        waiting: dict[int, dict[Sites, Floats]] = {}
        self._spread(frozenset(), today + 0.0, today, targets, waiting)
        looked = 0
        while waiting:
            size = min(waiting)
            for sites, reached in waiting.pop(size).items():
                looked += 1
                if looked > self.most_sets:
                    self.complete = False
                    return
                label = self._closed(sites, reached)
                at = np.flatnonzero(np.isfinite(label))
                costs = (label[at, None] + self.dist[np.ix_(at, targets)]).min(axis=0)
                self._record(place, sites, targets, costs, best)
                label[label >= today * (1 - LESS)] = np.inf
                for part, known in labels.items():
                    if part < sites:
                        label[label >= known] = np.inf
                ahead = label[None] + self.left[targets] < (today[targets] * (1 - LESS))[:, None]
                label[~ahead.any(axis=0)] = np.inf
                labels[sites] = label
                at = np.flatnonzero(np.isfinite(label))
                if len(at):
                    reach = (label[at, None] + self.dist[at]).min(axis=0)
                    self._spread(sites, reach, today, targets, waiting)

    def _spread(
        self,
        sites: Sites,
        reach: Floats,
        today: Floats,
        targets: Ints,
        waiting: dict[int, dict[Sites, Floats]],
    ) -> None:
        """Over every opened edge that more sites offer, where that can still pay."""
        value = reach[self.tail] + self.arc
        useful = value < today[self.head] * (1 - LESS)
        useful &= (
            value[None] + self.left[np.ix_(targets, self.head)] < (today[targets] * (1 - LESS))[:, None]
        ).any(axis=0)
        for g in np.unique(self.group[useful]):
            more = sites | self.groups[g]
            if more == sites or any(pair <= more for pair in self.apart):
                continue
            label = waiting.setdefault(len(more), {}).setdefault(more, np.full(len(today), np.inf))
            rows = self.rows[g]
            np.minimum.at(label, self.head[rows], value[rows])

    def _closed(self, sites: Sites, label: Floats) -> Floats:
        """Costs at the heads once all edges of a set may be used any number of times."""
        rows = np.concatenate([self.rows[g] for g, mine in enumerate(self.groups) if mine <= sites])
        tail, head, arc = self.tail[rows], self.head[rows], self.arc[rows]
        while True:
            at = np.flatnonzero(np.isfinite(label))
            value = (label[at, None] + self.dist[np.ix_(at, tail)]).min(axis=0) + arc
            better = value < label[head] * (1 - LESS)
            if not better.any():
                return label
            np.minimum.at(label, head[better], value[better])

    def _record(
        self, place: int, sites: Sites, targets: Ints, costs: Floats, best: dict[Sites, Floats]
    ) -> None:
        """Keep what is shorter than today and than with any part of the set."""
        least = self.dist[place, targets].copy()
        for part, known in best.items():
            if part < sites:
                least = np.minimum(least, known)
        better = costs < least * (1 - LESS)
        if better.any():
            best[sites] = np.where(better, costs, np.inf)
            for t, cost in zip(targets[better], costs[better]):
                self.first.append(place)
                self.second.append(int(t))
                self.sites.append(sites)
                self.cost.append(float(cost))
