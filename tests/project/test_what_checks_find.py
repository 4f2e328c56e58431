"""One small fault each: which finding a check makes of it, about what, and which it leaves to another chapter."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely

import permeability as pm
from permeability.core.errors import Finding
from permeability.layers.rasters import write_geotiff
from permeability.layers.vectors import write_gpkg
from permeability.project.checks.account import account, roles_of

CRS = "EPSG:32648"
SCENARIOS = "[[scenarios]]"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return pm.samples.tiny_project(tmp_path / "tiny")


def changed(path: Path, *changes: tuple[str, str], more: str = "") -> Path:
    text = path.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text + more, encoding="utf-8")
    return path


def layer(
    path: Path, name: str, shapes: list[shapely.Geometry | None], crs: str = CRS, **columns: object
) -> str:
    """Write a layer beside the project; the lines of the project file that name it."""
    table = gpd.GeoDataFrame(
        {"id": [f"{name}{i}" for i in range(len(shapes))], **columns}, geometry=shapes, crs=crs
    )
    write_gpkg(path.with_name(f"{name}.gpkg"), {name: table})
    return f'[layers.{name}]\npath = "{name}.gpkg"\n\n'


def with_crs(path: Path, code: int | None) -> None:
    """The ground again, said to lie in another coordinate system, or in none."""
    file = path.with_name("resistance.tif")
    with rasterio.open(file) as source:
        values, facts = source.read(), dict(source.profile)
    file.unlink()
    with rasterio.open(file, "w", **{**facts, "driver": "GTiff", "crs": code and f"EPSG:{code}"}) as target:
        target.write(values)


def found(path: Path, code: str = "") -> list[Finding]:
    return [f for f in pm.check(path) if f.code == code or not code]


def errors(path: Path) -> list[str]:
    return [f.code for f in pm.check(path) if f.severity == "error"]


# ---------------------------------------------------------------- keys of the file
def test_a_key_like_no_other_is_told_and_the_rest_is_checked(path: Path) -> None:
    changed(
        path, ("cell_size_m = 1000", "cell_size_m = 1000\nzzzzzz = 5"), ('line = "F"\nkm', 'line = "Q"\nkm')
    )
    assert errors(path) == ["J03", "B06"]
    assert "zzzzzz" in found(path, "J03")[0].text()


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("[grid]\n", "[unused]\n", "grid"),
        (
            'resistance = "resistance"\n',
            'landcover = "resistance"\n',
            "landcover and multipliers go together",
        ),
        (
            'resistance = "resistance"\n',
            'landcover = "resistance"\nmultipliers = { 1.5 = 2.0 }\n',
            "multipliers",
        ),
        ('path = "resistance.tif"', 'path = "a\\u0000b.tif"', "path"),
        (
            "length_km = 2",
            "length_km = 2\ncorridor_km = 1\neach_side = true",
            "corridor_km goes with stretches",
        ),
        (
            'line = "F"\nlength_km = 2',
            'kind = "fence"\nstructures_km = [2]',
            "structures_km goes with one line",
        ),
    ],
)
def test_keys_that_do_not_go_together_are_told_in_words(path: Path, old: str, new: str, told: str) -> None:
    changed(path, (old, new))
    assert told in "\n".join(f.text() for f in found(path, "J03"))


def test_a_table_that_is_a_number_is_told(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    start, end = text.index("[grid]"), text.index("[layers.barriers]")
    path.write_text("grid = 3\n" + text[:start] + text[end:], encoding="utf-8")
    assert "grid" in "\n".join(f.text() for f in found(path, "J03"))


# ---------------------------------------------------------------- the grid
def test_a_grid_like_a_layer_that_is_not_there_is_told(path: Path) -> None:
    changed(path, ('crs = "EPSG:32648"\ncell_size_m = 1000\nbounds = [0, 0, 12000, 8000]', 'like = "ground"'))
    assert "ground" in found(path, "L09")[0].text()


@pytest.mark.parametrize(
    ("bounds", "proposed"),
    [("[104.9, 45.0, 105.2, 45.2]", True), ("[0, 0, 12000, 8000]", False)],
    ids=["degrees", "metres of an unknown kind"],
)
def test_a_grid_in_degrees_is_refused_with_a_proposal_where_there_is_one(
    path: Path, bounds: str, proposed: bool
) -> None:
    land, patches = pm.samples.tiny()
    barriers = land.barriers.table[["id", "kind", "fence_class", "geometry"]].to_crs(4326)
    write_gpkg(path.with_name("layers.gpkg"), {"barriers": barriers, "patches": patches.table[["id", "geometry"]].to_crs(4326)})  # fmt: skip
    with_crs(path, 4326)
    changed(
        path,
        ('crs = "EPSG:32648"', 'crs = "EPSG:4326"'),
        ("bounds = [0, 0, 12000, 8000]", f"bounds = {bounds}"),
    )
    told = found(path, "G01")[0]
    assert ("crs = " in told.remedy) == proposed
    assert told.layer == "grid"
    assert "line 6" in told.rows[0]


# ---------------------------------------------------------------- layers and their rows
def test_a_raster_without_coordinate_system_is_told_once(path: Path) -> None:
    with_crs(path, None)
    assert [f.layer for f in found(path) if f.severity == "error"] == ["resistance"]
    assert [f.layer for f in found(path, "G07")] == ["resistance"]


def test_a_mask_that_cannot_be_read_or_has_no_place_is_told_in_one_chapter(path: Path) -> None:
    text = layer(path, "lake", [None, shapely.Polygon()])
    changed(
        path,
        ("[layers.patches]", f"{text}[layers.patches]"),
        ("[barriers]", '[mask]\noutside = ["lake"]\n\n[barriers]'),
    )
    assert errors(path) == ["L06"]
    path.with_name("lake.gpkg").unlink()
    assert errors(path) == ["L01"]


def test_a_suitability_above_one_is_refused(path: Path) -> None:
    changed(path, ('[habitat]\nresistance = "resistance"', '[habitat]\nsuitability = "resistance"'))
    assert errors(path) == []
    land, _ = pm.samples.tiny()
    write_geotiff(path.with_name("resistance.tif"), np.full(land.grid.shape, 80.0), land.grid)
    assert [f.layer for f in found(path) if f.severity == "error"] == ["resistance"]


def test_ground_that_hangs_together_over_corners_is_told(path: Path) -> None:
    land, _ = pm.samples.tiny()
    ground = np.ones(land.grid.shape)
    ground[np.arange(8), np.arange(8) + 1] = np.nan
    write_geotiff(path.with_name("resistance.tif"), ground, land.grid)
    told = found(path, "L39")[0]
    assert "over 7 corners only" in told.what
    assert told.severity == "warning"
    changed(path, ("cell_size_m = 1000", "cell_size_m = 1000\nneighbours = 4"))
    assert found(path, "L39") == []  # four neighbours never move over a corner


@pytest.mark.parametrize(
    ("ids", "code", "severity"),
    [([None, "E"], "K02", "error"), (["W"], "P07", "warning")],
    ids=["nameless", "alone"],
)
def test_patches_have_a_name_and_are_more_than_one(
    path: Path, ids: list[str | None], code: str, severity: str
) -> None:
    shapes = [shapely.box(1000, 3000, 3000, 5000), shapely.box(9000, 3000, 11000, 5000)][: len(ids)]
    write_gpkg(
        path.with_name("places.gpkg"), {"places": gpd.GeoDataFrame({"id": ids}, geometry=shapes, crs=CRS)}
    )
    changed(
        path,
        (
            '[layers.patches]\npath = "layers.gpkg"\ntable = "patches"',
            '[layers.patches]\npath = "places.gpkg"',
        ),
    )
    told = [f for f in pm.check(path) if f.layer == "patches"]
    assert (code, severity) in [(f.code, f.severity) for f in told]


def test_ids_in_two_layers_of_barriers_are_told_with_their_layers(path: Path) -> None:
    text = layer(
        path, "more", [shapely.LineString([(2000, 0), (2000, 8000)])], kind=["fence"], fence_class=["stock"]
    )
    changed(
        path,
        ("[layers.patches]", f"{text}[layers.patches]"),
        ('layers = ["barriers"]', 'layers = ["barriers", "more"]'),
    )
    assert errors(path) == []
    again = gpd.read_file(path.with_name("more.gpkg")).assign(id="F")
    write_gpkg(path.with_name("more.gpkg"), {"more": again})
    assert found(path, "L05")[0].rows == ("F (barriers)", "F (more)")


@pytest.mark.parametrize(("gap", "severity"), [(200, "warning"), (3000, "error")])
def test_a_line_told_by_kilometres_may_have_a_small_gap_only(path: Path, gap: int, severity: str) -> None:
    broken = shapely.MultiLineString([[(6000, 0), (6000, 4000)], [(6000, 4000 + gap), (6000, 8000)]])
    land, patches = pm.samples.tiny()
    table = land.barriers.table[["id", "kind", "fence_class", "geometry"]].assign(
        geometry=[broken, land.barriers.table.geometry[1]]
    )
    write_gpkg(
        path.with_name("layers.gpkg"), {"barriers": table, "patches": patches.table[["id", "geometry"]]}
    )
    assert [f.severity for f in found(path, "B16")] == [severity]
    changed(path, ('line = "F"\nlength_km = 2', 'line = "S"\nlength_km = 2'), ("km = [2, 6]\n", ""))
    assert found(path, "B16") == []  # nothing hangs on its kilometres now
    assert found(path, "B26")[0].rows == ("F (gaps)",)


def test_sites_without_a_place_are_told_when_they_are_placed(path: Path) -> None:
    text = layer(path, "sites", [shapely.LineString([(6000, 1000), (6000, 2000)]), None], line="F")
    changed(
        path,
        ("[layers.patches]", f"{text}[layers.patches]"),
        ('line = "F"\nlength_km = 2', 'layer = "sites"'),
    )
    codes = [f.code for f in found(path) if f.severity == "error"]
    assert "K10" not in codes
    assert len(codes) == 1


# ---------------------------------------------------------------- steps
def test_a_step_with_a_file_that_is_not_there_is_told(path: Path) -> None:
    changed(path, more='\n[[scenarios.steps]]\naction = "layer"\nlayer = "resistance"\npath = "later.tif"\n')
    told = found(path, "L01")[0]
    assert "later.tif" in told.text()
    assert "step 2" in told.rows


# ---------------------------------------------------------------- what a layer gives
def test_the_account_counts_a_layer_of_two_scenarios_once(path: Path) -> None:
    text = layer(path, "later", [shapely.box(1000, 3000, 3000, 5000), shapely.box(9000, 3000, 11000, 5000)])
    plans = "".join(f'\n[[scenarios]]\nname = "{n}"\nlayers = {{ patches = "later" }}\n' for n in "ab")
    changed(path, ("[layers.patches]", f"{text}[layers.patches]"), more=plans)
    assert roles_of(pm.open_project(path))["later"] == ("scenario",)


def test_the_account_tells_cells_of_places_and_nothing_of_a_raster_out_of_use(path: Path) -> None:
    land, _ = pm.samples.tiny()
    write_geotiff(path.with_name("spare.tif"), np.ones(land.grid.shape), land.grid)
    changed(path, ("[layers.patches]", '[layers.spare]\npath = "spare.tif"\n\n[layers.patches]'))
    rows = {r.name: r for r in account(pm.open_project(path))}
    assert (rows["spare"].roles, rows["spare"].facts) == ((), ())
    assert "not used" in rows["spare"].text()
    assert [str(f) for f in rows["patches"].facts] == ["cells: 8"]
    assert [str(f) for f in rows["resistance"].facts] == ["cells with a value: 96 of 96"]


def test_the_account_of_lines_that_no_run_counts_tells_no_kilometres_of_theirs(path: Path) -> None:
    text = layer(path, "canals", [shapely.LineString([(2000, 0), (2000, 8000)])], kind=["canal"])
    changed(
        path,
        ("[layers.patches]", f"{text}[layers.patches]"),
        ('layers = ["barriers"]', 'layers = ["barriers", "canals"]'),
    )
    rows = {r.name: r for r in account(pm.open_project(path))}
    assert [str(f) for f in rows["canals"].facts] == ["0 km, edges cut: 0"]
    assert [str(f) for f in rows["barriers"].facts][1] == "kilometres: drawn length (2)"
