"""One style for all maps: colours, dashes and symbols of barriers, colour ramps of rasters.

Barriers differ in dash and symbol as well as in colour, so they stay apart in grey and for readers with a colour-
vision deficiency; ramps rise steadily in lightness (cividis) or are a diverging pair whose ends stay apart (PuOr).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from permeability.core.plain_text import one_line
from permeability.locale.language import N_, Words
from permeability.viz.look import look

Array = NDArray[np.float64]

INK: Final = "#1b1b1b"
PAPER: Final = "#ffffff"
OUTSIDE: Final = "#e9e9e6"
PATCH: Final = "#004d40"
RANGE: Final = "#3b3b3b"
PICKED: Final = "#c2185b"
TRAFFIC_CLASS: Final = 1_000
FENCED: Final = ("yes", "mostly")


@dataclass(frozen=True)
class LineStyle:
    """How a class of barrier is drawn.

    Attributes
    ----------
    key : str
    label : str
        English legend text, with ``{n}`` for the traffic class.
    colour : str
    width : float
        Points.
    dash : tuple of float
        On and off lengths [points]; empty for a solid line.
    symbol : {"", "tick", "cross", "dot"}
        Mark repeated along the line.
    """

    key: str
    label: str
    colour: str
    width: float
    dash: tuple[float, ...] = ()
    symbol: str = ""

    def legend(self, tr: Words) -> str:
        """Legend text in a language."""
        return tr(self.label, n=tr.number(TRAFFIC_CLASS))


BARRIER_STYLES: Final = {
    s.key: s
    for s in (
        LineStyle("railway_fenced", N_("Railway, fenced"), "#000000", 1.9, (), "tick"),
        LineStyle("railway_open", N_("Railway, unfenced or fence not known"), "#000000", 1.4, (7.0, 3.0)),
        LineStyle("road_busy", N_("Road, over {n} vehicles a day"), "#c14b00", 2.2, (), "dot"),
        LineStyle(
            "road", N_("Road, up to {n} vehicles a day or not counted"), "#c14b00", 1.1, (5.0, 1.8, 1.2, 1.8)
        ),
        LineStyle("fence_border", N_("Border fence"), "#7b2d6b", 1.4, (1.2, 1.8), "cross"),
        LineStyle("fence", N_("Other fence"), "#7b2d6b", 1.2, (1.2, 1.8)),
        LineStyle("planned", N_("Planned or under construction, not counted"), "#5a5a5a", 1.3, (2.5, 4.5)),
    )
}


def barrier_key(row: Mapping[str, Any]) -> str:
    """Style class of a barrier from its attributes.

    >>> barrier_key({"kind": "road", "vehicles_per_day": 2200, "standing": True})
    'road_busy'
    >>> barrier_key({"kind": "railway", "fenced": "mostly"})
    'railway_fenced'
    """
    if not _truth(row.get("standing", True)):
        return "planned"
    kind = str(row.get("kind") or "")
    if kind == "railway":
        return "railway_fenced" if _text(row.get("fenced")) in FENCED else "railway_open"
    if kind == "road":
        return "road_busy" if _number(row.get("vehicles_per_day")) > TRAFFIC_CLASS else "road"
    return "fence_border" if "border" in _text(row.get("fence_class")) else "fence"


def _truth(value: Any) -> bool:
    return str(value).lower() not in ("false", "0", "0.0")


def _text(value: Any) -> str:
    return "" if value is None or value != value else str(value)


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan


# ---------------------------------------------------------------- rasters
@dataclass(frozen=True)
class Scale:
    """From values to colours.

    Attributes
    ----------
    kind : str
    low, high : float
        Ends of the ramp [unit of the values]; values beyond take the end colours.
    spread : {"linear", "log"}
    ramp : str
        Name of a matplotlib colour map.
    label, unit : str
        English legend texts.
    """

    kind: str
    low: float
    high: float
    spread: str
    ramp: str
    label: str
    unit: str

    def position(self, values: Array) -> Array:
        """Where values lie on the ramp, 0..1; NaN stays NaN."""
        v = np.clip(np.asarray(values, float), self.low, self.high)
        if self.spread == "log":
            v, low, high = np.log(v), math.log(self.low), math.log(self.high)
        else:
            low, high = self.low, self.high
        return (v - low) / (high - low) if high > low else np.where(np.isnan(v), np.nan, 0.5)

    def value(self, position: float) -> float:
        """The value at a place 0..1 of the ramp."""
        if self.spread == "log":
            return math.exp(math.log(self.low) + position * (math.log(self.high) - math.log(self.low)))
        return self.low + position * (self.high - self.low)

    def ticks(self, n: int = 5) -> list[tuple[float, float]]:
        """Round values for a legend, each with its place on the ramp."""
        found = round_values(self.low, self.high, n, self.spread)
        return [(v, float(self.position(np.array(v)))) for v in found]

    def rgba(self, values: Array) -> NDArray[np.uint8]:
        """Colours of an array, shape (rows, cols, 4); NaN is transparent."""
        place = self.position(values)
        index = np.where(np.isnan(place), 0, np.round(np.nan_to_num(place) * 255)).astype(int)
        out = np.empty((*place.shape, 4), np.uint8)
        out[..., :3] = ramp_colours(self.ramp)[index]
        out[..., 3] = np.where(np.isnan(place), 0, 255)
        return out


KINDS: Final[Mapping[str, tuple[str, str, str, str]]] = {
    # kind: label, unit, ramp, spread
    "habitat": (N_("Resistance of the ground"), N_("1 = best ground"), "cividis_r", "log"),
    "resistance": (N_("Resistance with barriers in cells"), N_("1 = best ground"), "cividis_r", "log"),
    "current": (N_("Current: net passages of each place"), N_("passages per unit sent"), "cividis", "log"),
    "distance": (
        N_("Least-cost distance from the nearest patch"),
        N_("km of open ground"),
        "cividis_r",
        "linear",
    ),
    "water": (N_("Least-cost distance to water"), N_("km of open ground"), "cividis_r", "linear"),
    # light to dark red: the line is told apart from the land and from dark symbols
    "gain": (N_("Gain from opening the section"), "1", "YlOrRd", "linear"),
    "parts": (N_("Connected parts, the largest first"), "1", "cividis_r", "linear"),
    "corridor": (N_("Extra cost against the best way"), N_("km of open ground"), "cividis_r", "linear"),
    "score": (N_("Cost saved for each metre restored"), "1", "cividis_r", "linear"),
    "window": (N_("Cumulative current"), N_("in units of the source strength"), "cividis", "log"),
    "normalised": (N_("Current against that on open ground"), "1", "cividis", "log"),
    "damage": (
        N_("Loss from a kilometre of line"),
        N_("% per km"),
        "cividis_r",
        "linear",
    ),
    "line_classes": (N_("1 suitable, 2 avoid, 3 no-go"), "1", "cividis_r", "linear"),
    "difference": (N_("Change, after minus before"), "1", "PuOr", "linear"),
}


def scale_for(kind: str, values: Array) -> Scale:
    """The scale of a map: round ends that hold the values but for the outer few per cent.

    Parameters
    ----------
    kind : str
        One of :data:`KINDS`, such as ``habitat``, ``current``, ``distance``, ``gain``, ``difference``.
    values : array
        Values in the unit of the legend; NaN and inf are left out.

    Examples
    --------
    >>> s = scale_for("difference", np.array([-3.0, 1.0]))
    >>> s.low == -s.high
    True
    """
    label, unit, ramp, spread = KINDS[kind]
    ramp = look().cmap or ramp
    seen = np.asarray(values, float)
    seen = seen[np.isfinite(seen)]
    if len(seen) == 0:
        return Scale(
            kind,
            0.0 if spread == "linear" else 1.0,
            1.0 if spread == "linear" else 10.0,
            spread,
            ramp,
            label,
            unit,
        )
    if kind == "difference":
        top = float(np.quantile(np.abs(seen), 0.995)) or float(np.abs(seen).max()) or 1.0
        return Scale(kind, -top, top, spread, ramp, label, unit)
    low, high = (float(q) for q in np.quantile(seen, (0.02, 0.995)))
    if spread == "log":
        seen = seen[seen > 0]
        high = max(high, 1e-12)
        if kind in ("habitat", "resistance"):
            low, high = float(seen.min()), min(float(seen.max()), 1e4 * float(seen.min()))
        low = max(low, float(seen.min()) if len(seen) else high / 1e3, high / 1e4)
    else:
        low = min(low, 0.0) if kind == "distance" else float(seen.min())
    if high <= low:
        high = low * 10 if spread == "log" else low + 1.0
    return Scale(kind, low, high, spread, ramp, label, unit)


def round_values(low: float, high: float, n: int, spread: str = "linear") -> list[float]:
    """A few round values between two ends.

    >>> round_values(0, 870, 4), round_values(1, 120, 4, "log")
    ([0.0, 200.0, 400.0, 600.0, 800.0], [1.0, 10.0, 100.0])
    """
    if not high > low:
        return [low]
    if spread == "log":
        a, b = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
        tens = [10.0**k for k in range(a, b + 1)]
        if len(tens) >= 3:
            return tens[:: max(1, math.ceil(len(tens) / n))]
        marks = [m * 10.0**k for k in range(a - 1, b + 1) for m in (1, 2, 5)]
        inside = [m for m in marks if low * (1 - 1e-9) <= m <= high * (1 + 1e-9)]
        if len(inside) >= 3:
            return inside[: n + 1]
    step = round_length((high - low) / n)
    first = math.ceil(low / step - 1e-9)
    return [k * step + 0.0 for k in range(first, math.floor(high / step + 1e-9) + 1)]


def round_length(value: float) -> float:
    """The round number (1, 2 or 5 times a power of ten) at or below a value.

    >>> round_length(217.5), round_length(870.0)
    (200.0, 500.0)
    """
    base = 10.0 ** math.floor(math.log10(value))
    return max(m for m in (1, 2, 5) if m * base <= value * (1 + 1e-9)) * base


@cache
def ramp_colours(name: str) -> NDArray[np.uint8]:
    """256 colours of a ramp, shape (256, 3)."""
    from matplotlib import colormaps

    return np.round(np.asarray(colormaps[name](np.linspace(0, 1, 256)))[:, :3] * 255).astype(np.uint8)


def ramp_stops(name: str, n: int = 9) -> list[tuple[float, str]]:
    """A ramp as a few stops ``(place 0..1, "#rrggbb")``, for SVG gradients and QGIS."""
    colours = ramp_colours(name)
    places = np.linspace(0, 1, n)
    return [
        (float(p), "#{:02x}{:02x}{:02x}".format(*(int(c) for c in colours[round(p * 255)]))) for p in places
    ]


COLOURS = 256  # a palette of a PNG holds no more


def png_bytes(rgba: NDArray[np.uint8]) -> bytes:
    """A picture as PNG without dates or program names; the same array gives the same bytes.

    Maps have few colours: where a palette holds them, a pixel is one byte, not four (a map of 450,000 cells: 0.03 s and three fifths
    of the size, not 1.4 s).

    Parameters
    ----------
    rgba : numpy.ndarray of uint8, shape (rows, cols, 4)

    Returns
    -------
    bytes

    Examples
    --------
    >>> png_bytes(np.zeros((2, 3, 4), np.uint8))[1:4]
    b'PNG'
    """
    import pandas as pd
    from PIL import Image

    rgba, stream = np.ascontiguousarray(rgba, np.uint8), BytesIO()
    codes, found = pd.factorize(rgba.view(np.uint32)[..., 0].ravel())
    if len(found) <= COLOURS:
        picture = Image.fromarray(codes.astype(np.uint8).reshape(rgba.shape[:2]))
        picture.putpalette(np.ascontiguousarray(found, np.uint32).tobytes(), "RGBA")
    else:
        picture = Image.fromarray(rgba)
    picture.save(stream, format="png", compress_level=6)
    return stream.getvalue()


def thinned(values: Array, most: int = 1400) -> tuple[Array, int]:
    """An array small enough for a page, and how many cells went into one pixel along each side (mean of the finite)."""
    step = max(1, math.ceil(max(values.shape) / most))
    if step == 1:
        return values, 1
    rows, cols = (math.ceil(s / step) * step for s in values.shape)
    padded = np.full((rows, cols), np.nan)
    padded[: values.shape[0], : values.shape[1]] = np.where(np.isfinite(values), values, np.nan)
    blocks = padded.reshape(rows // step, step, cols // step, step)
    count = np.isfinite(blocks).sum(axis=(1, 3))
    total = np.nansum(blocks, axis=(1, 3))
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0), step


def shortened(text: str, most: int) -> str:
    """A long text cut with an ellipsis.

    >>> shortened("a long name", 7)
    'a long…'
    """
    text = one_line(text)
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
