"""Animals that arrive alive after any set of interventions, exactly: the movement chain condensed onto patches and barrier edges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from permeability.barriers.scenario import Intervention
from permeability.core.errors import OptionError
from permeability.engines.chain.condensed_chain import ChainInterface, EdgeChange
from permeability.engines.chain.ground_chain import DeadlyEdges, ground_chain
from permeability.landscape.edge_effects import EdgeEffects
from permeability.landscape.landscape import Landscape
from permeability.landscape.patch_parts import require_unbridged
from permeability.landscape.patches import Patches
from permeability.linkage.movement_chain import MovementChain, arrivals_of

__all__ = ["ARRIVALS", "Arrivals", "add_arrivals"]

Array = NDArray[np.float64]
ARRIVALS = "arrivals"
SAME = 1e-9  # a gain below this share of today's arrivals is none


class Arrivals:
    """Arrivals after sets of interventions.

    Parameters
    ----------
    chain : MovementChain
        With patches.
    sets : sequence of sequences of Intervention
        What will be asked about; other sets are taken too, by solving afresh where they touch other edges.

    Raises
    ------
    PatchError, MemoryLimitError
        [Q08] without patches, [M11] when the condensation does not fit.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> gap = pm.Scenario("gap").remove("F", km=(2, 6)).interventions
    >>> found = Arrivals(pm.movement_chain(land, patches, death_per_km=0.01), [gap])
    >>> found.today, round(found.after(gap), 2)
    (0.0, 0.42)
    """

    def __init__(self, chain: MovementChain, sets: Sequence[Sequence[Intervention]]) -> None:
        self.chain, self.land = chain, chain.land
        self._homes = chain.homes
        require_unbridged(chain.land, self._patches.labels, self._patches.ids)
        self._changes = self.changes(sets)
        keys = np.unique(np.concatenate([np.zeros(0, np.int64), *(c.keys for c in self._changes)]))
        keys = keys[keys % 8 < (2 if self.land.neighbours == 4 else 4)]
        self.faces = [ChainInterface.build(self._homes, keys)]
        if self._homes.theta > 0:
            self.faces.append(ChainInterface.build(self._homes.safe, keys))

    @property
    def _patches(self) -> Patches:
        return self.chain.require_patches()

    def changes(self, sets: Sequence[Sequence[Intervention]]) -> list[EdgeChange]:
        """What each of several sets does to edges by itself."""
        effects = EdgeEffects(self.land, sets)
        cost, series = effects.after(self.land)
        killed = self.chain.hazard.after(effects, self.land, 1000.0 * self._homes.step_km)
        parts = [slice(a, b) for a, b in zip(effects.start[:-1], effects.start[1:])]
        return [EdgeChange(effects.keys[p], cost[p], series[p], killed[p]) for p in parts]

    @cached_property
    def today_success(self) -> Array:
        """Success among the patches today, (P, P)."""
        return _ratio([face.today() for face in self.faces])

    @property
    def today(self) -> float:
        """Arrivals today."""
        return arrivals_of(self.today_success, self._patches)

    def singles(self) -> Array:
        """Success with each of the sets by itself, (sets, P, P)."""
        found = _ratio([face.singles(self._changes) for face in self.faces])
        for k, change in enumerate(self._changes):
            if not len(change.keys):
                found[k] = self.today_success
        return found

    def success_after(self, interventions: Sequence[Intervention]) -> Array:
        """Success among the patches after any interventions together, (P, P)."""
        (change,) = self.changes([interventions])
        if all(face.covers(change.keys) for face in self.faces):
            return _ratio([face.after(change) for face in self.faces])
        return self.afresh(change)

    def afresh(self, change: EdgeChange) -> Array:
        """The same by editing the landscape's edges and solving all of it again."""
        edges = self._homes.edges.replaced(change.keys, change.cost_m, change.series)
        _chance, _weight = self._homes.deadly.at(change.keys)
        deadly = self._homes.deadly
        if len(deadly.keys):
            at = np.minimum(np.searchsorted(deadly.keys, change.keys), len(deadly.keys) - 1)
            mine = deadly.keys[at] == change.keys
            kills = deadly.chance.copy()
            kills[at[mine]] = change.killed[mine]
            deadly = DeadlyEdges(deadly.keys, kills, deadly.weight_m)
        walks = [replace(self._homes, edges=edges, deadly=deadly)]
        walks += [walks[0].safe] if len(self.faces) > 1 else []
        return _ratio([ground_chain(w).region_chances() for w in walks])

    def after(self, interventions: Sequence[Intervention]) -> float:
        """Arrivals after any interventions together, 0 .. 1."""
        return arrivals_of(self.success_after(interventions), self._patches)


def _ratio(found: list[Array]) -> Array:
    """Chances with hazards over those without; without theta all who have a path would arrive."""
    if len(found) == 1:
        return found[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(found[1] > 0, np.minimum(found[0] / found[1], 1.0), 0.0)


def add_arrivals(
    table: pd.DataFrame, chain: MovementChain, sets: Sequence[Sequence[Intervention]]
) -> tuple[float, list[str]]:
    """Columns ``gain_arrivals`` and ``trap`` of a ranking, in the order of its sets; arrivals today and what to say of them.

    A trap is an opening that conducts more and lets fewer arrive: its gain is eaten by deaths.

    Parameters
    ----------
    table : DataFrame
        One row per set, with ``id`` and ``gain_mean_conductance``.
    chain : MovementChain
    sets : sequence of sequences of Intervention

    Returns
    -------
    (float, list of str)

    Raises
    ------
    OptionError
        [Q08] where nothing kills and nothing settles: every animal with a path would arrive.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> table = pd.DataFrame({"id": ["gap"], "gain_mean_conductance": [0.3]})
    >>> gap = pm.Scenario("gap").remove("F", km=(2, 6)).interventions
    >>> add_arrivals(table, pm.movement_chain(land, patches, death_per_km=0.01), [gap])
    (0.0, [])
    >>> table["trap"].tolist()
    [False]
    """
    walk = chain.walk
    if not (np.any(walk.death) or np.any(walk.settle) or len(walk.deadly.keys)):
        raise OptionError(
            "Q08", "nothing kills here, so all who have a path arrive.",
            remedy="movement_chain(land, patches, death_per_km=pm.hazard(land, per_km=...))",
        )  # fmt: skip
    found = Arrivals(chain, sets)
    after = [arrivals_of(s, chain.require_patches()) for s in found.singles()]
    table["gain_arrivals"] = np.array(after, float) - found.today
    worse = table["gain_arrivals"] < -SAME * max(found.today, 1e-300)
    table["trap"] = worse & (table["gain_mean_conductance"] > 0)
    names = table.loc[table["trap"], "id"].tolist()
    if not names:
        return found.today, []
    told = ", ".join(map(str, names[:12])) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
    return found.today, [f"Traps, more animals pass and fewer arrive: {told}."]


def same_land(chain: MovementChain, land: Landscape) -> None:
    """Refuse a chain of another landscape.

    Raises
    ------
    OptionError
        [Q08].
    """
    if chain.land is not land:
        raise OptionError(
            "Q08",
            "the chain is of another landscape.",
            remedy="make it of the landscape that is ranked: movement_chain(land, patches, ...)",
        )
