"""Masks and ranges: whether they are areas."""

from __future__ import annotations

from functools import partial

from permeability.project.checks.findings import Findings, Readable
from permeability.project.recipe import require_areas


def check(found: Findings, seen: Readable) -> None:
    """Every layer that is used as a mask or range."""
    spec = seen.spec
    names = [*spec.mask.inside, *spec.mask.outside, *(s.range for s in spec.species.values() if s.range)]
    for name in dict.fromkeys(names):
        table = seen.tables.get(name)
        if table is not None:
            found.attempt(partial(require_areas, table, name), layer=name)
