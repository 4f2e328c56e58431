"""``[[alignment]]``: whether what it names is there, and whether any line can keep its limits."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from permeability.core.errors import Finding, PermeabilityError, nearest
from permeability.landscape.landscape import Landscape
from permeability.landscape.patches import Patches
from permeability.project.checks.findings import Findings, Readable


def check(found: Findings, seen: Readable) -> None:
    """Every table: names, species, drawn lines, structures; and the limits once everything else is right."""
    names = [a.name for a in seen.spec.alignment]
    for i, spec in enumerate(seen.spec.alignment):
        where = found.lines("alignment", i) or found.lines("alignment")
        if names.index(spec.name) < i:
            found.add(Finding(
                "J17", f"two [[alignment]] tables are called {spec.name!r}.", "give every line to be a name of its own", found.file, tuple(where),
            ))  # fmt: skip
        if _species_known(found, seen, spec, where):
            _one(found, seen, spec, where)


def _species_known(found: Findings, seen: Readable, spec: Any, where: list[str]) -> bool:
    good = True
    for name in dict.fromkeys([*spec.species, *spec.weights]):
        if name not in seen.spec.species or (spec.species and name not in spec.species):
            guess = nearest(name, spec.species or seen.spec.species)
            found.add(Finding(
                "J17", f"[[alignment]] names a species {name!r} for which no line is looked for.",
                f"did you mean {guess!r}?" if guess else f"use one of {', '.join(spec.species or seen.spec.species)}", found.file, tuple(where),
            ))  # fmt: skip
            good = False
    return good


def _one(found: Findings, seen: Readable, spec: Any, where: list[str]) -> None:
    """One table; the room of new lines is loaded where there are some."""
    from permeability.barriers.treatments import treatment
    from permeability.engines.alignment.line_network import no_pair
    from permeability.linkage.countries import require_names
    from permeability.project import line_layers

    known = set(seen.tables) | set(seen.raw)
    if any(name not in known for name, _ in spec.layers) or seen.grid is None:
        return  # noted with the layers
    found.attempt(partial(line_layers.drawn_lines, seen.project, spec), layer=spec.drawn, rows=where)
    if spec.target_loss is not None:
        found.attempt(partial(treatment, spec.treatment), rows=where)
    for name in [n for n in (spec.corridor, spec.countries) if n]:
        found.attempt(partial(seen.project.area, name), layer=name)
    if found.errors:
        return
    if spec.countries is not None:
        found.attempt(partial(require_names, seen.project.area(spec.countries)), layer=spec.countries)
    for name in line_layers.species_of(seen.project, spec):
        if not _any_joined(seen.project.landscape(name), seen.project.patches(name)):
            error = no_pair()
            error.layer, error.rows = name, [*where]
            found.add(error.finding())
            return
        try:
            if spec.alternatives:
                line_layers.ask(seen.project, spec, name)
        except PermeabilityError as error:
            error.layer, error.rows = error.layer or found.file, error.rows or [*where]
            found.add(error.finding())
            return  # the same limits for every species


def _any_joined(land: Landscape, patches: Patches) -> bool:
    """Whether two patches have ground of one connected part."""
    on = (patches.labels > 0) & (land.parts > 0)
    pairs = np.unique(np.column_stack([land.parts[on], patches.labels[on]]), axis=0)
    return len(np.unique(pairs[:, 0])) < len(pairs)
