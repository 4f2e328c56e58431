"""Results on a map to zoom and point at: a page of our own that asks for nothing, or a web map where a background is asked for.

``tiles="OpenStreetMap"`` gives a map of folium (extra ``explore``: folium, mapclassify), whose scripts and pictures come from a
network.  The report never uses it.  Every text becomes inert before it goes to folium, which renders a page as a template again
with the data in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from permeability.core.errors import OptionError
from permeability.core.guesses import refuse_keywords
from permeability.core.plain_text import inert_html
from permeability.viz.screen_map import Picture, ScreenMap, Shapes
from permeability.viz.style import PICKED, scale_for
from permeability.viz.view import Contents

if TYPE_CHECKING:
    import geopandas as gpd

MOST_PIXELS = 800  # along a side of a picture


def nowhere() -> OptionError:
    """The refusal of a result that has no place."""
    return OptionError(
        "O06", "this result has nothing with a place on a map.",
        remedy="compute it from a Landscape, which knows where its cells are; .plot() shows it as it is",
    )  # fmt: skip


def _require_folium() -> None:
    lacking = [m for m in ("folium", "mapclassify") if find_spec(m) is None]
    if lacking:
        raise OptionError(
            "O05",
            f"{' and '.join(lacking)} not installed.",
            remedy='pip install "landscape-permeability[explore]"',
        )


def offline(options: Mapping[str, Any]) -> bool:
    """Whether the map is our own: no background is asked for, and it does not go onto a map that has one."""
    drawn = options.get("m")
    return isinstance(drawn, ScreenMap) or (drawn is None and options.get("tiles") is None)


def screen_map(options: Mapping[str, Any], title: str = "") -> ScreenMap:
    """The map that is there, or a new one; refuses what only a web map with tiles can do (A07)."""
    refuse_keywords("explore", options, dict.fromkeys(("tiles", "m", "language", "title")))
    drawn = options.get("m")
    if isinstance(drawn, ScreenMap):
        return drawn
    return ScreenMap((), str(options.get("title") or title), options.get("language"))


def on_web_map(
    frame: gpd.GeoDataFrame,
    *,
    label: str = "",
    title: str = "",
    numbers: str | None = None,
    column: str | None = None,
    cmap: Any = None,
    tooltip: Sequence[str] = (),
    color: str = PICKED,
    style_kwds: Mapping[str, Any] | None = None,
    **options: Any,
) -> Any:
    """A table on a map.

    Parameters
    ----------
    frame : GeoDataFrame
    label, title : str
        What the layer is called, and the map where it begins one.
    numbers : str, optional
        Column of ranks, written beside the best.
    column, cmap, tooltip, color, style_kwds
        As of :meth:`geopandas.GeoDataFrame.explore`.
    **options
        ``m`` (the map to lay it on), ``language``, ``tiles``; with tiles all that geopandas takes.
    """
    if offline(options):
        if frame.crs is None:
            raise nowhere()
        width = float((style_kwds or {}).get("weight", 4.0))
        shapes = Shapes(
            frame.reset_index(drop=True), tuple(tooltip), column, cmap, color, width, label, numbers
        )
        return screen_map(options, title).over(shapes)
    _require_folium()
    options.pop("language", None)
    options.pop("title", None)
    safe = frame.to_crs(4326).reset_index(drop=True)  # an index becomes the ids of features
    for name in safe.columns.drop("geometry"):
        if safe[name].dtype.kind == "f":
            safe[name] = safe[name].where(np.isfinite(safe[name]))
        elif safe[name].dtype.kind not in "biu" and not isinstance(safe[name].dtype, pd.CategoricalDtype):
            safe[name] = ["" if pd.isna(v) else inert_html(v) for v in safe[name]]
    if options.get("m") is not None:
        options.pop("tiles", None)
    given = {"tooltip": list(tooltip) or True, "style_kwds": dict(style_kwds or {})}
    looks = {"color": color} if column is None else {"column": column, "cmap": cmap}
    return safe.explore(**{**given, **looks, **options})


def picture_on_web_map(held: Contents, kind: str, options: dict[str, Any], factor: float = 1.0) -> Any:
    """The map of values of a result as a picture."""
    if held.values is None or held.grid is None:
        raise nowhere()
    return values_on_web_map(held.values * factor, held.grid, kind, options)


def values_on_web_map(values: Any, grid: Any, kind: str, options: dict[str, Any]) -> Any:
    """A raster as a picture: the ground of our own map, or warped to the coordinates of a web map."""
    if offline(options):
        if grid.crs is None:
            raise nowhere()
        return screen_map(options).over(Picture(np.asarray(values, float), grid, kind))
    _require_folium()
    import folium
    from affine import Affine
    from pyproj import Transformer
    from rasterio.enums import Resampling
    from rasterio.warp import reproject

    finite = np.where(np.isfinite(values), values, np.nan).astype(float)
    there = Transformer.from_crs(grid.crs, "EPSG:3857", always_xy=True)
    left, bottom, right, top = there.transform_bounds(*grid.bounds)
    step = max((right - left) / MOST_PIXELS, (top - bottom) / MOST_PIXELS, grid.cell_size)
    warped = np.full((round((top - bottom) / step) or 1, round((right - left) / step) or 1), np.nan)
    reproject(
        finite, warped, src_transform=grid.transform, src_crs=grid.crs, dst_crs="EPSG:3857",
        dst_transform=Affine(step, 0.0, left, 0.0, -step, top), src_nodata=np.nan, dst_nodata=np.nan,
        resampling=Resampling.nearest,
    )  # fmt: skip
    back = Transformer.from_crs("EPSG:3857", "EPSG:4326", always_xy=True)
    rows, cols = warped.shape
    (west, east), (south, north) = back.transform([left, left + cols * step], [top - rows * step, top])
    drawn = folium.Map(tiles=options.get("tiles"))
    picture = scale_for(kind, finite).rgba(warped)
    bounds = [[south, west], [north, east]]
    folium.raster_layers.ImageOverlay(picture, bounds, opacity=0.8).add_to(drawn)
    drawn.fit_bounds(bounds)
    return drawn
