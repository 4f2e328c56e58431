"""How sure is the ranking?  The uncertain crossing numbers drawn again and again, every candidate exact in every draw."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from permeability import uncertainty
from permeability._version import __version__
from permeability.circuit.interface import Candidates
from permeability.crossings import TRACE, opening_share
from permeability.evaluate import CircuitView
from permeability.executor import content_hash, run_tasks
from permeability.landscape import Landscape
from permeability.patches import Patches
from permeability.scenario import Intervention

Array = NDArray[np.float64]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class RankDraws:
    """Gains and ranks of all candidates over draws of the uncertain numbers.

    Attributes
    ----------
    quantiles : pandas.DataFrame
        One row per draw, one column per uncertain number: its quantile 0..1.
    gains : array, shape (draws, candidates)
        Gain in mean conductance between patches.
    ranks : array of int, shape (draws, candidates)
        1 = best; ties share the lower rank.
    """

    quantiles: pd.DataFrame
    gains: Array = field(repr=False)
    ranks: NDArray[np.int64] = field(repr=False)

    def table(self, top: int = 10) -> pd.DataFrame:
        """Rank range and share of draws in the top, one row per candidate; see :func:`permeability.uncertainty.rank_table`."""
        return uncertainty.rank_table(self.gains, top=top).drop(columns="share_first")

    def influence(self) -> pd.DataFrame:
        """Which unknown number moves the ranking most; see :func:`permeability.uncertainty.influence`."""
        return uncertainty.influence(self.quantiles, self.gains).drop(columns="most_moved")

    def together(self) -> list[list[int]]:
        """Groups of candidates that cannot be told apart, best first; see :func:`permeability.uncertainty.together`."""
        return uncertainty.together(self.gains)


def uncertain_numbers(land: Landscape) -> list[str]:
    """Keys of the uncertain numbers of the standing barriers: crossing chances by class, and the trace length."""
    keys = {c.key for i in np.flatnonzero(land.standing) for c in land.components[i]}
    return [*sorted(keys), TRACE]


def draw_ranks(
    land: Landscape,
    patches: Patches,
    sets: Sequence[Sequence[Intervention]],
    lines: Sequence[str],
    *,
    draws: int,
    rng: int | np.random.Generator = 1,
    workers: int = 1,
    store: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> RankDraws:
    """Rank all candidates in every draw of the uncertain crossing numbers.

    Parameters
    ----------
    land : Landscape
    patches : Patches
    sets : sequence of sequences of Intervention
        What each candidate does.
    lines : sequence of str
        Lines they are on.
    draws : int
    rng : int or numpy.random.Generator
    workers : int
        Threads; the results do not depend on them.
    store : path, optional
        Folder in which finished draws are kept; a later call with the same inputs takes them from there.
    progress : callable, optional
        Called with (done, all).

    Notes
    -----
    Components that share a key (all fences of one class, all roads) are drawn together: one unknown number, not many.
    """
    quantiles = uncertainty.quantiles(uncertain_numbers(land), draws, rng)
    plan = _Plan(land, sets)

    def one(d: int) -> Array:
        drawn = land.at({str(k): float(v) for k, v in quantiles.iloc[d].items()})
        view = CircuitView(drawn, patches, lines)
        face = view.face
        after = face.single_resistances(plan.candidates(drawn, view))
        return (
            face.gain(face.resistances(), after, "conductance")
            / face.weights[np.triu_indices_from(face.weights, 1)].sum()
        )

    gains = np.empty((draws, len(sets)))
    same = "" if store is None else _inputs_hash(land, patches, sets)

    def key(d: int) -> str:
        return content_hash(same, quantiles.iloc[d].to_numpy())

    with threadpool_limits(
        limits=1, user_api="blas"
    ):  # small dense blocks: more threads only wait for each other
        for d, row in run_tasks(one, range(draws), workers=workers, store=store, label="draws", key=key):
            gains[d] = row
            if progress is not None:
                progress(d + 1, draws)
    return RankDraws(quantiles, gains, uncertainty.ranks(gains))


def _inputs_hash(land: Landscape, patches: Patches, sets: Sequence[Sequence[Intervention]]) -> str:
    """Hash of everything that a draw depends on but its quantiles."""
    chances = [[(c.name, c.key, c.chance.as_tuple()) for c in row] for row in land.components]
    steps = [[repr(i) for i in s] for s in sets]
    return content_hash(
        __version__, land.resistance, land.cuts.cell, land.cuts.direction, land.cuts.barrier, land.cuts.km,
        land.standing, repr(chances), repr(land.trace_length.as_tuple()), str(land.scenario), patches.labels,
        patches.table["weight"].to_numpy(float), repr(steps), repr(land.grid),
    )  # fmt: skip


class _Plan:
    """Which cuts every candidate opens and how far; the same in every draw, only the costs differ."""

    def __init__(self, land: Landscape, sets: Sequence[Sequence[Intervention]]) -> None:
        self.sets = sets
        self.start = [0]
        cuts, shares, steps = [], [], []
        self.kinds: list[tuple[int, Intervention]] = []
        known: dict[tuple[object, ...], int] = {}
        for interventions in sets:
            for step in interventions:
                for row in land.barriers.rows_of(step.line):
                    mine = np.flatnonzero((land.cuts.barrier == row) & land.standing[land.cuts.barrier])
                    share = opening_share(
                        land.barriers,
                        int(row),
                        land.cuts.km[mine],
                        land.cut_length[mine],
                        step,
                        land.grid.cell_size,
                    )
                    use = share > 0
                    same = (
                        int(row),
                        step.action,
                        step.treatment,
                        step.components,
                        repr(step.options),
                        step.width_m,
                        repr(step.chance),
                    )
                    kind = known.setdefault(same, len(self.kinds))
                    if kind == len(self.kinds):
                        self.kinds.append((int(row), step))
                    cuts.append(mine[use])
                    shares.append(share[use])
                    steps.append(np.full(int(use.sum()), kind))
            self.start.append(sum(len(c) for c in cuts))
        self.cut = np.concatenate(cuts)
        self.share = np.concatenate(shares)
        self.kind = np.concatenate(steps)

    def candidates(self, land: Landscape, view: CircuitView) -> Candidates:
        """The candidates with the costs of one draw, on one circuit view."""
        opened = np.array([land.cost_model.opened_total(row, step) for row, step in self.kinds])
        position = view.position[self.cut]
        keep = position >= 0
        counts = (
            np.add.reduceat(np.append(keep, False), self.start[:-1])
            if len(keep)
            else np.zeros(len(self.sets), int)
        )
        counts = np.where(np.diff(self.start) > 0, counts, 0)
        start = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        return Candidates(start, position[keep], self.share[keep], opened[self.kind[keep]])
