"""The barrier database: schema, check with planted faults, template, import, summary."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import jsonschema
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import LineString, Point, Polygon

from permeability.barriers.database import (
    LAYERS,
    check,
    columns,
    conform,
    import_layer,
    json_schema,
    load_mapping,
    mappings,
    summary,
    template_layers,
    write_template,
)
from permeability.barriers.passability import crossing_estimate
from permeability.barriers.treatments import treatment, treatment_from_dict, treatments
from permeability.core.errors import LayerError, OptionError
from permeability.species import BARRIER_CLASSES, species

LINE = LineString([(107.0, 44.0), (108.0, 44.5)])
GOOD = {
    "id": "A", "kind": "railway", "status": "existing", "opened": 1956, "fenced": "yes", "fence_sides": "both",
    "fence_class": "rail_barbed_both_sides", "fence_lines": 2, "trains_per_day": 46, "accuracy_m": 100.0,
    "source": "survey", "licence": "CC0",
}  # fmt: skip


def layer(*rows, crs="EPSG:4326", shapes=None):
    table = pd.DataFrame([{**GOOD, "id": f"R{i}", **row} for i, row in enumerate(rows)])
    return gpd.GeoDataFrame(table, geometry=shapes or [LINE] * len(rows), crs=crs)


def errors(frame, name="barriers"):
    return [f for f in check(frame, name) if f.severity == "error"]


def gobi(repository, name):
    path = repository / "data" / "samples" / "gobi" / "layers.gpkg"
    if not path.is_file():
        pytest.skip("the Gobi sample is not built")
    return gpd.read_file(path, layer=name)


# --- schema -------------------------------------------------------------------------------------------------------


def test_schemas_are_json_schemas_and_every_column_is_described():
    for name in LAYERS:
        jsonschema.Draft202012Validator.check_schema(dict(json_schema(name)))
        for column in columns(name):
            assert column.description.endswith("."), column.name
    with pytest.raises(OptionError, match="did you mean 'barriers'"):
        json_schema("barrier")


def test_every_column_is_in_the_documentation(repository):
    text = (repository / "docs" / "barrier_database.md").read_text(encoding="utf-8")
    for name in LAYERS:
        part = text[text.index(f"## Columns of `{name}`") :].split("\n## ")[0]
        assert [line.split("`")[1] for line in part.splitlines() if line.startswith("| `")] == [
            c.name for c in columns(name)
        ]
        for column in columns(name):
            assert column.description in part
            assert all(value in part for value in column.values)


def test_vocabularies_agree_with_the_rules():
    by_name = {c.name: c for c in columns("barriers")}
    assert set(by_name["fence_class"].values) == set(BARRIER_CLASSES) - {"rail_unfenced"}
    for kind in set(by_name["kind"].values) - {"canal", "pipeline"}:
        assert crossing_estimate({"kind": kind, "vehicles_per_day": 10}, species("argali")).best > 0
    for status in by_name["status"].values:
        row = {"kind": "fence", "status": status, "opened": 2000}
        assert crossing_estimate(row, species("argali"), year=2010).best > 0


def test_json_schema_and_check_agree_on_single_values():
    """A cell that jsonschema refuses is an error of check, and the other way round."""
    validator = jsonschema.Draft202012Validator(dict(json_schema("barriers")))
    cells = [
        ("kind", "river", False), ("kind", "road", True), ("fenced", "perhaps", False), ("fenced", "unknown", True),
        ("wires", 5, True), ("wires", 0, False), ("wires", 4.5, False), ("top_wire_m", 140.0, False),
        ("accuracy_m", -5.0, False), ("status", "planned", True), ("trains_per_day", 46, True),
    ]  # fmt: skip
    for column, value, good in cells:
        row = {"id": "A", "kind": "road", "vehicles_per_day": 5.0} | {column: value}
        assert validator.is_valid(row) is good, (column, value)
        assert (errors(gpd.GeoDataFrame([row], geometry=[LINE], crs="EPSG:4326")) == []) is good, (
            column,
            value,
        )


# --- check ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["railways", "roads", "fences"])
def test_the_gobi_sample_is_in_the_schema(repository, name):
    frame = gobi(repository, name)
    assert [f.text() for f in check(frame, label=name) if f.severity == "error"] == []
    whole = conform(frame)
    assert list(whole.columns)[: len(columns())] == [c.name for c in columns()]
    assert len(whole) == len(frame)
    assert check(whole, label=name) == check(frame, label=name)


FAULTS = [  # row, column, value as shown, code, what the remedy says
    (0, "kind", "railroad", "K06", "did you mean 'railway'"),
    (1, "status", "exists", "K06", "existing"),
    (2, "opened", 19560, "K05", "unit"),
    (3, "fenced, fence_sides", "no, both", "K09", "fence_sides to none"),
    (4, "vehicles_per_day, vehicles_per_day_high", "900.0, 500.0", "K09", "order"),
    (5, "bottom_wire_m, top_wire_m", "1.4, 0.4", "K09", "heights"),
    (6, "closed_hours", "at night", "K07", '"20-6"'),
    (7, "trains_per_day", "many", "K03", "plain number"),
    (8, "wires", 4.5, "K04", "whole"),
    (9, "geometry", "no geometry", "K10", "draw"),
    (10, "id", "R3", "K08", "own id"),
    (11, "verified_on", "last summer", "K07", "2026-11-22"),
]


def planted():
    rows = [
        {"kind": "railroad"}, {"status": "exists"}, {"opened": 19560}, {"fenced": "no", "fence_lines": np.nan},
        {"kind": "road", "fenced": "no", "fence_sides": "none", "fence_lines": 0, "fence_class": None, "vehicles_per_day": 900.0, "vehicles_per_day_high": 500.0},
        {"bottom_wire_m": 1.4, "top_wire_m": 0.4}, {"closed_hours": "at night"}, {"trains_per_day": "many"}, {"wires": 4.5}, {},
        {"id": "R3"}, {"verified_on": "last summer"}, {},
    ]  # fmt: skip
    shapes = [LINE] * len(rows)
    shapes[9] = None
    return layer(*rows, shapes=shapes)


def test_twelve_planted_faults_are_all_named_at_once():
    found = errors(planted())
    assert len(found) == 12
    for row, column, value, code, remedy in FAULTS:
        match = [f for f in found if f.details["column"] == column and f.code == code]
        assert len(match) == 1, (row, column, [f.text() for f in found])
        assert any(r.startswith(f"{row + 1} (") for r in match[0].rows), match[0].text()
        assert str(match[0].details["value"]) == str(value)
        assert remedy in match[0].remedy
        text = match[0].text()
        for part in (code, column, str(value), "remedy"):
            assert part in text
    named = {r for f in found for r in f.rows}
    assert not any(r.startswith("13 ") for r in named)  # the good row is in no finding


@pytest.mark.parametrize(
    ("row", "code", "severity"),
    [
        ({"hour_profile": "1 2 3"}, "K07", "error"),
        ({"wire_heights_m": "0.5 0.4"}, "K07", "error"),
        ({"wire_heights_m": "0.5 0.9", "wires": 3}, "K09", "error"),
        ({"opened": 2020, "closed": 2010, "status": "removed"}, "K09", "error"),
        ({"status": "planned"}, "K09", "error"),
        ({"closed": 2010}, "K09", "warning"),
        ({"fenced": "no", "fence_sides": None}, "K09", "error"),
        ({"kind": "road", "vehicles_per_day": 5.0}, "K09", "error"),
        ({"kind": "road", "fence_class": None}, "K13", "warning"),
        ({"kind": "fence", "fence_class": None}, "K13", "warning"),
        ({"fence_class": None}, "K13", "warning"),
        ({"kind": "canal", "fence_class": None}, "K13", "warning"),
        ({"source": " "}, "K12", "warning"),
        ({"accuracy_m": None}, "K12", "warning"),
        ({"id": None}, "K02", "error"),
        ({"id": ""}, "K02", "error"),
        ({"vehicles_per_day_low": 5.0, "vehicles_per_day_high": 1.0}, "K09", "error"),
        ({"my_column": 1}, "K14", "note"),
    ],
)
def test_single_faults(row, code, severity):
    found = [f for f in check(layer(row, {})) if f.code == code and f.severity == severity]
    assert len(found) == 1, [f.text() for f in check(layer(row, {}))]
    if code != "K14":
        assert found[0].rows[0].startswith("1")
        assert len(found[0].rows) == 1 or code == "K14"


def test_faults_of_the_layer_itself():
    assert [f.code for f in errors(layer({}, crs=None))] == ["K11"]
    assert [f.code for f in errors(layer({}).iloc[:0])] == ["K15"]
    assert [f.code for f in errors(layer({}).drop(columns=["kind"]))] == ["K01"]
    assert [f.code for f in errors(layer({}, shapes=[Point(0, 0)]))] == ["K10"]
    assert [f.code for f in errors(layer({}, shapes=[LineString([(1, 1), (1, 1)])]))] == ["K10"]
    assert [f.code for f in errors(layer({}, shapes=[LineString([(1, 1), (np.inf, 1)])]))] == ["K10"]
    assert check(layer({}, {})) == []


def test_values_shared_by_many_rows_are_one_finding():
    found = errors(layer(*[{"fenced": "maybe"}] * 30))
    assert len(found) == 1
    assert len(found[0].rows) == 30
    assert "and 20 more" in found[0].text()


# --- template ---------------------------------------------------------------------------------------------------------


def test_template_in_both_forms(tmp_path):
    made = template_layers()
    for name, frame in made.items():
        assert check(frame, name) == [] or all(f.code == "K13" for f in check(frame, name))
        assert (
            (frame["source"] if "source" in frame else pd.Series(["invented"])).str.contains("invented").all()
        )
        for record in json.loads(frame.to_json(na="drop"))["features"]:
            jsonschema.validate(record["properties"], dict(json_schema(name)))
    assert {"railway", "road", "fence", "canal"} <= set(made["barriers"]["kind"])
    (gpkg,) = write_template(tmp_path / "barriers.gpkg")
    parquet = write_template(tmp_path / "parquet")
    for name, path in zip(LAYERS, parquet):
        from_gpkg, from_parquet = gpd.read_file(gpkg, layer=name), gpd.read_parquet(path)
        assert check(from_gpkg, name) == check(from_parquet, name) == check(made[name], name)
        assert list(from_parquet.columns) == [*[c.name for c in columns(name)], "geometry"]
        assert list(conform(from_gpkg, name)["source"]) == list(from_parquet["source"])
        assert from_gpkg.crs == from_parquet.crs
    named = write_template(tmp_path / "mine.parquet")
    assert [p.name for p in named] == [
        "mine_barriers.parquet",
        "mine_structures.parquet",
        "mine_posts.parquet",
    ]
    with pytest.raises(LayerError, match=r"\[K16\].*already there"):
        write_template(gpkg)
    with pytest.raises(OptionError, match="gpkg"):
        write_template(tmp_path / "x.shp", form="shp")


# --- import --------------------------------------------------------------------------------------------------------------


def osm(repository):
    path = repository / "data" / "samples" / "osm_synthetic.geojson"
    if not path.is_file():
        pytest.skip("the synthetic OpenStreetMap extract is not built")
    return gpd.read_file(path)


def test_openstreetmap_extract_imports_and_lists_the_rest(repository):
    source = osm(repository)
    result = import_layer(source, "openstreetmap")
    barriers = result.layers["barriers"]
    taken = [f for frame in result.layers.values() for f in frame["id"]]
    assert sorted([*taken, *result.unmapped["feature"]]) == sorted(
        source["@id"]
    )  # nothing dropped, nothing twice
    assert errors(barriers) == []
    assert (result.unmapped["reason"].str.len() > 0).all()
    rows = barriers.set_index("id")
    assert rows.loc["way/-1", ["kind", "status", "fenced", "name", "opened"]].tolist() == ["railway", "existing", "unknown", "Invented main line", 1961.0]  # fmt: skip
    assert rows.loc["way/-3", ["status", "planned_open"]].tolist() == ["under_construction", 2031.0]
    assert rows.loc["way/-4", "status"] == "planned"
    assert rows.loc["way/-5", ["status", "closed"]].tolist() == ["removed", 1994.0]
    assert rows.loc["way/-8", ["kind", "line", "surface"]].tolist() == ["road", "X1", "asphalt"]
    assert rows.loc["way/-17", ["kind", "fence_class", "top_wire_m", "bottom_wire"]].tolist() == ["fence", "stock", 1.5, "barbed"]  # fmt: skip
    assert rows.loc["way/-18", "top_wire_m"] == 1.5  # "1.5 m"
    assert rows.loc["way/-23", "fence_class"] == "border"
    assert rows.loc["way/-24"].geometry.geom_type == "LineString"  # the outline of an area, and it is said
    assert "way/-24" in set(result.remarks["feature"])
    assert rows.loc["way/-29", "kind"] == "canal"
    assert np.isnan(rows.loc["way/-34", "vehicles_per_day"])
    assert (rows["licence"] == "ODbL 1.0").all()
    assert {"way/-6", "node/-7", "way/-13", "node/-25", "way/-26", "way/-31", "way/-35"} <= set(
        result.unmapped["feature"]
    )
    five_feet = result.problems[result.problems["value"] == "five feet"]
    assert five_feet[["feature", "column"]].to_numpy().tolist() == [["way/-22", "height"]]
    assert np.isnan(rows.loc["way/-22", "top_wire_m"])
    second_name = result.problems[result.problems["feature"] == "way/-1"]
    assert "already taken" in second_name["reason"].iloc[0]
    for text in ("five feet", "funicular", "electrified", "not in the mapping"):
        assert text in result.text(whole=True)
    assert "an urban or mountain railway" in result.text()  # counted by reason


def test_every_column_of_the_source_is_accounted_for(repository):
    source = osm(repository)
    mapping = load_mapping("openstreetmap")
    result = import_layer(source, mapping)
    used = (
        {k for r in (*mapping.rules, *mapping.additions) for k in r.get("when", {})}
        | set(mapping.columns)
        | set(mapping.id)
    )
    filled = {c for c in source.columns if c != "geometry" and source[c].notna().any()}
    assert set(result.columns["column"]) == filled - used


def test_assumed_traffic_only_on_request(repository):
    source = osm(repository)
    plain, assumed = (import_layer(source, "openstreetmap", assume=a) for a in (False, True))
    assert plain.layers["barriers"]["vehicles_per_day_high"].isna().all()
    assert plain.assumed.empty
    roads = assumed.layers["barriers"].query("kind == 'road' and status == 'existing'")
    assert (roads["vehicles_per_day_high"] > 0).all()
    assert roads["traffic_source"].str.contains("assumed").all()
    assert set(assumed.assumed["feature"]) == set(roads["id"])


def test_gdal_other_tags_are_unfolded():
    frame = gpd.GeoDataFrame(
        {"osm_id": ["1", "2"], "other_tags": ['"railway"=>"rail","name"=>"A \\"B\\""', '"power"=>"line"']},
        geometry=[LINE, LINE],
        crs="EPSG:4326",
    )
    result = import_layer(frame, "openstreetmap")
    assert result.layers["barriers"]["name"].tolist() == ['A "B"']
    assert result.unmapped["tags"].tolist() == ["power=line"]


def test_a_mapping_of_ones_own(tmp_path):
    frame = gpd.GeoDataFrame(
        {"OBJECT_ID": [7, 8, 9], "CLASS": ["Railway fence", "Mine road", "Wall"], "STATE": ["intact", "gone", "intact"],
         "FENCE_H": ["140 cm", None, "2"], "SHAPE_LEN": [1.0, 2.0, 3.0], "CODE": ["x", "y", "z"]},
        geometry=[LINE, LINE, LINE], crs="EPSG:4326",
    )  # fmt: skip
    result = import_layer(frame, "agency_example")
    rows = result.layers["barriers"]
    assert rows["id"].tolist() == ["7", "8"]
    assert rows["condition"].tolist() == ["good", None]
    assert rows["top_wire_m"].iloc[0] == pytest.approx(1.4)
    assert result.problems[["feature", "column", "value"]].to_numpy().tolist() == [["8", "STATE", "gone"]]
    assert result.unmapped["feature"].tolist() == ["9"]
    assert dict(zip(result.columns["column"], result.columns["why"])) == {"CODE": "not in the mapping", "SHAPE_LEN": "ignored by the mapping"}  # fmt: skip
    copy = tmp_path / "mine.toml"
    copy.write_text(
        'id = "OBJECT_ID"\n[columns]\nCODE = "name"\n[[rule]]\nset = { kind = "fence" }\n', encoding="utf-8"
    )
    assert import_layer(frame, copy).layers["barriers"]["name"].tolist() == ["x", "y", "z"]


def test_mappings_are_checked():
    assert {"openstreetmap", "agency_example"} <= set(mappings())
    for name in mappings():
        load_mapping(name)
    for bad, code in (({"colums": {}}, "K21"), ({"columns": {"a": "heigth"}}, "K22"), ({"rule": [{"wen": {}}]}, "K21"), ({"rule": [{"set": {"knd": 1}}]}, "K22")):  # fmt: skip
        with pytest.raises(LayerError, match=rf"(?s)\[{code}\].*did you mean"):
            load_mapping(bad)
    with pytest.raises(LayerError, match=r"(?s)\[K20\].*did you mean 'openstreetmap'"):
        load_mapping("openstretmap")
    with pytest.raises(LayerError, match=r"\[K11\]"):
        import_layer(layer({}, crs=None), "openstreetmap")


def test_features_without_geometry_are_listed():
    frame = gpd.GeoDataFrame({"@id": ["a", "b", "c"], "barrier": ["fence"] * 3}, geometry=[None, Point(0, 0), Polygon([(0, 0), (1, 0), (1, 1)])], crs=4326)  # fmt: skip
    result = import_layer(frame, "openstreetmap")
    assert result.unmapped["feature"].tolist() == ["a", "b"]
    assert result.layers["barriers"]["id"].tolist() == ["c"]


# --- summary -----------------------------------------------------------------------------------------------------------


def test_summary_counts_kilometres_and_the_traffic_class(repository):
    frame = gobi(repository, "roads")
    table = summary(frame)
    geod = frame.crs.get_geod()
    lengths = [geod.geometry_length(g) / 1000 for g in frame.geometry]
    assert table.iloc[-1]["length_km"] == pytest.approx(sum(lengths))
    busy = sum(km for km, q in zip(lengths, frame["vehicles_per_day"]) if q >= 1000)
    assert 0 < busy < sum(lengths)
    assert table.iloc[-1]["over_1000_per_day_km"] == pytest.approx(busy)
    assert table["rows"].iloc[:-1].sum() == table["rows"].iloc[-1] == len(frame)
    flat = summary(frame.to_crs(32648), by=("kind",))
    assert flat.iloc[0]["length_km"] == pytest.approx(sum(lengths), rel=0.01)
    with pytest.raises(LayerError, match=r"\[K11\]"):
        summary(layer({}, crs=None))


# --- treatments ----------------------------------------------------------------------------------------------------------


def test_treatment_catalogue():
    for name, entry in treatments().items():
        cost = entry.cost_usd(length_m=10_000, years=5)
        assert 0 < cost.low <= cost.best <= cost.high
        assert cost.unit == "USD"
        assert entry.cost.source, name
        assert entry.kinds
    assert treatment("remove").cost_usd(length_m=10_000, sides=1).as_tuple() == (3_000, 15_000, 35_000)
    assert treatment("underpass").cost_usd(pieces=2).best == 1_000_000
    assert treatment("bridge").cost_usd(width_m=200).best == 6_000_000
    assert treatment("gap").cost_usd(width_m=500, years=0).best == pytest.approx(1_500)
    assert treatment("gap").cost_usd(width_m=500, years=10).best == pytest.approx(1_500 + 80_000)
    assert treatment("gap").cost_usd(width_m=500).best * 100 < treatment("underpass").cost_usd().best
    assert {
        "remove",
        "modify",
        "drop_wires",
        "gap",
        "underpass",
        "overpass",
        "bridge",
        "night_closure",
        "gate",
    } <= set(treatments())


def test_treatments_refused():
    with pytest.raises(OptionError, match=r"\[T02\]"):
        treatment("remove").cost_usd(length_m=-1)
    with pytest.raises(OptionError, match=r"\[T03\]"):
        treatment_from_dict("x", {"label": "x"})
    usd = {"low": 1, "best": 2, "high": 3, "evidence": "M-l", "source": "us"}
    with pytest.raises(OptionError, match="did you mean 'remove'"):
        treatment_from_dict("x", {"effect": {"kind": "remov"}, "cost": {"per": "piece", "usd": usd}})
    own = treatment_from_dict("x", {"effect": {"kind": "remove"}, "cost": {"per": "piece", "usd": usd}})
    assert own.cost_usd().as_tuple() == (1, 2, 3)


def test_costs_of_the_notes(shared):
    """Every range of the cost table that has a treatment."""
    text = Path(shared / "knowledge" / "domain.md").read_text(encoding="utf-8")
    for start, name in (("take down barbed fence", "remove"), ("swap lowest wire", "modify"), ("new wildlife-friendly fence", "replace"),
                        ("underpass, concrete", "underpass"), ("long bridge span", "bridge"), ("overpass 50 m", "overpass")):  # fmt: skip
        line = next(row for row in text.splitlines() if row.startswith(f"| {start}"))
        numbers = tuple(float(c.strip().replace(",", "")) for c in line.split("|")[2:5])
        assert treatment(name).cost.as_tuple() == numbers
