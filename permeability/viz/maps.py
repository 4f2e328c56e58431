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
from permeability.viz.style import (
    BARRIER_STYLES,
    INK,
    PAPER,
    PATCH,
    LineStyle,
    Scale,
    barrier_key,
    round_length,
    scale_for,
)

if TYPE_CHECKING:
    import geopandas as gpd
    import xarray as xr

    from permeability.landscape.landscape import Landscape
    from permeability.layers.grid import Grid
    from permeability.linkage.patch_pairs import Connectivity
    from permeability.ranking.ranking import Ranking

__all__ = [
    "Map",
    "difference",
    "draw_barriers",
    "draw_patches",
    "new_map",
    "plot_connectivity",
    "plot_difference",
    "plot_landscape",
    "plot_ranking",
]

Array = NDArray[np.float64]
METADATA = {"Software": None}
LONG_LABEL = 46  # characters that still fit beside another column of the legend


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
        """Write the map as a PNG file."""
        from permeability.layers.whole_files import whole_file

        with whole_file(path) as aside:
            aside.write_bytes(self.png(dpi))
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
def plot_landscape(land: Landscape, ax: Any = None, *, language: str = "en") -> Map:
    """Resistance of the ground with the barriers.

    Parameters
    ----------
    land : Landscape
    ax : matplotlib.axes.Axes, optional
        Drawn into; a figure of its own by default.
    language : {"en", "mn", "ru"}

    Returns
    -------
    Map

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> print(plot_landscape(land).alt)
    Map of khulan (Asiatic wild ass), Equus hemionus: landscape with 2 barriers.
    """
    tr = words(language)
    values = np.where(land.valid, land.resistance, np.nan)
    title = tr("{species}: landscape", species=species_name(land, tr))
    return draw_map(ground_of(land, tr), values, scale_for("habitat", values), title, ax, tr)


def plot_connectivity(
    conn: Connectivity, ax: Any = None, *, show: str = "current", language: str = "en"
) -> Map:
    """Current (or least-cost distance) between the patches, with the barriers.

    Parameters
    ----------
    conn : Connectivity
    ax : matplotlib.axes.Axes, optional
    show : {"current", "distance"}
    language : {"en", "mn", "ru"}

    Returns
    -------
    Map
        The map.

    Raises
    ------
    OptionError
        O01 for another ``show``.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> plot_connectivity(pm.connectivity(land, patches), show="distance").axes.get_title(loc="left")
    'khulan (Asiatic wild ass), Equus hemionus: least-cost distance from the nearest patch'
    """
    from permeability.core.errors import check_choice

    check_choice("show", show, ("current", "distance"))
    tr = words(language)
    if show == "current":
        values = conn.current.to_numpy()
        title = tr("{species}: current between patches", species=species_name(conn.land, tr))
    else:
        values = conn.distance.to_numpy() / 1000.0
        title = tr(
            "{species}: least-cost distance from the nearest patch", species=species_name(conn.land, tr)
        )
    return draw_map(
        ground_of(conn.land, tr), values, scale_for(show, values), title, ax, tr, patches=conn.patches.table
    )


def plot_ranking(ranking: Ranking, ax: Any = None, *, top: int = 10, language: str = "en") -> Map:
    """Ranked sections by their gain, the best ones numbered.

    Parameters
    ----------
    ranking : Ranking
    ax : matplotlib.axes.Axes, optional
    top : int
        Sections that get their number.
    language : {"en", "mn", "ru"}

    Returns
    -------
    Map
        The map.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> sites = pm.rank(land, patches, pm.candidates(land, "F", length_m=2000))
    >>> print(plot_ranking(sites).alt.split(". ")[1])
    4 sections ranked; the best is F km 2-4.
    """
    tr, land = words(language), ranking.land
    title = tr("{species}: ranked sections", species=species_name(land, tr))
    gains = ranking.table[f"gain_{ranking.sort_by}"].to_numpy(float)
    scale = scale_for("gain", gains)
    done = draw_map(ground_of(land, tr), None, None, title, ax, tr, around=ranking.table.total_bounds)
    _sections(done.axes, ranking.table, gains, scale, top)
    _colour_bar(done.axes, scale, tr)
    best = ranking.table.iloc[0]
    alt = tr("{n} sections ranked; the best is {best}", n=tr.number(len(ranking.table)), best=best["id"])
    return Map(done.figure, done.axes, f"{title}. {alt}.")


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


# ---------------------------------------------------------------- drawing
@dataclass(frozen=True, eq=False)
class Ground:
    """What a map is drawn on.

    Attributes
    ----------
    bounds : tuple of float
        West, south, east, north [m, or cells where the size of a cell is not known].
    valid : array of bool, shape (rows, cols)
    foot : str
        Coordinate system and scenario.
    barriers : GeoDataFrame or None
        With the column ``standing``.
    placed : bool
        False for a plain array: no north, and a scale bar in cells.
    """

    bounds: tuple[float, float, float, float]
    valid: NDArray[np.bool_]
    foot: str
    barriers: gpd.GeoDataFrame | None = None
    placed: bool = True


