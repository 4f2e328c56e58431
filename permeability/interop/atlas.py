"""An atlas of a run: one map set per country, every species in it, all to one standard.

Each country has a GeoPackage with its styles, GeoTIFFs that can be read in pieces (COG), a QGIS project, a PDF and a picture of every map;
a page without scripts and ``atlas.json`` say what there is, in which coordinate system and units.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from permeability.core.errors import OptionError
from permeability.core.plain_text import printable
from permeability.interop.export import MAPS, Sheet, slug
from permeability.landscape.habitat import area_mask
from permeability.layers import whole_files
from permeability.layers.grid import Grid, describe_crs
from permeability.layers.rasters import write_geotiff
from permeability.locale.language import Words, words
from permeability.report import facts
from permeability.report.results import Results, finite, read_results
from permeability.viz import qgis_style as qgis
from permeability.viz.ground import Ground, ground_of_grid
from permeability.viz.maps import draw_map, new_map
from permeability.viz.style import scale_for

if TYPE_CHECKING:
    import geopandas as gpd

    from permeability.layers.exchange_grids import RasterFile

__all__ = ["MARK", "export_atlas"]

MARK, PAGE = "atlas.json", "index.html"
BORDER_M = 5000.0
STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;max-width:70em;padding:0 1em;color:#222}"
    "figure{display:inline-block;margin:0 1em 1em 0;vertical-align:top}img{width:22em;max-width:100%;border:1px solid #ccc}"
    "figcaption{font-size:.85em;max-width:26em}.note{background:#fff6d6;padding:.5em 1em}"
)


@dataclass(frozen=True, eq=False)
class _OfCountry(Results):
    """The part of some results that lies in one country."""

    shape: Any = None
    scratch: Path = Path()

    def raster(self, kind: str, species: str) -> RasterFile | None:
        """A map of the run, cut to the country; None where it has none there."""
        whole = super().raster(kind, species)
        if whole is None:
            return None
        grid = Grid.from_affine(self.crs, whole.transform, whole.shape)
        inside = _cells(self.shape, grid)
        held = inside & ~np.isnan(whole.values)
        if not held.any():
            return None
        rows, cols = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
        r, c = slice(rows[0], rows[-1] + 1), slice(cols[0], cols[-1] + 1)
        west, north = grid.west + c.start * grid.cell_size, grid.north - r.start * grid.cell_size
        values = np.where(inside, whole.values, np.nan)[r, c]
        part = Grid(grid.crs, west, north, grid.cell_size, values.shape)
        path = write_geotiff(
            self.scratch / f"{kind}_{species}.tif", values, part, description=kind, unit=MAPS_UNIT[kind]
        )
        return replace(
            whole,
            values=values,
            xll=west,
            yll=north - values.shape[0] * grid.cell_size,
            transform=part.transform,
            path=path,
        )


MAPS_UNIT = {
    "habitat": "1",
    "resistance": "1",
    "current": "passages per unit injected",
    "cost_distance": "m of open ground",
}


def export_atlas(
    results_folder: str | Path,
    countries: gpd.GeoDataFrame,
    target_dir: str | Path,
    *,
    name: str = "name",
    language: str = "en",
) -> Path:
    """A map set per country and species of a run, to one standard.

    Parameters
    ----------
    results_folder : path
        A folder that ``permeability run`` wrote.
    countries : GeoDataFrame
        Polygons; rows of one name are one country.
    target_dir : path
        Made, or an earlier atlas that is replaced.
    name : str
        Column of the names.
    language : {"en", "mn", "ru"}
        Of titles and legends; file and table names stay the same.

    Returns
    -------
    pathlib.Path
        The page.

    Raises
    ------
    ProjectError
        J06 when the folder holds no results.
    OptionError
        O01 unknown language, O02 the target holds something else; D22 countries without names, D27 no country in which anything of the run lies.

    Examples
    --------
    >>> import geopandas as gpd
    >>> import permeability as pm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = pm.run_project(pm.samples.tiny_project(f"{folder}/tiny"), f"{folder}/results", report=False)
    ...     lands = gpd.GeoDataFrame({"name": ["A"]}, geometry=[shapely.box(0, 0, 12_000, 8000)], crs="EPSG:32648")
    ...     export_atlas(f"{folder}/results", lands, f"{folder}/atlas").name
    'index.html'
    """
    tr, results, target = words(language), read_results(results_folder), Path(target_dir)
    if name not in countries.columns or countries[name].isna().any():
        raise OptionError(
            "D22", f"the countries have no {name!r} in every row.", remedy="name the column with name="
        )
    there = countries.to_crs(results.crs)
    told: list[dict[str, Any]] = []
    with whole_files.whole_folder(target, MARK) as aside, tempfile.TemporaryDirectory() as scratch:
        for country, area in _folders(there[name].astype(str)).items():
            shape = shapely.union_all(there.loc[there[name].astype(str) == country].geometry.values)
            maps = _country(_part(results, shape, Path(scratch) / area), country, area, aside / area, tr)
            if maps:
                told.append({"country": country, "folder": area, "maps": maps})
        if not told:
            raise OptionError("D27", "nothing of the run lies in any of the countries.", remedy="give polygons over the study area, with the right coordinate system")  # fmt: skip
        facts_ = _facts(results, told)
        whole_files.write_json(aside / MARK, facts_)
        whole_files.write_text(aside / PAGE, _page(facts_, tr))
    return target / PAGE


def _folders(names: Iterable[str]) -> dict[str, str]:
    """Country -> its folder; two names that would share one are numbered.

    >>> _folders(["B & Co", "B Co", "A"])
    {'A': 'a', 'B & Co': 'b_co', 'B Co': 'b_co_2'}
    """
    found: dict[str, str] = {}
    for country in sorted(set(names)):
        stem, n = slug(country), 1
        while (folder := stem if n == 1 else f"{stem}_{n}") in found.values():
            n += 1
        found[country] = folder
    return found


def _cells(shape: Any, grid: Grid) -> Any:
    import geopandas as gpd

    return area_mask(gpd.GeoDataFrame(geometry=[shape], crs=grid.crs), grid)


def _part(results: Results, shape: Any, scratch: Path) -> _OfCountry:
    """The results of one country: lines up to its border, areas cut at it."""
    near = shape.buffer(BORDER_M)

    def cut(table: gpd.GeoDataFrame | None, by: Any, *, whole: bool = False) -> gpd.GeoDataFrame | None:
        if table is None:
            return None
        mine = table[table.geometry.intersects(by)].reset_index(drop=True)
        return mine if whole or not len(mine) else mine.set_geometry(mine.geometry.intersection(by))

    held = {f.name: getattr(results, f.name) for f in fields(Results) if f.init}
    held |= {
        "sites": cut(results.sites, near, whole=True), "barriers": cut(results.barriers, near), "patches": cut(results.patches, shape),
        "ranges": cut(results.ranges, shape),
    }  # fmt: skip
    scratch.mkdir(parents=True, exist_ok=True)
    return _OfCountry(**held, shape=shape, scratch=scratch)


def _country(part: _OfCountry, country: str, area: str, place: Path, tr: Words) -> list[dict[str, str]]:
    """Layers and maps of one country; nothing where no map of the run reaches it."""
    import geopandas as gpd

    species = [s for s in part.species_ids if part.raster("habitat", s) is not None]
    if not species:
        return []
    place.mkdir(parents=True, exist_ok=True)
    sheet = Sheet(part, area, tr, place)
    outline = gpd.GeoDataFrame({"name": [country]}, geometry=[part.shape], crs=part.crs)
    sheet.add_outline(f"{area}_border", country, outline, qgis.range_style())
    for i, who in enumerate(species):
        sheet.add_sites(who, shown=i == 0)
    sheet.add_barriers()
    for i, who in enumerate(species):
        sheet.add_species(who, shown=i == 0)
    sheet.write()
    return [m for who in species for m in _maps(part, country, area, who, place, tr)]


def _maps(
    part: _OfCountry, country: str, area: str, species: str, place: Path, tr: Words
) -> list[dict[str, str]]:
    """PDF and picture of every map of a species in a country."""
    import matplotlib.pyplot as plt

    who, made = facts.names(part, species, tr)["name"], []
    for title, (file, kind, factor) in MAPS.items():
        raster = part.raster(file, species)
        if raster is None:
            continue
        values = finite(raster.values) / factor
        if not np.isfinite(values).any():
            continue
        scale = scale_for(kind, values)
        grid = Grid.from_affine(part.crs, raster.transform, raster.shape)
        ground: Ground = ground_of_grid(grid, ~np.isnan(raster.values), tr)
        lines = part.barriers
        if lines is not None and len(lines):
            standing = lines["standing"].astype(bool) if "standing" in lines.columns else True
            ground = replace(ground, barriers=lines.assign(standing=standing))
        patches = part.of_species(part.patches, species)
        high, wide = raster.shape
        ax = new_map(8.4, float(np.clip(8.4 * high / wide, 5.2, 11.0)))  # a tall country on a tall sheet
        heading = f"{country}: {who}: {tr(scale.label)}"
        drawn = draw_map(ground, values, scale, heading, ax, tr, patches=patches)
        stem = f"{area}_{slug(species)}_{title}"
        drawn.save(place / f"{stem}.pdf")
        drawn.save(place / f"{stem}.png", dpi=100)
        plt.close(drawn.figure)
        made.append(
            {
                "species": species,
                "name": who,
                "map": title,
                "title": tr(scale.label),
                "unit": scale.unit,
                "file": stem,
                "alt": drawn.alt,
            }
        )
    return made


def _facts(results: Results, told: list[dict[str, Any]]) -> dict[str, Any]:
    """What the atlas is, for machines."""
    return {
        "atlas_version": 1, "project": results.title, "statement": results.summary.get("statement"),
        "year": (results.project.get("project") or {}).get("year"), "crs": results.crs.to_wkt(), "crs_name": describe_crs(results.crs),
        "formats": {"vector": "GeoPackage, styles in layer_styles", "raster": "GeoTIFF (COG), float32, NaN = no value", "map": "PDF, PNG"},
        "units": MAPS_UNIT, "border_m": BORDER_M, "countries": told,
    }  # fmt: skip


def _page(about: dict[str, Any], tr: Words) -> str:
    """The page: every country with its maps and files; no scripts, nothing from elsewhere."""
    title = escape(printable(str(about["project"])))
    parts = [
        f'<!DOCTYPE html>\n<html lang="{tr.language}">\n<head>\n<meta charset="utf-8">',
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src 'self'; style-src 'unsafe-inline'\">",
        f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>",
    ]
    if about["statement"]:
        parts.append(f'<p class="note">{escape(printable(tr(str(about["statement"]))))}</p>')
    parts.append(f"<p>{escape(printable(str(about['crs_name'])))}</p>")
    for country in about["countries"]:
        folder = escape(country["folder"])
        parts.append(f'<h2>{escape(printable(country["country"]))}</h2>\n<p><a href="{folder}/layers.gpkg">layers.gpkg</a> · <a href="{folder}/permeability.qgs">permeability.qgs</a></p>')  # fmt: skip
        for one in country["maps"]:
            stem, alt = f"{folder}/{escape(one['file'])}", escape(printable(one["alt"]))
            parts.append(f'<figure><a href="{stem}.pdf"><img src="{stem}.png" alt="{alt}"></a><figcaption>{escape(printable(one["name"]))}: {escape(printable(one["title"]))} (<a href="{stem}.pdf">PDF</a>, <a href="{stem}.tif">GeoTIFF</a>)</figcaption></figure>')  # fmt: skip
    return "\n".join([*parts, "</body>\n</html>\n"])
