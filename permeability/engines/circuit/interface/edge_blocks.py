"""Edges that openings change, gathered by who changes them: what a set does to an edge follows from the owners in it.

Neighbouring sections share the edge on which one ends and the next begins, both fences of a railway share all of theirs.
Edges with the same owners make a block; for every set of its owners that may be built the block has one state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from permeability.core.errors import OptionError
from permeability.engines.circuit.interface.barrier_network import BarrierNetwork
from permeability.engines.circuit.interface.candidates import Candidates

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Members = tuple[int, ...]
JointSets = Callable[
    [Sequence[Members]], Sequence[tuple[Ints, Floats]]
]  # cuts of sets, and their cost then [m]

MOST_STATES = 256  # sets of owners that one block may have
SAME = 1e-12  # a smaller fall of a conductance is rounding


@dataclass(frozen=True, eq=False)
class EdgeBlock:
    """Edges changed by the same candidates.

    Attributes
    ----------
    owners : tuple of int
        Candidates that change these edges, ascending.
    edges : int array, shape (m,)
    states : tuple of tuples of int
        Sets of owners, ascending; the empty set is not among them.
    increase : array, shape (states, m)
        Conductance that each state adds to the edges [dimensionless].
    """

    owners: Members
    edges: Ints
    states: tuple[Members, ...]
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
    found = []
    gathered = list(_owned(face, candidates).items())
    states = [allowed_states(owners, never) for owners, _ in gathered]
    shared = list(dict.fromkeys(s for some in states for s in some if len(s) > 1))
    together = dict(zip(shared, joint(shared))) if joint is not None and shared else {}
    before = face.edge_conductances(face.cut_resistances())
    for (owners, edges), mine in zip(gathered, states):
        after = np.array([_conductance(face, candidates, s, together)[edges] for s in mine])
        increase = after - before[edges]
        _refuse_closing(owners, increase, before[edges])
        keep = (increase > 0).any(axis=0)
        if keep.any():
            found.append(EdgeBlock(owners, edges[keep], tuple(mine), np.maximum(increase[:, keep], 0.0)))
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


def allowed_states(owners: Members, never: set[frozenset[int]]) -> list[Members]:
    """Sets of owners that may be built together.

    Parameters
    ----------
    owners : tuple of int
    never : set of frozensets
        Pairs that exclude each other.

    Raises
    ------
    OptionError
        O71 for too many of them.

    Examples
    --------
    >>> allowed_states((1, 2, 5), {frozenset((1, 2))})
    [(1,), (2,), (5,), (1, 5), (2, 5)]
    """
    found = []
    for state in _allowed(owners, never):
        found.append(state)
        if len(found) > MOST_STATES:
            raise OptionError(
                "O71", f"{len(owners)} candidates meet on one edge in more than {MOST_STATES} ways; that many are not listed.",
                rows=list(owners), remedy="leave some of them out, or use smaller cells",
            )  # fmt: skip
    return found


def _allowed(owners: Members, never: set[frozenset[int]]) -> Iterator[Members]:
    for n in range(1, len(owners) + 1):
        any_of_this_size = False
        for state in combinations(owners, n):
            if not any(frozenset(p) in never for p in combinations(state, 2)):
                any_of_this_size = True
                yield state
        if not any_of_this_size:
            return


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
