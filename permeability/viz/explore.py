"""Results on a web map to zoom and point at, for a notebook (extra ``explore``: folium, mapclassify).

Without a background by default, so that nothing is asked of a network but the scripts of the page; ask for one with
``tiles="OpenStreetMap"``.  The report never uses these.  Every text becomes inert before it goes to folium, which
renders a page as a template again with the data in it.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from permeability.core.errors import OptionError
from permeability.core.plain_text import inert_html
from permeability.viz.style import scale_for
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


def on_web_map(frame: gpd.GeoDataFrame, **options: Any) -> Any:
    """A table on a web map; all but numbers is inert text, and infinity has no colour."""
    _require_folium()
    safe = frame.to_crs(4326).reset_index(drop=True)  # an index becomes the ids of features
    for name in safe.columns.drop("geometry"):
        if safe[name].dtype.kind == "f":
            safe[name] = safe[name].where(np.isfinite(safe[name]))
        elif safe[name].dtype.kind not in "biu" and not isinstance(safe[name].dtype, pd.CategoricalDtype):
            safe[name] = ["" if pd.isna(v) else inert_html(v) for v in safe[name]]
    if options.get("m") is None:
        options.setdefault("tiles", None)
    else:
        options.pop("tiles", None)
    return safe.explore(**options)


def picture_on_web_map(held: Contents, kind: str, options: dict[str, Any], factor: float = 1.0) -> Any:
    """The map of values of a result as a picture."""
    if held.values is None or held.grid is None:
        raise nowhere()
    return values_on_web_map(held.values * factor, held.grid, kind, options)


def values_on_web_map(values: Any, grid: Any, kind: str, options: dict[str, Any]) -> Any:
    """A raster as a picture on a web map, warped to the map's own coordinates."""
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
