"""What a ``[[alignment]]`` table names, read and laid on the grid of a species."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from permeability.alignment.no_go_areas import touched_cells
from permeability.alignment.routing import Asked, possible
from permeability.core.errors import LayerError
from permeability.landscape.landscape import Landscape
from permeability.project.alignment_spec import AlignmentSpec
from permeability.project.project import Project


def species_of(project: Project, spec: AlignmentSpec) -> list[str]:
    """Species for which a line is looked for: those that are named, or all."""
    return list(spec.species) or project.species_ids


def drawn_lines(project: Project, spec: AlignmentSpec) -> dict[str, shapely.LineString]:
    """Lines of the layer ``drawn`` by their names.

    Raises
    ------
    LayerError
        U10 where the column does not name every line once, or a row is no line in one piece.
    """
    if spec.drawn is None:
        return {}
    table = project.vector(spec.drawn)
    if spec.drawn_id not in table.columns or not table[spec.drawn_id].astype(str).is_unique:
        raise LayerError(
            "U10", f"the column {spec.drawn_id!r} does not name every line once.", layer=spec.drawn,
            remedy="give every line its own name, and the column as drawn_id",
        )  # fmt: skip
    names = table[spec.drawn_id].astype(str).tolist()
    lines = [g if g.geom_type == "LineString" else shapely.line_merge(g) for g in table.geometry]
    broken = [n for n, g in zip(names, lines) if g.geom_type != "LineString"]
    if broken:
        raise LayerError(
            "U10", f"{len(broken)} of the drawn alternatives are no line in one piece.", layer=spec.drawn, rows=broken,
            remedy="draw each as one LineString, or give the pieces names of their own",
        )  # fmt: skip
    return dict(zip(names, lines))


def closing_layers(
    project: Project, spec: AlignmentSpec
) -> tuple[dict[str, gpd.GeoDataFrame], dict[str, float]]:
    """Layers that the line keeps off, and the distances to them."""
    tables = {c.layer: project.vector(c.layer) for c in spec.no_go}
    return tables, {c.layer: c.distance_m for c in spec.no_go if c.distance_m}


def closed_by_layers(project: Project, spec: AlignmentSpec, land: Landscape) -> NDArray[np.bool_]:
    """Cells that the layers close."""
    tables, away = closing_layers(project, spec)
    shut = np.zeros(land.grid.shape, bool)
    for name, table in tables.items():
        shut |= touched_cells(table, land, away.get(name, 0.0))
    return shut


def limits_given(project: Project, spec: AlignmentSpec) -> dict[str, Any]:
    """Limits of a table as arguments of :func:`permeability.alignment.route`, all but what is closed."""
    return {
        "corridor": None if spec.corridor is None else project.area(spec.corridor), "via": spec.via,
        "max_length": spec.max_length, "max_turn_deg": None if spec.max_turn_deg >= 180 else spec.max_turn_deg,
        "max_gradient": spec.max_gradient, "elevation": None if spec.elevation is None else project.raster(spec.elevation),
    }  # fmt: skip


def ask(project: Project, spec: AlignmentSpec, species: str) -> Asked:
    """The request of a table for one species; U06 and U08 where no line can keep its limits."""
    land = project.landscape(species)
    return possible(
        land, project.patches(species), spec.start, spec.end, no_go=closed_by_layers(project, spec, land),
        **limits_given(project, spec),
    )  # fmt: skip
