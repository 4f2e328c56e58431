"""New lines of a run: where they should go, what each place would lose, the options side by side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from permeability._version import __version__
from permeability.alignment import (
    DamageMap,
    LineOptions,
    NoGo,
    compare_for_species,
    damage_map,
    damage_together,
    no_go,
    options_together,
    route,
)
from permeability.core.errors import OptionError
from permeability.layers import rasters, vectors, whole_files
from permeability.linkage.index_table import MAIN
from permeability.project.alignment_spec import AlignmentSpec
from permeability.project.line_layers import (
    closed_by_layers,
    closing_layers,
    drawn_lines,
    limits_given,
    species_of,
)
from permeability.project.project import Project

REFUSED = ("U07", "U08")  # what only the search can tell: the run goes on without the line
GPKG = "new_lines.gpkg"


@dataclass(frozen=True, eq=False)
class NewLine:
    """What a run says of one ``[[alignment]]`` table.

    ``damage`` by species; ``ground``: classes for all species together; ``found``: names of the lines that were searched for and
    the species each is best for; ``options`` by species; ``together``: one row per line over the species; ``refused``: why there is no line.
    """

    spec: AlignmentSpec
    damage: dict[str, DamageMap] = field(repr=False)
    ground: NoGo = field(repr=False)
    found: dict[str, str]
    options: dict[str, LineOptions] = field(repr=False)
    together: gpd.GeoDataFrame | None = field(repr=False)
    refused: dict[str, str]


def measure_lines(project: Project, tell: Callable[[int, int], None] | None = None) -> list[NewLine]:
    """Everything that a run keeps of its ``[[alignment]]`` tables."""
    found = []
    for k, spec in enumerate(project.spec.alignment):
        if tell is not None:
            tell(k, len(project.spec.alignment))
        found.append(_one(project, spec))
    return found


def _one(project: Project, spec: AlignmentSpec) -> NewLine:
    names = species_of(project, spec)
    weights = [spec.weights.get(n, 1.0) for n in names]
    damage = {n: damage_map(project.landscape(n), project.patches(n), spec.facts) for n in names}
    tables, away = closing_layers(project, spec)
    ground = no_go(
        damage_together(list(damage.values()), weights), worst=spec.worst, layers=tables, distance_m=away
    )
    price = None if spec.price is None else project.raster(spec.price)
    lines: dict[str, shapely.LineString] = drawn_lines(project, spec)
    found: dict[str, str] = {}
    refused: dict[str, str] = {}
    for name in names if spec.alternatives else []:
        land = project.landscape(name)
        shut = closed_by_layers(project, spec, land)
        try:
            best = route(
                land, project.patches(name), spec.start, spec.end, spec.facts, no_go=shut | ground.closed if spec.keep_off == "classes" else shut,
                n_alternatives=spec.alternatives, n_starts=spec.starts, seed=spec.seed, edge_cells=spec.edge_cells, price=price,
                price_weight=spec.price_weight, **limits_given(project, spec),
            )  # fmt: skip
        except OptionError as error:
            if error.code not in REFUSED:
                raise
            refused[name] = str(error.finding().what)
            continue
        for letter, line in best.lines.items():
            called = _free_name(letter if len(names) == 1 else f"{letter} {name}", lines)
            lines[called], found[called] = line, name
    options: dict[str, LineOptions] = {}
    if lines:
        grounds = {n: (project.landscape(n), project.patches(n), project.range_mask(n)) for n in names}
        options = compare_for_species(
            lines, grounds, spec.facts, price=price, target_loss=spec.target_loss, spacing_km=spec.spacing_km, treatment=spec.treatment,
            width_m=spec.width_m, draws=spec.draws, rng=spec.seed, countries=None if spec.countries is None else project.area(spec.countries),
        )  # fmt: skip
    together = (
        options_together(options, {n: w for n, w in spec.weights.items() if n in options})
        if options
        else None
    )
    return NewLine(spec, damage, ground, found, options, together, refused)


def _free_name(name: str, taken: dict[str, Any]) -> str:
    """A name that no drawn line has."""
    while name in taken:
        name = f"{name}*"
    return name


def line_table(found: list[NewLine]) -> pd.DataFrame:
    """``new_lines.csv``: one row per table of the project, line and species."""
    rows = []
    for one in found:
        for species, options in one.options.items():
            main = options.indices.table
            main = main[main["index"] == MAIN].set_index("scenario")
            for row in pd.DataFrame(options.table.drop(columns="geometry")).to_dict("records"):
                index = main.loc[row["line"]]
                rows.append({
                    "alignment": one.spec.name, "species": species, "drawn": row["line"] not in one.found, "best_for": one.found.get(row["line"], ""), **row,
                    MAIN: index["after"], **{f"change_{MAIN}{end}": index[f"change{end}"] for end in ("", "_low", "_high") if f"change{end}" in index.index},
                })  # fmt: skip
    table = pd.DataFrame(rows)
    first = [c for c in ("alignment", "line", "drawn", "best_for", "species") if c in table.columns]
    return table[[*first, *(c for c in table.columns if c not in first)]]


def lines_summary(found: list[NewLine]) -> dict[str, Any]:
    """What ``summary.json`` says of new lines."""
    if not found:
        return {}
    out: dict[str, Any] = {}
    for k, one in enumerate(found, start=1):
        area = one.ground.table.groupby("class")["area_km2"].sum()
        mine: dict[str, Any] = {
            "number": k, "kind": one.spec.kind, "species": list(one.damage), "refused": dict(sorted(one.refused.items())),
            "thresholds": [{"value": v, "unit": "% per km"} for v in one.ground.thresholds],
            "ground": {str(c): {"value": float(a), "unit": "km2"} for c, a in area.items()}, "lines": {},
            "target_loss": None if one.spec.target_loss is None else {"value": one.spec.target_loss, "unit": "1"},
            "max_length": {"value": one.spec.max_length, "unit": "1"},
            "crossing_km": {n: {"value": d.crossing_m / 1000, "unit": "km"} for n, d in one.damage.items()},
        }  # fmt: skip
        if one.together is not None:
            for row in pd.DataFrame(one.together.drop(columns="geometry")).to_dict("records"):
                mine["lines"][row["line"]] = {
                    "drawn": row["line"] not in one.found, "best_for": one.found.get(row["line"], ""), "worst_for": row["worst_for"],
                    "length_km": {"value": row["length_km"], "unit": "km"}, "loss": {"value": row["loss"], "unit": "1"},
                    "worst_loss": {"value": row["worst_loss"], "unit": "1"}, "avoided": {"value": row["avoided"], "unit": "1"},
                    "pairs_parted": {"value": row["pairs_parted"], "unit": "1"}, "patches_cut_off": {"value": row["patches_cut_off"], "unit": "1"},
                }  # fmt: skip
            mine["best"] = str(one.together["line"].iloc[0])
        out[one.spec.name] = mine
    return {"new_lines": out}


def write_lines(folder: Path, found: list[NewLine], crs: Any) -> None:
    """Tables, layers and maps of new lines.

    ``new_lines.csv``, ``line_indices.csv`` and ``line_countries.csv``; ``new_lines.gpkg`` with ``lines`` and ``no_go``;
    ``line_damage_<n>_<species>.tif`` and ``line_classes_<n>.tif`` for the n-th table.
    """
    compared = [one for one in found if one.options]
    if compared:
        whole_files.write_csv(folder / "new_lines.csv", line_table(compared))
        indices = [
            o.indices.table.assign(alignment=one.spec.name, species=s)
            for one in compared
            for s, o in one.options.items()
        ]
        whole_files.write_csv(folder / "line_indices.csv", pd.concat(indices, ignore_index=True))
        abroad = [
            o.by_country.assign(alignment=one.spec.name, species=s)
            for one in compared
            for s, o in one.options.items()
            if len(o.by_country)
        ]
        if abroad:
            whole_files.write_csv(folder / "line_countries.csv", pd.concat(abroad, ignore_index=True))
    tables: dict[str, Any] = {}
    shapes = [one.together.assign(alignment=one.spec.name, drawn=~one.together["line"].isin(list(one.found))) for one in found if one.together is not None]  # fmt: skip
    if shapes:
        tables["lines"] = gpd.GeoDataFrame(pd.concat(shapes, ignore_index=True), crs=crs)
    closed = [_areas(one) for one in found]
    tables["no_go"] = gpd.GeoDataFrame(pd.concat(closed, ignore_index=True), crs=crs)
    vectors.write_gpkg(folder / GPKG, tables)
    for k, one in enumerate(found, start=1):
        for name, damage in one.damage.items():
            rasters.write_geotiff(
                folder / f"line_damage_{k}_{name}.tif", damage.worst, damage.land.grid, description=f"{one.spec.name}: loss per km of line in the worst direction",
                unit="% per km", tags={"species": damage.land.profile.scientific, "software": f"permeability {__version__}"},
            )  # fmt: skip
        rasters.write_geotiff(
            folder / f"line_classes_{k}.tif", np.where(one.ground.classes > 0, one.ground.classes.astype(float), np.nan), one.ground.land.grid,
            description=f"{one.spec.name}: 1 suitable, 2 avoid, 3 no-go", unit="1", tags={"software": f"permeability {__version__}"},
        )  # fmt: skip


def _areas(one: NewLine) -> pd.DataFrame:
    """Classes of ground with their reasons in three languages."""
    table = one.ground.table
    reasons = {f"reason_{lang}": one.ground.reasons(lang) for lang in ("mn", "ru")}
    return table.drop(columns=["reason_text", "reason_values"]).assign(alignment=one.spec.name, **reasons)
