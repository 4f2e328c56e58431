"""Rasters read box by box, and moving-window runs from file to file: the landscape may be larger than the memory."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from affine import Affine
from numpy.typing import NDArray

from permeability.core.errors import Finding, InteropError, PermeabilityError
from permeability.core.progress import long_job
from permeability.engines.kernels.edges import EdgeBarriers
from permeability.engines.omnidirectional import Condition, WindowOptions
from permeability.engines.omnidirectional.inputs import ordered
from permeability.engines.omnidirectional.options import check_options
from permeability.engines.omnidirectional.slabs import Piece, SlabJob, SlabProblem, SlabRun
from permeability.engines.omnidirectional.tasks import Box
from permeability.interop.chunked_arrays import cells_in_box, maps_of_files, north_up
from permeability.layers.exchange_grids import (
    RasterFile,
    differences,
    geotiff_place,
    is_geotiff,
    open_geotiff,
    read_raster,
    unreadable_raster,
    values_in,
)
from permeability.layers.raster_rows import Rows, geotiff_rows

Target = tuple[
    Path, Callable[[Path], contextlib.AbstractContextManager[Rows]]
]  # a file, and what opens its writer


__all__ = ["FileRun", "RasterWindows", "omnidirectional_files", "open_raster"]


@dataclass(frozen=True, eq=False)
class RasterWindows:
    """One band of a raster file, north up, square cells, read box by box; attributes as `RasterFile`.

    A GeoTIFF stays on disk; an ASCII grid or a packed file is held in memory, for it can only be read as a whole.

    Attributes
    ----------
    shape : (int, int)
        Rows and columns.
    cell_size, xll, yll : float
        Edge of a cell and lower left corner [units of the file].
    nodata : float or None
    crs : rasterio.crs.CRS or None
    transform : affine.Affine
        From (column, row) to (x, y).
    path : Path
    held : RasterFile or None
        All of it, where the file has no parts.
    unread : DataArray or None
        An array of dask in place of a file.

    Examples
    --------
    >>> import tempfile
    >>> head = "ncols 3\\nnrows 1\\nxllcorner 0\\nyllcorner 0\\ncellsize 5\\nNODATA_value -1\\n"
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "r.asc").write_text(head + "4 7 -1\\n")
    ...     raster = open_raster(f"{folder}/r.asc")
    >>> raster.read((0, 1, 1, 3))
    array([[ 7., nan]])
    """

    shape: tuple[int, int]
    cell_size: float
    xll: float
    yll: float
    nodata: float | None
    crs: Any
    transform: Affine
    path: Path
    held: RasterFile | None = None
    unread: Any = None

    @cached_property
    def _file(self) -> tuple[contextlib.ExitStack, Any]:
        stack = contextlib.ExitStack()  # stays open: GDAL keeps the blocks it has unpacked
        return stack, stack.enter_context(open_geotiff(self.path))

    def read(self, box: Box) -> NDArray[np.float64]:
        """Values in a box, NaN = no value.

        Parameters
        ----------
        box : (top, bottom, left, right)
            Rows and columns from 0; the ends are not in it.

        Returns
        -------
        array, shape (bottom - top, right - left)

        Raises
        ------
        InteropError
            [X06] when the file cannot be read.
        """
        top, bottom, left, right = box
        if self.held is not None:
            return self.held.values[top:bottom, left:right]
        if self.unread is not None:
            return cells_in_box(self.unread, box, self.path.name)
        from rasterio.errors import RasterioError, RasterioIOError
        from rasterio.windows import Window

        try:
            return values_in(self._file[1], Window(left, top, right - left, bottom - top))
        except (RasterioError, RasterioIOError) as error:
            raise unreadable_raster(self.path, error) from error

    def close(self) -> None:
        """Close the file; it is opened again when it is read again."""
        if "_file" in self.__dict__:
            self._file[0].close()
            del self.__dict__["_file"]


def open_raster(path: str | os.PathLike[str] | xr.DataArray) -> RasterWindows:
    """Open a GeoTIFF or an array of dask to be read box by box; an ASCII grid or a packed file is read at once.

    Parameters
    ----------
    path : path or DataArray

    Returns
    -------
    RasterWindows

    Raises
    ------
    InteropError
        [X04] no such file; [X06] not a grid, more than one band, rotated, mirrored or oblong cells.

    Examples
    --------
    >>> import tempfile
    >>> head = "ncols 2\\nnrows 2\\nxllcorner 0\\nyllcorner 0\\ncellsize 5\\nNODATA_value -1\\n"
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "r.asc").write_text(head + "4 7\\n1 2\\n")
    ...     open_raster(f"{folder}/r.asc").shape
    (2, 2)
    """
    if isinstance(path, xr.DataArray):
        return _windows_of_array(path)
    file = Path(path)
    if not is_geotiff(file):
        whole = read_raster(file)
        return RasterWindows(
            whole.shape,
            whole.cell_size,
            whole.xll,
            whole.yll,
            whole.nodata,
            whole.crs,
            whole.transform,
            file,
            whole,
        )
    from rasterio.errors import RasterioError, RasterioIOError

    try:
        with open_geotiff(file) as source:
            size, transform = geotiff_place(source, file)
            return RasterWindows(
                source.shape, size, transform.c, transform.f - size * source.height, source.nodata, source.crs,
                transform, file,
            )  # fmt: skip
    except (RasterioError, RasterioIOError) as error:
        raise unreadable_raster(file, error) from error


def _windows_of_array(array: xr.DataArray) -> RasterWindows:
    """A DataArray read box by box."""
    from rasterio.crs import CRS

    unread, grid = north_up(array)
    (rows, cols), t, size = grid.shape, grid.transform, grid.cell_size
    return RasterWindows(
        (rows, cols), size, t.c, t.f - size * rows, None, CRS.from_wkt(grid.crs.to_wkt()), t, Path("array" if array.name is None else str(array.name)), unread=unread,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class ConditionFiles:
    """A condition whose layers stay on disk; see :class:`permeability.engines.omnidirectional.Condition`."""

    present: RasterWindows
    comparison: str = "within"
    lower: float = 0.0
    upper: float = 0.0
    future: RasterWindows | None = None

    def read(self, box: Box) -> Condition:
        """The condition in a box."""
        later = None if self.future is None else self.future.read(box)
        return Condition(self.present.read(box), self.comparison, self.lower, self.upper, later)


@dataclass(frozen=True, eq=False)
class FileLayers:
    """Layers of a run on one grid, read box by box."""

    resistance: RasterWindows
    strength: RasterWindows | None = None
    conditions: tuple[ConditionFiles, ...] = ()
    targets: RasterWindows | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, cols)."""
        return self.resistance.shape

    def read(self, box: Box) -> Piece:
        """The layers in a box."""
        strength = None if self.strength is None else self.strength.read(box)
        targets = None if self.targets is None else self.targets.read(box)
        return Piece(
            self.resistance.read(box), strength, tuple(c.read(box) for c in self.conditions), targets
        )

    def rasters(self) -> tuple[RasterWindows, ...]:
        """Every file."""
        conditions = [r for c in self.conditions for r in (c.present, c.future)]
        return tuple(r for r in (self.resistance, self.strength, self.targets, *conditions) if r is not None)

    def close(self) -> None:
        """Close every file."""
        for raster in self.rasters():
            raster.close()


