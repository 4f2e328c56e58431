"""Real files as they come: nothing is lost, nothing is guessed in silence, and `check` says what `run` will meet."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import permeability as pm
from permeability.core.errors import LayerError, PermeabilityError
from permeability.layers.grid import Grid
from permeability.layers.rasters import write_geotiff
from permeability.project.checking import check_project, inspect
from permeability.project.checks.account import account, account_text

CRS = "EPSG:32648"
HEAD = f"""
[project]
name = "case"
year = 2025

[grid]
crs = "{CRS}"
cell_size_m = 1000
bounds = [0, 0, 12000, 8000]

[layers.ground]
path = "ground.tif"

[habitat]
resistance = "ground"

[barriers]
layers = ["barriers"]

[species.khulan]
patches = "patches"

[layers.patches]
path = "patches.gpkg"

[layers.barriers]
"""
FENCE = shapely.LineString([(6000, 0), (6000, 8000)])
Write = Callable[..., Path]
CUT = pytest.mark.filterwarnings("ignore:Column names longer", "ignore:Normalized")


def fence(shape: shapely.Geometry = FENCE, **columns: object) -> gpd.GeoDataFrame:
    known = {"id": ["F"], "kind": ["fence"], "fence_class": ["border"]}
    return gpd.GeoDataFrame({**known, **{k: [v] for k, v in columns.items()}}, geometry=[shape], crs=CRS)


def places() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {"id": ["W", "E"]},
        geometry=[shapely.box(1000, 3000, 3000, 5000), shapely.box(9000, 3000, 11000, 5000)],
        crs=CRS,
    )


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a project around a barrier layer; ``barriers`` is the text of its table."""

    def made(
        lines: gpd.GeoDataFrame | None = None,
        barriers: str = 'path = "lines.gpkg"',
        more: str = "",
        patches: gpd.GeoDataFrame | None = None,
    ) -> Path:
        grid = Grid.from_bounds((0, 0, 12_000, 8000), cell_size=1000, crs=CRS)
        write_geotiff(tmp_path / "ground.tif", np.ones(grid.shape), grid)
        (places() if patches is None else patches).to_file(tmp_path / "patches.gpkg")
        if lines is not None:
            lines.to_file(tmp_path / "lines.gpkg")
        path = tmp_path / "project.toml"
        path.write_text(HEAD + barriers + "\n" + more, encoding="utf-8")
        return path

    return made


def connected(path: Path) -> bool:
    project = pm.open_project(path)
    return bool(
        pm.connectivity(project.landscape("khulan"), project.patches("khulan")).pairs["connected"].all()
    )


def codes(path: Path) -> list[str]:
    return [f.code for f in check_project(path)]


# ---------------------------------------------------------------- columns, words, numbers, years
@CUT
def test_a_shapefile_does_not_change_the_class_of_a_fence(write: Write, tmp_path: Path) -> None:
    fence().to_file(tmp_path / "lines.shp")  # fence_class becomes fence_clas
    path = write(barriers='path = "lines.shp"')
    (note,) = check_project(path)
    assert (note.code, note.severity) == ("K18", "note")
    assert "'fence_clas' is read as 'fence_class'" in note.text()
    assert not connected(path)


@CUT
def test_names_cut_alike_are_asked_for(write: Write, tmp_path: Path) -> None:
    road = fence(
        kind="road",
        fence_class=None,
        vehicles_per_day_low=1.0,
        vehicles_per_day=2.0,
        vehicles_per_day_high=3.0,
    )
    road.to_file(tmp_path / "lines.shp")
    found = [f for f in check_project(write(barriers='path = "lines.shp"')) if f.code == "K19"]
    assert len(found) == 3
    assert "vehicles_per_day_low" in found[0].what
    assert "columns = {" in found[0].remedy


def test_a_slip_in_a_column_with_a_default_is_told(write: Write) -> None:
    finding = next(
        f
        for f in check_project(write(fence().rename(columns={"fence_class": "fence_klass"})))
        if f.code == "K14"
    )
    assert finding.severity == "warning"
    assert "did you mean 'fence_class'" in finding.remedy


@pytest.mark.parametrize("change", [str.upper, str.title, lambda w: f" {w} "])
def test_letter_case_and_blanks_of_words_and_columns_do_not_count(
    write: Write, change: Callable[[str], str]
) -> None:
    lines = fence(kind=change("fence"), fence_class=change("border"), status=change("existing"))
    path = write(lines.rename(columns={"kind": "Kind", "status": "STATUS"}))
    assert "error" not in {f.severity for f in check_project(path)}
    assert not connected(path)


