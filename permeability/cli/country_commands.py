"""``permeability protconn`` and ``permeability by-country``: protected and connected land, every index by country; ``permeability atlas``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from permeability.cli.answers import JsonCommand, answer, records, written
from permeability.cli.numbers import Number
from permeability.cli.parameters import LANGUAGE, NEW_FILE, NEW_FOLDER, PROJECT, RESULTS, VECTOR
from permeability.cli.streams import reader

__all__ = ["atlas", "by_country", "protconn"]


@click.command(cls=JsonCommand)
@click.argument("areas", type=VECTOR)
@click.argument("region", type=VECTOR)
@click.option("--median-km", type=Number(0, min_open=True), required=True, help="median dispersal distance: half of those that leave get so far [km]")  # fmt: skip
@click.option(
    "--country", "column", help="column of REGION that names countries (default: all of it is one region)"
)
@click.option("--crs", help="coordinate system to work in, projected (default: that of AREAS); of equal areas where the region is large")  # fmt: skip
@click.option("--links", type=click.Choice(["all", "planar"]), default="all", show_default=True, help="which pairs are linked directly")  # fmt: skip
@click.option("--outside-km", type=Number(0), help="how far from the region areas outside it are stepping stones [km] (default: all given)")  # fmt: skip
@click.option("--touching-m", type=Number(0), default=0.0, show_default=True, help="areas so near each other hang together [m]")  # fmt: skip
@click.option("--below", type=Number(0, 1, max_open=True), default=1e-6, show_default=True, help="pairs of a chance below this are left out; the result says what they can add [1]")  # fmt: skip
@click.option("--out", type=NEW_FILE, help="table to write (.csv)")
def protconn(
    areas: Path, region: Path, median_km: float, column: str | None, crs: str | None, links: str, outside_km: float | None,
    touching_m: float, below: float, out: Path | None,
) -> None:  # fmt: skip
    """ProtConn and its parts (Saura et al. 2017, 2018) of the protected AREAS in REGION, or in every country of it.

    See docs/protected_areas.md for the formulas, and for ways through barriers in place of straight ones.
    """
    from permeability.layers.vectors import read_vector
    from permeability.layers.whole_files import write_text
    from permeability.linkage.network_metrics import MovementKernel
    from permeability.linkage.protected_areas import protconn_by_country

    drawn = read_vector(areas, crs=crs)
    lands = read_vector(region, crs=drawn.crs)
    if column is None:
        lands, column = lands.assign(region=region.stem), "region"
    found = protconn_by_country(
        drawn, MovementKernel.from_probability(1000 * median_km, 0.5), lands, name=column, links=links,
        outside_m=None if outside_km is None else 1000 * outside_km, touching_m=touching_m, below=below,
    )  # fmt: skip
    if out is not None:
        write_text(out, found.table.to_csv(index=False))
        written(out, quiet=True)
    answer(
        {"median_km": median_km, "rows": records(found.table)}, found.table.set_index("country").T.to_string()
    )


@click.command("by-country", cls=JsonCommand)
@click.argument("project", type=PROJECT)
@click.argument("countries", type=VECTOR)
@click.option("--table", help="table in the file of countries")
@click.option(
    "--name", "column", default="name", show_default=True, help="column of COUNTRIES with their names"
)
@click.option("--species", help="one of the project's (default: the first)")
@click.option("--index", type=click.Choice(["mean_conductance", "eca_km2", "reachable_km2"]), default="mean_conductance", show_default=True, help="gain of the matrix of owners and gainers")  # fmt: skip
@click.option("--border-km", type=Number(0), default=5.0, show_default=True, help="what is no farther from a country stands at its border and counts for both sides in equal parts [km]")  # fmt: skip
@click.option("--sites/--no-sites", default=True, help="rank the candidates of the project, to say who owns a section and who gains")  # fmt: skip
@click.option(
    "--out", type=NEW_FILE, help="workbook to write (.xlsx), a sheet per table; .csv writes the split alone"
)
def by_country(
    project: Path, countries: Path, table: str | None, column: str, species: str | None, index: str, border_km: float, sites: bool,
    out: Path | None,
) -> None:  # fmt: skip
    """Split every index of a species of PROJECT within, across and through COUNTRIES; say who owns the sections and who gains.

    The values of an index add up to the whole.  See docs/protected_areas.md for the rules.
    """
    from permeability.layers.vectors import read_vector
    from permeability.linkage.countries import by_country as split_of
    from permeability.linkage.countries import country_map, lines_by_country
    from permeability.project.project import open_project
    from permeability.ranking.owners import country_gains
    from permeability.ranking.ranking import rank

    opened = open_project(project)
    who = opened.species_ids[0] if species is None else species
    land, patches, inside = opened.landscape(who), opened.patches(who), opened.range_mask(who)
    lands = country_map(land.grid, read_vector(countries, table, crs=land.grid.crs), name=column)
    split = split_of(land, patches, lands, inside)
    lines = lines_by_country(land.barriers.table, lands, border_m=1000 * border_km)
    tables = {"split": split.table, "kinds": split.kinds().reset_index(), "lines": lines}
    places = opened.candidates(who) if sites else []
    if places:
        gains = country_gains(
            rank(land, patches, places, inside=inside), lands, index, border_m=1000 * border_km
        )
        tables |= {"matrix": gains.matrix.rename_axis("owner").reset_index(), "sites": gains.table}
    if out is not None:
        _keep(tables, out)
        written(out, quiet=True)
    facts = {
        "species": who,
        "statement": opened.spec.project.statement,
        **{k: records(v) for k, v in tables.items()},
    }
    shown = [split, *([gains] if places else [])]
    answer(
        facts,
        "\n\n".join(
            [
                *([reader()(opened.spec.project.statement)] if opened.spec.project.statement else []),
                *map(repr, shown),
            ]
        ),
    )


def _keep(tables: dict[str, Any], out: Path) -> None:
    """The tables as a workbook, or the first as CSV."""
    from permeability.layers.table_workbooks import write_tables
    from permeability.layers.whole_files import write_text

    if out.suffix.lower() == ".csv":
        write_text(out, tables["split"].to_csv(index=False))
    else:
        write_tables(out, tables)


@click.command(cls=JsonCommand)
@click.argument("results", type=RESULTS)
@click.argument("countries", type=VECTOR)
@click.option("--table", help="table in the file of countries")
@click.option(
    "--name", "column", default="name", show_default=True, help="column of COUNTRIES with their names"
)
@click.option("--out", type=NEW_FOLDER, help="folder to write (default: RESULTS-atlas)")
@LANGUAGE
def atlas(
    results: Path, countries: Path, table: str | None, column: str, out: Path | None, language: str | None
) -> None:  # fmt: skip
    """An atlas of RESULTS: one map set per country and species, to one standard (GeoPackage, COG, PDF, a page).

    Run the project first.  See docs/protected_areas.md for what is in it.
    """
    from permeability.interop.atlas import export_atlas
    from permeability.layers.vectors import read_vector

    target = out if out is not None else results.with_name(f"{results.name}-atlas")
    lands = read_vector(countries, table)
    page = export_atlas(results, lands, target, name=column, language=language or reader().language)
    answer({"files": [written(page)]}, lambda: None)
