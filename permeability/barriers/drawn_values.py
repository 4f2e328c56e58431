"""What estimates are worth in the draws of a ranking: each is drawn once for all draws, not once a draw."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from permeability.core.estimate import Derived, Estimate

__all__ = ["DrawnValues", "OneDraw"]


class DrawnValues:
    """Quantiles of the unknown numbers in many draws, and what they make of estimates.

    Parameters
    ----------
    names : sequence of str
        Keys of the unknown numbers.
    quantiles : array, shape (draws, names)
        0..1.

    Examples
    --------
    >>> draws = DrawnValues(["track"], np.array([[0.0], [1.0]]))
    >>> p = Estimate(0.1, 0.5, 0.9)
    >>> [draws.draw(d).worth(p, "track") for d in (0, 1)], draws.draw(0).worth(p, "road"), draws.draw(1)["track"]
    ([0.1, 0.9], 0.5, 1.0)
    """

    def __init__(self, names: Sequence[str], quantiles: NDArray[np.float64]) -> None:
        self.names = [str(name) for name in names]
        self.quantiles = np.asarray(quantiles, np.float64)
        self._column = {name: k for k, name in enumerate(self.names)}
        self._known: dict[tuple[object, ...], list[float]] = {}

    def __getstate__(self) -> dict[str, Any]:
        """What goes to another machine: values are drawn there when they are asked for."""
        return {**vars(self), "_known": {}}

    def draw(self, number: int) -> OneDraw:
        """The unknown numbers of one draw."""
        return OneDraw(self, number)

    def of(self, estimate: Estimate, key: str) -> list[float]:
        """Values of an estimate in every draw at the quantiles of a key.

        Two threads that ask at once both work it out, to the same bits.
        """
        name = (key, estimate.low, estimate.best, estimate.high, estimate.spread)
        if name not in self._known:
            self._known[name] = estimate.draw(self.quantiles[:, self._column[key]]).tolist()
        return self._known[name]


class OneDraw(dict[str, float]):
    """Quantiles by key of one of many draws, which knows what its estimates are worth."""

    def __init__(self, draws: DrawnValues, number: int) -> None:
        super().__init__(zip(draws.names, draws.quantiles[number].tolist()))
        self.draws, self.number = draws, number

    def __reduce__(self) -> Any:
        """Made anew from all draws."""
        return OneDraw, (self.draws, self.number)

    def worth(self, estimate: Estimate, key: str) -> float:
        """The quantile of an estimate by its key, or the best value; of what it comes from where it knows that."""
        if isinstance(estimate, Derived) and not self.keys().isdisjoint(k for k, _ in estimate.inputs):
            values = [self._own(e, k) for k, e in estimate.inputs]
            return estimate.best if estimate.rule is None else float(estimate.rule(*values))
        return self._own(estimate, key)

    def _own(self, estimate: Estimate, key: str) -> float:
        return self.draws.of(estimate, key)[self.number] if key in self else estimate.best
