"""Result folders for other programs: QGIS, Circuitscape, RO-Crate.  Each target is written whole or not at all."""

from __future__ import annotations

import re
import shutil
import warnings
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from permeability.core.errors import ProjectError
from permeability.layers import vectors, whole_files
from permeability.locale.language import Words, proper_name, words
from permeability.report import facts
from permeability.report.results import Results, finite, read_results
from permeability.viz import qgis_style as qgis
from permeability.viz.style import barrier_key, scale_for

if TYPE_CHECKING:
    import geopandas as gpd

__all__ = ["export_circuitscape", "export_qgis", "export_ro_crate", "slug"]

PROJECT, TABLES, CRATE, PROBLEM = "permeability.qgs", "layers.gpkg", "ro-crate-metadata.json", "README.txt"
MAPS = {"movement": ("current", "current", 1.0), "distance": ("cost_distance", "distance", 1000.0), "resistance": ("habitat", "habitat", 1.0), "resistance_with_barriers": ("resistance", "resistance", 1.0)}  # fmt: skip
MOST_NAME = 40
GROUND = ("#b2182b", "#ef8a62", "#4d9221", "#969696")  # no-go, avoid, suitable, unknown


def slug(text: object) -> str:
    """A name for files and tables: letters, digits and underscores only, short.

    Parameters
    ----------
    text : object
        Any text.

    Returns
    -------
    str
        Lower case letters, digits and underscores.

    Examples
    --------
    >>> slug('Ulaan-Uul; rm -rf "/"'), slug("Говь"), slug("<>")
    ('ulaan_uul_rm_rf', 'говь', 'unnamed')
    """
    return (
        re.sub(r"[^\w]+", "_", str(text).lower(), flags=re.UNICODE).strip("_")[:MOST_NAME].strip("_")
        or "unnamed"
    )


# ---------------------------------------------------------------- QGIS
def export_qgis(results_folder: str | Path, target_dir: str | Path, *, language: str = "en") -> Path:
    """A folder for QGIS: drag ``permeability.qgs`` into it.

    Per area and species one layer set with fixed names: ``<area>_<species>_key_areas``, ``_range``, ``_sites`` and the
    rasters ``_movement``, ``_distance``, ``_resistance``, ``_resistance_with_barriers``; per area
    ``<area>_barriers_existing`` and ``<area>_barriers_planned``, and for each table of
    new lines ``<area>_new_lines_<n>``, ``<area>_new_line_ground_<n>`` and ``<area>_<species>_line_damage_<n>``.  Styles are those of the report: in the table
    ``layer_styles`` of the GeoPackage, beside each GeoTIFF as ``.qml``, and in the project.

    Parameters
    ----------
    results_folder : path
    target_dir : path
        Made, or an earlier export that is replaced.
    language : {"en", "mn", "ru"}
        Language of legends and layer titles; table and file names stay the same.

    Returns
    -------
    pathlib.Path
        The project file.

    Raises
    ------
    ProjectError
        J06 when the folder holds no results, or none that a map can show.
    OptionError
        O01 unknown language, O02 the target holds something else.

    Examples
    --------
    >>> import tempfile
    >>> import permeability as pm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = pm.run_project(pm.samples.tiny_project(f"{folder}/tiny"), f"{folder}/results", report=False)
    ...     export_qgis(f"{folder}/results", f"{folder}/qgis").name
    'permeability.qgs'
    """
    tr, results, target = words(language), read_results(results_folder), Path(target_dir)
    area = slug((results.project.get("project") or {}).get("area") or results.title)
    with whole_files.whole_folder(target, PROJECT) as aside:
        sheet = Sheet(results, area, tr, aside)
        for i, species in enumerate(results.species_ids):
            sheet.add_sites(species, shown=i == 0)
        sheet.add_new_lines()
        sheet.add_barriers()
        for i, species in enumerate(results.species_ids):
            sheet.add_species(species, shown=i == 0)
        sheet.write()
    return target / PROJECT


