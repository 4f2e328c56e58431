"""Layers of a project: whether each can be read, as it lies in its file."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from permeability.layers import rasters
from permeability.project.checks.findings import Findings, Readable
from permeability.project.column_mapping import garbled
from permeability.project.spec import ProjectSpec

RASTER_ENDINGS = (".tif", ".tiff", ".asc", ".vrt", ".img")


def check(found: Findings, seen: Readable) -> None:
    """Names of layers, and every layer as it lies in its file; what can be read goes into ``seen``."""
    for layer, where in in_use(seen.spec):
        found.attempt(partial(seen.project.layer, layer), rows=found.lines(*where))
    for name, spec in seen.spec.layers.items():
        path = seen.project.folder / spec.path
        if is_raster(seen.spec, name):
            got = found.attempt(
                partial(
                    rasters.raw_raster, path, band=spec.band, layer=name, nodata=spec.nodata, table=spec.table
                )
            )
            if got is not None:
                seen.raw[name] = got[0] * spec.scale
                if got[1] is not None:
                    seen.raster_crs[name] = got[1]
            continue
        table = found.attempt(partial(seen.project.as_it_lies, name), layer=name)
        if table is not None:
            seen.tables[name] = table
            warning = garbled(path, table, spec, name)
            if warning is not None:
                found.add(warning)


def in_use(spec: ProjectSpec) -> list[tuple[str, tuple[str | int, ...]]]:
    """Every layer that the project names outside ``[layers]``, and the keys under which it does."""
    used: list[tuple[str, tuple[str | int, ...]]] = [
        (n, ("barriers", "layers")) for n in spec.barriers.layers
    ]
    used += [(spec.barriers.posts, ("barriers", "posts"))] if spec.barriers.posts else []
    used += [(n, ("mask", key)) for key in ("inside", "outside") for n in getattr(spec.mask, key)]
    used += [(n, ("factors", f, "layers")) for f, s in spec.factors.items() for n in s.layers]
    for key in ("suitability", "resistance", "landcover"):
        used += [(n, ("habitat", key)) for n in [getattr(spec.habitat, key)] if n]
    for name, mine in spec.species.items():
        for key in ("patches", "range", "suitability", "resistance"):
            used += [(n, ("species", name, key)) for n in [getattr(mine, key)] if n]
    used += [(c.layer, ("candidates", "layer")) for c in spec.candidates if c.layer]
    used += [(n, ("alignment", i, key)) for i, a in enumerate(spec.alignment) for n, key in a.layers]
    return used


def is_raster(spec: ProjectSpec, name: str) -> bool:
    """Whether a layer is used as, or looks like, a raster."""
    cells = {n for f in spec.factors.values() if f.derive != "distance" for n in f.layers}
    cells |= {*value_layers(spec), *([spec.habitat.landcover] if spec.habitat.landcover else [])}
    cells |= {n for a in spec.alignment for n in a.rasters}
    return name in cells or Path(spec.layers[name].path).suffix.lower() in RASTER_ENDINGS


def value_layers(spec: ProjectSpec) -> dict[str, str]:
    """Layers that hold resistance or suitability, and which of the two."""
    found: dict[str, str] = {}
    for kind in ("suitability", "resistance"):
        names = [getattr(spec.habitat, kind), *(getattr(s, kind) for s in spec.species.values())]
        found |= {str(n): kind for n in names if n}
    return {n: kind for n, kind in found.items() if n in spec.layers}
