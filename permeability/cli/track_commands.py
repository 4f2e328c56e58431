"""Commands about tracks of animals: what is wrong with them, crossings, encounters, measured costs, the model held against them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from permeability.cli.answers import JsonGroup, answer, finding_facts, records, written
from permeability.cli.numbers import Number
from permeability.cli.parameters import FILE, NEW_FILE, PROJECT, VECTOR, with_options
from permeability.cli.streams import tell
from permeability.core.errors import EXIT_INPUT, OptionError


@click.group(cls=JsonGroup)
def tracks() -> None:
    """GPS tracks of animals: check, crossings, encounters, calibrate, validate."""


FIXES = (
    click.argument("fixes", type=FILE),
    click.option("--animal", help="column of the animal (default: by its usual names)"),
    click.option("--time", help="column of the time"),
    click.option("--x", help="column of the easting or longitude"),
    click.option("--y", help="column of the northing or latitude"),
    click.option("--crs", help="coordinate system of the fixes, when the file does not say"),
    click.option("--timezone", help="zone of times that name none, such as UTC"),
    click.option(
        "--drop", multiple=True, help='fault whose fixes are left out, or "all"; may be given several times'
    ),
    click.option(
        "--simulated", is_flag=True, help="no animal walked these tracks: labelled so in every output"
    ),
)
LINES = (
    click.option("--lines", type=VECTOR, required=True, help="line layer of fences, roads, railways"),
    click.option("--table", help="table in the file of lines"),
    click.option(
        "--kind", type=click.Choice(["fence", "road", "railway"]), help="of lines that have no column kind"
    ),
)
OUT = click.option("--out", type=NEW_FILE, help="file to write: .csv, .gpkg, .json")


@tracks.command("check")
@with_options(FIXES)
def check(fixes: Path, **columns: Any) -> None:
    """Everything that is wrong with FIXES, counted, with rows and remedies; writes nothing."""
    found = _fixes(fixes, columns)
    findings = found.check()
    last = "No fault found." if not findings else f"{len(findings)} kinds of finding."
    answer(
        {"tracks": repr(found), "findings": [finding_facts(f) for f in findings]},
        "\n".join([repr(found), *(f.text() for f in findings), last]),
    )
    if any(f.severity == "error" for f in findings):
        raise SystemExit(EXIT_INPUT)


@tracks.command("crossings")
@with_options(FIXES, LINES)
@OUT
@click.option("--error-m", type=Number(0), help="error of a fix [m] (default: that of the tracks, or 20)")
@click.option(
    "--max-gap-h",
    type=Number(0, min_open=True),
    help="longest step [h] (default: 1.5 times the usual interval)",
)
def crossings_command(
    fixes: Path, lines: Path, table: str | None, kind: str | None, out: Path | None, error_m: float | None,
    max_gap_h: float | None, **columns: Any,
) -> None:  # fmt: skip
    """Where the animals of FIXES crossed lines."""
    from permeability.telemetry import crossings

    barriers = _lines(lines, table, kind)
    found = crossings(_fixes(fixes, columns, barriers), barriers, error_m=error_m, max_gap_h=max_gap_h)
    _give(found, found.table, out)


@tracks.command("encounters")
@with_options(FIXES, LINES)
@OUT
@click.option(
    "--buffer-m",
    type=Number(0, min_open=True),
    default=110.0,
    show_default=True,
    help="half width of the buffer [m]",
)
@click.option(
    "--max-crossings",
    type=click.IntRange(0),
    default=1,
    show_default=True,
    help="of back-and-forth and trace",
)
def encounters_command(
    fixes: Path, lines: Path, table: str | None, kind: str | None, out: Path | None, buffer_m: float,
    max_crossings: int, **columns: Any,
) -> None:  # fmt: skip
    """How the animals of FIXES behaved at lines, by the rules of Xu et al. 2021."""
    from permeability.telemetry import encounters

    barriers = _lines(lines, table, kind)
    found = encounters(
        _fixes(fixes, columns, barriers), barriers, buffer_m=buffer_m, max_crossings=max_crossings
    )
    _give(found, found.table, out)


@tracks.command("calibrate")
@with_options(FIXES, LINES)
@click.option("--species", required=True, help="profile that is held before")
@click.option(
    "--by", "method", type=click.Choice(["km", "steps"]), default="km", show_default=True,
    help="kilometres worked per crossing, or step selection",
)  # fmt: skip
@click.option(
    "--buffer-m",
    type=Number(0, min_open=True),
    default=150.0,
    show_default=True,
    help="what counts as along a line [m]",
)
@click.option(
    "--placebos", type=click.IntRange(0), default=20, show_default=True, help="displaced copies of the lines"
)
@click.option(
    "--prior-worth",
    type=Number(0),
    help="crossings [1] that the profile's number is worth (default: from its range)",
)
@click.option("--citation", default="", help="of the data set")
@click.option("--out", type=NEW_FILE, help="species file (.toml) to write")
def calibrate_command(
    fixes: Path, lines: Path, table: str | None, kind: str | None, species: str, method: str, buffer_m: float, placebos: int,
    prior_worth: float | None, citation: str, out: Path | None, **columns: Any,
) -> None:  # fmt: skip
    """Crossing costs measured from FIXES, and the species profile that follows."""
    from permeability.layers.whole_files import write_text
    from permeability.species import species as profile_of
    from permeability.telemetry import calibrate, crossing_cost, step_selection

    barriers = _lines(lines, table, kind)
    found = _fixes(fixes, columns, barriers)
    measured: Any = (
        crossing_cost(found, barriers, buffer_m=buffer_m, placebos=placebos)
        if method == "km"
        else step_selection(found, barriers, placebos=placebos)
    )
    tell(repr(measured))
    done = calibrate(profile_of(species), measured, prior_worth=prior_worth, citation=citation)
    if out is not None:
        tell(written(write_text(out, done.toml()), quiet=True))
    answer(
        {
            "moved": done.table.to_dict("records"),
            "left_out": list(done.left_out),
            "measured": records(measured.table),
        },
        "\n".join([repr(done), *(f"left out: {reason}" for reason in done.left_out)]),
    )


@tracks.command("validate")
@with_options(FIXES)
@click.option(
    "--project", type=PROJECT, required=True, help="project whose map of movement is held against the tracks"
)
@click.option("--species", help="of the project (default: its first)")
@click.option(
    "--sections-m",
    type=Number(0, min_open=True),
    default=250.0,
    show_default=True,
    help="length of all sections [m]",
)
@click.option(
    "--block-km",
    type=Number(0, min_open=True),
    default=5.0,
    show_default=True,
    help="side of spatial blocks [km]",
)
@OUT
def validate_command(
    fixes: Path, project: Path, species: str | None, sections_m: float, block_km: float, out: Path | None,
    **columns: Any,
) -> None:  # fmt: skip
    """Whether the map of a project tells the sections that the animals of FIXES crossed, beside simple rules."""
    from permeability.linkage.patch_pairs import connectivity
    from permeability.project.project import open_project
    from permeability.telemetry import validate

    opened = open_project(project)
    name = species or opened.species_ids[0]
    land = opened.landscape(name)
    found = _fixes(fixes, columns, land.barriers)
    done = validate(
        connectivity(land, opened.patches(name)),
        found,
        land.barriers,
        sections_m=sections_m,
        block_km=block_km,
    )
    _give(done, done.table, out, "\n".join(done.sentences), {"sentences": list(done.sentences)})


def _fixes(path: Path, columns: dict[str, Any], barriers: Any = None) -> Any:
    from permeability.telemetry import read_tracks

    chosen = dict(columns)
    drop, simulated = tuple(chosen.pop("drop")), chosen.pop("simulated")
    onto = None if barriers is None else barriers.table.crs
    wanted = "all" if "all" in drop else drop
    return read_tracks(path, **chosen, drop=wanted, onto=onto, simulated=True if simulated else None)


def _lines(path: Path, table: str | None, kind: str | None) -> Any:
    """Barriers of a line layer; ids by row where it has none."""
    from permeability.barriers.lines import prepare
    from permeability.layers.vectors import read_vector

    layer = read_vector(path, table)
    if "id" not in layer.columns:
        layer = layer.assign(id=[str(i) for i in range(len(layer))])
        tell("the lines have no column id: rows are numbered from 0")
    if "kind" not in layer.columns and kind is not None:
        layer = layer.assign(kind=kind)
    return prepare(layer, layer=path.name)


def _give(
    found: Any, table: Any, out: Path | None, text: str | None = None, more: dict[str, Any] | None = None
) -> None:
    """Write a result to a file, and print it."""
    from permeability.layers.whole_files import json_text, write_text

    data = {"result": repr(found), "rows": records(table), **(more or {})}
    if out is not None and out.suffix == ".json":
        write_text(out, json_text(data))
    elif out is not None:
        if out.suffix not in (".csv", ".gpkg"):
            raise OptionError(
                "O07",
                f"{out.name!r} cannot be written.",
                remedy="give a name that ends in .csv, .gpkg or .json",
            )
        found.save(out)
    answer(data, repr(found) if text is None else text)
    if out is not None:
        tell(written(out, quiet=True))
