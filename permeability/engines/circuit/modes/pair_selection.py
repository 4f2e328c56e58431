"""Which pairs of focal numbers are to be solved."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from permeability.core.errors import check_choice


@dataclass(frozen=True)
class PairSelection:
    """Pairs to include or to exclude.

    Attributes
    ----------
    mode : {"include", "exclude"}
    pairs : frozenset of (int, int)
        Smaller number first.
    named : frozenset of int
        Numbers that the list names at all.  Others are dropped: always in one-to-all and all-to-one, in
        pairwise mode for ``include`` only.

    Examples
    --------
    >>> some = PairSelection.of("exclude", [(3, 1)])
    >>> some.allows(1, 3), some.allows(1, 2)
    (False, True)
    """

    mode: str
    pairs: frozenset[tuple[int, int]]
    named: frozenset[int]

    @classmethod
    def of(
        cls, mode: str, pairs: Iterable[tuple[int, int]], named: Iterable[int] | None = None
    ) -> PairSelection:
        """From pairs in any order; ``named`` defaults to the numbers in them.

        Raises
        ------
        OptionError
            [C20] unknown mode.
        """
        check_choice("mode", mode, ("include", "exclude"), code="C20")
        ordered = frozenset((min(a, b), max(a, b)) for a, b in pairs)
        numbers = frozenset(n for pair in ordered for n in pair) if named is None else frozenset(named)
        return cls(mode, ordered, numbers)

    def allows(self, a: int, b: int) -> bool:
        """Whether the pair of two different numbers is to be solved."""
        listed = (min(a, b), max(a, b)) in self.pairs
        return listed if self.mode == "include" else not listed

    def kept(self, ids: Iterable[int], *, always: bool) -> list[int]:
        """The focal numbers that stay; ``always`` drops unnamed ones in both modes."""
        drop = always or self.mode == "include"
        return [i for i in ids if i in self.named or not drop]


def wanted_pairs(ids: list[int], selection: PairSelection | None) -> list[tuple[int, int]]:
    """Positions of all pairs to solve, in order.

    >>> wanted_pairs([1, 4, 9], PairSelection.of("exclude", [(1, 9)]))
    [(0, 1), (1, 2)]
    """
    return [
        (i, j)
        for i in range(len(ids))
        for j in range(i + 1, len(ids))
        if selection is None or selection.allows(ids[i], ids[j])
    ]
