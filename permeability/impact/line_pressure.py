"""Where animals press against a line: the voltage drop across it and the passages through it, kilometre by kilometre.

========== ==== ================================================================================================
index      unit meaning
========== ==== ================================================================================================
pressure   1    share of the potential difference between two patches that stands across the barrier here, 0..1,
                mean over the pairs of patches and over the length of the stretch
passages   1    net passages through the stretch of an animal under way from one patch to another, mean over the
                pairs of patches; a pair without any path makes none
========== ==== ================================================================================================

A complete barrier lets nothing through and has no passages; a map of current is blind to it.  Its pressure is where
it is needed most.  For the pressure a complete barrier counts as one that is just complete (crossing chance 0.001),
so that patches behind it have a potential too; nothing else uses that state.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from permeability.barriers.passability import crossing_cost_m
from permeability.barriers.passability.cost import ABSOLUTE_P
from permeability.barriers.scenario import Intervention
from permeability.impact.what_if import CircuitView
from permeability.landscape.given import takes_landscape
from permeability.landscape.landscape import Landscape
from permeability.landscape.patches import Patches

__all__ = ["LinePressure", "pressure"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class LinePressure:
    """Pressure and passages at every cut of some lines.

    Attributes
    ----------
    view : CircuitView
        Circuit view with the edges of these lines left outside.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> found = LinePressure(CircuitView(land, patches, ["F"]))
    >>> p, n = found.of_steps([Intervention("remove", "F")])
    >>> 0 < p <= 1, n
    (True, 0.0)
    """

    view: CircuitView

    @cached_property
    def drop(self) -> Array:
        """Share of the potential difference across every cut, mean over the pairs, shape (cuts,)."""
        land, face, cuts = self.view.land, self.view.face, self.view.cuts
        limit = float(crossing_cost_m(ABSOLUTE_P, land.cost_model.trace_m))
        cost = np.where(np.isinf(land.cut_costs.interface_m), limit, land.cut_costs.interface_m)[cuts]
        with np.errstate(divide="ignore", invalid="ignore"):
            z = np.where(cost > 0, cost / land.weight[cuts], 0.0)
        series = np.bincount(self.view.edge_of_cut, weights=z, minlength=len(face.base))
        shut = replace(face, crossing=np.where(np.isinf(face.crossing), series, face.crossing))
        pairs, weight = self._pairs
        resistance = shut.today.resistances[pairs[:, 0], pairs[:, 1]]
        with np.errstate(invalid="ignore"):
            mine = np.nan_to_num(z / series[self.view.edge_of_cut])  # of the drop on the barriers of its edge
        on_barriers = shut.crossing / (
            1.0 / shut.base + shut.crossing
        )  # the rest is on the ground of the edge
        with np.errstate(invalid="ignore"):
            share = np.abs(shut.drops(pairs)) / resistance[:, None]
        mean = np.nan_to_num(share).T @ weight / weight.sum()
        return np.asarray((mean * on_barriers)[self.view.edge_of_cut] * mine)

    @cached_property
    def flow(self) -> Array:
        """Net passages over every edge, mean over the pairs, shape (edges,)."""
        face = self.view.face
        pairs, weight = self._pairs
        conductance = face.edge_conductances(face.cut_resistances())
        mean = np.nan_to_num(np.abs(face.drops(pairs))).T @ weight / weight.sum()
        return np.asarray(mean * conductance)

    @cached_property
    def _pairs(self) -> tuple[NDArray[np.int64], Array]:
        weights = self.view.face.weights
        pairs = np.argwhere(np.triu(weights, 1))
        return pairs, weights[pairs[:, 0], pairs[:, 1]]

    def on(self, line: str, km_from: float, km_to: float) -> Mask:
        """Cuts of the view on a stretch of a line; at a place those within a cell of it."""
        cuts, land = self.view.land.cuts, self.view.land
        half = land.grid.cell_size / 1000.0 if km_from == km_to else 0.0
        km = cuts.km[self.view.cuts]
        mine = np.isin(cuts.barrier[self.view.cuts], land.barriers.rows_of(line))
        return np.asarray(mine & (km >= km_from - half) & (km < km_to + half))

    def of_steps(self, steps: Sequence[Intervention]) -> tuple[float, float]:
        """Pressure and passages of the places where interventions act; NaN where no cut is."""
        here = np.any([self.on(s.line, s.km_from, s.km_to) for s in steps], axis=0)
        return self.of_cuts(here)

    def of_cuts(self, here: Mask) -> tuple[float, float]:
        """Pressure (mean by length of line) and passages (sum over the edges) of some cuts."""
        if not here.any():
            return float("nan"), float("nan")
        length = self.view.land.cut_length[self.view.cuts[here]]
        edges = np.unique(self.view.edge_of_cut[here])
        return float(np.average(self.drop[here], weights=length)), float(self.flow[edges].sum())


@takes_landscape
def pressure(
    land: Landscape,
    patches: Patches,
    line: str,
    *,
    length_m: float | None = None,
    engine: LinePressure | None = None,
) -> gpd.GeoDataFrame:
    """Pressure and passages along a line, stretch by stretch.

    Parameters
    ----------
    land : Landscape
    patches : Patches
    line : str
    length_m : float, optional
        Length of a stretch in official kilometres [m]; by default one kilometre, or two cells where they are longer.
    engine : LinePressure, optional
        One that knows this line already.

    Returns
    -------
    geopandas.GeoDataFrame
        ``line``, ``km_from``, ``km_to``, ``pressure`` [1], ``passages`` [1], ``complete`` (share of the stretch that
        is impassable, 0..1), geometry; stretches without a cut (off the grid) are left out.

    Raises
    ------
    BarrierError
        B06 for a line that does not exist.

    Examples
    --------
    A complete fence between two patches: no passages, and the pressure is highest between them.

    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> table = pm.pressure(land, patches, "F")
    >>> bool((table["passages"] == 0).all()), bool(table["pressure"].between(0.9, 1).all())
    (True, True)

    References
    ----------
    McRae et al. 2012, doi:10.1371/journal.pone.0052604 (barriers are where a map of current shows none).
    """
    low, high = land.barriers.km_range(line)
    found = engine if engine is not None else LinePressure(CircuitView(land, patches, [line]))
    step = (length_m if length_m is not None else max(1000.0, 2 * land.grid.cell_size)) / 1000.0
    closed = np.isinf(land.cut_costs.interface_m[found.view.cuts])
    rows = []
    for i in range(int(np.floor(low / step + 1e-9)), int(np.ceil(high / step - 1e-9))):
        a, b = max(low, i * step), min(high, (i + 1) * step)
        here = found.on(line, a, b)
        if here.any() and land.cut_length[found.view.cuts[here]].sum() > 0:
            p, n = found.of_cuts(here)
            shape = land.barriers.stretch(line, a, b)
            rows.append((line, a, b, p, n, float(closed[here].mean()), shape))
    columns = ["line", "km_from", "km_to", "pressure", "passages", "complete", "geometry"]
    return gpd.GeoDataFrame(rows, columns=columns, geometry="geometry", crs=land.grid.crs)