def ground_of(land: Landscape, tr: Words) -> Ground:
    """The ground of a landscape, with its barriers."""
    foot = tr("Coordinate system: {crs}; cells of {n} m; north of the grid is up. Scenario: {scenario}.",
              scenario=shortened(land.scenario.name, 60), **_place(land.grid, tr))  # fmt: skip
    barriers = land.barriers.table.assign(standing=land.standing)
    return Ground(grid_bounds(land.grid), land.valid, foot, barriers)


def ground_of_grid(grid: Grid, valid: NDArray[np.bool_], tr: Words) -> Ground:
    """The ground of a grid alone."""
    foot = tr("Coordinate system: {crs}; cells of {n} m; north of the grid is up.", **_place(grid, tr))
    return Ground(grid_bounds(grid), valid, foot)


def ground_of_array(valid: NDArray[np.bool_], tr: Words) -> Ground:
    """The ground of a plain array, whose place is not known."""
    rows, cols = valid.shape
    return Ground(
        (0.0, 0.0, float(cols), float(rows)), valid, tr("A plain array: its place is not known."), None, False
    )


def _place(grid: Grid, tr: Words) -> dict[str, str]:
    from permeability.layers.grid import describe_crs

    return {"crs": describe_crs(grid.crs), "n": tr.number(grid.cell_size)}


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
        _colour_bar(ax, scale, tr)
    drawn = [] if ground.barriers is None else draw_barriers(ax, ground.barriers, east - west)
    _frame(ax, ground, around)
    if patches is not None:
        draw_patches(ax, patches, tr)
    ax.set_title(one_line(title), loc="left", fontsize=10.5, fontweight="bold", color=INK, parse_math=False)
    _legend(ax, drawn, tr, with_patches=patches is not None, extra=extra)
    _furniture(ax, ground, tr)
    if ground.barriers is None:
        return Map(ax.figure, ax, tr("Map of {what}.", what=title))
    alt = tr("Map of {what} with {n} barriers.", what=title, n=tr.number(len(ground.barriers)))
    return Map(ax.figure, ax, alt)


def grid_bounds(grid: Grid) -> tuple[float, float, float, float]:
    """West, south, east, north of a grid [m]."""
    rows, cols = grid.shape
    return grid.west, grid.north - rows * grid.cell_size, grid.west + cols * grid.cell_size, grid.north


