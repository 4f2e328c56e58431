"""Fixes of animals: their ways on a map, what is wrong with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from permeability.locale.language import words
from permeability.viz.explore import on_web_map
from permeability.viz.maps import Map
from permeability.viz.notebook import facts_html, page, reader
from permeability.viz.view import Contents, View
from permeability.viz.ways import map_of_ways, ways

if TYPE_CHECKING:
    from permeability.telemetry.tracks import Tracks

__all__ = ["plot"]


def plot(tracks: Tracks, ax: Any = None, *, barriers: Any = None, language: str = "en") -> Map:
    """The ways of the animals, with lines where they are given.

    Parameters
    ----------
    tracks : Tracks
    ax : matplotlib.axes.Axes, optional
    barriers : Barriers, optional
    language : {"en", "mn", "ru"}

    Returns
    -------
    Map

    Examples
    --------
    >>> import permeability as pm
    >>> tracks, barriers = pm.telemetry.samples.walk()
    >>> print(plot(tracks).alt)
    Map of Tracks of 1 animals (simulated: no animal walked them).
    """
    tr = words(language)
    return map_of_ways(
        tracks, barriers, tr("Tracks of {n} animals", n=tr.number(len(tracks.animals))), ax, tr
    )


def html(tracks: Tracks) -> str:
    """Map, main figures, and what is wrong with the fixes."""
    tr = reader()
    facts = {tr("tracks"): repr(tracks), tr("source"): tracks.source or "-"}
    rows = [
        {"code": f.code, "severity": f.severity, "what": f.what, "remedy": f.remedy} for f in tracks.check()
    ]
    table = pd.DataFrame(rows, columns=["code", "severity", "what", "remedy"])
    return page(tr("Tracks"), plot(tracks, language=tr.language), facts_html(facts), table, "")


def explore(tracks: Tracks, **options: Any) -> Any:
    """The ways of the animals on a web map."""
    return on_web_map(ways(tracks), label="Way between fixes", column="animal", **options)


def contents(tracks: Tracks) -> Contents:
    """What can be written to a file."""
    return Contents(tracks.table, {"fixes": tracks.table})


VIEW = View(plot, html, explore, contents)
