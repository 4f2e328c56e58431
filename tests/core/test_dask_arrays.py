"""Arrays of dask: the same numbers as in memory, told in the log, refused where they cannot fit."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

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


def test_windows_of_a_dask_array_are_computed_chunk_by_chunk_and_come_back_as_chunks(tmp_path: Path) -> None:
    """Only chunks are read, and the maps have the bits of those in memory."""
    grid = pm.Grid.from_bounds((0, 0, 24_000, 18_000), cell_size=1000, crs=32648)
    values = np.random.default_rng(5).uniform(1, 9, grid.shape)
    read: list[tuple[int, int]] = []

    def chunk(block: np.ndarray, block_info: Any = None) -> np.ndarray:
        if block_info:
            read.append(block.shape)
        return block

    unread = dask_array.from_array(values, chunks=6).map_blocks(chunk, dtype=float, meta=np.empty((0, 0)))
    place = {"y": grid.y, "x": grid.x, "spatial_ref": xr.DataArray(0, attrs={"crs_wkt": grid.crs.to_wkt()})}
    array = xr.DataArray(unread, place, ("y", "x"), "ground")
    run = pm.omnidirectional_files(array.sortby("y"), tmp_path / "maps", radius=3, normalised=True)
    assert set(read) == {(6, 6)}
    known = pm.omnidirectional(values, radius=3, normalised=True)
    found = run.to_xarray(chunks=7)
    assert found["current"].chunks == ((7, 7, 4), (7, 7, 7, 3))
    np.testing.assert_array_equal(found["current"].values, known.current)
    np.testing.assert_array_equal(run.to_xarray()["normalised"].values, found["normalised"].values)
    assert pm.Grid.like(found["current"]) == grid
    part = found["current"].isel(y=slice(0, 2), x=slice(3, 9)).values
    np.testing.assert_array_equal(part, found["current"].values[:2, 3:9])


def test_maps_in_memory_come_in_chunks_too_and_a_result_without_a_map_says_so() -> None:
    land, patches = pm.samples.tiny()
    assert land.to_xarray(chunks=5).chunks == ((5, 3), (5, 5, 2))
    maps = pm.connectivity(land, patches).to_xarray(chunks=(4, 6))
    assert maps["current"].chunks == maps["distance"].chunks == ((4, 4), (6, 6))
    assert pm.omnidirectional(land, radius=2).to_xarray(chunks="auto")["current"].chunks is not None
    with pytest.raises(OptionError, match=r"(?s)A13.*no map.*\.table"):
        pm.barrier_impact(land, patches).to_xarray()
    with pytest.raises(OptionError, match=r"(?s)A13.*no chunks.*chunks=1024"):
        land.to_xarray(chunks=-7.5)


def test_chunks_without_dask_are_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    land, _ = pm.samples.tiny()
    monkeypatch.setattr(arrays, "find_spec", lambda name: None)
    with pytest.raises(OptionError, match=r"(?s)A13.*pip install"):
        land.to_xarray(chunks=4)
