"""Current from side to side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from permeability.locale.language import words
from permeability.viz.explore import picture_on_web_map
from permeability.viz.ground import ground_of_array
from permeability.viz.maps import Map, values_map
from permeability.viz.notebook import facts_html, page, reader
from permeability.viz.view import Contents, View, raster

if TYPE_CHECKING:
    from permeability.engines.omnidirectional.wall_to_wall import WallToWall

__all__ = ["plot"]


def plot(result: WallToWall, ax: Any = None, *, language: str = "en") -> Map:
    """Current from side to side, mean over the directions.

    Parameters
    ----------
    result : WallToWall
    ax : matplotlib.axes.Axes, optional
    language : {"en", "mn", "ru"}

    Returns
    -------
    Map

    Examples
    --------
    >>> import numpy as np
    >>> from permeability.engines.omnidirectional.wall_to_wall import wall_to_wall
    >>> plot(wall_to_wall(np.ones((6, 6)))).alt
    'Map of Current from side to side.'
    """
    tr = words(language)
    values = np.asarray(result.current)
    ground = ground_of_array(np.isfinite(values), tr)
    return values_map(ground, values, "current", tr("Current from side to side"), ax, tr)


def html(result: WallToWall) -> str:
    """Map of the current from side to side and the resistances."""
    tr = reader()
    table = pd.DataFrame({"from": list(result.resistance), "resistance": list(result.resistance.values())})
    facts = facts_html({tr("along the way"): result.boundary_text, tr("buffer [cells]"): result.buffer})
    return page(tr("Current from side to side"), plot(result, language=tr.language), facts, table, "")


def explore(result: WallToWall, **options: Any) -> Any:
    """Refused: the result of arrays knows no place."""
    return picture_on_web_map(contents(result), "current", options)


def contents(result: WallToWall) -> Contents:
    """What can be written to a file."""
    return raster(result.current, None, None, "A")


VIEW = View(plot, html, explore, contents)
