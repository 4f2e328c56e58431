"""Pictures of the gallery, drawn from the Gobi sample: ``python docs/make_gallery.py`` (a few minutes).

The sample is an illustration: schematic lines, drawn ranges, expert defaults.  No finding may be taken from a picture.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import shapely
from PIL import Image

import permeability as pm
from permeability.engines.omnidirectional import omnidirectional
from permeability.linkage.barrier_score import barrier_score
from permeability.linkage.corridors import least_cost_corridors
from permeability.linkage.patch_network import patch_network
from permeability.linkage.paths import least_cost_paths
from permeability.viz.maps import plot_difference

HERE = Path(__file__).resolve().parent / "gallery"
CELL_M = 10_000
DPI = 90


def pictures(cell_m: float = CELL_M) -> dict[str, Callable[[], Any]]:
    """File name -> what draws it."""
    project = pm.open_project(pm.sample_folder()).with_cell_size(cell_m)
    land, patches = project.landscape("khulan"), project.patches("khulan")
    today, bare = pm.connectivity(land, patches), pm.connectivity(land.without_barriers(), patches)
    sites = pm.rank(land, patches, pm.candidates(land, "TMR", length_m=20_000))
    plan = (
        pm.Scenario("Two openings").remove("TMR", km=(812, 815)).treat("TMR", km=950, treatment="underpass")
    )
    windows = omnidirectional(land, radius=12, block_size=3, normalised=True)
    return {
        "landscape": land.plot,
        "patches": patches.plot,
        "current": today.plot,
        "distance": lambda: today.plot(show="distance"),
        "difference": lambda: plot_difference(bare.current, today.current, land),
        "comparison": pm.compare(land, patches, plan).plot,
        "ranking": sites.plot,
        "ranking_mn": lambda: sites.plot(language="mn"),
        "plan": pm.portfolio(sites, budget_usd=200_000, min_spacing_km=30).plot,
        "paths": least_cost_paths(land, patches).plot,
        "network": patch_network(land, patches).plot,
        "corridors": least_cost_corridors(land, patches).plot,
        "barrier_score": barrier_score(land, patches, 20_000.0).plot,
        "omnidirectional": lambda: windows.plot(show="normalised"),
    }


def new_lines() -> dict[str, Callable[[], Any]]:
    """A coal railway to the border as if it were not built, as in notebook 08."""
    project = pm.open_project(pm.sample_folder())
    south = pm.Grid.from_bounds(
        (60_000, -540_000, 620_000, -100_000), cell_size=5_000, crs=project.spec.grid.crs
    )
    project = project.on_grid(south)
    land = project.landscape("khulan").with_scenario(pm.Scenario("not built").drop("TTGS"))
    patches = project.patches("khulan")
    whole = project.barriers.table.set_index("id").geometry["TTGS"]
    drawn = shapely.ops.substring(whole, 0, 0.92, normalized=True)
    ends = shapely.Point(drawn.coords[0]), shapely.Point(drawn.coords[-1])
    found = pm.route(land, patches, *ends, "railway_fenced", max_length=1.25, n_starts=3)
    lines = {"ours": found.lines["A"], "drawn": drawn}
    return {
        "new_line": pm.compare_alternatives(lines, land, patches, "railway_fenced").plot,
        "no_go": pm.no_go(found.damage).plot,
    }


def small(path: Path) -> None:
    """The same picture with 256 colours."""
    with Image.open(path) as picture:
        reduced = picture.convert("RGB").quantize(
            256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE
        )
    reduced.save(path, optimize=True)


if __name__ == "__main__":
    HERE.mkdir(exist_ok=True)
    for name, draw in (pictures() | new_lines()).items():
        small(draw().save(HERE / f"{name}.png", dpi=DPI))
