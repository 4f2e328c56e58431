"""A patch network: its patches and links."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from permeability.locale.language import reader_language, words
from permeability.viz.explore import nowhere, on_web_map
from permeability.viz.furniture import draw_picked
from permeability.viz.ground import Ground, ground_of_surface
from permeability.viz.maps import Map, draw_map
from permeability.viz.notebook import facts_html, page, reader
from permeability.viz.style import PATCH, PICKED
from permeability.viz.view import Contents, View

if TYPE_CHECKING:
    from permeability.linkage.patch_network import PatchNetwork

__all__ = ["link_lines", "plot"]

STRIP = 0.16  # of the height of the map


def plot(network: PatchNetwork, ax: Any = None, *, language: str = "en") -> Map:
    """Patches and the ways of the links between them.

    Parameters
    ----------
    network : PatchNetwork
    ax : matplotlib.axes.Axes, optional
    language : {"en", "mn", "ru"}

    Returns
    -------
    Map

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> net = pm.network.patch_network(land.without_barriers(), patches)
    >>> plot(net).alt
    'Map of Patch network.'
    """
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    tr = words(language)
    ground = ground_of_surface(network.surface, tr)
    handles = [
        Patch(color=PATCH, label=tr("Patch that should stay connected")),
        Line2D([], [], color=PICKED, lw=2.2, label=tr("Link between patches")),
    ]
    lines = link_lines(network, ground)
    around = _with_room_beneath(lines.total_bounds) if len(lines) else None
    drawn = draw_map(ground, None, None, tr("Patch network"), ax, tr, extra=handles, around=around)
    west, south, east, north = ground.bounds
    shade = np.zeros((*network.labels.shape, 4))
    shade[network.labels > 0] = [0.0, 0.302, 0.251, 0.75]
    drawn.axes.imshow(shade, extent=(west, east, south, north), interpolation="nearest", zorder=5)
    draw_picked(drawn.axes, list(lines.geometry), width=2.2)
    return drawn


def _with_room_beneath(bounds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bounds with a strip for the scale bar, so that it lies on no patch."""
    west, south, east, north = bounds
    return np.array([west, south - STRIP * max(north - south, (east - west) / 1.7), east, north])


def html(network: PatchNetwork) -> str:
    """Map and links of a patch network."""
    tr = reader()
    facts = facts_html(
        {tr("patches"): network.graph.number_of_nodes(), tr("links"): network.graph.number_of_edges()}
    )
    links = network.links
    shown = links[[c for c in ("from", "to", "cost_m", "length_m", "lines") if c in links]]
    return page(tr("Patch network"), plot(network, language=tr.language), facts, shown, "")


def explore(network: PatchNetwork, **options: Any) -> Any:
    """The links between patches."""
    lines = link_lines(network)
    if lines.crs is None or not len(lines):
        raise nowhere()
    return on_web_map(
        lines,
        label="Link between patches",
        title=words(options.get("language") or reader_language())("Patch network"),
        tooltip=["from", "to", "cost_m"],
        color=PICKED,
        style_kwds={"weight": 4},
        **options,
    )


def contents(network: PatchNetwork) -> Contents:
    """What can be written to a file."""
    return Contents(network.links, {"links": link_lines(network)})


def link_lines(network: PatchNetwork, ground: Ground | None = None) -> Any:
    """The links of a patch network as lines from cell centre to cell centre.

    Parameters
    ----------
    network : PatchNetwork
    ground : Ground, optional
        Where the cells are; that of the network by default.

    Returns
    -------
    geopandas.GeoDataFrame
        ``from``, ``to``, ``cost_m`` [m of open ground], geometry.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> net = pm.network.patch_network(land.without_barriers(), patches)
    >>> link_lines(net)["cost_m"].tolist()
    [7000.0]
    """
    where = ground_of_surface(network.surface, words()) if ground is None else ground
    west, south, east, north = where.bounds
    rows, cols = network.labels.shape
    found = []
    for a, b, data in network.graph.edges(data=True):
        row, col = np.asarray(data["path"].cells, float).T
        xy = np.column_stack(
            [west + (col + 0.5) * (east - west) / cols, north - (row + 0.5) * (north - south) / rows]
        )
        shape = shapely.LineString(xy) if len(xy) > 1 else shapely.Point(xy[0])
        found.append({"from": a, "to": b, "cost_m": data["cost_m"], "geometry": shape})
    crs = getattr(network.surface.grid, "crs", None)
    return gpd.GeoDataFrame(found, columns=["from", "to", "cost_m", "geometry"], geometry="geometry", crs=crs)


VIEW = View(plot, html, explore, contents)
