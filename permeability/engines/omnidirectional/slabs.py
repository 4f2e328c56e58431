"""Moving windows over layers that are read box by box: nothing ever holds the whole landscape.

The layers are read once in strips to count the targets, then once more, each task its own box.  The tasks are those
of a landscape in memory, to the last bit, so the maps are the same too.  Rows of the maps are handed on as soon as no
window to come can add to them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol, overload

import numpy as np

from permeability.core.tasks import Progress, run_tasks
from permeability.engines.kernels.edges import EdgeBarriers
from permeability.engines.omnidirectional.inputs import (
    Floats,
    as_resistance,
    condition_values,
    count_cells,
    reclassify,
    refuse_cells,
    refuse_sources,
    sources_of,
    target_blocks,
)
from permeability.engines.omnidirectional.options import Condition, WindowOptions
from permeability.engines.omnidirectional.solving import solve_task
from permeability.engines.omnidirectional.tasks import (
    LABEL,
    Box,
    WindowResult,
    WindowTask,
    seen_box,
    tile_side,
    window_task,
)

Sink = Callable[[int, dict[str, Floats]], None]


@dataclass(frozen=True)
class Piece:
    """What the layers hold in a box; NaN = no value."""

    values: Floats
    strength: Floats | None = None
    conditions: tuple[Condition, ...] = ()
    targets: Floats | None = None


class Layers(Protocol):
    """Layers on one grid, read box by box."""

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, cols)."""

    def read(self, box: Box) -> Piece:
        """The layers in a box."""


@dataclass(frozen=True)
class SlabProblem:
    """A run over layers that are read box by box; the options are those of :func:`omnidirectional`."""

    options: WindowOptions
    layers: Layers
    barriers: EdgeBarriers = field(default_factory=EdgeBarriers.empty)
    threshold: float = 0.0
    cutoff: float = np.inf
    reclass: tuple[tuple[float, float | None], ...] | None = None
    values: str = "resistance"

    def read(self, box: Box) -> Piece:
        """The layers in a box, reclassified."""
        piece = self.layers.read(box)
        if self.reclass is None:
            return piece
        return Piece(reclassify(piece.values, self.reclass), piece.strength, piece.conditions, piece.targets)

    def source(self, resistance: Floats, piece: Piece) -> tuple[Floats, int]:
        """Strengths of a piece, and how many of them cannot be used."""
        negative = "zero" if self.options.omniscape else "refuse"
        return sources_of(resistance, piece.strength, self.threshold, self.cutoff, negative)

    def goal(self, resistance: Floats, piece: Piece, source: Floats) -> tuple[Floats, int]:
        """Strengths of a piece as targets, and how many of them cannot be used; the sources where there is no layer of targets."""
        if piece.targets is None:
            return source, 0
        negative = "zero" if self.options.omniscape else "refuse"
        return sources_of(resistance, piece.targets, 0.0, np.inf, negative)


@dataclass(frozen=True)
class SlabRun:
    """What a run over pieces did: windows, strength without a way to its target, time [s]."""

    windows: int
    lost: float
    seconds: float


