"""Maps as SVG, of the report and of the pages to zoom: vectors as paths, rasters as small pictures inside the file, one unit = one kilometre.

The drawing is complete without scripts; line widths and dashes are in screen units, texts follow ``--u`` (kilometres
per screen pixel), which the page's script sets again when the reader zooms.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from numpy.typing import NDArray

from permeability.locale.language import Words, proper_name
from permeability.viz.label_places import PRINT, Box, Label, LabelPlaces
from permeability.viz.maps import symbol_places
from permeability.viz.style import (
    BARRIER_STYLES,
    LineStyle,
    Scale,
    barrier_key,
    png_bytes,
    ramp_stops,
    round_length,
    shortened,
    thinned,
)

if TYPE_CHECKING:
    import geopandas as gpd

    from permeability.layers.exchange_grids import RasterFile

Array = NDArray[np.float64]
SCREEN, TALLEST = 900.0, 640.0  # pixels the map is drawn for: its width, and its height where that is less
MOST_TICKS = 4  # of a colour bar, so that none touches the next
SYMBOL = 25.0  # pixels: a patch up to this half size is drawn like a dot
NARROWEST, FLATTEST = 0.5, 0.4  # width over height, and height over width, that a frame has at least


@dataclass(frozen=True)
class Frame:
    """What part of the world a map shows [m], and how kilometres lie on it.

    >>> frame = Frame(0, 0, 90_000, 45_000)
    >>> frame.view_box, frame.unit
    ('0 0 90 45', 0.1)
    >>> Frame(0, 0, 32_000, 64_000).unit
    0.1
    >>> frame.path([shapely.LineString([(0, 0), (1_000, 2_000)])])
    'M0 45L1 43'
    """

    west: float
    south: float
    east: float
    north: float

    @property
    def width(self) -> float:
        """Width [km]."""
        return (self.east - self.west) / 1000.0

    @property
    def height(self) -> float:
        """Height [km]."""
        return (self.north - self.south) / 1000.0

    @property
    def unit(self) -> float:
        """Kilometres per pixel at the size the map is drawn for: all of the width, or all of the height."""
        return max(self.width / SCREEN, self.height / TALLEST)

    @property
    def view_box(self) -> str:
        """SVG viewBox."""
        return f"0 0 {_n(self.width)} {_n(self.height)}"

    def xy(self, coordinates: Array) -> Array:
        """Map metres to picture kilometres."""
        return np.column_stack(
            [(coordinates[:, 0] - self.west) / 1000.0, (self.north - coordinates[:, 1]) / 1000.0]
        )

    def path(self, shapes: Iterable[shapely.Geometry], tolerance_px: float = 0.25) -> str:
        """SVG path of lines and polygons, simplified below what a pixel shows."""
        out = []
        tolerance = tolerance_px * self.unit * 1000.0
        for shape in shapes:
            for part in shapely.get_parts(shapely.simplify(shape, tolerance)):
                closed = part.geom_type == "Polygon"
                rings = [part.exterior, *part.interiors] if closed else [part]
                for ring in rings:
                    xy = self.xy(shapely.get_coordinates(ring))
                    if len(xy) > 1:
                        out.append(
                            "M" + "L".join(f"{_n(x)} {_n(y)}" for x, y in xy) + ("Z" if closed else "")
                        )
        return "".join(out)


def _n(value: float) -> str:
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def frame_of(raster: RasterFile, around: Sequence[float] | None = None) -> Frame:
    """The frame of a map: the valid part of a raster (or given bounds) and a margin."""
    rows, cols = (
        np.flatnonzero(np.isfinite(raster.values).any(axis=1)),
        np.flatnonzero(np.isfinite(raster.values).any(axis=0)),
    )
    h, top = raster.cell_size, raster.yll + raster.shape[0] * raster.cell_size
    if around is not None:
        west, south, east, north = (float(v) for v in around)
    elif len(rows):
        west, east = raster.xll + cols[0] * h, raster.xll + (cols[-1] + 1) * h
        south, north = top - (rows[-1] + 1) * h, top - rows[0] * h
    else:
        west, south, east, north = raster.xll, raster.yll, raster.xll + raster.shape[1] * h, top
    return frame_around((west, south, east, north), h)


def frame_around(bounds: Sequence[float], least: float) -> Frame:
    """A frame round bounds [m] with a margin, neither too narrow nor too flat.

    >>> frame_around((0, 0, 100_000, 50_000), 1000).view_box
    '0 0 108 58'
    """
    west, south, east, north = (float(v) for v in bounds)
    pad = 0.04 * max(east - west, north - south, least)
    wide, high = east - west + 2 * pad, north - south + 2 * pad
    more_x, more_y = max(0.0, NARROWEST * high - wide) / 2, max(0.0, FLATTEST * wide - high) / 2
    return Frame(west - pad - more_x, south - pad - more_y, east + pad + more_x, north + pad + more_y)


def raster_layer(frame: Frame, raster: RasterFile, rgba: NDArray[np.uint8]) -> dict[str, Any]:
    """An image element: place [km] and data URI."""
    h = raster.cell_size
    top = raster.yll + raster.shape[0] * h
    step_y, step_x = (np.ceil(a / b) for a, b in zip(raster.shape, rgba.shape))
    return {
        "x": _n((raster.xll - frame.west) / 1000), "y": _n((frame.north - top) / 1000),
        "width": _n(rgba.shape[1] * step_x * h / 1000), "height": _n(rgba.shape[0] * step_y * h / 1000),
        "href": "data:image/png;base64," + b64encode(png_bytes(rgba)).decode("ascii"),
    }  # fmt: skip


def value_layer(frame: Frame, raster: RasterFile, values: Array, scale: Scale, tr: Words) -> dict[str, Any]:
    """A raster in the colours of its scale, with its legend."""
    small, _ = thinned(values)
    return {
        **raster_layer(frame, raster, scale.rgba(small)),
        "key": scale.kind,
        "label": tr(scale.label),
        "legend": legend_bar(scale, tr),
    }


def legend_bar(scale: Scale, tr: Words) -> dict[str, Any]:
    """Colour bar: stops and round values."""
    stops = [{"at": f"{100 * p:.1f}%", "colour": c} for p, c in ramp_stops(scale.ramp)]
    round_ = scale.ticks(3)
    round_ = round_[:: -(-len(round_) // MOST_TICKS)]
    ticks = [{"at": f"{100 * p:.1f}%", "text": tr.number(v, 2)} for v, p in round_]
    unit = "" if scale.unit == "1" else tr(scale.unit)
    return {"label": tr(scale.label), "unit": unit, "stops": stops, "ticks": ticks, "ramp": scale.ramp}


# ---------------------------------------------------------------- vectors
def barrier_layers(frame: Frame, barriers: gpd.GeoDataFrame | None, tr: Words) -> list[dict[str, Any]]:
    """Barriers by class: path, symbols, style and legend text, in legend order."""
    if barriers is None:
        return []
    rows = barriers.drop(columns="geometry").to_dict("records")
    keys = [barrier_key({str(k): v for k, v in r.items()}) for r in rows]
    out = []
    for style in BARRIER_STYLES.values():
        mine = [g for k, g in zip(keys, barriers.geometry) if k == style.key]
        if mine:
            lines = [p for g in mine for p in shapely.get_parts(g)]
            out.append(
                {
                    **line_style(style, tr),
                    "d": frame.path(lines),
                    "marks": marks(frame, lines, style),
                    "n": len(mine),
                }
            )
    return out


def line_style(style: LineStyle, tr: Words) -> dict[str, Any]:
    """A line style for the templates."""
    return {
        "key": style.key, "label": style.legend(tr), "colour": style.colour, "width": style.width, "symbol": style.symbol,
        "dash": " ".join(f"{d:g}" for d in style.dash), "round": style.symbol == "dot",
    }  # fmt: skip


def marks(frame: Frame, lines: Sequence[shapely.Geometry], style: LineStyle) -> str:
    """The repeated symbols of a class as one path."""
    if not style.symbol:
        return ""
    size, out = 4.0 * frame.unit, []
    places = np.array(symbol_places(lines, frame.width * 1000 / 45), float).reshape(-1, 3)
    for (cx, cy), angle in zip(frame.xy(places[:, :2]).tolist(), places[:, 2].tolist()):
        if not (0 <= cx <= frame.width and 0 <= cy <= frame.height):
            continue
        if style.symbol == "dot":
            out.append(f"M{_n(cx)} {_n(cy)}h0.001")
            continue
        turns = (90.0,) if style.symbol == "tick" else (45.0, 135.0)
        for turn in turns:
            a = np.radians(angle + turn)
            dx, dy = size * np.cos(a), -size * np.sin(a)
            out.append(f"M{_n(cx - dx)} {_n(cy - dy)}L{_n(cx + dx)} {_n(cy + dy)}")
    return "".join(out)


def patch_layer(
    frame: Frame, patches: gpd.GeoDataFrame | None, tr: Words, places: LabelPlaces | None = None
) -> list[dict[str, Any]]:
    """Patches: outline (or place of a point) and name; a name that would cover another is left to the tooltip."""
    if patches is None:
        return []
    places = places if places is not None else label_places(frame)
    for shape in patches.geometry:
        _keep_symbol_free(frame, shape, places)
    out: list[dict[str, Any]] = []
    for row in patches.to_dict("records"):
        shape, name = row["geometry"], proper_name({str(k): v for k, v in row.items()}, tr)
        spot = shape.representative_point()
        x, y = frame.xy(np.array([[spot.x, spot.y]]))[0]
        short = shortened(
            re.sub(r"\s*\([^()]*\)$", "", name) or name, 30
        )  # a remark in brackets stays in the tooltip
        at = places.place(float(x), float(y), short)
        out.append({
            "name": name, "short": short if at else "", "x": _n(x), "y": _n(y), "point": "Point" in shape.geom_type,
            "at": _at(at, frame), "d": "" if "Point" in shape.geom_type else frame.path([shape]),
        })  # fmt: skip
    return out


def _keep_symbol_free(frame: Frame, shape: shapely.Geometry, places: LabelPlaces) -> None:
    """No label lies on the dot of a patch, or on one that is drawn no larger than a few letters."""
    west, south, east, north = shape.bounds
    half = max(east - west, north - south) / 2000.0 / frame.unit
    if half <= SYMBOL:
        (x, y) = frame.xy(np.array([[(west + east) / 2, (south + north) / 2]]))[0]
        places.keep_free(float(x), float(y), max(half, 5.0) + 1.0)


def label_places(frame: Frame, letters: float = PRINT) -> LabelPlaces:
    """An empty map for labels: only scale bar and north arrow stand there; ``letters`` as of :class:`LabelPlaces`."""
    u, w, h, k = frame.unit, frame.width, frame.height, letters / PRINT
    bar = round_length(w / 4)
    return LabelPlaces(w, h, u, [
        Box(0.0, h - 0.03 * w - 24 * k * u, 0.02 * w + bar + 60 * k * u, h), Box(0.965 * w - 20 * k * u, 0.0, w, 0.03 * w + (60 + 30 * k) * u),
    ], letters)  # fmt: skip


def _at(label: Label | None, frame: Frame) -> dict[str, Any]:
    """A label for the templates; three decimals of a pixel are enough."""
    if label is None:
        return {"x": "0", "y": "0", "anchor": "start", "far": False}
    return {"x": f"{label.x:.2f}", "y": f"{label.y:.2f}", "anchor": label.anchor, "far": label.far}


def measure_layer(frame: Frame, measures: gpd.GeoDataFrame | None) -> dict[str, Any] | None:
    """Treated stretches as one path; those too short to see as circles."""
    if measures is None or not len(measures):
        return None
    shapes = list(measures.geometry)
    long = [s.length / 1000.0 > 6 * frame.unit for s in shapes]
    spots = [s.interpolate(0.5, normalized=True) for s, seen in zip(shapes, long) if not seen]
    places = [frame.xy(np.array([[p.x, p.y]]))[0] for p in spots]
    return {
        "d": frame.path([s for s, seen in zip(shapes, long) if seen], 0.05),
        "spots": [{"x": _n(x), "y": _n(y)} for x, y in places],
    }


def furniture(frame: Frame, tr: Words) -> dict[str, Any]:
    """Scale bar and north arrow."""
    length = round_length(frame.width / 4)
    return {"x": _n(0.02 * frame.width), "y": _n(frame.height - 0.03 * frame.width), "length": _n(length), "half": _n(length / 2),
            "text": tr("{n} km", n=tr.number(length)), "north_x": _n(0.965 * frame.width), "north_y": _n(0.03 * frame.width)}  # fmt: skip


def base(frame: Frame, title: str, alt: str, foot: str, key: str, tr: Words) -> dict[str, Any]:
    """What every map has."""
    return {
        "key": key, "title": title, "alt": alt, "foot": foot, "view_box": frame.view_box, "aspect": f"{frame.width / frame.height:.4f}", "unit": f"{frame.unit:.4f}", "width": _n(frame.width),
        "height": _n(frame.height), "furniture": furniture(frame, tr), "rasters": [], "barriers": [], "patches": [], "ranges": "",
        "sections": [], "tops": [], "km_marks": [], "section_legend": None, "backdrop": None, "no_path": None, "measures": None, "interactive": False,
        "tracks": None, "letters": PRINT,
    }  # fmt: skip
