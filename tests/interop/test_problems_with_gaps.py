"""Problem files and arrays with something missing or turned: read as what they say, refused where they do not say enough."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine

import permeability as pm
from permeability.interop.chunked_arrays import maps_of_files, north_up
from permeability.interop.circuitscape import read_problem, run_problem
from permeability.interop.ini import ProblemFileError, parse_ini
from permeability.interop.omniscape import check_problem as check_windows
from permeability.interop.omniscape import read_problem as read_windows

HEAD = "ncols 5\nnrows 5\nxllcorner 0\nyllcorner 0\ncellsize 1\nNODATA_value -9999\n"


def network(folder: Path, **options: str) -> Path:
    """Three nodes in a row, 1 and 2 ohm apart."""
    (folder / "links.txt").write_text("1 2 1\n2 3 2\n", encoding="utf-8")
    (folder / "focal.txt").write_text("1\n3\n", encoding="utf-8")
    (folder / "sources.txt").write_text("1 1\n", encoding="utf-8")
    (folder / "grounds.txt").write_text("3 0\n", encoding="utf-8")
    given = {
        "data_type": "network", "habitat_file": "links.txt", "habitat_map_is_resistances": "True", "point_file": "focal.txt",
        "output_file": "result.out", "write_cur_maps": "False", "write_volt_maps": "True",
    } | options  # fmt: skip
    file = folder / "problem.ini"
    file.write_text("[Options]\n" + "".join(f"{k} = {v}\n" for k, v in given.items()), encoding="utf-8")
    return file


def advanced(folder: Path, **options: str) -> Path:
    lists = {"source_file": "sources.txt", "ground_file": "grounds.txt", "ground_file_is_resistances": "True"}
    return network(folder, scenario="advanced", **lists, **options)


def values(path: Path) -> dict[int, float]:
    return {int(a): float(b) for a, b in np.loadtxt(path)}


def test_a_network_may_be_asked_for_voltages_alone(tmp_path: Path) -> None:
    made = {p.name: p for p in run_problem(network(tmp_path, scenario="pairwise"))}
    assert not [n for n in made if "current" in n]
    (volts,) = (p for n, p in made.items() if "voltages" in n)
    found = values(volts)
    assert abs(found[1] - found[3]) == pytest.approx(3.0)
    assert abs(found[2] - found[3]) == pytest.approx(2.0)


def test_an_advanced_network_tells_when_it_is_done_and_writes_what_is_asked(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    made = {
        p.name: p
        for p in run_problem(advanced(tmp_path), progress=lambda done, total: seen.append((done, total)))
    }
    assert seen == [(1, 1)]
    assert not [n for n in made if "current" in n]
    assert values(next(p for n, p in made.items() if "voltages" in n)) == pytest.approx({1: 3, 2: 2, 3: 0})


def test_an_advanced_network_without_links_is_refused_for_that_alone(tmp_path: Path) -> None:
    file = advanced(tmp_path, habitat_file="gone.txt")
    with pytest.raises(ProblemFileError, match="no such file") as caught:
        run_problem(file)
    assert [f.code for f in read_problem(file).errors] == ["X04"]
    assert caught.value.code == "X04"


def test_a_file_that_nothing_needs_may_be_unset(tmp_path: Path) -> None:
    (tmp_path / "a.ini").write_text("mask = (Browse for a mask)\n", encoding="utf-8")
    ini = parse_ini(tmp_path / "a.ini")
    assert ini.path("mask") is None
    assert ini.path("habitat") is None
    assert ini.findings == []
    assert ini.path("habitat", needed_by="use_habitat = True") is None
    assert [f.code for f in ini.findings] == ["X03"]


def windows(folder: Path, **options: str) -> Path:
    (folder / "r.asc").write_text(HEAD + "1 1 1 1 1\n" * 5, encoding="utf-8")
    given = {
        "resistance_file": "r.asc", "radius": "2", "project_name": "out", "source_from_resistance": "true"
    } | options  # fmt: skip
    file = folder / "windows.ini"
    file.write_text("[Options]\n" + "".join(f"{k} = {v}\n" for k, v in given.items()), encoding="utf-8")
    return file


def test_empty_lines_of_a_reclass_table_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("\n1 5\n\n  \n2 missing\n", encoding="utf-8")
    file = windows(tmp_path, reclassify_resistance="true", reclass_table="t.txt")
    assert read_windows(file).reclass == ((1.0, 5.0), (2.0, None))


def tif(path: Path, crs: str | None, size: float = 1.0) -> None:
    place = Affine(size, 0, 0, 0, -size, 5)
    profile = {"driver": "GTiff", "height": 5, "width": 5, "count": 1, "dtype": "float64", "transform": place}
    with rasterio.open(path, "w", crs=crs, **profile) as target:
        target.write(np.arange(1.0, 26.0).reshape(5, 5), 1)


@pytest.mark.parametrize(
    ("crs", "size", "allowed", "codes"),
    [
        ("EPSG:32649", 1.0, "false", ["X20"]),
        ("EPSG:32649", 1.0, "true", []),
        ("EPSG:32649", 2.0, "true", ["X20"]),
    ],
)
def test_another_projection_is_excused_on_request_and_another_grid_is_not(
    tmp_path, crs, size, allowed, codes
):
    tif(tmp_path / "one.tif", "EPSG:32648")
    tif(tmp_path / "two.tif", crs, size)
    file = windows(
        tmp_path, resistance_file="one.tif", source_file="two.tif", source_from_resistance="false", allow_different_projections=allowed
    )  # fmt: skip
    found = [f for f in check_windows(file) if f.severity == "error"]
    assert [f.code for f in found] == codes
    assert all(("coordinate system" in f.details) == (allowed == "false") for f in found)


# ---------------------------------------------------------------- arrays
@pytest.mark.parametrize("turned", ["as it is", "from the east", "from the south", "columns first"])
def test_an_array_in_any_order_is_the_same_map(turned: str) -> None:
    land, _ = pm.samples.tiny()
    array = land.to_xarray(
        np.where(land.valid, np.arange(land.valid.size).reshape(land.valid.shape), np.nan), "r"
    )
    given = {
        "as it is": array, "from the east": array[:, ::-1], "from the south": array[::-1], "columns first": array.T,
    }[turned]  # fmt: skip
    found, grid = north_up(given)
    assert grid == land.grid
    np.testing.assert_array_equal(found.values, array.values)
    np.testing.assert_array_equal(found["x"], array["x"])
    np.testing.assert_array_equal(found["y"], array["y"])


def test_a_map_without_a_coordinate_system_claims_none(tmp_path: Path) -> None:
    tif(tmp_path / "bare.tif", None)
    tif(tmp_path / "placed.tif", "EPSG:32648")
    maps = maps_of_files([tmp_path / "bare.tif"])
    assert "spatial_ref" not in maps.coords
    assert "grid_mapping" not in maps["bare"].attrs
    np.testing.assert_array_equal(maps["bare"].values, np.arange(1.0, 26.0).reshape(5, 5))
    assert "EPSG" in maps_of_files([tmp_path / "placed.tif"])["spatial_ref"].attrs["crs_wkt"]
