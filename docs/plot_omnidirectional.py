"""Draw the pictures of docs/omnidirectional.md from the Gobi sample: ``python docs/plot_omnidirectional.py``.

Omnidirectional permeability of the gazelle steppe with and without its fences, railways and roads.  The lines of the
sample are schematic and its ranges drawn for illustration: no finding may be taken from the maps.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

import permeability as pm
from permeability.omnidirectional import omnidirectional, omnidirectional_difference

OUT = Path(__file__).parent / "images"
PROJECT = Path(__file__).parents[1] / "data" / "samples" / "gobi" / "project.toml"
RADIUS = 30  # cells of 5 km


def draw(
    land: Any, values: np.ndarray, box: tuple[slice, slice], title: str, name: str, **style: Any
) -> None:
    fig, ax = plt.subplots(figsize=(8, 5.2), layout="constrained")
    x, y = land.grid.x[box[1]] / 1000, land.grid.y[box[0]] / 1000
    step = land.grid.cell_size / 2000
    extent = (x[0] - step, x[-1] + step, y[-1] - step, y[0] + step)
    shown = ax.imshow(values[box], extent=extent, **style)
    lines = land.barriers.table.geometry[land.standing]
    for line in lines:
        for part in getattr(line, "geoms", [line]):
            ax.plot(*(np.asarray(part.coords)[:, :2].T / 1000), color="black", lw=0.5)
    ax.set(xlim=extent[:2], ylim=extent[2:], title=title, xlabel="km", ylabel="km")
    fig.colorbar(shown, ax=ax, shrink=0.8)
    fig.savefig(OUT / f"omnidirectional_{name}.png", dpi=80, metadata={"Software": None})
    plt.close(fig)


def main() -> None:
    project = pm.open_project(PROJECT)
    land = project.landscape("mongolian_gazelle")
    free = land.without_barriers()
    steppe = project.range_mask("mongolian_gazelle").astype(float)
    rows, cols = np.nonzero(steppe)
    box = (
        slice(max(0, rows.min() - 12), rows.max() + 13),
        slice(max(0, cols.min() - 12), cols.max() + 13),
    )
    options = {"radius": RADIUS, "block_size": 3, "strength": steppe}
    with_lines = omnidirectional(land, normalised=True, **options)
    without = omnidirectional(free, normalised=True, **options)
    change = omnidirectional_difference(free, land, **options)
    both = {"cmap": "viridis", "vmin": 0.0, "vmax": 2.0}
    # beyond the reach of most windows the ratio of two vanishing numbers tells nothing
    seen = without.flow_potential > 0.02 * np.nanmax(without.flow_potential)
    words = {"with": "with fences, railways and roads", "without": "without fences, railways and roads"}
    for name, scene, result in (("with", land, with_lines), ("without", free, without)):
        shown = np.where(seen, result.normalised, np.nan)
        draw(scene, shown, box, f"normalised current, {words[name]}", name, **both)
    most = float(np.nanpercentile(np.abs(change.current[box]), 99.5))
    style = {"cmap": "RdBu", "vmin": -most, "vmax": most}
    draw(land, change.current, box, "change of the current by the lines [A]", "change", **style)


if __name__ == "__main__":
    main()
