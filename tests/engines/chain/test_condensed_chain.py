"""Chances after changes of edges through the condensation, against building the chain anew."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from permeability.engines.chain.condensed_chain import ChainInterface, EdgeChange
from permeability.engines.chain.grid_chain import both_ends
from permeability.engines.chain.ground_chain import (
    FORMS,
    DeadlyEdges,
    Walk,
    link_costs,
    spent_on_the_way,
    spread,
)
from permeability.engines.kernels.edges import EdgeBarriers


def walk(theta: float, barriers: str = "both") -> tuple[Walk, np.ndarray]:
    rng = np.random.default_rng(0)
    r = rng.uniform(1, 3, (30, 25))
    r[2, 3] = np.nan
    regions = np.zeros(r.shape, np.int64)
    regions[2:5, 1:3], regions[20:23, 20:23], regions[0:2, 22:24], regions[12:15, 11:14] = 1, 2, 3, 4
    cells = np.arange(12, 30 * 25, 25)
    keys = np.sort(np.concatenate([cells * 8, cells[:-1] * 8 + 2, (cells[:-1] + 1) * 8 + 3]))
    edges = EdgeBarriers(
        keys // 8, (keys % 8).astype(np.uint8), np.full(len(keys), 3000.0), np.full(len(keys), 6.0)
    )
    road = keys + 4 * 8
    deadly = DeadlyEdges(road, np.full(len(road), 0.3), np.full(len(road), 400.0))
    one = Walk(
        r, 0.5, theta=theta, death=0.01, edges=edges, deadly=deadly, regions=regions, barriers=barriers
    )
    return one, np.union1d(keys, road)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("theta", [0.0, 5.0])
def test_changes_of_edges(theta: float, form: str) -> None:
    one, keys = walk(theta, form)
    face = ChainInterface.build(one, keys)
    np.testing.assert_allclose(face.today(), one.chain.region_chances(), rtol=1e-11)
    changes = []
    for k in range(0, len(one.edges.keys), 4):
        own = one.edges.keys[k : k + 4]
        changes.append(EdgeChange(own, np.full(len(own), 10.0), np.full(len(own), 0.02), np.zeros(len(own))))
    road = one.deadly.keys[5:9]
    changes.append(EdgeChange(road, np.zeros(4), np.zeros(4), np.full(4, 0.01)))
    changes.append(EdgeChange(road[:2], np.full(2, np.inf), np.full(2, np.inf), np.full(2, 0.3)))
    singles = face.singles(changes)
    for found, change in zip(singles, changes):
        at = np.searchsorted(one.deadly.keys, change.keys)
        chance = one.deadly.chance.copy()
        mine = np.isin(change.keys, one.deadly.keys)
        chance[at[mine]] = change.killed[mine]
        edited = replace(
            one, edges=one.edges.replaced(change.keys, change.cost_m, change.series),
            deadly=one.deadly._replace(chance=chance),
        )  # fmt: skip
        expected = edited.chain.region_chances()
        np.testing.assert_allclose(found, expected, rtol=1e-10)
        np.testing.assert_allclose(face.after(change), expected, rtol=1e-10)
    assert face.covers(keys)
    assert not face.covers(np.array([5 * 8]))


def test_a_chain_none_of_whose_edges_may_change_stays_as_it_is() -> None:
    one, keys = walk(0.0)
    face = ChainInterface.build(one, np.zeros(0, np.int64))
    at, mine = face.positions(keys[:3])
    assert (at.tolist(), mine.tolist()) == ([], [False] * 3)
    np.testing.assert_allclose(face.today(), one.chain.region_chances(), rtol=1e-11)
    assert not face.covers(keys[:1])
    assert face.covers(np.array([(2 * 25 + 1) * 8]))  # within a region nothing can change


def test_the_ground_alone_costs_what_its_links_take_and_regions_take_nothing() -> None:
    one, _ = walk(2.0)
    bare = replace(one, regions=None)
    for inside, free in zip(link_costs(one), link_costs(bare)):
        for k, (a, b) in enumerate(both_ends(one.resistance.shape, k) for k in range(4)):
            within = (one.regions[a] > 0) & (one.regions[a] == one.regions[b])
            np.testing.assert_array_equal(inside[k][a][~within], free[k][a][~within])
            assert not inside[k][a][within].any()
            assert free[k][a][within].all()


def test_walkers_are_where_they_start_until_they_have_walked() -> None:
    one, _ = walk(0.0)
    chain = replace(one, regions=None).chain
    start = np.zeros(chain.shape)
    start[12, 12] = 1.0
    found = spread(chain, start, np.array([0.0, 2.0, 2.0, 4.0]), 40)
    np.testing.assert_allclose(found[0], start)
    np.testing.assert_array_equal(found[1], found[2])
    assert 1.0 > found[1].sum() > found[3].sum() > 0.0
    np.testing.assert_allclose(
        found[3], spread(chain, found[1], np.array([2.0]), 40)[0], rtol=1e-9, atol=1e-15
    )
    assert not spread(chain, np.zeros(chain.shape), np.array([1.0]), 4).any()


def test_a_fence_through_a_region_costs_nothing_within_it() -> None:
    """The mean cost of those who arrive is minus the derivative of ln(chance), also from and through a region that a fence cuts."""
    one, _ = walk(0.5)
    assert one.regions is not None
    goal, h = one.regions == 2, 1e-4

    def log_chance(theta: float) -> np.ndarray:
        return np.log(replace(one, theta=theta).chain.reaches(goal).chance[one.regions > 0])

    chain = one.chain
    chance = chain.reaches(goal).chance
    found = spent_on_the_way(chain, link_costs(one)[0], chance, goal, "splu")[one.regions > 0]
    slope = -(log_chance(one.theta + h) - log_chance(one.theta - h)) / (2 * h)
    np.testing.assert_allclose(found, slope, rtol=1e-5)
