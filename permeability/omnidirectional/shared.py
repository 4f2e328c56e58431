"""Shared domains: neighbouring targets on the union of their windows, with a measured deviation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from permeability.omnidirectional.inputs import Floats, Ints
from permeability.omnidirectional.options import WindowOptions
from permeability.omnidirectional.tasks import (
    WindowProblem,
    WindowTask,
    plain,
    rules_of,
    solve_task,
    targets_of,
)


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
    from permeability.kernels.windows_current import Targets, memory_for
    from permeability.kernels.windows_shared import shared_currents
    from permeability.kernels.windows_structure import window_structure

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


def measure_deviation(problem: WindowProblem, domains: int = 4, rng: Any = 1) -> ApproximationReport:
    """Solve the targets of some shared domains both ways and compare the summed currents.

    Parameters
    ----------
    problem : WindowProblem
        With ``domain="shared"``.
    domains : int
        Shared domains in the sample.
    rng : int or numpy.random.Generator
    """
    from permeability.omnidirectional.tasks import WindowTasks

    options = problem.options
    draw = np.random.default_rng(rng)
    groups = [members for members, _, _ in groups_of(options, problem.row, problem.col, 0, 0)]
    chosen = np.sort(draw.choice(len(groups), min(domains, len(groups)), replace=False))
    different = total = largest = most = 0.0
    windows, pairs = 0, []
    for k in chosen:
        some = groups[k]
        part = replace(
            problem, options=replace(options, flow_potential=False), row=problem.row[some],
            col=problem.col[some], strength=problem.strength[some], wanted=problem.wanted[some],
        )  # fmt: skip
        for task in WindowTasks(part):
            near = solve_task(task)
            exact = solve_task(replace(task, options=replace(task.options, domain="exact")))
            gap = np.abs(near.current - exact.current)
            different, total = different + float(gap.sum()), total + float(exact.current.sum())
            largest, most = max(largest, float(gap.max())), max(most, float(exact.current.max()))
            flows = (exact.current > 0) | (near.current > 0)
            pairs.append((near.current[flows], exact.current[flows]))
            windows += exact.windows
    both = [np.concatenate([pair[side] for pair in pairs]) for side in (0, 1)]
    varied = all(len(values) > 1 and np.ptp(values) > 0 for values in both)
    correlation = float(np.corrcoef(both[0], both[1])[0, 1]) if varied else 1.0
    return ApproximationReport(
        windows, different / total if total else 0.0, largest / most if most else 0.0, correlation
    )
