"""Maps as matplotlib figures, without pyplot: the same style as in the report and in QGIS.

Every map carries a scale bar, a north arrow, its coordinate system, a legend with the class of more than 1,000
vehicles a day, and what it was made from.  The functions draw into an ``ax`` or make a figure of their own; they
return a :class:`Map`, which shows itself in a notebook.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from numpy.typing import NDArray

from permeability.core.plain_text import one_line
from permeability.locale.language import Words, proper_name, words
from permeability.viz.furniture import colour_bar, draw_frame, draw_furniture, draw_legend
from permeability.viz.ground import Ground, ground_of
from permeability.viz.paper_labels import write_beside
from permeability.viz.style import (
    BARRIER_STYLES,
    INK,
    PAPER,
    PATCH,
    LineStyle,
    Scale,
    barrier_key,
    scale_for,
    shortened,
)

if TYPE_CHECKING:
    import geopandas as gpd
    import xarray as xr

    from permeability.landscape.landscape import Landscape


__all__ = [
    "Map",
    "difference",
    "draw_barriers",
    "draw_patches",
    "new_map",
    "plot_difference",
]

Array = NDArray[np.float64]
METADATA = {"Software": None}


@dataclass(frozen=True, eq=False)
class Map:
    """A drawn map.

    Attributes
    ----------
    figure : matplotlib.figure.Figure
    axes : matplotlib.axes.Axes
    alt : str
        What the map shows, in words.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> drawn = land.plot()
    >>> drawn.png()[1:4], drawn.png() == land.plot().png()  # byte for byte
    (b'PNG', True)
    """

    figure: Any
    axes: Any
    alt: str

    def png(self, dpi: int = 110) -> bytes:
        """The map as PNG bytes; the same map gives the same bytes."""
        stream = BytesIO()
        self.figure.savefig(stream, format="png", dpi=dpi, metadata=METADATA, facecolor=PAPER)
        return stream.getvalue()

    def save(self, path: str | Path, dpi: int = 200) -> Path:
        """Write the map as what the name says: ``.png``, ``.pdf``, ``.svg`` or ``.html``; O09 for another name."""
        from permeability.layers.whole_files import whole_file
        from permeability.viz.picture_files import picture_bytes

        data = picture_bytes(self, Path(path), dpi, PAPER)
        with whole_file(path) as aside:
            aside.write_bytes(data)
        return Path(path)

    def _repr_png_(self) -> bytes:
        return self.png()

    def __repr__(self) -> str:
        return f"Map: {self.alt}"


def new_map(width: float = 8.4, height: float = 5.2) -> Any:
    """Empty axes on a figure of their own that draws to memory only.

    Parameters
    ----------
    width : float
        [inches]
    height : float
        [inches]

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> float(new_map(6.0, 4.0).figure.get_figwidth())
    6.0
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), facecolor=PAPER)
    FigureCanvasAgg(figure)
    return figure.add_axes((0.015, 0.19, 0.97, 0.74))


# ---------------------------------------------------------------- the maps


def plot_difference(
    before: xr.DataArray, after: xr.DataArray, land: Landscape, ax: Any = None, *, language: str = "en"
) -> Map:
    """Signed change of a map (after minus before) with the barriers; where only one is finite stays blank.

    Parameters
    ----------
    before, after : xarray.DataArray
        Two maps on the grid of ``land``.
    land : Landscape
        Whose barriers are drawn.
    ax : matplotlib.axes.Axes, optional
    language : {"en", "mn", "ru"}

    Returns
    -------
    Map
        The map.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> before = pm.connectivity(land, patches).current
    >>> after = pm.connectivity(land.without_barriers(), patches).current
    >>> type(plot_difference(before, after, land)).__name__
    'Map'
    """
    tr = words(language)
    a, b = before.to_numpy().astype(float), after.to_numpy().astype(float)
    change = difference(a, b)
    title = tr("{species}: change", species=species_name(land, tr))
    return draw_map(ground_of(land, tr), change, scale_for("difference", change), title, ax, tr)


