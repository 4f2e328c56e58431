"""Crossing rules at the published values, and what must always hold of them."""

from __future__ import annotations

import math
import re
from importlib.resources import files

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from places import SHARED

from permeability.barriers.passability import (
    ABSOLUTE_P,
    FenceDesign,
    Structure,
    chance_from_cost,
    corridor_chance,
    crossing_cost_m,
    crossing_estimate,
    fence_chance,
    fence_designs,
    fence_passage,
    gap_encounter_chance,
    hour_shares,
    learning_factor,
    parallel,
    rail_chance,
    road_chance,
    series_cost_m,
    spaced_chance,
    split_fenced_railway,
    structure_chance,
    traffic_of,
    treated_chances,
)
from permeability.core.errors import BarrierError, OptionError
from permeability.core.estimate import Estimate
from permeability.species import species, species_list

NOTES = SHARED / "knowledge/domain.md"
CHANCE = st.floats(0.0, 1.0)
NIGHT = [20, 21, 22, 23, 0, 1, 2, 3, 4, 5]
few = settings(deadline=None, max_examples=40)


@st.composite
def chances(draw):
    return Estimate(*sorted(draw(st.lists(CHANCE, min_size=3, max_size=3))))


def in_order(estimate: Estimate) -> bool:
    return 0 <= estimate.low <= estimate.best <= estimate.high <= 1


# --- cost and chance ---------------------------------------------------------------------------------------------


def test_published_crossing_costs():
    """Notes 4.2: with m = 16 km, p = 0.5 costs 16 km, 0.1 costs 143 km, 0.01 costs 1,574 km (m of 15.9 km there)."""
    assert crossing_cost_m(0.5, 16_000.0) == 16_000.0
    assert crossing_cost_m(0.1, 15_900.0) / 1000 == pytest.approx(143, abs=0.5)
    assert crossing_cost_m(0.01, 15_900.0) / 1000 == pytest.approx(1574, abs=0.5)
    assert crossing_cost_m(1.0, 16_000.0) == 0.0


def test_absolute_below_one_in_a_thousand_only():
    assert crossing_cost_m(np.nextafter(ABSOLUTE_P, 0), 1.0) == math.inf
    assert crossing_cost_m(ABSOLUTE_P, 1.0) == pytest.approx(999.0)
    assert crossing_cost_m(0.0, 0.0) == math.inf
    assert np.isnan(crossing_cost_m(np.nan, 1.0))
    assert np.isnan(crossing_cost_m(np.array([0.5, np.nan]), 2.0)).tolist() == [False, True]


@few
@given(st.floats(ABSOLUTE_P, 1.0), st.floats(1.0, 1e6))
def test_cost_and_chance_are_inverse(p, m):
    assert chance_from_cost(crossing_cost_m(p, m), m) == pytest.approx(p, rel=1e-9)


def test_chance_from_infinite_cost():
    assert chance_from_cost(math.inf, 16_000.0) == 0.0


@few
@given(chances())
def test_cost_of_an_estimate(p):
    cost = crossing_cost_m(p, Estimate(8e3, 16e3, 62e3, "m"))
    assert cost.low <= cost.best <= cost.high
    assert cost.unit == "m"
    assert cost.high == crossing_cost_m(p.low, 62e3)


@pytest.mark.parametrize(
    "call", [lambda: crossing_cost_m(1.2, 1.0), lambda: crossing_cost_m(0.5, -1.0), lambda: parallel(-0.1)]
)
def test_values_out_of_range_are_refused(call):
    with pytest.raises(OptionError, match=r"\[V01\].*outside"):
        call()


# --- gaps ----------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not NOTES.is_file(), reason="the domain notes are not on this machine")
def test_gap_spacing_table_of_the_notes():
    text = NOTES.read_text(encoding="utf-8")
    rows = re.findall(
        r"^\s*\| (\d+) \| (\.\d+) \| (\.\d+) \| (\.\d+) \|$", text[text.index("| spacing km |") :], re.M
    )[:7]
    assert [int(r[0]) for r in rows] == [1, 5, 10, 20, 50, 100, 200]
    for spacing, *cells in rows:
        for m, cell in zip((11 / math.log(2), 40.2, 62.0), cells):  # what 16, 40 and 62 stand for
            assert gap_encounter_chance(float(spacing), m) == pytest.approx(float(cell), abs=0.0051)


def test_three_gaps_are_a_start():
    """T19: 230 km spacing gives 0.07 to 0.26."""
    chance = gap_encounter_chance(230.0, Estimate(16.0, 40.0, 62.0))
    assert chance.low == pytest.approx(0.07, abs=0.005)
    assert chance.high == pytest.approx(0.26, abs=0.005)


