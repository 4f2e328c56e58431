"""Windows too large for a factor: the multigrid solver of the circuit, window by window."""

from __future__ import annotations

import numpy as np

from permeability.engines.kernels.edges import GridLinks
from permeability.engines.omnidirectional.inputs import Floats
from permeability.engines.omnidirectional.tasks import WindowTask, plain, rules_of, targets_of

RESIDUAL = 1e-8  # relative; currents are then right to about 1e-6 of their maximum


def large_windows(
    task: WindowTask, planes: Floats, disc: float | None, correction: Floats, out: Floats
) -> tuple[int, float]:
    """Currents of a task's targets, each solved by multigrid, added to ``out``.

    Parameters
    ----------
    disc : float or None
        Radius of the disc that carries current [cells]; None: the whole square.
    """
    from permeability.engines.circuit.solvers.registry import solve_grid
    from permeability.engines.kernels.windows_current import (
        add_window,
        currents,
        gather_links,
        gather_sources,
        reached,
    )
    from permeability.engines.kernels.windows_structure import disc_mask

    reach = task.options.reach
    size = 2 * reach + 1
    mask = disc_mask(size, disc) if disc is not None else np.ones((size, size), dtype=bool)
    width = np.where(mask.any(axis=1), (mask.sum(axis=1) - 1) // 2, -1).astype(np.int64)
    rules, targets, source = rules_of(task), targets_of(task), plain(task.source)
    link, value, flow = np.zeros(4 * size * size), np.zeros(size * size), np.zeros(size * size)
    queue, seen = np.zeros(size * size, dtype=np.int32), np.zeros(size * size, dtype=np.bool_)
    condition = plain(task.condition)
    none, rest = np.zeros(0), np.zeros(size * size)
    centre = size * size // 2
    ground = np.zeros((size, size), dtype=bool)
    ground[reach, reach] = True
    solved, lost = 0, 0.0
    for k in range(len(targets.row)):
        row, col = int(targets.row[k]), int(targets.col[k])
        top, left = row - reach, col - reach
        if not gather_sources(size, top, left, rules, source, condition, targets, k, value):
            continue
        solved += 1
        gather_links(size, width, planes, top, left, rules.diagonal, link)
        reached(size, centre, link, queue, seen)
        lost += float(value[~seen].sum())
        value[~seen] = 0.0
        if not value.any():
            continue
        links = GridLinks(*link.reshape(4, size, size))
        solution = solve_grid(
            links, value.reshape(size, size), ground=ground, solver="multigrid", rtol=RESIDUAL
        )
        voltage = plain(solution.voltage.reshape(-1))
        currents(size, width, link, voltage, none, False, value, centre, flow, rest)
        add_window(size, top, left, rules, flow, correction, row, col, out)
    return solved, lost