@dataclass(frozen=True)
class FileRun:
    """What a run from file to file did.

    Attributes
    ----------
    files : tuple of Path
        Maps written.
    windows : int
        Windows solved.
    lost : float
        Strength of sources that found no way to their target, in all windows together.
    seconds : float
        Time of the run [s].

    Examples
    --------
    >>> FileRun((Path("maps/current.tif"),), 12, 0.0, 1.5).windows
    12
    """

    files: tuple[Path, ...]
    windows: int
    lost: float
    seconds: float

    def to_xarray(self, *, chunks: Any = None) -> xr.Dataset:
        """The maps that were written, by name, with coordinates and coordinate system.

        Parameters
        ----------
        chunks : int, tuple, dict or "auto", optional
            As dask arrays that read their part of a file when they are computed; all is read without.

        Returns
        -------
        xarray.Dataset

        Raises
        ------
        OptionError
            A13 without dask, or for chunks that are none.
        """
        return maps_of_files(self.files, chunks)


def solve_files(
    job: SlabJob,
    layers: FileLayers,
    targets: Mapping[str, Target],
    **how: Any,
) -> SlabRun:
    """Solve a run and write its maps row by row as they are finished.

    Parameters
    ----------
    job : SlabJob
    layers : FileLayers
        Closed at the end.
    targets : mapping
        Name of a map -> its file, and what opens a writer for it.  ``classified`` is the reclassified raster.
    **how
        ``workers``, ``scheduler``, ``store``, ``progress``.
    """
    try:
        _ = job.tasks  # everything is checked before a file is begun
        with contextlib.ExitStack() as open_files:
            writers = {
                name: open_files.enter_context(opener(path)) for name, (path, opener) in targets.items()
            }

            def sink(top: int, maps: dict[str, NDArray[np.float64]]) -> None:
                for name, write in writers.items():
                    if name == "classified":
                        rows, cols = maps["current"].shape
                        write(top, job.problem.read((top, top + rows, 0, cols)).values)
                    else:
                        write(top, maps[name])

            return job.run(sink, **how)
    except PermeabilityError as error:
        blamed = layers.strength if error.code == "W14" and layers.strength is not None else layers.resistance
        error.layer = error.layer or blamed.path.name
        error.args = (error.text(),)
        raise
    finally:
        layers.close()


