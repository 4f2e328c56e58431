"""What a line would take from the movement between patches, place by place and direction by direction, before any is drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

import numpy as np
import shapely
import xarray as xr
from numpy.typing import NDArray

from permeability.alignment.new_line import crossing_cost_m, with_new_line
from permeability.core.display import Face
from permeability.core.errors import OptionError
from permeability.core.progress import long_job
from permeability.engines.alignment import LineNetwork, move_costs
from permeability.engines.alignment.corner_lines import MOVE_ANGLE, MOVE_LENGTH
from permeability.engines.leastcost.distance import cost_distance, trace_cells
from permeability.engines.leastcost.surface import cost_surface
from permeability.landscape.given import takes_landscape
from permeability.landscape.landscape import Landscape
from permeability.landscape.patches import Patches
from permeability.layers.arrays_on_grid import require_same_grid

__all__ = ["DamageMap", "LineDamage", "damage_map", "damage_together"]

Floats = NDArray[np.float64]
HEADINGS = 8  # of the sixteen moves, the half that is not the other way round


class LineDamage(NamedTuple):
    """What one line takes, as shares of today's summed resistance and summed least cost between patches.

    ``low`` and ``high`` bound the loss of the circuit view (``high`` is the first order; inf for a line that is never
    crossed); ``least_cost_high`` bounds that of the least-cost view, which is at least 0; ``km`` is its length.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> damage = pm.damage_map(land.without_barriers(), patches, "stock_fence")
    >>> damage.along(shapely.LineString([(6000, 0), (6000, 8000)])).km
    8.0
    """

    low: float
    high: float
    least_cost_high: float
    km: float


@dataclass(frozen=True, eq=False)
class DamageMap(Face):
    """First-order loss of every cell and direction of a line, and bounds of the exact loss of any line.

    Attributes
    ----------
    land : Landscape
    patches : Patches
    kind : str or mapping
        Of the line.
    crossing_m : float
        What the species pays to cross it [m of open ground].
    low, high : array, shape (4, rows, cols)
        Loss by every edge that the line cuts, by direction of the edge: shares of the summed resistance. ``high`` is for a cut
        whose series resistance is the crossing cost over the cell size, and grows with it; ``low`` holds for every cut.
    ways : array, shape (4, rows, cols)
        Share of the summed least cost per metre of crossing cost: how many of the least-cost ways use the edge.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> damage = pm.damage_map(land.without_barriers(), patches, "stock_fence")
    >>> line = shapely.LineString([(6000, 0), (6000, 8000)])  # between the patches
    >>> found = damage.along(line)
    >>> bool(found.low <= damage.exact(line) <= found.high)
    True
    """

    _face: ClassVar[str] = "damage"

    land: Landscape
    patches: Patches
    kind: str | Mapping[str, Any]
    crossing_m: float
    low: Floats = field(repr=False)
    high: Floats = field(repr=False)
    ways: Floats = field(repr=False)
    _network: LineNetwork | None = field(default=None, repr=False)

    @cached_property
    def network(self) -> LineNetwork:
        """The landscape as the search of lines sees it; what it has solved is kept."""
        return line_network(self.land, self.patches) if self._network is None else self._network

    def per_km(self, bound: str = "high", *, view: str = "circuit") -> xr.DataArray:
        """Loss per kilometre of line through every cell in eight directions.

        Parameters
        ----------
        bound : {"high", "low"}
            First order, or the bound from below, which is there for lines too that are never crossed.
        view : {"circuit", "leastcost"}
            The least-cost view has the bound from above only.

        Returns
        -------
        xarray.DataArray
            ``heading`` [degrees from east, against the clock], y, x; [% per km], NaN outside.
        """
        planes = (
            {"high": self.high, "low": self.low}[bound] if view == "circuit" else self.ways * self.crossing_m
        )
        km = self.land.grid.cell_size / 1000.0
        cost = move_costs(
            np.where(np.isfinite(planes), planes, 0.0), neighbours=min(self.land.neighbours, 8),
            per_edge=bound == "low" or view != "circuit",
        )  # fmt: skip
        out = np.empty((HEADINGS, *self.land.grid.shape))
        for m in range(HEADINGS):
            both = 0.5 * (cost[m] + cost[m + HEADINGS])
            mean = 0.25 * (both[1:, 1:] + both[:-1, 1:] + both[1:, :-1] + both[:-1, :-1])
            out[m] = np.where(self.land.valid, 100.0 * mean / (MOVE_LENGTH[m] * km), np.nan)
        first = self.land.to_xarray(out[0], "damage")
        return xr.DataArray(
            out, dims=("heading", *first.dims), coords={"heading": MOVE_ANGLE[:HEADINGS], **first.coords},
            name="damage", attrs={"units": "% per km", "bound": bound, "view": view},
        )  # fmt: skip

    @property
    def worst(self) -> Floats:
        """Loss per kilometre in the direction in which a line through the cell takes most, shape (rows, cols) [% per km].

        From above; from below for a line that is never crossed, whose loss has no bound from above.
        """
        return np.asarray(self.per_km("high" if np.isfinite(self.crossing_m) else "low").max("heading"))

    def along(self, line: shapely.Geometry) -> LineDamage:
        """Bounds of what a line takes, summed along it: nothing is solved.

        Parameters
        ----------
        line : LineString
            In the coordinate system of the landscape.

        Returns
        -------
        LineDamage
        """
        keys, factor = self._cuts(line)
        cell, k = keys // 8, keys % 8
        low = self.low.reshape(4, -1)[k, cell]
        high = (self.high.reshape(4, -1)[k, cell] * factor).sum()
        way = (
            (self.ways.reshape(4, -1)[k, cell] * self.crossing_m).sum()
            if np.isfinite(self.crossing_m)
            else np.inf
        )
        return LineDamage(float(low.sum()), float(high), float(way), line.length / 1000.0)

    def exact(self, line: shapely.Geometry) -> float:
        """Loss of a line by inserting it and solving again, a share of today's summed resistance.

        Parameters
        ----------
        line : LineString

        Returns
        -------
        float
            inf where it parts a pair of patches.
        """
        new = with_new_line(self.land, line, self.kind)
        return self.network.with_barriers(new.edge_barriers()).loss

    def _cuts(self, line: shapely.Geometry) -> tuple[NDArray[np.int64], Floats]:
        """Edges that the line cuts, and the series resistance of each over crossing cost per cell."""
        new = with_new_line(self.land, line, self.kind)
        mine = np.flatnonzero(new.cuts.barrier == len(new.barriers) - 1)
        mine = mine[new.cuts.direction[mine] < (2 if self.land.neighbours == 4 else 4)]
        keys, inverse = np.unique(new.cuts.edge_keys[mine], return_inverse=True)
        h = self.land.grid.cell_size
        slope = h * _LENGTH4[new.cuts.direction[mine]] / new.cuts.normal_m[mine]
        return keys, np.asarray(np.bincount(inverse, slope, len(keys)), float)

    def __repr__(self) -> str:
        worst = self.worst
        return (
            f"DamageMap of a {self.kind} for {self.land.profile.name()}: crossing costs {self.crossing_m / 1000:.3g} km; "
            f"half of the cells lose less than {np.nanmedian(worst):.3g} % per km of line, the worst {np.nanmax(worst):.3g} %"
        )


_LENGTH4 = np.array([1.0, 1.0, np.sqrt(2.0), np.sqrt(2.0)])


def line_network(land: Landscape, patches: Patches) -> LineNetwork:
    """The landscape as the search of lines sees it: barriers that stand are in series with a new line."""
    return LineNetwork(
        land.resistance, patches.labels, patches.pair_weights(), land.edge_barriers(), min(land.neighbours, 8)
    )


@takes_landscape
@long_job("damage map")
def damage_map(
    land: Landscape,
    patches: Patches,
    kind: str | Mapping[str, Any] = "railway_fenced",
    *,
    progress: Any = None,
) -> DamageMap:
    """Loss that a line of a kind through each cell and direction would cause.

    Parameters
    ----------
    land : Landscape
    patches : Patches
    kind : str or mapping
        ``"railway_fenced"``, ``"railway"``, ``"road"``, ``"border_fence"``, ``"stock_fence"``, or columns of the barrier
        schema: ``{"kind": "road", "vehicles_per_day": 800}``.
    progress : bool, tqdm or callable, optional
        Whom to tell how far it is, see :mod:`permeability.core.progress`.

    Returns
    -------
    DamageMap

    Raises
    ------
    OptionError
        U02 for a kind that is not known.
    PatchError
        U01 when no two patches are joined.

    Notes
    -----
    From one set of solves.  With squared currents ``I2`` summed over the weighted pairs, an edge of resistance ``r`` that gets
    ``z`` in series costs at most ``I2 z`` (effective resistance is concave in the edges; Thomson's principle) and at least
    ``I2 r z / (r + z)`` (Dirichlet's principle); both are sums along a line (Doyle & Snell 1984,
    doi:10.5948/UPO9781614440222).  The least-cost view: a way that uses a cut edge gets longer by the crossing cost at most.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> damage = damage_map(land.without_barriers(), patches, "stock_fence").per_km()
    >>> across, along = damage.sel(heading=90.0), damage.sel(heading=0.0)  # a line north through a cell, a line east
    >>> bool(across[4, 6] > along[4, 6])  # between the patches, which lie west and east
    True
    """
    require_same_grid(land.grid, patches.grid, name="patches")
    cost, network = crossing_cost_m(land, kind), line_network(land, patches)
    square = network.today.tangent
    with np.errstate(divide="ignore", invalid="ignore"):
        z = cost / land.grid.cell_size
        high = np.where(square > 0, square * z, 0.0)
        conductance = np.stack(network.today.links)
        low = np.where(square > 0, square / (conductance + 1.0 / z), 0.0)
    return DamageMap(land, patches, kind, cost, low, high, _ways(land, patches, progress), network)


def _ways(land: Landscape, patches: Patches, tell: Callable[[int, int], None] | None) -> Floats:
    """Weighted share of the summed least costs per metre that every edge gets dearer, over the least-cost ways of today."""
    weights, out, total = patches.pair_weights(), np.zeros((4, *land.grid.shape)), 0.0
    how: dict[str, Any] = {
        "cell_size": land.grid.cell_size, "neighbours": min(land.neighbours, 8), "barriers": land.edge_barriers(),
    }  # fmt: skip
    surface = cost_surface(land.resistance, **how)
    for i in range(len(patches)):
        if tell is not None:
            tell(i + 1, len(patches) + 1)  # the solves of the circuit view were the first part
        others = np.flatnonzero(weights[i] > 0)
        others = others[others > i]
        if not len(others):
            continue
        mine = patches.mask(i + 1)
        away = np.asarray(cost_distance(land.resistance, mine, **how), np.float64)
        for j in others:
            target = np.flatnonzero(patches.mask(int(j) + 1).ravel())
            at = int(target[np.argmin(away.ravel()[target])])
            if not np.isfinite(away.ravel()[at]):
                continue
            total += weights[i, j] * away.ravel()[at]
            for cell, k in trace_cells(surface, away, np.flatnonzero(mine.ravel()), at).edges:
                out[k].reshape(-1)[cell] += weights[i, j]
    if tell is not None:
        tell(len(patches) + 1, len(patches) + 1)
    return out / total if total > 0 else out


def damage_together(maps: Sequence[DamageMap], weights: Sequence[float] | None = None) -> DamageMap:
    """Damage for several species together: the weighted mean of their shares.

    Parameters
    ----------
    maps : sequence of DamageMap
        On one grid; the first lends its landscape and kind.
    weights : sequence of float, optional
        Of the species; 1 by default.

    Returns
    -------
    DamageMap
        Its :meth:`DamageMap.along` holds for all; :meth:`DamageMap.exact` is that of the first.

    Raises
    ------
    OptionError
        U04 without maps, or with weights that do not fit.
    GridMismatchError
        G02 for maps of another grid.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> one = damage_map(land.without_barriers(), patches, "stock_fence")
    >>> both = damage_together([one, one], [1, 3])
    >>> bool(np.allclose(both.high, one.high))
    True
    """
    w = np.ones(len(maps)) if weights is None else np.asarray(weights, float)
    if not len(maps) or len(w) != len(maps) or not (w >= 0).all() or not w.sum() > 0:
        raise OptionError(
            "U04", f"{len(maps)} damage maps do not go with {len(w)} weights.", remedy="give one weight of at least 0 for each map"
        )  # fmt: skip
    for other in maps[1:]:
        require_same_grid(maps[0].land.grid, other.land.grid, name="damage map")
    w = w / w.sum()
    low, high, ways = (sum(a * getattr(m, n) for a, m in zip(w, maps)) for n in ("low", "high", "ways"))
    cost = float(sum(a * m.crossing_m for a, m in zip(w, maps)))
    return replace(
        maps[0], low=np.asarray(low), high=np.asarray(high), ways=np.asarray(ways), crossing_m=cost
    )
