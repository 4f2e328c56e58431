"""Simulated tracks at the Trans-Mongolian Railway of the Gobi sample: ``python data/samples/rebuild_tracks.py [--check]``.

NO ANIMAL WALKED THESE TRACKS.  A correlated walk meets the longest straight piece of the railway; a try to cross succeeds with chance P,
otherwise Exp(M) kilometres are worked along the line and the next try follows: the crossing cost is known, ``M (1 - P) / P`` = 8 km.
``--check`` makes them again and compares with the file; the numbers of a walk may differ in the last digit between machines.
"""

from __future__ import annotations

import gzip
import sys
from itertools import pairwise
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from permeability.engines.kernels.line_walk import line_walks
from permeability.project.project import open_project

HERE = Path(__file__).resolve().parent / "gobi"
FILE = HERE / "simulated_tracks.csv.gz"
P, M_KM = 0.2, 2.0
COST_KM = M_KM * (1 - P) / P
ANIMALS, DAYS, FINE_H, EVERY = 8, 60, 0.25, 4
STEP_M, TURN, HALF_M, ERROR_M = 200.0, 2.0, 6_000.0, 15.0
SEED = 20
COLUMNS = ["animal", "time", "longitude", "latitude", "simulated"]


def longest_piece(line: str = "TMR") -> shapely.LineString:
    """The longest piece of a line between two drawn vertices, straight in the drawing, in the coordinate system of the grid."""
    drawn = gpd.read_file(HERE / "layers.gpkg", layer="railways")
    rows = drawn[drawn["line"] == line]
    corners = [shapely.get_coordinates(g) for g in rows.geometry]
    pieces = [shapely.LineString(p) for xy in corners for p in pairwise(xy)]
    crs = open_project(HERE).grid.crs
    there = gpd.GeoSeries([shapely.segmentize(p, 0.01) for p in pieces], crs=drawn.crs).to_crs(crs)
    return max(there, key=lambda p: p.length)


def placed(piece: shapely.LineString, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Places ``y`` metres along a piece and ``x`` to its side."""
    near = [
        shapely.get_coordinates(shapely.line_interpolate_point(piece, y + d)) for d in (-500.0, 0.0, 500.0)
    ]
    along = near[2] - near[0]
    along /= np.hypot(*along.T)[:, None]
    return near[1] + x[:, None] * np.stack([-along[:, 1], along[:, 0]], axis=1)


def tracks() -> pd.DataFrame:
    """Hourly fixes, spread along the piece."""
    piece = longest_piece()
    crs = open_project(HERE).grid.crs
    walks = line_walks(ANIMALS, DAYS * 24, EVERY, STEP_M, TURN, P, M_KM * 1000, HALF_M, ERROR_M, SEED)
    margin = 10_000.0
    frames = []
    for i, walk in enumerate(walks):
        start = margin + (piece.length - 2 * margin) * (i + 0.5) / ANIMALS
        xy = placed(piece, _folded(start + walk[:, 1], margin, piece.length - margin), walk[:, 0])
        frames.append(pd.DataFrame({
            "animal": f"simulated-{i + 1}", "time": pd.date_range("2025-05-01", periods=len(xy), freq="h", tz="UTC"),
            "x": xy[:, 0], "y": xy[:, 1],
        }))  # fmt: skip
    table = pd.concat(frames, ignore_index=True)
    points = gpd.GeoSeries(gpd.points_from_xy(table["x"], table["y"]), crs=crs).to_crs(4326)
    return pd.DataFrame({
        "animal": table["animal"], "time": table["time"].dt.strftime("%Y-%m-%dT%H:%MZ"), "longitude": points.x.round(5), "latitude": points.y.round(5),
        "simulated": "yes",
    })[COLUMNS]  # fmt: skip


def _folded(y: np.ndarray, low: float, high: float) -> np.ndarray:
    """Places along the piece, turned back at its ends; the way keeps its length but for the turn."""
    span = high - low
    there = (y - low) % (2 * span)
    return low + np.where(there > span, 2 * span - there, there)


def main() -> int:
    made = tracks()
    if "--check" in sys.argv:
        kept = pd.read_csv(FILE)
        same = len(kept) == len(made) and np.allclose(
            kept[["longitude", "latitude"]], made[["longitude", "latitude"]], atol=2e-5
        )
        print("equal" if same else "different")
        return 0 if same else 1
    data = made.to_csv(index=False, lineterminator="\n").encode()
    FILE.write_bytes(gzip.compress(data, 9, mtime=0))
    print(
        f"{FILE.name}: {len(made):,} fixes, {FILE.stat().st_size / 1000:.0f} kB; crossing cost {COST_KM:g} km"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
