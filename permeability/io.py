"""Rasters, vectors and tables in and out.  Nothing else in the house opens a file (but `interop`).

Outputs are written aside and renamed, so they appear whole or not at all, and with fixed time stamps, so the same
input gives the same bytes.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
from numpy.typing import NDArray
from pyproj import CRS
from rasterio.enums import Resampling
from rasterio.errors import RasterioIOError
from rasterio.warp import reproject

from permeability.errors import GridError, GridMismatchError, LayerError, OptionError, check_choice, nearest
from permeability.grid import Grid, describe_crs, parse_crs

__all__ = [
    "Alignment",
    "json_text",
    "raster_grid",
    "raw_raster",
    "read_raster",
    "read_vector",
    "require_file",
    "require_free",
    "sha256",
    "whole_file",
    "whole_folder",
    "write_csv",
    "write_geotiff",
    "write_gpkg",
    "write_json",
    "write_text",
]

RESAMPLING = ("nearest", "bilinear", "cubic", "average", "mode", "max", "min")
FIXED_DATE = "2000-01-01T00:00:00Z"  # GeoPackages carry a time stamp; a fixed one keeps them byte-stable


# ---------------------------------------------------------------- writing whole files
@contextlib.contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A path to write to beside the target; renamed onto it when the block ends well, removed otherwise.

    Parameters
    ----------
    path : path

    Yields
    ------
    Path
        Where to write; takes the place of the file when the block ends well.

    Examples
    --------
    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "a.txt"
    >>> with whole_file(target) as aside:
    ...     _ = aside.write_text("all of it")
    >>> target.read_text()
    'all of it'
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{target.stem}-", suffix=target.suffix, dir=target.parent)
    os.close(handle)
    aside = Path(name)
    aside.unlink()
    try:
        yield aside
        os.chmod(aside, 0o644)
        os.replace(aside, target)
    finally:
        aside.unlink(missing_ok=True)


def require_free(target: Path, mark: str) -> None:
    """Refuse a folder that is neither empty nor an earlier output (known by its file ``mark``).

    Parameters
    ----------
    target : Path
    mark : str
        File by which an earlier output is known.

    Raises
    ------
    OptionError
        O02.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = write_text(f"{folder}/mine.txt", "keep me")
    ...     require_free(Path(folder), "record.json")
    Traceback (most recent call last):
    ...
    permeability.errors.OptionError: OptionError [O02]: ...
    """
    if target.exists() and (not target.is_dir() or (any(target.iterdir()) and not (target / mark).is_file())):
        raise OptionError(
            "O02",
            f"{str(target)!r} exists and is not an earlier output of this kind.",
            remedy="name another folder, or remove it",
        )


@contextlib.contextmanager
def whole_folder(target: Path, mark: str) -> Iterator[Path]:
    """A folder beside the target that takes its place when the block ends well, and vanishes otherwise.

    Only a folder that is empty or holds an earlier output (known by its file ``mark``) is replaced.

    Parameters
    ----------
    target : Path
        Folder to make or replace.
    mark : str
        File by which an earlier output is known.

    Yields
    ------
    Path
        Where to write.

    Raises
    ------
    OptionError
        O02 when the target holds something else.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with whole_folder(Path(folder) / "out", "record.json") as aside:
    ...         _ = write_text(aside / "record.json", "{}")
    ...     [p.name for p in (Path(folder) / "out").iterdir()]
    ['record.json']
    """
    require_free(target, mark)
    aside = target.with_name(f".{target.name}-unfinished")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    try:
        yield aside
        old = target.with_name(f".{target.name}-old")
        shutil.rmtree(old, ignore_errors=True)
        if target.exists():
            target.rename(old)
        aside.rename(target)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def write_text(path: str | os.PathLike[str], text: str) -> Path:
    """Write a text file whole, UTF-8, line ends as given.

    Parameters
    ----------
    path : path
    text : str

    Returns
    -------
    Path
        The file.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_text(f"{folder}/a.txt", "хулан").read_text(encoding="utf-8")
    'хулан'
    """
    with whole_file(path) as aside:
        aside.write_text(text, encoding="utf-8", newline="")
    return Path(path)


def write_json(path: str | os.PathLike[str], data: Any) -> Path:
    """Write JSON with sorted keys and floats at 12 significant digits; NaN and inf as words.

    Parameters
    ----------
    path : path
    data : object
        Numbers, texts, lists and dicts.

    Returns
    -------
    Path
        The file.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_json(f"{folder}/a.json", {"b": 1, "a": float("inf")}).read_text().split()
    ['{', '"a":', '"inf",', '"b":', '1', '}']
    """
    return write_text(path, json_text(data))


def json_text(data: Any) -> str:
    """JSON text with sorted keys, floats at 12 significant digits, ``"inf"`` and ``null`` for inf and NaN.

    Parameters
    ----------
    data : object
        Numbers, texts, lists and dicts.

    Returns
    -------
    str

    Examples
    --------
    >>> print(json_text({"b": float("inf"), "a": 0.1 + 0.2}).strip())
    {
      "a": 0.3,
      "b": "inf"
    }
    """
    return json.dumps(_plain(data), indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_plain(v) for v in value]
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        if np.isnan(value):
            return None
        if np.isinf(value):
            return "inf" if value > 0 else "-inf"
        short = float(f"{value:.12g}")
        return int(short) if short == int(short) and abs(short) < 1e15 else short
    return value if value is None else str(value)


def write_csv(path: str | os.PathLike[str], table: pd.DataFrame) -> Path:
    """Write a table as CSV: UTF-8, 10 significant digits, empty for missing, ``inf`` spelt out.

    Parameters
    ----------
    path : path
    table : DataFrame

    Returns
    -------
    Path
        The file.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_csv(f"{folder}/a.csv", pd.DataFrame({"km": [1.5]})).read_text().split()
    ['km', '1.5']
    """
    return write_text(path, table.to_csv(index=False, float_format="%.10g", lineterminator="\n"))


def write_geotiff(
    path: str | os.PathLike[str],
    values: NDArray[Any],
    grid: Grid,
    *,
    description: str = "",
    unit: str = "",
    tags: Mapping[str, str] | None = None,
) -> Path:
    """Write a raster as tiled, compressed float32 GeoTIFF, nodata NaN, whole and byte-stable.

    Parameters
    ----------
    path : path
    values : array, shape (rows, cols)
    grid : Grid
    description, unit : str
        Band description and unit.
    tags : mapping, optional
        Further tags of the file.

    Returns
    -------
    Path
        The file.

    Examples
    --------
    >>> import tempfile
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write_geotiff(f"{folder}/r.tif", land.resistance, land.grid)
    ...     read_raster(path, land.grid)[0].shape
    (8, 12)
    """
    profile = {
        "driver": "GTiff", "dtype": "float32", "count": 1, "width": grid.cols, "height": grid.rows,
        "crs": grid.crs.to_wkt(), "transform": grid.transform, "nodata": np.nan, "compress": "deflate",
        "predictor": 3, "zlevel": 6,
    }  # fmt: skip
    if min(grid.shape) >= 256:
        profile |= {"tiled": True, "blockxsize": 256, "blockysize": 256}
    with whole_file(path) as aside, rasterio.open(aside, "w", **profile) as target:
        target.write(values.astype(np.float32), 1)
        target.set_band_description(1, description)
        target.set_band_unit(1, unit)
        target.update_tags(**dict(tags or {}))
    return Path(path)


def write_gpkg(path: str | os.PathLike[str], tables: Mapping[str, gpd.GeoDataFrame]) -> Path:
    """Write layers into one GeoPackage, whole and byte-stable.

    Parameters
    ----------
    path : path
    tables : mapping
        Table name -> table.

    Returns
    -------
    Path
        The file.

    Examples
    --------
    >>> import tempfile
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write_gpkg(f"{folder}/p.gpkg", {"patches": patches.table})
    ...     read_vector(path, "patches")["id"].tolist()
    ['W', 'E']
    """
    import pyogrio

    with whole_file(path) as aside, rasterio.Env(OGR_CURRENT_DATE=FIXED_DATE):
        previous = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": FIXED_DATE})
        try:
            for name, table in tables.items():
                pyogrio.write_dataframe(table, aside, layer=name, driver="GPKG", append=aside.exists())
        finally:
            pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": previous})
    return Path(path)


def sha256(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a file, hexadecimal.

    Parameters
    ----------
    path : path

    Returns
    -------
    str
        64 characters.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     sha256(write_text(f"{folder}/empty.txt", ""))[:8]
    'e3b0c442'
    """
    digest = hashlib.sha256()
    with Path(path).open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


