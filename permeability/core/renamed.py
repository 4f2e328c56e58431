"""Names that changed: the old one works for one release more and says what it is called now."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def renamed(module: str, names: Mapping[str, str]) -> Callable[[str], Any]:
    """The ``__getattr__`` of a module some of whose names changed.

    Parameters
    ----------
    module : str
        ``__name__`` of the module.
    names : mapping
        Old name -> name in the same module.

    Examples
    --------
    >>> import permeability as pm
    >>> with warnings.catch_warnings(record=True) as told:
    ...     warnings.simplefilter("always")
    ...     pm.metrics.Connectivity is pm.metrics.NetworkConnectivity
    True
    >>> str(told[0].message)
    'permeability.linkage.network_metrics.Connectivity is called NetworkConnectivity now; the old name goes with the next release'
    """

    def find(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        say_renamed(module, name, names[name], 3)
        return getattr(sys.modules.get(module) or import_module(module), names[name])

    return find


def say_renamed(where: str, old: str, new: str, level: int = 2) -> None:
    """Warn that a name changed."""
    text = f"{where}.{old} is called {new} now; the old name goes with the next release"
    warnings.warn(text, DeprecationWarning, stacklevel=level)
