"""From a file, a number or a table to lines, a landscape and patches, and what is none of these."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

import permeability as pm
from permeability.core.errors import LayerError, OptionError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return pm.samples.tiny_project(tmp_path / "tiny").parent


def test_files_give_the_landscape_that_objects_give(folder: Path) -> None:
    tiny, patches = pm.samples.tiny()
    lines = pm.read_barriers(folder / "layers.gpkg", "barriers")
    assert lines.lines == tiny.barriers.lines
    land = pm.build_landscape(folder / "resistance.tif", lines, "khulan")
    np.testing.assert_array_equal(land.resistance, tiny.resistance)
    np.testing.assert_array_equal(land.parts, tiny.parts)
    placed = pm.place_patches(folder / "layers.gpkg", land, table="patches")
    np.testing.assert_array_equal(placed.labels, patches.labels)


def test_lines_are_brought_to_the_coordinate_system_that_is_asked_for(folder: Path) -> None:
    lines = pm.read_barriers(str(folder / "layers.gpkg"), "barriers", crs="EPSG:32649")
    assert lines.table.crs.to_epsg() == 32649
    same = pm.samples.tiny()[0].barriers.table.to_crs(32649)
    assert lines.table.geometry.iloc[0].hausdorff_distance(same.geometry.iloc[0]) < 1.0


def test_even_ground_asks_where_it_lies() -> None:
    tiny, _ = pm.samples.tiny()
    with pytest.raises(OptionError, match="A10"):
        pm.build_landscape(2.0, tiny.barriers.table, "khulan")
    assert (pm.build_landscape(2.0, tiny.barriers, "khulan", grid=tiny.grid).resistance == 2.0).all()


def test_what_is_no_layer_is_refused_by_what_it_is(folder: Path) -> None:
    tiny, patches = pm.samples.tiny()
    for thing, word in ((None, "nothing"), (pd.DataFrame(), "a DataFrame")):
        with pytest.raises(OptionError, match=f"A14.*{word} was given for the patches"):
            pm.place_patches(thing, tiny)  # type: ignore[arg-type]
    table = patches.table[["id", "geometry"]]
    deep = gpd.GeoDataFrame(table, geometry="geometry")
    deep.columns = pd.MultiIndex.from_tuples([("id", ""), ("geometry", "")])
    with pytest.raises(OptionError, match=r"A14.*names of 2 levels"):
        pm.place_patches(deep, tiny)
    with pytest.raises(LayerError, match="L01"):
        pm.place_patches(folder / "nowhere.gpkg", tiny)
