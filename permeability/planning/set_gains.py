"""Gains of sets of candidates: how they are asked, and the one place where every answer is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from permeability.planning.set_rules import Members

__all__ = ["Objective"]

Floats = NDArray[np.float64]
Value = Callable[[Members], float]  # members, sorted -> gain; 0 for none


@runtime_checkable
class SetGains(Protocol):
    """Gains of sets of candidates, and of a built set with each of some more, which is often faster than one by one."""

    def __call__(self, members: Members, /) -> float: ...

    def with_each(self, built: Members, which: Sequence[int], /) -> ArrayLike: ...


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
    >>> both((2, 0)), both.with_each((0,), [1, 2]).tolist(), sorted(both.known)
    (4.0, [4.0, 4.0], [(0, 1), (0, 2)])
    """

    def __init__(
        self, gains: Sequence[SetGains | Value], factors: ArrayLike | None = None, worst: bool = False
    ) -> None:
        self.gains, self.worst = gains, worst
        self.factors = np.ones(len(gains)) if factors is None else np.asarray(factors, float)
        self.known: dict[Members, Floats] = {}

    def with_factors(self, factors: Floats, worst: bool) -> Objective:
        """The same gains joined in another way; what is known of them is shared."""
        other = Objective(self.gains, factors, worst)
        other.known = self.known
        return other

    def vector(self, members: Iterable[int]) -> Floats:
        """Gain of every species, in its own unit."""
        key = tuple(sorted(int(k) for k in members))
        if key not in self.known:
            self.known[key] = np.array([float(g(key)) for g in self.gains])
        return self.known[key]

    def join(self, vectors: Floats) -> Floats:
        """One number from gains in the last axis."""
        scaled = vectors * self.factors
        return np.asarray(scaled.min(axis=-1) if self.worst else scaled.sum(axis=-1))

    def __call__(self, members: Iterable[int]) -> float:
        return float(self.join(self.vector(members)))

    def with_each(self, built: Iterable[int], which: Sequence[int]) -> Floats:
        """Value of a built set with each of some candidates."""
        done = tuple(sorted(int(k) for k in built))
        keys = [tuple(sorted((*done, int(k)))) for k in which]
        if any(key not in self.known for key in keys):
            columns = [
                np.asarray(g.with_each(done, which), float)
                if isinstance(g, SetGains)
                else [g(k) for k in keys]
                for g in self.gains
            ]
            for key, row in zip(keys, np.stack(columns, axis=-1)):
                self.known.setdefault(key, row)
        return self.join(np.array([self.known[key] for key in keys]).reshape(len(keys), len(self.gains)))

    def known_values(self) -> dict[Members, float]:
        """Every set that was asked, with its value."""
        values = self.join(np.array(list(self.known.values())).reshape(-1, len(self.gains)))
        return dict(zip(self.known, values.tolist()))


def remembered(value: SetGains | Value) -> Objective:
    """A value with every answer kept; an :class:`Objective` as it is.

    >>> asked = remembered(lambda members: float(sum(members)))
    >>> asked((2, 1)), remembered(asked) is asked
    (3.0, True)
    """
    return value if isinstance(value, Objective) else Objective([value])