# ---------------------------------------------------------------- vectors
def require_file(path: Path, *, layer: str) -> Path:
    """Refuse a file that is not there, naming what lies beside it.

    Parameters
    ----------
    path : Path
    layer : str
        Name used in the message.

    Returns
    -------
    Path
        The same path.

    Raises
    ------
    LayerError
        L01.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     require_file(Path(folder) / "fences.shp", layer="fences")
    Traceback (most recent call last):
    ...
    permeability.errors.LayerError: LayerError [L01]: ...
    """
    if path.is_file():
        return path
    beside = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
    guess = nearest(path.name, beside)
    remedy = f"did you mean {guess!r}?" if guess else f"there is no such file in {path.parent}"
    raise LayerError("L01", f"the file {str(path)!r} does not exist.", layer=layer, remedy=remedy)


def read_vector(
    path: str | os.PathLike[str],
    table: str | None = None,
    *,
    layer: str | None = None,
    where: Mapping[str, Any] | None = None,
    crs: Any = None,
    assume_crs: str | None = None,
    encoding: str | None = None,
) -> gpd.GeoDataFrame:
    """Read a vector layer, refuse what cannot be used, and bring it to ``crs`` if one is given.

    Parameters
    ----------
    path : path
        Anything OGR reads: GeoPackage, Shapefile, GeoJSON, FlatGeobuf; GeoParquet with pyarrow.
    table : str, optional
        Table in the file.
    layer : str, optional
        Name used in messages.
    where : mapping, optional
        Column -> value (or list of values) that rows must have.
    crs : optional
        Target coordinate system; vectors are exact under reprojection of their vertices.
    assume_crs : str, optional
        Coordinate system of a layer that comes without one.
    encoding : str, optional
        Of the texts of a shapefile without ``.cpg``.

    Returns
    -------
    GeoDataFrame
        In ``crs``, when one is given.

    Raises
    ------
    LayerError
        L01 no file, L02 no CRS, L03 empty, L04 no such table or column, L06 no geometry, L11 not readable, L14 not
        in the CRS that ``assume_crs`` states.

    Examples
    --------
    >>> import tempfile
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write_gpkg(f"{folder}/p.gpkg", {"patches": patches.table})
    ...     read_vector(path, "patches", where={"id": "W"}, crs=4326).crs.to_epsg()
    4326
    """
    path = Path(path)
    name = layer or (f"{path.name}/{table}" if table else path.name)
    require_file(path, layer=name)
    frame = _filtered(_frame(path, table, name, encoding), where or {}, name)
    if not isinstance(frame, gpd.GeoDataFrame):
        raise LayerError(
            "L06", "the table has no geometry.", layer=name, rows=[f"all {len(frame)}"],
            remedy="name a layer of points, lines or areas",
        )  # fmt: skip
    if assume_crs is not None:
        frame = _with_crs(frame, assume_crs, name)
    if frame.crs is None:
        raise LayerError(
            "L02", "the layer has no coordinate system.", layer=name, rows=[f"all {len(frame)}"],
            remedy=f"{_likely_crs(frame)}; or assign its CRS in your GIS and save it again",
        )  # fmt: skip
    if len(frame) == 0:
        raise LayerError(
            "L03",
            "the layer is empty.",
            layer=name,
            rows=["none"],
            remedy="check the file, the table name and the filter `where`",
        )
    return frame.to_crs(crs) if crs is not None and frame.crs != crs else frame


