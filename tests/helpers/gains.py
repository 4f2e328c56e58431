"""Gains of an interface as the product asks for them: singles in one state, singles in many draws, the best next site."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from permeability.engines.circuit.interface.candidates import Candidates
from permeability.engines.circuit.interface.interface import Interface


def single_gains(
    face: Interface, candidates: Candidates, crossing=None, index: str = "resistance"
) -> np.ndarray:
    """Gain of every candidate alone, (K,)."""
    after, today = face.singles_and_today(candidates, crossing)
    return face.gain(today, after, index)


def draw_gains(
    face: Interface, candidates: Candidates, crossings, after=None, index: str = "conductance"
) -> tuple[np.ndarray, np.ndarray]:
    """Gains in every draw of all crossing costs, (draws, K), and today's index in each, (draws,)."""
    prepared = face.singles(candidates)
    gains, levels = [], []
    for d, crossing in enumerate(crossings):
        drawn = candidates
        if after is not None:
            drawn = replace(candidates, after=np.repeat(after[d], np.diff(candidates.start)))
        opened, today = face.singles_and_today(drawn, crossing, prepared=prepared)
        gains.append(face.gain(today, opened, index))
        levels.append(face.index(today, index))
    return np.array(gains), np.array(levels)


def greedy(
    face: Interface, candidates: Candidates, count: int, index: str = "resistance"
) -> list[tuple[int, float]]:
    """The largest joint gain next, with all chosen before it built: (candidate, joint gain so far)."""
    state, left, chosen = face.today, list(range(len(candidates))), []
    for _ in range(count):
        which = np.array(left)
        gains = face.gain(state.resistances, state.with_each(candidates, which), index)
        if not gains.max() > 1e-9 * max(
            (gain for _, gain in chosen), default=0.0
        ):  # what rounding leaves is no gain
            break
        best = left.pop(int(np.argmax(gains)))
        state = state.build(candidates, best)
        chosen.append((best, float(face.gain(face.today.resistances, state.resistances, index))))
    return chosen
