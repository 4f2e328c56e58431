"""Commands about data and knowledge: species, barriers, structures, export."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from permeability.cli.answers import JsonCommand, JsonGroup, answer, finding_facts, records, written
from permeability.cli.numbers import Number
from permeability.cli.parameters import LANGUAGE, NEW_FILE, NEW_FOLDER, NEW_LAYER, RESULTS, VECTOR
from permeability.cli.streams import reader, tell
from permeability.core.errors import EXIT_INPUT
from permeability.core.texts import N_
from permeability.locale.language import LANGUAGES


# ---------------------------------------------------------------- species
@click.group(cls=JsonGroup)
def species() -> None:
    """Species profiles: list, show."""


@species.command("list")
def species_list() -> None:
    """Ids and names of the shipped species."""
    from permeability.species import species as load
    from permeability.species import species_list as names

    found = {name: load(name) for name in names()}
    text = [
        f"{n:<22} {p.scientific:<34} {'; '.join(p.name(language) for language in LANGUAGES)}"
        for n, p in found.items()
    ]
    answer(
        [{"id": n, "scientific": p.scientific, "names": p.names} for n, p in found.items()], "\n".join(text)
    )


@species.command("show")
@click.argument("name")
@LANGUAGE
@click.option("--html", "as_html", is_flag=True, help="print the factsheet as HTML")
def species_show(name: str, language: str | None, as_html: bool) -> None:
    """Factsheet of a species: behaviour, numbers with evidence grade and source, gaps in knowledge."""
    from permeability.report.factsheet import factsheet_html, factsheet_text
    from permeability.species import species as load

    language = language or reader().language
    text = factsheet_html(name, language=language) if as_html else factsheet_text(name, language=language)
    profile = load(name)
    answer(
        {"id": profile.id, "language": language, "html" if as_html else "text": text, "profile": profile},
        text,
    )


# ---------------------------------------------------------------- the barrier database
@click.group(cls=JsonGroup)
def barriers() -> None:
    """The barrier database: check, template, import, summary."""


def _read(path: Path, table: str | None) -> Any:
    from permeability.layers.vectors import read_vector

    return read_vector(path, table)


@barriers.command("check")
@click.argument("file", type=VECTOR)
@click.option("--table", help="table in the file (needed when it holds several)")
@click.option(
    "--schema", type=click.Choice(["barriers", "structures", "posts"]), default="barriers", show_default=True
)
def barriers_check(file: Path, table: str | None, schema: str) -> None:
    """Every fault of a layer at once: row, column, value, remedy."""
    from permeability.barriers.database import check

    findings = check(_read(file, table), schema, label=f"{file.name}{f'/{table}' if table else ''}")
    errors = sum(f.severity == "error" for f in findings)
    tr = reader()
    last = tr("{n} faults found.", n=tr.number(errors)) if errors else tr("No fault found.")
    answer([finding_facts(f) for f in findings], "\n".join([*(f.text() for f in findings), last]))
    if errors:
        raise SystemExit(EXIT_INPUT)


@barriers.command("template")
@click.argument("file", type=NEW_LAYER)
def barriers_template(file: Path) -> None:
    """Write a filled template of the schema: a GeoPackage, an Excel workbook with lists of words for a name
    ending in .xlsx, or GeoParquet files for one ending in .parquet."""
    from permeability.barriers.database import write_template

    files = [written(path) for path in write_template(file)]
    answer({"files": files}, lambda: None)


@barriers.command("import")
@click.argument("file", type=VECTOR)
@click.argument("out", type=NEW_LAYER)
@click.option("--table", help="table in the file (needed when it holds several)")
@click.option(
    "--mapping",
    default="openstreetmap",
    show_default=True,
    help="a shipped mapping, or a TOML file of your own",
)
@click.option("--assume", is_flag=True, help="also fill what the mapping marks as assumptions; listed")
@click.option(
    "--list",
    "listed",
    type=NEW_FILE,
    help="write every feature that was not taken over as it is to a CSV file",
)
def barriers_import(
    file: Path, out: Path, table: str | None, mapping: str, assume: bool, listed: Path | None
) -> None:
    """Bring a layer of another make into the schema; what could not be mapped is counted by reason.

    Of an OpenStreetMap extract (.osm, .osm.pbf) the table of lines is taken.
    """
    import pandas as pd

    from permeability.barriers.database import import_layer
    from permeability.layers.vectors import write_gpkg
    from permeability.layers.whole_files import write_csv

    if table is None and file.suffix.lower() in (".osm", ".pbf"):
        table = "lines"
    result = import_layer(_read(file, table), mapping, assume=assume)
    layers = {name: layer for name, layer in result.layers.items() if len(layer)}
    if layers:
        write_gpkg(out, layers)
    files = [p for p in (out if layers else None, listed) if p is not None]
    answer(
        {"files": files, "rows": {n: len(t) for n, t in layers.items()}, "lists": {n: len(t) for n, t in result.lists.items()}},
        result.text(),
    )  # fmt: skip
    if listed is not None:
        whole = [t.assign(what=title) for title, t in result.lists.items() if len(t)]
        write_csv(listed, pd.concat(whole, ignore_index=True) if whole else pd.DataFrame(columns=["what"]))
        tell(reader()(N_("written: {path}"), path=listed))
    tr = reader()
    tell(tr("written: {path}", path=out) if layers else tr("nothing could be mapped; nothing was written"))
    if not layers:
        raise SystemExit(EXIT_INPUT)


@barriers.command("lines")
@click.argument("file", type=VECTOR)
@click.option("--table", help="table in the file (needed when it holds several)")
@click.option("--posts", type=VECTOR, help="layer of kilometre posts")
def barriers_lines(file: Path, table: str | None, posts: Path | None) -> None:
    """Where the kilometres of every line begin and end (in the system of the layer), and what they stand on.

    The layer must be in a projected system.
    """
    from permeability.barriers.lines import prepare

    found = prepare(_read(file, table), posts=None if posts is None else _read(posts, None), layer=file.name)
    rows, text = (
        [],
        [f"{'line':<24} {'rows':>4} {'km from':>9} {'km to':>9}  {'begins at':<24} {'ends at':<24} by"],
    )
    for line in found.lines:
        those, (low, high) = found.rows_of(line), found.km_range(line)
        ends: list[tuple[float, float] | None] = []
        for km, inward in ((low, 1e-6), (high, -1e-6)):
            piece = found.stretch(line, min(km, km + inward * 1000), max(km, km + inward * 1000))
            ends.append(None if piece.is_empty else piece.centroid.coords[0])
        source = ", ".join(dict.fromkeys(found.chainages[i].source for i in those))
        shown = ["" if e is None else "{:.0f}, {:.0f}".format(*e) for e in ends]
        text.append(
            f"{line:<24} {len(those):>4} {low:>9.3f} {high:>9.3f}  {shown[0]:<24} {shown[1]:<24} {source}"
        )
        rows.append({"line": line, "rows": len(those), "km_from": low, "km_to": high, "begins_at": ends[0], "ends_at": ends[1], "by": source})  # fmt: skip
    answer({"lines": rows, "findings": [finding_facts(f) for f in found.findings]}, "\n".join(text))
    for finding in found.findings:
        tell(finding.text())


@barriers.command("summary")
@click.argument("file", type=VECTOR)
@click.option("--table", help="table in the file (needed when it holds several)")
def barriers_summary(file: Path, table: str | None) -> None:
    """Rows and kilometres by kind, status and fence."""
    from permeability.barriers.database import summary

    found = summary(_read(file, table))
    answer(records(found), found.to_string(index=False))


# ---------------------------------------------------------------- structures
@click.group(cls=JsonGroup)
def structures() -> None:
    """Crossing structures against a standard and a species."""


@structures.command("check")
@click.argument("file", type=VECTOR)
@click.option("--table", help="table in the file (needed when it holds several)")
@click.option("--rules", required=True, help="name of a shipped standard, or a TOML rule file")
@click.option(
    "--species", "names", multiple=True, required=True, help="species id; may be given several times"
)
@click.option(
    "--year", type=Number(), help="calendar year [a], for structures that animals are still learning"
)
def structures_check(
    file: Path, table: str | None, rules: str, names: tuple[str, ...], year: float | None
) -> None:
    """Compare an inventory of bridges, culverts and underpasses with a rule file and species."""
    from permeability.barriers.structure_inventory import check_structures

    found = check_structures(_read(file, table), rules, names, year=year)
    told = [finding_facts(f) for f in found.findings]
    answer(
        {"standard": found.standard.name, "structures": records(found.table), "findings": told}, found.text()
    )


@structures.command("standards")
def structures_standards() -> None:
    """Names of the shipped standards."""
    from permeability.barriers.standards import standard, standards

    found = {name: standard(name) for name in standards()}
    text = [f"{name:<22} {s.status:<12} {s.title}" for name, s in found.items()]
    answer([{"id": n, "status": s.status, "title": s.title} for n, s in found.items()], "\n".join(text))


# ---------------------------------------------------------------- export
@click.command(cls=JsonCommand)
@click.argument("results", type=RESULTS)
@click.option("--to", "kind", type=click.Choice(["qgis", "circuitscape", "ro-crate"]), required=True)
@click.option("--out", type=NEW_FOLDER, help="folder to write (default: RESULTS-<kind>)")
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
    answer({"files": [written(target)]}, lambda: None)


@click.command(cls=JsonCommand)
@click.argument("results", type=RESULTS)
@LANGUAGE
@click.option("--out", type=NEW_FILE, help="file to write, ending in .xlsx (default: RESULTS.xlsx)")
def workbook(results: Path, language: str | None, out: Path | None) -> None:
    """Write every table of a result folder as one Excel workbook, a sheet each."""
    from permeability.report.run_workbook import export_workbook

    target = out if out is not None else results.resolve().with_name(f"{results.resolve().name}.xlsx")
    answer(
        {"files": [written(export_workbook(results, target, language=language or reader().language))]},
        lambda: None,
    )
