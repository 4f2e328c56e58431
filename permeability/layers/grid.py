"""Where the cells are: an immutable grid with an identity that can be compared.

A grid is a projected coordinate system in metres, a north-up affine transform with square cells and a
shape.  Two rasters belong together when their grids match within a small fraction of a cell, never because
their coordinates happen to join.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd
from affine import Affine
from numpy.typing import NDArray
from pyproj import CRS, Geod, Proj, Transformer
from pyproj.exceptions import CRSError as PyprojCRSError

from permeability.core.errors import GridError, GridMismatchError
from permeability.core.guesses import suggests_keywords

WHOLE_CELLS = 1e-6  # by which bounds may miss a whole number of cells
TOLERANCE_CELLS = 1e-3  # grids closer than this fraction of a cell are the same grid


def parse_crs(crs: Any, *, layer: str | None = None) -> CRS:
    """A pyproj CRS from anything pyproj understands.

    Parameters
    ----------
    crs : object
        EPSG code, authority string, PROJ string, WKT or CRS.
    layer : str, optional
        Name used in the message.

    Returns
    -------
    CRS

    Raises
    ------
    GridError
        G03 when the text cannot be read.

    Examples
    --------
    >>> parse_crs("EPSG:32648").to_epsg()
    32648
    """
    try:
        return CRS.from_user_input(crs)
    except PyprojCRSError as exc:
        raise GridError(
            "G03",
            f"the coordinate system {crs!r} cannot be read.",
            layer=layer,
            remedy='give an EPSG code such as "EPSG:32648" or a PROJ string such as "+proj=lcc +lat_1=43.5 ..."',
        ) from exc


def require_metres(crs: CRS, *, layer: str | None = None, bounds: Sequence[float] | None = None) -> None:
    """Refuse a coordinate system in degrees or feet.

    Parameters
    ----------
    crs : CRS
    layer : str, optional
        Name used in the message.
    bounds : sequence of float, optional
        West, south, east, north, for a suggestion that fits [unit of the CRS].

    Raises
    ------
    GridError
        G01 with a suggestion of fitting projected systems when ``bounds`` (west, south, east, north in the
        units of ``crs``) are known.

    Examples
    --------
    >>> require_metres(parse_crs(32648))
    >>> require_metres(parse_crs(4326), bounds=(104.0, 43.0, 106.0, 45.0))
    Traceback (most recent call last):
    ...
    permeability.core.errors.GridError: GridError [G01]: ...
    """
    if crs.is_projected and all(abs(a.unit_conversion_factor - 1.0) < 1e-12 for a in crs.axis_info[:2]):
        return
    unit = crs.axis_info[0].unit_name if crs.axis_info else "unknown units"
    hint = "use a projected coordinate system in metres"
    if crs.is_geographic and bounds is not None and np.all(np.isfinite(bounds)):
        best = suggest_crs((float(bounds[0]), float(bounds[1]), float(bounds[2]), float(bounds[3]))).iloc[0]
        hint = f'use a projected coordinate system in metres, for this area for example crs = "{best["crs"]}"'
    raise GridError(
        "G01",
        f"the coordinate system {describe_crs(crs)} is in {unit}s; distances and areas need metres.",
        layer=layer,
        remedy=hint,
    )


def in_degrees(bounds: Sequence[float]) -> bool:
    """Whether west, south, east, north can be degrees.

    Parameters
    ----------
    bounds : sequence of float

    Returns
    -------
    bool

    Examples
    --------
    >>> in_degrees((102.4, 44.9, 103.0, 45.2)), in_degrees((300_000, 4_980_000, 340_000, 5_004_000))
    (True, False)
    """
    west, south, east, north = bounds
    return bool(-180 <= west < east <= 360 and -90 <= south < north <= 90)


def describe_crs(crs: CRS) -> str:
    """Short name of a coordinate system: its EPSG code, or the name with the PROJ string's method.

    Parameters
    ----------
    crs : CRS

    Returns
    -------
    str
        Authority and code, or its name.

    Examples
    --------
    >>> describe_crs(parse_crs(32648))
    'EPSG:32648'
    """
    epsg = crs.to_epsg()
    if epsg is not None:
        return f"EPSG:{epsg}"
    method = crs.coordinate_operation.method_name if crs.coordinate_operation is not None else "own CRS"
    return str(crs.name) if crs.name and crs.name != "unknown" else str(method)


@dataclass(frozen=True)
class Grid:
    """A projected, north-up grid with square cells.

    Parameters
    ----------
    crs : pyproj.CRS
        Projected, in metres.
    west, north : float
        Outer corner of the first cell [m].
    cell_size : float
        Edge of a cell [m].
    shape : (int, int)
        Rows and columns.

    Raises
    ------
    GridError
        G01 for degrees, G04 for a shape or cell size that is not positive.

    Examples
    --------
    >>> grid = Grid.from_bounds((0, 0, 10_000, 5_000), cell_size=1_000, crs="EPSG:32648")
    >>> grid
    Grid(EPSG:32648, 1,000 m, 5 x 10, north-west corner (0, 5000))
    >>> grid.cell_area_km2
    1.0
    """

    crs: CRS
    west: float
    north: float
    cell_size: float
    shape: tuple[int, int]

    def __post_init__(self) -> None:
        object.__setattr__(self, "crs", parse_crs(self.crs))
        require_metres(self.crs, layer="grid")
        rows, cols = self.shape
        if not (self.cell_size > 0 and math.isfinite(self.cell_size) and rows > 0 and cols > 0):
            raise GridError(
                "G04",
                f"a grid of {rows} x {cols} cells of {self.cell_size} m is empty.",
                remedy="give a positive cell size and bounds with west < east and south < north",
            )

    # ---------------------------------------------------------------- builders
    @classmethod
    def like(cls, source: Any, cell_size: float | None = None) -> Grid:
        """The grid of a DataArray or raster file, or one that covers a layer: :func:`permeability.layers.grid_like.grid_like`."""
        found: Grid = import_module("permeability.layers.grid_like").grid_like(source, cell_size)
        return found

    @classmethod
    @suggests_keywords
    def from_bounds(cls, bounds: Sequence[float], *, cell_size: float, crs: Any) -> Grid:
        """The grid that covers ``bounds`` [m]: of exactly these where they are whole cells apart, else with lines at multiples of the cell size."""
        west, south, east, north = (float(b) for b in bounds)
        if not (cell_size > 0 and west < east and south < north):
            raise GridError(
                "G04",
                f"bounds {tuple(bounds)} with cells of {cell_size} m hold no cell.",
                remedy="give bounds as west, south, east, north in metres and a positive cell size",
            )
        require_metres(parse_crs(crs), layer="grid", bounds=bounds if in_degrees(bounds) else None)
        across, along = (east - west) / cell_size, (north - south) / cell_size
        if all(n >= 0.5 and abs(n - round(n)) <= WHOLE_CELLS for n in (across, along)):
            return cls(parse_crs(crs), west, north, float(cell_size), (round(along), round(across)))
        c0, c1 = math.floor(west / cell_size + 1e-9), math.ceil(east / cell_size - 1e-9)
        r0, r1 = math.floor(south / cell_size + 1e-9), math.ceil(north / cell_size - 1e-9)
        return cls(parse_crs(crs), c0 * cell_size, r1 * cell_size, float(cell_size), (r1 - r0, c1 - c0))

    @classmethod
    def from_affine(
        cls, crs: Any, transform: Affine, shape: tuple[int, int], *, layer: str | None = None
    ) -> Grid:
        """The grid of a raster; refuses rotated (G05) and oblong (G06) cells and a missing CRS (G07)."""
        if crs is None:
            raise GridError(
                "G07",
                "the raster has no coordinate system.",
                layer=layer,
                rows=["all cells"],
                remedy="assign its CRS in your GIS",
            )
        full = parse_crs(crs, layer=layer)
        if full.is_geographic:
            rows, cols = shape
            corner = (
                transform.c,
                transform.f + rows * transform.e,
                transform.c + cols * transform.a,
                transform.f,
            )
            require_metres(full, layer=layer, bounds=corner)
        if abs(transform.b) + abs(transform.d) > 1e-9 * abs(transform.a) or transform.e > 0:
            raise GridError(
                "G05",
                "the raster is rotated or not north-up.",
                layer=layer,
                remedy="warp it to a north-up grid",
            )
        if abs(transform.a + transform.e) > 1e-6 * transform.a:
            raise GridError(
                "G06",
                f"cells of {transform.a:g} x {-transform.e:g} are not square.",
                layer=layer,
                remedy="resample to square cells",
            )
        return cls(full, transform.c, transform.f, transform.a, (int(shape[0]), int(shape[1])))

    # ---------------------------------------------------------------- facts
    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.shape[0]

    @property
    def cols(self) -> int:
        """Number of columns."""
        return self.shape[1]

    @property
    def size(self) -> int:
        """Number of cells."""
        return self.shape[0] * self.shape[1]

    @property
    def transform(self) -> Affine:
        """Affine transform from (column, row) to map coordinates."""
        return Affine(self.cell_size, 0.0, self.west, 0.0, -self.cell_size, self.north)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north [m]."""
        return (
            self.west,
            self.north - self.rows * self.cell_size,
            self.west + self.cols * self.cell_size,
            self.north,
        )

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """West, east, south, north [m], as matplotlib wants it."""
        w, s, e, n = self.bounds
        return (w, e, s, n)

    @property
    def cell_area_km2(self) -> float:
        """Area of one cell on the map plane [km2]."""
        return self.cell_size**2 / 1e6

    @cached_property
    def x(self) -> NDArray[np.float64]:
        """Easting of the column centres, shape (cols,) [m]."""
        return np.asarray(self.west + (np.arange(self.cols) + 0.5) * self.cell_size, np.float64)

    @cached_property
    def y(self) -> NDArray[np.float64]:
        """Northing of the row centres, shape (rows,) [m]."""
        return np.asarray(self.north - (np.arange(self.rows) + 0.5) * self.cell_size, np.float64)

    def cells_of(self, x: Any, y: Any) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Row and column of points [m]; may lie outside the grid."""
        col = np.floor((np.asarray(x, float) - self.west) / self.cell_size).astype(np.int64)
        row = np.floor((self.north - np.asarray(y, float)) / self.cell_size).astype(np.int64)
        return row, col

    def contains(self, row: NDArray[np.int64], col: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which cells lie on the grid."""
        return (row >= 0) & (row < self.rows) & (col >= 0) & (col < self.cols)

    def with_cell_size(self, cell_size: float) -> Grid:
        """The same area at another cell size [m]."""
        return Grid.from_bounds(self.bounds, cell_size=cell_size, crs=self.crs)

    # ---------------------------------------------------------------- identity
    def differences(self, other: Grid) -> list[str]:
        """Every difference between two grids, in words with cells and metres."""
        found: list[str] = []
        if self.crs != other.crs:
            found.append(f"coordinate system {describe_crs(other.crs)} instead of {describe_crs(self.crs)}")
        tolerance = TOLERANCE_CELLS * self.cell_size
        if abs(self.cell_size - other.cell_size) * max(self.shape) > tolerance:
            found.append(f"cells of {other.cell_size:g} m instead of {self.cell_size:g} m")
        for name, mine, theirs in (("west", self.west, other.west), ("north", self.north, other.north)):
            if abs(mine - theirs) > tolerance:
                shift = theirs - mine
                found.append(f"{name} edge shifted by {shift:+,.6g} m ({shift / self.cell_size:+,.3f} cells)")
        if self.shape != other.shape:
            found.append(f"{other.rows} x {other.cols} cells instead of {self.rows} x {self.cols}")
        return found

    def require_match(self, other: Grid, *, layer: str, classes: bool = False) -> None:
        """Refuse a raster on another grid, listing every difference; the remedy is another for codes of classes.

        Raises
        ------
        GridMismatchError
            G02.
        """
        found = self.differences(other)
        if found:
            raise GridMismatchError(
                "G02",
                f"{layer!r} is not on the project grid.",
                layer=layer,
                rows=[f"all cells ({other.rows} x {other.cols})"],
                details={"project grid": self, "this raster": other, "differences": "\n".join(found)},
                remedy=alignment_remedy(layer, classes),
            )

    def distortion(self, points: int = 9) -> dict[str, float]:
        """Scale and area errors of the projection over the grid.

        Returns
        -------
        dict
            ``scale_error_pct`` [%], the worst linear scale error, and ``area_error_pct`` [%], the worst areal
            error, on a lattice of ``points`` x ``points`` (Snyder 1987, doi:10.3133/pp1395).
        """
        return _distortion(self.crs, self.bounds, points)

    def __repr__(self) -> str:
        return (
            f"Grid({describe_crs(self.crs)}, {self.cell_size:,.6g} m, {self.rows} x {self.cols}, "
            f"north-west corner ({self.west:.10g}, {self.north:.10g}))"
        )


