"""Compressed gains of a ranking's candidates are those that rank and the choice of sets work with."""

from __future__ import annotations

import numpy as np
import pytest

import permeability as pm
from permeability.planning.joint_gains import CircuitGains, exclusive_pairs


@pytest.fixture(scope="module", params=[False, True], ids=["one fence", "sections and gaps"])
def gains(request):
    land, patches = pm.samples.tiny()
    sites = [*pm.candidates(land, "F", length_m=1500), *pm.candidates(land, "S", length_m=1000)]
    if request.param:  # sections of which none ends where a cell does, and gaps that animals are led to
        sites += pm.candidates(land, "F", length_m=4000, treatment="drop_wires")
    ranking = pm.rank(land, patches, sites)
    return ranking, CircuitGains(ranking, exclusive_pairs(sites))


def test_every_set_is_the_gain_that_is_asked_from_the_landscape(gains):
    ranking, exact = gains
    small = exact.compress(1e-8)
    rng = np.random.default_rng(3)
    for _ in range(40):
        chosen: list[int] = []
        for k in rng.permutation(len(ranking.sites))[: rng.integers(1, 8)].tolist():
            if not any({k, j} in [set(p) for p in exact.apart] for j in chosen):
                chosen.append(k)
        assert small.gain(chosen) * exact.scale == pytest.approx(exact(chosen), rel=1e-7, abs=1e-12)


def test_single_gains_are_the_columns_of_the_ranking(gains):
    ranking, exact = gains
    small = exact.compress(1e-6)
    table = ranking.table.set_index("id")["gain_mean_conductance"]
    for k, site in enumerate(ranking.sites):
        assert small.gain([k]) * exact.scale == pytest.approx(table[site.id], rel=1e-6, abs=1e-12)
