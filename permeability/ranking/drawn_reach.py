"""Reachable range and equivalent connected area in the draws: fields of a few states, thresholds of every draw.

The least-cost fields of a landscape say what lies within any movement budget, so a drawn budget or dispersal costs
next to nothing.  Fields are made for some of the draws only (:data:`STATES`), each with its own crossing numbers,
position of lines and origin; the draws take turns on them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from permeability.core.estimate import Estimate
from permeability.engines.leastcost.changed_fields import ChangedFields
from permeability.engines.leastcost.distance import cost_distance
from permeability.engines.leastcost.surface import cost_surface
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
    first: int | None = None,
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
    first : int, optional
        How many of the candidates, from the first on; all by default.

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
    surface = cost_surface(
        drawn.resistance, cell_size=drawn.grid.cell_size, neighbours=drawn.neighbours, barriers=drawn.edge_barriers()
    )  # fmt: skip
    masks = [patches.mask(i + 1) for i in range(len(patches))]
    fields = ChangedFields(surface, [np.asarray(cost_distance(surface, m)) for m in masks], masks, budget_m)
    count, after = len(effects.start) - 1 if first is None else first, effects.after(drawn)[0]
    share = weight / weight.sum(axis=1, keepdims=True) * drawn.grid.cell_area_km2
    reach = np.empty((len(budget_m), 1 + count))
    costs = np.empty((1 + count, len(masks), len(masks)))
    reach[:, 0], costs[0] = (share * fields.reach.T).sum(axis=1), fields.cost
    for k, (a, b) in enumerate(zip(effects.start[:count], effects.start[1:]), start=1):
        costs[k], cells = fields.after_opening(effects.keys[a:b], after[a:b])
        reach[:, k] = (share * (cells - fields.reach).T).sum(axis=1)
    eca = _connected_area(costs, patches.table["area_km2"].to_numpy(float), dispersal_m)
    eca[:, 1:] -= eca[:, :1]
    return np.stack([reach, eca], axis=1)


def _connected_area(costs: Array, area_km2: Array, dispersal_m: Array) -> Array:
    """Equivalent connected area at every dispersal, shape (draws, cases); see :mod:`permeability.linkage.landscape_indices`."""
    values = [np.sqrt(np.einsum("i,kij,j->k", area_km2, np.exp(-costs / d), area_km2)) for d in dispersal_m]
    return np.array(values)
