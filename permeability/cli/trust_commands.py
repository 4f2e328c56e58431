"""Commands for whoever must rely on a result: verify, rerun."""

from __future__ import annotations

from pathlib import Path

import click

from permeability.cli.answers import JsonCommand, answer, plain
from permeability.cli.parameters import NEW_FOLDER, PROJECT, RESULTS
from permeability.cli.progress import Progress
from permeability.cli.streams import reader
from permeability.core.errors import EXIT_DIFFERS


@click.command(cls=JsonCommand)
@click.argument("results", type=RESULTS)
@click.option("--strict", is_flag=True, help="files that the run did not write count as a difference too")
def verify(results: Path, strict: bool) -> None:
    """Hash every file of RESULTS again: files that are changed, missing or extra; exit code 3 when one is changed or missing."""
    from permeability.project.run.checksums import verify_results

    found = verify_results(results)
    answer(plain(found) | {"ok": found.ok}, found.text(reader()))
    if not found.ok or (strict and found.extra):
        raise SystemExit(EXIT_DIFFERS)


@click.command(cls=JsonCommand)
@click.argument("record", type=RESULTS)
@click.option(
    "--project",
    type=PROJECT,
    help="project file (default: the one of the record's name, beside or above the results)",
)
@click.option("--out", type=NEW_FOLDER, help="folder that keeps the repetition (default: none does)")
@click.option("--workers", type=click.IntRange(min=1), help="threads (default: all cores)")
def rerun(record: Path, project: Path | None, out: Path | None, workers: int | None) -> None:
    """Repeat the run of RECORD (record.json or its folder) and compare every byte; exit code 3 when a file differs."""
    from permeability.project.run.repeat import rerun as repeat

    progress = Progress()
    found = repeat(record, project=project, out=out, progress=progress, workers=workers)
    progress.close()
    answer(plain(found) | {"same": found.same}, found.text(reader()))
    if not found.same:
        raise SystemExit(EXIT_DIFFERS)
