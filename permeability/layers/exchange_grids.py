"""Rasters as exchange files: ESRI ASCII grids (plain or gzip) and GeoTIFF, read into one small record.

Nothing is reprojected, resampled or guessed.  The reader is tolerant about layout (case of header words,
tabs, blanks, broken lines) and strict about content: a wrong number of values, an unknown header word,
oblong or rotated cells are refused with :class:`~permeability.core.errors.InteropError`.
"""

from __future__ import annotations

import contextlib
import gzip
import os
import re
import warnings
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from affine import Affine
from numpy.typing import ArrayLike, NDArray

from permeability.core import memory
from permeability.core.errors import InteropError, nearest
from permeability.layers.local_only import offline, require_local
from permeability.layers.raster_rows import NODATA, geotiff_rows, grid_rows

HEADER_WORDS = (
    "ncols",
    "nrows",
    "xllcorner",
    "yllcorner",
    "xllcenter",
    "yllcenter",
    "cellsize",
    "dx",
    "dy",
    "nodata_value",
    "nodata",
)
_TIFF_MAGIC = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_HEADER_ENTRY = re.compile(r"\s*([A-Za-z_]+)\s+(\S+)")
MOST_CELLS = 1e9  # on a side
_NUMBER_WORDS = ("nan", "inf", "infinity")

ALIGN_TOLERANCE = 1e-3  # share of a cell by which corners of two grids may differ


@dataclass(frozen=True, eq=False)
class RasterFile:
    """One band of a raster file, north up, square cells.

    Attributes
    ----------
    values : array, shape (rows, cols)
        float64, NaN where the file has no value; row 0 is the northern row.
    cell_size : float
        Edge of a cell [units of the file, metres in a projected grid].
    xll, yll : float
        Lower left corner of the lower left cell [same units].
    nodata : float or None
        The file's own nodata value.
    crs : rasterio.crs.CRS or None
        None where the file (or the ``.prj`` beside an ASCII grid, as WKT) states none.
    transform : affine.Affine
        From (column, row) to (x, y).
    path : Path
    """

    values: NDArray[np.float64]
    cell_size: float
    xll: float
    yll: float
    nodata: float | None
    crs: Any
    transform: Affine
    path: Path = Path()

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, cols)."""
        return self.values.shape


def read_raster(path: str | os.PathLike[str]) -> RasterFile:
    """Read an ESRI ASCII grid (plain or gzip) or a GeoTIFF; the kind is told from the content.

    Parameters
    ----------
    path : path

    Returns
    -------
    RasterFile

    Raises
    ------
    InteropError
        [X04] no such file; [X06] not a grid, wrong number of values, unknown header word, oblong or rotated
        cells.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "a.asc"
    >>> header = "NCOLS 2\\nNROWS 1\\nXLLCORNER 0\\nYLLCORNER 0\\nCELLSIZE 5\\nNODATA_value -1\\n"
    >>> _ = file.write_text(header + "3\\t-1\\n")
    >>> read_raster(file).values
    array([[ 3., nan]])
    """
    file = Path(path)
    head = read_head(file)
    if head.startswith(_TIFF_MAGIC):
        return _read_geotiff(file)
    return _parse_ascii(read_text(file), file)


def read_head(path: Path, size: int = 512) -> bytes:
    """The first bytes of a file, decompressed when it is gzip.

    Raises
    ------
    InteropError
        [X04] no such file, or it cannot be read.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(size)
        if head.startswith(b"\x1f\x8b"):
            with gzip.open(path, "rb") as stream:
                head = stream.read(size)
    except PACKED_ERRORS as error:
        raise _unreadable(path, error) from error
    return head


PACKED_ERRORS = (OSError, EOFError, zlib.error)


def unpacked(path: Path) -> bytes:
    """What a gzip file holds; no more of it is unpacked than a quarter of the free memory.

    Raises
    ------
    InteropError
        [X04] it is larger than that.
    OSError, EOFError, zlib.error
        It is no whole gzip file.
    """
    most = memory.available() // 4
    parts, size = [], 0
    with gzip.open(path, "rb") as stream:
        while block := stream.read(1 << 20):
            size += len(block)
            if size > most:
                raise InteropError(
                    "X04", f"'{path.name}' unpacks to more than {most / 1e9:,.1f} GB, a quarter of the free memory.",
                    layer=path.name, remedy="unpack it, look at it, and use a GeoTIFF, which is read in parts",
                )  # fmt: skip
            parts.append(block)
    return b"".join(parts)


