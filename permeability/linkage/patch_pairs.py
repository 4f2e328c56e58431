"""How connected the patches are: pairs and maps, in the least-cost and in the circuit view."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from permeability.core.result_rows import Rows
from permeability.engines.circuit import SolveReport
from permeability.landscape.given import takes_landscape
from permeability.landscape.landscape import Landscape
from permeability.landscape.patches import Patches
from permeability.linkage.measured import Measured

__all__ = ["Connectivity", "connectivity", "pair_table"]


@dataclass(frozen=True, eq=False)
class Connectivity(Rows):
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
        Current summed over all connected pairs [net passages per unit injected], dims (y, x).  Ways there and
        back cancel: a place that is often crossed both ways shows little.
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
    _main: ClassVar[str] = "pairs"
    _asked: ClassVar[tuple[str, ...]] = ("a", "b")

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


@takes_landscape
def connectivity(
    land: Landscape, patches: Patches, *, solver: str = "auto", measured: Measured | None = None
) -> Connectivity:
    """Least-cost and circuit connectivity of all pairs of patches.

    Parameters
    ----------
    land : Landscape
    patches : Patches
    solver : str
        Circuit solver, see :mod:`permeability.engines.circuit`.
    measured : Measured, optional
        The same landscape, where something of it is known already.

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
    measured = Measured(land, patches, land.valid) if measured is None else measured
    flow = measured.flow if solver == "auto" else measured.flow_by(solver)
    return Connectivity(
        land, patches, pair_table(measured, flow.resistance),
        land.to_xarray(flow.current, "current", unit="passages per unit injected", long_name="net passages, summed over the pairs of patches"),
        land.to_xarray(measured.nearest, "cost_distance", unit="m of open ground", long_name="least-cost distance from the nearest patch"),
        flow.report,
    )  # fmt: skip


def pair_table(measured: Measured, resistance: NDArray[np.float64]) -> pd.DataFrame:
    """One row per pair of patches.

    Parameters
    ----------
    measured : Measured
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
    >>> today = Measured(land, patches, land.valid)
    >>> pair_table(today, np.full((2, 2), np.inf))[["cost_km", "straight_km"]].values.tolist()
    [[inf, 6.0]]
    """
    patches, shapes = measured.patches, measured.patches.table.geometry
    today, open_ground = measured.cost_one_way, measured.bare.cost_one_way
    rows = []
    for i, j in zip(*patches.pairs()):
        cost, free = float(today[i, j]), float(open_ground[i, j])
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