def test_kazakhstan_border_fix():
    """T13: openings each km are found by .97 at m = 16 km; what limits is the chance at the opening."""
    assert gap_encounter_chance(1.0, 16.0) == pytest.approx(0.97, abs=0.005)
    saiga = species("saiga")
    fence = {"kind": "fence", "fence_class": "border"}
    plain, opened = crossing_estimate(fence, saiga), crossing_estimate(fence, saiga, treatment="drop_wires")
    gap = structure_chance(
        Structure("gap", 5.0), saiga
    ).best  # 5 m of bare wires are no better than a gap of 5 m
    assert opened.best > 4 * plain.best
    assert opened.best == pytest.approx(1 - (1 - plain.best) * (1 - gap), rel=0.05)
    assert opened.best <= saiga.crossing["rail_wildlife_friendly"].best
    khulan = species("khulan")  # neither crawls nor jumps: nothing gained
    assert (
        crossing_estimate(fence, khulan, treatment="drop_wires").as_tuple()
        == crossing_estimate(fence, khulan).as_tuple()
    )


@pytest.mark.parametrize("who", ["khulan", "mongolian_gazelle", "snow_leopard"])
def test_the_chance_of_a_gap_rises_with_its_width_without_a_jump(who):
    profile, widths = species(who), np.geomspace(1.0, 5_000.0, 2_000)
    for level in ("low", "best", "high"):
        found = np.array(
            [getattr(structure_chance(Structure("gap", float(w)), profile), level) for w in widths]
        )
        assert (np.diff(found) >= 0).all()
        assert np.diff(found).max() < 0.01
        assert found[-1] == getattr(profile.structures["gap_500m"], level)


def test_gap_encounter_by_simulation(rng):
    """Uniform start, one direction, exponential trace length."""
    to_gap = rng.uniform(0, 20.0, 200_000)
    met = rng.exponential(16.0, to_gap.size) >= to_gap
    assert gap_encounter_chance(20.0, 16.0) == pytest.approx(met.mean(), abs=0.005)


@pytest.mark.parametrize(
    ("spacing", "width", "p", "fence"),
    [(1e3, 5.0, 0.05, 0.0), (2e4, 500.0, 0.3, 0.0), (2e4, 50.0, 0.7, 0.02), (5e4, 500.0, 0.5, 0.1)],
)
def test_spaced_openings_by_walks_along_the_fence(rng, spacing, width, p, fence):
    """Animals meet a fence anywhere, try it there, trace it one way, and go through the next opening or not.

    What the fence conducts is the mean over places of ``P / (m (1 - P))`` with the walks' chance ``P`` at each place.
    """
    m, places, walks = 16_000.0, 400, 20_000
    start = (np.arange(places) + 0.5) * spacing / places  # from the middle of an opening
    to_right, to_left = spacing - width / 2 - start, start - width / 2
    inside = (to_left < 0) | (to_right < 0)
    way = np.where(rng.random((walks, places)) < 0.5, to_right, to_left)
    reached = rng.exponential(m, (walks, places)) >= np.maximum(way, 0.0)
    crossed = (rng.random((walks, places)) < fence) | (reached & (rng.random((walks, places)) < p))
    chance = np.where(inside, max(p, fence), crossed.mean(axis=0))
    conductance = (chance / (m * (1 - chance))).mean()
    expected = m * conductance / (1 + m * conductance)
    found = spaced_chance(p, fence, m, width_m=width, spacing_m=spacing)
    assert found == pytest.approx(expected, rel=0.03)


def test_spaced_openings_grow_with_width_and_fall_with_spacing():
    chances = [
        spaced_chance(0.3, 0.01, 16e3, width_m=w, spacing_m=2e4) for w in (0.0, 5.0, 50.0, 500.0, 2000.0)
    ]
    assert (np.diff(chances) > 0).all()
    apart = [spaced_chance(0.3, 0.01, 16e3, width_m=50.0, spacing_m=s) for s in (1e3, 5e3, 2e4, 5e4, 1e8)]
    assert (np.diff(apart) < 0).all()
    assert apart[-1] == pytest.approx(0.01, rel=0.01)
    assert (
        spaced_chance(Estimate(0.1, 0.3, 0.5), 0.0, Estimate(5e3, 16e3, 6e4), width_m=50.0, spacing_m=2e4).low
        < 0.1
    )


def test_gap_encounter_limits():
    assert gap_encounter_chance(0.0, 16.0) == 1.0
    assert gap_encounter_chance(1e-9, 16.0) == pytest.approx(1.0)
    assert gap_encounter_chance(10.0, 0.0) == 0.0
    assert gap_encounter_chance(math.inf, 5.0) == 0.0
    assert np.isnan(gap_encounter_chance(np.nan, 5.0))


