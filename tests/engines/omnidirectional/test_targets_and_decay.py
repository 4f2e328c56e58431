"""Targets of their own, and sources that count less with distance, against windows solved one by one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio

from permeability.core.errors import InteropError, OptionError
from permeability.engines.circuit import grid_links, node_currents, solve_grid
from permeability.engines.omnidirectional import omnidirectional
from permeability.interop.omniscape import read_problem, window_job
from permeability.interop.raster_windows import omnidirectional_files


def one_by_one(
    resistance: np.ndarray, source: np.ndarray, target: np.ndarray, radius: int, decay: float
) -> np.ndarray:
    """Sum of the current maps of all windows, each by a direct solver."""
    rows, cols = np.indices(resistance.shape)
    total = np.zeros(resistance.shape)
    for r, c in np.argwhere(target > 0):
        away = np.hypot(rows - r, cols - c)
        inside = away <= radius
        strength = np.where(inside, source * np.exp(-away / decay), 0.0)
        strength[r, c] = 0.0
        if not strength.any():
            continue
        strength *= target[r, c] / strength.sum()
        links = grid_links(np.where(inside, resistance, np.nan))
        ground = np.zeros(resistance.shape, bool)
        ground[r, c] = True
        voltage = solve_grid(links, strength, ground=ground, solver="splu").voltage
        total += node_currents(links, voltage)
    return total


@pytest.mark.parametrize("decay", [np.inf, 2.0])
def test_targets_and_decay_against_windows_one_by_one(decay: float) -> None:
    rng = np.random.default_rng(0)
    resistance = rng.uniform(1, 9, (12, 14))
    source, target = rng.random((12, 14)), np.zeros((12, 14))
    target[3, 4], target[8, 9], target[0, 13] = 2.0, 0.5, 1.0
    found = omnidirectional(resistance, radius=4, strength=source, targets=target, decay=decay)
    assert found.windows == 3
    np.testing.assert_allclose(
        found.current, one_by_one(resistance, source, target, 4, decay), rtol=1e-7, atol=1e-10
    )


def test_targets_that_are_the_sources_change_nothing() -> None:
    rng = np.random.default_rng(1)
    resistance, strength = rng.uniform(1, 9, (10, 10)), rng.random((10, 10))
    plain = omnidirectional(resistance, radius=3, strength=strength)
    told = omnidirectional(resistance, radius=3, strength=strength, targets=strength, decay=np.inf)
    np.testing.assert_array_equal(plain.current, told.current)


def test_near_sources_count_more() -> None:
    target = np.zeros((1, 11))
    target[0, 5] = 1.0
    near = omnidirectional(
        np.ones((1, 11)), radius=5, strength=np.ones((1, 11)), targets=target, decay=1.0
    ).current
    far = omnidirectional(np.ones((1, 11)), radius=5, strength=np.ones((1, 11)), targets=target).current
    assert near[0, 1] < 0.15 * far[0, 1]
    w = np.exp(-np.arange(1, 6))
    np.testing.assert_allclose(near[0, 1], w[3:].sum() / w.sum() / 2, rtol=1e-9)


def test_refusals() -> None:
    with pytest.raises(OptionError, match="W10"):
        omnidirectional(np.ones((5, 5)), radius=2, decay=0.0)
    with pytest.raises(OptionError, match="W14"):
        omnidirectional(np.ones((5, 5)), radius=2, targets=np.ones((2, 2)))


def test_files_and_problem_files_give_the_maps_of_arrays(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    resistance, strength, target = rng.uniform(1, 9, (12, 15)), rng.random((12, 15)), np.zeros((12, 15))
    target[3, 4], target[9, 11] = 2.0, 1.0
    head = "ncols 15\nnrows 12\nxllcorner 0\nyllcorner 0\ncellsize 100\nNODATA_value -9999\n"
    for name, values in (("r", resistance), ("s", strength), ("t", target)):
        rows = "\n".join(" ".join(repr(float(v)) for v in row) for row in values)
        (tmp_path / f"{name}.asc").write_text(head + rows + "\n")
    expected = omnidirectional(resistance, radius=4, strength=strength, targets=target, decay=2.5).current
    done = omnidirectional_files(
        tmp_path / "r.asc",
        tmp_path / "maps",
        radius=4,
        strength=tmp_path / "s.asc",
        targets=tmp_path / "t.asc",
        decay=2.5,
    )
    with rasterio.open(done.files[0]) as found:
        np.testing.assert_array_equal(found.read(1), expected)
    ini = (
        "[Required]\nresistance_file = r.asc\nradius = 4\nproject_name = out\nsource_file = s.asc\n"
        "[Targets of permeability]\ntarget_file = t.asc\nsource_decay = {}\n"
    )
    (tmp_path / "x.ini").write_text(ini.format(2.5))
    problem = read_problem(tmp_path / "x.ini")
    assert (problem.decay, problem.layers.targets is not None) == (2.5, True)
    peer = omnidirectional(
        resistance, radius=4, strength=strength, targets=target, decay=2.5, compatibility="omniscape"
    ).current
    maps: dict[int, np.ndarray] = {}
    window_job(problem).run(lambda top, rows: maps.update({top: rows["current"]}))
    np.testing.assert_array_equal(np.vstack([maps[k] for k in sorted(maps)]), peer)
    (tmp_path / "x.ini").write_text(ini.format(0))
    with pytest.raises(InteropError, match="X02"):
        read_problem(tmp_path / "x.ini")
