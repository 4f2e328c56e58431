"""The networks of the board: any set as exact as the ranking has it, at best values and in two of its draws."""

from __future__ import annotations

import numpy as np
import pytest
from board_case import rankings

from permeability.planning.joint_gains import CircuitGains, exclusive_pairs
from permeability.planning.set_networks import set_networks


@pytest.fixture(scope="module")
def ranking():
    return rankings(draws=8, species_ids=("khulan",))["khulan"]


@pytest.fixture(scope="module")
def networks(ranking):
    return set_networks(ranking, tolerance=1e-6)


def members(ranking, seed):
    rng, never = np.random.default_rng(seed), [set(p) for p in exclusive_pairs(ranking.sites)]
    chosen: list[int] = []
    for k in rng.permutation(len(ranking.sites))[: rng.integers(0, 12)].tolist():
        if not any({k, j} in never for j in chosen):
            chosen.append(k)
    return sorted(chosen)


@pytest.mark.parametrize("seed", range(12))
def test_sets_are_those_of_the_landscape(ranking, networks, seed):
    chosen = members(ranking, seed)
    steps = [i for k in chosen for i in ranking.sites[k].interventions]
    best, exact = networks["best"], CircuitGains(ranking, exclusive_pairs(ranking.sites))
    gain = best.mean_conductance(chosen) - best.mean_conductance([])
    assert gain == pytest.approx(exact(chosen), rel=2e-6, abs=1e-12)
    after = ranking.engine.pieces_after(steps)
    assert best.pieces.cut_off_km2(chosen) == pytest.approx(after["range_cut_off_km2"])
    assert best.pieces.pairs_apart(chosen) == after["pairs_apart"]


@pytest.mark.parametrize("level", ["low", "high"])
def test_a_draw_is_the_draw_of_the_ranking(ranking, networks, level):
    mine, drawn = networks[level], ranking.draws
    today = mine.mean_conductance([])
    assert today == pytest.approx(drawn.today["mean_conductance"][mine.draw], rel=1e-9)
    assert mine.pieces.cut_off_km2([]) == pytest.approx(drawn.today["range_cut_off_km2"][mine.draw])
    for k in range(len(ranking.sites)):
        assert mine.mean_conductance([k]) - today == pytest.approx(
            drawn.gains[mine.draw, k], rel=2e-6, abs=1e-12
        )
        cut = (
            drawn.today["range_cut_off_km2"][mine.draw] - drawn.index_gains["range_cut_off_km2"][mine.draw, k]
        )
        assert mine.pieces.cut_off_km2([k]) == pytest.approx(cut)
        apart = drawn.today["pairs_apart"][mine.draw] - drawn.index_gains["pairs_apart"][mine.draw, k]
        assert mine.pieces.pairs_apart([k]) == apart


def test_low_and_high_are_the_ends_of_the_mean_gain(ranking, networks):
    mean = ranking.draws.gains.mean(axis=1)
    assert (
        mean[networks["low"].draw]
        <= np.quantile(mean, 0.2)
        < np.quantile(mean, 0.8)
        <= mean[networks["high"].draw]
    )