@pytest.mark.parametrize(
    ("cell", "number"), [("1 200", 1200), ("1200,5", 1200.5), ("1\u202f200", 1200), ("5000 veh/d", 5000)]
)
def test_numbers_as_text_are_read(write: Write, cell: str, number: float) -> None:
    path = write(fence(kind="road", fence_class=None, vehicles_per_day=cell))
    assert not [f for f in check_project(path) if f.severity == "error"]
    assert pm.open_project(path).barriers.table["vehicles_per_day"].tolist() == [number]


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("vehicles_per_day", "~1200"),
        ("vehicles_per_day", "5,000"),
        ("trains_per_day", "many"),
        ("wire_heights_m", "knee high"),
        ("opened", "spring 2031"),
        ("presence", "likely"),
        ("accuracy_m", "1-2 km"),
        ("closed_hours", "at night"),
        ("fenced", "partly"),
    ],
)
def test_every_cell_that_is_not_understood_is_a_finding_and_stops_the_run(
    write: Write, column: str, cell: str
) -> None:
    path = write(fence(**{column: cell}))
    (finding,) = [f for f in check_project(path) if f.severity == "error"]
    assert finding.details["column"] == column
    assert cell in finding.text()
    assert finding.rows == ("1 (F)",)
    assert finding.remedy
    with pytest.raises(PermeabilityError):
        _ = pm.open_project(path).barriers


def test_dates_count_as_years(write: Write) -> None:
    opened = write(fence(opened=pd.Timestamp("1998-05-01")))
    assert not connected(opened)
    closed = write(fence(closed="2010-06-30 00:00:00", status="removed"))
    assert connected(closed)
    never = write(fence(closed="9999-12-31"))
    assert not connected(never)


# ---------------------------------------------------------------- geometry
def test_any_geometry_column_counts(write: Write, tmp_path: Path) -> None:
    lines = fence().rename_geometry("geom")
    lines["geometry"] = "a word"
    lines["centre"] = lines.centroid
    lines.to_parquet(tmp_path / "lines.parquet")
    path = write(barriers='path = "lines.parquet"')
    (finding,) = check_project(path)
    assert finding.code == "K23"
    assert "'centre' not" in finding.what
    assert not connected(path)


def test_patches_drawn_as_lines_take_every_cell_they_run_through(write: Write) -> None:
    drawn = [
        shapely.LineString([(1500, 250), (1500, 7750)]),
        shapely.GeometryCollection(
            [shapely.LineString([(9500, 250), (9500, 6750)]), shapely.Point(9500, 7500)]
        ),
    ]
    patches = pm.open_project(
        write(
            fence(fence_class="stock"), patches=gpd.GeoDataFrame({"id": ["W", "E"]}, geometry=drawn, crs=CRS)
        )
    ).patches("khulan")
    assert patches.table["area_km2"].tolist() == [8.0, 8.0]


def test_a_mask_drawn_as_a_line_is_refused(write: Write) -> None:
    path = write(fence(), more='[layers.ring]\npath = "lines.gpkg"\n[mask]\ninside = ["ring"]\n')
    assert [f.code for f in check_project(path) if f.severity == "error"] == ["L06"]
    with pytest.raises(LayerError, match="no areas"):
        _ = pm.open_project(path).mask


def test_lines_in_degrees_keep_their_course(tmp_path: Path) -> None:
    """A parallel drawn with two vertices: the middle of the fence lies on it, not on the chord."""
    from permeability.layers.vectors import read_vector

    gpd.GeoDataFrame({"id": ["F"]}, geometry=[shapely.LineString([(100, 46), (108, 46)])], crs=4326).to_file(
        tmp_path / "f.gpkg"
    )
    moved = read_vector(tmp_path / "f.gpkg", crs=CRS).geometry[0]
    middle = gpd.GeoSeries([shapely.Point(104, 46)], crs=4326).to_crs(CRS)[0]
    assert moved.distance(middle) < 2
    dense = gpd.GeoSeries(
        [shapely.LineString(np.column_stack([np.linspace(100, 108, 4001), np.full(4001, 46)]))], crs=4326
    ).to_crs(CRS)[0]
    assert shapely.hausdorff_distance(moved, dense) < 250  # vertices lie this far apart at most
    assert dense.within(moved.buffer(2))


