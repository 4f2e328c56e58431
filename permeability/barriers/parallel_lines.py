"""Infrastructure corridors: which lines run beside each other and are crossed together."""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from permeability.barriers.lines import Barriers
from permeability.core.errors import OptionError

STEP_M = 1_000.0  # lines are compared every kilometre


def infrastructure_corridors(
    barriers: Barriers, *, distance_m: float = 10_000.0, angle_deg: float = 30.0, least_m: float = 5_000.0
) -> pd.DataFrame:
    """Stretches of a line beside which another line runs.

    Parameters
    ----------
    barriers : Barriers
    distance_m : float
        Lines at most this far apart belong together [m].
    angle_deg : float
        Directions that differ by no more than this belong together [degrees].
    least_m : float
        Shorter stretches are left out [m].

    Returns
    -------
    pandas.DataFrame
        One row per stretch: ``line``, ``km_from``, ``km_to``, ``beside`` (the other line), ``gap_m`` (mean distance).

    Raises
    ------
    OptionError
        O46 when a distance is not positive or the angle is not in 0..90.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from permeability.barriers.lines import prepare
    >>> lines = [shapely.LineString([(0, y), (20_000, y)]) for y in (0, 4_000, 50_000)]
    >>> table = gpd.GeoDataFrame({"id": ["rail", "road", "far"], "kind": ["railway", "road", "road"]},
    ...                          geometry=lines, crs="EPSG:32648")
    >>> found = infrastructure_corridors(prepare(table))
    >>> found[["line", "beside", "gap_m"]].values.tolist()
    [['rail', 'road', 4000.0], ['road', 'rail', 4000.0]]
    """
    if not (distance_m > 0 and least_m >= 0 and 0 <= angle_deg <= 90):
        raise OptionError(
            "O46",
            "the corridor needs a positive distance and an angle of 0 to 90 degrees.",
            remedy="give distance_m in metres and angle_deg in degrees",
        )
    whole = {
        line: shapely.union_all(barriers.table.geometry.iloc[barriers.rows_of(line)])
        for line in barriers.lines
    }
    rows = []
    for line in barriers.lines:
        others = [o for o in barriers.lines if o != line and whole[o].distance(whole[line]) <= distance_m]
        for row in barriers.rows_of(line):
            for other in others:
                rows += _stretches(
                    barriers, int(row), line, other, whole[other], distance_m, angle_deg, least_m
                )
    return pd.DataFrame(rows, columns=["line", "km_from", "km_to", "beside", "gap_m"])


def _stretches(
    barriers: Barriers, row: int, line: str, other: str, shape: shapely.Geometry, distance_m: float, angle_deg: float,
    least_m: float,
) -> list[dict[str, object]]:  # fmt: skip
    geometry = barriers.table.geometry.iloc[row]
    at = np.arange(0.0, geometry.length + STEP_M, STEP_M).clip(max=geometry.length)
    points = shapely.line_interpolate_point(geometry, at)
    gap = shapely.distance(points, shape)
    turn = _angle_between(geometry, at, shape, points)
    beside = (gap <= distance_m) & (turn <= angle_deg)
    found: list[dict[str, object]] = []
    for a, b in _runs(beside):
        if at[b] - at[a] >= least_m:
            km = sorted(float(k) for k in barriers.chainages[row].km_at(at[[a, b]]))
            found.append(
                {
                    "line": line,
                    "km_from": km[0],
                    "km_to": km[1],
                    "beside": other,
                    "gap_m": float(gap[a : b + 1].mean()),
                }
            )
    return found


def _angle_between(
    geometry: shapely.Geometry, at: NDArray[np.float64], shape: shapely.Geometry, points: NDArray[np.object_]
) -> NDArray[np.float64]:
    """Angle between a line and the nearest part of another, 0..90 degrees."""
    ahead = shapely.line_interpolate_point(geometry, np.minimum(at + STEP_M, geometry.length))
    behind = shapely.line_interpolate_point(geometry, np.maximum(at - STEP_M, 0.0))
    mine = _direction(behind, ahead)
    joined = shapely.line_merge(shape)
    parts = shapely.get_parts(joined)
    nearest = parts[np.argmin(shapely.distance(points[:, None], parts[None]), axis=1)]
    there = shapely.line_locate_point(nearest, points)
    length = shapely.length(nearest)
    theirs = _direction(
        shapely.line_interpolate_point(nearest, np.maximum(there - STEP_M, 0.0)),
        shapely.line_interpolate_point(nearest, np.minimum(there + STEP_M, length)),
    )
    difference = np.abs(mine - theirs) % 180.0
    return np.minimum(difference, 180.0 - difference)


def _direction(a: NDArray[np.object_], b: NDArray[np.object_]) -> NDArray[np.float64]:
    return np.asarray(
        np.degrees(np.arctan2(shapely.get_y(b) - shapely.get_y(a), shapely.get_x(b) - shapely.get_x(a)))
    )


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and last index of every run of True."""
    edge = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(int)))
    return [(int(a), int(b) - 1) for a, b in zip(edge[::2], edge[1::2])]
