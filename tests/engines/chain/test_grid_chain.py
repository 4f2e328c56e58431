"""Reversible chains: circuits with leaks against dense algebra, closed forms, and simulated walks."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from permeability.engines.chain import grid_chain
from permeability.engines.chain.grid_chain import GridChain, degree, eliminated, reach_chances
from permeability.engines.circuit import grid_links
from permeability.engines.circuit.solvers.grid_system import link_list

SOLVERS = ("splu", "multigrid", "condensation")


def dense(chain: GridChain) -> np.ndarray:
    """``L + h`` as a matrix."""
    a, b, g = link_list(chain.links)
    n = chain.leak.size
    m = np.diag(chain.leak.ravel()).astype(float)
    for i, j, w in zip(a, b, g):
        m[i, i] += w
        m[j, j] += w
        m[i, j] -= w
        m[j, i] -= w
    assert m.shape == (n, n)
    return m


@pytest.fixture(scope="module")
def chain() -> GridChain:
    rng = np.random.default_rng(7)
    resistance = rng.uniform(1, 5, (7, 9))
    resistance[3, 2:5] = np.nan
    links = grid_links(resistance)
    leak = np.where(np.isfinite(resistance), rng.uniform(0.001, 0.05, resistance.shape), 0.0)
    return GridChain(links, degree(links) + leak, leak, rtol=1e-13)


@pytest.mark.parametrize("solver", SOLVERS)
def test_chain_against_dense_algebra(chain: GridChain, solver: str) -> None:
    chain = replace(chain, solver=solver)
    live = (chain.outflow > 0).ravel()
    m = dense(chain)[np.ix_(live, live)]
    z = np.linalg.inv(m) * chain.outflow.ravel()[live]
    start = np.zeros(chain.shape)
    start[1, 1] = 1.0
    at = np.flatnonzero(live).tolist().index(10)
    np.testing.assert_allclose(chain.visits(start).ravel()[live], z[at], rtol=1e-9)
    np.testing.assert_allclose(chain.time_to_end().ravel()[live], z.sum(axis=1), rtol=1e-9)
    np.testing.assert_allclose(chain.fundamental([10]).ravel()[live], z[:, at], rtol=1e-9)
    assert chain.ended(start).sum() == pytest.approx(1.0)
    goal = np.zeros(chain.shape, bool)
    goal[5, 6] = True
    to = np.flatnonzero(live).tolist().index(5 * 9 + 6)
    np.testing.assert_allclose(chain.reaches(goal).chance.ravel()[live], z[:, to] / z[to, to], rtol=1e-9)


def test_steps_add_up_to_visits(chain: GridChain) -> None:
    start = np.zeros(chain.shape)
    start[0, 0] = 1.0
    np.testing.assert_allclose(chain.visits_within(start, 6000), chain.visits(start), rtol=1e-7)
    a = chain.after(start, 5)
    q = np.eye(63) - dense(chain) / np.where(chain.outflow > 0, chain.outflow, 1.0).ravel()[:, None]
    np.testing.assert_allclose(
        a.ravel(), start.ravel() @ np.linalg.matrix_power(q, 5), rtol=1e-11, atol=1e-15
    )


def row(n: int, leak: float) -> tuple[GridChain, float]:
    """A row of cells that all leak, and the chance to get from its first to its last, in closed form."""
    links = grid_links(np.ones((1, n + 1)))
    h = np.full((1, n + 1), leak)
    mu = 2 * np.arcsinh(np.sqrt(leak) / 2)
    with np.errstate(over="raise"):
        log = np.log(np.cosh(mu / 2)) - (mu * (n + 0.5) + np.log1p(np.exp(-2 * mu * (n + 0.5))) - np.log(2))
    return GridChain(links, degree(links) + h, h), float(log)


@pytest.mark.parametrize(("n", "leak"), [(50, 0.01), (100, 30.0), (120, 300.0)])
def test_tiny_chances_are_right_to_the_last_digits(n: int, leak: float) -> None:
    chain, log = row(n, leak)
    regions = np.zeros((1, n + 1), np.int64)
    regions[0, 0], regions[0, -1] = 1, 2
    found = replace(chain, regions=regions).region_chances()
    expected = log  # 1e-2, 1e-149, 1e-297
    assert np.log(found[0, 1]) == pytest.approx(expected, rel=1e-13, abs=1e-12)
    assert found[1, 0] == pytest.approx(found[0, 1], rel=1e-12)


def test_multigrid_says_when_it_is_below_its_floor_and_hands_over() -> None:
    chain, log = row(100, 30.0)
    chain = replace(chain, solver="multigrid")
    goal = np.zeros(chain.shape, bool)
    goal[0, -1] = True
    first = np.zeros(chain.shape, bool)
    first[0, 0] = True
    found = chain.reaches(goal, at=first)
    assert found.handed_over
    assert found.solver == "condensation"
    assert found.floor == 0.0
    assert np.log(found.chance[0, 0]) == pytest.approx(log, rel=1e-12)
    near = np.zeros(chain.shape, bool)
    near[0, -2] = True
    stays = chain.reaches(goal, at=near)
    assert not stays.handed_over
    assert stays.solver == "multigrid"
    assert stays.chance[0, -2] > 0
    assert stays.floor < 1e-8


def test_regions_are_places_in_which_nothing_is_lost() -> None:
    rng = np.random.default_rng(3)
    links = grid_links(rng.uniform(1, 4, (6, 8)))
    regions = np.zeros((6, 8), np.int64)
    regions[:2, :2], regions[4:, 6:], regions[0, 5:7] = 1, 2, 3
    leak = np.where(regions > 0, 0.0, 0.02)
    chain = GridChain(links, degree(links) + leak, leak, regions=regions, rtol=1e-13)
    found = chain.region_chances()
    for j in (1, 2, 3):
        field = chain.reaches(regions == j).chance
        for i in (1, 2, 3):
            np.testing.assert_allclose(field[regions == i], found[i - 1, j - 1], rtol=1e-9)


def test_chances_of_small_networks() -> None:
    rng = np.random.default_rng(0)
    for n in (2, 3, 5, 9):
        g = rng.random((n, n)) * (rng.random((n, n)) < 0.7)
        g = g + g.T
        np.fill_diagonal(g, 0.0)
        leak = rng.random(n) * 0.1 + 1e-3
        inverse = np.linalg.inv(np.diag(g.sum(axis=1) + leak) - g)
        np.testing.assert_allclose(reach_chances(g, leak), inverse / np.diag(inverse), rtol=1e-11, atol=1e-15)
    assert reach_chances(np.zeros((2, 2)), np.zeros(2)).tolist() == [[1.0, 0.0], [0.0, 1.0]]
    whole, rest = eliminated(g, leak, np.arange(n))
    np.testing.assert_allclose(whole, g)
    np.testing.assert_allclose(rest, leak)


def test_chances_against_walks_that_are_simulated() -> None:
    """20,000 walkers on a grid; every chance within four standard errors."""
    rng = np.random.default_rng(5)
    resistance = rng.uniform(1, 3, (5, 6))
    links = grid_links(resistance, neighbours=4)
    leak = np.full((5, 6), 0.05)
    chain = GridChain(links, degree(links) + leak, leak)
    goal = np.zeros((5, 6), bool)
    goal[4, 5] = True
    chance = chain.reaches(goal).chance[0, 0]
    p = np.eye(30) - dense(chain) / chain.outflow.ravel()[:, None]
    table = np.cumsum(np.column_stack([p, chain.leak.ravel() / chain.outflow.ravel()]), axis=1)
    at = np.zeros(20_000, np.int64)
    arrived = np.zeros(len(at), bool)
    walking = np.arange(len(at))
    while len(walking):
        u = rng.random(len(walking))
        at[walking] = np.minimum((table[at[walking]] < u[:, None]).sum(axis=1), 30)
        arrived[walking[at[walking] == 29]] = True
        walking = walking[(at[walking] != 29) & (at[walking] != 30)]
    se = np.sqrt(chance * (1 - chance) / len(at))
    assert abs(arrived.mean() - chance) < 4 * se


def test_regions_are_named_in_order(chain: GridChain) -> None:
    assert chain.labels.tolist() == []
    regions = np.zeros(chain.shape, np.int64)
    regions[0, 0], regions[1, 5:7], regions[6, 8], regions[2, 2] = 7, 2, 4, -1
    assert replace(chain, regions=regions).labels.tolist() == [2, 4, 7]


def test_without_the_memory_for_condensation_the_floor_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A chance below what multigrid can tell is then handed out as it is, with the error that it may have."""
    chain = replace(row(100, 30.0)[0], solver="multigrid")
    goal, first = np.zeros((2, *chain.shape), bool)
    goal[0, -1] = first[0, 0] = True
    assert chain.reaches(goal, at=first).handed_over
    monkeypatch.setattr(grid_chain, "memory", SimpleNamespace(available=lambda: 0))
    found = chain.reaches(goal, at=first)
    assert not found.handed_over
    assert found.solver == "multigrid"
    assert found.chance[0, 0] <= found.floor


