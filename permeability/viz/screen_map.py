"""A map for the screen: one page that holds everything, to zoom and point at with mouse or keyboard, without a network.

The ground is the result's own (a raster of the landscape), never tiles from elsewhere; lines, colours and furniture are those of
the report.  A map is made of layers, each laid over the one before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from permeability.core.plain_text import one_line
from permeability.layers.grid import describe_crs
from permeability.locale.language import N_, Words, proper_name, reader_language, words
from permeability.viz import svg
from permeability.viz.style import BARRIER_STYLES, INK, PICKED, Scale, barrier_key, ramp_colours, scale_for

if TYPE_CHECKING:
    import geopandas as gpd

    from permeability.viz.label_places import LabelPlaces

__all__ = ["BarrierLines", "PatchShapes", "Picture", "ScreenMap", "Shapes"]

Array = NDArray[np.float64]
MOST_ROWS = 300  # of a table beneath a map
NUMBERED = 10  # of the best that bear their rank
# eight that are told apart with any colour vision (Okabe & Ito 2008), the darkest first
CLASSES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#1b1b1b", "#8a7a00")
PLAIN_RAMP = "viridis"


@dataclass(frozen=True, eq=False)
class Picture:
    """Values of cells as the ground: shape (rows, cols), NaN is transparent; the last one is shown first."""

    values: Array = field(repr=False)
    grid: Any
    kind: str

    @property
    def crs(self) -> Any:
        """Of the grid."""
        return self.grid.crs

    @property
    def bounds(self) -> Array:
        """West, south, east, north of the cells that have a value [m]."""
        rows, cols = (np.flatnonzero(np.isfinite(self.values).any(axis=a)) for a in (1, 0))
        h, west, north = self.grid.cell_size, self.grid.west, self.grid.north
        if not len(rows):
            rows, cols = np.array([0, self.values.shape[0] - 1]), np.array([0, self.values.shape[1] - 1])
        return np.array([west + cols[0] * h, north - (rows[-1] + 1) * h, west + (cols[-1] + 1) * h, north - rows[0] * h])  # fmt: skip


@dataclass(frozen=True, eq=False)
class BarrierLines:
    """Lines in the classes of the report."""

    table: gpd.GeoDataFrame = field(repr=False)

    @property
    def crs(self) -> Any:
        """Of the table."""
        return self.table.crs

    @property
    def bounds(self) -> Array:
        """Of the table [m]."""
        return np.asarray(self.table.total_bounds)


@dataclass(frozen=True, eq=False)
class PatchShapes(BarrierLines):
    """Patches with their names."""


@dataclass(frozen=True, eq=False)
class Shapes(BarrierLines):
    """Any places or lines: a colour and a text each, one of them picked with a click or from the table.

    ``column`` gives the colours: numbers along a ramp, words by class.  ``label`` is what the layer is called, a text of the catalogues.
    """

    tooltip: tuple[str, ...] = ()
    column: str | None = None
    colours: Any = None
    colour: str = PICKED
    width: float = 4.0
    label: str = ""
    numbers: str | None = None


@dataclass(frozen=True, eq=False)
class ScreenMap:
    """One page with a map; shows itself in a notebook.

    Attributes
    ----------
    layers : tuple
        :class:`Picture`, :class:`BarrierLines`, :class:`PatchShapes`, :class:`Shapes`, the lowest first.
    title : str
    language : {"en", "mn", "ru"} or None
        None for the reader's.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> drawn = land.explore()
    >>> drawn
    ScreenMap: 2 layers
    >>> page = drawn.html()
    >>> "<svg" in page, "http" in page.replace("http-equiv", "")
    (True, False)
    """

    layers: tuple[Any, ...] = field(default=(), repr=False)
    title: str = ""
    language: str | None = None

    def over(self, *more: Any) -> ScreenMap:
        """The map with more layers on top."""
        return replace(self, layers=self.layers + more)

    def beneath(self, ground: Picture) -> ScreenMap:
        """The map with one more ground to choose, under all others."""
        return replace(self, layers=(ground, *self.layers))

    def html(self) -> str:
        """The page: no script but its own, no request (both held by its content security policy)."""
        from permeability.viz.pages import html_page

        tr = words(self.language or reader_language())
        context = {"m": _drawn(self, tr), "title": one_line(self.title) or tr("Map")}
        return html_page("screen_map.html.j2", context, tr, styles=("style.css", "screen_map.css"))

    def save(self, path: str | Path) -> Path:
        """Write the page; it appears whole or not at all.

        Parameters
        ----------
        path : path
            Ends in ``.html`` or ``.htm``, else O09.
        """
        from permeability.core.errors import OptionError
        from permeability.layers.whole_files import write_text

        if Path(path).suffix.lower() not in (".html", ".htm"):
            raise OptionError(
                "O09", f"a map cannot be written as {Path(path).name!r}.",
                remedy="give a name that ends in .html; .plot().save() writes pictures",
            )  # fmt: skip
        return write_text(path, self.html())

    def _repr_html_(self) -> str:
        return (
            f'<iframe sandbox="allow-scripts" title="{escape(one_line(self.title) or "map", quote=True)}" style="width:100%;height:44rem;border:0" '
            f'srcdoc="{escape(self.html(), quote=True)}"></iframe>'
        )

    def __repr__(self) -> str:
        return f"ScreenMap: {len(self.layers)} layers"


# ---------------------------------------------------------------- from layers to what the template shows
def _metric(layers: Sequence[Any]) -> Any:
    """The coordinate system of the map: that of the first layer that counts in metres, else the UTM zone of the first."""
    known = [x.crs for x in layers if x.crs is not None]
    found = next((c for c in known if getattr(c, "is_projected", False)), None)
    if found is not None or not known:
        return found
    shapes = next(x for x in layers if isinstance(x, BarrierLines) and x.crs is not None)
    return shapes.table.estimate_utm_crs()


def _placed(layer: Any, crs: Any) -> Any:
    """A layer in the coordinate system of the map."""
    if isinstance(layer, Picture) or crs is None or layer.crs is None or layer.crs == crs:
        return layer
    return replace(layer, table=layer.table.to_crs(crs))


def _drawn(shown: ScreenMap, tr: Words) -> dict[str, Any]:
    crs = _metric(shown.layers)
    layers = [_placed(x, crs) for x in shown.layers]
    known = np.array([b for b in (x.bounds for x in layers) if np.isfinite(b).all()])
    bounds = (*known[:, :2].min(axis=0), *known[:, 2:].max(axis=0)) if len(known) else (0.0, 0.0, 1.0, 1.0)
    frame = svg.frame_around(bounds, 1000.0)
    foot = (
        tr("Coordinate system: {crs}; north of the grid is up.", crs=describe_crs(crs))
        if crs is not None
        else ""
    )
    title = one_line(shown.title) or tr("Map")
    alt = tr("{n} layers. Drag or use the arrow keys to move, + and - to come nearer or go farther, 0 for the whole map.", n=tr.number(len(layers)))  # fmt: skip
    figure: dict[str, Any] = {**svg.base(frame, title, alt, foot, "map", tr), "hits": []}
    places = svg.label_places(frame)
    pictures = [x for x in layers if isinstance(x, Picture)]
    figure["rasters"] = [_picture(frame, x, tr, i) for i, x in enumerate(pictures)]
    lines = [x for x in layers if isinstance(x, BarrierLines) and type(x) is BarrierLines]
    if lines:
        figure["barriers"] = svg.barrier_layers(frame, lines[-1].table, tr)
        figure["hits"] = [_hit(frame, row, i, tr) for i, row in enumerate(_rows(lines[-1].table))]
    figure["shapes"] = [
        _shapes(frame, x, k, places, tr) for k, x in enumerate(x for x in layers if type(x) is Shapes)
    ]
    patches = [x for x in layers if isinstance(x, PatchShapes)]
    figure["patches"] = [p for x in patches for p in svg.patch_layer(frame, x.table, tr, places)]
    figure["tables"] = list(_tables(figure, tr))
    return figure


def _rows(table: gpd.GeoDataFrame) -> list[dict[str, Any]]:
    return [{str(k): v for k, v in row.items()} for row in table.to_dict("records")]


def _picture(frame: svg.Frame, layer: Picture, tr: Words, k: int) -> dict[str, Any]:
    grid, values = layer.grid, np.where(np.isfinite(layer.values), layer.values, np.nan).astype(float)
    south = grid.north - values.shape[0] * grid.cell_size
    raster: Any = SimpleNamespace(values=values, cell_size=grid.cell_size, xll=grid.west, yll=south, shape=values.shape)  # fmt: skip
    return {**svg.value_layer(frame, raster, values, scale_for(layer.kind, values), tr), "key": f"{layer.kind}-{k}"}  # fmt: skip


def _hit(frame: svg.Frame, row: dict[str, Any], i: int, tr: Words) -> dict[str, Any]:
    """A barrier to point at: where it is, and what it is."""
    name = proper_name({k: v for k, v in row.items() if k != "geometry"}, tr)
    kind = BARRIER_STYLES[barrier_key(row)].legend(tr)
    cells = [name, str(row.get("line", row.get("id", ""))), kind]
    return {"key": f"barrier-{i}", "d": frame.path([row["geometry"]]), "text": "; ".join(dict.fromkeys(cells)), "cells": cells}  # fmt: skip


def _colours(layer: Shapes, tr: Words) -> tuple[list[str], list[dict[str, str]], dict[str, Any] | None]:
    """A colour for each row, the entries of the key, or a colour bar."""
    table, n = layer.table, len(layer.table)
    if layer.column is None:
        return [layer.colour] * n, [{"colour": layer.colour, "text": ""}], None
    column = table[layer.column]
    if column.dtype.kind in "iuf":
        values = column.to_numpy(float)
        seen = values[np.isfinite(values)]
        ramp = layer.colours if isinstance(layer.colours, str) else PLAIN_RAMP
        low, high = (float(seen.min()), float(seen.max())) if len(seen) else (0.0, 1.0)
        scale = Scale("shapes", low, high if high > low else low + 1.0, "linear", ramp, layer.column, "1")
        place = scale.position(np.where(np.isfinite(values), values, np.nan))
        steps = np.round(np.nan_to_num(place) * 255).astype(int)
        rgb = ramp_colours(ramp)[steps]
        found = [
            "#8c8c8c" if np.isnan(p) else "#{:02x}{:02x}{:02x}".format(*map(int, c))
            for p, c in zip(place, rgb)
        ]
        return found, [], svg.legend_bar(scale, tr)
    names = list(dict.fromkeys("–" if pd.isna(v) else str(v) for v in column))
    ramp_of = {name: CLASSES[i] if i < len(CLASSES) else INK for i, name in enumerate(names)}
    key = [{"colour": ramp_of[name], "text": one_line(name)} for name in names[: 2 * len(CLASSES)]]
    return [ramp_of["–" if pd.isna(v) else str(v)] for v in column], key, None


def _shapes(frame: svg.Frame, layer: Shapes, k: int, places: LabelPlaces, tr: Words) -> dict[str, Any]:
    table = layer.table
    colours, key, bar = _colours(layer, tr)
    columns = list(layer.tooltip) or [c for c in table.columns if c != table.geometry.name]
    rows = _rows(table)
    out = []
    for i, row in enumerate(rows):
        shape = row[table.geometry.name]
        cells = [_told(row[c], tr) for c in columns]
        text = "; ".join(f"{c}: {v}" for c, v in zip(columns, cells))
        out.append({"key": f"shape-{k}-{i}", "text": text, "cells": cells, "colour": colours[i], "number": None, **_form(frame, shape)})  # fmt: skip
    label = tr(layer.label or N_("results"))
    if layer.numbers is not None:
        _number(out, rows, layer.numbers, places)
    return {
        "label": label, "key": key, "bar": bar, "rows": out[::-1], "columns": columns, "width": f"{layer.width:g}",
        "order": [r["key"] for r in out], "at": f"shapes-{k}",
    }  # fmt: skip


def _told(value: Any, tr: Words) -> str:
    if isinstance(value, (bool, np.bool_)):
        return tr("yes") if value else tr("no")
    if isinstance(value, (int, float, np.integer, np.floating)):
        return "–" if np.isnan(value) else tr.number(float(value))
    return "–" if value is None or value is pd.NaT else one_line(str(value))


def _form(frame: svg.Frame, shape: shapely.Geometry) -> dict[str, Any]:
    """Path and middle of a shape; points are dots."""
    if shape is None or shape.is_empty:
        return {"d": "", "form": "none", "x": 0.0, "y": 0.0}
    kind = shape.geom_type
    spot = shape.interpolate(0.5, normalized=True) if kind == "LineString" else shape.representative_point()
    x, y = frame.xy(np.array([[spot.x, spot.y]]))[0]
    if "Point" in kind:
        xy = frame.xy(shapely.get_coordinates(shape))
        return {"d": "".join(f"M{a:.2f} {b:.2f}h0.001" for a, b in xy), "form": "dot", "x": x, "y": y}
    return {"d": frame.path([shape], 0.1), "form": "area" if "Polygon" in kind else "line", "x": x, "y": y}


def _number(
    out: list[dict[str, Any]], rows: Sequence[Mapping[str, Any]], column: str, places: LabelPlaces
) -> None:
    """The rank beside each of the best."""
    best = [
        i
        for i in np.argsort([r[column] for r in rows], kind="stable")
        if rows[i][column] <= NUMBERED and out[i]["d"]
    ]
    for i in best:
        places.keep_free(out[i]["x"], out[i]["y"], 5.0)
    for i in best:
        at = places.place(out[i]["x"], out[i]["y"], str(int(rows[i][column])), 12.0)
        if at is not None:
            out[i]["number"] = {"text": str(int(rows[i][column])), "x": f"{at.x:.2f}", "y": f"{at.y:.2f}", "anchor": at.anchor, "far": at.far}  # fmt: skip


def _tables(figure: Mapping[str, Any], tr: Words) -> Iterator[dict[str, Any]]:
    """What is on the map as tables, from which a row is found on it."""
    for x in figure["shapes"]:
        found = {r["key"]: r for r in x["rows"]}
        rows = [found[k] for k in x["order"]]
        yield {"label": x["label"], "columns": x["columns"], "rows": rows[:MOST_ROWS], "all": len(rows), "open": True}  # fmt: skip
    hits = figure["hits"]
    if hits:
        columns = [tr("Name"), tr("Line"), tr("Class")]
        yield {"label": tr("barriers"), "columns": columns, "rows": hits[:MOST_ROWS], "all": len(hits), "open": not figure["shapes"]}  # fmt: skip
