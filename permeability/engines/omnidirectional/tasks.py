"""The tasks of a moving-window run: neighbouring targets and the part of the landscape their windows see.

A task holds all it needs, so that it can go to another machine, and its content is its name in the store.
The cut into tasks depends on the problem alone: the sum over the tasks, in their order, has the same bits
however many workers there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from permeability.core.kept_results import keepable
from permeability.engines.kernels.edges import EdgeBarriers
from permeability.engines.omnidirectional.inputs import Floats, Ints
from permeability.engines.omnidirectional.options import Condition, WindowOptions

LABEL = "omnidirectional/1"  # raised when results change
Box = tuple[int, int, int, int]  # top, bottom, left, right; the ends are not in it
TARGETS = (8, 32)  # targets along a task: at least, at most


@dataclass(frozen=True)
class WindowProblem:
    """Everything about a run, on the whole grid."""

    options: WindowOptions
    resistance: Floats
    barriers: EdgeBarriers
    source: Floats
    conditions: tuple[Condition, ...]
    row: Ints
    col: Ints
    strength: Floats
    wanted: Floats  # (targets, conditions)
    left_out: float = 0.0  # strength given on cells without resistance


@dataclass(frozen=True)
class WindowTask:
    """Some targets and the slab of the landscape that their windows see."""

    options: WindowOptions
    top: int
    left: int
    resistance: Floats
    barriers: tuple[NDArray[np.int64], NDArray[np.uint8], Floats]  # cell in the slab, direction, resistance
    source: Floats
    condition: Floats  # (conditions, rows, cols)
    equal: tuple[bool, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    row: Ints
    col: Ints
    strength: Floats
    wanted: Floats


@keepable
@dataclass(frozen=True)
class WindowResult:
    """Summed currents of the targets of a task, on its slab."""

    top: int
    left: int
    current: Floats
    potential: Floats | None
    windows: int
    lost: float  # strength of sources without a way to their target


class WindowTasks(Sequence[WindowTask]):
    """The tasks of a problem, built when they are asked for."""

    def __init__(self, problem: WindowProblem) -> None:
        self.problem = problem
        side = tile_side(problem.options)
        tile = (problem.row // side) * (problem.resistance.shape[1] // side + 1) + problem.col // side
        order = np.argsort(tile, kind="stable")
        cuts = np.flatnonzero(np.diff(tile[order])) + 1
        self.members = np.split(order, cuts) if len(order) else []

    def __len__(self) -> int:
        return len(self.members)

    @property
    def weights(self) -> list[float]:
        """Windows of each task."""
        return [float(len(m)) for m in self.members]

    @overload
    def __getitem__(self, index: int) -> WindowTask: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[WindowTask]: ...
    def __getitem__(self, index: int | slice) -> WindowTask | Sequence[WindowTask]:
        if isinstance(index, slice):
            return [self[k] for k in range(*index.indices(len(self)))]
        problem, members = self.problem, self.members[index]
        row, col = problem.row[members], problem.col[members]
        box = seen_box(row, col, problem.options.reach, problem.resistance.shape)
        part = np.s_[box[0] : box[1], box[2] : box[3]]
        present = [np.asarray(c.present, dtype=np.float64)[part] for c in problem.conditions]
        return window_task(
            problem.options, problem.barriers, problem.resistance.shape[1], box, problem.resistance[part],
            problem.source[part], present, problem.conditions, row, col, problem.strength[members],
            problem.wanted[members],
        )  # fmt: skip


def tile_side(options: WindowOptions) -> int:
    """Side of the squares whose targets make one task [cells]; whole blocks, whole shared domains."""
    along = int(np.clip(-(-options.reach // options.block_size), *TARGETS))
    if options.domain == "shared":
        along = -(-along // options.shared_targets) * options.shared_targets
    return along * options.block_size


def seen_box(row: Ints, col: Ints, reach: int, shape: tuple[int, ...]) -> Box:
    """Top, bottom, left, right of the cells that the windows of some targets see."""
    top, left = max(0, int(row.min()) - reach), max(0, int(col.min()) - reach)
    return top, min(shape[0], int(row.max()) + reach + 1), left, min(shape[1], int(col.max()) + reach + 1)


def window_task(
    options: WindowOptions,
    barriers: EdgeBarriers,
    cols: int,
    box: Box,
    resistance: Floats,
    source: Floats,
    present: Sequence[Floats],
    conditions: Sequence[Condition],
    row: Ints,
    col: Ints,
    strength: Floats,
    wanted: Floats,
) -> WindowTask:
    """A task from the layers in its box; ``row`` and ``col`` are on the whole grid of ``cols`` columns."""
    top, bottom, left, right = box
    return WindowTask(
        options=options,
        top=top,
        left=left,
        resistance=resistance,
        barriers=_barriers_in(barriers, cols, box),
        source=source,
        condition=np.stack(present) if present else np.zeros((0, bottom - top, right - left)),
        equal=tuple(c.comparison == "equal" for c in conditions),
        low=tuple(float(c.lower) for c in conditions),
        high=tuple(float(c.upper) for c in conditions),
        row=row - top,
        col=col - left,
        strength=strength,
        wanted=wanted,
    )


def _barriers_in(
    barriers: EdgeBarriers, cols: int, box: Box
) -> tuple[NDArray[np.int64], NDArray[np.uint8], Floats]:
    """Barriers whose first cell lies in a box, with cells named in the box."""
    top, bottom, left, right = box
    first, last = np.searchsorted(barriers.cell, [top * cols, bottom * cols])
    row, col = np.divmod(barriers.cell[first:last], cols)
    inside = (col >= left) & (col < right)
    cell = (row[inside] - top) * (right - left) + col[inside] - left
    return cell, barriers.direction[first:last][inside], barriers.resistance[first:last][inside]


def rules_of(task: WindowTask):  # type: ignore[no-untyped-def]  # a tuple of the compiled part
    """The rules of the compiled part."""
    from permeability.engines.kernels.windows_current import WindowRules

    options = task.options
    return WindowRules(
        reach=options.reach,
        radius=options.radius,
        half=options.half,
        misplaced=options.omniscape,
        diagonal=1.0 / np.sqrt(2.0) if options.neighbours == 8 else 0.0,
        shifted=options.omniscape,
        equal=np.array(task.equal, dtype=np.bool_),
        low=np.array(task.low, dtype=np.float64),
        high=np.array(task.high, dtype=np.float64),
        fade=1.0 / options.decay if np.isfinite(options.decay) else 0.0,
    )


def targets_of(task: WindowTask):  # type: ignore[no-untyped-def]  # a tuple of the compiled part
    """The targets of the compiled part."""
    from permeability.engines.kernels.windows_current import Targets

    return Targets(*(plain(values) for values in (task.row, task.col, task.strength, task.wanted)))


def plain(values: NDArray[Any]) -> NDArray[Any]:
    """A copy in one piece that may be written to: compiled code is made for such arrays only once."""
    return np.array(values, order="C")