class SlabTasks(Sequence[WindowTask]):
    """The tasks of a run, each read when it is asked for.

    Raises
    ------
    ResistanceError, OptionError
        For layers that cannot be used, as :func:`permeability.engines.omnidirectional.prepare`; found on the first reading.
    """

    def __init__(self, problem: SlabProblem) -> None:
        self.problem, self.side = problem, tile_side(problem.options)
        self.tiles, self.targets = self._survey()

    def _survey(self) -> tuple[list[tuple[int, int]], list[int]]:
        """Squares that hold targets, and how many each; every cell is checked on the way."""
        problem, (rows, cols) = self.problem, self.problem.layers.shape
        cells, bad, some = np.zeros(4, dtype=np.int64), 0, False
        tiles: list[tuple[int, int]] = []
        targets: list[int] = []
        for top in range(0, rows, self.side):
            piece = problem.read((top, min(rows, top + self.side), 0, cols))
            here = count_cells(piece.values)
            cells += here
            if here[:3].any():
                continue  # refused below, when all of them are counted
            source, unfit = problem.source(as_resistance(piece.values, problem.values), piece)
            goal, wrong = problem.goal(as_resistance(piece.values, problem.values), piece, source)
            bad, some = bad + unfit + wrong, some or bool(goal.any())
            _, col, _ = target_blocks(goal, problem.options.block_size)
            across, number = np.unique(col // self.side, return_counts=True)
            tiles += [(top // self.side, int(j)) for j in across]
            targets += number.tolist()
        refuse_cells(cells, problem.values)
        refuse_sources(bad, some)
        return tiles, targets

    def __len__(self) -> int:
        return len(self.tiles)

    @property
    def weights(self) -> list[float]:
        """Windows of each task."""
        return [float(n) for n in self.targets]

    def first_row(self, index: int) -> int:
        """No window of this task or a later one sees a row above."""
        return max(0, self.tiles[index][0] * self.side - self.problem.options.reach)

    @overload
    def __getitem__(self, index: int) -> WindowTask: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[WindowTask]: ...
    def __getitem__(self, index: int | slice) -> WindowTask | Sequence[WindowTask]:
        if isinstance(index, slice):
            return [self[k] for k in range(*index.indices(len(self)))]
        problem, (rows, cols), side = self.problem, self.problem.layers.shape, self.side
        options, (i, j) = problem.options, self.tiles[index]
        tile = (i * side, min(rows, (i + 1) * side), j * side, min(cols, (j + 1) * side))
        around = _grown(tile, options.reach, (rows, cols))
        piece = problem.read(around)
        resistance = as_resistance(piece.values, problem.values)
        source, _ = problem.source(resistance, piece)
        inner = _within(tile, around)
        goal, _ = problem.goal(resistance, piece, source)
        row, col, strength = target_blocks(goal[inner], options.block_size)
        of_tile = [_cut(c, inner) for c in piece.conditions]
        wanted = condition_values(of_tile, row, col, options.block_size)
        row, col = row + tile[0], col + tile[2]
        box = seen_box(row, col, options.reach, (rows, cols))
        seen = _within(box, around)
        present = [np.asarray(c.present)[seen] for c in piece.conditions]
        return window_task(
            options, problem.barriers, cols, box, resistance[seen], source[seen], present, piece.conditions,
            row, col, strength, wanted,
        )  # fmt: skip


def _grown(box: Box, by: int, shape: tuple[int, int]) -> Box:
    top, bottom, left, right = box
    return max(0, top - by), min(shape[0], bottom + by), max(0, left - by), min(shape[1], right + by)


def _within(box: Box, around: Box) -> tuple[slice, slice]:
    """Where a box lies in the array of a larger one."""
    return (
        slice(box[0] - around[0], box[1] - around[0]),
        slice(box[2] - around[2], box[3] - around[2]),
    )


def _cut(condition: Condition, part: tuple[slice, slice]) -> Condition:
    present, future = (
        None if grid is None else np.asarray(grid)[part] for grid in (condition.present, condition.future)
    )
    assert present is not None  # every condition has a present
    return Condition(present, condition.comparison, condition.lower, condition.upper, future)


class _Band:
    """The rows of the maps that windows may still add to."""

    def __init__(self, problem: SlabProblem, names: Sequence[str]) -> None:
        rows, cols = problem.layers.shape
        height = min(rows, tile_side(problem.options) + 2 * problem.options.reach)
        self.top = 0
        self.maps = {name: np.zeros((height, cols)) for name in names}

    def add(self, part: WindowResult) -> None:
        rows, cols = part.current.shape
        place = np.s_[part.top - self.top : part.top - self.top + rows, part.left : part.left + cols]
        self.maps["current"][place] += part.current
        if part.potential is not None:
            self.maps["flow_potential"][place] += part.potential

    def take(self, upto: int) -> Iterable[tuple[int, dict[str, Floats]]]:
        """Rows above ``upto``, which are final, and what comes below moved up."""
        while self.top < upto:
            n = min(upto - self.top, len(self.maps["current"]))
            yield self.top, {name: values[:n].copy() for name, values in self.maps.items()}
            for values in self.maps.values():
                values[:-n] = values[n:].copy()
                values[-n:] = 0.0
            self.top += n


@dataclass(frozen=True)
class SlabJob:
    """A run over pieces, surveyed and ready to be solved."""

    problem: SlabProblem
    mask_nodata: bool = True
    normalised: bool = False

    @cached_property
    def tasks(self) -> SlabTasks:
        """The tasks; the layers are read and checked when they are first asked for."""
        return SlabTasks(self.problem)

    def run(
        self,
        sink: Sink,
        *,
        workers: int = 1,
        scheduler: Any = None,
        store: Any = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> SlabRun:
        """Solve all windows; ``sink(row, maps)`` gets the rows of the maps from north to south, each once.

        Parameters
        ----------
        sink : callable
            Called with the first row and ``{"current": rows, "flow_potential": ..., "normalised": ...}``; the last two
            where they are asked for.
        workers, scheduler, store, progress
            See :func:`permeability.core.tasks.run_tasks`.
        """
        begun = time.perf_counter()
        tasks = self.tasks
        names = ["current", *(["flow_potential"] if self.problem.options.flow_potential else [])]
        band, windows, lost = _Band(self.problem, names), 0, 0.0
        for index, part in run_tasks(
            solve_task, tasks, workers=workers, scheduler=scheduler, store=store, label=LABEL,
            weights=tasks.weights, progress=progress,
        ):  # fmt: skip
            for top, maps in band.take(tasks.first_row(index)):
                sink(top, self._finished(top, maps))
            band.add(part)
            windows, lost = windows + part.windows, lost + part.lost
        for top, maps in band.take(self.problem.layers.shape[0]):
            sink(top, self._finished(top, maps))
        return SlabRun(windows, lost, time.perf_counter() - begun)

    def _finished(self, top: int, maps: dict[str, Floats]) -> dict[str, Floats]:
        """The ratio beside the sums; NaN outside the landscape."""
        current = maps["current"]
        if self.normalised:
            potential = maps["flow_potential"]
            maps["normalised"] = np.divide(
                current, potential, out=np.zeros_like(current), where=potential > 0
            )
        if self.mask_nodata:
            box = (top, top + len(current), 0, current.shape[1])
            outside = ~np.isfinite(self.problem.read(box).values)
            for values in maps.values():
                values[outside] = np.nan
        return maps
