"""The movement chain of a run: who arrives alive, where they pass and where they die."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from permeability._version import __version__
from permeability.landscape.landscape import Landscape
from permeability.landscape.patches import Patches
from permeability.layers import rasters, whole_files
from permeability.linkage.exposure import hazard
from permeability.linkage.movement_chain import MovementChain, movement_chain
from permeability.project.movement_spec import MovementSpec

TOP = 10  # deadliest stretches in the summary


@dataclass(frozen=True, eq=False)
class Movement:
    """What the chain of one species says of today.

    ``pairs``: ``from``, ``to``, ``success``, ``days``, ``expected_cost_km`` and, with theta, ``free_energy_km``; ``deaths``:
    deaths at lines by stretch, empty where no line kills; ``passage``: net passages (rows, cols).
    """

    chain: MovementChain
    arrivals: float
    pairs: pd.DataFrame = field(repr=False)
    deaths: gpd.GeoDataFrame | None = field(repr=False)
    passage: NDArray[np.float64] = field(repr=False)


def chain_of(spec: MovementSpec, land: Landscape, patches: Patches) -> MovementChain:
    """The chain that a project file asks for."""
    risk = hazard(
        land, per_km=spec.death_per_km, traffic=spec.traffic, at_lines=spec.at_lines,
        kill_zone_m=spec.kill_zone_m, animal_m_per_s=spec.animal_m_per_s,
    )  # fmt: skip
    return movement_chain(
        land,
        patches,
        theta_per_km=spec.theta_per_km,
        death_per_km=risk,
        step_km=spec.step_km,
        barriers=spec.barriers,
    )


def kills(chain: MovementChain) -> bool:
    """Whether anything kills in a chain."""
    return bool(np.any(chain.walk.death) or len(chain.walk.deadly.keys))


def measure_movement(chain: MovementChain) -> Movement:
    """Everything that a run keeps of a chain."""
    tables = {"success": chain.success(), "days": chain.time(), "expected_cost_km": chain.expected_cost()}
    if chain.walk.theta > 0:
        tables["free_energy_km"] = chain.free_energy()
    patches = chain.require_patches()
    i, j = patches.pairs()
    ids, rows = patches.ids, []
    for a, b in [*zip(i.tolist(), j.tolist()), *zip(j.tolist(), i.tolist())]:
        rows.append({"from": ids[a], "to": ids[b], **{k: float(t.iloc[a, b]) for k, t in tables.items()}})
    deaths = chain.mortality() if len(chain.walk.deadly.keys) else None
    passage = chain.passage()["net"].values
    return Movement(chain, chain.arrivals(), pd.DataFrame(rows), deaths, passage)


def movement_summary(found: dict[str, Movement]) -> dict[str, Any]:
    """What ``summary.json`` says of the chains."""
    if not found:
        return {}
    out: dict[str, Any] = {}
    for name, m in found.items():
        walk = m.chain.walk
        out[name] = {
            "arrivals": {"value": m.arrivals, "unit": "1"}, "theta_per_km": {"value": walk.theta, "unit": "1/km"},
            "step_km": {"value": walk.step_km, "unit": "km"}, "barriers": walk.barriers,
        }  # fmt: skip
    return {"movement": out}


def write_movement(folder: Path, found: dict[str, Movement]) -> None:
    """``movement.csv``, ``mortality.csv`` and a map of passages for every species."""
    whole_files.write_csv(
        folder / "movement.csv",
        pd.concat([m.pairs.assign(species=n)[["species", *m.pairs.columns]] for n, m in found.items()]),
    )
    deaths = [
        pd.DataFrame(m.deaths.drop(columns="geometry")).assign(species=n)[
            ["species", "line", "km_from", "km_to", "deaths", "deaths_per_km"]
        ]
        for n, m in found.items()
        if m.deaths is not None and len(m.deaths)
    ]
    if deaths:
        whole_files.write_csv(folder / "mortality.csv", pd.concat(deaths))
    for name, m in found.items():
        land = m.chain.land
        rasters.write_geotiff(
            folder / f"passage_{name}.tif", m.passage, land.grid, description="net passages of those who arrive",
            unit="animals", tags={"species": land.profile.scientific, "software": f"permeability {__version__}"},
        )  # fmt: skip
