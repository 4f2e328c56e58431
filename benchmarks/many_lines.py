"""What a layer of many lines costs: each line alone and taken away, every line ranked as a candidate, the choice under a budget.

    python benchmarks/many_lines.py [15 150 1500 5000] [--plot docs/images/many_lines.svg]     each number in a process of its own

Invented fences of 2 km on 30,000 cells of 500 m, six places; processor seconds of one thread (kernels compiled before), peak
memory of the process.  The budget is that of 30 lines, however many there are.  A few lines are solved anew, as each was before,
and multiplied.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import geopandas as gpd
import numpy as np
from shapely.geometry import LineString, box

import permeability as pm
from permeability.barriers.lines import prepare
from permeability.impact.line_by_line import standing_lines
from permeability.landscape.landscape import build
from permeability.landscape.patches import place
from permeability.linkage.measured import Measured
from permeability.species import species

CRS = "EPSG:32648"
RESOLVED = 3  # lines that are solved anew
BOUGHT = 30  # lines that the budget buys
PARTS = {
    "alone": "each line alone and away",
    "ranked": "every line ranked",
    "chosen": "a choice of 30",
    "anew": "each solved anew",
}


def landscape(lines: int) -> tuple[pm.Landscape, pm.Patches]:
    """Fences at random on uneven ground, none across a place."""
    rng = np.random.default_rng(lines)
    grid = pm.Grid.from_bounds((0, 0, 100_000, 75_000), cell_size=500, crs=CRS)
    places = [box(x - 2500, y - 2500, x + 2500, y + 2500) for x in (10e3, 50e3, 90e3) for y in (10e3, 65e3)]
    shapes: list[LineString] = []
    while len(shapes) < lines:
        bend = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, 0.3, 5))
        points = rng.uniform((3e3, 3e3), (97e3, 72e3)) + np.cumsum(
            500 * np.column_stack([np.cos(bend), np.sin(bend)]), axis=0
        )
        shape = LineString(points)
        if not any(shape.distance(p) < 1000 for p in places):
            shapes.append(shape)
    facts = {"id": [f"F{k}" for k in range(lines)], "kind": "fence", "fence_class": "stock"}
    barriers = prepare(gpd.GeoDataFrame(facts, geometry=shapes, crs=CRS))
    land = build(grid, 1 + rng.random(grid.shape), barriers, species("mongolian_gazelle"))
    return land, place(gpd.GeoDataFrame({"id": list("abcdef")}, geometry=places, crs=CRS), land)


def timed(work):
    """Result and processor seconds."""
    begun = time.process_time()
    return work(), time.process_time() - begun


def measure(lines: int) -> None:
    """One row of the table."""
    land, patches = landscape(lines)
    today = Measured(land, patches, land.valid, keep_fields=True)
    _ = today.state, today.bare.state, today.fields, today.bare.fields
    sites = [
        c for x in land.barriers.lines for c in pm.candidates(land, x, treatment="modify", length_m=5000)
    ]
    _, alone = timed(lambda: pm.barrier_impact(land, patches, measured=today))
    ranking, ranked = timed(lambda: pm.rank(land, patches, sites, measured=today))
    budget = BOUGHT * float(ranking.table["cost_usd"].mean())
    plan, chosen = timed(lambda: pm.portfolio(ranking, budget))
    some = standing_lines(land)[:RESOLVED]
    afresh = Measured(land, patches, land.valid)
    _ = afresh.key  # nothing of it is known
    _, anew = timed(
        lambda: [
            afresh.state_of(v)
            for x in some
            for v in (land.without_lines([x]), land.without_barriers(keep=[x]))
        ]
    )
    row = {
        "lines": lines, "edges": len(land.edge_barriers().cell), "alone": alone, "anew": anew / len(some) * lines, "ranked": ranked,
        "chosen": chosen, "bought": len(plan.table), "gap": plan.gap, "MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }  # fmt: skip
    print(json.dumps(row))


def told(row: dict[str, float]) -> str:
    """A row of the table."""
    return (
        f"| {row['lines']:,} | {row['edges']:,} | {row['alone']:.1f} | {row['anew']:,.1f} | {row['ranked']:.1f} | "
        f"{row['chosen']:.1f} ({row['bought']}, gap {100 * row['gap']:.1f} %) | {row['MB']:,.0f} |"
    )


def plot(rows: list[dict[str, float]], path: str) -> None:
    """Seconds and memory against the number of lines, both axes in powers of ten."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "many lines"
    from matplotlib import pyplot as plt

    n = [r["lines"] for r in rows]
    fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for (key, words), style in zip(PARTS.items(), ("-o", "-s", "-^", ":x")):
        left.loglog(n, [r[key] for r in rows], style, label=words)
    left.loglog(
        n, [rows[-1]["alone"] / n[-1] * x for x in n], color="0.7", lw=1, label="in proportion to the lines"
    )
    left.set(xlabel="lines", ylabel="seconds of the processor")
    left.legend(fontsize=7)
    right.loglog(n, [r["MB"] for r in rows], "-o")
    right.set(xlabel="lines", ylabel="peak memory [MB]", ylim=(100, 10_000))
    for axes in (left, right):
        axes.grid(alpha=0.3)
    fig.savefig(path, metadata={"Date": None})


def main() -> None:
    """Every number of lines in a process of its own."""
    numbers = [int(a) for a in sys.argv[1:] if a.isdigit()] or [15, 150, 1500, 5000]
    if "--here" in sys.argv:
        land, patches = landscape(30)  # compiles
        ranking = pm.rank(
            land,
            patches,
            [c for x in land.barriers.lines for c in pm.candidates(land, x, treatment="modify")],
        )
        pm.portfolio(ranking, 0.2 * float(ranking.table["cost_usd"].sum()))
        pm.barrier_impact(land, patches)
        measure(numbers[0])
        return
    print(
        "| lines | edges cut | each alone and away, cpu s | the same solved anew | ranked, cpu s | chosen, cpu s | peak MB |"
    )
    print("| ---: | ---: | ---: | ---: | ---: | ---: | ---: |", flush=True)
    rows = []
    for n in numbers:
        done = subprocess.run(
            [sys.executable, __file__, "--here", str(n)], check=True, stdout=subprocess.PIPE, text=True
        )
        rows.append(json.loads(done.stdout.strip().splitlines()[-1]))
        print(told(rows[-1]), flush=True)
    if "--plot" in sys.argv:
        plot(rows, sys.argv[sys.argv.index("--plot") + 1])


if __name__ == "__main__":
    main()
