"""Speed of tracks against lines: a million fixes against 100,000 lines, and encounters against a plain re-implementation in the same run.

``python benchmarks/tracks_speed.py [--fixes N] [--lines N]``.  The plain one is what one writes with pandas and shapely: for every fix a
look at the buffer, for every encounter a loop over the lines and over the windows; the same rules (Xu et al. 2021), the same events.
"""

from __future__ import annotations

import argparse
import resource
import time

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from permeability.barriers.lines import Barriers, prepare
from permeability.telemetry import crossings, encounters, read_tracks
from permeability.telemetry.tracks import Tracks


def country(
    fixes: int, lines: int, animals: int, rng: np.random.Generator, side: float
) -> tuple[Tracks, Barriers]:
    """Random walks among random lines of five segments."""
    n = fixes // animals
    xy = np.concatenate(
        [rng.uniform(0, side, 2) + np.cumsum(rng.normal(0, 400, (n, 2)), 0) for _ in range(animals)]
    )
    when = pd.date_range("2020", periods=n, freq="2h", tz="UTC")
    frame = pd.DataFrame(
        {
            "animal": np.repeat([f"a{i}" for i in range(animals)], n),
            "time": np.tile(when, animals),
            "x": xy[:, 0],
            "y": xy[:, 1],
        }
    )
    start = rng.uniform(0, side, (lines, 1, 2))
    shapes = shapely.linestrings(start + np.cumsum(rng.normal(0, 300, (lines, 6, 2)), axis=1))
    table = gpd.GeoDataFrame(
        {"id": [str(i) for i in range(lines)], "kind": "fence"}, geometry=shapes, crs=32648
    )
    return read_tracks(frame, crs=32648, simulated=True), prepare(table)


def plain_encounters(
    table: pd.DataFrame, lines: list[shapely.Geometry], buffer_m: float, hours: float = 2.0
) -> list[tuple[str, int, str]]:
    """(animal, crossings, behaviour) by loops; only the classes short and trapped need no window."""
    area = shapely.union_all([shapely.buffer(g, buffer_m, quad_segs=5) for g in lines])
    found = []
    for name, own in table.groupby("animal"):
        inside = [area.intersects(p) for p in own.geometry]
        xy = [(p.x, p.y) for p in own.geometry]
        seconds = own["time"].astype("int64").to_numpy() / (
            1e9 if str(own["time"].dtype).startswith("datetime64[ns") else 1e6
        )
        k = 0
        while k < len(xy):
            if not inside[k]:
                k += 1
                continue
            first = k
            while (
                k + 1 < len(xy) and inside[k + 1] and abs((seconds[k + 1] - seconds[k]) / 3600 - hours) < 0.05
            ):
                k += 1
            last, k = k, k + 1
            long = (seconds[last] - seconds[first]) / 3600
            a, b = (max(first - 1, 0), min(last + 1, len(xy) - 1)) if long <= 4 else (first, last)
            way = shapely.LineString(xy[a : b + 1]) if b > a else None
            cut = (
                sum(int(shapely.get_num_coordinates(way.intersection(g))) for g in lines)
                if way is not None
                else 0
            )
            if long <= 4:
                found.append(
                    (
                        str(name),
                        cut,
                        "quick_cross" if cut else "bounce" if first > 0 and last + 1 < len(xy) else "unknown",
                    )
                )
            else:
                found.append((str(name), cut, "trapped" if long > 36 else "window"))
    return found


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--fixes", type=int, default=1_000_000)
    options.add_argument("--lines", type=int, default=100_000)
    given = options.parse_args()
    rng = np.random.default_rng(1)
    tracks, barriers = country(9_000, 1_600, 4, rng, 40_000.0)
    start = time.process_time()
    quick = encounters(tracks, barriers)
    ours = time.process_time() - start
    start = time.process_time()
    plain = plain_encounters(tracks.table, list(barriers.table.geometry), 110.0)
    theirs = time.process_time() - start
    same = [(a, c) for a, c, _ in plain] == list(
        zip(quick.table["animal"], quick.table["crossings"], strict=True)
    )
    print(
        f"encounters, 9,000 fixes, 1,600 lines: {ours:.2f} s, plain loops {theirs:.1f} s, {theirs / ours:.0f} x; same events: {same}",
        flush=True,
    )
    tracks, barriers = country(given.fixes, given.lines, 100, rng, 400_000.0)
    wall, cpu = time.perf_counter(), time.process_time()
    found = crossings(tracks, barriers)
    told = f"{time.perf_counter() - wall:.1f} s ({time.process_time() - cpu:.1f} s of one core)"
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(
        f"crossings, {len(tracks):,} fixes, {len(barriers):,} lines: {told}, {len(found):,} found, peak memory {peak:.2f} GB"
    )


if __name__ == "__main__":
    main()
