"""``permeability route`` and ``permeability compare-lines``: where a new line should go."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from permeability.cli.answers import JsonCommand, answer, written
from permeability.cli.numbers import Number
from permeability.cli.parameters import NEW_LAYER, PROJECT, VECTOR
from permeability.cli.streams import reader, say

if TYPE_CHECKING:
    from permeability.landscape.landscape import Landscape
    from permeability.landscape.patches import Patches
    from permeability.project.project import Project

__all__ = ["compare_lines", "route"]

KINDS = ("railway_fenced", "railway", "road", "border_fence", "stock_fence")
kind_option = click.option("--kind", type=click.Choice(KINDS), default="railway_fenced", show_default=True, help="what is to be built")  # fmt: skip
species_option = click.option("--species", "name", help="one of the project's (default: the first)")
out_option = click.option("--out", type=NEW_LAYER, help="layer to write the lines to (GeoPackage), with a picture (PNG) beside it")  # fmt: skip


@click.command(cls=JsonCommand)
@click.argument("project", type=PROJECT)
@click.option("--from", "start", type=(float, float), required=True, help="x and y of the start in the project's grid [m]")  # fmt: skip
@click.option("--to", "end", type=(float, float), required=True, help="x and y of the end [m]")
@click.option("--via", type=(float, float), multiple=True, help="x and y of a place to pass [m]; may be given several times")  # fmt: skip
@kind_option
@species_option
@click.option(
    "--max-length",
    type=Number(),
    default=1.5,
    show_default=True,
    help="longest line, as a multiple of the straight one [1]",
)
@click.option("--max-turn", type=Number(), default=90.0, show_default=True, help="greatest turn at a corner [degrees]")  # fmt: skip
@click.option("--corridor", type=VECTOR, help="areas that the line stays within")
@click.option("--no-go", "closed", type=VECTOR, help="areas, lines or points that the line must not touch")
@click.option("--alternatives", type=int, default=1, show_default=True, help="lines to give")
@click.option("--starts", type=int, default=8, show_default=True, help="places where the search sets out")
@click.option("--edge-cells", type=int, help="how near to the edge of the study area a line is refused [cells]; 0 refuses none")  # fmt: skip
@out_option
def route(
    project: Path,
    start: tuple[float, float],
    end: tuple[float, float],
    via: tuple[tuple[float, float], ...],
    kind: str,
    name: str | None,
    max_length: float,
    max_turn: float,
    corridor: Path | None,
    closed: Path | None,
    alternatives: int,
    starts: int,
    edge_cells: int | None,
    out: Path | None,
) -> None:
    """The line from one place to another that takes least from the movement of a species of PROJECT, within limits.

    A request that no line can meet says which limit to loosen.  See docs/alignment.md for what a loss is.
    """
    from permeability.alignment import routing

    opened, land, patches = _ground(project, name)
    found = routing.route(
        land, patches, start, end, kind, via=via, max_length=max_length, max_turn_deg=max_turn,
        corridor=_layer(corridor, opened), no_go=_layer(closed, opened), n_alternatives=alternatives, n_starts=starts,
        edge_cells=edge_cells,
    )  # fmt: skip
    files = _kept(found, out)
    rows = found.table.drop(columns="geometry").to_dict("records")
    facts = {"statement": opened.spec.project.statement, "lines": rows, "habitat_loss": found.habitat_loss, "refused": found.refused, "starts": found.starts.to_dict("records"), "files": files}  # fmt: skip
    answer(facts, lambda: _told(opened, repr(found)))


@click.command("compare-lines", cls=JsonCommand)
@click.argument("project", type=PROJECT)
@click.argument("lines", type=VECTOR)
@click.option("--id", "column", default="id", show_default=True, help="column with the names of the lines")
@kind_option
@species_option
@click.option("--target-loss", type=Number(), help="loss to reach with crossing structures [1]; 0.1 is 10 %")
@click.option("--spacing-km", type=Number(), default=10.0, show_default=True, help="distance of the sites that are tried [km]")  # fmt: skip
@click.option("--treatment", default="underpass", show_default=True, help="structure, as in the treatment catalogue")  # fmt: skip
@click.option("--width-m", type=Number(), default=30.0, show_default=True, help="its width [m]")
@click.option("--draws", type=int, default=0, show_default=True, help="draws of the unknown numbers, the same for every line")  # fmt: skip
@out_option
def compare_lines(
    project: Path,
    lines: Path,
    column: str,
    kind: str,
    name: str | None,
    target_loss: float | None,
    spacing_km: float,
    treatment: str,
    width_m: float,
    draws: int,
    out: Path | None,
) -> None:
    """Compare the lines drawn in LINES on the landscape of PROJECT: loss, indices, patches cut off, structures for a target."""
    from permeability.alignment import line_options
    from permeability.core.errors import LayerError

    opened, land, patches = _ground(project, name)
    table = _layer(lines, opened)
    if column not in table.columns or not table[column].is_unique:
        raise LayerError("U10", f"the column {column!r} does not name every line once.", layer=str(lines), remedy="give every line its own name, and the column with --id")  # fmt: skip
    drawn = dict(zip(table[column].astype(str), table.geometry))
    found = line_options.compare_alternatives(
        drawn, land, patches, kind, opened.range_mask(land.profile.id), target_loss=target_loss, spacing_km=spacing_km, treatment=treatment,
        width_m=width_m, draws=draws,
    )  # fmt: skip
    files = _kept(found, out)
    facts = {"statement": opened.spec.project.statement, "lines": found.table.drop(columns="geometry").to_dict("records"), "indices": found.indices.table.to_dict("records"), "files": files}  # fmt: skip
    answer(facts, lambda: _told(opened, repr(found)))


def _ground(project: Path, name: str | None) -> tuple[Project, Landscape, Patches]:
    """The project, and landscape and patches of one of its species."""
    from permeability.project.project import open_project

    opened = open_project(project)
    who = opened.species_ids[0] if name is None else name
    return opened, opened.landscape(who), opened.patches(who)


def _layer(path: Path | None, opened: Project) -> Any:
    """A layer in the coordinate system of the project."""
    from permeability.layers.vectors import read_vector

    return None if path is None else read_vector(path, crs=opened.grid.crs)


def _kept(found: Any, out: Path | None) -> list[str]:
    """Lines and picture, written where that was asked for."""
    if out is None:
        return []
    return [written(found.save(out), quiet=True), written(found.save(out.with_suffix(".png")), quiet=True)]


def _told(opened: Project, text: str) -> None:
    if opened.spec.project.statement:
        say(reader()(opened.spec.project.statement))
    say(text)