class Sheet:
    """Layers, styles and groups of one QGIS export, collected and written together."""

    def __init__(self, results: Results, area: str, tr: Words, folder: Path) -> None:
        self.results, self.area, self.tr, self.folder = results, area, tr, folder
        self.tables: dict[str, gpd.GeoDataFrame] = {}
        self.styles: list[dict[str, Any]] = []
        self.groups: dict[str, list[tuple[str, str, str, bool]]] = {}
        self.layers: list[str] = []
        self.map_boxes: list[tuple[float, float, float, float]] = []
        crs = results.crs
        from permeability.layers.grid import describe_crs

        self.srs = qgis.spatial_reference(crs.to_wkt(), _proj4(crs), describe_crs(crs))
        self.about = str(results.summary.get("statement") or "")

    def add_sites(self, species: str, *, shown: bool) -> None:
        """Ranked sections of one species, above everything else."""
        ranked = self.results.ranked(species)
        if ranked is None:
            return
        column = "gain_mean_conductance"
        scale = scale_for("gain", finite(ranked[column]))
        top = int((self.results.project.get("ranking") or {}).get("top", 10))
        group = self.groups.setdefault(self.tr("Ranked sections"), [])
        name = facts.names(self.results, species, self.tr)["name"]
        self._vector(
            group,
            f"{self.area}_{slug(species)}_sites",
            name,
            ranked,
            qgis.site_style(column, scale, self.tr, top),
            shown=shown,
        )

    def add_new_lines(self) -> None:
        """Lines to be, where none should run, and what one would take, for every table of the project."""
        from permeability.report.new_lines import CLASSES, COLOURS

        for name, about in (self.results.summary.get("new_lines") or {}).items():
            group, n = self.groups.setdefault(self.tr.name(str(name)), []), about["number"]
            lines, areas = (self.results.line_shapes(t, str(name)) for t in ("lines", "no_go"))
            if lines is not None:
                words = [(str(v), self.tr.name(str(v))) for v in lines["line"]]
                self._vector(
                    group,
                    f"{self.area}_new_lines_{n}",
                    self.tr("New line"),
                    lines,
                    qgis.new_line_style(words, COLOURS),
                    shown=True,
                )
            if areas is not None:
                words = [(v, self.tr(t)) for v, t in CLASSES.items()]
                self._vector(
                    group,
                    f"{self.area}_new_line_ground_{n}",
                    self.tr("Ground for a new line: suitable, avoid, no-go"),
                    areas,
                    qgis.ground_style(words, GROUND),
                    shown=False,
                )
            for species in about["species"]:
                self._raster(
                    group,
                    f"{self.area}_{slug(species)}_line_damage_{n}",
                    species,
                    f"line_damage_{n}",
                    "damage",
                    1.0,
                    shown=False,
                )

    def add_outline(self, table: str, title: str, frame: gpd.GeoDataFrame, style: str) -> None:
        """A table of its own, such as the border of a country."""
        self._vector(self.groups.setdefault(title, []), table, title, frame, style, shown=True)

    def add_species(self, species: str, *, shown: bool) -> None:
        """Key areas, range and maps of one species."""
        tr, results = self.tr, self.results
        group, stem = (
            self.groups.setdefault(facts.names(results, species, tr)["name"], []),
            f"{self.area}_{slug(species)}",
        )
        for part, title, table in (
            ("key_areas", tr("Patches that should stay connected"), results.patches),
            ("range", tr("Range"), results.ranges),
        ):
            mine = results.of_species(table, species)
            if mine is not None:
                style = qgis.patch_style(_geometry(mine)) if part == "key_areas" else qgis.range_style()
                self._vector(group, f"{stem}_{part}", title, mine, style, shown=shown)
        for part, (file, kind, factor) in MAPS.items():
            self._raster(
                group, f"{stem}_{part}", species, file, kind, factor, shown=shown and kind == "current"
            )

    def add_barriers(self) -> None:
        """Barriers that count and those that do not, as two tables."""
        table = self.results.barriers
        if table is None:
            return
        rows = [{str(k): v for k, v in r.items()} for r in table.drop(columns="geometry").to_dict("records")]
        table = table.assign(
            style_class=[barrier_key(r) for r in rows], label=[proper_name(r, self.tr) for r in rows]
        )
        standing = (
            table["standing"].astype(bool)
            if "standing" in table.columns
            else pd.Series(True, index=table.index)
        )
        group = self.groups.setdefault(self.tr("Barriers"), [])
        for part, title, mine in (
            ("existing", self.tr("Barriers that count"), table[standing]),
            ("planned", self.tr("Planned or under construction, not counted"), table[~standing]),
        ):
            if len(mine):
                self._vector(
                    group,
                    f"{self.area}_barriers_{part}",
                    title,
                    mine.reset_index(drop=True),
                    qgis.barrier_style(self.tr),
                    shown=True,
                )

    def _vector(
        self,
        group: list[tuple[str, str, str, bool]],
        table: str,
        title: str,
        frame: gpd.GeoDataFrame,
        style: str,
        *,
        shown: bool,
    ) -> None:
        kind = _geometry(frame)
        self.tables[table] = frame
        self.styles.append({
            "f_table_catalog": "", "f_table_schema": "", "f_table_name": table, "f_geometry_column": "geom", "styleName": table,
            "styleQML": qgis.qml(style, kind), "styleSLD": "", "useAsDefault": True, "description": title, "owner": "", "ui": "",
            "update_time": vectors.FIXED_DATE,
        })  # fmt: skip
        source = f"./{TABLES}|layername={table}"
        group.append((table, title, source, shown))
        self.layers.append(
            qgis.map_layer(table, title, source, self.srs, style, geometry=kind, abstract=self.about)
        )

    def _raster(
        self,
        group: list[tuple[str, str, str, bool]],
        stem: str,
        species: str,
        file: str,
        kind: str,
        factor: float,
        *,
        shown: bool,
    ) -> None:
        raster = self.results.raster(file, species)
        if raster is None:
            return
        values = finite(raster.values) / factor
        scale = scale_for(kind, values)
        style = qgis.raster_style(scale, self.tr, factor)
        shutil.copyfile(raster.path, self.folder / f"{stem}.tif")
        whole_files.write_text(self.folder / f"{stem}.qml", qgis.qml(style))
        (rows, cols), h = raster.shape, raster.cell_size
        self.map_boxes.append((raster.xll, raster.yll, raster.xll + cols * h, raster.yll + rows * h))
        unit = f" [{self.tr(scale.unit)}]" if scale.unit != "1" else ""
        title = self.tr(scale.label) + unit
        group.append((stem, title, f"./{stem}.tif", shown))
        self.layers.append(qgis.map_layer(stem, title, f"./{stem}.tif", self.srs, style, abstract=self.about))

    def write(self) -> None:
        """GeoPackage with its styles, and the project."""
        if self.tables:
            tables: dict[str, Any] = {**self.tables, "layer_styles": pd.DataFrame(self.styles)}
            vectors.write_gpkg(self.folder / TABLES, tables)
        boxes: list[Any] = [t.total_bounds for t in self.tables.values() if len(t)] or self.map_boxes
        if not boxes:
            raise ProjectError("J06", "the folder holds no layer and no map.", remedy="run the project again")
        low, high = np.min(boxes, axis=0), np.max(boxes, axis=0)
        extent = (float(low[0]), float(low[1]), float(high[2]), float(high[3]))
        whole_files.write_text(
            self.folder / PROJECT,
            qgis.project(self.results.title, self.srs, extent, self.groups, self.layers, self.about),
        )


