"""The gain of sets of candidates as the callable that :func:`permeability.selection.choose` asks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from permeability.circuit.interface import Candidates, Interface
from permeability.circuit.woodbury import OpenState
from permeability.errors import PatchError, check_choice

Floats = NDArray[np.float64]


class SetValue:
    """Exact joint gain of any set of openings, ``value(members)``, and of one more site, ``with_each``.

    Parameters
    ----------
    face : Interface
    candidates : Candidates
        Openings only.
    index : {"resistance", "conductance"}

    Raises
    ------
    PatchError
        When patches are cut off today and ``index="resistance"`` (P24).
    """

    def __init__(self, face: Interface, candidates: Candidates, index: str = "resistance") -> None:
        check_choice("index", index, ("resistance", "conductance"))
        if index == "resistance" and not np.isfinite(face.index(face.today.resistances)):
            raise PatchError(
                "P24",
                "some patches are cut off from each other today, so the summed resistance is infinite.",
                remedy="use index='conductance', in which a pair that is cut off counts 0",
            )
        self.face, self.candidates, self.index = face, candidates, index
        self._last: tuple[tuple[int, ...], OpenState] = ((), face.today)

    def __call__(self, members: Iterable[int]) -> float:
        chosen = list(members)
        return self.face.set_gain(self.candidates, chosen, index=self.index) if chosen else 0.0

    def with_each(self, built: Iterable[int], which: Sequence[int]) -> Floats:
        """Gains of the built set with each of some candidates added, (n,)."""
        state = self._state(tuple(sorted(built)))
        after = state.with_each(self.candidates, np.asarray(which, dtype=np.int64))
        return self.face.gain(self.face.today.resistances, after, self.index)

    def _state(self, built: tuple[int, ...]) -> OpenState:
        """The state with a set built, from the last one asked for where that is part of it."""
        known, state = self._last
        if not set(known) <= set(built):
            known, state = (), self.face.today
        for k in built:
            if k not in known:
                state = state.build(self.candidates, k)
        self._last = (built, state)
        return state
