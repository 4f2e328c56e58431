"""Values drawn once for all draws, held against those drawn one by one."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from permeability.barriers.crossing_costs import level_values
from permeability.barriers.drawn_values import DrawnValues
from permeability.barriers.passability import crossing_cost_m, hour_shares, road_chance
from permeability.core.errors import OptionError
from permeability.core.estimate import Derived, Estimate

CHANCE, TRACE = Estimate(0.1, 0.35, 0.9), Estimate(2_000.0, 9_000.0, 40_000.0, spread="log")
PARTS = (
    ("road.p0", Estimate(0.8, 0.9, 1.0)),
    ("traffic.A", Estimate(50.0, 300.0, 900.0)),
    ("road.gap_s", TRACE),
)
ROAD = Derived.of(road_chance(*(e for _, e in PARTS)), PARTS, road_chance)


@pytest.mark.parametrize(
    ("estimate", "key"),
    [(CHANCE, "fence"), (TRACE, "trace"), (CHANCE, "not drawn"), (ROAD, "road"), (CHANCE, "trace")],
)
def test_values_of_all_draws_are_those_of_each(estimate, key):
    names = ["fence", "traffic.A", "trace", "road"]
    table = np.random.default_rng(3).random((40, 4))
    draws = DrawnValues(names, table)
    for d, row in enumerate(table.tolist()):
        alone = dict(zip(names, row))
        assert draws.draw(d) == alone
        assert level_values(draws.draw(d))(estimate, key) == level_values(alone)(estimate, key)
    again = pickle.loads(pickle.dumps(draws.draw(7)))
    assert again == draws.draw(7)
    assert again.worth(estimate, key) == draws.draw(7).worth(estimate, key)


def test_a_number_costs_what_it_costs_among_many():
    chances = np.concatenate([[0.0, 0.0009, 0.001, 1.0], np.random.default_rng(4).random(200)])
    for trace in (0.0, 16_000.0):
        one_by_one = [crossing_cost_m(p, trace) for p in chances.tolist()]
        np.testing.assert_array_equal(one_by_one, crossing_cost_m(chances, trace))
    assert np.isnan(crossing_cost_m(float("nan"), 16_000.0))
    assert np.isnan(crossing_cost_m(0.5, float("nan")))
    for wrong in (-0.1, 1.1):
        with pytest.raises(OptionError, match="V01"):
            crossing_cost_m(wrong, 16_000.0)


def test_hours_that_are_handed_out_may_be_written_on():
    first = hour_shares(closed_hours=[3])
    first[:] = 7.0
    assert hour_shares(closed_hours=[3])[4] == pytest.approx(1 / 23)
