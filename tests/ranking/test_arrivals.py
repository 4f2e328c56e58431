"""Animals that arrive alive after every single candidate and any set, against editing the landscape and running it again."""

from __future__ import annotations

import numpy as np
import pytest
from chain_lands import beside_a_road, fence_and_road

import permeability as pm
from permeability.barriers.scenario import Intervention
from permeability.core.errors import OptionError
from permeability.ranking.arrivals import Arrivals


def again(land: pm.Landscape, patches: pm.Patches, steps: object, theta: float) -> np.ndarray:
    """Edit the landscape and run it again from its layers."""
    edited = land.with_scenario(pm.Scenario("edited", tuple(steps)))  # type: ignore[arg-type]
    risk = pm.hazard(edited, per_km=0.0005)
    chain = pm.movement_chain(edited, patches, theta_per_km=theta, death_per_km=risk, step_km=0.8)
    return chain.success_matrix


@pytest.mark.parametrize("theta", [0.0, 0.15])
def test_every_single_and_fifty_sets_equal_editing_and_running_again(theta: float) -> None:
    land, patches = beside_a_road(cell_m=1000.0)
    land = land.with_scenario(pm.Scenario("today").remove("F", km=(0.0, 0.5)))
    sites = pm.candidates(land, "F", length_m=1000)
    steps = [s.interventions for s in sites]
    steps += [
        (Intervention("treat", "R", 11.0 - 7.0, 11.0 - 7.0, "overpass", width_m=60.0),),
        (Intervention("drop", "R", 2.0, 5.0),),
        (Intervention("treat", "F", 6.0, 6.0, "gap", width_m=100.0),),
    ]
    chain = pm.movement_chain(
        land, patches, theta_per_km=theta, death_per_km=pm.hazard(land, per_km=0.0005), step_km=0.8
    )
    found = Arrivals(chain, steps)
    np.testing.assert_allclose(found.today_success, chain.success_matrix, rtol=1e-11)
    singles = found.singles()
    for k, one in enumerate(steps):
        expected = again(land, patches, one, theta)
        np.testing.assert_allclose(singles[k], expected, rtol=1e-9, err_msg=str(one))
        np.testing.assert_allclose(found.success_after(one), expected, rtol=1e-9)
    rng = np.random.default_rng(6)
    for _ in range(50):
        chosen = rng.choice(len(steps), size=int(rng.integers(2, 6)), replace=False)
        together = tuple(step for k in sorted(chosen) for step in steps[k])
        expected = again(land, patches, together, theta)
        np.testing.assert_allclose(found.success_after(together), expected, rtol=1e-9, err_msg=str(chosen))


def test_sets_on_other_edges_are_solved_afresh() -> None:
    land, patches = beside_a_road(cell_m=1000.0)
    chain = pm.movement_chain(land, patches, death_per_km=pm.hazard(land, per_km=0.0005), step_km=0.8)
    found = Arrivals(chain, [(Intervention("remove", "F", 2.0, 4.0),)])
    other = (Intervention("remove", "F", 9.0, 12.0), Intervention("drop", "R"))
    np.testing.assert_allclose(found.success_after(other), again(land, patches, other, 0.0), rtol=1e-9)


