"""What each kind of result shows of itself: a file for each kind, and the table of them."""

from __future__ import annotations

from permeability.viz.view import View
from permeability.viz.views import (
    comparison,
    connectivity,
    corridors,
    crossing_costs,
    crossings,
    encounters,
    impact,
    landscape,
    network,
    omnidirectional,
    pairwise,
    patches,
    paths,
    plan,
    ranking,
    run,
    score,
    settled,
    step_selection,
    tracks,
    validation,
    wall_to_wall,
)

VIEWS: dict[str, View] = {  # by the word that a result's class names in ``_face``
    "landscape": landscape.VIEW,
    "patches": patches.VIEW,
    "connectivity": connectivity.VIEW,
    "impact": impact.VIEW,
    "comparison": comparison.VIEW,
    "ranking": ranking.VIEW,
    "plan": plan.VIEW,
    "run": run.VIEW,
    "paths": paths.VIEW,
    "network": network.VIEW,
    "corridors": corridors.VIEW,
    "score": score.VIEW,
    "settled": settled.VIEW,
    "omnidirectional": omnidirectional.VIEW,
    "wall_to_wall": wall_to_wall.VIEW,
    "pairwise": pairwise.VIEW,
    "tracks": tracks.VIEW,
    "crossings": crossings.VIEW,
    "encounters": encounters.VIEW,
    "crossing_costs": crossing_costs.VIEW,
    "step_selection": step_selection.VIEW,
    "validation": validation.VIEW,
}
