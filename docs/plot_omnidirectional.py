"""Draw the pictures of docs/omnidirectional.md from the Gobi sample: ``python docs/plot_omnidirectional.py``.

Omnidirectional permeability of the gazelle steppe with and without its fences (railways and roads stay where they
are), normalised, and the difference; besides, with all barriers away.  The lines of the sample are schematic and its
ranges drawn for illustration: no finding may be taken from the maps.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

import permeability as pm
from permeability.engines.omnidirectional import omnidirectional

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
    for i in np.flatnonzero(land.standing):
        fenced = bool(fences(land, int(i)))
        for part in getattr(geometry := land.barriers.table.geometry.iloc[i], "geoms", [geometry]):
            style = (
                {"color": "black", "lw": 1.1} if fenced else {"color": "0.35", "lw": 0.5, "ls": (0, (4, 2))}
            )
            ax.plot(*(np.asarray(part.coords)[:, :2].T / 1000), **style)
    for label, style in (
        ("fenced", {"color": "black", "lw": 1.1}),
        ("railway or road", {"color": "0.35", "lw": 0.5, "ls": (0, (4, 2))}),
    ):
        ax.plot([], [], label=label, **style)
    if land.standing.any():
        ax.legend(loc="lower left", fontsize=8)
    ax.set(xlim=extent[:2], ylim=extent[2:], title=title, xlabel="km", ylabel="km")
    fig.colorbar(shown, ax=ax, shrink=0.8)
    fig.savefig(OUT / f"omnidirectional_{name}.png", dpi=80, metadata={"Software": None})
    plt.close(fig)


def fences(land: Any, row: int) -> list[str]:
    """Fence components of a barrier that have not been taken down."""
    line = land.barriers.table["line"].iloc[row]
    down = {step.line for step in land.scenario.interventions if step.action == "remove"}
    return [] if line in down else [c.name for c in land.components[row] if c.name.startswith("fence")]


def without_fences(land: Any) -> Any:
    """The landscape with every fence down; track and road stay, lines that are nothing but a fence go."""
    plan = pm.Scenario("without fences")
    fenced = [
        land.barriers.table["line"].iloc[i] for i in np.flatnonzero(land.standing) if fences(land, int(i))
    ]
    for line in dict.fromkeys(fenced):
        plan = plan.remove(line)
    return land.with_scenario(plan)


def main() -> None:
    project = pm.open_project(PROJECT)
    land = project.landscape("mongolian_gazelle")
    open_land, free = without_fences(land), land.without_barriers()
    steppe = project.range_mask("mongolian_gazelle").astype(float)
    rows, cols = np.nonzero(steppe)
    box = (
        slice(max(0, rows.min() - 12), rows.max() + 13),
        slice(max(0, cols.min() - 12), cols.max() + 13),
    )
    options = {"radius": RADIUS, "block_size": 3, "strength": steppe}
    scenes = {
        "with": (land, "as it is"),
        "without": (open_land, "without fences; railways and roads stay"),
        "no_barriers": (free, "without any barrier"),
    }
    results = {
        name: omnidirectional(scene, normalised=True, **options) for name, (scene, _) in scenes.items()
    }
    # beyond the reach of most windows the ratio of two vanishing numbers tells nothing
    potential = results["with"].flow_potential
    seen = potential > 0.02 * np.nanmax(potential)
    both = {"cmap": "viridis", "vmin": 0.0, "vmax": 2.0}
    for name, (scene, words) in scenes.items():
        shown = np.where(seen, results[name].normalised, np.nan)
        draw(scene, shown, box, f"normalised current, {words}", name, **both)
    fences_take, lines_take = (
        np.where(seen, results["with"].normalised - results[name].normalised, np.nan)
        for name in ("without", "no_barriers")
    )
    style = {"cmap": "RdBu", "vmin": -1.0, "vmax": 1.0}
    draw(land, fences_take, box, "change of the normalised current by the fences", "change", **style)
    draw(land, lines_take, box, "change of the normalised current by all barriers", "change_all", **style)


if __name__ == "__main__":
    main()
