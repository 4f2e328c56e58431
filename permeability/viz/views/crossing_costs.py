"""Crossing costs with their intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from permeability.locale.language import words
from permeability.viz.explore import on_web_map
from permeability.viz.forest import forest, labelled
from permeability.viz.maps import Map
from permeability.viz.notebook import facts_html, page, reader
from permeability.viz.style import INK
from permeability.viz.view import Contents, View
from permeability.viz.ways import ways

if TYPE_CHECKING:
    from permeability.telemetry.measured_cost import CrossingCosts

__all__ = ["plot"]


def plot(costs: CrossingCosts, ax: Any = None, *, language: str = "en") -> Map:
    """Crossing cost of each group of lines with its interval; grey where the placebo makes it unusable.

    Parameters
    ----------
    costs : CrossingCosts
    ax : matplotlib.axes.Axes, optional
    language : {"en", "mn", "ru"}

    Returns
    -------
    Map

    Examples
    --------
    >>> import permeability as pm
    >>> tracks, barriers = pm.telemetry.samples.walk()
    >>> plot(pm.telemetry.crossing_cost(tracks, barriers)).alt
    'Crossing cost measured from tracks (simulated: no animal walked them): 1 groups of lines.'
    """
    tr = words(language)
    title = labelled(tr("Crossing cost measured from tracks"), costs.tracks.simulated, tr)
    return forest(costs.table, "cost_km", title, tr("Crossing cost [km of open ground]"), ax, tr)


def html(costs: CrossingCosts) -> str:
    """Picture, main figures and table."""
    tr = reader()
    return page(
        tr("Crossing costs"),
        plot(costs, language=tr.language),
        facts_html({tr("measured"): repr(costs)}),
        costs.table,
        "",
    )


def explore(costs: CrossingCosts, **options: Any) -> Any:
    """The lines that were measured, and the ways of the animals, on a web map."""
    drawn = on_web_map(
        costs.barriers.table[["id", "line", "kind", "geometry"]], label="barriers", color=INK, **options
    )
    return on_web_map(ways(costs.tracks), label="Way between fixes", column="animal", m=drawn)


def contents(costs: CrossingCosts) -> Contents:
    """What can be written to a file."""
    return Contents(costs.table)


VIEW = View(plot, html, explore, contents)
