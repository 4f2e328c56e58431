"""What an option costs is the sum of its priced steps by the catalogue; an option with a step without a price has none."""

import pytest

import permeability as pm
from permeability.barriers.treatments import treatments
from permeability.planning.alternatives import Option
from permeability.project.run.scenarios import option_cost_usd


@pytest.fixture(scope="module")
def tiny():
    return pm.samples.tiny()


def cost(tiny, plan):
    land, patches = tiny
    return option_cost_usd(Option("x", land.with_scenario(plan), patches, land.valid))


def test_removed_kilometres_cost_what_the_catalogue_says_of_a_kilometre(tiny):
    per_km = treatments()["remove"].cost.best
    assert treatments()["remove"].cost_per == "km_side"
    one, two = (cost(tiny, pm.Scenario("x").remove("F", km=(1, 1 + km))) for km in (1, 2))
    assert one["best"] == pytest.approx(per_km)  # one fence
    assert two["best"] == pytest.approx(2 * per_km)
    assert one["low"] < one["best"] < one["high"]
    both = cost(tiny, pm.Scenario("x").remove("F", km=(1, 2)).treat("F", km=4, treatment="gap", width_m=200))
    gap = cost(tiny, pm.Scenario("x").treat("F", km=4, treatment="gap", width_m=200))
    assert both["best"] == pytest.approx(one["best"] + gap["best"])


def test_a_step_without_a_price_leaves_the_option_without_one(tiny):
    assert cost(tiny, pm.Scenario("x")) is None
    assert cost(tiny, pm.Scenario("x").drop("F")) is None
    assert cost(tiny, pm.Scenario("x").remove("F", km=(1, 2)).drop("S")) is None
