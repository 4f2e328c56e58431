"""What could be built: the cuts each candidate changes, and to what."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Candidates:
    """What each candidate does, one row per cut it changes; the rows of candidate k are start[k]:start[k + 1].

    ``share`` of the edge's width gets the crossing cost ``after`` [m of open ground], the rest keeps today's.
    """

    start: Ints
    cut: Ints
    share: Floats
    after: Floats

    def __len__(self) -> int:
        return len(self.start) - 1

    def rows(self, members: ArrayLike) -> Ints:
        """Rows of some candidates, one after another."""
        chosen = np.atleast_1d(np.asarray(members, dtype=np.int64))
        parts = [np.arange(self.start[k], self.start[k + 1]) for k in chosen]
        return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)

    def subset(self, members: ArrayLike) -> Candidates:
        """Some of the candidates, renumbered."""
        chosen = np.atleast_1d(np.asarray(members, dtype=np.int64))
        rows = self.rows(chosen)
        start = np.concatenate(([0], np.cumsum(np.diff(self.start)[chosen])))
        return Candidates(start, self.cut[rows], self.share[rows], self.after[rows])


def series_resistance(factor: Floats, crossing: Floats, share: Floats, after: Floats) -> Floats:
    """Series resistance of cuts of which a share has another crossing cost, both in parallel [dimensionless].

    ``z = factor / ((1 - share) / crossing + share / after)``; a share of 0 or 1 leaves one of them.

    >>> series_resistance(*(np.array([x]) for x in (1.0, 100.0, 0.5, 25.0))).tolist()
    [40.0]
    >>> series_resistance(*(np.array([x]) for x in (1.0, 9.0, 1.0, 6.690223432249619))).tolist()
    [6.690223432249619]
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        rest = np.where(share < 1.0, (1.0 - share) / crossing, 0.0)
        part = np.where(share > 0.0, share / after, 0.0)
        beside = factor / (rest + part)
    whole = np.asarray(share >= 1.0)  # what a treatment leaves as it is stays so to the last bit
    return np.asarray(np.where(whole, factor * after, beside), dtype=np.float64)