def _with_crs(frame: gpd.GeoDataFrame, crs: str, layer: str) -> gpd.GeoDataFrame:
    """A layer with the coordinate system it is said to have; L14 when it says itself that it has another."""
    stated = parse_crs(crs)
    if frame.crs is not None and frame.crs != stated:
        raise LayerError(
            "L14", f"the layer is in {describe_crs(frame.crs)}, not in {crs}.", layer=layer, rows=[f"all {len(frame)}"],
            remedy="take the key crs out: it is for layers without a coordinate system, others are reprojected by themselves",
        )  # fmt: skip
    return frame.set_crs(stated)


def _likely_crs(frame: gpd.GeoDataFrame) -> str:
    """What to write for a layer without coordinate system, from its coordinates."""
    west, south, east, north = frame.total_bounds if len(frame) else (np.nan,) * 4
    if -180 <= west <= east <= 180 and -90 <= south <= north <= 90:
        return 'the coordinates look like degrees: if they are longitude and latitude, say crs = "EPSG:4326" for the layer'
    if 100_000 <= west <= east < 1_000_000 and 0 < south <= north < 10_000_000:
        return 'the coordinates look like a UTM zone: say which, such as crs = "EPSG:32649" (zone 49 north), for the layer'
    return 'say crs = "EPSG:..." for the layer, if you know it'


