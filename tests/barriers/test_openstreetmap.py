"""What tags of OpenStreetMap become: as tagged, one thing or two, and nothing left out without its reason."""

from __future__ import annotations

import geopandas as gpd
import pytest
import shapely

from permeability.barriers.database import ImportResult, import_layer, load_mapping

LINE = shapely.LineString([(105, 46), (105, 46.1)])


def imported(*ways: dict[str, str]) -> ImportResult:
    rows = [{"@id": f"way/{i}", **tags} for i, tags in enumerate(ways, start=1)]
    return import_layer(gpd.GeoDataFrame(rows, geometry=[LINE] * len(rows), crs=4326), "openstreetmap")


def one(**tags: str) -> gpd.GeoDataFrame:
    return imported({k.replace("__", ":"): v for k, v in tags.items()}).layers["barriers"]


@pytest.mark.parametrize("word", ["no", "No", "F", "0", "false", ""])
@pytest.mark.parametrize("tag", ["tunnel", "bridge", "service", "disused"])
@pytest.mark.parametrize("way", [{"railway": "rail"}, {"highway": "motorway"}])
def test_no_means_no(way: dict[str, str], tag: str, word: str) -> None:
    result = imported({**way, tag: word})
    assert len(result.layers["barriers"]) == 1
    assert len(result.unmapped) == len(result.remarks) == 0
    assert result.layers["barriers"]["trains_per_day"].isna().all()


@pytest.mark.parametrize("word", ["yes", "avalanche_protector", "1"])
@pytest.mark.parametrize(
    "way",
    [
        ("railway", "rail"),
        *(
            ("highway", h)
            for h in ("motorway", "trunk", "primary", "secondary", "tertiary", "unclassified", "track")
        ),
    ],
)
def test_tunnels_of_every_class_are_left_out_and_listed(way: tuple[str, str], word: str) -> None:
    result = imported({way[0]: way[1], "tunnel": word})
    assert len(result.layers["barriers"]) == 0
    assert "tunnel" in result.unmapped["reason"].iloc[0]


@pytest.mark.parametrize(
    "way", [("railway", "rail"), ("highway", "trunk"), ("highway", "primary"), ("highway", "track")]
)
def test_bridges_of_every_class_are_remarked(way: tuple[str, str]) -> None:
    result = imported({way[0]: way[1], "bridge": "viaduct"})
    assert len(result.layers["barriers"]) == 1
    assert "bridge" in result.remarks["remark"].iloc[0]


def test_culverts_by_their_own_sense() -> None:
    assert len(one(highway="primary", tunnel="building_passage")) == 1
    assert len(one(waterway="canal", tunnel="culvert")) == 0
    assert len(one(waterway="canal", tunnel="no")) == 1


def test_a_fence_on_the_way_of_a_railway_is_the_railways() -> None:
    result = imported(
        {"railway": "rail", "barrier": "fence", "fence_type": "barbed_wire"},
        {"railway": "rail", "fenced": "yes"},
        {"railway": "rail", "fenced": "no"},
    )
    rows = result.layers["barriers"]
    assert rows["id"].tolist() == ["way/1", "way/2", "way/3"]
    assert rows["fenced"].tolist() == ["yes", "yes", "no"]
    assert rows["wire_type"].iloc[0] == "barbed"
    assert "fence" in result.remarks["remark"].iloc[0]


def test_a_fence_on_a_road_or_canal_is_a_row_of_its_own() -> None:
    result = imported(
        {"highway": "primary", "barrier": "fence"},
        {"waterway": "canal", "barrier": "fence"},
        {"highway": "residential", "barrier": "fence"},
    )
    rows = result.layers["barriers"]
    assert rows["id"].tolist() == ["way/1", "way/1 fence", "way/2", "way/2 canal", "way/3"]
    assert sorted(rows["kind"]) == ["canal", "fence", "fence", "fence", "road"]
    assert "street inside a settlement" in " ".join(
        result.remarks.loc[result.remarks["feature"] == "way/3", "remark"]
    )
    assert rows["id"].is_unique


@pytest.mark.parametrize(
    ("tags", "kind", "status"),
    [
        ({"disused:railway": "rail"}, "railway", "existing"), ({"abandoned:railway": "rail"}, "railway", "removed"),
        ({"razed:railway": "rail"}, "railway", "removed"), ({"proposed:railway": "rail"}, "railway", "planned"),
        ({"construction:highway": "trunk"}, "road", "under_construction"), ({"planned:highway": "primary"}, "road", "planned"),
    ],
)  # fmt: skip
def test_prefixes_of_a_life_cycle(tags: dict[str, str], kind: str, status: str) -> None:
    rows = imported(tags).layers["barriers"]
    assert rows[["kind", "status"]].to_numpy().tolist() == [[kind, status]]


@pytest.mark.parametrize(
    ("tags", "why"),
    [
        ({"disused:highway": "primary"}, "out of use"), ({"abandoned:highway": "track"}, "gone"), ({"removed:barrier": "fence"}, "gone"),
        ({"railway": "construction", "construction": "subway"}, "urban"), ({"railway": "rail", "location": "underground"}, "below ground"),
        ({"highway": "footway"}, "without motor traffic"), ({"natural": "cliff"}, "no rule"),
    ],
)  # fmt: skip
def test_what_is_left_out_says_why(tags: dict[str, str], why: str) -> None:
    result = imported(tags)
    assert len(result.layers["barriers"]) == 0
    assert why in result.unmapped["reason"].iloc[0]
    assert why in result.text()


def test_ids_and_lines_are_those_of_the_map() -> None:
    frame = gpd.GeoDataFrame(
        {
            "osm_id": ["77", "78"],
            "highway": ["primary", "primary"],
            "ref": ["A3", None],
            "name": ["High Street", "Low Street"],
        },
        geometry=[LINE, LINE],
        crs=4326,
    )
    rows = import_layer(frame, "openstreetmap").layers["barriers"]
    assert rows["id"].tolist() == ["77", "78"]
    assert rows["line"].tolist() == ["A3", "Low Street"]


def test_a_mapping_of_ones_own_keeps_one_row_a_feature_unless_it_says_several() -> None:
    rules = {
        "rule": [
            {"when": {"a": "*"}, "set": {"kind": "fence"}},
            {"when": {"b": "*"}, "set": {"kind": "road"}},
        ]
    }
    frame = gpd.GeoDataFrame({"id": ["x"], "a": ["1"], "b": ["yes"]}, geometry=[LINE], crs=4326)
    assert import_layer(frame, rules).layers["barriers"]["kind"].tolist() == ["fence"]
    assert import_layer(frame, {**rules, "several": True}).layers["barriers"]["id"].tolist() == [
        "x",
        "x road",
    ]
    assert load_mapping("openstreetmap").several
