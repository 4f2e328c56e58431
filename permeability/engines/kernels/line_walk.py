"""Walks at a straight line that is crossed with a known chance: arrays only.

A correlated walk (exponential steps, von Mises turns) meets the line ``x = 0``; a try to cross it succeeds with chance ``p``, otherwise an
exponential way is worked along the line and the next try follows.  The crossing cost is ``m (1 - p) / p`` by construction.
"""

# ruff: noqa: NPY002  (compiled code has its own legacy generator, seeded here)
from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from permeability.engines.kernels import njit

Floats = NDArray[np.float64]

BESIDE_M = 40.0  # where an animal walks that works along the line
PAST_M = 60.0  # how far it is on the other side after it passed from there


@njit(cache=True)
def line_walks(
    animals: int,
    fixes: int,
    every: int,
    step_m: float,
    turn: float,
    chance: float,
    trace_m: float,
    half_m: float,
    error_m: float,
    seed: int,
) -> Floats:
    """Places of every ``every``-th fine step, shape (animals, fixes, 2) [m].

    Parameters
    ----------
    animals, fixes : int
    every : int
        Fine steps between fixes.
    step_m : float
        Mean of the exponential fine steps [m]; also the way worked along the line in a fine step.
    turn : float
        Concentration of the von Mises turns.
    chance : float
        That a try to cross succeeds.
    trace_m : float
        Mean way along the line between two tries [m].
    half_m : float
        The walk stays within this distance of the line [m].
    error_m : float
        Standard error of a fix in each direction [m].
    seed : int

    Returns
    -------
    array

    Examples
    --------
    >>> line_walks(2, 5, 4, 250.0, 2.0, 0.3, 5000.0, 6000.0, 0.0, 1).shape
    (2, 5, 2)
    """
    out = np.empty((animals, fixes, 2))
    for a in range(animals):
        np.random.seed(seed * 100_003 + a)
        x, y = (2 * np.random.random() - 1) * half_m, 0.0
        heading = 2 * np.pi * np.random.random()
        left, way = 0.0, 1.0
        for f in range(fixes):
            for _ in range(every if f else 0):
                if left > 0.0:  # works along the line
                    y += way * min(left, step_m)
                    left -= step_m
                    if left > 0.0:
                        continue
                    left = 0.0
                    side = 1.0 if x > 0 else -1.0
                    if np.random.random() < chance:
                        angle = np.arcsin(
                            1.99 * (np.random.random() - 0.5)
                        )  # directions of a flux through a line
                        y += (BESIDE_M + PAST_M) * np.tan(angle)
                        x = -side * PAST_M
                        heading = angle if side < 0 else np.pi - angle
                    else:
                        left = np.random.exponential(trace_m)
                        way = 1.0 if np.random.random() < 0.5 else -1.0
                    continue
                heading += np.random.vonmises(0.0, turn) if turn > 0 else 2 * np.pi * np.random.random()
                far = np.random.exponential(step_m)
                new = x + far * np.cos(heading)
                if (new > 0) != (x > 0) and not np.random.random() < chance:
                    side = 1.0 if x > 0 else -1.0
                    share = min(max((abs(x) - BESIDE_M) / max(abs(new - x), 1e-9), 0.0), 1.0)
                    y += far * np.sin(heading) * share
                    x = side * BESIDE_M
                    left = np.random.exponential(trace_m)
                    way = 1.0 if np.random.random() < 0.5 else -1.0
                    continue
                y += far * np.sin(heading)
                x = new
                if abs(x) > half_m:
                    x = half_m if x > 0 else -half_m
                    heading = np.pi - heading
            out[a, f, 0] = x + error_m * np.random.normal()
            out[a, f, 1] = y + error_m * np.random.normal()
    return out