# ---------------------------------------------------------------- what contributes nothing
def test_a_layer_beside_the_grid_is_an_error(write: Write) -> None:
    (finding,) = check_project(write(fence(shapely.LineString([(5e6, 0), (5e6, 8000)]))))
    assert (finding.code, finding.layer) == ("L21", "barriers")
    assert "grid" in finding.details


def test_rows_off_the_grid_are_told(write: Write) -> None:
    far = fence(shapely.LineString([(5e5, 0), (5e5, 8000)])).assign(id="far")
    (finding,) = check_project(write(pd.concat([fence(), far], ignore_index=True)))
    assert (finding.code, finding.severity, finding.rows) == ("L22", "warning", ("2 (far)",))


def test_of_several_tables_one_has_to_be_named(write: Write, tmp_path: Path) -> None:
    fence().to_file(tmp_path / "two.gpkg", layer="border")
    fence(fence_class="stock").to_file(tmp_path / "two.gpkg", layer="stock")
    (finding,) = check_project(write(barriers='path = "two.gpkg"'))
    assert finding.code == "L18"
    assert "border, stock" in finding.text()
    path = write(barriers='path = "two.gpkg"\ntable = "border"')
    assert check_project(path) == []
    _, seen = inspect(path)
    assert seen is not None
    assert "other tables of the file: stock" in account_text(account(seen.project, seen))


def test_the_account_adds_up(write: Write) -> None:
    far = fence(shapely.LineString([(5e5, 0), (5e5, 8000)])).assign(id="far", colour="red")
    path = write(pd.concat([fence(), far], ignore_index=True))
    rows = {r.name: r for r in account(pm.open_project(path))}
    assert (rows["barriers"].rows, rows["barriers"].on_grid) == (2, 1)
    assert rows["barriers"].unread == ("colour",)
    cuts = pm.open_project(path).cuts
    assert f"edges cut: {len(cuts.barrier):,}" in rows["barriers"].facts[0]
    assert rows["patches"].facts == ("cells: 8",)
    assert rows["ground"].facts == ("cells with a value: 96 of 96",)


def test_a_filter_compares_what_is_written(write: Write) -> None:
    lines = pd.concat([fence(), fence().assign(id="G")], ignore_index=True).assign(code=[5, 6])
    path = write(lines, barriers='path = "lines.gpkg"\nwhere = { code = "5" }')
    assert pm.open_project(path).barriers.table["id"].tolist() == ["F"]
    (finding,) = check_project(write(lines, barriers='path = "lines.gpkg"\nwhere = { code = 7 }'))
    assert "5, 6" in finding.text()


# ---------------------------------------------------------------- lines drawn twice, joints that are missed
def test_a_line_drawn_twice_counts_once(write: Write) -> None:
    copy = fence(shapely.LineString([(6000, 8000), (6000.4, 4000), (6000, 0)]), fence_class="stock").assign(
        id="G"
    )
    twice = write(pd.concat([fence(fence_class="stock"), copy], ignore_index=True))
    (finding,) = check_project(twice)
    assert finding.code == "B25"
    assert "G (as F: 8.0 km)" in finding.text()
    project = pm.open_project(twice)
    cost = pm.connectivity(project.landscape("khulan"), project.patches("khulan")).pairs["cost_km"].iloc[0]
    one = pm.open_project(write(fence(fence_class="stock")))
    assert cost == pytest.approx(
        pm.connectivity(one.landscape("khulan"), one.patches("khulan")).pairs["cost_km"].iloc[0]
    )
    other = copy.assign(status="planned")  # a fence that is to replace the first is no copy
    assert len(pm.open_project(write(pd.concat([fence(), other], ignore_index=True))).barriers) == 2


def test_lines_on_each_other_are_told_and_can_be_one(write: Write) -> None:
    beside = fence(shapely.LineString([(6003, 1000), (6003, 8000)])).assign(id="G")
    path = write(pd.concat([fence(), beside], ignore_index=True))
    (finding,) = check_project(path)
    assert finding.code == "B20"
    assert finding.rows == ("F and G: 7.0 km",)
    path.write_text(
        path.read_text().replace('layers = ["barriers"]', 'layers = ["barriers"]\nas_one = [["F", "G"]]')
    )
    assert codes(path) == ["B23"]
    assert pm.open_project(path).barriers.table["id"].tolist() == ["F"]


