"""Edges that openings change, gathered by who changes them: what a set does to an edge follows from the owners in it.

Neighbouring sections share the edge on which one ends and the next begins, both fences of a railway share all of theirs.
Edges with the same owners make a block; for every set of its owners that may be built the block has one state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from permeability.core.errors import OptionError
from permeability.engines.circuit.interface.barrier_network import BarrierNetwork
from permeability.engines.circuit.interface.candidates import Candidates
from permeability.engines.circuit.interface.meeting import Members, Ways, meeting_ways

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
JointSets = Callable[
    [Sequence[Members]], Sequence[tuple[Ints, Floats]]
]  # cuts of sets, and their cost then [m]

SAME = 1e-12  # a smaller fall of a conductance is rounding
ALIKE = 1e-9  # of a conductance: what two sets differ by when they do the same


@dataclass(frozen=True, eq=False)
class EdgeBlock:
    """Edges changed by the same candidates.

    Attributes
    ----------
    ways : Ways
        Candidates that change these edges, and the sets of them that are told apart.
    edges : int array, shape (m,)
    increase : array, shape (states, m)
        Conductance that each state adds to the edges [dimensionless].
    """

    ways: Ways
    edges: Ints
    increase: Floats


def edge_blocks(
    face: BarrierNetwork,
    candidates: Candidates,
    joint: JointSets | None = None,
    apart: Iterable[tuple[int, int]] = (),
) -> list[EdgeBlock]:
    """Blocks of edges of some openings.

    Parameters
    ----------
    face : BarrierNetwork
    candidates : Candidates
    joint : callable, optional
        What sets of candidates that meet on an edge do together; without it the last of several counts, as in
        :meth:`permeability.engines.circuit.interface.interface.Interface.set_resistances`.
    apart : sequence of (int, int)
        Candidates that are never built together.

    Returns
    -------
    list of EdgeBlock
        In the order of their first owner; edges that no state changes are left out.

    Raises
    ------
    OptionError
        O70 when a candidate lowers a conductance, O71 when too many meet on one edge.
    """
    never = {frozenset(p) for p in apart}
    gathered = _owned(face, candidates)
    together: dict[Members, tuple[Ints, Floats]] = {}

    def know(sets: Sequence[Members]) -> None:
        new = [s for s in dict.fromkeys(sets) if len(s) > 1 and s not in together]
        if joint is not None and new:
            together.update(zip(new, joint(new)))

    def after(state: Members, edges: Ints) -> Floats:
        return _conductance(face, candidates, state, together)[edges]

    def same(owners: Members, one: Members, other: Members) -> bool:
        edges = gathered[owners]
        return bool(np.allclose(after(one, edges), after(other, edges), rtol=ALIKE, atol=0.0))

    before = face.edge_conductances(face.cut_resistances())
    found = []
    for ways in meeting_ways(list(gathered), never, know, same):
        edges = gathered[ways.owners]
        increase = np.array([after(s, edges) for s in ways.states]) - before[edges]
        _refuse_closing(ways.owners, increase, before[edges])
        keep = (increase > 0).any(axis=0)
        if keep.any():
            found.append(EdgeBlock(ways, edges[keep], np.maximum(increase[:, keep], 0.0)))
    return found


def _owned(face: BarrierNetwork, candidates: Candidates) -> dict[Members, Ints]:
    """Edges by the candidates that change them."""
    owner = np.repeat(np.arange(len(candidates)), np.diff(candidates.start))
    pairs = np.unique(np.stack((face.cut_edge[candidates.cut], owner), axis=1), axis=0)
    edges, first = np.unique(pairs[:, 0], return_index=True)
    gathered: dict[Members, list[int]] = {}
    for edge, owners in zip(edges.tolist(), np.split(pairs[:, 1], first[1:])):
        gathered.setdefault(tuple(owners.tolist()), []).append(edge)
    return {k: np.array(gathered[k], np.int64) for k in sorted(gathered)}


def _conductance(
    face: BarrierNetwork,
    candidates: Candidates,
    state: Members,
    together: dict[Members, tuple[Ints, Floats]],
) -> Floats:
    """Conductance of every barrier edge when some candidates are built."""
    if state not in together:
        return face.edge_conductances(face.state(candidates, state))
    cut, after = together[state]
    z = face.cut_resistances()
    z[cut] = face.factor[cut] * after
    return face.edge_conductances(z)


def _refuse_closing(owners: Members, increase: Floats, before: Floats) -> None:
    if (increase < -SAME * before).any():
        raise OptionError(
            "O70", "a compressed network takes openings only, and a candidate here makes a barrier tighter.",
            rows=list(owners), remedy="leave it out, or ask the interface itself",
        )  # fmt: skip