def _distortion(crs: CRS, bounds: Sequence[float], points: int) -> dict[str, float]:
    west, south, east, north = bounds
    x, y = np.meshgrid(np.linspace(west, east, points), np.linspace(south, north, points))
    lon, lat = Transformer.from_crs(crs, crs.geodetic_crs, always_xy=True).transform(x.ravel(), y.ravel())
    keep = np.isfinite(lon) & np.isfinite(lat)
    f = Proj(crs).get_factors(np.asarray(lon)[keep], np.asarray(lat)[keep])
    scale = np.concatenate([np.atleast_1d(f.tissot_semimajor), np.atleast_1d(f.tissot_semiminor)])
    return {
        "scale_error_pct": float(100 * np.max(np.abs(scale - 1))),
        "area_error_pct": float(100 * np.max(np.abs(np.atleast_1d(f.areal_scale) - 1))),
    }


def alignment_remedy(layer: str, classes: bool, *, own_grid: bool = True) -> str:
    """What to do about a raster that is on another grid.

    Parameters
    ----------
    layer : str
    classes : bool
        Whether its numbers are codes.
    own_grid : bool
        Whether its own grid can be that of a project.

    Returns
    -------
    str

    Examples
    --------
    >>> alignment_remedy("land cover", True)
    'take its grid for the project, [grid] like = "land cover"; or say resampling = "mode" (or "nearest") for the layer'
    """
    how = '"mode" (or "nearest")' if classes else '"average" (or "bilinear"; "mode" or "nearest" for classes)'
    first = f'take its grid for the project, [grid] like = "{layer}"; or ' if own_grid else ""
    return f"{first}say resampling = {how} for the layer"