def _frame(ax: Any, ground: Ground, around: Array | None = None) -> None:
    valid, (west, _, east, north) = ground.valid, ground.bounds
    rows, cols = np.flatnonzero(valid.any(axis=1)), np.flatnonzero(valid.any(axis=0))
    if len(rows) == 0:
        return
    h = (east - west) / valid.shape[1]
    west, east = west + cols[0] * h, west + (cols[-1] + 1) * h
    north, south = north - rows[0] * h, north - (rows[-1] + 1) * h
    if around is not None and np.all(np.isfinite(around)):
        west, south, east, north = around
        middle, half = (west + east) / 2, max(east - west, 1.7 * (north - south)) / 2
        west, east = middle - half, middle + half
    pad = 0.06 * max(east - west, north - south)
    ax.set_xlim(west - pad, east + pad)
    ax.set_ylim(south - pad, north + pad)
    ax.set_aspect("equal")
    ax.set_xticks([])
    ax.set_yticks([])
    for side in ax.spines.values():
        side.set_visible(False)


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
    found = []
    for line in lines:
        n = max(1, int(line.length // spacing))
        for d in (np.arange(n) + 0.5) * line.length / n:
            here, there = line.interpolate(d), line.interpolate(min(d + spacing * 0.02, line.length))
            back = line.interpolate(max(d - spacing * 0.02, 0.0))
            angle = float(np.degrees(np.arctan2(there.y - back.y, there.x - back.x)))
            found.append((float(here.x), float(here.y), angle))
    return found


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
    >>> draw_patches(ax, patches.table, words())
    >>> [t.get_text() for t in ax.texts]
    ['West', 'East']
    """
    from matplotlib.patheffects import withStroke

    taken: list[tuple[float, float]] = []
    span = np.ptp(ax.get_xlim()) or 1.0
    for row in patches.to_dict("records"):
        shape = row["geometry"]
        for part in shapely.get_parts(shape):
            ring = shapely.get_coordinates(part.exterior if part.geom_type == "Polygon" else part)
            style = {"ls": "-"} if part.geom_type == "Polygon" else {"ls": "none", "marker": "^", "ms": 5}
            ax.plot(ring[:, 0], ring[:, 1], color=PATCH, lw=1.6, zorder=6, **style)
        spot = shape.representative_point()
        if any(abs(spot.x - x) < 0.16 * span and abs(spot.y - y) < 0.018 * span for x, y in taken):
            continue
        taken.append((spot.x, spot.y))
        ax.annotate(
            shortened(proper_name(row, tr), 28), (spot.x, spot.y), xytext=(4, 4), textcoords="offset points", fontsize=6.2,
            color=INK, zorder=8, parse_math=False, path_effects=[withStroke(linewidth=1.8, foreground=PAPER)],
        )  # fmt: skip


def shortened(text: str, most: int) -> str:
    """A long text cut with an ellipsis.

    >>> shortened("a long name", 7)
    'a long…'
    """
    text = one_line(text)
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def _sections(ax: Any, table: gpd.GeoDataFrame, gains: Array, scale: Scale, top: int) -> None:
    from matplotlib.patheffects import withStroke

    colours = scale.rgba(gains[None, :])[0] / 255.0
    ranks = table["rank"].to_numpy()
    for i in np.argsort(-ranks, kind="stable"):
        shape = table.geometry.iloc[i]
        for part in shapely.get_parts(shape):
            xy = shapely.get_coordinates(part)
            ax.plot(xy[:, 0], xy[:, 1], color=INK, lw=6.0, solid_capstyle="butt", zorder=6)
            ax.plot(xy[:, 0], xy[:, 1], color=colours[i], lw=4.2, solid_capstyle="butt", zorder=7)
        if ranks[i] <= top and not shape.is_empty:
            spot = shape.interpolate(0.5, normalized=True)
            ax.annotate(
                str(ranks[i]), (spot.x, spot.y), xytext=(12 if ranks[i] % 2 else -12, 5), textcoords="offset points",
                fontsize=7, fontweight="bold", ha="center", color=INK, zorder=9,
                path_effects=[withStroke(linewidth=2, foreground=PAPER)],
            )  # fmt: skip


def _colour_bar(ax: Any, scale: Scale, tr: Words) -> None:
    bar = ax.inset_axes((0.02, -0.105, 0.30, 0.035))
    bar.imshow(
        scale.rgba(np.array([[scale.value(p) for p in np.linspace(0, 1, 256)]])),
        aspect="auto",
        extent=(0, 1, 0, 1),
    )
    ticks = scale.ticks(3)
    bar.set_xticks([p for _, p in ticks], [tr.number(v, 2) for v, _ in ticks], fontsize=6.5)
    bar.set_yticks([])
    bar.tick_params(length=2, pad=1)
    unit = f"\n[{tr(scale.unit)}]" if scale.unit != "1" else ""
    bar.set_title(tr(scale.label) + unit, fontsize=6.5, loc="left", pad=2)


def _legend(
    ax: Any, drawn: Sequence[LineStyle], tr: Words, *, with_patches: bool, extra: Sequence[Any] = ()
) -> None:
    from matplotlib.lines import Line2D

    handles = []
    for style in drawn:
        marker = {"tick": "|", "cross": "x", "dot": "o", "": ""}[style.symbol]
        dash: Any = (0, style.dash) if style.dash else "-"
        handles.append(
            Line2D(
                [],
                [],
                color=style.colour,
                lw=style.width,
                ls=dash,
                marker=marker,
                ms=4.5,
                label=style.legend(tr),
            )
        )
    if with_patches:
        handles.append(Line2D([], [], color=PATCH, lw=1.6, label=tr("Patch that should stay connected")))
    handles.extend(extra)
    if handles:
        longest = max(len(str(h.get_label())) for h in handles)
        ax.legend(
            handles=handles, loc="upper left", bbox_to_anchor=(0.36, -0.015), ncols=2, fontsize=6.3 if longest < LONG_LABEL else 5.4, frameon=False,
            handlelength=3.4, borderaxespad=0.0, labelspacing=0.45, columnspacing=1.2,
        )  # fmt: skip


def _furniture(ax: Any, ground: Ground, tr: Words) -> None:
    """Scale bar, north arrow, coordinate system and scenario."""
    x0, x1 = ax.get_xlim()
    y0, y1 = ax.get_ylim()
    length = round_length((x1 - x0) / 4)
    left, base, tall = x0 + 0.02 * (x1 - x0), y0 + 0.045 * (y1 - y0), 0.012 * (y1 - y0)
    for i, colour in enumerate((INK, PAPER)):
        ax.barh(
            base,
            length / 2,
            height=tall,
            left=left + i * length / 2,
            color=colour,
            edgecolor=INK,
            linewidth=0.7,
            zorder=9,
        )
    ax.text(
        left + length,
        base + 2 * tall,
        tr("{n} km", n=tr.number(length / 1000)) if ground.placed else tr("{n} cells", n=tr.number(length)),
        fontsize=7,
        ha="center",
        color=INK,
    )
    ax.text(left, base + 2 * tall, "0", fontsize=7, ha="center", color=INK)
    if ground.placed:
        tip = (x1 - 0.03 * (x1 - x0), y1 - 0.03 * (y1 - y0))
        ax.annotate(
            tr("N"), tip, xytext=(tip[0], tip[1] - 0.14 * (y1 - y0)), ha="center", fontsize=8, color=INK,
            arrowprops={"arrowstyle": "-|>", "color": INK, "lw": 1.2},
        )  # fmt: skip
    ax.text(
        0.98,
        -0.245,
        ground.foot,
        transform=ax.transAxes,
        fontsize=6,
        ha="right",
        va="bottom",
        color="#444444",
        parse_math=False,
    )
