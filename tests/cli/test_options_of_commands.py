"""Options that change what a command does: left out, asked for, or asked for what there is not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from click.testing import CliRunner
from two_runs import bare_and_drawn

from permeability.barriers.lines import prepare
from permeability.cli.commands import cli
from permeability.core.errors import PermeabilityError
from permeability.layers import vectors
from permeability.report import write_board

CRS = "EPSG:32648"
SITE = "F km 2-4 modify"


def said(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(cli, [str(a) for a in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def told(*arguments: object) -> Any:
    code, out, _ = said(*arguments, "--json")
    assert code == 0
    return json.loads(out)


def refused(*arguments: object) -> PermeabilityError:
    with pytest.raises(PermeabilityError) as caught:
        said(*arguments)
    return caught.value


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The smallest project with its results: bare, and with draws of an opening that can fail."""
    folder = tmp_path_factory.mktemp("options")
    bare_and_drawn(folder)
    return folder


@pytest.fixture
def place(work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of one's own with a copy of it all, where commands are typed."""
    shutil.copytree(work, tmp_path / "work")
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


def layer(file: str, shapes: list[Any], **columns: Any) -> str:
    gpd.GeoDataFrame(columns, geometry=shapes, crs=CRS).to_file(file)
    return file


# ---------------------------------------------------------------- water
def springs(**columns: Any) -> str:
    at = [shapely.Point(2500, 4500), shapely.Point(9500, 4500)]
    return layer("water.gpkg", at, **({"id": ["W", "E"]} | columns))


WATER = ("water", "tiny/project.toml", "water.gpkg", "--radius-km", "2")


def test_water_without_options_writes_and_ranks_nothing(place: Path) -> None:
    springs()
    before = sorted(place.iterdir())
    found = told(*WATER, "--no-sites")
    assert found["near_dry_km2"] is None
    assert not {"sites", "lines_dry"} & set(found)
    assert sorted(place.iterdir()) == before


@pytest.mark.parametrize("dry", [[False, True], [0, 1], ["no", "yes"], ["False", "TRUE"]])
def test_a_column_says_which_water_is_off_in_any_words_for_yes_and_no(place: Path, dry: list[Any]) -> None:
    springs(dry=dry)
    by_column, by_id = (told(*WATER, "--no-sites", *o) for o in (("--dry-column", "dry"), ("--dry", "E")))
    assert by_column == by_id
    assert 0 < by_column["near_dry_km2"] < by_column["near_km2"]


@pytest.mark.parametrize("columns", [{}, {"dry": ["yes", None]}, {"dry": ["yes", "perhaps"]}])
def test_a_column_that_does_not_say_so_is_refused(place: Path, columns: dict[str, Any]) -> None:
    springs(**columns)
    error = refused(*WATER, "--dry-column", "dry")
    assert error.code == "L04"
    assert "name a column of true and false" in str(error)


def test_water_without_ids_is_refused_by_name_with_a_dry_column_too(place: Path) -> None:
    layer("water.gpkg", [shapely.Point(2500, 4500)], dry=[False])
    assert refused(*WATER).code == refused(*WATER, "--dry-column", "dry").code == "D25"


# ---------------------------------------------------------------- countries
@pytest.fixture
def lands(place: Path) -> str:
    halves = [shapely.box(0, 0, 5000, 8000), shapely.box(5000, 0, 12_000, 8000)]
    return layer("lands.gpkg", halves, name=["A", "B"])


def test_without_a_column_the_region_is_one_and_is_called_by_its_file(lands: str) -> None:
    layer(
        "areas.gpkg",
        [shapely.box(1000, 1000, 3000, 3000), shapely.box(8000, 1000, 9000, 3000)],
        id=["a", "b"],
    )
    (row,) = told("protconn", "areas.gpkg", lands, "--median-km", "2")["rows"]
    assert row["country"] == "lands"
    apart = told("protconn", "areas.gpkg", lands, "--median-km", "2", "--country", "name")["rows"]
    assert [r["country"] for r in apart] == ["A", "B"]


def test_a_split_by_country_alone_ranks_nothing_and_is_written_as_one_table(lands: str) -> None:
    split = ("by-country", "tiny/project.toml", lands, "--no-sites")
    found = told(*split)
    assert not {"matrix", "sites"} & set(found)
    assert said(*split, "--out", "split.csv")[0] == 0
    kept = pd.read_csv("split.csv")
    assert sorted(kept.columns) == sorted(found["split"][0])
    assert len(kept) == len(found["split"])


# ---------------------------------------------------------------- results that exist
def test_indicators_are_kept_as_json(place: Path) -> None:
    found = told("indicators", "res", "--out", "found.json")
    kept = json.loads((place / "found.json").read_text(encoding="utf-8"))
    assert kept["rows"] == found["rows"]
    assert kept["title"] == found["title"]


def test_a_report_that_lies_there_is_written_anew_and_no_other(place: Path) -> None:
    (place / "res" / "report_ru.html").write_text("old", encoding="utf-8")
    (file,) = told("indicators", "res", "--report")["files"]
    assert Path(file).name == "report_ru.html"
    assert 'id="indicators"' in (place / "res" / "report_ru.html").read_text(encoding="utf-8")
    assert not (place / "res" / "report.html").exists()


def test_knowing_more_is_worth_something_only_where_there_are_draws(place: Path) -> None:
    error = refused("monitor", "value", "res")
    assert error.code == "U29"
    assert "state draws under [ranking]" in str(error)
    assert set(told("monitor", "value", "drawn", "--species", "khulan")["species"]) == {"khulan"}
    unknown = refused("monitor", "value", "drawn", "--species", "kulan")
    assert unknown.code == "O01"
    assert "khulan" in str(unknown)


def test_changes_at_sites_measured_before_are_a_table_of_their_own(place: Path) -> None:
    before = "".join(f"elsewhere {k},,,{k},20\n" for k in range(6))
    (place / "pilots.csv").write_text(
        f"site,crossed,met,before_crossed,before_met\n{SITE},3,6,0,20\n{before}", encoding="utf-8"
    )
    assert said("update", "drawn", "--pilots", "pilots.csv", "--out", "updated")[0] == 0
    changes = pd.read_csv(place / "updated" / "changes_khulan.csv")
    assert changes["site"].tolist() == [SITE]
    (place / "pilots.csv").write_text(f"site,crossed,met\n{SITE},3,6\n", encoding="utf-8")
    assert said("update", "drawn", "--pilots", "pilots.csv", "--out", "plain")[0] == 0
    assert (place / "plain" / "sites_khulan.csv").is_file()
    assert not (place / "plain" / "changes_khulan.csv").exists()


def test_a_board_without_the_ground_has_no_map_and_still_opens(place: Path) -> None:
    whole = write_board(place / "res", place / "whole.html").read_text(encoding="utf-8")
    (place / "res" / "habitat_khulan.tif").unlink()
    bare = write_board(place / "res", place / "bare.html").read_text(encoding="utf-8")
    assert "data:image/png" in whole
    assert "data:image/png" not in bare
    assert bare.count("<script") == whole.count("<script")
    assert "F km 2-4" in bare


def test_a_report_also_as_pdf_and_for_word_processors(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("docx")

    def printed(page: Path, target: Path) -> Path:
        target.write_bytes(b"%PDF-" + page.name.encode())
        return target

    monkeypatch.setattr("permeability.report.pdf.write_pdf", printed)
    files = told("report", "res", "--language", "en", "--part", "summary", "--pdf", "--docx")["files"]
    assert [Path(f).name for f in files] == ["summary_en.html", "summary_en.pdf", "summary_en.docx"]
    assert (place / "res" / "summary_en.pdf").read_bytes() == b"%PDF-summary_en.html"
    assert (place / "res" / "summary_en.docx").read_bytes()[:2] == b"PK"


# ---------------------------------------------------------------- projects
def test_the_demo_keeps_what_was_changed_in_its_project(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = place / "demo"
    shutil.copytree("tiny", folder / "gobi")
    shutil.copytree("res", folder / "results")
    file = folder / "gobi" / "project.toml"
    file.write_text(
        file.read_text(encoding="utf-8").replace("An invented example.", "Mine."), encoding="utf-8"
    )
    code, out, _ = said("demo", folder)
    assert code == 0
    assert "Mine." in out
    assert (
        json.loads((folder / "results" / "summary.json").read_text(encoding="utf-8"))["statement"] == "Mine."
    )


def test_files_for_a_new_project_come_after_from(place: Path) -> None:
    code, _, err = said("new", "study", "tiny/layers.gpkg")
    assert code == 2
    assert "name files after --from" in err
    assert not (place / "study").exists()


def test_drawn_lines_of_a_project_without_a_statement_are_told_at_once(place: Path) -> None:
    barriers, patches = (vectors.read_vector(Path("tiny/layers.gpkg"), t) for t in ("barriers", "patches"))
    barriers["fence_class"] = "stock"
    Path("tiny/layers.gpkg").unlink()
    vectors.write_gpkg(Path("tiny/layers.gpkg"), {"barriers": barriers, "patches": patches})
    layer("drawn.gpkg", [shapely.LineString([(4000, -500), (4000, 8500)])], id=["A"])
    line = ("compare-lines", "tiny/project.toml", "drawn.gpkg", "--kind", "stock_fence")
    first = said(*line)[1]
    assert first.startswith("An invented example.\n")
    file = Path("tiny/project.toml")
    file.write_text(
        file.read_text(encoding="utf-8").replace('statement = "An invented example."\n', ""), encoding="utf-8"
    )
    assert said(*line)[1] == first.removeprefix("An invented example.\n")


# ---------------------------------------------------------------- layers and tracks
def test_faults_of_a_layer_are_counted_and_fail(place: Path) -> None:
    line = shapely.LineString([(0, 0), (900, 0)])
    layer("bad.gpkg", [line, line], id=["a", "a"], kind=["fence", "wal"])
    code, out, _ = said("barriers", "check", "bad.gpkg")
    faults = json.loads(said("barriers", "check", "bad.gpkg", "--json")[1])
    errors = [f for f in faults if f["severity"] == "error"]
    assert code == 2
    assert errors
    assert out.splitlines()[-1] == f"{len(errors)} faults found."


def test_gaps_of_a_line_are_told_beside_its_kilometres(place: Path) -> None:
    parts = [shapely.LineString([(a, 0), (a + 3000, 0)]) for a in (0, 5000)]
    name = layer("rail.gpkg", parts, id=["a", "b"], line=["R", "R"], kind=["railway", "railway"])
    findings = prepare(vectors.read_vector(Path(name)), layer=name).findings
    assert [f.code for f in findings] == ["B16"]
    code, out, err = said("barriers", "lines", name)
    assert code == 0
    assert "8.000" in out
    assert "has 1 gaps (2,000 m)" in err
    assert "has 1 gaps" not in out


def test_crossings_are_kept_as_json(place: Path) -> None:
    when = pd.date_range("2024-05-01", periods=6, freq="h", tz="UTC").strftime("%Y-%m-%dT%H:%M:%SZ")
    fixes = pd.DataFrame(
        {"animal": "a", "time": when, "x": [4000, 5000, 5500, 6500, 7000, 5500], "y": 4500.0}
    )
    fixes.to_csv("fixes.csv", index=False)
    layer(
        "fence.gpkg",
        [shapely.LineString([(6000, -500), (6000, 8500)])],
        kind=["fence"],
        fence_class=["stock"],
    )
    asked = ("tracks", "crossings", "fixes.csv", "--crs", CRS, "--lines", "fence.gpkg", "--out", "found.json")
    code, _, err = said(*asked)
    assert code == 0
    assert "rows are numbered from 0" in err
    kept = json.loads((place / "found.json").read_text(encoding="utf-8"))
    assert len(kept["rows"]) == 2
    assert kept["result"].startswith("Crossings")
