"""What sets of interventions do to the edges of a landscape.

Where they act, and on which pieces of which cuts, is worked out once for a cut table; what it costs is worked out again for
every state of the unknown numbers (draws), which takes a millisecond for hundreds of sets.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from permeability.barriers.cut_costs import (
    Act,
    CostModel,
    CutParts,
    NearMouths,
    Pieces,
    Treated,
    acts_of,
    apply_changes,
    is_forced,
    linked_by,
    met_by_acts,
    mouths_of,
    nearest_mouths,
    pieces_of,
    places_met,
    signature,
)
from permeability.barriers.cut_links import CutLinks, distinct
from permeability.barriers.edge_cuts import CutTable
from permeability.barriers.lines import Barriers
from permeability.barriers.scenario import Intervention, Scenario
from permeability.landscape.edge_series import ground_resistance, side_by_side, sums_on

Array = NDArray[np.float64]
Ints = NDArray[np.int64]


class Cuttable(Protocol):
    """What is needed of a landscape."""

    @property
    def barriers(self) -> Barriers: ...
    @property
    def cuts(self) -> CutTable: ...
    @property
    def scenario(self) -> Scenario: ...
    @property
    def weight(self) -> Array: ...
    @property
    def resistance(self) -> Array: ...
    @property
    def cost_model(self) -> CostModel: ...


_Named = tuple[int, Intervention, tuple[int, tuple[object, ...]]]  # a row, a step, and the name of both


class _Kind(NamedTuple):
    """A barrier row and the steps that act on it, one after the other."""

    row: int
    steps: tuple[Intervention, ...]


class EdgeEffects:
    """Edges that sets of interventions touch, and what barriers add to them afterwards.

    Parameters
    ----------
    land : Landscape
        Its scenario comes first; every set on top of it, by itself.
    sets : sequence of sequences of Intervention

    Attributes
    ----------
    start : int array, shape (sets + 1,)
        The edges of set ``k`` are ``start[k]:start[k + 1]``.
    keys : int array, shape (edges,)
        Edges that a set touches (cell * 8 + direction), also those that it leaves as they are; ascending in a set.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> effects = EdgeEffects(land, [pm.Scenario("a").remove("F", km=(2, 4)).interventions])
    >>> cost, series = effects.after(land)
    >>> bool((cost == 0).all()), bool(np.isinf(land.cut_costs.cost_m).any())
    (True, True)
    """

    def __init__(self, land: Cuttable, sets: Sequence[Iterable[Intervention]]) -> None:
        cuts = land.cuts
        before = acts_of(land.barriers, cuts.chains, land.scenario.interventions)
        self.kinds: list[_Kind] = []
        self._treated: Treated = {}
        known: dict[tuple[object, ...], int] = {}
        names, reach = cuts.edge_keys, land.cost_model.reach_m
        self.mouths: list[Act] = []
        near: list[NearMouths] = []
        rows = [np.zeros(0, np.int64)]
        keys, start = [np.zeros(0, np.int64)], [0]
        edge, cut, share, kind = (
            [np.zeros(0, np.int64)],
            [np.zeros(0, np.int64)],
            [np.zeros(0)],
            [np.zeros(0, np.int64)],
        )
        links = [CutLinks.none()]
        met_kind, groups = [np.zeros(0, np.int64)], 0
        for steps in sets:
            acts = acts_of(land.barriers, cuts.chains, list(steps))
            touched = distinct(names[np.concatenate([met_by_acts(cuts, acts, reach), linked_by(cuts, acts)])])
            which = cuts.on_edges(touched)
            pieces = pieces_of(cuts, [*before, *acts], which)
            edge.append(start[-1] + np.searchsorted(touched, names[pieces.cut]))
            cut.append(pieces.cut)
            share.append(pieces.share)
            kind.append(
                self._kinds_of(
                    pieces.chain, pieces.row, 0.5 * (pieces.low + pieces.high), [*before, *acts], known
                )
            )
            if len(cuts.links):
                linked, met = self._links_on(cuts, touched, which, groups)
                links.append(linked)
                met_kind.append(self._kinds_of(met.chain, met.row, met.low, [*before, *acts], known))
            groups += len(which)
            mouths = mouths_of([*before, *acts])
            beside = nearest_mouths(pieces, mouths, reach)
            near.append(
                beside._replace(sides=np.where(beside.sides < 0, -1, beside.sides + len(self.mouths)))
            )
            self.mouths += mouths
            rows.append(pieces.row)
            keys.append(touched)
            start.append(start[-1] + len(touched))
        self.start, self.keys = np.array(start, np.int64), np.concatenate(keys)
        self.edge, self.cut, self.kind = np.concatenate(edge), np.concatenate(cut), np.concatenate(kind)
        self.share, self.row = np.concatenate(share), np.concatenate(rows)
        self._weight, self._ground = cuts.weight, ground_resistance(self.keys, land.resistance)
        self.links, self.met_kind = CutLinks.joined(links), np.concatenate(met_kind)
        nothing = np.zeros((0, 2))
        self.near = NearMouths(
            np.concatenate([nothing.astype(np.int64), *(n.sides for n in near)]),
            np.concatenate([nothing, *(n.distance_m for n in near)]), np.unique(self.row),
        )  # fmt: skip

    def _kinds_of(
        self, chain: Ints, row: Ints, middle: Array, acts: Sequence[Act], known: dict[tuple[object, ...], int]
    ) -> Ints:
        """Number of the kind of every piece."""
        inside = np.zeros((len(row), len(acts)), bool)
        for k, a in enumerate(acts):
            inside[:, k] = (chain == a.chain) & (middle > a.low) & (middle < a.high)
        out = np.empty(len(row), np.int64)
        alike: dict[tuple[int, bytes], int] = {}  # most pieces of a set lie in the same acts
        for i, (r, here) in enumerate(zip(row.tolist(), inside)):
            where = r, here.tobytes()
            if where not in alike:
                steps = tuple(a.step for a, met in zip(acts, here) if met and r in a.rows)
                name = (r, *(signature(s) for s in steps))
                alike[where] = known.setdefault(name, len(self.kinds))
                if alike[where] == len(self.kinds):
                    self.kinds.append(_Kind(r, steps))
            out[i] = alike[where]
        return out

    @staticmethod
    def _links_on(cuts: CutTable, touched: Ints, which: Ints, groups: int) -> tuple[CutLinks, Pieces]:
        """Links of cuts on the touched edges, by the number of each cut among those of all sets, and the places met."""
        keys = cuts.edge_keys[cuts.links.first]
        near = np.searchsorted(touched, keys)
        mine = np.flatnonzero(np.append(touched, -1)[near] == keys)
        found = cuts.links.only(mine)
        numbered = replace(
            found,
            first=groups + np.searchsorted(which, found.first),
            second=groups + np.searchsorted(which, found.second),
        )
        return numbered, places_met(cuts, found)

    def after(self, land: Cuttable) -> tuple[Array, Array]:
        """What barriers add to the touched edges once each set is built by itself.

        Parameters
        ----------
        land : Landscape
            In any state of its unknown numbers, with the same cuts, scenario and ground.

        Returns
        -------
        (array, array), shape (edges,)
            Least-cost metres, and series resistance in the circuit view; ``inf`` = impassable.
        """
        n, first = len(self.keys), self.first
        cost, series = np.zeros(n), np.zeros(n)
        if not len(first):
            return cost, series
        worth = self.piece_costs(land)
        low, high = np.minimum.reduceat(worth, first), np.maximum.reduceat(worth, first)
        edge, weight = self._edge_and_weight
        with np.errstate(divide="ignore", invalid="ignore"):
            z = np.where((low > 0) & (low == high), low / weight, 0.0)  # cuts at one cost all over
        cost, series = sums_on(edge, low, n), sums_on(edge, z, n)
        several = np.flatnonzero((low != high)[self._cut_of_piece])
        if len(several):
            mixed, of = np.unique(self.edge[several], return_inverse=True)
            parts = CutParts(self.cut[several], self.share[several], worth[several])
            series[mixed] = side_by_side(of, parts, self._weight, self._ground[mixed], series[mixed])
        return cost, series

    def piece_costs(self, land: Cuttable) -> Array:
        """Crossing cost of every piece of every cut once each set is built by itself [m of open ground]."""
        each = self._costs(land.cost_model)
        worth: Array = land.cost_model.traced(each[self.kind], self.row, self.near, self.mouths)
        gone = self.links.cancelled(each[self.met_kind] == 0)
        if len(gone):
            worth[np.isin(self._cut_of_piece, gone)] = 0.0
        return worth

    def steps_of_pieces(self) -> list[tuple[Intervention, ...]]:
        """What is done to every kind of piece, in the order of ``kind``."""
        return [k.steps for k in self.kinds]

    @cached_property
    def first(self) -> Ints:
        """First piece of every cut of every set."""
        if not len(self.cut):
            return np.zeros(0, np.int64)
        return np.flatnonzero(np.concatenate([[True], (np.diff(self.cut) != 0) | (np.diff(self.edge) != 0)]))

    @cached_property
    def _cut_of_piece(self) -> Ints:
        """Number of the cut of a set that every piece is of."""
        return np.repeat(np.arange(len(self.first)), np.diff(np.append(self.first, len(self.cut))))

    @cached_property
    def _edge_and_weight(self) -> tuple[Ints, Array]:
        """Edge and weight of every cut of every set."""
        return self.edge[self.first], self._weight[self.cut[self.first]]

    @cached_property
    def _rounds(self) -> tuple[Ints, list[tuple[Ints, list[_Named], NDArray[np.bool_]]]]:
        """Rows of the kinds; for the first step on each, the second and so on, which kinds have one, and whether it counts where it is dearer."""
        rounds = []
        for place in range(max((len(k.steps) for k in self.kinds), default=0)):
            mine = np.array([i for i, k in enumerate(self.kinds) if len(k.steps) > place])
            steps = [(k.row, k.steps[place]) for k in map(self.kinds.__getitem__, mine)]
            named = [(row, step, (row, signature(step))) for row, step in steps]
            rounds.append((mine, named, np.array([is_forced(step) for _, step in steps])))
        return np.array([k.row for k in self.kinds], np.int64), rounds

    def _costs(self, model: CostModel) -> Array:
        """Crossing cost of every kind of piece [m of open ground]."""
        rows, rounds = self._rounds
        cost = model.plain[rows]
        for mine, steps, forced in rounds:
            changes = [model.change(row, step, self._treated, name) for row, step, name in steps]
            new = {
                i: np.array([c.get(i, np.nan) for c in changes])
                for i in sorted({i for c in changes for i in c})
            }
            cost[mine] = apply_changes(cost[mine], new, forced)
        return np.asarray(cost.sum(axis=1))
