"""A run of a project: what was found for each species."""

from __future__ import annotations

from html import escape
from typing import Any

import geopandas as gpd
import pandas as pd

from permeability.core.errors import check_choice
from permeability.viz.maps import Map
from permeability.viz.notebook import facts_html, reader, title_html
from permeability.viz.view import Contents, View
from permeability.viz.views import connectivity, landscape, ranking

__all__ = ["plot"]

MOST_SPECIES = 3  # each with its map


def plot(run: Any, ax: Any = None, *, species: str | None = None, language: str = "en") -> Map:
    """The ranked sections of one species of a run, or its current where nothing was ranked.

    Parameters
    ----------
    run : Run
    ax : matplotlib.axes.Axes, optional
    species : str, optional
        The first one by default.
    language : {"en", "mn", "ru"}

    Returns
    -------
    Map

    Raises
    ------
    OptionError
        O01 for a species that the run does not have.

    Examples
    --------
    >>> import tempfile
    >>> import permeability as pm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     run = pm.run_project(pm.samples.tiny_project(f"{folder}/tiny"))
    >>> "4 sections ranked" in plot(run).alt
    True
    """
    chosen = next(iter(run.species)) if species is None else species
    check_choice("species", chosen, list(run.species))
    found = run.species[chosen]
    if found.ranking is not None:
        return ranking.plot(found.ranking, ax, language=language)
    return connectivity.plot(found.connectivity, ax, language=language)


def html(run: Any) -> str:
    """What a run found for each species: sentences, map and the best sections."""
    tr, about = reader(), run.project.spec.project
    facts = {
        tr("folder"): str(run.folder) if run.folder else tr("not written"),
        tr("Species"): ", ".join(run.species),
    }
    parts = [
        title_html(tr.name(about.name)),
        f"<p>{escape(tr(about.statement))}</p>" if about.statement else "",
        facts_html(facts),
    ]
    for found in list(run.species.values())[:MOST_SPECIES]:
        said = "".join(f"<li>{escape(tr.said(s))}</li>" for s in found.impact.said)
        face = found.ranking if found.ranking is not None else found.connectivity
        parts.append(
            f"<details><summary>{escape(found.land.profile.name(tr.language))}</summary><ul>{said}</ul>{face._repr_html_()}</details>"
        )
    more = len(run.species) - MOST_SPECIES
    if more > 0:
        left = tr("{n} more species: {how}", n=tr.number(more), how="run.species[name]")
        parts.append(f"<p>{escape(left)}</p>")
    return f'<div style="font-family:sans-serif;font-size:13px;max-width:60em">{"".join(parts)}</div>'


def explore(run: Any, **options: Any) -> Any:
    """The ranked sections of every species of a run; barriers alone where nothing was ranked."""
    drawn = landscape.explore(next(iter(run.species.values())).land, **options)
    for found in run.species.values():
        if found.ranking is not None:
            drawn = ranking.explore(found.ranking, **{**options, "m": drawn})
    return drawn


def contents(run: Any) -> Contents:
    """What can be written to a file."""
    ranked = [r.ranking.table.assign(species=n) for n, r in run.species.items() if r.ranking is not None]
    sites = (
        gpd.GeoDataFrame(pd.concat(ranked, ignore_index=True), crs=run.project.grid.crs) if ranked else None
    )
    return Contents(run.table, {} if sites is None else {"sites": sites})


VIEW = View(plot, html, explore, contents)
