"""Chances after changes of edges through the condensation, against building the chain anew."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from permeability.engines.chain.condensed_chain import ChainInterface, EdgeChange
from permeability.engines.chain.ground_chain import FORMS, DeadlyEdges, Walk
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
