"""Patches on their grid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from permeability.locale.language import reader_language, words
from permeability.viz.explore import offline, on_web_map, screen_map
from permeability.viz.ground import ground_of_grid
from permeability.viz.maps import Map, draw_map
from permeability.viz.notebook import facts_html, grid_text, page, reader
from permeability.viz.screen_map import PatchShapes
from permeability.viz.view import Contents, View

if TYPE_CHECKING:
    from permeability.landscape.patches import Patches

__all__ = ["plot"]


def plot(patches: Patches, ax: Any = None, *, language: str = "en") -> Map:
    """The patches on their grid.

    Parameters
    ----------
    patches : Patches
    ax : matplotlib.axes.Axes, optional
    language : {"en", "mn", "ru"}

    Returns
    -------
    Map

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> print(plot(patches).alt)
    Map of Patches.
    """
    tr = words(language)
    ground = ground_of_grid(patches.grid, np.ones(patches.grid.shape, bool), tr)
    return draw_map(
        ground, None, None, tr("Patches"), ax, tr, patches=patches.table, around=patches.table.total_bounds
    )


def html(patches: Patches) -> str:
    """Map and table of the patches."""
    tr = reader()
    columns = [c for c in ("id", "name", "area_km2", "weight") if c in patches.table]
    facts = facts_html({tr("grid"): grid_text(patches.grid, tr), tr("patches"): len(patches)})
    return page(
        tr("Patches"), plot(patches, language=tr.language), facts, pd.DataFrame(patches.table[columns]), ""
    )


def explore(patches: Patches, **options: Any) -> Any:
    """Patches with their names and areas."""
    columns = [c for c in ("id", "name", "area_km2", "weight") if c in patches.table]
    if offline(options):
        return screen_map(options, words(options.get("language") or reader_language())("Patches")).over(
            PatchShapes(patches.table)
        )
    return on_web_map(patches.table[[*columns, "geometry"]], tooltip=columns, color="#004d40", **options)


def contents(patches: Patches) -> Contents:
    """What can be written to a file."""
    return Contents(
        patches.table, {"patches": patches.table}, patches.labels.astype(float), patches.grid, "label"
    )


VIEW = View(plot, html, explore, contents)
