"""The maps of the report, built from the rasters and tables of a result folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray

from permeability.layers.grid import describe_crs
from permeability.locale.language import N_, Words
from permeability.report.facts import Row, names
from permeability.report.results import Results
from permeability.viz import svg
from permeability.viz.label_places import SMALL, Label, LabelPlaces
from permeability.viz.maps import difference
from permeability.viz.style import Scale, scale_for, thinned

if TYPE_CHECKING:
    import geopandas as gpd

    from permeability.layers.exchange_grids import RasterFile

Array = NDArray[np.float64]
BACKDROP = (233, 233, 230, 255)
NO_PATH = (110, 110, 110, 255)
RANKS = 1.5  # texts of the map of ranked sections are this much larger in print
KM_STEP = 100.0  # between the kilometre marks of a line
CHANGES: Final[Mapping[str, str]] = {
    "current": N_("Change of the current"),
    "cost_distance": N_("Change of the least-cost distance [km of open ground]"),
    "reach": N_("Change of the number of patches that can reach a place"),
}


def foot(results: Results, raster: RasterFile, tr: Words) -> str:
    """Coordinate system, cell size, year and source of a map."""
    about = results.project.get("project") or {}
    year = about.get("year")
    when = tr("Situation of {year}.", year=str(year)) if year else tr("The project gives no year.")
    return " ".join((
        tr("Coordinate system: {crs}; cells of {n} m; north of the grid is up.", crs=describe_crs(results.crs), n=tr.number(raster.cell_size)),
        when, tr("Source: layers named under “How to repeat”, computed by permeability."),
    ))  # fmt: skip


def titled(title: str, who: str) -> str:
    """A title that stands alone: with the species.

    >>> titled("Ranked sections", "Khulan")
    'Ranked sections: Khulan'
    """
    return f"{title}: {who}"


def habitat_map(results: Results, species: str, tr: Words) -> Row | None:
    """Resistance of the ground, ranges, patches and barriers of a species."""
    raster = results.raster("habitat", species)
    if raster is None:
        return None
    who = names(results, species, tr)["name"]
    ground = np.where(np.isinf(raster.values), np.nan, raster.values)
    scale = scale_for("habitat", ground)
    frame = svg.frame_of(raster)
    area = np.isfinite(raster.values).sum() * (raster.cell_size / 1000) ** 2
    alt = tr(
        "Map of the study area of {area} km² for {who}: resistance of the ground from {low} to {high}, {n} barriers, {m} patches.",
        area=tr.number(area), who=who, low=tr.number(scale.low, 2), high=tr.number(scale.high, 2), n=_count(results.barriers, tr),
        m=_count(results.of_species(results.patches, species), tr),
    )  # fmt: skip
    figure = _figure(
        results,
        species,
        raster,
        frame,
        f"habitat-{species}",
        titled(tr("Study area: resistance of the ground and barriers"), who),
        alt,
        tr,
    )
    figure["rasters"] = [svg.value_layer(frame, raster, ground, scale, tr)]
    return figure


def focus(
    results: Results, species: str, raster: RasterFile, also: NDArray[np.bool_] | None = None
) -> list[float] | None:
    """Bounds of a species' patches and range with a margin [m]; None where they fill most of the raster.

    A country-wide frame would show a species of one corner as a smudge.  Cells of ``also`` stay inside.
    """
    tables = (results.of_species(results.patches, species), results.of_species(results.ranges, species))
    found = [t.total_bounds for t in tables if t is not None and len(t)]
    if also is not None and also.any():
        found.append(_bounds(raster, also))
    boxes = np.array(found)
    if not len(boxes):
        return None
    west, south = boxes[:, :2].min(axis=0)
    east, north = boxes[:, 2:].max(axis=0)
    margin = 0.12 * max(east - west, north - south)
    whole = svg.frame_of(raster)
    inside = [
        max(west - margin, whole.west), max(south - margin, whole.south),
        min(east + margin, whole.east), min(north + margin, whole.north),
    ]  # fmt: skip
    wide = inside[2] - inside[0] > 0.7 * 1000 * whole.width
    return None if wide else [float(v) for v in inside]


def _bounds(raster: RasterFile, cells: NDArray[np.bool_]) -> Array:
    """West, south, east, north of the cells of a mask [m]."""
    rows, cols = np.flatnonzero(cells.any(axis=1)), np.flatnonzero(cells.any(axis=0))
    h, top = raster.cell_size, raster.yll + cells.shape[0] * raster.cell_size
    return np.array([
        raster.xll + cols[0] * h, top - (rows[-1] + 1) * h, raster.xll + (cols[-1] + 1) * h, top - rows[0] * h
    ])  # fmt: skip


def seen(frame: svg.Frame, raster: RasterFile, values: Array) -> Array:
    """The part of a raster inside a frame: what the colour scale is made for.

    >>> from permeability.viz.svg import Frame
    >>> from types import SimpleNamespace
    >>> raster = SimpleNamespace(xll=0.0, yll=0.0, cell_size=10.0)
    >>> seen(Frame(10, 0, 30, 10), raster, np.array([[1.0, 2, 3, 4], [5, 6, 7, 8]])).tolist()
    [[6.0, 7.0]]
    """
    h, rows = raster.cell_size, values.shape[0]
    top = raster.yll + rows * h
    first, last = int((top - frame.north) // h), int(np.ceil((top - frame.south) / h))
    left, right = int((frame.west - raster.xll) // h), int(np.ceil((frame.east - raster.xll) / h))
    return values[max(0, first) : max(0, last), max(0, left) : max(0, right)]


def current_map(results: Results, species: str, tr: Words) -> Row | None:
    """Current between the patches of a species."""
    raster = results.raster("current", species)
    if raster is None:
        return None
    frame = svg.frame_of(raster, focus(results, species, raster))
    scale = scale_for("current", seen(frame, raster, raster.values))
    who = names(results, species, tr)["name"]
    alt = tr("Map of the current between the patches of {who}: bright where many ways run, up to {high} passages per unit sent.",
             who=who, high=tr.number(scale.high, 2))  # fmt: skip
    figure = _figure(
        results,
        species,
        raster,
        frame,
        f"current-{species}",
        titled(tr("Where movement concentrates: current between the patches"), who),
        alt,
        tr,
    )
    figure["rasters"] = [svg.value_layer(frame, raster, raster.values, scale, tr)]
    return figure


def distance_map(results: Results, species: str, tr: Words) -> Row | None:
    """Least-cost distance from the nearest patch, land without any path hatched."""
    raster, ground = results.raster("cost_distance", species), results.raster("habitat", species)
    if raster is None:
        return None
    km = raster.values / 1000.0
    frame = svg.frame_of(ground if ground is not None else raster, focus(results, species, raster))
    scale = scale_for("distance", seen(frame, raster, km))
    shut = (
        np.isfinite(ground.values) & ~np.isfinite(km)
        if ground is not None and ground.shape == raster.shape
        else np.zeros(km.shape, bool)
    )
    who = names(results, species, tr)["name"]
    alt = tr("Map of the least-cost distance of every place from the nearest patch of {who}, up to {high} km of open ground; {shut} km² have no path to any patch.",
             who=who, high=tr.number(scale.high), shut=tr.number(shut.sum() * (raster.cell_size / 1000) ** 2))  # fmt: skip
    figure = _figure(
        results,
        species,
        raster,
        frame,
        f"distance-{species}",
        titled(tr("How far the patches are: least-cost distance"), who),
        alt,
        tr,
    )
    figure["rasters"] = [svg.value_layer(frame, raster, km, scale, tr)]
    if shut.any():
        figure["no_path"] = {
            **svg.raster_layer(frame, raster, hatch(shut)),
            "label": tr("no path to any patch"),
        }
    return figure


def hatch(mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Diagonal stripes where the mask holds, shape (rows, cols, 4).

    >>> hatch(np.array([[True, False]]))[0, :, 3].tolist()
    [255, 0]
    """
    small, _ = thinned(np.where(mask, 1.0, np.nan))
    rows, cols = np.indices(small.shape)
    out = np.zeros((*small.shape, 4), np.uint8)
    inside = np.isfinite(small)
    out[inside] = (205, 205, 205, 255)
    out[inside & ((rows + cols) % 4 < 2)] = NO_PATH
    return out


