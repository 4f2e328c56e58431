"""Tables with columns of every name go into a GeoPackage and come back whole."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pyogrio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from permeability.layers.vectors import writable, write_gpkg

NAMES = st.sampled_from(
    ["Name", "name", "NAME", "fid", "FID", "fid_2", "geom", "Geom", "GEOMETRY", "id", "name_2", "Имя", "имя"]
)


@given(st.lists(NAMES, unique=True, max_size=8))
@settings(max_examples=100, deadline=None)
def test_names_are_apart_whatever_the_letter_case(columns: list[str]) -> None:
    table = gpd.GeoDataFrame({c: [c] for c in columns}, geometry=gpd.points_from_xy([0], [0]), crs=32648)
    names = list(writable(table).columns)
    assert len({n.lower() for n in names}) == len(names)
    assert not {"fid", "geom"} & {n.lower() for n in names}
    assert {c for c in columns if c == c.lower() and c not in ("fid", "geom")} <= set(names)
    assert writable(writable(table)).columns.tolist() == names


@pytest.mark.parametrize(
    "columns", [["Name", "name"], ["fid"], ["geom"], ["NAME", "Name", "name", "FID", "fid", "Geom"]]
)
def test_files_hold_every_column(tmp_path: Path, columns: list[str]) -> None:
    table = gpd.GeoDataFrame(
        {c: [f"{c} of a", "7"] for c in columns}, geometry=gpd.points_from_xy([0, 1], [0, 1]), crs=32648
    )
    back = pyogrio.read_dataframe(write_gpkg(tmp_path / "t.gpkg", {"t": table}), layer="t")
    assert {f"{c} of a" for c in columns} == set(back.drop(columns="geometry").iloc[0])
