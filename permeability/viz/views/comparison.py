"""Two scenarios: the landscape after the interventions, and where these are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd

from permeability.barriers.step_words import step_said
from permeability.locale.language import words
from permeability.viz.explore import on_web_map
from permeability.viz.furniture import draw_picked, picked_handle
from permeability.viz.ground import ground_of
from permeability.viz.maps import Map, draw_map, scenario_name, species_name
from permeability.viz.notebook import facts_html, page, provenance, reader
from permeability.viz.style import PICKED
from permeability.viz.view import Contents, View
from permeability.viz.views import landscape

if TYPE_CHECKING:
    from permeability.impact.comparison import Comparison

__all__ = ["intervention_places", "plot"]


def plot(comparison: Comparison, ax: Any = None, *, language: str = "en") -> Map:
    """The landscape after the interventions, the places where something is done marked.

    Parameters
    ----------
    comparison : Comparison
    ax : matplotlib.axes.Axes, optional
    language : {"en", "mn", "ru"}

    Returns
    -------
    Map

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> change = pm.compare(land, patches, pm.Scenario("gap").remove("F", km=(2, 6)))
    >>> plot(change).axes.get_title(loc="left").endswith("gap")
    True
    """
    tr, land = words(language), comparison.after
    title = tr("{species}: {scenario}", species=species_name(land, tr), scenario=scenario_name(land, tr))
    shapes = [g for g in intervention_places(comparison)["geometry"] if not g.is_empty]
    handles = [picked_handle(tr("Place of an intervention"))] if shapes else []
    drawn = draw_map(ground_of(land, tr), None, None, title, ax, tr, extra=handles)
    draw_picked(drawn.axes, shapes)
    return drawn


def html(comparison: Comparison) -> str:
    """Indices before and after."""
    tr = reader()
    before, after = (scenario_name(x, tr) for x in (comparison.before, comparison.after))
    steps = "; ".join(tr.said(step_said(s)) for s in comparison.after.scenario.interventions)
    facts = facts_html({tr("before"): before, tr("after"): f"{after}: {steps}" if steps else after})
    title = f"{species_name(comparison.before, tr)}: {before} → {after}"
    return page(
        title, plot(comparison, language=tr.language), facts, comparison.table, provenance(comparison.after)
    )


def explore(comparison: Comparison, **options: Any) -> Any:
    """The barriers after the interventions, and the places of these."""
    under = landscape.explore(comparison.after, **options)
    places = intervention_places(comparison)
    places = places[~places.geometry.is_empty]
    if not len(places):
        return under
    return on_web_map(
        places,
        label="Place of an intervention",
        tooltip=["what"],
        color=PICKED,
        style_kwds={"weight": 7},
        **{**options, "m": under},
    )


def contents(change: Comparison) -> Contents:
    """What can be written to a file."""
    return Contents(change.table, {"interventions": intervention_places(change)})


def intervention_places(comparison: Comparison) -> Any:
    """Where a scenario does what, as a table with ``what`` and geometry; structures as points.

    Parameters
    ----------
    comparison : Comparison

    Returns
    -------
    geopandas.GeoDataFrame

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> change = pm.compare(land, patches, pm.Scenario("gap").remove("F", km=(2, 6)))
    >>> float(intervention_places(change).length.sum())  # km 2 to 6 [m]
    4000.0
    """
    land, rows = comparison.after, []
    for step in land.scenario.interventions:
        low, high = land.barriers.km_range(step.line)
        a, b = max(low, step.km_from), min(high, step.km_to)
        shape = land.barriers.stretch(step.line, a, b)
        if a == b:
            shape = land.barriers.stretch(step.line, a - 0.05, b + 0.05).centroid
        rows.append({"what": step.text(), "geometry": shape})
    return gpd.GeoDataFrame(rows, columns=["what", "geometry"], geometry="geometry", crs=land.grid.crs)


VIEW = View(plot, html, explore, contents)
