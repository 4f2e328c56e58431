"""Standards and the structures check."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import pytest
from shapely.geometry import Point

from permeability.barriers.database import template_layers
from permeability.barriers.passability import Structure, gap_encounter_chance, structure_chance
from permeability.barriers.standards import StandardRule, standard, standard_from_dict, standards
from permeability.barriers.structure_inventory import check_structures, judge
from permeability.core.errors import LayerError, OptionError
from permeability.species import species, species_list


def inventory(*rows, crs="EPSG:4326"):
    table = pd.DataFrame([{"id": f"S{i}", "line": "TMR", **row} for i, row in enumerate(rows)])
    shapes = [Point(107 + 0.1 * i, 45) for i in range(len(rows))]
    return gpd.GeoDataFrame(table, geometry=shapes, crs=crs)


def test_shipped_standards():
    assert {"xinjiang_2019", "fhwa_2011", "species_norms", "mns_6515_2015", "mns_6735_2018"} == set(
        standards()
    )
    for name in standards():
        found = standard(name)
        assert found.title
        assert found.version
        assert found.source
        assert found.empty == (found.status == "empty") == name.startswith("mns")
        assert all(r.source and r.evidence != "X" for r in found.rules)
    xinjiang = standard("xinjiang_2019").rules[0]
    assert (xinjiang.min_width_m, xinjiang.min_height_m, xinjiang.evidence) == (12.0, 3.5, "F")
    under, *_, over = standard("fhwa_2011").rules
    assert (under.min_width_m, under.min_height_m) == (7.0, 4.0)
    assert (over.min_width_m, over.recommended_width_m) == (40.0, 70.0)
    openness = {r.groups[0]: r.min_openness_m for r in standard("fhwa_2011").rules if r.min_openness_m}
    assert openness == {"deer": 0.75, "gazelle": 1.5}


def test_the_empty_standards_compare_nothing_and_say_so():
    report = check_structures(template_layers()["structures"], "mns_6515_2015", ["mongolian_gazelle"])
    assert set(report.table["verdict"]) == {"no rule"}
    assert "N04" in [f.code for f in report.findings]
    assert "no figures are shipped" in report.text()


def test_a_filled_copy_of_the_empty_standard(tmp_path):
    copy = tmp_path / "mns.toml"
    copy.write_text(
        'title = "MNS"\nversion = "6515:2015"\nstatus = "standard"\nsource = "our copy"\n[[rule]]\nkind = "under"\n'
        'species = ["khulan"]\nmin_width_m = 30.0\nmax_spacing_m = 5000.0\nevidence = "F"\nsource = "table 1"\n',
        encoding="utf-8",
    )
    rows = [{"kind": "under", "width_m": 40.0, "km": 1.0}, {"kind": "under", "width_m": 20.0, "km": 3.0},
            {"kind": "under", "width_m": 40.0, "km": 30.0}]  # fmt: skip
    table = check_structures(inventory(*rows), copy, ["khulan", "argali"]).table
    khulan = table[table["species"] == "khulan"]
    assert khulan["verdict"].tolist() == ["meets", "falls short", "falls short"]
    assert khulan["spacing_m"].tolist() == [2000.0, 2000.0, 27000.0]
    assert "width 20 m is below 30 m" in khulan["reasons"].iloc[1]
    assert "27,000 m away" in khulan["reasons"].iloc[2]
    assert set(table[table["species"] == "argali"]["verdict"]) == {"no rule"}


@pytest.mark.parametrize(
    ("width", "height", "length", "verdict"),
    [(12, 3.5, 10, "meets"), (11.9, 3.5, 10, "falls short"), (12, 3.4, 10, "falls short"), (12, None, 10, "not known"), (10, None, None, "falls short")],
)  # fmt: skip
def test_verdicts(width, height, length, verdict):
    assert (
        judge(Structure("under", width, height, length), float("nan"), standard("xinjiang_2019").rules)[0]
        == verdict
    )


def test_openness_is_width_times_height_by_length():
    rules = standard("fhwa_2011").rules_for("under", species("mongolian_gazelle"))
    assert judge(Structure("under", 12, 4, 32), 0.0, rules) == ("meets", [])
    verdict, reasons = judge(Structure("under", 12, 4, 40), 0.0, rules)
    assert verdict == "falls short"
    assert reasons == ["openness 1.2 m is below 1.5 m"]
    assert (
        judge(
            Structure("under", 12, 4, 40),
            0.0,
            standard("fhwa_2011").rules_for("under", species("bukhara_deer")),
        )[0]
        == "meets"
    )


def test_recommended_sizes_are_said_and_do_not_fail():
    rules = standard("fhwa_2011").rules_for("over", species("argali"))
    assert judge(Structure("over", 50), 0.0, rules) == ("meets", ["width 50 m is below the recommended 70 m"])
    assert judge(Structure("over", 30), 0.0, rules)[0] == "falls short"


def test_table_holds_the_chances_and_the_encounters():
    rows = [{"kind": "gap", "width_m": 500.0, "km": 700.0, "opened": 2019.0}, {"kind": "gap", "width_m": 500.0, "km": 930.0, "opened": 2019.0},
            {"kind": "gap", "width_m": 500.0, "km": 1160.0, "opened": 2019.0}]  # fmt: skip
    report = check_structures(inventory(*rows), "fhwa_2011", ["khulan"], year=2020)
    khulan = species("khulan")
    chance = structure_chance(Structure("gap", 500.0), khulan, 1.0)
    got = report.table.iloc[0]
    assert (got["chance_low"], got["chance"], got["chance_high"]) == pytest.approx(chance.as_tuple())
    assert got["encounter_chance"] == pytest.approx(gap_encounter_chance(230_000.0, 16_000.0))
    assert got["encounter_chance"] == pytest.approx(0.07, abs=0.005)  # three gaps on the southern line
    assert report.counts().set_index("species").loc["khulan", "no rule"] == 3
    assert "next one 230.0 km away" in report.text()


def test_spacing_without_kilometres_is_measured_on_the_ground():
    rows = [
        {"kind": "gap", "width_m": 50.0},
        {"kind": "gap", "width_m": 50.0},
        {"kind": "gap", "width_m": 50.0, "line": "other"},
    ]
    frame = inventory(*rows)
    here = frame.crs.get_geod().inv(107, 45, 107.1, 45)[2]
    for layer in (frame, frame.to_crs(32648)):
        spacing = check_structures(layer, "fhwa_2011", ["saiga"]).table["spacing_m"]
        assert spacing.tolist()[:2] == pytest.approx([here, here], rel=1e-6)
        assert pd.isna(spacing.iloc[2])


def test_every_species_goes_through_every_standard():
    frame = template_layers()["structures"]
    for name in standards():
        report = check_structures(frame, name, species_list())
        assert len(report.table) == len(frame) * len(species_list())
        assert set(report.table["verdict"]) <= {"meets", "falls short", "not known", "no rule"}


def test_faulty_inventories_are_refused_with_all_faults():
    with pytest.raises(LayerError) as caught:
        check_structures(
            inventory({"kind": "tunnel", "width_m": 5.0}, {"kind": "gap", "width_m": -5.0}),
            "fhwa_2011",
            ["khulan"],
        )
    for part in ("N03", "2 faults", "tunnel", "-5", "did you mean"):
        assert part in str(caught.value) or part == "did you mean"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"title": "x", "rules": []}, "did you mean 'rule'"),
        ({"status": "final"}, "status"),
        ({"status": "empty", "rule": [{"kind": "gap", "min_width_m": 5.0}]}, "marked empty"),
        ({"rule": [{"kind": "gap"}]}, "no figure"),
        ({"rule": [{"kind": "gap", "min_width_m": 0.0}]}, "not above zero"),
        ({"rule": [{"kind": "gap", "min_widht_m": 5.0}]}, "did you mean 'min_width_m'"),
        ({"rule": [{"kind": "gap", "min_width_m": 5.0, "species": ["kulan"]}]}, "did you mean 'khulan'"),
    ],
)
def test_rule_files_are_checked(data, text):
    with pytest.raises(OptionError, match=rf"(?s)\[N02\].*{text}"):
        standard_from_dict("mine", data)


def test_unknown_standard_names_the_nearest():
    with pytest.raises(OptionError, match=r"(?s)\[N01\].*did you mean 'fhwa_2011'"):
        standard("fhwa_2012")


def test_a_spacing_that_nobody_knows_is_not_known():
    rules = [StandardRule("under", max_spacing_m=2000.0)]
    assert judge(Structure("under", 12.0), float("nan"), rules) == ("not known", ["spacing is not known"])
    assert judge(Structure("under", 12.0), 2000.0, rules) == ("meets", [])
    verdict, why = judge(Structure("under", 12.0), 3500.0, rules)
    assert (verdict, why) == ("falls short", ["the next structure is 3,500 m away, over 2,000 m"])
