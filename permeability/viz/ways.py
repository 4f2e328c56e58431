"""Ways of animals on a map: what the views of tracks, crossings and encounters share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from permeability.layers.grid import describe_crs
from permeability.locale.language import Words
from permeability.viz.explore import nowhere, on_web_map
from permeability.viz.ground import Ground
from permeability.viz.maps import Map, draw_map

if TYPE_CHECKING:
    from permeability.telemetry.tracks import Tracks

__all__ = ["map_of_ways", "points_on_web_map", "ways"]

WAY = "#3b6ea5"  # of an animal


def map_of_ways(tracks: Tracks, barriers: Any, title: str, ax: Any, tr: Words, extra: Any = ()) -> Map:
    """A map of ways with lines; says when no animal walked them."""
    from matplotlib.lines import Line2D

    known = tracks.xy[np.isfinite(tracks.xy).all(axis=1)]
    (west, south), (east, north) = (
        (known.min(axis=0), known.max(axis=0)) if len(known) else (np.zeros(2), np.ones(2))
    )
    foot = tr("Coordinate system: {crs}; north of the grid is up.", crs=describe_crs(tracks.crs))
    lines = (
        None if barriers is None else barriers.table.assign(standing=barriers.table["status"] == "existing")
    )
    bounds = (float(west), float(south), float(max(east, west + 1)), float(max(north, south + 1)))
    ground = Ground(bounds, np.ones((1, 1), bool), foot, lines, not tracks.crs.is_geographic)
    if tracks.simulated:
        title = tr("{what} (simulated: no animal walked them)", what=title)
    way = Line2D([], [], color=WAY, lw=0.8, label=tr("Way between fixes"))
    drawn = draw_map(ground, None, None, title, ax, tr, around=np.asarray(bounds), extra=[way, *extra])
    for name in ways(tracks).geometry:
        drawn.axes.plot(*shapely.get_coordinates(name).T, color=WAY, lw=0.5, alpha=0.7, zorder=4)
    return drawn


def ways(tracks: Tracks) -> gpd.GeoDataFrame:
    """The way of each animal, broken at gaps.

    Parameters
    ----------
    tracks : Tracks

    Returns
    -------
    GeoDataFrame
        ``animal``, MultiLineString.

    Examples
    --------
    >>> import permeability as pm
    >>> tracks, barriers = pm.telemetry.samples.walk()
    >>> ways(tracks)["animal"].tolist()
    ['a']
    """
    steps = tracks.steps()
    segments = shapely.linestrings(np.stack([tracks.xy[steps], tracks.xy[steps + 1]], axis=1))
    rows = []
    for i, name in enumerate(tracks.animals):
        mine = segments[tracks.number[steps] == i]
        if len(mine):
            rows.append((name, shapely.line_merge(shapely.multilinestrings(mine))))
    return gpd.GeoDataFrame(
        {"animal": [r[0] for r in rows], "simulated": tracks.simulated},
        geometry=[r[1] for r in rows],
        crs=tracks.crs,
    )


def points_on_web_map(table: gpd.GeoDataFrame, column: str, options: dict[str, Any]) -> Any:
    """Places on a web map, times as text."""
    if len(table) == 0:
        raise nowhere()
    shown = table.copy()
    for name in shown.columns.drop("geometry"):
        if pd.api.types.is_datetime64_any_dtype(shown[name]):
            shown[name] = shown[name].dt.strftime("%Y-%m-%d %H:%M UTC")
    return on_web_map(shown, column=column, **options)
