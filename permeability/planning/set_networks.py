"""What a what-if board needs of a ranking: small networks that give every set's exact gain, at best values and in two of the draws.

Low and high are no bounds of a set's gain.  They are two of the ranking's own draws, those whose mean gain over all candidates
lies at 5 and at 95 % of the draws, and in each of the three states any set is as exact as in the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from permeability.engines.circuit.interface.compressed import CompressedInterface
from permeability.engines.circuit.interface.meeting import Members
from permeability.impact.what_if import CircuitView
from permeability.landscape.edge_effects import EdgeEffects
from permeability.landscape.landscape import Landscape
from permeability.landscape.patches import Patches
from permeability.planning.joined_pieces import JoinedPieces
from permeability.planning.joint_gains import exclusive_pairs
from permeability.ranking.candidate_sites import Candidate
from permeability.ranking.rank_draws import at_draw
from permeability.ranking.ranking import Ranking

__all__ = ["LEVELS", "TOLERANCE", "SetNetwork", "set_networks"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LEVELS = {"low": 0.05, "best": None, "high": 0.95}
TOLERANCE = 1e-4


@dataclass(frozen=True, eq=False)
class SetNetwork:
    """One state of the unknown numbers, for any set of candidates.

    Attributes
    ----------
    level : {"low", "best", "high"}
    draw : int or None
        Number of the draw; None at best values.
    small : CompressedInterface
        Index times ``scale`` is the mean conductance [1].
    scale : float
    pieces : JoinedPieces
        Range cut off and pairs without a path.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> ranking = pm.rank(land, patches, pm.candidates(land, "F", length_m=2000))
    >>> network = set_networks(ranking)["best"]
    >>> bool(np.isclose(network.mean_conductance([1]), ranking.engine.after(ranking.sites[1].interventions)["mean_conductance"], rtol=1e-4))
    True
    >>> network.pieces.cut_off_km2([]), network.pieces.cut_off_km2([1]), network.pieces.pairs_apart([1])
    (48.0, 0.0, 0)
    """

    level: str
    draw: int | None
    small: CompressedInterface = field(repr=False)
    scale: float
    pieces: JoinedPieces = field(repr=False)

    def mean_conductance(self, members: Sequence[int]) -> float:
        """Mean conductance between patches with a set built [1]."""
        return self.small.index(self.small.resistances(members)) * self.scale


def set_networks(
    ranking: Ranking,
    *,
    tolerance: float = TOLERANCE,
    levels: Sequence[str] = tuple(LEVELS),
) -> dict[str, SetNetwork]:
    """Small networks of a ranking.

    Parameters
    ----------
    ranking : Ranking
        With its engine, not one that was read back.
    tolerance : float
        Largest relative error of the gain of any set that is worked out both ways; three times as much in the two draws.
    levels : sequence of str
        Which of :data:`LEVELS`; ``low`` and ``high`` are left out where there are no draws.

    Returns
    -------
    dict
        Level -> SetNetwork.

    Raises
    ------
    BarrierError
        B13 for a ranking that was read back.
    OptionError
        O70 when a candidate makes a barrier tighter, O71 when too many meet on one edge.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> ranking = pm.rank(land, patches, pm.candidates(land, "F", length_m=2000), draws=20)
    >>> found = set_networks(ranking, tolerance=1e-6)
    >>> list(found), bool(found["low"].small.error <= 3e-6)
    (['low', 'best', 'high'], True)
    >>> low = found["low"]
    >>> gain = low.mean_conductance([2]) - low.mean_conductance([])
    >>> bool(np.isclose(gain, ranking.draws.gains[low.draw, 2], rtol=3e-6))
    True
    """
    engine, sites = ranking.engine, ranking.sites
    never = exclusive_pairs(sites)
    found = {}
    for level in levels:
        share = LEVELS[level]
        if share is None:
            state = (engine.land, engine.land, engine.patches, engine.patches.pair_weights())
            found[level] = _network(level, None, state, sites, never, engine.inside, engine.view, tolerance)
        elif ranking.draws is not None:
            d = draw_at(ranking.draws.gains, share)
            state = at_draw(engine.land, engine.patches, ranking.draws, d)
            form = engine.view.face.report.form  # the draws of a landscape take its own
            view = CircuitView(state[1], state[2], _lines(sites), check=False, form=form)
            found[level] = _network(level, d, state, sites, never, engine.inside, view, tolerance)
    return found


def draw_at(gains: Floats, share: float) -> int:
    """The draw whose mean gain over all candidates has a share of the draws below it.

    Parameters
    ----------
    gains : array, shape (draws, candidates)
    share : float

    Returns
    -------
    int

    Examples
    --------
    >>> draw_at(np.array([[3.0, 5.0], [0.0, 1.0], [2.0, 2.0]]), 0.05), draw_at(np.array([[3.0], [0.0], [2.0]]), 0.95)
    (1, 0)
    """
    order = np.argsort(gains.mean(axis=1), kind="stable")
    return int(order[round(share * (len(order) - 1))])


def _lines(sites: Sequence[Candidate]) -> list[str]:
    return list(dict.fromkeys(line for s in sites for line in s.lines))


def _network(
    level: str,
    draw: int | None,
    state: tuple[Landscape, Landscape, Patches, Floats],
    sites: Sequence[Candidate],
    never: Sequence[tuple[int, int]],
    inside: NDArray[np.bool_],
    view: CircuitView,
    tolerance: float,
) -> SetNetwork:
    """One state: ``made`` has its lines where they are, ``land`` also its crossing numbers."""
    made, land, patches, weights = state

    known: dict[tuple[Members, ...], tuple[EdgeEffects, Floats, Floats]] = {}

    def effects(sets: Sequence[Members]) -> tuple[EdgeEffects, Floats, Floats]:
        if tuple(sets) not in known:  # pieces mostly ask for the sets that conductance has asked for
            steps = [[i for k in members for i in sites[k].interventions] for members in sets]
            found = EdgeEffects(made, steps)
            known[tuple(sets)] = found, *found.after(land)
        return known[tuple(sets)]

    alone, cost, series = effects([(k,) for k in range(len(sites))])
    singles = view.candidates(alone.start, alone.keys, series)

    def joint(sets: Sequence[Members]) -> list[tuple[Ints, Floats]]:
        found, _, z = effects(sets)
        together = view.candidates(found.start, found.keys, z)
        spans = [slice(a, b) for a, b in zip(together.start, together.start[1:])]
        return [(together.cut[s], together.after[s]) for s in spans]

    face = replace(view.face, weights=weights) if draw is not None else view.face
    small = face.compress(singles, tolerance, joint=joint, apart=never, single=True)
    total = float(weights[np.triu_indices_from(weights, 1)].sum())

    def joint_costs(sets: Sequence[Members]) -> tuple[EdgeEffects, Floats]:
        found, metres, _ = effects(sets)
        return found, metres

    pieces = JoinedPieces.of(land, patches, inside, (alone, cost), joint_costs, never)
    return SetNetwork(level, draw, small, 1.0 / total if total > 0 else np.nan, pieces)