@long_job("windows", "tasks")
def omnidirectional_files(
    resistance: str | os.PathLike[str] | xr.DataArray,
    folder: str | os.PathLike[str],
    *,
    radius: int,
    strength: str | os.PathLike[str] | xr.DataArray | None = None,
    targets: str | os.PathLike[str] | xr.DataArray | None = None,
    decay: float = np.inf,
    buffer: int = 0,
    block_size: int = 1,
    threshold: float = 0.0,
    cutoff: float = np.inf,
    reclass: Iterable[tuple[float, float | None]] | None = None,
    values: str = "resistance",
    neighbours: int = 8,
    average: str = "resistance",
    barriers: EdgeBarriers | None = None,
    flow_potential: bool = False,
    normalised: bool = False,
    correct_block_artefacts: bool = True,
    mask_nodata: bool = True,
    solver: str = "auto",
    workers: int = 1,
    scheduler: Any = None,
    store: Any = None,
    progress: Any = None,
) -> FileRun:
    """Omnidirectional connectivity from raster files or dask arrays to raster files; the landscape may be larger than the memory.

    Every task reads the box its windows see, and rows of the maps are written as soon as they are final.  The maps have
    the bits of :func:`permeability.engines.omnidirectional.omnidirectional` on the same arrays, whose options these are.

    Parameters
    ----------
    resistance : path or DataArray
        GeoTIFF, one band, north up, square cells (an ASCII grid works, but is held in memory); or a DataArray, of dask where it
        is large: chunks that a task needs are computed for it.
    folder : path
        Gets ``current.tif``, and ``flow_potential.tif`` and ``normalised.tif`` where asked for; each appears when it is
        complete.
    strength : path or DataArray, optional
        Raster of source strengths on the same grid.
    targets : path or DataArray, optional
        Raster of the strengths of targets on the same grid; the sources by default.
    decay : float
        A source d cells from its target counts ``exp(-d / decay)`` [cells], see :func:`permeability.engines.omnidirectional.omnidirectional`.
    barriers : EdgeBarriers, optional
        Series resistances of single edges of the grid.
    store : path, optional
        Folder that keeps finished tasks: a run that was killed goes on from there.
    radius, buffer, block_size, threshold, cutoff, reclass, values, neighbours, average, flow_potential, normalised
        See :func:`permeability.engines.omnidirectional.omnidirectional`.
    correct_block_artefacts, mask_nodata, solver, workers, scheduler, progress
        See :func:`permeability.engines.omnidirectional.omnidirectional`.

    Returns
    -------
    FileRun
        ``.to_xarray(chunks=1024)`` gives the maps as dask arrays.

    Raises
    ------
    InteropError
        [X04] no such file; [X06] not a grid; [X20] layers that do not line up.
    ResistanceError, OptionError
        See :func:`permeability.engines.omnidirectional.omnidirectional`.

    Examples
    --------
    >>> import tempfile
    >>> head = "ncols 9\\nnrows 9\\nxllcorner 0\\nyllcorner 0\\ncellsize 250\\nNODATA_value -1\\n"
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "r.asc").write_text(head + "1 1 1 1 1 1 1 1 1\\n" * 9)
    ...     run = omnidirectional_files(f"{folder}/r.asc", f"{folder}/maps", radius=3, normalised=True)
    ...     print(run.windows, sorted(p.name for p in run.files))
    81 ['current.tif', 'normalised.tif']
    """
    options = WindowOptions(
        radius=radius, buffer=buffer, block_size=block_size, neighbours=neighbours, average=average,
        flow_potential=flow_potential or normalised, correct_block_artefacts=correct_block_artefacts, solver=solver, decay=decay,
    )  # fmt: skip
    check_options(options)
    layers = FileLayers(
        open_raster(resistance),
        None if strength is None else open_raster(strength),
        targets=None if targets is None else open_raster(targets),
    )
    findings = misaligned(layers)
    if findings:
        raise InteropError("X20", findings[0].what, layer=findings[0].layer, remedy=findings[0].remedy,
                           details=findings[0].details)  # fmt: skip
    rows, cols = layers.shape
    problem = SlabProblem(
        options, layers, ordered(barriers if barriers is not None else EdgeBarriers.empty(), rows * cols), threshold,
        cutoff, None if reclass is None else tuple(reclass), values,
    )  # fmt: skip
    names = [
        "current",
        *(["flow_potential"] if flow_potential else []),
        *(["normalised"] if normalised else []),
    ]
    place = Path(folder)
    like = replace(layers.resistance, held=None, unread=None)
    maps: dict[str, Target] = {
        name: (place / f"{name}.tif", partial(geotiff_rows, like=like)) for name in names
    }
    done = solve_files(
        SlabJob(problem, mask_nodata, normalised), layers, maps, workers=workers, scheduler=scheduler,
        store=store, progress=progress,
    )  # fmt: skip
    return FileRun(tuple(path for path, _ in maps.values()), done.windows, done.lost, done.seconds)


def misaligned(
    layers: FileLayers, *, any_projection: bool = False, remedy: str = "align the layers"
) -> list[Finding]:
    """Finding X20 for every layer that does not lie on the grid of the resistance."""
    grid, findings = layers.resistance, []
    for raster in layers.rasters()[1:]:
        apart = differences(raster, grid)
        if any_projection:
            apart.pop("coordinate system", None)
        if apart:
            what = f"'{raster.path.name}' is not on the grid of '{grid.path.name}'."
            findings.append(Finding("X20", what, remedy, raster.path.name, (), apart))
    return findings
