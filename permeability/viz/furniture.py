"""What stands round a map: frame, colour bar, legend, scale bar, north arrow; and the mark of picked places."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from permeability.locale.language import Words
from permeability.viz.ground import Ground
from permeability.viz.style import INK, PAPER, PATCH, PICKED, LineStyle, Scale, round_length

Array = NDArray[np.float64]
TICKS_APART = 0.2  # of a colour bar: figures nearer than this would touch
LONG_LABEL = 46  # characters that still fit beside another column of the legend


def draw_frame(ax: Any, ground: Ground, around: Array | None = None) -> None:
    """The part of the ground that has valid cells (or lies around something), with a rim, without axes."""
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


def colour_bar(ax: Any, scale: Scale, tr: Words) -> None:
    """The ramp of a scale with its label and three figures, below the map."""
    bar = ax.inset_axes((0.02, -0.105, 0.30, 0.035))
    bar.imshow(
        scale.rgba(np.array([[scale.value(p) for p in np.linspace(0, 1, 256)]])),
        aspect="auto",
        extent=(0, 1, 0, 1),
    )
    ticks: list[tuple[float, float]] = []
    for value, place in scale.ticks(3):
        if not ticks or place - ticks[-1][1] >= TICKS_APART:
            ticks.append((value, place))
    bar.set_xticks([p for _, p in ticks], [tr.number(v, 2) for v, _ in ticks], fontsize=6.5)
    bar.set_yticks([])
    bar.tick_params(length=2, pad=1)
    unit = f"\n[{tr(scale.unit)}]" if scale.unit != "1" else ""
    bar.set_title(tr(scale.label) + unit, fontsize=6.5, loc="left", pad=2)


def draw_legend(
    ax: Any, drawn: Sequence[LineStyle], tr: Words, *, with_patches: bool, extra: Sequence[Any] = ()
) -> None:
    """Classes of barriers that were drawn, patches, and what else was marked."""
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


def draw_furniture(ax: Any, ground: Ground, tr: Words) -> None:
    """Scale bar, north arrow, coordinate system and scenario."""
    from matplotlib.patheffects import withStroke

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
        zorder=10,
        path_effects=[withStroke(linewidth=2, foreground=PAPER)],
    )
    ax.text(left, base + 2 * tall, "0", fontsize=7, ha="center", color=INK, zorder=10, path_effects=[withStroke(linewidth=2, foreground=PAPER)])  # fmt: skip
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


def picked_handle(label: str) -> Any:
    """The mark of picked places, for the legend."""
    from matplotlib.lines import Line2D

    return Line2D([], [], color=PICKED, lw=4, label=label)


def draw_picked(ax: Any, shapes: Sequence[shapely.Geometry], width: float = 4.2) -> None:
    """Picked places over everything else: lines as stripes, points as triangles."""
    for shape in shapes:
        for part in shapely.get_parts(shape):
            xy = shapely.get_coordinates(part)
            if len(xy) == 1:
                ax.plot(*xy[0], marker="v", ms=8, color=PICKED, mec=INK, zorder=8)
                continue
            ax.plot(xy[:, 0], xy[:, 1], color=INK, lw=width + 1.6, solid_capstyle="butt", zorder=7)
            ax.plot(xy[:, 0], xy[:, 1], color=PICKED, lw=width, solid_capstyle="butt", zorder=8)
