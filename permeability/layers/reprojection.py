"""Vector layers from one coordinate system to another, along the lines as they were drawn."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer

TOLERANCE_M = 1.0  # a side may lie this far off the line that was drawn
MOST_PIECES = 4096  # of one side


def reproject(frame: gpd.GeoDataFrame, crs: Any, *, tolerance: float = TOLERANCE_M) -> gpd.GeoDataFrame:
    """A layer in another coordinate system; long sides get vertices first, so that they keep their course.

    A line that is straight in degrees is bent on a map in metres: moving its two ends alone would replace it by a chord
    that may lie kilometres away.  Every side is halved in thought, and where its middle would lie off the chord by more
    than the tolerance it is parted until none does (the deviation of a chord falls with the square of its length).

    Parameters
    ----------
    frame : GeoDataFrame
    crs : object
        Anything that pyproj reads.
    tolerance : float
        In units of ``crs``, which are metres in this house.

    Returns
    -------
    GeoDataFrame
        The layer itself when it is in ``crs`` already.

    Examples
    --------
    >>> parallel = gpd.GeoDataFrame(geometry=[shapely.LineString([(100, 46), (108, 46)])], crs=4326)
    >>> chord, drawn = parallel.to_crs(32648).geometry[0], reproject(parallel, 32648).geometry[0]
    >>> round(shapely.hausdorff_distance(chord, drawn) / 1000), len(drawn.coords) > 50  # [km]
    (8, True)
    """
    if frame.crs is None or frame.crs == crs:
        return frame
    transformer = _transformer(frame.crs, CRS.from_user_input(crs))
    shapes = frame.geometry.to_numpy()
    steps = np.array([_step(g, transformer, tolerance) for g in shapes])
    long = np.isfinite(steps)
    if long.any():
        parted = np.array(shapes, dtype=object)
        parted[long] = shapely.segmentize(parted[long], steps[long])
        frame = frame.set_geometry(gpd.GeoSeries(parted, index=frame.index, crs=frame.crs))
    return frame.to_crs(crs)


@lru_cache(maxsize=32)
def _transformer(source: CRS, target: CRS) -> Transformer:
    """From one coordinate system to another, x first; it takes longer to make than most layers take to move."""
    return Transformer.from_crs(source, target, always_xy=True)


def _step(shape: shapely.Geometry | None, transformer: Transformer, tolerance: float) -> float:
    """Longest side that keeps within the tolerance, in the units of the source; inf when all sides do."""
    if shape is None or shapely.get_dimensions(shape) < 1:
        return np.inf
    starts, ends = _sides(shape)
    if len(starts) == 0:
        return np.inf
    off = _deviation(starts, ends, transformer)
    wide = off > tolerance
    if not wide.any():
        return np.inf
    length = np.hypot(*(ends - starts)[wide].T)
    pieces = np.clip(np.ceil(np.sqrt(off[wide] / tolerance)), 2, MOST_PIECES)
    return float(np.min(length / pieces))


def _sides(shape: shapely.Geometry) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Starts and ends of all sides, shape (n, 2) each."""
    parts = shapely.get_parts(shape)
    rings = [r for p in parts for r in (shapely.get_rings(p) if p.geom_type == "Polygon" else [p])]
    xy, index = shapely.get_coordinates(rings, return_index=True)
    same = index[1:] == index[:-1]
    return xy[:-1][same], xy[1:][same]


def _deviation(
    starts: NDArray[np.float64], ends: NDArray[np.float64], transformer: Transformer
) -> NDArray[np.float64]:
    """Distance of the middle of every side from the middle of its chord, in the target; 0 where it cannot be told."""

    def moved(xy: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(transformer.transform(xy[:, 0], xy[:, 1]))

    with np.errstate(invalid="ignore"):
        off = np.hypot(*(moved((starts + ends) / 2) - (moved(starts) + moved(ends)) / 2).T)
    return np.where(np.isfinite(off), off, 0.0)