def ranking_map(
    results: Results, species: str, sites: list[Row], index: str, top: int, tr: Words
) -> Row | None:
    """Ranked sections with the layers behind them, to pan and zoom."""
    ranked, raster = results.ranked(species), results.raster("habitat", species)
    if ranked is None or raster is None:  # a ranking that is there has rows
        return None
    bounds = ranked.total_bounds
    patches = results.of_species(results.patches, species)
    if patches is not None:
        bounds = [min(bounds[0], patches.total_bounds[0]), min(bounds[1], patches.total_bounds[1]),
                  max(bounds[2], patches.total_bounds[2]), max(bounds[3], patches.total_bounds[3])]  # fmt: skip
    frame = svg.frame_of(raster, bounds)
    gains = np.array([s["gain"].get(index, np.nan) for s in sites])
    gains = np.where(np.isfinite(gains), gains, np.nan)
    scale = scale_for("gain", gains)
    best = sites[0]
    alt = tr("Map of {n} ranked sections; the best is {best}, and the {top} best have their rank written beside them.",
             n=tr.number(len(sites)), best=best["id"], top=tr.number(min(top, len(sites))))  # fmt: skip
    places = svg.label_places(frame, RANKS)
    for shape in ranked.geometry:
        places.keep_line_free(frame.xy(shapely.get_coordinates(shape)), 4.0)
    labels = _rank_labels(frame, ranked, sites, top, places)
    who = names(results, species, tr)["name"]
    title = titled(tr("Ranked sections"), who)
    figure = _figure(results, species, raster, frame, f"ranking-{species}", title, alt, tr, places)
    colours = scale.rgba(gains[None, :])[0]
    figure["sections"] = [
        _section(frame, ranked, i, s, colours[i], labels.get(s["key"]), tr) for i, s in enumerate(sites)
    ]
    figure["section_legend"] = svg.legend_bar(scale, tr)
    figure["km_marks"] = km_marks(frame, [ranked], places, tr)
    figure["interactive"] = True
    figure["rasters"] = [
        {**layer, "off": True}
        for layer in (
            _optional(results, frame, kind, file, species, tr)
            for kind, file in (("habitat", "habitat"), ("current", "current"), ("distance", "cost_distance"))
        )
        if layer is not None
    ]
    return figure