def test_ends_that_miss_each_other_are_told_and_can_be_joined(write: Write) -> None:
    """A border fence of two rows with a gap of 30 m between them: whether it is one is for the user to say."""
    rows = [shapely.LineString([(6010, 0), (5500, 4480)]), shapely.LineString([(5505, 4510), (6010, 8000)])]
    lines = gpd.GeoDataFrame(
        {"id": ["a", "b"], "kind": "fence", "fence_class": "border", "line": "F", "accuracy_m": 100.0},
        geometry=rows,
        crs=CRS,
    )
    path = write(lines)
    found = {f.code: f for f in check_project(path)}
    assert "snap_m" in found["B22"].remedy
    assert "a - b (30 m)" in found["B22"].text()
    path.write_text(path.read_text().replace('layers = ["barriers"]', 'layers = ["barriers"]\nsnap_m = 50'))
    assert codes(path) == ["B24"]
    assert pm.open_project(path).barriers.stretch("F", 0, 9).geom_type == "LineString"
    assert not connected(path)


def test_two_carriageways_are_told(write: Write) -> None:
    lanes = [shapely.LineString([(6000, 0), (6000, 8000)]), shapely.LineString([(6030, 8000), (6030, 0)])]
    lines = gpd.GeoDataFrame(
        {"id": ["a", "b"], "kind": "road", "line": "A1", "vehicles_per_day": 900}, geometry=lanes, crs=CRS
    )
    assert "B21" in codes(write(lines))


# ---------------------------------------------------------------- candidates
def sites(path: Path, **columns: object) -> Path:
    drawn = gpd.GeoDataFrame(
        {"id": ["s"], **{k: [v] for k, v in columns.items()}},
        geometry=[shapely.LineString([(6100, 1000), (6100, 3000)])],
        crs=CRS,
    )
    drawn.to_file(path.parent / "sites.gpkg")
    path.write_text(
        path.read_text() + '\n[layers.sites]\npath = "sites.gpkg"\n[[candidates]]\nlayer = "sites"\n'
    )
    return path


def test_costs_chances_and_lines_of_drawn_sites_as_text(write: Write) -> None:
    path = sites(write(fence()), cost_usd="12 500", p="0,5", width_m="50,5", treatment="gap")
    (site,) = pm.open_project(path).candidates("khulan")
    assert site.cost_usd.best == 12_500
    assert site.interventions[0].chance is not None
    assert site.interventions[0].chance.best == 0.5
    assert site.interventions[0].width_m == 50.5


@pytest.mark.parametrize(
    ("column", "cell", "code"),
    [("cost_usd", "dear", "K03"), ("p", 2, "K05"), ("line", 5, "B06"), ("cost_usd_low", 3.0, "K09")],
)
def test_what_is_wrong_with_drawn_sites_stops_the_check(
    write: Write, column: str, cell: object, code: str
) -> None:
    assert code in codes(sites(write(fence()), **{column: cell}))


def test_every_fence_is_a_candidate(write: Write) -> None:
    shapes = [shapely.LineString([(x, 0), (x, 8000)]) for x in (4000, 6000, 8000)]
    lines = gpd.GeoDataFrame(
        {
            "id": ["a", "b", "R"],
            "kind": ["fence", "fence", "road"],
            "fence_class": ["stock", "stock", None],
            "vehicles_per_day": [np.nan, np.nan, 500],
        },
        geometry=shapes,
        crs=CRS,
    )
    path = write(lines, more='[[candidates]]\nkind = "fence"\nlength_km = 4\n')
    assert [c.id for c in pm.open_project(path).candidates("khulan")] == [
        "a km 0-4",
        "a km 4-8",
        "b km 0-4",
        "b km 4-8",
    ]
    path.write_text(path.read_text().replace('kind = "fence"\nlength_km = 4', 'lines = "all"\nlength_km = 8'))
    assert [c.id for c in pm.open_project(path).candidates("khulan")] == [
        "a km 0-8",
        "b km 0-8",
    ]  # a road has no fence
    assert not [f for f in check_project(path) if f.severity == "error"]