def _geometry(frame: gpd.GeoDataFrame) -> str:
    kinds = {str(k).removeprefix("Multi") for k in frame.geom_type}
    return "Line" if kinds <= {"LineString", "LinearRing"} else "Point" if kinds <= {"Point"} else "Polygon"


def _proj4(crs: Any) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # pyproj warns that PROJ strings lose detail; the WKT beside it keeps it
        return str(crs.to_proj4())


# ---------------------------------------------------------------- Circuitscape
def export_circuitscape(results_folder: str | Path, target_dir: str | Path) -> Path:
    """A folder per species that Circuitscape (or ``permeability circuitscape``) runs: resistance, focal regions, ``.ini``.

    The resistance is the classic form, barriers burnt into cells; complete barriers are nodata.

    Parameters
    ----------
    results_folder : path
        A folder that ``permeability run`` wrote.
    target_dir : path
        Made, or an earlier export that is replaced.

    Returns
    -------
    pathlib.Path
        ``target_dir``.

    Raises
    ------
    ProjectError
        J06 when the folder holds no results.
    OptionError
        O02 when the target holds something else.

    Examples
    --------
    >>> import tempfile
    >>> import permeability as pm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = pm.run_project(pm.samples.tiny_project(f"{folder}/tiny"), f"{folder}/results", report=False)
    ...     target = export_circuitscape(f"{folder}/results", f"{folder}/cs")
    ...     [p.name for p in target.iterdir() if p.is_dir()]
    ['khulan']
    """
    results, target = read_results(results_folder), Path(target_dir)
    with whole_files.whole_folder(target, PROBLEM) as aside:
        made = [
            stem
            for s in results.species_ids
            if (stem := _circuitscape_species(results, s, aside)) is not None
        ]
        lines = [
            "Circuitscape problems written by permeability.",
            "",
            *(f"{m}/{m}.ini" for m in made),
            "",
            str(results.summary.get("statement") or ""),
        ]
        whole_files.write_text(aside / PROBLEM, "\n".join(lines).rstrip() + "\n")
    return target