@few
@given(st.floats(0.1, 500), st.floats(0.1, 500), st.floats(0.1, 100))
def test_gap_encounter_falls_with_spacing_and_rises_with_trace(a, b, m):
    a, b = sorted((a, b))
    assert gap_encounter_chance(a, m) >= gap_encounter_chance(b, m) - 1e-12
    assert gap_encounter_chance(m, a) <= gap_encounter_chance(m, b) + 1e-12


# --- several barriers ------------------------------------------------------------------------------------------------


def test_parallel_and_series():
    assert parallel() == 1.0
    assert parallel(np.array([0.5, 1.0]), 0.5).tolist() == [0.25, 0.5]
    assert series_cost_m(1.0, math.inf) == math.inf
    both = corridor_chance([Estimate(0.1, 0.2, 0.4), Estimate(0.5, 0.5, 1.0)])
    assert both.as_tuple() == pytest.approx((0.05, 0.1, 0.4))


@few
@given(st.floats(0.01, 1.0), st.floats(0.01, 1.0))
def test_series_never_costs_more_than_the_product(a, b):
    product, series = parallel(a, b), series_cost_m(crossing_cost_m(a, 1.0), crossing_cost_m(b, 1.0))
    assert product <= min(a, b)
    assert series <= (1 - product) / product + 1e-9


@few
@given(st.floats(ABSOLUTE_P, 1.0), st.floats(ABSOLUTE_P, 1.0), st.integers(1, 2))
def test_split_railway_adds_up(p_total, p_track, n):
    fence = split_fenced_railway(p_total, p_track, n_fences=n)
    total = n * (1 - fence) / fence + (1 - p_track) / p_track
    wanted = max((1 - p_total) / p_total, (1 - p_track) / p_track)
    assert total == pytest.approx(wanted, rel=1e-6, abs=1e-9)


@few
@given(chances(), chances())
def test_split_railway_keeps_the_order(p_total, p_track):
    assert in_order(split_fenced_railway(p_total, p_track))


def test_split_of_an_absolute_railway_is_absolute_on_both_sides():
    khulan = species("khulan")
    fence = split_fenced_railway(khulan.crossing["rail_barbed_both_sides"], khulan.crossing["rail_unfenced"])
    assert fence.best < ABSOLUTE_P
    assert fence.high > ABSOLUTE_P
    assert split_fenced_railway(0.9, 0.5) == 1.0
    assert split_fenced_railway(np.array([0.01, 0.0005]), 0.5)[1] == 0.0
    with pytest.raises(OptionError, match=r"\[V02\]"):
        split_fenced_railway(0.5, 0.5, n_fences=0)


# --- roads and railways ------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not NOTES.is_file(), reason="the domain notes are not on this machine")
def test_traffic_table_of_the_notes():
    text = NOTES.read_text(encoding="utf-8")
    body = text[text.index("| vehicles/day | T 30") :]
    rows = [
        line.replace("**", "").replace(",", "").strip("| \n").split("|") for line in body.splitlines()[2:8]
    ]
    night_share = [0.15 / 10 if h in NIGHT else 0.85 / 14 for h in range(24)]
    at_night = [1.0 if h in NIGHT else 0.0 for h in range(24)]
    assert len(rows) == 6
    for q, *cells in rows:
        for gap, cell in zip((30.0, 60.0, 90.0, 120.0), cells):
            assert road_chance(1.0, float(q), gap) == pytest.approx(float(cell), abs=0.0051)
        night = road_chance(1.0, float(q), 60.0, hour_profile=night_share, activity=at_night)
        assert night == pytest.approx(float(cells[4]), abs=0.0051)


def test_published_road_figures():
    """T09: 1,000 / 4,000 / 10,000 vehicles a day at T = 60 s; a night closure restores the night."""
    assert [round(road_chance(1.0, q, 60.0), 2) for q in (1_000, 4_000, 10_000)] == [0.5, 0.06, 0.0]
    at_night = [1.0 if h in NIGHT else 0.0 for h in range(24)]
    assert road_chance(0.9, 10_000, 60.0, closed_hours=NIGHT, activity=at_night) == pytest.approx(0.9)
    assert road_chance(0.9, 4_000, 60.0, closed_hours=NIGHT) > 5 * road_chance(0.9, 4_000, 60.0)
    assert road_chance(0.9, 0.0, 60.0) == pytest.approx(0.9)


def test_road_by_simulation(rng):
    """Random arrivals: the share of moments that start a gap of T seconds."""
    arrivals = np.sort(rng.uniform(0, 86_400 * 200, 1_000 * 200))
    moments = rng.uniform(0, 86_400 * 199, 50_000)
    gap = arrivals[np.searchsorted(arrivals, moments)] - moments
    assert road_chance(1.0, 1_000, 60.0) == pytest.approx((gap >= 60.0).mean(), abs=0.01)


