"""Draw ``images/theta_walk_to_path.png``: ``python docs/plot_theta.py``.  An invented landscape."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import matplotlib.pyplot as plt
import numpy as np
import shapely
from matplotlib.colors import LogNorm
from PIL import Image
from scipy.ndimage import gaussian_filter

import permeability as pm
from permeability.barriers.lines import prepare
from permeability.landscape.landscape import build
from permeability.landscape.patches import place
from permeability.species import species

KM = 1000.0


def invented() -> tuple[pm.Landscape, pm.Patches]:
    """40 km by 24 km of hills, a fence with a gap of 3 km away from the straight way."""
    grid = pm.Grid.from_bounds((0, 0, 40 * KM, 24 * KM), cell_size=250.0, crs="EPSG:32648")
    hills = gaussian_filter(np.random.default_rng(8).normal(size=grid.shape), 8)
    rough = 1.0 + 2.0 * np.clip(hills / hills.std(), 0, None)
    fences = gpd.GeoDataFrame(
        {"id": ["south", "north"], "kind": "fence", "fence_class": "border"},
        geometry=[
            shapely.LineString([(20 * KM, -KM), (20 * KM, 16 * KM)]),
            shapely.LineString([(20 * KM, 19 * KM), (20 * KM, 25 * KM)]),
        ],
        crs="EPSG:32648",
    )
    areas = gpd.GeoDataFrame(
        {"id": ["W", "E"]},
        geometry=[
            shapely.box(3 * KM, 9 * KM, 6 * KM, 12 * KM),
            shapely.box(34 * KM, 9 * KM, 37 * KM, 12 * KM),
        ],
        crs="EPSG:32648",
    )
    land = build(grid, rough, prepare(fences), species("khulan"))
    return land, place(areas, land)


def main() -> None:
    """Four maps side by side."""
    land, patches = invented()
    figure, axes = plt.subplots(2, 2, figsize=(8.4, 5.6), layout="constrained")
    for ax, theta in zip(axes.ravel(), (0.0001, 0.02, 0.2, 3.0)):
        chain = pm.movement_chain(land, patches, theta_per_km=theta)
        net = chain.passage()["net"].values / 2
        ax.imshow(land.resistance, cmap="Greys", vmin=0, vmax=12, extent=(0, 40, 0, 24))
        shown = ax.imshow(
            np.where((patches.labels > 0) | (net < 1e-3), np.nan, net),
            cmap="YlOrRd",
            norm=LogNorm(1e-3, 1),
            extent=(0, 40, 0, 24),
            alpha=0.85,
        )
        for line in land.barriers.table.geometry:
            x, y = line.xy
            ax.plot(np.array(x) / KM, np.array(y) / KM, color="black", lw=2)
        for patch in patches.table.geometry:
            x, y = patch.exterior.xy
            ax.fill(np.array(x) / KM, np.array(y) / KM, color="#2a6f4e")
        cost = chain.expected_cost().loc["W", "E"]
        ax.set_title(f"theta {theta:g} / km: {cost:,.0f} km of open ground", fontsize=10)
        ax.set(xlim=(0, 40), ylim=(0, 24), xlabel="km", ylabel="km")
    figure.colorbar(shown, ax=axes, shrink=0.8, label="net passages of an animal that arrives")
    figure.suptitle(
        "From a walk to a path (an invented landscape: hills grey, a fence with one gap black)", fontsize=11
    )
    path = Path(__file__).with_name("images") / "theta_walk_to_path.png"
    figure.savefig(path, dpi=80)
    Image.open(path).convert("RGB").quantize(48).save(path, optimize=True)


if __name__ == "__main__":
    main()
