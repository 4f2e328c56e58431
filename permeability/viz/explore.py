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
from permeability.locale.language import proper_name, words
from permeability.viz.saving import contents
from permeability.viz.style import BARRIER_STYLES, PICKED, barrier_key, scale_for

if TYPE_CHECKING:
    import geopandas as gpd

    from permeability.impact.comparison import Comparison
    from permeability.impact.line_by_line import Impact
    from permeability.landscape.landscape import Landscape
    from permeability.landscape.patches import Patches
    from permeability.linkage.patch_network import PatchNetwork
    from permeability.linkage.patch_pairs import Connectivity
    from permeability.linkage.paths import Paths
    from permeability.planning.budget_choice import Plan
    from permeability.ranking.ranking import Ranking

__all__ = ["explore_landscape", "explore_ranking"]

MOST_PIXELS = 800  # along a side of a picture


def explore_landscape(land: Landscape, *, language: str = "en", **options: Any) -> Any:
    """Barriers by class on a folium map.

    Parameters
    ----------
    land : Landscape
    language : {"en", "mn", "ru"}
    **options
        Passed on to :meth:`geopandas.GeoDataFrame.explore`.

    Returns
    -------
    folium.Map
        Shows itself in a notebook.

    Raises
    ------
    OptionError
        O05 when folium or mapclassify is not installed.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> type(explore_landscape(land)).__name__  # with the extra
    'Map'
    """
    tr = words(language)
    table = land.barriers.table.assign(standing=land.standing)
    keys = [
        barrier_key({str(k): v for k, v in row.items()})
        for row in table.drop(columns="geometry").to_dict("records")
    ]
    legend = [inert_html(BARRIER_STYLES[k].legend(tr)) for k in keys]
    shown = [s for s in BARRIER_STYLES.values() if s.key in keys]
    named = [
        proper_name({str(k): v for k, v in row.items()}, tr)
        for row in table.drop(columns="geometry").to_dict("records")
    ]
    frame = table[["id", "line", "geometry"]].assign(
        name=named, type=pd.Categorical(legend, [inert_html(s.legend(tr)) for s in shown])
    )
    return _explore(
        frame,
        column="type",
        cmap=[s.colour for s in shown],
        tooltip=["name", "id", "line", "type"],
        **options,
    )


def explore_ranking(ranking: Ranking, **options: Any) -> Any:
    """Ranked sections by gain on a folium map; the tooltip tells rank, rank range, gain and cost.

    Parameters
    ----------
    ranking : Ranking
    **options
        Passed on to :meth:`geopandas.GeoDataFrame.explore`.

    Returns
    -------
    folium.Map
        Shows itself in a notebook.

    Raises
    ------
    OptionError
        O05 when folium or mapclassify is not installed.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> sites = pm.rank(land, patches, pm.candidates(land, "F", length_m=2000))
    >>> type(explore_ranking(sites)).__name__
    'Map'
    """
    gain = f"gain_{ranking.sort_by}"
    wanted = (
        "rank",
        "rank_low",
        "rank_high",
        "share_in_top",
        "id",
        gain,
        "gain_reachable_km2",
        "cost_usd_low",
        "cost_usd",
        "cost_usd_high",
    )
    columns = [c for c in dict.fromkeys(wanted) if c in ranking.table.columns]
    return _explore(
        ranking.table[[*columns, "geometry"]],
        column=gain,
        cmap="cividis_r",
        tooltip=columns,
        style_kwds={"weight": 6},
        **options,
    )


def explore_patches(patches: Patches, **options: Any) -> Any:
    """Patches with their names and areas."""
    columns = [c for c in ("id", "name", "area_km2", "weight") if c in patches.table]
    return _explore(patches.table[[*columns, "geometry"]], tooltip=columns, color="#004d40", **options)


def explore_connectivity(conn: Connectivity, **options: Any) -> Any:
    """The current as a picture, with barriers and patches over it."""
    under = _values(conn.current.to_numpy(), conn.land.grid, "current", options)
    return explore_patches(conn.patches, m=explore_landscape(conn.land, m=under, **options), **options)


def explore_impact(impact: Impact, **options: Any) -> Any:
    """The barriers whose impact it is."""
    return explore_landscape(impact.land, **options)


def explore_comparison(comparison: Comparison, **options: Any) -> Any:
    """The barriers after the interventions, and the places of these."""
    from permeability.viz.plots import intervention_places

    under = explore_landscape(comparison.after, **options)
    places = intervention_places(comparison)
    places = places[~places.geometry.is_empty]
    if not len(places):
        return under
    return _explore(
        places, tooltip=["what"], color=PICKED, style_kwds={"weight": 7}, **{**options, "m": under}
    )


def explore_plan(plan: Plan, **options: Any) -> Any:
    """The chosen sections over the barriers."""
    columns = [c for c in ("rank", "id", "treatment", "cost_usd") if c in plan.table]
    under = explore_landscape(plan.ranking.land, **options)
    frame = plan.table[[*columns, "geometry"]]
    return _explore(frame, tooltip=columns, color=PICKED, style_kwds={"weight": 7}, **{**options, "m": under})


def explore_run(run: Any, **options: Any) -> Any:
    """The ranked sections of every species of a run; barriers alone where nothing was ranked."""
    drawn = explore_landscape(next(iter(run.species.values())).land, **options)
    for found in run.species.values():
        if found.ranking is not None:
            drawn = explore_ranking(found.ranking, **{**options, "m": drawn})
    return drawn


def explore_paths(paths: Paths, **options: Any) -> Any:
    """The paths over the barriers."""
    under = explore_landscape(paths.land, **options)
    columns = ["from", "to", "cost_m", "length_m"]
    frame = paths.table[[*columns, "geometry"]]
    if not len(frame):
        return under
    return _explore(frame, tooltip=columns, color=PICKED, style_kwds={"weight": 4}, **{**options, "m": under})


def explore_network(network: PatchNetwork, **options: Any) -> Any:
    """The links between patches."""
    from permeability.viz.plots import link_lines

    lines = link_lines(network)
    if lines.crs is None or not len(lines):
        raise _nowhere()
    return _explore(
        lines, tooltip=["from", "to", "cost_m"], color=PICKED, style_kwds={"weight": 4}, **options
    )


def explore_corridors(corridors: Any, **options: Any) -> Any:
    """The corridors as a picture."""
    return _picture(corridors, "corridor", options, 1 / 1000.0)


def explore_score(score: Any, **options: Any) -> Any:
    """The barrier score as a picture."""
    return _picture(score, "score", options)


def explore_omnidirectional(result: Any, **options: Any) -> Any:
    """The current as a picture, with the barriers over it."""
    under = _picture(result, "window", options)
    return explore_landscape(result.landscape, **{**options, "m": under})


def explore_wall_to_wall(result: Any, **options: Any) -> Any:
    """Refused: the result of arrays knows no place."""
    return _picture(result, "current", options)


def explore_pairwise(result: Any, **options: Any) -> Any:
    """Refused: the result of arrays knows no place."""
    return _picture(result, "current", options)


# ---------------------------------------------------------------- pieces
def _nowhere() -> OptionError:
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


def _explore(frame: gpd.GeoDataFrame, **options: Any) -> Any:
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


def _picture(result: Any, kind: str, options: dict[str, Any], factor: float = 1.0) -> Any:
    held = contents(result)
    if held.values is None or held.grid is None:
        raise _nowhere()
    return _values(held.values * factor, held.grid, kind, options)


def _values(values: Any, grid: Any, kind: str, options: dict[str, Any]) -> Any:
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
