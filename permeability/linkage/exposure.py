"""Where animals die: hazards per km walked on the ground, and chances of death where lines are crossed.

Traffic kills at the line; people kill around where they can get to.  Both go into the same chain as leaks
(:func:`permeability.linkage.movement_chain.movement_chain`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from permeability.barriers.scenario import Intervention, Scenario
from permeability.barriers.treatments import treatment
from permeability.core.errors import OptionError, ResistanceError
from permeability.engines.chain.ground_chain import DeadlyEdges
from permeability.engines.kernels.edges import N_DIRECTIONS
from permeability.engines.leastcost.distance import cost_distance
from permeability.landscape.edge_effects import EdgeEffects
from permeability.landscape.given import takes_landscape
from permeability.landscape.landscape import Landscape
from permeability.layers.arrays_on_grid import on_grid

__all__ = ["Hazard", "access_hours", "collision_chance", "hazard"]

Array = NDArray[np.float64]
SECONDS_PER_DAY = 86_400.0
KILL_ZONE_M = 3.0  # expert value: width of a vehicle and half the length of an animal, each side
ANIMAL_M_PER_S = 3.0  # expert value: a hoofed animal that trots across
REACH_HOURS = 2.0  # expert value: how far from where they live people hunt


@dataclass(frozen=True, eq=False)
class Hazard:
    """What kills.

    Attributes
    ----------
    per_km : float or array, shape (rows, cols)
        Chance of death per km walked [1/km].
    at_rows : array, shape (barriers,), or None
        Chance that crossing a row of the barrier table kills, where it stands.

    Examples
    --------
    >>> import permeability as pm
    >>> land, _ = pm.samples.tiny()
    >>> Hazard.of(land, 0.01).per_km
    0.01
    """

    per_km: float | Array = 0.0
    at_rows: Array | None = field(default=None, repr=False)

    @classmethod
    def of(cls, land: Landscape, values: Any) -> Hazard:
        """A hazard on the ground alone."""
        if np.ndim(values) == 0 and not hasattr(values, "dims"):
            return cls(float(values))
        return cls(np.asarray(on_grid(values, land.grid, name="death_per_km"), np.float64))

    def on(self, land: Landscape, step_m: float = 1000.0) -> DeadlyEdges:
        """Edges of a landscape at which crossing kills; ``step_m`` is the mean straight of the walk [m]."""
        if self.at_rows is None:
            return DeadlyEdges.none()
        cuts = land.cuts
        here = (cuts.direction < N_DIRECTIONS[min(land.neighbours, 8)]) & land.standing[cuts.barrier]
        here &= self.at_rows[cuts.barrier] > 0
        keys, edge = np.unique(cuts.edge_keys[here], return_inverse=True)
        survive = np.zeros(len(keys))
        with np.errstate(divide="ignore"):
            np.add.at(survive, edge, np.log1p(-self.at_rows[cuts.barrier[here]]))
        weight = np.zeros(len(keys))
        np.maximum.at(weight, edge, land.weight[here])
        chance = -np.expm1(survive)
        if any(spares(step) for step in land.scenario.interventions):
            plain = replace_scenario(land)
            effects = EdgeEffects(plain, [land.scenario.interventions])
            at = np.minimum(np.searchsorted(keys, effects.keys), max(len(keys) - 1, 0))
            mine = (keys[at] == effects.keys) if len(keys) else np.zeros(len(effects.keys), bool)
            chance[at[mine]] = self.after(effects, plain, step_m)[mine]
        keep = weight > 0
        return DeadlyEdges(keys[keep], chance[keep], weight[keep])

    def after(self, effects: EdgeEffects, land: Landscape, step_m: float) -> Array:
        """Chance that crossing kills at every edge that sets of interventions touch, once each is built by itself.

        Those who cross where the line was taken away or at a structure over or under it are spared; who crosses where follows from
        what each piece of the line costs.
        """
        out = np.zeros(len(effects.keys))
        first = effects.first
        if self.at_rows is None or not len(first):
            return out
        risk = np.where(land.standing, self.at_rows, 0.0)
        spared = np.array([any(spares(s) for s in steps) for steps in effects.steps_of_pieces()], bool)
        free = 0.5 * np.pi * step_m
        with np.errstate(over="ignore"):
            crosses = effects.share / (free + effects.piece_costs(land))
        crosses = np.where(np.isfinite(crosses), crosses, 0.0)
        dies = np.where(spared[effects.kind], 0.0, risk[effects.row])
        total, deadly = np.add.reduceat(crosses, first), np.add.reduceat(crosses * dies, first)
        chance = np.where(
            total > 0, deadly / np.where(total > 0, total, 1.0), np.maximum.reduceat(dies, first)
        )
        survive = np.zeros(len(out))
        np.add.at(survive, effects.edge[first], np.log1p(-chance))
        return np.asarray(-np.expm1(survive))

    def without(self, rows: NDArray[np.int64]) -> Hazard:
        """The same where crossing some rows kills nobody (a passage over or under them)."""
        if self.at_rows is None:
            return self
        chance = self.at_rows.copy()
        chance[rows] = 0.0
        return replace(self, at_rows=chance)


def spares(step: Intervention) -> bool:
    """Whether those who cross a line where this was done to it are safe from its traffic.

    >>> spares(Intervention("drop", "R")), spares(Intervention("remove", "R"))
    (True, False)
    """
    if step.action == "drop":
        return True
    if step.action != "treat" or step.treatment is None:
        return False
    effect = treatment(step.treatment).effect
    return bool(effect["kind"] == "structure" and effect.get("structure") != "gap")


def replace_scenario(land: Landscape) -> Landscape:
    """The landscape before what its scenario does to stretches of lines (what it says of whole lines stays)."""
    return replace(land, scenario=Scenario(land.scenario.name))


def collision_chance(
    vehicles_per_day: ArrayLike, *, kill_zone_m: float = KILL_ZONE_M, animal_m_per_s: float = ANIMAL_M_PER_S
) -> Array:
    """Chance that an animal that crosses a road without heed is hit: ``1 - exp(-N a / v)``.

    Parameters
    ----------
    vehicles_per_day : array
        Vehicles a day, both ways; N is this by the second.
    kill_zone_m : float
        Width a of the strip in which a passing vehicle hits the animal [m]; an expert value by default.
    animal_m_per_s : float
        Speed v of the animal across the road [m/s]; an expert value by default.

    Returns
    -------
    array

    Raises
    ------
    OptionError
        [Q06] a width or speed that is not above 0, or traffic below 0.

    Examples
    --------
    >>> collision_chance([0, 1000, 10_000]).round(4).tolist()
    [0.0, 0.0115, 0.1093]

    References
    ----------
    Hels & Buchwald 2001, doi:10.1016/S0006-3207(00)00215-9 (vehicles come by chance, each strikes whoever stands in its strip).
    """
    n = np.asarray(vehicles_per_day, np.float64)
    if not (kill_zone_m > 0 and animal_m_per_s > 0) or np.any(n < 0):
        raise OptionError(
            "Q06", "a kill zone, speed or traffic is out of range.",
            details={"kill_zone_m": kill_zone_m, "animal_m_per_s": animal_m_per_s},
            remedy="give widths and speeds above 0, vehicles a day of 0 or more",
        )  # fmt: skip
    return np.asarray(-np.expm1(-n / SECONDS_PER_DAY * kill_zone_m / animal_m_per_s))


@takes_landscape
def access_hours(
    land: Landscape, settlements: Any, *, roads: Any = None, road_kmh: float = 60.0, ground_kmh: float = 15.0
) -> Array:
    """Hours that people travel from the nearest settlement to every cell, on roads and across the ground.

    Parameters
    ----------
    land : Landscape
    settlements : bool array_like
        Cells in which people live.
    roads : bool array_like, optional
        Cells with a road.
    road_kmh, ground_kmh : float
        How fast they go; expert values by default.

    Returns
    -------
    array, shape (rows, cols)
        [h]; inf where there is no ground.

    Raises
    ------
    OptionError
        [Q06] a speed that is not above 0; no settlement at all.

    Examples
    --------
    >>> import permeability as pm
    >>> land, _ = pm.samples.tiny()
    >>> town = np.zeros(land.grid.shape, bool)
    >>> town[0, 0] = True
    >>> access_hours(land, town)[0, 3].round(3).item()  # 3 km at 15 km/h
    0.2
    """
    town = np.nan_to_num(np.asarray(on_grid(settlements, land.grid, name="settlements"), float)) > 0
    if not (road_kmh > 0 and ground_kmh > 0) or not (town & land.valid).any():
        raise OptionError(
            "Q06",
            "no speed above 0, or no settlement on the landscape.",
            remedy="give speeds above 0 and at least one cell with people",
        )
    hours_per_km = np.where(land.valid, 1.0 / ground_kmh, np.nan)
    if roads is not None:
        on_road = np.nan_to_num(np.asarray(on_grid(roads, land.grid, name="roads"), float)) > 0
        hours_per_km = np.where(land.valid & on_road, 1.0 / road_kmh, hours_per_km)
    fastest = float(np.nanmin(hours_per_km))
    metres = cost_distance(hours_per_km / fastest, town & land.valid, cell_size=land.grid.cell_size)
    return np.asarray(np.asarray(metres) / 1000.0 * fastest)


@takes_landscape
def hazard(
    land: Landscape,
    *,
    per_km: Any = 0.0,
    traffic: bool = True,
    access: Any = None,
    per_km_at_door: float = 0.0,
    reach_hours: float = REACH_HOURS,
    at_lines: Mapping[str, float] | None = None,
    kill_zone_m: float = KILL_ZONE_M,
    animal_m_per_s: float = ANIMAL_M_PER_S,
) -> Hazard:
    """Hazards of a landscape: on the ground, around people, on roads by their traffic, and at lines by their name.

    Parameters
    ----------
    land : Landscape
    per_km : float or array_like
        Chance of death per km walked, anywhere [1/km].
    traffic : bool
        Whether roads kill by their vehicles a day (column ``vehicles_per_day``; rows without it kill nobody).
    access : array_like, optional
        Hours to every cell from where people live, see :func:`access_hours`.
    per_km_at_door : float
        Chance of death per km walked where people live [1/km]; it falls off as ``exp(-hours / reach_hours)``.
    reach_hours : float
        [h]; an expert value by default.
    at_lines : mapping, optional
        Chance that crossing a line kills, by its name; goes before its traffic.
    kill_zone_m, animal_m_per_s : float
        As for :func:`collision_chance`.

    Returns
    -------
    Hazard

    Raises
    ------
    OptionError, ResistanceError, BarrierError
        [Q06] as :func:`collision_chance`; [Q07] a hazard below 0 or a chance beyond 0 .. 1; [B06] no such line.

    Examples
    --------
    >>> import permeability as pm
    >>> land, _ = pm.samples.tiny()
    >>> hazard(land, per_km=0.001, at_lines={"F": 0.2}).at_rows.tolist()
    [0.2, 0.0]
    """
    ground = Hazard.of(land, per_km).per_km
    if access is not None and per_km_at_door > 0:
        hours = np.asarray(on_grid(access, land.grid, name="access"), float)
        ground = ground + per_km_at_door * np.exp(-np.where(np.isfinite(hours), hours, np.inf) / reach_hours)
    if np.any(np.nan_to_num(ground) < 0) or per_km_at_door < 0 or not reach_hours > 0:
        raise ResistanceError("Q07", "a hazard is below 0.", remedy="give rates per km walked, 0 for none")
    table = land.barriers.table
    chance = np.zeros(len(table))
    if traffic and "vehicles_per_day" in table.columns:
        vehicles = pd.to_numeric(table["vehicles_per_day"], errors="coerce").fillna(0.0).to_numpy(float)
        roads = (table["kind"] == "road").to_numpy()
        chance = np.where(
            roads, collision_chance(vehicles, kill_zone_m=kill_zone_m, animal_m_per_s=animal_m_per_s), 0.0
        )
    for line, value in (at_lines or {}).items():
        if not 0 <= value < 1:
            raise ResistanceError(
                "Q07",
                f"the chance of death at line {line!r} is {value!r}.",
                remedy="give a chance from 0 to below 1",
            )
        chance[land.barriers.rows_of(line)] = value
    return Hazard(ground, chance if chance.any() else None)
