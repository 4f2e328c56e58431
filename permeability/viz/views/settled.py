"""How a ranking holds over cell sizes and origins of the grid: ranks of the best candidates, with their range over origins."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from permeability.core.errors import OptionError
from permeability.locale.language import Words, words
from permeability.viz.maps import Map, new_map
from permeability.viz.notebook import page, reader
from permeability.viz.style import INK, shortened
from permeability.viz.view import Contents, View

if TYPE_CHECKING:
    from permeability.ranking.settling import Settled

__all__ = ["plot"]

FIRST, REST = "#1b7837", "#9e9e9e"
LABEL = 26  # letters of a candidate's name that fit beside the picture


def plot(found: Settled, ax: Any = None, *, language: str = "en") -> Map:
    """Rank of every candidate that is in the top at some cell size; bars are the ranks over the origins of the grid.

    Parameters
    ----------
    found : Settled
    ax : matplotlib.axes.Axes, optional
    language : {"en", "mn", "ru"}

    Returns
    -------
    Map

    Examples
    --------
    >>> import numpy as np
    >>> from permeability.ranking.settling import Settled
    >>> gains = {1000.0: np.array([[4, 3, 2, 1.0]] * 2), 500.0: np.array([[4, 3, 2, 1.0]] * 2)}
    >>> plot(Settled.of("wolf", ["a", "b", "c", "d"], [2000.0] * 4, gains)).alt
    'wolf: has the ranking settled?. 4 candidates at 2 cell sizes; settled at 1 km.'
    """
    tr = words(language)
    ax = new_map(8.4, 6.0) if ax is None else ax
    cells, top = found.table["cell_size_m"].tolist(), int(found.table["top"].iloc[0])
    ranks = found.sites.pivot(index="id", columns="cell_size_m", values="rank")[cells]
    low, high = (found.sites.pivot(index="id", columns="cell_size_m", values=c)[cells].loc[ranks.index] for c in ("rank_low", "rank_high"))  # fmt: skip
    kept = ranks.index[(ranks <= top).any(axis=1)]
    last = ranks[cells[-1]]
    for i, name in enumerate(sorted(kept, key=lambda n: last[n])):
        colour = FIRST if last[name] <= top else REST
        x = np.arange(len(cells)) + 0.16 * (i / max(1, len(kept) - 1) - 0.5)
        ax.plot(x, ranks.loc[name], color=colour, lw=1.4, marker="o", ms=4.5, mec=INK, mew=0.5, zorder=3)
        ax.vlines(x, low.loc[name], high.loc[name], color=colour, lw=2.6, alpha=0.45, zorder=2)
        ax.annotate(
            shortened(str(name), LABEL), (len(cells) - 0.86, last[name]), fontsize=7, va="center", color=INK, annotation_clip=False,
            parse_math=False,
        )  # fmt: skip
    _frame(ax, found, len(cells), top, float(high.loc[kept].to_numpy().max()), tr)
    title = tr("{species}: has the ranking settled?", species=tr.name(found.name))
    ax.set_title(title, loc="left", fontsize=10, fontweight="bold", color=INK, parse_math=False)
    settled = found.settled_m
    held = tr("settled at none") if settled is None else tr("settled at {cell}", cell=_size(settled, tr))
    alt = tr("{n} candidates at {k} cell sizes; {held}", n=tr.number(len(ranks)), k=tr.number(len(cells)), held=held)  # fmt: skip
    return Map(ax.figure, ax, f"{title}. {alt}.")


def _frame(ax: Any, found: Settled, sizes: int, top: int, lowest: float, tr: Words) -> None:
    """Axes with what every cell size shows beneath it."""
    ticks = [_tick(row, tr) for row in found.table.to_dict("records")]
    ax.set_xticks(range(sizes), ticks, fontsize=8)
    ax.set_xlim(-0.4, sizes - 0.88)
    ax.set_ylim(lowest + 1, 0)
    ax.axhspan(0, top + 0.5, color=FIRST, alpha=0.07, lw=0)
    ax.set_ylabel(
        tr("rank by gain in mean conductance; bars: least and largest over the grid's origins"), fontsize=8
    )
    ax.set_yticks(
        sorted({1, top, *range(10, int(lowest) + 1, 10)}) if lowest > 12 else range(1, int(lowest) + 1)
    )
    ax.tick_params(axis="y", labelsize=8)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    ax.set_position((0.09, 0.19, 0.66, 0.73))


def _tick(row: dict[Any, Any], tr: Words) -> str:
    """A cell size and its figures."""
    lines = [
        tr("cells of {cell}", cell=_size(row["cell_size_m"], tr)),
        tr("top {top}: {shared} shared", top=tr.number(row["top"]), shared=tr.fixed(row["top_shared"], 1)),
        tr("Spearman {rho}", rho=_correlation(row["spearman"], tr)),
    ]
    if np.isfinite(row["finer_m"]):
        lines.append(tr("with finer cells {rho}", rho=_correlation(row["spearman_finer"], tr)))
    return "\n".join(lines)


def _size(metres: float, tr: Words) -> str:
    far = metres >= 1000
    value = metres / 1000 if far else metres
    shown = tr.fixed(value, len(f"{value:g}".partition(".")[2]))
    return tr("{n} km", n=shown) if far else tr("{n} m", n=shown)


def _correlation(value: float, tr: Words) -> str:
    return tr.fixed(value, 3) if np.isfinite(value) else "–"


def html(found: Settled) -> str:
    """Picture, sentences and table."""
    tr = reader()
    told = "".join(f"<p>{escape(s)}</p>" for s in map(tr.said, found.said))
    return page(
        tr("{species}: has the ranking settled?", species=found.name),
        plot(found, language=tr.language),
        told,
        found.table,
        "",
    )


def explore(found: Settled, **options: Any) -> Any:
    """Nothing of this has a place on a map (O06)."""
    raise OptionError(
        "O06",
        "this result has nothing with a place on a map.",
        remedy="rank the candidates on one grid to see them; .plot() shows how they hold",
    )


def contents(found: Settled) -> Contents:
    """What can be written to a file."""
    return Contents(pd.DataFrame(found.table))


VIEW = View(plot, html, explore, contents)