def _frame(path: Path, table: str | None, layer: str, encoding: str | None = None) -> Any:
    """One table of a vector file; L11 when the file cannot be read, L04 when it has no such table."""
    import pyogrio

    if path.suffix == ".parquet":
        return gpd.read_parquet(path)
    try:
        tables = [str(t) for t in pyogrio.list_layers(path)[:, 0]]
    except pyogrio.errors.DataSourceError as exc:
        raise _unreadable(path, layer, exc) from exc
    if table is not None and table not in tables:
        guess = nearest(table, tables)
        raise LayerError(
            "L04", f"there is no table {table!r} in {path.name}.", layer=layer, details={"tables": ", ".join(tables)},
            remedy=f"did you mean {guess!r}?" if guess else "name one of these tables",
        )  # fmt: skip
    return pyogrio.read_dataframe(path, layer=table if table is not None else tables[0], encoding=encoding)


def _filtered(frame: pd.DataFrame, where: Mapping[str, Any], layer: str) -> Any:
    for column, value in where.items():
        if column not in frame.columns:
            guess = nearest(column, frame.columns)
            raise LayerError(
                "L04", f"the filter names a column {column!r} that is not there.", layer=layer,
                details={"columns": ", ".join(map(str, frame.columns))},
                remedy=f"did you mean {guess!r}?" if guess else "name one of these columns",
            )  # fmt: skip
        frame = frame[frame[column].isin(value if isinstance(value, list) else [value])]
    return frame.reset_index(drop=True)


# ---------------------------------------------------------------- rasters
@dataclass(frozen=True)
class Alignment:
    """What was done to bring a raster onto the grid; goes into the run record.

    Examples
    --------
    >>> Alignment("elevation", "EPSG:4326", "bilinear", 0).resampling
    'bilinear'
    """

    layer: str
    source: str
    resampling: str
    filled_cells: int

    def text(self) -> str:
        """One line for the record."""
        return f"{self.layer}: {self.source} warped with {self.resampling}; {self.filled_cells:,} cells without value"


def raster_grid(path: str | os.PathLike[str], *, layer: str) -> Grid:
    """The grid of a raster file; refuses degrees (G01), rotation (G05), oblong cells (G06), no CRS (G07).

    Parameters
    ----------
    path : path
    layer : str
        Name used in messages.

    Returns
    -------
    Grid

    Examples
    --------
    >>> import tempfile
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     raster_grid(write_geotiff(f"{folder}/r.tif", land.resistance, land.grid), layer="r") == land.grid
    True
    """
    with rasterio.open(require_file(Path(path), layer=layer)) as source:
        return Grid.from_affine(source.crs, source.transform, source.shape, layer=layer)


