"""The landscape of a species: habitat in cells, barriers on edges, patches."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

_HOME = {
    "Landscape": "permeability.landscape.landscape",
    "as_dataarray": "permeability.landscape.landscape",
    "build": "permeability.landscape.landscape",
    "check_resistance": "permeability.landscape.resistance_values",
    "connected_parts": "permeability.landscape.landscape",
}

__all__ = [*_HOME]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class _Room(ModuleType):
    """The room can be asked for a landscape: ``pm.landscape(resistance, barriers, "khulan")``."""

    def __call__(self, *args: Any, **options: Any) -> Any:
        return import_module("permeability.project.at_hand").build_landscape(*args, **options)


sys.modules[__name__].__class__ = _Room
