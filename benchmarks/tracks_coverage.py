"""Do the intervals of measured crossing costs hold the truth?  Herds with known costs: ``python benchmarks/tracks_coverage.py [--repeats N]``.

Animals walk at random at a straight fence; a try to cross succeeds with chance p, otherwise Exp(m) km are worked along the fence and the next try
follows: the truth is C = m (1 - p) / p, which the estimator is not told.  Fixes every 15 min, thinned to 2 h and 8 h, with an error of 10 m.
"""

from __future__ import annotations

import argparse
import time

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS

from permeability.barriers.lines import Barriers, prepare
from permeability.telemetry.exposure import Meter
from permeability.telemetry.intervals import per_crossing
from permeability.telemetry.tracks import Tracks

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


def measured(
    places: np.ndarray, every: int, meter: Meter, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Kilometres and crossings of each animal at one fix rate."""
    km, crossings = [], []
    for first in range(0, places.shape[1], 50):
        part = places[::every, first : first + 50].astype(float)
        n, animals = part.shape[:2]
        xy = part.transpose(1, 0, 2).reshape(-1, 2) + rng.normal(0, 10, (n * animals, 2))
        number = np.repeat(np.arange(animals), n)
        tracks = Tracks(
            tuple(f"a{i}" for i in range(animals)), number, np.tile(np.arange(n) * 900.0 * every, animals), xy, np.full(len(xy), 10.0),
            CRS.from_epsg(32648), np.arange(len(xy)), simulated=True,
        )  # fmt: skip
        found = meter.measure(tracks, chord_km=np.zeros(1))
        km.append(found.km[:, 0])
        crossings.append(found.crossings[:, 0])
    return np.concatenate(km), np.concatenate(crossings)


def fence() -> Barriers:
    line = shapely.LineString([(0, -2_000_000), (0, 2_000_000)])
    return prepare(
        gpd.GeoDataFrame({"id": ["F"], "kind": "fence", "accuracy_m": 10.0}, geometry=[line], crs=32648)
    )


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--repeats", type=int, default=200)
    options.add_argument("--days", type=int, default=120)
    options.add_argument("--buffer", type=float, default=150.0)
    given = options.parse_args()
    rng = np.random.default_rng(1)
    meter = Meter(fence(), "class", given.buffer)
    chord = np.pi * given.buffer / 1000
    rows = []
    for p, m in ((0.05, 5.0), (0.3, 5.0), (0.8, 2.0)):
        truth, start = m * (1 - p) / p, time.time()
        places = herd(p, m, 20 * given.repeats, given.days, rng)
        for every, label in ((1, "15 min"), (8, "2 h"), (32, "8 h")):
            km, crossings = measured(places, every, meter, rng)
            for animals in (5, 20):
                groups = [slice(i * animals, (i + 1) * animals) for i in range(given.repeats)]
                spans = np.maximum(
                    np.asarray([per_crossing(km[g], crossings[g], 400) for g in groups]) - chord, 0.0
                )
                inside = (spans[:, 0] <= truth) & (truth <= spans[:, 2])
                rows.append(
                    (
                        p,
                        truth,
                        label,
                        animals,
                        crossings.mean() * animals,
                        np.median(spans[:, 1]),
                        100 * (np.median(spans[:, 1]) / truth - 1),
                        100 * inside.mean(),
                    )
                )
        print(f"p = {p}: {time.time() - start:.0f} s", flush=True)
    names = ["p", "C km", "fixes", "animals", "crossings", "median C km", "bias %", "interval holds C %"]
    print(pd.DataFrame(rows, columns=names).round(2).to_string(index=False))


if __name__ == "__main__":
    main()
