"""Pasture within reach of water."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from permeability.locale.language import words
from permeability.viz.explore import values_on_web_map
from permeability.viz.ground import ground_of
from permeability.viz.maps import Map, species_name, values_map
from permeability.viz.notebook import facts_html, page, provenance, reader
from permeability.viz.view import Contents, View
from permeability.viz.views import landscape

if TYPE_CHECKING:
    from permeability.impact.water_access import WaterAccess

__all__ = ["plot"]


def _shown(found: WaterAccess) -> Any:
    """Distance of the pasture within reach [km of open ground]; NaN elsewhere."""
    return np.where(found.near, found.distance / 1000.0, np.nan)


def plot(found: WaterAccess, ax: Any = None, *, language: str = "en") -> Map:
    """Pasture within reach by its distance to water, with the barriers; what is out of reach stays blank.

    Parameters
    ----------
    found : WaterAccess
    ax : matplotlib.axes.Axes, optional
    language : {"en", "mn", "ru"}

    Returns
    -------
    Map

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> import permeability as pm
    >>> land, _ = pm.samples.tiny()
    >>> spring = gpd.GeoDataFrame({"id": ["s"]}, geometry=[shapely.Point(5500, 4500)], crs=land.grid.crs)
    >>> plot(pm.water_access(land, spring, radius_m=2000)).axes.get_title(loc="left")
    'khulan (Asiatic wild ass), Equus hemionus: pasture within reach of water'
    """
    tr = words(language)
    title = tr("{species}: pasture within reach of water", species=species_name(found.land, tr))
    return values_map(ground_of(found.land, tr), _shown(found), "water", title, ax, tr)


def html(found: WaterAccess) -> str:
    """Map, areas and what every line takes."""
    tr = reader()
    facts = {
        tr("pasture"): tr("{n} km²", n=tr.number(found.pasture_km2)), tr("within reach"): tr("{n} km²", n=tr.number(found.near_km2)),
        tr("without any barrier"): tr("{n} km²", n=tr.number(found.open_km2)),
    }  # fmt: skip
    title = tr("{species}: pasture within reach of water", species=species_name(found.land, tr))
    return page(title, plot(found, language=tr.language), facts_html(facts), found.lines, provenance(found.land))  # fmt: skip


def explore(found: WaterAccess, **options: Any) -> Any:
    """The distance as a picture, with the barriers over it."""
    under = values_on_web_map(_shown(found), found.land.grid, "water", options)
    return landscape.explore(found.land, **{**options, "m": under})


def contents(found: WaterAccess) -> Contents:
    """What can be written to a file."""
    return Contents(found.lines, {}, _shown(found), found.land.grid, "km of open ground")


VIEW = View(plot, html, explore, contents)
