"""Do 90 % ranges hold 90 % of the truth?  Synthetic landscapes whose truth is drawn beside what is not known.

Every landscape has a fenced railway that winds, a road, a stock fence, and patches on both sides.  A *truth* is one set of
all unknown numbers: crossing chances, trace length, traffic, movement budget, positions of the lines, and where the cells
of the grid begin.  It is drawn by its own generator, not by the sampler that is tested, and the landscape of the truth is
built afresh and solved from the start, without the code that draws.  The ranking never sees the truth.

    python benchmarks/calibration.py [--landscapes 25] [--truths 20] [--draws 200] [--rows 60] [--out calibration.json]

Prints three shares for the gain in conductance, the gain in reachable range and the rank:

*level*
    How much of the truths the middle 90 % of the draws holds, by the probability integral transform.  Ranks are whole
    numbers and many gains in range are exactly zero, so a value has a lump of probability, from the share of draws below
    it to the share at or below it, and no set of whole ranks holds just 90 %.  A truth counts by the part of its lump
    between 5 and 95 %: for a right forecast that is 90 % on average, whatever the lumps (the expectation over the
    randomised transform: Brockwell 2007, doi:10.1016/j.spl.2007.02.008; used without the random number by Czado, Gneiting
    and Held 2009, doi:10.1111/j.1541-0420.2009.01191.x).  Without lumps it is the plain share inside.
*promise*
    Share of the draws that the printed range holds: what it says of itself, more than 90 % where values lump.
*held*
    Share of the truths that the printed range holds, to be compared with its promise.
"""

from __future__ import annotations

import argparse
import json
import time

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy import stats

import permeability as pm
from permeability.barriers.lines import prepare
from permeability.landscape.landscape import Landscape, build
from permeability.landscape.patches import Patches, place
from permeability.linkage.measured import indices
from permeability.ranking.line_positions import displaced
from permeability.ranking.rank_statistics import ranks
from permeability.ranking.unknown_numbers import NORMAL_90, Unknown
from permeability.species import species

CRS = "EPSG:32648"
CELL, ROWS, COLS = 1_000.0, 30, 40
SECTION_M = 4_000.0
VARY = ("crossing", "trace", "traffic", "budget", "dispersal", "map", "origin")
INDEX = ("mean_conductance", "reachable_km2")
MEASURED = {"conductance": "gain", "reach": "gain_reachable_km2", "rank": "rank"}  # column of the ranking


def landscape(seed: int, rows: int = ROWS) -> tuple[Landscape, Patches]:
    """A random landscape: ground with structure, three winding lines, patches on both sides, four on 30 rows."""
    rng = np.random.default_rng(seed)
    grid = pm.Grid.from_bounds((0, 0, COLS * CELL, rows * CELL), cell_size=CELL, crs=CRS)
    y, x = np.mgrid[:rows, :COLS]
    waves = sum(a * np.sin(x * u + y * v + w) for a, u, v, w in rng.uniform(0.1, 0.6, (5, 4)) * [1, 1, 1, 9])
    ground = np.exp(0.5 * waves + rng.normal(0, 0.15, grid.shape)).clip(1)

    def line(at: float) -> shapely.LineString:
        bends = 12 * rows // ROWS
        north = np.linspace(-2 * CELL, (rows + 2) * CELL, bends)
        east = rng.normal(0, 900, bends).cumsum() * 0.7
        return shapely.LineString(np.column_stack([at + east, north]))

    layer = {
        "id": ["R", "H", "F"], "kind": ["railway", "road", "fence"], "fenced": ["yes", None, None],
        "fence_class": [None, None, "stock"], "vehicles_per_day_low": [np.nan, 100.0, np.nan],
        "vehicles_per_day": [np.nan, 600.0, np.nan], "vehicles_per_day_high": [np.nan, 2500.0, np.nan],
        "accuracy_m": [1_200.0, 600.0, np.nan],
    }  # fmt: skip
    table = gpd.GeoDataFrame(layer, geometry=[line(20_400), line(12_300), line(29_700)], crs=CRS)
    profile = species("mongolian_gazelle").override(
        {"movement.budget_km": {"low": 8.0, "best": 16.0, "high": 40.0}}
    )
    land = build(grid, ground, prepare(table), profile)
    spots = [
        rng.uniform([x - 1_500, y - 3_500], [x + 1_500, y + 3_500])
        for x in (4_000, 35_500)
        for y in np.arange(8_000, rows * CELL, 14_000)
    ]
    frame = gpd.GeoDataFrame(
        {"id": [f"p{k}" for k in range(len(spots))]},
        geometry=[shapely.Point(p).buffer(1_800) for p in spots],
        crs=CRS,
    )
    return land, place(frame, land)