@pytest.mark.parametrize(
    "wrong",
    [
        "chance = 2", "chance = -0.5", "cost_usd = -3", "cost_usd = inf", "km = [nan, 3]", "km = [5, 1]", "length_km = 1e-9",
    ],
)  # fmt: skip
def test_numbers_that_no_candidate_can_have(write: Write, wrong: str) -> None:
    path = write(fence(), more=f'[[candidates]]\nline = "F"\ntreatment = "own"\n{wrong}\n')
    found = [f for f in check_project(path) if f.severity == "error"]
    assert found
    assert found[0].code in ("J03", "B19", "B40")


@pytest.mark.parametrize(
    "wrong",
    [
        "seed = -1",
        "draws = 1_000_000_000",
        "budget_usd = 1e300",
        "budget_usd = inf",
        "worth_usd_per_gain = nan",
    ],
)
def test_numbers_that_no_ranking_can_have(write: Write, wrong: str) -> None:
    assert codes(write(fence(), more=f"[ranking]\n{wrong}\n")) == ["J03"]


def test_budgets_that_buy_nothing_or_not_enough_are_told(write: Write) -> None:
    more = '[[candidates]]\nline = "F"\nlength_km = 2\n[ranking]\nbudget_usd = 1\n'
    path = write(fence(), more=more)
    assert "J15" in codes(path)
    assert "J16" in codes(write(fence(), more=more + '[portfolio]\nmust = ["F km 0-2"]\n'))
    run = pm.run_project(write(fence(), more=more), path.parent / "results")
    assert (path.parent / "results" / "report.html").is_file()
    assert run.choice.plans["khulan"].sites == []


# ---------------------------------------------------------------- species and traffic
def test_own_species(write: Write, tmp_path: Path) -> None:
    path = write(fence())
    text = path.read_text()
    path.write_text(text.replace("[species.khulan]", '[species.pronghorn]\nbased_on = "mongolian_gazelle"'))
    assert check_project(path) == []
    profile = pm.open_project(path).profile("pronghorn")
    assert (profile.id, profile.name()) == ("pronghorn", "pronghorn")
    from permeability.species import species

    assert profile.trace_km == species("mongolian_gazelle").trace_km
    path.write_text(text.replace("[species.khulan]", '[species.pronghorn]\nbased_on = "mongolian_gazel"'))
    assert codes(path) == ["S01"]
    path.write_text(text.replace("[species.khulan]", '[species.pronghorn]\nprofile = "mine.toml"'))
    assert codes(path) == ["L01"]
    (tmp_path / "mine.toml").write_text("id = ", encoding="utf-8")
    assert codes(path) == ["O62"]


def test_growth_of_traffic_leaves_planned_roads_alone(write: Write) -> None:
    roads = gpd.GeoDataFrame({"id": ["old", "new"], "kind": "road", "status": ["existing", "planned"], "vehicles_per_day": [1000, 2500]},
                             geometry=[FENCE, shapely.LineString([(8000, 0), (8000, 8000)])], crs=CRS)  # fmt: skip
    path = write(
        roads,
        more='[[scenarios]]\nname = "2035"\n[[scenarios.steps]]\naction = "traffic"\nkind = "road"\ntimes = 1.3\n',
    )
    steps = pm.open_project(path).scenario("2035").interventions
    assert [(s.line, s.options["vehicles_per_day"]) for s in steps] == [("old", 1300.0)]


def test_own_classes_of_land_cover(write: Write, tmp_path: Path) -> None:
    path = write(fence(fence_class="stock"))
    cover = np.full((8, 12), 10.0)
    cover[:, :3] = 40
    write_geotiff(
        tmp_path / "ground.tif", cover, Grid.from_bounds((0, 0, 12_000, 8000), cell_size=1000, crs=CRS)
    )
    text = path.read_text()
    path.write_text(
        text.replace('resistance = "ground"', 'landcover = "ground"\nmultipliers = { 10 = 1, 40 = 3 }')
    )
    assert check_project(path) == []
    land = pm.open_project(path).landscape("khulan")
    assert np.unique(land.resistance[:, :3]).tolist() == [3.0]
    assert np.unique(land.resistance[:, 3:]).tolist() == [1.0]
    path.write_text(text.replace('resistance = "ground"', 'landcover = "ground"\nmultipliers = { 10 = 1 }'))
    (finding,) = check_project(path)
    assert (finding.code, finding.rows) == ("L24", ("40 (24 cells)",))
    path.write_text(
        text.replace('resistance = "ground"', 'landcover = "ground"\nmultipliers = { steppe = 1 }')
    )
    assert codes(path)[0] == "J03"
