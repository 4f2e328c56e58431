"""Do the intervals of measured crossing costs hold the truth?  Herds with known costs: ``python benchmarks/tracks_coverage.py [--repeats N]``.

Animals walk at random at a straight fence; a try to cross succeeds with chance p, otherwise Exp(m) km are worked along the fence and the next try
follows: the truth is C = m (1 - p) / p, which the estimator is not told.  Fixes every 15 min, thinned to 2 h and 8 h, with an error of 10 m.
The herds are walked by a loop of their own, not by the walk that the correction simulates.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from permeability.telemetry.coarse_fixes import (
    CLOSE,
    WIDE,
    Signs,
    Surface,
    corrected,
    error_of,
    signs_of_walks,
    start,
)
from permeability.telemetry.intervals import per_crossing

ERROR_M, LINE_M = 10.0, 10.0  # of a fix in each direction, and of the line
STEP_M, TURN, HALF_M, TRACE_M, PAST_M = 250.0, 2.0, 6000.0, 40.0, 60.0


def herd(p: float, m_km: float, animals: int, days: int, rng: np.random.Generator) -> np.ndarray:
    """Places every 15 min, shape (steps, animals, 2) [m]."""
    n = days * 96
    x, y = rng.uniform(-HALF_M, HALF_M, animals), np.zeros(animals)
    heading = rng.uniform(0, 2 * np.pi, animals)
    left = np.zeros(animals)  # still to be worked along the fence [m]
    way = np.ones(animals)
    out = np.empty((n, animals, 2), np.float32)
    for k in range(n):
        out[k, :, 0], out[k, :, 1] = x, y
        tracing = left > 0
        heading = heading + rng.vonmises(0, TURN, animals)
        far = rng.exponential(STEP_M, animals)
        new = x + far * np.cos(heading)
        tries = ~tracing & (np.sign(new) != np.sign(x))
        free = ~tracing & ~tries
        done = tracing & (left <= STEP_M)
        again = tries | done
        passes = again & (rng.uniform(size=animals) < p)
        fails = again & ~passes
        side = np.sign(np.where(x == 0, 1.0, x))
        # a step that is stopped ends beside the fence, on its way; one that passes goes on as drawn
        share = np.where(tries & fails, (np.abs(x) - TRACE_M) / np.maximum(np.abs(new - x), 1e-9), 1.0).clip(
            0, 1
        )
        angle = np.arcsin(rng.uniform(-0.995, 0.995, animals))  # directions of a flux through a line
        through = passes & done
        y = y + np.where(tracing, way * np.minimum(left, STEP_M), far * np.sin(heading) * share)
        y = y + np.where(through, (TRACE_M + PAST_M) * np.tan(angle), 0.0)
        left = np.where(tracing, np.maximum(left - STEP_M, 0.0), 0.0)
        wall = np.abs(new) > HALF_M
        x = np.where(free | (tries & passes), np.clip(new, -HALF_M, HALF_M), x)
        x = np.where(through, -side * PAST_M, np.where(fails, side * TRACE_M, x))
        heading = np.where(free & wall, np.pi - heading, heading)
        heading = np.where(through, np.where(side < 0, angle, np.pi - angle), heading)
        left = np.where(fails, rng.exponential(m_km * 1000, animals), left)
        way = np.where(fails, rng.choice([-1.0, 1.0], animals), way)
    return out


def cell(
    places: np.ndarray, every: int, animals: int, repeats: int, buffer_m: float, rng: np.random.Generator, surfaces: dict[int, Surface],
) -> list[tuple[float, float, float, float, float, float]]:  # fmt: skip
    """(low, best, high) of every herd, as measured and corrected; the sums equal those of the tracks' own meter (a test)."""
    walks = places[::every].astype(float).transpose(1, 0, 2)
    walks = walks + rng.normal(0, ERROR_M, walks.shape)
    table = np.concatenate(
        [
            signs_of_walks(walks[k : k + 100], buffer_m, np.hypot(ERROR_M, LINE_M)).table()
            for k in range(0, len(walks), 100)
        ]
    )
    chord, out = np.pi * buffer_m / 1000, []
    for i in range(repeats):
        signs = Signs(*table[i * animals : (i + 1) * animals].T)
        low, best, high = (
            max(v - chord, 0.0) for v in per_crossing(signs.km, signs.crossings.astype(np.int64), 400)
        )
        fixed = (np.nan,) * 3
        if every > 4 and np.isfinite(best):
            found = corrected(signs, every / 4, best, buffer_m, ERROR_M, LINE_M, surface=surfaces.get(every))
            fixed = (found.low, found.best, found.high)
        out.append((low, best, high, *fixed))
    return out


def surface_of(places: np.ndarray, every: int, buffer_m: float, rng: np.random.Generator) -> Surface:
    """One binding function for all herds of a cell, around the walk that the first twenty animals suggest."""
    walks = places[::every, :20].astype(float).transpose(1, 0, 2)
    signs = signs_of_walks(walks + rng.normal(0, ERROR_M, walks.shape), buffer_m, np.hypot(ERROR_M, LINE_M))
    raw = max(signs.km.sum() / max(signs.crossings.sum(), 1) - np.pi * buffer_m / 1000, 0.1)
    error, at = error_of(signs)[0], start(signs, every / 4, raw)
    wide = Surface(at, WIDE, every / 4, buffer_m, ERROR_M, LINE_M)
    return Surface(
        wide.solve(signs.seen(), np.hypot(error, wide.noise)),
        CLOSE,
        every / 4,
        buffer_m,
        ERROR_M,
        LINE_M,
        rng=1,
    )


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
    for p, m in ((0.05, 5.0), (0.3, 5.0), (0.8, 2.0)):
        if given.chance and p not in given.chance:
            continue
        rng = np.random.default_rng([given.seed, round(p * 100)])
        truth = m * (1 - p) / p
        places = herd(p, m, 20 * given.repeats, given.days, rng)
        for every, label in ((1, "15 min"), (8, "2 h"), (32, "8 h")):
            begun = time.process_time()
            surfaces = {every: surface_of(places, every, given.buffer, rng)} if every > 4 else {}
            for animals in (5, 20):
                rows = np.asarray(cell(places, every, animals, given.repeats, given.buffer, rng, surfaces))
                numbers = [*told(rows[:, :3], truth), *(told(rows[:, 3:], truth) if every > 4 else [])]
                print(
                    f"{p:g} {truth:6.2f} {label:>6} {animals:3d} {given.repeats}: " + "  ".join(f"{v:6.1f}" for v in numbers)
                    + f"   ({time.process_time() - begun:.0f} s)",
                    flush=True,
                )  # fmt: skip


if __name__ == "__main__":
    main()