def truth(land: Landscape, numbers: list[Unknown], rng: np.random.Generator) -> Landscape:
    """The landscape of one truth, built from its numbers."""
    u = {c: float(rng.random()) for n in numbers for c in n.columns}
    estimates = land.profile.estimates()
    own = {k: float(estimates[k].draw(u[k])) for k in u if k in estimates}
    if "trace_length" in u:
        own["movement.trace_km"] = float(land.profile.trace_length_m.draw(u["trace_length"])) / 1000
    for key in (k for k in u if k.startswith("trace_length.")):  # of one class of barriers
        mine = key.replace("trace_length", "trace_km")
        own[mine] = float(estimates[mine].draw(u[key]))
    t = land.barriers.table.copy()
    for line in t["line"]:
        if f"traffic.{line}" in u:
            e = pm.Estimate(
                *t.loc[
                    t["line"] == line, ["vehicles_per_day_low", "vehicles_per_day", "vehicles_per_day_high"]
                ].iloc[0]
            )
            t.loc[
                t["line"] == line, ["vehicles_per_day_low", "vehicles_per_day", "vehicles_per_day_high"]
            ] = float(e.draw(u[f"traffic.{line}"]))
    origin = np.array([u["origin.east"] - 0.5, u["origin.north"] - 0.5]) * CELL
    shifts = {}
    for line, accuracy in zip(t["line"], pd.to_numeric(t["accuracy_m"], errors="coerce")):
        here = [u.get(f"map.{line}.{w}", 0.5) for w in ("east", "north")]
        off = stats.norm.ppf(here) * accuracy / NORMAL_90 if accuracy > 0 else np.zeros(2)
        shifts[str(line)] = tuple(off + origin)
    moved = displaced(land.barriers, shifts, land.grid, land.valid)
    moved = type(moved)(t.set_geometry(moved.table.geometry), moved.chainages)
    return build(land.grid, land.resistance, moved, land.profile.override(own))


def true_gains(there: Landscape, patches: Patches, steps: list[object]) -> np.ndarray:
    """Gains of every candidate in both indices, each by a fresh solve, shape (2, candidates)."""
    inside = there.valid
    today = indices(there, patches, inside).values
    out = np.empty((len(INDEX), len(steps)))
    for k, step in enumerate(steps):
        after = indices(there.with_scenario(pm.Scenario("x", step)), patches, inside).values  # type: ignore[arg-type]
        out[:, k] = [after[i] - today[i] for i in INDEX]
    return out


def part_inside(truth: np.ndarray, drawn: np.ndarray, level: float = 0.9) -> np.ndarray:
    """Part of each truth's lump of probability that lies in the middle ``level`` of the draws.

    ``truth`` has the shape (K,), ``drawn`` (draws, K); 0 to 1 for each.  Values that agree to 12 digits are the same.

    >>> part_inside(np.array([1.0, 50.0]), np.column_stack([np.r_[np.zeros(50), np.ones(50)], np.arange(100.0)]))
    array([0.9, 1. ])
    """
    near = 1e-12 * max(1.0, float(np.abs(drawn).max()))
    below = (drawn < truth - near).mean(axis=0)
    upto = (drawn <= truth + near).mean(axis=0)
    tail = (1 - level) / 2
    inside = np.clip(np.minimum(upto, 1 - tail) - np.maximum(below, tail), 0, None)
    width = upto - below
    point = ((below >= tail) & (below <= 1 - tail)).astype(float)  # no draw has this very value
    return np.where(width > 0, inside / np.where(width > 0, width, 1), point)


