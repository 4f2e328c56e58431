"""Published Omniscape cases, through Python and through their problem files; refusals of bad files."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from permeability.errors import InteropError
from permeability.interop.ascii_grid import read_raster
from permeability.interop.omniscape import run_problem
from permeability.omnidirectional import Condition, omnidirectional, reclassify, target_blocks

FOLDER = (
    Path(os.environ.get("PERMEABILITY_SHARED", Path(__file__).resolve().parents[2] / "shared"))
    / "reference"
    / "omniscape"
)
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
