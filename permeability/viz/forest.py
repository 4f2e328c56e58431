"""Numbers measured from tracks as a picture: every group with its interval, grey where it cannot be used."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from permeability.locale.language import Words
from permeability.viz.maps import Map, new_map
from permeability.viz.style import INK

__all__ = ["forest"]

GOOD, BAD = "#1b7837", "#9e9e9e"


def labelled(title: str, simulated: bool, tr: Words) -> str:
    """A title that says when no animal walked the tracks."""
    return tr("{what} (simulated: no animal walked them)", what=title) if simulated else title


def forest(
    table: pd.DataFrame, column: str, title: str, label: str, ax: Any, tr: Words, ticks: str = ""
) -> Map:
    """Groups of lines from above, each with its interval."""
    ax = new_map(7.0, 1.2 + 0.5 * len(table)) if ax is None else ax
    low, best, high = (table[f"{column}{end}"].to_numpy(float) for end in ("_low", "", "_high"))
    known = np.r_[low, best, high]
    known = known[np.isfinite(known)]
    left, right = (0.0, float(known.max()) * 1.08) if len(known) and known.max() > 0 else (0.0, 1.0)
    for i, usable in enumerate(table["usable"]):
        colour, end = GOOD if usable else BAD, high[i] if np.isfinite(high[i]) else right
        if np.isfinite(low[i]):
            ax.plot([low[i], end], [i, i], color=colour, lw=2.2, solid_capstyle="butt")
            if not np.isfinite(high[i]):
                ax.plot(right, i, marker=">", color=colour, ms=7, clip_on=False)
        if np.isfinite(best[i]):
            ax.plot(best[i], i, "o", color=colour, mec=INK, ms=6)
    ax.set_yticks(range(len(table)), [str(g).replace("_", " ") for g in table["group"]], fontsize=8)
    ax.set_ylim(len(table) - 0.5, -0.5)
    ax.set_xlim(left, right)
    ax.set_xlabel(label, fontsize=8)
    ax.tick_params(axis="x", labelsize=8)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    ax.set_title(title, loc="left", fontsize=10, fontweight="bold", color=INK, parse_math=False)
    ax.set_position((0.22, 0.3, 0.74, 0.55))
    return Map(
        ax.figure, ax, ticks or tr("{what}: {n} groups of lines.", what=title, n=tr.number(len(table)))
    )