def test_a_goal_that_nobody_gets_to_leaves_no_error(chain: GridChain) -> None:
    ground = np.ones((5, 9))
    ground[:, 4] = np.nan
    links = grid_links(ground)
    leak = np.where(np.isfinite(ground), 0.01, 0.0)
    goal = np.zeros((5, 9), bool)
    goal[:, 5:] = True
    found = GridChain(links, degree(links) + leak, leak, solver="multigrid").reaches(goal)
    assert found.floor == 0.0
    assert not found.chance[~goal].any()
    assert (found.chance[goal] == 1.0).all()


def test_nodes_without_any_link_are_reached_by_nobody() -> None:
    assert reach_chances(np.zeros((1, 1)), np.ones(1)).tolist() == [[1.0]]
    rng = np.random.default_rng(2)
    g = np.zeros((6, 6))
    g[:4, :4] = np.triu(rng.random((4, 4)), 1)
    g += g.T
    leak = np.r_[rng.random(4), 0.0, 0.0]
    found = reach_chances(g, leak)
    np.testing.assert_allclose(found[:4, :4], reach_chances(g[:4, :4], leak[:4]), rtol=1e-12)
    np.testing.assert_array_equal(found[4:, 4:], np.eye(2))
    assert not found[:4, 4:].any()
    assert not found[4:, :4].any()
