"""Least-cost paths and what they cross."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from permeability.locale.language import words
from permeability.viz.explore import on_web_map
from permeability.viz.furniture import draw_picked, picked_handle
from permeability.viz.ground import ground_of
from permeability.viz.maps import Map, draw_map
from permeability.viz.notebook import page, reader, table_html
from permeability.viz.style import PICKED
from permeability.viz.view import Contents, View
from permeability.viz.views import landscape

if TYPE_CHECKING:
    from permeability.linkage.paths import Paths

__all__ = ["plot"]


def plot(paths: Paths, ax: Any = None, *, language: str = "en") -> Map:
    """Least-cost paths.

    Parameters
    ----------
    paths : Paths
    ax : matplotlib.axes.Axes, optional
    language : {"en", "mn", "ru"}

    Returns
    -------
    Map

    Examples
    --------
    >>> import permeability as pm
    >>> from permeability.linkage.paths import least_cost_paths
    >>> land, patches = pm.samples.tiny()
    >>> plot(least_cost_paths(land.without_barriers(), patches)).alt
    'Map of Least-cost paths with 2 barriers.'
    """
    tr = words(language)
    handles = [picked_handle(tr("Least-cost path"))]
    around = paths.table.total_bounds if len(paths.table) else None
    title = tr("Least-cost paths")
    drawn = draw_map(ground_of(paths.land, tr), None, None, title, ax, tr, extra=handles, around=around)
    draw_picked(drawn.axes, list(paths.table.geometry), width=2.2)
    return drawn


def html(paths: Paths) -> str:
    """Map of the paths and what they cross."""
    tr = reader()
    drop = paths.table.drop(columns="geometry")
    after = table_html(paths.crossings.drop(columns="geometry")) if len(paths.crossings) else ""
    return page(tr("Least-cost paths"), plot(paths, language=tr.language), "", pd.DataFrame(drop), after)


def explore(paths: Paths, **options: Any) -> Any:
    """The paths over the barriers."""
    under = landscape.explore(paths.land, **options)
    columns = ["from", "to", "cost_m", "length_m"]
    frame = paths.table[[*columns, "geometry"]]
    if not len(frame):
        return under
    return on_web_map(
        frame,
        label="Least-cost paths",
        tooltip=columns,
        color=PICKED,
        style_kwds={"weight": 4},
        **{**options, "m": under},
    )


def contents(paths: Paths) -> Contents:
    """What can be written to a file."""
    return Contents(paths.table, {"paths": paths.table, "crossings": paths.crossings})


VIEW = View(plot, html, explore, contents)
