"""The parts of a run that do not depend on each other, as tasks of the one executor: species by species, on
threads of this machine or on the workers of a cluster.

A step carries its landscape, so workers need no files; its result comes back with the landscape of this side, so that the
objects of a run share one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from threadpoolctl import threadpool_limits

from permeability.core.keeping import KEEP_NOTHING, Keep
from permeability.core.tasks import HERE, RunOn
from permeability.impact.line_by_line import SOLVED_AFRESH, barrier_impact, standing_groups
from permeability.linkage.measured import Measured
from permeability.linkage.patch_pairs import connectivity


@dataclass(frozen=True, eq=False)
class Step:
    """One step of one species: its connectivity, or the impact of its barriers.

    Attributes
    ----------
    species, kind : str
        ``kind`` is ``"connectivity"`` or ``"impact"``.
    measured : Measured
        The landscape, of which one step finds what another may use.
    by : str
        What the impact is worked out for, see :func:`permeability.impact.line_by_line.barrier_impact`.
    keep : Keep
        Where what was found of the lines is kept, and looked up.
    tell : callable, optional
        Called with (done, all) while the step is under way.
    """

    species: str
    kind: str
    measured: Measured = field(repr=False)
    by: str = "line"
    keep: Keep = KEEP_NOTHING
    tell: Callable[[int, int], None] | None = field(default=None, repr=False)

    @property
    def work(self) -> float:
        """Expected work: landscapes that are solved."""
        if self.kind != "impact":
            return 2.0
        return 1.0 + 2.0 * min(len(standing_groups(self.measured.land, self.by)), SOLVED_AFRESH)


def take_step(step: Step) -> Any:
    """The result of a step: a `Connectivity` or an `Impact`."""
    with threadpool_limits(
        limits=1, user_api="blas"
    ):  # a worker of its own knows nothing of the caller's limit
        mine = step.measured
        if step.kind == "connectivity":
            return connectivity(mine.land, mine.patches, measured=mine)
        return barrier_impact(
            mine.land,
            mine.patches,
            mine.inside,
            by=step.by,
            measured=mine,
            progress=step.tell,
            keep=step.keep,
        )


def take_steps(steps: Sequence[Step], on: RunOn = HERE) -> dict[tuple[str, str], Any]:
    """Results of all steps by (species, kind); they do not depend on the workers.

    Parameters
    ----------
    steps : sequence of Step
    on : RunOn
    """
    found, told = {}, _Share([s.work for s in steps], on.progress)
    if on.scheduler is None and on.progress is not None:
        steps = [replace(s, tell=told.of(i)) for i, s in enumerate(steps)]
    quiet = on.telling(None)
    for index, result in quiet.tasks(take_step, steps, weights=[s.work for s in steps], label="steps"):
        step = steps[index]
        found[step.species, step.kind] = _of_this_side(result, step)
        told.of(index)(1, 1)
    return found


class _Share:
    """How far several steps are together, in hundredths of their expected work."""

    def __init__(self, work: Sequence[float], tell: Callable[[int, int], None] | None) -> None:
        self.work, self.tell, self.done, self.lock = work, tell, [0.0] * len(work), threading.Lock()

    def of(self, index: int) -> Callable[[int, int], None]:
        """What one step tells, by (done, all)."""

        def told(done: int, total: int) -> None:
            with self.lock:
                self.done[index] = done / max(total, 1)
                share = sum(w * d for w, d in zip(self.work, self.done)) / sum(self.work)
                if self.tell is not None:
                    self.tell(round(100 * share), 100)

        return told


def _of_this_side(result: Any, step: Step) -> Any:
    """The same result on the objects of the caller instead of a worker's copies."""
    mine = step.measured
    return replace(
        result, land=mine.land, **({"patches": mine.patches} if step.kind == "connectivity" else {})
    )