@few
@given(st.floats(0, 20_000), st.floats(0, 20_000), st.floats(0, 300), st.floats(0, 300), st.floats(1, 20))
def test_road_falls_with_traffic_and_gap_and_rises_with_bunching(q1, q2, t1, t2, bunching):
    (q1, q2), (t1, t2) = sorted((q1, q2)), sorted((t1, t2))
    assert road_chance(0.9, q1, t1) >= road_chance(0.9, q2, t1)
    assert road_chance(0.9, q2, t1) >= road_chance(0.9, q2, t2)
    assert road_chance(0.9, q1, t1, bunching=bunching) >= road_chance(0.9, q1, t1) - 1e-12


@few
@given(st.floats(0, 10_000), st.floats(0, 1), st.floats(0, 1))
def test_chance_rises_with_the_share_of_tries_at_night_while_the_road_is_closed(q, a, b):
    a, b = sorted((a, b))

    def tries(share):
        return [share / 10 if h in NIGHT else (1 - share) / 14 for h in range(24)]

    less, more = (road_chance(0.9, q, 60.0, closed_hours=NIGHT, activity=tries(s)) for s in (a, b))
    assert less <= more + 1e-12


@few
@given(
    st.floats(0, 10_000),
    st.lists(st.floats(0.01, 5.0), min_size=24, max_size=24),
    st.sets(st.integers(0, 23)),
)
def test_traffic_that_is_removed_never_lowers_the_chance(q, profile, closed):
    plain = road_chance(0.9, q, 60.0, hour_profile=profile)
    shut = road_chance(0.9, q, 60.0, hour_profile=profile, closed_hours=closed, closed_traffic="removed")
    assert shut >= plain - 1e-12
    assert hour_shares(profile).sum() == pytest.approx(1.0)
    if len(closed) < 24:
        assert hour_shares(profile, closed).sum() == pytest.approx(1.0)
    assert all(hour_shares(profile, closed)[h] == 0 for h in closed)


@few
@given(chances(), st.lists(st.floats(0, 20_000), min_size=3, max_size=3))
def test_road_estimate_keeps_the_order(p0, q):
    q = Estimate(*sorted(q))
    result = road_chance(p0, q, Estimate(30, 60, 120, "s"), hour_profile=range(24), bunching=3)
    assert in_order(result)
    assert result.low == pytest.approx(road_chance(p0.low, q.high, 120.0, hour_profile=range(24), bunching=3))


def test_road_on_arrays_and_refusals():
    assert road_chance(1.0, np.array([0.0, 1_000.0]), 60.0).round(2).tolist() == [1.0, 0.5]
    with pytest.raises(OptionError, match=r"\[V05\]"):
        road_chance(0.9, 100, 60, bunching=0.5)
    with pytest.raises(OptionError, match=r"\[V03\].*24 numbers"):
        road_chance(0.9, 100, 60, hour_profile=[1, 2, 3])
    with pytest.raises(OptionError, match=r"\[V04\]"):
        road_chance(0.9, 100, 60, closed_hours=[24])
    with pytest.raises(OptionError, match="did you mean 'moved'"):
        road_chance(0.9, 100, 60, closed_traffic="move")


def test_rail_holds_to_fifty_trains_then_falls():
    assert rail_chance(0.8, 46, 60) == 0.8
    assert rail_chance(0.8, np.nan, 60) == 0.8
    trains = rail_chance(0.8, np.array([0.0, 50.0, 80.0, 200.0, 400.0]), 60.0)
    assert trains[0] == trains[1] == 0.8
    assert (np.diff(trains[1:]) < 0).all()
    assert in_order(rail_chance(Estimate(0.1, 0.5, 0.9), Estimate(40, 60, 200), Estimate(30, 60, 120)))


# --- fences --------------------------------------------------------------------------------------------------------------


def test_published_fence_rankings():
    """T15: a smooth bottom wire at 46 cm works, goat-bars do not; a top at 102 cm is fine, at 110 cm poorer."""
    animal = {"crawls": True}  # pronghorn and gazelle: under the wire
    works = fence_passage(0.46, 1.02, 0.70, bottom="smooth", **animal)
    assert works >= 0.99
    assert fence_passage(0.46, 1.15, 0.70, bottom="goat_bar", **animal) < 0.2 * works
    assert fence_passage(0.20, 1.15, 0.70, bottom="barbed", **animal) == 0
    deer = {"jumps": True}  # shoulder 1 m
    fine, poorer = (fence_passage(0.4, top, 1.0, **deer) for top in (1.02, 1.10))
    assert fine > 0.89
    assert poorer < fine - 0.2
    assert fence_passage(0.4, 1.30, 1.0, **deer) == 0
    assert fence_passage(0.4, 1.5, 1.0, jump_factor=1.5, **deer) == pytest.approx(1.0)