def difference(before: Array, after: Array) -> Array:
    """After minus before where both are finite, NaN elsewhere.

    Parameters
    ----------
    before : array
        Shape (rows, cols).
    after : array
        Shape (rows, cols).

    Returns
    -------
    array
        Shape (rows, cols).

    Examples
    --------
    >>> difference(np.array([1.0, np.inf]), np.array([3.0, 2.0])).tolist()
    [2.0, nan]
    """
    both = np.isfinite(before) & np.isfinite(after)
    return np.where(both, np.where(both, after, 0.0) - np.where(both, before, 0.0), np.nan)


def species_name(land: Landscape, tr: Words) -> str:
    """Name of the landscape's species, with its scientific name."""
    profile = land.profile
    return (
        f"{profile.name(tr.language)}, {profile.scientific}"
        if profile.scientific
        else profile.name(tr.language)
    )


def scenario_name(land: Landscape, tr: Words) -> str:
    """What the scenario of a landscape is called; the one without interventions in the reader's words."""
    return tr("today") if not land.scenario.interventions else tr.name(land.scenario.name)


# ---------------------------------------------------------------- drawing


def draw_map(
    ground: Ground, values: Array | None, scale: Scale | None, title: str, ax: Any, tr: Words, *,
    patches: gpd.GeoDataFrame | None = None, around: Array | None = None, extra: Sequence[Any] = (),
) -> Map:  # fmt: skip
    """Values on their ground with barriers, patches, legend, scale bar and north; ``extra`` joins the legend."""
    ax = new_map() if ax is None else ax
    west, south, east, north = ground.bounds
    ax.set_facecolor(PAPER)
    backdrop = np.where(ground.valid, 0.93, np.nan)
    ax.imshow(
        backdrop, extent=(west, east, south, north), cmap="gray", vmin=0, vmax=1, interpolation="nearest"
    )
    if scale is not None and values is not None:
        ax.imshow(scale.rgba(values), extent=(west, east, south, north), interpolation="nearest")
        colour_bar(ax, scale, tr)
    drawn = [] if ground.barriers is None else draw_barriers(ax, ground.barriers, east - west)
    draw_frame(ax, ground, around)
    if patches is not None:
        draw_patches(ax, patches, tr)
    ax.set_title(one_line(title), loc="left", fontsize=10.5, fontweight="bold", color=INK, parse_math=False)
    draw_legend(ax, drawn, tr, with_patches=patches is not None, extra=extra)
    draw_furniture(ax, ground, tr)
    if ground.barriers is None:
        return Map(ax.figure, ax, tr("Map of {what}.", what=title))
    alt = tr("Map of {what} with {n} barriers.", what=title, n=tr.number(len(ground.barriers)))
    return Map(ax.figure, ax, alt)


def draw_barriers(ax: Any, barriers: gpd.GeoDataFrame, width_m: float) -> list[LineStyle]:
    """Draw barriers by class; returns the classes that were drawn, in legend order.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    barriers : GeoDataFrame
        As in the barrier schema.
    width_m : float
        Width of the map [m].

    Returns
    -------
    list of LineStyle
        Classes that were drawn.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> [style.key for style in draw_barriers(new_map(), land.barriers.table, 12_000.0)]
    ['fence_border']
    """
    keys = [barrier_key(row) for row in barriers.drop(columns="geometry").to_dict("records")]
    drawn = []
    for style in reversed(BARRIER_STYLES.values()):
        lines = [
            part
            for key, g in zip(keys, barriers.geometry)
            if key == style.key
            for part in shapely.get_parts(g)
        ]
        if lines:
            drawn.append(style)
            _lines(ax, lines, style, width_m)
    return drawn[::-1]


