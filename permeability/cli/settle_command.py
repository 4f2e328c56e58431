"""``permeability settle``: at which cell size a ranking no longer hangs on the grid."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from permeability.cli.answers import JsonCommand, answer, written
from permeability.cli.numbers import Number
from permeability.cli.parameters import NEW_FOLDER, PROJECT
from permeability.cli.progress import Progress
from permeability.cli.streams import reader, say, tell
from permeability.core.texts import N_

if TYPE_CHECKING:
    from permeability.ranking.settling import Settled

__all__ = ["settle"]


@click.command(cls=JsonCommand)
@click.argument("project", type=PROJECT)
@click.option(
    "--levels",
    type=int,
    default=3,
    show_default=True,
    help="cell sizes: the project's, a half, a quarter ...",
)
@click.option("--cell", "cells", type=Number(), multiple=True, help="a cell size [m] in place of these; may be given several times")  # fmt: skip
@click.option(
    "--origins",
    type=int,
    default=9,
    show_default=True,
    help="places within a cell where the grid begins, the project's own first",
)
@click.option("--top", type=int, help="size of the top that is compared (default: as the project says)")
@click.option("--species", "names", multiple=True, help="one of the project's; may be given several times (default: all)")  # fmt: skip
@click.option("--resampling", help="how rasters that the project says nothing of come onto other grids (average, nearest, ...)")  # fmt: skip
@click.option("--out", type=NEW_FOLDER, help="folder for tables and pictures (default: settled beside the project file, or settled-NAME)")  # fmt: skip
def settle(
    project: Path,
    levels: int,
    cells: tuple[float, ...],
    origins: int,
    top: int | None,
    names: tuple[str, ...],
    resampling: str | None,
    out: Path | None,
) -> None:
    """Has the ranking of PROJECT settled?  Ranks its candidates at several cell sizes and origins of the grid.

    The candidates stay where they are on the ground.  Prints a table and a sentence for every species, and writes
    tables (CSV), settle.json and pictures (PNG, SVG) when all is done.
    """
    from permeability.layers.folder_lock import folder_lock
    from permeability.layers.whole_files import require_free
    from permeability.project import settling
    from permeability.project.project import open_project

    opened = open_project(project)
    folder = out if out is not None else settled_folder(opened.path)
    job = settling.prepared(
        opened, species=names or None, levels=levels, cell_sizes=cells, origins=origins, top=top, resampling=resampling
    )  # fmt: skip
    effort = job.effort()
    tr = reader()
    tell(f"{opened.spec.project.name}: {'; '.join(map(tr.said, job.said()))}")
    tell(settling.effort_text(effort, tr))
    settling.refuse_effort(effort)
    with folder_lock(folder):
        require_free(folder, settling.MARK)
        progress = Progress()
        found = job.run(lambda done, whole: progress("grids", done, whole))
        progress.close()
        files = settling.write_settled(found, folder, locked=True)
    written(folder.resolve(), quiet=True)

    def words() -> None:
        for one in found.values():
            say("\n" + settled_text(one))
        names = ", ".join(p.name for p in files)
        say("\n" + reader()(N_("written: {path}"), path=f"{folder.resolve()} ({names})"))

    answer(settling.as_json(found), words)


def settled_folder(project: Path) -> Path:
    """Where it goes: ``settled`` beside ``project.toml``, ``settled-<name>`` beside any other file.

    >>> settled_folder(Path("eia.toml")).name, settled_folder(Path("project.toml")).name
    ('settled-eia', 'settled')
    """
    return project.parent / ("settled" if project.name == "project.toml" else f"settled-{project.stem}")


def settled_text(found: Settled) -> str:
    """Table and sentences of one species for a terminal."""
    tr = reader()
    head = [
        tr(N_("cells [m]")), tr(N_("long [cells]")), tr(N_("top shared")), tr(N_("least")), tr(N_("Spearman")), tr(N_("least")), tr(N_("finer [m]")),
        tr(N_("shared")), tr(N_("Spearman")), tr(N_("first")), tr(N_("settled")),
    ]  # fmt: skip

    def of(shared: str, top: int) -> str:
        return tr(N_("{n} of {all}"), n=shared, all=top)

    rows = [head]
    for r in found.table.to_dict("records"):
        finer = r["finer_m"] == r["finer_m"]
        rows.append([
            f"{r['cell_size_m']:g}", _number(r["cells_long"], 1), of(f"{r['top_shared']:.1f}", r["top"]), str(r["top_shared_least"]),
            _number(r["spearman"]), _number(r["spearman_least"]), f"{r['finer_m']:g}" if finer else "-",
            of(f"{r['top_shared_finer']:.0f}", r["top"]) if finer else "-", _number(r["spearman_finer"]),
            f"{r['first']} ({100 * r['first_share']:.0f} %)", tr("yes") if r["settled"] else tr("no"),
        ])  # fmt: skip
    widths = [max(len(x[i]) for x in rows) for i in range(len(head))]
    lines = ["  " + "  ".join(c.rjust(w) for c, w in zip(x, widths)) for x in rows]
    return "\n".join([found.name, *lines, *(f"  {tr.said(s)}" for s in found.said)])


def _number(value: float, places: int = 3) -> str:
    return f"{value:.{places}f}" if value == value else "-"
