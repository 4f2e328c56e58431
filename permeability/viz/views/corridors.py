"""Least-cost corridors as a map of extra cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from permeability.locale.language import words
from permeability.viz.explore import picture_on_web_map
from permeability.viz.ground import ground_of_surface
from permeability.viz.maps import Map, values_map
from permeability.viz.notebook import page, reader
from permeability.viz.view import Contents, View, raster

if TYPE_CHECKING:
    from permeability.linkage.corridors import Corridors

__all__ = ["plot"]


def plot(corridors: Corridors, ax: Any = None, *, language: str = "en") -> Map:
    """Extra cost of the best way through every cell, over all pairs.

    Parameters
    ----------
    corridors : Corridors
    ax : matplotlib.axes.Axes, optional
    language : {"en", "mn", "ru"}

    Returns
    -------
    Map

    Examples
    --------
    >>> from permeability.linkage.corridors import least_cost_corridors
    >>> plot(least_cost_corridors([[1.0, 1.0, 1.0]], {"a": [(0, 0)], "b": [(0, 2)]})).alt
    'Map of Least-cost corridors.'
    """
    tr = words(language)
    values = np.asarray(corridors.mosaic, float) / 1000.0
    return values_map(
        ground_of_surface(corridors.surface, tr), values, "corridor", tr("Least-cost corridors"), ax, tr
    )


def html(corridors: Corridors) -> str:
    """Map of the corridors and the pairs."""
    tr = reader()
    return page(tr("Least-cost corridors"), plot(corridors, language=tr.language), "", corridors.table, "")


def explore(corridors: Corridors, **options: Any) -> Any:
    """The corridors as a picture."""
    return picture_on_web_map(contents(corridors), "corridor", options, 1 / 1000.0)


def contents(corridors: Corridors) -> Contents:
    """What can be written to a file."""
    return raster(corridors.mosaic, corridors.surface, corridors.table, "m of open ground")


VIEW = View(plot, html, explore, contents)
