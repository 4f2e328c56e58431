"""Shared domains: neighbouring targets on the union of their windows, with a measured deviation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from permeability.engines.omnidirectional.inputs import Floats, Ints
from permeability.engines.omnidirectional.options import WindowOptions
from permeability.engines.omnidirectional.tasks import WindowTask, plain, rules_of, targets_of


@dataclass(frozen=True)
class ApproximationReport:
    """How far the shared domain is from exact windows, on a sample of targets.

    Attributes
    ----------
    windows : int
        Windows solved both ways.
    share : float
        Sum of the absolute differences of the summed currents over their sum [0..].
    largest : float
        Largest difference over the largest exact value.
    correlation : float
        Of the two summed maps, over the cells that carry current.
    """

    windows: int
    share: float
    largest: float
    correlation: float

    def __str__(self) -> str:
        return (
            f"shared domain against {self.windows:,} exact windows: {100 * self.share:.1f} % of the current "
            f"lies elsewhere, largest difference {100 * self.largest:.1f} % of the maximum, "
            f"correlation {self.correlation:.4f}"
        )


def groups_of(
    options: WindowOptions, row: Ints, col: Ints, top: int, left: int
) -> Iterator[tuple[Ints, int, int]]:
    """Targets of every shared domain and the cell at its centre, in the frame of the slab."""
    side = options.shared_targets * options.block_size
    i, j = (row + top) // side, (col + left) // side
    order = np.lexsort((j, i))
    cuts = np.flatnonzero((np.diff(i[order]) != 0) | (np.diff(j[order]) != 0)) + 1
    for members in np.split(order, cuts):
        yield (
            members,
            int(i[members[0]]) * side + side // 2 - top,
            int(j[members[0]]) * side + side // 2 - left,
        )


def shared_windows(task: WindowTask, planes: Floats, correction: Floats, out: Floats) -> tuple[int, float]:
    """Currents of a task's targets on shared domains, added to ``out``."""
    from permeability.engines.kernels.windows_current import Targets, memory_for
    from permeability.engines.kernels.windows_shared import shared_currents
    from permeability.engines.kernels.windows_structure import window_structure

    options = task.options
    wider = (options.shared_targets * options.block_size) // 2
    structure = window_structure(2 * (options.reach + wider) + 1, options.reach + wider / np.sqrt(2.0))
    memory, rules, targets = memory_for(structure, many=True), rules_of(task), targets_of(task)
    source, condition = plain(task.source), plain(task.condition)
    solved, lost = 0, 0.0
    for members, row, col in groups_of(options, task.row, task.col, task.top, task.left):
        some = Targets(*(values[members] for values in targets))
        done, gone = shared_currents(
            structure, rules, planes, source, condition, some, correction, memory, row, col, out,
        )  # fmt: skip
        solved, lost = solved + int(done), lost + float(gone)
    return solved, lost