def read_text(path: Path) -> str:
    """The text of a file, decompressed when it is gzip; UTF-8 (with or without mark), UTF-16 or Latin-1.

    Raises
    ------
    InteropError
        [X04] no such file, or it cannot be read.
    """
    try:
        raw = path.read_bytes()
        if raw.startswith(b"\x1f\x8b"):
            raw = unpacked(path)
    except PACKED_ERRORS as error:
        raise _unreadable(path, error) from error
    try:
        return raw.decode("utf-16" if raw.startswith(_UTF_16) else "utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def is_geotiff(path: Path) -> bool:
    """Whether a file is a GeoTIFF that is not packed, so that parts of it can be read.

    Raises
    ------
    InteropError
        [X04] no such file, or it cannot be read.
    """
    read_head(path)
    with path.open("rb") as stream:
        return stream.read(4).startswith(_TIFF_MAGIC)


def is_raster(path: Path) -> bool:
    """Whether a file is a grid (GeoTIFF or ESRI ASCII), told from its content.

    Raises
    ------
    InteropError
        [X04] no such file, or it cannot be read.
    """
    head = read_head(path)
    if head.startswith(_TIFF_MAGIC):
        return True
    found = _HEADER_ENTRY.match(head.decode("latin-1").lstrip("\ufeff\xef\xbb\xbf"))
    return found is not None and found.group(1).lower() in HEADER_WORDS


def _unreadable(path: Path, error: Exception) -> InteropError:
    missing = isinstance(error, FileNotFoundError)
    return InteropError(
        "X04",
        f"'{path}' does not exist." if missing else f"'{path}' cannot be read: {error}.",
        layer=path.name,
        remedy="correct the path",
    )


def _parse_ascii(text: str, path: Path) -> RasterFile:
    header, start = _header(text, path)
    cols, rows = (int(_required(header, word, path)) for word in ("ncols", "nrows"))
    size = _cell_size(header, path)
    values = _numbers(text[start:], path)
    if values.size != rows * cols:
        raise InteropError(
            "X06",
            f"'{path.name}' states {rows} rows x {cols} columns = {rows * cols:,} values "
            f"and holds {values.size:,}.",
            layer=path.name,
            remedy="correct ncols and nrows, or restore the missing lines",
        )
    nodata = header.get("nodata_value", header.get("nodata"))
    code = NODATA if nodata is None else nodata
    values = values.reshape(rows, cols)
    values[_equal(values, code)] = np.nan
    xll = _corner(header, "x", size, path)
    yll = _corner(header, "y", size, path)
    transform = Affine(size, 0.0, xll, 0.0, -size, yll + rows * size)
    return RasterFile(values, size, xll, yll, nodata, _sidecar_crs(path), transform, path)


def _header(text: str, path: Path) -> tuple[dict[str, float], int]:
    header: dict[str, float] = {}
    at = 0
    while (found := _HEADER_ENTRY.match(text, at)) is not None:
        word = found.group(1).lower()
        if word in _NUMBER_WORDS:
            break
        if word not in HEADER_WORDS:
            guess = nearest(word, HEADER_WORDS)
            raise InteropError(
                "X06",
                f"'{path.name}' is not an ESRI ASCII grid: header word {found.group(1)!r} is not known.",
                layer=path.name,
                remedy=f"did you mean {guess!r}?"
                if guess
                else "export the raster as ESRI ASCII grid or GeoTIFF",
            )
        try:
            header[word] = float(found.group(2))
        except ValueError:
            raise InteropError(
                "X06",
                f"'{path.name}': {word} = {found.group(2)!r} is not a number.",
                layer=path.name,
                remedy="use a decimal point and no thousands separator",
            ) from None
        at = found.end()
    return header, at


def _required(header: dict[str, float], word: str, path: Path) -> float:
    value = header.get(word)
    if value is None or not 1 <= value <= MOST_CELLS or value != int(value):
        raise InteropError(
            "X06",
            f"'{path.name}' is not an ESRI ASCII grid: {word} is {'missing' if value is None else value}.",
            layer=path.name,
            remedy="the file must begin with ncols, nrows, xllcorner, yllcorner, cellsize, NODATA_value",
        )
    return value


def _cell_size(header: dict[str, float], path: Path) -> float:
    dx, dy = header.get("dx"), header.get("dy")
    if dx is not None and dy is not None and abs(dx - dy) > 1e-9 * abs(dx):
        raise _oblong(path, dx, dy)
    size = header.get("cellsize", dx)
    if size is None or not size > 0 or not np.isfinite(size):
        raise InteropError(
            "X06",
            f"'{path.name}': cellsize is {'missing' if size is None else size}.",
            layer=path.name,
            remedy="state the edge of a cell as cellsize",
        )
    return size


def _oblong(path: Path, dx: float, dy: float) -> InteropError:
    return InteropError(
        "X06",
        f"'{path.name}' has cells of {dx:g} x {dy:g}; they must be square.",
        layer=path.name,
        remedy="resample the raster to square cells",
    )


def _corner(header: dict[str, float], axis: str, size: float, path: Path) -> float:
    corner, centre = header.get(f"{axis}llcorner"), header.get(f"{axis}llcenter")
    if corner is None and centre is None:
        raise InteropError(
            "X06",
            f"'{path.name}': {axis}llcorner is missing.",
            layer=path.name,
            remedy=f"state {axis}llcorner or {axis}llcenter",
        )
    return corner if corner is not None else float(centre or 0.0) - size / 2


def _numbers(text: str, path: Path) -> NDArray[np.float64]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return np.fromstring(text, dtype=np.float64, sep=" ")
        except (DeprecationWarning, ValueError):
            pass
    token = next((t for t in text.split() if not _is_number(t)), "")
    raise InteropError(
        "X06",
        f"'{path.name}' holds {token!r} where a number is expected.",
        layer=path.name,
        remedy="use a decimal point, blanks or tabs between the values, and nothing else",
    )


def _is_number(token: str) -> bool:
    try:
        float(token)
    except ValueError:
        return False
    return True


def _equal(values: NDArray[np.float64], code: float) -> NDArray[np.bool_]:
    """Where values are the nodata code; huge codes are compared as printed with six digits."""
    if abs(code) > 1e30:
        with np.errstate(invalid="ignore"):  # infinite less infinite
            return np.less_equal(np.abs(values - code), 1e-5 * abs(code)) | np.equal(values, code)
    return np.equal(values, code)


def _sidecar_crs(path: Path) -> Any:
    base = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    prj = base.with_suffix(".prj")
    if not prj.is_file():
        return None
    from rasterio.crs import CRS
    from rasterio.errors import CRSError

    try:
        return CRS.from_wkt(read_text(prj).strip(), morph_from_esri_dialect=True)
    except CRSError:
        return None  # keywords of old ArcInfo versions: the grid states no system that could be compared


def _read_geotiff(path: Path) -> RasterFile:
    from rasterio.errors import RasterioError, RasterioIOError  # no kin in rasterio 1.3

    try:
        with open_geotiff(path) as source:
            values = values_in(source, None)
            cell_size, transform = geotiff_place(source, path)
            nodata, crs = source.nodata, source.crs
    except (RasterioError, RasterioIOError, EOFError, zlib.error) as error:
        raise unreadable_raster(path, error) from error
    return RasterFile(
        values,
        cell_size,
        transform.c,
        transform.f - cell_size * values.shape[0],
        nodata,
        crs,
        transform,
        path,
    )


def values_in(source: Any, window: Any) -> NDArray[np.float64]:
    """The band of an open GeoTIFF in a window (None: all of it) as float64, scale and offset applied, NaN = no value."""
    if [f.name for f in source.mask_flag_enums[0]] == ["nodata"] and np.isnan(source.nodata):
        values = source.read(1, window=window).astype(np.float64)  # says itself where it has no value
    else:
        band = source.read(1, masked=True, window=window)
        values = np.where(np.ma.getmaskarray(band), np.nan, band.data.astype(np.float64))
    return (
        values
        if (source.scales[0], source.offsets[0]) == (1.0, 0.0)
        else values * source.scales[0] + source.offsets[0]
    )


def unreadable_raster(path: Path, error: Exception) -> InteropError:
    """The refusal of a GeoTIFF that cannot be read."""
    return InteropError(
        "X06", f"'{path.name}' cannot be read: {error}.", layer=path.name, remedy="write the raster anew"
    )


def geotiff_place(source: Any, path: Path) -> tuple[float, Affine]:
    """Cell size and transform of an open GeoTIFF with one band, north up, square cells.

    Raises
    ------
    InteropError
        [X06] for any other.
    """
    transform = source.transform
    if source.count != 1:
        raise InteropError(
            "X06",
            f"'{path.name}' has {source.count} bands; one is expected.",
            layer=path.name,
            remedy="export the band that is meant",
        )
    a, b, c, d, e, _ = tuple(transform)[:6]
    plain = transform.is_identity  # no georeference at all: rows are taken from the north
    if b != 0 or d != 0 or a <= 0 or (e > 0 and not plain):
        raise InteropError(
            "X06",
            f"'{path.name}' is rotated or mirrored.",
            layer=path.name,
            remedy="warp the raster to a north-up grid",
        )
    if plain:
        e = -1.0
        transform = Affine(a, 0.0, c, 0.0, e, float(source.height))
    if abs(a + e) > 1e-6 * a:
        raise _oblong(path, a, -e)
    return float(a), transform


@contextlib.contextmanager
def open_geotiff(path: Path) -> Iterator[Any]:
    """An open GeoTIFF, plain or gzip."""
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning
    from rasterio.io import MemoryFile

    require_local(path, layer=path.name)
    with path.open("rb") as stream:
        zipped = stream.read(2) == b"\x1f\x8b"
    with contextlib.ExitStack() as stack:
        # only while it is opened: several stay open at once and are closed in any order, which surroundings of GDAL are not
        with offline(), warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            if zipped:
                memory = stack.enter_context(MemoryFile(unpacked(path)))
                source = stack.enter_context(memory.open())
            else:
                source = stack.enter_context(rasterio.open(path))
        yield source


def differences(raster: Any, grid: Any) -> dict[str, str]:
    """Every way in which a raster does not lie on a grid: label -> "this raster, the grid".

    Parameters
    ----------
    raster, grid : RasterFile or RasterWindows

    Returns
    -------
    dict
        Empty when they line up within a thousandth of a cell at every corner.
    """
    found: dict[str, str] = {}
    if raster.shape != grid.shape:
        found["rows x columns"] = (
            f"{raster.shape[0]} x {raster.shape[1]}, grid {grid.shape[0]} x {grid.shape[1]}"
        )
    allowed = ALIGN_TOLERANCE * grid.cell_size
    if abs(raster.cell_size - grid.cell_size) * max(grid.shape) > allowed:
        found["cell size"] = f"{raster.cell_size!r}, grid {grid.cell_size!r}"
    for name in ("xll", "yll"):
        ours, theirs = getattr(raster, name), getattr(grid, name)
        if abs(ours - theirs) > allowed:
            shift = (ours - theirs) / grid.cell_size
            found[f"{name}corner"] = f"{ours!r}, grid {theirs!r} ({shift:+.4g} cells)"
    if raster.crs is not None and grid.crs is not None and not _same_crs(raster.crs, grid.crs):
        found["coordinate system"] = f"{raster.crs.to_string()}, grid {grid.crs.to_string()}"
    return found


def _same_crs(a: Any, b: Any) -> bool:
    """Equal as written, or by their EPSG codes (ESRI spells names its own way)."""
    return bool(a == b) or (a.to_epsg() is not None and a.to_epsg() == b.to_epsg())


def write_ascii_grid(
    path: str | os.PathLike[str], values: ArrayLike, like: RasterFile, nodata: float = NODATA
) -> Path:
    """Write an ESRI ASCII grid as Circuitscape writes it (ten digits, blanks), gzip for ``.gz`` names.

    Parameters
    ----------
    path : path
    values : array, shape of ``like``
        NaN is written as ``nodata``.
    like : RasterFile
        Gives cell size and corner.
    nodata : float

    Returns
    -------
    Path
        The file written.
    """
    with grid_rows(path, like, nodata) as write:
        write(0, np.asarray(values, dtype=np.float64))
    return Path(path)


def write_geotiff(
    path: str | os.PathLike[str],
    values: ArrayLike,
    like: RasterFile,
    nodata: float = NODATA,
    *,
    dtype: str = "float64",
) -> Path:
    """Write a GeoTIFF (LZW) on the grid of ``like``.

    Parameters
    ----------
    path : path
    values : array, shape of ``like``
        NaN is written as ``nodata``.
    like : RasterFile
        Gives transform and coordinate system.
    nodata : float
    dtype : {"float64", "float32"}

    Returns
    -------
    Path
        The file written.
    """
    with geotiff_rows(path, like, nodata, dtype=dtype) as write:
        write(0, np.asarray(values, dtype=np.float64))
    return Path(path)


def cells_of_points(
    x: Sequence[float] | NDArray[np.float64], y: Sequence[float] | NDArray[np.float64], like: RasterFile
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Row and column (from 0) of points, and whether they lie inside the grid.

    A point on a vertical cell edge belongs to the cell on its left, one on a horizontal edge to the cell
    above it (as Circuitscape counts).

    Parameters
    ----------
    x, y : arrays of one length
        Coordinates [units of the grid].
    like : RasterFile

    Returns
    -------
    row, col : int64 arrays
    inside : bool array
    """
    rows, cols = like.shape
    col = np.ceil((np.asarray(x, float) - like.xll) / like.cell_size) - 1
    row = np.ceil(rows - (np.asarray(y, float) - like.yll) / like.cell_size) - 1
    inside = (col >= 0) & (col < cols) & (row >= 0) & (row < rows)
    return (
        np.where(inside, row, -1).astype(np.int64),
        np.where(inside, col, -1).astype(np.int64),
        inside,
    )
