"""Do the intervals of measured crossing costs hold the truth?  Herds with known costs: ``python benchmarks/tracks_coverage.py [--repeats N]``.

Animals walk at random at a straight fence; a try to cross succeeds with chance p, otherwise Exp(m) km are worked along the fence and the next try
follows: the truth is C = m (1 - p) / p, which the estimator is not told.  Fixes every 15 min, thinned to 2 h and 8 h, with an error of 10 m.
The herds are walked by a loop of their own, not by the walk that the correction simulates.  What an indifferent walk spends at the line is taken
off as :func:`permeability.telemetry.crossing_cost` does: ``pi d`` times the cuts per crossing on displaced copies, which here are two parallel
lines that the animals know nothing of.  200 repeats of all 18 cells take some three minutes of one core.
"""

# ruff: noqa: NPY002  (compiled code has its own legacy generator, seeded here)
from __future__ import annotations

import argparse
import time

import numpy as np
from numba import njit

from permeability.telemetry.coarse_fixes import Signs, Surface, binding, corrected, signs_of_walks
from permeability.telemetry.intervals import per_crossing

ERROR_M, LINE_M = 10.0, 10.0  # of a fix in each direction, and of the line
STEP_M, TURN, HALF_M, TRACE_M, PAST_M = 250.0, 2.0, 6000.0, 40.0, 60.0
COPIES_M = (-3000.0, 3000.0)
BARRIERS = ((0.05, 5.0), (0.3, 5.0), (0.8, 2.0))  # chance of a try, km along the fence between two
RATES = ((1, "15 min"), (8, "2 h"), (32, "8 h"))
BATCH = 100  # animals walked at once


@njit(cache=True)
def herd(animals: int, steps: int, p: float, m: float, seed: int) -> np.ndarray:
    """Places every 15 min, shape (animals, steps, 2) [m]; ``m`` in metres."""
    np.random.seed(seed)
    out = np.empty((animals, steps, 2))
    for a in range(animals):
        x, y = np.random.uniform(-HALF_M, HALF_M), 0.0
        heading, left, way = np.random.uniform(0, 2 * np.pi), 0.0, 1.0
        for k in range(steps):
            out[a, k, 0], out[a, k, 1] = x, y
            side = 1.0 if x > 0 else -1.0
            if left > 0:  # along the fence
                y += way * min(left, STEP_M)
                left -= STEP_M
                if left > 0:
                    continue
                if np.random.random() < p:  # through it, in a direction of a flux through a line
                    angle = np.arcsin(np.random.uniform(-0.995, 0.995))
                    y += (TRACE_M + PAST_M) * np.tan(angle)
                    x = -side * PAST_M
                    heading = angle if side < 0 else np.pi - angle
                    continue
            else:
                heading += np.random.vonmises(0.0, TURN)
                far = np.random.exponential(STEP_M)
                new = x + far * np.cos(heading)
                if (new > 0) == (x > 0) or np.random.random() < p:
                    x, y = new, y + far * np.sin(heading)
                    if abs(x) > HALF_M:
                        x, heading = min(max(x, -HALF_M), HALF_M), np.pi - heading
                    continue
                # a step that is stopped ends beside the fence, on its way
                y += far * np.sin(heading) * min(max((abs(x) - TRACE_M) / max(abs(new - x), 1e-9), 0.0), 1.0)
                x = side * TRACE_M
            left = np.random.exponential(m)
            way = 1.0 if np.random.random() < 0.5 else -1.0
    return out


