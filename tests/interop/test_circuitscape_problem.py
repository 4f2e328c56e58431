"""Problem files: what is refused, what is told, what is written, and that a failed run leaves nothing behind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from permeability.core.errors import InteropError, MemoryLimitError, OptionError
from permeability.engines.circuit import modes
from permeability.engines.circuit.modes.map_store import MapOptions
from permeability.interop.circuitscape import estimate_problem, read_problem, run_problem
from permeability.interop.circuitscape_lists import read_pairs, read_reclass, read_table
from permeability.interop.ini import ProblemFileError, parse_ini
from permeability.layers.exchange_grids import read_raster

HEADER = "ncols 4\nnrows 3\nxllcorner 0\nyllcorner 0\ncellsize 10\nNODATA_value -9999\n"
HABITAT = "1 2 1 1\n1 -9999 4 1\n1 1 1 3\n"
FOCAL = "1 -9999 -9999 2\n-9999 -9999 -9999 -9999\n-9999 3 -9999 -9999\n"
BASE = {
    "data_type": "raster",
    "scenario": "pairwise",
    "habitat_file": "habitat.asc",
    "habitat_map_is_resistances": "True",
    "connect_four_neighbors_only": "True",
    "connect_using_avg_resistances": "True",
    "point_file": "focal.asc",
    "output_file": "result.out",
    "write_cur_maps": "True",
    "write_volt_maps": "True",
}


@pytest.fixture
def problem(tmp_path: Path) -> Any:
    """Writes a problem folder; keywords change options (None leaves one out), ``files`` add files."""

    def write(files: dict[str, str] | None = None, **options: str | None) -> Path:
        given = {"habitat.asc": HEADER + HABITAT, "focal.asc": HEADER + FOCAL, **(files or {})}
        for name, text in given.items():
            (tmp_path / name).write_text(text, encoding="utf-8")
        lines = [f"{k} = {v}" for k, v in {**BASE, **options}.items() if v is not None]
        ini = tmp_path / "problem.ini"
        ini.write_text("[Circuitscape mode]\n" + "\n".join(lines) + "\n", encoding="utf-8")
        return ini

    return write


def names(paths: list[Path]) -> set[str]:
    return {p.name for p in paths}


def arrays(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    return read_raster(folder / "habitat.asc").values, read_raster(folder / "focal.asc").values


def refused(ini: Path, code: str, *words: str) -> ProblemFileError:
    with pytest.raises(ProblemFileError) as caught:
        run_problem(ini)
    assert caught.value.code == code, str(caught.value)
    for word in words:
        assert word in str(caught.value)
    left = {p.name for p in ini.parent.iterdir()}
    assert not [n for n in left if n.startswith(("result", "."))]
    return caught.value


# what is written ---------------------------------------------------------------------------------------------


def test_pairwise_files_and_record(problem: Any, tmp_path: Path) -> None:
    written = run_problem(problem(write_max_cur_maps="True"))
    pairs = ["1_2", "1_3", "2_3"]
    assert names(written) == {
        *(f"result_curmap_{p}.asc" for p in pairs),
        *(f"result_voltmap_{p}.asc" for p in pairs),
        "result_cum_curmap.asc",
        "result_max_curmap.asc",
        "result_resistances.out",
        "result_resistances_3columns.out",
        "result.out",
    }
    habitat, focal = arrays(tmp_path)
    want = modes.raster_pairwise(
        habitat, focal, neighbours=4, maps=MapOptions(current=True, cumulative=True, maximum=True)
    )
    table = np.loadtxt(tmp_path / "result_resistances.out")
    np.testing.assert_allclose(table[1:, 1:], want.resistance, rtol=1e-11)
    three = np.loadtxt(tmp_path / "result_resistances_3columns.out")
    np.testing.assert_array_equal(three[:, :2], [[1, 2], [1, 3], [2, 3]])
    np.testing.assert_array_equal(three[:, 2], table[1:, 1:][np.triu_indices(3, 1)])
    shown = read_raster(tmp_path / "result_cum_curmap.asc").values
    np.testing.assert_allclose(shown, want.cumulative, rtol=1e-9)
    record = (tmp_path / "result.out").read_text()
    assert record.startswith("; solver ")
    assert "scenario = pairwise" in record


def test_maps_not_asked_for_are_not_written(problem: Any) -> None:
    written = run_problem(problem(write_cur_maps="False", write_volt_maps="False"))
    assert names(written) == {"result_resistances.out", "result_resistances_3columns.out", "result.out"}


def test_cumulative_map_only(problem: Any) -> None:
    written = names(run_problem(problem(write_cum_cur_map_only="True", write_volt_maps="False")))
    assert "result_cum_curmap.asc" in written
    assert not [n for n in written if "_curmap_" in n]


def test_maximum_map_alone_is_written(problem: Any) -> None:
    written = names(
        run_problem(problem(write_cur_maps="False", write_volt_maps="False", write_max_cur_maps="1"))
    )
    assert "result_max_curmap.asc" in written
    assert "result_cum_curmap.asc" not in written


@pytest.mark.parametrize(("option", "suffix"), [("write_as_tif", ".tif"), ("compress_grids", ".asc.gz")])
def test_other_raster_formats_hold_the_same_values(
    problem: Any, tmp_path: Path, option: str, suffix: str
) -> None:
    run_problem(problem())
    run_problem(problem(**{option: "True"}), output_dir=tmp_path / "other")
    plain = read_raster(tmp_path / "result_curmap_1_2.asc").values
    other = read_raster(tmp_path / "other" / f"result_curmap_1_2{suffix}").values
    np.testing.assert_allclose(other, plain, rtol=1e-9)


def test_prj_is_written_beside_maps(problem: Any, tmp_path: Path) -> None:
    from rasterio.crs import CRS

    (tmp_path / "habitat.prj").write_text(CRS.from_epsg(32648).to_wkt(version="WKT1_ESRI"), encoding="utf-8")
    written = run_problem(problem())
    assert "result_curmap_1_2.prj" in names(written)
    assert read_raster(tmp_path / "result_curmap_1_2.asc").crs == CRS.from_epsg(32648)


def test_one_to_all_and_all_to_one_files(problem: Any, tmp_path: Path) -> None:
    out = run_problem(problem(scenario="one-to-all"))
    assert {"result_curmap_1.asc", "result_voltmap_3.asc", "result_cum_curmap.asc"} <= names(out)
    habitat, focal = arrays(tmp_path)
    want = modes.raster_one_to_all(habitat, focal, neighbours=4)
    np.testing.assert_allclose(
        np.loadtxt(tmp_path / "result_resistances.out")[:, 1], want.resistance, rtol=1e-11
    )
    run_problem(problem(scenario="all-to-one"))
    np.testing.assert_array_equal(np.loadtxt(tmp_path / "result_resistances.out"), [[1, 0], [2, 0], [3, 0]])


def test_advanced_from_lists(problem: Any, tmp_path: Path) -> None:
    files = {"source.txt": "1 5 25\n2 5 25\n", "ground.txt": "0 35 5\n"}
    ini = problem(
        files, scenario="advanced", source_file="source.txt", ground_file="ground.txt", point_file="None"
    )
    assert names(run_problem(ini)) == {"result_curmap.asc", "result_voltmap.asc", "result.out"}
    current = read_raster(tmp_path / "result_curmap.asc").values
    assert current[0, 0] == pytest.approx(2.0)  # the later line on a cell replaces the earlier one
    assert read_raster(tmp_path / "result_voltmap.asc").values[2, 3] == 0.0
    ini = problem(
        files,
        scenario="advanced",
        source_file="source.txt",
        ground_file="ground.txt",
        use_unit_currents="True",
        use_direct_grounds="True",
    )
    run_problem(ini)
    assert read_raster(tmp_path / "result_curmap.asc").values[0, 0] == pytest.approx(1.0)


def test_log_and_null_options(problem: Any, tmp_path: Path) -> None:
    run_problem(problem())
    plain = [read_raster(tmp_path / f"result_curmap_{p}.asc").values for p in ("1_2", "1_3", "2_3")]
    run_problem(
        problem(
            log_transform_maps="True", set_null_currents_to_nodata="True", set_null_voltages_to_nodata="True"
        )
    )
    logs = [np.log10(np.where(c > 0, c, np.nan)) for c in plain]
    for pair, want in zip(("1_2", "1_3", "2_3"), logs, strict=True):
        found = read_raster(tmp_path / f"result_curmap_{pair}.asc").values
        np.testing.assert_allclose(found, want, atol=1e-8)
        assert np.isnan(read_raster(tmp_path / f"result_voltmap_{pair}.asc").values[1, 1])
    np.testing.assert_allclose(read_raster(tmp_path / "result_cum_curmap.asc").values, sum(logs), atol=1e-8)


def test_dead_end_has_no_logarithm(problem: Any, tmp_path: Path) -> None:
    habitat = "1 1 1 1\n-9999 -9999 1 -9999\n-9999 -9999 7 -9999\n"
    focal = "1 -9999 -9999 2\n" + "-9999 -9999 -9999 -9999\n" * 2
    run_problem(
        problem({"habitat.asc": HEADER + habitat, "focal.asc": HEADER + focal}, log_transform_maps="True")
    )
    found = read_raster(tmp_path / "result_curmap_1_2.asc").values
    np.testing.assert_allclose(found[0], 0.0, atol=1e-9)
    assert np.isnan(found[1:]).all()


def test_focal_currents_can_be_zeroed(problem: Any, tmp_path: Path) -> None:
    run_problem(problem(set_focal_node_currents_to_zero="True"))
    found = read_raster(tmp_path / "result_curmap_1_2.asc").values
    assert found[0, 0] == found[0, 3] == 0
    assert found[2, 1] > 0
    run_problem(problem(scenario="one-to-all", set_focal_node_currents_to_zero="True"))
    found = read_raster(tmp_path / "result_curmap_1.asc").values
    assert found[0, 0] == found[0, 3] == found[2, 1] == 0


def test_reclassification_in_a_single_pass(problem: Any, tmp_path: Path) -> None:
    run_problem(problem({"table.txt": "1 2\n2 3\n"}, use_reclass_table="True", reclass_file="table.txt"))
    habitat, focal = arrays(tmp_path)
    swapped = np.select([habitat == 1, habitat == 2], [2.0, 3.0], habitat)
    want = modes.raster_pairwise(swapped, focal, neighbours=4).resistance
    np.testing.assert_allclose(np.loadtxt(tmp_path / "result_resistances.out")[1:, 1:], want, rtol=1e-11)


def test_strengths_default_to_one_ampere(problem: Any, tmp_path: Path) -> None:
    ini = problem(
        {"strengths.txt": "1 2.5\n"},
        scenario="all-to-one",
        use_variable_source_strengths="True",
        variable_source_file="strengths.txt",
    )
    run_problem(ini)
    current = read_raster(tmp_path / "result_curmap_3.asc").values
    assert current[2, 1] == pytest.approx(3.5)


# pairs -------------------------------------------------------------------------------------------------------


def test_matrix_bounds_and_one_sided_entries(tmp_path: Path) -> None:
    path = tmp_path / "matrix.txt"
    path.write_text("min 2\nmax 50\n0 1 2 3\n1 0 100 2\n2 100 0 1\n3 60 50 0\n", encoding="utf-8")
    found = read_pairs(path)
    assert (found.mode, found.pairs, found.named) == ("include", {(1, 3), (2, 3)}, {1, 2, 3})


def test_zero_in_a_list_names_the_other_number_only(tmp_path: Path) -> None:
    path = tmp_path / "pairs.txt"
    path.write_text("mode\tInclude\n1 2\n4 0\n", encoding="utf-8")
    assert read_pairs(path).pairs == {(1, 2)}
    assert read_pairs(path).named == {1, 2, 4}
    assert read_pairs(path, zero_is_node=True).pairs == {(1, 2), (0, 4)}


@pytest.mark.parametrize(
    ("text", "code", "word"),
    [
        ("mode inclde\n1 2\n", "X02", "did you mean 'include'"),
        ("1 2\n", "X07", "begins neither"),
        ("", "X07", "begins neither"),
        ("mode include\n1 2 3\n", "X07", "line 2 is not a pair"),
        ("mode include\n1 b\n", "X07", "line 2 is not a pair"),
        ("min 2\n0 1 2\n1 0 3\n2 3 0\n", "X07", "'min' or 'max' is missing"),
        ("min 2\nmax 5\n0 1 2\n1 0\n2 3 0\n", "X07", "not square"),
        ("min 2\nmax 5\n0 1 2\n2 0 3\n1 3 0\n", "X07", "same different whole numbers"),
        ("min 2\nmax five\n0 1 2\n1 0 3\n2 3 0\n", "X07", "holds words"),
    ],
)
def test_lists_of_pairs_that_cannot_be_read(text: str, code: str, word: str, tmp_path: Path) -> None:
    path = tmp_path / "pairs.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InteropError, match=word) as caught:
        read_pairs(path)
    assert caught.value.code == code


def test_selection_drops_and_leaves_out(problem: Any, tmp_path: Path) -> None:
    run_problem(
        problem({"pairs.txt": "mode include\n1 2\n"}, use_included_pairs="1", included_pairs_file="pairs.txt")
    )
    assert np.loadtxt(tmp_path / "result_resistances.out").shape == (3, 3)
    run_problem(
        problem({"pairs.txt": "mode exclude\n1 2\n"}, use_included_pairs="1", included_pairs_file="pairs.txt")
    )
    table = np.loadtxt(tmp_path / "result_resistances.out")
    assert table.shape == (4, 4)
    assert table[1, 2] == -1


# what is refused and told ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        ({"write_curr_maps": "True"}, "X01", ["'write_curr_maps' is not known", "'write_cur_maps'"]),
        ({"scenario": "pairwsie"}, "X02", ["did you mean 'pairwise'", "problem.ini, line 3"]),
        ({"scenario": "not entered"}, "X03", ["scenario is not set"]),
        ({"write_cur_maps": "Ture"}, "X02", ["did you mean 'True'"]),
        ({"write_cur_maps": "yes"}, "X02", ["did you mean 'True'"]),
        ({"solver": "cholmodd"}, "X02", ["did you mean 'cholmod'"]),
        ({"precision": "quad"}, "X02", ["double, single"]),
        ({"max_parallel": "two"}, "X02", ["a whole number"]),
        ({"cholmod_batch_size": "0"}, "X02", ["at least 1"]),
        ({"remove_src_or_gnd": "rmvsource"}, "X02", ["did you mean 'remove_source'", "rmvsrc"]),
        ({"habitat_file": "nowhere.asc"}, "X04", ["nowhere.asc", "looked for"]),
        ({"habitat_file": "(Browse for a resistance file)"}, "X03", ["(Browse for a resistance file)"]),
        ({"use_mask": "True", "mask_file": "(Browse for a raster mask file)"}, "X03", ["use_mask = True"]),
        ({"use_polygons": "True", "polygon_file": "None"}, "X03", ["use_polygons = True"]),
        ({"use_polygons": "True"}, "X03", ["polygon_file is not set"]),
        ({"output_file": "(Choose a base name for output files)"}, "X03", ["output_file"]),
        ({"output_file": "."}, "X11", ["is a folder"]),
        ({"residual_tolerance": "tight"}, "X02", ["is not a number"]),
        ({"output_file": "problem.ini"}, "X11", ["overwrite the problem file"]),
        ({"scenario": "advanced"}, "X00", ["source_file is not set", "ground_file is not set", "2 problems"]),
    ],
)
def test_options_that_are_refused(problem: Any, options: dict[str, str], code: str, words: list[str]) -> None:
    if "remove_src_or_gnd" in options:
        words = ["did you mean 'rmvsrc'"]
    refused(problem(**options), code, *words)


def test_all_findings_at_once(problem: Any) -> None:
    error = refused(
        problem(scenario="pairwsie", use_mask="Ture", point_file="gone.asc", colour="blue"), "X00"
    )
    assert sorted(f.code for f in error.findings) == ["X01", "X02", "X02", "X04"]
    for word in ("colour", "pairwsie", "Ture", "gone.asc"):
        assert word in str(error)


def test_repeated_key_and_stray_line(problem: Any) -> None:
    ini = problem()
    text = ini.read_text(encoding="utf-8")
    ini.write_text(text + "scenario = advanced\n", encoding="utf-8")
    refused(ini, "X00", "scenario is given twice: 'pairwise' in line 3, 'advanced' in line 12")
    ini.write_text(text + "scenario = pairwise\n; a comment\n# another\njust words\n", encoding="utf-8")
    refused(ini, "X01", "line 15 is neither a section nor 'key = value'")


def test_grids_that_do_not_line_up_are_refused_with_every_difference(problem: Any) -> None:
    shifted = HEADER.replace("xllcorner 0", "xllcorner 5").replace("cellsize 10", "cellsize 10.5")
    error = refused(problem({"focal.asc": shifted + FOCAL}), "X05", "cell size", "+0.5 cells")
    assert set(error.findings[0].details) == {"cell size", "xllcorner"}
    small = HEADER.replace("nrows 3", "nrows 2") + "1 1 1 1\n1 1 1 1\n"
    refused(problem({"mask.asc": small}, use_mask="True", mask_file="mask.asc"), "X05", "2 x 4, grid 3 x 4")


def test_points_outside_are_refused_with_their_lines(problem: Any) -> None:
    refused(
        problem({"points.txt": "1 5 5\n2 45 5\n3 5 -1\n"}, point_file="points.txt"),
        "X08",
        "2 of 3 points",
        "line 2: (45, 5)",
        "x 0 .. 40, y 0 .. 30",
    )


@pytest.mark.parametrize(
    ("habitat", "focal", "code", "word"),
    [
        (HABITAT.replace("2", "0"), FOCAL, "C21", "1 cells have a zero resistance"),
        (HABITAT, FOCAL.replace("3", "2.5"), "C24", "whole numbers"),
        (HABITAT, FOCAL.replace("2", "1").replace("3", "-9999"), "C23", "at least two"),
        ("-9999 " * 12, FOCAL, "C26", "no valid cell"),
    ],
)
def test_values_that_are_refused(problem: Any, habitat: str, focal: str, code: str, word: str) -> None:
    refused(problem({"habitat.asc": HEADER + habitat, "focal.asc": HEADER + focal}), code, word)


def test_all_values_of_an_advanced_problem_are_checked_before_it_runs(problem: Any) -> None:
    ini = problem(
        {
            "habitat.asc": HEADER + HABITAT.replace("2", "0"),
            "source.txt": "1 5 25\n",
            "ground.txt": "-2 35 5\n",
            "regions.asc": HEADER + "-1 " * 12,
        },
        scenario="advanced",
        source_file="source.txt",
        ground_file="ground.txt",
        use_polygons="True",
        polygon_file="regions.asc",
    )
    error = refused(ini, "X00", "zero resistance", "ground values are negative", "regions are negative")
    assert len(error.findings) == 3


def test_network_cannot_have_rasters(problem: Any) -> None:
    files = {"links.txt": "0 1 1\n1 2 1\n", "nodes.txt": "0\n2\n"}
    ini = problem(
        files,
        data_type="network",
        scenario="one-to-all",
        habitat_file="links.txt",
        point_file="nodes.txt",
        use_mask="True",
        mask_file="habitat.asc",
    )
    refused(ini, "X00", "exists for rasters only", "a network cannot have a mask")


def test_warnings_and_notes_do_not_stop_a_run(problem: Any, tmp_path: Path) -> None:
    ini = problem(
        {
            "habitat.asc": HEADER + HABITAT.replace("4", "-4"),
            "focal.asc": HEADER + FOCAL.replace("2", "-9999 ", 0),
        },
        parallelize="True",
        max_parallel="8",
        low_memory_mode="1",
        precision="single",
        log_file="run.log",
        use_variable_source_strengths="True",
        use_unit_currents="True",
        connect_four_neighbors_only=None,
        connect_using_avg_resistances=None,
        version="4.0.5",
        solver="CHOLMOD",
        residual_tolerance="auto",
    )
    found = read_problem(ini)
    assert not found.errors
    told = {f.what.split(" ")[0]: f.severity for f in found.findings}
    assert told["use_variable_source_strengths"] == "warning"
    assert told["parallelize"] == told["precision"] == told["low_memory_mode"] == told["log_file"] == "note"
    assert any("defaults of Circuitscape 5" in f.what for f in found.findings)
    assert any("1 cells of the habitat are negative" in f.what for f in found.findings)
    heard: list[Any] = []
    run_problem(ini, tell=heard.append)
    assert tuple(heard) == found.findings
    assert "use_unit_currents = True has no effect" in (tmp_path / "result.out").read_text()


def test_options_without_effect_are_told(problem: Any, tmp_path: Path) -> None:
    on = dict.fromkeys(
        (
            "use_included_pairs",
            "use_variable_source_strengths",
            "log_transform_maps",
            "set_null_currents_to_nodata",
            "set_focal_node_currents_to_zero",
            "write_max_cur_maps",
        ),
        "True",
    )
    files = {"source.txt": "1 5 25\n", "ground.txt": "0 35 5\n"}
    ini = problem(files, scenario="advanced", source_file="source.txt", ground_file="ground.txt", **on)
    found = read_problem(ini)
    assert {f.what.split(" ")[0] for f in found.findings} == set(on)
    assert {f.severity for f in found.findings} == {"warning"}
    seen: list[tuple[int, int]] = []
    run_problem(ini, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 1)]
    assert (read_raster(tmp_path / "result_curmap.asc").values >= 0).all()
    found = read_problem(problem(scenario="one-to-all", write_cum_cur_map_only="True"))
    assert [f.what.split(" ")[0] for f in found.findings] == ["write_cum_cur_map_only"]


def test_focal_nodes_off_the_habitat_are_told(problem: Any, tmp_path: Path) -> None:
    focal = "1 -9999 -9999 2\n-9999 3 -9999 -9999\n" + "-9999 " * 4
    found = read_problem(problem({"focal.asc": HEADER + focal}))
    assert [f.rows for f in found.findings if f.code == "X13"] == [(3,)]
    run_problem(found.file)
    np.testing.assert_array_equal(np.loadtxt(tmp_path / "result_resistances.out")[3], [3, -1, -1, 0])


def test_a_raster_full_of_numbers_is_no_raster_of_focal_nodes(
    problem: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("permeability.interop.circuitscape_problem.MOST_RUNS", 2)
    refused(problem(), "X14", "3 focal nodes make 3 runs")
    pairs = {"pairs.txt": "mode include\n1 2\n"}
    run_problem(problem(pairs, use_included_pairs="True", included_pairs_file="pairs.txt"))


@pytest.mark.parametrize(
    ("scenario", "focal", "solves"),
    [
        ("pairwise", FOCAL, 2),
        ("one-to-all", FOCAL, 2),
        ("pairwise", FOCAL.replace("1", "1 3", 1).replace("2", "", 1), 1),
    ],
)
def test_estimate(
    problem: Any, monkeypatch: pytest.MonkeyPatch, scenario: str, focal: str, solves: int
) -> None:
    ini = problem({"focal.asc": HEADER + focal}, scenario=scenario)
    found = estimate_problem(read_problem(ini))
    assert found is not None
    assert (found.cells, found.solves, found.fits) == (12, solves, True)
    monkeypatch.setattr("permeability.core.memory.available", lambda: 1000)
    with pytest.raises(MemoryLimitError, match=r"\[C06\]"):
        run_problem(ini)
    assert not list(ini.parent.glob("result*"))


def test_reading_writes_nothing(problem: Any, tmp_path: Path) -> None:
    ini = problem()
    before = sorted(tmp_path.iterdir())
    read_problem(ini)
    assert sorted(tmp_path.iterdir()) == before


def test_relative_paths_count_from_the_file_then_from_the_working_folder(
    problem: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ini = problem(point_file="sub\\focal.asc")
    (tmp_path / "elsewhere" / "sub").mkdir(parents=True)
    (tmp_path / "focal.asc").rename(tmp_path / "elsewhere" / "sub" / "focal.asc")
    refused(ini, "X04", "focal.asc")
    monkeypatch.chdir(tmp_path / "elsewhere")
    run_problem(ini)
    assert (tmp_path / "result_resistances.out").is_file()


def test_a_run_that_fails_leaves_nothing(
    problem: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def stop(done: int, total: int) -> None:
        seen.append((done, total))
        if done == 2:
            raise KeyboardInterrupt

    ini = problem()
    before = sorted(p.name for p in tmp_path.iterdir())
    with pytest.raises(KeyboardInterrupt):
        run_problem(ini, output_dir=tmp_path / "new" / "deeper", progress=stop)
    assert seen == [(1, 3), (2, 3)]
    assert sorted(p.name for p in tmp_path.iterdir()) == before


def test_output_folder_that_is_a_file(problem: Any, tmp_path: Path) -> None:
    ini = problem()
    with pytest.raises(InteropError, match=r"\[X11\].*nothing can be written"):
        run_problem(ini, output_dir=tmp_path / "habitat.asc")


def test_unknown_solver_is_refused_before_reading(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="did you mean 'multigrid'"):
        run_problem(tmp_path / "none.ini", solver="multigird")


def test_missing_problem_file(tmp_path: Path) -> None:
    with pytest.raises(InteropError, match=r"\[X04\].*none\.ini"):
        run_problem(tmp_path / "none.ini")


def test_ini_getters(tmp_path: Path) -> None:
    path = tmp_path / "a.ini"
    path.write_text("radius = 5\nblock: 2\nname = 'a b'\nhalf = 2.5\nlow = -1\nempty =\n", encoding="latin-1")
    ini = parse_ini(path)
    assert ini.number("radius", None, above=0, integer=True) == 5
    assert ini.number("block", None) == 2
    assert ini.text("name") == "a b"
    assert ini.text("empty", "x") == "x"
    assert ini.number("half", 1, integer=True) == 1
    assert ini.number("low", 0, above=0) == 0
    assert ini.number("missing", None) is None
    assert ini.choice("missing", ("a", "b"), None) is None
    assert [f.code for f in ini.findings] == ["X02", "X02", "X03", "X03"]
    with pytest.raises(ProblemFileError, match=r"\[X00\](?s:.*)out of range(?s:.*)write missing = a \| b"):
        ini.check()


def test_tables(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("1 2\n\n3 x\n4\n", encoding="utf-8")
    with pytest.raises(InteropError, match=r"\[X07\](?s:.*)line 3: '3 x', line 4: '4'"):
        read_table(path, 2, "node value")
    path.write_text("\n", encoding="utf-8")
    with pytest.raises(InteropError, match="it holds none"):
        read_table(path, 2, "node value")
    path.write_text("1.5 2\n", encoding="utf-8")
    with pytest.raises(InteropError, match="must be whole"):
        read_table(path, 2, "node value").whole(0)
    path.write_text("1 2\n1 3\n", encoding="utf-8")
    with pytest.raises(InteropError, match="gives 1 two new values"):
        read_reclass(path)
