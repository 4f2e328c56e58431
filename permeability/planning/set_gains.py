"""Gains of sets of candidates: how they are asked, and the one place where every answer is kept."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from operator import xor
from random import Random
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from permeability.planning.set_rules import Members

__all__ = ["Answers", "Objective"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Value = Callable[[Members], float]  # members, sorted -> gain; 0 for none


@runtime_checkable
class SetGains(Protocol):
    """Gains of sets of candidates, and of a built set with each of some more, which is often faster than one by one."""

    def __call__(self, members: Members, /) -> float: ...

    def with_each(self, built: Members, which: Sequence[int], /) -> ArrayLike: ...


class Answers:
    """Gains of sets that were asked, each set once.

    A set of a built one and one more is kept as these two, so that thousands of candidates beside hundreds that are chosen take no
    memory to speak of; sets are told apart by the exclusive or of random numbers of 128 bits, one for each candidate.

    Examples
    --------
    >>> known = Answers()
    >>> known.add((1, 4), [0, 9], known.names_with((1, 4), [0, 9]), np.array([[2.0], [3.0]]))
    >>> known.get(known.name((9, 4, 1))).tolist(), known.members(1), len(known)
    ([3.0], (1, 4, 9), 2)
    """

    def __init__(self) -> None:
        self._row: dict[int, int] = {}  # name of a set -> its number
        self._blocks: list[tuple[Members, Ints, Floats]] = []  # built, one more each (-1: none), gains
        self._first = [0]  # number of the first set of every block
        self._of: dict[int, int] = {}  # candidate -> its random number
        self._costs: dict[
            bytes, list[Floats]
        ] = {}  # costs of the candidates -> those of all sets, block by block

    def _number(self, k: int) -> int:
        if k not in self._of:
            self._of[k] = Random(k).getrandbits(128)
        return self._of[k]

    def name(self, members: Iterable[int]) -> int:
        """What a set goes by, whatever the order of its members."""
        return reduce(xor, map(self._number, members), 0)

    def names_with(self, built: Members, which: Sequence[int]) -> list[int]:
        """Names of a built set with each of some candidates."""
        base, inside = self.name(built), set(built)
        return [base if k in inside else base ^ self._number(k) for k in map(int, which)]

    def names_without(self, built: Members, which: Sequence[int]) -> list[int]:
        """Names of a built set without each of some of its candidates.

        >>> known = Answers()
        >>> known.names_without((1, 4, 9), [4]) == [known.name((1, 9))]
        True
        """
        base = self.name(built)
        return [base ^ self._number(k) for k in map(int, which)]

    def __contains__(self, name: int) -> bool:
        return name in self._row

    def __len__(self) -> int:
        return self._first[-1]

    def get(self, name: int) -> Floats | None:
        """Gain of every species of the set of that name; None for one that was not asked."""
        if name not in self._row:
            return None
        block, place = self._at(self._row[name])
        return np.asarray(self._blocks[block][2][place], float)

    def _at(self, number: int) -> tuple[int, int]:
        block = bisect_right(self._first, number) - 1
        return block, number - self._first[block]

    def add(self, built: Members, which: Sequence[int], names: Sequence[int], gains: Floats) -> None:
        """Keep the gains, shape (sets, species), of a built set with each of some candidates (-1: without); known ones stay."""
        new = list(
            {name: i for i, name in reversed(list(enumerate(names))) if name not in self._row}.values()
        )
        if not new:
            return
        new.sort()
        self._row.update((names[i], self._first[-1] + n) for n, i in enumerate(new))
        inside = set(built)
        more = np.array([-1 if which[i] in inside else which[i] for i in new], np.int64)
        self._blocks.append((built, more, np.asarray(gains, float)[new]))
        self._first.append(self._first[-1] + len(new))

    def told(self) -> list[NDArray[Any]]:
        """All answers as a few arrays, for :meth:`of`: built sets one after the other, what is added to them, gains, and how many of each."""
        if not self._blocks:
            return []
        built = [k for done, _, _ in self._blocks for k in done]
        sizes = [(len(done), len(more)) for done, more, _ in self._blocks]
        return [
            np.array(built, np.int64), np.concatenate([more for _, more, _ in self._blocks]), self.gains,
            np.array(sizes, np.int64),
        ]  # fmt: skip

    @classmethod
    def of(cls, told: Sequence[NDArray[Any]]) -> Answers:
        """Answers that were told before; none of an empty list.

        >>> known = Answers()
        >>> known.add((2,), [-1], [known.name((2,))], np.array([[7.0]]))
        >>> again = Answers.of(known.told())
        >>> again.get(again.name((2,))).tolist()
        [7.0]
        """
        out = cls()
        if not len(told):
            return out
        built, more, gains, sizes = told
        sets, added = built.tolist(), more.tolist()
        a = b = 0
        for few, many in sizes.tolist():
            done, which = tuple(sets[a : a + few]), added[b : b + many]
            base = out.name(done)
            names = [base if k < 0 else base ^ out._number(k) for k in which]
            out.add(done, which, names, gains[b : b + many])
            a, b = a + few, b + many
        return out

    def number(self, members: Iterable[int]) -> int:
        """Number of a set that was asked."""
        return self._row[self.name(members)]

    def members(self, number: int) -> Members:
        """A set by its number, 0 the first that was asked."""
        block, place = self._at(number)
        built, more = self._blocks[block][0], int(self._blocks[block][1][place])
        return built if more < 0 else tuple(sorted((*built, more)))

    @property
    def gains(self) -> Floats:
        """Gains of all sets, shape (sets, species), in the order in which they were asked."""
        return np.concatenate([g for _, _, g in self._blocks]) if self._blocks else np.zeros((0, 0))

    def spent(self, cost: Floats) -> Floats:
        """Cost of all sets, in the same order, from those of the candidates [money]."""
        parts = self._costs.setdefault(cost.tobytes(), [np.zeros(0)])
        for built, more, _ in self._blocks[
            len(parts) - 1 :
        ]:  # those that have come since this was last asked
            extra = np.where(more < 0, 0.0, cost[np.maximum(more, 0)])
            parts.append(float(cost[list(built)].sum()) + extra)
        return np.concatenate(parts)


class Objective:
    """One number from the gains of several species (or one): their weighted sum, or the smallest; each set is asked once.

    Parameters
    ----------
    gains : sequence of SetGains or callables
        Of every species; a callable without ``with_each`` is asked set by set.
    factors : array, shape (species,), optional
        What each gain is multiplied by; 1 by default.
    worst : bool
        The smallest instead of the sum.

    Examples
    --------
    >>> both = Objective([lambda s: float(len(s)), lambda s: 4.0], [1.0, 0.5])
    >>> both((2, 0)), both.with_each((0,), [1, 2]).tolist(), [both.known.members(i) for i in range(len(both.known))]
    (4.0, [4.0, 4.0], [(0, 2), (0, 1)])
    """

    def __init__(
        self, gains: Sequence[SetGains | Value], factors: ArrayLike | None = None, worst: bool = False
    ) -> None:
        self.gains, self.worst = gains, worst
        self.factors = np.ones(len(gains)) if factors is None else np.asarray(factors, float)
        self.known = Answers()

    def with_factors(self, factors: Floats, worst: bool) -> Objective:
        """The same gains joined in another way; what is known of them is shared."""
        other = Objective(self.gains, factors, worst)
        other.known = self.known
        return other

    def vector(self, members: Iterable[int]) -> Floats:
        """Gain of every species, in its own unit."""
        key = tuple(sorted({int(k) for k in members}))
        name = self.known.name(key)
        found = self.known.get(name)
        if found is None:
            found = np.array([float(g(key)) for g in self.gains])
            self.known.add(key, [-1], [name], found[None])
        return found

    def join(self, vectors: Floats) -> Floats:
        """One number from gains in the last axis."""
        scaled = vectors * self.factors
        return np.asarray(scaled.min(axis=-1) if self.worst else scaled.sum(axis=-1))

    def __call__(self, members: Iterable[int]) -> float:
        return float(self.join(self.vector(members)))

    def with_each(self, built: Iterable[int], which: Sequence[int]) -> Floats:
        """Value of a built set with each of some candidates."""
        done = tuple(sorted({int(k) for k in built}))
        names = self.known.names_with(done, which)
        if any(name not in self.known for name in names):
            columns = [
                np.asarray(g.with_each(done, which), float)
                if isinstance(g, SetGains)
                else [g(tuple(sorted({*done, int(k)}))) for k in which]
                for g in self.gains
            ]
            self.known.add(done, which, names, np.stack(columns, axis=-1))
        found = [self.known.get(name) for name in names]
        return self.join(np.array(found, float).reshape(len(names), len(self.gains)))

    def without_each(self, built: Iterable[int], which: Sequence[int]) -> Floats:
        """Value of a built set without each of some of its candidates."""
        done = tuple(sorted({int(k) for k in built}))
        names = self.known.names_without(done, which)
        new = [i for i, name in enumerate(names) if name not in self.known]
        if new:
            rests = {i: tuple(j for j in done if j != which[i]) for i in new}
            columns = [
                [float(g(rests[i])) for i in new]
                if closes is None  # most know a set only as a whole
                else np.asarray(closes(done, [which[i] for i in new]), float)
                for g, closes in ((g, getattr(g, "without_each", None)) for g in self.gains)
            ]
            for i, found in zip(new, np.stack(columns, axis=-1)):
                self.known.add(rests[i], [-1], [names[i]], found[None])
        found = [self.known.get(name) for name in names]
        return self.join(np.array(found, float).reshape(len(names), len(self.gains)))

    def known_values(self) -> Floats:
        """Value of every set that was asked, in the order of :attr:`known`."""
        return self.join(self.known.gains.reshape(-1, len(self.gains)))


def remembered(value: SetGains | Value) -> Objective:
    """A value with every answer kept; an :class:`Objective` as it is.

    >>> asked = remembered(lambda members: float(sum(members)))
    >>> asked((2, 1)), remembered(asked) is asked
    (3.0, True)
    """
    return value if isinstance(value, Objective) else Objective([value])
