"""A plan for a budget: the chosen sections among all barriers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from permeability.locale.language import N_, words
from permeability.viz.explore import on_web_map
from permeability.viz.furniture import draw_picked, picked_handle
from permeability.viz.ground import ground_of
from permeability.viz.maps import Map, draw_map, species_name
from permeability.viz.notebook import facts_html, page, provenance, reader, table_html
from permeability.viz.style import PICKED
from permeability.viz.view import Contents, View
from permeability.viz.views import landscape

if TYPE_CHECKING:
    from permeability.planning.budget_choice import Plan

__all__ = ["plot"]

VIEWS: Final[Mapping[str, str]] = {
    "least_cost": N_("gain (least-cost view)"),
    "circuit": N_("gain (circuit view)"),
}


def plot(plan: Plan, ax: Any = None, *, language: str = "en") -> Map:
    """The chosen sections among all barriers.

    Parameters
    ----------
    plan : Plan
    ax : matplotlib.axes.Axes, optional
    language : {"en", "mn", "ru"}

    Returns
    -------
    Map

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> sites = pm.rank(land, patches, pm.candidates(land, "F", length_m=2000))
    >>> plot(pm.portfolio(sites, 3000)).axes.get_legend().get_texts()[-1].get_text()
    'Chosen section'
    """
    tr, land = words(language), plan.ranking.land
    title = tr("{species}: chosen sections", species=species_name(land, tr))
    around = plan.ranking.table.total_bounds
    handles = [picked_handle(tr("Chosen section"))]
    drawn = draw_map(ground_of(land, tr), None, None, title, ax, tr, around=around, extra=handles)
    draw_picked(drawn.axes, list(plan.table.geometry))
    return drawn


def html(plan: Plan) -> str:
    """The chosen sections, what they cost and gain, and how far from the bound."""
    tr = reader()
    facts = facts_html({
        tr("cost"): tr("{n} USD", n=tr.number(plan.cost_usd)), tr(VIEWS[plan.view]): tr.number(plan.gain),
        tr("at most below the bound"): tr.percent(plan.gap, 1), tr("nearly as good plans"): len(plan.near_best),
    })  # fmt: skip
    columns = [c for c in ("rank", "id", "length_km", "treatment", "cost_usd") if c in plan.table]
    land = plan.ranking.land
    after = table_html(plan.indices)
    chosen = pd.DataFrame(plan.table[columns])
    return page(
        tr("Plan: {species}", species=species_name(land, tr)),
        plot(plan, language=tr.language),
        facts,
        chosen,
        after + provenance(land),
    )


def explore(plan: Plan, **options: Any) -> Any:
    """The chosen sections over the barriers."""
    columns = [c for c in ("rank", "id", "treatment", "cost_usd") if c in plan.table]
    under = landscape.explore(plan.ranking.land, **options)
    frame = plan.table[[*columns, "geometry"]]
    return on_web_map(
        frame,
        label="Chosen section",
        tooltip=columns,
        color=PICKED,
        style_kwds={"weight": 7},
        **{**options, "m": under},
    )


def contents(plan: Plan) -> Contents:
    """What can be written to a file."""
    return Contents(plan.table, {"chosen": plan.table})


VIEW = View(plot, html, explore, contents)
