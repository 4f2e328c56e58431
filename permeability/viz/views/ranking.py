"""A ranking: sections by their gain, the best ones numbered."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from permeability.locale.language import words
from permeability.viz.explore import offline, on_web_map
from permeability.viz.furniture import colour_bar
from permeability.viz.ground import ground_of
from permeability.viz.maps import Array, Map, draw_map, species_name
from permeability.viz.notebook import page, provenance, reader
from permeability.viz.paper_labels import keep_free, write_beside
from permeability.viz.style import INK, Scale, scale_for
from permeability.viz.view import Contents, View
from permeability.viz.views import landscape

if TYPE_CHECKING:
    from permeability.ranking.ranking import Ranking

__all__ = ["explore", "plot"]

NUMBER_PT = 7.5


def plot(ranking: Ranking, ax: Any = None, *, top: int = 10, language: str = "en") -> Map:
    """Ranked sections by their gain, the best ones numbered.

    Parameters
    ----------
    ranking : Ranking
    ax : matplotlib.axes.Axes, optional
    top : int
        Sections that get their number.
    language : {"en", "mn", "ru"}

    Returns
    -------
    Map
        The map.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> sites = pm.rank(land, patches, pm.candidates(land, "F", length_m=2000))
    >>> print(plot(sites).alt.split(". ")[1])
    4 sections ranked; the best is F km 2-4.
    """
    tr, land = words(language), ranking.land
    title = tr("{species}: ranked sections", species=species_name(land, tr))
    gains = ranking.table[ranking.gain_column].to_numpy(float)
    scale = scale_for("gain", gains)
    done = draw_map(ground_of(land, tr), None, None, title, ax, tr, around=ranking.table.total_bounds)
    _sections(done.axes, ranking.table, gains, scale, top)
    colour_bar(done.axes, scale, tr)
    best = ranking.table.iloc[0]
    alt = tr("{n} sections ranked; the best is {best}", n=tr.number(len(ranking.table)), best=best["id"])
    return Map(done.figure, done.axes, f"{title}. {alt}.")


def html(ranking: Ranking) -> str:
    """Map and the best sections."""
    tr = reader()
    wanted = ("rank", "rank_low", "rank_median", "rank_high", "share_in_top", "id", "length_km", "treatment", ranking.gain_column, "gain_low", "gain_high",
              "gain_reachable_km2", "gain_range_cut_off_km2", "cost_usd_low", "cost_usd", "cost_usd_high")  # fmt: skip
    columns = list(dict.fromkeys(c for c in wanted if c in ranking.table.columns))
    notes = "".join(f"<p>{escape(tr.said(n))}</p>" for n in ranking.notes)
    table = pd.DataFrame(ranking.table[columns])
    return page(
        tr("{species}: ranked sections", species=species_name(ranking.land, tr)),
        plot(ranking, language=tr.language),
        notes,
        table,
        provenance(ranking.land),
    )


def explore(ranking: Ranking, **options: Any) -> Any:
    """Ranked sections by gain over the landscape, to zoom and point at: rank, rank range, gain and cost of each.

    Parameters
    ----------
    ranking : Ranking
    **options
        ``language``; ``m``: the map to lay it on; ``tiles``: a background from a network, on a map of folium, which
        takes all that :meth:`geopandas.GeoDataFrame.explore` does.

    Returns
    -------
    permeability.viz.screen_map.ScreenMap or folium.Map
        Shows itself in a notebook; ``.save("map.html")``.

    Raises
    ------
    OptionError
        O05 for tiles where folium or mapclassify is not installed.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> sites = pm.rank(land, patches, pm.candidates(land, "F", length_m=2000))
    >>> explore(sites)
    ScreenMap: 3 layers
    """
    gain = ranking.gain_column
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
    if offline(options) and options.get("m") is None:
        options = {**options, "m": landscape.explore(ranking.land, **options)}
    return on_web_map(
        ranking.table[[*columns, "geometry"]],
        column=gain,
        cmap=scale_for("gain", ranking.table[gain].to_numpy(float)).ramp,
        tooltip=columns,
        style_kwds={"weight": 6},
        numbers="rank" if "rank" in columns else None,
        label="ranked sections",
        **options,
    )


def contents(ranking: Ranking) -> Contents:
    """What can be written to a file."""
    return Contents(ranking.table, {"sites": ranking.table})


def _sections(ax: Any, table: gpd.GeoDataFrame, gains: Array, scale: Scale, top: int) -> None:
    colours = scale.rgba(gains[None, :])[0] / 255.0
    ranks = table["rank"].to_numpy()
    for i in np.argsort(-ranks, kind="stable"):
        for part in shapely.get_parts(table.geometry.iloc[i]):
            xy = shapely.get_coordinates(part)
            ax.plot(xy[:, 0], xy[:, 1], color=INK, lw=6.0, solid_capstyle="butt", zorder=6)
            ax.plot(xy[:, 0], xy[:, 1], color=colours[i], lw=4.2, solid_capstyle="butt", zorder=7)
    _numbers(ax, table, top)


def _numbers(ax: Any, table: gpd.GeoDataFrame, top: int) -> None:
    """Ranks of the best beside their sections, best first; none covers another text, a section, scale bar or arrow."""
    middles = {
        int(rank): shape.interpolate(0.5, normalized=True)
        for rank, shape in zip(table["rank"], table.geometry) if not shape.is_empty
    }  # fmt: skip
    for spot in middles.values():
        keep_free(ax, spot.x, spot.y, 5.0)
    for rank in sorted(r for r in middles if r <= top):
        write_beside(ax, middles[rank].x, middles[rank].y, str(rank), NUMBER_PT, bold=True, leader=True)


VIEW = View(plot, html, explore, contents)
