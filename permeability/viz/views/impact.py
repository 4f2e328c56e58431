"""What barriers do: the connected parts, the sentences, the lines."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from permeability.locale.language import words
from permeability.viz.ground import ground_of
from permeability.viz.maps import Map, draw_map, species_name
from permeability.viz.notebook import page, provenance, reader
from permeability.viz.style import scale_for
from permeability.viz.view import Contents, View
from permeability.viz.views import landscape

if TYPE_CHECKING:
    from permeability.impact.line_by_line import Impact

__all__ = ["plot"]


def plot(impact: Impact, ax: Any = None, *, language: str = "en") -> Map:
    """The landscape whose barriers the impact is about, its connected parts apart in tone.

    Parameters
    ----------
    impact : Impact
    ax : matplotlib.axes.Axes, optional
    language : {"en", "mn", "ru"}

    Returns
    -------
    Map

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> plot(pm.barrier_impact(land, patches)).alt.startswith("Map of")
    True
    """
    tr, land = words(language), impact.land
    title = tr("{species}: connected parts", species=species_name(land, tr))
    parts = np.where(land.valid, land.parts.astype(float), np.nan)
    return draw_map(ground_of(land, tr), parts, scale_for("parts", parts), title, ax, tr)


def html(impact: Impact) -> str:
    """Sentences of the impact and the table of lines."""
    tr = reader()
    sentences = (
        "<ul style='margin:4px 0'>" + "".join(f"<li>{escape(tr.said(s))}</li>" for s in impact.said) + "</ul>"
    )
    return page(
        tr("Impact on: {species}", species=species_name(impact.land, tr)),
        plot(impact, language=tr.language),
        sentences,
        impact.lines,
        provenance(impact.land),
    )


def explore(impact: Impact, **options: Any) -> Any:
    """The barriers whose impact it is."""
    return landscape.explore(impact.land, **options)


def contents(impact: Impact) -> Contents:
    """What can be written to a file."""
    return Contents(impact.table, {"barriers": impact.land.table})


VIEW = View(plot, html, explore, contents)