def suggest_crs(bounds: tuple[float, float, float, float]) -> pd.DataFrame:
    """Projected coordinate systems that fit an area, best first.

    Parameters
    ----------
    bounds : (west, south, east, north)
        In degrees (EPSG:4326).

    Returns
    -------
    pandas.DataFrame
        Columns ``name``, ``crs``, ``scale_error_pct``, ``area_error_pct``: a Lambert conformal conic with
        parallels a sixth inside the area (none where these lie evenly on both sides of the equator), a Lambert azimuthal
        equal-area centred on it, and its UTM zone.

    Examples
    --------
    >>> table = suggest_crs((87.7, 41.5, 120.0, 52.2))
    >>> table["name"].iloc[0]
    'Lambert conformal conic'
    """
    west, south, east, north = bounds
    middle = (west + east) / 2 + (180.0 if east < west else 0.0)  # west > east: over the date line
    lon0, lat0, sixth = (
        round((middle + 180.0) % 360.0 - 180.0, 1),
        round((south + north) / 2, 1),
        (north - south) / 6,
    )
    bounds = (west, south, (east + 180.0) % 360.0 - 180.0 if east > 180.0 else east, north)
    zone = min(60, max(1, math.floor((lon0 + 180) / 6) + 1))
    parallels = round(south + sixth, 1), round(north - sixth, 1)
    options = {
        "Lambert conformal conic": (
            f"+proj=lcc +lat_1={parallels[0]:.1f} +lat_2={parallels[1]:.1f} "
            f"+lat_0={lat0} +lon_0={lon0} +datum=WGS84 +units=m"
        ),
        "Lambert azimuthal equal-area": f"+proj=laea +lat_0={lat0} +lon_0={lon0} +datum=WGS84 +units=m",
        f"UTM zone {zone}{'N' if lat0 >= 0 else 'S'}": f"EPSG:{(32600 if lat0 >= 0 else 32700) + zone}",
    }
    if sum(parallels) == 0.0:
        del options["Lambert conformal conic"]  # evenly across the equator the cone has no tip
    rows = []
    for name, text in options.items():
        crs = CRS.from_user_input(text)
        box = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform_bounds(*bounds)
        rows.append({"name": name, "crs": text, **_distortion(crs, box, 9)})
    return pd.DataFrame(rows).sort_values("scale_error_pct", ignore_index=True)


