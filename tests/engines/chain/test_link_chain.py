"""Directed chains against what can be worked out on paper, and against walks that are simulated."""

from __future__ import annotations

import numpy as np
import pytest

from permeability.core.errors import MemoryLimitError, OptionError, ResistanceError
from permeability.engines.chain import (
    LinkChain,
    PathChain,
    conscape_grid,
    conscape_paths,
    link_chain,
    samc_links,
)
from permeability.engines.chain.conventions import coarse_targets
from permeability.engines.chain.path_chain import largest_part


def ruin(n: int, up: float) -> LinkChain:
    """Gambler with 1 .. n - 1, who stops at 0 or n."""
    step = np.diag(np.full(n - 2, up), 1) + np.diag(np.full(n - 2, 1 - up), -1)
    ends = np.zeros(n - 1)
    ends[0], ends[-1] = 1 - up, up
    return LinkChain(step, ends)


@pytest.mark.parametrize("up", [0.5, 0.4])
def test_the_gamblers_ruin(up: float) -> None:
    n = 12
    chain, k = ruin(n, up), np.arange(1, n)
    if up == 0.5:
        rich, length = k / n, k * (n - k)
    else:
        q = (1 - up) / up
        rich = (1 - q**k) / (1 - q**n)
        length = k / (1 - 2 * up) - n / (1 - 2 * up) * (1 - q**k) / (1 - q**n)
    np.testing.assert_allclose(chain.visits() @ np.where(k == n - 1, up, 0.0), rich, rtol=1e-12)
    np.testing.assert_allclose(chain.time_to_end(), length, rtol=1e-11)


def test_what_is_asked_of_a_chain_holds_together() -> None:
    rng = np.random.default_rng(4)
    raw = rng.random((9, 9)) * (rng.random((9, 9)) < 0.6)
    ends = rng.uniform(0.01, 0.2, 9)
    chain = LinkChain(raw / raw.sum(axis=1, keepdims=True) * (1 - ends)[:, None], ends)
    start = np.eye(9)[2]
    f = np.linalg.inv(np.eye(9) - chain.step.toarray())
    np.testing.assert_allclose(chain.visits(), f, rtol=1e-12)
    assert chain.ended(start).sum() == pytest.approx(1.0)
    np.testing.assert_allclose(chain.after(start, 3), start @ np.linalg.matrix_power(chain.step.toarray(), 3))
    np.testing.assert_allclose(chain.visits_within(start, 4000), chain.visits(start), rtol=1e-9)
    np.testing.assert_allclose(chain.reaches(5), (f[:, 5] - np.eye(9)[5]) / f[5, 5], rtol=1e-12)
    # conditional time: the derivative of the generating function of arrivals
    other = np.arange(9) != 5
    hop = chain.step.toarray() * other[:, None] * other[None]
    arrived = [chain.step.toarray()[:, 5] * other]
    while arrived[-1].max() > 1e-14:
        arrived.append(hop @ arrived[-1])
    np.testing.assert_allclose(chain.reaches(5, 7)[other], np.sum(arrived[:7], axis=0)[other], rtol=1e-12)
    first = np.arange(1, len(arrived) + 1)
    with np.errstate(invalid="ignore"):
        mean = first @ np.array(arrived) / np.sum(arrived, axis=0)
    np.testing.assert_allclose(chain.time_when_reached(5)[other], mean[other], rtol=1e-8)


def test_bent_walks_run_from_the_random_walk_to_the_cheapest_path() -> None:
    rng = np.random.default_rng(2)
    ground = rng.uniform(0.1, 1.0, (6, 7))
    free = conscape_paths(ground, 1e-9).chain
    walk = free.expected_cost()
    p = free.reference.toarray()
    goal = 20
    keep = np.arange(len(p)) != goal  # mean cost of the unbent walk, by its own linear system
    spent = np.linalg.solve(
        np.eye(keep.sum()) - p[np.ix_(keep, keep)], (p * free.cost.toarray()).sum(axis=1)[keep]
    )
    np.testing.assert_allclose(walk[keep, goal], spent, rtol=1e-5)
    bent = conscape_paths(ground, 60.0).chain
    cheapest = bent.least_cost()[:, goal]
    from scipy.sparse.csgraph import dijkstra

    into = dijkstra(bent.cost.toarray().T, indices=goal)
    np.testing.assert_allclose(bent.expected_cost()[:, goal], into, atol=0.02)
    assert np.all(bent.free_energy()[:, goal] >= bent.expected_cost()[:, goal] - 1e-9)
    assert cheapest.shape == into.shape


