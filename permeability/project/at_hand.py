"""From what an analyst has at hand (an array, a file, a number, lines, a species) to lines, a landscape and patches."""

from __future__ import annotations

import os
from typing import Any

import geopandas as gpd
import numpy as np
import xarray as xr

from permeability.barriers.lines import Barriers, prepare
from permeability.core.errors import OptionError
from permeability.core.guesses import suggests_keywords
from permeability.landscape.landscape import Landscape, build
from permeability.landscape.patches import Patches, place
from permeability.layers.grid import Grid
from permeability.layers.grid_like import grid_like
from permeability.layers.rasters import read_raster
from permeability.layers.reprojection import reproject
from permeability.layers.vectors import read_vector
from permeability.species.library import species_profile
from permeability.species.profile import SpeciesProfile

__all__ = ["build_landscape", "place_patches", "read_barriers"]


@suggests_keywords
def read_barriers(
    source: str | os.PathLike[str] | gpd.GeoDataFrame,
    table: str | None = None,
    *,
    crs: Any = None,
    posts: gpd.GeoDataFrame | None = None,
) -> Barriers:
    """Fences, roads and railways from a file or a GeoDataFrame, with kilometres.

    Parameters
    ----------
    source : path or GeoDataFrame
        Lines with ``id`` and ``kind``, further columns as in the barrier database.
    table : str, optional
        Table of a file with several.
    crs : optional
        Coordinate system in metres that they are brought to; their own by default.
    posts : GeoDataFrame, optional
        Stations or kilometre posts, with ``line`` and ``km``.

    Returns
    -------
    Barriers

    Raises
    ------
    LayerError
        As :func:`permeability.layers.vectors.read_vector` and :func:`permeability.barriers.lines.prepare`.

    Examples
    --------
    >>> import permeability as pm
    >>> land, _ = pm.samples.tiny()
    >>> pm.read_barriers(land.barriers.table).lines
    ['F', 'S']
    """
    name = "barriers"
    _require_layer(source, name, "id and kind (fence, road, railway)")
    if isinstance(source, gpd.GeoDataFrame):
        lines = source if crs is None or source.crs is None or source.crs == crs else reproject(source, crs)
    else:
        lines = read_vector(source, table, layer=table or name, crs=crs)
    return prepare(lines, posts=posts, layer=name)


@suggests_keywords
def build_landscape(
    resistance: xr.DataArray | str | os.PathLike[str] | float,
    barriers: gpd.GeoDataFrame | Barriers | str | os.PathLike[str],
    species: str | SpeciesProfile,
    *,
    grid: Grid | None = None,
    resampling: str | None = None,
    neighbours: int = 8,
    year: float | None = None,
    season: str | None = None,
    assume_fenced: str = "no",
) -> Landscape:
    """The landscape of a species, in one call, from objects or files.

    Parameters
    ----------
    resistance : DataArray, path or number
        Cost of a metre relative to the best ground [dimensionless, > 0].  A DataArray carries its coordinate system (as
        rioxarray writes it) and says where the cells are; a raster file does the same; a number is even ground and
        needs ``grid``.
    barriers : GeoDataFrame, Barriers or path
        Lines with ``id`` and ``kind`` (see the barrier database); brought to the coordinate system of the grid.
    species : str, SpeciesProfile
        Name of a shipped species, path of a species file (``.toml``), or a profile.
    grid : Grid, optional
        Where the cells are; that of the resistance by default.
    resampling : str, optional
        How a raster file is brought onto another ``grid``; refused without it.
    neighbours : {8, 4, 16}
    year : float, optional
        What stands then; everything with status ``existing`` by default.
    season : str, optional
    assume_fenced : {"no", "yes"}
        What a railway counts as whose fence state is unknown.

    Returns
    -------
    Landscape

    Raises
    ------
    OptionError
        A10 for even ground without a grid.
    GridError
        G01, G07, G12 for a DataArray that does not say where it lies, or is in degrees.
    LayerError
        For lines that cannot be used, as :func:`permeability.barriers.lines.prepare`.

    Examples
    --------
    >>> import permeability as pm
    >>> tiny, _ = pm.samples.tiny()
    >>> ground = tiny.to_xarray(tiny.resistance, "resistance")
    >>> land = pm.build_landscape(ground, tiny.barriers.table, "khulan")
    >>> land.grid == tiny.grid, land.edge_barriers().cell.size == tiny.edge_barriers().cell.size
    (True, True)
    >>> pm.build_landscape(1.0, tiny.barriers.table, "khulan", grid=land.grid).resistance.max()
    np.float64(1.0)
    """
    values: Any
    if isinstance(resistance, (int, float, np.number)):
        if grid is None:
            raise OptionError(
                "A10", "even ground does not say where it lies.",
                remedy="give grid=pm.Grid.from_bounds(bounds, cell_size=..., crs=...)",
            )  # fmt: skip
        values = np.full(grid.shape, float(resistance))
    elif isinstance(resistance, (str, os.PathLike)):
        grid = grid_like(resistance) if grid is None else grid
        values, _ = read_raster(resistance, grid, layer="resistance", resampling=resampling)
    else:
        grid = grid_like(resistance) if grid is None else grid
        values = resistance
    lines = barriers if isinstance(barriers, Barriers) else read_barriers(barriers, crs=grid.crs)
    return build(
        grid, values, lines, species_profile(species), neighbours=neighbours, year=year, season=season,
        assume_fenced=assume_fenced,
    )  # fmt: skip


@suggests_keywords
def place_patches(
    patches: gpd.GeoDataFrame | str | os.PathLike[str],
    land: Landscape,
    *,
    table: str | None = None,
    on_barrier: str = "split",
) -> Patches:
    """The places that should stay connected, on the cells of a landscape.

    Parameters
    ----------
    patches : GeoDataFrame or path
        Polygons or points with ``id``; ``name`` and ``weight`` are optional.  Brought to the coordinate system of the grid.
    land : Landscape
    table : str, optional
        Table of a file with several.
    on_barrier : {"split", "refuse"}
        What becomes of a patch that a barrier crosses.

    Returns
    -------
    Patches

    Raises
    ------
    PatchError
        As :func:`permeability.landscape.patches.place`.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> place_patches(patches.table, land).ids
    ['W', 'E']
    """
    _require_layer(patches, "patches", "id")
    if not isinstance(patches, gpd.GeoDataFrame):
        patches = read_vector(patches, table, layer=table or "patches", crs=land.grid.crs)
    return place(patches, land, on_barrier=on_barrier)


def _require_layer(source: Any, name: str, columns: str) -> None:
    """Refuse what is neither a table of places nor a file (A14)."""
    if isinstance(source, gpd.GeoDataFrame):
        if source.columns.nlevels > 1:
            raise OptionError(
                "A14", f"the columns of the {name} have names of {source.columns.nlevels} levels.", layer=name,
                remedy="give them plain names: table.columns = ['_'.join(c).strip('_') for c in table.columns]",
            )  # fmt: skip
    elif not isinstance(source, (str, os.PathLike)):
        what = "nothing" if source is None else f"a {type(source).__name__}"
        raise OptionError(
            "A14", f"{what} was given for the {name}.", layer=name,
            remedy=f"give a GeoDataFrame with {columns}, geometry and coordinate system, or the path of a layer",
        )  # fmt: skip
