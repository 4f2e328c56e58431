"""The project grid; when it cannot be used, a metric one that stands in for it, so that the checks can go on."""

from __future__ import annotations

import numpy as np
from pydantic import ValidationError
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError

from permeability.core.errors import GridError, MemoryLimitError, PermeabilityError
from permeability.layers.grid import Grid, in_degrees, suggest_crs
from permeability.project.checks.findings import Findings, Readable
from permeability.project.grid_memory import require_grid_memory
from permeability.project.project import Project
from permeability.project.spec import GridSpec

MOST_CELLS = 50_000_000  # a grid that only stands in for a broken one is kept below this


def check(found: Findings, seen: Readable) -> None:
    """Whether the grid can be used."""
    try:
        _ = seen.project.grid
        return
    except PermeabilityError as error:
        if not isinstance(error, GridError) or seen.spec.grid.like is not None:
            found.add(error.finding())
            return
        grid = _stand_in(seen)
        if error.code == "G01" and "example" not in error.remedy and grid is not None:
            error.remedy += f', for example crs = "{grid.crs}"'
        error.layer = "grid"
        error.rows = [*found.lines("grid", "bounds" if error.code == "G04" else "crs")]
        found.add(error.finding())
    if grid is not None:
        seen.project = Project(seen.project.path, seen.spec.model_copy(update={"grid": grid}))


def fits(found: Findings, seen: Readable) -> bool:
    """Whether the cells of the grid can be held at all; nothing else can be looked at when they cannot."""
    try:
        require_grid_memory(seen.project.grid)
    except MemoryLimitError as error:
        error.layer, error.rows = "grid", [*found.lines("grid", "cell_size_m")]
        found.add(error.finding())
        return False
    except PermeabilityError:  # told by `check`
        return True
    return True


def _stand_in(seen: Readable) -> GridSpec | None:
    """A grid in metres over the same area: in the CRS of the project's rasters or lines, else a suggested one."""
    spec = seen.spec.grid
    degrees = in_degrees(spec.bounds)
    metric = [c for c in seen.raster_crs.values() if _is_metric(c)]
    metric += [t.crs for t in seen.tables.values() if _is_metric(t.crs)]
    try:
        if metric:
            crs = f"EPSG:{metric[0].to_epsg()}" if metric[0].to_epsg() else metric[0].to_wkt()
        elif degrees:
            crs = str(suggest_crs(spec.bounds)["crs"].iloc[0])
        else:
            return None
        box = spec.bounds
        if degrees:
            box = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform_bounds(*spec.bounds)
        cell = spec.cell_size_m if spec.cell_size_m >= 1 else spec.cell_size_m * 111_000.0
        cell = max(cell, float(np.sqrt(abs((box[2] - box[0]) * (box[3] - box[1])) / MOST_CELLS)))
        found = GridSpec(crs=crs, cell_size_m=cell, bounds=box, neighbours=spec.neighbours)
        Grid.from_bounds(box, cell_size=cell, crs=crs)
    except (GridError, CRSError, ValidationError, OverflowError):
        return None
    return found


def _is_metric(crs: CRS) -> bool:
    return bool(crs.is_projected and abs(crs.axis_info[0].unit_conversion_factor - 1.0) < 1e-12)
