"""What `check` says about the rasters of a project: bands nobody reads, units, undeclared nodata, cells without a value."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from permeability.core.errors import Finding
from permeability.layers.bands import METRES, USUAL_NODATA, BandFacts
from permeability.layers.rasters import FOR_CODES, raster_facts
from permeability.project.project import Project

__all__ = ["raster_findings"]


def roles(project: Project, name: str) -> set[str]:
    """What a raster layer is used for: ``slope``, ``class``, ``value``, ``resistance``, ``suitability``, ``landcover``."""
    spec = project.spec
    found: set[str] = {f.derive for f in spec.factors.values() if name in f.layers and f.derive != "distance"}
    for key in ("resistance", "suitability"):
        named = [getattr(spec.habitat, key), *(getattr(s, key) for s in spec.species.values())]
        found |= {key} if name in named else set()
    return found | ({"landcover"} if name == spec.habitat.landcover else set())


def raster_findings(
    project: Project, name: str, values: NDArray[np.float64] | None, mask: NDArray[np.bool_] | None
) -> list[Finding]:
    """Findings about one raster layer.

    Parameters
    ----------
    project : Project
    name : str
        A raster layer whose file can be read.
    values : array or None
        The layer on the grid, None when it cannot be brought there.
    mask : bool array or None
        Cells of the landscape.

    Returns
    -------
    list of Finding
        L30 numbers that are usually nodata, L31 codes averaged, L33 bands unread, L34 another unit than metres, L35 cells
        without a value, L36 no value at all.
    """
    spec = project.spec.layers[name]
    facts = raster_facts(project.folder / spec.path, band=spec.band, layer=name, table=spec.table)
    found = [*_file(project, name, facts)]
    if values is not None and mask is not None and roles(project, name):
        found += _cells(project, name, values, mask, facts)
    return found


def _file(project: Project, name: str, facts: BandFacts) -> Iterator[Finding]:
    """Findings about what the file says of its bands."""
    spec, uses = project.spec.layers[name], roles(project, name)
    if facts.bands > 1 and "band" not in spec.model_fields_set:
        yield Finding(
            "L33", f"{Path(spec.path).name} has {facts.bands} bands, of which only band 1{f' ({facts.name})' if facts.name else ''} is read",
            "say band = ... for the layer, 1 if that is the one", name, severity="warning",
        )  # fmt: skip
    if "slope" in uses and facts.unit.lower() not in METRES and spec.scale == 1.0:
        yield Finding(
            "L34", f"the elevation is in {facts.unit!r}, not in metres", "say scale = 0.3048 for the layer if these are feet, or give it in metres",
            name,
        )  # fmt: skip
    if (
        facts.classes
        and uses & {"slope", "value", "resistance", "suitability"}
        and spec.resampling not in (None, *FOR_CODES)
    ):
        yield Finding(
            "L31", f"the raster has a colour table, as classes have, and is brought onto the grid with {spec.resampling!r}",
            'say resampling = "mode" if its numbers are codes', name, severity="warning",
        )  # fmt: skip


def _cells(
    project: Project, name: str, values: NDArray[np.float64], mask: NDArray[np.bool_], facts: BandFacts
) -> Iterator[Finding]:
    """Findings about the values of a layer on the grid."""
    inside = values[mask]
    empty = int(np.isnan(inside).sum())
    if empty == inside.size:
        yield Finding(
            "L36",
            "the raster has no value on any cell of the landscape",
            "give a raster of this area, or check its coordinate system",
            name,
        )
        return
    if empty and roles(project, name) & {"slope", "class", "value"}:
        yield Finding(
            "L35", f"{empty:,} of {inside.size:,} cells of the landscape have no value; {_assumed(project, name)}",
            "fill them in your GIS, or say no_value for the factor; nothing to do if this is meant", name,
            severity="warning",
        )  # fmt: skip
    if facts.nodata is None and project.spec.layers[name].nodata is None:
        stored = (inside[~np.isnan(inside)] / project.spec.layers[name].scale - facts.offset) / facts.scale
        for number in USUAL_NODATA:
            n = int((stored == number).sum())
            if n:
                yield Finding(
                    "L30", f"{n:,} cells hold {number:g}, which usually means no value; the file declares no nodata",
                    f"say nodata = {number:g} for the layer if it does", name, severity="warning",
                )  # fmt: skip


def _assumed(project: Project, name: str) -> str:
    """What cells without a value count as, in words."""
    words = []
    for factor, spec in project.spec.factors.items():
        if name in spec.layers and spec.derive != "distance":
            what = {"worst": "as the worst ground of the landscape", "outside": "as no passage"}.get(
                str(spec.no_value), f"with multiplier {spec.no_value}"
            )
            words.append(f"for {factor} they count {what}")
    return "; ".join(words)
