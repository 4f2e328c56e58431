"""Rasters on the grid, and the values of those that hold resistance or suitability."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from permeability.core.errors import Finding
from permeability.landscape import habitat, resistance_values
from permeability.landscape.closed_areas import corner_joints
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
            found.attempt(partial(resistance_values.check_resistance, _on(mask, values), layer=name))
        elif kinds.get(name) == "suitability":
            found.attempt(partial(habitat.from_suitability, _on(mask, values), layer=name))


def _on(mask: NDArray[np.bool_] | None, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values inside the mask where raster and mask fit, all values otherwise."""
    return np.where(mask, values, np.nan) if mask is not None and mask.shape == values.shape else values


def check_effect(found: Findings, seen: Readable) -> None:
    """Of a project without errors, factors that change nothing: a class that no cell has, a wrong unit, a layer far off."""
    for name in seen.spec.species:
        made = found.attempt(partial(seen.project.habitat, name))
        if made is not None and seen.spec.grid.neighbours != 4:
            _corners(found, name, np.isfinite(made.resistance))
        table = made.factors if made is not None else None
        if table is None or "multiplier_min" not in table:
            continue
        used = table[table["used"].astype(bool)]
        same = used[(used["multiplier_min"] == 1.0) & (used["multiplier_max"] == 1.0)]
        meant = {
            f.factor for f in seen.project.profile(name).habitat if {1.0} == {*f.multipliers, *f.low, *f.high}
        }
        for factor in same["factor"].unique():
            if factor in meant:  # the profile itself holds that this species does not mind
                continue
            layers = seen.spec.factors[factor].layers if factor in seen.spec.factors else []
            found.add(
                Finding(
                    "L38", f"the factor {factor} is 1 on every cell of the landscape of {name}: it changes nothing",
                    "check its layer, classes and unit against what the profile of the species expects; leave it out if this is meant",
                    ", ".join(layers) or str(factor), severity="warning",
                )
            )  # fmt: skip


def _corners(found: Findings, species: str, valid: NDArray[np.bool_]) -> None:
    """Ground that hangs together over corners only: a river of cells that diagonal moves slip through."""
    joints = corner_joints(valid)
    if joints:
        found.add(
            Finding(
                "L39", f"ground of {species} on two sides of cells without passage is joined over {len(joints):,} corners only",
                "if nothing can pass there, draw it as areas in [mask] outside, as a line in the barriers, or with cells that touch by their sides; nothing to do if this is meant",
                "landscape", tuple(joints[:20]), severity="warning",
            )
        )  # fmt: skip