def cells_in_words(values: NDArray[np.float64], bad: NDArray[np.bool_]) -> list[str]:
    """The cells concerned, with their values, for messages.

    Parameters
    ----------
    values : array
        Any raster, shape (rows, cols).
    bad : bool array
        Cells to name, shape (rows, cols).

    Returns
    -------
    list of str
        Row, column and value of the first few.

    Examples
    --------
    >>> cells_in_words(np.array([[1.0, -2.0]]), np.array([[False, True]]))
    ['row 0 column 1 (-2)']
    """
    return [f"row {r} column {c} ({values[r, c]:g})" for r, c in np.argwhere(bad)]


def geodesic_length_m(geometry: Any, crs: CRS) -> float:
    """Length of a geometry on the ellipsoid [m] (Karney 2013, doi:10.1007/s00190-012-0578-z).

    Parameters
    ----------
    geometry : shapely geometry
        Lines.
    crs : CRS

    Returns
    -------
    float
        Length on the ellipsoid [m].

    Examples
    --------
    >>> import shapely
    >>> line = shapely.LineString([(105.0, 45.0), (105.0, 46.0)])  # one degree of latitude
    >>> round(geodesic_length_m(line, parse_crs(4326)) / 1000)
    111
    """
    import shapely

    to = Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    lonlat = shapely.transform(geometry, lambda c: np.column_stack(to.transform(c[:, 0], c[:, 1])))
    return float(abs(Geod(ellps="WGS84").geometry_length(lonlat)))


__all__ = [
    "Grid",
    "GridMismatchError",
    "cells_in_words",
    "describe_crs",
    "geodesic_length_m",
    "parse_crs",
    "require_metres",
    "suggest_crs",
]
