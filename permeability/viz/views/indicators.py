"""Indicators of a run with their ranges, and what of a form it can fill."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np
import pandas as pd

from permeability.locale.language import words
from permeability.viz.charts import Range, ranges, stacked
from permeability.viz.explore import nowhere
from permeability.viz.maps import Map
from permeability.viz.notebook import page, reader
from permeability.viz.view import Contents, View

__all__ = ["plot", "plot_form"]

SHOWN = ("species", "label", "value", "low", "high", "unit", "change")


def plot(found: Any, ax: Any = None, *, language: str = "en") -> Map:
    """How sure each indicator is: its range in % of its value, and the base year in grey.

    Parameters
    ----------
    found : Indicators
    ax : matplotlib.axes.Axes, optional
    language : {"en", "mn", "ru"}

    Returns
    -------
    Map

    Examples
    --------
    >>> import tempfile
    >>> import permeability as pm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     run = pm.run_project(pm.samples.tiny_project(f"{folder}/tiny"), f"{folder}/results", report=False)
    ...     plot(pm.monitoring.indicators(run.folder)).axes.get_xlabel()
    '% of the value of today'
    """
    tr, several = words(language), found.table["species"].nunique() > 1
    rows = []
    for r in found.translated(language).itertuples():
        if not np.isfinite(r.value) or r.value == 0:
            continue
        name = f"{r.species}: {r.label}" if several else str(r.label)
        low, high, base = (100 * v / abs(r.value) for v in (r.low, r.high, r.base_value))
        rows.append(
            Range(name, low, 100 * float(np.sign(r.value)), high, base if np.isfinite(base) else np.nan)
        )
    return ranges(rows, tr("Indicators and how sure they are"), tr("% of the value of today"), ax, now=tr("this run"), before=tr("base year"))  # fmt: skip


def html(found: Any) -> str:
    """Picture and table."""
    tr = reader()
    told = "".join(f"<p>{escape(tr(n))}</p>" for n in found.notes)
    table = found.translated(tr.language)[list(SHOWN)]
    return page(tr("Indicators"), plot(found, language=tr.language), told, table, "")


def contents(found: Any) -> Contents:
    """What can be written to a file."""
    return Contents(pd.DataFrame(found.table))


def explore(found: Any, **options: Any) -> Any:
    """Nothing of this has a place on a map (O06)."""
    raise nowhere()


def plot_form(done: Any, ax: Any = None, *, language: str | None = None) -> Map:
    """How many values each heading of the form gets; none where the run knows nothing.

    Parameters
    ----------
    done : ReportTable
    ax : matplotlib.axes.Axes, optional
    language : {"en", "mn", "ru"}, optional
        Of title and axis; that of the table by default.

    Returns
    -------
    Map

    Examples
    --------
    >>> import tempfile
    >>> import permeability as pm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     run = pm.run_project(pm.samples.tiny_project(f"{folder}/tiny"), f"{folder}/results", report=False)
    ...     plot_form(pm.monitoring.report_tables(run.folder, kind="ub")).axes.get_xlabel()
    'values that this run gives'
    """
    tr = words(language or done.language)
    rows: dict[str, list[float]] = {}
    for r in done.table.itertuples():
        rows.setdefault(f"{r.number} {r.asked}".strip(), [0.0])[0] += float(np.isfinite(r.value))
    return stacked(rows, [""], done.title, tr("values that this run gives"), ax)


def html_form(done: Any) -> str:
    """Picture and table."""
    told = f"<p><b>{escape(done.statement)}</b></p>" if done.statement else ""
    columns = ["number", "asked", "species", "indicator", "value", "unit", "source"]
    return page(done.title, plot_form(done, language=done.language), told, done.table[columns], "")


def contents_form(done: Any) -> Contents:
    """What can be written to a file."""
    return Contents(pd.DataFrame(done.table))


VIEW = View(plot, html, explore, contents)
FORM = View(plot_form, html_form, explore, contents_form)
