"""How many animals, cameras or plots see a change: for whoever pays for them."""

from __future__ import annotations

from html import escape
from typing import Any

import pandas as pd

from permeability.locale.language import words
from permeability.viz.charts import QUIET, STRONG, colours, framed
from permeability.viz.explore import nowhere
from permeability.viz.look import look
from permeability.viz.maps import Map, new_map
from permeability.viz.notebook import page, reader
from permeability.viz.style import INK
from permeability.viz.view import Contents, View

__all__ = ["plot"]


def plot(sizes: Any, ax: Any = None, *, language: str = "en") -> Map:
    """Chance that the change is seen, by how many are equipped; green where it is enough.

    Parameters
    ----------
    sizes : SampleSize
    ax : matplotlib.axes.Axes, optional
    language : {"en", "mn", "ru"}

    Returns
    -------
    Map

    Examples
    --------
    >>> import permeability as pm
    >>> plot(pm.monitoring.design(0.05, 0.60, effort=20, draws=1000)).alt.split("?")[0]
    'How many are needed to see the change'
    """
    tr = words(language)
    table, needed = sizes.table, sizes.needed
    ax = new_map(8.4, 4.6) if ax is None else ax
    chosen = -1 if needed is None else int(table.index[table["per_group"] == needed.per_group][0])
    low, good = (QUIET, STRONG) if look().cmap is None else tuple(colours(2))
    for i, row in enumerate(table.to_dict("records")):
        enough = bool(row["enough"])
        ax.bar(
            i, row["power"], color=good if enough else low, alpha=1.0 if i == chosen or not enough else 0.55, edgecolor=INK, lw=1.6 if i == chosen else 0.0,
            width=0.72,
        )  # fmt: skip
        if look().labels:
            ax.text(
                i,
                row["power"] + 0.012,
                tr.percent(row["power"]),
                ha="center",
                fontsize=8,
                fontweight="bold" if i == chosen else "normal",
            )
    ax.plot(range(len(table)), table["false_alarm"], "v", color=INK, ms=4.5, ls="none", label=tr("false alarm: says so though nothing changed"))  # fmt: skip
    ax.axhline(
        sizes.target, color=INK, lw=1, ls="--", label=tr("wanted: {share}", share=tr.percent(sizes.target))
    )
    paid = bool(table["cost"].gt(0).any())
    ticks = [f"{tr.number(n)}\n{tr.number(c)}" if paid else tr.number(n) for n, c in zip(table["clusters"], table["cost"], strict=True)]  # fmt: skip
    ax.set_xticks(range(len(table)), ticks)
    ax.set_ylim(0, 1.14)
    shares = [0, 0.2, 0.4, 0.6, 0.8, 1.0]
    ax.set_yticks(shares, [tr.percent(s) for s in shares])
    ax.legend(loc="upper left", fontsize=8, frameon=False, ncol=2)
    x = tr("animals, cameras or plots to be equipped in all, and what they cost") if paid else tr("animals, cameras or plots to be equipped in all")  # fmt: skip
    title = tr("How many are needed to see the change?")
    framed(ax, title, x, tr("chance that the change is seen"))
    ax.set_position((0.1, 0.19, 0.87, 0.7))
    return Map(ax.figure, ax, f"{title} {answer(sizes, language)}")


def answer(sizes: Any, language: str = "en") -> str:
    """The answer in one sentence.

    Parameters
    ----------
    sizes : SampleSize
    language : {"en", "mn", "ru"}

    Returns
    -------
    str
    """
    tr, needed = words(language), sizes.needed
    if needed is None:
        return tr("None of the sizes tried is enough.")
    all_of = needed.groups * needed.per_group
    return tr(
        "{n} in all see it with {share}.",
        n=tr.number(all_of),
        share=tr.percent(needed.power),
    )


def html(sizes: Any) -> str:
    """Picture, sentence and table."""
    tr = reader()
    told = f"<p>{escape(answer(sizes, tr.language))}</p>"
    return page(
        tr("How many are needed to see the change?"),
        plot(sizes, language=tr.language),
        told,
        sizes.table,
        "",
    )


def explore(sizes: Any, **options: Any) -> Any:
    """Nothing of this has a place on a map (O06)."""
    raise nowhere()


def contents(sizes: Any) -> Contents:
    """What can be written to a file."""
    return Contents(pd.DataFrame(sizes.table))


VIEW = View(plot, html, explore, contents)
