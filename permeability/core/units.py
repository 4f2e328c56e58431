"""Unit labels and the few conversions the house needs; names carry their unit, tables carry these labels."""

from __future__ import annotations

from typing import Final

M_PER_KM: Final = 1_000.0
M2_PER_KM2: Final = 1_000_000.0
SECONDS_PER_DAY: Final = 86_400.0

LABELS: Final[dict[str, str]] = {
    "resistance": "1 (open ground = 1)",
    "cost_distance": "m of open ground",
    "crossing_cost": "m of open ground",
    "effective_resistance": "1 (open ground = 1)",
    "current": "passages per unit injected",
    "area": "km2",
    "chance": "0..1",
}


def km(metres: float) -> float:
    """Metres to kilometres.

    >>> km(1500.0)
    1.5
    """
    return metres / M_PER_KM


def unit_of(name: str) -> str:
    """Unit label of a column by the ending of its name.

    >>> unit_of("reachable_km2"), unit_of("cost_usd"), unit_of("pieces")
    ('km2', 'USD', '1')
    """
    endings = {
        "_km2": "km2",
        "_km": "km",
        "_m": "m",
        "_usd": "USD",
        "_pct": "%",
        "_s": "s",
        "_per_day": "1/day",
    }
    for ending, unit in endings.items():
        if name.endswith(ending):
            return unit
    return "1"