def _circuitscape_species(results: Results, species: str, folder: Path) -> str | None:
    from permeability.landscape.patches import try_labels
    from permeability.layers.exchange_grids import write_ascii_grid
    from permeability.layers.grid import Grid

    raster, patches = results.raster("resistance", species), results.of_species(results.patches, species)
    if raster is None or patches is None:
        return None
    stem = slug(species)
    place = folder / stem
    place.mkdir()
    grid = Grid.from_affine(results.crs, raster.transform, raster.shape, layer=raster.path.name)
    valid = np.isfinite(raster.values)
    labels, _ = try_labels(patches, grid, valid)
    write_ascii_grid(place / "resistance.asc", np.where(valid, raster.values, np.nan), raster)
    write_ascii_grid(place / "regions.asc", np.where(labels > 0, labels, np.nan), raster)
    whole_files.write_text(place / "resistance.prj", results.crs.to_wkt("WKT1_ESRI") + "\n")
    whole_files.write_text(place / f"{stem}.ini", _ini(stem))
    whole_files.write_csv(
        place / "regions.csv",
        pd.DataFrame(
            {
                "number": np.arange(1, len(patches) + 1),
                "id": patches["id"].astype(str),
                "name": patches["name"].astype(str),
            }
        ),
    )
    return stem


def _ini(stem: str) -> str:
    parts: Mapping[str, Mapping[str, str]] = {
        "Circuitscape mode": {"data_type": "raster", "scenario": "pairwise"},
        "Habitat raster or graph": {"habitat_file": "resistance.asc", "habitat_map_is_resistances": "True"},
        "Options for pairwise and one-to-all and all-to-one modes": {"point_file": "regions.asc"},
        "Connection scheme for raster habitat data": {"connect_four_neighbors_only": "False", "connect_using_avg_resistances": "True"},
        "Calculation options": {"solver": "cg+amg"},
        "Output options": {"output_file": f"{stem}.out", "write_cur_maps": "True", "write_cum_cur_map_only": "True", "write_volt_maps": "False"},
    }  # fmt: skip
    return "\n".join(
        "\n".join([f"[{name}]", *(f"{k} = {v}" for k, v in keys.items()), ""]) for name, keys in parts.items()
    )


