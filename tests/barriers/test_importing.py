"""What an import does where a feature is several things, a cell says something else than another, or nothing fits."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import pytest
from shapely.geometry import LineString

from permeability.barriers.database import conform, import_layer
from permeability.barriers.database.conforming import read_layer
from permeability.core.errors import LayerError

LINE = LineString([(107.0, 44.0), (108.0, 44.5)])
FENCES = {"id": "ID", "rule": [{"set": {"kind": "fence"}}]}


def frame(**columns: list[Any]) -> gpd.GeoDataFrame:
    n = len(next(iter(columns.values())))
    return gpd.GeoDataFrame({"ID": [f"a{i}" for i in range(n)], **columns}, geometry=[LINE] * n, crs=4326)


def test_a_fenced_railway_that_is_a_road_too_is_two_rows() -> None:
    rules = [
        {"when": {tag: "yes"}, "set": {"kind": kind, **more}}
        for tag, kind, more in (
            ("RAIL", "railway", {}),
            ("FENCE", "fence", {"wire_type": "barbed"}),
            ("ROAD", "road", {}),
        )
    ]
    mapping = {"id": "ID", "several": True, "rule": rules}
    found = import_layer(frame(RAIL=["yes"], FENCE=["yes"], ROAD=["yes"]), mapping)
    rows = found.layers["barriers"]
    assert rows[["id", "kind", "fenced", "wire_type"]].to_numpy().tolist() == [
        ["a0", "railway", "yes", "barbed"],
        ["a0 road", "road", None, None],
    ]
    assert "taken as fenced" in found.remarks["remark"].iloc[0]


def test_two_columns_for_one_are_a_problem_only_where_they_differ() -> None:
    mapping = {**FENCES, "columns": {"TRAINS": "trains_per_day", "TRAINS_2": "trains_per_day"}}
    found = import_layer(frame(TRAINS=[12, 12], TRAINS_2=["12,0", "15"]), mapping)
    assert found.layers["barriers"]["trains_per_day"].tolist() == [12.0, 12.0]
    assert found.problems[["feature", "column", "value", "reason"]].to_numpy().tolist() == [
        ["a1", "TRAINS_2", "15", "trains_per_day is already taken from TRAINS"]
    ]


def test_only_what_is_empty_is_assumed() -> None:
    mapping = {
        "id": "ID",
        "columns": {"FLOW": "vehicles_per_day"},
        "rule": [{"set": {"kind": "road"}, "assume": {"vehicles_per_day": 300}}],
    }
    found = import_layer(frame(FLOW=["1 200", None]), mapping, assume=True)
    assert found.layers["barriers"]["vehicles_per_day"].tolist() == [1200.0, 300.0]
    assert found.assumed["feature"].tolist() == ["a1"]


@pytest.mark.parametrize(
    ("column", "cells", "kept", "why"),
    [
        ("status", ["existing", "half built"], ["existing", None], "not one of: "),
        ("trains_per_day", ["40", "4000"], [40.0, None], "outside 0 to 1000"),
        ("bottom_wire_m", ["0,4", "-1"], [0.4, None], "outside 0 to 3"),
    ],
)
def test_cells_that_the_schema_does_not_take_are_listed(
    column: str, cells: list[str], kept: list[Any], why: str
) -> None:
    found = import_layer(frame(TOLD=cells), {**FENCES, "columns": {"TOLD": column}})
    values = found.layers["barriers"][column]
    assert values[0] == kept[0]
    assert values.isna().tolist() == [False, True]
    assert found.problems[["feature", "value"]].to_numpy().tolist() == [["a1", cells[1]]]
    assert found.problems["reason"].iloc[0].startswith(why)


def test_features_that_no_rule_fits_are_listed_with_what_they_say() -> None:
    mapping = {"id": "ID", "rule": [{"when": {"CLASS": "fence"}, "set": {"kind": "fence"}}]}
    found = import_layer(frame(CLASS=["wall", "fence"]), mapping)
    assert found.unmapped[["feature", "tags", "reason"]].to_numpy().tolist() == [
        ["a0", "CLASS=wall", "no rule of the mapping fits"]
    ]


@pytest.mark.parametrize(
    ("cells", "read_as"),
    [
        (["46", "12"], "trains_per_day"),
        (["a timetable", "a count"], "trains_per_day_source"),
        (["46", "a count"], None),
        ([None, None], None),
    ],
)
def test_the_cells_tell_which_column_a_shapefile_has_cut(cells: list[Any], read_as: str | None) -> None:
    layer = frame(kind=["railway"] * 2, trains_per=cells).rename(columns={"ID": "id"})
    (finding,) = [f for f in read_layer(layer).findings if f.details.get("column") == "trains_per"]
    if read_as:
        assert finding.code == "K18"
        assert finding.what.startswith(f"column 'trains_per' is read as {read_as!r}")
        assert conform(layer)[read_as].notna().all()
        return
    assert finding.code == "K19"
    assert "'trains_per_day' or 'trains_per_day_source'" in finding.what
    with pytest.raises(LayerError, match=r"(?s)K19.*say which"):
        conform(layer)


def test_the_active_geometry_counts_under_any_name() -> None:
    layer = frame(kind=["fence"]).rename(columns={"ID": "id"}).rename_geometry("shape")
    read = read_layer(layer)
    assert read.table.geometry.name == "geometry"
    assert read.table.geometry[0].equals(LINE)
    assert read.findings == ()
