"""Results as files: the table as ``.csv``, places as ``.gpkg``, the map of values as ``.tif``, the picture as ``.png``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from permeability.core.errors import OptionError
from permeability.layers import rasters, vectors, whole_files


@dataclass(frozen=True)
class Contents:
    """What of a result can be written.

    Attributes
    ----------
    table : DataFrame or None
        The main one.
    places : mapping
        Table name -> table with geometry.
    values : array or None
        Shape (rows, cols).
    grid : Grid or None
        Where the values are.
    unit : str
        Of the values.
    """

    table: pd.DataFrame | None = None
    places: Mapping[str, gpd.GeoDataFrame] = field(default_factory=dict)
    values: NDArray[Any] | None = None
    grid: Any = None
    unit: str = ""


def save(result: Any, path: Path) -> Path:
    """Write a result to one file, by the end of its name; see :meth:`permeability.core.display.Face.save`."""
    held, end = contents(result), path.suffix.lower()
    if end == ".png":
        return Path(result.plot().save(path))
    if end == ".csv" and held.table is not None:
        return whole_files.write_csv(path, pd.DataFrame(held.table.drop(columns="geometry", errors="ignore")))
    places = {k: v for k, v in held.places.items() if v.crs is not None and len(v)}
    if end == ".gpkg" and places:
        return vectors.write_gpkg(path, {k: _plain(v) for k, v in places.items()})
    if end == ".tif" and held.values is not None and held.grid is not None:
        values = np.where(np.isfinite(held.values), held.values, np.nan)
        return rasters.write_geotiff(path, values, held.grid, unit=held.unit)
    can = [".png"] + [".csv"] * (held.table is not None) + [".gpkg"] * bool(places)
    can += [".tif"] * (held.values is not None and held.grid is not None)
    raise OptionError(
        "O07", f"{type(result).__name__} cannot be written as {end or path.name!r}.",
        remedy=f"give a name that ends in {', '.join(can)}",
    )  # fmt: skip


def _plain(table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Lists and other things that a table of a file cannot hold, as text."""
    out = table.copy()
    for name in out.columns.drop("geometry"):
        if out[name].dtype == object:
            out[name] = [v if v is None or isinstance(v, (str, float, int)) else str(v) for v in out[name]]
    return out


def contents(result: Any) -> Contents:
    """What of a result can be written."""
    return _CONTENTS[result._face](result)


def _landscape(land: Any) -> Contents:
    return Contents(land.table, {"barriers": land.table}, land.resistance, land.grid, "1")


def _connectivity(conn: Any) -> Contents:
    places = {"patches": conn.patches.table}
    return Contents(conn.pairs, places, conn.current.to_numpy(), conn.land.grid, "passages per unit injected")


def _comparison(change: Any) -> Contents:
    from permeability.viz.plots import intervention_places

    return Contents(change.table, {"interventions": intervention_places(change)})


def _run(run: Any) -> Contents:
    ranked = [r.ranking.table.assign(species=n) for n, r in run.species.items() if r.ranking is not None]
    sites = (
        gpd.GeoDataFrame(pd.concat(ranked, ignore_index=True), crs=run.project.grid.crs) if ranked else None
    )
    return Contents(run.table, {} if sites is None else {"sites": sites})


def _network(network: Any) -> Contents:
    from permeability.viz.plots import link_lines

    return Contents(network.links, {"links": link_lines(network)})


def _raster(values: Any, place: Any, table: pd.DataFrame | None, unit: str) -> Contents:
    return Contents(table, {}, np.asarray(values, float), getattr(place, "grid", None), unit)


_CONTENTS: dict[str, Any] = {
    "landscape": _landscape,
    "patches": lambda p: Contents(p.table, {"patches": p.table}, p.labels.astype(float), p.grid, "label"),
    "connectivity": _connectivity,
    "impact": lambda i: Contents(i.table, {"barriers": i.land.table}),
    "comparison": _comparison,
    "ranking": lambda r: Contents(r.table, {"sites": r.table}),
    "plan": lambda p: Contents(p.table, {"chosen": p.table}),
    "run": _run,
    "paths": lambda p: Contents(p.table, {"paths": p.table, "crossings": p.crossings}),
    "network": _network,
    "corridors": lambda c: _raster(c.mosaic, c.surface, c.table, "m of open ground"),
    "score": lambda s: _raster(s.score, s.surface, s.table, "1"),
    "omnidirectional": lambda r: _raster(r.current, r.landscape, None, "in units of the source strength"),
    "wall_to_wall": lambda r: _raster(r.current, None, None, "A"),
    "pairwise": lambda r: Contents(r.table),
}