# ---------------------------------------------------------------- RO-Crate
ENCODINGS = {
    ".json": "application/json", ".csv": "text/csv", ".tif": "image/tiff; application=geotiff", ".html": "text/html",
    ".gpkg": "application/geopackage+sqlite3", ".txt": "text/plain", ".toml": "application/toml",
}  # fmt: skip


def export_ro_crate(results_folder: str | Path, target_dir: str | Path, *, date: str | None = None) -> Path:
    """The result folder as an RO-Crate 1.1: all files with hashes, the software, the inputs by hash, the licences.

    Parameters
    ----------
    results_folder, target_dir : path
    date : str, optional
        Date of publication (ISO); today by default.

    Returns
    -------
    pathlib.Path
        ``ro-crate-metadata.json`` in the target.

    Raises
    ------
    ProjectError
        J06 when the folder holds no results.
    OptionError
        O02 when the target holds something else.

    Examples
    --------
    >>> import tempfile
    >>> import permeability as pm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = pm.run_project(pm.samples.tiny_project(f"{folder}/tiny"), f"{folder}/results", report=False)
    ...     export_ro_crate(f"{folder}/results", f"{folder}/crate", date="2026-11-22").name
    'ro-crate-metadata.json'
    """
    results, target = read_results(results_folder), Path(target_dir)
    published = date if date is not None else datetime.now(UTC).date().isoformat()
    with whole_files.whole_folder(target, CRATE) as aside:
        for path in results.files():
            place = aside / path.relative_to(results.folder)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place)
        whole_files.write_json(
            aside / CRATE,
            {"@context": "https://w3id.org/ro/crate/1.1/context", "@graph": crate_graph(results, published)},
        )
    return target / CRATE


def crate_graph(results: Results, published: str) -> list[dict[str, Any]]:
    """Entities of the crate."""
    record = results.record
    files = [
        {
            "@id": p.relative_to(results.folder).as_posix(),
            "@type": "File",
            "name": p.name,
            "contentSize": str(p.stat().st_size),
            "sha256": whole_files.sha256(p),
            "encodingFormat": ENCODINGS.get(p.suffix, "application/octet-stream"),
        }
        for p in results.files()
    ]
    inputs = [
        {
            "@id": f"#input-{i}",
            "@type": "Dataset",
            "name": str(name),
            "identifier": f"sha256:{layer.get('sha256')}",
            "description": f"{layer.get('path')} {layer.get('table') or ''}".strip(),
        }
        for i, (name, layer) in enumerate(record.get("layers", {}).items(), start=1)
    ]
    software = [
        {"@id": f"#software-{n}", "@type": "SoftwareApplication", "name": str(n), "version": str(v)}
        for n, v in record.get("software", {}).items()
    ]
    licences = (
        sorted({str(v) for v in results.barriers["licence"] if isinstance(v, str) and v})
        if results.barriers is not None and "licence" in results.barriers.columns
        else []
    )
    root = {
        "@id": "./", "@type": "Dataset", "name": results.title, "datePublished": published, "hasPart": [{"@id": f["@id"]} for f in files],
        "description": str(results.summary.get("statement") or "Barriers to moving animals: results of permeability."),
        "license": "; ".join(licences) or "not stated by the layers", "mentions": [{"@id": "#run"}],
    }  # fmt: skip
    run = {
        "@id": "#run", "@type": "CreateAction", "name": "permeability run", "instrument": [{"@id": s["@id"]} for s in software],
        "object": [{"@id": i["@id"]} for i in inputs], "result": [{"@id": f["@id"]} for f in files],
    }  # fmt: skip
    about = {
        "@id": CRATE,
        "@type": "CreativeWork",
        "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
        "about": {"@id": "./"},
    }
    return [about, root, run, *files, *inputs, *software]
