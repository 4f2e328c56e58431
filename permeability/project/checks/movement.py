"""``[movement]``: whether its lines are there, and whether anything kills at all."""

from __future__ import annotations

from functools import partial

import pandas as pd

from permeability.core.errors import Finding, PermeabilityError
from permeability.project.checks.findings import Findings, Readable


def check_ends(found: Findings, seen: Readable) -> None:
    """Of a project without errors, animals that only lines kill, and that set out where there is no such line."""
    spec = seen.spec.movement
    if spec is None or spec.death_per_km > 0:
        return
    from permeability.project.run.movement_results import chain_of

    for name in seen.spec.species:
        chain = chain_of(spec, seen.project.landscape(name), seen.project.patches(name))
        if len(chain.walk.deadly.keys):
            found.attempt(chain.require_end, layer="movement", rows=found.lines("movement"))


def check(found: Findings, seen: Readable) -> None:
    """The lines that the table names, and what it leaves without a death."""
    spec = seen.spec.movement
    if spec is None:
        return
    try:
        barriers = seen.project.barriers
    except PermeabilityError:  # noted with its layer
        return
    for line in spec.at_lines:
        rows = found.lines("movement", "at_lines", line) or found.lines("movement")
        found.attempt(partial(barriers.rows_of, line), layer="movement", rows=rows)
    kills = spec.death_per_km > 0 or any(spec.at_lines.values())
    if spec.traffic and not kills:
        table = barriers.table
        vehicles = pd.to_numeric(table["vehicles_per_day"], errors="coerce").fillna(0.0)
        kills = bool(((table["kind"] == "road") & (vehicles > 0)).any())
    if not kills:
        found.add(
            Finding(
                "Q09", "nothing kills in [movement]: all who have a path arrive, and no candidate is ranked by arrivals.",
                "give death_per_km, at_lines, or vehicles_per_day of the roads", "movement", tuple(found.lines("movement")), {}, "warning",
            )
        )  # fmt: skip