def km_marks(
    frame: svg.Frame, tables: Sequence[gpd.GeoDataFrame | None], places: LabelPlaces, tr: Words
) -> list[Row]:
    """Kilometre marks of the ranked lines where sections begin, at round kilometres, as far as there is room."""
    out: list[Row] = []
    seen: set[tuple[str, float]] = set()
    for table in tables:
        rows = [] if table is None else zip(table["line"].astype(str), table["km_from"], table.geometry)
        for line, km, shape in sorted(rows, key=lambda r: (r[0], float(r[1]))):
            if shape.is_empty or float(km) % KM_STEP or (line, float(km)) in seen:
                continue
            seen.add((line, float(km)))
            (x, y) = frame.xy(np.array([shapely.get_coordinates(shape)[0]]))[0]
            at = places.place(float(x), float(y), tr("km {n}", n=tr.number(km)), 9.0, beside=True)
            if at is not None:
                out.append({"x": f"{x:.2f}", "y": f"{y:.2f}", "tx": f"{at.x:.2f}", "ty": f"{at.y:.2f}", "anchor": at.anchor, "text": tr("km {n}", n=tr.number(km))})  # fmt: skip
    return out


def _rank_labels(
    frame: svg.Frame, ranked: gpd.GeoDataFrame, sites: list[Row], top: int, places: LabelPlaces
) -> dict[str, tuple[Label, float, float]]:
    """Where the ranks of the best stand, with the middle of their section [km]; best first, so that none hides rank 1."""
    middles = {}
    for i, site in enumerate(sites):
        shape = ranked.geometry.iloc[i]
        if site["rank"] <= top and not shape.is_empty:
            point = shape.interpolate(0.5, normalized=True)
            middles[site["key"]] = frame.xy(np.array([[point.x, point.y]]))[0]
    for x, y in middles.values():
        places.keep_free(float(x), float(y), 6.0)
    out = {}
    for site in sorted((s for s in sites if s["key"] in middles), key=lambda s: (s["rank"], s["key"])):
        x, y = (float(v) for v in middles[site["key"]])
        found = places.place(x, y, str(site["rank"]), 13.0)
        if found is not None:
            out[site["key"]] = (found, x, y)
    return out


