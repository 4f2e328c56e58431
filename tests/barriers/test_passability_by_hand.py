"""Passability held against arithmetic done by hand and against simulation: where a wrong sign, factor or default would hide."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from permeability.barriers.passability import (
    FenceDesign,
    crossing_cost_m,
    fence_chance,
    fence_passage,
    gap_encounter_chance,
    rail_chance,
    road_chance,
    split_fenced_railway,
)
from permeability.barriers.passability.chances import design_of
from permeability.core.errors import OptionError
from permeability.core.estimate import Estimate
from permeability.species import species


@pytest.mark.parametrize(("trains", "gap"), [(60.0, 30.0), (96.0, 60.0), (250.0, 120.0)])
def test_trains_beyond_fifty_close_the_track_for_their_passing_and_the_gap(rng, trains, gap):
    # moments of days on which the trains beyond fifty arrive at random; a moment is free when none comes within gap + passing
    days = 3_000
    arrivals = np.sort(rng.uniform(0, 86_400 * days, rng.poisson((trains - 50) * days)))
    moments = rng.uniform(0, 86_400 * (days - 1), 200_000)
    after = np.minimum(np.searchsorted(arrivals, moments), len(arrivals) - 1)
    free = (arrivals[after] - moments > gap + 60.0).mean()
    assert rail_chance(0.8, trains, gap) == pytest.approx(0.8 * free, abs=0.008)
    assert rail_chance(0.8, trains, gap) == pytest.approx(
        0.8 * math.exp(-(trains - 50) * (gap + 60) / 86_400), rel=1e-12
    )


@pytest.mark.parametrize("fences", [1, 2, 3])
def test_costs_of_fences_and_track_add_up_to_the_railways(fences):
    fence = split_fenced_railway(0.02, 0.7, n_fences=fences)
    whole = fences * crossing_cost_m(fence, 9_000.0) + crossing_cost_m(0.7, 9_000.0)
    assert whole == pytest.approx(crossing_cost_m(0.02, 9_000.0), rel=1e-12)


def test_a_fenced_railway_has_a_fence_on_both_sides_and_a_track_that_costs_nothing_unless_told():
    fence = split_fenced_railway(0.1)
    assert 2 * (1 - fence) / fence == pytest.approx(9.0, rel=1e-12)
    with pytest.raises(OptionError, match="V02"):
        split_fenced_railway(0.1, n_fences=0)
    assert split_fenced_railway(0.1, n_fences=1) == pytest.approx(0.1)


def test_the_range_of_a_split_holds_its_best():
    wide = split_fenced_railway(Estimate(0.05, 0.1, 0.2), Estimate(0.1, 0.8, 0.9))
    assert wide.low <= wide.best <= wide.high
    assert wide.best == pytest.approx(split_fenced_railway(0.1, 0.8))
    assert split_fenced_railway(0.1, Estimate(0.1, 0.8, 0.9)) == pytest.approx(split_fenced_railway(0.1, 0.8))


def test_climbers_go_over_what_stock_fences_reach_and_not_over_exclusion_fences():
    def over(top: float) -> float:
        return fence_passage(0.0, top, 0.7, climbs=True)

    assert [over(top) for top in (0.5, 1.5, 2.5, 3.0)] == [1.0, 1.0, 0.0, 0.0]
    assert over(2.0) == pytest.approx(0.5)  # half way between 1.5 and 2.5 m
    assert fence_passage(0.0, 0.5, 0.7) == 0.0


def test_the_three_ways_past_a_fence_are_taken_as_independent():
    # shoulder 1 m: under 0.475 / 1 lies half way from 0.3 to 0.65; between: 1.9 / 4 = 0.475, half of it for barbs;
    # over: 1.1 lies half way from 1 to 1.2 times the jump of 1.1 m
    only = {"strands": 4, "bottom": "barbed"}
    under = fence_passage(0.475, 4.0, 1.0, bottom="smooth", crawls=True)
    assert under == pytest.approx(0.5)
    assert fence_passage(0.475, 4.0, 1.0, bottom="barbed", crawls=True) == pytest.approx(0.25)
    between = fence_passage(0.0, 1.9, 1.0, crawls=True, **only)
    assert between == pytest.approx(0.25)
    over = fence_passage(0.0, 1.9, 1.0, jumps=True, jump_factor=1.9 / 1.1)
    assert over == pytest.approx(0.5)
    every = fence_passage(0.475, 1.9, 1.0, crawls=True, jumps=True, jump_factor=1.9 / 1.1, **only)
    assert every == pytest.approx(1 - (1 - 0.25) * (1 - 0.25) * (1 - 0.5))


def test_nothing_goes_between_the_wires_of_a_mesh_or_of_wires_that_are_not_counted():
    assert fence_passage(0.0, 1.9, 1.0, bottom="mesh", strands=2, crawls=True) == 0.0
    assert fence_passage(0.0, 1.9, 1.0, crawls=True) == 0.0


@pytest.mark.parametrize(("bottom", "top", "strands", "good"), [
    (0.0, 5.0, 1, True), (0.0, 5.01, 1, False), (1.0, 0.9, 1, False), (0.0, 0.0, 1, False), (-0.1, 1.0, 1, False), (0.4, 0.4, None, True),
    (0.4, 1.0, 0, False),
])  # fmt: skip
def test_heights_of_a_fence(bottom, top, strands, good):
    if good:
        assert FenceDesign(bottom, top, strands).top_m == top
    else:
        with pytest.raises(OptionError, match="V06"):
            FenceDesign(bottom, top, strands)


@pytest.mark.parametrize("row", [{"bottom_wire": "mesh"}, {"wire_type": "mesh"}, {"bottom_wire": "mesh", "wire_type": "mesh"}])  # fmt: skip
def test_strands_of_a_mesh_leave_no_way_between(row):
    heights = {"bottom_wire_m": 0.1, "top_wire_m": 1.2, "wires": 3}
    assert design_of({**heights, **row}).strands is None
    assert design_of(heights).strands == 3


def test_readiness_times_what_the_body_can_do():
    gazelle = species("mongolian_gazelle")
    low = FenceDesign(bottom_m=1.0, top_m=1.3, strands=2, bottom="smooth")  # no obstacle at all
    assert fence_chance(low, gazelle).best == pytest.approx(gazelle.crossing["rail_wildlife_friendly"].best)
    shut = replace(low, bottom_m=0.0, top_m=3.0, bottom="mesh", strands=None)
    assert fence_chance(shut, gazelle).as_tuple() == (0.0, 0.0, 0.0)


def test_a_fence_is_as_passable_as_the_best_and_the_worst_body_allow():
    gazelle = species("mongolian_gazelle")
    design = FenceDesign(bottom_m=0.32, top_m=2.5, strands=None, bottom="smooth")
    free = gazelle.crossing["rail_wildlife_friendly"]
    shoulder = gazelle.shoulder_cm
    share = [fence_passage(0.32, 2.5, h / 100, bottom="smooth", crawls=True) for h in (shoulder.high, shoulder.best, shoulder.low)]  # fmt: skip
    found = fence_chance(design, gazelle)
    assert share[0] <= share[1] <= share[2]
    assert found.best == pytest.approx(share[1] * free.best)
    assert found.low == pytest.approx(share[0] * free.low)
    assert found.high == pytest.approx(share[2] * free.high)


def test_listed_wires_give_the_lowest_the_highest_and_their_number():
    design = design_of({"wire_heights_m": "0.46 0.65 0.85 1.02", "top_wire_m": 9.0})
    assert (design.bottom_m, design.top_m, design.strands) == (0.46, 1.02, 4)


@pytest.mark.parametrize("trace", [0.5, 1.0, 2.0, 1_000.0])
def test_gaps_one_trace_apart_are_found_as_an_exponential_walk_finds_them(rng, trace):
    start, walk = rng.uniform(0, trace, 400_000), rng.exponential(trace, 400_000)
    found = gap_encounter_chance(trace, trace)
    assert found == pytest.approx(1 - math.exp(-1), rel=1e-12)
    assert found == pytest.approx((walk > start).mean(), abs=0.004)


@pytest.mark.parametrize("profile", [[0.0] * 24, [-1.0] + [2.0] * 23, [1.0] * 23, [math.nan] * 24])
def test_profiles_that_are_no_shares_of_a_day_are_refused(profile):
    with pytest.raises(OptionError, match="V03"):
        road_chance(1.0, 500.0, 60.0, hour_profile=profile)
