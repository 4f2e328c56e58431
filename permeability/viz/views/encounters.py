"""Encounters as points coloured by behaviour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from permeability.locale.language import Words, words
from permeability.viz.maps import Map
from permeability.viz.notebook import facts_html, page, reader
from permeability.viz.style import INK
from permeability.viz.view import Contents, View
from permeability.viz.ways import map_of_ways, points_on_web_map

if TYPE_CHECKING:
    from permeability.telemetry.behaviour import Encounters

__all__ = ["plot"]

COLOURS = {
    "quick_cross": "#1b7837", "average_movement": "#7f7f7f", "bounce": "#d95f02", "back_and_forth": "#7570b3",
    "trace": "#a6761d", "trapped": "#c51b7d", "unknown": "#bbbbbb",
}  # fmt: skip


def plot(found: Encounters, ax: Any = None, *, language: str = "en") -> Map:
    """Ways, lines, and every encounter as a point coloured by behaviour.

    Parameters
    ----------
    found : Encounters
    ax : matplotlib.axes.Axes, optional
    language : {"en", "mn", "ru"}

    Returns
    -------
    Map

    Examples
    --------
    >>> import permeability as pm
    >>> tracks, barriers = pm.telemetry.samples.walk()
    >>> plot(pm.telemetry.encounters(tracks, barriers)).axes.get_title(loc="left")[:12]
    '1 encounters'
    """
    tr, table = words(language), found.table
    names = _behaviours(tr)
    shown = [k for k in COLOURS if (table["behaviour"] == k).any()]
    dots = [_dot(COLOURS[k], names[k]) for k in shown]
    drawn = map_of_ways(
        found.tracks, found.barriers, tr("{n} encounters", n=tr.number(len(table))), ax, tr, dots
    )
    colour = [COLOURS[b] for b in table["behaviour"]]
    drawn.axes.scatter(table.geometry.x, table.geometry.y, s=12, c=colour, edgecolor=INK, lw=0.3, zorder=8)
    return drawn


def _behaviours(tr: Words) -> dict[str, str]:
    return {
        "quick_cross": tr("quick cross"), "average_movement": tr("average movement"), "bounce": tr("bounce"),
        "back_and_forth": tr("back and forth"), "trace": tr("trace"), "trapped": tr("trapped"), "unknown": tr("behaviour not known"),
    }  # fmt: skip


def _dot(colour: str, label: str) -> Any:
    from matplotlib.lines import Line2D

    return Line2D([], [], color=colour, marker="o", ls="", ms=5, label=label)


def html(found: Encounters) -> str:
    """Map and table of encounters."""
    tr = reader()
    facts = {tr("encounters"): repr(found), tr("rules"): str(found.rules)}
    return page(
        tr("Encounters"),
        plot(found, language=tr.language),
        facts_html(facts),
        pd.DataFrame(found.table.drop(columns="geometry")),
        "",
    )


def explore(found: Encounters, **options: Any) -> Any:
    """Encounters on a web map, by behaviour."""
    return points_on_web_map(found.table, "behaviour", {**options, "label": "Encounters"})


def contents(found: Encounters) -> Contents:
    """What can be written to a file."""
    return Contents(found.table, {"encounters": found.table})


VIEW = View(plot, html, explore, contents)
