"""Rasters in and out: read on a grid, warped only when asked how; GeoTIFFs written whole."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import AffineError
from numpy.typing import NDArray
from pyproj import CRS
from pyproj.exceptions import ProjError
from rasterio._err import CPLE_BaseError
from rasterio.errors import RasterioError, RasterioIOError

from permeability.core.errors import (
    GridError,
    GridMismatchError,
    LayerError,
    check_choice,
    nearest,
)
from permeability.core.texts import N_, Said
from permeability.layers.bands import BandFacts, band_facts, band_values, sample_values
from permeability.layers.grid import Grid, alignment_remedy, describe_crs, parse_crs
from permeability.layers.local_only import offline, require_local
from permeability.layers.warping import BYTES_PER_CELL, warp_band, warp_bytes

__all__ = ["Alignment", "raster_grid", "raw_raster", "read_raster", "write_geotiff"]
from permeability.layers.whole_files import _unreadable, require_file, whole_file

BLOCK_CACHE_MB = 64  # of blocks that GDAL holds; by default a twentieth of the machine
FOR_CODES = ("nearest", "mode")
LARGE_TILE = 512  # cells; smaller rasters are one tile or a few, without overviews
MOST_CHECKED = 1_000_000  # cells of a raster that a check looks at
RESAMPLING = ("nearest", "bilinear", "cubic", "average", "mode", "max", "min")


def write_geotiff(
    path: str | os.PathLike[str],
    values: NDArray[Any],
    grid: Grid,
    *,
    description: str = "",
    unit: str = "",
    tags: Mapping[str, str] | None = None,
) -> Path:
    """Write a raster as cloud-optimised GeoTIFF: tiled, compressed float32, nodata NaN, whole and byte-stable.

    One that is wider or higher than 512 cells holds overviews (means of cells with a value), so that a GIS or a reader over
    HTTP shows it without reading all of it.

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
    large = max(grid.shape) > LARGE_TILE
    profile = {
        "driver": "COG", "dtype": "float32", "count": 1, "width": grid.cols, "height": grid.rows,
        "crs": grid.crs.to_wkt(), "transform": grid.transform, "nodata": np.nan, "compress": "deflate",
        "predictor": "yes", "level": 6, "blocksize": LARGE_TILE if large else LARGE_TILE // 2,
        "overviews": "AUTO" if large else "NONE", "overview_resampling": "average", "bigtiff": "if_safer",
    }  # fmt: skip
    with whole_file(path) as aside, rasterio.open(aside, "w", **profile) as target:
        target.write(values.astype(np.float32), 1)
        target.set_band_description(1, description)
        target.set_band_unit(1, unit)
        target.update_tags(**dict(tags or {}))
    return Path(path)


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

    def said(self) -> Said:
        """One line for the record and the report."""
        facts = {"layer": self.layer, "source": self.source, "how": self.resampling, "n": self.filled_cells}
        return Said(N_("{layer}: {source} warped with {how}; {n} cells without value"), facts)

    def text(self) -> str:
        """The same in English."""
        return str(self.said())


