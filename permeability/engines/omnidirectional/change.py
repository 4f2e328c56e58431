"""What a change of the landscape does to its omnidirectional current: only windows that see it are solved."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from permeability.core.errors import OptionError
from permeability.core.tasks import run_tasks
from permeability.engines.kernels.edges import EdgeBarriers
from permeability.engines.omnidirectional.inputs import Floats
from permeability.engines.omnidirectional.solving import solve_task
from permeability.engines.omnidirectional.tasks import LABEL, WindowProblem, WindowTasks


@dataclass(frozen=True)
class WindowDifference:
    """Change of the cumulative current.

    Attributes
    ----------
    current : array, shape (rows, cols)
        After minus before [A]; 0 where no window sees the change, NaN outside the landscape (after).
    windows : int
        Windows that see the change; each was solved before and after.
    targets : int
        Targets of the whole landscape (the larger of before and after).

    Examples
    --------
    >>> import numpy as np
    >>> from permeability.engines.omnidirectional import omnidirectional_difference
    >>> before = np.ones((15, 15))
    >>> after = before.copy()
    >>> after[7, 7] = 50.0
    >>> change = omnidirectional_difference(before, after, radius=2)
    >>> change.windows < change.targets, float(change.current[0, 0])  # far off nothing changes
    (True, 0.0)
    """

    current: Floats = field(repr=False)
    windows: int
    targets: int


def changed_cells(before: WindowProblem, after: WindowProblem) -> NDArray[np.bool_]:
    """Cells whose resistance, strength or barriers differ (a barrier counts at the first cell of its edge).

    Raises
    ------
    OptionError
        W15 when the two are not the same run on the same grid.
    """
    if before.resistance.shape != after.resistance.shape or before.options != after.options:
        raise OptionError(
            "W15",
            "the two landscapes differ in shape or options.",
            remedy="use the same grid and the same options before and after",
        )
    both_missing = np.isnan(before.resistance) & np.isnan(after.resistance)
    changed = (before.resistance != after.resistance) & ~both_missing
    changed |= before.source != after.source
    changed.reshape(-1)[_changed_edges(before.barriers, after.barriers)] = True
    for old, new in zip(before.conditions, after.conditions):
        for one, other in ((old.present, new.present), (old.future, new.future)):
            if one is not None or other is not None:
                changed |= ~np.isclose(
                    np.asarray(one, float), np.asarray(other, float), rtol=0, atol=0, equal_nan=True
                )
    return changed


def _changed_edges(before: EdgeBarriers, after: EdgeBarriers) -> NDArray[np.int64]:
    """First cells of the edges whose resistance differs."""
    keys = [edges.cell * 8 + edges.direction for edges in (before, after)]
    every = np.union1d(*keys)
    values = []
    for key, edges in zip(keys, (before, after)):
        value = np.zeros(len(every))
        value[np.searchsorted(every, key)] = edges.resistance
        values.append(value)
    return np.asarray(every[values[0] != values[1]] // 8, dtype=np.int64)


def _that_see(problem: WindowProblem, near: NDArray[np.bool_]) -> WindowProblem:
    see = near[problem.row, problem.col]
    return replace(
        problem, row=problem.row[see], col=problem.col[see], strength=problem.strength[see],
        wanted=problem.wanted[see],
    )  # fmt: skip


def difference(
    before: WindowProblem, after: WindowProblem, *, workers: int = 1, scheduler: Any = None, store: Any = None
) -> WindowDifference:
    """Change of the cumulative current from one prepared run to another.

    Parameters
    ----------
    before, after : WindowProblem
        From :func:`permeability.engines.omnidirectional.prepare`, with the same options.
    workers, scheduler, store
        See :func:`permeability.core.tasks.run_tasks`.

    Returns
    -------
    WindowDifference
        After minus before, from the windows that see the change.
    """
    changed = changed_cells(before, after)
    current = np.zeros(changed.shape)
    targets = max(len(before.row), len(after.row))
    windows = 0
    if changed.any():
        near = distance_transform_edt(~changed) <= before.options.reach
        for problem, sign in ((after, 1.0), (before, -1.0)):
            options = replace(problem.options, flow_potential=False)
            part = replace(_that_see(problem, near), options=options)
            windows = max(windows, len(part.row))
            for _, one in run_tasks(
                solve_task, WindowTasks(part), workers=workers, scheduler=scheduler, store=store, label=LABEL
            ):
                rows, cols = one.current.shape
                current[one.top : one.top + rows, one.left : one.left + cols] += sign * one.current
    current[np.isnan(after.resistance)] = np.nan
    return WindowDifference(current, windows, targets)
