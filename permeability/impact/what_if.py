"""Exact indices of a landscape with further interventions, from what is known of it already.

The least-cost view lowers the distance fields of the patches from the opened edges to their new fixed point, which
equals a fresh run.  The circuit view condenses the landscape once onto the patches and the edges of the lines in
question (:class:`permeability.engines.circuit.interface.interface.Interface`); every further state is a small dense problem.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from permeability.barriers.scenario import Intervention
from permeability.engines.circuit.interface.interface import Candidates, Interface
from permeability.engines.circuit.interface.shared_ground import SharedGround
from permeability.engines.circuit.solvers.condensation import effective_resistances
from permeability.engines.kernels.edges import D_COL, D_ROW, LENGTH, EdgeBarriers, grid_links, ground_along
from permeability.engines.leastcost.changed_fields import ChangedFields
from permeability.engines.leastcost.distance import relax
from permeability.engines.leastcost.surface import CostSurface, cost_surface
from permeability.impact.range_after import RangeAfter
from permeability.landscape.edge_effects import EdgeEffects
from permeability.landscape.landscape import Landscape
from permeability.landscape.patch_parts import require_unbridged
from permeability.landscape.patches import Patches
from permeability.linkage.landscape_indices import range_pieces, scalars
from permeability.linkage.measured import Measured

Array = NDArray[np.float64]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Change:
    """What interventions do to the edges of a landscape.

    Attributes
    ----------
    before : EdgeBarriers
        Of the whole landscape without them.
    keys : array of int
        Edges (cell * 8 + direction) that they touch, also those that they leave as they are.
    cost, resistance : array
        What barriers add to these edges afterwards.
    """

    before: EdgeBarriers
    keys: NDArray[np.int64]
    cost: Array
    resistance: Array

    @cached_property
    def edges(self) -> EdgeBarriers:
        """Of the whole landscape afterwards."""
        return self.before.replaced(self.keys, self.cost, self.resistance)

    @cached_property
    def changed(self) -> NDArray[np.int64]:
        """Edges that differ afterwards."""
        cost, resistance = self.before.at(self.keys)
        return self.keys[(cost != self.cost) | (resistance != self.resistance)]

    @cached_property
    def rises(self) -> bool:
        """Whether any edge becomes dearer."""
        cost, resistance = self.before.at(self.keys)
        return bool(((self.cost > cost) | (self.resistance > resistance * (1 + 1e-12))).any())


class Evaluator:
    """Exact indices of a landscape, today and after any set of further interventions.

    Parameters
    ----------
    land : Landscape
    patches : Patches
    inside : bool array, shape (rows, cols)
        The species' range.
    lines : sequence of str
        Lines that interventions will be on; their edges stay outside the condensed network.
    measured : Measured, optional
        The same landscape, where something of it is known already.
    """

    def __init__(
        self,
        land: Landscape,
        patches: Patches,
        inside: NDArray[np.bool_],
        lines: Sequence[str],
        measured: Measured | None = None,
    ) -> None:
        self.land, self.patches, self.inside = land, patches, inside
        self.measured = Measured(land, patches, inside, keep_fields=True) if measured is None else measured
        self.masks, self.fields = self.measured.masks, self.measured.fields
        self.open_cost = self.measured.bare.cost
        self.edges = land.edge_barriers()
        self.view = CircuitView(land, patches, lines)
        self.today_resistance = self.view.face.resistances()
        self.today = self._scalars(self.fields, self.today_resistance, land.parts)

    def change(self, interventions: Sequence[Intervention]) -> Change:
        """What further interventions do to edges."""
        return self.changes([interventions])[0]

    def changes(self, sets: Sequence[Sequence[Intervention]]) -> list[Change]:
        """What each of several sets of interventions does to edges by itself."""
        effects = EdgeEffects(self.land, sets)
        cost, resistance = effects.after(self.land)
        parts = [slice(a, b) for a, b in zip(effects.start[:-1], effects.start[1:])]
        return [Change(self.edges, effects.keys[p], cost[p], resistance[p]) for p in parts]

    def after(self, interventions: Sequence[Intervention]) -> dict[str, float]:
        """All indices with further interventions on this landscape."""
        change = self.change(interventions)
        return self.values(change, self.view.resistances_after(change)) if len(change.changed) else self.today

    def singles(
        self, sets: Sequence[Sequence[Intervention]], *, progress: Progress | None = None
    ) -> list[dict[str, float]]:
        """All indices with each set of interventions by itself; ``progress`` is called with (done, all)."""
        changes = self.changes(sets)
        resistance = self.view.singles(changes)
        land, found = self.land, []
        fields = ChangedFields(
            self._surface(self.edges),
            self.fields,
            self.masks,
            land.profile.budget_m.best,
        )
        pieces = RangeAfter(land, self.inside)
        for i, (change, r) in enumerate(zip(changes, resistance)):
            if len(change.changed):
                cost, cells = fields.after_opening(change.keys, change.cost)
                reach = np.asarray(cells * land.grid.cell_area_km2, np.float64)
                found.append(self._indices(cost, r, reach, pieces.after(change.keys, change.cost)))
            else:
                found.append(self.today)
            if progress is not None:
                progress(i + 1, len(sets))
        return found

    def values(self, change: Change, resistance: Array) -> dict[str, float]:
        """All indices after a change whose effective resistances are known."""
        return self._scalars(self.fields_after(change), resistance, self.parts_after(change))

    def fields_after(self, change: Change) -> list[Array]:
        """Least-cost field of every patch after a change [m of open ground]."""
        if change.rises:
            surface = self._surface(change.edges)
            return [self._fresh(surface, m) for m in self.masks]
        return [self._lowered(f, change) for f in self.fields]

    def pieces_after(self, interventions: Sequence[Intervention]) -> dict[str, float]:
        """Only the indices of connectedness, ``range_cut_off_km2`` and ``pairs_apart``; quick, no solve."""
        parts = self.parts_after(self.change(interventions))
        pieces = range_pieces(parts, self.inside, self.land.grid.cell_area_km2)
        home = np.array([parts[m].max() for m in self.masks])
        apart = self.patches.pairs_apart(home[:, None] == home[None])
        return {"range_cut_off_km2": float(pieces[1:].sum()), "pairs_apart": float(apart)}

    def _surface(self, edges: EdgeBarriers) -> CostSurface:
        land = self.land
        return cost_surface(
            land.resistance, cell_size=land.grid.cell_size, neighbours=land.neighbours, barriers=edges
        )

    @staticmethod
    def _fresh(surface: CostSurface, mask: NDArray[np.bool_]) -> Array:
        from permeability.engines.leastcost.distance import cost_distance

        return np.asarray(cost_distance(surface, mask))

    def _lowered(self, field: Array, change: Change) -> Array:
        """The field after edges became cheaper: lowered from their ends to the new fixed point."""
        dist = field.copy()
        flat = dist.reshape(-1)
        a, b, step = edge_steps(self.land, change.edges, change.changed)
        fallen = []
        for u, v in ((a, b), (b, a)):
            new = flat[u] + step
            lower = new < flat[v]
            np.minimum.at(flat, v[lower], new[lower])
            fallen.append(v[lower])
        cells = np.unique(np.concatenate(fallen))
        if len(cells):
            relax(self._surface(change.edges), dist, cells)
        return dist

    def parts_after(self, change: Change) -> NDArray[np.int32]:
        """Connected parts afterwards: old parts joined across opened edges."""
        if change.rises:
            from permeability.landscape.landscape import connected_parts

            return connected_parts(self.land.valid, change.edges, self.land.neighbours)
        old = self.land.parts
        a, b, step = edge_steps(self.land, change.edges, change.changed)
        pair = np.column_stack([old.ravel()[a], old.ravel()[b]])[np.isfinite(step)]
        n = int(old.max()) + 1
        graph = coo_matrix((np.ones(len(pair)), (pair[:, 0], pair[:, 1])), shape=(n, n))
        _, joined = connected_components(graph, directed=False)
        return np.where(old > 0, joined[old] + 1, 0).astype(np.int32)

    def _scalars(self, fields: list[Array], resistance: Array, parts: NDArray[np.int32]) -> dict[str, float]:
        land = self.land
        cost = np.array([[f[m].min() for m in self.masks] for f in fields])
        budget = land.profile.budget_m.best
        reach = np.array([np.count_nonzero(f <= budget) for f in fields]) * land.grid.cell_area_km2
        pieces = range_pieces(parts, self.inside, land.grid.cell_area_km2)
        return self._indices(np.minimum(cost, cost.T), resistance, reach, pieces)

    def _indices(self, cost: Array, resistance: Array, reach: Array, pieces: Array) -> dict[str, float]:
        dispersal = self.land.profile.dispersal_m.best
        return scalars(cost, self.open_cost, resistance, reach, pieces, self.patches, dispersal)


class CircuitView:
    """The circuit view of a landscape with the edges of some lines left outside.

    Parameters
    ----------
    land, patches
    lines : sequence of str
    check : bool
        Solve a sample of the answers afresh (``face.report.checks``).
    ground : SharedGround, optional
        Shared with landscapes whose barriers lie elsewhere.
    form : {"auto", "front", "layers"}
        How the interface is made, see :meth:`permeability.engines.circuit.interface.interface.Interface.build`.
    """

    def __init__(
        self,
        land: Landscape,
        patches: Patches,
        lines: Sequence[str],
        *,
        check: bool = True,
        ground: SharedGround | None = None,
        form: str = "auto",
    ) -> None:
        require_unbridged(land, patches.labels, patches.ids)
        self.land = land
        cuts, flat = land.cuts, patches.labels.ravel()
        valid = land.valid.ravel()
        rows = np.concatenate([land.barriers.rows_of(line) for line in lines])
        second = cuts.cell + D_ROW[cuts.direction] * land.grid.cols + D_COL[cuts.direction]
        stands = (
            np.bincount(cuts.chains.chain, weights=land.standing) > 0
        )  # a row shares the cut where it ends
        usable = stands[cuts.chains.chain[cuts.barrier]] & (cuts.direction < 4) & valid[cuts.cell]
        usable &= valid[np.where(usable, second, 0)]
        apart = (flat[cuts.cell] == 0) | (flat[cuts.cell] != flat[np.where(usable, second, 0)])
        usable &= apart  # an edge inside one patch is inside one node
        if land.neighbours == 4:
            usable &= cuts.direction < 2
        self.labels, self.patches = patches.labels, patches
        names, number = cuts.edges
        mine = np.isin(cuts.barrier, rows)
        mine[cuts.links.first[cuts.links.on_chains(cuts.chains.chain[rows])]] = True  # what they cancel
        outside, crossed = np.zeros(len(names), bool), np.zeros(len(names), bool)
        outside[number[usable & mine]], crossed[number[usable]] = True, True
        self.keys = names[outside]  # edges that stay outside
        self.links = names[crossed]  # every edge of the circuit that a standing barrier cuts
        self.cuts = np.flatnonzero(usable & outside[number])  # also other barriers on the same edges
        self.edge_of_cut = (np.cumsum(outside) - 1)[number[self.cuts]]
        edges = land.edge_barriers()
        other = self.position(edges.keys) < 0
        fixed = EdgeBarriers(
            edges.cell[other], edges.direction[other], edges.cost[other], edges.resistance[other]
        )
        each = np.arange(len(self.keys))
        self.face = Interface.build(
            grid_links(land.resistance, neighbours=min(land.neighbours, 8), barriers=fixed),
            edges=(self.keys // 8, self.keys % 8),
            cuts=(each, each, np.ones(len(each))),  # one series resistance for each edge
            crossing=edges.at(self.keys)[1],
            regions=patches.labels,
            weights=patches.pair_weights(),
            form=form,
            check=check,
            ground=ground,
        )

    def position(self, keys: NDArray[np.int64]) -> NDArray[np.int64]:
        """Number of edges among those that stay outside, -1 for others."""
        if not len(self.keys):
            return np.full(len(keys), -1, np.int64)
        at = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return np.where(self.keys[at] == keys, at, -1)

    def resistances_after(self, change: Change) -> Array:
        """Effective resistances among the patches after one change, shape (patches, patches)."""
        if not self.covers(change):
            land = self.land
            links = grid_links(land.resistance, neighbours=min(land.neighbours, 8), barriers=change.edges)
            return effective_resistances(links, regions=self.labels)
        at = self.position(change.keys)
        series = self.face.crossing.copy()
        series[at[at >= 0]] = change.resistance[at >= 0]
        return self.face.resistances(series)

    def covers(self, change: Change) -> bool:
        """Whether a change only touches edges that stay outside the condensed network."""
        keys = change.changed
        if not len(self.links) or not len(keys):
            return True
        at = np.minimum(np.searchsorted(self.links, keys), len(self.links) - 1)
        return not bool(((self.links[at] == keys) & (self.position(keys) < 0)).any())

    def singles(self, changes: Sequence[Change]) -> Array:
        """Effective resistances with each change by itself, shape (changes, patches, patches).

        Changes on other lines than those of this view are solved afresh.
        """
        start = np.cumsum([0, *(len(c.keys) for c in changes)])
        keys = np.concatenate([np.zeros(0, np.int64), *(c.keys for c in changes)])
        series = np.concatenate([np.zeros(0), *(c.resistance for c in changes)])
        found = self.face.single_resistances(self.candidates(start, keys, series))
        for i, change in enumerate(changes):
            if not self.covers(change):
                found[i] = self.resistances_after(change)
        return found

    def candidates(self, start: NDArray[np.int64], keys: NDArray[np.int64], series: Array) -> Candidates:
        """Sets of edges with the series resistance they get as candidates of the interface.

        Parameters
        ----------
        start : int array, shape (sets + 1,)
        keys, series : array, shape (edges,)
            As :class:`permeability.landscape.edge_effects.EdgeEffects` gives them.
        """
        return OpenedEdges(self.position(keys), start).candidates(series)


class OpenedEdges:
    """Sets of edges as candidates of an interface, for any series resistance that they get.

    Parameters
    ----------
    at : int array, shape (edges,)
        Their numbers among the edges that stay outside, -1 for others, of :meth:`CircuitView.position`.
    start : int array, shape (sets + 1,)
    """

    def __init__(self, at: NDArray[np.int64], start: NDArray[np.int64]) -> None:
        self.kept = np.flatnonzero(at >= 0)
        self.at, self.whole = at[self.kept], np.ones(len(self.kept))
        self.start = np.searchsorted(self.kept, start).astype(np.int64)

    def candidates(self, series: Array) -> Candidates:
        """The sets in one state of the unknown numbers, by the series resistance of all their edges."""
        return Candidates(self.start, self.at, self.whole, series[self.kept])


def edge_steps(
    land: Landscape, edges: EdgeBarriers, keys: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], Array]:
    """End cells and least cost of edges given by key: length times mean resistance plus what barriers add."""
    a, k = keys // 8, keys % 8
    b = a + D_ROW[k] * land.grid.cols + D_COL[k]
    ground = ground_along(land.resistance, a, k)
    extra = pd.Series(edges.cost, index=edges.cell * 8 + edges.direction).reindex(keys).fillna(0.0).to_numpy()
    step = LENGTH[k] * land.grid.cell_size * ground + extra
    ok = np.isfinite(ground)
    return a[ok], b[ok], step[ok]
