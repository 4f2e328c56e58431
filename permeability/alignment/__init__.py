"""Where a new line should go: what each place would lose, where no line may run, the line of least damage, options side by side.

>>> import permeability as pm
>>> land, patches = pm.samples.tiny()
>>> damage_map(land.without_barriers(), patches, "stock_fence").crossing_m > 0
True
"""

from __future__ import annotations

from permeability.alignment.damage import DamageMap, damage_map, damage_together
from permeability.alignment.line_options import LineOptions, compare_alternatives, structures_for
from permeability.alignment.new_line import crossing_cost_m, line_facts, with_new_line
from permeability.alignment.no_go_areas import NoGo, no_go
from permeability.alignment.routing import Routes, route, trade_off
from permeability.alignment.several_species import compare_for_species, options_together

__all__ = [
    "DamageMap",
    "LineOptions",
    "NoGo",
    "Routes",
    "compare_alternatives",
    "compare_for_species",
    "crossing_cost_m",
    "damage_map",
    "damage_together",
    "line_facts",
    "no_go",
    "options_together",
    "route",
    "structures_for",
    "trade_off",
    "with_new_line",
]
