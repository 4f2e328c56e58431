"""Connectivity: current or distance between the patches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from permeability.core.errors import check_choice
from permeability.locale.language import words
from permeability.viz.explore import values_on_web_map
from permeability.viz.ground import ground_of
from permeability.viz.maps import Map, draw_map, scenario_name, species_name
from permeability.viz.notebook import facts_html, page, provenance, reader
from permeability.viz.style import scale_for
from permeability.viz.view import Contents, View
from permeability.viz.views import landscape, patches

if TYPE_CHECKING:
    from permeability.linkage.patch_pairs import Connectivity

__all__ = ["plot"]


def plot(conn: Connectivity, ax: Any = None, *, show: str = "current", language: str = "en") -> Map:
    """Current (or least-cost distance) between the patches, with the barriers.

    Parameters
    ----------
    conn : Connectivity
    ax : matplotlib.axes.Axes, optional
    show : {"current", "distance"}
    language : {"en", "mn", "ru"}

    Returns
    -------
    Map
        The map.

    Raises
    ------
    OptionError
        O01 for another ``show``.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> plot(pm.connectivity(land, patches), show="distance").axes.get_title(loc="left")
    'khulan (Asiatic wild ass), Equus hemionus: least-cost distance from the nearest patch'
    """
    check_choice("show", show, ("current", "distance"))
    tr = words(language)
    if show == "current":
        values = conn.current.to_numpy()
        title = tr("{species}: current between patches", species=species_name(conn.land, tr))
    else:
        values = conn.distance.to_numpy() / 1000.0
        title = tr(
            "{species}: least-cost distance from the nearest patch", species=species_name(conn.land, tr)
        )
    return draw_map(
        ground_of(conn.land, tr), values, scale_for(show, values), title, ax, tr, patches=conn.patches.table
    )


def html(conn: Connectivity) -> str:
    """Map of the current, pairs of patches, solver and residual."""
    tr = reader()
    apart = int((~conn.pairs["connected"]).sum())
    facts = {
        tr("pairs"): tr(
            "{n}, {apart} without any path", n=tr.number(len(conn.pairs)), apart=tr.number(apart)
        ),
        tr("solver"): tr(
            "{name}, residual {residual}",
            name=conn.report.solver,
            residual=format(conn.report.residual, ".1e"),
        ),
        tr("scenario"): scenario_name(conn.land, tr),
    }
    table = conn.pairs.drop(columns="words", errors="ignore").rename(
        columns={"cost_km": "cost [km]", "straight_km": "straight [km]"}
    )
    return page(
        tr("Connectivity: {species}", species=species_name(conn.land, tr)),
        plot(conn, language=tr.language),
        facts_html(facts),
        table,
        provenance(conn.land),
    )


def explore(conn: Connectivity, **options: Any) -> Any:
    """The current as a picture, with barriers and patches over it."""
    under = values_on_web_map(conn.current.to_numpy(), conn.land.grid, "current", options)
    return patches.explore(conn.patches, m=landscape.explore(conn.land, m=under, **options), **options)


def contents(conn: Connectivity) -> Contents:
    """What can be written to a file."""
    places = {"patches": conn.patches.table}
    return Contents(conn.pairs, places, conn.current.to_numpy(), conn.land.grid, "passages per unit injected")


VIEW = View(plot, html, explore, contents)