def measured(
    p: float, m_km: float, animals: int, days: int, buffer_m: float, seed: int
) -> dict[int, tuple[np.ndarray, float]]:
    """Of each fix rate: sums of every animal, and cuts per crossing of lines that no animal knows of."""
    rng = np.random.default_rng(seed)
    reach = float(np.hypot(ERROR_M, LINE_M))
    sums: dict[int, list[np.ndarray]] = {every: [] for every, _ in RATES}
    cuts, seen = dict.fromkeys(sums, 0.0), dict.fromkeys(sums, 0.0)
    for k in range(0, animals, BATCH):
        walks = herd(min(BATCH, animals - k), days * 96, p, m_km * 1000, int(rng.integers(2**31)))
        for every in sums:
            fixes = walks[:, ::every] + rng.normal(0, ERROR_M, walks[:, ::every].shape)
            sums[every].append(signs_of_walks(fixes, buffer_m, reach).table())
            for shift in COPIES_M:
                copy = fixes - [shift, 0.0]
                side = copy[:, :, 0] > 0
                cuts[every] += float((side[:, 1:] != side[:, :-1]).sum())
                seen[every] += float(signs_of_walks(copy, buffer_m, reach).crossings.sum())
    return {every: (np.concatenate(sums[every]), cuts[every] / seen[every]) for every in sums}


def cell(
    table: np.ndarray, unseen: float, every: int, animals: int, repeats: int, buffer_m: float, surface: Surface | None
) -> np.ndarray:  # fmt: skip
    """(low, best, high) of every herd, as measured and corrected; the sums equal those of the tracks' own meter (a test)."""
    chord, out = np.pi * buffer_m / 1000 * unseen, []
    for i in range(repeats):
        signs = Signs(*table[i * animals : (i + 1) * animals].T)
        low, best, high = (
            max(v - chord, 0.0) for v in per_crossing(signs.km, signs.crossings.astype(np.int64), 400)
        )
        fixed = (np.nan,) * 3
        if surface is not None and np.isfinite(best):
            found = corrected(signs, every / 4, best, buffer_m, ERROR_M, LINE_M, surface=surface)
            fixed = (found.low, found.best, found.high)
        out.append((low, best, high, *fixed))
    return np.asarray(out)


def surface_of(table: np.ndarray, unseen: float, every: int, buffer_m: float) -> Surface:
    """One binding function for all herds of a cell, around the walk that the first twenty animals suggest."""
    signs = Signs(*table[:20].T)
    raw = max(signs.km.sum() / max(signs.crossings.sum(), 1) - np.pi * buffer_m / 1000 * unseen, 0.1)
    return binding(signs, every / 4, raw, buffer_m, ERROR_M, LINE_M)


def told(rows: np.ndarray, truth: float) -> list[float]:
    """Bias of the median and share of intervals that hold the truth, of three columns [%]."""
    inside = (rows[:, 0] <= truth) & (truth <= rows[:, 2])
    return [100 * (np.median(rows[:, 1]) / truth - 1), 100 * inside.mean()]


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--repeats", type=int, default=200)
    options.add_argument("--days", type=int, default=90)
    options.add_argument("--buffer", type=float, default=150.0)
    options.add_argument("--chance", type=float, action="append", help="only these (default: .05, .3, .8)")
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args()
    print("p, C km, fixes, animals, herds; bias %, interval holds C %: as measured, corrected", flush=True)
    for p, m in BARRIERS:
        if given.chance and p not in given.chance:
            continue
        begun = time.process_time()
        found = measured(
            p, m, 20 * given.repeats, given.days, given.buffer, 1000 * given.seed + round(p * 100)
        )
        for every, label in RATES:
            table, unseen = found[every]
            surface = surface_of(table, unseen, every, given.buffer) if every > 4 else None
            for animals in (5, 20):
                rows = cell(table, unseen, every, animals, given.repeats, given.buffer, surface)
                numbers = [
                    *told(rows[:, :3], m * (1 - p) / p),
                    *(told(rows[:, 3:], m * (1 - p) / p) if surface else []),
                ]
                print(
                    f"{p:g} {m * (1 - p) / p:6.2f} {label:>6} {animals:3d} {given.repeats}: " + "  ".join(f"{v:6.1f}" for v in numbers)
                    + f"   ({time.process_time() - begun:.0f} s)",
                    flush=True,
                )  # fmt: skip


if __name__ == "__main__":
    main()
