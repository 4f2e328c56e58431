"""Every input problem of a project at once: what ``permeability check`` lists.

One broken thing must not hide the next.  A wrong key is renamed or left out, a grid in degrees is replaced by a
metric one, a raster on another grid is judged by its own cells, and the checks go on; nothing is computed or
written.  The chapters are in :mod:`permeability.project.checks`.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from permeability.core.errors import Finding
from permeability.project.checks import (
    account,
    areas,
    candidates,
    grid,
    habitat,
    keys,
    layers,
    lines,
    movement,
    scenarios,
    species,
)
from permeability.project.checks.findings import Findings, Readable

__all__ = ["check"]


def check_project(path: str | Path) -> list[Finding]:
    """Every input problem of a project at once.

    Parameters
    ----------
    path : path
        The project file, or its folder.

    Returns
    -------
    list of Finding
        Empty when the project can be run.  Each names its layer (or file), the rows, cells or lines concerned, and
        a remedy.
    """
    return inspect(path)[0]


def inspect(path: str | Path) -> tuple[list[Finding], Readable | None]:
    """Every input problem, and what could be read of the project (None when the file itself cannot)."""
    path = Path(path)
    findings, project = keys.open_tolerantly(path)
    if project is None:
        return findings, None
    found, seen = Findings(project, findings), Readable(project)
    if not grid.fits(found, seen):
        return found.found, None
    layers.check(found, seen)
    grid.check(found, seen)
    habitat.check(found, seen)
    keys.check(found, seen.spec)
    account.check(found, seen)
    areas.check(found, seen)
    lines.check(found, seen)
    species.check(found, seen)
    scenarios.check(found, seen)
    candidates.check(found, seen)
    movement.check(found, seen)
    if not found.errors:
        habitat.check_effect(found, seen)
        for name in seen.spec.species:
            found.attempt(partial(species.placed, found, seen, name))
            found.attempt(partial(seen.project.range_mask, name))
    if not found.errors:
        movement.check_ends(found, seen)
    if seen.spec.tracks:
        from permeability.project.checks import tracks

        tracks.check(found, seen)
    if seen.spec.alignment:
        from permeability.project.checks import new_lines

        new_lines.check(found, seen)
    return found.found, seen


def check(path: str | Path) -> list[Finding]:
    """Every input problem of a project at once; see :func:`permeability.project.checking.check_project`.

    Parameters
    ----------
    path : path
        Project file or its folder.

    Returns
    -------
    list of Finding
        Errors, warnings and notes; empty when there is nothing to say.

    Examples
    --------
    >>> import permeability as pm
    >>> [f for f in pm.check(pm.sample_folder()) if f.severity == "error"]
    []
    """
    return check_project(path)
