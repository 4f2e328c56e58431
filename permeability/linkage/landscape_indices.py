"""What a landscape is worth to a species: the few numbers everything else compares.

All are exact on the movement graph.  Names, units and signs stand in :mod:`permeability.linkage.index_table`:

=================== ====== ================================================================================
index               unit   meaning
=================== ====== ================================================================================
range_cut_off_km2   km2    range that has no path to the largest connected piece of the range
range_pieces        1      connected pieces of the range
reachable_km2       km2    landscape within the species' movement budget of a patch, mean over patches
pairs_apart         1      pairs of patches without any path
detour              1      least cost with barriers / without, harmonic mean over all pairs; a pair apart counts as
                           infinite, so its inverse is the mean efficiency of the paths (Latora & Marchiori 2001,
                           doi:10.1103/PhysRevLett.87.198701)
mean_resistance     1      effective resistance between two patches, mean over the pairs; inf with a pair apart
mean_conductance    1      1 / effective resistance, mean over all pairs; a pair apart counts 0
eca_km2             km2    equivalent connected area of the patches (Saura et al. 2011, doi:10.1016/j.ecolind.2010.06.011)
=================== ====== ================================================================================

Two more say what a single stretch of a barrier meets, see :mod:`permeability.impact.line_pressure`: ``pressure`` (share of
the potential difference between two patches that stands across it) and ``passages`` (net passages through it of an
animal under way from one patch to another); both are plain numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from permeability.engines.circuit.pair_conductance import pair_conductance
from permeability.landscape.landscape import Landscape
from permeability.landscape.patch_parts import require_unbridged
from permeability.landscape.patches import Patches
from permeability.layers.arrays_on_grid import require_same_grid
from permeability.linkage.index_table import INDEX, INDICES

if TYPE_CHECKING:
    from permeability.engines.leastcost.surface import CostSurface

__all__ = [
    "INDICES",
    "Indices",
    "distance_from",
    "equivalent_connected_area",
    "pair_costs",
    "pair_mean",
    "pair_resistances",
    "range_pieces",
    "scalars",
    "surface_of",
]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Indices:
    """The numbers of one landscape.

    Attributes
    ----------
    values : dict
        Index name -> value.
    cost : array, shape (patches, patches)
        Least cost between patches [m of open ground]; inf without a path.
    resistance : array, shape (patches, patches)
        Effective resistance between patches [dimensionless]; inf without a path.
    reachable : array, shape (patches,)
        Reachable range of each patch [km2].
    pieces : array
        Areas of the connected pieces of the range, largest first [km2].

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> found = pm.barrier_impact(land, patches).today
    >>> found.pieces.tolist(), found.values["range_pieces"]
    ([48.0, 48.0], 2.0)
    """

    values: dict[str, float]
    cost: Array = field(repr=False)
    resistance: Array = field(repr=False)
    reachable: Array = field(repr=False)
    pieces: Array = field(repr=False)

    def to_frame(self) -> pd.DataFrame:
        """The numbers as a table with units."""
        return pd.DataFrame(
            {
                "index": list(self.values),
                "value": list(self.values.values()),
                "unit": [INDEX[i].unit for i in self.values],
            }
        )


def range_pieces(parts: NDArray[np.int32], inside: NDArray[np.bool_], cell_area_km2: float) -> Array:
    """Areas of the connected pieces of a range, largest first [km2].

    Parameters
    ----------
    parts : int array
        Connected parts, shape (rows, cols).
    inside : bool array
        The range, shape (rows, cols).
    cell_area_km2 : float
        [km2]

    Returns
    -------
    array
        Areas, largest first [km2].

    Examples
    --------
    >>> range_pieces(np.array([[1, 1, 2]]), np.array([[True, True, True]]), 25.0).tolist()
    [50.0, 25.0]
    """
    counts = np.bincount(parts[inside & (parts > 0)])
    return np.asarray(np.sort(counts[counts > 0])[::-1] * cell_area_km2, float)


def pair_costs(land: Landscape, patches: Patches) -> Array:
    """Least cost between all pairs of patches [m of open ground], shape (patches, patches).

    Parameters
    ----------
    land : Landscape
    patches : Patches

    Returns
    -------
    array

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> pair_costs(land.without_barriers(), patches).tolist()  # 7 steps of 1 km
    [[0.0, 7000.0], [7000.0, 0.0]]
    """
    require_same_grid(land.grid, patches.grid, name="patches")
    masks = [patches.mask(i + 1) for i in range(len(patches))]
    surface = surface_of(land)
    fields = (distance_from(land, m, surface) for m in masks)
    cost = np.array([[distance[m].min() for m in masks] for distance in fields])
    return np.minimum(cost, cost.T)


def distance_from(land: Landscape, mask: NDArray[np.bool_], surface: CostSurface | None = None) -> Array:
    """Least-cost distance of every cell from a patch [m of open ground], shape (rows, cols).

    Parameters
    ----------
    land : Landscape
    mask : bool array
        Cells of the patch, shape (rows, cols).
    surface : CostSurface, optional
        Of the same landscape, from :func:`surface_of`, for those who ask from several patches.

    Returns
    -------
    array
        [m of open ground]

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> float(distance_from(land.without_barriers(), patches.mask(1))[4, 9])
    7000.0
    """
    from permeability.engines.leastcost.distance import cost_distance

    return np.asarray(cost_distance(surface_of(land) if surface is None else surface, mask))


def surface_of(land: Landscape) -> CostSurface:
    """The landscape as the least-cost engine takes it, as plain arrays, checked once for any number of fields.

    Parameters
    ----------
    land : Landscape

    Returns
    -------
    CostSurface

    Examples
    --------
    >>> import permeability as pm
    >>> surface_of(pm.samples.tiny()[0]).shape
    (8, 12)
    """
    from permeability.engines.leastcost.surface import cost_surface

    return cost_surface(
        land.resistance,
        cell_size=land.grid.cell_size,
        neighbours=land.neighbours,
        barriers=land.edge_barriers(),
    )


def pair_resistances(land: Landscape, patches: Patches) -> Array:
    """Effective resistances between all pairs of patches, shape (patches, patches); inf without a path.

    Every patch is one node in one common network: an animal walks freely inside a patch.

    Parameters
    ----------
    land : Landscape
    patches : Patches

    Returns
    -------
    array
        [dimensionless]

    Raises
    ------
    PatchError
        P09 when a barrier of this landscape crosses a patch that was placed on another one.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> pair_resistances(land, patches)[0, 1].item()
    inf
    """
    from permeability.engines.circuit.solvers.condensation import effective_resistances

    require_unbridged(land, patches.labels, patches.ids)
    return effective_resistances(land.links(), regions=patches.labels)


def scalars(
    cost: Array,
    open_cost: Array,
    resistance: Array,
    reach: Array,
    pieces: Array,
    patches: Patches,
    dispersal_m: float,
) -> dict[str, float]:
    """The scalar indices from the matrices; see the module for units and meanings.

    Parameters
    ----------
    cost : array
        Least costs, shape (patches, patches) [m of open ground].
    open_cost : array
        The same without barriers [m of open ground].
    resistance : array
        Effective resistances, shape (patches, patches) [dimensionless].
    reach : array
        Reachable range, shape (patches,) [km2].
    pieces : array
        Areas of the pieces of the range [km2].
    patches : Patches
    dispersal_m : float
        Mean of the dispersal kernel [m of open ground].

    Returns
    -------
    dict
        Index name -> value.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> cost = pair_costs(land, patches)
    >>> values = scalars(cost, cost, np.full((2, 2), np.inf), np.array([48.0, 48.0]), np.array([48.0, 48.0]), patches, 60_000.0)
    >>> values["pairs_apart"], values["mean_conductance"]
    (1.0, 0.0)
    """
    weight = patches.table["weight"].to_numpy(float)
    i, j = patches.pairs()
    pair_weight = weight[i] * weight[j]
    with np.errstate(divide="ignore", invalid="ignore"):
        efficiency = np.where(cost[i, j] > 0, open_cost[i, j] / cost[i, j], 1.0)
    return {
        "range_cut_off_km2": float(pieces[1:].sum()) if len(pieces) else 0.0,
        "range_pieces": float(len(pieces)),
        "reachable_km2": float(np.average(reach, weights=weight)),
        "pairs_apart": float(patches.pairs_apart(np.isfinite(cost))),
        "detour": _inverse(float(pair_mean(efficiency, pair_weight))),
        "mean_resistance": float(pair_mean(resistance[i, j], pair_weight)),
        "mean_conductance": float(pair_mean(pair_conductance(resistance[i, j]), pair_weight)),
        "eca_km2": equivalent_connected_area(patches.table["area_km2"].to_numpy(float), cost, dispersal_m),
    }


def pair_mean(values: Array, weights: Array) -> Array:
    """Mean over pairs of patches by their weights, for one state or many; NaN where no pair has weight.

    Parameters
    ----------
    values : array, shape (..., pairs)
    weights : array, shape (pairs,)
        Product of the weights of the two patches.

    Returns
    -------
    array, shape (...)

    Examples
    --------
    >>> float(pair_mean(np.array([1.0, 4.0]), np.array([2.0, 1.0])))
    2.0
    """
    whole = weights.sum()
    if not whole > 0:
        return np.full(values.shape[:-1], np.nan)
    return np.asarray((values * weights).sum(axis=-1) / whole)


def equivalent_connected_area(area_km2: Array, cost_m: Array, dispersal_m: float) -> float:
    """``sqrt(sum_ij a_i a_j exp(-d_ij / mean dispersal))`` [km2] (Saura et al. 2011, doi:10.1016/j.ecolind.2010.06.011).

    Parameters
    ----------
    area_km2 : array
        Shape (patches,) [km2].
    cost_m : array
        Shape (patches, patches) [m of open ground].
    dispersal_m : float
        Mean of the dispersal kernel [m of open ground].

    Returns
    -------
    float
        [km2]

    Examples
    --------
    >>> equivalent_connected_area(np.array([3.0, 4.0]), np.array([[0, np.inf], [np.inf, 0]]), 1000.0)
    5.0
    """
    kernel = np.exp(-cost_m / dispersal_m)
    return float(np.sqrt(area_km2 @ kernel @ area_km2))


def _inverse(value: float) -> float:
    return 1.0 / value if value > 0 else (float("inf") if value == 0 else float("nan"))
