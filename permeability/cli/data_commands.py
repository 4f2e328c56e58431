"""Commands about data and knowledge: species, barriers, structures, export."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from permeability.core.errors import EXIT_INPUT
from permeability.locale.language import LANGUAGES

PATH = click.Path(path_type=Path)


def say(text: str = "") -> None:
    """Print what was asked for."""
    click.echo(text)


def tell(text: str) -> None:
    """A message to stderr."""
    click.echo(text, err=True)


# ---------------------------------------------------------------- species
@click.group()
def species() -> None:
    """Species profiles: list, show."""


@species.command("list")
def species_list() -> None:
    """Ids and names of the shipped species."""
    from permeability.species import species as load
    from permeability.species import species_list as names

    for name in names():
        profile = load(name)
        called = "; ".join(profile.name(language) for language in LANGUAGES)
        say(f"{name:<22} {profile.scientific:<34} {called}")


@species.command("show")
@click.argument("name")
@click.option("--language", type=click.Choice(LANGUAGES), default="en", show_default=True)
@click.option("--html", "as_html", is_flag=True, help="print the factsheet as HTML")
def species_show(name: str, language: str, as_html: bool) -> None:
    """Factsheet of a species: behaviour, numbers with evidence grade and source, gaps in knowledge."""
    from permeability.report.factsheet import factsheet_html, factsheet_text

    say(factsheet_html(name, language=language) if as_html else factsheet_text(name, language=language))


# ---------------------------------------------------------------- the barrier database
@click.group()
def barriers() -> None:
    """The barrier database: check, template, import, summary."""


def _read(path: Path, table: str | None) -> Any:
    from permeability.layers.vectors import read_vector

    return read_vector(path, table)


@barriers.command("check")
@click.argument("file", type=PATH)
@click.option("--table", help="table in the file (default: the first)")
@click.option(
    "--schema", type=click.Choice(["barriers", "structures", "posts"]), default="barriers", show_default=True
)
def barriers_check(file: Path, table: str | None, schema: str) -> None:
    """Every fault of a layer at once: row, column, value, remedy."""
    from permeability.barriers.database import check

    findings = check(_read(file, table), schema, label=f"{file.name}{f'/{table}' if table else ''}")
    for finding in findings:
        say(finding.text())
    errors = sum(f.severity == "error" for f in findings)
    say(f"{errors} faults found." if errors else "No fault found.")
    if errors:
        raise SystemExit(EXIT_INPUT)


@barriers.command("template")
@click.argument("file", type=PATH)
def barriers_template(file: Path) -> None:
    """Write a filled template of the schema: a GeoPackage, or GeoParquet files for a name ending in .parquet."""
    from permeability.barriers.database import write_template

    for path in write_template(file):
        say(str(path))


@barriers.command("import")
@click.argument("file", type=PATH)
@click.argument("out", type=PATH)
@click.option("--table", help="table in the file (default: the first)")
@click.option(
    "--mapping",
    default="openstreetmap",
    show_default=True,
    help="a shipped mapping, or a TOML file of your own",
)
@click.option("--assume", is_flag=True, help="also fill what the mapping marks as assumptions; listed")
def barriers_import(file: Path, out: Path, table: str | None, mapping: str, assume: bool) -> None:
    """Bring a layer of another make into the schema; what could not be mapped is listed."""
    from permeability.barriers.database import import_layer
    from permeability.layers.vectors import write_gpkg

    result = import_layer(_read(file, table), mapping, assume=assume)
    layers = {name: layer for name, layer in result.layers.items() if len(layer)}
    if layers:
        write_gpkg(out, layers)
    say(result.text())
    tell(f"written: {out}" if layers else "nothing could be mapped; nothing was written")


@barriers.command("summary")
@click.argument("file", type=PATH)
@click.option("--table", help="table in the file (default: the first)")
def barriers_summary(file: Path, table: str | None) -> None:
    """Rows and kilometres by kind, status and fence."""
    from permeability.barriers.database import summary

    say(summary(_read(file, table)).to_string(index=False))


# ---------------------------------------------------------------- structures
@click.group()
def structures() -> None:
    """Crossing structures against a standard and a species."""


@structures.command("check")
@click.argument("file", type=PATH)
@click.option("--table", help="table in the file (default: the first)")
@click.option("--rules", required=True, help="name of a shipped standard, or a TOML rule file")
@click.option(
    "--species", "names", multiple=True, required=True, help="species id; may be given several times"
)
@click.option("--year", type=float, help="calendar year, for structures that animals are still learning")
def structures_check(
    file: Path, table: str | None, rules: str, names: tuple[str, ...], year: float | None
) -> None:
    """Compare an inventory of bridges, culverts and underpasses with a rule file and species."""
    from permeability.barriers.structure_inventory import check_structures

    say(check_structures(_read(file, table), rules, names, year=year).text())


@structures.command("standards")
def structures_standards() -> None:
    """Names of the shipped standards."""
    from permeability.barriers.standards import standard, standards

    for name in standards():
        s = standard(name)
        say(f"{name:<22} {s.status:<12} {s.title}")


# ---------------------------------------------------------------- export
@click.command()
@click.argument("results", type=PATH)
@click.option("--to", "kind", type=click.Choice(["qgis", "circuitscape", "ro-crate"]), required=True)
@click.option("--out", type=PATH, help="folder to write (default: RESULTS-<kind>)")
def export(results: Path, kind: str, out: Path | None) -> None:
    """Export a result folder for QGIS, Circuitscape or as RO-Crate."""
    from permeability.interop import export as exports

    target = out if out is not None else results.with_name(f"{results.name}-{kind}")
    write = {
        "qgis": exports.export_qgis,
        "circuitscape": exports.export_circuitscape,
        "ro-crate": exports.export_ro_crate,
    }[kind]
    write(results, target)
    say(str(target))
