"""``[tracks]``: whether the fixes can be read and used, and whether they come near the lines."""

from __future__ import annotations

from functools import partial

import numpy as np

from permeability.barriers.lines import Barriers
from permeability.core.errors import Finding, nearest
from permeability.project.checks.findings import Findings, Readable
from permeability.project.track_files import lines_of, tracks_of
from permeability.project.tracks_spec import TracksSpec
from permeability.telemetry.faults import DROPPABLE
from permeability.telemetry.measured_cost import require_buffer
from permeability.telemetry.tracks import Tracks


def check(found: Findings, seen: Readable) -> None:
    """Every table of tracks."""
    for i, spec in enumerate(seen.spec.tracks):
        where = found.lines("tracks", i) or found.lines("tracks")
        if not _named(found, seen, spec, where):
            continue
        tracks = found.attempt(
            partial(tracks_of, seen.project, spec, onto_grid=False), layer="tracks", rows=where
        )
        if tracks is None:
            continue
        for finding in tracks.check():
            found.add(_in_toml(finding))
        if not found.errors:
            _near_lines(found, seen, spec, tracks)


def _named(found: Findings, seen: Readable, spec: TracksSpec, where: list[str]) -> bool:
    """Whether species and faults to drop are what the project and the reader know."""
    good = True
    if spec.species not in seen.spec.species:
        guess = nearest(spec.species, seen.spec.species)
        found.add(Finding(
            "F71", f"[tracks] belongs to a species {spec.species!r} that the project does not have.",
            f"did you mean {guess!r}?" if guess else f"use one of {', '.join(seen.spec.species)}", found.file, tuple(where),
        ))  # fmt: skip
        good = False
    for name in [d for d in spec.drop if d not in (*DROPPABLE, "all")]:
        guess = nearest(name, DROPPABLE)
        found.add(Finding(
            "F72", f"[tracks] drops a fault {name!r} that fixes do not have.",
            f"did you mean {guess!r}?" if guess else f"use \"all\", or some of {', '.join(DROPPABLE)}", found.file, tuple(where),
        ))  # fmt: skip
        good = False
    return good


def _in_toml(finding: Finding) -> Finding:
    """A fault of fixes with the remedy in the words of a project file."""
    remedy = finding.remedy
    if 'drop="' in remedy:
        name = remedy.split('drop="')[1].split('"')[0]
        remedy = f'mend them in the source, or leave them out with drop = ["{name}"] under [tracks]'
    return Finding(
        finding.code, finding.what, remedy, finding.layer, finding.rows, finding.details, finding.severity
    )


def _near_lines(found: Findings, seen: Readable, spec: TracksSpec, tracks: Tracks) -> None:
    """Fixes off the grid, and lines that no animal came near."""
    grid = seen.project.grid
    placed = found.attempt(partial(tracks.to_crs, grid.crs), layer="tracks")
    barriers = found.attempt(partial(_standing, seen, spec))
    if placed is None or barriers is None:
        return
    xy = placed.xy[np.isfinite(placed.xy).all(axis=1)]
    row, col = grid.cells_of(xy[:, 0], xy[:, 1])
    off = int((~grid.contains(row, col)).sum())
    if off:
        found.add(Finding(
            "F73", f"{off:,} of {len(xy):,} fixes lie off the grid.",
            "check crs under [tracks], or widen the grid: the model says nothing there", tracks.source, ("off the grid",),
            severity="error" if off == len(xy) else "warning",
        ))  # fmt: skip
    if len(barriers) == 0:
        found.add(Finding(
            "F73", "no line that stands is left to hold the tracks against.", "check lines under [tracks], and the year of the project",
            found.file, tuple(spec.lines) or ("none",),
        ))  # fmt: skip
        return
    found.attempt(partial(require_buffer, placed, barriers, spec.buffer_m, None), layer=tracks.source)


def _standing(seen: Readable, spec: TracksSpec) -> Barriers:
    project = seen.project
    stands = project.barriers.standing(project.spec.project.year).table["id"]
    return lines_of(project, spec, project.barriers.table["id"].isin(stands).to_numpy(bool))