def _section(
    frame: svg.Frame, ranked: gpd.GeoDataFrame, i: int, site: Row, colour: Array,
    label: tuple[Label, float, float] | None, tr: Words,
) -> Row:  # fmt: skip
    """One section with its rank where it is among the best."""
    shape = ranked.geometry.iloc[i]
    at, x, y = label if label is not None else (Label(0.0, 0.0, "start", False), 0.0, 0.0)
    return {
        "key": site["key"], "id": site["id"], "rank": site["rank"], "d": frame.path([shape], 0.05), "colour": "#{:02x}{:02x}{:02x}".format(*(int(c) for c in colour[:3])),
        "label": "" if label is None else str(site["rank"]), "x": f"{at.x:.2f}", "y": f"{at.y:.2f}", "anchor": at.anchor, "far": at.far,
        "middle_x": f"{x:.2f}", "middle_y": f"{y:.2f}", "title": tr("Rank {rank}: {id}, {treatment}", rank=site["rank"], id=site["id"], treatment=site["treatment"]),
    }  # fmt: skip


def _optional(
    results: Results, frame: svg.Frame, kind: str, file: str, species: str, tr: Words
) -> Row | None:
    raster = results.raster(file, species)
    if raster is None:
        return None
    values = (
        raster.values / 1000.0
        if kind == "distance"
        else np.where(np.isinf(raster.values), np.nan, raster.values)
    )
    return svg.value_layer(frame, raster, values, scale_for(kind, values), tr)


def _changed(
    before: Results, after: Results, species: str, kind: str
) -> tuple[Array, Array, RasterFile] | None:
    """Two rasters of one kind [unit of the map] and their place; None when a run lacks it or the grids differ."""
    a, b = before.raster(kind, species), after.raster(kind, species)
    if (
        a is None
        or b is None
        or a.shape != b.shape
        or (a.xll, a.yll, a.cell_size) != (b.xll, b.yll, b.cell_size)
    ):
        return None
    factor = 1000.0 if kind == "cost_distance" else 1.0
    return a.values / factor, b.values / factor, a


def difference_scale(before: Results, others: Sequence[Results], species: str, kind: str) -> Scale | None:
    """One scale for the changes of several runs against one; None when nothing changes."""
    found = [_changed(before, r, species, kind) for r in others]
    changes = [difference(f[0], f[1]).ravel() for f in found if f is not None]
    every = np.concatenate(changes) if changes else np.zeros(0)
    every = every[np.isfinite(every) & (every != 0)]
    return scale_for("difference", every) if len(every) else None


