"""Memory and time that `permeability plan` foretells, and what the run then takes.

    python benchmarks/plan.py [NAME ...]

Every project is planned and run in a process of its own; the peak of the run (resident set, ``ru_maxrss``) is held against the peak of
the plan, both above what a bare interpreter takes; the seconds of the processor that the whole command takes (start, reading, solving,
writing, report; kernels kept from a first run that is not counted) against the plan's.  Names: see ``CASES``.  Linux.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile

TINY = """
import permeability as pm
def project(folder):
    return pm.open_project(pm.samples.tiny_project(folder + "/tiny"))
"""
WARPED = """
import numpy as np, rasterio
from rasterio.transform import from_bounds
import permeability as pm
def project(folder):
    path = pm.samples.tiny_project(folder + "/tiny")
    path = path if path.suffix == ".toml" else path / "project.toml"
    grid, side = pm.open_project(path).grid, {side}
    west, south, east, north = grid.bounds
    if not (path.parent / "heights.tif").exists():
        with rasterio.open(path.parent / "heights.tif", "w", driver="GTiff", width=side, height=side, count=1, dtype="float32", tiled={tiled},
                           compress="deflate", crs=grid.crs.to_wkt(), transform=from_bounds(west, south, east, north, side, side)) as out:
            for row in range(0, side, 256):
                rows = min(256, side - row)
                out.write(np.full((rows, side), 1000.0, "float32"), 1, window=((row, row + rows), (0, side)))
        path.write_text(path.read_text().replace('path = "resistance.tif"', 'path = "heights.tif"\\nresampling = "average"'))
    return pm.open_project(path)
"""
SAMPLE = """
import permeability as pm
def project(folder):
    found = pm.open_project(pm.sample_folder() / "{file}")
    spec = found.spec
    change = {{"grid": spec.grid.model_copy(update={{"cell_size_m": {cell}}}), "ranking": spec.ranking.model_copy(update={{"draws": {draws}}})}}
    return pm.Project(found.path, spec.model_copy(update=change))
"""


def sample(file: str, cell: float, draws: int) -> str:
    """A project of the shipped sample with another cell size and number of draws."""
    return SAMPLE.format(file=file, cell=cell, draws=draws)


CASES: dict[str, str] = {
    "tiny": TINY,
    "tiny, 12,000 x 12,000 warped": WARPED.format(side=12_000, tiled=True),
    "tiny, 6,000 x 6,000 in strips": WARPED.format(side=6_000, tiled=False),
    "Gobi, 20 km": sample("project.toml", 20_000, 10),
    "Gobi, 10 km": sample("project.toml", 10_000, 10),
    "Gobi, 5 km": sample("project.toml", 5_000, 4),
    "Gobi, 4 km": sample("project.toml", 4_000, 4),
    "options (eia), 10 km": sample("eia.toml", 10_000, 4),
    "Gobi, 10 km, 200 draws": sample("project.toml", 10_000, 200),
    "Gobi (the sample)": sample("project.toml", 5_000, 500),
}

PLAN = """
import json, sys
import re
from permeability.project.run.effort import plan_every_species, plan_project, whole_seconds
made = project(sys.argv[1])
plans = plan_every_species(made)
text = plan_project(made, plans)
peaks = [int(x.replace(",", "")) for x in re.findall(r"peak memory about ([\\d,]+) MiB", text)]
print(json.dumps({"planned": max(peaks), "seconds": whole_seconds(plans), "cells": int(sum(made.landscape(n).valid.sum() for n in made.species_ids[:1]))}))
"""
RUN = """
import json, resource, sys
import permeability as pm
made = project(sys.argv[1])
pm.run_project(made, sys.argv[1] + "/results")
own = [resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
print(json.dumps({"measured": own[0].ru_maxrss / 1024, "seconds": sum(u.ru_utime + u.ru_stime for u in own)}))
"""
BARE = "import resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"


def told(code: str, folder: str) -> dict[str, float]:
    """The last line that a program prints, as JSON."""
    done = subprocess.run([sys.executable, "-c", code, folder], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("names", nargs="*")
    wanted = parser.parse_args().names or list(CASES)
    bare = float(
        subprocess.run([sys.executable, "-c", BARE], capture_output=True, text=True, check=True).stdout
    )
    print(f"interpreter alone: {bare:.0f} MiB")
    print("| project | cells | planned MiB | measured MiB | planned / measured | planned s | measured s | planned / measured |")  # fmt: skip
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:  # kernels
        told(CASES["Gobi, 20 km"] + RUN, folder)
    for name in wanted:
        with tempfile.TemporaryDirectory() as folder:
            plan, run = told(CASES[name] + PLAN, folder), told(CASES[name] + RUN, folder)
        planned, measured = plan["planned"] - bare, run["measured"] - bare
        print(
            f"| {name} | {plan['cells']:,} | {planned:,.0f} | {measured:,.0f} | {planned / measured:.2f} "
            f"| {plan['seconds']:.0f} | {run['seconds']:.0f} | {plan['seconds'] / run['seconds']:.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