def test_links_that_cost_nothing_are_links() -> None:
    links = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
    cost = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 2.0], [0.0, 2.0, 0.0]])
    paths = PathChain(links, cost, 1.0)
    assert paths.least_cost()[0].tolist() == [0.0, 0.0, 2.0]
    assert paths.weight[0, 1] == 1.0


def test_refusals() -> None:
    with pytest.raises(ResistanceError, match="Q01"):
        LinkChain(np.array([[0.9]]), [0.2])
    with pytest.raises(ResistanceError, match="Q01"):
        LinkChain(np.array([[-0.1]]), [1.0])
    with pytest.raises(OptionError, match="Q04"):
        PathChain(np.eye(2), np.eye(2), 0.0)
    with pytest.raises(ResistanceError, match="Q05"):
        conscape_paths(np.full((2, 2), 3.0), 1.0)
    with pytest.raises(OptionError, match="Q03"):
        PathChain(1 - np.eye(2), 1 - np.eye(2), 1.0, [2])
    from permeability.engines.chain import conscape_grid, link_chain

    with pytest.raises(ResistanceError, match="Q05"):
        conscape_grid(np.full((2, 2), 3.0), 1.0)
    most = link_chain.MOST_STATES
    link_chain.MOST_STATES = 3
    try:
        with pytest.raises(MemoryLimitError, match="Q02"):
            samc_links(np.ones((2, 2)), 0.1)
    finally:
        link_chain.MOST_STATES = most


def test_small_helpers() -> None:
    assert np.nansum(coarse_targets(np.ones((7, 7)), 3)) == 36.0
    assert largest_part(np.array([[0, 1, 0], [1, 0, 1], [0, 0, 0]])).tolist() == [0, 1]


def test_a_table_that_does_not_fit_is_refused_and_one_start_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    chain = ruin(12, 0.5)
    whole = chain.visits()
    monkeypatch.setattr(link_chain, "MOST_DENSE", 50)
    with pytest.raises(MemoryLimitError, match=r"Q02.*11 by 11 states(.|\n)*ask for a start"):
        chain.visits()
    np.testing.assert_allclose(chain.visits(np.eye(11)[3]), whole[3], rtol=1e-12)


@pytest.mark.parametrize("neighbours", [4, 8])
def test_conscape_as_a_circuit_and_as_paths_are_one_chain(neighbours: int) -> None:
    affinity = np.random.default_rng(6).uniform(0.2, 1.0, (4, 5))
    grid = conscape_grid(affinity, 0.7, neighbours=neighbours)
    paths, cells = conscape_paths(affinity, 0.7, neighbours=neighbours)
    for state in (0, 7, 19):
        field = grid.fundamental([int(cells[state])])[0].ravel()[cells]
        np.testing.assert_allclose(field, paths.fundamental[:, state], rtol=1e-9)


def test_targets_outside_the_largest_part_are_left_out() -> None:
    affinity = np.ones((3, 6))
    affinity[:, 4] = 0.0
    ones = np.ones(affinity.shape)
    wanted = [0, 8, 5]  # the last lies behind the gap
    some, cells = conscape_paths(affinity, 1.0, costs=ones, targets=wanted)
    every, _ = conscape_paths(affinity, 1.0, costs=ones)
    at = [cells.tolist().index(k) for k in wanted[:2]]
    np.testing.assert_allclose(some.free_energy(), every.free_energy()[:, at], rtol=1e-12)
