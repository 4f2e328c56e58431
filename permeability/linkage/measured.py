"""A landscape measured once: all that ask for its fields, costs, resistances, pieces or maps get the same arrays."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from permeability.core.tasks import content_hash
from permeability.engines.circuit import PairwiseResult, SolveReport, pairwise
from permeability.engines.leastcost.distance import cost_distance
from permeability.landscape.landscape import Landscape
from permeability.landscape.patch_parts import require_unbridged
from permeability.landscape.patches import Patches
from permeability.layers.arrays_on_grid import require_same_grid
from permeability.linkage.landscape_indices import (
    Indices,
    distance_from,
    pair_resistances,
    range_pieces,
    scalars,
    surface_of,
)

__all__ = ["Measured", "ground_quality_ha", "indices", "indices_from"]

Array = NDArray[np.float64]
V = TypeVar("V")
HECTARES = 100.0  # per km2
_naming = threading.Lock()


class once(Generic[V]):
    """A property that is worked out when it is first asked for and kept; two threads do not work it out twice."""

    def __init__(self, work: Callable[[Any], V]) -> None:
        self.work, self.__doc__ = work, work.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, thing: None, owner: type) -> once[V]: ...
    @overload
    def __get__(self, thing: object, owner: type) -> V: ...

    def __get__(self, thing: Any, owner: type) -> Any:
        if thing is None:
            return self
        with _naming:
            lock = thing._locks.setdefault(self.name, threading.RLock())
        with lock:
            if self.name not in vars(thing):
                vars(thing)[self.name] = self.work(thing)
        return vars(thing)[self.name]


class State(NamedTuple):
    """What the indices of one state of a landscape are made of.

    ``cost`` [m of open ground] and ``resistance`` [dimensionless], both (patches, patches); ``reach`` (patches,)
    [km2]; ``pieces`` of the range, largest first [km2].
    """

    cost: Array
    reach: Array
    resistance: Array
    pieces: Array


class Flow(NamedTuple):
    """The circuit view of one landscape.

    Effective ``resistance`` of all pairs (patches, patches) [dimensionless]; ``current`` summed over the pairs
    (rows, cols) [passages per unit injected], NaN outside; the solver's ``report``.
    """

    resistance: Array
    current: Array
    report: SolveReport


class _Ways(NamedTuple):
    """What one field per patch says: costs one way (P, P) [m], reach (P,) [km2] and (P,) [quality ha], patches in reach."""

    cost: Array
    reach: Array
    quality_ha: Array
    patches_near: NDArray[np.uint16]


@dataclass(frozen=True, eq=False)
class _Known:
    """What is known of a species' landscapes, by their content."""

    measured: dict[str, Measured] = field(default_factory=dict)
    states: dict[str, State] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Measured:
    """One landscape with its patches and range, and all that was found about it.

    Everything is worked out when it is first asked for, and once: by whoever asks, on any thread, and also for another
    landscape of the same content that is reached through :meth:`of` or :meth:`state_of`.

    Attributes
    ----------
    land : Landscape
    patches : Patches
    inside : bool array, shape (rows, cols)
        The species' range.
    keep_fields : bool
        Whether ``fields`` will be asked for, so that costs are read off them; else one field is held at a time.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> today = Measured(land, patches, land.valid)
    >>> today.cost[0, 1].item(), today.bare.cost[0, 1].item()  # [m of open ground]
    (inf, 7000.0)
    >>> today.of(land.without_lines(["F", "S"])) is today.bare  # the same landscape, whichever way one comes to it
    True
    """

    land: Landscape
    patches: Patches
    inside: NDArray[np.bool_] = field(repr=False)
    keep_fields: bool = field(default=False, repr=False)
    _known: _Known = field(default_factory=_Known, repr=False)
    _locks: dict[str, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        require_same_grid(self.land.grid, self.patches.grid, name="patches")

    def __getstate__(self) -> dict[str, Any]:
        """What goes to another machine: the landscape; what is known of it stays here."""
        return {k: vars(self)[k] for k in ("land", "patches", "inside", "keep_fields")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _known=_Known(), _locks={})

    # ---------------------------------------------------------------- the same content
    @once
    def key(self) -> str:
        """Hash of everything that the numbers depend on."""
        edges, table, profile = self.land.edge_barriers(), self.patches.table, self.land.profile
        return content_hash(
            self.land.resistance, self.land.neighbours, self.land.grid.cell_size, self.patches.labels, self.inside,
            table["weight"].to_numpy(float), table["area_km2"].to_numpy(float), *self.patches.pairs(),
            profile.budget_m.best, profile.dispersal_m.best,
            edges.cell, edges.direction, edges.cost, edges.resistance,
        )  # fmt: skip

    def of(
        self, land: Landscape, patches: Patches | None = None, inside: NDArray[np.bool_] | None = None
    ) -> Measured:
        """Another landscape of the species, measured; the one that is known where their content is the same.

        Parameters
        ----------
        land : Landscape
        patches : Patches, optional
            These patches by default.
        inside : bool array, shape (rows, cols), optional
            This range by default.

        Returns
        -------
        Measured
            Kept as long as this one.
        """
        other = self._other(land, patches, inside)
        return self._known.measured.setdefault(other.key, other)

    def state_of(
        self, land: Landscape, patches: Patches | None = None, inside: NDArray[np.bool_] | None = None
    ) -> State:
        """What the indices of another landscape are made of; the landscape itself is not kept.

        Parameters
        ----------
        land, patches, inside
            As for :meth:`of`.

        Returns
        -------
        State
        """
        other = self._other(land, patches, inside)
        return self._known.measured.get(other.key, other).state

    def _other(self, land: Landscape, patches: Patches | None, inside: NDArray[np.bool_] | None) -> Measured:
        self._known.measured.setdefault(self.key, self)
        patches = self.patches if patches is None else patches
        return Measured(land, patches, self.inside if inside is None else inside, _known=self._known)

    @once
    def bare(self) -> Measured:
        """The same landscape without barriers."""
        return self.of(self.land.without_barriers())

    # ---------------------------------------------------------------- the least-cost view
    @property
    def masks(self) -> list[NDArray[np.bool_]]:
        """Cells of every patch."""
        return [self.patches.mask(i + 1) for i in range(len(self.patches))]

    @once
    def fields(self) -> list[Array]:
        """Least-cost distance of every cell from each patch [m of open ground], (rows, cols) each."""
        surface = surface_of(self.land)
        return [distance_from(self.land, m, surface) for m in self.masks]

    @once
    def _ways(self) -> _Ways:
        if self.keep_fields or "fields" in vars(self):
            found: Iterator[Array] = iter(self.fields)
        else:
            surface = surface_of(self.land)
            found = (distance_from(self.land, m, surface) for m in self.masks)
        masks, budget, quality = self.masks, self.land.profile.budget_m.best, ground_quality_ha(self.land)
        cost, cells, good = np.zeros((len(masks), len(masks))), np.zeros(len(masks)), np.zeros(len(masks))
        patches_near, drawn = np.zeros(self.land.grid.shape, np.uint16), self.patches.drawn
        told = np.zeros(self.land.grid.shape, bool)  # cells near the parts of this patch so far
        for i, distance in enumerate(found):
            near = distance <= budget
            cost[i] = [distance[m].min() for m in masks]
            cells[i], good[i] = np.count_nonzero(near), quality[near].sum()
            told &= i > 0 and drawn[i] == drawn[i - 1]
            patches_near += near & ~told
            told |= near
        return _Ways(cost, cells * self.land.grid.cell_area_km2, good, patches_near)

    @property
    def cost_one_way(self) -> Array:
        """Least costs from the patches in rows to those in columns, (patches, patches) [m of open ground]."""
        return self._ways.cost

    @once
    def cost(self) -> Array:
        """Least costs between patches, (patches, patches) [m of open ground]; inf without a path."""
        return np.minimum(self._ways.cost, self._ways.cost.T)

    @property
    def reach(self) -> Array:
        """Ground within the movement budget of each patch, (patches,) [km2]."""
        return self._ways.reach

    @property
    def reach_quality_ha(self) -> Array:
        """The same in hectares of the best ground, (patches,) [quality ha], see :func:`ground_quality_ha`."""
        return self._ways.quality_ha

    @property
    def reach_count(self) -> Array:
        """Number of patches from which each cell lies within the movement budget, (rows, cols); NaN outside."""
        return np.where(self.land.valid, self._ways.patches_near.astype(float), np.nan)

    @once
    def nearest(self) -> Array:
        """Least-cost distance from the nearest patch, (rows, cols) [m of open ground]; NaN outside."""
        land = self.land
        found = cost_distance(
            land.resistance, self.patches.labels > 0, cell_size=land.grid.cell_size,
            neighbours=land.neighbours, barriers=land.edge_barriers(),
        )  # fmt: skip
        return np.where(land.valid, found, np.nan)

    # ---------------------------------------------------------------- the circuit view
    @once
    def resistance(self) -> Array:
        """Effective resistances between patches, (patches, patches) [dimensionless]; inf without a path."""
        return pair_resistances(self.land, self.patches)

    @once
    def flow(self) -> Flow:
        """Currents of all pairs, by the solver that suits the landscape."""
        return self.flow_by("auto")

    def flow_by(self, solver: str) -> Flow:
        """Currents of all pairs by a solver of :mod:`permeability.engines.circuit`; not kept."""
        land, whole = self.land, self.patches.whole is None
        require_unbridged(land, self.patches.labels, self.patches.ids)
        found = pairwise(
            land.resistance, self.patches.labels, neighbours=min(land.neighbours, 8), barriers=land.edge_barriers(),
            current="cumulative" if whole else "pairs", solver=solver,
        )  # fmt: skip
        assert found.current is not None  # asked for above
        current = found.current if whole else self._of_parts(found)
        return Flow(found.resistance, np.where(land.valid, current, np.nan), found.report)

    def _of_parts(self, found: PairwiseResult) -> Array:
        """Current of all pairs of patches; a pair of parts counts by their shares, parts of one patch not at all."""
        share, drawn, out = self.patches.share, self.patches.drawn, np.zeros(self.land.grid.shape)
        assert found.current is not None
        for (a, b), current in zip(found.pairs, found.current):
            if drawn[a - 1] != drawn[b - 1]:
                out += share[a - 1] * share[b - 1] * current
        return out

    # ---------------------------------------------------------------- indices
    @once
    def pieces(self) -> Array:
        """Areas of the connected pieces of the range, largest first [km2]."""
        return range_pieces(self.land.parts, self.inside, self.land.grid.cell_area_km2)

    @once
    def state(self) -> State:
        """What the indices are made of."""
        states = self._known.states
        if self.key not in states:
            states[self.key] = State(self.cost, self.reach, self.resistance, self.pieces)
        return states[self.key]

    @property
    def indices(self) -> Indices:
        """All indices, with the detour against this landscape without barriers."""
        return indices_from(self.state, self.bare.cost, self.patches, self.land)


def indices_from(state: State, open_cost: Array, patches: Patches, land: Landscape) -> Indices:
    """Indices of a state, with the detour against least costs without barriers.

    Parameters
    ----------
    state : State
    open_cost : array, shape (patches, patches)
        [m of open ground]
    patches : Patches
    land : Landscape
        Whose species tells the length of dispersal.

    Returns
    -------
    Indices

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> today = Measured(land, patches, land.valid)
    >>> indices_from(today.state, today.bare.cost, patches, land).values["pairs_apart"]
    1.0
    """
    cost, reach, resistance, pieces = state
    values = scalars(cost, open_cost, resistance, reach, pieces, patches, land.profile.dispersal_m.best)
    return Indices(values, cost, resistance, reach, pieces)


def indices(
    land: Landscape, patches: Patches, inside: NDArray[np.bool_], *, open_cost: Array | None = None
) -> Indices:
    """All indices of a landscape.

    Parameters
    ----------
    land : Landscape
    patches : Patches
    inside : bool array, shape (rows, cols)
        The species' range.
    open_cost : array, optional
        Least costs between patches without any barrier, for the detour.

    Returns
    -------
    Indices
        Numbers, matrices and pieces.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> indices(land, patches, land.valid).values["range_cut_off_km2"]  # half of 96 km2
    48.0
    """
    found = Measured(land, patches, inside)
    return found.indices if open_cost is None else indices_from(found.state, open_cost, patches, land)


def ground_quality_ha(land: Landscape) -> Array:
    """What every cell counts in hectares of the best ground, ``1 / resistance`` of its own, (rows, cols) [quality ha].

    Parameters
    ----------
    land : Landscape

    Returns
    -------
    array

    Examples
    --------
    >>> import permeability as pm
    >>> land, _ = pm.samples.tiny()
    >>> float(ground_quality_ha(land)[0, 0])  # 1 km2 of the best ground
    100.0
    """
    return np.asarray(np.where(land.valid, 1.0 / land.resistance, 0.0) * land.grid.cell_area_km2 * HECTARES)
