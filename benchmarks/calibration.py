"""Do 90 % ranges hold 90 % of the truth?  Synthetic landscapes whose truth is drawn beside what is not known.

Every landscape has a fenced railway that winds, a road, a stock fence, and patches on both sides.  A *truth* is one set of
all unknown numbers: crossing chances, trace length, traffic, movement budget, positions of the lines, and where the cells
of the grid begin.  It is drawn by its own generator, not by the sampler that is tested, and the landscape of the truth is
built afresh and solved from the start, without the code that draws.  The ranking never sees the truth.

    python benchmarks/calibration.py [--landscapes 25] [--truths 20] [--draws 200] [--out calibration.json]

Prints the share of (truth, candidate) whose true gain in conductance, true gain in reachable range and true rank lie in the 5
to 95 % ranges of the ranking.
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


def landscape(seed: int) -> tuple[Landscape, Patches]:
    """A random landscape: ground with structure, three winding lines, four patches."""
    rng = np.random.default_rng(seed)
    grid = pm.Grid.from_bounds((0, 0, COLS * CELL, ROWS * CELL), cell_size=CELL, crs=CRS)
    y, x = np.mgrid[:ROWS, :COLS]
    waves = sum(a * np.sin(x * u + y * v + w) for a, u, v, w in rng.uniform(0.1, 0.6, (5, 4)) * [1, 1, 1, 9])
    ground = np.exp(0.5 * waves + rng.normal(0, 0.15, grid.shape)).clip(1)

    def line(at: float) -> shapely.LineString:
        north = np.linspace(-2 * CELL, (ROWS + 2) * CELL, 12)
        return shapely.LineString(np.column_stack([at + rng.normal(0, 900, 12).cumsum() * 0.7, north]))

    rows = {
        "id": ["R", "H", "F"], "kind": ["railway", "road", "fence"], "fenced": ["yes", None, None],
        "fence_class": [None, None, "stock"], "vehicles_per_day_low": [np.nan, 100.0, np.nan],
        "vehicles_per_day": [np.nan, 600.0, np.nan], "vehicles_per_day_high": [np.nan, 2500.0, np.nan],
        "accuracy_m": [1_200.0, 600.0, np.nan],
    }  # fmt: skip
    table = gpd.GeoDataFrame(rows, geometry=[line(20_400), line(12_300), line(29_700)], crs=CRS)
    profile = species("mongolian_gazelle").override(
        {"movement.budget_km": {"low": 8.0, "best": 16.0, "high": 40.0}}
    )
    land = build(grid, ground, prepare(table), profile)
    spots = [
        rng.uniform([x - 1_500, y - 3_500], [x + 1_500, y + 3_500])
        for x in (4_000, 35_500)
        for y in (8_000, 22_000)
    ]
    frame = gpd.GeoDataFrame(
        {"id": list("abcd")}, geometry=[shapely.Point(p).buffer(1_800) for p in spots], crs=CRS
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


def main() -> None:
    """Run the experiment and print what was found."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--landscapes", type=int, default=25)
    p.add_argument("--truths", type=int, default=20, help="for each landscape")
    p.add_argument("--draws", type=int, default=200)
    p.add_argument("--seconds", type=float, default=np.inf, help="stop after this long, with what there is")
    p.add_argument("--out", default=None, help="JSON file for the figures")
    a = p.parse_args()
    held: dict[str, list[np.ndarray]] = {
        "conductance": [],
        "reach": [],
        "rank": [],
        "first in group 1": [],
        "old: rank, best-value kinds": [],
    }
    begun, truths = time.monotonic(), 0
    for seed in range(a.landscapes):
        if time.monotonic() - begun > a.seconds:
            break
        land, patches = landscape(seed)
        sites = [s for s in pm.candidates(land, "R", length_m=SECTION_M) if 0 < s.km_from < 27]
        steps = [s.interventions for s in sites]
        ranking = pm.rank(land, patches, sites, draws=a.draws, rng=seed, vary=VARY)
        assert ranking.draws is not None
        table = ranking.table.set_index("id").loc[[s.id for s in sites]]
        old = pm.rank(land, patches, sites, draws=a.draws, rng=seed, vary=("crossing", "trace", "traffic"))
        old_table = old.table.set_index("id").loc[[s.id for s in sites]]
        rng = np.random.default_rng([7, seed])
        for _ in range(a.truths):
            gain, reach = true_gains(truth(land, ranking.draws.unknowns, rng), patches, steps)
            r = ranks(gain)[0]
            slack = 1e-12
            held["conductance"].append(
                (gain >= table["gain_low"] - slack) & (gain <= table["gain_high"] + slack)
            )
            held["reach"].append(
                (reach >= table["gain_reachable_km2_low"] - slack)
                & (reach <= table["gain_reachable_km2_high"] + slack)
            )
            held["rank"].append((r >= table["rank_low"]) & (r <= table["rank_high"]))
            held["old: rank, best-value kinds"].append(
                (r >= old_table["rank_low"]) & (r <= old_table["rank_high"])
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