def _lines(ax: Any, lines: Sequence[shapely.Geometry], style: LineStyle, width_m: float) -> None:
    from matplotlib.collections import LineCollection

    paths = [shapely.get_coordinates(g) for g in lines]
    ax.add_collection(LineCollection(paths, colors=PAPER, linewidths=style.width + 1.6, alpha=0.85, zorder=3))
    dash: Any = (0, style.dash) if style.dash else "solid"
    ax.add_collection(
        LineCollection(paths, colors=style.colour, linewidths=style.width, linestyles=[dash], zorder=4)
    )
    if style.symbol:
        spots = symbol_places(lines, width_m / 45)
        marker = {"tick": (2, 2, 0), "cross": "x", "dot": "o"}[style.symbol]
        for x, y, angle in spots:
            mark = (2, 2, angle) if style.symbol == "tick" else marker
            ax.plot(
                [x],
                [y],
                marker=mark,
                ms=5 if style.symbol != "dot" else 3.2,
                mew=1.2,
                color=style.colour,
                ls="none",
                zorder=5,
            )


def symbol_places(lines: Sequence[shapely.Geometry], spacing: float) -> list[tuple[float, float, float]]:
    """Places for marks along lines ``(x, y, angle of the line [degrees])``, evenly spaced [m]."""
    found: list[tuple[float, float, float]] = []
    for line in (x for x in lines if not x.is_empty):
        n = max(1, int(line.length // spacing))
        d = (np.arange(n) + 0.5) * line.length / n
        ahead, behind = np.minimum(d + spacing * 0.02, line.length), np.maximum(d - spacing * 0.02, 0.0)
        here, there, back = points_along(line, np.stack((d, ahead, behind)))
        angle = np.degrees(np.arctan2(there[:, 1] - back[:, 1], there[:, 0] - back[:, 0]))
        found += zip(here[:, 0].tolist(), here[:, 1].tolist(), angle.tolist())
    return found


def points_along(line: shapely.LineString, distance: Array) -> Array:
    """Points of a line at distances from its start [m], as ``shapely.line_interpolate_point`` has them, which walks the line for each.

    Parameters
    ----------
    line : LineString
    distance : array
        From 0 to the length of the line.

    Returns
    -------
    array, shape (..., 2)

    Examples
    --------
    >>> points_along(shapely.LineString([(0, 0), (4, 0), (4, 4)]), np.array([1.0, 6.0])).tolist()
    [[1.0, 0.0], [4.0, 2.0]]
    """
    xy = shapely.get_coordinates(line)
    step = np.diff(xy, axis=0)
    length = np.sqrt(step[:, 0] * step[:, 0] + step[:, 1] * step[:, 1])
    ends = np.cumsum(length)
    at = np.searchsorted(ends, distance, side="right")
    piece = np.minimum(at, len(length) - 1)
    begun = np.where(piece > 0, ends[piece - 1], 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = (distance - begun) / length[piece]
    inside = xy[piece] + share[..., None] * step[piece]
    return np.where((at < len(length))[..., None], inside, xy[-1])


def draw_patches(ax: Any, patches: gpd.GeoDataFrame, tr: Words) -> None:
    """Outline the patches and write their names.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    patches : GeoDataFrame
        ``name``, geometry.
    tr : Words
        Language of the names.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> from permeability.locale.language import words
    >>> ax = new_map()
    >>> _ = ax.set_xlim(0, 12_000), ax.set_ylim(0, 8_000)
    >>> draw_patches(ax, patches.table, words())
    >>> [t.get_text() for t in ax.texts]
    ['West', 'East']
    """
    rows = patches.to_dict("records")
    for row in rows:
        for part in shapely.get_parts(row["geometry"]):
            ring = shapely.get_coordinates(part.exterior if part.geom_type == "Polygon" else part)
            style = {"ls": "-"} if part.geom_type == "Polygon" else {"ls": "none", "marker": "^", "ms": 5}
            ax.plot(ring[:, 0], ring[:, 1], color=PATCH, lw=1.6, zorder=6, **style)
    for row in rows:
        spot = row["geometry"].representative_point()
        write_beside(ax, spot.x, spot.y, shortened(proper_name(row, tr), 28), 6.2)


def values_map(ground: Ground, values: Array, kind: str, title: str, ax: Any, tr: Words) -> Map:
    """A raster of an engine on its ground; what is not finite stays blank."""
    shown = np.where(np.isfinite(values), values, np.nan)
    return draw_map(ground, shown, scale_for(kind, shown), title, ax, tr)
