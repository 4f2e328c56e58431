"""Permeability of steps with its intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from permeability.locale.language import words
from permeability.viz.explore import on_web_map
from permeability.viz.forest import forest, labelled
from permeability.viz.maps import Map
from permeability.viz.notebook import facts_html, page, reader
from permeability.viz.style import INK
from permeability.viz.view import Contents, View
from permeability.viz.ways import ways

if TYPE_CHECKING:
    from permeability.telemetry.selection import StepSelection

__all__ = ["plot"]


def plot(found: StepSelection, ax: Any = None, *, language: str = "en") -> Map:
    """Permeability of a step for each group of lines with its interval; grey where the placebo makes it unusable.

    Parameters
    ----------
    found : StepSelection
    ax : matplotlib.axes.Axes, optional
    language : {"en", "mn", "ru"}

    Returns
    -------
    Map

    Examples
    --------
    >>> import permeability as pm
    >>> tracks, barriers = pm.telemetry.samples.herd(2, 40)
    >>> plot(pm.telemetry.step_selection(tracks, barriers, placebos=3)).alt[:22]
    'Permeability of a step'
    """
    tr = words(language)
    title = labelled(tr("Permeability of a step (1: no effect)"), found.tracks.simulated, tr)
    return forest(found.table, "kappa", title, tr("Permeability of a step"), ax, tr)


def html(found: StepSelection) -> str:
    """Picture, main figures and table."""
    tr = reader()
    return page(
        tr("Step selection"),
        plot(found, language=tr.language),
        facts_html({tr("measured"): repr(found)}),
        found.table,
        "",
    )


def explore(found: StepSelection, **options: Any) -> Any:
    """The lines that were measured, and the ways of the animals, on a web map."""
    drawn = on_web_map(
        found.barriers.table[["id", "line", "kind", "geometry"]], label="barriers", color=INK, **options
    )
    return on_web_map(ways(found.tracks), label="Way between fixes", column="animal", m=drawn)


def contents(found: StepSelection) -> Contents:
    """What can be written to a file."""
    return Contents(found.table)


VIEW = View(plot, html, explore, contents)
