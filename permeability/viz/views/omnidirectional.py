"""A moving-window run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from permeability.core.errors import check_choice
from permeability.locale.language import words
from permeability.viz.explore import picture_on_web_map
from permeability.viz.ground import ground_of, ground_of_array
from permeability.viz.maps import Map, values_map
from permeability.viz.notebook import facts_html, page, reader
from permeability.viz.view import Contents, View, raster
from permeability.viz.views import landscape

if TYPE_CHECKING:
    from permeability.engines.omnidirectional import OmnidirectionalResult

__all__ = ["plot"]


def plot(
    result: OmnidirectionalResult, ax: Any = None, *, show: str = "current", language: str = "en"
) -> Map:
    """A map of a moving-window run.

    Parameters
    ----------
    result : OmnidirectionalResult
    ax : matplotlib.axes.Axes, optional
    show : {"current", "flow_potential", "normalised"}
        One that the run has made.
    language : {"en", "mn", "ru"}

    Returns
    -------
    Map

    Raises
    ------
    OptionError
        O01 for a map that is not known or was not made.

    Examples
    --------
    >>> import numpy as np
    >>> from permeability.engines.omnidirectional import omnidirectional
    >>> plot(omnidirectional(np.ones((9, 9)), radius=3)).alt
    'Map of Omnidirectional current.'
    """
    have = [n for n in ("current", "flow_potential", "normalised") if getattr(result, n) is not None]
    check_choice("show", show, have)
    tr = words(language)
    values = np.asarray(getattr(result, show), float)
    kind = "normalised" if show == "normalised" else "window"
    land = result.landscape
    ground = ground_of_array(np.isfinite(values), tr) if land is None else ground_of(land, tr)
    return values_map(ground, values, kind, tr("Omnidirectional current"), ax, tr)


def html(result: OmnidirectionalResult) -> str:
    """Map of a moving-window run and how it was made."""
    tr = reader()
    facts = {
        tr("windows"): result.windows,
        tr("radius [cells]"): result.options.radius,
        tr("lost strength"): tr.number(result.lost),
    }
    made = {n: getattr(result, n) is not None for n in ("current", "flow_potential", "normalised")}
    table = pd.DataFrame({"map": list(made), "made": list(made.values())})
    return page(
        tr("Omnidirectional current"), plot(result, language=tr.language), facts_html(facts), table, ""
    )


def explore(result: OmnidirectionalResult, **options: Any) -> Any:
    """The current as a picture, with the barriers over it."""
    under = picture_on_web_map(contents(result), "window", options)
    return landscape.explore(result.landscape, **{**options, "m": under})


def contents(result: OmnidirectionalResult) -> Contents:
    """What can be written to a file."""
    return raster(result.current, result.landscape, None, "in units of the source strength")


VIEW = View(plot, html, explore, contents)
