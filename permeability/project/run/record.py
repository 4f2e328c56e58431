"""Summary and record of a run: headline numbers, inputs with hashes, versions, choices, residuals."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from permeability._version import __version__
from permeability.core.errors import Finding
from permeability.core.texts import Said, Worded, plainly
from permeability.core.units import unit_of
from permeability.layers import whole_files
from permeability.locale.language import LANGUAGES
from permeability.planning.option_statements import option_statements
from permeability.project.project import Project
from permeability.project.run.scenarios import (
    scenario_record,
    scenario_summary,
)
from permeability.ranking.impact_statements import headline
from permeability.ranking.ranking import Ranking
from permeability.ranking.ranking_notes import CROSSED
from permeability.ranking.statements import today_in_draws

__all__ = []
from permeability.project.run.result_folder import component_table
from permeability.project.run.run_result import SpeciesResult

LIBRARIES = (
    "numpy",
    "scipy",
    "numba",
    "pandas",
    "geopandas",
    "shapely",
    "pyproj",
    "rasterio",
    "xarray",
    "networkx",
)


NAMING = ("path", "profile", "mapping")  # keys of a project file that name files
AUXILIARY = ".aux.xml"
BESIDE = {
    ".shp": (".shx", ".dbf", ".prj", ".cpg"), ".tif": (".tfw", AUXILIARY), ".tiff": (".tfw", AUXILIARY),
    ".asc": (".prj", AUXILIARY),
}  # fmt: skip


def summarise(project: Project, results: dict[str, SpeciesResult]) -> dict[str, Any]:
    """Headline numbers with their units; no times, no paths."""
    about = project.spec.project
    out: dict[str, Any] = {
        "project": about.name,
        "statement": about.statement,
        "year": about.year,
        "season": about.season,
        "species": {},
    }
    for name, r in results.items():
        mine: dict[str, Any] = {
            "today": _with_units(r.impact.today.values),
            "without_barriers": _with_units(r.impact.bare.values),
            "range_pieces_km2": {"value": r.impact.today.pieces, "unit": "km2"},
            "lines": {row["line"]: {k: {"value": v, "unit": unit_of(k)} for k, v in row.items() if k != "line"} for row in r.impact.lines.to_dict("records")},
            "pairs": {f"{p.a} - {p.b}": {"cost_km": {"value": p.cost_km, "unit": "km"}, "resistance": {"value": p.resistance, "unit": "1"}} for p in r.connectivity.pairs.itertuples()},
        }  # fmt: skip
        mine["headline"] = headline(r.impact, r.ranking, project.spec.ranking.top)
        if r.ranking is not None:
            top = r.ranking.table.head(project.spec.ranking.top)
            gains = [c for c in top.columns if c.startswith(("gain_", "rank_", "share_", "alike", "use"))]
            mine["sites"] = {row["id"]: {"rank": row["rank"], "has_gain": bool(row["has_gain"]), **{c: {"value": row[c], "unit": unit_of(c)} for c in gains}, "cost_usd": {"value": row["cost_usd"], "unit": "USD"}} for row in top.to_dict("records")}  # fmt: skip
            if r.ranking.draws is not None:
                mine["today_in_draws"] = today_in_draws(r.ranking)
            mine["notes"] = r.ranking.notes
            if r.ranking.knowledge_gaps is not None:
                mine["knowledge_gaps"] = {g["number"]: {"what": g["what"], "share": {"value": g["share"], "unit": "1"}} for g in r.ranking.knowledge_gaps.to_dict("records") if g["clear"]}  # fmt: skip
        if r.scenarios is not None:
            mine["options_headline"] = option_statements(r.scenarios.alternatives)
        mine["scenarios"] = scenario_summary(r.scenarios) if r.scenarios is not None else {}
        out["species"][name] = mine
    return out


def _with_units(values: dict[str, float]) -> dict[str, Any]:
    return {k: {"value": v, "unit": unit_of(k)} for k, v in values.items()}


def make_record(project: Project, results: dict[str, SpeciesResult]) -> dict[str, Any]:
    """Inputs with hashes, parameters, versions, choices and residuals."""
    layers = {}
    for name, spec in project.spec.layers.items():
        layers[name] = {
            "path": spec.path,
            "table": spec.table,
            "sha256": whole_files.sha256(project.folder / spec.path),
        }
    plans = {name: r.scenarios for name, r in results.items() if r.scenarios is not None}
    return {
        "scenarios": scenario_record(project, plans) if plans else {},
        "software": software(),
        "platform": f"{platform.system()} {platform.machine()}",
        "project_file": _file_record(project.path),
        "project": project.spec.model_dump(),
        "grid": {"text": repr(project.grid), "crs": project.grid.crs.to_wkt(), **project.grid.distortion()},
        "layers": layers,
        "inputs": input_hashes(project),
        "alignment": sorted({str(n) for n in project.notes}),
        "alignment_said": {str(n): plainly(n) for n in sorted(project.notes, key=str) if isinstance(n, Said)},
        "chainage": {str(i): c.source for i, c in zip(project.barriers.table["id"], project.barriers.chainages)},
        "species": {name: _species_record(project, name, r) for name, r in results.items()},
    }  # fmt: skip


def software() -> dict[str, str]:
    """Versions of this package, of Python and of the libraries that numbers come from.

    Returns
    -------
    dict
        Name -> version.

    Examples
    --------
    >>> software()["permeability"] == __version__
    True
    """
    versions = {p: metadata.version(p) for p in LIBRARIES}
    return {"permeability": __version__, "python": platform.python_version(), **versions}


def input_hashes(project: Project) -> dict[str, str]:
    """SHA-256 of every file that a project file names, itself and the files beside a shapefile or raster included.

    Parameters
    ----------
    project : Project

    Returns
    -------
    dict
        Path from the folder of the project file -> 64 hexadecimal characters; what a virtual raster or layer reads from
        in turn is not followed.

    Examples
    --------
    >>> import tempfile
    >>> import permeability as pm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     project = pm.open_project(pm.samples.tiny_project(f"{folder}/tiny"))
    ...     list(input_hashes(project))
    ['layers.gpkg', 'project.toml', 'resistance.tif']
    """
    named = {
        *_file_names(project.spec.model_dump()),
        *([project.path.name] if project.path.is_file() else ()),
    }
    found: dict[str, str] = {}
    for name in sorted(named):
        path = project.folder / name
        if not path.exists():
            continue  # the name of a shipped mapping
        found[name] = whole_files.sha256(path)
        for end in BESIDE.get(path.suffix.lower(), ()):
            beside = path.with_name(path.name + end) if end == AUXILIARY else path.with_suffix(end)
            if beside.is_file():
                found[str(Path(name).with_name(beside.name).as_posix())] = whole_files.sha256(beside)
    return dict(sorted(found.items()))


def _file_names(value: Any, key: str = "") -> Iterator[str]:
    """Texts under the keys of a project file that name files."""
    if isinstance(value, dict):
        for inner_key, inner in value.items():
            yield from _file_names(inner, str(inner_key))
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _file_names(inner, key)
    elif key in NAMING and isinstance(value, str) and value:
        yield value


def _file_record(path: Path) -> dict[str, str]:
    """Name and hash of the project file; nothing for a project that was made in Python."""
    return {"name": path.name, "sha256": whole_files.sha256(path)} if path.is_file() else {}


def _species_record(project: Project, name: str, r: SpeciesResult) -> dict[str, Any]:
    report = r.connectivity.report
    notes = [*map(_crossed, r.patches.findings), *(r.ranking.notes if r.ranking is not None else ())]
    return {
        "profile": {k: e.to_dict() for k, e in r.land.profile.estimates().items()},
        "names": {lang: r.land.profile.name(lang) for lang in LANGUAGES} | {"scientific": r.land.profile.scientific},
        "habitat": project.habitat(name).factors.to_dict("records"),
        "components": component_table(r.land).to_dict("records"),
        "edges_cut": len(r.land.edge_barriers().cell),
        "solver": {
            "name": report.solver,
            "iterations": report.iterations,
            "residual": report.residual,
            "fallbacks": list(report.fallbacks),
            "notes": list(report.notes),
        },
        "sentences": r.impact.sentences,
        "notes": notes,
        "notes_said": {n: plainly(n.said) for n in notes if isinstance(n, Worded)},
        "influence": _influence(r.ranking),
    }  # fmt: skip


def _crossed(finding: Finding) -> str:
    """A patch that barriers cross, as a note: what it counts as and which lines cross it."""
    parts, lines = (str(finding.details[k]) for k in ("parts [km2]", "lines"))
    return Worded(Said(CROSSED, {"name": repr(finding.rows[0]), "areas": parts, "lines": lines}))


def _influence(ranking: Ranking | None) -> list[dict[str, Any]]:
    """What to find out first: the share of the ranks' variance that each unknown number explains by itself."""
    if ranking is None or ranking.knowledge_gaps is None:
        return []
    return list(ranking.knowledge_gaps.to_dict("records"))
