"""A choice among hundreds of candidates: bounded searches find what the unbounded ones find, within the same bound."""

from __future__ import annotations

import numpy as np
import pytest

from permeability.engines.circuit.interface import interface, set_value
from permeability.engines.circuit.interface.interface import Interface
from permeability.engines.circuit.interface.relaxation import RelaxedGain
from permeability.engines.circuit.interface.set_value import SetValue
from permeability.engines.kernels.edges import grid_links
from permeability.planning import searches, set_search
from permeability.planning.gain_bounds import rule_rows
from permeability.planning.set_rules import Rules
from permeability.planning.set_search import choose


class Shared:
    """Sites that share what they are worth with their neighbours along a line; counts the sets that are asked."""

    def __init__(self, n: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.worth, self.asked = rng.gamma(1.0, 1.0, n), 0

    def __call__(self, members):
        self.asked += 1
        built = np.zeros(len(self.worth) + 1)
        built[list(members)] = self.worth[list(members)]
        return float(np.sqrt(built[:-1] ** 2 + 0.5 * built[:-1] * built[1:]).sum())


@pytest.fixture
def everything(monkeypatch):
    """The searches without their limit on many candidates."""
    monkeypatch.setattr(searches, "MANY", 10**9)
    monkeypatch.setattr(set_search, "MANY", 10**9)


def plan(value, n, seed, **more):
    cost = np.random.default_rng(seed + 100).uniform(1, 3, n)
    return choose(value, cost, 60.0, starts=1, **more)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_as_good_as_looking_at_all_of_them(seed, request):
    few = Shared(400, seed)
    found = plan(few, 400, seed)
    request.getfixturevalue("everything")
    all_of_them = Shared(400, seed)
    expected = plan(all_of_them, 400, seed)
    assert found.gain >= 0.995 * expected.gain
    assert found.bound == expected.bound
    assert few.asked < all_of_them.asked / 5


def test_the_work_grows_with_the_number_of_candidates_and_not_its_square():
    asked = []
    for n in (400, 800, 1600):
        value = Shared(n, 1)
        plan(value, n, 1)
        asked.append(value.asked)
    assert asked[2] < 4.4 * asked[0]


def test_rules_as_they_were():
    rng = np.random.default_rng(0)
    cost = rng.uniform(1, 3, 40)
    apart = tuple((int(a), int(b)) for a, b in rng.integers(0, 40, (30, 2)) if a != b)
    rules = Rules(cost, 20.0, must=(3,), must_not=(5, 6), apart=apart)
    members = (3,)
    for _ in range(6):
        may = [k for k in range(40) if k not in members and rules.allows((*members, k), complete=False)]
        assert rules.can_add(members) == may
        if may:
            members = (*members, may[len(may) // 2])
    table, low, high = rule_rows(Rules(cost, 20.0, apart=apart, stretches=((1, 2, 2), (7,))))
    x = rng.random(40)
    expected = [cost @ x, *(x[a] + x[b] for a, b in apart), x[1] + x[2], x[7]]
    np.testing.assert_allclose(table @ x, expected)
    assert low.tolist() == [-np.inf] * (1 + len(apart)) + [1.0, 1.0]
    assert high.tolist() == [20.0 * (1 + 1e-9)] + [1.0] * len(apart) + [np.inf] * 2


def barriers(form):
    """A wandering line over 20 by 30 cells in 19 sections; neighbouring candidates share a section."""
    rng = np.random.default_rng(4)
    surface = np.exp(rng.normal(size=(20, 30)))
    column = np.clip(14 + np.cumsum(rng.integers(-1, 2, 20)), 3, 26)
    cells, directions, sections = [], [], []
    for r in range(20):
        cells.append(r * 30 + column[r])
        directions.append(0)
        sections.append(r)
    n = len(cells)
    face = Interface.build(
        grid_links(surface, neighbours=4), edges=(cells, directions), cuts=(np.arange(n), sections, np.ones(n)),
        crossing=rng.uniform(5, 500, 20), patches=[31, 58, 530, 568], form=form,
    )  # fmt: skip
    return face, face.candidates([[k, k + 1] for k in range(19)])


def test_states_made_afresh_and_large_sets_have_the_same_gains(monkeypatch):
    expected, sites = barriers("front")
    value = SetValue(expected, sites)
    monkeypatch.setattr(set_value, "MOST_ADDED", 6)
    monkeypatch.setattr(interface, "MOST_OPENED", 4)
    layers = SetValue(barriers("layers")[0], sites)
    for built in ((), (2,), (2, 5), (2, 5, 6, 11), (1, 3, 4, 8, 12, 13), tuple(range(0, 19, 2))):
        rest = [k for k in range(19) if k not in built]
        np.testing.assert_allclose(layers.with_each(built, rest), value.with_each(built, rest), rtol=1e-9)
        assert layers(built) == pytest.approx(value(built), rel=1e-9, abs=1e-12)


def test_the_relaxed_gain_is_no_less_than_that_of_any_set():
    face, sites = barriers("front")
    value, relaxed = SetValue(face, sites), RelaxedGain(face, sites)
    rng = np.random.default_rng(2)
    for _ in range(20):
        x = (rng.random(19) < 0.4).astype(float)
        top, slope = relaxed(np.clip(x, 1e-9, 1))
        assert top >= value(np.flatnonzero(x)) * (1 - 1e-9)
        assert slope.shape == (19,)
