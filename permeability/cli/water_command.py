"""``permeability water``: pasture within reach of water through the barriers."""

from __future__ import annotations

from pathlib import Path

import click

from permeability.cli.answers import JsonCommand, answer, records, written
from permeability.cli.numbers import Number
from permeability.cli.parameters import NEW_FILE, PROJECT, VECTOR
from permeability.cli.streams import reader

__all__ = ["water"]


@click.command(cls=JsonCommand)
@click.argument("project", type=PROJECT)
@click.argument("points", metavar="WATER", type=VECTOR)
@click.option("--radius-km", type=Number(0, min_open=True), required=True, help="farthest way of the species to water [km of open ground]")  # fmt: skip
@click.option("--table", help="table in the file of water")
@click.option("--species", help="one of the project's (default: the first)")
@click.option("--pasture", type=VECTOR, help="areas that are pasture (default: the range of the species)")
@click.option(
    "--dry", multiple=True, help="id of a water point that is off in a dry year; may be given several times"
)
@click.option("--dry-column", help="column of WATER that is true where it is off in a dry year")
@click.option("--sites/--no-sites", default=True, help="rank the candidates of the project by the pasture they give back")  # fmt: skip
@click.option("--out", type=NEW_FILE, help="workbook to write (.xlsx), a sheet per table")
def water(
    project: Path, points: Path, radius_km: float, table: str | None, species: str | None, pasture: Path | None, dry: tuple[str, ...],
    dry_column: str | None, sites: bool, out: Path | None,
) -> None:  # fmt: skip
    """Pasture of a species of PROJECT within reach of WATER through the barriers; what each line takes and each opening gives.

    WATER has a column id.  See docs/water.md.
    """
    from permeability.core.cells import read_word
    from permeability.core.errors import LayerError
    from permeability.impact.water_access import openings_for_water, water_access
    from permeability.landscape.habitat import area_mask
    from permeability.layers.table_workbooks import write_tables
    from permeability.layers.vectors import read_vector
    from permeability.project.project import open_project

    opened = open_project(project)
    who = opened.species_ids[0] if species is None else species
    land = opened.landscape(who)
    there = read_vector(points, table, crs=land.grid.crs)
    inside = (
        opened.range_mask(who)
        if pasture is None
        else area_mask(read_vector(pasture, crs=land.grid.crs), land.grid)
    )
    off = set(dry)
    if dry_column is not None:
        said = [read_word(v, ("yes", "no"))[0] for v in there.get(dry_column, [None])]
        if None in said:
            raise LayerError("L04", f"there is no column {dry_column!r} with a value in every row.", layer=str(points), remedy="name a column of true and false with --dry-column")  # fmt: skip
        ids = there["id"].astype(str) if "id" in there.columns else ()  # without ids it is refused below
        off |= {i for i, word in zip(ids, said) if word == "yes"}
    today = water_access(land, there, radius_m=1000 * radius_km, pasture=inside)
    less = water_access(land, there, radius_m=1000 * radius_km, pasture=inside, off=off) if off else None
    places = opened.candidates(who) if sites else []
    tables = {"lines": today.lines, "points": today.points}
    if less is not None:
        tables["lines_dry"] = less.lines
    if places:
        tables["sites"] = openings_for_water(today, places, dry=less)
    if out is not None:
        write_tables(out, tables)
        written(out, quiet=True)
    facts = {
        "species": who, "statement": opened.spec.project.statement, "radius_km": radius_km, "pasture_km2": today.pasture_km2,
        "near_km2": today.near_km2, "open_km2": today.open_km2, "near_dry_km2": None if less is None else less.near_km2,
        **{k: records(v) for k, v in tables.items()},
    }  # fmt: skip
    tr = reader()
    text = [
        tr(opened.spec.project.statement),
        repr(today),
        None if less is None else f"in a dry year: {less!r}",
    ]
    text.append(tables["sites"].head(10).to_string(index=False) if places else None)
    answer(facts, "\n\n".join(t for t in text if t))
