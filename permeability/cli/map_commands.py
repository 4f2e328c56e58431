"""Commands that answer one question with a map or a layer: rank, resistance, cost-distance, circuit, omnidirectional."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from permeability.cli.answers import JsonCommand, answer, records, written
from permeability.cli.numbers import Number
from permeability.cli.parameters import NEW_LAYER, NEW_RASTER, PROJECT, RASTER, VECTOR, with_options
from permeability.cli.progress import Expected, Progress
from permeability.cli.streams import reader
from permeability.core.texts import N_

__all__ = ["MAP_COMMANDS"]

BARRIERS = (
    click.option("--lines", type=VECTOR, help="fences, roads and railways that lie on the ground (columns of the barrier schema)"),
    click.option("--table", help="table in the file of lines"),
    click.option("--species", default="khulan", show_default=True, help="with --lines: whose crossing costs count"),
)  # fmt: skip
STYLE = click.option("--style/--no-style", default=True, help="write a QGIS style (.qml) beside the map")
WORKERS = click.option("--workers", type=click.IntRange(min=1), help="threads (default: all cores)")


@click.command("rank", cls=JsonCommand)
@click.argument("project", type=PROJECT)
@click.option(
    "--out", type=NEW_LAYER, help="GeoPackage to write (default: sites.gpkg beside the project file)"
)
@click.option(
    "--species",
    "names",
    multiple=True,
    help="one of the project's; may be given several times (default: all)",
)
@WORKERS
def rank_command(project: Path, out: Path | None, names: tuple[str, ...], workers: int | None) -> None:
    """Rank the candidates of PROJECT, and nothing else of a run: the table sites of a GeoPackage."""
    from permeability.cli.printed import site_table
    from permeability.layers.vectors import write_gpkg
    from permeability.project.project import open_project
    from permeability.project.run.rank_step import rank_project
    from permeability.project.run.result_folder import sites_table

    opened = open_project(project)
    progress = Progress()
    found = rank_project(opened, species=names, progress=progress, workers=workers)
    progress.close()
    table = sites_table([r.table.assign(species=n) for n, r in found.items()], opened.grid.crs)
    path = write_gpkg(out or opened.path.with_name("sites.gpkg"), {"sites": table})
    text = "\n\n".join(f"{n}\n{site_table(r, opened.spec.ranking.top)}" for n, r in found.items())
    notes = {n: list(r.notes) for n, r in found.items()}
    answer({"files": [path], "sites": records(table), "notes": notes}, text)
    written(path)


@click.command("resistance", cls=JsonCommand)
@click.argument("project", type=PROJECT)
@click.option("--species", help="of the project (default: its first)")
@click.option(
    "--form", type=click.Choice(["ground", "burnt"]), default="ground", show_default=True,
    help="of the ground alone, or with barriers burnt into cells (the classic form)",
)  # fmt: skip
@click.option(
    "--out", type=NEW_RASTER, help="GeoTIFF to write (default: resistance.tif beside the project file)"
)
@STYLE
def resistance_command(project: Path, species: str | None, form: str, out: Path | None, style: bool) -> None:
    """The resistance surface of PROJECT for one species."""
    from permeability.core.errors import check_choice
    from permeability.landscape.resistance_raster import burn_resistance
    from permeability.project.project import open_project

    opened = open_project(project)
    name = species or opened.species_ids[0]
    check_choice("species", name, opened.species_ids)
    land = opened.landscape(name)
    values = land.resistance if form == "ground" else burn_resistance(land)
    kind = "habitat" if form == "ground" else "resistance"
    target = out or opened.path.with_name("resistance.tif")
    _give_map(target, values, land.grid, kind, "resistance", "1", style, {"species": name, "form": form})


@click.command("cost-distance", cls=JsonCommand)
@click.argument("resistance", type=RASTER)
@click.argument("sources", type=VECTOR)
@click.option("--limit-km", type=Number(0, min_open=True), help="farthest distance of interest [km]")
@click.option(
    "--neighbours",
    type=click.Choice(["4", "8", "16"]),
    default="8",
    show_default=True,
    help="directions of a step",
)
@click.option("--out", type=NEW_RASTER, required=True, help="GeoTIFF to write")
@with_options(BARRIERS)
@STYLE
def cost_distance_command(
    resistance: Path, sources: Path, limit_km: float | None, neighbours: str, out: Path, lines: Path | None, table: str | None,
    species: str, style: bool,
) -> None:  # fmt: skip
    """Least-cost distance of every cell of RESISTANCE from the nearest of SOURCES [m of open ground]."""
    import numpy as np

    from permeability.engines.leastcost.distance import cost_distance

    land, grid = _ground(resistance, lines, table, species, int(neighbours))
    labels = _places(sources, land, grid)
    limit = None if limit_km is None else 1000 * limit_km
    found = np.asarray(
        cost_distance(land, labels > 0, cell_size=grid.cell_size, neighbours=int(neighbours), limit=limit)
    )
    reached = int(np.isfinite(found).sum())
    facts = {
        "sources": int(labels.max()),
        "cells_reached": reached,
        "farthest_m": float(found[np.isfinite(found)].max()),
    }
    _give_map(out, np.where(np.isfinite(found), found, np.nan), grid, "distance", "least-cost distance", "m of open ground", style, facts)  # fmt: skip


@click.command("circuit", cls=JsonCommand)
@click.argument("resistance", type=RASTER)
@click.argument("places", type=VECTOR)
@click.option("--map", "which", type=click.Choice(["cumulative", "maximum"]), default="cumulative", show_default=True, help="sum over the pairs, or the greatest of them")  # fmt: skip
@click.option("--solver", default="auto", show_default=True, help="auto, direct, multigrid, ...")
@click.option("--out", type=NEW_RASTER, required=True, help="GeoTIFF of the current to write")
@with_options(BARRIERS)
@STYLE
def circuit_command(
    resistance: Path, places: Path, which: str, solver: str, out: Path, lines: Path | None, table: str | None, species: str, style: bool
) -> None:  # fmt: skip
    """Effective resistance between all pairs of PLACES on RESISTANCE, and the map of the current."""
    import numpy as np

    from permeability.engines.circuit import pairwise

    land, grid = _ground(resistance, lines, table, species, 8)
    labels = _places(places, land, grid)
    ids = _ids(places)
    progress = Progress()
    found = pairwise(
        land,
        labels,
        solver=solver,
        current=which,
        progress=lambda done, total: progress("pairs", done, total),
    )
    progress.close()
    pairs = [
        {"a": ids[int(a) - 1], "b": ids[int(b) - 1], "resistance": float(r)}
        for a, b, r in found.table.to_numpy().tolist()
    ]
    text = "\n".join(f"{p['a']:<20} {p['b']:<20} {p['resistance']:.6g}" for p in pairs)
    _give_map(
        out,
        np.asarray(found.current),
        grid,
        "current",
        "current",
        "A per A injected",
        style,
        {"pairs": pairs},
        text,
    )


@click.command("omnidirectional", cls=JsonCommand)
@click.argument("resistance", type=RASTER)
@click.option(
    "--radius-km",
    type=Number(0, min_open=True),
    required=True,
    help="sources lie within this distance of their target [km]",
)
@click.option(
    "--block",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="cells along a block with one target; odd",
)
@click.option("--out", type=NEW_RASTER, required=True, help="GeoTIFF of the cumulative current to write")
@with_options(BARRIERS)
@WORKERS
@STYLE
def omnidirectional_command(
    resistance: Path, radius_km: float, block: int, out: Path, lines: Path | None, table: str | None, species: str, workers: int | None,
    style: bool,
) -> None:  # fmt: skip
    """Flow from everywhere to everywhere on RESISTANCE, by moving windows."""
    import os

    import numpy as np

    from permeability.engines.omnidirectional import omnidirectional

    land, grid = _ground(resistance, lines, table, species, 8)
    radius = max(1, round(1000 * radius_km / grid.cell_size))
    found = omnidirectional(
        land,
        radius=radius,
        block_size=block,
        workers=workers or os.cpu_count() or 1,
        progress=Expected("windows"),
    )
    facts = {"radius_cells": radius, "windows": int(found.windows)}
    _give_map(out, np.asarray(found.current), grid, "current", "cumulative current", "A", style, facts)


MAP_COMMANDS = (
    rank_command,
    resistance_command,
    cost_distance_command,
    circuit_command,
    omnidirectional_command,
)


# ---------------------------------------------------------------- what they share
def _ground(
    resistance: Path, lines: Path | None, table: str | None, species: str, neighbours: int
) -> tuple[Any, Any]:
    """A raster as a surface, with the barriers of a line layer on its edges where one is named; and its grid."""
    from permeability.layers.rasters import raster_grid, read_raster

    grid = raster_grid(resistance, layer=resistance.name)
    values, _ = read_raster(resistance, grid, layer=resistance.name)
    if lines is None:
        from permeability.landscape.landscape import as_dataarray

        return as_dataarray(grid, values, "resistance"), grid
    from permeability.barriers.lines import prepare
    from permeability.landscape.landscape import build
    from permeability.layers.reprojection import reproject
    from permeability.layers.vectors import read_vector
    from permeability.species import species as profile_of

    layer = reproject(read_vector(lines, table), grid.crs)
    return build(
        grid, values, prepare(layer, layer=lines.name), profile_of(species), neighbours=neighbours
    ), grid


def _places(path: Path, land: Any, grid: Any) -> Any:
    """Labels 1 to n of points or areas on the grid."""
    import numpy as np

    from permeability.landscape.patches import label_raster
    from permeability.layers.vectors import read_vector

    values = np.asarray(getattr(land, "resistance", land))
    return label_raster(read_vector(path).assign(id=_ids(path)), grid, np.isfinite(values), layer=path.name)


def _ids(path: Path) -> list[str]:
    """Ids of places, or the numbers of their rows from 1."""
    from permeability.layers.vectors import read_vector

    layer = read_vector(path)
    return [str(v) for v in layer["id"]] if "id" in layer.columns else [str(i + 1) for i in range(len(layer))]


def _give_map(
    out: Path, values: Any, grid: Any, kind: str, description: str, unit: str, style: bool, facts: dict[str, Any], text: str = ""
) -> None:  # fmt: skip
    """Write a map, its style, and say both."""
    import numpy as np

    from permeability.layers import rasters, whole_files
    from permeability.locale.language import words
    from permeability.viz import qgis_style as qgis
    from permeability.viz.style import scale_for

    files = [rasters.write_geotiff(out, values, grid, description=description, unit=unit)]
    factor = 1000.0 if kind == "distance" else 1.0
    if style:
        look = qgis.raster_style(scale_for(kind, np.asarray(values) / factor), words(), factor)
        files.append(whole_files.write_text(out.with_suffix(".qml"), qgis.qml(look)))
    seen = np.asarray(values)[np.isfinite(values)]
    answer(
        {"files": files, "kind": kind, "unit": unit, "minimum": float(seen.min()), "maximum": float(seen.max()), **facts},
        _said(text, {k: v for k, v in facts.items() if not isinstance(v, list)}),
    )  # fmt: skip
    for path in files:
        written(path)


FACTS = {
    "cells_reached": N_("cells reached"), "farthest_m": N_("farthest [m]"), "sources": N_("sources"), "radius_cells": N_("radius [cells]"),
    "windows": N_("windows"), "species": N_("species"), "form": N_("form"), "minimum": N_("minimum"), "maximum": N_("maximum"),
}  # fmt: skip


def _said(text: str, facts: dict[str, Any]) -> str | Callable[[], None]:
    tr = reader()
    lines = ([text] if text else []) + [
        f"{tr(FACTS.get(k, k.replace('_', ' ')))}: {v}" for k, v in facts.items()
    ]
    return "\n".join(lines) if lines else (lambda: None)
