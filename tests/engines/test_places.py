"""Second rasters and places of every engine: on the cells of the first one whatever way they are stored, or refused."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import permeability as pm
from permeability.core.errors import GridMismatchError
from permeability.engines.leastcost.distance import cost_distance
from permeability.engines.omnidirectional import omnidirectional
from permeability.engines.places import like_of, on_same_cells, require_on

ROWS, COLS = 7, 9
PLACE = {"y": 6_500.0 - 1000.0 * np.arange(ROWS), "x": 500.0 + 1000.0 * np.arange(COLS)}


def raster(values: np.ndarray, crs: str | None = None) -> xr.DataArray:
    return xr.DataArray(values, PLACE, ("y", "x"), attrs={} if crs is None else {"crs": crs})


@pytest.fixture
def ground(rng: np.random.Generator) -> xr.DataArray:
    return raster(np.exp(rng.normal(size=(ROWS, COLS))))


def test_a_raster_of_one_band_is_a_map(ground: xr.DataArray) -> None:
    band = ground.expand_dims(band=[1])
    assert like_of(band).identical(ground)
    two = xr.concat([ground, ground], "band")
    assert like_of(two) is two


@pytest.mark.parametrize("turn", ["as it is", "south up", "from the east", "columns first", "a band"])
def test_a_second_raster_is_turned_back(ground: xr.DataArray, turn: str) -> None:
    second = raster(np.arange(ROWS * COLS, dtype=float).reshape(ROWS, COLS))
    stored = {
        "as it is": second,
        "south up": second.sortby("y"),
        "from the east": second.sortby("x", ascending=False),
        "columns first": second.transpose("x", "y"),
        "a band": second.expand_dims(band=[1]),
    }[turn]
    np.testing.assert_array_equal(on_same_cells(stored, ground, name="second"), second.values)


def test_what_has_no_place_is_taken_as_it_is(ground: xr.DataArray) -> None:
    plain = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(on_same_cells(plain, ground, name="second"), plain)
    np.testing.assert_array_equal(on_same_cells(ground, None, name="second"), ground.values)
    other = xr.DataArray(plain, dims=("row", "col"))  # its shape is judged by whoever asked
    np.testing.assert_array_equal(on_same_cells(other, ground, name="second"), plain)


def test_a_raster_of_another_grid_is_refused(ground: xr.DataArray) -> None:
    for other, how in (
        (ground.isel(x=slice(0, -1)), "of another size"),
        (ground.assign_coords(x=ground.x + 100.0), "at other coordinates"),
    ):
        with pytest.raises(GridMismatchError, match=rf"G02.*'strength'.*{how}"):
            on_same_cells(other, ground, name="strength")
    here, there = (raster(ground.values, crs) for crs in ("EPSG:32648", "EPSG:32649"))
    with pytest.raises(GridMismatchError, match=r"G02.*in another coordinate system"):
        on_same_cells(there, here, name="strength")


def test_patches_without_a_grid_and_surfaces_without_a_place_are_not_judged() -> None:
    land, patches = pm.samples.tiny()
    require_on(None, patches)
    require_on(like_of(land), np.zeros((2, 2)))
    with pytest.raises(GridMismatchError, match="A03"):
        require_on(like_of(land).isel(x=slice(1, None)), patches)


def test_targets_and_sources_that_are_stored_otherwise_give_the_same_maps(ground: xr.DataArray) -> None:
    marked = np.zeros((ROWS, COLS))
    marked[1, 2] = marked[5, 7] = 1.0
    turned = raster(marked).sortby("y").transpose("x", "y")
    strength = np.ones((ROWS, COLS))
    plain, placed = (
        omnidirectional(ground, radius=3, strength=strength, targets=t).current for t in (marked, turned)
    )
    xr.testing.assert_identical(plain, placed)
    fields = [cost_distance(ground, sources > 0) for sources in (marked, turned)]
    xr.testing.assert_identical(*fields)
    assert float(fields[1][1, 2]) == float(fields[1][5, 7]) == 0.0


def test_a_result_whose_maps_lost_their_place_has_it_back_from_its_landscape() -> None:
    from dataclasses import replace

    land, _ = pm.samples.tiny()
    found = omnidirectional(land, radius=2)
    bare = replace(found, current=np.asarray(found.current))
    xr.testing.assert_allclose(bare.to_xarray()["current"], found.to_xarray()["current"])
    assert "x" not in replace(bare, landscape=None).to_xarray().coords
