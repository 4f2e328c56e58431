"""Names of a room that load what they need when first used."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazy_names(module: str, homes: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The ``__getattr__`` and ``__dir__`` of a room, so that one thing of it does not load all the others.

    Parameters
    ----------
    module : str
        ``__name__`` of the room.
    homes : mapping
        Name -> module that has it (a module of that very name is the name itself).

    Returns
    -------
    tuple of callable

    Examples
    --------
    >>> find, names = lazy_names("permeability.core", {"Face": "permeability.core.display", "units": "permeability.core.units"})
    >>> find("Face").__name__, find("units").__name__
    ('Face', 'permeability.core.units')
    >>> find("Fase")
    Traceback (most recent call last):
    ...
    AttributeError: module 'permeability.core' has no attribute 'Fase'
    """

    def find(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        home = import_module(homes[name])
        return home if homes[name] == f"{module}.{name}" else getattr(home, name)

    def names() -> list[str]:
        here = sys.modules.get(module)
        return sorted({*(vars(here) if here is not None else ()), *homes})

    return find, names