def read_raster(
    path: str | os.PathLike[str],
    grid: Grid,
    *,
    band: int = 1,
    resampling: str | None = None,
    layer: str | None = None,
) -> tuple[NDArray[np.float64], Alignment | None]:
    """Read a raster on the grid; warps it only when ``resampling`` says how.

    Parameters
    ----------
    path : path
    grid : Grid
        Of the project.
    band : int
        From 1 on.
    resampling : str, optional
        ``"nearest"``, ``"bilinear"``, ``"average"``, ``"mode"`` ...; only a raster on another grid needs
        it.
    layer : str, optional
        Name used in messages.

    Returns
    -------
    values : array, shape (rows, cols)
        float64, nodata as NaN.
    alignment : Alignment or None
        What was done, None when the raster was on the grid already.

    Raises
    ------
    GridMismatchError
        G02 when it is on another grid and no resampling was asked for.
    GridError
        G07 without coordinate system.
    LayerError
        L01 no file, L11 not readable, L12 no such band.
    OptionError
        O01 for an unknown resampling.

    Examples
    --------
    >>> import tempfile
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write_geotiff(f"{folder}/r.tif", land.resistance, land.grid)
    ...     values, done = read_raster(path, land.grid)
    ...     coarse = pm.Grid.from_bounds(land.grid.bounds, cell_size=2000, crs=land.grid.crs)
    ...     read_raster(path, coarse, resampling="average")[0].shape
    (4, 6)
    >>> float(values.max()), done
    (1.0, None)
    """
    path = Path(path)
    name = layer or path.name
    if resampling is not None:
        check_choice("resampling", resampling, RESAMPLING)
    with _open_raster(path, band, name) as source:
        if source.crs is None:
            raise GridError(
                "G07", "the raster has no coordinate system.", layer=name, rows=["all cells"],
                remedy="assign its CRS in your GIS",
            )  # fmt: skip
        if resampling is None:
            grid.require_match(_grid_or_mismatch(source, grid, name), layer=name)
            return _values(source, band), None
        out = np.full(grid.shape, np.nan)
        reproject(
            _values(source, band), out, src_transform=source.transform, src_crs=source.crs, dst_transform=grid.transform,
            dst_crs=grid.crs.to_wkt(), src_nodata=np.nan, dst_nodata=np.nan, resampling=Resampling[resampling],
        )  # fmt: skip
        epsg = source.crs.to_epsg()
        origin = (
            f"{f'EPSG:{epsg}' if epsg else 'own CRS'}, {source.width} x {source.height}, {source.res[0]:g}"
        )
        return out, Alignment(name, origin, resampling, int(np.isnan(out).sum()))


def raw_raster(
    path: str | os.PathLike[str], *, band: int = 1, layer: str
) -> tuple[NDArray[np.float64], CRS | None]:
    """Values of a raster on its own cells, nodata as NaN, and its CRS; for checks, not for computing.

    Parameters
    ----------
    path : path
    band : int
        From 1 on.
    layer : str
        Name used in messages.

    Returns
    -------
    tuple[array, CRS | None]

    Examples
    --------
    >>> import tempfile
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     values, crs = raw_raster(write_geotiff(f"{folder}/r.tif", land.resistance, land.grid), layer="r")
    >>> values.shape, crs == land.grid.crs
    ((8, 12), True)
    """
    with _open_raster(Path(path), band, layer) as source:
        return _values(source, band), parse_crs(source.crs) if source.crs is not None else None


@contextlib.contextmanager
def _open_raster(path: Path, band: int, layer: str) -> Iterator[Any]:
    """An open raster; L01 no file, L11 not a raster, L12 no such band."""
    require_file(path, layer=layer)
    try:
        source = rasterio.open(path)
    except RasterioIOError as exc:
        raise _unreadable(path, layer, exc) from exc
    with source:
        if not 1 <= band <= source.count:
            raise LayerError(
                "L12", f"{path.name} has no band {band}.", layer=layer, details={"bands": source.count},
                remedy="name one of its bands; they count from 1",
            )  # fmt: skip
        yield source


def _unreadable(path: Path, layer: str, why: Exception) -> LayerError:
    return LayerError(
        "L11", f"{path.name} cannot be read: {why}", layer=layer, rows=["all"],
        remedy="check that the file is whole and of a format that GDAL reads",
    )  # fmt: skip


def _values(source: Any, band: int) -> NDArray[np.float64]:
    return np.asarray(source.read(band, masked=True).astype(np.float64).filled(np.nan))


def _grid_or_mismatch(source: Any, grid: Grid, name: str) -> Grid:
    """The grid of an open raster; one that is in degrees is a mismatch with a clear remedy."""
    try:
        return Grid.from_affine(source.crs, source.transform, source.shape, layer=name)
    except GridError as error:
        t = source.transform
        raise GridMismatchError(
            "G02",
            f"{name!r} is not on the project grid.",
            layer=name,
            rows=[f"all cells ({source.height} x {source.width})"],
            details={
                "project grid": grid,
                "this raster": f"{describe_crs(parse_crs(source.crs))}, {t.a:g}, {source.height} x {source.width}, "
                f"north-west corner ({t.c:.6g}, {t.f:.6g})",
            },
            remedy='ask for alignment with resampling = "average" (or "bilinear", "nearest" for classes)',
        ) from error
