"""Options of a project side by side: what is said of them, and their draws against landscapes made anew."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import permeability as pm
from permeability.landscape.habitat import FactorGround
from permeability.linkage.index_table import INDICES
from permeability.linkage.measured import indices
from permeability.planning.alternatives import Option, evaluate_options
from permeability.planning.option_statements import option_statements


@pytest.fixture(scope="module")
def tiny():
    return pm.samples.tiny()


def test_where_nothing_is_lost_nothing_is_given_back(tiny):
    """A fence that is taken away is an option with a gain; another that keeps a part of it gives back no share of a loss."""
    land, patches = tiny
    away = land.with_scenario(pm.Scenario("away").drop("F"))
    half = land.with_scenario(pm.Scenario("half").remove("F", km=(0, 4)))
    options = [
        Option("today", land, patches, land.valid),
        Option("away", away, patches, land.valid, based_on="today"),
        Option("half", half, patches, land.valid, based_on="away"),
    ]
    said = option_statements(evaluate_options(options, "today"))
    assert [s["statement"] for s in said] == ["takes"]
    assert said[0]["indices"]["mean_conductance"]["change"]["value"] > 0


def test_draws_of_the_ground_are_landscapes_made_anew(tiny):
    """The costs of open ground change with the ground, so that they may not be those of best values."""
    land, patches = tiny
    slope = np.broadcast_to(np.linspace(0, 40, land.grid.shape[1]), land.grid.shape)
    ground = FactorGround(land.profile, {"slope_deg": slope}, land.valid)
    land = land.with_scenario(pm.Scenario("gap").remove("F", km=(0, 4)))
    land = replace(land, ground=ground, resistance=ground.resistance({}))
    found = evaluate_options(
        [Option("today", land, patches, land.valid)], "today", draws=3, vary=("habitat",)
    )
    drawn = found.results["today"].drawn
    for row, values in zip(found.quantiles.to_dict("records"), drawn):
        fresh = indices(replace(land, resistance=ground.resistance(row)), patches, land.valid).values
        assert values == pytest.approx([fresh[i] for i in INDICES], rel=1e-9, nan_ok=True)
    assert len(np.unique(drawn[:, INDICES.index("mean_conductance")])) == 3