def test_the_rule_as_written():
    """Free from 0.65 h, none below 0.3 h, linear between; barbs halve; snow comes off."""
    h = 0.8

    def under(share, **options):
        return fence_passage(share * h, 1.4, h, **({"bottom": "smooth", "crawls": True} | options))

    assert under(0.29) == 0
    assert under(0.475) == pytest.approx(0.5)
    assert under(0.66) == pytest.approx(1.0)
    assert under(0.475, bottom="barbed") == pytest.approx(0.25)
    assert under(0.66, snow_m=0.185 * h) == pytest.approx(0.5)
    assert under(0.66, snow_m=0.5) == 0
    assert under(0.66, crawls=False) == 0


@few
@given(
    st.floats(0, 1.0), st.floats(0, 1.0), st.floats(0.4, 1.4), st.floats(0, 0.6), st.floats(0, 0.6),
    st.integers(1, 12), st.integers(1, 12), st.sampled_from(["smooth", "barbed", "mesh", "goat_bar"]), st.booleans(),
)  # fmt: skip
def test_fence_passage_is_monotone(b1, b2, h, s1, s2, n1, n2, bottom, jumps):
    (b1, b2), (s1, s2), (n1, n2) = sorted((b1, b2)), sorted((s1, s2)), sorted((n1, n2))

    def p(clearance, snow, strands):
        return fence_passage(
            clearance, 1.2, h, bottom=bottom, snow_m=snow, strands=strands, crawls=True, jumps=jumps
        )

    assert p(b1, s1, n1) <= p(b2, s1, n1) + 1e-12
    assert p(b1, s2, n1) <= p(b1, s1, n1) + 1e-12
    assert p(b1, s1, n2) <= p(b1, s1, n1) + 1e-12
    assert 0 <= p(b1, s1, n1) <= 1


def test_fence_chance_of_designs():
    for name in species_list():
        for design in fence_designs():
            for snow in (0.0, 0.2, Estimate(0.0, 0.1, 0.3, "m")):
                assert in_order(fence_chance(design, species(name), snow))
    gazelle = species("mongolian_gazelle")
    assert fence_chance("wildlife_friendly", gazelle).best == gazelle.crossing["rail_wildlife_friendly"].best
    order = ["tmr_corridor", "stock", "cms_guidance"]
    assert sorted(order, key=lambda d: fence_chance(d, gazelle).best) == order
    assert fence_chance("cms_guidance", gazelle, 0.4).best < fence_chance("cms_guidance", gazelle).best
    for name in ("khulan", "wild_camel", "kiang", "przewalski_horse", "wild_yak"):
        assert fence_chance("cms_guidance", species(name)).high == 0
    with pytest.raises(OptionError, match="did you mean 'stock'"):
        fence_chance("stok", gazelle)
    with pytest.raises(OptionError, match=r"\[V06\]"):
        FenceDesign(1.2, 1.0)


# --- structures ------------------------------------------------------------------------------------------------------------


def test_structures_rank_by_width():
    """T18: small bridges are hardly used, big ones much more."""
    for name in species_list():
        p = species(name)
        small, middle, big = (
            structure_chance(Structure("under", w, 4.0), p).best for w in (6.0, 30.0, 120.0)
        )
        assert small < middle < big
        if p.group != "cat":
            assert big > 3 * small
        assert (
            structure_chance(Structure("over", 60.0), p).best
            > structure_chance(Structure("over", 30.0), p).best
        )


@few
@given(
    st.floats(0.5, 2_000),
    st.floats(0.5, 2_000),
    st.sampled_from(["gap", "under", "over"]),
    st.sampled_from(["khulan", "saiga", "argali", "snow_leopard"]),
)
def test_structure_chance_rises_with_width(a, b, kind, name):
    a, b = sorted((a, b))
    narrow, wide = (structure_chance(Structure(kind, w, 4.0), species(name)) for w in (a, b))
    assert all(x <= y + 1e-12 for x, y in zip(narrow.as_tuple(), wide.as_tuple()))


@few
@given(st.floats(0, 30), st.floats(0, 30), st.sampled_from(["khulan", "chiru"]))
def test_structure_chance_rises_over_the_years(a, b, name):
    a, b = sorted((a, b))
    built = Structure("under", 120.0, 5.0)
    early, late = (structure_chance(built, species(name), y) for y in (a, b))
    assert in_order(early)
    assert all(x <= y + 1e-12 for x, y in zip(early.as_tuple(), late.as_tuple()))
    full = structure_chance(built, species(name))
    assert structure_chance(built, species(name), 0.0).best == pytest.approx(full.best / 3)
    assert structure_chance(built, species(name), 3.0).low == pytest.approx(full.low)
    assert structure_chance(built, species(name), 0.9).high == pytest.approx(full.high * (1 / 3 + 0.6))


def test_learning():
    assert learning_factor(0.0).as_tuple() == pytest.approx((1 / 3, 1 / 3, 1 / 3))
    assert learning_factor(1.5).as_tuple() == pytest.approx((1 / 3 + 1 / 3, 1 / 3 + 0.5, 1.0))


