"""Exact indices of a landscape with further interventions, from what is known of it already.

The least-cost view lowers the distance fields of the patches from the opened edges to their new fixed point, which
equals a fresh run.  The circuit view condenses the landscape once onto the patches and the edges of the lines in
question (:class:`permeability.engines.circuit.interface.interface.Interface`); every further state is a small dense problem.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from permeability.barriers.crossing_costs import CutCosts
from permeability.barriers.scenario import Intervention
from permeability.engines.circuit.interface.interface import Candidates, Interface
from permeability.engines.circuit.solvers.condensation import effective_resistances
from permeability.engines.kernels.edges import D_COL, D_ROW, LENGTH, EdgeBarriers, grid_links
from permeability.engines.leastcost.distance import relax
from permeability.engines.leastcost.surface import cost_surface
from permeability.landscape.landscape import Landscape, aggregate
from permeability.landscape.patch_parts import require_unbridged
from permeability.landscape.patches import Patches
from permeability.linkage.landscape_indices import range_pieces, scalars
from permeability.linkage.measured import Measured

Array = NDArray[np.float64]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Change:
    """What interventions do to the cuts and edges of a landscape.

    Attributes
    ----------
    costs : CutCosts
    edges : EdgeBarriers
        Of the whole landscape afterwards.
    cuts : array of int
        Cuts of standing barriers whose crossing cost differs.
    keys : array of int
        Edges (cell * 8 + direction) that differ.
    rises : bool
        Whether any edge becomes dearer.
    """

    costs: CutCosts
    edges: EdgeBarriers
    cuts: NDArray[np.int64]
    keys: NDArray[np.int64]
    rises: bool


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
        """What further interventions do to cuts and edges."""
        land = self.land
        costs = land.costs_after([*land.scenario.interventions, *interventions])
        before, stands = land.cut_costs, land.standing[land.cuts.barrier]
        differs = stands & ((costs.cost_m != before.cost_m) | (costs.interface_m != before.interface_m))
        edges = aggregate(land.cuts, costs, land.weight, stands)
        keys, rises = changed_edges(self.edges, edges)
        return Change(costs, edges, np.flatnonzero(differs), keys, rises)

    def after(self, interventions: Sequence[Intervention]) -> dict[str, float]:
        """All indices with further interventions on this landscape."""
        change = self.change(interventions)
        return self.values(change, self.view.resistances_after(change)) if len(change.keys) else self.today

    def singles(
        self, sets: Sequence[Sequence[Intervention]], *, progress: Progress | None = None
    ) -> list[dict[str, float]]:
        """All indices with each set of interventions by itself; ``progress`` is called with (done, all)."""
        changes = [self.change(s) for s in sets]
        resistance = self.view.singles(changes)
        found = []
        for i, (change, r) in enumerate(zip(changes, resistance)):
            found.append(self.values(change, r) if len(change.keys) else self.today)
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

    def _surface(self, edges: EdgeBarriers) -> object:
        land = self.land
        return cost_surface(
            land.resistance, cell_size=land.grid.cell_size, neighbours=land.neighbours, barriers=edges
        )

    @staticmethod
    def _fresh(surface: object, mask: NDArray[np.bool_]) -> Array:
        from permeability.engines.leastcost.distance import cost_distance

        return np.asarray(cost_distance(surface, mask))

    def _lowered(self, field: Array, change: Change) -> Array:
        """The field after edges became cheaper: lowered from their ends to the new fixed point."""
        dist = field.copy()
        flat = dist.reshape(-1)
        a, b, step = edge_steps(self.land, change.edges, change.keys)
        fallen = []
        for u, v in ((a, b), (b, a)):
            new = flat[u] + step
            lower = new < flat[v]
            np.minimum.at(flat, v[lower], new[lower])
            fallen.append(v[lower])
        cells = np.unique(np.concatenate(fallen))
        if len(cells):
            relax(self._surface(change.edges), dist, cells)  # type: ignore[arg-type]
        return dist

    def parts_after(self, change: Change) -> NDArray[np.int32]:
        """Connected parts afterwards: old parts joined across opened edges."""
        if change.rises:
            from permeability.landscape.landscape import connected_parts

            return connected_parts(self.land.valid, change.edges, self.land.neighbours)
        old = self.land.parts
        a, b, step = edge_steps(self.land, change.edges, change.keys)
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
        return scalars(
            np.minimum(cost, cost.T),
            self.open_cost,
            resistance,
            reach,
            pieces,
            self.patches,
            land.profile.dispersal_m.best,
        )


class CircuitView:
    """The circuit view of a landscape with the edges of some lines left outside.

    Parameters
    ----------
    land, patches
    lines : sequence of str
    check : bool
        Solve a sample of the answers afresh (``face.report.checks``).
    """

    def __init__(
        self, land: Landscape, patches: Patches, lines: Sequence[str], *, check: bool = True
    ) -> None:
        require_unbridged(land, patches.labels, patches.ids)
        self.land = land
        cuts, flat = land.cuts, patches.labels.ravel()
        valid = land.valid.ravel()
        rows = np.concatenate([land.barriers.rows_of(line) for line in lines])
        second = cuts.cell + D_ROW[cuts.direction] * land.grid.cols + D_COL[cuts.direction]
        usable = land.standing[cuts.barrier] & (cuts.direction < 4) & valid[cuts.cell]
        usable &= valid[np.where(usable, second, 0)]
        apart = (flat[cuts.cell] == 0) | (flat[cuts.cell] != flat[np.where(usable, second, 0)])
        usable &= apart  # an edge inside one patch is inside one node
        if land.neighbours == 4:
            usable &= cuts.direction < 2
        self.usable, self.labels, self.patches = usable, patches.labels, patches
        key = cuts.cell * 8 + cuts.direction
        wanted = np.unique(key[usable & np.isin(cuts.barrier, rows)])
        self.cuts = np.flatnonzero(usable & np.isin(key, wanted))  # also other barriers on the same edges
        edge_of_cut = np.searchsorted(wanted, key[self.cuts])
        self.position = np.full(len(cuts), -1, np.int64)
        self.position[self.cuts] = np.arange(len(self.cuts))
        edges = land.edge_barriers()
        other = ~np.isin(edges.cell * 8 + edges.direction, wanted)
        fixed = EdgeBarriers(
            edges.cell[other], edges.direction[other], edges.cost[other], edges.resistance[other]
        )
        self.face = Interface.build(
            grid_links(land.resistance, neighbours=min(land.neighbours, 8), barriers=fixed),
            edges=(wanted // 8, wanted % 8),
            cuts=(edge_of_cut, np.arange(len(self.cuts)), 1.0 / land.weight[self.cuts]),
            crossing=land.cut_costs.interface_m[self.cuts],
            regions=patches.labels,
            weights=patches.pair_weights(),
            check=check,
        )

    def resistances_after(self, change: Change) -> Array:
        """Effective resistances among the patches after one change, shape (patches, patches)."""
        if not self.covers(change):
            land = self.land
            links = grid_links(land.resistance, neighbours=min(land.neighbours, 8), barriers=change.edges)
            return effective_resistances(links, regions=self.labels)
        return self.face.resistances(change.costs.interface_m[self.cuts])

    def covers(self, change: Change) -> bool:
        """Whether a change only touches edges that stay outside the condensed network."""
        return not bool((self.usable[change.cuts] & (self.position[change.cuts] < 0)).any())

    def singles(self, changes: Sequence[Change]) -> Array:
        """Effective resistances with each change by itself, shape (changes, patches, patches).

        Changes on other lines than those of this view are solved afresh.
        """
        found = self.face.single_resistances(self.candidates(changes))
        for i, change in enumerate(changes):
            if not self.covers(change):
                found[i] = self.resistances_after(change)
        return found

    def candidates(self, changes: Sequence[Change]) -> Candidates:
        """The changes as candidates of the interface."""
        rows = [self.position[c.cuts] for c in changes]
        rows = [r[r >= 0] for r in rows]
        after = [c.costs.interface_m[self.cuts[r]] for c, r in zip(changes, rows)]
        start = np.concatenate([[0], np.cumsum([len(r) for r in rows])]).astype(np.int64)
        cut = np.concatenate(rows) if rows else np.zeros(0, np.int64)
        return Candidates(start, cut, np.ones(len(cut)), np.concatenate(after) if after else np.zeros(0))


def changed_edges(before: EdgeBarriers, after: EdgeBarriers) -> tuple[NDArray[np.int64], bool]:
    """Keys (cell * 8 + direction) of the edges whose cost or resistance differs, and whether any rises."""
    a = pd.DataFrame({"k": before.cell * 8 + before.direction, "c": before.cost, "r": before.resistance})
    b = pd.DataFrame({"k": after.cell * 8 + after.direction, "c": after.cost, "r": after.resistance})
    both = a.set_index("k").add_suffix("0").join(b.set_index("k").add_suffix("1"), how="outer").fillna(0.0)
    differs = (both["c0"] != both["c1"]) | (both["r0"] != both["r1"])
    rises = bool(((both["c1"] > both["c0"]) | (both["r1"] > both["r0"])).any())
    return both.index[differs].to_numpy(np.int64), rises


def edge_steps(
    land: Landscape, edges: EdgeBarriers, keys: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], Array]:
    """End cells and least cost of edges given by key: length times mean resistance plus what barriers add."""
    a, k = keys // 8, keys % 8
    b = a + D_ROW[k] * land.grid.cols + D_COL[k]
    flat = land.resistance.ravel()
    half = LENGTH[k] * land.grid.cell_size * 0.5
    extra = pd.Series(edges.cost, index=edges.cell * 8 + edges.direction).reindex(keys).fillna(0.0).to_numpy()
    step = half * (flat[a] + flat[b]) + extra
    ok = np.isfinite(flat[a]) & np.isfinite(flat[b])
    return a[ok], b[ok], step[ok]
