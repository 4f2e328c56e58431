"""Money and hectares against sums written out."""

from __future__ import annotations

import numpy as np
import pytest

import permeability as pm
from permeability.barriers.scenario import Intervention
from permeability.barriers.treatments import treatments
from permeability.core.errors import OptionError
from permeability.linkage.landscape_indices import distance_from
from permeability.planning.economics import _largest, _once_and_yearly, annuity, present_value, yearly_cost


@pytest.fixture(scope="module")
def ranking():
    land, patches = pm.samples.tiny()
    sites = [
        *pm.candidates(land, "F", length_m=4000),
        *pm.structure_candidates(land, "F", [3.0], treatment="gap", width_m=1000),
    ]
    return pm.rank(land, patches, sites, draws=16)


def test_money_over_the_years():
    for rate in (0.0, 0.01, 0.07):
        assert annuity(rate, 20) == pytest.approx(sum((1 + rate) ** -t for t in range(1, 21)))
    assert present_value(100, 10, 20, 0.07) == pytest.approx(100 + sum(10 / 1.07**t for t in range(1, 21)))
    assert yearly_cost(Intervention("remove", "F", treatment="remove")).as_tuple() == (0, 0, 0)
    assert yearly_cost(Intervention("treat", "H", 0, 5, "night_closure")).best == 8000.0
    assert yearly_cost(Intervention("drop", "F")).as_tuple() == (0, 0, 0)  # no treatment of the catalogue


def test_whole_life_cost_and_gain_per_money(ranking):
    value = pm.Estimate(1000, 2000, 5000, "USD")
    table = pm.cost_benefit(
        ranking, years=10, rates=[0.0, 0.05], collisions_avoided={"F km 3 gap": 0.5}, usd_per_collision=value
    )
    assert len(table) == 2 * len(ranking.sites)
    gap = table[(table["id"] == "F km 3 gap") & (table["rate"] == 0.05)].iloc[0]
    years = sum(1.05**-t for t in range(1, 11))
    once, yearly = (300.0, 1500.0, 3500.0), (3000.0, 8000.0, 20000.0)  # per km of fence line and per place
    for end, o, y, v in zip(("_low", "", "_high"), once, yearly, (1000, 2000, 5000)):
        assert gap[f"whole_life_usd{end}"] == pytest.approx(o + y * years)
        assert gap[f"benefit_usd{end}"] == pytest.approx(0.5 * v * years)
    assert gap["net_usd"] == pytest.approx(1500 + 8000 * years - 0.5 * 2000 * years)
    assert gap["net_usd_low"] == pytest.approx(300 + 3000 * years - 0.5 * 5000 * years)
    row = ranking.table.set_index("id").loc["F km 3 gap"]
    assert gap["mean_conductance_per_musd"] == pytest.approx(
        row["gain_mean_conductance"] / gap["whole_life_usd"] * 1e6
    )
    low = min(row["gain_low"], row["gain_mean_conductance"])
    assert gap["mean_conductance_per_musd_low"] == pytest.approx(low / gap["whole_life_usd_high"] * 1e6)
    for name in ("mean_conductance_per_musd", "reachable_km2_per_musd"):
        assert (table[f"{name}_low"] <= table[name] + 1e-12).all()
        assert (table[name] <= table[f"{name}_high"] + 1e-12).all()


def test_what_is_paid_every_year_is_not_paid_at_once_too():
    """The cost of a candidate holds one year of it, beside what is paid once for its other steps."""
    nights, gap = treatments()["night_closure"].cost.as_tuple(), (300.0, 1500.0, 3500.0)
    steps = (Intervention("treat", "H", 0, 5, "night_closure"), Intervention("remove", "F", 0, 1))
    site = pm.Candidate("both", "H", 0, 5, steps, pm.Estimate(*np.add(nights, gap), "USD"))
    once, yearly = _once_and_yearly(site)
    assert once.tolist() == list(gap)
    assert yearly.tolist() == list(nights)


def test_a_range_without_any_ground_has_no_connected_piece():
    quality, parts = np.full((2, 2), 3.0), np.array([[1, 1], [2, 0]], np.int32)
    assert _largest(quality, parts, np.zeros((2, 2), bool)) == 0.0
    assert _largest(quality, parts, np.ones((2, 2), bool)) == 6.0


def test_a_plan_counts_once_as_a_whole(ranking):
    plan = pm.portfolio(ranking, 1e5)
    table = pm.cost_benefit(plan, rates=[0.03])
    whole = table[table["id"] == "plan"].iloc[0]
    assert whole["whole_life_usd"] == pytest.approx(table[table["id"] != "plan"]["whole_life_usd"].sum())
    joint = plan.indices.set_index("index").loc["mean_conductance", "gain"]
    assert whole["mean_conductance_per_musd"] == pytest.approx(joint / whole["whole_life_usd"] * 1e6)


def test_hectares_are_those_of_a_fresh_landscape(ranking):
    plan = pm.portfolio(ranking, 1e5)
    land, patches = pm.samples.tiny()
    steps = tuple(i for s in ranking.sites if s.id in plan.sites for i in s.interventions)
    states = [land.without_barriers(), land, land.with_scenario(pm.Scenario("x", steps))]
    table = pm.offset_account(plan).set_index("measure")
    hectares = 100 * land.grid.cell_area_km2 / land.resistance
    weight = patches.table["weight"]
    for column, state in zip(("without_barriers_qha", "today_qha", "after_qha"), states):
        fields = [distance_from(state, patches.mask(i + 1)) for i in range(len(patches))]
        reach = np.average(
            [np.nansum(hectares[f <= land.profile.budget_m.best]) for f in fields], weights=weight
        )
        assert table.loc["reachable", column] == pytest.approx(reach)
        assert table.loc["connected_range", column] == pytest.approx(np.nansum(hectares[state.parts == 1]))
    assert (table["balance_qha"] == table["given_back_qha"] - table["lost_qha"]).all()
    nothing = pm.offset_account(ranking, sites=[])
    assert (nothing["given_back_qha"] == 0).all()


def test_refusals(ranking):
    with pytest.raises(OptionError, match="O66"):
        pm.cost_benefit(ranking, years=0)
    with pytest.raises(OptionError, match="O66"):
        pm.cost_benefit(ranking, rates=[-0.01])
    with pytest.raises(OptionError, match=r"O66.*without what one costs"):
        pm.cost_benefit(ranking, collisions_avoided={"F km 3 gap": 1.0})
    with pytest.raises(OptionError, match="O01"):
        pm.offset_account(ranking, sites=["F km 3 gate"])
