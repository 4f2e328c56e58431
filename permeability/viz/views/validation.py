"""The model held against tracks: how well it and simple rules tell crossed sections."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from permeability.locale.language import words
from permeability.viz.explore import on_web_map
from permeability.viz.forest import forest, labelled
from permeability.viz.maps import Map
from permeability.viz.notebook import page, reader
from permeability.viz.view import Contents, View

if TYPE_CHECKING:
    from permeability.telemetry.validation import Validation

__all__ = ["plot"]


def plot(found: Validation, ax: Any = None, *, language: str = "en") -> Map:
    """AUC of the model and of simple rules with their intervals over spatial blocks.

    Parameters
    ----------
    found : Validation
    ax : matplotlib.axes.Axes, optional
    language : {"en", "mn", "ru"}

    Returns
    -------
    Map

    Examples
    --------
    >>> import numpy as np
    >>> import permeability as pm
    >>> tracks, barriers = pm.telemetry.samples.herd(2, 30)
    >>> grid = pm.Grid.from_bounds((-60_000, -60_000, 60_000, 60_000), cell_size=5000, crs=32648)
    >>> east = np.tile(grid.x, (grid.shape[0], 1))
    >>> print(plot(pm.telemetry.validate((east, grid), tracks, barriers, draws=20, shifts=9)).alt)
    Compared with tracks (simulated: no animal walked them): 4 rules.
    """
    tr = words(language)
    names = {
        "model": tr("the model"),
        "length": tr("section length"),
        "density": tr("density of lines"),
        "earlier_use": tr("earlier fixes"),
    }
    table = found.table.assign(group=[names[g] for g in found.table["group"]])
    title = labelled(tr("Compared with tracks"), found.tracks.simulated, tr)
    label = tr("AUC: chance that a crossed section ranks higher (0.5: no better than chance)")
    return forest(
        table,
        "auc",
        title,
        label,
        ax,
        tr,
        ticks=tr("{what}: {n} rules.", what=title, n=tr.number(len(table))),
    )


def html(found: Validation) -> str:
    """Picture, sentences and table."""
    tr = reader()
    told = "<ul style='margin:4px 0'>" + "".join(f"<li>{escape(s)}</li>" for s in found.sentences) + "</ul>"
    return page(
        tr("Compared with tracks"),
        plot(found, language=tr.language),
        told,
        found.table.drop(columns="usable"),
        "",
    )


def explore(found: Validation, **options: Any) -> Any:
    """Sections by whether they were crossed, with the value of the model."""
    shown = found.sections[["barrier", "line", "km", "crossed", "model", "geometry"]]
    return on_web_map(
        shown.assign(crossed=shown["crossed"].astype(str)), label="Sections", column="crossed", **options
    )


def contents(found: Validation) -> Contents:
    """What can be written to a file."""
    return Contents(found.table, {"sections": found.sections})


VIEW = View(plot, html, explore, contents)
