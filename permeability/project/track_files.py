"""The tracks of a project, read as its file says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from permeability.barriers.lines import Barriers
from permeability.core.errors import ProjectError, nearest
from permeability.layers.point_tables import read_point_table
from permeability.project.project import Project
from permeability.project.tracks_spec import TracksSpec
from permeability.telemetry.reading import read_tracks
from permeability.telemetry.tracks import Tracks


def tracks_of(project: Project, spec: TracksSpec, *, onto_grid: bool = True) -> Tracks:
    """Fixes of one ``[tracks]`` table.

    Parameters
    ----------
    project : Project
    spec : TracksSpec
    onto_grid : bool
        Bring them to the coordinate system of the grid; a check looks at them as they lie in their file.

    Returns
    -------
    Tracks

    Raises
    ------
    LayerError
        L01 no file, L11 not readable, L02 no coordinate system, F01 no column that could be meant, F02 no fix.
    OptionError
        F08 times without a zone, F09 a zone that does not exist, O01 an unknown fault to drop.
    """
    paths = [project.folder / p for p in spec.files]
    source: Any = paths[0] if len(paths) == 1 else _joined([read_point_table(p, spec.table) for p in paths])
    found = read_tracks(
        source, animal=spec.animal, time=spec.time, x=spec.x, y=spec.y, crs=spec.crs, timezone=spec.timezone,
        error_m=spec.error_m, max_speed_kmh=spec.max_speed_kmh, drop="all" if "all" in spec.drop else tuple(spec.drop),
        table=spec.table if len(paths) == 1 else None, simulated=spec.simulated,
        onto=project.grid.crs if onto_grid else None,
    )  # fmt: skip
    return replace(found, source=", ".join(p.name for p in paths))


def _joined(frames: list[Any]) -> Any:
    return pd.concat(frames, ignore_index=True)


def lines_of(project: Project, spec: TracksSpec, standing: Any) -> Barriers:
    """The standing lines that a table of tracks is held against.

    Parameters
    ----------
    project : Project
    spec : TracksSpec
    standing : bool array, shape (barriers,)

    Returns
    -------
    Barriers

    Raises
    ------
    ProjectError
        F70 for a line that is not there.
    """
    barriers = project.barriers
    keep = np.asarray(standing, bool).copy()
    for name in spec.lines:
        if name not in barriers.lines:
            guess = nearest(name, barriers.lines)
            raise ProjectError(
                "F70", f"[tracks] names a line {name!r} that no barrier layer has.", layer=project.path.name,
                details={"lines": ", ".join(barriers.lines)},
                remedy=f"did you mean {guess!r}?" if guess else "name lines of the barrier layers, or leave lines out",
            )  # fmt: skip
    if spec.lines:
        keep &= barriers.table["line"].astype(str).isin(spec.lines).to_numpy(bool)
    return barriers.subset(keep)
