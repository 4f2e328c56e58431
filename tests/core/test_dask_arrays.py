"""Arrays of dask: the same numbers as in memory, told in the log, refused where they cannot fit."""

from __future__ import annotations

import logging

import numpy as np
import pytest

import permeability as pm
from permeability.core import arrays
from permeability.core.errors import OptionError

dask_array = pytest.importorskip("dask.array")


def test_a_landscape_of_a_dask_array_is_that_of_its_numbers(caplog: pytest.LogCaptureFixture) -> None:
    land, _ = pm.samples.tiny()
    held = land.to_xarray(np.arange(1.0, 97.0).reshape(8, 12), "resistance")
    lines = land.barriers.table
    plain = pm.build_landscape(held, lines, "khulan")
    with caplog.at_level(logging.INFO, "permeability"):
        lazy = pm.build_landscape(held.chunk({"y": 4, "x": 5}), lines, "khulan")
    np.testing.assert_array_equal(plain.resistance, lazy.resistance)
    said = [r.getMessage() for r in caplog.records if "dask" in r.getMessage()]
    assert said
    assert "\n" not in said[0]


def test_engines_take_dask_arrays_and_give_numbers() -> None:
    values = np.random.default_rng(3).uniform(1, 5, (9, 9))
    lazy = dask_array.from_array(values, chunks=4)
    nodes = [(0, 0), (8, 8)]
    np.testing.assert_array_equal(
        pm.circuit.pairwise(lazy, nodes).resistance, pm.circuit.pairwise(values, nodes).resistance
    )
    np.testing.assert_array_equal(
        np.asarray(pm.leastcost.cost_distance(lazy, nodes[:1])),
        np.asarray(pm.leastcost.cost_distance(values, nodes[:1])),
    )


def test_an_array_larger_than_the_memory_is_refused_before_it_is_loaded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(arrays, "available", lambda: 1000)
    lazy = dask_array.ones((1000, 1000)).map_blocks(
        lambda block: pytest.fail("loaded"), dtype=float, meta=np.empty((0, 0))
    )
    with pytest.raises(OptionError, match=r"(?s)A12.*dask.*omnidirectional_files"):
        arrays.plain_values(lazy, name="resistance")
