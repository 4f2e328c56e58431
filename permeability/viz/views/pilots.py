"""What pilots changed, and what knowing more is worth."""

from __future__ import annotations

from html import escape
from typing import Any

import pandas as pd

from permeability.locale.language import Words, words
from permeability.viz.charts import Range, ranges, stacked
from permeability.viz.explore import nowhere, on_web_map
from permeability.viz.maps import Map
from permeability.viz.notebook import facts_html, page, reader, table_html
from permeability.viz.view import Contents, View

__all__ = ["plot", "plot_information"]

FIRST = 12
SHOWN = ("rank", "rank_before", "id", "rank_low", "rank_high", "gain_before", "gain_expected")


def plot(done: Any, ax: Any = None, *, language: str = "en") -> Map:
    """Ranks after the pilots with their ranges, before them in grey; without a ranking: the numbers of the profile.

    Parameters
    ----------
    done : PilotUpdate
    ax : matplotlib.axes.Axes, optional
    language : {"en", "mn", "ru"}

    Returns
    -------
    Map

    Examples
    --------
    >>> import permeability as pm
    >>> seen = [{"number": "structures.gap_50_500m", "crossed": 0, "met": 10, "animals": 10}]
    >>> plot(pm.monitoring.update(pm.species("khulan"), seen)).alt.split(": ")[1]
    'what the pilots changed'
    """
    tr = words(language)
    title = tr("{species}: what the pilots changed", species=done.profile.name(language))
    if done.ranking is None:
        rows = [
            Range(str(r.number).replace(".", " ").replace("_", " "), r.after_low, r.after, r.after_high, r.before, r.before_low, r.before_high)
            for r in done.numbers.itertuples()
        ]  # fmt: skip
        units = sorted({u for u in done.numbers["unit"] if u}) if len(done.numbers) else []
        label = tr("crossing chance") if not units else tr("crossing chance, or km of open ground per crossing")  # fmt: skip
    else:
        rows = [
            Range(str(r.id), r.rank_low, r.rank, r.rank_high, r.rank_before, r.rank_low_before, r.rank_high_before)
            for r in done.ranking.head(FIRST).itertuples()
        ]  # fmt: skip
        label = tr("rank and its range")
    return ranges(rows, title, label, ax, now=tr("after the pilots"), before=tr("before the pilots"))


def _told(done: Any, tr: Words) -> str:
    return "<ul>" + "".join(f"<li>{escape(tr.said(n))}</li>" for n in done.notes) + "</ul>"


def html(done: Any) -> str:
    """Picture, sentences and tables."""
    tr = reader()
    title = tr("{species}: what the pilots changed", species=done.profile.name(tr.language))
    table = contents(done).table
    extra = "".join(table_html(t) for t in (done.numbers, done.sites, done.changes) if len(t) and done.ranking is not None)  # fmt: skip
    return page(title, plot(done, language=tr.language), _told(done, tr), pd.DataFrame(table), extra)


def explore(done: Any, **options: Any) -> Any:
    """The sections with their ranks before and after."""
    if done.ranking is None or done.ranking.crs is None:
        raise nowhere()
    columns = [c for c in SHOWN if c in done.ranking.columns]
    return on_web_map(done.ranking[[*columns, "geometry"]], label="Section", tooltip=columns, column="rank", **options)  # fmt: skip


def contents(done: Any) -> Contents:
    """What can be written to a file."""
    if done.ranking is None:
        return Contents(pd.DataFrame(done.numbers))
    return Contents(pd.DataFrame(done.ranking.drop(columns="geometry")), {"sites": done.ranking})


def plot_information(found: Any, ax: Any = None, *, language: str = "en") -> Map:
    """What each planned pilot adds to the expected gain, beside what knowing everything would.

    Parameters
    ----------
    found : InformationValue
    ax : matplotlib.axes.Axes, optional
    language : {"en", "mn", "ru"}

    Returns
    -------
    Map

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> sites = pm.rank(land, patches, pm.candidates(land, "F", length_m=2000), draws=50)
    >>> plot_information(pm.monitoring.value_of_information(sites)).axes.get_title(loc="left")
    'What knowing more is worth'
    """
    tr = words(language)
    rows = {tr("knowing everything"): [found.evpi]}
    rows |= {str(r.pilot): [r.evsi] for r in found.pilots.itertuples()}
    return stacked(rows, [""], tr("What knowing more is worth"), tr("added to the expected gain [unit of the index]"), ax)  # fmt: skip


def html_information(found: Any) -> str:
    """Picture, choice and table."""
    tr = reader()
    facts = {tr("chosen now"): ", ".join(found.choice), tr("expected gain"): tr.number(found.now), tr("knowing everything"): tr.number(found.evpi)}  # fmt: skip
    return page(
        tr("What knowing more is worth"), plot_information(found, language=tr.language), facts_html(facts), found.pilots, ""
    )  # fmt: skip


def explore_information(found: Any, **options: Any) -> Any:
    """Nothing of this has a place on a map (O06)."""
    raise nowhere()


def contents_information(found: Any) -> Contents:
    """What can be written to a file."""
    return Contents(pd.DataFrame(found.pilots))


VIEW = View(plot, html, explore, contents)
INFORMATION = View(plot_information, html_information, explore_information, contents_information)
