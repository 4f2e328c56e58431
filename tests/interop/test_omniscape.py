"""Published Omniscape cases, through Python and through their problem files; refusals of bad files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from places import SHARED

from permeability.core.errors import InteropError, ResistanceError
from permeability.engines.omnidirectional import Condition, omnidirectional, reclassify, target_blocks
from permeability.interop.omniscape import check_problem, read_problem, run_problem
from permeability.layers.exchange_grids import read_raster

FOLDER = SHARED / "reference" / "omniscape"
CASES: list[dict[str, Any]] = (
    json.loads((FOLDER / "manifest.json").read_text())["cases"]
    if (FOLDER / "manifest.json").is_file()
    else []
)
pytestmark = pytest.mark.oracle
OUTPUT = {
    "cumulative_current_map": "cum_currmap",
    "flow_potential": "flow_potential",
    "normalized_current_map": "normalized_cum_currmap",
    "reclassified_resistance": "classified_resistance",
}


def cases(*modes: str) -> list[Any]:
    return [pytest.param(c, id=c["id"]) for c in CASES if c["mode"] in modes]


def agree(case: dict[str, Any], name: str, values: np.ndarray) -> None:
    expected = read_raster(FOLDER / case["expected"][name]).values
    tolerance = case["tolerance"]
    np.testing.assert_array_equal(np.isnan(values), np.isnan(expected))
    np.testing.assert_allclose(
        values, expected, rtol=tolerance["rtol"], atol=tolerance["atol"][name], err_msg=name
    )


@pytest.mark.parametrize("case", cases("omnidirectional"))
def test_case_through_its_problem_file(case: dict[str, Any], tmp_path: Path) -> None:
    folder = tmp_path / "case"
    shutil.copytree(FOLDER / "cases" / case["id"], folder, ignore=shutil.ignore_patterns("expected"))
    folder.chmod(0o755)
    written = run_problem(folder / Path(case["inputs"]["configuration"]).name, output_dir=tmp_path / "out")
    files = {path.stem: path for path in written}
    asked = {
        name
        for name in case["expected"]
        if name != "reclassified_resistance" or case["options"]["reclassify"]
    }
    for name in asked:
        agree(case, name, read_raster(files[OUTPUT[name]]).values)
        assert files[OUTPUT[name]].suffix == Path(case["expected"][name]).suffix
    assert "config" in files


@pytest.mark.parametrize("case", cases("omnidirectional"))
def test_case_through_python(case: dict[str, Any]) -> None:
    options, inputs = case["options"], case["inputs"]
    grid = read_raster(FOLDER / inputs["resistance"]).values
    if options["reclassify"]:
        lines = (FOLDER / inputs["reclass_table"]).read_text().replace('"', "").split("\n")
        table = [line.split() for line in lines if line.strip()]
        grid = reclassify(grid, [(float(a), None if b == "missing" else float(b)) for a, b in table])
        agree(case, "reclassified_resistance", grid)
    strength = None
    if not options["source_from_resistance"]:
        strength = read_raster(FOLDER / inputs["source_strength"]).values
    conditions = []
    for number in range(1, options.get("n_conditions", 0) + 1):
        rule = options[f"condition{number}"]
        present = read_raster(FOLDER / inputs[f"condition{number}"]).values
        conditions.append(Condition(present, rule["comparison"], rule.get("lower", 0), rule.get("upper", 0)))
    result = omnidirectional(
        grid,
        radius=options["radius"],
        buffer=options["buffer"],
        block_size=options["block_size_used"],
        strength=strength,
        threshold=options["source_threshold"],
        conditions=conditions,
        values=options["habitat_values"],
        neighbours=options["neighbours"],
        correct_block_artefacts=options["correct_block_artifacts"],
        mask_nodata=options["mask_nodata"],
        flow_potential=options["compute_flow_potential"],
        normalised=options["compute_normalized_current"],
        compatibility="omniscape",
    )
    maps = {
        "cumulative_current_map": result.current,
        "flow_potential": result.flow_potential,
        "normalized_current_map": result.normalised,
    }
    for name in set(case["expected"]) & set(maps):
        agree(case, name, maps[name])


@pytest.mark.parametrize("case", cases("error"))
def test_bad_problems_are_refused(case: dict[str, Any]) -> None:
    with pytest.raises(InteropError) as refused:
        run_problem(FOLDER / case["inputs"]["configuration"])
    assert refused.value.exit_code == 2
    word = {"omni_error_no_source": "source_file", "omni_error_missing_settings": "radius",
            "omni_error_n_conditions": "n_conditions", "omni_error_comparison2": "comparison2"}  # fmt: skip
    assert word[case["id"]] in str(refused.value)


@pytest.mark.parametrize("case", cases("unit_facts"))
def test_targets(case: dict[str, Any]) -> None:
    facts = json.loads((FOLDER / case["expected"]["facts"]).read_text())
    source = read_raster(FOLDER / case["inputs"]["source_strength"]).values
    row, col, strength = target_blocks(np.nan_to_num(source), facts["block_size"])
    expected = {(int(c), int(r)): s for c, r, s in facts["targets"]}
    assert len(row) == facts["n_targets"]
    for r, c, s in zip(row, col, strength):
        assert s == pytest.approx(expected[c + 1, r + 1], rel=1e-12, abs=1e-9)


def write_case(folder: Path, changes: dict[str, str | None]) -> Path:
    """A small problem in a folder; None takes a line out."""
    rng = np.random.default_rng(4)
    for name, values in (("r.asc", 10 ** rng.uniform(0, 1, (12, 9))), ("s.asc", rng.random((12, 9)))):
        lines = "\n".join(" ".join(f"{x:.6f}" for x in row) for row in values)
        header = "ncols 9\nnrows 12\nxllcorner 0\nyllcorner 0\ncellsize 1\nNODATA_value -9999\n"
        (folder / name).write_text(header + lines + "\n")
    lines = {
        "resistance_file": "r.asc",
        "source_file": "s.asc",
        "radius": "4",
        "project_name": "out",
        **changes,
    }
    file = folder / "problem.ini"
    file.write_text("[Options]\n" + "".join(f"{k} = {v}\n" for k, v in lines.items() if v is not None))
    return file


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"raduis": "5"}, "did you mean 'radius'"),
        ({"mask_nodata": "ture"}, "did you mean 'True'"),
        ({"precision": "singel"}, "did you mean 'single'"),
        ({"radius": None}, "radius is not set"),
        ({"project_name": None}, "project_name is not set"),
        ({"resistance_file": "gone.asc"}, "no such file"),
        ({"block_size": "0"}, "block_size"),
        ({"reclassify_resistance": "true"}, "reclass_table is not set"),
        ({"conditional": "true"}, "condition1_file"),
        (
            {"conditional": "true", "condition1_file": "s.asc", "comparison1": "equals"},
            "did you mean 'equal'",
        ),
        ({"conditional": "true", "condition1_file": "s.asc", "compare_to_future": "3"}, "compare_to_future"),
        (
            {"conditional": "true", "condition1_file": "s.asc", "compare_to_future": "1"},
            "condition1_future_file",
        ),
        ({"conditional": "true", "condition1_file": "s.asc", "condition1_lower": "2"}, "exchange the two"),
        ({"source_file": "small.asc"}, "not on the grid"),
    ],
)
def test_what_is_wrong_with_a_file_is_told(changes: dict[str, str | None], told: str, tmp_path: Path) -> None:
    file = write_case(tmp_path, changes)
    header = "ncols 2\nnrows 1\nxllcorner 0\nyllcorner 0\ncellsize 1\nNODATA_value -9999\n"
    (tmp_path / "small.asc").write_text(header + "1 1\n")
    with pytest.raises(InteropError) as refused:
        run_problem(file)
    assert told in str(refused.value)
    assert any(told in f.text() for f in check_problem(file))
    assert not (tmp_path / "out").exists()


def test_all_problems_are_found_at_once(tmp_path: Path) -> None:
    file = write_case(tmp_path, {"radius": None, "sorce": "x", "resistance_file": "gone.asc"})
    assert {f.code for f in check_problem(file)} == {"X01", "X03", "X04"}


def test_zero_resistance_is_refused_with_the_name_of_the_layer(tmp_path: Path) -> None:
    file = write_case(
        tmp_path, {"reclassify_resistance": "true", "reclass_table": "t.txt", "resistance_file": "c.asc"}
    )
    header = "ncols 9\nnrows 12\nxllcorner 0\nyllcorner 0\ncellsize 1\nNODATA_value -9999\n"
    (tmp_path / "c.asc").write_text(header + "\n".join(["1 2 3 1 2 3 1 2 3"] * 12))
    (tmp_path / "t.txt").write_text("1\t5\n2\t0\n3\tmissing\n")
    with pytest.raises(ResistanceError, match=r"R01(.|\n)*c\.asc"):
        run_problem(file)
    (tmp_path / "t.txt").write_text("1\t5\n2 maybe\n3\tmissing\n")
    assert [f.code for f in check_problem(file)] == ["X21"]


def test_an_unknown_solver_word_is_noted_and_runs(tmp_path: Path) -> None:
    file = write_case(tmp_path, {"solver": "cholmode", "r_cutoff": "Inf"})
    assert [(f.code, f.severity) for f in check_problem(file)] == [("X22", "warning")]
    told: list[str] = []
    assert run_problem(file, tell=lambda finding: told.append(finding.code))[0].name == "cum_currmap.tif"
    assert told == ["X22"]


def test_files_options_and_folders(tmp_path: Path) -> None:
    asked = {"calc_flow_potential": "true", "calc_normalized_current": "true", "write_raw_currmap": "false"}
    file = write_case(tmp_path, {**asked, "write_as_tif": "false", "block_size": "4", "precision": "single"})
    assert read_problem(file).block_size == 5
    first = run_problem(file)
    assert [p.name for p in first] == ["flow_potential.asc", "normalized_cum_currmap.asc", "config.ini"]
    assert {p.parent for p in first} == {tmp_path / "out"}
    again = run_problem(file)
    assert {p.parent for p in again} == {tmp_path / "out_1"}
    assert again[0].read_bytes() == first[0].read_bytes()
    assert first[-1].read_text() == file.read_text()


def test_future_conditions_and_rook_links_reach_the_windows(tmp_path: Path) -> None:
    rng = np.random.default_rng(9)
    base = write_case(
        tmp_path, {"conditional": "true", "condition1_file": "s.asc", "condition1_upper": "0.3"}
    )
    before = read_raster(run_problem(base, output_dir=tmp_path / "a")[0]).values
    header = "ncols 9\nnrows 12\nxllcorner 0\nyllcorner 0\ncellsize 1\nNODATA_value -9999\n"
    rows = "\n".join(" ".join(f"{x:.6f}" for x in row) for row in rng.random((12, 9)))
    (tmp_path / "f.asc").write_text(header + rows)
    later = {"compare_to_future": "1", "condition1_future_file": "f.asc"}
    more = write_case(
        tmp_path, {"conditional": "true", "condition1_file": "s.asc", "condition1_upper": "0.3", **later}
    )
    after = read_raster(run_problem(more, output_dir=tmp_path / "b")[0]).values
    assert np.abs(before - after).max() > 1e-3
    queen = write_case(tmp_path, {})
    plain = read_raster(run_problem(queen, output_dir=tmp_path / "c")[0]).values
    rook = write_case(tmp_path, {"connect_four_neighbors_only": "true"})
    crossed = read_raster(run_problem(rook, output_dir=tmp_path / "d")[0]).values
    assert np.abs(plain - crossed).max() > 1e-3