def test_an_opening_beside_a_busy_road_is_a_trap() -> None:
    """It lies on the straight way, so it conducts most; behind it the road kills, so fewest arrive through it."""
    land, patches = beside_a_road(20_000.0)
    sites = [s for s in pm.candidates(land, "F", length_m=2000) if s.km_from in (2.0, 4.0, 10.0)]
    beside = next(s.id for s in sites if s.km_from == 10.0)
    for theta in (0.0, 0.1):
        chain = pm.movement_chain(
            land, patches, theta_per_km=theta, death_per_km=pm.hazard(land, per_km=0.0002)
        )
        by_arrivals = pm.rank(land, patches, sites, sort_by="arrivals", chain=chain).table
        assert by_arrivals["id"].iloc[-1] == beside
        assert by_arrivals["gain_mean_conductance"].idxmax() == len(by_arrivals) - 1
        assert not by_arrivals["trap"].any()  # nothing is open today: even a road lets some through
    by_conductance = pm.rank(land, patches, sites).table
    assert by_conductance["id"].iloc[0] == beside
    # with a quiet opening there already, the one beside the road draws animals onto it
    quiet = land.with_scenario(pm.Scenario("quiet").remove("F", km=(0.0, 2.0)))
    chain = pm.movement_chain(quiet, patches, theta_per_km=0.1, death_per_km=pm.hazard(quiet, per_km=0.0002))
    found = pm.rank(quiet, patches, sites, sort_by="arrivals", chain=chain)
    row = found.table.set_index("id").loc[beside]
    assert row["gain_arrivals"] < 0 < row["gain_mean_conductance"]
    assert bool(row["trap"])
    assert any(beside in note and note.startswith("Traps") for note in found.notes)
    assert found.today["arrivals"] == pytest.approx(chain.arrivals())


def test_traffic_that_kills_nobody_changes_no_order() -> None:
    """Without deaths at the road the straight opening is best by arrivals too."""
    land, patches = beside_a_road(20_000.0, cell_m=1000.0)
    sites = pm.candidates(land, "F", length_m=4000)
    chain = pm.movement_chain(land, patches, death_per_km=pm.hazard(land, per_km=0.002, traffic=False))
    table = pm.rank(land, patches, sites, sort_by="arrivals", chain=chain).table
    assert table["gain_arrivals"].idxmax() == table["gain_mean_conductance"].idxmax()


def test_arrivals_without_anything_that_kills_are_refused() -> None:
    land, patches = pm.samples.tiny()
    sites = pm.candidates(land, "F", length_m=2000)
    with pytest.raises(OptionError, match="Q08"):
        pm.rank(land, patches, sites, sort_by="arrivals")
    other = pm.movement_chain(land.without_barriers(), patches, death_per_km=0.1)
    with pytest.raises(OptionError, match="Q08"):
        pm.rank(land, patches, sites, sort_by="arrivals", chain=other)


def test_structures_spare_those_who_use_them() -> None:
    land, patches = fence_and_road(1000.0, vehicles=5000.0)
    chain = pm.movement_chain(land, patches, death_per_km=pm.hazard(land, per_km=0.001))
    at = (Intervention("treat", "R", 9.0, 9.0, "overpass", width_m=60.0),)
    found = Arrivals(chain, [at])
    (change,) = found.changes([at])
    today = chain.walk.deadly.at(change.keys)[0]
    assert np.all(change.killed <= today + 1e-12)
    assert change.killed.min() < 0.9 * today.max()
    assert found.after(at) > found.today


def test_a_set_that_changes_no_edge_leaves_today() -> None:
    land, patches = pm.samples.tiny()
    land = land.with_scenario(pm.Scenario("today").remove("F", km=(0, 4)))
    found = Arrivals(
        pm.movement_chain(land, patches, death_per_km=0.01), [(), (Intervention("remove", "F", 4, 8),)]
    )
    nothing, opened = found.singles()
    np.testing.assert_array_equal(nothing, found.today_success)
    assert opened[0, 1] > nothing[0, 1] > 0


def test_where_no_edge_kills_sets_on_other_edges_are_solved_afresh_too() -> None:
    land, patches = pm.samples.tiny()
    chain = pm.movement_chain(land, patches, death_per_km=0.01)
    other = pm.Scenario("other").remove("F", km=(4, 8))
    found = Arrivals(chain, [(Intervention("remove", "F", 0, 1),)])
    edited = pm.movement_chain(land.with_scenario(other), patches, death_per_km=0.01)
    np.testing.assert_allclose(found.success_after(other.interventions), edited.success_matrix, rtol=1e-9)
