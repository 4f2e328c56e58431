"""A run on layers as they are: every fence of a district, and an extract of OpenStreetMap; what `plan` foretold beside it.

    python benchmarks/real_layers.py wyoming FOLDER/fences_wyoming.gpkg [--draws 200] [--parts 289]
    python benchmarks/real_layers.py liechtenstein FOLDER/liechtenstein.osm.pbf [--draws 100]
    python benchmarks/real_layers.py wyoming FOLDER/fences_wyoming.gpkg --check 50      so many lines solved anew, and held against the run's
    python benchmarks/real_layers.py liechtenstein FOLDER/liechtenstein.osm.pbf --edit   a second run after one number was edited

``fences_wyoming.gpkg``: 1,673 fences (Xu et al., https://github.com/wx-ecology/BaBA, MIT).  ``liechtenstein.osm.pbf``: a country of
OpenStreetMap (ODbL) as the tests of pyosmium keep it.  The ground of Wyoming and the six places are invented; those of
Liechtenstein are its forests.  Plan and run in a process of their own each; kernels compiled before; as
many threads as there are cores.  The budget of Wyoming is about a tenth of what all would cost.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ONE = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg"}
WYOMING = """
[project]
name = "Every fence"
[grid]
crs = "EPSG:32612"
cell_size_m = 500
bounds = [535500, 4693500, 610500, 4788500]
[layers.fences]
path = "lines.gpkg"
table = "fences"
[layers.places]
path = "lines.gpkg"
table = "places"
[layers.ground]
path = "ground.tif"
[habitat]
resistance = "ground"
[barriers]
layers = ["fences"]
[species.mongolian_gazelle]
patches = "places"
on_barrier = "split"
[candidates]
lines = "all"
length_km = 5
treatment = "modify"
[ranking]
draws = DRAWS
budget_usd = 200000
"""
LIECHTENSTEIN = """
[project]
name = "A country of OpenStreetMap"
[grid]
crs = "EPSG:32632"
cell_size_m = 50
bounds = BOUNDS
[layers.ways]
path = "lines.gpkg"
table = "ways"
[layers.forests]
path = "lines.gpkg"
table = "forests"
[layers.ground]
path = "ground.tif"
[habitat]
resistance = "ground"
[barriers]
layers = ["ways"]
assume_fenced = "no"
[species.bukhara_deer]
patches = "forests"
on_barrier = "split"
[candidates]
line = "303 01"
structures_km = [3, 7]
treatment = "overpass"
[ranking]
draws = DRAWS
budget_usd = 10000000
[[scenarios]]
name = "Traffic of 2035"
[[scenarios.steps]]
action = "traffic"
kind = "road"
times = 1.3
[comparison]
draws = DRAWS
"""


def write_raster(path: Path, values, bounds, crs: str) -> None:
    """A GeoTIFF of the resistance of the ground."""
    import rasterio
    from rasterio.transform import from_bounds

    rows, cols = values.shape
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=cols,
        height=rows,
        count=1,
        dtype="float64",
        crs=crs,
        transform=from_bounds(*bounds, cols, rows),
    ) as out:
        out.write(values, 1)


def wyoming(source: Path, folder: Path, draws: int, parts: int | None) -> Path:
    """The fences as they were measured on invented ground, six invented places."""
    import geopandas as gpd
    import numpy as np
    from shapely.geometry import box

    fences = gpd.read_file(source).iloc[:parts]
    facts = {"id": [f"F-{i}" for i in fences["fence_id"]], "kind": "fence", "fence_class": "stock"}
    table = gpd.GeoDataFrame(facts, geometry=fences.geometry.to_numpy(), crs=fences.crs)
    table.to_file(folder / "lines.gpkg", layer="fences")
    west, south, *_ = bounds = (535500, 4693500, 610500, 4788500)
    middle = [(west + x, south + y) for x in (12e3, 37e3, 62e3) for y in (15e3, 80e3)]
    areas = [box(x - 2500, y - 2500, x + 2500, y + 2500) for x, y in middle]
    places = gpd.GeoDataFrame({"id": list("abcdef")}, geometry=areas, crs=fences.crs)
    places.to_file(folder / "lines.gpkg", layer="places")
    ground = 1 + np.random.default_rng(1).random((190, 150))
    write_raster(folder / "ground.tif", ground, bounds, "EPSG:32612")
    path = folder / "project.toml"
    path.write_text(WYOMING.replace("DRAWS", str(draws)))
    return path


def liechtenstein(source: Path, folder: Path, draws: int, parts: int | None) -> Path:
    """Railways, fences and roads but tracks and paths; forests of more than 1 km2 joined where they touch."""
    import geopandas as gpd
    import numpy as np
    import shapely
    from rasterio.features import rasterize
    from rasterio.transform import from_bounds

    from permeability.barriers.database.importing import import_layer

    lines = gpd.read_file(source, layer="lines")
    ways = import_layer(lines, "openstreetmap", assume=True).layers["barriers"].to_crs(32632)
    high = ways["vehicles_per_day_high"].to_numpy(float)
    keep = ways["kind"].isin(["railway", "fence"]) | ((ways["kind"] == "road") & ~(high <= 50))
    ways[keep].iloc[:parts].to_file(folder / "lines.gpkg", layer="ways")
    areas = gpd.read_file(source, layer="multipolygons").to_crs(32632)
    forest = areas[(areas["landuse"] == "forest") | (areas["natural"] == "wood")]
    west, south, east, north = ways.total_bounds
    bounds = [
        float(v)
        for v in (*(np.floor([west / 50, south / 50]) * 50), *(np.ceil([east / 50, north / 50]) * 50))
    ]
    rows, cols = round((bounds[3] - bounds[1]) / 50), round((bounds[2] - bounds[0]) / 50)
    built = areas[areas["landuse"].isin(["residential", "industrial", "commercial"])]
    shapes = [(g, 1.0) for g in forest.geometry] + [(g, 30.0) for g in built.geometry]
    ground = rasterize(
        shapes, (rows, cols), fill=3.0, transform=from_bounds(*bounds, cols, rows), dtype="float64"
    )
    write_raster(folder / "ground.tif", ground, bounds, "EPSG:32632")
    large = shapely.get_parts(shapely.union_all(shapely.make_valid(forest.geometry.to_numpy())))
    large = [g.intersection(shapely.box(*bounds)) for g in large]
    large = sorted((g for g in large if g.area > 1e6), key=lambda g: -g.area)[:6]
    named = gpd.GeoDataFrame(
        {"id": [f"forest {i}" for i in range(1, len(large) + 1)]}, geometry=large, crs=32632
    )
    named.to_file(folder / "lines.gpkg", layer="forests")
    path = folder / "project.toml"
    path.write_text(LIECHTENSTEIN.replace("DRAWS", str(draws)).replace("BOUNDS", str(bounds)))
    return path


def here(what: str, path: str) -> None:
    """Plan or run in this process; the last line that is printed is the outcome as JSON."""
    import re
    import resource
    import time

    import permeability as pm

    begun, clock, stages = time.process_time(), time.time(), {}

    def told(step: str, done: int, total: int) -> None:
        now = stages.setdefault(step, [time.process_time() - begun, 0.0])
        now[1] = time.process_time() - begun
        if not sys.stderr.closed and "--tell" in sys.argv:
            print(f"{time.process_time() - begun:8.1f} {step} {done}/{total}", file=sys.stderr, flush=True)

    if what == "plan":
        from permeability.project.run.effort import plan_project, plan_species

        text = plan_project(path)
        project = pm.open_project(path)
        found = {
            "seconds": sum(plan_species(project, n).seconds for n in project.species_ids),
            "MiB": max(int(x.replace(",", "")) for x in re.findall(r"peak memory about ([\d,]+) MiB", text)),
            "text": text,
        }
    else:
        pm.run_project(path, Path(path).parent / "results", progress=told)
        size = (Path(path).parent / "results" / "report.html").stat().st_size
        found = {
            "seconds": time.process_time() - begun,
            "clock": time.time() - clock,
            "report MB": size / 1e6,
            "steps": {k: [round(x, 1) for x in v] for k, v in stages.items()},
        }
        found["MiB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(found))


def check(path: Path, lines: int) -> None:
    """What lines take alone and give back, of some solved anew: largest relative difference of any number."""
    import numpy as np

    import permeability as pm
    from permeability.impact.line_by_line import standing_groups
    from permeability.impact.line_states import alone_and_without
    from permeability.linkage.measured import Measured

    project = pm.open_project(path)
    name = project.species_ids[0]
    land, patches, inside = project.landscape(name), project.patches(name), project.range_mask(name)
    groups = standing_groups(land)
    alone, without = alone_and_without(Measured(land, patches, inside, keep_fields=True), groups)
    worst = {"cost": 0.0, "reach": 0.0, "resistance": 0.0, "pieces": 0.0}
    for i in np.unique(np.linspace(0, len(groups) - 1, lines).astype(int)):
        rows = list(groups.values())[i]
        for found, anew in ((alone[i], land.with_rows(rows)), (without[i], land.without_rows(rows))):
            fresh = Measured(anew, patches, inside).state
            for key in worst:
                a, b = getattr(found, key), getattr(fresh, key)
                same = (a == b) | (np.isinf(a) & np.isinf(b))
                with np.errstate(invalid="ignore"):
                    off = np.where(same, 0.0, np.abs(a - b) / np.maximum(np.abs(b), 1e-300))
                worst[key] = max(worst[key], float(np.max(off, initial=0.0)))
    print(
        f"{lines} of {len(groups)} lines solved anew, alone and taken away; largest relative difference:",
        worst,
    )


def outcome(what: str, path: Path) -> dict:
    """Of :func:`here` in a process of its own."""
    command = [
        sys.executable,
        __file__,
        "--here",
        what,
        str(path),
        *(["--tell"] if "--tell" in sys.argv else []),
    ]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=os.environ | ONE)
    return json.loads(done.stdout.strip().splitlines()[-1])


def main() -> None:
    """Make the project, plan it, run it, print a row."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("project", choices=["wyoming", "liechtenstein"])
    parser.add_argument("source", type=Path)
    parser.add_argument("--draws", type=int)
    parser.add_argument("--parts", type=int, help="only so many of the rows")
    parser.add_argument("--folder", type=Path, help="where project and results stay")
    parser.add_argument("--tell", action="store_true", help="say on stderr how far it is")
    parser.add_argument("--make-only", action="store_true")
    parser.add_argument(
        "--check", type=int, default=0, help="lines that are solved anew; nothing else is done"
    )
    parser.add_argument("--edit", action="store_true", help="edit one number of the project and run again")
    asked = parser.parse_args()
    make, draws = (wyoming, 200) if asked.project == "wyoming" else (liechtenstein, 100)
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        path = make(asked.source, folder, draws if asked.draws is None else asked.draws, asked.parts)
        if asked.make_only:
            return
        if asked.check:
            check(path, asked.check)
            return
        plan, run = outcome("plan", path), outcome("run", path)
        if asked.edit:
            text = path.read_text()
            path.write_text(
                text.replace("times = 1.3", "times = 1.4").replace(
                    "budget_usd = 2000000", "budget_usd = 1500000"
                )
            )
            print(
                f"one number edited, and run again: {outcome('run', path)['seconds']:.0f} s of the processor"
            )
    print(plan.pop("text"))
    print("steps [processor s, from and to]:", run.pop("steps"))
    print("| project | planned s | cpu s | s of the clock | planned MiB | peak MiB | report MB |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    print(
        f"| {asked.project} | {plan['seconds']:.0f} | {run['seconds']:.0f} | {run['clock']:.0f} | {plan['MiB']:,.0f} | "
        f"{run['MiB']:,.0f} | {run['report MB']:.2f} |"
    )


if __name__ == "__main__":
    if "--here" in sys.argv:
        here(*sys.argv[sys.argv.index("--here") + 1 :][:2])
    else:
        main()
