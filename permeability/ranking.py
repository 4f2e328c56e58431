"""Which stretch first: every candidate opened by itself, exactly, and ranked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from permeability.errors import BarrierError, check_choice
from permeability.estimate import Estimate
from permeability.indices import (
    FALLING,
    INDICES,
    distance_from,
    pair_costs,
    pair_resistances,
    range_pieces,
    scalars,
)
from permeability.kernels.edges import D_COL, D_ROW, LENGTH, EdgeBarriers, grid_links
from permeability.landscape import Landscape, aggregate
from permeability.patches import Patches
from permeability.scenario import Intervention
from permeability.treatments import treatment

Array = NDArray[np.float64]
Progress = Callable[[int, int], None]
SORT_BY = "mean_conductance"


@dataclass(frozen=True)
class Candidate:
    """One thing that could be done: interventions that belong together, and what they cost.

    Attributes
    ----------
    id : str
        Such as ``"TMR km 750-760"``.
    line : str
    km_from, km_to : float
    interventions : tuple of Intervention
    cost_usd : Estimate
    """

    id: str
    line: str
    km_from: float
    km_to: float
    interventions: tuple[Intervention, ...]
    cost_usd: Estimate


@dataclass(frozen=True, eq=False)
class Ranking:
    """Ranked candidates.

    Attributes
    ----------
    land : Landscape
    table : geopandas.GeoDataFrame
        One row per candidate by falling gain: ``rank``, ``id``, ``line``, ``km_from``, ``km_to``, ``length_km``,
        ``treatment``, ``gain_<index>`` for every index (positive = better), ``cost_usd_low / cost_usd / cost_usd_high``,
        ``gain_per_musd``, geometry.
    sort_by : str
        Index that the rank goes by.
    today : dict
        Index values before.
    notes : list of str
        What a reader must know, such as an index that no candidate moves, and why.
    """

    land: Landscape
    table: gpd.GeoDataFrame
    sort_by: str
    today: dict[str, float] = field(repr=False)
    notes: list[str] = field(default_factory=list)

    def __repr__(self) -> str:
        columns = [
            "rank",
            "id",
            f"gain_{self.sort_by}",
            "gain_reachable_km2",
            "gain_range_cut_off_km2",
            "cost_usd",
        ]
        body = self.table[columns].head(10).to_string(index=False)
        return "\n".join(
            [
                f"{len(self.table)} candidates for {self.land.profile.name()}, by {self.sort_by}",
                body,
                *self.notes,
            ]
        )

    def _repr_html_(self) -> str:
        from permeability.viz.notebook import ranking_html

        return ranking_html(self)

    def plot(self, **options: Any) -> Any:
        """Map of the ranked stretches."""
        from permeability.viz.maps import plot_ranking

        return plot_ranking(self, **options)


def candidates(
    land: Landscape,
    line: str,
    *,
    length_m: float = 10_000.0,
    treatment: str = "remove",
    km: tuple[float, float] | None = None,
    width_m: float | None = None,
) -> list[Candidate]:
    """Stretches of a line as candidates: consecutive, both fences of a railway together.

    Parameters
    ----------
    land : Landscape
    line : str
    length_m : float
        Length of a stretch in official kilometres [m]; stretches start at multiples of it.
    treatment : str
        ``"remove"`` (fences down), or a name of the treatment catalogue.
    km : (from, to), optional
        Only this part of the line.
    width_m : float, optional
        For structures: one of this width in the middle of every stretch.

    Raises
    ------
    BarrierError
        B06 unknown line, B10 no stretch inside ``km``, B09 no fence to remove.
    """
    low, high = land.barriers.km_range(line)
    low, high = (max(low, km[0]), min(high, km[1])) if km is not None else (low, high)
    step = length_m / 1000.0
    first, last = int(np.floor(low / step + 1e-9)), int(np.ceil(high / step - 1e-9))
    found = []
    for i in range(first, last):
        a, b = max(low, i * step), min(high, (i + 1) * step)
        if b - a < 1e-6:
            continue
        action = _action(line, a, b, treatment, width_m)
        found.append(Candidate(f"{line} km {a:g}-{b:g}", line, a, b, (action,), treatment_cost(land, action)))
    if not found:
        raise BarrierError(
            "B10", f"there is no stretch of {line!r} between the given kilometres.",
            details={"line": f"km {low:g} to km {high:g}"}, remedy="give kilometres on the line",
        )  # fmt: skip
    from permeability.crossings import require_effect

    require_effect(found[0].interventions[0], land.barriers, land.components)
    return found


def _action(line: str, a: float, b: float, treatment: str, width_m: float | None) -> Intervention:
    if treatment == "remove":
        return Intervention("remove", line, a, b, treatment="remove")
    if width_m is not None:
        middle = (a + b) / 2
        return Intervention("treat", line, middle, middle, treatment, width_m=width_m)
    return Intervention("treat", line, a, b, treatment)


def treatment_cost(land: Landscape, step: Intervention) -> Estimate:
    """Cost of an intervention from the treatment catalogue [USD]."""
    rows = land.barriers.rows_of(step.line)
    fences = max(sum(c.is_fence for c in land.components[i]) for i in rows)
    low, high = land.barriers.km_range(step.line)
    length = max(0.0, min(high, step.km_to) - max(low, step.km_from))
    return treatment(step.treatment or step.action).cost_usd(
        length_m=length * 1000.0, sides=max(1, fences), width_m=step.width_m
    )


def rank(
    land: Landscape,
    patches: Patches,
    sites: Sequence[Candidate],
    *,
    inside: NDArray[np.bool_] | None = None,
    sort_by: str = SORT_BY,
    progress: Progress | None = None,
) -> Ranking:
    """Open every candidate by itself, re-solve exactly, and rank by the gain.

    Parameters
    ----------
    land : Landscape
    patches : Patches
    sites : sequence of Candidate
    inside : bool array, shape (rows, cols), optional
        The species' range; the whole landscape by default.
    sort_by : str
        One of :data:`permeability.indices.INDICES`.
    progress : callable, optional
        Called with (done, all).

    Returns
    -------
    Ranking

    Notes
    -----
    Gains are differences of exact values.  Least-cost fields are lowered from the opened edges to their new fixed
    point, which equals a re-run.  Ties go by the gain in reachable range, then by cost, then by kilometre.
    """
    check_choice("sort_by", sort_by, INDICES)
    inside = land.valid if inside is None else inside
    engine = _Evaluator(land, patches, inside)
    rows = []
    for i, site in enumerate(sites):
        rows.append(_row(land, site, engine.today, engine.after(site.interventions)))
        if progress is not None:
            progress(i + 1, len(sites))
    table = gpd.GeoDataFrame(rows, geometry="geometry", crs=land.grid.crs)
    order = np.lexsort(
        (table["km_from"], table["cost_usd"], -table["gain_reachable_km2"], -table[f"gain_{sort_by}"])
    )
    table = table.iloc[order].reset_index(drop=True)
    table.insert(0, "rank", np.arange(1, len(table) + 1))
    return Ranking(land, table, sort_by, engine.today, unmoved(table, land))


def _row(
    land: Landscape, site: Candidate, today: dict[str, float], after: dict[str, float]
) -> dict[str, Any]:
    gain = {f"gain_{k}": gain_of(k, today[k], after[k]) for k in INDICES}
    low, best, high = site.cost_usd.as_tuple()
    return {
        "id": site.id, "line": site.line, "km_from": site.km_from, "km_to": site.km_to,
        "length_km": site.km_to - site.km_from, "treatment": site.interventions[0].treatment or site.interventions[0].action,
        **gain, "cost_usd_low": low, "cost_usd": best, "cost_usd_high": high,
        "gain_per_musd": gain[f"gain_{SORT_BY}"] / best * 1e6 if best > 0 else np.nan,
        "geometry": land.barriers.stretch(site.line, site.km_from, site.km_to),
    }  # fmt: skip


def gain_of(index: str, before: float, after: float) -> float:
    """Gain in an index, positive when the landscape got better; inf when infinity became finite.

    >>> gain_of("range_cut_off_km2", 17_182.0, 0.0), gain_of("mean_resistance", float("inf"), 2.0)
    (17182.0, inf)
    """
    if before == after or (np.isnan(before) and np.isnan(after)):
        return 0.0
    if index in FALLING:
        return float(before - after)
    return float(after - before)


def unmoved(table: pd.DataFrame, land: Landscape) -> list[str]:
    """A note for every index that no candidate moves."""
    still = [
        k
        for k in ("mean_conductance", "reachable_km2", "range_cut_off_km2")
        if not (table[f"gain_{k}"].abs() > 1e-12).any()
    ]
    if not still:
        return []
    return [
        f"No single candidate moves {', '.join(still)}: another complete barrier holds the patches apart, or none of the candidates lies between them."
    ]


class _Evaluator:
    """Exact indices of a landscape with a few stretches opened, from fields that are there already."""

    def __init__(self, land: Landscape, patches: Patches, inside: NDArray[np.bool_]) -> None:
        self.land, self.patches, self.inside = land, patches, inside
        self.masks = [patches.mask(i + 1) for i in range(len(patches))]
        self.fields = [distance_from(land, m) for m in self.masks]
        self.open_cost = pair_costs(land.without_barriers(), patches)
        self.edges = land.edge_barriers()
        self.standing = land.standing[land.cuts.barrier]
        self.today = self._scalars(self.fields, pair_resistances(land, patches), land.parts)

    def after(self, interventions: Sequence[Intervention]) -> dict[str, float]:
        """All indices with further interventions on this landscape."""
        land = self.land
        costs = land.costs_after([*land.scenario.interventions, *interventions])
        edges = aggregate(land.cuts, costs, land.weight, self.standing)
        changed = changed_edges(self.edges, edges)
        if len(changed) == 0:
            return self.today
        fields = [self._lowered(f, edges, changed) for f in self.fields]
        return self._scalars(fields, self._resistances(edges), self._parts(edges, changed))

    def _lowered(self, field_: Array, edges: EdgeBarriers, changed: NDArray[np.int64]) -> Array:
        """The field after edges became cheaper: lowered from their ends to the new fixed point."""
        from permeability.costsurface import cost_surface
        from permeability.leastcost import relax

        land = self.land
        surface = cost_surface(
            land.resistance, cell_size=land.grid.cell_size, neighbours=land.neighbours, barriers=edges
        )
        dist = field_.copy()
        flat = dist.reshape(-1)
        a, b, step = edge_steps(land, edges, changed)
        fallen = []
        for u, v in ((a, b), (b, a)):
            new = flat[u] + step
            lower = new < flat[v]
            np.minimum.at(flat, v[lower], new[lower])
            fallen.append(v[lower])
        relax(surface, dist, np.unique(np.concatenate(fallen)))
        return dist

    def _resistances(self, edges: EdgeBarriers) -> Array:
        from permeability.circuit.condensation import effective_resistances

        links = grid_links(self.land.resistance, neighbours=min(self.land.neighbours, 8), barriers=edges)
        return effective_resistances(links, regions=self.patches.labels)

    def _parts(self, edges: EdgeBarriers, changed: NDArray[np.int64]) -> NDArray[np.int32]:
        """Connected parts after the changed edges opened: old parts joined across them."""
        from scipy.sparse import coo_matrix
        from scipy.sparse.csgraph import connected_components

        old = self.land.parts
        a, b, step = edge_steps(self.land, edges, changed)
        pair = np.column_stack([old.ravel()[a], old.ravel()[b]])[np.isfinite(step)]
        pair = pair[(pair > 0).all(axis=1)]
        n = int(old.max()) + 1
        _, joined = connected_components(
            coo_matrix((np.ones(len(pair)), (pair[:, 0], pair[:, 1])), shape=(n, n)), directed=False
        )
        return np.where(old > 0, joined[old] + 1, 0).astype(np.int32)

    def _scalars(self, fields: list[Array], resistance: Array, parts: NDArray[np.int32]) -> dict[str, float]:
        land = self.land
        cost = np.array([[f[m].min() for m in self.masks] for f in fields])
        reach = (
            np.array([np.count_nonzero(f <= land.profile.budget_m.best) for f in fields])
            * land.grid.cell_area_km2
        )
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


def changed_edges(before: EdgeBarriers, after: EdgeBarriers) -> NDArray[np.int64]:
    """Keys (cell * 8 + direction) of the edges whose cost or resistance differs."""
    a = pd.DataFrame(
        {"k": before.cell * 8 + before.direction, "c": before.cost, "r": before.resistance}
    ).set_index("k")
    b = pd.DataFrame(
        {"k": after.cell * 8 + after.direction, "c": after.cost, "r": after.resistance}
    ).set_index("k")
    both = a.join(b, how="outer", lsuffix="0", rsuffix="1").fillna(0.0)
    differs = (both["c0"] != both["c1"]) | (both["r0"] != both["r1"])
    return both.index[differs].to_numpy(np.int64)


def edge_steps(
    land: Landscape, edges: EdgeBarriers, keys: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], Array]:
    """End cells and least cost of edges given by key: length times mean resistance plus what barriers add."""
    cols = land.grid.cols
    a, k = keys // 8, keys % 8
    b = a + D_ROW[k] * cols + D_COL[k]
    flat = land.resistance.ravel()
    half = LENGTH[k] * land.grid.cell_size * 0.5
    extra = pd.Series(edges.cost, index=edges.cell * 8 + edges.direction).reindex(keys).fillna(0.0).to_numpy()
    step = half * (flat[a] + flat[b]) + extra
    ok = np.isfinite(flat[a]) & np.isfinite(flat[b])
    return a[ok], b[ok], step[ok]
