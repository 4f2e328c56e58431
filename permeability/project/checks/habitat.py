"""Rasters on the grid, and the values of those that hold resistance or suitability."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from permeability.landscape import habitat, landscape
from permeability.project.checks.findings import Findings, Readable
from permeability.project.checks.layers import value_layers
from permeability.project.raster_findings import raster_findings


def check(found: Findings, seen: Readable) -> None:
    """Every raster on the grid; resistance above 0, suitability from 0 to 1."""
    kinds, mask = value_layers(seen.spec), seen.mask()
    for name, values in seen.raw.items():
        on_grid = None if seen.grid is None else found.attempt(partial(seen.project.raster, name))
        for finding in found.attempt(partial(raster_findings, seen.project, name, on_grid, mask)) or []:
            found.add(finding)
        if kinds.get(name) == "resistance":
            found.attempt(partial(landscape.check_resistance, _on(mask, values), layer=name))
        elif kinds.get(name) == "suitability":
            found.attempt(partial(habitat.from_suitability, _on(mask, values), layer=name))


def _on(mask: NDArray[np.bool_] | None, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values inside the mask where raster and mask fit, all values otherwise."""
    return np.where(mask, values, np.nan) if mask is not None and mask.shape == values.shape else values
