"""Random moving-window problem files, run as the command runs them, against the written rules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import omniscape_rules as windows
import pytest
from problem_writer import Cell, Writer

from permeability.interop.omniscape import run_problem


def window_problem(writer: Writer, shape: Cell) -> tuple[dict[str, Any], np.ndarray]:
    """Layers and options of a moving-window run: written, and as arguments of the rules."""
    rng = writer.rng
    values = rng.choice([1.0, 2.0, 5.0, 20.0], shape)
    values[rng.random(shape) < rng.choice([0.0, 0.15])] = np.nan
    writer.grid("resistance_file", values)
    if writer.flag("reclassify_resistance", rng.random() < 0.3):
        writer.text("reclass_table", ["2 5", "5\tmissing", "7 9"])
        values = np.where(values == 2, 5.0, np.where(values == 5, np.nan, values))
    inverse = writer.flag("resistance_is_conductance", rng.random() < 0.4)
    conductance = np.nan_to_num(values if inverse else 1 / values)
    if writer.flag("source_from_resistance", rng.random() < 0.4):
        cutoff = float(rng.choice([1.0, 5.0, np.inf]))
        writer.options["r_cutoff"] = str(rng.choice(["Inf", "inf"])) if np.isinf(cutoff) else f"{cutoff}"
        source = np.where(conductance < 1 / cutoff, 0.0, conductance)
        writer.options["source_file"] = "(browse to source file)"
    else:
        strength = rng.choice([0.0, 0.1, 0.5, 1.0, np.nan], shape)
        writer.grid("source_file", strength)
        threshold = float(rng.choice([0.0, 0.3]))
        writer.options["source_threshold"] = f"{threshold}"
        source = np.where(np.nan_to_num(strength) < threshold, 0.0, np.nan_to_num(strength))
    block = int(rng.integers(1, 5))
    radius, buffer = int(rng.integers(max(2, block), 5)), int(rng.integers(0, 2))
    writer.options |= {"block_size": f"{block}", "radius": f"{radius}.0", "buffer": f"{buffer}"}
    given = {
        "conductance": conductance,
        "source": source,
        "radius": radius,
        "buffer": buffer,
        "block": block + 1 - block % 2,
        "neighbours": 4 if writer.flag("connect_four_neighbors_only", rng.random() < 0.3) else 8,
        "correct": writer.flag("correct_artifacts", rng.random() < 0.7),
        "rules": window_rules(writer, shape, 0.1 if block > 1 else 0.0),
    }
    return given, values


def window_rules(writer: Writer, shape: Cell, unknown: float) -> list[windows.Rule]:
    """Conditions; without any value in a block there is nothing to compare with."""
    rng = writer.rng
    if not writer.flag("conditional", rng.random() < 0.6):
        writer.options |= {"condition1_lower": "NaN", "condition1_file": "None"}
        return []
    count = int(rng.integers(1, 3))
    future = str(rng.choice(["none", "1", "2", "both"]))
    writer.options |= {"n_conditions": f"{count}", "compare_to_future": future}
    found = []
    for k in range(1, count + 1):
        present = rng.integers(0, 5, shape).astype(float)
        present[rng.random(shape) < unknown] = np.nan
        writer.grid(f"condition{k}_file", present)
        target = present
        if future in (str(k), "both"):
            target = rng.integers(0, 5, shape).astype(float)
            writer.grid(f"condition{k}_future_file", target)
        comparison = str(rng.choice(["within", "equal"]))
        lower, upper = float(rng.choice([-np.inf, -1.0])), float(rng.choice([0.5, 2.0, np.inf]))
        writer.options |= {
            f"comparison{k}": comparison,
            f"condition{k}_lower": "-Inf" if np.isinf(lower) else f"{lower}",
            f"condition{k}_upper": "Inf" if np.isinf(upper) else f"{upper}",
        }
        found.append(windows.Rule(present, target, comparison, lower, upper))
    return found


@pytest.mark.parametrize("seed", range(12))
def test_moving_window_problem_files(seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(3000 + seed)
    writer = Writer(tmp_path, rng)
    shape = (int(rng.integers(6, 12)), int(rng.integers(6, 12)))
    given, values = window_problem(writer, shape)
    writer.options["project_name"] = "result"
    wanted = {
        name: writer.flag(name, rng.random() < 0.6)
        for name in ("calc_flow_potential", "calc_normalized_current", "mask_nodata")
    }
    writer.flag("write_as_tif", False)
    files = {p.stem: p for p in run_problem(writer.ini())}
    current, potential = windows.run(**given)
    share = np.divide(current, potential, out=np.zeros(shape), where=potential > 1e-12)
    maps = {"cum_currmap": current}
    if wanted["calc_flow_potential"]:
        maps["flow_potential"] = potential
    if wanted["calc_normalized_current"]:
        maps["normalized_cum_currmap"] = share
    assert set(files) == {*maps, "config"}
    for name, plane in maps.items():
        expected = np.where(np.isnan(values) & wanted["mask_nodata"], -9999, plane)
        assert files[name].parent == tmp_path / "result"
        np.testing.assert_allclose(np.loadtxt(files[name], skiprows=6), expected, rtol=1e-6, atol=1e-9)


def test_older_names_of_moving_window_options(tmp_path: Path) -> None:
    writer = Writer(tmp_path, np.random.default_rng(1))
    writer.grid("resistance_file", np.full((6, 6), 4.0))
    writer.options |= {"radius": "2", "project_name": "new"}
    writer.options |= {"source_from_resistance": "true", "write_as_tif": "false"}
    present = dict(writer.options)
    maps = []
    for old in (False, True):
        writer.options = {
            **present,
            "project_name": f"run{old}",
            "resistance_file_is_conductance" if old else "resistance_is_conductance": "true",
            "cs_solver" if old else "solver": "cholmod",
        }
        maps.append(np.loadtxt(run_problem(writer.ini())[0], skiprows=6))
    np.testing.assert_array_equal(*maps)
    plain = {**present, "project_name": "plain", "resistance_is_conductance": "false"}
    writer.options = plain
    assert np.abs(np.loadtxt(run_problem(writer.ini())[0], skiprows=6) - maps[0]).max() > 1