def raster_grid(path: str | os.PathLike[str], *, layer: str, table: str | None = None) -> Grid:
    """The grid of a raster file; refuses degrees (G01), rotation (G05), oblong cells (G06), no CRS (G07).

    Parameters
    ----------
    path : path
    layer : str
        Name used in messages.
    table : str, optional
        Variable, of a file that holds several.

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
    with _open_raster(Path(path), 1, layer, table) as source:
        return Grid.from_affine(source.crs, source.transform, source.shape, layer=layer)


def read_raster(
    path: str | os.PathLike[str],
    grid: Grid,
    *,
    band: int = 1,
    resampling: str | None = None,
    layer: str | None = None,
    nodata: float | None = None,
    classes: bool = False,
    table: str | None = None,
) -> tuple[NDArray[np.float64], Alignment | None]:
    """Read a raster on the grid; warps it, piece by piece, only when ``resampling`` says how.

    Scale and offset of the band are applied; masks, alpha and nodata become NaN.

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
    nodata : float, optional
        A stored number that means no value, beside what the file says.
    classes : bool
        Whether the numbers are codes, of which there is no mean.
    table : str, optional
        Variable, of a file that holds several (NetCDF, HDF, Zarr).

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
        L01 no file, L04 no such variable, L11 not readable, L12 no such band, L18 several variables, L30 an undeclared nodata, L31 codes averaged, L32 a picture.
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
    with _open_raster(path, band, name, table) as source:
        if source.crs is None:
            raise GridError(
                "G07", "the raster has no coordinate system.", layer=name, rows=["all cells"],
                remedy="assign its CRS in your GIS",
            )  # fmt: skip
        facts = band_facts(source, band)
        _require_values(facts, name)
        if resampling is None:
            grid.require_match(
                _grid_or_mismatch(source, grid, name, classes or facts.classes),
                layer=name,
                classes=classes or facts.classes,
            )
            return band_values(source, band, nodata=nodata, layer=name), None
        if classes:
            require_codes(resampling, name)
        out = warp_band(source, band, grid, resampling, nodata=nodata, layer=name)
        epsg = source.crs.to_epsg()
        origin = (
            f"{f'EPSG:{epsg}' if epsg else 'own CRS'}, {source.width} x {source.height}, {source.res[0]:g}"
        )
        return out, Alignment(name, origin, resampling, int(np.isnan(out).sum()))


def require_codes(resampling: str, layer: str) -> None:
    """Refuse a mean of codes (L31): between grass (4) and bare ground (6) lies no forest (5).

    Examples
    --------
    >>> require_codes("mode", "land cover")
    >>> require_codes("average", "land cover")
    Traceback (most recent call last):
    ...
    permeability.core.errors.LayerError: LayerError [L31]: ...
    """
    if resampling not in FOR_CODES:
        raise LayerError(
            "L31", f"resampling = {resampling!r} makes numbers of classes that are none: codes have no mean.", layer=layer,
            remedy='say resampling = "mode" (the most frequent class) or "nearest" for the layer',
        )  # fmt: skip


def _require_values(facts: BandFacts, layer: str) -> None:
    if facts.picture and facts.bands >= 3:
        raise LayerError(
            "L32", f"the raster is a picture: band {facts.band} of {facts.bands} is a colour, no value.", layer=layer,
            remedy="give the raster that the picture was drawn from",
        )  # fmt: skip


def raster_facts(
    path: str | os.PathLike[str], *, band: int = 1, layer: str, table: str | None = None
) -> BandFacts:
    """What a file says of one of its bands.

    Parameters
    ----------
    path : path
    band : int
        From 1 on.
    layer : str
        Name used in messages.
    table : str, optional
        Variable, of a file that holds several.

    Returns
    -------
    BandFacts

    Examples
    --------
    >>> import tempfile
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     raster_facts(write_geotiff(f"{folder}/r.tif", land.resistance, land.grid, unit="1"), layer="r").unit
    '1'
    """
    with _open_raster(Path(path), band, layer, table) as source:
        return band_facts(source, band)


def reading_bytes(
    path: str | os.PathLike[str],
    grid: Grid,
    *,
    layer: str,
    resampling: str | None = None,
    table: str | None = None,
) -> int:
    """Memory that reading a raster onto a grid takes beyond its result [bytes].

    Parameters
    ----------
    path : path
    grid : Grid
    layer : str
        Name used in messages.
    resampling, table : str, optional
        As for :func:`read_raster`.

    Returns
    -------
    int

    Examples
    --------
    >>> import tempfile
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     reading_bytes(write_geotiff(f"{folder}/r.tif", land.resistance, land.grid), land.grid, layer="r") < 10_000
    True
    """
    with _open_raster(Path(path), 1, layer, table) as source:
        if resampling is None or source.crs is None:
            return int(min(source.width * source.height, grid.size)) * BYTES_PER_CELL
        return warp_bytes(source, grid, resampling)


