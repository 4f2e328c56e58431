"""Chains of any directed links: transition probabilities that need not be symmetric, solved by sparse factorisation.

The grid chains of :mod:`permeability.engines.chain.grid_chain` are reversible and go to the solvers of the house; what is
here takes any links, such as those of samc's uneven transitions or of gdistance's grids that close around the globe, by a
sparse LU factorisation, up to :data:`MOST_STATES` states.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array, eye_array
from scipy.sparse.linalg import splu

from permeability.core.errors import MemoryLimitError, OptionError, ResistanceError

Floats = NDArray[np.float64]

MOST_STATES = 1_000_000  # a factor of that many states of a grid takes some 3 GB and a minute
MOST_DENSE = 2e8  # entries of a dense result (1.6 GB)


@dataclass(frozen=True, eq=False)
class LinkChain:
    """An absorbing chain: where a walker goes from each state, and the chance that it ends there.

    Attributes
    ----------
    step : sparse array, shape (n, n)
        Chance of going from one state to another in one step, >= 0; a row sums to 1 less the chance to end.
    ends : array, shape (n,)
        Chance to end in a step from each state.

    Raises
    ------
    ResistanceError
        [Q01] chances below 0, not finite, or rows that sum to more than 1.
    MemoryLimitError
        [Q02] more states than the factorisation takes.

    Examples
    --------
    A walker between two rooms leaves the house from the second with chance one half:

    >>> import numpy as np
    >>> chain = LinkChain(np.array([[0.0, 1.0], [0.5, 0.0]]), [0.0, 0.5])
    >>> chain.visits().tolist()
    [[2.0, 2.0], [1.0, 2.0]]
    >>> chain.time_to_end().tolist()
    [4.0, 3.0]
    """

    step: Any
    ends: Floats

    def __post_init__(self) -> None:
        step = csr_array(self.step, dtype=np.float64)
        ends = np.asarray(self.ends, np.float64)
        total = np.asarray(step.sum(axis=1)).ravel() + ends
        low = float(min(step.data.min(initial=0.0), ends.min(initial=0.0)))
        if not (low >= 0 and np.all(np.isfinite(total)) and float(total.max(initial=0.0)) <= 1 + 1e-9):
            raise ResistanceError(
                "Q01",
                "the chances of a chain are below 0, not finite, or sum to more than 1 in a row.",
                details={"smallest": low, "largest row sum": float(total.max(initial=0.0))},
                remedy="give chances of a step, and the chance to end, that sum to 1 in every row",
            )
        if step.shape[0] > MOST_STATES:
            raise MemoryLimitError(
                "Q02",
                f"{step.shape[0]:,} states are more than a directed chain takes ({MOST_STATES:,}).",
                remedy="use links of equal value both ways (GridChain), which have no such limit, or larger cells",
            )
        object.__setattr__(self, "step", step)
        object.__setattr__(self, "ends", ends)

    def __len__(self) -> int:
        return int(self.step.shape[0])

    @cached_property
    def _factor(self) -> Any:
        return splu((eye_array(len(self)) - self.step).tocsc())

    def solve(self, right: ArrayLike) -> Floats:
        """``(I - Q)^-1`` times a vector or columns."""
        out: Floats = self._factor.solve(np.asarray(right, np.float64))
        return out

    def solve_rows(self, left: ArrayLike) -> Floats:
        """A row (or rows, one each) times ``(I - Q)^-1``."""
        given = np.asarray(left, np.float64)
        out: Floats = self._factor.solve(np.ascontiguousarray(given.T), trans="T").T
        return out

    def visits(self, start: ArrayLike | None = None) -> Floats:
        """Expected visits of every state: the fundamental matrix, or its row from a start.

        Parameters
        ----------
        start : array, shape (n,), optional
            Walkers in each state at the outset; without it every state by itself, (n, n).
        """
        if start is not None:
            return self.solve_rows(start)
        self._refuse_dense(len(self))
        return self.solve(np.eye(len(self)))

    def visits_within(self, start: ArrayLike, steps: int) -> Floats:
        """Expected visits in the first ``steps`` states that are seen, the start among them: ``p (I + Q + ... + Q^(t-1))``."""
        now = np.asarray(start, np.float64)
        total = np.zeros_like(now)
        for _ in range(steps):
            total += now
            now = now @ self.step
        return total

    def after(self, start: ArrayLike, steps: ArrayLike) -> Floats:
        """Where walkers are after some steps, (n,) or one row for each number of steps."""
        wanted = np.atleast_1d(np.asarray(steps, np.int64))
        now = np.asarray(start, np.float64)
        found = {0: now}
        for k in range(1, int(wanted.max(initial=0)) + 1):
            now = now @ self.step
            found[k] = now
        out = np.array([found[int(k)] for k in wanted])
        return out if np.ndim(steps) else out[0]

    def ended(self, start: ArrayLike, steps: int | None = None) -> Floats:
        """Chance to end in each state, whenever or within some steps."""
        return self.ends * (self.visits(start) if steps is None else self.visits_within(start, steps))

    def time_to_end(self) -> Floats:
        """Expected steps until the end, from every state."""
        return self.solve(np.ones(len(self)))

    def _without(self, state: int) -> tuple[LinkChain, Floats]:
        """The chain in which a state is an end, and the chance to step into it; the state itself is cut off."""
        keep = np.ones(len(self))
        keep[state] = 0.0
        into = self.step[:, [state]].toarray().ravel() * keep
        step = csr_array(self.step.multiply(keep[:, None]).multiply(keep[None]))
        return LinkChain(step, (self.ends + into) * keep), into

    def reaches(self, state: int, steps: int | None = None) -> Floats:
        """Chance of ever reaching a state, or within some steps, from every other.

        From itself: the chance to come back, as in samc; with a number of steps it is undefined, NaN.

        Parameters
        ----------
        state : int
        steps : int, optional
        """
        chain, into = self._without(state)
        if steps is None:
            out = chain.solve(into)
            here = np.zeros(len(self))
            here[state] = 1.0
            out[state] = 1.0 - 1.0 / self.solve(here)[state]
        else:
            out, now = np.zeros(len(self)), into
            for _ in range(steps):
                out = out + now
                now = chain.step @ now
            out[state] = np.nan
        return out

    def time_when_reached(self, state: int) -> Floats:
        """Expected steps to a state of those that reach it, from every other; NaN from itself.

        >>> chain = LinkChain(np.array([[0.0, 0.5], [0.0, 0.0]]), [0.5, 1.0])
        >>> chain.time_when_reached(1).tolist()  # it goes there at once or never
        [1.0, nan]
        """
        chain, into = self._without(state)
        chance = chain.solve(into)
        with np.errstate(divide="ignore", invalid="ignore"):
            out = chain.solve(chance) / chance
        out[state] = np.nan
        return np.asarray(out)

    def net_flow(self, start: ArrayLike) -> Floats:
        """Net movement through every state: what comes in over links beyond what goes back, with the start."""
        begun = np.asarray(start, np.float64)
        moved = csr_array(self.step.multiply(self.visits(begun)[:, None]))
        net = moved - moved.T.tocsr()
        net.data = np.maximum(net.data, 0.0)
        return np.asarray(net.sum(axis=0)).ravel() + begun

    def _refuse_dense(self, columns: int) -> None:
        if len(self) * columns > MOST_DENSE:
            raise MemoryLimitError(
                "Q02",
                f"a table of {len(self):,} by {columns:,} states does not fit.",
                remedy="ask for a start or for some targets",
            )


def check_states(states: ArrayLike, n: int, what: str) -> NDArray[np.int64]:
    """States as numbers within the chain.

    Raises
    ------
    OptionError
        [Q03] a number outside the chain.
    """
    found = np.atleast_1d(np.asarray(states, np.int64))
    if len(found) and (found.min() < 0 or found.max() >= n):
        raise OptionError("Q03", f"{what} name states outside 0 .. {n - 1}.", remedy="number states from 0")
    return found
