"""What was mended for barriers holds for layers in every role: rows without a place, columns named otherwise, scenario layers."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely

import permeability as pm
from permeability.barriers.database import conform
from permeability.core.errors import Finding, LayerError
from permeability.landscape.habitat import distance_km
from permeability.layers.grid import Grid
from permeability.layers.rasters import write_geotiff
from permeability.layers.vectors import write_gpkg
from permeability.project.checking import check_project

CRS = "EPSG:32648"
GRID = Grid.from_bounds((0, 0, 12_000, 8000), cell_size=1000, crs=CRS)
HEAD = """
[project]
name = "case"
year = 2025
[grid]
crs = "EPSG:32648"
cell_size_m = 1000
bounds = [0, 0, 12000, 8000]
[layers.ground]
path = "ground.tif"
[layers.fences]
path = "fences.gpkg"
[layers.patches]
path = "patches.gpkg"
[barriers]
layers = ["fences"]
[species.khulan]
patches = "patches"
"""
PLAIN = '[habitat]\nresistance = "ground"\n'


def table(shapes: list[shapely.Geometry | None], **columns: list[object]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=CRS)


def project(folder: Path, more: str) -> Path:
    write_geotiff(folder / "ground.tif", np.ones(GRID.shape), GRID)
    fence = shapely.LineString([(6000, 0), (6000, 8000)])
    table([fence], id=["F"], kind=["fence"], fence_class=["stock"], line=["F"], accuracy_m=[50.0]).to_file(
        folder / "fences.gpkg"
    )
    areas = [shapely.box(1000, 3000, 3000, 5000), shapely.box(9000, 3000, 11000, 5000)]
    table(list(areas), id=["W", "E"]).to_file(folder / "patches.gpkg")
    (folder / "project.toml").write_text(HEAD + more)
    return folder / "project.toml"


def told(path: Path, code: str) -> list[Finding]:
    return [f for f in check_project(path) if f.code == code]


# ---------------------------------------------------------------- habitat factors
TOWNS = '[layers.towns]\npath = "towns.gpkg"\n[factors.town_km]\nderive = "distance"\nlayers = ["towns"]\n'


@pytest.mark.parametrize("missing", [None, shapely.Point(), shapely.Polygon(), shapely.Point(np.nan, np.nan)])
@pytest.mark.parametrize("town", [shapely.Point(500, 500), shapely.box(0, 0, 900, 900)])
def test_rows_without_a_place_change_no_distance(
    town: shapely.Geometry, missing: shapely.Geometry | None
) -> None:
    np.testing.assert_array_equal(distance_km(table([town, missing]), GRID), distance_km(table([town]), GRID))


def test_rows_without_a_place_are_told(tmp_path: Path) -> None:
    path = project(tmp_path, TOWNS)
    table([shapely.Point(500, 500), None], kind=["a", "b"]).to_file(tmp_path / "towns.gpkg")
    assert told(path, "L22")[0].rows == ("2 (1)",)
    table([None, None], kind=["a", "b"]).to_file(tmp_path / "towns.gpkg")
    (finding,) = told(path, "L21")
    assert (finding.layer, finding.severity) == ("towns", "error")
    assert "has a place" in finding.what


def test_a_factor_that_changes_nothing_is_told(tmp_path: Path) -> None:
    """A class that no cell has, as of a legend of another product; one cell of it is enough."""
    path = project(tmp_path, '[factors.forest]\nderive = "class"\nlayers = ["ground"]\nclasses = [5]\n')
    (finding,) = told(path, "L38")
    assert "forest is 1 on every cell of the landscape of khulan" in finding.what
    assert finding.severity == "warning"
    ground = np.ones(GRID.shape)
    ground[3, 3] = 5
    write_geotiff(tmp_path / "ground.tif", ground, GRID)
    assert told(path, "L38") == []


def test_a_factor_that_a_species_does_not_mind_is_not_told(tmp_path: Path) -> None:
    """The profile of the gazelle holds productivity at 1 whatever the draw; that of the khulan does not."""
    factor = '[factors.productivity_gc_m2_yr]\nderive = "value"\nlayers = ["ground"]\n'
    path = project(tmp_path, factor)
    (finding,) = told(path, "L38")
    assert "of khulan" in finding.what
    path.write_text(
        path.read_text(encoding="utf-8").replace("species.khulan", "species.mongolian_gazelle"),
        encoding="utf-8",
    )
    assert "mongolian_gazelle" in path.read_text(encoding="utf-8")
    assert told(path, "L38") == []


# ---------------------------------------------------------------- land cover given under [habitat]
def test_land_cover_is_never_averaged(tmp_path: Path) -> None:
    fine = Grid.from_bounds(GRID.bounds, cell_size=500, crs=CRS)
    cover = np.full(fine.shape, 4.0)
    cover[:, ::2] = 6
    path = project(tmp_path, '[habitat]\nlandcover = "cover"\nmultipliers = { 4 = 1, 5 = 10, 6 = 1 }\n'
                             '[layers.cover]\npath = "cover.tif"\nresampling = "average"\n')  # fmt: skip
    write_geotiff(tmp_path / "cover.tif", cover, fine)
    assert told(path, "L31")
    with pytest.raises(LayerError, match="L31"):
        pm.open_project(path).landscape("khulan")
    path.write_text(path.read_text().replace("average", "mode"))
    assert not told(path, "L31")
    assert np.unique(pm.open_project(path).landscape("khulan").resistance).tolist() == [1.0]


# ---------------------------------------------------------------- candidate sites
@pytest.mark.parametrize(
    ("column", "meant"), [("cost", "cost_usd"), ("width", "width_m"), ("Cost", "cost_usd")]
)
def test_a_column_without_its_unit_is_told(tmp_path: Path, column: str, meant: str) -> None:
    path = project(tmp_path, PLAIN + '[layers.sites]\npath = "sites.gpkg"\n[[candidates]]\nlayer = "sites"\n')
    table([shapely.LineString([(6000, 2000), (6000, 3000)])], id=["s"], treatment=["remove"], **{column: [20.0]}).to_file(tmp_path / "sites.gpkg")  # fmt: skip
    (finding,) = told(path, "K14")
    assert f"did you mean {meant!r}" in finding.remedy
    table([shapely.LineString([(6000, 2000), (6000, 3000)])], id=["s"], treatment=["remove"], **{meant: [20.0]}).to_file(tmp_path / "sites.gpkg")  # fmt: skip
    assert told(path, "K14") == []


# ---------------------------------------------------------------- scenario layers
def scenario(folder: Path, values: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> Path:
    path = project(
        folder,
        PLAIN
        + '[layers.later]\npath = "later.tif"\n[[scenarios]]\nname = "2035"\nlayers = { ground = "later" }\n',
    )
    with rasterio.open(folder / "later.tif", "w", driver="GTiff", width=12, height=8, count=1, dtype="float32", crs=CRS, transform=GRID.transform) as out:  # fmt: skip
        out.write(values.astype("float32"), 1)
    return path


def test_a_layer_of_a_scenario_is_held_against_its_role(tmp_path: Path) -> None:
    values = np.ones(GRID.shape)
    assert [f for f in check_project(scenario(tmp_path, values)) if f.severity == "error"] == []
    values[2:4, 5] = -9999
    path = scenario(tmp_path, values)
    (nodata,) = told(path, "L30")
    (below,) = told(path, "R01")
    assert nodata.layer == below.layer == "scenario '2035'"
    assert nodata.rows == ("layer ground",)
    assert below.severity == "error"


# ---------------------------------------------------------------- rings
def test_rings_are_written_as_closed_lines(tmp_path: Path) -> None:
    ring = shapely.LinearRing([(0, 0), (1000, 0), (1000, 1000)])
    file = write_gpkg(tmp_path / "a.gpkg", {"lines": table([ring], id=["F"])})
    (read,) = gpd.read_file(file).geometry
    assert read.geom_type == "LineString"
    assert read.equals(shapely.LineString(ring.coords))


def test_words_that_are_no_columns_are_left_alone() -> None:
    found = conform(table([shapely.Point(0, 0)], colour=["red"], km=[1.0], line=["F"]), "posts")
    assert "km" in found