def difference_map(
    before: Results, after: Results, species: str, kind: str, tr: Words, *, scale: Scale | None = None
) -> Row | None:
    """Signed change of a raster between two runs on the same grid; None when there is none to show.

    Where there is less, the colour is striped, so that the sign can be told in grey print.
    """
    pair = _changed(before, after, species, kind)
    if pair is None:
        return None
    one, two, a = pair
    change = difference(one, two)
    opened, closed = np.isfinite(two) & ~np.isfinite(one), np.isfinite(one) & ~np.isfinite(two)
    if not (opened.any() or closed.any() or (np.nan_to_num(change) != 0).any()):
        return None
    scale = scale or scale_for("difference", change[change != 0])
    label, cell = tr(CHANGES[kind]), (a.cell_size / 1000) ** 2
    who = names(after, species, tr)["name"]
    changed = opened | closed | (np.abs(np.nan_to_num(change)) > 0.01 * scale.high)
    frame = svg.frame_of(a, focus(after, species, a, changed))
    more, less = (tr.number(n * cell) for n in ((change > 0).sum(), (change < 0).sum()))
    alt = tr("{what}: more on {more} km², less on {less} km².", what=label, more=more, less=less)
    figure = _figure(after, species, a, frame, f"difference-{kind}-{species}", titled(label, who), alt, tr)
    shown, _ = thinned(np.where(change == 0, np.nan, change))
    layer = svg.raster_layer(frame, a, striped(scale.rgba(shown), shown < 0))
    legend = svg.legend_bar(scale, tr)
    legend["label"] = tr("{what} (less: striped)", what=legend["label"])
    figure["rasters"] = [{**layer, "key": scale.kind, "label": label, "legend": legend}]
    figure["note"] = tr("More on {more} km², less on {less} km².", more=more, less=less)
    if opened.any() or closed.any():
        figure["note"] += " " + tr(
            "Only after: a value on {new} km²; only before: on {gone} km².",
            new=tr.number(opened.sum() * cell),
            gone=tr.number(closed.sum() * cell),
        )
    return figure


def striped(rgba: NDArray[np.uint8], where: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Colours with thin light diagonals where the mask holds.

    >>> striped(np.zeros((1, 4, 4), np.uint8), np.array([[True, True, False, True]]))[0, :, 0].tolist()
    [255, 0, 0, 0]
    """
    rows, cols = np.indices(where.shape)
    out = rgba.copy()
    out[where & ((rows + cols) % 4 == 0)] = (255, 255, 255, 255)
    return out


def _figure(
    results: Results,
    species: str,
    raster: RasterFile,
    frame: svg.Frame,
    key: str,
    title: str,
    alt: str,
    tr: Words,
    places: LabelPlaces | None = None,
) -> Row:
    places = places if places is not None else svg.label_places(frame, SMALL)
    figure: dict[str, Any] = svg.base(frame, title, alt, foot(results, raster, tr), key, tr)
    figure["letters"] = places.letters
    figure["barriers"] = svg.barrier_layers(frame, results.barriers, tr)
    if results.scenarios is None:  # a single option; the measures of several do not belong on today's land
        figure["measures"] = svg.measure_layer(frame, results.measures)
    figure["patches"] = svg.patch_layer(frame, results.of_species(results.patches, species), tr, places)
    ranges = results.of_species(results.ranges, species)
    figure["ranges"] = frame.path(ranges.geometry) if ranges is not None else ""
    ground = results.raster("habitat", species)
    if ground is not None:
        figure["backdrop"] = backdrop(frame, ground)
    return figure


def backdrop(frame: svg.Frame, ground: RasterFile) -> Row:
    """The land of the study area in one quiet grey."""
    mask, _ = thinned(np.where(np.isnan(ground.values), np.nan, 1.0))
    rgba = np.zeros((*mask.shape, 4), np.uint8)
    rgba[np.isfinite(mask)] = BACKDROP
    return svg.raster_layer(frame, ground, rgba)


def standing(barriers: gpd.GeoDataFrame | None) -> gpd.GeoDataFrame | None:
    """Barriers that stand; planned lines are left out."""
    if barriers is None or "standing" not in barriers.columns:
        return barriers
    return barriers[barriers["standing"].astype(str) == "True"].reset_index(drop=True)


def _count(table: Any, tr: Words) -> str:
    return tr.number(0 if table is None else len(table))
