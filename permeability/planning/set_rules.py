"""What a plan must obey: money, must and must not, pairs that exclude each other, stretches that need something."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from permeability.core.errors import OptionError

__all__ = ["Rules", "spacing"]

Floats = NDArray[np.float64]
Members = tuple[int, ...]
SLACK = 1e-9  # money and gains that differ by less, relative, are equal


@dataclass(frozen=True)
class Rules:
    """What a plan must obey.

    Attributes
    ----------
    cost : array, shape (K,)
        Cost of every candidate [money], >= 0.
    budget : float
        Most money to spend.
    must, must_not : tuple of int
        Candidates that are in every plan, or in none (a pilot that is built is a ``must`` of cost 0).
    apart : tuple of (int, int)
        Pairs that may not both be chosen (spacing; two treatments of one place).
    stretches : tuple of tuple of int
        Of each group at least one candidate is chosen.

    Examples
    --------
    >>> rules = Rules(np.array([1.0, 2.0, 4.0]), budget=3.0)
    >>> rules.allows((0, 1)), rules.allows((1, 2))
    (True, False)
    """

    cost: Floats
    budget: float
    must: Members = ()
    must_not: Members = ()
    apart: tuple[tuple[int, int], ...] = ()
    stretches: tuple[Members, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "cost", np.asarray(self.cost, dtype=np.float64))
        bad = np.flatnonzero(~(self.cost >= 0))
        if len(bad):
            raise OptionError(
                "O41", "costs must be numbers >= 0.", rows=bad.tolist(), remedy="give every candidate a cost"
            )
        both = sorted(set(self.must) & set(self.must_not))
        if both:
            raise OptionError(
                "O42", "a candidate is both must and must not.", rows=both, remedy="take it out of one list"
            )
        if not self.allows(self.must, complete=False):
            raise OptionError(
                "O43",
                "the must-have sites break the budget or the spacing rule by themselves.",
                rows=list(self.must),
                details={"cost": f"{self.spent(self.must):,.0f} of {self.budget:,.0f}"},
                remedy="raise the budget, or drop a must-have site",
            )

    def spent(self, members: Iterable[int]) -> float:
        """Cost of a set [money]."""
        return float(self.cost[list(members)].sum())

    def allows(self, members: Iterable[int], *, complete: bool = True) -> bool:
        """Whether a set is a plan; with ``complete=False`` whether it can still grow into one."""
        chosen = set(members)
        if chosen & set(self.must_not) or any(a in chosen and b in chosen for a, b in self.apart):
            return False
        missing = [s for s in self.stretches if not chosen & set(s)]
        if complete and (missing or not set(self.must) <= chosen):
            return False
        reserve = sum(min((float(self.cost[k]) for k in s), default=np.inf) for s in missing)
        return self.spent(chosen) + reserve <= self.budget * (1 + SLACK)

    def can_add(self, members: Members) -> list[int]:
        """Candidates that may join a set."""
        if self.stretches:
            return [
                k
                for k in range(len(self.cost))
                if k not in members and self.allows((*members, k), complete=False)
            ]
        if not self.allows(members, complete=False):
            return []
        free = self.spent(members) + self.cost <= self.budget * (1 + SLACK)
        free[[*members, *self.must_not, *(j for k in members for j in self._never_with.get(k, ()))]] = False
        return [int(k) for k in np.flatnonzero(free)]

    @cached_property
    def least_price(self) -> float:
        """Cost that a free site counts as, where gain is divided by cost [money]."""
        return 1e-12 * max(float(self.cost.max(initial=0.0)), 1e-12)

    @cached_property
    def prices(self) -> list[float]:
        """What every candidate costs, to divide by: free ones come first, at :attr:`least_price` [money]."""
        return np.maximum(self.cost, self.least_price).tolist()

    @cached_property
    def _never_with(self) -> dict[int, set[int]]:
        """For every candidate those that may not be chosen with it."""
        found: dict[int, set[int]] = {}
        for a, b in self.apart:
            found.setdefault(a, set()).add(b)
            found.setdefault(b, set()).add(a)
        return found


class Bound(NamedTuple):
    """What no plan exceeds: ``value``, and whether the search for a tighter one was ``cut_off`` (it holds either way)."""

    value: float
    cut_off: bool = False


def spacing(position: ArrayLike, smallest: float, line: ArrayLike | None = None) -> list[tuple[int, int]]:
    """Pairs of candidates on one line that lie closer than ``smallest`` (same unit as ``position``).

    Parameters
    ----------
    position : array
        Shape (K,) [km].
    smallest : float
        [km]
    line : array, optional
        Name of the line of each; one line by default.

    Returns
    -------
    list of tuple[int, int]
        Pairs that are too near each other.

    Examples
    --------
    >>> spacing([0.0, 4.0, 10.0], 5.0)
    [(0, 1)]
    """
    at = np.asarray(position, dtype=np.float64)
    name = np.zeros(len(at)) if line is None else np.asarray(line)
    near = (np.abs(at[:, None] - at[None]) < smallest) & (name[:, None] == name[None])
    return [(int(i), int(j)) for i, j in np.argwhere(np.triu(near, 1))]
