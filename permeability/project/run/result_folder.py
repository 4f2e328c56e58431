"""The files of a result folder."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from permeability._version import __version__
from permeability.barriers.lines import traffic_class
from permeability.landscape.landscape import Landscape
from permeability.landscape.resistance_raster import burn_resistance
from permeability.layers import rasters, vectors, whole_files
from permeability.layers.degrees import middle_degrees
from permeability.project.run.choice_results import plan_table
from permeability.project.run.run_result import Run, SpeciesResult, _species_first
from permeability.project.run.scenarios import (
    measure_table,
    write_scenarios,
)
from permeability.ranking.held_draws import held, to_arrays

__all__ = ["component_table", "sites_table", "write_maps", "written_files"]

WRITTEN = (
    "impact.csv", "pairs.csv", "scenario*.csv", "sites.csv", "pressure.csv", "plan.csv", "cost_benefit.csv", "offset.csv",
    "sites.gpkg", "summary.json", "record.json", "report.html", "habitat_*.tif", "resistance_*.tif", "current_*.tif", "cost_distance_*.tif",
    "draws_*.npz",
)  # fmt: skip


def component_table(land: Landscape) -> pd.DataFrame:
    """Every component of every standing barrier with its crossing chance, grade and source.

    Parameters
    ----------
    land : Landscape

    Returns
    -------
    DataFrame
        ``id``, ``line``, ``component``, ``standing``, ``p_low``, ``p``, ``p_high``, ``evidence``,
        ``source``, ``key``.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> component_table(land)[["line", "component", "p"]].to_dict("records")[0]
    {'line': 'F', 'component': 'fence', 'p': 0.0}
    """
    rows = []
    for i, parts in enumerate(land.components):
        facts = land.barriers.table.iloc[i]
        for part in parts:
            low, best, high = part.chance.as_tuple()
            rows.append({
                "id": facts["id"], "line": facts["line"], "component": part.name, "standing": bool(land.standing[i]), "p_low": low,
                "p": best, "p_high": high, "evidence": part.chance.evidence, "source": part.chance.source, "key": part.key,
            })  # fmt: skip
    return pd.DataFrame(rows)


def write_maps(species: Mapping[str, SpeciesResult], folder: Path) -> None:
    """Write what asks for no draws: the maps of the species, and the tables and maps of the scenarios.

    Parameters
    ----------
    species : mapping
        Species -> what was found of it.
    folder : Path

    Examples
    --------
    >>> import tempfile
    >>> import permeability as pm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     run = pm.run_project(pm.samples.tiny_project(f"{folder}/tiny"))
    ...     write_maps(run.species, Path(folder))
    ...     sorted(p.name for p in Path(folder).glob("*.tif"))
    ['cost_distance_khulan.tif', 'current_khulan.tif', 'habitat_khulan.tif', 'resistance_khulan.tif']
    """
    for name, r in species.items():
        _write_maps(folder, name, r)
    write_scenarios(folder, {n: r.scenarios for n, r in species.items() if r.scenarios is not None})


def write_results(run: Run, folder: Path) -> None:
    """Write all result files but the report and what :func:`write_maps` writes, which comes first: the record names all files."""
    sites, impacts, pairs, pressed = [], [], [], []
    for name, r in run.species.items():
        impacts.append(r.impact.table.assign(species=name))
        pairs.append(r.connectivity.pairs.assign(species=name))
        if r.ranking is not None:
            sites.append(r.ranking.table.assign(species=name))
            lines = dict.fromkeys(r.ranking.table["line"])
            pressed += [r.ranking.pressure(str(line)).assign(species=name) for line in lines]
            if r.ranking.draws is not None:
                how = run.project.spec.ranking
                kept = held(
                    r.ranking,
                    top=how.top,
                    worth_usd_per_gain=how.worth_usd_per_gain,
                    budget_usd=how.budget_usd,
                )
                whole_files.write_arrays(folder / f"draws_{name}.npz", to_arrays(kept))
    whole_files.write_csv(folder / "impact.csv", _species_first(pd.concat(impacts)))
    whole_files.write_csv(folder / "pairs.csv", _species_first(pd.concat(pairs)))
    tables: dict[str, gpd.GeoDataFrame] = {}
    if sites:
        table = sites_table(sites, run.project.grid.crs)
        flat = pd.DataFrame(table.drop(columns="geometry")).join(middle_degrees(table))
        whole_files.write_csv(folder / "sites.csv", flat)
        tables["sites"] = table
        along = pd.concat(pressed, ignore_index=True).drop(columns="geometry")
        whole_files.write_csv(folder / "pressure.csv", _species_first(pd.DataFrame(along)))
    plan = plan_table(run.choice.plans)
    if plan is not None:
        whole_files.write_csv(folder / "plan.csv", pd.DataFrame(plan.drop(columns="geometry")))
        tables["plan"] = plan
    for file, money in (("cost_benefit.csv", run.choice.money), ("offset.csv", run.choice.hectares)):
        if money is not None and len(money):
            whole_files.write_csv(folder / file, _species_first(money))
    tables |= context_tables(run)
    vectors.write_gpkg(folder / "sites.gpkg", tables)
    whole_files.write_json(folder / "summary.json", run.summary)
    names = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    whole_files.write_json(
        folder / "record.json", run.record | {"files": sorted(names | {"record.json", "report.html"})}
    )


def sites_table(sites: Sequence[gpd.GeoDataFrame], crs: Any) -> gpd.GeoDataFrame:
    """Ranked sites of several species, each with a column ``species``, as one table.

    Parameters
    ----------
    sites : sequence of GeoDataFrame
    crs : CRS

    Returns
    -------
    GeoDataFrame
        ``species`` comes first.

    Examples
    --------
    >>> import shapely
    >>> one = gpd.GeoDataFrame({"rank": [1], "species": ["khulan"]}, geometry=[shapely.Point(0, 0)], crs=32648)
    >>> sites_table([one, one.assign(species="gazelle")], 32648)["species"].tolist()
    ['khulan', 'gazelle']
    """
    return gpd.GeoDataFrame(_species_first(pd.concat(sites, ignore_index=True)), crs=crs)


def written_files(folder: Path) -> set[str]:
    """Names of the files in a result folder that a run wrote itself, from its record; reports made later are somebody's own.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    set of str
        Relative names; for results of older versions those that a run is known to write.

    Examples
    --------
    >>> import tempfile
    >>> import permeability as pm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     run = pm.run_project(pm.samples.tiny_project(f"{folder}/tiny"), f"{folder}/results", report=False)
    ...     "sites.csv" in written_files(run.folder)
    True
    """
    try:
        record = json.loads((folder / "record.json").read_text(encoding="utf-8"))
        named = record.get("files")
    except (OSError, ValueError, AttributeError):
        named = None
    if isinstance(named, list):
        return {str(n) for n in named}
    names = [p.relative_to(folder) for p in folder.rglob("*") if p.is_file()]
    return {
        n.as_posix()
        for n in names
        if n.parts[0] == "scenarios" or any(n.match(pattern) for pattern in WRITTEN)
    }


def context_tables(run: Run) -> dict[str, gpd.GeoDataFrame]:
    """Barriers, patches and ranges as the report and a GIS show them."""
    barriers = run.project.barriers.table
    keep = [
        "id",
        "name",
        "kind",
        "line",
        "status",
        "fence_class",
        "fenced",
        "vehicles_per_day",
        "accuracy_m",
        "source",
        "licence",
    ]
    shown = barriers[[*[c for c in keep if c in barriers.columns], "geometry"]].copy()
    first = next(iter(run.species.values())).land
    shown["standing"] = first.standing
    shown["traffic_class"] = [
        traffic_class(float(v)) if k == "road" else ""
        for v, k in zip(pd.to_numeric(shown["vehicles_per_day"], errors="coerce"), shown["kind"])
    ]
    spans = [c.km_range for c in run.project.barriers.chainages]
    shown["km_from"], shown["km_to"] = [a for a, _ in spans], [b for _, b in spans]
    tables = {"barriers": gpd.GeoDataFrame(shown, crs=run.project.grid.crs)}
    patches = [
        r.patches.table.assign(species=n)[["species", "id", "name", "area_km2", "weight", "geometry"]]
        for n, r in run.species.items()
    ]
    tables["patches"] = gpd.GeoDataFrame(pd.concat(patches, ignore_index=True), crs=run.project.grid.crs)
    measures = measure_table({n: r.scenarios for n, r in run.species.items() if r.scenarios is not None})
    if measures is not None:
        tables["measures"] = measures
    ranges = []
    for name in run.species:
        layer = run.project.spec.species[name].range
        if layer is not None:
            frame = run.project.vector(layer)
            ranges.append(
                frame.assign(species=name)[["species", "id", "geometry"]]
                if "id" in frame.columns
                else frame.assign(species=name)[["species", "geometry"]]
            )
    if ranges:
        tables["ranges"] = gpd.GeoDataFrame(pd.concat(ranges, ignore_index=True), crs=run.project.grid.crs)
    return tables


def _write_maps(folder: Path, name: str, r: SpeciesResult) -> None:
    grid, tags = (
        r.land.grid,
        {"species": r.land.profile.scientific, "software": f"permeability {__version__}"},
    )
    rasters.write_geotiff(
        folder / f"habitat_{name}.tif",
        r.land.resistance,
        grid,
        description="resistance of the ground",
        unit="1",
        tags=tags,
    )
    rasters.write_geotiff(
        folder / f"resistance_{name}.tif",
        burn_resistance(r.land),
        grid,
        description="resistance with barriers burnt into cells (supercover)",
        unit="1",
        tags=tags,
    )
    rasters.write_geotiff(
        folder / f"current_{name}.tif",
        r.connectivity.current.to_numpy(),
        grid,
        description="current summed over pairs of patches",
        unit="passages per unit injected",
        tags=tags,
    )
    distance = r.connectivity.distance.to_numpy()
    rasters.write_geotiff(
        folder / f"cost_distance_{name}.tif",
        np.where(np.isinf(distance), np.nan, distance),
        grid,
        description="least-cost distance from the nearest patch",
        unit="m of open ground",
        tags=tags,
    )
