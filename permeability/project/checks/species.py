"""Species: their numbers, and their patches on the cells they can be on."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from permeability.barriers.database import check as faults_of
from permeability.core.errors import Finding, PermeabilityError
from permeability.landscape import patches
from permeability.layers import rasters
from permeability.project.checks.findings import Findings, Readable
from permeability.project.spec import SpeciesSpec
from permeability.species import SpeciesProfile, species, species_list


def check(found: Findings, seen: Readable) -> None:
    """Every species of the project."""
    for name, spec in seen.spec.species.items():
        profile = found.attempt(partial(seen.project.profile, name), rows=found.lines("species", name))
        if profile is not None and profile.id in species_list():
            _traces(found, profile)
        _patches(found, seen, spec)


def placed(found: Findings, seen: Readable, name: str) -> None:
    """Place the patches; what barriers cross is told."""
    for finding in seen.project.patches(name).findings:
        found.add(finding)


def _traces(found: Findings, profile: SpeciesProfile) -> None:
    """Say it where a changed trace length does not reach every class of barriers."""
    shipped, own = species(profile.id), profile.trace_by_class
    left = [k for k, e in own.items() if e == shipped.trace_by_class.get(k)]
    if left and profile.trace_km != shipped.trace_km:
        found.add(Finding(
            "S06", "the trace length was changed, but some classes of barriers keep their own.",
            "change trace_km.<class> too where it should differ", profile.id, tuple(left),
            {k: own[k].text() for k in left}, severity="note",
        ))  # fmt: skip


def _patches(found: Findings, seen: Readable, spec: SpeciesSpec) -> None:
    table = seen.on_grid(spec.patches)
    if table is None or seen.grid is None:
        return
    problems = [
        f for f in faults_of(table, "patches", label=spec.patches, to_run=True) if f.code not in PLACED
    ]
    for problem in problems:
        found.add(problem)
    if any(p.severity == "error" for p in problems):
        return
    _, refused = patches.try_labels(table, seen.grid, _valid(seen, spec), layer=spec.patches)
    for error in refused:
        found.add(error.finding())
    if len(table) < 2:
        found.add(Finding(
            "P07", "one patch alone has nothing to be connected with.", "give at least two patches", spec.patches,
            tuple(map(str, table.get("id", table.index))), severity="warning",
        ))  # fmt: skip


PLACED = ("K01", "K08")  # told when the patches are placed: P03, P06


def _valid(seen: Readable, spec: SpeciesSpec) -> NDArray[np.bool_]:
    """Cells a species can be on, as far as its layers can be read."""
    grid, mask = seen.grid, seen.mask()
    assert grid is not None
    assert mask is not None
    common = seen.spec.habitat
    name = spec.resistance or spec.suitability or common.resistance or common.suitability
    if name is None or name not in seen.raw:
        return mask
    layer = seen.spec.layers[name]
    try:
        values, _ = rasters.read_raster(
            seen.project.folder / layer.path, grid, band=layer.band, resampling=layer.resampling or "nearest", layer=name, nodata=layer.nodata, table=layer.table
        )  # fmt: skip
    except PermeabilityError:  # noted when the raster itself was checked
        return mask
    return mask & ~np.isnan(values)
