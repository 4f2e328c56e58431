"""Fences, roads and railways: lines with kilometres, their database, who can pass, what can be done, which edges they cut."""

from __future__ import annotations

from permeability.core.lazy_names import lazy_names

_HOME = {
    "COLUMNS": "permeability.barriers.lines",
    "KINDS": "permeability.barriers.lines",
    "STATUSES": "permeability.barriers.lines",
    "TRAFFIC_CLASS": "permeability.barriers.lines",
    "Barriers": "permeability.barriers.lines",
    "check_rows": "permeability.barriers.lines",
    "concat": "permeability.barriers.lines",
    "prepare": "permeability.barriers.lines",
    "prepare_layers": "permeability.barriers.lines",
    "row_problems": "permeability.barriers.lines",
    "substring": "permeability.barriers.lines",
    "traffic_class": "permeability.barriers.lines",
}

__all__ = [*_HOME]
__getattr__, __dir__ = lazy_names(__name__, _HOME)
