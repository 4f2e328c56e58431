"""Movement between a walk without aim and the cheapest way, with death and settlement: one chain over a landscape.

How directed is movement (theta), how many arrive alive, how long they take, where they pass and where they die.  See
``docs/movement_chain.md`` for the formulas.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from permeability.core.errors import OptionError, PatchError
from permeability.core.progress import long_job, telling
from permeability.engines.chain.ground_chain import (
    GroundChain,
    Walk,
    edge_ground,
    edge_state,
    ground_chain,
    link_costs,
    spent_on_the_way,
    spread,
    way_map,
)
from permeability.engines.circuit.solvers.grid_system import GridSystem
from permeability.landscape.given import takes_landscape
from permeability.landscape.landscape import Landscape
from permeability.landscape.patches import Patches
from permeability.layers.arrays_on_grid import on_grid
from permeability.linkage.exposure import Hazard

__all__ = ["FunctionalHabitat", "MovementChain", "movement_chain"]

Array = NDArray[np.float64]
RTOL = 1e-10


@dataclass(frozen=True, eq=False)
class FunctionalHabitat:
    """Habitat that animals from anywhere settle in.

    Attributes
    ----------
    total_km2 : float
        ``sum over cells of quality x chance to settle x area``: habitat, each cell counted by the chance that an animal
        that leaves it finds a home before it dies [km2].
    habitat_km2 : float
        The same if every animal settled: the quality summed [km2].
    chance : xarray.DataArray
        Chance to settle rather than die, for an animal that starts in a cell.

    Examples
    --------
    >>> import permeability as pm
    >>> land, _ = pm.samples.tiny()
    >>> found = pm.movement_chain(land, death_per_km=0.01).functional_habitat(np.ones(land.grid.shape), settle_per_km=0.03)
    >>> round(found.total_km2, 6), found.habitat_km2  # three of four hazards are settling, everywhere
    (72.0, 96.0)
    """

    total_km2: float
    habitat_km2: float
    chance: xr.DataArray = field(repr=False)


@dataclass(frozen=True, eq=False)
class MovementChain:
    """A movement chain over a landscape; every question is a method.

    Attributes
    ----------
    land : Landscape
    patches : Patches or None
    walk : Walk
        The walker and the ground, as arrays.
    km_per_day : float
        For times [km/day].
    hazard : Hazard
        What kills.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> open_land = land.without_barriers()
    >>> pm.movement_chain(open_land, patches, death_per_km=0.02).success().round(2).loc["W", "E"].item()
    0.28
    """

    land: Landscape
    patches: Patches | None
    walk: Walk = field(repr=False)
    km_per_day: float
    hazard: Hazard = field(repr=False)
    solver: str = "auto"
    workers: int = 1

    # ---------------------------------------------------------------- the chains that questions are put to
    def _chain(self, walk: Walk) -> GroundChain:
        return ground_chain(walk, solver=self.solver, rtol=RTOL, workers=self.workers)

    @cached_property
    def _anywhere(self) -> GroundChain:
        """The walk without aim, in which every cell is as good a place as any."""
        return self._chain(replace(self.walk, theta=0.0))

    @property
    def homes(self) -> Walk:
        """The walk in which patches are homes: within them nothing is lost."""
        return self._homes

    @cached_property
    def _homes(self) -> Walk:
        return replace(self.walk, regions=self._patches.labels.astype(np.int64))

    @cached_property
    def _between(self) -> GroundChain:
        return self._chain(self._homes)

    @property
    def _patches(self) -> Patches:
        return self.require_patches()

    def require_patches(self) -> Patches:
        """The patches; refused without any (Q08)."""
        if self.patches is None:
            raise PatchError(
                "Q08",
                "this chain has no patches to go to.",
                remedy="movement_chain(land, patches, ...)",
            )
        return self.patches

    def _table(self, values: Array) -> pd.DataFrame:
        ids = self._patches.ids
        return pd.DataFrame(values, index=pd.Index(ids, name="from"), columns=pd.Index(ids, name="to"))

    def _map(self, values: Array, name: str, unit: str, words: str) -> xr.DataArray:
        return self.land.to_xarray(
            np.where(self.land.valid, values, np.nan), name, unit=unit, long_name=words
        )

    # ---------------------------------------------------------------- between patches
    @cached_property
    def _chances(self) -> Array:
        """Weight of all ways from each patch to each other, with everything that leaks, (P, P)."""
        return self._between.region_chances()

    @cached_property
    def success_matrix(self) -> Array:
        """:meth:`success` as an array."""
        safe = self._homes.safe
        unhurt = self._chain(safe).region_chances() if self.walk.theta > 0 else self._joined
        with np.errstate(divide="ignore", invalid="ignore"):
            found = np.where(unhurt > 0, np.minimum(self._chances / unhurt, 1.0), 0.0)
        return np.where((self._joined > 0) & (unhurt == 0), np.nan, found)

    @cached_property
    def _joined(self) -> Array:
        """1 for pairs with a path."""
        circuit = self._chain(replace(self._homes.safe, theta=0.0))
        system = GridSystem(circuit.links, regions=self._patches.labels)
        home = np.array([system.roots[self._patches.mask(i + 1)][0] for i in range(len(self._patches))])
        return (home[:, None] == home[None]).astype(float)

    def success(self) -> pd.DataFrame:
        """Chance that an animal that is on its way from one patch to another arrives alive, each pair by itself.

        With theta = 0 it roams until it gets there or dies or settles; with theta its ways are those of randomised shortest
        paths without death (it is bound for the other patch), and the chance is to survive them.
        Every chance has its full relative accuracy, however small; NaN where all ways together weigh less than 1e-300.
        """
        return self._table(self.success_matrix)

    def arrivals(self) -> float:
        """Animals that arrive alive, of 1 bound from every patch for every other, weighted as pairs of patches: a mean, 0 .. 1."""
        return arrivals_of(self.success_matrix, self._patches)

    def free_energy(self) -> pd.DataFrame:
        """``-ln(weight of all ways) / theta`` [km of open ground]: the distance of randomised shortest paths, death included.

        Raises
        ------
        OptionError
            [Q08] without theta.
        """
        self._require_theta("a free energy")
        with np.errstate(divide="ignore"):
            return self._table(self._known(-np.log(self._chances) / self.walk.theta + 0.0))

    def _known(self, values: Array) -> Array:
        """NaN for pairs with a path whose ways all together weigh less than a number can."""
        return np.where((self._joined > 0) & (self._chances == 0), np.nan, values)

    def _require_theta(self, what: str) -> None:
        if not self.walk.theta > 0:
            raise OptionError(
                "Q08", f"{what} needs a theta above 0.", remedy="movement_chain(..., theta_per_km=0.1)"
            )

    def _spent(self, tell: Callable[[int, int], None] | None) -> tuple[Array, Array]:
        """Mean cost and mean km walked between patches, kept once they are known."""
        if "_spent_before" not in self.__dict__:
            self.__dict__["_spent_before"] = self._spend(tell)
        found: tuple[Array, Array] = self.__dict__["_spent_before"]
        return found

    def _spend(self, tell: Callable[[int, int], None] | None) -> tuple[Array, Array]:
        n = len(self._patches)
        cost, km = np.full((n, n), np.inf), np.full((n, n), np.inf)
        planes = link_costs(self._homes)
        places = self._patches.labels > 0
        for j in range(n):
            goal = self._patches.mask(j + 1)
            reached = self._between.reaches(goal, at=self._linked(j) & places)
            for out, plane in zip((cost, km), planes):
                found = spent_on_the_way(self._between, plane, reached.chance, goal, reached.solver)
                out[:, j] = [found[self._patches.mask(i + 1)][0] for i in range(n)]
            if tell is not None:
                tell(j + 1, n)
        return cost, km

    def _linked(self, j: int) -> NDArray[np.bool_]:
        """Cells of the patches that have a path to patch j."""
        labels = self._patches.labels
        return np.isin(labels, 1 + np.flatnonzero(self._chances[:, j] > 0))

    @long_job("costs of ways")
    def expected_cost(self, *, progress: Any = None) -> pd.DataFrame:
        """Mean cost of the ways of those who arrive [km of open ground]; inf where none does.

        Parameters
        ----------
        progress : bool, tqdm or callable, optional
            See :mod:`permeability.core.progress`.
        """
        return self._table(self._known(self._spent(progress)[0]))

    @long_job("days of ways")
    def time(self, *, progress: Any = None) -> pd.DataFrame:
        """Days that those who arrive have walked: their kilometres by the kilometres a day.

        Parameters
        ----------
        progress : bool, tqdm or callable, optional
            See :mod:`permeability.core.progress`.
        """
        return self._table(self._known(self._spent(progress)[1] / self.km_per_day))

    @long_job("passages")
    def passage(self, *, progress: Any = None) -> xr.Dataset:
        """Where those pass who arrive, summed over all ordered pairs of patches with a path, one animal each.

        ``net``: passages in one direction less those back [animals]; ``walked``: kilometres walked in the cell [km].

        Parameters
        ----------
        progress : bool, tqdm or callable, optional
            Whom to tell how far it is, see :mod:`permeability.core.progress`.
        """
        chain, n = self._between, len(self._patches)
        km = link_costs(self._homes)[1]
        net, walked = np.zeros(chain.shape), np.zeros(chain.shape)
        for j in range(n):
            if progress is not None:
                progress(j + 1, n)
            goal = self._patches.mask(j + 1)
            others = [i for i in range(n) if i != j and self._chances[i, j] > 0]
            if not others:
                continue
            reached = chain.reaches(goal, at=self._linked(j))
            sources = np.zeros((len(others), *chain.shape))
            for k, i in enumerate(others):
                sources[k][np.unravel_index(np.flatnonzero(self._patches.mask(i + 1))[0], chain.shape)] = 1.0
            fields = chain.solve(sources, ground=goal, solver=reached.solver)
            for k, i in enumerate(others):
                found = way_map(
                    chain, km, fields[k], reached.chance, float(reached.chance[self._patches.mask(i + 1)][0])
                )
                net += found.net
                walked += found.walked
        return xr.Dataset(
            {
                "net": self._map(net, "net", "animals", "net passages of those who arrive"),
                "walked": self._map(walked, "walked", "km", "kilometres walked by those who arrive"),
            }
        )

    # ---------------------------------------------------------------- from anywhere
    def survival_distance(self) -> xr.DataArray:
        """Kilometres that an animal that starts in a cell walks until it dies or settles; inf where nothing ends it [km]."""
        chain = self._anywhere
        system = GridSystem(chain.links, leak=chain.leak)
        ends = system.held[system.roots]
        found = chain.solve(np.where(ends, chain.walked, 0.0))
        return self._map(
            np.where(ends, found, np.inf),
            "survival_distance",
            "km",
            "kilometres walked until death or settlement",
        )

    def visits(self, start: Any) -> xr.DataArray:
        """Kilometres walked in every cell until death or settlement, by animals that start as given [km].

        Parameters
        ----------
        start : str or array_like
            Id of a patch (one animal, evenly on its cells), or animals per cell.

        Raises
        ------
        OptionError
            [Q08] where nothing ends the walk.
        """
        begun = self._start(start)
        chain = self._anywhere
        self._require_end(chain, begun)
        return self._map(chain.walked * chain.solve(begun), "visits", "km", "kilometres walked in the cell")

    def _require_end(self, chain: GroundChain, begun: Array) -> None:
        system = GridSystem(chain.links, leak=chain.leak)
        if np.any(~system.held[system.roots] & (begun != 0)):
            raise OptionError(
                "Q08",
                "animals start where nothing ends their walk.",
                remedy="give death_per_km or settle above 0",
            )

    def _start(self, start: Any) -> Array:
        if isinstance(start, str):
            ids = self._patches.ids
            if start not in ids:
                raise OptionError(
                    "Q08",
                    f"there is no patch {start!r}.",
                    details={"patches": ", ".join(ids)},
                    remedy="name one of them",
                )
            mask = self._patches.mask(ids.index(start) + 1) & self.land.valid
            return mask / mask.sum()
        values = np.nan_to_num(np.asarray(on_grid(start, self.land.grid, name="start"), float))
        return np.where(self.land.valid, values, 0.0)

    def functional_habitat(self, quality: Any, settle_per_km: float) -> FunctionalHabitat:
        """Habitat by the chance that animals which leave it find a home: all cells in one solve.

        Parameters
        ----------
        quality : array_like
            Quality of every cell, 0 .. 1.
        settle_per_km : float
            Chance per km walked to settle in habitat of quality 1 [1/km].

        Returns
        -------
        FunctionalHabitat

        Raises
        ------
        ResistanceError
            [Q07] a quality below 0.
        """
        values = np.nan_to_num(np.asarray(on_grid(quality, self.land.grid, name="quality"), float))
        values = np.where(self.land.valid, values, 0.0)
        chain = self._chain(replace(self.walk, theta=0.0, settle=settle_per_km * values))
        system = GridSystem(chain.links, leak=chain.leak)
        settles = np.where(system.held[system.roots], chain.leak_of("settle"), 0.0)
        chance = np.clip(chain.solve(settles), 0.0, 1.0)
        area = self.land.grid.cell_area_km2
        return FunctionalHabitat(
            float((values * chance).sum() * area), float(values.sum() * area),
            self._map(chance, "chance", "", "chance to settle rather than die"),
        )  # fmt: skip

    def distribution(
        self, start: Any, *, km: ArrayLike | None = None, days: ArrayLike | None = None, steps: int = 24
    ) -> xr.DataArray:
        """Where animals are after some kilometres or days, those who ended left out.

        Parameters
        ----------
        start : str or array_like
            As for :meth:`visits`.
        km, days : float or sequence
            How far they have walked by then [km], or for how long [days]; ascending.
        steps : int
            Steps from one time to the next; the error falls with their square.

        Returns
        -------
        xarray.DataArray
            Dims (km, y, x) [animals per cell].

        Raises
        ------
        OptionError
            [Q08] neither or both, or not ascending.
        """
        if (km is None) == (days is None):
            raise OptionError(
                "Q08", "a distribution is after some km or some days.", remedy="give km= or days="
            )
        at = np.atleast_1d(np.asarray(km if km is not None else days, float))
        at = at if km is not None else at * self.km_per_day
        if not np.all(np.isfinite(at)) or np.any(at < 0) or np.any(np.diff(at) <= 0):
            raise OptionError("Q08", "times must ascend from 0.", remedy="give them in order")
        found = spread(self._anywhere, self._start(start), at, steps)
        maps = [self._map(f, "animals", "animals per cell", "where they are") for f in found]
        return xr.concat(maps, pd.Index(at, name="km"))

    # ---------------------------------------------------------------- where they die
    def mortality(self, *, length_m: float | None = None) -> gpd.GeoDataFrame:
        """Deaths at lines, kilometre by kilometre, of animals that roam from the patches until they die or settle.

        One animal sets out from every patch and roams without aim; patches on its way are homes in which nothing is lost.

        Parameters
        ----------
        length_m : float, optional
            Length of a stretch [m]; 1 km or two cells by default.

        Returns
        -------
        geopandas.GeoDataFrame
            ``line``, ``km_from``, ``km_to``, ``deaths`` (share of all animals that set out), ``deaths_per_km`` [1/km],
            geometry; by falling deaths per km.

        Raises
        ------
        OptionError
            [Q08] where nothing ends the walk.
        """
        walk, chain, start = self._roaming()
        self._require_end(chain, start)
        there = chain.solve(start).reshape(-1)
        keys = walk.deadly.keys
        state = edge_state(walk, keys, *walk.edges.at(keys))
        a, b, _, live = edge_ground(walk, keys)
        deaths = np.where(live, state.line * (there[a] + there[b]), 0.0)
        return _by_stretch(self.land, keys, deaths, length_m)

    def require_end(self) -> None:
        """Refuse, as :meth:`mortality` does, animals that roam where nothing ends their walk (Q08); nothing is solved."""
        _, chain, start = self._roaming()
        self._require_end(chain, start)

    def _roaming(self) -> tuple[Walk, GroundChain, Array]:
        """The walk without aim, and one animal on its way from every patch, shares of all."""
        walk = replace(self._homes, theta=0.0)
        chain = self._chain(walk)
        n = len(self._patches)
        start = np.zeros(chain.shape)
        for i in range(n):
            start[np.unravel_index(np.flatnonzero(self._patches.mask(i + 1))[0], chain.shape)] += 1.0 / n
        return walk, chain, start

    def __repr__(self) -> str:
        w = self.walk
        parts = [f"theta {w.theta:g} / km", f"straights of {w.step_km:g} km", f"barriers as {w.barriers}"]
        parts += [f"death {np.mean(w.death):g} / km"] if np.any(w.death) else []
        parts += [f"{len(w.deadly.keys):,} deadly edges"] if len(w.deadly.keys) else []
        return f"MovementChain of {self.land.profile.name()}: " + ", ".join(parts)


def arrivals_of(success: Array, patches: Patches) -> float:
    """Mean success over ordered pairs, weighted as pairs of patches."""
    weight = patches.pair_weights()
    total = float(weight.sum())
    return float((weight * success).sum() / total) if total > 0 else float("nan")


def _by_stretch(
    land: Landscape, keys: NDArray[np.int64], deaths: Array, length_m: float | None
) -> gpd.GeoDataFrame:
    """Deaths at edges laid on the lines that cut them."""
    cuts = land.cuts
    place = np.searchsorted(keys, cuts.edge_keys)
    mine = np.isin(cuts.edge_keys, keys) & land.standing[cuts.barrier]
    here = np.flatnonzero(mine)
    share = 1.0 / np.bincount(place[here], minlength=len(keys))[place[here]] if len(here) else np.zeros(0)
    each = deaths[place[here]] * share
    step = (length_m if length_m is not None else max(1000.0, 2 * land.grid.cell_size)) / 1000.0
    rows: list[tuple[Any, ...]] = []
    names = land.barriers.table["line"].to_numpy()[cuts.barrier[here]]
    for line in dict.fromkeys(names.tolist()):
        low, high = land.barriers.km_range(line)
        of = names == line
        last = max(np.ceil((high - low) / step - 1e-9) - 1, 0)  # holds what dies at the end of the line
        number = np.clip(np.floor((cuts.km[here][of] - low) / step), 0, last).astype(int)
        for i in np.unique(number).tolist():
            a, b = low + i * step, min(high, low + (i + 1) * step)
            total = float(each[of][number == i].sum())
            rows.append((line, a, b, total, total / (b - a), land.barriers.stretch(line, a, b)))
    columns = ["line", "km_from", "km_to", "deaths", "deaths_per_km", "geometry"]
    table = gpd.GeoDataFrame(rows, columns=columns, geometry="geometry", crs=land.grid.crs)
    return table.sort_values("deaths_per_km", ascending=False, ignore_index=True)


@takes_landscape
def movement_chain(
    land: Landscape,
    patches: Patches | None = None,
    *,
    theta_per_km: float = 0.0,
    death_per_km: Any = 0.0,
    settle: Any = 0.0,
    step_km: float = 1.0,
    barriers: str = "both",
    km_per_day: float | None = None,
    solver: str = "auto",
    workers: int = 1,
    progress: Any = None,
) -> MovementChain:
    """A movement chain over a landscape: from a walk without aim (theta 0) to the cheapest way, with death and settlement.

    Parameters
    ----------
    land : Landscape
    patches : Patches, optional
        Places to go to; within them nothing is lost.
    theta_per_km : float
        How strongly cheap ways are preferred [1 / km of open ground]: 0 = the circuit view; far above ``1 / step_km`` = the
        least-cost view.
    death_per_km : float, array_like or Hazard
        Chance of death per km walked [1/km]; a :class:`permeability.linkage.exposure.Hazard` also kills at lines.
    settle : float or array_like
        Chance to settle per km walked [1/km].
    step_km : float
        Mean straight of the walk on open ground [km]: how far an animal goes until it turns any way (from tracks: mean
        step / (1 - mean cosine of its turns)).  1 km by default, an expert value.
    barriers : {"both", "chance", "cost"}
        How barriers count.  ``chance``: as resistance in series, they hold animals up; forgotten at large theta.  ``cost``: as
        kilometres to be walked along the line; forgotten at theta 0.  ``both`` is the default because only it gives the
        circuit view at one end and the least-cost view at the other.
    km_per_day : float, optional
        For times; the daily distance of the species by default.
    solver, workers
        As for :func:`permeability.engines.circuit.solve_grid`.
    progress : bool, tqdm or callable, optional
        Whom to tell how far it is, see :mod:`permeability.core.progress`.  The chances between the patches are then worked out
        at once; without it they wait for the first question.

    Returns
    -------
    MovementChain

    Raises
    ------
    OptionError, ResistanceError
        [Q06] an option out of range; [Q07] hazards below 0 or of another shape.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> chain = pm.movement_chain(land.without_barriers(), patches, theta_per_km=50.0)
    >>> chain.expected_cost().round().loc["W", "E"].item()  # the cheapest way: 7 cells of 1 km
    7.0
    >>> pm.movement_chain(land, patches, theta_per_km=0.1).success().loc["W", "E"].item()  # a complete fence
    0.0

    References
    ----------
    Saerens et al. 2009, doi:10.1162/neco.2009.11-07-643; Panzacchi et al. 2016, doi:10.1111/1365-2656.12386; Fletcher et al.
    2019, doi:10.1111/ele.13333.
    """
    hazard = death_per_km if isinstance(death_per_km, Hazard) else Hazard.of(land, death_per_km)
    settles = (
        settle
        if np.ndim(settle) == 0 and not isinstance(settle, xr.DataArray)
        else _raster(settle, land, "settle")
    )
    walk = Walk(
        land.resistance, land.grid.cell_size / 1000.0,
        theta=float(theta_per_km), death=hazard.per_km, settle=settles if np.ndim(settles) else float(settles),
        step_km=float(step_km), edges=land.edge_barriers(), deadly=hazard.on(land, 1000.0 * float(step_km)), barriers=barriers,
        neighbours=min(land.neighbours, 8),
    )  # fmt: skip
    per_day = land.profile.daily_km.best if km_per_day is None else float(km_per_day)
    chain = MovementChain(land, patches, walk, per_day, hazard, solver, workers)
    if progress and patches is not None:
        with telling(progress, "movement chain") as job:
            for done, asked in enumerate(("_chances", "success_matrix")):
                getattr(chain, asked)
                if job.done is not None:
                    job.done(done + 1, 2)
    return chain


def _raster(values: Any, land: Landscape, name: str) -> Array:
    return np.asarray(on_grid(values, land.grid, name=name), np.float64)