def test_openness_cuts_the_chance_of_underpasses():
    gazelle = species("mongolian_gazelle")
    # 4.2 and more for Tibetan gazelle, kiang and scattered chiru: doi:10.3969/j.issn.1002-0268.2017.09.020
    open_, closed = Structure("under", 12.0, 3.5, 10.0), Structure("under", 12.0, 3.5, 20.0)
    assert (open_.openness_m, closed.openness_m) == pytest.approx((4.2, 2.1))
    assert structure_chance(open_, gazelle).best == gazelle.structures["underpass_12_100m"].best
    assert structure_chance(closed, gazelle).best == pytest.approx(
        gazelle.structures["underpass_12_100m"].best / 2
    )
    deer = species("bukhara_deer")  # asks for less
    assert structure_chance(closed, deer).best == deer.structures["underpass_12_100m"].best
    with pytest.raises(OptionError, match=r"\[V07\]"):
        Structure("under", 0.0)
    with pytest.raises(OptionError, match="structure kind"):
        Structure("tunnel", 5.0)


# --- rows of the barrier layer ------------------------------------------------------------------------------------------------

TMR = {"kind": "railway", "status": "existing", "opened": 1956.0, "fenced": "yes", "fence_class": "rail_barbed_both_sides", "trains_per_day": 46.0}  # fmt: skip
OPEN_RAIL = {"kind": "railway", "fenced": "unknown", "fence_class": None, "trains_per_day": float("nan")}
COAL = {"kind": "road", "vehicles_per_day_low": 1100, "vehicles_per_day": 2200, "vehicles_per_day_high": 4000}


def test_rows_take_the_class_of_the_profile():
    for name in species_list():
        p = species(name)
        assert crossing_estimate(TMR, p) == p.crossing["rail_barbed_both_sides"]
        assert crossing_estimate({**TMR, "fence_class": None}, p) == p.crossing["rail_barbed_both_sides"]
        assert crossing_estimate({**TMR, "fenced": "mostly"}, p) == p.crossing["rail_barbed_both_sides"]
        assert (
            crossing_estimate({**TMR, "fenced": "no"}, p).as_tuple() == p.crossing["rail_unfenced"].as_tuple()
        )
        assert crossing_estimate({"kind": "fence", "fence_class": "border"}, p) == p.crossing["border"]
        assert crossing_estimate({"kind": "fence", "fenced": "unknown"}, p) == p.crossing["stock"]
        assert crossing_estimate({"kind": "fence", "fenced": "no"}, p).low == 1.0
        assert in_order(crossing_estimate(COAL, p))


def test_unknown_fencing_runs_both_ways():
    khulan = species("khulan")
    assert crossing_estimate(OPEN_RAIL, khulan).as_tuple() == (0.1, 0.5, 0.9)
    assert crossing_estimate(OPEN_RAIL, khulan, assume_fenced="yes").as_tuple() == (0.0, 0.0005, 0.01)
    assert crossing_estimate({**OPEN_RAIL, "fenced": None}, khulan).as_tuple() == (0.1, 0.5, 0.9)
    with pytest.raises(OptionError, match="assume_fenced"):
        crossing_estimate(OPEN_RAIL, khulan, assume_fenced="maybe")


def test_road_rows():
    khulan = species("khulan")
    got = crossing_estimate(COAL, khulan)
    assert got.best == pytest.approx(0.9 * math.exp(-2200 * 60 / 86_400))
    assert got.low == pytest.approx(0.6 * math.exp(-4000 * 120 / 86_400))
    shut = crossing_estimate({**COAL, "closed_hours": "20-6"}, khulan)
    assert shut.best > got.best
    assert crossing_estimate(COAL, khulan, treatment="night_closure").best == pytest.approx(shut.best)
    assert crossing_estimate({**COAL, "bunching": 5}, khulan).best > got.best
    profile = ",".join(["0"] * 12 + ["100"] * 12)
    assert crossing_estimate({**COAL, "hour_profile": profile}, khulan).best > got.best
    assert traffic_of({"vehicles_per_day_high": 500.0}).as_tuple() == (500, 500, 500)
    assert traffic_of({"vehicles_per_day_low": 0, "vehicles_per_day_high": 500.0}).as_tuple() == (0, 0, 500)
    with pytest.raises(BarrierError, match=r"(?s)\[V09\].*vehicles_per_day"):
        crossing_estimate({"kind": "road", "id": "R1"}, khulan)


