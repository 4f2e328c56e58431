"""Least-cost corridors: not one line but all cells that lie on nearly as cheap a way.

The corridor of a pair is ``d_a + d_b - least cost``: the extra cost of the best way through each cell [m of open
ground], 0 on the least-cost path.  Corridors of pairs are joined by the minimum, as Linkage Mapper does, and cut at
a cost width.  (Adriaensen et al. 2003, doi:10.1016/S0169-2046(02)00242-6; McRae and Kavanagh 2011, Linkage Mapper.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, ClassVar

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from permeability.core.errors import OptionError, PatchError
from permeability.core.result_rows import Rows
from permeability.engines.circuit import pairwise
from permeability.engines.kernels.edges import EdgeBarriers
from permeability.engines.leastcost.distance import cost_distances
from permeability.engines.leastcost.surface import Cells, CostSurface, Floats, cost_surface, source_cells
from permeability.engines.places import require_on
from permeability.landscape.patches import Patches

__all__ = ["Corridors", "least_cost_corridors", "mask_to_polygon", "named_places", "normalised_corridor"]

PinchSolver = Callable[[Floats, NDArray[np.bool_], NDArray[np.bool_], "EdgeBarriers | None"], Floats]


def normalised_corridor(distance_a: Any, distance_b: Any) -> tuple[Floats, float]:
    """Extra cost of the best way through each cell, and the least cost of the pair.

    Parameters
    ----------
    distance_a, distance_b : array or DataArray, shape (rows, cols)
        Least-cost distance from each end [m of open ground].

    Returns
    -------
    corridor : array, shape (rows, cols)
        ``d_a + d_b - least cost`` [m of open ground], at least 0; inf off every way, everywhere inf when the ends
        are cut off from each other.
    least_cost : float
        Smallest ``d_a + d_b`` [m of open ground].

    Examples
    --------
    >>> corridor, cost = normalised_corridor([[0.0, 1.0, 2.0, 5.0]], [[2.0, 1.0, 0.0, 3.0]])
    >>> corridor.tolist(), cost
    ([[0.0, 0.0, 0.0, 6.0]], 2.0)
    """
    total = np.asarray(distance_a, np.float64) + np.asarray(distance_b, np.float64)
    cost = float(total.min())
    return (total - cost if np.isfinite(cost) else np.full(total.shape, np.inf)), cost


@dataclass(frozen=True, eq=False)
class Corridors(Rows):
    """Corridors between places.

    Attributes
    ----------
    surface : CostSurface
    table : pandas.DataFrame
        One row per pair that is connected: ``from``, ``to``, ``cost_m`` [m of open ground].
    mosaic : array or DataArray, shape (rows, cols)
        Minimum over all pairs of the normalised corridors [m of open ground]; inf off every way.
    distances : list of arrays
        Distance from each place [m of open ground].
    cells : list of arrays
        Flat cells of each place.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> found = least_cost_corridors(land.without_barriers(), patches)
    >>> found.table[["from", "to", "cost_m"]].values.tolist()
    [['W', 'E', 7000.0]]
    """

    _face: ClassVar[str] = "corridors"
    _asked: ClassVar[tuple[str, ...]] = ("from", "to")

    surface: CostSurface
    table: pd.DataFrame
    mosaic: Any
    distances: list[Floats] = field(repr=False)
    cells: list[Cells] = field(repr=False)
    names: list[str]

    def __repr__(self) -> str:
        return f"Corridors({len(self.names)} places, {len(self.table)} connected pairs)"

    def pair(self, a: str, b: str) -> Floats:
        """Normalised corridor of one pair, shape (rows, cols) [m of open ground]."""
        i, j = self._number(a), self._number(b)
        return normalised_corridor(self.distances[i], self.distances[j])[0]

    def mask(self, width_m: float, a: str | None = None, b: str | None = None) -> NDArray[np.bool_]:
        """Cells whose best way costs at most ``width_m`` more than the least cost [m of open ground].

        Of one pair when ``a`` and ``b`` are given, else of the mosaic.
        """
        _check_width(width_m)
        values = np.asarray(self.mosaic) if a is None or b is None else self.pair(a, b)
        return np.asarray(values <= width_m)

    def polygons(self, width_m: float) -> gpd.GeoDataFrame:
        """Every pair's corridor as a (multi)polygon.

        Parameters
        ----------
        width_m : float
            Cost width [m of open ground].

        Returns
        -------
        geopandas.GeoDataFrame
            ``from``, ``to``, ``cost_m``, ``width_m`` [m of open ground], ``area_km2``, geometry.

        Raises
        ------
        OptionError
            D12 when the corridors do not come from a `Landscape`, so that there are no coordinates.
        """
        grid = self.surface.grid
        if grid is None:
            raise OptionError(
                "D12", "a plain array has no coordinates.", remedy="compute corridors from a Landscape"
            )
        _check_width(width_m)
        rows = self.table.copy()
        shapes = [
            mask_to_polygon(self.mask(width_m, str(a), str(b)), grid.transform)
            for a, b in zip(rows["from"], rows["to"])
        ]
        rows["width_m"] = width_m
        rows["area_km2"] = [s.area / 1e6 for s in shapes]
        return gpd.GeoDataFrame(rows, geometry=shapes, crs=grid.crs)

    def pinch_points(self, a: str, b: str, width_m: float, solve: PinchSolver | None = None) -> Floats:
        """Current between two places inside their corridor: where all ways are squeezed together.

        Parameters
        ----------
        a, b : str
            Names of the places.
        width_m : float
            Cost width of the corridor [m of open ground].
        solve : callable, optional
            ``solve(resistance, from_mask, to_mask, barriers)`` -> current map, shape (rows, cols); ``resistance`` is
            NaN outside the corridor, places included.  Default: :func:`permeability.engines.circuit.focal_pairs`, each place one
            node.

        Returns
        -------
        array, shape (rows, cols)
            Current [passages per unit injected], NaN outside the corridor (McRae et al. 2008,
            doi:10.1890/07-1861.1).
        """
        inside = self.mask(width_m, a, b)
        ends = []
        for name in (a, b):
            end = np.zeros(self.surface.shape, bool)
            end.reshape(-1)[self.cells[self._number(name)]] = True
            ends.append(end)
        inside |= ends[0] | ends[1]
        resistance = np.where(inside, np.asarray(self.surface.cell, np.float64), np.nan)
        run = circuit_current(self.surface.neighbours) if solve is None else solve
        current = np.array(run(resistance, ends[0], ends[1], self.surface.barriers), np.float64)
        current[~inside] = np.nan
        return current

    def _number(self, name: str) -> int:
        if name not in self.names:
            raise PatchError(
                "P10", f"{name!r} is not one of the places.", remedy=f"choose from {', '.join(self.names)}"
            )
        return self.names.index(name)


def least_cost_corridors(
    resistance: Any,
    places: Any,
    *,
    pairs: Sequence[tuple[str, str]] | None = None,
    workers: int = 1,
    **options: Any,
) -> Corridors:
    """Normalised least-cost corridors among places, and their mosaic.

    Parameters
    ----------
    resistance : array (rows, cols), DataArray, Landscape or CostSurface
    places : Patches, GeoDataFrame of points, list of (x, y) in map units, or mapping of name to boolean array or (row, col)
    pairs : sequence of (name, name), optional
        All pairs if not given.
    workers : int
        Threads.
    **options
        ``cell_size``, ``neighbours``, ``barriers`` for a plain array, as :func:`permeability.engines.leastcost.distance.cost_distance`.

    Returns
    -------
    Corridors
        Memory: one float64 grid for each place.

    Raises
    ------
    PatchError
        P10 for a name that is not a place.

    Examples
    --------
    >>> result = least_cost_corridors([[1.0, 1.0, 1.0], [3.0, 3.0, 3.0]], {"a": [(0, 0)], "b": [(0, 2)]})
    >>> float(result.table["cost_m"].iloc[0]), result.mask(0.0).sum().item()
    (2.0, 3)
    """
    surface = cost_surface(resistance, **options)
    if isinstance(places, Patches):
        require_on(surface.like, places)
    names, sets = named_places(places)
    cells = [source_cells(surface, s, layer=n) for n, s in zip(names, sets)]
    distances = [np.asarray(d) for d in cost_distances(surface, sets, workers=workers)]
    number = {n: i for i, n in enumerate(names)}
    unknown = sorted({str(n) for pair in pairs or () for n in pair} - set(names))
    if unknown:
        raise PatchError(
            "P10", "these are no places.", rows=unknown, remedy=f"choose from {', '.join(names)}"
        )
    wanted = (
        [(number[a], number[b]) for a, b in pairs]
        if pairs is not None
        else combinations(range(len(names)), 2)
    )
    mosaic = np.full(surface.shape, np.inf)
    rows = []
    for i, j in wanted:
        corridor, cost = normalised_corridor(distances[i], distances[j])
        if np.isfinite(cost):
            np.minimum(mosaic, corridor, out=mosaic)
            rows.append((names[i], names[j], cost))
    table = pd.DataFrame(rows, columns=["from", "to", "cost_m"])
    wrapped = surface.wrap(mosaic, "corridor", "m of open ground")
    return Corridors(surface, table, wrapped, distances, cells, names)


def pinch_points(
    resistance: Any,
    places: Any,
    width_m: float,
    *,
    pairs: Sequence[tuple[str, str]] | None = None,
    solver: str = "auto",
    workers: int = 1,
    **options: Any,
) -> Any:
    """Where the ways between places are squeezed together: current inside their least-cost corridors.

    One unit of current is sent from place to place within each pair's corridor; the map holds the largest current
    over the pairs.  1 = everything must pass here.

    Parameters
    ----------
    resistance : array (rows, cols), DataArray, Landscape or CostSurface
    places : Patches, GeoDataFrame of points, list of (x, y) in map units, or mapping of name to boolean array or (row, col)
    width_m : float
        Cost width of the corridors [m of open ground].
    pairs : sequence of (name, name), optional
        All connected pairs if not given.
    solver : str
        Circuit solver, see :func:`permeability.engines.circuit.solve_grid`.
    workers : int
        Threads.
    **options
        ``cell_size``, ``neighbours``, ``barriers`` for a plain array.

    Returns
    -------
    array or DataArray, shape (rows, cols)
        Current [passages per unit injected], 0..1; NaN outside all corridors (McRae et al. 2008,
        doi:10.1890/07-1861.1).

    Raises
    ------
    PatchError, OptionError
        See :func:`least_cost_corridors` and :func:`permeability.engines.circuit.focal_pairs`.

    Examples
    --------
    >>> ground = [[1.0, 1.0, 1.0], [1.0, float("nan"), 1.0], [1.0, 1.0, 1.0]]
    >>> ends = {"west": [(1, 0)], "east": [(1, 2)]}
    >>> current = pinch_points(ground, ends, 0.0, neighbours=4)  # one way round each side
    >>> float(current[0, 1].round(9)), float(current[2, 1].round(9))
    (0.5, 0.5)
    """
    found = least_cost_corridors(resistance, places, pairs=pairs, workers=workers, **options)
    solve = circuit_current(found.surface.neighbours, solver)
    most = np.full(found.surface.shape, np.nan)
    for a, b in zip(found.table["from"], found.table["to"]):
        most = np.fmax(most, found.pinch_points(str(a), str(b), width_m, solve))
    return found.surface.wrap(most, "pinch_points", "passages per unit injected")


def circuit_current(neighbours: int = 8, solver: str = "auto") -> PinchSolver:
    """The default ``solve`` of pinch points: one unit of current between two places, each shorted into one node.

    Parameters
    ----------
    neighbours : {4, 8, 16}
        Of the corridor; 16 counts as 8, for the circuit has no knight's moves.
    solver : str
    """

    def solve(
        resistance: Floats, start: NDArray[np.bool_], end: NDArray[np.bool_], barriers: EdgeBarriers | None
    ) -> Floats:
        label = np.where(start, 1, np.where(end, 2, 0))
        found = pairwise(
            resistance,
            label,
            neighbours=min(neighbours, 8),
            barriers=barriers,
            current="cumulative",
            solver=solver,
        )
        assert found.current is not None  # asked for above
        return found.current

    return solve


def named_places(places: Any) -> tuple[list[str], list[Any]]:
    """Names and cell sets of `Patches` or of a mapping.

    Parameters
    ----------
    places : Patches, GeoDataFrame or GeoSeries of points, list of (x, y) or (row, col), or mapping of name to boolean array or
        sequence of (row, col)
        Pairs of floats are points in map units.

    Returns
    -------
    tuple[list[str], list[object]]

    Raises
    ------
    OptionError
        A01 for another kind of thing.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> named_places(patches)[0], named_places({"a": [(0, 0)]})[0]
    (['W', 'E'], ['a'])
    """
    if isinstance(places, Patches):
        return list(places.ids), [places.mask(i + 1) for i in range(len(places))]
    if isinstance(places, gpd.GeoDataFrame):
        names = places["id"] if "id" in places.columns else places.index
        return [str(n) for n in names], [places.geometry.iloc[[i]] for i in range(len(places))]
    if isinstance(places, gpd.GeoSeries):
        return [str(n) for n in places.index], [places.iloc[[i]] for i in range(len(places))]
    if isinstance(places, (list, tuple)) and len(places):
        points = np.asarray(places, dtype=object if isinstance(places[0], str) else None)
        if points.ndim == 2 and points.shape[1] == 2 <= len(points) and points.dtype.kind in "fiu":
            return [str(n + 1) for n in range(len(points))], [[tuple(p)] for p in points.tolist()]
    if not isinstance(places, Mapping):
        raise OptionError(
            "A01", f"a {type(places).__name__} is no set of places.",
            remedy="give Patches, a GeoDataFrame of points, or a mapping of name to cells",
        )  # fmt: skip
    return [str(k) for k in places], list(places.values())


def mask_to_polygon(mask: NDArray[np.bool_], transform: Any) -> shapely.Geometry:
    """The area of marked cells as one (multi)polygon in map coordinates; cells that touch at a corner only stay apart.

    Parameters
    ----------
    mask : bool array
        Shape (rows, cols).
    transform : affine.Affine
        Of the grid [m].

    Returns
    -------
    Geometry

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> mask_to_polygon(patches.mask(1), land.grid.transform).area  # 4 cells [m2]
    4000000.0
    """
    from rasterio.features import shapes

    parts = [
        shapely.geometry.shape(geometry)
        for geometry, _ in shapes(mask.astype(np.uint8), mask=mask, transform=transform, connectivity=4)
    ]
    return shapely.union_all(parts) if len(parts) > 1 else (parts[0] if parts else shapely.Polygon())


def _check_width(width_m: float) -> None:
    if not width_m >= 0:
        raise OptionError("D07", f"width_m = {width_m!r} is not a cost width.", remedy="give 0 or more [m]")