def main() -> None:
    """Run the experiment and print what was found."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--landscapes", type=int, default=25)
    p.add_argument("--truths", type=int, default=20, help="for each landscape")
    p.add_argument("--draws", type=int, default=200)
    p.add_argument("--lines", nargs="+", default=["R"], choices=["R", "F"], help="lines with candidates")
    p.add_argument("--rows", type=int, default=ROWS, help="of cells; a line has six candidates on 30 rows")
    p.add_argument("--seconds", type=float, default=np.inf, help="stop after this long, with what there is")
    p.add_argument("--out", default=None, help="JSON file for the figures")
    a = p.parse_args()
    held: dict[str, list[np.ndarray]] = {
        f"{m}: {k}": [] for k in MEASURED for m in ("level", "promise", "held")
    }
    held |= {"first in group 1": [], "level: rank, best-value kinds": []}
    begun, truths = time.monotonic(), 0
    for seed in range(a.landscapes):
        if time.monotonic() - begun > a.seconds:
            break
        land, patches = landscape(seed, a.rows)
        sites = [s for s in pm.candidates(land, a.lines, length_m=SECTION_M) if 0 < s.km_from < a.rows - 3]
        steps = [s.interventions for s in sites]
        ranking = pm.rank(land, patches, sites, draws=a.draws, rng=seed, vary=VARY)
        assert ranking.draws is not None
        table = ranking.table.set_index("id").loc[[s.id for s in sites]]
        old = pm.rank(land, patches, sites, draws=a.draws, rng=seed, vary=("crossing", "trace", "traffic"))
        assert old.draws is not None
        drawn = {
            "conductance": ranking.draws.gains, "reach": ranking.draws.index_gains["reachable_km2"],
            "rank": ranks(ranking.draws.gains).astype(float),
        }  # fmt: skip
        ends = {k: table[[f"{c}_low", f"{c}_high"]].to_numpy(float).T for k, c in MEASURED.items()}
        rng = np.random.default_rng([7, seed])
        for _ in range(a.truths):
            there = truth(land, ranking.draws.unknowns, rng)
            gain, reach = true_gains(there, patches.on(there), steps)
            r = ranks(gain)[0]
            for k, value in {"conductance": gain, "reach": reach, "rank": r.astype(float)}.items():
                slack = 1e-9 * float(np.abs(drawn[k]).max())
                low, high = ends[k] + np.array([[-slack], [slack]])
                held[f"level: {k}"].append(part_inside(value, drawn[k]))
                held[f"promise: {k}"].append(((drawn[k] >= low) & (drawn[k] <= high)).mean(axis=0))
                held[f"held: {k}"].append(((value >= low) & (value <= high)).astype(float))
            held["level: rank, best-value kinds"].append(
                part_inside(r.astype(float), ranks(old.draws.gains).astype(float))
            )
            held["first in group 1"].append(np.array([table["alike"].iloc[int(np.argmin(r))] == 1]))
            truths += 1
    found = {k: float(np.mean(np.concatenate(v))) for k, v in held.items()}
    found |= {
        "truths": truths,
        "candidates": len(sites),
        "draws": a.draws,
        "seconds": round(time.monotonic() - begun),
    }
    for k, v in found.items():
        print(f"{k:<32} {v:.3f}" if isinstance(v, float) else f"{k:<32} {v}")
    if a.out:
        with open(a.out, "w", encoding="utf-8") as f:
            json.dump(found, f, indent=1)


if __name__ == "__main__":
    main()
