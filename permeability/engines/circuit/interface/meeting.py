"""Candidates that meet on an edge: which sets of them do something of their own.

Every set of a few candidates is listed.  Where many meet (structures along a line are felt by every edge within reach of them) the sets are too
many, but most do the same: of several structures on one side only the nearest counts, a fence taken down makes an underpass beside it
needless.  One candidate *covers* another where both together do what it does alone; a set then does what is left of it without the covered.
That is found from pairs, and held against larger sets before it is used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np

from permeability.core.errors import OptionError

__all__ = ["Members", "Ways", "meeting_ways"]

Members = tuple[int, ...]
Never = set[frozenset[int]]
Know = Callable[[Sequence[Members]], None]
Same = Callable[[Members, Members, Members], bool]

MOST_STATES = 256  # sets that are told apart on one edge
FEW = 64  # so many are listed without looking for those that do the same
TRIED = 6  # larger sets on which covering is tried
MOST_PAIRS = 3000  # pairs of candidates that are worked out for it, some ten seconds


@dataclass(frozen=True)
class Ways:
    """Candidates that meet, and the sets of them that are told apart.

    Attributes
    ----------
    owners : tuple of int
        Ascending.
    states : tuple of tuples of int
        Sets of owners, ascending; the empty set is not among them.
    covers : tuple of (int, int)
        The first makes the second needless.

    Examples
    --------
    >>> ways = Ways((1, 2, 5), ((1,), (2,), (5,), (1, 5)), ((1, 2), (5, 2)))
    >>> ways.state_of({1, 2, 5, 9}), ways.at({2})
    ((1, 5), 1)
    """

    owners: Members
    states: tuple[Members, ...]
    covers: tuple[tuple[int, int], ...] = ()

    @cached_property
    def _place(self) -> dict[Members, int]:
        return {s: i for i, s in enumerate(self.states)}

    @cached_property
    def _covered_by(self) -> dict[int, frozenset[int]]:
        return {b: frozenset(a for a, c in self.covers if c == b) for _, b in self.covers}

    def state_of(self, members: Iterable[int]) -> Members:
        """What is left of a set: its owners here, without those that others cover; ``()`` for none."""
        chosen = set(members)
        mine = [k for k in self.owners if k in chosen]
        none: frozenset[int] = frozenset()
        return tuple(k for k in mine if self._covered_by.get(k, none).isdisjoint(mine))

    def at(self, members: Iterable[int]) -> int | None:
        """Number of the state of a set; None where no owner is in it."""
        state = self.state_of(members)
        return self._place[state] if state else None


def meeting_ways(groups: Sequence[Members], never: Never, know: Know, same: Same) -> list[Ways]:
    """The ways of every group of candidates that meet.

    Parameters
    ----------
    groups : sequence of tuples of int
    never : set of frozensets
        Pairs that are never built together.
    know : callable
        Told of all sets that will be asked about, many at once.
    same : callable
        Whether two sets do the same where a group meets: ``same(group, one, other)``.

    Returns
    -------
    list of Ways
        In the order of the groups; afterwards every state of theirs is known.

    Raises
    ------
    OptionError
        O71 where more than 256 sets have to be told apart.

    Examples
    --------
    Seven structures in a row, seen from a place between the third and the fourth: the nearest of each side counts.

    >>> def nearest(s):
    ...     return max([k for k in s if k < 3], default=None), min([k for k in s if k >= 3], default=None)
    >>> found = meeting_ways([tuple(range(7))], set(), lambda sets: None, lambda group, a, b: nearest(a) == nearest(b))
    >>> len(found[0].states), found[0].state_of({0, 2, 4, 6})
    (19, (2, 4))
    """
    plain = {g: few_states(g, never, FEW) for g in groups}
    crowded = [g for g in groups if plain[g] is None]
    pairs = {g: [p for p in combinations(g, 2) if frozenset(p) not in never] for g in crowded}
    asked = dict.fromkeys(p for g in crowded for p in pairs[g])
    if len(asked) > MOST_PAIRS:
        raise _too_many(max(crowded, key=len))
    know(list(asked))
    found = {g: Ways(g, tuple(s)) for g, s in plain.items() if s is not None}
    for g in crowded:
        covers = []
        for a, b in pairs[g]:
            if same(g, (a, b), (a,)):
                covers.append((a, b))
            elif same(g, (a, b), (b,)):
                covers.append((b, a))
        states = few_states(g, never | {frozenset(c) for c in covers}, MOST_STATES)
        if states is None:
            raise _too_many(g)
        found[g] = Ways(g, tuple(states), tuple(covers))
    _hold(found, crowded, never, know, same)
    know([s for g in groups for s in found[g].states])
    return [found[g] for g in groups]


def _hold(
    found: dict[Members, Ways], crowded: Sequence[Members], never: Never, know: Know, same: Same
) -> None:
    """Refuse groups in which a larger set does something that its uncovered members do not."""
    rng = np.random.default_rng(71)
    tried = {g: [_some(g, never, rng, n == 0) for n in range(TRIED)] for g in crowded}
    know([s for g in crowded for s in tried[g]] + [found[g].state_of(s) for g in crowded for s in tried[g]])
    for g in crowded:
        if not all(same(g, s, found[g].state_of(s)) for s in tried[g]):
            raise _too_many(g)


def _some(group: Members, never: Never, rng: np.random.Generator, full: bool) -> Members:
    """A set that may be built, as large as it gets or of about half of them."""
    chosen: list[int] = []
    for k in rng.permutation(group).tolist():
        if (full or not chosen or rng.random() < 0.5) and not any(frozenset((k, j)) in never for j in chosen):
            chosen.append(k)
    return tuple(sorted(chosen))


def _too_many(owners: Members) -> OptionError:
    return OptionError(
        "O71", f"{len(owners)} candidates meet on one edge in more than {MOST_STATES} ways; that many are not listed.",
        rows=list(owners), remedy="leave some of them out, or use smaller cells",
    )  # fmt: skip


def few_states(owners: Members, never: Never, most: int) -> list[Members] | None:
    """Sets of owners that may be built together; None for more than ``most``.

    >>> few_states((1, 2, 5), {frozenset((1, 2))}, 9)
    [(1,), (2,), (5,), (1, 5), (2, 5)]
    """
    found = []
    for state in _allowed(owners, never):
        found.append(state)
        if len(found) > most:
            return None
    return found


def _allowed(owners: Members, never: Never) -> Iterator[Members]:
    """All sets that are allowed, small ones first, each grown from one that is."""
    grown: list[Members] = [()]
    while grown:
        grown = [
            (*s, k) for s in grown for k in owners
            if (not s or k > s[-1]) and not any(frozenset((k, j)) in never for j in s)
        ]  # fmt: skip
        yield from grown
