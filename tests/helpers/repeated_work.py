"""Counts least-cost fields and condensations, and those that repeat an earlier one bit by bit."""

from __future__ import annotations

import hashlib
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from permeability.engines.circuit.solvers import condensation
from permeability.engines.leastcost import distance


@dataclass
class Work:
    """How often each piece of work was done: kind -> hash of its inputs -> times."""

    done: dict[str, Counter[str]] = field(
        default_factory=lambda: {"field": Counter(), "condensation": Counter()}
    )
    places: Counter[tuple[str, str]] = field(default_factory=Counter)  # kind and callers of what was repeated

    def note(self, kind: str, *inputs: Any) -> None:
        """Count one piece of work by everything that goes into it."""
        key = hashlib.sha256()
        for x in inputs:
            array = np.ascontiguousarray(x)
            key.update(repr((array.shape, array.dtype.str)).encode())
            key.update(array.tobytes())
        self.done[kind][key.hexdigest()] += 1
        if self.done[kind][key.hexdigest()] > 1:
            steps = [
                f"{f.name}:{f.lineno}"
                for f in traceback.extract_stack()[:-2]
                if "/permeability/" in f.filename
            ]
            self.places[kind, " > ".join(steps[-7:])] += 1

    def all(self, kind: str) -> int:
        """Pieces of a kind that were done."""
        return self.done[kind].total()

    def repeats(self, kind: str) -> int:
        """Pieces of a kind that had been done before, from the same inputs."""
        return self.done[kind].total() - len(self.done[kind])


@contextmanager
def counted_work() -> Iterator[Work]:
    """Count what is done inside the block, on this thread and others of this process."""
    work, field_run, condense_run = Work(), distance._run, condensation._run

    def run_field(surface: Any, cells: Any, initial: Any, limit: Any, goals: Any, reverse: bool) -> Any:
        far = np.inf if limit is None else limit
        work.note("field", *surface.edges, surface.lengths, cells, initial, far, goals, reverse)
        return field_run(surface, cells, initial, limit, goals, reverse)

    def run_condensation(planes: Any, node: Any, keys: Any, leak: Any, *rest: Any) -> Any:
        work.note("condensation", *planes, node, keys, leak, rest[-2], rest[-1])
        return condense_run(planes, node, keys, leak, *rest)

    distance._run, condensation._run = run_field, run_condensation
    try:
        yield work
    finally:
        distance._run, condensation._run = field_run, condense_run
