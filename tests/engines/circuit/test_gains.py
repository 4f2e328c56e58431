"""Exact gains: singles, sets and greedy choices equal a fresh dense solve of the edited graph."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from gains import draw_gains, greedy, single_gains
from hypothesis import given, settings
from hypothesis import strategies as st
from random_barriers import fresh_resistances, random_case, same, series

from permeability.core.errors import BarrierError, PatchError
from permeability.engines.circuit.interface import halving
from permeability.engines.circuit.interface.candidates import Candidates
from permeability.engines.circuit.interface.holding import held_apart
from permeability.engines.circuit.interface.interface import Interface
from permeability.engines.circuit.interface.set_value import SetValue, meeting
from permeability.engines.kernels.edges import GridLinks, grid_links


@pytest.mark.oracle
@pytest.mark.parametrize("block", range(4))
def test_singles_sets_and_today_on_200_landscapes(block):
    complete = 0
    for seed in range(50 * block, 50 * block + 50):
        case = random_case(seed)
        rng = np.random.default_rng(seed + 10_000)
        face = case.interface()
        n = len(case.crossing)
        today = fresh_resistances(case, series(case, {}))
        complete += np.isinf(today).any()
        same(face.resistances(), today)
        same(face.today.resistances, today)
        after = rng.choice([0.0, 0.5, 30.0], n)
        share = rng.choice([1.0, 0.3], n)
        cands = face.candidates([[s] for s in range(n)], after=after, share=share)
        singles = face.single_resistances(cands)
        for k in rng.choice(n, 3, replace=False):
            same(singles[k], fresh_resistances(case, series(case, {int(k): (share[k], after[k])})))
        for size in (2, min(5, n)):
            chosen = rng.choice(n, size, replace=False)
            treated = {int(s): (share[s], after[s]) for s in chosen}
            same(face.set_resistances(cands, chosen), fresh_resistances(case, series(case, treated)))
    assert complete >= 5  # the sample does hold landscapes that are cut in two


@pytest.mark.parametrize("worth", [1, 3])
def test_one_side_first_and_halving_to_the_end_change_nothing(worth, monkeypatch):
    """The order of elimination that only large interfaces use, forced on small ones."""
    monkeypatch.setattr(halving, "WORTH_A_PART", worth)
    monkeypatch.setattr(halving, "LEAF_NODES", 0)
    for seed in range(10):
        case = random_case(seed)
        face, n = case.interface(), len(case.crossing)
        groups = [[s, (s + 1) % n] for s in range(0, n, worth)]
        singles = face.single_resistances(face.candidates(groups))
        for k, group in enumerate(groups):
            same(singles[k], fresh_resistances(case, series(case, {int(s): (1.0, 0.0) for s in group})))


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6))
def test_closing_sections_and_other_crossing_costs(seed):
    case = random_case(seed)
    rng = np.random.default_rng(seed)
    face = case.interface()
    n = len(case.crossing)
    closed = face.candidates([[s] for s in range(n)], after=np.inf)
    chosen = rng.choice(n, 3, replace=False)
    treated = {int(s): (1.0, np.inf) for s in chosen}
    same(face.set_resistances(closed, chosen), fresh_resistances(case, series(case, treated)))
    drawn = case.crossing * 10 ** rng.uniform(-1, 1, n)
    other = case._replace(crossing=drawn)
    same(face.resistances(drawn), fresh_resistances(other, series(other, {})))
    opened = face.candidates([[s] for s in range(n)])
    k = int(rng.integers(n))
    same(face.single_resistances(opened, drawn)[k], fresh_resistances(other, series(other, {k: (1.0, 0.0)})))


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6))
def test_draws_are_single_runs_whatever_the_threads(seed):
    case = random_case(seed)
    face = case.interface()
    n = len(case.crossing)
    cands = face.candidates([[s, (s + 1) % n] for s in range(n)])
    costs = case.crossing * np.random.default_rng(seed).uniform(0.5, 2, (3, n))
    gains, today = draw_gains(face, cands, costs, index="conductance")
    with ThreadPoolExecutor(2) as threads:
        prepared = face.singles(cands)
        again = threads.map(lambda c: face.singles_and_today(cands, c, prepared=prepared), costs)
        for d, (opened, level) in enumerate(again):
            assert np.array_equal(gains[d], face.gain(level, opened, "conductance"))
    for d in range(3):
        one = single_gains(face, cands, costs[d], index="conductance")
        np.testing.assert_allclose(gains[d], one, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(today[d], face.index(face.resistances(costs[d]), "conductance"), rtol=1e-9)
    drawn_after = np.full((3, n), 2.0)
    gains, _ = draw_gains(face, cands, costs, after=drawn_after, index="conductance")
    fixed, _ = draw_gains(
        face, face.candidates([[s, (s + 1) % n] for s in range(n)], after=2.0), costs, index="conductance"
    )
    assert np.array_equal(gains, fixed)


@pytest.mark.parametrize("index", ["resistance", "conductance"])
def test_greedy_takes_the_best_next_candidate(index):
    """Every step is the best of all steps, judged by fresh solves; also when the first step joins two halves."""
    done = 0
    for seed in range(12):
        case = random_case(seed)
        face = case.interface()
        n = len(case.crossing)
        cands = face.candidates([[s] for s in range(n)])
        if index == "resistance" and np.isinf(fresh_resistances(case, series(case, {}))).any():
            with pytest.raises(PatchError, match="P24"):
                SetValue(face, cands, index)
            continue

        def value(sections, case=case, face=face):
            opened = fresh_resistances(case, series(case, {int(s): (1.0, 0.0) for s in sections}))
            r = opened[np.triu_indices(4, 1)]
            return -r.sum() if index == "resistance" else (1 / r).sum()

        chosen: list[int] = []
        for k, gain in greedy(face, cands, 3, index=index):
            best = max(value([*chosen, s]) for s in range(n) if s not in chosen)
            chosen.append(k)
            assert value(chosen) == pytest.approx(best, rel=1e-8)
            assert gain == pytest.approx(value(chosen) - value([]), rel=1e-7, abs=1e-9)
            done += 1
    assert done > 8


@pytest.mark.parametrize("seed", range(6))
def test_what_patches_see_of_a_state_needs_no_inverse(seed):
    """The few columns are those of the whole generalised inverse, also where barriers part the network."""
    face, rng = random_case(seed).interface(), np.random.default_rng(seed)
    state = face.edge_conductances(face.cut_resistances()) * rng.uniform(0.5, 2.0, len(face.base))
    state[rng.random(len(state)) < 0.3 * (seed % 3)] = 0.0
    whole, few = face.state_at(state), face.seen_from_patches(state)
    same(few.resistances, whole.resistances)
    assert np.array_equal(few.part_a, whole.part_a)
    assert np.array_equal(few.part_focal, whole.part_focal)
    for i, j in zip(*np.triu_indices(len(face.focal), 1)):
        if whole.part_focal[i] == whole.part_focal[j]:
            here = whole.part_a == whole.part_focal[i]  # elsewhere no current flows between the two
            both = [s.seen_from(np.array([i]))[:, 0] - s.seen_from(np.array([j]))[:, 0] for s in (few, whole)]
            np.testing.assert_allclose(both[0][here], both[1][here], rtol=1e-8, atol=1e-10)


def test_series_trap_two_fences_beside_one_railway():
    """Two fences of 1000 in series with a bypass of 50: each alone is worth little, both are worth nearly all.

    Closed form: R = 1 / (1/50 + 1/(1 + C1 + C2 + 1)) for a wire of two plain edges, cut twice, beside the bypass.
    """
    surface = np.full((3, 4), np.nan)
    surface[0] = 1.0  # the wire: three edges of resistance 1, fences on the first and the last
    surface[2, :] = 1.0
    surface[1, 0] = surface[1, 3] = 1.0
    links = grid_links(surface, neighbours=4)
    planes = [p.copy() for p in links]
    planes[1][planes[1] > 0] = 1 / 25  # four links down the sides, 25 each: bypass = 100 + 3
    links = GridLinks(*planes)
    face = Interface.build(
        links,
        edges=([0, 2], [0, 0]),
        cuts=([0, 1], [0, 1], [1.0, 1.0]),
        crossing=[1000.0, 1000.0],
        patches=[0, 3],
    )
    cands = face.candidates([[0], [1], [0, 1]])

    def wire(fences):
        return 1 / (1 / (3 + fences) + 1 / 103)

    gains = single_gains(face, cands)
    np.testing.assert_allclose(gains, [wire(2000) - wire(1000)] * 2 + [wire(2000) - wire(0)], rtol=1e-10)
    assert gains[2] > 8 * (gains[0] + gains[1])
    assert greedy(face, cands.subset([0, 1]), 1)[0][1] < 0.1 * gains[2]
    assert greedy(face, cands, 1)[0][0] == 2


def test_parallel_trap_two_gaps_in_one_fence():
    """One fence over two edges: the first gap gives nearly everything, the second hardly anything."""
    surface = np.ones((2, 2))
    links = grid_links(surface, neighbours=4)
    planes = [p.copy() for p in links]
    planes[1][0] = 1e9  # both cells of a side are one place
    face = Interface.build(
        GridLinks(*planes), edges=([0, 2], [0, 0]), cuts=([0, 1], [0, 1], [1.0, 1.0]),
        crossing=[1000.0, 1000.0], patches=[0, 1],
    )  # fmt: skip
    cands = face.candidates([[0], [1]])
    first, second = (gain for _, gain in greedy(face, cands, 2))
    parallel = 1 / (1 / 1001 + 1 / 1001)
    assert first == pytest.approx(parallel - 1 / (1 + 1 / 1001), rel=1e-6)
    assert second == pytest.approx(parallel - 0.5, rel=1e-6)
    assert second - first < 0.002 * first


def test_bypassed_voltage_drop_and_cut_off_pairs():
    case = random_case(3)
    face = case.interface()
    drops = face.drops()
    assert drops.shape == (6, len(case.edges))
    state = face.today
    current = np.nansum(np.abs(drops) * state.conductance, axis=1)
    assert (current >= 0).all()
    # dR/dg of an edge is minus its squared drop (unit current)
    finite = np.flatnonzero(np.isfinite(drops[0]) & (state.conductance > 0))
    e = finite[np.argmax(np.abs(drops[0][finite]))]
    step = 1e-6 * state.conductance[e]
    i, j = np.argwhere(np.triu(face.weights, 1))[0]
    slope = (state.opened(np.array([e]), np.array([step]))[i, j] - state.resistances[i, j]) / step
    assert slope == pytest.approx(-(drops[0][e] ** 2), rel=1e-3)


def test_refusals():
    links = grid_links(np.ones((3, 4)))
    with pytest.raises(BarrierError, match="B31"):
        Interface.build(links, edges=([0, 0], [0, 0]), cuts=([0], [0], [1.0]), crossing=[1.0], patches=[0, 3])
    with pytest.raises(BarrierError, match="B31"):
        Interface.build(links, edges=([3], [0]), cuts=([0], [0], [1.0]), crossing=[1.0], patches=[0, 3])
    with pytest.raises(PatchError, match="P22"):
        Interface.build(links, edges=([0], [0]), cuts=([0], [0], [1.0]), crossing=[1.0], patches=[3, 3])
    with pytest.raises(PatchError, match="P23"):
        Interface.build(links, edges=([0], [0]), cuts=([0], [0], [1.0]), crossing=[1.0], patches=[3])


def test_an_index_that_does_not_move_says_which_barriers_hold_it():
    """Two complete lines one behind the other: opening any section of one moves nothing."""
    rows, cols = 7, 6
    links = grid_links(np.ones((rows, cols)))
    edges, cuts = [], []
    for line, r in enumerate((1, 4)):
        for c in range(cols):
            for k, d in ((1, 0), (2, 1), (3, -1)):
                if 0 <= c + d < cols:
                    cuts.append((len(edges), 3 * line + c // 2))
                    edges.append((r * cols + c, k))
    edges, cuts = np.array(edges), np.array(cuts)
    face = Interface.build(
        links, edges=(edges[:, 0], edges[:, 1]), cuts=(cuts[:, 0], cuts[:, 1], np.ones(len(cuts))),
        crossing=np.full(6, np.inf), patches=[0, 20, 41],
    )  # fmt: skip
    cands = face.candidates([[s] for s in range(6)])
    first = single_gains(face, cands.subset([0, 1, 2]), index="conductance")
    assert (first > 0).all()  # joins the middle patch
    held = {(h.first, h.second): h for h in held_apart(face)}
    assert len(held[0, 2].sections) == 2
    assert held[0, 2].alternatives == ((0, 1, 2), (3, 4, 5))
    assert held[0, 1].alternatives == ((0, 1, 2),)
    after = held_apart(face, cands, [1])
    assert [(h.first, h.second) for h in after] == [(0, 2), (1, 2)]
    assert held_apart(face, cands, [1, 4]) == []


def test_cuts_without_an_edge_or_a_section_are_refused():
    links = grid_links(np.ones((3, 4)))
    for edge, section in ((1, 0), (0, 1)):
        with pytest.raises(BarrierError, match=r"B31.*do not exist"):
            Interface.build(
                links, edges=([0], [0]), cuts=([edge], [section], [1.0]), crossing=[1.0], patches=[0, 3]
            )


def test_without_candidates_today_is_all_there_is():
    case = random_case(2)
    face = case.interface()
    after, today = face.singles_and_today(face.candidates([]))
    assert after.shape == (0, *today.shape)
    same(today, fresh_resistances(case, series(case, {})))


def test_numbers_do_not_hang_on_whether_they_are_checked():
    case = random_case(4)
    face = case.interface()
    bare = replace(face, agreement=None)
    cands = face.candidates([[s] for s in range(len(case.crossing))])
    for one, other in zip(face.singles_and_today(cands), bare.singles_and_today(cands)):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(face.set_resistances(cands, [0, 2]), bare.set_resistances(cands, [0, 2]))
    same(bare.set_resistances(cands, [0]), fresh_resistances(case, series(case, {0: (1.0, 0.0)})))


def test_where_no_barrier_parts_a_pair_none_is_named():
    """Two patches on either side of water, and a complete fence on one shore."""
    ground = np.ones((3, 7))
    ground[:, 4] = np.nan
    face = Interface.build(
        grid_links(ground, neighbours=4), edges=([1, 8, 15], [0, 0, 0]), cuts=([0, 1, 2], [0, 0, 0], np.ones(3)),
        crossing=[np.inf], patches=[7, 10, 13],
    )  # fmt: skip
    held = {(h.first, h.second): h for h in held_apart(face)}
    assert held[0, 1].sections == (0,)
    assert held[0, 2].sections == held[1, 2].sections == ()
    assert held[0, 2].alternatives == held[1, 2].alternatives == ()


def test_a_candidate_meets_others_and_not_itself():
    twice = Candidates(np.array([0, 2, 3, 4]), np.array([4, 4, 4, 9]), np.ones(4), np.zeros(4))
    assert meeting(twice) == {0: {1}, 1: {0}}
    alone = Candidates(np.array([0, 2]), np.array([4, 4]), np.ones(2), np.zeros(2))
    assert meeting(alone) == {}
