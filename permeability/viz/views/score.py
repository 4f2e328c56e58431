"""The barrier score of every cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from permeability.locale.language import words
from permeability.viz.explore import picture_on_web_map
from permeability.viz.ground import ground_of_surface
from permeability.viz.maps import Map, values_map
from permeability.viz.notebook import facts_html, page, reader
from permeability.viz.view import Contents, View, raster

if TYPE_CHECKING:
    from permeability.linkage.barrier_score import BarrierScore

__all__ = ["plot"]


def plot(score: BarrierScore, ax: Any = None, *, language: str = "en") -> Map:
    """Barrier score of every cell.

    Parameters
    ----------
    score : BarrierScore
    ax : matplotlib.axes.Axes, optional
    language : {"en", "mn", "ru"}

    Returns
    -------
    Map

    Examples
    --------
    >>> from permeability.linkage.barrier_score import barrier_score
    >>> ground = [[1.0, 1.0, 9.0, 1.0, 1.0]] * 3
    >>> plot(barrier_score(ground, {"a": [(1, 0)], "b": [(1, 4)]}, 1.0)).alt
    'Map of Barrier score.'
    """
    tr = words(language)
    return values_map(
        ground_of_surface(score.surface, tr),
        np.asarray(score.score, float),
        "score",
        tr("Barrier score"),
        ax,
        tr,
    )


def html(score: BarrierScore) -> str:
    """Map of the barrier score and the pairs."""
    tr = reader()
    facts = facts_html({tr("radii [m]"): ", ".join(f"{r:g}" for r in score.by_radius)})
    return page(tr("Barrier score"), plot(score, language=tr.language), facts, score.table, "")


def explore(score: BarrierScore, **options: Any) -> Any:
    """The barrier score as a picture."""
    return picture_on_web_map(contents(score), "score", options)


def contents(score: BarrierScore) -> Contents:
    """What can be written to a file."""
    return raster(score.score, score.surface, score.table, "1")


VIEW = View(plot, html, explore, contents)
