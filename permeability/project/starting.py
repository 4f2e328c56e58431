"""A project file made from layers that somebody has: everything that can be seen in them is filled in, what is assumed says so."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import geopandas as gpd
import numpy as np
import rasterio
import shapely

from permeability.barriers.database import columns, import_layer, read_layer
from permeability.core.errors import LayerError, OptionError
from permeability.layers.grid import suggest_crs
from permeability.layers.local_only import offline, require_local
from permeability.layers.reprojection import reproject
from permeability.layers.vectors import read_vector, tables_of
from permeability.layers.whole_files import require_file, require_free, write_text
from permeability.species import species

__all__ = ["start_project"]

SIDES = (10, 25, 50, 100, 200, 250, 500, 1000, 2000, 5000, 10_000)  # sizes of a cell [m]
ACROSS = 400  # cells along the longer side, about
KINDS = {
    "rail": "railway",
    "train": "railway",
    "road": "road",
    "highway": "road",
    "street": "road",
    "fence": "fence",
}
RASTERS = (".tif", ".tiff", ".asc", ".vrt", ".img")
PBF = (".osm", ".pbf")


@dataclass
class _Start:
    """What was seen in the files."""

    layers: list[str] = field(default_factory=list)
    barriers: list[str] = field(default_factory=list)
    kinds: set[str] = field(default_factory=set)
    patches: str | None = None
    resistance: str | None = None
    suitability: str | None = None
    elevation: str | None = None
    shapes: list[gpd.GeoDataFrame] = field(default_factory=list)
    places: list[gpd.GeoDataFrame] = field(default_factory=list)
    assumed: list[str] = field(default_factory=list)


def start_project(
    folder: str | Path, files: Sequence[str | Path], species_name: str
) -> tuple[Path, list[str]]:
    """Write a project file for layers that are there; nothing is copied.

    Parameters
    ----------
    folder : path
        Made when it is not there.
    files : sequence of path
        Lines become barriers, areas or points the patches, rasters resistance, suitability or elevation by their names.
    species_name : str
        A shipped species.

    Returns
    -------
    path, list of str
        The project file, and what it assumes.

    Raises
    ------
    LayerError
        What :func:`permeability.layers.vectors.read_vector` refuses.
    OptionError
        O02 a folder that is not empty, O61 without lines or without places to be connected.

    Examples
    --------
    >>> import tempfile
    >>> import permeability as pm
    >>> from permeability.layers.vectors import write_gpkg
    >>> land, patches = pm.samples.tiny()
    >>> with tempfile.TemporaryDirectory() as here:
    ...     lines = write_gpkg(f"{here}/fences.gpkg", {"fences": land.barriers.table[["id", "kind", "fence_class", "geometry"]]})
    ...     areas = write_gpkg(f"{here}/areas.gpkg", {"areas": patches.table[["id", "geometry"]]})
    ...     path, assumed = start_project(f"{here}/mine", [lines, areas], "khulan")
    ...     pm.check(path), assumed
    ([], [])
    """
    folder = Path(folder)
    require_free(folder, "project.toml")
    seen = _Start()
    for file in map(Path, files):
        if not file.is_dir():
            require_file(file, layer=file.name)
        _look(seen, file, folder)
    if not seen.barriers or seen.patches is None:
        missing = (
            "lines (fences, roads, railways)"
            if not seen.barriers
            else "areas or points that should stay connected"
        )
        raise OptionError(
            "O61", f"none of the files holds {missing}.", remedy="name such a layer under --from as well"
        )
    folder.mkdir(parents=True, exist_ok=True)
    text = _text(seen, folder, species(species_name).id)
    return write_text(folder / "project.toml", text), seen.assumed


# ---------------------------------------------------------------- looking at the files
def _look(seen: _Start, file: Path, folder: Path) -> None:
    path = os.path.relpath(file, folder).replace(os.sep, "/")
    if file.suffix.lower() in RASTERS:
        _raster(seen, file, path)
        return
    if file.suffix.lower() in PBF:
        name = _name(seen, file.stem.split(".")[0])
        frame = read_vector(file, "lines")
        seen.layers.append(
            f'[layers.{name}]\npath = "{path}"\nmapping = "openstreetmap"\nassume = true  # traffic by road class: ASSUMED'
        )
        seen.assumed.append(f"{name}: traffic by road class")
        seen.barriers.append(name)
        made = import_layer(frame, "openstreetmap", assume=True).layers["barriers"]
        seen.kinds |= set(made["kind"])
        seen.shapes.append(made if len(made) else frame)
        return
    tables: list[str | None] = [t for t, kind in tables_of(file).items() if kind is not None]
    tables = tables or [None]
    for table in tables:
        frame = read_vector(file, table)
        dims = shapely.get_dimensions(frame.geometry.to_numpy())
        name = _name(seen, table or file.stem)
        head = f'[layers.{name}]\npath = "{path}"' + (
            f'\ntable = "{table}"' if table and len(tables) > 1 else ""
        )
        if (dims == 1).mean() > 0.5:
            _lines(seen, frame, name, head)
        else:
            _places(seen, frame, name, head)


def _name(seen: _Start, word: str) -> str:
    """A name for a layer that TOML takes without quotes and that is free."""
    plain = "".join(c if c.isascii() and c.isalnum() else "_" for c in word.lower()).strip("_") or "layer"
    taken = {row.splitlines()[0] for row in seen.layers}
    return next(n for n in (plain, *(f"{plain}_{i}" for i in range(2, 999))) if f"[layers.{n}]" not in taken)


def _lines(seen: _Start, frame: gpd.GeoDataFrame, name: str, head: str) -> None:
    table = read_layer(frame, "barriers").table
    rows, fill = [head], {}
    if "id" not in table or table["id"].isna().any() or table["id"].duplicated().any():
        rows.append(f'number_ids = "{name}-"')
    kind = next((k for word, k in KINDS.items() if word in name), "fence")
    if "kind" not in table:
        fill["kind"] = f'"{kind}"'
        seen.kinds.add(kind)
        seen.assumed.append(f"{name}: every row is a {kind}")
    else:
        seen.kinds |= set(table["kind"].dropna())
    traffic = [
        c.name for c in columns("barriers") if c.name.startswith("vehicles_per_day") and c.type != "string"
    ]
    roads = (table["kind"] == "road").any() if "kind" in table else kind == "road"
    if roads and not any(c in table for c in traffic):
        fill |= {"vehicles_per_day_low": "50", "vehicles_per_day_high": "1000"}
        seen.assumed.append(f"{name}: 50 to 1,000 vehicles a day, since no column tells")
    if fill:
        rows.append(
            "set = { " + ", ".join(f"{k} = {v}" for k, v in fill.items()) + " }  # ASSUMED: put your own"
        )
    seen.layers.append("\n".join(rows))
    seen.barriers.append(name)
    seen.shapes.append(frame)


def _places(seen: _Start, frame: gpd.GeoDataFrame, name: str, head: str) -> None:
    table = read_layer(frame, "patches").table
    lost = "id" not in table or table["id"].isna().any() or table["id"].duplicated().any()
    seen.layers.append(head + (f'\nnumber_ids = "{name}-"' if lost else ""))
    if seen.patches is None or any(w in name for w in ("patch", "core", "habitat")):
        seen.patches = name
        seen.places = [frame]


def _raster(seen: _Start, file: Path, path: str) -> None:
    try:
        require_local(file, layer=file.name)
        with offline(), rasterio.open(file) as source:
            bands = source.count
    except rasterio.errors.RasterioIOError as exc:
        raise LayerError(
            "L11",
            f"{file.name} cannot be read: {exc}",
            layer=file.name,
            remedy="check that the file is whole",
        ) from exc
    name = _name(seen, file.stem)
    word = name.lower()
    how = "average"
    if "resist" in word or "cost" in word:
        seen.resistance = name
    elif "suit" in word or "hsi" in word:
        seen.suitability = name
    else:
        seen.elevation = name
        if not any(w in word for w in ("dem", "dtm", "elev", "srtm", "height", "copernicus", "aster")):
            seen.assumed.append(f"{name}: heights above the sea [m]")
    seen.layers.append(
        f'[layers.{name}]\npath = "{path}"\nresampling = "{how}"' + ("\nband = 1" if bands > 1 else "")
    )


# ---------------------------------------------------------------- the file
def _text(seen: _Start, folder: Path, species_id: str) -> str:
    crs, bounds, cell = _grid(seen)
    rows = [
        f'[project]\nname = "{folder.resolve().name}"',
        f'[grid]\ncrs = "{crs}"\ncell_size_m = {cell}\nbounds = [{", ".join(f"{v:.0f}" for v in bounds)}]',
        *seen.layers,
    ]
    if seen.resistance or seen.suitability:
        key = "resistance" if seen.resistance else "suitability"
        rows.append(f'[habitat]\n{key} = "{seen.resistance or seen.suitability}"')
    elif seen.elevation:
        rows.append(f'[factors.slope_deg]\nderive = "slope"\nlayers = ["{seen.elevation}"]')
    rows.append("[barriers]\nlayers = [" + ", ".join(f'"{n}"' for n in seen.barriers) + "]")
    rows.append(f'[species.{species_id}]\npatches = "{seen.patches}"')
    if "fence" in seen.kinds:
        rows.append('[candidates]\nkind = "fence"\nlength_km = 5')
    return "\n\n".join(rows) + "\n"


def _grid(seen: _Start) -> tuple[str, tuple[float, float, float, float], int]:
    """Coordinate system of the lines when it is metric, else a suggested one; bounds around places and lines."""
    around = seen.places or seen.shapes
    crs = next(
        (
            t.crs
            for t in (*seen.shapes, *seen.places)
            if t.crs.is_projected and t.crs.axis_info[0].unit_name == "metre"
        ),
        None,
    )
    if crs is None:
        boxes = np.array([t.to_crs(4326).total_bounds for t in around])
        west, south = (float(v) for v in boxes[:, :2].min(axis=0))
        east, north = (float(v) for v in boxes[:, 2:].max(axis=0))
        found = str(suggest_crs((west, south, east, north))["crs"].iloc[0])
    else:
        found = f"EPSG:{crs.to_epsg()}" if crs.to_epsg() else crs.to_wkt()
    extents = np.array([reproject(t, found).total_bounds for t in (*seen.shapes, *seen.places)])
    low, high = extents[:, :2].min(axis=0), extents[:, 2:].max(axis=0)
    cell = next((s for s in SIDES if float((high - low).max()) / s <= ACROSS), SIDES[-1])
    low, high = np.floor(low / cell) * cell, np.ceil(high / cell) * cell
    return str(found), (float(low[0]), float(low[1]), float(high[0]), float(high[1])), cell
