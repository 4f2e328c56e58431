"""Unit labels: names carry their unit at the end, tables carry these labels."""

from __future__ import annotations


def unit_of(name: str) -> str:
    """Unit label of a column by the ending of its name.

    >>> unit_of("reachable_km2"), unit_of("cost_usd_low"), unit_of("pieces")
    ('km2', 'USD', '1')
    """
    endings = {
        "_km2": "km2",
        "_km": "km",
        "_m": "m",
        "_usd": "USD",
        "_pct": "%",
        "_qha": "quality ha",
        "_ha": "ha",
        "_deg": "deg",
        "_s": "s",
        "_per_day": "1/day",
    }
    for part in ("_expected", "_median", "_low", "_high"):  # of a range
        name = name.removesuffix(part)
    for ending, unit in endings.items():
        if name.endswith(ending):
            return unit
    return "1"
