"""Crossings as points on ways and lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from permeability.locale.language import words
from permeability.viz.maps import Map
from permeability.viz.notebook import facts_html, page, reader
from permeability.viz.style import INK, PICKED
from permeability.viz.view import Contents, View
from permeability.viz.ways import map_of_ways, points_on_web_map

if TYPE_CHECKING:
    from permeability.telemetry.line_crossings import Crossings

__all__ = ["plot"]


def plot(found: Crossings, ax: Any = None, *, language: str = "en") -> Map:
    """Ways, lines, and every crossing as a point.

    Parameters
    ----------
    found : Crossings
    ax : matplotlib.axes.Axes, optional
    language : {"en", "mn", "ru"}

    Returns
    -------
    Map

    Examples
    --------
    >>> import permeability as pm
    >>> tracks, barriers = pm.telemetry.samples.walk()
    >>> plot(pm.telemetry.crossings(tracks, barriers)).axes.get_title(loc="left")[:11]
    '1 crossings'
    """
    tr = words(language)
    drawn = map_of_ways(found.tracks, found.barriers, tr("{n} crossings", n=tr.number(len(found))), ax, tr)
    drawn.axes.scatter(
        found.table.geometry.x, found.table.geometry.y, s=14, color=PICKED, edgecolor=INK, lw=0.5, zorder=8
    )
    return drawn


def html(found: Crossings) -> str:
    """Map and table of crossings."""
    tr = reader()
    facts = {tr("crossings"): repr(found), tr("tracks"): repr(found.tracks)}
    return page(
        tr("Crossings"),
        plot(found, language=tr.language),
        facts_html(facts),
        pd.DataFrame(found.table.drop(columns="geometry")),
        "",
    )


def explore(found: Crossings, **options: Any) -> Any:
    """Crossings on a web map."""
    return points_on_web_map(found.table, "line", {**options, "label": "Crossings"})


def contents(found: Crossings) -> Contents:
    """What can be written to a file."""
    return Contents(found.table, {"crossings": found.table})


VIEW = View(plot, html, explore, contents)
