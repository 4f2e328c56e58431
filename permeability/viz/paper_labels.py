"""Texts on a map of matplotlib, each where it covers no other: the labels of one map share the places that are taken."""

from __future__ import annotations

from typing import Any, Final

from permeability.viz.label_places import PRINT, Box, LabelPlaces
from permeability.viz.look import look
from permeability.viz.style import INK, PAPER

__all__ = ["keep_free", "write_beside"]

# of the width and height of a map, from its upper left corner: scale bar with its figures, north arrow
TAKEN: Final = ((0.0, 0.86, 0.36, 1.0), (0.9, 0.0, 1.0, 0.22))
LEADER: Final = 0.35  # of the height of the letters: where a leader ends


def places_of(ax: Any) -> LabelPlaces:
    """The places of a map's labels [km, from the upper left corner]; its limits must stand."""
    ax.apply_aspect()
    (west, east), (south, north) = ax.get_xlim(), ax.get_ylim()
    wide, high = (east - west) / 1000.0, (north - south) / 1000.0
    kept = getattr(ax, "_label_places", None)
    if isinstance(kept, LabelPlaces) and (kept.width, kept.height) == (wide, high):
        return kept
    points = ax.get_window_extent().width / ax.figure.dpi * 72.0
    boxes = [Box(a * wide, b * high, c * wide, d * high) for a, b, c, d in TAKEN]
    ax._label_places = LabelPlaces(wide, high, wide / points, boxes)
    return ax._label_places


def keep_free(ax: Any, x: float, y: float, half_pt: float) -> None:
    """Keep a square around a place [m] free of labels."""
    (west, _), (_, north) = ax.get_xlim(), ax.get_ylim()
    places_of(ax).keep_free((x - west) / 1000.0, (north - y) / 1000.0, half_pt)


def write_beside(
    ax: Any, x: float, y: float, text: str, size_pt: float, *, bold: bool = False, leader: bool = False
) -> bool:
    """Write a text beside a place [m] where nothing else is written; False where there is no room for it, or no labels are asked for.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    x, y : float
        [m]
    text : str
    size_pt : float
        Of the letters [points].
    bold : bool
    leader : bool
        A thin line to the text even where it stands near.

    Examples
    --------
    >>> from permeability.viz.maps import new_map
    >>> ax = new_map()
    >>> _ = ax.set_xlim(0, 90_000), ax.set_ylim(0, 45_000)
    >>> write_beside(ax, 10_000, 30_000, "Choir", 7.0), write_beside(ax, 10_000, 30_000, "Choir", 7.0)
    (True, True)
    >>> a, b = ax.texts
    >>> a.get_position() == b.get_position()
    False
    """
    from matplotlib.patheffects import withStroke

    if not look().labels:
        return False
    places = places_of(ax)
    (west, _), (_, north) = ax.get_xlim(), ax.get_ylim()
    at = places.place((x - west) / 1000.0, (north - y) / 1000.0, text, size_pt / PRINT)
    if at is None:
        return False
    tx, ty = west + at.x * 1000.0, north - at.y * 1000.0
    if leader or at.far:
        half = LEADER * size_pt * places.unit * 1000.0
        ax.plot([x, tx], [y, ty + half], color=INK, lw=0.6, zorder=8)
    side = {"start": "left", "end": "right", "middle": "center"}[at.anchor]
    ax.text(
        tx, ty, text, fontsize=size_pt, fontweight="bold" if bold else "normal", ha=side, va="baseline", color=INK, zorder=9,
        parse_math=False, path_effects=[withStroke(linewidth=2, foreground=PAPER)],
    )  # fmt: skip
    return True
