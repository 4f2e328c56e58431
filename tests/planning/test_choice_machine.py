"""Sites opened and closed in any order, and plans bought for any money, agree with a landscape built afresh each time."""

from __future__ import annotations

import functools

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

import permeability as pm
from permeability.linkage.measured import indices
from permeability.planning.joint_gains import CircuitGains

MAIN = "mean_conductance"


@functools.cache
def ranked() -> pm.Ranking:
    """Four stretches of the fence between two patches."""
    land, patches = pm.samples.tiny()
    return pm.rank(land, patches, pm.candidates(land, "F", length_m=2000))


@functools.cache
def afresh(members: frozenset[int]) -> float:
    """Gain of a set: a landscape with it against one without."""
    land, patches = pm.samples.tiny()
    steps = [i for k in sorted(members) for i in ranked().sites[k].interventions]
    opened = land.with_scenario(pm.Scenario("opened", tuple(steps)))
    return float(
        indices(opened, patches, land.valid).values[MAIN] - indices(land, patches, land.valid).values[MAIN]
    )


class Choices(RuleBasedStateMachine):
    """What is open, and the plans that were bought."""

    @initialize()
    def begin(self) -> None:
        self.gain = CircuitGains(ranked())
        self.cost = [s.cost_usd.best for s in ranked().sites]
        self.open: set[int] = set()
        self.bought: list[tuple[float, float]] = [(0.0, 0.0)]

    @rule(k=st.integers(0, 3))
    def turn(self, k: int) -> None:
        self.open ^= {k}

    @rule(k=st.integers(0, 3))
    def opening_never_takes(self, k: int) -> None:
        assert self.gain(tuple(self.open | {k})) >= self.gain(tuple(self.open)) - 1e-12

    @rule(share=st.floats(0.26, 1.5))
    def buy(self, share: float) -> None:
        money = share * sum(self.cost)
        plan = pm.portfolio(ranked(), money)
        ids = [s.id for s in ranked().sites]
        members = [ids.index(i) for i in plan.sites]
        assert plan.cost_usd == pytest.approx(sum(self.cost[k] for k in members))
        assert plan.cost_usd <= money * (1 + 1e-9)
        found = afresh(frozenset(members))
        alone = [afresh(frozenset({k})) for k in range(4) if self.cost[k] <= money]
        assert found >= max(alone, default=0.0) - 1e-9
        for less, gained in self.bought:  # more money never buys less
            if less <= money:
                assert found >= gained - 1e-9
        self.bought.append((money, found))

    @invariant()
    def what_is_open_is_worth_what_a_new_landscape_says(self) -> None:
        if hasattr(self, "open"):
            order = sorted(self.open, reverse=len(self.bought) % 2 == 0)
            assert self.gain(tuple(order)) == pytest.approx(afresh(frozenset(self.open)), rel=1e-7, abs=1e-10)


TestChoices = Choices.TestCase
TestChoices.settings = settings(max_examples=12, stateful_step_count=12, deadline=None)
