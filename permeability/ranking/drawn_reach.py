"""Reachable range and equivalent connected area in the draws: fields of a few states, thresholds of every draw.

The least-cost fields of a landscape say what lies within any movement budget, so a drawn budget or dispersal costs
next to nothing.  Fields are made for some of the draws only (:data:`STATES`), each with its own crossing numbers,
position of lines and origin; the draws take turns on them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from permeability.core.estimate import Estimate
from permeability.engines.kernels.edges import EdgeBarriers
from permeability.engines.kernels.shortest_update import falls_within
from permeability.engines.leastcost.distance import cost_distance
from permeability.engines.leastcost.openings import Openings, opened_costs
from permeability.engines.leastcost.surface import CostSurface, cost_surface
from permeability.landscape.edge_effects import EdgeEffects
from permeability.landscape.landscape import Landscape
from permeability.landscape.patches import Patches

Array = NDArray[np.float64]
STATES = 6  # draws whose least-cost fields are made
BUDGET, DISPERSAL = "movement.budget_km", "movement.dispersal_km"


def drawn_limit(e: Estimate, quantiles: Array | None, draws: int) -> Array:
    """Values of a budget or dispersal in every draw; its best where it is not drawn.

    Parameters
    ----------
    e : Estimate
    quantiles : array, shape (draws,), or None
        [0..1]
    draws : int

    Returns
    -------
    array, shape (draws,)
        [unit of the estimate]

    Examples
    --------
    >>> drawn_limit(Estimate(100.0, 200.0, 400.0, "km"), None, 2).tolist()
    [200.0, 200.0]
    """
    return np.full(draws, e.best) if quantiles is None else np.asarray(e.draw(quantiles), float)


def reach_and_area(
    drawn: Landscape,
    patches: Patches,
    effects: EdgeEffects,
    budget_m: Array,
    dispersal_m: Array,
    weight: Array,
) -> Array:
    """Reachable range and equivalent connected area in one state of the landscape, for several draws of the limits.

    Parameters
    ----------
    drawn : Landscape
        Landscape of one draw.
    patches : Patches
    effects : EdgeEffects
        What the candidates do to the edges of this landscape.
    budget_m, dispersal_m : arrays, shape (draws,)
        [m of open ground]
    weight : array, shape (draws, patches)
        Weights of the patches.

    Returns
    -------
    array, shape (draws, 2, 1 + candidates)
        Reachable range and equivalent connected area [km2]: today, and what each candidate adds.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> effects = EdgeEffects(land, [s.interventions for s in pm.candidates(land, "F", length_m=4000)])
    >>> budgets = np.array([1_000.0, 200_000.0])
    >>> found = reach_and_area(land, patches, effects, budgets, np.full(2, 60_000.0), np.ones((2, 2)))
    >>> found[:, 0, 1:].tolist()  # with a small budget no animal comes to the fence, with a large one it reaches all beyond
    [[0.0, 0.0], [48.0, 48.0]]
    """
    surface = _surface(drawn, drawn.edge_barriers())
    masks = [patches.mask(i + 1) for i in range(len(patches))]
    fields = [np.asarray(cost_distance(surface, m)) for m in masks]
    count = len(effects.start) - 1
    openings, dearer = _openings(drawn, effects)
    share = weight / weight.sum(axis=1, keepdims=True)
    reach = np.zeros((len(budget_m), 1 + count))
    costs = np.empty((1 + count, len(masks), len(masks)))
    costs[:] = np.array([[f[m].min() for m in masks] for f in fields])
    area = drawn.grid.cell_area_km2
    for p, field in enumerate(fields):
        known = np.sort(field[np.isfinite(field)])
        reach[:, 0] += share[:, p] * np.searchsorted(known, budget_m, side="right") * area
        more = _more_within(surface, field, openings, budget_m)
        reach[:, 1:] += share[:, p : p + 1] * more * area
        for q in range(p):
            costs[1:, p, q] = costs[1:, q, p] = opened_costs(
                surface, field, fields[q], openings, base=min(costs[0, p, q], costs[0, q, p])
            )
    for k in dearer:
        reach[:, 1 + k], costs[1 + k] = _afresh(drawn, masks, dearer[k], budget_m, share)
        reach[:, 1 + k] -= reach[:, 0]
    eca = _connected_area(costs, patches.table["area_km2"].to_numpy(float), dispersal_m)
    eca[:, 1:] -= eca[:, :1]
    return np.stack([reach, eca], axis=1)


def _surface(land: Landscape, edges: EdgeBarriers) -> CostSurface:
    return cost_surface(
        land.resistance, cell_size=land.grid.cell_size, neighbours=land.neighbours, barriers=edges
    )


def _openings(land: Landscape, effects: EdgeEffects) -> tuple[Openings, dict[int, EdgeBarriers]]:
    """The edges that become cheaper with each candidate; all edges of the candidates that make one dearer."""
    edges = land.edge_barriers()
    (cost, series), before = effects.after(land), edges.at(effects.keys)[0]
    found, dearer = [], {}
    for k, (a, b) in enumerate(zip(effects.start[:-1], effects.start[1:])):
        keys, new, old = effects.keys[a:b], cost[a:b], before[a:b]
        if (new > old * (1 + 1e-12)).any():
            dearer[k] = edges.replaced(keys, new, series[a:b])
        use = (new < old) & (k not in dearer)
        found.append((keys[use] // 8, (keys[use] % 8).astype(np.uint8), new[use]))
    return Openings.of(found), dearer


def _more_within(surface: CostSurface, field: Array, openings: Openings, budget_m: Array) -> Array:
    """Cells that come within each budget of one patch with each candidate, shape (draws, candidates)."""
    who, old, new = falls_within(surface.edges, field, *openings, float(budget_m.max()))
    out = np.zeros((len(budget_m), len(openings)))
    start = np.searchsorted(who, np.arange(len(openings) + 1))
    for k in np.flatnonzero(np.diff(start)):
        mine = slice(start[k], start[k + 1])
        now, was = np.sort(new[mine]), np.sort(old[mine])
        out[:, k] = np.searchsorted(now, budget_m, side="right") - np.searchsorted(
            was, budget_m, side="right"
        )
    return out


def _afresh(
    land: Landscape, masks: Sequence[NDArray[np.bool_]], edges: EdgeBarriers, budget_m: Array, share: Array
) -> tuple[Array, Array]:
    """Reach in every draw and costs between patches, by new fields with other edges."""
    surface = _surface(land, edges)
    fields = [np.asarray(cost_distance(surface, m)) for m in masks]
    within = [np.searchsorted(np.sort(f[np.isfinite(f)]), budget_m, side="right") for f in fields]
    reach = (share * np.array(within).T).sum(axis=1) * land.grid.cell_area_km2
    return reach, np.array([[f[m].min() for m in masks] for f in fields])


def _connected_area(costs: Array, area_km2: Array, dispersal_m: Array) -> Array:
    """Equivalent connected area at every dispersal, shape (draws, cases); see :mod:`permeability.linkage.landscape_indices`."""
    costs = np.minimum(costs, costs.transpose(0, 2, 1))
    values = [np.sqrt(np.einsum("i,kij,j->k", area_km2, np.exp(-costs / d), area_km2)) for d in dispersal_m]
    return np.array(values)
