"""New lines: what places would lose, where none may run, the lines found, lines side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from permeability.locale.language import Words, words
from permeability.viz.explore import on_web_map, picture_on_web_map
from permeability.viz.furniture import draw_picked, picked_handle
from permeability.viz.ground import ground_of
from permeability.viz.maps import Map, draw_map, species_name
from permeability.viz.notebook import facts_html, page, provenance
from permeability.viz.paper_labels import write_beside
from permeability.viz.style import INK, PICKED, scale_for
from permeability.viz.view import Contents, View, raster
from permeability.viz.views import landscape

if TYPE_CHECKING:
    from permeability.alignment import DamageMap, LineOptions, NoGo, Routes

PLACES = (0.5, 0.35, 0.65, 0.2, 0.8)  # along a line, where its name stands

__all__ = ["plot", "plot_no_go", "plot_options", "plot_routes"]


def plot(damage: DamageMap, ax: Any = None, *, language: str = "en") -> Map:
    """What a new line would take through each cell, in its worst direction.

    Parameters
    ----------
    damage : DamageMap
    ax : matplotlib.axes.Axes, optional
    language : {"en", "mn", "ru"}

    Returns
    -------
    Map

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> plot(pm.damage_map(land.without_barriers(), patches, "stock_fence")).alt.startswith("Map of")
    True
    """
    tr = words(language)
    return _damage(damage, ax, tr, tr("{species}: what a new line would take", species=species_name(damage.land, tr)))  # fmt: skip


def _damage(damage: DamageMap, ax: Any, tr: Words, title: str, extra: Any = ()) -> Map:
    return draw_map(
        ground_of(damage.land, tr), damage.worst, scale_for("damage", damage.worst), title, ax, tr,
        patches=damage.patches.table, extra=extra,
    )  # fmt: skip


def plot_routes(routes: Routes, ax: Any = None, *, language: str = "en") -> Map:
    """The lines found, on what a line would take.

    Parameters
    ----------
    routes : Routes
    ax : matplotlib.axes.Axes, optional
    language : {"en", "mn", "ru"}

    Returns
    -------
    Map

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> found = pm.route(land.without_barriers(), patches, (6000, 0), (6000, 8000), "stock_fence", edge_cells=0, n_starts=2)
    >>> plot_routes(found).alt.startswith("Map of")
    True
    """
    tr = words(language)
    title = tr("{species}: lines that take least", species=species_name(routes.damage.land, tr))
    drawn = _damage(routes.damage, ax, tr, title, [picked_handle(tr("New line"))])
    return _named(drawn, routes.table, "id")


def plot_options(options: LineOptions, ax: Any = None, *, language: str = "en") -> Map:
    """The lines that are compared, on what a line would take.

    Parameters
    ----------
    options : LineOptions
    ax : matplotlib.axes.Axes, optional
    language : {"en", "mn", "ru"}

    Returns
    -------
    Map

    Examples
    --------
    >>> import permeability as pm
    >>> import shapely
    >>> land, patches = pm.samples.tiny()
    >>> lines = {"A": shapely.LineString([(6000, 0), (6000, 8000)])}
    >>> plot_options(pm.compare_alternatives(lines, land.without_barriers(), patches, "stock_fence")).alt.startswith("Map of")
    True
    """
    tr = words(language)
    title = tr("{species}: new lines side by side", species=species_name(options.damage.land, tr))
    drawn = _damage(options.damage, ax, tr, title, [picked_handle(tr("New line"))])
    return _named(drawn, options.table, "line")


def _named(drawn: Map, table: Any, column: str) -> Map:
    """Lines with their names beside them."""
    draw_picked(drawn.axes, list(table.geometry), width=2.0)
    for k, (name, line) in enumerate(zip(table[column], table.geometry)):
        at = line.interpolate(
            PLACES[k % len(PLACES)], normalized=True
        )  # not all at the middle: lines run close
        write_beside(drawn.axes, at.x, at.y, str(name), 9.0, bold=True, leader=True)
    return drawn


def plot_no_go(found: NoGo, ax: Any = None, *, language: str = "en") -> Map:
    """Classes of ground for a new line: 1 suitable, 2 avoid, 3 no-go.

    Parameters
    ----------
    found : NoGo
    ax : matplotlib.axes.Axes, optional
    language : {"en", "mn", "ru"}

    Returns
    -------
    Map

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> plot_no_go(pm.no_go(pm.damage_map(land.without_barriers(), patches, "stock_fence"))).alt.startswith("Map of")
    True
    """
    from matplotlib.patches import Patch

    tr = words(language)
    values = np.where(found.classes > 0, found.classes.astype(float), np.nan)
    title = tr("Ground for a new line: suitable, avoid, no-go")
    ground, scale = ground_of(found.land, tr), scale_for("line_classes", np.array([1.0, 3.0]))
    colours = scale.rgba(np.array([[1.0, 2.0, 3.0]]))[0, :, :3] / 255.0
    names = (tr("suitable"), tr("avoid"), tr("no-go"))
    handles = [Patch(facecolor=c, edgecolor=INK, lw=0.5, label=n) for c, n in zip(colours, names)]
    drawn = draw_map(ground, None, None, title, ax, tr, extra=handles)
    west, south, east, north = ground.bounds
    drawn.axes.imshow(
        scale.rgba(values), extent=(west, east, south, north), interpolation="nearest", zorder=1
    )
    return drawn


def _html(title: str, drawn: Map, said: str, table: Any, land: Any) -> str:
    plain = pd.DataFrame(table.drop(columns=["geometry"], errors="ignore"))
    return page(title, drawn, facts_html({"": said}), plain, provenance(land))


def _spread(damage: DamageMap) -> pd.DataFrame:
    """How much of the ground loses less than what."""
    values = damage.worst[np.isfinite(damage.worst)]
    shares = (0.5, 0.8, 0.95, 1.0)
    return pd.DataFrame({"share_of_ground": shares, "loss_below_pct_per_km": np.quantile(values, shares)})


def _contents_of_damage(damage: DamageMap) -> Contents:
    return raster(damage.worst, damage.land, None, "% per km")


VIEW = View(
    plot,
    lambda d: page(
        "What a new line would take", plot(d), facts_html({"": repr(d)}), _spread(d), provenance(d.land)
    ),
    lambda d, **options: picture_on_web_map(_contents_of_damage(d), "damage", options),
    _contents_of_damage,
)
NO_GO = View(
    plot_no_go,
    lambda n: _html("Ground for a new line", plot_no_go(n), repr(n), n.table.drop(columns=["reason_text", "reason_values"]), n.land),
    lambda n, **options: on_web_map(n.table[["class", "reason", "area_km2", "geometry"]], column="class", **options),
    lambda n: Contents(n.table.drop(columns=["reason_text", "reason_values"]), {"no_go": n.table.drop(columns=["reason_text", "reason_values"])}, n.classes.astype(float), n.land.grid, "class"),
)  # fmt: skip


def _explore(land: Any, table: Any, **options: Any) -> Any:
    under = landscape.explore(land, **options)
    return on_web_map(
        table, label="New line", color=PICKED, style_kwds={"weight": 4}, **{**options, "m": under}
    )


ROUTES = View(
    plot_routes,
    lambda r: _html("Lines that take least", plot_routes(r), repr(r), r.table, r.damage.land),
    lambda r, **options: _explore(r.damage.land, r.table[["id", "length_km", "loss", "geometry"]], **options),
    lambda r: Contents(r.table, {"routes": r.table}),
)
OPTIONS = View(
    plot_options,
    lambda o: _html("New lines side by side", plot_options(o), "", o.table, o.damage.land),
    lambda o, **options: _explore(
        o.damage.land, o.table[["line", "length_km", "loss", "geometry"]], **options
    ),
    lambda o: Contents(o.table, {"lines": o.table}),
)