def raw_raster(
    path: str | os.PathLike[str],
    *,
    band: int = 1,
    layer: str,
    nodata: float | None = None,
    table: str | None = None,
) -> tuple[NDArray[np.float64], CRS | None]:
    """Values of a raster on its own cells, nodata as NaN, and its CRS; for checks, not for computing.

    Of a raster with more cells than a check needs, a regular sample of them.

    Parameters
    ----------
    path : path
    band : int
        From 1 on.
    layer : str
        Name used in messages.
    nodata : float, optional
        A stored number that means no value, beside what the file says.
    table : str, optional
        Variable, of a file that holds several.

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
    with _open_raster(Path(path), band, layer, table) as source:
        values = sample_values(source, band, MOST_CHECKED, nodata=nodata, layer=layer)
        return values, parse_crs(source.crs) if source.crs is not None else None


def _is_zarr(path: Path) -> bool:
    """Whether a folder holds an array of Zarr."""
    return path.is_dir() and any((path / mark).is_file() for mark in (".zgroup", ".zarray", "zarr.json"))


@contextlib.contextmanager
def _open_raster(path: Path, band: int, layer: str, table: str | None = None) -> Iterator[Any]:
    """An open raster; L01 no file, L04 no such variable, L11 not a raster, L12 no such band, L18 several variables."""
    if not _is_zarr(path):
        require_file(path, layer=layer)
        require_local(path, layer=layer)
    with contextlib.ExitStack() as stack:
        stack.enter_context(offline())
        stack.enter_context(rasterio.Env(GDAL_CACHEMAX=BLOCK_CACHE_MB))
        source = stack.enter_context(_opened(path, path, layer))
        if table is not None or not source.count:
            inside = _variable(source.subdatasets, path, layer, table)
            if inside is not None:
                source = stack.enter_context(_opened(inside, path, layer))
        if not 1 <= band <= source.count:
            raise LayerError(
                "L12", f"{path.name} has no band {band}.", layer=layer, details={"bands": source.count},
                remedy="name one of its bands; they count from 1",
            )  # fmt: skip
        try:
            yield source
        except (
            RasterioError,
            RasterioIOError,
            CPLE_BaseError,
            ProjError,
            AffineError,
            UnicodeDecodeError,
        ) as exc:
            # a head that makes sense and a body, a place or a coordinate system that does not
            raise _unreadable(path, layer, exc) from exc


def _opened(name: Path | str, path: Path, layer: str) -> Any:
    """An open data set of a file."""
    try:
        return rasterio.open(name)
    except (RasterioError, RasterioIOError, CPLE_BaseError, UnicodeDecodeError) as exc:
        raise _unreadable(path, layer, exc) from exc


def _variable(names: list[str], path: Path, layer: str, table: str | None) -> str | None:
    """What GDAL calls a variable of a file that holds several; None where the file itself is the raster."""
    held = {n.rsplit(":", 1)[-1].lstrip("/"): n for n in names}
    if table in held:
        return held[str(table)]
    if table is not None:
        guess = nearest(table, held)
        raise LayerError(
            "L04", f"there is no variable {table!r} in {path.name}.", layer=layer, details={"variables": ", ".join(held) or "one, without a name"},
            remedy=f"did you mean {guess!r}?" if guess else "name one of these variables" if held else "take the key table out",
        )  # fmt: skip
    if not held:
        return None
    raise LayerError(
        "L18", f"{path.name} holds {len(held)} variables, and none is named.", layer=layer, details={"variables": ", ".join(held)},
        remedy=f'say which, such as table = "{next(iter(held))}"',
    )  # fmt: skip


def _grid_or_mismatch(source: Any, grid: Grid, name: str, classes: bool) -> Grid:
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
            remedy=alignment_remedy(name, classes, own_grid=False),
        ) from error
