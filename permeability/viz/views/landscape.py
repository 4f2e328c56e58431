"""A landscape: resistance of the ground and its barriers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from permeability.core.plain_text import inert_html
from permeability.locale.language import proper_name, reader_language, words
from permeability.viz.explore import offline, on_web_map, screen_map
from permeability.viz.ground import drawn_lines, ground_of
from permeability.viz.maps import Map, draw_map, scenario_name, species_name
from permeability.viz.notebook import facts_html, grid_text, page, provenance, reader
from permeability.viz.screen_map import BarrierLines, Picture
from permeability.viz.style import BARRIER_STYLES, barrier_key, scale_for
from permeability.viz.view import Contents, View

if TYPE_CHECKING:
    from permeability.landscape.landscape import Landscape

__all__ = ["explore", "plot"]


def plot(land: Landscape, ax: Any = None, *, language: str = "en") -> Map:
    """Resistance of the ground with the barriers.

    Parameters
    ----------
    land : Landscape
    ax : matplotlib.axes.Axes, optional
        Drawn into; a figure of its own by default.
    language : {"en", "mn", "ru"}

    Returns
    -------
    Map

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> print(plot(land).alt)
    Map of khulan (Asiatic wild ass), Equus hemionus: landscape with 2 barriers.
    """
    tr = words(language)
    values = np.where(land.valid, land.resistance, np.nan)
    title = tr("{species}: landscape", species=species_name(land, tr))
    return draw_map(ground_of(land, tr), values, scale_for("habitat", values), title, ax, tr)


def html(land: Landscape) -> str:
    """Map, main figures and barriers of a landscape."""
    tr = reader()
    edges = land.edge_barriers()
    facts = {
        tr("grid"): grid_text(land.grid, tr),
        tr(
            "cells"
        ): f"{tr.number(land.valid.sum())}, {tr.number(land.valid.sum() * land.grid.cell_area_km2)} km²",
        tr("barriers standing"): tr(
            "{n} of {all}", n=tr.number(int(land.standing.sum())), all=tr.number(len(land.barriers))
        ),
        tr("edges cut"): tr.number(len(edges.cell)),
        tr("connected parts"): str(int(land.parts.max())),
        tr("scenario"): scenario_name(land, tr),
    }
    shown = [
        c
        for c in ("id", "line", "kind", "status", "fence_class", "vehicles_per_day")
        if c in land.barriers.table
    ]
    table = pd.DataFrame(land.barriers.table[shown]).assign(standing=land.standing)
    return page(
        tr("{species}: landscape", species=species_name(land, tr)),
        plot(land, language=tr.language),
        facts_html(facts),
        table,
        provenance(land),
    )


def explore(land: Landscape, *, language: str | None = None, **options: Any) -> Any:
    """Barriers by class over the resistance of the ground, to zoom and point at.

    Parameters
    ----------
    land : Landscape
    language : {"en", "mn", "ru"}, optional
        That of the reader by default.
    **options
        ``m``: the map to lay it on; ``tiles``: a background from a network, on a map of folium, which takes all
        that :meth:`geopandas.GeoDataFrame.explore` does.

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
    >>> explore(land)
    ScreenMap: 2 layers
    """
    tr = words(language or reader_language())
    table = drawn_lines(land)
    if offline(options):
        drawn = screen_map({**options, "language": language}, species_name(land, tr))
        ground = Picture(np.where(land.valid, land.resistance, np.nan), land.grid, "habitat")
        return drawn.beneath(ground).over(BarrierLines(table))
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
    return on_web_map(
        frame,
        column="type",
        cmap=[s.colour for s in shown],
        tooltip=["name", "id", "line", "type"],
        **options,
    )


def contents(land: Landscape) -> Contents:
    """What can be written to a file."""
    return Contents(land.table, {"barriers": land.table}, land.resistance, land.grid, "1")


VIEW = View(plot, html, explore, contents)
