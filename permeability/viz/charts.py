"""Charts for results that have no place on a map: stacked bars, and values with their ranges, from above."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from permeability.viz.look import look
from permeability.viz.maps import Map, new_map
from permeability.viz.style import INK, shortened

__all__ = ["Range", "beside", "colours", "framed", "ranges", "stacked"]

LETTERS, LINE = 56, 30  # of a label beside a chart, and of a line of it
QUIET = "#9e9e9e"
STRONG = "#1b7837"


class Range(NamedTuple):
    """One row of a chart of ranges.

    Attributes
    ----------
    label : str
    low, value, high : float
        NaN where there is none.
    before : float
        The value before, in grey; NaN where there is none.

    Examples
    --------
    >>> Range("a", 1.0, 2.0, 3.0).before
    nan
    """

    label: str
    low: float
    value: float
    high: float
    before: float = float("nan")
    before_low: float = float("nan")
    before_high: float = float("nan")


def colours(n: int, ramp: str = "cividis") -> list[Any]:
    """So many colours of a ramp, far apart.

    Parameters
    ----------
    n : int
    ramp : str
        Name of a colour map of matplotlib; ``cmap=`` of the plot that is being drawn comes first.

    Returns
    -------
    list
        Colours, each red, green, blue and opacity [0..1].

    Examples
    --------
    >>> len(colours(3))
    3
    """
    from matplotlib import colormaps

    return [colormaps[look().cmap or ramp](x) for x in np.linspace(0.05, 0.95, max(n, 2))][:n]


def beside(labels: Iterable[str]) -> list[str]:
    """Labels as they fit beside a chart, in two lines at most.

    Parameters
    ----------
    labels : iterable of str

    Returns
    -------
    list of str

    Examples
    --------
    >>> beside(["Area of the range that is cut off from the rest of it"])
    ['Area of the range that is cut\\noff from the rest of it']
    """
    return ["\n".join(textwrap.wrap(shortened(str(name), LETTERS), LINE)[:2]) for name in labels]


def framed(ax: Any, title: str, x: str = "", y: str = "") -> None:
    """Title, names of the axes and two sides without a line.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    title : str
    x, y : str
        Names of the axes, with their units.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> ax = Figure().subplots()
    >>> framed(ax, "Gain", x="km")
    >>> ax.get_xlabel(), ax.spines["top"].get_visible()
    ('km', False)
    """
    ax.set_title(title, loc="left", fontsize=10, fontweight="bold", color=INK, parse_math=False, wrap=True)
    ax.set_xlabel(x, fontsize=8)
    ax.set_ylabel(y, fontsize=8)
    ax.tick_params(labelsize=8)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)


def stacked(
    rows: Mapping[str, Sequence[float]], parts: Sequence[str], title: str, x: str, ax: Any = None
) -> Map:
    """Bars to the right, each of several parts.

    Parameters
    ----------
    rows : mapping
        Label of a bar -> length of its parts.
    parts : sequence of str
        What they are.
    title, x : str
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    Map

    Examples
    --------
    >>> stacked({"A": [1.0, 2.0]}, ["within", "across"], "Shares", "%").alt
    'Shares: A: within 1, across 2.'
    """
    foot = 0.6 + (
        0.25 * -(-len(parts) // 3) if len(parts) > 1 else 0.0
    )  # of the picture, for axis and key [inches]
    tall = 0.5 + 0.42 * len(rows) + foot
    ax = new_map(8.4, tall) if ax is None else ax
    table = np.nan_to_num(np.array([list(v) for v in rows.values()], float).reshape(len(rows), len(parts)))
    left = np.zeros(len(rows))
    shades = colours(len(parts)) if len(parts) > 1 or look().cmap else [STRONG]
    for name, colour, width in zip(parts, shades, table.T, strict=True):
        ax.barh(range(len(rows)), width, left=left, color=colour, edgecolor="white", label=name, height=0.7)
        left = left + width
    ax.set_yticks(range(len(rows)), beside(rows))
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.set_position((0.3, foot / tall, 0.66, 0.42 * len(rows) / tall))
    if len(parts) > 1:
        ax.legend(loc="upper center", bbox_to_anchor=(0.35, -0.5 / (0.42 * len(rows))), ncol=3, fontsize=8, frameon=False)  # fmt: skip
    framed(ax, title, x)
    told = (f"{k}: " + ", ".join(f"{p} {v:.3g}".strip() for p, v in zip(parts, row, strict=True)) for k, row in zip(rows, table, strict=True))  # fmt: skip
    return Map(ax.figure, ax, f"{title}: {'; '.join(told)}.")


def ranges(
    rows: Sequence[Range], title: str, x: str, ax: Any = None, *, now: str = "", before: str = ""
) -> Map:
    """Values with their ranges, and before them in grey.

    Parameters
    ----------
    rows : sequence of Range
    title, x : str
    ax : matplotlib.axes.Axes, optional
    now, before : str
        Words for the key, where there are values before.

    Returns
    -------
    Map

    Examples
    --------
    >>> ranges([Range("gap", 0.1, 0.2, 0.4)], "Chances", "chance").alt
    'Chances: gap 0.2.'
    """
    ax = new_map(8.4, 1.6 + 0.36 * max(len(rows), 1)) if ax is None else ax
    strong = STRONG if look().cmap is None else colours(2)[0]
    for i, r in enumerate(rows):
        two = np.isfinite(r.before)
        for low, value, high, colour, off in (
            (r.before_low, r.before, r.before_high, QUIET, -0.16), (r.low, r.value, r.high, strong, 0.16 if two else 0.0),
        ):  # fmt: skip
            if np.isfinite([low, high]).all():
                ax.plot([low, high], [i + off, i + off], color=colour, lw=2.4, solid_capstyle="butt")
            if np.isfinite(value):
                ax.plot(value, i + off, "o", color=colour, mec=INK, ms=5.5)
    ax.set_yticks(range(len(rows)), beside(r.label for r in rows))
    ax.set_ylim(max(len(rows), 1) - 0.4, -0.6)
    if now and any(np.isfinite(r.before) for r in rows):
        for name, colour in ((before, QUIET), (now, strong)):
            ax.plot([], [], "o", color=colour, mec=INK, ms=5.5, label=name)
        ax.legend(loc="best", fontsize=8, frameon=False)
    framed(ax, title, x)
    tall = 1.6 + 0.36 * max(len(rows), 1)
    ax.set_position((0.34, 0.6 / tall, 0.62, 1 - 1.1 / tall))
    told = ", ".join(f"{r.label} {r.value:.3g}" for r in rows if np.isfinite(r.value))
    return Map(ax.figure, ax, f"{title}: {told}.")
