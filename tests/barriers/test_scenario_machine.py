"""Any order of edits of a scenario: what stands afterwards is what a list of kilometres says."""

from __future__ import annotations

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

import permeability as pm
from permeability.engines.circuit.focal_pairs import pairwise

LAND, PATCHES = pm.samples.tiny()
ROWS, COLS, WEST_OF_F = 8, 12, 5  # the fence F runs between columns 5 and 6, from km 0 in the south to km 8
STRETCH = st.tuples(st.integers(0, ROWS - 1), st.integers(1, ROWS)).filter(lambda k: k[0] < k[1])


def standing(scenario: pm.Scenario) -> set[int]:
    """Kilometres of F that still close the way straight across, read from the edges of the landscape."""
    edges = LAND.with_scenario(scenario).edge_barriers()
    across = (edges.direction == 0) & (edges.cell % COLS == WEST_OF_F)
    assert np.isinf(edges.cost[across]).all()
    return {ROWS - 1 - int(cell) // COLS for cell in edges.cell[across]}


def resistance(scenario: pm.Scenario) -> float:
    return float(pairwise(LAND.with_scenario(scenario), PATCHES).resistance[0, 1])


class Edits(RuleBasedStateMachine):
    """Scenarios beside plain sets of opened kilometres."""

    plans = Bundle("plans")

    @rule(target=plans)
    def today(self) -> tuple[pm.Scenario, frozenset[int]]:
        return pm.Scenario("today"), frozenset()

    @rule(target=plans, plan=plans, km=STRETCH)
    def remove(self, plan: tuple[pm.Scenario, frozenset[int]], km: tuple[int, int]) -> tuple[pm.Scenario, frozenset[int]]:  # fmt: skip
        scenario, opened = plan
        before = str(scenario)
        after = scenario.remove("F", km=(float(km[0]), float(km[1])))
        assert str(scenario) == before  # the scenario it was made from is not touched
        return after, opened | frozenset(range(*km))

    @rule(target=plans, plan=plans, km=STRETCH)
    def remove_piece_by_piece(self, plan: tuple[pm.Scenario, frozenset[int]], km: tuple[int, int]) -> tuple[pm.Scenario, frozenset[int]]:  # fmt: skip
        scenario, opened = plan
        for k in reversed(range(*km)):
            scenario = scenario.remove("F", km=(k, k + 1))
        return scenario, opened | frozenset(range(*km))

    @rule(target=plans, plan=plans)
    def drop(self, plan: tuple[pm.Scenario, frozenset[int]]) -> tuple[pm.Scenario, frozenset[int]]:
        return plan[0].drop("F"), frozenset(range(ROWS))

    @rule(target=plans, plan=plans)
    def rename(self, plan: tuple[pm.Scenario, frozenset[int]]) -> tuple[pm.Scenario, frozenset[int]]:
        return plan[0].named("another"), plan[1]

    @rule(target=plans, one=plans, two=plans)
    def join(self, one: tuple[pm.Scenario, frozenset[int]], two: tuple[pm.Scenario, frozenset[int]]) -> tuple[pm.Scenario, frozenset[int]]:  # fmt: skip
        return pm.Scenario("both", (*two[0].interventions, *one[0].interventions)), one[1] | two[1]

    @rule(plan=plans)
    def what_stands_is_what_the_list_says(self, plan: tuple[pm.Scenario, frozenset[int]]) -> None:
        assert standing(plan[0]) == set(range(ROWS)) - plan[1]

    @rule(plan=consumes(plans), km=STRETCH)
    def a_wider_opening_never_resists_more(self, plan: tuple[pm.Scenario, frozenset[int]], km: tuple[int, int]) -> None:  # fmt: skip
        """Rayleigh: whatever is taken away, the effective resistance does not rise."""
        before, after = resistance(plan[0]), resistance(plan[0].remove("F", km=km))
        assert after <= before * (1 + 1e-9)
        if set(range(*km)) <= plan[1]:
            np.testing.assert_allclose(after, before, rtol=1e-9)

    @rule(target=plans, plan=plans)
    def copy(self, plan: tuple[pm.Scenario, frozenset[int]]) -> object:
        return multiple(plan)

    @invariant()
    def today_is_as_it_was(self) -> None:
        assert len(LAND.edge_barriers().cell) == len(
            LAND.with_scenario(pm.Scenario("x")).edge_barriers().cell
        )


TestEdits = Edits.TestCase
TestEdits.settings = settings(
    max_examples=12, stateful_step_count=12, deadline=None, derandomize=True, database=None
)
