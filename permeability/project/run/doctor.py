"""Versions, cores, memory and a solver self-test."""

from __future__ import annotations

import os
import platform
import sys
from importlib import metadata

import numpy as np

from permeability._version import __version__
from permeability.core import memory

__all__ = ["doctor"]
from permeability.project.run.record import LIBRARIES


def doctor() -> dict[str, str]:
    """Versions, cores, memory and a solver self-test, as label -> text.

    Returns
    -------
    dict
        Label -> text.

    Examples
    --------
    >>> doctor()["least-cost self-test"]
    'passed'
    """
    facts = {
        "permeability": __version__,
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "cores": str(os.cpu_count()),
        "memory": memory.told(),
    }
    facts |= {name: metadata.version(name) for name in LIBRARIES}
    facts["compiled kernels"] = _kernels_at()
    return facts | _self_test()


def _kernels_at() -> str:
    """Where compiled kernels are kept."""
    from permeability.engines.kernels.trace import count_cells

    return getattr(count_cells.stats, "cache_path", None) or "in memory, compiled anew in every run"


def _self_test() -> dict[str, str]:
    """A chain of five cells has resistance 4; the cost across it is 4."""
    from permeability.engines.circuit import pairwise
    from permeability.engines.leastcost.distance import cost_distance

    ground = np.ones((3, 5))
    ends = [(1, 0), (1, 4)]
    r = pairwise(ground[1:2], [(0, 0), (0, 4)], current=None).resistance[0, 1]
    d = float(cost_distance(ground, ends[:1])[1, 4])
    return {
        "circuit self-test": "passed" if abs(r - 4) < 1e-9 else f"FAILED: {r}",
        "least-cost self-test": "passed" if abs(d - 4) < 1e-12 else f"FAILED: {d}",
    }


def show_versions() -> None:
    """Print the versions of this package, of Python and of the libraries beneath, for a report of a fault.

    Examples
    --------
    >>> show_versions()  # doctest: +ELLIPSIS
    permeability ...
    """
    facts = {"permeability": __version__, "python": platform.python_version(), "system": platform.platform()}
    for name, value in {**facts, **{n: metadata.version(n) for n in LIBRARIES}}.items():
        print(f"{name:<22} {value}")  # noqa: T201
