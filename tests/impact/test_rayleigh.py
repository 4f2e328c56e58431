"""No barrier joins patches better than open ground: the answer is held against the landscape without barriers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import permeability as pm
from permeability.core.errors import SolverError
from permeability.engines.circuit.possible import require_no_easier
from permeability.linkage.measured import Measured

OPEN = np.array([[0.0, 2.0, np.inf], [2.0, 0.0, np.inf], [np.inf, np.inf, 0.0]])


def test_what_can_be_passes() -> None:
    require_no_easier(OPEN, OPEN, "WEN", "resistance", "all")
    require_no_easier(3 * OPEN, OPEN, "WEN", "resistance", "all")
    require_no_easier(np.where(OPEN > 0, np.inf, 0.0), OPEN, "WEN", "resistance", "all")
    require_no_easier(OPEN * (1 - 1e-9), OPEN, "WEN", "resistance", "all")  # rounding of two solves


@pytest.mark.parametrize(("pair", "value"), [((0, 1), 1.9), ((0, 1), 0.0), ((1, 2), 50.0)])
def test_what_cannot_be_is_named(pair: tuple[int, int], value: float) -> None:
    found = OPEN.copy()
    found[pair] = found[pair[::-1]] = value
    names = "WEN"[pair[0]] + "-" + "WEN"[pair[1]]
    with pytest.raises(SolverError, match=rf"S25[\s\S]*lower with barriers[\s\S]*only F[\s\S]*{names}"):
        require_no_easier(found, OPEN, "WEN", "resistance", "only F")


@pytest.mark.parametrize("what", ["resistance", "cost"])
def test_an_impact_with_a_better_than_open_answer_is_refused(
    what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A solver that is wrong in one state only."""
    land, patches = pm.samples.tiny()
    real = Measured.state_of

    def wrong(self: Measured, other: Any, *rest: Any) -> Any:
        state = real(self, other, *rest)
        with_barriers = other.standing.any()
        return state._replace(**{what: getattr(state, what) / 1e4}) if with_barriers else state

    monkeypatch.setattr(Measured, "state_of", wrong)
    with pytest.raises(SolverError, match="S25"):
        pm.barrier_impact(land, patches)
    monkeypatch.undo()
    assert len(pm.barrier_impact(land, patches).table)