def test_year_and_season_change_the_answer():
    gazelle = species("mongolian_gazelle")
    assert crossing_estimate(TMR, gazelle, year=1955).best == 1.0
    assert crossing_estimate(TMR, gazelle, year=1956).best == 0.01
    assert crossing_estimate({**TMR, "status": "removed", "closed": 2020}, gazelle, year=2021).best == 1.0
    stock = {"kind": "fence", "fence_class": "stock"}
    summer, winter = (crossing_estimate(stock, gazelle, season=s) for s in ("summer", "winter"))
    assert summer == gazelle.crossing["stock"]
    assert winter.best < summer.best
    assert winter.high == summer.high  # a winter without snow
    assert in_order(winter)
    khulan = species("khulan")
    assert crossing_estimate(stock, khulan, season="winter") == khulan.crossing["stock"]
    with pytest.raises(OptionError, match="did you mean 'winter'"):
        crossing_estimate(stock, gazelle, season="wintr")


def test_class_and_typical_design_differ_as_the_rule_file_says():
    """The class counts gates and broken wire, the design is one intact fence; the figures stand in the docs."""
    gazelle, khulan = species("mongolian_gazelle"), species("khulan")
    assert gazelle.crossing["stock"].best == 0.30
    assert fence_chance("stock", gazelle).best == pytest.approx(0.16, abs=0.005)
    assert khulan.crossing["rail_wildlife_friendly"].best == 0.05
    assert fence_chance("wildlife_friendly", khulan).best == 0
    said = "Mongolian gazelle, stock: 0.30 by class, 0.16 by design; khulan, wildlife-friendly: 0.05 by class, 0 by"
    rules = files("permeability") / "data" / "rules" / "fences.toml"
    assert said in rules.read_text(encoding="utf-8")
    for name in species_list():  # wire heights never make a stock fence easier than its class says at most
        p = species(name)
        assert fence_chance("stock", p).best <= p.crossing["stock"].high + 1e-12, name


def test_wire_heights_overrule_the_class():
    gazelle = species("mongolian_gazelle")
    stock = {
        "kind": "fence",
        "fence_class": "stock",
        "bottom_wire_m": 0.5,
        "top_wire_m": 1.1,
        "bottom_wire": "smooth",
    }
    low = {**stock, "bottom_wire_m": 0.15, "bottom_wire": "barbed"}
    assert crossing_estimate(stock, gazelle).best > crossing_estimate(low, gazelle).best
    heights = {"kind": "fence", "wire_heights_m": "0.5 0.7 0.9 1.1", "bottom_wire": "smooth"}
    assert crossing_estimate(heights, gazelle).best >= crossing_estimate(stock, gazelle).best
    rail = {**TMR, **{k: stock[k] for k in ("bottom_wire_m", "top_wire_m", "bottom_wire")}}
    whole = crossing_estimate(rail, gazelle)  # two such fences and the track, costs added
    fence, track = (
        fence_chance(FenceDesign(0.5, 1.1, None, "smooth"), gazelle),
        gazelle.crossing["rail_unfenced"],
    )
    tries = 2 * (1 - fence.best) / fence.best + (1 - track.best) / track.best
    assert whole.best == pytest.approx(1 / (1 + tries))
    assert in_order(whole)


def test_kinds_and_classes_without_a_rule_are_refused():
    khulan = species("khulan")
    with pytest.raises(BarrierError, match=r"(?s)\[V08\].*canal"):
        crossing_estimate({"kind": "canal"}, khulan)
    with pytest.raises(BarrierError, match=r"(?s)\[V08\].*rail_barbed_both_sides"):
        crossing_estimate({"kind": "fence", "fence_class": "tmr"}, khulan)
    with pytest.raises(BarrierError, match=r"(?s)\[T01\].*did you mean 'underpass'"):
        crossing_estimate(TMR, khulan, treatment="underpas")
    with pytest.raises(BarrierError, match=r"\[T04\].*night_closure"):
        crossing_estimate(TMR, khulan, treatment="night_closure")


@pytest.mark.parametrize("name", species_list())
@pytest.mark.parametrize(
    "treatment",
    ["remove", "modify", "replace", "drop_wires", "gap", "gate", "underpass", "bridge", "overpass"],
)
def test_treated_railways_keep_the_order(name, treatment):
    assert in_order(crossing_estimate(TMR, species(name), treatment=treatment))


def test_treatments_help_the_species_they_are_for():
    gazelle, khulan = species("mongolian_gazelle"), species("khulan")
    helped = (
        crossing_estimate(TMR, gazelle, treatment="drop_wires").best / crossing_estimate(TMR, gazelle).best
    )
    assert 2 < helped < 10  # the wires are out over 5 m each kilometre only
    for treatment in ("remove", "modify", "gap", "bridge", "overpass"):
        assert (
            crossing_estimate(TMR, gazelle, treatment=treatment).best
            > 10 * crossing_estimate(TMR, gazelle).best
        )
    assert crossing_estimate(TMR, khulan, treatment="drop_wires").best < ABSOLUTE_P
    assert crossing_estimate(TMR, khulan, treatment="gap").best == 0.3
    assert crossing_estimate({"kind": "fence"}, khulan, treatment="remove").best == 1.0


