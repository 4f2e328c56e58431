"""Commands about tracks of animals: what is wrong with them, crossings, encounters, measured costs, the model held against them."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import Any

import click

from permeability.cli.data_commands import PATH
from permeability.cli.numbers import Number
from permeability.cli.streams import say, tell
from permeability.core.errors import EXIT_INPUT, OptionError


@click.group()
def tracks() -> None:
    """GPS tracks of animals: check, crossings, encounters, calibrate, validate."""


FIXES = (
    click.argument("fixes", type=PATH),
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
    click.option("--lines", type=PATH, required=True, help="line layer of fences, roads, railways"),
    click.option("--table", help="table in the file of lines"),
    click.option(
        "--kind", type=click.Choice(["fence", "road", "railway"]), help="of lines that have no column kind"
    ),
)
OUT = (
    click.option("--out", type=PATH, help="file to write: .csv, .gpkg, .json"),
    click.option("--json", "as_json", is_flag=True, help="print the result as JSON"),
)


def with_options(*sets: tuple[Callable[[Any], Any], ...]) -> Callable[[Any], Any]:
    """Several options as one decorator."""
    every = [option for group in sets for option in group]
    return lambda function: reduce(lambda f, option: option(f), reversed(every), function)


@tracks.command("check")
@with_options(FIXES, OUT[1:])
def check(fixes: Path, as_json: bool, **columns: Any) -> None:
    """Everything that is wrong with FIXES, counted, with rows and remedies; writes nothing."""
    found = _fixes(fixes, columns)
    findings = found.check()
    if as_json:
        rows = [f.__dict__ | {"rows": [str(r) for r in f.rows]} for f in findings]
        say(json.dumps({"tracks": repr(found), "findings": rows}, indent=2, default=str, ensure_ascii=False))
    else:
        say(repr(found))
        for finding in findings:
            say(finding.text())
        say("No fault found." if not findings else f"{len(findings)} kinds of finding.")
    if any(f.severity == "error" for f in findings):
        raise SystemExit(EXIT_INPUT)


@tracks.command("crossings")
@with_options(FIXES, LINES, OUT)
@click.option("--error-m", type=Number(0), help="error of a fix [m] (default: that of the tracks, or 20)")
@click.option(
    "--max-gap-h",
    type=Number(0, min_open=True),
    help="longest step [h] (default: 1.5 times the usual interval)",
)
def crossings_command(
    fixes: Path, lines: Path, table: str | None, kind: str | None, out: Path | None, as_json: bool, error_m: float | None,
    max_gap_h: float | None, **columns: Any,
) -> None:  # fmt: skip
    """Where the animals of FIXES crossed lines."""
    from permeability.telemetry import crossings

    barriers = _lines(lines, table, kind)
    found = crossings(_fixes(fixes, columns, barriers), barriers, error_m=error_m, max_gap_h=max_gap_h)
    _give(found, found.table, out, as_json)


@tracks.command("encounters")
@with_options(FIXES, LINES, OUT)
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
    fixes: Path, lines: Path, table: str | None, kind: str | None, out: Path | None, as_json: bool, buffer_m: float,
    max_crossings: int, **columns: Any,
) -> None:  # fmt: skip
    """How the animals of FIXES behaved at lines, by the rules of Xu et al. 2021."""
    from permeability.telemetry import encounters

    barriers = _lines(lines, table, kind)
    found = encounters(
        _fixes(fixes, columns, barriers), barriers, buffer_m=buffer_m, max_crossings=max_crossings
    )
    _give(found, found.table, out, as_json)


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
    help="crossings that the profile's number is worth (default: from its range)",
)
@click.option("--citation", default="", help="of the data set")
@click.option("--out", type=PATH, help="species file (.toml) to write")
@click.option("--json", "as_json", is_flag=True, help="print what moved as JSON")
def calibrate_command(
    fixes: Path, lines: Path, table: str | None, kind: str | None, species: str, method: str, buffer_m: float, placebos: int,
    prior_worth: float | None, citation: str, out: Path | None, as_json: bool, **columns: Any,
) -> None:  # fmt: skip
    """Crossing costs measured from FIXES, and the species profile that follows."""
    from permeability.layers.whole_files import json_text, write_text
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
        tell(str(write_text(out, done.toml())))
    if as_json:
        say(
            json_text(
                {
                    "moved": done.table.to_dict("records"),
                    "left_out": list(done.left_out),
                    "measured": _records(measured.table),
                }
            ).rstrip()
        )
        return
    say(repr(done))
    for reason in done.left_out:
        say(f"left out: {reason}")


@tracks.command("validate")
@with_options(FIXES)
@click.option(
    "--project", type=PATH, required=True, help="project whose map of movement is held against the tracks"
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
@with_options(OUT)
def validate_command(
    fixes: Path, project: Path, species: str | None, sections_m: float, block_km: float, out: Path | None, as_json: bool,
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
    if not as_json:
        for sentence in done.sentences:
            say(sentence)
    _give(done, done.table, out, as_json, quiet=True, more={"sentences": list(done.sentences)})


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
    found: Any,
    table: Any,
    out: Path | None,
    as_json: bool,
    *,
    quiet: bool = False,
    more: dict[str, Any] | None = None,
) -> None:
    """Write a result to a file, or print it."""
    from permeability.layers.whole_files import json_text, write_text

    text = json_text({"result": repr(found), "rows": _records(table), **(more or {})})
    if out is not None and out.suffix == ".json":
        write_text(out, text)
    elif out is not None:
        if out.suffix not in (".csv", ".gpkg"):
            raise OptionError(
                "O07",
                f"{out.name!r} cannot be written.",
                remedy="give a name that ends in .csv, .gpkg or .json",
            )
        found.save(out)
    if as_json:
        say(text.rstrip())
    elif not quiet:
        say(repr(found))
    if out is not None:
        tell(str(out))


def _records(table: Any) -> Any:
    plain = table.drop(columns="geometry", errors="ignore")
    return json.loads(plain.to_json(orient="records", date_format="iso"))
