"""A map of the report as a picture: the same paths, colours and places of texts as the page, for files that hold no drawings."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final

from permeability.locale.language import Words
from permeability.viz.style import INK, PAPER

__all__ = ["figure_png"]

ACROSS: Final = 16.5  # most centimetres of a picture, in both directions
TALL: Final = 12.0
WORDY: Final = 40  # letters of a text of the key that still fit beside another
KEY: Final = 7.5  # size of letters in the key [pt]
PIECE: Final = re.compile(r"([MLhZ])([-\d. ]*)")


def figure_png(figure: Mapping[str, Any], tr: Words, *, dpi: int = 200) -> bytes:
    """A map that a template draws, as PNG with its key beneath.

    Parameters
    ----------
    figure : mapping
        As of :func:`permeability.viz.svg.base` and what was added to it.
    tr : Words
    dpi : int
        Dots per inch.

    Returns
    -------
    bytes

    Examples
    --------
    >>> from permeability.locale.language import words
    >>> from permeability.viz import svg
    >>> frame = svg.frame_around((0, 0, 90_000, 50_000), 1000.0)
    >>> figure_png(svg.base(frame, "Map", "A map.", "", "map", words()), words())[1:4]
    b'PNG'
    """
    from matplotlib.figure import Figure

    wide, high = float(figure["width"]), float(figure["height"])
    cm = min(ACROSS / wide, TALL / high)
    across, tall = wide * cm / 2.54, high * cm / 2.54
    bars, entries = list(_bars(figure)), list(_entries(figure, tr))
    columns = 2 if max((len(text) for _, text in entries), default=0) <= WORDY else 1
    beneath = 0.16 * -(-len(entries) // columns) + (0.5 if bars else 0.1)
    sheet = Figure(figsize=(max(across, ACROSS / 2.54), tall + beneath), facecolor=PAPER)
    full, height = sheet.get_size_inches()
    ax = sheet.add_axes(((full - across) / 2 / full, beneath / height, across / full, tall / height))
    ax.set_xlim(0, wide)
    ax.set_ylim(high, 0)
    ax.set_xticks([])
    ax.set_yticks([])
    _Pen(ax, float(figure["unit"]) * cm / 2.54 * 72, float(figure["letters"])).draw(figure, tr)
    for k, bar in enumerate(bars):
        _bar(sheet, bar, (0.02 + 0.5 * k, (beneath - 0.24) / height, 0.3, 0.09 / height))
    if entries:
        sheet.legend(
            [e[0] for e in entries], [e[1] for e in entries], loc="lower left", ncols=columns, fontsize=KEY, frameon=False, borderaxespad=0.0,
            handlelength=3.2, borderpad=0.1, labelspacing=0.25, bbox_to_anchor=(0.01, 0.0),
        )  # fmt: skip
    made = BytesIO()
    nameless: Any = {"Software": None}
    sheet.savefig(made, format="png", dpi=dpi, metadata=nameless)
    return made.getvalue()


def _rings(d: str) -> Iterator[list[tuple[float, float]]]:
    """The pieces of a path; a dot is a piece of two places.

    >>> list(_rings("M0 45L1 43M2 2L3 2L3 3Z"))
    [[(0.0, 45.0), (1.0, 43.0)], [(2.0, 2.0), (3.0, 2.0), (3.0, 3.0), (2.0, 2.0)]]
    """
    piece: list[tuple[float, float]] = []
    for sign, numbers in PIECE.findall(d):
        at = [float(n) for n in numbers.split()]
        if sign == "M":
            if piece:
                yield piece
            piece = [(at[0], at[1])]
        elif sign == "L":
            piece.append((at[0], at[1]))
        elif sign == "h":
            piece.append((piece[-1][0] + at[0], piece[-1][1]))
        else:
            piece.append(piece[0])
    if piece:
        yield piece


# ---------------------------------------------------------------- what is on the map
@dataclass(frozen=True)
class _Pen:
    """Draws on axes: points per pixel of the page, and how much larger texts are in print."""

    ax: Any
    pixel: float
    letters: float

    def draw(self, figure: Mapping[str, Any], tr: Words) -> None:
        for layer in (figure["backdrop"], figure["no_path"], *figure["rasters"]):
            if layer and not layer.get("off"):
                self._image(layer)
        if figure["ranges"]:
            self._stroke(figure["ranges"], "#3b3b3b", 1.3, dash=(9, 3, 2, 3), fill=0.05)
        for b in reversed(figure["barriers"]):
            self._stroke(b["d"], PAPER, b["width"] + 2, alpha=0.85)
            self._stroke(b["d"], b["colour"], b["width"], dash=tuple(float(x) for x in b["dash"].split()))
            self._stroke(b["marks"], b["colour"], 6.5 if b["round"] else 1.5, cap="round")
        if figure["measures"]:
            self._stroke(figure["measures"]["d"], INK, 7)
            self._stroke(figure["measures"]["d"], PAPER, 4)
            for p in figure["measures"]["spots"]:
                self._spot(p["x"], p["y"], 9.0)
        if figure["tracks"]:
            self._stroke(figure["tracks"]["d"], "#6a3d9a", 1, alpha=0.75)
            for p in figure["tracks"]["spots"]:
                self._spot(p["x"], p["y"], 6.0)
            self._text({**figure["tracks"], "anchor": "start"}, figure["tracks"]["mark"], 11)
        for p in figure["patches"]:
            if p["point"]:
                self._spot(p["x"], p["y"], 10.0, "#004d40", "#dbe8e5")
            else:
                self._stroke(p["d"], "#004d40", 2, fill=0.14)
            if p["short"]:
                if p["at"]["far"]:
                    self._lead(p["x"], p["y"], p["at"]["x"], p["at"]["y"])
                self._text(p["at"], p["short"], 11)
        for t in figure["tops"]:
            self._stroke(t["d"], t["colour"], float(t["width"]))
        for t in figure["tops"]:
            if t["label"]:
                self._lead(t["mx"], t["my"], t["x"], t["y"])
                self._text(t, t["label"], 12, bold=True)
        for s in reversed(figure["sections"]):
            self._stroke(s["d"], "#6b6b6b", 8)
            self._stroke(s["d"], s["colour"], 6.5)
        for s in figure["sections"]:
            if s["label"]:
                if s["far"]:
                    self._lead(s["middle_x"], s["middle_y"], s["x"], s["y"])
                self._text(s, s["label"], 12, bold=True)
        for k in figure["km_marks"]:
            self._spot(k["x"], k["y"], 4.4, width=1)
            self._text({"x": k["tx"], "y": k["ty"], "anchor": k["anchor"]}, k["text"], 9)
        self._furniture(figure, tr)

    def _furniture(self, figure: Mapping[str, Any], tr: Words) -> None:
        from matplotlib.patches import Rectangle

        f, unit = figure["furniture"], float(figure["unit"])
        x, y, length = float(f["x"]), float(f["y"]), float(f["length"])
        for part, colour in ((length, PAPER), (length / 2, INK)):
            self.ax.add_patch(
                Rectangle((x, y), part, 5 * unit, facecolor=colour, edgecolor=INK, lw=0.75, zorder=9)
            )
        self._text({"x": x + length, "y": y - 4 * unit, "anchor": "middle"}, f["text"], 11)
        x, y = float(f["north_x"]), float(f["north_y"])
        d = f"M{x} {y + 46 * unit}L{x} {y}M{x - 6 * unit} {y + 12 * unit}L{x} {y}L{x + 6 * unit} {y + 12 * unit}"
        self._stroke(d, PAPER, 4.5)
        self._stroke(d, INK, 1.6)
        self._text({"x": x, "y": y + 60 * unit, "anchor": "middle"}, tr("N"), 11)

    def _stroke(
        self, d: str, colour: str, width: float, *, dash: tuple[float, ...] = (), fill: float = 0.0, alpha: float = 1.0, cap: str = "butt",
    ) -> None:  # fmt: skip
        from matplotlib.collections import LineCollection, PolyCollection

        pieces = list(_rings(d))
        if not pieces:
            return
        if fill:
            self.ax.add_collection(
                PolyCollection(pieces, facecolors=colour, alpha=fill, linewidths=0, zorder=4)
            )
        style: Any = (0, tuple(x / width for x in dash)) if dash else "solid"
        self.ax.add_collection(
            LineCollection(pieces, colors=colour, linewidths=width * self.pixel, linestyles=[style], alpha=alpha, capstyle=cap, zorder=4)
        )  # fmt: skip

    def _spot(
        self, x: Any, y: Any, size: float, edge: str = INK, face: str = PAPER, width: float = 1.6
    ) -> None:
        self.ax.plot(
            [float(x)],
            [float(y)],
            "o",
            ms=size * self.pixel,
            mfc=face,
            mec=edge,
            mew=width * self.pixel,
            zorder=5,
        )

    def _lead(self, *ends: Any) -> None:
        x, y, to_x, to_y = (float(v) for v in ends)
        self.ax.plot([x, to_x], [y, to_y], color=INK, lw=0.6, zorder=6)

    def _text(self, at: Mapping[str, Any], text: str, size: float, *, bold: bool = False) -> None:
        from matplotlib.patheffects import withStroke

        side = {"start": "left", "end": "right", "middle": "center"}[at["anchor"]]
        self.ax.text(
            float(at["x"]), float(at["y"]), text, ha=side, va="baseline", fontsize=size * self.pixel * self.letters, fontweight="bold" if bold else "normal", color=INK,
            parse_math=False, zorder=8, path_effects=[withStroke(linewidth=3 * self.pixel * self.letters, foreground=PAPER)],
        )  # fmt: skip

    def _image(self, layer: Mapping[str, Any]) -> None:
        from matplotlib.image import imread

        x, y, wide, high = (float(layer[k]) for k in ("x", "y", "width", "height"))
        picture = imread(BytesIO(base64.b64decode(layer["href"].split(",", 1)[1])), format="png")
        self.ax.imshow(
            picture, extent=(x, x + wide, y + high, y), interpolation="nearest", aspect="auto", zorder=1
        )


# ---------------------------------------------------------------- the key
def _bars(figure: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for layer in figure["rasters"]:
        if not layer.get("off"):
            yield layer["legend"]
    if figure["section_legend"]:
        yield figure["section_legend"]


def _bar(sheet: Any, legend: Mapping[str, Any], place: tuple[float, float, float, float]) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    ramp = LinearSegmentedColormap.from_list(
        "ramp", [(float(s["at"].rstrip("%")) / 100, s["colour"]) for s in legend["stops"]]
    )
    ax = sheet.add_axes(place)
    ax.imshow([[k / 255 for k in range(256)]], cmap=ramp, aspect="auto", extent=(0, 1, 0, 1))
    ax.set_yticks([])
    ax.set_xticks([float(t["at"].rstrip("%")) / 100 for t in legend["ticks"]], [t["text"] for t in legend["ticks"]], fontsize=KEY)  # fmt: skip
    ax.tick_params(length=2, pad=1)
    unit = f" [{legend['unit']}]" if legend["unit"] else ""
    ax.set_title(f"{legend['label']}{unit}", fontsize=KEY, loc="left", pad=2, parse_math=False)


def _entries(figure: Mapping[str, Any], tr: Words) -> Iterator[tuple[Any, str]]:
    """Handle and text of each class on the map."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    for t in figure["tops"]:
        yield Line2D([], [], color=t["colour"], lw=min(float(t["width"]), 9) * 0.75), t["text"]
    if figure["no_path"]:
        yield Patch(facecolor="#cdcdcd", edgecolor="#6e6e6e", hatch="///"), figure["no_path"]["label"]
    for b in figure["barriers"]:
        dash = tuple(float(x) / b["width"] for x in b["dash"].split())
        mark = {"tick": "|", "cross": "x", "dot": "o"}.get(b["symbol"], "")
        yield Line2D([], [], color=b["colour"], lw=b["width"] * 0.75, ls=(0, dash) if dash else "-", marker=mark, ms=5), b["label"]  # fmt: skip
    if figure["measures"]:
        yield Line2D([], [], color=INK, lw=4, marker="o", mfc=PAPER), tr("Opened or treated stretch; crossing structure")  # fmt: skip
    if figure["tracks"]:
        yield Line2D([], [], color="#6a3d9a", lw=1, marker="o", mfc=PAPER, mec=INK), tr("Way of an animal; crossing")  # fmt: skip
    if figure["ranges"]:
        yield Line2D([], [], color="#3b3b3b", lw=1, ls=(0, (9, 3, 2, 3))), tr("Range")
    if figure["patches"]:
        yield Patch(facecolor="#dbe8e5", edgecolor="#004d40"), tr("Patch that should stay connected")