class Part:
    def __init__(self, name, chance, key="k"):
        self.name, self.chance, self.key, self.is_fence = name, chance, key, name.startswith("fence")


class Step:
    def __init__(self, treatment, components=None, chance=None, width_m=None, **options):
        self.treatment, self.components, self.chance, self.width_m, self.options = (
            treatment,
            components,
            chance,
            width_m,
            options,
        )


def railway_parts(profile):
    track = crossing_estimate({**TMR, "fenced": "no"}, profile)
    fence = split_fenced_railway(crossing_estimate(TMR, profile), track)
    return [Part("fence left", fence), Part("track", track), Part("fence right", fence)]


def test_treated_components_add_up_to_the_treated_whole():
    gazelle = species("mongolian_gazelle")
    parts = railway_parts(gazelle)
    for treatment in ("remove", "modify", "drop_wires"):
        new = treated_chances(Step(treatment), TMR, parts, gazelle)
        assert sorted(new) == [0, 2]
        costs = [crossing_cost_m(new[i][0].best if i in new else parts[i].chance.best, 1.0) for i in range(3)]
        whole = crossing_estimate(TMR, gazelle, treatment=treatment).best
        assert sum(costs) == pytest.approx(crossing_cost_m(whole, 1.0))
    chance, key = treated_chances(Step("gap", width_m=200.0), TMR, parts, gazelle)[-1]
    assert key == "structures.gap_50_500m"
    narrow, wide = gazelle.structures["gap_50_500m"], gazelle.structures["gap_500m"]
    share = np.log(200 / 50) / np.log(500 / 50)  # of the way from the one class to the other
    assert chance.best == pytest.approx(narrow.best + share * (wide.best - narrow.best))
    fresh = treated_chances(Step("overpass", years_open=0), TMR, parts, gazelle)[-1][0]
    assert fresh.best == pytest.approx(gazelle.structures["overpass_50m"].best / 3)


def test_treated_components_chosen_and_refused():
    gazelle = species("mongolian_gazelle")
    parts = railway_parts(gazelle)
    one = treated_chances(Step("remove", ("fence left",)), TMR, parts, gazelle)
    assert list(one) == [0]
    own = Estimate(0.2, 0.3, 0.4)
    assert treated_chances(Step("gap", chance=own), TMR, parts, None) == {-1: (own, "treatment.gap")}
    assert list(treated_chances(Step(None, chance=own), TMR, parts, None)) == [0, 2]
    road = [Part("road", crossing_estimate(COAL, gazelle), "road")]
    closed = treated_chances(Step("night_closure", closed_hours="0-24"), COAL, road, gazelle)[0][0]
    assert closed.best == pytest.approx(gazelle.road_p0.best)
    fewer = treated_chances(Step("night_closure", vehicles_per_day=400), COAL, road, gazelle)[0][0]
    less = {k: v / 5.5 for k, v in COAL.items() if k != "kind"} | {
        "kind": "road"
    }  # 2,200 / 400: the range goes along
    assert fewer.as_tuple() == pytest.approx(
        crossing_estimate(less, gazelle, treatment="night_closure").as_tuple()
    )
    assert fewer.best > treated_chances(Step("night_closure"), COAL, road, gazelle)[0][0].best
    for step, code in ((Step("gap", ("fence middle",)), "T05"), (Step(None), "T06"), (Step("gapp"), "T01")):
        with pytest.raises(BarrierError, match=code):
            treated_chances(step, TMR, parts, gazelle)


def test_turning_back_between_two_lines_costs_what_the_docs_say():
    """The sum is the bound for animals that never turn back; with even odds of either line it is dearer."""
    rng = np.random.default_rng(5)

    def failed(p1: float, p2: float, back: float, animals: int = 20_000) -> float:
        place = np.zeros(animals, int)  # 0 outside, 1 between the lines, 2 across
        count = np.zeros(animals)
        while (place < 2).any():
            at_first = (place == 0) | ((place == 1) & (rng.random(animals) < back))
            through = rng.random(animals) < np.where(at_first, p1, p2)
            under_way = place < 2
            count[under_way & ~through] += 1
            step = np.where(at_first & (place == 1), -1, 1)
            place = np.where(under_way & through, place + step, place)
        return float(count.mean())

    for p1, p2 in ((0.1, 0.1), (0.5, 0.1), (0.3, 0.6)):
        both = (1 - p1) / p1 + (1 - p2) / p2
        assert series_cost_m(crossing_cost_m(p1, 1.0), crossing_cost_m(p2, 1.0)) == pytest.approx(both)
        assert failed(p1, p2, 0.0) == pytest.approx(both, rel=0.05)
        assert failed(p1, p2, 0.5) == pytest.approx(both + 2 * (1 - p1) / p2, rel=0.05)
