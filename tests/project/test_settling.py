"""``pm.settle``: a project of one's own and the sample over other grids; what it takes; the cell size that a plan proposes."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest

import permeability as pm
from permeability.core.errors import GridMismatchError, MemoryLimitError, OptionError
from permeability.layers import rasters
from permeability.project import settling
from permeability.project.run.cell_size import cell_size_line, proposed_cell_m
from permeability.project.run.effort import plan_project
from permeability.project.settling import prepared, refuse_effort, settle_effort, write_settled
from permeability.ranking.settling import shifted


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return pm.samples.tiny_project(tmp_path / "tiny")


def edited(path: Path, old: str, new: str) -> Path:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    return path


def test_a_raster_that_fits_one_grid_needs_a_word(path: Path) -> None:
    with pytest.raises(GridMismatchError, match="--resampling average") as refused:
        pm.settle(path)
    assert refused.value.code == "G08"
    assert refused.value.rows == ["resistance"]
    said = edited(path, 'path = "resistance.tif"', 'path = "resistance.tif"\nresampling = "nearest"')
    in_file = pm.settle(said, levels=2, origins=3)["khulan"]
    asked = pm.settle(said, levels=2, origins=3, resampling="average")["khulan"]
    for cell, gains in in_file.gains.items():  # even ground: however it is brought onto the grid
        assert asked.gains[cell] == pytest.approx(gains, rel=1e-9)


def test_codes_take_the_mode_and_not_a_mean(path: Path) -> None:
    edited(
        path,
        '[habitat]\nresistance = "resistance"',
        '[habitat]\nlandcover = "resistance"\nmultipliers = { 1 = 2.0 }',
    )
    assert prepared(path, resampling="average").ways == {"resistance": "mode"}
    assert prepared(path, resampling="nearest").ways == {"resistance": "nearest"}


def test_the_first_grid_is_the_projects(path: Path) -> None:
    found = pm.settle(path, levels=1, origins=2, resampling="average")["khulan"]
    ranked = pm.run_project(path).species["khulan"].ranking.table.set_index("id")["gain_mean_conductance"]
    ids = [s.id for s in pm.open_project(path).candidates("khulan")]
    assert found.gains[1000.0][0] == pytest.approx(ranked[ids].to_numpy(), rel=1e-9)


def test_lines_and_areas_are_read_once_and_rasters_anew(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    plain = rasters.read_raster
    monkeypatch.setattr(rasters, "read_raster", lambda *a, **k: read.append("raster") or plain(*a, **k))
    vectors = settling.open_project(path).__class__.vector

    def vector(self: pm.Project, name: str) -> gpd.GeoDataFrame:
        if f"vector {name}" not in self._cache:
            read.append(name)
        return vectors(self, name)

    monkeypatch.setattr(pm.Project, "vector", vector)
    pm.settle(path, levels=2, origins=3, resampling="average")
    assert read.count("barriers") == 1
    assert read.count("raster") == 6 + 1  # every grid, and the project's own for the candidates


def test_a_line_digitised_backwards_settles_the_same(path: Path) -> None:
    plain = pm.settle(path, levels=2, origins=3, resampling="average")["khulan"]
    layers = {n: gpd.read_file(path.parent / "layers.gpkg", layer=n) for n in ("barriers", "patches")}
    back = layers["barriers"].assign(geometry=layers["barriers"].geometry.reverse()).iloc[::-1]
    back.to_file(path.parent / "layers.gpkg", layer="barriers")
    again = pm.settle(path, levels=2, origins=3, resampling="average")["khulan"]
    for cell, gains in plain.gains.items():  # the kilometres run the other way: the last section is the first
        assert again.gains[cell][:, ::-1] == pytest.approx(gains, rel=1e-9)
    for column in ("top_shared", "spearman", "settled"):
        assert again.table[column].tolist() == pytest.approx(plain.table[column].tolist())


def test_a_grid_like_a_layer(path: Path) -> None:
    edited(
        path, 'crs = "EPSG:32648"\ncell_size_m = 1000\nbounds = [0, 0, 12000, 8000]', 'like = "resistance"'
    )
    found = pm.settle(path, levels=2, origins=2, resampling="average")["khulan"]
    assert found.table["cell_size_m"].tolist() == [1000.0, 500.0]
    opened = pm.open_project(path)
    there = opened.on_grid(shifted(opened.grid, 500.0, (0.25, -0.25)))
    assert there.grid.crs == opened.grid.crs
    assert there.grid.bounds == (125.0, -125.0, 12_125.0, 7_875.0)


def test_refusals(path: Path) -> None:
    with pytest.raises(OptionError, match="did you mean 'khulan'"):
        pm.settle(path, species=["khulun"])
    with pytest.raises(OptionError, match="did you mean 'average'"):
        pm.settle(path, resampling="averag")
    with pytest.raises(OptionError, match="cell sizes = 0") as refused:
        pm.settle(path, levels=0, resampling="average")
    assert refused.value.code == "O67"
    edited(path, 'line = "F"\nlength_km = 2\n', 'line = "F"\nlength_km = 20\n')
    with pytest.raises(OptionError, match="candidates = 1, at least 2"):
        pm.settle(path, resampling="average")


def test_effort_grows_with_the_cells_and_is_refused_beyond_memory(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    effort = settle_effort(pm.open_project(path), levels=3, origins=4)
    assert effort["cells"].tolist() == [96, 384, 1536]
    assert (np.diff(effort["seconds"]) > 0).all()
    assert (np.diff(effort["peak_bytes"]) > 0).all()
    monkeypatch.setattr(settling.memory, "available", lambda: int(effort["peak_bytes"].iloc[1]))
    with pytest.raises(MemoryLimitError, match="--levels 2") as refused:
        refuse_effort(effort)
    assert refused.value.code == "M01"


def test_files(path: Path, tmp_path: Path) -> None:
    found = pm.settle(path, levels=2, origins=2, resampling="average")
    written = write_settled(found, tmp_path / "out")
    names = ["settle.csv", "settle.json", "settle_khulan.png", "settle_khulan.svg", "settle_sites.csv"]
    assert [p.name for p in written] == names
    first = {p.name: p.read_bytes() for p in written}
    again = write_settled(pm.settle(path, levels=2, origins=2, resampling="average"), tmp_path / "out")
    assert {p.name: p.read_bytes() for p in again} == first
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("keep me")
    with pytest.raises(OptionError, match="not an earlier output"):
        write_settled(found, tmp_path / "mine")


# ---------------------------------------------------------------- the cell size that a plan proposes
@pytest.mark.parametrize(
    ("length", "cell"), [(25_000, 5000), (24_999, 4000), (10_000, 2000), (1_300, 250), (5, 1)]
)
def test_proposed_cells_are_round_and_the_largest(length: float, cell: float) -> None:
    assert (
        proposed_cell_m([length, length, 0.3 * length], 5) == cell
    )  # what is left over at a line's end does not count


def test_no_length_no_proposal() -> None:
    assert proposed_cell_m([0.0, 0.0], 5) is None
    assert cell_size_line([0.0], 1000.0, enough=5, project="p.toml") is None


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        (5000.0, "candidates are 2 cells long; cells of 2000 m would make them 5"),
        (
            2000.0,
            "as long as a ranking needs that does not hang on the grid (5); `permeability settle p.toml`",
        ),
        (500.0, "for the ranking alone cells of 2000 m would do"),
    ],
)
def test_what_a_plan_says_of_the_cells(cell: float, words: str) -> None:
    line = cell_size_line([10_000.0], cell, enough=5, project="p.toml")
    assert line is not None
    assert words in str(line)


def test_the_plan_of_a_project_says_it(path: Path) -> None:
    plan = plan_project(path)
    assert "cells of 400 m would make them 5 (about" in plan
    assert "permeability settle project.toml --cell 1000 --cell 400 --cell 200" in plan
    edited(path, 'line = "F"\nlength_km = 2\n', 'line = "F"\nstructures_km = [2, 5]\ntreatment = "gap"\n')
    assert "cell size" not in plan_project(path)
