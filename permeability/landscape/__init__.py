"""The landscape of a species: habitat in cells, barriers on edges, patches."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOME = {
    "Landscape": "permeability.landscape.landscape",
    "as_dataarray": "permeability.landscape.landscape",
    "build": "permeability.landscape.landscape",
    "check_resistance": "permeability.landscape.landscape",
    "connected_parts": "permeability.landscape.landscape",
}

__all__ = [*_HOME]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
