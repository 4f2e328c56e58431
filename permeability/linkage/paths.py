"""Least-cost paths as lines on the map, with every barrier section they cross.

The cells come from :mod:`permeability.engines.leastcost.distance`; here they get coordinates, and the edges they use are looked up
in the cut table of the landscape, so that each crossing has its line, kilometre and cost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, ClassVar

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from permeability.core.errors import PatchError
from permeability.core.result_rows import Rows
from permeability.engines.leastcost.distance import CellPath, cost_distances, trace_cells
from permeability.engines.leastcost.surface import Cells, CostSurface, Floats, cost_surface, source_cells

if TYPE_CHECKING:
    from permeability.landscape.landscape import Landscape
    from permeability.landscape.patches import Patches

__all__ = ["Paths", "crossings_of", "least_cost_path", "least_cost_paths"]

CROSSING_COLUMNS = ("path", "order", "id", "line", "kind", "km", "cost_m")


@dataclass(frozen=True, eq=False)
class Paths(Rows):
    """Least-cost paths and what they cross.

    Attributes
    ----------
    table : geopandas.GeoDataFrame
        One row per path: ``from``, ``to``, ``cost_m`` [m of open ground], ``length_m`` [m], ``crossings``,
        ``crossing_cost_m`` [m of open ground], geometry LineString from start to end.
    crossings : geopandas.GeoDataFrame
        One row per barrier crossed: ``path`` (row of ``table``), ``order`` along the path, ``id``, ``line``,
        ``kind`` of the barrier, ``km`` on its line [km], ``cost_m`` [m of open ground], geometry Point.
    land : Landscape

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> opened = land.with_scenario(pm.Scenario("gap").remove("F", km=(3, 5)))
    >>> found = least_cost_paths(opened, patches)
    >>> found.table["cost_m"].tolist(), found.crossings["cost_m"].tolist()  # through the gap
    ([7000.0], [0.0])
    """

    _face: ClassVar[str] = "paths"
    _asked: ClassVar[tuple[str, ...]] = ("from", "to")

    table: gpd.GeoDataFrame
    crossings: gpd.GeoDataFrame
    land: Landscape

    def __repr__(self) -> str:
        return f"Paths({len(self.table)} paths, {len(self.crossings)} crossings)"


def least_cost_path(land: Landscape, source: Any, target: Any) -> Paths:
    """The least-cost path from one set of cells to another.

    Parameters
    ----------
    land : Landscape
    source, target : boolean array (rows, cols) or sequence of (row, col)

    Returns
    -------
    Paths
        With one path; with none when the target cannot be reached.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> least_cost_path(land.without_barriers(), [(0, 0)], [(0, 3)]).table["length_m"].tolist()
    [3000.0]
    >>> len(least_cost_path(land, [(0, 0)], [(0, 11)]).table)  # beyond the complete fence
    0
    """
    surface = cost_surface(land)
    pair = [source_cells(surface, source), source_cells(surface, target, layer="target")]
    return _between(land, surface, pair, ["source", "target"], [(0, 1)], 1)


def least_cost_paths(
    land: Landscape, patches: Patches, *, pairs: Sequence[tuple[str, str]] | None = None, workers: int = 1
) -> Paths:
    """Least-cost paths between patches.

    Parameters
    ----------
    land : Landscape
    patches : Patches
    pairs : sequence of (id, id), optional
        Which; all pairs if not given.  Pairs without any way are left out of the table.
    workers : int
        Threads.

    Returns
    -------
    Paths
        One row per pair that has a way.

    Raises
    ------
    PatchError
        P10 for an id that is not a patch.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> least_cost_paths(land.without_barriers(), patches).table[["from", "to", "cost_m"]].values.tolist()
    [['W', 'E', 7000.0]]
    """
    patches = patches.whole or patches  # a way ends at the nearest cell: it bridges nothing inside a patch
    ids = patches.ids
    number = {name: i for i, name in enumerate(ids)}
    unknown = sorted({str(name) for pair in pairs or () for name in pair} - set(ids))
    if unknown:
        raise PatchError("P10", "these are no patches.", rows=unknown, remedy=f"choose from {', '.join(ids)}")
    wanted = (
        list(combinations(range(len(ids)), 2))
        if pairs is None
        else [(number[a], number[b]) for a, b in pairs]
    )
    surface = cost_surface(land)
    cells = [source_cells(surface, patches.mask(i + 1), layer=name) for i, name in enumerate(ids)]
    return _between(land, surface, cells, ids, wanted, workers)


def _between(
    land: Landscape,
    surface: CostSurface,
    cells: list[Cells],
    names: Sequence[str],
    pairs: Sequence[tuple[int, int]],
    workers: int,
) -> Paths:
    cols = surface.shape[1]
    found: list[tuple[str, str, CellPath]] = []
    starts = sorted({a for a, _ in pairs})
    for first in range(0, len(starts), max(workers, 1)):  # at most `workers` fields in memory
        some = starts[first : first + max(workers, 1)]
        sets = [np.column_stack(np.divmod(cells[a], cols)) for a in some]
        for a, field in zip(some, cost_distances(surface, sets, workers=workers)):
            dist = np.asarray(field)
            found += [
                (names[a], names[b], trace_cells(surface, dist, np.unique(cells[a]), end))
                for x, b in pairs
                if x == a and (end := _nearest(dist, cells[b])) is not None
            ]
    return _tables(land, found)


def _nearest(dist: Floats, cells: Cells) -> int | None:
    """The cell of a patch that is reached first, or None."""
    flat = dist.reshape(-1)[cells]
    at = int(np.argmin(flat))
    return int(cells[at]) if np.isfinite(flat[at]) else None


def _tables(land: Landscape, found: list[tuple[str, str, CellPath]]) -> Paths:
    """Lines and crossings of traced paths."""
    grid = land.grid
    rows, lines, parts = [], [], []
    for i, (a, b, path) in enumerate(found):
        xy = np.column_stack([grid.x[path.cells[:, 1]], grid.y[path.cells[:, 0]]])
        lines.append(shapely.LineString(xy if len(xy) > 1 else np.repeat(xy, 2, axis=0)))
        crossed = crossings_of(land, path)
        crossed.insert(0, "path", i)
        parts.append(crossed)
        cost = float(crossed["cost_m"].sum())
        rows.append((a, b, path.cost, path.length, len(crossed), cost))
    names = ["from", "to", "cost_m", "length_m", "crossings", "crossing_cost_m"]
    table = gpd.GeoDataFrame(pd.DataFrame(rows, columns=names), geometry=lines, crs=grid.crs)
    if parts:
        crossings = pd.concat(parts, ignore_index=True)
    else:
        crossings = pd.DataFrame(columns=[*CROSSING_COLUMNS, "geometry"])
    return Paths(table, gpd.GeoDataFrame(crossings, geometry="geometry", crs=grid.crs), land)


def crossings_of(land: Landscape, path: CellPath) -> pd.DataFrame:
    """Every standing barrier a path crosses, in order, with kilometre and cost.

    Parameters
    ----------
    land : Landscape
    path : CellPath

    Returns
    -------
    DataFrame
        ``id``, ``line``, ``kind``, ``km`` [km], ``cost_m`` [m of open ground].

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> from permeability.engines.leastcost.distance import trace_path
    >>> from permeability.species import species
    >>> saiga = pm.landscape.build(land.grid, land.resistance, land.barriers, species("saiga"))
    >>> path = least_cost_path(saiga, patches.mask(1), patches.mask(2))
    >>> path.crossings["line"].tolist()
    ['F']
    """
    cuts, cost = land.cuts, land.cut_costs.cost_m
    if not path.edges or not len(cuts):
        return pd.DataFrame({c: [] for c in [*CROSSING_COLUMNS[1:], "geometry"]})
    key = cuts.cell * 8 + cuts.direction
    edge = np.array([cell * 8 + k for cell, k in path.edges], np.int64)
    lo, hi = np.searchsorted(key, edge, "left"), np.searchsorted(key, edge, "right")
    step = np.repeat(np.arange(len(edge)), hi - lo)
    row = np.concatenate([np.arange(a, b) for a, b in zip(lo, hi)]).astype(np.int64)
    stands = land.standing[cuts.barrier[row]]
    step, row = step[stands], row[stands]
    table = land.barriers.table.iloc[cuts.barrier[row]]
    points = _crossing_points(land, path, step, table.geometry.to_numpy())
    return pd.DataFrame(
        {
            "order": np.arange(len(row)),
            "id": table["id"].to_numpy(),
            "line": table["line"].to_numpy(),
            "kind": table["kind"].to_numpy(),
            "km": cuts.km[row],
            "cost_m": cost[row],
            "geometry": points,
        }
    )


def _crossing_points(
    land: Landscape, path: CellPath, step: NDArray[np.int64], lines: NDArray[Any]
) -> NDArray[Any]:
    """Where the steps of a path meet the drawn lines."""
    grid = land.grid
    xy = np.column_stack([grid.x[path.cells[:, 1]], grid.y[path.cells[:, 0]]])
    steps = shapely.linestrings(np.stack([xy[:-1], xy[1:]], axis=1))[step]
    return np.asarray(shapely.centroid(shapely.intersection(steps, lines)))
