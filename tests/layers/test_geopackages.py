"""Tables with columns of every name go into a GeoPackage and come back whole."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pyogrio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from permeability.core.errors import LayerError
from permeability.layers.vectors import read_vector, writable, write_gpkg

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


def test_tables_that_came_or_went_since_a_file_was_read_are_known(tmp_path: Path) -> None:
    def table(name: str) -> gpd.GeoDataFrame:
        return gpd.GeoDataFrame({"id": [name]}, geometry=gpd.points_from_xy([0], [0]), crs=32648)

    def ids(name: str) -> list[str]:
        return read_vector(path, name)["id"].tolist()

    path = write_gpkg(tmp_path / "t.gpkg", {"a": table("a")})
    assert ids("a") == ["a"]
    pyogrio.write_dataframe(table("b"), path, layer="b", append=True)  # in place
    assert ids("b") == ["b"]
    write_gpkg(path, {"c": table("c")})  # another file in its place
    assert ids("c") == ["c"]
    with pytest.raises(LayerError, match="L04"):
        ids("a")
