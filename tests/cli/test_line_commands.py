"""``permeability route`` and ``permeability compare-lines`` as they are typed."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from permeability.cli.commands import main
from permeability.layers import vectors
from permeability.project import samples


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as stop:
        main(list(arguments))
    return int(stop.value.code or 0)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The tiny project without the fence that parts it."""
    monkeypatch.chdir(tmp_path)
    samples.tiny_project("tiny")
    layers = Path("tiny/layers.gpkg")
    barriers, patches = (vectors.read_vector(layers, t) for t in ("barriers", "patches"))
    layers.unlink()
    vectors.write_gpkg(layers, {"barriers": barriers[barriers["id"] == "S"], "patches": patches})
    file = Path("tiny/project.toml")
    file.write_text(file.read_text(encoding="utf-8").replace('line = "F"', 'line = "S"').replace("km = [2, 6]", "km = [0, 1]"), encoding="utf-8")  # fmt: skip
    return str(file)


def test_a_route_is_found_drawn_and_kept(project: str, capsys: pytest.CaptureFixture[str]) -> None:
    ends = (
        "--from",
        "6000",
        "0",
        "--to",
        "6000",
        "8000",
        "--kind",
        "stock_fence",
        "--edge-cells",
        "0",
        "--starts",
        "2",
    )
    assert run("route", project, *ends, "--out", "lines.gpkg", "--max-length", "1.3") == 0
    out, _ = capsys.readouterr()
    assert out.startswith("An invented example.")
    assert "A: " in out
    line = vectors.read_vector("lines.gpkg")
    assert line.geometry.iloc[0].length <= 1.3 * 8000
    assert Path("lines.png").stat().st_size > 5000
    assert run("route", project, *ends, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["lines"][0]["loss"] <= found["habitat_loss"] + 1e-9
    assert run("route", project, *ends, "--max-length", "0.5") == 2
    assert "U06" in capsys.readouterr().err


def test_drawn_lines_are_compared(project: str, capsys: pytest.CaptureFixture[str]) -> None:
    shapes = [
        shapely.LineString([(6000, 0), (6000, 8000)]),
        shapely.LineString([(11_500, 0), (11_500, 2000)]),
    ]
    vectors.write_gpkg(
        Path("drawn.gpkg"), {"lines": gpd.GeoDataFrame({"id": ["A", "B"]}, geometry=shapes, crs=32648)}
    )
    assert run("compare-lines", project, "drawn.gpkg", "--kind", "stock_fence", "--json") == 0
    rows = json.loads(capsys.readouterr().out)["lines"]
    assert [r["line"] for r in rows] == ["A", "B"]
    assert rows[0]["loss"] > rows[1]["loss"]
    assert run("compare-lines", project, "drawn.gpkg", "--id", "name") == 2
    assert "U10" in capsys.readouterr().err
