"""How connected the patches are: pairs and maps, in the least-cost and in the circuit view."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from permeability.core.display import Face
from permeability.engines.circuit import SolveReport, pairwise
from permeability.engines.leastcost.distance import cost_distance
from permeability.landscape.landscape import Landscape
from permeability.landscape.patches import Patches
from permeability.linkage.landscape_indices import distance_from

__all__ = ["Connectivity", "connectivity", "pair_table"]


@dataclass(frozen=True, eq=False)
class Connectivity(Face):
    """Connectivity among patches of one landscape.

    Attributes
    ----------
    land : Landscape
    patches : Patches
    pairs : pandas.DataFrame
        One row per pair: ``a``, ``b``, ``connected``, ``cost_km`` [km of open ground], ``straight_km`` (between
        the nearest edges) [km], ``detour``
        (least cost with barriers / without), ``resistance`` [dimensionless], ``words``.
    current : xarray.DataArray
        Current summed over all connected pairs [passages per unit injected], dims (y, x).
    distance : xarray.DataArray
        Least-cost distance from the nearest patch [m of open ground]; inf where unreachable.
    report : SolveReport
        Solver, residual, seconds, bytes.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> today = pm.connectivity(land, patches)
    >>> print(today.pairs["words"].iloc[0])
    There is no path between W and E; the effective resistance is infinite.
    """

    _face: ClassVar[str] = "connectivity"

    land: Landscape
    patches: Patches
    pairs: pd.DataFrame
    current: xr.DataArray = field(repr=False)
    distance: xr.DataArray = field(repr=False)
    report: SolveReport = field(repr=False)

    @property
    def table(self) -> pd.DataFrame:
        """The pairs."""
        return self.pairs

    def __repr__(self) -> str:
        apart = int((~self.pairs["connected"]).sum())
        return (
            f"Connectivity of {len(self.patches)} patches, {self.land.profile.name()}, scenario "
            f"{self.land.scenario.name!r}: {len(self.pairs)} pairs, {apart} without any path\n"
            f"{self.pairs.drop(columns='words').to_string(max_rows=12)}"
        )


def connectivity(land: Landscape, patches: Patches, *, solver: str = "auto") -> Connectivity:
    """Least-cost and circuit connectivity of all pairs of patches.

    Parameters
    ----------
    land : Landscape
    patches : Patches
    solver : str
        Circuit solver, see :mod:`permeability.engines.circuit`.

    Returns
    -------
    Connectivity
        Pairs without a path have infinite cost and resistance, and say so in words.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> pm.connectivity(land.without_barriers(), patches).pairs["cost_km"].item()  # 7 cells of 1 km
    7.0
    >>> pm.connectivity(land, patches).pairs["cost_km"].item()
    inf
    """
    circuit = pairwise(
        land.resistance, patches.labels, neighbours=min(land.neighbours, 8), barriers=land.edge_barriers(),
        current="cumulative", solver=solver,
    )  # fmt: skip
    bare = land.without_barriers()
    pairs = pair_table(land, bare, patches, circuit.resistance)
    nearest = cost_distance(
        land.resistance, patches.labels > 0, cell_size=land.grid.cell_size, neighbours=land.neighbours,
        barriers=land.edge_barriers(),
    )  # fmt: skip
    assert circuit.current is not None  # asked for above
    current = np.where(land.valid, circuit.current, np.nan)
    return Connectivity(
        land, patches, pairs,
        land.to_xarray(current, "current", unit="passages per unit injected", long_name="summed current"),
        land.to_xarray(np.where(land.valid, nearest, np.nan), "cost_distance", unit="m of open ground", long_name="least-cost distance from the nearest patch"),
        circuit.report,
    )  # fmt: skip


def pair_table(
    land: Landscape, bare: Landscape, patches: Patches, resistance: NDArray[np.float64]
) -> pd.DataFrame:
    """One row per pair of patches; ``bare`` is the landscape without barriers.

    Parameters
    ----------
    land : Landscape
    bare : Landscape
        The same without barriers.
    patches : Patches
    resistance : array
        Effective resistances, shape (patches, patches) [dimensionless].

    Returns
    -------
    DataFrame
        See :class:`Connectivity`.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> bare = land.without_barriers()
    >>> pair_table(land, bare, patches, np.full((2, 2), np.inf))[["cost_km", "straight_km"]].values.tolist()
    [[inf, 6.0]]
    """
    masks = [patches.mask(i + 1) for i in range(len(patches))]
    today = [distance_from(land, m) for m in masks]
    open_ground = [distance_from(bare, m) for m in masks]
    shapes = patches.table.geometry
    rows = []
    for i in range(len(patches)):
        for j in range(i + 1, len(patches)):
            cost, free = float(today[i][masks[j]].min()), float(open_ground[i][masks[j]].min())
            connected = bool(np.isfinite(cost))
            rows.append({
                "a": patches.ids[i], "b": patches.ids[j], "connected": connected, "cost_km": cost / 1000.0,
                "straight_km": float(shapes.iloc[i].distance(shapes.iloc[j])) / 1000.0,
                "detour": cost / free if np.isfinite(free) and free > 0 else float("nan"),
                "resistance": float(resistance[i, j]),
                "words": _words(patches.ids[i], patches.ids[j], cost, float(resistance[i, j])),
            })  # fmt: skip
    return pd.DataFrame(rows)


def _words(a: str, b: str, cost: float, resistance: float) -> str:
    if not np.isfinite(cost):
        return f"There is no path between {a} and {b}; the effective resistance is infinite."
    return f"From {a} to {b}: {cost / 1000:,.0f} km of open ground, effective resistance {resistance:.3g}."
