"""One task of a moving-window run solved: exactly, on shared domains, or window by window."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from permeability.engines.kernels.edges import EdgeBarriers, grid_links
from permeability.engines.omnidirectional.inputs import block_correction
from permeability.engines.omnidirectional.shared_windows import ApproximationReport, groups_of, shared_windows
from permeability.engines.omnidirectional.tasks import (
    WindowProblem,
    WindowResult,
    WindowTask,
    WindowTasks,
    plain,
    rules_of,
    targets_of,
)


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


def solve_task(task: WindowTask) -> WindowResult:
    """Currents of all windows of a task."""
    from permeability.engines.kernels.windows_structure import window_structure
    from permeability.engines.omnidirectional.large_windows import large_windows

    options, reach = task.options, task.options.reach
    cell, direction, series = task.barriers
    barriers = EdgeBarriers(cell, direction, series, series)
    planes = np.array(
        grid_links(task.resistance, neighbours=options.neighbours, average=options.average, barriers=barriers)
    )
    correction = np.ones((2 * reach + 1, 2 * reach + 1))
    if options.correct_block_artefacts and options.block_size > 1:
        correction = plain(
            block_correction(options.radius, options.buffer, options.block_size, options.neighbours)
        )
    current = np.zeros(task.resistance.shape)
    if not options.dissection:
        solved, lost = large_windows(task, planes, float(reach), correction, current)
    elif options.domain == "shared":
        solved, lost = shared_windows(task, planes, correction, current)
    else:
        disc = window_structure(2 * reach + 1, float(reach))
        solved, lost = _exact(task, planes, disc, correction, current, keep=False)
    potential = None
    if options.flow_potential:
        potential = np.zeros(task.resistance.shape)
        ground = np.ones_like(task.resistance)
        if not options.omniscape:
            ground[~np.isfinite(task.resistance)] = np.nan
        planes = np.array(grid_links(ground, neighbours=options.neighbours))
        shape = None if options.omniscape else float(reach)
        if not options.dissection:
            large_windows(task, planes, shape, correction, potential)
        elif options.domain == "shared" and not options.omniscape:
            shared_windows(task, planes, correction, potential)
        else:
            _exact(task, planes, window_structure(2 * reach + 1, shape), correction, potential, keep=True)
    return WindowResult(task.top, task.left, current, potential, solved, lost)


def _exact(task: WindowTask, planes, structure, correction, out, keep: bool) -> tuple[int, float]:  # type: ignore[no-untyped-def]
    from permeability.engines.kernels.windows_current import memory_for, window_currents

    memory = memory_for(structure, keep=keep)
    solved, lost = window_currents(
        structure, rules_of(task), planes, plain(task.source), plain(task.condition), targets_of(task),
        correction, memory, out,
    )  # fmt: skip
    return int(solved), float(lost)
